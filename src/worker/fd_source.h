/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A delivery's bytes as a frame Source: from a descriptor's current place. The context is the descriptor's address. */
#include "frame/input.h"

Source source_of_fd(const int *fd);

/* The same for a regular file from its beginning, by a place of its own: the descriptor's stays. */
typedef struct FdPlace {
        int fd;
        uint64_t at;
} FdPlace;
Source source_of_place(FdPlace *place);
