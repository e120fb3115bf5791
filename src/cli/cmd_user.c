/* SPDX-License-Identifier: Apache-2.0 */
/* lode user, role, token: who logs in. */
#include <ctype.h>
#include <termios.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/time.h"
#include "base/vec.h"
#include "cli/cli.h"
#include "cli/principal.h"
#include "cli/shapes.h"
#include "govern/account.h"
#include "model/workspace.h"
#include "server/scram.h"

#define PASSWORD_MAX 1024
#define DAY_US 86400000000LL

enum { OPTION_ROLE, OPTION_NO_ROLE, OPTION_ATTR, OPTION_MAY_ACT_AS, OPTION_PASSWORD, OPTION_LOCK, OPTION_UNLOCK };

static const Option user_options[] = {
        [OPTION_ROLE] = { "role", 0, "ROLE[,ROLE]", "roles that the user gets; admin and auditor are the platform's" },
        [OPTION_NO_ROLE] = { "no-role", 0, "ROLE[,ROLE]", "roles that are taken away" },
        [OPTION_ATTR] = { "attr", 0, "NAME=VALUE[,VALUE]", "an attribute for row filters; several parted by ';'" },
        [OPTION_MAY_ACT_AS] = { "may-act-as", 0, "WHO[,WHO]", "users, or 'role ROLE', in whose place it may ask by SET ROLE; '' = nobody" },
        [OPTION_PASSWORD] = { "password-stdin", 0, NULL, "read the password from standard input" },
        [OPTION_LOCK] = { "lock", 0, NULL, "no more logins, until --unlock" },
        [OPTION_UNLOCK] = { "unlock", 0, NULL, "logins again" },
};

/* What all three verbs begin with: the store, and who changes it. */
typedef struct Accounts {
        Workspace *workspace;
        Catalog *catalog;
        AccountChange change;
} Accounts;

static void accounts_close(Accounts *accounts) {
        workspace_close(accounts->workspace);
}

/* Every change of who may log in is in the audit log before it happens. */
static Status accounts_open(Cli *cli, const char *action, Str object, Accounts *out, Error *err) {
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .store = true };
        TRY(workspace_open(&spec, &out->workspace, err));
        out->catalog = out->workspace->lake->catalog;
        out->change = (AccountChange){ .author = out->workspace->principal.name, .via = STR("cli") };
        if (object.size == 0)
                return STATUS_OK;
        AuditRecord record = { .action = str_of(action), .objects = &object, .object_count = 1, .rows = -1, .bytes = -1 };
        return workspace_audit_change(out->workspace, record, &cli->arena, &out->change.audit, err);
}

static void split(Arena *arena, Str text, char separator, Str **out, size_t *out_count) {
        VEC(Str) parts = { 0 };
        Str part;
        bool more = text.size > 0;
        while (more) {
                more = str_cut(text, separator, &part, &text);
                if (str_trim(part).size > 0)
                        vec_push(arena, &parts, str_trim(part));
        }
        *out = parts.items;
        *out_count = parts.count;
}

static void print_list(const Cli *cli, Buf *json, TextTable *table) {
        if (cli_json(cli))
                output_json(json);
        else
                text_table_print(table, &cli->output, stdout);
}

/* ---- passwords ---- */

static bool echo(bool on) {
        struct termios terminal;
        if (tcgetattr(STDIN_FILENO, &terminal) < 0)
                return false;
        terminal.c_lflag = on ? terminal.c_lflag | ECHO : terminal.c_lflag & ~(tcflag_t)ECHO;
        return tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal) == 0;
}

/* One line, without its end. From a terminal unseen; never an argument, which everybody on the machine can read. */
static Status read_password(Cli *cli, Str *out, Error *err) {
        char line[PASSWORD_MAX + 2];
        bool terminal = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
        if (terminal) {
                fputs("password: ", stderr);
                echo(false);
        }
        bool got = fgets(line, sizeof(line), stdin) != NULL;
        if (terminal) {
                echo(true);
                fputc('\n', stderr);
        }
        Str text = got ? str_of(line) : STR("");
        while (text.size > 0 && (text.data[text.size - 1] == '\n' || text.data[text.size - 1] == '\r'))
                text.size--;
        if (text.size == 0)
                return error_set(err, STATUS_USAGE, "no password came on standard input");
        if (text.size > PASSWORD_MAX)
                return error_set(err, STATUS_LIMIT, "a password has at most %d bytes", PASSWORD_MAX);
        if (!utf8_valid(text))
                return error_set(err, STATUS_BAD_VALUE, "the password is not valid UTF-8");
        *out = arena_str(&cli->arena, text);
        explicit_bzero(line, sizeof(line));
        return STATUS_OK;
}

