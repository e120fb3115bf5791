/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/nested.h"

#include <math.h>

#include "base/json.h"
#include "base/map.h"
#include "base/vec.h"
#include "frame/json_text.h"
#include "frame/typing_parts.h"

/* Where in the value the reading is; the root has no parent. */
typedef struct Place {
        const struct Place *parent;
        Str key;      /* of a struct's field; data NULL: an element */
        size_t index; /* of an element */
} Place;

typedef struct Reading {
        const Typing *typing;
        const Type *type; /* of the whole field */
        TypingRules bare; /* by which numbers are read that JSON wrote as such */
        JsonText json;
        Arena *arena;
        size_t values, unknown_count;
        NestedUnknown *first, **last;
        NestedFault *fault;
} Reading;

/* ---- what does not fit ---- */

static void put_place(Buf *out, const Place *place) {
        if (!place || !place->parent)
                return;
        put_place(out, place->parent);
        if (!place->key.data)
                buf_printf(out, "[%zu]", place->index);
        else
                buf_printf(out, ".%.*s", STR_ARG(place->key));
}

static bool unfit(Reading *r, Rule rule, const Place *place, Str text) {
        CLEANUP(buf_deinit) Buf path = { 0 };
        put_place(&path, place);
        *r->fault = (NestedFault){ .rule = rule, .path = buf_dup(&path, r->arena), .text = text };
        return false;
}

static bool broken(Reading *r, JsonFault fault, size_t at) {
        *r->fault = (NestedFault){ .rule = fault == JSON_FAULT_NUL ? RULE_NUL_BYTE : RULE_BAD_JSON,
                                   .text = { r->json.text, r->json.size },
                                   .at = (int64_t)at + 1,
                                   .fault = fault };
        return false;
}

/* What the grammar's own calls say: they return false at a fault. */
static bool grammar(Reading *r, bool good) {
        return good || broken(r, r->json.fault, r->json.fault_at);
}

/* ---- leaves ---- */

static Str meaning_of(Reading *r, JsonString string) {
        if (!string.escaped)
                return string.inside;
        char *text = arena_alloc_raw(r->arena, string.inside.size + 1);
        return (Str){ text, json_unescape(string.inside, text) };
}

static bool read_by_type(Reading *r, const TypingRules *rules, const Type *type, const Place *place, Str text, Nested *out) {
        Typing leaf = { .rules = rules, .type = *type, .zone = r->typing->zone, .remarks = r->typing->remarks };
        Rule rule = typing_read_plain(&leaf, text, &out->value);
        return rule == RULE_NONE || unfit(r, rule, place, text);
}

static bool read_string(Reading *r, const Type *type, const Place *place, Nested *out) {
        JsonString string;
        const TypingRules *rules = r->typing->rules;
        if (!grammar(r, json_text_string(&r->json, &string)))
                return false;
        Str text = meaning_of(r, string);
        if (type->kind == TYPE_TEXT) {
                out->null = rules->own_words && (typing_is_null_word(rules, text) || (text.size == 0 && rules->empty_is_null));
                out->value.text = text;
                return true;
        }
        Str trimmed = str_trim(text);
        out->null = typing_is_null_word(rules, text) || typing_is_null_word(rules, trimmed) || (trimmed.size == 0 && rules->empty_is_null);
        if (out->null)
                return true;
        if (trimmed.size == 0)
                return unfit(r, RULE_EMPTY_QUOTED, place, text);
        return read_by_type(r, rules, type, place, trimmed, out);
}

