/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/staging.h"

#include "base/file.h"
#include "base/json.h"
#include "frame/unseen.h"
#include "intake/landed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define DETAIL_RULES_MAX 50

static bool names_rows(const Feed *feed, Str column) {
        for (size_t i = 0; i < feed->key.count; i++)
                if (str_equal_nocase(feed->key.items[i], column))
                        return true;
        return false;
}

static int field_id_of(const ChangeTable *table, Str name) {
        const LakeColumn *column = table_column(change_table(table), name);
        return column ? column->id : 0;
}

static bool is_evolved(const Feed *feed, const LakeColumn *column) {
        for (size_t i = 0; i < feed->column_count; i++)
                if (str_equal_nocase(feed->columns[i].name, column->name))
                        return false;
        return !column->hidden && !name_is_reserved(column->name);
}

void feed_key_names(const TableBody *table, Arena *arena, KeyName **out, size_t *out_count) {
        Json *detail;
        Error ignored;
        *out = NULL;
        *out_count = 0;
        if (table->detail.size == 0 || json_parse(table->detail, NULL, arena, &detail, &ignored) != STATUS_OK)
                return;
        const Json *keys = json_get(detail, "keys");
        *out = ARENA_ARRAY(arena, KeyName, json_count(keys) + 1);
        for (; *out_count < json_count(keys); ++*out_count)
                (*out)[*out_count] = (KeyName){ json_string(json_get(json_at(keys, *out_count), "path")),
                                                json_string(json_get(json_at(keys, *out_count), "name")) };
}

/* A column that may be called otherwise in some files is found by either name. */
static void take_keys(SourceColumn *columns, size_t count, const KeyName *names, size_t name_count) {
        for (size_t i = 0; i < count; i++)
                for (size_t k = 0; k < name_count && columns[i].from.size == 0 && columns[i].was.size == 0; k++)
                        if (str_equal_nocase(names[k].name, columns[i].name))
                                columns[i].from = names[k].path;
}

SourceColumn *feed_read_columns(const Feed *feed, const TableBody *table, const KeyName *names, size_t name_count, Arena *arena,
                                size_t *out_count) {
        KeyName *kept = NULL;
        size_t kept_count = 0;
        if (!names)
                feed_key_names(table, arena, &kept, &kept_count);
        SourceColumn *columns = ARENA_ARRAY(arena, SourceColumn, feed->column_count + table->column_count + 1);
        size_t count = 0;
        for (; count < feed->column_count; count++) {
                columns[count] = feed->columns[count];
                for (size_t i = 0; i < table->column_count; i++) {
                        if (!str_equal_nocase(table->columns[i].name, feed->columns[count].name))
                                continue;
                        columns[count].type = table->columns[i].type;
                        columns[count].field_id = table->columns[i].id;
                }
        }
        for (size_t i = 0; i < table->column_count; i++)
                if (is_evolved(feed, &table->columns[i]))
                        columns[count++] = (SourceColumn){ .name = table->columns[i].name, .type = table->columns[i].type, .field_id = table->columns[i].id };
        take_keys(columns, count, names ? names : kept, names ? name_count : kept_count);
        *out_count = count;
        return columns;
}

static void choose_keys(const Staging *s, StageSpec *out) {
        out->keys = ARENA_ARRAY(s->arena, size_t, out->column_count + 1);
        for (size_t i = 0; i < out->column_count; i++)
                if (names_rows(s->feed, out->columns[i].name))
                        out->keys[out->key_count++] = i;
}

static Status stage_spec(const Staging *s, const Delivery *delivery, StageSpec *out, Error *err) {
        static const KeyName none;
        const Feed *feed = s->feed;
        size_t count;
        SourceColumn *columns = feed_read_columns(feed, &change_table(staging_rows(s))->body, s->key_names.items ? s->key_names.items : &none, s->key_names.count, s->arena, &count);
        *out = (StageSpec){
                .format = feed->format,
                .columns = columns,
                .column_count = count,
                .ignore = feed->ignore,
                .file_id = delivery->id,
                .file_field_id = field_id_of(staging_rows(s), STR("_file")),
                .row_field_id = field_id_of(staging_rows(s), STR("_row")),
                .witness_field_id = s->log ? field_id_of(s->log, STR("_witness")) : 0,
                .extra_field_id = feed->evolve == FEED_EVOLVE_RESCUE ? field_id_of(staging_rows(s), STR("_extra")) : 0,
                .threads = s->context->threads,
                .input_limit = FEED_INPUT_LIMIT,
        };
        if (out->witness_field_id)
                choose_keys(s, out);
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
        if (r->records == r->accepted + r->quarantined + r->skipped && r->data.rows == r->accepted + r->witnesses &&
            r->quarantine.rows == r->quarantined + r->fixed + r->dropped && r->accepted >= 0 && r->quarantined >= 0 && r->skipped >= 0)
                return STATUS_OK;
        return error_set(err, STATUS_INTERNAL,
                         "the counts do not add up: %lld records, %lld accepted (%lld rows), %lld quarantined (%lld rows), "
                         "%lld skipped",
                         (long long)r->records, (long long)r->accepted, (long long)r->data.rows, (long long)r->quarantined,
                         (long long)r->quarantine.rows, (long long)r->skipped);
}

