/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lode-worker: runs SQL and reads users' files for `lode`, in a box. Started by a WorkerPool only:
 *
 *      lode-worker FOLDER MEMORY_BYTES THREADS ADDRESS_BYTES PARENT box|nobox       descriptors 3 control, 4 rows
 *
 * Two threads: the reader takes messages, parses texts and hands every other request to the runner, one at a time,
 * so that an INTERRUPT is heard while a statement runs. Whatever breaks the protocol, and the end of `lode`, end the
 * process at once; nothing here is worth saving.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "base/reason.h"
#include "base/thread.h"
#include "engine/stage_message.h"
#include "worker/box.h"
#include "worker/build.h"
#include "worker/cell.h"
#include "worker/flatten.h"
#include "worker/mask_hash.h"
#include "worker/locate.h"
#include "worker/parse.h"
#include "worker/review.h"
#include "worker/rows.h"
#include "worker/sleep.h"
#include "worker/sniff.h"
#include "worker/stage.h"
#include "worker/trial.h"
#include "engine/unpack_message.h"
#include "worker/unpack.h"

enum { CONTROL = 3, ROWS = 4, FIRST_OTHER = 5 };
enum { EXIT_PROTOCOL = 70, EXIT_ENGINE = 71, EXIT_START = 72 }; /* for the log only; lode looks at signals */

typedef struct Request {
        Message message;
        Buf bytes; /* holds the payload */
        int fds[MESSAGE_DESCRIPTORS_MAX];
        size_t fd_count;
} Request;

typedef struct Server {
        const char *folder;
        Engine engine;
        Stager *stager;
        pthread_mutex_t sending;   /* of the control socket */
        atomic_ullong interrupted; /* the statement that is to stop */
        pthread_mutex_t handing;
        pthread_cond_t handed;
        bool busy; /* the runner has `request` */
        Request request;
} Server;

/* Replies */

static void send_reply(Server *server, MessageType type, uint64_t statement, Str payload) {
        Error err = { 0 };
        pthread_mutex_lock(&server->sending);
        Status status = message_send(CONTROL, type, 0, statement, payload, NULL, 0, &err);
        pthread_mutex_unlock(&server->sending);
        if (status != STATUS_OK)
                _exit(EXIT_PROTOCOL);
}

static void reply_failure(Server *server, uint64_t statement, const Failure *failure) {
        CLEANUP(buf_deinit) Buf payload = { 0 };
        failure_write(&payload, failure);
        send_reply(server, MESSAGE_FAIL, statement, buf_view(&payload));
        if (engine_is_broken(failure))
                _exit(EXIT_ENGINE);
}

static void reply_error(Server *server, uint64_t statement, const Error *err) {
        Failure failure = failure_of_error(err);
        reply_failure(server, statement, &failure);
}

static void reply(Server *server, MessageType type, uint64_t statement, const Buf *payload) {
        if (!payload->failed && payload->size <= MESSAGE_CONTROL_MAX) {
                send_reply(server, type, statement, buf_view(payload));
                return;
        }
        reply_failure(server, statement, &(Failure){ .kind = FAILURE_UNSENDABLE, .position = -1 });
}

/* Requests that the runner serves */

static Str sql_of(const Request *request) {
        Cursor cursor = cursor_of(request->message.payload);
        Str sql = cursor_str(&cursor);
        if (cursor.failed || cursor_left(&cursor) > 0)
                _exit(EXIT_PROTOCOL);
        return sql;
}

/* Only what answers with rows runs; everything else has a message of its own. */
static bool prepare_select(Server *server, Str sql, Arena *arena, Failure *failure) {
        if (!engine_prepare(&server->engine, sql, arena, failure))
                return false;
        if (duckdb_prepared_statement_type(server->engine.prepared) != DUCKDB_STATEMENT_TYPE_SELECT) {
                *failure = (Failure){ .kind = FAILURE_NOT_SELECT, .position = -1 };
                return false;
        }
        return rows_can_send(server->engine.prepared, arena, failure);
}

/* What the engine can tell of each parameter; it tells nothing of one whose place fits every type. */
static void append_parameters(Buf *out, duckdb_prepared_statement prepared, Arena *arena) {
        idx_t count = duckdb_nparams(prepared);
        buf_u32(out, (uint32_t)count);
        for (idx_t i = 1; i <= count; i++) {
                CLEANUP(engine_type_deinit) duckdb_logical_type type = duckdb_param_logical_type(prepared, i);
                const char *name = duckdb_parameter_name(prepared, i);
                bool known = type && duckdb_get_type_id(type) != DUCKDB_TYPE_INVALID && duckdb_get_type_id(type) != DUCKDB_TYPE_SQLNULL;
                buf_lstr(out, str_of(name));
                buf_lstr(out, known ? engine_type_name(type, arena) : STR_NONE);
                duckdb_free((void *)(uintptr_t)name);
        }
}

