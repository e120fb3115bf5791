/* SPDX-License-Identifier: Apache-2.0 */
#include "model/fix.h"

#include "base/time.h"
#include "base/vec.h"
#include "engine/data_row.h"
#include "lake/changeset.h"
#include "model/applied.h"
#include "model/statement.h"

#define FIX_TRIES 20 /* each lost one was won by another */

/* ---- what is in quarantine ---- */

typedef struct Listing {
        Arena *arena;
        VEC(KeptRecord) rows;
} Listing;

enum { VALUE_FILE, VALUE_RECORD, VALUE_LINE, VALUE_OFFSET, VALUE_LENGTH, NUMBER_COUNT };
enum { VALUE_COLUMN = NUMBER_COUNT, VALUE_RULE, VALUE_MESSAGE, VALUE_RAW, VALUE_STATE, VALUE_COUNT };

static Status take_row(void *context, Str data_row, Error *err) {
        Listing *listing = context;
        DataRow row;
        Str values[VALUE_COUNT];
        int64_t numbers[NUMBER_COUNT] = { 0 };
        bool is_null, whole = data_row_open(data_row, &row) && row.column_count == VALUE_COUNT;
        for (size_t i = 0; whole && i < VALUE_COUNT; i++) {
                whole = data_row_next(&row, &values[i], &is_null);
                if (whole && i < NUMBER_COUNT)
                        whole = str_to_int64(values[i], &numbers[i]);
        }
        if (!whole)
                return error_set(err, STATUS_WORKER_LOST, "a worker sent a row that is none");
        for (size_t i = NUMBER_COUNT; i < VALUE_COUNT; i++)
                values[i] = arena_str(listing->arena, values[i]);
        KeptRecord kept = { numbers[VALUE_FILE], numbers[VALUE_RECORD], numbers[VALUE_LINE], (uint64_t)numbers[VALUE_OFFSET],
                            (uint64_t)numbers[VALUE_LENGTH], STR_NONE, values[VALUE_COLUMN], values[VALUE_RULE],
                            values[VALUE_MESSAGE], values[VALUE_RAW], values[VALUE_STATE] };
        vec_push(listing->arena, &listing->rows, kept);
        return STATUS_OK;
}

static Status name_rows(const FixSpec *spec, Listing *listing, Error *err) {
        DeliveryQuery query = { .zone = spec->zone, .source = spec->source };
        Delivery *deliveries;
        size_t count;
        TRY(catalog_deliveries(spec->workspace->lake->catalog, &query, listing->arena, &deliveries, &count, err));
        for (size_t i = 0; i < listing->rows.count; i++)
                for (size_t j = 0; j < count; j++)
                        if (deliveries[j].id == listing->rows.items[i].delivery)
                                listing->rows.items[i].name = deliveries[j].name;
        return STATUS_OK;
}

Status fix_quarantine(const FixSpec *spec, Arena *arena, KeptRecord **out, size_t *out_count, Error *err) {
        Workspace *workspace = spec->workspace;
        CLEANUP(worker_releasep) Worker *worker = NULL;
        TRY(worker_lease(workspace->pool, workspace->principal.name, &worker, err));
        StatementSpec statement_spec = { .lake = workspace->lake, .worker = worker, .principal = workspace->principal };
        Statement statement;
        Listing listing = { .arena = arena };
        Str sql = arena_strf(arena,
                             "select _file, record, line, coalesce(\"offset\", line), coalesce(length, 0), \"column\", rule, message, raw, state "
                             "from \"%.*s\".quarantine.\"%.*s\" order by _file, record",
                             STR_ARG(spec->zone), STR_ARG(spec->source));
        TRY(statement_open(&statement_spec, sql, STR(""), arena, &statement, err));
        int64_t rows;
        TRY(statement_execute(&statement, take_row, &listing, &rows, err));
        TRY(name_rows(spec, &listing, err));
        *out = listing.rows.items;
        *out_count = listing.rows.count;
        return STATUS_OK;
}

/* ---- which record is meant ---- */

static bool is_name(Str whole, Str given) {
        if (str_equal(whole, given))
                return true;
        return whole.size > given.size && str_ends_with(whole, given) && whole.data[whole.size - given.size - 1] == '/';
}

static Str place_words(Arena *arena, const FixRequest *request) {
        return request->line ? arena_strf(arena, "line %lld of '%.*s'", (long long)request->line, STR_ARG(request->file))
                             : arena_strf(arena, "record %lld of '%.*s'", (long long)request->record, STR_ARG(request->file));
}

