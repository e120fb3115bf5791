/* SPDX-License-Identifier: Apache-2.0 */
#include "model/source.h"

#include "model/problem_case.h"

#define GOOD_COLUMNS "columns:\n  a: int\n"

static Source *parse(Test *t, const char *text, Problems *problems) {
        *problems = (Problems){ .arena = &t->arena };
        return source_parse(&t->arena, STR("shop"), STR("orders"), "zones/shop/sources/orders.yml", str_of(text),
                            problems);
}

TEST(a_small_file_gets_every_default) {
        Problems problems;
        Source *source = parse(t, "from: ingress/orders_*.csv\n" GOOD_COLUMNS, &problems);
        CHECK_INT(problems.errors.count, 0);
        CHECK_INT(source->from_count, 1);
        CHECK_STR(source->from[0], STR("ingress/orders_*.csv"));
        CHECK_INT(source->format.delimiter, ',');
        CHECK_INT(source->format.quote, '"');
        CHECK_INT(source->format.escape, 0);
        CHECK_INT(source->format.decimal, '.');
        CHECK_INT(source->format.thousands, 0);
        CHECK(source->format.header);
        CHECK_INT(source->format.record_limit, FORMAT_RECORD_LIMIT);
        CHECK_INT(source->load, LOAD_APPEND);
        CHECK_INT(source->evolve, EVOLVE_COLUMNS);
        CHECK_INT(source->redelivery, REDELIVERY_REJECT);
        CHECK_INT(source->settle_us, 5000000);
        CHECK_INT(source->reread_bytes, 10000000000);
        CHECK(!source->tolerate.set);
        CHECK_INT(source->as_of.kind, AS_OF_UNSAID);
}

TEST(every_key_is_read) {
        Problems problems;
        Source *source = parse(t,
                               "about: Orders as the shop sends them\n"
                               "from: [ingress/orders_*.csv, /data/old/*.csv]\n"
                               "format: csv\ndelimiter: \";\"\nquote: \"'\"\nescape: \"\\\\\"\nheader: yes\nskip: "
                               "3\ncomment: \"#\"\nfooter: \"^Total\"\n"
                               "encoding: utf-8\ndecimal: \",\"\nthousands: \".\"\ncurrency: [\u20ac, EUR]\npercent: fraction\nnegatives: parentheses\ndates: [dd/MM/yyyy, "
                               "yyyy-MM-dd]\nnulls: [NA, \"-\"]\n"
                               "true: [j]\nfalse: [n]\nload: replace\nevolve: freeze\nredelivery: append\ntolerate: "
                               "0.1%\nsettle: 2m\nreread: 1 GB\n"
                               "limits:\n  record: 1 MB\nas_of: landed\nignore: [junk]\n"
                               "columns:\n"
                               "  order_no: text required unique\n"
                               "  amount: decimal(12, 2) from Beløb i alt\n"
                               "  changed_at: timestamp Europe/Copenhagen required\n"
                               "  born: date(MM/dd/yyyy | MMM d, yyyy) required\n"
                               "  score: int nulls(NA | \"n|a\" | -) required from Score\n"
                               "  country: text nulls()\n",
                               &problems);
        CHECK_INT(problems.errors.count, 0);
        CHECK_INT(source->from_count, 2);
        CHECK_INT(source->format.delimiter, ';');
        CHECK_INT(source->format.quote, '\'');
        CHECK_INT(source->format.escape, '\\');
        CHECK_INT(source->format.skip, 3);
        CHECK_STR(source->format.footer, STR("^Total"));
        CHECK_INT(source->format.dates.count, 2);
        CHECK_INT(source->format.currency.count, 2);
        CHECK_INT(source->format.percent, PERCENT_FRACTION);
        CHECK_INT(source->format.negatives, NEGATIVES_PARENTHESES);
        CHECK_INT(source->columns[3].dates.count, 2);
        CHECK_STR(source->columns[3].dates.items[1], STR("MMM d, yyyy"));
        CHECK(source->columns[3].required);
        CHECK_INT(source->format.nulls.count, 2);
        CHECK_INT(source->load, LOAD_REPLACE);
        CHECK_INT(source->evolve, EVOLVE_FREEZE);
        CHECK_INT(source->redelivery, REDELIVERY_APPEND);
        CHECK_INT(source->tolerate.per_million, 1000);
        CHECK_INT(source->settle_us, 120000000);
        CHECK_INT(source->format.record_limit, 1000000);
        CHECK_INT(source->column_count, 6);
        CHECK(source->columns[4].has_nulls && source->columns[4].required && !source->columns[3].has_nulls);
        CHECK_INT(source->columns[4].nulls.count, 3);
        CHECK_STR(source->columns[4].nulls.items[1], STR("n|a"));
        CHECK_STR(source->columns[4].nulls.items[2], STR("-"));
        CHECK_STR(source->columns[4].from, STR("Score"));
        CHECK(source->columns[5].has_nulls);
        CHECK_INT(source->columns[5].nulls.count, 0);
        CHECK(source->columns[0].required && source->column_texts[0].unique);
        CHECK_INT(source->columns[1].type.kind, TYPE_DECIMAL);
        CHECK_INT(source->columns[1].type.scale, 2);
        CHECK_STR(source->columns[1].from, STR("Beløb i alt"));
        CHECK_INT(source->columns[2].type.kind, TYPE_TIMESTAMPTZ);
        CHECK_STR(source->columns[2].zone, STR("Europe/Copenhagen"));
        CHECK(str_starts_with(source->columns[2].zone_file, STR("TZif")));
        CHECK(source->columns[2].required);
}

