/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/format.h"


#include "base/expression.h"
#include "frame/encoding.h"
#include "frame/pattern.h"
#include "frame/xlsx_range.h"

const char *const format_kind_names[] = { [FORMAT_CSV] = "csv", [FORMAT_XLSX] = "xlsx", [FORMAT_JSON] = "json", [FORMAT_JSONL] = "jsonl", [FORMAT_FIXED] = "fixed", [FORMAT_AVRO] = "avro", [FORMAT_PARQUET] = "parquet" };

Format format_default(void) {
        return (Format){ .kind = FORMAT_CSV,
                         .delimiter = ',',
                         .quote = '"',
                         .header = true,
                         .decimal = '.',
                         .record_limit = FORMAT_RECORD_LIMIT };
}

/* --- checking --- */

/* A backslash is the escape, and nothing else beside it. */
static Status check_escapes(const Format *format, Error *err) {
        if (format->escapes == ESCAPES_NONE)
                return STATUS_OK;
        if (format->escape)
                return error_set(err, STATUS_BAD_VALUE, "escape and escapes: the one is what a database writes, the other what stands before quotes; keep one of them");
        if (format->delimiter == '\\' || format->quote == '\\')
                return error_set(err, STATUS_BAD_VALUE, "escapes: a backslash is an escape then, and neither the delimiter nor the quote");
        if (format->escapes == ESCAPES_POSTGRES && format->quote)
                return error_set(err, STATUS_BAD_VALUE, "escapes: postgres has no quotes: write quote: none beside it");
        return STATUS_OK;
}

static Status check_characters(const Format *format, Error *err) {
        const struct {
                const char *key;
                char byte;
                bool needed;
        } bytes[] = { { "delimiter", format->delimiter, true },
                      { "quote", format->quote, false },
                      { "escape", format->escape, false } };
        for (size_t i = 0; i < COUNT_OF(bytes); i++) {
                char byte = bytes[i].byte;
                if (byte == 0 && bytes[i].needed)
                        return error_set(err, STATUS_BAD_VALUE, "%s: needs a character", bytes[i].key);
                if (byte == '\n' || byte == '\r' || (unsigned char)byte > 0x7f)
                        return error_set(err, STATUS_BAD_VALUE, "%s: must be one ASCII character and no line end",
                                         bytes[i].key);
                for (size_t j = 0; byte != 0 && j < i; j++) {
                        if (bytes[j].byte == byte)
                                return error_set(err, STATUS_BAD_VALUE, "%s and %s are both '%c'", bytes[j].key,
                                                 bytes[i].key, byte);
                }
        }
        if (format->escape && !format->quote)
                return error_set(err, STATUS_BAD_VALUE, "escape: has a meaning only where there is a quote; for a database's dump write escapes: mysql, or postgres");
        return check_escapes(format, err);
}

static Status check_number_characters(const Format *format, Error *err) {
        char decimal = format->decimal ? format->decimal : '.';
        if (decimal != '.' && decimal != ',')
                return error_set(err, STATUS_BAD_VALUE, "decimal: must be '.' or ','");
        if (format->thousands && format->thousands != THOUSANDS_INDIAN && !char_is_one_of(format->thousands, ".,' _"))
                return error_set(err, STATUS_BAD_VALUE, "thousands: must be one of . , ' _, a blank or `indian`");
        if (format->thousands == THOUSANDS_INDIAN && decimal == ',')
                return error_set(err, STATUS_BAD_VALUE, "thousands: indian sets them off by commas, and so the decimal point is none");
        if (format->thousands == decimal)
                return error_set(err, STATUS_BAD_VALUE, "decimal and thousands are both '%c'", decimal);
        return STATUS_OK;
}

