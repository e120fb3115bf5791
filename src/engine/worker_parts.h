/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a pool and its workers are made of; for pool.c (processes, folders, leases), worker.c (calls) and rows.c
 * (answers) alone.
 *
 * The pool's lock guards the list of workers and what a lease decides (principal, leased). Everything else of a
 * Worker belongs to the thread that holds the lease; `stop` and `wake` are how others reach it.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "engine/inbox.h"
#include "engine/worker.h"

struct Worker {
        WorkerPool *pool;
        Worker *next;
        char *folder;    /* RUN/<server>/<number> */
        char *principal; /* NULL while virgin */
        uint64_t memory_limit; /* bytes for its engine */
        unsigned leases;
        int64_t idle_us; /* since when, monotonic */
        pid_t process;   /* 0 once it is reaped */
        int control, rows;
        int wake; /* an eventfd: worker_interrupt() */
        atomic_bool stop, way; /* way: it is to make way */
        bool leased, greeted, lost;
        bool killed; /* by us */
        bool nice;   /* it makes way */
        int64_t started_us;
        int64_t began_us, most_us; /* of worker_allow() */
        uint64_t statement; /* the last number used */
        Inbox control_inbox, rows_inbox;
        Arena memory; /* of the failure of the last call */
        Failure failure;
        bool has_failure;
        Arena defined_memory;
        Map defined; /* types that worker_define() has sent */
        bool has_grants, has_files;
        char zone[64]; /* that worker_zone() sent; empty: UTC */
};

struct WorkerPool {
        WorkerOptions options; /* with the defaults filled in; strings are the pool's */
        char *folder;          /* RUN/<server> */
        int lock_file;
        pthread_mutex_t lock;
        pthread_cond_t freed;
        Worker *workers;
        int alive;
        unsigned started; /* names folders */
};

/* One request on its way. */
typedef struct Call {
        MessageType reply;       /* what a good answer is called */
        WorkerProgress progress; /* STAGE */
        void *context;
        int64_t started_us, most_us; /* most_us 0: no time-out */
        Status why;                  /* why it was told to stop, or OK */
        Error progress_error;        /* the caller's own, when its function failed */
        int64_t kill_us;             /* when the patience ends; 0 while it was not told to stop */
        int64_t look_us;             /* waits no longer at a time; 0 = as long as there is nothing to do */
} Call;

/* Sends a request, and with it makes everything of earlier ones stale. */
Status worker_send(Worker *worker, MessageType type, const Buf *payload, const int *fds, size_t fd_count, Call *call,
                   Error *err);
/* The next control message of this statement, or none yet. FAIL is its failure. */
Status worker_take_reply(Worker *worker, Call *call, Str user_sql, Message *out, bool *out_has, Error *err);
/* The next frame on the rows socket of this statement, or none yet. */
Status worker_take_frame(Worker *worker, Message *out, bool *out_has, Error *err);
/* Waits until something may have come on either socket, and reads it; stops what is to be stopped. */
Status worker_wait(Worker *worker, Call *call, Error *err);
/* It broke the protocol (err says how): ended. */
Status worker_lose_liar(Worker *worker, Error *err);

/* Waits for HELLO. The worker must be destroyed if it fails. */
Status worker_greet(Worker *worker, Error *err);
void worker_kill(Worker *worker);
/* After its lease. A worker that cannot be given its rank back is lost. */
void worker_take_rank(Worker *worker);
/* Reaps the process, which is dead or about to die, and says how it ended. */
Status worker_reap(Worker *worker, Error *err);
/* Removes what a statement left in the folder. */
void worker_clean(Worker *worker);
