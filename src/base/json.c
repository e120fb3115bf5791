/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/json_door.h"

#include <math.h>

/* ---- reading ---- */

static Json *make(void *arena, JsonKind kind) {
        Json *json = ARENA_NEW((Arena *)arena, Json);
        json->kind = kind;
        return json;
}

static void *make_integer(void *arena, int64_t value) {
        Json *json = make(arena, JSON_INTEGER);
        json->integer = value;
        return json;
}

static void *make_real(void *arena, double value) {
        Json *json = make(arena, JSON_REAL);
        json->real = value;
        return json;
}

static void *make_string(void *arena, Str value) {
        Json *json = make(arena, JSON_STRING);
        json->string = arena_str(arena, value);
        return json;
}

static void *make_word(void *arena, int word) {
        return make(arena, word < 0 ? JSON_NULL : word ? JSON_TRUE : JSON_FALSE);
}

static void *make_array(void *arena, size_t count) {
        Json *json = make(arena, JSON_ARRAY);
        json->array.items = ARENA_ARRAY((Arena *)arena, Json *, count);
        json->array.count = count;
        return json;
}

static void array_set(void *arena UNUSED, void *array, size_t index, void *value) {
        ((Json *)array)->array.items[index] = value;
}

static void *make_object(void *arena, size_t count) {
        Json *json = make(arena, JSON_OBJECT);
        json->object.keys = ARENA_ARRAY((Arena *)arena, Str, count);
        json->object.values = ARENA_ARRAY((Arena *)arena, Json *, count);
        json->object.count = count;
        return json;
}

static void object_set(void *arena, void *object, size_t index, Str key, void *value) {
        ((Json *)object)->object.keys[index] = arena_str(arena, key);
        ((Json *)object)->object.values[index] = value;
}

Status json_parse(Str text, const char *name, Arena *arena, Json **out, Error *err) {
        static const JsonEvents events = {
                make_integer, make_real, make_string, make_word, make_array, array_set, make_object, object_set,
        };
        JsonFault fault = { 0 };
        Json *root = json_door_parse(text, JSON_DEPTH, &events, arena, &fault);
        if (!root) {
                if (fault.is_too_deep)
                        return error_set(err, STATUS_LIMIT, "this JSON is nested too deeply: %s", fault.words);
                error_set(err, STATUS_CORRUPT, "this is not JSON: %s", fault.words);
                return error_place_line(err, name, text, fault.line, fault.column);
        }
        *out = root;
        return STATUS_OK;
}

const Json *json_get(const Json *object, const char *key) {
        if (!object || object->kind != JSON_OBJECT)
                return NULL;
        Str wanted = str_of(key);
        for (size_t i = 0; i < object->object.count; i++)
                if (str_equal(object->object.keys[i], wanted))
                        return object->object.values[i];
        return NULL;
}

size_t json_count(const Json *value) {
        if (value && value->kind == JSON_ARRAY)
                return value->array.count;
        return value && value->kind == JSON_OBJECT ? value->object.count : 0;
}

const Json *json_at(const Json *array, size_t index) {
        return array && array->kind == JSON_ARRAY && index < array->array.count ? array->array.items[index] : NULL;
}

Str json_string(const Json *value) {
        return value && value->kind == JSON_STRING ? value->string : STR("");
}

int64_t json_integer(const Json *value, int64_t fallback) {
        return value && value->kind == JSON_INTEGER ? value->integer : fallback;
}

bool json_bool(const Json *value, bool fallback) {
        return value && value->kind == JSON_TRUE ? true : value && value->kind == JSON_FALSE ? false : fallback;
}

bool json_is_null(const Json *value) {
        return !value || value->kind == JSON_NULL;
}

static Status want(const Json *object, const char *key, JsonKind kind, const char *what, const Json **out, Error *err) {
        const Json *value = json_get(object, key);
        if (!value)
                return error_set(err, STATUS_CORRUPT, "the key '%s' is missing", key);
        if (value->kind != kind)
                return error_set(err, STATUS_CORRUPT, "the key '%s' must hold %s", key, what);
        *out = value;
        return STATUS_OK;
}