/* A currency is no part of a number, or nobody could tell them apart. */
static Status check_currency(const Format *format, Error *err) {
        if (format->currency.count > 32)
                return error_set(err, STATUS_BAD_VALUE, "currency: at most 32 signs and codes");
        for (size_t i = 0; i < format->currency.count; i++) {
                Str text = format->currency.items[i];
                bool good = text.size > 0 && text.size <= 16;
                for (size_t j = 0; j < text.size; j++)
                        good &= !char_is_one_of(text.data[j], "0123456789+-()%, '\t\"");
                if (!good)
                        return error_set(err, STATUS_BAD_VALUE, "currency: '%.*s' must be a sign or a code, without digits, blanks and signs of numbers", STR_ARG(text));
        }
        return STATUS_OK;
}

static Status check_encoding(const Format *format, Error *err) {
        if (encoding_find(format->encoding))
                return STATUS_OK;
        CLEANUP(arena_deinit) Arena arena = { 0 };
        error_set(err, STATUS_BAD_VALUE, "encoding: '%.*s' is none that is read", STR_ARG(format->encoding));
        Str near = encoding_nearest(format->encoding), all = encoding_names(&arena);
        if (near.size > 0)
                return error_hint(err, "did you mean %.*s?", STR_ARG(near));
        return error_hint(err, "one of %.*s; iconv -t UTF-8 makes UTF-8 of others", STR_ARG(all));
}

static Status check_footer(const Format *format, Error *err) {
        if (format->footer.size == 0)
                return STATUS_OK;
        regex_t expression;
        char why[EXPRESSION_WHY];
        if (!expression_compile(format->footer, REG_NOSUB, &expression, why))
                return error_set(err, STATUS_BAD_VALUE, "footer: '%.*s' is not a regular expression: %s",
                                 STR_ARG(format->footer), why);
        regfree(&expression);
        return STATUS_OK;
}

/* Two days whose parts can change places, and one time for both. */
static const int probes[][6] = { { 2003, 2, 1, 10, 11, 12 }, { 2012, 11, 10, 9, 8, 7 } };

static Status check_clash(const Pattern *a, Str a_text, const Pattern *b, Str b_text, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        for (size_t i = 0; i < COUNT_OF(probes); i++) {
                Str text = pattern_print(a, probes[i], &arena);
                Moment by_a, by_b;
                if (!pattern_read(a, text, &by_a) || !pattern_read(b, text, &by_b))
                        continue;
                if (by_a.days == by_b.days && by_a.micros == by_b.micros)
                        continue;
                error_set(err, STATUS_BAD_VALUE, "dates: '%.*s' and '%.*s' read %.*s as different days",
                          STR_ARG(a_text), STR_ARG(b_text), STR_ARG(text));
                return error_hint(err, "a source has one of them; files that differ are two sources");
        }
        return STATUS_OK;
}

Status format_check_dates(const Format *format, Error *err) {
        StrList dates = format->dates;
        if (dates.count > 32)
                return error_set(err, STATUS_BAD_VALUE, "dates: at most 32 patterns");
        for (size_t i = 0; i < dates.count; i++) {
                Pattern a, b;
                TRY(pattern_compile(dates.items[i], &a, err));
                for (size_t j = 0; j < i; j++) {
                        TRY(pattern_compile(dates.items[j], &b, err));
                        TRY(check_clash(&b, dates.items[j], &a, dates.items[i], err));
                        TRY(check_clash(&a, dates.items[i], &b, dates.items[j], err));
                }
        }
        return STATUS_OK;
}

static Status check_workbook(const Format *format, Error *err) {
        XlsxRange range;
        if (format->kind != FORMAT_XLSX && (format->sheets.count > 0 || format->range.size > 0))
                return error_set(err, STATUS_BAD_VALUE, "%s: has a meaning only for format: xlsx",
                                 format->sheets.count > 0 ? "sheet" : "range");
        for (size_t i = 0; i < format->sheets.count; i++) {
                if (format->sheets.items[i].size == 0)
                        return error_set(err, STATUS_BAD_VALUE, "sheet: needs a name or a number");
        }
        if (format->kind == FORMAT_XLSX && (format->delimiter != ',' || format->quote != '"' || format->escape != 0))
                return error_set(err, STATUS_BAD_VALUE, "delimiter, quote and escape have no meaning for format: xlsx");
        return xlsx_range_parse(format->range, &range, err);
}

