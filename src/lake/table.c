/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/table.h"

#include "base/time.h"
#include "base/vec.h"
#include "lake/store_files.h"

#define MANIFESTS_KEPT ((size_t)256 << 20)

const char *const table_kinds[TABLE_KIND_COUNT] = { "table", "quarantine", "log" };

bool table_is_kind(Str kind) {
        for (size_t i = 0; i < TABLE_KIND_COUNT; i++)
                if (str_is(kind, table_kinds[i]))
                        return true;
        return false;
}

/* ---- the body as JSON ---- */

static Schema schema_of(Arena *arena, const TableBody *body) {
        Schema schema = { .id = body->schema_id,
                          .fields = ARENA_ARRAY(arena, TypeField, body->column_count),
                          .field_count = body->column_count };
        for (size_t i = 0; i < body->column_count; i++)
                schema.fields[i] = (TypeField){ body->columns[i].name, body->columns[i].id, false,
                                                body->columns[i].type };
        return schema;
}

static void print_columns(JsonWriter *w, Arena *arena, const TableBody *body) {
        Schema schema = schema_of(arena, body);
        json_key(w, "schema");
        schema_print(w, &schema);
        json_key(w, "hidden");
        json_array(w);
        for (size_t i = 0; i < body->column_count; i++)
                if (body->columns[i].hidden)
                        json_put_int(w, body->columns[i].id);
        json_end(w);
        json_key(w, "columns_about");
        json_object(w);
        for (size_t i = 0; i < body->column_count; i++)
                if (body->columns[i].about.size)
                        json_member_str(w, arena_printf(arena, "%d", body->columns[i].id), body->columns[i].about);
        json_end(w);
}

static void print_inputs(JsonWriter *w, const TableBody *body) {
        json_key(w, "inputs");
        json_array(w);
        for (size_t i = 0; i < body->input_count; i++) {
                json_object(w);
                json_member_str(w, "table", body->inputs[i].table);
                json_member_int(w, "snapshot", body->inputs[i].snapshot);
                json_member_int(w, "sequence", body->inputs[i].sequence);
                json_end(w);
        }
        json_end(w);
}

void lineage_print(JsonWriter *w, const LakeLineage *lineage, size_t count) {
        json_object(w);
        for (size_t i = 0; i < count; i++) {
                json_key_str(w, lineage[i].column);
                json_array(w);
                for (size_t k = 0; k < lineage[i].source_count; k++) {
                        json_put_str(w, lineage[i].sources[k].table);
                        json_put_str(w, lineage[i].sources[k].column);
                }
                json_end(w);
        }
        json_end(w);
}

void lineage_parse(const Json *object, Arena *arena, LakeLineage **out, size_t *out_count) {
        *out_count = json_count(object);
        *out = ARENA_ARRAY(arena, LakeLineage, *out_count);
        for (size_t i = 0; i < *out_count; i++) {
                const Json *sources = object->object.values[i];
                LakeLineage *line = &(*out)[i];
                *line = (LakeLineage){ .column = object->object.keys[i], .source_count = json_count(sources) / 2 };
                line->sources = ARENA_ARRAY(arena, LineageSource, line->source_count);
                for (size_t k = 0; k < line->source_count; k++)
                        line->sources[k] = (LineageSource){ json_string(json_at(sources, 2 * k)), json_string(json_at(sources, 2 * k + 1)) };
        }
}

static void member_text(JsonWriter *w, const char *key, Str value) {
        json_member_str(w, key, value.data ? value : STR(""));
}

static Str relative(const Store *store, Str path) {
        return path.size ? store_relative(store, path) : STR("");
}

static Str absolute(const Store *store, Arena *arena, Str path) {
        return path.size ? str_of(store_absolute(store, arena, path)) : STR("");
}

Str table_body_print(const Store *store, Arena *arena, const TableBody *body) {
        CLEANUP(buf_deinit) Buf buf = { 0 };
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        JsonWriter w = json_writer(&buf, false);
        json_object(&w);
        member_text(&w, "kind", body->kind);
        member_text(&w, "uuid", body->uuid);
        member_text(&w, "location", relative(store, body->location));
        member_text(&w, "metadata_location", relative(store, body->metadata_location));
        json_member_int(&w, "snapshot", body->snapshot);
        json_member_int(&w, "sequence", body->sequence);
        json_member_int(&w, "rows_snapshot", body->rows_snapshot);
        json_member_int(&w, "rows_sequence", body->rows_sequence);
        json_member_int(&w, "schema_id", body->schema_id);
        json_member_int(&w, "last_column_id", body->last_column_id);
        print_columns(&w, &scratch, body);
        json_member_int(&w, "rows", body->rows);
        json_member_int(&w, "files", body->files);
        json_member_int(&w, "bytes", body->bytes);
        print_inputs(&w, body);
        json_key(&w, "lineage");
        lineage_print(&w, body->lineage, body->lineage_count);
        member_text(&w, "about", body->about);
        member_text(&w, "content", body->content);
        member_text(&w, "fingerprint", body->fingerprint);
        member_text(&w, "detail", body->detail);
        json_end(&w);
        return buf_dup(&buf, arena);
}

