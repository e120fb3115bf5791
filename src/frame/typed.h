/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * TypedBatch: records of a file that says its columns' types, as columns of values. The readers of such formats fill it;
 * whoever wants a record's text gets it written from the values, in the canonical form that typing reads back to them.
 *
 *      typed_start_file(&batch, columns, count);
 *      typed_start_batch(&batch);
 *      typed_row(&batch), once per record; all its values are NULL. Set those that are not: values.int64s[row], nulls[row].
 *      typed_wrong(&batch, column, rule, text) for a value of the last row that its type cannot hold: a bad record.
 *      typed_finish(&batch, text_too, &out, &end);
 *
 * Values are what typing makes of text (typing.h): texts are UTF-8 without NUL, dates and times lie within the years 1 to
 * 9999. A record has no place in the bytes of such a file: its line is its ordinal, its offset the ordinal from 0, its
 * length 0; its raw text is its fields with commas between them. Memory is its own, but for the texts' bytes.
 */
#include "base/vec.h"
#include "frame/batch.h"
#include "frame/typing.h"

typedef struct TypedColumn {
        Str key; /* as JSON's: keys with dots between them */
        Type type;
        Vector values;
        const char *doubt, *assumed; /* what whoever adds a source should be told; NULL: nothing */
} TypedColumn;

typedef struct TypedWrong {
        uint32_t row, column;
        Rule rule;
        Str text; /* what stands there, exactly */
} TypedWrong;

typedef struct TypedBatch {
        TypedColumn *columns;
        size_t width, column_room;
        size_t rows, row_max; /* row_max: so many make a full batch */
        VEC(TypedWrong) wrong; /* in order of row */
        Arena arena; /* of one batch */
        Buf text;
        uint32_t *starts, *ends;
        int64_t *records;
        RecordOrigin *origins;
        size_t row_room, cell_room;
        BadRecord *bad;
        size_t bad_count;
        RecordCounts counts; /* of the file */
} TypedBatch;

void typed_deinit(TypedBatch *batch);
/* Copies keys and types; keys must live as long as the file is read. */
void typed_start_file(TypedBatch *batch, const TypedColumn *columns, size_t count);
void typed_start_batch(TypedBatch *batch);
/* Room for so many rows in all. */
void typed_reserve(TypedBatch *batch, size_t rows);
/* Its index. */
size_t typed_row(TypedBatch *batch);
/* So many rows more, filled column by column: nothing is set to NULL. */
void typed_rows(TypedBatch *batch, size_t count);
/* text is copied. */
void typed_wrong(TypedBatch *batch, size_t row, size_t column, Rule rule, Str text);
/* Also gives the records their ordinals. Without `text`, typed_text() does that later. LIMIT: the text is over 2 GB. */
Status typed_finish(TypedBatch *batch, bool text, RecordBatch *out, bool *out_end, Error *err);
Status typed_text(TypedBatch *batch, RecordBatch *out, Error *err);

/* What a type can hold of numbers in a file. RULE_NONE, or the rule that is broken. */
Rule typed_date(int64_t days, Vector *out, size_t row);
Rule typed_moment(int64_t value, int64_t per_second, Vector *out, size_t row); /* since 1970; per second: 1000, 10^6, 10^9 */
Rule typed_time(int64_t value, int64_t per_second, Vector *out, size_t row);   /* since midnight */
/* Big-endian two's complement of any length. */
Rule typed_decimal(Str bytes, Type type, Vector *out, size_t row);
Rule typed_int128(Int128 unscaled, Type type, Vector *out, size_t row);
Rule typed_text_value(Str text, size_t limit, Vector *out, size_t row);

/* The same numbers as text, whatever they are; in the arena. */
Str typed_print_moment(Arena *arena, int64_t value, int64_t per_second, bool utc);
Str typed_print_time(Arena *arena, int64_t value, int64_t per_second);
Str typed_print_decimal(Arena *arena, Str bytes, int scale);
Str typed_print_binary(Arena *arena, Str bytes); /* \x00ff */
Str typed_print(Arena *arena, Type type, const Vector *values, size_t row); /* not NULL */

/* A signed count of so many in a second, as ISO 8601, exactly: PT1H30M, -PT0.5S. */
Str typed_print_duration(Arena *arena, int64_t value, int64_t per_second);
Str typed_print_interval(Arena *arena, Str bytes);   /* 12 bytes: months, days, milliseconds; as ISO 8601 */

/* As JSON: numbers and booleans bare, NaN and all else in quotes; null. */
void typed_put_json(Buf *out, Arena *arena, Type type, const Vector *values, size_t row);
void typed_put_json_text(Buf *out, Str text);

/* Whether a column of bytes is to be read as text: ReaderOptions name it, by its key or by the name that this gives. */
bool typed_is_text(StrList texts, Str key);

/* Whether what a file has as `from` can be read as `to` value by value. has_zone: a column says of which zone it is. */
bool typed_fits(Type from, Type to, bool has_zone);
