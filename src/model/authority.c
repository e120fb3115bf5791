/* SPDX-License-Identifier: Apache-2.0 */
#include "model/authority.h"

#include "base/map.h"
#include "base/vec.h"
#include "model/tagged.h"

typedef enum Rank { RANK_ENGINEER, RANK_OWNER, RANK_ADMIN } Rank;

/* In what file an object of that kind lies, and who may change it. %Z is the zone, %N the name (of a model STAGE/NAME). */
static const struct {
        const char *kind, *path;
        Rank rank;
} kinds[] = {
        { "project", "lode.yml", RANK_ADMIN },
        { "policies", "policies.yml", RANK_ADMIN },
        { "zone", "zones/%Z/zone.yml", RANK_OWNER },
        { "access", "zones/%Z/access.yml", RANK_OWNER },
        { "terms", "zones/%Z/terms.yml", RANK_ENGINEER },
        { "source", "zones/%Z/sources/%N.yml", RANK_ENGINEER },
        { "model", "zones/%Z/%N.sql", RANK_ENGINEER },
};

static size_t kind_index(Str kind) {
        for (size_t i = 0; i < COUNT_OF(kinds); i++)
                if (str_is(kind, kinds[i].kind))
                        return i;
        return 0; /* of an unknown kind: as the project's own */
}

static void put_name(Buf *out, Str name, bool is_model) {
        Str stage, rest;
        if (!is_model || !str_cut(name, '.', &stage, &rest)) {
                buf_append(out, name);
                return;
        }
        buf_append(out, stage);
        buf_append_byte(out, '/');
        buf_append(out, rest);
}

const char *authority_path(const TextChange *change, Arena *arena) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        for (const char *at = kinds[kind_index(change->kind)].path; *at; at++) {
                if (*at != '%') {
                        buf_append_byte(&out, *at);
                        continue;
                }
                at++;
                if (*at == 'Z')
                        buf_append(&out, change->zone);
                else
                        put_name(&out, change->name, str_is(change->kind, "model"));
        }
        return arena_cstr(arena, buf_view(&out));
}

static Rank rank_of(ZoneRole role) {
        return role == ZONE_ROLE_OWNER ? RANK_OWNER : RANK_ENGINEER;
}

static void deny(Problems *out, const TextChange *change, const char *who, const char *hint) {
        Error *err = problems_add(out, STATUS_DENIED, "%s may %s it", who, change->removed ? "take away" : "change");
        snprintf(err->file, sizeof(err->file), "%s", authority_path(change, out->arena));
        if (hint)
                error_hint(err, "%s", hint);
}

static bool leaves_ingress(const Project *next, const TextChange *change) {
        Str ignored;
        const Source *source = str_is(change->kind, "source") && !change->removed ? project_source(next, change->zone, change->name) : NULL;
        for (size_t i = 0; source && i < source->from_count; i++)
                if (!source_is_ingress(source->from[i], &ignored))
                        return true;
        return false;
}

static void check(const Grants *grants, const Account *account, const Project *next, const TextChange *change, Problems *out) {
        static const char *const ranks[] = { "only the zone's owner and engineers", "only the zone's owner", "only an administrator" };
        const char *without = "send the file as it is applied, and the rest as you want it";
        Rank wanted = kinds[kind_index(change->kind)].rank;
        ZoneRole role = grants_role(grants, account, change->zone);
        if (wanted == RANK_ADMIN)
                deny(out, change, ranks[RANK_ADMIN], without);
        else if (role == ZONE_ROLE_NONE && str_is(change->kind, "zone")) /* whether there is one is not told */
                deny(out, change, "only the zone's owner, or an administrator who makes a new one,", "a new zone is an administrator's to make");
        else if (role == ZONE_ROLE_NONE || rank_of(role) < wanted)
                deny(out, change, ranks[wanted], without);
        else if (leaves_ingress(next, change))
                deny(out, change, "a source that reads files outside of ingress/: only an administrator", "from: ingress/PATTERN");
}

void authority_check(const Grants *grants, const Account *account, const Project *next, const TextChange *changes, size_t count,
                     Problems *out) {
        for (size_t i = 0; i < count && !account->is_admin; i++)
                check(grants, account, next, &changes[i], out);
}

/* ---- tags that policies.yml rules on ---- */

static bool has_tag(const Str *tags, size_t count, Str tag) {
        for (size_t i = 0; i < count; i++)
                if (str_equal(tags[i], tag))
                        return true;
        return false;
}

static const ModelColumn *find_column(const Model *model, Str name) {
        for (size_t i = 0; i < model->column_count; i++)
                if (str_equal_nocase(model->columns[i].name, name))
                        return &model->columns[i];
        return NULL;
}

/* column: empty for all of the model's. */
static void deny_untagging(Problems *out, const char *path, Str text, Str column, int line, Str tag) {
        Error *err = problems_add(out, STATUS_DENIED, "this takes the tag '%.*s' off %s%.*s, and policies.yml rules on it: only an administrator may",
                                  STR_ARG(tag), column.size ? "column " : "the table, so off all its columns", STR_ARG(column));
        (void)error_place_line(err, path, text, line, line ? 1 : 0);
        if (column.size)
                error_hint(err, "keep `tag %.*s` at the column, or ask an administrator to apply this", STR_ARG(tag));
        else
                error_hint(err, "keep `-- tag: %.*s`, or ask an administrator to apply this", STR_ARG(tag));
}

