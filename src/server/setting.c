/* SPDX-License-Identifier: Apache-2.0 */
#include "server/setting.h"

#include <string.h>

#include "base/buf.h"
#include "base/vec.h"
#include "server/timezone.h"
#include "system/pg15.h"

/* As PostgreSQL 15 answers; clients choose what they ask of us by it. */

typedef enum Rule {
        RULE_TEXT,
        RULE_FIXED,    /* SET is refused unless it says what already is */
        RULE_READ,     /* SET is refused */
        RULE_UTF8,
        RULE_ISO,      /* DateStyle: ISO with any order, which only matters for dates that are refused anyway */
        RULE_DURATION,
        RULE_BOOLEAN,
        RULE_DIGITS,   /* extra_float_digits: those that mean shortest and exact */
        RULE_LEVEL,    /* of isolation: each is kept, by seeing one commit */
        RULE_ZONE,
        RULE_PATH,
        RULE_WHO,      /* whose rights hold, which the session looks into; RESET ALL leaves it */
} Rule;

typedef struct SettingRow {
        const char *name, *value, *shown; /* shown: as PostgreSQL spells it in reports; NULL = not reported */
        Rule rule;
        const char *words;
} SettingRow;

/* clang-format off */
static const SettingRow ROWS[] = {
        { "application_name", "", "application_name", RULE_TEXT, "name of the program that is connected" },
        { "backslash_quote", "safe_encoding", NULL, RULE_TEXT, "taken, without effect" },
        { "bytea_output", "hex", NULL, RULE_FIXED, "how binary values are written as text" },
        { "client_encoding", "UTF8", "client_encoding", RULE_UTF8, "encoding of texts: always UTF8" },
        { "client_min_messages", "notice", NULL, RULE_TEXT, "taken, without effect" },
        { "datestyle", "ISO, MDY", "DateStyle", RULE_ISO, "how dates are written: always ISO" },
        { "default_table_access_method", "heap", NULL, RULE_READ, "tables are Iceberg's; heap is what clients know" },
        { "default_tablespace", "", NULL, RULE_READ, "there are no tablespaces" },
        { "default_transaction_deferrable", "off", NULL, RULE_BOOLEAN, "taken, without effect" },
        { "default_transaction_isolation", "repeatable read", NULL, RULE_LEVEL, "taken: every transaction sees one commit" },
        { "default_transaction_read_only", "off", "default_transaction_read_only", RULE_BOOLEAN, "taken, without effect" },
        { "escape_string_warning", "on", NULL, RULE_BOOLEAN, "taken, without effect" },
        { "extra_float_digits", "1", NULL, RULE_DIGITS, "1 to 3: floats are always written shortest and exact" },
        { "idle_in_transaction_session_timeout", "0", NULL, RULE_DURATION, "how long a transaction may wait for its client" },
        { "idle_session_timeout", "0", NULL, RULE_DURATION, "how long a connection may wait for its client" },
        { "in_hot_standby", "off", "in_hot_standby", RULE_READ, "always off" },
        { "integer_datetimes", "on", "integer_datetimes", RULE_READ, "always on" },
        { "intervalstyle", "postgres", "IntervalStyle", RULE_FIXED, "how intervals are written" },
        { "is_superuser", "off", "is_superuser", RULE_READ, "whether the user is an administrator" },
        { "jit", "off", NULL, RULE_BOOLEAN, "taken, without effect; asyncpg looks at it" },
        { "lc_collate", "C", NULL, RULE_READ, "order of texts: by code point" },
        { "lc_ctype", "C.UTF-8", NULL, RULE_READ, "always C.UTF-8" },
        { "lc_messages", "C", NULL, RULE_TEXT, "taken, without effect" },
        { "lc_monetary", "C", NULL, RULE_FIXED, "always C" },
        { "lc_numeric", "C", NULL, RULE_FIXED, "always C" },
        { "lc_time", "C", NULL, RULE_FIXED, "always C" },
        { "lock_timeout", "0", NULL, RULE_DURATION, "taken: readers wait for no lock" },
        { "lode.as_of", "", NULL, RULE_TEXT, "a commit or a time: what is read is as it was then" },
        { "lode.branch", "main", NULL, RULE_TEXT, "which line of commits is read" },
        { "max_identifier_length", "63", NULL, RULE_READ, "bytes of a name" },
        { "max_index_keys", "32", NULL, RULE_READ, "there are no indexes" },
        { "password_encryption", "scram-sha-256", NULL, RULE_FIXED, "how passwords are kept" },
        { "role", "none", NULL, RULE_WHO, "in whose place this user asks" },
        { "row_security", "on", NULL, RULE_FIXED, "row filters hold always" },
        { "search_path", "\"$user\", public", NULL, RULE_PATH, "the schemas in which names without one are looked up" },
        { "server_encoding", "UTF8", "server_encoding", RULE_READ, "always UTF8" },
        { "server_version", PG15_VERSION, "server_version", RULE_READ, "the PostgreSQL whose protocol and catalogue this is" },
        { "server_version_num", PG15_VERSION_NUMBER, NULL, RULE_READ, "the same as a number" },
        { "session_authorization", "", "session_authorization", RULE_WHO, "who asks, unless role says another" },
        { "standard_conforming_strings", "on", "standard_conforming_strings", RULE_FIXED, "backslashes are plain in '...'" },
        { "statement_timeout", "0", NULL, RULE_DURATION, "how long a statement may run" },
        { "synchronize_seqscans", "on", NULL, RULE_BOOLEAN, "taken, without effect" },
        { "timezone", "UTC", "TimeZone", RULE_ZONE, "in which timestamps with a zone are read and written" },
        { "transaction_deferrable", "off", NULL, RULE_BOOLEAN, "taken, without effect" },
        { "transaction_isolation", "repeatable read", NULL, RULE_LEVEL, "taken: every transaction sees one commit" },
        { "transaction_read_only", "on", NULL, RULE_BOOLEAN, "SQL only reads" },
        { "xmloption", "content", NULL, RULE_TEXT, "taken, without effect" },
};
/* clang-format on */

