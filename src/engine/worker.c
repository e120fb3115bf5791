/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: one request to a worker, what it sends meanwhile, and its one reply. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/time.h"
#include "engine/worker_parts.h"

#define INTERRUPT_GRACE_US 250000 /* from INTERRUPT to SIGKILL */
#define NICE_OF_WAY 10            /* of a worker that makes way: a ninth of the weight */
#define EXIT_NO_LIBRARY 127       /* the dynamic loader's */
#define LOOK_MS 100               /* how often the caller's own flag is looked at */

/* How workers end */

void worker_kill(Worker *worker) {
        if (worker->process > 0) {
                kill(worker->process, SIGKILL);
                worker->killed = true;
        }
}

/* All its threads: they are a process group of their own. */
static bool set_rank(const Worker *worker, int nice) {
        return worker->process > 0 && setpriority(PRIO_PGRP, (id_t)worker->process, nice) == 0;
}

void worker_take_rank(Worker *worker) {
        if (worker->nice && !set_rank(worker, 0))
                worker->lost = true; /* only root may take it back */
        worker->nice = false;
        atomic_store(&worker->way, false);
}

static Status how_it_ended(const Worker *worker, int state, const struct rusage *used, Error *err) {
        uint64_t peak = (uint64_t)used->ru_maxrss * 1024;
        int signal_number = WIFSIGNALED(state) ? WTERMSIG(state) : 0;
        if (worker->killed)
                return error_set(err, STATUS_WORKER_LOST, "the worker was ended");
        if (WIFEXITED(state) && WEXITSTATUS(state) == EXIT_NO_LIBRARY) {
                error_set(err, STATUS_ENGINE, "'%s' does not start", worker->pool->options.program);
                return error_hint(err, "the engine's library is not where the build put it (ldd tells)");
        }
        bool out_of_room = WIFEXITED(state) && WEXITSTATUS(state) == WORKER_EXIT_MEMORY;
        if (out_of_room || (signal_number == SIGABRT && peak > worker->memory_limit))
                return error_set(err, STATUS_MEMORY,
                                 "the worker ran out of memory and ended; only this statement is lost");
        if (signal_number == SIGKILL)
                error_set(err, STATUS_WORKER_LOST,
                          "the worker was killed from outside in the middle of this; only this is lost");
        else if (signal_number)
                error_set(err, STATUS_WORKER_LOST, "the worker crashed (signal %d, %s); only this is lost",
                          signal_number, strsignal(signal_number));
        else
                error_set(err, STATUS_WORKER_LOST,
                          "the worker ended (status %d) in the middle of this; only this is lost", WEXITSTATUS(state));
        if (signal_number == SIGKILL)
                return error_hint(err, "if nobody killed it, the machine ran out of memory (journalctl -k tells)");
        return STATUS_WORKER_LOST;
}

Status worker_reap(Worker *worker, Error *err) {
        int state = 0;
        struct rusage used = { 0 };
        if (worker->process <= 0)
                return error_set(err, STATUS_WORKER_LOST, "the worker has ended");
        pid_t got;
        do
                got = wait4(worker->process, &state, 0, &used);
        while (got < 0 && errno == EINTR);
        worker->process = 0;
        worker->lost = true;
        return how_it_ended(worker, state, &used, err);
}

