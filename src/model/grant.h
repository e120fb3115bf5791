/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Grants: who may read what, from the text that is in force: main's newest zone.yml, access.yml and policies.yml, as `apply`
 * put them into the catalog.
 *
 *   an admin                          everything
 *   a zone's owner, its engineers     all stages of the zone, quarantine too
 *   whom a rule names                 the rows and columns it gives of the tables it names; never quarantine and landing;
 *                                     another zone's members: egress only
 *   then policies.yml                 for all but admins: masks and rows of what carries its tags
 *
 * Rules for one account are united: a row that one of them gives is there; a column that one of them shows is there, and in
 * rows where none shows it, it reads as the mask of the first rule that masks it there, else NULL. A rule that does not fit its
 * table (it names a column that is not there) withholds the table from whom it names.
 *
 * Columns are followed by field id and name: what main's newest table does not have under both, in whatever commit or branch it
 * is read, is not there for anybody who is limited at all. So is a column inside of which there was a field then that it has no more.
 *
 * Immutable, in the arena given: any thread may ask. Load again when the catalog changed.
 */
#include "base/map.h"
#include "govern/account.h"
#include "govern/guard.h"
#include "model/project.h"

typedef struct Grants Grants;

/* Text that cannot be read grants nothing, an unread policies.yml withholds everything, and `problems` says so. */
Status grants_load(Catalog *catalog, Arena *arena, Grants **out, Error *err);
/* What a project's text, which has no problems, would grant. Borrows from it. */
Grants *grants_of_project(const Project *project, Arena *arena);
/* Something of it, by the text alone; what is there of it at some commit says grants_policy(). */
bool grants_may_see(const Grants *grants, const Account *account, Str zone, Str stage, Str name);
/* All rows, all columns, as they are. */
bool grants_see_whole(const Grants *grants, const Account *account, Str zone, Str stage, Str name);
/* One who asks, as binding knows it (govern/bind.h). A view's own text is read as its zone: that zone whole, of others products. */
typedef struct Viewer {
        const Grants *grants;
        const Account *account;
        /* NULL, or the owner of zones who looks at them with the account's eyes: nothing else is there, and what policies.yml keeps
         * from the owner it keeps from these eyes too. */
        const Account *within;
        Map *trees; /* or NULL: what policies were parsed to, kept for those who have the same worker: it may be its own */
        Str worker; /* whose worker that is; empty: the account's */
} Viewer;
Sight viewer_sight(const Viewer *viewer);
/* What limits the viewer on a relation of `source` (govern/guard.h); *out = NULL: nothing does. source->now and ->parse are
 * needed by whoever is limited. */
Status grants_policy(const Viewer *viewer, const Relation *relation, const BindSource *source, Arena *arena, const Policy **out, Error *err);
/* Whether a text of access.yml or, zone empty, of policies.yml has a form that policies have, over this relation of `source`;
 * whoever asks may have any attribute. DENIED, SQL_* with why it does not fit. */
Status policy_fits(const BindSource *source, const Relation *relation, Str zone, Str text, bool condition, Arena *arena, Error *err);
/* The first of these columns that the text names, so that a zone's `rows` grant nothing where policies.yml masks it; else empty. */
Status policy_names(const BindSource *source, Str text, const Str *columns, size_t count, Arena *arena, Str *out, Error *err);
/* The full names of the tables that queries inside a text of the zone's read, of those that are there. */
Status policy_reads(const BindSource *source, Str zone, Str text, Arena *arena, Str **out, size_t *out_count, Error *err);
/* A line of text that says what an account sees of a table. */
typedef struct GrantReason {
        Str file; /* empty: an administrator needs none */
        int line;
        Str grants; /* "read", "read columns a, b", "all, as owner", "less, for the tag pii of email" */
        bool takes; /* gives nothing, but takes of what others give */
        Str rows, mask;
} GrantReason;
/* All that hold for the account; none: it sees nothing. Whether they fit the table says grants_policy(). */
void grants_why(const Grants *grants, const Account *account, Str zone, Str stage, Str name, Arena *arena, GrantReason **out, size_t *out_count);
/* The tags of a column: its own, its table's, and those of the columns that its values come from. */
void grants_tags(const Grants *grants, Str zone, Str stage, Str name, Str column, Arena *arena, Str **out, size_t *out_count);
/* Changes when what the viewer sees of the table does: a hash over the rules and policies that concern it, and its attributes. */
Str grants_version(const Viewer *viewer, Str zone, Str stage, Str name, Arena *arena);
/* Whether it sees anything of the zone. An auditor enters each: the log can be read everywhere. */
bool grants_may_enter(const Grants *grants, const Account *account, Str zone);
typedef enum ZoneRole { ZONE_ROLE_NONE, ZONE_ROLE_ENGINEER, ZONE_ROLE_OWNER } ZoneRole;
/* What it is in a zone; an administrator as such is nothing. */
ZoneRole grants_role(const Grants *grants, const Account *account, Str zone);
/* Whether it owns any zone. */
bool grants_owns(const Grants *grants, const Account *account);
/* Whether there is any text that it may change. */
bool grants_may_apply(const Grants *grants, const Account *account);
/* What is in force now, loaded again when the catalog changed; for one thread, with a catalog of its own. */
typedef struct GrantCache {
        Arena arena;
        Grants *grants;
        Map trees;          /* for Viewer.trees */
        int64_t generation; /* of the catalog; also tells others that what they know of accounts may be stale */
} GrantCache;
Status grants_now(GrantCache *cache, Catalog *catalog, const Grants **out, Error *err);

/* Text that could not be read: for the server's log. */
const Problems *grants_problems(const Grants *grants);
