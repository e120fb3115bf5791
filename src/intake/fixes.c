/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/fixes.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/time.h"
#include "base/vec.h"

CatalogName fixes_name(Str zone, Str source) {
        return (CatalogName){ STR("fix"), zone, source };
}

/* ---- as JSON ---- */

static void print_set(JsonWriter *w, const RecordFix *fix) {
        json_key(w, "set");
        json_array(w);
        for (size_t i = 0; i < fix->columns.count; i++) {
                json_object(w);
                json_member_str(w, "column", fix->columns.items[i]);
                json_member_str(w, "value", fix->values.items[i]);
                json_end(w);
        }
        json_end(w);
}

static void print_fix(JsonWriter *w, const RecordFix *fix, Arena *arena) {
        json_object(w);
        json_member_int(w, "delivery", fix->delivery);
        json_member_str(w, "name", fix->name);
        json_member_int(w, "record", fix->record);
        json_member_int(w, "line", fix->line);
        json_member_int(w, "offset", (int64_t)fix->offset);
        json_member_int(w, "length", (int64_t)fix->length);
        json_member_str(w, "raw", fix->raw);
        if (fix->drop)
                json_member_bool(w, "drop", true);
        else if (fix->whole)
                json_member_str(w, "text", fix->text);
        else
                print_set(w, fix);
        json_member_str(w, "column", fix->column);
        json_member_str(w, "rule", fix->rule);
        json_member_str(w, "message", fix->message);
        json_member_str(w, "author", fix->author);
        json_member_str(w, "time", time_print_us(arena, fix->time_us));
        json_end(w);
}

static void print_withdrawal(JsonWriter *w, const Withdrawal *withdrawal, Arena *arena) {
        json_object(w);
        json_member_int(w, "delivery", withdrawal->delivery);
        json_member_str(w, "name", withdrawal->name);
        json_member_str(w, "reason", withdrawal->reason);
        json_member_str(w, "author", withdrawal->author);
        json_member_str(w, "time", time_print_us(arena, withdrawal->time_us));
        json_end(w);
}

static void print_body(FixList *list, Arena *arena) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        JsonWriter w = json_writer(&out, false);
        json_object(&w);
        json_key(&w, "fixes");
        json_array(&w);
        for (size_t i = 0; i < list->count; i++)
                print_fix(&w, &list->items[i], arena);
        json_end(&w);
        json_key(&w, "withdrawn");
        json_array(&w);
        for (size_t i = 0; i < list->withdrawn_count; i++)
                print_withdrawal(&w, &list->withdrawn[i], arena);
        json_end(&w);
        json_end(&w);
        list->body = list->count + list->withdrawn_count ? buf_dup(&out, arena) : STR("");
}

static void read_set(const Json *set, Arena *arena, RecordFix *out) {
        VEC(Str) columns = { 0 };
        VEC(Str) values = { 0 };
        for (size_t i = 0; i < json_count(set); i++) {
                const Json *member = json_at(set, i);
                vec_push(arena, &columns, json_string(json_get(member, "column")));
                vec_push(arena, &values, json_string(json_get(member, "value")));
        }
        out->columns = (StrList){ columns.items, columns.count };
        out->values = (StrList){ values.items, values.count };
}

static void read_fix(const Json *json, Arena *arena, RecordFix *out) {
        const Json *text = json_get(json, "text");
        *out = (RecordFix){
                .delivery = json_integer(json_get(json, "delivery"), 0),
                .name = json_string(json_get(json, "name")),
                .record = json_integer(json_get(json, "record"), 0),
                .line = json_integer(json_get(json, "line"), 0),
                .offset = (uint64_t)json_integer(json_get(json, "offset"), 0),
                .length = (uint64_t)json_integer(json_get(json, "length"), 0),
                .raw = json_string(json_get(json, "raw")),
                .drop = json_bool(json_get(json, "drop"), false),
                .whole = !json_is_null(text),
                .text = json_string(text),
                .column = json_string(json_get(json, "column")),
                .rule = json_string(json_get(json, "rule")),
                .message = json_string(json_get(json, "message")),
                .author = json_string(json_get(json, "author")),
        };
        read_set(json_get(json, "set"), arena, out);
        time_parse_us(json_string(json_get(json, "time")), &out->time_us);
}

