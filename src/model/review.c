/* SPDX-License-Identifier: Apache-2.0 */
#include "model/review.h"

#include "base/file.h"
#include "intake/landed.h"
#include "intake/stage.h"
#include "model/applied.h"
#include "model/scope.h"

typedef struct Reviewing {
        const SourceReview *spec;
        Arena *arena;
        Worker *worker;
        Source *source; /* its columns as the table has them */
        const Feed *feed;
        FixList fixes;
        KeptRecord *kept; /* in quarantine; only looked at where there are fixes */
        size_t kept_count;
        const Delivery *in_force; /* of a replace source */
} Reviewing;

static ReviewedFix fix_of(const Reviewing *r, const Delivery *delivery, const ReviewEntry *entry) {
        ReviewedFix fix = { .fix = fixes_find(&r->fixes, delivery->id, entry->offset) };
        for (size_t i = 0; fix.fix && i < r->kept_count; i++)
                if (r->kept[i].delivery == delivery->id && r->kept[i].offset == entry->offset && str_is(r->kept[i].state, "open"))
                        fix.open = &r->kept[i];
        return fix;
}

static ReviewKept kept_of(const Reviewing *r, const Delivery *delivery) {
        static const ReviewKept kept[] = { [FEED_APPEND] = KEPT_ALL, [FEED_REPLACE] = KEPT_ALL, [FEED_MERGE] = KEPT_NEWEST, [FEED_HISTORY] = KEPT_TIMES };
        return r->in_force && delivery->id != r->in_force->id ? KEPT_NONE : kept[r->feed->load];
}

static Status tell_records(Reviewing *r, const Delivery *delivery, Str entries, Error *err) {
        CLEANUP(arena_deinit) Arena record = { 0 };
        Cursor cursor = cursor_of(entries);
        while (cursor_left(&cursor) > 0) {
                ReviewEntry entry;
                arena_reset(&record);
                TRY(review_entry_read(&cursor, r->source->column_count, &record, &entry, err));
                TRY(r->spec->on_record(r->spec->context, r->source, &entry, fix_of(r, delivery, &entry), err));
        }
        return STATUS_OK;
}

static Status ask_worker(Reviewing *r, const Delivery *delivery, ReviewResult *result, Str *out_entries, Arena *arena, Error *err) {
        ReviewSpec spec = {
                .format = r->source->format,
                .columns = r->source->columns,
                .column_count = r->source->column_count,
                .ignore = r->source->ignore,
                .input_limit = FEED_INPUT_LIMIT,
                .brief = r->spec->brief && r->fixes.count == 0, /* a record that is the same may have a fix */
        };
        CLEANUP(landed_closep) Landed *landed = NULL;
        CLEANUP(close_fdp) int out = -1;
        CLEANUP(buf_deinit) Buf request = { 0 };
        const char *path;
        Str reply;
        TRY(landed_open(r->spec->workspace->lake->store, delivery, &landed, err));
        TRY(worker_new_file(r->worker, arena, &out, &path, err));
        review_spec_write(&request, &spec);
        TRY(landed_judge(landed, worker_review(r->worker, buf_view(&request), (int[]){ landed_fd(landed), out }, 2, arena, &reply, err), err));
        TRY(review_result_read(reply, result, err));
        if (file_read(path, REVIEW_BYTES_MAX, arena, out_entries, err) != STATUS_OK)
                return err->status == STATUS_LIMIT ? error_hint(err, "ask for the records that changed only: without -o json") : err->status;
        return STATUS_OK;
}

static Status review_delivery(Reviewing *r, const Delivery *delivery, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        ReviewResult result;
        Str entries;
        TRY(ask_worker(r, delivery, &result, &entries, &arena, err));
        TRY(r->spec->on_delivery(r->spec->context, delivery, kept_of(r, delivery), err));
        TRY(tell_records(r, delivery, entries, err));
        worker_revoke_all(r->worker);
        return r->spec->on_end(r->spec->context, delivery, &result, err);
}

static bool is_meant(const Reviewing *r, const Delivery *delivery) {
        Str file = r->spec->file;
        bool tail = delivery->name.size > file.size && str_ends_with(delivery->name, file) && delivery->name.data[delivery->name.size - file.size - 1] == '/';
        return str_is(delivery->state, "staged") && (file.size == 0 || str_equal(delivery->name, file) || tail);
}

/* The columns by which staging reads: those of the text that a load needs are required, and types are what the table has. */
static Status load_source(Reviewing *r, Error *err) {
        const SourceReview *spec = r->spec;
        Lake *lake = spec->workspace->lake;
        Source *text;
        Table table = { 0 };
        TRY(applied_source(lake, (CatalogAt){ 0 }, spec->zone, spec->source, r->arena, &text, err));
        r->feed = feed_of_source(r->arena, text);
        Status status = lake_table(lake, (CatalogAt){ 0 }, feed_rows_name(r->arena, r->feed), r->arena, &table, err);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
                return status;
        r->source = ARENA_NEW(r->arena, Source);
        *r->source = *text;
        r->source->columns = feed_read_columns(r->feed, &table.body, NULL, 0, r->arena, &r->source->column_count);
        return STATUS_OK;
}

/* A fix that does not fit is in the history like one that does; the quarantine knows. */
static Status load_fixes(Reviewing *r, Error *err) {
        const SourceReview *spec = r->spec;
        FixSpec fix = { spec->workspace, spec->zone, spec->source };
        TRY(fixes_load(spec->workspace->lake->catalog, (CatalogAt){ 0 }, spec->zone, spec->source, r->arena, &r->fixes, err));
        return r->fixes.count ? fix_quarantine(&fix, r->arena, &r->kept, &r->kept_count, err) : STATUS_OK;
}

static Status review_all(Reviewing *r, Error *err) {
        const SourceReview *spec = r->spec;
        Catalog *catalog = spec->workspace->lake->catalog;
        DeliveryQuery query = { .zone = spec->zone, .source = spec->source };
        Delivery *deliveries;
        size_t count, told = 0;
        TRY(load_source(r, err));
        TRY(load_fixes(r, err));
        TRY(catalog_deliveries(catalog, &query, r->arena, &deliveries, &count, err));
        fixes_hand_on(&r->fixes, deliveries, count, false, r->arena);
        if (r->feed->load == FEED_REPLACE)
                r->in_force = feed_in_force(r->feed, deliveries, count, r->arena);
        TRY(worker_lease(spec->workspace->pool, spec->workspace->principal.name, &r->worker, err));
        for (size_t i = count; i-- > 0;) {
                if (!is_meant(r, &deliveries[i]))
                        continue;
                told++;
                TRY(review_delivery(r, &deliveries[i], err));
        }
        if (told > 0 || spec->file.size == 0)
                return STATUS_OK;
        error_set(err, STATUS_NOT_FOUND, "no delivery '%.*s' is in the table", STR_ARG(spec->file));
        return error_hint(err, "lode show delivery %.*s.%.*s lists them", STR_ARG(spec->zone), STR_ARG(spec->source));
}

Status review_source(const SourceReview *spec, Arena *arena, Error *err) {
        Reviewing r = { .spec = spec, .arena = arena };
        Status status = review_all(&r, err);
        worker_release(r.worker);
        return status;
}
