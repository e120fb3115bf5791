/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/staging.h"

#include "frame/json_tree.h"

#define EVOLVED_MAX 1000

static bool adds_columns(const Feed *feed) {
        return feed->evolve == FEED_EVOLVE_COLUMNS || feed->evolve == FEED_EVOLVE_WIDEN;
}

static size_t place_of(const Feed *feed, Str name) {
        size_t at = 0;
        while (at < feed->column_count && !str_equal_nocase(feed->columns[at].name, name))
                at++;
        return at;
}

/* Whether `now` is `text` with more fields of text in its structs, as earlier deliveries gave them. */
static bool has_grown(Type text, Type now) {
        bool grown = text.kind == now.kind && text.precision == now.precision && text.scale == now.scale && text.field_count <= now.field_count &&
                     (text.kind == TYPE_STRUCT || text.field_count == now.field_count);
        for (size_t i = 0; i < text.field_count && grown; i++)
                grown = str_equal(text.fields[i].name, now.fields[i].name) && has_grown(text.fields[i].type, now.fields[i].type);
        for (size_t i = text.field_count; i < now.field_count && grown; i++)
                grown = now.fields[i].type.kind == TYPE_TEXT;
        return grown;
}

/* ---- names of keys ---- */

static bool has_keys(const Feed *feed) {
        return format_is_keyed(feed->format.kind);
}

Str staging_name_of_key(const Staging *s, Str path) {
        for (size_t i = 0; i < s->key_names.count; i++)
                if (str_equal(s->key_names.items[i].path, path))
                        return s->key_names.items[i].name;
        return STR("");
}

/* The text says itself which keys the column is of: in `from`, or by its name and the one that it had. */
static bool is_said(const SourceColumn *column) {
        return column->from.size > 0 || column->was.size > 0;
}

static bool takes_key(const SourceColumn *column, Str path, Str wanted) {
        if (column->from.size > 0 && str_equal(column->from, path))
                return true;
        return column->was.size > 0 && (str_equal(column->was, path) || str_equal_nocase(column->was, wanted) ||
                                        (column->from.size == 0 && str_equal_nocase(column->name, wanted)));
}

static bool is_spoken_for(const Staging *s, Str path, Str wanted) {
        for (size_t i = 0; i < s->feed->column_count; i++)
                if (takes_key(&s->feed->columns[i], path, wanted))
                        return true;
        for (size_t i = 0; i < s->feed->ignore.count; i++)
                if (str_equal_nocase(s->feed->ignore.items[i], path) || str_equal_nocase(s->feed->ignore.items[i], wanted))
                        return true;
        return false;
}

/* Of the table, but for what the text says otherwise now. */
static void load_key_names(Staging *s) {
        KeyName *kept;
        size_t count;
        s->key_names.count = 0;
        if (!s->before || !has_keys(s->feed))
                return;
        feed_key_names(&s->before->body, s->arena, &kept, &count);
        for (size_t i = 0; i < count; i++) {
                size_t place = place_of(s->feed, kept[i].name);
                bool said = place < s->feed->column_count && is_said(&s->feed->columns[place]);
                if (!said && !is_spoken_for(s, kept[i].path, json_path_name(kept[i].path, s->arena)))
                        vec_push(s->arena, &s->key_names, kept[i]);
        }
}

/* Gives names to the keys that this try met for the first time: those of the record before those inside each other, so that the
 * order in a file decides nothing between the two. True where a worker, who knows no other files, may have thought otherwise. */
static bool name_keys(Staging *s) {
        Map taken, known;
        bool contested = false;
        map_init(&taken, s->arena);
        map_init(&known, s->arena);
        for (size_t i = 0; i < s->feed->column_count; i++)
                if (is_said(&s->feed->columns[i]))
                        name_claim(&taken, s->arena, s->feed->columns[i].name, 0);
        for (size_t i = 0; i < s->key_names.count; i++) {
                name_claim(&taken, s->arena, s->key_names.items[i].name, 0);
                map_put(&known, s->key_names.items[i].path, s);
        }
        for (int inside = 0; inside < 2; inside++) {
                for (size_t i = 0; i < s->readings.count; i++) {
                        const Reading *reading = &s->readings.items[i];
                        for (size_t k = 0; reading->accepted && k < reading->result.keys.count; k++) {
                                Str path = reading->result.keys.items[k], wanted = json_path_name(path, s->arena);
                                if (json_path_is_key(path) == inside || map_has(&known, path) || is_spoken_for(s, path, wanted))
                                        continue;
                                Str name = name_claim(&taken, s->arena, wanted, k + 1);
                                contested |= !str_equal(name, wanted);
                                vec_push(s->arena, &s->key_names, ((KeyName){ path, name }));
                                map_put(&known, path, s);
                        }
                }
        }
        return contested;
}

