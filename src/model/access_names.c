/* SPDX-License-Identifier: Apache-2.0 */
#include "model/access_names.h"

#include "base/map.h"
#include "sql/lexer.h"

typedef struct Names {
        const Project *project;
        Arena *arena;
        Problems *warnings;
        bool known; /* users and roles are */
        Str *users, *roles, *zones;
        size_t user_count, role_count;
        Map absent; /* "role sales": near nothing that is there */
        Map attributes; /* names of those that some account has */
} Names;

/* Where a list of people stands. */
typedef struct Spot {
        const char *path;
        Str text;
        int line;
        const char *key;
} Spot;

/* ---- places ---- */

static bool is_word_byte(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

/* The offset of the word as a whole from `at` on, or the text's size. */
static size_t find_word(Str text, size_t at, Str word) {
        while (word.size > 0 && at < text.size) {
                at += str_find(str_slice(text, at, text.size), word);
                size_t end = at + word.size;
                if (at >= text.size)
                        break;
                bool whole = (at == 0 || !is_word_byte(text.data[at - 1])) && (end >= text.size || !is_word_byte(text.data[end]));
                if (whole)
                        return at;
                at++;
        }
        return text.size;
}

static size_t offset_of_line(Str text, int line) {
        size_t at = 0;
        for (int i = 1; i < line && at < text.size; i++)
                at += str_find_byte(str_slice(text, at, text.size), '\n') + 1;
        return at < text.size ? at : text.size;
}

void access_place(Error *err, const char *path, Str text, int line, const char *key, Str word) {
        size_t at = find_word(text, offset_of_line(text, line), str_of(key));
        if (at < text.size)
                at = find_word(text, at + strlen(key), word);
        if (at < text.size)
                error_place(err, path, text, at);
        else
                error_place_line(err, path, text, line, 1);
}

/* ---- people ---- */

static bool is_there(const Str *names, size_t count, Str name) {
        for (size_t i = 0; i < count; i++)
                if (str_equal(names[i], name))
                        return true;
        return false;
}

static void look_at_one(Names *names, const Spot *spot, const Who *who) {
        bool is_role = who->kind == WHO_ROLE, is_zone = who->kind == WHO_ZONE;
        /* Whoever works on the store's files is local:OSUSER, and in no list. */
        if (who->kind == WHO_EVERYONE || (!is_zone && !names->known) || str_starts_with(who->name, STR("local:")))
                return;
        const Str *there = is_zone ? names->zones : is_role ? names->roles : names->users;
        size_t count = is_zone ? names->project->zone_count : is_role ? names->role_count : names->user_count;
        if (is_there(there, count, who->name))
                return;
        const char *kind = is_zone ? "zone" : is_role ? "role" : "user";
        Str near = str_nearest(who->name, there, count);
        if (near.size == 0 && !is_zone) {
                map_put(&names->absent, arena_strf(names->arena, "%s %.*s", kind, STR_ARG(who->name)), names);
                return;
        }
        Error *err = problems_add(names->warnings, STATUS_NOT_FOUND, "`%s` names the %s '%.*s', which is not there",
                                  spot->key, kind, STR_ARG(who->name));
        access_place(err, spot->path, spot->text, spot->line, spot->key, who->name);
        if (near.size && is_zone)
                error_hint(err, "did you mean %.*s?", STR_ARG(near));
        else if (near.size)
                error_hint(err, "did you mean %.*s? or: lode %s add %.*s", STR_ARG(near), kind, STR_ARG(who->name));
}

/* `rows` of a rule, a policy: an attribute that nobody has matches nothing. */
static void look_at_attributes(Names *names, const Spot *spot, Str rows) {
        SqlLexer lexer = { .text = rows };
        SqlToken before[2] = { { 0 } };
        for (SqlToken token = sql_lex(&lexer); token.kind != SQL_TOKEN_END && names->known; token = sql_lex(&lexer)) {
                bool is = str_equal_nocase(before[0].text, STR("principal")) && str_is(before[1].text, ".") && token.kind == SQL_TOKEN_WORD &&
                          !str_equal_nocase(token.text, STR("name")) && !map_has(&names->attributes, token.text);
                before[0] = before[1];
                before[1] = token;
                if (!is)
                        continue;
                Str *known = ARENA_ARRAY(names->arena, Str, names->attributes.count);
                for (size_t i = 0; i < names->attributes.count; i++)
                        known[i] = names->attributes.entries[i].key;
                Str near = str_nearest(token.text, known, names->attributes.count);
                Error *err = problems_add(names->warnings, STATUS_NOT_FOUND, "no account has the attribute '%.*s': `rows` gives nobody anything by it", STR_ARG(token.text));
                access_place(err, spot->path, spot->text, spot->line, "rows", arena_strf(names->arena, "principal.%.*s", STR_ARG(token.text)));
                if (near.size > 0)
                        error_hint(err, "did you mean principal.%.*s?", STR_ARG(near));
                else
                        error_hint(err, "lode user set NAME --attr %.*s=VALUE gives it to one", STR_ARG(token.text));
        }
}

/* In one line: a project is often written before its people are made. */
static void tell_absent(const Names *names) {
        CLEANUP(buf_deinit) Buf list = { 0 };
        for (size_t i = 0; i < names->absent.count; i++) {
                buf_append_cstr(&list, i ? ", " : "");
                buf_append(&list, names->absent.entries[i].key);
        }
        if (names->absent.count == 0)
                return;
        Error *err = problems_add(names->warnings, STATUS_NOT_FOUND, "named in the text and not there: %.*s", STR_ARG(buf_view(&list)));
        error_hint(err, "lode role add NAME, lode user add NAME make them");
}

static void look_at(Names *names, Spot spot, const Who *who, size_t count) {
        for (size_t i = 0; i < count; i++)
                look_at_one(names, &spot, &who[i]);
}

static void look_at_zone(Names *names, const Zone *zone) {
        Who owner = { .kind = WHO_USER, .name = zone->owner };
        look_at(names, (Spot){ zone->path, zone->text, 1, "owner" }, &owner, zone->owner.size > 0);
        look_at(names, (Spot){ zone->path, zone->text, 1, "engineers" }, zone->engineers, zone->engineer_count);
        look_at(names, (Spot){ zone->path, zone->text, 1, "members" }, zone->members, zone->member_count);
        for (size_t i = 0; i < zone->access.rule_count; i++) {
                const AccessRule *rule = &zone->access.rules[i];
                Spot spot = { zone->access.path, zone->access.text, rule->line, "who" };
                look_at(names, spot, rule->who, rule->who_count);
                look_at_attributes(names, &spot, rule->rows);
        }
        const char *tests = arena_printf(names->arena, "zones/%.*s/access.test.yml", STR_ARG(zone->name));
        for (size_t i = 0; i < zone->access_test_count; i++) {
                const AccessTest *test = &zone->access_tests[i];
                look_at(names, (Spot){ tests, zone->access_test_text, test->line, "who" }, test->who, test->who_count);
        }
}

static Status load(Names *names, Catalog *catalog, Error *err) {
        Account *accounts;
        TRY(account_list(catalog, names->arena, &accounts, &names->user_count, err));
        TRY(role_list(catalog, names->arena, &names->roles, &names->role_count, err));
        names->users = ARENA_ARRAY(names->arena, Str, names->user_count);
        for (size_t i = 0; i < names->user_count; i++) {
                names->users[i] = accounts[i].name;
                for (size_t k = 0; k < accounts[i].attribute_count; k++)
                        map_put(&names->attributes, accounts[i].attributes[k].name, names);
        }
        names->known = true;
        return STATUS_OK;
}

Status access_names_check(const Project *project, Catalog *catalog, Arena *arena, Problems *warnings, Error *err) {
        Names names = { .project = project, .arena = arena, .warnings = warnings };
        map_init(&names.absent, arena);
        map_init(&names.attributes, arena);
        names.zones = ARENA_ARRAY(arena, Str, project->zone_count);
        for (size_t i = 0; i < project->zone_count; i++)
                names.zones[i] = project->zones[i]->name;
        if (catalog)
                TRY(load(&names, catalog, err));
        for (size_t i = 0; i < project->zone_count; i++)
                look_at_zone(&names, project->zones[i]);
        const CentralPolicies *policies = &project->policies;
        for (size_t i = 0; i < policies->count; i++) {
                const CentralPolicy *policy = &policies->items[i];
                Spot spot = { policies->path, policies->text, policy->line, "who" };
                look_at(&names, spot, policy->who, policy->who_count);
                look_at(&names, spot, policy->except, policy->except_count);
                look_at_attributes(&names, &spot, policy->rows);
        }
        tell_absent(&names);
        return STATUS_OK;
}
