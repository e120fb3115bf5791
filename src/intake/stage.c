/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/stage.h"

#include "base/file.h"
#include "base/json.h"
#include "base/time.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define PUBLISH_TRIES 20 /* each lost one was won by another */
#define EVOLVED_MAX 1000
#define INPUT_LIMIT (1ull << 42) /* decoded bytes of one delivery: beyond it lies a compression bomb */
#define DETAIL_RULES_MAX 50

static CatalogName feed_table_name(Arena *arena, Str zone, Str source) {
        return (CatalogName){ STR("table"), zone, arena_strf(arena, "staging.%.*s", STR_ARG(source)) };
}

static CatalogName feed_quarantine_name(Arena *arena, Str zone, Str source) {
        return (CatalogName){ STR("quarantine"), zone, arena_strf(arena, "staging.%.*s", STR_ARG(source)) };
}

/* ---- what is to be read ---- */

/* One delivery that is read, and what came of it. */
typedef struct Reading {
        DeliveryReport *report;
        StageResult result;
        const char *data_path, *quarantine_path;
        bool accepted; /* its rows go into the table */
} Reading;

typedef struct Staging {
        const StageContext *context;
        const Feed *feed;
        Arena *arena;
        Delivery *ledger; /* all of the source, newest first */
        size_t ledger_count;
        bool rebuild;         /* the table is made anew: from all of its deliveries, or for the first time */
        VEC(Reading) readings;
        VEC(Str) evolved;     /* columns beyond the text's */
        size_t evolved_known; /* how many of them the table had at the start of this try */
        ChangeSet *set;
        ChangeTable *table, *quarantine;
        Worker *worker;
} Staging;

/* Kept with the table: by which text it was made. */
static Str reading_detail(const Staging *s) {
        return arena_strf(s->arena, "{\"reading\":\"%.*s\"}", STR_ARG(s->feed->reading));
}

static bool is_state(const Delivery *delivery, const char *state) {
        return str_is(delivery->state, state);
}

/* Held only because its name came before: text about redelivery decides it, not text about reading. */
static bool held_for_its_name(const Delivery *delivery) {
        return is_state(delivery, "held") && delivery->records == 0 && str_find(delivery->message, STR("came before")) < delivery->message.size;
}

static bool is_other_text(const Feed *feed, const Delivery *delivery) {
        return !str_equal(delivery->spec, feed->reading);
}

static bool wants_reading(const Staging *s, const Delivery *delivery) {
        const StageContext *context = s->context;
        if (is_state(delivery, "landed") || is_state(delivery, "failed"))
                return true;
        if (held_for_its_name(delivery))
                return s->feed->redelivery != FEED_REJECT;
        if (is_state(delivery, "held"))
                return is_other_text(s->feed, delivery) || context->again || context->replay;
        return false;
}

static Status load_ledger(Lake *lake, const Feed *feed, Arena *arena, Delivery **out, size_t *out_count, Error *err) {
        DeliveryQuery query = { .zone = feed->zone, .source = feed->name };
        return catalog_deliveries(lake->catalog, &query, arena, out, out_count, err);
}

/* A replace source's table is one delivery: the newest that could be read. */
static const Delivery *in_force(const Delivery *ledger, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (is_state(&ledger[i], "staged"))
                        return &ledger[i];
        return NULL;
}

static bool is_in_table(const Feed *feed, const Delivery *ledger, size_t count, const Delivery *delivery) {
        if (!is_state(delivery, "staged"))
                return false;
        return feed->load == FEED_APPEND || delivery == in_force(ledger, count);
}

static void add_reading(Staging *s, const Delivery *delivery, bool reread) {
        DeliveryReport *report = ARENA_NEW(s->arena, DeliveryReport);
        report->delivery = *delivery;
        report->delivery.expect = delivery->revision;
        report->reread = reread;
        vec_push(s->arena, &s->readings, (Reading){ .report = report });
}

