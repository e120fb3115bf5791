/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A workbook begins with _rels/.rels, which names the part that lists the sheets; that part's own relations name the
 * sheets' parts, the shared texts and the styles. A relation's kind is the end of its type, for there are two families
 * of types with the same ends.
 */
#include "frame/xlsx_book.h"

#include "base/map.h"
#include "base/reason.h"
#include "base/vec.h"

typedef struct Relation {
        Str id, kind;
        const char *part;
} Relation;

typedef VEC(Relation) Relations;

struct XlsxBook {
        Arena arena;
        XlsxZip *zip;
        Relations relations;
        VEC(XlsxSheet) sheets;
        bool from_1904;
        bool loaded;
        VEC(uint8_t) styles; /* kinds, or ZEROS and how many, by the number that cells give */
        Buf texts;
        uint32_t *text_ends;
        size_t text_count, text_room;
};

/* --- what it is --- */

#define OLE_DIRECTORY 4096 /* bytes of it that are looked at */

/* An Office file with a password is an old container of two streams, one of which is called so. */
static bool is_encrypted(Source source, const uint8_t *head) {
        static const char name[] = "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e";
        char directory[OLE_DIRECTORY];
        Cursor cursor = cursor_of((Str){ (const char *)head + 30, 2 });
        uint32_t shift = cursor_u16(&cursor);
        cursor = cursor_of((Str){ (const char *)head + 48, 4 });
        uint64_t sector = cursor_u32(&cursor);
        size_t got;
        Error err;
        if (shift > 20 ||
            source.read_at(source.context, (sector + 1) << shift, directory, sizeof(directory), &got, &err) != STATUS_OK)
                return false;
        return memmem(directory, got, name, sizeof(name) - 1) != NULL;
}

Status xlsx_source_check(Source source, Error *err) {
        uint8_t head[512];
        size_t got;
        if (!source.read_at)
                return error_reason(err, WORKBOOK_NOT);
        TRY(source.read_at(source.context, 0, head, sizeof(head), &got, err));
        Str start = { (const char *)head, got };
        if (str_starts_with(start, STR("\xd0\xcf\x11\xe0")) && got == sizeof(head))
                return error_reason_of(err, is_encrypted(source, head) ? REASON_IS_ENCRYPTED : REASON_IS_OFFICE);
        return str_starts_with(start, STR("PK\x03\x04")) ? STATUS_OK : error_reason(err, WORKBOOK_NOT);
}

/* --- paths --- */

/* A relation's target, from the folder of the part that has it: "../xl/sheet.xml", "/xl/sheet.xml". */
static const char *resolve(Arena *arena, Str folder, Str target) {
        VEC(Str) steps = { 0 };
        Str whole = str_starts_with(target, STR("/")) ? target
                                                      : arena_strf(arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(target));
        for (Str step; whole.size > 0;) {
                str_cut(whole, '/', &step, &whole);
                if (str_is(step, ".."))
                        steps.count -= steps.count > 0;
                else if (step.size > 0 && !str_is(step, "."))
                        vec_push(arena, &steps, step);
        }
        Str path = STR("");
        for (size_t i = 0; i < steps.count; i++)
                path = i ? arena_strf(arena, "%.*s/%.*s", STR_ARG(path), STR_ARG(steps.items[i])) : steps.items[i];
        return arena_cstr(arena, path);
}

static size_t last_slash(Str path) {
        size_t at = path.size;
        while (at > 0 && path.data[at - 1] != '/')
                at--;
        return at; /* of what follows it */
}

static Str folder_of(Str part) {
        size_t at = last_slash(part);
        return str_slice(part, 0, at ? at - 1 : 0);
}

/* "xl/workbook.xml" has its relations in "xl/_rels/workbook.xml.rels". */
static const char *relations_of(Arena *arena, Str part) {
        size_t at = last_slash(part);
        return arena_printf(arena, "%.*s_rels/%.*s.rels", (int)at, part.data, (int)(part.size - at), part.data + at);
}

/* --- the small parts --- */

static Status read_part(XlsxBook *book, const char *name, uint64_t limit, const XlsxEvents *events, void *context,
                        XlsxXml **slot, Error *err) {
        XlsxPart *part;
        TRY(xlsx_part_open(book->zip, name, limit, &part, err));
        CLEANUP(xlsx_xml_freep) XlsxXml *xml = xlsx_xml_new(part, events, context);
        if (slot)
                *slot = xml;
        return xlsx_xml_run(xml, err);
}

static void no_end(void *context, const char *name) {
        (void)context, (void)name;
}

typedef struct RelationsReading {
        XlsxBook *book;
        Str folder;
        Relations *out;
} RelationsReading;

