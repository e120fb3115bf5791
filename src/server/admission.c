/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admission.h"

#include <inttypes.h>
#include <pthread.h>

#include "base/time.h"

#define SYSTEM_MOST 2 /* a principal's statements of lane SYSTEM at once */
#define RECENT_US 1000000

typedef struct TicketLine { /* first in, first out */
        Ticket *first, *last;
} TicketLine;

struct Party {
        char *name;
        bool arriving; /* an address, not a principal */
        size_t holders; /* connections */
        size_t tickets; /* that are not OUT: they hold it too */
        size_t running[LANE_COUNT], waiting[LANE_COUNT];
        size_t reserved[LANE_COUNT];
        size_t cursors, bytes;
        Limits limits; /* as they were when it last asked */
        int64_t busy_us; /* monotonic: when a statement of it last ended */
        uint64_t served; /* when it last had a turn, as a count */
        TicketLine lines[LANE_COUNT];
        Party *before, *after; /* of all */
};

struct Admission {
        AdmissionOptions options;
        pthread_mutex_t lock;
        Party *parties;
        size_t in_slots, in_firsts, in_system; /* statements that run */
        size_t logins;                         /* turns of arriving connections that run */
        size_t cursors;
        size_t connections, arrivals;
        uint64_t turns, begun, refused;
};

Admission *admission_new(const AdmissionOptions *options) {
        Admission *admission = calloc(1, sizeof(*admission));
        if (!admission)
                out_of_memory();
        admission->options = *options;
        pthread_mutex_init(&admission->lock, NULL);
        return admission;
}

void admission_free(Admission *admission) {
        if (!admission)
                return;
        pthread_mutex_destroy(&admission->lock);
        free(admission);
}

/* ---- parties; under the lock ---- */

static Party *find_party(Admission *admission, Str name, bool arriving) {
        Party *party = admission->parties;
        while (party && !(party->arriving == arriving && str_is(name, party->name)))
                party = party->after;
        return party;
}

static Party *take_party(Admission *admission, Str name, bool arriving) {
        Party *party = find_party(admission, name, arriving);
        if (!party) {
                party = calloc(1, sizeof(*party));
                char *copy = strndup(name.data ? name.data : "", name.size);
                if (!party || !copy)
                        out_of_memory();
                *party = (Party){ .name = copy, .arriving = arriving, .served = ++admission->turns, .after = admission->parties };
                if (admission->parties)
                        admission->parties->before = party;
                admission->parties = party;
        }
        party->holders++;
        return party;
}

/* When nobody holds it any more. */
static void drop_party(Admission *admission, Party *party) {
        if (party->holders + party->tickets > 0)
                return;
        if (party->before)
                party->before->after = party->after;
        else
                admission->parties = party->after;
        if (party->after)
                party->after->before = party->before;
        free(party->name);
        free(party);
}

Party *admission_arrive(Admission *admission, Str address) {
        pthread_mutex_lock(&admission->lock);
        Party *party = take_party(admission, address, true);
        admission->arrivals++;
        pthread_mutex_unlock(&admission->lock);
        return party;
}

static Status check_connections(Admission *admission, const Account *account, const Limits *limits, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        const AdmissionOptions *options = &admission->options;
        size_t most = options->connections - (account->is_admin ? 0 : options->reserved);
        const Party *party = find_party(admission, account->name, false);
        if (admission->connections >= most) {
                error_set(err, STATUS_BUSY, "sorry, too many clients already: %zu are connected", admission->connections);
                return error_hint(err, "try again later, or let a pool share connections; the server takes %zu, %zu of them for administrators only",
                                  options->connections, options->reserved);
        }
        if (!party || (int64_t)party->holders < limits->value[LIMIT_CONNECTIONS])
                return STATUS_OK;
        error_set(err, STATUS_BUSY, "too many connections for role \"%.*s\": %zu are open (%.*s)", STR_ARG(account->name), party->holders,
                  STR_ARG(limit_place(limits, LIMIT_CONNECTIONS, &arena)));
        return error_hint(err, "close some, or let a pool share them");
}

