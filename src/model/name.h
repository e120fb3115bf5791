/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Names of zones, sources and models, which become parts of SQL names, and of projects, which are folders. */
#include "base/arena.h"
#include "base/error.h"

#define PROJECT_NAME_MAX 63

/* [a-z][a-z0-9_]*, at most PROJECT_NAME_MAX bytes, not a reserved word of the layout. */
bool name_valid(Str name);
/* BAD_VALUE with the reason and a name that would do; `what` is "zone", "source", "model", ... */
Status name_check(Str name, const char *what, Error *err);
/* A valid name made of anything: lower case, letters of Latin script by those that stand for them (ae for ä, e for é), '_' for the rest. */
Str name_from(Arena *arena, Str text);

/* The project's name from its folder's: letters, digits, _ - and . stay, all else becomes '_'. */
Str project_name_from(Arena *arena, Str folder);
