/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/staging.h"

#include "base/json.h"
#include "base/time.h"

#define PUBLISH_TRIES 20 /* each lost one was won by another */
#define EVOLVE_ROUNDS 8 /* readings of the same deliveries with more or wider columns */

CatalogName feed_table_name(Arena *arena, Str zone, Str source) {
        return (CatalogName){ STR("table"), zone, arena_strf(arena, "staging.%.*s", STR_ARG(source)) };
}

static CatalogName feed_quarantine_name(Arena *arena, Str zone, Str source) {
        return (CatalogName){ STR("quarantine"), zone, arena_strf(arena, "staging.%.*s", STR_ARG(source)) };
}

static CatalogName feed_log_name(Arena *arena, Str zone, Str source) {
        return (CatalogName){ STR("log"), zone, arena_strf(arena, "staging.%.*s", STR_ARG(source)) };
}

CatalogName feed_rows_name(Arena *arena, const Feed *feed) {
        return feed_folds(feed) ? feed_log_name(arena, feed->zone, feed->name) : feed_table_name(arena, feed->zone, feed->name);
}

/* ---- what is to be read ---- */

static Str reading_now(const Staging *s) {
        return fixes_reading(&s->fixes, s->feed->reading, 0, s->arena);
}

/* Kept with the table: by which text, and with which fixes, it was made, and which keys its columns are of. */
static Str reading_detail(const Staging *s) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        json_object(&w);
        json_member_str(&w, "reading", reading_now(s));
        json_key(&w, "keys");
        json_array(&w);
        for (size_t i = 0; i < s->key_names.count; i++) {
                json_object(&w);
                json_member_str(&w, "name", s->key_names.items[i].name);
                json_member_str(&w, "path", s->key_names.items[i].path);
                json_end(&w);
        }
        json_end(&w);
        json_end(&w);
        return buf_dup(&json, s->arena);
}

static bool is_read_so(const Staging *s, const TableBody *table) {
        Json *detail;
        Error ignored;
        return json_parse(table->detail, NULL, s->arena, &detail, &ignored) == STATUS_OK &&
               str_equal(json_string(json_get(detail, "reading")), reading_now(s));
}

static void keep_detail(Staging *s) {
        Str detail = reading_detail(s);
        changeset_set_detail(s->set, s->table, detail);
        if (s->log)
                changeset_set_detail(s->set, s->log, detail);
}

/* Held only because its name came before: text about redelivery decides it, not text about reading. */
static bool held_for_its_name(const Delivery *delivery) {
        return staging_is(delivery, "held") && delivery->records == 0 && str_find(delivery->message, STR("came before")) < delivery->message.size;
}

static bool is_other_text(const Staging *s, const Delivery *delivery) {
        return !str_equal(delivery->spec, staging_reading(s, delivery));
}

static bool wants_reading(const Staging *s, const Delivery *delivery) {
        const StageContext *context = s->context;
        if (staging_is(delivery, "landed") || staging_is(delivery, "failed"))
                return true;
        if (staging_is(delivery, "replaced")) /* and what took its place was withdrawn */
                return s->feed->redelivery == FEED_REDELIVERY_REPLACE;
        if (held_for_its_name(delivery))
                return s->feed->redelivery != FEED_REJECT;
        if (staging_is(delivery, "held"))
                return is_other_text(s, delivery) || context->again || context->replay;
        return false;
}

static Status load_ledger(Lake *lake, const Feed *feed, Arena *arena, Delivery **out, size_t *out_count, Error *err) {
        DeliveryQuery query = { .zone = feed->zone, .source = feed->name };
        return catalog_deliveries(lake->catalog, &query, arena, out, out_count, err);
}

const Delivery *feed_in_force(const Feed *feed, const Delivery *rows, size_t count, Arena *arena) {
        const OrderedDelivery *last = NULL;
        OrderedDelivery *order = ARENA_ARRAY(arena, OrderedDelivery, count + 1);
        order_look(feed, rows, count, order);
        for (size_t i = 0; i < count; i++)
                if (staging_is(&rows[i], "staged") && (!last || order_compare(&order[i], last) > 0))
                        last = &order[i];
        return last ? last->delivery : NULL;
}

static bool is_in_table(const Staging *s, const Delivery *delivery) {
        return staging_is(delivery, "staged") && (s->feed->load != FEED_REPLACE || delivery == s->in_force);
}

