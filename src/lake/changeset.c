/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/changeset.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/map.h"
#include "base/time.h"
#include "base/vec.h"
#include "lake/blame.h"
#include "lake/intent.h"
#include "lake/publish.h"

typedef VEC(LakeFile) LakeFileVec;

struct ChangeTable {
        CatalogName name;
        Table base;  /* as it was; oid 0 = new */
        Table table; /* as it will be */
        TableWrite write;
        bool written; /* append or replace was called */
        bool model, unchanged, partial, detail_set;
        bool made_folder; /* its names must be synced, and go again if nothing comes of a new table */
        int64_t snapshot; /* to be made */
        LakeFileVec files;
        VEC(Str) removed;     /* TABLE_COMPACT, and TABLE_REPLACE with partial */
        int64_t keep_from_ms; /* TABLE_COMPACT */
};

struct ChangeSet {
        Arena arena;
        Lake *lake;
        ChangeSetSpec spec;
        Str id;
        int files_fd; /* ID.files, locked as long as we live */
        CatalogCommit base;
        Map made; /* data files that this set made: path to ChangeTable */
        VEC(ChangeTable *) tables;
        VEC(IntentObject) objects;
        VEC(IntentObject) required; /* with the body that they must have already */
        VEC(Delivery) deliveries;
        VEC(FileSeen) files;
        bool published; /* as far as we know or must assume: its files are not ours any more */
        bool unknown;   /* it was handed in, and what became of it could not be learnt: the sweep will */
};

/* ---- birth and death ---- */

/* Locked before it has its name, so that a sweep never sees it unlocked; one that was swept while nameless is made again. */
static Status lock_files(ChangeSet *set, Error *err) {
        const Store *store = set->lake->store;
        for (int attempt = 0; attempt < 100; attempt++) {
                set->id = arena_strf(&set->arena, "%016llx%016llx", (unsigned long long)time_now_us(),
                                     (unsigned long long)random_u64());
                const char *temporary = store_queue_path(store, &set->arena, set->id, "tmp");
                CLEANUP(close_fdp) int fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
                if (fd < 0)
                        return error_errno(err, errno, "cannot make '%s'", temporary);
                TRY(file_lock(fd, true, false, err));
                if (rename(temporary, store_queue_path(store, &set->arena, set->id, "files")) == 0) {
                        set->files_fd = TAKE_FD(fd);
                        return STATUS_OK;
                }
                if (errno != ENOENT)
                        return error_errno(err, errno, "cannot rename '%s'", temporary);
        }
        return error_set(err, STATUS_IO, "cannot make a change set in '%s'", store->queue_dir);
}

static ChangeSetSpec copy_spec(Arena *arena, const ChangeSetSpec *spec) {
        return (ChangeSetSpec){ arena_str(arena, spec->branch.size ? spec->branch : STR("main")),
                                arena_str(arena, spec->author),
                                arena_str(arena, spec->via),
                                arena_str(arena, spec->message),
                                arena_str(arena, spec->git),
                                arena_str(arena, spec->audit) };
}

Status changeset_new(Lake *lake, const ChangeSetSpec *spec, ChangeSet **out, Error *err) {
        CLEANUP(changeset_freep) ChangeSet *set = calloc(1, sizeof(*set));
        if (!set)
                out_of_memory();
        set->lake = lake;
        set->files_fd = -1;
        set->spec = copy_spec(&set->arena, spec);
        map_init(&set->made, &set->arena);
        TRY(lock_files(set, err));
        if (publish_has_orphans(lake)) {
                CatalogCommit ignored;
                bool unknown = false;
                TRY(publish_drain(lake, STR_NONE, STR_NONE, &set->arena, &ignored, &unknown, err));
        }
        TRY(catalog_head(lake->catalog, set->spec.branch, &set->arena, &set->base, err));
        *out = TAKE_PTR(set);
        return STATUS_OK;
}

/* rmdir refuses a folder that holds anything, which is what is wanted. */
static void remove_empty_table(ChangeSet *set, const ChangeTable *table) {
        const Store *store = set->lake->store;
        rmdir(store_table_data_dir(store, &set->arena, table->table.body.uuid));
        rmdir(store_table_metadata_dir(store, &set->arena, table->table.body.uuid));
        rmdir(store_table_dir(store, &set->arena, table->table.body.uuid));
}

