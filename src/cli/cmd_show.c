/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "base/vec.h"
#include "cli/cli.h"
#include "cli/connect.h"
#include "cli/product.h"
#include "cli/quarantine.h"
#include "cli/shapes.h"
#include "cli/why.h"
#include "lake/table.h"
#include "model/grant.h"
#include "model/run.h"
#include "model/statement.h"

enum { OPTION_BRANCH, OPTION_AT, OPTION_ROWS, OPTION_HISTORY };

static const Option options[] = {
        [OPTION_BRANCH] = { "branch", 0, "BRANCH", "which line of commits (else main)" },
        [OPTION_AT] = { "at", 0, "COMMIT|TIME", "as it was then" },
        [OPTION_ROWS] = { "rows", 0, NULL, "show quarantine: each row, not groups" },
        [OPTION_HISTORY] = { "history", 0, NULL, "show quarantine: also rows that are open no more" },
};

typedef struct Show {
        Cli *cli;
        Workspace *workspace;
        CatalogAt at;
        Str name; /* what was asked for beyond the thing; empty = a list */
        Arena *arena;
} Show;

/* The nearest of names as a hint; with none near, `otherwise`. */
static Status hint_near(Str wanted, const Str *names, size_t count, const char *otherwise, Error *err) {
        Str near = str_nearest(wanted, names, count);
        return near.size ? error_hint(err, "did you mean %.*s?", STR_ARG(near)) : error_hint(err, "%s", otherwise);
}

static Status no_zone(const Project *project, Str name, Arena *arena, Error *err) {
        Str *names = ARENA_ARRAY(arena, Str, project->zone_count);
        for (size_t i = 0; i < project->zone_count; i++)
                names[i] = project->zones[i]->name;
        error_set(err, STATUS_NOT_FOUND, "there is no zone '%.*s'", STR_ARG(name));
        return hint_near(name, names, project->zone_count, "lode show zone lists them", err);
}

static Status no_source(const Project *project, Str name, Arena *arena, Error *err) {
        VEC(Str) names = { 0 };
        bool full = str_find_byte(name, '.') < name.size;
        error_set(err, STATUS_NOT_FOUND, "there is no zone or source '%.*s'", STR_ARG(name));
        for (size_t z = 0; z < project->zone_count; z++) {
                const Zone *zone = project->zones[z];
                if (!full)
                        vec_push(arena, &names, zone->name);
                for (size_t i = 0; i < zone->source_count; i++) {
                        Str source = arena_strf(arena, "%.*s.%.*s", STR_ARG(zone->name), STR_ARG(zone->sources[i]->name));
                        if (str_equal(zone->sources[i]->name, name))
                                return error_hint(err, "did you mean %.*s?", STR_ARG(source));
                        vec_push(arena, &names, source);
                }
        }
        return hint_near(name, names.items, names.count, "lode show source lists them", err);
}

Status show_scope_check(const Project *project, Str scope, Arena *arena, Error *err) {
        Str zone, source;
        bool both = str_cut(scope, '.', &zone, &source);
        if (scope.size == 0 || (both ? project_source(project, zone, source) != NULL : project_zone(project, zone) != NULL))
                return STATUS_OK;
        const Zone *owner = project_zone(project, zone);
        for (size_t i = 0; owner && i < owner->model_count; i++)
                if (str_equal(model_full_name(arena, owner->models[i]), scope))
                        return STATUS_OK;
        return no_source(project, scope, arena, err);
}

/* ---- zones and sources, from the text ---- */

