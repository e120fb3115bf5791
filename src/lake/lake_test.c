/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Change sets and their publication, with files that hold their own name instead of Parquet: nothing here reads rows.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/map.h"
#include "base/test.h"
#include "base/time.h"
#include "lake/changeset.h"
#include "lake/source.h"
#include "lake/sweep.h"

#define TABLE(name_) ((CatalogName){ STR("table"), STR("shop"), STR(name_) })

static const LakeColumn columns[] = {
        { .name = { "id", 2 }, .type = { .kind = TYPE_BIGINT } },
        { .name = { "_file", 5 }, .type = { .kind = TYPE_BIGINT }, .hidden = true },
};

static Status open_lake(Test *t, Lake **out) {
        const char *root = arena_printf(&t->arena, "%s/store", test_folder(t));
        return file_exists(root) ? lake_open(root, out, &t->err) : lake_create(root, out, &t->err);
}

static Status begin(Lake *lake, ChangeSet **out, Error *err) {
        return changeset_new(lake,
                             &(ChangeSetSpec){ .author = STR("local:ann"), .via = STR("test"), .message = STR("m") },
                             out, err);
}

/* A data file of ten rows, ids from `low`. */
static Status write_data(ChangeSet *set, ChangeTable *table, Arena *arena, int64_t low, LakeFile *out, Error *err) {
        CLEANUP(close_fdp) int fd = -1;
        const char *path = NULL;
        TRY(changeset_new_file(set, table, &path, &fd, err));
        TRY(fd_write_all(fd, str_of(path), path, err));
        ColumnStatistics *column = ARENA_NEW(arena, ColumnStatistics);
        *column = (ColumnStatistics){ .field_id = change_table(table)->body.columns[0].id,
                                      .values = 10,
                                      .bytes = 80,
                                      .has_lower = true,
                                      .has_upper = true,
                                      .lower = value_int64(arena, low),
                                      .upper = value_int64(arena, low + 9) };
        *out = (LakeFile){ path, { .rows = 10, .bytes = (int64_t)strlen(path), .columns = column, .column_count = 1 } };
        return STATUS_OK;
}

static Status append(Lake *lake, const char *name, int64_t low, const Delivery *delivery, Arena *arena,
                     CatalogCommit *out, Error *err) {
        CLEANUP(changeset_freep) ChangeSet *set = NULL;
        ChangeTable *table = NULL;
        LakeFile file;
        ChangeTableSpec spec = { .kind = STR("staging"), .write = TABLE_APPEND, .columns = columns, .column_count = 2 };
        TRY(begin(lake, &set, err));
        TRY(changeset_table(set, (CatalogName){ STR("table"), STR("shop"), str_of(name) }, &spec, &table, err));
        TRY(write_data(set, table, arena, low, &file, err));
        TRY(changeset_append(set, table, &file, 1, err));
        if (delivery)
                changeset_ledger(set, delivery, 1, NULL, 0);
        return changeset_publish(set, arena, out, err);
}

/* Begins a replacement of one file; the caller publishes. */
static Status start_replace(Lake *lake, const char *name, int64_t low, ReplaceSpec spec, Arena *arena, ChangeSet **out,
                            bool *unchanged, Error *err) {
        ChangeTable *table = NULL;
        LakeFile file;
        ChangeTableSpec table_spec = {
                .kind = STR("model"), .write = TABLE_REPLACE, .columns = columns, .column_count = 2
        };
        TRY(begin(lake, out, err));
        TRY(changeset_table(*out, (CatalogName){ STR("table"), STR("shop"), str_of(name) }, &table_spec, &table, err));
        TRY(write_data(*out, table, arena, low, &file, err));
        spec.files = &file;
        spec.file_count = 1;
        return changeset_replace(*out, table, &spec, unchanged, err);
}

/* How many files lie below, by the end of their name. */
static size_t count_files(Arena *arena, const char *folder, const char *ending) {
        DirEntry *entries = NULL;
        size_t count = 0, found = 0;
        Error err = { 0 };
        if (dir_list(folder, arena, &entries, &count, &err) != STATUS_OK)
                return 0;
        for (size_t i = 0; i < count; i++) {
                if (entries[i].is_dir)
                        found += count_files(arena, path_join(arena, folder, arena_cstr(arena, entries[i].name)),
                                             ending);
                else
                        found += str_ends_with(entries[i].name, str_of(ending));
        }
        return found;
}

/* What the catalog says of each file holds for its bytes. */
static Status check_hashes(Lake *lake, Arena *arena, Error *err) {
        CatalogFile *files = NULL;
        size_t count = 0;
        TRY(catalog_files(lake->catalog, &(CatalogFileQuery){ 0 }, arena, &files, &count, err));
        for (size_t i = 0; i < count; i++) {
                Sha256 hash;
                int64_t bytes = 0;
                TRY(file_hash(store_absolute(lake->store, arena, files[i].path), &hash, &bytes, err));
                if (!str_equal(sha256_hex(arena, hash), files[i].sha256) || bytes != files[i].bytes)
                        return error_set(err, STATUS_CORRUPT, "'%.*s' has another hash", STR_ARG(files[i].path));
        }
        return STATUS_OK;
}

