/* SPDX-License-Identifier: Apache-2.0 */
#include "model/source.h"

#include "frame/encoding.h"
#include "frame/fixed_cut.h"
#include "model/keys.h"
#include "model/source_load.h"
#include "model/source_zone.h"
#include "model/tables.h"

/* ---- readers of single keys ---- */

static void read_from(KeyContext *context, const YamlNode *value, void *object) {
        Source *source = object;
        if (!key_texts(context, value, &source->from, &source->from_count))
                return;
        for (size_t i = 0; i < source->from_count; i++) {
                Str rest;
                if (source->from[i].size == 0 || (source_is_ingress(source->from[i], &rest) && rest.size == 0))
                        key_problem(context, value, STATUS_BAD_VALUE, "`from` names no file: write ingress/PATTERN");
                if (str_find(source->from[i], STR("://")) < source->from[i].size)
                        key_problem(context, value, STATUS_BAD_VALUE, "`from` with a URI is not built yet: name a path");
                if (str_find(source->from[i], STR("..")) < source->from[i].size &&
                    source_is_ingress(source->from[i], &rest))
                        key_problem(context, value, STATUS_BAD_VALUE,
                                    "`from` may not leave the zone's ingress by `..`");
        }
}

/* Keys that are one byte in the framer. */
static void read_byte(KeyContext *context, const YamlNode *value, char *out) {
        static const Key character = { .name = "character", .kind = KEY_CHARACTER };
        const char *name = context->key;
        Key key = character;
        key.name = name;
        Str text = STR_NONE;
        size_t before = context->problems->errors.count + context->problems->dropped;
        keys_read_one(context, &key, value, &text);
        if (context->problems->errors.count + context->problems->dropped > before)
                return;
        if (text.size > 1) {
                key_problem(context, value, STATUS_BAD_VALUE, "`%s` is one character of ASCII, not \"%.*s\"", name,
                            STR_ARG(text));
                return;
        }
        *out = text.size ? text.data[0] : 0;
}

#define BYTE_READER(field)                                                                   \
        static void read_##field(KeyContext *context, const YamlNode *value, void *object) { \
                read_byte(context, value, &((Source *)object)->format.field);                \
        }
BYTE_READER(delimiter)
BYTE_READER(quote)
BYTE_READER(escape)
BYTE_READER(decimal)

static void read_thousands(KeyContext *context, const YamlNode *value, void *object) {
        char *thousands = &((Source *)object)->format.thousands;
        if (value->kind == YAML_SCALAR && str_is(value->text, "indian"))
                *thousands = THOUSANDS_INDIAN;
        else
                read_byte(context, value, thousands);
}

static void read_encoding(KeyContext *context, const YamlNode *value, void *object) {
        Source *source = object;
        Str name;
        if (!key_text(context, value, &name))
                return;
        if (encoding_find(name)) {
                source->format.encoding = name;
                return;
        }
        Error *problem = key_problem(context, value, STATUS_BAD_VALUE, "`encoding`: \"%.*s\" is none that is read", STR_ARG(name));
        Str near = encoding_nearest(name);
        if (near.size > 0)
                error_hint(problem, "did you mean %.*s?", STR_ARG(near));
        else
                error_hint(problem, "one of %.*s", STR_ARG(encoding_names(context->arena)));
}

static void read_skip(KeyContext *context, const YamlNode *value, void *object) {
        static const Key key = { .name = "skip", .kind = KEY_COUNT };
        int64_t lines = 0;
        keys_read_one(context, &key, value, &lines);
        if (lines > 1000000)
                key_problem(context, value, STATUS_BAD_VALUE, "`skip` is at most 1000000 lines");
        else
                ((Source *)object)->format.skip = (uint32_t)lines;
}

static void read_dates(KeyContext *context, const YamlNode *value, void *object) {
        StrList list = { 0 };
        if (!key_texts(context, value, &list.items, &list.count))
                return;
        for (size_t i = 0; i < list.count; i++) {
                Error err = { 0 };
                if (format_check_pattern(list.items[i], &err) == STATUS_OK)
                        continue;
                yaml_error_place(&err, context->file, value->kind == YAML_LIST ? value->items[i] : value);
                problems_take(context->problems, &err);
                return;
        }
        ((Source *)object)->format.dates = list;
}

static void read_record_limit(KeyContext *context, const YamlNode *value, void *object) {
        static const Key key = { .name = "limits.record", .kind = KEY_SIZE };
        int64_t bytes = FORMAT_RECORD_LIMIT;
        keys_read_one(context, &key, value, &bytes);
        if (bytes < 1 || bytes > FORMAT_RECORD_LIMIT_MAX)
                key_problem(context, value, STATUS_BAD_VALUE, "`limits.record` is from 1 byte to %u MiB",
                            FORMAT_RECORD_LIMIT_MAX >> 20);
        else
                ((Source *)object)->format.record_limit = (uint32_t)bytes;
}

/* "0.1%" as parts of a million, digits beyond the fourth refused: exact, no floating point. */
static bool percent_parse(Str text, int64_t *out_per_million) {
        Str whole, fraction;
        str_cut(text, '.', &whole, &fraction);
        int64_t value;
        if (!str_to_int64(whole, &value) || value < 0 || value > 100 || fraction.size > 4)
                return false;
        value *= 10000;
        int64_t unit = 1000;
        for (size_t i = 0; i < fraction.size; i++, unit /= 10) {
                if (fraction.data[i] < '0' || fraction.data[i] > '9')
                        return false;
                value += unit * (fraction.data[i] - '0');
        }
        *out_per_million = value;
        return value <= 1000000;
}

static void read_tolerate(KeyContext *context, const YamlNode *value, void *object) {
        Str text;
        if (!key_text(context, value, &text))
                return;
        Tolerate tolerate = { .set = true, .rows = -1, .per_million = -1 };
        bool good = str_ends_with(text, STR("%"))
                            ? percent_parse(str_slice(text, 0, text.size - 1), &tolerate.per_million)
                            : str_to_int64(text, &tolerate.rows) && tolerate.rows >= 0;
        if (good)
                ((Source *)object)->tolerate = tolerate;
        else
                key_problem(context, value, STATUS_BAD_VALUE,
                            "`tolerate` is a number of records or a share such as 0.1%%, not \"%.*s\"", STR_ARG(text));
}

