/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/build.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "base/reason.h"
#include "parquet/footer.h"
#include "worker/arrow.h"
#include "worker/rows.h"

bool build_spec_read(Str payload, Arena *arena, BuildSpec *out) {
        Cursor cursor = cursor_of(payload);
        BuildSpec spec = { 0 };
        spec.arrow = cursor_u8(&cursor) != 0;
        spec.select = cursor_str(&cursor);
        spec.field_ids = cursor_str(&cursor);
        spec.column_count = cursor_count(&cursor, 8);
        spec.columns = ARENA_ARRAY(arena, BuildColumn, spec.column_count);
        for (size_t i = 0; i < spec.column_count; i++) {
                spec.columns[i].name = cursor_str(&cursor);
                spec.columns[i].engine_type = cursor_str(&cursor);
        }
        if (cursor.failed || cursor_left(&cursor) > 0 || spec.column_count == 0)
                return false;
        *out = spec;
        return true;
}

/* The casts stand outside of the select, whose own ORDER BY, if any, still decides where rows lie. */
static void append_select(Buf *sql, const BuildSpec *spec) {
        buf_append_cstr(sql, "SELECT ");
        for (size_t i = 0; i < spec->column_count; i++) {
                buf_append_cstr(sql, i ? ", CAST(" : "CAST(");
                buf_append_quoted(sql, spec->columns[i].name, '\"');
                buf_append_cstr(sql, " AS ");
                buf_append(sql, spec->columns[i].engine_type);
                buf_append_cstr(sql, ") AS ");
                buf_append_quoted(sql, spec->columns[i].name, '\"');
        }
        buf_append_cstr(sql, " FROM (");
        buf_append(sql, spec->select);
        buf_append_cstr(sql, "\n)");
}

static Str copy_sql(const BuildSpec *spec, const char *path, Arena *arena) {
        CLEANUP(buf_deinit) Buf sql = { 0 };
        buf_append_cstr(&sql, "COPY (");
        append_select(&sql, spec);
        buf_append_cstr(&sql, ") TO ");
        buf_append_quoted(&sql, str_of(path), '\'');
        buf_append_cstr(&sql,
                        " (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 122880");
        if (spec->field_ids.size > 0)
                buf_printf(&sql, ", FIELD_IDS %.*s", STR_ARG(spec->field_ids));
        buf_append_cstr(&sql, ")");
        return buf_dup(&sql, arena);
}

static bool read_statistics(const char *path, Arena *arena, FileStatistics *out, Failure *failure) {
        Error *err = ARENA_NEW(arena, Error);
        CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                (void)error_reason(err, BUILT_OPEN, reason_errno(errno));
        else if (parquet_file_statistics(fd, "the file just built", arena, out, err) == STATUS_OK)
                return true;
        else if (err->status != STATUS_IO)
                (void)error_reason(err, BUILT_BROKEN);
        *failure = failure_of_error(err);
        return false;
}

static bool build_parquet(Engine *engine, const char *path, const BuildSpec *spec, Arena *arena, FileStatistics *out, Failure *failure) {
        if (engine_run(engine, engine->run, copy_sql(spec, path, arena), arena, failure))
                return read_statistics(path, arena, out, failure);
        unlink(path);
        return false;
}

/* ---- as an Arrow stream ---- */

typedef struct ArrowFile {
        const BuildSpec *spec;
        int fd;
        Buf message;
        duckdb_arrow_options options;
        struct ArrowSchema schema;
        FileStatistics statistics; /* rows and bytes alone */
} ArrowFile;

static void arrow_file_deinit(ArrowFile *file) {
        if (file->schema.release)
                file->schema.release(&file->schema);
        if (file->options)
                duckdb_destroy_arrow_options(&file->options);
        buf_deinit(&file->message);
        if (file->fd >= 0)
                close(file->fd);
}

static void array_deinit(struct ArrowArray *array) {
        if (array->release)
                array->release(array);
}

