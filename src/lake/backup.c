/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/time.h"
#include "lake/audit_heads.h"
#include "lake/copy.h"

#define BACKUP_VERSION 1
#define JSON_MAX ((size_t)1 << 20)
#define SUM_KEY ",\"sha256\":\""
#define SUM_END "\"}\n"
#define TRIES 5 /* a tidy beside us may remove what the copied catalog still names */

/* ---- backup.json ---- */

static Str print_backup(const Backup *backup, Arena *arena) {
        CLEANUP(buf_deinit) Buf buf = { 0 };
        JsonWriter w = json_writer(&buf, false);
        json_object(&w);
        json_member_int(&w, "lode_backup", BACKUP_VERSION);
        json_member_str(&w, "root", backup->root);
        json_member_str(&w, "commit", backup->commit);
        json_member_str(&w, "at", backup->at);
        json_member_str(&w, "catalog", str_of(path_base(backup->catalog_path)));
        json_member_str(&w, "catalog_sha256", backup->catalog_sha256);
        json_member_int(&w, "files", backup->files);
        json_member_int(&w, "bytes", backup->bytes);
        json_end(&w);
        buf.size--;
        Str sum = sha256_hex(arena, sha256_of(buf_view(&buf)));
        buf_append_cstr(&buf, SUM_KEY);
        buf_append(&buf, sum);
        buf_append_cstr(&buf, SUM_END);
        return buf_dup(&buf, arena);
}

/* Whether the text is as it was written. */
static bool sum_holds(Str text) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        size_t tail = sizeof(SUM_KEY) - 1 + 64 + sizeof(SUM_END) - 1;
        if (text.size < tail)
                return false;
        Str body = str_slice(text, 0, text.size - tail);
        Str wanted = arena_strf(&scratch, SUM_KEY "%.*s" SUM_END, 64, sha256_hex(&scratch, sha256_of(body)).data);
        return str_equal(str_slice(text, body.size, text.size), wanted);
}

static bool is_catalog_name(Str name) {
        return str_starts_with(name, STR("catalog-")) && str_ends_with(name, STR(".sqlite")) &&
               str_find_byte(name, '/') == name.size;
}

static Status parse_backup(Str text, Arena *arena, Backup *out, Error *err) {
        Json *json = NULL;
        Str catalog = STR("");
        TRY(json_parse(text, NULL, arena, &json, err));
        TRY(json_want_string(json, "root", &out->root, err));
        TRY(json_want_string(json, "commit", &out->commit, err));
        TRY(json_want_string(json, "at", &out->at, err));
        TRY(json_want_string(json, "catalog", &catalog, err));
        TRY(json_want_string(json, "catalog_sha256", &out->catalog_sha256, err));
        TRY(json_want_integer(json, "files", &out->files, err));
        TRY(json_want_integer(json, "bytes", &out->bytes, err));
        int64_t version = json_integer(json_get(json, "lode_backup"), 0);
        if (version != BACKUP_VERSION || !is_catalog_name(catalog)) {
                error_set(err, STATUS_STORE_FORMAT, "'%s' is a backup of version %lld; this lode reads %d", out->folder,
                          (long long)version, BACKUP_VERSION);
                return error_hint(err, "use the lode that wrote it");
        }
        out->catalog_path = path_join(arena, out->folder, arena_cstr(arena, catalog));
        return STATUS_OK;
}

/* The first one, cut short: a backup has its backup.json last. */
static bool was_never_finished(Arena *arena, const char *folder) {
        return file_exists(path_join(arena, folder, "unfinished")) && !file_exists(path_join(arena, folder, "backup.json"));
}

/* Without backup.json: the newest catalog that lies here. */
static Status guess_backup(Arena *arena, Backup *out, Error *err) {
        DirEntry *entries = NULL;
        size_t count = 0;
        if (was_never_finished(arena, out->folder)) {
                error_set(err, STATUS_NOT_FOUND, "the backup in '%s' was never finished", out->folder);
                return error_hint(err, "lode backup %s goes on with it", out->folder);
        }
        TRY(dir_list(out->folder, arena, &entries, &count, err));
        for (size_t i = 0; i < count; i++)
                if (is_catalog_name(entries[i].name))
                        out->catalog_path = path_join(arena, out->folder, arena_cstr(arena, entries[i].name));
        if (out->catalog_path)
                return STATUS_OK;
        error_set(err, STATUS_NOT_FOUND, "there is no backup in '%s'", out->folder);
        return error_hint(err, "lode backup DIR makes one");
}

