/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Catalog: the versioned truth. Objects (kind, zone, name) with bodies, in one history of commits on branches,
 * and beside it the ledger of deliveries. A struct of functions: SQLite here, PostgreSQL later; one test suite.
 *
 * An object's identity is its oid; kind, zone and name find it. Kinds are words of the callers:
 *   zone, source, model, view, access, project ...   body: the project's text or what was made of it
 *   table, quarantine                                body: JSON, see lake/table.h (TableBody)
 * Names of tables carry their stage ("staging.orders"). The catalog looks into no body.
 *
 * A commit is one transaction; its id is SHA-256, in hex, over these fields, each as a little-endian u64 length
 * followed by its bytes (numbers in decimal):
 *   "lode commit 2", parent id, merge parent id, branch, author, via, at_us, message, git, audit head,
 *   number of changes, and for each change, sorted bytewise by (kind, zone, name):
 *   kind, zone, name, body hash (64 hex digits of SHA-256 over the body; empty for a removal)
 *   root of the files that the commit added to the store; empty if it added none
 * and that root is SHA-256, in hex, over fields of the same form:
 *   "lode files 1", number of files, and for each, sorted bytewise by path: path, its bytes' SHA-256 in hex, its size
 * So a commit's id stands for every byte of data that it brought. The rows of files that were removed on purpose stay,
 * marked as gone, and the root can always be worked out again. Paths are below the store's root, wherever that lies.
 * Bodies are not in it, so erasure can blank a body and the chain still verifies. Times are max(now, parent + 1 us).
 *
 * Results live in the caller's arena. A Catalog is used by one thread at a time; any number of processes may have
 * the same one open, each call is one transaction, none stays open between calls. Conflict with a check: CONFLICT.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"

typedef struct Catalog Catalog;

/* Where to read: a branch (empty = main) and a commit's seq (0 = its head). */
typedef struct CatalogAt {
        Str branch;
        int64_t seq;
} CatalogAt;

typedef struct CatalogName {
        Str kind, zone, name;
} CatalogName;

typedef struct CatalogObject {
        int64_t oid;
        Str kind, zone, name;
        int64_t seq;        /* the commit that put this version */
        Str commit;         /* its id */
        int64_t changed_us; /* its time */
        Str body_hash;      /* hex */
        Str body;           /* empty and data NULL when it was erased */
} CatalogObject;

typedef struct CatalogChangeRow {
        Str kind, zone, name;
        Str body_hash; /* empty: removed */
} CatalogChangeRow;

typedef struct CatalogCommit {
        int64_t seq;
        Str id, parent, merge_parent; /* hex; empty where none */
        Str branch, author, via, message, git, audit;
        Str files_root; /* hex; empty where no file was added */
        int64_t at_us;
        CatalogChangeRow *changes; /* sorted by kind, zone, name */
        size_t change_count;
} CatalogCommit;

/*
 * One file of the store that a commit added: Parquet, manifest, manifest list or metadata.json. (Landed files are not
 * among them: their hash is their name, and the ledger has it.) A path may be added by several commits.
 */
typedef struct CatalogFile {
        Str path;            /* below the store's root */
        Str sha256;          /* hex; what was added */
        int64_t bytes;
        /* set by the catalog */
        int64_t seq;         /* the commit that added it */
        int64_t gone_us;     /* when it was removed on purpose; 0 = it has to be there */
        Str moved_sha256;    /* what lies there since the store was restored at another path, where that differs: */
        int64_t moved_bytes; /* Iceberg's paths are absolute and were written anew. Empty = as it was added */
} CatalogFile;

/* That the store was restored at another path: files of commits up to seq were added while it lay at `root`. */
typedef struct CatalogMove {
        int64_t seq;
        Str root;
        Str codec;           /* the version of the library that packed what was written anew */
        int64_t at_us;       /* set by the catalog */
} CatalogMove;

/* In order of (seq, path). */
typedef struct CatalogFileQuery {
        int64_t seq;         /* with path: that row alone; 0 = all */
        Str path;
        int64_t after_seq;   /* only behind (after_seq, after_path): to read on */
        Str after_path;
        bool gone;           /* those that are gone too */
        size_t limit;        /* 0 = all */
} CatalogFileQuery;

/* One version of one object on one branch: what any commit, of a removed branch too, ever put or removed. */
typedef struct CatalogVersion {
        int64_t seq, branch_id, oid; /* together the place in catalog_versions()'s order */
        Str commit;          /* id */
        Str branch;          /* as the commit names it */
        bool branch_gone;    /* the branch was removed since */
        Str kind, zone, name;
        Str body_hash;       /* empty: removed */
        Str body;            /* data NULL when erased or removed */
} CatalogVersion;

