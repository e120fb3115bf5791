/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file: magic, row groups one after the other (each: its column chunks in order), footer, its length, magic.
 *
 * Two sets of columns exist where helpers do: the caller fills `columns` of the ParquetWriter; a full set is swapped
 * with `shadow` and encoded from there, column by column, by whoever is free: helpers, and the caller when it has
 * filled the next set before. Whoever encodes the last column of a row group writes the group. So at most one group
 * is being encoded, groups reach the file in order, and all that is shared needs one lock.
 */
#include "parquet/writer.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "base/map.h"
#include "base/thread.h"
#include "base/vec.h"
#include "parquet/column.h"
#include "parquet/describe.h"
#include "parquet/format.h"
#include "parquet/memory.h"

#define OUT_BYTES (1u << 20) /* gathered before a write */
#define THREADS_MAX 8
#define NESTED_DEPTH_MAX 12     /* lists take two levels of the file's schema */
#define GROUP_ROWS_MIN 1024u    /* however wide the rows are */
#define HELPED_ROWS 4096u       /* a smaller row group is encoded by the caller alone */
#define HELPED_BYTES (2u << 20) /* unless it holds that much text */

struct ParquetWriterState {
        Arena arena; /* lives from one start() to the next */
        bool open;
        int fd;
        const char *name;
        const ParquetPair *metadata;
        size_t metadata_count;
        int64_t told_rows;
        uint32_t group_rows;
        size_t column_capacity; /* of columns, shadow and infos */
        ParquetColumnInfo *infos;
        ParquetColumn *shadow;
        ParquetColumnSpec *specs; /* of all columns, nested ones whole */
        size_t spec_count;

        Buf out;
        int64_t position; /* in the file, with what is in out */
        int64_t rows;     /* of all groups handed over */
        Buf groups;       /* the footer's list of row groups, so far */
        VEC(int64_t) splits;
        bool failed;
        Error failure;

        int threads, helper_count;
        pthread_t helpers[THREADS_MAX];
        ParquetEncoder *encoders[THREADS_MAX]; /* the caller's first */
        pthread_mutex_t lock;
        pthread_cond_t work_there, group_done;
        /* under lock; what a group in work consists of belongs to whoever claimed it */
        bool quitting, encoding;
        size_t next_column, done_columns;
};

static ParquetEncoder *encoder_of(ParquetWriterState *state, int index) {
        if (!state->encoders[index])
                state->encoders[index] = parquet_encoder_new();
        return state->encoders[index];
}

/* ---- life ---- */

ParquetWriter *parquet_writer_new(void) {
        ParquetWriter *writer = must_alloc(calloc(1, sizeof(*writer)));
        ParquetWriterState *state = must_alloc(calloc(1, sizeof(*state)));
        writer->state = state;
        state->fd = -1;
        pthread_mutex_init(&state->lock, NULL);
        pthread_cond_init(&state->work_there, NULL);
        pthread_cond_init(&state->group_done, NULL);
        return writer;
}

static void stop_helpers(ParquetWriterState *state) {
        pthread_mutex_lock(&state->lock);
        state->quitting = true;
        pthread_cond_broadcast(&state->work_there);
        pthread_mutex_unlock(&state->lock);
        for (int i = 0; i < state->helper_count; i++)
                pthread_join(state->helpers[i], NULL);
}

void parquet_writer_free(ParquetWriter *writer) {
        if (!writer)
                return;
        ParquetWriterState *state = writer->state;
        parquet_writer_abort(writer);
        stop_helpers(state);
        for (size_t i = 0; i < state->column_capacity; i++) {
                parquet_column_deinit(&writer->columns[i]);
                parquet_column_deinit(&state->shadow[i]);
                parquet_encoded_deinit(&state->infos[i].encoded);
        }
        for (int i = 0; i < THREADS_MAX; i++)
                parquet_encoder_free(state->encoders[i]);
        free(writer->columns);
        free(writer->firsts);
        free(state->shadow);
        free(state->infos);
        buf_deinit(&state->out);
        buf_deinit(&state->groups);
        arena_deinit(&state->arena);
        pthread_cond_destroy(&state->work_there);
        pthread_cond_destroy(&state->group_done);
        pthread_mutex_destroy(&state->lock);
        free(state);
        free(writer);
}

