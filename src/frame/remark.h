/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Remarks: values that fit and yet want a look, counted of each column while they are read. */
#include <stddef.h>
#include <stdint.h>

typedef enum Remark {
        REMARK_TWICE,  /* a local time of the hour that comes twice; the first was taken */
        REMARK_UNSEEN, /* a text that begins or ends with what no eye sees (frame/unseen.h) */
        REMARK_COUNT
} Remark;

#define REMARK_TEXT_MAX 48

typedef struct Remarks {
        struct {
                int64_t count;
                char text[REMARK_TEXT_MAX]; /* the first, whole characters of it */
                size_t size;
        } of[REMARK_COUNT];
} Remarks;