bool format_is_typed(FormatKind kind) {
        return kind == FORMAT_AVRO || kind == FORMAT_PARQUET;
}

bool format_is_keyed(FormatKind kind) {
        return kind == FORMAT_JSON || kind == FORMAT_JSONL || format_is_typed(kind);
}

/* Such a file says itself where its records are and in which letters. */
static Status check_typed(const Format *format, bool usual_quotes, Error *err) {
        if (!usual_quotes || !format->header || format->skip || format->comment.size > 0 || format->footer.size > 0)
                return error_set(err, STATUS_BAD_VALUE, "format: %s has no delimiter, quote, escape, header, skip, comment or footer",
                                 format_kind_names[format->kind]);
        if (!encoding_is_utf8(encoding_find(format->encoding)))
                return error_set(err, STATUS_BAD_VALUE, "encoding: texts in format: %s are UTF-8", format_kind_names[format->kind]);
        return STATUS_OK;
}

/* What says nothing about the fields of a format must be as usual, since typing goes by it. */
static Status check_kind(const Format *format, Error *err) {
        Format usual = format_default();
        if (format->escapes && format->kind != FORMAT_CSV)
                return error_set(err, STATUS_BAD_VALUE, "escapes: has a meaning only for format: csv");
        bool json = format->kind == FORMAT_JSON || format->kind == FORMAT_JSONL;
        bool usual_quotes = format->delimiter == usual.delimiter && format->quote == usual.quote && !format->escape;
        if (format->records.size > 0 && format->kind != FORMAT_JSON)
                return error_set(err, STATUS_BAD_VALUE, "records: has a meaning for JSON documents only");
        if (format->kind == FORMAT_FIXED && !usual_quotes)
                return error_set(err, STATUS_BAD_VALUE, "delimiter, quote and escape have no meaning for format: fixed");
        if (format_is_typed(format->kind))
                return check_typed(format, usual_quotes, err);
        if (!json)
                return STATUS_OK;
        if (!usual_quotes || !format->header || format->skip || format->comment.size > 0 || format->footer.size > 0)
                return error_set(err, STATUS_BAD_VALUE,
                                 "format: %s has no delimiter, quote, escape, header, skip, comment or footer",
                                 format_kind_names[format->kind]);
        if ((format->decimal && format->decimal != '.') || format->thousands)
                return error_set(err, STATUS_BAD_VALUE, "decimal, thousands: numbers in JSON are written with a point alone");
        return STATUS_OK;
}

Status format_check(const Format *format, Error *err) {
        TRY(check_workbook(format, err));
        TRY(check_kind(format, err));
        TRY(check_characters(format, err));
        TRY(check_number_characters(format, err));
        TRY(check_currency(format, err));
        TRY(check_encoding(format, err));
        TRY(check_footer(format, err));
        TRY(format_check_dates(format, err));
        if (format->record_limit == 0 || format->record_limit > FORMAT_RECORD_LIMIT_MAX)
                return error_set(err, STATUS_BAD_VALUE, "limits.record: must be 1 to %u bytes",
                                 FORMAT_RECORD_LIMIT_MAX);
        if (memchr(format->comment.data ? format->comment.data : "", '\n', format->comment.size))
                return error_set(err, STATUS_BAD_VALUE, "comment: cannot hold a line end");
        return STATUS_OK;
}

Format format_of_column(const Format *format, const SourceColumn *column) {
        Format own = *format;
        if (column->dates.count > 0)
                own.dates = column->dates;
        if (column->has_nulls)
                own.nulls = column->nulls;
        if (column->decimal)
                own.decimal = column->decimal;
        if (column->decimal || column->has_thousands)
                own.thousands = column->thousands;
        if (column->has_currency)
                own.currency = column->currency;
        return own;
}

