/* SPDX-License-Identifier: Apache-2.0 */
#include "server/transport.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/time.h"

void transport_init(Transport *transport, int socket) {
        *transport = (Transport){ .socket = socket };
}

/* Errors stay in OpenSSL's list for the thread, where SSL_get_error() takes one of another connection for this one's: it has to be
 * empty before each call. */
static SSL *fresh(const Transport *transport) {
        ERR_clear_error();
        return transport->tls;
}

void transport_deinit(Transport *transport) {
        if (transport->tls) {
                if (!transport->ended && !transport->is_shaking)
                        SSL_shutdown(fresh(transport));
                SSL_free(transport->tls);
        }
        close_fdp(&transport->socket);
        transport->tls = NULL;
}

void transport_begin_tls(Transport *transport, const TlsContext *context) {
        transport->tls = SSL_new(tls_of(context));
        transport->is_shaking = true;
        if (!transport->tls || SSL_set_fd(transport->tls, transport->socket) != 1)
                transport->ended = true;
}

/* What OpenSSL means by a result that is no success. */
static TransportGot why(Transport *transport, int result) {
        switch (SSL_get_error(transport->tls, result)) {
        case SSL_ERROR_WANT_READ:
                return TRANSPORT_NOTHING;
        case SSL_ERROR_WANT_WRITE:
                return TRANSPORT_WANTS_OUT;
        default:
                transport->ended = true;
                return TRANSPORT_ENDED;
        }
}

TransportGot transport_shake(Transport *transport) {
        if (transport->ended)
                return TRANSPORT_ENDED;
        int result = SSL_accept(fresh(transport));
        if (result != 1)
                return why(transport, result);
        transport->is_shaking = false;
        return TRANSPORT_DATA;
}

bool transport_has_protocol(const Transport *transport) {
        const unsigned char *name;
        unsigned size = 0;
        if (transport->tls)
                SSL_get0_alpn_selected(transport->tls, &name, &size);
        return size > 0;
}

int transport_peek(Transport *transport) {
        uint8_t byte;
        ssize_t got = recv(transport->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
                transport->ended = true;
        return got == 1 ? byte : -1;
}

static TransportGot read_clear(Transport *transport, char *to, size_t room, size_t *out_got) {
        ssize_t got;
        do
                got = recv(transport->socket, to, room, MSG_DONTWAIT);
        while (got < 0 && errno == EINTR);
        if (got < 0 && errno == EAGAIN)
                return TRANSPORT_NOTHING;
        if (got <= 0) {
                transport->ended = true;
                return TRANSPORT_ENDED;
        }
        *out_got = (size_t)got;
        return TRANSPORT_DATA;
}

TransportGot transport_read(Transport *transport, Buf *into, size_t most) {
        char *to = transport->ended ? NULL : buf_reserve(into, most);
        size_t got = 0;
        if (!to)
                return TRANSPORT_ENDED;
        TransportGot what = TRANSPORT_DATA;
        if (!transport->tls) {
                what = read_clear(transport, to, most, &got);
        } else {
                int result = SSL_read_ex(fresh(transport), to, most, &got);
                what = result == 1 ? TRANSPORT_DATA : why(transport, result);
        }
        if (what == TRANSPORT_DATA)
                buf_added(into, got);
        return what;
}

/* Sent so far, or what must be waited for: POLLOUT or POLLIN. */
static bool write_some(Transport *transport, Str bytes, size_t *out_sent, short *out_wait) {
        *out_sent = 0;
        *out_wait = POLLOUT;
        if (transport->tls) {
                int result = SSL_write_ex(fresh(transport), bytes.data, bytes.size, out_sent);
                if (result == 1)
                        return true;
                TransportGot what = why(transport, result);
                if (what == TRANSPORT_NOTHING)
                        *out_wait = POLLIN;
                return what != TRANSPORT_ENDED;
        }
        ssize_t sent = send(transport->socket, bytes.data, bytes.size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0)
                *out_sent = (size_t)sent;
        else if (sent < 0 && errno != EAGAIN && errno != EINTR)
                transport->ended = true;
        return !transport->ended;
}

/* Until the socket is ready, patience ends or somebody says stop. */
static Status wait_for(Transport *transport, short events, int64_t patience_us, Error *err) {
        int64_t until = time_monotonic_us() + patience_us;
        for (;;) {
                int64_t left = (until - time_monotonic_us()) / 1000;
                struct pollfd fd = { .fd = transport->socket, .events = events };
                int ready = poll(&fd, 1, left > TRANSPORT_LOOK_MS ? TRANSPORT_LOOK_MS : left > 0 ? (int)left : 0);
                if (ready < 0 && errno != EINTR)
                        return error_errno(err, errno, "cannot wait for a client");
                if (atomic_load(&transport->stop))
                        return error_set(err, STATUS_INTERRUPTED, "the connection is being ended");
                if (ready > 0)
                        return STATUS_OK;
                if (left <= 0) {
                        transport->ended = true;
                        return error_set(err, STATUS_TIMEOUT, "the client took nothing for %.0f s", (double)patience_us / 1e6);
                }
        }
}

Status transport_write(Transport *transport, Str bytes, int64_t patience_us, Error *err) {
        while (bytes.size > 0) {
                size_t sent;
                short events;
                if (transport->ended || !write_some(transport, bytes, &sent, &events))
                        return error_set(err, STATUS_IO, "the client is gone");
                bytes = str_slice(bytes, sent, bytes.size);
                if (sent == 0)
                        TRY(wait_for(transport, events, patience_us, err));
        }
        return STATUS_OK;
}

Status transport_write_some(Transport *transport, Str bytes, size_t *out_sent, Error *err) {
        size_t sent = 1;
        *out_sent = 0;
        while (*out_sent < bytes.size && sent > 0) {
                short ignored;
                if (transport->ended || !write_some(transport, str_slice(bytes, *out_sent, bytes.size), &sent, &ignored))
                        return error_set(err, STATUS_IO, "the client is gone");
                *out_sent += sent;
        }
        return STATUS_OK;
}

void transport_finish(Transport *transport) {
        if (transport->tls && !transport->ended && !transport->is_shaking)
                SSL_shutdown(fresh(transport));
        (void)shutdown(transport->socket, SHUT_WR);
}

void transport_stop(Transport *transport) {
        atomic_store(&transport->stop, true);
}