Status backup_read(const char *folder, Arena *arena, Backup *out, Error *err) {
        CLEANUP(freep) char *real = realpath(folder, NULL);
        if (!real && (errno == ENOENT || errno == ENOTDIR))
                return error_set(err, STATUS_NOT_FOUND, "there is no backup '%s': no such folder", folder);
        if (!real)
                return error_errno(err, errno, "cannot open the backup '%s'", folder);
        Backup backup = { .folder = arena_cstr(arena, str_of(real)), .root = STR(""), .commit = STR(""), .at = STR(""),
                          .catalog_sha256 = STR("") };
        Str text = STR_NONE;
        Error why = { 0 };
        Status status = file_read(path_join(arena, real, "backup.json"), JSON_MAX, arena, &text, &why);
        backup.is_whole = status == STATUS_OK && sum_holds(text);
        TRY(backup.is_whole ? parse_backup(text, arena, &backup, err) : guess_backup(arena, &backup, err));
        *out = backup;
        return STATUS_OK;
}

/* ---- readers ---- */

#define READERS "readers" /* locked shared by each, exclusively by a backup that removes what is old */

Status backup_hold(const char *folder, int *out_fd, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        CLEANUP(close_fdp) int fd = open(path_join(&scratch, folder, READERS), O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
                TRY(file_lock(fd, false, false, err));
        *out_fd = TAKE_FD(fd);
        return STATUS_OK;
}

/* -1: somebody reads, so what is old stays until the next backup. */
static Status lock_readers_out(const char *folder, int *out_fd, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        Error busy = { 0 };
        const char *path = path_join(&scratch, folder, READERS);
        CLEANUP(close_fdp) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
                return error_errno(err, errno, "cannot make '%s'", path);
        *out_fd = file_lock(fd, true, true, &busy) == STATUS_OK ? TAKE_FD(fd) : -1;
        return STATUS_OK;
}

/* ---- writing one ---- */

typedef struct Saving {
        Lake *lake;
        Arena *arena;
        const char *folder;
        bool has_old, unfinished; /* a backup is here; another try was left */
        Backup old;
        int64_t began_us;         /* the unfinished try: what is younger may be torn */
        int lock;
        Catalog *copy;
        const char *copy_path;
        CopyTally tally;
        VEC(uint64_t) names;      /* hashes of the paths that belong here */
        bool stale;               /* what the copied catalog names is gone on purpose */
        int64_t files, bytes;
} Saving;

static void saving_deinit(Saving *s) {
        catalog_freep(&s->copy);
        close_fdp(&s->lock);
}

static const char *here(const Saving *s, Arena *arena, Str path) {
        return arena_printf(arena, "%s/%.*s", s->folder, STR_ARG(path));
}

static Status no_place(Error *err, const char *folder, const char *why) {
        error_set(err, STATUS_BAD_VALUE, "'%s' cannot take a backup: %s", folder, why);
        return error_hint(err, "give a folder that is empty or not there yet, or that holds an older backup of this store");
}

static Status check_old(Saving *s, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        Error absent = { 0 };
        Status status = backup_read(s->folder, s->arena, &s->old, &absent);
        if (status == STATUS_NOT_FOUND)
                return folder_is_ours(s->folder, &scratch) ? STATUS_OK : no_place(err, s->folder, "its backup.json is none of Lode's, or damaged");
        if (status != STATUS_OK) {
                *err = absent;
                return status;
        }
        s->has_old = s->old.is_whole;
        if (!s->has_old && file_exists(path_join(&scratch, s->folder, "backup.json")))
                return no_place(err, s->folder, "its backup.json is damaged");
        if (s->has_old && !str_equal(s->old.root, str_of(s->lake->store->root)))
                return no_place(err, s->folder, "it holds the backup of another store");
        return STATUS_OK;
}

/* Empty, or ours. */
static Status check_folder(Saving *s, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        bool known = folder_is_ours(s->folder, &scratch) || file_exists(path_join(&scratch, s->folder, "backup.json"));
        return known ? check_old(s, err) : no_place(err, s->folder, "it holds something else");
}

static Status open_folder(Saving *s, const char *folder, Error *err) {
        bool is_new = false;
        const char *around = folder_around(folder, s->arena);
        if (around)
                return no_place(err, folder, arena_printf(s->arena, "it lies in '%s', which is a store or a backup itself", around));
        TRY(folder_make_durable(folder, &is_new, err));
        if (is_new && chmod(folder, 0700) < 0)
                return error_errno(err, errno, "cannot keep '%s' to its owner", folder);
        CLEANUP(freep) char *real = realpath(folder, NULL);
        if (!real)
                return error_errno(err, errno, "cannot open '%s'", folder);
        s->folder = arena_cstr(s->arena, str_of(real));
        TRY(check_folder(s, err));
        const char *lock = path_join(s->arena, s->folder, "lock");
        s->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (s->lock < 0)
                return error_errno(err, errno, "cannot make '%s'", lock);
        if (file_lock(s->lock, true, true, err) == STATUS_OK)
                return STATUS_OK;
        return error_set(err, STATUS_CONFLICT, "another backup is being written to '%s'", s->folder);
}

/* Files are synced all at once at the end, so after a power cut those of an unfinished try may be anything. */
static Status mark_unfinished(Saving *s, Error *err) {
        const char *path = path_join(s->arena, s->folder, "unfinished");
        struct stat st;
        s->unfinished = stat(path, &st) == 0;
        if (!s->unfinished)
                return folder_mark(s->folder, err);
        s->began_us = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
        return STATUS_OK;
}

static Status copy_catalog(Saving *s, Error *err) {
        catalog_freep(&s->copy);
        s->copy_path = arena_printf(s->arena, "%s/catalog-%016llx%08x.sqlite", s->folder, (unsigned long long)time_now_us(),
                                    (unsigned)random_u64());
        TRY(catalog_copy_sqlite(s->lake->catalog, s->copy_path, err));
        if (chmod(s->copy_path, 0600) < 0)
                return error_errno(err, errno, "cannot keep '%s' to its owner", s->copy_path);
        return catalog_open_sqlite(s->copy_path, &s->copy, err);
}

/* ---- files ---- */

static bool is_here(const Saving *s, const StoredFile *file, const char *path) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        struct stat st;
        if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size != file->bytes)
                return false;
        int64_t changed_us = (int64_t)st.st_ctim.tv_sec * 1000000 + st.st_ctim.tv_nsec / 1000;
        if (!s->unfinished || changed_us < s->began_us)
                return true;
        Sha256 hash;
        int64_t size = 0;
        Error ignored = { 0 };
        return file_hash(path, &hash, &size, &ignored) == STATUS_OK && str_equal(sha256_hex(&scratch, hash), file->sha256);
}

