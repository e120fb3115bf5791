/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Workers, seen from `lode`: the processes that hold the engine and parse users' files.
 *
 * A pool starts `lode-worker` processes early and in the background; each boxes itself, opens its engine and says
 * HELLO. A lease gives one to a caller for one statement (or a few in a row). The first lease ties a worker to a
 * principal until it dies; it is never given to another. A worker that crashes, runs out of memory or is killed for
 * its time fails the call that used it, with WORKER_LOST, MEMORY or TIMEOUT; the pool goes on with others.
 *
 * A worker's folder is RUN/<server>/<worker>/ with g/ (granted files, hard links), out/ (what it built) and spill/.
 * The server's folder has a lock file that its process holds; folders of the dead are swept when a pool opens.
 *
 * Threads: pool calls from any thread; a Worker by one thread at a time, except worker_interrupt(). Workers die with
 * this process. All calls block. Results live in the arena given.
 */
#include <signal.h>

#include "base/type.h"
#include "base/value.h"
#include "engine/message.h"

typedef struct WorkerPool WorkerPool;
typedef struct Worker Worker;

/* Zero in a member means its default. */
typedef struct WorkerOptions {
        const char *run_folder;       /* STORE/run, absolute; made if absent; on the file system of the store's data */
        const char *program;          /* default: $LODE_WORKER, else lode-worker in the folder of this program */
        int ready;                    /* virgin workers started at once; default 1 */
        int most;                     /* workers alive at a time; default 8; a lease beyond it waits */
        bool refill;                  /* start another when a virgin one is taken (servers; the CLI does not) */
        bool without_box;             /* LODE_UNSAFE_NO_SANDBOX=1 does the same */
        uint64_t memory_limit;        /* bytes for the engine; default 2 GB */
        int threads;                  /* of the engine; default: the processors there are, at most 8 */
        int64_t start_timeout_us;     /* until HELLO; default 20 s */
        int64_t statement_timeout_us; /* for each call; default none */
        const volatile sig_atomic_t *interrupted; /* looked at while waiting; when set, the call fails INTERRUPTED */
        bool hide_detail;                         /* errors leave out the engine's own sentence */
} WorkerOptions;

/* Starts the workers and returns at once. ENGINE (no worker program), IO. */
Status worker_pool_open(const WorkerOptions *options, WorkerPool **out, Error *err);
void worker_pool_close(WorkerPool *pool); /* kills all workers, removes the folder; NULL is fine */
void worker_pool_closep(WorkerPool **pool);

/* Removes the folders of servers that are dead, those whose lock is free, or only counts them. Opening a pool does it. */
void worker_folders_sweep(const char *run_folder, bool dry_run, int64_t *out_folders, int64_t *out_bytes);

/* Waits for a worker's HELLO if need be. ENGINE (another version), SANDBOX, WORKER_LOST, TIMEOUT. */
Status worker_lease(WorkerPool *pool, Str principal, Worker **out, Error *err);
/* The same with as much memory for the engine as the wish says. */
typedef struct WorkerWish {
        Str principal;
        uint64_t memory; /* bytes; 0 = the pool's */
} WorkerWish;
Status worker_lease_for(WorkerPool *pool, const WorkerWish *wish, Worker **out, Error *err);
/* Whether this is its first lease: it was not idle between two. */
bool worker_is_new(const Worker *worker);
/* Ends workers that somebody had and that were idle for so long. Call it now and then. */
void worker_pool_trim(WorkerPool *pool, int64_t idle_us);
void worker_release(Worker *worker); /* takes back the grants and built files too; NULL is fine */
void worker_releasep(Worker **worker);
pid_t worker_process(const Worker *worker);
bool worker_is_lost(const Worker *worker); /* every further call fails with WORKER_LOST */
/* Facts of the last failed call; NULL if it failed otherwise than in the worker. Until the next call. */
const Failure *worker_failure(const Worker *worker);

/* Whether work could be done: a worker that belongs to nobody says HELLO, started if need be. OK as well when all are at work. */
Status worker_pool_probe(WorkerPool *pool, Error *err);
void worker_pool_counts(WorkerPool *pool, int *out_alive, int *out_leased);

/* Statements */

typedef struct WorkerColumn {
        Str name;
        Str engine_type; /* as the engine spells it, e.g. HUGEINT */
        bool has_type;   /* a Type of ours says the same */
        Type type;
} WorkerColumn;

/* $1 as "1"; has_type is false, and the type's text empty, where the statement does not tell. */
typedef WorkerColumn WorkerParameter;

typedef struct WorkerColumns {
        WorkerColumn *items;
        size_t count;
        WorkerParameter *parameters;
        size_t parameter_count;
} WorkerColumns;

