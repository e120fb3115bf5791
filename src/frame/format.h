/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Format: how the bytes of a source are read, and which columns its records have. Plain data in the caller's arena:
 * written by sniffing, read from a source's text, sent to a worker, never changed while a file is read.
 *
 * What the keys mean:
 *   delimiter, quote, escape   one byte each, none equal; quote 0 = quotes are ordinary characters; escape 0 = a quote
 *                              inside a quoted field is doubled (RFC 4180), else escape + any byte is that byte
 *   escapes                    what a backslash means in the fields of a database's dump (frame/escapes.h), inside quotes
 *                              and outside. Then only \N is NULL, and an empty field is an empty text, as if it were in
 *                              quotes; a backslash before a delimiter or a line end makes it part of the field
 *   records                    of a JSON document: the keys that lead to its records, with dots between them; lists on
 *                              the way are entered. See json_tree.h
 *   header                     the first record names the columns; columns are then found by name, else by position
 *   skip                       so many physical lines before the header are a preamble
 *   comment                    records that begin with this text are comments; empty = none
 *   footer                     POSIX extended expression; records whose raw text it matches are skipped; empty = none
 *   nulls                      texts that mean NULL where a field is not quoted, and in every column but text also
 *                              where it is. An unquoted empty field is NULL always; a quoted empty one is '' in text
 *                              and does not fit elsewhere, unless the list holds the empty text. A column may have its
 *                              own in their place
 *   sheets                     of a workbook: names, numbers from 1, or patterns; none = the first that is not hidden
 *   range                      of a workbook: see frame/xlsx_range.h; empty = all of the sheet
 *   decimal, thousands         '.' and none (0) unless said. A thousands character must stand at groups of three; a
 *                              blank is also a no-break or narrow one, an apostrophe also a typographer's. THOUSANDS_INDIAN
 *                              is a comma before the last three digits, and before each two of those in front of them
 *   currency                   texts that may stand before or behind a number, once, and are dropped
 *   percent                    what a number with a % behind it is: 12% as 12 or as 0.12; none = no number
 *   negatives                  how negative numbers are written beside the minus before them: (12) or 12-
 *   dates                      patterns (see below), tried in order, for date and timestamp columns; none = ISO 8601
 *   true_words, false_words    compared without case; none = true/false, t/f, yes/no, y/n, 1/0, on/off
 *
 * In a workbook these say how texts are read; a number or a date that the spreadsheet knows as such needs none of them.
 *
 * Patterns are letters and literal characters: yyyy yy MMM (Jan) MM M dd d HH H hh h (with a) mm ss S (a fraction,
 * one to six digits) a (AM, PM) XXX (Z or +hh:mm); an M, d, H or h takes one or two digits, the doubled ones exactly
 * two. Text in single quotes is literal. A pattern without a time also reads timestamps: date, then a blank or 'T',
 * then an ISO time. yy is 1970 to 2069.
 */
#include "base/buf.h"
#include "base/map.h"
#include "base/type.h"

#define FORMAT_RECORD_LIMIT (16u << 20)     /* bytes of one record unless the source says otherwise */
#define FORMAT_RECORD_LIMIT_MAX (64u << 20) /* what one value of a data file may have */
#define FORMAT_COLUMNS_MAX 4096
#define THOUSANDS_INDIAN 'i' /* 12,34,567.89 */
#define FORMAT_HEADER_MAX (1u << 20) /* bytes of a header */

typedef enum FormatKind { FORMAT_CSV, FORMAT_XLSX, FORMAT_JSON, FORMAT_JSONL, FORMAT_FIXED, FORMAT_AVRO, FORMAT_PARQUET, FORMAT_KIND_COUNT } FormatKind;
typedef enum FormatCompression { FORMAT_COMPRESSION_AUTO, FORMAT_PLAIN } FormatCompression;

typedef enum FormatPercent { PERCENT_NONE, PERCENT_NUMBER, PERCENT_FRACTION } FormatPercent;
typedef enum FormatEscapes { ESCAPES_NONE, ESCAPES_MYSQL, ESCAPES_POSTGRES } FormatEscapes;
typedef enum FormatNegatives { NEGATIVES_MINUS, NEGATIVES_PARENTHESES, NEGATIVES_BEHIND } FormatNegatives;

typedef struct StrList {
        Str *items;
        size_t count;
} StrList;

