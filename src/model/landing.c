/* SPDX-License-Identifier: Apache-2.0 */
#include "model/landing.h"

#include "base/file.h"
#include "base/vec.h"
#include "engine/stage_message.h"
#include "intake/landed.h"
#include "model/applied.h"

#include <fcntl.h>

enum { FILE_PLACE, ROW_PLACE, RAW_PLACE, OWN_COLUMNS };

static bool is_landing(Str stage) {
        return str_equal_nocase(stage, STR("landing"));
}

/* Its columns as text, whatever the text makes of them, with ids by their place. */
static SourceColumn *text_columns(const Source *source, Arena *arena) {
        SourceColumn *columns = ARENA_ARRAY(arena, SourceColumn, source->column_count + 1);
        for (size_t i = 0; i < source->column_count; i++)
                columns[i] = (SourceColumn){ .name = source->columns[i].name,
                                             .from = source->columns[i].from,
                                             .type = { .kind = TYPE_TEXT },
                                             .field_id = (int)i + 1 };
        return columns;
}

static Relation *relation_of(const Source *source, Arena *arena) {
        static const struct {
                const char *name;
                TypeKind kind;
        } own[OWN_COLUMNS] = { { "_file", TYPE_BIGINT }, { "_row", TYPE_BIGINT }, { "_raw", TYPE_TEXT } };
        Relation *relation = ARENA_NEW(arena, Relation);
        size_t count = source->column_count;
        *relation = (Relation){ .kind = RELATION_TABLE, .zone = source->zone, .stage = STR("landing"), .name = source->name, .uniform = true };
        relation->columns = ARENA_ARRAY(arena, RelationColumn, count + OWN_COLUMNS);
        relation->column_count = count + OWN_COLUMNS;
        for (size_t i = 0; i < count; i++)
                relation->columns[i] = (RelationColumn){ .name = source->columns[i].name, .type = { .kind = TYPE_TEXT }, .field_id = (int)i + 1 };
        for (size_t i = 0; i < OWN_COLUMNS; i++)
                relation->columns[count + i] = (RelationColumn){ .name = str_of(own[i].name), .type = { .kind = own[i].kind }, .field_id = (int)(count + i + 1) };
        return relation;
}

static Status resolve(void *context, Str zone, Str stage, Str name, Arena *arena, Relation **out, Error *err) {
        Landing *landing = context;
        if (!is_landing(stage))
                return landing->below.resolve(landing->below.context, zone, stage, name, arena, out, err);
        Source *source;
        Error absent = { 0 };
        *out = NULL;
        Status status = applied_source(landing->lake, landing->at, zone, name, arena, &source, &absent);
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        if (status != STATUS_OK) {
                *err = absent;
                return status;
        }
        *out = relation_of(source, arena);
        (*out)->handle = source;
        return STATUS_OK;
}

/* Nothing means NULL and no text is typed: what stands there is what is shown. */
static StageSpec spec_of(const Source *source, const Delivery *delivery, Arena *arena) {
        StageSpec spec = {
                .format = source->format,
                .columns = text_columns(source, arena),
                .column_count = source->column_count,
                .ignore = source->ignore,
                .file_id = delivery->id,
                .file_field_id = (int)(source->column_count + FILE_PLACE + 1),
                .row_field_id = (int)(source->column_count + ROW_PLACE + 1),
                .raw_field_id = (int)(source->column_count + RAW_PLACE + 1),
                .threads = 2,
        };
        spec.format.nulls = (StrList){ 0 };
        return spec;
}