static void serve_prepare(Server *server, const Request *request, Arena *arena) {
        Failure failure;
        if (!prepare_select(server, sql_of(request), arena, &failure)) {
                reply_failure(server, request->message.statement, &failure);
                return;
        }
        CLEANUP(buf_deinit) Buf payload = { 0 };
        duckdb_prepared_statement prepared = server->engine.prepared;
        idx_t count = duckdb_prepared_statement_column_count(prepared);
        buf_u32(&payload, (uint32_t)count);
        for (idx_t i = 0; i < count; i++) {
                CLEANUP(engine_type_deinit)
                duckdb_logical_type type = duckdb_prepared_statement_column_logical_type(prepared, i);
                const char *name = duckdb_prepared_statement_column_name(prepared, i);
                buf_lstr(&payload, str_of(name));
                buf_lstr(&payload, engine_type_name(type, arena));
                duckdb_free((void *)(uintptr_t)name);
        }
        append_parameters(&payload, prepared, arena);
        reply(server, MESSAGE_COLUMNS, request->message.statement, &payload);
}

static void serve_execute(Server *server, const Request *request, Arena *arena) {
        Failure failure;
        Error err;
        ExecuteSpec spec;
        if (execute_spec_read(request->message.payload, arena, &spec, &err) != STATUS_OK)
                _exit(EXIT_PROTOCOL);
        RowsSink sink = { .socket = ROWS,
                          .statement = request->message.statement,
                          .interrupted = &server->interrupted };
        if (!prepare_select(server, spec.sql, arena, &failure) ||
            !rows_send(&server->engine, &spec, &sink, arena, &failure)) {
                reply_failure(server, request->message.statement, &failure);
                return;
        }
        CLEANUP(buf_deinit) Buf payload = { 0 };
        buf_u64(&payload, sink.rows);
        buf_u64(&payload, sink.frames);
        reply(server, MESSAGE_DONE, request->message.statement, &payload);
}

static void serve_define(Server *server, const Request *request, Arena *arena) {
        Cursor cursor = cursor_of(request->message.payload);
        uint32_t count = cursor_count(&cursor, 4);
        for (uint32_t i = 0; i < count; i++) {
                Failure failure;
                Str type = cursor_str(&cursor);
                if (cursor.failed)
                        _exit(EXIT_PROTOCOL);
                if (!flatten_define(&server->engine, type, arena, &failure)) {
                        reply_failure(server, request->message.statement, &failure);
                        return;
                }
        }
        Str key = cursor_str(&cursor);
        if (cursor.failed || cursor_left(&cursor) > 0)
                _exit(EXIT_PROTOCOL);
        if (key.size > 0 && !mask_hash_define(&server->engine, key)) {
                reply_failure(server, request->message.statement, &(Failure){ .kind = FAILURE_NO_TYPE, .position = -1 });
                return;
        }
        CLEANUP(buf_deinit) Buf payload = { 0 };
        buf_u64(&payload, 0);
        buf_u64(&payload, 0);
        reply(server, MESSAGE_DONE, request->message.statement, &payload);
}

/* Names are of the tz database or GMT+hh:mm, so none has a quote; one that had would end here. */
static bool is_zone_name(Str name) {
        for (size_t i = 0; i < name.size; i++)
                if (name.data[i] == '\'' || (unsigned char)name.data[i] < ' ')
                        return false;
        return name.size > 0;
}

/* For the engine by name, for what prints its timestamps by the zone's own bytes; both or neither. */
static bool use_zone(Server *server, Str name, int32_t offset, Str bytes, Arena *arena, Failure *failure) {
        static Arena kept; /* the zone in use */
        CLEANUP(arena_deinit) Arena fresh = { 0 };
        Error err = { 0 };
        const Zone *zone = NULL;
        if (bytes.size == 0) {
                zone = zone_fixed(&fresh, offset);
        } else if (zone_parse(bytes, &fresh, &zone, &err) != STATUS_OK) {
                *failure = (Failure){ .kind = FAILURE_NOT_SUPPORTED, .position = -1 }; /* lode read it before it sent it */
                return false;
        }
        if (!engine_run(&server->engine, server->engine.run, arena_strf(arena, "SET TimeZone='%.*s'", STR_ARG(name)), arena, failure))
                return false;
        cell_use_zone(zone);
        Arena old = kept;
        kept = fresh;
        fresh = old;
        return true;
}

