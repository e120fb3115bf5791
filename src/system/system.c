/* SPDX-License-Identifier: Apache-2.0 */
#include "system/system.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

#include "base/file.h"
#include "base/map.h"
#include "base/vec.h"
#include "system/parts.h"

static const MadeRelation *const MADE[] = { PG_CATALOG_RELATIONS, PG_VIEW_RELATIONS, INFORMATION_SCHEMA_RELATIONS, LODE_RELATIONS };

/* What a resolved relation leads back to. */
typedef struct SystemRelation {
        const SystemExtra *extra;    /* or NULL */
        const MadeRelation *made;    /* or NULL */
        const Pg15Relation *pg15;    /* or NULL */
        SystemColumn *columns;
        size_t column_count;
} SystemRelation;

static const MadeRelation *find_made(const System *system, Str schema, Str name) {
        for (size_t i = 0; i < COUNT_OF(MADE); i++)
                for (const MadeRelation *made = MADE[i]; made->name; made++)
                        if (str_is(schema, made->schema) && str_is(name, made->name))
                                return !made->is_for || made->is_for(&system->spec.principal) ? made : NULL;
        return NULL;
}

static const SystemExtra *find_extra(const System *system, Str schema, Str name) {
        const SystemSession *session = &system->spec.session;
        for (size_t i = 0; i < session->extra_count; i++)
                if (str_is(schema, session->extras[i].schema) && str_is(name, session->extras[i].name))
                        return &session->extras[i];
        return NULL;
}

static Status find_view(System *system, Str schema, Str name, Arena *arena, Relation **out, Error *err) {
        const ViewRelation *view = LODE_VIEWS;
        while (view->name && !(str_is(schema, view->schema) && str_is(name, view->name)))
                view++;
        if (!view->name || !system->spec.parse)
                return STATUS_OK;
        Str text;
        const SqlTree *tree;
        TRY(view->text(system, arena, &text, err));
        TRY(system->spec.parse(system->spec.context, text, arena, &tree, err));
        *out = ARENA_NEW(arena, Relation);
        **out = (Relation){ .kind = RELATION_VIEW, .stage = arena_str(arena, schema), .name = arena_str(arena, name), .view = tree, .own = true };
        return STATUS_OK;
}

static const char *columns_of(const SystemRelation *relation) {
        if (relation->extra && relation->extra->columns)
                return relation->extra->columns;
        if (relation->made && relation->made->columns)
                return relation->made->columns;
        return relation->pg15 ? relation->pg15->columns : NULL;
}

/* "pid int4,usename name": one of the columns. */
static bool names_column(const char *columns, Str name) {
        Str rest = str_of(columns), part, word, type;
        bool more = rest.size > 0;
        while (more) {
                more = str_cut(rest, ',', &part, &rest);
                (void)str_cut(part, ' ', &word, &type);
                if (str_equal_nocase(word, name))
                        return true;
        }
        return false;
}

static bool is_called(const char *schema, const char *relation, const char *columns, Str name) {
        return str_equal_nocase(str_of(schema), name) || str_equal_nocase(str_of(relation), name) || (columns && names_column(columns, name));
}

bool system_has_name(Str name) {
        for (size_t i = 0; i < COUNT_OF(MADE); i++)
                for (const MadeRelation *made = MADE[i]; made->name; made++)
                        if (is_called(made->schema, made->name, made->columns, name))
                                return true;
        for (size_t i = 0; i < PG15_RELATION_COUNT; i++)
                if (is_called(PG15_RELATIONS[i].schema, PG15_RELATIONS[i].name, PG15_RELATIONS[i].columns, name))
                        return true;
        for (const ViewRelation *view = LODE_VIEWS; view->name; view++)
                if (is_called(view->schema, view->name, NULL, name))
                        return true;
        return false;
}

