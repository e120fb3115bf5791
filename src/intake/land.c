/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/land.h"

#include "base/file.h"
#include "base/map.h"
#include "base/time.h"
#include "base/vec.h"
#include "intake/file_seen.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define COPY_BLOCK (1u << 20)
#define OTHER_FILES 50 /* descriptors that a process has open besides, workers and catalog included */

/* One file of a batch on its way. */
typedef struct Landing {
        LandedFile *result;
        int source_fd;
        int target_fd;         /* open and locked until the batch is done */
        const char *folder;    /* landing folder, absolute */
        const char *temporary; /* NULL once renamed or given up */
        const char *final;
        Str sha256;
        int64_t bytes;
        struct stat taken;     /* the file as it was when its last byte was read */
        int64_t landed_us;
        Str as_of;
} Landing;

/* Those whose deliveries are told apart by when they land, and the first of each that could not be landed; of all batches. */
typedef VEC(const LandedFile *) FailedFeeds;

typedef struct Batch {
        Lake *lake;
        Arena *arena;
        Landing *items;
        size_t count;
        Str block;
        const volatile sig_atomic_t *interrupted;
        int claims_fd; /* closing it gives all claims back */
        FailedFeeds *failed;
} Batch;

int64_t delivery_id(Str zone, Str source, Str sha256, Str as_of) {
        CLEANUP(buf_deinit) Buf key = { 0 };
        buf_lstr(&key, zone);
        buf_lstr(&key, source);
        buf_lstr(&key, sha256);
        buf_lstr(&key, as_of);
        Sha256 hash = sha256_of(buf_view(&key));
        uint64_t id = 0;
        for (size_t i = 0; i < 8; i++)
                id = id << 8 | hash.bytes[i];
        id &= INT64_MAX;
        return id ? (int64_t)id : 1;
}

static void give_up(Landing *landing, LandState state, Str message) {
        if (landing->temporary)
                unlink(landing->temporary);
        landing->temporary = NULL;
        landing->result->state = state;
        landing->result->message = message;
}

static void fail(Landing *landing, Arena *arena, const Error *err) {
        give_up(landing, LAND_FAILED, arena_strf(arena, "%s%s%s", err->message, err->hint[0] ? "; " : "", err->hint));
}

/* ---- settled? ---- */

/*
 * Nobody has the file open for writing: a read lease can be had (fcntl F_SETLEASE fails with EAGAIN while anybody
 * writes). Where leases do not exist, or the file is another user's, it must not have changed for `settle`. Who opens it
 * for writing while the lease is held breaks it, and the kernel sends SIGIO, which the program ignores.
 */
bool land_is_settled(int fd, const struct stat *st, int64_t settle_us) {
        if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
                fcntl(fd, F_SETLEASE, F_UNLCK);
                return true;
        }
        if (errno == EAGAIN)
                return false;
        int64_t changed = (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000;
        return time_now_us() - changed >= settle_us;
}

static bool same_version(const struct stat *a, const struct stat *b) {
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
               time_of_file_ns(a->st_mtim) == time_of_file_ns(b->st_mtim);
}

/* Unchanged since the last look, and that look was later than the change by more than any clock's grain. */
static bool is_known(Lake *lake, const FoundFile *file, Arena *arena) {
        FileSeen seen;
        Error ignored;
        if (catalog_file_seen(lake->catalog, file->zone, file->feed->name, str_of(file->path), arena, &seen, &ignored) != STATUS_OK)
                return false;
        return file_seen_fits(&seen, &file->st) && (!file_seen_is_young(&seen) || str_is(seen.state, "unpacked")); /* unpack.c looks into those */
}

/*
 * So that two runs do not copy the same file: a lock that dies with the process, held until the ledger has the file. It
 * is a byte in the store's file of claims and not the file itself, which other stores and sources may be reading too.
 */
static bool claim(int claims_fd, const FoundFile *file, const struct stat *st) {
        CLEANUP(buf_deinit) Buf key = { 0 };
        buf_printf(&key, "%ju %ju ", (uintmax_t)st->st_dev, (uintmax_t)st->st_ino);
        buf_lstr(&key, file->zone);
        buf_lstr(&key, file->feed->name);
        uint64_t byte;
        Sha256 hash = sha256_of(buf_view(&key));
        memcpy(&byte, hash.bytes, sizeof(byte));
        return file_lock_byte(claims_fd, (int64_t)(byte >> 2));
}

/*
 * A file of ingress, or out of an archive, is opened from the folder that holds it without following a link, so that a sender who swaps a folder
 * or the file for a link after it was found gets nothing read that lies elsewhere.
 */
