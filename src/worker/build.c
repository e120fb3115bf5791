/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/build.h"

#include <errno.h>
#include <fcntl.h>

#include "base/reason.h"
#include "parquet/footer.h"

bool build_spec_read(Str payload, Arena *arena, BuildSpec *out) {
        Cursor cursor = cursor_of(payload);
        BuildSpec spec = { .select = cursor_str(&cursor), .field_ids = cursor_str(&cursor) };
        spec.column_count = cursor_count(&cursor, 8);
        spec.columns = ARENA_ARRAY(arena, BuildColumn, spec.column_count);
        for (size_t i = 0; i < spec.column_count; i++)
                spec.columns[i] = (BuildColumn){ .name = cursor_str(&cursor), .engine_type = cursor_str(&cursor) };
        if (cursor.failed || cursor_left(&cursor) > 0 || spec.column_count == 0)
                return false;
        *out = spec;
        return true;
}

/* The casts stand outside of the select, whose own ORDER BY, if any, still decides where rows lie. */
static Str copy_sql(const BuildSpec *spec, const char *path, Arena *arena) {
        CLEANUP(buf_deinit) Buf sql = { 0 };
        buf_append_cstr(&sql, "COPY (SELECT ");
        for (size_t i = 0; i < spec->column_count; i++) {
                buf_append_cstr(&sql, i ? ", CAST(" : "CAST(");
                buf_append_quoted(&sql, spec->columns[i].name, '\"');
                buf_append_cstr(&sql, " AS ");
                buf_append(&sql, spec->columns[i].engine_type);
                buf_append_cstr(&sql, ") AS ");
                buf_append_quoted(&sql, spec->columns[i].name, '\"');
        }
        buf_append_cstr(&sql, " FROM (");
        buf_append(&sql, spec->select);
        buf_append_cstr(&sql, "\n)) TO ");
        buf_append_quoted(&sql, str_of(path), '\'');
        buf_append_cstr(&sql,
                        " (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 122880, FIELD_IDS ");
        buf_append(&sql, spec->field_ids);
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

bool build_run(Engine *engine, const char *folder, const BuildSpec *spec, Arena *arena, BuildFile *out,
               Failure *failure) {
        Str name = arena_strf(arena, "%llu.parquet", (unsigned long long)spec->number);
        const char *path = arena_printf(arena, "%s/out/%s", folder, name.data);
        if (!engine_run(engine, engine->run, copy_sql(spec, path, arena), arena, failure)) {
                unlink(path);
                return false;
        }
        FileStatistics statistics = { 0 };
        if (!read_statistics(path, arena, &statistics, failure))
                return false;
        *out = (BuildFile){ .name = name, .statistics = statistics };
        return true;
}
