/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What retention may take: versions that no branch shows, by their bodies. One body may be the version of several commits
 * and branches, and goes only when none of them needs it.
 */
#include "base/map.h"
#include "base/time.h"
#include "base/vec.h"
#include "catalog/sqlite.h"

/* A place from which a branch begins: what was there at that commit is shown by it. */
typedef struct Pin {
        int64_t branch, seq;
} Pin;

typedef VEC(Pin) PinVec;

/* All bodies of the kinds asked for, each once. */
typedef struct Bodies {
        SqliteCatalog *db;
        Arena *arena;
        PinVec pins;
        Map by_hash; /* Body */
} Bodies;

typedef struct Body {
        CatalogReplaced row; /* of the version that was shown longest; its body not loaded yet */
        bool shown;          /* some branch shows it still */
} Body;

static Status load_branches(SqliteCatalog *db, Arena *arena, BranchRow **out, size_t *out_count, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        VEC(BranchRow) rows = { 0 };
        TRY(db_query(db, &q, err, "select id, base_branch, base_seq, head_seq from branch", ""));
        for (;;) {
                bool row = false;
                TRY(db_query_row(&q, &row, err));
                if (!row)
                        break;
                vec_push(arena, &rows,
                         (BranchRow){ .id = db_column_int(&q, 0),
                                      .base_id = db_column_int(&q, 1),
                                      .base_seq = db_column_int(&q, 2),
                                      .head_seq = db_column_int(&q, 3) });
        }
        *out = rows.items;
        *out_count = rows.count;
        return STATUS_OK;
}

static const BranchRow *find_branch(const BranchRow *branches, size_t count, int64_t id) {
        for (size_t i = 0; i < count; i++)
                if (branches[i].id == id)
                        return &branches[i];
        return NULL;
}

/* Each branch sees its base at its base's seq, that one's base at the lower of both, and so on down. */
static void pin_bases(Bodies *bodies, const BranchRow *branches, size_t count) {
        for (size_t i = 0; i < count; i++) {
                int64_t seq = INT64_MAX;
                for (const BranchRow *at = &branches[i]; at && at->base_id;) {
                        seq = at->base_seq < seq ? at->base_seq : seq;
                        vec_push(bodies->arena, &bodies->pins, (Pin){ at->base_id, seq });
                        at = find_branch(branches, count, at->base_id);
                }
        }
}

static bool is_pinned(const Bodies *bodies, int64_t branch, int64_t from, int64_t to) {
        for (size_t i = 0; i < bodies->pins.count; i++) {
                const Pin *pin = &bodies->pins.items[i];
                if (pin->branch == branch && pin->seq >= from && pin->seq < to)
                        return true;
        }
        return false;
}

static void take_version(Bodies *bodies, Query *q) {
        Arena *arena = bodies->arena;
        Str hash = db_column_str(q, 6, arena);
        void **place = map_at(&bodies->by_hash, hash);
        if (!*place)
                *place = ARENA_NEW(arena, Body);
        Body *body = *place;
        int64_t branch = db_column_int(q, 0), seq = db_column_int(q, 1), next = db_column_int(q, 2);
        bool gone = db_column_int(q, 3);
        body->shown |= !gone && (next == 0 || is_pinned(bodies, branch, seq, next));
        /* When a branch was removed is not known: its last versions are as old as they are. */
        int64_t until = db_column_int(q, next ? 5 : 4);
        if (until <= body->row.until_us)
                return;
        body->row = (CatalogReplaced){ .seq = seq,
                                       .until_us = until,
                                       .body_hash = hash,
                                       .kind = db_column_str(q, 7, arena),
                                       .zone = db_column_str(q, 8, arena),
                                       .name = db_column_str(q, 9, arena),
                                       .commit = db_column_str(q, 10, arena) };
}

