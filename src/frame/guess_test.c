/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/guess.h"

#include "base/test.h"

/* A column's name, its texts with bars between, and what is made of them: the type, and what is doubted. */
typedef struct Case {
        const char *name, *texts, *told;
} Case;

static Str told_of(Test *t, const Case *c, char decimal) {
        Format format = format_default();
        Str fields[100], rest = str_of(c->texts);
        size_t count = 0;
        ColumnGuess guess;
        CLEANUP(buf_deinit) Buf out = { 0 };
        format.decimal = decimal;
        while (rest.size > 0)
                str_cut(rest, '|', &fields[count++], &rest);
        guess_named(&format, str_of(c->name), fields, count, true, &t->arena, &guess);
        buf_printf(&out, "%.*s", STR_ARG(type_print(&t->arena, guess.type)));
        for (size_t i = 0; i < guess.date_count; i++)
                buf_printf(&out, " %.*s", STR_ARG(guess.dates[i]));
        for (size_t i = 0; i < guess.doubt_count; i++)
                buf_printf(&out, " | %.*s", STR_ARG(guess.doubts[i].what));
        return buf_dup(&out, &t->arena);
}

static void check(Test *t, const Case *cases, size_t count) {
        for (size_t i = 0; i < count; i++) {
                Str told = told_of(t, &cases[i], '.');
                if (!str_is(told, cases[i].told))
                        test_fail(t, __FILE__, __LINE__, "%s %s: told\n%.*s\nwanted\n%s", cases[i].name, cases[i].texts, STR_ARG(told), cases[i].told);
        }
}

#define NAMED(example) "text | values such as " example " in a column of this name are rather marks of things than amounts"
#define GROUPED(example) "text | values such as " example " are all of the same groups of digits, as marks of things are"
#define TWINS(one, other) "text | " one " and " other " are two texts, and would be one number"

TEST(what_is_the_mark_of_a_thing_stays_text) {
        static const Case cases[] = {
                { "art", "10.100|10100", NAMED("10.100") },
                { "x", "10.100|10100|7", TWINS("10.100", "10100") },
                { "acct", "100.200.300|100.200.301", NAMED("100.200.300") },
                { "x", "100.200.300|100.200.301", GROUPED("100.200.300") },
                { "sec", "1.1|1.2|1.10", TWINS("1.1", "1.10") },
                { "x", "1.1|1.2|1.05", "decimal(18,2)" },
                { "version", "1.1|1.2", NAMED("1.1") },
                { "tel", "212 555 123|212 555 124", NAMED("212 555 123") },
                { "x", "212 555 123|212 555 124", GROUPED("212 555 123") },
                { "plz", "10 115|20 095", NAMED("10 115") },
                { "ean", "4.00638E+12|4006381333931", NAMED("4.00638E+12") },
                { "x", "4.00638E+12|4006381333931",
                  "text | values such as 4.00638E+12 look like long numbers that a spreadsheet has rounded: their last digits are lost" },
                { "x", "4.00638E+12|2.5", "double" },
                { "x", "1.5E-12|2.5E+03", "double" },
                { "KundenNr", "1.001|1.002", NAMED("1.001") },
                { "account_balance", "1.5|2.25", "decimal(18,2)" },
                { "Account no.", "1.5|2.25", NAMED("1.5") },
                { "NO2", "1.5|2.25", "decimal(18,2)" },
                { "id", "1|2|3", "int" },
                { "paid", "1.5|2.25", "decimal(18,2)" },
                { "price", "1.10|1.1|2.05", "decimal(18,2)" },
                { "ref_date", "05.01.2026|31.01.2026", "date dd.MM.yyyy" },
        };
        check(t, cases, COUNT_OF(cases));
}

TEST(letters_are_booleans_only_where_both_occur_and_nothing_else) {
        static const Case cases[] = {
                { "sex", "F|F|F", "text | values such as F may be words for true and false, or letters" },
                { "grade", "T|T", "text | values such as T may be words for true and false, or letters" },
                { "sex", "F|F|F|F|F|F|F|F|M", "text | values such as F may be words for true and false, or letters" },
                { "sex", "F|M|F|M", "text" },
                { "paid", "T|F|t", "boolean" },
                { "paid", "true|true", "boolean" },
        };
        check(t, cases, COUNT_OF(cases));
}

