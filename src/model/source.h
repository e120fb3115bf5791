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
#include "engine/stage_message.h"
#include "frame/format.h"
#include "intake/feed.h"
#include "model/problems.h"

typedef enum SourceLoad { LOAD_APPEND, LOAD_REPLACE, LOAD_MERGE, LOAD_HISTORY } SourceLoad;
typedef enum SourceEvolve { EVOLVE_COLUMNS, EVOLVE_FREEZE, EVOLVE_RESCUE, EVOLVE_WIDEN } SourceEvolve;
typedef enum SourceRedelivery { REDELIVERY_REJECT, REDELIVERY_REPLACE, REDELIVERY_APPEND } SourceRedelivery;

/* What the text says of a column beyond frame's SourceColumn; parallel to `columns`. */
typedef struct ColumnText {
        bool unique, at; /* at: `from` is a place, for fixed width */
        Str *tags;
        size_t tag_count;
        Str note;         /* printed behind the column as a comment; never parsed */
        int line, column; /* place of the name in the file, from 1 */
} ColumnText;

/* More quarantined than this holds the delivery. */
typedef struct Tolerate {
        bool set;
        int64_t rows;        /* -1 unless a count was given */
        int64_t per_million; /* -1 unless a percentage was given; 0.1% = 1000 */
} Tolerate;

typedef struct Source {
        Str zone, name;
        const char *path; /* relative to the root */
        Str text;
        Str about;
        Str *from; /* one or more patterns: `ingress/x_*.csv` is this zone's ingress */
        size_t from_count;
        Format format;         /* how bytes become records and fields */
        SourceColumn *columns; /* in file order; field ids and zone files are the caller's to fill */
        ColumnText *column_texts;
        size_t column_count;
        StrList ignore; /* columns read and counted, not kept */
        /* what becomes of deliveries */
        SourceLoad load;
        SourceEvolve evolve;
        SourceRedelivery redelivery;
        bool redelivery_said; /* else it depends on the load: feed_of_source() */
        StrList key, order_by; /* of merge and history */
        FeedGone gone;
        FeedAbsent absent;
        int64_t settle_us;
        Tolerate tolerate;
        int64_t reread_bytes; /* re-reading more than this needs --yes */
        AsOf as_of;
        StrList notes;        /* printed as comments at the top; never parsed */
} Source;

/* A source with every default set and no columns. */
Source *source_new(Arena *arena, Str zone, Str name);
/*
 * From a file's text (the work tree's or the catalog's): never NULL; what is wrong goes to problems. path is how
 * errors name the file.
 */
Source *source_parse(Arena *arena, Str zone, Str name, const char *path, Str text, Problems *problems);
/*
 * What a look at a file gave, as a source for source_print: format and columns are the sniffer's, its doubts are notes
 * behind their columns, or at the top when they are about the file. Borrows nothing from sniffed.
 */
Source *source_of_sniff(Arena *arena, Str zone, Str name, Str from, const SniffResult *sniffed);
/* The file as a person would have written it, for `lode add`: only what differs from the defaults, columns aligned,
 * notes as comments. source_parse of it gives an equal source. Needs no path and no text. */
void source_print(const Source *source, Buf *out);
/* What stands in `is` otherwise than in `was`, of how records are read, as lines of the text joined by commas:
 * `decimal: ","`, `amount: decimal(18,4) required`. The columns of both are the same but for their types. */
Str source_print_change(Arena *arena, const Source *is, const Source *was);
/* Over everything that decides what the landed bytes become: equal = no need to read them again. */
Sha256 source_reading_hash(const Source *source);
/* Whether a pattern of `from` is `ingress/REST`, this zone's own ingress; any other is a path or a URI. */
bool source_is_ingress(Str pattern, Str *out_rest);
const char *source_load_name(SourceLoad load); /* as the text says it */
StrList source_nulls(const Source *source, size_t column); /* the texts that mean NULL in it */
/* Whether `from` must be in quotes, since words of the header could be settings of the column. It has a `from`. */
bool source_from_needs_quotes(const SourceColumn *column);
const SourceColumn *source_column(const Source *source, Str name); /* without regard to case */
