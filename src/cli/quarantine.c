/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/quarantine.h"

#include "base/map.h"
#include "base/time.h"
#include "base/vec.h"
#include "cli/rows.h"
#include "engine/row_text.h"
#include "engine/data_row.h"
#include "intake/stage.h"
#include "model/applied.h"
#include "model/finding.h"
#include "model/remedy.h"
#include "model/statement.h"
#include "model/workspace.h"
#include "sql/printer.h"

#define PAST_VERSIONS_MAX 200 /* of a quarantine that --history looks through, newest first */

typedef VEC(QuarantineRule) Rules;

static int by_source_and_rows(const void *a, const void *b) {
        const QuarantineRule *x = a, *y = b;
        if ((x->severity.size > 0) != (y->severity.size > 0))
                return x->severity.size > 0 ? 1 : -1;
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

static bool in_scope(Str scope, Str zone, Str source) {
        if (scope.size == 0)
                return true;
        Str wanted_zone, wanted_source;
        bool both = str_cut(scope, '.', &wanted_zone, &wanted_source);
        return str_equal(zone, wanted_zone) && (!both || str_equal(source, wanted_source));
}

static Status add_delivery(Arena *arena, Rules *rules, const Delivery *delivery, Error *err) {
        if (!str_is(delivery->state, "staged") || delivery->quarantined == 0 || delivery->detail.size == 0)
                return STATUS_OK;
        Json *detail;
        TRY(json_parse(delivery->detail, "a delivery's detail", arena, &detail, err));
        const Json *list = json_get(detail, "rules");
        for (size_t j = 0; j < json_count(list); j++)
                add_rule(arena, rules, delivery, json_at(list, j));
        return STATUS_OK;
}

static Str name_of_delivery(const Delivery *deliveries, size_t count, int64_t id) {
        for (size_t i = 0; i < count && id; i++)
                if (deliveries[i].id == id)
                        return deliveries[i].name;
        return STR("");
}

static void add_finding(Arena *arena, Rules *rules, const Finding *finding, Str name) {
        QuarantineRule rule = {
                .source = arena_strf(arena, "%.*s.%.*s", STR_ARG(finding->zone), STR_ARG(finding->model)),
                .rule = finding->rule,
                .severity = finding->severity,
                .rows = finding->rows,
                .name = name,
                .line = finding->row,
                .text = finding->raw,
                .message = finding->message,
        };
        vec_push(arena, rules, rule);
}

static const Table *find_table(const Table *tables, size_t count, const Table *like) {
        for (size_t i = 0; i < count; i++)
                if (str_equal(tables[i].zone, like->zone) && str_equal(tables[i].name, like->name))
                        return &tables[i];
        return NULL;
}

/* The ledger counts what is in main's newest. Of a source whose quarantine is another here, the rows are counted as one. */
static Status add_of_base(Lake *lake, CatalogAt base, Str scope, const Delivery *deliveries, size_t count, Arena *arena, Rules *rules, Error *err) {
        Table *here, *on_main;
        size_t here_count, main_count;
        TRY(lake_tables(lake, base, STR("quarantine"), STR(""), arena, &here, &here_count, err));
        TRY(lake_tables(lake, (CatalogAt){ 0 }, STR("quarantine"), STR(""), arena, &on_main, &main_count, err));
        for (size_t i = 0; i < here_count; i++) {
                Str stage, source;
                const Table *main_table = find_table(on_main, main_count, &here[i]);
                str_cut(here[i].name, '.', &stage, &source);
                if (!str_is(stage, "staging") || !in_scope(scope, here[i].zone, source))
                        continue;
                if (main_table && str_equal(main_table->body_hash, here[i].body_hash)) {
                        for (size_t k = 0; k < count; k++)
                                if (str_equal(deliveries[k].zone, here[i].zone) && str_equal(deliveries[k].source, source))
                                        TRY(add_delivery(arena, rules, &deliveries[k], err));
                } else if (here[i].body.rows > 0) {
                        QuarantineRule rule = { .source = arena_strf(arena, "%.*s.%.*s", STR_ARG(here[i].zone), STR_ARG(source)), .rows = here[i].body.rows };
                        vec_push(arena, rules, rule);
                }
        }
        return STATUS_OK;
}

Status quarantine_rules(Lake *lake, CatalogAt base, const Delivery *deliveries, size_t count, Str scope, Arena *arena, QuarantineRule **out,
                        size_t *out_count, Error *err) {
        Rules rules = { 0 };
        for (size_t i = 0; i < count && !base.seq; i++)
                if (in_scope(scope, deliveries[i].zone, deliveries[i].source))
                        TRY(add_delivery(arena, &rules, &deliveries[i], err));
        if (base.seq)
                TRY(add_of_base(lake, base, scope, deliveries, count, arena, &rules, err));
        Finding *findings;
        size_t finding_count;
        TRY(findings_open(lake, base, STR(""), arena, &findings, &finding_count, err));
        for (size_t i = 0; i < finding_count; i++)
                if (in_scope(scope, findings[i].zone, findings[i].model))
                        add_finding(arena, &rules, &findings[i], name_of_delivery(deliveries, count, findings[i].file));
        if (rules.count)
                qsort(rules.items, rules.count, sizeof(QuarantineRule), by_source_and_rows);
        *out = rules.items;
        *out_count = rules.count;
        return STATUS_OK;
}

void quarantine_leave_removed(const Project *project, QuarantineRule *rules, size_t *count) {
        size_t left = 0;
        for (size_t i = 0; i < *count; i++) {
                Str zone, source;
                bool removed = rules[i].severity.size == 0 && str_cut(rules[i].source, '.', &zone, &source) && !project_source(project, zone, source);
                if (!removed)
                        rules[left++] = rules[i];
        }
        *count = left;
}

/* What a listing goes through. */
typedef struct RowList {
        Cli *cli;
        Workspace *workspace;
        const Delivery *deliveries;
        size_t delivery_count;
        Str scope;
        bool history;
        Str zone;
        JsonWriter *json; /* or NULL: csv */
        Buf *out;
        CatalogAt base;   /* the branch and commit that the listing is of; zero = main's newest */
        CatalogAt at;     /* whose version is asked */
        bool is_past;     /* an earlier version: what was open there and is listed in no newer one has left since */
        Map *listed;      /* of a source, places of records; NULL when there is no need to know */
} RowList;

/* ---- grouped ---- */

/* 2 positive (quarantine), as in orders.csv record 4: {"order_no":3,...} breaks amount > 0 */
static void print_check(Cli *cli, const QuarantineRule *r) {
        Str name = output_line(&cli->arena, r->name), text = output_line(&cli->arena, r->text);
        printf("  %s %.*s (%.*s), as in ", count_print(&cli->arena, r->rows).data, STR_ARG(r->rule), STR_ARG(r->severity));
        if (r->name.size)
                printf("%.*s record %lld: ", STR_ARG(name), (long long)r->line);
        printf("%.*s\n", STR_ARG(text));
        printf("  %s   must hold: %.*s%s\n", paint(cli->output.color_out, PAINT_DIM), STR_ARG(r->message), paint(cli->output.color_out, PAINT_NONE));
}

/* would fit all: dates: [yyyy-MM-dd, dd.MM.yyyy]   (tried: 1,204 other records read as before) */
static void print_remedy(Cli *cli, const Remedy *remedy) {
        const char *dim = paint(cli->output.color_out, PAINT_DIM), *none = paint(cli->output.color_out, PAINT_NONE);
        if (remedy->header) {
                printf("  %s   it is the file's header, which stands there again: a footer that matches that line passes over it%s\n", dim, none);
                return;
        }
        if (remedy->most.size)
                printf("  %s   would fit %s of %s: %.*s%s\n", dim, count_print(&cli->arena, remedy->fit).data, count_print(&cli->arena, remedy->misfits).data,
                       STR_ARG(remedy->most), none);
        printf("  %s   would fit all: %.*s", dim, STR_ARG(remedy->setting));
        if (remedy->other.size)
                printf(", and so would %.*s: as other %s, and no record tells which", STR_ARG(remedy->other), remedy->is_date ? "days" : "numbers");
        if (remedy->accepted)
                printf("   (tried: %s other record%s as before)", count_print(&cli->arena, remedy->accepted).data,
                       remedy->accepted == 1 ? " reads" : "s read");
        printf("%s\n", none);
        if (remedy->refused.size)
                printf("  %s   not for all columns: %.*s would change values that fit%s\n", dim, STR_ARG(remedy->refused), none);
        if (remedy->left)
                printf("  %s   of these %s still ha%s another field that does not fit: it is told when this one does%s\n", dim,
                       count_print(&cli->arena, remedy->left).data, remedy->left == 1 ? "s" : "ve", none);
}

static void print_rule(Cli *cli, const QuarantineRule *r, const Remedy *remedies, size_t count) {
        if (r->rule.size == 0) {
                printf("  %s record%s, another quarantine than main's: --rows lists them\n", count_print(&cli->arena, r->rows).data, r->rows == 1 ? "" : "s");
                return;
        }
        Str name = output_line(&cli->arena, r->name), why = output_line(&cli->arena, r->message);
        printf("  %s %.*s%s%.*s, as in %.*s line %lld: %.*s\n", count_print(&cli->arena, r->rows).data, STR_ARG(r->rule),
               r->column.size ? " in " : "", STR_ARG(r->column), STR_ARG(name), (long long)r->line, STR_ARG(why));
        for (size_t i = 0; i < count; i++)
                if (str_equal(remedies[i].column, r->column) && str_is(r->rule, rule_name(remedies[i].rule)))
                        print_remedy(cli, &remedies[i]);
}

/* A source whose text or landed files are no longer there has none, and is listed all the same. */
static void find_remedies(RowList *list, Str zone, Str name, Remedy **out, size_t *out_count) {
        Arena *arena = &list->cli->arena;
        Workspace *workspace = list->workspace;
        Error err = { 0 };
        Source *source;
        *out_count = 0;
        Status status = applied_source(workspace->lake, (CatalogAt){ 0 }, zone, name, arena, &source, &err);
        if (status == STATUS_NOT_FOUND)
                return;
        if (status == STATUS_OK)
                status = workspace_workers(workspace, 1, &cli_interrupted, &err);
        RemedySpec spec = { workspace->lake, workspace->pool, arena_strf(arena, "zone:%.*s", STR_ARG(zone)), list->deliveries, list->delivery_count };
        if (status == STATUS_OK)
                status = remedies_find(&spec, source, arena, out, out_count, &err);
        if (status != STATUS_OK)
                output_note(&list->cli->output, PAINT_YELLOW, "which setting would fit could not be tried: %s", err.message);
}

static void print_groups(RowList *list, const QuarantineRule *rules, size_t count) {
        Cli *cli = list->cli;
        Remedy *remedies = NULL;
        size_t remedy_count = 0;
        if (count == 0) {
                puts("quarantine is empty");
                return;
        }
        for (size_t i = 0; i < count; i++) {
                const QuarantineRule *r = &rules[i];
                if (i == 0 || !str_equal(rules[i - 1].source, r->source)) {
                        Str zone, name;
                        printf("%s%.*s%s\n", paint(cli->output.color_out, PAINT_BOLD), STR_ARG(r->source), paint(cli->output.color_out, PAINT_NONE));
                        if (r->severity.size == 0 && str_cut(r->source, '.', &zone, &name))
                                find_remedies(list, zone, name, &remedies, &remedy_count);
                }
                if (r->severity.size)
                        print_check(cli, r);
                else
                        print_rule(cli, r, remedies, remedy_count);
        }
        output_note(&cli->output, PAINT_DIM, "edit the source or the model and run again: lode reads what landed once more. Each row: lode show quarantine --rows");
}

/* ---- each row ---- */

typedef enum KeyPlace { PLACE_ANY, PLACE_BYTES, PLACE_CELL } KeyPlace;

/* The columns of what is asked, in the order of the shape; the delivery's name stands behind its number. In JSON a row of a
 * workbook has its cell in the place of its bytes. */
static const struct {
        const char *key;
        bool is_number;
        KeyPlace place;
} row_keys[] = {
        { "source", false, PLACE_ANY },  { "delivery", true, PLACE_ANY },  { "record", true, PLACE_ANY },
        { "line", true, PLACE_ANY },     { "offset", true, PLACE_BYTES },  { "length", true, PLACE_BYTES },
        { "sheet", false, PLACE_CELL },  { "cell", false, PLACE_CELL },    { "column", false, PLACE_ANY },
        { "rule", false, PLACE_ANY },    { "message", false, PLACE_ANY },  { "raw", false, PLACE_ANY },
        { "state", false, PLACE_ANY },
};
enum { KEY_AT_DELIVERY = 1, KEY_AT_LINE = 3, KEY_AT_OFFSET = 4, KEY_AT_SHEET = 6, KEY_AT_STATE = 12 };

static void put_csv(RowList *list, const Str *values, const bool *nulls, Str name) {
        csv_put(list->out, list->zone, false);
        for (size_t i = 0; i < COUNT_OF(row_keys); i++) {
                buf_append_byte(list->out, ',');
                csv_put(list->out, values[i], nulls[i]);
                if (i != KEY_AT_DELIVERY)
                        continue;
                buf_append_byte(list->out, ',');
                csv_put(list->out, name, name.size == 0 && nulls[i]);
        }
        buf_append_byte(list->out, '\n');
}

static void put_json(RowList *list, const Str *values, const bool *nulls, Str name) {
        JsonWriter *w = list->json;
        json_object(w);
        json_member_str(w, "zone", list->zone);
        KeyPlace other = nulls[KEY_AT_SHEET] ? PLACE_CELL : PLACE_BYTES;
        for (size_t i = 0; i < COUNT_OF(row_keys); i++) {
                if (row_keys[i].place == other)
                        continue;
                json_key(w, row_keys[i].key);
                if (nulls[i])
                        json_put_null(w);
                else if (row_keys[i].is_number)
                        json_put_raw(w, values[i]);
                else
                        json_put_str(w, values[i]);
                if (i != KEY_AT_DELIVERY)
                        continue;
                json_key(w, "name");
                if (name.size == 0 && nulls[i])
                        json_put_null(w);
                else
                        json_put_str(w, name);
        }
        json_end(w);
}

/* Whether no newer version had the record. */
static bool is_news(RowList *list, const Str *values) {
        if (!list->listed)
                return true;
        Str place = arena_strf(&list->cli->arena, "%.*s:%.*s", STR_ARG(values[KEY_AT_DELIVERY]), STR_ARG(values[KEY_AT_OFFSET].size ? values[KEY_AT_OFFSET] : values[KEY_AT_LINE]));
        if (map_has(list->listed, place))
                return false;
        map_put(list->listed, place, list);
        return true;
}

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
        if (!is_news(list, values))
                return STATUS_OK;
        if (list->is_past && str_is(values[KEY_AT_STATE], "open"))
                values[KEY_AT_STATE] = STR("replayed");
        int64_t id = 0;
        if (!nulls[KEY_AT_DELIVERY])
                str_to_int64(values[KEY_AT_DELIVERY], &id);
        Str name = name_of_delivery(list->deliveries, list->delivery_count, id);
        if (list->json)
                put_json(list, values, nulls, name);
        else
                put_csv(list, values, nulls, name);
        return STATUS_OK;
}

