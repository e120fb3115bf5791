/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The people that zone.yml, access.yml, access.test.yml and policies.yml name, against those there are. Users and roles
 * live in the catalog and not in the text, and a zone may be yet to come, so that one who is not there is a warning: at its
 * place if it is a zone or a name that is there is near, the others in one line.
 */
#include "govern/account.h"
#include "model/project.h"

/* catalog may be NULL: then zones alone are looked at. Who is not there goes to warnings. */
Status access_names_check(const Project *project, Catalog *catalog, Arena *arena, Problems *warnings, Error *err);

/* Places err at `word` below `key`, in the entry that begins on `line`; at that line if the word is not found there. */
void access_place(Error *err, const char *path, Str text, int line, const char *key, Str word);
