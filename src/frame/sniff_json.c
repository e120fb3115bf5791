/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON says more than CSV: which values are texts, and how they are named. What is left to find out is whether the file
 * consists of lines or is one document, where in a document the records are, and what the texts hold.
 */
#include "base/reason.h"
#include "base/vec.h"
#include "frame/json_reader.h"
#include "frame/json_text.h"
#include "frame/json_tree.h"
#include "frame/sniff_parts.h"

#define LINES_LOOKED_AT 100
#define PATH_DEPTH_MAX 6 /* keys that lead to records */
#define MAP_KEYS_MIN 50  /* so many keys, of which a record has few, are data */
#define MAP_SHARE 10     /* one of so many */
#define LISTS_TOLD_MAX 30
#define TEXTS_SHARE 8 /* one text among so many numbers is a misfit of theirs */

/* Blanks, then nothing: or, behind a list, another line with one. */
static bool ends_as_json(const JsonText *json, bool list) {
        JsonText rest = *json;
        bool line_ends = false;
        for (; rest.at < rest.size && char_is_one_of(rest.text[rest.at], " \t\r\n"); rest.at++)
                line_ends |= rest.text[rest.at] == '\n';
        return rest.at == rest.size || (list && line_ends && (rest.text[rest.at] == '[' || rest.text[rest.at] == '{'));
}

/*
 * A list of other things than objects is no CSV if all of it is JSON, up to where the text is cut. A text or a word is,
 * if it is all that there is; a number alone is as CSV has it, too.
 */
static bool is_json_value(Str text, bool whole) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(json_text_deinit)
        JsonText json = { .text = arena_cstr(&arena, text), .size = text.size, .whole = whole };
        Str unused;
        json_text_blank(&json);
        bool list = json.text[json.at] == '[';
        if (json_text_value(&json, 0, &unused))
                return (list || whole) && ends_as_json(&json, list);
        return list && (json.fault == JSON_FAULT_MORE || json.fault == JSON_FAULT_CUT);
}

bool sniff_is_json(Str text, bool whole) {
        char seen[2] = { 0 };
        size_t count = 0;
        for (size_t i = 0; i < text.size && count < COUNT_OF(seen); i++)
                if (!char_is_one_of(text.data[i], " \t\r\n"))
                        seen[count++] = text.data[i];
        if ((seen[0] == '{' && (seen[1] == '"' || seen[1] == '}')) ||
            (seen[0] == '[' && (seen[1] == '{' || seen[1] == '[' || seen[1] == ']' || seen[1] == '"')))
                return true;
        return count > 0 && char_is_one_of(seen[0], "[\"tfn") && is_json_value(text, whole);
}

/* --- lines or a document --- */

/* A list is one too, if nothing follows it on its line: a document may have the items of its list so, but for the commas. */
static bool is_record_line(Str line) {
        CLEANUP(json_text_deinit)
        JsonText json = { .text = line.data, .size = line.size, .whole = true, .one_line = true };
        Str unused;
        json_text_blank(&json);
        char first = json.at < json.size ? json.text[json.at] : 0;
        if ((first != '{' && first != '[') || !json_text_value(&json, 0, &unused))
                return false;
        json_text_blank(&json);
        return json.at == json.size || (first == '{' && json.text[json.at] == '{');
}

/* Most lines are records, and there is more than one. */
static bool is_lines(Str text, Arena *arena) {
        size_t lines = 0, records = 0;
        while (text.size > 0 && lines < LINES_LOOKED_AT) {
                Str line, rest;
                bool cut = str_cut(text, '\n', &line, &rest);
                text = rest;
                if (str_trim(line).size == 0)
                        continue;
                if (!cut && lines > 0 && records == lines)
                        break; /* the last one may be cut */
                lines++;
                records += is_record_line(str_of(arena_cstr(arena, line)));
        }
        return lines > 1 && records * 2 > lines;
}

/* --- where in a document the records are --- */

typedef struct ObjectList {
        Str path;
        int64_t items;
} ObjectList;

typedef struct Outline {
        JsonText json;
        Arena *arena;
        VEC(ObjectList) lists;
} Outline;

static bool outline_value(Outline *outline, Str path, size_t depth);

