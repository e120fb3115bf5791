/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Trace: from rows back to the bytes that made them. A staged row carries its delivery and ordinal, and so does a table
 * whose model keeps the rows of one. Other models are followed through their own SQL, as that commit has it: views of the
 * zone down to the table below them, and a model that groups by keys to the records that went into its groups (of the
 * tables as they are at that commit, which may be newer than the model). The landed file is framed again by a worker, as
 * its source's text says, up to the records asked for.
 */
#include "engine/locate_message.h"
#include "intake/fixes.h"
#include "model/workspace.h"

typedef struct TraceSpec {
        Workspace *workspace;
        CatalogAt at;
        Str table;   /* zone.stage.name */
        Str where;   /* SQL over its columns */
        Str column;  /* or empty */
        int64_t limit;
} TraceSpec;

typedef struct TracedRow {
        Str table;
        Str key;       /* what names the row: its key's columns, or the column asked for: "client_no=K1001" */
        int64_t delivery, record;
        Str name;      /* of the delivery */
        int64_t line;  /* from 1 */
        uint64_t offset, length;
        Str raw;               /* what landed, also where somebody corrected it */
        Str sheet, cell; /* of a workbook, in the place of offset and length; else empty */
        const RecordFix *fix;  /* ... or NULL */
} TracedRow;

typedef struct TraceReport {
        TracedRow *items;
        size_t count;
        bool more;    /* than the limit */
        bool grouped; /* the table's rows are each of many of these */
} TraceReport;

/* NO_TABLE; SQL_REFUSED for a model whose rows cannot be followed (it unites, unnests ...), saying why. */
Status trace_rows(const TraceSpec *spec, Arena *arena, TraceReport *out, Error *err);