/* ---- columns: NAME: TYPE [ZONE] [required] [unique] [tag NAME] [from HEADER] ---- */

static bool is_nested_text(Str text) {
        return str_starts_with(text, STR("list<")) || str_starts_with(text, STR("struct<"));
}

/* Cuts the type off the front: one word, or up to the closing bracket. */
static Str cut_type(Str *rest) {
        Str text = str_trim(*rest);
        if (is_nested_text(text)) {
                size_t size = type_text_size(text);
                *rest = str_trim(str_slice(text, size, text.size));
                return str_slice(text, 0, size);
        }
        size_t blank = str_find_byte(text, ' '), open = str_find_byte(text, '(');
        size_t end = open < blank || (open < text.size && str_trim(str_slice(text, blank, open)).size == 0)
                             ? str_find_byte(text, ')') + 1
                             : blank;
        *rest = str_trim(str_slice(text, end, text.size));
        return str_slice(text, 0, end);
}

static bool looks_like_zone(Str word) {
        return str_is(word, "UTC") || str_find_byte(word, '/') < word.size;
}

/* Local times of a zone are instants. */
static bool column_zone(KeyContext *context, const YamlNode *value, Str word, SourceColumn *column) {
        Error err = { 0 };
        column->type.kind = TYPE_TIMESTAMPTZ;
        column->zone = arena_str(context->arena, word);
        if (source_zone_load(context->arena, word, &column->zone_file, &err) == STATUS_OK)
                return true;
        yaml_error_place(&err, context->file, value);
        problems_take(context->problems, &err);
        return false;
}

static bool column_word(KeyContext *context, const YamlNode *value, Str word, SourceColumn *column, ColumnText *text) {
        static const Str words[] = { { "required", 8 }, { "unique", 6 }, { "tag", 3 }, { "from", 4 }, { "at", 2 }, { "was", 3 }, { "nulls", 5 }, { "decimal", 7 }, { "thousands", 9 }, { "currency", 8 } };
        if (str_is(word, "required")) {
                column->required = true;
                return true;
        }
        if (str_is(word, "unique")) {
                text->unique = true;
                return true;
        }
        if (looks_like_zone(word) && (column->type.kind == TYPE_TIMESTAMP || column->type.kind == TYPE_TIMESTAMPTZ))
                return column_zone(context, value, word, column);
        Error *err = key_problem(context, value, STATUS_BAD_VALUE, "a column cannot be \"%.*s\"", STR_ARG(word));
        Str near = str_nearest(word, words, COUNT_OF(words));
        if (near.size > 0)
                error_hint(err, "did you mean `%.*s`?", STR_ARG(near));
        else
                error_hint(err, "after the type: required, unique, tag NAME, was NAME, nulls(TEXT | TEXT), decimal(\",\"), thousands(\".\"), currency(EUR), from HEADER (fixed width: at START-END), and behind timestamp a zone such as "
                                "Europe/Copenhagen");
        return false;
}

/* at START-END: its place on a line of fixed width. Gives what is left. */
static Str column_place(KeyContext *context, const YamlNode *value, Str rest, SourceColumn *column, ColumnText *text) {
        FixedCut cut;
        Str place, tail;
        text->at = true;
        str_cut(str_trim(rest), ' ', &place, &tail);
        bool is_place = fixed_cut_parse(place, &cut);
        column->from = arena_str(context->arena, is_place ? place : str_trim(rest));
        if (is_place || fixed_cut_parse(column->from, &cut))
                return is_place ? str_trim(tail) : STR("");
        Error *err = key_problem(context, value, STATUS_BAD_VALUE, "`at %.*s` is no place on a line", STR_ARG(column->from));
        error_hint(err, "at START-END: characters from 1, both ends included, such as at 9-20");
        return STR("");
}

static Str unquoted(Str text) {
        text = str_trim(text);
        bool quoted = text.size >= 2 && (text.data[0] == '"' || text.data[0] == '\'') &&
                      text.data[text.size - 1] == text.data[0];
        return quoted ? str_slice(text, 1, text.size - 1) : text;
}

/* tag NAME, any number of times. */
static void column_tag(KeyContext *context, const YamlNode *value, Str *rest, ColumnText *text) {
        Str name;
        str_cut(*rest, ' ', &name, rest);
        *rest = str_trim(*rest);
        if (name.size == 0)
                key_problem(context, value, STATUS_BAD_VALUE, "`tag` needs a name: tag pii");
        else {
                Str *all = ARENA_ARRAY(context->arena, Str, text->tag_count + 1);
                for (size_t i = 0; i < text->tag_count; i++)
                        all[i] = text->tags[i];
                all[text->tag_count++] = arena_str(context->arena, name);
                text->tags = all;
        }
}

/* `tag pii`: the word is no name, for what it wants follows. A column may have been called `tag` all the same. */
static bool is_setting_with(Str word, Str behind) {
        static const char *const words[] = { "required", "unique", "tag", "was", "from", "at", "nulls" };
        Str next, rest;
        str_cut(behind, ' ', &next, &rest);
        for (size_t i = 0; i < COUNT_OF(words); i++)
                if (str_is(next, words[i]) || next.size == 0)
                        return false;
        return str_is(word, "tag") || str_is(word, "from") || str_is(word, "was");
}

/* The earlier name: one word, or what stands in quotes. Gives what is left. */
static Str column_was(KeyContext *context, const YamlNode *value, Str rest, SourceColumn *column) {
        bool quoted = rest.size > 0 && (rest.data[0] == '"' || rest.data[0] == '\'');
        size_t end = quoted ? 1 + str_find_byte(str_slice(rest, 1, rest.size), rest.data[0]) + 1 : str_find_byte(rest, ' ');
        column->was = arena_str(context->arena, unquoted(str_slice(rest, 0, end)));
        if (!quoted && is_setting_with(str_trim(str_slice(rest, 0, end)), str_trim(str_slice(rest, end, rest.size)))) {
                Error *err = key_problem(context, value, STATUS_BAD_VALUE, "`was` needs the name that the column had, and `%.*s` follows", STR_ARG(rest));
                error_hint(err, "was NAME %.*s", STR_ARG(rest));
                return STR("");
        }
        if (column->was.size == 0)
                key_problem(context, value, STATUS_BAD_VALUE, "`was` needs the name that the column had");
        return str_trim(str_slice(rest, end, rest.size));
}