/* Before anything is changed. Where none is to be set the verifier has no data. */
static Status read_verifier(Cli *cli, Str *out, Error *err) {
        Str password;
        ScramVerifier verifier;
        *out = STR_NONE;
        if (!cli_option(cli, OPTION_PASSWORD))
                return STATUS_OK;
        TRY(read_password(cli, &password, err));
        scram_verifier_make(password, &verifier);
        *out = scram_verifier_print(&cli->arena, &verifier);
        return STATUS_OK;
}

/* ---- users ---- */

static void add_roles(Arena *arena, Account *account, Str text) {
        Str *roles;
        size_t count;
        split(arena, text, ',', &roles, &count);
        Str *all = ARENA_ARRAY(arena, Str, account->role_count + count);
        for (size_t i = 0; i < account->role_count; i++)
                all[i] = account->roles[i];
        account->roles = all;
        for (size_t i = 0; i < count; i++)
                if (!account_has_role(account, roles[i]))
                        account->roles[account->role_count++] = roles[i];
}

static Status drop_roles(Arena *arena, Account *account, Str text, Error *err) {
        Str *roles;
        size_t count;
        split(arena, text, ',', &roles, &count);
        for (size_t i = 0; i < count; i++) {
                size_t left = 0;
                for (size_t j = 0; j < account->role_count; j++)
                        if (!str_equal(account->roles[j], roles[i]))
                                account->roles[left++] = account->roles[j];
                if (left == account->role_count)
                        return error_set(err, STATUS_NOT_FOUND, "'%.*s' does not have the role '%.*s'", STR_ARG(account->name), STR_ARG(roles[i]));
                account->role_count = left;
        }
        return STATUS_OK;
}

/* region=EU,US;level=2. An empty value takes the attribute away. */
static Status set_attributes(Arena *arena, Account *account, Str text, Error *err) {
        Str *parts;
        size_t count;
        split(arena, text, ';', &parts, &count);
        Attribute *all = ARENA_ARRAY(arena, Attribute, account->attribute_count + count);
        size_t kept = 0;
        for (size_t i = 0; i < account->attribute_count; i++)
                all[kept++] = account->attributes[i];
        for (size_t i = 0; i < count; i++) {
                Attribute attribute;
                Str values;
                if (!str_cut(parts[i], '=', &attribute.name, &values) || attribute.name.size == 0)
                        return error_set(err, STATUS_USAGE, "'%.*s' is no attribute: NAME=VALUE", STR_ARG(parts[i]));
                attribute.name = str_trim(attribute.name);
                split(arena, values, ',', &attribute.values, &attribute.value_count);
                size_t at = 0;
                while (at < kept && !str_equal(all[at].name, attribute.name))
                        at++;
                if (attribute.value_count > 0)
                        all[at] = attribute;
                else if (at < kept)
                        all[at] = all[kept - 1];
                kept += at == kept && attribute.value_count > 0;
                kept -= at < kept && attribute.value_count == 0;
        }
        account->attributes = all;
        account->attribute_count = kept;
        return STATUS_OK;
}

static Status change_account(Cli *cli, Account *account, Error *err) {
        const char *role = cli_option(cli, OPTION_ROLE), *no_role = cli_option(cli, OPTION_NO_ROLE), *attr = cli_option(cli, OPTION_ATTR);
        if (role)
                add_roles(&cli->arena, account, str_of(role));
        if (no_role)
                TRY(drop_roles(&cli->arena, account, str_of(no_role), err));
        if (attr)
                TRY(set_attributes(&cli->arena, account, str_of(attr), err));
        const char *may_act_as = cli_option(cli, OPTION_MAY_ACT_AS);
        if (may_act_as)
                split(&cli->arena, str_of(may_act_as), ',', &account->may_act_as, &account->may_act_as_count);
        account->locked = cli_option(cli, OPTION_LOCK) || (account->locked && !cli_option(cli, OPTION_UNLOCK));
        return STATUS_OK;
}

static Status user_add(Cli *cli, Accounts *accounts, Str name, Error *err) {
        Account account = { .name = name, .version = STR("") }, known;
        Str verifier;
        Error ignored;
        if (account_load(accounts->catalog, name, &cli->arena, &known, &ignored) == STATUS_OK) {
                error_set(err, STATUS_EXISTS, "there is a user '%.*s' already", STR_ARG(name));
                return error_hint(err, "lode user set %.*s changes roles, attributes and password", STR_ARG(name));
        }
        TRY(change_account(cli, &account, err));
        TRY(read_verifier(cli, &verifier, err));
        TRY(account_put(accounts->catalog, &accounts->change, &account, verifier, err));
        if (verifier.data)
                return STATUS_OK;
        output_note(&cli->output, PAINT_NONE, "user %.*s has no password yet: lode user set %.*s --password-stdin, or lode token add NAME --for %.*s",
                    STR_ARG(name), STR_ARG(name), STR_ARG(name));
        return STATUS_OK;
}

