/* SPDX-License-Identifier: Apache-2.0 */
#include "model/source_load.h"

#include <ctype.h>

#include "base/vec.h"
#include "frame/pattern.h"

const char *source_load_name(SourceLoad load) {
        static const char *const names[] = { "append", "replace", "merge", "history" };
        return names[load];
}

void read_as_of(KeyContext *context, const YamlNode *value, void *object) {
        Source *source = object;
        Str text;
        Error err = { 0 };
        if (!key_text(context, value, &text) || as_of_parse(text, context->arena, &source->as_of, &err) == STATUS_OK)
                return;
        yaml_error_place(&err, context->file, value);
        problems_take(context->problems, &err);
}

/* ---- deleted_when: COLUMN = VALUE, COLUMN in (VALUE, ...), COLUMN is [not] null ---- */

/* What may stand without quotes. Not `== D`, nor `D or op = 'X'`: taken for a value it would never occur, and nothing be deleted. */
static bool is_bare(Str word) {
        for (size_t i = 0; i < word.size; i++) {
                uint8_t byte = (uint8_t)word.data[i];
                if (byte < 0x80 && !isalnum(byte) && !char_is_one_of(byte, "_-+.:/"))
                        return false;
        }
        return word.size > 0;
}

/* A name or a value off the front: in quotes, a doubled quote being one, or up to a character that ends it. */
static bool cut_word(Arena *arena, Str *rest, const char *ends, Str *out) {
        *rest = str_trim(*rest);
        if (rest->size == 0)
                return false;
        char mark = rest->data[0];
        if (mark != '\'' && mark != '"') {
                size_t end = 0;
                while (end < rest->size && !char_is_one_of(rest->data[end], ends))
                        end++;
                *out = arena_str(arena, str_trim(str_slice(*rest, 0, end)));
                *rest = str_slice(*rest, end, rest->size);
                return is_bare(*out);
        }
        CLEANUP(buf_deinit) Buf word = { 0 };
        size_t at = 1;
        for (; at < rest->size; at++) {
                if (rest->data[at] == mark && (at + 1 == rest->size || rest->data[at + 1] != mark))
                        break;
                at += rest->data[at] == mark;
                buf_append_byte(&word, rest->data[at]);
        }
        if (at >= rest->size)
                return false;
        *out = word.size ? buf_dup(&word, arena) : STR("");
        *rest = str_slice(*rest, at + 1, rest->size);
        return true;
}

static bool cut_prefix(Str *rest, const char *word) {
        *rest = str_trim(*rest);
        size_t size = strlen(word);
        if (!str_equal_nocase(str_slice(*rest, 0, size), str_of(word)))
                return false;
        *rest = str_trim(str_slice(*rest, size, rest->size));
        return true;
}

static bool parse_values(Arena *arena, Str rest, FeedGone *out) {
        VEC(Str) values = { 0 };
        Str value;
        out->test = FEED_GONE_IN;
        if (cut_prefix(&rest, "=")) {
                if (!cut_word(arena, &rest, "", &value) || str_trim(rest).size)
                        return false;
                vec_push(arena, &values, value);
        } else {
                if (!cut_prefix(&rest, "in") || !cut_prefix(&rest, "("))
                        return false;
                do {
                        if (!cut_word(arena, &rest, ",)", &value))
                                return false;
                        vec_push(arena, &values, value);
                } while (cut_prefix(&rest, ","));
                if (!cut_prefix(&rest, ")") || rest.size)
                        return false;
        }
        out->values = (StrList){ values.items, values.count };
        return true;
}

static bool parse_gone(Arena *arena, Str text, FeedGone *out) {
        Str rest = text;
        if (!cut_word(arena, &rest, " =", &out->column))
                return false;
        Str test = rest;
        if (!cut_prefix(&test, "is "))
                return parse_values(arena, rest, out);
        out->test = cut_prefix(&test, "not ") ? FEED_GONE_IS_NOT_NULL : FEED_GONE_IS_NULL;
        return str_equal_nocase(test, STR("null"));
}

