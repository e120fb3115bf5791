/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Source: one feed of files into a zone, as zones/ZONE/sources/NAME.yml says it: where the files are, how their
 * bytes become records, which columns with which types, and what to do with what is new, again or wrong.
 *
 * A Source is plain data in its arena. Text that names something not built yet is an error that says so, never
 * ignored. The keys are one table (source_keys in source.c) that parses and documents.
 */
#include "base/buf.h"
#include "base/hash.h"
#include "base/type.h"
#include "base/yaml.h"
#include "model/problems.h"

typedef enum SourceLoad { LOAD_APPEND, LOAD_REPLACE } SourceLoad;
typedef enum SourceEvolve { EVOLVE_COLUMNS, EVOLVE_FREEZE } SourceEvolve;
typedef enum SourceRedelivery { REDELIVERY_REJECT, REDELIVERY_REPLACE, REDELIVERY_APPEND } SourceRedelivery;

typedef struct SourceColumn {
        Str name;
        Type type;
        bool required, unique;
        Str zone;  /* `timestamp Europe/Copenhagen`: the text is local time there; "" = none */
        Str about;
        Str note;  /* printed behind the column as a comment; never parsed */
        int line, column;
} SourceColumn;

/* More quarantined than this holds the delivery. */
typedef struct Tolerate {
        bool set;
        int64_t rows;          /* -1 unless a count was given */
        int64_t per_million;   /* -1 unless a percentage was given; 0.1% = 1000 */
} Tolerate;

typedef struct Source {
        Str zone, name;
        const char *path; /* relative to the root */
        Str text;
        Str about;
        Str *from;        /* one or more patterns: `ingress/x_*.csv` is this zone's ingress */
        size_t from_count;
        Str format;       /* csv */
        /* how bytes become records and fields */
        Str delimiter;    /* one character */
        Str quote;        /* one character, "" = none */
        bool header;
        int64_t skip;     /* lines before the header */
        Str comment;      /* one character, "" = none */
        Str footer;       /* regular expression on the raw line, "" = none */
        Str encoding;     /* utf-8 */
        Str decimal, thousands; /* one character; thousands "" = none */
        Str *dates;       /* patterns in the letters of `yyyy-MM-dd HH:mm:ss`; none = ISO 8601 */
        size_t date_count;
        Str *nulls;       /* unquoted texts that are NULL beside the empty field */
        size_t null_count;
        SourceColumn *columns; /* in file order */
        size_t column_count;
        Str *ignore;      /* columns read and counted, not kept */
        size_t ignore_count;
        /* what becomes of deliveries */
        SourceLoad load;
        SourceEvolve evolve;
        SourceRedelivery redelivery;
        int64_t settle_us;
        Tolerate tolerate;
        int64_t reread_bytes; /* re-reading more than this needs --yes */
        int64_t record_limit; /* bytes of one record */
        Str as_of;            /* landed */
} Source;

#define SOURCE_RECORD_LIMIT_MAX (64 << 20)
#define SOURCE_COLUMNS_MAX 4096

/* A source with every default set and no columns. */
Source *source_new(Arena *arena, Str zone, Str name);
/*
 * From a file's text (the work tree's or the catalog's): never NULL; what is wrong goes to problems. path is how
 * errors name the file.
 */
Source *source_parse(Arena *arena, Str zone, Str name, const char *path, Str text, Problems *problems);
/* The file as a person would have written it: only what differs from the defaults, columns aligned, notes as
 * comments. source_parse of it gives an equal source. */
void source_print(const Source *source, Buf *out);
/* Over everything that decides what the landed bytes become: equal = no need to read them again. */
Sha256 source_reading_hash(const Source *source);
/* Whether a file's name (relative to the zone's ingress, or as in `from`) is claimed: for one pattern of `from`. */
bool source_is_ingress(Str pattern, Str *out_rest); /* `ingress/REST` */
const SourceColumn *source_column(const Source *source, Str name); /* without regard to case */
