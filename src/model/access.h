/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Access: who may read what, as access.yml, access.test.yml and policies.yml say it. Parsed and checked for
 * form here; what it means is the govern room's matter. Plain data in the arena.
 */
#include "base/yaml.h"
#include "model/problems.h"

typedef enum WhoKind { WHO_USER, WHO_ROLE, WHO_ZONE, WHO_EVERYONE } WhoKind;

typedef struct Who {
        WhoKind kind;
        Str name; /* "" for everyone */
} Who;

/* `canonical.*`, `canonical.order`, `tag:pii` */
typedef struct AccessObject {
        Str stage; /* "" for a tag */
        Str table; /* "*" = all; the tag's name for a tag */
        bool is_tag;
} AccessObject;

typedef enum AccessCan { ACCESS_READ, ACCESS_WRITE } AccessCan; /* write implies read */
typedef enum ColumnsKind { COLUMNS_ALL, COLUMNS_LIST, COLUMNS_EXCEPT } ColumnsKind;

typedef struct AccessMask {
        Str column;
        Str mask; /* null | hash | partial N | bucket N | SQL expression */
} AccessMask;

typedef struct AccessRule {
        int line;
        Who *who;
        size_t who_count;
        AccessObject *on;
        size_t on_count;
        AccessCan can;
        Str rows; /* SQL, "" = all */
        ColumnsKind columns_kind;
        Str *columns;
        size_t column_count;
        AccessMask *masks;
        size_t mask_count;
} AccessRule;

typedef struct Access {
        const char *path; /* NULL = the zone has none */
        Str text;
        AccessRule *rules;
        size_t rule_count;
} Access;

typedef struct AccessTest {
        int line;
        Who *who; /* one */
        size_t who_count;
        Str table, key; /* stage.table and the column whose values `sees` and `hides` list */
        Str *sees, *hides;
        size_t see_count, hide_count;
} AccessTest;

typedef struct CentralPolicy {
        int line;
        Str tag;
        Who *who, *except; /* whom it binds */
        size_t who_count, except_count;
        Str rows, mask; /* one of them at least */
        Str *untag;     /* zone.stage.table.column: off these a model may take the tag */
        size_t untag_count;
} CentralPolicy;

typedef struct CentralPolicies {
        const char *path;
        Str text;
        CentralPolicy *items;
        size_t count;
} CentralPolicies;

void access_parse(Arena *arena, const char *path, Str text, Problems *problems, Access *out);
void access_test_parse(Arena *arena, const char *path, Str text, Problems *problems, AccessTest **out,
                       size_t *out_count);
void policies_parse(Arena *arena, const char *path, Str text, Problems *problems, CentralPolicies *out);
/* Whether one that rules on the tag lets a model take it off this column. */
bool policies_let_go(const CentralPolicies *policies, Str tag, Str zone, Str stage, Str table, Str column);
#define ACCESS_MASKS "masks are: null, hash, partial N, bucket N, or an SQL expression over the row, such as left(email, 2)"
/* The word of ours that is meant, as far as that can be guessed; else empty. */
Str access_mask_near(Str mask);
/* One word, so a mask that there is not, or a column alone: `sha`; `partal 2`. Not null, hash, partial, bucket, true and false. */
bool access_mask_is_word(Str mask);
/* `role analyst`, `zone finance`, `everyone`, `ann` */
Status who_parse(Str text, Who *out, Error *err);
/* As who_parse reads it. */
Str who_print(Arena *arena, const Who *who);
/* Whether it grants all rows and columns as they are. */
bool access_rule_is_whole(const AccessRule *rule);
/* What it grants, in a line: `read`, `read; rows: region = 'EU'; columns: all except salary; email: partial 2`. */
Str access_rule_print(Arena *arena, const AccessRule *rule);
/* Whether one of the rule's `on` means this table of its zone. */
bool access_rule_means(const AccessRule *rule, Str stage, Str table, const Str *tags, size_t tag_count);
