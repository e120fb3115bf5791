/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/data_row.h"
#include "intake/fold.h"
#include "intake/staging.h"
#include "lake/blame.h"
#include "lake/files.h"

#define FOLD_ROWS 122880 /* of a file that is written in place of others: a row group */
#define FOLD_FILES 256 /* of larger tables, about so many files */
#define FOLD_SMALL_FILES 8 /* so many are written again as one */

typedef struct Granted {
        Str *paths;
        size_t count;
} Granted;

/* Made from nothing: no row of it is there already. */
static bool is_whole(const Staging *s) {
        return s->rebuild || change_table_is_new(s->table);
}

static Status grant_scan(Staging *s, const LakeScan *scan, Granted *out, Error *err) {
        *out = (Granted){ ARENA_ARRAY(s->arena, Str, scan->file_count), scan->file_count };
        for (size_t i = 0; i < scan->file_count; i++) {
                const char *granted;
                TRY(lake_grant(s->context->lake, s->worker, scan->files[i].path, s->arena, &granted, err));
                out->paths[i] = str_of(granted);
                vec_push(s->arena, &s->granted, str_of(scan->files[i].path));
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
        for (size_t i = 0; i < out->delivery_count; i++)
                out->witnessed |= fold_needs_all(s->feed) && all[i].delivery->quarantined > 0;
        out->touched_only = !out->follows && !is_whole(s) && !fold_needs_all(s->feed);
}

static Status find_files(Staging *s, const Files *files, FoldSpec *out, LakeScan *out_table, Error *err) {
        LakeScan log = { 0 }, table = { 0 };
        Granted all, old, new = { 0 };
        if (!out->follows)
                TRY(changeset_plan(s->set, s->log, NULL, 0, s->arena, &log, err));
        if (!is_whole(s))
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
        *out_table = table;
        return STATUS_OK;
}

/* ---- what its rows hash to ---- */

/* Whatever their order: what rows that come and go do to it can be told from those rows alone. */
typedef struct RowsHash {
        int64_t count;
        unsigned __int128 sum;
        uint64_t exclusive;
} RowsHash;

static bool sum_parse(Str text, unsigned __int128 *out) {
        *out = 0;
        for (size_t i = 0; i < text.size; i++) {
                if (text.data[i] < '0' || text.data[i] > '9')
                        return false;
                *out = *out * 10 + (unsigned)(text.data[i] - '0');
        }
        return text.size > 0;
}

static Str sum_print(Arena *arena, unsigned __int128 sum) {
        char digits[40];
        size_t at = sizeof(digits);
        do
                digits[--at] = (char)('0' + (int)(sum % 10));
        while ((sum /= 10) && at > 0);
        return arena_str(arena, (Str){ &digits[at], sizeof(digits) - at });
}

/* As files_hash() prints it. */
static bool rows_hash_parse(Str text, RowsHash *out) {
        Str count, sum, rest;
        return str_cut(text, ':', &count, &rest) && str_cut(rest, ':', &sum, &rest) && str_to_int64(count, &out->count) &&
               sum_parse(sum, &out->sum) && str_to_uint64(rest, &out->exclusive);
}

static Status hash_rows(Staging *s, const Str *files, size_t count, RowsHash *out, Error *err) {
        CLEANUP(buf_deinit) Buf sql = { 0 };
        *out = (RowsHash){ 0 };
        if (count == 0)
                return STATUS_OK;
        buf_append_cstr(&sql, "SELECT count(*), coalesce(sum(hash(t)), 0), coalesce(bit_xor(hash(t)), 0) FROM ");
        files_scan_print(&sql, change_table(s->table), files, count, s->arena);
        buf_append_cstr(&sql, " AS t");
        OneRow one;
        TRY(files_ask(s->worker, buf_view(&sql), s->arena, &one, err));
        Str text = arena_strf(s->arena, "%.*s:%.*s:%.*s", STR_ARG(one.values[0]), STR_ARG(one.values[1]), STR_ARG(one.values[2]));
        return rows_hash_parse(text, out) ? STATUS_OK : error_set(err, STATUS_WORKER_LOST, "a worker gave a hash that is none");
}

/* The hash of the table as it was counts while its rows are hashed by the same columns. */
static bool knows_hash(const Staging *s, RowsHash *out) {
        const TableBody *now = &change_table(s->table)->body;
        const TableBody *before = s->before ? &s->before->body : NULL;
        bool same = before && before->column_count == now->column_count && rows_hash_parse(before->content, out);
        for (size_t i = 0; same && i < now->column_count; i++)
                same = before->columns[i].id == now->columns[i].id && type_equal(before->columns[i].type, now->columns[i].type);
        return same;
}

/* ---- by a worker ---- */

typedef struct Folding {
        Staging *s;
        FoldSpec spec;
        LakeScan table; /* old_files, by their own names */
        FoldParts parts;
        bool *rewrites; /* of each of old_files */
        VEC(LakeFile) files;
        VEC(Str) paths; /* of the same, as the worker knows them */
} Folding;

/* Of the table's columns the first ones by name, or all. */
static Status build(Folding *f, Buf *sql, bool names_alone, WorkerFile *out, Error *err) {
        Arena *arena = f->s->arena;
        const TableBody *body = &change_table(f->s->table)->body;
        WorkerBuildColumn *columns = ARENA_ARRAY(arena, WorkerBuildColumn, body->column_count);
        size_t count = 0, built_count;
        for (size_t i = 0; i < body->column_count; i++)
                if (!names_alone || body->columns[i].hidden)
                        columns[count++] = (WorkerBuildColumn){ body->columns[i].name, body->columns[i].id, body->columns[i].type };
        WorkerFile *built;
        TRY(worker_build(f->s->worker, buf_view(sql), columns, count, arena, &built, &built_count, err));
        if (built_count != 1)
                return error_set(err, STATUS_WORKER_LOST, "a worker built %zu files where one was asked for", built_count);
        *out = built[0];
        return STATUS_OK;
}

static Status take_file(Folding *f, const WorkerFile *built, Error *err) {
        LakeFile file = { .statistics = built->statistics };
        if (built->statistics.rows == 0)
                return STATUS_OK;
        TRY(changeset_adopt_file(f->s->set, f->s->table, built->path, &file.path, err));
        vec_push(f->s->arena, &f->files, file);
        vec_push(f->s->arena, &f->paths, str_of(built->path));
        return STATUS_OK;
}

static Status make_rows(Folding *f, WorkerFile *out, Error *err) {
        CLEANUP(buf_deinit) Buf sql = { 0 };
        fold_print(&sql, &f->spec, f->s->arena);
        return build(f, &sql, false, out, err);
}

static Status write_whole(Folding *f, ReplaceSpec *out, Error *err) {
        WorkerFile built;
        TRY(make_rows(f, &built, err));
        TRY(take_file(f, &built, err));
        return files_hash(f->s->worker, f->paths.items, f->paths.count, f->s->arena, &out->content, err);
}

/* ---- in part ---- */

/* Rows of a file that is written: a row group, or more where that would make too many files. */
static int64_t rows_per_file(const Folding *f) {
        int64_t least = f->table.rows / FOLD_FILES;
        return least > FOLD_ROWS ? least : FOLD_ROWS;
}

typedef struct Taking {
        Folding *folding;
        VEC(FoldPlace) places;
} Taking;

static Status take_touched(void *context, Str data_row, Error *err) {
        Folding *f = context;
        DataRow row;
        Str name;
        bool is_null;
        if (!data_row_open(data_row, &row) || !data_row_next(&row, &name, &is_null))
                return error_set(err, STATUS_WORKER_LOST, "a worker sent a row that is none");
        for (size_t i = 0; i < f->spec.old_count; i++)
                f->rewrites[i] |= str_equal(f->spec.old_files[i], name);
        return STATUS_OK;
}

static Status take_place(void *context, Str data_row, Error *err) {
        Taking *taking = context;
        DataRow row;
        Str file, number;
        bool is_null;
        FoldPlace place;
        if (!data_row_open(data_row, &row) || !data_row_next(&row, &file, &is_null) || !str_to_int64(file, &place.file) ||
            !data_row_next(&row, &number, &is_null) || !str_to_int64(number, &place.row))
                return error_set(err, STATUS_WORKER_LOST, "a worker sent a row that is none");
        vec_push(taking->folding->s->arena, &taking->places, place);
        return STATUS_OK;
}

/* Those with rows that are gone; and small ones once there are several, so that they do not become many. */
static Status choose_rewritten(Folding *f, int64_t gone, Error *err) {
        CLEANUP(buf_deinit) Buf sql = { 0 };
        int64_t rows;
        size_t small = 0, count = 0;
        f->rewrites = ARENA_ARRAY(f->s->arena, bool, f->spec.old_count);
        fold_touched_print(&sql, &f->spec, &f->parts);
        if (gone && f->spec.old_count)
                TRY(worker_execute(f->s->worker, buf_view(&sql), take_touched, f, &rows, err));
        for (size_t i = 0; i < f->spec.old_count; i++)
                small += !f->rewrites[i] && f->table.files[i].rows < rows_per_file(f) / 2;
        Str *chosen = ARENA_ARRAY(f->s->arena, Str, f->spec.old_count);
        for (size_t i = 0; i < f->spec.old_count; i++) {
                f->rewrites[i] |= small >= FOLD_SMALL_FILES && f->table.files[i].rows < rows_per_file(f) / 2;
                if (f->rewrites[i])
                        chosen[count++] = f->spec.old_files[i];
        }
        f->parts.rewritten = chosen;
        f->parts.rewritten_count = count;
        return STATUS_OK;
}

static Status write_slice(Folding *f, const FoldPlace *from, const FoldPlace *until, Error *err) {
        CLEANUP(buf_deinit) Buf sql = { 0 };
        WorkerFile built;
        f->parts.from = from;
        f->parts.until = until;
        fold_rows_print(&sql, &f->spec, &f->parts, f->s->arena);
        TRY(build(f, &sql, false, &built, err));
        return take_file(f, &built, err);
}

static Status write_slices(Folding *f, int64_t rows, Error *err) {
        int64_t each = rows_per_file(f), asked;
        Taking cuts = { .folding = f };
        if (rows > each + each / 2) {
                CLEANUP(buf_deinit) Buf sql = { 0 };
                fold_cuts_print(&sql, &f->spec, &f->parts, each, f->s->arena);
                TRY(worker_execute(f->s->worker, buf_view(&sql), take_place, &cuts, &asked, err));
        }
        for (size_t i = 0; i <= cuts.places.count; i++)
                TRY(write_slice(f, i ? &cuts.places.items[i - 1] : NULL, i < cuts.places.count ? &cuts.places.items[i] : NULL, err));
        return STATUS_OK;
}

/* What came, less what went; or all of it, where that is not known of the table as it was. */
static Status hash_after(Folding *f, Str *out, Error *err) {
        RowsHash hash = { 0 }, went = { 0 }, came = { 0 };
        Arena *arena = f->s->arena;
        if (knows_hash(f->s, &hash)) {
                TRY(hash_rows(f->s, f->parts.rewritten, f->parts.rewritten_count, &went, err));
        } else {
                Str *kept = ARENA_ARRAY(arena, Str, f->spec.old_count);
                size_t count = 0;
                for (size_t i = 0; i < f->spec.old_count; i++)
                        if (!f->rewrites[i])
                                kept[count++] = f->spec.old_files[i];
                TRY(hash_rows(f->s, kept, count, &hash, err));
        }
        TRY(hash_rows(f->s, f->paths.items, f->paths.count, &came, err));
        *out = arena_strf(arena, "%lld:%.*s:%llu", (long long)(hash.count - went.count + came.count),
                          STR_ARG(sum_print(arena, hash.sum - went.sum + came.sum)),
                          (unsigned long long)(hash.exclusive ^ went.exclusive ^ came.exclusive));
        return STATUS_OK;
}

static Status find_difference(Folding *f, WorkerFile *gone, WorkerFile *fresh, Error *err) {
        CLEANUP(buf_deinit) Buf gone_sql = { 0 };
        CLEANUP(buf_deinit) Buf fresh_sql = { 0 };
        WorkerFile made;
        TRY(make_rows(f, &made, err));
        f->parts.made = str_of(made.path);
        fold_gone_print(&gone_sql, &f->spec, &f->parts, f->s->arena);
        TRY(build(f, &gone_sql, true, gone, err));
        f->parts.gone = str_of(gone->path);
        fold_fresh_print(&fresh_sql, &f->spec, &f->parts, f->s->arena);
        TRY(build(f, &fresh_sql, false, fresh, err));
        f->parts.fresh = str_of(fresh->path);
        return STATUS_OK;
}

static Status write_part(Folding *f, ReplaceSpec *out, Error *err) {
        WorkerFile gone, fresh;
        TRY(find_difference(f, &gone, &fresh, err));
        out->partial = true;
        f->rewrites = ARENA_ARRAY(f->s->arena, bool, f->spec.old_count);
        if (gone.statistics.rows + fresh.statistics.rows == 0)
                return hash_after(f, &out->content, err);
        TRY(choose_rewritten(f, gone.statistics.rows, err));
        Str *removed = ARENA_ARRAY(f->s->arena, Str, f->spec.old_count);
        int64_t rows = fresh.statistics.rows;
        for (size_t i = 0; i < f->spec.old_count; i++) {
                if (!f->rewrites[i])
                        continue;
                removed[out->removed_count++] = str_of(f->table.files[i].path);
                rows += f->table.files[i].rows;
        }
        out->removed = removed;
        TRY(write_slices(f, rows - gone.statistics.rows, err));
        return hash_after(f, &out->content, err);
}

/* Equal rows make no new version. */
Status staging_fold(Staging *s, const Files *files, Error *err) {
        Folding f = { .s = s, .spec = { .feed = s->feed, .log = change_table(s->log), .table = change_table(s->table) } };
        ReplaceSpec replace = { .files = NULL };
        TRY(staging_worker(s, err));
        s->granted.count = 0;
        choose_deliveries(s, &f.spec);
        Status status = find_files(s, files, &f.spec, &f.table, err);
        if (status == STATUS_OK)
                status = staging_tell_repeats(s, &f.spec, err);
        if (status == STATUS_OK)
                status = is_whole(s) || f.table.rows == 0 ? write_whole(&f, &replace, err) : write_part(&f, &replace, err);
        if (status != STATUS_OK)
                lake_blame(s->context->lake, s->worker, s->granted.items, s->granted.count, err);
        if (status != STATUS_OK)
                return error_context(err, "making the table of %.*s.%.*s from its log", STR_ARG(s->feed->zone), STR_ARG(s->feed->name));
        replace.files = f.files.items;
        replace.file_count = f.files.count;
        replace.prove = s->context->again;
        return changeset_replace(s->set, s->table, &replace, NULL, err);
}