/* It hung up or sent what it may not: whatever it still does, it does not do for us. */
static Status lose(Worker *worker, Error *err) {
        siginfo_t info;
        /* One that just crashed is about to be seen as dead; its own end tells more than our kill would. */
        for (int i = 0; i < 50; i++) {
                info.si_pid = 0;
                if (waitid(P_PID, (id_t)worker->process, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid)
                        break;
                usleep(1000);
        }
        if (info.si_pid == 0)
                worker_kill(worker);
        return worker_reap(worker, err);
}

Status worker_lose_liar(Worker *worker, Error *err) {
        Error ignored;
        worker_kill(worker);
        (void)worker_reap(worker, &ignored);
        err->status = STATUS_WORKER_LOST;
        return error_context(err, "a worker broke the protocol and was ended");
}

/* A frame of rows where none was asked for; those of an earlier statement are dropped. */
static Status refuse_rows(Worker *worker, Error *err) {
        Message message;
        bool has;
        TRY(worker_take_frame(worker, &message, &has, err));
        if (!has)
                return STATUS_OK;
        error_set(err, STATUS_CORRUPT, "a %s message among the rows", message_name(message.type));
        return worker_lose_liar(worker, err);
}

Status worker_take_frame(Worker *worker, Message *out, bool *out_has, Error *err) {
        for (;;) {
                if (inbox_next(&worker->rows_inbox, out, out_has, err) != STATUS_OK)
                        return worker_lose_liar(worker, err);
                if (!*out_has || out->statement == worker->statement)
                        return STATUS_OK;
        }
}

/* Waiting */

static bool was_interrupted(const Worker *worker) {
        const volatile sig_atomic_t *flag = worker->pool->options.interrupted;
        return atomic_load(&worker->stop) || (flag && *flag);
}

/* Whether to stop, and why. */
static void look_around(Worker *worker, Call *call, int64_t now) {
        if (call->why == STATUS_OK && was_interrupted(worker))
                call->why = STATUS_INTERRUPTED;
        if (call->why == STATUS_OK && call->most_us > 0 && now - call->started_us > call->most_us)
                call->why = STATUS_TIMEOUT;
        if (call->why == STATUS_OK || call->kill_us)
                return;
        call->kill_us = now + INTERRUPT_GRACE_US;
        Error ignored;
        (void)message_send(worker->control, MESSAGE_INTERRUPT, 0, worker->statement, STR_NONE, NULL, 0, &ignored);
}

static Status why_stopped(const Call *call, Error *err) {
        if (call->progress_error.status != STATUS_OK) {
                *err = call->progress_error;
                return err->status;
        }
        if (call->why == STATUS_TIMEOUT && call->most_us < 1000000)
                return error_set(err, STATUS_TIMEOUT, "the statement ran longer than %lld ms", (long long)(call->most_us + 999) / 1000);
        if (call->why == STATUS_TIMEOUT)
                return error_set(err, STATUS_TIMEOUT, "the statement ran longer than %.1f s", (double)call->most_us / 1e6);
        return error_set(err, STATUS_INTERRUPTED, "interrupted");
}

static int wait_ms(const Worker *worker, const Call *call, int64_t now) {
        int64_t until = call->kill_us ? call->kill_us : call->most_us > 0 ? call->started_us + call->most_us : 0;
        int64_t ms = until ? (until - now) / 1000 + 1 : -1;
        if (worker->pool->options.interrupted && (ms < 0 || ms > LOOK_MS))
                ms = LOOK_MS;
        if (call->look_us && (ms < 0 || ms > call->look_us / 1000 + 1))
                ms = call->look_us / 1000 + 1;
        return ms < 0 ? -1 : ms > 1000000 ? 1000000 : (int)ms;
}

/* Waits until something may have come, and reads it. */
Status worker_wait(Worker *worker, Call *call, Error *err) {
        struct pollfd sockets[] = {
                { .fd = worker->rows, .events = POLLIN },
                { .fd = worker->control, .events = POLLIN },
                { .fd = worker->wake, .events = POLLIN },
        };
        int64_t now = time_monotonic_us();
        look_around(worker, call, now);
        if (atomic_load(&worker->way) && !worker->nice)
                worker->nice = set_rank(worker, NICE_OF_WAY);
        if (call->kill_us && now >= call->kill_us) {
                Error ignored;
                worker_kill(worker);
                (void)worker_reap(worker, &ignored);
                return why_stopped(call, err);
        }
        if (poll(sockets, COUNT_OF(sockets), wait_ms(worker, call, now)) < 0)
                return errno == EINTR ? STATUS_OK : error_errno(err, errno, "cannot wait for a worker");
        bool ended = false;
        uint64_t ignored;
        if (sockets[2].revents && read(worker->wake, &ignored, sizeof(ignored)) < 0)
                ignored = 0;
        if (sockets[0].revents)
                TRY(inbox_fill(&worker->rows_inbox, &ended, err));
        if (sockets[1].revents)
                TRY(inbox_fill(&worker->control_inbox, &ended, err));
        if (!ended)
                return STATUS_OK;
        lose(worker, err);
        if (call->why != STATUS_OK)
                return why_stopped(call, err);
        return err->status;
}

static Status take_failure(Worker *worker, const Message *message, Call *call, Str user_sql, Error *err) {
        Cursor cursor = cursor_of(message->payload);
        if (failure_read(&cursor, &worker->memory, &worker->failure, err) != STATUS_OK)
                return worker_lose_liar(worker, err);
        worker->has_failure = true;
        if (call->why != STATUS_OK)
                return why_stopped(call, err);
        if (worker->failure.status == STATUS_INTERRUPTED) /* whole runs end when they are interrupted; this is none */
                return error_set(err, STATUS_WORKER_LOST,
                                 "the worker stopped in the middle of this, and nobody asked it to");
        if (worker->failure.kind == FAILURE_ENGINE) { /* its process ends */
                Error ignored;
                worker_kill(worker);
                (void)worker_reap(worker, &ignored);
        }
        return failure_to_error(&worker->failure, user_sql, !worker->pool->options.hide_detail, err);
}

/* The next control message of this statement: a reply, or nothing yet. */
Status worker_take_reply(Worker *worker, Call *call, Str user_sql, Message *out, bool *out_has, Error *err) {
        for (;;) {
                Message message;
                bool has;
                if (inbox_next(&worker->control_inbox, &message, &has, err) != STATUS_OK)
                        return worker_lose_liar(worker, err);
                *out_has = has;
                if (!has)
                        return STATUS_OK;
                if (message.statement != worker->statement)
                        continue;
                if (message.type == MESSAGE_FAIL)
                        return take_failure(worker, &message, call, user_sql, err);
                if (message.type == MESSAGE_PROGRESS && call->reply == MESSAGE_STAGED) {
                        Error progress_error = { 0 };
                        if (call->progress && call->why == STATUS_OK &&
                            call->progress(call->context, message.payload, &progress_error) != STATUS_OK) {
                                call->why = progress_error.status;
                                call->progress_error = progress_error;
                        }
                        continue;
                }
                if (message.type != call->reply) {
                        error_set(err, STATUS_CORRUPT, "a %s message instead of %s", message_name(message.type),
                                  message_name(call->reply));
                        return worker_lose_liar(worker, err);
                }
                *out = message;
                return STATUS_OK;
        }
}

static Status wait_reply(Worker *worker, Call *call, Str user_sql, Message *out, Error *err) {
        for (;;) {
                bool has;
                TRY(refuse_rows(worker, err));
                TRY(worker_take_reply(worker, call, user_sql, out, &has, err));
                if (has)
                        return STATUS_OK;
                TRY(worker_wait(worker, call, err));
        }
}

void worker_allow(Worker *worker, int64_t began_us, int64_t us) {
        worker->began_us = began_us;
        worker->most_us = us;
}

/* Calls */

Status worker_send(Worker *worker, MessageType type, const Buf *payload, const int *fds, size_t fd_count, Call *call,
                   Error *err) {
        call->started_us = worker->most_us ? worker->began_us : time_monotonic_us();
        call->most_us = worker->most_us ? worker->most_us : worker->pool->options.statement_timeout_us;
        if (worker->lost)
                return error_set(err, STATUS_WORKER_LOST, "the worker has ended");
        if (payload->failed || payload->size > MESSAGE_CONTROL_MAX)
                return error_set(err, STATUS_LIMIT, "a statement of %zu bytes; at most %u can be run", payload->size,
                                 MESSAGE_CONTROL_MAX);
        worker->has_failure = false;
        arena_reset(&worker->memory);
        atomic_store(&worker->stop, false);
        worker->statement++;
        if (message_send(worker->control, type, 0, worker->statement, buf_view(payload), fds, fd_count, err) ==
            STATUS_OK)
                return STATUS_OK;
        return lose(worker, err); /* half a message may be on its way */
}

/* One request and its reply, whose payload is valid until the next call. */
static Status ask(Worker *worker, MessageType type, const Buf *payload, const int *fds, size_t fd_count, Call *call,
                  Str user_sql, Message *out, Error *err) {
        TRY(worker_send(worker, type, payload, fds, fd_count, call, err));
        Status status = wait_reply(worker, call, user_sql, out, err);
        /* It was done before it heard of the stop; the caller is told all the same when its own function failed. */
        if (status == STATUS_OK && call->progress_error.status != STATUS_OK)
                status = why_stopped(call, err);
        return status;
}

static Status reply_broken(Worker *worker, MessageType type, Error *err) {
        error_set(err, STATUS_CORRUPT, "a %s message that cannot be read", message_name(type));
        return worker_lose_liar(worker, err);
}

Status worker_greet(Worker *worker, Error *err) {
        if (worker->greeted)
                return STATUS_OK;
        Call call = { .reply = MESSAGE_HELLO,
                      .started_us = worker->started_us,
                      .most_us = worker->pool->options.start_timeout_us };
        Message hello;
        Status status = wait_reply(worker, &call, STR_NONE, &hello, err);
        if (status == STATUS_TIMEOUT)
                return error_set(err, STATUS_TIMEOUT, "a worker did not start in time");
        TRY(status);
        Cursor cursor = cursor_of(hello.payload);
        Str build = cursor_str(&cursor);
        Str engine = cursor_str(&cursor);
        if (cursor.failed)
                return reply_broken(worker, MESSAGE_HELLO, err);
        if (!str_is(build, PROTOCOL_BUILD))
                return error_set(err, STATUS_ENGINE, "'%s' is of another build than lode",
                                 worker->pool->options.program);
        if (!str_is(engine, PROTOCOL_ENGINE_VERSION))
                return error_set(err, STATUS_ENGINE, "the worker's engine is not DuckDB %s", PROTOCOL_ENGINE_VERSION);
        worker->greeted = true;
        return STATUS_OK;
}

const Failure *worker_failure(const Worker *worker) {
        return worker->has_failure ? &worker->failure : NULL;
}

static void wake(Worker *worker) {
        uint64_t one = 1;
        if (write(worker->wake, &one, sizeof(one)) < 0)
                return; /* full: it is awake */
}

void worker_interrupt(Worker *worker) {
        atomic_store(&worker->stop, true);
        wake(worker);
}

void worker_make_way(Worker *worker) {
        if (!atomic_exchange(&worker->way, true))
                wake(worker);
}

Status worker_parse(Worker *worker, Str sql, Arena *arena, Str *out_json, Error *err) {
        CLEANUP(buf_deinit) Buf payload = { 0 };
        Call call = { .reply = MESSAGE_TREE };
        Message reply;
        buf_lstr(&payload, sql);
        TRY(ask(worker, MESSAGE_PARSE, &payload, NULL, 0, &call, sql, &reply, err));
        Cursor cursor = cursor_of(reply.payload);
        Str json = cursor_str(&cursor);
        if (cursor.failed || cursor_left(&cursor) > 0 || !utf8_valid(json))
                return reply_broken(worker, reply.type, err);
        *out_json = arena_str(arena, json);
        return STATUS_OK;
}

static bool read_columns(Cursor *cursor, Arena *arena, WorkerColumn **out, size_t *out_count) {
        size_t count = cursor_count(cursor, 8);
        WorkerColumn *columns = ARENA_ARRAY(arena, WorkerColumn, count);
        for (size_t i = 0; i < count; i++) {
                Str name = cursor_str(cursor), type = cursor_str(cursor);
                if (cursor->failed || !utf8_valid(name) || !utf8_valid(type))
                        return false;
                columns[i].name = arena_str(arena, name);
                columns[i].engine_type = arena_str(arena, type);
                columns[i].has_type = type_parse_duckdb(arena, columns[i].engine_type, &columns[i].type);
        }
        *out = columns;
        *out_count = count;
        return !cursor->failed;
}

Status worker_prepare(Worker *worker, Str sql, Arena *arena, WorkerColumns *out, Error *err) {
        CLEANUP(buf_deinit) Buf payload = { 0 };
        Call call = { .reply = MESSAGE_COLUMNS };
        Message reply;
        buf_lstr(&payload, sql);
        TRY(ask(worker, MESSAGE_PREPARE, &payload, NULL, 0, &call, STR_NONE, &reply, err));
        Cursor cursor = cursor_of(reply.payload);
        WorkerColumns columns;
        if (!read_columns(&cursor, arena, &columns.items, &columns.count) ||
            !read_columns(&cursor, arena, &columns.parameters, &columns.parameter_count) || cursor_left(&cursor) > 0)
                return reply_broken(worker, reply.type, err);
        *out = columns;
        return STATUS_OK;
}

/* Flattening functions for these types, and the mask key unless it is empty. */
static Status send_definitions(Worker *worker, const Str *types, size_t count, Str key, Error *err) {
        CLEANUP(buf_deinit) Buf payload = { 0 };
        buf_u32(&payload, (uint32_t)count);
        for (size_t i = 0; i < count; i++)
                buf_lstr(&payload, types[i]);
        buf_lstr(&payload, key);
        Call call = { .reply = MESSAGE_DONE };
        Message reply;
        return ask(worker, MESSAGE_DEFINE, &payload, NULL, 0, &call, STR_NONE, &reply, err);
}

Status worker_define(Worker *worker, const Type *types, size_t count, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Str *missing = ARENA_ARRAY(&arena, Str, count);
        size_t missing_count = 0;
        for (size_t i = 0; i < count; i++) {
                Str text = type_print_duckdb(&arena, types[i]);
                bool flat = types[i].kind != TYPE_DECIMAL && !type_is_nested(types[i]);
                if (!flat && !map_has(&worker->defined, text))
                        missing[missing_count++] = text;
        }
        if (missing_count == 0)
                return STATUS_OK;
        TRY(send_definitions(worker, missing, missing_count, STR_NONE, err));
        for (size_t i = 0; i < missing_count; i++)
                map_put(&worker->defined, missing[i], worker);
        return STATUS_OK;
}

Status worker_zone(Worker *worker, const TimeZone *zone, Error *err) {
        CLEANUP(buf_deinit) Buf payload = { 0 };
        if (str_is(zone->name, worker->zone))
                return STATUS_OK;
        if (zone->name.size >= sizeof(worker->zone))
                return error_set(err, STATUS_BAD_VALUE, "a time zone's name of %zu bytes", zone->name.size);
        buf_lstr(&payload, zone->name.size > 0 ? zone->name : STR("UTC"));
        buf_u32(&payload, (uint32_t)zone->offset);
        buf_lstr(&payload, zone->bytes);
        Call call = { .reply = MESSAGE_DONE };
        Message reply;
        TRY(ask(worker, MESSAGE_ZONE, &payload, NULL, 0, &call, STR_NONE, &reply, err));
        snprintf(worker->zone, sizeof(worker->zone), "%.*s", STR_ARG(zone->name));
        return STATUS_OK;
}

Status worker_define_hash(Worker *worker, Str key, Error *err) {
        if (map_has(&worker->defined, STR("hash")))
                return STATUS_OK;
        TRY(send_definitions(worker, NULL, 0, key, err));
        map_put(&worker->defined, STR("hash"), worker);
        return STATUS_OK;
}

/* Files */

static bool is_link_of(const char *link, const char *path) {
        struct stat one, other;
        return stat(link, &one) == 0 && stat(path, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* A file has the same name each time, so that a statement asked again has the same text and finds its plan and what was read. */
Status worker_grant(Worker *worker, const char *path, Arena *arena, const char **out_path, Error *err) {
        const char *granted = arena_printf(arena, "%s/g/%016llx.parquet", worker->folder, (unsigned long long)hash64(str_of(path)));
        /* By descriptor would follow a symbolic link; by path it links the link, which the box does not follow. */
        if (link(path, granted) < 0 && (errno != EEXIST || !is_link_of(granted, path))) {
                error_errno(err, errno, "cannot hand '%s' to a worker", path);
                if (errno == EXDEV)
                        return error_hint(err, "the store's data and its run folder must lie on one file system");
                return err->status;
        }
        worker->has_grants = true;
        *out_path = granted;
        return STATUS_OK;
}

Status worker_new_file(Worker *worker, Arena *arena, int *out_fd, const char **out_path, Error *err) {
        const char *path = arena_printf(arena, "%s/g/%016llx.parquet", worker->folder, (unsigned long long)random_u64());
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0)
                return error_errno(err, errno, "cannot write '%s' for a worker", path);
        worker->has_grants = true;
        *out_fd = fd;
        *out_path = path;
        return STATUS_OK;
}

Status worker_named_file(Worker *worker, uint64_t name, Arena *arena, int *out_fd, const char **out_path, Error *err) {
        const char *path = arena_printf(arena, "%s/g/%016llx.parquet", worker->folder, (unsigned long long)name);
        *out_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (*out_fd < 0 && errno != EEXIST)
                return error_errno(err, errno, "cannot write '%s' for a worker", path);
        worker->has_grants = true;
        *out_path = path;
        return STATUS_OK;
}

static void empty_folder(const Worker *worker, const char *part) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        const char *folder = path_join(&arena, worker->folder, part);
        DirEntry *entries;
        size_t count;
        Error err;
        if (dir_list(folder, &arena, &entries, &count, &err) != STATUS_OK)
                return;
        for (size_t i = 0; i < count; i++)
                (void)unlink(path_join(&arena, folder, arena_cstr(&arena, entries[i].name)));
}

void worker_revoke_all(Worker *worker) {
        if (worker->has_grants)
                empty_folder(worker, "g");
        worker->has_grants = false;
}

void worker_clean(Worker *worker) {
        worker_revoke_all(worker);
        if (worker->has_files)
                empty_folder(worker, "out");
        worker->has_files = false;
}

static const struct {
        const char *engine;
        Type type;
} TABLE_TYPES[] = {
        { "TINYINT", { .kind = TYPE_INT } },
        { "SMALLINT", { .kind = TYPE_INT } },
        { "UTINYINT", { .kind = TYPE_INT } },
        { "USMALLINT", { .kind = TYPE_INT } },
        { "UINTEGER", { .kind = TYPE_BIGINT } },
        { "UBIGINT", { .kind = TYPE_DECIMAL, .precision = 20 } },
        { "HUGEINT", { .kind = TYPE_DECIMAL, .precision = 38 } },
        { "UHUGEINT", { .kind = TYPE_DECIMAL, .precision = 38 } },
        { "TIMESTAMP_S", { .kind = TYPE_TIMESTAMP } },
        { "TIMESTAMP_MS", { .kind = TYPE_TIMESTAMP } },
        { "TIMESTAMP_NS", { .kind = TYPE_TIMESTAMP } },
        { "ENUM", { .kind = TYPE_TEXT } },
        { "JSON", { .kind = TYPE_TEXT } },
        { "BIT", { .kind = TYPE_TEXT } },
};

Status worker_table_type(const WorkerColumn *column, Arena *arena UNUSED, Type *out, Error *err) {
        if (column->has_type) {
                *out = column->type;
                return STATUS_OK;
        }
        for (size_t i = 0; i < COUNT_OF(TABLE_TYPES); i++) {
                if (str_is(column->engine_type, TABLE_TYPES[i].engine)) {
                        *out = TABLE_TYPES[i].type;
                        return STATUS_OK;
                }
        }
        error_set(err, STATUS_SQL_TYPE, "column '%.*s' is of type %.*s, which no table can hold", STR_ARG(column->name),
                  STR_ARG(column->engine_type));
        return error_hint(err, "give it a type: CAST(%.*s AS text)", STR_ARG(column->name));
}

/* The text of COPY's FIELD_IDS: {'a': 1, 'l': {__duckdb_field_id: 2, 'element': 3}} */
static void append_field(Buf *out, Str name, int id, Type type) {
        buf_append_byte(out, '\'');
        for (size_t i = 0; i < name.size; i++) {
                if (name.data[i] == '\'')
                        buf_append_byte(out, '\'');
                buf_append_byte(out, name.data[i]);
        }
        buf_append_cstr(out, "': ");
        if (!type_is_nested(type)) {
                buf_printf(out, "%d", id);
                return;
        }
        buf_printf(out, "{__duckdb_field_id: %d", id);
        for (size_t i = 0; i < type.field_count; i++) {
                buf_append_cstr(out, ", ");
                append_field(out, type.fields[i].name, type.fields[i].id, type.fields[i].type);
        }
        buf_append_byte(out, '}');
}

static void build_request(Buf *payload, bool arrow, Str select, const WorkerBuildColumn *columns, size_t column_count) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(buf_deinit) Buf ids = { 0 };
        for (size_t i = 0; i < column_count && columns[i].field_id; i++) {
                buf_append_cstr(&ids, i ? ", " : "{");
                append_field(&ids, columns[i].name, columns[i].field_id, columns[i].type);
        }
        buf_append_cstr(&ids, ids.size ? "}" : "");
        buf_u8(payload, arrow);
        buf_lstr(payload, select);
        buf_lstr(payload, buf_view(&ids));
        buf_u32(payload, (uint32_t)column_count);
        for (size_t i = 0; i < column_count; i++) {
                buf_lstr(payload, columns[i].name);
                buf_lstr(payload, type_print_duckdb(&arena, columns[i].type));
        }
}

