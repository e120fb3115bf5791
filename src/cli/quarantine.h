/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What is in quarantine, as the ledger counts it: by source, column and rule. */
#include "cli/cli.h"
#include "catalog/catalog.h"
#include "model/project.h"

typedef struct QuarantineRule {
        Str source;  /* "shop.orders" */
        Str column, rule;
        int64_t rows;
        Str name;    /* of the delivery with the example */
        int64_t line;
        Str text, message;
} QuarantineRule;

/* Of staged deliveries only: what is held is in no table. Most rows first within a source. */
Status quarantine_rules(const Delivery *deliveries, size_t count, Arena *arena, QuarantineRule **out, size_t *out_count, Error *err);
/* What in the source's text would let all rows of a rule in; empty where only the sender can help. */
Str quarantine_remedy(Arena *arena, const QuarantineRule *rule);
/* NOT_FOUND, with a guess, unless scope is empty, a zone, or ZONE.SOURCE of the project. */
Status show_scope_check(const Project *project, Str scope, Arena *arena, Error *err);
/* `show quarantine`: grouped, or with rows (and in JSON and CSV) each row. */
Status show_quarantine(Cli *cli, Str scope, bool rows, Error *err);
