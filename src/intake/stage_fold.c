/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/fold.h"
#include "intake/staging.h"
#include "engine/data_row.h"
#include "lake/files.h"

typedef struct Granted {
        Str *paths;
        size_t count;
} Granted;

static Status grant_scan(Staging *s, const LakeScan *scan, Granted *out, Error *err) {
        *out = (Granted){ ARENA_ARRAY(s->arena, Str, scan->file_count), scan->file_count };
        for (size_t i = 0; i < scan->file_count; i++) {
                const char *granted;
                TRY(worker_grant(s->worker, scan->files[i].path, s->arena, &granted, err));
                out->paths[i] = str_of(granted);
        }
        return STATUS_OK;
}

/* In order: those whose rows this try adds to the log, or those that are in it. */
static OrderedDelivery *deliveries_of_log(const Staging *s, bool added, size_t *out_count) {
        VEC(Delivery) rows = { 0 };
        for (size_t i = 0; i < s->readings.count && added; i++)
                if (s->readings.items[i].accepted)
                        vec_push(s->arena, &rows, s->readings.items[i].report->delivery);
        for (size_t i = 0; i < s->ledger_count && !added && !s->rebuild; i++)
                if (staging_is(&s->ledger[i], "staged"))
                        vec_push(s->arena, &rows, s->ledger[i]);
        OrderedDelivery *order = ARENA_ARRAY(s->arena, OrderedDelivery, rows.count);
        order_look(s->feed, rows.items, rows.count, order);
        if (rows.count)
                qsort(order, rows.count, sizeof(*order), order_compare);
        *out_count = rows.count;
        return order;
}

/* Snapshots that are later than all that are in the log need no more of it than what the last one left open. */
static bool only_follows(const Staging *s, const OrderedDelivery *old, size_t old_count, const OrderedDelivery *new, size_t new_count) {
        return s->feed->load == FEED_HISTORY && feed_is_snapshots(s->feed) && s->feed->as_of.kind != AS_OF_COLUMN && old_count && new_count &&
               new[0].at_us > old[old_count - 1].at_us;
}

static void choose_deliveries(const Staging *s, FoldSpec *out) {
        size_t old_count, new_count;
        const OrderedDelivery *old = deliveries_of_log(s, false, &old_count), *new = deliveries_of_log(s, true, &new_count);
        OrderedDelivery *all = ARENA_ARRAY(s->arena, OrderedDelivery, old_count + new_count);
        out->follows = only_follows(s, old, old_count, new, new_count);
        if (out->follows)
                out->last_us = old[old_count - 1].at_us;
        for (size_t i = 0; i < old_count && !out->follows; i++)
                all[out->delivery_count++] = old[i];
        for (size_t i = 0; i < new_count; i++)
                all[out->delivery_count++] = new[i];
        if (out->delivery_count)
                qsort(all, out->delivery_count, sizeof(*all), order_compare);
        out->deliveries = all;
        out->touched_only = !out->follows && !s->rebuild && !change_table_is_new(s->table) && !fold_needs_all(s->feed);
}

static Status find_files(Staging *s, const Files *files, FoldSpec *out, Error *err) {
        LakeScan log = { 0 }, table = { 0 };
        Granted all, old, new = { 0 };
        if (!out->follows)
                TRY(changeset_plan(s->set, s->log, NULL, 0, s->arena, &log, err));
        if (out->touched_only || out->follows)
                TRY(changeset_plan(s->set, s->table, NULL, 0, s->arena, &table, err));
        TRY(grant_scan(s, &log, &all, err));
        TRY(grant_scan(s, &table, &old, err));
        new.paths = ARENA_ARRAY(s->arena, Str, files->data_count);
        for (; new.count < files->data_count; new.count++) {
                const char *granted;
                TRY(worker_grant(s->worker, files->data[new.count].path, s->arena, &granted, err));
                new.paths[new.count] = str_of(granted);
        }
        out->log_files = all.paths;
        out->log_count = all.count;
        out->old_files = old.paths;
        out->old_count = old.count;
        out->new_files = new.paths;
        out->new_count = new.count;
        return STATUS_OK;
}

static Status fold_by_worker(Staging *s, const FoldSpec *fold, ReplaceSpec *out, Error *err) {
        const TableBody *body = &change_table(s->table)->body;
        WorkerBuildColumn *columns = ARENA_ARRAY(s->arena, WorkerBuildColumn, body->column_count);
        for (size_t i = 0; i < body->column_count; i++)
                columns[i] = (WorkerBuildColumn){ body->columns[i].name, body->columns[i].id, body->columns[i].type };
        CLEANUP(buf_deinit) Buf sql = { 0 };
        fold_print(&sql, fold, s->arena);
        WorkerFile *built;
        size_t count;
        TRY(worker_build(s->worker, buf_view(&sql), columns, body->column_count, s->arena, &built, &count, err));
        LakeFile *files = ARENA_ARRAY(s->arena, LakeFile, count);
        Str *paths = ARENA_ARRAY(s->arena, Str, count);
        for (size_t i = 0; i < count; i++) {
                if (built[i].statistics.rows == 0)
                        continue;
                LakeFile *file = &files[out->file_count];
                file->statistics = built[i].statistics;
                TRY(changeset_adopt_file(s->set, s->table, built[i].path, &file->path, err));
                paths[out->file_count++] = str_of(built[i].path);
        }
        out->files = files;
        return files_hash(s->worker, paths, out->file_count, s->arena, &out->content, err);
}