int land_open(const FoundFile *file, Arena *arena) {
        const uint64_t flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
        Str name = file->archive.size ? str_slice(file->name, file->archive.size + 1, file->name.size) : file->name; /* below the folder */
        size_t folder_size = strlen(file->path) - name.size;
        if (!file->in_ingress)
                return open(file->path, (int)flags);
        const char *folder_path = arena_cstr(arena, (Str){ file->path, folder_size });
        CLEANUP(close_fdp) int folder = open(folder_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0)
                return -1;
        struct open_how how = { .flags = flags, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
        return (int)syscall(SYS_openat2, folder, arena_cstr(arena, name), &how, sizeof(how));
}

/* Opens and claims. A file that another run took meanwhile is unsettled. */
static bool open_source(Landing *landing, int claims_fd, Arena *arena) {
        const FoundFile *file = landing->result->file;
        Error err;
        landing->source_fd = land_open(file, arena);
        if (landing->source_fd < 0 && errno == ENOENT) {
                give_up(landing, LAND_UNSETTLED, STR("another run has taken it"));
                return false;
        }
        if (landing->source_fd < 0) {
                error_errno(&err, errno, "cannot open '%s'", file->path);
                fail(landing, arena, &err);
                return false;
        }
        struct stat now;
        bool is_file = fstat(landing->source_fd, &now) == 0 && S_ISREG(now.st_mode);
        if (!is_file || !claim(claims_fd, file, &now)) {
                give_up(landing, LAND_UNSETTLED, STR("another run is taking it"));
                return false;
        }
        if (!file_exists(file->path)) {
                give_up(landing, LAND_UNSETTLED, STR("another run has taken it"));
                return false;
        }
        if (!land_is_settled(landing->source_fd, &now, file->feed->settle_us)) {
                give_up(landing, LAND_UNSETTLED, STR("somebody is still writing it"));
                return false;
        }
        return true;
}

/* ---- copying ---- */

/* to: -1 = hash only. */
static Status copy_and_hash(Landing *landing, int to, Str block, const volatile sig_atomic_t *interrupted, Arena *arena, Error *err) {
        CLEANUP(sha256_freep) Sha256Stream *hash = sha256_new();
        const char *path = landing->result->file->path;
        landing->bytes = 0;
        for (;;) {
                if (interrupted && *interrupted)
                        return error_set(err, STATUS_INTERRUPTED, "interrupted; '%s' waits for the next run", path);
                char *into = (char *)(uintptr_t)block.data;
                ssize_t got = read(landing->source_fd, into, block.size);
                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return error_errno(err, errno, "cannot read '%s'", path);
                if (got == 0)
                        break;
                Str bytes = { block.data, (size_t)got };
                sha256_update(hash, bytes);
                if (to >= 0)
                        TRY(fd_write_all(to, bytes, landing->temporary, err));
                landing->bytes += got;
        }
        landing->sha256 = sha256_hex(arena, sha256_finish(TAKE_PTR(hash)));
        return STATUS_OK;
}

/*
 * A new file among those that arrive. Its lock says that its writer lives; a sweep that comes between its birth and its
 * lock takes it away, and then it is made again.
 */
static Status make_arriving(const Store *store, Arena *arena, const char **out_path, int *out_fd, Error *err) {
        for (int attempt = 0; attempt < 100; attempt++) {
                const char *path = arena_printf(arena, "%s/%016llx", store->arriving_dir, (unsigned long long)random_u64());
                CLEANUP(close_fdp) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
                Error busy;
                if (fd < 0)
                        return error_errno(err, errno, "cannot create a file in '%s'", store->arriving_dir);
                if (file_lock(fd, true, true, &busy) != STATUS_OK || !file_exists(path))
                        continue;
                *out_path = path;
                *out_fd = TAKE_FD(fd);
                return STATUS_OK;
        }
        return error_set(err, STATUS_IO, "cannot keep a file in '%s'", store->arriving_dir);
}

/* What the dead left half copied. */
static void sweep_arriving(const Store *store) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        DirEntry *entries = NULL;
        size_t count = 0;
        Error ignored;
        if (dir_list(store->arriving_dir, &arena, &entries, &count, &ignored) != STATUS_OK)
                return;
        for (size_t i = 0; i < count; i++) {
                const char *path = path_join(&arena, store->arriving_dir, arena_cstr(&arena, entries[i].name));
                CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
                if (fd >= 0 && file_lock(fd, false, true, &ignored) == STATUS_OK)
                        unlink(path);
        }
}