/* The newer of two deliveries of one name takes the place of the older, when the source says so. */
static bool is_displaced(const Staging *s, const Delivery *delivery) {
        if (s->feed->load != FEED_APPEND || s->feed->redelivery != FEED_REDELIVERY_REPLACE)
                return false;
        for (const Delivery *newer = s->ledger; newer < delivery; newer++)
                if (str_equal(newer->name, delivery->name) && !is_state(newer, "failed") &&
                    (!is_state(newer, "held") || held_for_its_name(newer)))
                        return true;
        return false;
}

/*
 * Whether the table is there and was made by this text. A source without deliveries has an empty table, so that models
 * of it can be built before the first file comes.
 */
static Status check_table(Staging *s, Error *err) {
        Table table;
        CatalogAt head = { .branch = s->context->commit.branch };
        Status status = lake_table(s->context->lake, head, feed_table_name(s->arena, s->feed->zone, s->feed->name), s->arena, &table, err);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
                return status;
        s->rebuild = status == STATUS_NOT_FOUND || !str_equal(table.body.detail, reading_detail(s));
        return STATUS_OK;
}

/* Decides what is read, oldest first; whether the table is made anew. */
static void choose(Staging *s) {
        bool any_fresh_displaces = false;
        for (size_t i = 0; i < s->ledger_count; i++) {
                const Delivery *delivery = &s->ledger[i];
                bool present = is_in_table(s->feed, s->ledger, s->ledger_count, delivery);
                if (present && (is_other_text(s->feed, delivery) || s->context->again))
                        s->rebuild = true;
                if (present && is_displaced(s, delivery))
                        any_fresh_displaces = true;
        }
        s->rebuild |= any_fresh_displaces;
        for (size_t i = s->ledger_count; i-- > 0;) {
                const Delivery *delivery = &s->ledger[i];
                bool present = is_in_table(s->feed, s->ledger, s->ledger_count, delivery);
                if (is_displaced(s, delivery))
                        continue;
                if (wants_reading(s, delivery) || (present && s->rebuild))
                        add_reading(s, delivery, present);
        }
}

static Status check_reread(const Staging *s, Error *err) {
        int64_t bytes = 0;
        for (size_t i = 0; i < s->readings.count; i++)
                if (s->readings.items[i].report->reread)
                        bytes += s->readings.items[i].report->delivery.bytes;
        int64_t limit = s->context->reread_limit;
        if (s->context->reread_allowed || limit == 0 || bytes <= limit)
                return STATUS_OK;
        error_set(err, STATUS_LIMIT, "the text of source %.*s.%.*s changed: %.*s of landed files would be read again",
                  STR_ARG(s->feed->zone), STR_ARG(s->feed->name), STR_ARG(bytes_print(s->arena, (uint64_t)bytes)));
        return error_hint(err, "lode run --yes reads them; 'reread:' in the source sets the limit");
}

/* ---- tables ---- */

static LakeColumn *table_columns(const Staging *s, size_t *out_count) {
        const Feed *feed = s->feed;
        size_t count = feed->column_count + s->evolved.count + 2, at = 0;
        LakeColumn *columns = ARENA_ARRAY(s->arena, LakeColumn, count);
        for (size_t i = 0; i < feed->column_count; i++)
                columns[at++] = (LakeColumn){ .name = feed->columns[i].name, .type = feed->columns[i].type };
        for (size_t i = 0; i < s->evolved.count; i++)
                columns[at++] = (LakeColumn){ .name = s->evolved.items[i], .type = { .kind = TYPE_TEXT } };
        columns[at++] = (LakeColumn){ .name = STR("_file"), .type = { .kind = TYPE_BIGINT }, .hidden = true };
        columns[at++] = (LakeColumn){ .name = STR("_row"), .type = { .kind = TYPE_BIGINT }, .hidden = true };
        *out_count = at;
        return columns;
}

static const LakeColumn *quarantine_columns(size_t *out_count) {
        static const LakeColumn columns[] = {
#define X(symbol, id, label, kind_) { .name = STR(label), .type = { .kind = TYPE_##kind_ } },
                QUARANTINE_TABLE(X)
#undef X
        };
        *out_count = COUNT_OF(columns);
        return columns;
}

