/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Metrics: what a server counts of itself, and its page in Prometheus' text format (version 0.0.4). Counters are atomics:
 * any thread counts, nobody waits. No name of a principal, a table or a zone is among the labels: the page is for whoever
 * watches the machine, not for whoever may read the data.
 */
#include <stdatomic.h>

#include "base/buf.h"

typedef enum MetricsOutcome {
        METRICS_OK,
        METRICS_FAILED,    /* while it ran */
        METRICS_REFUSED,   /* before it ran: its text, its rights, its limits */
        METRICS_CANCELLED, /* by its client, its time-out, or because it hung up */
        METRICS_OUTCOMES
} MetricsOutcome;

/* Of things that are only counted: name, labels (may be empty), help (once for each name; rows of one name are neighbours). */
#define METRICS_TABLE(X)                                                                                                       \
        X(ROWS, "rows_total", "", "rows sent to clients")                                                                      \
        X(SCANNED, "scanned_bytes_total", "", "bytes of data files that statements were planned to read")                      \
        X(SENT, "sent_bytes_total", "", "bytes sent to clients")                                                               \
        X(PG_ACCEPTED, "connections_accepted_total", "protocol=\"pg\"", "connections that were accepted")                      \
        X(HTTP_ACCEPTED, "connections_accepted_total", "protocol=\"http\"", "")                                                \
        X(TURNED_AWAY, "connections_turned_away_total", "", "connections beyond the number that may be open")                  \
        X(PG_LOGINS, "logins_total", "protocol=\"pg\",outcome=\"ok\"", "logins by outcome; over HTTP one a connection")       \
        X(PG_LOGINS_FAILED, "logins_total", "protocol=\"pg\",outcome=\"failed\"", "")                                          \
        X(HTTP_LOGINS, "logins_total", "protocol=\"http\",outcome=\"ok\"", "")                                                 \
        X(HTTP_LOGINS_FAILED, "logins_total", "protocol=\"http\",outcome=\"failed\"", "")                                      \
        X(HTTP_2XX, "http_responses_total", "class=\"2xx\"", "answers over HTTP by class of their status")                     \
        X(HTTP_4XX, "http_responses_total", "class=\"4xx\"", "")                                                               \
        X(HTTP_5XX, "http_responses_total", "class=\"5xx\"", "")                                                               \
        X(HTTP_BROKEN, "http_answers_broken_total", "", "answers over HTTP that failed after their head was sent")             \
        X(APPLIED, "applies_total", "outcome=\"ok\"", "texts sent to be applied, by outcome")                                  \
        X(APPLY_REFUSED, "applies_total", "outcome=\"refused\"", "")                                                           \
        X(ARRIVALS_STAGED, "arrivals_total", "state=\"staged\"", "files that this server's refreshes saw, by what became of them") \
        X(ARRIVALS_DUPLICATE, "arrivals_total", "state=\"duplicate\"", "")                                                     \
        X(ARRIVALS_HELD, "arrivals_total", "state=\"held\"", "")                                                               \
        X(ARRIVALS_FAILED, "arrivals_total", "state=\"failed\"", "")                                                           \
        X(REFRESHES_OK, "refreshes_total", "outcome=\"ok\"", "refreshes by outcome; partly: something was held or failed, all else is published") \
        X(REFRESHES_PARTLY, "refreshes_total", "outcome=\"partly\"", "")                                                       \
        X(REFRESHES_FAILED, "refreshes_total", "outcome=\"failed\"", "")

typedef enum MetricsCounter {
#define X(counter, name, labels, help) METRICS_##counter,
        METRICS_TABLE(X)
#undef X
                METRICS_COUNTERS
} MetricsCounter;

#define METRICS_BUCKETS 12 /* of the histogram of seconds, and one more without an end */

typedef struct Metrics {
        atomic_uint_fast64_t counters[METRICS_COUNTERS];
        atomic_uint_fast64_t statements[2][METRICS_OUTCOMES]; /* by protocol: 0 pg, 1 http */
        atomic_uint_fast64_t buckets[METRICS_BUCKETS + 1];
        atomic_uint_fast64_t statement_us;
} Metrics;

/* What is so at this moment. */
typedef struct MetricsNow {
        const char *version;
        int64_t started_us;      /* wall clock */
        size_t connections[2];   /* open now: pg, http */
        size_t running, queued;  /* statements with a thread; those that wait for one */
        int workers, workers_busy;
        int64_t refreshed_us;    /* wall clock of the last refresh that went well; 0 = none yet */
        int64_t refresh_us;      /* how long the last refresh took */
        bool refreshing;
} MetricsNow;

void metrics_add(Metrics *metrics, MetricsCounter counter, uint64_t by);
void metrics_statement(Metrics *metrics, bool is_http, MetricsOutcome outcome, int64_t us);
/* Without what is read of data files, but for who may see them all: rows that are hidden count there. */
void metrics_print(Metrics *metrics, const MetricsNow *now, bool all, Buf *out);
