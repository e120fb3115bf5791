/* SPDX-License-Identifier: Apache-2.0 */
#include "model/limits.h"

#include <inttypes.h>

#include "model/keys.h"
#include "model/project.h"
#include "model/tables.h"

typedef enum LimitUnit { UNIT_COUNT, UNIT_SIZE, UNIT_TIME } LimitUnit;

/* `bounded`: what keeps a principal from taking all there is cannot be `none`. */
typedef struct LimitFact {
        const char *name;
        LimitUnit unit;
        bool bounded;
        int64_t fallback;
} LimitFact;

static const LimitFact facts[LIMIT_COUNT] = {
        [LIMIT_STATEMENTS] = { "statements", UNIT_COUNT, true, 16 },
        [LIMIT_WAITING] = { "waiting", UNIT_COUNT, true, 100 },
        [LIMIT_CONNECTIONS] = { "connections", UNIT_COUNT, true, 200 },
        [LIMIT_CURSORS] = { "cursors", UNIT_COUNT, true, 8 },
        [LIMIT_MEMORY] = { "memory", UNIT_SIZE, true, 2000000000 },
        [LIMIT_ROWS] = { "rows", UNIT_COUNT, false, LIMIT_NONE },
        [LIMIT_BYTES] = { "bytes", UNIT_SIZE, false, LIMIT_NONE },
        [LIMIT_SCAN] = { "scan", UNIT_SIZE, false, LIMIT_NONE },
        [LIMIT_STATEMENT_TIME] = { "statement_timeout", UNIT_TIME, false, LIMIT_NONE },
        [LIMIT_IDLE_TIME] = { "idle_session_timeout", UNIT_TIME, false, LIMIT_NONE },
        [LIMIT_IDLE_TRANSACTION_TIME] = { "idle_in_transaction_session_timeout", UNIT_TIME, false, LIMIT_NONE },
};

#define MEMORY_LEAST 64000000 /* with less the engine does not open */

/* ---- the text ---- */

static void read_who(KeyContext *context, const YamlNode *value, void *object) {
        LimitRule *rule = object;
        size_t before = context->problems->errors.count;
        keys_read_people(context, value, &rule->who, &rule->who_count);
        for (size_t i = 0; i < rule->who_count; i++) {
                if (rule->who[i].kind != WHO_ZONE)
                        continue;
                Error *err = key_problem(context, value, STATUS_BAD_VALUE, "limits are for users and roles, not for the zone %.*s", STR_ARG(rule->who[i].name));
                error_hint(err, "name its members' role: `role NAME`");
        }
        if (context->problems->errors.count > before)
                rule->who_count = 0;
}

static LimitKind kind_of(const char *name) {
        LimitKind kind = 0;
        while (kind < LIMIT_COUNT - 1 && strcmp(facts[kind].name, name) != 0)
                kind++;
        return kind;
}

static void read_limit(KeyContext *context, const YamlNode *value, void *object) {
        static const char *const wanted[] = { [UNIT_COUNT] = "a number from 1", [UNIT_SIZE] = "a size: 500 MB, 10 GB", [UNIT_TIME] = "a time: 30s, 5m, 8h" };
        LimitRule *rule = object;
        LimitKind kind = kind_of(context->key);
        const LimitFact *fact = &facts[kind];
        Str text;
        int64_t number = 0;
        if (!key_text(context, value, &text))
                return;
        bool none = !fact->bounded && str_is(text, "none"), good = none;
        if (!none && fact->unit == UNIT_COUNT)
                good = str_to_int64(text, &number);
        else if (!none)
                good = fact->unit == UNIT_SIZE ? size_parse(text, &number) : duration_parse(text, &number);
        if (good && (none || number > 0) && (none || kind != LIMIT_MEMORY || number >= MEMORY_LEAST)) {
                rule->value[kind] = none ? LIMIT_NONE : number;
                rule->line[kind] = value->line;
                return;
        }
        Error *err = key_problem(context, value, STATUS_BAD_VALUE, "`%s` cannot be \"%.*s\"", context->key, STR_ARG(text));
        error_hint(err, "write %s%s%s", wanted[fact->unit], kind == LIMIT_MEMORY ? ", at least 64 MB" : "", fact->bounded ? "" : "; or none");
}

#define LIMIT_KEY(name_, shown_, meaning_) { .name = name_, .kind = KEY_OTHER, .read = read_limit, .shown = shown_, .meaning = meaning_ }