static Status open_tables(Staging *s, Error *err) {
        const Feed *feed = s->feed;
        bool replaces = s->rebuild || feed->load == FEED_REPLACE;
        ChangeTableSpec spec = { .kind = STR("staging"), .write = replaces ? TABLE_REPLACE : TABLE_APPEND, .about = feed->about };
        spec.columns = table_columns(s, &spec.column_count);
        TRY(changeset_table(s->set, feed_table_name(s->arena, feed->zone, feed->name), &spec, &s->table, err));
        changeset_set_detail(s->set, s->table, reading_detail(s));
        ChangeTableSpec quarantine = { .kind = STR("quarantine"), .write = spec.write };
        quarantine.columns = quarantine_columns(&quarantine.column_count);
        return changeset_table(s->set, feed_quarantine_name(s->arena, feed->zone, feed->name), &quarantine, &s->quarantine, err);
}

/* Columns that earlier deliveries brought and the text does not name; kept while the table is only added to. */
static Status load_evolved(Staging *s, Error *err) {
        s->evolved.count = 0;
        Table table;
        Status status = lake_table(s->context->lake, changeset_base(s->set), feed_table_name(s->arena, s->feed->zone, s->feed->name),
                                   s->arena, &table, err);
        if (status == STATUS_NOT_FOUND || s->rebuild)
                return STATUS_OK;
        TRY(status);
        for (size_t i = 0; i < table.body.column_count; i++) {
                const LakeColumn *column = &table.body.columns[i];
                bool known = column->hidden;
                for (size_t j = 0; j < s->feed->column_count && !known; j++)
                        known = str_equal_nocase(s->feed->columns[j].name, column->name);
                if (!known)
                        vec_push(s->arena, &s->evolved, column->name);
        }
        return STATUS_OK;
}

/* Adds the columns that this try met for the first time; true if there are any, so that it is made again. */
static bool add_evolved(Staging *s) {
        if (s->feed->evolve != FEED_EVOLVE_COLUMNS)
                return false;
        size_t before = s->evolved.count;
        for (size_t i = 0; i < s->readings.count; i++) {
                const Reading *reading = &s->readings.items[i];
                for (size_t j = 0; reading->accepted && j < reading->result.unknown_count; j++) {
                        Str name = reading->result.unknown[j].name;
                        bool known = false;
                        for (size_t k = 0; k < s->evolved.count && !known; k++)
                                known = str_equal_nocase(s->evolved.items[k], name);
                        if (!known && s->evolved.count < EVOLVED_MAX)
                                vec_push(s->arena, &s->evolved, name);
                }
        }
        return s->evolved.count > before;
}

/* ---- reading one delivery ---- */

static int field_id_of(const ChangeTable *table, Str name) {
        const LakeColumn *column = table_column(change_table(table), name);
        return column ? column->id : 0;
}

static StageSpec stage_spec(const Staging *s, const Delivery *delivery) {
        const Feed *feed = s->feed;
        size_t count = feed->column_count + s->evolved.count;
        SourceColumn *columns = ARENA_ARRAY(s->arena, SourceColumn, count);
        for (size_t i = 0; i < feed->column_count; i++)
                columns[i] = feed->columns[i];
        for (size_t i = 0; i < s->evolved.count; i++)
                columns[feed->column_count + i] = (SourceColumn){ .name = s->evolved.items[i], .type = { .kind = TYPE_TEXT } };
        for (size_t i = 0; i < count; i++)
                columns[i].field_id = field_id_of(s->table, columns[i].name);
        return (StageSpec){
                .format = feed->format,
                .columns = columns,
                .column_count = count,
                .ignore = feed->ignore,
                .file_id = delivery->id,
                .file_field_id = field_id_of(s->table, STR("_file")),
                .row_field_id = field_id_of(s->table, STR("_row")),
                .threads = s->context->threads,
                .input_limit = INPUT_LIMIT,
        };
}

