/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/runs.h"

#include "base/json.h"
#include "base/vec.h"

#define LAST STR("last_run")

/* A ring: run 101 takes the place of run 1. */
static Str slot_of(Arena *arena, int64_t number) {
        return arena_strf(arena, "run %lld", (long long)(number % RUNS_KEPT));
}

static Status number_of(Str json, Arena *arena, int64_t *out, Error *err) {
        Json *run;
        TRY(json_parse(json, "a run", arena, &run, err));
        *out = json_integer(json_get(run, "run"), 0);
        return STATUS_OK;
}

Status runs_keep(Catalog *catalog, int64_t number, Str json, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        TRY(catalog_put_meta(catalog, slot_of(&arena, number), json.size > RUN_BYTES_MAX ? STR("") : json, err));
        return catalog_put_meta(catalog, LAST, json, err);
}

/* *out empty: it is not there. */
static Status look(Catalog *catalog, int64_t number, Arena *arena, Str *out, Error *err) {
        Error absent = { 0 };
        int64_t found = 0;
        *out = STR_NONE;
        Status status = catalog_meta(catalog, slot_of(arena, number), arena, out, &absent);
        if (status == STATUS_NOT_FOUND || (status == STATUS_OK && out->size == 0)) {
                *out = STR_NONE;
                return STATUS_OK;
        }
        if (status != STATUS_OK) {
                *err = absent;
                return status;
        }
        TRY(number_of(*out, arena, &found, err));
        if (found != number)
                *out = STR_NONE;
        return STATUS_OK;
}

Status runs_find(Catalog *catalog, int64_t number, Arena *arena, Str *out, Error *err) {
        int64_t last;
        TRY(catalog_meta(catalog, LAST, arena, out, err));
        TRY(number_of(*out, arena, &last, err));
        if (number == 0 || number == last)
                return STATUS_OK;
        TRY(look(catalog, number, arena, out, err));
        if (out->size > 0)
                return STATUS_OK;
        error_set(err, STATUS_NOT_FOUND, "there is no run %lld to show: the last is %lld, and %d are kept", (long long)number, (long long)last, RUNS_KEPT);
        return error_hint(err, "lode log lists what every run published");
}

Status runs_list(Catalog *catalog, Arena *arena, Str **out, size_t *out_count, Error *err) {
        VEC(Str) runs = { 0 };
        Error absent = { 0 };
        Str json;
        int64_t last = 0;
        Status status = catalog_meta(catalog, LAST, arena, &json, &absent);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
                *err = absent;
                return status;
        }
        if (status == STATUS_OK) {
                vec_push(arena, &runs, json);
                TRY(number_of(json, arena, &last, err));
        }
        for (int64_t number = last - 1; number > 0 && number > last - RUNS_KEPT; number--) {
                TRY(look(catalog, number, arena, &json, err));
                if (json.size > 0)
                        vec_push(arena, &runs, json);
        }
        *out = runs.items;
        *out_count = runs.count;
        return STATUS_OK;
}