static Status user_set(Cli *cli, Accounts *accounts, Str name, Error *err) {
        Account account;
        Str verifier;
        TRY(read_verifier(cli, &verifier, err));
        TRY(account_load(accounts->catalog, name, &cli->arena, &account, err));
        TRY(change_account(cli, &account, err));
        return account_put(accounts->catalog, &accounts->change, &account, verifier, err);
}

static Status user_remove(Cli *cli UNUSED, Accounts *accounts, Str name, Error *err) {
        return account_remove(accounts->catalog, &accounts->change, name, err);
}

static Status user_list(Cli *cli, Accounts *accounts, Error *err) {
        return principals_print(cli, accounts->catalog, err);
}

/* A second word of these verbs. */
typedef struct Deed {
        const char *word, *action;
        Status (*run)(Cli *cli, Accounts *accounts, Str name, Error *err);
} Deed;

static Status run_deed(Cli *cli, const Verb *verb, const Deed *deeds, size_t count, Status (*list)(Cli *, Accounts *, Error *), Error *err) {
        TRY(cli_want_formats(cli, false, false, err));
        CLEANUP(accounts_close) Accounts accounts = { 0 };
        if (cli->arguments.word_count == 0) {
                TRY(accounts_open(cli, "", STR(""), &accounts, err));
                return list(cli, &accounts, err);
        }
        TRY(cli_want_words(cli, verb, 2, 2, err));
        Str name = str_of(cli->arguments.words[1]);
        for (size_t i = 0; i < count; i++) {
                if (strcmp(cli->arguments.words[0], deeds[i].word) != 0)
                        continue;
                TRY(accounts_open(cli, deeds[i].action, name, &accounts, err));
                return deeds[i].run(cli, &accounts, name, err);
        }
        error_set(err, STATUS_USAGE, "'%s' is nothing that lode %s does", cli->arguments.words[0], verb->name);
        return error_hint(err, "lode %s", verb->usage);
}

static Status run_user(Cli *cli, Error *err) {
        static const Deed deeds[] = { { "add", "user add", user_add }, { "set", "user set", user_set }, { "remove", "user remove", user_remove } };
        return run_deed(cli, &verb_user, deeds, COUNT_OF(deeds), user_list, err);
}

/* ---- roles ---- */

static Status do_role_add(Cli *cli UNUSED, Accounts *accounts, Str name, Error *err) {
        return role_put(accounts->catalog, &accounts->change, name, err);
}

static Status do_role_remove(Cli *cli UNUSED, Accounts *accounts, Str name, Error *err) {
        return role_remove(accounts->catalog, &accounts->change, name, err);
}

static Status list_roles(Cli *cli, Accounts *accounts, Error *err) {
        Str *roles;
        Account *items;
        size_t count, account_count;
        TRY(role_list(accounts->catalog, &cli->arena, &roles, &count, err));
        TRY(account_list(accounts->catalog, &cli->arena, &items, &account_count, err));
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        Str headers[] = { STR("role"), STR("users") };
        TextTable *table = text_table_new(&cli->arena, headers, COUNT_OF(headers));
        json_array(&w);
        for (size_t i = 0; i < count; i++) {
                VEC(Str) users = { 0 };
                for (size_t j = 0; j < account_count; j++)
                        if (account_has_role(&items[j], roles[i]))
                                vec_push(&cli->arena, &users, items[j].name);
                json_object(&w);
                json_member_str(&w, "role", roles[i]);
                json_member_strs(&w, "users", users.items, users.count);
                json_end(&w);
                text_table_row(table, (Str[]){ roles[i], arena_join(&cli->arena, users.items, users.count, ",") });
        }
        json_end(&w);
        print_list(cli, &json, table);
        return STATUS_OK;
}

static Status run_role(Cli *cli, Error *err) {
        static const Deed deeds[] = { { "add", "role add", do_role_add }, { "remove", "role remove", do_role_remove } };
        return run_deed(cli, &verb_role, deeds, COUNT_OF(deeds), list_roles, err);
}

/* ---- tokens ---- */

enum { OPTION_FOR, OPTION_EXPIRES };

static const Option token_options[] = {
        [OPTION_FOR] = { "for", 0, "USER", "whose login it is" },
        [OPTION_EXPIRES] = { "expires", 0, "DAYS", "how long it holds: 30d (else 90d; never)" },
};

