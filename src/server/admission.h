/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Admission: who may do how much at a time, and who is next. Every door of the server (PostgreSQL, HTTP) brings its work
 * here as tickets of *parties*: a principal is one party however many connections it has, and so is an address of which
 * nobody has logged in yet. One party's hundred tickets never stand before another's first.
 *
 *   admission_join(...)       a connection of a principal: 53300 beyond its limit or the server's
 *   admission_reserve(...)    a place in line for a statement: 53300 when its principal has too many there
 *   admission_queue(...)      ... and into it
 *   admission_next(...)       a thread asks what it may do next; then admission_done()
 *
 * A connection has two tickets: one for turns, one for the statement that it waits with or runs.
 *
 * Lanes: what the server answers itself (TURNS, short, never waits for a worker), and statements for a worker. Of these
 * as many run at once as the server has slots, and each principal no more than its limit and, while others ask (or did within
 * the last second), its part of the slots. Whoever runs none gets a slot
 * beyond them (`firsts`), so that nobody waits for another's endless question; and what only asks the catalogue (SYSTEM)
 * has two slots of its own a principal, so that it does not wait behind that principal's own either. Who has fewest
 * running is next; among equals, who waited longest for a turn.
 *
 * Any thread; it has a lock of its own and takes no other. Tickets are their owner's memory, in one state at a time.
 */
#include "model/limits.h"

typedef struct Admission Admission;
typedef struct Party Party;

typedef enum Lane { LANE_TURNS, LANE_SYSTEM, LANE_QUESTIONS, LANE_COUNT } Lane;
typedef enum TicketState { TICKET_OUT, TICKET_RESERVED, TICKET_WAITING, TICKET_RUNNING } TicketState;

typedef struct Ticket {
        void *owner;
        Party *party;
        Lane lane;
        TicketState state;
        bool first;       /* it runs in one of the slots beyond */
        int64_t since_us; /* monotonic: when it came into that state */
        struct Ticket *before, *after;
} Ticket;

typedef struct AdmissionOptions {
        size_t slots;       /* statements at once */
        size_t firsts;      /* beyond them, for those who run none */
        size_t system;      /* statements of lane SYSTEM at once */
        size_t connections; /* logged in at once */
        size_t reserved;    /* of these, for administrators only */
        size_t logins;      /* threads that logins may have at once */
        size_t bytes;       /* that the connections of one party may make the server keep */
        size_t turns;       /* threads for lane TURNS: no party has all of them */
        size_t cursors;     /* that keep a worker, in all; a principal's first one beyond them too */
} AdmissionOptions;

Admission *admission_new(const AdmissionOptions *options);
void admission_free(Admission *admission); /* when no ticket and no party is left; NULL is fine */

/* A connection that nobody has logged in on, by its address. Given back by admission_leave(). */
Party *admission_arrive(Admission *admission, Str address);
/* A connection of this principal. BUSY. Given back by admission_leave(). */
Status admission_join(Admission *admission, const Account *account, const Limits *limits, Party **out, Error *err);
void admission_leave(Admission *admission, Party *party); /* NULL is fine */

/* A place in line for a ticket that is OUT. BUSY when the party has as many waiting in that lane as it may. */
Status admission_reserve(Admission *admission, Ticket *ticket, Party *party, Lane lane, const Limits *limits, Error *err);
/* Into line: one that is RESERVED, or runs and wants another turn, or for a turn of the server's own (TURNS) one that is OUT. */
void admission_queue(Admission *admission, Ticket *ticket);
/* What may run now, and does from now: of lane TURNS, or of the other two. NULL: nothing; ask again in a while, for others may
 * have stopped asking. */
Ticket *admission_next(Admission *admission, bool for_worker);
/* Whether others wait in the lane of this one, which runs. */
bool admission_wanted(Admission *admission, const Ticket *ticket);
/* Whether another principal has statements that run or wait, or had within the last second (now_us: monotonic). */
bool admission_is_shared(Admission *admission, const Party *party, int64_t now_us);
/* OUT again, from whatever state. False: it was waiting or reserved, and never ran. */
bool admission_done(Admission *admission, Ticket *ticket);

/* A cursor of the party that keeps a worker. BUSY. */
Status admission_hold(Admission *admission, Party *party, const Limits *limits, Error *err);
void admission_release(Admission *admission, Party *party);

/* What connections of the party keep in the server's memory: messages that are not whole yet, prepared statements. *held is
 * what was counted of this connection, and becomes `wanted`. MEMORY beyond AdmissionOptions.bytes of a party; 0 always goes. */
Status admission_weigh(Admission *admission, Party *party, size_t *held, size_t wanted, Error *err);

/* As they are now, for pg_stat_activity's kin and for metrics. */
typedef struct AdmissionCounts {
        size_t connections, arrivals;      /* logged in; not yet */
        size_t running, waiting, cursors;  /* for a worker */
        uint64_t begun, refused;           /* statements since the start */
} AdmissionCounts;
void admission_count(Admission *admission, AdmissionCounts *out);
