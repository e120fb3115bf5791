/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/workload.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/time.h"
#include "base/vec.h"
#include "lake/changeset.h"
#include "lake/compact.h"
#include "lake/retain.h"
#include "lake/sweep.h"

#define TRIES 8
#define OBJECT_MAX 65536

static const LakeColumn columns[] = { { .name = { "id", 2 }, .type = { .kind = TYPE_BIGINT } } };

WorkShared *work_shared_new(void) {
        void *memory = mmap(NULL, sizeof(WorkShared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
                panic("no memory to share");
        return memory;
}

void work_shared_free(WorkShared *shared) {
        munmap(shared, sizeof(*shared));
}

uint64_t work_chance(uint64_t *state, uint64_t below) {
        *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t mixed = (*state ^ (*state >> 29)) * UINT64_C(0xbf58476d1ce4e5b9);
        return (mixed ^ (mixed >> 32)) % below;
}

PRINTF_LIKE(2, 3) static bool broken(WorkShared *shared, const char *format, ...) {
        if (atomic_exchange(&shared->broken, true))
                return false;
        va_list args;
        va_start(args, format);
        vsnprintf(shared->words, sizeof(shared->words), format, args);
        va_end(args);
        return false;
}

static CatalogName list_name(Arena *arena, size_t list) {
        if (list == WORK_DELIVERED)
                return (CatalogName){ STR("table"), STR("shop"), STR("staging.delivered") };
        if (list >= WORK_OBJECTS_FROM)
                return (CatalogName){ STR("note"), STR("shop"), arena_strf(arena, "list%zu", list) };
        return (CatalogName){ STR("table"), STR("shop"), arena_strf(arena, "staging.list%zu", list) };
}

static CatalogName balance_name(Arena *arena, size_t number) {
        return (CatalogName){ STR("table"), STR("shop"), arena_strf(arena, "canonical.balance%zu", number) };
}

/* The churn table of that number, or its model of that stage. */
static CatalogName model_name(Arena *arena, const char *stage, size_t number) {
        return (CatalogName){ STR("table"), STR("shop"), arena_strf(arena, "%s.churn%zu", stage, number) };
}

/* Whose old versions nothing depends on. */
static bool is_churn(Str name) {
        return str_find(name, STR(".churn")) < name.size;
}

static bool is_table(size_t list) {
        return list < WORK_OBJECTS_FROM || list == WORK_DELIVERED;
}

/* ---- records ---- */

static WorkRecord *record_begin(WorkShared *shared) {
        uint32_t number = atomic_fetch_add(&shared->record_count, 1);
        if (number >= WORK_RECORDS_MAX)
                panic("the test does more than it can record");
        WorkRecord *record = &shared->records[number];
        atomic_store(&record->outcome, HISTORY_UNKNOWN);
        record->began = atomic_fetch_add(&shared->events, 1);
        record->ended = INT64_MAX;
        return record;
}

static void record_end(WorkShared *shared, WorkRecord *record, HistoryOutcome outcome) {
        record->ended = atomic_fetch_add(&shared->events, 1);
        atomic_store(&record->outcome, outcome);
}

/* How a publication went. */
static void record_answer(Work *w, WorkRecord *record, const ChangeSet *set, Status status,
                          const CatalogCommit *commit) {
        WorkShared *shared = w->shared;
        if (status == STATUS_OK) {
                record->seq = commit->seq;
                snprintf(record->commit, sizeof(record->commit), "%.*s", STR_ARG(commit->id));
        }
        bool unknown = status != STATUS_OK && changeset_is_unknown(set);
        atomic_fetch_add(status == STATUS_OK ? &shared->published : unknown ? &shared->unknown : &shared->refused, 1);
        record_end(shared, record, status == STATUS_OK ? HISTORY_OK : unknown ? HISTORY_UNKNOWN : HISTORY_REFUSED);
}

/* What may come of anything that is tried. */
static bool acceptable(Work *w, Status status, const char *what, const Error *err) {
        if (status == STATUS_OK || status == STATUS_CONFLICT)
                return true;
        if (w->troubled && (status == STATUS_IO || status == STATUS_DISK_FULL || status == STATUS_LIMIT))
                return true;
        return broken(w->shared, "%s: %s: %s", what, status_name(status), err->message);
}

/* ---- change sets ---- */

static Status begin(Work *w, ChangeSet **out, Error *err) {
        return changeset_new(w->lake, &(ChangeSetSpec){ .author = STR("a"), .via = STR("t"), .message = STR("m") }, out,
                             err);
}

/* A data file of so many rows. */
static Status write_rows(ChangeSet *set, ChangeTable *table, int64_t rows, LakeFile *out, Error *err) {
        CLEANUP(close_fdp) int fd = -1;
        const char *path = NULL;
        TRY(changeset_new_file(set, table, &path, &fd, err));
        TRY(fd_write_all(fd, str_of(path), path, err));
        *out = (LakeFile){ path, { .rows = rows, .bytes = (int64_t)strlen(path) } };
        return STATUS_OK;
}

static Status put_table(ChangeSet *set, CatalogName name, TableWrite write, ChangeTable **out, Error *err) {
        ChangeTableSpec spec = { .kind = write == TABLE_APPEND ? STR("staging") : STR("model"),
                                 .write = write,
                                 .columns = columns,
                                 .column_count = 1 };
        return changeset_table(set, name, &spec, out, err);
}

static Status append_element(ChangeSet *set, CatalogName name, uint32_t element, Error *err) {
        ChangeTable *table = NULL;
        LakeFile file;
        TRY(put_table(set, name, TABLE_APPEND, &table, err));
        TRY(write_rows(set, table, element, &file, err));
        return changeset_append(set, table, &file, 1, err);
}

static Status replace_rows(ChangeSet *set, CatalogName name, int64_t rows, Error *err) {
        ChangeTable *table = NULL;
        LakeFile file;
        TRY(put_table(set, name, TABLE_REPLACE, &table, err));
        TRY(write_rows(set, table, rows, &file, err));
        return changeset_replace(set, table, &(ReplaceSpec){ .files = &file, .file_count = 1 }, NULL, err);
}

Status work_setup(Lake *lake, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(changeset_freep) ChangeSet *set = NULL;
        CatalogCommit commit;
        Work w = { .lake = lake };
        TRY(begin(&w, &set, err));
        for (size_t i = 0; i < WORK_BALANCES; i++)
                TRY(replace_rows(set, balance_name(&arena, i), WORK_SUM / WORK_BALANCES, err));
        return changeset_publish(set, &arena, &commit, err);
}

/* ---- what is tried ---- */

/* Moves an amount between two of the three, or writes all three new. */
static Status fill_transfer(Work *w, ChangeSet *set, Arena *arena, Error *err) {
        int64_t balances[WORK_BALANCES];
        size_t from = work_chance(&w->chance, WORK_BALANCES),
               to = (from + 1 + work_chance(&w->chance, 2)) % WORK_BALANCES;
        bool all = work_chance(&w->chance, 2);
        for (size_t i = 0; i < WORK_BALANCES; i++) {
                Table table;
                TRY(lake_table(w->lake, changeset_base(set), balance_name(arena, i), arena, &table, err));
                balances[i] = table.body.rows;
        }
        int64_t amount = (int64_t)work_chance(&w->chance, (uint64_t)balances[from]);
        balances[from] -= amount;
        balances[to] += amount;
        for (size_t i = 0; i < WORK_BALANCES; i++)
                if (all || i == from || i == to)
                        TRY(replace_rows(set, balance_name(arena, i), balances[i], err));
        return STATUS_OK;
}

/* Blindly to some tables; to an object by reading it, which another's writing refuses. */
static Status fill_append(Work *w, ChangeSet *set, WorkRecord *record, Arena *arena, Error *err) {
        record->element = atomic_fetch_add(&w->shared->elements, 1) + 1;
        for (size_t list = 0; list < WORK_DELIVERED; list++) {
                if (work_chance(&w->chance, 3) != 0)
                        continue;
                record->appends[list] = true;
                CatalogName name = list_name(arena, list);
                if (is_table(list)) {
                        TRY(append_element(set, name, record->element, err));
                        continue;
                }
                CatalogObject object = { 0 };
                Status status = catalog_get(w->lake->catalog, changeset_base(set), name, arena, &object, err);
                if (status != STATUS_OK && status != STATUS_NOT_FOUND)
                        return status;
                Str before = status == STATUS_OK ? object.body : STR("");
                TRY(changeset_put_object(
                        set, name,
                        arena_strf(arena, "%.*s%s%u", STR_ARG(before), before.size ? " " : "", record->element), err));
        }
        return STATUS_OK;
}

/* Takes the oldest delivery that is landed; the ledger says whether another was quicker. */
static Status fill_stage(Work *w, ChangeSet *set, WorkRecord *record, Arena *arena, Error *err) {
        Delivery *rows = NULL;
        size_t count = 0;
        TRY(catalog_deliveries(w->lake->catalog, &(DeliveryQuery){ .state = STR("landed") }, arena, &rows, &count,
                               err));
        if (count == 0)
                return STATUS_OK;
        Delivery row = rows[work_chance(&w->chance, count)];
        record->element = (uint32_t)row.id;
        record->appends[WORK_DELIVERED] = true;
        row.state = STR("staged");
        row.expect = row.revision;
        TRY(append_element(set, list_name(arena, WORK_DELIVERED), record->element, err));
        changeset_ledger(set, &row, 1, NULL, 0);
        return STATUS_OK;
}

static Status churn_append(ChangeSet *set, CatalogName name, int64_t rows, Error *err) {
        ChangeTable *table = NULL;
        LakeFile file;
        TRY(put_table(set, name, TABLE_APPEND, &table, err));
        if (rows == 0)
                return changeset_append(set, table, NULL, 0, err);
        TRY(write_rows(set, table, rows, &file, err));
        return changeset_append(set, table, &file, 1, err);
}

/* ---- models ---- */

/* One row more than what it is built from has. */
static Status build_model(ChangeSet *set, CatalogName name, const LakeInput *input, int64_t rows, Arena *arena, ChangeTable **out,
                          Error *err) {
        LakeFile file;
        TRY(put_table(set, name, TABLE_REPLACE, out, err));
        TRY(write_rows(set, *out, rows + 1, &file, err));
        ReplaceSpec spec = { .files = &file,
                             .file_count = 1,
                             .model = true,
                             .inputs = input,
                             .input_count = 1,
                             .content = arena_strf(arena, "%lld", (long long)rows),
                             .fingerprint = STR("f") };
        return changeset_replace(set, *out, &spec, NULL, err);
}

/* A model of the table, and a model of that model. */
static Status fill_models(Work *w, ChangeSet *set, size_t number, Arena *arena, Error *err) {
        Table source;
        ChangeTable *first = NULL, *second = NULL;
        Status status = lake_table(w->lake, changeset_base(set), model_name(arena, "staging", number), arena, &source, err);
        if (status != STATUS_OK)
                return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        LakeInput input = { table_full_name(arena, &source), source.body.rows_snapshot, source.body.rows_sequence };
        TRY(build_model(set, model_name(arena, "canonical", number), &input, source.body.rows, arena, &first, err));
        input = change_table_input(first, arena);
        return build_model(set, model_name(arena, "analytical", number), &input, source.body.rows + 1, arena, &second, err);
}

/* A model that is said to be of what its source has now is of that. */
static Status check_model(Lake *lake, CatalogAt at, const char *stage, const char *source_stage, size_t number, Arena *arena,
                          Error *err) {
        Table model, source;
        Status status = lake_table(lake, at, model_name(arena, stage, number), arena, &model, err);
        if (status == STATUS_OK)
                status = lake_table(lake, at, model_name(arena, source_stage, number), arena, &source, err);
        if (status != STATUS_OK)
                return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        bool current = model.body.input_count == 1 && model.body.inputs[0].snapshot == source.body.rows_snapshot;
        if (!current || model.body.rows == source.body.rows + 1)
                return STATUS_OK;
        return error_set(err, STATUS_CORRUPT, "%.*s has %lld rows, is called current, and its source has %lld", STR_ARG(model.name),
                         (long long)model.body.rows, (long long)source.body.rows);
}

static Status check_models(Lake *lake, CatalogAt at, Arena *arena, Error *err) {
        for (size_t i = 0; i < WORK_CHURNS; i++) {
                TRY(check_model(lake, at, "canonical", "staging", i, arena, err));
                TRY(check_model(lake, at, "analytical", "canonical", i, arena, err));
        }
        return STATUS_OK;
}

/* ---- the rest of what is tried ---- */

static Status fill_churn(Work *w, ChangeSet *set, Arena *arena, bool *out_abandon, Error *err) {
        size_t number = (size_t)work_chance(&w->chance, WORK_CHURNS);
        CatalogName name = model_name(arena, "staging", number);
        switch (work_chance(&w->chance, 6)) {
        case 0:
                return churn_append(set, name, 0, err);
        case 1:
                *out_abandon = true;
                return churn_append(set, name, 5, err);
        case 2:
                return changeset_remove_object(set, name, err);
        case 3:
        case 4:
                return fill_models(w, set, number, arena, err);
        default:
                return churn_append(set, name, 5, err);
        }
}

static Status fill(Work *w, WorkKind kind, ChangeSet *set, WorkRecord *record, Arena *arena, bool *out_abandon,
                   Error *err) {
        switch (kind) {
        case WORK_TRANSFER:
                return fill_transfer(w, set, arena, err);
        case WORK_APPEND:
                return fill_append(w, set, record, arena, err);
        case WORK_STAGE:
                return fill_stage(w, set, record, arena, err);
        default:
                return fill_churn(w, set, arena, out_abandon, err);
        }
}

/* One change set from its beginning to its answer. */
static Status attempt(Work *w, WorkKind kind, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(changeset_freep) ChangeSet *set = NULL;
        WorkRecord *record = record_begin(w->shared);
        CatalogCommit commit = { .id = STR("") };
        bool abandon = false;
        Status status = begin(w, &set, err);
        if (status == STATUS_OK)
                status = fill(w, kind, set, record, &arena, &abandon, err);
        if (status != STATUS_OK || abandon) {
                record_end(w->shared, record, HISTORY_REFUSED);
                return status;
        }
        status = changeset_publish(set, &arena, &commit, err);
        record_answer(w, record, set, status, &commit);
        return status;
}

static Status land(Work *w, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Delivery row = { .zone = STR("shop"), .source = STR("o"), .name = STR("o"), .state = STR("landed") };
        row.id = atomic_fetch_add(&w->shared->elements, 1) + 1;
        row.sha256 = arena_strf(&arena, "%lld", (long long)row.id);
        return catalog_ledger(w->lake->catalog, &row, 1, NULL, 0, err);
}

static bool change(Work *w, WorkKind kind) {
        Error err = { 0 };
        if (kind == WORK_STAGE && work_chance(&w->chance, 2) == 0)
                return acceptable(w, land(w, &err), "landing", &err);
        Status status = STATUS_CONFLICT;
        for (int i = 0; i < TRIES && status == STATUS_CONFLICT; i++)
                status = attempt(w, kind, &err);
        return acceptable(w, status, "a change", &err);
}

/* ---- reading ---- */

static uint32_t *take_values(WorkShared *shared, size_t count, uint32_t *out_from) {
        *out_from = atomic_fetch_add(&shared->value_count, (uint32_t)count);
        if (*out_from + count > WORK_VALUES_MAX)
                panic("the test reads more than it can record");
        return &shared->values[*out_from];
}

/* "1 2 3" */
static size_t parse_numbers(Str text, uint32_t *out) {
        size_t count = 0;
        Str word;
        int64_t value = 0;
        for (bool more = text.size > 0; more; count++) {
                more = str_cut(text, ' ', &word, &text);
                if (!str_to_int64(word, &value))
                        panic("a list as an object is not one");
                out[count] = (uint32_t)value;
        }
        return count;
}

/* The elements of a table in the order of its files, of an object in its own. */
static Status read_list(Lake *lake, CatalogAt at, size_t list, Arena *arena, uint32_t **out, size_t *out_count,
                        Error *err) {
        Error absent = { 0 };
        Status status;
        *out_count = 0;
        if (is_table(list)) {
                Table table;
                LakeScan scan;
                status = lake_table(lake, at, list_name(arena, list), arena, &table, &absent);
                if (status == STATUS_NOT_FOUND)
                        return STATUS_OK;
                if (status == STATUS_OK)
                        status = lake_plan(lake, &table, NULL, 0, arena, &scan, &absent);
                *out = status == STATUS_OK ? ARENA_ARRAY(arena, uint32_t, scan.file_count) : NULL;
                for (size_t i = 0; status == STATUS_OK && i < scan.file_count; i++)
                        (*out)[(*out_count)++] = (uint32_t)scan.files[i].rows;
        } else {
                CatalogObject object;
                status = catalog_get(lake->catalog, at, list_name(arena, list), arena, &object, &absent);
                if (status == STATUS_NOT_FOUND)
                        return STATUS_OK;
                *out = status == STATUS_OK ? ARENA_ARRAY(arena, uint32_t, object.body.size) : NULL;
                if (status == STATUS_OK)
                        *out_count = parse_numbers(object.body, *out);
        }
        if (status != STATUS_OK)
                *err = absent;
        return status;
}

static Status read_sum(Lake *lake, CatalogAt at, Arena *arena, int64_t *out, Error *err) {
        int64_t sum = 0;
        for (size_t i = 0; i < WORK_BALANCES; i++) {
                Table table;
                LakeScan scan;
                TRY(lake_table(lake, at, balance_name(arena, i), arena, &table, err));
                TRY(lake_plan(lake, &table, NULL, 0, arena, &scan, err));
                if (scan.file_count != 1 || scan.rows != table.body.rows)
                        return error_set(err, STATUS_CORRUPT, "a balance has %zu files and %lld rows of %lld",
                                         scan.file_count, (long long)scan.rows, (long long)table.body.rows);
                sum += scan.rows;
        }
        *out = sum;
        return STATUS_OK;
}

static Status read_all(Work *w, WorkRecord *record, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CatalogCommit head;
        int64_t sum = 0;
        TRY(catalog_head(w->lake->catalog, STR(""), &arena, &head, err));
        CatalogAt at = { STR(""), head.seq };
        TRY(read_sum(w->lake, at, &arena, &sum, err));
        TRY(check_models(w->lake, at, &arena, err));
        if (sum != WORK_SUM)
                return error_set(err, STATUS_CORRUPT, "the sum at commit %lld is %lld", (long long)head.seq,
                                 (long long)sum);
        for (size_t list = 0; list < WORK_LISTS; list++) {
                uint32_t *elements = NULL;
                size_t count = 0;
                TRY(read_list(w->lake, at, list, &arena, &elements, &count, err));
                uint32_t *values = take_values(w->shared, count, &record->read_from[list]);
                if (count)
                        memcpy(values, elements, count * sizeof(*values));
                record->read_count[list] = (uint32_t)count;
                record->reads[list] = true;
        }
        record->seq = head.seq;
        return STATUS_OK;
}

static bool look(Work *w) {
        Error err = { 0 };
        WorkRecord *record = record_begin(w->shared);
        Status status = read_all(w, record, &err);
        if (status != STATUS_OK)
                memset(record->reads, 0, sizeof(record->reads));
        atomic_fetch_add(&w->shared->read, 1);
        record_end(w->shared, record, HISTORY_OK);
        return acceptable(w, status, "reading", &err);
}

/* ---- upkeep ---- */

static Status rule_of(void *context UNUSED, CatalogName name, RetainRule *out, Error *err UNUSED) {
        *out = (RetainRule){ is_churn(name.name) ? 0 : RETAIN_FOREVER, STR("the test's rule") };
        return STATUS_OK;
}

static ChangeSetSpec upkeep_spec(void) {
        return (ChangeSetSpec){ .author = STR("a"), .via = STR("tidy"), .message = STR("m") };
}

static Status retain(Lake *lake, bool strays, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        RetainSpec spec = { .rule = rule_of, .commit = upkeep_spec(), .now_us = time_now_us(), .strays = strays };
        RetainResult result;
        return lake_retain(lake, &spec, &arena, &result, err);
}

static Status merge(void *context UNUSED, ChangeSet *set, ChangeTable *table, const LakeScanFile *files, size_t count,
                    Arena *arena UNUSED, LakeFile *out, Error *err) {
        int64_t rows = 0;
        for (size_t i = 0; i < count; i++)
                rows += files[i].rows;
        return write_rows(set, table, rows, out, err);
}

static Status compact(Work *w, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        size_t number = (size_t)work_chance(&w->chance, WORK_CHURNS);
        CompactSpec spec = { .commit = upkeep_spec(), .name = model_name(&arena, "staging", number), .least_files = 2, .merge = merge };
        CompactResult result;
        Status status = lake_compact(w->lake, &spec, &result, err);
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static Status sweep(Work *w, Error *err) {
        SweepResult swept;
        return lake_sweep(w->lake, (size_t)work_chance(&w->chance, 3), &swept, err);
}

bool work_once(Work *w, WorkKind kind) {
        Error err = { 0 };
        atomic_fetch_add(&w->shared->swept, kind == WORK_SWEEP || kind == WORK_RETAIN);
        switch (kind) {
        case WORK_READ:
                return look(w);
        case WORK_SWEEP:
                return acceptable(w, sweep(w, &err), "the sweep", &err);
        case WORK_RETAIN:
                return acceptable(w, retain(w->lake, true, &err), "retention", &err);
        case WORK_COMPACT:
                return acceptable(w, compact(w, &err), "compaction", &err);
        default:
                return change(w, kind);
        }
}

/* ---- the judgement ---- */

/* Where an element stands in the truth: which version brought it, told by the commit. */
typedef struct Truth {
        VEC(uint32_t) elements; /* in the order in which commits brought them */
        VEC(int64_t) seqs;
} Truth;

typedef struct Judge {
        Arena arena;
        Lake *lake;
        WorkShared *shared;
        bool strict;
        Map whole;    /* data files that were read and are whole */
        Map metadata; /* metadata.json of every version */
        Truth truths[WORK_LISTS];
} Judge;

static void judge_deinit(Judge *j) {
        lake_free(j->lake);
        arena_deinit(&j->arena);
}

static Status judge_file(Judge *j, const char *path, Error *err) {
        Str bytes = STR_NONE;
        if (map_has(&j->whole, str_of(path)))
                return STATUS_OK;
        TRY(file_read(path, 4096, &j->arena, &bytes, err));
        if (!str_is(bytes, path))
                return error_set(err, STATUS_CORRUPT, "'%s' is torn", path);
        map_put(&j->whole, str_of(path), j);
        return STATUS_OK;
}

/* Every file that a version of a table needs is there and whole. */
static Status judge_version(Judge *j, const CatalogObject *object, LakeScan *out, Error *err) {
        Table table;
        CatalogExpired expired;
        *out = (LakeScan){ 0 };
        if (catalog_expired(j->lake->catalog, object->body_hash, &j->arena, &expired, err) == STATUS_OK)
                return is_churn(object->name)
                               ? STATUS_OK
                               : error_set(err, STATUS_CORRUPT, "a version of %.*s is expired", STR_ARG(object->name));
        TRY(lake_table(j->lake, (CatalogAt){ STR(""), object->seq },
                       (CatalogName){ object->kind, object->zone, object->name }, &j->arena, &table, err));
        TRY(lake_plan(j->lake, &table, NULL, 0, &j->arena, out, err));
        map_put(&j->metadata, table.body.metadata_location, j);
        if (out->rows != table.body.rows || (int64_t)out->file_count != table.body.files)
                return error_set(err, STATUS_CORRUPT, "%.*s counts otherwise than its manifests", STR_ARG(table.name));
        for (size_t i = 0; i < out->file_count; i++)
                if (judge_file(j, out->files[i].path, err) != STATUS_OK)
                        return error_context(err, "%.*s at commit %lld", STR_ARG(object->name), (long long)object->seq);
        return STATUS_OK;
}

/* Elements of this version that the one before has not are new; none of that one's may be gone. */
static Status learn(Judge *j, size_t list, int64_t seq, const uint32_t *elements, size_t count, Error *err) {
        Truth *truth = &j->truths[list];
        size_t before = truth->elements.count, kept = 0;
        for (size_t i = 0; i < count; i++) {
                size_t at = 0;
                while (at < before && truth->elements.items[at] != elements[i])
                        at++;
                kept += at < before;
                if (at < before)
                        continue;
                vec_push(&j->arena, &truth->elements, elements[i]);
                vec_push(&j->arena, &truth->seqs, seq);
        }
        if (kept == before)
                return STATUS_OK;
        return error_set(err, STATUS_CORRUPT, "list %zu lost %zu elements in commit %lld", list, before - kept,
                         (long long)seq);
}

static Status judge_history(Judge *j, CatalogName name, size_t list, Error *err) {
        CatalogObject *versions = NULL;
        size_t count = 0;
        TRY(catalog_history(j->lake->catalog, STR(""), name, 0, &j->arena, &versions, &count, err));
        for (size_t i = count; i-- > 0;) { /* newest first, they come */
                uint32_t *elements = NULL;
                size_t element_count = 0;
                LakeScan scan;
                if (versions[i].body_hash.size == 0)
                        continue;
                if (str_is(name.kind, "table"))
                        TRY(judge_version(j, &versions[i], &scan, err));
                if (list >= WORK_LISTS)
                        continue;
                TRY(read_list(j->lake, (CatalogAt){ STR(""), versions[i].seq }, list, &j->arena, &elements,
                              &element_count, err));
                TRY(learn(j, list, versions[i].seq, elements, element_count, err));
        }
        return STATUS_OK;
}

static Status judge_tables(Judge *j, Error *err) {
        for (size_t list = 0; list < WORK_LISTS; list++)
                TRY(judge_history(j, list_name(&j->arena, list), list, err));
        for (size_t i = 0; i < WORK_BALANCES; i++)
                TRY(judge_history(j, balance_name(&j->arena, i), WORK_LISTS, err));
        for (size_t i = 0; i < WORK_CHURNS; i++) {
                TRY(judge_history(j, model_name(&j->arena, "staging", i), WORK_LISTS, err));
                TRY(judge_history(j, model_name(&j->arena, "canonical", i), WORK_LISTS, err));
                TRY(judge_history(j, model_name(&j->arena, "analytical", i), WORK_LISTS, err));
        }
        return STATUS_OK;
}

/* The sum at every commit; that times and numbers of commits go the same way, whatever the clock did. */
static Status judge_commits(Judge *j, Map *out_commits, Error *err) {
        CatalogCommit *commits = NULL;
        size_t count = 0;
        int64_t verified = 0;
        TRY(catalog_verify_chain(j->lake->catalog, &verified, err));
        TRY(catalog_log(j->lake->catalog, STR(""), 0, WORK_RECORDS_MAX, &j->arena, &commits, &count, err));
        for (size_t i = 0; i < count; i++) {
                int64_t sum = 0;
                map_put(out_commits, commits[i].id, &commits[i]);
                TRY(read_sum(j->lake, (CatalogAt){ STR(""), commits[i].seq }, &j->arena, &sum, err));
                TRY(check_models(j->lake, (CatalogAt){ STR(""), commits[i].seq }, &j->arena, err));
                if (sum != WORK_SUM)
                        return error_set(err, STATUS_CORRUPT, "the sum at commit %lld is %lld",
                                         (long long)commits[i].seq, (long long)sum);
                if (i && (commits[i].seq >= commits[i - 1].seq || commits[i].at_us >= commits[i - 1].at_us))
                        return error_set(err, STATUS_CORRUPT, "commit %lld does not come before the next",
                                         (long long)commits[i].seq);
        }
        return STATUS_OK;
}

static int64_t seq_of(const Truth *truth, uint32_t element) {
        for (size_t i = 0; i < truth->elements.count; i++)
                if (truth->elements.items[i] == element)
                        return truth->seqs.items[i];
        return 0;
}

/* What was answered is there, what was refused is not, and what nobody knows is there in one commit or nowhere. */
static Status judge_record(Judge *j, const WorkRecord *record, const Map *commits, Error *err) {
        int outcome = atomic_load(&record->outcome);
        int64_t seq = -1;
        if (outcome == HISTORY_OK && record->commit[0] && !map_has(commits, str_of(record->commit)))
                return error_set(err, STATUS_CORRUPT, "commit %lld was answered and is lost", (long long)record->seq);
        for (size_t list = 0; list < WORK_LISTS; list++) {
                if (!record->appends[list])
                        continue;
                int64_t found = seq_of(&j->truths[list], record->element);
                /* another may have staged the same delivery */
                bool shared = list == WORK_DELIVERED && outcome != HISTORY_OK;
                if ((seq >= 0 && found != seq) || (outcome == HISTORY_OK && found != record->seq) ||
                    (outcome == HISTORY_REFUSED && found != 0 && !shared))
                        return error_set(
                                err, STATUS_CORRUPT,
                                "element %u of list %zu was answered %d (commit %lld) and stands in commit %lld",
                                record->element, list, outcome, (long long)record->seq, (long long)found);
                seq = found;
        }
        return STATUS_OK;
}

static Status judge_records(Judge *j, const Map *commits, Error *err) {
        uint32_t count = atomic_load(&j->shared->record_count);
        for (uint32_t i = 0; i < count; i++)
                TRY(judge_record(j, &j->shared->records[i], commits, err));
        return STATUS_OK;
}

/* Each delivery is in the table once, exactly if the ledger says that it is staged, by the commit that it names. */
static Status judge_ledger(Judge *j, Error *err) {
        const Truth *truth = &j->truths[WORK_DELIVERED];
        Delivery *rows = NULL;
        size_t count = 0, staged = 0;
        TRY(catalog_deliveries(j->lake->catalog, &(DeliveryQuery){ .zone = STR("shop") }, &j->arena, &rows, &count,
                               err));
        for (size_t i = 0; i < count; i++) {
                int64_t seq = seq_of(truth, (uint32_t)rows[i].id);
                if (str_is(rows[i].state, "staged") ? seq == 0 || seq != rows[i].seq : seq != 0)
                        return error_set(
                                err, STATUS_CORRUPT, "delivery %lld is %.*s by commit %lld and stands in commit %lld",
                                (long long)rows[i].id, STR_ARG(rows[i].state), (long long)rows[i].seq, (long long)seq);
                staged += seq != 0;
        }
        if (staged != truth->elements.count)
                return error_set(err, STATUS_CORRUPT, "%zu deliveries are staged, and %zu stand in the table", staged,
                                 truth->elements.count);
        return STATUS_OK;
}

/* Counts files below by the end of their name; *out_unknown is one that no version needs. */
static Status judge_rubbish(Judge *j, const char *folder, Error *err) {
        DirEntry *entries = NULL;
        size_t count = 0;
        TRY(dir_list(folder, &j->arena, &entries, &count, err));
        for (size_t i = 0; i < count; i++) {
                const char *path = path_join(&j->arena, folder, arena_cstr(&j->arena, entries[i].name));
                if (entries[i].is_dir) {
                        TRY(judge_rubbish(j, path, err));
                        continue;
                }
                bool data = str_ends_with(entries[i].name, STR(".parquet"));
                bool metadata = str_ends_with(entries[i].name, STR(".metadata.json"));
                if ((data && !map_has(&j->whole, str_of(path))) ||
                    (metadata && !map_has(&j->metadata, str_of(path))))
                        return error_set(err, STATUS_CORRUPT, "'%s' is left and nobody needs it", path);
        }
        return STATUS_OK;
}

static Status judge_leftovers(Judge *j, Error *err) {
        DirEntry *entries = NULL;
        size_t count = 0;
        TRY(dir_list(j->lake->store->queue_dir, &j->arena, &entries, &count, err));
        if (count)
                return error_set(err, STATUS_CORRUPT, "'%.*s' is left in the queue", STR_ARG(entries[0].name));
        return judge_rubbish(j, j->lake->store->tables_dir, err);
}

/* ---- the history ---- */

/* A table tells no order by itself: a read is put into that of the commits, and what does not stand there comes last. */
static void put_in_order(const Truth *truth, uint32_t *elements, size_t count) {
        size_t done = 0;
        for (size_t at = 0; at < truth->elements.count && done < count; at++) {
                for (size_t i = done; i < count; i++) {
                        if (elements[i] != truth->elements.items[at])
                                continue;
                        elements[i] = elements[done];
                        elements[done++] = truth->elements.items[at];
                        break;
                }
        }
}

static HistoryTransaction transaction_of(Judge *j, WorkRecord *record) {
        HistoryTransaction transaction = { .outcome = (HistoryOutcome)atomic_load(&record->outcome),
                                           .began = record->began,
                                           .ended = record->ended };
        HistoryAppend *appends = ARENA_ARRAY(&j->arena, HistoryAppend, WORK_LISTS);
        HistoryRead *reads = ARENA_ARRAY(&j->arena, HistoryRead, WORK_LISTS);
        for (uint32_t list = 0; list < WORK_LISTS; list++) {
                if (list == WORK_DELIVERED) /* judged by the ledger: several may try to stage the same */
                        continue;
                if (record->appends[list])
                        appends[transaction.append_count++] = (HistoryAppend){ list, record->element };
                if (!record->reads[list])
                        continue;
                uint32_t *elements = &j->shared->values[record->read_from[list]];
                if (is_table(list))
                        put_in_order(&j->truths[list], elements, record->read_count[list]);
                reads[transaction.read_count++] = (HistoryRead){ list, elements, record->read_count[list] };
        }
        transaction.appends = appends;
        transaction.reads = reads;
        return transaction;
}

static Status judge_transactions(Judge *j, Error *err) {
        uint32_t count = atomic_load(&j->shared->record_count);
        HistoryTransaction *transactions = ARENA_ARRAY(&j->arena, HistoryTransaction, count);
        Str words;
        for (uint32_t i = 0; i < count; i++)
                transactions[i] = transaction_of(j, &j->shared->records[i]);
        HistoryFault fault = history_check(transactions, count, &j->arena, &words);
        return fault == HISTORY_SOUND ? STATUS_OK : error_set(err, STATUS_CORRUPT, "%.*s", STR_ARG(words));
}

Status work_check(const char *root, WorkShared *shared, bool strict, bool final, Error *err) {
        CLEANUP(judge_deinit) Judge j = { .shared = shared, .strict = strict };
        Map commits;
        map_init(&j.whole, &j.arena);
        map_init(&j.metadata, &j.arena);
        map_init(&commits, &j.arena);
        TRY(lake_open(root, &j.lake, err));
        if (final) {
                Work last = { .lake = j.lake, .shared = shared };
                if (!work_once(&last, WORK_READ))
                        return error_set(err, STATUS_CORRUPT, "%s", shared->words);
        }
        SweepResult swept;
        TRY(lake_sweep(j.lake, 0, &swept, err));
        TRY(retain(j.lake, !strict, err));
        TRY(judge_tables(&j, err));
        TRY(judge_commits(&j, &commits, err));
        TRY(judge_records(&j, &commits, err));
        TRY(judge_ledger(&j, err));
        TRY(judge_leftovers(&j, err));
        return final ? judge_transactions(&j, err) : STATUS_OK;
}