/* ---- the ledger ---- */

/* One received file of a source. The row is rewritten as it moves on; the catalog keeps its newest form only. */
typedef struct Delivery {
        int64_t id;         /* `_file`: 63 bits of SHA-256 over source id, content hash and as_of; > 0 */
        Str zone, source;
        Str name;           /* as the sender named it */
        Str sha256;         /* hex */
        int64_t bytes;
        Str as_of;          /* as text; empty where the source does not tell deliveries apart by it */
        int64_t landed_us;
        Str landing;        /* below the store's root: landing/ZONE/SOURCE/YYYY-MM/SHA256 */
        Str state;          /* landed | staged | held | failed */
        int64_t records, accepted, quarantined, skipped;
        Str message;        /* why it is held or failed; empty otherwise */
        Str spec;           /* hash of the text by which it was read; another one means: read again */
        Str detail;         /* JSON of the caller (rules and counts), or empty */
        /* set by the catalog */
        int64_t revision;   /* 1 when first written, then counted up */
        int64_t seq;        /* the commit that staged it; 0 = none */
        Str commit;         /* its id */
        /* for writing: what the row must be now: DELIVERY_ANY, 0 = absent, else that revision; CONFLICT otherwise */
        int64_t expect;
} Delivery;

#define DELIVERY_ANY (-1)

/* One file as it was last seen at its place, so that unchanged files are not hashed again. */
typedef struct FileSeen {
        Str zone, source;   /* source is empty for a file that no source claims */
        Str place;          /* absolute path or URI */
        int64_t device, inode, size, mtime_ns, ctime_ns;
        int64_t looked_us;
        Str sha256;         /* hex; empty if it was not read */
        int64_t delivery;   /* 0 = none */
        Str state;          /* staged | duplicate | held | failed | unclaimed, or landed on its way */
        Str message;
} FileSeen;

typedef struct DeliveryQuery {
        Str zone, source;   /* empty = all */
        Str state;          /* empty = all */
        Str sha256;         /* empty = all */
        Str name;           /* empty = all */
        int64_t id;         /* 0 = all */
        size_t limit;       /* 0 = all */
} DeliveryQuery;

/* ---- retention ---- */

/* The body of versions that no branch shows any more and none begins from. */
typedef struct CatalogReplaced {
        Str kind, zone, name;
        int64_t seq;        /* of the commit by which it was put last */
        Str commit;         /* its id */
        int64_t until_us;   /* until when it was shown; of a branch that was removed: since when */
        Str body_hash;
        Str body;           /* data NULL when it was erased */
} CatalogReplaced;

/* That the files of a version are gone on purpose. */
typedef struct CatalogExpired {
        int64_t at_us;
        Str rule;           /* whose, in words */
} CatalogExpired;

/* ---- writing ---- */

typedef struct CatalogPut {
        Str kind, zone, name;
        Str body;           /* equal to the head's: no version, no change row */
} CatalogPut;

/* What must hold at the head of the branch, else CONFLICT: the body hash in hex, or empty = no such object. */
typedef struct CatalogCheck {
        Str kind, zone, name;
        Str body_hash;
} CatalogCheck;

/* Outside of history, in the same transaction. */
typedef struct CatalogSecret {
        Str name, bytes;    /* empty: taken away */
} CatalogSecret;

/* One commit to be. Plain data, borrowed for the call. With neither puts that change anything nor removes no commit
 * is made: ledger and secrets are written all the same and the commit given back is the head. */
typedef struct CatalogChange {
        Str branch;         /* empty = main */
        Str author;         /* "local:ann" */
        Str via;            /* "cli", "http", "serve" */
        Str message;
        Str git;            /* the project's git commit, "+dirty" behind it when it was not clean; empty = none */
        Str merge_parent;   /* id, for merges */
        Str audit;          /* head of the audit chain, hex; empty = none */
        Str intent;         /* id of the change set: its outcome is recorded under it; empty = none */
        const CatalogCheck *checks;
        size_t check_count;
        const CatalogPut *puts;
        size_t put_count;
        const CatalogName *removes; /* absent ones are NOT_FOUND */
        size_t remove_count;
        const Delivery *deliveries; /* those in state "staged" get this commit's seq, others keep theirs */
        size_t delivery_count;
        const FileSeen *files;
        size_t file_count;
        const CatalogSecret *secrets;
        size_t secret_count;
        const CatalogFile *added; /* path, sha256, bytes; no path twice. A change that makes no commit may have none */
        size_t added_count;
} CatalogChange;

