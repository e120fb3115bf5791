/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Rescue: what a record has and no column takes, as the text of one JSON object: {"name": "text as it stands"}. */
#include "frame/batch.h"

typedef struct RescueField {
        size_t field; /* its place in the record */
        Str name;
} RescueField;

/* A key inside a nested column that its type lacks. */
typedef struct RescueKey {
        Str name, text;
} RescueKey;

/* In the arena; empty fields are left out, and data is NULL when nothing is left. */
Str rescue_text(const Format *format, const RecordBatch *batch, size_t row, const RescueField *fields, size_t count, const RescueKey *keys, size_t key_count,
                Arena *arena);
