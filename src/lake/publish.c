/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/map.h"
#include "base/time.h"
#include "base/vec.h"
#include "lake/intent.h"
#include "lake/store_files.h"

#define DRAIN_TRIES 5 /* again only when somebody wrote to the catalog beside the lock */

/* An object as the change sets before this one in the group leave it. */
typedef struct Working {
        bool found;
        Str hash;                      /* of the body; empty if not found */
        bool has_table;
        TableBody table;               /* decoded body, of tables only */
        const TableMetadata *metadata; /* once it was needed */
} Working;

/* One table of one change set, on its way. */
typedef struct Step {
        Working *at;
        Working next;
        CatalogName name;
        Str body; /* to put; data NULL = remove */
} Step;

typedef VEC(Step) StepVec;
typedef VEC(IcebergFile) IcebergFileVec;

typedef struct Group {
        Lake *lake;
        Arena *arena;
        Str id;
        Map working;      /* branch, kind, zone, name joined by NUL: Working */
        Map revisions;    /* delivery id: int64_t */
        Map pending;      /* path of a file that is not yet written: Str */
        IcebergSource source;
        IcebergFileVec files;
        VEC(CatalogChange) changes;
        VEC(IntentResult) results;
        VEC(Str) settled; /* intents whose outcome will be in the catalog */
} Group;

/* ---- the lock and the queue ---- */

Status publish_lock(Lake *lake, int *out_fd, Error *err) {
        CLEANUP(close_fdp) int fd = open(lake->store->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
                return error_errno(err, errno, "cannot open '%s'", lake->store->lock_path);
        TRY(file_lock(fd, true, false, err));
        *out_fd = TAKE_FD(fd);
        return STATUS_OK;
}

/* Ids in the queue that have a file of that suffix, oldest first. */
static Status queue_list(Lake *lake, const char *suffix, Arena *arena, Str **out, size_t *out_count, Error *err) {
        DirEntry *entries = NULL;
        size_t count = 0, found = 0;
        TRY(dir_list(lake->store->queue_dir, arena, &entries, &count, err));
        Str *ids = ARENA_ARRAY(arena, Str, count);
        Str ending = str_of(suffix);
        for (size_t i = 0; i < count; i++)
                if (str_ends_with(entries[i].name, ending))
                        ids[found++] = str_slice(entries[i].name, 0, entries[i].name.size - ending.size);
        *out = ids;
        *out_count = found;
        return STATUS_OK;
}

bool publish_has_orphans(Lake *lake) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error ignored = { 0 };
        Str *ids = NULL;
        size_t count = 0;
        if (queue_list(lake, ".intent", &arena, &ids, &count, &ignored) != STATUS_OK)
                return false;
        for (size_t i = 0; i < count; i++)
                if (!file_is_locked(store_queue_path(lake->store, &arena, ids[i], "files")))
                        return true;
        return false;
}

/* ---- what a dead drain left ---- */

static Status tidy_drain(Lake *lake, Str id, Arena *arena, Error *err) {
        const char *path = store_queue_path(lake->store, arena, id, "drain");
        IntentResult result;
        Status status = catalog_intent(lake->catalog, id, arena, &result, err);
        if (status == STATUS_NOT_FOUND) {
                Str list = STR_NONE, line;
                TRY(file_read(path, INTENT_SIZE_MAX, arena, &list, err));
                while (str_cut(list, '\n', &line, &list))
                        unlink(arena_cstr(arena, line));
        } else if (status != STATUS_OK)
                return status;
        unlink(path);
        return STATUS_OK;
}

Status publish_tidy_drains(Lake *lake, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Str *ids = NULL;
        size_t count = 0;
        TRY(queue_list(lake, ".drain", &arena, &ids, &count, err));
        for (size_t i = 0; i < count; i++)
                TRY(tidy_drain(lake, ids[i], &arena, err));
        return STATUS_OK;
}

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

static bool holds_table(CatalogName name) {
        return str_is(name.kind, "table") || str_is(name.kind, "quarantine");
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
        Status status = catalog_get(group->lake->catalog, (CatalogAt){ branch, 0 }, name, group->arena, &object, &absent);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
                *err = absent;
                return status;
        }
        if (status == STATUS_OK) {
                working->found = true;
                working->hash = object.body_hash;
                working->has_table = holds_table(name);
                if (working->has_table)
                        TRY(table_body_parse(object.body, group->arena, &working->table, err));
        }
        map_put(&group->working, joined, working);
        *out = working;
        return STATUS_OK;
}

