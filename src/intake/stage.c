/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/stage.h"

#include "base/file.h"
#include "base/json.h"
#include "base/time.h"
#include "base/vec.h"
#include "intake/fixes.h"
#include "intake/fold.h"
#include "lake/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define PUBLISH_TRIES 20 /* each lost one was won by another */
#define EVOLVED_MAX 1000
#define EVOLVE_ROUNDS 8 /* readings of the same deliveries with more or wider columns */
#define INPUT_LIMIT (1ull << 42) /* decoded bytes of one delivery: beyond it lies a compression bomb */
#define DETAIL_RULES_MAX 50

static CatalogName feed_table_name(Arena *arena, Str zone, Str source) {
        return (CatalogName){ STR("table"), zone, arena_strf(arena, "staging.%.*s", STR_ARG(source)) };
}

static CatalogName feed_quarantine_name(Arena *arena, Str zone, Str source) {
        return (CatalogName){ STR("quarantine"), zone, arena_strf(arena, "staging.%.*s", STR_ARG(source)) };
}

static CatalogName feed_log_name(Arena *arena, Str zone, Str source) {
        return (CatalogName){ STR("log"), zone, arena_strf(arena, "staging.%.*s", STR_ARG(source)) };
}

/* ---- what is to be read ---- */

/* One delivery that is read, and what came of it. */
typedef struct Reading {
        DeliveryReport *report;
        StageResult result;
        const char *data_path, *quarantine_path;
        bool accepted; /* its rows go into the table */
} Reading;

/* A column whose type is made wider, since numbers of a delivery are beyond it. */
typedef struct Widening {
        Type type, narrow;  /* as it is read now, and before the try */
        int64_t struck;     /* records that were beyond the narrow one */
        bool trying, vain;
} Widening;

typedef struct Staging {
        const StageContext *context;
        const Feed *feed;
        Arena *arena;
        FixList fixes;    /* of the source's records, as the history has them */
        Delivery *ledger; /* all of the source, newest first */
        OrderedDelivery *order; /* the same, with their times */
        size_t ledger_count;
        const Delivery *in_force; /* of a replace source: the one that is the table; NULL = none */
        bool rebuild;         /* the table is made anew: from all of its deliveries, or for the first time */
        VEC(Reading) readings;
        const Table *before;  /* as it was at the start of this try; NULL = it was not */
        VEC(Str) evolved;     /* columns beyond the text's */
        Widening *widenings;  /* of each of the text's columns */
        ChangeSet *set;
        ChangeTable *table, *quarantine;
        ChangeTable *log;     /* of merge and history: all rows, of which the table is made; else NULL */
        Worker *worker;
} Staging;

/* Where a delivery's rows go as they are. */
static ChangeTable *rows_table(const Staging *s) {
        return s->log ? s->log : s->table;
}

/* Kept with the table: by which text, and with which fixes, it was made. */
static Str reading_detail(const Staging *s) {
        return arena_strf(s->arena, "{\"reading\":\"%.*s\"}", STR_ARG(fixes_reading(&s->fixes, s->feed->reading, 0, s->arena)));
}

static bool is_state(const Delivery *delivery, const char *state) {
        return str_is(delivery->state, state);
}

/* Held only because its name came before: text about redelivery decides it, not text about reading. */
static bool held_for_its_name(const Delivery *delivery) {
        return is_state(delivery, "held") && delivery->records == 0 && str_find(delivery->message, STR("came before")) < delivery->message.size;
}

static Str reading_of(const Staging *s, const Delivery *delivery) {
        return fixes_reading(&s->fixes, s->feed->reading, delivery->id, s->arena);
}

static bool is_other_text(const Staging *s, const Delivery *delivery) {
        return !str_equal(delivery->spec, reading_of(s, delivery));
}

static bool wants_reading(const Staging *s, const Delivery *delivery) {
        const StageContext *context = s->context;
        if (is_state(delivery, "landed") || is_state(delivery, "failed"))
                return true;
        if (held_for_its_name(delivery))
                return s->feed->redelivery != FEED_REJECT;
        if (is_state(delivery, "held"))
                return is_other_text(s, delivery) || context->again || context->replay;
        return false;
}