static Status list_answer(RowList *list, Str sql, Error *err) {
        Arena *arena = &list->cli->arena;
        CLEANUP(worker_releasep) Worker *worker = NULL;
        TRY(worker_lease(list->workspace->pool, list->workspace->principal.name, &worker, err));
        StatementSpec spec = { .lake = list->workspace->lake, .worker = worker, .at = list->at, .principal = list->workspace->principal };
        Statement statement;
        TRY(statement_open(&spec, sql, STR(""), arena, &statement, err));
        int64_t rows;
        return statement_execute(&statement, add_row, list, &rows, err);
}

static Status list_source(RowList *list, Str source, Error *err) {
        return list_answer(list,
                           arena_strf(&list->cli->arena,
                                      "select '%.*s', _file, record, line, \"offset\", length, sheet, cell, \"column\", rule, message, raw, state "
                                      "from \"%.*s\".quarantine.\"%.*s\" where %s order by _file, record",
                                      STR_ARG(source), STR_ARG(list->zone), STR_ARG(source), list->history ? "true" : "state = 'open'"),
                           err);
}

/* Rows that were in an earlier version of the quarantine and are in none since: read again by another text, they fit. What
 * retention took is not told. */
static Status list_past(RowList *list, const Table *table, Str source, Error *err) {
        Arena *arena = &list->cli->arena;
        CatalogObject *versions;
        size_t count;
        Map listed;
        map_init(&listed, arena);
        list->listed = &listed;
        TRY(catalog_history(list->workspace->lake->catalog, list->base.branch, (CatalogName){ STR("quarantine"), table->zone, table->name }, PAST_VERSIONS_MAX,
                            arena, &versions, &count, err));
        bool is_past = false;
        for (size_t i = 0; i < count; i++) {
                if (list->base.seq && versions[i].seq > list->base.seq)
                        continue;
                list->at = is_past ? (CatalogAt){ .branch = list->base.branch, .seq = versions[i].seq } : list->base;
                list->is_past = is_past;
                Error ignored = { 0 };
                Status status = versions[i].body.size ? list_source(list, source, is_past ? &ignored : err) : STATUS_OK;
                if (status != STATUS_OK && !is_past)
                        return status;
                is_past = true;
        }
        list->listed = NULL;
        list->is_past = false;
        list->at = list->base;
        return STATUS_OK;
}