/* Every data file of every table at the head exists once and is whole; no file lies there that no version needs. */
static Status check_store(Lake *lake, Arena *arena, size_t *out_files, Error *err) {
        Table *tables = NULL;
        size_t count = 0, files = 0;
        int64_t commits = 0;
        Map seen;
        map_init(&seen, arena);
        TRY(catalog_verify_chain(lake->catalog, &commits, err));
        TRY(check_hashes(lake, arena, err));
        TRY(lake_tables(lake, (CatalogAt){ 0 }, STR("table"), STR(""), arena, &tables, &count, err));
        for (size_t i = 0; i < count; i++) {
                LakeScan scan;
                TRY(lake_plan(lake, &tables[i], NULL, 0, arena, &scan, err));
                if (scan.rows != tables[i].body.rows || (int64_t)scan.file_count != tables[i].body.files)
                        return error_set(err, STATUS_INTERNAL, "the catalog counts otherwise than the manifests");
                for (size_t k = 0; k < scan.file_count; k++) {
                        Str path = str_of(scan.files[k].path), bytes;
                        TRY(file_read(scan.files[k].path, 4096, arena, &bytes, err));
                        if (map_has(&seen, path) || !str_equal(bytes, path))
                                return error_set(err, STATUS_INTERNAL, "'%s' is doubled or broken", scan.files[k].path);
                        map_put(&seen, path, lake);
                        files++;
                }
        }
        *out_files = files;
        return STATUS_OK;
}

TEST(appends_are_planned_pruned_and_read_as_they_were) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        CatalogCommit one, two;
        CHECK_OK(append(lake, "staging.orders", 0, NULL, &t->arena, &one, &t->err));
        CHECK_OK(append(lake, "staging.orders", 100, NULL, &t->arena, &two, &t->err));
        CHECK_INT(two.change_count, 1);
        Table table;
        CHECK_OK(lake_table(lake, (CatalogAt){ 0 }, TABLE("staging.orders"), &t->arena, &table, &t->err));
        CHECK_INT(table.body.rows, 20);
        CHECK_INT(table.body.files, 2);
        CHECK_INT(table.body.sequence, 2);
        CHECK_STR(table_full_name(&t->arena, &table), STR("shop.staging.orders"));
        CHECK(table_column(&table, STR("_file"))->hidden && !table_column(&table, STR("id"))->hidden);
        CHECK(file_exists(arena_cstr(&t->arena, table.body.metadata_location)));

        Str value = value_int64(&t->arena, 105);
        Predicate is_105 = { table_column(&table, STR("id"))->id, PREDICATE_EQ, &value, 1 };
        LakeScan scan;
        CHECK_OK(lake_plan(lake, &table, &is_105, 1, &t->arena, &scan, &t->err));
        CHECK_INT(scan.file_count, 1);
        CHECK_INT(scan.total_files, 2);
        CHECK_OK(
                lake_table(lake, (CatalogAt){ STR(""), one.seq }, TABLE("staging.orders"), &t->arena, &table, &t->err));
        CHECK_OK(lake_plan(lake, &table, NULL, 0, &t->arena, &scan, &t->err));
        CHECK_INT(scan.file_count, 1);
        CHECK_INT(count_files(&t->arena, lake->store->queue_dir, ""), 0);
}

TEST(a_store_that_was_moved_is_refused) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        lake_freep(&lake);
        const char *from = arena_printf(&t->arena, "%s/store", test_folder(t));
        const char *to = arena_printf(&t->arena, "%s/elsewhere", test_folder(t));
        CHECK(rename(from, to) == 0);
        CHECK_STATUS(lake_open(to, &lake, &t->err), STATUS_STORE_MOVED);
        CHECK_STATUS(lake_open(from, &lake, &t->err), STATUS_NO_STORE);
        CHECK_STATUS(lake_create(to, &lake, &t->err), STATUS_EXISTS);
}

TEST(appends_over_one_base_are_both_kept) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        ChangeTableSpec spec = { .kind = STR("staging"), .write = TABLE_APPEND, .columns = columns, .column_count = 2 };
        CLEANUP(changeset_freep) ChangeSet *a = NULL;
        CLEANUP(changeset_freep) ChangeSet *b = NULL;
        ChangeSet *sets[2];
        CHECK_OK(begin(lake, &a, &t->err));
        CHECK_OK(begin(lake, &b, &t->err));
        sets[0] = a, sets[1] = b;
        for (size_t i = 0; i < 2; i++) {
                ChangeTable *table = NULL;
                LakeFile file;
                CHECK_OK(changeset_table(sets[i], TABLE("staging.orders"), &spec, &table, &t->err));
                CHECK(change_table_is_new(table));
                CHECK_OK(write_data(sets[i], table, &t->arena, 0, &file, &t->err));
                CHECK_OK(changeset_append(sets[i], table, &file, 1, &t->err));
        }
        CatalogCommit commit;
        CHECK_OK(changeset_publish(a, &t->arena, &commit, &t->err));
        CHECK_OK(changeset_publish(b, &t->arena, &commit, &t->err));
        size_t files = 0;
        CHECK_OK(check_store(lake, &t->arena, &files, &t->err));
        CHECK_INT(files, 2);
}

