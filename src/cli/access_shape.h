/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Who gains and loses what, as `plan` and `apply` tell it. */
#include "cli/output.h"
#include "model/access_change.h"

/* The member "access" with its list. */
void access_json(JsonWriter *writer, const AccessChange *changes, size_t count);
/* A section of its own on stdout; nothing when nothing changes. */
void access_print(const Output *output, const AccessChange *changes, size_t count);