static Status show_zone(Show *s, Error *err) {
        const Project *project = s->workspace->project;
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        Str headers[] = { STR("zone"), STR("owner"), STR("sources"), STR("models"), STR("purpose") };
        TextTable *table = text_table_new(s->arena, headers, COUNT_OF(headers));
        text_table_right(table, 2);
        text_table_right(table, 3);
        bool found = s->name.size == 0;
        json_array(&w);
        for (size_t i = 0; i < project->zone_count; i++) {
                const Zone *zone = project->zones[i];
                if (s->name.size && !str_equal(s->name, zone->name))
                        continue;
                found = true;
                json_object(&w);
                json_member_str(&w, "zone", zone->name);
                shape_text(&w, "owner", zone->owner);
                shape_text(&w, "purpose", zone->purpose);
                json_member_int(&w, "sources", (int64_t)zone->source_count);
                json_member_int(&w, "models", (int64_t)zone->model_count);
                json_end(&w);
                text_table_row(table, (Str[]){ zone->name, zone->owner, count_print(s->arena, (int64_t)zone->source_count),
                                               count_print(s->arena, (int64_t)zone->model_count), zone->purpose });
        }
        json_end(&w);
        if (!found)
                return no_zone(project, s->name, s->arena, err);
        if (cli_json(s->cli))
                output_json(&json);
        else
                text_table_print(table, &s->cli->output, stdout);
        return STATUS_OK;
}

static bool source_is(Str wanted, const Source *source, Arena *arena) {
        if (wanted.size == 0 || str_equal(wanted, source->zone))
                return true;
        return str_equal(wanted, arena_strf(arena, "%.*s.%.*s", STR_ARG(source->zone), STR_ARG(source->name)));
}

static void source_json(JsonWriter *w, const Source *source, Arena *arena) {
        json_object(w);
        json_member_str(w, "zone", source->zone);
        json_member_str(w, "source", source->name);
        json_member_str(w, "path", str_of(source->path));
        json_key(w, "from");
        json_array(w);
        for (size_t i = 0; i < source->from_count; i++)
                json_put_str(w, source->from[i]);
        json_end(w);
        json_member_str(w, "load", str_of(source_load_name(source->load)));
        json_key(w, "columns");
        json_array(w);
        for (size_t i = 0; i < source->column_count; i++) {
                json_object(w);
                json_member_str(w, "name", source->columns[i].name);
                json_member_str(w, "type", type_print(arena, source->columns[i].type));
                json_member_bool(w, "required", source->columns[i].required);
                StrList nulls = source_nulls(source, i);
                json_key(w, "nulls");
                json_array(w);
                for (size_t j = 0; j < nulls.count; j++)
                        json_put_str(w, nulls.items[j]);
                json_end(w);
                json_end(w);
        }
        json_end(w);
        json_end(w);
}

/* What its columns are read by. */
static void show_columns_of_source(const Show *s, const Source *source) {
        Str headers[] = { STR("column"), STR("type"), STR("must be there"), STR("from"), STR("NULL, beside an empty field") };
        TextTable *table = text_table_new(s->arena, headers, COUNT_OF(headers));
        for (size_t i = 0; i < source->column_count; i++) {
                const SourceColumn *column = &source->columns[i];
                StrList nulls = source_nulls(source, i);
                CLEANUP(buf_deinit) Buf words = { 0 };
                for (size_t j = 0; j < nulls.count; j++)
                        buf_printf(&words, nulls.items[j].size ? "%s%.*s" : "%s\"\"%.*s", j ? ", " : "", STR_ARG(nulls.items[j]));
                text_table_row(table, (Str[]){ column->name, type_print(s->arena, column->type), column->required ? STR("yes") : STR(""), column->from,
                                               buf_dup(&words, s->arena) });
        }
        fputc('\n', stdout);
        text_table_print(table, &s->cli->output, stdout);
}

