/* SPDX-License-Identifier: Apache-2.0 */
#include "server/command.h"

#include "base/buf.h"
#include "base/test.h"
#include "server/setting.h"

TEST(a_message_is_cut_into_its_statements) {
        static const struct {
                const char *sql;
                size_t count;
                const char *second;
        } cases[] = {
                { "", 0, "" },
                { " ; -- nothing\n;", 0, "" },
                { "select 1", 1, "" },
                { "select ';'; select 2;", 2, "select 2" },
                { "select $$;$$ ; /* ; */ select \";\"", 2, "select \";\"" },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                Command *commands;
                size_t count;
                CHECK_OK(commands_split(str_of(cases[i].sql), &t->arena, &commands, &count, &t->err));
                CHECK_INT(count, cases[i].count);
                if (count > 1) {
                        CHECK_STR(commands[1].text, str_of(cases[i].second));
                        size_t at = commands[1].offset;
                        CHECK_STR(str_slice(str_of(cases[i].sql), at, at + commands[1].text.size), commands[1].text);
                }
        }
        Command *commands;
        size_t count;
        CHECK_STATUS(commands_split(STR("select 'x"), &t->arena, &commands, &count, &t->err), STATUS_SQL_SYNTAX);
}

static Status read_one(Test *t, const char *sql, Command *out) {
        Command *commands;
        size_t count;
        TRY(commands_split(str_of(sql), &t->arena, &commands, &count, &t->err));
        *out = count > 0 ? commands[0] : (Command){ 0 };
        return command_read(str_of(sql), out, &t->arena, &t->err);
}

TEST(statements_of_the_session_are_read_whole) {
        static const struct {
                const char *sql;
                CommandKind kind;
                const char *name, *value;
        } cases[] = {
                { "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY", COMMAND_BEGIN, "transaction_isolation", "serializable" },
                { "BEGIN READ ONLY, ISOLATION LEVEL chaos", COMMAND_BEGIN, "", "" },
                { "start transaction", COMMAND_BEGIN, "", "" },
                { "END", COMMAND_COMMIT, "", "" },
                { "COMMIT AND NO CHAIN", COMMAND_COMMIT, "", "" },
                { "ROLLBACK WORK", COMMAND_ROLLBACK, "", "" },
                { "ROLLBACK TO SAVEPOINT \"A b\"", COMMAND_ROLLBACK_TO, "A b", "" },
                { "savepoint _EXEC_1", COMMAND_SAVEPOINT, "_exec_1", "" },
                { "RELEASE SAVEPOINT x", COMMAND_RELEASE, "x", "" },
                { "SET DateStyle = 'ISO'", COMMAND_SET, "datestyle", "ISO" },
                { "SET search_path TO \"A\", b", COMMAND_SET, "search_path", "A" },
                { "set session timezone to -7", COMMAND_SET, "timezone", "-7" },
                { "SET TIME ZONE 'Europe/Berlin'", COMMAND_SET, "timezone", "Europe/Berlin" },
                { "SET lode.branch = dev", COMMAND_SET, "lode.branch", "dev" },
                { "SET NAMES 'utf8'", COMMAND_SET, "client_encoding", "utf8" },
                { "SET SESSION AUTHORIZATION DEFAULT", COMMAND_SET, "session_authorization", "" },
                { "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ UNCOMMITTED", COMMAND_SET, "default_transaction_isolation", "read uncommitted" },
                { "set transaction isolation level read committed", COMMAND_SET, "transaction_isolation", "read committed" },
                { "SET TRANSACTION READ ONLY", COMMAND_SET_NOTHING, "", "" },
                { "show transaction isolation level", COMMAND_SHOW, "transaction_isolation", "" },
                { "SHOW TIME ZONE", COMMAND_SHOW, "timezone", "" },
                { "RESET ALL", COMMAND_RESET, "", "" },
                { "DISCARD ALL", COMMAND_DISCARD, "all", "" },
                { "DEALLOCATE PREPARE \"_pg3_0\"", COMMAND_DEALLOCATE, "_pg3_0", "" },
                { "PREPARE p(int, numeric(10,2)) AS select $1", COMMAND_PREPARE, "p", "int" },
                { "EXECUTE p(1, f(2, 3))", COMMAND_EXECUTE, "p", "1" },
                { "declare \"SQL_CUR0x1\" cursor with hold for select 1", COMMAND_DECLARE, "SQL_CUR0x1", "" },
                { "FETCH FORWARD 3 FROM c", COMMAND_FETCH, "c", "" },
                { "fetch 3 in \"C\"", COMMAND_FETCH, "C", "" },
                { "MOVE ALL c", COMMAND_FETCH, "c", "" },
                { "CLOSE ALL", COMMAND_CLOSE, "", "" },
                { "UNLISTEN *", COMMAND_UNLISTEN, "", "" },
                { "ALTER USER ann PASSWORD 'SCRAM-SHA-256$x'", COMMAND_PASSWORD, "ann", "SCRAM-SHA-256$x" },
                { "(select 1)", COMMAND_QUERY, "", "" },
                { "/* x */ with a as (select 1) select * from a", COMMAND_QUERY, "", "" },
                { "EXPLAIN (ANALYZE, VERBOSE) select 1", COMMAND_EXPLAIN, "", "ANALYZE" },
                { "", COMMAND_EMPTY, "", "" },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                Command command;
                CHECK_OK(read_one(t, cases[i].sql, &command));
                Str value = command.value_count > 0 ? command.values[0] : STR("");
                if (command.kind != cases[i].kind || !str_is(command.name, cases[i].name) || !str_is(value, cases[i].value))
                        test_fail(t, __FILE__, __LINE__, "%s: kind %d, name '%.*s', value '%.*s'", cases[i].sql, command.kind, STR_ARG(command.name),
                                  STR_ARG(value));
        }
}

