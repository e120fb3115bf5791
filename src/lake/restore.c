/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/map.h"
#include "iceberg/avro.h"
#include "iceberg/relocate.h"
#include "lake/audit_heads.h"
#include "lake/copy.h"

#define MOVED_BATCH 5000

typedef struct Restoring {
        const Backup *backup;
        const RestoreSpec *spec;
        Arena *arena;
        const char *root;      /* where it will lie */
        const char *shell;     /* ROOT.restoring, and in it: */
        const char *folder;    /* where it is made */
        Catalog *catalog;      /* the new store's */
        Relocation relocation;
        bool moves;
        bool lists;            /* the second pass: what says how long manifests are */
        Map lengths;           /* manifest's path below the root: int64_t */
        Arena batch;
        VEC(CatalogFile) moved;
        int64_t files, bytes, rewritten;
        CopyTally tally;
} Restoring;

static void restoring_deinit(Restoring *r) {
        catalog_freep(&r->catalog);
        arena_deinit(&r->batch);
}

static const char *from_path(const Restoring *r, Arena *arena, Str path) {
        return arena_printf(arena, "%s/%.*s", r->backup->folder, STR_ARG(path));
}

static const char *to_path(const Restoring *r, Arena *arena, Str path) {
        return arena_printf(arena, "%s/%.*s", r->folder, STR_ARG(path));
}

/* ---- where it goes ---- */

static Status taken(Error *err, const char *path, const char *why) {
        error_set(err, STATUS_EXISTS, "nothing is restored over '%s': %s", path, why);
        return error_hint(err, "move it away first, or give another place: lode restore DIR STORE (`store:` in lode.yml says which one a project uses)");
}

static Status check_free(const char *path, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        DirEntry *entries = NULL;
        size_t count = 0;
        struct stat st;
        if (lstat(path, &st) < 0)
                return STATUS_OK;
        if (!S_ISDIR(st.st_mode))
                return taken(err, path, "it is no folder");
        TRY(dir_list(path, &scratch, &entries, &count, err));
        return count == 0 ? STATUS_OK : taken(err, path, "it is not empty");
}

/* What an earlier try left goes, and nothing else does. */
static Status make_folder(Restoring *r, Error *err) {
        if (file_exists(r->shell) && folder_is_ours(r->shell, r->arena))
                TRY(dir_remove_all(r->shell, err));
        TRY(check_free(r->shell, err));
        TRY(dir_make(r->shell, err));
        if (chmod(r->shell, 0700) < 0)
                return error_errno(err, errno, "cannot keep '%s' to its owner", r->shell);
        TRY(folder_mark(r->shell, err));
        CLEANUP(store_freep) Store *store = NULL;
        return store_create(r->folder, &store, err);
}

static Status settle_root(Restoring *r, const char *root, Error *err) {
        const char *absolute = path_absolute(r->arena, root), *around = folder_around(root, r->arena);
        if (around) {
                error_set(err, STATUS_BAD_VALUE, "nothing is restored to '%s': it lies in '%s', which is a store or a backup itself", root, around);
                return error_hint(err, "what is not their own may be removed there; give a place outside");
        }
        char *parent = path_dir(r->arena, absolute);
        bool is_new;
        TRY(folder_make_durable(parent, &is_new, err));
        CLEANUP(freep) char *real = realpath(parent, NULL);
        if (!real)
                return error_errno(err, errno, "cannot open '%s'", parent);
        r->root = path_join(r->arena, strcmp(real, "/") == 0 ? "" : real, path_base(absolute));
        r->shell = arena_printf(r->arena, "%s.restoring", r->root);
        r->folder = path_join(r->arena, r->shell, "store");
        TRY(check_free(r->root, err));
        return make_folder(r, err);
}

/* ---- files ---- */

