/* SPDX-License-Identifier: Apache-2.0 */
#include "model/select.h"

#include "base/test.h"

static Model *model_of(Test *t, const char *zone, ModelStage stage, const char *name, const char *head,
                       Problems *problems) {
        return model_parse(&t->arena, str_of(zone), stage, str_of(name), "x.sql",
                           arena_strf(&t->arena, "%sselect 1", head), problems);
}

/* crm: people -> customer -> egress.customer;  shop: orders -> order -> sales, and sales reads crm's product */
static Graph *small_graph(Test *t) {
        Problems problems = { .arena = &t->arena };
        Graph *graph = graph_new(&t->arena);
        Sha256 tree = sha256_of(STR("x"));
        GraphRelation people = { .stage = STR("staging"), .name = STR("people") },
                      customer = { .stage = STR("canonical"), .name = STR("customer") };
        GraphRelation orders = { .stage = STR("staging"), .name = STR("orders") };
        GraphRelation sales[] = { { .stage = STR("canonical"), .name = STR("order") },
                                  { STR("crm"), STR("egress"), STR("customer"), 0 } };
        graph_add_source(graph, source_new(&t->arena, STR("crm"), STR("people")));
        graph_add_source(graph, source_new(&t->arena, STR("shop"), STR("orders")));
        graph_add_model(graph,
                        model_of(t, "crm", STAGE_CANONICAL, "customer", "-- column mail: text, tag pii\n", &problems),
                        &people, 1, tree);
        graph_add_model(graph, model_of(t, "crm", STAGE_EGRESS, "customer", "", &problems), &customer, 1, tree);
        graph_add_model(graph, model_of(t, "shop", STAGE_CANONICAL, "order", "-- tag: money\n", &problems), &orders, 1,
                        tree);
        graph_add_model(graph, model_of(t, "shop", STAGE_ANALYTICAL, "sales", "", &problems), sales, 2, tree);
        graph_link(graph, NULL, &problems);
        graph_node(graph, STR("shop.canonical.order"))->changed = true;
        return graph;
}

TEST(words_choose_nodes) {
        static const struct {
                const char *words;
                const char *chosen; /* first letters of zone, stage and name, in build order */
        } cases[] = {
                { "", "csp sso ccc sco cec sas" },
                { "shop", "sso sco sas" },
                { "shop.canonical", "sco" },
                { "shop.canonical.order", "sco" },
                { "canonical.order", "sco" },
                { "shop.orders", "sso" },
                { "shop.staging.orders", "sso" },
                { "stage:canonical", "ccc sco" },
                { "tag:pii", "ccc" },
                { "tag:money", "sco" },
                { "tag:nothing", "" },
                { "changed", "sco" },
                { "changed+", "sco sas" },
                { "failed", "" },
                { "+shop.analytical.sales", "csp sso ccc sco cec sas" },
                { "+canonical.order", "sso sco" },
                { "crm.people+", "csp ccc cec sas" },
                { "+crm.canonical.customer+", "csp ccc cec sas" },
                { "crm.canonical.*", "ccc" },
                { "shop.orders tag:pii", "sso ccc" },
        };
        Graph *graph = small_graph(t);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Str words[4];
                size_t count = 0;
                Str rest = str_of(cases[i].words);
                for (bool more = rest.size > 0; more;)
                        more = str_cut(rest, ' ', &words[count++], &rest);
                bool chosen[16] = { 0 };
                CHECK_OK(select_nodes(graph, words, count, chosen, &t->err));
                CLEANUP(buf_deinit) Buf got = { 0 };
                for (size_t k = 0; k < graph->count; k++)
                        if (chosen[k])
                                buf_printf(&got, "%s%c%c%c", got.size ? " " : "", graph->nodes[k]->zone.data[0],
                                           graph->nodes[k]->stage.data[0], graph->nodes[k]->table.data[0]);
                if (!str_is(buf_view(&got), cases[i].chosen))
                        test_fail(t, __FILE__, __LINE__, "'%s' chooses '%.*s'", cases[i].words,
                                  STR_ARG(buf_view(&got)));
        }
}

TEST(a_word_that_fits_nothing_gets_a_guess) {
        static const struct {
                const char *word, *hint;
        } cases[] = {
                { "shp", "`shop`" },
                { "shop.canonical.ordr", "`shop.canonical.order`" },
                { "sales", "`shop.analytical.sales`" },
                { "chnged", "`changed`" },
                { "stage:gold", "" },
                { "+", "" },
        };
        Graph *graph = small_graph(t);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Str word = str_of(cases[i].word);
                bool chosen[16] = { 0 };
                CHECK_STATUS(select_nodes(graph, &word, 1, chosen, &t->err), STATUS_NOT_FOUND);
                if (!strstr(t->err.hint, cases[i].hint))
                        test_fail(t, __FILE__, __LINE__, "'%s': %s", cases[i].word, t->err.hint);
                for (size_t k = 0; k < graph->count; k++)
                        CHECK(!chosen[k]);
        }
}
