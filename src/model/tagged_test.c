/* SPDX-License-Identifier: Apache-2.0 */
#include "model/tagged.h"

#include "base/test.h"

#define CSV "from: ingress/p_*.csv\ncolumns:\n  id: int\n  email: text tag pii\n  name: text\n"
#define BARE "from: ingress/p_*.csv\nheader: no\ncolumns:\n  id: int\n  email: text tag pii\n  name: text\n"
#define NUMBERED "from: ingress/p_*.csv\nheader: no\ncolumns:\n  column_2: int\n  column_1: text tag pii\n"
#define JSON "from: ingress/p_*.json\nformat: jsonl\ncolumns:\n  id: int\n  email: text tag pii from who.email\n"
#define FIXED "from: ingress/p_*.txt\nformat: fixed\ncolumns:\n  id: int at 1-8\n  email: text tag pii at 9-20\n  name: text at 21-30\n"
#define XLSX "from: ingress/p_*.xlsx\nformat: xlsx\nsheet: People\ncolumns:\n  id: int\n  email: text tag pii\n"
#define HISTORY "from: ingress/p_*.csv\nload: history\nkey: id\norder_by: day\ncolumns:\n  id: int\n  day: date\n  born: date tag pii\n"
#define ALL "evolve: freeze\ncolumns:\n  a: text tag pii\n  email: text tag pii\n"

static Source *parse(Test *t, const char *name, const char *text, Problems *problems) {
        const char *path = arena_printf(&t->arena, "zones/shop/sources/%s.yml", name);
        return source_parse(&t->arena, STR("shop"), str_of(name), path, str_of(text), problems);
}

