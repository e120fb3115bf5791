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

#define PARQUET_FILE_MAGIC STR("PAR1")
#define PARQUET_FILE_MAGIC_ENCRYPTED STR("PARE")

extern const ReaderKind parquet_kind;