/* A number or a word. */
static bool read_bare(Reading *r, const Type *type, const Place *place, Nested *out) {
        JsonText *json = &r->json;
        char c = json->text[json->at];
        Str text;
        if (!grammar(r, c == '-' || (c >= '0' && c <= '9') ? json_text_number(json, &text) : json_text_word(json, &text)))
                return false;
        bool is_word = str_is(text, "true") || str_is(text, "false");
        out->null = str_is(text, "null");
        if (out->null)
                return true;
        if (type->kind == TYPE_TEXT)
                out->value.text = text;
        else if (type->kind == TYPE_BOOLEAN && is_word)
                out->value.boolean = text.data[0] == 't';
        else if (type_is_nested(*type))
                return unfit(r, type->kind == TYPE_LIST ? RULE_NOT_A_LIST : RULE_NOT_A_STRUCT, place, text);
        else
                return read_by_type(r, &r->bare, type, place, text, out);
        return true;
}

/* JSON without the blanks between its values. */
static Str without_blanks(Arena *arena, Str text) {
        char *copy = arena_alloc_raw(arena, text.size + 1);
        size_t size = 0;
        bool inside = false, escape = false;
        for (size_t i = 0; i < text.size; i++) {
                char c = text.data[i];
                if (!inside && (c == ' ' || c == '\t' || c == '\n' || c == '\r'))
                        continue;
                inside ^= c == '"' && !escape;
                escape = c == '\\' && !escape;
                copy[size++] = c;
        }
        return (Str){ copy, size };
}

/* Any value as its text; texts mean what they say. */
static bool read_as_text(Reading *r, Str *out) {
        JsonString string;
        if (r->json.text[r->json.at] == '"') {
                if (!grammar(r, json_text_string(&r->json, &string)))
                        return false;
                *out = meaning_of(r, string);
                return true;
        }
        if (!grammar(r, json_text_value(&r->json, 1, out)))
                return false;
        *out = without_blanks(r->arena, *out);
        return true;
}

/* ---- lists and structs ---- */

static bool read_value(Reading *r, const Type *type, const Place *place, Nested *out);

static bool is_at(Reading *r, char c) {
        json_text_blank(&r->json);
        return r->json.text[r->json.at] == c && r->json.at < r->json.size;
}

static bool read_list(Reading *r, const Type *type, const Place *place, Nested *out) {
        VEC(Nested) items = { 0 };
        r->json.at++;
        bool end = is_at(r, ']');
        r->json.at += end;
        while (!end) {
                Place at = { place, STR_NONE, items.count };
                Nested item = { .null = false };
                json_text_blank(&r->json);
                if (!read_value(r, &type->fields[0].type, &at, &item))
                        return false;
                vec_push(r->arena, &items, item);
                if (!grammar(r, json_text_next(&r->json, ']', &end)))
                        return false;
        }
        out->items = items.items;
        out->count = (uint32_t)items.count;
        return true;
}

/* Equal, or else equal without case. Keys mostly come in the type's order, so the search begins behind the last one. */
static size_t field_of_key(const Type *type, Str key, size_t from) {
        size_t near = type->field_count;
        for (size_t i = 0; i < type->field_count; i++) {
                size_t at = from + i < type->field_count ? from + i : from + i - type->field_count;
                if (str_equal(type->fields[at].name, key))
                        return at;
                if (near == type->field_count && str_equal_nocase(type->fields[at].name, key))
                        near = at;
        }
        return near;
}

static void put_path(Buf *out, const Place *place) {
        if (!place->parent)
                return;
        put_path(out, place->parent);
        buf_append_cstr(out, out->size ? "." : "");
        if (!place->key.data) {
                buf_append_cstr(out, "[]");
                return;
        }
        if (place->key.size == 0)
                buf_append_cstr(out, "\\e");
        for (size_t i = 0; i < place->key.size; i++) {
                if (place->key.data[i] == '.' || place->key.data[i] == '\\')
                        buf_append_byte(out, '\\');
                buf_append_byte(out, place->key.data[i]);
        }
}

static bool read_unknown(Reading *r, const Place *place) {
        Str text;
        bool is_null = is_at(r, 'n');
        if (!read_as_text(r, &text))
                return false;
        if (is_null)
                return true;
        if (++r->unknown_count > NESTED_UNKNOWN_MAX)
                return unfit(r, RULE_TOO_MANY_VALUES, place, text);
        CLEANUP(buf_deinit) Buf path = { 0 };
        put_path(&path, place);
        NestedUnknown *unknown = ARENA_NEW(r->arena, NestedUnknown);
        *unknown = (NestedUnknown){ NULL, buf_dup(&path, r->arena), text };
        *r->last = unknown;
        r->last = &unknown->next;
        return true;
}

