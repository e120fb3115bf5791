/* SPDX-License-Identifier: Apache-2.0 */
#include "model/review.h"

#include "base/file.h"
#include "model/applied.h"

typedef struct Reviewing {
        const SourceReview *spec;
        Arena *arena;
        Worker *worker;
        Source *source;
        FixList fixes;
} Reviewing;

static Status tell_records(Reviewing *r, const Delivery *delivery, Str entries, Error *err) {
        CLEANUP(arena_deinit) Arena record = { 0 };
        Cursor cursor = cursor_of(entries);
        while (cursor_left(&cursor) > 0) {
                ReviewEntry entry;
                arena_reset(&record);
                TRY(review_entry_read(&cursor, r->source->column_count, &record, &entry, err));
                TRY(r->spec->on_record(r->spec->context, r->source, &entry, fixes_find(&r->fixes, delivery->id, entry.offset), err));
        }
        return STATUS_OK;
}

static Status ask_worker(Reviewing *r, const Delivery *delivery, ReviewResult *result, Str *out_entries, Arena *arena, Error *err) {
        ReviewSpec spec = {
                .format = r->source->format,
                .columns = r->source->columns,
                .column_count = r->source->column_count,
                .ignore = r->source->ignore,
                .brief = r->spec->brief && r->fixes.count == 0, /* a record that is the same may have a fix */
        };
        CLEANUP(close_fdp) int in = -1;
        CLEANUP(close_fdp) int out = -1;
        CLEANUP(buf_deinit) Buf request = { 0 };
        const char *path;
        Str reply;
        TRY(file_open(store_absolute(r->spec->workspace->lake->store, arena, delivery->landing), &in, err));
        TRY(worker_new_file(r->worker, arena, &out, &path, err));
        review_spec_write(&request, &spec);
        TRY(worker_review(r->worker, buf_view(&request), (int[]){ in, out }, 2, arena, &reply, err));
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
        TRY(r->spec->on_delivery(r->spec->context, delivery, err));
        TRY(tell_records(r, delivery, entries, err));
        worker_revoke_all(r->worker);
        return r->spec->on_end(r->spec->context, delivery, &result, err);
}

static bool is_meant(const Reviewing *r, const Delivery *delivery) {
        Str file = r->spec->file;
        bool tail = delivery->name.size > file.size && str_ends_with(delivery->name, file) && delivery->name.data[delivery->name.size - file.size - 1] == '/';
        return str_is(delivery->state, "staged") && (file.size == 0 || str_equal(delivery->name, file) || tail);
}

static Status review_all(Reviewing *r, Error *err) {
        const SourceReview *spec = r->spec;
        Catalog *catalog = spec->workspace->lake->catalog;
        DeliveryQuery query = { .zone = spec->zone, .source = spec->source };
        Delivery *deliveries;
        size_t count, told = 0;
        TRY(applied_source(spec->workspace->lake, (CatalogAt){ 0 }, spec->zone, spec->source, r->arena, &r->source, err));
        TRY(fixes_load(catalog, (CatalogAt){ 0 }, spec->zone, spec->source, r->arena, &r->fixes, err));
        TRY(catalog_deliveries(catalog, &query, r->arena, &deliveries, &count, err));
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