Status format_check_column(const Format *format, const SourceColumn *column, Error *err) {
        Format own = format_of_column(format, column);
        TRY(check_kind(&own, err));
        TRY(check_number_characters(&own, err));
        TRY(check_currency(&own, err));
        return format_check_dates(&own, err);
}

static bool lists_equal(StrList a, StrList b) {
        bool equal = a.count == b.count;
        for (size_t i = 0; equal && i < a.count; i++)
                equal = str_equal_nocase(a.items[i], b.items[i]);
        return equal;
}

bool format_shares(const Format *a, const Format *b) {
        return a->kind == FORMAT_XLSX && b->kind == FORMAT_XLSX &&
               (!lists_equal(a->sheets, b->sheets) || !str_equal_nocase(a->range, b->range));
}

Status format_check_pattern(Str pattern, Error *err) {
        Pattern compiled;
        return pattern_compile(pattern, &compiled, err);
}

Str thousands_name(const char *thousands) {
        return *thousands == THOUSANDS_INDIAN ? STR("indian") : (Str){ thousands, *thousands != 0 };
}

/* --- names --- */

bool name_is_reserved(Str name) {
        static const char *const reserved[] = { "_file", "_row", "_extra", "_valid_from", "_valid_to", "_witness" };
        for (size_t i = 0; i < COUNT_OF(reserved); i++) {
                if (str_equal_nocase(name, str_of(reserved[i])))
                        return true;
        }
        return false;
}

/* The number that the next namesake tries first; 0: nobody has the name, in any case. */
static int *namesakes_of(Map *taken, Arena *arena, Str name) {
        void **slot = map_at(taken, arena_lower(arena, name));
        if (!*slot)
                *slot = ARENA_NEW(arena, int);
        return *slot;
}

/* No SQL can name what holds a NUL byte. */
Str name_claim(Map *taken, Arena *arena, Str wanted, size_t place) {
        if (wanted.size == 0 || str_find_byte(wanted, '\0') < wanted.size)
                wanted = arena_strf(arena, "column_%zu", place);
        int *next = namesakes_of(taken, arena, wanted);
        bool is_free = *next == 0 && !name_is_reserved(wanted);
        if (*next == 0)
                *next = 2;
        Str name = wanted;
        while (!is_free) {
                name = arena_strf(arena, "%.*s_%d", STR_ARG(wanted), (*next)++);
                int *own = namesakes_of(taken, arena, name);
                is_free = *own == 0;
                *own = *own ? *own : 2;
        }
        return arena_str(arena, name);
}

void names_of_header(const Str *fields, size_t count, Arena *arena, Str *out_names, bool *out_renamed) {
        Map taken;
        map_init(&taken, arena);
        for (size_t i = 0; i < count; i++) {
                Str as_written = fields ? str_trim(fields[i]) : STR_NONE;
                out_names[i] = name_claim(&taken, arena, as_written, i + 1);
                if (out_renamed)
                        out_renamed[i] = !str_equal(out_names[i], as_written);
        }
}

/* --- messages --- */

#define TEXT_MAX (1u << 20)

void str_list_write(Buf *out, StrList list) {
        buf_u32(out, (uint32_t)list.count);
        for (size_t i = 0; i < list.count; i++)
                buf_lstr(out, list.items[i]);
}

static Str text_read(Cursor *cursor, Arena *arena) {
        Str text = cursor_str(cursor);
        if (text.size > TEXT_MAX)
                cursor->failed = true;
        return cursor->failed ? STR_NONE : arena_str(arena, text);
}