static Status check_size(int fd, const char *path, const FileStatistics *statistics, Error *err) {
        struct stat st;
        if (fstat(fd, &st) < 0)
                return error_errno(err, errno, "cannot look at '%s'", path);
        if (st.st_size != statistics->bytes)
                return error_set(err, STATUS_WORKER_LOST, "a worker says it wrote %lld bytes, and %lld are there",
                                 (long long)statistics->bytes, (long long)st.st_size);
        return STATUS_OK;
}

/* records = accepted + quarantined + skipped, and as many rows as it says: checked on every file. */
static Status check_counts(const StageResult *r, Error *err) {
        if (r->records == r->accepted + r->quarantined + r->skipped && r->data.rows == r->accepted &&
            r->quarantine.rows == r->quarantined && r->accepted >= 0 && r->quarantined >= 0 && r->skipped >= 0)
                return STATUS_OK;
        return error_set(err, STATUS_INTERNAL,
                         "the counts do not add up: %lld records, %lld accepted (%lld rows), %lld quarantined (%lld rows), "
                         "%lld skipped",
                         (long long)r->records, (long long)r->accepted, (long long)r->data.rows, (long long)r->quarantined,
                         (long long)r->quarantine.rows, (long long)r->skipped);
}

static Status ensure_worker(Staging *s, Error *err) {
        if (s->worker && worker_is_lost(s->worker)) {
                worker_release(s->worker);
                s->worker = NULL;
        }
        return s->worker ? STATUS_OK : worker_lease(s->context->pool, s->context->principal, &s->worker, err);
}

static Status read_delivery(Staging *s, Reading *reading, Error *err) {
        const Delivery *delivery = &reading->report->delivery;
        char *path = store_absolute(s->context->lake->store, s->arena, delivery->landing);
        CLEANUP(close_fdp) int in = open(path, O_RDONLY | O_CLOEXEC);
        if (in < 0)
                return error_errno(err, errno, "cannot open the landed file '%s'", path);
        CLEANUP(close_fdp) int data = -1;
        CLEANUP(close_fdp) int quarantine = -1;
        TRY(changeset_new_file(s->set, s->table, &reading->data_path, &data, err));
        TRY(changeset_new_file(s->set, s->quarantine, &reading->quarantine_path, &quarantine, err));
        TRY(ensure_worker(s, err));
        CLEANUP(buf_deinit) Buf request = { 0 };
        int fds[] = { in, data, quarantine };
        Str reply;
        StageSpec spec = stage_spec(s, delivery);
        stage_spec_write(&request, &spec);
        TRY(worker_stage(s->worker, buf_view(&request), fds, COUNT_OF(fds), NULL, NULL, s->arena, &reply, err));
        TRY(stage_result_read(reply, &spec, s->arena, &reading->result, err));
        TRY(check_counts(&reading->result, err));
        if (reading->result.data.rows)
                TRY(check_size(data, reading->data_path, &reading->result.data, err));
        if (reading->result.quarantine.rows)
                TRY(check_size(quarantine, reading->quarantine_path, &reading->result.quarantine, err));
        return STATUS_OK;
}

/* ---- what becomes of it ---- */

static void hold(Reading *reading, Str message) {
        reading->accepted = false;
        reading->report->delivery.state = STR("held");
        reading->report->delivery.message = message;
}

static Str names_text(Arena *arena, const Str *names, size_t count) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        for (size_t i = 0; i < count; i++)
                buf_printf(&out, "%s%.*s", i ? ", " : "", STR_ARG(names[i]));
        return buf_dup(&out, arena);
}

static Str worst_rule(Arena *arena, const StageResult *result) {
        if (!result->rule_count)
                return STR("");
        const StageRule *rule = &result->rules[0];
        bool encoding = rule->rule == RULE_INVALID_UTF8 || rule->rule == RULE_INVALID_BYTES;
        return arena_strf(arena, "; most often %s%s%.*s, as in line %lld: %.*s%s", rule_name(rule->rule),
                          rule->column.size ? " in " : "", STR_ARG(rule->column), (long long)rule->line, STR_ARG(rule->message),
                          encoding ? "; the source says in which encoding its files are, as in encoding: cp1252" : "");
}

