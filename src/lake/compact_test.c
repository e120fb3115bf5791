/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compaction over files that are lists of their rows, one a line, so that no engine is needed: merging is joining.
 */
#include <fcntl.h>

#include "base/file.h"
#include "base/test.h"
#include "lake/compact.h"

#define TABLE(name_) ((CatalogName){ STR("table"), STR("shop"), STR(name_) })

static const LakeColumn columns[] = { { .name = { "id", 2 }, .type = { .kind = TYPE_BIGINT } } };

static Status open_lake(Test *t, Lake **out) {
        return lake_create(arena_printf(&t->arena, "%s/store", test_folder(t)), out, &t->err);
}

static ChangeSetSpec by_ann(void) {
        return (ChangeSetSpec){ .author = STR("local:ann"), .via = STR("test"), .message = STR("m") };
}

static Status write_rows(ChangeSet *set, ChangeTable *table, Str rows, LakeFile *out, Error *err) {
        CLEANUP(close_fdp) int fd = -1;
        const char *path = NULL;
        TRY(changeset_new_file(set, table, &path, &fd, err));
        TRY(fd_write_all(fd, rows, path, err));
        int64_t count = 0;
        for (size_t i = 0; i < rows.size; i++)
                count += rows.data[i] == '\n';
        *out = (LakeFile){ path, { .rows = count, .bytes = (int64_t)rows.size } };
        return STATUS_OK;
}

/* One file with one row, its number padded to the width. */
static Status append(Lake *lake, const char *name, int64_t row, int width, Error *err) {
        CLEANUP(changeset_freep) ChangeSet *set = NULL;
        CLEANUP(arena_deinit) Arena arena = { 0 };
        ChangeTable *table = NULL;
        LakeFile file;
        CatalogCommit commit;
        ChangeSetSpec spec = by_ann();
        ChangeTableSpec table_spec = {
                .kind = STR("staging"), .write = TABLE_APPEND, .columns = columns, .column_count = 1
        };
        TRY(changeset_new(lake, &spec, &set, err));
        TRY(changeset_table(set, (CatalogName){ STR("table"), STR("shop"), str_of(name) }, &table_spec, &table, err));
        TRY(write_rows(set, table, arena_strf(&arena, "%0*lld\n", width, (long long)row), &file, err));
        TRY(changeset_append(set, table, &file, 1, err));
        return changeset_publish(set, &arena, &commit, err);
}

static Status replace(Lake *lake, const char *name, int64_t row, Error *err) {
        CLEANUP(changeset_freep) ChangeSet *set = NULL;
        CLEANUP(arena_deinit) Arena arena = { 0 };
        ChangeTable *table = NULL;
        LakeFile file;
        CatalogCommit commit;
        ChangeSetSpec spec = by_ann();
        ChangeTableSpec table_spec = {
                .kind = STR("staging"), .write = TABLE_REPLACE, .columns = columns, .column_count = 1
        };
        TRY(changeset_new(lake, &spec, &set, err));
        TRY(changeset_table(set, (CatalogName){ STR("table"), STR("shop"), str_of(name) }, &table_spec, &table, err));
        TRY(write_rows(set, table, arena_strf(&arena, "%lld\n", (long long)row), &file, err));
        TRY(changeset_replace(set, table, &(ReplaceSpec){ .files = &file, .file_count = 1 }, NULL, err));
        return changeset_publish(set, &arena, &commit, err);
}

/* What happens beside a merge. */
typedef struct Beside {
        Lake *lake;
        enum { BESIDE_NOTHING, BESIDE_APPEND, BESIDE_REPLACE } what;
        int merges;
} Beside;

static Status join_files(void *context, ChangeSet *set, ChangeTable *table, const LakeScanFile *files, size_t count,
                         Arena *arena, LakeFile *out, Error *err) {
        Beside *beside = context;
        CLEANUP(buf_deinit) Buf joined = { 0 };
        for (size_t i = 0; i < count; i++) {
                Str rows;
                TRY(file_read(files[i].path, 1 << 20, arena, &rows, err));
                buf_append(&joined, rows);
        }
        if (beside->merges++ == 0 && beside->what == BESIDE_APPEND)
                TRY(append(beside->lake, "staging.orders", 1000, 1, err));
        if (beside->merges == 1 && beside->what == BESIDE_REPLACE)
                TRY(replace(beside->lake, "staging.orders", 2000, err));
        return write_rows(set, table, buf_view(&joined), out, err);
}

static CompactSpec compact_orders(Beside *beside) {
        return (CompactSpec){ .commit = by_ann(),
                              .name = TABLE("staging.orders"),
                              .merge = join_files,
                              .context = beside };
}

