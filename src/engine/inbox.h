/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Inbox: what has come from a worker on one socket, taken without ever blocking, so that a worker that sends half a
 * message holds nobody. Bounded by one frame of the socket's limit.
 */
#include "engine/message.h"

typedef struct Inbox {
        int socket;   /* borrowed */
        size_t limit; /* payload of a frame */
        Buf bytes;
        size_t taken; /* of bytes */
} Inbox;

void inbox_init(Inbox *inbox, int socket, size_t limit);
void inbox_deinit(Inbox *inbox);
/* Reads what there is; *out_ended when the other end is gone. IO. Makes earlier payloads stale. */
Status inbox_fill(Inbox *inbox, bool *out_ended, Error *err);
/* The next whole frame, if there is one; its payload is valid until the next fill. CORRUPT. */
Status inbox_next(Inbox *inbox, Message *out, bool *out_has, Error *err);