static void on_relation(void *context, const char *name, const char **attributes) {
        RelationsReading *reading = context;
        Arena *arena = &reading->book->arena;
        const char *id = xlsx_attribute(attributes, "Id"), *type = xlsx_attribute(attributes, "Type"),
                   *target = xlsx_attribute(attributes, "Target");
        if (strcmp(name, "Relationship") != 0 || !id || !type || !target)
                return;
        Str whole = str_of(type);
        vec_push(arena, reading->out,
                 (Relation){ arena_str(arena, str_of(id)), arena_str(arena, str_slice(whole, last_slash(whole), whole.size)),
                             resolve(arena, reading->folder, str_of(target)) });
}

static Status read_relations(XlsxBook *book, Str part, Relations *out, Error *err) {
        static const XlsxEvents events = { on_relation, no_end, NULL };
        const char *name = part.size ? relations_of(&book->arena, part) : "_rels/.rels";
        RelationsReading reading = { book, folder_of(part), out };
        if (!xlsx_zip_has(book->zip, name))
                return STATUS_OK;
        return read_part(book, name, XLSX_PART_MAX, &events, &reading, NULL, err);
}

static const char *part_of_kind(const Relations *relations, const char *kind) {
        for (size_t i = 0; i < relations->count; i++) {
                if (str_is(relations->items[i].kind, kind))
                        return relations->items[i].part;
        }
        return NULL;
}

static bool is_true(const char *value) {
        return value && (strcmp(value, "1") == 0 || strcmp(value, "true") == 0 || strcmp(value, "on") == 0);
}

typedef struct WorkbookReading {
        XlsxBook *book;
        XlsxXml *xml;
} WorkbookReading;

static void take_sheet(WorkbookReading *reading, const char **attributes) {
        XlsxBook *book = reading->book;
        const char *name = xlsx_attribute(attributes, "name"), *id = xlsx_attribute(attributes, "id"),
                   *state = xlsx_attribute(attributes, "state");
        for (size_t i = 0; name && id && i < book->relations.count; i++) {
                const Relation *relation = &book->relations.items[i];
                if (!str_is(relation->id, id) || !str_is(relation->kind, "worksheet"))
                        continue;
                if (book->sheets.count == XLSX_SHEETS_MAX) {
                        error_reason(xlsx_xml_fail(reading->xml), WORKBOOK_SHEETS, reason_number(XLSX_SHEETS_MAX));
                        return;
                }
                vec_push(&book->arena, &book->sheets,
                         (XlsxSheet){ arena_str(&book->arena, str_of(name)), relation->part,
                                      state && strcmp(state, "visible") != 0 });
                return;
        }
}

static void on_workbook(void *context, const char *name, const char **attributes) {
        WorkbookReading *reading = context;
        if (strcmp(name, "workbookPr") == 0) /* an extension has one of that name too, which does not say it */
                reading->book->from_1904 |= is_true(xlsx_attribute(attributes, "date1904"));
        else if (strcmp(name, "sheet") == 0)
                take_sheet(reading, attributes);
}

static Status read_workbook(XlsxBook *book, Error *err) {
        static const XlsxEvents events = { on_workbook, no_end, NULL };
        Relations top = { 0 };
        TRY(read_relations(book, STR(""), &top, err));
        const char *part = part_of_kind(&top, "officeDocument");
        if (!part)
                part = "xl/workbook.xml";
        if (!xlsx_zip_has(book->zip, part))
                return error_reason(err, WORKBOOK_NOT);
        TRY(read_relations(book, str_of(part), &book->relations, err));
        WorkbookReading reading = { .book = book };
        TRY(read_part(book, part, XLSX_PART_MAX, &events, &reading, &reading.xml, err));
        if (book->sheets.count == 0)
                return error_reason_of(err, part_of_kind(&book->relations, "chartsheet") ? REASON_WORKBOOK_EMPTY
                                                                                        : REASON_WORKBOOK_NOT);
        return STATUS_OK;
}

Status xlsx_book_open(Source source, XlsxBook **out, Error *err) {
        CLEANUP(xlsx_book_freep) XlsxBook *book = calloc(1, sizeof(*book));
        if (!book)
                out_of_memory();
        TRY(xlsx_zip_open(source, &book->zip, err));
        TRY(read_workbook(book, err));
        *out = TAKE_PTR(book);
        return STATUS_OK;
}

void xlsx_book_free(XlsxBook *book) {
        if (!book)
                return;
        xlsx_zip_free(book->zip);
        buf_deinit(&book->texts);
        free(book->text_ends);
        arena_deinit(&book->arena);
        free(book);
}