/* Whether the store still wants it. */
static Status still_wanted(Saving *s, const StoredFile *file, bool *out, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        if (file->row) {
                CatalogFile *now = NULL;
                size_t count = 0;
                TRY(catalog_files(s->lake->catalog, &(CatalogFileQuery){ .seq = file->seq, .path = file->path }, &scratch,
                                  &now, &count, err));
                *out = count == 1 && now[0].gone_us == 0;
                return STATUS_OK;
        }
        Delivery *rows = NULL;
        size_t count = 0;
        TRY(catalog_deliveries(s->lake->catalog, &(DeliveryQuery){ .sha256 = file->sha256 }, &scratch, &rows, &count, err));
        *out = false;
        for (size_t i = 0; i < count; i++)
                *out = *out || str_equal(rows[i].landing, file->path);
        return STATUS_OK;
}

static Status save_file(void *context, const StoredFile *file, Error *err) {
        Saving *s = context;
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        const char *message = NULL;
        bool wanted = true;
        vec_push(s->arena, &s->names, hash64(file->path));
        s->files++;
        s->bytes += file->bytes;
        CopyFile copy = { .from = store_absolute(s->lake->store, &scratch, file->path), .to = here(s, &scratch, file->path),
                          .sha256 = file->sha256, .bytes = file->bytes, .mode = 0600 };
        if (is_here(s, file, copy.to)) {
                copy_progress(&s->tally, file->bytes);
                return copy_interrupted(&s->tally, err);
        }
        TRY(copy_file_held(&copy, &s->tally, &scratch, &message, err));
        if (!message)
                return STATUS_OK;
        TRY(still_wanted(s, file, &wanted, err));
        s->stale = s->stale || !wanted;
        if (wanted)
                vec_push(s->arena, &s->tally.damages,
                         (BackupDamage){ arena_str(s->arena, file->path), arena_str(s->arena, str_of(message)) });
        return STATUS_OK;
}

