/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* All that is wrong with a project's text, told at once. */
#include "cli/cli.h"
#include "model/problems.h"

/* What is told and hinders nothing, a line each. */
void text_warnings(Cli *cli, Problems *warnings);
/* Prints all problems but the last, which becomes err (so that main prints it); OK if there are none. */
Status text_errors(const Cli *cli, Problems *problems, Error *err);