static void discard_files(ChangeSet *set) {
        for (size_t i = 0; i < set->made.count; i++)
                unlink(arena_cstr(&set->arena, set->made.entries[i].key));
        for (size_t i = 0; i < set->tables.count; i++)
                if (set->tables.items[i]->made_folder && change_table_is_new(set->tables.items[i]))
                        remove_empty_table(set, set->tables.items[i]);
}

void changeset_free(ChangeSet *set) {
        if (!set)
                return;
        if (set->files_fd >= 0) {
                if (!set->published)
                        discard_files(set);
                /* An intent that is still there will need the list, should it lose. */
                if (!set->unknown && !file_exists(store_queue_path(set->lake->store, &set->arena, set->id, "intent")))
                        unlink(store_queue_path(set->lake->store, &set->arena, set->id, "files"));
                close_fdp(&set->files_fd);
        }
        arena_deinit(&set->arena);
        free(set);
}

void changeset_freep(ChangeSet **set) {
        changeset_free(*set);
        *set = NULL;
}

CatalogAt changeset_base(const ChangeSet *set) {
        return (CatalogAt){ set->spec.branch, set->base.seq };
}

void changeset_set_audit(ChangeSet *set, Str audit) {
        set->spec.audit = arena_str(&set->arena, audit);
}

void changeset_set_branch(ChangeSet *set, Str branch) {
        set->spec.branch = arena_str(&set->arena, branch);
}

void changeset_set_message(ChangeSet *set, Str message) {
        set->spec.message = arena_str(&set->arena, message);
}

/* ---- tables ---- */

static TypeField *fields_of(Arena *arena, const LakeColumn *columns, size_t count) {
        TypeField *fields = ARENA_ARRAY(arena, TypeField, count);
        for (size_t i = 0; i < count; i++)
                fields[i] = (TypeField){ columns[i].name, columns[i].id, false, columns[i].type };
        return fields;
}

static const LakeColumn *find_column(const LakeColumn *columns, size_t count, Str name) {
        for (size_t i = 0; i < count; i++)
                if (str_equal(columns[i].name, name))
                        return &columns[i];
        return NULL;
}

static SchemaChange schema_change(TableWrite write) {
        return write == TABLE_APPEND ? SCHEMA_EXTEND : SCHEMA_RENAME;
}

/* Without ids, but for those that are renamed. */
static TypeField *fields_wanted(Arena *arena, const TableBody *base, const ChangeTableSpec *spec) {
        TypeField *fields = fields_of(arena, spec->columns, spec->column_count);
        for (size_t i = 0; i < spec->column_count; i++) {
                const LakeColumn *was = NULL;
                if (spec->columns[i].was.size)
                        was = find_column(base->columns, base->column_count, spec->columns[i].was);
                fields[i].id = was ? was->id : 0;
        }
        return fields;
}

/* The columns that the table will have, with their ids. */
static Status settle_columns(ChangeSet *set, ChangeTable *table, const ChangeTableSpec *spec, Error *err) {
        Arena *arena = &set->arena;
        const TableBody *base = &table->base.body;
        Schema old = { .fields = fields_of(arena, base->columns, base->column_count),
                       .field_count = base->column_count };
        Schema now = { 0 };
        TableBody *body = &table->table.body;
        TRY(schema_evolve(change_table_is_new(table) ? NULL : &old, fields_wanted(arena, base, spec), spec->column_count,
                          schema_change(spec->write), &body->last_column_id, arena, &now, err));
        body->column_count = now.field_count;
        body->columns = ARENA_ARRAY(arena, LakeColumn, now.field_count);
        for (size_t i = 0; i < now.field_count; i++) {
                const TypeField *field = &now.fields[i];
                const LakeColumn *from = find_column(spec->columns, spec->column_count, field->name);
                if (!from)
                        from = find_column(base->columns, base->column_count, field->name);
                body->columns[i] = (LakeColumn){ arena_str(arena, field->name), field->id, field->type,
                                                 from && from->hidden, from ? arena_str(arena, from->about) : STR("") };
        }
        return STATUS_OK;
}