Status admission_join(Admission *admission, const Account *account, const Limits *limits, Party **out, Error *err) {
        pthread_mutex_lock(&admission->lock);
        Status status = check_connections(admission, account, limits, err);
        if (status == STATUS_OK) {
                *out = take_party(admission, account->name, false);
                (*out)->limits = *limits;
                admission->connections++;
        } else {
                admission->refused++;
        }
        pthread_mutex_unlock(&admission->lock);
        return status;
}

void admission_leave(Admission *admission, Party *party) {
        if (!party)
                return;
        pthread_mutex_lock(&admission->lock);
        if (party->arriving)
                admission->arrivals--;
        else
                admission->connections--;
        party->holders--;
        drop_party(admission, party);
        pthread_mutex_unlock(&admission->lock);
}

/* ---- lines; under the lock ---- */

static void set_state(Ticket *ticket, TicketState state) {
        ticket->state = state;
        ticket->since_us = time_monotonic_us();
}

static void put_in_line(Ticket *ticket) {
        TicketLine *line = &ticket->party->lines[ticket->lane];
        ticket->before = line->last;
        ticket->after = NULL;
        if (line->last)
                line->last->after = ticket;
        else
                line->first = ticket;
        line->last = ticket;
        ticket->party->waiting[ticket->lane]++;
        set_state(ticket, TICKET_WAITING);
}

static void take_from_line(Ticket *ticket) {
        TicketLine *line = &ticket->party->lines[ticket->lane];
        if (ticket->before)
                ticket->before->after = ticket->after;
        else
                line->first = ticket->after;
        if (ticket->after)
                ticket->after->before = ticket->before;
        else
                line->last = ticket->before;
        ticket->before = ticket->after = NULL;
        ticket->party->waiting[ticket->lane]--;
}

static void count_running(Admission *admission, const Ticket *ticket, int step) {
        size_t ignored = 0;
        size_t *count = ticket->lane == LANE_SYSTEM      ? &admission->in_system
                        : ticket->lane == LANE_QUESTIONS ? (ticket->first ? &admission->in_firsts : &admission->in_slots)
                        : ticket->party->arriving        ? &admission->logins
                                                         : &ignored;
        *count += (size_t)step;
}

static void stop_running(Admission *admission, Ticket *ticket) {
        if (ticket->lane != LANE_TURNS)
                ticket->party->busy_us = time_monotonic_us();
        ticket->party->running[ticket->lane]--;
        count_running(admission, ticket, -1);
        ticket->first = false;
}

static Status check_line(const Party *party, Lane lane, const Limits *limits, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        size_t waiting = party->reserved[lane] + party->waiting[lane];
        int64_t free = limits->value[LIMIT_STATEMENTS] - (int64_t)party->running[lane]; /* those that may run as soon as a thread takes them */
        if ((int64_t)waiting < limits->value[LIMIT_WAITING] + (free > 0 ? free : 0))
                return STATUS_OK;
        error_set(err, STATUS_BUSY, "%zu statements of %s wait in line already, and more are refused (%.*s)", waiting, party->name,
                  STR_ARG(limit_place(limits, LIMIT_WAITING, &arena)));
        return error_hint(err, "try again when some have ended: %zu run, and %" PRId64 " may at once", party->running[LANE_QUESTIONS],
                          limits->value[LIMIT_STATEMENTS]);
}

Status admission_reserve(Admission *admission, Ticket *ticket, Party *party, Lane lane, const Limits *limits, Error *err) {
        pthread_mutex_lock(&admission->lock);
        party->limits = *limits;
        Status status = check_line(party, lane, limits, err);
        if (status == STATUS_OK) {
                ticket->party = party;
                ticket->lane = lane;
                party->reserved[lane]++;
                party->tickets++;
                admission->begun++;
                set_state(ticket, TICKET_RESERVED);
        } else {
                admission->refused++;
        }
        pthread_mutex_unlock(&admission->lock);
        return status;
}

