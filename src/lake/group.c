/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/group.h"

#include "base/file.h"
#include "base/time.h"

/* An object as the change sets before this one in the group leave it. */
typedef struct Working {
        bool found;
        Str hash; /* of the body; empty if not found */
        bool has_table;
        TableBody table;               /* decoded body, of tables only */
        const TableMetadata *metadata; /* once it was needed */
} Working;

/* One table of one change set, on its way. */
typedef struct Step {
        Working *at;
        Working next;
        CatalogName name;
        Str body;         /* to put; data NULL = remove */
        int64_t promised; /* by what snapshot others of the change set that read its new rows name them; 0 = it has none */
} Step;

typedef VEC(Step) StepVec;
typedef VEC(IcebergFile) IcebergFileVec;

/* ---- objects as the group leaves them ---- */

static Status read_pending(void *context, Str path, Arena *arena, Str *out, Error *err) {
        const Group *group = context;
        const Str *bytes = map_get(&group->pending, path);
        if (bytes) {
                *out = *bytes;
                return STATUS_OK;
        }
        return file_read(arena_cstr(arena, path), MANIFEST_SIZE_MAX, arena, out, err);
}

void group_init(Group *group, Lake *lake, Arena *arena) {
        *group = (Group){ .lake = lake, .arena = arena };
        group->id = arena_strf(arena, "%016llx%016llx", (unsigned long long)time_now_us(),
                               (unsigned long long)random_u64());
        group->source = (IcebergSource){ read_pending, group };
        map_init(&group->working, arena);
        map_init(&group->revisions, arena);
        map_init(&group->pending, arena);
        map_init(&group->fresh, arena);
}

static Status working_at(Group *group, Str branch, CatalogName name, Working **out, Error *err) {
        Buf key = { 0 };
        Str parts[] = { branch, name.kind, name.zone, name.name };
        for (size_t i = 0; i < COUNT_OF(parts); i++) {
                buf_append(&key, parts[i]);
                buf_append_byte(&key, 0);
        }
        Str joined = buf_dup(&key, group->arena);
        buf_deinit(&key);
        *out = map_get(&group->working, joined);
        if (*out)
                return STATUS_OK;

        Working *working = ARENA_NEW(group->arena, Working);
        working->hash = STR("");
        CatalogObject object;
        Error absent = { 0 };
        Status status = catalog_get(group->lake->catalog, (CatalogAt){ branch, 0 }, name, group->arena, &object,
                                    &absent);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
                *err = absent;
                return status;
        }
        if (status == STATUS_OK) {
                working->found = true;
                working->hash = object.body_hash;
                working->has_table = table_is_kind(name.kind);
                if (working->has_table)
                        TRY(table_body_parse(group->lake->store, object.body, group->arena, &working->table, err));
        }
        map_put(&group->working, joined, working);
        *out = working;
        return STATUS_OK;
}

static Status conflict(CatalogName name, const char *what, Error *err) {
        error_set(err, STATUS_CONFLICT, "%.*s%s%.*s %s", STR_ARG(name.zone), name.zone.size ? "." : "",
                  STR_ARG(name.name), what);
        return error_hint(err, "nothing of this was published; run again");
}

/* ---- one table of one change set ---- */

static const LakeInput *find_input(const TableBody *body, Str table) {
        for (size_t i = 0; i < body->input_count; i++)
                if (str_equal(body->inputs[i].table, table))
                        return &body->inputs[i];
        return NULL;
}

/* Whether what stands now was built from something newer than what we read. */
static bool built_from_newer(const TableBody *now, const TableBody *ours) {
        for (size_t i = 0; i < now->input_count; i++) {
                const LakeInput *mine = find_input(ours, now->inputs[i].table);
                if (mine && now->inputs[i].sequence > mine->sequence)
                        return true;
        }
        return false;
}

/* The same, of the same: whoever made it first has done what ours would do. */
static bool built_alike(const TableBody *now, const TableBody *ours) {
        if (ours->fingerprint.size == 0 || !str_equal(now->fingerprint, ours->fingerprint) || now->input_count != ours->input_count)
                return false;
        for (size_t i = 0; i < now->input_count; i++) {
                const LakeInput *mine = find_input(ours, now->inputs[i].table);
                if (!mine || mine->snapshot != now->inputs[i].snapshot)
                        return false;
        }
        return true;
}

