/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/rows.h"

#include "base/hash.h"
#include "base/test.h"
#include "base/time.h"
#include "engine/client_type.h"
#include "engine/data_row.h"


static Status open_pool(Test *t, WorkerPool **pool, Worker **worker) {
        WorkerOptions options = { .run_folder = arena_printf(&t->arena, "%s/run", test_folder(t)), .threads = 1 };
        TRY(worker_pool_open(&options, pool, &t->err));
        return worker_lease(*pool, STR("ann"), worker, &t->err);
}

/* All messages of an answer, one after the other. */
static Status collect(Test *t, Worker *worker, const ExecuteSpec *spec, int64_t most, Buf *out, int64_t *out_calls) {
        CLEANUP(worker_rows_endp) WorkerRows *rows = NULL;
        TRY(worker_rows_begin(worker, spec, &rows, &t->err));
        for (bool done = false; !done;) {
                Str messages;
                int64_t count;
                TRY(worker_rows_next(rows, most, &messages, &count, &done, &t->err));
                if (most > 0 && count > most)
                        return error_set(&t->err, STATUS_INTERNAL, "more rows than asked for");
                buf_append(out, messages);
                *out_calls += !done;
        }
        return STATUS_OK;
}

TEST(values_in_binary_are_those_of_postgresql_15) {
        CLEANUP(worker_pool_closep) WorkerPool *pool = NULL;
        CLEANUP(worker_releasep) Worker *worker = NULL;
        CHECK_OK(open_pool(t, &pool, &worker));
        static const struct {
                const char *sql, *hex;
        } cases[] = {
                { "true", "01" },
                { "(-2)::tinyint", "fffe" },
                { "255::utinyint", "00ff" },
                { "70000::int", "00011170" },
                { "65535::usmallint", "0000ffff" },
                { "4294967295::uinteger", "00000000ffffffff" },
                { "4294967295::pg_oid", "ffffffff" },
                { "'sales'::pg_name", "73616c6573" },
                { "'[1, 2]'::pg_int2vector", "00000001" "00000000" "00000015" "00000002" "00000000" "00000002" "0001" "00000002" "0002" },
                { "'[]'::pg_int2vector", "00000001" "00000000" "00000015" "00000000" "00000000" },
                { "'[26]'::pg_oidvector", "00000001" "00000000" "0000001a" "00000001" "00000000" "00000004" "0000001a" },
                { "[26::pg_oid]", "00000001" "00000000" "0000001a" "00000001" "00000001" "00000004" "0000001a" },
                { "0::decimal(4,0)", "0000000000000000" },
                { "0.00::decimal(4,2)", "0000000000000002" },
                { "(-1.5)::decimal(4,1)", "00020000400000010001" "1388" },
                { "10000::decimal(9,0)", "0001000100000000" "0001" },
                { "0.00001234::decimal(18,8)", "0001fffe00000008" "04d2" },
                { "12345678901234567890123456789012345678::decimal(38,0)",
                  "000a000900000000" "000c0d801ed204d2162e23340d801ed204d2162e" },
                { "123456.789::decimal(38,3)", "0003000100000003" "000c0d801ed2" },
                { "18446744073709551615::ubigint", "0005000400000000" "07341a5802e103bb064f" },
                { "date '2000-01-02'", "00000001" },
                { "date 'infinity'", "7fffffff" },
                { "date '-infinity'", "80000000" },
                { "timestamp '2000-01-01 00:00:01'", "00000000000f4240" },
                { "timestamp 'infinity'", "7fffffffffffffff" },
                { "'1999-12-31 23:59:59'::timestamp_s", "fffffffffff0bdc0" },
                { "timestamptz '2000-01-01 00:00:00+00'", "0000000000000000" },
                { "time '00:00:00.000001'", "0000000000000001" },
                { "'00:00:00+05:30'::timetz", "0000000000000000ffffb2a8" },
                { "interval '1 month 2 days 3 microseconds'", "00000000000000030000000200000001" },
                { "'00112233-4455-6677-8899-aabbccddeeff'::uuid", "00112233445566778899aabbccddeeff" },
                { "'\\x00\\xFF'::blob", "00ff" },
                { "'10110'::bit", "00000005b0" },
                { "'101101111'::bit", "00000009b780" },
                { "1.5::float", "3fc00000" },
                { "(-0.1)::double", "bfb999999999999a" },
                { "'a b'", "612062" },
                { "[1, null, 3]", "00000001" "00000001" "00000017" "00000003" "00000001" "00000004" "00000001" "ffffffff" "00000004" "00000003" },
                { "[]::int[]", "00000000" "00000000" "00000017" },
                { "{'a': 1}", "7b2261223a20317d" },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                CLEANUP(buf_deinit) Buf messages = { 0 };
                int64_t calls = 0;
                uint16_t binary = 1;
                ExecuteSpec spec = { .sql = arena_strf(&t->arena, "select %s", cases[i].sql), .answer = ROWS_FORMATS, .formats = &binary,
                                     .format_count = 1 };
                CHECK_OK(collect(t, worker, &spec, 0, &messages, &calls));
                DataRow row;
                Str value;
                bool null;
                CHECK(data_row_open(buf_view(&messages), &row));
                CHECK(data_row_next(&row, &value, &null));
                Str got = hex_of(&t->arena, value);
                if (!str_is(got, cases[i].hex))
                        test_fail(t, __FILE__, __LINE__, "%s is %.*s, wanted %s", cases[i].sql, STR_ARG(got), cases[i].hex);
        }
}