void admission_queue(Admission *admission, Ticket *ticket) {
        pthread_mutex_lock(&admission->lock);
        if (ticket->state == TICKET_RUNNING)
                stop_running(admission, ticket);
        else if (ticket->state == TICKET_RESERVED)
                ticket->party->reserved[ticket->lane]--;
        else
                ticket->party->tickets++;
        put_in_line(ticket);
        pthread_mutex_unlock(&admission->lock);
}

static bool is_active(const Party *party, int64_t now_us) {
        return party->running[LANE_SYSTEM] + party->running[LANE_QUESTIONS] + party->waiting[LANE_QUESTIONS] > 0 ||
               (party->busy_us > 0 && now_us - party->busy_us < RECENT_US);
}

/* How many statements of one principal may run at once: as long as others ask too, its part of the slots. However short they
 * are, a flood of them then has no more of the processors. */
static size_t share(const Admission *admission, int64_t now_us) {
        size_t active = 0;
        for (const Party *party = admission->parties; party; party = party->after)
                active += is_active(party, now_us);
        size_t part = active > 1 ? admission->options.slots / active : SIZE_MAX;
        return part > 0 ? part : 1;
}

/* The lane from which this party could take one now; LANE_COUNT: none. */
static Lane ready_lane(const Admission *admission, const Party *party, size_t most, bool *out_first) {
        const AdmissionOptions *options = &admission->options;
        size_t running = party->running[LANE_QUESTIONS];
        *out_first = false;
        if (party->lines[LANE_SYSTEM].first && party->running[LANE_SYSTEM] < SYSTEM_MOST && admission->in_system < options->system)
                return LANE_SYSTEM;
        if (!party->lines[LANE_QUESTIONS].first || running >= most || (int64_t)running >= party->limits.value[LIMIT_STATEMENTS])
                return LANE_COUNT;
        if (admission->in_slots < options->slots)
                return LANE_QUESTIONS;
        *out_first = running == 0 && admission->in_firsts < options->firsts;
        return *out_first ? LANE_QUESTIONS : LANE_COUNT;
}

static bool can_turn(const Admission *admission, const Party *party) {
        const AdmissionOptions *options = &admission->options;
        return party->lines[LANE_TURNS].first && party->running[LANE_TURNS] + 1 < options->turns &&
               (!party->arriving || admission->logins < options->logins);
}

/* Whoever has fewest running; among equals, who waited longest for a turn. */
static Party *choose(const Admission *admission, bool for_worker, Lane *out_lane, bool *out_first) {
        Party *best = NULL;
        size_t best_running = 0, most = for_worker ? share(admission, time_monotonic_us()) : 0;
        for (Party *party = admission->parties; party; party = party->after) {
                bool first = false;
                Lane lane = for_worker ? ready_lane(admission, party, most, &first) : can_turn(admission, party) ? LANE_TURNS : LANE_COUNT;
                if (lane == LANE_COUNT)
                        continue;
                size_t running = party->running[lane];
                if (best && (running > best_running || (running == best_running && party->served >= best->served)))
                        continue;
                best = party;
                best_running = running;
                *out_lane = lane;
                *out_first = first;
        }
        return best;
}

Ticket *admission_next(Admission *admission, bool for_worker) {
        Lane lane = LANE_TURNS;
        bool first = false;
        Ticket *ticket = NULL;
        pthread_mutex_lock(&admission->lock);
        Party *party = choose(admission, for_worker, &lane, &first);
        if (party) {
                ticket = party->lines[lane].first;
                take_from_line(ticket);
                ticket->first = first;
                party->running[lane]++;
                party->served = ++admission->turns;
                count_running(admission, ticket, 1);
                set_state(ticket, TICKET_RUNNING);
        }
        pthread_mutex_unlock(&admission->lock);
        return ticket;
}

