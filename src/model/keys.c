/* SPDX-License-Identifier: Apache-2.0 */
#include "model/keys.h"

#include <stdarg.h>

#include "base/buf.h"
#include "base/expression.h"
#include "model/name.h"

#define LIST_MAX 10000

Error *key_problem(KeyContext *context, const YamlNode *node, Status status, const char *format, ...) {
        char message[512];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(message, sizeof(message), format, arguments);
        va_end(arguments);

        Error *err = problems_add(context->problems, status, "%s", message);
        yaml_error_place(err, context->file, node);
        return err;
}

bool key_text(KeyContext *context, const YamlNode *value, Str *out) {
        if (value->kind != YAML_SCALAR) {
                key_problem(context, value, STATUS_BAD_VALUE, "`%s` takes one text, not a %s", context->key,
                            value->kind == YAML_LIST ? "list" : "map");
                return false;
        }
        if (value->text.size == 0 && !value->quoted) {
                Error *err = key_problem(context, value, STATUS_BAD_VALUE, "`%s` has no value", context->key);
                error_hint(err, "give it one or remove the line; \"\" is the empty text");
                return false;
        }
        *out = arena_str(context->arena, value->text);
        return true;
}

static void split_commas(KeyContext *context, Str text, Str **out, size_t *out_count) {
        VEC(Str) parts = { 0 };
        Str part, rest = text;
        bool more = true;
        while (more) {
                more = str_cut(rest, ',', &part, &rest);
                vec_push(context->arena, &parts, arena_str(context->arena, str_trim(part)));
        }
        *out = parts.items;
        *out_count = parts.count;
}

bool key_texts(KeyContext *context, const YamlNode *value, Str **out, size_t *out_count) {
        if (value->kind != YAML_LIST) {
                Str text;
                if (!key_text(context, value, &text))
                        return false;
                if (context->commas) {
                        split_commas(context, text, out, out_count);
                        return true;
                }
                *out = ARENA_NEW(context->arena, Str);
                (*out)[0] = text;
                *out_count = 1;
                return true;
        }
        if (value->count > LIST_MAX) {
                key_problem(context, value, STATUS_LIMIT, "`%s` has %zu items; at most %d are read", context->key,
                            value->count, LIST_MAX);
                return false;
        }

        Str *texts = ARENA_ARRAY(context->arena, Str, value->count + 1);
        bool good = true;
        for (size_t i = 0; i < value->count; i++)
                good = key_text(context, value->items[i], &texts[i]) && good;
        if (!good)
                return false;
        *out = texts;
        *out_count = value->count;
        return true;
}

/* A whole number and a unit, with or without a blank between. */
typedef struct Unit {
        const char *word;
        int64_t factor;
} Unit;

static bool quantity_parse(Str text, const Unit *units, size_t count, int64_t *out) {
        size_t digits = 0;
        while (digits < text.size && text.data[digits] >= '0' && text.data[digits] <= '9')
                digits++;
        int64_t number;
        if (!str_to_int64(str_slice(text, 0, digits), &number))
                return false;

        Str unit = str_trim(str_slice(text, digits, text.size));
        for (size_t i = 0; i < count; i++) {
                int64_t product;
                if (!str_equal_nocase(unit, str_of(units[i].word)))
                        continue;
                if (__builtin_mul_overflow(number, units[i].factor, &product))
                        return false;
                *out = product;
                return true;
        }
        return false;
}

static const Unit times[] = {
        { "m", 60000000 },   { "ms", 1000 },       { "s", 1000000 },       { "min", 60000000 },
        { "h", 3600000000 }, { "d", 86400000000 }, { "day", 86400000000 }, { "days", 86400000000 },
};

bool duration_parse(Str text, int64_t *out_us) {
        return quantity_parse(text, times, COUNT_OF(times), out_us);
}

/* Without the first: whoever says how long things are kept means months by it. */
static bool keep_parse(Str text, int64_t *out_us) {
        return quantity_parse(text, times + 1, COUNT_OF(times) - 1, out_us);
}

bool size_parse(Str text, int64_t *out_bytes) {
        static const Unit units[] = {
                { "", 1 },          { "b", 1 },           { "kb", 1000 },
                { "mb", 1000000 },  { "gb", 1000000000 }, { "tb", 1000000000000 },
                { "kib", 1 << 10 }, { "mib", 1 << 20 },   { "gib", 1 << 30 },
        };
        return quantity_parse(text, units, COUNT_OF(units), out_bytes);
}

