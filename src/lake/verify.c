/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/time.h"
#include "govern/audit.h"
#include "iceberg/avro.h"
#include "iceberg/relocate.h"
#include "lake/audit_heads.h"
#include "lake/verify_files.h"

#define BATCH 10000
#define PIECE ((size_t)256 << 10)

/* ---- what the parts share ---- */

VerifyDamage *verify_damage_of(Verify *v, Str relative) {
        uintptr_t index = (uintptr_t)map_get(&v->by_file, relative);
        return index ? &v->damages.items[index - 1] : NULL;
}

VerifyDamage *verify_damage(Verify *v, const char *kind, Str file, const char *what, const char *format, ...) {
        VerifyDamage *known = file.size ? verify_damage_of(v, file) : NULL;
        if (known)
                return known;
        char message[640];
        va_list args;
        va_start(args, format);
        vsnprintf(message, sizeof(message), format, args);
        va_end(args);
        vec_push(v->arena, &v->damages,
                 (VerifyDamage){ .kind = str_of(kind),
                                 .file = arena_str(v->arena, file),
                                 .what = str_of(what),
                                 .message = arena_str(v->arena, str_of(message)),
                                 .sha256 = STR(""),
                                 .fix = STR("") });
        if (file.size)
                map_put(&v->by_file, file, (void *)(uintptr_t)v->damages.count);
        return &v->damages.items[v->damages.count - 1];
}

const char *verify_place(const Verify *v, Arena *arena, Str path) {
        Str below = store_relative(&v->store, path);
        if (below.size && below.data[0] == '/')
                return arena_cstr(arena, below);
        return arena_printf(arena, "%s/%.*s", v->spec->folder, STR_ARG(below));
}

Status verify_interrupted(const Verify *v, Error *err) {
        if (v->spec->interrupted && *v->spec->interrupted)
                return error_set(err, STATUS_INTERRUPTED, "interrupted; nothing was changed");
        return STATUS_OK;
}

Str verify_name(Arena *arena, Str kind, Str zone, Str name) {
        if (!str_is(kind, "quarantine"))
                return arena_strf(arena, "%.*s.%.*s", STR_ARG(zone), STR_ARG(name));
        size_t dot = str_find_byte(name, '.');
        return arena_strf(arena, "%.*s.quarantine.%.*s", STR_ARG(zone), STR_ARG(str_slice(name, dot + 1, name.size)));
}

bool verify_wants(const Verify *v, Str kind, Str zone, Str name) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        for (size_t i = 0; i < v->spec->name_count; i++)
                if (str_equal(v->spec->names[i], zone) ||
                    (name.size && str_equal(v->spec->names[i], verify_name(&scratch, kind, zone, name))))
                        return true;
        return v->spec->name_count == 0;
}

static int known_compare(const void *left, const void *right) {
        const KnownFile *a = left, *b = right;
        return a->key < b->key ? -1 : a->key > b->key;
}

KnownFile *verify_known(Verify *v, Str relative) {
        KnownFile wanted = { .key = hash64(relative) };
        return v->known.count ? bsearch(&wanted, v->known.items, v->known.count, sizeof(wanted), known_compare) : NULL;
}

static void add_progress(Verify *v, int64_t bytes) {
        v->done += bytes;
        if (v->spec->progress)
                v->spec->progress(v->spec->context, v->done, v->total);
}

/* ---- the catalog, the key, the audit log ---- */

static const char catalog_fix[] = "restore the store from a backup (lode restore DIR STORE); the files of tables and "
                                  "landing need not be damaged";

static Status check_catalog(Verify *v, Error *err) {
        Str *damages = NULL;
        size_t count = 0;
        Str name = str_of(path_base(v->spec->catalog_path));
        TRY(catalog_check_sqlite(v->spec->catalog_path, v->arena, &damages, &count, &v->report.pages, err));
        for (size_t i = 0; i < count; i++)
                vec_push(v->arena, &v->damages,
                         (VerifyDamage){ .kind = STR("catalog"), .file = name, .what = STR("altered"),
                                         .message = damages[i], .sha256 = STR(""), .fix = str_of(catalog_fix) });
        return STATUS_OK;
}

