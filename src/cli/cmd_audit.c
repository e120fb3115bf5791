/* SPDX-License-Identifier: Apache-2.0 */
/* lode audit: who read and changed what, newest first; lode audit verify: whether the log is what was written. */
#include "base/file.h"
#include "base/time.h"
#include "base/vec.h"
#include "cli/cli.h"
#include "cli/shapes.h"
#include "govern/audit_read.h"
#include "lake/audit_heads.h"
#include "model/workspace.h"

enum { OPTION_ON, OPTION_PRINCIPAL, OPTION_FROM, OPTION_TO, OPTION_DECISION, OPTION_LIMIT };

static const Option options[] = {
        [OPTION_ON] = { "on", 0, "NAME", "what touched a zone, a stage, a table or a column: shop, shop.staging.orders" },
        [OPTION_PRINCIPAL] = { "principal", 0, "PRINCIPAL", "what one principal did" },
        [OPTION_FROM] = { "from", 0, "TIME", "from then on: 2026-11-26, 2026-11-26T08:30Z" },
        [OPTION_TO] = { "to", 0, "TIME", "before then" },
        [OPTION_DECISION] = { "decision", 0, "allow|deny|stopped", "what was allowed, what was refused, or what ended before its end" },
        [OPTION_LIMIT] = { "limit", 'n', "COUNT", "at most so many (else all in JSON, 20 in text)" },
};

#define TEXT_LIMIT 20
#define OBJECTS_SHOWN 3
#define KEPT_SPARE 1000 /* entries beyond the limit that are gathered before the oldest are forgotten */

/* ---- what was found ---- */

typedef struct Kept {
        AuditEntry entry;
        Str file;
} Kept;

/* The newest entries, at most `limit` once they are sorted; 0 = all. */
typedef struct Newest {
        Arena arena;
        VEC(Kept) kept;
        size_t limit;
        int64_t found;
} Newest;

static void newest_deinit(Newest *newest) {
        arena_deinit(&newest->arena);
}

static int compare(const void *left, const void *right) {
        const Kept *a = left, *b = right;
        if (a->entry.time_us != b->entry.time_us)
                return a->entry.time_us > b->entry.time_us ? -1 : 1;
        int names = str_compare(b->file, a->file);
        return names ? names : a->entry.sequence > b->entry.sequence ? -1 : 1;
}

static Str *copy_list(Arena *arena, const Str *items, size_t count) {
        Str *copies = ARENA_ARRAY(arena, Str, count);
        for (size_t i = 0; i < count; i++)
                copies[i] = arena_str(arena, items[i]);
        return copies;
}

static Kept copy(Arena *arena, const Kept *kept) {
        Kept out = *kept;
        AuditEntry *entry = &out.entry;
        Str *texts[] = { &entry->time, &entry->principal, &entry->service, &entry->via, &entry->action, &entry->policy, &entry->statement, &entry->hash, &out.file };
        for (size_t i = 0; i < COUNT_OF(texts); i++)
                *texts[i] = arena_str(arena, *texts[i]);
        entry->objects = copy_list(arena, entry->objects, entry->object_count);
        entry->columns = copy_list(arena, entry->columns, entry->column_count);
        return out;
}

static void sort(Newest *newest) {
        if (newest->kept.count > 0)
                qsort(newest->kept.items, newest->kept.count, sizeof(Kept), compare);
        if (newest->limit && newest->kept.count > newest->limit)
                newest->kept.count = newest->limit;
}

/* The oldest are forgotten, and their memory with them. */
static void shrink(Newest *newest) {
        Newest smaller = { .limit = newest->limit, .found = newest->found };
        sort(newest);
        for (size_t i = 0; i < newest->kept.count; i++)
                vec_push(&smaller.arena, &smaller.kept, copy(&smaller.arena, &newest->kept.items[i]));
        newest_deinit(newest);
        *newest = smaller;
}

static Status keep(void *context, const char *file, const AuditEntry *entry, Error *err UNUSED) {
        Newest *newest = context;
        Kept kept = { *entry, str_of(file) };
        vec_push(&newest->arena, &newest->kept, copy(&newest->arena, &kept));
        newest->found++;
        if (newest->limit && newest->kept.count >= newest->limit * 2 + KEPT_SPARE)
                shrink(newest);
        return STATUS_OK;
}

/* ---- shown ---- */

static void print_entry(JsonWriter *w, const AuditEntry *entry) {
        json_object(w);
        json_member_int(w, "sequence", entry->sequence);
        json_member_str(w, "time", entry->time);
        json_member_str(w, "principal", entry->principal);
        if (entry->service.size > 0)
                json_member_str(w, "service", entry->service);
        json_member_str(w, "via", entry->via);
        json_member_str(w, "action", entry->action);
        json_member_strs(w, "objects", entry->objects, entry->object_count);
        json_member_strs(w, "columns", entry->columns, entry->column_count);
        shape_text(w, "policy", entry->policy);
        shape_count(w, "rows", entry->rows);
        shape_count(w, "bytes", entry->bytes);
        json_member_str(w, "decision", audit_decision(entry->denied, entry->stopped));
        shape_text(w, "statement", entry->statement);
        json_member_str(w, "hash", entry->hash);
        json_end(w);
}

