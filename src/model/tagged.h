/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Tagged: whether another text of a source, or another source, would read without its tag what a column with a tag of
 * policies.yml reads now. What landed stays, and a source whose text changed reads it again: so a tag is kept only where
 * the bytes below it are. While a source in force has such a column, these are refused:
 *
 *   the source is taken away
 *   another column reads the same field (by name, `was`, path in JSON, characters of a line) and lacks the tag
 *   the tagged column reads another field, so that its own would be anybody's
 *   whatever cuts records and fields is changed (delimiter, header, skip, sheet ...), or one of its patterns is gone
 *   another source of the zone begins to claim files that it may claim
 *   `_valid_from` of a history would be made of the column
 *
 * Where every column of the new text has the tag and `evolve: freeze` lets no other come, it may be cut in any way.
 */
#include "model/project.h"

/* The sources as they are applied; those of them whose text is the same in next are not looked at. DENIED, with the file. */
void tagged_check(const CentralPolicies *policies, const Project *next, Source *const *applied, size_t count, Problems *out);
/* Whether there may be a file's name that both fit: `*`, `?` and classes of letters, which count as any letter. */
bool tagged_patterns_meet(Str a, Str b, Arena *arena);
