/* SPDX-License-Identifier: Apache-2.0 */
#include "model/limits.h"

#include "base/test.h"
#include "model/tables.h"

static LimitRules parse(Test *t, const char *text, Problems *problems) {
        LimitRules rules = { 0 };
        YamlFile *file;
        if (yaml_parse(str_of(text), "lode.yml", &t->arena, &file, &t->err) != STATUS_OK)
                return rules;
        KeyContext context = { .arena = &t->arena, .file = file, .problems = problems, .key = "limits" };
        keys_read_limits(&context, yaml_get(file->root, "limits"), &rules);
        return rules;
}

TEST(the_first_entry_that_names_a_principal_and_sets_a_limit_holds) {
        Problems problems = { .arena = &t->arena };
        LimitRules rules = parse(t,
                                 "limits:\n- who: bo\n  rows: 10\n  scan: none\n- who: [role analyst, ann]\n  rows: 20\n  statements: 2\n"
                                 "  statement_timeout: 5m\n- who: everyone\n  scan: 1 GB\n  memory: 500 MB\n",
                                 &problems);
        CHECK(!problems_any(&problems));
        Str analyst = STR("analyst");
        Account bo = { .name = STR("bo"), .roles = &analyst, .role_count = 1 }, cy = { .name = STR("cy") };
        Limits limits;
        limits_of(&rules, &bo, &limits);
        CHECK_INT(limits.value[LIMIT_ROWS], 10);
        CHECK_INT(limits.line[LIMIT_ROWS], 3);
        CHECK_INT(limits.value[LIMIT_SCAN], LIMIT_NONE);
        CHECK_INT(limits.value[LIMIT_STATEMENTS], 2);
        CHECK_INT(limits.value[LIMIT_STATEMENT_TIME], 300000000);
        CHECK_INT(limits.value[LIMIT_MEMORY], 500000000);
        CHECK_STR(limit_place(&limits, LIMIT_ROWS, &t->arena), STR("`rows` of `limits:` in lode.yml, line 3"));
        CHECK_OK(limit_check(&limits, LIMIT_ROWS, 10, &t->err));
        CHECK_STATUS(limit_check(&limits, LIMIT_ROWS, 11, &t->err), STATUS_QUOTA);
        CHECK(strstr(t->err.message, "the answer has more than 10 rows (`rows` of `limits:` in lode.yml, line 3)"));
        CHECK_OK(limit_check(&limits, LIMIT_SCAN, INT64_MAX, &t->err));
        limits_of(&rules, &cy, &limits);
        CHECK_INT(limits.value[LIMIT_ROWS], LIMIT_NONE);
        CHECK_INT(limits.value[LIMIT_SCAN], 1000000000);
        CHECK_INT(limits.value[LIMIT_STATEMENTS], 16);
        CHECK_STR(limit_place(&limits, LIMIT_STATEMENTS, &t->arena), STR("the default of `statements`; `limits:` in lode.yml sets another"));
}

TEST(what_no_limit_can_be_is_told_at_its_place) {
        static const struct {
                const char *entry, *words;
        } cases[] = {
                { "who: bo\n  rows: many", "`rows` cannot be \"many\"" },
                { "who: bo\n  statements: 0", "`statements` cannot be \"0\"" },
                { "who: bo\n  statements: none", "`statements` cannot be \"none\"" },
                { "who: bo\n  memory: 1 MB", "`memory` cannot be \"1 MB\"" },
                { "who: bo\n  statement_timeout: 5", "`statement_timeout` cannot be \"5\"" },
                { "who: [zone shop]\n  rows: 5", "limits are for users and roles, not for the zone shop" },
                { "rows: 5", "who" },
                { "who: bo\n  row: 5", "row" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Problems problems = { .arena = &t->arena };
                parse(t, arena_printf(&t->arena, "limits:\n- %s\n", cases[i].entry), &problems);
                CHECK_INT(problems.errors.count, 1);
                CHECK(strstr(problems.errors.items[0]->message, cases[i].words));
                CHECK(problems.errors.items[0]->line > 0);
        }
}