void parquet_writer_freep(ParquetWriter **writer) {
        parquet_writer_free(*writer);
        *writer = NULL;
}

/* ---- writing ---- */

static void write_out(ParquetWriterState *state, Str bytes) {
        if (!state->failed && fd_write_all(state->fd, bytes, state->name, &state->failure) != STATUS_OK)
                state->failed = true;
}

static void flush_out(ParquetWriterState *state) {
        write_out(state, buf_view(&state->out));
        buf_clear(&state->out);
}

static void put_bytes(ParquetWriterState *state, Str bytes) {
        state->position += (int64_t)bytes.size;
        if (state->out.size + bytes.size > OUT_BYTES)
                flush_out(state);
        if (bytes.size > OUT_BYTES)
                write_out(state, bytes);
        else
                buf_append(&state->out, bytes);
}

static void write_group(ParquetWriter *writer) {
        ParquetWriterState *state = writer->state;
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        CLEANUP(buf_deinit) Buf chunks = { 0 };
        ParquetGroupInfo group = { .rows = state->infos[0].encoded.rows, .start = state->position };
        vec_push(&state->arena, &state->splits, state->position);
        for (size_t i = 0; i < writer->column_count; i++) {
                ParquetColumnInfo *info = &state->infos[i];
                Str pages = buf_view(&info->encoded.pages);
                parquet_describe_chunk(&chunks, info, state->position, (int64_t)pages.size, &scratch);
                parquet_column_info_count(info, (int64_t)pages.size);
                group.unpacked += info->encoded.uncompressed;
                put_bytes(state, pages);
        }
        group.stored = state->position - group.start;
        parquet_describe_group(&state->groups, &group, buf_view(&chunks), writer->column_count, state->splits.count - 1);
}

/* ---- encoding ---- */

/* Encodes one column of the group in work, if one is left. The lock is held before and after. */
static bool encode_next(ParquetWriter *writer, int encoder) {
        ParquetWriterState *state = writer->state;
        if (!state->encoding || state->next_column == writer->column_count)
                return false;

        size_t index = state->next_column++;
        pthread_mutex_unlock(&state->lock);
        ParquetColumnInfo *info = &state->infos[index];
        parquet_encode(encoder_of(state, encoder), &state->shadow[index], info->fixed_length, &info->memory,
                       &info->encoded);
        pthread_mutex_lock(&state->lock);

        if (++state->done_columns == writer->column_count) {
                pthread_mutex_unlock(&state->lock);
                write_group(writer);
                pthread_mutex_lock(&state->lock);
                state->encoding = false;
                pthread_cond_signal(&state->group_done);
        }
        return true;
}

typedef struct HelperStart {
        ParquetWriter *writer;
        int encoder;
} HelperStart;

static void *helper_main(void *argument) {
        HelperStart start = *(HelperStart *)argument;
        free(argument);
        ParquetWriterState *state = start.writer->state;
        pthread_mutex_lock(&state->lock);
        while (!state->quitting)
                if (!encode_next(start.writer, start.encoder))
                        pthread_cond_wait(&state->work_there, &state->lock);
        pthread_mutex_unlock(&state->lock);
        return NULL;
}

/* As many as there can be: without any the caller does all. */
static void start_helpers(ParquetWriter *writer) {
        ParquetWriterState *state = writer->state;
        if (state->helper_count >= state->threads - 1)
                return;
        while (state->helper_count < state->threads - 1) {
                HelperStart *start = must_alloc(malloc(sizeof(*start)));
                *start = (HelperStart){ writer, state->helper_count + 1 };
                if (thread_begin(&state->helpers[state->helper_count], helper_main, start) != 0) {
                        free(start);
                        break;
                }
                state->helper_count++;
        }
}

/* Until no group is in work, lending a hand. */
static void finish_group(ParquetWriter *writer) {
        ParquetWriterState *state = writer->state;
        pthread_mutex_lock(&state->lock);
        while (encode_next(writer, 0))
                ;
        while (state->encoding)
                pthread_cond_wait(&state->group_done, &state->lock);
        pthread_mutex_unlock(&state->lock);
}

