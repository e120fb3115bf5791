/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What Grants are made of; for grant.c, which loads them, and policy.c, which says what of a table somebody sees. */
#include "base/vec.h"
#include "model/grant.h"

/* A tag of a table, or of one of its columns. */
typedef struct Tagged {
        Str zone, stage, name;
        Str column; /* empty: the table's */
        Str tag;
        bool inherited; /* not in its own text: of a column that its values come from */
        size_t at; /* which it was, before all were ordered by their tables */
} Tagged;

typedef struct GrantZone {
        Str name, owner;
        Str text; /* of its zone.yml; empty where it was not read */
        Who *engineers, *members;
        size_t engineer_count, member_count;
        Access access;
} GrantZone;

struct Grants {
        Arena *arena;
        GrantZone *zones;
        size_t zone_count;
        CentralPolicies policies;
        bool policies_unread; /* then what they withhold is not known, and only admins see anything */
        VEC(Tagged) tagged;   /* by table: grant_tagged() finds them */
        VEC(Tagged) untagged; /* wished by models */
        Problems problems;
};

typedef struct GrantTable {
        const GrantZone *zone;
        Str stage, name;
} GrantTable;

GrantZone *grant_zone(const Grants *grants, Str name); /* NULL: there is none */
bool grant_is_of_zone(const Account *account, const GrantZone *zone);
/* Whether the rule gives the account something of the table. */
bool grant_rule_holds(const Grants *grants, const Account *account, const GrantTable *table, const AccessRule *rule);
/* The tags of a table and of its columns; NULL: it has none. */
const Tagged *grant_tagged(const Grants *grants, const GrantTable *table, size_t *out_count);
/* column without data: of the table or of any of its columns; else of this column, the table's own tags included. A mask follows
 * what is inherited; grants and row filters hold for what carries the tag in its own text. */
bool grant_has_tag(const Grants *grants, const GrantTable *table, Str column, Str tag, bool inherited);
bool grant_policy_binds(const Grants *grants, const Account *account, const CentralPolicy *policy);
/* Whether a policy for the tag is about the table: of quarantine and landing, about what it is made of. */
bool grant_touches(const Grants *grants, const GrantTable *table, Str tag);
/* Whether the account is one of these; *out_by_zone: only as a member of a zone named there. */
bool grant_is_among(const Grants *grants, const Account *account, const Who *who, size_t count, bool *out_by_zone);
