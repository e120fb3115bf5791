/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * LakeSource: the catalog as binding sees it (govern/bind.h): tables, quarantine and views at one branch and commit,
 * and the files that a scan needs. A change set may lie over it, for models that read what the same run just built.
 *
 * Names: zone.stage.table as in the catalog, found as written, else without regard to ASCII case if only one fits.
 * `quarantine` as a stage finds the quarantine of a source: shop.quarantine.orders.
 * Must outlive every use of the BindSource made from it. One thread.
 */
#include "govern/bind.h"
#include "lake/changeset.h"

typedef struct LakeSource {
        Lake *lake;
        CatalogAt at;
        ChangeSet *overlay;  /* NULL = none */
        /* Makes a data file readable to the worker and gives the name by which the worker opens it. NULL: the path itself. */
        Status (*grant)(void *context, const char *path, Arena *arena, Str *out, Error *err);
        /* The tree of a view, from the body of its object. NULL: views are not resolved. */
        Status (*view)(void *context, const CatalogObject *object, Arena *arena, const SqlTree **out, Error *err);
        void *context;
        /* counted while binding */
        int64_t files, bytes, rows, total_files;
        int64_t total_bytes; /* of the tables, whatever conditions leave of their files */
} LakeSource;

BindSource lake_bind_source(LakeSource *source);