static bool converted(duckdb_error_data error, Arena *arena, Failure *failure) {
        bool good = !error || !duckdb_error_data_has_error(error);
        if (!good)
                *failure = engine_failure(duckdb_error_data_message(error), arena);
        if (error)
                duckdb_destroy_error_data(&error);
        return good;
}

static bool put_message(ArrowFile *file, Failure *failure) {
        Error err = { 0 };
        if (file->message.failed)
                (void)error_set(&err, STATUS_MEMORY, "no memory is left");
        else if (fd_write_all(file->fd, buf_view(&file->message), "the answer", &err) == STATUS_OK)
                file->statistics.bytes += (int64_t)file->message.size;
        buf_clear(&file->message);
        if (err.status != STATUS_OK)
                *failure = failure_of_error(&err);
        return err.status == STATUS_OK;
}

static bool begin_arrow(void *context, duckdb_result *result, Arena *arena, Failure *failure) {
        ArrowFile *file = context;
        size_t count = file->spec->column_count;
        duckdb_logical_type *types = ARENA_ARRAY(arena, duckdb_logical_type, count);
        const char **names = ARENA_ARRAY(arena, const char *, count), *format;
        for (size_t i = 0; i < count; i++) {
                types[i] = duckdb_column_logical_type(result, i);
                names[i] = arena_cstr(arena, file->spec->columns[i].name);
        }
        file->options = duckdb_result_get_arrow_options(result);
        bool good = converted(duckdb_to_arrow_schema(file->options, types, names, count, &file->schema), arena, failure);
        for (size_t i = 0; i < count; i++)
                engine_type_deinit(&types[i]);
        if (!good)
                return false;
        if (arrow_write_schema(&file->message, &file->schema, &format))
                return put_message(file, failure);
        *failure = (Failure){ .kind = FAILURE_NOT_SUPPORTED, .position = -1, .detail = arena_strf(arena, "an Arrow column of format %s", format) };
        return false;
}

static bool take_arrow(void *context, duckdb_data_chunk chunk, Arena *arena, Failure *failure) {
        ArrowFile *file = context;
        CLEANUP(array_deinit) struct ArrowArray batch = { 0 };
        if (!converted(duckdb_data_chunk_to_arrow(file->options, chunk, &batch), arena, failure))
                return false;
        file->statistics.rows += batch.length;
        if (arrow_write_batch(&file->message, &file->schema, &batch))
                return put_message(file, failure);
        *failure = (Failure){ .kind = FAILURE_NOT_SUPPORTED, .position = -1, .detail = STR("an Arrow array that is not as its schema") };
        return false;
}

static bool build_arrow(Engine *engine, const char *path, const BuildSpec *spec, Arena *arena, FileStatistics *out, Failure *failure) {
        CLEANUP(buf_deinit) Buf sql = { 0 };
        CLEANUP(arrow_file_deinit) ArrowFile file = { .spec = spec, .fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) };
        ChunkSink sink = { begin_arrow, take_arrow, &file };
        Error err = { 0 };
        if (file.fd < 0) {
                (void)error_reason(&err, BUILT_OPEN, reason_errno(errno));
                *failure = failure_of_error(&err);
                return false;
        }
        append_select(&sql, spec);
        if (!engine_prepare(engine, buf_dup(&sql, arena), arena, failure) ||
            !rows_each_chunk(engine, spec->number, spec->interrupted, &sink, arena, failure))
                return false;
        arrow_write_end(&file.message);
        if (!put_message(&file, failure))
                return false;
        *out = file.statistics;
        return true;
}

bool build_run(Engine *engine, const char *folder, const BuildSpec *spec, Arena *arena, BuildFile *out,
               Failure *failure) {
        Str name = arena_strf(arena, "%llu.%s", (unsigned long long)spec->number, spec->arrow ? "arrows" : "parquet");
        const char *path = arena_printf(arena, "%s/out/%s", folder, name.data);
        FileStatistics statistics = { 0 };
        bool built = spec->arrow ? build_arrow(engine, path, spec, arena, &statistics, failure)
                                 : build_parquet(engine, path, spec, arena, &statistics, failure);
        if (built)
                *out = (BuildFile){ .name = name, .statistics = statistics };
        return built;
}
