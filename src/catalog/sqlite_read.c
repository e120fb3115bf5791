/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the history. What an object is at (branch, seq): its newest version on the branch up to seq, else what it is
 * at the branch's base, and so on down. A version without a body hash is a removal and ends the search.
 */
#include "base/map.h"
#include "base/time.h"
#include "base/vec.h"
#include "catalog/sqlite.h"

#define SEQ_MAX INT64_MAX

/* The seq of object o's newest version on a branch: one seek in the primary key, however many versions there are. */
#define NEWEST_OF(branch, seq) \
        "(select max(m.seq) from version m where m.branch = " branch " and m.oid = o.oid and m.seq <= " seq ")"

/* ---- branches ---- */

Str db_branch_or_main(Str name) {
        return name.size ? name : STR("main");
}

static Status branch_row(Query *q, Arena *arena, BranchRow *out, bool *found, Error *err) {
        TRY(db_query_row(q, found, err));
        if (*found)
                *out = (BranchRow){ db_column_int(q, 0), db_column_int(q, 1), db_column_int(q, 2), db_column_int(q, 3),
                                    db_column_str(q, 4, arena) };
        return STATUS_OK;
}

Status db_branch_find(SqliteCatalog *db, Str name, Arena *arena, BranchRow *out, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        bool found = false;
        name = db_branch_or_main(name);
        TRY(db_query(db, &q, err, "select id, base_branch, base_seq, head_seq, name from branch where name = ?", "t",
                     name));
        TRY(branch_row(&q, arena, out, &found, err));
        if (!found)
                return error_set(err, STATUS_NOT_FOUND, "no branch '%.*s'", STR_ARG(name));
        return STATUS_OK;
}

Status db_branch_by_id(SqliteCatalog *db, int64_t id, Arena *arena, BranchRow *out, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        bool found = false;
        TRY(db_query(db, &q, err, "select id, base_branch, base_seq, head_seq, name from branch where id = ?", "i",
                     id));
        TRY(branch_row(&q, arena, out, &found, err));
        if (!found)
                return error_set(err, STATUS_CORRUPT, "the catalog lacks branch number %lld", (long long)id);
        return STATUS_OK;
}

/* Goes down to the base; *seq becomes what may be seen there. False: there is none. */
static Status branch_down(SqliteCatalog *db, BranchRow *branch, int64_t *seq, Arena *arena, bool *out_more,
                          Error *err) {
        *out_more = branch->base_id != 0;
        if (!*out_more)
                return STATUS_OK;
        if (*seq > branch->base_seq)
                *seq = branch->base_seq;
        return db_branch_by_id(db, branch->base_id, arena, branch, err);
}

Status sqlite_branches(Catalog *catalog, Arena *arena, CatalogBranch **out, size_t *out_count, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        CLEANUP(db_query_end) Query q = { 0 };
        VEC(CatalogBranch) rows = { 0 };
        TRY(db_query(db, &q, err,
                     "select b.name, coalesce(p.name, ''), b.base_seq, b.head_seq, b.at_us, coalesce(c.id, '')"
                     " from branch b left join branch p on p.id = b.base_branch"
                     " left join commit_ c on c.seq = case b.head_seq when 0 then b.base_seq else b.head_seq end"
                     " order by b.name",
                     ""));
        bool row = false;
        for (;;) {
                TRY(db_query_row(&q, &row, err));
                if (!row)
                        break;
                vec_push(arena, &rows,
                         (CatalogBranch){ .name = db_column_str(&q, 0, arena),
                                          .base_branch = db_column_str(&q, 1, arena),
                                          .base_seq = db_column_int(&q, 2),
                                          .head_seq = db_column_int(&q, 3),
                                          .at_us = db_column_int(&q, 4),
                                          .head = db_column_str(&q, 5, arena) });
        }
        *out = rows.items;
        *out_count = rows.count;
        return STATUS_OK;
}

/* ---- objects ---- */