static Str text_at(const Json *object, const char *key) {
        Str text = json_string(json_get(object, key));
        return text.data ? text : STR("");
}

static Status parse_columns(const Json *json, Arena *arena, TableBody *body, Error *err) {
        const Json *schema_json_ = NULL, *hidden = NULL, *about = json_get(json, "columns_about");
        Schema schema = { 0 };
        TRY(json_want_object(json, "schema", &schema_json_, err));
        TRY(json_want_array(json, "hidden", &hidden, err));
        TRY(schema_parse(schema_json_, arena, &schema, err));
        body->column_count = schema.field_count;
        body->columns = ARENA_ARRAY(arena, LakeColumn, schema.field_count);
        for (size_t i = 0; i < schema.field_count; i++) {
                const TypeField *field = &schema.fields[i];
                bool is_hidden = false;
                for (size_t k = 0; k < json_count(hidden); k++)
                        is_hidden |= json_integer(json_at(hidden, k), 0) == field->id;
                body->columns[i] = (LakeColumn){ field->name, field->id, field->type, is_hidden,
                                                 text_at(about, arena_printf(arena, "%d", field->id)) };
        }
        return STATUS_OK;
}

static Status parse_inputs(const Json *json, Arena *arena, TableBody *body, Error *err) {
        const Json *inputs = NULL;
        TRY(json_want_array(json, "inputs", &inputs, err));
        body->input_count = json_count(inputs);
        body->inputs = ARENA_ARRAY(arena, LakeInput, body->input_count);
        for (size_t i = 0; i < body->input_count; i++) {
                const Json *input = json_at(inputs, i);
                body->inputs[i] = (LakeInput){ text_at(input, "table"), json_integer(json_get(input, "snapshot"), 0),
                                               json_integer(json_get(input, "sequence"), 0) };
        }
        return STATUS_OK;
}

Status table_body_parse(const Store *store, Str text, Arena *arena, TableBody *out, Error *err) {
        Json *json = NULL;
        TRY(json_parse(text, NULL, arena, &json, err));
        TableBody body = { .snapshot = json_integer(json_get(json, "snapshot"), 0),
                           .sequence = json_integer(json_get(json, "sequence"), 0),
                           .rows_snapshot = json_integer(json_get(json, "rows_snapshot"), 0),
                           .rows_sequence = json_integer(json_get(json, "rows_sequence"), 0),
                           .schema_id = (int)json_integer(json_get(json, "schema_id"), 0),
                           .last_column_id = (int)json_integer(json_get(json, "last_column_id"), 0),
                           .rows = json_integer(json_get(json, "rows"), 0),
                           .files = json_integer(json_get(json, "files"), 0),
                           .bytes = json_integer(json_get(json, "bytes"), 0),
                           .about = text_at(json, "about"),
                           .content = text_at(json, "content"),
                           .fingerprint = text_at(json, "fingerprint"),
                           .detail = text_at(json, "detail") };
        TRY(json_want_string(json, "kind", &body.kind, err));
        TRY(json_want_string(json, "uuid", &body.uuid, err));
        TRY(json_want_string(json, "location", &body.location, err));
        TRY(json_want_string(json, "metadata_location", &body.metadata_location, err));
        body.location = absolute(store, arena, body.location);
        body.metadata_location = absolute(store, arena, body.metadata_location);
        TRY(parse_columns(json, arena, &body, err));
        TRY(parse_inputs(json, arena, &body, err));
        lineage_parse(json_get(json, "lineage"), arena, &body.lineage, &body.lineage_count);
        *out = body;
        return STATUS_OK;
}

/* ---- tables of the catalog ---- */

static Status table_from(const Store *store, const CatalogObject *object, Arena *arena, Table *out, Error *err) {
        Table table = { .oid = object->oid,
                        .kind = object->kind,
                        .zone = object->zone,
                        .name = object->name,
                        .seq = object->seq,
                        .commit = object->commit,
                        .changed_us = object->changed_us,
                        .body_hash = object->body_hash };
        if (table_body_parse(store, object->body, arena, &table.body, err) != STATUS_OK)
                return error_context(err, "the catalog's entry of %.*s.%.*s", STR_ARG(object->zone),
                                     STR_ARG(object->name));
        *out = table;
        return STATUS_OK;
}

Status lake_table(Lake *lake, CatalogAt at, CatalogName name, Arena *arena, Table *out, Error *err) {
        CatalogObject object;
        TRY(catalog_get(lake->catalog, at, name, arena, &object, err));
        return table_from(lake->store, &object, arena, out, err);
}

