/* SPDX-License-Identifier: Apache-2.0 */
#include "govern/audit.h"

#include "base/file.h"
#include "base/test.h"

static Status put(Test *t, Audit *audit, const char *statement, AuditHead *head) {
        Str objects[] = { STR("shop.staging.orders") };
        AuditRecord record = { .principal = STR("local:ann"),
                               .via = STR("cli"),
                               .action = STR("query"),
                               .objects = objects,
                               .object_count = 1,
                               .rows = 3,
                               .bytes = -1,
                               .statement = str_of(statement) };
        return audit_record(audit, &record, &t->arena, head, &t->err);
}

static const char *file_of(Test *t, const AuditHead *head) {
        return arena_printf(&t->arena, "%s/audit/%.*s", test_folder(t), STR_ARG(head->file));
}

static Audit *open_here(Test *t, const char *writer) {
        return audit_open(arena_printf(&t->arena, "%s/audit", test_folder(t)), writer);
}

TEST(lines_are_chained_over_processes_that_share_a_file) {
        CLEANUP(audit_closep) Audit *one = open_here(t, "cli"), *two = open_here(t, "cli");
        AuditHead first, second, third, found;
        CHECK_OK(put(t, one, "select 1", &first));
        CHECK_OK(put(t, two, "select 'a\"\n'", &second));
        CHECK_OK(put(t, one, "select 3", &third));
        CHECK_INT(first.sequence, 1);
        CHECK_INT(second.sequence, 2);
        CHECK_INT(third.sequence, 3);
        audit_sync(one);
        CHECK_OK(audit_verify(file_of(t, &third), &second, 1, &found, NULL, &t->arena, &t->err));
        CHECK_INT(found.sequence, 3);
        CHECK_OK(audit_head(two, &t->arena, &found, &t->err));
        CHECK(memcmp(found.hash.bytes, third.hash.bytes, SHA256_SIZE) == 0);
        AuditFile *files;
        size_t count;
        CHECK_OK(audit_check(arena_printf(&t->arena, "%s/audit", test_folder(t)), &third, 1, STR(""), &t->arena, &files, &count, &t->err));
        CHECK_INT(count, 1);
        CHECK_INT(files[0].status, STATUS_OK);
        CHECK_INT(files[0].sequence, 3);
        CHECK(files[0].known);
}

TEST(an_edit_a_removal_and_a_cut_tail_show) {
        CLEANUP(audit_closep) Audit *audit = open_here(t, "cli");
        AuditHead head;
        for (int i = 0; i < 4; i++)
                CHECK_OK(put(t, audit, "select amount from shop.staging.orders", &head));
        audit_sync(audit);
        const char *path = file_of(t, &head);
        Str whole;
        CHECK_OK(file_read(path, 1u << 20, &t->arena, &whole, &t->err));
        size_t line = str_find_byte(whole, '\n') + 1;

        char *edited = arena_cstr(&t->arena, whole);
        memcpy(strstr(edited + line, "amount"), "region", 6);
        CHECK_OK(file_replace(path, (Str){ edited, whole.size }, &t->err));
        CHECK_STATUS(audit_verify(path, NULL, 0, NULL, NULL, &t->arena, &t->err), STATUS_CORRUPT);
        CHECK_INT(t->err.line, 2);

        CHECK_OK(file_replace(path, str_slice(whole, line, whole.size), &t->err));
        CHECK_STATUS(audit_verify(path, NULL, 0, NULL, NULL, &t->arena, &t->err), STATUS_CORRUPT);

        CHECK_OK(file_replace(path, str_slice(whole, 0, line), &t->err));
        CHECK_OK(audit_verify(path, NULL, 0, NULL, NULL, &t->arena, &t->err));
        CHECK_STATUS(audit_verify(path, &head, 1, NULL, NULL, &t->arena, &t->err), STATUS_CORRUPT);

        CHECK_OK(file_replace(path, whole, &t->err));
        CHECK_OK(audit_verify(path, &head, 1, NULL, NULL, &t->arena, &t->err));
}