static Status find(void *context, Str schema, Str name, Arena *arena, Relation **out, Error *err) {
        System *system = context;
        *out = NULL;
        TRY(find_view(system, schema, name, arena, out, err));
        if (*out)
                return STATUS_OK;
        SystemRelation found = { find_extra(system, schema, name), find_made(system, schema, name), pg15_relation(schema, name), NULL, 0 };
        const char *columns = columns_of(&found);
        if (!columns)
                return STATUS_OK;
        found.columns = system_columns(arena, columns, &found.column_count);
        Relation *relation = ARENA_NEW(arena, Relation);
        *relation = (Relation){ .kind = RELATION_SYSTEM, .stage = arena_str(arena, schema), .name = arena_str(arena, name) };
        relation->columns = ARENA_ARRAY(arena, RelationColumn, found.column_count);
        relation->column_count = found.column_count;
        for (size_t i = 0; i < found.column_count; i++)
                relation->columns[i] = (RelationColumn){
                        .name = found.columns[i].name,
                        .type = system_stored_type(&found.columns[i]),
                        .field_id = (int)i + 1,
                        .engine_type = str_of(pg15_storage(found.columns[i].type)->engine),
                };
        SystemRelation *handle = ARENA_NEW(arena, SystemRelation);
        *handle = found;
        relation->handle = handle;
        *out = relation;
        return STATUS_OK;
}

/* ---- rows that are the same for everybody ---- */

/* Whole Parquet files, made when first needed and kept for as long as the process lives. */
typedef struct Fixed {
        const char *schema, *name;
        Str bytes; /* data NULL: it has no rows */
} Fixed;

static pthread_mutex_t fixed_lock = PTHREAD_MUTEX_INITIALIZER;
static Arena fixed_memory;
static VEC(Fixed) fixed_files;

static Status write_fixed(const SystemRelation *relation, RowFile *file, int fd, Error *err) {
        TRY(row_file_start(file, fd, relation->columns, relation->column_count, err));
        for (const char *const *row = relation->pg15 ? relation->pg15->rows : NULL; row && *row; row++)
                TRY(row_add_text(file, *row, err));
        if (relation->made && relation->made->fixed)
                TRY(relation->made->fixed(NULL, file, err));
        return row_file_finish(file, err);
}

static Status make_fixed(const SystemRelation *relation, Fixed *out, Error *err) {
        CLEANUP(row_file_free) RowFile file = { 0 };
        CLEANUP(close_fdp) int fd = memfd_create("lode-system", MFD_CLOEXEC);
        if (fd < 0)
                return error_errno(err, errno, "cannot hold a system relation in memory");
        TRY(write_fixed(relation, &file, fd, err));
        off_t size = lseek(fd, 0, SEEK_END);
        char *bytes = arena_alloc_raw(&fixed_memory, (size_t)size);
        if (pread(fd, bytes, (size_t)size, 0) != size)
                return error_errno(err, errno, "cannot read a system relation back");
        if (file.rows > 0)
                out->bytes = (Str){ bytes, (size_t)size };
        vec_push(&fixed_memory, &fixed_files, *out);
        return STATUS_OK;
}

static Status fixed_bytes(const Relation *relation, Str *out, Error *err) {
        const SystemRelation *handle = relation->handle;
        Status status = STATUS_OK;
        pthread_mutex_lock(&fixed_lock);
        size_t i = 0;
        while (i < fixed_files.count && !(str_is(relation->stage, fixed_files.items[i].schema) && str_is(relation->name, fixed_files.items[i].name)))
                i++;
        if (i == fixed_files.count) {
                Fixed made = { .schema = arena_cstr(&fixed_memory, relation->stage), .name = arena_cstr(&fixed_memory, relation->name) };
                status = make_fixed(handle, &made, err);
        }
        *out = status == STATUS_OK ? fixed_files.items[i].bytes : STR_NONE;
        pthread_mutex_unlock(&fixed_lock);
        return status;
}

/* ---- files ---- */

/* Those of one relation: what is fixed, and what was made for this principal. */
typedef struct Files {
        Str paths[2];
        size_t count;
} Files;

static Status copy_fixed(System *system, const Relation *relation, Files *out, Error *err) {
        CLEANUP(close_fdp) int fd = -1;
        Str bytes;
        TRY(fixed_bytes(relation, &bytes, err));
        if (!bytes.data)
                return STATUS_OK;
        TRY(system->spec.new_file(system->spec.context, &system->arena, &fd, &out->paths[out->count], err));
        out->count++;
        return fd_write_all(fd, bytes, "a system relation", err);
}