static void read_withdrawal(const Json *json, Withdrawal *out) {
        *out = (Withdrawal){
                .delivery = json_integer(json_get(json, "delivery"), 0),
                .name = json_string(json_get(json, "name")),
                .reason = json_string(json_get(json, "reason")),
                .author = json_string(json_get(json, "author")),
        };
        time_parse_us(json_string(json_get(json, "time")), &out->time_us);
}

Status fixes_load(Catalog *catalog, CatalogAt at, Str zone, Str source, Arena *arena, FixList *out, Error *err) {
        CatalogObject object;
        *out = (FixList){ .body = STR("") };
        Status status = catalog_get(catalog, at, fixes_name(zone, source), arena, &object, err);
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        TRY(status);
        Json *body;
        TRY(json_parse(object.body, "the fixes of a source", arena, &body, err));
        const Json *list = json_get(body, "fixes");
        out->items = ARENA_ARRAY(arena, RecordFix, json_count(list) + 1);
        for (size_t i = 0; i < json_count(list); i++)
                read_fix(json_at(list, i), arena, &out->items[out->count++]);
        const Json *withdrawn = json_get(body, "withdrawn");
        out->withdrawn = ARENA_ARRAY(arena, Withdrawal, json_count(withdrawn) + 1);
        for (size_t i = 0; i < json_count(withdrawn); i++)
                read_withdrawal(json_at(withdrawn, i), &out->withdrawn[out->withdrawn_count++]);
        out->body = object.body;
        return STATUS_OK;
}

/* ---- the list ---- */

static int compare_places(const void *a, const void *b) {
        const RecordFix *x = a, *y = b;
        if (x->delivery != y->delivery)
                return x->delivery < y->delivery ? -1 : 1;
        return x->offset < y->offset ? -1 : x->offset > y->offset;
}

const RecordFix *fixes_find(const FixList *list, int64_t delivery, uint64_t offset) {
        RecordFix wanted = { .delivery = delivery, .offset = offset };
        return list->count ? bsearch(&wanted, list->items, list->count, sizeof(wanted), compare_places) : NULL;
}

/* Who fixed a record and when decides nothing. */
static void append_what_decides(Buf *out, const RecordFix *fix) {
        buf_u64(out, (uint64_t)fix->delivery);
        buf_u64(out, fix->offset);
        buf_u8(out, fix->drop);
        buf_u8(out, fix->whole);
        buf_lstr(out, fix->raw);
        buf_lstr(out, fix->text);
        str_list_write(out, fix->columns);
        str_list_write(out, fix->values);
}

static bool is_same(const RecordFix *a, const RecordFix *b) {
        CLEANUP(buf_deinit) Buf x = { 0 };
        CLEANUP(buf_deinit) Buf y = { 0 };
        append_what_decides(&x, a);
        append_what_decides(&y, b);
        return str_equal(buf_view(&x), buf_view(&y));
}

void fixes_put(FixList *list, const RecordFix *fix, Arena *arena) {
        const RecordFix *known = fixes_find(list, fix->delivery, fix->offset);
        if (known && is_same(known, fix))
                return;
        RecordFix *items = ARENA_ARRAY(arena, RecordFix, list->count + 1);
        if (list->count)
                memcpy(items, list->items, list->count * sizeof(*items));
        if (known)
                items[known - list->items] = *fix;
        else
                items[list->count++] = *fix;
        list->items = items;
        qsort(items, list->count, sizeof(*items), compare_places);
        print_body(list, arena);
}

bool fixes_remove(FixList *list, int64_t delivery, uint64_t offset, Arena *arena) {
        const RecordFix *known = fixes_find(list, delivery, offset);
        if (!known)
                return false;
        size_t at = (size_t)(known - list->items);
        memmove(&list->items[at], &list->items[at + 1], (list->count - at - 1) * sizeof(*known));
        list->count--;
        print_body(list, arena);
        return true;
}

/* ---- whole deliveries ---- */

static size_t place_of(const FixList *list, int64_t delivery) {
        size_t at = 0;
        while (at < list->withdrawn_count && list->withdrawn[at].delivery != delivery)
                at++;
        return at;
}

