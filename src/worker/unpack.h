/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The unpacking job: an archive's members, one after the other, into a descriptor. */
#include "frame/archive.h"

/* HELD: the archive is at fault. IO. */
Status unpack_run(int in, int out, Arena *arena, Archive *result, Error *err);
