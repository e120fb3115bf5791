/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an audit file: whole or broken with a line named. What is appended to it is found whole, or refused. */
#include <fcntl.h>
#include <sys/mman.h>

#include "base/arena.h"
#include "govern/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static int file = -1;
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error err = { 0 };
        if (file < 0)
                file = memfd_create("audit", MFD_CLOEXEC);
        if (file < 0 || ftruncate(file, 0) < 0 || pwrite(file, data, size, 0) != (ssize_t)size)
                return 0;
        AuditHead head;
        Status status = audit_verify(arena_printf(&arena, "/proc/self/fd/%d", file), NULL, 0, &head, NULL, &arena, &err);
        if (status != STATUS_OK && err.message[0] == '\0')
                panic("broken without a word");
        if (status == STATUS_OK && head.sequence < 0)
                panic("a head before the first line");
        return 0;
}