static Status check_meta(Verify *v, Error *err) {
        Str format = STR(""), root = STR("");
        int64_t number = 0;
        TRY(catalog_meta(v->catalog, STR("format"), v->arena, &format, err));
        TRY(catalog_meta(v->catalog, STR("root"), v->arena, &root, err));
        if (!str_to_int64(format, &number))
                return error_set(err, STATUS_CORRUPT, "the store's format '%.*s' is no number", STR_ARG(format));
        v->store.root = arena_cstr(v->arena, v->spec->is_backup ? root : str_of(v->spec->folder));
        return store_check(&v->store, number, root, err);
}

static const char backup_fix[] = "make the backup again into an empty folder; do not rely on this one";

/* backup.json, and that the catalog is the one that it names. */
static Status check_backup(Verify *v, Error *err) {
        Sha256 hash;
        int64_t size = 0;
        if (!v->spec->is_backup)
                return STATUS_OK;
        if (!v->spec->is_whole) {
                verify_damage(v, "backup", STR("backup.json"), "altered", "it is gone, or not what was written")->fix =
                        str_of(backup_fix);
                return STATUS_OK;
        }
        if (v->damages.count) /* the catalog's pages were told */
                return STATUS_OK;
        TRY(file_hash(v->spec->catalog_path, &hash, &size, err));
        if (!str_equal(sha256_hex(v->arena, hash), v->spec->catalog_sha256))
                verify_damage(v, "catalog", str_of(path_base(v->spec->catalog_path)), "altered",
                              "it is not the one that backup.json names")->fix = str_of(backup_fix);
        return STATUS_OK;
}

static Status check_key(Verify *v, Error *err) {
        Str wanted = STR("");
        Sha256 hash;
        int64_t size = 0;
        Error why = { 0 };
        TRY(catalog_meta(v->catalog, STR(LAKE_KEY_HASH), v->arena, &wanted, err));
        Status status = file_hash(path_join(v->arena, v->spec->folder, "key"), &hash, &size, &why);
        VerifyDamage *damage = NULL;
        if (status == STATUS_NOT_FOUND)
                damage = verify_damage(v, "key", STR("key"), "missing", "the store's key is gone");
        else if (status != STATUS_OK)
                damage = verify_damage(v, "key", STR("key"), "unreadable", "%s", why.message);
        else if (!str_equal(sha256_hex(v->arena, hash), wanted))
                damage = verify_damage(v, "key", STR("key"), "altered", "the store's key is not the one it was made with");
        if (damage) {
                damage->sha256 = wanted;
                damage->fix = STR("put `key` back from a backup: masks by hash and encrypted secrets depend on it");
        }
        return STATUS_OK;
}

static const char audit_fix[] = "compare the file with a backup's: its lines up to there are as they were written";

static void tell_audit_file(Verify *v, const AuditFile *found) {
        Str file = arena_strf(v->arena, "audit/%.*s", STR_ARG(found->name));
        v->report.files++;
        if (found->status == STATUS_OK) {
                v->report.audit_lines += found->sequence;
                return;
        }
        const char *what = found->status == STATUS_NOT_FOUND ? "missing" : found->status == STATUS_CORRUPT ? "altered" : "unreadable";
        verify_damage(v, "audit", file, what, "%.*s", STR_ARG(lake_audit_words(v->arena, found)))->fix = str_of(audit_fix);
}

static Status check_audit(Verify *v, Error *err) {
        AuditFile *files;
        size_t count;
        TRY(lake_audit_check(v->catalog, v->spec->folder, v->arena, &files, &count, err));
        for (size_t i = 0; i < count; i++)
                tell_audit_file(v, &files[i]);
        return STATUS_OK;
}

static Status check_history(Verify *v, Error *err) {
        Error why = { 0 };
        Status status = catalog_verify_chain(v->catalog, &v->report.commits, &why);
        if (status == STATUS_OK)
                return STATUS_OK;
        if (status != STATUS_CORRUPT) {
                *err = why;
                return status;
        }
        verify_damage(v, "history", STR(""), "altered", "%s", why.message)->fix = str_of(catalog_fix);
        return STATUS_OK;
}

/* ---- one file against its hash ---- */

