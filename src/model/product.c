/* SPDX-License-Identifier: Apache-2.0 */
#include "model/product.h"

#include "base/json.h"
#include "model/statement.h"

#define VIEW_DEPTH 100 /* views of views; a circle cannot be published, but a store may be damaged */

/* ---- what it promises ---- */

Contract contract_of(const Model *model, const LakeColumn *columns, size_t count, Arena *arena) {
        Contract contract = { .version = model->version ? model->version : 1, .fresh_us = model->fresh_us, .listed = model->listed };
        contract.columns = ARENA_ARRAY(arena, ContractColumn, count);
        for (size_t i = 0; i < count; i++) {
                if (columns[i].hidden)
                        continue;
                ContractColumn *column = &contract.columns[contract.column_count++];
                *column = (ContractColumn){ .name = columns[i].name, .type = columns[i].type };
                for (size_t k = 0; k < model->column_count; k++) {
                        if (!str_equal_nocase(model->columns[k].name, column->name))
                                continue;
                        column->required = model->columns[k].required;
                        column->unique = model->columns[k].unique;
                }
        }
        return contract;
}

Str contract_print(Arena *arena, const Contract *contract) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        JsonWriter w = json_writer(&out, false);
        json_object(&w);
        json_member_int(&w, "version", contract->version);
        json_member_int(&w, "fresh_us", contract->fresh_us);
        json_member_bool(&w, "listed", contract->listed);
        json_key(&w, "columns");
        json_array(&w);
        for (size_t i = 0; i < contract->column_count; i++) {
                const ContractColumn *column = &contract->columns[i];
                json_object(&w);
                json_member_str(&w, "name", column->name);
                json_member_str(&w, "type", type_print_duckdb(arena, column->type));
                json_member_bool(&w, "required", column->required);
                json_member_bool(&w, "unique", column->unique);
                json_end(&w);
        }
        json_end(&w);
        json_end(&w);
        return buf_dup(&out, arena);
}

Status contract_parse(Str json, Arena *arena, Contract *out, Error *err) {
        Json *root;
        const Json *columns;
        *out = (Contract){ 0 };
        TRY(json_parse(json, "a product's contract", arena, &root, err));
        TRY(json_want_integer(root, "version", &out->version, err));
        TRY(json_want_integer(root, "fresh_us", &out->fresh_us, err));
        out->listed = json_bool(json_get(root, "listed"), false);
        TRY(json_want_array(root, "columns", &columns, err));
        out->column_count = json_count(columns);
        out->columns = ARENA_ARRAY(arena, ContractColumn, out->column_count);
        for (size_t i = 0; i < out->column_count; i++) {
                const Json *from = json_at(columns, i);
                ContractColumn *column = &out->columns[i];
                Str type;
                TRY(json_want_string(from, "name", &column->name, err));
                TRY(json_want_string(from, "type", &type, err));
                column->required = json_bool(json_get(from, "required"), false);
                column->unique = json_bool(json_get(from, "unique"), false);
                if (!type_parse_duckdb(arena, type, &column->type))
                        return error_set(err, STATUS_CORRUPT, "a product's contract names an unknown type '%.*s'", STR_ARG(type));
        }
        return STATUS_OK;
}

bool contract_says(Str json, const Model *model) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Contract kept, now = contract_of(model, NULL, 0, &arena);
        Error ignored;
        return contract_parse(json, &arena, &kept, &ignored) == STATUS_OK && kept.version == now.version && kept.fresh_us == now.fresh_us &&
               kept.listed == now.listed;
}

/* ---- what it takes back ---- */

static const ContractColumn *find_column(const Contract *contract, Str name) {
        for (size_t i = 0; i < contract->column_count; i++)
                if (str_equal_nocase(contract->columns[i].name, name))
                        return &contract->columns[i];
        return NULL;
}

static Buf *another(Buf *words) {
        if (words->size)
                buf_append_cstr(words, "; ");
        return words;
}

static void compare_column(const ContractColumn *before, const ContractColumn *now, Buf *words, Arena *arena) {
        Str name = before->name;
        if (!now)
                buf_printf(another(words), "column %.*s is gone", STR_ARG(name));
        else if (!type_equal(before->type, now->type))
                buf_printf(another(words), "column %.*s was %.*s and is %.*s", STR_ARG(name), STR_ARG(type_print(arena, before->type)),
                           STR_ARG(type_print(arena, now->type)));
        if (now && before->required && !now->required)
                buf_printf(another(words), "column %.*s is no longer promised to be required", STR_ARG(name));
        if (now && before->unique && !now->unique)
                buf_printf(another(words), "column %.*s is no longer promised to be unique", STR_ARG(name));
}

