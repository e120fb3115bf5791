/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The staging and sniffing jobs between lode and lode-worker, as bytes. Both ends use these; lode trusts nothing that
 * comes back: reading checks every count and size and copies into the arena. Descriptors travel beside the message.
 *
 *   STAGE   spec + descriptors (in, data, quarantine)  ->  StageResult   or an Error (HELD: the file is at fault)
 *   SNIFF   spec + descriptor (in)                     ->  SniffResult
 *
 * Errors travel as base/reason.h has them; these are the bodies of success.
 */
#include "base/value.h"
#include "frame/misfit.h"
#include "frame/remark.h"

/* Field ids of a quarantine file's columns, in its order. _file bigint, record bigint, line bigint, offset bigint,
 * length bigint, column text, rule text, message text, raw text, sheet text, cell text, state text. Of a workbook offset and length
 * are NULL, of all else sheet and cell. */
#define QUARANTINE_TABLE(X)                                                                            \
        X(FILE, 1, "_file", BIGINT) X(RECORD, 2, "record", BIGINT) X(LINE, 3, "line", BIGINT)          \
        X(OFFSET, 4, "offset", BIGINT) X(LENGTH, 5, "length", BIGINT) X(COLUMN, 6, "column", TEXT)     \
        X(RULE, 7, "rule", TEXT) X(MESSAGE, 8, "message", TEXT) X(RAW, 9, "raw", TEXT)                 \
        X(SHEET, 10, "sheet", TEXT) X(CELL, 11, "cell", TEXT) X(STATE, 12, "state", TEXT)

/*
 * A record that somebody corrected or gave up, however it is read now. It is known by where it begins and what stands
 * there, so that it is still the same record when the source's text cuts records otherwise.
 */
typedef struct StageFix {
        uint64_t offset;   /* of its first byte; rising from fix to fix */
        uint64_t raw_hash; /* hash64_stable() of its text as the quarantine shows it */
        bool drop;         /* it goes nowhere, and is counted among the skipped */
        bool whole;        /* `text` takes the place of the record; else each value that of its column's field */
        Str text;
        StrList columns, values; /* an empty value is NULL */
        Str column, rule, message; /* why it was in quarantine */
} StageFix;

#define STAGE_FIXES_MAX 20000 /* of one delivery */

/* Of a row of a data file that has such a column: NULL of a row that fits. Else the record of that `_row` is in quarantine, and
 * all that is known of it is its key, or not even that. */
typedef enum StageWitness { WITNESS_KEY = 1, WITNESS_ANY = 2 } StageWitness;

typedef struct StageSpec {
        Format format;
        SourceColumn *columns; /* in the order of the staged table */
        size_t column_count;
        StrList ignore;        /* header names that are read, counted and not kept */
        int raw_field_id;      /* not 0: the records as they landed, with their raw text in a column of that id; malformed ones too */
        StageFix *fixes;
        size_t fix_count;
        int64_t file_id;       /* the value of _file */
        int file_field_id, row_field_id;
        int extra_field_id;    /* of `_extra`, for what no column takes (worker/rescue.h); 0 = that is not kept */
        int witness_field_id;  /* not 0: in a column of that id a StageWitness, and of records that do not fit rows with their keys */
        size_t *keys;          /* of the columns; with witness_field_id */
        size_t key_count;
        uint32_t threads;      /* 0 or 1: all on one */
        uint64_t input_limit;  /* decoded bytes; 0 = none. Beyond it: HELD (a compression bomb) */
} StageSpec;

#define STAGE_EXAMPLE_MAX 256 /* bytes of a text out of the delivery in a result */

/* How often one rule struck one column, with its first record as example. */
typedef struct StageRule {
        Rule rule;
        size_t place; /* of the column in the spec, from 1; 0: about whole records */
        int64_t count;
        int64_t record, line;
        Str text;     /* the field or the beginning of the record */
        Str field;    /* as the sentence shows it */
        Str path;     /* inside a nested column */
        int64_t width, wanted; /* see frame/misfit.h */
        Str column, message;   /* made by whoever reads the result: never sent */
} StageRule;

/* Values of a column that fit and yet want a look: how many, in whatever records, and the first. */
typedef struct StageRemark {
        Remark remark;
        size_t place; /* of the column in the spec, from 0 */
        int64_t count;
        Str text;
        Str column; /* made by whoever reads the result: never sent */
} StageRemark;

