/* SPDX-License-Identifier: Apache-2.0 */
/* Failures as they travel from a worker (engine/message.h), and their words. */
#include "engine/message.h"

typedef struct FailureRow {
        Status status;
        const char *words;
} FailureRow;

static const FailureRow FAILURES[] = {
#define X(name, status, words) [FAILURE_##name] = { STATUS_##status, words },
        FAILURE_TABLE(X)
#undef X
};

static Str cut(Str text, size_t most) {
        if (text.size <= most)
                return text;
        size_t end = most;
        while (end > 0 && ((unsigned char)text.data[end] & 0xc0) == 0x80)
                end--;
        return (Str){ text.data, end };
}

void failure_write(Buf *out, const Failure *failure) {
        buf_u16(out, (uint16_t)failure->kind);
        if (failure->kind == FAILURE_REASON) {
                reason_write(out, failure->reason);
                return;
        }
        buf_u64(out, (uint64_t)failure->position);
        for (size_t i = 0; i < FAILURE_ARGUMENTS_MAX; i++)
                buf_lstr(out, cut(failure->arguments[i], FAILURE_TEXT_MAX));
        for (size_t i = 0; i < FAILURE_CANDIDATES_MAX; i++)
                buf_lstr(out, cut(failure->candidates[i], FAILURE_TEXT_MAX));
        buf_lstr(out, cut(failure->detail, 2 * FAILURE_TEXT_MAX));
}

/* A text that may be shown: valid UTF-8, no control characters, cut. */
static Str clean(Arena *arena, Str text, size_t most) {
        text = cut(text, most);
        if (text.size == 0)
                return STR_NONE;
        char *copy = arena_alloc(arena, text.size * 3 + 1);
        size_t size = 0;
        for (size_t at = 0; at < text.size;) {
                uint32_t code;
                size_t step = utf8_decode(text, at, &code);
                if (step == 0)
                        break;
                bool plain = code >= 0x20 && code != 0x7f && !(code >= 0x80 && code < 0xa0) && code != 0xfffd;
                if (plain)
                        memcpy(copy + size, text.data + at, step);
                else
                        copy[size] = code == '\n' || code == '\t' ? ' ' : '?';
                size += plain ? step : 1;
                at += step;
        }
        return (Str){ copy, size };
}

static Status unreadable(Error *err) {
        return error_set(err, STATUS_CORRUPT, "a failure that cannot be read");
}

static Status read_reason(Cursor *cursor, Arena *arena, Failure *out, Error *err) {
        Error *reason = ARENA_NEW(arena, Error);
        TRY(reason_read(cursor, reason, err));
        if (cursor_left(cursor) > 0)
                return unreadable(err);
        *out = (Failure){ .kind = FAILURE_REASON, .status = reason->status, .position = -1, .reason = reason };
        return STATUS_OK;
}

/* A text longer than a worker may send is no slip: it is refused, not cut. */
static Str read_text(Cursor *cursor, Arena *arena, size_t most) {
        Str text = cursor_str(cursor);
        cursor->failed |= text.size > most;
        return cursor->failed ? STR_NONE : clean(arena, text, most);
}

Status failure_read(Cursor *cursor, Arena *arena, Failure *out, Error *err) {
        uint16_t kind = cursor_u16(cursor);
        if (!cursor->failed && kind == FAILURE_REASON)
                return read_reason(cursor, arena, out, err);
        Failure failure = { .position = (int64_t)cursor_u64(cursor) };
        for (size_t i = 0; i < FAILURE_ARGUMENTS_MAX; i++)
                failure.arguments[i] = read_text(cursor, arena, FAILURE_TEXT_MAX);
        for (size_t i = 0; i < FAILURE_CANDIDATES_MAX; i++)
                failure.candidates[i] = read_text(cursor, arena, FAILURE_TEXT_MAX);
        failure.detail = read_text(cursor, arena, 2 * FAILURE_TEXT_MAX);
        if (cursor->failed || cursor_left(cursor) > 0 || kind >= FAILURE_COUNT)
                return unreadable(err);
        failure.kind = (FailureKind)kind;
        failure.status = FAILURES[kind].status;
        if (failure.position < -1)
                failure.position = -1;
        *out = failure;
        return STATUS_OK;
}

Failure failure_of_error(const Error *err) {
        return (Failure){ .kind = FAILURE_REASON, .status = err->status, .position = -1, .reason = err };
}

/* %1 and %2 of the words. */
static Str fill(Arena *arena, const char *words, const Str *arguments) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        for (const char *at = words; *at; at++) {
                bool place = at[0] == '%' && at[1] >= '1' && at[1] < '1' + FAILURE_ARGUMENTS_MAX;
                if (!place) {
                        buf_append_byte(&text, *at);
                        continue;
                }
                buf_append(&text, arguments[at[1] - '1']);
                at++;
        }
        return buf_dup(&text, arena);
}

static void hint_candidates(const Failure *failure, Error *err) {
        char text[sizeof(err->hint)] = "";
        size_t size = 0;
        for (size_t i = 0; i < FAILURE_CANDIDATES_MAX && failure->candidates[i].size > 0; i++) {
                int wrote = snprintf(text + size, sizeof(text) - size, "%s'%.*s'", i ? ", " : "",
                                     STR_ARG(failure->candidates[i]));
                if (wrote < 0 || (size_t)wrote >= sizeof(text) - size) {
                        text[size] = '\0';
                        break;
                }
                size += (size_t)wrote;
        }
        if (size > 0)
                error_hint(err, "near it: %s", text);
}