static bool is_by_use(const SystemRelation *relation) {
        return !relation->extra && relation->made && relation->made->by_use;
}

static Status write_made(System *system, const SystemRelation *relation, const SystemUse *use, int fd, Error *err) {
        RowFile *file = &system->file;
        TRY(row_file_start(file, fd, relation->columns, relation->column_count, err));
        system->use = use;
        file->carried = is_by_use(relation) ? use->carried : NULL;
        if (relation->extra)
                TRY(relation->extra->make(relation->extra->context, system->spec.source, file, err));
        else
                TRY(relation->made->make(system, file, err));
        return row_file_finish(file, err);
}

static Status make_files(System *system, const Relation *relation, const SystemUse *use, Files *out, Error *err) {
        const SystemRelation *handle = relation->handle;
        CLEANUP(close_fdp) int fd = -1;
        bool fixed = (handle->pg15 && handle->pg15->rows) || (handle->made && handle->made->fixed);
        if (fixed && !handle->extra)
                TRY(copy_fixed(system, relation, out, err));
        if (!handle->extra && !handle->made)
                return STATUS_OK;
        TRY(system->spec.new_file(system->spec.context, &system->arena, &fd, &out->paths[out->count], err));
        TRY(write_made(system, handle, use, fd, err));
        out->count += system->file.rows > 0;
        return STATUS_OK;
}

/* Once per System and relation, unless it is made by its use. */
static Status files_of(void *context, const Relation *relation, const SystemUse *use, Arena *arena UNUSED, Str **out, size_t *out_count,
                       Error *err) {
        System *system = context;
        Str key = arena_strf(&system->arena, "%.*s.%.*s", STR_ARG(relation->stage), STR_ARG(relation->name));
        Files *files = map_get(&system->made, key);
        if (!files) {
                files = ARENA_NEW(&system->arena, Files);
                if (!system->spec.describing)
                        TRY(make_files(system, relation, use, files, err));
                if (!is_by_use(relation->handle))
                        map_put(&system->made, key, files);
        }
        *out = files->paths;
        *out_count = files->count;
        return STATUS_OK;
}

/* ---- numbers of names ---- */

static int64_t number_in_rows(const char *const *rows, Str name) {
        for (const char *const *row = rows; *row; row++)
                if (str_equal(pg15_field(*row, 1), name))
                        return pg15_number(*row, 0);
        return 0;
}

/* "Name" is Name, name is what it is in lower case: the name without quotes, moved behind in rest. */
static Str take_part(Arena *arena, Str *rest) {
        char *name = arena_alloc(arena, rest->size + 1);
        size_t size = 0, at = 0;
        bool quoted = false;
        for (; at < rest->size && (quoted || rest->data[at] != '.'); at++) {
                char c = rest->data[at];
                if (c == '"')
                        quoted = !quoted;
                else
                        name[size++] = !quoted && c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
        }
        *rest = str_slice(*rest, at + 1, rest->size);
        return (Str){ name, size };
}

/* schema.name, name, or database.schema.name; schema is empty where none is written. */
static void take_name(Arena *arena, Str text, Str *out_schema, Str *out_name) {
        Str rest = str_trim(text);
        *out_schema = STR_NONE;
        *out_name = take_part(arena, &rest);
        while (rest.size > 0) {
                *out_schema = *out_name;
                *out_name = take_part(arena, &rest);
        }
}

/* In one schema, or under the whole text as a client may have written it: sales.canonical.orders. */
static int64_t number_in_schema(System *system, const World *world, Str schema, Str name, Str text) {
        const Pg15Relation *own = pg15_relation(schema, name);
        if (own)
                return own->oid;
        for (size_t i = 0; i < world->table_count; i++) {
                const WorldTable *table = &world->tables[i];
                if (str_equal(name, table->name) &&
                    (str_equal(schema, table->schema_name) ||
                     str_equal(text, arena_strf(&system->arena, "%.*s.%.*s", STR_ARG(table->schema_name), STR_ARG(table->name)))))
                        return table->oid;
        }
        return 0;
}