/* The user's text as the engine's JSON tree. SQL_SYNTAX with its place; SQL_REFUSED unless exactly one SELECT. */
Status worker_parse(Worker *worker, Str sql, Arena *arena, Str *out_json, Error *err);
/* Binds and describes; nothing runs. The worker keeps the prepared statement for an execute of the same text. */
Status worker_prepare(Worker *worker, Str sql, Arena *arena, WorkerColumns *out, Error *err);
/* `data_row` is a whole DataRow message (engine/data_row.h), valid during the call. A failing sink stops the statement.
 * Nested values come as JSON. */
typedef Status (*WorkerRowSink)(void *context, Str data_row, Error *err);
Status worker_execute(Worker *worker, Str sql, WorkerRowSink sink, void *context, int64_t *out_rows, Error *err);
/* Flattening functions for these types (engine/functions.h), before SQL that names them. Cheap when known. */
Status worker_define(Worker *worker, const Type *types, size_t count, Error *err);
/* A time zone, as both the engine and what prints its timestamps need it. */
typedef struct TimeZone {
        Str name;       /* the engine's: Europe/Berlin, GMT+05:30; empty: UTC */
        Str bytes;      /* its TZif file; empty: */
        int32_t offset; /* ... always so many seconds east of Greenwich */
} TimeZone;

/* The zone in which statements of this worker read and print times from now on. Cheap when it is the one that holds. */
Status worker_zone(Worker *worker, const TimeZone *zone, Error *err);
/* The function of the mask `hash` under this key, before SQL that names it. Cheap when known; a worker has one key. */
Status worker_define_hash(Worker *worker, Str key, Error *err);
/* Until the end of the lease calls may take until `us` microseconds after began_us (monotonic), all together; 0 = each as long
 * as the pool allows. */
void worker_allow(Worker *worker, int64_t began_us, int64_t us);
/* From any thread: the running call fails with INTERRUPTED, by kill if the worker does not answer in 250 ms. */
void worker_interrupt(Worker *worker);
/* From any thread: until the end of its lease it makes way for other processes (nice). */
void worker_make_way(Worker *worker);

/* Files */

/* A hard link of the file in the worker's folder; the path to name in SQL. The kernel shows the worker no other. */
Status worker_grant(Worker *worker, const char *path, Arena *arena, const char **out_path, Error *err);
/* A new file among the granted ones, for what the caller writes itself. The descriptor is the caller's to close. */
Status worker_new_file(Worker *worker, Arena *arena, int *out_fd, const char **out_path, Error *err);
/* The same under a name that says what will be in it: the same again for the same. -1: it is there already. */
Status worker_named_file(Worker *worker, uint64_t name, Arena *arena, int *out_fd, const char **out_path, Error *err);
void worker_revoke_all(Worker *worker);

/* What a table's column becomes: HUGEINT decimal(38,0), TINYINT int, UINTEGER bigint, ENUM and JSON text ...; SQL_TYPE where nothing fits. */
Status worker_table_type(const WorkerColumn *column, Arena *arena, Type *out, Error *err);

typedef struct WorkerBuildColumn {
        Str name; /* a column of the select */
        int field_id; /* 0 for all: the file is no table's and has none */
        Type type; /* cast to it; nested types carry their ids */
} WorkerBuildColumn;

typedef struct WorkerFile {
        const char *path; /* in the worker's out/: link or rename it away before the release */
        FileStatistics statistics;
} WorkerFile;

/* The answer of a SELECT as Parquet (zstd 1, row groups of 122,880, field ids). An answer without rows is a file too. */
Status worker_build(Worker *worker, Str select, const WorkerBuildColumn *columns, size_t column_count, Arena *arena,
                    WorkerFile **out_files, size_t *out_count, Error *err);
/* The same as one Arrow IPC stream; of its statistics only rows and bytes are told. */
Status worker_build_arrow(Worker *worker, Str select, const WorkerBuildColumn *columns, size_t column_count, Arena *arena, WorkerFile *out, Error *err);

/*
 * Reading users' files: payloads are made and read by engine/stage_message.h, locate_message.h, trial_message.h and review_message.h; descriptors are lent, not taken.
 * on_progress (may be NULL) gets each PROGRESS payload.
 */
typedef Status (*WorkerProgress)(void *context, Str payload, Error *err);
Status worker_sniff(Worker *worker, Str request, const int *fds, size_t fd_count, Arena *arena, Str *out_reply,
                    Error *err);
Status worker_locate(Worker *worker, Str request, const int *fds, size_t fd_count, Arena *arena, Str *out_reply,
                     Error *err);
Status worker_try(Worker *worker, Str request, const int *fds, size_t fd_count, Arena *arena, Str *out_reply, Error *err);
/* An archive, and where its members' bytes go; the reply is read by engine/unpack_message.h. */
Status worker_unpack(Worker *worker, const int *fds, size_t fd_count, Arena *arena, Str *out_reply, Error *err);
Status worker_review(Worker *worker, Str request, const int *fds, size_t fd_count, Arena *arena, Str *out_reply, Error *err);
Status worker_stage(Worker *worker, Str request, const int *fds, size_t fd_count, WorkerProgress on_progress,
                    void *context, Arena *arena, Str *out_reply, Error *err);
