/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema lode: what the platform knows of itself, under the names that the command line's JSON has. Of tables and
 * columns there is what one may see; counts, deliveries, quarantine and changes are for those who may see the whole table.
 */
#include "base/json.h"
#include "base/time.h"
#include "govern/audit.h"
#include "govern/audit_read.h"
#include "lake/runs.h"
#include "sql/printer.h"
#include "system/parts.h"
#include "system/span.h"

static Cell text_or_null(Str text) {
        return text.size > 0 ? TEXT(text) : NOTHING;
}

static Status make_tables(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < world->table_count; i++) {
                const WorldTable *table = &world->tables[i];
                if (table->own)
                        continue;
                bool counted = table->whole && table->kind != 'v';
                TRY(ROW(file, err, TEXT(table->zone), TEXT(table->stage), TEXT(table->name), TEXT(table->kind_word),
                        counted ? NUMBER(table->rows) : NOTHING, table->whole ? NUMBER(table->files) : NOTHING,
                        table->whole ? NUMBER(table->bytes) : NOTHING, text_or_null(table->commit),
                        table->whole ? NUMBER(table->changed_us) : NOTHING, text_or_null(table->about)));
        }
        return STATUS_OK;
}

static Status make_columns(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < world->table_count; i++) {
                const WorldTable *table = &world->tables[i];
                for (size_t k = 0; !table->own && k < table->column_count; k++)
                        TRY(ROW(file, err, TEXT(table->zone), TEXT(table->stage), TEXT(table->name), NUMBER(k + 1),
                                TEXT(table->columns[k].name), TEXT(table->columns[k].words), text_or_null(table->columns[k].about)));
        }
        return STATUS_OK;
}

/* What tells of a table otherwise than by its rows is for those who see all of it. */
static bool sees(const System *system, Str zone, Str stage, Str name) {
        return sight_is_whole(system->spec.sight, &system->spec.principal, zone, stage, name);
}

static Status make_deliveries(System *system, RowFile *file, Error *err) {
        Delivery *deliveries;
        size_t count;
        TRY(catalog_deliveries(system->spec.lake->catalog, &(DeliveryQuery){ 0 }, &system->arena, &deliveries, &count, err));
        for (size_t i = 0; i < count; i++) {
                const Delivery *d = &deliveries[i];
                if (sees(system, d->zone, STR("staging"), d->source))
                        TRY(ROW(file, err, TEXT(d->zone), TEXT(d->source), NUMBER(d->id), TEXT(d->name), TEXT(d->sha256),
                                NUMBER(d->bytes), TEXT(d->state), NUMBER(d->records), NUMBER(d->accepted),
                                NUMBER(d->quarantined), NUMBER(d->skipped), text_or_null(d->commit), text_or_null(d->message),
                                NUMBER(d->landed_us)));
        }
        return STATUS_OK;
}

/* ---- commits ---- */

/* Tables and what they are made of are seen with the table; the rest of a zone's text by administrators. */
static bool sees_change(const System *system, const CatalogChangeRow *change) {
        Str stage, name;
        if (system->spec.principal.administrator || !system->spec.sight)
                return true;
        if (str_is(change->kind, "source"))
                return sees(system, change->zone, STR("staging"), change->name);
        if (!str_cut(change->name, '.', &stage, &name))
                return false;
        return sees(system, change->zone, str_is(change->kind, "quarantine") ? STR("quarantine") : stage, name);
}

static Str changes_of(System *system, const CatalogCommit *commit, size_t *out_seen) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        JsonWriter writer = json_writer(&out, false);
        json_array(&writer);
        for (size_t i = 0; i < commit->change_count; i++) {
                const CatalogChangeRow *change = &commit->changes[i];
                if (!sees_change(system, change))
                        continue;
                ++*out_seen;
                json_object(&writer);
                json_member_str(&writer, "kind", change->kind);
                json_member_str(&writer, "name",
                                change->zone.size > 0 ? arena_strf(&system->arena, "%.*s.%.*s", STR_ARG(change->zone), STR_ARG(change->name))
                                                      : change->name);
                json_member_str(&writer, "change", change->body_hash.size > 0 ? STR("put") : STR("remove"));
                json_end(&writer);
        }
        json_end(&writer);
        return buf_dup(&out, &system->arena);
}

