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
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/vec.h"
#include "parquet/bounds.h"
#include "parquet/dictionary.h"
#include "parquet/encode.h"
#include "parquet/footer.h"
#include "parquet/format.h"
#include "parquet/thrift.h"

#define CREATED_BY STR("lode version 0.1.0")
#define OUT_BYTES (1u << 20)      /* gathered before a write */
#define THREADS_MAX 8
#define GROUP_ROWS_MIN 1024u      /* however wide the rows are */
#define HELPED_ROWS 16384u        /* a smaller row group is encoded by the caller alone */
#define PLAIN_AFTER_FAILURE 15    /* row groups */
#define HELPED_BYTES (2u << 20)   /* unless it holds that much text */
#define SLACK 16                  /* bytes that may be read behind the last value */
#define KEPT_BYTES (8u << 20)     /* of one buffer that is kept though its next row group may not need it */

/* What a column is in the file, and what is known of it so far. */
typedef struct ColumnInfo {
        Str name;
        Type type;
        int field_id;
        ParquetPhysical physical;
        int fixed_length; /* of PARQUET_FIXED, else 0 */
        int converted;
        int64_t nulls, nans, bytes;
        ParquetBounds bounds;
        ParquetChunkMemory memory;
        ParquetEncoded encoded;
} ColumnInfo;

