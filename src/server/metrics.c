/* SPDX-License-Identifier: Apache-2.0 */
#include "server/metrics.h"

#include <inttypes.h>

/* Upper bounds, microseconds: from a point query on a warm worker to what people go for coffee over. */
static const int64_t bounds[METRICS_BUCKETS] = { 2500,    5000,    10000,    25000,    100000,    250000,
                                                 1000000, 2500000, 10000000, 30000000, 120000000, 600000000 };

void metrics_add(Metrics *metrics, MetricsCounter counter, uint64_t by) {
        atomic_fetch_add_explicit(&metrics->counters[counter], by, memory_order_relaxed);
}

void metrics_statement(Metrics *metrics, bool is_http, MetricsOutcome outcome, int64_t us) {
        size_t bucket = 0;
        while (bucket < METRICS_BUCKETS && us > bounds[bucket])
                bucket++;
        atomic_fetch_add_explicit(&metrics->statements[is_http][outcome], 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&metrics->buckets[bucket], 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&metrics->statement_us, us > 0 ? (uint64_t)us : 0, memory_order_relaxed);
}

static void put_head(Buf *out, const char *name, const char *type, const char *help) {
        buf_printf(out, "# HELP lode_%s %s\n# TYPE lode_%s %s\n", name, help, name, type);
}

static void put_counters(Metrics *metrics, bool all, Buf *out) {
        static const struct {
                const char *name, *labels, *help;
        } rows[] = {
#define X(counter, name, labels, help) { name, labels, help },
                METRICS_TABLE(X)
#undef X
        };
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
                if (i == METRICS_SCANNED && !all)
                        continue;
                if (rows[i].help[0])
                        put_head(out, rows[i].name, "counter", rows[i].help);
                bool has_labels = rows[i].labels[0] != '\0';
                buf_printf(out, "lode_%s%s%s%s %" PRIuFAST64 "\n", rows[i].name, has_labels ? "{" : "", rows[i].labels, has_labels ? "}" : "",
                           atomic_load_explicit(&metrics->counters[i], memory_order_relaxed));
        }
}

static void put_statements(Metrics *metrics, Buf *out) {
        static const char *const protocols[] = { "pg", "http" };
        static const char *const outcomes[] = { [METRICS_OK] = "ok", [METRICS_FAILED] = "failed", [METRICS_REFUSED] = "refused",
                                                [METRICS_CANCELLED] = "cancelled" };
        put_head(out, "statements_total", "counter", "statements that ask for rows, by outcome");
        for (size_t p = 0; p < COUNT_OF(protocols); p++)
                for (size_t i = 0; i < METRICS_OUTCOMES; i++)
                        buf_printf(out, "lode_statements_total{protocol=\"%s\",outcome=\"%s\"} %" PRIuFAST64 "\n", protocols[p], outcomes[i],
                                   atomic_load_explicit(&metrics->statements[p][i], memory_order_relaxed));
        put_head(out, "statement_seconds", "histogram", "how long they took, from their text to their last row");
        uint64_t sum = 0;
        for (size_t i = 0; i <= METRICS_BUCKETS; i++) {
                sum += atomic_load_explicit(&metrics->buckets[i], memory_order_relaxed);
                if (i < METRICS_BUCKETS)
                        buf_printf(out, "lode_statement_seconds_bucket{le=\"%g\"} %" PRIu64 "\n", (double)bounds[i] / 1e6, sum);
        }
        buf_printf(out, "lode_statement_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", sum);
        buf_printf(out, "lode_statement_seconds_sum %.6f\n", (double)atomic_load_explicit(&metrics->statement_us, memory_order_relaxed) / 1e6);
        buf_printf(out, "lode_statement_seconds_count %" PRIu64 "\n", sum);
}

static void put_gauge(Buf *out, const char *name, const char *help, double value) {
        put_head(out, name, "gauge", help);
        buf_printf(out, "lode_%s %.15g\n", name, value);
}

static void put_now(const MetricsNow *now, Buf *out) {
        put_head(out, "build_info", "gauge", "the version that runs");
        buf_printf(out, "lode_build_info{version=\"%s\"} 1\n", now->version);
        put_gauge(out, "start_time_seconds", "when this server started, Unix time", (double)now->started_us / 1e6);
        put_head(out, "connections", "gauge", "open connections");
        buf_printf(out, "lode_connections{protocol=\"pg\"} %zu\nlode_connections{protocol=\"http\"} %zu\n", now->connections[0], now->connections[1]);
        put_gauge(out, "statements_running", "requests that a thread for statements works on", (double)now->running);
        put_gauge(out, "statements_queued", "requests that wait for such a thread", (double)now->queued);
        put_gauge(out, "workers", "worker processes", now->workers);
        put_gauge(out, "workers_busy", "worker processes that serve a statement or an open portal", now->workers_busy);
        put_gauge(out, "refresh_running", "1 while a refresh runs", now->refreshing);
        put_gauge(out, "refresh_last_duration_seconds", "how long the last refresh took", (double)now->refresh_us / 1e6);
        put_gauge(out, "refresh_last_success_seconds", "when the last refresh went well, Unix time; 0 = not yet", (double)now->refreshed_us / 1e6);
}

void metrics_print(Metrics *metrics, const MetricsNow *now, bool all, Buf *out) {
        put_now(now, out);
        put_statements(metrics, out);
        put_counters(metrics, all, out);
}