static Status show_source(Show *s, Error *err) {
        const Project *project = s->workspace->project;
        const Source *last = NULL;
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        Str headers[] = { STR("source"), STR("from"), STR("load"), STR("columns") };
        TextTable *table = text_table_new(s->arena, headers, COUNT_OF(headers));
        text_table_right(table, 3);
        json_array(&w);
        for (size_t z = 0; z < project->zone_count; z++) {
                for (size_t i = 0; i < project->zones[z]->source_count; i++) {
                        const Source *source = project->zones[z]->sources[i];
                        if (!source_is(s->name, source, s->arena))
                                continue;
                        last = source;
                        source_json(&w, source, s->arena);
                        text_table_row(table, (Str[]){ arena_strf(s->arena, "%.*s.%.*s", STR_ARG(source->zone), STR_ARG(source->name)),
                                                       source->from_count ? source->from[0] : STR(""), str_of(source_load_name(source->load)),
                                                       count_print(s->arena, (int64_t)source->column_count) });
                }
        }
        json_end(&w);
        if (text_table_rows(table) == 0 && s->name.size)
                return show_scope_check(project, s->name, s->arena, err);
        if (cli_json(s->cli))
                output_json(&json);
        else
                text_table_print(table, &s->cli->output, stdout);
        if (!cli_json(s->cli) && last && str_find_byte(s->name, '.') < s->name.size)
                show_columns_of_source(s, last);
        return STATUS_OK;
}

/* ---- tables ---- */

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
                return collect_needed_by(s, whole, err);
        }
        if (status != STATUS_NOT_FOUND)
                return status;
        CatalogObject view;
        status = catalog_get(s->workspace->lake->catalog, s->at, (CatalogName){ STR("view"), zone, rest }, s->arena, &view, err);
        if (status == STATUS_NOT_FOUND)
                return unknown_table(s, full, err);
        TRY(status);
        TRY(whole_of_view(s, &view, whole, err));
        return collect_needed_by(s, whole, err);
}

