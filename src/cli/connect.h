/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* `show connect USER`: ready lines for the programs that people connect with. */
#include "cli/cli.h"
#include "model/workspace.h"

/* Where the last server of this store was reached, as HOST:PORT; kept by `serve`. */
#define META_SERVED "served"
#define META_SERVED_HTTP "served_http" /* empty: it does without */

Status show_connect(Cli *cli, Workspace *workspace, Str user, Error *err);
