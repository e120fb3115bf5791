/* SPDX-License-Identifier: Apache-2.0 */
#include "govern/predicate.h"

#include "base/time.h"

static bool is_column(const SqlExpr *expr) {
        return expr->kind == SQL_COLUMN_REF;
}

const SqlExpr *predicate_column(const SqlExpr *expr) {
        switch (expr->kind) {
        case SQL_COMPARISON:
                if (is_column(expr->compare.left) != is_column(expr->compare.right))
                        return is_column(expr->compare.left) ? expr->compare.left : expr->compare.right;
                return NULL;
        case SQL_BETWEEN:
                return is_column(expr->between.input) ? expr->between.input : NULL;
        case SQL_OPERATOR:
                if (expr->op.op != SQL_OP_IN && expr->op.op != SQL_OP_IS_NULL && expr->op.op != SQL_OP_IS_NOT_NULL)
                        return NULL;
                return is_column(expr->op.children.items[0]) ? expr->op.children.items[0] : NULL;
        case SQL_CONSTANT:
        case SQL_COLUMN_REF:
        case SQL_FUNCTION:
        case SQL_CONJUNCTION:
        case SQL_CASE:
        case SQL_CAST:
        case SQL_SUBQUERY:
        case SQL_WINDOW:
        case SQL_STAR:
        case SQL_LAMBDA:
        case SQL_COLLATE:
        case SQL_PARAMETER:
        case SQL_POSITIONAL_REFERENCE:
        case SQL_TYPE:
        case SQL_TEMPLATE:
                return NULL;
        }
        return NULL;
}

/* ---- literals ---- */

/* The text of a literal, or of CAST('...' AS type) where the cast is to the column's own type. */
static bool literal_text(const SqlExpr *expr, const char *type, SqlLiteral *out_kind, Str *out) {
        if (expr->kind == SQL_CAST && !expr->cast.try_cast && type) {
                SqlNames path = expr->cast.type->type.path;
                if (path.count != 1 || expr->cast.type->type.children.count > 0 ||
                    !str_equal_nocase(path.items[0], str_of(type)))
                        return false;
                expr = expr->cast.child;
                if (expr->kind != SQL_CONSTANT || expr->constant.literal != SQL_STRING)
                        return false;
        }
        if (expr->kind != SQL_CONSTANT)
                return false;
        *out_kind = expr->constant.literal;
        *out = expr->constant.text;
        return true;
}

/* Digits with an optional sign and point, as many decimals as the scale holds; nothing else. */
static bool decimal_parse(Str text, int precision, int scale, Int128 *out) {
        bool negative = text.size > 0 && text.data[0] == '-', point = false;
        size_t digits = 0;
        int decimals = 0;
        Int128 value = 0;
        for (size_t i = negative; i < text.size; i++) {
                char c = text.data[i];
                if (c == '.' && !point) {
                        point = true;
                        continue;
                }
                if (c < '0' || c > '9' || digits >= 38 || (point && decimals == scale))
                        return false;
                value = value * 10 + (c - '0');
                digits += value != 0;
                decimals += point;
        }
        for (; decimals < scale; decimals++) {
                if (digits >= 38)
                        return false;
                value *= 10;
                digits += value != 0;
        }
        *out = negative ? -value : value;
        return text.size > negative && digits <= (size_t)precision;
}

/* Fixed digits at an offset, or -1. */
static int digits_at(Str text, size_t at, size_t count) {
        int value = 0;
        if (at + count > text.size)
                return -1;
        for (size_t i = at; i < at + count; i++) {
                if (text.data[i] < '0' || text.data[i] > '9')
                        return -1;
                value = value * 10 + (text.data[i] - '0');
        }
        return value;
}

/* 2026-11-26, in full. */
static bool date_parse(Str text, int32_t *out) {
        int year = digits_at(text, 0, 4), month = digits_at(text, 5, 2), day = digits_at(text, 8, 2);
        if (text.size != 10 || text.data[4] != '-' || text.data[7] != '-' || year < 1 || month < 0 || day < 0 ||
            !civil_valid(year, month, day))
                return false;
        *out = days_from_civil(year, month, day);
        return true;
}

