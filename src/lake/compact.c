/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/compact.h"

#include "base/map.h"
#include "base/vec.h"
#include "engine/data_row.h"
#include "lake/blame.h"
#include "lake/files.h"

#define ROUND_BYTES (INT64_C(1) << 30)
#define ROUND_TRIES 8
#define FILES_OF_ONE_MAX 1024 /* merged into one: each is opened by the engine */

/* ---- which files ---- */

/* In the order of the plan, so that neighbours stay neighbours. */
typedef struct Choice {
        const LakeScanFile **files;
        size_t count;
} Choice;

static int by_size(const void *left, const void *right) {
        const LakeScanFile *a = *(const LakeScanFile *const *)left, *b = *(const LakeScanFile *const *)right;
        return a->bytes < b->bytes ? -1 : a->bytes > b->bytes ? 1 : a < b ? -1 : a > b;
}

static int by_place(const void *left, const void *right) {
        const LakeScanFile *a = *(const LakeScanFile *const *)left, *b = *(const LakeScanFile *const *)right;
        return a < b ? -1 : a > b;
}

static int64_t target_of(const CompactSpec *spec) {
        return spec->target_bytes ? spec->target_bytes : COMPACT_TARGET_BYTES;
}

static Choice choose(const CompactSpec *spec, const LakeScan *scan, Arena *arena) {
        Choice choice = { .files = ARENA_ARRAY(arena, const LakeScanFile *, scan->file_count) };
        int64_t limit = spec->most_bytes ? spec->most_bytes : INT64_MAX;
        size_t small = 0;
        for (size_t i = 0; i < scan->file_count; i++)
                if (scan->files[i].bytes < target_of(spec) / 4)
                        choice.files[small++] = &scan->files[i];
        if (small > 1)
                qsort(choice.files, small, sizeof(*choice.files), by_size);
        int64_t before = 0;
        for (size_t i = 0; i < small && choice.files[i]->bytes <= limit - before; i++) {
                if (choice.files[i]->bytes <= before)
                        choice.count = i + 1;
                before += choice.files[i]->bytes;
        }
        if (choice.count < (spec->least_files ? spec->least_files : COMPACT_LEAST_FILES))
                return (Choice){ 0 };
        if (choice.count > 1)
                qsort(choice.files, choice.count, sizeof(*choice.files), by_place);
        return choice;
}

/* How many of the files from `from` become one. */
static size_t part_size(const CompactSpec *spec, const Choice *choice, size_t from) {
        int64_t bytes = 0;
        size_t count = 0;
        while (from + count < choice->count && count < FILES_OF_ONE_MAX &&
               (count == 0 || bytes + choice->files[from + count]->bytes <= target_of(spec)))
                bytes += choice->files[from + count++]->bytes;
        return count;
}

/* ---- one round ---- */

typedef struct Round {
        const CompactSpec *spec;
        Lake *lake;
        Arena *arena;
        ChangeSet *set;
        ChangeTable *table;
        CompactResult done;
} Round;

static Status merge_part(Round *round, const Choice *choice, size_t from, size_t count, Error *err) {
        LakeScanFile *files = ARENA_ARRAY(round->arena, LakeScanFile, count);
        Str *paths = ARENA_ARRAY(round->arena, Str, count);
        LakeFile merged;
        for (size_t i = 0; i < count; i++) {
                files[i] = *choice->files[from + i];
                paths[i] = str_of(files[i].path);
                round->done.bytes_before += files[i].bytes;
        }
        round->done.files_before += (int64_t)count;
        round->done.files_after++;
        if (round->spec->dry_run)
                return STATUS_OK;
        TRY(round->spec->merge(round->spec->context, round->set, round->table, files, count, round->arena, &merged, err));
        round->done.bytes_after += merged.statistics.bytes;
        return changeset_compact(round->set, round->table, paths, count, &merged, 1, err);
}

static Status merge_choice(Round *round, const Choice *choice, Error *err) {
        int64_t limit = round->spec->dry_run ? INT64_MAX : ROUND_BYTES;
        for (size_t from = 0, count; from < choice->count && round->done.bytes_before < limit; from += count) {
                if (round->spec->interrupted && *round->spec->interrupted)
                        return error_set(err, STATUS_INTERRUPTED, "interrupted; what is compacted stays");
                count = part_size(round->spec, choice, from);
                if (count > 1)
                        TRY(merge_part(round, choice, from, count, err));
        }
        return STATUS_OK;
}

static Str message_of(const Round *round) {
        const CatalogName *name = &round->spec->name;
        return arena_strf(round->arena, "tidy %.*s.%.*s: %lld files into %lld", STR_ARG(name->zone), STR_ARG(name->name),
                          (long long)round->done.files_before, (long long)round->done.files_after);
}

static Status try_round(Round *round, Error *err) {
        round->done = (CompactResult){ 0 };
        TRY(changeset_new(round->lake, &round->spec->commit, &round->set, err));
        TRY(changeset_compact_table(round->set, round->spec->name, &round->table, err));
        LakeScan scan;
        TRY(lake_plan(round->lake, change_table(round->table), NULL, 0, round->arena, &scan, err));
        Choice choice = choose(round->spec, &scan, round->arena);
        TRY(merge_choice(round, &choice, err));
        if (round->spec->dry_run || round->done.files_before == 0)
                return STATUS_OK;
        changeset_set_message(round->set, message_of(round));
        CatalogCommit commit;
        return changeset_publish(round->set, round->arena, &commit, err);
}