TEST(what_is_wrong_is_said_with_place_and_guess) {
        static const ProblemCase cases[] = {
                { "form: ingress/x\nfrom: ingress/x\n" GOOD_COLUMNS, STATUS_UNKNOWN_KEY, 1, 1, "from" },
                { "from: ingress/x\ndelimeter: \";\"\n" GOOD_COLUMNS, STATUS_UNKNOWN_KEY, 2, 1, "`delimiter`" },
                { "from: ingress/x\nzzzzzz: 1\n" GOOD_COLUMNS, STATUS_UNKNOWN_KEY, 2, 1, "the keys are: about, from" },
                { "from: ingress/x\nfrom: ingress/y\n" GOOD_COLUMNS, STATUS_DUPLICATE_KEY, 2, 1, "line 1" },
                { "from: ingress/x\n", STATUS_BAD_VALUE, 1, 1, "columns" },
                { GOOD_COLUMNS, STATUS_BAD_VALUE, 1, 1, "from" },
                { "from:\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 1, 6, "empty text" },
                { "from: ingress/\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 1, 7, "" },
                { "from: ingress/../../x\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 1, 7, "" },
                { "from: ingress/x\nload: apend\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 2, 7, "`append`" },
                { "from: ingress/x\nload: merge\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 2, 7, "key: order_no" },
                { "from: ingress/x\nload: merge\nkey: b\n" GOOD_COLUMNS, STATUS_NO_COLUMN, 3, 6, "" },
                { "from: ingress/x\nload: merge\nkey: [a, A]\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 3, 6, "" },
                { "from: ingress/x\nload: merge\nkey: a\nabsent: keep\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 4, 9, "" },
                { "from: ingress/x\nload: history\nkey: a\norder_by: a\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 4, 11, "snapshot" },
                { "from: ingress/x\nload: merge\nkey: a\ndeleted_when: a\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 4, 15, "COLUMN = VALUE" },
                { "from: ingress/x\nload: merge\nkey: a\ndeleted_when: a == D\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 4, 15, "COLUMN = VALUE" },
                { "from: ingress/x\nload: merge\nkey: a\ndeleted_when: a = D or a = X\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 4, 15, "COLUMN = VALUE" },
                { "from: ingress/x\nload: merge\nkey: a\ndeleted_when: a = D, X\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 4, 15, "COLUMN = VALUE" },
                { "from: ingress/x\nload: merge\nkey: a\ndeleted_when: a in (D X)\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 4, 15, "COLUMN = VALUE" },
                { "from: ingress/x\nload: merge\nkey: a\ndeleted_when: a <> D\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 4, 15, "COLUMN = VALUE" },
                { "from: ingress/x\nload: merge\nkey: a\ndeleted_when: a = D AND b is null\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 4, 15, "COLUMN = VALUE" },
                { "from: ingress/x\nload: merge\nkey: a\ndeleted_when: a = D\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 4, 15, "int" },
                { "from: ingress/x\nload: merge\nkey: a\ndeleted_when: op = D\n" GOOD_COLUMNS, STATUS_NO_COLUMN, 4, 15, "" },
                { "from: ingress/x\nevolve: rescues\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 2, 9, "`rescue`" },
                { "from: ingress/x\ncolumns:\n  a: int was\n", STATUS_BAD_VALUE, 3, 6, "" },
                { "from: ingress/x\ncolumns:\n  a: int was b\n  b: int\n", STATUS_BAD_VALUE, 3, 6, "" },
                { "from: ingress/x\ncolumns:\n  a: int was b\n  c: int\n  d: int was b\n", STATUS_BAD_VALUE, 3, 6, "" },
                { "from: ingress/x\nkey: [a]\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 2, 6, "" },
                { "from: ingress/x\nformat: xml\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 2, 9, "csv" },
                { "from: ingress/x\nformat: fixed\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 4, 6, "" },
                { "from: ingress/x\nheader: maybe\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 2, 9, "`yes` or `no`" },
                { "from: ingress/x\ndelimiter: \";;\"\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 2, 12, "quotes" },
                { "from: ingress/x\ndelimiter: \"ø\"\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 2, 12, "" },
                { "from: ingress/x\ncolumns:\n  a: date(dd/MM/yyyy | MM/dd/yyyy)\n", STATUS_BAD_VALUE, 3, 6, "" },
                { "from: ingress/x\ncolumns:\n  a: date(YYYY)\n", STATUS_BAD_VALUE, 3, 6, "" },
                { "from: ingress/x\ndelimiter: [a]\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 2, 12, "" },
                { "from: ingress/x\nfooter: \"(\"\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 2, 9, "grep -E" },
                { "from: ingress/x\nskip: -1\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 2, 7, "" },
                { "from: ingress/x\ntolerate: 101%\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 2, 11, "" },
                { "from: ingress/x\ntolerate: some\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 2, 11, "" },
                { "from: ingress/x\nsettle: 5\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 2, 9, "" },
                { "from: ingress/x\nlimits:\n  record: 1 TB\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 3, 11, "" },
                { "from: ingress/x\nlimits:\n  recrd: 1 MB\n" GOOD_COLUMNS, STATUS_UNKNOWN_KEY, 3, 3, "`record`" },
                { "from: ingress/x\nas_of: column day\n" GOOD_COLUMNS, STATUS_NO_COLUMN, 2, 8, "" },
                { "from: ingress/x\nas_of: column a\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 2, 8, "" },
                { "from: ingress/x\nload: replace\nas_of: column a\ncolumns:\n  a: date\n", STATUS_BAD_VALUE, 3, 8, "landed" },
                { "from: ingress/x\nas_of: yesterday\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 2, 8, "landed" },
                { "from: ingress/x\ncolumns:\n  a: integer\n", STATUS_BAD_VALUE, 3, 6, "int" },
                { "from: ingress/x\ncolumns:\n  a: decimal(40,2)\n", STATUS_BAD_VALUE, 3, 6, "" },
                { "from: ingress/x\ncolumns:\n  a: int from Nr required\n", STATUS_BAD_VALUE, 3, 6, "from \"Nr\" required; of the header: from \"Nr required\"" },
                { "from: ingress/x\ncolumns:\n  a: int from Order  Nr tag pii unique\n", STATUS_BAD_VALUE, 3, 6, "from \"Order  Nr\" tag pii unique" },
                { "from: ingress/x\ncolumns:\n  a: int from Nr was b\n", STATUS_BAD_VALUE, 3, 6, "from \"Nr\" was b" },
                { "from: ingress/x\ncolumns:\n  a: int from Nr nulls(-)\n", STATUS_BAD_VALUE, 3, 6, "from \"Nr\" nulls(-)" },
                { "from: ingress/x\ncolumns:\n  a: timestamp from At Europe/Oslo\n", STATUS_BAD_VALUE, 3, 6, "from \"At\" Europe/Oslo" },
                { "from: ingress/x\ncolumns:\n  a: int from \"Nr\" requird\n", STATUS_BAD_VALUE, 3, 6, "`required`" },
                { "from: ingress/x\ncolumns:\n  a: int from 'Nr' required requird\n", STATUS_BAD_VALUE, 3, 6, "`required`" },
                { "from: ingress/x\ncolumns:\n  a: int requird\n", STATUS_BAD_VALUE, 3, 6, "`required`" },
                { "from: ingress/x\ncolumns:\n  a: int Europe/Paris\n", STATUS_BAD_VALUE, 3, 6, "required, unique" },
                { "from: ingress/x\ncolumns:\n  a: timestamp Europe/Copenhagn\n", STATUS_BAD_VALUE, 3, 6,
                  "`Europe/Copenhagen`" },
                { "from: ingress/x\ncolumns:\n  a: timestamp ../../../etc/passwd\n", STATUS_BAD_VALUE, 3, 6, "" },
                { "from: ingress/x\ncolumns:\n  a: int nulls\n", STATUS_BAD_VALUE, 3, 6, "" },
                { "from: ingress/x\ncolumns:\n  a: int nulls(NA\n", STATUS_BAD_VALUE, 3, 6, "parentheses" },
                { "from: ingress/x\ncolumns:\n  a: int nulls(NA) nulls(-)\n", STATUS_BAD_VALUE, 3, 6, "" },
                { "from: ingress/x\ncolumns:\n  a: int decimal\n", STATUS_BAD_VALUE, 3, 6, "" },
                { "from: ingress/x\ncolumns:\n  a: int decimal(\",\") thousands(\",\")\n", STATUS_BAD_VALUE, 3, 6, "" },
                { "from: ingress/x\ncolumns:\n  a: text currency(EUR)\n", STATUS_BAD_VALUE, 3, 6, "" },
                { "from: ingress/x\nthousands: indian\ndecimal: \",\"\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 1, 1, "" },
                { "from: ingress/x\ncolumns:\n  a:\n", STATUS_BAD_VALUE, 3, 5, "" },
                { "from: ingress/x\ncolumns:\n  a: int\n  A: int\n", STATUS_DUPLICATE_KEY, 4, 3, "" },
                { "from: ingress/x\ncolumns:\n  _file: int\n", STATUS_BAD_VALUE, 3, 3, "_file_2" },
                { "from: ingress/x\ncolumns: [a, b]\n", STATUS_BAD_VALUE, 2, 10, "order_no" },
                { "from: ingress/x\nignore: [A]\n" GOOD_COLUMNS, STATUS_BAD_VALUE, 2, 9, "" },
                { "from: ingress/x\nheader: no\ncolumns:\n  a: int from B\n", STATUS_BAD_VALUE, 4, 6, "" },
                { "from: ingress/x\nnulls: a: b\n" GOOD_COLUMNS, STATUS_SYNTAX, 2, 9, "" },
                { "from: ingress/x # all of it\n" GOOD_COLUMNS, STATUS_SYNTAX, 1, 7, "quotes" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Problems problems;
                parse(t, cases[i].text, &problems);
                check_problem(t, i, &cases[i], &problems);
        }
}

TEST(all_problems_of_a_file_are_told_at_once) {
        Problems problems;
        parse(t, "form: x\nload: apend\nskip: -1\ncolumns:\n  a: integer\n  b: txt\n", &problems);
        CHECK_INT(problems.errors.count, 6); /* and `from` is missing */
}

TEST(a_column_says_what_it_says_in_any_order) {
        static const struct {
                const char *text, *from;
                bool required;
                size_t tags;
        } cases[] = {
                { "int required from Nr", "Nr", true, 0 },
                { "int from \\\"Nr\\\" required", "Nr", true, 0 },
                { "int from 'Order nr' tag pii required tag x", "Order nr", true, 2 },
                { "int from 'Order required' required", "Order required", true, 0 },
                { "int from 'Order required'", "Order required", false, 0 },
                { "int from 'a' b' required", "a' b", true, 0 },
                { "int required from Created at", "Created at", true, 0 },
                { "int from Valid from", "Valid from", false, 0 },
                { "int from Zone Europe/Oslo", "Zone Europe/Oslo", false, 0 },
                { "int from Is Required", "Is Required", false, 0 },
                { "int from required", "required", false, 0 },
                { "int from Order nr", "Order nr", false, 0 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Problems problems;
                Source *source = parse(t, arena_printf(&t->arena, "from: ingress/x\ncolumns:\n  a: \"%s\"\n", cases[i].text), &problems);
                if (problems.errors.count > 0 || source->column_count != 1) {
                        test_fail(t, __FILE__, __LINE__, "case %zu: %s", i, problems.errors.count ? problems.errors.items[0]->message : "no column");
                        continue;
                }
                CHECK_STR(source->columns[0].from, str_of(cases[i].from));
                CHECK(source->columns[0].required == cases[i].required);
                CHECK_INT(source->column_texts[0].tag_count, cases[i].tags);
        }
}

TEST(what_is_printed_reads_back_the_same) {
        static const char *const texts[] = {
                "from: ingress/x.csv\n" GOOD_COLUMNS,
                "about: 'it''s: a \"test\"'\nfrom: [\"ingress/a,b*.csv\", ingress/c.csv]\ndelimiter: tab\nquote: "
                "none\nheader: no\nskip: 2\n"
                "comment: \"#\"\nfooter: \"^Total: \"\ndecimal: \",\"\nthousands: space\ncurrency: [\u20ac, \"$\"]\npercent: number\nnegatives: behind\ndates: [dd.MM.yyyy]\nnulls: "
                "[\"\", \"-\", \"NA #1\"]\n"
                "true: [j, ja]\nfalse: n\nload: replace\nevolve: freeze\nredelivery: replace\ntolerate: 12.5%\nsettle: "
                "90s\nreread: 500 MB\n"
                "limits: {record: 2 MB}\nignore: [x, y]\ncolumns:\n  \"order: no\": text required unique\n  \"år #\": "
                "decimal(12,2)\n  \"-\": boolean\n",
                "from: /data/x\ntolerate: 7\ndelimiter: \"|\"\nescape: \"\\\\\"\ncolumns:\n  t: timestamp Europe/Oslo "
                "required\n  u: timestamptz unique\n"
                "  b: date(dd/MM/yyyy | MMM d, yyyy) required\n  c: timestamp(M/d/yyyy h:mm a) Europe/Oslo from When\n"
                "  v: \"text required from 'Navn: \\\"x\\\"'\"\n  w: text from \"Ordre  nr\"\n"
                "  x: int nulls(NA | - | \"a|b\" | 'say \"no\"' | \"\") required\n  y: text nulls()\n",
                "from: /data/x\nthousands: indian\ncolumns:\n  a: int\n",
                "from: /data/x\ncolumns:\n  a: int from 'Is it required' unique\n  b: int from 'a \"b\" tag c'\n  c: int from \"Valid at\"\n",
                "from: /data/x\ncolumns:\n  a: int was 'old \"nr\" 2' from Nr\n  b: int was \"it's\" required\n  c: text was old\n",
                "from: /data/x\nformat: fixed\nheader: no\ncolumns:\n  a: int at 1-4 required\n  b: text tag pii at 5-9\n",
                "from: /data/x\ndecimal: \",\"\nthousands: \".\"\ncolumns:\n  a: decimal(9,2) decimal(.) thousands(\",\") currency(EUR | \"$\") required\n"
                "  b: int thousands(indian) decimal(\".\")\n  c: int thousands( ) from C\n  d: double thousands(space) nulls(-)\n  e: list<int> currency()\n",
        };
        for (size_t i = 0; i < COUNT_OF(texts); i++) {
                Problems problems;
                Source *first = parse(t, texts[i], &problems);
                if (problems.errors.count > 0) {
                        test_fail(t, __FILE__, __LINE__, "case %zu: %s", i, problems.errors.items[0]->message);
                        return;
                }
                CLEANUP(buf_deinit) Buf printed = { 0 };
                source_print(first, &printed);
                Source *second = source_parse(&t->arena, STR("shop"), STR("orders"), "x.yml", buf_view(&printed),
                                              &problems);
                if (problems.errors.count > 0) {
                        test_fail(t, __FILE__, __LINE__, "case %zu: %s\n# in %.*s", i,
                                  problems.errors.items[0]->message, STR_ARG(buf_view(&printed)));
                        return;
                }
                CHECK_INT(memcmp(source_reading_hash(first).bytes, source_reading_hash(second).bytes, SHA256_SIZE), 0);
                CHECK_INT(first->settle_us, second->settle_us);
                CHECK_INT(first->tolerate.per_million, second->tolerate.per_million);
                CHECK_INT(first->tolerate.rows, second->tolerate.rows);
                CHECK_INT(first->reread_bytes, second->reread_bytes);
                CHECK_INT(first->redelivery, second->redelivery);
                CHECK_INT(first->from_count, second->from_count);
                CHECK_STR(first->from[0], second->from[0]);
                CHECK_STR(first->about, second->about);
                CLEANUP(buf_deinit) Buf again = { 0 };
                source_print(second, &again);
                CHECK_STR(buf_view(&again), buf_view(&printed));
        }
}

TEST(a_source_is_printed_as_a_person_would_write_it) {
        Source *source = source_new(&t->arena, STR("shop"), STR("orders"));
        Str from = STR("ingress/orders_*.csv");
        source->from = &from;
        source->from_count = 1;
        source->format.delimiter = ';';
        source->format.decimal = ',';
        SourceColumn columns[] = { { .name = STR("order_no"), .type = { .kind = TYPE_TEXT }, .required = true },
                                   { .name = STR("amount"),
                                     .type = { .kind = TYPE_DECIMAL, .precision = 12, .scale = 2 } } };
        ColumnText texts[] = { { .unique = true }, { .note = STR("digits after the comma: 2 in the sample") } };
        source->columns = columns;
        source->column_texts = texts;
        source->column_count = 2;
        CLEANUP(buf_deinit) Buf printed = { 0 };
        source_print(source, &printed);
        CHECK_STR(buf_view(&printed), STR("from: ingress/orders_*.csv\n"
                                          "\n"
                                          "delimiter: \";\"\n"
                                          "decimal: \",\"\n"
                                          "\n"
                                          "columns:\n"
                                          "  order_no: text required unique\n"
                                          "  amount: decimal(12,2)    # digits after the comma: 2 in the sample\n"));
}

TEST(words_about_a_source_do_not_make_it_read_again) {
        Problems problems;
        Sha256 one = source_reading_hash(parse(t, "from: ingress/x.csv\n" GOOD_COLUMNS, &problems));
        Sha256 two = source_reading_hash(
                parse(t, "# words\nabout: words\nfrom: ingress/y.csv\nsettle: 1s\ncolumns: {a: int}\n", &problems));
        CHECK(memcmp(&one, &two, sizeof(one)) == 0);
        static const char *const others[] = { "from: ingress/x.csv\ncolumns: {a: bigint}\n",
                                              "from: ingress/x.csv\ndelimiter: \";\"\n" GOOD_COLUMNS,
                                              "from: ingress/x.csv\ncolumns: {a: int required}\n",
                                              "from: ingress/x.csv\nnulls: x\n" GOOD_COLUMNS };
        for (size_t i = 0; i < COUNT_OF(others); i++) {
                Sha256 other = source_reading_hash(parse(t, others[i], &problems));
                CHECK(memcmp(&one, &other, sizeof(one)) != 0);
        }
}

TEST(what_was_sniffed_becomes_a_source_with_its_doubts_as_comments) {
        SniffColumn columns[] = { { .column = { .name = STR("day"), .type = { .kind = TYPE_DATE } } },
                                  { .column = { .name = STR("x: y"), .type = { .kind = TYPE_TEXT } } } };
        Doubt doubts[] = { { .column = STR("day"),
                             .what = STR("03/04/2026 can be in March or April"),
                             .assumed = STR("dd/MM/yyyy") },
                           { .column = STR(""),
                             .what = STR("the last line\nlooks like a total"),
                             .assumed = STR("it is a record") } };
        Str dates[] = { STR("dd/MM/yyyy") };
        SniffResult sniffed = {
                .format = format_default(), .columns = columns, .column_count = 2, .doubts = doubts, .doubt_count = 2
        };
        sniffed.format.delimiter = ';';
        sniffed.format.dates = (StrList){ dates, 1 };
        Source *source = source_of_sniff(&t->arena, STR("shop"), STR("orders"), STR("ingress/orders.csv"), &sniffed);
        CLEANUP(buf_deinit) Buf printed = { 0 };
        source_print(source, &printed);
        CHECK_STR(buf_view(&printed), STR("# the last line looks like a total; assumed: it is a record\n"
                                          "from: ingress/orders.csv\n"
                                          "\n"
                                          "delimiter: \";\"\n"
                                          "dates: dd/MM/yyyy\n"
                                          "\n"
                                          "columns:\n"
                                          "  day: date    # 03/04/2026 can be in March or April; assumed: dd/MM/yyyy\n"
                                          "  \"x: y\": text\n"));
        Problems problems = { .arena = &t->arena };
        source_parse(&t->arena, STR("shop"), STR("orders"), "x.yml", buf_view(&printed), &problems);
        CHECK_INT(problems.errors.count, 0);
}