/* A date, or a date and a time 02:13:44 with a blank or T between; fractions are left to the engine. */
static bool timestamp_parse(Str text, int64_t *out) {
        int32_t days;
        if (!date_parse(str_slice(text, 0, 10), &days))
                return false;
        *out = (int64_t)days * 86400 * 1000000;
        if (text.size == 10)
                return true;
        int hour = digits_at(text, 11, 2), minute = digits_at(text, 14, 2), second = digits_at(text, 17, 2);
        if (text.size != 19 || (text.data[10] != ' ' && text.data[10] != 'T') || text.data[13] != ':' ||
            text.data[16] != ':' || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
                return false;
        *out += ((int64_t)hour * 3600 + minute * 60 + second) * 1000000;
        return true;
}

static bool integer_value(const SqlExpr *expr, Type type, Arena *arena, Str *out) {
        SqlLiteral kind;
        Str text;
        int64_t value;
        if (!literal_text(expr, NULL, &kind, &text) || kind != SQL_INTEGER || !str_to_int64(text, &value))
                return false;
        if (type.kind == TYPE_INT && (value < INT32_MIN || value > INT32_MAX))
                return false;
        *out = type.kind == TYPE_INT ? value_int32(arena, (int32_t)value) : value_int64(arena, value);
        return true;
}

static bool decimal_value(const SqlExpr *expr, Type type, Arena *arena, Str *out) {
        SqlLiteral kind;
        Str text;
        Int128 value;
        if (!literal_text(expr, NULL, &kind, &text) || (kind != SQL_INTEGER && kind != SQL_NUMERIC) ||
            !decimal_parse(text, type.precision, type.scale, &value))
                return false;
        *out = value_decimal(arena, value);
        return true;
}

static bool text_value(const SqlExpr *expr, Arena *arena UNUSED, Str *out) {
        SqlLiteral kind;
        return literal_text(expr, NULL, &kind, out) && kind == SQL_STRING;
}

static bool date_value(const SqlExpr *expr, Arena *arena, Str *out) {
        SqlLiteral kind;
        Str text;
        int32_t days;
        if (!literal_text(expr, "date", &kind, &text) || kind != SQL_STRING || !date_parse(text, &days))
                return false;
        *out = value_int32(arena, days);
        return true;
}

static bool timestamp_value(const SqlExpr *expr, Arena *arena, Str *out) {
        SqlLiteral kind;
        Str text;
        int64_t us;
        if (!literal_text(expr, "timestamp", &kind, &text) || kind != SQL_STRING || !timestamp_parse(text, &us))
                return false;
        *out = value_int64(arena, us);
        return true;
}

static bool boolean_value(const SqlExpr *expr, Arena *arena, Str *out) {
        SqlLiteral kind;
        Str text;
        if (!literal_text(expr, NULL, &kind, &text) || kind != SQL_BOOLEAN)
                return false;
        *out = arena_str(arena, str_is(text, "true") ? (Str){ "\1", 1 } : (Str){ "\0", 1 });
        return true;
}

static bool literal_value(const SqlExpr *expr, Type type, Arena *arena, Str *out) {
        switch (type.kind) {
        case TYPE_INT:
        case TYPE_BIGINT:
                return integer_value(expr, type, arena, out);
        case TYPE_DECIMAL:
                return decimal_value(expr, type, arena, out);
        case TYPE_TEXT:
                return text_value(expr, arena, out);
        case TYPE_DATE:
                return date_value(expr, arena, out);
        case TYPE_TIMESTAMP:
                return timestamp_value(expr, arena, out);
        case TYPE_BOOLEAN:
                return boolean_value(expr, arena, out);
        case TYPE_FLOAT:
        case TYPE_DOUBLE:
        case TYPE_TIME:
        case TYPE_TIMESTAMPTZ:
        case TYPE_UUID:
        case TYPE_BINARY:
        case TYPE_LIST:
        case TYPE_STRUCT:
        case TYPE_MAP:
                return false;
        }
        return false;
}

/* ---- conditions ---- */

static Predicate predicate_of(int field_id, PredicateKind kind, Str *values, size_t count) {
        return (Predicate){ .field_id = field_id, .kind = kind, .values = values, .value_count = count };
}

static size_t from_comparison(const SqlExpr *expr, int field_id, Type type, Arena *arena, Predicate *out) {
        static const int kinds[][2] = {
                /* as written; with the literal on the left */
                [SQL_EQUAL] = { PREDICATE_EQ, PREDICATE_EQ },   [SQL_NOT_EQUAL] = { PREDICATE_NE, PREDICATE_NE },
                [SQL_LESS] = { PREDICATE_LT, PREDICATE_GT },    [SQL_LESS_EQUAL] = { PREDICATE_LE, PREDICATE_GE },
                [SQL_GREATER] = { PREDICATE_GT, PREDICATE_LT }, [SQL_GREATER_EQUAL] = { PREDICATE_GE, PREDICATE_LE },
        };
        if (expr->compare.op >= COUNT_OF(kinds))
                return 0;
        bool turned = !is_column(expr->compare.left);
        Str *value = ARENA_NEW(arena, Str);
        if (!literal_value(turned ? expr->compare.left : expr->compare.right, type, arena, value))
                return 0;
        *out = predicate_of(field_id, (PredicateKind)kinds[expr->compare.op][turned], value, 1);
        return 1;
}

static size_t from_between(const SqlExpr *expr, int field_id, Type type, Arena *arena, Predicate *out) {
        Str *values = ARENA_ARRAY(arena, Str, 2);
        if (!literal_value(expr->between.lower, type, arena, &values[0]) ||
            !literal_value(expr->between.upper, type, arena, &values[1]))
                return 0;
        out[0] = predicate_of(field_id, PREDICATE_GE, &values[0], 1);
        out[1] = predicate_of(field_id, PREDICATE_LE, &values[1], 1);
        return 2;
}

static size_t from_in(const SqlExpr *expr, int field_id, Type type, Arena *arena, Predicate *out) {
        size_t count = expr->op.children.count - 1;
        Str *values = ARENA_ARRAY(arena, Str, count);
        for (size_t i = 0; i < count; i++)
                if (!literal_value(expr->op.children.items[i + 1], type, arena, &values[i]))
                        return 0;
        *out = predicate_of(field_id, PREDICATE_IN, values, count);
        return 1;
}

size_t predicate_make(const SqlExpr *expr, int field_id, Type type, Arena *arena, Predicate out[2]) {
        if (expr->kind == SQL_COMPARISON)
                return from_comparison(expr, field_id, type, arena, out);
        if (expr->kind == SQL_BETWEEN)
                return from_between(expr, field_id, type, arena, out);
        if (expr->op.op == SQL_OP_IN)
                return from_in(expr, field_id, type, arena, out);
        out[0] = predicate_of(field_id, expr->op.op == SQL_OP_IS_NULL ? PREDICATE_IS_NULL : PREDICATE_IS_NOT_NULL, NULL,
                              0);
        return 1;
}