static Status copy_file(const Batch *batch, Landing *landing, Error *err) {
        const Lake *lake = batch->lake;
        Arena *arena = batch->arena;
        const FoundFile *file = landing->result->file;
        struct stat before;
        if (fstat(landing->source_fd, &before) < 0)
                return error_errno(err, errno, "cannot look at '%s'", file->path);
        TRY(store_check_reserve(lake->store, (uint64_t)before.st_size, err));
        char *folder;
        TRY(store_landing_dir(lake->store, arena, file->zone, file->feed->name, landing->landed_us, &folder, err));
        TRY(dir_make(folder, err));
        landing->folder = folder;
        TRY(make_arriving(lake->store, arena, &landing->temporary, &landing->target_fd, err));
        const int to = landing->target_fd;
        TRY(copy_and_hash(landing, to, batch->block, batch->interrupted, arena, err));
        if (fstat(landing->source_fd, &landing->taken) < 0 || !same_version(&before, &landing->taken)) {
                give_up(landing, LAND_UNSETTLED, STR("it changed while it was being copied"));
                return STATUS_OK;
        }
        landing->final = path_join(arena, folder, landing->sha256.data);
        fd_sync(to, landing->temporary);
        return STATUS_OK;
}

/* ---- what it is: new, known bytes, a known name ---- */

static void make_delivery(Landing *landing, Str state, Str message) {
        const FoundFile *file = landing->result->file;
        const Feed *feed = file->feed;
        landing->result->delivery = (Delivery){
                .id = delivery_id(feed->zone, feed->name, landing->sha256, landing->as_of),
                .zone = feed->zone,
                .source = feed->name,
                .name = file->name,
                .sha256 = landing->sha256,
                .bytes = landing->bytes,
                .as_of = landing->as_of,
                .landed_us = landing->landed_us,
                .state = state,
                .message = message,
                .spec = feed->reading,
                .expect = DELIVERY_ANY,
        };
}

/* Of this source, newest first. */
static Status newest_delivery(Lake *lake, const Feed *feed, Arena *arena, Delivery **out, Error *err) {
        DeliveryQuery query = { .zone = feed->zone, .source = feed->name, .limit = 1 };
        size_t count;
        Delivery *rows;
        TRY(catalog_deliveries(lake->catalog, &query, arena, &rows, &count, err));
        *out = count ? &rows[0] : NULL;
        return STATUS_OK;
}

/* A file of this name whose removal from ingress did not last: the ledger took it, and then the process or the machine
 * stopped. Among snapshots told apart by landing it would else pass for a newer delivery and undo what came after it. */
static Status find_returned(Lake *lake, Landing *landing, Arena *arena, bool *out_found, Error *err) {
        const FoundFile *file = landing->result->file;
        FileSeen seen;
        *out_found = false;
        if (!file->in_ingress)
                return STATUS_OK;
        Status status = catalog_file_seen(lake->catalog, file->zone, file->feed->name, str_of(file->path), arena, &seen, err);
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        TRY(status);
        if (seen.size != landing->bytes || seen.mtime_ns != time_of_file_ns(file->st.st_mtim) || !str_equal(seen.sha256, landing->sha256))
                return STATUS_OK;
        TRY(catalog_delivery(lake->catalog, seen.delivery, arena, &landing->result->delivery, err));
        *out_found = true;
        return STATUS_OK;
}

/* What this source's newest delivery will be when the batch is recorded so far, or NULL. */
static Status newest_so_far(Batch *batch, size_t index, const Delivery **out, Error *err) {
        const Feed *feed = batch->items[index].result->file->feed;
        for (size_t i = index; i-- > 0;) {
                const LandedFile *earlier = batch->items[i].result;
                *out = &earlier->delivery;
                if (earlier->state == LAND_NEW && earlier->file->feed == feed)
                        return STATUS_OK;
        }
        Delivery *newest;
        TRY(newest_delivery(batch->lake, feed, batch->arena, &newest, err));
        *out = newest;
        return STATUS_OK;
}

/* The time that a delivery is told apart by, beside its bytes: of a snapshot. Empty where bytes alone count. */
static Str as_of_now(const Landing *landing, Arena *arena) {
        const Feed *feed = landing->result->file->feed;
        Delivery row = { .name = landing->result->file->name, .landed_us = landing->landed_us };
        OrderedDelivery order;
        order_look(feed, &row, 1, &order);
        bool counts = feed->as_of.kind == AS_OF_NAME || (feed_is_snapshots(feed) && feed->as_of.kind != AS_OF_COLUMN);
        return counts && order.known ? time_print_us(arena, order.at_us) : STR("");
}

/* The same bytes speak of another time under another name; to append them again would double rows. */
static bool tells_by_name(const Feed *feed) {
        return feed->load != FEED_APPEND && feed->as_of.kind == AS_OF_NAME;
}

static bool tells_by_landing(const Feed *feed) {
        return feed_is_snapshots(feed) && feed->as_of.kind != AS_OF_NAME && feed->as_of.kind != AS_OF_COLUMN;
}

