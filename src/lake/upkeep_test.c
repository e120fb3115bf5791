/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compaction, retention and the sweep of strays, over data files that are lists of their rows, one a line, so that no engine
 * is needed: merging is joining. Then all of it again while it dies, or finds the disk full, at every call (trouble.h).
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/test.h"
#include "base/time.h"
#include "lake/compact.h"
#include "lake/needed.h"
#include "lake/store_files.h"
#include "lake/retain.h"
#include "lake/sweep.h"
#include "lake/trouble.h"
#include "lake/verify.h"

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

TEST(files_of_all_sizes_are_merged) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        for (int row = 0; row < 12; row++)
                CHECK_OK(append(lake, "staging.orders", row, 50 + row, &t->err));
        Beside beside = { .lake = lake };
        CompactSpec spec = compact_orders(&beside);
        CompactResult result;
        CHECK_OK(lake_compact(lake, &spec, &result, &t->err));
        CHECK(result.files_before == 12 && result.files_after == 1);
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

/* ---- retention ---- */

/* Everything is kept so long after it was replaced. */
static Status keep_for(void *context, CatalogName name UNUSED, RetainRule *out, Error *err UNUSED) {
        *out = (RetainRule){ *(const int64_t *)context, STR("a rule") };
        return STATUS_OK;
}

static RetainSpec retain_for(int64_t *keep_us) {
        return (RetainSpec){ .rule = keep_for,
                             .context = keep_us,
                             .commit = by_ann(),
                             .now_us = time_now_us() + 1000000,
                             .strays = true };
}

static size_t files_below(Arena *arena, const char *folder) {
        DirEntry *entries = NULL;
        size_t count = 0, files = 0;
        Error err = { 0 };
        if (dir_list(folder, arena, &entries, &count, &err) != STATUS_OK)
                return 0;
        for (size_t i = 0; i < count; i++)
                files += entries[i].is_dir ? files_below(arena, path_join(arena, folder, arena_cstr(arena, entries[i].name)))
                                           : 1;
        return files;
}

/* What the catalog does not know to be gone is there. */
static Status check_listed(Lake *lake, Arena *arena, Error *err) {
        CatalogFile *files = NULL;
        size_t count = 0;
        TRY(catalog_files(lake->catalog, &(CatalogFileQuery){ 0 }, arena, &files, &count, err));
        for (size_t i = 0; i < count; i++)
                if (!file_exists(store_absolute(lake->store, arena, files[i].path)))
                        return error_set(err, STATUS_CORRUPT, "'%.*s' is gone and the catalog does not know",
                                         STR_ARG(files[i].path));
        return STATUS_OK;
}

/* What lies below tables/ is what somebody needs, neither more nor less. */
static Status check_exact(Lake *lake, Arena *arena, Error *err) {
        Needed needed;
        TRY(needed_load(lake, NULL, arena, &needed, err));
        for (size_t i = 0; i < needed.files.count; i++)
                if (!file_exists(arena_cstr(arena, needed.files.entries[i].key)))
                        return error_set(err, STATUS_CORRUPT, "'%.*s' is needed and gone", STR_ARG(needed.files.entries[i].key));
        size_t there = files_below(arena, lake->store->tables_dir);
        if (there != needed.files.count)
                return error_set(err, STATUS_INTERNAL, "%zu files lie there and %zu are needed", there, needed.files.count);
        int64_t commits = 0;
        TRY(check_listed(lake, arena, err));
        return catalog_verify_chain(lake->catalog, &commits, err);
}

