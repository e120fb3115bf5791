/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Who gains and loses what, as `plan` and `apply` tell it to people; to programs: model/text_shape.h. */
#include "cli/output.h"
#include "model/access_change.h"

/* A section of its own on stdout; nothing when nothing changes. */
void access_print(const Output *output, const AccessChange *changes, size_t count);