/* What compaction made since is the same rows, so it is as if nothing had been published. */
static Status check_base(const IntentTable *table, const Working *at, Error *err) {
        bool moved = !str_equal(at->hash, table->base_hash);
        if (!moved || (table->write != TABLE_REPLACE && at->found))
                return STATUS_OK;
        if (!at->found)
                return table->base_hash.size ? conflict(table->name, "was dropped by another in the meantime", err)
                                             : STATUS_OK;
        bool same_rows = table->base_hash.size && at->table.rows_snapshot == table->base_rows;
        if ((!table->model || table->unchanged) && !same_rows)
                return conflict(table->name, "was published by another in the meantime", err);
        if (table->model && built_from_newer(&at->table, &table->body))
                return conflict(table->name, "was built from newer inputs by another in the meantime", err);
        if (built_alike(&at->table, &table->body))
                return conflict(table->name, "was built from the same inputs by another in the meantime", err);
        return STATUS_OK;
}

static TypeField *fields_of(Arena *arena, const TableBody *body) {
        TypeField *fields = ARENA_ARRAY(arena, TypeField, body->column_count);
        for (size_t i = 0; i < body->column_count; i++)
                fields[i] = (TypeField){ body->columns[i].name, body->columns[i].id, false, body->columns[i].type };
        return fields;
}

/* Files name columns by id, so the ids that they were written with must be those that the table gives. */
static Status check_ids(const IntentTable *table, const Schema *schema, Error *err) {
        for (size_t i = 0; i < table->body.column_count; i++) {
                const LakeColumn *ours = &table->body.columns[i];
                const TypeField *now = schema_column(schema, ours->name);
                if (!now || now->id != ours->id || !schema_type_widens(ours->type, now->type))
                        return conflict(table->name, "got other columns by another in the meantime", err);
        }
        return STATUS_OK;
}

static const LakeColumn *column_by_id(const TableBody *body, int id) {
        for (size_t i = 0; i < body->column_count; i++)
                if (body->columns[i].id == id)
                        return &body->columns[i];
        return NULL;
}

static void settle_columns(Arena *arena, const Schema *schema, const TableBody *ours, const TableBody *before,
                           TableBody *out) {
        out->schema_id = schema->id;
        out->column_count = schema->field_count;
        out->columns = ARENA_ARRAY(arena, LakeColumn, schema->field_count);
        for (size_t i = 0; i < schema->field_count; i++) {
                const TypeField *field = &schema->fields[i];
                const LakeColumn *from = column_by_id(ours, field->id);
                if (!from)
                        from = column_by_id(before, field->id);
                out->columns[i] = (LakeColumn){ field->name, field->id, field->type, from && from->hidden,
                                                from ? from->about : STR("") };
        }
}

static Status metadata_now(Group *group, Working *at, Error *err) {
        if (at->metadata)
                return STATUS_OK;
        TableMetadata *read = NULL;
        TRY(lake_metadata(at->table.metadata_location, &group->source, group->arena, &read, err));
        at->metadata = read;
        return STATUS_OK;
}

/* The metadata to build on: the table's own with our columns, or that of a table which begins here. */
static Status metadata_base(Group *group, const IntentTable *table, Working *at, const TableMetadata **out,
                            Error *err) {
        TypeField *fields = fields_of(group->arena, &table->body);
        if (table->write == TABLE_COMPACT) {
                if (!at->found)
                        return conflict(table->name, "was dropped by another in the meantime", err);
                TRY(metadata_now(group, at, err));
                *out = at->metadata;
                return STATUS_OK;
        }
        if (!at->found) {
                TableMetadata *fresh = NULL;
                TRY(metadata_new(table->body.location, fields, table->body.column_count, NULL, 0, time_now_us() / 1000,
                                 group->arena, &fresh, err));
                fresh->uuid = table->body.uuid;
                *out = fresh;
                return check_ids(table, metadata_current_schema(fresh), err);
        }
        TRY(metadata_now(group, at, err));
        /* Ids mean columns of ours only while the base has not moved, and only a model is published over one that has. */
        SchemaChange change = table->write == TABLE_APPEND ? SCHEMA_EXTEND : table->model ? SCHEMA_REPLACE : SCHEMA_RENAME;
        TRY(metadata_with_schema(at->metadata, fields, table->body.column_count, change, group->arena, out, err));
        return check_ids(table, metadata_current_schema(*out), err);
}

static DataFile *data_files(Arena *arena, const IntentTable *table) {
        DataFile *files = ARENA_ARRAY(arena, DataFile, table->file_count);
        for (size_t i = 0; i < table->file_count; i++)
                files[i] = (DataFile){ .content = CONTENT_DATA,
                                       .path = str_of(table->files[i].path),
                                       .format = STR("PARQUET"),
                                       .statistics = table->files[i].statistics };
        return files;
}

