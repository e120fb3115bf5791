/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/message.h"

#include <errno.h>
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
        /* lode acts on these, or they are about what no worker touches */
        static const Status never[] = { STATUS_OK, STATUS_CONFLICT, STATUS_NO_STORE, STATUS_DENIED, STATUS_LOGIN,
                                        STATUS_EXISTS, STATUS_NOT_FOUND, STATUS_WORKER_LOST, STATUS_TIMEOUT };
        for (int reason = 0; reason < REASON_COUNT; reason++)
                for (size_t i = 0; i < COUNT_OF(never); i++)
                        CHECK(reason_status((Reason)reason) != never[i]);
}

/* What a worker could send to say something of its own. */
TEST(a_lying_worker_puts_no_words_before_anybody) {
        enum { OTHER = REASON_HEADER_STRANGE, WIDTH = REASON_HEADER_WIDTH, READ = REASON_READ };
        static const struct {
                int reason, count;
                const char *types;
                int text_size; /* of each text */
                int64_t number;
                Status status;
        } cases[] = {
                { OTHER, 1, "t", REASON_TEXT_MAX, 0, STATUS_HELD },
                { OTHER, 1, "t", REASON_TEXT_MAX + 1, 0, STATUS_CORRUPT }, /* longer than it may be */
                { OTHER, 1, "t", 1 << 20, 0, STATUS_CORRUPT },
                { OTHER, 0, "", 0, 0, STATUS_CORRUPT }, /* fewer than it has */
                { OTHER, 2, "tt", 4, 0, STATUS_CORRUPT },
                { OTHER, 1, "n", 0, 4, STATUS_CORRUPT }, /* of another type */
                { OTHER, 1, "tt", 4, 0, STATUS_CORRUPT }, /* and more after it */
                { WIDTH, 2, "nn", 0, INT64_MIN, STATUS_HELD },
                { WIDTH, 2, "nt", 4, 1, STATUS_CORRUPT },
                { WIDTH, 255, "nn", 0, 1, STATUS_CORRUPT },
                { READ, 1, "e", 0, 5, STATUS_IO },
                { READ, 1, "e", 0, 4096, STATUS_CORRUPT }, /* no errno */
                { READ, 1, "e", 0, -1, STATUS_CORRUPT },
                { REASON_COUNT, 0, "", 0, 0, STATUS_CORRUPT }, /* no such reason */
                { 0xffff, 0, "", 0, 0, STATUS_CORRUPT },
        };
        char *text = arena_alloc(&t->arena, (1 << 20) + 1);
        memset(text, 'w', 1 << 20);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CLEANUP(buf_deinit) Buf bytes = { 0 };
                buf_u16(&bytes, FAILURE_REASON);
                buf_u16(&bytes, (uint16_t)cases[i].reason);
                buf_u8(&bytes, (uint8_t)cases[i].count);
                for (const char *type = cases[i].types; *type; type++) {
                        buf_u8(&bytes, (uint8_t)*type);
                        if (*type == 't')
                                buf_lstr(&bytes, (Str){ text, (size_t)cases[i].text_size });
                        else
                                buf_u64(&bytes, (uint64_t)cases[i].number);
                }
                Cursor cursor = cursor_of(buf_view(&bytes));
                Failure got;
                Status status = failure_read(&cursor, &t->arena, &got, &t->err);
                if (status == STATUS_OK)
                        status = failure_to_error(&got, STR_NONE, true, &t->err);
                CHECK_STATUS(status, cases[i].status);
                if (cases[i].status == STATUS_CORRUPT)
                        CHECK(!strstr(t->err.message, "ww"));
        }
}

TEST(a_text_of_the_users_file_is_shown_as_a_terminal_may_see_it) {
        Error err = { 0 };
        CHECK_STATUS(error_reason(&err, HEADER_STRANGE, reason_text(STR("a\x1b[2Jb\n\xe2\x80\xaeq\xff"))), STATUS_HELD);
        CLEANUP(buf_deinit) Buf bytes = { 0 };
        Failure got, failure = failure_of_error(&err);
        failure_write(&bytes, &failure);
        Cursor cursor = cursor_of(buf_view(&bytes));
        CHECK_OK(failure_read(&cursor, &t->arena, &got, &t->err));
        CHECK_STATUS(failure_to_error(&got, STR_NONE, false, &t->err), STATUS_HELD);
        CHECK_STR(str_of(t->err.message), STR("the header names none of the source's columns; it begins with "
                                              "'a\\x1b[2Jb\\x0a\\xe2\\x80\\xaeq\\xff'"));
        for (size_t end = 0; end < bytes.size; end++) {
                cursor = cursor_of((Str){ bytes.data, end });
                CHECK_STATUS(failure_read(&cursor, &t->arena, &got, &t->err), STATUS_CORRUPT);
        }
}

