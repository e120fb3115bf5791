/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads of one process, each with a connection of its own to one file, as a server's sessions have them. They write by
 * compare and swap and read all the while; no step is lost, and whoever reads sees whole commits, never an older one than
 * before. What they share are the layers over SQLite's files (made by whoever comes first) and the patience of all:
 * under ThreadSanitizer this looks whether they may.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"
#include "base/thread.h"
#include "catalog/catalog.h"

#define THREADS 8
#define STEPS 8
#define FIRSTS 60 /* processes, in each of which the layers over SQLite's files are made once */

#define NAME(zone) ((CatalogName){ STR("count"), STR(zone), STR("n") })

typedef struct Crowd {
        const char *path;
        pthread_barrier_t ready; /* all of them open at once */
        atomic_int writing;      /* how many are not through */
} Crowd;

typedef struct Member {
        Crowd *crowd;
        pthread_t thread;
        int number;
        Catalog *catalog;
        Arena arena;         /* of one call */
        int64_t seen;        /* the highest count */
        Error err;
        const char *wrong;   /* what did not hold; NULL = all was well */
} Member;

/* ---- what a writer does ---- */

/* Two objects that are always equal, one commit a step, and in its transaction a delivery of the member's own. */
static Status step(Member *member, int64_t from, Str body_hash, int done) {
        Str text = arena_strf(&member->arena, "%lld", (long long)from + 1);
        CatalogName a = NAME("a"), b = NAME("b");
        CatalogPut puts[] = { { a.kind, a.zone, a.name, text }, { b.kind, b.zone, b.name, text } };
        CatalogCheck checks[] = { { a.kind, a.zone, a.name, body_hash }, { b.kind, b.zone, b.name, body_hash } };
        Delivery delivery = { .id = member->number * 1000 + done + 1,
                              .zone = STR("a"),
                              .source = arena_strf(&member->arena, "s%d", member->number),
                              .name = STR("f.csv"),
                              .sha256 = arena_strf(&member->arena, "%064d", member->number * 1000 + done),
                              .landing = STR("landing/x"),
                              .state = STR("staged") };
        CatalogChange change = { .author = STR("local:ann"),
                                 .via = STR("test"),
                                 .message = STR("count"),
                                 .intent = arena_strf(&member->arena, "%d-%d", member->number, done),
                                 .puts = puts,
                                 .put_count = COUNT_OF(puts),
                                 .checks = checks,
                                 .check_count = COUNT_OF(checks),
                                 .deliveries = &delivery,
                                 .delivery_count = 1 };
        CatalogCommit commit;
        return catalog_commit(member->catalog, &change, &member->arena, &commit, &member->err);
}

static Status count_of(Member *member, int64_t *out, Str *out_hash) {
        CatalogObject object = { .body = STR("0"), .body_hash = STR("") };
        Status status = catalog_get(member->catalog, (CatalogAt){ 0 }, NAME("a"), &member->arena, &object, &member->err);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
                return status;
        *out_hash = object.body_hash;
        if (!str_to_int64(object.body, out))
                member->wrong = "a count is no number";
        return STATUS_OK;
}

static bool count_up(Member *member, int done) {
        for (;;) {
                int64_t from = 0;
                Str body_hash;
                arena_reset(&member->arena);
                if (count_of(member, &from, &body_hash) != STATUS_OK || member->wrong)
                        return false;
                Status status = step(member, from, body_hash, done);
                if (status != STATUS_CONFLICT)
                        return status == STATUS_OK;
        }
}

/* ---- what a reader does ---- */

/* Both objects as of one moment. */
static Status look(Member *member) {
        CatalogObject *objects = NULL;
        size_t count = 0;
        TRY(catalog_list(member->catalog, (CatalogAt){ 0 }, STR("count"), STR(""), &member->arena, &objects, &count, &member->err));
        if (count == 0)
                return STATUS_OK;
        int64_t now = 0;
        if (count != 2 || !str_equal(objects[0].body, objects[1].body) || !str_to_int64(objects[0].body, &now))
                member->wrong = "half of a commit was seen";
        else if (now < member->seen)
                member->wrong = "an older commit was seen after a newer one";
        member->seen = now;
        return STATUS_OK;
}

/* What else a server asks beside its sessions' work. */
static Status ask(Member *member) {
        DeliveryQuery staged = { .state = STR("staged") };
        Delivery *deliveries = NULL;
        CatalogCommit *log = NULL, head;
        size_t count = 0, log_count = 0;
        int64_t number = 0;
        TRY(catalog_generation(member->catalog, &number, &member->err));
        TRY(catalog_next(member->catalog, STR("turn"), &number, &member->err));
        TRY(catalog_head(member->catalog, STR(""), &member->arena, &head, &member->err));
        TRY(catalog_deliveries(member->catalog, &staged, &member->arena, &deliveries, &count, &member->err));
        TRY(catalog_log(member->catalog, STR(""), 0, 0, &member->arena, &log, &log_count, &member->err));
        if (log_count < count) /* it was asked later */
                member->wrong = "a delivery is staged by no commit";
        TRY(catalog_put_secret(member->catalog, arena_strf(&member->arena, "s%d", member->number), STR("x"), &member->err));
        return catalog_verify_chain(member->catalog, &number, &member->err);
}

/* Files that are opened beside: another one, and the same. */
static Status copy(Member *member) {
        Str *damages = NULL;
        size_t count = 0;
        int64_t pages = 0;
        const char *path = arena_printf(&member->arena, "%s.copy%d", member->crowd->path, member->number);
        TRY(catalog_copy_sqlite(member->catalog, path, &member->err));
        TRY(catalog_check_sqlite(path, &member->arena, &damages, &count, &pages, &member->err));
        if (count)
                member->wrong = "a copy is damaged";
        TRY(catalog_check_sqlite(member->crowd->path, &member->arena, &damages, &count, &pages, &member->err));
        if (count)
                member->wrong = "the catalog is damaged";
        return STATUS_OK;
}