static TableRemoval removal_of(const IntentTable *table) {
        static const TableRemoval removals[] = { [TABLE_APPEND] = REMOVE_NOTHING,
                                                 [TABLE_REPLACE] = REMOVE_ALL,
                                                 [TABLE_COMPACT] = REMOVE_PATHS };
        return table->partial ? REMOVE_PATHS : removals[table->write];
}

static Status next_version(Group *group, const Intent *intent, const IntentTable *table, const Working *at,
                           const TableMetadata *base, TableVersion *out, Error *err) {
        if (!at->found && table->file_count == 0)
                return table_create(base, group->arena, out, err);
        bool compacts = table->write == TABLE_COMPACT;
        if (compacts && table->keep_from_ms)
                base = metadata_trim(base, table->keep_from_ms, group->arena);
        if (compacts && table->removed_count == 0)
                return table_rewrite_metadata(base, at->table.metadata_location, group->arena, out, err);
        Property summary[] = { { STR("lode.change-set"), intent->id },
                               { STR("lode.deliveries"), arena_strf(group->arena, "%zu", intent->delivery_count) } };
        TableChange change = { .removal = removal_of(table),
                               .removed_paths = table->removed,
                               .removed_count = table->removed_count,
                               .same_rows = compacts,
                               .added = data_files(group->arena, table),
                               .added_count = table->file_count,
                               .summary = summary,
                               .summary_count = COUNT_OF(summary),
                               .now_ms = time_now_us() / 1000,
                               .snapshot_id = table->body.snapshot };
        /* No cache: what is not published must not be found there. */
        return table_commit(base, at->found ? at->table.metadata_location : STR(""), &change, &group->source, NULL,
                            group->arena, out, err);
}

static void settle_body(Group *group, const IntentTable *table, const Working *at, const TableVersion *version,
                        TableBody *out) {
        static const TableBody nothing = { 0 };
        const TableBody *before = at->found ? &at->table : &nothing;
        *out = table->body;
        if (at->found) {
                out->uuid = before->uuid;
                out->location = before->location;
        }
        if (at->found && table->write == TABLE_APPEND && out->detail.size == 0)
                out->detail = before->detail;
        out->metadata_location = version->metadata_location;
        out->snapshot = version->snapshot ? version->snapshot->id : 0;
        out->sequence = version->metadata->last_sequence_number;
        out->last_column_id = version->metadata->last_column_id;
        out->rows = version->total_rows < 0 ? 0 : version->total_rows;
        out->files = version->total_files < 0 ? 0 : version->total_files;
        out->bytes = version->total_bytes < 0 ? 0 : version->total_bytes;
        out->rows_snapshot = out->snapshot;
        out->rows_sequence = out->sequence;
        settle_columns(group->arena, metadata_current_schema(version->metadata), &table->body, before, out);
}

/* The rows stay as they are; only where they lie is new. */
static void settle_compacted(const Working *at, const TableVersion *version, TableBody *out) {
        *out = at->table;
        out->metadata_location = version->metadata_location;
        out->sequence = version->metadata->last_sequence_number;
        if (!version->snapshot)
                return;
        out->snapshot = version->snapshot->id;
        if (version->total_files >= 0)
                out->files = version->total_files;
        if (version->total_bytes >= 0)
                out->bytes = version->total_bytes;
}

/* The rows stay as they are; what the writer says about them is recorded. */
static void settle_same_rows(Arena *arena, const IntentTable *table, const Working *at, TableBody *out) {
        *out = at->table;
        out->kind = table->body.kind;
        out->about = table->body.about;
        out->inputs = table->body.inputs;
        out->input_count = table->body.input_count;
        out->content = table->body.content;
        out->fingerprint = table->body.fingerprint;
        if (table->write == TABLE_REPLACE || table->body.detail.size)
                out->detail = table->body.detail;
        LakeColumn *columns = ARENA_ARRAY(arena, LakeColumn, out->column_count);
        for (size_t i = 0; i < out->column_count; i++) {
                const LakeColumn *ours = column_by_id(&table->body, out->columns[i].id);
                columns[i] = out->columns[i];
                columns[i].about = ours ? ours->about : columns[i].about;
                columns[i].hidden = ours ? ours->hidden : columns[i].hidden;
        }
        out->columns = columns;
}

typedef VEC(CatalogFile) AddedVec;

/* What the catalog will hold the store to: the data files as they were hashed, Iceberg's own as they are about to be
 * written. */