/* Files of one name follow each other there, and the last one counts. */
static bool name_counts(const Feed *feed) {
        return feed->redelivery == FEED_REDELIVERY_REPLACE && !tells_by_landing(feed);
}

/* Where the bytes of a file that was taken may be news when they come again, its place is remembered until it is empty. */
static bool remembers_place(const Feed *feed) {
        return tells_by_landing(feed) || name_counts(feed);
}

/* Whether a later delivery of its name took a delivery's place, or is about to. */
static Status is_outdone(Batch *batch, const Delivery *delivery, bool *out, Error *err) {
        DeliveryQuery query = { .zone = delivery->zone, .source = delivery->source, .name = delivery->name };
        Delivery *rows;
        size_t count;
        *out = str_is(delivery->state, "replaced");
        if (*out)
                return STATUS_OK;
        TRY(catalog_deliveries(batch->lake->catalog, &query, batch->arena, &rows, &count, err));
        for (size_t i = 0; i < count && rows[i].id != delivery->id && !*out; i++)
                *out = str_is(rows[i].state, "staged") || str_is(rows[i].state, "landed");
        return STATUS_OK;
}

/* One of this source's own batch, or of the ledger: of the same bytes and, where names tell times, of the same time. Of one that
 * was outdone they are news: *out_again. */
static Status find_same(Batch *batch, size_t index, bool *out_found, bool *out_again, Error *err) {
        const Landing *landing = &batch->items[index];
        const Feed *feed = landing->result->file->feed;
        bool by_time = tells_by_name(feed);
        for (size_t i = 0; i < index; i++) {
                const Landing *earlier = &batch->items[i];
                if (earlier->result->state != LAND_NEW || earlier->result->file->feed != feed || !str_equal(earlier->sha256, landing->sha256) ||
                    (by_time && !str_equal(earlier->as_of, landing->as_of)))
                        continue;
                *out_found = true;
                landing->result->delivery = earlier->result->delivery;
                return STATUS_OK;
        }
        DeliveryQuery query = { .zone = feed->zone, .source = feed->name, .sha256 = landing->sha256 };
        Delivery *rows;
        size_t count;
        TRY(catalog_deliveries(batch->lake->catalog, &query, batch->arena, &rows, &count, err));
        for (size_t i = 0; i < count && !*out_found; i++) {
                bool outdone = false;
                if (by_time && !str_starts_with(rows[i].as_of, landing->as_of))
                        continue;
                if (name_counts(feed))
                        TRY(is_outdone(batch, &rows[i], &outdone, err));
                *out_again |= outdone;
                *out_found = !outdone;
                if (!outdone)
                        landing->result->delivery = rows[i];
        }
        return STATUS_OK;
}

/*
 * Bytes that a source has already are a duplicate. Where rows are not just added, a delivery is told by its time too, so that
 * A, B, A ends at A: by that in its name, and of snapshots by that of landing, where only the bytes that are in force already
 * are a duplicate. Where files of one name replace each other, only bytes that are in force are one, so that there too A, B, A
 * ends at A: the third is told from the first by when it landed.
 */
static Status find_duplicate(Batch *batch, size_t index, bool *out_found, Error *err) {
        Landing *landing = &batch->items[index];
        LandedFile *result = landing->result;
        const Feed *feed = result->file->feed;
        *out_found = false;
        if (landing->sha256.size == 0) /* land_look() knows that nothing else has its size */
                return STATUS_OK;
        if (remembers_place(feed))
                TRY(find_returned(batch->lake, landing, batch->arena, out_found, err));
        if (*out_found)
                return STATUS_OK;
        if (!tells_by_landing(feed)) {
                bool again = false;
                TRY(find_same(batch, index, out_found, &again, err));
                if (again && !*out_found)
                        landing->as_of = arena_strf(batch->arena, "%.*s again %.*s", STR_ARG(landing->as_of),
                                                    STR_ARG(time_print_us(batch->arena, landing->landed_us)));
                return STATUS_OK;
        }
        const Delivery *newest;
        TRY(newest_so_far(batch, index, &newest, err));
        *out_found = newest && str_equal(newest->sha256, landing->sha256);
        if (*out_found)
                result->delivery = *newest;
        return STATUS_OK;
}

/* Another delivery of this name that is in the tables, or on its way there. */
static Status find_same_name(Lake *lake, const Landing *landing, Arena *arena, const Delivery **out, Error *err) {
        const FoundFile *file = landing->result->file;
        DeliveryQuery query = { .zone = file->zone, .source = file->feed->name, .name = file->name };
        Delivery *rows;
        size_t count;
        *out = NULL;
        TRY(catalog_deliveries(lake->catalog, &query, arena, &rows, &count, err));
        for (size_t i = 0; i < count && !*out; i++)
                if (str_is(rows[i].state, "staged") || str_is(rows[i].state, "landed"))
                        *out = &rows[i];
        return STATUS_OK;
}

