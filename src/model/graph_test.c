/* SPDX-License-Identifier: Apache-2.0 */
#include "model/graph.h"

#include "base/test.h"

typedef struct Sketch {
        const char *zone, *stage, *name;
        const char *needs; /* blanks between; as written in the SQL */
} Sketch;

static void add_sketch(Test *t, Graph *graph, const Sketch *sketch, Problems *problems) {
        Arena *arena = &t->arena;
        if (strcmp(sketch->stage, "staging") == 0) {
                graph_add_source(graph, source_new(arena, str_of(sketch->zone), str_of(sketch->name)));
                return;
        }
        ModelStage stage = STAGE_CANONICAL;
        stage_parse(str_of(sketch->stage), &stage);
        const char *path = arena_printf(arena, "zones/%s/%s/%s.sql", sketch->zone, sketch->stage, sketch->name);
        Str text = arena_strf(arena, "-- about: a test\nselect %s", sketch->needs);
        Model *model = model_parse(arena, str_of(sketch->zone), stage, str_of(sketch->name), path, text, problems);

        GraphRelation relations[8];
        size_t count = 0;
        Str word, rest = str_of(sketch->needs);
        bool more = rest.size > 0;
        while (more) {
                more = str_cut(rest, ' ', &word, &rest);
                Str parts[3] = { 0 };
                size_t parts_count = 0;
                Str tail = word;
                for (bool cut = true; cut && parts_count < 3;)
                        cut = str_cut(tail, '.', &parts[parts_count++], &tail);
                GraphRelation relation = { .offset = (size_t)(word.data - sketch->needs) + strlen("-- about: a test\nselect ") };
                relation.name = parts[parts_count - 1];
                relation.stage = parts_count > 1 ? parts[parts_count - 2] : STR("");
                relation.zone = parts_count > 2 ? parts[0] : STR("");
                relations[count++] = relation;
        }
        graph_add_model(graph, model, relations, count, sha256_of(text));
}

static Graph *sketch_graph(Test *t, const Sketch *sketches, size_t count, Problems *problems) {
        *problems = (Problems){ .arena = &t->arena };
        Graph *graph = graph_new(&t->arena);
        for (size_t i = 0; i < count; i++)
                add_sketch(t, graph, &sketches[i], problems);
        return graph;
}

TEST(models_come_after_what_they_read) {
        static const Sketch sketches[] = {
                { "shop", "analytical", "sales", "canonical.order canonical.customer staging.orders" },
                { "shop", "canonical", "order", "staging.orders Shop.STAGING.orders canonical.customer" },
                { "shop", "canonical", "customer", "crm.egress.customer" },
                { "crm", "egress", "customer", "staging.people" },
                { "shop", "staging", "orders", "" },
                { "crm", "staging", "people", "" },
        };
        static const char *const order[] = {
                "crm.staging.people",      "shop.staging.orders",  "crm.egress.customer",
                "shop.canonical.customer", "shop.canonical.order", "shop.analytical.sales"
        };
        Problems problems;
        Graph *graph = sketch_graph(t, sketches, COUNT_OF(sketches), &problems);
        CHECK(graph_link(graph, NULL, &problems));
        CHECK_INT(graph->count, COUNT_OF(order));
        for (size_t i = 0; i < COUNT_OF(order); i++) {
                CHECK_STR(graph->nodes[i]->name, str_of(order[i]));
                CHECK_INT(graph->nodes[i]->index, i);
        }
        CHECK_INT(graph_node(graph, STR("shop.canonical.order"))->need_count, 2); /* twice written, once counted */
        CHECK_INT(graph_node(graph, STR("shop.staging.orders"))->needed_by_count, 2);
}

TEST(a_circle_is_named_with_its_files) {
        static const Sketch sketches[] = {
                { "shop", "canonical", "a", "canonical.b" }, { "shop", "canonical", "b", "staging.orders canonical.c" },
                { "shop", "canonical", "c", "canonical.a" }, { "shop", "canonical", "d", "canonical.a" },
                { "shop", "staging", "orders", "" },
        };
        Problems problems;
        Graph *graph = sketch_graph(t, sketches, COUNT_OF(sketches), &problems);
        CHECK(!graph_link(graph, NULL, &problems));
        CHECK_INT(problems.errors.count, 1);
        const Error *err = problems.errors.items[0];
        CHECK_INT(err->status, STATUS_CYCLE);
        CHECK(strstr(err->message, "zones/shop/canonical/a.sql needs zones/shop/canonical/b.sql needs "
                                   "zones/shop/canonical/c.sql needs "
                                   "zones/shop/canonical/a.sql") != NULL);
        CHECK_STR(str_of(err->file), STR("zones/shop/canonical/a.sql"));
        CHECK_INT(err->line, 2);
        CHECK_INT(err->column, 8);

        static const Sketch self[] = { { "shop", "canonical", "a", "canonical.a" } };
        graph = sketch_graph(t, self, COUNT_OF(self), &problems);
        CHECK(!graph_link(graph, NULL, &problems));
        CHECK_INT(problems.errors.items[0]->status, STATUS_CYCLE);
}

