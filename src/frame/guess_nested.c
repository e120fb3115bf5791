/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/guess_nested.h"

#include "base/map.h"
#include "base/vec.h"
#include "frame/json_text.h"
#include "frame/nested.h"

#define TEXTS_MAX 2000 /* values of one leaf that its type is guessed from */
#define DEPTH_MAX 5
#define FIELDS_MAX 100
#define PRESENT_SHARE 10 /* a key that not even one object in so many has, on the average, is data */

/* Everything that was met in one place. */
typedef struct Shape Shape;
struct Shape {
        int64_t texts, numbers, words, lists, objects, keys;
        VEC(Str) values; /* of texts, numbers and words, as fields of a batch */
        Shape *element;
        Map fields; /* Shape */
};

typedef struct Looking {
        const Format *format;
        Arena *arena;
        JsonText json;
} Looking;

static bool look(Looking *l, Shape *shape, int depth);

static void add_value(Looking *l, Shape *shape, Str value) {
        if (shape->values.count < TEXTS_MAX)
                vec_push(l->arena, &shape->values, arena_str(l->arena, value));
}

/* In quotes, with quotes doubled, as a batch has texts. */
static Str as_field(Looking *l, JsonString string) {
        char *means = arena_alloc_raw(l->arena, string.inside.size + 1), *field = arena_alloc_raw(l->arena, 2 * string.inside.size + 3);
        size_t size = json_unescape(string.inside, means), at = 0;
        field[at++] = '"';
        for (size_t i = 0; i < size; i++) {
                if (means[i] == '"')
                        field[at++] = '"';
                field[at++] = means[i];
        }
        field[at++] = '"';
        return (Str){ field, at };
}

static bool look_at_text(Looking *l, Shape *shape) {
        JsonString string;
        if (!json_text_string(&l->json, &string))
                return false;
        shape->texts++;
        if (shape->values.count < TEXTS_MAX)
                add_value(l, shape, as_field(l, string));
        return true;
}

static bool look_at_bare(Looking *l, Shape *shape) {
        char c = l->json.text[l->json.at];
        bool number = c == '-' || (c >= '0' && c <= '9');
        Str text;
        if (!(number ? json_text_number(&l->json, &text) : json_text_word(&l->json, &text)))
                return false;
        if (c == 'n')
                return true;
        shape->numbers += number;
        shape->words += !number;
        add_value(l, shape, text);
        return true;
}

static Shape *shape_new(Arena *arena) {
        Shape *shape = ARENA_NEW(arena, Shape);
        *shape = (Shape){ .texts = 0 };
        map_init(&shape->fields, arena);
        return shape;
}

static bool look_at_list(Looking *l, Shape *shape, int depth) {
        shape->lists++;
        if (!shape->element)
                shape->element = shape_new(l->arena);
        l->json.at++;
        json_text_blank(&l->json);
        bool end = l->json.text[l->json.at] == ']';
        l->json.at += end;
        while (!end) {
                json_text_blank(&l->json);
                if (!look(l, shape->element, depth + 1) || !json_text_next(&l->json, ']', &end))
                        return false;
        }
        return true;
}

static bool look_at_member(Looking *l, Shape *shape, int depth) {
        JsonString key;
        Str unused;
        if (!json_text_key(&l->json, &key))
                return false;
        char *means = arena_alloc_raw(l->arena, key.inside.size + 1);
        Str name = { means, json_unescape(key.inside, means) };
        json_text_blank(&l->json);
        shape->keys++;
        if (shape->fields.count > FIELDS_MAX)
                return json_text_value(&l->json, 1, &unused);
        void **slot = map_at(&shape->fields, name);
        if (!*slot)
                *slot = shape_new(l->arena);
        return look(l, *slot, depth + 1);
}

static bool look_at_object(Looking *l, Shape *shape, int depth) {
        shape->objects++;
        l->json.at++;
        json_text_blank(&l->json);
        bool end = l->json.text[l->json.at] == '}';
        l->json.at += end;
        while (!end) {
                json_text_blank(&l->json);
                if (!look_at_member(l, shape, depth) || !json_text_next(&l->json, '}', &end))
                        return false;
        }
        return true;
}