/* The words of a list with blanks between; returns how many. */
static size_t words_split(const char *list, Str out[16]) {
        size_t count = 0;
        Str part, rest = str_of(list);
        bool more = list != NULL && *list;
        while (more && count < 16) {
                more = str_cut(rest, ' ', &part, &rest);
                out[count++] = part;
        }
        return count;
}

static bool word_index(const char *list, Str word, int *out) {
        Str words[16];
        size_t count = words_split(list, words);
        for (size_t i = 0; i < count; i++) {
                if (str_equal(words[i], word)) {
                        *out = (int)i;
                        return true;
                }
        }
        return false;
}

/* The place of the word among the key's words, or a problem that lists or guesses them. */
static bool read_word(KeyContext *context, const Key *key, const YamlNode *value, Str text, int *out) {
        if (word_index(key->words, text, out))
                return true;

        int ignored;
        if (word_index(key->later, text, &ignored)) {
                Error *err = key_problem(context, value, STATUS_BAD_VALUE, "`%s: %.*s` is not built yet", key->name,
                                         STR_ARG(text));
                error_hint(err, "this version knows: %s", key->words);
                return false;
        }

        Str words[16];
        size_t count = words_split(key->words, words);
        Str near = str_nearest(text, words, count);
        Error *err = key_problem(context, value, STATUS_BAD_VALUE, "`%s` cannot be \"%.*s\"", key->name, STR_ARG(text));
        if (near.size > 0)
                error_hint(err, "did you mean `%.*s`?", STR_ARG(near));
        else
                error_hint(err, "it can be: %s", key->words);
        return false;
}

static void read_choice(KeyContext *context, const Key *key, const YamlNode *value, Str text, void *at) {
        int index;
        if (!read_word(context, key, value, text, &index))
                return;
        if (key->kind == KEY_CHOICE)
                *(int *)at = index;
        else
                *(Str *)at = text;
}

static void read_name(KeyContext *context, const YamlNode *value, Str text, void *at) {
        Error err = { 0 };
        if (name_check(text, context->key, &err) == STATUS_OK) {
                *(Str *)at = text;
                return;
        }
        yaml_error_place(&err, context->file, value);
        problems_take(context->problems, &err);
}

static void read_flag(KeyContext *context, const YamlNode *value, Str text, void *at) {
        int index;
        if (word_index("no yes false true off on", text, &index)) {
                *(bool *)at = index % 2 == 1;
                return;
        }
        Error *err = key_problem(context, value, STATUS_BAD_VALUE, "`%s` cannot be \"%.*s\"", context->key,
                                 STR_ARG(text));
        error_hint(err, "it is `yes` or `no`");
}

static void read_character(KeyContext *context, const YamlNode *value, Str text, void *at) {
        static const struct {
                const char *word, *character;
        } names[] = { { "tab", "\t" }, { "space", " " }, { "none", "" }, { "\\t", "\t" } };
        for (size_t i = 0; i < COUNT_OF(names); i++)
                if (str_is(text, names[i].word))
                        text = str_of(names[i].character);

        bool breaks = text.size == 1 && (text.data[0] == '\n' || text.data[0] == '\r' || text.data[0] == 0);
        if (utf8_valid(text) && utf8_length(text) <= 1 && !breaks) {
                *(Str *)at = text;
                return;
        }
        Error *err = key_problem(context, value, STATUS_BAD_VALUE, "`%s` is one character, not \"%.*s\"", context->key,
                                 STR_ARG(text));
        error_hint(err, "write it in quotes, or `tab`, or `none`");
}

static void read_pattern(KeyContext *context, const YamlNode *value, Str text, void *at) {
        regex_t compiled;
        char why[EXPRESSION_WHY];
        if (expression_compile(text, REG_NOSUB, &compiled, why)) {
                regfree(&compiled);
                *(Str *)at = text;
                return;
        }
        Error *err = key_problem(context, value, STATUS_BAD_VALUE, "`%s` is no regular expression: %s", context->key, why);
        error_hint(err, "POSIX extended syntax, as in grep -E: \"^Total\"");
}

