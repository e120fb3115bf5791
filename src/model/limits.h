/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Limits: how much one principal may ask of a server at a time, as `limits:` of the lode.yml in force says it, by user and
 * role. For each limit the first entry that names the principal and sets it holds; where none does, its default.
 *
 *   limits:
 *   - who: [role analyst, bo]
 *     statements: 4
 *     rows: 1000000
 *
 * Immutable, in the arena given: any thread may ask. Load again when the catalog changed.
 */
#include "govern/account.h"
#include "model/access.h"

typedef enum LimitKind {
        LIMIT_STATEMENTS,            /* running at once */
        LIMIT_WAITING,               /* in line behind them */
        LIMIT_CONNECTIONS,           /* open at once */
        LIMIT_CURSORS,               /* that keep a worker while their client thinks */
        LIMIT_MEMORY,                /* bytes for the engine of a statement's worker */
        LIMIT_ROWS,                  /* of one answer */
        LIMIT_BYTES,                 /* of one answer, as they are sent */
        LIMIT_SCAN,                  /* bytes of data files that one statement may read */
        LIMIT_STATEMENT_TIME,        /* microseconds, as all times */
        LIMIT_IDLE_TIME,             /* of a connection between transactions */
        LIMIT_IDLE_TRANSACTION_TIME, /* ... inside of one */
        LIMIT_COUNT,
} LimitKind;

#define LIMIT_NONE INT64_MAX

typedef struct Limits {
        int64_t value[LIMIT_COUNT]; /* LIMIT_NONE: none */
        int line[LIMIT_COUNT];      /* of lode.yml; 0: the default */
} Limits;

/* An entry of the list. */
typedef struct LimitRule {
        Who *who;
        size_t who_count;
        int64_t value[LIMIT_COUNT]; /* 0: it says nothing of this */
        int line[LIMIT_COUNT];
} LimitRule;

typedef struct LimitRules {
        LimitRule *items;
        size_t count;
} LimitRules;

void limits_default(Limits *out);
/* What the lode.yml in force says. A text that cannot be read is CORRUPT: apply took it in. */
Status limits_load(Catalog *catalog, Arena *arena, LimitRules *out, Error *err);
void limits_of(const LimitRules *rules, const Account *account, Limits *out);
/* The key's name in the text: "statements". */
const char *limit_name(LimitKind kind);
/* Where it is written, for messages: "`rows` of `limits:` in lode.yml, line 12", or that it is the default. */
Str limit_place(const Limits *limits, LimitKind kind, Arena *arena);
/* Whether an answer, or what a statement reads, may have so much. QUOTA: ROWS, BYTES, SCAN. */
Status limit_check(const Limits *limits, LimitKind kind, int64_t amount, Error *err);

/* What is in force now, loaded again when the catalog changed; for one thread, with a catalog of its own. */
typedef struct LimitCache {
        Arena arena;
        LimitRules rules;
        int64_t generation;
        bool loaded;
} LimitCache;
/* generation: the catalog's, as somebody just read it. */
Status limits_at(LimitCache *cache, Catalog *catalog, int64_t generation, const Account *account, Limits *out, Error *err);
Status limits_now(LimitCache *cache, Catalog *catalog, const Account *account, Limits *out, Error *err);