/* Behind `[`: counts the items; a list counts if its first is an object. */
static bool outline_list(Outline *outline, Str path) {
        JsonText *json = &outline->json;
        json->at++;
        json_text_blank(json);
        bool objects = json->text[json->at] == '{', end = json->text[json->at] == ']';
        json->at += end;
        ObjectList list = { path, 0 };
        bool good = true;
        while (!end && good) {
                Str unused;
                good = json_text_value(json, 0, &unused);
                list.items += good;
                good = good && json_text_next(json, ']', &end);
        }
        if (objects && list.items > 0)
                vec_push(outline->arena, &outline->lists, list);
        return good;
}

static bool outline_member(Outline *outline, Str path, size_t depth) {
        JsonText *json = &outline->json;
        JsonString key;
        if (!json_text_key(json, &key))
                return false;
        JsonTree tree = { 0 };
        json_tree_init(&tree, (StrList){ 0 });
        Buf text = { 0 };
        buf_added(&text, json_unescape(key.inside, buf_reserve(&text, key.inside.size + 1)));
        Str own = arena_str(outline->arena, json_tree_key(&tree, tree.root, buf_view(&text))->path);
        json_tree_deinit(&tree);
        buf_deinit(&text);
        if (path.size > 0)
                own = arena_strf(outline->arena, "%.*s.%.*s", STR_ARG(path), STR_ARG(own));
        return outline_value(outline, own, depth + 1);
}

static bool outline_value(Outline *outline, Str path, size_t depth) {
        JsonText *json = &outline->json;
        char c = json->text[json->at];
        Str unused;
        if (c == '[' && depth > 0)
                return outline_list(outline, path);
        if (c != '{' || depth >= PATH_DEPTH_MAX)
                return json_text_value(json, 0, &unused);
        json->at++;
        json_text_blank(json);
        bool end = json->text[json->at] == '}';
        json->at += end;
        while (!end)
                if (!outline_member(outline, path, depth) || !json_text_next(json, '}', &end))
                        return false;
        return true;
}

static Str others_text(const Outline *outline, const ObjectList *chosen) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        size_t told = 0;
        for (size_t i = 0; i < outline->lists.count && told < LISTS_TOLD_MAX; i++) {
                const ObjectList *list = &outline->lists.items[i];
                if (list == chosen)
                        continue;
                buf_printf(&out, "%s%.*s (%lld)", told++ ? ", " : "", STR_ARG(list->path), (long long)list->items);
        }
        return buf_dup(&out, outline->arena);
}

/* A document that is one object with lists of objects inside holds its records in the longest of them. */
static void find_records(Str text, Arena *arena, Sniffed *out) {
        Outline outline = { .json = { .text = text.data, .size = text.size, .whole = true }, .arena = arena };
        json_text_blank(&outline.json);
        bool whole = outline_value(&outline, STR(""), 0);
        json_text_blank(&outline.json);
        bool more = whole && outline.json.at < text.size; /* objects one after the other are records themselves */
        json_text_deinit(&outline.json);
        const ObjectList *longest = NULL;
        for (size_t i = 0; i < outline.lists.count && !more; i++)
                if (!longest || outline.lists.items[i].items > longest->items)
                        longest = &outline.lists.items[i];
        if (!longest)
                return;
        out->format.records = longest->path;
        sniffed_doubt(arena, out, STR(""),
                      arena_strf(arena, "the document is one object, in which the list '%.*s' has %lld objects",
                                 STR_ARG(longest->path), (long long)longest->items),
                      STR("they are the records"));
        Str others = others_text(&outline, longest);
        if (others.size > 0)
                sniffed_doubt(arena, out, STR(""), arena_strf(arena, "it has more lists of objects: %.*s", STR_ARG(others)),
                              STR("not loaded; 'records' names the list that is"));
}

/* --- columns --- */

typedef struct JsonColumn {
        VEC(Str) fields;
        size_t texts, bare, words, nested;
} JsonColumn;

typedef struct JsonSniff {
        Arena *arena;
        RecordReader *reader;
        VEC(JsonColumn) columns;
        VEC(Str) keys;
        int64_t rows;
        int64_t bad;
        bool is_deep; /* one of the bad nests too deep */
} JsonSniff;

