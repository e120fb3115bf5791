/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/source.h"

#include "base/vec.h"
#include "lake/view.h"

/* What a resolved relation leads back to. */
typedef struct Handle {
        const Table *table;
        const ChangeTable *change; /* NULL: as published */
} Handle;

/* Where an object stands in SQL: zone.stage.name. Quarantine of shop's source orders is shop.quarantine.orders, that of
 * its checks ("checks.rows") is shop.quarantine.rows. */
static bool split_name(const CatalogObject *object, Str *stage, Str *name) {
        bool quarantine = str_is(object->kind, "quarantine");
        if (!quarantine && !str_is(object->kind, "table") && !str_is(object->kind, "view"))
                return false;
        if (!str_cut(object->name, '.', stage, name))
                return false;
        if (quarantine)
                *stage = STR("quarantine");
        return true;
}

static Relation *relation_new(Arena *arena, RelationKind kind, Str zone, Str stage, Str name) {
        Relation *relation = ARENA_NEW(arena, Relation);
        *relation = (Relation){ .kind = kind,
                                .zone = arena_str(arena, zone),
                                .stage = arena_str(arena, stage),
                                .name = arena_str(arena, name) };
        return relation;
}

static Relation *table_relation(Arena *arena, Str stage, Str name, const Table *table, const ChangeTable *change) {
        Relation *relation = relation_new(arena, RELATION_TABLE, table->zone, stage, name);
        const TableBody *body = &table->body;
        relation->columns = ARENA_ARRAY(arena, RelationColumn, body->column_count);
        relation->column_count = body->column_count;
        for (size_t i = 0; i < body->column_count; i++)
                relation->columns[i] = (RelationColumn){ body->columns[i].name, body->columns[i].type,
                                                         body->columns[i].id, body->columns[i].hidden };
        Handle *handle = ARENA_NEW(arena, Handle);
        *handle = (Handle){ table, change };
        relation->handle = handle;
        relation->uniform = body->schema_id == 0 && !change;
        relation->renamed = change && !change_table_keeps_names(change);
        return relation;
}

static Status view_relation(LakeSource *source, const CatalogObject *object, Str stage, Str name, Arena *arena,
                            Relation **out, Error *err) {
        if (!source->view)
                return STATUS_OK;
        const SqlTree *tree = NULL;
        ViewBody body;
        TRY(view_body_parse(object->body, arena, &body, err));
        TRY(source->view(source->context, object, arena, &tree, err));
        Relation *relation = relation_new(arena, RELATION_VIEW, object->zone, stage, name);
        relation->view = tree;
        relation->columns = ARENA_ARRAY(arena, RelationColumn, body.column_count);
        relation->column_count = body.column_count;
        for (size_t i = 0; i < body.column_count; i++)
                relation->columns[i] = (RelationColumn){ .name = body.column_names[i], .type = body.column_types[i] };
        *out = relation;
        return STATUS_OK;
}

/* The object of that kind: from the change set first, which may also have removed it. */
static Status find_object(LakeSource *source, CatalogName name, Arena *arena, CatalogObject *out, bool *found,
                          Error *err) {
        Str body = STR_NONE;
        *found = false;
        if (source->overlay && changeset_object(source->overlay, name, &body)) {
                *found = body.data != NULL;
                *out = (CatalogObject){ .kind = name.kind, .zone = name.zone, .name = name.name, .body = body };
                return STATUS_OK;
        }
        Error absent = { 0 };
        Status status = catalog_get(source->lake->catalog, source->at, name, arena, out, &absent);
        *found = status == STATUS_OK;
        if (*found || status == STATUS_NOT_FOUND)
                return STATUS_OK;
        *err = absent;
        return status;
}

static Status resolve_table(LakeSource *source, CatalogName name, Str stage, Str last, Arena *arena, Relation **out,
                            Error *err) {
        ChangeTable *change = source->overlay ? changeset_find(source->overlay, name) : NULL;
        if (change) {
                *out = table_relation(arena, stage, last, change_table(change), change);
                return STATUS_OK;
        }
        CatalogObject object;
        bool found = false;
        TRY(find_object(source, name, arena, &object, &found, err));
        if (!found)
                return STATUS_OK;
        Table *table = ARENA_NEW(arena, Table);
        TRY(lake_table(source->lake, source->at, name, arena, table, err));
        *out = table_relation(arena, stage, last, table, NULL);
        return STATUS_OK;
}

static Status resolve_exact(LakeSource *source, Str zone, Str stage, Str name, Arena *arena, Relation **out,
                            Error *err) {
        if (str_is(stage, "quarantine"))
                return resolve_table(source, quarantine_name(arena, zone, name), stage, name, arena, out, err);
        Str joined = arena_strf(arena, "%.*s.%.*s", STR_ARG(stage), STR_ARG(name));
        TRY(resolve_table(source, (CatalogName){ STR("table"), zone, joined }, stage, name, arena, out, err));
        if (*out)
                return STATUS_OK;
        CatalogObject object;
        bool found = false;
        TRY(find_object(source, (CatalogName){ STR("view"), zone, joined }, arena, &object, &found, err));
        return found ? view_relation(source, &object, stage, name, arena, out, err) : STATUS_OK;
}

