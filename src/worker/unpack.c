/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/unpack.h"

#include <errno.h>

#include "base/reason.h"
#include "frame/unpack.h"
#include "worker/fd_source.h"

static Status write_fd(void *context, Str bytes, Error *err) {
        const int *fd = context;
        while (bytes.size > 0) {
                ssize_t done = write(*fd, bytes.data, bytes.size);
                if (done < 0 && errno == EINTR)
                        continue;
                if (done < 0 && (errno == ENOSPC || errno == EDQUOT))
                        return error_reason(err, FULL, reason_errno(errno));
                if (done < 0)
                        return error_reason(err, WRITE, reason_errno(errno));
                bytes = str_slice(bytes, (size_t)done, bytes.size);
        }
        return STATUS_OK;
}

Status unpack_run(int in, int out, Arena *arena, Archive *result, Error *err) {
        Source source = source_of_fd(&in);
        if (!source.read_at)
                return error_reason(err, REFUSED);
        return archive_unpack(source, (ArchiveSink){ write_fd, &out }, arena, result, err);
}