static bool read_member(Reading *r, const Type *type, const Place *place, size_t *next, Map *others, Nested *out) {
        JsonString string;
        size_t start = r->json.at;
        if (!grammar(r, json_text_key(&r->json, &string)))
                return false;
        Place at = { place, meaning_of(r, string), 0 };
        if (!at.key.data)
                at.key = STR("");
        size_t field = field_of_key(type, at.key, *next);
        json_text_blank(&r->json);
        if (field == type->field_count) {
                if (!others->arena)
                        map_init(others, r->arena);
                void **seen = map_at(others, at.key);
                if (*seen)
                        return broken(r, JSON_FAULT_DUPLICATE_KEY, start);
                *seen = others;
                return read_unknown(r, &at);
        }
        if (out->items[field].met)
                return broken(r, JSON_FAULT_DUPLICATE_KEY, start);
        *next = field + 1;
        out->items[field] = (Nested){ .met = true };
        return read_value(r, &type->fields[field].type, &at, &out->items[field]);
}

static bool read_struct(Reading *r, const Type *type, const Place *place, Nested *out) {
        size_t next = 0;
        Map others = { 0 };
        out->count = (uint32_t)type->field_count;
        out->items = ARENA_ARRAY(r->arena, Nested, type->field_count);
        for (size_t i = 0; i < type->field_count; i++)
                out->items[i].null = true;
        r->json.at++;
        bool end = is_at(r, '}');
        r->json.at += end;
        while (!end) {
                json_text_blank(&r->json);
                if (!read_member(r, type, place, &next, &others, out) || !grammar(r, json_text_next(&r->json, '}', &end)))
                        return false;
        }
        return true;
}

static bool read_value(Reading *r, const Type *type, const Place *place, Nested *out) {
        const JsonText *json = &r->json;
        size_t start = json->at;
        char c = json->at < json->size ? json->text[json->at] : 0;
        if (++r->values > NESTED_VALUES_MAX)
                return unfit(r, RULE_TOO_MANY_VALUES, place, str_slice((Str){ json->text, json->size }, start, json->size));
        if (type->kind == TYPE_LIST && c == '[')
                return read_list(r, type, place, out);
        if (type->kind == TYPE_STRUCT && c == '{')
                return read_struct(r, type, place, out);
        Str text;
        if (c == '[' || c == '{') {
                if (!read_as_text(r, &text))
                        return false;
                out->value.text = text;
                if (type->kind == TYPE_TEXT)
                        return true;
                if (type_is_nested(*type))
                        return unfit(r, type->kind == TYPE_LIST ? RULE_NOT_A_LIST : RULE_NOT_A_STRUCT, place, text);
                return read_by_type(r, &r->bare, type, place, text, out);
        }
        if (c == '"' && type_is_nested(*type)) {
                if (!read_as_text(r, &text))
                        return false;
                return unfit(r, type->kind == TYPE_LIST ? RULE_NOT_A_LIST : RULE_NOT_A_STRUCT, place, text);
        }
        return c == '"' ? read_string(r, type, place, out) : read_bare(r, type, place, out);
}

/* ---- the field ---- */

static bool read_whole(Reading *r, Nested *out) {
        static const Place root = { .parent = NULL };
        JsonText *json = &r->json;
        json_text_blank(json);
        if (!read_value(r, r->type, &root, out))
                return false;
        json_text_blank(json);
        if (json->at < json->size)
                return broken(r, JSON_FAULT_EXTRA, json->at);
        return json->flaw == JSON_FAULT_NONE || broken(r, json->flaw, json->flaw_at);
}

