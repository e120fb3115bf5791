/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "base/vec.h"
#include "cli/quarantine.h"
#include "cli/shapes.h"
#include "cli/show.h"
#include "lake/table.h"
#include "model/grant.h"
#include "model/statement.h"

/* ---- the list ---- */

/* One line of the list: a table, or a view (rows unknown). */
typedef struct Listed {
        Str zone, stage, table, kind;
        int64_t rows, files, bytes;
        Str commit;
        int64_t changed_us;
} Listed;

static int by_place(const void *a, const void *b) {
        static const char *const stages[] = { "staging", "canonical", "analytical", "egress" };
        const Listed *x = a, *y = b;
        int order = str_compare(x->zone, y->zone);
        if (order)
                return order;
        size_t i = 0, j = 0;
        while (i < COUNT_OF(stages) && !str_is(x->stage, stages[i]))
                i++;
        while (j < COUNT_OF(stages) && !str_is(y->stage, stages[j]))
                j++;
        return i != j ? (i < j ? -1 : 1) : str_compare(x->table, y->table);
}

static Status list_tables(Show *s, Listed **out, size_t *out_count, Error *err) {
        VEC(Listed) rows = { 0 };
        Table *tables;
        CatalogObject *views;
        size_t count, view_count;
        TRY(lake_tables(s->workspace->lake, s->at, STR("table"), STR(""), s->arena, &tables, &count, err));
        for (size_t i = 0; i < count; i++) {
                Listed row = { .zone = tables[i].zone, .kind = str_is(tables[i].body.kind, "model") ? STR("table") : tables[i].body.kind,
                               .rows = tables[i].body.rows, .files = tables[i].body.files, .bytes = tables[i].body.bytes,
                               .commit = tables[i].commit, .changed_us = tables[i].changed_us };
                str_cut(tables[i].name, '.', &row.stage, &row.table);
                vec_push(s->arena, &rows, row);
        }
        TRY(catalog_list(s->workspace->lake->catalog, s->at, STR("view"), STR(""), s->arena, &views, &view_count, err));
        for (size_t i = 0; i < view_count; i++) {
                Listed row = { .zone = views[i].zone, .kind = STR("view"), .rows = -1, .commit = views[i].commit, .changed_us = views[i].changed_us };
                str_cut(views[i].name, '.', &row.stage, &row.table);
                vec_push(s->arena, &rows, row);
        }
        if (rows.count)
                qsort(rows.items, rows.count, sizeof(Listed), by_place);
        *out = rows.items;
        *out_count = rows.count;
        return STATUS_OK;
}

static bool listed_in(Str scope, const Listed *row) {
        Str zone, stage;
        bool both = str_cut(scope, '.', &zone, &stage);
        return scope.size == 0 || (str_equal(zone, row->zone) && (!both || str_equal(stage, row->stage)));
}

static Status show_tables(Show *s, Str scope, Error *err) {
        Listed *rows;
        size_t count;
        TRY(list_tables(s, &rows, &count, err));
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        Str headers[] = { STR("table"), STR("kind"), STR("rows"), STR("files"), STR("size"), STR("changed") };
        TextTable *table = text_table_new(s->arena, headers, COUNT_OF(headers));
        for (size_t i = 2; i < 5; i++)
                text_table_right(table, i);
        json_array(&w);
        for (size_t i = 0; i < count; i++) {
                const Listed *r = &rows[i];
                if (!listed_in(scope, r))
                        continue;
                json_object(&w);
                json_member_str(&w, "zone", r->zone);
                json_member_str(&w, "stage", r->stage);
                json_member_str(&w, "table", r->table);
                json_member_str(&w, "kind", r->kind);
                shape_count(&w, "rows", r->rows);
                json_member_int(&w, "files", r->files);
                json_member_int(&w, "bytes", r->bytes);
                json_member_str(&w, "commit", r->commit);
                json_member_str(&w, "changed_at", time_print_us(s->arena, r->changed_us));
                json_end(&w);
                bool is_view = r->rows < 0;
                text_table_row(table, (Str[]){ arena_strf(s->arena, "%.*s.%.*s.%.*s", STR_ARG(r->zone), STR_ARG(r->stage), STR_ARG(r->table)), r->kind,
                                               is_view ? STR("") : count_print(s->arena, r->rows), is_view ? STR("") : count_print(s->arena, r->files),
                                               is_view ? STR("") : bytes_print(s->arena, (uint64_t)r->bytes),
                                               str_slice(time_print_us(s->arena, r->changed_us), 0, 19) });
        }
        json_end(&w);
        if (cli_json(s->cli))
                output_json(&json);
        else if (text_table_rows(table))
                text_table_print(table, &s->cli->output, stdout);
        else
                puts("no tables yet: lode run");
        return STATUS_OK;
}

