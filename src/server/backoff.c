/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backoff.h"

#include <pthread.h>

#include "base/hash.h"

#define PLACES 4096
#define PROBES 8              /* places that one key may have */
#define FREE_OF_USER 3        /* failures that cost nothing */
#define FREE_OF_ADDRESS 30
#define FIRST_WAIT_US 100000

typedef struct Place {
        uint64_t key; /* 0: free */
        int failures;
        int64_t last_us;
} Place;

struct Backoff {
        pthread_mutex_t lock;
        Place places[PLACES];
};

Backoff *backoff_new(void) {
        Backoff *backoff = calloc(1, sizeof(*backoff));
        if (!backoff)
                out_of_memory();
        pthread_mutex_init(&backoff->lock, NULL);
        return backoff;
}

void backoff_free(Backoff *backoff) {
        if (!backoff)
                return;
        pthread_mutex_destroy(&backoff->lock);
        free(backoff);
}

/* Two that meet in one key share their failures: they wait a little longer, and nobody can choose whom to meet. */
static uint64_t key_of(Str address, Str user) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        uint64_t key = hash64(arena_strf(&arena, "%.*s\n%.*s", STR_ARG(address), STR_ARG(user)));
        return key ? key : 1;
}

static Place *find(Backoff *backoff, uint64_t key, int64_t now_us) {
        for (size_t i = 0; i < PROBES; i++) {
                Place *place = &backoff->places[(key + i) % PLACES];
                if (place->key == key && now_us - place->last_us < BACKOFF_FORGET_US)
                        return place;
        }
        return NULL;
}

static Place *take(Backoff *backoff, uint64_t key, int64_t now_us) {
        Place *found = find(backoff, key, now_us);
        if (found)
                return found;
        Place *oldest = &backoff->places[key % PLACES];
        for (size_t i = 0; i < PROBES; i++) {
                Place *place = &backoff->places[(key + i) % PLACES];
                if (place->key == key || place->key == 0) {
                        oldest = place;
                        break;
                }
                if (place->last_us < oldest->last_us)
                        oldest = place;
        }
        *oldest = (Place){ .key = key };
        return oldest;
}

static int64_t wait_of(const Place *place, int free) {
        int beyond = place->failures - free;
        if (beyond < 0)
                return 0;
        int64_t wait = beyond > 10 ? BACKOFF_MOST_US : (int64_t)FIRST_WAIT_US << beyond;
        return wait < BACKOFF_MOST_US ? wait : BACKOFF_MOST_US;
}

int64_t backoff_until(Backoff *backoff, Str address, Str user, int64_t now_us) {
        int64_t until = now_us;
        pthread_mutex_lock(&backoff->lock);
        const Place *places[] = { find(backoff, key_of(address, user), now_us), find(backoff, key_of(address, STR("")), now_us) };
        static const int frees[] = { FREE_OF_USER, FREE_OF_ADDRESS };
        for (size_t i = 0; i < COUNT_OF(places); i++) {
                int64_t then = places[i] ? places[i]->last_us + wait_of(places[i], frees[i]) : 0;
                until = then > until ? then : until;
        }
        pthread_mutex_unlock(&backoff->lock);
        return until;
}

void backoff_failed(Backoff *backoff, Str address, Str user, int64_t now_us, int *out_count) {
        pthread_mutex_lock(&backoff->lock);
        Place *place = take(backoff, key_of(address, user), now_us);
        place->last_us = now_us;
        *out_count = ++place->failures;
        place = take(backoff, key_of(address, STR("")), now_us);
        place->last_us = now_us;
        place->failures++;
        pthread_mutex_unlock(&backoff->lock);
}

void backoff_succeeded(Backoff *backoff, Str address, Str user) {
        pthread_mutex_lock(&backoff->lock);
        Place *place = find(backoff, key_of(address, user), INT64_MIN / 2);
        if (place)
                *place = (Place){ 0 };
        pthread_mutex_unlock(&backoff->lock);
}
