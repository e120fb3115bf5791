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
