/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what a worker hears on its control socket: frames, and the one job that only a worker can read. */
#include <sys/socket.h>

#include "engine/message.h"
#include "worker/build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static Buf into;
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error err = { 0 };
        BuildSpec spec;
        build_spec_read((Str){ (const char *)data, size }, &arena, &spec);
        int pair[2];
        if (size > 60000 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return 0;
        if (write(pair[1], data, size) == (ssize_t)size) {
                close(pair[1]);
                pair[1] = -1;
                Message message;
                int fds[MESSAGE_DESCRIPTORS_MAX];
                size_t fd_count;
                while (message_receive(pair[0], MESSAGE_CONTROL_MAX, &into, &message, fds, &fd_count, &err) == STATUS_OK)
                        build_spec_read(message.payload, &arena, &spec);
        }
        close(pair[0]);
        close_fdp(&pair[1]);
        return 0;
}
