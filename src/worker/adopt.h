/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A Parquet delivery whose pages may stay as they are (parquet/adopt.h): which columns of the table it has, and the values of
 * its batches, which were read and typed before and all fit.
 */
#include "engine/stage_message.h"
#include "frame/reader.h"
#include "parquet/adopt.h"

/* places: of each column its field, or NO_FIELD; each that has one is there in its very type. False: not this file, which
 * lacks a column, or stores one in another way. */
bool adopt_start(ParquetAdoption *adoption, const RecordReader *reader, const StageSpec *spec, const size_t *places, Arena *arena);
/* The batch that was read last. False: the file is better written anew. */
bool adopt_batch(ParquetAdoption *adoption, const RecordReader *reader, const StageSpec *spec, const size_t *places, Arena *batch_arena);
