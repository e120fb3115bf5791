/* SPDX-License-Identifier: Apache-2.0 */
#include "server/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/time.h"
#include "server/recorder.h"
#include "server/refresh.h"
#include "server/reply.h"
#include "server/session.h"

#define LIGHT_THREADS 4
#define LOGIN_THREADS 2           /* of these, that logins may have at once */
#define EVENTS_MOST 256
#define ACCEPTS_AT_ONCE 64
#define LOOK_MS 250               /* how often deadlines, and whether to stop, are looked at */
#define CURSORS 16                /* that keep a worker while their client thinks */
#define FIRSTS 16                 /* statements, and cursors, beyond the number, of those who have none */
#define SYSTEMS 16                /* statements that ask the catalogue only */
#define RESERVED 5                /* connections for administrators only */
#define ARRIVALS_MOST 256         /* connections that have not logged in; the oldest makes room */
#define BYTES_MOST (512u << 20)   /* of one principal's messages and prepared statements */
#define IDLE_WORKER_US 60000000   /* an idle worker ends after that */
#define LONG_US 300000            /* a statement that runs for so long makes way for those of other principals */
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
        bool is_http, at_door;             /* at the door until somebody logged in */
        Ticket turn;                       /* of a light thread; that of a statement is the session's */
        bool expired;                      /* to be told so by the next thread */
        bool gone;                         /* its client hung up while something ran */
        struct Connection *next_ended;
        struct Connection *before, *after; /* of all */
        struct Connection *earlier, *later; /* of those at the door */
} Connection;

typedef struct Group {
        pthread_cond_t filled;
        bool heavy;
        size_t count, idle, most;
} Group;

typedef struct Thread {
        Server *server;
        Group *group;
        pthread_t id;
} Thread;

struct Server {
        ServerOptions options;
        SessionHost host;
        Arena arena;
        Store *store;
        TlsContext *tls, *http_tls;
        Metrics metrics;
        Refresh *refresh; /* NULL: files that arrive are left to others */
        int64_t started_us;
        Recorder *recorder;
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
        Connection *door_first, *door_last; /* oldest first */
        size_t door_count;
        bool deaf; /* no descriptor is left: the listeners are looked at again later */
        uint32_t next_process;
        bool stopping;
};

/* ---- what sessions share ---- */

static Status write_audit(void *context, const AuditRecord *record, bool durable, Error *err) {
        const Server *server = context;
        return recorder_write(server->recorder, record, durable, err);
}

/* ---- queues; under the lock ---- */

static void start_thread(Server *server, Group *group);

/* Somebody has something to do. */
static void wake(Server *server, Group *group) {
        if (group->idle == 0 && group->count < group->most)
                start_thread(server, group);
        else
                pthread_cond_signal(&group->filled);
}

static void queue_turn(Server *server, Connection *connection) {
        connection->state = CONNECTION_QUEUED;
        connection->turn.party = session_party(connection->session);
        connection->turn.lane = LANE_TURNS;
        admission_queue(server->host.admission, &connection->turn);
        wake(server, &server->light);
}

static void queue_statement(Server *server, Connection *connection) {
        connection->state = CONNECTION_QUEUED;
        admission_queue(server->host.admission, session_ticket(connection->session));
        wake(server, &server->heavy);
}

/* A statement that waits in line leaves it; one that runs is interrupted. */
static void stop_statement(Server *server, Connection *connection, bool timed_out) {
        Ticket *ticket = session_ticket(connection->session);
        if (ticket->state != TICKET_WAITING) {
                session_cancel(connection->session);
                return;
        }
        admission_done(server->host.admission, ticket);
        session_turn_away(connection->session, timed_out);
        queue_turn(server, connection);
}

static void leave_door(Server *server, Connection *connection) {
        if (!connection->at_door)
                return;
        connection->at_door = false;
        server->door_count--;
        if (connection->earlier)
                connection->earlier->later = connection->later;
        else
                server->door_first = connection->later;
        if (connection->later)
                connection->later->earlier = connection->earlier;
        else
                server->door_last = connection->earlier;
        connection->earlier = connection->later = NULL;
}

static void come_to_door(Server *server, Connection *connection) {
        connection->at_door = true;
        connection->earlier = server->door_last;
        if (server->door_last)
                server->door_last->later = connection;
        else
                server->door_first = connection;
        server->door_last = connection;
        server->door_count++;
}

/* ---- what sessions ask of others ---- */