void read_deleted_when(KeyContext *context, const YamlNode *value, void *object) {
        Source *source = object;
        Str text;
        FeedGone gone = { .test = FEED_GONE_NEVER };
        if (!key_text(context, value, &text))
                return;
        if (parse_gone(context->arena, text, &gone)) {
                source->gone = gone;
                return;
        }
        Error *err = key_problem(context, value, STATUS_BAD_VALUE, "`deleted_when` cannot be \"%.*s\"", STR_ARG(str_slice(text, 0, 80)));
        error_hint(err, "it is COLUMN = VALUE, COLUMN in (VALUE, VALUE), COLUMN is null or COLUMN is not null; a value that is not one plain word stands in quotes");
}

Str deleted_when_print(const FeedGone *gone, Arena *arena) {
        if (gone->test == FEED_GONE_IS_NULL || gone->test == FEED_GONE_IS_NOT_NULL)
                return arena_strf(arena, "%.*s is %s", STR_ARG(gone->column), gone->test == FEED_GONE_IS_NULL ? "null" : "not null");
        CLEANUP(buf_deinit) Buf out = { 0 };
        buf_printf(&out, gone->values.count == 1 ? "%.*s = " : "%.*s in (", STR_ARG(gone->column));
        for (size_t i = 0; i < gone->values.count; i++) {
                buf_append_cstr(&out, i ? ", " : "");
                buf_append_quoted(&out, gone->values.items[i], '\'');
        }
        buf_append_cstr(&out, gone->values.count == 1 ? "" : ")");
        return buf_dup(&out, arena);
}

/* ---- all of it together ---- */

static bool is_time(Type type) {
        return type.kind == TYPE_DATE || type.kind == TYPE_TIMESTAMP || type.kind == TYPE_TIMESTAMPTZ;
}

/* The column, spelled as it is declared; NULL with a problem. */
static const SourceColumn *named_column(KeyContext *context, const YamlNode *root, const Source *source, const char *key, Str name) {
        const SourceColumn *column = source_column(source, name);
        if (column)
                return column;
        Error *err = key_problem(context, yaml_get(root, key), STATUS_NO_COLUMN, "`%s` names \"%.*s\", which is none of `columns`", key,
                                 STR_ARG(str_slice(name, 0, 80)));
        Str *names = ARENA_ARRAY(context->arena, Str, source->column_count);
        for (size_t i = 0; i < source->column_count; i++)
                names[i] = source->columns[i].name;
        Str near = str_nearest(name, names, source->column_count);
        if (near.size)
                error_hint(err, "did you mean `%.*s`?", STR_ARG(near));
        return NULL;
}

static void check_names(KeyContext *context, const YamlNode *root, const Source *source, const char *key, StrList names) {
        for (size_t i = 0; i < names.count; i++) {
                if (!named_column(context, root, source, key, names.items[i]))
                        continue;
                for (size_t j = 0; j < i; j++)
                        if (str_equal_nocase(names.items[i], names.items[j]))
                                key_problem(context, yaml_get(root, key), STATUS_BAD_VALUE, "`%s` names `%.*s` twice", key,
                                            STR_ARG(names.items[i]));
        }
}

/* Whether a value in the text is one of the column's type; only types whose values are written in one way. */
static bool fits_type(Type type, Str text) {
        int64_t integer;
        int32_t days;
        switch (type.kind) {
        case TYPE_TEXT:
                return true;
        case TYPE_BOOLEAN:
                return str_is(text, "true") || str_is(text, "false");
        case TYPE_INT:
                return str_to_int64(text, &integer) && integer >= INT32_MIN && integer <= INT32_MAX;
        case TYPE_BIGINT:
                return str_to_int64(text, &integer);
        case TYPE_DATE:
                return iso_read_date(text, &days);
        default:
                return false;
        }
}

static void check_gone(KeyContext *context, const YamlNode *root, const Source *source) {
        const FeedGone *gone = &source->gone;
        if (gone->test == FEED_GONE_NEVER)
                return;
        const YamlNode *place = yaml_get(root, "deleted_when");
        const SourceColumn *column = named_column(context, root, source, "deleted_when", gone->column);
        for (size_t i = 0; column && i < gone->values.count; i++) {
                if (fits_type(column->type, gone->values.items[i]))
                        continue;
                Error *err = key_problem(context, place, STATUS_BAD_VALUE, "column `%.*s` is %.*s, and \"%.*s\" is no value of it that `deleted_when` knows",
                                         STR_ARG(column->name), STR_ARG(type_print(context->arena, column->type)),
                                         STR_ARG(str_slice(gone->values.items[i], 0, 80)));
                error_hint(err, "it compares text, int, bigint, date (yyyy-MM-dd) and boolean (true, false); any column can be `is not null`");
                return;
        }
}