/* The one name that fits without regard to case, if there is only one. */
static Status find_nocase(LakeSource *source, Arena *arena, Str *zone, Str *stage, Str *name, bool *found, Error *err) {
        CatalogObject *objects = NULL;
        size_t count = 0, hits = 0;
        Str hit[3] = { *zone, *stage, *name };
        TRY(catalog_list(source->lake->catalog, source->at, STR_NONE, STR_NONE, arena, &objects, &count, err));
        for (size_t i = 0; i < count; i++) {
                Str its_stage, its_name;
                if (!split_name(&objects[i], &its_stage, &its_name) || !str_equal_nocase(objects[i].zone, *zone) ||
                    !str_equal_nocase(its_stage, *stage) || !str_equal_nocase(its_name, *name))
                        continue;
                hit[0] = objects[i].zone;
                hit[1] = its_stage;
                hit[2] = its_name;
                hits++;
        }
        *found = hits == 1;
        *zone = hit[0];
        *stage = hit[1];
        *name = hit[2];
        return STATUS_OK;
}

static Status source_resolve(void *context, Str zone, Str stage, Str name, Arena *arena, Relation **out, Error *err) {
        LakeSource *source = context;
        *out = NULL;
        TRY(resolve_exact(source, zone, stage, name, arena, out, err));
        if (*out)
                return STATUS_OK;
        bool found = false;
        TRY(find_nocase(source, arena, &zone, &stage, &name, &found, err));
        return found ? resolve_exact(source, zone, stage, name, arena, out, err) : STATUS_OK;
}

/* Makes a file readable. One that is not there any more may have expired since it was planned. */
static Status grant_file(LakeSource *source, const Handle *handle, const char *path, Arena *arena, Str *out, Error *err) {
        Status status = source->grant(source->context, path, arena, out, err);
        if (status == STATUS_OK || handle->change)
                return status;
        Error why = *err;
        TRY(lake_table_kept(source->lake, handle->table, err));
        *err = why;
        return status;
}

static Status source_files(void *context, const Relation *relation, const Predicate *predicates, size_t predicate_count,
                           Arena *arena, BindFiles *out, Error *err) {
        LakeSource *source = context;
        const Handle *handle = relation->handle;
        LakeScan scan;
        Status status = handle->change ? changeset_plan(source->overlay, handle->change, predicates, predicate_count, arena, &scan, err)
                                       : lake_plan(source->lake, handle->table, predicates, predicate_count, arena, &scan, err);
        if (status == STATUS_NOT_FOUND) { /* of the store's files, not of what was asked for */
                err->status = STATUS_CORRUPT;
                return error_hint(err, "lode verify names what else is missing");
        }
        TRY(status);
        Str *paths = ARENA_ARRAY(arena, Str, scan.file_count);
        for (size_t i = 0; i < scan.file_count; i++) {
                paths[i] = str_of(scan.files[i].path);
                if (source->grant)
                        TRY(grant_file(source, handle, scan.files[i].path, arena, &paths[i], err));
        }
        source->files += (int64_t)scan.file_count;
        source->total_files += scan.total_files;
        source->rows += scan.rows;
        source->bytes += scan.bytes;
        source->total_bytes += handle->change ? scan.bytes : handle->table->body.bytes;
        *out = (BindFiles){ paths, scan.file_count, scan.rows };
        return STATUS_OK;
}

static Status source_names(void *context, Arena *arena, Str **out, size_t *out_count, Error *err) {
        LakeSource *source = context;
        CatalogObject *objects = NULL;
        size_t count = 0;
        VEC(Str) names = { 0 };
        TRY(catalog_list(source->lake->catalog, source->at, STR_NONE, STR_NONE, arena, &objects, &count, err));
        for (size_t i = 0; i < count; i++) {
                Str stage, name;
                if (split_name(&objects[i], &stage, &name))
                        vec_push(arena, &names,
                                 arena_strf(arena, "%.*s.%.*s.%.*s", STR_ARG(objects[i].zone), STR_ARG(stage),
                                            STR_ARG(name)));
        }
        *out = names.items;
        *out_count = names.count;
        return STATUS_OK;
}

static Status source_moment(void *context, Str text, Arena *arena, const void **out, Error *err) {
        const LakeSource *source = context;
        CatalogCommit commit;
        CatalogAt *at = ARENA_NEW(arena, CatalogAt);
        TRY(catalog_find(source->lake->catalog, source->at.branch, text, arena, &commit, err));
        *at = (CatalogAt){ .branch = source->at.branch, .seq = commit.seq };
        *out = at;
        return STATUS_OK;
}

/* What is found holds its own state of the table, so that its files need no more than that. */
static Status source_resolve_at(void *context, const void *moment, Str zone, Str stage, Str name, Arena *arena, Relation **out,
                                Error *err) {
        LakeSource past = *(const LakeSource *)context;
        past.at = *(const CatalogAt *)moment;
        past.overlay = NULL;
        return source_resolve(&past, zone, stage, name, arena, out, err);
}

BindSource lake_bind_source(LakeSource *source) {
        return (BindSource){
                .context = source, .resolve = source_resolve, .files = source_files, .names = source_names,
                .moment = source_moment, .resolve_at = source_resolve_at,
        };
}