static int compare_rows(const void *a, const void *b) {
        return str_compare(*(const Str *)a, *(const Str *)b);
}

/* All rows of a table at a commit, sorted, blanks between. */
static Status rows_of(Lake *lake, CatalogAt at, Arena *arena, Str *out, Table *table, Error *err) {
        LakeScan scan;
        Str rows[4096];
        size_t count = 0;
        TRY(lake_table(lake, at, TABLE("staging.orders"), arena, table, err));
        TRY(lake_plan(lake, table, NULL, 0, arena, &scan, err));
        for (size_t i = 0; i < scan.file_count; i++) {
                Str text;
                TRY(file_read(scan.files[i].path, 1 << 20, arena, &text, err));
                while (count < COUNT_OF(rows) && str_cut(text, '\n', &rows[count], &text))
                        count++;
        }
        if ((int64_t)count != table->body.rows || (int64_t)scan.file_count != table->body.files ||
            scan.bytes != table->body.bytes)
                return error_set(err, STATUS_CORRUPT, "%zu rows in %zu files where the catalog has %lld in %lld", count,
                                 scan.file_count, (long long)table->body.rows, (long long)table->body.files);
        if (count > 1)
                qsort(rows, count, sizeof(*rows), compare_rows);
        CLEANUP(buf_deinit) Buf joined = { 0 };
        for (size_t i = 0; i < count; i++)
                buf_printf(&joined, "%.*s ", STR_ARG(rows[i]));
        *out = buf_dup(&joined, arena);
        return STATUS_OK;
}

TEST(many_files_become_one_of_equal_rows_and_old_commits_keep_theirs) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        for (int i = 0; i < 20; i++)
                CHECK_OK(append(lake, "staging.orders", i, 1, &t->err));
        Table before, after;
        Str old_rows, new_rows;
        CHECK_OK(rows_of(lake, (CatalogAt){ 0 }, &t->arena, &old_rows, &before, &t->err));
        CHECK_INT(before.body.files, 20);
        Beside beside = { .lake = lake };
        CompactSpec spec = compact_orders(&beside);
        CompactResult result;
        spec.dry_run = true;
        CHECK_OK(lake_compact(lake, &spec, &result, &t->err));
        CHECK(result.files_before == 20 && result.files_after == 1 && beside.merges == 0);
        spec.dry_run = false;
        CHECK_OK(lake_compact(lake, &spec, &result, &t->err));
        CHECK(result.files_before == 20 && result.files_after == 1 && result.rounds == 1);
        CHECK_INT(result.bytes_after, result.bytes_before);
        CHECK_OK(rows_of(lake, (CatalogAt){ 0 }, &t->arena, &new_rows, &after, &t->err));
        CHECK_STR(new_rows, old_rows);
        CHECK_INT(after.body.files, 1);
        CHECK(after.body.snapshot != before.body.snapshot && after.body.sequence == before.body.sequence + 1);
        CHECK(after.body.rows_snapshot == before.body.rows_snapshot && after.body.rows_sequence == before.body.rows_sequence);
        CHECK_OK(rows_of(lake, (CatalogAt){ STR(""), before.seq }, &t->arena, &new_rows, &before, &t->err));
        CHECK_STR(new_rows, old_rows);
        CHECK_INT(before.body.files, 20);
        /* there is nothing left to do */
        CHECK_OK(lake_compact(lake, &spec, &result, &t->err));
        CHECK(result.files_before == 0 && beside.merges == 1);
}

TEST(an_append_beside_a_compaction_is_kept_and_a_replacement_wins) {
        static const struct {
                int what;
                int64_t files;
                const char *rows;
        } cases[] = { { BESIDE_APPEND, 2, "0 1 1000 2 3 4 5 6 7 8 9 " }, { BESIDE_REPLACE, 1, "2000 " } };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                const char *root = arena_printf(&t->arena, "%s/store%zu", test_folder(t), i);
                CLEANUP(lake_freep) Lake *lake = NULL;
                CHECK_OK(lake_create(root, &lake, &t->err));
                for (int row = 0; row < 10; row++)
                        CHECK_OK(append(lake, "staging.orders", row, 1, &t->err));
                Beside beside = { .lake = lake, .what = cases[i].what };
                CompactSpec spec = compact_orders(&beside);
                CompactResult result;
                CHECK_OK(lake_compact(lake, &spec, &result, &t->err));
                Table table;
                Str rows;
                CHECK_OK(rows_of(lake, (CatalogAt){ 0 }, &t->arena, &rows, &table, &t->err));
                CHECK_STR(rows, str_of(cases[i].rows));
                CHECK_INT(table.body.files, cases[i].files);
        }
}

