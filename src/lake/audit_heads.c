/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/audit_heads.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"

Status lake_audit_heads(Catalog *catalog, Arena *arena, AuditHead **out, size_t *out_count, Error *err) {
        Str *texts = NULL;
        size_t count = 0;
        TRY(catalog_audit_heads(catalog, arena, &texts, &count, err));
        AuditHead *heads = ARENA_ARRAY(arena, AuditHead, count);
        for (size_t i = 0; i < count; i++)
                if (!audit_head_parse(texts[i], &heads[i]))
                        return error_set(err, STATUS_CORRUPT, "the catalog has a head of the audit log that is none: %.*s", STR_ARG(texts[i]));
        *out = heads;
        *out_count = count;
        return STATUS_OK;
}

/* Whether the head that the catalog has is one that this one comes after. */
static bool follows(const char *folder, Str text, const AuditHead *head, Arena *arena) {
        AuditHead before;
        if (!audit_head_parse(text, &before) || before.sequence > head->sequence)
                return false;
        return !folder || audit_has(path_join(arena, folder, arena_cstr(arena, head->file)), &before);
}

Status lake_audit_anchor(Catalog *catalog, const char *folder, const AuditHead *head, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error absent = { 0 };
        Str before, key = arena_strf(&arena, CATALOG_META_AUDIT "%.*s", STR_ARG(head->file));
        Status status = catalog_meta(catalog, key, &arena, &before, &absent);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
                *err = absent;
                return status;
        }
        if (head->sequence == 0 || (status == STATUS_OK && !follows(folder, before, head, &arena)))
                return STATUS_OK;
        return catalog_put_meta(catalog, key, audit_head_print(head, &arena), err);
}

/* Empty: nothing was retired yet. */
static Status retired_before(Catalog *catalog, Arena *arena, Str *out, Error *err) {
        Error absent = { 0 };
        Status status = catalog_meta(catalog, STR(CATALOG_META_AUDIT_SINCE), arena, out, &absent);
        if (status == STATUS_OK)
                return status;
        *out = STR("");
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        *err = absent;
        return status;
}

Status lake_audit_check(Catalog *catalog, const char *folder, Arena *arena, AuditFile **out, size_t *out_count, Error *err) {
        AuditHead *heads;
        size_t count;
        Str since;
        TRY(lake_audit_heads(catalog, arena, &heads, &count, err));
        TRY(retired_before(catalog, arena, &since, err));
        return audit_check(path_join(arena, folder, "audit"), heads, count, since, arena, out, out_count, err);
}

Str lake_audit_words(Arena *arena, const AuditFile *file) {
        if (file->status != STATUS_CORRUPT)
                return arena_str(arena, file->what);
        return arena_strf(arena, "line %lld: %.*s", (long long)file->sequence, STR_ARG(file->what));
}

/* ---- retention ---- */

static Status retire(const char *audit_dir, Str name, bool dry_run, AuditRetired *out, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        struct stat st;
        const char *path = path_join(&arena, audit_dir, arena_cstr(&arena, name));
        if (stat(path, &st) < 0)
                return errno == ENOENT ? STATUS_OK : error_errno(err, errno, "cannot look at '%s'", path);
        if (!dry_run && unlink(path) < 0 && errno != ENOENT)
                return error_errno(err, errno, "cannot remove '%s'", path);
        out->files++;
        out->bytes += st.st_size;
        return STATUS_OK;
}

Status lake_audit_retire(Catalog *catalog, const char *audit_dir, Str since, bool dry_run, AuditRetired *out, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        DirEntry *entries = NULL;
        size_t count = 0, old = 0;
        Str before;
        *out = (AuditRetired){ 0 };
        Status status = dir_list(audit_dir, &arena, &entries, &count, err);
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        TRY(status);
        while (old < count && str_compare(entries[old].name, since) < 0)
                old++;
        TRY(retired_before(catalog, &arena, &before, err));
        if (old > 0 && !dry_run && str_compare(before, since) < 0)
                TRY(catalog_put_meta(catalog, STR(CATALOG_META_AUDIT_SINCE), since, err));
        for (size_t i = 0; i < old; i++)
                if (entries[i].is_file && str_ends_with(entries[i].name, STR(AUDIT_FILE_END)))
                        TRY(retire(audit_dir, entries[i].name, dry_run, out, err));
        return STATUS_OK;
}
