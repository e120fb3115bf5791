/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/time.h"

#include <stdarg.h>

static LogLevel current = LOG_WARN;

void log_set_level(LogLevel level) {
        current = level;
}

void log_line(LogLevel level, const char *module, const char *format, ...) {
        if (level > current)
                return;
        static const char *const names[] = { "error", "warn", "info", "debug" };
        CLEANUP(arena_deinit) Arena arena = { 0 };
        char line[1024];
        va_list args;
        va_start(args, format);
        vsnprintf(line, sizeof(line), format, args);
        va_end(args);
        for (char *at = line; *at; at++) /* a name of a file may have any byte in it: an event stays one line */
                if ((unsigned char)*at < 0x20 || *at == 0x7f)
                        *at = '?';
        /* one write, so that lines of several processes do not mix */
        fprintf(stderr, "%s level=%s module=%s %s\n", time_print_us(&arena, time_now_us()).data, names[level], module, line);
}