TEST(columns_widen_and_come_and_a_clash_of_ids_conflicts) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        CatalogCommit commit;
        CHECK_OK(append(lake, "staging.orders", 0, NULL, &t->arena, &commit, &t->err));
        LakeColumn three[] = { columns[0],
                               columns[1],
                               { .name = STR("a"), .type = { .kind = TYPE_TEXT }, .about = STR("why") } };
        ChangeTableSpec spec = { .kind = STR("staging"), .write = TABLE_APPEND, .columns = three, .column_count = 3 };
        CLEANUP(changeset_freep) ChangeSet *a = NULL;
        CLEANUP(changeset_freep) ChangeSet *b = NULL;
        CLEANUP(changeset_freep) ChangeSet *c = NULL;
        ChangeTable *table = NULL;
        LakeFile file;
        CHECK_OK(begin(lake, &a, &t->err));
        CHECK_OK(begin(lake, &b, &t->err));
        CHECK_OK(begin(lake, &c, &t->err));
        CHECK_OK(changeset_table(a, TABLE("staging.orders"), &spec, &table, &t->err));
        CHECK_INT(change_table(table)->body.columns[2].id, 3);
        CHECK_OK(write_data(a, table, &t->arena, 0, &file, &t->err));
        CHECK_OK(changeset_append(a, table, &file, 1, &t->err));
        three[2].name = STR("b");
        CHECK_OK(changeset_table(b, TABLE("staging.orders"), &spec, &table, &t->err));
        CHECK_OK(write_data(b, table, &t->arena, 0, &file, &t->err));
        CHECK_OK(changeset_append(b, table, &file, 1, &t->err));
        CHECK_OK(changeset_publish(a, &t->arena, &commit, &t->err));
        CHECK_STATUS(changeset_publish(b, &t->arena, &commit, &t->err), STATUS_CONFLICT);
        Table now;
        CHECK_OK(lake_table(lake, (CatalogAt){ 0 }, TABLE("staging.orders"), &t->arena, &now, &t->err));
        CHECK_INT(now.body.column_count, 3);
        CHECK_STR(now.body.columns[2].about, STR("why"));
        three[0].type.kind = TYPE_TEXT;
        CHECK_STATUS(changeset_table(c, TABLE("staging.orders"), &spec, &table, &t->err), STATUS_SQL_TYPE);
}

TEST(the_second_of_two_replacements_conflicts_and_leaves_nothing) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        CatalogCommit commit;
        ChangeSet *a = NULL, *b = NULL;
        CHECK_OK(start_replace(lake, "staging.x", 0, (ReplaceSpec){ 0 }, &t->arena, &a, NULL, &t->err));
        CHECK_OK(start_replace(lake, "staging.x", 100, (ReplaceSpec){ 0 }, &t->arena, &b, NULL, &t->err));
        CHECK_OK(changeset_publish(a, &t->arena, &commit, &t->err));
        CHECK_STATUS(changeset_publish(b, &t->arena, &commit, &t->err), STATUS_CONFLICT);
        changeset_free(a);
        changeset_free(b);
        size_t files = 0;
        CHECK_OK(check_store(lake, &t->arena, &files, &t->err));
        CHECK_INT(files, 1);
        CHECK_INT(count_files(&t->arena, lake->store->tables_dir, ".parquet"), 1);
        CHECK_INT(count_files(&t->arena, lake->store->queue_dir, ""), 0);
}