void xlsx_book_freep(XlsxBook **book) {
        xlsx_book_free(*book);
        *book = NULL;
}

/* --- number formats --- */

typedef struct StylesReading {
        XlsxBook *book;
        Arena arena;
        Map codes; /* id in decimal -> kind + 1 */
        int depth, formats_depth; /* inside cellXfs; 0: not */
} StylesReading;

static void styles_reading_deinit(StylesReading *reading) {
        arena_deinit(&reading->arena);
}

#define ZEROS 64 /* what is more than this is a number of so many digits */

static uint8_t style_of_code(Str code) {
        int zeros = xlsx_zeros_of_code(code);
        return (uint8_t)(zeros > 0 ? ZEROS + zeros : (int)xlsx_kind_of_code(code));
}

static void take_code(StylesReading *reading, const char **attributes) {
        const char *id = xlsx_attribute(attributes, "numFmtId"), *code = xlsx_attribute(attributes, "formatCode");
        if (id && code)
                map_put(&reading->codes, str_of(id), (void *)(uintptr_t)(style_of_code(str_of(code)) + 1));
}

static void take_style(StylesReading *reading, const char **attributes) {
        XlsxBook *book = reading->book;
        const char *id = xlsx_attribute(attributes, "numFmtId");
        int64_t number = 0;
        uintptr_t kind = id ? (uintptr_t)map_get(&reading->codes, str_of(id)) : 0;
        if (id && !kind)
                str_to_int64(str_of(id), &number);
        vec_push(&book->arena, &book->styles, (uint8_t)(kind ? kind - 1 : (uintptr_t)xlsx_kind_of_builtin(number)));
}

static void on_style(void *context, const char *name, const char **attributes) {
        StylesReading *reading = context;
        reading->depth++;
        if (strcmp(name, "numFmt") == 0)
                take_code(reading, attributes);
        else if (strcmp(name, "cellXfs") == 0 && !reading->formats_depth)
                reading->formats_depth = reading->depth;
        else if (strcmp(name, "xf") == 0 && reading->formats_depth && reading->depth == reading->formats_depth + 1)
                take_style(reading, attributes);
}

static void on_style_end(void *context, const char *name) {
        (void)name;
        StylesReading *reading = context;
        if (reading->depth-- == reading->formats_depth)
                reading->formats_depth = 0;
}

static Status load_styles(XlsxBook *book, Error *err) {
        static const XlsxEvents events = { on_style, on_style_end, NULL };
        const char *part = part_of_kind(&book->relations, "styles");
        if (!part || !xlsx_zip_has(book->zip, part))
                return STATUS_OK;
        CLEANUP(styles_reading_deinit) StylesReading reading = { .book = book };
        map_init(&reading.codes, &reading.arena);
        return read_part(book, part, XLSX_PART_MAX, &events, &reading, NULL, err);
}

XlsxKind xlsx_style(const XlsxBook *book, uint64_t index) {
        return index < book->styles.count && book->styles.items[index] < ZEROS ? (XlsxKind)book->styles.items[index] : XLSX_NUMBER;
}

int xlsx_zeros(const XlsxBook *book, uint64_t style) {
        return style < book->styles.count && book->styles.items[style] > ZEROS ? book->styles.items[style] - ZEROS : 0;
}

/* --- shared texts --- */

static int hex_value(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char)(c | 0x20);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character that _xHHHH_ stands for; 0: none, or one that no text may hold. */
static uint32_t escaped_at(const char *text, size_t size) {
        uint32_t point = 0;
        if (size < 7 || text[0] != '_' || text[1] != 'x' || text[6] != '_')
                return 0;
        for (size_t i = 2; i < 6; i++) {
                int digit = hex_value(text[i]);
                if (digit < 0)
                        return 0;
                point = point * 16 + (uint32_t)digit;
        }
        return point >= 0xd800 && point <= 0xdfff ? 0 : point;
}

size_t xlsx_unescape(char *text, size_t size) {
        char *first = memchr(text, '_', size);
        if (!first)
                return size;
        size_t put = (size_t)(first - text);
        for (size_t at = put; at < size;) {
                uint32_t point = escaped_at(text + at, size - at);
                if (point)
                        put += utf8_encode(point, text + put);
                else
                        text[put++] = text[at];
                at += point ? 7 : 1;
        }
        return put;
}

typedef struct TextsReading {
        XlsxBook *book;
        XlsxXml *xml;
        int depth, quiet_depth; /* quiet: inside phonetic hints, which are no text of the cell */
        bool inside;            /* a t */
        size_t begin;
} TextsReading;

static void texts_are_many(TextsReading *reading) {
        error_reason(xlsx_xml_fail(reading->xml), WORKBOOK_TEXTS, reason_number(XLSX_TEXTS_MAX));
}

