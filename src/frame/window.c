/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/window.h"

#include "frame/scan.h"

#define WINDOW (1u << 20)

void window_init(Window *window) {
        *window = (Window){ .input = input_new() };
}

void window_deinit(Window *window) {
        input_free(window->input);
        free(window->buffer);
        *window = (Window){ 0 };
}

Status window_start(Window *window, Source source, const Format *format, uint64_t limit, Error *err) {
        *window = (Window){ .input = window->input, .buffer = window->buffer, .capacity = window->capacity, .line = 1 };
        TRY(input_start_text(window->input, source, format, limit, err));
        TRY(window_fill(window, err));
        if (str_starts_with((Str){ window->buffer, window->size }, STR("\xef\xbb\xbf"))) {
                window->line_begin = 3;
                window_claim(window, 3);
        }
        return STATUS_OK;
}

Status window_fill(Window *window, Error *err) {
        size_t left = window->size - window->at;
        if (window->at > 0) {
                window_offset(window, window->at);
                window->told_at = 0;
                memmove(window->buffer, window->buffer + window->at, left);
                window->offset += window->at;
                window->line_at -= window->at;
                window->at = 0;
        }
        size_t wanted = left >= WINDOW / 2 ? left * 2 : WINDOW, got;
        if (wanted > window->capacity) {
                window->buffer = reallocarray(window->buffer, wanted + SCAN_PADDING, 1);
                if (!window->buffer)
                        out_of_memory();
                window->capacity = wanted;
        }
        TRY(input_read(window->input, window->buffer + left, window->capacity - left, &got, err));
        window->ended = left + got < window->capacity;
        window->size = left + got;
        memset(window->buffer + window->size, 0, SCAN_PADDING);
        return STATUS_OK;
}

int64_t window_line(Window *window, size_t at) {
        int64_t passed = (int64_t)scan_count_lines(window->buffer, window->line_at, at);
        if (passed > 0) {
                size_t begin = at;
                while (begin > window->line_at && !scan_is_newline(window->buffer[begin - 1]))
                        begin--;
                window->line_begin = window->offset + begin;
        }
        window->line_at = at;
        return window->line += passed;
}

int64_t window_column(const Window *window, size_t at) {
        return (int64_t)(window->offset + at - window->line_begin) + 1;
}

uint64_t window_raw_size(const Window *window, size_t start, size_t end) {
        return encoding_raw_size(input_sizes(window->input), (Str){ window->buffer + start, end - start });
}

uint64_t window_offset(Window *window, size_t at) {
        window->told_offset += window_raw_size(window, window->told_at, at);
        window->told_at = at;
        return window->told_offset;
}

void window_claim(Window *window, size_t at) {
        window_line(window, at);
        window->at = at;
}
