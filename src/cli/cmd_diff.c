/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/quarantine.h"
#include "base/time.h"
#include "frame/misfit.h"
#include "model/review.h"

enum { OPTION_RAW, OPTION_FILE, OPTION_LIMIT };

static const Option options[] = {
        [OPTION_RAW] = { "raw", 0, NULL, "what landed against what is staged" },
        [OPTION_FILE] = { "file", 'f', "NAME", "only this delivery" },
        [OPTION_LIMIT] = { "limit", 'n', "COUNT", "at most so many records of each delivery (text; else 100)" },
};

typedef struct Telling {
        Cli *cli;
        JsonWriter *json; /* or NULL: text */
        Buf *out;
        int64_t limit, told, more; /* of this delivery */
        int64_t last;              /* record told last: those between it and the next were skipped */
        int64_t fixed, dropped, open;    /* of this delivery; open: a fix is there and they are in quarantine */
        int64_t of_fixes[REVIEW_STATES]; /* what those records are as they stand */
} Telling;

/* ---- JSON: every record ---- */

static void put_record(JsonWriter *w, int64_t record, int64_t line, const char *state) {
        json_object(w);
        json_member_int(w, "record", record);
        json_key(w, "line");
        if (line)
                json_put_int(w, line);
        else
                json_put_null(w);
        json_member_str(w, "state", str_of(state));
}

static void put_skipped(Telling *t, int64_t until) {
        for (int64_t record = t->last + 1; record < until; record++) {
                put_record(t->json, record, 0, "skipped");
                json_end(t->json);
        }
        t->last = until;
}

static void put_changes(JsonWriter *w, const Source *source, const ReviewEntry *entry) {
        json_key(w, "fields");
        json_array(w);
        for (size_t i = 0; i < entry->field_count; i++) {
                const ReviewedField *field = &entry->fields[i];
                json_object(w);
                json_member_str(w, "column", source->columns[field->column].name);
                json_member_str(w, "rule", str_of(change_name(field->change)));
                json_member_str(w, "raw", field->from);
                json_member_str(w, "value", field->to);
                json_end(w);
        }
        json_end(w);
}

static Str misfit_of(const Source *source, const ReviewEntry *entry, Arena *arena) {
        Misfit misfit = { .rule = entry->rule, .field = entry->field, .path = entry->path, .width = entry->width, .wanted = entry->wanted };
        if (entry->place)
                misfit.column = &source->columns[entry->place - 1];
        return misfit_words(&misfit, arena);
}

static const char *state_of(const ReviewEntry *entry, ReviewedFix fix) {
        static const char *const states[] = { "same", "changed", "quarantined" };
        if (fix.open)
                return states[REVIEW_QUARANTINED];
        if (fix.fix)
                return fix.fix->drop ? "dropped" : "fixed";
        return states[entry->state];
}

static void json_record(Telling *t, const Source *source, const ReviewEntry *entry, ReviewedFix fix) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        put_skipped(t, entry->record);
        put_record(t->json, entry->record, entry->line, state_of(entry, fix));
        if (fix.fix)
                json_member_str(t->json, "by", fix.fix->author);
        if (fix.open) {
                json_member_str(t->json, "column", fix.open->column.size ? fix.open->column : STR_NONE);
                json_member_str(t->json, "rule", fix.open->rule);
                json_member_str(t->json, "message", fix.open->message);
        } else if (!fix.fix && entry->state == REVIEW_CHANGED) {
                put_changes(t->json, source, entry);
        } else if (!fix.fix && entry->state == REVIEW_QUARANTINED) {
                json_member_str(t->json, "column", entry->place ? source->columns[entry->place - 1].name : STR_NONE);
                json_member_str(t->json, "rule", str_of(rule_name(entry->rule)));
                json_member_str(t->json, "message", misfit_of(source, entry, &arena));
        }
        json_end(t->json);
}

/* ---- text: those that are not the same ---- */

