/* SPDX-License-Identifier: Apache-2.0 */
#include "server/wire.h"

#include "base/test.h"
#include "server/reply.h"

/* Bytes with their NULs. */
#define BYTES(literal) ((Str){ literal, sizeof(literal) - 1 })

TEST(a_packet_is_taken_only_whole_and_only_within_its_limit) {
        static const struct {
                WireStage stage;
                Str bytes;
                Status status;
                size_t size;
        } cases[] = {
                { WIRE_STAGE_STARTUP, BYTES(""), STATUS_OK, 0 },
                { WIRE_STAGE_STARTUP, BYTES("\0\0\0\x08\x04\xd2\x16"), STATUS_OK, 0 },
                { WIRE_STAGE_STARTUP, BYTES("\0\0\0\x08\x04\xd2\x16\x2f"), STATUS_OK, 8 },
                { WIRE_STAGE_STARTUP, BYTES("\0\0\0\x08\x04\xd2\x16\x2fmore"), STATUS_OK, 8 },
                { WIRE_STAGE_STARTUP, BYTES("\0\0\0\x04"), STATUS_PROTOCOL, 0 },
                { WIRE_STAGE_STARTUP, BYTES("GET "), STATUS_LIMIT, 0 },
                { WIRE_STAGE_STARTUP, BYTES("\xff\xff\xff\xff"), STATUS_LIMIT, 0 },
                { WIRE_STAGE_LOGIN, BYTES("p\0\0\x20\x01"), STATUS_LIMIT, 0 },
                { WIRE_STAGE_LOGIN, BYTES("p\0\0\x20\0"), STATUS_OK, 0 },
                { WIRE_STAGE_SESSION, BYTES("S\0\0\0\x03"), STATUS_PROTOCOL, 0 },
                { WIRE_STAGE_SESSION, BYTES("S\0\0\0\x04"), STATUS_OK, 5 },
                { WIRE_STAGE_SESSION, BYTES("Q\x04\0\0\x01"), STATUS_LIMIT, 0 },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                size_t size;
                Status status = wire_frame(cases[i].stage, cases[i].bytes, &size, &t->err);
                if (status != cases[i].status || size != cases[i].size)
                        test_fail(t, __FILE__, __LINE__, "case %zu: %s, %zu bytes", i, status_name(status), size);
        }
}

TEST(a_startup_packet_gives_user_database_and_settings) {
        WireStartup startup;
        CHECK_OK(wire_startup_read(BYTES("\0\0\0\x58\0\x03\0\x02"
                                         "user\0ann\0database\0shop\0application_name\0psql\0_pq_.new\0on\0client_encoding\0'utf-8'\0\0"),
                                   &t->arena, &startup, &t->err));
        CHECK_INT(startup.kind, WIRE_STARTUP);
        CHECK_INT(startup.minor, 2);
        CHECK_STR(startup.user, STR("ann"));
        CHECK_STR(startup.database, STR("shop"));
        CHECK_INT(startup.setting_count, 2);
        CHECK_STR(startup.settings[1].name, STR("client_encoding"));
        CHECK_STR(startup.settings[1].value, STR("'utf-8'"));
        CHECK_INT(startup.unknown_count, 1);
        CHECK_STR(startup.unknown[0], STR("_pq_.new"));
}

TEST(a_database_that_is_not_named_is_the_users) {
        WireStartup startup;
        CHECK_OK(wire_startup_read(BYTES("\0\0\0\x12\0\x03\0\0user\0ann\0\0"), &t->arena, &startup, &t->err));
        CHECK_STR(startup.database, STR("ann"));
}

TEST(a_cancel_request_has_a_key_of_either_protocol) {
        WireStartup startup;
        CHECK_OK(wire_startup_read(BYTES("\0\0\0\x10\x04\xd2\x16\x2e\0\0\x01\x02wxyz"), &t->arena, &startup, &t->err));
        CHECK_INT(startup.kind, WIRE_STARTUP_CANCEL);
        CHECK_INT(startup.process, 0x102);
        CHECK_STR(startup.key, STR("wxyz"));
}

TEST(startup_packets_that_break_the_rules_are_refused) {
        static const Str cases[] = {
                BYTES("\0\0\0\x08\0\x02\0\0"),                      /* protocol 2 */
                BYTES("\0\0\0\x09\0\x03\0\0\0"),                    /* no user */
                BYTES("\0\0\0\x11\0\x03\0\0user\0ann\0"),           /* no end */
                BYTES("\0\0\0\x12\0\x03\0\0user\0ann\0\0x"),        /* something behind it */
                BYTES("\0\0\0\x0d\0\x03\0\0user\0"),                /* a name without a value */
                BYTES("\0\0\0\x12\0\x03\0\0user\0a\xff" "n\0\0"),   /* not UTF-8 */
                BYTES("\0\0\0\x0c\x04\xd2\x16\x2e\0\0\0\x01"),      /* cancel without a key */
                BYTES("\0\0\0\x09\x04\xd2\x16\x2fx"),               /* TLS and more in clear */
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                WireStartup startup;
                Status status = wire_startup_read(cases[i], &t->arena, &startup, &t->err);
                if (status != STATUS_PROTOCOL)
                        test_fail(t, __FILE__, __LINE__, "case %zu: %s", i, status_name(status));
        }
}

