/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_door.h"

#include <jansson.h>
#include <stdio.h>

typedef struct Walk {
        const JsonEvents *events;
        void *context;
        int max_depth;
} Walk;

static void *walk(const Walk *w, json_t *in, int depth);

static void *walk_array(const Walk *w, json_t *in, int depth) {
        size_t count = json_array_size(in);
        void *out = w->events->make_array(w->context, count);
        for (size_t i = 0; i < count; i++) {
                void *value = walk(w, json_array_get(in, i), depth + 1);
                if (!value)
                        return NULL;
                w->events->array_set(w->context, out, i, value);
        }
        return out;
}

static void *walk_object(const Walk *w, json_t *in, int depth) {
        void *out = w->events->make_object(w->context, json_object_size(in));
        size_t at = 0;
        for (void *i = json_object_iter(in); i; i = json_object_iter_next(in, i)) {
                void *value = walk(w, json_object_iter_value(i), depth + 1);
                if (!value)
                        return NULL;
                w->events->object_set(w->context, out, at++, str_of(json_object_iter_key(i)), value);
        }
        return out;
}

static void *walk(const Walk *w, json_t *in, int depth) {
        if (depth > w->max_depth)
                return NULL;
        switch (json_typeof(in)) {
        case JSON_OBJECT:
                return walk_object(w, in, depth);
        case JSON_ARRAY:
                return walk_array(w, in, depth);
        case JSON_STRING:
                return w->events->make_string(w->context, (Str){ json_string_value(in), json_string_length(in) });
        case JSON_INTEGER:
                return w->events->make_integer(w->context, json_integer_value(in));
        case JSON_REAL:
                return w->events->make_real(w->context, json_real_value(in));
        case JSON_TRUE:
                return w->events->make_word(w->context, 1);
        case JSON_FALSE:
                return w->events->make_word(w->context, 0);
        case JSON_NULL:
                break;
        }
        return w->events->make_word(w->context, -1);
}

void *json_door_parse(Str text, int max_depth, const JsonEvents *events, void *context, JsonFault *fault) {
        json_error_t error;
        json_t *root = json_loadb(text.data ? text.data : "", text.size,
                                  JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        if (!root) {
                snprintf(fault->words, sizeof(fault->words), "%s", error.text);
                fault->is_too_deep = json_error_code(&error) == json_error_stack_overflow;
                fault->line = error.line;
                fault->column = error.column;
                return NULL;
        }
        Walk w = { events, context, max_depth };
        void *out = walk(&w, root, 1);
        if (!out) {
                fault->is_too_deep = true;
                snprintf(fault->words, sizeof(fault->words), "nested more than %d levels deep", max_depth);
                fault->line = fault->column = 1;
        }
        json_decref(root);
        return out;
}
