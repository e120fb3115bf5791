/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "base/vec.h"
#include "cli/cli.h"
#include "cli/connect.h"
#include "cli/principal.h"
#include "cli/product.h"
#include "cli/quarantine.h"
#include "cli/shapes.h"
#include "cli/show.h"
#include "cli/why.h"
#include "lake/runs.h"
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

Status show_hint_near(Str wanted, const Str *names, size_t count, const char *otherwise, Error *err) {
        Str near = str_nearest(wanted, names, count);
        return near.size ? error_hint(err, "did you mean %.*s?", STR_ARG(near)) : error_hint(err, "%s", otherwise);
}

Status show_no_zone(const Project *project, Str name, Arena *arena, Error *err) {
        Str *names = ARENA_ARRAY(arena, Str, project->zone_count);
        for (size_t i = 0; i < project->zone_count; i++)
                names[i] = project->zones[i]->name;
        error_set(err, STATUS_NOT_FOUND, "there is no zone '%.*s'", STR_ARG(name));
        return show_hint_near(name, names, project->zone_count, "lode show zone lists them", err);
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
        return show_hint_near(name, names.items, names.count, "lode show source lists them", err);
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

/* ---- one zone, whole ---- */

static size_t names_of_sources(const Zone *zone, Arena *arena, Str **out) {
        *out = ARENA_ARRAY(arena, Str, zone->source_count);
        for (size_t i = 0; i < zone->source_count; i++)
                (*out)[i] = zone->sources[i]->name;
        return zone->source_count;
}

static size_t names_of_models(const Zone *zone, ModelStage stage, Arena *arena, Str **out) {
        size_t count = 0;
        *out = ARENA_ARRAY(arena, Str, zone->model_count);
        for (size_t i = 0; i < zone->model_count; i++)
                if (zone->models[i]->stage == stage)
                        (*out)[count++] = zone->models[i]->name;
        return count;
}

static const ModelStage model_stages[] = { STAGE_CANONICAL, STAGE_ANALYTICAL, STAGE_EGRESS };

static void zone_json(Show *s, const Zone *zone) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        Str *names;
        json_object(&w);
        json_member_str(&w, "zone", zone->name);
        json_member_str(&w, "path", str_of(zone->path));
        shape_text(&w, "owner", zone->owner);
        shape_text(&w, "purpose", zone->purpose);
        size_t count = names_of_sources(zone, s->arena, &names);
        json_member_strs(&w, "sources", names, count);
        for (size_t i = 0; i < COUNT_OF(model_stages); i++) {
                count = names_of_models(zone, model_stages[i], s->arena, &names);
                json_member_strs(&w, stage_name(model_stages[i]), names, count);
        }
        json_end(&w);
        output_json(&json);
}

static void zone_text(Show *s, const Zone *zone) {
        Str *names, path = str_of(zone->path);
        printf("%s%.*s%s\n", paint(s->cli->output.color_out, PAINT_BOLD), STR_ARG(zone->name), paint(s->cli->output.color_out, PAINT_NONE));
        output_names(s->arena, "text", &path, 1);
        output_names(s->arena, "owner", &zone->owner, 1);
        output_names(s->arena, "purpose", &zone->purpose, 1);
        size_t count = names_of_sources(zone, s->arena, &names);
        output_names(s->arena, "sources", names, count);
        for (size_t i = 0; i < COUNT_OF(model_stages); i++) {
                count = names_of_models(zone, model_stages[i], s->arena, &names);
                output_names(s->arena, stage_name(model_stages[i]), names, count);
        }
        output_note(&s->cli->output, PAINT_NONE, "lode show table %.*s lists what is published of it", STR_ARG(zone->name));
}

static Status show_one_zone(Show *s, Error *err) {
        const Zone *zone = project_zone(s->workspace->project, s->name);
        if (!zone)
                return show_no_zone(s->workspace->project, s->name, s->arena, err);
        if (cli_json(s->cli))
                zone_json(s, zone);
        else
                zone_text(s, zone);
        return STATUS_OK;
}

/* ---- zones and sources, from the text ---- */

