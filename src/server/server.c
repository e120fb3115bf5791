/* SPDX-License-Identifier: Apache-2.0 */
#include "server/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/time.h"
#include "server/reply.h"
#include "server/session.h"

#define LIGHT_THREADS 4
#define EVENTS_MOST 256
#define ACCEPTS_AT_ONCE 64
#define LOOK_MS 250               /* how often deadlines, and whether to stop, are looked at */
#define SPARE_WORKERS 8           /* beyond the statements: for portals that wait for their client */
#define PORTALS_MOST 4            /* open at once in one session */
#define SECOND 1000000

/* An address that clients connect to. */
typedef struct Listener {
        const char *host, *option;
        int wanted_port, port;
        int socket;
        bool is_http, is_loopback;
} Listener;

typedef enum ConnectionState { CONNECTION_IDLE, CONNECTION_QUEUED, CONNECTION_RUNNING, CONNECTION_ENDED } ConnectionState;

/* All of it under the server's lock, but the session's inside, which belongs to whoever runs it. */
typedef struct Connection {
        Session *session;
        ConnectionState state;
        bool is_http;
        bool expired;                    /* to be told so by the next thread */
        struct Connection *next_in_line; /* in a queue, or among the ended */
        struct Connection *before, *after; /* of all */
} Connection;

typedef struct Line { /* first in, first out */
        Connection *first, *last;
        size_t length, running;
        pthread_cond_t filled;
} Line;

typedef struct Group {
        Line line;
        bool heavy;
} Group;

typedef struct Thread {
        Server *server;
        Group *group;
        pthread_t id;
} Thread;

struct Server {
        ServerOptions options;
        SessionHost host;
        atomic_size_t held;
        Arena arena;
        Store *store;
        TlsContext *tls, *http_tls;
        Metrics metrics;
        int64_t started_us;
        Audit *audit;
        pthread_mutex_t audit_lock;
        bool audit_dirty;
        const char *ca;
        int events, wake; /* wake: an eventfd; there is something ended, or to stop */
        Listener listeners[2];
        size_t listener_count;
        Thread *threads;
        size_t thread_count;
        pthread_mutex_t lock;
        Group light, heavy;
        Connection *connections, *ended;
        size_t connection_count, http_count;
        uint32_t next_process;
        bool stopping;
};

/* ---- what sessions share ---- */

static Status write_audit(void *context, const AuditRecord *record, bool durable, Error *err) {
        Server *server = context;
        CLEANUP(arena_deinit) Arena arena = { 0 };
        pthread_mutex_lock(&server->audit_lock);
        Status status = audit_record(server->audit, record, &arena, NULL, err);
        if (status == STATUS_OK && durable)
                audit_sync(server->audit);
        server->audit_dirty = status == STATUS_OK && !durable;
        pthread_mutex_unlock(&server->audit_lock);
        return status;
}

static void sync_audit(Server *server) {
        pthread_mutex_lock(&server->audit_lock);
        if (server->audit_dirty)
                audit_sync(server->audit);
        server->audit_dirty = false;
        pthread_mutex_unlock(&server->audit_lock);
}

static void cancel_by_key(void *context, uint32_t process, Str key) {
        Server *server = context;
        pthread_mutex_lock(&server->lock);
        for (Connection *connection = server->connections; connection; connection = connection->after)
                if (session_process(connection->session) == process && session_key_is(connection->session, key))
                        session_cancel(connection->session);
        pthread_mutex_unlock(&server->lock);
}

static void tell_now(void *context, MetricsNow *out) {
        Server *server = context;
        *out = (MetricsNow){ .version = server->options.version, .started_us = server->started_us };
        worker_pool_counts(server->host.pool, &out->workers, &out->workers_busy);
        pthread_mutex_lock(&server->lock);
        out->connections[0] = server->connection_count - server->http_count;
        out->connections[1] = server->http_count;
        out->queued = server->heavy.line.length;
        out->running = server->heavy.line.running;
        pthread_mutex_unlock(&server->lock);
}