TEST(replaced_versions_expire_with_their_files_and_say_so_when_asked) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        CatalogCommit early;
        for (int row = 0; row < 12; row++)
                CHECK_OK(append(lake, "staging.orders", row, 1, &t->err));
        CHECK_OK(replace(lake, "staging.other", 1, &t->err));
        CHECK_OK(catalog_head(lake->catalog, STR(""), &t->arena, &early, &t->err));
        CHECK_OK(replace(lake, "staging.other", 2, &t->err));
        Beside beside = { .lake = lake };
        CompactSpec compact = compact_orders(&beside);
        CompactResult compacted;
        CHECK_OK(lake_compact(lake, &compact, &compacted, &t->err));
        CHECK_OK(check_exact(lake, &t->arena, &t->err));

        int64_t keep = RETAIN_FOREVER;
        RetainSpec spec = retain_for(&keep);
        RetainResult result;
        CHECK_OK(lake_retain(lake, &spec, &t->arena, &result, &t->err));
        CHECK(result.files == 0 && result.table_count == 0);
        keep = 0;
        spec.readers_us = INT64_C(3600) * 1000000;
        CHECK_OK(lake_retain(lake, &spec, &t->arena, &result, &t->err));
        CHECK(result.files == 0 && result.table_count == 0);
        spec.readers_us = 0;
        spec.dry_run = true;
        CHECK_OK(lake_retain(lake, &spec, &t->arena, &result, &t->err));
        int64_t files = result.files, bytes = result.bytes;
        CHECK(files > 12 && bytes > 0 && result.table_count == 2 && result.stray_files == 0);
        CHECK_OK(check_exact(lake, &t->arena, &t->err));

        Table table, old;
        Str rows;
        CHECK_OK(rows_of(lake, (CatalogAt){ STR(""), early.seq }, &t->arena, &rows, &old, &t->err));
        CHECK_OK(catalog_branch_create(lake->catalog, STR("old"), (CatalogAt){ STR(""), early.seq }, &t->err));
        spec.dry_run = false;
        CHECK_OK(lake_retain(lake, &spec, &t->arena, &result, &t->err));
        CHECK(result.files > 0 && result.files < files); /* a branch begins at the 12 files */
        CHECK_OK(check_exact(lake, &t->arena, &t->err));
        CHECK_OK(rows_of(lake, (CatalogAt){ STR("old"), 0 }, &t->arena, &rows, &table, &t->err));
        CHECK_STR(rows, STR("0 1 10 11 2 3 4 5 6 7 8 9 "));
        CHECK_OK(catalog_branch_remove(lake->catalog, STR("old"), &t->err));
        CHECK_OK(lake_retain(lake, &spec, &t->arena, &result, &t->err));
        CHECK(result.files >= 12);
        CHECK_OK(check_exact(lake, &t->arena, &t->err));
        CHECK_OK(rows_of(lake, (CatalogAt){ 0 }, &t->arena, &rows, &table, &t->err));
        CHECK_STR(rows, STR("0 1 10 11 2 3 4 5 6 7 8 9 "));
        CHECK_STATUS(rows_of(lake, (CatalogAt){ STR(""), early.seq }, &t->arena, &rows, &old, &t->err), STATUS_EXPIRED);
        CHECK(strstr(t->err.message, "shop.staging.orders") && strstr(t->err.message, "by a rule"));
        CHECK_OK(lake_retain(lake, &spec, &t->arena, &result, &t->err));
        CHECK_OK(lake_retain(lake, &spec, &t->arena, &result, &t->err));
        CHECK(result.files == 0 && result.table_count == 0); /* it comes to rest */

        Str text;
        TableMetadata *metadata = NULL;
        CHECK_OK(file_read(arena_cstr(&t->arena, table.body.metadata_location), 1 << 20, &t->arena, &text, &t->err));
        CHECK_OK(metadata_parse(text, "m", &t->arena, &metadata, &t->err));
        for (size_t i = 0; i < metadata->snapshot_count; i++)
                CHECK(file_exists(arena_cstr(&t->arena, metadata->snapshots[i].manifest_list)));
}

