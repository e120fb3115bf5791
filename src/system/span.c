/* SPDX-License-Identifier: Apache-2.0 */
#include "system/span.h"

#include "base/time.h"

#define SECOND_US ((int64_t)1000000)
#define DAY_US (86400 * SECOND_US)
#define FUZZ_US (2 * DAY_US) /* time zones, summer time, and a time that becomes a date */
#define UNITS_MOST 1000000   /* of an interval: far more than there are days */

/* When something is, at the earliest and the latest. */
typedef struct Moment {
        int64_t low, high;
} Moment;

static bool is_column(const SqlExpr *expr, Str column) {
        return expr->kind == SQL_COLUMN_REF && expr->column.count > 0 && str_equal_nocase(expr->column.items[expr->column.count - 1], column);
}

static Str last_of(SqlNames path) {
        return path.count > 0 ? path.items[path.count - 1] : STR_NONE;
}

/* ---- intervals ---- */

static const struct {
        const char *names; /* between blanks */
        int64_t us;        /* at most; 0: what it is in days is not fixed */
        bool exact;
} units[] = {
        { " us microsecond microseconds ", 1, true },
        { " ms millisecond milliseconds ", 1000, true },
        { " s sec secs second seconds ", SECOND_US, true },
        { " min mins minute minutes ", 60 * SECOND_US, true },
        { " h hour hours ", 3600 * SECOND_US, true },
        { " d day days ", DAY_US, false },
        { " w week weeks ", 7 * DAY_US, false },
        { " mon mons month months ", 31 * DAY_US, false },
        { " y year years ", 366 * DAY_US, false },
};

static bool unit_of(Str word, int64_t *out_us, bool *out_exact) {
        char padded[24];
        if (word.size == 0 || word.size > sizeof(padded) - 3)
                return false;
        padded[0] = ' ';
        for (size_t i = 0; i < word.size; i++)
                padded[i + 1] = (char)(word.data[i] >= 'A' && word.data[i] <= 'Z' ? word.data[i] + 32 : word.data[i]);
        padded[word.size + 1] = ' ';
        for (size_t i = 0; i < COUNT_OF(units); i++) {
                Str names = str_of(units[i].names);
                if (str_find(names, (Str){ padded, word.size + 2 }) == names.size)
                        continue;
                *out_us = units[i].us;
                *out_exact = units[i].exact;
                return true;
        }
        return false;
}

static bool add_units(int64_t number, Str word, int64_t *us) {
        int64_t unit;
        bool exact;
        if (number < 0 || number > UNITS_MOST * (int64_t)1000000000 || !unit_of(word, &unit, &exact) || number > INT64_MAX / 16 / unit)
                return false;
        *us += number * unit + (exact || number == 0 ? 0 : FUZZ_US);
        return *us < INT64_MAX / 8;
}

/* "7 days", "0 months 7 days 0 microseconds": how long at most. */
static bool interval_text(Str text, int64_t *out_us) {
        Str number, word, rest = str_trim(text);
        *out_us = 0;
        while (rest.size > 0) {
                int64_t count;
                if (!str_cut(rest, ' ', &number, &rest))
                        return false;
                rest = str_trim(rest);
                str_cut(rest, ' ', &word, &rest);
                rest = str_trim(rest);
                if (!str_to_int64(number, &count) || !add_units(count, word, out_us))
                        return false;
        }
        return text.size > 0;
}

static const SqlExpr *without_casts(const SqlExpr *expr) {
        while (expr->kind == SQL_CAST && !expr->cast.try_cast)
                expr = expr->cast.child;
        return expr;
}

/* INTERVAL '7 days' is a cast of a text, INTERVAL 7 DAY a call of to_days(). */
static bool interval_of(const SqlExpr *expr, int64_t *out_us) {
        if (expr->kind == SQL_CAST && str_equal_nocase(last_of(expr->cast.type->type.path), STR("interval"))) {
                const SqlExpr *text = expr->cast.child;
                return text->kind == SQL_CONSTANT && text->constant.literal == SQL_STRING && interval_text(text->constant.text, out_us);
        }
        if (expr->kind != SQL_FUNCTION || expr->function.arguments.count != 1 || !str_starts_with(last_of(expr->function.path), STR("to_")))
                return false;
        const SqlExpr *number = without_casts(expr->function.arguments.items[0].expr);
        if (number->kind == SQL_FUNCTION && str_is(last_of(number->function.path), "trunc") && number->function.arguments.count == 1)
                number = without_casts(number->function.arguments.items[0].expr);
        Str name = last_of(expr->function.path);
        int64_t count;
        *out_us = 0;
        return number->kind == SQL_CONSTANT && str_to_int64(number->constant.text, &count) &&
               add_units(count, str_slice(name, sizeof("to_") - 1, name.size), out_us);
}

