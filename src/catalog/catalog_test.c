/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every back end of the catalog must do. The cases speak to the struct of functions only; a back end is a row of
 * `makers`, and LODE_TEST_CATALOG chooses one by name (sqlite if unset). Only tampering is the back end's own.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/test.h"
#include "base/time.h"
#include "catalog/catalog.h"

static Status make_sqlite(Test *t, Catalog **out) {
        const char *path = arena_printf(&t->arena, "%s/catalog.sqlite", test_folder(t));
        TRY(catalog_create_sqlite(path, 1, STR("/store"), &t->err));
        return catalog_open_sqlite(path, out, &t->err);
}

static const struct {
        const char *name;
        Status (*make)(Test *t, Catalog **out);
} makers[] = { { "sqlite", make_sqlite } };

static Status make(Test *t, Catalog **out) {
        const char *wanted = getenv("LODE_TEST_CATALOG");
        for (size_t i = 0; wanted && i < COUNT_OF(makers); i++)
                if (strcmp(makers[i].name, wanted) == 0)
                        return makers[i].make(t, out);
        return makers[0].make(t, out);
}

#define NAME(kind, zone, name) ((CatalogName){ STR(kind), STR(zone), STR(name) })

/* One commit that puts one body, or removes it when body is NULL. */
static Status put(Test *t, Catalog *catalog, const char *branch, const char *name, const char *body,
                  CatalogCommit *out) {
        CatalogPut one = { STR("model"), STR("shop"), str_of(name), str_of(body) };
        CatalogName gone = { one.kind, one.zone, one.name };
        CatalogChange change = { .branch = str_of(branch),
                                 .author = STR("local:ann"),
                                 .via = STR("test"),
                                 .message = STR("m"),
                                 .git = STR("") };
        change.puts = &one;
        change.removes = &gone;
        *(body ? &change.put_count : &change.remove_count) = 1;
        return catalog_commit(catalog, &change, &t->arena, out, &t->err);
}

static Str body_at(Test *t, Catalog *catalog, const char *branch, int64_t seq, const char *name) {
        CatalogObject object;
        Status status = catalog_get(catalog, (CatalogAt){ str_of(branch), seq },
                                    (CatalogName){ STR("model"), STR("shop"), str_of(name) }, &t->arena, &object,
                                    &t->err);
        return status == STATUS_OK ? object.body : str_of(status_name(status));
}

TEST(objects_are_read_as_they_were_at_any_commit) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_OK(make(t, &catalog));
        CatalogCommit a, b, c, d;
        CHECK_STR(body_at(t, catalog, "", 0, "x"), STR("NOT_FOUND"));
        CHECK_OK(put(t, catalog, "", "x", "one", &a));
        CHECK_OK(put(t, catalog, "main", "x", "two", &b));
        CHECK_OK(put(t, catalog, "", "x", NULL, &c));
        CHECK_OK(put(t, catalog, "", "x", "three", &d));
        CHECK_STR(body_at(t, catalog, "", a.seq, "x"), STR("one"));
        CHECK_STR(body_at(t, catalog, "", b.seq, "x"), STR("two"));
        CHECK_STR(body_at(t, catalog, "", c.seq, "x"), STR("NOT_FOUND"));
        CHECK_STR(body_at(t, catalog, "main", 0, "x"), STR("three"));
        CHECK_STR(body_at(t, catalog, "other", 0, "x"), STR("NOT_FOUND"));
        CHECK_STR(b.parent, a.id);
        CHECK(a.at_us < b.at_us && b.at_us < c.at_us);

        CatalogObject *rows = NULL;
        size_t count = 0;
        CHECK_OK(catalog_history(catalog, STR(""), NAME("model", "shop", "x"), 0, &t->arena, &rows, &count, &t->err));
        CHECK_INT(count, 4);
        CHECK_STR(rows[0].body, STR("three"));
        CHECK_INT(rows[1].body_hash.size, 0);
        CHECK(rows[0].oid != rows[3].oid); /* removed and made again: another object */
        CHECK_STATUS(put(t, catalog, "", "y", NULL, &a), STATUS_NOT_FOUND);
}

TEST(the_same_body_makes_no_commit) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_OK(make(t, &catalog));
        CatalogCommit a, b;
        CHECK_OK(put(t, catalog, "", "x", "one", &a));
        CHECK_OK(put(t, catalog, "", "x", "one", &b));
        CHECK_INT(a.seq, b.seq);
        CHECK_INT(b.change_count, 0);
        CHECK_OK(put(t, catalog, "", "x", "", &b));
        CHECK_STR(body_at(t, catalog, "", 0, "x"), STR(""));
}

TEST(lists_are_sorted_and_chosen_by_kind_and_zone) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_OK(make(t, &catalog));
        CatalogPut puts[] = { { STR("table"), STR("shop"), STR("b"), STR("1") },
                              { STR("table"), STR("crm"), STR("c"), STR("2") },
                              { STR("model"), STR("shop"), STR("a"), STR("3") },
                              { STR("project"), STR(""), STR("lode.yml"), STR("4") } };
        CatalogChange change = {
                .author = STR("a"), .via = STR("t"), .message = STR(""), .puts = puts, .put_count = 4
        };
        CatalogCommit commit;
        CHECK_OK(catalog_commit(catalog, &change, &t->arena, &commit, &t->err));
        CHECK_INT(commit.change_count, 4);
        static const struct {
                const char *kind, *zone, *names;
        } cases[] = { { "", "", "a lode.yml c b " },
                      { "table", "", "c b " },
                      { "table", "shop", "b " },
                      { "", "shop", "a b " },
                      { "none", "", "" } };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CatalogObject *rows = NULL;
                size_t count = 0;
                CHECK_OK(catalog_list(catalog, (CatalogAt){ 0 }, str_of(cases[i].kind), str_of(cases[i].zone),
                                      &t->arena, &rows, &count, &t->err));
                Str names = STR("");
                for (size_t k = 0; k < count; k++)
                        names = arena_strf(&t->arena, "%.*s%.*s ", STR_ARG(names), STR_ARG(rows[k].name));
                CHECK_STR(names, str_of(cases[i].names));
        }
        puts[1] = puts[0];
        puts[0].body = puts[1].body = STR("5");
        CHECK_STATUS(catalog_commit(catalog, &change, &t->arena, &commit, &t->err), STATUS_INTERNAL);
}