bool admission_wanted(Admission *admission, const Ticket *ticket) {
        bool wanted = false;
        pthread_mutex_lock(&admission->lock);
        for (Party *party = admission->parties; party && !wanted; party = party->after)
                wanted = party->lines[ticket->lane].first != NULL;
        pthread_mutex_unlock(&admission->lock);
        return wanted;
}

bool admission_is_shared(Admission *admission, const Party *party, int64_t now_us) {
        bool shared = false;
        pthread_mutex_lock(&admission->lock);
        for (const Party *other = admission->parties; other && !shared; other = other->after)
                shared = other != party && is_active(other, now_us);
        pthread_mutex_unlock(&admission->lock);
        return shared;
}

bool admission_done(Admission *admission, Ticket *ticket) {
        pthread_mutex_lock(&admission->lock);
        bool ran = ticket->state == TICKET_RUNNING, out = ticket->state == TICKET_OUT;
        if (ran)
                stop_running(admission, ticket);
        else if (ticket->state == TICKET_WAITING)
                take_from_line(ticket);
        else if (ticket->state == TICKET_RESERVED)
                ticket->party->reserved[ticket->lane]--;
        set_state(ticket, TICKET_OUT);
        if (!out) {
                ticket->party->tickets--;
                drop_party(admission, ticket->party);
        }
        pthread_mutex_unlock(&admission->lock);
        return ran;
}

/* ---- cursors ---- */

Status admission_hold(Admission *admission, Party *party, const Limits *limits, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Status status = STATUS_OK;
        pthread_mutex_lock(&admission->lock);
        size_t beyond = party->cursors == 0 ? admission->options.firsts : 0;
        if ((int64_t)party->cursors >= limits->value[LIMIT_CURSORS]) {
                error_set(err, STATUS_BUSY, "%zu cursors of %s are open already, each with a worker of its own (%.*s)", party->cursors, party->name,
                          STR_ARG(limit_place(limits, LIMIT_CURSORS, &arena)));
                status = error_hint(err, "fetch one to its end, close it, or read the answer in one go");
        } else if (admission->cursors >= admission->options.cursors + beyond) {
                error_set(err, STATUS_BUSY, "too many cursors are open on this server: %zu, each with a worker of its own", admission->cursors);
                status = error_hint(err, "read the answer in one go, or try again when others have closed theirs");
        } else {
                party->cursors++;
                admission->cursors++;
        }
        admission->refused += status != STATUS_OK;
        pthread_mutex_unlock(&admission->lock);
        return status;
}

void admission_release(Admission *admission, Party *party) {
        pthread_mutex_lock(&admission->lock);
        party->cursors--;
        admission->cursors--;
        pthread_mutex_unlock(&admission->lock);
}

Status admission_weigh(Admission *admission, Party *party, size_t *held, size_t wanted, Error *err) {
        if (!party || wanted == *held)
                return STATUS_OK;
        Status status = STATUS_OK;
        pthread_mutex_lock(&admission->lock);
        size_t bytes = party->bytes - *held + wanted;
        if (wanted > *held && bytes > admission->options.bytes) {
                error_set(err, STATUS_MEMORY, "the connections of %s make the server keep more than %zu MB of messages and prepared statements", party->name,
                          admission->options.bytes >> 20);
                status = error_hint(err, "send less at a time, and close what is done with");
        } else {
                party->bytes = bytes;
                *held = wanted;
        }
        pthread_mutex_unlock(&admission->lock);
        return status;
}

void admission_count(Admission *admission, AdmissionCounts *out) {
        pthread_mutex_lock(&admission->lock);
        *out = (AdmissionCounts){ .connections = admission->connections, .arrivals = admission->arrivals, .cursors = admission->cursors,
                                  .begun = admission->begun, .refused = admission->refused };
        for (const Party *party = admission->parties; party; party = party->after) {
                out->running += party->running[LANE_SYSTEM] + party->running[LANE_QUESTIONS];
                for (Lane lane = LANE_SYSTEM; lane < LANE_COUNT; lane++)
                        out->waiting += party->reserved[lane] + party->waiting[lane];
        }
        pthread_mutex_unlock(&admission->lock);
}
