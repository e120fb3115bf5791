/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a source, as rules and as a model: never a crash, and a source that parses prints and reads back. */
#include "model/project.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Problems problems = { .arena = &arena };
        Str text = { (const char *)data, size };
        Source *source = source_parse(&arena, STR("z"), STR("s"), "s.yml", text, &problems);
        if (!problems_any(&problems)) {
                CLEANUP(buf_deinit) Buf printed = { 0 };
                source_print(source, &printed);
                source_parse(&arena, STR("z"), STR("s"), "s.yml", buf_view(&printed), &problems);
                if (problems_any(&problems))
                        panic("%s in %.*s", problems.errors.items[0]->message, STR_ARG(buf_view(&printed)));
        }
        Access access;
        access_parse(&arena, "a.yml", text, &problems, &access);
        model_parse(&arena, STR("z"), STAGE_EGRESS, STR("m"), "m.sql", text, &problems);
        return 0;
}