TEST(parse_and_bind_are_taken_apart) {
        WireMessage message;
        CHECK_OK(wire_message_read(BYTES("P\0\0\0\x1bs1\0select $1, $2\0\0\x01\0\0\0\x17"), &t->arena, &message, &t->err));
        CHECK_INT(message.type, WIRE_PARSE);
        CHECK_STR(message.name, STR("s1"));
        CHECK_STR(message.sql, STR("select $1, $2"));
        CHECK_INT(message.type_count, 1);
        CHECK_INT(message.types[0], 23);
        CHECK_OK(wire_message_read(BYTES("B\0\0\0\x21p\0s1\0\0\x01\0\x01\0\x02\0\0\0\x04\0\0\0\x07\xff\xff\xff\xff\0\x02\0\x01\0\0"), &t->arena,
                                   &message, &t->err));
        CHECK_STR(message.portal, STR("p"));
        CHECK_INT(message.parameter_count, 2);
        CHECK_STR(message.parameters[0].bytes, BYTES("\0\0\0\x07"));
        CHECK(message.parameters[1].null);
        CHECK_INT(wire_format(&message.parameter_formats, 1), 1);
        CHECK_INT(wire_format(&message.result_formats, 0), 1);
        CHECK_INT(wire_format(&message.result_formats, 1), 0);
}

TEST(messages_that_break_the_rules_are_refused) {
        static const Str cases[] = {
                BYTES("\0\0\0\0\x04"),
                BYTES("z\0\0\0\x04"),
                BYTES("Q\0\0\0\x05"),
                BYTES("Q\0\0\0\x06x"),
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                WireMessage message;
                Status status = wire_message_read(cases[i], &t->arena, &message, &t->err);
                if (status != STATUS_PROTOCOL)
                        test_fail(t, __FILE__, __LINE__, "case %zu: %s", i, status_name(status));
        }
}

TEST(messages_whose_parts_do_not_fill_them_are_known_by_their_type_alone) {
        static const Str cases[] = {
                BYTES("Q\0\0\0\x05x"),                                     /* no NUL */
                BYTES("Q\0\0\0\x07x\0y"),                                  /* text behind it */
                BYTES("S\0\0\0\x05x"),
                BYTES("D\0\0\0\x06Xa"),
                BYTES("D\0\0\0\x07X\0\0"),
                BYTES("P\0\0\0\x08\0\0\xff\xff"),                          /* 65,535 types that are not there */
                BYTES("B\0\0\0\x0c\0\0\0\0\xff\xff\0\0"),
                BYTES("B\0\0\0\x0a\0\0\0\x05\0\0"),
                BYTES("B\0\0\0\x10\0\0\0\0\0\x01\0\0\0\x05x\0"),           /* a value longer than the message */
                BYTES("E\0\0\0\x05x"),
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                WireMessage message;
                CHECK_OK(wire_message_read(cases[i], &t->arena, &message, &t->err));
                if (!message.broken || message.type != (WireType)cases[i].data[0] || message.sql.size + message.name.size + message.parameter_count > 0)
                        test_fail(t, __FILE__, __LINE__, "case %zu is taken", i);
        }
}

TEST(replies_have_the_bytes_that_postgresql_15_sends) {
        CLEANUP(buf_deinit) Buf buf = { 0 };
        static const ReplyColumn column = { .name = { "id", 2 }, .oid = 23, .size = 4, .modifier = -1 };
        reply_login_ok(&buf);
        reply_login_mechanisms(&buf, true);
        reply_protocol(&buf, 0, (Str[]){ STR("_pq_.x") }, 1);
        reply_setting(&buf, STR("TimeZone"), STR("UTC"));
        reply_cancel_key(&buf, 258, STR("wxyz"));
        reply_ready(&buf, REPLY_IDLE);
        reply_columns(&buf, &column, 1);
        reply_parameters(&buf, (uint32_t[]){ 25 }, 1);
        size_t row = reply_row_begin(&buf, 1);
        reply_row_value(&buf, STR("7"));
        reply_row_end(&buf, row);
        reply_complete(&buf, STR("SELECT 1"));
        reply_mark(&buf, REPLY_SUSPENDED);
        reply_copy_out(&buf, 1, 1);
        CHECK_STR(buf_view(&buf),
                  BYTES("R\0\0\0\x08\0\0\0\0"
                        "R\0\0\0\x2a\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"
                        "v\0\0\0\x13\0\x03\0\0\0\0\0\x01_pq_.x\0"
                        "S\0\0\0\x11TimeZone\0UTC\0"
                        "K\0\0\0\x0c\0\0\x01\x02wxyz"
                        "Z\0\0\0\x05I"
                        "T\0\0\0\x1b\0\x01id\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0"
                        "t\0\0\0\x0a\0\x01\0\0\0\x19"
                        "D\0\0\0\x0b\0\x01\0\0\0\x01"
                        "7"
                        "C\0\0\0\x0dSELECT 1\0"
                        "s\0\0\0\x04"
                        "H\0\0\0\x09\x01\0\x01\0\x01"));
}

TEST(an_error_reply_names_state_place_and_what_to_do) {
        CLEANUP(buf_deinit) Buf buf = { 0 };
        ReplyError error = { REPLY_ERROR, STR("42P01"), STR("no table 'x'"), STR_NONE, STR("lode show table"), 15 };
        reply_error(&buf, &error);
        CHECK_STR(buf_view(&buf), BYTES("E\0\0\0\x3dSERROR\0VERROR\0C42P01\0Mno table 'x'\0Hlode show table\0P15\0\0"));
}