static Status add_total(void *context, const StoredFile *file, Error *err) {
        Saving *s = context;
        (void)err;
        s->tally.total += file->bytes;
        return STATUS_OK;
}

static Status save_files(Saving *s, Error *err) {
        for (int attempt = 0; attempt < TRIES; attempt++) {
                TRY(copy_catalog(s, err));
                s->names.count = 0;
                s->tally.damages.count = 0;
                s->files = s->bytes = s->tally.done = s->tally.total = 0;
                s->stale = false;
                TRY(each_stored(s->copy, add_total, s, err));
                TRY(each_stored(s->copy, save_file, s, err));
                if (!s->stale)
                        return STATUS_OK;
                unlink(s->copy_path);
        }
        error_set(err, STATUS_CONFLICT, "files are being removed from the store faster than they can be copied");
        return error_hint(err, "run it again when lode tidy has ended");
}

/* ---- the key and the audit log ---- */

static Status save_key(Saving *s, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        const char *message = NULL;
        Str wanted = STR("");
        TRY(catalog_meta(s->copy, STR(LAKE_KEY_HASH), &scratch, &wanted, err));
        StoredFile file = { .path = STR("key"), .sha256 = wanted, .bytes = SHA256_SIZE };
        CopyFile copy = { .from = s->lake->store->key_path, .to = here(s, &scratch, file.path), .sha256 = wanted,
                          .bytes = file.bytes, .mode = 0600 };
        s->unfinished = s->unfinished || !s->has_old;
        if (is_here(s, &file, copy.to))
                return STATUS_OK;
        TRY(copy_file_held(&copy, &s->tally, &scratch, &message, err));
        if (message)
                vec_push(s->arena, &s->tally.damages, (BackupDamage){ STR("key"), arena_str(s->arena, str_of(message)) });
        return STATUS_OK;
}

/* They grow: a longer one takes the place of the one that the older backup has, whole. */
static Status save_audit_file(Saving *s, Str name, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        const char *from = arena_printf(&scratch, "%s/%.*s", s->lake->store->audit_dir, STR_ARG(name));
        const char *to = arena_printf(&scratch, "%s/audit/%.*s", s->folder, STR_ARG(name));
        struct stat now, before;
        if (stat(from, &now) == 0 && stat(to, &before) == 0 && now.st_size == before.st_size)
                return STATUS_OK;
        Str bytes = STR_NONE;
        TRY(file_read(from, (size_t)4 << 30, &scratch, &bytes, err));
        TRY(file_replace(to, bytes, err));
        if (chmod(to, 0600) < 0)
                return error_errno(err, errno, "cannot keep '%s' to its owner", to);
        s->tally.files++;
        s->tally.bytes += (int64_t)bytes.size;
        return STATUS_OK;
}

/* What is not as it was written is not taken: the copy that the backup has may be the only good one. */
static Status save_audit(Saving *s, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        AuditFile *files;
        size_t count = 0;
        TRY(dir_make(path_join(&scratch, s->folder, "audit"), err));
        TRY(lake_audit_check(s->copy, s->lake->store->root, &scratch, &files, &count, err));
        for (size_t i = 0; i < count; i++) {
                const AuditFile *file = &files[i];
                if (file->status == STATUS_OK) {
                        TRY(save_audit_file(s, file->name, err));
                        continue;
                }
                vec_push(s->arena, &s->tally.damages,
                         (BackupDamage){ arena_strf(s->arena, "audit/%.*s", STR_ARG(file->name)), lake_audit_words(s->arena, file) });
        }
        return STATUS_OK;
}