static void cancel_by_key(void *context, uint32_t process, Str key) {
        Server *server = context;
        pthread_mutex_lock(&server->lock);
        for (Connection *connection = server->connections; connection; connection = connection->after)
                if (session_process(connection->session) == process && session_key_is(connection->session, key) && connection->state != CONNECTION_ENDED)
                        stop_statement(server, connection, false);
        pthread_mutex_unlock(&server->lock);
}

static void tell_now(void *context, MetricsNow *out) {
        Server *server = context;
        AdmissionCounts counts;
        *out = (MetricsNow){ .version = server->options.version, .started_us = server->started_us };
        refresh_now(server->refresh, &out->refreshed_us, &out->refresh_us, &out->refreshing);
        worker_pool_counts(server->host.pool, &out->workers, &out->workers_busy);
        admission_count(server->host.admission, &counts);
        out->queued = counts.waiting;
        out->running = counts.running;
        pthread_mutex_lock(&server->lock);
        out->connections[0] = server->connection_count - server->http_count;
        out->connections[1] = server->http_count;
        pthread_mutex_unlock(&server->lock);
}

static void take_applied(void *context) {
        refresh_poke(((Server *)context)->refresh);
}

static void each_session(void *context, void (*see)(void *see_context, const SessionView *view), void *see_context) {
        Server *server = context;
        SessionView view;
        pthread_mutex_lock(&server->lock);
        for (Connection *connection = server->connections; connection; connection = connection->after)
                if (connection->state != CONNECTION_ENDED && session_view(connection->session, &view))
                        see(see_context, &view);
        pthread_mutex_unlock(&server->lock);
}

static void stop_session(Server *server, Connection *connection) {
        session_stop(connection->session);
        if (connection->state == CONNECTION_IDLE)
                queue_turn(server, connection);
        else
                stop_statement(server, connection, false);
}

static bool signal_session(void *context, uint32_t process, Str principal, bool administrator, bool end) {
        Server *server = context;
        SessionView view;
        bool found = false;
        pthread_mutex_lock(&server->lock);
        for (Connection *connection = server->connections; connection && !found; connection = connection->after) {
                if (session_process(connection->session) != process || connection->state == CONNECTION_ENDED || !session_view(connection->session, &view) ||
                    (!administrator && !str_is(principal, view.principal)))
                        continue;
                found = true;
                if (end)
                        stop_session(server, connection);
                else
                        stop_statement(server, connection, false);
        }
        pthread_mutex_unlock(&server->lock);
        return found;
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
        leave_door(server, connection);
        connection->state = CONNECTION_ENDED;
        connection->next_ended = server->ended;
        server->ended = connection;
        wake_loop(server);
}

/* What becomes of it now. Under the lock: the loop must not see an event before the state is right. */
static void dispatch(Server *server, Connection *connection, SessionWant want) {
        if (session_is_in(connection->session))
                leave_door(server, connection);
        connection->state = CONNECTION_IDLE;
        switch (want) {
        case SESSION_WANTS_BYTES:
                arm(server, connection, EPOLLIN);
                break;
        case SESSION_WANTS_OUT:
                arm(server, connection, EPOLLOUT);
                break;
        case SESSION_WANTS_TIME:
                arm(server, connection, 0);
                break;
        case SESSION_WANTS_TURN:
                queue_turn(server, connection);
                break;
        case SESSION_WANTS_WORKER:
                queue_statement(server, connection);
                arm(server, connection, 0); /* a client that hangs up ends what it asked for */
                break;
        case SESSION_ENDED:
                end_connection(server, connection);
                break;
        }
}

/* What a thread did with a connection; under the lock. A statement that wants another turn keeps its place until it is queued. */
static void finish(Server *server, Connection *connection, Ticket *ticket, SessionWant want) {
        bool again = ticket->lane != LANE_TURNS && want == SESSION_WANTS_WORKER;
        if (!again)
                admission_done(server->host.admission, ticket);
        dispatch(server, connection, want);
}

static Ticket *next_ticket(Server *server, Group *group) {
        Ticket *ticket;
        while (!(ticket = admission_next(server->host.admission, group->heavy)) && !server->stopping) {
                group->idle++;
                pthread_cond_wait(&group->filled, &server->lock);
                group->idle--;
        }
        return ticket;
}