StrList str_list_read(Cursor *cursor, Arena *arena) {
        StrList list = { .count = cursor_count(cursor, 4) };
        list.items = ARENA_ARRAY(arena, Str, list.count);
        for (size_t i = 0; i < list.count; i++)
                list.items[i] = text_read(cursor, arena);
        return list;
}

void type_write(Buf *out, Type type) {
        buf_u8(out, (uint8_t)type.kind);
        buf_u8(out, (uint8_t)type.precision);
        buf_u8(out, (uint8_t)type.scale);
        if (!type_is_nested(type))
                return;
        buf_u32(out, (uint32_t)type.field_count);
        for (size_t i = 0; i < type.field_count; i++) {
                buf_lstr(out, type.fields[i].name);
                buf_u32(out, (uint32_t)type.fields[i].id);
                type_write(out, type.fields[i].type);
        }
}

static Type read_type(Cursor *cursor, Arena *arena, int depth);

static void read_fields(Cursor *cursor, Arena *arena, int depth, Type *out) {
        size_t count = cursor_count(cursor, 11);
        bool good = depth < TYPE_NESTED_DEPTH_MAX && count > 0 && (out->kind == TYPE_LIST ? count == 1 : out->kind == TYPE_STRUCT && count <= TYPE_STRUCT_FIELDS_MAX);
        if (cursor->failed || !good) {
                cursor->failed = true;
                return;
        }
        out->fields = ARENA_ARRAY(arena, TypeField, count);
        for (; out->field_count < count && !cursor->failed; out->field_count++) {
                TypeField *field = &out->fields[out->field_count];
                field->name = text_read(cursor, arena);
                field->id = (int)cursor_u32(cursor);
                field->type = read_type(cursor, arena, depth + 1);
        }
}

Type type_read(Cursor *cursor, Arena *arena) {
        return read_type(cursor, arena, 0);
}

static Type read_type(Cursor *cursor, Arena *arena, int depth) {
        Type type = { .kind = (TypeKind)cursor_u8(cursor) };
        type.precision = cursor_u8(cursor);
        type.scale = cursor_u8(cursor);
        bool decimal = type.kind == TYPE_DECIMAL;
        if (type.kind == TYPE_LIST || type.kind == TYPE_STRUCT)
                read_fields(cursor, arena, depth, &type);
        else if (type.kind > TYPE_BINARY ||
            (decimal && (type.precision < 1 || type.precision > 38 || type.scale > type.precision)))
                cursor->failed = true;
        return type;
}

void format_write(Buf *out, const Format *format) {
        const uint8_t bytes[] = { (uint8_t)format->kind,    (uint8_t)format->compression, (uint8_t)format->delimiter,
                                  (uint8_t)format->quote,   (uint8_t)format->escape,      format->header,
                                  (uint8_t)format->decimal, (uint8_t)format->thousands,   (uint8_t)format->percent, (uint8_t)format->negatives, (uint8_t)format->escapes };
        for (size_t i = 0; i < COUNT_OF(bytes); i++)
                buf_u8(out, bytes[i]);
        buf_u32(out, format->skip);
        buf_u32(out, format->record_limit);
        buf_lstr(out, format->encoding);
        buf_lstr(out, format->comment);
        buf_lstr(out, format->footer);
        str_list_write(out, format->sheets);
        buf_lstr(out, format->range);
        buf_lstr(out, format->records);
        str_list_write(out, format->nulls);
        str_list_write(out, format->currency);
        str_list_write(out, format->dates);
        str_list_write(out, format->true_words);
        str_list_write(out, format->false_words);
}

