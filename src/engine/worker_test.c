/* SPDX-License-Identifier: Apache-2.0 */
/* Drives real workers: build/lode-worker, which lies one folder above this test. */
#include "engine/worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/test.h"
#include "base/time.h"
#include "engine/data_row.h"
#include "engine/functions.h"
#include "engine/stage_message.h"

#define CHECK_HAS(text, part)                                                                        \
        do {                                                                                         \
                Str text_ = (text);                                                                  \
                if (str_find(text_, STR(part)) == text_.size) {                                      \
                        test_fail(t, __FILE__, __LINE__, "'%.*s' lacks '%s'", STR_ARG(text_), part); \
                        return;                                                                      \
                }                                                                                    \
        } while (0)

static const char *worker_program(Test *t) {
        if (getenv("LODE_WORKER"))
                return getenv("LODE_WORKER");
        char self[4096];
        ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
        self[size > 0 ? size : 0] = '\0';
        return arena_printf(&t->arena, "%s/../lode-worker", path_dir(&t->arena, self));
}

static WorkerOptions options_of(Test *t) {
        return (WorkerOptions){ .run_folder = arena_printf(&t->arena, "%s/run", test_folder(t)),
                                .program = worker_program(t),
                                .memory_limit = 256u << 20,
                                .threads = 2 };
}

/* A pool and a leased worker of it, or the test's failure. */
typedef struct Leased {
        WorkerPool *pool;
        Worker *worker;
} Leased;

static void leased_deinit(Leased *leased) {
        worker_release(leased->worker);
        worker_pool_close(leased->pool);
}

static Status leased_init(Test *t, const WorkerOptions *options, Leased *out) {
        TRY(worker_pool_open(options, &out->pool, &t->err));
        return worker_lease(out->pool, STR("ann"), &out->worker, &t->err);
}

/* All rows as text: columns by '|', rows by newline. */
static Status collect(void *context, Str message, Error *err) {
        Buf *out = context;
        DataRow row;
        if (!data_row_open(message, &row))
                return error_set(err, STATUS_CORRUPT, "not a row");
        Str value;
        bool null;
        for (size_t i = 0; data_row_next(&row, &value, &null); i++) {
                buf_append_cstr(out, i ? "|" : "");
                buf_append(out, null ? STR("NULL") : value);
        }
        buf_append_byte(out, '\n');
        return STATUS_OK;
}

static Status answer(Test *t, Worker *worker, const char *sql, Str *out) {
        CLEANUP(buf_deinit) Buf rows = { 0 };
        TRY(worker_execute(worker, str_of(sql), collect, &rows, NULL, &t->err));
        *out = buf_dup(&rows, &t->arena);
        return STATUS_OK;
}

static Status discard(void *context UNUSED, Str row UNUSED, Error *err UNUSED) {
        return STATUS_OK;
}