/* Every version of the kind that has not expired, and whether any branch shows it. */
static Status load_bodies(Bodies *bodies, Str kind, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        BranchRow *branches;
        size_t count;
        map_init(&bodies->by_hash, bodies->arena);
        TRY(load_branches(bodies->db, bodies->arena, &branches, &count, err));
        pin_bases(bodies, branches, count);
        TRY(db_query(bodies->db, &q, err,
                     "with v as (select branch, oid, seq, body_hash,"
                     " lead(seq) over (partition by branch, oid order by seq) as next from version)"
                     " select v.branch, v.seq, coalesce(v.next, 0), b.id is null, c.at_us, coalesce(n.at_us, 0),"
                     " v.body_hash, o.kind, o.zone, o.name, c.id"
                     " from v cross join object o on o.oid = v.oid join commit_ c on c.seq = v.seq"
                     " left join commit_ n on n.seq = v.next left join branch b on b.id = v.branch"
                     " where o.kind = ? and v.body_hash is not null"
                     " and not exists (select 1 from expired e where e.hash = v.body_hash)",
                     "t", kind));
        for (;;) {
                bool row = false;
                TRY(db_query_row(&q, &row, err));
                if (!row)
                        return STATUS_OK;
                take_version(bodies, &q);
        }
}

static int by_until(const void *left, const void *right) {
        const CatalogReplaced *a = left, *b = right;
        return a->until_us < b->until_us ? -1 : a->until_us > b->until_us ? 1 : str_compare(a->body_hash, b->body_hash);
}

static Status load_body(SqliteCatalog *db, Str hash, Arena *arena, Str *out, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        bool row = false;
        TRY(db_query(db, &q, err, "select bytes from body where hash = ?", "t", hash));
        TRY(db_query_row(&q, &row, err));
        *out = row ? db_column_str(&q, 0, arena) : STR_NONE;
        return STATUS_OK;
}

Status sqlite_replaced(Catalog *catalog, Str kind, Arena *arena, CatalogReplaced **out, size_t *out_count, Error *err) {
        CLEANUP(db_transaction_end) Transaction transaction = { 0 };
        Bodies bodies = { .db = sqlite_of(catalog), .arena = arena };
        TRY(db_transaction_read(bodies.db, &transaction, err));
        TRY(load_bodies(&bodies, kind, err));
        CatalogReplaced *rows = ARENA_ARRAY(arena, CatalogReplaced, bodies.by_hash.count);
        size_t count = 0;
        for (size_t i = 0; i < bodies.by_hash.count; i++) {
                const Body *body = bodies.by_hash.entries[i].value;
                if (body->shown)
                        continue;
                rows[count] = body->row;
                TRY(load_body(bodies.db, body->row.body_hash, arena, &rows[count++].body, err));
        }
        if (count > 1)
                qsort(rows, count, sizeof(*rows), by_until);
        *out = rows;
        *out_count = count;
        return db_transaction_commit(&transaction, err);
}

Status sqlite_expire(Catalog *catalog, Str kind, const Str *hashes, size_t count, Str rule, size_t *out_count,
                     Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(db_transaction_end) Transaction transaction = { 0 };
        Bodies bodies = { .db = sqlite_of(catalog), .arena = &arena };
        size_t expired = 0;
        TRY(db_transaction_write(bodies.db, &transaction, err));
        TRY(load_bodies(&bodies, kind, err));
        for (size_t i = 0; i < count; i++) {
                const Body *body = map_get(&bodies.by_hash, hashes[i]);
                if (!body || body->shown)
                        continue;
                TRY(db_run(bodies.db, err, "insert into expired values (?, ?, ?)", "tit", hashes[i], time_now_us(), rule));
                expired++;
        }
        *out_count = expired;
        return db_transaction_commit(&transaction, err);
}

Status sqlite_expired(Catalog *catalog, Str hash, Arena *arena, CatalogExpired *out, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        bool row = false;
        TRY(db_query(sqlite_of(catalog), &q, err, "select at_us, rule from expired where hash = ?", "t", hash));
        TRY(db_query_row(&q, &row, err));
        if (!row)
                return error_set(err, STATUS_NOT_FOUND, "that version has not expired");
        *out = (CatalogExpired){ db_column_int(&q, 0), db_column_str(&q, 1, arena) };
        return STATUS_OK;
}

Status sqlite_live_bodies(Catalog *catalog, Str kind, Arena *arena, Str **out, size_t *out_count, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        TRY(db_query(sqlite_of(catalog), &q, err,
                     "select y.bytes from (select distinct v.body_hash as hash from version v cross join object o"
                     " on o.oid = v.oid where o.kind = ? and v.body_hash is not null) d join body y on y.hash = d.hash"
                     " where y.bytes is not null and not exists (select 1 from expired e where e.hash = y.hash)",
                     "t", kind));
        return db_query_strs(&q, arena, out, out_count, err);
}
