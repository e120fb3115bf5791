/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Which version of a file was looked at, as FileSeen (catalog/catalog.h) keeps it: by device, inode, size and times. */
#include <sys/stat.h>

#include "catalog/catalog.h"

/* Looked at now; what else is known of it is empty. */
FileSeen file_seen_of(const struct stat *st);
/* Whether it is that version still, as far as its times tell. */
bool file_seen_fits(const FileSeen *seen, const struct stat *st);
/* Looked at so soon after its last change that a change since need not show in its times. */
bool file_seen_is_young(const FileSeen *seen);