static Status print_json(const Newest *newest, Error *err) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        json_array(&w);
        for (size_t i = 0; i < newest->kept.count; i++) {
                print_entry(&w, &newest->kept.items[i].entry);
                if (json.size < (1u << 16))
                        continue;
                TRY(fd_write_all(STDOUT_FILENO, buf_view(&json), "standard output", err));
                buf_clear(&json);
        }
        json_end(&w);
        output_json(&json);
        return STATUS_OK;
}

/* The first few, and how many more. */
static Str shown_objects(Arena *arena, const AuditEntry *entry) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        for (size_t i = 0; i < entry->object_count && i < OBJECTS_SHOWN; i++)
                buf_printf(&out, "%s%.*s", i ? " " : "", STR_ARG(entry->objects[i]));
        if (entry->object_count > OBJECTS_SHOWN)
                buf_printf(&out, " and %zu more", entry->object_count - OBJECTS_SHOWN);
        return buf_dup(&out, arena);
}

static void print_text(Cli *cli, const Newest *newest) {
        Str headers[] = { STR("time"), STR("principal"), STR("via"), STR("action"), STR("decision"), STR("rows"), STR("objects"), STR("statement") };
        TextTable *table = text_table_new(&cli->arena, headers, COUNT_OF(headers));
        text_table_right(table, 5);
        for (size_t i = 0; i < newest->kept.count; i++) {
                const AuditEntry *entry = &newest->kept.items[i].entry;
                Str rows = entry->rows < 0 ? STR("") : arena_strf(&cli->arena, "%lld", (long long)entry->rows);
                Str who = entry->service.size == 0 ? entry->principal
                                                   : arena_strf(&cli->arena, "%.*s by %.*s", STR_ARG(entry->principal), STR_ARG(entry->service));
                text_table_row(table, (Str[]){ str_slice(entry->time, 0, 19), who, entry->via, entry->action, audit_decision(entry->denied, entry->stopped),
                                               rows, shown_objects(&cli->arena, entry), entry->statement });
        }
        text_table_print(table, &cli->output, stdout);
        if (newest->found > (int64_t)newest->kept.count)
                output_note(&cli->output, PAINT_DIM, "the newest %zu of %lld; -n COUNT shows more", newest->kept.count, (long long)newest->found);
}

/* ---- searching ---- */

static Status read_time(Cli *cli, size_t option, int64_t *out, Error *err) {
        const char *given = cli_option(cli, option);
        *out = 0;
        if (!given || time_parse_us(str_of(given), out))
                return STATUS_OK;
        error_set(err, STATUS_USAGE, "--%s wants a time, not '%s'", options[option].name, given);
        return error_hint(err, "a date, or a date and a time, in UTC or with an offset: 2026-11-26, 2026-11-26T08:30Z, 2026-11-26T08:30+01:00");
}

static Status read_filter(Cli *cli, AuditFilter *out, Error *err) {
        const char *decision = cli_option(cli, OPTION_DECISION);
        *out = (AuditFilter){ .on = str_of(cli_option(cli, OPTION_ON)), .principal = str_of(cli_option(cli, OPTION_PRINCIPAL)) };
        bool *const leave_out[] = { &out->no_allow, &out->no_deny, &out->no_stopped };
        static const char *const words[] = { "allow", "deny", "stopped" };
        bool known = !decision;
        for (size_t i = 0; decision && i < COUNT_OF(words); i++) {
                *leave_out[i] = strcmp(decision, words[i]) != 0;
                known |= !*leave_out[i];
        }
        if (!known)
                return error_set(err, STATUS_USAGE, "--decision is allow, deny or stopped, not '%s'", decision);
        TRY(read_time(cli, OPTION_FROM, &out->from_us, err));
        return read_time(cli, OPTION_TO, &out->to_us, err);
}

static Status read_limit(Cli *cli, size_t *out, Error *err) {
        int64_t limit = cli_json(cli) ? 0 : TEXT_LIMIT;
        const char *given = cli_option(cli, OPTION_LIMIT);
        if (given && (!str_to_int64(str_of(given), &limit) || limit < 1))
                return error_set(err, STATUS_USAGE, "--limit wants a number from 1, not '%s'", given);
        *out = (size_t)limit;
        return STATUS_OK;
}

/* That the log was read is in it too; what is shown is what was there before. */
static Status note(Workspace *workspace, const char *action, Str on, int64_t rows, Error *err) {
        AuditRecord record = { .action = str_of(action), .objects = &on, .object_count = on.size > 0, .rows = rows, .bytes = -1 };
        return workspace_audit(workspace, record, err);
}

static Status search(Cli *cli, Workspace *workspace, Error *err) {
        CLEANUP(newest_deinit) Newest newest = { 0 };
        AuditFilter filter;
        int64_t unreadable;
        TRY(read_filter(cli, &filter, err));
        TRY(read_limit(cli, &newest.limit, err));
        TRY(audit_search(workspace->lake->store->audit_dir, &filter, keep, &newest, &unreadable, err));
        sort(&newest);
        TRY(note(workspace, "audit", filter.on, (int64_t)newest.kept.count, err));
        if (unreadable > 0)
                output_note(&cli->output, PAINT_RED, "%lld line%s of the log cannot be read: lode audit verify", (long long)unreadable, unreadable == 1 ? "" : "s");
        if (cli_json(cli))
                return print_json(&newest, err);
        print_text(cli, &newest);
        return STATUS_OK;
}