/* ---- the end ---- */

static int compare_names(const void *left, const void *right) {
        uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
        return a < b ? -1 : a > b;
}

/* What the store has no more. True if the folder is empty now. */
static Status prune(Saving *s, Str folder, int64_t *removed, bool *out_empty, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        DirEntry *entries = NULL;
        size_t count = 0, left = 0;
        Status status = dir_list(here(s, &scratch, folder), &scratch, &entries, &count, err);
        *out_empty = false;
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        TRY(status);
        for (size_t i = 0; i < count; i++) {
                Str path = arena_strf(&scratch, "%.*s/%.*s", STR_ARG(folder), STR_ARG(entries[i].name));
                uint64_t name = hash64(path);
                bool empty = false;
                if (entries[i].is_dir) {
                        TRY(prune(s, path, removed, &empty, err));
                        left += !(empty && rmdir(here(s, &scratch, path)) == 0);
                } else if (s->names.count &&
                           bsearch(&name, s->names.items, s->names.count, sizeof(name), compare_names)) {
                        left++;
                } else if (unlink(here(s, &scratch, path)) == 0) {
                        ++*removed;
                }
        }
        *out_empty = left == 0;
        return STATUS_OK;
}

static Status remove_old(Saving *s, int64_t *removed, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        CLEANUP(close_fdp) int alone = -1;
        DirEntry *entries = NULL;
        size_t count = 0;
        bool empty;
        unlink(path_join(&scratch, s->folder, "unfinished"));
        TRY(lock_readers_out(s->folder, &alone, err));
        if (alone < 0)
                return STATUS_OK;
        if (s->names.count)
                qsort(s->names.items, s->names.count, sizeof(*s->names.items), compare_names);
        TRY(prune(s, STR("tables"), removed, &empty, err));
        TRY(prune(s, STR("landing"), removed, &empty, err));
        TRY(dir_list(s->folder, &scratch, &entries, &count, err));
        for (size_t i = 0; i < count; i++)
                if (str_starts_with(entries[i].name, STR("catalog-")) && !str_is(entries[i].name, path_base(s->copy_path)))
                        unlink(here(s, &scratch, entries[i].name));
        return STATUS_OK;
}

static Status finish(Saving *s, Backup *out, Error *err) {
        CatalogCommit head;
        Sha256 hash;
        int64_t size = 0;
        TRY(catalog_head(s->copy, STR("main"), s->arena, &head, err));
        catalog_freep(&s->copy);
        TRY(file_hash(s->copy_path, &hash, &size, err));
        *out = (Backup){ .folder = s->folder,
                         .catalog_path = s->copy_path,
                         .is_whole = true,
                         .root = arena_str(s->arena, str_of(s->lake->store->root)),
                         .commit = head.id,
                         .at = time_print_us(s->arena, time_now_us()),
                         .catalog_sha256 = sha256_hex(s->arena, hash),
                         .files = s->files,
                         .bytes = s->bytes };
        TRY(copy_sync(&s->tally, s->folder, err));
        return file_replace(path_join(s->arena, s->folder, "backup.json"), print_backup(out, s->arena), err);
}

Status lake_backup(Lake *lake, const char *folder, const BackupSpec *spec, Arena *arena, BackupResult *out, Error *err) {
        CLEANUP(saving_deinit) Saving s = {
                .lake = lake,
                .arena = arena,
                .lock = -1,
                .tally = { .progress = spec->progress, .context = spec->context, .interrupted = spec->interrupted,
                           .arena = arena },
        };
        int64_t removed = 0;
        Backup backup = { 0 };
        TRY(open_folder(&s, folder, err));
        TRY(mark_unfinished(&s, err));
        TRY(save_files(&s, err));
        TRY(save_key(&s, err));
        TRY(save_audit(&s, err));
        TRY(finish(&s, &backup, err));
        TRY(remove_old(&s, &removed, err));
        *out = (BackupResult){ .backup = backup,
                               .copied_files = s.tally.files,
                               .copied_bytes = s.tally.bytes,
                               .removed_files = removed,
                               .damages = s.tally.damages.items,
                               .damage_count = s.tally.damages.count };
        return STATUS_OK;
}