/* These very bytes were taken from this place: it is no twin of anything, but what stays where it is and was read again
 * because its times alone did not tell. */
static bool was_taken_here(Lake *lake, const Landing *landing, Arena *arena) {
        const FoundFile *file = landing->result->file;
        FileSeen seen;
        Error ignored;
        return !file->in_ingress &&
               catalog_file_seen(lake->catalog, file->zone, file->feed->name, str_of(file->path), arena, &seen, &ignored) == STATUS_OK &&
               str_equal(seen.sha256, landing->sha256);
}

static Status classify(Batch *batch, size_t index, Error *err) {
        Landing *landing = &batch->items[index];
        Arena *arena = batch->arena;
        const Feed *feed = landing->result->file->feed;
        bool is_duplicate = false;
        TRY(find_duplicate(batch, index, &is_duplicate, err));
        if (is_duplicate && was_taken_here(batch->lake, landing, arena)) {
                give_up(landing, LAND_KNOWN, STR(""));
                return STATUS_OK;
        }
        if (is_duplicate) {
                const Delivery *same = &landing->result->delivery;
                bool held = str_is(same->state, "held"), withdrawn = str_is(same->state, "withdrawn");
                Str words = arena_strf(arena, "the same bytes as '%.*s'%s%.*s", STR_ARG(same->name), held ? ", which is held: " : withdrawn ? ", " : "",
                                       held || withdrawn ? (int)same->message.size : 0, same->message.data);
                give_up(landing, LAND_DUPLICATE, words);
                return STATUS_OK;
        }
        const Delivery *same_name = NULL;
        if (feed->redelivery == FEED_REJECT)
                TRY(find_same_name(batch->lake, landing, arena, &same_name, err));
        if (same_name) {
                Str date = str_slice(time_print_us(arena, same_name->landed_us), 0, 10);
                Str words = arena_strf(arena,
                                       "'%.*s' came before, on %.*s, with other bytes; say 'redelivery: replace' in the source "
                                       "to let it take the place of the first, or 'redelivery: append' to keep both",
                                       STR_ARG(same_name->name), STR_ARG(date));
                make_delivery(landing, STR("held"), words);
                landing->result->state = LAND_HELD;
                landing->result->message = words;
                return STATUS_OK;
        }
        make_delivery(landing, STR("landed"), STR(""));
        landing->result->state = LAND_NEW;
        return STATUS_OK;
}

/* ---- a batch ---- */

static void batch_close(Batch *batch) {
        for (size_t i = 0; i < batch->count; i++) {
                close_fdp(&batch->items[i].source_fd);
                close_fdp(&batch->items[i].target_fd);
                if (batch->items[i].temporary)
                        unlink(batch->items[i].temporary);
        }
        close_fdp(&batch->claims_fd);
}

static Status batch_open_claims(Batch *batch, Error *err) {
        const char *path = batch->lake->store->claims_path;
        batch->claims_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        return batch->claims_fd < 0 ? error_errno(err, errno, "cannot open '%s'", path) : STATUS_OK;
}

static bool is_counted(const Landing *landing) {
        return landing->result->state != LAND_UNSETTLED && landing->result->state != LAND_KNOWN;
}

/* When the newest delivery of all landed; 0 = there is none. */
static Status last_landed(const Batch *batch, int64_t *out, Error *err) {
        Delivery *newest;
        size_t count;
        TRY(catalog_deliveries(batch->lake->catalog, &(DeliveryQuery){ .limit = 1 }, batch->arena, &newest, &count, err));
        *out = count > 0 ? newest[0].landed_us : 0;
        return STATUS_OK;
}

static const LandedFile *failure_before(const Batch *batch, const Feed *feed) {
        for (size_t i = 0; i < batch->failed->count; i++)
                if (batch->failed->items[i]->file->feed == feed)
                        return batch->failed->items[i];
        return NULL;
}

/*
 * Of snapshots the one that lands last counts. If one could land while an older one could not, the older would land with the
 * next run, and undo it: so nothing of a source overtakes what failed.
 */
static bool must_wait(const Batch *batch, Landing *landing) {
        const LandedFile *before = failure_before(batch, landing->result->file->feed);
        if (before)
                give_up(landing, LAND_FAILED, arena_strf(batch->arena, "it waits for '%.*s', which comes before it and could not be taken: "
                                                         "of this source the last one counts", STR_ARG(before->file->name)));
        return before != NULL;
}

