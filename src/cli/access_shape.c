/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/access_shape.h"

void access_print(const Output *output, const AccessChange *changes, size_t count) {
        size_t width = 0;
        for (size_t i = 0; i < count; i++)
                width = text_width(changes[i].principal) > width ? text_width(changes[i].principal) : width;
        if (count)
                puts("access");
        for (size_t i = 0; i < count; i++) {
                bool gains = changes[i].gains.size > 0;
                Str what = gains ? changes[i].gains : changes[i].loses;
                printf("  %.*s%*s  %s%s%s %-8.*s %.*s\n", STR_ARG(changes[i].principal), (int)(width - text_width(changes[i].principal)), "",
                       paint(output->color_out, gains ? PAINT_GREEN : PAINT_RED), gains ? "gains" : "loses",
                       paint(output->color_out, PAINT_NONE), STR_ARG(what), STR_ARG(changes[i].object));
        }
}

void decisions_print(Cli *cli, const Decision *decisions, size_t count) {
        FILE *out = cli_json(cli) ? stderr : stdout;
        if (count)
                fputs("decides\n", out);
        for (size_t i = 0; i < count; i++) {
                Str words = decide_print(&cli->arena, &decisions[i]);
                fprintf(out, "  %.*s\n", STR_ARG(words));
        }
}