static Status conflict(CatalogName name, const char *what, Error *err) {
        error_set(err, STATUS_CONFLICT, "%.*s%s%.*s %s", STR_ARG(name.zone), name.zone.size ? "." : "", STR_ARG(name.name), what);
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

static Status check_base(const IntentTable *table, const Working *at, Error *err) {
        bool moved = !str_equal(at->hash, table->base_hash);
        if (!moved || (table->write == TABLE_APPEND && at->found))
                return STATUS_OK;
        if (!at->found)
                return table->base_hash.size ? conflict(table->name, "was dropped by another in the meantime", err) : STATUS_OK;
        if (!table->model || table->unchanged)
                return conflict(table->name, "was published by another in the meantime", err);
        if (built_from_newer(&at->table, &table->body))
                return conflict(table->name, "was built from newer inputs by another in the meantime", err);
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

static void settle_columns(Arena *arena, const Schema *schema, const TableBody *ours, const TableBody *before, TableBody *out) {
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

/* The metadata to build on: the table's own with our columns, or that of a table which begins here. */
static Status metadata_base(Group *group, const IntentTable *table, Working *at, const TableMetadata **out, Error *err) {
        TypeField *fields = fields_of(group->arena, &table->body);
        if (!at->found) {
                TableMetadata *fresh = NULL;
                TRY(metadata_new(table->body.location, fields, table->body.column_count, NULL, 0, time_now_us() / 1000,
                                 group->arena, &fresh, err));
                fresh->uuid = table->body.uuid;
                *out = fresh;
                return check_ids(table, metadata_current_schema(fresh), err);
        }
        if (!at->metadata) {
                TableMetadata *read = NULL;
                TRY(lake_metadata(at->table.metadata_location, &group->source, group->arena, &read, err));
                at->metadata = read;
        }
        TRY(metadata_with_schema(at->metadata, fields, table->body.column_count,
                                 table->write == TABLE_APPEND ? SCHEMA_EXTEND : SCHEMA_REPLACE, group->arena, out, err));
        return check_ids(table, metadata_current_schema(*out), err);
}

static DataFile *data_files(Arena *arena, const IntentTable *table) {
        DataFile *files = ARENA_ARRAY(arena, DataFile, table->file_count);
        for (size_t i = 0; i < table->file_count; i++)
                files[i] = (DataFile){ .content = CONTENT_DATA, .path = str_of(table->files[i].path), .format = STR("PARQUET"),
                                       .statistics = table->files[i].statistics };
        return files;
}

static Status next_version(Group *group, const Intent *intent, const IntentTable *table, const Working *at,
                           const TableMetadata *base, TableVersion *out, Error *err) {
        if (!at->found && table->file_count == 0)
                return table_create(base, group->arena, out, err);
        Property summary[] = { { STR("lode.change-set"), intent->id },
                               { STR("lode.deliveries"), arena_strf(group->arena, "%zu", intent->delivery_count) } };
        TableChange change = { .removal = table->write == TABLE_APPEND ? REMOVE_NOTHING : REMOVE_ALL,
                               .added = data_files(group->arena, table),
                               .added_count = table->file_count,
                               .summary = summary,
                               .summary_count = COUNT_OF(summary),
                               .now_ms = time_now_us() / 1000,
                               .snapshot_id = table->body.snapshot };
        /* No cache: what is not published must not be found there. */
        return table_commit(base, at->found ? at->table.metadata_location : STR(""), &change, &group->source, NULL, group->arena,
                            out, err);
}

static void settle_body(Group *group, const IntentTable *table, const Working *at, const TableVersion *version, TableBody *out) {
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
        settle_columns(group->arena, metadata_current_schema(version->metadata), &table->body, before, out);
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

static Status plan_table(Group *group, const Intent *intent, const IntentTable *table, StepVec *steps, IcebergFileVec *files,
                         Error *err) {
        Working *at = NULL;
        TRY(working_at(group, intent->branch, table->name, &at, err));
        TRY(check_base(table, at, err));
        Step step = { at, *at, table->name, STR("") };
        step.next.found = step.next.has_table = true;
        const TableMetadata *base = NULL;
        if (!table->unchanged)
                TRY(metadata_base(group, table, at, &base, err));
        bool same_rows = table->unchanged || (at->found && table->write == TABLE_APPEND && table->file_count == 0 &&
                                              base == at->metadata);
        if (same_rows) {
                settle_same_rows(group->arena, table, at, &step.next.table);
        } else {
                TableVersion version;
                TRY(next_version(group, intent, table, at, base, &version, err));
                for (size_t i = 0; i < version.file_count; i++)
                        vec_push(group->arena, files, version.files[i]);
                settle_body(group, table, at, &version, &step.next.table);
                step.next.metadata = version.metadata;
        }
        vec_push(group->arena, steps, step);
        return STATUS_OK;
}

/* A model that read a model of the same change set: the snapshot is known only now. */
static void correct_inputs(Group *group, StepVec *steps) {
        for (size_t i = 0; i < steps->count; i++) {
                TableBody *body = &steps->items[i].next.table;
                LakeInput *inputs = ARENA_ARRAY(group->arena, LakeInput, body->input_count);
                for (size_t k = 0; k < body->input_count; k++) {
                        inputs[k] = body->inputs[k];
                        for (size_t j = 0; j < steps->count; j++) {
                                const Step *other = &steps->items[j];
                                Str name = arena_strf(group->arena, "%.*s.%.*s", STR_ARG(other->name.zone), STR_ARG(other->name.name));
                                if (!str_is(other->name.kind, "table") || !str_equal(name, inputs[k].table))
                                        continue;
                                inputs[k].snapshot = other->next.table.snapshot;
                                inputs[k].sequence = other->next.table.sequence;
                        }
                }
                body->inputs = inputs;
                steps->items[i].body = table_body_print(group->arena, body);
                steps->items[i].next.hash = sha256_hex(group->arena, sha256_of(steps->items[i].body));
        }
}

/* ---- the rest of a change set ---- */

static Status plan_object(Group *group, const Intent *intent, const IntentObject *object, StepVec *steps, Error *err) {
        Working *at = NULL;
        TRY(working_at(group, intent->branch, object->name, &at, err));
        Step step = { at, *at, object->name, object->body };
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

static CatalogChange change_of(Group *group, const Intent *intent, const StepVec *steps) {
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
                                 .file_count = intent->file_count };
        for (size_t i = 0; i < steps->count; i++) {
                const Step *step = &steps->items[i];
                checks[i] = (CatalogCheck){ step->name.kind, step->name.zone, step->name.name, step->at->hash };
                if (step->next.found)
                        puts[change.put_count++] = (CatalogPut){ step->name.kind, step->name.zone, step->name.name, step->body };
                else
                        removes[change.remove_count++] = step->name;
        }
        return change;
}

/* All of it is worked out before any of it is taken into the group. */
static Status plan_intent(Group *group, const Intent *intent, Error *err) {
        StepVec steps = { 0 };
        IcebergFileVec files = { 0 };
        CatalogCommit head;
        TRY(catalog_head(group->lake->catalog, intent->branch, group->arena, &head, err));
        TRY(plan_ledger(group, intent, err));
        for (size_t i = 0; i < intent->table_count; i++)
                TRY(plan_table(group, intent, &intent->tables[i], &steps, &files, err));
        correct_inputs(group, &steps);
        for (size_t i = 0; i < intent->object_count; i++)
                TRY(plan_object(group, intent, &intent->objects[i], &steps, err));

        vec_push(group->arena, &group->changes, change_of(group, intent, &steps));
        for (size_t i = 0; i < steps.count; i++)
                *steps.items[i].at = steps.items[i].next;
        for (size_t i = 0; i < files.count; i++) {
                vec_push(group->arena, &group->files, files.items[i]);
                Str *bytes = ARENA_NEW(group->arena, Str);
                *bytes = files.items[i].bytes;
                map_put(&group->pending, files.items[i].path, bytes);
        }
        note_revisions(group, intent);
        return STATUS_OK;
}

static bool is_passing(Status status) {
        return status == STATUS_IO || status == STATUS_DISK_FULL;
}

/* An intent that can never be published gets its outcome; one that failed for a passing reason stays for the next try. */
static Status take_intent(Group *group, Str id, Str own, Error *err) {
        Arena *arena = group->arena;
        IntentResult known;
        Error why = { 0 };
        Status status = catalog_intent(group->lake->catalog, id, arena, &known, &why);
        if (status == STATUS_OK) {
                vec_push(arena, &group->settled, id);
                return STATUS_OK;
        }
        if (status != STATUS_NOT_FOUND) {
                *err = why;
                return status;
        }
        Str bytes = STR_NONE;
        Intent intent;
        status = file_read(store_queue_path(group->lake->store, arena, id, "intent"), INTENT_SIZE_MAX, arena, &bytes, &why);
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        if (status == STATUS_OK)
                status = intent_read(bytes, arena, &intent, &why);
        if (status == STATUS_OK && !str_equal(intent.id, id))
                status = error_set(&why, STATUS_CORRUPT, "a change set in the queue has another's name");
        if (status == STATUS_OK)
                status = plan_intent(group, &intent, &why);
        if (is_passing(status)) {
                if (!str_equal(id, own))
                        return STATUS_OK;
                *err = why;
                return status;
        }
        if (status != STATUS_OK)
                vec_push(arena, &group->results,
                         (IntentResult){ .intent = id, .status = status, .message = arena_str(arena, str_of(why.message)) });
        vec_push(arena, &group->settled, id);
        return STATUS_OK;
}

/* ---- the group ---- */

static Status write_files(Group *group, Error *err) {
        if (group->files.count == 0)
                return STATUS_OK;
        CLEANUP(buf_deinit) Buf list = { 0 };
        for (size_t i = 0; i < group->files.count; i++) {
                buf_append(&list, group->files.items[i].path);
                buf_append_byte(&list, '\n');
        }
        TRY(file_write_text(store_queue_path(group->lake->store, group->arena, group->id, "drain"), buf_view(&list), err));
        Map folders;
        map_init(&folders, group->arena);
        for (size_t i = 0; i < group->files.count; i++) {
                char *path = arena_cstr(group->arena, group->files.items[i].path);
                char *folder = path_dir(group->arena, path);
                if (!map_has(&folders, str_of(folder)))
                        TRY(dir_make(folder, err));
                map_put(&folders, str_of(folder), group);
                TRY(file_create(path, group->files.items[i].bytes, false, err));
        }
        for (size_t i = 0; i < folders.count; i++)
                dir_sync(arena_cstr(group->arena, folders.entries[i].key));
        return STATUS_OK;
}

static void unwrite_files(Group *group) {
        for (size_t i = 0; i < group->files.count; i++)
                unlink(arena_cstr(group->arena, group->files.items[i].path));
        if (group->files.count)
                unlink(store_queue_path(group->lake->store, group->arena, group->id, "drain"));
}

static Status commit_group(Group *group, Error *err) {
        if (group->changes.count + group->results.count == 0)
                return STATUS_OK;
        Status status = write_files(group, err);
        if (status != STATUS_OK) {
                unwrite_files(group);
                return status;
        }
        if (group->files.count)
                vec_push(group->arena, &group->results, (IntentResult){ .intent = group->id });
        CatalogCommit *commits = ARENA_ARRAY(group->arena, CatalogCommit, group->changes.count);
        status = catalog_commit_all(group->lake->catalog, group->changes.items, group->changes.count, group->results.items,
                                    group->results.count, group->arena, commits, err);
        /* A refusal was rolled back for certain. A failure of the disk leaves the outcome open: nothing is removed, the
         * next holder asks the catalog about this drain. */
        if (status != STATUS_OK && !is_passing(status))
                unwrite_files(group);
        if (status == STATUS_OK && group->files.count)
                unlink(store_queue_path(group->lake->store, group->arena, group->id, "drain"));
        return status;
}

/* only: that one intent, or empty for all. */
static Status drain_once(Lake *lake, Str own, Str only, Arena *arena, Error *err) {
        Group group = { .lake = lake, .arena = arena };
        group.id = arena_strf(arena, "%016llx%016llx", (unsigned long long)time_now_us(), (unsigned long long)random_u64());
        group.source = (IcebergSource){ read_pending, &group };
        map_init(&group.working, arena);
        map_init(&group.revisions, arena);
        map_init(&group.pending, arena);
        Str *ids = NULL;
        size_t count = 0;
        TRY(queue_list(lake, ".intent", arena, &ids, &count, err));
        for (size_t i = 0; i < count; i++)
                if (only.size == 0 || str_equal(only, ids[i]))
                        TRY(take_intent(&group, ids[i], own, err));
        TRY(commit_group(&group, err));
        for (size_t i = 0; i < group.settled.count; i++)
                unlink(store_queue_path(lake->store, arena, group.settled.items[i], "intent"));
        return STATUS_OK;
}

static Status drain_tries(Lake *lake, Str own, Str only, Error *err) {
        Status status = STATUS_OK;
        for (int attempt = 0; attempt < DRAIN_TRIES; attempt++) {
                CLEANUP(arena_deinit) Arena arena = { 0 };
                status = drain_once(lake, own, only, &arena, err);
                if (status == STATUS_OK || is_passing(status))
                        return status;
        }
        return status;
}

/* One that the catalog refuses although it looked fine must not hold up the others: it gets that as its outcome. */
static Status refuse(Lake *lake, Str id, Arena *arena, const Error *why, Error *err) {
        IntentResult result = { .intent = id, .status = why->status, .message = str_of(why->message) };
        TRY(catalog_commit_all(lake->catalog, NULL, 0, &result, 1, arena, NULL, err));
        unlink(store_queue_path(lake->store, arena, id, "intent"));
        return STATUS_OK;
}

static Status drain_singly(Lake *lake, Str own, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Str *ids = NULL;
        size_t count = 0;
        TRY(queue_list(lake, ".intent", &arena, &ids, &count, err));
        for (size_t i = 0; i < count; i++) {
                Error why = { 0 };
                Status status = drain_tries(lake, own, ids[i], &why);
                if (status != STATUS_OK && !is_passing(status))
                        TRY(refuse(lake, ids[i], &arena, &why, err));
                if (is_passing(status) && str_equal(ids[i], own)) {
                        *err = why;
                        return status;
                }
        }
        return STATUS_OK;
}

static Status drain(Lake *lake, Str own, Error *err) {
        TRY(publish_tidy_drains(lake, err));
        Status status = drain_tries(lake, own, STR_NONE, err);
        return status == STATUS_OK || is_passing(status) ? status : drain_singly(lake, own, err);
}

/* ---- the outcome ---- */

static Status outcome(Lake *lake, Str branch, Str id, Arena *arena, CatalogCommit *out, Error *err) {
        IntentResult result;
        TRY(catalog_intent(lake->catalog, id, arena, &result, err));
        if (result.status != STATUS_OK) {
                error_set(err, result.status, "%.*s", STR_ARG(result.message));
                return result.status == STATUS_CONFLICT ? error_hint(err, "nothing of this was published; run again")
                                                        : result.status;
        }
        CatalogCommit *commits = NULL;
        size_t count = 0;
        if (result.seq)
                TRY(catalog_log(lake->catalog, branch, result.seq + 1, 1, arena, &commits, &count, err));
        *out = count ? commits[0] : (CatalogCommit){ .id = STR("") };
        return STATUS_OK;
}

/* The drain failed. Ours is withdrawn, unless it is published all the same or that cannot be told. */
static Status withdraw(Lake *lake, Str branch, Str id, Status why, Arena *arena, CatalogCommit *out, bool *out_unknown,
                       Error *err) {
        IntentResult result;
        Error asking = { 0 };
        Status known = catalog_intent(lake->catalog, id, arena, &result, &asking);
        if (known == STATUS_OK)
                return outcome(lake, branch, id, arena, out, err);
        if (known == STATUS_NOT_FOUND) {
                unlink(store_queue_path(lake->store, arena, id, "intent"));
                return why;
        }
        *out_unknown = true;
        return error_hint(err, "whether it was published is not known; run again: nothing is taken twice");
}

Status publish_drain(Lake *lake, Str branch, Str id, Arena *arena, CatalogCommit *out, bool *out_unknown, Error *err) {
        CLEANUP(close_fdp) int lock = -1;
        IntentResult known;
        Error ignored = { 0 };
        Status status = publish_lock(lake, &lock, err);
        /* Without the lock another may be publishing ours at this very moment. */
        *out_unknown = status != STATUS_OK;
        if (status != STATUS_OK)
                return status;
        if (id.size == 0)
                return drain(lake, id, err);
        if (catalog_intent(lake->catalog, id, arena, &known, &ignored) != STATUS_OK)
                status = drain(lake, id, err);
        if (status != STATUS_OK)
                return withdraw(lake, branch, id, status, arena, out, out_unknown, err);
        return outcome(lake, branch, id, arena, out, err);
}

Status publish_drain_locked(Lake *lake, Error *err) {
        return drain(lake, STR_NONE, err);
}
