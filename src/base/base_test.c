/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/map.h"
#include "base/remedy.h"
#include "base/test.h"
#include "base/thread.h"
#include "base/time.h"
#include "base/value.h"
#include "base/vec.h"
#include "base/yaml.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>

TEST(an_error_keeps_place_and_excerpt_of_the_users_text) {
        Str text = STR("select a,\n  größe, x\nfrom t\n");
        error_set(&t->err, STATUS_NO_COLUMN, "no column \"%s\"", "x");
        error_place(&t->err, "a.sql", text, str_find(text, STR("x\n")));
        CHECK_INT(t->err.line, 2);
        CHECK_INT(t->err.column, 10); /* characters, not bytes */
        CHECK_STR(str_of(t->err.excerpt), STR("  größe, x"));
        error_context(&t->err, "reading %s", "a");
        CHECK_STR(str_of(t->err.message), STR("reading a: no column \"x\""));
        CHECK_STR(str_of(status_sqlstate(t->err.status)), STR("42703"));
}

TEST(globs_match_within_one_folder) {
        static const struct {
                const char *text, *pattern;
                bool expected;
        } cases[] = {
                { "orders_1.csv", "orders_*.csv", true }, { "orders_1.csv.gz", "orders_*.csv", false },
                { "a/b.csv", "*.csv", false },            { "a/b.csv", "*/*.csv", true },
                { "b.csv", "?.csv", true },               { "x5.csv", "x[0-9].csv", true },
                { "xa.csv", "x[!0-9].csv", true },        { "x[.csv", "x[.csv", true },
                { "", "*", true },                        { "abcabd", "*abd", true },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                if (str_matches_glob(str_of(cases[i].text), str_of(cases[i].pattern)) != cases[i].expected) {
                        test_fail(t, __FILE__, __LINE__, "'%s' against '%s'", cases[i].text, cases[i].pattern);
                        return;
                }
}

TEST(a_guess_is_made_only_when_it_is_near) {
        Str words[] = { STR("delimiter"), STR("decimal"), STR("columns") };
        CHECK_STR(str_nearest(STR("delimeter"), words, 3), STR("delimiter"));
        CHECK_STR(str_nearest(STR("cloumns"), words, 3), STR("columns"));
        CHECK(str_nearest(STR("zebra"), words, 3).data == NULL);
}

TEST(integers_are_read_whole_or_not_at_all) {
        int64_t value;
        CHECK(str_to_int64(STR("-9223372036854775808"), &value) && value == INT64_MIN);
        CHECK(str_to_int64(STR("9223372036854775807"), &value) && value == INT64_MAX);
        CHECK(!str_to_int64(STR("9223372036854775808"), &value));
        CHECK(!str_to_int64(STR("1x"), &value) && !str_to_int64(STR(""), &value) && !str_to_int64(STR("-"), &value));
}

TEST(utf8_is_checked_strictly) {
        static const char *const bad[] = { "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80", "\xFF" };
        for (size_t i = 0; i < COUNT_OF(bad); i++)
                CHECK(!utf8_valid(str_of(bad[i])));
        CHECK(utf8_valid(STR("abcdefghij grüße € 𝄞")));
        CHECK_INT(utf8_length(STR("grüße €")), 7);
}

TEST(a_map_keeps_order_and_finds_all) {
        Map map;
        map_init(&map, &t->arena);
        for (int i = 0; i < 1000; i++)
                map_put(&map, arena_strf(&t->arena, "key%d", i), arena_printf(&t->arena, "%d", i));
        CHECK_INT(map.count, 1000);
        CHECK_STR(map.entries[7].key, STR("key7"));
        CHECK_STR(str_of(map_get(&map, STR("key999"))), STR("999"));
        CHECK(map_get(&map, STR("none")) == NULL);
        map_put(&map, STR("key5"), NULL);
        CHECK_INT(map.count, 1000);
        CHECK(map_has(&map, STR("key5")));
}

TEST(vectors_grow) {
        VEC(int) v = { 0 };
        for (int i = 0; i < 100; i++)
                vec_push(&t->arena, &v, i);
        CHECK_INT(v.items[99], 99);
}

TEST(hashes_are_the_standard_ones) {
        Str hash = sha256_hex(&t->arena, sha256_of(STR("abc")));
        CHECK_STR(hash, STR("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
        Sha256Stream *stream = sha256_new();
        sha256_update(stream, STR("a"));
        sha256_update(stream, STR("bc"));
        CHECK_STR(sha256_hex(&t->arena, sha256_finish(stream)), hash);
        Str encoded = base64_encode(&t->arena, STR("lode!")), decoded;
        CHECK_STR(encoded, STR("bG9kZSE="));
        CHECK(base64_decode(&t->arena, encoded, &decoded));
        CHECK_STR(decoded, STR("lode!"));
        CHECK(!base64_decode(&t->arena, STR("b=9k"), &decoded));
}

TEST(dates_and_times_go_round) {
        for (int32_t days = -719162; days < 2932896; days += 397) {
                int year, month, day;
                civil_from_days(days, &year, &month, &day);
                CHECK(civil_valid(year, month, day));
                CHECK_INT(days_from_civil(year, month, day), days);
        }
        int64_t us;
        CHECK(time_parse_us(STR("2026-11-26T02:13:44.5+01:00"), &us));
        CHECK_STR(time_print_us(&t->arena, us), STR("2026-11-26T01:13:44.500000Z"));
        CHECK(time_parse_us(STR("1969-12-31"), &us));
        CHECK_STR(time_print_us(&t->arena, us), STR("1969-12-31T00:00:00.000000Z"));
        CHECK(!time_parse_us(STR("2026-02-30"), &us));
        CHECK(!time_parse_us(STR("2026-02-03T25:00"), &us));
        CHECK_STR(count_print(&t->arena, -1234567), STR("-1,234,567"));
        CHECK_STR(bytes_print(&t->arena, 1234567), STR("1.2 MB"));
}

TEST(json_goes_round_and_says_where_it_breaks) {
        Str text = STR("{\"id\":9007199254740993,\"s\":\"a\\\"\\u0000b\\u00e9\\n\",\"l\":[1.5,true,null,{}]}");
        Json *tree;
        CHECK_OK(json_parse(text, "x.json", &t->arena, &tree, &t->err));
        CHECK(json_integer(json_get(tree, "id"), 0) == 9007199254740993);
        CHECK_INT(json_string(json_get(tree, "s")).size, 7);
        CLEANUP(buf_deinit) Buf out = { 0 };
        JsonWriter w = json_writer(&out, false);
        json_put_tree(&w, tree);
        CHECK_STR(buf_view(&out), STR("{\"id\":9007199254740993,\"s\":\"a\\\"\\u0000bé\\n\",\"l\":[1.5,true,null,{}]}"));

        CHECK_STATUS(json_parse(STR("{\n \"a\": 1,\n \"a\": 2}"), "x.json", &t->arena, &tree, &t->err), STATUS_CORRUPT);
        CHECK_INT(t->err.line, 3);
        CHECK_STATUS(json_parse(STR("[99999999999999999999]"), NULL, &t->arena, &tree, &t->err), STATUS_CORRUPT);
        CLEANUP(buf_deinit) Buf deep = { 0 };
        for (int i = 0; i < 1500; i++)
                buf_append_byte(&deep, '[');
        for (int i = 0; i < 1500; i++)
                buf_append_byte(&deep, ']');
        CHECK_STATUS(json_parse(buf_view(&deep), NULL, &t->arena, &tree, &t->err), STATUS_LIMIT);

        Str allowed = str_slice(buf_view(&deep), 1500 - JSON_DEPTH, 1500 + JSON_DEPTH);
        CHECK_OK(json_parse(allowed, NULL, &t->arena, &tree, &t->err));
        CLEANUP(buf_deinit) Buf copy = { 0 };
        JsonWriter copier = json_writer(&copy, false);
        json_put_tree(&copier, tree);
        CHECK_STR(buf_view(&copy), allowed);
}

TEST(yaml_is_strict_and_says_where) {
        static const struct {
                const char *text;
                Status expected;
                int line, column;
        } cases[] = {
                { "a: 1\nb: [x, 'y']\nc:\n  d: no\n", STATUS_OK, 0, 0 },
                { "a: ann      # a comment\n", STATUS_OK, 0, 0 },
                { "# only a comment\n", STATUS_OK, 0, 0 },
                { "at: 9 o'clock\n", STATUS_OK, 0, 0 },
                { "delimiter: \";\"\n", STATUS_OK, 0, 0 },
                { "a: 1\na: 2\n", STATUS_DUPLICATE_KEY, 2, 1 },
                { "rows: region = 'EU #1'\n", STATUS_SYNTAX, 1, 7 },
                { "rows: name = a #b\n", STATUS_SYNTAX, 1, 7 },
                { "a: b: c\n", STATUS_SYNTAX, 1, 5 },
                { "a: &x 1\n", STATUS_SYNTAX, 1, 4 },
                { "a: *x\n", STATUS_SYNTAX, 1, 4 },
                { "a: !!int 1\n", STATUS_SYNTAX, 1, 4 },
                { "- a: 1\n  b: 2\n", STATUS_OK, 0, 0 },
                { "just text\n", STATUS_SYNTAX, 1, 1 },
                { "a: 1\n---\nb: 2\n", STATUS_SYNTAX, 2, 1 },
                { "a: [1, 2\n", STATUS_SYNTAX, 2, 1 },
                { "a:\n\tb: 1\n", STATUS_SYNTAX, 2, 1 },
                { "a: \xFF\n", STATUS_SYNTAX, 1, 4 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                YamlFile *file;
                Status status = yaml_parse(str_of(cases[i].text), "z.yml", &t->arena, &file, &t->err);
                if (status != cases[i].expected ||
                    (status && (t->err.line != cases[i].line || t->err.column != cases[i].column))) {
                        test_fail(t, __FILE__, __LINE__, "case %zu '%s' gives %s at %d:%d: %s", i, cases[i].text,
                                  status_name(status), t->err.line, t->err.column, status ? t->err.message : "");
                        return;
                }
        }
}

TEST(types_are_parsed_and_printed) {
        static const struct {
                const char *text, *printed, *iceberg, *duckdb;
        } cases[] = {
                { "int", "int", "int", "INTEGER" },
                { "bigint", "bigint", "long", "BIGINT" },
                { "decimal(12,2)", "decimal(12,2)", "decimal(12, 2)", "DECIMAL(12,2)" },
                { "decimal( 38 , 0 )", "decimal(38,0)", "decimal(38, 0)", "DECIMAL(38,0)" },
                { "timestamptz", "timestamptz", "timestamptz", "TIMESTAMP WITH TIME ZONE" },
                { "text", "text", "string", "VARCHAR" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Type type, again;
                CHECK_OK(type_parse(str_of(cases[i].text), &type, &t->err));
                CHECK_STR(type_print(&t->arena, type), str_of(cases[i].printed));
                CHECK_STR(type_print_iceberg(&t->arena, type), str_of(cases[i].iceberg));
                CHECK_STR(type_print_duckdb(&t->arena, type), str_of(cases[i].duckdb));
                CHECK(type_parse_iceberg(str_of(cases[i].iceberg), &again) && type_equal(type, again));
                CHECK(type_parse_duckdb(&t->arena, str_of(cases[i].duckdb), &again) && type_equal(type, again));
        }
        Type type;
        CHECK_STATUS(type_parse(STR("strnig"), &type, &t->err), STATUS_BAD_VALUE);
        CHECK_STATUS(type_parse(STR("decimal(39,0)"), &type, &t->err), STATUS_BAD_VALUE);
        Str nested = STR("STRUCT(\"a \"\"b\" INTEGER, c MAP(VARCHAR, DECIMAL(4,2)[]))[]");
        CHECK(type_parse_duckdb(&t->arena, nested, &type));
        CHECK_STR(type_print(&t->arena, type), STR("list<struct<\"a \"\"b\" int, c map<text, list<decimal(4,2)>>>>"));
        CHECK(!type_parse_duckdb(&t->arena, STR("HUGEINT"), &type));
}

TEST(nested_types_read_back_as_they_are_printed) {
        static const char *const texts[] = { "list<int>", "list<list<decimal(12,2)>>", "struct<a int, b text>",
                                             "list<struct<\"a \"\"b\" int, c list<timestamptz>, \"x,y\" struct<z boolean>>>", "decimal(12,2)" };
        for (size_t i = 0; i < COUNT_OF(texts); i++) {
                Type type;
                CHECK_OK(type_parse_nested(&t->arena, str_of(texts[i]), &type, &t->err));
                CHECK_STR(type_print(&t->arena, type), str_of(texts[i]));
                Str longer = arena_strf(&t->arena, "%s required", texts[i]);
                CHECK_INT(type_text_size(longer), strlen(texts[i]));
                CHECK(type_same(type, type_copy(&t->arena, type)));
        }
        static const char *const bad[] = { "list<>", "list<int", "list<int>>", "struct<>", "struct<a>", "struct<a int, A text>", "struct<a int b>",
                                           "list<map<int, int>>", "list int", "struct<\"a int>", "list<decimal(50,2)>" };
        for (size_t i = 0; i < COUNT_OF(bad); i++) {
                Type type;
                CHECK_STATUS(type_parse_nested(&t->arena, str_of(bad[i]), &type, &t->err), STATUS_BAD_VALUE);
        }
        Type type;
        CHECK_STATUS(type_parse_nested(&t->arena, STR("struct<\"a\0b\" text>"), &type, &t->err), STATUS_BAD_VALUE); /* it could not be written as a key */
}

TEST(a_text_is_one_of_some_and_ascii_or_not) {
        const Str some[] = { STR("id"), STR("Straße"), STR("") };
        CHECK(str_is_in(STR("id"), some, 3) && str_is_in(STR(""), some, 3) && str_is_in_nocase(STR("ID"), some, 3));
        CHECK(!str_is_in(STR("ID"), some, 3) && !str_is_in(STR("i"), some, 3) && !str_is_in_nocase(STR("id"), some, 0));
        CHECK(str_is_ascii(some[0]) && str_is_ascii(some[2]) && str_is_ascii(STR("\x7f")) && !str_is_ascii(some[1]));
}

TEST(nul_is_none_of_the_characters_of_a_set) {
        CHECK(char_is_one_of('b', "abc") && !char_is_one_of('d', "abc"));
        CHECK(!char_is_one_of(0, "abc") && !char_is_one_of(0, ""));
}

TEST(single_values_have_icebergs_bytes) {
        static const struct {
                long long unscaled;
                const char *bytes;
                size_t size;
        } decimals[] = { { 0, "\0", 1 }, { 127, "\x7F", 1 }, { 128, "\0\x80", 2 }, { -128, "\x80", 1 }, { -129, "\xFF\x7F", 2 }, { 1420, "\x05\x8C", 2 } };
        for (size_t i = 0; i < COUNT_OF(decimals); i++) {
                Str got = value_decimal(&t->arena, decimals[i].unscaled);
                CHECK_STR(got, ((Str){ decimals[i].bytes, decimals[i].size }));
                Int128 back;
                CHECK(value_read_decimal(got, &back) && back == decimals[i].unscaled);
        }
        CHECK_STR(int128_print(&t->arena, -5, 2), STR("-0.05"));
        CHECK_STR(int128_print(&t->arena, 120, 0), STR("120"));
        Str upper;
        CHECK(value_upper_text(&t->arena, STR("abcdefghijklmnopq"), &upper));
        CHECK_STR(upper, STR("abcdefghijklmnoq"));
        CHECK(value_upper_text(&t->arena, STR("short"), &upper));
        CHECK_STR(upper, STR("short"));
        CHECK(value_upper_text(&t->arena, STR("aaaaaaaaaaaaaa\xED\x9F\xBF\xF4\x8F\xBF\xBFz"), &upper));
        CHECK_STR(upper, STR("aaaaaaaaaaaaaa\xEE\x80\x80"));
}

TEST(statistics_travel_and_bad_ones_are_refused) {
        ColumnStatistics column = { .field_id = 3, .values = 10, .nulls = 2, .nans = -1, .bytes = 99, .has_lower = true,
                                    .lower = STR("abc") };
        int64_t split = 4;
        FileStatistics statistics = { 10, 1234, &column, 1, &split, 1 };
        CLEANUP(buf_deinit) Buf out = { 0 };
        file_statistics_write(&out, &statistics);
        Cursor cursor = cursor_of(buf_view(&out));
        FileStatistics read;
        CHECK_OK(file_statistics_read(&cursor, &t->arena, &read, &t->err));
        CHECK_INT(read.columns[0].nulls, 2);
        CHECK_STR(read.columns[0].lower, STR("abc"));
        CHECK(!read.columns[0].has_upper);
        for (size_t size = 0; size < out.size; size++) {
                cursor = cursor_of(str_slice(buf_view(&out), 0, size));
                CHECK_STATUS(file_statistics_read(&cursor, &t->arena, &read, &t->err), STATUS_CORRUPT);
        }
}

TEST(files_are_read_whole_within_their_limit) {
        const char *path = path_join(&t->arena, test_folder(t), "four");
        CHECK_OK(file_replace(path, STR("1234"), &t->err));
        static const struct {
                const char *name;
                size_t limit;
                Status expected;
        } cases[] = { { "four", 4, STATUS_OK }, { "four", 3, STATUS_LIMIT }, { "missing", 4, STATUS_NOT_FOUND } };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Str got;
                CHECK_STATUS(file_read(path_join(&t->arena, test_folder(t), cases[i].name), cases[i].limit, &t->arena,
                                       &got, &t->err),
                             cases[i].expected);
        }
        CHECK_STATUS(file_create(path, STR("5"), true, &t->err), STATUS_EXISTS);
        CHECK_OK(dir_make(path_join(&t->arena, test_folder(t), "a/b/c"), &t->err));
        DirEntry *entries;
        size_t count;
        CHECK_OK(dir_list(test_folder(t), &t->arena, &entries, &count, &t->err));
        CHECK_INT(count, 2);
        CHECK_STR(entries[0].name, STR("a"));
        CHECK(entries[0].is_dir && entries[1].is_file);
}

TEST(a_lock_dies_with_its_descriptor) {
        const char *path = path_join(&t->arena, test_folder(t), "lock");
        CHECK_OK(file_replace(path, STR(""), &t->err));
        CLEANUP(close_fdp) int a = open(path, O_RDWR | O_CLOEXEC);
        CLEANUP(close_fdp) int b = open(path, O_RDWR | O_CLOEXEC);
        CHECK_OK(file_lock(a, true, true, &t->err));
        CHECK(file_is_locked(path));
        CHECK_STATUS(file_lock(b, true, true, &t->err), STATUS_CONFLICT);
        close_fdp(&a);
        CHECK(!file_is_locked(path));
        CHECK_OK(file_lock(b, true, true, &t->err));
}

#ifndef __has_feature
#define __has_feature(name) 0
#endif
/* ThreadSanitizer calls a handler only once its thread is in a call that it knows to wait: fcntl() is none. */
#define HANDLERS_ARE_LATE __has_feature(thread_sanitizer)

static volatile sig_atomic_t interrupted;

static void on_alarm(int number UNUSED) {
        interrupted = 1;
}

TEST(a_signal_ends_the_wait_for_a_lock) {
        if (HANDLERS_ARE_LATE) {
                test_skip(t, "ThreadSanitizer keeps the signal's handler back");
                return;
        }
        const char *path = path_join(&t->arena, test_folder(t), "lock");
        CHECK_OK(file_replace(path, STR(""), &t->err));
        CLEANUP(close_fdp) int a = open(path, O_RDWR | O_CLOEXEC);
        CLEANUP(close_fdp) int b = open(path, O_RDWR | O_CLOEXEC);
        struct sigaction before, action = { .sa_handler = on_alarm };
        struct itimerval soon = { .it_interval.tv_usec = 10000, .it_value.tv_usec = 10000 }, never = { 0 };
        CHECK_OK(file_lock(a, true, true, &t->err));
        sigaction(SIGALRM, &action, &before);
        file_lock_heed(&interrupted);
        setitimer(ITIMER_REAL, &soon, NULL);
        CHECK_STATUS(file_lock(b, true, false, &t->err), STATUS_INTERRUPTED);
        setitimer(ITIMER_REAL, &never, NULL);
        close_fdp(&a);
        CHECK_OK(file_lock(b, true, false, &t->err)); /* what is to be had at once is had, whatever came before */
        file_lock_heed(NULL);
        sigaction(SIGALRM, &before, NULL);
}

static void *tell_mask(void *mask) {
        pthread_sigmask(SIG_SETMASK, NULL, mask);
        return NULL;
}

TEST(a_thread_begins_with_signals_blocked_and_its_maker_goes_on_as_he_was) {
        sigset_t within, after;
        pthread_t thread;
        CHECK_INT(thread_begin(&thread, tell_mask, &within), 0);
        pthread_join(thread, NULL);
        pthread_sigmask(SIG_SETMASK, NULL, &after);
        CHECK(sigismember(&within, SIGINT) == 1 && sigismember(&within, SIGTERM) == 1);
        CHECK(sigismember(&after, SIGINT) == 0 && sigismember(&after, SIGTERM) == 0);
}

TEST(paths_are_made_absolute_by_text) {
        CHECK_STR(str_of(path_absolute(&t->arena, "/a/./b/../c/")), STR("/a/c"));
        CHECK_STR(str_of(path_absolute(&t->arena, "/../..")), STR("/"));
        CHECK_STR(str_of(path_dir(&t->arena, "/a/b")), STR("/a"));
        CHECK_STR(str_of(path_base("/a/b.c")), STR("b.c"));
}

TEST(a_buffer_over_its_limit_fails_once_and_for_all) {
        CLEANUP(buf_deinit) Buf buf = { .limit = 4 };
        buf_append(&buf, STR("abc"));
        buf_append(&buf, STR("de"));
        CHECK(buf.failed);
        buf_append(&buf, STR("f"));
        CHECK_STR(buf_view(&buf), STR("abc"));
        Cursor cursor = cursor_of(STR("\xFF\xFF\xFF\xFF"));
        CHECK_INT(cursor_count(&cursor, 1), 0);
        CHECK(cursor.failed);
}

TEST(counts_so_large_that_sums_would_overflow_are_refused) {
        static const struct {
                const char *bytes;
                int64_t tally;
                bool failed;
        } cases[] = {
                { "\0\0\0\0\0\0\4\0", CURSOR_TALLY_MAX, false },
                { "\1\0\0\0\0\0\4\0", 0, true },
                { "\xff\xff\xff\xff\xff\xff\xff\xff", 0, true },
                { "\7\0\0\0\0\0\0\0", 7, false },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Cursor cursor = cursor_of((Str){ cases[i].bytes, 8 });
                CHECK_INT(cursor_tally(&cursor), cases[i].tally);
                CHECK_INT(cursor.failed, cases[i].failed);
        }
}

TEST(every_status_has_one_example_and_one_remedy) {
        static const struct {
                Status status;
                const char *example, *remedy;
        } rows[] = {
#define X(name, example, remedy) { STATUS_##name, example, remedy },
                REMEDY_TABLE(X)
#undef X
        };
        CHECK_INT(COUNT_OF(rows), STATUS_COUNT - 1); /* all but OK */
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
                CHECK_INT(rows[i].status, i + 1); /* in the order of STATUS_TABLE */
                CHECK(strlen(rows[i].example) < sizeof((Error){ 0 }.message));
                CHECK(rows[i].remedy[0] != '\0');
        }
}
