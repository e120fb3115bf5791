/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Parquet files as records with types. The file's schema says the columns:
 *
 *   groups inside each other    columns, with a path as JSON's keys have (json_tree.h)
 *   lists, maps                 JSON text
 *   unsigned of 64 bits         decimal(20,0)
 *   INT96                       timestamp
 *   decimals of any form        decimal, of at most 38 digits
 *   nanoseconds                 microseconds, where nothing is lost
 *
 * A value that its type cannot hold makes its record bad. What is damaged, encrypted or packed in a way that is not read
 * makes the file HELD. The number of records is the footer's.
 */
#include "frame/reader.h"
#include "parquet/leaf.h"

#define PARQUET_FILE_MAGIC STR("PAR1")
#define PARQUET_FILE_MAGIC_ENCRYPTED STR("PARE")

extern const ReaderKind parquet_kind;

/*
 * For whoever takes pages as they are (parquet/adopt.h), of a file that was begun. All is borrowed until the next one, values
 * until the next batch.
 */
typedef struct ParquetReading {
        const ParquetFooter *footer;
        size_t group;    /* of the last batch */
        bool group_ends; /* with the last batch */
} ParquetReading;

typedef struct ParquetFieldReading {
        const ParquetNode *node;
        const ParquetValues *values;  /* of the last batch, bad records included */
        const ParquetChunkSeen *seen; /* of the group so far */
} ParquetFieldReading;

/* False for a file of another format. */
bool parquet_reading(const RecordReader *reader, ParquetReading *out);
/* False for a field that is made of more than one column of the file. */
bool parquet_field_reading(const RecordReader *reader, size_t field, ParquetFieldReading *out);
