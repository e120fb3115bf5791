/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/product.h"

#include "base/time.h"
#include "base/vec.h"
#include "cli/shapes.h"
#include "model/product.h"

#define SECOND_US 1000000

/* A product of the text, with what of it is published. */
typedef struct Product {
        const Model *model;
        const Zone *zone;
        Str full;
        bool published;
        Contract contract; /* as published; else what the text says of itself */
        int64_t changed_us, rows; /* -1 = not known */
        bool late;
} Product;
typedef VEC(Product) ProductVec;

static Status rows_of(Workspace *workspace, CatalogAt at, const Model *model, Arena *arena, int64_t *out, Error *err) {
        Table table;
        CatalogName name = { STR("table"), model->zone, arena_strf(arena, "egress.%.*s", STR_ARG(model->name)) };
        *out = -1;
        Status status = lake_table(workspace->lake, at, name, arena, &table, err);
        if (status == STATUS_OK)
                *out = table.body.rows;
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static Status look_at(Workspace *workspace, CatalogAt at, const Zone *zone, const Model *model, Arena *arena, Product *out, Error *err) {
        *out = (Product){ .model = model, .zone = zone, .full = model_full_name(arena, model), .changed_us = -1, .rows = -1 };
        out->contract = contract_of(model, NULL, 0, arena);
        Contract published;
        if (!workspace->lake)
                return STATUS_OK;
        TRY(product_published(workspace->lake, at, model->zone, model->name, arena, &published, &out->published, err));
        if (!out->published)
                return STATUS_OK;
        out->contract = published;
        TRY(product_changed(workspace->lake, at, model->zone, model->name, arena, &out->changed_us, err));
        TRY(rows_of(workspace, at, model, arena, &out->rows, err));
        out->late = product_is_late(&out->contract, out->changed_us, time_now_us());
        return STATUS_OK;
}

static bool is_wanted(Str name, const Product *product) {
        return name.size == 0 || str_equal(name, product->zone->name) || str_equal(name, product->full);
}

static Status collect(Workspace *workspace, CatalogAt at, Str name, Arena *arena, ProductVec *out, Error *err) {
        const Project *project = workspace->project;
        for (size_t z = 0; z < project->zone_count; z++) {
                const Zone *zone = project->zones[z];
                for (size_t i = 0; i < zone->model_count; i++) {
                        Product product;
                        if (zone->models[i]->stage != STAGE_EGRESS)
                                continue;
                        TRY(look_at(workspace, at, zone, zone->models[i], arena, &product, err));
                        if (is_wanted(name, &product))
                                vec_push(arena, out, product);
                }
        }
        return STATUS_OK;
}

/* ---- late ---- */

Status late_products(Workspace *workspace, Arena *arena, LateProduct **out, size_t *out_count, Error *err) {
        ProductVec products = { 0 };
        VEC(LateProduct) late = { 0 };
        TRY(collect(workspace, (CatalogAt){ 0 }, STR(""), arena, &products, err));
        int64_t now = time_now_us();
        for (size_t i = 0; i < products.count; i++) {
                const Product *product = &products.items[i];
                LateProduct one = { product->full, now - product->changed_us, product->contract.fresh_us };
                if (product->late)
                        vec_push(arena, &late, one);
        }
        *out = late.items;
        *out_count = late.count;
        return STATUS_OK;
}

const char *late_product_words(Arena *arena, const LateProduct *late) {
        return arena_printf(arena, "%.*s old, and it may be %.*s", STR_ARG(duration_print(arena, late->age_us)),
                            STR_ARG(duration_print(arena, late->fresh_us)));
}

/* ---- show ---- */

/* Whom the zone's rules give it to. */
static void collect_readers(const Product *product, Arena *arena, Str **out, size_t *out_count) {
        VEC(Str) readers = { 0 };
        const Access *access = &product->zone->access;
        for (size_t i = 0; i < access->rule_count; i++) {
                const AccessRule *rule = &access->rules[i];
                const Model *model = product->model;
                bool on = access_rule_means(rule, STR("egress"), model->name, model->tags, model->tag_count);
                for (size_t k = 0; k < rule->who_count && on; k++)
                        vec_push(arena, &readers, who_print(arena, &rule->who[k]));
        }
        *out = readers.items;
        *out_count = readers.count;
}

static const char *state_of(const Product *product) {
        return !product->published ? "unpublished" : product->late ? "late" : "current";
}

static void columns_json(JsonWriter *w, const Product *product, Arena *arena) {
        json_key(w, "columns");
        json_array(w);
        for (size_t i = 0; i < product->contract.column_count; i++) {
                const ContractColumn *column = &product->contract.columns[i];
                Str about = STR("");
                for (size_t k = 0; k < product->model->column_count; k++)
                        if (str_equal_nocase(product->model->columns[k].name, column->name))
                                about = product->model->columns[k].about;
                json_object(w);
                json_member_str(w, "name", column->name);
                json_member_str(w, "type", type_print(arena, column->type));
                json_member_bool(w, "required", column->required);
                json_member_bool(w, "unique", column->unique);
                shape_text(w, "about", about);
                json_end(w);
        }
        json_end(w);
}

static void product_json(JsonWriter *w, const Product *product, bool whole, Arena *arena) {
        const Contract *contract = &product->contract;
        Str *readers;
        size_t reader_count;
        collect_readers(product, arena, &readers, &reader_count);
        json_object(w);
        json_member_str(w, "product", product->full);
        json_member_str(w, "kind", str_of(model_kind_name(product->model->kind)));
        shape_text(w, "about", product->model->about);
        json_member_int(w, "version", contract->version);
        json_member_bool(w, "listed", contract->listed);
        json_member_str(w, "state", str_of(state_of(product)));
        shape_count(w, "fresh_seconds", contract->fresh_us ? contract->fresh_us / SECOND_US : -1);
        shape_count(w, "age_seconds", product->published ? (time_now_us() - product->changed_us) / SECOND_US : -1);
        shape_text(w, "changed_at", product->published ? time_print_us(arena, product->changed_us) : STR(""));
        shape_count(w, "rows", product->rows);
        json_member_strs(w, "readers", readers, reader_count);
        if (whole)
                columns_json(w, product, arena);
        json_end(w);
}

static void list_text(Cli *cli, const ProductVec *products) {
        Arena *arena = &cli->arena;
        Str headers[] = { STR("product"), STR("version"), STR("state"), STR("changed"), STR("rows"), STR("listed"), STR("readers") };
        TextTable *table = text_table_new(arena, headers, COUNT_OF(headers));
        text_table_right(table, 1);
        text_table_right(table, 4);
        for (size_t i = 0; i < products->count; i++) {
                const Product *p = &products->items[i];
                Str *readers;
                size_t count;
                collect_readers(p, arena, &readers, &count);
                text_table_row(table, (Str[]){ p->full, count_print(arena, p->contract.version), str_of(state_of(p)),
                                               p->published ? str_slice(time_print_us(arena, p->changed_us), 0, 19) : STR(""),
                                               p->rows < 0 ? STR("") : count_print(arena, p->rows), p->contract.listed ? STR("yes") : STR("no"),
                                               arena_join(arena, readers, count, ", ") });
        }
        text_table_print(table, &cli->output, stdout);
}

static void whole_text(Cli *cli, const Product *p) {
        Arena *arena = &cli->arena;
        Str *readers;
        size_t count;
        collect_readers(p, arena, &readers, &count);
        printf("%s%.*s%s  version %lld, %s\n", paint(cli->output.color_out, PAINT_BOLD), STR_ARG(p->full), paint(cli->output.color_out, PAINT_NONE),
               (long long)p->contract.version, state_of(p));
        if (p->model->about.size)
                output_say(&cli->output, PAINT_NONE, "", "%.*s\n", STR_ARG(p->model->about));
        if (p->published)
                printf("changed    %.*s\n", 19, time_print_us(arena, p->changed_us).data);
        if (p->contract.fresh_us)
                printf("fresh      %.*s\n", STR_ARG(duration_print(arena, p->contract.fresh_us)));
        printf("listed     %s\nreaders    %.*s\n", p->contract.listed ? "yes" : "no", STR_ARG(count ? arena_join(arena, readers, count, ", ") : STR("none: no rule of access.yml names it")));
        Str headers[] = { STR("column"), STR("type"), STR("promises") };
        TextTable *table = text_table_new(arena, headers, COUNT_OF(headers));
        for (size_t i = 0; i < p->contract.column_count; i++) {
                const ContractColumn *c = &p->contract.columns[i];
                text_table_row(table, (Str[]){ c->name, type_print(arena, c->type),
                                               arena_strf(arena, "%s%s%s", c->required ? "required" : "", c->required && c->unique ? " " : "",
                                                          c->unique ? "unique" : "") });
        }
        text_table_print(table, &cli->output, stdout);
}

static Status no_product(Workspace *workspace, Str name, Arena *arena, Error *err) {
        ProductVec all = { 0 };
        TRY(collect(workspace, (CatalogAt){ 0 }, STR(""), arena, &all, err));
        Str *names = ARENA_ARRAY(arena, Str, all.count);
        for (size_t i = 0; i < all.count; i++)
                names[i] = all.items[i].full;
        error_set(err, STATUS_NOT_FOUND, "there is no product '%.*s'", STR_ARG(name));
        Str near = str_nearest(name, names, all.count);
        return near.size ? error_hint(err, "did you mean %.*s?", STR_ARG(near)) : error_hint(err, "lode show product lists them");
}

Status show_product(Cli *cli, Workspace *workspace, CatalogAt at, Str name, Error *err) {
        ProductVec products = { 0 };
        TRY(collect(workspace, at, name, &cli->arena, &products, err));
        bool whole = products.count == 1 && str_equal(products.items[0].full, name);
        if (products.count == 0 && name.size && !project_zone(workspace->project, name))
                return no_product(workspace, name, &cli->arena, err);
        if (cli_json(cli)) {
                CLEANUP(buf_deinit) Buf json = { 0 };
                JsonWriter w = json_writer(&json, false);
                if (!whole)
                        json_array(&w);
                for (size_t i = 0; i < products.count; i++)
                        product_json(&w, &products.items[i], whole, &cli->arena);
                if (!whole)
                        json_end(&w);
                output_json(&json);
        } else if (whole) {
                whole_text(cli, &products.items[0]);
        } else if (products.count) {
                list_text(cli, &products);
        } else {
                puts("no products yet: a model in zones/ZONE/egress/ is one");
        }
        return STATUS_OK;
}
