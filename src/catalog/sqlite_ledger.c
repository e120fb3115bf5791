/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger beside the history: deliveries, files as they were last seen, outcomes of change sets.
 */
#include "base/time.h"
#include "base/vec.h"
#include "catalog/sqlite.h"

static Str text(Str s) {
        return s.data ? s : STR("");
}

/* ---- deliveries ---- */

static Status delivery_check(const Delivery *delivery, int64_t revision, Error *err) {
        if (delivery->expect == DELIVERY_ANY || delivery->expect == revision)
                return STATUS_OK;
        return error_set(err, STATUS_CONFLICT, "delivery '%.*s' of %.*s.%.*s was taken by another run in the meantime",
                         STR_ARG(delivery->name), STR_ARG(delivery->zone), STR_ARG(delivery->source));
}

static Status delivery_write(SqliteCatalog *db, const Delivery *d, int64_t seq, Error *err) {
        int64_t revision = 0;
        TRY(db_query_int(db, &revision, 0, err, "select revision from delivery where id = ?", "i", d->id));
        TRY(delivery_check(d, revision, err));
        bool staged = str_is(d->state, "staged");
        TRY(db_run(
                db, err,
                "insert into delivery values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
                "?17, 1,"
                " ?18) on conflict (id) do update set name = ?4, bytes = ?6, landed_us = ?8, landing = ?9, state = ?10,"
                " records = ?11, accepted = ?12, quarantined = ?13, skipped = ?14, message = ?15, spec = ?16, detail = "
                "?17,"
                " revision = revision + 1, seq = case ?18 when 0 then seq else ?18 end",
                "ittttitittiiiittti", d->id, text(d->zone), text(d->source), text(d->name), text(d->sha256), d->bytes,
                text(d->as_of), d->landed_us, text(d->landing), text(d->state), d->records, d->accepted, d->quarantined,
                d->skipped, text(d->message), text(d->spec), text(d->detail), staged ? seq : (int64_t)0));
        return STATUS_OK;
}

static Status file_write(SqliteCatalog *db, const FileSeen *file, Error *err) {
        return db_run(db, err, "insert or replace into file_seen values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                      "tttiiiiiititt", text(file->zone), text(file->source), text(file->place), file->device,
                      file->inode, file->size, file->mtime_ns, file->ctime_ns, file->looked_us, text(file->sha256),
                      file->delivery, text(file->state), text(file->message));
}

Status db_ledger_write(SqliteCatalog *db, const Delivery *deliveries, size_t delivery_count, const FileSeen *files,
                       size_t file_count, int64_t seq, Error *err) {
        for (size_t i = 0; i < delivery_count; i++)
                TRY(delivery_write(db, &deliveries[i], seq, err));
        for (size_t i = 0; i < file_count; i++)
                TRY(file_write(db, &files[i], err));
        return STATUS_OK;
}

Status sqlite_ledger(Catalog *catalog, const Delivery *deliveries, size_t delivery_count, const FileSeen *files,
                     size_t file_count, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        CLEANUP(db_transaction_end) Transaction transaction = { 0 };
        TRY(db_transaction_write(db, &transaction, err));
        TRY(db_ledger_write(db, deliveries, delivery_count, files, file_count, 0, err));
        return db_transaction_commit(&transaction, err);
}

static Delivery delivery_row(Query *q, Arena *arena) {
        return (Delivery){ .id = db_column_int(q, 0),
                           .zone = db_column_str(q, 1, arena),
                           .source = db_column_str(q, 2, arena),
                           .name = db_column_str(q, 3, arena),
                           .sha256 = db_column_str(q, 4, arena),
                           .bytes = db_column_int(q, 5),
                           .as_of = db_column_str(q, 6, arena),
                           .landed_us = db_column_int(q, 7),
                           .landing = db_column_str(q, 8, arena),
                           .state = db_column_str(q, 9, arena),
                           .records = db_column_int(q, 10),
                           .accepted = db_column_int(q, 11),
                           .quarantined = db_column_int(q, 12),
                           .skipped = db_column_int(q, 13),
                           .message = db_column_str(q, 14, arena),
                           .spec = db_column_str(q, 15, arena),
                           .detail = db_column_str(q, 16, arena),
                           .revision = db_column_int(q, 17),
                           .seq = db_column_int(q, 18),
                           .commit = db_column_str(q, 19, arena),
                           .expect = db_column_int(q, 17) };
}

#define DELIVERY_SELECT "select d.*, coalesce(c.id, '') from delivery d left join commit_ c on c.seq = d.seq where "
#define DELIVERY_ORDER " order by d.landed_us desc, d.id desc limit "