/* How a change set ended, for a waiter or its restart. */
typedef struct IntentResult {
        Str intent;
        Status status;      /* OK, CONFLICT ... */
        Str message;        /* empty when OK */
        int64_t seq;        /* OK: its commit */
        Str commit;
} IntentResult;

typedef struct CatalogBranch {
        Str name, base_branch;
        int64_t base_seq, head_seq;
        Str head;           /* id of the newest commit, its base's when it has none */
        int64_t at_us;
} CatalogBranch;

typedef struct CatalogFunctions {
        Status (*get)(Catalog *, CatalogAt, CatalogName, Arena *, CatalogObject *, Error *);
        Status (*list)(Catalog *, CatalogAt, Str kind, Str zone, Arena *, CatalogObject **, size_t *, Error *);
        Status (*history)(Catalog *, Str branch, CatalogName, size_t limit, Arena *, CatalogObject **, size_t *, Error *);
        Status (*log)(Catalog *, Str branch, int64_t before, size_t limit, Arena *, CatalogCommit **, size_t *, Error *);
        Status (*head)(Catalog *, Str branch, Arena *, CatalogCommit *, Error *);
        Status (*find)(Catalog *, Str branch, Str text, Arena *, CatalogCommit *, Error *);
        Status (*commit)(Catalog *, const CatalogChange *, size_t, const IntentResult *, size_t, Arena *, CatalogCommit *,
                         Error *);
        Status (*settle)(Catalog *, Error *);
        Status (*intent)(Catalog *, Str id, Arena *, IntentResult *, Error *);
        Status (*forget_intents)(Catalog *, int64_t before_us, const Str *living, size_t living_count, Error *);
        Status (*ledger)(Catalog *, const Delivery *, size_t, const FileSeen *, size_t, Error *);
        Status (*deliveries)(Catalog *, const DeliveryQuery *, Arena *, Delivery **, size_t *, Error *);
        Status (*file_seen)(Catalog *, Str zone, Str source, Str place, Arena *, FileSeen *, Error *);
        Status (*files_seen)(Catalog *, Str zone, Str source, Arena *, FileSeen **, size_t *, Error *);
        Status (*forget_file)(Catalog *, Str zone, Str source, Str place, Error *);
        Status (*replaced)(Catalog *, Str kind, Arena *, CatalogReplaced **, size_t *, Error *);
        Status (*expire)(Catalog *, Str kind, const Str *, size_t, Str rule, size_t *, Error *);
        Status (*expired)(Catalog *, Str body_hash, Arena *, CatalogExpired *, Error *);
        Status (*live_bodies)(Catalog *, Str kind, Arena *, Str **, size_t *, Error *);
        Status (*branches)(Catalog *, Arena *, CatalogBranch **, size_t *, Error *);
        Status (*branch_create)(Catalog *, Str name, CatalogAt base, Error *);
        Status (*branch_remove)(Catalog *, Str name, Error *);
        Status (*secret)(Catalog *, Str name, Arena *, Str *, Error *);
        Status (*put_secret)(Catalog *, Str name, Str bytes, Error *);
        Status (*meta)(Catalog *, Str key, Arena *, Str *, Error *);
        Status (*put_meta)(Catalog *, Str key, Str value, Error *);
        Status (*files)(Catalog *, const CatalogFileQuery *, Arena *, CatalogFile **, size_t *, Error *);
        Status (*files_gone)(Catalog *, const Str *, size_t, Error *);
        Status (*files_published)(Catalog *, const Str *, size_t, Arena *, Str **, size_t *, Error *);
        Status (*files_moved)(Catalog *, const CatalogFile *, size_t, Error *);
        Status (*move)(Catalog *, Str, Str, Error *);
        Status (*moves)(Catalog *, Arena *, CatalogMove **, size_t *, Error *);
        Status (*versions)(Catalog *, const CatalogVersion *, size_t, Arena *, CatalogVersion **, size_t *, Error *);
        Status (*next)(Catalog *, Str key, int64_t *, Error *);
        Status (*audit_heads)(Catalog *, Arena *, Str **, size_t *, Error *);
        Status (*verify)(Catalog *, int64_t *, Error *);
        Status (*generation)(Catalog *, int64_t *, Error *);
        void (*free)(Catalog *);
} CatalogFunctions;