/* Up to `end` outside of quotes; the text's size if there is none. */
static size_t find_outside_quotes(Str text, char end) {
        char quote = 0;
        for (size_t i = 0; i < text.size; i++) {
                char c = text.data[i];
                if (quote == 0 && c == end)
                        return i;
                if (quote == 0 && (c == '"' || c == '\''))
                        quote = c;
                else if (c == quote)
                        quote = 0;
        }
        return text.size;
}

/* nulls(NA | "-"), decimal(","), ...: what the column says for itself. Gives what is left. */
static Str column_list(KeyContext *context, const YamlNode *value, const char *name, Str rest, bool *is_said, StrList *out) {
        size_t end = find_outside_quotes(rest, ')');
        if (end == rest.size || rest.size == 0 || rest.data[0] != '(' || *is_said) {
                Error *err = key_problem(context, value, STATUS_BAD_VALUE, *is_said ? "a column has `%s` once" : "`%s` needs its texts in parentheses", name);
                error_hint(err, "%s(NA | \"-\"); quotes where a text holds | or parentheses", name);
                return STR("");
        }
        Str inside = str_trim(str_slice(rest, 1, end));
        *is_said = true;
        out->items = ARENA_ARRAY(context->arena, Str, inside.size + 1);
        while (inside.size > 0) {
                size_t bar = find_outside_quotes(inside, '|');
                out->items[out->count++] = arena_str(context->arena, unquoted(str_slice(inside, 0, bar)));
                inside = str_trim(str_slice(inside, bar < inside.size ? bar + 1 : bar, inside.size));
        }
        return str_trim(str_slice(rest, end + 1, rest.size));
}

/* decimal(",") and thousands("."): one character, or for thousands none, `space` and `indian`. */
static Str column_character(KeyContext *context, const YamlNode *value, const char *name, Str rest, bool *is_said, char *out) {
        StrList list = { 0 };
        rest = column_list(context, value, name, rest, is_said, &list);
        Str text = list.count > 0 ? list.items[0] : STR("");
        bool is_word = str_is(text, "indian") || str_is(text, "space");
        *out = is_word ? (text.data[0] == 'i' ? THOUSANDS_INDIAN : ' ') : text.size ? text.data[0] : 0;
        if (list.count > 1 || (text.size > 1 && !is_word && !str_is(text, "none")))
                key_problem(context, value, STATUS_BAD_VALUE, "`%s` of a column is one character, as in %s(\",\")", name, name);
        if (str_is(text, "none"))
                *out = 0;
        return rest;
}

/* Whether the rest begins with the word and a parenthesis; then what stands from that on. */
static bool begins_list(Str rest, const char *word, Str *out_list) {
        size_t size = strlen(word);
        if (!str_starts_with(rest, str_of(word)))
                return false;
        *out_list = str_trim(str_slice(rest, size, rest.size));
        return out_list->size > 0 && out_list->data[0] == '(';
}

/* What the column says of how its values are written, in place of the source. Gives what is left; false if it is no such. */
static bool column_style(KeyContext *context, const YamlNode *value, Str *rest, SourceColumn *column) {
        bool has_decimal = column->decimal != 0;
        Str list;
        if (begins_list(*rest, "nulls", &list))
                *rest = column_list(context, value, "nulls", list, &column->has_nulls, &column->nulls);
        else if (begins_list(*rest, "currency", &list))
                *rest = column_list(context, value, "currency", list, &column->has_currency, &column->currency);
        else if (begins_list(*rest, "thousands", &list))
                *rest = column_character(context, value, "thousands", list, &column->has_thousands, &column->thousands);
        else if (begins_list(*rest, "decimal", &list))
                *rest = column_character(context, value, "decimal", list, &has_decimal, &column->decimal);
        else
                return false;
        return true;
}

/* Whether a column's words may go on here: what would be a header's word to one reader and a setting to another. */
static bool is_column_setting(Str rest, const SourceColumn *column) {
        static const char *const lists[] = { "nulls", "currency", "thousands", "decimal" };
        Str word, tail, ignored;
        FixedCut cut;
        for (size_t i = 0; i < COUNT_OF(lists); i++)
                if (begins_list(rest, lists[i], &ignored))
                        return true;
        str_cut(rest, ' ', &word, &tail);
        tail = str_trim(tail);
        if (str_is(word, "required") || str_is(word, "unique"))
                return true;
        if (str_is(word, "tag") || str_is(word, "was"))
                return tail.size > 0;
        if (str_is(word, "at"))
                return fixed_cut_parse(tail, &cut);
        return looks_like_zone(word) && (column->type.kind == TYPE_TIMESTAMP || column->type.kind == TYPE_TIMESTAMPTZ);
}

/* Where in the words behind `from` something follows that could as well be said of the column; their size if nothing does. */
static size_t find_column_setting(Str header, const SourceColumn *column) {
        size_t at = str_find_byte(header, ' ');
        while (at < header.size) {
                while (at < header.size && header.data[at] == ' ')
                        at++;
                if (is_column_setting(str_slice(header, at, header.size), column))
                        return at;
                at += str_find_byte(str_slice(header, at, header.size), ' ');
        }
        return header.size;
}

/* A header in quotes may hold such itself: it ends where a setting or nothing follows, else with the first that a blank does. */
static size_t find_header_end(Str text, const SourceColumn *column) {
        size_t first = text.size;
        for (size_t i = 1; i < text.size; i++) {
                Str rest = str_slice(text, i + 1, text.size);
                if (text.data[i] != text.data[0] || (rest.size > 0 && rest.data[0] != ' '))
                        continue;
                if (str_trim(rest).size == 0 || is_column_setting(str_trim(rest), column))
                        return i + 1;
                if (first == text.size)
                        first = i + 1;
        }
        return first;
}

