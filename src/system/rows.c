/* SPDX-License-Identifier: Apache-2.0 */
#include "system/rows.h"

#include "base/vec.h"

SystemColumn *system_columns(Arena *arena, const char *text, size_t *out_count) {
        VEC(SystemColumn) columns = { 0 };
        Str one, rest = str_of(text);
        while (rest.size > 0) {
                SystemColumn column = { 0 };
                str_cut(rest, ',', &one, &rest);
                str_cut(one, ' ', &column.name, &column.type);
                column.not_null = str_ends_with(column.type, STR("!"));
                column.type.size -= column.not_null;
                vec_push(arena, &columns, column);
        }
        *out_count = columns.count;
        return columns.items;
}

Type system_stored_type(const SystemColumn *column) {
        switch (pg15_storage(column->type)->stored) {
        case 'b':
                return (Type){ .kind = TYPE_BOOLEAN };
        case 'i':
                return (Type){ .kind = TYPE_INT };
        case 'l':
                return (Type){ .kind = TYPE_BIGINT };
        case 'f':
                return (Type){ .kind = TYPE_FLOAT };
        case 'd':
                return (Type){ .kind = TYPE_DOUBLE };
        case 'z':
                return (Type){ .kind = TYPE_TIMESTAMPTZ };
        }
        return (Type){ .kind = TYPE_TEXT };
}

void row_file_free(RowFile *file) {
        parquet_writer_free(file->writer);
        arena_deinit(&file->arena);
        *file = (RowFile){ 0 };
}

Status row_file_start(RowFile *file, int fd, const SystemColumn *columns, size_t column_count, Error *err) {
        file->columns = columns;
        file->column_count = column_count;
        file->rows = 0;
        file->carried = NULL;
        if (!file->writer)
                file->writer = parquet_writer_new();
        ParquetColumnSpec *specs = ARENA_ARRAY(&file->arena, ParquetColumnSpec, column_count);
        for (size_t i = 0; i < column_count; i++)
                specs[i] = (ParquetColumnSpec){ columns[i].name, system_stored_type(&columns[i]), (int)i + 1 };
        return parquet_writer_start(file->writer, fd, specs, column_count, NULL, err);
}

static bool put_cell(ParquetColumn *column, TypeKind stored, const Cell *cell) {
        if (cell->kind == CELL_NOTHING || (cell->kind == CELL_TEXT && !cell->text.data)) {
                parquet_column_null(column);
        } else if (stored == TYPE_TEXT && cell->kind == CELL_TEXT) {
                parquet_column_bytes(column, cell->text.data, cell->text.size);
        } else if (stored == TYPE_BOOLEAN && cell->kind == CELL_BOOL) {
                parquet_column_bool(column, cell->number != 0);
        } else if (stored == TYPE_INT && cell->kind == CELL_NUMBER) {
                parquet_column_int32(column, (int32_t)cell->number);
        } else if ((stored == TYPE_BIGINT || stored == TYPE_TIMESTAMPTZ) && cell->kind == CELL_NUMBER) {
                parquet_column_int64(column, cell->number);
        } else if (stored == TYPE_FLOAT && cell->kind == CELL_REAL) {
                parquet_column_float(column, (float)cell->real);
        } else if (stored == TYPE_DOUBLE && cell->kind == CELL_REAL) {
                parquet_column_double(column, cell->real);
        } else {
                return false;
        }
        return true;
}

Status row_add(RowFile *file, const Cell *cells, size_t count, Error *err) {
        if (count != file->column_count)
                return error_set(err, STATUS_INTERNAL, "a system row has %zu cells, %zu wanted (first column %.*s)", count,
                                 file->column_count, STR_ARG(file->columns[0].name));
        static const Cell nothing = { 0 };
        for (size_t i = 0; i < count; i++)
                if (!put_cell(parquet_column(file->writer, i), system_stored_type(&file->columns[i]).kind,
                              !file->carried || file->carried[i] ? &cells[i] : &nothing))
                        return error_set(err, STATUS_INTERNAL, "a system row's cell is not of the type of %.*s",
                                         STR_ARG(file->columns[i].name));
        file->rows++;
        return parquet_row_end(file->writer, err);
}

static Cell cell_of_text(TypeKind stored, Str field) {
        int64_t number = 0;
        if (!field.data)
                return NOTHING;
        switch (stored) {
        case TYPE_BOOLEAN:
                return BOOL(field.data[0] == 't');
        case TYPE_INT:
        case TYPE_BIGINT:
                str_to_int64(field, &number);
                return NUMBER(number);
        case TYPE_FLOAT:
        case TYPE_DOUBLE:
                return REAL(strtod(field.data, NULL)); /* ends at the tab behind */
        default:
                return TEXT(field);
        }
}

Status row_add_text(RowFile *file, const char *row, Error *err) {
        Str field, rest = str_of(row);
        for (size_t i = 0; i < file->column_count; i++) {
                str_cut(rest, '\t', &field, &rest);
                TypeKind stored = system_stored_type(&file->columns[i]).kind;
                Cell cell = str_is(field, "\\N") ? NOTHING : cell_of_text(stored, field);
                put_cell(parquet_column(file->writer, i), stored, &cell);
        }
        file->rows++;
        return parquet_row_end(file->writer, err);
}

Status row_file_finish(RowFile *file, Error *err) {
        FileStatistics unused;
        return parquet_writer_finish(file->writer, &file->arena, &unused, err);
}
