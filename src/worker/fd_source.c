/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/fd_source.h"

#include <errno.h>

#include "base/reason.h"

static Status read_fd(void *context, void *into, size_t size, size_t *out_got, Error *err) {
        const int *fd = context;
        ssize_t got;
        do {
                got = read(*fd, into, size);
        } while (got < 0 && errno == EINTR);
        if (got < 0)
                return error_reason(err, READ, reason_errno(errno));
        *out_got = (size_t)got;
        return STATUS_OK;
}

Source source_of_fd(const int *fd) {
        return (Source){ read_fd, (void *)(uintptr_t)fd };
}
