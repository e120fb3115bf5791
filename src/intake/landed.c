/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/landed.h"

#include "base/file.h"
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define BLOCK (256u << 10)

struct Landed {
        const Delivery *delivery;
        char *path;
        int fd;
        pthread_t thread;
        bool running;
        atomic_bool stop;
        Sha256 hash;    /* these three are the thread's until it is joined */
        int64_t bytes;
        int read_error; /* errno, or 0 */
};

int landed_fd(const Landed *landed) {
        return landed->fd;
}

static void *hash_whole(void *context) {
        Landed *landed = context;
        Sha256Stream *stream = sha256_new();
        char *block = malloc(BLOCK);
        if (!block)
                out_of_memory();
        while (!atomic_load(&landed->stop)) {
                ssize_t got = pread(landed->fd, block, BLOCK, landed->bytes);
                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        landed->read_error = errno;
                if (got <= 0)
                        break;
                sha256_update(stream, (Str){ block, (size_t)got });
                landed->bytes += got;
        }
        landed->hash = sha256_finish(stream);
        free(block);
        return NULL;
}

static Status damaged(const Landed *landed, const char *what, Error *err) {
        const Delivery *delivery = landed->delivery;
        error_set(err, STATUS_CORRUPT, "the landed file of '%.*s' (%.*s.%.*s) %s: '%s'", STR_ARG(delivery->name), STR_ARG(delivery->zone),
                  STR_ARG(delivery->source), what, landed->path);
        return error_hint(err, "nothing that was read from it is used; lode verify names all that is damaged, lode restore DIR --damaged puts the file "
                               "back from a backup; without one, ask its sender for these very bytes and put them there");
}

Status landed_open(const Store *store, const Delivery *delivery, Landed **out, Error *err) {
        Landed *landed = calloc(1, sizeof(*landed));
        CLEANUP(arena_deinit) Arena arena = { 0 };
        if (!landed || !(landed->path = strdup(store_absolute(store, &arena, delivery->landing))))
                out_of_memory();
        landed->delivery = delivery;
        landed->fd = -1;
        Status status = file_open(landed->path, &landed->fd, err);
        if (status == STATUS_NOT_FOUND)
                status = damaged(landed, "is gone", err);
        if (status != STATUS_OK) {
                landed_close(landed);
                return status;
        }
        landed->running = thread_begin(&landed->thread, hash_whole, landed) == 0;
        *out = landed;
        return STATUS_OK;
}

static void wait_for_hash(Landed *landed) {
        if (landed->running)
                pthread_join(landed->thread, NULL);
        else
                hash_whole(landed); /* no thread was to be had */
        landed->running = false;
}

Status landed_judge(Landed *landed, Status status, Error *err) {
        Sha256 wanted;
        if (status == STATUS_INTERRUPTED)
                return status;
        wait_for_hash(landed);
        if (landed->read_error)
                return error_errno(err, landed->read_error, "cannot read the landed file '%s'", landed->path);
        if (!sha256_from_hex(landed->delivery->sha256, &wanted) || memcmp(&wanted, &landed->hash, sizeof(wanted)) != 0)
                return damaged(landed, "is not what arrived: its SHA-256 is another", err);
        return status;
}

void landed_close(Landed *landed) {
        if (!landed)
                return;
        atomic_store(&landed->stop, true);
        if (landed->running)
                pthread_join(landed->thread, NULL);
        close_fdp(&landed->fd);
        free(landed->path);
        free(landed);
}

void landed_closep(Landed **landed) {
        landed_close(*landed);
        *landed = NULL;
}
