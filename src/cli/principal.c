/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/principal.h"

#include "base/vec.h"
#include "govern/account.h"
#include "model/grant.h"

static Str attributes_text(Arena *arena, const Account *account) {
        Str all = STR("");
        for (size_t i = 0; i < account->attribute_count; i++) {
                const Attribute *attribute = &account->attributes[i];
                all = arena_strf(arena, "%.*s%s%.*s=%.*s", STR_ARG(all), i ? "; " : "", STR_ARG(attribute->name),
                                 STR_ARG(arena_join(arena, attribute->values, attribute->value_count, ",")));
        }
        return all;
}

/* Its members, without braces. */
static void account_json(JsonWriter *w, const Account *account, bool has_password) {
        json_member_str(w, "user", account->name);
        json_member_strs(w, "roles", account->roles, account->role_count);
        json_key(w, "attributes");
        json_object(w);
        for (size_t i = 0; i < account->attribute_count; i++) {
                json_key_str(w, account->attributes[i].name);
                json_array(w);
                for (size_t j = 0; j < account->attributes[i].value_count; j++)
                        json_put_str(w, account->attributes[i].values[j]);
                json_end(w);
        }
        json_end(w);
        json_member_strs(w, "may_act_as", account->may_act_as, account->may_act_as_count);
        json_member_bool(w, "locked", account->locked);
        json_member_bool(w, "has_password", has_password);
}

static bool has_password(Cli *cli, Catalog *catalog, Str name) {
        Str verifier;
        Error ignored;
        return account_verifier(catalog, name, &cli->arena, &verifier, &ignored) == STATUS_OK;
}

Status principals_print(Cli *cli, Catalog *catalog, Error *err) {
        Account *items;
        size_t count;
        TRY(account_list(catalog, &cli->arena, &items, &count, err));
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        Str headers[] = { STR("user"), STR("roles"), STR("attributes"), STR("acts for"), STR("login") };
        TextTable *table = text_table_new(&cli->arena, headers, COUNT_OF(headers));
        json_array(&w);
        for (size_t i = 0; i < count; i++) {
                bool password = has_password(cli, catalog, items[i].name);
                json_object(&w);
                account_json(&w, &items[i], password);
                json_end(&w);
                text_table_row(table, (Str[]){ items[i].name, arena_join(&cli->arena, items[i].roles, items[i].role_count, ","),
                                               attributes_text(&cli->arena, &items[i]), arena_join(&cli->arena, items[i].may_act_as, items[i].may_act_as_count, ","),
                                               items[i].locked ? STR("locked") : password ? STR("password") : STR("") });
        }
        json_end(&w);
        if (cli_json(cli))
                output_json(&json);
        else if (count == 0)
                output_note(&cli->output, PAINT_NONE, "no users yet: lode user add NAME --role ROLE --password-stdin");
        else
                text_table_print(table, &cli->output, stdout);
        return STATUS_OK;
}

/* ---- one, whole ---- */

/* What it sees something of, by the text in force; `whole`: all rows and columns, as they are. */
typedef struct Seen {
        Str object;
        bool whole;
} Seen;

typedef VEC(Seen) SeenVec;

static Status find_seen(Cli *cli, Catalog *catalog, const Account *account, SeenVec *out, Error *err) {
        static const char *const kinds[] = { "table", "view" };
        Grants *grants;
        TRY(grants_load(catalog, &cli->arena, &grants, err));
        for (size_t k = 0; k < COUNT_OF(kinds); k++) {
                CatalogObject *objects;
                size_t count;
                TRY(catalog_list(catalog, (CatalogAt){ 0 }, str_of(kinds[k]), STR(""), &cli->arena, &objects, &count, err));
                for (size_t i = 0; i < count; i++) {
                        Str zone = objects[i].zone, stage, name;
                        if (!str_cut(objects[i].name, '.', &stage, &name) || !grants_may_see(grants, account, zone, stage, name))
                                continue;
                        Seen seen = { arena_strf(&cli->arena, "%.*s.%.*s", STR_ARG(zone), STR_ARG(objects[i].name)),
                                      grants_see_whole(grants, account, zone, stage, name) };
                        vec_push(&cli->arena, out, seen);
                }
        }
        return STATUS_OK;
}

static void whole_json(Cli *cli, Catalog *catalog, const Account *account, const SeenVec *seen) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        json_object(&w);
        account_json(&w, account, has_password(cli, catalog, account->name));
        json_key(&w, "access");
        json_array(&w);
        for (size_t i = 0; i < seen->count; i++) {
                json_object(&w);
                json_member_str(&w, "object", seen->items[i].object);
                json_member_bool(&w, "granted", true);
                json_member_bool(&w, "whole", seen->items[i].whole);
                json_end(&w);
        }
        json_end(&w);
        json_end(&w);
        output_json(&json);
}

static void whole_text(Cli *cli, Catalog *catalog, const Account *account, const SeenVec *seen) {
        Arena *arena = &cli->arena;
        Str attributes = attributes_text(arena, account);
        printf("%s%.*s%s  %s\n", paint(cli->output.color_out, PAINT_BOLD), STR_ARG(account->name), paint(cli->output.color_out, PAINT_NONE),
               account->locked ? "locked" : has_password(cli, catalog, account->name) ? "logs in with a password" : "no password: tokens only");
        output_names(arena, "roles", account->roles, account->role_count);
        output_names(arena, "attributes", &attributes, 1);
        output_names(arena, "acts for", account->may_act_as, account->may_act_as_count);
        Str headers[] = { STR("sees"), STR("how") };
        TextTable *table = text_table_new(arena, headers, COUNT_OF(headers));
        for (size_t i = 0; i < seen->count; i++)
                text_table_row(table, (Str[]){ seen->items[i].object, seen->items[i].whole ? STR("whole") : STR("in part") });
        if (seen->count > 0)
                text_table_print(table, &cli->output, stdout);
        else
                puts("sees nothing: no rule of any access.yml is about it");
        output_note(&cli->output, PAINT_NONE, "lode why %.*s ZONE.STAGE.TABLE says by which lines", STR_ARG(account->name));
}

Status principal_print(Cli *cli, Catalog *catalog, Str name, Error *err) {
        Account account;
        SeenVec seen = { 0 };
        Status status = account_load(catalog, name, &cli->arena, &account, err);
        if (status == STATUS_NOT_FOUND)
                error_hint(err, "lode show principal lists whom there is");
        TRY(status);
        TRY(find_seen(cli, catalog, &account, &seen, err));
        if (cli_json(cli))
                whole_json(cli, catalog, &account, &seen);
        else
                whole_text(cli, catalog, &account, &seen);
        return STATUS_OK;
}