Status json_want_string(const Json *object, const char *key, Str *out, Error *err) {
        const Json *value;
        TRY(want(object, key, JSON_STRING, "a string", &value, err));
        *out = value->string;
        return STATUS_OK;
}

Status json_want_integer(const Json *object, const char *key, int64_t *out, Error *err) {
        const Json *value;
        TRY(want(object, key, JSON_INTEGER, "an integer", &value, err));
        *out = value->integer;
        return STATUS_OK;
}

Status json_want_array(const Json *object, const char *key, const Json **out, Error *err) {
        return want(object, key, JSON_ARRAY, "an array", out, err);
}

Status json_want_object(const Json *object, const char *key, const Json **out, Error *err) {
        return want(object, key, JSON_OBJECT, "an object", out, err);
}

/* ---- writing ---- */

JsonWriter json_writer(Buf *out, bool pretty) {
        return (JsonWriter){ .out = out, .pretty = pretty };
}

static void new_line(JsonWriter *w) {
        if (!w->pretty)
                return;
        buf_append_byte(w->out, '\n');
        for (int i = 0; i < w->depth; i++)
                buf_append_cstr(w->out, "  ");
}

/* Before each value and key: the comma and the line. */
static void before(JsonWriter *w) {
        if (w->after_key) {
                w->after_key = false;
                return;
        }
        if (w->depth == 0)
                return;
        if (!w->first[w->depth - 1])
                buf_append_byte(w->out, ',');
        w->first[w->depth - 1] = false;
        new_line(w);
}

static void open(JsonWriter *w, char opening, char closing) {
        before(w);
        if (w->depth == JSON_WRITER_DEPTH)
                panic("JSON is written deeper than %d levels", JSON_WRITER_DEPTH);
        buf_append_byte(w->out, opening);
        w->first[w->depth] = true;
        w->close[w->depth] = closing;
        w->depth++;
}

void json_object(JsonWriter *writer) {
        open(writer, '{', '}');
}

void json_array(JsonWriter *writer) {
        open(writer, '[', ']');
}

void json_end(JsonWriter *w) {
        w->depth--;
        if (!w->first[w->depth])
                new_line(w);
        buf_append_byte(w->out, w->close[w->depth]);
}

void json_key_str(JsonWriter *w, Str key) {
        before(w);
        json_quote(w->out, key);
        buf_append_cstr(w->out, w->pretty ? ": " : ":");
        w->after_key = true;
}

void json_key(JsonWriter *writer, const char *key) {
        json_key_str(writer, str_of(key));
}

void json_put_raw(JsonWriter *writer, Str json) {
        before(writer);
        buf_append(writer->out, json);
}

void json_put_null(JsonWriter *writer) {
        json_put_raw(writer, STR("null"));
}

void json_put_str(JsonWriter *writer, Str value) {
        if (!value.data) {
                json_put_null(writer);
                return;
        }
        before(writer);
        json_quote(writer->out, value);
}

void json_put_cstr(JsonWriter *writer, const char *value) {
        json_put_str(writer, str_of(value));
}

void json_put_int(JsonWriter *writer, int64_t value) {
        before(writer);
        buf_printf(writer->out, "%lld", (long long)value);
}

