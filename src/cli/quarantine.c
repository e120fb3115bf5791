/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/quarantine.h"

#include "base/map.h"
#include "base/time.h"
#include "base/vec.h"
#include "cli/rows.h"
#include "engine/data_row.h"
#include "intake/stage.h"
#include "model/statement.h"
#include "model/workspace.h"

typedef VEC(QuarantineRule) Rules;

static int by_source_and_rows(const void *a, const void *b) {
        const QuarantineRule *x = a, *y = b;
        int order = str_compare(x->source, y->source);
        if (order)
                return order;
        if (x->rows != y->rows)
                return x->rows < y->rows ? 1 : -1;
        order = str_compare(x->column, y->column);
        return order ? order : str_compare(x->rule, y->rule);
}

static void add_rule(Arena *arena, Rules *rules, const Delivery *delivery, const Json *json) {
        QuarantineRule rule = {
                .source = arena_strf(arena, "%.*s.%.*s", STR_ARG(delivery->zone), STR_ARG(delivery->source)),
                .column = json_string(json_get(json, "column")),
                .rule = json_string(json_get(json, "rule")),
                .rows = json_integer(json_get(json, "count"), 0),
                .name = delivery->name,
                .line = json_integer(json_get(json, "line"), 0),
                .text = json_string(json_get(json, "text")),
                .message = json_string(json_get(json, "message")),
        };
        for (size_t i = 0; i < rules->count; i++) {
                QuarantineRule *known = &rules->items[i];
                if (!str_equal(known->source, rule.source) || !str_equal(known->column, rule.column) || !str_equal(known->rule, rule.rule))
                        continue;
                known->rows += rule.rows;
                return;
        }
        vec_push(arena, rules, rule);
}

Status quarantine_rules(const Delivery *deliveries, size_t count, Arena *arena, QuarantineRule **out, size_t *out_count, Error *err) {
        Rules rules = { 0 };
        for (size_t i = 0; i < count; i++) {
                if (!str_is(deliveries[i].state, "staged") || deliveries[i].quarantined == 0 || deliveries[i].detail.size == 0)
                        continue;
                Json *detail;
                TRY(json_parse(deliveries[i].detail, "a delivery's detail", arena, &detail, err));
                const Json *list = json_get(detail, "rules");
                for (size_t j = 0; j < json_count(list); j++)
                        add_rule(arena, &rules, &deliveries[i], json_at(list, j));
        }
        if (rules.count)
                qsort(rules.items, rules.count, sizeof(QuarantineRule), by_source_and_rows);
        *out = rules.items;
        *out_count = rules.count;
        return STATUS_OK;
}

Str quarantine_remedy(Arena *arena, const QuarantineRule *rule) {
        static const struct {
                const char *rule, *remedy; /* %s: the column */
        } remedies[] = {
                { "not_a_number", "%s: text, or 'decimal:' and 'thousands:', or the word under 'nulls:'" },
                { "not_an_integer", "%s: decimal(18,2), or double" },
                { "out_of_range", "%s: bigint, or decimal(38,0)" },
                { "too_many_digits", "%s: a decimal with more digits" },
                { "not_a_date", "a pattern more under 'dates:', or %s: text" },
                { "not_a_timestamp", "a pattern more under 'dates:', or %s: text" },
                { "not_a_time", "%s: text" },
                { "no_offset", "%s: timestamp ZONE, or timestamp" },
                { "not_a_boolean", "%s: text" },
                { "not_a_uuid", "%s: text" },
                { "required_missing", "%s without 'required'" },
                { "empty_quoted", "nulls: [\"\"]" },
                { "record_too_long", "limits: a larger record" },
        };
        for (size_t i = 0; i < COUNT_OF(remedies); i++) {
                if (!str_is(rule->rule, remedies[i].rule))
                        continue;
                Str before, after;
                Str text = str_of(remedies[i].remedy);
                size_t at = str_find(text, STR("%s"));
                before = str_slice(text, 0, at);
                after = str_slice(text, at + 2, text.size);
                if (at == text.size)
                        return text;
                return arena_strf(arena, "%.*s%.*s%.*s", STR_ARG(before), STR_ARG(rule->column), STR_ARG(after));
        }
        return STR("");
}

