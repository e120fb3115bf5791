/* SPDX-License-Identifier: Apache-2.0 */
#include "govern/audit_read.h"

#include <inttypes.h>

#include "base/file.h"
#include "base/test.h"
#include "base/time.h"
#include "base/vec.h"
#include "govern/audit.h"

static Status put(Test *t, Audit *audit, const char *principal, const char *object, bool denied, const char *statement) {
        Str objects[] = { str_of(object) }, columns[] = { arena_strf(&t->arena, "%s.id", object) };
        AuditRecord record = { .principal = str_of(principal), .service = STR("bi"), .via = STR("pg"), .action = STR("query"), .objects = objects, .object_count = 1, .columns = columns,
                               .column_count = 1, .policy = STR("v1"), .rows = 3, .bytes = 40, .denied = denied, .statement = str_of(statement) };
        return audit_record(audit, &record, &t->arena, NULL, &t->err);
}

typedef struct Found {
        Arena *arena;
        VEC(Str) statements;
} Found;

static Status see(void *context, const char *file, const AuditEntry *entry, Error *err) {
        Found *found = context;
        vec_push(found->arena, &found->statements, arena_str(found->arena, entry->statement));
        return str_ends_with(str_of(file), STR(AUDIT_FILE_END)) ? STATUS_OK : error_set(err, STATUS_INTERNAL, "no file's name: %s", file);
}

TEST(what_was_recorded_is_read_again) {
        const char *folder = arena_printf(&t->arena, "%s/audit", test_folder(t));
        const char *statement = "select \"a\\b\"\n\tfrom x where y = '\xC3\xA9\x01\x7F'";
        int64_t before = time_now_us();
        {
                CLEANUP(audit_closep) Audit *audit = audit_open(folder, "cli");
                CHECK_OK(put(t, audit, "ann", "shop.staging.orders", true, statement));
        }
        DirEntry *entries;
        size_t count;
        CHECK_OK(dir_list(folder, &t->arena, &entries, &count, &t->err));
        CHECK_INT(count, 1);
        CLEANUP(audit_lines_close) AuditLines lines = { .fd = -1 };
        CHECK_OK(audit_lines_open(path_join(&t->arena, folder, arena_cstr(&t->arena, entries[0].name)), &lines, &t->err));
        Str line;
        bool more;
        AuditEntry entry;
        CHECK_OK(audit_lines_next(&lines, &line, &more, &t->err));
        CHECK(more);
        CHECK(audit_entry_read(line, &t->arena, &entry));
        CHECK_INT(entry.sequence, 1);
        CHECK(entry.time_us >= before && entry.time_us <= time_now_us());
        CHECK_STR(entry.principal, STR("ann"));
        CHECK_STR(entry.service, STR("bi"));
        CHECK_STR(entry.via, STR("pg"));
        CHECK_INT(entry.object_count, 1);
        CHECK_STR(entry.objects[0], STR("shop.staging.orders"));
        CHECK_STR(entry.columns[0], STR("shop.staging.orders.id"));
        CHECK_STR(entry.policy, STR("v1"));
        CHECK_INT(entry.rows, 3);
        CHECK_INT(entry.bytes, 40);
        CHECK(entry.denied);
        CHECK_STR(entry.statement, str_of(statement));
        CHECK_INT(entry.hash.size, 64);
        CHECK_OK(audit_lines_next(&lines, &line, &more, &t->err));
        CHECK(!more);
        CHECK_INT(line.size, 0);
}