/* ---- moments ---- */

static bool is_now(Str name) {
        static const char *const names[] = { "now", "current_timestamp", "get_current_timestamp", "transaction_timestamp" };
        bool is = false;
        for (size_t i = 0; i < COUNT_OF(names); i++)
                is |= str_equal_nocase(name, str_of(names[i]));
        return is;
}

/* A text that says its offset from UTC means one moment everywhere. */
static bool has_offset(Str text) {
        size_t at = str_find_byte(text, ':');
        Str tail = str_slice(text, at, text.size);
        return str_ends_with(text, STR("Z")) || str_find_byte(tail, '+') < tail.size || str_find_byte(tail, '-') < tail.size;
}

static bool moment_of(const SqlExpr *expr, int64_t now, Moment *out) {
        bool casts = expr->kind == SQL_CAST;
        expr = without_casts(expr);
        int64_t us;
        if (expr->kind == SQL_CONSTANT && expr->constant.literal == SQL_STRING) {
                if (!time_parse_us(str_trim(expr->constant.text), &us))
                        return false;
                int64_t fuzz = casts || !has_offset(expr->constant.text) ? FUZZ_US : 0;
                *out = (Moment){ us - fuzz, us + fuzz };
                return true;
        }
        bool call = expr->kind == SQL_FUNCTION && expr->function.arguments.count == 0;
        Str name = call ? last_of(expr->function.path) : expr->kind == SQL_COLUMN_REF && expr->column.count == 1 ? expr->column.items[0] : STR_NONE;
        if (is_now(name)) { /* the engine's is later than ours, by as long as the statement waits */
                *out = (Moment){ now - (casts ? FUZZ_US : 0), now + FUZZ_US };
                return true;
        }
        if (str_equal_nocase(name, STR("current_date")) || str_equal_nocase(name, STR("today"))) {
                *out = (Moment){ now - FUZZ_US, now + FUZZ_US };
                return true;
        }
        return false;
}

/* A moment, or an interval before one. */
static bool value_of(const SqlExpr *expr, int64_t now, Moment *out) {
        if (moment_of(expr, now, out))
                return true;
        const SqlExpr *inner = without_casts(expr);
        int64_t before;
        if (inner->kind != SQL_FUNCTION || inner->function.arguments.count != 2 || !str_is(last_of(inner->function.path), "-"))
                return false;
        if (!moment_of(inner->function.arguments.items[0].expr, now, out) || !interval_of(inner->function.arguments.items[1].expr, &before))
                return false;
        out->low -= before + (inner != expr ? FUZZ_US : 0); /* what is before it at most; at least it is nothing before */
        return true;
}

/* ---- conditions ---- */

static void not_before(Span *span, int64_t us) {
        span->from_us = us > span->from_us ? us : span->from_us;
}

static void not_after(Span *span, int64_t us) {
        span->to_us = us + 1 < span->to_us ? us + 1 : span->to_us;
}

static bool from_comparison(const SqlExpr *condition, Str column, int64_t now, Span *span) {
        bool turned = !is_column(condition->compare.left, column);
        Moment moment;
        if (turned && !is_column(condition->compare.right, column))
                return false;
        if (!value_of(turned ? condition->compare.left : condition->compare.right, now, &moment))
                return false;
        SqlCompare op = condition->compare.op;
        bool less = op == SQL_LESS || op == SQL_LESS_EQUAL, greater = op == SQL_GREATER || op == SQL_GREATER_EQUAL;
        if (op == SQL_EQUAL || (turned ? less : greater))
                not_before(span, moment.low);
        if (op == SQL_EQUAL || (turned ? greater : less))
                not_after(span, moment.high);
        return op == SQL_EQUAL || less || greater;
}

bool span_of_condition(const SqlExpr *condition, Str column, int64_t now_us, Span *span) {
        if (condition->kind == SQL_COMPARISON)
                return from_comparison(condition, column, now_us, span);
        Moment lower, upper;
        if (condition->kind != SQL_BETWEEN || !is_column(condition->between.input, column) || !value_of(condition->between.lower, now_us, &lower) ||
            !value_of(condition->between.upper, now_us, &upper))
                return false;
        not_before(span, lower.low);
        not_after(span, upper.high);
        return true;
}

bool span_equals(const SqlExpr *condition, Str column, Str *out) {
        if (condition->kind != SQL_COMPARISON || condition->compare.op != SQL_EQUAL)
                return false;
        bool turned = !is_column(condition->compare.left, column);
        const SqlExpr *value = turned ? condition->compare.left : condition->compare.right;
        if ((turned && !is_column(condition->compare.right, column)) || value->kind != SQL_CONSTANT || value->constant.literal != SQL_STRING)
                return false;
        *out = value->constant.text;
        return true;
}