static void begin_new(ChangeSet *set, ChangeTable *table) {
        Table *now = &table->table;
        now->body.uuid = uuid_new(&set->arena);
        now->body.location = str_of(store_table_dir(set->lake->store, &set->arena, now->body.uuid));
        now->body.metadata_location = STR("");
}

/* The table as it is at the base: NOT_FOUND leaves it to be begun. */
static Status load_base(ChangeSet *set, CatalogName name, TableWrite write, ChangeTable **out, Error *err) {
        assert(!changeset_find(set, name));
        Arena *arena = &set->arena;
        ChangeTable *table = ARENA_NEW(arena, ChangeTable);
        *out = table;
        table->name = (CatalogName){ arena_str(arena, name.kind), arena_str(arena, name.zone),
                                     arena_str(arena, name.name) };
        table->write = write;
        if (set->base.seq == 0)
                return error_set(err, STATUS_NOT_FOUND, "nothing was published yet");
        TRY(lake_table(set->lake, changeset_base(set), name, arena, &table->base, err));
        table->table = table->base;
        return STATUS_OK;
}

static void add_table(ChangeSet *set, ChangeTable *table) {
        table->table.kind = table->name.kind;
        table->table.zone = table->name.zone;
        table->table.name = table->name.name;
        table->snapshot = (int64_t)(random_u64() >> 1) | 1;
        vec_push(&set->arena, &set->tables, table);
}

Status changeset_table(ChangeSet *set, CatalogName name, const ChangeTableSpec *spec, ChangeTable **out, Error *err) {
        Arena *arena = &set->arena;
        ChangeTable *table = NULL;
        Error absent = { 0 };
        Status status = load_base(set, name, spec->write, &table, &absent);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
                *err = absent;
                return status;
        }
        if (status == STATUS_NOT_FOUND)
                begin_new(set, table);
        table->table.body.kind = arena_str(arena, spec->kind);
        table->table.body.about = arena_str(arena, spec->about);
        if (settle_columns(set, table, spec, err) != STATUS_OK)
                return error_context(err, "%.*s.%.*s", STR_ARG(name.zone), STR_ARG(name.name));
        add_table(set, table);
        *out = table;
        return STATUS_OK;
}

Status changeset_compact_table(ChangeSet *set, CatalogName name, ChangeTable **out, Error *err) {
        ChangeTable *table = NULL;
        TRY(load_base(set, name, TABLE_COMPACT, &table, err));
        add_table(set, table);
        *out = table;
        return STATUS_OK;
}

const Table *change_table(const ChangeTable *table) {
        return &table->table;
}

bool change_table_is_new(const ChangeTable *table) {
        return table->base.oid == 0;
}

/* Of what is inside a column, each field. */
static bool keeps_fields(Type base, Type now) {
        for (size_t i = 0; i < base.field_count; i++) {
                const TypeField *was = &base.fields[i], *is = NULL;
                for (size_t k = 0; k < now.field_count && !is; k++)
                        if (str_equal(now.fields[k].name, was->name))
                                is = &now.fields[k];
                if (!is || is->id != was->id || !keeps_fields(was->type, is->type))
                        return false;
        }
        return true;
}

bool change_table_keeps_names(const ChangeTable *table) {
        const TableBody *base = &table->base.body, *now = &table->table.body;
        for (size_t i = 0; i < base->column_count && !change_table_is_new(table); i++) {
                const LakeColumn *column = find_column(now->columns, now->column_count, base->columns[i].name);
                if (!column || column->id != base->columns[i].id || !keeps_fields(base->columns[i].type, column->type))
                        return false;
        }
        return true;
}

ChangeTable *changeset_find(ChangeSet *set, CatalogName name) {
        for (size_t i = 0; i < set->tables.count; i++) {
                ChangeTable *table = set->tables.items[i];
                if (str_equal(table->name.kind, name.kind) && str_equal(table->name.zone, name.zone) &&
                    str_equal(table->name.name, name.name))
                        return table;
        }
        return NULL;
}

LakeInput change_table_input(const ChangeTable *table, Arena *arena) {
        const TableBody *base = &table->base.body;
        LakeInput input = { table_full_name(arena, &table->table), base->rows_snapshot, base->rows_sequence };
        if (table->written && !table->unchanged && table->write != TABLE_COMPACT) {
                input.snapshot = table->snapshot;
                input.sequence = base->sequence + 1;
        }
        return input;
}