/* One row, built from what the source has now. */
static Status build(Lake *lake, int64_t row, Arena *arena, Error *err) {
        CLEANUP(changeset_freep) ChangeSet *set = NULL;
        ChangeTable *table = NULL;
        Table source;
        LakeFile file;
        CatalogCommit commit;
        ChangeSetSpec spec = by_ann();
        ChangeTableSpec table_spec = { .kind = STR("model"), .write = TABLE_REPLACE, .columns = columns, .column_count = 1 };
        TRY(lake_table(lake, (CatalogAt){ 0 }, TABLE("staging.orders"), arena, &source, err));
        LakeInput input = { STR("shop.staging.orders"), source.body.rows_snapshot, source.body.rows_sequence };
        TRY(changeset_new(lake, &spec, &set, err));
        TRY(changeset_table(set, TABLE("canonical.orders"), &table_spec, &table, err));
        TRY(write_rows(set, table, arena_strf(arena, "%lld\n", (long long)row), &file, err));
        ReplaceSpec replace = { .files = &file, .file_count = 1, .model = true, .inputs = &input, .input_count = 1 };
        TRY(changeset_replace(set, table, &replace, NULL, err));
        return changeset_publish(set, arena, &commit, err);
}

/* Both are in the one commit that takes old versions out: the model must not seem built from what came since. */
TEST(a_model_that_is_behind_its_source_stays_so) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        Table source, built, tidied;
        for (int row = 0; row < 2; row++) {
                CHECK_OK(append(lake, "staging.orders", row, 1, &t->err));
                CHECK_OK(build(lake, row, &t->arena, &t->err));
        }
        CHECK_OK(append(lake, "staging.orders", 2, 1, &t->err));
        CHECK_OK(lake_table(lake, (CatalogAt){ 0 }, TABLE("canonical.orders"), &t->arena, &built, &t->err));

        int64_t keep = 0;
        RetainSpec spec = retain_for(&keep);
        RetainResult result;
        CHECK_OK(lake_retain(lake, &spec, &t->arena, &result, &t->err));
        CHECK_INT(result.table_count, 2);
        CHECK_OK(lake_table(lake, (CatalogAt){ 0 }, TABLE("staging.orders"), &t->arena, &source, &t->err));
        CHECK_OK(lake_table(lake, (CatalogAt){ 0 }, TABLE("canonical.orders"), &t->arena, &tidied, &t->err));
        CHECK(tidied.seq > built.seq && source.seq == tidied.seq);
        CHECK_INT(tidied.body.inputs[0].snapshot, built.body.inputs[0].snapshot);
        CHECK_INT(tidied.body.inputs[0].sequence, built.body.inputs[0].sequence);
        CHECK(source.body.rows_snapshot != tidied.body.inputs[0].snapshot);
}