/* The least that `tolerate` has to say for them. */
static int misfits_percent(const StageResult *result) {
        return (int)(((__int128)result->quarantined * 100 + result->records - 1) / result->records);
}

static void judge(const Staging *s, Reading *reading) {
        const Feed *feed = s->feed;
        const StageResult *r = &reading->result;
        Arena *arena = s->arena;
        if (r->unknown_count && feed->evolve == FEED_EVOLVE_FREEZE) {
                Str *names = ARENA_ARRAY(arena, Str, r->unknown_count);
                for (size_t i = 0; i < r->unknown_count; i++)
                        names[i] = r->unknown[i].name;
                hold(reading, arena_strf(arena, "columns that the source does not know: %.*s; add them to its columns, or say "
                                                "'evolve: columns'", STR_ARG(names_text(arena, names, r->unknown_count))));
                return;
        }
        int64_t allowed = feed->tolerate_rows;
        if (feed->tolerate_per_million >= 0)
                allowed = (int64_t)((__int128)r->records * feed->tolerate_per_million / 1000000);
        if (allowed >= 0 && r->quarantined > allowed) {
                hold(reading, arena_strf(arena, "%lld records do not fit and 'tolerate' allows %lld%.*s", (long long)r->quarantined,
                                         (long long)allowed, STR_ARG(worst_rule(arena, r))));
                return;
        }
        if (allowed < 0 && r->quarantined > r->accepted)
                hold(reading, arena_strf(arena, "more records do not fit (%lld) than fit (%lld), so the source's format or types "
                                                "are wrong, not the rows%.*s; correct the source's text, or say 'tolerate: %d%%' there if "
                                                "the rows are as they should be, then lode run --replay",
                                         (long long)r->quarantined, (long long)r->accepted, STR_ARG(worst_rule(arena, r)), misfits_percent(r)));
}

static Str detail_json(Arena *arena, const StageResult *result) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        JsonWriter w = json_writer(&out, false);
        json_object(&w);
        json_key(&w, "rules");
        json_array(&w);
        for (size_t i = 0; i < result->rule_count && i < DETAIL_RULES_MAX; i++) {
                const StageRule *rule = &result->rules[i];
                json_object(&w);
                json_member_str(&w, "column", rule->column);
                json_member_str(&w, "rule", str_of(rule_name(rule->rule)));
                json_member_int(&w, "count", rule->count);
                json_member_int(&w, "record", rule->record);
                json_member_int(&w, "line", rule->line);
                json_member_str(&w, "text", rule->text);
                json_member_str(&w, "message", rule->message);
                json_end(&w);
        }
        json_end(&w);
        json_end(&w);
        return buf_dup(&out, arena);
}

static void note_columns(const Staging *s, Reading *reading) {
        const StageResult *r = &reading->result;
        DeliveryReport *report = reading->report;
        report->missing = r->missing;
        VEC(Str) added = { 0 };
        for (size_t i = 0; i < r->header.count; i++)
                for (size_t j = 0; j < s->evolved.count; j++)
                        if (str_equal_nocase(r->header.items[i], s->evolved.items[j]))
                                vec_push(s->arena, &added, r->header.items[i]);
        report->added = (StrList){ added.items, added.count };
        if (!reading->accepted || added.count + r->missing.count == 0)
                return;
        CLEANUP(buf_deinit) Buf words = { 0 };
        if (added.count)
                buf_printf(&words, "new columns, kept as text: %.*s", STR_ARG(names_text(s->arena, added.items, added.count)));
        if (r->missing.count)
                buf_printf(&words, "%scolumns not in this file, NULL: %.*s", words.size ? "; " : "",
                           STR_ARG(names_text(s->arena, r->missing.items, r->missing.count)));
        report->delivery.message = buf_dup(&words, s->arena);
}