static Status find_record(const FixSpec *spec, const FixRequest *request, const KeptRecord *kept, size_t count, Arena *arena,
                          const KeptRecord **out, Error *err) {
        const KeptRecord *found = NULL;
        size_t several = 0;
        for (size_t i = 0; i < count; i++) {
                if ((request->line && kept[i].line != request->line) || (request->record && kept[i].record != request->record) ||
                    !is_name(kept[i].name, request->file))
                        continue;
                several++;
                if (!found || kept[i].delivery == request->delivery)
                        found = &kept[i];
        }
        if (!found) {
                error_set(err, STATUS_NOT_FOUND, "nothing in the quarantine of %.*s.%.*s stands on %.*s", STR_ARG(spec->zone), STR_ARG(spec->source),
                          STR_ARG(place_words(arena, request)));
                return error_hint(err, "lode show quarantine %.*s.%.*s --rows lists what does", STR_ARG(spec->zone), STR_ARG(spec->source));
        }
        if (several > 1 && found->delivery != request->delivery) {
                error_set(err, STATUS_AMBIGUOUS, "%.*s is in %zu deliveries", STR_ARG(place_words(arena, request)), several);
                return error_hint(err, "give the delivery's whole name, or --delivery with its number: lode show delivery");
        }
        *out = found;
        return STATUS_OK;
}

/* ---- what is asked of it ---- */

static Status check_columns(const FixSpec *spec, const Source *source, const FixRequest *request, const KeptRecord *record, Arena *arena,
                            Error *err) {
        if (request->columns.count > 0 && record->column.size == 0) {
                error_set(err, STATUS_BAD_VALUE, "the record on %.*s is malformed as a whole (%.*s), so no column has a place in it",
                          STR_ARG(place_words(arena, request)), STR_ARG(record->rule));
                return error_hint(err, "give all of it: --text 'its corrected line'");
        }
        Str *names = ARENA_ARRAY(arena, Str, source->column_count + 1);
        for (size_t i = 0; i < source->column_count; i++)
                names[i] = source->columns[i].name;
        for (size_t i = 0; i < request->columns.count; i++) {
                Str wanted = request->columns.items[i];
                if (source_column(source, wanted))
                        continue;
                error_set(err, STATUS_NO_COLUMN, "source %.*s.%.*s has no column '%.*s'", STR_ARG(spec->zone), STR_ARG(spec->source), STR_ARG(wanted));
                Str near = str_nearest(wanted, names, source->column_count);
                return near.size ? error_hint(err, "did you mean '%.*s'?", STR_ARG(near))
                                 : error_hint(err, "lode show %.*s.staging.%.*s lists them", STR_ARG(spec->zone), STR_ARG(spec->source));
        }
        return STATUS_OK;
}

static Status check_seen(const FixRequest *request, const KeptRecord *record, Arena *arena, Error *err) {
        if (!request->seen.data || str_equal(request->seen, record->raw))
                return STATUS_OK;
        error_set(err, STATUS_CONFLICT, "%.*s holds another text now than when the list was made", STR_ARG(place_words(arena, request)));
        return error_hint(err, "make the list again: lode show quarantine -o csv");
}

/* Its own, or else that of the earlier file of its name from which it was taken over. */
static bool remove_fix(FixList *list, const KeptRecord *record, Arena *arena) {
        if (fixes_remove(list, record->delivery, record->offset, arena))
                return true;
        for (size_t i = list->count; i-- > 0;) {
                const RecordFix *fix = &list->items[i];
                if (str_equal(fix->name, record->name) && fix->offset == record->offset && str_equal(fix->raw, record->raw))
                        return fixes_remove(list, fix->delivery, fix->offset, arena);
        }
        return false;
}

static Status add_request(const FixSpec *spec, const FixRequest *request, const KeptRecord *record, FixList *list, Arena *arena, Error *err) {
        if (request->undo) {
                if (remove_fix(list, record, arena))
                        return STATUS_OK;
                return error_set(err, STATUS_NOT_FOUND, "%.*s was not fixed, so there is nothing to take back", STR_ARG(place_words(arena, request)));
        }
        RecordFix fix = {
                .delivery = record->delivery,
                .record = record->record,
                .line = record->line,
                .offset = record->offset,
                .length = record->length,
                .name = record->name,
                .raw = record->raw,
                .drop = request->drop,
                .whole = request->whole,
                .text = request->whole ? request->text : STR(""),
                .columns = request->columns,
                .values = request->values,
                .column = record->column,
                .rule = record->rule,
                .message = record->message,
                .author = spec->workspace->principal.name,
                .time_us = time_now_us(),
        };
        fixes_put(list, &fix, arena);
        return STATUS_OK;
}

/* ---- the commit ---- */

static Status publish(const FixSpec *spec, const FixList *list, Str message, ChangeSet *set, Arena *arena, Str *out_commit, Error *err) {
        CatalogName name = fixes_name(spec->zone, spec->source);
        if (list->body.size)
                TRY(changeset_put_object(set, name, list->body, err));
        else
                TRY(changeset_remove_object(set, name, err));
        changeset_set_message(set, message);
        int64_t base = changeset_base(set).seq;
        CatalogCommit commit;
        TRY(changeset_publish(set, arena, &commit, err));
        *out_commit = commit.seq > base ? commit.id : STR("");
        return STATUS_OK;
}