static Status version_on(SqliteCatalog *db, int64_t branch, int64_t seq, CatalogName name, Arena *arena,
                         VersionRow *out, bool *found, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        TRY(db_query(
                db, &q, err,
                "select v.oid, v.seq, v.body_hash from object o join version v on v.branch = ?4 and v.oid = o.oid"
                " and v.seq = " NEWEST_OF(
                        "?4", "?5") " where o.kind = ?1 and o.zone = ?2 and o.name = ?3 order by v.seq desc limit 1",
                "tttii", name.kind, name.zone, name.name, branch, seq));
        TRY(db_query_row(&q, found, err));
        if (*found)
                *out = (VersionRow){ db_column_int(&q, 0), db_column_int(&q, 1), db_column_str(&q, 2, arena) };
        return STATUS_OK;
}

Status db_version_find(SqliteCatalog *db, const BranchRow *branch, int64_t seq, CatalogName name, Arena *arena,
                       VersionRow *out, bool *out_found, Error *err) {
        BranchRow at = *branch;
        int64_t limit = seq ? seq : SEQ_MAX;
        bool found = false, more = true;
        while (more) {
                TRY(version_on(db, at.id, limit, name, arena, out, &found, err));
                if (found)
                        break;
                TRY(branch_down(db, &at, &limit, arena, &more, err));
        }
        *out_found = found && out->hash.data;
        return STATUS_OK;
}

static Status object_fill(SqliteCatalog *db, Arena *arena, CatalogObject *object, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        bool row = false;
        TRY(db_query(db, &q, err,
                     "select c.id, c.at_us, b.bytes from commit_ c left join body b on b.hash = ? where c.seq = ?",
                     "ti", object->body_hash, object->seq));
        TRY(db_query_row(&q, &row, err));
        if (!row)
                return error_set(err, STATUS_CORRUPT, "the catalog lacks commit number %lld", (long long)object->seq);
        object->commit = db_column_str(&q, 0, arena);
        object->changed_us = db_column_int(&q, 1);
        object->body = db_column_str(&q, 2, arena);
        return STATUS_OK;
}

Status sqlite_get(Catalog *catalog, CatalogAt at, CatalogName name, Arena *arena, CatalogObject *out, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        CLEANUP(db_transaction_end) Transaction transaction = { 0 };
        TRY(db_transaction_read(db, &transaction, err));
        BranchRow branch;
        VersionRow version;
        bool found = false;
        TRY(db_branch_find(db, at.branch, arena, &branch, err));
        TRY(db_version_find(db, &branch, at.seq, name, arena, &version, &found, err));
        if (!found)
                return error_set(err, STATUS_NOT_FOUND, "no %.*s '%.*s%s%.*s'", STR_ARG(name.kind), STR_ARG(name.zone),
                                 name.zone.size ? "." : "", STR_ARG(name.name));
        CatalogObject object = { .oid = version.oid,
                                 .kind = arena_str(arena, name.kind),
                                 .zone = arena_str(arena, name.zone),
                                 .name = arena_str(arena, name.name),
                                 .seq = version.seq,
                                 .body_hash = version.hash };
        TRY(object_fill(db, arena, &object, err));
        *out = object;
        return db_transaction_commit(&transaction, err);
}

typedef VEC(CatalogObject) ObjectVec;

/* What one branch of the chain adds: objects that no branch above has said anything about. */
static Status list_on(SqliteCatalog *db, int64_t branch, int64_t seq, Str kind, Str zone, Map *said, Arena *arena,
                      ObjectVec *objects, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        TRY(db_query(db, &q, err,
                     "select o.oid, o.kind, o.zone, o.name, v.seq, v.body_hash from object o"
                     " join version v on v.branch = ?1 and v.oid = o.oid and v.seq = " NEWEST_OF(
                             "?1", "?2") " where (?3 = '' or o.kind = ?3) and (?4 = '' or o.zone = ?4)",
                     "iitt", branch, seq, kind.size ? kind : STR(""), zone.size ? zone : STR("")));
        for (;;) {
                bool row = false;
                TRY(db_query_row(&q, &row, err));
                if (!row)
                        return STATUS_OK;
                int64_t oid = db_column_int(&q, 0);
                Str key = { (const char *)&oid, sizeof(oid) };
                if (map_has(said, key))
                        continue;
                map_put(said, key, db);
                CatalogObject object = { .oid = oid,
                                         .kind = db_column_str(&q, 1, arena),
                                         .zone = db_column_str(&q, 2, arena),
                                         .name = db_column_str(&q, 3, arena),
                                         .seq = db_column_int(&q, 4),
                                         .body_hash = db_column_str(&q, 5, arena) };
                if (object.body_hash.data)
                        vec_push(arena, objects, object);
        }
}

