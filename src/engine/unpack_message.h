/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * UNPACK: an archive's descriptor and one to write to -> what its members are. Their bytes lie in the second, one after
 * the other. Reading checks names and counts; that the sizes are those of the bytes is the caller's to compare.
 */
#include "base/buf.h"
#include "frame/archive.h"

void archive_write(Buf *out, const Archive *archive);
Status archive_read(Str bytes, Arena *arena, Archive *out, Error *err);
