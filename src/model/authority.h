/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Authority: who may change which of the project's text, where it does not come from the store's own machine.
 *
 *   lode.yml, policies.yml, a new zone       administrators
 *   a zone's zone.yml and access.yml         its owner
 *   its terms, sources and models            its owner and engineers
 *   a source's `from` outside of ingress/    administrators: it would read whatever the server can read
 *
 *   a tag that policies.yml rules on, taken   administrators: a policy would end by the hand that it binds
 *   off a column or table of a model or source
 *   what such a column of a source reads,     administrators: it would be read without the tag (tagged.h)
 *   given to another column or source
 *
 * An administrator may change everything. What counts is the text that holds, not the one that is sent.
 */
#include "model/grant.h"
#include "model/text.h"
#include "model/text_files.h"

/* The file that an object of the text is read from, "zones/shop/zone.yml". */
const char *authority_path(const TextChange *change, Arena *arena);
/* A problem (DENIED, with the file) for each change that this account may not make. next: the text as it is to be. */
void authority_check(const Grants *grants, const Account *account, const Project *next, const TextChange *changes, size_t count,
                     Problems *out);
/* A problem (DENIED, with file and line) for each tag of a rule in policies.yml that a model's or source's text in `applied` has and that of
 * the same file in next has not, and for what tagged.h refuses of sources. policies.yml itself is only an administrator's to change, so next's is the one that holds. */
void authority_check_tags(const Account *account, const Project *next, const TextFile *applied, size_t count, Problems *out);
