/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the history: any number of changes become commits in one transaction.
 */
#include "base/time.h"
#include "base/vec.h"
#include "catalog/sqlite.h"

/* One version that a commit will write. */
typedef struct NewVersion {
        CatalogName name;
        int64_t oid; /* 0 = an object to be made */
        Str hash;    /* data NULL: removal */
        Str body;
} NewVersion;

typedef VEC(NewVersion) NewVersionVec;

static Status check_one(SqliteCatalog *db, const BranchRow *branch, const CatalogCheck *check, Arena *arena,
                        Error *err) {
        VersionRow version = { 0 };
        bool found = false;
        TRY(db_version_find(db, branch, 0, (CatalogName){ check->kind, check->zone, check->name }, arena, &version,
                            &found, err));
        if (found ? str_equal(version.hash, check->body_hash) : check->body_hash.size == 0)
                return STATUS_OK;
        return error_set(err, STATUS_CONFLICT, "%.*s '%.*s%s%.*s' was changed by another in the meantime",
                         STR_ARG(check->kind), STR_ARG(check->zone), check->zone.size ? "." : "", STR_ARG(check->name));
}

static Status plan_put(SqliteCatalog *db, const BranchRow *branch, const CatalogPut *put, Arena *arena,
                       NewVersionVec *versions, Error *err) {
        CatalogName name = { put->kind, put->zone, put->name };
        VersionRow version = { 0 };
        bool found = false;
        Str hash = sha256_hex(arena, sha256_of(put->body));
        TRY(db_version_find(db, branch, 0, name, arena, &version, &found, err));
        if (found && str_equal(version.hash, hash))
                return STATUS_OK;
        int64_t oid = found ? version.oid : 0;
        if (!found)
                TRY(db_query_int(
                        db, &oid, 0, err,
                        "select max(oid) from object where kind = ? and zone = ? and name = ? and gone is null", "ttt",
                        put->kind, put->zone, put->name));
        vec_push(arena, versions, (NewVersion){ name, oid, hash, put->body });
        return STATUS_OK;
}

static Status plan_remove(SqliteCatalog *db, const BranchRow *branch, CatalogName name, Arena *arena,
                          NewVersionVec *versions, Error *err) {
        VersionRow version = { 0 };
        bool found = false;
        TRY(db_version_find(db, branch, 0, name, arena, &version, &found, err));
        if (!found)
                return error_set(err, STATUS_NOT_FOUND, "no %.*s '%.*s%s%.*s' to remove", STR_ARG(name.kind),
                                 STR_ARG(name.zone), name.zone.size ? "." : "", STR_ARG(name.name));
        vec_push(arena, versions, (NewVersion){ name, version.oid, STR_NONE, STR_NONE });
        return STATUS_OK;
}

static Str str_or_empty(Str s) {
        return s.data ? s : STR("");
}

static Status plan_added(const CatalogChange *change, Arena *arena, CatalogCommit *commit, Error *err) {
        CatalogFile *files = ARENA_ARRAY(arena, CatalogFile, change->added_count);
        for (size_t i = 0; i < change->added_count; i++)
                files[i] = change->added[i];
        files_sort(files, change->added_count);
        for (size_t i = 1; i < change->added_count; i++)
                if (str_equal(files[i - 1].path, files[i].path))
                        return error_set(err, STATUS_INTERNAL, "'%.*s' is added twice in one commit", STR_ARG(files[i].path));
        commit->files_root = files_root(arena, files, change->added_count);
        return STATUS_OK;
}