/* ---- one table, whole ---- */

typedef struct Whole {
        Str full, kind, about, metadata;
        int64_t snapshot, rows, files, bytes;
        VEC(LakeColumn) columns;
        Str **tags; /* of each column, and how many */
        size_t *tag_counts;
        const LakeLineage *lineage;
        size_t lineage_count;
        VEC(Str) needs, needed_by;
} Whole;

/* Reverse edges: tables and views whose inputs name this one. */
static Status collect_needed_by(Show *s, Whole *whole, Error *err) {
        Table *tables;
        CatalogObject *views;
        size_t count, view_count;
        TRY(lake_tables(s->workspace->lake, s->at, STR("table"), STR(""), s->arena, &tables, &count, err));
        for (size_t i = 0; i < count; i++)
                for (size_t j = 0; j < tables[i].body.input_count; j++)
                        if (str_equal(tables[i].body.inputs[j].table, whole->full))
                                vec_push(s->arena, &whole->needed_by, table_full_name(s->arena, &tables[i]));
        TRY(catalog_list(s->workspace->lake->catalog, s->at, STR("view"), STR(""), s->arena, &views, &view_count, err));
        for (size_t i = 0; i < view_count; i++) {
                ViewBody view;
                TRY(view_body_parse(views[i].body, s->arena, &view, err));
                for (size_t j = 0; j < view.input_count; j++)
                        if (str_equal(view.inputs[j].table, whole->full))
                                vec_push(s->arena, &whole->needed_by, arena_strf(s->arena, "%.*s.%.*s", STR_ARG(views[i].zone), STR_ARG(views[i].name)));
        }
        return STATUS_OK;
}

static void whole_of_table(Show *s, const Table *table, Whole *whole) {
        const TableBody *body = &table->body;
        whole->kind = str_is(body->kind, "model") ? STR("table") : body->kind;
        whole->about = body->about;
        whole->metadata = body->metadata_location;
        whole->snapshot = body->snapshot;
        whole->rows = body->rows;
        whole->files = body->files;
        whole->bytes = body->bytes;
        for (size_t i = 0; i < body->column_count; i++)
                if (!body->columns[i].hidden)
                        vec_push(s->arena, &whole->columns, body->columns[i]);
        whole->lineage = body->lineage;
        whole->lineage_count = body->lineage_count;
        for (size_t i = 0; i < body->input_count; i++)
                vec_push(s->arena, &whole->needs, body->inputs[i].table);
}

static Status whole_of_view(Show *s, const CatalogObject *object, Whole *whole, Error *err) {
        ViewBody view;
        TRY(view_body_parse(object->body, s->arena, &view, err));
        whole->kind = STR("view");
        whole->about = view.about;
        whole->rows = -1;
        for (size_t i = 0; i < view.column_count; i++)
                vec_push(s->arena, &whole->columns, (LakeColumn){ .name = view.column_names[i], .type = view.column_types[i] });
        whole->lineage = view.lineage;
        whole->lineage_count = view.lineage_count;
        for (size_t i = 0; i < view.input_count; i++)
                vec_push(s->arena, &whole->needs, view.inputs[i].table);
        return STATUS_OK;
}

static Status unknown_table(Show *s, Str name, Error *err) {
        Listed *rows;
        size_t count;
        Error ignored;
        error_set(err, STATUS_NO_TABLE, "there is no table '%.*s'", STR_ARG(name));
        if (list_tables(s, &rows, &count, &ignored) != STATUS_OK)
                return err->status;
        Str *names = ARENA_ARRAY(s->arena, Str, count);
        for (size_t i = 0; i < count; i++)
                names[i] = arena_strf(s->arena, "%.*s.%.*s.%.*s", STR_ARG(rows[i].zone), STR_ARG(rows[i].stage), STR_ARG(rows[i].table));
        Str near = str_nearest(name, names, count);
        return near.size ? error_hint(err, "did you mean %.*s?", STR_ARG(near)) : error_hint(err, "lode show table lists them");
}