static void serve_zone(Server *server, const Request *request, Arena *arena) {
        Failure failure;
        Cursor cursor = cursor_of(request->message.payload);
        Str name = cursor_str(&cursor);
        int32_t offset = (int32_t)cursor_u32(&cursor);
        Str bytes = cursor_str(&cursor);
        if (cursor.failed || !is_zone_name(name))
                _exit(EXIT_PROTOCOL);
        if (!use_zone(server, name, offset, bytes, arena, &failure)) {
                reply_failure(server, request->message.statement, &failure);
                return;
        }
        CLEANUP(buf_deinit) Buf payload = { 0 };
        buf_u64(&payload, 0);
        buf_u64(&payload, 0);
        reply(server, MESSAGE_DONE, request->message.statement, &payload);
}

static void serve_build(Server *server, const Request *request, Arena *arena) {
        BuildSpec spec;
        BuildFile file;
        Failure failure;
        if (!build_spec_read(request->message.payload, arena, &spec))
                _exit(EXIT_PROTOCOL);
        spec.number = request->message.statement;
        spec.interrupted = &server->interrupted;
        if (!build_run(&server->engine, server->folder, &spec, arena, &file, &failure)) {
                reply_failure(server, request->message.statement, &failure);
                return;
        }
        CLEANUP(buf_deinit) Buf payload = { 0 };
        buf_u32(&payload, 1);
        buf_lstr(&payload, file.name);
        file_statistics_write(&payload, &file.statistics);
        reply(server, MESSAGE_FILES, request->message.statement, &payload);
}

static void serve_sniff(Server *server, const Request *request, Arena *arena) {
        SniffSpec spec;
        SniffResult result;
        Error err = { 0 };
        if (request->fd_count != 1 || sniff_spec_read(request->message.payload, arena, &spec, &err) != STATUS_OK)
                _exit(EXIT_PROTOCOL);
        if (sniff_run(&spec, request->fds[0], arena, &result, &err) != STATUS_OK) {
                reply_error(server, request->message.statement, &err);
                return;
        }
        CLEANUP(buf_deinit) Buf payload = { 0 };
        sniff_result_write(&payload, &result);
        reply(server, MESSAGE_SNIFFED, request->message.statement, &payload);
}

static void serve_locate(Server *server, const Request *request, Arena *arena) {
        LocateSpec spec;
        LocateResult result;
        Error err = { 0 };
        if (request->fd_count != 1 || locate_spec_read(request->message.payload, arena, &spec, &err) != STATUS_OK)
                _exit(EXIT_PROTOCOL);
        if (locate_run(&spec, request->fds[0], arena, &result, &err) != STATUS_OK) {
                reply_error(server, request->message.statement, &err);
                return;
        }
        CLEANUP(buf_deinit) Buf payload = { 0 };
        locate_result_write(&payload, &result);
        reply(server, MESSAGE_LOCATED, request->message.statement, &payload);
}

static void serve_try(Server *server, const Request *request, Arena *arena) {
        TrialSpec spec;
        TrialResult result;
        Error err = { 0 };
        if (request->fd_count != 1 || trial_spec_read(request->message.payload, arena, &spec, &err) != STATUS_OK)
                _exit(EXIT_PROTOCOL);
        if (trial_run(&spec, request->fds[0], arena, &result, &err) != STATUS_OK) {
                reply_error(server, request->message.statement, &err);
                return;
        }
        CLEANUP(buf_deinit) Buf payload = { 0 };
        trial_result_write(&payload, &result);
        reply(server, MESSAGE_TRIED, request->message.statement, &payload);
}

static void serve_unpack(Server *server, const Request *request, Arena *arena) {
        Archive archive;
        Error err = { 0 };
        if (request->fd_count != 2 || request->message.payload.size > 0)
                _exit(EXIT_PROTOCOL);
        if (unpack_run(request->fds[0], request->fds[1], arena, &archive, &err) != STATUS_OK) {
                reply_error(server, request->message.statement, &err);
                return;
        }
        CLEANUP(buf_deinit) Buf payload = { 0 };
        archive_write(&payload, &archive);
        reply(server, MESSAGE_UNPACKED, request->message.statement, &payload);
}