/* A writer that is only slow keeps its files however often the store is tidied; what a dead one left goes. */
TEST(files_of_the_living_stay_and_strays_go) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        CHECK_OK(append(lake, "staging.orders", 1, 1, &t->err));
        Table before;
        Str rows;
        CHECK_OK(rows_of(lake, (CatalogAt){ 0 }, &t->arena, &rows, &before, &t->err));
        const char *folder = store_table_data_dir(lake->store, &t->arena, before.body.uuid);
        CHECK_OK(file_write_text(path_join(&t->arena, folder, "stray.parquet"), STR("x"), &t->err));
        CHECK_OK(file_write_text(path_join(&t->arena, folder, "notes.txt"), STR("x"), &t->err));

        CLEANUP(changeset_freep) ChangeSet *set = NULL;
        ChangeTable *table = NULL, *fresh = NULL;
        LakeFile file, other;
        CatalogCommit commit;
        ChangeSetSpec by = by_ann();
        ChangeTableSpec table_spec = {
                .kind = STR("staging"), .write = TABLE_APPEND, .columns = columns, .column_count = 1
        };
        CHECK_OK(changeset_new(lake, &by, &set, &t->err));
        CHECK_OK(changeset_table(set, TABLE("staging.orders"), &table_spec, &table, &t->err));
        CHECK_OK(changeset_table(set, TABLE("staging.fresh"), &table_spec, &fresh, &t->err));
        CHECK_OK(write_rows(set, table, STR("2\n"), &file, &t->err));
        CHECK_OK(write_rows(set, fresh, STR("3\n"), &other, &t->err));
        int64_t keep = 0;
        RetainSpec spec = retain_for(&keep);
        RetainResult result;
        spec.strays = false;
        CHECK_OK(lake_retain(lake, &spec, &t->arena, &result, &t->err));
        CHECK_INT(result.files, 0);
        spec.strays = true;
        CHECK_OK(lake_retain(lake, &spec, &t->arena, &result, &t->err));
        CHECK(result.stray_files == 1 && result.files == 1 && result.stray_bytes == 1);
        CHECK(file_exists(path_join(&t->arena, folder, "notes.txt")));
        CHECK_OK(changeset_append(set, table, &file, 1, &t->err));
        CHECK_OK(changeset_append(set, fresh, &other, 1, &t->err));
        CHECK_OK(changeset_publish(set, &t->arena, &commit, &t->err));
        CHECK_OK(rows_of(lake, (CatalogAt){ 0 }, &t->arena, &rows, &before, &t->err));
        CHECK_STR(rows, STR("1 2 "));
}

/* A child that makes folders of a table and removes all that are empty, as tidies and change sets that come to nothing do, but
 * all the time. */
static pid_t remove_empty_folders(const char *tables) {
        static const char *const below[] = { "/data", "/metadata", "" };
        pid_t child = fork();
        while (child == 0) {
                CLEANUP(arena_deinit) Arena arena = { 0 };
                DirEntry *entries = NULL;
                size_t count = 0;
                Error ignored;
                const char *own = path_join(&arena, tables, "0");
                for (size_t i = COUNT_OF(below); i-- > 0;)
                        mkdir(arena_printf(&arena, "%s%s", own, below[i]), 0700);
                if (dir_list(tables, &arena, &entries, &count, &ignored) != STATUS_OK)
                        count = 0;
                for (size_t i = 0; i < count; i++)
                        for (size_t k = 0; k < COUNT_OF(below); k++)
                                rmdir(arena_printf(&arena, "%s/%.*s%s", tables, STR_ARG(entries[i].name), below[k]));
        }
        return child;
}

static void end_child(pid_t child) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
}

TEST(a_folder_that_goes_before_a_file_is_in_it_is_made_again) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        pid_t child = remove_empty_folders(lake->store->tables_dir);
        Status status = STATUS_OK;
        for (int i = 0; i < 300 && status == STATUS_OK; i++)
                status = append(lake, arena_printf(&t->arena, "staging.t%d", i), i, 1, &t->err);
        end_child(child);
        CHECK_OK(status);
        CHECK_OK(check_exact(lake, &t->arena, &t->err));
}

TEST(folders_that_go_while_they_are_listed_are_no_error) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        CHECK_OK(append(lake, "staging.orders", 1, 1, &t->err));
        pid_t child = remove_empty_folders(lake->store->tables_dir);
        Status status = STATUS_OK;
        int64_t keep = 0;
        RetainSpec spec = retain_for(&keep);
        for (int i = 0; i < 2000 && status == STATUS_OK; i++) {
                CLEANUP(arena_deinit) Arena arena = { 0 };
                RetainResult result;
                status = lake_retain(lake, &spec, &arena, &result, &t->err);
        }
        end_child(child);
        CHECK_OK(status);
}

/* ---- beside a verify ---- */