static void record_counts(const Staging *s, Reading *reading) {
        Delivery *delivery = &reading->report->delivery;
        const StageResult *r = &reading->result;
        delivery->records = r->records;
        delivery->accepted = r->accepted;
        delivery->quarantined = r->quarantined;
        delivery->skipped = r->skipped;
        delivery->detail = detail_json(s->arena, r);
        delivery->spec = s->feed->reading;
        delivery->state = STR("staged");
        delivery->message = STR("");
        reading->report->rules = r->rules;
        reading->report->rule_count = r->rule_count;
        reading->accepted = true;
}

/* Why a delivery is held outlives the error, and so must what to do about it. */
static Str error_said(Arena *arena, const Error *err) {
        return arena_strf(arena, "%s%s%s", err->message, err->hint[0] ? "; " : "", err->hint);
}

/* True when the failure is the environment's, and the whole staging must end. */
static bool is_environment(Status status) {
        return status == STATUS_IO || status == STATUS_DISK_FULL || status == STATUS_ENGINE || status == STATUS_SANDBOX ||
               status == STATUS_INTERRUPTED || status == STATUS_CONFLICT || status == STATUS_CORRUPT;
}

/* A worker that is lost may have been killed by anybody; only a file that a second one is lost with did it itself. */
static Status read_twice(Staging *s, Reading *reading, Error *err) {
        Error first;
        reading->result = (StageResult){ 0 };
        Status status = read_delivery(s, reading, &first);
        if (status == STATUS_WORKER_LOST) {
                reading->result = (StageResult){ 0 };
                return read_delivery(s, reading, err);
        }
        if (status != STATUS_OK)
                *err = first;
        return status;
}

static Status take(Staging *s, Reading *reading, Error *err) {
        Status status = read_twice(s, reading, err);
        if (status != STATUS_OK && is_environment(status))
                return error_context(err, "staging '%.*s' of %.*s.%.*s", STR_ARG(reading->report->delivery.name),
                                     STR_ARG(s->feed->zone), STR_ARG(s->feed->name));
        if (status != STATUS_OK) {
                reading->result = (StageResult){ 0 };
                record_counts(s, reading);
                bool again = status == STATUS_WORKER_LOST || status == STATUS_MEMORY;
                if (again)
                        error_hint(err, "the next lode run tries it again");
                hold(reading, error_said(s->arena, err));
                if (again) /* it may have been the machine's fault: read by no text yet, so every run does */
                        reading->report->delivery.spec = STR("");
                return STATUS_OK;
        }
        record_counts(s, reading);
        judge(s, reading);
        note_columns(s, reading);
        return STATUS_OK;
}

static Status take_all(Staging *s, Error *err) {
        for (size_t i = 0; i < s->readings.count; i++) {
                Reading *reading = &s->readings.items[i];
                const Delivery *delivery = &reading->report->delivery;
                if (s->context->on_progress)
                        s->context->on_progress(s->context->context, s->feed, delivery->name, (int64_t)i,
                                                (int64_t)s->readings.count);
                TRY(take(s, reading, err));
        }
        return STATUS_OK;
}

/* ---- publishing ---- */

typedef struct Files {
        LakeFile *data, *quarantine;
        size_t data_count, quarantine_count;
} Files;

/* A replace source keeps only the newest delivery that was accepted. */
static Files files_to_publish(const Staging *s) {
        size_t from = 0;
        if (s->feed->load == FEED_REPLACE)
                for (size_t i = 0; i < s->readings.count; i++)
                        if (s->readings.items[i].accepted)
                                from = i;
        Files files = { ARENA_ARRAY(s->arena, LakeFile, s->readings.count), ARENA_ARRAY(s->arena, LakeFile, s->readings.count), 0, 0 };
        for (size_t i = from; i < s->readings.count; i++) {
                const Reading *reading = &s->readings.items[i];
                if (!reading->accepted)
                        continue;
                if (reading->result.data.rows)
                        files.data[files.data_count++] = (LakeFile){ reading->data_path, reading->result.data };
                if (reading->result.quarantine.rows)
                        files.quarantine[files.quarantine_count++] =
                                (LakeFile){ reading->quarantine_path, reading->result.quarantine };
        }
        return files;
}

