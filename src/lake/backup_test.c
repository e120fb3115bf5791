/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup and a restore that die at every system call which changes a disk, that find the disk full at each, and under
 * which the power goes (trouble.h): what is there afterwards is the old whole or the new whole, and the next call does it.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/test.h"
#include "lake/backup.h"
#include "lake/changeset.h"
#include "lake/copy.h"
#include "lake/trouble.h"

/* ---- a store that grows, and its backup ---- */

static const LakeColumn columns[] = { { .name = { "id", 2 }, .type = { .kind = TYPE_BIGINT } } };

static Status append(const char *root, const char *name, Error *err) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(changeset_freep) ChangeSet *set = NULL;
        CLEANUP(close_fdp) int fd = -1;
        ChangeTable *table = NULL;
        const char *path = NULL;
        CatalogCommit commit;
        ChangeTableSpec spec = { .kind = STR("staging"), .write = TABLE_APPEND, .columns = columns, .column_count = 1 };
        TRY(file_exists(root) ? lake_open(root, &lake, err) : lake_create(root, &lake, err));
        TRY(changeset_new(lake, &(ChangeSetSpec){ .author = STR("a"), .via = STR("t"), .message = STR("m") }, &set, err));
        TRY(changeset_table(set, (CatalogName){ STR("table"), STR("shop"), str_of(name) }, &spec, &table, err));
        TRY(changeset_new_file(set, table, &path, &fd, err));
        TRY(fd_write_all(fd, str_of(path), path, err));
        LakeFile file = { path, { .rows = 10, .bytes = (int64_t)strlen(path) } };
        TRY(changeset_append(set, table, &file, 1, err));
        return changeset_publish(set, &arena, &commit, err);
}

static Status backup(const char *root, const char *folder, Error *err) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        CLEANUP(arena_deinit) Arena arena = { 0 };
        BackupResult result;
        TRY(lake_open(root, &lake, err));
        TRY(lake_backup(lake, folder, &(BackupSpec){ 0 }, &arena, &result, err));
        return result.damage_count ? error_set(err, STATUS_CORRUPT, "%s", result.damages[0].message.data) : STATUS_OK;
}

static Status restore(const char *folder, const char *root, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Backup from;
        RestoreResult result;
        TRY(backup_read(folder, &arena, &from, err));
        return lake_restore(&from, root, &(RestoreSpec){ 0 }, &arena, &result, err);
}

static Status hold_file(void *context, const StoredFile *file, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        Sha256 hash;
        int64_t size = 0;
        const char *path = arena_printf(&scratch, "%s/%.*s", (const char *)context, STR_ARG(file->path));
        TRY(file_hash(path, &hash, &size, err));
        if (size != file->bytes || !str_equal(sha256_hex(&scratch, hash), file->sha256))
                return error_set(err, STATUS_CORRUPT, "'%s' is not what was written", path);
        return STATUS_OK;
}

/* Everything that a catalog names lies in the folder, whole. */
static Status check_whole(const char *catalog_path, const char *folder, Str *out_commit, Arena *arena, Error *err) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        CatalogCommit head;
        int64_t commits = 0;
        char *context = arena_printf(&scratch, "%s", folder);
        TRY(catalog_open_sqlite(catalog_path, &catalog, err));
        TRY(catalog_verify_chain(catalog, &commits, err));
        TRY(each_stored(catalog, hold_file, context, err));
        TRY(catalog_head(catalog, STR("main"), arena, &head, err));
        *out_commit = head.id;
        return STATUS_OK;
}

static Status check_backup(const char *folder, Str *out_commit, Arena *arena, Error *err) {
        Backup found;
        TRY(backup_read(folder, arena, &found, err));
        if (!found.is_whole)
                return error_set(err, STATUS_CORRUPT, "backup.json is not whole");
        TRY(check_whole(found.catalog_path, folder, out_commit, arena, err));
        if (!str_equal(*out_commit, found.commit))
                return error_set(err, STATUS_CORRUPT, "backup.json names another commit than its catalog");
        return STATUS_OK;
}

static Status head_of(const char *root, Str *out_commit, Arena *arena, Error *err) {
        return check_whole(arena_printf(arena, "%s/catalog.sqlite", root), root, out_commit, arena, err);
}

/* ---- in trouble ---- */

typedef Status (*Work)(const char *from, const char *to, Error *err);

static int in_child(Work work, const char *from, const char *to, long at, bool full) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
                Error err = { 0 };
                trouble_at = at;
                disk_full = full;
                _exit(work(from, to, &err) == STATUS_OK ? 0 : 1);
        }
        waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static long first_point(long step) {
        return 1 + getpid() % step;
}