TEST(a_branch_sees_its_base_as_it_was_and_hides_its_own) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_OK(make(t, &catalog));
        CatalogCommit a, b, c;
        CHECK_OK(put(t, catalog, "", "x", "one", &a));
        CHECK_OK(put(t, catalog, "", "y", "why", &b));
        CHECK_OK(catalog_branch_create(catalog, STR("run/1"), (CatalogAt){ STR("main"), 0 }, &t->err));
        CHECK_STATUS(catalog_branch_create(catalog, STR("run/1"), (CatalogAt){ 0 }, &t->err), STATUS_EXISTS);
        CHECK_OK(put(t, catalog, "main", "x", "two", &c));
        CHECK_STR(body_at(t, catalog, "run/1", 0, "x"), STR("one"));
        CHECK_OK(put(t, catalog, "run/1", "x", "mine", &c));
        CHECK_STR(c.parent, b.id);
        CHECK_OK(put(t, catalog, "run/1", "y", NULL, &c));
        CHECK_STR(body_at(t, catalog, "run/1", 0, "x"), STR("mine"));
        CHECK_STR(body_at(t, catalog, "run/1", 0, "y"), STR("NOT_FOUND"));
        CHECK_STR(body_at(t, catalog, "run/1", a.seq, "x"), STR("one"));
        CHECK_STR(body_at(t, catalog, "main", 0, "y"), STR("why"));

        CatalogObject *rows = NULL;
        size_t count = 0;
        CHECK_OK(catalog_list(catalog, (CatalogAt){ STR("run/1"), 0 }, STR(""), STR(""), &t->arena, &rows, &count,
                              &t->err));
        CHECK_INT(count, 1);
        CHECK_STR(rows[0].body, STR("mine"));
        CatalogCommit *log = NULL;
        CHECK_OK(catalog_log(catalog, STR("run/1"), 0, 0, &t->arena, &log, &count, &t->err));
        CHECK_INT(count, 4);
        CHECK_STR(log[3].id, a.id);
        int64_t seen = 0;
        CHECK_OK(catalog_verify_chain(catalog, &seen, &t->err));
        CHECK_INT(seen, 5);
        CHECK_STATUS(catalog_branch_remove(catalog, STR("main"), &t->err), STATUS_DENIED);
        CHECK_OK(catalog_branch_remove(catalog, STR("run/1"), &t->err));
        CatalogBranch *branches = NULL;
        CHECK_OK(catalog_branches(catalog, &t->arena, &branches, &count, &t->err));
        CHECK_INT(count, 1);
}

/* Its commits stay in the history, and are none of those of the next of its name. */
TEST(a_branch_that_was_forgotten_may_be_begun_again) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_OK(make(t, &catalog));
        CatalogCommit first, old, commit;
        CatalogCommit *log = NULL;
        size_t count = 0;
        int64_t seen = 0;
        CHECK_OK(put(t, catalog, "", "x", "one", &first));
        CHECK_OK(put(t, catalog, "", "x", "two", &commit));
        CHECK_OK(catalog_branch_create(catalog, STR("try"), (CatalogAt){ STR("main"), 0 }, &t->err));
        CHECK_OK(put(t, catalog, "try", "x", "mine", &old));
        CHECK_OK(catalog_branch_remove(catalog, STR("try"), &t->err));
        for (int i = 0; i < 2; i++) {
                CHECK_OK(catalog_branch_create(catalog, STR("try"), (CatalogAt){ STR("main"), first.seq }, &t->err));
                CHECK_OK(catalog_log(catalog, STR("try"), 0, 0, &t->arena, &log, &count, &t->err));
                CHECK_INT(count, 1);
                CHECK_OK(put(t, catalog, "try", "x", i ? "third" : "second", &commit));
                CHECK_STR(commit.parent, first.id);
                CHECK_OK(catalog_log(catalog, STR("try"), 0, 0, &t->arena, &log, &count, &t->err));
                CHECK_INT(count, 2);
                CHECK_STATUS(catalog_find(catalog, STR("try"), old.id, &t->arena, &commit, &t->err), STATUS_NOT_FOUND);
                CHECK_OK(catalog_verify_chain(catalog, &seen, &t->err));
                CHECK_INT(seen, 4 + i);
                CHECK_OK(catalog_branch_remove(catalog, STR("try"), &t->err));
        }
        CHECK_OK(catalog_verify_chain(catalog, &seen, &t->err));
}

