/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many durable commits a second one writer makes on one table, and how many bytes of metadata each costs, when the
 * table has so many already:   lake_commits_bench FOLDER 10 1000 10000
 *
 * A commit appends one data file (1 KB that nobody reads; data is not what is measured). Prints one line of JSON a point.
 * Run by bench/bench.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/time.h"
#include "lake/changeset.h"

#define MEASURED 50 /* commits at each point */

static const LakeColumn columns[] = {
        { .name = { "id", 2 }, .type = { .kind = TYPE_BIGINT } },
        { .name = { "amount", 6 }, .type = { .kind = TYPE_DOUBLE } },
        { .name = { "word", 4 }, .type = { .kind = TYPE_TEXT } },
};

static Status commit_one(Lake *lake, int64_t number, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(changeset_freep) ChangeSet *set = NULL;
        CLEANUP(close_fdp) int fd = -1;
        char bytes[1024] = { 0 };
        ChangeTable *table;
        const char *path;
        CatalogCommit commit;
        ChangeSetSpec spec = { .author = STR("bench"), .via = STR("bench"), .message = STR("one more") };
        ChangeTableSpec table_spec = {
                .kind = STR("staging"), .write = TABLE_APPEND, .columns = columns, .column_count = COUNT_OF(columns)
        };
        TRY(changeset_new(lake, &spec, &set, err));
        TRY(changeset_table(set, (CatalogName){ STR("table"), STR("shop"), STR("staging.orders") }, &table_spec, &table, err));
        TRY(changeset_new_file(set, table, &path, &fd, err));
        snprintf(bytes, sizeof(bytes), "%lld", (long long)number);
        TRY(fd_write_all(fd, (Str){ bytes, sizeof(bytes) }, path, err));
        ColumnStatistics statistics[COUNT_OF(columns)];
        for (size_t i = 0; i < COUNT_OF(columns); i++)
                statistics[i] = (ColumnStatistics){ .field_id = change_table(table)->body.columns[i].id,
                                                    .values = 10, .bytes = 80, .has_lower = i == 0, .has_upper = i == 0,
                                                    .lower = value_int64(&arena, number),
                                                    .upper = value_int64(&arena, number + 9) };
        LakeFile file = { .path = path,
                          .statistics = { .rows = 10, .bytes = sizeof(bytes), .columns = statistics,
                                          .column_count = COUNT_OF(columns) } };
        TRY(changeset_append(set, table, &file, 1, err));
        return changeset_publish(set, &arena, &commit, err);
}

static int64_t bytes_below(const char *folder) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        DirEntry *entries = NULL;
        size_t count = 0;
        Error err = { 0 };
        int64_t bytes = 0;
        if (dir_list(folder, &arena, &entries, &count, &err) != STATUS_OK)
                return 0;
        for (size_t i = 0; i < count; i++) {
                struct stat st;
                const char *path = path_join(&arena, folder, arena_cstr(&arena, entries[i].name));
                if (entries[i].is_dir)
                        bytes += bytes_below(path);
                else if (!str_ends_with(entries[i].name, STR(".parquet")) && stat(path, &st) == 0)
                        bytes += st.st_size;
        }
        return bytes;
}

/* What a question has to do before it reads: the files of the newest version. */
static Status plan_once(Lake *lake, int64_t *out_us, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Table table;
        LakeScan scan;
        int64_t start = time_monotonic_us();
        TRY(lake_table(lake, (CatalogAt){ 0 }, (CatalogName){ STR("table"), STR("shop"), STR("staging.orders") }, &arena, &table,
                       err));
        TRY(lake_plan(lake, &table, NULL, 0, &arena, &scan, err));
        *out_us = time_monotonic_us() - start;
        return STATUS_OK;
}

static Status measure(const char *root, int64_t *done, int64_t point, Error *err) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        TRY(lake_open(root, &lake, err));
        for (; *done < point; ++*done)
                TRY(commit_one(lake, *done, err));
        int64_t before = bytes_below(root), start = time_monotonic_us(), plan_us;
        for (int i = 0; i < MEASURED; i++, ++*done)
                TRY(commit_one(lake, *done, err));
        int64_t us = time_monotonic_us() - start, after = bytes_below(root);
        lake_freep(&lake);
        TRY(lake_open(root, &lake, err));
        TRY(plan_once(lake, &plan_us, err));
        printf("{\"commits\": %lld, \"per_second\": %.1f, \"bytes_per_commit\": %lld, \"plan_ms\": %.2f}\n", (long long)point,
               MEASURED * 1e6 / (double)us, (long long)(after - before) / MEASURED, (double)plan_us / 1000);
        fflush(stdout);
        return STATUS_OK;
}

int main(int argc, char **argv) {
        Error err = { 0 };
        Lake *lake = NULL;
        int64_t done = 0, point;
        Status status = argc > 2 ? lake_create(argv[1], &lake, &err) : error_set(&err, STATUS_USAGE, "FOLDER COMMITS...");
        lake_free(lake);
        for (int i = 2; i < argc && status == STATUS_OK; i++)
                status = str_to_int64(str_of(argv[i]), &point) ? measure(argv[1], &done, point, &err)
                                                               : error_set(&err, STATUS_USAGE, "'%s' is no number", argv[i]);
        if (status != STATUS_OK)
                fprintf(stderr, "%s: %s\n", argv[0], err.message);
        return status != STATUS_OK;
}