TEST(years_of_two_digits_say_what_they_are) {
        static const Case cases[] = {
                { "geb", "15.06.45|31.12.62|01.02.71", "date dd.MM.yy | years of two digits: 01.02.71 is 1971, and 31.12.62 is 2062" },
                { "x", "15.06.95|31.12.05", "date dd.MM.yy | years of two digits: 15.06.95 is 1995, and 31.12.05 is 2005" },
                { "dob", "15.06.05|31.12.06", "date dd.MM.yy | years of two digits: 15.06.05 is 2005, and 31.12.06 is 2006" },
                { "x", "15.06.05|31.12.06", "date dd.MM.yy" },
                { "valid_to", "2026-01-31|9999-12-31", "date | dates such as 9999-12-31 are far in the future" },
                { "x", "2026-01-31|2036-12-31", "date" },
        };
        check(t, cases, COUNT_OF(cases));
}

TEST(numbers_that_may_be_days_say_so) {
        static const Case cases[] = {
                { "Buchungsdatum", "20260105|20260106", "date yyyyMMdd | values such as 20260105 may be dates or numbers" },
                { "x", "20260105|20260106", "int | values such as 20260105 may be dates or numbers" },
                { "date", "20260105|20261399", "int" },
                { "Invoice Date", "46023|46024.5", "decimal(18,2) | values such as 46023 may be days as a spreadsheet counts them, 2026-01-01" },
                { "x", "46023|46024", "int" },
        };
        check(t, cases, COUNT_OF(cases));
}

TEST(words_marks_and_months_say_what_they_look_like) {
        static const Case cases[] = {
                { "x", "J|N|J", "text | J and N may be words for true and false" },
                { "x", "J|N|n/a|J", "text | J and N may be words for true and false" },
                { "x", "Ja|Nein|ja", "text | Ja and Nein may be words for true and false" },
                { "x", "WAHR|FALSCH", "text | WAHR and FALSCH may be words for true and false" },
                { "x", "N|S|N", "text" },
                { "x", "yes|no", "text | yes and no may be words for true and false" },
                { "x", "Ja|Nein|vielleicht", "text" },
                { "x", "1.234,56 S|99,00 H", "text | values such as 1.234,56 S are numbers with a mark for debit or credit" },
                { "x", "99.00 DR|5.00 CR", "text | values such as 99.00 DR are numbers with a mark for debit or credit" },
                { "x", "5 kg|7 kg", "text | values such as 5 kg are numbers with a unit" },
                { "x", "12a|13a", "text" },
                { "x", "\u22125.00|7.25", "decimal(18,2)" },
                { "x", "3. M\u00e4rz 2026|4. Mai 2026", "text | dates such as 4. Mai 2026 name their months in full or in another language" },
                { "x", "1.234,50|12,00|4.00", "text | numbers with two decimal points, such as 4.00 and 12,00" },
                { "x", "-5|(7)|8-", "text | negative numbers in two forms, such as (7) and 8-" },
                { "x", "10:30|9:05", "text | values such as 10:30 look like times without seconds" },
                { "x", "10:30|24:05", "text" },
                { "x", "2025-01-01|2025-02-30", "text | dates such as 2025-01-01, and 1 of 2 as 2025-02-30 that are no day of any calendar" },
                { "x", "31.12.2025|31.02.2025|01.02.2025", "text | dates such as 01.02.2025, and 1 of 3 as 31.02.2025 that are no day of any calendar" },
                { "x", "10.20.30|1.2.3", "text" },
                { "x", "1.3.24|31.12.24", "text | values such as 1.3.24 may be dates" },
                { "x", "3/31/24, 1:00 PM|4/1/24, 11:30 AM", "text | values such as 3/31/24, 1:00 PM may be dates with times" },
                { "x", "01:30 PM|11:05 AM", "text | values such as 01:30 PM may be times" },
                { "x", "=\"001\"|=\"01067\"", "text | values such as =\"001\" are texts dressed as formulas for a spreadsheet" },
                { "x", "May 3|June", "text" },
        };
        check(t, cases, COUNT_OF(cases));
}

TEST(a_blank_in_what_is_no_number_sets_off_no_thousands) {
        Str texts[] = { STR("1"), STR("n.a. 5"), STR("3"), STR("4"), STR("5"), STR("6"), STR("7"), STR("8"), STR("9") };
        NumberEvidence evidence;
        number_evidence(texts, COUNT_OF(texts), &evidence);
        CHECK_INT(evidence.blanks, 0);
        texts[1] = STR("1 234");
        number_evidence(texts, COUNT_OF(texts), &evidence);
        CHECK_INT(evidence.blanks, 1);
}
