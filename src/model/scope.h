/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Scope: what a SELECT of the command line means in a project's text: the nodes, the zones that these touch, the feeds, and
 * the files that are there for them. A run and its plan have the same. In the arena; read-only.
 */
#include "intake/discover.h"
#include "lake/lake.h"
#include "model/text.h"

typedef struct Scope {
        const ProjectText *text;
        const Project *project;
        bool whole;          /* no words: all, and ingress is looked through for files that nobody wants */
        bool *chosen;        /* by node index */
        Str *zones;
        size_t zone_count;
        Feed **feeds;        /* all of the project, so that claims are complete */
        bool *feed_chosen;
        size_t feed_count;
} Scope;

/* NOT_FOUND for a word that fits nothing. */
Status scope_new(const Project *project, const ProjectText *text, const char **words, size_t word_count, Arena *arena, Scope *out, Error *err);
/* Zones that the project no longer has and that have tables or views; none unless the scope is whole. */
Status scope_gone_zones(const Scope *scope, Catalog *catalog, CatalogAt at, Arena *arena, Str **out, size_t *out_count, Error *err);
bool scope_has_feed(const Scope *scope, const Feed *feed);
/* As discover_files(), in the scope's zones. store: NULL where there is none; looked: where else archives were unpacked, or NULL. */
Status scope_discover(const Scope *scope, const Store *store, const char *looked, Arena *arena, FoundFile **out, size_t *out_count, Error *err);
/* Files are read on main only: warns of each chosen source whose table is not, on this branch, what its text would make. */
Status scope_unread(const Scope *scope, Lake *lake, Str branch, Problems *warnings, Arena *arena, Error *err);

/* Deliveries are of a source's name. Warns where a source is gone from the text that took files from ingress, and beside it one
 * begins that has no table yet: it may be the same under another name, and begins without them. */
Status scope_left_behind(const Scope *scope, Lake *lake, CatalogAt at, Problems *warnings, Arena *arena, Error *err);

/* What intake needs of a source; its object is empty. */
Feed *feed_of_source(Arena *arena, const Source *source);