/* ---- data files ---- */

static Status make_table_folders(ChangeSet *set, ChangeTable *table, Error *err) {
        const Store *store = set->lake->store;
        TRY(dir_make(store_table_data_dir(store, &set->arena, table->table.body.uuid), err));
        TRY(dir_make(store_table_metadata_dir(store, &set->arena, table->table.body.uuid), err));
        table->made_folder = true;
        return STATUS_OK;
}

/* Noted before it is made: a file that nobody knows of cannot be swept. */
static Status note_file(ChangeSet *set, ChangeTable *table, const char **out_path, Error *err) {
        Arena *arena = &set->arena;
        char *folder = store_table_data_dir(set->lake->store, arena, table->table.body.uuid);
        if (!file_exists(folder))
                TRY(make_table_folders(set, table, err));
        char *path = arena_printf(arena, "%s/%.*s.parquet", folder, STR_ARG(uuid_new(arena)));
        /* Begun on a line of its own: a write that failed midway may have left half a line. */
        TRY(fd_write_all(set->files_fd, arena_strf(arena, "\n%s\n", path), "the change set's list of files", err));
        map_put(&set->made, str_of(path), table);
        *out_path = path;
        return STATUS_OK;
}

/* A new file, or another name of that one: a descriptor, 0, or -1 with errno. */
static int make_file(const char *path, const char *from) {
        return from ? link(from, path) : open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
}

/* Who tidies may remove the folder, empty as it was, before the file is in it. */
static Status add_file(ChangeSet *set, ChangeTable *table, const char *from, const char **out_path, int *out_made, Error *err) {
        TRY(note_file(set, table, out_path, err));
        *out_made = make_file(*out_path, from);
        for (int i = 1; i < DIR_TRIES && *out_made < 0 && errno == ENOENT; i++) {
                TRY(make_table_folders(set, table, err));
                *out_made = make_file(*out_path, from);
        }
        return STATUS_OK;
}

Status changeset_new_file(ChangeSet *set, ChangeTable *table, const char **path, int *fd, Error *err) {
        const char *name = NULL;
        int made = -1;
        TRY(add_file(set, table, NULL, &name, &made, err));
        if (made < 0)
                return error_errno(err, errno, "cannot make '%s'", name);
        *path = name;
        *fd = made;
        return STATUS_OK;
}

Status changeset_adopt_file(ChangeSet *set, ChangeTable *table, const char *from, const char **path, Error *err) {
        const char *name = NULL;
        int made = -1;
        TRY(add_file(set, table, from, &name, &made, err));
        if (made < 0)
                return error_errno(err, errno, "cannot take '%s' over as '%s'", from, name);
        *path = name;
        return STATUS_OK;
}

static Status copy_file(Arena *arena, const LakeFile *file, LakeFile *out, Error *err) {
        CLEANUP(buf_deinit) Buf buf = { 0 };
        file_statistics_write(&buf, &file->statistics);
        Cursor cursor = cursor_of(buf_dup(&buf, arena));
        out->path = arena_cstr(arena, str_of(file->path));
        return file_statistics_read(&cursor, arena, &out->statistics, err);
}

static Status add_files(ChangeSet *set, ChangeTable *table, const LakeFile *files, size_t count, Error *err) {
        for (size_t i = 0; i < count; i++) {
                if (files[i].statistics.rows == 0)
                        continue;
                LakeFile copy = { 0 };
                TRY(copy_file(&set->arena, &files[i], &copy, err));
                vec_push(&set->arena, &table->files, copy);
        }
        return STATUS_OK;
}

Status changeset_append(ChangeSet *set, ChangeTable *table, const LakeFile *files, size_t count, Error *err) {
        assert(table->write == TABLE_APPEND);
        table->written = true;
        TRY(add_files(set, table, files, count, err));
        if (table->files.count)
                table->table.body.content = STR("");
        return STATUS_OK;
}

static bool columns_equal(const TableBody *a, const TableBody *b) {
        if (a->column_count != b->column_count)
                return false;
        for (size_t i = 0; i < a->column_count; i++) {
                const LakeColumn *x = &a->columns[i], *y = &b->columns[i];
                if (x->id != y->id || x->hidden != y->hidden || !str_equal(x->name, y->name) ||
                    !type_equal(x->type, y->type))
                        return false;
        }
        return true;
}

