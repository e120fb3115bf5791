/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/message.h"

#include <errno.h>
#include <sys/socket.h>

const char *message_name(MessageType type) {
        switch (type) {
#define X(name, number, sender, words) \
        case MESSAGE_##name:           \
                return #name;
                MESSAGE_TABLE(X)
#undef X
        }
        return "unknown";
}

static bool message_is_known(uint16_t number) {
        switch (number) {
#define X(name, number_, sender, words) case number_:
                MESSAGE_TABLE(X)
#undef X
                return true;
        }
        return false;
}

static Status message_lost(Error *err) {
        return error_set(err, STATUS_WORKER_LOST, "the other end of the connection is gone");
}

/* Takes what was sent off the front of the parts. */
static void parts_advance(struct iovec *parts, size_t count, size_t sent) {
        for (size_t i = 0; i < count; i++) {
                size_t step = sent < parts[i].iov_len ? sent : parts[i].iov_len;
                if (step == 0)
                        continue; /* an empty part has no address to add to */
                parts[i] = (struct iovec){ (char *)parts[i].iov_base + step, parts[i].iov_len - step };
                sent -= step;
        }
}

/* Sends all of both parts, at best in one call; the descriptors ride on the first byte. */
static Status send_all(int socket, struct iovec parts[2], const int *fds, size_t fd_count, Error *err) {
        union {
                struct cmsghdr header;
                char room[CMSG_SPACE(MESSAGE_DESCRIPTORS_MAX * sizeof(int))];
        } control = { 0 };
        while (parts[0].iov_len + parts[1].iov_len > 0) {
                struct msghdr out = { .msg_iov = parts, .msg_iovlen = 2 };
                if (fd_count > 0) {
                        control.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                                                           .cmsg_type = SCM_RIGHTS,
                                                           .cmsg_len = CMSG_LEN(fd_count * sizeof(int)) };
                        memcpy(CMSG_DATA(&control.header), fds, fd_count * sizeof(int));
                        out.msg_control = &control;
                        out.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
                }
                ssize_t sent = sendmsg(socket, &out, MSG_NOSIGNAL);
                if (sent < 0 && errno == EINTR)
                        continue;
                if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
                        return message_lost(err);
                if (sent < 0)
                        return error_errno(err, errno, "cannot send to the other program");
                fd_count = 0;
                parts_advance(parts, 2, (size_t)sent);
        }
        return STATUS_OK;
}

static void put_le(char *to, uint64_t value, size_t size) {
        for (size_t i = 0; i < size; i++)
                to[i] = (char)(value >> (8 * i));
}

Status message_send(int socket, MessageType type, uint16_t flags, uint64_t statement, Str payload, const int *fds,
                    size_t fd_count, Error *err) {
        size_t limit = type == MESSAGE_ROWS ? MESSAGE_ROWS_MAX : MESSAGE_CONTROL_MAX;
        if (payload.size > limit)
                return error_set(err, STATUS_LIMIT, "a %s message of %zu bytes; at most %zu can be sent",
                                 message_name(type), payload.size, limit);
        if (fd_count > MESSAGE_DESCRIPTORS_MAX)
                return error_set(err, STATUS_LIMIT, "%zu descriptors in one message", fd_count);

        char header[MESSAGE_HEADER_SIZE];
        put_le(header, payload.size, 4);
        put_le(header + 4, (uint64_t)type, 2);
        put_le(header + 6, (uint64_t)(flags & ~MESSAGE_FLAG_DESCRIPTORS) | fd_count, 2);
        put_le(header + 8, statement, 8);
        struct iovec parts[] = { { header, sizeof(header) }, { (void *)(uintptr_t)payload.data, payload.size } };
        return send_all(socket, parts, fds, fd_count, err);
}

