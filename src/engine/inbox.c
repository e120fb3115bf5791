/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/inbox.h"

#include <errno.h>
#include <sys/socket.h>

#define INBOX_STEP (64u << 10) /* bytes asked of the kernel at least */

void inbox_init(Inbox *inbox, int socket, size_t limit) {
        *inbox = (Inbox){ .socket = socket, .limit = limit };
}

void inbox_deinit(Inbox *inbox) {
        buf_deinit(&inbox->bytes);
        inbox->taken = 0;
}

/* Moves what is left to the front. Frames are taken before more is read, so that is less than one frame. */
static void inbox_compact(Inbox *inbox) {
        size_t left = inbox->bytes.size - inbox->taken;
        if (inbox->taken > 0 && left > 0)
                memmove(inbox->bytes.data, inbox->bytes.data + inbox->taken, left);
        inbox->bytes.size = left;
        inbox->taken = 0;
        if (left == 0 && inbox->bytes.capacity > 1u << 20)
                buf_deinit(&inbox->bytes);
}

Status inbox_fill(Inbox *inbox, bool *out_ended, Error *err) {
        inbox_compact(inbox);
        char *to = buf_reserve(&inbox->bytes, INBOX_STEP);
        size_t room = inbox->bytes.capacity - inbox->bytes.size;
        ssize_t got;
        do
                got = recv(inbox->socket, to, room, MSG_DONTWAIT);
        while (got < 0 && errno == EINTR);
        *out_ended = got == 0 || (got < 0 && errno == ECONNRESET);
        if (got > 0)
                buf_added(&inbox->bytes, (size_t)got);
        else if (got < 0 && errno != EAGAIN && errno != ECONNRESET)
                return error_errno(err, errno, "cannot receive from a worker");
        return STATUS_OK;
}

Status inbox_next(Inbox *inbox, Message *out, bool *out_has, Error *err) {
        *out_has = false;
        Str left = str_slice(buf_view(&inbox->bytes), inbox->taken, inbox->bytes.size);
        if (left.size < MESSAGE_HEADER_SIZE)
                return STATUS_OK;
        Message message;
        uint32_t length;
        TRY(message_parse_header(str_slice(left, 0, MESSAGE_HEADER_SIZE), inbox->limit, &message, &length, err));
        if (left.size - MESSAGE_HEADER_SIZE < length)
                return STATUS_OK;
        message.payload = str_slice(left, MESSAGE_HEADER_SIZE, MESSAGE_HEADER_SIZE + (size_t)length);
        inbox->taken += MESSAGE_HEADER_SIZE + (size_t)length;
        *out = message;
        *out_has = true;
        return STATUS_OK;
}
