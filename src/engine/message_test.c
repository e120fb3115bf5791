/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/message.h"

#include <sys/socket.h>

#include "base/file.h"
#include "base/test.h"
#include "engine/data_row.h"
#include "engine/functions.h"
#include "engine/inbox.h"

typedef struct Pair {
        int a, b;
} Pair;

static void pair_deinit(Pair *pair) {
        close_fdp(&pair->a);
        close_fdp(&pair->b);
}

static Pair pair_make(void) {
        int fds[2] = { -1, -1 };
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
                panic("no socket pair");
        return (Pair){ fds[0], fds[1] };
}

TEST(what_is_sent_arrives) {
        CLEANUP(pair_deinit) Pair pair = pair_make();
        CLEANUP(buf_deinit) Buf into = { 0 };
        Message got;
        CHECK_OK(message_send(pair.a, MESSAGE_PARSE, 0, 77, STR("select 1"), NULL, 0, &t->err));
        CHECK_OK(message_send(pair.a, MESSAGE_INTERRUPT, 0, 78, STR_NONE, NULL, 0, &t->err));
        CHECK_OK(message_receive(pair.b, 100, &into, &got, NULL, NULL, &t->err));
        CHECK_INT(got.type, MESSAGE_PARSE);
        CHECK_INT(got.statement, 77);
        CHECK_STR(got.payload, STR("select 1"));
        CHECK_OK(message_receive(pair.b, 100, &into, &got, NULL, NULL, &t->err));
        CHECK_INT(got.type, MESSAGE_INTERRUPT);
        CHECK_INT(got.payload.size, 0);
        close_fdp(&pair.a);
        CHECK_STATUS(message_receive(pair.b, 100, &into, &got, NULL, NULL, &t->err), STATUS_WORKER_LOST);
}

TEST(descriptors_travel_with_their_message) {
        CLEANUP(pair_deinit) Pair pair = pair_make();
        CLEANUP(pair_deinit) Pair sent = pair_make();
        CLEANUP(buf_deinit) Buf into = { 0 };
        int fds[MESSAGE_DESCRIPTORS_MAX];
        size_t count = 0;
        Message got;
        CHECK_OK(message_send(pair.a, MESSAGE_STAGE, 0, 1, STR("spec"), (int[]){ sent.a, sent.b }, 2, &t->err));
        CHECK_OK(message_receive(pair.b, 100, &into, &got, fds, &count, &t->err));
        CHECK_INT(count, 2);
        CHECK_INT(write(fds[0], "x", 1), 1);
        char byte;
        CHECK_INT(read(sent.b, &byte, 1), 1);
        close(fds[0]);
        close(fds[1]);
}

TEST(descriptors_are_refused_where_none_are_wanted) {
        CLEANUP(pair_deinit) Pair pair = pair_make();
        CLEANUP(buf_deinit) Buf into = { 0 };
        Message got;
        CHECK_OK(message_send(pair.a, MESSAGE_STAGE, 0, 1, STR("spec"), (int[]){ pair.a }, 1, &t->err));
        CHECK_STATUS(message_receive(pair.b, 100, &into, &got, NULL, NULL, &t->err), STATUS_CORRUPT);
}

TEST(headers_that_lie_are_refused) {
        static const struct {
                const char *bytes;
                Status status;
        } cases[] = {
                { "\x04\0\0\0\x02\0\0\0\1\0\0\0\0\0\0\0", STATUS_OK },
                { "\xff\xff\xff\xff\x02\0\0\0\1\0\0\0\0\0\0\0", STATUS_CORRUPT }, /* too long */
                { "\x05\0\0\0\x02\0\0\0\1\0\0\0\0\0\0\0", STATUS_CORRUPT },       /* by one */
                { "\x04\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", STATUS_CORRUPT },         /* no such type */
                { "\x04\0\0\0\xff\x02\0\0\1\0\0\0\0\0\0\0", STATUS_CORRUPT },
                { "\x04\0\0\0\x02\0\0\x80\1\0\0\0\0\0\0\0", STATUS_CORRUPT }, /* no such flag */
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Message got;
                uint32_t length;
                CHECK_STATUS(message_parse_header((Str){ cases[i].bytes, 16 }, 4, &got, &length, &t->err),
                             cases[i].status);
        }
        Message got;
        uint32_t length;
        CHECK_STATUS(message_parse_header(STR("\x04\0\0"), 4, &got, &length, &t->err), STATUS_CORRUPT);
}