TEST(rows_for_clients_and_for_copy_are_as_postgresql_writes_them) {
        CLEANUP(worker_pool_closep) WorkerPool *pool = NULL;
        CLEANUP(worker_releasep) Worker *worker = NULL;
        CHECK_OK(open_pool(t, &pool, &worker));
        static const struct {
                RowsAnswer answer;
                const char *sql, *text;
        } cases[] = {
                { ROWS_FORMATS, "[1, null]", "D......{1,NULL}" },
                { ROWS_FORMATS, "['a b', 'null', '', 'x\"y\\z', 'plain']", "D......{\"a b\",\"null\",\"\",\"x\\\"y\\\\z\",plain}" },
                { ROWS_FORMATS, "[true, false]", "D......{t,f}" },
                { ROWS_FORMATS, "[[1], [2]]", "D......[[1], [2]]" },
                { ROWS_PLAIN, "[1, null]", "D......[1, null]" },
                { ROWS_COPY_TEXT, "1, null, e'a\\tb\\\\c\\nd', '\\xFF'::blob", "d1\t\\N\ta\\tb\\\\c\\nd\t\\\\xff\n" },
                { ROWS_COPY_CSV, "1, null, '', 'a,b', 'c\"d', e'e\\nf'", "d1,,\"\",\"a,b\",\"c\"\"d\",\"e\nf\"\n" },
                { ROWS_COPY_CSV, "'\\.'", "d\"\\.\"\n" },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                CLEANUP(buf_deinit) Buf messages = { 0 };
                int64_t calls = 0;
                bool csv = cases[i].answer == ROWS_COPY_CSV;
                ExecuteSpec spec = { .sql = arena_strf(&t->arena, "select %s", cases[i].sql), .answer = cases[i].answer,
                                     .copy = { csv ? ',' : '\t', '"', '"', csv ? STR("") : STR("\\N") } };
                CHECK_OK(collect(t, worker, &spec, 0, &messages, &calls));
                /* without type and length; of a DataRow also without the count and the one size */
                size_t head = cases[i].answer < ROWS_COPY_TEXT ? 11 : 5;
                Str body = str_slice(buf_view(&messages), head, messages.size);
                Str wanted = str_slice(str_of(cases[i].text), cases[i].answer < ROWS_COPY_TEXT ? 7 : 1, strlen(cases[i].text));
                CHECK_INT(messages.data[0], cases[i].text[0]);
                CHECK_STR(body, wanted);
        }
}