TEST(a_torn_line_is_cut_off_by_the_next_writer) {
        AuditHead head, after;
        {
                CLEANUP(audit_closep) Audit *audit = open_here(t, "cli");
                CHECK_OK(put(t, audit, "select 1", &head));
        }
        const char *path = file_of(t, &head);
        Str whole;
        CHECK_OK(file_read(path, 1u << 20, &t->arena, &whole, &t->err));
        Str torn = arena_strf(&t->arena, "%.*s%.*s", STR_ARG(whole), 40, whole.data);
        CHECK_OK(file_replace(path, torn, &t->err));
        CHECK_OK(audit_verify(path, &head, 1, NULL, NULL, &t->arena, &t->err));
        CLEANUP(audit_closep) Audit *audit = open_here(t, "cli");
        CHECK_OK(put(t, audit, "select 2", &after));
        CHECK_INT(after.sequence, 2);
        audit_sync(audit);
        CHECK_OK(audit_verify(path, &after, 1, NULL, NULL, &t->arena, &t->err));
}

TEST(each_bit_of_a_file_that_is_another_shows) {
        CLEANUP(audit_closep) Audit *audit = open_here(t, "cli");
        AuditHead head;
        CHECK_OK(put(t, audit, "select 1", &head));
        CHECK_OK(put(t, audit, "select 2", &head));
        audit_sync(audit);
        const char *path = file_of(t, &head);
        Str whole;
        CHECK_OK(file_read(path, 1u << 20, &t->arena, &whole, &t->err));
        for (size_t i = 0; i < whole.size * 8; i++) {
                char *altered = arena_cstr(&t->arena, whole);
                altered[i / 8] ^= (char)(1 << i % 8);
                CHECK_OK(file_write_text(path, (Str){ altered, whole.size }, &t->err));
                if (audit_verify(path, &head, 1, NULL, NULL, &t->arena, &t->err) != STATUS_CORRUPT)
                        test_fail(t, __FILE__, __LINE__, "bit %zu of byte %zu, '%c'", i % 8, i / 8, whole.data[i / 8]);
        }
}

TEST(a_line_whose_end_was_altered_is_no_torn_line) {
        AuditHead head;
        {
                CLEANUP(audit_closep) Audit *audit = open_here(t, "cli");
                CHECK_OK(put(t, audit, "select 1", &head));
                CHECK_OK(put(t, audit, "select 2", &head));
        }
        const char *path = file_of(t, &head);
        Str whole, after;
        CHECK_OK(file_read(path, 1u << 20, &t->arena, &whole, &t->err));
        Str altered = arena_strf(&t->arena, "%.*s!", STR_ARG(str_slice(whole, 0, whole.size - 1)));
        CHECK_OK(file_replace(path, altered, &t->err));
        CHECK_STATUS(audit_verify(path, NULL, 0, NULL, NULL, &t->arena, &t->err), STATUS_CORRUPT);
        CLEANUP(audit_closep) Audit *audit = open_here(t, "cli");
        CHECK_STATUS(put(t, audit, "select 3", &head), STATUS_CORRUPT);
        CHECK_OK(file_read(path, 1u << 20, &t->arena, &after, &t->err));
        CHECK_STR(after, altered);
}

/* What a cut leaves is a chain too, and goes on; only heads that were kept elsewhere tell. */
TEST(a_tail_that_is_cut_and_written_again_shows) {
        AuditHead head, heads[2];
        {
                CLEANUP(audit_closep) Audit *audit = open_here(t, "cli");
                for (int i = 0; i < 4; i++)
                        CHECK_OK(put(t, audit, "select 1", &head));
        }
        heads[0] = head;
        const char *path = file_of(t, &head);
        Str whole;
        CHECK_OK(file_read(path, 1u << 20, &t->arena, &whole, &t->err));
        size_t end = whole.size - 1;
        while (whole.data[end - 1] != '\n')
                end--;
        CHECK_OK(file_replace(path, str_slice(whole, 0, end), &t->err));
        CHECK_STATUS(audit_verify(path, heads, 1, NULL, NULL, &t->arena, &t->err), STATUS_CORRUPT);
        CHECK_INT(t->err.line, 4);
        CHECK(!audit_has(path, &heads[0]));
        CLEANUP(audit_closep) Audit *audit = open_here(t, "cli");
        CHECK_OK(put(t, audit, "select 2", &head));
        CHECK_OK(put(t, audit, "select 3", &head));
        heads[1] = head;
        CHECK_INT(head.sequence, 5);
        CHECK(audit_has(path, &heads[1]));
        CHECK(!audit_has(path, &heads[0]));
        CHECK_OK(audit_verify(path, &heads[1], 1, NULL, NULL, &t->arena, &t->err));
        CHECK_STATUS(audit_verify(path, heads, 2, NULL, NULL, &t->arena, &t->err), STATUS_CORRUPT);
        CHECK_INT(t->err.line, 4);
}