TEST(a_message_over_the_limit_is_not_sent) {
        CLEANUP(pair_deinit) Pair pair = pair_make();
        char *big = arena_alloc(&t->arena, MESSAGE_ROWS_MAX + 1);
        CHECK_STATUS(message_send(pair.a, MESSAGE_ROWS, 0, 1, (Str){ big, MESSAGE_ROWS_MAX + 1 }, NULL, 0, &t->err),
                     STATUS_LIMIT);
}

TEST(an_inbox_gives_whole_messages_whatever_the_pieces) {
        CLEANUP(pair_deinit) Pair pair = pair_make();
        CLEANUP(pair_deinit) Pair relay = pair_make();
        CLEANUP(inbox_deinit) Inbox inbox;
        inbox_init(&inbox, pair.b, 1000);
        CHECK_OK(message_send(relay.a, MESSAGE_TREE, 0, 5, STR("abc"), NULL, 0, &t->err));
        CHECK_OK(message_send(relay.a, MESSAGE_DONE, 0, 6, STR_NONE, NULL, 0, &t->err));
        char byte;
        int seen = 0;
        bool ended, has;
        Message message;
        for (int i = 0; i < 2 * MESSAGE_HEADER_SIZE + 3; i++) {
                CHECK_INT(read(relay.b, &byte, 1), 1);
                CHECK_INT(write(pair.a, &byte, 1), 1);
                CHECK_OK(inbox_fill(&inbox, &ended, &t->err));
                CHECK(!ended);
                CHECK_OK(inbox_next(&inbox, &message, &has, &t->err));
                if (!has)
                        continue;
                CHECK_INT(message.statement, 5 + (uint64_t)seen);
                CHECK_INT(message.payload.size, seen ? 0 : 3);
                seen++;
        }
        CHECK_INT(seen, 2);
        close_fdp(&pair.a);
        CHECK_OK(inbox_fill(&inbox, &ended, &t->err));
        CHECK(ended);
}

TEST(a_failure_arrives_as_it_was_and_cleaned) {
        CLEANUP(buf_deinit) Buf bytes = { 0 };
        Failure failure = { .kind = FAILURE_NO_COLUMN,
                            .position = 7,
                            .arguments = { STR("col\x1b[31m") },
                            .candidates = { STR("cola"), STR("colb") },
                            .detail = STR("bad \xff utf") };
        failure_write(&bytes, &failure);
        Cursor cursor = cursor_of(buf_view(&bytes));
        Failure got;
        CHECK_OK(failure_read(&cursor, &t->arena, &got, &t->err));
        CHECK_INT(got.status, STATUS_NO_COLUMN);
        CHECK_STR(got.arguments[0], STR("col?[31m"));
        CHECK_STR(got.detail, STR("bad ? utf"));
        CHECK_INT(failure_to_error(&got, STR("select col"), false, &t->err), STATUS_NO_COLUMN);
        CHECK_STR(str_of(t->err.message), STR("no column 'col?[31m'"));
        CHECK_STR(str_of(t->err.hint), STR("near it: 'cola', 'colb'"));
        CHECK_INT(t->err.column, 8);
        for (size_t cut = 0; cut < bytes.size; cut++) {
                cursor = cursor_of((Str){ bytes.data, cut });
                CHECK_STATUS(failure_read(&cursor, &t->arena, &got, &t->err), STATUS_CORRUPT);
        }
}