static Status find_whole(Show *s, Str full, Whole *whole, Error *err) {
        Str zone, rest;
        str_cut(full, '.', &zone, &rest);
        whole->full = full;
        Table table;
        Str stage, last;
        str_cut(rest, '.', &stage, &last);
        CatalogName name = str_is(stage, "quarantine") ? quarantine_name(s->arena, zone, last) : (CatalogName){ STR("table"), zone, rest };
        Status status = lake_table(s->workspace->lake, s->at, name, s->arena, &table, err);
        if (status == STATUS_OK) {
                whole_of_table(s, &table, whole);
                return STATUS_OK;
        }
        if (status != STATUS_NOT_FOUND)
                return status;
        CatalogObject view;
        status = catalog_get(s->workspace->lake->catalog, s->at, (CatalogName){ STR("view"), zone, rest }, s->arena, &view, err);
        if (status == STATUS_NOT_FOUND)
                return unknown_table(s, full, err);
        TRY(status);
        return whole_of_view(s, &view, whole, err);
}

static void find_tags(Show *s, const Grants *grants, Whole *whole) {
        Str zone, stage, name;
        str_cut(whole->full, '.', &zone, &name);
        str_cut(name, '.', &stage, &name);
        whole->tags = ARENA_ARRAY(s->arena, Str *, whole->columns.count);
        whole->tag_counts = ARENA_ARRAY(s->arena, size_t, whole->columns.count);
        for (size_t i = 0; i < whole->columns.count; i++)
                grants_tags(grants, zone, stage, name, whole->columns.items[i].name, s->arena, &whole->tags[i], &whole->tag_counts[i]);
}

/* zone.stage.table.column of each column that its values come from. */
static size_t from_of(const Show *s, const Whole *whole, Str column, Str **out) {
        for (size_t i = 0; i < whole->lineage_count; i++) {
                const LakeLineage *line = &whole->lineage[i];
                if (!str_equal_nocase(line->column, column))
                        continue;
                *out = ARENA_ARRAY(s->arena, Str, line->source_count);
                for (size_t k = 0; k < line->source_count; k++)
                        (*out)[k] = arena_strf(s->arena, "%.*s.%.*s", STR_ARG(line->sources[k].table), STR_ARG(line->sources[k].column));
                return line->source_count;
        }
        *out = NULL;
        return 0;
}

/* Its members, without braces. */
static void column_json(const Show *s, JsonWriter *w, const Whole *whole, size_t i) {
        const LakeColumn *column = &whole->columns.items[i];
        Str *from;
        size_t from_count = from_of(s, whole, column->name, &from);
        json_member_str(w, "name", column->name);
        json_member_str(w, "type", type_print(s->arena, column->type));
        shape_text(w, "about", column->about);
        json_member_strs(w, "tags", whole->tags[i], whole->tag_counts[i]);
        json_member_strs(w, "from", from, from_count);
}

static void whole_json(Show *s, const Whole *whole) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        json_object(&w);
        json_member_str(&w, "table", whole->full);
        json_member_str(&w, "kind", whole->kind);
        shape_text(&w, "about", whole->about);
        json_key(&w, "columns");
        json_array(&w);
        for (size_t i = 0; i < whole->columns.count; i++) {
                json_object(&w);
                column_json(s, &w, whole, i);
                json_end(&w);
        }
        json_end(&w);
        json_key(&w, "snapshot");
        if (whole->snapshot)
                json_put_int(&w, whole->snapshot);
        else
                json_put_null(&w);
        shape_text(&w, "metadata_location", whole->metadata);
        shape_count(&w, "rows", whole->rows);
        json_member_int(&w, "files", whole->files);
        json_member_int(&w, "bytes", whole->bytes);
        json_member_strs(&w, "needs", whole->needs.items, whole->needs.count);
        json_member_strs(&w, "needed_by", whole->needed_by.items, whole->needed_by.count);
        json_end(&w);
        output_json(&json);
}