/* Lists and objects are written as text in quotes; so is a text that looks like one, which no harm comes of. */
static bool is_nested(Str field) {
        return field.size > 2 && (field.data[1] == '[' || field.data[1] == '{') &&
               (field.data[field.size - 2] == ']' || field.data[field.size - 2] == '}');
}

static void take_field(JsonSniff *sniff, JsonColumn *column, Str field) {
        if (field.size == 0)
                return;
        vec_push(sniff->arena, &column->fields, arena_str(sniff->arena, field));
        bool quoted = field.data[0] == '"';
        column->nested += quoted && is_nested(field);
        column->texts += quoted && !is_nested(field);
        column->words += field.data[0] == 't' || field.data[0] == 'f';
        column->bare += !quoted && field.data[0] != 't' && field.data[0] != 'f';
}

static void take_batch(JsonSniff *sniff, const RecordBatch *batch) {
        while (sniff->columns.count < batch->width) {
                vec_push(sniff->arena, &sniff->keys, arena_str(sniff->arena, reader_key(sniff->reader, sniff->columns.count)));
                vec_push(sniff->arena, &sniff->columns, (JsonColumn){ .texts = 0 });
        }
        for (size_t row = 0; row < batch->rows; row++)
                for (size_t i = 0; i < batch->width; i++)
                        take_field(sniff, &sniff->columns.items[i], record_field(batch, row, i));
        sniff->rows += (int64_t)batch->rows;
        sniff->bad += (int64_t)batch->bad_count;
        for (size_t i = 0; i < batch->bad_count; i++)
                sniff->is_deep |= batch->bad[i].rule == RULE_BAD_JSON && batch->bad[i].wanted == JSON_FAULT_TOO_DEEP;
}

static Status read_columns(JsonSniff *sniff, const Format *format, Str text, bool whole, StrList names, Error *err) {
        ReaderOptions options = { .format = format, .names = names, .sample = !whole };
        memset(&sniff->columns, 0, sizeof(sniff->columns));
        memset(&sniff->keys, 0, sizeof(sniff->keys));
        sniff->rows = sniff->bad = 0;
        TRY(reader_start(sniff->reader, &options, source_of_bytes(&text), err));
        while (true) {
                RecordBatch batch = { .rows = 0 };
                bool end;
                TRY(reader_next(sniff->reader, &batch, &end, err));
                if (end)
                        break;
                take_batch(sniff, &batch);
        }
        RecordBatch none = { .width = reader_width(sniff->reader) };
        take_batch(sniff, &none);
        return STATUS_OK;
}

/* The path of the object that a key stands in. */
static Str path_above(Str path) {
        for (size_t i = path.size; i-- > 1;)
                if (path.data[i] == '.' && path.data[i - 1] != '\\')
                        return str_slice(path, 0, i);
        return STR("");
}

typedef struct KeyCount {
        int64_t keys, values;
} KeyCount;

/* Objects with many keys of which each record has a few: the keys are data, and become no columns. */
static StrList find_maps(const JsonSniff *sniff, Sniffed *out) {
        Map counts;
        VEC(Str) maps = { 0 };
        map_init(&counts, sniff->arena);
        for (size_t i = 0; i < sniff->keys.count; i++) {
                void **slot = map_at(&counts, path_above(sniff->keys.items[i]));
                if (!*slot)
                        *slot = ARENA_NEW(sniff->arena, KeyCount);
                KeyCount *count = *slot;
                count->keys++;
                count->values += (int64_t)sniff->columns.items[i].fields.count;
        }
        for (size_t i = 0; i < counts.count; i++) {
                const KeyCount *count = counts.entries[i].value;
                Str path = counts.entries[i].key;
                if (path.size == 0 || count->keys < MAP_KEYS_MIN || count->values * MAP_SHARE > count->keys * sniff->rows)
                        continue;
                vec_push(sniff->arena, &maps, path);
                sniffed_doubt(sniff->arena, out, json_path_name(path, sniff->arena),
                              arena_strf(sniff->arena, "its objects have %lld different keys, of which each has few",
                                         (long long)count->keys),
                              STR("the keys are data; the object is kept as JSON text"));
        }
        return (StrList){ maps.items, maps.count };
}