static int object_compare(const void *left, const void *right) {
        const CatalogObject *a = left, *b = right;
        int order = str_compare(a->kind, b->kind);
        if (order == 0)
                order = str_compare(a->zone, b->zone);
        return order ? order : str_compare(a->name, b->name);
}

Status sqlite_list(Catalog *catalog, CatalogAt at, Str kind, Str zone, Arena *arena, CatalogObject **out,
                   size_t *out_count, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        CLEANUP(db_transaction_end) Transaction transaction = { 0 };
        TRY(db_transaction_read(db, &transaction, err));
        Map said;
        map_init(&said, &scratch);
        ObjectVec objects = { 0 };
        BranchRow branch;
        int64_t seq = at.seq ? at.seq : SEQ_MAX;
        TRY(db_branch_find(db, at.branch, &scratch, &branch, err));
        for (bool more = true; more;) {
                TRY(list_on(db, branch.id, seq, kind, zone, &said, arena, &objects, err));
                TRY(branch_down(db, &branch, &seq, &scratch, &more, err));
        }
        for (size_t i = 0; i < objects.count; i++)
                TRY(object_fill(db, arena, &objects.items[i], err));
        if (objects.count > 1)
                qsort(objects.items, objects.count, sizeof(*objects.items), object_compare);
        *out = objects.items;
        *out_count = objects.count;
        return db_transaction_commit(&transaction, err);
}

static Status history_on(SqliteCatalog *db, int64_t branch, int64_t seq, CatalogName name, size_t limit, Arena *arena,
                         ObjectVec *objects, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        TRY(db_query(
                db, &q, err,
                "select v.oid, v.seq, v.body_hash from object o join version v on v.oid = o.oid"
                " where o.kind = ? and o.zone = ? and o.name = ? and v.branch = ? and v.seq <= ? order by v.seq desc",
                "tttii", name.kind, name.zone, name.name, branch, seq));
        while (limit == 0 || objects->count < limit) {
                bool row = false;
                TRY(db_query_row(&q, &row, err));
                if (!row)
                        break;
                vec_push(arena, objects,
                         (CatalogObject){ .oid = db_column_int(&q, 0),
                                          .kind = arena_str(arena, name.kind),
                                          .zone = arena_str(arena, name.zone),
                                          .name = arena_str(arena, name.name),
                                          .seq = db_column_int(&q, 1),
                                          .body_hash = db_column_str(&q, 2, arena) });
        }
        return STATUS_OK;
}

Status sqlite_history(Catalog *catalog, Str branch_name, CatalogName name, size_t limit, Arena *arena,
                      CatalogObject **out, size_t *out_count, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        CLEANUP(db_transaction_end) Transaction transaction = { 0 };
        TRY(db_transaction_read(db, &transaction, err));
        ObjectVec objects = { 0 };
        BranchRow branch;
        int64_t seq = SEQ_MAX;
        TRY(db_branch_find(db, branch_name, arena, &branch, err));
        for (bool more = true; more;) {
                TRY(history_on(db, branch.id, seq, name, limit, arena, &objects, err));
                TRY(branch_down(db, &branch, &seq, arena, &more, err));
        }
        for (size_t i = 0; i < objects.count; i++)
                TRY(object_fill(db, arena, &objects.items[i], err));
        *out = objects.items;
        *out_count = objects.count;
        return db_transaction_commit(&transaction, err);
}

