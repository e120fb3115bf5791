/* SPDX-License-Identifier: Apache-2.0 */
#include "model/init.h"

#include "base/file.h"
#include "base/test.h"
#include "model/graph.h"

TEST(a_new_project_loads_and_is_never_written_over) {
        const char *dir = arena_printf(&t->arena, "%s/My Shop", test_folder(t));
        InitReport report;
        CHECK_OK(init_project(&t->arena, dir, false, &report, &t->err));
        CHECK_STR(report.name, STR("My_Shop"));
        CHECK(file_exists(path_join(&t->arena, dir, ".gitignore")));
        CHECK(file_exists(path_join(&t->arena, dir, "zones")));

        Project *project;
        CHECK_OK(project_load(&t->arena, dir, &project, &t->err));
        CHECK_OK(project_first_problem(project, &t->err));
        CHECK_STR(project->name, STR("My_Shop"));
        CHECK_STATUS(init_project(&t->arena, dir, false, &report, &t->err), STATUS_EXISTS);
}

TEST(a_zone_is_made_once) {
        const char *dir = arena_printf(&t->arena, "%s/shop", test_folder(t));
        InitReport report;
        Project *project;
        bool is_new;
        CHECK_OK(init_project(&t->arena, dir, false, &report, &t->err));
        CHECK_OK(init_zone(&t->arena, dir, STR("orders"), STR("ann"), &is_new, &t->err));
        CHECK(is_new);
        CHECK_OK(init_zone(&t->arena, dir, STR("orders"), STR("bo"), &is_new, &t->err));
        CHECK(!is_new);
        CHECK_OK(init_zone(&t->arena, dir, STR("stock"), STR(""), &is_new, &t->err));
        CHECK_STATUS(init_zone(&t->arena, dir, STR("Orders"), STR("bo"), &is_new, &t->err), STATUS_BAD_VALUE);
        CHECK_OK(project_load(&t->arena, dir, &project, &t->err));
        CHECK_OK(project_first_problem(project, &t->err));
        CHECK_STR(project_zone(project, STR("orders"))->owner, STR("ann"));
        CHECK_STR(project_zone(project, STR("stock"))->owner, STR(""));
        CHECK(file_exists(path_join(&t->arena, dir, "ingress/orders")));
}

TEST(a_file_in_the_way_stops_everything) {
        const char *dir = test_folder(t);
        CHECK_OK(file_write_text(path_join(&t->arena, dir, "README.md"), STR("mine"), &t->err));
        InitReport report;
        CHECK_STATUS(init_project(&t->arena, dir, true, &report, &t->err), STATUS_EXISTS);
        CHECK(!file_exists(path_join(&t->arena, dir, PROJECT_FILE)));
        CHECK(!file_exists(path_join(&t->arena, dir, "zones")));
}

TEST(the_demo_loads_without_a_problem) {
        const char *dir = arena_printf(&t->arena, "%s/demo", test_folder(t));
        InitReport report;
        CHECK_OK(init_project(&t->arena, dir, true, &report, &t->err));
        CHECK_INT(report.file_count, demo_file_count + 2);

        Project *project;
        CHECK_OK(project_load(&t->arena, dir, &project, &t->err));
        for (size_t i = 0; i < project->problems.errors.count; i++) {
                const Error *err = project->problems.errors.items[i];
                test_fail(t, __FILE__, __LINE__, "%s:%d:%d %s", err->file, err->line, err->column, err->message);
        }
        CHECK_STR(project->name, STR("demo"));
        CHECK_INT(project->zone_count, 3);
        size_t sources = 0, models = 0, views = 0;
        for (size_t i = 0; i < project->zone_count; i++) {
                sources += project->zones[i]->source_count;
                models += project->zones[i]->model_count;
                for (size_t k = 0; k < project->zones[i]->model_count; k++)
                        views += project->zones[i]->models[k]->kind == MODEL_VIEW;
        }
        CHECK_INT(sources, 8);
        CHECK_INT(models, 14);
        CHECK_INT(views, 2);
}

/* What follows `from` and `join`, which is enough for the demo's own SQL; the real reader is the sql room's. */
static size_t relations_of(Test *t, const Model *model, GraphRelation *out) {
        size_t count = 0;
        Str before = STR("");
        for (size_t at = 0; at < model->body.size;) {
                size_t end = at;
                while (end < model->body.size && !char_is_one_of(model->body.data[end], " \n()"))
                        end++;
                Str word = str_slice(model->body, at, end), zone, stage, name;
                bool named = (str_is(before, "from") || str_is(before, "join")) && str_find_byte(word, '.') < word.size;
                if (named) {
                        if (!str_cut(word, '.', &zone, &name))
                                test_fail(t, __FILE__, __LINE__, "%s", model->path);
                        bool three = str_cut(name, '.', &stage, &name);
                        out[count++] = (GraphRelation){ .zone = three ? zone : STR(""),
                                                        .stage = three ? stage : zone,
                                                        .name = three ? name
                                                                      : str_slice(word, zone.size + 1, word.size),
                                                        .offset = at };
                }
                if (word.size > 0)
                        before = word;
                at = end + 1;
        }
        return count;
}

TEST(the_models_of_the_demo_need_only_what_is_there_and_granted) {
        const char *dir = arena_printf(&t->arena, "%s/demo", test_folder(t));
        InitReport report;
        Project *project;
        CHECK_OK(init_project(&t->arena, dir, true, &report, &t->err));
        CHECK_OK(project_load(&t->arena, dir, &project, &t->err));

        Graph *graph = graph_new(&t->arena);
        for (size_t i = 0; i < project->zone_count; i++) {
                const Zone *zone = project->zones[i];
                for (size_t k = 0; k < zone->source_count; k++)
                        graph_add_source(graph, zone->sources[k]);
                for (size_t k = 0; k < zone->model_count; k++) {
                        GraphRelation relations[16];
                        size_t count = relations_of(t, zone->models[k], relations);
                        CHECK(count > 0);
                        graph_add_model(graph, zone->models[k], relations, count, sha256_of(zone->models[k]->body));
                }
        }
        if (!graph_link(graph, project, &project->problems))
                test_fail(t, __FILE__, __LINE__, "%s %s", project->problems.errors.items[0]->file,
                          project->problems.errors.items[0]->message);
        CHECK_INT(graph->count, 22);
        CHECK_INT(graph_node(graph, STR("finance.analytical.margin_by_project"))->depth, 5);
}
