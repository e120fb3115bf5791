/* SPDX-License-Identifier: Apache-2.0 */
#include "model/model_file.h"

#include "model/problem_case.h"

static Model *parse(Test *t, ModelStage stage, const char *text, Problems *problems) {
        *problems = (Problems){ .arena = &t->arena };
        return model_parse(&t->arena, STR("shop"), stage, STR("order"), "zones/shop/canonical/order.sql", str_of(text),
                           problems);
}

TEST(a_file_of_plain_sql_is_a_table) {
        Problems problems;
        Model *model = parse(t, STAGE_CANONICAL, "select 1 as a ;\n ;\n", &problems);
        CHECK_INT(problems.errors.count, 0);
        CHECK_INT(model->kind, MODEL_TABLE);
        CHECK_STR(model->body, STR("select 1 as a"));
        CHECK_INT(model->body_offset, 0);
        CHECK_STR(model_full_name(&t->arena, model), STR("shop.canonical.order"));
}

TEST(every_leading_line_is_read) {
        Problems problems;
        Model *model = parse(
                t, STAGE_EGRESS,
                "-- about: One row per order\n"
                "--        as the customer sees it.\n"
                "-- kind: view\n"
                "-- key: order_id, line_no\n"
                "-- term: order\n"
                "-- tag: pii, gdpr\n"
                "-- a sentence is left alone: it is no key\n"
                "-- column order_id: text required unique\n"
                "-- column customer_id: text -> crm.canonical.customer.customer_id\n"
                "-- column amount: decimal(12,2), unit DKK, class internal, tag money, about What was paid, all in "
                "all\n"
                "-- column mail: untag pii\n"
                "-- check amount_positive: amount >= 0, else warn\n"
                "-- check known: (select count(*) from this where case when a then b else c end) = 0, else stop\n"
                "-- version: 2\n"
                "-- fresh: 24h\n"
                "-- listed: yes\n"
                "\n"
                "select *\nfrom staging.orders -- kind: not a key here\n",
                &problems);
        if (problems.errors.count > 0)
                test_fail(t, __FILE__, __LINE__, "%s", problems.errors.items[0]->message);
        CHECK_INT(problems.errors.count, 0);
        CHECK_STR(model->about, STR("One row per order as the customer sees it."));
        CHECK_INT(model->kind, MODEL_VIEW);
        CHECK_INT(model->key_count, 2);
        CHECK_STR(model->key[1], STR("line_no"));
        CHECK_INT(model->tag_count, 2);
        CHECK_INT(model->column_count, 4);
        CHECK(model->columns[0].has_type && model->columns[0].required && model->columns[0].unique);
        CHECK_STR(model->columns[1].reference, STR("crm.canonical.customer.customer_id"));
        CHECK_INT(model->columns[2].type.precision, 12);
        CHECK_STR(model->columns[2].unit, STR("DKK"));
        CHECK_STR(model->columns[2].classification, STR("internal"));
        CHECK_STR(model->columns[2].tags[0], STR("money"));
        CHECK_STR(model->columns[2].about, STR("What was paid, all in all"));
        CHECK(!model->columns[3].has_type);
        CHECK_STR(model->columns[3].untags[0], STR("pii"));
        CHECK_INT(model->check_count, 2);
        CHECK_INT(model->checks[0].severity, CHECK_WARN);
        CHECK_STR(model->checks[0].expression, STR("amount >= 0"));
        CHECK_STR(str_slice(model->text, model->checks[0].offset, model->checks[0].offset + 11), STR("amount >= 0"));
        CHECK_STR(model->checks[1].expression,
                  STR("(select count(*) from this where case when a then b else c end) = 0"));
        CHECK_INT(model->checks[1].severity, CHECK_STOP);
        CHECK_INT(model->version, 2);
        CHECK_INT(model->fresh_us, 86400000000);
        CHECK(model->listed);
        CHECK(str_starts_with(model->body, STR("select *")));
}

TEST(what_is_wrong_is_said_with_place_and_guess) {
        static const ProblemCase cases[] = {
                { "-- knd: view\nselect 1", STATUS_UNKNOWN_KEY, 1, 4, "`kind`" },
                { "-- kind: veiw\nselect 1", STATUS_BAD_VALUE, 1, 10, "`view`" },
                { "-- kind: merge\nselect 1", STATUS_BAD_VALUE, 1, 10, "table view" },
                { "-- kind: view\n-- kind: table\nselect 1", STATUS_DUPLICATE_KEY, 2, 4, "" },
                { "-- kind:\nselect 1", STATUS_BAD_VALUE, 1, 9, "" },
                { "-- kind x: view\nselect 1", STATUS_OK, 0, 0, "" }, /* two words: a sentence */
                { "-- column: text\nselect 1", STATUS_BAD_VALUE, 1, 4, "NAME" },
                { "-- colum a: text\nselect 1", STATUS_UNKNOWN_KEY, 1, 4, "`column`" },
                { "-- column a: txet\nselect 1", STATUS_BAD_VALUE, 1, 14, "text" },
                { "-- column a: text, colour red\nselect 1", STATUS_BAD_VALUE, 1, 14, "unit" },
                { "-- column a: text\n-- column A: int\nselect 1", STATUS_DUPLICATE_KEY, 2, 14, "" },
                { "-- check c: a > 0\nselect 1", STATUS_BAD_VALUE, 1, 13, "else warn" },
                { "-- check c: a > 0, else panic\nselect 1", STATUS_BAD_VALUE, 1, 13, "else warn" },
                { "-- version: 1\nselect 1", STATUS_BAD_VALUE, 1, 4, "egress" },
                { "-- about: nothing\n", STATUS_SYNTAX, 2, 1, "SELECT" },
                { " ;\n", STATUS_SYNTAX, 1, 1, "SELECT" },
                { "", STATUS_SYNTAX, 1, 1, "SELECT" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Problems problems;
                parse(t, STAGE_CANONICAL, cases[i].text, &problems);
                check_problem(t, i, &cases[i], &problems);
        }
}

TEST(words_about_a_model_do_not_change_its_settings) {
        Problems problems;
        Sha256 one = model_settings_hash(parse(t, STAGE_CANONICAL, "-- about: x\nselect 1", &problems));
        Sha256 two = model_settings_hash(parse(t, STAGE_CANONICAL, "-- about: y\n-- term: z\nselect 2", &problems));
        Sha256 other = model_settings_hash(parse(t, STAGE_CANONICAL, "-- kind: view\nselect 1", &problems));
        CHECK(memcmp(&one, &two, sizeof(one)) == 0);
        CHECK(memcmp(&one, &other, sizeof(one)) != 0);
}