static FieldKind kind_of(const JsonColumn *column) {
        size_t kinds = (column->texts > 0) + (column->bare > 0) + (column->words > 0) + (column->nested > 0);
        bool few_texts = kinds == 2 && column->bare > 0 && column->texts > 0 && column->texts * TEXTS_SHARE <= column->bare;
        if (few_texts)
                return FIELD_ANY; /* numbers, but for a few */
        if (kinds > 1)
                return FIELD_MIXED;
        return column->nested > 0 ? FIELD_NESTED : column->texts > 0 ? FIELD_TEXTS : FIELD_ANY;
}

/* A key of the record keeps its name, wherever objects stand whose keys give the same one. */
static Str *name_columns(const JsonSniff *sniff) {
        Str *names = ARENA_ARRAY(sniff->arena, Str, sniff->columns.count + 1);
        Map taken;
        map_init(&taken, sniff->arena);
        for (int inside = 0; inside < 2; inside++)
                for (size_t i = 0; i < sniff->columns.count; i++)
                        if (json_path_is_key(sniff->keys.items[i]) != inside)
                                names[i] = name_claim(&taken, sniff->arena, json_path_name(sniff->keys.items[i], sniff->arena), i + 1);
        return names;
}

static void make_columns(const JsonSniff *sniff, Sniffed *out) {
        Arena *arena = sniff->arena;
        CutColumn *cut = ARENA_ARRAY(arena, CutColumn, sniff->columns.count + 1);
        Str *names = name_columns(sniff);
        for (size_t i = 0; i < sniff->columns.count; i++) {
                const JsonColumn *column = &sniff->columns.items[i];
                Str key = sniff->keys.items[i], wanted = json_path_name(key, arena);
                cut[i] = (CutColumn){ .name = names[i],
                                      .key = key,
                                      .fields = { column->fields.items, column->fields.count },
                                      .absent = sniff->rows - (int64_t)column->fields.count,
                                      .kind = kind_of(column) };
                if (!str_equal(cut[i].name, wanted) && wanted.size > 0)
                        sniffed_doubt(arena, out, cut[i].name,
                                      arena_strf(arena, "'%.*s' gives a name that is taken", STR_ARG(key)),
                                      arena_strf(arena, "named %.*s", STR_ARG(cut[i].name)));
        }
        sniff_columns(cut, sniff->columns.count, arena, out);
}

static Status no_records(const JsonSniff *sniff, Str text, Error *err) {
        Str inside = str_trim(text);
        bool list = inside.size > 1 && inside.data[0] == '[' && inside.data[inside.size - 1] == ']';
        if (list && str_trim(str_slice(inside, 1, inside.size - 1)).size == 0)
                return error_reason(err, JSON_EMPTY);
        if (sniff->is_deep)
                return error_reason(err, JSON_DEPTH, reason_number(JSON_DEPTH_MAX));
        return sniff->bad > 0 ? error_reason(err, JSON_BAD) : error_reason(err, NO_RECORDS);
}

Status sniff_json(Str text, bool whole, Arena *arena, Sniffed *out, Error *err) {
        CLEANUP(reader_freep) RecordReader *reader = reader_new();
        JsonSniff sniff = { .arena = arena, .reader = reader };
        Sniffed made = { .format = format_default(), .whole = whole };
        Str zero_ended = str_of(arena_cstr(arena, text)); /* the grammar's sentinel; a NUL inside ends the sample */
        zero_ended.size = text.size;
        made.format.kind = is_lines(text, arena) ? FORMAT_JSONL : FORMAT_JSON;
        if (made.format.kind == FORMAT_JSON)
                find_records(zero_ended, arena, &made);
        TRY(read_columns(&sniff, &made.format, text, whole, (StrList){ 0 }, err));
        StrList maps = find_maps(&sniff, &made);
        if (maps.count > 0)
                TRY(read_columns(&sniff, &made.format, text, whole, maps, err));
        if (sniff.rows == 0)
                return no_records(&sniff, text, err);
        if (sniff.bad > 0)
                sniffed_doubt(arena, &made, STR(""),
                              arena_strf(arena, "%lld of %lld records are not JSON that can be read", (long long)sniff.bad,
                                         (long long)(sniff.rows + sniff.bad)),
                              STR("they go to quarantine"));
        make_columns(&sniff, &made);
        *out = made;
        return STATUS_OK;
}