Status sqlite_deliveries(Catalog *catalog, const DeliveryQuery *wanted, Arena *arena, Delivery **out, size_t *out_count,
                         Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        CLEANUP(db_query_end) Query q = { 0 };
        VEC(Delivery) rows = { 0 };
        int64_t limit = wanted->limit ? (int64_t)wanted->limit : -1;
        if (wanted->id)
                TRY(db_query(db, &q, err, DELIVERY_SELECT "d.id = ?", "i", wanted->id));
        else if (wanted->zone.size && wanted->source.size && wanted->sha256.size)
                TRY(db_query(db, &q, err,
                             DELIVERY_SELECT "d.zone = ? and d.source = ? and d.sha256 = ?" DELIVERY_ORDER "?", "ttti",
                             wanted->zone, wanted->source, wanted->sha256, limit));
        else
                TRY(db_query(db, &q, err,
                             DELIVERY_SELECT
                             "(?1 = '' or d.zone = ?1) and (?2 = '' or d.source = ?2) and (?3 = '' or"
                             " d.state = ?3) and (?4 = '' or d.sha256 = ?4) and (?5 = '' or d.name = ?5)" DELIVERY_ORDER
                             "?6",
                             "ttttti", text(wanted->zone), text(wanted->source), text(wanted->state),
                             text(wanted->sha256), text(wanted->name), limit));
        for (;;) {
                bool row = false;
                TRY(db_query_row(&q, &row, err));
                if (!row)
                        break;
                Delivery delivery = delivery_row(&q, arena);
                if ((wanted->state.size && !str_equal(wanted->state, delivery.state)) ||
                    (wanted->name.size && !str_equal(wanted->name, delivery.name)))
                        continue;
                vec_push(arena, &rows, delivery);
        }
        *out = rows.items;
        *out_count = rows.count;
        return STATUS_OK;
}

/* ---- files ---- */

static FileSeen file_row(Query *q, Arena *arena) {
        return (FileSeen){ .zone = db_column_str(q, 0, arena),
                           .source = db_column_str(q, 1, arena),
                           .place = db_column_str(q, 2, arena),
                           .device = db_column_int(q, 3),
                           .inode = db_column_int(q, 4),
                           .size = db_column_int(q, 5),
                           .mtime_ns = db_column_int(q, 6),
                           .ctime_ns = db_column_int(q, 7),
                           .looked_us = db_column_int(q, 8),
                           .sha256 = db_column_str(q, 9, arena),
                           .delivery = db_column_int(q, 10),
                           .state = db_column_str(q, 11, arena),
                           .message = db_column_str(q, 12, arena) };
}

Status sqlite_file_seen(Catalog *catalog, Str zone, Str source, Str place, Arena *arena, FileSeen *out, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        bool row = false;
        TRY(db_query(sqlite_of(catalog), &q, err, "select * from file_seen where zone = ? and source = ? and place = ?",
                     "ttt", text(zone), text(source), place));
        TRY(db_query_row(&q, &row, err));
        if (!row)
                return error_set(err, STATUS_NOT_FOUND, "'%.*s' was not seen before", STR_ARG(place));
        *out = file_row(&q, arena);
        return STATUS_OK;
}

Status sqlite_files_seen(Catalog *catalog, Str zone, Str source, Arena *arena, FileSeen **out, size_t *out_count,
                         Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        VEC(FileSeen) rows = { 0 };
        TRY(db_query(sqlite_of(catalog), &q, err,
                     "select * from file_seen where (?1 = '' or zone = ?1) and (?2 = '' or source = ?2)"
                     " order by zone, source, place",
                     "tt", text(zone), text(source)));
        for (;;) {
                bool row = false;
                TRY(db_query_row(&q, &row, err));
                if (!row)
                        break;
                vec_push(arena, &rows, file_row(&q, arena));
        }
        *out = rows.items;
        *out_count = rows.count;
        return STATUS_OK;
}

Status sqlite_forget_file(Catalog *catalog, Str zone, Str source, Str place, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        db->own_writes++;
        return db_run(db, err, "delete from file_seen where zone = ? and source = ? and place = ?", "ttt", text(zone),
                      text(source), place);
}

/* ---- outcomes of change sets ---- */

Status db_intent_write(SqliteCatalog *db, const IntentResult *result, Error *err) {
        return db_run(db, err, "insert or replace into intent values (?, ?, ?, ?, ?)", "titii", result->intent,
                      (int64_t)result->status, text(result->message), result->seq, time_now_us());
}

Status sqlite_intent(Catalog *catalog, Str id, Arena *arena, IntentResult *out, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        bool row = false;
        TRY(db_query(sqlite_of(catalog), &q, err,
                     "select i.status, i.message, i.seq, coalesce(c.id, '') from intent i left join commit_ c on c.seq "
                     "= i.seq"
                     " where i.id = ?",
                     "t", id));
        TRY(db_query_row(&q, &row, err));
        if (!row)
                return error_set(err, STATUS_NOT_FOUND, "nothing is known of change set %.*s", STR_ARG(id));
        int64_t status = db_column_int(&q, 0);
        *out = (IntentResult){ .intent = arena_str(arena, id),
                               .status = status >= 0 && status < STATUS_COUNT ? (Status)status : STATUS_INTERNAL,
                               .message = db_column_str(&q, 1, arena),
                               .seq = db_column_int(&q, 2),
                               .commit = db_column_str(&q, 3, arena) };
        return STATUS_OK;
}

Status sqlite_forget_intents(Catalog *catalog, int64_t before_us, const Str *living, size_t living_count, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        CLEANUP(db_transaction_end) Transaction transaction = { 0 };
        TRY(db_transaction_write(db, &transaction, err));
        for (size_t i = 0; i < living_count; i++)
                TRY(db_run(db, err, "update intent set at_us = ? where id = ? and at_us < ?", "iti", before_us, living[i],
                           before_us));
        TRY(db_run(db, err, "delete from intent where at_us < ?", "i", before_us));
        return db_transaction_commit(&transaction, err);
}