static Status find_tags(Show *s, Whole *whole, Error *err) {
        Grants *grants;
        Str zone, stage, name;
        str_cut(whole->full, '.', &zone, &name);
        str_cut(name, '.', &stage, &name);
        TRY(grants_load(s->workspace->lake->catalog, s->arena, &grants, err));
        whole->tags = ARENA_ARRAY(s->arena, Str *, whole->columns.count);
        whole->tag_counts = ARENA_ARRAY(s->arena, size_t, whole->columns.count);
        for (size_t i = 0; i < whole->columns.count; i++)
                grants_tags(grants, zone, stage, name, whole->columns.items[i].name, s->arena, &whole->tags[i], &whole->tag_counts[i]);
        return STATUS_OK;
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

static Str listed(Arena *arena, const Str *items, size_t count) {
        Str all = STR("");
        for (size_t i = 0; i < count; i++)
                all = arena_strf(arena, "%.*s%s%.*s", STR_ARG(all), i ? ", " : "", STR_ARG(items[i]));
        return all;
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
                json_member_str(&w, "name", whole->columns.items[i].name);
                json_member_str(&w, "type", type_print(s->arena, whole->columns.items[i].type));
                shape_text(&w, "about", whole->columns.items[i].about);
                json_member_strs(&w, "tags", whole->tags[i], whole->tag_counts[i]);
                Str *from;
                size_t from_count = from_of(s, whole, whole->columns.items[i].name, &from);
                json_member_strs(&w, "from", from, from_count);
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

static void print_names(const char *title, const Str *names, size_t count) {
        if (count == 0)
                return;
        printf("%-11s", title);
        for (size_t i = 0; i < count; i++)
                printf("%s%.*s", i ? ", " : "", STR_ARG(names[i]));
        putchar('\n');
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
                text_table_row(table, (Str[]){ column->name, type_print(s->arena, column->type), listed(s->arena, whole->tags[i], whole->tag_counts[i]),
                                               listed(s->arena, from, from_count), column->about });
        }
        text_table_print(table, &s->cli->output, stdout);
        print_names("needs", whole->needs.items, whole->needs.count);
        print_names("needed by", whole->needed_by.items, whole->needed_by.count);
        if (whole->metadata.size)
                printf("%-11s%.*s\n", "iceberg", STR_ARG(whole->metadata));
}

static Status show_whole(Show *s, Str full, Error *err) {
        Whole whole = { 0 };
        TRY(find_whole(s, full, &whole, err));
        TRY(find_tags(s, &whole, err));
        if (cli_json(s->cli))
                whole_json(s, &whole);
        else
                whole_text(s, &whole);
        return STATUS_OK;
}

static size_t count_dots(Str text) {
        size_t dots = 0;
        for (size_t i = 0; i < text.size; i++)
                dots += text.data[i] == '.';
        return dots;
}

static Status show_table(Show *s, Error *err) {
        Str zone, rest;
        str_cut(s->name, '.', &zone, &rest);
        if (zone.size && count_dots(s->name) < 2 && !project_zone(s->workspace->project, zone))
                return no_zone(s->workspace->project, zone, s->arena, err);
        return count_dots(s->name) == 2 ? show_whole(s, s->name, err) : show_tables(s, s->name, err);
}

/* ---- deliveries ---- */

static bool delivery_in(Str scope, const Delivery *delivery) {
        Str zone, source;
        bool both = str_cut(scope, '.', &zone, &source);
        return scope.size == 0 || (str_equal(zone, delivery->zone) && (!both || str_equal(source, delivery->source)));
}

static Status show_delivery(Show *s, Error *err) {
        DeliveryQuery query = { 0 };
        Delivery *rows;
        size_t count;
        TRY(catalog_deliveries(s->workspace->lake->catalog, &query, s->arena, &rows, &count, err));
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        Str headers[] = { STR("landed"), STR("source"), STR("name"), STR("state"), STR("rows"), STR("quarantined"), STR("message") };
        TextTable *table = text_table_new(s->arena, headers, COUNT_OF(headers));
        text_table_right(table, 4);
        text_table_right(table, 5);
        json_array(&w);
        for (size_t i = 0; i < count; i++) {
                const Delivery *d = &rows[i];
                if (!delivery_in(s->name, d))
                        continue;
                json_object(&w);
                shape_delivery(&w, d);
                json_member_str(&w, "landed_at", time_print_us(s->arena, d->landed_us));
                json_end(&w);
                text_table_row(table, (Str[]){ str_slice(time_print_us(s->arena, d->landed_us), 0, 19),
                                               arena_strf(s->arena, "%.*s.%.*s", STR_ARG(d->zone), STR_ARG(d->source)), d->name, d->state,
                                               count_print(s->arena, d->accepted), count_print(s->arena, d->quarantined), d->message });
        }
        json_end(&w);
        if (text_table_rows(table) == 0)
                TRY(show_scope_check(s->workspace->project, s->name, s->arena, err));
        if (cli_json(s->cli))
                output_json(&json);
        else if (text_table_rows(table))
                text_table_print(table, &s->cli->output, stdout);
        else
                puts("no deliveries yet: lode run");
        return STATUS_OK;
}

/* ---- runs ---- */

/* Only the last one is kept whole; the log has what the others published. */
static Status want_last_run(Str wanted, Str json, Arena *arena, Error *err) {
        Json *run;
        TRY(json_parse(json, NULL, arena, &run, err));
        int64_t last = json_integer(json_get(run, "run"), 0), number;
        if (wanted.size == 0 || (str_to_int64(wanted, &number) && number == last))
                return STATUS_OK;
        error_set(err, STATUS_NOT_FOUND, "there is no run '%.*s' to show: only the last one is kept, %lld", STR_ARG(wanted), (long long)last);
        return error_hint(err, "lode log lists what every run published");
}

static Str text_member(const Json *object, const char *key) {
        return json_string(json_get(object, key));
}

static long long count_member(const Json *object, const char *key) {
        return (long long)json_integer(json_get(object, key), 0);
}

static double seconds_member(const Json *object) {
        const Json *value = json_get(object, "seconds");
        return value && value->kind == JSON_REAL ? value->real : (double)json_integer(value, 0);
}

static void print_run_head(const Json *run) {
        const Json *files = json_get(run, "files");
        printf("run %lld %.*s in %.1f s on branch %.*s", count_member(run, "run"), STR_ARG(text_member(run, "state")),
               seconds_member(run), STR_ARG(text_member(run, "branch")));
        if (text_member(run, "commit").size)
                printf(", commit %.*s", STR_ARG(str_slice(text_member(run, "commit"), 0, 12)));
        printf("\n%lld file%s seen = %lld staged + %lld duplicate + %lld held + %lld failed + %lld unclaimed\n", count_member(files, "seen"),
               count_member(files, "seen") == 1 ? "" : "s",
               count_member(files, "staged"), count_member(files, "duplicate"), count_member(files, "held"), count_member(files, "failed"),
               count_member(files, "unclaimed"));
}

static void print_run_deliveries(const Show *s, const Json *deliveries) {
        if (json_count(deliveries) == 0)
                return;
        Str headers[] = { STR("delivery"), STR("source"), STR("state"), STR("rows"), STR("quarantined"), STR("skipped"), STR("message") };
        TextTable *table = text_table_new(s->arena, headers, COUNT_OF(headers));
        for (size_t i = 3; i < 6; i++)
                text_table_right(table, i);
        for (size_t i = 0; i < json_count(deliveries); i++) {
                const Json *d = json_at(deliveries, i);
                text_table_row(table, (Str[]){ text_member(d, "name"),
                                               arena_strf(s->arena, "%.*s.%.*s", STR_ARG(text_member(d, "zone")), STR_ARG(text_member(d, "source"))),
                                               text_member(d, "state"), count_print(s->arena, count_member(d, "accepted")),
                                               count_print(s->arena, count_member(d, "quarantined")), count_print(s->arena, count_member(d, "skipped")),
                                               text_member(d, "message") });
        }
        putchar('\n');
        text_table_print(table, &s->cli->output, stdout);
}

/* Empty where the run did not count it: a view, a model that was not built. */
static Str counted_member(Arena *arena, const Json *object, const char *key) {
        int64_t count = json_integer(json_get(object, key), -1);
        return count < 0 ? STR_NONE : count_print(arena, count);
}

static void print_run_models(const Show *s, const Json *models) {
        if (json_count(models) == 0)
                return;
        Str headers[] = { STR("model"), STR("kind"), STR("state"), STR("rows"), STR("added"), STR("changed"), STR("removed"), STR("seconds") };
        TextTable *table = text_table_new(s->arena, headers, COUNT_OF(headers));
        for (size_t i = 3; i < COUNT_OF(headers); i++)
                text_table_right(table, i);
        for (size_t i = 0; i < json_count(models); i++) {
                const Json *m = json_at(models, i);
                text_table_row(table, (Str[]){ text_member(m, "table"), text_member(m, "kind"), text_member(m, "state"), counted_member(s->arena, m, "rows"),
                                               counted_member(s->arena, m, "added"), counted_member(s->arena, m, "changed"),
                                               counted_member(s->arena, m, "removed"),
                                               arena_strf(s->arena, "%.2f", seconds_member(m)) });
        }
        putchar('\n');
        text_table_print(table, &s->cli->output, stdout);
}

static void print_run_checks(const Show *s, const Json *models) {
        Str headers[] = { STR("check"), STR("of"), STR("severity"), STR("state"), STR("rows") };
        TextTable *table = text_table_new(s->arena, headers, COUNT_OF(headers));
        text_table_right(table, 4);
        for (size_t i = 0; i < json_count(models); i++) {
                const Json *m = json_at(models, i), *checks = json_get(m, "checks");
                for (size_t k = 0; k < json_count(checks); k++) {
                        const Json *c = json_at(checks, k);
                        text_table_row(table, (Str[]){ text_member(c, "name"), text_member(m, "table"), text_member(c, "severity"),
                                                       text_member(c, "state"), count_print(s->arena, count_member(c, "rows")) });
                }
        }
        if (text_table_rows(table) == 0)
                return;
        putchar('\n');
        text_table_print(table, &s->cli->output, stdout);
}

static void print_run_errors(const Output *o, const Json *errors) {
        for (size_t i = 0; i < json_count(errors); i++) {
                const Json *e = json_at(errors, i);
                Str file = text_member(e, "file"), hint = text_member(e, "hint");
                output_say(o, PAINT_NONE, "", "%serror[%.*s] ", i ? "" : "\n", STR_ARG(text_member(e, "code")));
                if (file.size)
                        output_say(o, PAINT_NONE, "", "%.*s:%lld:%lld  ", STR_ARG(file), count_member(e, "line"), count_member(e, "column"));
                output_say(o, PAINT_NONE, "", "%.*s\n", STR_ARG(text_member(e, "message")));
                if (hint.size)
                        output_say(o, PAINT_NONE, "", "      %.*s\n", STR_ARG(hint));
        }
}

static Status show_run(Show *s, Error *err) {
        Str json;
        Status status = catalog_meta(s->workspace->lake->catalog, STR("last_run"), s->arena, &json, err);
        if (status == STATUS_NOT_FOUND)
                return error_set(err, STATUS_NOT_FOUND, "nothing was run yet: lode run");
        TRY(status);
        TRY(want_last_run(s->name, json, s->arena, err));
        if (cli_json(s->cli)) {
                printf("%.*s\n", STR_ARG(json));
                return STATUS_OK;
        }
        Json *run;
        TRY(json_parse(json, NULL, s->arena, &run, err));
        print_run_head(run);
        print_run_deliveries(s, json_get(run, "deliveries"));
        const Json *unclaimed = json_get(run, "unclaimed");
        for (size_t i = 0; i < json_count(unclaimed); i++)
                output_say(&s->cli->output, PAINT_YELLOW, "", "%sunclaimed  %.*s\n", i ? "" : "\n", STR_ARG(json_string(json_at(unclaimed, i))));
        print_run_models(s, json_get(run, "models"));
        print_run_checks(s, json_get(run, "models"));
        print_run_errors(&s->cli->output, json_get(run, "errors"));
        return STATUS_OK;
}

static Status show_connect_thing(Show *s, Error *err) {
        return show_connect(s->cli, s->workspace, s->name, err);
}

static Status show_product_thing(Show *s, Error *err) {
        return show_product(s->cli, s->workspace, s->at, s->name, err);
}

static Status show_access_thing(Show *s, Error *err) {
        if (s->name.size == 0) {
                error_set(err, STATUS_USAGE, "show access wants a table");
                return error_hint(err, "lode show access ZONE.STAGE.TABLE");
        }
        return show_access(s->cli, s->workspace, s->name, err);
}

/* ---- which thing ---- */

static const struct {
        const char *thing;
        Status (*show)(Show *, Error *);
        bool store;
} things[] = {
        { "zone", show_zone, false },   { "source", show_source, false }, { "table", show_table, true },
        { "delivery", show_delivery, true }, { "run", show_run, true },   { "product", show_product_thing, true },
        { "connect", show_connect_thing, true }, { "access", show_access_thing, true },
};
static const char *const later_things[] = { "column" };

static Status show_thing(Cli *cli, const char *thing, size_t index, bool store, Error *err) {
        Show s = { .cli = cli, .arena = &cli->arena };
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .store = store };
        TRY(workspace_open(&spec, &workspace, err));
        s.workspace = workspace;
        const char *branch = cli_option(cli, OPTION_BRANCH);
        if (store)
                TRY(workspace_at(workspace, str_of(branch), cli_option(cli, OPTION_AT), &s.at, err));
        cli_tell_branch(cli, branch);
        if (index == COUNT_OF(things))
                return show_whole(&s, str_of(thing), err);
        s.name = cli->arguments.word_count > 1 ? str_of(cli->arguments.words[1]) : STR("");
        return things[index].show(&s, err);
}