/* A column that the header has and the spec does not know: what its texts would fit. */
typedef struct StageUnknown {
        Str name;
        size_t place; /* of a key that the spec's nested column lacks: which column, from 1; 0: a whole column */
        Str path;     /* ... and the key's path in it (frame/nested.h); its name is for people then */
        Type type;
        int64_t nulls;
        Str example;
} StageUnknown;

typedef struct StageResult {
        int64_t records, accepted, quarantined, skipped; /* records = accepted + quarantined + skipped */
        int64_t headers, blanks, comments, preamble, footers, dropped; /* what was skipped */
        int64_t full, full_line;   /* of it: comments and footers as full as records, and the line of the first */
        int64_t fixed;             /* of the accepted: those that fit because somebody corrected them */
        int64_t witnesses;         /* rows of the data file beyond the accepted: of what is quarantined */
        int64_t keyless;           /* of the quarantined: those whose key cannot be read; one row stands for all. With witness_field_id */
        int64_t unmet;             /* fixes for which there is no such record any more */
        int64_t bytes;             /* of the delivery after decompression */
        FileStatistics data;       /* data.rows == 0: nothing was written to the data descriptor */
        FileStatistics quarantine; /* the same: what is quarantined, and what would be but for a fix */
        StageRule *rules;          /* most frequent first */
        size_t rule_count;
        StageRemark *remarks;
        size_t remark_count;
        StrList keys;              /* where records have keys: the paths that gave the names of `header` */
        StrList header;            /* names as names_of_header() gives them; column_N without a header */
        StageUnknown *unknown;     /* nothing of these is in the data file */
        size_t unknown_count;
        StrList missing;           /* columns of the spec that this file lacks; they are NULL in every row */
} StageResult;

typedef struct SniffSpec {
        Str name;              /* of the file, for messages only */
        uint64_t sample_bytes; /* decoded bytes to look at; 0 = 8 MiB */
        uint64_t input_limit;  /* as in StageSpec */
        uint32_t sheet;        /* of a workbook, from 0 */
} SniffSpec;

/* A sheet of the workbook that the file is. */
typedef struct SniffSheet {
        Str name;
        bool hidden;
} SniffSheet;

typedef struct SniffColumn {
        SourceColumn column; /* name, from, type */
        int64_t nulls;       /* in the sample */
        Str example;
        StrList reads;           /* the patterns that read its dates and timestamps; none = ISO alone */
        char decimal, thousands; /* how its numbers are read where that matters; 0 = it does not, none */
        bool unsure;             /* its dates or numbers can be read in two ways, and nothing in the file tells which */
} SniffColumn;

typedef struct Doubt {
        Str column; /* empty: about the file */
        Str what, assumed;
} Doubt;

#define SNIFF_PREVIEW_ROWS 5

typedef struct SniffResult {
        Format format;
        SniffColumn *columns;
        size_t column_count;
        Doubt *doubts;
        size_t doubt_count;
        Str *preview; /* preview_count rows of column_count values as text; data == NULL is NULL */
        size_t preview_count;
        int64_t records; /* of the whole file, or of the sample if whole is false; the four are counted as StageResult's */
        int64_t accepted, quarantined, skipped;
        bool whole;
        bool ascii;         /* text without a character beyond ASCII: most encodings read it alike */
        SniffSheet *sheets; /* of a workbook; else none */
        size_t sheet_count;
} SniffResult;

void stage_spec_write(Buf *out, const StageSpec *spec);
Status stage_spec_read(Str bytes, Arena *arena, StageSpec *out, Error *err);
void stage_result_write(Buf *out, const StageResult *result);
/* spec is what was asked: the columns' names are its own, and sentences are made here. */
Status stage_result_read(Str bytes, const StageSpec *spec, Arena *arena, StageResult *out, Error *err);
void sniff_spec_write(Buf *out, const SniffSpec *spec);
Status sniff_spec_read(Str bytes, Arena *arena, SniffSpec *out, Error *err);
void sniff_result_write(Buf *out, const SniffResult *result);
Status sniff_result_read(Str bytes, Arena *arena, SniffResult *out, Error *err);