TEST(a_commit_is_found_by_prefix_and_by_time) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_OK(make(t, &catalog));
        CatalogCommit a, b, got;
        CHECK_OK(put(t, catalog, "", "x", "one", &a));
        CHECK_OK(put(t, catalog, "", "x", "two", &b));
        CHECK_OK(catalog_find(catalog, STR(""), str_slice(a.id, 0, 12), &t->arena, &got, &t->err));
        CHECK_STR(got.id, a.id);
        CHECK_OK(catalog_find(catalog, STR(""), b.id, &t->arena, &got, &t->err));
        CHECK_STR(got.id, b.id);
        CHECK_OK(catalog_find(catalog, STR(""), time_print_us(&t->arena, b.at_us - 1), &t->arena, &got, &t->err));
        CHECK_STR(got.id, a.id);
        CHECK_OK(catalog_find(catalog, STR(""), STR("2999-01-01"), &t->arena, &got, &t->err));
        CHECK_STR(got.id, b.id);
        CHECK_STATUS(catalog_find(catalog, STR(""), STR("1999-01-01"), &t->arena, &got, &t->err), STATUS_NOT_FOUND);
        CHECK_STATUS(catalog_find(catalog, STR(""), STR("ffffffffffff"), &t->arena, &got, &t->err), STATUS_NOT_FOUND);
        CHECK_STATUS(catalog_find(catalog, STR(""), STR("yesterday"), &t->arena, &got, &t->err), STATUS_BAD_VALUE);
}

TEST(a_check_that_does_not_hold_undoes_all_of_it) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_OK(make(t, &catalog));
        CatalogCommit a, outs[2];
        CHECK_OK(put(t, catalog, "", "x", "one", &a));
        CatalogPut puts[] = { { STR("model"), STR("shop"), STR("y"), STR("1") },
                              { STR("model"), STR("shop"), STR("x"), STR("2") } };
        CatalogCheck check = { STR("model"), STR("shop"), STR("x"), STR("") };
        CatalogChange changes[] = {
                { .intent = STR("i1"), .puts = &puts[0], .put_count = 1 },
                { .intent = STR("i2"), .puts = &puts[1], .put_count = 1, .checks = &check, .check_count = 1 }
        };
        CHECK_STATUS(catalog_commit_all(catalog, changes, 2, NULL, 0, &t->arena, outs, &t->err), STATUS_CONFLICT);
        CHECK_STR(body_at(t, catalog, "", 0, "y"), STR("NOT_FOUND"));
        IntentResult result;
        CHECK_STATUS(catalog_intent(catalog, STR("i1"), &t->arena, &result, &t->err), STATUS_NOT_FOUND);

        check.body_hash = sha256_hex(&t->arena, sha256_of(STR("one")));
        IntentResult lost = { .intent = STR("i3"), .status = STATUS_CONFLICT, .message = STR("too late") };
        CHECK_OK(catalog_commit_all(catalog, changes, 2, &lost, 1, &t->arena, outs, &t->err));
        CHECK_STR(outs[1].parent, outs[0].id);
        CHECK_OK(catalog_intent(catalog, STR("i2"), &t->arena, &result, &t->err));
        CHECK_STR(result.commit, outs[1].id);
        CHECK_OK(catalog_intent(catalog, STR("i3"), &t->arena, &result, &t->err));
        CHECK_INT(result.status, STATUS_CONFLICT);
        Str living = STR("i3");
        CHECK_OK(catalog_forget_intents(catalog, INT64_MAX, &living, 1, &t->err));
        CHECK_STATUS(catalog_intent(catalog, STR("i2"), &t->arena, &result, &t->err), STATUS_NOT_FOUND);
        CHECK_OK(catalog_intent(catalog, STR("i3"), &t->arena, &result, &t->err));
        CHECK_INT(result.status, STATUS_CONFLICT);
}

/* What it does to the disk, lake/crash_test.c and intake/power_test.c prove. */
TEST(settling_changes_nothing_that_is_read) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_OK(make(t, &catalog));
        CatalogCommit a, head;
        CHECK_OK(catalog_settle(catalog, &t->err));
        CHECK_OK(put(t, catalog, "", "x", "one", &a));
        CHECK_OK(catalog_settle(catalog, &t->err));
        CHECK_OK(catalog_head(catalog, STR(""), &t->arena, &head, &t->err));
        CHECK_STR(head.id, a.id);
        CHECK_STR(body_at(t, catalog, "", 0, "x"), STR("one"));
}

