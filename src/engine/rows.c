/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/rows.h"

#include "base/time.h"
#include "engine/worker_parts.h"

#define HEADER_SIZE 5 /* of a message to a client: type, length */

struct WorkerRows {
        Worker *worker;
        Call call;
        char type;        /* of each message: 'D' or 'd' */
        size_t columns;   /* that each row must have; 0: as many as it says */
        Str frame;        /* what is left of the frame that came last */
        Buf row;          /* a row that lies in several frames */
        bool row_given;   /* it was handed out by the last call */
        bool answered;    /* DONE has come; it may overtake rows that are in the other socket */
        bool ended;       /* nothing more will come */
        uint64_t frames, rows;               /* taken so far */
        uint64_t frames_said, rows_said;     /* by DONE */
        int64_t paused_us;                   /* when the last call returned */
        Status (*watch)(void *context, Error *err); /* or NULL */
        void *watch_context;
        int64_t watched_us; /* when it was asked last */
        bool stopped;       /* by it: the worker goes on and is to be stopped */
};

static uint32_t big_endian(const uint8_t *at) {
        return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t length_of(const char *message) {
        return big_endian((const uint8_t *)message + 1);
}

static Status no_row(WorkerRows *rows, Error *err) {
        error_set(err, STATUS_CORRUPT, "something that is no row among the rows");
        rows->ended = true;
        return worker_lose_liar(rows->worker, err);
}

/* Whether its fields fill it, as many as the client was told. Of a COPY any bytes are data. */
static bool is_sound(const WorkerRows *rows, Str message) {
        if (rows->type != 'D')
                return true;
        const uint8_t *at = (const uint8_t *)message.data + HEADER_SIZE, *end = (const uint8_t *)message.data + message.size;
        if (end - at < 2)
                return false;
        size_t count = (size_t)(at[0] << 8 | at[1]);
        at += 2;
        if (rows->columns > 0 && count != rows->columns)
                return false;
        for (size_t i = 0; i < count; i++) {
                if (end - at < 4)
                        return false;
                uint32_t size = big_endian(at);
                at += 4;
                if (size != UINT32_MAX && size > (size_t)(end - at))
                        return false;
                at += size == UINT32_MAX ? 0 : size;
        }
        return at == end;
}

/* The size of the message that begins here; 0: too few bytes to tell. */
static bool message_size(const WorkerRows *rows, Str bytes, size_t *out) {
        *out = 0;
        if (bytes.size < HEADER_SIZE)
                return true;
        uint32_t length = length_of(bytes.data);
        if (bytes.data[0] != rows->type || length < 4 || length > MESSAGE_ROW_MAX)
                return false;
        *out = (size_t)length + 1;
        return true;
}

/* Adds to the row that an earlier frame began, up to the size it says. */
static Status lengthen_row(WorkerRows *rows, bool *out_whole, Error *err) {
        size_t size;
        do {
                if (!message_size(rows, buf_view(&rows->row), &size))
                        return no_row(rows, err);
                Str part = str_slice(rows->frame, 0, (size ? size : HEADER_SIZE) - rows->row.size);
                buf_append(&rows->row, part);
                rows->frame = str_slice(rows->frame, part.size, rows->frame.size);
        } while (size == 0 && rows->row.size == HEADER_SIZE);
        *out_whole = size > 0 && rows->row.size == size;
        return !*out_whole || is_sound(rows, buf_view(&rows->row)) ? STATUS_OK : no_row(rows, err);
}

/* Whole messages at the head of the frame; what is left of it, less than one message, begins rows->row. */
static Status cut_frame(WorkerRows *rows, int64_t most, Str *out, int64_t *out_count, Error *err) {
        size_t at = 0, size;
        int64_t count = 0;
        while (at < rows->frame.size && (most == 0 || count < most)) {
                Str rest = str_slice(rows->frame, at, rows->frame.size);
                if (!message_size(rows, rest, &size))
                        return no_row(rows, err);
                if (size == 0 || size > rest.size) {
                        buf_append(&rows->row, rest);
                        rows->frame.size = at;
                        break;
                }
                if (!is_sound(rows, str_slice(rest, 0, size)))
                        return no_row(rows, err);
                at += size;
                count++;
        }
        *out = str_slice(rows->frame, 0, at);
        *out_count = count;
        rows->frame = str_slice(rows->frame, at, rows->frame.size);
        return STATUS_OK;
}

static Status take_done(WorkerRows *rows, const Message *reply, Error *err) {
        Cursor cursor = cursor_of(reply->payload);
        rows->rows_said = cursor_u64(&cursor);
        rows->frames_said = cursor_u64(&cursor);
        rows->answered = true;
        if (!cursor.failed && cursor_left(&cursor) == 0)
                return STATUS_OK;
        error_set(err, STATUS_CORRUPT, "a DONE message that cannot be read");
        return worker_lose_liar(rows->worker, err);
}

static Status finish(WorkerRows *rows, Error *err) {
        rows->ended = true;
        if (rows->frames == rows->frames_said && rows->rows == rows->rows_said && rows->row.size == 0)
                return STATUS_OK;
        error_set(err, STATUS_CORRUPT, "an answer whose rows are not as many as it says");
        return worker_lose_liar(rows->worker, err);
}

static Status ask_watch(WorkerRows *rows, Error *err) {
        int64_t now = rows->watch ? time_monotonic_us() : 0;
        if (!rows->watch || now - rows->watched_us < rows->call.look_us)
                return STATUS_OK;
        rows->watched_us = now;
        Status status = rows->watch(rows->watch_context, err);
        rows->stopped = status != STATUS_OK;
        return status;
}

/* The next frame, or the end. */
static Status next_frame(WorkerRows *rows, Error *err) {
        for (;;) {
                Message message;
                bool has;
                TRY(ask_watch(rows, err));
                TRY(worker_take_frame(rows->worker, &message, &has, err));
                if (has) {
                        if (message.type != MESSAGE_ROWS || message.payload.size == 0)
                                return no_row(rows, err);
                        rows->frames++;
                        rows->frame = message.payload;
                        return STATUS_OK;
                }
                if (!rows->answered) {
                        TRY(worker_take_reply(rows->worker, &rows->call, STR_NONE, &message, &has, err));
                        if (has)
                                TRY(take_done(rows, &message, err));
                }
                if (rows->answered && rows->frames >= rows->frames_said)
                        return finish(rows, err);
                TRY(worker_wait(rows->worker, &rows->call, err));
        }
}

static Status next_rows(WorkerRows *rows, int64_t most, Str *out, int64_t *out_count, bool *out_done, Error *err) {
        if (rows->row_given)
                buf_clear(&rows->row);
        rows->row_given = false;
        *out = STR_NONE;
        *out_count = 0;
        while (*out_count == 0 && !rows->ended) {
                if (rows->frame.size == 0) {
                        TRY(next_frame(rows, err));
                } else if (rows->row.size == 0) {
                        TRY(cut_frame(rows, most, out, out_count, err));
                } else {
                        TRY(lengthen_row(rows, &rows->row_given, err));
                        if (rows->row_given) {
                                *out = buf_view(&rows->row);
                                *out_count = 1;
                        }
                }
        }
        rows->rows += (uint64_t)*out_count;
        *out_done = *out_count == 0;
        return STATUS_OK;
}

Status worker_rows_next(WorkerRows *rows, int64_t most, Str *out_messages, int64_t *out_count, bool *out_done, Error *err) {
        rows->call.started_us += time_monotonic_us() - rows->paused_us;
        Status status = next_rows(rows, most, out_messages, out_count, out_done, err);
        if (status != STATUS_OK && !rows->stopped)
                rows->ended = true; /* it failed, or is lost: there is nothing to stop */
        rows->paused_us = time_monotonic_us();
        return status;
}

Status worker_rows_begin(Worker *worker, const ExecuteSpec *spec, WorkerRows **out, Error *err) {
        CLEANUP(buf_deinit) Buf payload = { 0 };
        Call call = { .reply = MESSAGE_DONE };
        execute_spec_write(&payload, spec);
        TRY(worker_send(worker, MESSAGE_EXECUTE, &payload, NULL, 0, &call, err));
        WorkerRows *rows = calloc(1, sizeof(*rows));
        if (!rows)
                out_of_memory();
        *rows = (WorkerRows){ .worker = worker, .call = call, .paused_us = time_monotonic_us() };
        rows->type = spec->answer >= ROWS_COPY_TEXT ? 'd' : 'D';
        rows->columns = spec->format_count;
        *out = rows;
        return STATUS_OK;
}

void worker_rows_allow(WorkerRows *rows, int64_t began_us, int64_t us) {
        rows->paused_us = time_monotonic_us();
        rows->call.started_us = began_us;
        rows->call.most_us = us;
}

void worker_rows_watch(WorkerRows *rows, int64_t every_us, Status (*watch)(void *context, Error *err), void *context) {
        rows->watch = watch;
        rows->watch_context = context;
        rows->call.look_us = watch ? every_us : 0;
        rows->watched_us = time_monotonic_us();
}

/* Reads on until the worker answers, which it soon does, or is killed. */
static void stop(WorkerRows *rows) {
        Str messages;
        int64_t count;
        bool done = false;
        Error ignored;
        worker_rows_watch(rows, 0, NULL, NULL);
        rows->stopped = false;
        worker_interrupt(rows->worker);
        while (!done && worker_rows_next(rows, 0, &messages, &count, &done, &ignored) == STATUS_OK) {
        }
}

void worker_rows_end(WorkerRows *rows) {
        if (!rows)
                return;
        if (!rows->ended)
                stop(rows);
        buf_deinit(&rows->row);
        free(rows);
}

void worker_rows_endp(WorkerRows **rows) {
        worker_rows_end(*rows);
}

/* One row after the other. */
static Status give_rows(Str messages, WorkerRowSink sink, void *context, Error *err) {
        while (messages.size > 0) {
                size_t size = (size_t)length_of(messages.data) + 1;
                TRY(sink(context, str_slice(messages, 0, size), err));
                messages = str_slice(messages, size, messages.size);
        }
        return STATUS_OK;
}

Status worker_execute(Worker *worker, Str sql, WorkerRowSink sink, void *context, int64_t *out_rows, Error *err) {
        CLEANUP(worker_rows_endp) WorkerRows *rows = NULL;
        ExecuteSpec spec = { .sql = sql };
        TRY(worker_rows_begin(worker, &spec, &rows, err));
        for (bool done = false; !done;) {
                Str messages;
                int64_t count;
                TRY(worker_rows_next(rows, 0, &messages, &count, &done, err));
                TRY(give_rows(messages, sink, context, err));
        }
        if (out_rows)
                *out_rows = (int64_t)rows->rows;
        return STATUS_OK;
}