static void on_text_start(void *context, const char *name, const char **attributes) {
        (void)attributes;
        TextsReading *reading = context;
        reading->depth++;
        if (strcmp(name, "si") == 0)
                reading->begin = reading->book->texts.size;
        else if (strcmp(name, "rPh") == 0 && !reading->quiet_depth)
                reading->quiet_depth = reading->depth;
        else if (strcmp(name, "t") == 0)
                reading->inside = !reading->quiet_depth;
}

static void end_text(TextsReading *reading) {
        XlsxBook *book = reading->book;
        if (book->text_count == book->text_room) {
                book->text_room = book->text_room ? book->text_room * 2 : 1024;
                book->text_ends = reallocarray(book->text_ends, book->text_room, sizeof(*book->text_ends));
                if (!book->text_ends)
                        out_of_memory();
        }
        if (book->texts.size > reading->begin)
                book->texts.size = reading->begin +
                                   xlsx_unescape(book->texts.data + reading->begin, book->texts.size - reading->begin);
        book->text_ends[book->text_count++] = (uint32_t)book->texts.size;
        if (book->texts.size + book->text_count * sizeof(*book->text_ends) > XLSX_TEXTS_MAX)
                texts_are_many(reading);
}

static void on_text_end(void *context, const char *name) {
        TextsReading *reading = context;
        if (strcmp(name, "si") == 0)
                end_text(reading);
        else if (strcmp(name, "t") == 0)
                reading->inside = false;
        if (reading->depth-- == reading->quiet_depth)
                reading->quiet_depth = 0;
}

static void on_text_piece(void *context, Str text) {
        TextsReading *reading = context;
        if (!reading->inside)
                return;
        if (reading->book->texts.size + text.size > XLSX_TEXTS_MAX)
                texts_are_many(reading);
        else
                buf_append(&reading->book->texts, text);
}

static Status load_texts(XlsxBook *book, Error *err) {
        static const XlsxEvents events = { on_text_start, on_text_end, on_text_piece };
        const char *part = part_of_kind(&book->relations, "sharedStrings");
        if (!part || !xlsx_zip_has(book->zip, part))
                return STATUS_OK;
        TextsReading reading = { .book = book };
        return read_part(book, part, 0, &events, &reading, &reading.xml, err);
}

bool xlsx_text(const XlsxBook *book, uint64_t index, Str *out) {
        if (index >= book->text_count)
                return false;
        size_t begin = index ? book->text_ends[index - 1] : 0, end = book->text_ends[index];
        *out = end > begin ? (Str){ book->texts.data + begin, end - begin } : STR(""); /* all may be empty, and then there is no buffer */
        return true;
}

Status xlsx_book_load(XlsxBook *book, Error *err) {
        if (book->loaded)
                return STATUS_OK;
        TRY(load_styles(book, err));
        TRY(load_texts(book, err));
        book->loaded = true;
        return STATUS_OK;
}

/* --- sheets --- */

size_t xlsx_sheet_count(const XlsxBook *book) {
        return book->sheets.count;
}

const XlsxSheet *xlsx_sheet(const XlsxBook *book, size_t index) {
        return &book->sheets.items[index];
}

size_t xlsx_sheet_find(const XlsxBook *book, Str wanted) {
        uint64_t number;
        for (size_t i = 0; i < book->sheets.count; i++) {
                if (str_equal_nocase(book->sheets.items[i].name, wanted))
                        return i;
        }
        return str_to_uint64(wanted, &number) && number >= 1 && number <= book->sheets.count ? (size_t)number - 1 : SIZE_MAX;
}

Str xlsx_sheet_names(const XlsxBook *book, Arena *arena) {
        Str names = STR("");
        for (size_t i = 0; i < book->sheets.count && names.size < 100; i++)
                names = i ? arena_strf(arena, "%.*s', '%.*s", STR_ARG(names), STR_ARG(book->sheets.items[i].name))
                          : book->sheets.items[i].name;
        return names;
}

bool xlsx_from_1904(const XlsxBook *book) {
        return book->from_1904;
}

uint64_t xlsx_read_raw(const XlsxBook *book) {
        return xlsx_zip_read_raw(book->zip);
}

Status xlsx_sheet_xml(XlsxBook *book, size_t index, uint64_t limit, const XlsxEvents *events, void *context, XlsxXml **out,
                      Error *err) {
        XlsxPart *part;
        TRY(xlsx_part_open(book->zip, book->sheets.items[index].part, limit, &part, err));
        *out = xlsx_xml_new(part, events, context);
        return STATUS_OK;
}
