/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is in quarantine: records that a source could not type, as the ledger counts them by source, column and rule; and
 * rows of models for which a check did not hold (model/finding.h), by model and check.
 */
#include "cli/cli.h"
#include "catalog/catalog.h"
#include "lake/lake.h"
#include "model/project.h"

typedef struct QuarantineRule {
        Str source;  /* "shop.orders"; of a check the model, "shop.canonical.order" */
        Str column, rule;
        Str severity; /* of a check; empty for a source's rule */
        int64_t rows;
        Str name;    /* of the delivery with the example; empty where a row is of none */
        int64_t line; /* of a check the record */
        Str text, message;
} QuarantineRule;

/* All that is open at a commit of a branch; zero = main's newest. Of staged deliveries only: what is held is in no table.
 * Sources before models, most rows first within each; a source whose quarantine is another one there than on main is one
 * entry without a rule. scope: empty, a zone, ZONE.SOURCE or ZONE.STAGE.MODEL. */
Status quarantine_rules(Lake *lake, CatalogAt base, const Delivery *deliveries, size_t count, Str scope, Arena *arena, QuarantineRule **out,
                        size_t *out_count, Error *err);
/* Leaves out those of sources whose text is gone: their rows stay where they are, and there is nothing to do about them. */
void quarantine_leave_removed(const Project *project, QuarantineRule *rules, size_t *count);
/* NOT_FOUND, with a guess, unless scope is empty, a zone, or ZONE.SOURCE or ZONE.STAGE.MODEL of the project. */
Status show_scope_check(const Project *project, Str scope, Arena *arena, Error *err);
typedef struct QuarantineAsked {
        Str scope;
        bool rows, history;
        const char *branch, *at; /* NULL: main, its newest */
} QuarantineAsked;

/* `show quarantine`: grouped, or with rows (and in JSON and CSV) each row; with history those that are no
 * longer open too: of models, and of sources what was corrected, dropped, or fits since the text was edited. */
Status show_quarantine(Cli *cli, const QuarantineAsked *asked, Error *err);