/* ---- queues; under the lock ---- */

static void queue(Group *group, Connection *connection) {
        Line *line = &group->line;
        connection->state = CONNECTION_QUEUED;
        connection->next_in_line = NULL;
        if (line->last)
                line->last->next_in_line = connection;
        else
                line->first = connection;
        line->last = connection;
        line->length++;
        pthread_cond_signal(&line->filled);
}

static Connection *unqueue(Line *line) {
        Connection *connection = line->first;
        line->first = connection->next_in_line;
        if (!line->first)
                line->last = NULL;
        connection->state = CONNECTION_RUNNING;
        line->length--;
        line->running++;
        return connection;
}

/* ---- threads ---- */

static void wake_loop(Server *server) {
        uint64_t one = 1;
        if (write(server->wake, &one, sizeof(one)) < 0)
                return; /* full: it is awake */
}

/* One event, then nothing until it is armed again. */
static void arm(Server *server, Connection *connection, uint32_t events) {
        struct epoll_event event = { .events = events | EPOLLONESHOT | EPOLLRDHUP, .data.ptr = connection };
        (void)epoll_ctl(server->events, EPOLL_CTL_MOD, session_socket(connection->session), &event);
}

/* Only the loop frees: it may hold an event of it still. */
static void end_connection(Server *server, Connection *connection) {
        connection->state = CONNECTION_ENDED;
        connection->next_in_line = server->ended;
        server->ended = connection;
        wake_loop(server);
}

/* What becomes of it now. Under the lock: the loop must not see an event before the state is right. */
static void dispatch(Server *server, Connection *connection, SessionWant want) {
        connection->state = CONNECTION_IDLE;
        switch (want) {
        case SESSION_WANTS_BYTES:
                arm(server, connection, EPOLLIN);
                break;
        case SESSION_WANTS_OUT:
                arm(server, connection, EPOLLOUT);
                break;
        case SESSION_WANTS_WORKER:
                queue(&server->heavy, connection);
                arm(server, connection, 0); /* a client that hangs up ends what it asked for */
                break;
        case SESSION_ENDED:
                end_connection(server, connection);
                break;
        }
}

static SessionWant run_session(Connection *connection, const SessionThread *thread, bool expired) {
        if (!expired)
                return session_run(connection->session, thread);
        session_expire(connection->session);
        return SESSION_ENDED;
}

static void *thread_main(void *argument) {
        Thread *self = argument;
        Server *server = self->server;
        Line *line = &self->group->line;
        Error err;
        GrantCache grants = { 0 };
        CLEANUP(lake_freep) Lake *lake = NULL;
        if (lake_open(server->options.store, &lake, &err) != STATUS_OK)
                log_warn("server", "a thread cannot open the store: %s", err.message);
        pthread_mutex_lock(&server->lock);
        for (;;) {
                while (!line->first && !server->stopping)
                        pthread_cond_wait(&line->filled, &server->lock);
                if (!line->first)
                        break;
                Connection *connection = unqueue(line);
                bool expired = connection->expired;
                pthread_mutex_unlock(&server->lock);
                SessionThread thread = { .lake = lake, .grants = &grants, .has_worker = self->group->heavy };
                SessionWant want = lake ? run_session(connection, &thread, expired) : SESSION_ENDED;
                pthread_mutex_lock(&server->lock);
                line->running--;
                dispatch(server, connection, want);
        }
        pthread_mutex_unlock(&server->lock);
        arena_deinit(&grants.arena);
        return NULL;
}

static void start_threads(Server *server) {
        server->thread_count = LIGHT_THREADS + server->options.statements;
        server->threads = ARENA_ARRAY(&server->arena, Thread, server->thread_count);
        for (size_t i = 0; i < server->thread_count; i++) {
                Thread *thread = &server->threads[i];
                *thread = (Thread){ .server = server, .group = i < LIGHT_THREADS ? &server->light : &server->heavy };
                if (pthread_create(&thread->id, NULL, thread_main, thread) != 0)
                        panic("cannot start a thread");
        }
}