static Status write_tables(Staging *s, Error *err) {
        bool any = s->rebuild;
        for (size_t i = 0; i < s->readings.count; i++)
                any |= s->readings.items[i].accepted;
        if (!any)
                return STATUS_OK;
        Files files = files_to_publish(s);
        if (!s->rebuild && s->feed->load == FEED_APPEND) {
                TRY(changeset_append(s->set, s->table, files.data, files.data_count, err));
                return changeset_append(s->set, s->quarantine, files.quarantine, files.quarantine_count, err);
        }
        ReplaceSpec data = { .files = files.data, .file_count = files.data_count };
        ReplaceSpec quarantine = { .files = files.quarantine, .file_count = files.quarantine_count };
        TRY(changeset_replace(s->set, s->table, &data, NULL, err));
        return changeset_replace(s->set, s->quarantine, &quarantine, NULL, err);
}

static void write_ledger(Staging *s) {
        VEC(Delivery) rows = { 0 };
        for (size_t i = 0; i < s->readings.count; i++)
                vec_push(s->arena, &rows, s->readings.items[i].report->delivery);
        for (size_t i = 0; i < s->ledger_count; i++) {
                if (!is_displaced(s, &s->ledger[i]) || is_state(&s->ledger[i], "replaced"))
                        continue;
                Delivery row = s->ledger[i];
                row.expect = row.revision;
                row.state = STR("replaced");
                row.message = STR("a newer delivery of the same name took its place");
                vec_push(s->arena, &rows, row);
        }
        changeset_ledger(s->set, rows.items, rows.count, NULL, 0);
}

static Str commit_message(const Staging *s) {
        int64_t rows = 0;
        size_t files = 0;
        bool again = false;
        for (size_t i = 0; i < s->readings.count; i++) {
                again |= s->readings.items[i].report->reread;
                if (!s->readings.items[i].accepted)
                        continue;
                files++;
                rows += s->readings.items[i].result.accepted;
        }
        if (files == 0)
                return arena_strf(s->arena, "stage %.*s.%.*s: empty", STR_ARG(s->feed->zone), STR_ARG(s->feed->name));
        return arena_strf(s->arena, "stage %.*s.%.*s: %zu file%s, %.*s row%s%s", STR_ARG(s->feed->zone), STR_ARG(s->feed->name), files,
                          files == 1 ? "" : "s", STR_ARG(count_print(s->arena, rows)), rows == 1 ? "" : "s", again ? ", read again" : "");
}

static Status publish(Staging *s, StageReport *out, Error *err) {
        TRY(write_tables(s, err));
        write_ledger(s);
        changeset_set_message(s->set, commit_message(s));
        int64_t base = changeset_base(s->set).seq;
        CatalogCommit commit;
        TRY(changeset_publish(s->set, s->arena, &commit, err));
        *out = (StageReport){ .changed = commit.seq > base, .commit = commit };
        out->items = ARENA_ARRAY(s->arena, DeliveryReport, s->readings.count);
        for (size_t i = 0; i < s->readings.count; i++) {
                DeliveryReport *report = s->readings.items[i].report;
                if (is_state(&report->delivery, "staged"))
                        report->delivery.commit = commit.id;
                out->items[out->count++] = *report;
        }
        return STATUS_OK;
}

static void staging_close(Staging *s) {
        changeset_freep(&s->set);
        s->table = s->quarantine = NULL;
}

/* That the history's text at the set's base is the feed's own, and still is when the set is published. */
static Status hold_text(Staging *s, bool *out_superseded, Error *err) {
        CatalogName name = { STR("source"), s->feed->zone, s->feed->name };
        CatalogObject applied;
        Status status = catalog_get(s->context->lake->catalog, changeset_base(s->set), name, s->arena, &applied, err);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
                return status;
        *out_superseded = status == STATUS_NOT_FOUND || !str_equal(applied.body, s->feed->object);
        changeset_require_object(s->set, name, s->feed->object);
        return STATUS_OK;
}

