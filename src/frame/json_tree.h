/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * JsonTree: which column a value inside a JSON record belongs to. Every key that holds values is a node under the node
 * of the object that it stands in; a node gets a column when the first value other than null is met at it, in the
 * order of the file, so that columns are only ever added.
 *
 * A path names a node: its keys with dots between them, from the record inwards. In a key, a dot or a backslash has a
 * backslash before it, and an empty key is `\e`.
 *
 * Lives for one file. One thread.
 */
#include "base/map.h"
#include "base/vec.h"
#include "frame/format.h"

#define JSON_FLATTEN_MAX 10                        /* objects inside each other that become columns */
#define JSON_KEYS_MAX (4 * FORMAT_COLUMNS_MAX)     /* nodes; beyond it the keys are data */
#define JSON_NO_COLUMN SIZE_MAX

typedef struct JsonNode {
        Str key, path;
        struct JsonNode *parent, *next; /* the next key of the same object, in the order in which they were met */
        struct JsonNode *first, *last;  /* keys below */
        struct JsonNode *expected;      /* the key that likely comes next */
        Map below;
        size_t column, depth;
        bool whole;     /* an object here stays JSON text */
        bool nulls;     /* null, or an object without keys, was met */
        uint64_t seen;  /* the record in which it was met last */
} JsonNode;

typedef struct JsonTree {
        Arena arena;
        JsonNode *root;
        Map whole, inside; /* paths that keep objects as text; paths with something below them */
        VEC(JsonNode *) columns;
        size_t node_count;
} JsonTree;

/* names: the paths of columns that are there; one with an object at it, and no other name below, keeps it as text. */
void json_tree_init(JsonTree *tree, StrList names);
void json_tree_deinit(JsonTree *tree);

/* The node of a key (unescaped) in an object; NULL when there are too many. */
JsonNode *json_tree_key(JsonTree *tree, JsonNode *object, Str key);
/* Its column, made if it has none; JSON_NO_COLUMN when there are too many. */
size_t json_tree_column(JsonTree *tree, JsonNode *node);
/* Takes back all columns from `count` on: they came with a record that is none. */
void json_tree_forget(JsonTree *tree, size_t count);
/* Gives a column to every key that never had a value nor anything below it. False if there are too many. */
bool json_tree_finish(JsonTree *tree);

/* The path of a key (unescaped) in what `path` leads to; STR_NONE: the record. In the arena. */
Str json_path_below(Arena *arena, Str path, Str key);
/* Which paths names are, and which have something below them that is a name: those two maps get a value other than NULL. */
void json_paths_note(StrList names, Map *whole, Map *inside);
/* The name that a path gives to its column: underscores for dots; see names_of_header() for the rest. */
Str json_path_name(Str path, Arena *arena);
/* Whether it is a key of the record itself: its name is what is written. */
bool json_path_is_key(Str path);
/* The keys of a path. */
StrList json_path_split(Str path, Arena *arena);
