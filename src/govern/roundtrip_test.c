/* SPDX-License-Identifier: Apache-2.0 */
/* print(parse(q)) is the same tree as q, for every statement of tests/sql/corpus.sql: JSON against JSON, so that what
 * our tree forgot would show. */
#include "base/json.h"
#include "govern/test_world.h"
#include "sql/printer.h"

#define NO_LOCATION "18446744073709551615"

static Status json_of(Str text, Arena *arena, Json **out, Error *err) {
        char *copy = arena_cstr(arena, text);
        for (char *at = copy; (at = strstr(at, NO_LOCATION));)
                memcpy(at, "-1                  ", sizeof(NO_LOCATION) - 1);
        return json_parse((Str){ copy, text.size }, "tree", arena, out, err);
}

static bool is_place(Str key) {
        return str_is(key, "query_location") || str_is(key, "query_location_length");
}

/* Equal but for places, and for the alias that an argument may have beside its name. */
static bool same_tree(const Json *a, const Json *b, bool named) {
        if (a->kind != b->kind || json_count(a) != json_count(b))
                return false;
        if (a->kind == JSON_INTEGER)
                return a->integer == b->integer;
        if (a->kind == JSON_REAL)
                return a->real == b->real;
        if (a->kind == JSON_STRING)
                return str_equal(a->string, b->string);
        for (size_t i = 0; a->kind == JSON_ARRAY && i < json_count(a); i++)
                if (!same_tree(json_at(a, i), json_at(b, i), false))
                        return false;
        bool argument = json_string(json_get(a, "name")).size > 0;
        for (size_t i = 0; a->kind == JSON_OBJECT && i < json_count(a); i++) {
                Str key = a->object.keys[i];
                if (!str_equal(key, b->object.keys[i]))
                        return false;
                if (is_place(key) || (named && str_is(key, "alias")))
                        continue;
                if (!same_tree(a->object.values[i], b->object.values[i], argument && str_is(key, "expression")))
                        return false;
        }
        return true;
}

static void check_statement(Test *t, Worker *worker, Str sql) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error err = { 0 };
        Str before, after = STR_NONE;
        SqlTree *tree;
        Json *a, *b;
        if (worker_parse(worker, sql, &arena, &before, &err) != STATUS_OK ||
            sql_tree_read(before, sql, STR_NONE, &arena, &tree, &err) != STATUS_OK) {
                test_fail(t, __FILE__, __LINE__, "%.*s: %s", STR_ARG(sql), err.message);
                return;
        }
        Str printed = sql_print(&arena, tree->query);
        if (!str_equal(printed, sql_print(&arena, sql_query_copy(&arena, tree->query))))
                test_fail(t, __FILE__, __LINE__, "%.*s: its copy prints otherwise", STR_ARG(sql));
        if (worker_parse(worker, printed, &arena, &after, &err) != STATUS_OK ||
            json_of(before, &arena, &a, &err) != STATUS_OK || json_of(after, &arena, &b, &err) != STATUS_OK)
                test_fail(t, __FILE__, __LINE__, "%.*s prints as %.*s: %s", STR_ARG(sql), STR_ARG(printed),
                          err.message);
        else if (!same_tree(a, b, false))
                test_fail(t, __FILE__, __LINE__, "%.*s prints as another tree: %.*s", STR_ARG(sql), STR_ARG(printed));
}

/* The next statement: up to a semicolon at the end of a line, without comment lines before it. */
static bool next_statement(Str *rest, Str *out) {
        Str line;
        while (str_starts_with(*rest, STR("--")) || str_starts_with(*rest, STR("\n")))
                str_cut(*rest, '\n', &line, rest);
        size_t end = str_find(*rest, STR(";\n"));
        *out = str_slice(*rest, 0, end);
        *rest = str_slice(*rest, end + 2, rest->size);
        return out->size > 0;
}

TEST(every_form_of_the_corpus_comes_back_as_the_same_tree) {
        CLEANUP(world_deinit) World world = { 0 };
        Str rest, sql;
        const char *path = arena_printf(&t->arena, "%s/../../tests/sql/corpus.sql", path_dir(&t->arena, __FILE__));
        if (!file_exists(path)) {
                test_skip(t, "tests/sql/corpus.sql is not beside the build folder");
                return;
        }
        CHECK_OK(file_read(path, 1u << 20, &t->arena, &rest, &t->err));
        CHECK_OK(world_start(t, &world));
        size_t count = 0;
        while (next_statement(&rest, &sql)) {
                check_statement(t, world.worker, sql);
                count++;
        }
        CHECK(count > 300);
}