Rule nested_read(const Typing *typing, Str text, Arena *arena, const Nested **out, NestedFault *fault) {
        static const Format plain = { .kind = FORMAT_JSON, .decimal = '.' };
        char first = text.data[0];
        if (first != '[' && first != '{') { /* a text like any other: nobody meant JSON */
                Rule rule = typing->type.kind == TYPE_LIST ? RULE_NOT_A_LIST : RULE_NOT_A_STRUCT;
                *fault = (NestedFault){ .rule = rule, .text = text };
                return rule;
        }
        Reading r = { .typing = typing, .type = &typing->type, .bare = { .format = &plain, .decimal = '.' }, .arena = arena, .fault = fault };
        r.json = (JsonText){ .text = arena_cstr(arena, text), .size = text.size, .whole = true };
        r.last = &r.first;
        Nested *value = ARENA_NEW(arena, Nested);
        bool good = read_whole(&r, value);
        json_text_deinit(&r.json);
        if (!good)
                return fault->rule;
        value->unknown = r.first;
        *out = value;
        return RULE_NONE;
}

void nested_look_inside(Misfit *misfit, const Typing *typing, Str field, Arena *arena) {
        const Nested *value;
        NestedFault fault;
        field = str_trim(field);
        if (field.size == 0 || nested_read(typing, field, arena, &value, &fault) != misfit->rule)
                return;
        misfit->path = str_slice(fault.path, 0, MISFIT_FIELD_MAX);
        while (!utf8_valid(misfit->path))
                misfit->path.size--;
        misfit->field = fault.text;
        if (misfit->rule == RULE_BAD_JSON) {
                misfit->width = fault.at;
                misfit->wanted = fault.fault;
        }
}

bool nested_type_is_readable(Type type) {
        if (type.kind != TYPE_LIST && type.kind != TYPE_STRUCT)
                return typing_has_reader(type);
        bool all = type.field_count > 0;
        for (size_t i = 0; i < type.field_count; i++)
                all &= nested_type_is_readable(type.fields[i].type);
        return all;
}

/* ---- printing ---- */

static void put_value(JsonWriter *w, const Type *type, const Nested *value, Arena *arena) {
        if (value->null) {
                json_put_null(w);
        } else if (type->kind == TYPE_LIST) {
                json_array(w);
                for (size_t i = 0; i < value->count; i++)
                        put_value(w, &type->fields[0].type, &value->items[i], arena);
                json_end(w);
        } else if (type->kind == TYPE_STRUCT) {
                json_object(w);
                for (size_t i = 0; i < value->count; i++) {
                        json_key_str(w, type->fields[i].name);
                        put_value(w, &type->fields[i].type, &value->items[i], arena);
                }
                json_end(w);
        } else {
                Typing leaf = { .type = *type };
                Str text = typing_print(&leaf, value->value, arena);
                bool is_real = type->kind == TYPE_FLOAT || type->kind == TYPE_DOUBLE;
                if (type->kind <= TYPE_DECIMAL && (!is_real || isfinite(value->value.number)))
                        json_put_raw(w, text);
                else
                        json_put_str(w, text.data ? text : STR(""));
        }
}

Str nested_print(const Type *type, const Nested *value, Arena *arena) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        JsonWriter w = json_writer(&out, false);
        put_value(&w, type, value, arena);
        return buf_dup(&out, arena);
}

Str nested_path_print(Str column, Str path, Arena *arena) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        buf_append(&out, column);
        bool begins = true;
        for (size_t i = 0; i < path.size; i++) {
                bool element = begins && str_starts_with(str_slice(path, i, path.size), STR("[]"));
                if (begins && !element)
                        buf_append_byte(&out, '.');
                begins = path.data[i] == '.' && (i == 0 || path.data[i - 1] != '\\');
                if (!begins && !(path.data[i] == '\\' && i + 1 < path.size && char_is_one_of(path.data[i + 1], ".\\")))
                        buf_append_byte(&out, path.data[i]);
        }
        return buf_dup(&out, arena);
}