/* The commit's row, with its id; parent is the branch's head. */
static Status plan_commit(const CatalogChange *change, const BranchRow *branch, const CatalogCommit *parent,
                          const NewVersionVec *versions, Arena *arena, CatalogCommit *out, Error *err) {
        int64_t now = time_now_us();
        CatalogCommit commit = { .parent = str_or_empty(parent->id),
                                 .merge_parent = arena_str(arena, change->merge_parent),
                                 .branch = branch->name,
                                 .author = arena_str(arena, change->author),
                                 .via = arena_str(arena, change->via),
                                 .message = arena_str(arena, change->message),
                                 .git = arena_str(arena, change->git),
                                 .audit = arena_str(arena, change->audit),
                                 .at_us = now > parent->at_us ? now : parent->at_us + 1,
                                 .files_root = STR(""),
                                 .changes = ARENA_ARRAY(arena, CatalogChangeRow, versions->count),
                                 .change_count = versions->count };
        for (size_t i = 0; i < versions->count; i++) {
                const NewVersion *version = &versions->items[i];
                commit.changes[i] = (CatalogChangeRow){ arena_str(arena, version->name.kind),
                                                        arena_str(arena, version->name.zone),
                                                        arena_str(arena, version->name.name),
                                                        str_or_empty(version->hash) };
        }
        changes_sort(commit.changes, commit.change_count);
        if (!changes_distinct(commit.changes, commit.change_count))
                return error_set(err, STATUS_INTERNAL, "one object is changed twice in one commit");
        TRY(plan_added(change, arena, &commit, err));
        commit.id = commit_id(arena, &commit);
        *out = commit;
        return STATUS_OK;
}

static Status write_version(SqliteCatalog *db, const BranchRow *branch, int64_t seq, NewVersion *version, Error *err) {
        CatalogName name = version->name;
        if (version->oid == 0) {
                TRY(db_run(db, err, "insert into object (kind, zone, name, born) values (?, ?, ?, ?)", "ttti",
                           str_or_empty(name.kind), str_or_empty(name.zone), str_or_empty(name.name), seq));
                version->oid = sqlite3_last_insert_rowid(db->db);
        }
        if (version->hash.data)
                TRY(db_run(db, err,
                           "insert into body values (?, ?) on conflict (hash) do update set bytes = excluded.bytes"
                           " where bytes is null",
                           "tb", version->hash, version->body));
        else if (branch->base_id == 0)
                TRY(db_run(db, err, "update object set gone = ? where oid = ?", "ii", seq, version->oid));
        TRY(db_run(db, err, "insert into version values (?, ?, ?, ?)", "iiit", branch->id, version->oid, seq,
                   version->hash));
        return db_run(db, err, "insert or replace into head values (?, ?, ?, ?)", "iiit", branch->id, version->oid, seq,
                      version->hash);
}

static Status write_commit(SqliteCatalog *db, const BranchRow *branch, CatalogCommit *commit, NewVersionVec *versions,
                           Error *err) {
        TRY(db_run(db, err,
                   "insert into commit_ (id, parent, merge_parent, branch, author, via, at_us, message, git, audit,"
                   " files) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   "ttttttitttt", commit->id, commit->parent, commit->merge_parent, commit->branch, commit->author,
                   commit->via, commit->at_us, commit->message, commit->git, commit->audit, commit->files_root));
        commit->seq = sqlite3_last_insert_rowid(db->db);
        for (size_t i = 0; i < versions->count; i++)
                TRY(write_version(db, branch, commit->seq, &versions->items[i], err));
        return db_run(db, err, "update branch set head_seq = ? where id = ?", "ii", commit->seq, branch->id);
}