static void add_stored(Group *group, const IntentTable *table, const TableVersion *version, AddedVec *added) {
        const Store *store = group->lake->store;
        for (size_t i = 0; i < table->file_count; i++)
                vec_push(group->arena, added,
                         (CatalogFile){ .path = store_relative(store, str_of(table->files[i].path)),
                                        .sha256 = table->files[i].sha256,
                                        .bytes = table->files[i].bytes });
        for (size_t i = 0; i < version->file_count; i++)
                vec_push(group->arena, added,
                         (CatalogFile){ .path = store_relative(store, version->files[i].path),
                                        .sha256 = sha256_hex(group->arena, sha256_of(version->files[i].bytes)),
                                        .bytes = (int64_t)version->files[i].bytes.size });
}

static Status plan_table(Group *group, const Intent *intent, const IntentTable *table, StepVec *steps,
                         IcebergFileVec *files, AddedVec *added, Error *err) {
        Working *at = NULL;
        TRY(working_at(group, intent->branch, table->name, &at, err));
        TRY(check_base(table, at, err));
        Step step = { .at = at, .next = *at, .name = table->name };
        step.next.found = step.next.has_table = true;
        const TableMetadata *base = NULL;
        if (!table->unchanged)
                TRY(metadata_base(group, table, at, &base, err));
        bool same_rows = table->unchanged ||
                         (at->found && table->write == TABLE_APPEND && table->file_count == 0 && base == at->metadata);
        if (same_rows) {
                settle_same_rows(group->arena, table, at, &step.next.table);
        } else {
                TableVersion version;
                TRY(next_version(group, intent, table, at, base, &version, err));
                for (size_t i = 0; i < version.file_count; i++)
                        vec_push(group->arena, files, version.files[i]);
                add_stored(group, table, &version, added);
                if (table->write == TABLE_COMPACT)
                        settle_compacted(at, &version, &step.next.table);
                else
                        settle_body(group, table, at, &version, &step.next.table);
                step.promised = table->write == TABLE_COMPACT ? 0 : table->body.snapshot;
                step.next.metadata = version.metadata;
        }
        vec_push(group->arena, steps, step);
        return STATUS_OK;
}

/* A model that read what the same change set makes of another table: what it read is known only now. What it read of an
 * earlier version stays as it is, whatever else becomes of that table here. */
static void correct_input(const Group *group, const StepVec *steps, LakeInput *input) {
        for (size_t i = 0; i < steps->count; i++) {
                const Step *step = &steps->items[i];
                Str name = arena_strf(group->arena, "%.*s.%.*s", STR_ARG(step->name.zone), STR_ARG(step->name.name));
                if (step->promised == 0 || step->promised != input->snapshot || !str_is(step->name.kind, "table") ||
                    !str_equal(name, input->table))
                        continue;
                input->snapshot = step->next.table.rows_snapshot;
                input->sequence = step->next.table.rows_sequence;
                return;
        }
}

static void correct_inputs(Group *group, StepVec *steps) {
        for (size_t i = 0; i < steps->count; i++) {
                TableBody *body = &steps->items[i].next.table;
                LakeInput *inputs = ARENA_ARRAY(group->arena, LakeInput, body->input_count);
                for (size_t k = 0; k < body->input_count; k++) {
                        inputs[k] = body->inputs[k];
                        correct_input(group, steps, &inputs[k]);
                }
                body->inputs = inputs;
                steps->items[i].body = table_body_print(group->lake->store, group->arena, body);
                steps->items[i].next.hash = sha256_hex(group->arena, sha256_of(steps->items[i].body));
        }
}

/* ---- the rest of a change set ---- */

static Status plan_object(Group *group, const Intent *intent, const IntentObject *object, StepVec *steps, Error *err) {
        Working *at = NULL;
        TRY(working_at(group, intent->branch, object->name, &at, err));
        Step step = { .at = at, .next = *at, .name = object->name, .body = object->body };
        step.next.found = object->body.data != NULL;
        step.next.hash = step.next.found ? sha256_hex(group->arena, sha256_of(object->body)) : STR("");
        if (str_equal(at->hash, step.next.hash))
                return STATUS_OK;
        if (!str_equal(at->hash, object->base_hash))
                return conflict(object->name, "was changed by another in the meantime", err);
        vec_push(group->arena, steps, step);
        return STATUS_OK;
}