TEST(the_ledger_takes_a_delivery_once) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_OK(make(t, &catalog));
        Delivery d = { .id = 77,
                       .zone = STR("shop"),
                       .source = STR("orders"),
                       .name = STR("o.csv"),
                       .sha256 = STR("ab"),
                       .as_of = STR(""),
                       .bytes = 5,
                       .landed_us = 100,
                       .state = STR("landed") };
        FileSeen file = { .zone = STR("shop"),
                          .source = STR("orders"),
                          .place = STR("/in/o.csv"),
                          .inode = 9,
                          .delivery = 77,
                          .state = STR("landed") };
        CHECK_OK(catalog_ledger(catalog, &d, 1, &file, 1, &t->err));
        CHECK_STATUS(catalog_ledger(catalog, &d, 1, NULL, 0, &t->err), STATUS_CONFLICT);
        Delivery got;
        CHECK_OK(catalog_delivery(catalog, d.id, &t->arena, &got, &t->err));
        CHECK_INT(got.revision, 1);
        CHECK_INT(got.seq, 0);
        CHECK_STATUS(catalog_delivery(catalog, d.id + 1, &t->arena, &got, &t->err), STATUS_NOT_FOUND);

        got.state = STR("staged");
        got.records = 3;
        CatalogPut one = { STR("table"), STR("shop"), STR("staging.orders"), STR("{}") };
        CatalogChange change = { .puts = &one, .put_count = 1, .deliveries = &got, .delivery_count = 1 };
        CatalogCommit commit, second;
        CHECK_OK(catalog_commit(catalog, &change, &t->arena, &commit, &t->err));
        one.body = STR("{\"twice\":1}");
        CHECK_STATUS(catalog_commit(catalog, &change, &t->arena, &second, &t->err), STATUS_CONFLICT);
        CHECK_OK(catalog_delivery(catalog, 77, &t->arena, &got, &t->err));
        CHECK_INT(got.revision, 2);
        CHECK_STR(got.commit, commit.id);

        Delivery later = d;
        later.id = 78;
        later.sha256 = STR("cd");
        later.landed_us = 200;
        CHECK_OK(catalog_ledger(catalog, &later, 1, NULL, 0, &t->err));
        static const struct {
                DeliveryQuery query;
                size_t count;
                int64_t first;
        } cases[] = { { { .limit = 0 }, 2, 78 },
                      { { .limit = 1 }, 1, 78 },
                      { { .state = { "staged", 6 } }, 1, 77 },
                      { { .zone = { "crm", 3 } }, 0, 0 },
                      { { .zone = { "shop", 4 }, .name = { "o.csv", 5 } }, 2, 78 },
                      { { .id = 77 }, 1, 77 } };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Delivery *rows = NULL;
                size_t count = 0;
                CHECK_OK(catalog_deliveries(catalog, &cases[i].query, &t->arena, &rows, &count, &t->err));
                CHECK_INT(count, cases[i].count);
                if (count)
                        CHECK_INT(rows[0].id, cases[i].first);
        }
}

TEST(files_builds_secrets_and_settings_are_kept) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_OK(make(t, &catalog));
        FileSeen files[] = {
                { .zone = STR("shop"), .place = STR("/b"), .size = 1, .state = STR("unclaimed") },
                { .zone = STR("shop"), .source = STR("o"), .place = STR("/a"), .size = 2, .state = STR("staged") }
        };
        CHECK_OK(catalog_ledger(catalog, NULL, 0, files, 2, &t->err));
        files[0].size = 5;
        CHECK_OK(catalog_ledger(catalog, NULL, 0, files, 1, &t->err));
        FileSeen got, *list = NULL;
        size_t count = 0;
        CHECK_OK(catalog_file_seen(catalog, STR("shop"), STR(""), STR("/b"), &t->arena, &got, &t->err));
        CHECK_INT(got.size, 5);
        CHECK_OK(catalog_files_seen(catalog, STR("shop"), STR("o"), &t->arena, &list, &count, &t->err));
        CHECK_INT(count, 1);
        CHECK_OK(catalog_forget_file(catalog, STR("shop"), STR(""), STR("/b"), &t->err));
        CHECK_STATUS(catalog_file_seen(catalog, STR("shop"), STR(""), STR("/b"), &t->arena, &got, &t->err),
                     STATUS_NOT_FOUND);

        int64_t number = 0;
        for (int64_t i = 1; i <= 3; i++) {
                CHECK_OK(catalog_next(catalog, STR("count"), &number, &t->err));
                CHECK_INT(number, i);
        }

        Str value;
        CHECK_OK(catalog_put_secret(catalog, STR("mask"), (Str){ "a\0b", 3 }, &t->err));
        CHECK_OK(catalog_secret(catalog, STR("mask"), &t->arena, &value, &t->err));
        CHECK_STR(value, ((Str){ "a\0b", 3 }));
        CHECK_OK(catalog_put_secret(catalog, STR("mask"), STR(""), &t->err));
        CHECK_STATUS(catalog_secret(catalog, STR("mask"), &t->arena, &value, &t->err), STATUS_NOT_FOUND);
        CHECK_OK(catalog_meta(catalog, STR("root"), &t->arena, &value, &t->err));
        CHECK_STR(value, STR("/store"));
}

/* The bodies of models that may expire, blanks between. */
static Str replaced_bodies(Test *t, Catalog *catalog) {
        CatalogReplaced *rows = NULL;
        size_t count = 0;
        CLEANUP(buf_deinit) Buf words = { 0 };
        if (catalog_replaced(catalog, STR("model"), &t->arena, &rows, &count, &t->err) != STATUS_OK)
                return str_of(t->err.message);
        for (size_t i = 0; i < count; i++)
                buf_printf(&words, "%.*s ", STR_ARG(rows[i].body));
        return buf_dup(&words, &t->arena);
}

