/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What sniffing the different formats shares. Everything lies in the caller's arena. */
#include "frame/sniff.h"

/* What a format says of a column's values, beside their text. */
typedef enum FieldKind {
        FIELD_ANY,    /* nothing: the text alone tells */
        FIELD_TEXTS,  /* texts: digits in them are no numbers */
        FIELD_MIXED,  /* texts, numbers and more in one column */
        FIELD_NESTED, /* lists or objects */
} FieldKind;

/* A column that a reader cut already. */
typedef struct CutColumn {
        Str name, key;
        StrList fields; /* as they stand */
        int64_t absent; /* records without it, which are not among the fields */
        FieldKind kind;
} CutColumn;

/* Types, patterns of dates, words for NULL, and doubts, added to what `out` holds already. */
void sniff_columns(const CutColumn *columns, size_t count, Arena *arena, Sniffed *out);

void sniffed_doubt(Arena *arena, Sniffed *out, Str column, Str what, Str assumed);

/* False where the text does not look like fixed width. */
bool sniff_fixed(Str text, bool whole, Arena *arena, Sniffed *out);

/* `{` and `[` followed by what only JSON has there. */
bool sniff_is_json(Str text, bool whole);
/* text: decoded, without a byte order mark; whole: it is all of the file. HELD where there are no records. */
Status sniff_json(Str text, bool whole, Arena *arena, Sniffed *out, Error *err);
