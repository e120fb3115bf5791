/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Keys: one table per kind of text file, which both reads it and documents it, so that the manual cannot differ
 * from the program. A row says what a key is called, what it holds, where in the struct it goes, its default and
 * its meaning in one sentence.
 *
 * Reading goes on after a problem: each bad key is one, with place and guess; what a bad key would have set keeps
 * its default.
 */
#include <stddef.h>

#include "base/yaml.h"
#include "model/problems.h"

typedef enum KeyKind {
        KEY_TEXT,      /* Str */
        KEY_NAME,      /* Str, a name of the project */
        KEY_TEXTS,     /* Str * and a size_t: one text or a list */
        KEY_CHARACTER, /* Str of one character; also tab, space, none */
        KEY_FLAG,      /* bool: yes, no, true, false, on, off */
        KEY_COUNT,     /* int64_t >= 0 */
        KEY_DURATION,  /* int64_t in microseconds: 5s, 15m, 24h, 7d */
        KEY_KEEP,      /* int64_t in microseconds, INT64_MAX for `forever` */
        KEY_SIZE,      /* int64_t in bytes: 10 GB */
        KEY_CHOICE,    /* an enum (int): the place of the word among `words` */
        KEY_WORD,      /* Str: one of `words` */
        KEY_PATTERN,   /* Str: a POSIX extended regular expression */
        KEY_NESTED,    /* a map with a table of its own, into the same struct */
        KEY_OTHER,     /* `read` does it */
        KEY_LATER,     /* known, not built yet: an error that says so */
} KeyKind;

typedef struct KeyTable KeyTable;

typedef struct KeyContext {
        Arena *arena;
        const YamlFile *file;
        Problems *problems;
        const KeyTable *table;
        const char *key; /* being read */
        Str subject;     /* of a `named` key: the NAME in `check NAME: ...` */
        bool commas;     /* a text with commas is a list: `-- key: a, b` */
} KeyContext;

typedef void KeyReader(KeyContext *context, const YamlNode *value, void *object);

typedef struct Key {
        const char *name;
        KeyKind kind;
        size_t at, count_at;  /* offsets into the struct */
        const char *words;    /* KEY_CHOICE, KEY_WORD: the words, blanks between */
        const char *later;    /* words that will be built later */
        const char *fallback; /* default, read like a value; NULL = none */
        const char *shown;    /* how the manual words what it holds or its default, where the table cannot */
        bool required;
        bool named; /* `NAME` follows the key, any number of times (model files) */
        KeyReader *read;
        const KeyTable *nested;
        const char *meaning;
} Key;

struct KeyTable {
        const char *file;    /* `zones/ZONE/zone.yml`, or "" for a part of another */
        const char *thing;   /* "a source": for messages */
        const char *about;   /* a paragraph for the manual */
        const char *example; /* for the manual */
        const Key *keys;
        size_t count;
};

/* Sets every default. */
void keys_defaults(const KeyTable *table, Arena *arena, void *object);
/* Reads a map; what is wrong goes to the context's problems. Defaults are the caller's, before. */
void keys_read(KeyContext *context, const KeyTable *table, const YamlNode *map, void *object);
/* One value of one key, place checked by the caller. */
void keys_read_one(KeyContext *context, const Key *key, const YamlNode *value, void *object);
/* A list of maps into new structs of `size` bytes each. */
void *keys_read_list(KeyContext *context, const KeyTable *table, const YamlNode *list, size_t size, size_t *out_count);
/* A file that is a list, or that holds one under its only key: read as keys_read_list. */
void *keys_list_file(Arena *arena, const char *path, Str text, Problems *problems, const KeyTable *table,
                     const char *key, size_t size, size_t *out_count, const YamlNode **out_list);
const Key *keys_find(const KeyTable *table, Str name);
/* Adds UNKNOWN_KEY with a guess or the list of keys. */
void keys_unknown(KeyContext *context, const KeyTable *table, Str name, const YamlNode *place);

/* A problem at a node; hint at the returned error. */
Error *key_problem(KeyContext *context, const YamlNode *node, Status status, const char *format, ...) PRINTF_LIKE(4, 5);
/* The text of a scalar, or a problem and false. An unquoted nothing is a problem. */
bool key_text(KeyContext *context, const YamlNode *value, Str *out);
/* One text or a list of texts. */
bool key_texts(KeyContext *context, const YamlNode *value, Str **out, size_t *out_count);
bool duration_parse(Str text, int64_t *out_us);
bool size_parse(Str text, int64_t *out_bytes);