TEST(rows_come_as_many_at_a_time_as_asked_for) {
        CLEANUP(worker_pool_closep) WorkerPool *pool = NULL;
        CLEANUP(worker_releasep) Worker *worker = NULL;
        CHECK_OK(open_pool(t, &pool, &worker));
        CLEANUP(buf_deinit) Buf all = { 0 };
        CLEANUP(buf_deinit) Buf parts = { 0 };
        int64_t calls = 0, ignored = 0;
        ExecuteSpec spec = { .sql = STR("select i, repeat('x', (i * 37 % 1000)::bigint) from range(20000) t(i) order by i") };
        CHECK_OK(collect(t, worker, &spec, 0, &all, &ignored));
        CHECK_OK(collect(t, worker, &spec, 7, &parts, &calls));
        CHECK(calls >= 20000 / 7);
        CHECK_STR(buf_view(&parts), buf_view(&all));
}

TEST(an_answer_that_nobody_reads_to_its_end_leaves_the_worker_usable) {
        CLEANUP(worker_pool_closep) WorkerPool *pool = NULL;
        CLEANUP(worker_releasep) Worker *worker = NULL;
        CHECK_OK(open_pool(t, &pool, &worker));
        for (int i = 0; i < 3; i++) {
                CLEANUP(worker_rows_endp) WorkerRows *rows = NULL;
                ExecuteSpec spec = { .sql = STR("select i from range(1000000000) t(i)") };
                Str messages;
                int64_t count;
                bool done;
                CHECK_OK(worker_rows_begin(worker, &spec, &rows, &t->err));
                CHECK_OK(worker_rows_next(rows, 10, &messages, &count, &done, &t->err));
                CHECK_INT(count, 10);
        }
        int64_t rows;
        CHECK(!worker_is_lost(worker));
        CHECK_OK(worker_execute(worker, STR("select 1 where false"), NULL, NULL, &rows, &t->err));
        CHECK_INT(rows, 0);
}

TEST(time_in_which_nobody_asks_is_not_the_statements) {
        CLEANUP(worker_pool_closep) WorkerPool *pool = NULL;
        CLEANUP(worker_releasep) Worker *worker = NULL;
        CHECK_OK(open_pool(t, &pool, &worker));
        CLEANUP(worker_rows_endp) WorkerRows *rows = NULL;
        ExecuteSpec spec = { .sql = STR("select i from range(3000000) t(i)") };
        Str messages;
        int64_t count, total = 0;
        CHECK_OK(worker_rows_begin(worker, &spec, &rows, &t->err));
        worker_rows_allow(rows, time_monotonic_us(), 20000000);
        for (bool done = false; !done; total += count) {
                CHECK_OK(worker_rows_next(rows, 0, &messages, &count, &done, &t->err));
                if (total == 0)
                        usleep(50000);
        }
        CHECK_INT(total, 3000000);
}

TEST(types_have_the_oids_and_modifiers_of_postgresql) {
        static const struct {
                const char *engine;
                uint32_t oid;
                int32_t modifier;
        } cases[] = {
                { "INTEGER", 23, -1 },           { "DECIMAL(12,2)", 1700, (12 << 16 | 2) + 4 }, { "VARCHAR", 25, -1 },
                { "TIMESTAMP WITH TIME ZONE", 1184, -1 }, { "INTEGER[]", 1007, -1 },            { "VARCHAR[3]", 1009, -1 },
                { "INTEGER[][]", 114, -1 },      { "STRUCT(\"a\" INTEGER)", 114, -1 },          { "STRUCT(\"a\" INTEGER)[]", 114, -1 },
                { "MAP(VARCHAR, INTEGER)", 114, -1 }, { "ENUM", 25, -1 },                       { "\"NULL\"", 25, -1 },
                { "", 25, -1 },                  { "DECIMAL(", 1700, -1 },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                ClientType type = client_type_of(str_of(cases[i].engine));
                if (type.oid != cases[i].oid || type.modifier != cases[i].modifier)
                        test_fail(t, __FILE__, __LINE__, "%s is %u (%d)", cases[i].engine, type.oid, type.modifier);
        }
}