static void *thread_main(void *argument) {
        Thread *self = argument;
        Server *server = self->server;
        Error err;
        GrantCache grants = { 0 };
        LimitCache limits = { 0 };
        KnownNames known = { 0 };
        CLEANUP(lake_freep) Lake *lake = NULL;
        if (lake_open(server->options.store, &lake, &err) != STATUS_OK)
                log_warn("server", "a thread cannot open the store: %s", err.message);
        SessionThread thread = { .lake = lake, .grants = &grants, .limits = &limits, .known = &known, .has_worker = self->group->heavy };
        pthread_mutex_lock(&server->lock);
        for (Ticket *ticket; (ticket = next_ticket(server, self->group));) {
                Connection *connection = ticket->owner;
                bool expired = connection->expired;
                connection->expired = false;
                connection->state = CONNECTION_RUNNING;
                pthread_mutex_unlock(&server->lock);
                SessionWant want = !lake ? SESSION_ENDED : expired ? session_expire(connection->session, &thread) : session_run(connection->session, &thread);
                pthread_mutex_lock(&server->lock);
                finish(server, connection, ticket, want);
        }
        pthread_mutex_unlock(&server->lock);
        arena_deinit(&grants.arena);
        arena_deinit(&limits.arena);
        arena_deinit(&known.arena);
        return NULL;
}

/* Under the lock. */
static void start_thread(Server *server, Group *group) {
        Thread *thread = &server->threads[server->thread_count];
        *thread = (Thread){ .server = server, .group = group };
        if (thread_begin(&thread->id, thread_main, thread) != 0) {
                if (group->count == 0)
                        panic("cannot start a thread");
                return; /* those that there are go on */
        }
        server->thread_count++;
        group->count++;
}

static void start_threads(Server *server) {
        server->light.most = LIGHT_THREADS;
        server->heavy.most = server->options.statements + FIRSTS + SYSTEMS;
        server->threads = ARENA_ARRAY(&server->arena, Thread, server->light.most + server->heavy.most);
        pthread_mutex_lock(&server->lock);
        for (size_t i = 0; i < LIGHT_THREADS; i++)
                start_thread(server, &server->light);
        start_thread(server, &server->heavy);
        pthread_mutex_unlock(&server->lock);
}

static void end_threads(Server *server) {
        pthread_mutex_lock(&server->lock);
        server->stopping = true;
        pthread_cond_broadcast(&server->light.filled);
        pthread_cond_broadcast(&server->heavy.filled);
        pthread_mutex_unlock(&server->lock);
        for (size_t i = 0; i < server->thread_count; i++)
                pthread_join(server->threads[i].id, NULL);
        server->thread_count = 0;
}

/* ---- the loop ---- */

static void add_connection(Server *server, int socket, const SessionPeer *peer) {
        int yes = 1;
        Connection *connection = calloc(1, sizeof(*connection));
        if (!connection)
                out_of_memory();
        (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
        (void)setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
        connection->session = session_new(&server->host, socket, ++server->next_process, peer);
        connection->turn.owner = session_ticket(connection->session)->owner = connection;
        connection->is_http = peer->is_http;
        metrics_add(&server->metrics, peer->is_http ? METRICS_HTTP_ACCEPTED : METRICS_PG_ACCEPTED, 1);
        pthread_mutex_lock(&server->lock);
        connection->after = server->connections;
        if (server->connections)
                server->connections->before = connection;
        server->connections = connection;
        server->connection_count++;
        server->http_count += peer->is_http;
        come_to_door(server, connection);
        struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.ptr = connection };
        if (epoll_ctl(server->events, EPOLL_CTL_ADD, socket, &event) < 0)
                end_connection(server, connection);
        pthread_mutex_unlock(&server->lock);
}

/* Of those that have not logged in, the oldest that nobody is busy with. False: there is none. */
static bool clear_door(Server *server) {
        pthread_mutex_lock(&server->lock);
        Connection *connection = server->door_first;
        while (connection && connection->state != CONNECTION_IDLE)
                connection = connection->later;
        if (connection) {
                session_drop(connection->session, "53300", "too many connections that have not logged in");
                end_connection(server, connection);
        }
        pthread_mutex_unlock(&server->lock);
        return connection != NULL;
}

static void turn_away(int socket, bool is_http) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        ReplyError error = { .severity = REPLY_FATAL, .sqlstate = STR("53300"), .message = STR("sorry, too many clients log in already") };
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