typedef struct Wanted {
        Str file;   /* below the root */
        Str sha256; /* hex */
        int64_t bytes;
        bool whole; /* read it all */
} Wanted;

/* As file_hash(), but a large file does not hold up who wants to stop. */
static Status hash_here(Verify *v, const char *path, Sha256 *out, int64_t *out_size, Error *err) {
        CLEANUP(close_fdp) int fd = -1;
        CLEANUP(sha256_freep) Sha256Stream *stream = sha256_new();
        CLEANUP(buf_deinit) Buf piece = { 0 };
        char *bytes = buf_reserve(&piece, PIECE);
        *out_size = 0;
        TRY(file_open(path, &fd, err));
        for (;;) {
                TRY(verify_interrupted(v, err));
                ssize_t got = read(fd, bytes, PIECE);
                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return error_errno(err, errno, "cannot read '%s'", path);
                if (got == 0)
                        break;
                sha256_update(stream, (Str){ bytes, (size_t)got });
                *out_size += got;
                add_progress(v, got);
        }
        *out = sha256_finish(TAKE_PTR(stream));
        return STATUS_OK;
}

/* OK with *out_what NULL: it is as it should be. */
static Status compare(Verify *v, const Wanted *wanted, const char **out_what, Str *out_message, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        const char *path = verify_place(v, &scratch, wanted->file);
        Sha256 hash;
        int64_t size = 0;
        struct stat st;
        Error why = { 0 };
        *out_what = NULL;
        v->report.files++;
        if (!wanted->whole && stat(path, &st) == 0) {
                size = st.st_size;
                add_progress(v, wanted->bytes);
        } else {
                Status status = hash_here(v, path, &hash, &size, &why);
                v->report.bytes += size;
                if (status == STATUS_INTERRUPTED)
                        return verify_interrupted(v, err);
                if (status != STATUS_OK) {
                        *out_what = status == STATUS_NOT_FOUND ? "missing" : "unreadable";
                        *out_message = status == STATUS_NOT_FOUND ? STR("the file is gone")
                                                                  : arena_str(v->arena, str_of(why.message));
                        return STATUS_OK;
                }
        }
        if (size != wanted->bytes) {
                *out_what = "altered";
                *out_message = arena_strf(v->arena, "it has %lld bytes, and had %lld", (long long)size,
                                          (long long)wanted->bytes);
        } else if (wanted->whole && !str_equal(sha256_hex(&scratch, hash), wanted->sha256)) {
                *out_what = "altered";
                *out_message = STR("its bytes are not those that were written");
        }
        return STATUS_OK;
}

typedef struct VerifyProof {
        Verify *v;
        Str root; /* where the file was made */
} VerifyProof;

static const char *kind_of(Str path) {
        if (str_ends_with(path, STR(".metadata.json")))
                return "metadata";
        return str_ends_with(path, STR(".avro")) ? "manifest" : "data";
}

/* Whether it was removed on purpose while we were on our way to it. */
static Status went_meanwhile(Verify *v, const CatalogFile *file, bool *out, Error *err) {
        CatalogFile *now = NULL;
        size_t count = 0;
        TRY(catalog_files(v->catalog, &(CatalogFileQuery){ .seq = file->seq, .path = file->path }, v->arena, &now, &count,
                          err));
        *out = count == 1 && now[0].gone_us;
        return STATUS_OK;
}

/* Where the store lay when a commit was made. */
static const CatalogMove *made_before(const Verify *v, int64_t seq) {
        for (size_t i = 0; i < v->move_count; i++)
                if (seq <= v->moves[i].seq)
                        return &v->moves[i];
        return NULL;
}

/* How long a manifest was at a root where a list was made, after the manifest had been moved there. */
static int64_t length_there(const VerifyProof *proof, Str relative) {
        Verify *v = proof->v;
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        Str bytes = STR_NONE, there = STR_NONE, key = arena_strf(&scratch, "%.*s\n%.*s", STR_ARG(proof->root), STR_ARG(relative));
        Relocation relocation = { .from = str_of(v->store.root), .to = proof->root };
        Error ignored = { 0 };
        void **place = map_at(&v->lengths, key);
        if (*place)
                return *(int64_t *)*place;
        int64_t *length = *place = ARENA_NEW(v->arena, int64_t);
        *length = -1;
        if (file_read(verify_place(v, &scratch, relative), MANIFEST_SIZE_MAX, &scratch, &bytes, &ignored) == STATUS_OK &&
            relocate_file(relative, bytes, &relocation, &scratch, &there, &ignored) == STATUS_OK)
                *length = (int64_t)there.size;
        return *length;
}

