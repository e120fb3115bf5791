/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * JSON: a read-only tree in an arena (parsed by jansson, its only door), and a writer onto a Buf.
 *
 * Integers keep 64 bits; a number beyond is refused. Object keys keep their order; a duplicate key is refused.
 * Depth is limited to JSON_DEPTH. Accessors take NULL and wrong types calmly: they give NULL, an empty Str, or the
 * default, so a walk needs one check at its end. Strict readers use the json_want_* family, which fill an Error.
 */
#include "base/buf.h"

#define JSON_DEPTH 1000
#define JSON_WRITER_DEPTH (JSON_DEPTH + 64) /* any tree that was parsed, inside something of ours */

typedef enum JsonKind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_INTEGER, JSON_REAL, JSON_STRING, JSON_ARRAY, JSON_OBJECT } JsonKind;

typedef struct Json Json;
struct Json {
        JsonKind kind;
        union {
                int64_t integer;
                double real;
                Str string;
                struct {
                        Json **items;
                        size_t count;
                } array;
                struct {
                        Str *keys;
                        Json **values;
                        size_t count;
                } object;
        };
};

/* CORRUPT with line and column on bad input (err's place is in `name`, which may be NULL); LIMIT when nested over JSON_DEPTH. */
Status json_parse(Str text, const char *name, Arena *arena, Json **out, Error *err);

const Json *json_get(const Json *object, const char *key);
size_t json_count(const Json *value);                 /* items of an array, members of an object, else 0 */
const Json *json_at(const Json *array, size_t index);
Str json_string(const Json *value);                   /* "" unless a string */
int64_t json_integer(const Json *value, int64_t fallback);
bool json_bool(const Json *value, bool fallback);
bool json_is_null(const Json *value);                 /* absent counts as null */

Status json_want_string(const Json *object, const char *key, Str *out, Error *err);
Status json_want_integer(const Json *object, const char *key, int64_t *out, Error *err);
Status json_want_array(const Json *object, const char *key, const Json **out, Error *err);
Status json_want_object(const Json *object, const char *key, const Json **out, Error *err);

/*
 * Writer: commas and nesting are kept by the writer. A key is given before each value inside an object.
 *   json_object(&w); json_key(&w, "name"); json_put_str(&w, name); json_end(&w);
 * pretty = two blanks of indent a level.
 */
typedef struct JsonWriter {
        Buf *out;
        bool pretty;
        int depth;
        bool after_key;
        bool first[JSON_WRITER_DEPTH];
        char close[JSON_WRITER_DEPTH];
} JsonWriter;

JsonWriter json_writer(Buf *out, bool pretty);
void json_object(JsonWriter *writer);
void json_array(JsonWriter *writer);
void json_end(JsonWriter *writer); /* closes the innermost */
void json_key(JsonWriter *writer, const char *key);
void json_key_str(JsonWriter *writer, Str key);
void json_put_str(JsonWriter *writer, Str value); /* NULL data gives null */
void json_put_cstr(JsonWriter *writer, const char *value);
void json_put_int(JsonWriter *writer, int64_t value);
void json_put_double(JsonWriter *writer, double value); /* shortest that reads back; NaN and infinities as strings */
void json_put_bool(JsonWriter *writer, bool value);
void json_put_null(JsonWriter *writer);
void json_put_raw(JsonWriter *writer, Str json); /* a value already in JSON */
void json_put_tree(JsonWriter *writer, const Json *value);
/* key and value in one */
void json_member_str(JsonWriter *writer, const char *key, Str value);
void json_member_strs(JsonWriter *writer, const char *key, const Str *values, size_t count);
void json_member_int(JsonWriter *writer, const char *key, int64_t value);
void json_member_bool(JsonWriter *writer, const char *key, bool value);

/* The text of a JSON string, quotes and escapes, onto a Buf. */
void json_quote(Buf *out, Str text);

/* {"code","sqlstate","message","file","line","column","hint"}, as everything tells its errors to programs. sqlstate: NULL = the status's. */
void json_put_error(JsonWriter *writer, const Error *err, const char *sqlstate);