TEST(a_line_of_another_shape_is_none) {
        static const char good[] = "{\"sequence\":1,\"time\":\"2026-11-26T02:13:44.123456Z\",\"principal\":\"a\",\"via\":\"pg\",\"action\":\"q\",\"objects\":[],"
                                   "\"columns\":[\"x\",\"y\"],\"policy\":\"\",\"rows\":-1,\"bytes\":-1,\"decision\":\"allow\",\"statement\":\"\",\"hash\":\"00\"}";
        static const struct {
                const char *from, *to;
        } cases[] = {
                { "\"sequence\":1", "\"sequence\":x" },   { "\"sequence\":1", "\"sequence\":99999999999999999999" },
                { "2026-11-26T", "2026-13-26T" },         { "\"allow\"", "\"maybe\"" },
                { "[\"x\",\"y\"]", "[\"x\" \"y\"]" },     { "[\"x\",\"y\"]", "[\"x\"" },
                { "\"a\"", "\"\\x\"" },                   { "\"a\"", "\"\\uD800\"" },
                { "\"a\"", "\"\\u00\"" },                 { "\"00\"}", "\"00\"} " },
                { "\"a\"", "\"\xFF\"" },
                { "\"00\"}", "\"00\\" },                  { "\"policy\":\"\",", "" },
        };
        AuditEntry entry;
        CHECK(audit_entry_read(str_of(good), &t->arena, &entry));
        CHECK_INT(entry.column_count, 2);
        size_t empty = str_find(str_of(good), STR("\"statement\":\"\"")) + sizeof("\"statement\":") - 1;
        CHECK(audit_entry_read(arena_strf(&t->arena, "%.*snull%s", (int)empty, good, good + empty + 2), &t->arena, &entry));
        CHECK_INT(entry.statement.size, 0);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                size_t at = str_find(str_of(good), str_of(cases[i].from));
                CHECK(at < sizeof(good) - 1);
                Str line = arena_strf(&t->arena, "%.*s%s%s", (int)at, good, cases[i].to, good + at + strlen(cases[i].from));
                CHECK(!audit_entry_read(line, &t->arena, &entry));
        }
}

TEST(a_search_leaves_out_what_does_not_fit) {
        const char *folder = arena_printf(&t->arena, "%s/audit", test_folder(t));
        {
                CLEANUP(audit_closep) Audit *one = audit_open(folder, "cli"), *two = audit_open(folder, "server-1");
                CHECK_OK(put(t, one, "ann", "shop.staging.orders", false, "1"));
                CHECK_OK(put(t, one, "bo", "shop.staging.orders_old", true, "2"));
                CHECK_OK(put(t, two, "bo", "shopping.staging.orders", false, "3"));
        }
        int64_t day = 86400000000, now = time_now_us();
        static const struct {
                const char *on, *principal;
                int from, to; /* days from now; 0 = none */
                bool no_allow, no_deny;
                const char *statements;
        } cases[] = {
                { "", "", 0, 0, false, false, "1 2 3 " },
                { "shop", "", 0, 0, false, false, "1 2 " },
                { "shop.staging.orders", "", 0, 0, false, false, "1 " },
                { "shop.staging.orders_old.id", "", 0, 0, false, false, "2 " },
                { "orders", "", 0, 0, false, false, "" },
                { "", "bo", 0, 0, false, false, "2 3 " },
                { "", "b", 0, 0, false, false, "" },
                { "", "bi", 0, 0, false, false, "1 2 3 " },
                { "", "bo", 0, 0, true, false, "2 " },
                { "", "bo", 0, 0, false, true, "3 " },
                { "", "", -1, 1, false, false, "1 2 3 " },
                { "", "", 1, 0, false, false, "" },
                { "", "", 0, -1, false, false, "" },
                { "", "", 9, 0, false, false, "" },
                { "", "", 0, -9, false, false, "" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                AuditFilter filter = { .on = str_of(cases[i].on), .principal = str_of(cases[i].principal), .no_allow = cases[i].no_allow, .no_deny = cases[i].no_deny,
                                       .from_us = cases[i].from ? now + cases[i].from * day : 0, .to_us = cases[i].to ? now + cases[i].to * day : 0 };
                Found found = { .arena = &t->arena };
                int64_t unreadable;
                CLEANUP(buf_deinit) Buf got = { 0 };
                CHECK_OK(audit_search(folder, &filter, see, &found, &unreadable, &t->err));
                CHECK_INT(unreadable, 0);
                for (size_t k = 0; k < found.statements.count; k++)
                        buf_printf(&got, "%.*s ", STR_ARG(found.statements.items[k]));
                CHECK_STR(buf_view(&got), str_of(cases[i].statements));
        }
}

TEST(a_line_over_many_pieces_is_whole_and_one_without_end_is_refused) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        const char *path = arena_printf(&t->arena, "%s/long", test_folder(t));
        for (size_t i = 0; i < AUDIT_LINE_MAX; i++)
                buf_append_byte(&text, 'x');
        buf_append_cstr(&text, "\nshort\ntorn");
        CHECK_OK(file_replace(path, buf_view(&text), &t->err));
        Str line;
        bool more;
        {
                CLEANUP(audit_lines_close) AuditLines lines = { .fd = -1 };
                CHECK_OK(audit_lines_open(path, &lines, &t->err));
                CHECK_OK(audit_lines_next(&lines, &line, &more, &t->err));
                CHECK(more && line.size == AUDIT_LINE_MAX);
                CHECK_OK(audit_lines_next(&lines, &line, &more, &t->err));
                CHECK(more);
                CHECK_STR(line, STR("short"));
                CHECK_OK(audit_lines_next(&lines, &line, &more, &t->err));
                CHECK(!more);
                CHECK_STR(line, STR("torn"));
        }
        buf_clear(&text);
        for (size_t i = 0; i < AUDIT_LINE_MAX + (1u << 20); i++)
                buf_append_byte(&text, 'x');
        CHECK_OK(file_replace(path, buf_view(&text), &t->err));
        CLEANUP(audit_lines_close) AuditLines lines = { .fd = -1 };
        CHECK_OK(audit_lines_open(path, &lines, &t->err));
        CHECK_STATUS(audit_lines_next(&lines, &line, &more, &t->err), STATUS_CORRUPT);
}

