/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The buffers of a ParquetColumn: made, emptied, and what was appended last taken back. Internal to this room. */
#include "parquet/writer.h"

/* Room for what one row group needs; nothing of it is touched before it is used. width and kind are set. */
void parquet_column_prepare(ParquetColumn *column, uint32_t group_rows);
void parquet_column_clear(ParquetColumn *column); /* for the next row group */
/* The newest value or null; only one, since the rest is not remembered. */
void parquet_column_take_back(ParquetColumn *column);
void parquet_column_deinit(ParquetColumn *column);