/* A column that is not named any more counts as untagged: the SQL may make it all the same, by `*` above all. */
static void check_tag(const Model *before, const Model *next, Str tag, Problems *out) {
        if (has_tag(next->tags, next->tag_count, tag))
                return; /* of all columns */
        if (has_tag(before->tags, before->tag_count, tag)) {
                deny_untagging(out, next->path, next->text, STR(""), 0, tag);
                return;
        }
        for (size_t i = 0; i < before->column_count; i++) {
                const ModelColumn *column = find_column(next, before->columns[i].name);
                if (has_tag(before->columns[i].tags, before->columns[i].tag_count, tag) &&
                    !(column && has_tag(column->tags, column->tag_count, tag)))
                        deny_untagging(out, next->path, next->text, before->columns[i].name, column ? column->line : 0, tag);
        }
}

static const ColumnText *find_source_column(const Source *source, Str name) {
        for (size_t i = 0; i < source->column_count; i++)
                if (str_equal_nocase(source->columns[i].name, name))
                        return &source->column_texts[i];
        return NULL;
}

static void check_source_tag(const Source *before, const Source *next, Str tag, Problems *out) {
        for (size_t i = 0; i < before->column_count; i++) {
                const ColumnText *was = &before->column_texts[i], *is = find_source_column(next, before->columns[i].name);
                if (has_tag(was->tags, was->tag_count, tag) && !(is && has_tag(is->tags, is->tag_count, tag)))
                        deny_untagging(out, next->path, next->text, before->columns[i].name, is ? is->line : 0, tag);
        }
}

static bool is_first_of_tag(const CentralPolicies *policies, size_t index) {
        for (size_t i = 0; i < index; i++)
                if (str_equal(policies->items[i].tag, policies->items[index].tag))
                        return false;
        return true;
}

static void check_model(const CentralPolicies *policies, const Model *next, Str text, Problems *out) {
        Problems ignored = { .arena = out->arena };
        const Model *before = model_parse(out->arena, next->zone, next->stage, next->name, next->path, text, &ignored);
        for (size_t i = 0; i < policies->count; i++)
                if (is_first_of_tag(policies, i))
                        check_tag(before, next, policies->items[i].tag, out);
}

static void check_source(const CentralPolicies *policies, const Source *before, const Source *next, Problems *out) {
        for (size_t i = 0; i < policies->count; i++)
                if (is_first_of_tag(policies, i))
                        check_source_tag(before, next, policies->items[i].tag, out);
}

typedef VEC(Source *) Sources;

/* zones/ZONE/sources/NAME.yml */
static void add_source(Sources *sources, const TextFile *file, Arena *arena) {
        Problems ignored = { .arena = arena };
        Str zone = text_file_zone(file->path), head = arena_strf(arena, "zones/%.*s/sources/", STR_ARG(zone));
        if (zone.size == 0 || !str_starts_with(file->path, head) || !str_ends_with(file->path, STR(".yml")))
                return;
        Str name = str_slice(file->path, head.size, file->path.size - 4);
        vec_push(arena, sources, source_parse(arena, zone, name, arena_cstr(arena, file->path), file->text, &ignored));
}

static void check_sources(const Project *next, const TextFile *applied, size_t count, Problems *out) {
        Sources sources = { 0 };
        for (size_t i = 0; i < count; i++)
                add_source(&sources, &applied[i], out->arena);
        for (size_t i = 0; i < sources.count; i++) {
                const Source *is = project_source(next, sources.items[i]->zone, sources.items[i]->name);
                if (is && !str_equal(is->text, sources.items[i]->text))
                        check_source(&next->policies, sources.items[i], is, out);
        }
        tagged_check(&next->policies, next, sources.items, sources.count, out);
}

/* The file as it is applied, where its text is another. */
static const TextFile *edited(const Map *texts, const char *path, Str text) {
        const TextFile *before = map_get(texts, str_of(path));
        return before && !str_equal(before->text, text) ? before : NULL;
}

void authority_check_tags(const Account *account, const Project *next, const TextFile *applied, size_t count, Problems *out) {
        Map texts;
        if (account->is_admin || next->policies.count == 0)
                return;
        map_init(&texts, out->arena);
        for (size_t i = 0; i < count; i++)
                map_put(&texts, applied[i].path, (void *)(uintptr_t)&applied[i]);
        for (size_t z = 0; z < next->zone_count; z++) {
                const Zone *zone = next->zones[z];
                const TextFile *before;
                for (size_t i = 0; i < zone->model_count; i++)
                        if ((before = edited(&texts, zone->models[i]->path, zone->models[i]->text)))
                                check_model(&next->policies, zone->models[i], before->text, out);
        }
        check_sources(next, applied, count, out);
}