TEST(a_partial_replacement_keeps_the_other_files) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        CatalogCommit commit;
        Table table;
        LakeScan scan;
        CHECK_OK(append(lake, "staging.x", 0, NULL, &t->arena, &commit, &t->err));
        CHECK_OK(append(lake, "staging.x", 100, NULL, &t->arena, &commit, &t->err));
        CHECK_OK(lake_table(lake, (CatalogAt){ 0 }, TABLE("staging.x"), &t->arena, &table, &t->err));
        CHECK_OK(lake_plan(lake, &table, NULL, 0, &t->arena, &scan, &t->err));
        Str gone = str_of(scan.files[1].path), kept = str_of(scan.files[0].path);

        ReplaceSpec part = { .partial = true, .removed = &gone, .removed_count = 1 };
        ChangeSet *a = NULL, *b = NULL;
        CHECK_OK(start_replace(lake, "staging.x", 200, part, &t->arena, &a, NULL, &t->err));
        CHECK_OK(start_replace(lake, "staging.x", 300, part, &t->arena, &b, NULL, &t->err));
        LakeScan planned;
        CHECK_OK(changeset_plan(a, changeset_find(a, TABLE("staging.x")), NULL, 0, &t->arena, &planned, &t->err));
        CHECK(planned.file_count == 2 && planned.total_files == 2 && planned.rows == 20);
        CHECK_STR(str_of(planned.files[0].path), kept);
        CHECK_OK(changeset_publish(a, &t->arena, &commit, &t->err));
        CHECK_STATUS(changeset_publish(b, &t->arena, &commit, &t->err), STATUS_CONFLICT);
        changeset_free(a);
        changeset_free(b);

        CHECK_OK(lake_table(lake, (CatalogAt){ 0 }, TABLE("staging.x"), &t->arena, &table, &t->err));
        CHECK(table.body.rows == 20 && table.body.files == 2);
        CHECK_OK(lake_plan(lake, &table, NULL, 0, &t->arena, &scan, &t->err));
        bool has_kept = false, has_gone = false;
        for (size_t i = 0; i < scan.file_count; i++) {
                has_kept |= str_equal(str_of(scan.files[i].path), kept);
                has_gone |= str_equal(str_of(scan.files[i].path), gone);
        }
        CHECK(has_kept && !has_gone);

        ChangeSet *c = NULL; /* what is no longer there cannot be replaced */
        CHECK_OK(start_replace(lake, "staging.x", 400, part, &t->arena, &c, NULL, &t->err));
        CHECK_STATUS(changeset_publish(c, &t->arena, &commit, &t->err), STATUS_CONFLICT);
        changeset_free(c);
}

/* Files that stay are read by name: a column or field under which they hold another would uncover what was dropped. */
TEST(files_stay_only_where_each_column_and_field_keeps_its_name) {
        static TypeField both[] = { { .name = { "street", 6 }, .type = { .kind = TYPE_TEXT } }, { .name = { "zip", 3 }, .type = { .kind = TYPE_INT } } };
        static TypeField wide[] = { { .name = { "zip", 3 }, .type = { .kind = TYPE_BIGINT } }, { .name = { "street", 6 }, .type = { .kind = TYPE_TEXT } } };
        static TypeField renamed[] = { { .name = { "road", 4 }, .type = { .kind = TYPE_TEXT } }, { .name = { "zip", 3 }, .type = { .kind = TYPE_INT } } };
        static TypeField other[] = { { .name = { "street", 6 }, .type = { .kind = TYPE_DATE } }, { .name = { "zip", 3 }, .type = { .kind = TYPE_INT } } };
        static TypeField items[] = { { .name = { "element", 7 }, .type = { .kind = TYPE_STRUCT, .fields = both, .field_count = 2 } } };
        static TypeField others[] = { { .name = { "element", 7 }, .type = { .kind = TYPE_STRUCT, .fields = both, .field_count = 1 } } };
        static const struct {
                const char *name, *was;
                Type place, items;
                Status expected;
        } cases[] = {
                { "id", "", { .kind = TYPE_STRUCT, .fields = both, .field_count = 2 }, { .kind = TYPE_LIST, .fields = items, .field_count = 1 }, STATUS_OK },
                { "id", "", { .kind = TYPE_STRUCT, .fields = wide, .field_count = 2 }, { .kind = TYPE_LIST, .fields = items, .field_count = 1 }, STATUS_OK },
                { "number", "id", { .kind = TYPE_STRUCT, .fields = both, .field_count = 2 }, { .kind = TYPE_LIST, .fields = items, .field_count = 1 }, STATUS_INTERNAL },
                { "number", "", { .kind = TYPE_STRUCT, .fields = both, .field_count = 2 }, { .kind = TYPE_LIST, .fields = items, .field_count = 1 }, STATUS_INTERNAL },
                { "id", "", { .kind = TYPE_DATE }, { .kind = TYPE_LIST, .fields = items, .field_count = 1 }, STATUS_INTERNAL },
                { "id", "", { .kind = TYPE_STRUCT, .fields = both, .field_count = 1 }, { .kind = TYPE_LIST, .fields = items, .field_count = 1 }, STATUS_INTERNAL },
                { "id", "", { .kind = TYPE_STRUCT, .fields = renamed, .field_count = 2 }, { .kind = TYPE_LIST, .fields = items, .field_count = 1 }, STATUS_INTERNAL },
                { "id", "", { .kind = TYPE_STRUCT, .fields = other, .field_count = 2 }, { .kind = TYPE_LIST, .fields = items, .field_count = 1 }, STATUS_INTERNAL },
                { "id", "", { .kind = TYPE_STRUCT, .fields = both, .field_count = 2 }, { .kind = TYPE_LIST, .fields = others, .field_count = 1 }, STATUS_INTERNAL },
        };
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) { /* before each, the table as it is in the first */
                size_t at = i % 2 ? i / 2 : 0;
                LakeColumn now[] = { { .name = str_of(cases[at].name), .type = { .kind = TYPE_BIGINT }, .was = str_of(cases[at].was) },
                                     { .name = STR("place"), .type = cases[at].place }, { .name = STR("items"), .type = cases[at].items } };
                ChangeTableSpec spec = { .kind = STR("staging"), .write = TABLE_REPLACE, .columns = now, .column_count = COUNT_OF(now) };
                CLEANUP(changeset_freep) ChangeSet *set = NULL;
                ChangeTable *table = NULL;
                LakeFile file;
                CatalogCommit commit;
                CHECK_OK(begin(lake, &set, &t->err));
                CHECK_OK(changeset_table(set, TABLE("staging.x"), &spec, &table, &t->err));
                CHECK_OK(write_data(set, table, &t->arena, (int64_t)i, &file, &t->err));
                ReplaceSpec part = { .files = &file, .file_count = 1, .partial = i % 2 };
                CHECK_STATUS(changeset_replace(set, table, &part, NULL, &t->err), i % 2 ? cases[at].expected : STATUS_OK);
                if (i % 2 == 0)
                        CHECK_OK(changeset_publish(set, &t->arena, &commit, &t->err));
                else if (cases[at].expected != STATUS_OK)
                        CHECK(str_find(str_of(t->err.message), STR("files stay whose columns had other names")) < strlen(t->err.message));
        }
}