typedef struct Format {
        FormatKind kind;
        FormatCompression compression; /* auto = by the first bytes */
        Str encoding;                  /* a name that encoding_find() knows; empty = utf-8. A byte order mark says more */
        char delimiter, quote, escape;
        FormatEscapes escapes;
        bool header;
        uint32_t skip;
        Str comment;
        Str footer;
        StrList sheets;
        Str range;
        StrList nulls;
        char decimal, thousands;
        StrList currency;
        FormatPercent percent;
        FormatNegatives negatives;
        StrList dates;
        StrList true_words, false_words;
        Str records;                   /* JSON: the path to the list of records; empty = the whole document */
        uint32_t record_limit;
} Format;

typedef struct SourceColumn {
        Str name; /* in the table */
        Str from; /* its name in the header, as names_of_header() gives it; empty = name. Compared without case. JSON: the
                   * path of its key (frame/json_tree.h). Fixed width: its place (frame/fixed.h) */
        Str was;  /* what it was called before: its field where the header has none of the present name; empty = nothing */
        Type type;
        StrList dates; /* date, time, timestamp: patterns of this column alone; none = the format's */
        Str zone;      /* timestamptz: texts without an offset are local times of this zone; empty = they do not fit */
        Str zone_file; /* that zone's TZif bytes; needed when zone is set */
        bool required; /* NULL does not fit */
        bool has_nulls; /* `nulls` stands in place of the format's; it may be empty: no text of this column is NULL */
        StrList nulls;
        char decimal;  /* of its numbers, in place of the format's, and then without its thousands; 0 = the format's */
        char thousands; /* in place of the format's where has_thousands, or where it has a decimal point of its own */
        bool has_thousands, has_currency;
        StrList currency; /* in place of the format's where has_currency */
        int field_id;
} SourceColumn;

/* What it is called in the file. */
static inline Str source_column_in_file(const SourceColumn *column) {
        return column->from.size > 0 ? column->from : column->name;
}

extern const char *const format_kind_names[FORMAT_KIND_COUNT]; /* as sources write them */

/* Whether files of that kind say their columns' types; and whether fields are found by key. */
bool format_is_typed(FormatKind kind);
bool format_is_keyed(FormatKind kind);

/* CSV as most people write it: comma, double quote, header, '.', ISO dates. */
Format format_default(void);

/* Everything that can be wrong with a format by itself, BAD_VALUE with the words: characters that clash, patterns
 * that do not parse or that read one text as two dates (dd/MM and MM/dd), an expression, an encoding, a limit. */
Status format_check(const Format *format, Error *err);

/* Whether two formats read different parts of one workbook, so that a file may belong to both. */
bool format_shares(const Format *a, const Format *b);

/* The format as it holds for one column, with what the column says for itself. */
Format format_of_column(const Format *format, const SourceColumn *column);

/* Whether what the column says for itself goes together, and with the format: BAD_VALUE with the words. */
Status format_check_column(const Format *format, const SourceColumn *column, Error *err);

/* The part of it about `dates` alone. */
Status format_check_dates(const Format *format, Error *err);

/* One pattern of `dates`, alone: BAD_VALUE with the place in the pattern. */
Status format_check_pattern(Str pattern, Error *err);

/* The character itself; 0: none. */
static inline char thousands_mark(char thousands) {
        return thousands == THOUSANDS_INDIAN ? ',' : thousands;
}

/* As a source writes it: a character, "indian", or nothing. */
Str thousands_name(const char *thousands);

/*
 * The names that a header's fields give to columns: as written, trimmed; an empty one is column_N (from 1); one that
 * equals an earlier one without case gets _2, _3, ...; a name that Lode keeps for itself (_file, _row, _extra,
 * _valid_from, _valid_to) gets _2 as well. fields may be NULL for a file without a header: then all are column_N.
 * renamed (if not NULL) gets true where the name is not simply the trimmed field.
 */
void names_of_header(const Str *fields, size_t count, Arena *arena, Str *out_names, bool *out_renamed);
bool name_is_reserved(Str name);
/* The same for one more name: `taken` (an empty map at first) knows those before it; place is its own, from 1. */
Str name_claim(Map *taken, Arena *arena, Str wanted, size_t place);

/* For messages between lode and its workers; reading checks every size and copies into the arena. */
void format_write(Buf *out, const Format *format);
Status format_read(Cursor *cursor, Arena *arena, Format *out, Error *err);
void source_columns_write(Buf *out, const SourceColumn *columns, size_t count);
Status source_columns_read(Cursor *cursor, Arena *arena, SourceColumn **out, size_t *out_count, Error *err);
void str_list_write(Buf *out, StrList list);
StrList str_list_read(Cursor *cursor, Arena *arena); /* a bad one fails the cursor */
/* With the ids of nested fields; a bad one fails the cursor. */
void type_write(Buf *out, Type type);
Type type_read(Cursor *cursor, Arena *arena);
