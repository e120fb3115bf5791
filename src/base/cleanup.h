/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Scope-bound release: `CLEANUP(close_fdp) int fd = open(...)` closes fd on every way out of the scope.
 * A variable so marked is always initialised where it is declared. TAKE_* hands the value on and leaves the
 * variable empty, so that the cleanup has nothing to do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define UNUSED __attribute__((unused))
#define NORETURN __attribute__((noreturn))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Whether AddressSanitizer is in this build. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif

#define TAKE_FD(fd)                   \
        ({                            \
                int taken_ = (fd);    \
                (fd) = -1;            \
                taken_;               \
        })

#define TAKE_PTR(pointer)                            \
        ({                                           \
                __typeof__(pointer) taken_ = (pointer); \
                (pointer) = NULL;                    \
                taken_;                              \
        })

static inline void close_fdp(int *fd) {
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

/* For any pointer that came from malloc; takes the address of the pointer, as cleanup attributes do. */
static inline void freep(void *pointer) {
        free(*(void **)pointer);
}