static int64_t length_made(void *context, Str path) {
        const VerifyProof *proof = context;
        Str root = proof->root;
        if (path.size <= root.size)
                return -1;
        Str relative = str_slice(path, root.size + 1, path.size);
        const KnownFile *known = verify_known(proof->v, relative);
        const CatalogMove *move = known ? made_before(proof->v, known->seq) : NULL;
        return move && str_equal(move->root, root) ? known->added : length_there(proof, relative);
}

/* A file that was written anew for this place is still what the history stands for: written back, it is what was added. */
static void prove_moved(Verify *v, const CatalogFile *file) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        const CatalogMove *move = made_before(v, file->seq);
        Str bytes = STR_NONE, back = STR_NONE;
        Error why = { 0 };
        VerifyProof proof = { v, move ? move->root : STR("") };
        Relocation relocation = { .from = str_of(v->store.root), .to = proof.root, .manifest_length = length_made,
                                  .context = &proof };
        if (move && file_read(verify_place(v, &scratch, file->path), MANIFEST_SIZE_MAX, &scratch, &bytes, &why) == STATUS_OK &&
            relocate_file(file->path, bytes, &relocation, &scratch, &back, &why) == STATUS_OK &&
            str_equal(sha256_hex(&scratch, sha256_of(back)), file->sha256))
                return;
        if (move && !str_is(v->moves[v->move_count - 1].codec, avro_codec_version()))
                v->report.unproven++;
        else
                verify_damage(v, kind_of(file->path), file->path, "inconsistent",
                              "written back for the place where it was made, it is not what its commit added");
}

static Status check_file(Verify *v, const CatalogFile *file, Error *err) {
        const char *what = NULL, *kind = kind_of(file->path);
        Str message = STR("");
        bool moved = file->moved_sha256.size > 0, gone = false;
        Wanted wanted = { file->path, moved ? file->moved_sha256 : file->sha256, moved ? file->moved_bytes : file->bytes,
                          !v->spec->quick || kind[0] == 'm' };
        *(kind[0] == 'd' ? &v->report.data : &v->report.metadata) += 1;
        TRY(compare(v, &wanted, &what, &message, err));
        if (!what && moved && !v->spec->quick)
                prove_moved(v, file);
        if (!what)
                return STATUS_OK;
        if (str_is(str_of(what), "missing"))
                TRY(went_meanwhile(v, file, &gone, err));
        if (gone)
                return STATUS_OK;
        VerifyDamage *damage = verify_damage(v, kind, file->path, what, "%.*s", STR_ARG(message));
        damage->sha256 = arena_str(v->arena, wanted.sha256);
        damage->seq = file->seq;
        return STATUS_OK;
}

/* The uuid of tables/UUID/... */
static Str uuid_of(Str path) {
        Str head, rest, uuid;
        return str_cut(path, '/', &head, &rest) && str_cut(rest, '/', &uuid, &rest) ? uuid : STR("");
}

/* Every row is known; those of tables that nobody asked for are not looked at. */
static Status each_file(Verify *v, Status (*each)(Verify *, const CatalogFile *, Error *), Error *err) {
        CLEANUP(arena_deinit) Arena batch = { 0 };
        CatalogFileQuery query = { .gone = true, .limit = BATCH };
        CLEANUP(buf_deinit) Buf last = { 0 };
        for (;;) {
                CatalogFile *files = NULL;
                size_t count = 0;
                TRY(catalog_files(v->catalog, &query, &batch, &files, &count, err));
                for (size_t i = 0; i < count; i++)
                        TRY(each(v, &files[i], err));
                if (count < BATCH)
                        return STATUS_OK;
                buf_clear(&last);
                buf_append(&last, files[count - 1].path);
                query.after_seq = files[count - 1].seq;
                query.after_path = buf_view(&last);
                arena_reset(&batch);
        }
}