static Status damaged(Restoring *r, Str path, const char *message, Error *err) {
        if (r->spec->damaged_too) {
                vec_push(r->arena, &r->tally.damages,
                         (BackupDamage){ arena_str(r->arena, path), arena_str(r->arena, str_of(message)) });
                return STATUS_OK;
        }
        error_set(err, STATUS_CORRUPT, "the backup is damaged: '%.*s': %s", STR_ARG(path), message);
        return error_hint(err, "lode verify --backup %s names all that is; --damaged-too restores the rest", r->backup->folder);
}

static Status copy_plain(Restoring *r, const StoredFile *file, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        const char *message = NULL;
        CopyFile copy = { .from = from_path(r, &scratch, file->path), .to = to_path(r, &scratch, file->path),
                          .sha256 = file->sha256, .bytes = file->bytes, .mode = 0644 };
        TRY(copy_file_held(&copy, &r->tally, &scratch, &message, err));
        r->files++;
        r->bytes += file->bytes;
        return message ? damaged(r, file->path, message, err) : STATUS_OK;
}

static Status flush_moved(Restoring *r, Error *err) {
        TRY(catalog_files_moved(r->catalog, r->moved.items, r->moved.count, err));
        r->moved.count = 0;
        r->moved.items = NULL;
        r->moved.capacity = 0;
        arena_reset(&r->batch);
        return STATUS_OK;
}

/* A file that has its first bytes again, since it lies where it was made, is not moved any more. */
static Status note_moved(Restoring *r, const StoredFile *file, Str bytes, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        Str hash = sha256_hex(&scratch, sha256_of(bytes));
        bool same = str_equal(hash, file->row->sha256);
        CatalogFile row = { .path = arena_str(&r->batch, file->path), .seq = file->seq,
                            .moved_sha256 = same ? STR("") : arena_str(&r->batch, hash),
                            .moved_bytes = (int64_t)bytes.size };
        vec_push(&r->batch, &r->moved, row);
        return r->moved.count < MOVED_BATCH ? STATUS_OK : flush_moved(r, err);
}

static Status read_held(Restoring *r, const StoredFile *file, Arena *arena, Str *out, const char **out_message) {
        Error why = { 0 };
        *out_message = NULL;
        if (file_read(from_path(r, arena, file->path), MANIFEST_SIZE_MAX, arena, out, &why) != STATUS_OK)
                *out_message = arena_printf(arena, "%s", why.message);
        else if (!str_equal(sha256_hex(arena, sha256_of(*out)), file->sha256))
                *out_message = "its bytes are not those that were written";
        return STATUS_OK;
}

static Status copy_moved(Restoring *r, const StoredFile *file, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        const char *message = NULL;
        Str bytes = STR_NONE, moved = STR_NONE;
        Error why = { 0 };
        TRY(copy_interrupted(&r->tally, err));
        TRY(read_held(r, file, &scratch, &bytes, &message));
        if (!message && relocate_file(file->path, bytes, &r->relocation, &scratch, &moved, &why) != STATUS_OK)
                message = arena_printf(&scratch, "%s", why.message);
        r->files++;
        r->bytes += file->bytes;
        copy_progress(&r->tally, file->bytes);
        if (message)
                return damaged(r, file->path, message, err);
        TRY(write_file_held(to_path(r, r->arena, file->path), moved, 0644, &r->tally, err));
        int64_t *length = ARENA_NEW(r->arena, int64_t);
        *length = (int64_t)moved.size;
        if (!r->lists)
                map_put(&r->lengths, file->path, length);
        r->rewritten++;
        return note_moved(r, file, moved, err);
}

static bool is_list(Str path) {
        return str_starts_with(str_of(path_base(path.data)), STR("snap-"));
}

static Status restore_file(void *context, const StoredFile *file, Error *err) {
        Restoring *r = context;
        bool json = str_ends_with(file->path, STR(".metadata.json"));
        bool own = file->row && (json || str_ends_with(file->path, STR(".avro")));
        bool late = r->moves && own && (json || is_list(file->path));
        if (late != r->lists)
                return STATUS_OK;
        return r->moves && own ? copy_moved(r, file, err) : copy_plain(r, file, err);
}