/* A version of a table without rows, of so many columns. */
static Status make_version(Lake *lake, const char *name, size_t column_count, Error *err) {
        static const LakeColumn wide[] = { { .name = { "a", 1 }, .type = { .kind = TYPE_BIGINT } },
                                           { .name = { "b", 1 }, .type = { .kind = TYPE_BIGINT } } };
        CLEANUP(changeset_freep) ChangeSet *set = NULL;
        CLEANUP(arena_deinit) Arena arena = { 0 };
        ChangeTable *table = NULL;
        CatalogCommit commit;
        ChangeSetSpec spec = by_ann();
        ChangeTableSpec table_spec = { .kind = STR("staging"), .write = TABLE_APPEND, .columns = wide, .column_count = column_count };
        TRY(changeset_new(lake, &spec, &set, err));
        TRY(changeset_table(set, (CatalogName){ STR("table"), STR("shop"), str_of(name) }, &table_spec, &table, err));
        TRY(changeset_append(set, table, NULL, 0, err));
        return changeset_publish(set, &arena, &commit, err);
}

typedef struct Meanwhile {
        Lake *lake;
        Arena *arena;
        Status status; /* NOT_FOUND: it was not called yet */
        Error err;
} Meanwhile;

static Status publish_and_expire(Lake *lake, Arena *arena, Error *err) {
        int64_t keep = 0;
        RetainSpec spec = retain_for(&keep);
        RetainResult result;
        TRY(make_version(lake, "staging.late", 1, err));
        TRY(make_version(lake, "staging.early", 2, err));
        TRY(lake_retain(lake, &spec, arena, &result, err));
        return result.files > 0 ? STATUS_OK : error_set(err, STATUS_INTERNAL, "nothing expired");
}

static void once_meanwhile(void *context, int64_t done UNUSED, int64_t total UNUSED) {
        Meanwhile *meanwhile = context;
        if (meanwhile->status == STATUS_NOT_FOUND)
                meanwhile->status = publish_and_expire(meanwhile->lake, meanwhile->arena, &meanwhile->err);
}

TEST(what_is_published_or_expires_while_a_store_is_verified_is_no_damage) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        CHECK_OK(make_version(lake, "staging.early", 1, &t->err));
        Meanwhile meanwhile = { .lake = lake, .arena = &t->arena, .status = STATUS_NOT_FOUND };
        VerifySpec spec = { .folder = lake->store->root, .catalog_path = lake->store->catalog_path, .progress = once_meanwhile, .context = &meanwhile };
        VerifyReport report;
        CHECK_OK(lake_verify(&spec, &t->arena, &report, &t->err));
        CHECK_OK(meanwhile.status);
        for (size_t i = 0; i < report.damage_count; i++)
                printf("# %.*s %.*s\n", STR_ARG(report.damages[i].file), STR_ARG(report.damages[i].message));
        CHECK_INT(report.damage_count, 0);
        CHECK_INT(report.unknown_count, 0);
        spec.progress = NULL;
        CHECK_OK(lake_verify(&spec, &t->arena, &report, &t->err));
        CHECK_INT(report.damage_count, 0);
}

TEST(the_newest_version_is_verified_although_it_added_no_file) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        CHECK_OK(make_version(lake, "staging.early", 1, &t->err));
        CLEANUP(changeset_freep) ChangeSet *set = NULL;
        ChangeTable *table = NULL;
        CatalogCommit commit;
        ChangeSetSpec by = by_ann();
        static const LakeColumn told[] = { { .name = { "a", 1 }, .type = { .kind = TYPE_BIGINT }, .about = { "told", 4 } } };
        ChangeTableSpec table_spec = { .kind = STR("staging"), .write = TABLE_APPEND, .columns = told, .column_count = 1 };
        CHECK_OK(changeset_new(lake, &by, &set, &t->err));
        CHECK_OK(changeset_table(set, TABLE("staging.early"), &table_spec, &table, &t->err));
        CHECK_OK(changeset_append(set, table, NULL, 0, &t->err));
        CHECK_OK(changeset_publish(set, &t->arena, &commit, &t->err));
        VerifySpec spec = { .folder = lake->store->root, .catalog_path = lake->store->catalog_path };
        VerifyReport report;
        CHECK_OK(lake_verify(&spec, &t->arena, &report, &t->err));
        CHECK(report.damage_count == 0 && report.versions == 2);
}