struct ParquetWriterState {
        Arena arena; /* lives from one start() to the next */
        bool open;
        int fd;
        const char *name;
        const ParquetPair *metadata;
        size_t metadata_count;
        uint32_t group_rows;
        size_t column_capacity; /* of columns, shadow and infos */
        ColumnInfo *infos;
        ParquetColumn *shadow;

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

/* How each kind is stored: physical type, bytes in memory, ConvertedType. Decimals by precision, see below. */
static const struct {
        ParquetPhysical physical;
        uint8_t width;
        int converted;
} storages[] = {
        [TYPE_BOOLEAN] = { PARQUET_BOOLEAN, 1, PARQUET_CONVERTED_NONE },
        [TYPE_INT] = { PARQUET_INT32, 4, PARQUET_CONVERTED_NONE },
        [TYPE_BIGINT] = { PARQUET_INT64, 8, PARQUET_CONVERTED_NONE },
        [TYPE_FLOAT] = { PARQUET_FLOAT, 4, PARQUET_CONVERTED_NONE },
        [TYPE_DOUBLE] = { PARQUET_DOUBLE, 8, PARQUET_CONVERTED_NONE },
        [TYPE_DECIMAL] = { PARQUET_FIXED, 16, PARQUET_CONVERTED_DECIMAL },
        [TYPE_DATE] = { PARQUET_INT32, 4, PARQUET_CONVERTED_DATE },
        [TYPE_TIME] = { PARQUET_INT64, 8, PARQUET_CONVERTED_TIME_MICROS },
        [TYPE_TIMESTAMP] = { PARQUET_INT64, 8, PARQUET_CONVERTED_TIMESTAMP_MICROS },
        [TYPE_TIMESTAMPTZ] = { PARQUET_INT64, 8, PARQUET_CONVERTED_TIMESTAMP_MICROS },
        [TYPE_UUID] = { PARQUET_FIXED, 16, PARQUET_CONVERTED_NONE },
        [TYPE_TEXT] = { PARQUET_BYTE_ARRAY, 0, PARQUET_CONVERTED_UTF8 },
        [TYPE_BINARY] = { PARQUET_BYTE_ARRAY, 0, PARQUET_CONVERTED_NONE },
};

static void *must_alloc(void *memory) {
        if (!memory)
                panic("out of memory for a Parquet writer");
        return memory;
}

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

static void column_deinit(ParquetColumn *column) {
        free(column->values);
        free(column->null_bits);
        parquet_dictionary_free(column->dictionary);
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
                column_deinit(&writer->columns[i]);
                column_deinit(&state->shadow[i]);
                parquet_encoded_deinit(&state->infos[i].encoded);
        }
        for (int i = 0; i < THREADS_MAX; i++)
                parquet_encoder_free(state->encoders[i]);
        free(writer->columns);
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

int64_t parquet_writer_rows(const ParquetWriter *writer) {
        return writer->state->rows + writer->rows;
}

/* ---- writing bytes and the footer's list of row groups ---- */

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

static void describe_statistics(ThriftWriter *footer, const ColumnInfo *info, Arena *arena) {
        ParquetBound min, max;
        thrift_begin(footer, 12);
        thrift_i64(footer, 3, info->encoded.nulls);
        if (parquet_bounds_stored(&info->encoded.bounds, info->type, arena, &min, &max)) {
                thrift_bytes(footer, 5, max.bytes);
                thrift_bytes(footer, 6, min.bytes);
                thrift_bool(footer, 7, max.is_exact);
                thrift_bool(footer, 8, min.is_exact);
        }
        thrift_end(footer);
}

static void describe_page_encodings(ThriftWriter *footer, const ParquetEncoded *encoded) {
        bool has_dictionary = encoded->dictionary_size > 0;
        thrift_list(footer, 13, THRIFT_STRUCT, has_dictionary ? 2 : 1);
        if (has_dictionary) {
                thrift_begin_item(footer);
                thrift_i32(footer, 1, PARQUET_PAGE_DICTIONARY);
                thrift_i32(footer, 2, PARQUET_ENCODING_PLAIN);
                thrift_i32(footer, 3, 1);
                thrift_end(footer);
        }
        thrift_begin_item(footer);
        thrift_i32(footer, 1, PARQUET_PAGE_DATA);
        thrift_i32(footer, 2, encoded->encoding);
        thrift_i32(footer, 3, encoded->data_page_count);
        thrift_end(footer);
}

static void describe_chunk(ThriftWriter *footer, const ColumnInfo *info, int64_t offset, Arena *arena) {
        const ParquetEncoded *encoded = &info->encoded;
        bool has_dictionary = encoded->dictionary_size > 0;
        thrift_begin_item(footer);
        thrift_i64(footer, 2, offset);
        thrift_begin(footer, 3);
        thrift_i32(footer, 1, info->physical);
        thrift_list(footer, 2, THRIFT_I32, has_dictionary ? 3 : 2);
        thrift_item_i32(footer, PARQUET_ENCODING_PLAIN);
        thrift_item_i32(footer, PARQUET_ENCODING_RLE);
        if (has_dictionary)
                thrift_item_i32(footer, PARQUET_ENCODING_RLE_DICTIONARY);
        thrift_list(footer, 3, THRIFT_BINARY, 1);
        thrift_item_bytes(footer, info->name);
        thrift_i32(footer, 4, encoded->codec);
        thrift_i64(footer, 5, encoded->rows);
        thrift_i64(footer, 6, encoded->uncompressed);
        thrift_i64(footer, 7, (int64_t)encoded->pages.size);
        thrift_i64(footer, 9, offset + (int64_t)encoded->dictionary_size);
        if (has_dictionary)
                thrift_i64(footer, 11, offset);
        describe_statistics(footer, info, arena);
        describe_page_encodings(footer, encoded);
        thrift_end(footer);
        thrift_end(footer);
}

static void count_chunk(ColumnInfo *info) {
        info->nulls += info->encoded.nulls;
        info->nans += info->encoded.nans;
        info->bytes += (int64_t)info->encoded.pages.size;
        parquet_bounds_merge(&info->bounds, &info->encoded.bounds);
}

static void write_group(ParquetWriter *writer) {
        ParquetWriterState *state = writer->state;
        CLEANUP(arena_deinit) Arena arena = { 0 };
        ThriftWriter footer = { .buf = &state->groups };
        int64_t start = state->position, uncompressed = 0;
        thrift_list(&footer, 1, THRIFT_STRUCT, writer->column_count);
        for (size_t i = 0; i < writer->column_count; i++) {
                ColumnInfo *info = &state->infos[i];
                describe_chunk(&footer, info, state->position, &arena);
                put_bytes(state, buf_view(&info->encoded.pages));
                uncompressed += info->encoded.uncompressed;
                count_chunk(info);
        }
        thrift_i64(&footer, 2, uncompressed);
        thrift_i64(&footer, 3, state->infos[0].encoded.rows);
        thrift_i64(&footer, 5, start);
        thrift_i64(&footer, 6, state->position - start);
        if (state->splits.count <= INT16_MAX)
                thrift_i16(&footer, 7, (int16_t)state->splits.count);
        thrift_end(&footer);
        vec_push(&state->arena, &state->splits, start);
}

/* ---- encoding ---- */

/* Encodes one column of the group in work, if one is left. The lock is held before and after. */
static bool encode_next(ParquetWriter *writer, int encoder) {
        ParquetWriterState *state = writer->state;
        if (!state->encoding || state->next_column == writer->column_count)
                return false;

        size_t index = state->next_column++;
        pthread_mutex_unlock(&state->lock);
        ColumnInfo *info = &state->infos[index];
        parquet_encode(encoder_of(state, encoder), &state->shadow[index], info->fixed_length, &info->memory, &info->encoded);
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
        sigset_t all, before; /* signals are for the threads that know of them */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        while (state->helper_count < state->threads - 1) {
                HelperStart *start = must_alloc(malloc(sizeof(*start)));
                *start = (HelperStart){ writer, state->helper_count + 1 };
                if (pthread_create(&state->helpers[state->helper_count], NULL, helper_main, start) != 0) {
                        free(start);
                        break;
                }
                state->helper_count++;
        }
        pthread_sigmask(SIG_SETMASK, &before, NULL);
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
                ColumnInfo *info = &state->infos[i];
                parquet_encode(encoder_of(state, 0), &writer->columns[i], info->fixed_length, &info->memory, &info->encoded);
        }
        write_group(writer);
}

