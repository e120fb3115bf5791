/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Buffers of this room that are no Buf, for their sizes are known. Internal. */
#include <stdlib.h>

#include "base/error.h"

/* What malloc and its kin gave; without memory the process ends. */
static inline void *must_alloc(void *memory) {
        if (!memory)
                out_of_memory();
        return memory;
}