Status sqlite_versions(Catalog *catalog, const CatalogVersion *after, size_t limit, Arena *arena, CatalogVersion **out,
                       size_t *out_count, Error *err) {
        static const CatalogVersion start = { 0 };
        CLEANUP(db_query_end) Query q = { 0 };
        VEC(CatalogVersion) rows = { 0 };
        after = after ? after : &start;
        TRY(db_query(sqlite_of(catalog), &q, err,
                     "select v.seq, v.branch, v.oid, c.id, c.branch, b.id is null, o.kind, o.zone, o.name,"
                     " coalesce(v.body_hash, ''), y.bytes from version v join commit_ c on c.seq = v.seq"
                     " join object o on o.oid = v.oid left join branch b on b.id = v.branch"
                     " left join body y on y.hash = v.body_hash where (v.seq, v.branch, v.oid) > (?, ?, ?)"
                     " order by v.seq, v.branch, v.oid limit ?",
                     "iiii", after->seq, after->branch_id, after->oid, limit ? (int64_t)limit : (int64_t)-1));
        for (;;) {
                bool row = false;
                TRY(db_query_row(&q, &row, err));
                if (!row)
                        break;
                vec_push(arena, &rows,
                         (CatalogVersion){ .seq = db_column_int(&q, 0),
                                           .branch_id = db_column_int(&q, 1),
                                           .oid = db_column_int(&q, 2),
                                           .commit = db_column_str(&q, 3, arena),
                                           .branch = db_column_str(&q, 4, arena),
                                           .branch_gone = db_column_int(&q, 5),
                                           .kind = db_column_str(&q, 6, arena),
                                           .zone = db_column_str(&q, 7, arena),
                                           .name = db_column_str(&q, 8, arena),
                                           .body_hash = db_column_str(&q, 9, arena),
                                           .body = db_column_str(&q, 10, arena) });
        }
        *out = rows.items;
        *out_count = rows.count;
        return STATUS_OK;
}

/* ---- commits ---- */

#define COMMIT_COLUMNS "seq, id, parent, merge_parent, branch, author, via, at_us, message, git, audit, files"

static CatalogCommit commit_row(Query *q, Arena *arena) {
        return (CatalogCommit){ .seq = db_column_int(q, 0),
                                .id = db_column_str(q, 1, arena),
                                .parent = db_column_str(q, 2, arena),
                                .merge_parent = db_column_str(q, 3, arena),
                                .branch = db_column_str(q, 4, arena),
                                .author = db_column_str(q, 5, arena),
                                .via = db_column_str(q, 6, arena),
                                .at_us = db_column_int(q, 7),
                                .message = db_column_str(q, 8, arena),
                                .git = db_column_str(q, 9, arena),
                                .audit = db_column_str(q, 10, arena),
                                .files_root = db_column_str(q, 11, arena) };
}

static Status commit_changes(SqliteCatalog *db, CatalogCommit *commit, Arena *arena, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        VEC(CatalogChangeRow) rows = { 0 };
        TRY(db_query(
                db, &q, err,
                "select o.kind, o.zone, o.name, coalesce(v.body_hash, '') from version v join object o on o.oid = v.oid"
                " where v.seq = ?",
                "i", commit->seq));
        for (;;) {
                bool row = false;
                TRY(db_query_row(&q, &row, err));
                if (!row)
                        break;
                vec_push(arena, &rows,
                         (CatalogChangeRow){ db_column_str(&q, 0, arena), db_column_str(&q, 1, arena),
                                             db_column_str(&q, 2, arena), db_column_str(&q, 3, arena) });
        }
        changes_sort(rows.items, rows.count);
        commit->changes = rows.items;
        commit->change_count = rows.count;
        return STATUS_OK;
}