static const struct {
        const char *thing, *verb;
} listed_by_verbs[] = {
        { "user", "user" }, { "principal", "user" }, { "account", "user" }, { "role", "role" }, { "token", "token" }, { "branch", "branch" },
};

/* `show shop`, `show orders`, `show sources`, `show user`: what may have been meant. */
static Status unknown_thing(Cli *cli, Str thing, Error *err) {
        error_set(err, STATUS_USAGE, "there is nothing called '%.*s' to show", STR_ARG(thing));
        error_hint(err, "zone, source, table, product, delivery, run, quarantine, connect, access, or a table's full name");
        for (size_t i = 0; i < COUNT_OF(listed_by_verbs); i++)
                if (str_is(thing, listed_by_verbs[i].thing))
                        return error_hint(err, "lode %s lists them", listed_by_verbs[i].verb);
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        WorkspaceSpec spec = { .folder = cli->arguments.folder };
        Error ignored = { 0 }; /* no guess from the project, then */
        if (workspace_open(&spec, &workspace, &ignored) == STATUS_OK) {
                const Project *project = workspace->project;
                if (project_zone(project, thing))
                        return error_hint(err, "did you mean show zone %.*s, or show table %.*s?", STR_ARG(thing), STR_ARG(thing));
                for (size_t z = 0; z < project->zone_count; z++) {
                        const Zone *zone = project->zones[z];
                        if (project_source(project, zone->name, thing))
                                return error_hint(err, "did you mean show %.*s.staging.%.*s?", STR_ARG(zone->name), STR_ARG(thing));
                        for (size_t i = 0; i < zone->model_count; i++)
                                if (str_equal(zone->models[i]->name, thing))
                                        return error_hint(err, "did you mean show %.*s.%s.%.*s?", STR_ARG(zone->name),
                                                          stage_name(zone->models[i]->stage), STR_ARG(thing));
                }
        }
        Str names[COUNT_OF(things) + 1] = { [COUNT_OF(things)] = STR("quarantine") };
        for (size_t i = 0; i < COUNT_OF(things); i++)
                names[i] = str_of(things[i].thing);
        Str near = str_nearest(thing, names, COUNT_OF(names));
        return near.size ? error_hint(err, "did you mean show %.*s?", STR_ARG(near)) : err->status;
}

