/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Blame: whose fault it was that the engine failed over files of ours. It meets damage in many ways, a broken page, a type that
 * there is not, a crash, and its words for them are for its makers. What the catalog wants is asked instead.
 */
#include "engine/worker.h"
#include "lake/table.h"

/* worker_grant(), of a data file of lake (NULL: of none): CORRUPT, with its name, where it is gone that should be there. */
Status lake_grant(Lake *lake, Worker *worker, const char *path, Arena *arena, const char **out_path, Error *err);
/* CORRUPT, with its name, for the first of these files that is not what was published. One that no commit knows is fine. */
Status lake_prove(Lake *lake, const Str *paths, size_t count, Error *err);
/* The same of all data files of a table; CORRUPT also where what names them cannot be read. */
Status lake_prove_table(Lake *lake, const Table *table, Error *err);
/*
 * After a call of the worker that failed with err: where that may have been damage, the files that it read, by their paths in
 * the store, are hashed, and the first that is not what was published makes err CORRUPT, with its name. Returns err's status.
 */
Status lake_blame(Lake *lake, const Worker *worker, const Str *paths, size_t count, Error *err);
