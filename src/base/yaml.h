/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * YAML: the strict part that the project's text uses, as a tree with places (libyaml enters only here).
 *
 * Scalars, lists and maps, in block or flow form. No anchors, aliases, tags or second documents. Scalars are text:
 * `no` and `1.0` stay as written; the reader of a key decides its type. A duplicate key is an error. An unquoted
 * value that YAML would cut or read otherwise is an error with a guess: a comment that follows an unquoted value
 * after one blank (two blanks make it a comment), an unbalanced quote, a ': ' inside.
 */
#include "base/arena.h"
#include "base/error.h"

typedef enum YamlKind { YAML_SCALAR, YAML_LIST, YAML_MAP } YamlKind;

typedef struct YamlNode YamlNode;
struct YamlNode {
        YamlKind kind;
        int line, column; /* from 1 */
        Str text;         /* scalar; empty and plain = nothing was written */
        bool quoted;
        YamlNode **items; /* list: items; map: values */
        YamlNode **keys;  /* map only */
        size_t count;
};

typedef struct YamlFile {
        const char *name; /* as shown in errors */
        Str text;
        YamlNode *root;   /* a map or a list; an empty file is an empty map */
} YamlFile;

#define YAML_SIZE_MAX (1u << 20)

Status yaml_parse(Str text, const char *name, Arena *arena, YamlFile **out, Error *err);
const YamlNode *yaml_get(const YamlNode *map, const char *key); /* NULL if absent */
const YamlNode *yaml_key(const YamlNode *map, const char *key); /* the key's own node, for its place */
/* Records the place of node and returns err's status; call after error_set. */
Status yaml_error_place(Error *err, const YamlFile *file, const YamlNode *node);