TEST(what_has_no_reason_is_told_without_its_words) {
        static const struct {
                Status status;
                int number;
                Status told;
                const char *words;
        } cases[] = {
                { STATUS_CONFLICT, 0, STATUS_INTERNAL, "the worker failed inside" },
                { STATUS_HELD, 0, STATUS_INTERNAL, "the worker failed inside" },
                { STATUS_BAD_VALUE, 0, STATUS_INTERNAL, "the worker refuses what it was asked" },
                { STATUS_MEMORY, 0, STATUS_MEMORY, "the worker has not the memory for this" },
                { STATUS_OK, ENOSPC, STATUS_DISK_FULL, "the worker cannot write a file: No space left on device" },
                { STATUS_OK, EIO, STATUS_IO, "the worker cannot read or write a file: Input/output error" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CLEANUP(buf_deinit) Buf bytes = { 0 };
                Error err;
                if (cases[i].number)
                        error_errno(&err, cases[i].number, "so it is");
                else
                        error_set(&err, cases[i].status, "so it is");
                Failure got, failure = failure_of_error(&err);
                failure_write(&bytes, &failure);
                Cursor cursor = cursor_of(buf_view(&bytes));
                CHECK_OK(failure_read(&cursor, &t->arena, &got, &t->err));
                CHECK_STATUS(failure_to_error(&got, STR_NONE, false, &t->err), cases[i].told);
                CHECK_STR(str_of(t->err.message), str_of(cases[i].words));
        }
}

/* Every row: its types and its words agree, and a worker's failure reads in lode as it was raised. */
TEST(every_reason_travels_whole) {
        for (int reason = 0; reason < REASON_COUNT; reason++) {
                ReasonArgument arguments[REASON_ARGUMENTS_MAX + 1] = { 0 };
                const char *types = reason_types((Reason)reason);
                size_t count = strlen(types);
                CHECK(count <= REASON_ARGUMENTS_MAX);
                for (size_t i = 0; i < count; i++)
                        arguments[i + 1] = types[i] == 't'   ? reason_text(STR("it's \"this\""))
                                           : types[i] == 'e' ? reason_errno(EACCES)
                                                             : reason_number(INT64_MAX - (int64_t)i);
                size_t places = 0;
                for (const char *at = reason_words((Reason)reason); *at; at++)
                        if (*at == '%') {
                                CHECK(at[1] >= '1' && (size_t)(at[1] - '0') <= count);
                                places++;
                        }
                CHECK_INT(places, count);
                Error err;
                CHECK_STATUS(error_reason_at(&err, (Reason)reason, arguments, count + 1, __FILE__, __LINE__),
                             reason_status((Reason)reason));
                CLEANUP(buf_deinit) Buf bytes = { 0 };
                Failure got, failure = failure_of_error(&err);
                failure_write(&bytes, &failure);
                Cursor cursor = cursor_of(buf_view(&bytes));
                CHECK_OK(failure_read(&cursor, &t->arena, &got, &t->err));
                CHECK_STATUS(failure_to_error(&got, STR_NONE, false, &t->err), err.status);
                CHECK_STR(str_of(t->err.message), str_of(err.message));
                CHECK_STR(str_of(t->err.hint), str_of(err.hint));
        }
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
                CHECK_STR(function_name_of(&t->arena, str_of(cases[i].type)), str_of(cases[i].name));
        Str list = function_name_of(&t->arena, STR("INTEGER[]"));
        CHECK_INT(list.size, strlen("lode_v_") + 16);
        CHECK(!str_equal(list, function_name_of(&t->arena, STR("INTEGER[][]"))));
        CHECK(!str_equal(list, function_name_of(&t->arena, STR("STRUCT(\"BIGINT\" INTEGER)"))));
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