Status staging_worker(Staging *s, Error *err) {
        if (s->worker && worker_is_lost(s->worker)) {
                worker_release(s->worker);
                s->worker = NULL;
        }
        return s->worker ? STATUS_OK : worker_lease(s->context->pool, s->context->principal, &s->worker, err);
}

static Status read_landed(Staging *s, Reading *reading, int in, Error *err) {
        const Delivery *delivery = &reading->report->delivery;
        CLEANUP(close_fdp) int data = -1;
        CLEANUP(close_fdp) int quarantine = -1;
        TRY(changeset_new_file(s->set, staging_rows(s), &reading->data_path, &data, err));
        TRY(changeset_new_file(s->set, s->quarantine, &reading->quarantine_path, &quarantine, err));
        TRY(staging_worker(s, err));
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

static Status read_delivery(Staging *s, Reading *reading, Error *err) {
        CLEANUP(landed_closep) Landed *landed = NULL;
        TRY(landed_open(s->context->lake->store, &reading->report->delivery, &landed, err));
        return landed_judge(landed, read_landed(s, reading, landed_fd(landed), err), err);
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

/* Columns of the text, each with the header that was looked for where that is another. */
static Str missing_names(const Staging *s, StrList missing) {
        Str *names = ARENA_ARRAY(s->arena, Str, missing.count);
        for (size_t i = 0; i < missing.count; i++) {
                names[i] = missing.items[i];
                for (size_t j = 0; j < s->feed->column_count; j++) {
                        const SourceColumn *column = &s->feed->columns[j];
                        if (str_equal(column->name, missing.items[i]) && column->from.size && !str_equal(column->from, column->name))
                                names[i] = arena_strf(s->arena, "%.*s (from '%.*s')", STR_ARG(column->name), STR_ARG(column->from));
                }
        }
        return names_text(s->arena, names, missing.count);
}

static Str unknown_names(Arena *arena, const StageResult *result) {
        Str *names = ARENA_ARRAY(arena, Str, result->unknown_count);
        for (size_t i = 0; i < result->unknown_count; i++)
                names[i] = result->unknown[i].name;
        return names_text(arena, names, result->unknown_count);
}

static bool file_has(const StageResult *result, Str name) {
        for (size_t i = 0; i < result->header.count; i++)
                if (str_equal_nocase(result->header.items[i], name) || (i < result->keys.count && str_equal_nocase(result->keys.items[i], name)))
                        return true;
        return false;
}

/* Of the text's `ignore`, what the file has: a name that only other files know says nothing of this one. */
static Str ignored_names(const Staging *s, const StageResult *result) {
        StrList ignore = s->feed->ignore;
        Str *names = ARENA_ARRAY(s->arena, Str, ignore.count + 1);
        size_t count = 0;
        for (size_t i = 0; i < ignore.count; i++)
                if (file_has(result, ignore.items[i]))
                        names[count++] = ignore.items[i];
        return names_text(s->arena, names, count);
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

/* The one value that a column has in all rows, or all but so many: of columns whose bounds are exact. */
static bool is_one_value(const FileStatistics *statistics, int field_id, int64_t nulls) {
        for (size_t i = 0; i < statistics->column_count; i++) {
                const ColumnStatistics *column = &statistics->columns[i];
                if (column->field_id == field_id)
                        return column->has_lower && column->has_upper && column->nulls == nulls && str_equal(column->lower, column->upper);
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
        int64_t nulls = names_rows(feed, feed->as_of.text) ? r->keyless > 0 : r->witnesses;
        if (!wants_column || (r->accepted && is_one_value(&r->data, field_id_of(staging_rows(s), feed->as_of.text), nulls)))
                return true;
        hold(reading, r->accepted ? arena_strf(s->arena, "a snapshot is of one time, and column %.*s ('as_of') has several in this file",
                                                STR_ARG(feed->as_of.text))
                                   : arena_strf(s->arena, "no record of it fits, so column %.*s ('as_of') says no time", STR_ARG(feed->as_of.text)));
        return false;
}

/* A key in a nested column that is to become a field and cannot. */
static const StageUnknown *key_without_field(const Staging *s, const StageResult *r) {
        size_t keys = 0;
        for (size_t i = 0; i < r->unknown_count; i++)
                keys += r->unknown[i].place > 0;
        for (size_t i = 0; i < r->unknown_count && s->feed->evolve != FEED_EVOLVE_RESCUE; i++)
                if (r->unknown[i].place && !staging_can_grow(s, &r->unknown[i], keys))
                        return &r->unknown[i];
        return NULL;
}

static bool has_header(const Format *format) {
        return format->header && (format->kind == FORMAT_CSV || format->kind == FORMAT_XLSX);
}

/* Nothing where something must be: what an export that failed leaves behind. A header without records says that there are
 * none, and so does a list without items; no byte at all says nothing, and must neither empty a table nor end its keys. */
static bool is_hollow(const Staging *s, Reading *reading) {
        const Feed *feed = s->feed;
        const StageResult *r = &reading->result;
        const bool header = has_header(&feed->format), list = feed->format.kind == FORMAT_JSON; /* which a worker holds itself */
        if (r->accepted + r->quarantined + r->dropped + r->headers > 0 || list || !(header || feed_is_snapshots(feed)))
                return false;
        hold(reading, header ? STR("the file is empty: it has neither a header nor a record; was it a failed export? ask for the file again")
                             : STR("the file is empty: it has no record, and each file of this source is the whole table; was it a failed "
                                   "export? ask for the file again"));
        return true;
}

static void judge(const Staging *s, Reading *reading) {
        const Feed *feed = s->feed;
        const StageResult *r = &reading->result;
        Arena *arena = s->arena;
        if (is_hollow(s, reading) || !knows_its_time(s, reading))
                return;
        if (r->unknown_count && feed->evolve == FEED_EVOLVE_FREEZE) {
                hold(reading, arena_strf(arena, "columns that the source does not know: %.*s; add them to its columns, or say "
                                                "'evolve: columns'", STR_ARG(unknown_names(arena, r))));
                return;
        }
        const StageUnknown *stuck = key_without_field(s, r);
        if (stuck) {
                hold(reading, arena_strf(arena, "the key %.*s cannot become a field: a struct has at most %d, so its keys are data rather than names; "
                                                "declare what holds them as text", STR_ARG(stuck->name), TYPE_STRUCT_FIELDS_MAX));
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

/* Of a file that lay elsewhere, and of one that a sender dropped, the names tell nobody that they are the same file. */
static const Delivery *namesake(const Staging *s, const Delivery *delivery) {
        Str base = str_of(path_base(arena_cstr(s->arena, delivery->name)));
        for (size_t i = 0; i < s->ledger_count; i++) {
                const Delivery *other = &s->ledger[i];
                bool one_is_plain = (base.size == delivery->name.size) != (str_find_byte(other->name, '/') == other->name.size);
                if (other->landed_us < delivery->landed_us && staging_is(other, "staged") && one_is_plain &&
                    str_equal(base, str_of(path_base(arena_cstr(s->arena, other->name)))) && !str_equal(other->name, delivery->name))
                        return other;
        }
        return NULL;
}

/* Values that fit, of which the reader made more than stands there, or which look like others and are not. */
static void note_remarks(const Staging *s, const Reading *reading, Buf *words) {
        const StageResult *r = &reading->result;
        for (size_t i = 0; i < r->remark_count && i < DETAIL_RULES_MAX; i++) {
                const StageRemark *remark = &r->remarks[i];
                bool one = remark->count == 1;
                buf_printf(words, "%s%.*s: %lld %s ", words->size ? "; " : "", STR_ARG(remark->column), (long long)remark->count, one ? "value" : "values");
                if (remark->remark == REMARK_TWICE)
                        buf_printf(words, "%s in the hour that comes twice when clocks go back, the first of both is taken (as '%.*s')", one ? "is" : "are", STR_ARG(remark->text));
                else
                        buf_printf(words, "begin%s or end%s with what no eye sees, as '%.*s', and so %s without it%s", one ? "s" : "", one ? "s" : "",
                                   STR_ARG(unseen_shown(s->arena, remark->text)), one ? "is another text than the one" : "are other texts than those",
                                   names_rows(s->feed, remark->column) ? ": as a key it names another row" : "");
        }
}

/* What of a delivery that was accepted wants a look. */
static void note_risks(const Staging *s, const Reading *reading, Buf *words) {
        const int64_t misfits = reading->result.quarantined;
        const Delivery *other = reading->report->reread ? NULL : namesake(s, &reading->report->delivery);
        if (other)
                buf_printf(words, "%s" FEED_NAMESAKE " '%.*s'; lode fix --withdraw takes one of them out", words->size ? "; " : "",
                           STR_ARG(other->name));
        const int64_t unread = reading->result.keyless, read = misfits - unread;
        if (!reading->result.witnesses)
                return;
        if (unread)
                buf_printf(words, "%s%lld quarantined record%s no key that can be read, so no key counts as missing in this snapshot and none ended; "
                                  "correct or drop %s (lode fix)", words->size ? "; " : "", (long long)unread, unread == 1 ? " has" : "s have", unread == 1 ? "it" : "them");
        if (read)
                buf_printf(words, "%s%lld quarantined record%s what held of %s before go on as it was; correct %s (lode fix)",
                           words->size ? "; " : "", (long long)read, read == 1 ? " lets" : "s let", read == 1 ? "its key" : "their keys", read == 1 ? "it" : "them");
}

static void note_columns(const Staging *s, Reading *reading) {
        const StageResult *r = &reading->result;
        DeliveryReport *report = reading->report;
        bool is_bare = r->header.count == 0 && r->records == r->skipped; /* keys of no record: none is missing */
        report->missing = is_bare ? (StrList){ 0 } : r->missing;
        VEC(Str) added = { 0 };
        for (size_t i = 0; i < r->header.count; i++) {
                Str key_name = i < r->keys.count ? staging_name_of_key(s, r->keys.items[i]) : STR("");
                Str name = key_name.size ? key_name : r->header.items[i];
                for (size_t j = 0; j < s->evolved.count; j++)
                        if (str_equal_nocase(name, s->evolved.items[j].name))
                                vec_push(s->arena, &added, name);
        }
        report->added = (StrList){ added.items, added.count };
        Str changes = staging_column_changes(s);
        bool rescued = s->feed->evolve == FEED_EVOLVE_RESCUE && r->unknown_count > 0;
        bool widened = s->feed->evolve == FEED_EVOLVE_WIDEN && changes.size && reading == &s->readings.items[s->readings.count - 1];
        if (!reading->accepted)
                return;
        CLEANUP(buf_deinit) Buf words = { 0 };
        if (added.count)
                buf_printf(&words, "new columns, %s: %.*s", format_is_typed(s->feed->format.kind) ? "with the file's types" : "kept as text",
                           STR_ARG(names_text(s->arena, added.items, added.count)));
        if (reading->grown.count)
                buf_printf(&words, "%snew fields, kept as text: %.*s", words.size ? "; " : "", STR_ARG(names_text(s->arena, reading->grown.items, reading->grown.count)));
        if (is_bare)
                buf_printf(&words, "%sthe file has no record", words.size ? "; " : "");
        if (report->missing.count)
                buf_printf(&words, "%scolumns not in this file, NULL: %.*s", words.size ? "; " : "",
                           STR_ARG(missing_names(s, r->missing)));
        Str ignored = ignored_names(s, r);
        if (ignored.size)
                buf_printf(&words, "%scolumns ignored: %.*s", words.size ? "; " : "", STR_ARG(ignored));
        if (rescued)
                buf_printf(&words, "%sunknown columns, kept in _extra: %.*s", words.size ? "; " : "", STR_ARG(unknown_names(s->arena, r)));
        if (widened)
                buf_append(&words, words.size ? changes : str_slice(changes, 2, changes.size));
        if (r->fixed + r->dropped)
                buf_printf(&words, "%s%lld corrected, %lld dropped by hand", words.size ? "; " : "", (long long)r->fixed, (long long)r->dropped);
        if (r->unmet)
                buf_printf(&words, "%s%lld fix%s no longer meet%s a record: it is read otherwise now", words.size ? "; " : "", (long long)r->unmet,
                           r->unmet == 1 ? "" : "es", r->unmet == 1 ? "s" : "");
        if (r->full)
                buf_printf(&words, "%s%lld skipped by footer or comment, and as full as a record (the first on line %lld): if it is one, footer or comment says too much",
                           words.size ? "; " : "", (long long)r->full, (long long)r->full_line);
        note_remarks(s, reading, &words);
        note_risks(s, reading, &words);
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
        delivery->spec = staging_reading(s, delivery);
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

Status staging_take_all(Staging *s, Error *err) {
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