TEST(a_model_is_not_published_over_one_from_newer_inputs) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        static const struct {
                int64_t first, second;
                Status expected;
        } cases[] = { { 5, 4, STATUS_CONFLICT }, { 5, 5, STATUS_OK }, { 5, 6, STATUS_OK } };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                const char *name = arena_printf(&t->arena, "canonical.m%zu", i);
                LakeInput first = { STR("shop.staging.x"), 1, cases[i].first },
                          second = { STR("shop.staging.x"), 2, cases[i].second };
                ReplaceSpec one = { .model = true, .inputs = &first, .input_count = 1 };
                ReplaceSpec two = { .model = true, .inputs = &second, .input_count = 1 };
                CatalogCommit commit;
                CLEANUP(changeset_freep) ChangeSet *a = NULL;
                CLEANUP(changeset_freep) ChangeSet *b = NULL;
                CHECK_OK(start_replace(lake, name, 0, one, &t->arena, &a, NULL, &t->err));
                CHECK_OK(start_replace(lake, name, 0, two, &t->arena, &b, NULL, &t->err));
                CHECK_OK(changeset_publish(a, &t->arena, &commit, &t->err));
                CHECK_STATUS(changeset_publish(b, &t->arena, &commit, &t->err), cases[i].expected);
        }
}

TEST(equal_content_makes_no_new_rows) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        CatalogCommit commit, again;
        Table before, after;
        for (int i = 0; i < 3; i++) {
                ReplaceSpec spec = { .model = true,
                                     .content = i < 2 ? STR("same") : STR("other"),
                                     .fingerprint = STR("f") };
                CLEANUP(changeset_freep) ChangeSet *set = NULL;
                bool unchanged = false;
                CHECK_OK(start_replace(lake, "canonical.x", 0, spec, &t->arena, &set, &unchanged, &t->err));
                CHECK_INT(unchanged, i == 1);
                CHECK_OK(changeset_publish(set, &t->arena, i == 0 ? &commit : &again, &t->err));
                CHECK_OK(lake_table(lake, (CatalogAt){ 0 }, TABLE("canonical.x"), &t->arena, i == 0 ? &before : &after,
                                    &t->err));
                CHECK_INT(before.body.snapshot == (i == 0 ? &before : &after)->body.snapshot, i < 2);
                if (i == 1)
                        CHECK_STR(again.id, commit.id);
        }
        CHECK_INT(after.body.rows, 10);
}

TEST(a_second_replacement_takes_the_place_of_the_first) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        CLEANUP(changeset_freep) ChangeSet *set = NULL;
        CHECK_OK(start_replace(lake, "canonical.a", 0, (ReplaceSpec){ .model = true }, &t->arena, &set, NULL, &t->err));
        ChangeTable *table = changeset_find(set, TABLE("canonical.a"));
        LakeFile file;
        CHECK_OK(write_data(set, table, &t->arena, 100, &file, &t->err));
        ReplaceSpec replace = { .files = &file, .file_count = 1, .model = true };
        CHECK_OK(changeset_replace(set, table, &replace, NULL, &t->err));
        LakeScan scan;
        CHECK_OK(changeset_plan(set, table, NULL, 0, &t->arena, &scan, &t->err));
        CHECK_INT(scan.file_count, 1);
        CHECK_STR(str_of(scan.files[0].path), str_of(file.path));
        CatalogCommit commit;
        CHECK_OK(changeset_publish(set, &t->arena, &commit, &t->err));
        Table one;
        CHECK_OK(lake_table(lake, (CatalogAt){ 0 }, TABLE("canonical.a"), &t->arena, &one, &t->err));
        CHECK(one.body.rows == 10 && one.body.files == 1);
        changeset_freep(&set);
        CHECK_INT(count_files(&t->arena, lake->store->tables_dir, ".parquet"), 1); /* the first's are gone */
}

