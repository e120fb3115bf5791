/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Grants: who may read which table, from the text that is in force: main's newest zone.yml, access.yml and policies.yml, as
 * `apply` put them into the catalog. In this version a principal sees a whole table or nothing: a rule with `rows`, `columns`
 * or `mask` grants nothing yet, and a table with a tag that policies.yml masks or filters is withheld from all whom that
 * binds, its owner too. Row filters and masks come through the same door later.
 *
 *   an admin           everything
 *   a zone's owner, its engineers     all stages of the zone, quarantine too
 *   whom a rule names                 the tables it names; never quarantine; another zone's members: egress only
 *
 * Immutable, in the arena given: any thread may ask. Load again when the catalog changed.
 */
#include "govern/account.h"
#include "model/project.h"

typedef struct Grants Grants;

/* CORRUPT for text that cannot be read: then nobody but admins sees anything of that zone, and `problems` says so. */
Status grants_load(Catalog *catalog, Arena *arena, Grants **out, Error *err);
bool grants_may_read(const Grants *grants, const Account *account, Str zone, Str stage, Str name);
/* Whether it sees anything of the zone. */
bool grants_may_enter(const Grants *grants, const Account *account, Str zone);
typedef enum ZoneRole { ZONE_ROLE_NONE, ZONE_ROLE_ENGINEER, ZONE_ROLE_OWNER } ZoneRole;
/* What it is in a zone; an administrator as such is nothing. */
ZoneRole grants_role(const Grants *grants, const Account *account, Str zone);
/* Whether there is any text that it may change. */
bool grants_may_apply(const Grants *grants, const Account *account);
/* What is in force now, loaded again when the catalog changed; for one thread, with a catalog of its own. */
typedef struct GrantCache {
        Arena arena;
        Grants *grants;
        int64_t generation; /* of the catalog; also tells others that what they know of accounts may be stale */
} GrantCache;
Status grants_now(GrantCache *cache, Catalog *catalog, const Grants **out, Error *err);

/* A zone's text that could not be read, or a rule that grants nothing yet: for the server's log. */
const Problems *grants_problems(const Grants *grants);