static void remember_failure(Batch *batch, const LandedFile *result) {
        const Feed *feed = result->file->feed;
        if (result->state == LAND_FAILED && tells_by_landing(feed) && !failure_before(batch, feed))
                vec_push(batch->arena, batch->failed, result);
}

/* Fails only where nothing more can land; what is wrong with this file is in its result. */
static Status copy_one(Batch *batch, size_t index, int64_t *last_us, Error *err) {
        Landing *landing = &batch->items[index];
        int64_t now = time_now_us();
        *last_us = now > *last_us ? now : *last_us + 1; /* what comes later is later, whatever the clock says */
        landing->landed_us = *last_us;
        if (must_wait(batch, landing) || !open_source(landing, batch->claims_fd, batch->arena))
                return STATUS_OK;
        Error own;
        Status status = copy_file(batch, landing, &own);
        close_fdp(&landing->source_fd); /* the claim is not on it */
        if (status == STATUS_DISK_FULL || status == STATUS_INTERRUPTED) {
                *err = own;
                return status; /* nothing more can land: say it once, lose nothing */
        }
        if (status != STATUS_OK)
                fail(landing, batch->arena, &own);
        if (status != STATUS_OK || landing->result->state == LAND_UNSETTLED)
                return STATUS_OK;
        landing->as_of = as_of_now(landing, batch->arena);
        return classify(batch, index, err);
}

static Status copy_all(Batch *batch, Error *err) {
        int64_t last_us;
        TRY(last_landed(batch, &last_us, err));
        for (size_t i = 0; i < batch->count; i++) {
                Landing *landing = &batch->items[i];
                if (!landing->result->file->in_ingress && is_known(batch->lake, landing->result->file, batch->arena)) {
                        landing->result->state = LAND_KNOWN;
                        continue;
                }
                TRY(copy_one(batch, i, &last_us, err));
                remember_failure(batch, landing->result);
        }
        return STATUS_OK;
}

static Status name_all(Batch *batch, Error *err) {
        Map folders;
        map_init(&folders, batch->arena);
        for (size_t i = 0; i < batch->count; i++) {
                Landing *landing = &batch->items[i];
                if (!landing->temporary)
                        continue;
                if (rename(landing->temporary, landing->final) < 0)
                        return error_errno(err, errno, "cannot rename to '%s'", landing->final);
                landing->temporary = NULL;
                landing->result->delivery.landing = store_relative(batch->lake->store, str_of(landing->final));
                map_put(&folders, str_of(landing->folder), landing);
        }
        CLEANUP(arena_deinit) Arena arena = { 0 };
        for (size_t i = 0; i < folders.count; i++) {
                /* the month's folder and those above may be new too */
                const char *folder = folders.entries[i].key.data;
                for (int level = 0; level < 4; level++) {
                        dir_sync(folder);
                        folder = path_dir(&arena, folder);
                }
        }
        return STATUS_OK;
}

static FileSeen seen_row(const Landing *landing) {
        static const char *const states[] = { "landed", "duplicate", "held", "failed", "", "duplicate" };
        const FoundFile *file = landing->result->file;
        FileSeen seen = file_seen_of(&landing->taken);
        seen.zone = file->zone;
        seen.source = file->feed->name;
        seen.place = str_of(file->path);
        seen.sha256 = landing->sha256;
        seen.delivery = landing->result->delivery.id;
        seen.state = str_of(states[landing->result->state]);
        seen.message = landing->result->message;
        return seen;
}

/* What lies in ingress is removed, so only files elsewhere need remembering, with the time of the newest look into them;
 * and, until the removal lasts, those for which find_returned() will ask. */
static bool is_remembered(const Landing *landing) {
        const LandedFile *result = landing->result;
        if (!result->file->in_ingress)
                return result->state == LAND_KNOWN ? landing->sha256.size > 0 : is_counted(landing) && result->state != LAND_FAILED;
        return result->state == LAND_NEW && remembers_place(result->file->feed);
}

static Status record_all(Batch *batch, Error *err) {
        VEC(Delivery) deliveries = { 0 };
        VEC(FileSeen) files = { 0 };
        for (size_t i = 0; i < batch->count; i++) {
                const Landing *landing = &batch->items[i];
                LandState state = landing->result->state;
                if (state == LAND_NEW || state == LAND_HELD)
                        vec_push(batch->arena, &deliveries, landing->result->delivery);
                if (is_remembered(landing))
                        vec_push(batch->arena, &files, seen_row(landing));
        }
        if (deliveries.count + files.count == 0) /* what a duplicate is one of may be of a dead one, and not durable yet */
                return catalog_settle(batch->lake->catalog, err);
        return catalog_ledger(batch->lake->catalog, deliveries.items, deliveries.count, files.items, files.count, err);
}