bool source_from_needs_quotes(const SourceColumn *column) {
        bool edged = column->from.size == 0 || str_trim(column->from).size < column->from.size; /* names in files may begin or end in blanks */
        return edged || char_is_one_of(column->from.data[0], "\"'") || find_column_setting(column->from, column) < column->from.size;
}

/*
 * The column's name in the file: in quotes, or all words that follow. What could be a setting behind words without quotes
 * is neither taken for one nor for a part of the name: a header may end in `required`. Gives what is left.
 */
static Str column_from(KeyContext *context, const YamlNode *value, Str rest, SourceColumn *column) {
        rest = str_trim(rest);
        bool quoted = rest.size > 1 && (rest.data[0] == '"' || rest.data[0] == '\'');
        size_t end = quoted ? find_header_end(rest, column) : rest.size;
        column->from = arena_str(context->arena, unquoted(str_slice(rest, 0, end)));
        if (column->from.size == 0)
                key_problem(context, value, STATUS_BAD_VALUE, "`from` needs the column's name in the file's header");
        size_t setting = quoted ? rest.size : find_column_setting(rest, column);
        if (setting == rest.size)
                return str_trim(str_slice(rest, end, rest.size));
        Str name = str_trim(str_slice(rest, 0, setting)), words = str_slice(rest, setting, rest.size);
        Error *err = key_problem(context, value, STATUS_BAD_VALUE, "`%.*s` behind `from` could be a setting or the end of the header", STR_ARG(words));
        error_hint(err, "a setting: from \"%.*s\" %.*s; of the header: from \"%.*s\"", STR_ARG(name), STR_ARG(words), STR_ARG(rest));
        return STR("");
}

static void column_words(KeyContext *context, const YamlNode *value, Str rest, SourceColumn *column, ColumnText *text) {
        while (rest.size > 0) {
                Str word, tail;
                if (column_style(context, value, &rest, column))
                        continue;
                str_cut(rest, ' ', &word, &tail);
                if (str_is(word, "at")) {
                        rest = column_place(context, value, tail, column, text);
                        continue;
                }
                rest = str_trim(tail);
                if (str_is(word, "from")) {
                        rest = column_from(context, value, tail, column);
                        continue;
                }
                if (str_is(word, "tag")) {
                        column_tag(context, value, &rest, text);
                        continue;
                }
                if (str_is(word, "was")) {
                        rest = column_was(context, value, rest, column);
                        continue;
                }
                if (!column_word(context, value, word, column, text))
                        return;
        }
}

/* date(dd/MM/yyyy | d.M.yyyy): the patterns of this column alone. Gives the type without them. */
static Str cut_dates(KeyContext *context, const YamlNode *value, Str text, SourceColumn *column) {
        static const char *const kinds[] = { "date", "time", "timestamp", "timestamptz" };
        Str kind, rest, pattern;
        bool is_dated = false;
        if (!str_cut(text, '(', &kind, &rest) || !str_ends_with(rest, STR(")")))
                return text;
        kind = str_trim(kind);
        for (size_t i = 0; i < COUNT_OF(kinds); i++)
                is_dated |= str_is(kind, kinds[i]);
        if (!is_dated)
                return text;
        rest = str_slice(rest, 0, rest.size - 1);
        Str *all = ARENA_ARRAY(context->arena, Str, rest.size + 1);
        for (bool more = true; more;) {
                more = str_cut(rest, '|', &pattern, &rest);
                all[column->dates.count++] = arena_str(context->arena, str_trim(pattern));
        }
        column->dates.items = all;
        Format own = format_default();
        Error err = { 0 };
        own.dates = column->dates;
        if (format_check_dates(&own, &err) != STATUS_OK) {
                yaml_error_place(&err, context->file, value);
                problems_take(context->problems, &err);
        }
        return kind;
}

static void read_column(KeyContext *context, const YamlNode *value, SourceColumn *column, ColumnText *text) {
        Str rest;
        context->key = arena_cstr(context->arena, column->name);
        if (!key_text(context, value, &rest))
                return;

        Error err = { 0 };
        Str type = cut_type(&rest);
        if (!is_nested_text(type))
                type = cut_dates(context, value, type, column);
        if (type_parse_nested(context->arena, type, &column->type, &err) == STATUS_OK) {
                column_words(context, value, rest, column, text);
                return;
        }
        yaml_error_place(&err, context->file, value);
        problems_take(context->problems, &err);
}

static bool column_name_good(KeyContext *context, const Source *source, const YamlNode *key, size_t before) {
        Str name = key->text;
        if (name.size == 0 || name.size > 255 || !utf8_valid(name)) {
                key_problem(context, key, STATUS_BAD_VALUE, "a column's name has from 1 to 255 bytes");
                return false;
        }
        if (name_is_reserved(name)) {
                Error *err = key_problem(context, key, STATUS_BAD_VALUE, "`%.*s` is a name that Lode gives itself",
                                         STR_ARG(name));
                error_hint(err, "call it %.*s_2: TYPE from %.*s", STR_ARG(name), STR_ARG(name));
                return false;
        }
        for (size_t i = 0; i < before; i++) {
                if (!str_equal_nocase(source->columns[i].name, name))
                        continue;
                key_problem(context, key, STATUS_DUPLICATE_KEY,
                            "column `%.*s` is there already on line %d (case does not count)", STR_ARG(name),
                            source->column_texts[i].line);
                return false;
        }
        return true;
}