static void end_threads(Server *server) {
        pthread_mutex_lock(&server->lock);
        server->stopping = true;
        pthread_cond_broadcast(&server->light.line.filled);
        pthread_cond_broadcast(&server->heavy.line.filled);
        pthread_mutex_unlock(&server->lock);
        for (size_t i = 0; i < server->thread_count; i++)
                pthread_join(server->threads[i].id, NULL);
        server->thread_count = 0;
}

/* ---- the loop ---- */

static void add_connection(Server *server, int socket, bool is_local, bool is_http) {
        int yes = 1;
        Connection *connection = calloc(1, sizeof(*connection));
        if (!connection)
                out_of_memory();
        (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
        (void)setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
        connection->session = session_new(&server->host, socket, ++server->next_process, is_local, is_http);
        connection->is_http = is_http;
        metrics_add(&server->metrics, is_http ? METRICS_HTTP_ACCEPTED : METRICS_PG_ACCEPTED, 1);
        pthread_mutex_lock(&server->lock);
        connection->after = server->connections;
        if (server->connections)
                server->connections->before = connection;
        server->connections = connection;
        server->connection_count++;
        server->http_count += is_http;
        pthread_mutex_unlock(&server->lock);
        struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.ptr = connection };
        if (epoll_ctl(server->events, EPOLL_CTL_ADD, socket, &event) < 0) {
                pthread_mutex_lock(&server->lock);
                end_connection(server, connection);
                pthread_mutex_unlock(&server->lock);
        }
}

static void turn_away(int socket, bool is_http) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        ReplyError error = { .severity = REPLY_FATAL, .sqlstate = STR("53300"), .message = STR("sorry, too many clients already") };
        if (is_http)
                buf_append_cstr(&out, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        else
                reply_error(&out, &error);
        (void)!send(socket, out.data, out.size, MSG_DONTWAIT | MSG_NOSIGNAL);
        close(socket);
}