static Status note_file(Verify *v, const CatalogFile *file, Error *err) {
        (void)err;
        KnownFile known = { .key = hash64(file->path),
                            .bytes = file->moved_sha256.size ? file->moved_bytes : file->bytes,
                            .added = file->bytes,
                            .seq = file->seq,
                            .gone = file->gone_us != 0 };
        vec_push(v->arena, &v->known, known);
        v->until = file->seq > v->until ? file->seq : v->until; /* they come in the order of commits */
        if (!known.gone)
                v->total += known.bytes;
        return STATUS_OK;
}

static Status look_at_file(Verify *v, const CatalogFile *file, Error *err) {
        TRY(verify_interrupted(v, err));
        if (file->gone_us || file->seq > v->until || (v->spec->name_count && !map_has(&v->names, uuid_of(file->path))))
                return STATUS_OK;
        return check_file(v, file, err);
}

/* ---- landing ---- */

static Status delivery_went(Verify *v, const Delivery *delivery, bool *out, Error *err) {
        Delivery now;
        Error absent = { 0 };
        Status status = catalog_delivery(v->catalog, delivery->id, v->arena, &now, &absent);
        *out = status == STATUS_NOT_FOUND || (status == STATUS_OK && !str_equal(now.landing, delivery->landing));
        if (status == STATUS_OK || status == STATUS_NOT_FOUND)
                return STATUS_OK;
        *err = absent;
        return status;
}

/* A sender's file that was left where it was may still be there. */
static Str landing_fix(Verify *v, const Delivery *delivery) {
        FileSeen *seen = NULL;
        size_t count = 0;
        Error ignored = { 0 };
        if (catalog_files_seen(v->catalog, delivery->zone, delivery->source, v->arena, &seen, &count, &ignored) == STATUS_OK)
                for (size_t i = 0; i < count; i++)
                        if (str_equal(seen[i].sha256, delivery->sha256) && file_exists(arena_cstr(v->arena, seen[i].place)))
                                return arena_strf(v->arena, "put it back from a backup (lode restore DIR --damaged), or copy"
                                                  " '%.*s' over it if that has this hash", STR_ARG(seen[i].place));
        return STR("a landed file cannot be made again: put it back from a backup (lode restore DIR --damaged), or from its "
                   "sender under this very name");
}

static Status check_delivery(Verify *v, const Delivery *delivery, Error *err) {
        const char *what = NULL;
        Str message = STR("");
        bool went = false;
        TRY(verify_interrupted(v, err));
        TRY(compare(v, &(Wanted){ delivery->landing, delivery->sha256, delivery->bytes, !v->spec->quick }, &what, &message, err));
        v->report.landed++;
        if (what && str_is(str_of(what), "missing"))
                TRY(delivery_went(v, delivery, &went, err));
        if (!what || went)
                return STATUS_OK;
        VerifyDamage *damage = verify_damage(v, "landing", delivery->landing, what, "%.*s", STR_ARG(message));
        damage->sha256 = delivery->sha256;
        damage->fix = landing_fix(v, delivery);
        damage->deliveries = ARENA_ARRAY(v->arena, Str, 1);
        damage->deliveries[0] = delivery->name;
        damage->delivery_count = 1;
        damage->tables = ARENA_ARRAY(v->arena, Str, 1);
        damage->tables[0] = arena_strf(v->arena, "%.*s.staging.%.*s", STR_ARG(delivery->zone), STR_ARG(delivery->source));
        damage->table_count = 1;
        return STATUS_OK;
}

static bool wants_source(const Verify *v, const Delivery *delivery) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        Str name = arena_strf(&scratch, "staging.%.*s", STR_ARG(delivery->source));
        return delivery->landing.size && (verify_wants(v, STR("table"), delivery->zone, name) ||
                                          verify_wants(v, STR("quarantine"), delivery->zone, name));
}

static Status check_landing(Verify *v, const Delivery *rows, size_t count, Error *err) {
        for (size_t i = 0; i < count; i++)
                if (wants_source(v, &rows[i]))
                        TRY(check_delivery(v, &rows[i], err));
        return STATUS_OK;
}