/* wanted: a part of the refusal; NULL: nothing against it. gone: no source any more. */
static const struct {
        const char *was, *is, *wanted;
} edits[] = {
        { CSV, CSV, NULL },
        { CSV, "about: people\n" CSV "nulls: [NA]\ndecimal: \",\"\nevolve: rescue\nignore: [shoe]\nload: replace\n", NULL },
        { CSV, CSV "  age: int\n", NULL },
        { CSV, "from: [ingress/p_*.csv, ingress/q_*.csv]\ncolumns:\n  email: text tag pii\n  full: text from name\n", NULL },
        { CSV, CSV "  email2: text tag pii from email\n", NULL },
        { CSV, CSV "  email2: text from email\n", "column email2 would read what column email reads" },
        { CSV, CSV "  email2: text from EMAIL\n", "column email2 would read what column email reads" },
        { CSV, "from: ingress/p_*.csv\ncolumns:\n  id: int from email\n  email: text tag pii\n", "column id would read what" },
        { CSV, "from: ingress/p_*.csv\ncolumns:\n  email: text tag pii from name\n  name: text from email\n", "column email would no longer take" },
        { CSV, "from: ingress/p_*.csv\ncolumns:\n  email: text tag pii from nothing\n", "column email would no longer take" },
        { CSV, "from: ingress/p_*.csv\ncolumns:\n  email: text tag pii was email from mail\n", "column email would no longer take" },
        { "from: ingress/p_*.csv\ncolumns:\n  email: text tag pii was mail\n", "from: ingress/p_*.csv\ncolumns:\n  email: text tag pii\n", "column email would no longer take" },
        { "from: ingress/p_*.csv\ncolumns:\n  email: text tag pii was mail\n", "from: ingress/p_*.csv\ncolumns:\n  email: text tag pii was mail\n  m: text from mail\n", "column m would read" },
        /* two columns of one field, as an administrator left them, are no change; one that had the tag is */
        { CSV "  email2: text from email\n", CSV "  email2: text from email\n  age: int\n", NULL },
        { CSV "delimiter: \";\"\n", CSV, "`delimiter` decides" },
        { CSV, CSV "quote: none\n", "`quote` decides" },
        { CSV, CSV "escape: \"!\"\n", "`escape` decides" },
        { CSV, CSV "header: no\n", "`header` decides" },
        { CSV, CSV "skip: 1\n", "`skip` decides" },
        { CSV, CSV "comment: id\n", "`comment` decides" },
        { CSV, CSV "footer: id\n", "`footer` decides" },
        { CSV, CSV "encoding: utf-16\n", "`encoding` decides" },
        { CSV, CSV "format: jsonl\n", "`format` decides" },
        { "from: ingress/p_*.json\nformat: json\ncolumns:\n  email: text tag pii\n", "from: ingress/p_*.json\nformat: json\nrecords: all\ncolumns:\n  email: text tag pii\n", "`records` decides" },
        { CSV, "from: ingress/q_*.csv\ncolumns:\n  email: text tag pii\n", "`from` decides" },
        { CSV, "from: ingress/p_*.csv\ndelimiter: \";\"\n" ALL, NULL },
        { CSV, "from: ingress/p_*.csv\ndelimiter: \";\"\ncolumns:\n  a: text tag pii\n  email: text tag pii\n", "`delimiter` decides" },
        { CSV, "from: ingress/q_*.csv\n" ALL, "`from` decides" },
        { BARE, BARE "  age: int\n", NULL },
        { BARE, "from: ingress/p_*.csv\nheader: no\ncolumns:\n  no: int\n  email: text tag pii\n  name: text\n", NULL },
        { BARE, "from: ingress/p_*.csv\nheader: no\ncolumns:\n  email: text tag pii\n  id: int\n  name: text\n", "by the order of the columns" },
        { BARE, "from: ingress/p_*.csv\nheader: no\ncolumns:\n  id: int\n  email: text tag pii\n", "by the order of the columns" },
        { BARE, "from: ingress/p_*.csv\nheader: no\ncolumns:\n  column_2: int\n  email: text tag pii\n  name: text\n", "by the order of the columns" },
        { NUMBERED, NUMBERED "  x: text\n", "by the order of the columns" },
        { NUMBERED, "from: ingress/p_*.csv\nheader: no\ncolumns:\n  column_3: int\n  column_1: text tag pii\n", "by the order of the columns" },
        { JSON, JSON "  who: text\n", "column who would read" },
        { JSON, JSON "  x: text from who.email.x\n", "column x would read" },
        { JSON, JSON "  x: text from who.emails\n", NULL },
        { FIXED, FIXED "  x: text at 31-40\n", NULL },
        { FIXED, FIXED "  x: text at 15-15\n", "column x would read" },
        { FIXED, "from: ingress/p_*.txt\nformat: fixed\ncolumns:\n  id: int at 1-8\n  email: text tag pii at 9-25\n", NULL },
        { FIXED, "from: ingress/p_*.txt\nformat: fixed\ncolumns:\n  id: int at 1-8\n  email: text tag pii at 9-15\n", "column email would no longer take" },
        { XLSX, "from: ingress/p_*.xlsx\nformat: xlsx\nsheet: Other\ncolumns:\n  id: int\n  email: text tag pii\n", "`sheet` decides" },
        { XLSX, XLSX "range: B1:F\n", "`range` decides" },
        { HISTORY, "from: ingress/p_*.csv\nload: history\nkey: id\norder_by: born\ncolumns:\n  id: int\n  day: date\n  born: date tag pii\n", "`_valid_from` would be made" },
        { CSV, NULL, "this takes away source people" },
        /* other tags bind nobody */
        { "from: ingress/p.csv\ncolumns:\n  email: text tag other\n", "from: ingress/p.csv\ncolumns:\n  email: text tag other\n  b: text from email\n", NULL },
};

/* What is refused of `next`, the applied sources being those. */
static const Problems *check(Test *t, Source *const *applied, size_t count, Source **next, size_t next_count) {
        Problems *out = ARENA_NEW(&t->arena, Problems);
        CentralPolicy policies[] = { { .tag = STR("pii") }, { .tag = STR("pii") } };
        Zone zone = { .name = STR("shop"), .sources = next, .source_count = next_count };
        Project project = { .zones = (Zone *[]){ &zone }, .zone_count = 1, .policies = { .items = policies, .count = COUNT_OF(policies) } };
        out->arena = &t->arena;
        tagged_check(&project.policies, &project, applied, count, out);
        return out;
}

