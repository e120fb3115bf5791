/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The hash chain over commits, the same for every back end; private to this room. */
#include "catalog/catalog.h"

/* The id of a commit whose changes are sorted. */
Str commit_id(Arena *arena, const CatalogCommit *commit);
/* The root of the files of one commit, sorted by path; empty for none. */
Str files_root(Arena *arena, const CatalogFile *files, size_t count);
void files_sort(CatalogFile *files, size_t count);
void changes_sort(CatalogChangeRow *changes, size_t count);
/* Whether no object is named twice; changes are sorted. */
bool changes_distinct(const CatalogChangeRow *changes, size_t count);
