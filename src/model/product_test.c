/* SPDX-License-Identifier: Apache-2.0 */
#include "model/product.h"

#include "base/test.h"

static Model *parse(Test *t, const char *text) {
        Problems *problems = ARENA_NEW(&t->arena, Problems);
        problems->arena = &t->arena;
        return model_parse(&t->arena, STR("shop"), STAGE_EGRESS, STR("sales"), "sales.sql", str_of(text), problems);
}

static const LakeColumn columns[] = {
        { .name = { "id", 2 }, .type = { .kind = TYPE_INT } },
        { .name = { "_file", 5 }, .type = { .kind = TYPE_BIGINT }, .hidden = true },
        { .name = { "amount", 6 }, .type = { .kind = TYPE_DECIMAL, .precision = 10, .scale = 2 } },
};

TEST(a_contract_reads_back_as_it_was_printed) {
        Contract contract = contract_of(parse(t, "-- version: 3\n-- fresh: 2h\n-- listed: yes\n-- column ID: int required unique\nselect 1"), columns,
                                        COUNT_OF(columns), &t->arena);
        CHECK_INT(contract.column_count, 2);
        Contract again;
        CHECK_OK(contract_parse(contract_print(&t->arena, &contract), &t->arena, &again, &t->err));
        CHECK_STR(contract_print(&t->arena, &again), contract_print(&t->arena, &contract));
        CHECK(again.version == 3 && again.listed && again.columns[0].required && again.columns[0].unique && !again.columns[1].required);
        CHECK_INT(again.fresh_us, INT64_C(7200) * 1000000);
        CHECK(type_equal(again.columns[1].type, columns[2].type));
}

TEST(damaged_contracts_are_refused) {
        static const char *const cases[] = {
                "", "{}", "[]", "{\"version\":\"1\",\"fresh_us\":0,\"columns\":[]}", "{\"version\":1,\"fresh_us\":0,\"columns\":{}}",
                "{\"version\":1,\"fresh_us\":0,\"columns\":[{\"name\":\"a\"}]}",
                "{\"version\":1,\"fresh_us\":0,\"columns\":[{\"name\":\"a\",\"type\":\"NO\"}]}",
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Contract contract;
                CHECK_STATUS(contract_parse(str_of(cases[i]), &t->arena, &contract, &t->err), STATUS_CORRUPT);
        }
}

TEST(a_version_takes_nothing_back) {
        static const struct {
                const char *before, *now, *says; /* "version: name type promises" of up to two columns */
                int64_t before_version, now_version;
                LakeColumn to[2];
                size_t count;
        } cases[] = {
                { "", "", "", 1, 1, { { .name = { "id", 2 }, .type = { .kind = TYPE_INT } }, { .name = { "b", 1 }, .type = { .kind = TYPE_TEXT } } }, 2 },
                { "", "", "", 1, 1, { { .name = { "ID", 2 }, .type = { .kind = TYPE_INT } } }, 1 },
                { "", "", "column id is gone", 1, 1, { { .name = { "b", 1 }, .type = { .kind = TYPE_INT } } }, 1 },
                { "", "", "column id was int and is bigint", 1, 1, { { .name = { "id", 2 }, .type = { .kind = TYPE_BIGINT } } }, 1 },
                { "", "", "", 1, 2, { { .name = { "id", 2 }, .type = { .kind = TYPE_BIGINT } } }, 1 },
                { "required", "", "column id is no longer promised to be required", 1, 1, { { .name = { "id", 2 }, .type = { .kind = TYPE_INT } } }, 1 },
                { "", "required", "", 1, 1, { { .name = { "id", 2 }, .type = { .kind = TYPE_INT } } }, 1 },
                { "", "", "it cannot become version 1 again", 2, 1, { { .name = { "id", 2 }, .type = { .kind = TYPE_INT } } }, 1 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                const char *form = "-- version: %lld\n-- column id: int %s\nselect 1";
                const Model *was = parse(t, arena_printf(&t->arena, form, (long long)cases[i].before_version, cases[i].before));
                const Model *is = parse(t, arena_printf(&t->arena, form, (long long)cases[i].now_version, cases[i].now));
                Contract before = contract_of(was, columns, 1, &t->arena), now = contract_of(is, cases[i].to, cases[i].count, &t->arena);
                Status status = contract_compare(&before, &now, is, &t->err);
                CHECK_INT(status, *cases[i].says ? STATUS_CONTRACT : STATUS_OK);
                if (status != STATUS_OK)
                        CHECK(str_find(str_of(t->err.message), str_of(cases[i].says)) < strlen(t->err.message) && t->err.line == 1);
        }
}

TEST(late_is_older_than_it_may_be) {
        Contract any = { .fresh_us = 0 }, hour = { .fresh_us = 3600 };
        CHECK(!product_is_late(&any, 0, INT64_MAX));
        CHECK(!product_is_late(&hour, 1000, 1000 + 3600));
        CHECK(product_is_late(&hour, 1000, 1000 + 3601));
        CHECK(!product_is_late(&hour, 5000, 1000)); /* a clock that went back */
}