static void encode_alone(ParquetWriter *writer) {
        ParquetWriterState *state = writer->state;
        for (size_t i = 0; i < writer->column_count; i++) {
                ParquetColumnInfo *info = &state->infos[i];
                parquet_encode(encoder_of(state, 0), &writer->columns[i], info->fixed_length, &info->memory,
                               &info->encoded);
        }
        write_group(writer);
}

/* ---- the sets of columns ---- */

static void hand_over(ParquetWriter *writer) {
        ParquetWriterState *state = writer->state;
        for (size_t i = 0; i < writer->column_count; i++) {
                ParquetColumn full = writer->columns[i], *empty = &state->shadow[i];
                empty->width = full.width;
                empty->kind = full.kind;
                empty->definition_max = full.definition_max;
                empty->repetition_max = full.repetition_max;
                empty->writer = writer;
                empty->plain_for = full.plain_for;
                parquet_column_prepare(empty, state->group_rows);
                writer->columns[i] = *empty;
                *empty = full;
        }
        start_helpers(writer);
        pthread_mutex_lock(&state->lock);
        state->next_column = 0;
        state->done_columns = 0;
        state->encoding = true;
        pthread_cond_broadcast(&state->work_there);
        pthread_mutex_unlock(&state->lock);
}

static void begin_group(ParquetWriter *writer) {
        writer->rows = 0;
        writer->rows_due = writer->state->group_rows;
        writer->bytes = 0;
        for (size_t i = 0; i < writer->column_count; i++)
                parquet_column_clear(&writer->columns[i]);
}

static void check_rows(const ParquetWriter *writer) {
        for (size_t i = 0; i < writer->column_count; i++) {
                const ParquetColumn *column = &writer->columns[i];
                assert((column->definition_max ? column->records : column->row) == writer->rows); /* each column once per row */
        }
}

Status parquet_writer_flush(ParquetWriter *writer, Error *err) {
        ParquetWriterState *state = writer->state;
        finish_group(writer);
        if (state->failed) {
                *err = state->failure;
                return err->status;
        }
        if (writer->rows == 0) {
                writer->rows_due = state->group_rows;
                return STATUS_OK;
        }

        check_rows(writer);
        state->rows += writer->rows;
        for (size_t i = 0; i < writer->column_count; i++)
                if (writer->columns[i].plain_for > 0)
                        writer->columns[i].plain_for--;
        if (state->threads > 1 && (writer->rows >= HELPED_ROWS || writer->bytes >= HELPED_BYTES))
                hand_over(writer);
        else
                encode_alone(writer);
        begin_group(writer);
        return STATUS_OK;
}

/* ---- start ---- */

static Status check_field(Str column, int id, Type type, size_t depth, Arena *arena, Map *ids, Error *err) {
        if (type.kind == TYPE_MAP || depth > NESTED_DEPTH_MAX)
                return error_set(err, STATUS_SQL_TYPE, "column '%.*s' %s", STR_ARG(column),
                                 type.kind == TYPE_MAP ? "is or holds a map, which is not written here" : "is nested too deep");
        if (id < 1)
                return error_set(err, STATUS_BAD_VALUE, "column '%.*s' has no field id", STR_ARG(column));
        void **seen = map_at(ids, arena_strf(arena, "%d", id));
        if (*seen)
                return error_set(err, STATUS_BAD_VALUE, "field id %d is given to two columns", id);
        *seen = ids;
        if (type.kind == TYPE_STRUCT && type.field_count == 0)
                return error_set(err, STATUS_SQL_TYPE, "column '%.*s' is or holds a struct without fields", STR_ARG(column));
        for (size_t i = 0; i < type.field_count; i++)
                TRY(check_field(column, type.fields[i].id, type.fields[i].type, depth + 1, arena, ids, err));
        return STATUS_OK;
}

static Status check_columns(const ParquetColumnSpec *columns, size_t count, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Map ids;
        map_init(&ids, &arena);
        if (count == 0)
                return error_set(err, STATUS_BAD_VALUE, "a Parquet file needs at least one column");
        if (count > PARQUET_COLUMNS_MAX)
                return error_set(err, STATUS_LIMIT, "%zu columns; a Parquet file of ours has at most %u", count,
                                 PARQUET_COLUMNS_MAX);
        for (size_t i = 0; i < count; i++)
                TRY(check_field(columns[i].name, columns[i].field_id, columns[i].type, 0, &arena, &ids, err));
        return STATUS_OK;
}