TEST(a_select_of_literals_alone_is_told_from_all_others) {
        static const struct {
                const char *sql, *literals; /* name=value ..., empty: it is no such SELECT */
        } cases[] = {
                { "select 1", "?column?=i1" },
                { "/* ping */ SELECT 1 -- now", "?column?=i1" },
                { "select 007 as Agent, 'it''s' AS \"A b\", ''", "agent=i7 A b=tit's ?column?=t" },
                { "select 2147483647", "?column?=i2147483647" },
                { "select 2147483648", "" },
                { "select -1", "" },
                { "select 1.0", "" },
                { "select 1e3", "" },
                { "select 1 + 1", "" },
                { "select 1 one", "" },
                { "select 1 as", "" },
                { "select 1 as one two", "" },
                { "select 1,", "" },
                { "select 1 from t", "" },
                { "select 1 where false", "" },
                { "select 1 limit 0", "" },
                { "select 1 union select 2", "" },
                { "select distinct 1", "" },
                { "select 'a' 'b'", "" },
                { "select 'a'::date", "" },
                { "select E'a'", "" },
                { "select $$a$$", "" },
                { "select null", "" },
                { "select true", "" },
                { "select \"a\"", "" },
                { "select $1", "" },
                { "select", "" },
                { "(select 1)", "" },
                { "values (1)", "" },
                { "declare c cursor for select 1", "" },
                { "copy (select 1) to stdout", "" },
                { "select 1 as a234567890123456789012345678901234567890123456789012345678901234", "" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Command command;
                CLEANUP(buf_deinit) Buf all = { 0 };
                CHECK_OK(read_one(t, cases[i].sql, &command));
                for (size_t k = 0; k < command.literal_count; k++) {
                        const Literal *literal = &command.literals[k];
                        buf_printf(&all, "%s%.*s=", k ? " " : "", STR_ARG(literal->name));
                        if (literal->is_integer)
                                buf_printf(&all, "i%d", literal->integer);
                        else
                                buf_printf(&all, "t%.*s", STR_ARG(literal->text));
                }
                Str read = buf_view(&all);
                if (!str_is(read, cases[i].literals))
                        test_fail(t, __FILE__, __LINE__, "%s: '%.*s'", cases[i].sql, STR_ARG(read));
        }
}

TEST(where_a_fetch_goes_is_read) {
        static const struct {
                const char *sql;
                FetchDirection direction;
                int64_t count;
        } cases[] = {
                { "fetch c", FETCH_FORWARD, 1 },               { "fetch from c", FETCH_FORWARD, 1 },        { "fetch next c", FETCH_FORWARD, 1 },
                { "fetch all in c", FETCH_FORWARD, FETCH_ALL }, { "fetch forward all c", FETCH_FORWARD, FETCH_ALL }, { "fetch forward c", FETCH_FORWARD, 1 },
                { "fetch +7 c", FETCH_FORWARD, 7 },            { "fetch -7 c", FETCH_BACKWARD, 7 },         { "fetch forward -1 c", FETCH_BACKWARD, 1 },
                { "fetch backward c", FETCH_BACKWARD, 1 },     { "fetch backward -2 from c", FETCH_FORWARD, 2 }, { "move backward all c", FETCH_BACKWARD, FETCH_ALL },
                { "fetch prior c", FETCH_BACKWARD, 1 },        { "fetch first c", FETCH_ABSOLUTE, 1 },      { "fetch last c", FETCH_ABSOLUTE, -1 },
                { "fetch absolute 3 c", FETCH_ABSOLUTE, 3 },   { "move relative -2 in c", FETCH_RELATIVE, -2 }, { "fetch 0 c", FETCH_FORWARD, 0 },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                Command command;
                CHECK_OK(read_one(t, cases[i].sql, &command));
                if (command.kind != COMMAND_FETCH || command.direction != cases[i].direction || command.count != cases[i].count || !str_is(command.name, "c"))
                        test_fail(t, __FILE__, __LINE__, "%s: direction %d", cases[i].sql, command.direction);
        }
}

TEST(copy_is_read_in_its_old_and_new_words) {
        static const struct {
                const char *sql, *inner;
                CopyKind kind;
                const char *format; /* delimiter, quote, escape, null */
                bool header;
                size_t quoted;
        } cases[] = {
                { "COPY (select ')' from (select 1)) TO STDOUT", "select ')' from (select 1)", COPY_TEXT, "\t\"\"\\N", false, 0 },
                { "copy shop.canonical.order to stdout with csv header", "SELECT * FROM shop.canonical.order", COPY_CSV, ",\"\"", true, 0 },
                { "COPY \"a\".b (x, \"Y\") TO STDOUT (FORMAT csv, DELIMITER ';', NULL 'null', QUOTE '''', ESCAPE E'\\\\', FORCE_QUOTE (x), HEADER true)",
                  "SELECT x, \"Y\" FROM \"a\".b", COPY_CSV, ";'\\null", true, 1 },
                { "COPY t TO STDOUT WITH DELIMITER AS '|' NULL AS ''", "SELECT * FROM t", COPY_TEXT, "|\"\"", false, 0 },
                { "COPY (select 1) TO STDOUT (FORMAT 'binary')", "select 1", COPY_BINARY, "\t\"\"\\N", false, 0 },
                { "COPY (select 1) TO STDOUT CSV FORCE QUOTE a, b", "select 1", COPY_CSV, ",\"\"", false, 2 },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                Command command;
                CHECK_OK(read_one(t, cases[i].sql, &command));
                const CopyOptions *copy = &command.copy;
                CHECK_STR(command.inner, str_of(cases[i].inner));
                CHECK_INT(copy->kind, cases[i].kind);
                CHECK_STR(arena_strf(&t->arena, "%c%c%c%.*s", copy->delimiter, copy->quote, copy->escape, STR_ARG(copy->null)), str_of(cases[i].format));
                CHECK_INT(copy->header, cases[i].header);
                CHECK_INT(copy->quote_count, cases[i].quoted);
        }
}

TEST(a_refusal_names_the_word_that_was_written) {
        static const char *const cases[][2] = {
                { "insert into x values (1)", "insert is not allowed: SQL only reads here" },
                { "UPDATE x SET a = 1", "UPDATE is not allowed: SQL only reads here" },
                { "vacuum", "vacuum is not allowed: SQL only reads here" },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                Command command;
                CHECK_STATUS(read_one(t, cases[i][0], &command), STATUS_DENIED);
                CHECK_STR(str_of(t->err.message), str_of(cases[i][1]));
        }
}

TEST(what_is_not_allowed_is_refused_by_its_kind) {
        static const struct {
                const char *sql;
                Status status;
        } cases[] = {
                { "create temp table x (a int)", STATUS_DENIED },   { "insert into x values (1)", STATUS_DENIED },
                { "copy x from stdin", STATUS_DENIED },              { "copy x to '/etc/passwd'", STATUS_DENIED },
                { "copy x to program 'sh'", STATUS_DENIED },         { "load 'x'", STATUS_SQL_REFUSED },
                { "pragma x", STATUS_SQL_REFUSED },                  { "fetch relative from c", STATUS_SQL_SYNTAX },
                { "fetch - from c", STATUS_SQL_SYNTAX },             { "frobnicate", STATUS_SQL_SYNTAX },
                { "fetch 99999999999 c", STATUS_SQL_SYNTAX },        { "fetch absolute all c", STATUS_SQL_SYNTAX },
                { "set x", STATUS_SQL_SYNTAX },                      { "set x to", STATUS_SQL_SYNTAX },
                { "copy (select 1 to stdout", STATUS_SQL_SYNTAX },   { "copy t to stdout (delimiter 'ab')", STATUS_SQL_SYNTAX },
                { "execute p(1,", STATUS_SQL_SYNTAX },               { "close", STATUS_SQL_SYNTAX },
                { "commit now", STATUS_SQL_SYNTAX },                 { "alter table x add y int", STATUS_DENIED },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                Command command;
                Status status = read_one(t, cases[i].sql, &command);
                if (status != cases[i].status)
                        test_fail(t, __FILE__, __LINE__, "%s: %s", cases[i].sql, status_name(status));
        }
}

TEST(settings_follow_transactions) {
        Settings *settings = settings_new();
        Str name = STR("application_name");
        Status status = settings_set(settings, name, STR("a"), false, &t->err);
        settings_begin_transaction(settings);
        status |= settings_set(settings, name, STR("b"), false, &t->err);
        status |= settings_set(settings, name, STR("c"), true, &t->err);
        bool inside = str_is(settings_get(settings, name), "c");
        settings_end_transaction(settings, true);
        bool committed = str_is(settings_get(settings, name), "b");
        settings_begin_transaction(settings);
        status |= settings_set(settings, name, STR("d"), false, &t->err);
        settings_end_transaction(settings, false);
        bool back = str_is(settings_get(settings, name), "b");
        settings_reset_all(settings);
        bool reset = str_is(settings_get(settings, name), "");
        settings_free(settings);
        CHECK_INT(status, STATUS_OK);
        CHECK(inside && committed && back && reset);
}

TEST(settings_take_only_what_they_can_be) {
        static const struct {
                const char *name, *value;
                Status status;
        } cases[] = {
                { "client_encoding", "'utf-8'", STATUS_OK },        { "client_encoding", "LATIN1", STATUS_BAD_VALUE },
                { "DateStyle", "ISO, DMY", STATUS_OK },             { "datestyle", "German", STATUS_BAD_VALUE },
                { "statement_timeout", "30s", STATUS_OK },          { "statement_timeout", "soon", STATUS_BAD_VALUE },
                { "server_version", "9", STATUS_DENIED },           { "nonsense", "1", STATUS_NOT_FOUND },
                { "my.setting", "1", STATUS_OK },                   { "standard_conforming_strings", "off", STATUS_BAD_VALUE },
                { "standard_conforming_strings", "on", STATUS_OK }, { "session_authorization", "default", STATUS_OK },
                { "extra_float_digits", "3", STATUS_OK },
        };
        Settings *settings = settings_new();
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                Status status = settings_set(settings, str_of(cases[i].name), str_of(cases[i].value), false, &t->err);
                if (status != cases[i].status)
                        test_fail(t, __FILE__, __LINE__, "%s = %s: %s", cases[i].name, cases[i].value, status_name(status));
        }
        settings_free(settings);
}