static Status show_zone(Show *s, Error *err) {
        const Project *project = s->workspace->project;
        if (s->name.size > 0)
                return show_one_zone(s, err);
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        Str headers[] = { STR("zone"), STR("owner"), STR("sources"), STR("models"), STR("purpose") };
        TextTable *table = text_table_new(s->arena, headers, COUNT_OF(headers));
        text_table_right(table, 2);
        text_table_right(table, 3);
        json_array(&w);
        for (size_t i = 0; i < project->zone_count; i++) {
                const Zone *zone = project->zones[i];
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

static Status find_run(Show *s, Str *out, Error *err) {
        int64_t number = 0;
        if (s->name.size > 0 && (!str_to_int64(s->name, &number) || number < 1)) {
                error_set(err, STATUS_BAD_VALUE, "'%.*s' is no number of a run", STR_ARG(s->name));
                return error_hint(err, "lode show run 12; lode show run is the last one");
        }
        return runs_find(s->workspace->lake->catalog, number, s->arena, out, err);
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
                Str zone = text_member(d, "zone"), source = text_member(d, "source"); /* archives have none */
                text_table_row(table, (Str[]){ text_member(d, "name"),
                                               source.size ? arena_strf(s->arena, "%.*s.%.*s", STR_ARG(zone), STR_ARG(source)) : zone,
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
                CLEANUP(arena_deinit) Arena scratch = { 0 };
                output_say(o, PAINT_NONE, "", "%s\n", output_line(&scratch, text_member(e, "message")).data);
                if (hint.size)
                        output_say(o, PAINT_NONE, "", "      %.*s\n", STR_ARG(hint));
        }
}

static Status show_run(Show *s, Error *err) {
        Str json;
        Status status = find_run(s, &json, err);
        if (status == STATUS_NOT_FOUND && s->name.size == 0)
                return error_set(err, STATUS_NOT_FOUND, "nothing was run yet: lode run");
        TRY(status);
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
                output_say(&s->cli->output, PAINT_YELLOW, "", "%sunclaimed  %s\n", i ? "" : "\n", output_line(s->arena, json_string(json_at(unclaimed, i))).data);
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

static Status show_principal(Show *s, Error *err) {
        Catalog *catalog = s->workspace->lake->catalog;
        return s->name.size ? principal_print(s->cli, catalog, s->name, err) : principals_print(s->cli, catalog, err);
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
        { "column", show_column, true },          { "principal", show_principal, true },
};
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
        { "user", "user" }, { "account", "user" }, { "role", "role" }, { "token", "token" }, { "branch", "branch" },
};

/* `show shop`, `show orders`, `show sources`, `show user`: what may have been meant. */
static Status unknown_thing(Cli *cli, Str thing, Error *err) {
        error_set(err, STATUS_USAGE, "there is nothing called '%.*s' to show", STR_ARG(thing));
        error_hint(err, "zone, source, table, column, product, delivery, run, quarantine, principal, connect, access, or a table's full name");
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
                QuarantineAsked asked = {
                        .scope = cli->arguments.word_count > 1 ? str_of(cli->arguments.words[1]) : STR(""),
                        .rows = cli_option(cli, OPTION_ROWS) != NULL,
                        .history = cli_option(cli, OPTION_HISTORY) != NULL,
                        .branch = cli_option(cli, OPTION_BRANCH),
                        .at = cli_option(cli, OPTION_AT),
                };
                return show_quarantine(cli, &asked, err);
        }
        TRY(cli_want_formats(cli, false, false, err));
        for (size_t i = 0; i < COUNT_OF(things); i++)
                if (strcmp(things[i].thing, thing) == 0)
                        return show_thing(cli, thing, i, things[i].store, err);
        if (show_count_dots(str_of(thing)) == 2)
                return show_thing(cli, thing, COUNT_OF(things), true, err);
        return unknown_thing(cli, str_of(thing), err);
}

const Verb verb_show = {
        .name = "show",
        .usage = "show [THING] [NAME]",
        .words = "zone, source, table, product, delivery, run, quarantine, access, or one table",
        .help = "Lists things, or with a name shows one whole. A table's page has its columns, what it needs, what needs it,\n"
                "and the Iceberg metadata file by which any tool opens it. `show access TABLE` has everybody who sees it, and why.\n\n"
                "  lode show crm.canonical.client\n"
                "  lode show column email\n"
                "  lode show quarantine crm.clients --rows",
        .options = options,
        .option_count = COUNT_OF(options),
        .run = run,
};