typedef enum Trouble { DEATH, FULL_DISK, POWER_CUT } Trouble;

/* With a power cut: all that lies at `place` is durable as it is, and then what was synced. */
static int in_trouble_at(Test *t, Trouble trouble, Work work, const char *from, const char *to, const char *place, long at) {
        if (trouble == POWER_CUT) {
                shadow = arena_printf(&t->arena, "%s/shadow", test_folder(t));
                if (power_on(place, &t->err) != STATUS_OK)
                        return -1;
        }
        int code = in_child(work, from, to, at, trouble == FULL_DISK);
        if (trouble == POWER_CUT && power_off(place, at % 3 ? (uint64_t)at * 7919 : 0, &t->err) != STATUS_OK)
                return -1;
        shadow = NULL;
        return code;
}

/* Into a folder that holds an older backup, or that is not there yet. */
static void backup_in_trouble(Test *t, Trouble trouble, bool fresh) {
        const char *root = arena_printf(&t->arena, "%s/store", test_folder(t));
        const char *place = arena_printf(&t->arena, "%s/place", test_folder(t));
        const char *folder = arena_printf(&t->arena, "%s/place/b", test_folder(t));
        long step = getenv("LODE_TEST_FULL") ? 1 : 11, in_time = 0, point = first_point(step);
        Str before = STR(""), now, after;
        CHECK_OK(append(root, "staging.orders", &t->err));
        CHECK_OK(dir_make(place, &t->err));
        for (int quiet = 0; quiet < 2 && point < 1000; point += step) {
                if (fresh)
                        CHECK_OK(dir_remove_all(folder, &t->err));
                else {
                        CHECK_OK(backup(root, folder, &t->err));
                        CHECK_OK(check_backup(folder, &before, &t->arena, &t->err));
                        CHECK_OK(append(root, "staging.orders", &t->err));
                }
                CHECK_OK(head_of(root, &now, &t->arena, &t->err));
                int code = in_trouble_at(t, trouble, backup, root, folder, place, point);
                CHECK(code == 0 || code == (trouble == FULL_DISK ? 1 : CRASHED));
                Status status = file_exists(folder) ? check_backup(folder, &after, &t->arena, &t->err) : STATUS_NOT_FOUND;
                CHECK(status == STATUS_OK || (fresh && code != 0));
                CHECK(status != STATUS_OK || str_equal(after, now) || (code != 0 && str_equal(after, before)));

                CHECK_OK(backup(root, folder, &t->err));
                CHECK_OK(check_backup(folder, &after, &t->arena, &t->err));
                CHECK_STR(after, now);
                quiet = code == 0 ? quiet + 1 : 0;
                in_time = code == 0 ? in_time : point;
        }
        CHECK(point < 1000 && in_time > 20);
}

TEST(a_backup_that_dies_at_any_call_leaves_the_old_whole_or_the_new_whole) {
        backup_in_trouble(t, DEATH, false);
}

TEST(a_first_backup_that_dies_at_any_call_is_none_or_whole) {
        backup_in_trouble(t, DEATH, true);
}

TEST(a_full_disk_leaves_the_older_backup_whole) {
        backup_in_trouble(t, FULL_DISK, false);
}

TEST(a_power_cut_leaves_the_old_whole_or_the_new_whole) {
        backup_in_trouble(t, POWER_CUT, false);
}

TEST(a_power_cut_in_a_first_backup_leaves_none_or_a_whole_one) {
        backup_in_trouble(t, POWER_CUT, true);
}

static void restore_in_trouble(Test *t, Trouble trouble) {
        const char *store = arena_printf(&t->arena, "%s/store", test_folder(t));
        const char *folder = arena_printf(&t->arena, "%s/b", test_folder(t));
        const char *place = arena_printf(&t->arena, "%s/place", test_folder(t));
        const char *root = arena_printf(&t->arena, "%s/place/further/away", test_folder(t));
        long step = getenv("LODE_TEST_FULL") ? 1 : 13, in_time = 0, point = first_point(step);
        Str wanted, got;
        CHECK_OK(append(store, "staging.orders", &t->err));
        CHECK_OK(append(store, "staging.orders", &t->err));
        CHECK_OK(backup(store, folder, &t->err));
        CHECK_OK(check_backup(folder, &wanted, &t->arena, &t->err));
        CHECK_OK(dir_make(place, &t->err));
        for (int quiet = 0; quiet < 2 && point < 1000; point += step) {
                int code = in_trouble_at(t, trouble, restore, folder, root, place, point);
                CHECK(code == 0 || code == (trouble == FULL_DISK ? 1 : CRASHED));
                CHECK(code != 0 || file_exists(root));
                if (!file_exists(root))
                        CHECK_OK(restore(folder, root, &t->err));
                CHECK_OK(head_of(root, &got, &t->arena, &t->err));
                CHECK_STR(got, wanted);
                CHECK_OK(append(root, "staging.orders", &t->err)); /* and it goes on from there */
                CHECK_OK(dir_remove_all(root, &t->err));
                quiet = code == 0 ? quiet + 1 : 0;
                in_time = code == 0 ? in_time : point;
        }
        CHECK(point < 1000 && in_time > 20);
}