Status lake_tables(Lake *lake, CatalogAt at, Str kind, Str zone, Arena *arena, Table **out, size_t *out_count,
                   Error *err) {
        CatalogObject *objects = NULL;
        size_t count = 0;
        TRY(catalog_list(lake->catalog, at, kind, zone, arena, &objects, &count, err));
        Table *tables = ARENA_ARRAY(arena, Table, count);
        for (size_t i = 0; i < count; i++)
                TRY(table_from(lake->store, &objects[i], arena, &tables[i], err));
        *out = tables;
        *out_count = count;
        return STATUS_OK;
}

CatalogName quarantine_name(Arena *arena, Str zone, Str name) {
        const char *of = str_is(name, "rows") ? "checks" : "staging";
        return (CatalogName){ STR("quarantine"), arena_str(arena, zone), arena_strf(arena, "%s.%.*s", of, STR_ARG(name)) };
}

Str table_full_name(Arena *arena, const Table *table) {
        return arena_strf(arena, "%.*s.%.*s", STR_ARG(table->zone), STR_ARG(table->name));
}

const LakeColumn *table_column(const Table *table, Str name) {
        for (size_t i = 0; i < table->body.column_count; i++)
                if (str_equal(table->body.columns[i].name, name))
                        return &table->body.columns[i];
        return NULL;
}

/* ---- planning ---- */

static void scan_from(const Plan *plan, Arena *arena, LakeScan *out) {
        LakeScan scan = { .files = ARENA_ARRAY(arena, LakeScanFile, plan->file_count),
                          .file_count = plan->file_count,
                          .total_files = plan->total_files };
        for (size_t i = 0; i < plan->file_count; i++) {
                const DataFile *file = plan->files[i].file;
                scan.files[i] = (LakeScanFile){ arena_cstr(arena, file->path), file->statistics.rows,
                                                file->statistics.bytes };
                scan.rows += file->statistics.rows;
                scan.bytes += file->statistics.bytes;
        }
        *out = scan;
}

Status lake_table_kept(Lake *lake, const Table *table, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        CatalogExpired expired;
        Error kept = { 0 };
        Status status = catalog_expired(lake->catalog, table->body_hash, &scratch, &expired, &kept);
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        if (status != STATUS_OK) {
                *err = kept;
                return status;
        }
        error_set(err, STATUS_EXPIRED, "%.*s.%.*s as of commit %.*s (%.*s) was removed on %.*s, by %.*s",
                  STR_ARG(table->zone), STR_ARG(table->name), STR_ARG(str_slice(table->commit, 0, 12)),
                  STR_ARG(str_slice(time_print_us(&scratch, table->changed_us), 0, 19)),
                  STR_ARG(str_slice(time_print_us(&scratch, expired.at_us), 0, 19)), STR_ARG(expired.rule));
        return error_hint(err, "its history stays, its rows are gone; ask for a later commit: lode log");
}

static Status plan_kept(Lake *lake, const Table *table, const Predicate *predicates, size_t predicate_count, Arena *arena,
                        LakeScan *out, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        IcebergSource source = lake_iceberg_source();
        TableMetadata *metadata = NULL;
        TRY(lake_metadata(table->body.metadata_location, &source, &scratch, &metadata, err));
        const Snapshot *snapshot = metadata_snapshot(metadata, table->body.snapshot);
        if (!snapshot)
                return error_set(err, STATUS_CORRUPT, "'%.*s' lacks snapshot %lld",
                                 STR_ARG(table->body.metadata_location), (long long)table->body.snapshot);
        Plan plan;
        manifest_cache_trim(lake->manifests, MANIFESTS_KEPT);
        TRY(plan_files(metadata, snapshot, predicates, predicate_count, &source, lake->manifests, &scratch, &plan,
                       err));
        if (plan.delete_count)
                return error_set(err, STATUS_SQL_REFUSED,
                                 "%.*s.%.*s has delete files of another engine, which are not read yet",
                                 STR_ARG(table->zone), STR_ARG(table->name));
        if (plan.total_files < 0)
                plan.total_files = table->body.files;
        scan_from(&plan, arena, out);
        return STATUS_OK;
}

Status lake_plan(Lake *lake, const Table *table, const Predicate *predicates, size_t predicate_count, Arena *arena,
                 LakeScan *out, Error *err) {
        if (table->body.snapshot == 0) {
                *out = (LakeScan){ 0 };
                return STATUS_OK;
        }
        TRY(lake_table_kept(lake, table, err));
        Status status = plan_kept(lake, table, predicates, predicate_count, arena, out, err);
        if (status == STATUS_NOT_FOUND) /* it may have expired in between */
                TRY(lake_table_kept(lake, table, err));
        return status;
}