/* The line that says the version, or the first. */
static Status place(const Model *model, Error *err) {
        size_t at = str_find(str_slice(model->text, 0, model->body_offset), STR("version:"));
        return error_place(err, model->path, model->text, at < model->body_offset ? at : 0);
}

Status contract_compare(const Contract *before, const Contract *now, const Model *model, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(buf_deinit) Buf words = { 0 };
        if (now->version < before->version) {
                error_set(err, STATUS_CONTRACT, "version %lld of the product was published already: it cannot become version %lld again",
                          (long long)before->version, (long long)now->version);
                place(model, err);
                return error_hint(err, "write   -- version: %lld", (long long)before->version);
        }
        for (size_t i = 0; i < before->column_count && now->version == before->version; i++)
                compare_column(&before->columns[i], find_column(now, before->columns[i].name), &words, &arena);
        if (words.size == 0)
                return STATUS_OK;
        error_set(err, STATUS_CONTRACT, "version %lld of the product promises more to those who read it: %.*s", (long long)before->version,
                  STR_ARG(buf_view(&words)));
        place(model, err);
        return error_hint(err, "give it back, or make it a new version and tell those who read it:   -- version: %lld",
                          (long long)before->version + 1);
}

/* ---- as published ---- */

static CatalogName name_of(Arena *arena, const char *kind, Str zone, Str name) {
        return (CatalogName){ str_of(kind), zone, arena_strf(arena, "egress.%.*s", STR_ARG(name)) };
}

static Status published_view(Lake *lake, CatalogAt at, CatalogName name, Arena *arena, Str *out, Error *err) {
        CatalogObject object;
        ViewBody view;
        TRY(catalog_get(lake->catalog, at, name, arena, &object, err));
        TRY(view_body_parse(object.body, arena, &view, err));
        *out = view.contract;
        return STATUS_OK;
}

Status product_published(Lake *lake, CatalogAt at, Str zone, Str name, Arena *arena, Contract *out, bool *found, Error *err) {
        Table table;
        Str json = STR("");
        *found = false;
        Status status = lake_table(lake, at, name_of(arena, "table", zone, name), arena, &table, err);
        if (status == STATUS_OK)
                json = table.body.detail;
        else if (status == STATUS_NOT_FOUND)
                status = published_view(lake, at, name_of(arena, "view", zone, name), arena, &json, err);
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        TRY(status);
        *found = json.size > 0;
        return *found ? contract_parse(json, arena, out, err) : STATUS_OK;
}

Status product_contract(Lake *lake, CatalogAt at, const Model *model, const LakeColumn *columns, size_t count, Arena *arena, Str *out,
                        Error *err) {
        *out = STR("");
        if (model->stage != STAGE_EGRESS)
                return STATUS_OK;
        Contract now = contract_of(model, columns, count, arena), before;
        bool found = false;
        if (at.seq)
                TRY(product_published(lake, at, model->zone, model->name, arena, &before, &found, err));
        if (found)
                TRY(contract_compare(&before, &now, model, err));
        *out = contract_print(arena, &now);
        return STATUS_OK;
}

/* ---- how new it is ---- */

static Status changed(Lake *lake, CatalogAt at, Str zone, Str rest, int depth, Arena *arena, int64_t *out, Error *err) {
        CatalogObject object;
        Status status = catalog_get(lake->catalog, at, (CatalogName){ STR("table"), zone, rest }, arena, &object, err);
        if (status == STATUS_OK) {
                *out = object.changed_us;
                return STATUS_OK;
        }
        if (status != STATUS_NOT_FOUND)
                return status;
        ViewBody view;
        TRY(catalog_get(lake->catalog, at, (CatalogName){ STR("view"), zone, rest }, arena, &object, err));
        TRY(view_body_parse(object.body, arena, &view, err));
        *out = object.changed_us;
        for (size_t i = 0; i < view.input_count && depth < VIEW_DEPTH; i++) {
                Str its_zone, its_rest;
                int64_t its = 0;
                str_cut(view.inputs[i].table, '.', &its_zone, &its_rest);
                status = changed(lake, at, its_zone, its_rest, depth + 1, arena, &its, err);
                if (status != STATUS_OK && status != STATUS_NOT_FOUND)
                        return status;
                if (its > *out)
                        *out = its;
        }
        return STATUS_OK;
}

Status product_changed(Lake *lake, CatalogAt at, Str zone, Str name, Arena *arena, int64_t *out_us, Error *err) {
        return changed(lake, at, zone, name_of(arena, "", zone, name).name, 0, arena, out_us, err);
}

bool product_is_late(const Contract *contract, int64_t changed_us, int64_t now_us) {
        return contract->fresh_us > 0 && now_us - changed_us > contract->fresh_us;
}