struct Catalog {
        const CatalogFunctions *functions;
};

/* A new catalog in a file that must not exist, with branch main and meta format and root. */
Status catalog_create_sqlite(const char *path, int64_t format, Str root, Error *err);
/* NO_STORE, STORE_FORMAT (its tables are not ours), CORRUPT, IO. The caller compares meta format and root. */
Status catalog_open_sqlite(const char *path, Catalog **out, Error *err);
/* A copy of all of it, as of one moment, in a new file; others may go on meanwhile. Synced, its folder not. */
Status catalog_copy_sqlite(Catalog *catalog, const char *path, Error *err);
/* What is damaged in the file itself, in words: pages that are not what was written, by their checksums, and what SQLite
 * finds wrong. Needs no page to be whole. Bytes that hold nothing count too; pages that SQLite never wrote do not. */
Status catalog_check_sqlite(const char *path, Arena *arena, Str **out, size_t *out_count, int64_t *out_pages, Error *err);
void catalog_free(Catalog *catalog);
void catalog_freep(Catalog **catalog);

/* ---- reading ---- */

/* NOT_FOUND when it is not there at that commit. */
Status catalog_get(Catalog *catalog, CatalogAt at, CatalogName name, Arena *arena, CatalogObject *out, Error *err);
/* Kind and zone may be empty (= all); sorted by kind, zone, name. */
Status catalog_list(Catalog *catalog, CatalogAt at, Str kind, Str zone, Arena *arena, CatalogObject **out, size_t *out_count,
                    Error *err);
/* The versions of one object on a branch, newest first; a removal is a row whose body_hash is empty. limit 0 = all. */
Status catalog_history(Catalog *catalog, Str branch, CatalogName name, size_t limit, Arena *arena, CatalogObject **out,
                       size_t *out_count, Error *err);
/* Commits that the branch sees, its base's included, newest first, with their changes; before = 0 or only seq < before. */
Status catalog_log(Catalog *catalog, Str branch, int64_t before, size_t limit, Arena *arena, CatalogCommit **out,
                   size_t *out_count, Error *err);
/* The newest commit of a branch, without its changes; a catalog with none gives seq 0 and an empty id. NOT_FOUND: no such branch. */
Status catalog_head(Catalog *catalog, Str branch, Arena *arena, CatalogCommit *out, Error *err);
/* What `--at` takes: a commit id or a prefix of at least 4 digits, or a time (the newest commit not after it; a date
 * alone means its beginning, UTC). NOT_FOUND, AMBIGUOUS, BAD_VALUE with the words. */
Status catalog_find(Catalog *catalog, Str branch, Str text, Arena *arena, CatalogCommit *out, Error *err);

/* ---- writing ---- */

/* One transaction: all changes become commits in this order, or nothing happens. outs[i] is the commit of changes[i].
 * results: outcomes of change sets that made no commit. CONFLICT: a check or a delivery's expect does not hold. */
Status catalog_commit_all(Catalog *catalog, const CatalogChange *changes, size_t count, const IntentResult *results,
                          size_t result_count, Arena *arena, CatalogCommit *outs, Error *err);
Status catalog_commit(Catalog *catalog, const CatalogChange *change, Arena *arena, CatalogCommit *out, Error *err);
/* What is read may be of one who died before its last sync: a power cut can still take it away. After this it cannot. */
Status catalog_settle(Catalog *catalog, Error *err);
/* NOT_FOUND while nothing is known of it. */
Status catalog_intent(Catalog *catalog, Str id, Arena *arena, IntentResult *out, Error *err);
/* Outcomes older than this are dropped, but not those of the living, however old: they count as young from now on. */
Status catalog_forget_intents(Catalog *catalog, int64_t before_us, const Str *living, size_t living_count, Error *err);

/* Ledger rows outside any commit (landing): one transaction, durable when it returns. */
Status catalog_ledger(Catalog *catalog, const Delivery *deliveries, size_t delivery_count, const FileSeen *files,
                      size_t file_count, Error *err);
/* Newest first (landed_us, then id). */
Status catalog_deliveries(Catalog *catalog, const DeliveryQuery *query, Arena *arena, Delivery **out, size_t *out_count,
                          Error *err);
Status catalog_delivery(Catalog *catalog, int64_t id, Arena *arena, Delivery *out, Error *err);
Status catalog_file_seen(Catalog *catalog, Str zone, Str source, Str place, Arena *arena, FileSeen *out, Error *err);
/* zone and source may be empty: all. Sorted by zone, source, place. */
Status catalog_files_seen(Catalog *catalog, Str zone, Str source, Arena *arena, FileSeen **out, size_t *out_count, Error *err);
Status catalog_forget_file(Catalog *catalog, Str zone, Str source, Str place, Error *err);

