/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Logs of servers, told by what their lines are: a line `#Fields:` that names what follows (W3C extended log file format, as
 * IIS and CloudFront write it), or the lines of Apache and nginx ("combined" and "common"). Blanks part their fields, so that
 * nothing else in them may be taken for a delimiter.
 *
 * Everything lies in the caller's arena.
 */
#include "frame/format.h"

typedef struct SniffedLog {
        const char *what;  /* for a doubt */
        Str *names;        /* of the columns, by place */
        size_t name_count;
} SniffedLog;

/* Whether the text is one; then the format has its delimiter, quote, escape and comment. */
bool sniff_log(Str text, Arena *arena, Format *format, SniffedLog *out);