Status db_branch_head(SqliteCatalog *db, const BranchRow *branch, Arena *arena, CatalogCommit *out, Error *err) {
        int64_t seq = branch->head_seq ? branch->head_seq : branch->base_seq;
        if (seq == 0) {
                *out = (CatalogCommit){ .id = STR(""), .branch = branch->name };
                return STATUS_OK;
        }
        CLEANUP(db_query_end) Query q = { 0 };
        bool row = false;
        TRY(db_query(db, &q, err, "select " COMMIT_COLUMNS " from commit_ where seq = ?", "i", seq));
        TRY(db_query_row(&q, &row, err));
        if (!row)
                return error_set(err, STATUS_CORRUPT, "the catalog lacks commit number %lld", (long long)seq);
        *out = commit_row(&q, arena);
        return STATUS_OK;
}

Status sqlite_head(Catalog *catalog, Str branch_name, Arena *arena, CatalogCommit *out, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        CLEANUP(db_transaction_end) Transaction transaction = { 0 };
        TRY(db_transaction_read(db, &transaction, err));
        BranchRow branch;
        CatalogCommit commit;
        TRY(db_branch_find(db, branch_name, arena, &branch, err));
        TRY(db_branch_head(db, &branch, arena, &commit, err));
        TRY(db_transaction_commit(&transaction, err));
        *out = commit;
        return STATUS_OK;
}

typedef VEC(CatalogCommit) CommitVec;

/* From which commit on those of its name are its own: one that was forgotten leaves its commits to the history. */
static Status branch_since(SqliteCatalog *db, const BranchRow *branch, int64_t *out, Error *err) {
        *out = 0;
        if (branch->base_id == 0)
                return STATUS_OK;
        return db_query_int(db, out, SEQ_MAX, err, "select min(seq) from version where branch = ?", "i", branch->id);
}

static Status log_on(SqliteCatalog *db, const BranchRow *branch, int64_t seq, size_t limit, Arena *arena, CommitVec *commits,
                     Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        int64_t since;
        TRY(branch_since(db, branch, &since, err));
        TRY(db_query(db, &q, err,
                     "select " COMMIT_COLUMNS " from commit_ where branch = ? and seq between ? and ? order by seq desc", "tii",
                     branch->name, since, seq));
        while (limit == 0 || commits->count < limit) {
                bool row = false;
                TRY(db_query_row(&q, &row, err));
                if (!row)
                        break;
                CatalogCommit commit = commit_row(&q, arena);
                TRY(commit_changes(db, &commit, arena, err));
                vec_push(arena, commits, commit);
        }
        return STATUS_OK;
}

Status sqlite_log(Catalog *catalog, Str branch_name, int64_t before, size_t limit, Arena *arena, CatalogCommit **out,
                  size_t *out_count, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        CLEANUP(db_transaction_end) Transaction transaction = { 0 };
        TRY(db_transaction_read(db, &transaction, err));
        CommitVec commits = { 0 };
        BranchRow branch;
        int64_t seq = before > 0 ? before - 1 : SEQ_MAX;
        TRY(db_branch_find(db, branch_name, arena, &branch, err));
        for (bool more = true; more;) {
                TRY(log_on(db, &branch, seq, limit, arena, &commits, err));
                TRY(branch_down(db, &branch, &seq, arena, &more, err));
        }
        *out = commits.items;
        *out_count = commits.count;
        return db_transaction_commit(&transaction, err);
}

/* ---- --at ---- */

static bool is_commit_prefix(Str text) {
        for (size_t i = 0; i < text.size; i++) {
                char c = text.data[i];
                if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
                        return false;
        }
        return text.size >= 4 && text.size <= 2 * SHA256_SIZE;
}