TEST(what_no_branch_shows_may_expire_and_nothing_else) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_OK(make(t, &catalog));
        CatalogCommit one, two, three, dev;
        CHECK_OK(put(t, catalog, "", "x", "one", &one));
        CHECK_OK(put(t, catalog, "", "x", "two", &two));
        CHECK_STR(replaced_bodies(t, catalog), STR("one "));
        CHECK_OK(catalog_branch_create(catalog, STR("dev"), (CatalogAt){ STR(""), one.seq }, &t->err));
        CHECK_OK(catalog_branch_create(catalog, STR("of-dev"), (CatalogAt){ STR("dev"), 0 }, &t->err));
        CHECK_STR(replaced_bodies(t, catalog), STR(""));
        CHECK_OK(put(t, catalog, "dev", "x", "dev", &dev));
        CHECK_STR(replaced_bodies(t, catalog), STR("")); /* dev begins where x was one */
        CHECK_OK(put(t, catalog, "", "x", "three", &three));
        CHECK_OK(put(t, catalog, "", "x", "two", &three)); /* shown again */
        CHECK_OK(put(t, catalog, "", "y", "y", &three));
        CHECK_OK(put(t, catalog, "", "y", NULL, &three));
        CHECK_STR(replaced_bodies(t, catalog), STR("three y "));

        CatalogReplaced *rows = NULL;
        CatalogExpired expired;
        size_t count = 0;
        CHECK_OK(catalog_replaced(catalog, STR("model"), &t->arena, &rows, &count, &t->err));
        CHECK(count == 2 && rows[1].until_us == three.at_us && str_is(rows[1].name, "y"));
        Str hashes[] = { rows[0].body_hash, rows[1].body_hash, sha256_hex(&t->arena, sha256_of(STR("two"))) };
        CHECK_STATUS(catalog_expired(catalog, hashes[0], &t->arena, &expired, &t->err), STATUS_NOT_FOUND);
        CHECK_OK(put(t, catalog, "", "x", "three", &three)); /* meanwhile shown again */
        CHECK_OK(catalog_expire(catalog, STR("model"), hashes, 3, STR("a rule"), &count, &t->err));
        CHECK_INT(count, 2); /* y, and two instead of three */
        CHECK_STATUS(catalog_expired(catalog, hashes[0], &t->arena, &expired, &t->err), STATUS_NOT_FOUND);
        CHECK_OK(catalog_expired(catalog, hashes[1], &t->arena, &expired, &t->err));
        CHECK_STR(expired.rule, STR("a rule"));
        CHECK_STR(replaced_bodies(t, catalog), STR(""));
        Str *bodies = NULL;
        CHECK_OK(catalog_live_bodies(catalog, STR("model"), &t->arena, &bodies, &count, &t->err));
        CHECK_INT(count, 3); /* one, dev, three */

        CHECK_OK(catalog_branch_remove(catalog, STR("of-dev"), &t->err));
        CHECK_OK(catalog_branch_remove(catalog, STR("dev"), &t->err));
        CHECK_STR(replaced_bodies(t, catalog), STR("one dev "));
        CHECK_OK(catalog_verify_chain(catalog, &(int64_t){ 0 }, &t->err));
}

TEST(another_connections_commit_is_noticed) {
        CLEANUP(catalog_freep) Catalog *one = NULL;
        CHECK_OK(make(t, &one));
        CLEANUP(catalog_freep) Catalog *two = NULL;
        CHECK_OK(catalog_open_sqlite(arena_printf(&t->arena, "%s/catalog.sqlite", test_folder(t)), &two, &t->err));
        int64_t before = 0, after = 0;
        CatalogCommit commit;
        CHECK_OK(catalog_generation(two, &before, &t->err));
        CHECK_OK(put(t, one, "", "x", "one", &commit));
        CHECK_OK(catalog_generation(two, &after, &t->err));
        CHECK(before != after);
        CHECK_STR(body_at(t, two, "", 0, "x"), STR("one"));
}

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* A commit with two files, and one with one of them again. */
static Status put_files(Test *t, Catalog *catalog, CatalogCommit outs[2]) {
        CatalogFile files[] = { { .path = STR("tables/b"), .sha256 = STR(HASH_B), .bytes = 7 },
                                { .path = STR("tables/a"), .sha256 = STR(HASH_A), .bytes = 5 } };
        CatalogPut one = { STR("model"), STR("shop"), STR("x"), STR("1") };
        CatalogChange change = { .puts = &one, .put_count = 1, .added = files, .added_count = 2 };
        TRY(catalog_commit(catalog, &change, &t->arena, &outs[0], &t->err));
        one.body = STR("2");
        change.added_count = 1;
        return catalog_commit(catalog, &change, &t->arena, &outs[1], &t->err);
}

TEST(tampering_breaks_the_chain) {
        static const struct {
                const char *sql;
                const char *says;
        } cases[] = {
                { "update commit_ set message = 'other' where seq = 2", "was altered" },
                { "update commit_ set at_us = at_us - 1 where seq = 1", "was altered" },
                { "update version set body_hash = (select body_hash from version where seq = 1) where seq = 2",
                  "was altered" },
                { "update body set bytes = x'00' where hash = (select body_hash from version where seq = 2)",
                  "was altered" },
                { "delete from commit_ where seq = 2", "does not follow" },
                { "delete from version where seq = 2", "was altered" },
                { "update head set seq = 1, body_hash = (select body_hash from version where seq = 1)",
                  "not the newest" },
                { "update object set name = 'z'", "was altered" },
                { "update file set sha256 = zeroblob(32) where seq = 4 and path = 'tables/a'", "list of files" },
                { "update file set bytes = bytes + 1 where seq = 4 and path = 'tables/b'", "list of files" },
                { "delete from file where seq = 5", "list of files" },
                { "update file set seq = 5 where path = 'tables/a'", "list of files" },
                { "delete from file; update commit_ set files = ''", "was altered" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                const char *path = arena_printf(&t->arena, "%s/%zu.sqlite", test_folder(t), i);
                CLEANUP(catalog_freep) Catalog *catalog = NULL;
                CHECK_OK(catalog_create_sqlite(path, 1, STR("/s"), &t->err));
                CHECK_OK(catalog_open_sqlite(path, &catalog, &t->err));
                CatalogCommit commit;
                for (int k = 0; k < 3; k++)
                        CHECK_OK(put(t, catalog, "", "x", arena_printf(&t->arena, "%d", k), &commit));
                CHECK_OK(put_files(t, catalog, (CatalogCommit[2]){ 0 }));
                int64_t count = 0;
                CHECK_OK(catalog_verify_chain(catalog, &count, &t->err));
                CHECK_INT(count, 5);
                sqlite3 *db = NULL;
                CHECK_INT(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, "lode-pages"), SQLITE_OK);
                CHECK_INT(sqlite3_exec(db, cases[i].sql, NULL, NULL, NULL), SQLITE_OK);
                CHECK_INT(sqlite3_changes(db) > 0, 1);
                sqlite3_close(db);
                CHECK_STATUS(catalog_verify_chain(catalog, &count, &t->err), STATUS_CORRUPT);
                CHECK(str_find(str_of(t->err.message), str_of(cases[i].says)) < strlen(t->err.message));
        }
}