void json_put_double(JsonWriter *writer, double value) {
        if (isnan(value) || isinf(value)) {
                json_put_cstr(writer, isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
                return;
        }
        before(writer);
        if (value == 0 && signbit(value)) {
                buf_append_cstr(writer->out, "-0.0"); /* -0 would be read as an integer, which has one zero */
                return;
        }
        char text[40];
        for (int digits = 15; digits <= 17; digits++) {
                snprintf(text, sizeof(text), "%.*g", digits, value);
                if (strtod(text, NULL) == value)
                        break;
        }
        buf_append_cstr(writer->out, text);
}

void json_put_bool(JsonWriter *writer, bool value) {
        json_put_raw(writer, value ? STR("true") : STR("false"));
}

void json_put_tree(JsonWriter *w, const Json *value) {
        switch (value->kind) {
        case JSON_NULL:
                json_put_null(w);
                break;
        case JSON_FALSE:
        case JSON_TRUE:
                json_put_bool(w, value->kind == JSON_TRUE);
                break;
        case JSON_INTEGER:
                json_put_int(w, value->integer);
                break;
        case JSON_REAL:
                json_put_double(w, value->real);
                break;
        case JSON_STRING:
                json_put_str(w, value->string);
                break;
        case JSON_ARRAY:
                json_array(w);
                for (size_t i = 0; i < value->array.count; i++)
                        json_put_tree(w, value->array.items[i]);
                json_end(w);
                break;
        case JSON_OBJECT:
                json_object(w);
                for (size_t i = 0; i < value->object.count; i++) {
                        json_key_str(w, value->object.keys[i]);
                        json_put_tree(w, value->object.values[i]);
                }
                json_end(w);
                break;
        }
}

void json_member_str(JsonWriter *writer, const char *key, Str value) {
        json_key(writer, key);
        json_put_str(writer, value);
}

void json_member_strs(JsonWriter *writer, const char *key, const Str *values, size_t count) {
        json_key(writer, key);
        json_array(writer);
        for (size_t i = 0; i < count; i++)
                json_put_str(writer, values[i]);
        json_end(writer);
}

void json_member_int(JsonWriter *writer, const char *key, int64_t value) {
        json_key(writer, key);
        json_put_int(writer, value);
}

void json_member_bool(JsonWriter *writer, const char *key, bool value) {
        json_key(writer, key);
        json_put_bool(writer, value);
}

/* Invalid UTF-8 becomes U+FFFD: what we print is always JSON. */
void json_quote(Buf *out, Str text) {
        static const char escapes[] = "\"\"\\\\\bb\ff\nn\rr\tt";
        buf_append_byte(out, '"');
        size_t start = 0, at = 0;
        while (at < text.size) {
                unsigned char c = (unsigned char)text.data[at];
                uint32_t code;
                size_t size = c < 0x80 ? 1 : utf8_decode(text, at, &code);
                bool broken = c >= 0x80 && size == 1;
                if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7F && !broken) {
                        at += size;
                        continue;
                }
                buf_append(out, str_slice(text, start, at));
                at += size;
                start = at;
                const char *escape = c ? memchr(escapes, c, sizeof(escapes) - 1) : NULL;
                if (broken)
                        buf_append_cstr(out, "\xEF\xBF\xBD");
                else if (escape && (escape - escapes) % 2 == 0)
                        buf_append(out, (Str){ (const char[]){ '\\', escape[1] }, 2 });
                else
                        buf_printf(out, "\\u%04x", c);
        }
        buf_append(out, str_slice(text, start, text.size));
        buf_append_byte(out, '"');
}

/* ---- errors ---- */

static void member_or_null(JsonWriter *writer, const char *key, const char *text) {
        json_key(writer, key);
        if (*text)
                json_put_cstr(writer, text);
        else
                json_put_null(writer);
}

static void place_or_null(JsonWriter *writer, const char *key, int value) {
        json_key(writer, key);
        if (value > 0)
                json_put_int(writer, value);
        else
                json_put_null(writer);
}

void json_put_error(JsonWriter *writer, const Error *err, const char *sqlstate) {
        json_object(writer);
        json_member_str(writer, "code", str_of(status_code(err->status)));
        json_member_str(writer, "sqlstate", str_of(sqlstate ? sqlstate : status_sqlstate(err->status)));
        json_member_str(writer, "message", str_of(err->message));
        member_or_null(writer, "file", err->file);
        place_or_null(writer, "line", err->line);
        place_or_null(writer, "column", err->column);
        member_or_null(writer, "hint", err->hint);
        json_end(writer);
}