/* A publication that died names the metadata that it made; that a list is named there says nothing of what the list names. */
TEST(a_note_that_names_metadata_does_not_hide_its_data) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        CHECK_OK(append(lake, "staging.orders", 1, 1, &t->err));
        Table table;
        Str rows;
        CHECK_OK(rows_of(lake, (CatalogAt){ 0 }, &t->arena, &rows, &table, &t->err));
        IcebergSource source = lake_iceberg_source();
        TableMetadata *metadata = NULL;
        CHECK_OK(lake_metadata(table.body.metadata_location, &source, &t->arena, &metadata, &t->err));
        Str note = arena_strf(&t->arena, "%.*s\n%.*s\n", STR_ARG(metadata->snapshots[0].manifest_list), STR_ARG(table.body.metadata_location));
        CHECK_OK(file_write_text(store_queue_path(lake->store, &t->arena, STR("dead"), "drain"), note, &t->err));
        int64_t keep = 0;
        RetainSpec spec = retain_for(&keep);
        RetainResult result;
        CHECK_OK(lake_retain(lake, &spec, &t->arena, &result, &t->err));
        CHECK_INT(result.files, 0);
        CHECK_OK(rows_of(lake, (CatalogAt){ 0 }, &t->arena, &rows, &table, &t->err));
        CHECK_STR(rows, STR("1 "));
}

/* Otherwise all files of this store would look as if nobody needed them. */
TEST(a_table_whose_files_lie_outside_of_the_store_ends_the_search) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        CHECK_OK(append(lake, "staging.orders", 1, 1, &t->err));
        Table table;
        Needed needed;
        CHECK_OK(lake_table(lake, (CatalogAt){ 0 }, TABLE("staging.orders"), &t->arena, &table, &t->err));
        needed_init(&needed, lake, &t->arena);
        CHECK_OK(needed_add_version(&needed, table_body_print(lake->store, &t->arena, &table.body), &t->err));
        table.body.metadata_location = STR("/elsewhere/tables/x/metadata/00000-x.metadata.json");
        CHECK_STATUS(needed_add_version(&needed, table_body_print(lake->store, &t->arena, &table.body), &t->err), STATUS_CORRUPT);
}

/* ---- trouble ---- */

static Status tidy_once(Lake *lake, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Beside beside = { .lake = lake };
        CompactSpec compact = compact_orders(&beside);
        CompactResult compacted;
        SweepResult swept;
        RetainResult result;
        int64_t keep = 0;
        RetainSpec spec = retain_for(&keep);
        compact.least_files = 3;
        TRY(lake_sweep(lake, 0, &swept, err));
        TRY(lake_compact(lake, &compact, &compacted, err));
        return lake_retain(lake, &spec, &arena, &result, err);
}

/* The exit code of a child that tidies and is in trouble at the Nth call. */
static int tidy_in_child(const char *root, long at, bool full) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
                Error err = { 0 };
                Lake *lake = NULL;
                trouble_at = at;
                disk_full = full;
                Status done = lake_open(root, &lake, &err);
                if (done == STATUS_OK)
                        done = tidy_once(lake, &err);
                if (done != STATUS_OK && !disk_full)
                        fprintf(stderr, "# %s\n", err.message);
                _exit(done != STATUS_OK);
        }
        waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static Status check_rows(const char *root, Str expected, bool exact, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(lake_freep) Lake *lake = NULL;
        Table table;
        Str rows;
        TRY(lake_open(root, &lake, err));
        TRY(rows_of(lake, (CatalogAt){ 0 }, &arena, &rows, &table, err));
        if (!str_equal(rows, expected))
                return error_set(err, STATUS_CORRUPT, "other rows: %.*s", STR_ARG(rows));
        return exact ? check_exact(lake, &arena, err) : STATUS_OK;
}