/* ---- keys that come twice ---- */

typedef struct Repeats {
        Staging *s;
        int64_t delivery; /* whose words are written */
        size_t shown;
        Buf words;
} Repeats;

static Reading *reading_of(const Staging *s, int64_t delivery) {
        for (size_t i = 0; i < s->readings.count; i++)
                if (s->readings.items[i].report->delivery.id == delivery)
                        return &s->readings.items[i];
        return NULL;
}

static Str name_of(const Staging *s, int64_t delivery) {
        for (size_t i = 0; i < s->ledger_count; i++)
                if (s->ledger[i].id == delivery)
                        return s->ledger[i].name;
        return STR("another file");
}

static void end_words(Repeats *repeats) {
        Reading *reading = repeats->words.size ? reading_of(repeats->s, repeats->delivery) : NULL;
        if (!reading)
                return;
        Str before = reading->report->delivery.message;
        reading->report->delivery.message = arena_strf(repeats->s->arena, "%.*s%s%.*s", STR_ARG(before), before.size ? "; " : "",
                                                       STR_ARG(buf_view(&repeats->words)));
        buf_clear(&repeats->words);
}

static void put_record(const Repeats *repeats, Buf *words, int64_t row, int64_t file) {
        buf_printf(words, "record %lld", (long long)row);
        if (file != repeats->delivery)
                buf_printf(words, " of %.*s", STR_ARG(name_of(repeats->s, file)));
}

static Status take_repeat(void *context, Str data_row, Error *err) {
        Repeats *repeats = context;
        int64_t numbers[6];
        Str value;
        bool is_null, good;
        DataRow row;
        good = data_row_open(data_row, &row);
        for (size_t i = 0; i < COUNT_OF(numbers) && good; i++)
                good = data_row_next(&row, &value, &is_null) && str_to_int64(value, &numbers[i]);
        if (!good || !data_row_next(&row, &value, &is_null))
                return error_set(err, STATUS_WORKER_LOST, "a worker sent a row that is none");
        if (numbers[0] != repeats->delivery)
                end_words(repeats);
        bool first = repeats->words.size == 0, one = numbers[5] == 1;
        repeats->delivery = numbers[0];
        repeats->shown = first ? 1 : repeats->shown + 1;
        if (first)
                buf_printf(&repeats->words, "%lld record%s a key that comes again %s, and of equals the last counts: ", (long long)numbers[5],
                           one ? " has" : "s have", feed_is_snapshots(repeats->s->feed) ? "in the same snapshot" : "in the same file");
        else
                buf_append_cstr(&repeats->words, ", ");
        put_record(repeats, &repeats->words, numbers[1], numbers[2]);
        buf_append_cstr(&repeats->words, " before ");
        put_record(repeats, &repeats->words, numbers[3], numbers[4]);
        buf_printf(&repeats->words, " (%.*s)", STR_ARG(value));
        if (repeats->shown == FOLD_REPEATS_MAX && numbers[5] > FOLD_REPEATS_MAX)
                buf_append_cstr(&repeats->words, ", ...");
        return STATUS_OK;
}

/* Which of two records counts must not be told by their place alone and nobody know of it. */
static Status tell_repeats(Staging *s, const FoldSpec *fold, Error *err) {
        int64_t *of = ARENA_ARRAY(s->arena, int64_t, s->readings.count + 1);
        size_t count = 0;
        for (size_t i = 0; i < s->readings.count; i++)
                if (s->readings.items[i].accepted)
                        of[count++] = s->readings.items[i].report->delivery.id;
        if (count == 0)
                return STATUS_OK;
        CLEANUP(buf_deinit) Buf sql = { 0 };
        Repeats repeats = { .s = s };
        int64_t rows;
        fold_repeats_print(&sql, fold, of, count, s->arena);
        Status status = worker_execute(s->worker, buf_view(&sql), take_repeat, &repeats, &rows, err);
        end_words(&repeats);
        buf_deinit(&repeats.words);
        return status;
}

/* The rows of the touched keys, or all of them, again; equal ones make no new version. */
Status staging_fold(Staging *s, const Files *files, Error *err) {
        FoldSpec fold = { .feed = s->feed, .log = change_table(s->log), .table = change_table(s->table) };
        ReplaceSpec replace = { .files = NULL };
        TRY(staging_worker(s, err));
        choose_deliveries(s, &fold);
        Status status = find_files(s, files, &fold, err);
        if (status == STATUS_OK)
                status = tell_repeats(s, &fold, err);
        if (status == STATUS_OK)
                status = fold_by_worker(s, &fold, &replace, err);
        if (status != STATUS_OK)
                return error_context(err, "making the table of %.*s.%.*s from its log", STR_ARG(s->feed->zone), STR_ARG(s->feed->name));
        return changeset_replace(s->set, s->table, &replace, NULL, err);
}