static void want(Test *t, const Problems *found, const char *wanted, const char *what) {
        const Error *first = problems_any(found) ? found->errors.items[0] : NULL;
        bool good = wanted ? first && first->status == STATUS_DENIED && strstr(first->message, wanted) && strstr(first->message, "'pii'") &&
                                     str_starts_with(str_of(first->file), STR("zones/shop/sources/"))
                           : !first;
        if (!good)
                test_fail(t, __FILE__, __LINE__, "%s\n   gives  %s\n   wanted %s", what, first ? first->message : "nothing", wanted ? wanted : "nothing");
}

TEST(a_source_with_a_tag_is_read_as_before_or_by_an_administrator) {
        for (size_t i = 0; i < COUNT_OF(edits); i++) {
                Problems problems = { .arena = &t->arena };
                Source *was = parse(t, "people", edits[i].was, &problems);
                Source *is = edits[i].is ? parse(t, "people", edits[i].is, &problems) : NULL;
                if (problems_any(&problems))
                        test_fail(t, __FILE__, __LINE__, "case %zu: %s", i, problems.errors.items[0]->message);
                want(t, check(t, &was, 1, &is, is != NULL), edits[i].wanted, edits[i].is ? edits[i].is : "nothing");
        }
}

TEST(no_other_source_claims_what_one_with_a_tag_claims) {
        static const struct {
                const char *tagged, *was, *is, *wanted;
        } cases[] = {
                { CSV, NULL, "from: ingress/o_*.csv\ncolumns:\n  a: text\n", NULL },
                { CSV, NULL, "from: ingress/p_1.csv\ncolumns:\n  a: text\n", "source other could claim files of source people" },
                { CSV, NULL, "from: [ingress/a.csv, ingress/*]\ncolumns:\n  a: text\n", "source other could claim" },
                { CSV, "from: ingress/*.csv\ncolumns:\n  a: text\n", "from: ingress/*.csv\ncolumns:\n  a: text\n  b: int\n", NULL },
                { CSV, "from: ingress/a.csv\ncolumns:\n  a: text\n", "from: [ingress/a.csv, ingress/*.csv]\ncolumns:\n  a: text\n", "source other could claim" },
                { XLSX, "from: ingress/p_*.xlsx\nformat: xlsx\nsheet: Other\ncolumns:\n  a: text\n",
                  "from: ingress/p_*.xlsx\nformat: xlsx\nsheet: Peo*\ncolumns:\n  a: text\n", "source other could claim" },
                { XLSX, NULL, "from: ingress/all.zip\nformat: xlsx\nsheet: Peo*\ncolumns:\n  a: text\n", "source other could claim" },
                { XLSX, NULL, "from: ingress/b_*.xlsx\nformat: xlsx\nsheet: Peo*\ncolumns:\n  a: text\n", NULL },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Problems problems = { .arena = &t->arena };
                Source *people = parse(t, "people", cases[i].tagged, &problems);
                Source *was = cases[i].was ? parse(t, "other", cases[i].was, &problems) : NULL, *is = parse(t, "other", cases[i].is, &problems);
                CHECK(!problems_any(&problems));
                want(t, check(t, (Source *[]){ people, was }, was ? 2 : 1, (Source *[]){ people, is }, 2), cases[i].wanted, cases[i].is);
        }
}

TEST(patterns_meet_where_one_name_fits_both) {
        static const struct {
                const char *a, *b;
                bool meet;
        } cases[] = {
                { "ingress/p_*.csv", "ingress/p_1.csv", true },  { "ingress/p_*.csv", "ingress/*_1.csv", true },
                { "ingress/p_*.csv", "ingress/q_*.csv", false }, { "ingress/p_*.csv", "ingress/p_*.txt", false },
                { "ingress/*", "ingress/a/b.csv", false },       { "ingress/*/b.csv", "ingress/a/*", true },
                { "ingress/?.csv", "ingress/[ab].csv", true },   { "ingress/[ab]x", "ingress/?y", false },
                { "*a*b*", "*b*a*", true },                      { "a", "", false },
                { "", "*", true },                               { "ingress/p.csv", "ingress/p.csv", true },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                for (int turned = 0; turned < 2; turned++)
                        if (tagged_patterns_meet(str_of(turned ? cases[i].b : cases[i].a), str_of(turned ? cases[i].a : cases[i].b), &t->arena) != cases[i].meet)
                                test_fail(t, __FILE__, __LINE__, "%s and %s", cases[i].a, cases[i].b);
}
