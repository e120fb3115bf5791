/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The one door to jansson, apart because its names collide with ours. Parses text and calls back for each value,
 * depth first. Private to base/json.c.
 */
#include "base/str.h"

typedef struct JsonEvents {
        void *(*make_integer)(void *context, int64_t value);
        void *(*make_real)(void *context, double value);
        void *(*make_string)(void *context, Str value);
        void *(*make_word)(void *context, int word); /* 0 false, 1 true, -1 null */
        void *(*make_array)(void *context, size_t count);
        void (*array_set)(void *context, void *array, size_t index, void *value);
        void *(*make_object)(void *context, size_t count);
        void (*object_set)(void *context, void *object, size_t index, Str key, void *value);
} JsonEvents;

typedef struct JsonFault {
        char words[200];
        int line, column;
        bool is_too_deep;
} JsonFault;

/* NULL on bad text, with fault filled. */
void *json_door_parse(Str text, int max_depth, const JsonEvents *events, void *context, JsonFault *fault);