static SessionPeer peer_of(const struct sockaddr_storage *address) {
        SessionPeer peer = { .is_local = is_loopback(address) };
        if (address->ss_family == AF_INET) {
                const struct sockaddr_in *four = (const struct sockaddr_in *)address;
                inet_ntop(AF_INET, &four->sin_addr, peer.address, sizeof(peer.address));
                inet_ntop(AF_INET, &four->sin_addr, peer.network, sizeof(peer.network));
                peer.port = ntohs(four->sin_port);
        } else if (address->ss_family == AF_INET6) {
                struct sockaddr_in6 six = *(const struct sockaddr_in6 *)address;
                inet_ntop(AF_INET6, &six.sin6_addr, peer.address, sizeof(peer.address));
                memset(six.sin6_addr.s6_addr + 8, 0, 8);
                inet_ntop(AF_INET6, &six.sin6_addr, peer.network, sizeof(peer.network));
                peer.port = ntohs(six.sin6_port);
        }
        return peer;
}

static void listen_for(Server *server, uint32_t events) {
        for (size_t i = 0; i < server->listener_count; i++) {
                struct epoll_event event = { .events = events, .data.ptr = &server->listeners[i] };
                (void)epoll_ctl(server->events, EPOLL_CTL_MOD, server->listeners[i].socket, &event);
        }
}

/* Without a descriptor nothing can be taken: until the next look nobody asks, unless somebody at the door makes room. */
static void be_deaf(Server *server) {
        clear_door(server);
        server->deaf = true;
        listen_for(server, 0);
}

static void listen_again(Server *server) {
        if (server->deaf)
                listen_for(server, EPOLLIN);
        server->deaf = false;
}

static void accept_some(Server *server, const Listener *listener) {
        for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
                struct sockaddr_storage address = { 0 };
                socklen_t size = sizeof(address);
                int socket = accept4(listener->socket, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (socket < 0) {
                        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                                be_deaf(server);
                        return;
                }
                SessionPeer peer = peer_of(&address);
                peer.is_http = listener->is_http;
                if (server->door_count < ARRIVALS_MOST || clear_door(server)) {
                        add_connection(server, socket, &peer);
                        continue;
                }
                metrics_add(&server->metrics, METRICS_TURNED_AWAY, 1);
                turn_away(socket, listener->is_http);
        }
}

/* Between two steps of a statement there is no worker to interrupt, so it is told again at every look until it ends. */
static void hang_up(Server *server, Connection *connection) {
        connection->gone = true;
        stop_statement(server, connection, false);
}

static void take_event(Server *server, Connection *connection, uint32_t events) {
        pthread_mutex_lock(&server->lock);
        bool gone = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
        if (connection->state == CONNECTION_IDLE)
                queue_turn(server, connection);
        else if (gone && connection->state != CONNECTION_ENDED)
                hang_up(server, connection);
        pthread_mutex_unlock(&server->lock);
}

static void free_ended(Server *server) {
        pthread_mutex_lock(&server->lock);
        Connection *ended = server->ended;
        server->ended = NULL;
        for (Connection *connection = ended; connection; connection = connection->next_ended) {
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
                ended = connection->next_ended;
                session_free(connection->session);
                free(connection);
        }
}

static void look_at_deadline(Server *server, Connection *connection, int64_t now) {
        bool idle = connection->state == CONNECTION_IDLE;
        bool waits = connection->state == CONNECTION_QUEUED && session_ticket(connection->session)->state == TICKET_WAITING;
        int64_t deadline = idle ? session_deadline(connection->session) : waits ? session_line_deadline(connection->session) : 0;
        if (deadline == 0 || now < deadline)
                return;
        if (waits) {
                stop_statement(server, connection, true);
                return;
        }
        connection->expired = true;
        queue_turn(server, connection);
}

static void look_at_statement(Server *server, Connection *connection, int64_t now) {
        const Ticket *ticket = session_ticket(connection->session);
        if (ticket->state == TICKET_RUNNING && now - ticket->since_us > LONG_US && admission_is_shared(server->host.admission, ticket->party, now))
                session_make_way(connection->session);
}

static void look_at_deadlines(Server *server) {
        int64_t now = time_monotonic_us();
        pthread_mutex_lock(&server->lock);
        for (Connection *connection = server->connections; connection; connection = connection->after) {
                look_at_deadline(server, connection, now);
                look_at_statement(server, connection, now);
                if (connection->gone && connection->state != CONNECTION_IDLE && connection->state != CONNECTION_ENDED)
                        hang_up(server, connection);
        }
        pthread_mutex_unlock(&server->lock);
}

/* What waits because others asked too may run once they no longer do. */
static void look_at_line(Server *server) {
        AdmissionCounts counts;
        pthread_mutex_lock(&server->lock);
        admission_count(server->host.admission, &counts);
        if (counts.waiting > 0)
                wake(server, &server->heavy);
        pthread_mutex_unlock(&server->lock);
}