TEST(files_are_listed_by_commit_and_stay_known_when_they_are_gone) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_OK(make(t, &catalog));
        CatalogCommit commits[2];
        CatalogFile *files = NULL;
        size_t count = 0;
        CHECK_OK(put_files(t, catalog, commits));
        CHECK_OK(catalog_files(catalog, &(CatalogFileQuery){ 0 }, &t->arena, &files, &count, &t->err));
        CHECK_INT(count, 3);
        CHECK_STR(files[0].path, STR("tables/a"));
        CHECK_STR(files[0].sha256, STR(HASH_A));
        CHECK_INT(files[0].bytes, 5);
        CHECK_INT(files[2].seq, commits[1].seq);
        CHECK_STR(files[2].path, STR("tables/b"));
        CHECK_OK(catalog_files(catalog, &(CatalogFileQuery){ .after_seq = files[0].seq, .after_path = files[0].path, .limit = 1 },
                               &t->arena, &files, &count, &t->err));
        CHECK_INT(count, 1);
        CHECK_STR(files[0].path, STR("tables/b"));

        Str gone[] = { STR("tables/b"), STR("tables/never") };
        CHECK_OK(catalog_files_gone(catalog, gone, 2, &t->err));
        Str asked[] = { STR("tables/never"), STR("tables/b"), STR("tables/b") }, *published = NULL;
        CHECK_OK(catalog_files_published(catalog, asked, COUNT_OF(asked), &t->arena, &published, &count, &t->err));
        CHECK_INT(count, 1); /* once, whoever added it and although it is gone */
        CHECK_STR(published[0], STR("tables/b"));
        CHECK_OK(catalog_files(catalog, &(CatalogFileQuery){ 0 }, &t->arena, &files, &count, &t->err));
        CHECK_INT(count, 1);
        CHECK_OK(catalog_files(catalog, &(CatalogFileQuery){ .gone = true }, &t->arena, &files, &count, &t->err));
        CHECK_INT(count, 3);
        CHECK(files[1].gone_us > 0 && files[2].gone_us > 0);
        int64_t chain = 0;
        CHECK_OK(catalog_verify_chain(catalog, &chain, &t->err));
        CHECK_INT(chain, 2);
}

TEST(a_file_without_its_hash_or_without_a_commit_is_refused) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_OK(make(t, &catalog));
        const CatalogFile twice[] = { { .path = STR("a"), .sha256 = STR(HASH_A) },
                                      { .path = STR("a"), .sha256 = STR(HASH_A) } };
        const CatalogFile nameless = { .path = STR("a"), .sha256 = STR("00") };
        CatalogPut one = { STR("model"), STR("shop"), STR("x"), STR("1") };
        CatalogChange cases[] = { { .added = twice, .added_count = 1 },
                                  { .puts = &one, .put_count = 1, .added = twice, .added_count = 2 },
                                  { .puts = &one, .put_count = 1, .added = &nameless, .added_count = 1 } };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CatalogCommit commit;
                CatalogFile *files = NULL;
                size_t count = 0;
                CHECK_STATUS(catalog_commit(catalog, &cases[i], &t->arena, &commit, &t->err), STATUS_INTERNAL);
                CHECK_OK(catalog_files(catalog, &(CatalogFileQuery){ 0 }, &t->arena, &files, &count, &t->err));
                CHECK_INT(count, 0);
        }
}

TEST(versions_are_walked_in_pieces_removed_branches_included) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_OK(make(t, &catalog));
        CatalogCommit commit;
        CHECK_OK(put(t, catalog, "", "x", "one", &commit));
        CHECK_OK(catalog_branch_create(catalog, STR("try"), (CatalogAt){ 0 }, &t->err));
        CHECK_OK(put(t, catalog, "try", "x", "two", &commit));
        CHECK_OK(put(t, catalog, "", "x", NULL, &commit));
        CHECK_OK(catalog_branch_remove(catalog, STR("try"), &t->err));
        static const struct {
                const char *branch, *body;
                bool gone;
        } wanted[] = { { "main", "one", false }, { "try", "two", true }, { "main", "", false } };
        CatalogVersion *row = NULL;
        size_t count = 0;
        for (size_t i = 0; i < COUNT_OF(wanted); i++) {
                CHECK_OK(catalog_versions(catalog, row, 1, &t->arena, &row, &count, &t->err));
                CHECK_INT(count, 1);
                CHECK_STR(row->branch, str_of(wanted[i].branch));
                CHECK_STR(row->name, STR("x"));
                CHECK_STR(row->body, str_of(wanted[i].body));
                CHECK_INT(row->branch_gone, wanted[i].gone);
                CHECK_INT(row->body_hash.size, wanted[i].body[0] ? 64 : 0);
        }
        CHECK_OK(catalog_versions(catalog, row, 0, &t->arena, &row, &count, &t->err));
        CHECK_INT(count, 0);
}