Status message_parse_header(Str header, size_t limit, Message *out, uint32_t *out_length, Error *err) {
        Cursor cursor = cursor_of(header);
        uint32_t length = cursor_u32(&cursor);
        uint16_t type = cursor_u16(&cursor);
        uint16_t flags = cursor_u16(&cursor);
        uint64_t statement = cursor_u64(&cursor);
        if (cursor.failed)
                return error_set(err, STATUS_CORRUPT, "a message header of %zu bytes", header.size);
        if (!message_is_known(type))
                return error_set(err, STATUS_CORRUPT, "a message of unknown type %u", type);
        if (length > limit)
                return error_set(err, STATUS_CORRUPT, "a %s message of %u bytes; at most %zu are taken",
                                 message_name((MessageType)type), length, limit);
        if (flags & ~MESSAGE_FLAG_DESCRIPTORS)
                return error_set(err, STATUS_CORRUPT, "a %s message with flags %#x", message_name((MessageType)type),
                                 flags);
        *out = (Message){ .type = (MessageType)type, .flags = flags, .statement = statement };
        *out_length = length;
        return STATUS_OK;
}

static void close_all(int *fds, size_t count) {
        for (size_t i = 0; i < count; i++)
                close_fdp(&fds[i]);
}

/* Descriptors of one recvmsg(), appended to fds; those for which there is no room are closed. */
static bool take_descriptors(struct msghdr *in, int *fds, size_t *count) {
        bool fits = true;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(in); c; c = CMSG_NXTHDR(in, c)) {
                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                size_t got = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                for (size_t i = 0; i < got; i++) {
                        int fd;
                        memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
                        if (*count < MESSAGE_DESCRIPTORS_MAX) {
                                fds[(*count)++] = fd;
                        } else {
                                close(fd);
                                fits = false;
                        }
                }
        }
        return fits && !(in->msg_flags & MSG_CTRUNC);
}

/* size bytes, and the descriptors that come with them. Without room for descriptors the kernel drops them. */
static Status receive_all(int socket, char *to, size_t size, int *fds, size_t *fd_count, Error *err) {
        union {
                struct cmsghdr header;
                char room[CMSG_SPACE(MESSAGE_DESCRIPTORS_MAX * sizeof(int))];
        } control;
        bool fits = true;
        for (size_t done = 0; done < size;) {
                struct iovec part = { .iov_base = to + done, .iov_len = size - done };
                struct msghdr in = { .msg_iov = &part, .msg_iovlen = 1 };
                if (fds) {
                        in.msg_control = &control;
                        in.msg_controllen = sizeof(control);
                }
                ssize_t got = recvmsg(socket, &in, MSG_CMSG_CLOEXEC);
                if (got < 0 && errno == EINTR)
                        continue;
                if (got == 0 || (got < 0 && errno == ECONNRESET))
                        return message_lost(err);
                if (got < 0)
                        return error_errno(err, errno, "cannot receive from the other program");
                if (fds)
                        fits = take_descriptors(&in, fds, fd_count) && fits;
                else
                        fits = fits && !(in.msg_flags & MSG_CTRUNC);
                done += (size_t)got;
        }
        if (!fits)
                return error_set(err, STATUS_CORRUPT, "descriptors that no message announced");
        return STATUS_OK;
}

static Status receive_frame(int socket, size_t limit, Buf *into, Message *out, int *fds, size_t *fd_count, Error *err) {
        char header[MESSAGE_HEADER_SIZE];
        uint32_t length;
        TRY(receive_all(socket, header, sizeof(header), fds, fd_count, err));
        TRY(message_parse_header((Str){ header, sizeof(header) }, limit, out, &length, err));
        if ((out->flags & MESSAGE_FLAG_DESCRIPTORS) != *fd_count)
                return error_set(err, STATUS_CORRUPT, "a %s message with %zu descriptors that announced %u",
                                 message_name(out->type), *fd_count, out->flags & MESSAGE_FLAG_DESCRIPTORS);
        buf_clear(into);
        char *to = buf_reserve(into, length);
        if (!to)
                return error_set(err, STATUS_CORRUPT, "a %s message of %u bytes", message_name(out->type), length);
        TRY(receive_all(socket, to, length, NULL, NULL, err));
        buf_added(into, length);
        out->payload = buf_view(into);
        return STATUS_OK;
}

Status message_receive(int socket, size_t limit, Buf *into, Message *out, int *fds, size_t *out_fd_count, Error *err) {
        Message message = { 0 };
        size_t fd_count = 0;
        Status status = receive_frame(socket, limit, into, &message, fds, &fd_count, err);
        if (status != STATUS_OK) {
                close_all(fds, fds ? fd_count : 0);
                return status;
        }
        *out = message;
        if (out_fd_count)
                *out_fd_count = fd_count;
        return STATUS_OK;
}