/* A change set over the head as it is now. */
static Status open_set(Staging *s, bool *out_superseded, Error *err) {
        staging_close(s);
        TRY(changeset_new(s->context->lake, &s->context->commit, &s->set, err));
        return hold_text(s, out_superseded, err);
}

/* One try from a fresh base. Columns met on the way ask for another reading, with them. */
static Status try_once(Staging *s, StageReport *out, Error *err) {
        *out = (StageReport){ 0 };
        s->readings.count = 0;
        TRY(load_ledger(s->context->lake, s->feed, s->arena, &s->ledger, &s->ledger_count, err));
        TRY(check_table(s, err));
        choose(s);
        if (s->readings.count == 0 && !s->rebuild)
                return STATUS_OK;
        TRY(check_reread(s, err));
        TRY(open_set(s, &out->superseded, err));
        if (out->superseded)
                return STATUS_OK;
        TRY(load_evolved(s, err));
        TRY(open_tables(s, err));
        TRY(take_all(s, err));
        if (add_evolved(s)) {
                TRY(open_set(s, &out->superseded, err));
                if (out->superseded)
                        return STATUS_OK;
                TRY(open_tables(s, err));
                TRY(take_all(s, err));
        }
        return publish(s, out, err);
}

Status stage_feed(const StageContext *context, const Feed *feed, Arena *arena, StageReport *out, Error *err) {
        Staging s = { .context = context, .feed = feed, .arena = arena };
        Status status = STATUS_CONFLICT;
        for (int i = 0; i < PUBLISH_TRIES && status == STATUS_CONFLICT; i++) {
                status = try_once(&s, out, err);
                staging_close(&s);
        }
        worker_releasep(&s.worker);
        return status;
}

/* ---- what would be read ---- */

static Status load_with(Staging *s, const Delivery *arriving, size_t count, Error *err) {
        Delivery *known = NULL;
        size_t known_count = 0;
        if (s->context->lake)
                TRY(load_ledger(s->context->lake, s->feed, s->arena, &known, &known_count, err));
        s->ledger_count = count + known_count;
        s->ledger = ARENA_ARRAY(s->arena, Delivery, s->ledger_count);
        for (size_t i = 0; i < s->ledger_count; i++)
                s->ledger[i] = i < count ? arriving[i] : known[i - count];
        return STATUS_OK;
}

static bool was_read(const Delivery *delivery) {
        return is_state(delivery, "staged") || (is_state(delivery, "held") && delivery->records > 0);
}

Status stage_plan(const StageContext *context, const Feed *feed, const Delivery *arriving, size_t arriving_count, Arena *arena, StagePlan *out,
                  Error *err) {
        Staging s = { .context = context, .feed = feed, .arena = arena, .rebuild = true };
        CatalogAt head = { .branch = context->commit.branch };
        Table table;
        Status status = STATUS_NOT_FOUND;
        if (context->lake)
                status = lake_table(context->lake, head, feed_table_name(arena, feed->zone, feed->name), arena, &table, err);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
                return status;
        TRY(load_with(&s, arriving, arriving_count, err));
        bool is_new = status == STATUS_NOT_FOUND;
        bool other_text = !is_new && !str_equal(table.body.detail, reading_detail(&s));
        s.rebuild = is_new || other_text;
        choose(&s);
        *out = (StagePlan){ .rebuild = s.rebuild, .is_new = is_new, .other_text = other_text, .deliveries = s.readings.count };
        for (size_t i = 0; i < s.readings.count; i++) {
                const Delivery *delivery = &s.readings.items[i].report->delivery;
                out->bytes += delivery->bytes;
                out->reread += s.readings.items[i].report->reread ? delivery->bytes : 0;
                out->records = out->records < 0 || !was_read(delivery) ? -1 : out->records + delivery->records;
        }
        return STATUS_OK;
}