TEST(a_restore_that_dies_at_any_call_gives_no_store_or_a_whole_one) {
        restore_in_trouble(t, DEATH);
}

TEST(a_full_disk_gives_no_store_or_a_whole_one) {
        restore_in_trouble(t, FULL_DISK);
}

TEST(a_power_cut_gives_no_store_or_a_whole_one) {
        restore_in_trouble(t, POWER_CUT);
}

/* ---- what a moved file is held to ---- */

static const VerifyDamage *damage_of(const VerifyReport *report, Str file) {
        for (size_t i = 0; i < report->damage_count; i++)
                if (str_equal(report->damages[i].file, file))
                        return &report->damages[i];
        return NULL;
}

static Status look(const char *root, Arena *arena, VerifyReport *out, Error *err) {
        VerifySpec spec = { .folder = root, .catalog_path = arena_printf(arena, "%s/catalog.sqlite", root) };
        return lake_verify(&spec, arena, out, err);
}

/* One byte of a file, and the catalog's note of what it has since it was moved: all but the history agrees. */
static Status forge(const char *root, const CatalogFile *file, Arena *arena, Error *err) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        const char *path = arena_printf(arena, "%s/%.*s", root, STR_ARG(file->path));
        Str bytes;
        TRY(file_read(path, 1u << 20, arena, &bytes, err));
        size_t at = str_find(bytes, STR("total-records")) + 16;
        Str forged = arena_strf(arena, "%.*s9%.*s", STR_ARG(str_slice(bytes, 0, at)), STR_ARG(str_slice(bytes, at + 1, bytes.size)));
        CatalogFile row = *file;
        row.moved_sha256 = sha256_hex(arena, sha256_of(forged));
        TRY(file_replace(path, forged, err));
        TRY(catalog_open_sqlite(arena_printf(arena, "%s/catalog.sqlite", root), &catalog, err));
        return catalog_files_moved(catalog, &row, 1, err);
}

TEST(a_moved_file_that_was_forged_with_its_note_is_not_what_the_history_stands_for) {
        const char *store = arena_printf(&t->arena, "%s/store", test_folder(t));
        const char *folder = arena_printf(&t->arena, "%s/b", test_folder(t));
        const char *root = arena_printf(&t->arena, "%s/another/place", test_folder(t));
        CHECK_OK(append(store, "staging.orders", &t->err));
        CHECK_OK(append(store, "staging.orders", &t->err));
        CHECK_OK(backup(store, folder, &t->err));
        CHECK_OK(restore(folder, root, &t->err));
        CatalogFile *files = NULL;
        size_t count = 0, moved = 0;
        {
                CLEANUP(catalog_freep) Catalog *catalog = NULL;
                CHECK_OK(catalog_open_sqlite(arena_printf(&t->arena, "%s/catalog.sqlite", root), &catalog, &t->err));
                CHECK_OK(catalog_files(catalog, &(CatalogFileQuery){ 0 }, &t->arena, &files, &count, &t->err));
        }
        VerifyReport report;
        CHECK_OK(look(root, &t->arena, &report, &t->err));
        for (size_t i = 0; i < count; i++) {
                CHECK(!damage_of(&report, files[i].path) || !files[i].moved_sha256.size);
                moved += files[i].moved_sha256.size > 0;
        }
        CHECK_INT(moved, 2 * 3); /* a manifest, a list and a metadata.json each */
        const CatalogFile *last = NULL;
        for (size_t i = 0; i < count; i++)
                if (str_ends_with(files[i].path, STR(".metadata.json")))
                        last = &files[i];
        CHECK_OK(forge(root, last, &t->arena, &t->err));
        CHECK_OK(look(root, &t->arena, &report, &t->err));
        const VerifyDamage *damage = damage_of(&report, last->path);
        CHECK(damage);
        CHECK_STR(damage->what, STR("inconsistent"));
        CHECK(str_find(damage->message, STR("not what its commit added")) < damage->message.size);
}
