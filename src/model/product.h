/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Product: what a model in egress/ promises to the zones that read it, and what it promised when it was published last.
 *
 * The contract is the product's columns with their types, which of them are `required` and `unique`, and its version. It
 * is kept with the published table or view. Within a version nothing of it may be taken back: a column that goes, that
 * changes its type or loses a promise breaks whoever reads it. More columns and more promises are no break.
 * Plain data in the arena.
 */
#include "lake/table.h"
#include "model/model_file.h"

typedef struct ContractColumn {
        Str name;
        Type type;
        bool required, unique;
} ContractColumn;

typedef struct Contract {
        int64_t version;  /* 1 where the text gives none */
        int64_t fresh_us; /* 0 = any age */
        bool listed;
        ContractColumn *columns;
        size_t column_count;
} Contract;

Contract contract_of(const Model *model, const LakeColumn *columns, size_t count, Arena *arena);
Str contract_print(Arena *arena, const Contract *contract);
/* CORRUPT. */
Status contract_parse(Str json, Arena *arena, Contract *out, Error *err);
/* CONTRACT, with the model's place and everything that breaks, when now takes back what before promised. */
Status contract_compare(const Contract *before, const Contract *now, const Model *model, Error *err);

/* As the product of that name was published; *found = false if it was not. */
Status product_published(Lake *lake, CatalogAt at, Str zone, Str name, Arena *arena, Contract *out, bool *found, Error *err);
/* The contract that the model would be published with, as JSON; empty for a model of another stage. CONTRACT as above. */
Status product_contract(Lake *lake, CatalogAt at, const Model *model, const LakeColumn *columns, size_t count, Arena *arena, Str *out,
                        Error *err);

/* Whether what the text says beside the columns (version, fresh, listed) is what the contract, as JSON, says. */
bool contract_says(Str json, const Model *model);

/*
 * How new it is: the time of the newest commit in which it, or anything it was made of, changed. A table's own commit says
 * that (it is written anew when an input moved on, although no row changed); a view is as new as the newest it reads.
 */
Status product_changed(Lake *lake, CatalogAt at, Str zone, Str name, Arena *arena, int64_t *out_us, Error *err);
/* Older than it may be, at this time. */
bool product_is_late(const Contract *contract, int64_t changed_us, int64_t now_us);
