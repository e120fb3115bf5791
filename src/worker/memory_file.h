/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A file in memory that holds a text, at its beginning: what a test or a fuzz target hands over as a delivery or an output. */
#include <sys/mman.h>

#include "base/file.h"

static inline int memory_file(Str text) {
        int fd = memfd_create("memory", MFD_CLOEXEC);
        Error err;
        if (fd < 0 || fd_write_all(fd, text, "a file in memory", &err) != STATUS_OK)
                panic("no memory file");
        lseek(fd, 0, SEEK_SET);
        return fd;
}
