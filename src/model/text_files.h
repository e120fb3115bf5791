/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Text files: the applied text as the files that it was read from, and files as text for project_load(). */
#include "catalog/catalog.h"

typedef struct TextFile {
        Str path; /* relative to the project's root */
        Str text;
} TextFile;

/* In the history's order. CORRUPT. */
Status text_files(Catalog *catalog, CatalogAt at, Arena *arena, TextFile **out, size_t *out_count, Error *err);
/* Writes them below a folder that is the caller's alone, folders included. Paths must be clean: relative, without "..". */
Status text_files_write(const char *folder, const TextFile *files, size_t count, Error *err);
typedef enum TextPath {
        TEXT_NONE,  /* nothing that a project reads */
        TEXT_READ,  /* lode.yml, zones/shop/canonical/order.sql ... */
        TEXT_STRAY, /* in a zone, where reading the project says that nothing reads it */
} TextPath;
TextPath text_file_path(Str path);
/* The path that a project reads and that this one, which it does not read, differs from by nothing but case, blanks and dots at
 * the ends of names: a file that its sender takes for text. Empty: there is none. */
Str text_file_near(Str path, Arena *arena);
/* shop of "zones/shop/zone.yml"; empty for what is no zone's. */
Str text_file_zone(Str path);