/* What earlier deliveries made of the columns: those that the text does not name, and wider types. Kept while the table is
 * only added to. */
Status staging_load_evolved(Staging *s, Error *err) {
        const Feed *feed = s->feed;
        s->evolved.count = 0;
        load_key_names(s);
        s->widenings = ARENA_ARRAY(s->arena, Widening, feed->column_count);
        for (size_t i = 0; i < feed->column_count; i++)
                s->widenings[i].type = feed->columns[i].type;
        Table table;
        Status status = lake_table(s->context->lake, changeset_base(s->set), feed_table_name(s->arena, feed->zone, feed->name), s->arena, &table, err);
        if (status == STATUS_NOT_FOUND || s->rebuild)
                return STATUS_OK;
        TRY(status);
        for (size_t i = 0; i < table.body.column_count; i++) {
                const LakeColumn *column = &table.body.columns[i];
                size_t place = place_of(feed, column->name);
                if (place < feed->column_count && feed->evolve == FEED_EVOLVE_WIDEN && schema_type_widens(feed->columns[place].type, column->type))
                        s->widenings[place].type = column->type;
                if (place < feed->column_count && adds_columns(feed) && type_is_nested(column->type) && has_grown(feed->columns[place].type, column->type))
                        s->widenings[place].type = column->type;
                if (place == feed->column_count && !column->hidden && !name_is_reserved(column->name))
                        vec_push(s->arena, &s->evolved, (LakeColumn){ .name = column->name, .type = column->type });
        }
        return STATUS_OK;
}

/* The struct to which a key belongs; NULL where the path leads to none. */
static Type *struct_at(Type *type, StrList keys) {
        for (size_t i = 0; i + 1 < keys.count; i++) {
                size_t at = 0;
                bool is_list = type->kind == TYPE_LIST && str_is(keys.items[i], "[]");
                while (type->kind == TYPE_STRUCT && at < type->field_count && !str_equal_nocase(type->fields[at].name, keys.items[i]))
                        at++;
                if (at == type->field_count || (type->kind != TYPE_STRUCT && !is_list))
                        return NULL;
                type = &type->fields[at].type;
        }
        return type->kind == TYPE_STRUCT && keys.count ? type : NULL;
}

bool staging_can_grow(const Staging *s, const StageUnknown *unknown, size_t more) {
        Type type = type_copy(s->arena, s->widenings[unknown->place - 1].type);
        StrList keys = json_path_split(unknown->path, s->arena);
        const Type *of = unknown->place <= s->feed->column_count ? struct_at(&type, keys) : NULL;
        Str name = of ? keys.items[keys.count - 1] : STR("");
        return of && of->field_count + more <= TYPE_STRUCT_FIELDS_MAX && name.size > 0 && name.size <= 255;
}

/* A field of text more in the struct that the key was met in; false when it is there by now. */
static bool add_field(Staging *s, const StageUnknown *unknown) {
        Widening *w = &s->widenings[unknown->place - 1];
        StrList keys = json_path_split(unknown->path, s->arena);
        w->type = type_copy(s->arena, w->type);
        Type *of = struct_at(&w->type, keys);
        Str name = keys.items[keys.count - 1];
        for (size_t i = 0; i < of->field_count; i++)
                if (str_equal_nocase(of->fields[i].name, name))
                        return false;
        TypeField *fields = ARENA_ARRAY(s->arena, TypeField, of->field_count + 1);
        memcpy(fields, of->fields, of->field_count * sizeof(*fields));
        fields[of->field_count] = (TypeField){ .name = arena_str(s->arena, name), .type = { .kind = TYPE_TEXT } };
        of->fields = fields;
        of->field_count++;
        return true;
}

/* Adds the columns that this try met for the first time, and fields of nested ones. */
static bool grow(Staging *s, Reading *reading, const StageUnknown *unknown) {
        vec_push(s->arena, &reading->grown, unknown->name);
        return add_field(s, unknown);
}

static Str name_of_unknown(const Staging *s, const StageResult *result, const StageUnknown *unknown) {
        for (size_t i = 0; i < result->keys.count && !unknown->place; i++) {
                Str name = str_equal(result->header.items[i], unknown->name) ? staging_name_of_key(s, result->keys.items[i]) : STR("");
                if (name.size)
                        return name;
        }
        return unknown->name;
}