/* A message may name what was changed, so it is for those who see all of it. */
static Status make_commits(System *system, RowFile *file, Error *err) {
        CatalogCommit *commits;
        size_t count;
        TRY(catalog_log(system->spec.lake->catalog, system->spec.at.branch, 0, 0, &system->arena, &commits, &count, err));
        for (size_t i = 0; i < count; i++) {
                const CatalogCommit *commit = &commits[i];
                size_t seen = 0;
                Str changes = changes_of(system, commit, &seen);
                bool whole = seen == commit->change_count;
                if ((seen == 0 && !whole) || (system->spec.at.seq > 0 && commit->seq > system->spec.at.seq))
                        continue;
                TRY(ROW(file, err, TEXT(commit->id), text_or_null(commit->parent), TEXT(commit->branch),
                        whole ? TEXT(commit->author) : NOTHING, NUMBER(commit->at_us), whole ? TEXT(commit->message) : NOTHING,
                        whole ? text_or_null(commit->git) : NOTHING, TEXT(changes)));
        }
        return STATUS_OK;
}

/* ---- runs ---- */

static Cell json_or_null(System *system, const Json *value) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        if (!value)
                return NOTHING;
        JsonWriter writer = json_writer(&out, false);
        json_put_tree(&writer, value);
        return TEXT(buf_dup(&out, &system->arena));
}

static Status run_row(System *system, RowFile *file, Str text, Error *err) {
        Json *run;
        TRY(json_parse(text, "a run", &system->arena, &run, err));
        return ROW(file, err, NUMBER(json_integer(json_get(run, "run"), 0)), text_or_null(json_string(json_get(run, "branch"))),
                   text_or_null(json_string(json_get(run, "commit"))), text_or_null(json_string(json_get(run, "state"))),
                   json_or_null(system, json_get(run, "files")), json_or_null(system, json_get(run, "models")),
                   json_or_null(system, json_get(run, "errors")));
}

/* A run names all that it did: for administrators. */
static Status make_runs(System *system, RowFile *file, Error *err) {
        Str *runs;
        size_t count;
        if (system->spec.sight && !system->spec.principal.administrator)
                return STATUS_OK;
        TRY(runs_list(system->spec.lake->catalog, &system->arena, &runs, &count, err));
        for (size_t i = 0; i < count; i++)
                TRY(run_row(system, file, runs[i], err));
        return STATUS_OK;
}

/* ---- the audit log ---- */

static bool is_auditor(const Principal *principal) {
        return principal->administrator || principal->auditor;
}

static Str list_text(Buf *out, const Str *items, size_t count) {
        JsonWriter writer = json_writer(out, false);
        buf_clear(out);
        json_array(&writer);
        for (size_t i = 0; i < count; i++)
                json_put_str(&writer, items[i]);
        json_end(&writer);
        return buf_view(out);
}

static Cell count_or_null(int64_t count) {
        return count >= 0 ? NUMBER(count) : NOTHING;
}

static Status add_entry(void *context, const char *name UNUSED, const AuditEntry *entry, Error *err) {
        CLEANUP(buf_deinit) Buf objects = { 0 };
        CLEANUP(buf_deinit) Buf columns = { 0 };
        return ROW(context, err, NUMBER(entry->sequence), NUMBER(entry->time_us), TEXT(entry->principal), text_or_null(entry->service), TEXT(entry->via),
                   TEXT(entry->action), TEXT(list_text(&objects, entry->objects, entry->object_count)),
                   TEXT(list_text(&columns, entry->columns, entry->column_count)), text_or_null(entry->policy), count_or_null(entry->rows),
                   count_or_null(entry->bytes), TEXT(audit_decision(entry->denied, entry->stopped)), text_or_null(entry->statement), TEXT(entry->hash));
}

/* Of what the question asks for only some days, hours or one principal is read. Lines that cannot be read are left out: that something
 * was done to the log is lode audit verify's to say. */
