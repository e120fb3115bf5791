/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Typing: a field's text to the value of its column's type, exactly or not at all. Nothing is rounded (a double is the
 * nearest to its digits), cut, or guessed; what does not fit names the rule it breaks. Blanks around everything but
 * text do not count. Compiled once per column; reading is done for a whole batch, column by column, straight from the
 * text, and for single fields.
 */
#include "base/value.h"
#include "frame/batch.h"
#include "frame/pattern.h"
#include "frame/remark.h"
#include "frame/zone.h"

/* What all columns of a source share, compiled; borrowed by their Typings. */
typedef struct TypingRules {
        const Format *format;
        Pattern *patterns;
        size_t pattern_count;
        bool empty_is_null;     /* quoted empties too */
        bool own_words;         /* a column's, which mean its texts too: empty ones, and in JSON those in quotes */
        bool words_have_digits; /* a word for NULL may look like a value: -1, 1900-01-01 */
        char decimal, thousands;
        bool dressed; /* a number may have more about it than a sign, a point and commas */
        bool midnight_is_date;           /* a date may come with the time 00:00 */
        const struct TypingRules *cells; /* of workbooks: how bare fields are read, which the spreadsheet typed; or NULL */
} TypingRules;

typedef struct Typing {
        const TypingRules *rules;
        Type type;
        bool required;
        const Zone *zone;
        Remarks *remarks; /* counted where a caller asks, whose they are; or NULL */
} Typing;

typedef struct Nested Nested; /* frame/nested.h */

typedef struct Value {
        union {
                bool boolean;
                int32_t int32; /* int, date */
                int64_t int64; /* bigint, time, timestamp, timestamptz */
                double number;
                Int128 decimal; /* unscaled */
                uint8_t uuid[16];
                Str text;
                const Nested *nested; /* list, struct */
        };
} Value;

/*
 * Values of one column of a batch. Integers lie in int64s whatever their type, as do decimals of up to 18 digits.
 */
typedef struct Vector {
        union {
                int64_t *int64s;
                double *numbers;
                Int128 *decimals;
                uint8_t (*uuids)[16];
                Str *texts; /* into the batch's text, or the arena */
                const Nested **nested; /* in the arena */
        };
        bool *nulls;
        size_t room; /* rows */
} Vector;

typedef struct TypingFailure {
        uint32_t row;
        uint32_t column; /* as the caller numbers them */
        Rule rule;
} TypingFailure;

typedef struct TypingFailures {
        TypingFailure *items;
        size_t count, room;
} TypingFailures;

/* The format was checked. Patterns lie in the arena. */
Status typing_rules_init(TypingRules *rules, const Format *format, Arena *arena, Error *err);
/* BAD_VALUE: a type that text cannot be read into, a zone that is none. */
Status typing_init(Typing *typing, const TypingRules *rules, const SourceColumn *column, Arena *arena, Error *err);

/* One field as it stands, quotes included. *out_null for NULL. */
Rule typing_value(const Typing *typing, Str field, Arena *arena, Value *out, bool *out_null);

/*
 * All rows of field `from` of a batch. `column` is how failures name it; a failed row is NULL in the vector. Unescaped
 * texts lie in the arena, which must live as long as the batch.
 */
void typing_column(const Typing *typing, const RecordBatch *batch, size_t from, size_t column, Arena *arena, Vector *out,
                   TypingFailures *failures);

/* Texts that came as they are, without being read: counts those of which a remark is to be made. */
void typing_look_at_texts(const Typing *typing, const Vector *texts, size_t rows);

/* How a number is written; false if the text is none. */
typedef struct NumberShape {
        bool plain;                           /* no decimal point and no exponent */
        bool plus, padded, grouped, exponent; /* a + before, zeros before, thousands characters inside, an exponent */
        int digits;                           /* significant ones */
        int whole, fraction;                  /* digits before and after the point */
} NumberShape;
bool number_shape(const TypingRules *rules, Str text, NumberShape *out);

void vector_deinit(Vector *vector);
void typing_failures_add(TypingFailures *failures, size_t row, size_t column, Rule rule);
void typing_failures_deinit(TypingFailures *failures);
/* Sorted by row, then column. */
void typing_failures_order(TypingFailures *failures);
/* The same; of each row only the first stays. */
void typing_failures_sort(TypingFailures *failures);

/* A value as people and previews see it: numbers plain, dates ISO, text as it is, lists and structs as JSON. */
Str typing_print(const Typing *typing, Value value, Arena *arena);
bool typing_is_wide(Type type); /* its vector holds Int128 */
