/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Who there is, for people: `lode user` and `show principal`. One thread. */
#include "catalog/catalog.h"
#include "cli/cli.h"

/* All accounts. */
Status principals_print(Cli *cli, Catalog *catalog, Error *err);
/* One of them, with what it sees something of. NOT_FOUND. */
Status principal_print(Cli *cli, Catalog *catalog, Str name, Error *err);