static LakeInput *copy_inputs(Arena *arena, const LakeInput *inputs, size_t count) {
        LakeInput *copies = ARENA_ARRAY(arena, LakeInput, count);
        for (size_t i = 0; i < count; i++)
                copies[i] = (LakeInput){ arena_str(arena, inputs[i].table), inputs[i].snapshot, inputs[i].sequence };
        return copies;
}

static LakeLineage *copy_lineage(Arena *arena, const LakeLineage *lineage, size_t count) {
        LakeLineage *copies = ARENA_ARRAY(arena, LakeLineage, count);
        for (size_t i = 0; i < count; i++) {
                copies[i] = (LakeLineage){ .column = arena_str(arena, lineage[i].column), .source_count = lineage[i].source_count };
                copies[i].sources = ARENA_ARRAY(arena, LineageSource, lineage[i].source_count);
                for (size_t k = 0; k < lineage[i].source_count; k++)
                        copies[i].sources[k] = (LineageSource){ arena_str(arena, lineage[i].sources[k].table), arena_str(arena, lineage[i].sources[k].column) };
        }
        return copies;
}

Status changeset_replace(ChangeSet *set, ChangeTable *table, const ReplaceSpec *spec, bool *out_unchanged, Error *err) {
        assert(table->write == TABLE_REPLACE);
        TableBody *body = &table->table.body;
        const TableBody *base = &table->base.body;
        Error damage;
        if (spec->partial && !change_table_keeps_names(table))
                return error_set(err, STATUS_INTERNAL, "%.*s.%.*s: files stay whose columns had other names", STR_ARG(table->name.zone),
                                 STR_ARG(table->name.name));
        table->written = true;
        table->files.count = table->removed.count = 0;
        table->model = spec->model;
        table->partial = spec->partial;
        table->unchanged = !change_table_is_new(table) && spec->content.size &&
                           str_equal(spec->content, base->content) && columns_equal(body, base) &&
                           !(spec->prove && lake_prove_table(set->lake, &table->base, &damage) == STATUS_CORRUPT);
        body->inputs = copy_inputs(&set->arena, spec->inputs, spec->input_count);
        body->input_count = spec->input_count;
        body->lineage = copy_lineage(&set->arena, spec->lineage, spec->lineage_count);
        body->lineage_count = spec->lineage_count;
        body->content = arena_str(&set->arena, spec->content);
        body->fingerprint = arena_str(&set->arena, spec->fingerprint);
        if (out_unchanged)
                *out_unchanged = table->unchanged;
        if (table->unchanged)
                return STATUS_OK;
        for (size_t i = 0; i < spec->removed_count; i++)
                vec_push(&set->arena, &table->removed, arena_str(&set->arena, spec->removed[i]));
        return add_files(set, table, spec->files, spec->file_count, err);
}

Status changeset_compact(ChangeSet *set, ChangeTable *table, const Str *removed, size_t removed_count,
                         const LakeFile *files, size_t count, Error *err) {
        assert(table->write == TABLE_COMPACT);
        table->written = true;
        for (size_t i = 0; i < removed_count; i++)
                vec_push(&set->arena, &table->removed, arena_str(&set->arena, removed[i]));
        return add_files(set, table, files, count, err);
}

void changeset_trim(ChangeTable *table, int64_t keep_from_ms) {
        assert(table->write == TABLE_COMPACT);
        table->written = true;
        table->keep_from_ms = keep_from_ms;
}

void changeset_set_detail(ChangeSet *set, ChangeTable *table, Str detail) {
        table->table.body.detail = arena_str(&set->arena, detail);
        table->detail_set = true;
}

/* ---- planning over the set ---- */

static void add_to_scan(const ChangeTable *table, const Predicate *predicates, size_t predicate_count, Arena *arena,
                        LakeScan *scan) {
        Schema schema = { .fields = fields_of(arena, table->table.body.columns, table->table.body.column_count),
                          .field_count = table->table.body.column_count };
        LakeScanFile *files = ARENA_ARRAY(arena, LakeScanFile, scan->file_count + table->files.count);
        if (scan->file_count)
                memcpy(files, scan->files, scan->file_count * sizeof(*files));
        scan->files = files;
        for (size_t i = 0; i < table->files.count; i++) {
                const LakeFile *file = &table->files.items[i];
                DataFile data = { .path = str_of(file->path), .statistics = file->statistics };
                scan->total_files++;
                if (!plan_file_may_match(&schema, &data, predicates, predicate_count))
                        continue;
                files[scan->file_count++] = (LakeScanFile){ arena_cstr(arena, str_of(file->path)),
                                                            file->statistics.rows, file->statistics.bytes };
                scan->rows += file->statistics.rows;
                scan->bytes += file->statistics.bytes;
        }
}

