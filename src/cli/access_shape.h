/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Who gains and loses what, as `plan` and `apply` tell it to people; to programs: model/text_shape.h. */
#include "cli/cli.h"
#include "model/access_change.h"
#include "model/decide.h"

/* Which models choose rows by what a policy masks: a section on stdout; beside JSON, which has no place for it, on stderr. */
void decisions_print(Cli *cli, const Decision *decisions, size_t count);
/* A section of its own on stdout; nothing when nothing changes. */
void access_print(const Output *output, const AccessChange *changes, size_t count);