/* ---- verifying ---- */

static void verify_json(const AuditFile *files, size_t count, int64_t records, size_t breaks) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        json_object(&w);
        json_member_str(&w, "state", breaks ? STR("broken") : STR("whole"));
        json_member_int(&w, "files", (int64_t)count);
        json_member_int(&w, "records", records);
        json_key(&w, "breaks");
        json_array(&w);
        for (size_t i = 0; i < count; i++) {
                if (files[i].status == STATUS_OK)
                        continue;
                json_object(&w);
                json_member_str(&w, "file", files[i].name);
                json_member_int(&w, "sequence", files[i].sequence);
                json_member_str(&w, "message", files[i].what);
                json_end(&w);
        }
        json_end(&w);
        json_key(&w, "torn");
        json_array(&w);
        for (size_t i = 0; i < count; i++)
                if (files[i].torn > 0)
                        json_put_str(&w, files[i].name);
        json_end(&w);
        json_end(&w);
        output_json(&json);
}

static void verify_text(Cli *cli, const AuditFile *files, size_t count, int64_t records, size_t breaks) {
        const Output *output = &cli->output;
        for (size_t i = 0; i < count; i++) {
                const AuditFile *file = &files[i];
                if (file->status != STATUS_OK && file->sequence > 0)
                        output_say(output, PAINT_RED, "broken", "  audit/%.*s:%lld  %.*s\n", STR_ARG(file->name), (long long)file->sequence, STR_ARG(file->what));
                else if (file->status != STATUS_OK)
                        output_say(output, PAINT_RED, "broken", "  audit/%.*s  %.*s\n", STR_ARG(file->name), STR_ARG(file->what));
                else if (file->torn > 0)
                        output_say(output, PAINT_YELLOW, "torn", "  audit/%.*s  a writer died in the middle of record %lld, which nobody was told of; all before it is whole\n",
                                   STR_ARG(file->name), (long long)file->sequence + 1);
        }
        output_say(output, PAINT_BOLD, breaks ? "broken" : "whole", "  %s records in %zu file%s%s\n", arena_cstr(&cli->arena, count_print(&cli->arena, records)), count,
                   count == 1 ? "" : "s", breaks ? ", those of the broken ones not counted" : "");
}

/* Exit 1 when something was edited, removed or put elsewhere. */
static Status verify(Cli *cli, Workspace *workspace, Error *err) {
        AuditFile *files;
        size_t count, breaks = 0;
        int64_t records = 0;
        TRY(lake_audit_check(workspace->lake->catalog, workspace->lake->store->root, &cli->arena, &files, &count, err));
        for (size_t i = 0; i < count; i++) {
                breaks += files[i].status != STATUS_OK;
                records += files[i].status == STATUS_OK ? files[i].sequence : 0;
        }
        cli_json(cli) ? verify_json(files, count, records, breaks) : verify_text(cli, files, count, records, breaks);
        cli->exit_code = breaks ? 1 : 0;
        Error ignored; /* where the log is broken no more may be written to it; that is told already */
        (void)note(workspace, "audit verify", STR_NONE, (int64_t)breaks, &ignored);
        return STATUS_OK;
}

static Status run(Cli *cli, Error *err) {
        TRY(cli_want_words(cli, &verb_audit, 0, 1, err));
        TRY(cli_want_formats(cli, false, false, err));
        bool verifies = cli->arguments.word_count > 0;
        if (verifies && strcmp(cli->arguments.words[0], "verify") != 0) {
                error_set(err, STATUS_USAGE, "'%s' is nothing that lode audit does", cli->arguments.words[0]);
                return error_hint(err, "lode audit searches, lode audit verify checks; lode audit --on %s", cli->arguments.words[0]);
        }
        for (size_t i = 0; verifies && i < COUNT_OF(options); i++)
                if (cli_option(cli, i))
                        return error_set(err, STATUS_USAGE, "lode audit verify looks at all of the log, --%s is for searching it", options[i].name);
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .store = true };
        TRY(workspace_open(&spec, &workspace, err));
        return verifies ? verify(cli, workspace, err) : search(cli, workspace, err);
}

const Verb verb_audit = {
        .name = "audit",
        .usage = "audit [verify]",
        .words = "who read and changed what, and who tried",
        .help = "The audit log, newest first: logins, statements, changes, allowed and refused, with the tables and columns that\n"
                "were read and the version of the policy that limited them. Literals in statements are shown as ?.\n"
                "verify checks that no record was edited, removed, moved or cut off; exit 1 if one was.\n\n"
                "  lode audit --on shop.staging.orders --decision deny --from 2026-11-01\n"
                "  lode audit verify",
        .options = options,
        .option_count = COUNT_OF(options),
        .run = run,
};