static Status number_of_relation(System *system, Str text, int64_t *out, Error *err) {
        Str schema, name;
        const SystemSession *session = &system->spec.session;
        const World *world;
        take_name(&system->arena, text, &schema, &name);
        TRY(system_world(system, &world, err));
        *out = number_in_schema(system, world, schema.size > 0 ? schema : STR("pg_catalog"), name, text);
        for (size_t i = 0; schema.size == 0 && *out == 0 && i < session->path_count; i++)
                *out = number_in_schema(system, world, session->path[i], name, STR_NONE);
        return STATUS_OK;
}

static Status number_of_schema(System *system, Str name, int64_t *out, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        *out = str_is(name, "pg_catalog")           ? OID_CATALOG_SCHEMA
               : str_is(name, "public")             ? OID_PUBLIC
               : str_is(name, "information_schema") ? (int64_t)PG15_INFORMATION_SCHEMA
                                                    : 0;
        for (size_t i = 0; i < world->schema_count; i++)
                if (str_equal(world->schemas[i].name, name))
                        *out = world->schemas[i].oid;
        return STATUS_OK;
}

static Status schemas(void *context, Arena *arena, Str **out, size_t *out_count, Error *err) {
        System *system = context;
        const SystemSession *session = &system->spec.session;
        *out = ARENA_ARRAY(arena, Str, session->path_count);
        *out_count = 0;
        for (size_t i = 0; i < session->path_count; i++) {
                int64_t oid;
                TRY(number_of_schema(system, session->path[i], &oid, err));
                if (oid != 0)
                        (*out)[(*out_count)++] = session->path[i];
        }
        return STATUS_OK;
}

static Status number(void *context, ObjectKind kind, Str text, int64_t *out, Error *err) {
        System *system = context;
        Str schema, name;
        *out = 0;
        take_name(&system->arena, text, &schema, &name);
        switch (kind) {
        case OBJECT_RELATION:
                return number_of_relation(system, text, out, err);
        case OBJECT_TYPE:
                *out = number_in_rows(pg15_relation(STR("pg_catalog"), STR("pg_type"))->rows, name);
                if (*out == 0)
                        *out = number_in_rows(pg15_relation(STR("-"), STR("typenames"))->rows, str_trim(text));
                return STATUS_OK;
        case OBJECT_PROCEDURE:
                *out = number_in_rows(pg15_relation(STR("pg_catalog"), STR("pg_proc"))->rows, name);
                return STATUS_OK;
        case OBJECT_SCHEMA:
                return number_of_schema(system, name, out, err);
        case OBJECT_ROLE:
                *out = str_is(name, "lode") ? OID_OWNER : str_equal(name, system->spec.principal.name) ? OID_USER : 0;
                return STATUS_OK;
        }
        return STATUS_OK;
}

Status system_world(System *system, const World **out, Error *err) {
        if (!system->has_world) {
                WorldTable *own;
                size_t count;
                system_own_tables(system, &own, &count);
                TRY(world_read(&system->spec, own, count, &system->arena, &system->world, err));
        }
        system->has_world = true;
        *out = &system->world;
        return STATUS_OK;
}

Status system_open(const SystemSpec *spec, System **out, Error *err UNUSED) {
        System *system = calloc(1, sizeof(*system));
        if (!system)
                abort();
        system->spec = *spec;
        static const Str usual = { "public", 6 };
        if (spec->session.path_count == 0) {
                system->spec.session.path = &usual;
                system->spec.session.path_count = 1;
                system->usual_path = true;
        }
        map_init(&system->made, &system->arena);
        system->bind = (BindSystem){
                .context = system,
                .database = spec->session.database,
                .user = spec->session.user,
                .path = system->spec.session.path,
                .path_count = system->spec.session.path_count,
                .schemas = schemas,
                .find = find,
                .files = files_of,
                .number = number,
        };
        *out = system;
        return STATUS_OK;
}

void system_close(System *system) {
        if (!system)
                return;
        row_file_free(&system->file);
        arena_deinit(&system->arena);
        free(system);
}

void system_closep(System **system) {
        system_close(*system);
        *system = NULL;
}

const BindSystem *system_bind(System *system) {
        return &system->bind;
}