static void read_number(KeyContext *context, const Key *key, const YamlNode *value, Str text, void *at) {
        int64_t number = -1;
        const char *wanted = "a whole number from 0";
        bool good;
        if (key->kind == KEY_DURATION) {
                wanted = "a time such as 5s, 15m, 24h or 7d";
                good = duration_parse(text, &number);
        } else if (key->kind == KEY_KEEP) {
                wanted = "a time such as 12h or 30d, or `forever`";
                good = keep_parse(text, &number);
                if (str_is(text, "forever")) {
                        number = INT64_MAX;
                        good = true;
                }
        } else if (key->kind == KEY_SIZE) {
                wanted = "a size such as 500 KB, 16 MB or 10 GB";
                good = size_parse(text, &number);
        } else {
                good = str_to_int64(text, &number) && number >= 0;
        }
        if (good) {
                *(int64_t *)at = number;
                return;
        }
        key_problem(context, value, STATUS_BAD_VALUE, "`%s` is %s, not \"%.*s\"", context->key, wanted, STR_ARG(text));
}

static void read_scalar(KeyContext *context, const Key *key, const YamlNode *value, void *at) {
        Str text;
        if (!key_text(context, value, &text))
                return;
        switch (key->kind) {
        case KEY_TEXT:
                *(Str *)at = text;
                return;
        case KEY_NAME:
                read_name(context, value, text, at);
                return;
        case KEY_CHARACTER:
                read_character(context, value, text, at);
                return;
        case KEY_FLAG:
                read_flag(context, value, text, at);
                return;
        case KEY_COUNT:
        case KEY_DURATION:
        case KEY_KEEP:
        case KEY_SIZE:
                read_number(context, key, value, text, at);
                return;
        case KEY_CHOICE:
        case KEY_WORD:
                read_choice(context, key, value, text, at);
                return;
        case KEY_PATTERN:
                read_pattern(context, value, text, at);
                return;
        case KEY_TEXTS:
        case KEY_NESTED:
        case KEY_OTHER:
        case KEY_LATER:
                break;
        }
        panic("key '%s' is no scalar", key->name);
}

void keys_read_one(KeyContext *context, const Key *key, const YamlNode *value, void *object) {
        context->key = key->name;
        char *at = (char *)object + key->at;
        switch (key->kind) {
        case KEY_TEXTS:
                key_texts(context, value, (Str **)(void *)at, (size_t *)(void *)((char *)object + key->count_at));
                return;
        case KEY_NESTED:
                keys_read(context, key->nested, value, object);
                return;
        case KEY_OTHER:
                key->read(context, value, object);
                return;
        case KEY_LATER: {
                Error *err = key_problem(context, value, STATUS_BAD_VALUE, "`%s` is not built yet", key->name);
                error_hint(err, "remove the line; a later version reads it");
                return;
        }
        case KEY_TEXT:
        case KEY_NAME:
        case KEY_CHARACTER:
        case KEY_FLAG:
        case KEY_COUNT:
        case KEY_DURATION:
        case KEY_KEEP:
        case KEY_SIZE:
        case KEY_CHOICE:
        case KEY_WORD:
        case KEY_PATTERN:
                read_scalar(context, key, value, at);
                return;
        }
}

const Key *keys_find(const KeyTable *table, Str name) {
        for (size_t i = 0; i < table->count; i++)
                if (str_is(name, table->keys[i].name))
                        return &table->keys[i];
        return NULL;
}

/* The names, commas between, cut where a hint would end. */
static Str keys_list(const KeyTable *table, Arena *arena) {
        CLEANUP(buf_deinit) Buf buf = { 0 };
        for (size_t i = 0; i < table->count; i++)
                if (table->keys[i].kind != KEY_LATER)
                        buf_printf(&buf, "%s%s", buf.size ? ", " : "", table->keys[i].name);
        return buf_dup(&buf, arena);
}

void keys_unknown(KeyContext *context, const KeyTable *table, Str name, const YamlNode *place) {
        Str *names = ARENA_ARRAY(context->arena, Str, table->count + 1);
        for (size_t i = 0; i < table->count; i++)
                names[i] = str_of(table->keys[i].name);
        Str near = str_nearest(name, names, table->count);

        Error *err = key_problem(context, place, STATUS_UNKNOWN_KEY, "%s has no key `%.*s`", table->thing,
                                 STR_ARG(name));
        if (near.size > 0)
                error_hint(err, "did you mean `%.*s`?", STR_ARG(near));
        else
                error_hint(err, "the keys are: %.*s", STR_ARG(keys_list(table, context->arena)));
}

static void require_keys(KeyContext *context, const KeyTable *table, const YamlNode *map) {
        for (size_t i = 0; i < table->count; i++) {
                const Key *key = &table->keys[i];
                if (!key->required || yaml_get(map, key->name))
                        continue;
                Error *err = key_problem(context, map, STATUS_BAD_VALUE, "%s needs the key `%s`", table->thing,
                                         key->name);
                error_hint(err, "%s: %s", key->name, key->meaning);
        }
}

