/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text_errors.h"

Status text_errors(const Cli *cli, Problems *problems, Error *err) {
        if (!problems_any(problems))
                return STATUS_OK;
        problems_sort(problems);
        size_t last = problems->errors.count - 1;
        for (size_t i = 0; i < last; i++)
                output_error(&cli->output, problems->errors.items[i]);
        if (problems->dropped)
                output_note(&cli->output, PAINT_RED, "and %zu more", problems->dropped);
        *err = *problems->errors.items[last];
        return err->status;
}

void text_warnings(Cli *cli, Problems *warnings) {
        problems_sort(warnings);
        for (size_t i = 0; i < warnings->errors.count; i++) {
                const Error *warning = warnings->errors.items[i], *before = i > 0 ? warnings->errors.items[i - 1] : NULL;
                if (before && warning->line == before->line && strcmp(warning->file, before->file) == 0 && strcmp(warning->message, before->message) == 0)
                        continue; /* two ways to the same */
                const char *where = warning->file[0] ? arena_printf(&cli->arena, "%s:%d:%d  ", warning->file, warning->line, warning->column) : "";
                output_note(&cli->output, PAINT_YELLOW, "warning    %s%s%s%s", where, warning->message, warning->hint[0] ? "; " : "", warning->hint);
        }
}
