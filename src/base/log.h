/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Log: one line per event on stderr, key=value, off by default below the chosen level. Library rooms do not log. */
#include "base/cleanup.h"

typedef enum LogLevel { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG } LogLevel;
void log_set_level(LogLevel level);
void log_line(LogLevel level, const char *module, const char *format, ...) PRINTF_LIKE(3, 4);
#define log_debug(module, ...) log_line(LOG_DEBUG, module, __VA_ARGS__)
#define log_info(module, ...) log_line(LOG_INFO, module, __VA_ARGS__)
#define log_warn(module, ...) log_line(LOG_WARN, module, __VA_ARGS__)
