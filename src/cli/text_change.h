/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Objects of the project's text that `apply` would put or remove, as plan and status tell of them. */
#include "cli/output.h"
#include "model/text.h"

/* "[{"kind","name","change":"put|remove"}]" */
void shape_text_changes(JsonWriter *w, const TextChange *changes, size_t count, Arena *arena);
/* "+ source   shop.orders" on stdout, after the indent. */
void text_change_print(const Output *output, const char *indent, const TextChange *change, Arena *arena);