#define ROW_COUNT COUNT_OF(ROWS)
#define CUSTOM_MAX 100 /* names with a dot that a session may keep */
#define VALUE_MAX 1024 /* bytes */

/* base: before the transaction. session: what a commit leaves. now: what holds, LOCAL included. first: what RESET gives. */
typedef struct Value {
        char *name; /* of a custom one */
        char *first, *base, *session, *now;
        char *told; /* what the client knows; NULL: nothing yet */
} Value;

/* What a setting was before a level of savepoints changed it; one for each setting and level. */
typedef struct Undo {
        struct Undo *below;
        size_t level, index;
        char *session, *now;
} Undo;

struct Settings {
        Value values[ROW_COUNT + CUSTOM_MAX];
        size_t count;
        bool in_transaction;
        size_t level;
        Undo *undos; /* the newest first, so by levels */
};

static void assign(char **to, Str value) {
        char *copy = strndup(value.data ? value.data : "", value.size);
        if (!copy)
                out_of_memory();
        free(*to);
        *to = copy;
}

static void assign_all(Value *value, Str text) {
        assign(&value->first, text);
        assign(&value->base, text);
        assign(&value->session, text);
        assign(&value->now, text);
}

Settings *settings_new(void) {
        Settings *settings = calloc(1, sizeof(*settings));
        if (!settings)
                out_of_memory();
        settings->count = ROW_COUNT;
        for (size_t i = 0; i < ROW_COUNT; i++)
                assign_all(&settings->values[i], str_of(ROWS[i].value));
        return settings;
}

static void drop_undo(Settings *settings) {
        Undo *undo = settings->undos;
        settings->undos = undo->below;
        free(undo->session);
        free(undo->now);
        free(undo);
}

void settings_free(Settings *settings) {
        while (settings && settings->undos)
                drop_undo(settings);
        for (size_t i = 0; settings && i < settings->count; i++) {
                Value *value = &settings->values[i];
                free(value->name);
                free(value->first);
                free(value->base);
                free(value->session);
                free(value->now);
                free(value->told);
        }
        free(settings);
}

static Str name_at(const Settings *settings, size_t index) {
        return str_of(index < ROW_COUNT ? ROWS[index].name : settings->values[index].name);
}

static size_t find(const Settings *settings, Str name) {
        size_t i = 0;
        while (i < settings->count && !str_equal_nocase(name_at(settings, i), name))
                i++;
        return i;
}

Str settings_get(const Settings *settings, Str name) {
        size_t i = find(settings, name);
        return i < settings->count ? str_of(settings->values[i].now) : STR_NONE;
}

bool settings_at(const Settings *settings, size_t index, Str *out_name, Str *out_value, Str *out_words) {
        if (index >= settings->count)
                return false;
        bool reported = index < ROW_COUNT && ROWS[index].shown;
        *out_name = reported ? str_of(ROWS[index].shown) : name_at(settings, index);
        *out_value = str_of(settings->values[index].now);
        *out_words = index < ROW_COUNT ? str_of(ROWS[index].words) : STR("");
        return true;
}