/* ---- grouped ---- */

static bool in_scope(Str scope, Str zone, Str source) {
        if (scope.size == 0)
                return true;
        Str wanted_zone, wanted_source;
        bool both = str_cut(scope, '.', &wanted_zone, &wanted_source);
        return str_equal(zone, wanted_zone) && (!both || str_equal(source, wanted_source));
}

static Status deliveries_in(Workspace *workspace, Arena *arena, Str scope, Delivery **out, size_t *out_count, Error *err) {
        DeliveryQuery query = { 0 };
        Delivery *all;
        size_t count, kept = 0;
        TRY(catalog_deliveries(workspace->lake->catalog, &query, arena, &all, &count, err));
        for (size_t i = 0; i < count; i++)
                if (in_scope(scope, all[i].zone, all[i].source))
                        all[kept++] = all[i];
        *out = all;
        *out_count = kept;
        return STATUS_OK;
}

static void print_groups(Cli *cli, const QuarantineRule *rules, size_t count) {
        if (count == 0) {
                puts("quarantine is empty");
                return;
        }
        for (size_t i = 0; i < count; i++) {
                const QuarantineRule *r = &rules[i];
                if (i == 0 || !str_equal(rules[i - 1].source, r->source))
                        printf("%s%.*s%s\n", paint(cli->output.color_out, PAINT_BOLD), STR_ARG(r->source), paint(cli->output.color_out, PAINT_NONE));
                printf("  %s %.*s%s%.*s, as in %.*s line %lld: %.*s\n", count_print(&cli->arena, r->rows).data, STR_ARG(r->rule),
                       r->column.size ? " in " : "", STR_ARG(r->column), STR_ARG(r->name), (long long)r->line, STR_ARG(r->message));
                Str remedy = quarantine_remedy(&cli->arena, r);
                if (remedy.size)
                        printf("  %s   would fit all: %.*s%s\n", paint(cli->output.color_out, PAINT_DIM), STR_ARG(remedy),
                               paint(cli->output.color_out, PAINT_NONE));
        }
        output_note(&cli->output, PAINT_DIM, "edit the source and run again: lode reads the landed files once more. Each row: lode show quarantine --rows");
}

/* ---- each row ---- */

typedef struct RowList {
        Cli *cli;
        const Delivery *deliveries;
        size_t delivery_count;
        Str zone, source;
        JsonWriter *json; /* or NULL: csv */
        Buf *out;
} RowList;

static Str delivery_name(const RowList *list, Str id) {
        int64_t wanted = 0;
        str_to_int64(id, &wanted);
        for (size_t i = 0; i < list->delivery_count; i++)
                if (list->deliveries[i].id == wanted)
                        return list->deliveries[i].name;
        return STR("");
}

/* The columns of a quarantine table, in its order, as the shape names them. */
static const struct {
        const char *key;
        bool is_number;
} row_keys[] = {
        { "delivery", true }, { "record", true }, { "line", true }, { "offset", true }, { "length", true },
        { "column", false },  { "rule", false },  { "message", false }, { "raw", false },
};

static Status add_row(void *context, Str data_row, Error *err) {
        RowList *list = context;
        DataRow row;
        Str values[COUNT_OF(row_keys)];
        bool nulls[COUNT_OF(row_keys)];
        bool whole = data_row_open(data_row, &row) && row.column_count == COUNT_OF(row_keys);
        for (size_t i = 0; whole && i < COUNT_OF(row_keys); i++)
                whole = data_row_next(&row, &values[i], &nulls[i]);
        if (!whole)
                return error_set(err, STATUS_WORKER_LOST, "a worker sent a row that is none");
        Str name = delivery_name(list, values[0]);
        if (!list->json) {
                csv_put(list->out, list->zone, false);
                buf_append_byte(list->out, ',');
                csv_put(list->out, list->source, false);
                for (size_t i = 0; i < COUNT_OF(row_keys); i++) {
                        buf_append_byte(list->out, ',');
                        csv_put(list->out, values[i], nulls[i]);
                        if (i == 0) {
                                buf_append_byte(list->out, ',');
                                csv_put(list->out, name, false);
                        }
                }
                buf_append_cstr(list->out, ",open\n");
                return STATUS_OK;
        }
        JsonWriter *w = list->json;
        json_object(w);
        json_member_str(w, "zone", list->zone);
        json_member_str(w, "source", list->source);
        for (size_t i = 0; i < COUNT_OF(row_keys); i++) {
                json_key(w, row_keys[i].key);
                if (nulls[i])
                        json_put_null(w);
                else if (row_keys[i].is_number)
                        json_put_raw(w, values[i]);
                else
                        json_put_str(w, values[i]);
                if (i == 0)
                        json_member_str(w, "name", name);
        }
        json_member_str(w, "state", STR("open"));
        json_end(w);
        return STATUS_OK;
}