static Status run(Cli *cli, Error *err) {
        TRY(cli_want_words(cli, &verb_show, 0, 2, err));
        const char *thing = cli->arguments.word_count ? cli->arguments.words[0] : "table";
        if (strcmp(thing, "quarantine") == 0) {
                TRY(cli_want_formats(cli, true, false, err));
                Str scope = cli->arguments.word_count > 1 ? str_of(cli->arguments.words[1]) : STR("");
                return show_quarantine(cli, scope, cli_option(cli, OPTION_ROWS) != NULL, cli_option(cli, OPTION_HISTORY) != NULL, err);
        }
        TRY(cli_want_formats(cli, false, false, err));
        for (size_t i = 0; i < COUNT_OF(things); i++)
                if (strcmp(things[i].thing, thing) == 0)
                        return show_thing(cli, thing, i, things[i].store, err);
        if (count_dots(str_of(thing)) == 2)
                return show_thing(cli, thing, COUNT_OF(things), true, err);
        for (size_t i = 0; i < COUNT_OF(later_things); i++)
                if (strcmp(later_things[i], thing) == 0)
                        return error_set(err, STATUS_USAGE, "show %s is not built yet", thing);
        return unknown_thing(cli, str_of(thing), err);
}

const Verb verb_show = {
        .name = "show",
        .usage = "show [THING] [NAME]",
        .words = "zone, source, table, product, delivery, run, quarantine, access, or one table",
        .help = "Lists things, or with a name shows one whole. A table's page has its columns, what it needs, what needs it,\n"
                "and the Iceberg metadata file by which any tool opens it. `show access TABLE` has everybody who sees it, and why.\n\n"
                "  lode show crm.canonical.client\n"
                "  lode show quarantine crm.clients --rows",
        .options = options,
        .option_count = COUNT_OF(options),
        .run = run,
};