/* A version of equal rows counts as the one before: neither a replacement over it nor a model that read it loses. */
TEST(a_compaction_in_between_is_no_conflict_for_others) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        for (int row = 0; row < 10; row++)
                CHECK_OK(append(lake, "staging.orders", row, 1, &t->err));
        CLEANUP(changeset_freep) ChangeSet *set = NULL;
        ChangeTable *table = NULL;
        LakeFile file;
        CatalogCommit commit;
        CompactResult result;
        ChangeSetSpec spec = by_ann();
        ChangeTableSpec table_spec = {
                .kind = STR("staging"), .write = TABLE_REPLACE, .columns = columns, .column_count = 1
        };
        CHECK_OK(changeset_new(lake, &spec, &set, &t->err));
        CHECK_OK(changeset_table(set, TABLE("staging.orders"), &table_spec, &table, &t->err));
        CHECK_OK(write_rows(set, table, STR("7\n"), &file, &t->err));
        CHECK_OK(changeset_replace(set, table, &(ReplaceSpec){ .files = &file, .file_count = 1 }, NULL, &t->err));
        Beside beside = { .lake = lake };
        CompactSpec compact = compact_orders(&beside);
        CHECK_OK(lake_compact(lake, &compact, &result, &t->err));
        CHECK_INT(result.files_before, 10);
        CHECK_OK(changeset_publish(set, &t->arena, &commit, &t->err));
        Table now;
        Str rows;
        CHECK_OK(rows_of(lake, (CatalogAt){ 0 }, &t->arena, &rows, &now, &t->err));
        CHECK_STR(rows, STR("7 "));
        CHECK_INT(now.body.rows_snapshot, now.body.snapshot);
}

/* A large file among small ones is rewritten only when these weigh as much; few small ones are left alone. */
TEST(a_byte_is_not_rewritten_each_time) {
        static const struct {
                int64_t target;
                int small, large; /* how many of 2 bytes, of 100 bytes */
                int64_t most;
                int64_t before, after;
        } cases[] = {
                { 0, 7, 0, 0, 0, 0 },       { 0, 8, 0, 0, 8, 1 },      { 0, 40, 1, 0, 40, 1 },
                { 0, 50, 1, 0, 51, 1 },     { 64, 64, 0, 0, 64, 2 },   { 64, 64, 1, 0, 64, 2 },
                { 0, 30, 0, 40, 20, 1 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                const char *root = arena_printf(&t->arena, "%s/store%zu", test_folder(t), i);
                CLEANUP(lake_freep) Lake *lake = NULL;
                CHECK_OK(lake_create(root, &lake, &t->err));
                for (int row = 0; row < cases[i].small + cases[i].large; row++)
                        CHECK_OK(append(lake, "staging.orders", row % 10, row < cases[i].small ? 1 : 99, &t->err));
                Beside beside = { .lake = lake };
                CompactSpec spec = compact_orders(&beside);
                spec.target_bytes = cases[i].target;
                spec.most_bytes = cases[i].most;
                CompactResult result;
                CHECK_OK(lake_compact(lake, &spec, &result, &t->err));
                CHECK_INT(result.files_before, cases[i].before);
                CHECK_INT(result.files_after, cases[i].after);
        }
}

TEST(snapshots_leave_metadata_json_without_a_new_snapshot) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        for (int row = 0; row < 3; row++)
                CHECK_OK(append(lake, "staging.orders", row, 1, &t->err));
        Table before, after;
        Str old_rows, rows;
        CHECK_OK(rows_of(lake, (CatalogAt){ 0 }, &t->arena, &old_rows, &before, &t->err));
        Beside beside = { .lake = lake };
        CompactSpec spec = compact_orders(&beside);
        spec.keep_from_ms = INT64_MAX;
        CompactResult result;
        CHECK_OK(lake_compact(lake, &spec, &result, &t->err));
        CHECK(result.trimmed && result.files_before == 0);
        CHECK_OK(rows_of(lake, (CatalogAt){ 0 }, &t->arena, &rows, &after, &t->err));
        CHECK_STR(rows, old_rows);
        CHECK_INT(after.body.snapshot, before.body.snapshot);
        CHECK(!str_equal(after.body.metadata_location, before.body.metadata_location));
        Str text;
        CHECK_OK(file_read(arena_cstr(&t->arena, after.body.metadata_location), 1 << 20, &t->arena, &text, &t->err));
        TableMetadata *metadata = NULL;
        CHECK_OK(metadata_parse(text, "m", &t->arena, &metadata, &t->err));
        CHECK(metadata->snapshot_count == 1 && metadata->snapshot_log_count == 1);
        CHECK_OK(lake_compact(lake, &spec, &result, &t->err));
        CHECK(!result.trimmed);
}