static bool is_loopback(const struct sockaddr_storage *address) {
        if (address->ss_family == AF_INET)
                return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
        return address->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static void accept_some(Server *server, const Listener *listener) {
        for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
                struct sockaddr_storage address = { 0 };
                socklen_t size = sizeof(address);
                int socket = accept4(listener->socket, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (socket < 0)
                        return; /* none left; or no descriptor, and then the next look may find one */
                if (server->connection_count < server->options.connections_most) {
                        add_connection(server, socket, is_loopback(&address), listener->is_http);
                        continue;
                }
                metrics_add(&server->metrics, METRICS_TURNED_AWAY, 1);
                turn_away(socket, listener->is_http);
        }
}

static void take_event(Server *server, Connection *connection, uint32_t events) {
        pthread_mutex_lock(&server->lock);
        bool gone = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
        if (connection->state == CONNECTION_IDLE)
                queue(&server->light, connection);
        else if (gone && connection->state != CONNECTION_ENDED)
                session_cancel(connection->session);
        pthread_mutex_unlock(&server->lock);
}

static void free_ended(Server *server) {
        pthread_mutex_lock(&server->lock);
        Connection *ended = server->ended;
        server->ended = NULL;
        for (Connection *connection = ended; connection; connection = connection->next_in_line) {
                if (connection->before)
                        connection->before->after = connection->after;
                else
                        server->connections = connection->after;
                if (connection->after)
                        connection->after->before = connection->before;
                server->connection_count--;
                server->http_count -= connection->is_http;
        }
        pthread_mutex_unlock(&server->lock);
        while (ended) {
                Connection *connection = ended;
                ended = connection->next_in_line;
                session_free(connection->session);
                free(connection);
        }
}

static void look_at_deadlines(Server *server) {
        int64_t now = time_monotonic_us();
        pthread_mutex_lock(&server->lock);
        for (Connection *connection = server->connections; connection; connection = connection->after) {
                int64_t deadline = connection->state == CONNECTION_IDLE ? session_deadline(connection->session) : 0;
                if (deadline == 0 || now < deadline)
                        continue;
                connection->expired = true;
                queue(&server->light, connection);
        }
        pthread_mutex_unlock(&server->lock);
}

/* Idle ones at once; those that run something when `all`. */
static void stop_connections(Server *server, bool all) {
        pthread_mutex_lock(&server->lock);
        for (Connection *connection = server->connections; connection; connection = connection->after) {
                bool idle = connection->state == CONNECTION_IDLE;
                if ((idle || all) && connection->state != CONNECTION_ENDED)
                        session_stop(connection->session);
                if (idle)
                        queue(&server->light, connection);
        }
        pthread_mutex_unlock(&server->lock);
}

static Listener *listener_of(Server *server, const void *pointer) {
        for (size_t i = 0; i < server->listener_count; i++)
                if (pointer == &server->listeners[i])
                        return &server->listeners[i];
        return NULL;
}

static void wait_for_events(Server *server) {
        struct epoll_event events[EVENTS_MOST];
        int count = epoll_wait(server->events, events, EVENTS_MOST, LOOK_MS);
        for (int i = 0; i < count; i++) {
                uint64_t ignored;
                Listener *listener = listener_of(server, events[i].data.ptr);
                if (listener)
                        accept_some(server, listener);
                else if (events[i].data.ptr == &server->wake)
                        (void)!read(server->wake, &ignored, sizeof(ignored));
                else
                        take_event(server, events[i].data.ptr, events[i].events);
        }
        free_ended(server);
}

static void close_listeners(Server *server) {
        for (size_t i = 0; i < server->listener_count; i++)
                close_fdp(&server->listeners[i].socket);
}

static void drain(Server *server) {
        int64_t until = time_monotonic_us() + server->options.drain_us;
        close_listeners(server);
        while (server->connections) {
                stop_connections(server, time_monotonic_us() > until);
                wait_for_events(server);
        }
}

Status server_run(Server *server, const volatile sig_atomic_t *stop, Error *err UNUSED) {
        int64_t looked = time_monotonic_us(), synced = looked;
        start_threads(server);
        while (!*stop) {
                wait_for_events(server);
                int64_t now = time_monotonic_us();
                if (now - looked > LOOK_MS * 1000) {
                        look_at_deadlines(server);
                        looked = now;
                }
                if (now - synced > SECOND) {
                        sync_audit(server);
                        synced = now;
                }
        }
        drain(server);
        end_threads(server);
        sync_audit(server);
        return STATUS_OK;
}

/* ---- opening ---- */

static void take_options(const ServerOptions *options, ServerOptions *out) {
        *out = *options;
        int processors = get_nprocs();
        size_t statements = (size_t)processors * 2;
        out->host = options->host ? options->host : "127.0.0.1";
        out->http_host = options->http_host ? options->http_host : "127.0.0.1";
        out->version = options->version ? options->version : "";
        if (out->statements == 0)
                out->statements = statements < 4 ? 4 : statements > 32 ? 32 : statements;
        if (out->connections_most == 0)
                out->connections_most = 1000;
        if (out->drain_us == 0)
                out->drain_us = 10 * SECOND;
        if (out->login_us == 0)
                out->login_us = 10 * SECOND;
        if (out->patience_us == 0)
                out->patience_us = 60 * SECOND;
}

static Status listen_on(Listener *listener, struct addrinfo *address, Error *err) {
        int yes = 1;
        struct sockaddr_storage bound;
        socklen_t size = sizeof(bound);
        listener->socket = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (listener->socket < 0)
                return error_errno(err, errno, "cannot make a socket");
        (void)setsockopt(listener->socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
        if (bind(listener->socket, address->ai_addr, address->ai_addrlen) < 0 || listen(listener->socket, 1024) < 0) {
                error_set(err, STATUS_USAGE, "cannot listen on %s:%d: %s", listener->host, listener->wanted_port, strerror(errno));
                return error_hint(err, "%s HOST:0 takes any free port", listener->option);
        }
        if (getsockname(listener->socket, (struct sockaddr *)&bound, &size) < 0)
                return error_errno(err, errno, "cannot ask for the port");
        listener->port = ntohs(bound.ss_family == AF_INET ? ((struct sockaddr_in *)&bound)->sin_port : ((struct sockaddr_in6 *)&bound)->sin6_port);
        return STATUS_OK;
}

static void free_addresses(struct addrinfo **addresses) {
        if (*addresses)
                freeaddrinfo(*addresses);
}

static Status open_listener(Listener *listener, Error *err) {
        CLEANUP(free_addresses) struct addrinfo *addresses = NULL;
        char port[16];
        snprintf(port, sizeof(port), "%d", listener->wanted_port);
        struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
        int result = getaddrinfo(listener->host, port, &hints, &addresses);
        if (result != 0)
                return error_set(err, STATUS_USAGE, "'%s' is no address to listen on: %s", listener->host, gai_strerror(result));
        struct sockaddr_storage address = { 0 };
        memcpy(&address, addresses->ai_addr, addresses->ai_addrlen);
        listener->is_loopback = is_loopback(&address); /* nobody from elsewhere can reach it */
        return listen_on(listener, addresses, err);
}

static Status open_listeners(Server *server, Error *err) {
        const ServerOptions *options = &server->options;
        server->listeners[server->listener_count++] = (Listener){ .host = options->host, .wanted_port = options->port, .socket = -1, .option = "--pg" };
        if (!options->without_http)
                server->listeners[server->listener_count++] =
                        (Listener){ .host = options->http_host, .wanted_port = options->http_port, .socket = -1, .is_http = true, .option = "--http" };
        for (size_t i = 0; i < server->listener_count; i++)
                TRY(open_listener(&server->listeners[i], err));
        return STATUS_OK;
}

/* Off loopback nothing goes in clear; a store without a certificate makes one. */
static Status open_tls(Server *server, Error *err) {
        const char *certificate = server->options.certificate, *key = server->options.key;
        bool loopback = true;
        for (size_t i = 0; i < server->listener_count; i++)
                loopback &= server->listeners[i].is_loopback;
        if (!certificate && loopback)
                return STATUS_OK;
        if (!certificate) {
                char name[256] = "localhost";
                const char *folder = path_join(&server->arena, server->store->root, "tls");
                (void)gethostname(name, sizeof(name) - 1);
                const char *names[] = { name, "localhost", "127.0.0.1", "::1" };
                TRY(tls_make(folder, names, COUNT_OF(names), err));
                certificate = path_join(&server->arena, folder, "server.pem");
                key = path_join(&server->arena, folder, "server.key");
                server->ca = path_join(&server->arena, folder, "ca.pem");
        }
        TRY(tls_open(certificate, key, TLS_POSTGRESQL, &server->tls, err));
        TRY(tls_open(certificate, key, TLS_HTTP, &server->http_tls, err));
        server->host.tls = server->tls;
        server->host.http_tls = server->http_tls;
        server->host.require_tls = !server->listeners[0].is_loopback;
        server->host.http_requires_tls = server->listener_count > 1 && !server->listeners[1].is_loopback;
        return STATUS_OK;
}

static Status open_loop(Server *server, Error *err) {
        server->events = epoll_create1(EPOLL_CLOEXEC);
        server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        struct epoll_event wake = { .events = EPOLLIN, .data.ptr = &server->wake };
        if (server->events < 0 || server->wake < 0 || epoll_ctl(server->events, EPOLL_CTL_ADD, server->wake, &wake) < 0)
                return error_errno(err, errno, "cannot wait for clients");
        for (size_t i = 0; i < server->listener_count; i++) {
                struct epoll_event event = { .events = EPOLLIN, .data.ptr = &server->listeners[i] };
                if (epoll_ctl(server->events, EPOLL_CTL_ADD, server->listeners[i].socket, &event) < 0)
                        return error_errno(err, errno, "cannot wait for clients");
        }
        return STATUS_OK;
}

static Status open_pool(Server *server, Error *err) {
        WorkerOptions options = {
                .run_folder = server->store->run_dir,
                .ready = 1,
                .most = (int)(server->options.statements + SPARE_WORKERS),
                .refill = true,
                .hide_detail = true,
        };
        return worker_pool_open(&options, &server->host.pool, err);
}

/* A file of one's own, so that its chain has one writer. */
static void open_audit(Server *server) {
        const char *name = arena_printf(&server->arena, "server-%08llx", (unsigned long long)(random_u64() & 0xffffffff));
        server->audit = audit_open(server->store->audit_dir, name);
}

static Status open_all(Server *server, Error *err) {
        Sha256 key;
        CLEANUP(lake_freep) Lake *lake = NULL;
        TRY(lake_open(server->options.store, &lake, err)); /* says what is wrong with it, before anybody connects */
        TRY(store_open(server->options.store, &server->store, err));
        TRY(store_key(server->store, &key, err));
        TRY(open_listeners(server, err));
        TRY(open_tls(server, err));
        TRY(open_loop(server, err));
        open_audit(server);
        Str secret = hex_of(&server->arena, (Str){ (const char *)key.bytes, SHA256_SIZE });
        server->host.secret = arena_strf(&server->arena, "login %.*s", STR_ARG(secret));
        server->host.login_us = server->options.login_us;
        server->host.patience_us = server->options.patience_us;
        server->host.statement_us = server->options.statement_us;
        server->host.portals_most = PORTALS_MOST;
        server->host.held = &server->held;
        server->host.held_most = SPARE_WORKERS;
        server->host.context = server;
        server->host.audit = write_audit;
        server->host.cancel = cancel_by_key;
        server->host.now = tell_now;
        server->host.metrics = &server->metrics;
        server->host.root = server->store->root;
        return open_pool(server, err);
}

Status server_open(const ServerOptions *options, Server **out, Error *err) {
        Server *server = calloc(1, sizeof(*server));
        if (!server)
                out_of_memory();
        take_options(options, &server->options);
        server->events = server->wake = -1;
        server->started_us = time_now_us();
        server->heavy.heavy = true;
        pthread_mutex_init(&server->lock, NULL);
        pthread_mutex_init(&server->audit_lock, NULL);
        pthread_cond_init(&server->light.line.filled, NULL);
        pthread_cond_init(&server->heavy.line.filled, NULL);
        Status status = open_all(server, err);
        if (status != STATUS_OK) {
                server_close(server);
                return status;
        }
        *out = server;
        return STATUS_OK;
}

int server_port(const Server *server) {
        return server->listeners[0].port;
}

int server_http_port(const Server *server) {
        return server->listener_count > 1 ? server->listeners[1].port : -1;
}

const char *server_ca(const Server *server) {
        return server->ca;
}

void server_close(Server *server) {
        if (!server)
                return;
        worker_pool_close(server->host.pool);
        audit_close(server->audit);
        tls_close(server->tls);
        tls_close(server->http_tls);
        store_free(server->store);
        close_listeners(server);
        close_fdp(&server->events);
        close_fdp(&server->wake);
        pthread_cond_destroy(&server->light.line.filled);
        pthread_cond_destroy(&server->heavy.line.filled);
        pthread_mutex_destroy(&server->audit_lock);
        pthread_mutex_destroy(&server->lock);
        arena_deinit(&server->arena);
        free(server);
}

void server_closep(Server **server) {
        server_close(*server);
        *server = NULL;
}