typedef struct Times {
        Arena *arena;
        VEC(int64_t) us;
} Times;

static Status note_time(void *context, const char *file UNUSED, const AuditEntry *entry, Error *err UNUSED) {
        Times *times = context;
        vec_push(times->arena, &times->us, entry->time_us);
        return STATUS_OK;
}

static Status times_between(Test *t, const char *folder, int64_t from, int64_t to, Times *out) {
        int64_t unreadable;
        AuditFilter filter = { .from_us = from, .to_us = to };
        *out = (Times){ .arena = &t->arena };
        return audit_search(folder, &filter, note_time, out, &unreadable, &t->err);
}

TEST(a_search_by_time_in_a_long_file_finds_what_reading_all_of_it_finds) {
        const char *folder = arena_printf(&t->arena, "%s/audit", test_folder(t));
        enum { LINES = 4000 };
        {
                CLEANUP(audit_closep) Audit *audit = audit_open(folder, "cli");
                char *long_one = arena_alloc(&t->arena, 70001);
                memset(long_one, 'x', 70000);
                for (int i = 0; i < LINES; i++)
                        CHECK_OK(put(t, audit, "ann", "shop.staging.orders", false, i % 500 == 77 ? long_one : "select of a usual length, as they are"));
        }
        Times all, some;
        CHECK_OK(times_between(t, folder, 0, 0, &all));
        CHECK_INT(all.us.count, LINES);
        for (size_t from = 0; from < LINES; from += 331)
                for (size_t to = from; to < LINES; to += 700) {
                        CHECK_OK(times_between(t, folder, all.us.items[from], all.us.items[to], &some));
                        size_t wanted = 0;
                        for (size_t i = 0; i < LINES; i++)
                                wanted += all.us.items[i] >= all.us.items[from] && all.us.items[i] < all.us.items[to];
                        CHECK_INT(some.us.count, wanted);
                }
        CHECK_OK(times_between(t, folder, all.us.items[LINES - 1] + 1, 0, &some));
        CHECK_INT(some.us.count, 0);
}

TEST(times_do_not_go_back_in_a_file_whatever_the_clock_does) {
        const char *folder = arena_printf(&t->arena, "%s/audit", test_folder(t));
        int64_t ahead = time_now_us() + 3600 * (int64_t)1000000;
        CHECK_OK(dir_make(folder, &t->err));
        Str name = arena_strf(&t->arena, "%.*s-cli.jsonl", STR_ARG(str_slice(time_print_us(&t->arena, time_now_us()), 0, 10)));
        Str line = arena_strf(&t->arena, "{\"sequence\":1,\"time\":\"%.*s\",\"hash\":\"%064d\"}\n", STR_ARG(time_print_us(&t->arena, ahead)), 0);
        CHECK_OK(file_write_text(path_join(&t->arena, folder, arena_cstr(&t->arena, name)), line, &t->err));
        CLEANUP(audit_closep) Audit *audit = audit_open(folder, "cli");
        CHECK_OK(put(t, audit, "ann", "shop.staging.orders", false, "1"));
        CHECK_OK(put(t, audit, "ann", "shop.staging.orders", false, "2"));
        Times times;
        CHECK_OK(times_between(t, folder, ahead, 0, &times));
        CHECK_INT(times.us.count, 2);
        CHECK_INT(times.us.items[0], ahead);
}