TEST(values_are_printed_as_postgresql_prints_them) {
        CLEANUP(leased_deinit) Leased l = { 0 };
        WorkerOptions options = options_of(t);
        CHECK_OK(leased_init(t, &options, &l));
        static const struct {
                const char *sql, *text;
        } cases[] = {
                { "select true, false, null", "t|f|NULL\n" },
                { "select 1::tinyint, -2::smallint, 3::int, (-9223372036854775808)::bigint",
                  "1|-2|3|-9223372036854775808\n" },
                { "select 255::utinyint, 65535::usmallint, 4294967295::uinteger, 18446744073709551615::ubigint",
                  "255|65535|4294967295|18446744073709551615\n" },
                { "select (-170141183460469231731687303715884105728)::hugeint, "
                  "340282366920938463463374607431768211455::uhugeint",
                  "-170141183460469231731687303715884105728|340282366920938463463374607431768211455\n" },
                { "select 1.50::decimal(4,2), -0.05::decimal(9,2), 12345678901234.5::decimal(18,1), "
                  "0.00000000000000000001::decimal(38,20), 7::decimal(38,0)",
                  "1.50|-0.05|12345678901234.5|0.00000000000000000001|7\n" },
                { "select 0.1::double, 1e15::double, 123456789012345.0::double, 1e-5::double, 0.0001::double, "
                  "1e300::double",
                  "0.1|1e+15|123456789012345|1e-05|0.0001|1e+300\n" },
                { "select 'nan'::double, 'inf'::double, '-inf'::double, '-0'::double, 0.30000000000000004::double",
                  "NaN|Infinity|-Infinity|-0|0.30000000000000004\n" },
                { "select 2.5::float, 1e6::float, 999999::float, 0.1::float, 16777216::float, 3.4028235e38::float",
                  "2.5|1e+06|999999|0.1|1.6777216e+07|3.4028235e+38\n" },
                { "select date '2026-11-26', date '0001-01-01', 'infinity'::date, date '0044-03-15 (BC)'",
                  "2026-11-26|0001-01-01|infinity|0044-03-15 BC\n" },
                { "select timestamp '2026-11-26 01:02:03.5', timestamp '1969-12-31 23:59:59.999999', "
                  "'-infinity'::timestamp",
                  "2026-11-26 01:02:03.5|1969-12-31 23:59:59.999999|-infinity\n" },
                { "select timestamptz '2026-11-26 01:02:03+02:00', timestamp_ns '2026-11-26 01:02:03.123456789', "
                  "timestamp_s '2026-11-26 01:02:03', timestamp_ms '1960-11-26 01:02:03.25'",
                  "2026-11-25 23:02:03+00|2026-11-26 01:02:03.123456|2026-11-26 01:02:03|1960-11-26 01:02:03.25\n" },
                { "select time '00:00:00', time '23:59:59.000001', '10:00:00+05:30'::timetz, '10:00:00-02'::timetz",
                  "00:00:00|23:59:59.000001|10:00:00+05:30|10:00:00-02\n" },
                { "select interval '1 month 2 days 03:04:05.678', interval '0 days', interval '-14 months 3 days' - "
                  "interval '04:05:06'",
                  "1 mon 2 days 03:04:05.678|00:00:00|-1 years -2 mons +3 days -04:05:06\n" },
                { "select uuid 'ab000000-0000-0000-0000-00000000000f', '\\x00\\xff'::blob, '10110'::bit",
                  "ab000000-0000-0000-0000-00000000000f|\\x00ff|10110\n" },
                { "select 'é\"x', '', 'happy'::enum('sad','happy')", "é\"x||happy\n" },
                { "select [1, null, 3], [], ['a\"b'], [[1],[2]]", "[1, null, 3]|[]|[\"a\\\"b\"]|[[1], [2]]\n" },
                { "select {'a': 1, 'b': date '2026-01-01', 'c': [true]}, map {'k': 1.5, 'l': null}, [1,2]::int[2]",
                  "{\"a\": 1, \"b\": \"2026-01-01\", \"c\": [true]}|{\"k\": 1.5, \"l\": null}|[1, 2]\n" },
                { "select 1 where false", "" },
                { "select case when i % 3 = 0 then null else {'x': [i], 'y': 'v'} end from range(5) t(i) order by i",
                  "NULL\n{\"x\": [1], \"y\": \"v\"}\n{\"x\": [2], \"y\": \"v\"}\nNULL\n{\"x\": [4], \"y\": \"v\"}\n" },
                { "select '{\"a\":1}'::json", "{\"a\":1}\n" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Str got;
                CHECK_OK(answer(t, l.worker, cases[i].sql, &got));
                CHECK_STR(got, str_of(cases[i].text));
        }
}

TEST(a_statement_is_described_before_it_runs) {
        CLEANUP(leased_deinit) Leased l = { 0 };
        WorkerOptions options = options_of(t);
        WorkerColumns columns;
        CHECK_OK(leased_init(t, &options, &l));
        CHECK_OK(worker_prepare(l.worker,
                                STR("select 1 as a, sum(x) as b, 1.5::decimal(12,2) c, [x] as d, {'p q': x} as e from "
                                    "(select 7::int x) group by x"),
                                &t->arena, &columns, &t->err));
        CHECK_INT(columns.count, 5);
        CHECK_STR(columns.items[0].name, STR("a"));
        CHECK_STR(columns.items[0].engine_type, STR("INTEGER"));
        CHECK_STR(columns.items[1].engine_type, STR("HUGEINT"));
        CHECK(!columns.items[1].has_type);
        CHECK_STR(columns.items[2].engine_type, STR("DECIMAL(12,2)"));
        CHECK_INT(columns.items[2].type.scale, 2);
        CHECK_STR(columns.items[3].engine_type, STR("INTEGER[]"));
        CHECK_STR(columns.items[4].engine_type, STR("STRUCT(\"p q\" INTEGER)"));
        CHECK(columns.items[4].has_type);
        Type type;
        CHECK_OK(worker_table_type(&columns.items[1], &t->arena, &type, &t->err));
        CHECK_INT(type.kind, TYPE_DECIMAL);
        CHECK_INT(type.precision, 38);
}

TEST(a_text_becomes_a_tree_and_nothing_else_does) {
        CLEANUP(leased_deinit) Leased l = { 0 };
        WorkerOptions options = options_of(t);
        CHECK_OK(leased_init(t, &options, &l));
        Str json;
        CHECK_OK(worker_parse(l.worker, STR("select a, b from t where c = 'x'"), &t->arena, &json, &t->err));
        CHECK(str_starts_with(json, STR("{\"error\":false,\"statements\":[{")));
        static const struct {
                const char *sql;
                Status status;
        } cases[] = {
                { "selec 1", STATUS_SQL_SYNTAX },
                { "select 'open", STATUS_SQL_SYNTAX },
                { "", STATUS_SQL_REFUSED },
                { "select 1; select 2", STATUS_SQL_REFUSED },
                { "create table t(i int)", STATUS_SQL_REFUSED },
                { "copy (select 1) to 'x'", STATUS_SQL_REFUSED },
                { "set threads=1", STATUS_SQL_REFUSED },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                CHECK_STATUS(worker_parse(l.worker, str_of(cases[i].sql), &t->arena, &json, &t->err), cases[i].status);
        CHECK_STATUS(worker_parse(l.worker, STR("select 1,\n  2 frm x y"), &t->arena, &json, &t->err),
                     STATUS_SQL_SYNTAX);
        CHECK_INT(t->err.line, 2);
}

TEST(errors_are_facts_and_their_words_are_ours) {
        CLEANUP(leased_deinit) Leased l = { 0 };
        WorkerOptions options = options_of(t);
        options.hide_detail = true;
        CHECK_OK(leased_init(t, &options, &l));
        static const struct {
                const char *sql;
                Status status;
                const char *words, *hint;
        } cases[] = {
                { "select x from range(3) t(xy)", STATUS_NO_COLUMN, "no column 'x'", "near it: 'xy'" },
                { "select * from nope", STATUS_NO_TABLE, "no table 'nope'", "near it: 'pg_enum'" },
                { "select foo(1)", STATUS_SQL_BIND, "no function 'foo' for these arguments",
                  "count the arguments, or cast them: sum(x::decimal(18,2)), try_cast(x as double) where some do not fit" },
                { "select lpad('x', 1)", STATUS_SQL_BIND, "no function 'lpad' for these arguments",
                  "count the arguments, or cast them: sum(x::decimal(18,2)), try_cast(x as double) where some do not fit" },
                { "select 'x'::nope", STATUS_SQL_TYPE, "no type 'nope'", "near it: 'type'" },
                { "select a from range(3) t(a), range(2) s(a)", STATUS_AMBIGUOUS,
                  "column 'a' is in more than one table", "write the table's name or alias before it: a.x" },
                { "select a, count(*) from range(3) t(a)", STATUS_SQL_BIND,
                  "column 'a' must be in GROUP BY or inside an aggregate", "" },
                { "select 'secret'::int", STATUS_SQL_DATA, "a value cannot be converted",
                  "try_cast(x as TYPE) gives NULL where a value does not fit, try_strptime(x, FORMAT) for dates" },
                { "select 1 // 0", STATUS_SQL_DATA, "a division by zero", "x / nullif(y, 0) gives NULL there" },
                { "select 9223372036854775807 + i from range(1,3) t(i)", STATUS_SQL_DATA,
                  "a value out of its type's range", "cast to a wider type first: x::bigint, x::decimal(38,2)" },
                { "select * from read_parquet('/etc/passwd')", STATUS_SQL_REFUSED, "the engine refuses this", "" },
                { "create table t(i int)", STATUS_SQL_REFUSED, "only SELECT can be asked here", "" },
                { "select 1; select 2", STATUS_SQL_REFUSED, "one statement at a time; this text has 2", "" },
                { "set memory_limit='1TB'", STATUS_SQL_REFUSED, "only SELECT can be asked here", "" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                t->err = (Error){ 0 };
                CHECK_STATUS(worker_execute(l.worker, str_of(cases[i].sql), discard, NULL, NULL, &t->err),
                             cases[i].status);
                CHECK_STR(str_of(t->err.message), str_of(cases[i].words));
                CHECK_STR(str_of(t->err.hint), str_of(cases[i].hint));
                CHECK(worker_failure(l.worker) != NULL);
        }
}

TEST(a_million_rows_stream_through) {
        CLEANUP(leased_deinit) Leased l = { 0 };
        WorkerOptions options = options_of(t);
        CHECK_OK(leased_init(t, &options, &l));
        int64_t rows;
        CHECK_OK(worker_execute(l.worker, STR("select i, i::varchar || 'abc' from range(1000000) t(i)"), discard, NULL,
                                &rows, &t->err));
        CHECK_INT(rows, 1000000);
}

static Status count_size(void *context, Str row, Error *err UNUSED) {
        *(size_t *)context += row.size;
        return STATUS_OK;
}

TEST(rows_longer_than_a_frame_arrive_whole) {
        CLEANUP(leased_deinit) Leased l = { 0 };
        WorkerOptions options = options_of(t);
        CHECK_OK(leased_init(t, &options, &l));
        size_t size = 0;
        int64_t rows;
        CHECK_OK(worker_execute(l.worker, STR("select repeat('x', 1000003) from range(7)"), count_size, &size, &rows,
                                &t->err));
        CHECK_INT(rows, 7);
        CHECK_INT(size, 7 * (1000003 + 11));
        CHECK_STATUS(worker_execute(l.worker, STR("select repeat('x', 80000000)"), discard, NULL, &rows, &t->err),
                     STATUS_LIMIT);
        CHECK_OK(worker_execute(l.worker, STR("select 1"), discard, NULL, &rows, &t->err));
}

static Status stop_at_ten(void *context, Str row UNUSED, Error *err) {
        return ++*(int *)context < 10 ? STATUS_OK : error_set(err, STATUS_LIMIT, "enough");
}

TEST(a_sink_that_has_enough_stops_the_statement_and_the_worker_goes_on) {
        CLEANUP(leased_deinit) Leased l = { 0 };
        WorkerOptions options = options_of(t);
        CHECK_OK(leased_init(t, &options, &l));
        int seen = 0;
        Str got;
        pid_t before = worker_process(l.worker);
        CHECK_STATUS(
                worker_execute(l.worker, STR("select i from range(100000000) t(i)"), stop_at_ten, &seen, NULL, &t->err),
                STATUS_LIMIT);
        CHECK_INT(seen, 10);
        CHECK_OK(answer(t, l.worker, "select 5", &got));
        CHECK_STR(got, STR("5\n"));
        CHECK_INT(worker_process(l.worker), before);
}

#define LONG_QUERY "select count(*) from range(1000000) a, range(1000000) b where a.range * b.range % 7 = 3"

static void *kill_soon(void *process) {
        usleep(100000);
        kill(*(pid_t *)process, SIGKILL);
        return NULL;
}

TEST(killing_a_worker_in_the_middle_harms_only_its_statement) {
        CLEANUP(worker_pool_closep) WorkerPool *pool = NULL;
        WorkerOptions options = options_of(t);
        CHECK_OK(worker_pool_open(&options, &pool, &t->err));
        CLEANUP(worker_releasep) Worker *other = NULL;
        CHECK_OK(worker_lease(pool, STR("bo"), &other, &t->err));
        Str got;
        {
                CLEANUP(worker_releasep) Worker *worker = NULL;
                CHECK_OK(worker_lease(pool, STR("ann"), &worker, &t->err));
                pid_t process = worker_process(worker);
                pthread_t thread;
                pthread_create(&thread, NULL, kill_soon, &process);
                Status status = worker_execute(worker, STR(LONG_QUERY), discard, NULL, NULL, &t->err);
                pthread_join(thread, NULL);
                CHECK_INT(status, STATUS_WORKER_LOST);
                CHECK(worker_is_lost(worker));
                CHECK_STATUS(answer(t, worker, "select 1", &got), STATUS_WORKER_LOST);
        }
        CHECK_OK(answer(t, other, "select 2", &got));
        CHECK_STR(got, STR("2\n"));
        CLEANUP(worker_releasep) Worker *fresh = NULL;
        CHECK_OK(worker_lease(pool, STR("ann"), &fresh, &t->err));
        CHECK_OK(answer(t, fresh, "select 3", &got));
        CHECK_STR(got, STR("3\n"));
}

TEST(a_worker_killed_while_idle_is_replaced) {
        CLEANUP(worker_pool_closep) WorkerPool *pool = NULL;
        WorkerOptions options = options_of(t);
        CHECK_OK(worker_pool_open(&options, &pool, &t->err));
        CLEANUP(worker_releasep) Worker *worker = NULL;
        Str got;
        CHECK_OK(worker_lease(pool, STR("ann"), &worker, &t->err));
        pid_t process = worker_process(worker);
        worker_release(TAKE_PTR(worker));
        siginfo_t info;
        kill(process, SIGKILL);
        waitid(P_PID, (id_t)process, &info, WEXITED | WNOWAIT);
        CHECK_OK(worker_lease(pool, STR("ann"), &worker, &t->err));
        CHECK(worker_process(worker) != process);
        CHECK_OK(answer(t, worker, "select 1", &got));
}

TEST(too_much_memory_is_one_failed_statement) {
        if (SANITIZED) {
                test_skip(t, "a worker with a sanitizer has no limit on its memory");
                return;
        }
        CLEANUP(worker_pool_closep) WorkerPool *pool = NULL;
        WorkerOptions options = options_of(t);
        CHECK_OK(worker_pool_open(&options, &pool, &t->err));
        static const char *const GREEDY[] = {
                "select length(string_agg(repeat('x', 1000000), '')) from range(4000)",
                "select len(list_sort(range(300000000)))",
        };
        for (size_t i = 0; i < COUNT_OF(GREEDY); i++) {
                CLEANUP(worker_releasep) Worker *worker = NULL;
                CHECK_OK(worker_lease(pool, STR("ann"), &worker, &t->err));
                CHECK_STATUS(worker_execute(worker, str_of(GREEDY[i]), discard, NULL, NULL, &t->err), STATUS_MEMORY);
        }
        CLEANUP(worker_releasep) Worker *worker = NULL;
        Str got;
        CHECK_OK(worker_lease(pool, STR("ann"), &worker, &t->err));
        CHECK_OK(answer(t, worker, "select 1", &got));
}

TEST(a_statement_ends_at_its_time) {
        CLEANUP(leased_deinit) Leased l = { 0 };
        WorkerOptions options = options_of(t);
        options.statement_timeout_us = 200000;
        CHECK_OK(leased_init(t, &options, &l));
        int64_t begin = time_monotonic_us();
        CHECK_STATUS(worker_execute(l.worker, STR(LONG_QUERY), discard, NULL, NULL, &t->err), STATUS_TIMEOUT);
        CHECK(time_monotonic_us() - begin < 2000000);
        CHECK_STR(str_of(t->err.message), STR("the statement ran longer than 200 ms"));
}

TEST(calls_of_a_lease_share_the_time_that_is_allowed) {
        CLEANUP(leased_deinit) Leased l = { 0 };
        WorkerOptions options = options_of(t);
        CHECK_OK(leased_init(t, &options, &l));
        Str got;
        worker_allow(l.worker, time_monotonic_us(), 5000000);
        CHECK_OK(answer(t, l.worker, "select 1", &got));
        worker_allow(l.worker, time_monotonic_us() - 5000000, 5200000); /* the rest of it went elsewhere */
        int64_t begin = time_monotonic_us();
        CHECK_STATUS(worker_execute(l.worker, STR(LONG_QUERY), discard, NULL, NULL, &t->err), STATUS_TIMEOUT);
        CHECK(time_monotonic_us() - begin < 2000000);
        CHECK_STR(str_of(t->err.message), STR("the statement ran longer than 5.2 s"));
        worker_allow(l.worker, 0, 0);
        if (!worker_is_lost(l.worker)) /* as it is where it got no time to notice */
                CHECK_OK(answer(t, l.worker, "select 2", &got));
}

static void *interrupt_soon(void *worker) {
        usleep(100000);
        worker_interrupt(worker);
        return NULL;
}

TEST(an_interrupted_worker_answers_the_next_statement) {
        CLEANUP(leased_deinit) Leased l = { 0 };
        WorkerOptions options = options_of(t);
        CHECK_OK(leased_init(t, &options, &l));
        pthread_t thread;
        pthread_create(&thread, NULL, interrupt_soon, l.worker);
        Status status = worker_execute(l.worker, STR(LONG_QUERY), discard, NULL, NULL, &t->err);
        pthread_join(thread, NULL);
        CHECK_INT(status, STATUS_INTERRUPTED);
        CHECK(!worker_is_lost(l.worker));
        Str got;
        CHECK_OK(answer(t, l.worker, "select 4", &got));
        CHECK_STR(got, STR("4\n"));
}

TEST(a_worker_never_serves_two_principals) {
        CLEANUP(worker_pool_closep) WorkerPool *pool = NULL;
        WorkerOptions options = options_of(t);
        options.most = 1;
        CHECK_OK(worker_pool_open(&options, &pool, &t->err));
        pid_t seen[3];
        static const char *const WHO[] = { "ann", "ann", "bo" };
        for (size_t i = 0; i < COUNT_OF(WHO); i++) {
                CLEANUP(worker_releasep) Worker *worker = NULL;
                CHECK_OK(worker_lease(pool, str_of(WHO[i]), &worker, &t->err));
                seen[i] = worker_process(worker);
        }
        CHECK(seen[0] == seen[1]);
        CHECK(seen[1] != seen[2]);
}

typedef struct Client {
        WorkerPool *pool;
        int number, failures;
} Client;

static void *be_a_client(void *context) {
        Client *client = context;
        char who[16];
        snprintf(who, sizeof(who), "user %d", client->number % 3);
        for (int i = 0; i < 15; i++) {
                CLEANUP(worker_releasep) Worker *worker = NULL;
                Error err = { 0 };
                int64_t rows = 0;
                if (worker_lease(client->pool, str_of(who), &worker, &err) != STATUS_OK ||
                    worker_execute(worker, STR("select i from range(1000) t(i)"), discard, NULL, &rows, &err) !=
                            STATUS_OK ||
                    rows != 1000)
                        client->failures++;
        }
        return NULL;
}

TEST(more_clients_than_workers_wait_for_each_other) {
        CLEANUP(worker_pool_closep) WorkerPool *pool = NULL;
        WorkerOptions options = options_of(t);
        options.most = 2;
        options.refill = true;
        CHECK_OK(worker_pool_open(&options, &pool, &t->err));
        Client clients[6];
        pthread_t threads[COUNT_OF(clients)];
        for (size_t i = 0; i < COUNT_OF(clients); i++) {
                clients[i] = (Client){ .pool = pool, .number = (int)i };
                pthread_create(&threads[i], NULL, be_a_client, &clients[i]);
        }
        for (size_t i = 0; i < COUNT_OF(clients); i++)
                pthread_join(threads[i], NULL);
        for (size_t i = 0; i < COUNT_OF(clients); i++)
                CHECK_INT(clients[i].failures, 0);
}

static size_t count_entries(const char *path) {
        DIR *folder = opendir(path);
        size_t count = 0;
        while (folder && readdir(folder))
                count++;
        if (folder)
                closedir(folder);
        return count;
}

TEST(a_thousand_leases_leave_nothing_behind) {
        CLEANUP(worker_pool_closep) WorkerPool *pool = NULL;
        WorkerOptions options = options_of(t);
        CHECK_OK(worker_pool_open(&options, &pool, &t->err));
        size_t fds = 0;
        for (int i = 0; i < 1000; i++) {
                CLEANUP(worker_releasep) Worker *worker = NULL;
                CHECK_OK(worker_lease(pool, STR("ann"), &worker, &t->err));
                CHECK_OK(worker_execute(worker, STR("select 1"), discard, NULL, NULL, &t->err));
                if (i == 0)
                        fds = count_entries("/proc/self/fd");
        }
        CHECK_INT(count_entries("/proc/self/fd"), fds);
        for (int i = 0; i < 20; i++) { /* a worker each */
                CLEANUP(worker_releasep) Worker *worker = NULL;
                CHECK_OK(worker_lease(pool, arena_strf(&t->arena, "user %d", i), &worker, &t->err));
        }
        worker_pool_close(TAKE_PTR(pool));
        CHECK_INT(count_entries(options.run_folder), 2); /* . and .. */
        CHECK(count_entries("/proc/self/fd") < fds);
}

TEST(folders_of_dead_servers_are_swept_and_those_of_living_ones_are_not) {
        WorkerOptions options = options_of(t);
        CLEANUP(worker_pool_closep) WorkerPool *first = NULL;
        CHECK_OK(worker_pool_open(&options, &first, &t->err));
        const char *dead = arena_printf(&t->arena, "%s/1-dead/0/g", options.run_folder);
        CHECK_OK(dir_make(dead, &t->err));
        CLEANUP(worker_pool_closep) WorkerPool *second = NULL;
        CHECK_OK(worker_pool_open(&options, &second, &t->err));
        CHECK(!file_exists(dead));
        CHECK_INT(count_entries(options.run_folder), 4);
}

TEST(a_granted_file_is_readable_and_nothing_else_is) {
        CLEANUP(leased_deinit) Leased l = { 0 };
        WorkerOptions options = options_of(t);
        CHECK_OK(leased_init(t, &options, &l));
        const char *csv = arena_printf(&t->arena, "%s/data.csv", test_folder(t));
        CHECK_OK(file_write_text(csv, STR("a\n1\n2\n"), &t->err));
        const char *granted;
        Str got;
        CHECK_OK(worker_grant(l.worker, csv, &t->arena, &granted, &t->err));
        CHECK_OK(answer(t, l.worker, arena_printf(&t->arena, "select sum(a) from read_csv('%s')", granted), &got));
        CHECK_STR(got, STR("3\n"));
        CHECK_STATUS(answer(t, l.worker, arena_printf(&t->arena, "select * from read_csv('%s')", csv), &got),
                     STATUS_SQL_REFUSED);
        worker_revoke_all(l.worker);
        CHECK(!file_exists(granted));
        CHECK_STATUS(answer(t, l.worker, arena_printf(&t->arena, "select sum(a) from read_csv('%s')", granted), &got),
                     STATUS_IO);
}

TEST(an_answer_is_built_as_a_file_with_field_ids_and_statistics) {
        CLEANUP(leased_deinit) Leased l = { 0 };
        WorkerOptions options = options_of(t);
        CHECK_OK(leased_init(t, &options, &l));
        TypeField element = { .name = STR("element"), .id = 4, .type = { .kind = TYPE_TEXT } };
        WorkerBuildColumn columns[] = {
                { STR("n"), 1, { .kind = TYPE_DECIMAL, .precision = 38 } },
                { STR("it's"), 2, { .kind = TYPE_TEXT } },
                { STR("l"), 3, { .kind = TYPE_LIST, .fields = &element, .field_count = 1 } },
        };
        WorkerFile *files;
        size_t count;
        CHECK_OK(worker_build(l.worker,
                              STR("select sum(i) as n, (i % 3)::varchar as \"it's\", [i::varchar] l from range(300) "
                                  "t(i) group by i -- all"),
                              columns, COUNT_OF(columns), &t->arena, &files, &count, &t->err));
        CHECK_INT(count, 1);
        CHECK_INT(files[0].statistics.rows, 300);
        CHECK_INT(files[0].statistics.column_count, 3);
        CHECK_INT(files[0].statistics.columns[1].field_id, 2);
        CHECK_STR(files[0].statistics.columns[1].upper, STR("2"));
        CHECK_INT(files[0].statistics.columns[2].field_id, 4);
        const char *granted;
        Str got;
        CHECK_OK(worker_grant(l.worker, files[0].path, &t->arena, &granted, &t->err));
        CHECK_OK(answer(t, l.worker,
                        arena_printf(&t->arena, "select count(*), sum(n), min(l) from read_parquet('%s')", granted),
                        &got));
        CHECK_STR(got, STR("300|44850|[\"0\"]\n"));
        CHECK_OK(worker_build(l.worker, STR("select 1::decimal(38,0) n, 'x' as \"it's\", ['y'] l where false"), columns,
                              COUNT_OF(columns), &t->arena, &files, &count, &t->err));
        CHECK_INT(count, 1);
        CHECK_INT(files[0].statistics.rows, 0);
        CHECK_STATUS(worker_build(l.worker, STR("select 1 n"), columns, COUNT_OF(columns), &t->arena, &files, &count,
                                  &t->err),
                     STATUS_SQL_BIND);
}

TEST(every_type_has_its_flattening_functions) {
        CLEANUP(leased_deinit) Leased l = { 0 };
        WorkerOptions options = options_of(t);
        CHECK_OK(leased_init(t, &options, &l));
        Str got;
        for (size_t i = 0; FUNCTION_TYPES[i]; i++) {
                Str name = function_name_of(&t->arena, str_of(FUNCTION_TYPES[i]));
                CHECK_OK(answer(t, l.worker,
                                arena_printf(&t->arena, "select system.main.%.*s(NULL::%s), %.*s(NULL::%s)", STR_ARG(name),
                                             FUNCTION_TYPES[i], STR_ARG(name), FUNCTION_TYPES[i]),
                                &got));
                CHECK_STR(got, STR("NULL|NULL\n"));
        }
        Type decimal = { .kind = TYPE_DECIMAL, .precision = 12, .scale = 2 };
        TypeField element = { .name = STR("element"), .type = decimal };
        Type types[] = { decimal, { .kind = TYPE_LIST, .fields = &element, .field_count = 1 } };
        CHECK_OK(worker_define(l.worker, types, COUNT_OF(types), &t->err));
        CHECK_OK(worker_define(l.worker, types, COUNT_OF(types), &t->err));
        Str name = function_name(&t->arena, decimal);
        CHECK_STR(name, STR("lode_v_decimal_12_2"));
        CHECK_OK(answer(t, l.worker,
                        "select lode_v_decimal_12_2(i::decimal(12,2)), lode_v_decimal_12_2(1.5) from range(2) t(i) "
                        "order by i",
                        &got));
        CHECK_STR(got, STR("0.00|1.50\n1.00|1.50\n"));
        Str nested = function_name(&t->arena, types[1]);
        CHECK_OK(answer(t, l.worker,
                        arena_printf(&t->arena, "select %.*s([1.5::decimal(12,2), null])", STR_ARG(nested)), &got));
        CHECK_STR(got, STR("[1.50, null]\n"));
}

static Status count_progress(void *context, Str payload UNUSED, Error *err UNUSED) {
        ++*(int *)context;
        return STATUS_OK;
}

static int open_new(Test *t, const char *name) {
        return open(path_join(&t->arena, test_folder(t), name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

/* A file of many lines, the hundredth of which does not fit. */
static int open_delivery(Test *t, int lines) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        buf_append_cstr(&text, "id,name\n");
        for (int i = 0; i < lines; i++)
                buf_printf(&text, i == 99 ? "x%d,name %d\n" : "%d,name %d\n", i, i);
        (void)file_write_text(path_join(&t->arena, test_folder(t), "in.csv"), buf_view(&text), &t->err);
        return open(path_join(&t->arena, test_folder(t), "in.csv"), O_RDONLY | O_CLOEXEC);
}

TEST(a_delivery_is_staged_through_descriptors_alone) {
        CLEANUP(leased_deinit) Leased l = { 0 };
        WorkerOptions options = options_of(t);
        CHECK_OK(leased_init(t, &options, &l));
        CLEANUP(close_fdp) int in = open_delivery(t, 1500000);
        CLEANUP(close_fdp) int data = open_new(t, "data.parquet");
        CLEANUP(close_fdp) int quarantine = open_new(t, "quarantine.parquet");
        SourceColumn columns[] = {
                { .name = STR("id"), .type = { .kind = TYPE_BIGINT }, .field_id = 1 },
                { .name = STR("name"), .type = { .kind = TYPE_TEXT }, .field_id = 2 },
        };
        StageSpec spec = { .format = format_default(),
                           .columns = columns,
                           .column_count = COUNT_OF(columns),
                           .file_id = 7,
                           .file_field_id = 3,
                           .row_field_id = 4,
                           .threads = 2 };
        CLEANUP(buf_deinit) Buf request = { 0 };
        stage_spec_write(&request, &spec);
        int fds[] = { in, data, quarantine }, progress = 0;
        Str reply;
        CHECK_OK(worker_stage(l.worker, buf_view(&request), fds, COUNT_OF(fds), count_progress, &progress, &t->arena,
                              &reply, &t->err));
        StageResult result;
        CHECK_OK(stage_result_read(reply, &spec, &t->arena, &result, &t->err));
        CHECK_INT(result.accepted, 1499999);
        CHECK_INT(result.quarantined, 1);
        CHECK(progress > 0);
        const char *granted;
        Str got;
        CHECK_OK(worker_grant(l.worker, path_join(&t->arena, test_folder(t), "data.parquet"), &t->arena, &granted,
                              &t->err));
        CHECK_OK(answer(
                t, l.worker,
                arena_printf(&t->arena, "select count(*), max(name), min(_file) from read_parquet('%s')", granted),
                &got));
        CHECK_STR(got, STR("1499999|name 999999|7\n"));
}

/* Rows of bo are hidden from ann; what is computed from ann's rows must not depend on them (notes: dictionaries). */
TEST(flattened_columns_do_not_show_hidden_rows) {
        CLEANUP(leased_deinit) Leased l = { 0 };
        WorkerOptions options = options_of(t);
        CHECK_OK(leased_init(t, &options, &l));
        TypeField element = { .name = STR("element"), .id = 3, .type = { .kind = TYPE_DOUBLE } };
        WorkerBuildColumn columns[] = {
                { STR("owner"), 1, { .kind = TYPE_TEXT } },
                { STR("l"), 2, { .kind = TYPE_LIST, .fields = &element, .field_count = 1 } },
                { STR("d"), 4, { .kind = TYPE_DATE } },
        };
        WorkerFile *files;
        size_t count;
        const char *file;
        Str got;
        CHECK_OK(worker_build(l.worker,
                              STR("select case when i % 2 = 0 then 'ann' else 'bo' end as owner, "
                                  "case when i % 2 = 0 then [1.0, 2.0] else [1.0, null] end as l, "
                                  "case when i % 2 = 0 then date '2026-01-01' else date '290000-01-01' end as d "
                                  "from range(1000) t(i)"),
                              columns, COUNT_OF(columns), &t->arena, &files, &count, &t->err));
        CHECK_OK(worker_grant(l.worker, files[0].path, &t->arena, &file, &t->err));
        Type types[] = { columns[1].type, columns[2].type };
        CHECK_OK(worker_define(l.worker, types, COUNT_OF(types), &t->err));
        static const char *const USES[] = { "sum(list_inner_product(l, [1.0, 2.0]::double[]))", "max(epoch_ns(d))" };
        Str v = function_name(&t->arena, types[0]);
        for (size_t i = 0; i < COUNT_OF(USES); i++) {
                const char *bare = arena_printf(
                        &t->arena, "select %s from (select l, d from read_parquet('%s') where owner = 'ann' offset 0)",
                        USES[i], file);
                const char *w = arena_printf(
                        &t->arena,
                        "select %s from (select %.*s(l) as l, lode_v_date(d) as d from (select l, d "
                        "from read_parquet('%s') where owner = 'ann'))",
                        USES[i], STR_ARG(v), file);
                CHECK_STATUS(answer(t, l.worker, bare, &got), STATUS_SQL_DATA); /* the hole is there ... */
                CHECK_OK(answer(t, l.worker, w, &got));                         /* ... and this closes it */
        }
}

/* In a process of its own, which is then killed: a pool with a worker in the middle of a statement. */
static NORETURN void be_a_server(Test *t, const WorkerOptions *options, int tell) {
        Leased l = { 0 };
        if (leased_init(t, options, &l) != STATUS_OK)
                _exit(1);
        pid_t process = worker_process(l.worker);
        if (write(tell, &process, sizeof(process)) != sizeof(process))
                _exit(1);
        (void)worker_execute(l.worker, STR(LONG_QUERY), discard, NULL, NULL, &t->err);
        _exit(0);
}

TEST(a_killed_server_takes_its_workers_along_and_leaves_a_folder_that_is_swept) {
        WorkerOptions options = options_of(t);
        int pipes[2];
        pid_t worker = 0;
        CHECK_INT(pipe(pipes), 0);
        pid_t server = fork();
        if (server == 0)
                be_a_server(t, &options, pipes[1]);
        CHECK_INT(read(pipes[0], &worker, sizeof(worker)), sizeof(worker));
        close(pipes[0]);
        close(pipes[1]);
        usleep(100000);
        CHECK_INT(kill(worker, 0), 0);
        CHECK_INT(count_entries(options.run_folder), 3);
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
        char path[64];
        snprintf(path, sizeof(path), "/proc/%d/exe", (int)worker);
        for (int i = 0; i < 200 && readlink(path, (char[8]){ 0 }, 8) >= 0; i++) /* a zombie has no program */
                usleep(10000);
        CHECK(readlink(path, (char[8]){ 0 }, 8) < 0);
        CLEANUP(worker_pool_closep) WorkerPool *pool = NULL;
        CHECK_OK(worker_pool_open(&options, &pool, &t->err));
        CHECK_INT(count_entries(options.run_folder), 3);
}

/* Programs that are no workers, in place of one. What they write on descriptor 3 is what lode reads. */
TEST(a_worker_that_lies_harms_nobody) {
        static const struct {
                const char *script;
                Status status;
        } cases[] = {
                { "exit 3", STATUS_WORKER_LOST },
                { "kill -SEGV $$", STATUS_WORKER_LOST },
                { "printf 'what is this, a header?' >&3; sleep 5", STATUS_WORKER_LOST },
                { "printf '\\004\\000' >&3; sleep 5", STATUS_TIMEOUT }, /* half a header, for ever */
                { "printf '\\377\\377\\377\\177\\001\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000' >&3; "
                  "sleep 5",
                  STATUS_WORKER_LOST },
                /* HELLO with two empty texts: of another build */
                { "printf "
                  "'\\010\\000\\000\\000\\001\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\00"
                  "0\\000\\000\\000\\000' >&3; sleep 5",
                  STATUS_ENGINE },
                /* DONE instead of HELLO */
                { "printf '\\000\\000\\000\\000\\010\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000' >&3; "
                  "sleep 5",
                  STATUS_WORKER_LOST },
                /* a row that nobody asked for */
                { "printf '\\001\\000\\000\\000\\007\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000x' >&4; "
                  "sleep 5",
                  STATUS_WORKER_LOST },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                const char *program = arena_printf(&t->arena, "%s/fake-%zu", test_folder(t), i);
                CHECK_OK(file_write_text(program, arena_strf(&t->arena, "#!/bin/sh\n%s\n", cases[i].script), &t->err));
                CHECK_INT(chmod(program, 0700), 0);
                WorkerOptions options = options_of(t);
                options.program = program;
                options.start_timeout_us = 2000000; /* a busy machine starts even these slowly */
                CLEANUP(worker_pool_closep) WorkerPool *pool = NULL;
                Worker *worker;
                CHECK_OK(worker_pool_open(&options, &pool, &t->err));
                CHECK_STATUS(worker_lease(pool, STR("ann"), &worker, &t->err), cases[i].status);
        }
}

/* A worker that has been taken over and answers with a failure of its own making. */
TEST(a_failure_that_the_table_does_not_have_ends_its_worker) {
        static const struct {
                int reason;
                const char *text;
                Status status;
        } cases[] = {
                { REASON_HEADER_STRANGE, "id", STATUS_HELD }, /* the one that may be said */
                { REASON_COUNT, "call 555-0100 to get your data back", STATUS_WORKER_LOST },
                { REASON_NO_RECORDS, "call 555-0100 to get your data back", STATUS_WORKER_LOST },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CLEANUP(buf_deinit) Buf frame = { 0 };
                const char *program = arena_printf(&t->arena, "%s/liar-%zu", test_folder(t), i);
                const char *answer = arena_printf(&t->arena, "%s.answer", program);
                buf_u32(&frame, (uint32_t)(2 + 2 + 1 + 1 + 4 + strlen(cases[i].text)));
                buf_u16(&frame, MESSAGE_FAIL);
                buf_u16(&frame, 0);
                buf_u64(&frame, 0);
                buf_u16(&frame, FAILURE_REASON);
                buf_u16(&frame, (uint16_t)cases[i].reason);
                buf_u8(&frame, 1);
                buf_u8(&frame, 't');
                buf_lstr(&frame, str_of(cases[i].text));
                CHECK_OK(file_write_text(answer, buf_view(&frame), &t->err));
                CHECK_OK(file_write_text(program, arena_strf(&t->arena, "#!/bin/sh\ncat '%s' >&3\nsleep 5\n", answer), &t->err));
                CHECK_INT(chmod(program, 0700), 0);
                WorkerOptions options = options_of(t);
                options.program = program;
                CLEANUP(worker_pool_closep) WorkerPool *pool = NULL;
                Worker *worker;
                CHECK_OK(worker_pool_open(&options, &pool, &t->err));
                CHECK_STATUS(worker_lease(pool, STR("ann"), &worker, &t->err), cases[i].status);
                CHECK(!strstr(t->err.message, "555") && !strstr(t->err.hint, "555"));
        }
}

TEST(a_missing_program_is_said) {
        WorkerOptions options = options_of(t);
        options.program = "/nowhere/lode-worker";
        WorkerPool *pool = NULL;
        CHECK_STATUS(worker_pool_open(&options, &pool, &t->err), STATUS_ENGINE);
        CHECK_HAS(str_of(t->err.message), "/nowhere/lode-worker");
}
