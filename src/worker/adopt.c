/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/adopt.h"

#include "frame/parquet_reader.h"
#include "worker/fields.h"

bool adopt_start(ParquetAdoption *adoption, const RecordReader *reader, const StageSpec *spec, const size_t *places, Arena *arena) {
        ParquetReading file;
        if (!parquet_reading(reader, &file))
                return false;
        ParquetAdopted *columns = ARENA_ARRAY(arena, ParquetAdopted, spec->column_count);
        for (size_t i = 0; i < spec->column_count; i++) {
                ParquetFieldReading field;
                if (places[i] == NO_FIELD) /* all files of a table have all that it had from the start (govern/guard.c) */
                        return false;
                if (!parquet_field_reading(reader, places[i], &field) || !parquet_can_adopt(field.node, spec->columns[i].type))
                        return false;
                columns[i] = (ParquetAdopted){ spec->columns[i].name, spec->columns[i].type, spec->columns[i].field_id, field.node };
        }
        return parquet_adoption_start(adoption, file.footer, columns, spec->column_count);
}

bool adopt_batch(ParquetAdoption *adoption, const RecordReader *reader, const StageSpec *spec, const size_t *places, Arena *batch_arena) {
        const ParquetChunkSeen **seen = ARENA_ARRAY(batch_arena, const ParquetChunkSeen *, spec->column_count);
        for (size_t i = 0; i < spec->column_count; i++) {
                ParquetFieldReading field;
                if (!parquet_field_reading(reader, places[i], &field) || parquet_is_odd(field.seen) || !parquet_adoption_values(adoption, i, field.values))
                        return false;
                seen[i] = field.seen;
        }
        ParquetReading file;
        return parquet_reading(reader, &file) && (!file.group_ends || parquet_adoption_group(adoption, file.group, seen));
}