static Status try_once(const FixSpec *spec, const FixRequest *requests, const KeptRecord *records, size_t count, Arena *arena, Str *out_commit,
                       Error *err) {
        Workspace *workspace = spec->workspace;
        ChangeSetSpec commit = { .author = workspace->principal.name, .via = workspace_via(workspace), .audit = workspace_audit_head(workspace, arena) };
        CLEANUP(changeset_freep) ChangeSet *set = NULL;
        FixList list;
        TRY(changeset_new(workspace->lake, &commit, &set, err));
        TRY(fixes_load(workspace->lake->catalog, changeset_base(set), spec->zone, spec->source, arena, &list, err));
        for (size_t i = 0; i < count; i++)
                TRY(add_request(spec, &requests[i], &records[i], &list, arena, err));
        Str message = arena_strf(arena, "fix %.*s.%.*s: %zu record%s", STR_ARG(spec->zone), STR_ARG(spec->source), count, count == 1 ? "" : "s");
        return publish(spec, &list, message, set, arena, out_commit, err);
}

Status fix_records(const FixSpec *spec, const FixRequest *requests, size_t count, Arena *arena, KeptRecord *out, Str *out_commit, Error *err) {
        Source *source;
        KeptRecord *kept;
        size_t kept_count;
        TRY(applied_source(spec->workspace->lake, (CatalogAt){ 0 }, spec->zone, spec->source, arena, &source, err));
        TRY(fix_quarantine(spec, arena, &kept, &kept_count, err));
        for (size_t i = 0; i < count; i++) {
                const KeptRecord *record;
                TRY(find_record(spec, &requests[i], kept, kept_count, arena, &record, err));
                TRY(check_seen(&requests[i], record, arena, err));
                if (!requests[i].undo)
                        TRY(check_columns(spec, source, &requests[i], record, arena, err));
                out[i] = *record;
        }
        Status status = STATUS_CONFLICT;
        for (int i = 0; i < FIX_TRIES && status == STATUS_CONFLICT; i++)
                status = try_once(spec, requests, out, count, arena, out_commit, err);
        return status;
}

/* ---- whole deliveries ---- */

/* One that its name's later delivery replaced is in no table, and cannot leave any. */
static Status find_delivery(const FixSpec *spec, const WithdrawRequest *request, const FixList *list, Arena *arena, Delivery *out, Error *err) {
        DeliveryQuery query = { .zone = spec->zone, .source = spec->source };
        Delivery *rows;
        size_t count, found = 0;
        TRY(catalog_deliveries(spec->workspace->lake->catalog, &query, arena, &rows, &count, err));
        for (size_t i = 0; i < count; i++) {
                bool meant = is_name(rows[i].name, request->name) && (!request->delivery || rows[i].id == request->delivery);
                bool may = request->undo ? fixes_withdrawn(list, rows[i].id) != NULL : !str_is(rows[i].state, "replaced");
                if (!meant || !may)
                        continue;
                if (found++ == 0)
                        *out = rows[i];
        }
        if (found == 0) {
                error_set(err, STATUS_NOT_FOUND, "%.*s.%.*s has no delivery '%.*s'%s", STR_ARG(spec->zone), STR_ARG(spec->source), STR_ARG(request->name),
                          request->undo ? " that is withdrawn" : "");
                return error_hint(err, "lode show delivery %.*s.%.*s lists them", STR_ARG(spec->zone), STR_ARG(spec->source));
        }
        if (found > 1) {
                error_set(err, STATUS_AMBIGUOUS, "%zu deliveries of %.*s.%.*s are called '%.*s'", found, STR_ARG(spec->zone), STR_ARG(spec->source),
                          STR_ARG(request->name));
                return error_hint(err, "add --delivery %lld for the newest; lode show delivery -o json has the others", (long long)out->id);
        }
        return STATUS_OK;
}

static Status withdraw_once(const FixSpec *spec, const WithdrawRequest *request, Arena *arena, Delivery *out, Str *out_commit, Error *err) {
        Workspace *workspace = spec->workspace;
        ChangeSetSpec commit = { .author = workspace->principal.name, .via = workspace_via(workspace), .audit = workspace_audit_head(workspace, arena) };
        CLEANUP(changeset_freep) ChangeSet *set = NULL;
        FixList list;
        TRY(changeset_new(workspace->lake, &commit, &set, err));
        TRY(fixes_load(workspace->lake->catalog, changeset_base(set), spec->zone, spec->source, arena, &list, err));
        TRY(find_delivery(spec, request, &list, arena, out, err));
        Withdrawal withdrawal = { out->id, out->name, request->reason, workspace->principal.name, time_now_us() };
        if (request->undo)
                fixes_take_back(&list, out->id, arena);
        else
                fixes_withdraw(&list, &withdrawal, arena);
        Str message = arena_strf(arena, "%s %.*s of %.*s.%.*s%s%.*s", request->undo ? "take back" : "withdraw", STR_ARG(out->name), STR_ARG(spec->zone),
                                 STR_ARG(spec->source), request->undo ? "" : ": ", STR_ARG(request->reason));
        return publish(spec, &list, message, set, arena, out_commit, err);
}

Status fix_withdraw(const FixSpec *spec, const WithdrawRequest *request, Arena *arena, Delivery *out, Str *out_commit, Error *err) {
        Status status = STATUS_CONFLICT;
        for (int i = 0; i < FIX_TRIES && status == STATUS_CONFLICT; i++)
                status = withdraw_once(spec, request, arena, out, out_commit, err);
        return status;
}
