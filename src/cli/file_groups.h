/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * File groups: files that look alike are one source; a sheet of a workbook counts as a file. Alike = same dialect, same header, and types of which one can hold
 * the other; the group's types are the wider ones.
 */
#include "engine/stage_message.h"

typedef struct SniffedFile {
        const char *shown; /* as the user named it */
        const char *path;  /* absolute */
        SniffResult sniffed;
        Str sheet; /* of a workbook with several; else empty */
} SniffedFile;

typedef enum Grouping { GROUP_BY_SHAPE, GROUP_EACH, GROUP_ONE } Grouping;

typedef struct FileGroup {
        SniffedFile **files;
        size_t file_count;
        SniffResult sniffed; /* of the first file, with the group's types and all doubts */
        int64_t records; /* without header, footer and what else is skipped */
        size_t clashes;      /* columns that stay text since two files read them in two ways */
        Str name;            /* what the files' names have in common, not yet a valid name */
        Str *patterns;       /* set by group_pattern() */
        size_t pattern_count;
        /* set by the caller */
        Str source_name;
        const char *path;
} FileGroup;

/* GROUP_ONE: USAGE where one source cannot read them all (one_feed.h). */
Status group_files(SniffedFile *files, size_t count, Grouping how, Arena *arena, FileGroup **out, size_t *out_count, Error *err);
/* Where a group has a file's column; SIZE_MAX: nowhere. By its name or key where files are read by that, else by its place. */
size_t group_column(const SniffResult *into, const SniffResult *other, size_t index);
/*
 * The `from` that finds these files and others like them: numbers in the names become *, as long as no other file of
 * the folder is caught; else the names themselves. Relative to the project where they lie in it, `ingress/...` in the
 * zone's own ingress. Sets group->patterns; returns the first.
 */
Str group_pattern(Arena *arena, const char *project_root, Str zone, FileGroup *group);
/* The narrower type that holds both; false when there is none. */
bool types_unify(Type a, Type b, Type *out);