static const Key limit_keys[] = {
        { .name = "who", .kind = KEY_OTHER, .read = read_who, .required = true, .shown = "a list of users, `role NAME`, or `everyone`", .meaning = "Whom the entry is about." },
        LIMIT_KEY("statements", "a number; `16`", "Statements that run at once."),
        LIMIT_KEY("waiting", "a number; `100`", "Statements that wait in line behind them; one more is refused (53300)."),
        LIMIT_KEY("connections", "a number; `200`", "Connections that are open at once; one more is refused (53300)."),
        LIMIT_KEY("cursors", "a number; `8`", "Cursors and portals read in parts: each keeps a worker while its client thinks (53300)."),
        LIMIT_KEY("memory", "a size; `2 GB`", "What the engine of one statement may take; beyond it the statement fails (53200)."),
        LIMIT_KEY("rows", "a number, or `none`; none", "Rows of one answer; beyond it the statement fails (53400)."),
        LIMIT_KEY("bytes", "a size, or `none`; none", "Bytes of one answer as they are sent; beyond it the statement fails (53400)."),
        LIMIT_KEY("scan", "a size, or `none`; none", "Bytes of data files that one statement may read; beyond it the statement does not begin (53400)."),
        LIMIT_KEY("statement_timeout", "a time, or `none`; none", "How long a statement may run; `SET statement_timeout` can shorten it (57014)."),
        LIMIT_KEY("idle_session_timeout", "a time, or `none`; none", "How long a connection may wait for its client (57P05)."),
        LIMIT_KEY("idle_in_transaction_session_timeout", "a time, or `none`; none", "... inside a transaction (25P03)."),
};
const KeyTable limits_table = {
        .file = "limits of lode.yml",
        .thing = "a limit",
        .about = "How much one principal may ask of `lode serve`: a list under `limits:` in `lode.yml`. For each limit the first "
                 "entry that names the principal and sets it holds, else the default.",
        .example = "limits:\n"
                   "- who: [role analyst, bo]\n"
                   "  statements: 4\n"
                   "  rows: 1000000\n"
                   "  statement_timeout: 5m\n"
                   "- who: everyone\n"
                   "  scan: 50 GB\n",
        .keys = limit_keys,
        .count = COUNT_OF(limit_keys),
};

void keys_read_limits(KeyContext *context, const YamlNode *value, LimitRules *out) {
        KeyContext inner = *context;
        inner.table = &limits_table;
        out->items = keys_read_list(&inner, &limits_table, value, sizeof(LimitRule), &out->count);
}

/* ---- what is in force ---- */

Status limits_load(Catalog *catalog, Arena *arena, LimitRules *out, Error *err) {
        YamlFile *file;
        Problems problems = { .arena = arena };
        *out = (LimitRules){ 0 };
        TRY(project_applied(catalog, arena, &file, err));
        const YamlNode *list = file ? yaml_get(file->root, "limits") : NULL;
        KeyContext context = { .arena = arena, .file = file, .problems = &problems, .key = "limits" };
        if (list)
                keys_read_limits(&context, list, out);
        if (problems_any(&problems)) {
                *err = *problems.errors.items[0];
                return error_failed_(err->status);
        }
        return STATUS_OK;
}

static bool names(const LimitRule *rule, const Account *account) {
        for (size_t i = 0; i < rule->who_count; i++) {
                const Who *who = &rule->who[i];
                if (who->kind == WHO_EVERYONE || (who->kind == WHO_USER && str_equal(who->name, account->name)) ||
                    (who->kind == WHO_ROLE && account_has_role(account, who->name)))
                        return true;
        }
        return false;
}

void limits_default(Limits *out) {
        *out = (Limits){ 0 };
        for (LimitKind kind = 0; kind < LIMIT_COUNT; kind++)
                out->value[kind] = facts[kind].fallback;
}

void limits_of(const LimitRules *rules, const Account *account, Limits *out) {
        limits_default(out);
        for (size_t i = 0; i < rules->count; i++) {
                const LimitRule *rule = &rules->items[i];
                if (!names(rule, account))
                        continue;
                for (LimitKind kind = 0; kind < LIMIT_COUNT; kind++) {
                        if (rule->value[kind] == 0 || out->line[kind] > 0)
                                continue;
                        out->value[kind] = rule->value[kind];
                        out->line[kind] = rule->line[kind];
                }
        }
}

Status limits_at(LimitCache *cache, Catalog *catalog, int64_t generation, const Account *account, Limits *out, Error *err) {
        if (!cache->loaded || generation != cache->generation) {
                cache->loaded = false;
                arena_reset(&cache->arena);
                TRY(limits_load(catalog, &cache->arena, &cache->rules, err));
                cache->generation = generation;
                cache->loaded = true;
        }
        limits_of(&cache->rules, account, out);
        return STATUS_OK;
}

Status limits_now(LimitCache *cache, Catalog *catalog, const Account *account, Limits *out, Error *err) {
        int64_t generation;
        TRY(catalog_generation(catalog, &generation, err));
        return limits_at(cache, catalog, generation, account, out, err);
}

const char *limit_name(LimitKind kind) {
        return facts[kind].name;
}

Str limit_place(const Limits *limits, LimitKind kind, Arena *arena) {
        if (limits->line[kind] == 0)
                return arena_strf(arena, "the default of `%s`; `limits:` in lode.yml sets another", facts[kind].name);
        return arena_strf(arena, "`%s` of `limits:` in lode.yml, line %d", facts[kind].name, limits->line[kind]);
}

Status limit_check(const Limits *limits, LimitKind kind, int64_t amount, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        int64_t most = limits->value[kind];
        if (amount <= most)
                return STATUS_OK;
        Str place = limit_place(limits, kind, &arena);
        if (kind == LIMIT_SCAN)
                error_set(err, STATUS_QUOTA, "the statement would read more than the %" PRId64 " bytes of data files that it may (%.*s)", most,
                          STR_ARG(place)); /* how many more is told to nobody: rows that are hidden are among them */
        else
                error_set(err, STATUS_QUOTA, "the answer has more than %" PRId64 " %s (%.*s)", most, facts[kind].name, STR_ARG(place));
        return error_hint(err, "ask for less: fewer columns, a filter, an aggregate; or have the limit raised");
}
