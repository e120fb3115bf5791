/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the worker's JSON: read or refused, never worse; what is read prints, copies and walks. */
#include "sql/allow.h"
#include "sql/depend.h"
#include "sql/printer.h"
#include "sql/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error err = { 0 };
        SqlTree *tree;
        SqlDependency *found, source;
        size_t count;
        if (sql_tree_read((Str){ (const char *)data, size }, STR("select a from b where c"), STR("q.sql"), &arena,
                          &tree, &err) != STATUS_OK)
                return 0;
        Str text = sql_print(&arena, tree->query);
        if (!str_equal(text, sql_print(&arena, sql_query_copy(&arena, tree->query))))
                __builtin_trap();
        sql_dependencies(tree->query, &arena, &found, &count);
        sql_row_source(tree, &source, NULL);
        SqlTree *joined = sql_inline(tree, tree, &arena);
        if (joined)
                sql_print(&arena, joined->query);
        sql_ungroup(tree, &arena, &tree);
        sql_trace_model(tree, NULL, &arena, &tree, &err);
        sql_allow_query(tree, tree->query, &err);
        return 0;
}