TEST(a_worker_fails_only_as_workers_do) {
        static const struct {
                Status told, read;
        } cases[] = {
                { STATUS_HELD, STATUS_OK },          { STATUS_DISK_FULL, STATUS_OK },
                { STATUS_BAD_VALUE, STATUS_OK },     { STATUS_CONFLICT, STATUS_CORRUPT },
                { STATUS_NO_STORE, STATUS_CORRUPT }, { STATUS_DENIED, STATUS_CORRUPT },
                { STATUS_OK, STATUS_CORRUPT },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CLEANUP(buf_deinit) Buf bytes = { 0 };
                Failure got, failure = { .kind = FAILURE_TOLD, .status = cases[i].told, .detail = STR("so it is") };
                failure_write(&bytes, &failure);
                Cursor cursor = cursor_of(buf_view(&bytes));
                CHECK_STATUS(failure_read(&cursor, &t->arena, &got, &t->err), cases[i].read);
        }
}

TEST(our_own_errors_keep_their_words_and_place) {
        CLEANUP(buf_deinit) Buf bytes = { 0 };
        Error err = { 0 };
        error_set(&err, STATUS_HELD, "the file ends early");
        error_hint(&err, "send it again");
        Failure failure = failure_of_error(&err);
        failure_write(&bytes, &failure);
        Cursor cursor = cursor_of(buf_view(&bytes));
        Failure got;
        CHECK_OK(failure_read(&cursor, &t->arena, &got, &t->err));
        CHECK_INT(failure_to_error(&got, STR_NONE, false, &t->err), STATUS_HELD);
        CHECK_STR(str_of(t->err.message), STR("the file ends early"));
        CHECK_STR(str_of(t->err.hint), STR("send it again"));
}

TEST(functions_are_named_by_their_types) {
        static const struct {
                const char *type, *name;
        } cases[] = {
                { "BIGINT", "lode_v_bigint" },
                { "TIMESTAMP WITH TIME ZONE", "lode_v_timestamp_with_time_zone" },
                { "DECIMAL(12,2)", "lode_v_decimal_12_2" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                CHECK_STR(function_name_of(&t->arena, FUNCTION_VOLATILE, str_of(cases[i].type)), str_of(cases[i].name));
        Str list = function_name_of(&t->arena, FUNCTION_KEYED, STR("INTEGER[]"));
        CHECK_INT(list.size, strlen("lode_k_") + 16);
        CHECK(!str_equal(list, function_name_of(&t->arena, FUNCTION_KEYED, STR("INTEGER[][]"))));
        CHECK(!str_equal(list, function_name_of(&t->arena, FUNCTION_KEYED, STR("STRUCT(\"BIGINT\" INTEGER)"))));
}

TEST(a_row_is_read_only_if_it_is_one) {
        DataRow row;
        Str value;
        bool null;
        CHECK(data_row_open(STR("D\0\0\0\x0f\0\2\0\0\0\1x\xff\xff\xff\xff"), &row));
        CHECK(data_row_next(&row, &value, &null));
        CHECK_STR(value, STR("x"));
        CHECK(data_row_next(&row, &value, &null));
        CHECK(null);
        CHECK(!data_row_next(&row, &value, &null));
        static const Str BROKEN[] = {
                STR(""),
                STR("D"),
                STR("D\0\0\0\x0f\0\2\0\0\0\1x\xff\xff\xff"),
                STR("X\0\0\0\6\0\0"),
                STR("D\0\0\0\7\0\0x"),
                STR("D\0\0\0\x0b\0\1\0\0\0\2x"),
                STR("D\0\0\0\6\xff\xff"),
        };
        for (size_t i = 0; i < COUNT_OF(BROKEN); i++)
                CHECK(!data_row_open(BROKEN[i], &row));
        CHECK(data_row_open(STR("D\0\0\0\6\0\0"), &row));
}
