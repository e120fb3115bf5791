/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an archive: what comes out lies in the bytes, and no path leads anywhere else. */
#include "server/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        TarLimits limits = { .files = 50, .file_bytes = 4096 };
        Str bytes = { (const char *)data, size }, comment;
        TarFile *files;
        size_t count;
        Error err = { 0 };
        if (tar_read(bytes, &limits, &arena, &files, &count, &comment, &err) != STATUS_OK)
                return 0;
        if (count > limits.files)
                abort();
        for (size_t i = 0; i < count; i++) {
                Str path = files[i].path, part;
                if (files[i].bytes.size > limits.file_bytes || path.size == 0 || path.data[0] == '/' || memchr(path.data, '\0', path.size))
                        abort();
                for (bool more = true; more;) {
                        more = str_cut(path, '/', &part, &path);
                        if (str_is(part, "..") || str_is(part, ".") || part.size == 0)
                                abort();
                }
        }
        return 0;
}