static void leave_out(const ChangeTable *table, LakeScan *scan) {
        size_t left = 0;
        for (size_t i = 0; i < scan->file_count; i++) {
                const LakeScanFile *file = &scan->files[i];
                size_t at = 0;
                while (at < table->removed.count && !str_equal(table->removed.items[at], str_of(file->path)))
                        at++;
                if (at == table->removed.count) {
                        scan->files[left++] = *file;
                        continue;
                }
                scan->rows -= file->rows;
                scan->bytes -= file->bytes;
                scan->total_files--;
        }
        scan->file_count = left;
}

Status changeset_plan(ChangeSet *set, const ChangeTable *table, const Predicate *predicates, size_t predicate_count,
                      Arena *arena, LakeScan *out, Error *err) {
        LakeScan scan = { 0 };
        bool base_stays = !table->written || table->unchanged || table->partial || table->write == TABLE_APPEND;
        if (base_stays && !change_table_is_new(table))
                TRY(lake_plan(set->lake, &table->base, predicates, predicate_count, arena, &scan, err));
        if (table->partial)
                leave_out(table, &scan);
        add_to_scan(table, predicates, predicate_count, arena, &scan);
        *out = scan;
        return STATUS_OK;
}

/* ---- objects, ledger ---- */

static Status note_object(ChangeSet *set, CatalogName name, Str body, Error *err) {
        Arena *arena = &set->arena;
        IntentObject object = {
                { arena_str(arena, name.kind), arena_str(arena, name.zone), arena_str(arena, name.name) }, STR(""), body
        };
        CatalogObject base = { 0 };
        Error absent = { 0 };
        Status status = STATUS_NOT_FOUND;
        if (set->base.seq)
                status = catalog_get(set->lake->catalog, changeset_base(set), name, arena, &base, &absent);
        if (status == STATUS_OK)
                object.base_hash = base.body_hash;
        else if (status != STATUS_NOT_FOUND) {
                *err = absent;
                return status;
        }
        bool same = body.data ? status == STATUS_OK && base.body.data && str_equal(base.body, body)
                              : status == STATUS_NOT_FOUND;
        if (!same)
                vec_push(arena, &set->objects, object);
        return STATUS_OK;
}

Status changeset_put_object(ChangeSet *set, CatalogName name, Str body, Error *err) {
        return note_object(set, name, arena_str(&set->arena, body.data ? body : STR("")), err);
}

Status changeset_remove_object(ChangeSet *set, CatalogName name, Error *err) {
        return note_object(set, name, STR_NONE, err);
}

void changeset_require_object(ChangeSet *set, CatalogName name, Str body) {
        Arena *arena = &set->arena;
        IntentObject object = { { arena_str(arena, name.kind), arena_str(arena, name.zone), arena_str(arena, name.name) },
                                sha256_hex(arena, sha256_of(body)),
                                arena_str(arena, body) };
        vec_push(arena, &set->required, object);
}

bool changeset_object(const ChangeSet *set, CatalogName name, Str *out_body) {
        for (size_t i = set->objects.count; i-- > 0;) {
                const IntentObject *object = &set->objects.items[i];
                if (!str_equal(object->name.kind, name.kind) || !str_equal(object->name.zone, name.zone) ||
                    !str_equal(object->name.name, name.name))
                        continue;
                *out_body = object->body;
                return true;
        }
        return false;
}

static Delivery copy_delivery(Arena *arena, const Delivery *row) {
        Delivery copy = *row;
        Str *texts[] = { &copy.zone,  &copy.source,  &copy.name, &copy.sha256, &copy.as_of, &copy.landing,
                         &copy.state, &copy.message, &copy.spec, &copy.detail, &copy.commit };
        for (size_t i = 0; i < COUNT_OF(texts); i++)
                *texts[i] = arena_str(arena, *texts[i]);
        return copy;
}

