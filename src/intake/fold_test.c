/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/fold.h"

#include "base/test.h"

/* What the statement gives is judged by tests/test_loads.py; here, what must be in it and what must not. */

typedef struct Fixture {
        Feed feed;
        Table log, table;
        LakeColumn columns[5];
        Str key, order;
} Fixture;

static void fixture_make(Fixture *f) {
        *f = (Fixture){ .columns = { { .name = STR("id"), .id = 1, .type = { .kind = TYPE_INT } },
                                     { .name = STR("it's \"t\""), .id = 2, .type = { .kind = TYPE_TEXT } },
                                     { .name = STR("at"), .id = 3, .type = { .kind = TYPE_TIMESTAMP } },
                                     { .name = STR("_file"), .id = 4, .type = { .kind = TYPE_BIGINT }, .hidden = true },
                                     { .name = STR("_row"), .id = 5, .type = { .kind = TYPE_BIGINT }, .hidden = true } },
                        .key = STR("ID"), .order = STR("at") };
        f->feed = (Feed){ .load = FEED_MERGE, .key = { &f->key, 1 }, .order_by = { &f->order, 1 } };
        f->log.body.columns = f->table.body.columns = f->columns;
        f->log.body.column_count = f->table.body.column_count = COUNT_OF(f->columns);
}

static Str print(Test *t, const FoldSpec *spec) {
        CLEANUP(buf_deinit) Buf sql = { 0 };
        fold_print(&sql, spec, &t->arena);
        return buf_dup(&sql, &t->arena);
}

static bool has(Str sql, const char *text) {
        return str_find(sql, str_of(text)) < sql.size;
}

TEST(names_and_values_of_users_are_quoted) {
        Fixture f;
        fixture_make(&f);
        Str value = STR("'); drop");
        f.feed.gone = (FeedGone){ FEED_GONE_IN, f.columns[1].name, { &value, 1 } };
        FoldSpec spec = { .feed = &f.feed, .log = &f.log, .table = &f.table };
        Str sql = print(t, &spec);
        CHECK(has(sql, "\"it's \"\"t\"\"\""));
        CHECK(has(sql, "c1 IN (CAST('''); drop' AS VARCHAR))"));
}

TEST(the_newest_is_told_by_order_time_name_content_and_record) {
        Fixture f;
        fixture_make(&f);
        Delivery rows[] = { { .id = 7, .name = STR("b"), .sha256 = STR("1"), .landed_us = 1 },
                            { .id = 8, .name = STR("a"), .sha256 = STR("2"), .landed_us = 2 } };
        OrderedDelivery order[2];
        order_look(&f.feed, rows, 2, order);
        qsort(order, 2, sizeof(*order), order_compare);
        CHECK_INT(order[0].delivery->id, 8); /* rows say which is newer, so when they landed does not count */
        FoldSpec spec = { .feed = &f.feed, .log = &f.log, .table = &f.table, .deliveries = order, .delivery_count = 2 };
        Str sql = print(t, &spec);
        CHECK(has(sql, "(8::BIGINT, 0, 0::BIGINT), (7::BIGINT, 1, 0::BIGINT)"));
        CHECK(has(sql, "PARTITION BY c0 ORDER BY c2 DESC NULLS LAST, place DESC, r DESC"));
        CHECK(!has(sql, "ANTI JOIN"));

        f.feed.as_of.kind = AS_OF_LANDED;
        order_look(&f.feed, rows, 2, order);
        qsort(order, 2, sizeof(*order), order_compare);
        CHECK_INT(order[0].delivery->id, 7);
}

/* The statements of a part, of a change feed or of snapshots that follow. */
TEST(rows_that_stay_are_told_from_those_that_go) {
        Str old[] = { STR("g/1.parquet"), STR("g/2.parquet") }, new = STR("g/3.parquet");
        FoldPlace from = { 7, 1 }, until = { 9, 2 };
        FoldParts parts = { .made = STR("out/made"), .gone = STR("out/gone"), .fresh = STR("out/fresh"), .rewritten = &old[1], .rewritten_count = 1,
                            .from = &from, .until = &until };
        Fixture f;
        fixture_make(&f);
        FoldSpec spec = { .feed = &f.feed, .log = &f.log, .table = &f.table, .old_files = old, .old_count = 2, .new_files = &new, .new_count = 1,
                          .touched_only = true };
        CLEANUP(buf_deinit) Buf sql = { 0 };
        fold_gone_print(&sql, &spec, &parts, &t->arena);
        CHECK(has(buf_view(&sql), "USING (\"id\")) AS o ANTI JOIN read_parquet(['out/made']"));
        CHECK(!has(buf_view(&sql), "_valid_to"));

        buf_clear(&sql);
        fold_touched_print(&sql, &spec, &parts);
        CHECK(has(buf_view(&sql), "schema=MAP {4: {name: '_file', type: 'BIGINT', default_value: NULL}, 5: {name: '_row'"));

        buf_clear(&sql);
        fold_rows_print(&sql, &spec, &parts, &t->arena);
        CHECK(!has(buf_view(&sql), "g/1.parquet"));
        CHECK(has(buf_view(&sql), "\"_file\" >= 7 AND (\"_file\" <> 7 OR \"_row\" >= 1) AND \"_file\" <= 9 AND (\"_file\" <> 9 OR \"_row\" < 2)"));
        until.file = 7;
        buf_clear(&sql);
        fold_rows_print(&sql, &spec, &parts, &t->arena);
        CHECK(has(buf_view(&sql), "\"_file\" = 7 AND \"_row\" >= 1 AND \"_row\" < 2"));

        f.feed.load = FEED_HISTORY; /* a row that ends is another one */
        spec.touched_only = false;
        spec.follows = true;
        buf_clear(&sql);
        fold_fresh_print(&sql, &spec, &parts, &t->arena);
        CHECK(has(buf_view(&sql), "\"_valid_to\" IS NULL) AS o ON"));
        CHECK(has(buf_view(&sql), "o.\"_valid_to\" IS NOT DISTINCT FROM n.\"_valid_to\""));
}

TEST(a_snapshot_touches_keys_that_it_does_not_name) {
        Fixture f;
        fixture_make(&f);
        CHECK(!fold_needs_all(&f.feed));
        f.feed.load = FEED_HISTORY;
        CHECK(!fold_needs_all(&f.feed)); /* a change feed */
        f.feed.order_by.count = 0;
        CHECK(fold_needs_all(&f.feed));
        f.feed.absent = FEED_ABSENT_KEEP;
        CHECK(!fold_needs_all(&f.feed));
}