static Status commit_one(SqliteCatalog *db, const CatalogChange *change, Arena *arena, CatalogCommit *out, Error *err) {
        BranchRow branch;
        CatalogCommit commit;
        NewVersionVec versions = { 0 };
        TRY(db_branch_find(db, change->branch, arena, &branch, err));
        TRY(db_branch_head(db, &branch, arena, &commit, err));
        for (size_t i = 0; i < change->check_count; i++)
                TRY(check_one(db, &branch, &change->checks[i], arena, err));
        for (size_t i = 0; i < change->put_count; i++)
                TRY(plan_put(db, &branch, &change->puts[i], arena, &versions, err));
        for (size_t i = 0; i < change->remove_count; i++)
                TRY(plan_remove(db, &branch, change->removes[i], arena, &versions, err));
        if (versions.count) {
                CatalogCommit parent = commit;
                TRY(plan_commit(change, &branch, &parent, &versions, arena, &commit, err));
                TRY(write_commit(db, &branch, &commit, &versions, err));
                TRY(db_files_write(db, commit.seq, change->added, change->added_count, err));
        } else if (change->added_count) {
                return error_set(err, STATUS_INTERNAL, "files are added by a change that makes no commit");
        }
        TRY(db_ledger_write(db, change->deliveries, change->delivery_count, change->files, change->file_count,
                            commit.seq, err));
        for (size_t i = 0; i < change->secret_count; i++)
                TRY(db_secret_write(db, change->secrets[i].name, change->secrets[i].bytes, err));
        IntentResult published = { .intent = change->intent, .seq = commit.seq };
        if (change->intent.size)
                TRY(db_intent_write(db, &published, err));
        *out = commit;
        return STATUS_OK;
}

Status sqlite_commit(Catalog *catalog, const CatalogChange *changes, size_t count, const IntentResult *results,
                     size_t result_count, Arena *arena, CatalogCommit *outs, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        CLEANUP(db_transaction_end) Transaction transaction = { 0 };
        CatalogCommit *commits = ARENA_ARRAY(arena, CatalogCommit, count);
        TRY(db_transaction_write(db, &transaction, err));
        for (size_t i = 0; i < count; i++)
                TRY(commit_one(db, &changes[i], arena, &commits[i], err));
        for (size_t i = 0; i < result_count; i++)
                TRY(db_intent_write(db, &results[i], err));
        TRY(db_transaction_commit(&transaction, err));
        for (size_t i = 0; i < count; i++)
                outs[i] = commits[i];
        return STATUS_OK;
}

/* ---- branches ---- */

Status sqlite_branch_create(Catalog *catalog, Str name, CatalogAt base, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        if (name.size == 0 || name.size > 128 || !utf8_valid(name))
                return error_set(err, STATUS_BAD_VALUE, "a branch's name has 1 to 128 bytes of UTF-8");
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(db_transaction_end) Transaction transaction = { 0 };
        TRY(db_transaction_write(db, &transaction, err));
        int64_t id = 0;
        TRY(db_query_int(db, &id, 0, err, "select id from branch where name = ?", "t", name));
        if (id)
                return error_set(err, STATUS_EXISTS, "there is a branch '%.*s' already", STR_ARG(name));
        BranchRow from;
        CatalogCommit head;
        TRY(db_branch_find(db, base.branch, &arena, &from, err));
        TRY(db_branch_head(db, &from, &arena, &head, err));
        int64_t seq = base.seq && base.seq < head.seq ? base.seq : head.seq;
        TRY(db_run(db, err, "insert into branch (name, base_branch, base_seq, head_seq, at_us) values (?, ?, ?, 0, ?)",
                   "tiii", name, from.id, seq, time_now_us()));
        return db_transaction_commit(&transaction, err);
}

Status sqlite_branch_remove(Catalog *catalog, Str name, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(db_transaction_end) Transaction transaction = { 0 };
        TRY(db_transaction_write(db, &transaction, err));
        BranchRow branch;
        TRY(db_branch_find(db, name, &arena, &branch, err));
        if (branch.base_id == 0)
                return error_set(err, STATUS_DENIED, "branch '%.*s' is what all others begin from",
                                 STR_ARG(branch.name));
        int64_t children = 0;
        TRY(db_query_int(db, &children, 0, err, "select count(*) from branch where base_branch = ?", "i", branch.id));
        if (children)
                return error_set(err, STATUS_DENIED, "%lld branches begin from '%.*s'", (long long)children,
                                 STR_ARG(branch.name));
        TRY(db_run(db, err, "delete from head where branch = ?", "i", branch.id));
        TRY(db_run(db, err, "delete from branch where id = ?", "i", branch.id));
        return db_transaction_commit(&transaction, err);
}
