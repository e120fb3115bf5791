/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Patience: how long a call waits where another process holds the catalog's file. A minute by default. Whoever has waited it
 * out once does not wait as long again: for a minute afterwards all calls of this process give up after a moment, so that a
 * command gives up after a minute however many calls it makes, and a server goes on to answer.
 */
#include "catalog/catalog.h"

#define CATALOG_PATIENCE_US (60ll * 1000000)
#define CATALOG_MOMENT_US 200000 /* as long as an ordinary commit takes */

/* Of this catalog's calls from now on; gives what it was. For what is better left out than waited for. */
int64_t catalog_patience(Catalog *catalog, int64_t us);