/* True if it is not there any more under its name. One that was changed since, or is another by now, is the next run's. */
static bool remove_taken(const Landing *landing) {
        const char *path = landing->result->file->path;
        struct stat now;
        if (stat(path, &now) < 0)
                return errno == ENOENT;
        if (!same_version(&now, &landing->taken) || unlink(path) == 0 || errno == ENOENT)
                return true;
        landing->result->stays = errno;
        return false;
}

static bool is_done(const Landing *landing) {
        LandState state = landing->result->state;
        return state == LAND_NEW || state == LAND_DUPLICATE || state == LAND_HELD;
}

/* Every feed that reads of the file has it. One that has not, since it was not asked for or failed, finds it next time. */
static bool all_have_it(const Batch *batch, size_t index) {
        const FoundFile *file = batch->items[index].result->file;
        uint32_t have = 0;
        for (size_t i = 0; i < batch->count && file->sharers > 1; i++) {
                const FoundFile *other = batch->items[i].result->file;
                have += str_equal(other->zone, file->zone) && strcmp(other->path, file->path) == 0 && is_done(&batch->items[i]);
        }
        return file->sharers < 2 || have == file->sharers;
}

static Status take_from_ingress(Batch *batch, Error *err) {
        VEC(const FoundFile *) remembered = { 0 };
        for (size_t i = 0; i < batch->count; i++) {
                const Landing *landing = &batch->items[i];
                const FoundFile *file = landing->result->file;
                bool done = is_done(landing) && all_have_it(batch, i);
                if (done && file->in_ingress && remove_taken(landing) && is_remembered(landing))
                        vec_push(batch->arena, &remembered, file);
        }
        for (size_t i = 0; i < remembered.count; i++) {
                const FoundFile *file = remembered.items[i];
                dir_sync(path_dir(batch->arena, file->path));
                TRY(catalog_forget_file(batch->lake->catalog, file->zone, file->feed->name, str_of(file->path), err));
        }
        return STATUS_OK;
}

static Status land_batch(Batch *batch, Error *err) {
        TRY(batch_open_claims(batch, err));
        TRY(copy_all(batch, err));
        TRY(name_all(batch, err));
        TRY(record_all(batch, err));
        return take_from_ingress(batch, err);
}

/* Each file of a batch keeps one descriptor until it has its name. */
static size_t batch_most(void) {
        struct rlimit limit;
        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= LAND_BATCH + OTHER_FILES)
                return LAND_BATCH;
        return limit.rlim_cur > OTHER_FILES ? (size_t)limit.rlim_cur - OTHER_FILES : 1;
}

Status land_files(Lake *lake, const FoundFile *const *files, size_t count, const volatile sig_atomic_t *interrupted, Arena *arena,
                  LandedFile *out, Error *err) {
        char *block = arena_alloc_raw(arena, COPY_BLOCK);
        sweep_arriving(lake->store);
        FailedFeeds failed = { 0 };
        const size_t most = batch_most();
        for (size_t start = 0, size; start < count; start += size) {
                size = count - start < most ? count - start : most;
                while (start + size < count && strcmp(files[start + size]->path, files[start + size - 1]->path) == 0)
                        size++; /* a file that several feeds share is taken in one batch */
                Batch batch = { lake, arena, ARENA_ARRAY(arena, Landing, size), size, { block, COPY_BLOCK }, interrupted, -1, &failed };
                for (size_t i = 0; i < size; i++) {
                        out[start + i] = (LandedFile){ .file = files[start + i] };
                        batch.items[i] = (Landing){ .result = &out[start + i], .source_fd = -1, .target_fd = -1 };
                }
                Status status = land_batch(&batch, err);
                batch_close(&batch);
                TRY(status);
        }
        return STATUS_OK;
}

/* ---- what would land ---- */

typedef struct Look {
        Lake *lake;
        Arena *arena;
        Map sizes;  /* zone, source, size: of the ledger's deliveries, and of files that wait (then how many) */
        Map ledgers; /* zone, source: its sizes are known */
        Map hashes; /* zone, source, sha256 and time: Landing; where the time is that of landing only the file before */
        Str block;
        const volatile sig_atomic_t *interrupted;
} Look;

static Str look_key(const Look *look, const Feed *feed, Str last) {
        return arena_strf(look->arena, "%.*s %.*s %.*s", STR_ARG(feed->zone), STR_ARG(feed->name), STR_ARG(last));
}