static Status check_options(const ParquetOptions *options, Error *err) {
        if (options->threads < 0 || options->threads > THREADS_MAX)
                return error_set(err, STATUS_BAD_VALUE, "%d threads; 1 to %d are possible", options->threads,
                                 THREADS_MAX);
        if (options->group_rows % 8 != 0 || options->group_rows > PARQUET_GROUP_ROWS)
                return error_set(err, STATUS_BAD_VALUE, "row groups of %u rows; a multiple of 8 up to %u is possible",
                                 options->group_rows, PARQUET_GROUP_ROWS);
        return STATUS_OK;
}

static void grow_columns(ParquetWriter *writer, size_t count) {
        ParquetWriterState *state = writer->state;
        size_t old = state->column_capacity;
        if (count <= old)
                return;
        writer->columns = must_alloc(realloc(writer->columns, count * sizeof(*writer->columns)));
        state->shadow = must_alloc(realloc(state->shadow, count * sizeof(*state->shadow)));
        state->infos = must_alloc(realloc(state->infos, count * sizeof(*state->infos)));
        memset(writer->columns + old, 0, (count - old) * sizeof(*writer->columns));
        memset(state->shadow + old, 0, (count - old) * sizeof(*state->shadow));
        memset(state->infos + old, 0, (count - old) * sizeof(*state->infos));
        state->column_capacity = count;
}

static uint32_t group_rows_for(const ParquetOptions *options, const ParquetLeaf *columns, size_t count) {
        if (options->group_rows)
                return options->group_rows;
        size_t row_bytes = 0;
        for (size_t i = 0; i < count; i++)
                row_bytes += parquet_width_of(columns[i].type) ? parquet_width_of(columns[i].type) : sizeof(uint16_t);
        size_t rows = (options->group_bytes ? options->group_bytes : PARQUET_GROUP_BYTES) / row_bytes / 8 * 8;
        if (rows < GROUP_ROWS_MIN)
                return GROUP_ROWS_MIN;
        return rows < PARQUET_GROUP_ROWS ? (uint32_t)rows : PARQUET_GROUP_ROWS;
}

static const ParquetPair *copy_pairs(Arena *arena, const ParquetPair *pairs, size_t count) {
        ParquetPair *copy = ARENA_ARRAY(arena, ParquetPair, count);
        for (size_t i = 0; i < count; i++)
                copy[i] = (ParquetPair){ arena_str(arena, pairs[i].key), arena_str(arena, pairs[i].value) };
        return copy;
}

static void start_state(ParquetWriterState *state, const ParquetOptions *options) {
        arena_reset(&state->arena);
        buf_clear(&state->out);
        buf_clear(&state->groups);
        state->name = options->name ? arena_cstr(&state->arena, str_of(options->name)) : "a Parquet file";
        state->metadata = copy_pairs(&state->arena, options->metadata, options->metadata_count);
        state->metadata_count = options->metadata_count;
        state->told_rows = options->told_rows;
        state->threads = options->threads > 1 ? options->threads : 1;
        state->position = 0;
        state->rows = 0;
        state->splits.items = NULL;
        state->splits.count = 0;
        state->splits.capacity = 0;
        state->failed = false;
        state->open = true;
}

static void copy_specs(ParquetWriterState *state, const ParquetColumnSpec *columns, size_t count) {
        state->specs = ARENA_ARRAY(&state->arena, ParquetColumnSpec, count);
        state->spec_count = count;
        for (size_t i = 0; i < count; i++)
                state->specs[i] = (ParquetColumnSpec){ arena_str(&state->arena, columns[i].name), type_copy(&state->arena, columns[i].type), columns[i].field_id };
}

