/* SPDX-License-Identifier: Apache-2.0 */
#include "model/authority.h"

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
        if (wanted == RANK_ADMIN || (role == ZONE_ROLE_NONE && str_is(change->kind, "zone") && change->added))
                deny(out, change, ranks[RANK_ADMIN], change->zone.size > 0 ? "a new zone is an administrator's to make" : without);
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