static FileSeen copy_seen(Arena *arena, const FileSeen *row) {
        FileSeen copy = *row;
        Str *texts[] = { &copy.zone, &copy.source, &copy.place, &copy.sha256, &copy.state, &copy.message };
        for (size_t i = 0; i < COUNT_OF(texts); i++)
                *texts[i] = arena_str(arena, *texts[i]);
        return copy;
}

void changeset_ledger(ChangeSet *set, const Delivery *deliveries, size_t delivery_count, const FileSeen *files,
                      size_t file_count) {
        for (size_t i = 0; i < delivery_count; i++)
                vec_push(&set->arena, &set->deliveries, copy_delivery(&set->arena, &deliveries[i]));
        for (size_t i = 0; i < file_count; i++)
                vec_push(&set->arena, &set->files, copy_seen(&set->arena, &files[i]));
}

/* The bytes, not the name: names are synced with their folder. */
static void sync_table_folders(ChangeSet *set, const ChangeTable *table) {
        const Store *store = set->lake->store;
        dir_sync(store_table_data_dir(store, &set->arena, table->table.body.uuid));
        if (!table->made_folder && table->base.body.files > 0) /* else who made it may have died before this */
                return;
        dir_sync(store_table_dir(store, &set->arena, table->table.body.uuid));
        dir_sync(store->tables_dir);
}

/* ---- publication ---- */

static bool body_differs(const ChangeSet *set, const ChangeTable *table) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        const Store *store = set->lake->store;
        return !str_equal(table_body_print(store, &arena, &table->base.body),
                          table_body_print(store, &arena, &table->table.body));
}

/* Whether there is anything to publish of it: an append of nothing to a table that stays as it is, is nothing. */
static bool table_counts(const ChangeSet *set, const ChangeTable *table) {
        if (!table->written)
                return false;
        if (change_table_is_new(table) || table->files.count || table->keep_from_ms || body_differs(set, table))
                return true;
        return table->write == TABLE_REPLACE && !table->unchanged && table->base.body.files != 0;
}

bool changeset_is_empty(const ChangeSet *set) {
        for (size_t i = 0; i < set->tables.count; i++)
                if (table_counts(set, set->tables.items[i]))
                        return false;
        return set->objects.count == 0 && set->deliveries.count == 0 && set->files.count == 0;
}

/* An object that is to become what it is already makes no change, and conflicts when it is something else. */
static IntentObject *all_objects(ChangeSet *set, size_t *out_count) {
        size_t required = set->required.count, changed = set->objects.count;
        IntentObject *all = ARENA_ARRAY(&set->arena, IntentObject, required + changed);
        for (size_t i = 0; i < required; i++)
                all[i] = set->required.items[i];
        for (size_t i = 0; i < changed; i++)
                all[required + i] = set->objects.items[i];
        *out_count = required + changed;
        return all;
}

static Intent make_intent(ChangeSet *set) {
        Arena *arena = &set->arena;
        size_t object_count;
        IntentObject *objects = all_objects(set, &object_count);
        Intent intent = { .id = set->id,
                          .branch = set->spec.branch,
                          .author = set->spec.author,
                          .via = set->spec.via,
                          .message = set->spec.message,
                          .git = set->spec.git,
                          .audit = set->spec.audit,
                          .tables = ARENA_ARRAY(arena, IntentTable, set->tables.count),
                          .objects = objects,
                          .object_count = object_count,
                          .deliveries = set->deliveries.items,
                          .delivery_count = set->deliveries.count,
                          .files = set->files.items,
                          .file_count = set->files.count };
        for (size_t i = 0; i < set->tables.count; i++) {
                const ChangeTable *table = set->tables.items[i];
                if (!table_counts(set, table))
                        continue;
                IntentTable *to = &intent.tables[intent.table_count++];
                *to = (IntentTable){ .name = table->name,
                                     .base_hash = table->base.body_hash,
                                     .base_rows = table->base.body.rows_snapshot,
                                     .write = table->write,
                                     .model = table->model,
                                     .unchanged = table->unchanged,
                                     .partial = table->partial && !change_table_is_new(table),
                                     .body = table->table.body,
                                     .files = table->files.items,
                                     .file_count = table->files.count,
                                     .removed = table->removed.items,
                                     .removed_count = table->removed.count,
                                     .keep_from_ms = table->keep_from_ms };
                if (!table->unchanged)
                        to->body.snapshot = table->snapshot;
                /* What another appended since may have said more; what a set does not say, it does not undo. */
                if (table->write == TABLE_APPEND && !table->detail_set)
                        to->body.detail = STR("");
        }
        return intent;
}