/* A scope of a model's name is a word of the project, so it needs no quoting; what is none is in no row. */
static Status list_findings(RowList *list, Error *err) {
        Arena *arena = &list->cli->arena;
        Str zone, model;
        CLEANUP(buf_deinit) Buf sql = { 0 };
        buf_printf(&sql,
                   "select model, _file, _row, null::bigint, null::bigint, null::bigint, null::text, null::text, null::text, rule, message, raw, state "
                   "from \"%.*s\".quarantine." FINDINGS_TABLE " where true",
                   STR_ARG(list->zone));
        if (!list->history)
                buf_append_cstr(&sql, " and state = 'open'");
        if (str_cut(list->scope, '.', &zone, &model)) {
                buf_append_cstr(&sql, " and model = ");
                sql_quote_text(&sql, model);
        }
        buf_append_cstr(&sql, " order by model, rule, _file, _row, raw, run");
        return list_answer(list, buf_dup(&sql, arena), err);
}

static Status list_table(RowList *list, const Table *table, Error *err) {
        Str zone, source, of_source;
        list->zone = table->zone;
        if (table->body.rows == 0 && !list->history)
                return STATUS_OK;
        if (str_equal(table->name, findings_name(table->zone).name)) {
                str_cut(list->scope, '.', &zone, &source);
                return zone.size == 0 || str_equal(zone, table->zone) ? list_findings(list, err) : STATUS_OK;
        }
        str_cut(table->name, '.', &zone, &of_source);
        if (!in_scope(list->scope, table->zone, of_source))
                return STATUS_OK;
        bool named = str_find(list->scope, STR(".")) < list->scope.size;
        if (!list->history && !named && !project_source(list->workspace->project, table->zone, of_source))
                return STATUS_OK;
        return list->history ? list_past(list, table, of_source, err) : list_source(list, of_source, err);
}