/* ---- the crowd ---- */

static Status reopen(Member *member) {
        catalog_free(member->catalog);
        member->catalog = NULL;
        return catalog_open_sqlite(member->crowd->path, &member->catalog, &member->err);
}

static bool writes(Member *member) {
        for (int done = 0; done < STEPS; done++) {
                if (!count_up(member, done))
                        return false;
                if (done % 4 == 3 && reopen(member) != STATUS_OK)
                        return false;
        }
        return true;
}

static bool reads(Member *member) {
        for (int turn = 0; atomic_load(&member->crowd->writing) > 0; turn++) {
                arena_reset(&member->arena);
                if (look(member) != STATUS_OK || (turn % 16 == 1 && ask(member) != STATUS_OK))
                        return false;
                if ((turn == 2 && copy(member) != STATUS_OK) || (turn % 8 == 7 && reopen(member) != STATUS_OK) || member->wrong)
                        return false;
        }
        return true;
}

static bool is_writer(int number) {
        return number % 2 == 0;
}

static void *work(void *context) {
        Member *member = context;
        pthread_barrier_wait(&member->crowd->ready);
        bool well = catalog_open_sqlite(member->crowd->path, &member->catalog, &member->err) == STATUS_OK &&
                    (is_writer(member->number) ? writes(member) : reads(member));
        if (!well && !member->wrong)
                member->wrong = member->err.message;
        if (is_writer(member->number))
                atomic_fetch_sub(&member->crowd->writing, 1);
        if (member->catalog)
                catalog_free(member->catalog);
        return NULL;
}

/* In a process of its own: here the threads are to be the first who open one. */
static bool created_elsewhere(const char *path) {
        pid_t child = fork();
        if (child == 0) {
                Error err = { 0 };
                _exit(catalog_create_sqlite(path, 1, STR("/s"), &err) == STATUS_OK ? 0 : 1);
        }
        int status = 0;
        return waitpid(child, &status, 0) == child && status == 0;
}

TEST(threads_side_by_side_lose_no_step_and_see_whole_commits) {
        Member members[THREADS] = { 0 };
        Crowd crowd = { .path = arena_printf(&t->arena, "%s/catalog.sqlite", test_folder(t)) };
        CHECK(created_elsewhere(crowd.path));
        pthread_barrier_init(&crowd.ready, NULL, THREADS);
        for (int i = 0; i < THREADS; i++)
                crowd.writing += is_writer(i);
        int writers = crowd.writing;
        for (int i = 0; i < THREADS; i++) {
                members[i].crowd = &crowd;
                members[i].number = i;
                CHECK_INT(thread_begin(&members[i].thread, work, &members[i]), 0);
        }
        for (int i = 0; i < THREADS; i++)
                pthread_join(members[i].thread, NULL);
        pthread_barrier_destroy(&crowd.ready);
        for (int i = 0; i < THREADS; i++) {
                arena_deinit(&members[i].arena);
                CHECK_STR(str_of(members[i].wrong ? members[i].wrong : "well"), STR("well"));
        }

        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_OK(catalog_open_sqlite(crowd.path, &catalog, &t->err));
        CatalogObject object;
        CHECK_OK(catalog_get(catalog, (CatalogAt){ 0 }, NAME("a"), &t->arena, &object, &t->err));
        CHECK_STR(object.body, arena_strf(&t->arena, "%d", writers * STEPS));
        Delivery *deliveries = NULL;
        size_t count = 0;
        CHECK_OK(catalog_deliveries(catalog, &(DeliveryQuery){ .state = STR("staged") }, &t->arena, &deliveries, &count, &t->err));
        CHECK_INT(count, writers * STEPS);
        int64_t commits = 0;
        CHECK_OK(catalog_verify_chain(catalog, &commits, &t->err));
        CHECK_INT(commits, writers * STEPS);
}

static void *open_and_close(void *context) {
        Member *member = context;
        int64_t version = 0;
        pthread_barrier_wait(&member->crowd->ready);
        if (catalog_open_sqlite(member->crowd->path, &member->catalog, &member->err) != STATUS_OK)
                return member;
        Status status = catalog_generation(member->catalog, &version, &member->err);
        catalog_free(member->catalog);
        return status == STATUS_OK ? NULL : member;
}

/* ThreadSanitizer makes such a process end badly. */
static bool all_open(const char *path) {
        Member members[THREADS] = { 0 };
        Crowd crowd = { .path = path };
        bool well = true;
        pthread_barrier_init(&crowd.ready, NULL, THREADS);
        for (int i = 0; i < THREADS; i++) {
                members[i].crowd = &crowd;
                if (thread_begin(&members[i].thread, open_and_close, &members[i]) != 0)
                        return false;
        }
        for (int i = 0; i < THREADS; i++) {
                void *failed = NULL;
                pthread_join(members[i].thread, &failed);
                well = well && !failed;
        }
        return well;
}

TEST(whoever_comes_first_makes_what_all_threads_share) {
        const char *path = arena_printf(&t->arena, "%s/catalog.sqlite", test_folder(t));
        CHECK(created_elsewhere(path));
        for (int i = 0; i < FIRSTS; i++) {
                pid_t child = fork();
                if (child == 0)
                        exit(all_open(path) ? 0 : 1);
                int status = 0;
                waitpid(child, &status, 0);
                CHECK_INT(status, 0);
        }
}