TEST(models_of_one_set_read_each_other_and_name_the_final_snapshot) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        CLEANUP(changeset_freep) ChangeSet *set = NULL;
        CHECK_OK(start_replace(lake, "canonical.a", 0, (ReplaceSpec){ .model = true }, &t->arena, &set, NULL, &t->err));
        ChangeTable *a = changeset_find(set, TABLE("canonical.a")), *b = NULL;
        LakeScan scan;
        CHECK_OK(changeset_plan(set, a, NULL, 0, &t->arena, &scan, &t->err));
        CHECK_INT(scan.rows, 10);

        LakeSource source = { .lake = lake, .overlay = set };
        BindSource bind = lake_bind_source(&source);
        Relation *relation = NULL;
        CHECK_OK(bind.resolve(bind.context, STR("SHOP"), STR("canonical"), STR("a"), &t->arena, &relation, &t->err));
        CHECK(!relation);
        CHECK_OK(bind.resolve(bind.context, STR("shop"), STR("canonical"), STR("a"), &t->arena, &relation, &t->err));
        CHECK(relation && relation->column_count == 2 && relation->columns[1].hidden);
        BindFiles files;
        CHECK_OK(bind.files(bind.context, relation, NULL, 0, &t->arena, &files, &t->err));
        CHECK_INT(files.count, 1);
        CHECK_INT(files.rows, 10);
        CHECK_INT(source.rows, 10);

        LakeInput input = change_table_input(a, &t->arena);
        ReplaceSpec replace = { .model = true, .inputs = &input, .input_count = 1 };
        ChangeTableSpec spec = { .kind = STR("model"), .write = TABLE_REPLACE, .columns = columns, .column_count = 2 };
        CHECK_OK(changeset_table(set, TABLE("canonical.b"), &spec, &b, &t->err));
        CHECK_OK(changeset_replace(set, b, &replace, NULL, &t->err));
        CHECK_OK(changeset_put_object(set, (CatalogName){ STR("zone"), STR("shop"), STR("shop") }, STR("{}"), &t->err));
        CatalogCommit commit;
        CHECK_OK(changeset_publish(set, &t->arena, &commit, &t->err));
        CHECK_INT(commit.change_count, 3);
        Table one, two;
        CHECK_OK(lake_table(lake, (CatalogAt){ 0 }, TABLE("canonical.a"), &t->arena, &one, &t->err));
        CHECK_OK(lake_table(lake, (CatalogAt){ 0 }, TABLE("canonical.b"), &t->arena, &two, &t->err));
        CHECK_INT(two.body.inputs[0].snapshot, one.body.snapshot);
        CHECK_INT(two.body.inputs[0].sequence, one.body.sequence);
        CHECK_INT(two.body.snapshot, 0);
        CHECK(file_exists(arena_cstr(&t->arena, two.body.metadata_location)));

        source.overlay = NULL;
        CHECK_OK(bind.resolve(bind.context, STR("Shop"), STR("CANONICAL"), STR("A"), &t->arena, &relation, &t->err));
        CHECK(relation && str_is(relation->name, "a"));
}

TEST(objects_changed_by_another_conflict_unless_equal) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        CatalogName name = { STR("source"), STR("shop"), STR("orders") };
        static const struct {
                const char *first, *second; /* NULL = remove */
                Status expected;
        } cases[] = { { "1", "2", STATUS_CONFLICT },
                      { "3", "3", STATUS_OK },
                      { "4", NULL, STATUS_CONFLICT },
                      { NULL, NULL, STATUS_OK } };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CLEANUP(changeset_freep) ChangeSet *a = NULL;
                CLEANUP(changeset_freep) ChangeSet *b = NULL;
                CatalogCommit commit;
                CHECK_OK(begin(lake, &a, &t->err));
                CHECK_OK(begin(lake, &b, &t->err));
                const char *bodies[] = { cases[i].first, cases[i].second };
                ChangeSet *sets[] = { a, b };
                for (size_t k = 0; k < 2; k++) {
                        if (bodies[k])
                                CHECK_OK(changeset_put_object(sets[k], name, str_of(bodies[k]), &t->err));
                        else
                                CHECK_OK(changeset_remove_object(sets[k], name, &t->err));
                }
                CHECK_OK(changeset_publish(a, &t->arena, &commit, &t->err));
                CHECK_STATUS(changeset_publish(b, &t->arena, &commit, &t->err), cases[i].expected);
        }
}