static void whole_text(Show *s, const Whole *whole) {
        printf("%s%.*s%s  %.*s\n", paint(s->cli->output.color_out, PAINT_BOLD), STR_ARG(whole->full), paint(s->cli->output.color_out, PAINT_NONE),
               STR_ARG(whole->kind));
        if (whole->about.size)
                output_say(&s->cli->output, PAINT_NONE, "", "%.*s\n", STR_ARG(whole->about));
        if (whole->rows >= 0)
                printf("%s rows in %lld file%s, %s\n", count_print(s->arena, whole->rows).data, (long long)whole->files, whole->files == 1 ? "" : "s",
                       bytes_print(s->arena, (uint64_t)whole->bytes).data);
        Str headers[] = { STR("column"), STR("type"), STR("tags"), STR("from"), STR("about") };
        TextTable *table = text_table_new(s->arena, headers, COUNT_OF(headers));
        for (size_t i = 0; i < whole->columns.count; i++) {
                const LakeColumn *column = &whole->columns.items[i];
                Str *from;
                size_t from_count = from_of(s, whole, column->name, &from);
                text_table_row(table, (Str[]){ column->name, type_print(s->arena, column->type), arena_join(s->arena, whole->tags[i], whole->tag_counts[i], ", "),
                                               arena_join(s->arena, from, from_count, ", "), column->about });
        }
        text_table_print(table, &s->cli->output, stdout);
        output_names(s->arena, "needs", whole->needs.items, whole->needs.count);
        output_names(s->arena, "needed by", whole->needed_by.items, whole->needed_by.count);
        if (whole->metadata.size)
                printf("%-11s%.*s\n", "iceberg", STR_ARG(whole->metadata));
}

Status show_whole(Show *s, Str full, Error *err) {
        Whole whole = { 0 };
        Grants *grants;
        TRY(grants_load(s->workspace->lake->catalog, s->arena, &grants, err));
        TRY(find_whole(s, full, &whole, err));
        TRY(collect_needed_by(s, &whole, err));
        find_tags(s, grants, &whole);
        if (cli_json(s->cli))
                whole_json(s, &whole);
        else
                whole_text(s, &whole);
        return STATUS_OK;
}

size_t show_count_dots(Str text) {
        size_t dots = 0;
        for (size_t i = 0; i < text.size; i++)
                dots += text.data[i] == '.';
        return dots;
}

Status show_table(Show *s, Error *err) {
        Str zone, rest;
        str_cut(s->name, '.', &zone, &rest);
        if (zone.size && show_count_dots(s->name) < 2 && !project_zone(s->workspace->project, zone))
                return show_no_zone(s->workspace->project, zone, s->arena, err);
        return show_count_dots(s->name) == 2 ? show_whole(s, s->name, err) : show_tables(s, s->name, err);
}

/* ---- columns ---- */

typedef struct ColumnList {
        Whole *tables; /* with their tags */
        size_t count;
} ColumnList;

static Status find_columns(Show *s, ColumnList *out, Error *err) {
        Listed *rows;
        Grants *grants;
        TRY(grants_load(s->workspace->lake->catalog, s->arena, &grants, err));
        TRY(list_tables(s, &rows, &out->count, err));
        out->tables = ARENA_ARRAY(s->arena, Whole, out->count);
        for (size_t i = 0; i < out->count; i++) {
                Str full = arena_strf(s->arena, "%.*s.%.*s.%.*s", STR_ARG(rows[i].zone), STR_ARG(rows[i].stage), STR_ARG(rows[i].table));
                TRY(find_whole(s, full, &out->tables[i], err));
                find_tags(s, grants, &out->tables[i]);
        }
        return STATUS_OK;
}

/* A scope of tables, or a column's own name. */
static bool column_in(Str scope, Str table, Str column) {
        Str below = str_slice(table, scope.size, table.size);
        return scope.size == 0 || str_equal_nocase(scope, column) ||
               (str_starts_with(table, scope) && (below.size == 0 || below.data[0] == '.'));
}