static Status one_round(Lake *lake, const CompactSpec *spec, CompactResult *out, Error *err) {
        Status status = STATUS_CONFLICT;
        for (int i = 0; i < ROUND_TRIES && status == STATUS_CONFLICT; i++) {
                CLEANUP(arena_deinit) Arena arena = { 0 };
                Round round = { .spec = spec, .lake = lake, .arena = &arena };
                status = try_round(&round, err);
                changeset_free(round.set);
                *out = round.done;
        }
        return status;
}

Status lake_compact(Lake *lake, const CompactSpec *spec, CompactResult *out, Error *err) {
        *out = (CompactResult){ 0 };
        for (;;) {
                CompactResult done;
                TRY(one_round(lake, spec, &done, err));
                out->files_before += done.files_before;
                out->files_after += done.files_after;
                out->bytes_before += done.bytes_before;
                out->bytes_after += done.bytes_after;
                out->rounds += done.files_before > 0;
                if (spec->dry_run || done.bytes_before < ROUND_BYTES || spec->most_bytes)
                        return STATUS_OK;
        }
}

/* ---- by a worker ---- */

typedef struct Sums {
        Arena *arena;
        Str text;
} Sums;

static Status take_sums(void *context, Str data_row, Error *err) {
        Sums *sums = context;
        DataRow row;
        Str value;
        bool is_null;
        CLEANUP(buf_deinit) Buf text = { 0 };
        if (!data_row_open(data_row, &row))
                return error_set(err, STATUS_WORKER_LOST, "a worker sent a row that is none");
        while (data_row_next(&row, &value, &is_null))
                buf_printf(&text, "%.*s ", STR_ARG(value));
        sums->text = buf_dup(&text, sums->arena);
        return STATUS_OK;
}

/* A hash of all rows whatever their order, and how many they are. */
static Status sums_of(Worker *worker, const Table *table, const Str *paths, size_t count, Arena *arena, Str *out,
                      Error *err) {
        CLEANUP(buf_deinit) Buf sql = { 0 };
        buf_append_cstr(&sql, "SELECT count(*), coalesce(sum(hash(t)), 0), coalesce(bit_xor(hash(t)), 0) FROM ");
        files_scan_print(&sql, table, paths, count, arena);
        buf_append_cstr(&sql, " AS t");
        Sums sums = { .arena = arena };
        int64_t rows;
        TRY(worker_execute(worker, buf_view(&sql), take_sums, &sums, &rows, err));
        *out = sums.text;
        return STATUS_OK;
}

static Status build_merged(Worker *worker, const Table *table, const Str *paths, size_t count, Arena *arena,
                           WorkerFile *out, Error *err) {
        WorkerBuildColumn *columns = ARENA_ARRAY(arena, WorkerBuildColumn, table->body.column_count);
        for (size_t i = 0; i < table->body.column_count; i++) {
                const LakeColumn *column = &table->body.columns[i];
                columns[i] = (WorkerBuildColumn){ column->name, column->id, column->type };
        }
        CLEANUP(buf_deinit) Buf sql = { 0 };
        buf_append_cstr(&sql, "SELECT * FROM ");
        files_scan_print(&sql, table, paths, count, arena);
        WorkerFile *files;
        size_t file_count;
        TRY(worker_build(worker, buf_view(&sql), columns, table->body.column_count, arena, &files, &file_count, err));
        if (file_count != 1)
                return error_set(err, STATUS_WORKER_LOST, "a worker wrote %zu files where one was asked for", file_count);
        *out = files[0];
        return STATUS_OK;
}

Status compact_by_worker(void *context, ChangeSet *set, ChangeTable *change, const LakeScanFile *files, size_t count,
                         Arena *arena, LakeFile *out, Error *err) {
        const CompactWorker *by = context;
        const Table *table = change_table(change);
        CLEANUP(worker_releasep) Worker *worker = NULL;
        TRY(worker_lease(by->pool, by->principal, &worker, err));
        Str *paths = ARENA_ARRAY(arena, Str, count);
        for (size_t i = 0; i < count; i++)
                paths[i] = str_of(files[i].path);
        TRY(lake_prove(by->lake, paths, count, err)); /* rows that were altered must not get a new hash */
        for (size_t i = 0; i < count; i++) {
                const char *granted;
                TRY(worker_grant(worker, files[i].path, arena, &granted, err));
                paths[i] = str_of(granted);
        }
        WorkerFile merged;
        Str before, after;
        TRY(build_merged(worker, table, paths, count, arena, &merged, err));
        TRY(sums_of(worker, table, paths, count, arena, &before, err));
        TRY(sums_of(worker, table, &(Str){ merged.path, strlen(merged.path) }, 1, arena, &after, err));
        if (!str_equal(before, after))
                return error_set(err, STATUS_CORRUPT, "%.*s.%.*s: merged files hold other rows than before (%.*sand %.*s)",
                                 STR_ARG(table->zone), STR_ARG(table->name), STR_ARG(before), STR_ARG(after));
        out->statistics = merged.statistics;
        return changeset_adopt_file(set, change, merged.path, &out->path, err);
}