static Status load_ledger(Lake *lake, const Feed *feed, Arena *arena, Delivery **out, size_t *out_count, Error *err) {
        DeliveryQuery query = { .zone = feed->zone, .source = feed->name };
        return catalog_deliveries(lake->catalog, &query, arena, out, out_count, err);
}

/* Which deliveries come after which, by the text as it is. A replace source's table is one delivery: the last that could
 * be read. */
static void look_at_order(Staging *s) {
        const OrderedDelivery *last = NULL;
        s->order = ARENA_ARRAY(s->arena, OrderedDelivery, s->ledger_count);
        order_look(s->feed, s->ledger, s->ledger_count, s->order);
        for (size_t i = 0; i < s->ledger_count; i++)
                if (is_state(&s->ledger[i], "staged") && (!last || order_compare(&s->order[i], last) > 0))
                        last = &s->order[i];
        s->in_force = last ? last->delivery : NULL;
}

static bool is_in_table(const Staging *s, const Delivery *delivery) {
        return is_state(delivery, "staged") && (s->feed->load != FEED_REPLACE || delivery == s->in_force);
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
        bool last_alone = s->feed->load == FEED_REPLACE && s->feed->as_of.kind != AS_OF_NAME; /* and that is this one's heir anyway */
        if (last_alone || s->feed->redelivery != FEED_REDELIVERY_REPLACE)
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
        Table *table = ARENA_NEW(s->arena, Table);
        CatalogAt head = { .branch = s->context->commit.branch };
        Status status = lake_table(s->context->lake, head, feed_table_name(s->arena, s->feed->zone, s->feed->name), s->arena, table, err);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
                return status;
        s->before = status == STATUS_OK ? table : NULL;
        s->rebuild = !s->before || !str_equal(table->body.detail, reading_detail(s));
        return STATUS_OK;
}