/* What people withdrew is out of the ledger that this try works by; what they took back is as if it had just landed. */
static void look_at_withdrawal(Staging *s, Delivery *delivery) {
        const Withdrawal *withdrawal = fixes_withdrawn(&s->fixes, delivery->id);
        bool is_out = staging_is(delivery, "withdrawn");
        if (!withdrawal && is_out)
                delivery->state = STR("landed");
        if (!withdrawal || is_out)
                return;
        s->leaves |= is_in_table(s, delivery);
        delivery->state = STR("withdrawn");
        delivery->message = arena_strf(s->arena, "withdrawn by %.*s: %.*s", STR_ARG(withdrawal->author), STR_ARG(withdrawal->reason));
        vec_push(s->arena, &s->withdrawn, *delivery);
}

/* As the history has them, and those that a newer file takes over from one of its name. */
static Status load_fixes(Staging *s, Error *err) {
        const Feed *feed = s->feed;
        CatalogAt head = { .branch = s->context->commit.branch };
        TRY(fixes_load(s->context->lake->catalog, head, feed->zone, feed->name, s->arena, &s->fixes, err));
        fixes_hand_on(&s->fixes, s->ledger, s->ledger_count, feed->redelivery == FEED_REDELIVERY_REPLACE, s->arena);
        s->in_force = feed_in_force(feed, s->ledger, s->ledger_count, s->arena);
        s->withdrawn.count = 0;
        s->leaves = false;
        for (size_t i = 0; i < s->ledger_count; i++)
                look_at_withdrawal(s, &s->ledger[i]);
        return STATUS_OK;
}

static void add_reading(Staging *s, const Delivery *delivery, bool reread) {
        DeliveryReport *report = ARENA_NEW(s->arena, DeliveryReport);
        report->delivery = *delivery;
        report->delivery.expect = delivery->revision;
        report->reread = reread;
        vec_push(s->arena, &s->readings, (Reading){ .report = report });
}

static bool is_refused(const Staging *s, const Delivery *delivery) {
        for (size_t i = 0; i < s->refused.count; i++)
                if (s->refused.items[i] == delivery->id)
                        return true;
        return false;
}

/* The newer of two deliveries of one name takes the place of the older, when the source says so. */
static bool is_displaced(const Staging *s, const Delivery *delivery) {
        bool last_alone = s->feed->load == FEED_REPLACE && s->feed->as_of.kind != AS_OF_NAME; /* and that is this one's heir anyway */
        if (last_alone || s->feed->redelivery != FEED_REDELIVERY_REPLACE)
                return false;
        for (const Delivery *newer = s->ledger; newer < delivery; newer++)
                if (str_equal(newer->name, delivery->name) && !staging_is(newer, "failed") && !staging_is(newer, "withdrawn") && !is_refused(s, newer) &&
                    (!staging_is(newer, "held") || held_for_its_name(newer)))
                        return true;
        return false;
}

/*
 * Whether the table is there and was made by this text. A source without deliveries has an empty table, so that models
 * of it can be built before the first file comes.
 */
static Status check_table(Staging *s, Error *err) {
        Table *table = ARENA_NEW(s->arena, Table);
        CatalogAt head = { .branch = s->context->commit.branch };
        Status status = lake_table(s->context->lake, head, feed_table_name(s->arena, s->feed->zone, s->feed->name), s->arena, table, err);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
                return status;
        s->before = status == STATUS_OK ? table : NULL;
        s->rebuild = !s->before || !is_read_so(s, &table->body);
        return STATUS_OK;
}