static Status add_total(void *context, const StoredFile *file, Error *err) {
        Restoring *r = context;
        (void)err;
        r->tally.total += file->bytes;
        return STATUS_OK;
}

static int64_t length_of(void *context, Str path) {
        Restoring *r = context;
        Str root = str_of(r->root);
        const int64_t *length = path.size > root.size ? map_get(&r->lengths, str_slice(path, root.size + 1, path.size)) : NULL;
        return length ? *length : -1;
}

/* Manifests before the lists that say how long they are. */
static Status restore_files(Restoring *r, Error *err) {
        TRY(each_stored(r->catalog, add_total, r, err));
        TRY(each_stored(r->catalog, restore_file, r, err));
        if (r->moves) {
                r->lists = true;
                TRY(each_stored(r->catalog, restore_file, r, err));
        }
        return flush_moved(r, err);
}

/* ---- the rest ---- */

static Status restore_catalog(Restoring *r, Error *err) {
        const char *message = NULL;
        struct stat st;
        if (stat(r->backup->catalog_path, &st) < 0)
                return error_errno(err, errno, "cannot open '%s'", r->backup->catalog_path);
        CopyFile copy = { .from = r->backup->catalog_path, .to = to_path(r, r->arena, STR("catalog.sqlite")),
                          .sha256 = r->backup->catalog_sha256, .bytes = st.st_size, .mode = 0600 };
        TRY(copy_file_held(&copy, &r->tally, r->arena, &message, err));
        if (message) {
                error_set(err, STATUS_CORRUPT, "the backup is damaged: its catalog '%s': %s", copy.from, message);
                return error_hint(err, "lode verify --backup %s says more; use another backup", r->backup->folder);
        }
        return catalog_open_sqlite(copy.to, &r->catalog, err);
}

static Status restore_key(Restoring *r, Error *err) {
        const char *message = NULL;
        Str wanted = STR("");
        TRY(catalog_meta(r->catalog, STR(LAKE_KEY_HASH), r->arena, &wanted, err));
        CopyFile copy = { .from = from_path(r, r->arena, STR("key")), .to = to_path(r, r->arena, STR("key")), .sha256 = wanted,
                          .bytes = SHA256_SIZE, .mode = 0600 };
        TRY(copy_file_held(&copy, &r->tally, r->arena, &message, err));
        return message ? damaged(r, STR("key"), message, err) : STATUS_OK;
}

static Status restore_audit_file(Restoring *r, const AuditFile *file, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        Str name = arena_strf(&scratch, "audit/%.*s", STR_ARG(file->name)), bytes = STR_NONE;
        if (file->status != STATUS_OK)
                TRY(damaged(r, name, arena_cstr(&scratch, lake_audit_words(&scratch, file)), err));
        if (file->status != STATUS_OK && file->status != STATUS_CORRUPT)
                return STATUS_OK; /* it is gone, or cannot be read; what is altered in one place is evidence all the same */
        TRY(file_read(from_path(r, &scratch, name), (size_t)4 << 30, &scratch, &bytes, err));
        return write_file_held(to_path(r, r->arena, name), bytes, 0600, &r->tally, err);
}

static Status restore_audit(Restoring *r, Error *err) {
        AuditFile *files;
        size_t count = 0;
        TRY(lake_audit_check(r->catalog, r->backup->folder, r->arena, &files, &count, err));
        for (size_t i = 0; i < count; i++)
                TRY(restore_audit_file(r, &files[i], err));
        return STATUS_OK;
}

static Status put_in_place(Restoring *r, Error *err) {
        catalog_freep(&r->catalog);
        TRY(copy_sync(&r->tally, r->folder, err));
        if (rename(r->folder, r->root) < 0)
                return error_errno(err, errno, "cannot rename '%s' to '%s'", r->folder, r->root);
        dir_sync(path_dir(r->arena, r->root));
        Error ignored = { 0 };
        dir_remove_all(r->shell, &ignored);
        return STATUS_OK;
}