static void serve_review(Server *server, const Request *request, Arena *arena) {
        ReviewSpec spec;
        ReviewResult result;
        Error err = { 0 };
        if (request->fd_count != 2 || review_spec_read(request->message.payload, arena, &spec, &err) != STATUS_OK)
                _exit(EXIT_PROTOCOL);
        if (review_run(&spec, request->fds[0], request->fds[1], arena, &result, &err) != STATUS_OK) {
                reply_error(server, request->message.statement, &err);
                return;
        }
        CLEANUP(buf_deinit) Buf payload = { 0 };
        review_result_write(&payload, &result);
        reply(server, MESSAGE_REVIEWED, request->message.statement, &payload);
}

static bool report_progress(void *context, uint64_t bytes_read) {
        Server *server = context;
        uint64_t statement = server->request.message.statement;
        CLEANUP(buf_deinit) Buf payload = { 0 };
        buf_u64(&payload, bytes_read);
        reply(server, MESSAGE_PROGRESS, statement, &payload);
        return atomic_load(&server->interrupted) != statement;
}

static void serve_stage(Server *server, const Request *request, Arena *arena) {
        StageSpec spec;
        StageResult result;
        Error err = { 0 };
        if (request->fd_count != 3 || stage_spec_read(request->message.payload, arena, &spec, &err) != STATUS_OK)
                _exit(EXIT_PROTOCOL);
        if (!server->stager)
                server->stager = stager_new();
        StageFiles files = { .in = request->fds[0], .data = request->fds[1], .quarantine = request->fds[2] };
        StageProgress progress = { .report = report_progress, .context = server };
        if (stage_run(server->stager, &spec, files, progress, arena, &result, &err) != STATUS_OK) {
                reply_error(server, request->message.statement, &err);
                return;
        }
        CLEANUP(buf_deinit) Buf payload = { 0 };
        stage_result_write(&payload, &result);
        reply(server, MESSAGE_STAGED, request->message.statement, &payload);
}

static const struct {
        MessageType type;
        void (*serve)(Server *server, const Request *request, Arena *arena);
} SERVICES[] = {
        { MESSAGE_PREPARE, serve_prepare }, { MESSAGE_EXECUTE, serve_execute }, { MESSAGE_DEFINE, serve_define },
        { MESSAGE_BUILD, serve_build },     { MESSAGE_SNIFF, serve_sniff },     { MESSAGE_STAGE, serve_stage },
        { MESSAGE_LOCATE, serve_locate },   { MESSAGE_ZONE, serve_zone },
        { MESSAGE_TRY, serve_try },         { MESSAGE_REVIEW, serve_review },         { MESSAGE_UNPACK, serve_unpack },
};

static void serve(Server *server, const Request *request) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        for (size_t i = 0; i < COUNT_OF(SERVICES); i++) {
                if (SERVICES[i].type == request->message.type) {
                        SERVICES[i].serve(server, request, &arena);
                        return;
                }
        }
        _exit(EXIT_PROTOCOL);
}

/* The two threads */

static void request_clear(Request *request) {
        for (size_t i = 0; i < request->fd_count; i++)
                close_fdp(&request->fds[i]);
        request->fd_count = 0;
        if (request->bytes.capacity > 1u << 20) /* a big one is rare; do not keep its memory */
                buf_deinit(&request->bytes);
}

static void *runner(void *context) {
        Server *server = context;
        for (;;) {
                pthread_mutex_lock(&server->handing);
                while (!server->busy)
                        pthread_cond_wait(&server->handed, &server->handing);
                pthread_mutex_unlock(&server->handing);

                /* The request is ours until busy falls. */
                serve(server, &server->request);
                request_clear(&server->request);
                pthread_mutex_lock(&server->handing);
                server->busy = false;
                pthread_cond_broadcast(&server->handed);
                pthread_mutex_unlock(&server->handing);
        }
        return NULL;
}

/* lode sends the next request when it has read a reply, which may be a moment before the runner is idle: wait. */
static void hand_over(Server *server, Request *request) {
        pthread_mutex_lock(&server->handing);
        while (server->busy)
                pthread_cond_wait(&server->handed, &server->handing);
        Request old = server->request;
        server->request = *request;
        *request = old; /* its buffer is used for the next message */
        server->busy = true;
        pthread_cond_broadcast(&server->handed);
        pthread_mutex_unlock(&server->handing);
}

