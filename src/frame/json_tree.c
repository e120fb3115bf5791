/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/json_tree.h"

#define NAME_MAX_BYTES 200 /* of a column's name that is made of keys */

static JsonNode *new_node(JsonTree *tree, JsonNode *parent, Str key) {
        JsonNode *node = ARENA_NEW(&tree->arena, JsonNode);
        *node = (JsonNode){ .key = arena_str(&tree->arena, key), .parent = parent, .column = JSON_NO_COLUMN };
        map_init(&node->below, &tree->arena);
        tree->node_count++;
        return node;
}

/* Every path above a name has something below it. */
static void note_inside(Map *inside, Str name) {
        for (size_t i = 1; i < name.size; i++)
                if (name.data[i] == '.' && name.data[i - 1] != '\\')
                        map_put(inside, str_slice(name, 0, i), inside);
}

void json_paths_note(StrList names, Map *whole, Map *inside) {
        for (size_t i = 0; i < names.count; i++) {
                map_put(whole, names.items[i], whole);
                note_inside(inside, names.items[i]);
        }
}

void json_tree_init(JsonTree *tree, StrList names) {
        arena_reset(&tree->arena);
        *tree = (JsonTree){ .arena = tree->arena };
        map_init(&tree->whole, &tree->arena);
        map_init(&tree->inside, &tree->arena);
        json_paths_note(names, &tree->whole, &tree->inside);
        tree->root = new_node(tree, NULL, STR(""));
}

void json_tree_deinit(JsonTree *tree) {
        arena_deinit(&tree->arena);
        *tree = (JsonTree){ 0 };
}

Str json_path_below(Arena *arena, Str path, Str key) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        if (path.data)
                buf_printf(&out, "%.*s.", STR_ARG(path));
        if (key.size == 0)
                buf_append_cstr(&out, "\\e");
        for (size_t i = 0; i < key.size; i++) {
                if (key.data[i] == '.' || key.data[i] == '\\')
                        buf_append_byte(&out, '\\');
                buf_append_byte(&out, key.data[i]);
        }
        return buf_dup(&out, arena);
}

static JsonNode *add_key(JsonTree *tree, JsonNode *object, Str key) {
        if (tree->node_count >= JSON_KEYS_MAX)
                return NULL;
        JsonNode *node = new_node(tree, object, key);
        node->depth = object->depth + 1;
        node->path = json_path_below(&tree->arena, object->parent ? object->path : STR_NONE, key);
        node->whole = node->depth >= JSON_FLATTEN_MAX ||
                      (map_has(&tree->whole, node->path) && !map_has(&tree->inside, node->path));
        if (object->last)
                object->last->next = node;
        else
                object->first = node;
        object->last = node;
        map_put(&object->below, key, node);
        return node;
}

JsonNode *json_tree_key(JsonTree *tree, JsonNode *object, Str key) {
        JsonNode *node = object->expected ? object->expected : object->first;
        if (!node || !str_equal(node->key, key))
                node = map_get(&object->below, key);
        if (!node)
                node = add_key(tree, object, key);
        if (node)
                object->expected = node->next;
        return node;
}

size_t json_tree_column(JsonTree *tree, JsonNode *node) {
        if (node->column != JSON_NO_COLUMN)
                return node->column;
        if (tree->columns.count == FORMAT_COLUMNS_MAX)
                return JSON_NO_COLUMN;
        vec_push(&tree->arena, &tree->columns, node);
        return node->column = tree->columns.count - 1;
}

void json_tree_forget(JsonTree *tree, size_t count) {
        while (tree->columns.count > count)
                tree->columns.items[--tree->columns.count]->column = JSON_NO_COLUMN;
}

/* The tree's next node behind this one and all below it; NULL at the end. */
static JsonNode *next_node(JsonNode *node) {
        if (node->first)
                return node->first;
        while (node && !node->next)
                node = node->parent;
        return node ? node->next : NULL;
}

bool json_tree_finish(JsonTree *tree) {
        for (JsonNode *node = tree->root; node; node = next_node(node)) {
                bool named = node->nulls && node->column == JSON_NO_COLUMN && !node->first;
                if (named && json_tree_column(tree, node) == JSON_NO_COLUMN)
                        return false;
        }
        return true;
}

bool json_path_is_key(Str path) {
        for (size_t i = 0; i < path.size; i++) {
                if (path.data[i] == '.')
                        return false;
                i += path.data[i] == '\\';
        }
        return true;
}

StrList json_path_split(Str path, Arena *arena) {
        VEC(Str) keys = { 0 };
        CLEANUP(buf_deinit) Buf key = { 0 };
        for (size_t i = 0; i < path.size; i++) {
                bool escape = path.data[i] == '\\' && i + 1 < path.size;
                if (escape && path.data[i + 1] == 'e') {
                        i++;
                } else if (path.data[i] == '.') {
                        vec_push(arena, &keys, buf_dup(&key, arena));
                        buf_clear(&key);
                } else {
                        i += escape;
                        buf_append_byte(&key, path.data[i]);
                }
        }
        if (path.size > 0)
                vec_push(arena, &keys, buf_dup(&key, arena));
        return (StrList){ keys.items, keys.count };
}

Str json_path_name(Str path, Arena *arena) {
        StrList keys = json_path_split(path, arena);
        CLEANUP(buf_deinit) Buf name = { 0 };
        for (size_t i = 0; i < keys.count; i++) {
                if (i > 0)
                        buf_append_byte(&name, '_');
                buf_append(&name, keys.items[i]);
        }
        size_t size = name.size < NAME_MAX_BYTES ? name.size : NAME_MAX_BYTES;
        while (size > 0 && size < name.size && (name.data[size] & 0xc0) == 0x80)
                size--;
        return str_trim(arena_str(arena, (Str){ name.data, size }));
}