static void text_record(Telling *t, const Source *source, const ReviewEntry *entry, ReviewedFix fix) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        if (t->told++ >= t->limit) {
                t->more++;
                return;
        }
        printf("  line %-6lld %-12s", (long long)entry->line, state_of(entry, fix));
        if (fix.open)
                output_say(&t->cli->output, PAINT_NONE, "", " by %.*s, and is still open: %.*s", STR_ARG(fix.fix->author), STR_ARG(fix.open->message));
        else if (fix.fix)
                printf(" by %.*s", STR_ARG(fix.fix->author));
        else if (entry->state == REVIEW_QUARANTINED)
                output_say(&t->cli->output, PAINT_NONE, "", " %.*s", STR_ARG(misfit_of(source, entry, &arena)));
        for (size_t i = 0; !fix.fix && i < entry->field_count && entry->state == REVIEW_CHANGED; i++) {
                const ReviewedField *field = &entry->fields[i];
                output_say(&t->cli->output, PAINT_NONE, "", "%s%.*s: '%.*s' is %s%.*s%s (%s)", i ? ", " : " ", STR_ARG(source->columns[field->column].name),
                           STR_ARG(field->from), field->to.data ? "'" : "", field->to.data ? (int)field->to.size : 4, field->to.data ? field->to.data : "NULL",
                           field->to.data ? "'" : "", change_name(field->change));
        }
        putchar('\n');
}

/* ---- a delivery ---- */

static const struct {
        const char *name, *words;
} kept[] = {
        [KEPT_ALL] = { "all", "" },
        [KEPT_NONE] = { "none", "  (replaced: a newer delivery is the table, and no record of this one is in a row now)" },
        [KEPT_NEWEST] = { "newest", "  (merge: a record that a later one of its key superseded is in no row now)" },
        [KEPT_TIMES] = { "times", "  (history: a record that changed nothing, or that another of its time superseded, is in no row)" },
};

static Status on_delivery(void *context, const Delivery *delivery, ReviewKept of, Error *err UNUSED) {
        Telling *t = context;
        t->told = t->more = t->last = t->fixed = t->dropped = t->open = 0;
        memset(t->of_fixes, 0, sizeof(t->of_fixes));
        if (!t->json) {
                output_say(&t->cli->output, PAINT_BOLD, output_line(&t->cli->arena, delivery->name).data, "%s\n", kept[of].words);
                return STATUS_OK;
        }
        json_object(t->json);
        json_member_int(t->json, "delivery", delivery->id);
        json_member_str(t->json, "name", delivery->name);
        json_member_str(t->json, "in_table", str_of(kept[of].name));
        json_key(t->json, "rows");
        json_array(t->json);
        return STATUS_OK;
}

static Status on_record(void *context, const Source *source, const ReviewEntry *entry, ReviewedFix fix, Error *err UNUSED) {
        Telling *t = context;
        bool done = fix.fix && !fix.open;
        t->fixed += done && !fix.fix->drop;
        t->dropped += done && fix.fix->drop;
        t->of_fixes[entry->state] += fix.fix != NULL;
        t->open += fix.open != NULL;
        if (t->json)
                json_record(t, source, entry, fix);
        else if (fix.fix || entry->state != REVIEW_SAME)
                text_record(t, source, entry, fix);
        return STATUS_OK;
}