static void serve_parse(Server *server, const Request *request) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Failure failure;
        Str json;
        if (!parse_sql(&server->engine, sql_of(request), &arena, &json, &failure)) {
                reply_failure(server, request->message.statement, &failure);
                return;
        }
        CLEANUP(buf_deinit) Buf payload = { 0 };
        buf_lstr(&payload, json);
        reply(server, MESSAGE_TREE, request->message.statement, &payload);
}

static void take(Server *server, Request *request) {
        switch (request->message.type) {
        case MESSAGE_PARSE:
                serve_parse(server, request);
                request_clear(request);
                break;
        case MESSAGE_INTERRUPT:
                atomic_store(&server->interrupted, request->message.statement);
                engine_interrupt(&server->engine);
                request_clear(request);
                break;
        default:
                hand_over(server, request);
                break;
        }
}

static NORETURN void read_for_ever(Server *server) {
        Request request = { 0 };
        for (;;) {
                Error err = { 0 };
                Status status = message_receive(CONTROL, MESSAGE_CONTROL_MAX, &request.bytes, &request.message,
                                                request.fds, &request.fd_count, &err);
                if (status != STATUS_OK)
                        _exit(status == STATUS_WORKER_LOST ? 0 : EXIT_PROTOCOL);
                take(server, &request);
        }
}

/* Start */

typedef struct Arguments {
        const char *folder;
        int64_t memory, threads, address, parent;
        bool boxed;
} Arguments;

static bool arguments_read(int argc, char **argv, Arguments *out) {
        if (argc != 7)
                return false;
        *out = (Arguments){ .folder = argv[1], .boxed = strcmp(argv[6], "nobox") != 0 };
        return str_to_int64(str_of(argv[2]), &out->memory) && str_to_int64(str_of(argv[3]), &out->threads) &&
               str_to_int64(str_of(argv[4]), &out->address) && str_to_int64(str_of(argv[5]), &out->parent) &&
               out->memory > 0 && out->threads > 0 && out->address >= 0;
}

static Status start(const Arguments *arguments, Server *server, Error *err) {
        TRY(box_enter(&(BoxOptions){ .folder = arguments->folder,
                                     .address_limit = (uint64_t)arguments->address,
                                     .parent = (int)arguments->parent,
                                     .limits_only = !arguments->boxed },
                      err));
        TRY(engine_open(&(EngineOptions){ .folder = arguments->folder,
                                          .memory_limit = (uint64_t)arguments->memory,
                                          .threads = (int)arguments->threads },
                        &server->engine, err));
        TRY(flatten_define_all(&server->engine, err));
        TRY(sleep_define(&server->engine, err));
        pthread_t thread;
        int failed = thread_begin(&thread, runner, server);
        if (failed)
                return error_reason(err, THREAD, reason_errno(failed));
        return STATUS_OK;
}

/* A worker syncs nothing, so it is memory that it lacks. */
static void end_without_memory(const Error *err UNUSED) {
        _exit(WORKER_EXIT_MEMORY);
}

int main(int argc, char **argv) {
        process_end_teller(end_without_memory);
        signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is an error of the write */
        Arguments arguments;
        if (!arguments_read(argc, argv, &arguments) || fcntl(CONTROL, F_GETFD) < 0 || fcntl(ROWS, F_GETFD) < 0) {
                fputs("lode-worker is started by lode; it does nothing by itself\n", stderr);
                return 2;
        }
        syscall(SYS_close_range, FIRST_OTHER, ~0u, 0);
        /* What the engine or a library would say there is for no terminal: it may hold anybody's bytes. What a
         * sanitizer says is for the developer. */
        int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (nowhere >= 0) {
                dup2(nowhere, STDOUT_FILENO);
                if (!SANITIZED)
                        dup2(nowhere, STDERR_FILENO);
                close(nowhere);
        }
        static Server server = { .sending = PTHREAD_MUTEX_INITIALIZER,
                                 .handing = PTHREAD_MUTEX_INITIALIZER,
                                 .handed = PTHREAD_COND_INITIALIZER };
        server.folder = arguments.folder;
        Error err = { 0 };
        if (start(&arguments, &server, &err) != STATUS_OK) {
                reply_error(&server, 0, &err);
                return EXIT_START;
        }
        CLEANUP(buf_deinit) Buf payload = { 0 };
        buf_lstr(&payload, STR(PROTOCOL_BUILD));
        buf_lstr(&payload, STR(PROTOCOL_ENGINE_VERSION));
        reply(&server, MESSAGE_HELLO, 0, &payload);
        read_for_ever(&server);
}