bool setting_duration(Str value, int64_t *out_us) {
        static const struct {
                const char *unit;
                int64_t us;
        } units[] = { { "", 1000 }, { "us", 1 }, { "ms", 1000 }, { "s", 1000000 }, { "min", 60000000 }, { "h", 3600000000 }, { "d", 86400000000 } };
        size_t digits = 0;
        int64_t number;
        while (digits < value.size && value.data[digits] >= '0' && value.data[digits] <= '9')
                digits++;
        Str unit = str_trim(str_slice(value, digits, value.size));
        if (!str_to_int64(str_slice(value, 0, digits), &number))
                return false;
        for (size_t i = 0; i < COUNT_OF(units); i++)
                if (str_is(unit, units[i].unit))
                        return !__builtin_mul_overflow(number, units[i].us, out_us);
        return false;
}

static bool is_one_of(Str value, const char *const *words, size_t count, Str *out) {
        for (size_t i = 0; i < count; i++) {
                if (!str_equal_nocase(value, str_of(words[i])))
                        continue;
                *out = str_of(words[i]);
                return true;
        }
        return false;
}

bool setting_boolean(Str value, bool *out) {
        static const char *const yes[] = { "on", "true", "yes", "1", "t", "y" }, *const no[] = { "off", "false", "no", "0", "f", "n" };
        *out = str_is_one_of_nocase(value, yes, COUNT_OF(yes));
        return *out || str_is_one_of_nocase(value, no, COUNT_OF(no));
}

/* ISO with an order of day and month, in any sequence. */
static bool is_iso(Str value, Str *out) {
        static const struct {
                const char *word, *shown;
        } orders[] = { { "mdy", "ISO, MDY" }, { "us", "ISO, MDY" }, { "noneuropean", "ISO, MDY" }, { "dmy", "ISO, DMY" },
                       { "euro", "ISO, DMY" }, { "european", "ISO, DMY" }, { "ymd", "ISO, YMD" } };
        Str shown = STR_NONE;
        while (value.size > 0) {
                Str word;
                bool known = false;
                if (!str_cut(value, ',', &word, &value))
                        value = STR_NONE;
                word = str_trim(word);
                for (size_t i = 0; i < COUNT_OF(orders); i++) {
                        if (!str_equal_nocase(word, str_of(orders[i].word)))
                                continue;
                        if (shown.size > 0 && !str_is(shown, orders[i].shown))
                                return false;
                        shown = str_of(orders[i].shown);
                        known = true;
                }
                if (!known && !str_equal_nocase(word, STR("iso")))
                        return false;
        }
        if (shown.size > 0)
                *out = shown; /* else the order stays as it is */
        return true;
}

/* The first name of the list, moved out of *rest; false if there is none. */
static bool take_listed(Str *rest, Arena *arena, Str *out) {
        char *name = arena_alloc(arena, rest->size + 1);
        bool quoted = rest->size > 0 && rest->data[0] == '"', closed = !quoted;
        size_t size = 0, at = quoted;
        for (; at < rest->size && (quoted ? !closed : rest->data[at] != ','); at++) {
                char c = rest->data[at];
                bool quote = quoted && c == '"', doubled = quote && at + 1 < rest->size && rest->data[at + 1] == '"';
                closed |= quote && !doubled;
                at += doubled;
                if (!quote || doubled)
                        name[size++] = quoted ? c : char_lower(c);
        }
        *out = quoted ? (Str){ name, size } : str_trim((Str){ name, size });
        *rest = str_trim(str_slice(*rest, at, rest->size));
        return closed && (quoted || out->size > 0);
}

bool setting_path(Str value, Arena *arena, Str **out, size_t *out_count) {
        VEC(Str) names = { 0 };
        Str rest = str_trim(value), name;
        bool more = rest.size > 0;
        while (more) {
                if (!take_listed(&rest, arena, &name) || (rest.size > 0 && rest.data[0] != ','))
                        return false;
                vec_push(arena, &names, name);
                more = rest.size > 0;
                rest = str_trim(str_slice(rest, 1, rest.size));
        }
        *out = names.items;
        *out_count = names.count;
        return true;
}

/* 'utf-8', "UTF8", 'unicode' */
/* SQL_ASCII asks for no conversion, and gets none. */
static bool is_utf8(Str value, Str *out) {
        static const char *const utf8[] = { "utf8", "utf-8", "unicode" };
        while (value.size >= 2 && value.data[0] == '\'' && value.data[value.size - 1] == '\'') /* as asyncpg sends it */
                value = str_slice(value, 1, value.size - 1);
        bool as_it_is = str_equal_nocase(value, STR("sql_ascii"));
        *out = as_it_is ? STR("SQL_ASCII") : STR("UTF8");
        return as_it_is || str_is_one_of_nocase(value, utf8, COUNT_OF(utf8));
}