/* Adds what fits on one branch; at most two are wanted, to tell that a prefix is not unique. */
static Status find_on(SqliteCatalog *db, const BranchRow *branch, int64_t seq, Str prefix, int64_t at_us, Arena *arena,
                      CommitVec *found, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        int64_t since;
        TRY(branch_since(db, branch, &since, err));
        if (prefix.size)
                TRY(db_query(db, &q, err,
                             "select " COMMIT_COLUMNS " from commit_ where id >= ?1 and id < ?1 || 'g' and branch = ?2"
                             " and seq between ?3 and ?4 limit 2",
                             "ttii", prefix, branch->name, since, seq));
        else
                TRY(db_query(db, &q, err,
                             "select " COMMIT_COLUMNS " from commit_ where branch = ? and seq between ? and ? and at_us <= ?"
                             " order by at_us desc limit 1",
                             "tiii", branch->name, since, seq, at_us));
        for (;;) {
                bool row = false;
                TRY(db_query_row(&q, &row, err));
                if (!row)
                        return STATUS_OK;
                vec_push(arena, found, commit_row(&q, arena));
        }
}

Status sqlite_find(Catalog *catalog, Str branch_name, Str text, Arena *arena, CatalogCommit *out, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        bool is_prefix = is_commit_prefix(text);
        int64_t at_us = 0;
        if (!is_prefix && !time_parse_us(text, &at_us)) {
                error_set(err, STATUS_BAD_VALUE, "'%.*s' is neither a commit nor a time", STR_ARG(text));
                return error_hint(err, "a commit is 4 or more digits of its id (lode log), a time is 2026-11-26 or "
                                       "2026-11-26T14:00:00Z");
        }
        CLEANUP(db_transaction_end) Transaction transaction = { 0 };
        TRY(db_transaction_read(db, &transaction, err));
        BranchRow branch;
        CommitVec found = { 0 };
        int64_t seq = SEQ_MAX;
        TRY(db_branch_find(db, branch_name, arena, &branch, err));
        for (bool more = true; more && (is_prefix || found.count == 0);) {
                TRY(find_on(db, &branch, seq, is_prefix ? text : STR_NONE, at_us, arena, &found, err));
                TRY(branch_down(db, &branch, &seq, arena, &more, err));
        }
        TRY(db_transaction_commit(&transaction, err));
        if (found.count > 1)
                error_set(err, STATUS_AMBIGUOUS, "more than one commit begins with '%.*s'", STR_ARG(text));
        else if (found.count == 0 && is_prefix)
                error_set(err, STATUS_NOT_FOUND, "no commit begins with '%.*s'", STR_ARG(text));
        else if (found.count == 0)
                error_set(err, STATUS_NOT_FOUND, "nothing was committed by %.*s", STR_ARG(text));
        if (found.count != 1)
                return error_hint(err, "lode log lists the commits with their times, in UTC");
        *out = found.items[0];
        return STATUS_OK;
}

/* ---- the chain ---- */

static Status verify_bodies(SqliteCatalog *db, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        TRY(db_query(db, &q, err, "select hash, bytes from body where bytes is not null", ""));
        for (;;) {
                bool row = false;
                TRY(db_query_row(&q, &row, err));
                if (!row)
                        return STATUS_OK;
                arena_reset(&scratch);
                Str hash = db_column_str(&q, 0, &scratch), body = db_column_str(&q, 1, &scratch);
                if (!str_equal(hash, sha256_hex(&scratch, sha256_of(body))))
                        return error_set(err, STATUS_CORRUPT, "the body %.*s was altered", STR_ARG(hash));
        }
}

/* What readers use must be what the chain says: the newest version of each object, the newest commit of each branch. */
static Status verify_heads(SqliteCatalog *db, Error *err) {
        int64_t wrong = 0;
        TRY(db_query_int(
                db, &wrong, 0, err,
                "select count(*) from head h where not exists (select 1 from version v where v.branch = h.branch"
                " and v.oid = h.oid and v.seq = h.seq and v.body_hash is h.body_hash) or exists (select 1 from"
                " version v where v.branch = h.branch and v.oid = h.oid and v.seq > h.seq)",
                ""));
        if (wrong)
                return error_set(err, STATUS_CORRUPT, "%lld current versions are not the newest ones",
                                 (long long)wrong);
        TRY(db_query_int(db, &wrong, 0, err,
                         "select count(*) from branch b where head_seq != 0 and (select id from commit_ c where c.seq ="
                         " b.head_seq and c.branch = b.name) is null",
                         ""));
        if (wrong)
                return error_set(err, STATUS_CORRUPT, "%lld branches point to no commit of theirs", (long long)wrong);
        TRY(db_query_int(
                db, &wrong, 0, err,
                "select count(*) from version v where not exists (select 1 from commit_ c where c.seq = v.seq)", ""));
        if (wrong)
                return error_set(err, STATUS_CORRUPT, "%lld versions belong to no commit", (long long)wrong);
        return STATUS_OK;
}