Status parquet_writer_start(ParquetWriter *writer, int fd, const ParquetColumnSpec *columns, size_t column_count,
                            const ParquetOptions *options, Error *err) {
        static const ParquetOptions defaults = { 0 };
        ParquetWriterState *state = writer->state;
        parquet_writer_abort(writer);
        options = options ? options : &defaults;
        TRY(check_columns(columns, column_count, err));
        TRY(check_options(options, err));
        state->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (state->fd < 0)
                return error_errno(err, errno, "cannot keep the descriptor of '%s'",
                                   options->name ? options->name : "a file");

        start_state(state, options);
        copy_specs(state, columns, column_count);
        ParquetLeaf *leaves;
        writer->firsts = must_alloc(realloc(writer->firsts, column_count * sizeof(*writer->firsts)));
        size_t leaf_count = parquet_leaves(state->specs, column_count, &state->arena, &leaves, writer->firsts);
        if (leaf_count > PARQUET_COLUMNS_MAX) {
                parquet_writer_abort(writer);
                return error_set(err, STATUS_LIMIT, "%zu columns and fields; a Parquet file of ours has at most %u", leaf_count, PARQUET_COLUMNS_MAX);
        }
        grow_columns(writer, leaf_count);
        state->group_rows = group_rows_for(options, leaves, leaf_count);
        writer->rows_max = state->group_rows;
        writer->column_count = leaf_count;
        writer->bytes_due = options->group_bytes ? options->group_bytes : PARQUET_GROUP_BYTES;
        for (size_t i = 0; i < leaf_count; i++) {
                ParquetColumn *column = &writer->columns[i];
                const ParquetLeaf *leaf = &leaves[i];
                parquet_column_info_start(&state->infos[i], leaf->type, leaf->field_id, leaf->path, leaf->path_count);
                column->width = parquet_width_of(leaf->type);
                column->kind = (uint8_t)leaf->type.kind;
                column->definition_max = leaf->is_flat ? 0 : (uint8_t)leaf->definition_max;
                column->repetition_max = (uint8_t)leaf->repetition_max;
                column->writer = writer;
                column->plain_for = 0;
                parquet_column_prepare(column, state->group_rows);
        }
        begin_group(writer);
        put_bytes(state, PARQUET_MAGIC);
        return STATUS_OK;
}

void parquet_writer_abort(ParquetWriter *writer) {
        ParquetWriterState *state = writer->state;
        if (!state->open)
                return;
        state->open = false;
        finish_group(writer);
        begin_group(writer);
        close_fdp(&state->fd);
}

void parquet_row_cancel(ParquetWriter *writer) {
        for (size_t i = 0; i < writer->column_count; i++)
                if (writer->columns[i].row > writer->rows && writer->columns[i].definition_max == 0)
                        parquet_column_take_back(&writer->columns[i]);
}

/* ---- finish ---- */

static void write_footer(ParquetWriter *writer) {
        ParquetWriterState *state = writer->state;
        CLEANUP(buf_deinit) Buf footer = { 0 };
        parquet_describe_file(&footer, state->specs, state->spec_count, state->infos, writer->column_count, state->rows + state->told_rows, buf_view(&state->groups),
                              state->splits.count, state->metadata, state->metadata_count);
        put_bytes(state, buf_view(&footer));
        flush_out(state);
}

static void tell_statistics(const ParquetWriter *writer, Arena *arena, FileStatistics *out) {
        const ParquetWriterState *state = writer->state;
        *out = (FileStatistics){ .rows = state->rows,
                                 .bytes = state->position,
                                 .split_offsets = ARENA_ARRAY(arena, int64_t, state->splits.count),
                                 .split_count = state->splits.count };
        for (size_t i = 0; i < state->splits.count; i++)
                out->split_offsets[i] = state->splits.items[i];
        parquet_tell_columns(state->infos, writer->column_count, arena, out);
}

Status parquet_writer_finish(ParquetWriter *writer, Arena *arena, FileStatistics *out, Error *err) {
        ParquetWriterState *state = writer->state;
        assert(state->open);
        Status status = parquet_writer_flush(writer, err);
        finish_group(writer);
        if (status == STATUS_OK && !state->failed)
                write_footer(writer);
        if (status == STATUS_OK && state->failed) {
                *err = state->failure;
                status = err->status;
        }
        if (status == STATUS_OK)
                tell_statistics(writer, arena, out);
        parquet_writer_abort(writer);
        return status;
}