static Status make_audit(System *system, RowFile *file, Error *err) {
        AuditFilter filter = { 0 };
        int64_t unreadable, now = time_now_us();
        for (size_t i = 0; i < system->use->condition_count; i++) {
                Span span = SPAN_ALL;
                if (span_of_condition(system->use->conditions[i], STR("time"), now, &span) && span.from_us > filter.from_us)
                        filter.from_us = span.from_us;
                if (span.to_us < INT64_MAX && (filter.to_us == 0 || span.to_us < filter.to_us))
                        filter.to_us = span.to_us > 0 ? span.to_us : 1;
                (void)span_equals(system->use->conditions[i], STR("principal"), &filter.principal);
        }
        return audit_search(system->spec.lake->store->audit_dir, &filter, add_entry, file, &unreadable, err);
}

/* ---- quarantine: the rows themselves, so a view ---- */

static const char quarantine_nothing[] =
        "SELECT NULL::VARCHAR AS zone, NULL::VARCHAR AS source, NULL::BIGINT AS delivery, NULL::VARCHAR AS name,"
        " NULL::BIGINT AS record, NULL::BIGINT AS line, NULL::BIGINT AS \"offset\", NULL::BIGINT AS length,"
        " NULL::VARCHAR AS sheet, NULL::VARCHAR AS cell, NULL::VARCHAR AS \"column\", NULL::VARCHAR AS rule, NULL::VARCHAR AS message, NULL::VARCHAR AS raw,"
        " NULL::VARCHAR AS state WHERE false";

static Status quarantine_text(System *system, Arena *arena, Str *out, Error *err) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        const World *world;
        TRY(system_world(system, &world, err));
        buf_append_cstr(&text, quarantine_nothing);
        for (size_t i = 0; i < world->table_count; i++) {
                const WorldTable *table = &world->tables[i];
                if (!str_is(table->stage, "quarantine") || str_is(table->name, "rows"))
                        continue; /* what checks found has no line of a file */
                buf_append_cstr(&text, " UNION ALL SELECT ");
                sql_quote_text(&text, table->zone);
                buf_append_cstr(&text, ", ");
                sql_quote_text(&text, table->name);
                buf_append_cstr(&text, ", q._file, d.name, q.record, q.line, q.\"offset\", q.length, q.sheet, q.cell, q.\"column\", q.rule,"
                                       " q.message, q.raw, q.state FROM ");
                sql_quote_name(&text, table->zone);
                buf_append_cstr(&text, ".quarantine.");
                sql_quote_name(&text, table->name);
                buf_append_cstr(&text, " AS q LEFT JOIN lode.deliveries AS d ON d.delivery = q._file");
        }
        *out = buf_dup(&text, arena);
        return STATUS_OK;
}

const ViewRelation LODE_VIEWS[] = {
        { "lode", "quarantine",
          "zone text,source text,delivery int8,name text,record int8,line int8,offset int8,length int8,sheet text,cell text,"
          "column text,rule text,message text,raw text,state text",
          quarantine_text },
        { 0 },
};

const MadeRelation LODE_RELATIONS[] = {
        { "lode", "runs", "run int8,branch text,commit text,state text,files json,models json,errors json", make_runs },
        { "lode", "tables",
          "zone text,stage text,table text,kind text,rows int8,files int8,bytes int8,commit text,changed_at timestamptz,about text",
          make_tables },
        { "lode", "columns", "zone text,stage text,table text,position int4,name text,type text,about text", make_columns },
        { "lode", "deliveries",
          "zone text,source text,delivery int8,name text,sha256 text,bytes int8,state text,records int8,accepted int8,"
          "quarantined int8,skipped int8,commit text,message text,landed_at timestamptz",
          make_deliveries },
        { "lode", "commits", "commit text,parent text,branch text,author text,time timestamptz,message text,git text,changes json",
          make_commits },
        { "lode", "audit",
          "sequence int8,time timestamptz,principal text,service text,via text,action text,objects _text,columns _text,policy text,"
          "rows int8,bytes int8,decision text,statement text,hash text",
          make_audit, NULL, is_auditor, true },
        { 0 },
};