/* A column may be a part of another, such as the year of a date; that two share only some characters is a slip of the pen. */
static void look_at_place(KeyContext *context, const YamlNode *value, const Source *source) {
        const SourceColumn *last = &source->columns[source->column_count - 1];
        FixedCut mine, other;
        if (!source->column_texts[source->column_count - 1].at || !fixed_cut_parse(last->from, &mine))
                return;
        for (size_t i = 0; i + 1 < source->column_count; i++) {
                if (!source->column_texts[i].at || !fixed_cut_parse(source->columns[i].from, &other))
                        continue;
                bool apart = mine.to < other.from || other.to < mine.from;
                bool inside = (mine.from >= other.from && mine.to <= other.to) || (other.from >= mine.from && other.to <= mine.to);
                if (apart || inside)
                        continue;
                Error *err = key_problem(context, value, STATUS_BAD_VALUE, "`at %.*s` takes characters that column `%.*s` has too, at %.*s", STR_ARG(last->from),
                                         STR_ARG(source->columns[i].name), STR_ARG(source->columns[i].from));
                error_hint(err, "columns stand beside each other, or one whole inside of another");
                return;
        }
}

static void read_columns(KeyContext *context, const YamlNode *value, void *object) {
        Source *source = object;
        if (value->kind != YAML_MAP || value->count == 0) {
                Error *err = key_problem(context, value, STATUS_BAD_VALUE, "`columns` is a map of `name: type`");
                error_hint(err, "for example   order_no: text required");
                return;
        }
        if (value->count > FORMAT_COLUMNS_MAX) {
                key_problem(context, value, STATUS_LIMIT, "%zu columns; at most %d are read", value->count,
                            FORMAT_COLUMNS_MAX);
                return;
        }
        source->columns = ARENA_ARRAY(context->arena, SourceColumn, value->count);
        source->column_texts = ARENA_ARRAY(context->arena, ColumnText, value->count);
        for (size_t i = 0; i < value->count; i++) {
                const YamlNode *name = value->keys[i];
                SourceColumn *column = &source->columns[source->column_count];
                ColumnText *text = &source->column_texts[source->column_count];
                if (!column_name_good(context, source, name, source->column_count))
                        continue;
                *column = (SourceColumn){ .name = arena_str(context->arena, name->text),
                                          .type = { .kind = TYPE_TEXT } };
                *text = (ColumnText){ .line = name->line, .column = name->column };
                source->column_count++;
                read_column(context, value->items[i], column, text);
                look_at_place(context, value->items[i], source);
        }
        context->key = "columns";
}

/* ---- the table ---- */

#define AT(field) offsetof(Source, field)

static const Key limit_keys[] = {
        { .name = "record",
          .kind = KEY_OTHER,
          .read = read_record_limit,
          .shown = "a size; 16 MB",
          .meaning = "The longest record that is read; a longer one is quarantined." },
};
static const KeyTable limit_table = {
        .file = "", .thing = "`limits`", .keys = limit_keys, .count = COUNT_OF(limit_keys)
};