/* ---- files that nobody knows ---- */

/* What changed since we began may belong to a run beside us. */
static bool is_old(const Verify *v, const struct stat *st) {
        return (int64_t)st->st_ctim.tv_sec * 1000000 + st->st_ctim.tv_nsec / 1000 < v->started_us;
}

static Status walk(Verify *v, Str folder, const Map *others, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        DirEntry *entries = NULL;
        size_t count = 0;
        Status status = dir_list(verify_place(v, &scratch, folder), &scratch, &entries, &count, err);
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        TRY(status);
        for (size_t i = 0; i < count; i++) {
                Str path = arena_strf(&scratch, "%.*s/%.*s", STR_ARG(folder), STR_ARG(entries[i].name));
                struct stat st;
                if (entries[i].is_dir) {
                        TRY(walk(v, path, others, err));
                        continue;
                }
                const KnownFile *known = verify_known(v, path);
                if ((known && !known->gone) || map_has(others, path))
                        continue;
                if (lstat(verify_place(v, &scratch, path), &st) == 0 && is_old(v, &st))
                        vec_push(v->arena, &v->unknown, (VerifyUnknown){ arena_str(v->arena, path), st.st_size });
        }
        return STATUS_OK;
}

/* Files that the dead left are told; those of change sets at work are not. */
static Status add_queue(Verify *v, Map *others, Error *err) {
        DirEntry *entries = NULL;
        size_t count = 0;
        const char *folder = path_join(v->arena, v->spec->folder, "commit/queue");
        Status status = dir_list(folder, v->arena, &entries, &count, err);
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        TRY(status);
        for (size_t i = 0; i < count; i++) {
                const char *path = path_join(v->arena, folder, arena_cstr(v->arena, entries[i].name));
                Str list, line;
                Error ignored = { 0 };
                if (!str_ends_with(entries[i].name, STR(".files")) || !file_is_locked(path) ||
                    file_read(path, (size_t)1 << 30, v->arena, &list, &ignored) != STATUS_OK)
                        continue;
                while (str_cut(list, '\n', &line, &list))
                        map_put(others, store_relative(&v->store, line), v);
        }
        return STATUS_OK;
}

static Status find_unknown(Verify *v, const Delivery *rows, size_t count, Error *err) {
        Map others;
        if (v->spec->name_count)
                return STATUS_OK;
        map_init(&others, v->arena);
        for (size_t i = 0; i < count; i++)
                map_put(&others, rows[i].landing, v);
        TRY(add_queue(v, &others, err));
        TRY(walk(v, STR("tables"), &others, err));
        return walk(v, STR("landing"), &others, err);
}

/* ---- all of it ---- */

/* By its folder, where what lies above it cannot be read. */
static void settle_table(Verify *v, VerifyDamage *damage) {
        Str *name = damage->table_count == 0 && damage->file.size ? map_get(&v->names, uuid_of(damage->file)) : NULL;
        if (name) {
                damage->tables = name;
                damage->table_count = 1;
        }
}

/* What `lode run --again` is told to make a table again: itself, or the source whose records were kept aside in it. Empty for
 * what checks found, which no run finds again. */
static Str maker_of(Verify *v, Str table) {
        Str zone, stage, name;
        str_cut(table, '.', &zone, &name);
        str_cut(name, '.', &stage, &name);
        if (!str_is(stage, "quarantine"))
                return table;
        return str_is(name, "rows") ? STR("") : arena_strf(v->arena, "%.*s.staging.%.*s", STR_ARG(zone), STR_ARG(name));
}

/* What to do about a file of a table depends on whether it shows now; without a version, that cannot be told. */
static Str fix_of(Verify *v, const VerifyDamage *damage) {
        if (damage->versions && !damage->current)
                return STR("main does not show what needs it, time travel and other branches may: put it back from a backup "
                           "(lode restore DIR --damaged)");
        Str maker = damage->current && str_is(damage->kind, "data") ? maker_of(v, damage->tables[0]) : STR("");
        if (maker.size > 0)
                return arena_strf(v->arena, "put it back from a backup (lode restore DIR --damaged), or make the table again"
                                  " from what it was made of: lode run %.*s --again, then lode run for what reads it", STR_ARG(maker));
        return STR("put it back from a backup (lode restore DIR --damaged)");
}