TEST(a_table_that_is_not_there_is_guessed) {
        static const struct {
                const char *needs;
                Status status;
                const char *hint;
        } cases[] = {
                { "staging.order", STATUS_NO_TABLE, "`staging.orders`" },
                { "orders", STATUS_NO_TABLE, "staging.orders" },
                { "canonical.orders", STATUS_NO_TABLE, "`staging.orders`" },
                { "crm.egress.custmer", STATUS_NO_TABLE, "`crm.egress.customer`" },
                { "nothing.like_it", STATUS_NO_TABLE, "lode show table" },
                { "crm.staging.people", STATUS_DENIED, "zones/crm/egress/people.sql" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                const Sketch sketches[] = {
                        { "shop", "canonical", "x", cases[i].needs },
                        { "shop", "staging", "orders", "" },
                        { "crm", "staging", "people", "" },
                        { "crm", "egress", "customer", "staging.people" },
                };
                Problems problems;
                Graph *graph = sketch_graph(t, sketches, COUNT_OF(sketches), &problems);
                CHECK(!graph_link(graph, NULL, &problems));
                const Error *err = problems.errors.items[0];
                if (problems.errors.count != 1 || err->status != cases[i].status || err->line != 2 ||
                    err->column != 8 || !strstr(err->hint, cases[i].hint))
                        test_fail(t, __FILE__, __LINE__, "case %zu: %s at %d:%d: %s (%s)", i, status_name(err->status),
                                  err->line, err->column, err->message, err->hint);
        }
}

TEST(a_product_is_read_by_those_whom_a_rule_names) {
        static const Sketch sketches[] = {
                { "shop", "canonical", "x", "crm.egress.customer" },
                { "crm", "egress", "customer", "staging.people" },
                { "crm", "staging", "people", "" },
        };
        static const struct {
                const char *rules;
                bool whole;
        } cases[] = {
                { "rules:\n- {who: [zone shop], on: [egress.customer]}\n", true },
                { "rules:\n- {who: [zone shop], on: [egress.*]}\n", true },
                { "rules:\n- {who: everyone, on: [egress.customer]}\n", true },
                { "rules:\n- {who: [zone else], on: [egress.customer]}\n", false },
                { "rules:\n- {who: [zone shop], on: [canonical.*]}\n", false },
                { "", false },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Problems problems;
                Graph *graph = sketch_graph(t, sketches, COUNT_OF(sketches), &problems);
                Zone zone = { .name = STR("crm") };
                Zone *zones[] = { &zone };
                Project project = { .zones = zones, .zone_count = 1 };
                access_parse(&t->arena, "access.yml", str_of(cases[i].rules), &problems, &zone.access);
                CHECK_INT(graph_link(graph, &project, &problems), cases[i].whole);
        }
}

static Sha256 fingerprint_of(Test *t, const char *order_needs, const char *column) {
        Problems problems = { .arena = &t->arena };
        Graph *graph = graph_new(&t->arena);
        graph_add_source(graph,
                         source_parse(&t->arena, STR("shop"), STR("orders"), "x.yml",
                                      arena_strf(&t->arena, "from: ingress/x\ncolumns: {a: %s}\n", column), &problems));
        const Sketch sketches[] = { { "shop", "canonical", "order", order_needs },
                                    { "shop", "analytical", "sales", "canonical.order" } };
        for (size_t i = 0; i < COUNT_OF(sketches); i++)
                add_sketch(t, graph, &sketches[i], &problems);
        graph_link(graph, NULL, &problems);
        return graph_node(graph, STR("shop.analytical.sales"))->fingerprint;
}

TEST(a_fingerprint_changes_with_all_that_is_upstream) {
        Sha256 one = fingerprint_of(t, "staging.orders", "int"), same = fingerprint_of(t, "staging.orders", "int");
        Sha256 source = fingerprint_of(t, "staging.orders", "bigint"),
               model = fingerprint_of(t, "staging.orders staging.orders", "int");
        CHECK(memcmp(&one, &same, sizeof(one)) == 0);
        CHECK(memcmp(&one, &source, sizeof(one)) != 0);
        CHECK(memcmp(&one, &model, sizeof(one)) != 0);
}

TEST(a_thousand_models_in_a_chain_are_ordered) {
        Problems problems = { .arena = &t->arena };
        Graph *graph = graph_new(&t->arena);
        for (int i = 0; i < 1000; i++) {
                Sketch sketch = { "shop", "canonical", arena_printf(&t->arena, "m%d", i),
                                  i ? arena_printf(&t->arena, "canonical.m%d", i - 1) : "" };
                add_sketch(t, graph, &sketch, &problems);
        }
        CHECK(graph_link(graph, NULL, &problems));
        CHECK_STR(graph->nodes[999]->name, STR("shop.canonical.m999"));
}