static Status add_three(const char *root, int64_t from, Error *err) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        TRY(lake_open(root, &lake, err));
        for (int64_t row = from; row < from + 3; row++)
                TRY(append(lake, "staging.orders", row, 4, err));
        return STATUS_OK;
}

/* Round after round three more files, a tidy in trouble at a later call, the check that all rows are there, and a tidy
 * that is left alone, after which exactly the files that are needed are there. */
static void trouble_everywhere(Test *t, bool full) {
        const char *root = arena_printf(&t->arena, "%s/store", test_folder(t));
        {
                CLEANUP(lake_freep) Lake *lake = NULL;
                CHECK_OK(lake_create(root, &lake, &t->err));
        }
        CLEANUP(buf_deinit) Buf expected = { 0 };
        /* Every eleventh call in turn; LODE_TEST_FULL takes each one. */
        long step = getenv("LODE_TEST_FULL") ? 1 : 11, point = 1 + getpid() % step, in_time = 0;
        int64_t rows = 0;
        for (int quiet = 0; quiet < 2 && point < 1000; point += step, rows += 3) {
                CHECK_OK(add_three(root, rows, &t->err));
                for (int64_t row = rows; row < rows + 3; row++)
                        buf_printf(&expected, "%04lld ", (long long)row);
                int code = tidy_in_child(root, point, full);
                CHECK(code == 0 || code == (full ? 1 : CRASHED));
                CHECK_OK(check_rows(root, buf_view(&expected), false, &t->err));
                CHECK_INT(tidy_in_child(root, 0, false), 0);
                CHECK_OK(check_rows(root, buf_view(&expected), true, &t->err));
                quiet = code == 0 ? quiet + 1 : 0;
                in_time = code == 0 ? in_time : point;
        }
        CHECK(point < 1000 && in_time > 20); /* the calls were really taken over */
}

TEST(a_tidy_that_dies_at_any_call_loses_nothing_and_the_next_does_the_rest) {
        trouble_everywhere(t, false);
}

TEST(a_tidy_that_finds_the_disk_full_at_any_call_loses_nothing) {
        trouble_everywhere(t, true);
}

/* The files of versions that are gone are gone for good only once the catalog says so on the disk. */
TEST(a_power_cut_at_any_call_of_a_tidy_loses_nothing) {
        const char *root = arena_printf(&t->arena, "%s/store", test_folder(t));
        {
                CLEANUP(lake_freep) Lake *lake = NULL;
                CHECK_OK(lake_create(root, &lake, &t->err));
        }
        CLEANUP(buf_deinit) Buf expected = { 0 };
        shadow = arena_printf(&t->arena, "%s/shadow", test_folder(t));
        long step = getenv("LODE_TEST_FULL") ? 1 : 13, point = 1 + getpid() % step;
        int64_t rows = 0;
        for (int quiet = 0; quiet < 2 && point < 1000; point += step, rows += 3) {
                CHECK_OK(power_on(root, &t->err));
                CHECK_OK(add_three(root, rows, &t->err));
                for (int64_t row = rows; row < rows + 3; row++)
                        buf_printf(&expected, "%04lld ", (long long)row);
                int code = tidy_in_child(root, point, false);
                CHECK(code == 0 || code == CRASHED);
                CHECK_OK(power_off(root, (point / step) % 3 ? (uint64_t)point * 7919 : 0, &t->err));
                CHECK_OK(check_rows(root, buf_view(&expected), false, &t->err));
                CHECK_INT(tidy_in_child(root, 0, false), 0);
                CHECK_OK(check_rows(root, buf_view(&expected), true, &t->err));
                quiet = code == 0 ? quiet + 1 : 0;
        }
        CHECK(point < 1000);
        shadow = NULL;
}