const Withdrawal *fixes_withdrawn(const FixList *list, int64_t delivery) {
        size_t at = place_of(list, delivery);
        return at < list->withdrawn_count ? &list->withdrawn[at] : NULL;
}

void fixes_withdraw(FixList *list, const Withdrawal *withdrawal, Arena *arena) {
        size_t at = place_of(list, withdrawal->delivery);
        Withdrawal *all = ARENA_ARRAY(arena, Withdrawal, list->withdrawn_count + 1);
        if (list->withdrawn_count)
                memcpy(all, list->withdrawn, list->withdrawn_count * sizeof(*all));
        all[at] = *withdrawal;
        list->withdrawn = all;
        list->withdrawn_count += at == list->withdrawn_count;
        print_body(list, arena);
}

bool fixes_take_back(FixList *list, int64_t delivery, Arena *arena) {
        size_t at = place_of(list, delivery);
        if (at == list->withdrawn_count)
                return false;
        list->withdrawn_count--;
        memmove(&list->withdrawn[at], &list->withdrawn[at + 1], (list->withdrawn_count - at) * sizeof(list->withdrawn[0]));
        print_body(list, arena);
        return true;
}

/* ---- from file to file ---- */

static const Delivery *delivery_of(const Delivery *rows, size_t count, int64_t id) {
        for (size_t i = 0; i < count; i++)
                if (rows[i].id == id)
                        return &rows[i];
        return NULL;
}

void fixes_hand_on(FixList *list, const Delivery *rows, size_t count, bool replacing, Arena *arena) {
        VEC(RecordFix) all = { 0 };
        for (size_t i = 0; i < list->count; i++)
                vec_push(arena, &all, list->items[i]);
        for (size_t i = 0; i < list->count; i++) {
                const RecordFix *fix = &list->items[i];
                const Delivery *from = delivery_of(rows, count, fix->delivery);
                for (size_t j = 0; from && (replacing || str_is(from->state, "replaced")) && j < count; j++) {
                        const Delivery *to = &rows[j];
                        RecordFix heir = *fix;
                        heir.delivery = to->id;
                        if (to->landed_us > from->landed_us && str_equal(to->name, from->name) && !fixes_find(list, to->id, fix->offset))
                                vec_push(arena, &all, heir);
                }
        }
        if (all.count == list->count)
                return;
        qsort(all.items, all.count, sizeof(RecordFix), compare_places);
        list->items = all.items;
        list->count = 0; /* of several for one record one is enough */
        for (size_t i = 0; i < all.count; i++)
                if (i == 0 || compare_places(&all.items[i - 1], &all.items[i]) != 0)
                        list->items[list->count++] = all.items[i];
}

/* ---- for staging ---- */

Status fixes_of_delivery(const FixList *list, int64_t delivery, Arena *arena, StageFix **out, size_t *out_count, Error *err) {
        VEC(StageFix) fixes = { 0 };
        for (size_t i = 0; i < list->count; i++) {
                const RecordFix *fix = &list->items[i];
                if (fix->delivery != delivery)
                        continue;
                StageFix item = { .offset = fix->offset,
                                  .raw_hash = hash64_stable(fix->raw),
                                  .drop = fix->drop,
                                  .whole = fix->whole,
                                  .text = fix->text,
                                  .columns = fix->columns,
                                  .values = fix->values,
                                  .column = fix->column,
                                  .rule = fix->rule,
                                  .message = fix->message };
                vec_push(arena, &fixes, item);
        }
        if (fixes.count > STAGE_FIXES_MAX)
                return error_set(err, STATUS_LIMIT, "a delivery has %zu corrected records; at most %d are taken", fixes.count, STAGE_FIXES_MAX);
        *out = fixes.items;
        *out_count = fixes.count;
        return STATUS_OK;
}

Str fixes_reading(const FixList *list, Str reading, int64_t delivery, Arena *arena) {
        CLEANUP(buf_deinit) Buf all = { 0 };
        buf_lstr(&all, reading);
        size_t count = 0;
        for (size_t i = 0; i < list->count; i++) {
                if (delivery != 0 && list->items[i].delivery != delivery)
                        continue;
                append_what_decides(&all, &list->items[i]);
                count++;
        }
        return count ? sha256_hex(arena, sha256_of(buf_view(&all))) : reading;
}