static Status plan_ledger(Group *group, const Intent *intent, Error *err) {
        for (size_t i = 0; i < intent->delivery_count; i++) {
                const Delivery *row = &intent->deliveries[i];
                Str key = { (const char *)&row->id, sizeof(row->id) };
                const int64_t *known = map_get(&group->revisions, key);
                int64_t revision = known ? *known : 0;
                Delivery now;
                Error absent = { 0 };
                if (!known) {
                        Status status = catalog_delivery(group->lake->catalog, row->id, group->arena, &now, &absent);
                        if (status == STATUS_OK)
                                revision = now.revision;
                        else if (status != STATUS_NOT_FOUND) {
                                *err = absent;
                                return status;
                        }
                }
                if (row->expect == DELIVERY_ANY || row->expect == revision)
                        continue;
                error_set(err, STATUS_CONFLICT, "delivery '%.*s' of %.*s.%.*s was taken by another run in the meantime",
                          STR_ARG(row->name), STR_ARG(row->zone), STR_ARG(row->source));
                return error_hint(err, "nothing of this was published; run again");
        }
        return STATUS_OK;
}

static void note_revisions(Group *group, const Intent *intent) {
        for (size_t i = 0; i < intent->delivery_count; i++) {
                const Delivery *row = &intent->deliveries[i];
                Str key = { (const char *)&row->id, sizeof(row->id) };
                int64_t *revision = map_get(&group->revisions, key);
                if (!revision) {
                        Delivery now;
                        Error ignored = { 0 };
                        revision = ARENA_NEW(group->arena, int64_t);
                        if (catalog_delivery(group->lake->catalog, row->id, group->arena, &now, &ignored) == STATUS_OK)
                                *revision = now.revision;
                        map_put(&group->revisions, key, revision);
                }
                ++*revision;
        }
}

/* ---- one change set ---- */

static CatalogChange change_of(Group *group, const Intent *intent, const StepVec *steps, const AddedVec *added) {
        Arena *arena = group->arena;
        CatalogCheck *checks = ARENA_ARRAY(arena, CatalogCheck, steps->count);
        CatalogPut *puts = ARENA_ARRAY(arena, CatalogPut, steps->count);
        CatalogName *removes = ARENA_ARRAY(arena, CatalogName, steps->count);
        CatalogChange change = { .branch = intent->branch,
                                 .author = intent->author,
                                 .via = intent->via,
                                 .message = intent->message,
                                 .git = intent->git,
                                 .audit = intent->audit,
                                 .intent = intent->id,
                                 .checks = checks,
                                 .check_count = steps->count,
                                 .puts = puts,
                                 .removes = removes,
                                 .deliveries = intent->deliveries,
                                 .delivery_count = intent->delivery_count,
                                 .files = intent->files,
                                 .file_count = intent->file_count,
                                 .added = added->items,
                                 .added_count = added->count };
        for (size_t i = 0; i < steps->count; i++) {
                const Step *step = &steps->items[i];
                checks[i] = (CatalogCheck){ step->name.kind, step->name.zone, step->name.name, step->at->hash };
                if (step->next.found)
                        puts[change.put_count++] = (CatalogPut){ step->name.kind, step->name.zone, step->name.name,
                                                                 step->body };
                else
                        removes[change.remove_count++] = step->name;
        }
        return change;
}

/* All of it is worked out before any of it is taken into the group. */
Status group_plan(Group *group, const Intent *intent, Error *err) {
        StepVec steps = { 0 };
        IcebergFileVec files = { 0 };
        AddedVec added = { 0 };
        CatalogCommit head;
        TRY(catalog_head(group->lake->catalog, intent->branch, group->arena, &head, err));
        TRY(plan_ledger(group, intent, err));
        for (size_t i = 0; i < intent->table_count; i++)
                TRY(plan_table(group, intent, &intent->tables[i], &steps, &files, &added, err));
        correct_inputs(group, &steps);
        for (size_t i = 0; i < intent->object_count; i++)
                TRY(plan_object(group, intent, &intent->objects[i], &steps, err));

        vec_push(group->arena, &group->changes, change_of(group, intent, &steps, &added));
        for (size_t i = 0; i < steps.count; i++) {
                const Step *step = &steps.items[i];
                if (!step->at->found && step->next.has_table) {
                        const char *metadata = arena_cstr(group->arena, step->next.table.metadata_location);
                        map_put(&group->fresh, str_of(path_dir(group->arena, metadata)), group);
                }
                *step->at = step->next;
        }
        for (size_t i = 0; i < files.count; i++) {
                vec_push(group->arena, &group->files, files.items[i]);
                Str *bytes = ARENA_NEW(group->arena, Str);
                *bytes = files.items[i].bytes;
                map_put(&group->pending, files.items[i].path, bytes);
        }
        note_revisions(group, intent);
        return STATUS_OK;
}