static Status flip_bit(const char *path, int64_t at, int bit, Error *err) {
        CLEANUP(close_fdp) int fd = open(path, O_RDWR | O_CLOEXEC);
        char byte;
        if (fd < 0 || pread(fd, &byte, 1, at) != 1)
                return error_set(err, STATUS_IO, "cannot read byte %lld", (long long)at);
        byte = (char)(byte ^ (1 << bit));
        return pwrite(fd, &byte, 1, at) == 1 ? STATUS_OK : error_set(err, STATUS_IO, "cannot write");
}

TEST(erasing_a_body_leaves_the_chain_whole) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_OK(make_sqlite(t, &catalog));
        CatalogCommit commit;
        CHECK_OK(put(t, catalog, "", "x", "secret", &commit));
        sqlite3 *db = NULL;
        CHECK_INT(sqlite3_open_v2(arena_printf(&t->arena, "%s/catalog.sqlite", test_folder(t)), &db, SQLITE_OPEN_READWRITE, "lode-pages"), SQLITE_OK);
        CHECK_INT(sqlite3_exec(db, "update body set bytes = null", NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        int64_t count = 0;
        CHECK_OK(catalog_verify_chain(catalog, &count, &t->err));
        CatalogObject object;
        CHECK_OK(catalog_get(catalog, (CatalogAt){ 0 }, NAME("model", "shop", "x"), &t->arena, &object, &t->err));
        CHECK(!object.body.data);
}

TEST(a_file_that_is_no_catalog_is_refused) {
        const char *path = arena_printf(&t->arena, "%s/x", test_folder(t));
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_STATUS(catalog_open_sqlite(path, &catalog, &t->err), STATUS_NO_STORE);
        FILE *file = fopen(path, "w");
        CHECK(file);
        for (int i = 0; i < 1000; i++)
                fputs("this is no catalog. ", file);
        fclose(file);
        CHECK_STATUS(catalog_open_sqlite(path, &catalog, &t->err), STATUS_CORRUPT);
        CHECK_STATUS(catalog_create_sqlite(path, 1, STR("/s"), &t->err), STATUS_EXISTS);
}

/* Each of several processes counts one object up, again and again, by compare and swap: no step may be lost. */
static int count_up(const char *path, int steps) {
        Arena arena = { 0 };
        Error err = { 0 };
        Catalog *catalog = NULL;
        if (catalog_open_sqlite(path, &catalog, &err) != STATUS_OK)
                return 1;
        for (int done = 0; done < steps;) {
                arena_reset(&arena);
                CatalogObject object = { .body = STR("0"), .body_hash = STR("") };
                CatalogName name = { STR("n"), STR(""), STR("n") };
                Status status = catalog_get(catalog, (CatalogAt){ 0 }, name, &arena, &object, &err);
                if (status != STATUS_OK && status != STATUS_NOT_FOUND)
                        return 2;
                int64_t counter = 0;
                if (!str_to_int64(object.body, &counter))
                        return 4;
                CatalogPut one = { name.kind, name.zone, name.name,
                                   arena_strf(&arena, "%lld", (long long)counter + 1) };
                CatalogCheck check = { name.kind, name.zone, name.name, object.body_hash };
                CatalogChange change = { .puts = &one, .put_count = 1, .checks = &check, .check_count = 1 };
                CatalogCommit commit;
                status = catalog_commit(catalog, &change, &arena, &commit, &err);
                if (status != STATUS_OK && status != STATUS_CONFLICT)
                        return 3;
                done += status == STATUS_OK;
        }
        catalog_free(catalog);
        arena_deinit(&arena);
        return 0;
}

TEST(processes_side_by_side_lose_no_step) {
        const char *path = arena_printf(&t->arena, "%s/catalog.sqlite", test_folder(t));
        CHECK_OK(catalog_create_sqlite(path, 1, STR("/s"), &t->err));
        pid_t children[4];
        for (size_t i = 0; i < COUNT_OF(children); i++) {
                children[i] = fork();
                if (children[i] == 0)
                        _exit(count_up(path, 10));
        }
        for (size_t i = 0; i < COUNT_OF(children); i++) {
                int status = 0;
                waitpid(children[i], &status, 0);
                CHECK_INT(status, 0);
        }
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_OK(catalog_open_sqlite(path, &catalog, &t->err));
        CatalogObject object;
        CHECK_OK(catalog_get(catalog, (CatalogAt){ 0 }, NAME("n", "", "n"), &t->arena, &object, &t->err));
        CHECK_STR(object.body, STR("40"));
        int64_t count = 0;
        CHECK_OK(catalog_verify_chain(catalog, &count, &t->err));
        CHECK_INT(count, 40);
}

/* Commits enough for several pages of each kind, some of them free again. */
static Status fill(Test *t, const char *path) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CatalogCommit commit;
        TRY(catalog_create_sqlite(path, 1, STR("/s"), &t->err));
        TRY(catalog_open_sqlite(path, &catalog, &t->err));
        char *body = arena_alloc_raw(&t->arena, 3000);
        for (int i = 0; i < 12; i++) {
                memset(body, 'a' + i % 20, 3000);
                body[2999] = 0;
                TRY(put(t, catalog, "", arena_printf(&t->arena, "x%d", i % 7), body, &commit));
                TRY(catalog_put_secret(catalog, arena_strf(&t->arena, "f%d", i), str_of(body), &t->err));
        }
        for (int i = 0; i < 12; i += 2)
                TRY(catalog_put_secret(catalog, arena_strf(&t->arena, "f%d", i), STR(""), &t->err));
        return STATUS_OK;
}