static Status restore_all(Restoring *r, Error *err) {
        TRY(restore_catalog(r, err));
        TRY(restore_key(r, err));
        TRY(restore_audit(r, err));
        TRY(restore_files(r, err));
        if (r->moves)
                TRY(catalog_move(r->catalog, str_of(r->root), str_of(avro_codec_version()), err));
        return put_in_place(r, err);
}

Status lake_restore(const Backup *backup, const char *root, const RestoreSpec *spec, Arena *arena, RestoreResult *out,
                    Error *err) {
        CLEANUP(restoring_deinit) Restoring r = {
                .backup = backup,
                .spec = spec,
                .arena = arena,
                .tally = { .progress = spec->progress, .context = spec->context, .interrupted = spec->interrupted,
                           .arena = arena },
        };
        map_init(&r.lengths, arena);
        if (!backup->is_whole) {
                error_set(err, STATUS_CORRUPT, "the backup is damaged: '%s/backup.json' is not what was written", backup->folder);
                return error_hint(err, "use another backup; lode verify --backup %s tells how much of this one is whole",
                                  backup->folder);
        }
        TRY(settle_root(&r, root, err));
        r.moves = !str_equal(backup->root, str_of(r.root));
        r.relocation = (Relocation){ .from = backup->root, .to = str_of(r.root), .manifest_length = length_of, .context = &r };
        Status status = restore_all(&r, err);
        if (status != STATUS_OK) {
                Error ignored = { 0 };
                catalog_freep(&r.catalog);
                dir_remove_all(r.shell, &ignored);
                return status;
        }
        *out = (RestoreResult){ .root = r.root,
                                .files = r.files,
                                .bytes = r.bytes,
                                .rewritten = r.rewritten,
                                .damages = r.tally.damages.items,
                                .damage_count = r.tally.damages.count };
        return STATUS_OK;
}

/* ---- single files ---- */

static Status put_back(const char *folder, const Backup *backup, const VerifyDamage *damage, bool *out, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        const char *message = NULL;
        struct stat st;
        CopyTally tally = { .arena = &scratch };
        const char *place = arena_printf(&scratch, "%s/%.*s", folder, STR_ARG(damage->file));
        CopyFile copy = { .from = arena_printf(&scratch, "%s/%.*s", backup->folder, STR_ARG(damage->file)),
                          .to = arena_printf(&scratch, "%s.restoring", place), .sha256 = damage->sha256,
                          .mode = str_is(damage->kind, "key") ? 0600 : 0644 };
        *out = false;
        if (stat(copy.from, &st) < 0)
                return STATUS_OK;
        copy.bytes = st.st_size;
        TRY(copy_file_held(&copy, &tally, &scratch, &message, err));
        if (message)
                return STATUS_OK;
        CLEANUP(close_fdp) int fd = open(copy.to, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return error_errno(err, errno, "cannot open '%s'", copy.to);
        fd_sync(fd, copy.to);
        if (rename(copy.to, place) < 0)
                return error_errno(err, errno, "cannot rename '%s' to '%s'", copy.to, place);
        dir_sync(path_dir(&scratch, place));
        *out = true;
        return STATUS_OK;
}

Status lake_put_back(const char *folder, const Backup *backup, const VerifyDamage *damages, size_t count, Arena *arena,
                     Str **out, size_t *out_count, Error *err) {
        VEC(Str) done = { 0 };
        for (size_t i = 0; i < count; i++) {
                bool put = false;
                if (damages[i].sha256.size && damages[i].file.size)
                        TRY(put_back(folder, backup, &damages[i], &put, err));
                if (put)
                        vec_push(arena, &done, damages[i].file);
        }
        *out = done.items;
        *out_count = done.count;
        return STATUS_OK;
}