static Status list_rows(RowList *list, Error *err) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        JsonWriter w = json_writer(&out, false);
        list->out = &out;
        list->json = cli_json(list->cli) ? &w : NULL;
        if (list->json)
                json_array(&w);
        else
                buf_append_cstr(&out, "zone,source,delivery,name,record,line,offset,length,sheet,cell,column,rule,message,raw,state\n");
        Table *tables;
        size_t count;
        TRY(lake_tables(list->workspace->lake, list->base, STR("quarantine"), STR(""), &list->cli->arena, &tables, &count, err));
        for (size_t i = 0; i < count; i++)
                TRY(list_table(list, &tables[i], err));
        if (list->json) {
                json_end(&w);
                buf_append_byte(&out, '\n');
        }
        fwrite(out.data, 1, out.size, stdout);
        return STATUS_OK;
}

Status show_quarantine(Cli *cli, const QuarantineAsked *asked, Error *err) {
        Str scope = asked->scope;
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        bool each = asked->rows || asked->history || cli->output.format != OUTPUT_TEXT;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .store = true, .workers = each, .interrupted = &cli_interrupted };
        TRY(workspace_open(&spec, &workspace, err));
        CatalogAt base = { 0 };
        if (asked->branch || asked->at)
                TRY(workspace_at(workspace, str_of(asked->branch), asked->at, &base, err));
        cli_tell_branch(cli, asked->branch);
        DeliveryQuery query = { 0 };
        Delivery *deliveries;
        size_t count, rule_count;
        QuarantineRule *rules;
        TRY(catalog_deliveries(workspace->lake->catalog, &query, &cli->arena, &deliveries, &count, err));
        TRY(quarantine_rules(workspace->lake, base, deliveries, count, scope, &cli->arena, &rules, &rule_count, err));
        if (str_find(scope, STR(".")) == scope.size) /* asked for by its name it is shown */
                quarantine_leave_removed(workspace->project, rules, &rule_count);
        if (rule_count == 0)
                TRY(show_scope_check(workspace->project, scope, &cli->arena, err));
        AuditRecord record = { .action = STR("show quarantine"), .objects = &scope, .object_count = scope.size > 0, .rows = -1, .bytes = -1 };
        TRY(workspace_audit(workspace, record, err));
        RowList list = { .cli = cli, .workspace = workspace, .deliveries = deliveries, .delivery_count = count, .scope = scope, .history = asked->history,
                         .base = base, .at = base };
        if (each)
                return list_rows(&list, err);
        print_groups(&list, rules, rule_count);
        return STATUS_OK;
}