TEST(a_delivery_is_staged_by_one_of_two_runs) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        Delivery landed = { .id = 7,
                            .zone = STR("shop"),
                            .source = STR("orders"),
                            .name = STR("o.csv"),
                            .sha256 = STR("ab"),
                            .state = STR("landed") };
        CHECK_OK(catalog_ledger(lake->catalog, &landed, 1, NULL, 0, &t->err));
        Delivery staged = landed;
        staged.state = STR("staged");
        staged.expect = 1;
        CatalogCommit commit;
        CHECK_OK(append(lake, "staging.orders", 0, &staged, &t->arena, &commit, &t->err));
        CatalogCommit second;
        CHECK_STATUS(append(lake, "staging.orders", 0, &staged, &t->arena, &second, &t->err), STATUS_CONFLICT);
        CHECK_OK(catalog_delivery(lake->catalog, 7, &t->arena, &landed, &t->err));
        CHECK_STR(landed.commit, commit.id);
        size_t files = 0;
        CHECK_OK(check_store(lake, &t->arena, &files, &t->err));
        CHECK_INT(files, 1);
        CHECK_INT(count_files(&t->arena, lake->store->tables_dir, ".parquet"), 1);
}

TEST(nothing_to_publish_is_no_commit_and_leaves_no_trace) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        CatalogCommit commit;
        {
                CLEANUP(changeset_freep) ChangeSet *set = NULL;
                ChangeTableSpec spec = {
                        .kind = STR("staging"), .write = TABLE_APPEND, .columns = columns, .column_count = 2
                };
                ChangeTable *table = NULL;
                LakeFile file;
                CHECK_OK(begin(lake, &set, &t->err));
                CHECK_OK(changeset_table(set, TABLE("staging.orders"), &spec, &table, &t->err));
                CHECK_OK(write_data(set, table, &t->arena, 0, &file, &t->err));
                CHECK(changeset_is_empty(set));
                CHECK_OK(changeset_publish(set, &t->arena, &commit, &t->err));
                CHECK_INT(commit.seq, 0);
        }
        DirEntry *entries = NULL;
        size_t count = 0;
        CHECK_OK(dir_list(lake->store->tables_dir, &t->arena, &entries, &count, &t->err));
        CHECK_INT(count, 0);
}

TEST(a_set_that_the_catalog_refuses_holds_up_nobody) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        CLEANUP(changeset_freep) ChangeSet *set = NULL;
        CatalogName name = { STR("zone"), STR("shop"), STR("shop") };
        CatalogCommit commit;
        CHECK_OK(begin(lake, &set, &t->err));
        CHECK_OK(changeset_put_object(set, name, STR("1"), &t->err));
        CHECK_OK(changeset_put_object(set, name, STR("2"), &t->err));
        CHECK_STATUS(changeset_publish(set, &t->arena, &commit, &t->err), STATUS_INTERNAL);
        CHECK_OK(append(lake, "staging.orders", 0, NULL, &t->arena, &commit, &t->err));
}

TEST(a_broken_intent_in_the_queue_is_dropped) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        static const char *const junk[] = { "", "LODEINT1",
                                            "LODEINT1 and then something else that is long enough to have a sum" };
        for (size_t i = 0; i < COUNT_OF(junk); i++)
                CHECK_OK(file_create(arena_printf(&t->arena, "%s/%zu.intent", lake->store->queue_dir, i),
                                     str_of(junk[i]), false, &t->err));
        CatalogCommit commit;
        CHECK_OK(append(lake, "staging.orders", 0, NULL, &t->arena, &commit, &t->err));
        CHECK_INT(count_files(&t->arena, lake->store->queue_dir, ".intent"), 0);
}

/* ---- several processes ---- */

static int append_many(const char *root, int64_t who, int steps) {
        Arena arena = { 0 };
        Error err = { 0 };
        Lake *lake = NULL;
        if (lake_open(root, &lake, &err) != STATUS_OK)
                return 1;
        for (int i = 0; i < steps; i++) {
                CatalogCommit commit;
                if (append(lake, "staging.orders", who * 1000 + i, NULL, &arena, &commit, &err) != STATUS_OK) {
                        fprintf(stderr, "# %s\n", err.message);
                        return 2;
                }
        }
        lake_free(lake);
        arena_deinit(&arena);
        return 0;
}

