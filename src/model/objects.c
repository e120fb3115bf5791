/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The project's text as catalog objects. A body is JSON in a fixed order of members: the file's path and text first,
 * then what readers need without parsing it again. No times, no machine's paths: equal text gives equal bytes.
 */
#include "base/json.h"
#include "model/project.h"

typedef struct Objects {
        Arena *arena;
        VEC(ProjectObject) items;
        Buf buf;
        JsonWriter writer;
} Objects;

static void object_begin(Objects *objects, const char *path, Str text) {
        buf_clear(&objects->buf);
        objects->writer = json_writer(&objects->buf, false);
        json_object(&objects->writer);
        json_member_str(&objects->writer, "path", str_of(path));
        json_member_str(&objects->writer, "text", text.data ? text : STR(""));
}

static void object_end(Objects *objects, const char *kind, Str zone, Str name) {
        json_end(&objects->writer);
        ProjectObject object = {
                .kind = str_of(kind), .zone = zone, .name = name, .body = buf_dup(&objects->buf, objects->arena)
        };
        vec_push(objects->arena, &objects->items, object);
}

static void put_source(Objects *objects, const Source *source) {
        object_begin(objects, source->path, source->text);
        JsonWriter *writer = &objects->writer;
        if (source->about.size > 0)
                json_member_str(writer, "about", source->about);
        json_member_strs(writer, "from", source->from, source->from_count);
        json_member_str(writer, "load", str_of(source_load_name(source->load)));
        json_member_str(writer, "reading", sha256_hex(objects->arena, source_reading_hash(source)));
        json_key(writer, "columns");
        json_array(writer);
        for (size_t i = 0; i < source->column_count; i++) {
                json_object(writer);
                json_member_str(writer, "name", source->columns[i].name);
                json_member_str(writer, "type", type_print(objects->arena, source->columns[i].type));
                if (source->columns[i].required)
                        json_member_bool(writer, "required", true);
                if (source->column_texts[i].unique)
                        json_member_bool(writer, "unique", true);
                if (source->column_texts[i].tag_count)
                        json_member_strs(writer, "tags", source->column_texts[i].tags, source->column_texts[i].tag_count);
                json_end(writer);
        }
        json_end(writer);
        object_end(objects, "source", source->zone, source->name);
}

static void put_names(Objects *objects, const char *key, const Model *model, bool (*holds)(const ModelColumn *column)) {
        Str *names = ARENA_ARRAY(objects->arena, Str, model->column_count);
        size_t count = 0;
        for (size_t i = 0; i < model->column_count; i++)
                if (holds(&model->columns[i]))
                        names[count++] = model->columns[i].name;
        if (count > 0)
                json_member_strs(&objects->writer, key, names, count);
}

static bool is_required(const ModelColumn *column) {
        return column->required;
}

static bool is_unique(const ModelColumn *column) {
        return column->unique;
}

/* What the model promises of its columns, as clients look for it (system/world_keys.h). */
static void put_promises(Objects *objects, const Model *model) {
        JsonWriter *writer = &objects->writer;
        bool any = false;
        if (model->key_count > 0)
                json_member_strs(writer, "key", model->key, model->key_count);
        put_names(objects, "required", model, is_required);
        put_names(objects, "unique", model, is_unique);
        for (size_t i = 0; i < model->column_count; i++)
                any |= model->columns[i].reference.size > 0;
        if (!any)
                return;
        json_key(writer, "references");
        json_array(writer);
        for (size_t i = 0; i < model->column_count; i++) {
                if (model->columns[i].reference.size == 0)
                        continue;
                json_object(writer);
                json_member_str(writer, "column", model->columns[i].name);
                json_member_str(writer, "to", model->columns[i].reference);
                json_end(writer);
        }
        json_end(writer);
}

static void put_model(Objects *objects, const Model *model) {
        object_begin(objects, model->path, model->text);
        JsonWriter *writer = &objects->writer;
        json_member_str(writer, "stage", str_of(stage_name(model->stage)));
        json_member_str(writer, "kind", str_of(model_kind_name(model->kind)));
        if (model->about.size > 0)
                json_member_str(writer, "about", model->about);
        if (model->tag_count > 0)
                json_member_strs(writer, "tags", model->tags, model->tag_count);
        put_promises(objects, model);
        json_member_str(writer, "sql", model->body);
        object_end(objects, "model", model->zone,
                   arena_strf(objects->arena, "%s.%.*s", stage_name(model->stage), STR_ARG(model->name)));
}

/* As access.yml writes them: `role analyst`, `zone finance`, `ann`. */
static void put_people(Objects *objects, const char *key, const Who *who, size_t count) {
        static const char *const words[] = { [WHO_USER] = "", [WHO_ROLE] = "role ", [WHO_ZONE] = "zone ", [WHO_EVERYONE] = "everyone" };
        Str *texts = ARENA_ARRAY(objects->arena, Str, count);
        for (size_t i = 0; i < count; i++)
                texts[i] = arena_strf(objects->arena, "%s%.*s", words[who[i].kind], STR_ARG(who[i].name));
        json_member_strs(&objects->writer, key, texts, count);
}

static void put_zone(Objects *objects, const Zone *zone) {
        object_begin(objects, zone->path, zone->text);
        json_member_str(&objects->writer, "owner", zone->owner.data ? zone->owner : STR(""));
        put_people(objects, "engineers", zone->engineers, zone->engineer_count);
        put_people(objects, "members", zone->members, zone->member_count);
        json_member_str(&objects->writer, "purpose", zone->purpose.data ? zone->purpose : STR(""));
        object_end(objects, "zone", zone->name, zone->name);

        if (zone->access.path) {
                object_begin(objects, zone->access.path, zone->access.text);
                json_member_str(&objects->writer, "tests",
                                zone->access_test_text.data ? zone->access_test_text : STR(""));
                object_end(objects, "access", zone->name, STR("access"));
        }
        if (zone->terms_text.data) {
                object_begin(objects, arena_printf(objects->arena, "zones/%.*s/terms.yml", STR_ARG(zone->name)),
                             zone->terms_text);
                object_end(objects, "terms", zone->name, STR("terms"));
        }
        for (size_t i = 0; i < zone->source_count; i++)
                put_source(objects, zone->sources[i]);
        for (size_t i = 0; i < zone->model_count; i++)
                put_model(objects, zone->models[i]);
}

void project_objects(const Project *project, Arena *arena, ProjectObject **out, size_t *out_count) {
        Objects objects = { .arena = arena };
        object_begin(&objects, PROJECT_FILE, project->text);
        json_member_str(&objects.writer, "project", project->name);
        object_end(&objects, "project", STR(""), STR("project"));
        if (project->policies.path) {
                object_begin(&objects, project->policies.path, project->policies.text);
                object_end(&objects, "policies", STR(""), STR("policies"));
        }
        for (size_t i = 0; i < project->zone_count; i++)
                put_zone(&objects, project->zones[i]);
        buf_deinit(&objects.buf);
        *out = objects.items.items;
        *out_count = objects.items.count;
}