static bool add_evolved(Staging *s) {
        size_t before = s->evolved.count;
        bool grown = false;
        for (size_t i = 0; i < s->readings.count; i++) {
                Reading *reading = &s->readings.items[i];
                for (size_t j = 0; reading->accepted && j < reading->result.unknown_count; j++) {
                        const StageUnknown *unknown = &reading->result.unknown[j];
                        if (unknown->place) {
                                grown |= grow(s, reading, unknown);
                                continue;
                        }
                        Str name = name_of_unknown(s, &reading->result, unknown);
                        Type type = format_is_typed(s->feed->format.kind) ? unknown->type : (Type){ .kind = TYPE_TEXT };
                        bool known = false;
                        for (size_t k = 0; k < s->evolved.count && !known; k++)
                                known = str_equal_nocase(s->evolved.items[k].name, name);
                        if (!known && s->evolved.count < EVOLVED_MAX)
                                vec_push(s->arena, &s->evolved, (LakeColumn){ .name = name, .type = type });
                }
        }
        return grown || s->evolved.count > before;
}

/* The next wider type that Iceberg lets a column become. */
static bool wider_type(Type type, Type *out) {
        *out = type;
        if (type.kind == TYPE_INT)
                out->kind = TYPE_BIGINT;
        else if (type.kind == TYPE_FLOAT)
                out->kind = TYPE_DOUBLE;
        else if (type.kind == TYPE_DECIMAL && type.precision < 38)
                out->precision = type.precision < 18 ? 18 : 38;
        else
                return false;
        return true;
}

/* Records of this try with a number beyond the column's type. */
static int64_t count_beyond(const Staging *s, size_t place) {
        int64_t count = 0;
        for (size_t i = 0; i < s->readings.count; i++) {
                const StageResult *result = &s->readings.items[i].result;
                for (size_t j = 0; j < result->rule_count; j++)
                        if (result->rules[j].rule == RULE_OUT_OF_RANGE && result->rules[j].place == place + 1)
                                count += result->rules[j].count;
        }
        return count;
}

/* A wider type is tried and kept only if a record fits by it that did not before: rubbish makes no column wider. */
static bool widen_column(Widening *w, int64_t beyond) {
        Type wider;
        if (w->trying && beyond < w->struck)
                w->trying = false;
        if (beyond == 0 || w->vain)
                return false;
        if (wider_type(w->type, &wider)) {
                if (!w->trying) {
                        w->narrow = w->type;
                        w->struck = beyond;
                }
                w->trying = true;
                w->type = wider;
                return true;
        }
        if (!w->trying)
                return false;
        w->type = w->narrow;
        w->trying = false;
        w->vain = true;
        return true;
}

bool staging_evolve(Staging *s) {
        bool again = has_keys(s->feed) && name_keys(s);
        again |= adds_columns(s->feed) && add_evolved(s);
        for (size_t i = 0; i < s->feed->column_count && s->feed->evolve == FEED_EVOLVE_WIDEN; i++)
                again |= widen_column(&s->widenings[i], count_beyond(s, i));
        return again;
}

static const LakeColumn *column_of_id(const TableBody *body, int id) {
        for (size_t i = 0; i < body->column_count; i++)
                if (body->columns[i].id == id)
                        return &body->columns[i];
        return NULL;
}

Str staging_column_changes(const Staging *s) {
        CLEANUP(buf_deinit) Buf words = { 0 };
        if (!s->before)
                return STR("");
        const TableBody *was = &s->before->body, *is = &change_table(s->table)->body;
        for (size_t i = 0; i < is->column_count; i++) {
                const LakeColumn *now = &is->columns[i], *then = column_of_id(was, now->id);
                if (!then)
                        buf_printf(&words, "; new column %.*s", STR_ARG(now->name));
                else if (!str_equal(then->name, now->name))
                        buf_printf(&words, "; column %.*s is called %.*s", STR_ARG(then->name), STR_ARG(now->name));
                if (then && !type_equal(then->type, now->type))
                        buf_printf(&words, "; %.*s was %.*s and is %.*s", STR_ARG(now->name), STR_ARG(type_print(s->arena, then->type)),
                                   STR_ARG(type_print(s->arena, now->type)));
        }
        for (size_t i = 0; i < was->column_count; i++)
                if (!column_of_id(is, was->columns[i].id))
                        buf_printf(&words, "; column %.*s is gone", STR_ARG(was->columns[i].name));
        return words.size ? buf_dup(&words, s->arena) : STR("");
}