static void check_as_of(KeyContext *context, const YamlNode *root, const Source *source) {
        if (source->as_of.kind != AS_OF_COLUMN)
                return;
        if (source->load == LOAD_REPLACE) {
                Error *err = key_problem(context, yaml_get(root, "as_of"), STATUS_BAD_VALUE, "`as_of: column` is for merge and history: which delivery of a "
                                         "`load: replace` is the newest is told before any is read");
                error_hint(err, "date it by landed or by name \"EXPRESSION\"");
        }
        const SourceColumn *column = named_column(context, root, source, "as_of", source->as_of.text);
        if (column && !is_time(column->type))
                key_problem(context, yaml_get(root, "as_of"), STATUS_BAD_VALUE, "`as_of` needs a date or a timestamp, and column `%.*s` is %.*s",
                            STR_ARG(column->name), STR_ARG(type_print(context->arena, column->type)));
}

static void check_order(KeyContext *context, const YamlNode *root, const Source *source) {
        check_names(context, root, source, "order_by", source->order_by);
        if (source->load != LOAD_HISTORY || source->order_by.count == 0)
                return;
        const SourceColumn *first = source_column(source, source->order_by.items[0]);
        if (first && !is_time(first->type)) {
                Error *err = key_problem(context, yaml_get(root, "order_by"), STATUS_BAD_VALUE,
                                         "a history's `order_by` begins with the time of a change, and column `%.*s` is %.*s", STR_ARG(first->name),
                                         STR_ARG(type_print(context->arena, first->type)));
                error_hint(err, "name a date or timestamp first; without `order_by` each file is a snapshot of all rows");
        }
}

/* Keys that mean nothing for this load. */
static void check_unused(KeyContext *context, const YamlNode *root, const Source *source) {
        static const char *const keys[] = { "key", "order_by", "deleted_when", "absent" };
        bool folds = source->load == LOAD_MERGE || source->load == LOAD_HISTORY;
        bool snapshots = source->load == LOAD_HISTORY && source->order_by.count == 0;
        for (size_t i = 0; i < COUNT_OF(keys); i++) {
                bool counts = i < 3 ? folds : snapshots;
                if (!counts && yaml_get(root, keys[i]))
                        key_problem(context, yaml_get(root, keys[i]), STATUS_BAD_VALUE, "`%s` means nothing %s", keys[i],
                                    i < 3 ? "without `load: merge` or `load: history`" : "but in a `load: history` of snapshots, which has no `order_by`");
        }
        if (!folds || source->key.count)
                return;
        Error *err = key_problem(context, yaml_get(root, "load"), STATUS_BAD_VALUE, "`load: %s` needs `key`: the columns that name a row",
                                 source->load == LOAD_MERGE ? "merge" : "history");
        error_hint(err, "for example   key: order_no");
}

/* The column that is called like that, or was. */
static const SourceColumn *namesake(const Source *source, Str name, const SourceColumn *but) {
        for (size_t i = 0; i < source->column_count; i++)
                if (&source->columns[i] != but &&
                    (str_equal_nocase(source->columns[i].name, name) || str_equal_nocase(source->columns[i].was, name)))
                        return &source->columns[i];
        return NULL;
}

static void check_renames(KeyContext *context, const YamlNode *root, const Source *source) {
        for (size_t i = 0; i < source->column_count; i++) {
                const SourceColumn *column = &source->columns[i];
                const SourceColumn *other = column->was.size ? namesake(source, column->was, column) : NULL;
                if (other)
                        key_problem(context, yaml_get(yaml_get(root, "columns"), arena_cstr(context->arena, column->name)), STATUS_BAD_VALUE,
                                    "column `%.*s` was `%.*s`, and so is or was column `%.*s`", STR_ARG(column->name), STR_ARG(column->was),
                                    STR_ARG(other->name));
        }
}

void check_load(KeyContext *context, const YamlNode *root, Source *source) {
        source->redelivery_said = yaml_get(root, "redelivery") != NULL;
        check_unused(context, root, source);
        check_renames(context, root, source);
        check_names(context, root, source, "key", source->key);
        check_order(context, root, source);
        check_gone(context, root, source);
        check_as_of(context, root, source);
}