/* ---- the sets of columns ---- */

/* Room for what one row group needs; nothing of it is touched before it is used. */
static void column_prepare(ParquetColumn *column, uint32_t group_rows) {
        size_t needed = (size_t)group_rows * column->width + SLACK;
        if (column->capacity < needed) {
                free(column->values);
                column->values = must_alloc(malloc(needed));
                column->capacity = needed;
        }
        if (!column->null_bits)
                column->null_bits = must_alloc(calloc(1, PARQUET_GROUP_ROWS / 8));
        if (column->width == 0 && !column->dictionary)
                column->dictionary = parquet_dictionary_new(PARQUET_GROUP_ROWS);
        column->row_max = group_rows;
}

/* A text buffer that grew for an unusual row group does not stay so for ever. */
static void column_trim(ParquetColumn *column) {
        if (column->width > 0 || column->capacity <= KEPT_BYTES || column->size > column->capacity / 4)
                return;
        column->capacity = KEPT_BYTES;
        column->values = must_alloc(realloc(column->values, column->capacity));
}

static void column_clear(ParquetColumn *column) {
        column_trim(column);
        if (column->row > column->count)
                memset(column->null_bits, 0, (column->row + 7) / 8);
        column->row = 0;
        column->count = 0;
        column->size = 0;
        column->bytes = 0;
        if (column->width == 0) {
                column->plain = column->plain_for > 0;
                parquet_dictionary_clear(column->dictionary);
        }
}

