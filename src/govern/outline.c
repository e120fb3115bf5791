/* SPDX-License-Identifier: Apache-2.0 */
#include "govern/outline.h"

#include "base/file.h"
#include "base/hash.h"
#include "parquet/writer.h"

int64_t outline_rows(int64_t rows, bool strict) {
        int64_t told = 1;
        while (told < rows && told <= INT64_MAX >> 8)
                told <<= strict ? 8 : 2;
        return told;
}

/* Which we do not write. */
static bool has_map(Type type) {
        bool found = type.kind == TYPE_MAP;
        for (size_t i = 0; i < type.field_count; i++)
                found |= has_map(type.fields[i].type);
        return found;
}

static uint64_t name_of(const ParquetColumnSpec *columns, size_t count, int64_t rows, Arena *arena) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        buf_printf(&text, "outline %lld", (long long)rows);
        for (size_t i = 0; i < count; i++) {
                Str type = type_print_duckdb(arena, columns[i].type);
                buf_printf(&text, "\n%zu %.*s %.*s", columns[i].name.size, STR_ARG(columns[i].name), STR_ARG(type));
        }
        return hash64(buf_view(&text));
}

static Status write_outline(int fd, const ParquetColumnSpec *columns, size_t count, int64_t rows, Arena *arena, Error *err) {
        CLEANUP(parquet_writer_freep) ParquetWriter *writer = parquet_writer_new();
        ParquetOptions options = { .name = "outline", .group_rows = 8, .told_rows = rows };
        FileStatistics unused;
        TRY(parquet_writer_start(writer, fd, columns, count, &options, err));
        return parquet_writer_finish(writer, arena, &unused, err);
}

Status outline_grant(Worker *worker, const Relation *relation, const bool *wanted, int64_t rows, Arena *arena, Str *out, Error *err) {
        ParquetColumnSpec *columns = ARENA_ARRAY(arena, ParquetColumnSpec, relation->column_count);
        size_t count = 0;
        *out = STR_NONE;
        for (size_t i = 0; i < relation->column_count; i++) {
                const RelationColumn *column = &relation->columns[i];
                if (wanted[i] && has_map(column->type))
                        return STATUS_OK;
                if (wanted[i])
                        columns[count++] = (ParquetColumnSpec){ column->name, column->type, column->field_id };
        }
        if (count == 0)
                return STATUS_OK;
        CLEANUP(close_fdp) int fd = -1;
        const char *path;
        TRY(worker_named_file(worker, name_of(columns, count, rows, arena), arena, &fd, &path, err));
        if (fd >= 0)
                TRY(write_outline(fd, columns, count, rows, arena, err));
        *out = str_of(path);
        return STATUS_OK;
}