/* The engine's sentence up to where it gives advice that does not hold here: settings, lists of signatures. */
static Str without_advice(Str detail) {
        static const char *const advice[] = { " You might need to", " Candidate functions:", " Use TRY(", " or SET ", " Either add it" };
        for (size_t i = 0; i < COUNT_OF(advice); i++)
                detail = str_slice(detail, 0, str_find(detail, str_of(advice[i])));
        return str_trim(detail);
}

/* What to do about a failure of the data or of the types, where the kind alone says it. */
static const char *const remedies[FAILURE_COUNT] = {
        [FAILURE_NO_FUNCTION] = "count the arguments, or cast them: sum(x::decimal(18,2)), try_cast(x as double) where some do not fit",
        [FAILURE_TYPES] = "cast one of them: x::date, or try_cast(x as double) where some do not fit",
        [FAILURE_CAST] = "try_cast(x as TYPE) gives NULL where a value does not fit, try_strptime(x, FORMAT) for dates",
        [FAILURE_TREE_SIZE] = "a long list of values is short as one text: x in (select unnest(string_split('a,b,c', ',')))",
        [FAILURE_DIVISION] = "x / nullif(y, 0) gives NULL there",
        [FAILURE_RANGE] = "cast to a wider type first: x::bigint, x::decimal(38,2)",
        [FAILURE_AGGREGATE] = "conditions on aggregates go into HAVING; an aggregate of an aggregate needs a subquery",
        [FAILURE_WINDOW] = "compute it in a subquery, or put the condition into QUALIFY",
        [FAILURE_NO_WINDOW] = "row_number() over (order by x), among the columns or in ORDER BY",
        [FAILURE_ALIAS_TWICE] = "give one of them another alias: FROM t AS a JOIN t AS b",
        [FAILURE_NO_FROM] = "SELECT * FROM table",
        [FAILURE_NO_FIELD] = "a.b is column b of table a; structs and JSON have fields: x.field, x ->> 'field'",
        [FAILURE_NO_PART] = "parts are year, quarter, month, week, day, hour, minute, second, dow, doy, epoch",
        [FAILURE_NO_CAST] = "go by text, or make the value of its parts: x::text, make_date(y, m, d)",
        [FAILURE_NO_DATE] = "dates are written 2026-11-26; strptime(x, '%d.%m.%Y') reads others, try_strptime gives NULL where one does not fit",
        [FAILURE_AMBIGUOUS] = "write the table's name or alias before it: a.x",
};

/* What the words of the table do not fit: an operator is no function to its reader, and not each syntax error names a word. */
static const char *words_of(const Failure *failure) {
        Str name = failure->arguments[0];
        bool letter = name.size > 0 && (name.data[0] == '_' || (name.data[0] | 0x20) >= 'a');
        if (failure->kind == FAILURE_NO_FUNCTION && name.size > 0 && !letter)
                return "no operator '%1' for these types";
        return failure->kind == FAILURE_SYNTAX && name.size == 0 ? "the SQL cannot be parsed" : FAILURES[failure->kind].words;
}

static const char *remedy_of(const Failure *failure) {
        bool is_operator = failure->kind == FAILURE_NO_FUNCTION && words_of(failure) != FAILURES[FAILURE_NO_FUNCTION].words;
        return is_operator ? "cast one of them: '2'::int, x::text; a time and a text: now() - interval '1 day'" : remedies[failure->kind];
}

/* What clients tell apart by number and our status does not. */
static const char *const sqlstates[FAILURE_COUNT] = {
        [FAILURE_CAST] = "22P02",      [FAILURE_DIVISION] = "22012",    [FAILURE_RANGE] = "22003",
        [FAILURE_DATE_RANGE] = "22008", [FAILURE_NO_FUNCTION] = "42883", [FAILURE_NO_TYPE] = "42704",
        [FAILURE_NOT_GROUPED] = "42803", [FAILURE_MANY_ROWS] = "21000", [FAILURE_AGGREGATE] = "42803",
        [FAILURE_WINDOW] = "42P20",     [FAILURE_NO_WINDOW] = "42809",  [FAILURE_SET_COLUMNS] = "42601",
        [FAILURE_MANY_COLUMNS] = "42601", [FAILURE_NO_PLACE] = "42P10", [FAILURE_ALIAS_TWICE] = "42712",
        [FAILURE_ALIAS_COLUMNS] = "42P10", [FAILURE_NO_FROM] = "42601", [FAILURE_VALUES] = "42601", [FAILURE_NO_FIELD] = "42809",
        [FAILURE_NEGATIVE] = "2201W",   [FAILURE_NO_PART] = "22023",    [FAILURE_NO_CAST] = "42846",
        [FAILURE_NO_DATE] = "22007",
};

Status failure_to_error(const Failure *failure, Str sql, bool with_detail, Error *err) {
        if (failure->kind == FAILURE_REASON) {
                *err = *failure->reason;
                return failure->status;
        }
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Str words = fill(&arena, words_of(failure), failure->arguments);
        if (with_detail && failure->detail.size > 0)
                error_set(err, failure->status, "%.*s (engine: %.*s)", STR_ARG(words), STR_ARG(without_advice(failure->detail)));
        else
                error_set(err, failure->status, "%.*s", STR_ARG(words));
        err->sqlstate = sqlstates[failure->kind];
        if (remedy_of(failure))
                error_hint(err, "%s", remedy_of(failure));
        hint_candidates(failure, err);
        if (sql.size > 0 && failure->position >= 0 && (uint64_t)failure->position <= sql.size)
                error_place(err, "", sql, (size_t)failure->position);
        return failure->status;
}