/* Those of a kind that have not expired, each body once, what was shown least recently first. */
Status catalog_replaced(Catalog *catalog, Str kind, Arena *arena, CatalogReplaced **out, size_t *out_count, Error *err);
/* Records that these bodies' files may go, before any of them does. One transaction, in which those that some branch shows
 * by now are left out. */
Status catalog_expire(Catalog *catalog, Str kind, const Str *body_hashes, size_t count, Str rule, size_t *out_count,
                      Error *err);
/* NOT_FOUND for a version that has not expired. */
Status catalog_expired(Catalog *catalog, Str body_hash, Arena *arena, CatalogExpired *out, Error *err);
/* The bodies of every version of a kind that has not expired, each once: what files must stay for. */
Status catalog_live_bodies(Catalog *catalog, Str kind, Arena *arena, Str **out, size_t *out_count, Error *err);

Status catalog_branches(Catalog *catalog, Arena *arena, CatalogBranch **out, size_t *out_count, Error *err);
/* EXISTS; base.seq 0 = the base's head. */
Status catalog_branch_create(Catalog *catalog, Str name, CatalogAt base, Error *err);
/* Forgets a branch's name and heads; its commits stay in the chain. main is DENIED. */
Status catalog_branch_remove(Catalog *catalog, Str name, Error *err);

/* Outside the history: verifiers, token hashes, keys. Putting an empty value removes it. */
Status catalog_secret(Catalog *catalog, Str name, Arena *arena, Str *out, Error *err);
Status catalog_put_secret(Catalog *catalog, Str name, Str bytes, Error *err);
Status catalog_meta(Catalog *catalog, Str key, Arena *arena, Str *out, Error *err); /* NOT_FOUND */
Status catalog_put_meta(Catalog *catalog, Str key, Str value, Error *err);
#define CATALOG_META_AUDIT "audit " /* and a file's name: a head of it that no commit carries */
#define CATALOG_META_AUDIT_SINCE "audit-since" /* files of days before were retired */
/* Counts that setting up, from 1: no two callers get the same number. */
Status catalog_next(Catalog *catalog, Str key, int64_t *out, Error *err);

/* ---- what the store must hold ---- */

Status catalog_files(Catalog *catalog, const CatalogFileQuery *query, Arena *arena, CatalogFile **out, size_t *out_count,
                     Error *err);
/* Marks every row of these paths as gone, in one transaction: before the files are removed, so that whatever happens
 * none is missed. Paths without a row are fine. */
Status catalog_files_gone(Catalog *catalog, const Str *paths, size_t count, Error *err);
/* Those of the paths that any commit ever added, gone or not; in order of path. */
Status catalog_files_published(Catalog *catalog, const Str *paths, size_t count, Arena *arena, Str **out, size_t *out_count,
                               Error *err);
/* Sets moved_sha256 and moved_bytes of rows that are named by seq and path, in one transaction. */
Status catalog_files_moved(Catalog *catalog, const CatalogFile *files, size_t count, Error *err);
/* The store lies at `root` from now on: meta root and one more move. One transaction. For a restored catalog that nobody
 * else has open. */
Status catalog_move(Catalog *catalog, Str root, Str codec, Error *err);
Status catalog_moves(Catalog *catalog, Arena *arena, CatalogMove **out, size_t *out_count, Error *err); /* oldest first */
/* All versions of all objects, in order of (seq, branch_id, oid), from behind `after` (NULL = from the first) on. */
Status catalog_versions(Catalog *catalog, const CatalogVersion *after, size_t limit, Arena *arena, CatalogVersion **out,
                        size_t *out_count, Error *err);
/* What is kept of the audit log: each head that any commit carries, once, and the values under CATALOG_META_AUDIT. */
Status catalog_audit_heads(Catalog *catalog, Arena *arena, Str **out, size_t *out_count, Error *err);
/* Recomputes every commit's id and its root of files, looks that each follows its parent and that every kept body has
 * its hash: CORRUPT names the first commit that does not. Gives how many were looked at. */
Status catalog_verify_chain(Catalog *catalog, int64_t *out_count, Error *err);
/* A number that changes when another connection has written; for caches. */
Status catalog_generation(Catalog *catalog, int64_t *out, Error *err);