TEST(one_flipped_bit_in_any_page_is_named_and_never_read) {
        const char *path = arena_printf(&t->arena, "%s/catalog.sqlite", test_folder(t));
        Str *damages = NULL;
        size_t count = 0;
        int64_t pages = 0;
        CHECK_OK(fill(t, path));
        CHECK_OK(catalog_check_sqlite(path, &t->arena, &damages, &count, &pages, &t->err));
        CHECK_INT(count, 0);
        CHECK(pages > 30);
        for (int64_t page = 0; page < pages; page++) {
                /* The first and the last bytes, and one in the middle that moves along. */
                const int64_t places[] = { 0, 4095, 100 + (page * 37) % 3900 };
                for (size_t i = 0; i < COUNT_OF(places); i++) {
                        int64_t place = page * 4096 + places[i];
                        CHECK_OK(flip_bit(path, place, (int)(page % 8), &t->err));
                        CHECK_OK(catalog_check_sqlite(path, &t->arena, &damages, &count, &pages, &t->err));
                        CHECK_INT(count, 1);
                        CHECK_STR(damages[0], arena_strf(&t->arena, "page %lld, at byte %lld, is not what was written",
                                                         (long long)page + 1, (long long)page * 4096));
                        CHECK_OK(flip_bit(path, place, (int)(page % 8), &t->err));
                }
        }
        CHECK_OK(catalog_check_sqlite(path, &t->arena, &damages, &count, &pages, &t->err));
        CHECK_INT(count, 0);
}

/* Whoever meets the damage on the way to an answer gets an error and no row. */
TEST(a_damaged_page_is_an_error_to_readers) {
        const char *path = arena_printf(&t->arena, "%s/catalog.sqlite", test_folder(t));
        CHECK_OK(fill(t, path));
        Str *damages = NULL;
        size_t count = 0;
        int64_t pages = 0, refused = 0;
        CHECK_OK(catalog_check_sqlite(path, &t->arena, &damages, &count, &pages, &t->err));
        for (int64_t page = 0; page < pages; page++) {
                CLEANUP(catalog_freep) Catalog *catalog = NULL;
                int64_t commits = 0;
                CHECK_OK(flip_bit(path, page * 4096 + 4000, 3, &t->err));
                Status status = catalog_open_sqlite(path, &catalog, &t->err);
                if (status == STATUS_OK)
                        status = catalog_verify_chain(catalog, &commits, &t->err);
                CHECK(status == STATUS_OK || status == STATUS_CORRUPT);
                refused += status == STATUS_CORRUPT;
                CHECK_OK(flip_bit(path, page * 4096 + 4000, 3, &t->err));
        }
        CHECK(refused > 10);
}

static Status zero_page(const char *path, int64_t page, Str *out_before, Arena *arena, Error *err) {
        CLEANUP(close_fdp) int fd = open(path, O_RDWR | O_CLOEXEC);
        static const char zeros[4096];
        char *before = arena_alloc_raw(arena, sizeof(zeros));
        if (fd < 0 || pread(fd, before, sizeof(zeros), page * 4096) != 4096 || pwrite(fd, zeros, sizeof(zeros), page * 4096) != 4096)
                return error_set(err, STATUS_IO, "cannot change page %lld", (long long)page);
        *out_before = (Str){ before, sizeof(zeros) };
        return STATUS_OK;
}

/* SQLite grows a file over pages that it freed before it ever wrote them. Anything else that is zero is lost. */
TEST(a_page_of_zeros_is_damage_unless_it_is_free_and_a_copy_has_no_damage) {
        const char *path = arena_printf(&t->arena, "%s/catalog.sqlite", test_folder(t));
        const char *copy = arena_printf(&t->arena, "%s/copy.sqlite", test_folder(t));
        Str *damages = NULL;
        size_t count = 0;
        int64_t pages = 0, fine = 0, commits = 0;
        CHECK_OK(fill(t, path));
        CHECK_OK(catalog_check_sqlite(path, &t->arena, &damages, &count, &pages, &t->err));
        for (int64_t page = 1; page < pages; page++) {
                CLEANUP(catalog_freep) Catalog *catalog = NULL;
                Str before;
                CHECK_OK(zero_page(path, page, &before, &t->arena, &t->err));
                CHECK_OK(catalog_check_sqlite(path, &t->arena, &damages, &count, &pages, &t->err));
                Status status = catalog_open_sqlite(path, &catalog, &t->err);
                if (status == STATUS_OK)
                        status = catalog_copy_sqlite(catalog, copy, &t->err);
                CHECK_STATUS(status, count ? STATUS_CORRUPT : STATUS_OK);
                if (status == STATUS_OK) {
                        CLEANUP(catalog_freep) Catalog *again = NULL;
                        fine++;
                        CHECK_OK(catalog_check_sqlite(copy, &t->arena, &damages, &count, &pages, &t->err));
                        CHECK_INT(count, 0);
                        CHECK_OK(catalog_open_sqlite(copy, &again, &t->err));
                        CHECK_OK(catalog_verify_chain(again, &commits, &t->err));
                        CHECK_INT(commits, 12);
                }
                unlink(copy);
                CLEANUP(close_fdp) int fd = open(path, O_RDWR | O_CLOEXEC);
                CHECK_INT(pwrite(fd, before.data, before.size, page * 4096), 4096);
        }
        CHECK(fine >= 3 && fine < 10); /* what the six builds that were removed had */
}
