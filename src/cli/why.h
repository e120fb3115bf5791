/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Who sees a table, and by which lines of text: `why` for one, `show access` for all accounts. */
#include "cli/cli.h"
#include "model/workspace.h"

/* `show access TABLE`: every account that sees something of it. The workspace has a store and workers. */
Status show_access(Cli *cli, Workspace *workspace, Str table, Error *err);
