/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/access_shape.h"

/* everyone except role dpo reads columns with the tag pii of shop.staging.people as the mask hash makes them */
static void print_policy(const AccessChange *change) {
        bool begins = change->loses.size > 0;
        Str who = change->principal, object = change->object, tag = change->tag, hidden = change->hidden;
        if (change->rows && begins)
                printf("  %.*s: of %.*s, by its tag %.*s, only rows where %.*s\n", STR_ARG(who), STR_ARG(object), STR_ARG(tag), STR_ARG(hidden));
        else if (change->rows)
                printf("  %.*s: of %.*s all rows again, not only those where %.*s (tag %.*s)\n", STR_ARG(who), STR_ARG(object), STR_ARG(hidden), STR_ARG(tag));
        else if (begins)
                printf("  %.*s: columns of %.*s with the tag %.*s, and what is made of them, read as masked (%.*s)\n", STR_ARG(who), STR_ARG(object), STR_ARG(tag), STR_ARG(hidden));
        else
                printf("  %.*s: columns of %.*s with the tag %.*s no longer read as masked (%.*s)\n", STR_ARG(who), STR_ARG(object), STR_ARG(tag), STR_ARG(hidden));
}

/* What a zone's owner wrote is read by whoever decides on it: no line of it looks like one of ours, and nothing speaks to the terminal. */
static AccessChange in_lines(Arena *arena, const AccessChange *change) {
        AccessChange plain = *change;
        Str *texts[] = { &plain.principal, &plain.object, &plain.gains, &plain.loses, &plain.tag, &plain.hidden };
        for (size_t i = 0; i < COUNT_OF(texts); i++)
                *texts[i] = output_line(arena, *texts[i]);
        return plain;
}

static void print_changes(const Output *output, const AccessChange *changes, size_t count) {
        size_t width = 0;
        for (size_t i = 0; i < count; i++)
                width = changes[i].tag.size == 0 && text_width(changes[i].principal) > width ? text_width(changes[i].principal) : width;
        if (count)
                puts("access");
        for (size_t i = 0; i < count; i++) {
                if (changes[i].tag.size > 0) {
                        print_policy(&changes[i]);
                        continue;
                }
                bool gains = changes[i].gains.size > 0;
                Str what = gains ? changes[i].gains : changes[i].loses;
                printf("  %.*s%*s  %s%s%s %-8.*s %.*s\n", STR_ARG(changes[i].principal), (int)(width - text_width(changes[i].principal)), "",
                       paint(output->color_out, gains ? PAINT_GREEN : PAINT_RED), gains ? "gains" : "loses",
                       paint(output->color_out, PAINT_NONE), STR_ARG(what), STR_ARG(changes[i].object));
        }
}

void access_print(const Output *output, const AccessChange *changes, size_t count) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        AccessChange *plain = ARENA_ARRAY(&arena, AccessChange, count);
        for (size_t i = 0; i < count; i++)
                plain[i] = in_lines(&arena, &changes[i]);
        print_changes(output, plain, count);
}

void decisions_print(Cli *cli, const Decision *decisions, size_t count) {
        FILE *out = cli_json(cli) ? stderr : stdout;
        if (count)
                fputs("decides\n", out);
        for (size_t i = 0; i < count; i++) {
                Str words = output_line(&cli->arena, decide_print(&cli->arena, &decisions[i]));
                fprintf(out, "  %.*s\n", STR_ARG(words));
        }
}
