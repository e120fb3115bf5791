/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text_change.h"

#include "base/json.h"

static Str full_name(Arena *arena, const TextChange *change) {
        return change->zone.size ? arena_strf(arena, "%.*s.%.*s", STR_ARG(change->zone), STR_ARG(change->name)) : change->name;
}

/* A zone has one of these; its name says all. */
static Str short_name(Arena *arena, const TextChange *change) {
        bool only_one = str_equal(change->name, change->kind) || str_equal(change->name, change->zone);
        return change->zone.size && only_one ? change->zone : full_name(arena, change);
}

void shape_text_changes(JsonWriter *w, const TextChange *changes, size_t count, Arena *arena) {
        json_array(w);
        for (size_t i = 0; i < count; i++) {
                json_object(w);
                json_member_str(w, "kind", changes[i].kind);
                json_member_str(w, "name", full_name(arena, &changes[i]));
                json_member_str(w, "change", changes[i].removed ? STR("remove") : STR("put"));
                json_end(w);
        }
        json_end(w);
}

void text_change_print(const Output *output, const char *indent, const TextChange *change, Arena *arena) {
        Paint color = change->removed ? PAINT_RED : change->added ? PAINT_GREEN : PAINT_YELLOW;
        bool colored = output->color_out;
        printf("%s%s%c%s %-8.*s %.*s\n", indent, paint(colored, color), change->removed ? '-' : change->added ? '+' : '~',
               paint(colored, PAINT_NONE), STR_ARG(change->kind), STR_ARG(short_name(arena, change)));
}
