/* SPDX-License-Identifier: Apache-2.0 */
#include "model/select.h"

static bool has_text(const Str *texts, size_t count, Str wanted) {
        for (size_t i = 0; i < count; i++)
                if (str_equal(texts[i], wanted))
                        return true;
        return false;
}

static bool has_tag(const Node *node, Str tag) {
        const Model *model = node->model;
        if (!model)
                return false;
        if (has_text(model->tags, model->tag_count, tag))
                return true;
        for (size_t i = 0; i < model->column_count; i++)
                if (has_text(model->columns[i].tags, model->columns[i].tag_count, tag))
                        return true;
        return false;
}

/* A word of one to three parts against a node: zone | zone.stage | zone.table | stage.table | zone.stage.table. */
static bool fits_name(const Node *node, Str word) {
        Str first, second, third, rest;
        if (!str_cut(word, '.', &first, &rest))
                return str_matches_glob(node->zone, word);
        bool three = str_cut(rest, '.', &second, &third);
        if (three)
                return str_matches_glob(node->zone, first) && str_matches_glob(node->stage, second) &&
                       str_matches_glob(node->table, third);
        bool in_zone = str_matches_glob(node->zone, first);
        if (in_zone && (str_matches_glob(node->stage, second) ||
                        (node->kind == NODE_SOURCE && str_matches_glob(node->table, second))))
                return true;
        return str_matches_glob(node->stage, first) && str_matches_glob(node->table, second);
}

static bool fits(const Node *node, Str word) {
        if (str_is(word, "changed"))
                return node->changed;
        if (str_is(word, "failed"))
                return node->failed;
        if (str_starts_with(word, STR("stage:")))
                return str_equal(node->stage, str_slice(word, 6, word.size));
        if (str_starts_with(word, STR("tag:")))
                return has_tag(node, str_slice(word, 4, word.size));
        return fits_name(node, word);
}

static bool may_be_empty(Str word) {
        static const char *const stages[] = { "stage:staging", "stage:canonical", "stage:analytical", "stage:egress" };
        for (size_t i = 0; i < COUNT_OF(stages); i++)
                if (str_is(word, stages[i]))
                        return true;
        return str_is(word, "changed") || str_is(word, "failed") || str_starts_with(word, STR("tag:"));
}

static Status nothing_fits(const Graph *graph, Str word, Error *err) {
        VEC(Str) names = { 0 };
        for (size_t i = 0; i < graph->count; i++) {
                const Node *node = graph->nodes[i];
                vec_push(graph->arena, &names, node->name);
                vec_push(graph->arena, &names, node->zone);
                vec_push(graph->arena, &names, node->table);
                vec_push(graph->arena, &names,
                         arena_strf(graph->arena, "%.*s.%.*s", STR_ARG(node->stage), STR_ARG(node->table)));
        }
        static const char *const words[] = { "changed",         "failed",           "stage:staging",
                                             "stage:canonical", "stage:analytical", "stage:egress" };
        for (size_t i = 0; i < COUNT_OF(words); i++)
                vec_push(graph->arena, &names, str_of(words[i]));

        Str near = str_nearest(word, names.items, names.count);
        error_set(err, STATUS_NOT_FOUND, "nothing in the project fits `%.*s`", STR_ARG(word));
        for (size_t i = 0; i < graph->count && near.size > 0; i++) /* a bare table's name is said whole */
                if (str_equal(near, graph->nodes[i]->table) && !str_equal(near, graph->nodes[i]->zone))
                        near = graph->nodes[i]->name;
        if (near.size > 0)
                return error_hint(err, "did you mean `%.*s`?", STR_ARG(near));
        return error_hint(
                err,
                "write a zone, ZONE.STAGE.TABLE, stage:NAME, tag:NAME, changed or failed, with + before or behind");
}

static void choose_up(Node *node, bool *chosen) {
        for (size_t i = 0; i < node->need_count; i++)
                if (!chosen[node->needs[i]->index]) {
                        chosen[node->needs[i]->index] = true;
                        choose_up(node->needs[i], chosen);
                }
}

static void choose_down(Node *node, bool *chosen) {
        for (size_t i = 0; i < node->needed_by_count; i++)
                if (!chosen[node->needed_by[i]->index]) {
                        chosen[node->needed_by[i]->index] = true;
                        choose_down(node->needed_by[i], chosen);
                }
}

static Status select_word(const Graph *graph, Str written, bool *chosen, Error *err) {
        Str word = written;
        bool up = str_starts_with(word, STR("+"));
        if (up)
                word = str_slice(word, 1, word.size);
        bool down = str_ends_with(word, STR("+"));
        if (down)
                word = str_slice(word, 0, word.size - 1);

        bool *fitting = ARENA_ARRAY(graph->arena, bool, graph->count + 1);
        size_t count = 0;
        for (size_t i = 0; i < graph->count; i++)
                count += fitting[i] = word.size > 0 && fits(graph->nodes[i], word);
        if (count == 0 && !may_be_empty(word))
                return nothing_fits(graph, word, err);

        /* each direction with marks of its own: what is marked has been walked */
        bool *above = ARENA_ARRAY(graph->arena, bool, graph->count + 1),
             *below = ARENA_ARRAY(graph->arena, bool, graph->count + 1);
        for (size_t i = 0; i < graph->count; i++) {
                if (!fitting[i])
                        continue;
                chosen[i] = true;
                if (up)
                        choose_up(graph->nodes[i], above);
                if (down)
                        choose_down(graph->nodes[i], below);
        }
        for (size_t i = 0; i < graph->count; i++)
                chosen[i] = chosen[i] || above[i] || below[i];
        return STATUS_OK;
}

Status select_nodes(const Graph *graph, const Str *words, size_t count, bool *chosen, Error *err) {
        bool *found = ARENA_ARRAY(graph->arena, bool, graph->count + 1);
        for (size_t i = 0; i < graph->count; i++)
                found[i] = count == 0;
        for (size_t i = 0; i < count; i++)
                TRY(select_word(graph, words[i], found, err));
        for (size_t i = 0; i < graph->count; i++)
                chosen[i] = chosen[i] || found[i];
        return STATUS_OK;
}