TEST(eight_processes_append_and_nothing_is_lost_or_doubled) {
        enum { PROCESSES = 8, STEPS = 20 };
        const char *root = arena_printf(&t->arena, "%s/store", test_folder(t));
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        lake_freep(&lake);
        pid_t children[PROCESSES];
        for (int i = 0; i < PROCESSES; i++) {
                children[i] = fork();
                if (children[i] == 0)
                        _exit(append_many(root, i, STEPS));
        }
        for (int i = 0; i < PROCESSES; i++) {
                int status = 0;
                waitpid(children[i], &status, 0);
                CHECK_INT(status, 0);
        }
        CHECK_OK(open_lake(t, &lake));
        size_t files = 0;
        CHECK_OK(check_store(lake, &t->arena, &files, &t->err));
        CHECK_INT(files, PROCESSES * STEPS);
        CHECK_INT(count_files(&t->arena, lake->store->tables_dir, ".parquet"), PROCESSES * STEPS);
        CHECK_INT(count_files(&t->arena, lake->store->queue_dir, ""), 0);
        CatalogCommit *log = NULL;
        size_t count = 0;
        CHECK_OK(catalog_log(lake->catalog, STR(""), 0, 0, &t->arena, &log, &count, &t->err));
        CHECK_INT(count, PROCESSES * STEPS);
}

/* Takes one delivery after the other from the ledger and stages it, until none is left or it is killed. */
static int stage_all(const char *root) {
        Error err = { 0 };
        Lake *lake = NULL;
        if (lake_open(root, &lake, &err) != STATUS_OK)
                return 1;
        for (;;) {
                CLEANUP(arena_deinit) Arena arena = { 0 };
                Delivery *rows = NULL;
                size_t count = 0;
                DeliveryQuery wanted = { .state = STR("landed"), .limit = 1 };
                if (catalog_deliveries(lake->catalog, &wanted, &arena, &rows, &count, &err) != STATUS_OK)
                        return 2;
                if (count == 0)
                        break;
                CatalogCommit commit;
                rows[0].state = STR("staged");
                Status status = append(lake, "staging.orders", rows[0].id * 10, &rows[0], &arena, &commit, &err);
                if (status != STATUS_OK && status != STATUS_CONFLICT) {
                        fprintf(stderr, "# %s\n", err.message);
                        return 3;
                }
        }
        lake_free(lake);
        return 0;
}

TEST(a_publisher_killed_at_any_moment_loses_and_doubles_nothing) {
        enum { DELIVERIES = 150, KILLS = 60 };
        const char *root = arena_printf(&t->arena, "%s/store", test_folder(t));
        CLEANUP(lake_freep) Lake *lake = NULL;
        CHECK_OK(open_lake(t, &lake));
        Delivery rows[DELIVERIES];
        for (int i = 0; i < DELIVERIES; i++)
                rows[i] = (Delivery){ .id = i + 1,
                                      .zone = STR("shop"),
                                      .source = STR("orders"),
                                      .name = STR("o"),
                                      .sha256 = arena_strf(&t->arena, "%d", i),
                                      .state = STR("landed") };
        CHECK_OK(catalog_ledger(lake->catalog, rows, DELIVERIES, NULL, 0, &t->err));
        lake_freep(&lake);
        for (int i = 0; i < KILLS; i++) {
                pid_t child = fork();
                if (child == 0)
                        _exit(stage_all(root));
                usleep(2000 + (useconds_t)(random_u64() % 30000));
                kill(child, SIGKILL);
                int status = 0;
                waitpid(child, &status, 0);
                CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
        }
        pid_t last = fork();
        if (last == 0)
                _exit(stage_all(root));
        int status = 0;
        waitpid(last, &status, 0);
        CHECK_INT(status, 0);

        CHECK_OK(open_lake(t, &lake));
        SweepResult swept;
        CHECK_OK(lake_sweep(lake, 0, &swept, &t->err));
        size_t files = 0;
        CHECK_OK(check_store(lake, &t->arena, &files, &t->err));
        CHECK_INT(files, DELIVERIES);
        CHECK_INT(count_files(&t->arena, lake->store->tables_dir, ".parquet"), DELIVERIES);
        CHECK_INT(count_files(&t->arena, lake->store->queue_dir, ".files"), 0);
        CHECK_INT(count_files(&t->arena, lake->store->queue_dir, ".drain"), 0);
        CHECK_INT(count_files(&t->arena, lake->store->queue_dir, ".intent"), 0);
}

TEST(a_writer_that_is_wrong_about_its_file_is_not_believed) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CLEANUP(changeset_freep) ChangeSet *set = NULL;
        ChangeTable *table = NULL;
        LakeFile file;
        CatalogCommit commit;
        ChangeTableSpec spec = { .kind = STR("staging"), .write = TABLE_APPEND, .columns = columns, .column_count = 2 };
        CHECK_OK(open_lake(t, &lake));
        CHECK_OK(begin(lake, &set, &t->err));
        CHECK_OK(changeset_table(set, TABLE("staging.orders"), &spec, &table, &t->err));
        CHECK_OK(write_data(set, table, &t->arena, 0, &file, &t->err));
        file.statistics.bytes++;
        CHECK_OK(changeset_append(set, table, &file, 1, &t->err));
        CHECK_STATUS(changeset_publish(set, &t->arena, &commit, &t->err), STATUS_CORRUPT);
        CHECK_OK(catalog_head(lake->catalog, STR(""), &t->arena, &commit, &t->err));
        CHECK_INT(commit.seq, 0);
}
