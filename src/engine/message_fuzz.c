/* SPDX-License-Identifier: Apache-2.0 */
/* What a compromised worker may send: frames in any pieces, failures and rows. */
#include <sys/socket.h>

#include "engine/data_row.h"
#include "engine/inbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_frame(const Message *message) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error err = { 0 };
        Cursor cursor = cursor_of(message->payload);
        Failure failure;
        DataRow row;
        if (message->type == MESSAGE_FAIL && failure_read(&cursor, &arena, &failure, &err) == STATUS_OK)
                failure_to_error(&failure, STR("select 1"), true, &err);
        if (message->type == MESSAGE_ROWS && data_row_open(message->payload, &row)) {
                Str value;
                bool null;
                size_t count = 0;
                while (data_row_next(&row, &value, &null))
                        count++;
                if (count != row.column_count)
                        abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        int pair[2];
        if (size > 60000 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return 0;
        Inbox inbox;
        Error err = { 0 };
        inbox_init(&inbox, pair[0], MESSAGE_ROWS_MAX);
        size_t step = size > 0 ? data[0] + 1u : 1;
        Status status = STATUS_OK;
        for (size_t at = 1; at < size && status == STATUS_OK; at += step) {
                size_t part = size - at < step ? size - at : step;
                bool ended, has = true;
                if (write(pair[1], data + at, part) != (ssize_t)part)
                        break;
                status = inbox_fill(&inbox, &ended, &err);
                while (has && status == STATUS_OK) {
                        Message message;
                        status = inbox_next(&inbox, &message, &has, &err);
                        if (status == STATUS_OK && has)
                                read_frame(&message);
                }
        }
        inbox_deinit(&inbox);
        close(pair[0]);
        close(pair[1]);
        return 0;
}