Status format_read(Cursor *cursor, Arena *arena, Format *out, Error *err) {
        Format format = { .kind = (FormatKind)cursor_u8(cursor) };
        format.compression = (FormatCompression)cursor_u8(cursor);
        format.delimiter = (char)cursor_u8(cursor);
        format.quote = (char)cursor_u8(cursor);
        format.escape = (char)cursor_u8(cursor);
        format.header = cursor_u8(cursor) != 0;
        format.decimal = (char)cursor_u8(cursor);
        format.thousands = (char)cursor_u8(cursor);
        format.percent = (FormatPercent)cursor_u8(cursor);
        format.negatives = (FormatNegatives)cursor_u8(cursor);
        format.escapes = (FormatEscapes)cursor_u8(cursor);
        format.skip = cursor_u32(cursor);
        format.record_limit = cursor_u32(cursor);
        format.encoding = text_read(cursor, arena);
        format.comment = text_read(cursor, arena);
        format.footer = text_read(cursor, arena);
        format.sheets = str_list_read(cursor, arena);
        format.range = text_read(cursor, arena);
        format.records = text_read(cursor, arena);
        format.nulls = str_list_read(cursor, arena);
        format.currency = str_list_read(cursor, arena);
        format.dates = str_list_read(cursor, arena);
        format.true_words = str_list_read(cursor, arena);
        format.false_words = str_list_read(cursor, arena);
        if (cursor->failed || format.kind >= FORMAT_KIND_COUNT || format.compression > FORMAT_PLAIN || format.percent > PERCENT_FRACTION ||
            format.negatives > NEGATIVES_BEHIND || format.escapes > ESCAPES_POSTGRES)
                return error_set(err, STATUS_CORRUPT, "a format in a message is malformed");
        TRY(format_check(&format, err));
        *out = format;
        return STATUS_OK;
}

void source_columns_write(Buf *out, const SourceColumn *columns, size_t count) {
        buf_u32(out, (uint32_t)count);
        for (size_t i = 0; i < count; i++) {
                const SourceColumn *column = &columns[i];
                buf_lstr(out, column->name);
                buf_lstr(out, column->from);
                buf_lstr(out, column->was);
                type_write(out, column->type);
                str_list_write(out, column->dates);
                buf_lstr(out, column->zone);
                buf_lstr(out, column->zone_file);
                buf_u8(out, column->required);
                buf_u8(out, column->has_nulls);
                str_list_write(out, column->nulls);
                buf_u8(out, (uint8_t)column->decimal);
                buf_u8(out, (uint8_t)column->thousands);
                buf_u8(out, column->has_thousands);
                buf_u8(out, column->has_currency);
                str_list_write(out, column->currency);
                buf_u32(out, (uint32_t)column->field_id);
        }
}

Status source_columns_read(Cursor *cursor, Arena *arena, SourceColumn **out, size_t *out_count, Error *err) {
        size_t count = cursor_count(cursor, 24);
        if (count > FORMAT_COLUMNS_MAX)
                return error_set(err, STATUS_LIMIT, "a source has %zu columns; at most %d are read", count,
                                 FORMAT_COLUMNS_MAX);
        SourceColumn *columns = ARENA_ARRAY(arena, SourceColumn, count);
        for (size_t i = 0; i < count; i++) {
                SourceColumn *column = &columns[i];
                column->name = text_read(cursor, arena);
                column->from = text_read(cursor, arena);
                column->was = text_read(cursor, arena);
                column->type = type_read(cursor, arena);
                column->dates = str_list_read(cursor, arena);
                column->zone = text_read(cursor, arena);
                column->zone_file = text_read(cursor, arena);
                column->required = cursor_u8(cursor) != 0;
                column->has_nulls = cursor_u8(cursor) != 0;
                column->nulls = str_list_read(cursor, arena);
                column->decimal = (char)cursor_u8(cursor);
                column->thousands = (char)cursor_u8(cursor);
                column->has_thousands = cursor_u8(cursor) != 0;
                column->has_currency = cursor_u8(cursor) != 0;
                column->currency = str_list_read(cursor, arena);
                column->field_id = (int)cursor_u32(cursor);
        }
        if (cursor->failed)
                return error_set(err, STATUS_CORRUPT, "the columns in a message are malformed");
        *out = columns;
        *out_count = count;
        return STATUS_OK;
}
