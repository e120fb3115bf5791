/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/runs.h"

#include "base/json.h"
#include "base/vec.h"

#define LAST STR("last_run")

#define SLOTS STR("run slot")

/* A ring: the 101st that is kept takes the place of the first. Not every number is kept. */
static Str slot_of(Arena *arena, int64_t slot) {
        return arena_strf(arena, "run %lld", (long long)(slot % RUNS_KEPT));
}

/* The newest's; 0 = none is kept. */
static Status last_slot(Catalog *catalog, Arena *arena, int64_t *out, Error *err) {
        Error absent = { 0 };
        Str text;
        *out = 0;
        Status status = catalog_meta(catalog, SLOTS, arena, &text, &absent);
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        if (status != STATUS_OK) {
                *err = absent;
                return status;
        }
        return str_to_int64(text, out) ? STATUS_OK : error_set(err, STATUS_CORRUPT, "the catalog's count of runs is no number");
}

static Status number_of(Str json, Arena *arena, int64_t *out, Error *err) {
        Json *run;
        TRY(json_parse(json, "a run", arena, &run, err));
        *out = json_integer(json_get(run, "run"), 0);
        return STATUS_OK;
}

Status runs_keep(Catalog *catalog, Str json, bool ended, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        int64_t slot;
        TRY(catalog_next(catalog, SLOTS, &slot, err));
        TRY(catalog_put_meta(catalog, slot_of(&arena, slot), json.size > RUN_BYTES_MAX ? STR("") : json, err));
        return ended ? catalog_put_meta(catalog, LAST, json, err) : STATUS_OK;
}

/* *out empty: nothing is there. */
static Status look(Catalog *catalog, int64_t slot, Arena *arena, Str *out, int64_t *out_number, Error *err) {
        Error absent = { 0 };
        *out = STR_NONE;
        *out_number = 0;
        Status status = catalog_meta(catalog, slot_of(arena, slot), arena, out, &absent);
        if (status == STATUS_NOT_FOUND || (status == STATUS_OK && out->size == 0)) {
                *out = STR_NONE;
                return STATUS_OK;
        }
        if (status != STATUS_OK) {
                *err = absent;
                return status;
        }
        return number_of(*out, arena, out_number, err);
}

Status runs_find(Catalog *catalog, int64_t number, Arena *arena, Str *out, Error *err) {
        int64_t last = 0, slot, found;
        Status status = catalog_meta(catalog, LAST, arena, out, err);
        if (status == STATUS_OK)
                TRY(number_of(*out, arena, &last, err));
        if (number == 0 || number == last || (status != STATUS_OK && status != STATUS_NOT_FOUND))
                return status;
        TRY(last_slot(catalog, arena, &slot, err));
        for (int64_t end = slot - RUNS_KEPT; slot > 0 && slot > end; slot--) {
                TRY(look(catalog, slot, arena, out, &found, err));
                if (found == number)
                        return STATUS_OK;
        }
        error_set(err, STATUS_NOT_FOUND, "there is no run %lld to show: the last is %lld, and %d are kept", (long long)number, (long long)last, RUNS_KEPT);
        return error_hint(err, "lode log lists what every run published");
}

Status runs_list(Catalog *catalog, Arena *arena, Str **out, size_t *out_count, Error *err) {
        VEC(Str) runs = { 0 };
        Error absent = { 0 };
        Str json;
        int64_t last = 0, slot, number;
        Status status = catalog_meta(catalog, LAST, arena, &json, &absent);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
                *err = absent;
                return status;
        }
        if (status == STATUS_OK) {
                vec_push(arena, &runs, json);
                TRY(number_of(json, arena, &last, err));
        }
        TRY(last_slot(catalog, arena, &slot, err));
        for (int64_t end = slot - RUNS_KEPT; slot > 0 && slot > end; slot--) {
                TRY(look(catalog, slot, arena, &json, &number, err));
                if (json.size > 0 && number != last)
                        vec_push(arena, &runs, json);
        }
        *out = runs.items;
        *out_count = runs.count;
        return STATUS_OK;
}