static void count_size(Look *look, const Feed *feed, int64_t size) {
        Str key = look_key(look, feed, arena_strf(look->arena, "%lld", (long long)size));
        int64_t *count = map_get(&look->sizes, key);
        if (!count) {
                count = ARENA_NEW(look->arena, int64_t);
                map_put(&look->sizes, key, count);
        }
        ++*count;
}

static Status count_ledger(Look *look, const Feed *feed, Error *err) {
        Str key = look_key(look, feed, STR(""));
        if (!look->lake || map_has(&look->ledgers, key))
                return STATUS_OK;
        DeliveryQuery query = { .zone = feed->zone, .source = feed->name };
        Delivery *rows;
        size_t count;
        TRY(catalog_deliveries(look->lake->catalog, &query, look->arena, &rows, &count, err));
        for (size_t i = 0; i < count; i++)
                count_size(look, feed, rows[i].bytes);
        map_put(&look->ledgers, key, look);
        return STATUS_OK;
}

/* One that stands alone with its size is the same as no other. */
static bool may_be_known(const Look *look, const Landing *landing) {
        Str size = arena_strf(look->arena, "%lld", (long long)landing->bytes);
        const int64_t *count = map_get(&look->sizes, look_key(look, landing->result->file->feed, size));
        return count && *count > 1;
}

static void look_within(Look *look, Landing *landing) {
        const Feed *feed = landing->result->file->feed;
        Str key = look_key(look, feed, tells_by_landing(feed) ? STR("") : arena_strf(look->arena, "%.*s %.*s", STR_ARG(landing->sha256),
                                                                                     STR_ARG(tells_by_name(feed) ? landing->as_of : STR(""))));
        const Landing *other = map_get(&look->hashes, key);
        if (other && landing->sha256.size && str_equal(other->sha256, landing->sha256)) {
                landing->result->delivery = other->result->delivery;
                give_up(landing, LAND_DUPLICATE, arena_strf(look->arena, "the same bytes as '%.*s'", STR_ARG(other->result->file->name)));
                return;
        }
        map_put(&look->hashes, key, landing);
}

static Status look_at(Look *look, Landing *landing, Error *err) {
        LandedFile *result = landing->result;
        const FoundFile *file = result->file;
        if (!file->in_ingress && look->lake && is_known(look->lake, file, look->arena)) {
                result->state = LAND_KNOWN;
                return STATUS_OK;
        }
        CLEANUP(close_fdp) int fd = land_open(file, look->arena);
        landing->source_fd = fd;
        struct stat st;
        bool is_file = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
        if (fd < 0 && errno != ENOENT) {
                give_up(landing, LAND_FAILED, arena_strf(look->arena, "cannot open '%s': %s", file->path, strerror(errno)));
                return STATUS_OK;
        }
        if (!is_file || !land_is_settled(fd, &st, file->feed->settle_us)) {
                give_up(landing, LAND_UNSETTLED, STR("somebody is still writing it"));
                return STATUS_OK;
        }
        Status read = may_be_known(look, landing) ? copy_and_hash(landing, -1, look->block, look->interrupted, look->arena, err) : STATUS_OK;
        if (read == STATUS_INTERRUPTED)
                return read;
        if (read != STATUS_OK) {
                fail(landing, look->arena, err);
                return STATUS_OK;
        }
        landing->landed_us = time_now_us();
        landing->as_of = as_of_now(landing, look->arena);
        if (look->lake) {
                Batch alone = { .lake = look->lake, .arena = look->arena, .items = landing, .count = 1 };
                TRY(classify(&alone, 0, err));
        } else {
                make_delivery(landing, STR("landed"), STR(""));
        }
        if (result->state == LAND_NEW)
                look_within(look, landing);
        return STATUS_OK;
}

Status land_look(Lake *lake, const FoundFile *const *files, size_t count, const volatile sig_atomic_t *interrupted, Arena *arena,
                 LandedFile *out, Error *err) {
        Look look = { .lake = lake, .arena = arena, .block = { arena_alloc_raw(arena, COPY_BLOCK), COPY_BLOCK }, .interrupted = interrupted };
        map_init(&look.sizes, arena);
        map_init(&look.ledgers, arena);
        map_init(&look.hashes, arena);
        Landing *landings = ARENA_ARRAY(arena, Landing, count);
        for (size_t i = 0; i < count; i++) {
                out[i] = (LandedFile){ .file = files[i] };
                landings[i] = (Landing){ .result = &out[i], .source_fd = -1, .bytes = files[i]->st.st_size, .sha256 = STR(""), .as_of = STR("") };
                TRY(count_ledger(&look, files[i]->feed, err));
                count_size(&look, files[i]->feed, files[i]->st.st_size);
        }
        for (size_t i = 0; i < count; i++)
                TRY(look_at(&look, &landings[i], err));
        return STATUS_OK;
}
