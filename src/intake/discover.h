/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Discover: which files are there, and which feed claims each. Reads folders and stats files; opens none.
 *
 * A zone's ingress is the folder ingress/ZONE of the project, with what lies in folders below it. Every file in it is
 * found, claimed or not. Links in it, and the folder itself where it is one, are found but never followed and never claimed: who may drop files is not who may
 * read all that Lode can read. Pipes, sockets and devices in it are found and never opened, so that they can be told of.
 * A workbook may belong to several feeds that read different sheets of it; it is then found once for each of them.
 * What was unpacked of archives counts as lying in ingress, under ARCHIVE/MEMBER, as long as an archive of ingress lies there as
 * it was; a pattern claims it by that name, by
 * MEMBER, by the last part of MEMBER, or by ARCHIVE.
 * Files elsewhere are found only through a pattern that names them, and are called by one name however the pattern spells it;
 * an archive there also through one of its members. Names that begin with a dot
 * and those that end in .tmp, .part or .filepart are a sender's half-written files and are passed over.
 */
#include "intake/feed.h"

#include <sys/stat.h>

#define DISCOVER_FILES_MAX 1000000
#define DISCOVER_DEPTH_MAX 16

typedef struct FoundFile {
        const char *path;   /* absolute */
        Str zone;           /* of a stray: the folder it lies in, which is no zone's; empty: in ingress/ itself */
        Str name;           /* as deliveries are called: below ingress/ZONE/, or below the project, or absolute */
        Str archive;        /* what came in one: the archive's own name, with which `name` begins */
        bool in_ingress;    /* or unpacked of an archive: it is removed once landed and recorded */
        const char *unpacked; /* of an archive in ingress: the folder of those of its members that are not taken yet; then nobody claims it */
        bool is_elsewhere;  /* ... of one that lies elsewhere: patterns of elsewhere claim it, and unclaimed it is nobody's */
        bool is_stray;      /* in ingress, outside of any zone's folder */
        bool is_link;       /* in ingress, where links are not followed */
        bool is_special;    /* in ingress: a pipe, a socket, a device */
        bool is_too_deep;   /* in ingress: a folder below more folders than are looked into */
        bool is_closed;     /* a folder in ingress that may not be read: nobody claims it, and the rest goes on */
        const Feed *feed;   /* NULL: no feed claims it */
        const Feed *rival;  /* a second feed that claims it too: an error of the text */
        uint32_t sharers;   /* feeds that read other sheets of the workbook, this one too: it is found once for each */
        struct stat st;
} FoundFile;

typedef struct DiscoverSpec {
        const char *project_root;
        const Feed *const *feeds; /* all feeds of the zones looked at, so that claims are complete */
        size_t feed_count;
        const Str *zones;         /* whose ingress is listed */
        size_t zone_count;
        bool strays;              /* also what lies in ingress/ outside the zones' folders; zones are then all there are */
        const char *unpacked[2];  /* where archives were unpacked (unpack.h); NULL: nowhere */
} DiscoverSpec;

/* Below where archives of a zone are unpacked; ID.i: of one in ingress, ID.e: of one elsewhere. A dot before: not whole. */
#define UNPACKED_INGRESS "i"
#define UNPACKED_ELSEWHERE "e"

/* Whether its name says that it holds others. */
bool discover_is_archive(Str name);
/* The feed that would claim the member of an archive in a zone's ingress; NULL: none. */
const Feed *discover_member(const Feed *const *feeds, size_t feed_count, Str zone, Str archive, Str member, Arena *arena);

/* Sorted by zone, then name. IO when a zone's ingress itself cannot be read; a missing one is empty. LIMIT. */
Status discover_files(const DiscoverSpec *spec, Arena *arena, FoundFile **out, size_t *out_count, Error *err);