/* records = same + changed + fixed + quarantined + skipped: records that a fix is for count as that alone. */
static Status on_end(void *context, const Delivery *delivery UNUSED, const ReviewResult *result, Error *err UNUSED) {
        Telling *t = context;
        int64_t skipped = result->records - result->same - result->changed - result->quarantined;
        if (!t->json) {
                if (t->more)
                        printf("  and %lld more: --limit shows them\n", (long long)t->more);
                printf("  %lld records: %lld same, %lld changed, %lld in quarantine, %lld fixed, %lld dropped; %lld skipped (%lld header, %lld blank, %lld comment, "
                       "%lld preamble, %lld footer)\n",
                       (long long)result->records, (long long)(result->same - t->of_fixes[REVIEW_SAME]),
                       (long long)(result->changed - t->of_fixes[REVIEW_CHANGED]), (long long)(result->quarantined - t->of_fixes[REVIEW_QUARANTINED] + t->open),
                       (long long)t->fixed, (long long)t->dropped, (long long)skipped, (long long)result->headers, (long long)result->blanks,
                       (long long)result->comments, (long long)result->preamble, (long long)result->footers);
                return STATUS_OK;
        }
        put_skipped(t, result->records + 1);
        json_end(t->json);
        json_member_int(t->json, "records", result->records);
        json_member_int(t->json, "skipped", skipped + t->dropped);
        json_end(t->json);
        if (t->out->size > (1u << 20)) { /* what is whole is written: a delivery may be long */
                fwrite(t->out->data, 1, t->out->size, stdout);
                buf_clear(t->out);
        }
        return STATUS_OK;
}

static Status run_raw(Cli *cli, Workspace *workspace, Str zone, Str source, Error *err) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        JsonWriter w = json_writer(&out, false);
        Telling telling = { .cli = cli, .json = cli_json(cli) ? &w : NULL, .out = &out, .limit = 100 };
        const char *given = cli_option(cli, OPTION_LIMIT);
        if (given && (!str_to_int64(str_of(given), &telling.limit) || telling.limit < 1))
                return error_set(err, STATUS_USAGE, "--limit wants a number from 1, not '%s'", given);
        SourceReview review = { workspace, zone, source, str_of(cli_option(cli, OPTION_FILE)), !cli_json(cli), &telling, on_delivery, on_record, on_end };
        if (telling.json)
                json_array(&w);
        TRY(review_source(&review, &cli->arena, err));
        if (telling.json)
                json_end(&w);
        fwrite(out.data, 1, out.size, stdout);
        if (telling.json)
                putchar('\n');
        return STATUS_OK;
}

static Status run(Cli *cli, Error *err) {
        TRY(cli_want_formats(cli, false, false, err));
        if (!cli_option(cli, OPTION_RAW)) {
                error_set(err, STATUS_USAGE, "of diff only --raw is built yet");
                return error_hint(err, "lode diff --raw ZONE.staging.TABLE; lode log and lode query --at show what was");
        }
        TRY(cli_want_words(cli, &verb_diff, 1, 1, err));
        Str table = str_of(cli->arguments.words[0]), zone, rest, stage, source;
        if (!str_cut(table, '.', &zone, &rest) || !str_cut(rest, '.', &stage, &source) || !str_is(stage, "staging"))
                return error_set(err, STATUS_USAGE, "'%.*s' is no staged table: lode diff --raw ZONE.staging.TABLE", STR_ARG(table));
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .store = true, .workers = true, .interrupted = &cli_interrupted };
        TRY(workspace_open(&spec, &workspace, err));
        TRY(show_scope_check(workspace->project, arena_strf(&cli->arena, "%.*s.%.*s", STR_ARG(zone), STR_ARG(source)), &cli->arena, err));
        AuditRecord record = { .action = STR("diff raw"), .objects = &table, .object_count = 1, .rows = -1, .bytes = -1 };
        TRY(workspace_audit(workspace, record, err));
        return run_raw(cli, workspace, zone, source, err);
}

const Verb verb_diff = {
        .name = "diff",
        .usage = "diff --raw ZONE.staging.TABLE",
        .words = "what landed against what is staged: same, changed by which rule, quarantined, skipped",
        .help = "Reads the landed files of a source again and tells of each record what the applied text makes of it: the same,\n"
                "changed (which fields, by which rule: trimmed, date_pattern, decimal, thousands, null_word ...), in quarantine,\n"
                "fixed or dropped by hand, or skipped. As JSON every record; as text those that are not the same.\n\n"
                "  lode diff --raw shop.staging.orders\n"
                "  lode diff --raw shop.staging.orders --file orders_2026-05-01.csv -o json",
        .options = options,
        .option_count = COUNT_OF(options),
        .run = run,
};