static const Key keys[] = {
        { .name = "about", .kind = KEY_TEXT, .at = AT(about), .meaning = "What this feed is, for people." },
        { .name = "from",
          .kind = KEY_OTHER,
          .read = read_from,
          .required = true,
          .shown = "a pattern, or a list of them",
          .meaning = "Which files belong to this source: `ingress/NAME*.csv` is the zone's own ingress; any other path "
                     "is relative to "
                     "the project's folder, or absolute. `*` and `?` stand for letters." },
        { .name = "format",
          .kind = KEY_CHOICE,
          .at = AT(format.kind),
          .words = "csv xlsx json jsonl fixed avro parquet",
          .later = "xml",
          .fallback = "csv",
          .meaning = "What the files are: `csv`; `xlsx`, a workbook; `json`, a document with a list of records; `jsonl`, a record on each line; `fixed`, columns at fixed places of each line; `avro` and `parquet`, files that say their columns' types. "
                     "Compression (gzip, zstd, bzip2, xz) is seen by the first bytes." },
        { .name = "records",
          .kind = KEY_TEXT,
          .at = AT(format.records),
          .meaning = "Where in a JSON document the records are: keys with dots between them, such as `data.items`; none: the "
                     "document itself is the list, or the record." },
        { .name = "sheet",
          .kind = KEY_TEXTS,
          .at = AT(format.sheets.items),
          .count_at = AT(format.sheets.count),
          .shown = "a name, a number from 1, a pattern such as 2026-*, or a list of them; the first sheet",
          .meaning = "Which sheets of a workbook (`format: xlsx`) are read, one after the other. They have one header." },
        { .name = "range",
          .kind = KEY_TEXT,
          .at = AT(format.range),
          .shown = "`B3:F200`, or `B3:F` down to the last row; all of the sheet",
          .meaning = "Which part of a sheet is read. Rows outside it are counted as skipped." },
        { .name = "delimiter",
          .kind = KEY_OTHER,
          .read = read_delimiter,
          .fallback = ",",
          .shown = "one character, or `tab`",
          .meaning = "What stands between two fields." },
        { .name = "quote",
          .kind = KEY_OTHER,
          .read = read_quote,
          .fallback = "\"",
          .shown = "one character, or `none`",
          .meaning = "What surrounds a field that holds delimiters or line breaks." },
        { .name = "escape",
          .kind = KEY_OTHER,
          .read = read_escape,
          .fallback = "none",
          .shown = "one character, or `none`",
          .meaning = "What stands before a quote inside a quoted field; `none`: the quote is doubled." },
        { .name = "escapes",
          .kind = KEY_CHOICE,
          .at = AT(format.escapes),
          .words = "none mysql postgres",
          .fallback = "none",
          .meaning = "The files are dumps of a database, and a backslash in a field stands for something: `postgres`, as `COPY` writes text; `mysql`, as `SELECT INTO OUTFILE` and `mysqldump --tab` do. "
                     "`\\N` alone is NULL, and an empty field is an empty text. With `delimiter: tab` and `quote: none`." },
        { .name = "header",
          .kind = KEY_FLAG,
          .at = AT(format.header),
          .fallback = "yes",
          .meaning = "Whether the first record names the columns; `no`: columns are found by their order." },
        { .name = "skip",
          .kind = KEY_OTHER,
          .read = read_skip,
          .fallback = "0",
          .shown = "a number of lines",
          .meaning = "How many lines stand before the header; they are counted as skipped." },
        { .name = "comment",
          .kind = KEY_TEXT,
          .at = AT(format.comment),
          .meaning = "Lines that begin with this text are skipped and counted." },
        { .name = "footer",
          .kind = KEY_PATTERN,
          .at = AT(format.footer),
          .meaning = "Records whose raw text matches are skipped and counted: totals, notes." },
        { .name = "encoding",
          .kind = KEY_OTHER,
          .read = read_encoding,
          .shown = "a name, as `cp1252`",
          .fallback = "utf-8",
          .meaning = "How letters became bytes: `utf-8`, `utf-16` (`le`, `be`), `cp1252`, `latin1`, `shift_jis`, `gbk`, `euc-kr`, `big5`, "
                     "`euc-jp`, `cp1250`, `cp1251`, `cp1253`, `cp1254`, `iso-8859-2`, `iso-8859-7`, `iso-8859-9`, `iso-8859-15`, `koi8-r`, `cp437`, `cp850`, `macroman`, and their other "
                     "names. A byte order mark says more than this." },
        { .name = "decimal",
          .kind = KEY_OTHER,
          .read = read_decimal,
          .fallback = ".",
          .shown = "one character",
          .meaning = "The decimal point of numbers." },
        { .name = "thousands",
          .kind = KEY_OTHER,
          .read = read_thousands,
          .fallback = "none",
          .shown = "one character, `indian`, or `none`",
          .meaning = "What may stand between groups of three digits. A blank is also a no-break or a narrow one, an apostrophe also a typographer's. "
                     "`indian`: a comma before the last three digits and before each two in front of them, as in 12,34,567.89." },
        { .name = "currency",
          .kind = KEY_TEXTS,
          .at = AT(format.currency.items),
          .count_at = AT(format.currency.count),
          .shown = "a sign or a code, or a list of them; none",
          .meaning = "What may stand before or behind a number, as `€` or `EUR`, and is dropped. Any other currency makes the field not fit." },
        { .name = "percent",
          .kind = KEY_CHOICE,
          .at = AT(format.percent),
          .words = "none number fraction",
          .fallback = "none",
          .meaning = "What `12%` is: 12 as a `number`, 0.12 as a `fraction`, or no number at all." },
        { .name = "negatives",
          .kind = KEY_CHOICE,
          .at = AT(format.negatives),
          .words = "minus parentheses behind",
          .fallback = "minus",
          .meaning = "How negative numbers are written beside the minus before them: `(12)` or `12-`." },
        { .name = "dates",
          .kind = KEY_OTHER,
          .read = read_dates,
          .shown = "a pattern, or a list of them",
          .meaning =
                  "How dates are written, in the letters of `yyyy-MM-dd HH:mm:ss`, tried in order; none: ISO 8601." },
        { .name = "nulls",
          .kind = KEY_TEXTS,
          .at = AT(format.nulls.items),
          .count_at = AT(format.nulls.count),
          .meaning = "Texts that mean NULL, beside the empty field." },
        { .name = "true",
          .kind = KEY_TEXTS,
          .at = AT(format.true_words.items),
          .count_at = AT(format.true_words.count),
          .meaning = "Words that mean true, without regard to case; none: true, t, yes, y, 1, on." },
        { .name = "false",
          .kind = KEY_TEXTS,
          .at = AT(format.false_words.items),
          .count_at = AT(format.false_words.count),
          .meaning = "Words that mean false; none: false, f, no, n, 0, off." },
        { .name = "columns",
          .kind = KEY_OTHER,
          .read = read_columns,
          .required = true,
          .shown = "a map of `name: type [required] [unique] [tag NAME] [was NAME] [nulls(TEXT | TEXT)] [decimal(CHARACTER)] [thousands(CHARACTER)] [currency(TEXT | TEXT)] [from HEADER] [at START-END]`",
          .meaning = "The columns in order. Types: boolean, int, bigint, float, double, decimal(p,s), date, time, timestamp "
                     "[ZONE], timestamptz, uuid, text, binary (in text `\\x` and hexadecimal digits), `list<TYPE>`, `struct<name TYPE, name TYPE>`. `date(dd/MM/yyyy | d.M.yyyy)`: patterns of this column alone, tried in order; so for time, "
                     "timestamp and timestamptz. "
                     "`required`: an empty field does not fit. `unique`: a promise to readers; `lode check --data` looks at it. `tag NAME`: policies hold for it, and it goes with the values. `was "
                     "NAME`: what it was called before; it stays the same column to whoever has rights to it, and files may have either name. "
                     "`nulls(NA | \"-\")`: texts that mean NULL in this column, in place of the source's `nulls`; `nulls()`: none. "
                     "`decimal(\",\")`, `thousands(\".\")`, `currency(EUR | $)`: how this column's numbers are written, in place of what the source says; a column "
                     "with a decimal point of its own has no thousands but its own. `from "
                     "HEADER`: its name in the file, where that differs, in quotes where other words of the column follow (`from \"Order no\" required`); in JSON the path of its key. `at START-END`: its characters on a line of "
                     "fixed width, from 1." },
        { .name = "ignore",
          .kind = KEY_TEXTS,
          .at = AT(ignore.items),
          .count_at = AT(ignore.count),
          .meaning = "Columns of the file that are read and counted but not kept; the report of each file that has any names them." },
        { .name = "load",
          .kind = KEY_CHOICE,
          .at = AT(load),
          .words = "append replace merge history",
          .fallback = "append",
          .meaning = "`append`: each delivery adds its rows. `replace`: the newest delivery is the whole table. `merge`: the newest row of "
                     "each key. `history`: a row for each time in which a key was as it was, from `_valid_from` to `_valid_to` (NULL: still)." },
        { .name = "key",
          .kind = KEY_TEXTS,
          .at = AT(key.items),
          .count_at = AT(key.count),
          .shown = "a column, or a list of them",
          .meaning = "The columns that name a row, in a `merge` or `history`; a record that lacks one of them is quarantined." },
        { .name = "order_by",
          .kind = KEY_TEXTS,
          .at = AT(order_by.items),
          .count_at = AT(order_by.count),
          .shown = "a column, or a list of them",
          .meaning = "Which of two rows of one key is newer: the larger value, never what came later. Ties go by `as_of`, the file's name, its content and "
                     "the record. In a `history` it begins with the time of a change; without it each file is a snapshot of all rows." },
        { .name = "deleted_when",
          .kind = KEY_OTHER,
          .read = read_deleted_when,
          .shown = "`COLUMN = VALUE`, `COLUMN in (VALUE, ...)`, `COLUMN is [not] null`",
          .meaning = "Which records of a `merge` or `history` say that their key is gone." },
        { .name = "absent",
          .kind = KEY_CHOICE,
          .at = AT(absent),
          .words = "delete keep",
          .fallback = "delete",
          .meaning = "What it means that a snapshot of a `history` lacks a key. `delete`: it ended then. `keep`: nothing." },
        { .name = "evolve",
          .kind = KEY_CHOICE,
          .at = AT(evolve),
          .words = "columns freeze rescue widen",
          .fallback = "columns",
          .meaning = "What it means that a file has a column which the text does not know. `columns`: it is added as text. `freeze`: the file is held. "
                     "`rescue`: the columns stay, and what is left of a record goes as JSON into `_extra`. `widen`: `columns`, and a number that does not fit "
                     "makes its column wider, int to bigint, float to double, decimal to more digits before the point. Every change is reported." },
        { .name = "redelivery",
          .kind = KEY_CHOICE,
          .at = AT(redelivery),
          .words = "reject replace append",
          .fallback = "reject",
          .meaning = "The same name with new bytes. `reject`: the file is held. `replace`: it takes the place of the "
                     "older one. `append`: both count. "
                     "Unsaid, a `load: replace` source replaces, and snapshots of a history that are dated by landing or a column are all kept." },
        { .name = "tolerate",
          .kind = KEY_OTHER,
          .read = read_tolerate,
          .shown = "a number, or a share such as 0.1%; any number, as long as more fit than not",
          .meaning = "More quarantined records than this hold the delivery." },
        { .name = "settle",
          .kind = KEY_DURATION,
          .at = AT(settle_us),
          .fallback = "5s",
          .meaning = "How long a file must be unchanged, where it cannot be told that nobody writes it any more." },
        { .name = "reread",
          .kind = KEY_SIZE,
          .at = AT(reread_bytes),
          .fallback = "10 GB",
          .meaning = "When an edit makes `run` read more than this again, it needs --yes." },
        { .name = "limits",
          .kind = KEY_NESTED,
          .nested = &limit_table,
          .shown = "a map",
          .meaning = "Limits of single things; see below." },
        { .name = "as_of",
          .kind = KEY_OTHER,
          .read = read_as_of,
          .shown = "`landed`, `column NAME`, `name \"REGEX\"`",
          .meaning = "Of which time a delivery speaks: when it landed; what stands in a column; or the date in the file's name, from the year on, as the "
                     "expression (POSIX extended, with `\\d`) or its first group finds it. The order of deliveries in `replace`, `merge` and `history`." },
        { .name = "transform", .kind = KEY_LATER, .meaning = "SQL over each record before it is staged." },
};

