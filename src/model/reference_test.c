/* SPDX-License-Identifier: Apache-2.0 */
#include "model/reference.h"

#include "base/file.h"
#include "base/test.h"

/* docs/project-files.md, found from this file's own name. LODE_UPDATE=1 writes it anew. */
static const char *page_path(Test *t) {
        return path_join(&t->arena, path_dir(&t->arena, __FILE__), "../../docs/project-files.md");
}

TEST(the_manual_of_project_files_is_what_the_tables_print) {
        CLEANUP(buf_deinit) Buf page = { 0 };
        reference_print(&page);
        if (getenv("LODE_UPDATE"))
                CHECK_OK(file_write_text(page_path(t), buf_view(&page), &t->err));

        Str kept;
        if (file_read(page_path(t), 1 << 20, &t->arena, &kept, &t->err) == STATUS_NOT_FOUND) {
                test_skip(t, "the sources are not here");
                return;
        }
        if (!str_equal(kept, buf_view(&page)))
                test_fail(t, __FILE__, __LINE__, "docs/project-files.md is stale: run this test with LODE_UPDATE=1");
}
