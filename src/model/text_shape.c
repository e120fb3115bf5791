/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text_shape.h"

static void put_text(JsonWriter *w, const char *key, Str text) {
        json_key(w, key);
        if (text.size > 0)
                json_put_str(w, text);
        else
                json_put_null(w);
}

void access_json(JsonWriter *w, const AccessChange *changes, size_t count) {
        json_key(w, "access");
        json_array(w);
        for (size_t i = 0; i < count; i++) {
                json_object(w);
                json_member_str(w, "principal", changes[i].principal);
                json_member_str(w, "object", changes[i].object);
                put_text(w, "gains", changes[i].gains);
                put_text(w, "loses", changes[i].loses);
                json_end(w);
        }
        json_end(w);
}

void decisions_json(JsonWriter *w, const Decision *decisions, size_t count) {
        json_key(w, "decides");
        json_array(w);
        for (size_t i = 0; i < count; i++) {
                json_object(w);
                json_member_str(w, "table", decisions[i].node->name);
                json_member_str(w, "by", decisions[i].column);
                json_member_str(w, "tag", decisions[i].tag);
                json_end(w);
        }
        json_end(w);
}

static void put_changes(JsonWriter *w, const ApplyReport *report, Arena *arena) {
        json_array(w);
        for (size_t i = 0; report->changed && i < report->commit.change_count; i++) {
                const CatalogChangeRow *row = &report->commit.changes[i];
                json_object(w);
                json_member_str(w, "kind", row->kind);
                json_member_str(w, "name", row->zone.size ? arena_strf(arena, "%.*s.%.*s", STR_ARG(row->zone), STR_ARG(row->name)) : row->name);
                json_member_str(w, "change", row->body_hash.size ? STR("put") : STR("remove"));
                json_end(w);
        }
        json_end(w);
}

void apply_json(JsonWriter *w, const ApplyReport *report, Str branch, Arena *arena) {
        json_member_str(w, "commit", report->commit.id);
        json_member_str(w, "branch", branch);
        json_key(w, "changes");
        put_changes(w, report, arena);
        access_json(w, report->access, report->access_count);
        json_key(w, "errors");
        json_array(w);
        json_end(w);
}

void warnings_json(JsonWriter *w, const Problems *warnings) {
        json_key(w, "warnings");
        json_array(w);
        for (size_t i = 0; i < warnings->errors.count; i++)
                json_put_error(w, warnings->errors.items[i], NULL);
        json_end(w);
}