static Status bad_value(Str name, Str value, const char *wanted, Error *err) {
        return error_set(err, STATUS_BAD_VALUE, "invalid value for parameter \"%.*s\": \"%.*s\" (%s)", STR_ARG(name), STR_ARG(value), wanted);
}

/* *value may become what it means. */
static Status check(const SettingRow *row, const Value *old, Str *value, Arena *arena, Error *err) {
        static const char *const levels[] = { "read uncommitted", "read committed", "repeatable read", "serializable" };
        Str name = str_of(row->name), *path;
        int64_t number;
        size_t count;
        Str shown;
        bool on;
        switch (row->rule) {
        case RULE_TEXT:
        case RULE_WHO:
                return STATUS_OK;
        case RULE_READ:
                return error_set(err, STATUS_DENIED, "parameter \"%s\" cannot be changed", row->name);
        case RULE_FIXED:
                if (str_equal_nocase(*value, str_of(old->now)) || str_is(*value, "default"))
                        return *value = str_of(old->now), STATUS_OK;
                return bad_value(name, *value, "here it has one value only", err);
        case RULE_UTF8:
                shown = *value;
                return is_utf8(shown, value) ? STATUS_OK : bad_value(name, shown, "texts are UTF8", err);
        case RULE_ISO:
                if (!is_iso(*value, &(Str){ 0 }))
                        return bad_value(name, *value, "dates are written as ISO", err);
                shown = str_of(old->now);
                is_iso(*value, &shown);
                *value = shown;
                return STATUS_OK;
        case RULE_DURATION:
                return setting_duration(*value, &number) ? STATUS_OK : bad_value(name, *value, "a duration: 500, 30s, 5min", err);
        case RULE_BOOLEAN:
                if (!setting_boolean(*value, &on))
                        return bad_value(name, *value, "on or off", err);
                *value = on ? STR("on") : STR("off");
                return STATUS_OK;
        case RULE_DIGITS:
                if (str_to_int64(*value, &number) && number >= 1 && number <= 3)
                        return STATUS_OK;
                return bad_value(name, *value, "1 to 3: floats are written exactly, not rounded", err);
        case RULE_LEVEL:
                return is_one_of(*value, levels, COUNT_OF(levels), value) ? STATUS_OK : bad_value(name, *value, "a level of isolation", err);
        case RULE_ZONE:
                return timezone_read(*value, arena, value, NULL, err);
        case RULE_PATH:
                return setting_path(*value, arena, &path, &count) ? STATUS_OK : bad_value(name, *value, "a list of schemas", err);
        }
        return STATUS_OK;
}

static Status add_custom(Settings *settings, Str name, Error *err) {
        if (str_find_byte(name, '.') == name.size) {
                error_set(err, STATUS_NOT_FOUND, "unrecognized configuration parameter \"%.*s\"", STR_ARG(name));
                return error_hint(err, "SHOW ALL lists them");
        }
        if (settings->count == COUNT_OF(settings->values) || name.size > VALUE_MAX)
                return error_set(err, STATUS_LIMIT, "more than %d settings of one's own in a session", CUSTOM_MAX);
        Value *value = &settings->values[settings->count++];
        *value = (Value){ 0 };
        assign(&value->name, name);
        assign_all(value, STR(""));
        return STATUS_OK;
}

/* Before a setting changes: what it is, unless this level has changed it already. */
static void remember(Settings *settings, size_t index) {
        const Value *value = &settings->values[index];
        for (const Undo *undo = settings->undos; undo && undo->level == settings->level; undo = undo->below)
                if (undo->index == index)
                        return;
        if (settings->level == 0)
                return; /* value->base has it */
        Undo *undo = calloc(1, sizeof(*undo));
        if (!undo)
                out_of_memory();
        *undo = (Undo){ .below = settings->undos, .level = settings->level, .index = index };
        assign(&undo->session, str_of(value->session));
        assign(&undo->now, str_of(value->now));
        settings->undos = undo;
}