/* Decides what is read, oldest first; whether the table is made anew. */
static void choose(Staging *s) {
        bool any_fresh_displaces = false;
        look_at_order(s);
        for (size_t i = 0; i < s->ledger_count; i++) {
                const Delivery *delivery = &s->ledger[i];
                bool present = is_in_table(s, delivery);
                if (present && (is_other_text(s, delivery) || s->context->again || (s->context->replay && delivery->quarantined > 0)))
                        s->rebuild = true;
                if (present && is_displaced(s, delivery))
                        any_fresh_displaces = true;
        }
        s->rebuild |= any_fresh_displaces;
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
                columns[at++] = (LakeColumn){ .name = s->evolved.items[i], .type = { .kind = TYPE_TEXT } };
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

/* The log's columns, and in a history from when to when they hold. */
static LakeColumn *folded_columns(const Staging *s, const ChangeTableSpec *log, size_t *out_count) {
        LakeColumn *columns = ARENA_ARRAY(s->arena, LakeColumn, log->column_count + 2);
        size_t hidden = log->column_count - 2, at = hidden;
        memcpy(columns, log->columns, hidden * sizeof(*columns));
        if (s->feed->load == FEED_HISTORY) {
                columns[at++] = (LakeColumn){ .name = STR("_valid_from"), .type = feed_time_type(s->feed) };
                columns[at++] = (LakeColumn){ .name = STR("_valid_to"), .type = feed_time_type(s->feed) };
        }
        memcpy(&columns[at], &log->columns[hidden], 2 * sizeof(*columns));
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
        log.kind = STR("log");
        log.write = s->rebuild ? TABLE_REPLACE : TABLE_APPEND;
        TRY(changeset_table(s->set, name, &log, &s->log, err));
        spec->write = TABLE_REPLACE;
        spec->columns = folded_columns(s, &log, &spec->column_count);
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
        changeset_set_detail(s->set, s->table, reading_detail(s));
        quarantine.columns = quarantine_columns(&quarantine.column_count);
        return changeset_table(s->set, feed_quarantine_name(s->arena, feed->zone, feed->name), &quarantine, &s->quarantine, err);
}

/* ---- evolution ---- */

static bool adds_columns(const Feed *feed) {
        return feed->evolve == FEED_EVOLVE_COLUMNS || feed->evolve == FEED_EVOLVE_WIDEN;
}

static size_t place_of(const Feed *feed, Str name) {
        size_t at = 0;
        while (at < feed->column_count && !str_equal_nocase(feed->columns[at].name, name))
                at++;
        return at;
}

/* What earlier deliveries made of the columns: those that the text does not name, and wider types. Kept while the table is
 * only added to. */
static Status load_evolved(Staging *s, Error *err) {
        const Feed *feed = s->feed;
        s->evolved.count = 0;
        s->widenings = ARENA_ARRAY(s->arena, Widening, feed->column_count);
        for (size_t i = 0; i < feed->column_count; i++)
                s->widenings[i].type = feed->columns[i].type;
        Table table;
        Status status = lake_table(s->context->lake, changeset_base(s->set), feed_table_name(s->arena, feed->zone, feed->name), s->arena, &table, err);
        if (status == STATUS_NOT_FOUND || s->rebuild)
                return STATUS_OK;
        TRY(status);
        for (size_t i = 0; i < table.body.column_count; i++) {
                const LakeColumn *column = &table.body.columns[i];
                size_t place = place_of(feed, column->name);
                if (place < feed->column_count && feed->evolve == FEED_EVOLVE_WIDEN && schema_type_widens(feed->columns[place].type, column->type))
                        s->widenings[place].type = column->type;
                if (place == feed->column_count && !column->hidden && !name_is_reserved(column->name))
                        vec_push(s->arena, &s->evolved, column->name);
        }
        return STATUS_OK;
}

/* Adds the columns that this try met for the first time. */
static bool add_evolved(Staging *s) {
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

/* The next wider type that Iceberg lets a column become. */
static bool wider_type(Type type, Type *out) {
        *out = type;
        if (type.kind == TYPE_INT)
                out->kind = TYPE_BIGINT;
        else if (type.kind == TYPE_FLOAT)
                out->kind = TYPE_DOUBLE;
        else if (type.kind == TYPE_DECIMAL && type.precision < 38)
                out->precision = type.precision < 18 ? 18 : 38;
        else
                return false;
        return true;
}

/* Records of this try with a number beyond the column's type. */
static int64_t count_beyond(const Staging *s, size_t place) {
        int64_t count = 0;
        for (size_t i = 0; i < s->readings.count; i++) {
                const StageResult *result = &s->readings.items[i].result;
                for (size_t j = 0; j < result->rule_count; j++)
                        if (result->rules[j].rule == RULE_OUT_OF_RANGE && result->rules[j].place == place + 1)
                                count += result->rules[j].count;
        }
        return count;
}

/* A wider type is tried and kept only if a record fits by it that did not before: rubbish makes no column wider. */
static bool widen_column(Widening *w, int64_t beyond) {
        Type wider;
        if (w->trying && beyond < w->struck)
                w->trying = false;
        if (beyond == 0 || w->vain)
                return false;
        if (wider_type(w->type, &wider)) {
                if (!w->trying) {
                        w->narrow = w->type;
                        w->struck = beyond;
                }
                w->trying = true;
                w->type = wider;
                return true;
        }
        if (!w->trying)
                return false;
        w->type = w->narrow;
        w->trying = false;
        w->vain = true;
        return true;
}

/* Whether the deliveries are to be read again, with more or wider columns. */
static bool evolve(Staging *s) {
        bool again = adds_columns(s->feed) && add_evolved(s);
        for (size_t i = 0; i < s->feed->column_count && s->feed->evolve == FEED_EVOLVE_WIDEN; i++)
                again |= widen_column(&s->widenings[i], count_beyond(s, i));
        return again;
}

static const LakeColumn *column_of_id(const TableBody *body, int id) {
        for (size_t i = 0; i < body->column_count; i++)
                if (body->columns[i].id == id)
                        return &body->columns[i];
        return NULL;
}

/* What became of the table's columns, for people; empty when they stay, or begin. */
static Str column_changes(const Staging *s) {
        CLEANUP(buf_deinit) Buf words = { 0 };
        if (!s->before)
                return STR("");
        const TableBody *was = &s->before->body, *is = &change_table(s->table)->body;
        for (size_t i = 0; i < is->column_count; i++) {
                const LakeColumn *now = &is->columns[i], *then = column_of_id(was, now->id);
                if (!then)
                        buf_printf(&words, "; new column %.*s", STR_ARG(now->name));
                else if (!str_equal(then->name, now->name))
                        buf_printf(&words, "; column %.*s is called %.*s", STR_ARG(then->name), STR_ARG(now->name));
                if (then && !type_equal(then->type, now->type))
                        buf_printf(&words, "; %.*s was %.*s and is %.*s", STR_ARG(now->name), STR_ARG(type_print(s->arena, then->type)),
                                   STR_ARG(type_print(s->arena, now->type)));
        }
        for (size_t i = 0; i < was->column_count; i++)
                if (!column_of_id(is, was->columns[i].id))
                        buf_printf(&words, "; column %.*s is gone", STR_ARG(was->columns[i].name));
        return words.size ? buf_dup(&words, s->arena) : STR("");
}

/* ---- reading one delivery ---- */

static int field_id_of(const ChangeTable *table, Str name) {
        const LakeColumn *column = table_column(change_table(table), name);
        return column ? column->id : 0;
}

static Status stage_spec(const Staging *s, const Delivery *delivery, StageSpec *out, Error *err) {
        const Feed *feed = s->feed;
        size_t count = feed->column_count + s->evolved.count;
        SourceColumn *columns = ARENA_ARRAY(s->arena, SourceColumn, count);
        for (size_t i = 0; i < feed->column_count; i++) {
                columns[i] = feed->columns[i];
                columns[i].type = s->widenings[i].type;
        }
        for (size_t i = 0; i < s->evolved.count; i++)
                columns[feed->column_count + i] = (SourceColumn){ .name = s->evolved.items[i], .type = { .kind = TYPE_TEXT } };
        for (size_t i = 0; i < count; i++)
                columns[i].field_id = field_id_of(rows_table(s), columns[i].name);
        *out = (StageSpec){
                .format = feed->format,
                .columns = columns,
                .column_count = count,
                .ignore = feed->ignore,
                .file_id = delivery->id,
                .file_field_id = field_id_of(rows_table(s), STR("_file")),
                .row_field_id = field_id_of(rows_table(s), STR("_row")),
                .extra_field_id = feed->evolve == FEED_EVOLVE_RESCUE ? field_id_of(rows_table(s), STR("_extra")) : 0,
                .threads = s->context->threads,
                .input_limit = INPUT_LIMIT,
        };
        return fixes_of_delivery(&s->fixes, delivery->id, s->arena, &out->fixes, &out->fix_count, err);
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
            r->quarantine.rows == r->quarantined + r->fixed + r->dropped && r->accepted >= 0 && r->quarantined >= 0 && r->skipped >= 0)
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
        TRY(changeset_new_file(s->set, rows_table(s), &reading->data_path, &data, err));
        TRY(changeset_new_file(s->set, s->quarantine, &reading->quarantine_path, &quarantine, err));
        TRY(ensure_worker(s, err));
        CLEANUP(buf_deinit) Buf request = { 0 };
        int fds[] = { in, data, quarantine };
        Str reply;
        StageSpec spec;
        TRY(stage_spec(s, delivery, &spec, err));
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

static Str unknown_names(Arena *arena, const StageResult *result) {
        Str *names = ARENA_ARRAY(arena, Str, result->unknown_count);
        for (size_t i = 0; i < result->unknown_count; i++)
                names[i] = result->unknown[i].name;
        return names_text(arena, names, result->unknown_count);
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

/* The one value that a column has in all rows: of columns whose bounds are exact. */
static bool is_one_value(const FileStatistics *statistics, int field_id) {
        for (size_t i = 0; i < statistics->column_count; i++) {
                const ColumnStatistics *column = &statistics->columns[i];
                if (column->field_id == field_id)
                        return column->has_lower && column->has_upper && column->nulls == 0 && str_equal(column->lower, column->upper);
        }
        return false;
}

/* Holds a delivery of which it cannot be told when it speaks. */
static bool knows_its_time(const Staging *s, Reading *reading) {
        const Feed *feed = s->feed;
        const StageResult *r = &reading->result;
        const Delivery *delivery = &reading->report->delivery;
        OrderedDelivery order;
        order_look(feed, delivery, 1, &order);
        if (!order.known) {
                hold(reading, arena_strf(s->arena, "'as_of: name' finds no date in its name; make the expression of the source's 'as_of' fit, "
                                                   "or send the file again under a name that has one"));
                return false;
        }
        bool wants_column = feed_is_snapshots(feed) && feed->as_of.kind == AS_OF_COLUMN;
        if (!wants_column || (r->data.rows && is_one_value(&r->data, field_id_of(rows_table(s), feed->as_of.text))))
                return true;
        hold(reading, r->data.rows ? arena_strf(s->arena, "a snapshot is of one time, and column %.*s ('as_of') has several in this file",
                                                STR_ARG(feed->as_of.text))
                                   : arena_strf(s->arena, "no record of it fits, so column %.*s ('as_of') says no time", STR_ARG(feed->as_of.text)));
        return false;
}

static void judge(const Staging *s, Reading *reading) {
        const Feed *feed = s->feed;
        const StageResult *r = &reading->result;
        Arena *arena = s->arena;
        if (!knows_its_time(s, reading))
                return;
        if (r->unknown_count && feed->evolve == FEED_EVOLVE_FREEZE) {
                hold(reading, arena_strf(arena, "columns that the source does not know: %.*s; add them to its columns, or say "
                                                "'evolve: columns'", STR_ARG(unknown_names(arena, r))));
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
        Str changes = column_changes(s);
        bool rescued = s->feed->evolve == FEED_EVOLVE_RESCUE && r->unknown_count > 0;
        bool widened = s->feed->evolve == FEED_EVOLVE_WIDEN && changes.size && reading == &s->readings.items[s->readings.count - 1];
        if (!reading->accepted)
                return;
        CLEANUP(buf_deinit) Buf words = { 0 };
        if (added.count)
                buf_printf(&words, "new columns, kept as text: %.*s", STR_ARG(names_text(s->arena, added.items, added.count)));
        if (r->missing.count)
                buf_printf(&words, "%scolumns not in this file, NULL: %.*s", words.size ? "; " : "",
                           STR_ARG(names_text(s->arena, r->missing.items, r->missing.count)));
        if (rescued)
                buf_printf(&words, "%sunknown columns, kept in _extra: %.*s", words.size ? "; " : "", STR_ARG(unknown_names(s->arena, r)));
        if (widened)
                buf_append(&words, words.size ? changes : str_slice(changes, 2, changes.size));
        if (r->fixed + r->dropped)
                buf_printf(&words, "%s%lld corrected, %lld dropped by hand", words.size ? "; " : "", (long long)r->fixed, (long long)r->dropped);
        if (r->unmet)
                buf_printf(&words, "%s%lld fix%s no longer meet%s a record: it is read otherwise now", words.size ? "; " : "", (long long)r->unmet,
                           r->unmet == 1 ? "" : "es", r->unmet == 1 ? "s" : "");
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
        delivery->spec = reading_of(s, delivery);
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

/* ---- merge and history: the table out of the log ---- */

typedef struct Granted {
        Str *paths;
        size_t count;
} Granted;

static Status grant_scan(Staging *s, const LakeScan *scan, Granted *out, Error *err) {
        *out = (Granted){ ARENA_ARRAY(s->arena, Str, scan->file_count), scan->file_count };
        for (size_t i = 0; i < scan->file_count; i++) {
                const char *granted;
                TRY(worker_grant(s->worker, scan->files[i].path, s->arena, &granted, err));
                out->paths[i] = str_of(granted);
        }
        return STATUS_OK;
}

/* In order: those whose rows this try adds to the log, or those that are in it. */
static OrderedDelivery *deliveries_of_log(const Staging *s, bool added, size_t *out_count) {
        VEC(Delivery) rows = { 0 };
        for (size_t i = 0; i < s->readings.count && added; i++)
                if (s->readings.items[i].accepted)
                        vec_push(s->arena, &rows, s->readings.items[i].report->delivery);
        for (size_t i = 0; i < s->ledger_count && !added && !s->rebuild; i++)
                if (is_state(&s->ledger[i], "staged"))
                        vec_push(s->arena, &rows, s->ledger[i]);
        OrderedDelivery *order = ARENA_ARRAY(s->arena, OrderedDelivery, rows.count);
        order_look(s->feed, rows.items, rows.count, order);
        if (rows.count)
                qsort(order, rows.count, sizeof(*order), order_compare);
        *out_count = rows.count;
        return order;
}

/* Snapshots that are later than all that are in the log need no more of it than what the last one left open. */
static bool only_follows(const Staging *s, const OrderedDelivery *old, size_t old_count, const OrderedDelivery *new, size_t new_count) {
        return s->feed->load == FEED_HISTORY && feed_is_snapshots(s->feed) && s->feed->as_of.kind != AS_OF_COLUMN && old_count && new_count &&
               new[0].at_us > old[old_count - 1].at_us;
}

static void choose_deliveries(const Staging *s, FoldSpec *out) {
        size_t old_count, new_count;
        const OrderedDelivery *old = deliveries_of_log(s, false, &old_count), *new = deliveries_of_log(s, true, &new_count);
        OrderedDelivery *all = ARENA_ARRAY(s->arena, OrderedDelivery, old_count + new_count);
        out->follows = only_follows(s, old, old_count, new, new_count);
        if (out->follows)
                out->last_us = old[old_count - 1].at_us;
        for (size_t i = 0; i < old_count && !out->follows; i++)
                all[out->delivery_count++] = old[i];
        for (size_t i = 0; i < new_count; i++)
                all[out->delivery_count++] = new[i];
        if (out->delivery_count)
                qsort(all, out->delivery_count, sizeof(*all), order_compare);
        out->deliveries = all;
        out->touched_only = !out->follows && !s->rebuild && !change_table_is_new(s->table) && !fold_needs_all(s->feed);
}

static Status find_files(Staging *s, const Files *files, FoldSpec *out, Error *err) {
        LakeScan log = { 0 }, table = { 0 };
        Granted all, old, new = { 0 };
        if (!out->follows)
                TRY(changeset_plan(s->set, s->log, NULL, 0, s->arena, &log, err));
        if (out->touched_only || out->follows)
                TRY(changeset_plan(s->set, s->table, NULL, 0, s->arena, &table, err));
        TRY(grant_scan(s, &log, &all, err));
        TRY(grant_scan(s, &table, &old, err));
        new.paths = ARENA_ARRAY(s->arena, Str, files->data_count);
        for (; new.count < files->data_count; new.count++) {
                const char *granted;
                TRY(worker_grant(s->worker, files->data[new.count].path, s->arena, &granted, err));
                new.paths[new.count] = str_of(granted);
        }
        out->log_files = all.paths;
        out->log_count = all.count;
        out->old_files = old.paths;
        out->old_count = old.count;
        out->new_files = new.paths;
        out->new_count = new.count;
        return STATUS_OK;
}

static Status fold_by_worker(Staging *s, const FoldSpec *fold, ReplaceSpec *out, Error *err) {
        const TableBody *body = &change_table(s->table)->body;
        WorkerBuildColumn *columns = ARENA_ARRAY(s->arena, WorkerBuildColumn, body->column_count);
        for (size_t i = 0; i < body->column_count; i++)
                columns[i] = (WorkerBuildColumn){ body->columns[i].name, body->columns[i].id, body->columns[i].type };
        CLEANUP(buf_deinit) Buf sql = { 0 };
        fold_print(&sql, fold, s->arena);
        WorkerFile *built;
        size_t count;
        TRY(worker_build(s->worker, buf_view(&sql), columns, body->column_count, s->arena, &built, &count, err));
        LakeFile *files = ARENA_ARRAY(s->arena, LakeFile, count);
        Str *paths = ARENA_ARRAY(s->arena, Str, count);
        for (size_t i = 0; i < count; i++) {
                if (built[i].statistics.rows == 0)
                        continue;
                LakeFile *file = &files[out->file_count];
                file->statistics = built[i].statistics;
                TRY(changeset_adopt_file(s->set, s->table, built[i].path, &file->path, err));
                paths[out->file_count++] = str_of(built[i].path);
        }
        out->files = files;
        return files_hash(s->worker, paths, out->file_count, s->arena, &out->content, err);
}

/* The rows of the touched keys, or all of them, again; equal ones make no new version. */
static Status fold_log(Staging *s, const Files *files, Error *err) {
        FoldSpec fold = { .feed = s->feed, .log = change_table(s->log), .table = change_table(s->table) };
        ReplaceSpec replace = { .files = NULL };
        TRY(ensure_worker(s, err));
        choose_deliveries(s, &fold);
        Status status = find_files(s, files, &fold, err);
        if (status == STATUS_OK)
                status = fold_by_worker(s, &fold, &replace, err);
        if (status != STATUS_OK)
                return error_context(err, "making the table of %.*s.%.*s from its log", STR_ARG(s->feed->zone), STR_ARG(s->feed->name));
        return changeset_replace(s->set, s->table, &replace, NULL, err);
}

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
        TRY(put_files(s, rows_table(s), files.data, files.data_count, replace, err));
        TRY(put_files(s, s->quarantine, files.quarantine, files.quarantine_count, replace, err));
        return s->log ? fold_log(s, &files, err) : STATUS_OK;
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
        return arena_strf(s->arena, "stage %.*s.%.*s: %zu file%s, %.*s row%s%s%.*s", STR_ARG(s->feed->zone), STR_ARG(s->feed->name), files,
                          files == 1 ? "" : "s", STR_ARG(count_print(s->arena, rows)), rows == 1 ? "" : "s", again ? ", read again" : "",
                          STR_ARG(column_changes(s)));
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

/* One try from a fresh base. Columns met on the way, and wider types, ask for another reading. */
static Status try_once(Staging *s, StageReport *out, Error *err) {
        *out = (StageReport){ 0 };
        s->readings.count = 0;
        TRY(load_ledger(s->context->lake, s->feed, s->arena, &s->ledger, &s->ledger_count, err));
        TRY(fixes_load(s->context->lake->catalog, (CatalogAt){ .branch = s->context->commit.branch }, s->feed->zone, s->feed->name, s->arena,
                       &s->fixes, err));
        TRY(check_table(s, err));
        choose(s);
        if (s->readings.count == 0 && !s->rebuild)
                return STATUS_OK;
        TRY(check_reread(s, err));
        for (int round = 0;; round++) {
                TRY(open_set(s, &out->superseded, err));
                if (out->superseded)
                        return STATUS_OK;
                if (round == 0)
                        TRY(check_ledger(s, err));
                if (round == 0)
                        TRY(load_evolved(s, err));
                TRY(open_tables(s, err));
                TRY(take_all(s, err));
                if (round == EVOLVE_ROUNDS || !evolve(s))
                        break;
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
        if (context->lake)
                TRY(fixes_load(context->lake->catalog, head, feed->zone, feed->name, arena, &s.fixes, err));
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