static bool look(Looking *l, Shape *shape, int depth) {
        char c = l->json.text[l->json.at];
        Str unused;
        if ((c == '[' || c == '{') && depth > DEPTH_MAX) {
                shape->lists++; /* of both kinds: it has no type */
                shape->objects++;
                return json_text_value(&l->json, 1, &unused);
        }
        if (c == '[')
                return look_at_list(l, shape, depth);
        if (c == '{')
                return look_at_object(l, shape, depth);
        return c == '"' ? look_at_text(l, shape) : look_at_bare(l, shape);
}

/* ---- what it would fit ---- */

/* Some type of its own; false: several kinds of things, or nothing at all. */
static bool type_of(Looking *l, const Shape *shape, Type *out);

static bool is_sure(const ColumnGuess *guess) {
        return guess->misfits == 0 && guess->null_count == 0 && !guess->empty_is_null && guess->date_count == 0 && guess->thousands == 0;
}

static void type_of_values(Looking *l, const Shape *shape, Type *out) {
        ColumnGuess guess;
        *out = (Type){ .kind = TYPE_TEXT };
        guess_column(l->format, shape->values.items, shape->values.count, true, l->arena, &guess);
        bool digits_in_text = shape->texts > 0 && guess.type.kind <= TYPE_DECIMAL;
        if (is_sure(&guess) && !digits_in_text)
                *out = guess.type;
}

/* A field that has no type of its own is text. */
static bool type_of_object(Looking *l, const Shape *shape, Type *out) {
        const Map *fields = &shape->fields;
        bool is_data = fields->count > FIELDS_MAX || shape->keys * PRESENT_SHARE < (int64_t)fields->count * shape->objects;
        if (fields->count == 0 || is_data)
                return false;
        TypeField *made = ARENA_ARRAY(l->arena, TypeField, fields->count);
        for (size_t i = 0; i < fields->count; i++) {
                made[i] = (TypeField){ .name = fields->entries[i].key };
                bool good = made[i].name.size > 0 && made[i].name.size <= 255 && utf8_valid(made[i].name);
                for (size_t k = 0; k < made[i].name.size; k++)
                        good &= (unsigned char)made[i].name.data[k] >= 0x20;
                for (size_t k = 0; k < i; k++)
                        good &= !str_equal_nocase(made[k].name, made[i].name);
                if (!good)
                        return false;
                if (!type_of(l, fields->entries[i].value, &made[i].type))
                        made[i].type = (Type){ .kind = TYPE_TEXT };
        }
        *out = (Type){ .kind = TYPE_STRUCT, .fields = made, .field_count = fields->count };
        return true;
}

static bool type_of(Looking *l, const Shape *shape, Type *out) {
        int kinds = (shape->texts > 0) + (shape->numbers > 0) + (shape->words > 0) + (shape->lists > 0) + (shape->objects > 0);
        if (kinds != 1)
                return false;
        if (shape->objects > 0)
                return type_of_object(l, shape, out);
        if (shape->lists == 0) {
                type_of_values(l, shape, out);
                return true;
        }
        TypeField *element = ARENA_NEW(l->arena, TypeField);
        *element = (TypeField){ .name = STR("element") };
        if (!type_of(l, shape->element, &element->type))
                return false;
        *out = (Type){ .kind = TYPE_LIST, .fields = element, .field_count = 1 };
        return true;
}

bool guess_nested(const Format *format, StrList fields, Arena *arena, Type *out) {
        Looking l = { .format = format, .arena = arena };
        Shape *shape = shape_new(arena);
        for (size_t i = 0; i < fields.count; i++) {
                Str text = field_unquote(format, fields.items[i], arena);
                l.json.text = arena_cstr(arena, text);
                l.json.size = text.size;
                l.json.at = 0;
                l.json.whole = true;
                if (!look(&l, shape, 0))
                        break;
        }
        bool good = shape->objects == 0 && l.json.fault == JSON_FAULT_NONE && type_of(&l, shape, out);
        json_text_deinit(&l.json);
        return good && out->kind == TYPE_LIST && nested_type_is_readable(*out);
}