void keys_read(KeyContext *context, const KeyTable *table, const YamlNode *map, void *object) {
        if (map->kind != YAML_MAP) {
                Error *err = key_problem(context, map, STATUS_BAD_VALUE, "%s is written as `key: value` lines",
                                         table->thing);
                error_hint(err, "the keys are: %.*s", STR_ARG(keys_list(table, context->arena)));
                return;
        }
        const KeyTable *outer = context->table;
        context->table = table;
        for (size_t i = 0; i < map->count; i++) {
                const Key *key = keys_find(table, map->keys[i]->text);
                if (key)
                        keys_read_one(context, key, map->items[i], object);
                else
                        keys_unknown(context, table, map->keys[i]->text, map->keys[i]);
        }
        require_keys(context, table, map);
        context->table = outer;
}

void *keys_read_list(KeyContext *context, const KeyTable *table, const YamlNode *list, size_t size, size_t *out_count) {
        *out_count = 0;
        if (list->kind != YAML_LIST) {
                Error *err = key_problem(context, list, STATUS_BAD_VALUE,
                                         "a list is wanted here: each of its items is %s", table->thing);
                error_hint(err, "begin each item with `- `");
                return NULL;
        }
        if (list->count > LIST_MAX) {
                key_problem(context, list, STATUS_LIMIT, "%zu items; at most %d are read", list->count, LIST_MAX);
                return NULL;
        }
        char *items = arena_alloc_array(context->arena, list->count + 1, size);
        for (size_t i = 0; i < list->count; i++) {
                keys_defaults(table, context->arena, items + i * size);
                keys_read(context, table, list->items[i], items + i * size);
        }
        *out_count = list->count;
        return items;
}

void keys_defaults(const KeyTable *table, Arena *arena, void *object) {
        Problems problems = { .arena = arena };
        YamlFile file = { .name = "default", .text = STR("") };
        KeyContext context = { .arena = arena, .file = &file, .problems = &problems, .table = table };
        for (size_t i = 0; i < table->count; i++) {
                const Key *key = &table->keys[i];
                if (key->kind == KEY_NESTED)
                        keys_defaults(key->nested, arena, object);
                if (!key->fallback)
                        continue;
                YamlNode value = {
                        .kind = YAML_SCALAR, .text = str_of(key->fallback), .quoted = true, .line = 1, .column = 1
                };
                keys_read_one(&context, key, &value, object);
        }
        if (problems_any(&problems))
                panic("default of %s: %s", table->thing, problems.errors.items[0]->message);
}

/* The list that a file is, or that its one key holds. NULL if there is none; what is wrong is a problem. */
static const YamlNode *only_list(KeyContext *context, const KeyTable *table, const char *key) {
        const YamlNode *root = context->file->root;
        Str only = str_of(key);
        if (root->kind == YAML_LIST)
                return root;
        if (root->kind != YAML_MAP) {
                Error *err = key_problem(context, root, STATUS_BAD_VALUE, "this file holds `%.*s:` and a list",
                                         STR_ARG(only));
                error_hint(err, "each item is %s and begins with `- `", table->thing);
                return NULL;
        }
        for (size_t i = 0; i < root->count; i++) {
                if (str_equal(root->keys[i]->text, only))
                        continue;
                Error *err = key_problem(context, root->keys[i], STATUS_UNKNOWN_KEY, "this file has no key `%.*s`",
                                         STR_ARG(root->keys[i]->text));
                error_hint(err, "it holds `%.*s:` and a list", STR_ARG(only));
        }
        return yaml_get(root, key);
}

/* Parses the file and reads its list; items are `size` bytes each. */
void *keys_list_file(Arena *arena, const char *path, Str text, Problems *problems, const KeyTable *table,
                     const char *key, size_t size, size_t *out_count, const YamlNode **out_list) {
        *out_count = 0;
        *out_list = NULL;
        Error err = { 0 };
        YamlFile *file;
        if (yaml_parse(text, path, arena, &file, &err) != STATUS_OK) {
                problems_take(problems, &err);
                return NULL;
        }
        KeyContext context = { .arena = arena, .file = file, .problems = problems };
        const YamlNode *list = only_list(&context, table, key);
        if (!list)
                return NULL;
        *out_list = list;
        return keys_read_list(&context, table, list, size, out_count);
}
