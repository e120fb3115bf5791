/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/fd_source.h"

#include <errno.h>
#include <sys/stat.h>

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

static Status read_fd_at(void *context, uint64_t offset, void *into, size_t size, size_t *out_got, Error *err) {
        const int *fd = context;
        ssize_t got;
        do {
                got = pread(*fd, into, size, (off_t)offset);
        } while (got < 0 && errno == EINTR);
        if (got < 0)
                return error_reason(err, READ, reason_errno(errno));
        *out_got = (size_t)got;
        return STATUS_OK;
}

static Status read_place(void *context, void *into, size_t size, size_t *out_got, Error *err) {
        FdPlace *place = context;
        TRY(read_fd_at(&place->fd, place->at, into, size, out_got, err));
        place->at += *out_got;
        return STATUS_OK;
}

static Status read_place_at(void *context, uint64_t offset, void *into, size_t size, size_t *out_got, Error *err) {
        FdPlace *place = context;
        return read_fd_at(&place->fd, offset, into, size, out_got, err);
}

Source source_of_place(FdPlace *place) {
        struct stat st;
        uint64_t size = fstat(place->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
        return (Source){ read_place, place, read_place_at, size };
}

/* What is no regular file, such as a pipe, is read from front to back only. */
Source source_of_fd(const int *fd) {
        Source source = { .read = read_fd, .context = (void *)(uintptr_t)fd };
        struct stat st;
        if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode)) {
                source.read_at = read_fd_at;
                source.size = (uint64_t)st.st_size;
        }
        return source;
}
