/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/audit_heads.h"

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