Status settings_set(Settings *settings, Str name, Str value, bool local, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        size_t i = find(settings, name);
        if (value.size > VALUE_MAX)
                return error_set(err, STATUS_LIMIT, "a value of %zu bytes for \"%.*s\"; it may have %d", value.size, STR_ARG(name), VALUE_MAX);
        if (i == settings->count)
                TRY(add_custom(settings, name, err));
        Value *old = &settings->values[i];
        if (i < ROW_COUNT)
                TRY(check(&ROWS[i], old, &value, &arena, err));
        CLEANUP(freep) char *copy = strndup(value.data ? value.data : "", value.size); /* it may be one of the old ones */
        if (!copy)
                out_of_memory();
        remember(settings, i);
        if (!local || !settings->in_transaction)
                assign(&old->session, str_of(copy));
        if (!settings->in_transaction && !local)
                assign(&old->base, str_of(copy));
        if (!local || settings->in_transaction)
                assign(&old->now, str_of(copy));
        return STATUS_OK;
}

static void put(Settings *settings, Value *value, const char *text) {
        remember(settings, (size_t)(value - settings->values));
        assign(&value->session, str_of(text));
        assign(&value->now, str_of(text));
        if (!settings->in_transaction)
                assign(&value->base, str_of(text));
}

Status settings_reset(Settings *settings, Str name, Error *err) {
        size_t i = find(settings, name);
        if (i == settings->count)
                return error_set(err, STATUS_NOT_FOUND, "unrecognized configuration parameter \"%.*s\"", STR_ARG(name));
        put(settings, &settings->values[i], settings->values[i].first);
        return STATUS_OK;
}

void settings_reset_all(Settings *settings) {
        for (size_t i = 0; i < settings->count; i++)
                if (i >= ROW_COUNT || ROWS[i].rule != RULE_WHO)
                        put(settings, &settings->values[i], settings->values[i].first);
}

void settings_begin_with(Settings *settings, Str name, Str value) {
        Error ignored;
        size_t i = find(settings, name);
        if (i == settings->count && add_custom(settings, name, &ignored) != STATUS_OK)
                return;
        assign_all(&settings->values[i], value);
        free(settings->values[i].told);
        settings->values[i].told = NULL;
}

/* Its level of isolation is the session's until it says another. */
void settings_begin_transaction(Settings *settings) {
        Error ignored;
        settings->in_transaction = true;
        Str level = settings_get(settings, STR("default_transaction_isolation"));
        if (!str_equal(level, settings_get(settings, STR("transaction_isolation"))))
                settings_set(settings, STR("transaction_isolation"), level, true, &ignored);
}

void settings_end_transaction(Settings *settings, bool committed) {
        for (size_t i = 0; i < settings->count; i++) {
                Value *value = &settings->values[i];
                const char *left = committed ? value->session : value->base;
                if (strcmp(value->now, left) != 0)
                        assign(&value->now, str_of(left));
                if (!committed)
                        assign(&value->session, str_of(value->base));
                else if (strcmp(value->base, value->session) != 0)
                        assign(&value->base, str_of(value->session));
        }
        while (settings->undos)
                drop_undo(settings);
        settings->level = 0;
        settings->in_transaction = false;
}

size_t settings_savepoint(Settings *settings) {
        return ++settings->level;
}

size_t settings_level(const Settings *settings) {
        return settings->level;
}

void settings_undo(Settings *settings, size_t level) {
        while (settings->undos && settings->undos->level >= level) {
                Undo *undo = settings->undos;
                Value *value = &settings->values[undo->index];
                assign(&value->session, str_of(undo->session));
                assign(&value->now, str_of(undo->now));
                drop_undo(settings);
        }
        settings->level = level;
        if (level > 0)
                return;
        settings_end_transaction(settings, false);
        settings->in_transaction = true;
}

/* Whether a level below remembers what this setting was before itself. */
static bool is_remembered(const Undo *undo, size_t level, size_t index) {
        for (; undo && undo->level >= level; undo = undo->below)
                if (undo->index == index)
                        return true;
        return false;
}

void settings_release(Settings *settings, size_t level) {
        Undo **place = &settings->undos;
        while (*place && (*place)->level >= level) {
                Undo *undo = *place;
                undo->level = level - 1;
                if (undo->level > 0 && !is_remembered(undo->below, level - 1, undo->index)) {
                        place = &undo->below;
                        continue;
                }
                *place = undo->below;
                free(undo->session);
                free(undo->now);
                free(undo);
        }
        settings->level = level - 1;
}

const char *settings_next_report(Settings *settings, Str *out_value) {
        for (size_t i = 0; i < ROW_COUNT; i++) {
                Value *value = &settings->values[i];
                if (!ROWS[i].shown || (value->told && strcmp(value->told, value->now) == 0))
                        continue;
                assign(&value->told, str_of(value->now));
                *out_value = str_of(value->now);
                return ROWS[i].shown;
        }
        return NULL;
}
