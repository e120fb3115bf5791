/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the pages of `lode show` share; private to them. One thread. */
#include "cli/cli.h"
#include "model/workspace.h"

typedef struct Show {
        Cli *cli;
        Workspace *workspace;
        CatalogAt at;
        Str name; /* what was asked for beyond the thing; empty = a list */
        Arena *arena;
} Show;

/* The nearest of names as a hint; with none near, `otherwise`. */
Status show_hint_near(Str wanted, const Str *names, size_t count, const char *otherwise, Error *err);
Status show_no_zone(const Project *project, Str name, Arena *arena, Error *err);
size_t show_count_dots(Str text);

/* `show table`: all, those of ZONE or ZONE.STAGE, or one whole. */
Status show_table(Show *s, Error *err);
/* `show column`: all, those of ZONE, ZONE.STAGE or ZONE.STAGE.TABLE, those of a name, or one whole. */
Status show_column(Show *s, Error *err);
/* ZONE.STAGE.TABLE, whole. */
Status show_whole(Show *s, Str full, Error *err);