/* Data files that were made and then not given to any table go now: ID.files must name no file of a published set that
 * the set does not use. */
static void drop_unused(ChangeSet *set) {
        Map used;
        map_init(&used, &set->arena);
        for (size_t i = 0; i < set->tables.count; i++)
                for (size_t k = 0; k < set->tables.items[i]->files.count; k++)
                        map_put(&used, str_of(set->tables.items[i]->files.items[k].path), set);
        for (size_t i = 0; i < set->made.count; i++) {
                Str path = set->made.entries[i].key;
                if (!map_has(&used, path))
                        unlink(arena_cstr(&set->arena, path));
        }
}

/* The file is read once more, by us and from memory: what its writer says of it is not what the history will hold it to.
 * The disk is told to begin meanwhile. */
static Status settle_file(ChangeSet *set, LakeFile *file, Error *err) {
        CLEANUP(close_fdp) int fd = open(file->path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return error_errno(err, errno, "cannot open '%s'", file->path);
        sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
        Sha256 hash;
        TRY(fd_hash(fd, file->path, -1, &hash, &file->bytes, err));
        file->sha256 = sha256_hex(&set->arena, hash);
        if (file->bytes != file->statistics.bytes)
                return error_set(err, STATUS_CORRUPT, "'%s' has %lld bytes, and its writer says %lld", file->path,
                                 (long long)file->bytes, (long long)file->statistics.bytes);
        fd_sync(fd, file->path);
        return STATUS_OK;
}

static Status settle_data(ChangeSet *set, const Intent *intent, Error *err) {
        for (size_t i = 0; i < intent->table_count; i++)
                for (size_t k = 0; k < intent->tables[i].file_count; k++)
                        TRY(settle_file(set, &intent->tables[i].files[k], err));
        for (size_t i = 0; i < set->tables.count; i++)
                if (set->tables.items[i]->files.count || set->tables.items[i]->made_folder)
                        sync_table_folders(set, set->tables.items[i]);
        return STATUS_OK;
}

/* A new table without any data has no folder yet. */
static Status make_folders(ChangeSet *set, Error *err) {
        for (size_t i = 0; i < set->tables.count; i++) {
                ChangeTable *table = set->tables.items[i];
                char *folder = store_table_data_dir(set->lake->store, &set->arena, table->table.body.uuid);
                if (change_table_is_new(table) && table_counts(set, table) && !file_exists(folder))
                        TRY(make_table_folders(set, table, err));
        }
        return STATUS_OK;
}

static Status enqueue(ChangeSet *set, const Intent *intent, Error *err) {
        CLEANUP(buf_deinit) Buf buf = { .limit = INTENT_SIZE_MAX };
        intent_write(set->lake->store, intent, &buf);
        if (buf.failed)
                return error_set(err, STATUS_LIMIT, "the change set is larger than %zu bytes", INTENT_SIZE_MAX);
        return file_write_text(store_queue_path(set->lake->store, &set->arena, set->id, "intent"), buf_view(&buf), err);
}

Status changeset_publish(ChangeSet *set, Arena *arena, CatalogCommit *out, Error *err) {
        assert(!set->published);
        if (changeset_is_empty(set)) { /* "there already" must be as true after a power cut */
                TRY(catalog_head(set->lake->catalog, set->spec.branch, arena, out, err));
                return catalog_settle(set->lake->catalog, err);
        }
        Intent intent = make_intent(set);
        drop_unused(set);
        TRY(make_folders(set, err));
        TRY(settle_data(set, &intent, err));
        TRY(enqueue(set, &intent, err));
        Status status = publish_drain(set->lake, set->spec.branch, set->id, arena, out, &set->unknown, err);
        set->published = status == STATUS_OK || set->unknown;
        return status;
}

bool changeset_is_unknown(const ChangeSet *set) {
        return set->unknown;
}