TEST(a_writer_knows_that_its_own_lines_were_cut) {
        CLEANUP(audit_closep) Audit *audit = open_here(t, "server-1");
        AuditHead head;
        CHECK_OK(put(t, audit, "select 1", &head));
        CHECK_OK(put(t, audit, "select 2", &head));
        CHECK(truncate(file_of(t, &head), 0) == 0);
        CHECK_STATUS(put(t, audit, "select 3", &head), STATUS_CORRUPT);
        CHECK_STATUS(put(t, audit, "select 3", &head), STATUS_CORRUPT);
}

TEST(of_sql_is_kept_what_was_chosen) {
        static const struct {
                AuditText text;
                const char *wanted;
        } cases[] = {
                { AUDIT_TEXT_REDACTED, "\"statement\":\"select ? from t\"" },
                { AUDIT_TEXT_WHOLE, "\"statement\":\"select 'x' from t -- y\"" },
                { AUDIT_TEXT_NONE, "\"statement\":null" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CLEANUP(audit_closep) Audit *audit = open_here(t, arena_printf(&t->arena, "w%zu", i));
                AuditRecord record = { .principal = STR("ann"), .via = STR("pg"), .action = STR("query"), .sql = STR("select 'x' from t -- y") };
                AuditHead head;
                Str whole;
                audit_set_text(audit, cases[i].text);
                CHECK_OK(audit_record(audit, &record, &t->arena, &head, &t->err));
                CHECK_OK(file_read(file_of(t, &head), 1u << 20, &t->arena, &whole, &t->err));
                CHECK(str_find(whole, str_of(cases[i].wanted)) < whole.size);
        }
}

TEST(a_full_file_is_followed_by_another) {
        CLEANUP(audit_closep) Audit *one = open_here(t, "cli"), *two = open_here(t, "cli");
        AuditHead head, heads[3];
        audit_set_file_most(one, 700);
        audit_set_file_most(two, 700);
        for (int i = 0; i < 9; i++) {
                CHECK_OK(put(t, i % 2 ? one : two, "select 1", &head));
                heads[i / 3] = head;
                CHECK_INT(head.sequence, i % 3 + 1);
        }
        CHECK(str_ends_with(heads[0].file, STR("-cli.jsonl")));
        CHECK(str_ends_with(heads[2].file, STR("-cli-3.jsonl")));
        AuditFile *files;
        size_t count;
        CHECK_OK(audit_check(arena_printf(&t->arena, "%s/audit", test_folder(t)), heads, 3, STR(""), &t->arena, &files, &count, &t->err));
        CHECK_INT(count, 3);
        for (size_t i = 0; i < count; i++)
                CHECK_INT(files[i].status, STATUS_OK);
        CHECK(unlink(file_of(t, &heads[1])) == 0);
        static const struct {
                const char *since;
                size_t files;
        } cases[] = { { "", 3 }, { "2026-01-01", 3 }, { "9999-01-01", 2 } };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CHECK_OK(audit_check(arena_printf(&t->arena, "%s/audit", test_folder(t)), heads, 3, str_of(cases[i].since), &t->arena, &files, &count, &t->err));
                CHECK_INT(count, cases[i].files);
        }
}

TEST(a_statement_too_long_is_cut_and_says_so) {
        CLEANUP(audit_closep) Audit *audit = open_here(t, "cli");
        char *text = arena_alloc(&t->arena, (1u << 20) + 100);
        memset(text, 'x', (1u << 20) + 99);
        AuditHead head;
        Str whole;
        CHECK_OK(put(t, audit, text, &head));
        audit_sync(audit);
        CHECK_OK(file_read(file_of(t, &head), 4u << 20, &t->arena, &whole, &t->err));
        CHECK(str_find(whole, STR("\"statement_bytes\":1048675")) < whole.size);
        memset(text, '\x01', (1u << 20) + 99); /* six bytes each, escaped */
        CHECK_OK(put(t, audit, text, &head));
        CHECK_OK(audit_verify(file_of(t, &head), NULL, 0, NULL, NULL, &t->arena, &t->err));
}