const KeyTable source_table = {
        .file = "zones/ZONE/sources/SOURCE.yml",
        .thing = "a source",
        .about = "One feed of files into a zone. `lode add` writes this file from what it sees; afterwards nothing is "
                 "guessed again. "
                 "The table it fills is `ZONE.staging.SOURCE`.",
        .example = "from: ingress/orders_*.csv\n"
                   "delimiter: \";\"\n"
                   "decimal: \",\"\n"
                   "dates: [dd/MM/yyyy, yyyy-MM-dd]\n"
                   "footer: \"^Total\"\n"
                   "columns:\n"
                   "  order_no: text required\n"
                   "  amount: decimal(12,2)\n"
                   "  changed_at: timestamp Europe/Copenhagen\n",
        .keys = keys,
        .count = COUNT_OF(keys),
};

/* ---- the whole ---- */

Source *source_new(Arena *arena, Str zone, Str name) {
        Source *source = ARENA_NEW(arena, Source);
        source->format = format_default();
        keys_defaults(&source_table, arena, source);
        source->zone = arena_str(arena, zone);
        source->name = arena_str(arena, name);
        source->path = arena_printf(arena, "zones/%.*s/sources/%.*s.yml", STR_ARG(zone), STR_ARG(name));
        source->tolerate = (Tolerate){ .rows = -1, .per_million = -1 };
        return source;
}

/* What only the whole can tell: an ignored column that is kept, a header-less file with names of a header. */
static void check_whole(KeyContext *context, const YamlNode *root, const Source *source) {
        const YamlNode *ignore = yaml_get(root, "ignore");
        for (size_t i = 0; i < source->ignore.count; i++)
                if (source_column(source, source->ignore.items[i]))
                        key_problem(context, ignore, STATUS_BAD_VALUE, "column `%.*s` is both kept and ignored",
                                    STR_ARG(source->ignore.items[i]));

        FixedCut cut;
        for (size_t i = 0; i < source->ignore.count && source->format.kind == FORMAT_FIXED; i++)
                if (!fixed_cut_parse(source->ignore.items[i], &cut))
                        key_problem(context, ignore, STATUS_BAD_VALUE, "`%.*s` is no place on a line: START-END", STR_ARG(source->ignore.items[i]));

        for (size_t i = 0; i < source->column_count; i++) {
                const SourceColumn *column = &source->columns[i];
                const YamlNode *place = yaml_get(yaml_get(root, "columns"), arena_cstr(context->arena, column->name));
                bool fixed = source->format.kind == FORMAT_FIXED;
                if (fixed != source->column_texts[i].at)
                        key_problem(context, place, STATUS_BAD_VALUE,
                                    fixed ? "column `%.*s` needs its place: at START-END" : "column `%.*s`: `at` has a meaning only for format: fixed",
                                    STR_ARG(column->name));
                if (column->from.size > 0 && !source->format.header && !fixed)
                        key_problem(context, place, STATUS_BAD_VALUE, "`from` names a header, and this source has `header: no`");
        }
}

