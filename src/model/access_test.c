/* SPDX-License-Identifier: Apache-2.0 */
#include "model/access.h"

#include "model/problem_case.h"

static Access parse(Test *t, const char *text, Problems *problems) {
        *problems = (Problems){ .arena = &t->arena };
        Access access;
        access_parse(&t->arena, "zones/shop/access.yml", str_of(text), problems, &access);
        return access;
}

TEST(the_rules_of_the_manual_are_read) {
        Problems problems;
        Access access = parse(t,
                              "rules:\n"
                              "- who: [role analyst, bo]\n"
                              "  on: [canonical.*, analytical.*]       # stage.table, stage.*, tag:NAME\n"
                              "  can: read                             # read | write\n"
                              "  rows: region = principal.region      # SQL\n"
                              "  columns: all except [salary]          # all | [list] | all except [list]\n"
                              "  mask:\n"
                              "    email: partial 2                    # null | hash\n"
                              "- who: [zone finance]                   # another zone\n"
                              "  on: [egress.sales]\n"
                              "  can: read\n"
                              "- who: everyone\n"
                              "  on: tag:open\n"
                              "  columns: [a, b]\n"
                              "  can: write\n",
                              &problems);
        CHECK_INT(problems.errors.count, 0);
        CHECK_INT(access.rule_count, 3);
        const AccessRule *rule = &access.rules[0];
        CHECK_INT(rule->line, 2);
        CHECK_INT(rule->who_count, 2);
        CHECK_INT(rule->who[0].kind, WHO_ROLE);
        CHECK_STR(rule->who[0].name, STR("analyst"));
        CHECK_INT(rule->who[1].kind, WHO_USER);
        CHECK_STR(rule->on[1].stage, STR("analytical"));
        CHECK_STR(rule->on[1].table, STR("*"));
        CHECK_STR(rule->rows, STR("region = principal.region"));
        CHECK_INT(rule->columns_kind, COLUMNS_EXCEPT);
        CHECK_STR(rule->columns[0], STR("salary"));
        CHECK_STR(rule->masks[0].mask, STR("partial 2"));
        CHECK_INT(access.rules[1].who[0].kind, WHO_ZONE);
        CHECK_INT(access.rules[2].who[0].kind, WHO_EVERYONE);
        CHECK(access.rules[2].on[0].is_tag);
        CHECK_INT(access.rules[2].columns_kind, COLUMNS_LIST);
        CHECK_INT(access.rules[2].can, ACCESS_WRITE);
}

TEST(wrong_rules_are_said_with_place_and_guess) {
        static const ProblemCase cases[] = {
                { "rule:\n- who: a\n", STATUS_UNKNOWN_KEY, 1, 1, "rules" },
                { "rules:\n- on: canonical.*\n", STATUS_BAD_VALUE, 2, 3, "who" },
                { "rules:\n- who: a\n  on: [gold.*]\n", STATUS_BAD_VALUE, 3, 8, "staging" },
                { "rules:\n- who: a\n  on: orders\n", STATUS_BAD_VALUE, 3, 7, "STAGE.TABLE" },
                { "rules:\n- who: [rolle x]\n  on: canonical.*\n", STATUS_BAD_VALUE, 2, 9, "role NAME" },
                { "rules:\n- who: a\n  on: canonical.*\n  can: reed\n", STATUS_BAD_VALUE, 4, 8, "`read`" },
                { "rules:\n- who: a\n  on: canonical.*\n  columns: all but [x]\n", STATUS_BAD_VALUE, 4, 12,
                  "all except" },
                { "rules:\n- who: a\n  on: canonical.*\n  mask: {e: partial}\n", STATUS_BAD_VALUE, 4, 13, "partial N" },
                { "rules:\n- who: a\n  on: canonical.*\n  row: x\n", STATUS_UNKNOWN_KEY, 4, 3, "`rows`" },
                { "rules: all\n", STATUS_BAD_VALUE, 1, 8, "- " },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Problems problems;
                parse(t, cases[i].text, &problems);
                check_problem(t, i, &cases[i], &problems);
        }
}

TEST(central_policies_are_a_list) {
        Problems problems = { .arena = &t->arena };
        CentralPolicies policies;
        policies_parse(&t->arena, "policies.yml",
                       STR("- tag: pii\n  who: everyone except [role dpo, ann]\n  mask: hash\n"), &problems, &policies);
        CHECK_INT(problems.errors.count, 0);
        CHECK_INT(policies.count, 1);
        CHECK_INT(policies.items[0].except_count, 2);
        CHECK_STR(policies.items[0].mask, STR("hash"));
        policies_parse(&t->arena, "policies.yml", STR("- tag: PII\n  who: everyone except role dpo\n"), &problems,
                       &policies);
        CHECK_INT(problems.errors.count, 2);
}

TEST(access_tests_are_read) {
        Problems problems = { .arena = &t->arena };
        AccessTest *tests;
        size_t count;
        access_test_parse(
                &t->arena, "x.yml",
                STR("tests:\n- who: bo\n  on: canonical.order\n  key: order_no\n  sees: [A-1]\n  hides: A-2\n"),
                &problems, &tests, &count);
        CHECK_INT(problems.errors.count, 0);
        CHECK_INT(count, 1);
        CHECK_STR(tests[0].hides[0], STR("A-2"));
}