static Status list_columns(Show *s, const ColumnList *list, Error *err) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        Str headers[] = { STR("table"), STR("column"), STR("type"), STR("tags"), STR("about") };
        TextTable *text = text_table_new(s->arena, headers, COUNT_OF(headers));
        json_array(&w);
        for (size_t i = 0; i < list->count; i++) {
                const Whole *whole = &list->tables[i];
                for (size_t k = 0; k < whole->columns.count; k++) {
                        const LakeColumn *column = &whole->columns.items[k];
                        if (!column_in(s->name, whole->full, column->name))
                                continue;
                        json_object(&w);
                        json_member_str(&w, "table", whole->full);
                        column_json(s, &w, whole, k);
                        json_end(&w);
                        text_table_row(text, (Str[]){ whole->full, column->name, type_print(s->arena, column->type),
                                                      arena_join(s->arena, whole->tags[k], whole->tag_counts[k], ", "), column->about });
                }
        }
        json_end(&w);
        if (s->name.size > 0 && text_table_rows(text) == 0) {
                error_set(err, STATUS_NOT_FOUND, "there is no column '%.*s', nor a zone or table of that name", STR_ARG(s->name));
                return error_hint(err, "lode show column lists them");
        }
        if (cli_json(s->cli))
                output_json(&json);
        else if (text_table_rows(text))
                text_table_print(text, &s->cli->output, stdout);
        else
                puts("no tables yet: lode run");
        return STATUS_OK;
}

/* The columns whose values come from this one, as far as one step goes. */
static size_t used_by(const Show *s, const ColumnList *list, Str table, Str column, Str **out) {
        VEC(Str) names = { 0 };
        for (size_t i = 0; i < list->count; i++)
                for (size_t k = 0; k < list->tables[i].lineage_count; k++) {
                        const LakeLineage *line = &list->tables[i].lineage[k];
                        for (size_t m = 0; m < line->source_count; m++)
                                if (str_equal(line->sources[m].table, table) && str_equal_nocase(line->sources[m].column, column))
                                        vec_push(s->arena, &names, arena_strf(s->arena, "%.*s.%.*s", STR_ARG(list->tables[i].full), STR_ARG(line->column)));
                }
        *out = names.items;
        return names.count;
}

static void whole_column(Show *s, const ColumnList *list, const Whole *whole, size_t at) {
        const LakeColumn *column = &whole->columns.items[at];
        Str *users, *from;
        size_t user_count = used_by(s, list, whole->full, column->name, &users), from_count = from_of(s, whole, column->name, &from);
        if (cli_json(s->cli)) {
                CLEANUP(buf_deinit) Buf json = { 0 };
                JsonWriter w = json_writer(&json, false);
                json_object(&w);
                json_member_str(&w, "table", whole->full);
                column_json(s, &w, whole, at);
                json_member_strs(&w, "used_by", users, user_count);
                json_end(&w);
                output_json(&json);
                return;
        }
        printf("%s%.*s.%.*s%s  %.*s\n", paint(s->cli->output.color_out, PAINT_BOLD), STR_ARG(whole->full), STR_ARG(column->name),
               paint(s->cli->output.color_out, PAINT_NONE), STR_ARG(type_print(s->arena, column->type)));
        if (column->about.size)
                output_say(&s->cli->output, PAINT_NONE, "", "%.*s\n", STR_ARG(column->about));
        output_names(s->arena, "tags", whole->tags[at], whole->tag_counts[at]);
        output_names(s->arena, "from", from, from_count);
        output_names(s->arena, "used by", users, user_count);
}

static Status one_column(Show *s, const ColumnList *list, Error *err) {
        size_t dot = s->name.size;
        while (s->name.data[dot - 1] != '.')
                dot--;
        Str table = str_slice(s->name, 0, dot - 1), column = str_slice(s->name, dot, s->name.size);
        for (size_t i = 0; i < list->count; i++) {
                const Whole *whole = &list->tables[i];
                Str *names = ARENA_ARRAY(s->arena, Str, whole->columns.count);
                if (!str_equal(whole->full, table))
                        continue;
                for (size_t k = 0; k < whole->columns.count; k++) {
                        names[k] = whole->columns.items[k].name;
                        if (str_equal_nocase(names[k], column))
                                return whole_column(s, list, whole, k), STATUS_OK;
                }
                error_set(err, STATUS_NO_COLUMN, "%.*s has no column '%.*s'", STR_ARG(table), STR_ARG(column));
                return show_hint_near(column, names, whole->columns.count, "lode show TABLE lists them", err);
        }
        return unknown_table(s, table, err);
}

Status show_column(Show *s, Error *err) {
        ColumnList list;
        TRY(find_columns(s, &list, err));
        return show_count_dots(s->name) == 3 ? one_column(s, &list, err) : list_columns(s, &list, err);
}
