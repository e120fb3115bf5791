/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Window: the part of a delivery's text that a reader looks at, decoded, in a buffer that slides and grows. It knows
 * which line a place is on, and where that place lies in the delivery before its letters were decoded.
 *
 *      buffer:  [ claimed | at ... size | SCAN_PADDING bytes of 0 ]
 *
 * Places are indexes of the buffer, and are asked for in rising order. window_fill() moves them all.
 */
#include "frame/input.h"

typedef struct Window {
        Input *input;
        char *buffer;
        size_t capacity, at, size; /* at: everything before it was claimed */
        bool ended;                /* nothing follows buffer[size] */
        uint64_t offset;           /* of buffer[0] in the text */
        size_t told_at;            /* buffer[told_at] is at told_offset in the delivery */
        uint64_t told_offset;
        size_t line_at; /* buffer[line_at] is on `line` */
        int64_t line;
        uint64_t line_begin; /* where that line begins in the text */
} Window;

void window_init(Window *window);
void window_deinit(Window *window);

/* Begins a file: a first part of it is there, and a byte order mark was passed. */
Status window_start(Window *window, Source source, const Format *format, uint64_t limit, Error *err);
/* Drops what was claimed and reads more behind what is left. */
Status window_fill(Window *window, Error *err);
/* Everything before a place belongs to records that were dealt with. */
void window_claim(Window *window, size_t at);

int64_t window_line(Window *window, size_t at);    /* from 1 */
uint64_t window_offset(Window *window, size_t at); /* in the delivery */
/* The column of a place on the line that window_line() told of it, in bytes from 1. */
int64_t window_column(const Window *window, size_t at);
uint64_t window_raw_size(const Window *window, size_t start, size_t end); /* bytes in the delivery */