/* Decides what is read, oldest first; whether the table is made anew. */
static void choose(Staging *s) {
        bool any_fresh_displaces = false;
        s->in_force = feed_in_force(s->feed, s->ledger, s->ledger_count, s->arena);
        for (size_t i = 0; i < s->ledger_count; i++) {
                const Delivery *delivery = &s->ledger[i];
                bool present = is_in_table(s, delivery);
                if (present && (is_other_text(s, delivery) || s->context->again || (s->context->replay && delivery->quarantined > 0)))
                        s->rebuild = true;
                if (present && is_displaced(s, delivery))
                        any_fresh_displaces = true;
        }
        s->rebuild |= any_fresh_displaces || s->leaves;
        for (size_t i = s->ledger_count; i-- > 0;) {
                const Delivery *delivery = &s->ledger[i];
                bool present = is_in_table(s, delivery);
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
        size_t count = feed->column_count + s->evolved.count + 3, at = 0;
        LakeColumn *columns = ARENA_ARRAY(s->arena, LakeColumn, count);
        for (size_t i = 0; i < feed->column_count; i++)
                columns[at++] = (LakeColumn){ .name = feed->columns[i].name, .type = s->widenings[i].type, .was = feed->columns[i].was };
        for (size_t i = 0; i < s->evolved.count; i++)
                columns[at++] = s->evolved.items[i];
        if (feed->evolve == FEED_EVOLVE_RESCUE)
                columns[at++] = (LakeColumn){ .name = STR("_extra"), .type = { .kind = TYPE_TEXT } };
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

Type feed_time_type(const Feed *feed) {
        Str name = feed->order_by.count ? feed->order_by.items[0] : feed->as_of.kind == AS_OF_COLUMN ? feed->as_of.text : STR("");
        for (size_t i = 0; i < feed->column_count; i++)
                if (str_equal_nocase(feed->columns[i].name, name))
                        return feed->columns[i].type;
        return (Type){ .kind = TYPE_TIMESTAMPTZ };
}

/* Of a log that has what quarantined records say of their keys. */
static LakeColumn *witnessed_columns(const Staging *s, const ChangeTableSpec *rows, size_t *out_count) {
        LakeColumn *columns = ARENA_ARRAY(s->arena, LakeColumn, rows->column_count + 1);
        memcpy(columns, rows->columns, rows->column_count * sizeof(*columns));
        columns[rows->column_count] = (LakeColumn){ .name = STR("_witness"), .type = { .kind = TYPE_BIGINT }, .hidden = true };
        *out_count = rows->column_count + 1;
        return columns;
}

/* The columns of rows, and in a history from when to when they hold. */
static LakeColumn *folded_columns(const Staging *s, const ChangeTableSpec *rows, size_t *out_count) {
        LakeColumn *columns = ARENA_ARRAY(s->arena, LakeColumn, rows->column_count + 2);
        size_t hidden = rows->column_count - 2, at = hidden;
        memcpy(columns, rows->columns, hidden * sizeof(*columns));
        if (s->feed->load == FEED_HISTORY) {
                columns[at++] = (LakeColumn){ .name = STR("_valid_from"), .type = feed_time_type(s->feed) };
                columns[at++] = (LakeColumn){ .name = STR("_valid_to"), .type = feed_time_type(s->feed) };
        }
        memcpy(&columns[at], &rows->columns[hidden], 2 * sizeof(*columns));
        *out_count = at + 2;
        return columns;
}

/* All that was accepted goes into the log as it is, and the table is what it makes of it. A source that was one has no log
 * any more: what is in it is in the landed files too. */
static Status open_log(Staging *s, ChangeTableSpec *spec, Error *err) {
        const Feed *feed = s->feed;
        CatalogName name = feed_log_name(s->arena, feed->zone, feed->name);
        s->log = NULL;
        if (!feed_folds(feed))
                return changeset_remove_object(s->set, name, err);
        ChangeTableSpec log = *spec;
        if (fold_needs_all(feed))
                log.columns = witnessed_columns(s, spec, &log.column_count);
        log.kind = STR("log");
        log.write = s->rebuild ? TABLE_REPLACE : TABLE_APPEND;
        TRY(changeset_table(s->set, name, &log, &s->log, err));
        spec->write = TABLE_REPLACE;
        spec->columns = folded_columns(s, spec, &spec->column_count);
        return STATUS_OK;
}

static Status open_tables(Staging *s, Error *err) {
        const Feed *feed = s->feed;
        bool replaces = s->rebuild || feed->load == FEED_REPLACE;
        ChangeTableSpec spec = { .kind = STR("staging"), .write = replaces ? TABLE_REPLACE : TABLE_APPEND, .about = feed->about };
        ChangeTableSpec quarantine = { .kind = STR("quarantine"), .write = spec.write };
        spec.columns = table_columns(s, &spec.column_count);
        TRY(open_log(s, &spec, err));
        TRY(changeset_table(s->set, feed_table_name(s->arena, feed->zone, feed->name), &spec, &s->table, err));
        keep_detail(s);
        quarantine.columns = quarantine_columns(&quarantine.column_count);
        return changeset_table(s->set, feed_quarantine_name(s->arena, feed->zone, feed->name), &quarantine, &s->quarantine, err);
}

/* ---- publishing ---- */

static bool comes_before(const Staging *s, const Delivery *one, const Delivery *other) {
        Delivery rows[] = { *one, *other };
        OrderedDelivery order[2];
        order_look(s->feed, rows, 2, order);
        return order_compare(&order[0], &order[1]) < 0;
}

/* A replace source keeps only the last delivery that was accepted; NULL when that is in the table already. */
static const Reading *heir(const Staging *s) {
        const Reading *last = NULL;
        for (size_t i = 0; i < s->readings.count; i++) {
                const Reading *reading = &s->readings.items[i];
                if (reading->accepted && (!last || comes_before(s, &last->report->delivery, &reading->report->delivery)))
                        last = reading;
        }
        if (last && !s->rebuild && s->in_force && comes_before(s, &last->report->delivery, s->in_force))
                return NULL;
        return last;
}

static Files files_to_publish(const Staging *s) {
        const Reading *alone = s->feed->load == FEED_REPLACE ? heir(s) : NULL;
        Files files = { ARENA_ARRAY(s->arena, LakeFile, s->readings.count), ARENA_ARRAY(s->arena, LakeFile, s->readings.count), 0, 0 };
        for (size_t i = 0; i < s->readings.count; i++) {
                const Reading *reading = &s->readings.items[i];
                if (!reading->accepted || (alone && reading != alone))
                        continue;
                if (reading->result.data.rows)
                        files.data[files.data_count++] = (LakeFile){ reading->data_path, reading->result.data };
                if (reading->result.quarantine.rows)
                        files.quarantine[files.quarantine_count++] =
                                (LakeFile){ reading->quarantine_path, reading->result.quarantine };
        }
        return files;
}

/* Adds files, or makes them all there is. */
static Status put_files(const Staging *s, ChangeTable *table, const LakeFile *files, size_t count, bool replace, Error *err) {
        ReplaceSpec all = { .files = files, .file_count = count };
        return replace ? changeset_replace(s->set, table, &all, NULL, err) : changeset_append(s->set, table, files, count, err);
}

static Status write_tables(Staging *s, Error *err) {
        bool any = s->rebuild;
        for (size_t i = 0; i < s->readings.count; i++)
                any |= s->readings.items[i].accepted;
        if (!any || (s->feed->load == FEED_REPLACE && !s->rebuild && !heir(s)))
                return STATUS_OK;
        Files files = files_to_publish(s);
        bool replace = s->rebuild || s->feed->load == FEED_REPLACE;
        TRY(put_files(s, staging_rows(s), files.data, files.data_count, replace, err));
        TRY(put_files(s, s->quarantine, files.quarantine, files.quarantine_count, replace, err));
        return s->log ? staging_fold(s, &files, err) : STATUS_OK;
}

static void write_ledger(Staging *s) {
        VEC(Delivery) rows = { 0 };
        for (size_t i = 0; i < s->readings.count; i++)
                vec_push(s->arena, &rows, s->readings.items[i].report->delivery);
        for (size_t i = 0; i < s->withdrawn.count; i++) {
                Delivery row = s->withdrawn.items[i];
                row.expect = row.revision;
                vec_push(s->arena, &rows, row);
        }
        for (size_t i = 0; i < s->ledger_count; i++) {
                if (!is_displaced(s, &s->ledger[i]) || staging_is(&s->ledger[i], "replaced") || staging_is(&s->ledger[i], "withdrawn"))
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
        Str gone = s->withdrawn.count ? arena_strf(s->arena, ", %zu withdrawn", s->withdrawn.count) : STR("");
        if (files == 0)
                return arena_strf(s->arena, "stage %.*s.%.*s: empty%.*s", STR_ARG(s->feed->zone), STR_ARG(s->feed->name), STR_ARG(gone));
        return arena_strf(s->arena, "stage %.*s.%.*s: %zu file%s, %.*s row%s%s%.*s%.*s", STR_ARG(s->feed->zone), STR_ARG(s->feed->name), files,
                          files == 1 ? "" : "s", STR_ARG(count_print(s->arena, rows)), rows == 1 ? "" : "s", again ? ", read again" : "",
                          STR_ARG(gone), STR_ARG(staging_column_changes(s)));
}

static Status publish(Staging *s, StageReport *out, Error *err) {
        TRY(write_tables(s, err));
        keep_detail(s); /* with what reading taught */
        write_ledger(s);
        changeset_set_message(s->set, commit_message(s));
        int64_t base = changeset_base(s->set).seq;
        CatalogCommit commit;
        TRY(changeset_publish(s->set, s->arena, &commit, err));
        *out = (StageReport){ .changed = commit.seq > base, .commit = commit };
        out->items = ARENA_ARRAY(s->arena, DeliveryReport, s->readings.count);
        for (size_t i = 0; i < s->readings.count; i++) {
                DeliveryReport *report = s->readings.items[i].report;
                if (staging_is(&report->delivery, "staged"))
                        report->delivery.commit = commit.id;
                out->items[out->count++] = *report;
        }
        return STATUS_OK;
}

static void staging_close(Staging *s) {
        changeset_freep(&s->set);
        s->table = s->quarantine = s->log = NULL;
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

/* The table is made of the ledger's deliveries, so those must be the ones that are in it at the set's base: what another
 * run staged between the look at the ledger and the choice of the base makes this try begin again. */
static Status check_ledger(const Staging *s, Error *err) {
        Delivery *now;
        size_t count;
        if (s->feed->load == FEED_APPEND)
                return STATUS_OK;
        TRY(load_ledger(s->context->lake, s->feed, s->arena, &now, &count, err));
        bool same = count == s->ledger_count;
        for (size_t i = 0; i < count && same; i++)
                same = now[i].id == s->ledger[i].id && now[i].revision == s->ledger[i].revision;
        return same ? STATUS_OK : error_set(err, STATUS_CONFLICT, "deliveries of %.*s.%.*s were taken by another run in the meantime",
                                            STR_ARG(s->feed->zone), STR_ARG(s->feed->name));
}

/* Those that are held now, and that a delivery which is in the table was to make room for. */
static bool note_refused(Staging *s) {
        size_t before = s->refused.count;
        for (size_t i = 0; i < s->readings.count; i++) {
                const Reading *reading = &s->readings.items[i];
                const Delivery *delivery = &reading->report->delivery;
                bool displaces = false;
                for (size_t k = 0; k < s->ledger_count && !reading->accepted; k++)
                        displaces |= s->ledger[k].id != delivery->id && str_equal(s->ledger[k].name, delivery->name) && is_in_table(s, &s->ledger[k]) &&
                                     is_displaced(s, &s->ledger[k]);
                if (displaces && !is_refused(s, delivery))
                        vec_push(s->arena, &s->refused, delivery->id);
        }
        return s->refused.count > before;
}

/* Reports deliveries that would leave the table. */
static bool would_lose(const Staging *s, StageReport *out) {
        DeliveryReport *lost = ARENA_ARRAY(s->arena, DeliveryReport, s->readings.count + 1);
        size_t count = 0;
        for (size_t i = 0; i < s->readings.count; i++)
                if (s->readings.items[i].report->reread && !s->readings.items[i].accepted)
                        lost[count++] = *s->readings.items[i].report;
        if (count)
                *out = (StageReport){ .items = lost, .count = count, .withheld = true };
        return count > 0;
}

/* One try from a fresh base. Columns met on the way, and wider types, ask for another reading. */
static Status try_once(Staging *s, StageReport *out, Error *err) {
        *out = (StageReport){ 0 };
        s->readings.count = 0;
        TRY(load_ledger(s->context->lake, s->feed, s->arena, &s->ledger, &s->ledger_count, err));
        TRY(load_fixes(s, err));
        TRY(check_table(s, err));
        choose(s);
        if (s->readings.count == 0 && !s->rebuild && s->withdrawn.count == 0)
                return STATUS_OK;
        TRY(check_reread(s, err));
        for (int round = 0;; round++) {
                TRY(open_set(s, &out->superseded, err));
                if (out->superseded)
                        return STATUS_OK;
                if (round == 0)
                        TRY(check_ledger(s, err));
                if (round == 0)
                        TRY(staging_load_evolved(s, err));
                TRY(open_tables(s, err));
                TRY(staging_take_all(s, err));
                if (round == EVOLVE_ROUNDS || !staging_evolve(s))
                        break;
        }
        if (would_lose(s, out))
                return STATUS_OK;
        if (note_refused(s))
                return error_set(err, STATUS_CONFLICT, "a file of %.*s.%.*s that came again is held", STR_ARG(s->feed->zone), STR_ARG(s->feed->name));
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
        return staging_is(delivery, "staged") || (staging_is(delivery, "held") && delivery->records > 0);
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
        if (context->lake)
                TRY(load_fixes(&s, err));
        bool is_new = status == STATUS_NOT_FOUND;
        bool other_text = !is_new && !is_read_so(&s, &table.body);
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