static Status verify_files(SqliteCatalog *db, const CatalogCommit *commit, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        CatalogFile *files = NULL;
        size_t count = 0;
        TRY(db_files_of(db, commit->seq, &scratch, &files, &count, err));
        if (str_equal(files_root(&scratch, files, count), commit->files_root))
                return STATUS_OK;
        return error_set(err, STATUS_CORRUPT, "the list of files that commit %.*s added was altered", STR_ARG(commit->id));
}

/* Behind the newest of its branch; or the first of a branch, or of one that was forgotten and is begun again under its name: such a
 * one goes on from another's. Main is never forgotten. */
static bool follows(const CatalogCommit *commit, const Map *last, const Map *known) {
        const Str *before = map_get(last, commit->branch), *from = map_get(known, commit->parent);
        if (before && str_equal(*before, commit->parent))
                return true;
        if (!before)
                return from || commit->parent.size == 0;
        return from && !str_is(commit->branch, "main") && !str_equal(*from, commit->branch);
}

/* `last`: branch to the id of its newest commit so far; `known`: ids so far, to their branches. */
static Status verify_commit(SqliteCatalog *db, CatalogCommit *commit, Map *last, Map *known, Error *err) {
        TRY(commit_changes(db, commit, last->arena, err));
        TRY(verify_files(db, commit, err));
        if (!str_equal(commit->id, commit_id(last->arena, commit)))
                return error_set(err, STATUS_CORRUPT, "commit %.*s was altered", STR_ARG(commit->id));
        if (!follows(commit, last, known))
                return error_set(err, STATUS_CORRUPT, "commit %.*s does not follow its parent %.*s",
                                 STR_ARG(commit->id), STR_ARG(commit->parent));
        Str *id = ARENA_NEW(last->arena, Str), *branch = ARENA_NEW(last->arena, Str);
        *id = commit->id;
        *branch = commit->branch;
        map_put(last, commit->branch, id);
        map_put(known, commit->id, branch);
        return STATUS_OK;
}

Status sqlite_audit_heads(Catalog *catalog, Arena *arena, Str **out, size_t *out_count, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        TRY(db_query(sqlite_of(catalog), &q, err,
                     "select audit from commit_ where audit != '' union select value from meta where key glob '" CATALOG_META_AUDIT "*'", ""));
        return db_query_strs(&q, arena, out, out_count, err);
}

Status sqlite_verify(Catalog *catalog, int64_t *out_count, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(db_transaction_end) Transaction transaction = { 0 };
        TRY(db_transaction_read(db, &transaction, err));
        Map last, known;
        map_init(&last, &arena);
        map_init(&known, &arena);
        CLEANUP(db_query_end) Query q = { 0 };
        int64_t count = 0;
        TRY(db_query(db, &q, err, "select " COMMIT_COLUMNS " from commit_ order by seq", ""));
        for (;;) {
                bool row = false;
                TRY(db_query_row(&q, &row, err));
                if (!row)
                        break;
                CatalogCommit commit = commit_row(&q, &arena);
                TRY(verify_commit(db, &commit, &last, &known, err));
                count++;
        }
        db_query_end(&q);
        TRY(verify_heads(db, err));
        TRY(verify_bodies(db, err));
        TRY(db_transaction_commit(&transaction, err));
        *out_count = count;
        return STATUS_OK;
}