static Status list_source(RowList *list, Workspace *workspace, const Table *table, Error *err) {
        Arena *arena = &list->cli->arena;
        CLEANUP(worker_releasep) Worker *worker = NULL;
        TRY(worker_lease(workspace->pool, workspace->principal.name, &worker, err));
        StatementSpec spec = { .lake = workspace->lake, .worker = worker, .principal = workspace->principal };
        list->zone = table->zone;
        list->source = str_slice(table->name, sizeof("staging.") - 1, table->name.size);
        Str sql = arena_strf(arena,
                             "select _file, record, line, \"offset\", length, \"column\", rule, message, raw from \"%.*s\".quarantine.\"%.*s\" "
                             "order by _file, record",
                             STR_ARG(list->zone), STR_ARG(list->source));
        Statement statement;
        TRY(statement_open(&spec, sql, STR(""), arena, &statement, err));
        int64_t rows;
        return statement_execute(&statement, add_row, list, &rows, err);
}

static Status list_rows(Cli *cli, Workspace *workspace, Str scope, const Delivery *deliveries, size_t delivery_count, Error *err) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        bool json = cli_json(cli);
        JsonWriter w = json_writer(&out, false);
        if (json)
                json_array(&w);
        else
                buf_append_cstr(&out, "zone,source,delivery,name,record,line,offset,length,column,rule,message,raw,state\n");
        RowList list = { cli, deliveries, delivery_count, STR(""), STR(""), json ? &w : NULL, &out };
        Table *tables;
        size_t count;
        TRY(lake_tables(workspace->lake, (CatalogAt){ 0 }, STR("quarantine"), STR(""), &cli->arena, &tables, &count, err));
        for (size_t i = 0; i < count; i++) {
                Str source = str_slice(tables[i].name, sizeof("staging.") - 1, tables[i].name.size);
                if (tables[i].body.rows && in_scope(scope, tables[i].zone, source))
                        TRY(list_source(&list, workspace, &tables[i], err));
        }
        if (json) {
                json_end(&w);
                buf_append_byte(&out, '\n');
        }
        fwrite(out.data, 1, out.size, stdout);
        return STATUS_OK;
}

Status show_quarantine(Cli *cli, Str scope, bool rows, Error *err) {
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        bool list = rows || cli->output.format != OUTPUT_TEXT;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .store = true, .workers = list, .interrupted = &cli_interrupted };
        TRY(workspace_open(&spec, &workspace, err));
        Delivery *deliveries;
        size_t count, rule_count;
        QuarantineRule *rules;
        TRY(deliveries_in(workspace, &cli->arena, scope, &deliveries, &count, err));
        if (count == 0)
                TRY(show_scope_check(workspace->project, scope, &cli->arena, err));
        AuditRecord record = { .action = STR("show quarantine"), .objects = &scope, .object_count = scope.size > 0, .rows = -1, .bytes = -1 };
        TRY(workspace_audit(workspace, record, err));
        if (list)
                return list_rows(cli, workspace, scope, deliveries, count, err);
        TRY(quarantine_rules(deliveries, count, &cli->arena, &rules, &rule_count, err));
        print_groups(cli, rules, rule_count);
        return STATUS_OK;
}