/* Objects go to one column whole, or their keys to several. */
static void check_nested(KeyContext *context, const YamlNode *root, const Source *source) {
        for (size_t i = 0; i < source->column_count; i++) {
                const SourceColumn *column = &source->columns[i];
                const YamlNode *place = yaml_get(yaml_get(root, "columns"), arena_cstr(context->arena, column->name));
                bool names_row = false;
                for (size_t j = 0; j < source->key.count; j++)
                        names_row |= str_equal_nocase(source->key.items[j], column->name);
                for (size_t j = 0; j < source->order_by.count; j++)
                        names_row |= str_equal_nocase(source->order_by.items[j], column->name);
                if (!type_is_nested(column->type))
                        continue;
                if (names_row)
                        key_problem(context, place, STATUS_BAD_VALUE, "column `%.*s` is a list or a struct, which `key` and `order_by` cannot have", STR_ARG(column->name));
                Str own = source_column_in_file(column);
                for (size_t j = 0; j < source->column_count; j++) {
                        Str other = source->columns[j].from;
                        if (j != i && str_starts_with(other, own) && other.size > own.size && other.data[own.size] == '.' && source->format.kind >= FORMAT_JSON &&
                            source->format.kind <= FORMAT_JSONL)
                                key_problem(context, place, STATUS_BAD_VALUE, "column `%.*s` holds all of its object, and `%.*s` takes a key out of it: one of the two",
                                            STR_ARG(column->name), STR_ARG(source->columns[j].name));
                }
        }
}

static bool is_number_within(Type type) {
        bool within = type.kind == TYPE_INT || type.kind == TYPE_BIGINT || type.kind == TYPE_FLOAT || type.kind == TYPE_DOUBLE || type.kind == TYPE_DECIMAL;
        for (size_t i = 0; i < type.field_count && !within; i++)
                within = is_number_within(type.fields[i].type);
        return within;
}

/* What a column says of its numbers goes with what the source says. */
static void check_number_styles(KeyContext *context, const YamlNode *root, const Source *source) {
        for (size_t i = 0; i < source->column_count; i++) {
                const SourceColumn *column = &source->columns[i];
                const YamlNode *place = yaml_get(yaml_get(root, "columns"), arena_cstr(context->arena, column->name));
                Error err = { 0 };
                if (!column->decimal && !column->has_thousands && !column->has_currency)
                        continue;
                if (!is_number_within(column->type))
                        key_problem(context, place, STATUS_BAD_VALUE, "column `%.*s`: `decimal`, `thousands` and `currency` have a meaning only for numbers", STR_ARG(column->name));
                else if (format_check_column(&source->format, column, &err) != STATUS_OK) {
                        error_context(&err, "column %.*s", STR_ARG(column->name));
                        yaml_error_place(&err, context->file, place);
                        problems_take(context->problems, &err);
                }
        }
}

static void check_format(KeyContext *context, const YamlNode *root, const Source *source) {
        Error err = { 0 };
        if (format_check(&source->format, &err) == STATUS_OK) {
                check_number_styles(context, root, source);
                return;
        }
        const YamlNode *place = yaml_key(root, "dates");
        yaml_error_place(&err, context->file, place ? place : root);
        problems_take(context->problems, &err);
}

Source *source_parse(Arena *arena, Str zone, Str name, const char *path, Str text, Problems *problems) {
        Source *source = source_new(arena, zone, name);
        source->path = arena_printf(arena, "%s", path);
        source->text = arena_str(arena, text);

        Error err = { 0 };
        YamlFile *file;
        if (yaml_parse(source->text, source->path, arena, &file, &err) != STATUS_OK) {
                problems_take(problems, &err);
                return source;
        }
        KeyContext context = { .arena = arena, .file = file, .problems = problems };
        size_t before = problems->errors.count + problems->dropped;
        keys_read(&context, &source_table, file->root, source);
        if (problems->errors.count + problems->dropped > before)
                return source;
        if (source->format.kind == FORMAT_FIXED && !yaml_get(file->root, "header"))
                source->format.header = false;
        check_whole(&context, file->root, source);
        check_load(&context, file->root, source);
        check_nested(&context, file->root, source);
        check_format(&context, file->root, source);
        return source;
}

bool source_is_ingress(Str pattern, Str *out_rest) {
        Str prefix = STR("ingress/");
        if (!str_starts_with(pattern, prefix))
                return false;
        *out_rest = str_slice(pattern, prefix.size, pattern.size);
        return true;
}

const SourceColumn *source_column(const Source *source, Str name) {
        for (size_t i = 0; i < source->column_count; i++)
                if (str_equal_nocase(source->columns[i].name, name))
                        return &source->columns[i];
        return NULL;
}

StrList source_nulls(const Source *source, size_t column) {
        return source->columns[column].has_nulls ? source->columns[column].nulls : source->format.nulls;
}

Sha256 source_reading_hash(const Source *source) {
        CLEANUP(buf_deinit) Buf buf = { 0 };
        buf_append_cstr(&buf, "reading 1");
        format_write(&buf, &source->format);
        for (size_t i = 0; i < source->column_count; i++) {
                SourceColumn column = source->columns[i];
                column.zone_file = STR_NONE; /* a newer tz database alone makes nothing be read again */
                column.field_id = 0;
                source_columns_write(&buf, &column, 1);
        }
        for (size_t i = 0; i < source->column_count; i++)
                buf_u8(&buf, source->column_texts[i].unique);
        str_list_write(&buf, source->ignore);
        buf_u8(&buf, (uint8_t)source->load);
        buf_u8(&buf, (uint8_t)source->evolve);
        str_list_write(&buf, source->key);
        str_list_write(&buf, source->order_by);
        buf_u8(&buf, (uint8_t)source->gone.test);
        buf_lstr(&buf, source->gone.column);
        str_list_write(&buf, source->gone.values);
        buf_u8(&buf, (uint8_t)source->absent);
        buf_u8(&buf, (uint8_t)source->as_of.kind);
        buf_lstr(&buf, source->as_of.text);
        return sha256_of(buf_view(&buf));
}