static void hand_over(ParquetWriter *writer) {
        ParquetWriterState *state = writer->state;
        for (size_t i = 0; i < writer->column_count; i++) {
                ParquetColumn full = writer->columns[i], *empty = &state->shadow[i];
                empty->width = full.width;
                empty->kind = full.kind;
                empty->writer = writer;
                empty->plain_for = full.plain_for;
                column_prepare(empty, state->group_rows);
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
                column_clear(&writer->columns[i]);
}

static void check_rows(const ParquetWriter *writer) {
        for (size_t i = 0; i < writer->column_count; i++)
                assert(writer->columns[i].row == writer->rows); /* each column once per row */
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

static Status check_columns(const ParquetColumnSpec *columns, size_t count, Error *err) {
        if (count == 0)
                return error_set(err, STATUS_BAD_VALUE, "a Parquet file needs at least one column");
        if (count > PARQUET_COLUMNS_MAX)
                return error_set(err, STATUS_LIMIT, "%zu columns; a Parquet file of ours has at most %u", count,
                                 PARQUET_COLUMNS_MAX);
        for (size_t i = 0; i < count; i++) {
                if (type_is_nested(columns[i].type))
                        return error_set(err, STATUS_SQL_TYPE, "column '%.*s' is nested; only flat columns are written here",
                                         STR_ARG(columns[i].name));
                if (columns[i].field_id < 1)
                        return error_set(err, STATUS_BAD_VALUE, "column '%.*s' has no field id", STR_ARG(columns[i].name));
                for (size_t j = 0; j < i; j++)
                        if (columns[j].field_id == columns[i].field_id)
                                return error_set(err, STATUS_BAD_VALUE, "field id %d is given to two columns",
                                                 columns[i].field_id);
        }
        return STATUS_OK;
}

static Status check_options(const ParquetOptions *options, Error *err) {
        if (options->threads < 0 || options->threads > THREADS_MAX)
                return error_set(err, STATUS_BAD_VALUE, "%d threads; 1 to %d are possible", options->threads, THREADS_MAX);
        if (options->group_rows % 8 != 0 || options->group_rows > PARQUET_GROUP_ROWS)
                return error_set(err, STATUS_BAD_VALUE, "row groups of %u rows; a multiple of 8 up to %u is possible",
                                 options->group_rows, PARQUET_GROUP_ROWS);
        return STATUS_OK;
}

static uint8_t width_of(Type type) {
        if (type.kind == TYPE_DECIMAL && type.precision <= 18)
                return type.precision <= 9 ? 4 : 8;
        return storages[type.kind].width;
}

static ParquetPhysical physical_of(Type type) {
        if (type.kind == TYPE_DECIMAL && type.precision <= 18)
                return type.precision <= 9 ? PARQUET_INT32 : PARQUET_INT64;
        return storages[type.kind].physical;
}

static void info_start(ColumnInfo *info, const ParquetColumnSpec *spec, Arena *arena) {
        ParquetEncoded kept = { .pages = info->encoded.pages };
        *info = (ColumnInfo){ .name = arena_str(arena, spec->name),
                              .type = spec->type,
                              .field_id = spec->field_id,
                              .physical = physical_of(spec->type),
                              .converted = storages[spec->type.kind].converted,
                              .encoded = kept };
        if (info->physical == PARQUET_FIXED)
                info->fixed_length = spec->type.kind == TYPE_UUID ? 16 : parquet_decimal_length(spec->type.precision);
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

static uint32_t group_rows_for(const ParquetOptions *options, const ParquetColumnSpec *columns, size_t count) {
        if (options->group_rows)
                return options->group_rows;
        size_t row_bytes = 0;
        for (size_t i = 0; i < count; i++)
                row_bytes += width_of(columns[i].type) ? width_of(columns[i].type) : sizeof(uint16_t);
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
        state->threads = options->threads > 1 ? options->threads : 1;
        state->position = 0;
        state->rows = 0;
        state->splits.items = NULL;
        state->splits.count = 0;
        state->splits.capacity = 0;
        state->failed = false;
        state->open = true;
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
                return error_errno(err, errno, "cannot keep the descriptor of '%s'", options->name ? options->name : "a file");

        start_state(state, options);
        grow_columns(writer, column_count);
        state->group_rows = group_rows_for(options, columns, column_count);
        writer->column_count = column_count;
        writer->bytes_due = options->group_bytes ? options->group_bytes : PARQUET_GROUP_BYTES;
        for (size_t i = 0; i < column_count; i++) {
                ParquetColumn *column = &writer->columns[i];
                info_start(&state->infos[i], &columns[i], &state->arena);
                column->width = width_of(columns[i].type);
                column->kind = (uint8_t)columns[i].type.kind;
                column->writer = writer;
                column->plain_for = 0;
                column_prepare(column, state->group_rows);
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

/* ---- text ---- */

static void plain_reserve(ParquetColumn *column, size_t size) {
        size_t needed = column->size + sizeof(uint32_t) + size + SLACK;
        if (needed <= column->capacity)
                return;
        column->capacity = needed + needed / 2 > (64u << 10) ? needed + needed / 2 : 64u << 10;
        column->values = must_alloc(realloc(column->values, column->capacity));
}

static inline void plain_append(ParquetColumn *column, const char *data, size_t size) {
        uint32_t length = (uint32_t)size;
        plain_reserve(column, size);
        uint8_t *at = column->values + column->size;
        memcpy(at, &length, sizeof(length));
        if (size > 0)
                memcpy(at + sizeof(length), data, size);
        column->last = column->size;
        column->size += sizeof(length) + size;
}

static void count_bytes(ParquetWriter *writer, size_t size) {
        writer->bytes += size;
        if (writer->bytes > writer->bytes_due)
                writer->rows_due = 0;
}

/* The dictionary does not pay: writes out its values. If they are too many bytes for that, it is left as it is and
 * the row group ends with this row. */
static void give_up_dictionary(ParquetColumn *column) {
        column->plain_for = PLAIN_AFTER_FAILURE + 1; /* this row group counts as the first */
        if (column->bytes > column->writer->bytes_due / 2) {
                column->writer->rows_due = 0;
                return;
        }
        for (uint32_t i = 0; i < column->count; i++) {
                Str text = parquet_dictionary_text(column->dictionary, column->dictionary->ids[i]);
                plain_append(column, text.data, text.size);
        }
        column->plain = true;
        count_bytes(column->writer, column->bytes);
}

void parquet_column_bytes(ParquetColumn *column, const char *data, size_t size) {
        assert(column->row < column->row_max && column->width == 0 && size <= PARQUET_VALUE_MAX);
        uint32_t index = column->count++;
        column->row++;
        column->bytes += sizeof(uint32_t) + size;
        if (column->plain) {
                plain_append(column, data, size);
                count_bytes(column->writer, sizeof(uint32_t) + size);
                return;
        }
        parquet_dictionary_add(column->dictionary, index, data, size);
        if (column->dictionary->newest_at == index && parquet_dictionary_is_futile(column->dictionary, column->count))
                give_up_dictionary(column);
}

static void take_back_text(ParquetColumn *column) {
        size_t size = column->size - column->last;
        if (column->plain) {
                column->size = column->last;
                column->writer->bytes -= size;
        } else {
                uint32_t id = column->dictionary->ids[column->count];
                size = sizeof(uint32_t) + parquet_dictionary_text(column->dictionary, id).size;
                parquet_dictionary_cancel(column->dictionary, column->count);
        }
        column->bytes -= size;
}

void parquet_row_cancel(ParquetWriter *writer) {
        for (size_t i = 0; i < writer->column_count; i++) {
                ParquetColumn *column = &writer->columns[i];
                if (column->row == writer->rows)
                        continue;
                column->row--;
                uint8_t bit = (uint8_t)(1u << (column->row & 7));
                if (column->null_bits[column->row >> 3] & bit) {
                        column->null_bits[column->row >> 3] &= (uint8_t)~bit;
                        continue;
                }
                column->count--;
                if (column->width == 0)
                        take_back_text(column);
        }
}

/* ---- finish ---- */

static void describe_time(ThriftWriter *footer, bool adjusted_to_utc) {
        thrift_bool(footer, 1, adjusted_to_utc);
        thrift_begin(footer, 2);
        thrift_begin(footer, 2); /* microseconds */
        thrift_end(footer);
        thrift_end(footer);
}

/* The union has one field per kind; most hold an empty struct. */
static void describe_logical_type(ThriftWriter *footer, Type type) {
        static const uint8_t fields[] = {
                [TYPE_DECIMAL] = PARQUET_UNION_DECIMAL,     [TYPE_DATE] = PARQUET_UNION_DATE,
                [TYPE_TIME] = PARQUET_UNION_TIME,           [TYPE_TIMESTAMP] = PARQUET_UNION_TIMESTAMP,
                [TYPE_TIMESTAMPTZ] = PARQUET_UNION_TIMESTAMP, [TYPE_UUID] = PARQUET_UNION_UUID,
                [TYPE_TEXT] = PARQUET_UNION_STRING,         [TYPE_BINARY] = 0,
        };
        if (fields[type.kind] == 0)
                return;
        thrift_begin(footer, 10);
        thrift_begin(footer, fields[type.kind]);
        if (type.kind == TYPE_DECIMAL) {
                thrift_i32(footer, 1, type.scale);
                thrift_i32(footer, 2, type.precision);
        } else if (type.kind == TYPE_TIME || type.kind == TYPE_TIMESTAMP || type.kind == TYPE_TIMESTAMPTZ) {
                describe_time(footer, type.kind == TYPE_TIMESTAMPTZ);
        }
        thrift_end(footer);
        thrift_end(footer);
}

static void describe_column(ThriftWriter *footer, const ColumnInfo *info) {
        thrift_begin_item(footer);
        thrift_i32(footer, 1, info->physical);
        if (info->fixed_length)
                thrift_i32(footer, 2, info->fixed_length);
        thrift_i32(footer, 3, PARQUET_OPTIONAL);
        thrift_bytes(footer, 4, info->name);
        if (info->converted != PARQUET_CONVERTED_NONE)
                thrift_i32(footer, 6, info->converted);
        if (info->type.kind == TYPE_DECIMAL) {
                thrift_i32(footer, 7, info->type.scale);
                thrift_i32(footer, 8, info->type.precision);
        }
        thrift_i32(footer, 9, info->field_id);
        describe_logical_type(footer, info->type);
        thrift_end(footer);
}

static void describe_schema(ThriftWriter *footer, const ParquetWriter *writer) {
        thrift_list(footer, 2, THRIFT_STRUCT, writer->column_count + 1);
        thrift_begin_item(footer);
        thrift_bytes(footer, 4, STR("table"));
        thrift_i32(footer, 5, (int32_t)writer->column_count);
        thrift_end(footer);
        for (size_t i = 0; i < writer->column_count; i++)
                describe_column(footer, &writer->state->infos[i]);
}

static void describe_metadata(ThriftWriter *footer, const ParquetWriterState *state) {
        if (state->metadata_count == 0)
                return;
        thrift_list(footer, 5, THRIFT_STRUCT, state->metadata_count);
        for (size_t i = 0; i < state->metadata_count; i++) {
                thrift_begin_item(footer);
                thrift_bytes(footer, 1, state->metadata[i].key);
                thrift_bytes(footer, 2, state->metadata[i].value);
                thrift_end(footer);
        }
}

static void write_footer(ParquetWriter *writer) {
        ParquetWriterState *state = writer->state;
        CLEANUP(buf_deinit) Buf buf = { 0 };
        ThriftWriter footer = { .buf = &buf };
        thrift_i32(&footer, 1, 1);
        describe_schema(&footer, writer);
        thrift_i64(&footer, 3, state->rows);
        thrift_list(&footer, 4, THRIFT_STRUCT, state->splits.count);
        buf_append(&buf, buf_view(&state->groups));
        describe_metadata(&footer, state);
        thrift_bytes(&footer, 6, CREATED_BY);
        thrift_list(&footer, 7, THRIFT_STRUCT, writer->column_count);
        for (size_t i = 0; i < writer->column_count; i++) {
                thrift_begin_item(&footer); /* min and max by the type's own order */
                thrift_begin(&footer, 1);
                thrift_end(&footer);
                thrift_end(&footer);
        }
        thrift_end(&footer);
        buf_u32(&buf, (uint32_t)buf.size);
        buf_append(&buf, PARQUET_MAGIC);
        put_bytes(state, buf_view(&buf));
        flush_out(state);
}

static void tell_statistics(const ParquetWriter *writer, Arena *arena, FileStatistics *out) {
        const ParquetWriterState *state = writer->state;
        *out = (FileStatistics){ .rows = state->rows,
                                 .bytes = state->position,
                                 .columns = ARENA_ARRAY(arena, ColumnStatistics, writer->column_count),
                                 .column_count = writer->column_count,
                                 .split_offsets = ARENA_ARRAY(arena, int64_t, state->splits.count),
                                 .split_count = state->splits.count };
        for (size_t i = 0; i < state->splits.count; i++)
                out->split_offsets[i] = state->splits.items[i];
        for (size_t i = 0; i < writer->column_count; i++) {
                const ColumnInfo *info = &state->infos[i];
                out->columns[i] = (ColumnStatistics){ .field_id = info->field_id,
                                                      .values = state->rows,
                                                      .nulls = info->nulls,
                                                      .nans = info->nans,
                                                      .bytes = info->bytes };
                parquet_bounds_told(&info->bounds, info->type, arena, &out->columns[i]);
        }
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
