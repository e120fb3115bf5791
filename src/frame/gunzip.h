/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Gunzip: bytes in memory that somebody compressed, with an end to how many come of them. For what is no delivery: those are
 * read by frame/input.h. */
#include "base/buf.h"

bool gunzip_is(Str bytes); /* by its first two bytes */
/* Appends to out. BAD_VALUE for what is damaged or cut short, or has something behind it; LIMIT beyond out->limit. */
Status gunzip(Str bytes, Buf *out, Error *err);