static Status frame_delivery(Landing *place, const Source *source, const Delivery *delivery, Arena *arena, Str *out_path, Error *err) {
        CLEANUP(landed_closep) Landed *landed = NULL;
        CLEANUP(close_fdp) int data = -1;
        CLEANUP(close_fdp) int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
        CLEANUP(buf_deinit) Buf request = { 0 };
        const char *path;
        Str reply;
        StageSpec spec = spec_of(source, delivery, arena);
        StageResult result;
        TRY(landed_open(place->lake->store, delivery, &landed, err));
        TRY(worker_new_file(place->worker, arena, &data, &path, err));
        stage_spec_write(&request, &spec);
        int fds[] = { landed_fd(landed), data, nothing };
        TRY(landed_judge(landed, worker_stage(place->worker, buf_view(&request), fds, COUNT_OF(fds), NULL, NULL, arena, &reply, err), err));
        TRY(stage_result_read(reply, &spec, arena, &result, err));
        *out_path = result.data.rows ? str_of(path) : STR("");
        return STATUS_OK;
}

/* What is held or failed cannot always be framed, and would end the statement. */
static bool is_framed(const Delivery *delivery) {
        return delivery->landing.size > 0 && str_is(delivery->state, "staged");
}

static Status check_size(const Delivery *deliveries, size_t count, Error *err) {
        int64_t bytes = 0;
        for (size_t i = 0; i < count; i++)
                bytes += is_framed(&deliveries[i]) ? deliveries[i].bytes : 0;
        if (bytes <= LANDING_BYTES_MAX)
                return STATUS_OK;
        error_set(err, STATUS_LIMIT, "%lld MB landed in this source, and a statement frames at most %lld MB", (long long)(bytes >> 20),
                  (long long)(LANDING_BYTES_MAX >> 20));
        return error_hint(err, "the staged table has the same records, typed; lode diff --raw looks at single deliveries");
}

static Status files(void *context, const Relation *relation, const Predicate *predicates, size_t predicate_count, Arena *arena, BindFiles *out,
                    Error *err) {
        Landing *landing = context;
        if (!is_landing(relation->stage))
                return landing->below.files(landing->below.context, relation, predicates, predicate_count, arena, out, err);
        DeliveryQuery query = { .zone = relation->zone, .source = relation->name };
        Delivery *deliveries;
        size_t count;
        TRY(catalog_deliveries(landing->lake->catalog, &query, arena, &deliveries, &count, err));
        TRY(check_size(deliveries, count, err));
        VEC(Str) paths = { 0 };
        for (size_t i = count; i-- > 0;) {
                Str path = STR("");
                if (is_framed(&deliveries[i]))
                        TRY(frame_delivery(landing, relation->handle, &deliveries[i], arena, &path, err));
                if (path.size)
                        vec_push(arena, &paths, path);
        }
        *out = (BindFiles){ paths.items, paths.count, -1 };
        return STATUS_OK;
}

static Status moment(void *context, Str text, Arena *arena, const void **out, Error *err) {
        Landing *landing = context;
        return landing->below.moment(landing->below.context, text, arena, out, err);
}

/* What landed stays: it has no past of its own. */
static Status resolve_at(void *context, const void *at, Str zone, Str stage, Str name, Arena *arena, Relation **out, Error *err) {
        Landing *landing = context;
        if (is_landing(stage))
                return resolve(context, zone, stage, name, arena, out, err);
        return landing->below.resolve_at(landing->below.context, at, zone, stage, name, arena, out, err);
}

static Status names(void *context, Arena *arena, Str **out, size_t *out_count, Error *err) {
        Landing *landing = context;
        return landing->below.names(landing->below.context, arena, out, out_count, err);
}

static Status parse(void *context, Str sql, Arena *arena, const SqlTree **out, Error *err) {
        Landing *landing = context;
        return landing->below.parse(landing->below.context, sql, arena, out, err);
}

BindSource landing_source(Landing *landing, BindSource below) {
        BindSource source = below;
        landing->below = below;
        source.context = landing;
        source.resolve = resolve;
        source.files = files;
        source.moment = below.moment ? moment : NULL;
        source.resolve_at = below.resolve_at ? resolve_at : NULL;
        source.names = below.names ? names : NULL;
        source.parse = below.parse ? parse : NULL;
        return source;
}