/* Idle ones at once; those that run something when `all`. */
static void stop_connections(Server *server, bool all) {
        pthread_mutex_lock(&server->lock);
        for (Connection *connection = server->connections; connection; connection = connection->after)
                if (connection->state == CONNECTION_IDLE || (all && connection->state != CONNECTION_ENDED))
                        stop_session(server, connection);
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

static Status start_refresh(Server *server, Error *err) {
        RefreshOptions options = { .store = server->store->root, .project = server->options.project, .metrics = &server->metrics };
        return options.project ? refresh_start(&options, &server->refresh, err) : STATUS_OK;
}

Status server_run(Server *server, const volatile sig_atomic_t *stop, Error *err) {
        int64_t looked = time_monotonic_us(), trimmed = looked;
        TRY(start_refresh(server, err));
        start_threads(server);
        while (!*stop) {
                wait_for_events(server);
                int64_t now = time_monotonic_us();
                if (now - looked > LOOK_MS * 1000) {
                        look_at_deadlines(server);
                        look_at_line(server);
                        listen_again(server);
                        looked = now;
                }
                if (now - trimmed > SECOND) {
                        worker_pool_trim(server->host.pool, IDLE_WORKER_US);
                        trimmed = now;
                }
        }
        refresh_stop(server->refresh); /* its run ends while clients get the rest of what they asked for */
        drain(server);
        end_threads(server);
        refresh_close(server->refresh);
        server->refresh = NULL;
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
        Limits limits;
        limits_default(&limits);
        WorkerOptions options = {
                .run_folder = server->store->run_dir,
                .ready = 1,
                .most = (int)(server->options.statements + FIRSTS + SYSTEMS + CURSORS + FIRSTS),
                .memory_limit = (uint64_t)limits.value[LIMIT_MEMORY],
                .refill = true,
                .hide_detail = true,
        };
        return worker_pool_open(&options, &server->host.pool, err);
}

static Admission *open_admission(const Server *server) {
        size_t most = server->options.connections_most;
        return admission_new(&(AdmissionOptions){
                .slots = server->options.statements,
                .firsts = FIRSTS,
                .system = SYSTEMS,
                .connections = most,
                .reserved = most > 2 * RESERVED ? RESERVED : 0,
                .logins = LOGIN_THREADS,
                .turns = LIGHT_THREADS,
                .cursors = CURSORS,
                .bytes = BYTES_MOST,
        });
}

/* A descriptor for each connection, and some for workers, files and the catalog. */
static void raise_descriptors(void) {
        struct rlimit limit;
        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
                return;
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
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
        TRY(recorder_open(server->options.store, &server->recorder, err));
        Str secret = hex_of(&server->arena, (Str){ (const char *)key.bytes, SHA256_SIZE });
        server->host.secret = arena_strf(&server->arena, "login %.*s", STR_ARG(secret));
        server->host.login_us = server->options.login_us;
        server->host.patience_us = server->options.patience_us;
        server->host.statement_us = server->options.statement_us;
        server->host.admission = open_admission(server);
        server->host.backoff = backoff_new();
        server->host.context = server;
        server->host.audit = write_audit;
        server->host.cancel = cancel_by_key;
        server->host.now = tell_now;
        server->host.applied = take_applied;
        server->host.metrics = &server->metrics;
        server->host.root = server->store->root;
        server->host.each = each_session;
        server->host.signal = signal_session;
        return open_pool(server, err);
}

Status server_open(const ServerOptions *options, Server **out, Error *err) {
        Server *server = calloc(1, sizeof(*server));
        if (!server)
                out_of_memory();
        take_options(options, &server->options);
        raise_descriptors();
        server->events = server->wake = -1;
        server->started_us = time_now_us();
        server->heavy.heavy = true;
        pthread_mutex_init(&server->lock, NULL);
        pthread_cond_init(&server->light.filled, NULL);
        pthread_cond_init(&server->heavy.filled, NULL);
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
        admission_free(server->host.admission);
        backoff_free(server->host.backoff);
        recorder_close(server->recorder);
        tls_close(server->tls);
        tls_close(server->http_tls);
        store_free(server->store);
        close_listeners(server);
        close_fdp(&server->events);
        close_fdp(&server->wake);
        pthread_cond_destroy(&server->light.filled);
        pthread_cond_destroy(&server->heavy.filled);
        pthread_mutex_destroy(&server->lock);
        arena_deinit(&server->arena);
        free(server);
}

void server_closep(Server **server) {
        server_close(*server);
        *server = NULL;
}