static void settle_fixes(Verify *v) {
        for (size_t i = 0; i < v->damages.count; i++) {
                VerifyDamage *damage = &v->damages.items[i];
                settle_table(v, damage);
                if (damage->fix.size == 0)
                        damage->fix = fix_of(v, damage);
        }
}

/* What a version needs may expire and go while it is looked at: of a file that is gone by now no damage is told. */
static Status forgive_gone(Verify *v, Error *err) {
        size_t left = 0;
        for (size_t i = 0; i < v->damages.count; i++) {
                const VerifyDamage *damage = &v->damages.items[i];
                const KnownFile *known = damage->file.size ? verify_known(v, damage->file) : NULL;
                bool gone = false;
                if (known)
                        TRY(went_meanwhile(v, &(CatalogFile){ .seq = known->seq, .path = damage->file }, &gone, err));
                if (!gone)
                        v->damages.items[left++] = v->damages.items[i];
        }
        v->damages.count = left;
        return STATUS_OK;
}

static Status look(Verify *v, Error *err) {
        Delivery *rows = NULL;
        size_t count = 0;
        CatalogCommit head;
        TRY(catalog_head(v->catalog, STR(""), v->arena, &head, err));
        v->until = head.seq; /* it may have added no file */
        TRY(catalog_moves(v->catalog, v->arena, &v->moves, &v->move_count, err));
        TRY(check_backup(v, err));
        TRY(check_key(v, err));
        TRY(check_history(v, err));
        TRY(check_audit(v, err));
        TRY(each_file(v, note_file, err));
        if (v->known.count)
                qsort(v->known.items, v->known.count, sizeof(*v->known.items), known_compare);
        TRY(catalog_deliveries(v->catalog, &(DeliveryQuery){ 0 }, v->arena, &rows, &count, err));
        for (size_t i = 0; i < count; i++)
                v->total += rows[i].bytes;
        TRY(verify_table_names(v, err));
        TRY(check_landing(v, rows, count, err));
        TRY(each_file(v, look_at_file, err));
        TRY(verify_tables(v, err));
        TRY(forgive_gone(v, err));
        return find_unknown(v, rows, count, err);
}

static Status open_and_look(Verify *v, Error *err) {
        TRY(catalog_open_sqlite(v->spec->catalog_path, &v->catalog, err));
        TRY(check_meta(v, err));
        return look(v, err);
}

/* A catalog that cannot be read is damage, not a failure of ours: it is told with what else was seen so far. */
static Status tell_unreadable(Verify *v, const Error *why) {
        v->report.incomplete = true;
        if (v->damages.count == 0)
                verify_damage(v, "catalog", str_of(path_base(v->spec->catalog_path)), "unreadable", "%s", why->message)->fix =
                        str_of(catalog_fix);
        return STATUS_OK;
}

static void verify_deinit(Verify *v) {
        catalog_free(v->catalog);
}

Status lake_verify(const VerifySpec *spec, Arena *arena, VerifyReport *out, Error *err) {
        CLEANUP(verify_deinit) Verify v = { .spec = spec, .arena = arena, .started_us = time_now_us() };
        Map *maps[] = { &v.by_file, &v.names, &v.current, &v.manifests, &v.lengths };
        for (size_t i = 0; i < COUNT_OF(maps); i++)
                map_init(maps[i], arena);
        v.store.root = spec->folder;
        TRY(check_catalog(&v, err));
        Error why = { 0 };
        Status status = open_and_look(&v, &why);
        if (status == STATUS_CORRUPT || (status != STATUS_OK && v.damages.count && status != STATUS_INTERRUPTED))
                status = tell_unreadable(&v, &why);
        if (status != STATUS_OK) {
                *err = why;
                return status;
        }
        settle_fixes(&v);
        *out = v.report;
        out->damages = v.damages.items;
        out->damage_count = v.damages.count;
        out->unknown = v.unknown.items;
        out->unknown_count = v.unknown.count;
        return STATUS_OK;
}