/* 30d, 12h, never */
static Status read_expiry(const char *text, int64_t *out, Error *err) {
        Str words = text ? str_of(text) : STR("90d");
        int64_t number;
        *out = 0;
        if (str_is(words, "never"))
                return STATUS_OK;
        char unit = words.size > 1 ? words.data[words.size - 1] : ' ';
        if ((unit != 'd' && unit != 'h') || !str_to_int64(str_slice(words, 0, words.size - 1), &number) || number < 1 || number > 100000)
                return error_set(err, STATUS_USAGE, "'%.*s' is no time to expire in: 30d, 12h or never", STR_ARG(words));
        *out = time_now_us() + number * (unit == 'd' ? DAY_US : DAY_US / 24);
        return STATUS_OK;
}

static Status do_token_add(Cli *cli, Accounts *accounts, Str name, Error *err) {
        const char *user = cli_option(cli, OPTION_FOR);
        int64_t expires;
        Str text;
        if (!user)
                return error_set(err, STATUS_USAGE, "a token is somebody's: --for USER");
        TRY(read_expiry(cli_option(cli, OPTION_EXPIRES), &expires, err));
        TRY(token_make(accounts->catalog, &accounts->change, name, str_of(user), expires, &cli->arena, &text, err));
        if (cli_json(cli)) {
                CLEANUP(buf_deinit) Buf json = { 0 };
                JsonWriter w = json_writer(&json, false);
                json_object(&w);
                json_member_str(&w, "token", text);
                json_end(&w);
                output_json(&json);
                return STATUS_OK;
        }
        printf("%.*s\n", STR_ARG(text));
        output_note(&cli->output, PAINT_DIM, "shown once; PostgreSQL clients log in as user 'token' with it as password");
        return STATUS_OK;
}

static Status do_token_remove(Cli *cli UNUSED, Accounts *accounts, Str name, Error *err) {
        return token_remove(accounts->catalog, &accounts->change, name, err);
}

static Status list_tokens(Cli *cli, Accounts *accounts, Error *err) {
        Token *tokens;
        size_t count;
        TRY(token_list(accounts->catalog, &cli->arena, &tokens, &count, err));
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        Str headers[] = { STR("id"), STR("name"), STR("user"), STR("expires") };
        TextTable *table = text_table_new(&cli->arena, headers, COUNT_OF(headers));
        json_array(&w);
        for (size_t i = 0; i < count; i++) {
                Str expires = tokens[i].expires_us ? time_print_us(&cli->arena, tokens[i].expires_us) : STR("");
                json_object(&w);
                json_member_str(&w, "id", tokens[i].id);
                json_member_str(&w, "name", tokens[i].name);
                json_member_str(&w, "user", tokens[i].principal);
                shape_text(&w, "expires", expires);
                json_end(&w);
                text_table_row(table, (Str[]){ tokens[i].id, tokens[i].name, tokens[i].principal, expires.size ? str_slice(expires, 0, 19) : STR("never") });
        }
        json_end(&w);
        print_list(cli, &json, table);
        return STATUS_OK;
}

static Status run_token(Cli *cli, Error *err) {
        static const Deed deeds[] = { { "add", "token add", do_token_add }, { "remove", "token remove", do_token_remove } };
        return run_deed(cli, &verb_token, deeds, COUNT_OF(deeds), list_tokens, err);
}

const Verb verb_user = {
        .name = "user",
        .usage = "user [add|set|remove NAME]",
        .words = "who logs in: roles, attributes, passwords",
        .help = "Users log in to lode serve. What they may read is text: zones/ZONE/access.yml names users and roles. Passwords are\n"
                "kept as SCRAM verifiers only, outside the history. A service that stands between people and Lode (Metabase, a gateway)\n"
                "reads nothing itself: --may-act-as says in whose place it may ask, by SET ROLE.\n\n"
                "  lode user add bo --role analyst --attr region=EU --password-stdin < password.txt\n"
                "  lode user set bo --no-role analyst --lock\n"
                "  lode user add metabase --may-act-as 'role analyst' --password-stdin < password.txt",
        .options = user_options,
        .option_count = COUNT_OF(user_options),
        .run = run_user,
};

const Verb verb_role = {
        .name = "role",
        .usage = "role [add|remove NAME]",
        .words = "names for groups of users, that access.yml uses",
        .help = "The roles admin and auditor are the platform's: an admin may do everything, an auditor reads the audit log.\n\n"
                "  lode role add analyst\n"
                "  lode role",
        .run = run_role,
};

const Verb verb_token = {
        .name = "token",
        .usage = "token [add|remove NAME]",
        .words = "logins for programs",
        .help = "A token logs in as its user and is shown once. PostgreSQL clients use it as the password of user 'token', inside TLS\n"
                "or from this machine.\n\n"
                "  lode token add nightly --for ci --expires 30d\n"
                "  lode token remove nightly",
        .options = token_options,
        .option_count = COUNT_OF(token_options),
        .run = run_token,
};
