/* SPDX-License-Identifier: Apache-2.0 */
#include "model/init.h"

#include "base/file.h"
#include "base/test.h"
#include "model/project.h"

TEST(a_new_project_loads_and_is_never_written_over) {
        const char *dir = arena_printf(&t->arena, "%s/My Shop", test_folder(t));
        InitReport report;
        CHECK_OK(init_project(&t->arena, dir, false, &report, &t->err));
        CHECK_STR(report.name, STR("my_shop"));
        CHECK(file_exists(path_join(&t->arena, dir, ".gitignore")));
        CHECK(file_exists(path_join(&t->arena, dir, "zones")));

        Project *project;
        CHECK_OK(project_load(&t->arena, dir, &project, &t->err));
        CHECK_OK(project_first_problem(project, &t->err));
        CHECK_STR(project->name, STR("my_shop"));
        CHECK_STATUS(init_project(&t->arena, dir, false, &report, &t->err), STATUS_EXISTS);
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
