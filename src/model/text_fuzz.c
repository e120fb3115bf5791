/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a source, as rules, as a model and as a view's body: never a crash, and a source that parses prints and reads back. */
#include "model/project.h"
#include "model/statement.h"

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
        AccessTest *tests;
        size_t test_count;
        access_test_parse(&arena, "t.yml", text, &problems, &tests, &test_count);
        CentralPolicies policies;
        policies_parse(&arena, "p.yml", text, &problems, &policies);
        ViewBody view;
        Error err = { 0 };
        if (view_body_parse(text, &arena, &view, &err) == STATUS_OK) {
                Str body = view_body_print(&arena, &view);
                if (view_body_parse(body, &arena, &view, &err) != STATUS_OK || !str_equal(body, view_body_print(&arena, &view)))
                        panic("a view's body does not come back");
        }
        model_parse(&arena, STR("z"), STAGE_EGRESS, STR("m"), "m.sql", text, &problems);
        return 0;
}