/* A name that the worker chose: digits and the ending, so that it cannot lead elsewhere; and a plain file is there. */
static bool file_is_good(const Worker *worker, Str name, const char *ending, const FileStatistics *statistics, Arena *arena,
                         const char **out_path) {
        Str number, rest;
        uint64_t ignored;
        struct stat st;
        if (!str_cut(name, '.', &number, &rest) || !str_is(rest, ending) || !str_to_uint64(number, &ignored))
                return false;
        *out_path = arena_printf(arena, "%s/out/%.*s", worker->folder, STR_ARG(name));
        return lstat(*out_path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == statistics->bytes;
}

static Status build(Worker *worker, bool arrow, Str select, const WorkerBuildColumn *columns, size_t column_count, Arena *arena,
                    WorkerFile **out_files, size_t *out_count, Error *err) {
        CLEANUP(buf_deinit) Buf payload = { 0 };
        Call call = { .reply = MESSAGE_FILES };
        Message reply;
        build_request(&payload, arrow, select, columns, column_count);
        worker->has_files = true;
        TRY(ask(worker, MESSAGE_BUILD, &payload, NULL, 0, &call, STR_NONE, &reply, err));
        Cursor cursor = cursor_of(reply.payload);
        uint32_t count = cursor_count(&cursor, 8);
        WorkerFile *files = ARENA_ARRAY(arena, WorkerFile, count);
        for (uint32_t i = 0; i < count; i++) {
                Str name = cursor_str(&cursor);
                if (cursor.failed || file_statistics_read(&cursor, arena, &files[i].statistics, err) != STATUS_OK ||
                    !file_is_good(worker, name, arrow ? "arrows" : "parquet", &files[i].statistics, arena, &files[i].path))
                        return reply_broken(worker, reply.type, err);
        }
        if (cursor.failed || cursor_left(&cursor) > 0)
                return reply_broken(worker, reply.type, err);
        *out_files = files;
        *out_count = count;
        return STATUS_OK;
}

Status worker_build(Worker *worker, Str select, const WorkerBuildColumn *columns, size_t column_count, Arena *arena,
                    WorkerFile **out_files, size_t *out_count, Error *err) {
        return build(worker, false, select, columns, column_count, arena, out_files, out_count, err);
}

Status worker_build_arrow(Worker *worker, Str select, const WorkerBuildColumn *columns, size_t column_count, Arena *arena, WorkerFile *out, Error *err) {
        WorkerFile *files;
        size_t count;
        TRY(build(worker, true, select, columns, column_count, arena, &files, &count, err));
        if (count != 1)
                return reply_broken(worker, MESSAGE_FILES, err);
        *out = files[0];
        return STATUS_OK;
}

static Status ask_about_file(Worker *worker, MessageType type, Call *call, Str request, const int *fds, size_t fd_count,
                             Arena *arena, Str *out_reply, Error *err) {
        CLEANUP(buf_deinit) Buf payload = { 0 };
        Message reply;
        buf_append(&payload, request);
        TRY(ask(worker, type, &payload, fds, fd_count, call, STR_NONE, &reply, err));
        *out_reply = arena_str(arena, reply.payload);
        return STATUS_OK;
}

Status worker_sniff(Worker *worker, Str request, const int *fds, size_t fd_count, Arena *arena, Str *out_reply,
                    Error *err) {
        Call call = { .reply = MESSAGE_SNIFFED };
        return ask_about_file(worker, MESSAGE_SNIFF, &call, request, fds, fd_count, arena, out_reply, err);
}

Status worker_locate(Worker *worker, Str request, const int *fds, size_t fd_count, Arena *arena, Str *out_reply,
                     Error *err) {
        Call call = { .reply = MESSAGE_LOCATED };
        return ask_about_file(worker, MESSAGE_LOCATE, &call, request, fds, fd_count, arena, out_reply, err);
}

Status worker_try(Worker *worker, Str request, const int *fds, size_t fd_count, Arena *arena, Str *out_reply, Error *err) {
        Call call = { .reply = MESSAGE_TRIED };
        return ask_about_file(worker, MESSAGE_TRY, &call, request, fds, fd_count, arena, out_reply, err);
}

Status worker_unpack(Worker *worker, const int *fds, size_t fd_count, Arena *arena, Str *out_reply, Error *err) {
        Call call = { .reply = MESSAGE_UNPACKED };
        return ask_about_file(worker, MESSAGE_UNPACK, &call, STR_NONE, fds, fd_count, arena, out_reply, err);
}

Status worker_review(Worker *worker, Str request, const int *fds, size_t fd_count, Arena *arena, Str *out_reply, Error *err) {
        Call call = { .reply = MESSAGE_REVIEWED };
        return ask_about_file(worker, MESSAGE_REVIEW, &call, request, fds, fd_count, arena, out_reply, err);
}

Status worker_stage(Worker *worker, Str request, const int *fds, size_t fd_count, WorkerProgress on_progress,
                    void *context, Arena *arena, Str *out_reply, Error *err) {
        Call call = { .reply = MESSAGE_STAGED, .progress = on_progress, .context = context };
        return ask_about_file(worker, MESSAGE_STAGE, &call, request, fds, fd_count, arena, out_reply, err);
}
