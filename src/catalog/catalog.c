/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog.h"

void catalog_free(Catalog *catalog) {
        if (catalog)
                catalog->functions->free(catalog);
}

void catalog_freep(Catalog **catalog) {
        catalog_free(*catalog);
        *catalog = NULL;
}

Status catalog_get(Catalog *catalog, CatalogAt at, CatalogName name, Arena *arena, CatalogObject *out, Error *err) {
        return catalog->functions->get(catalog, at, name, arena, out, err);
}

Status catalog_list(Catalog *catalog, CatalogAt at, Str kind, Str zone, Arena *arena, CatalogObject **out,
                    size_t *out_count, Error *err) {
        return catalog->functions->list(catalog, at, kind, zone, arena, out, out_count, err);
}

Status catalog_history(Catalog *catalog, Str branch, CatalogName name, size_t limit, Arena *arena, CatalogObject **out,
                       size_t *out_count, Error *err) {
        return catalog->functions->history(catalog, branch, name, limit, arena, out, out_count, err);
}

Status catalog_log(Catalog *catalog, Str branch, int64_t before, size_t limit, Arena *arena, CatalogCommit **out,
                   size_t *out_count, Error *err) {
        return catalog->functions->log(catalog, branch, before, limit, arena, out, out_count, err);
}

Status catalog_head(Catalog *catalog, Str branch, Arena *arena, CatalogCommit *out, Error *err) {
        return catalog->functions->head(catalog, branch, arena, out, err);
}

Status catalog_find(Catalog *catalog, Str branch, Str text, Arena *arena, CatalogCommit *out, Error *err) {
        return catalog->functions->find(catalog, branch, text, arena, out, err);
}

Status catalog_commit_all(Catalog *catalog, const CatalogChange *changes, size_t count, const IntentResult *results,
                          size_t result_count, Arena *arena, CatalogCommit *outs, Error *err) {
        return catalog->functions->commit(catalog, changes, count, results, result_count, arena, outs, err);
}

Status catalog_commit(Catalog *catalog, const CatalogChange *change, Arena *arena, CatalogCommit *out, Error *err) {
        return catalog_commit_all(catalog, change, 1, NULL, 0, arena, out, err);
}

Status catalog_settle(Catalog *catalog, Error *err) {
        return catalog->functions->settle(catalog, err);
}

Status catalog_intent(Catalog *catalog, Str id, Arena *arena, IntentResult *out, Error *err) {
        return catalog->functions->intent(catalog, id, arena, out, err);
}

Status catalog_forget_intents(Catalog *catalog, int64_t before_us, const Str *living, size_t living_count, Error *err) {
        return catalog->functions->forget_intents(catalog, before_us, living, living_count, err);
}

Status catalog_ledger(Catalog *catalog, const Delivery *deliveries, size_t delivery_count, const FileSeen *files,
                      size_t file_count, Error *err) {
        return catalog->functions->ledger(catalog, deliveries, delivery_count, files, file_count, err);
}

Status catalog_deliveries(Catalog *catalog, const DeliveryQuery *query, Arena *arena, Delivery **out, size_t *out_count,
                          Error *err) {
        return catalog->functions->deliveries(catalog, query, arena, out, out_count, err);
}

Status catalog_delivery(Catalog *catalog, int64_t id, Arena *arena, Delivery *out, Error *err) {
        Delivery *rows = NULL;
        size_t count = 0;
        TRY(catalog_deliveries(catalog, &(DeliveryQuery){ .id = id }, arena, &rows, &count, err));
        if (count == 0)
                return error_set(err, STATUS_NOT_FOUND, "no delivery %lld", (long long)id);
        *out = rows[0];
        return STATUS_OK;
}

Status catalog_file_seen(Catalog *catalog, Str zone, Str source, Str place, Arena *arena, FileSeen *out, Error *err) {
        return catalog->functions->file_seen(catalog, zone, source, place, arena, out, err);
}

Status catalog_files_seen(Catalog *catalog, Str zone, Str source, Arena *arena, FileSeen **out, size_t *out_count,
                          Error *err) {
        return catalog->functions->files_seen(catalog, zone, source, arena, out, out_count, err);
}

Status catalog_forget_file(Catalog *catalog, Str zone, Str source, Str place, Error *err) {
        return catalog->functions->forget_file(catalog, zone, source, place, err);
}

Status catalog_replaced(Catalog *catalog, Str kind, Arena *arena, CatalogReplaced **out, size_t *out_count, Error *err) {
        return catalog->functions->replaced(catalog, kind, arena, out, out_count, err);
}

Status catalog_expire(Catalog *catalog, Str kind, const Str *body_hashes, size_t count, Str rule, size_t *out_count,
                      Error *err) {
        return catalog->functions->expire(catalog, kind, body_hashes, count, rule, out_count, err);
}

Status catalog_expired(Catalog *catalog, Str body_hash, Arena *arena, CatalogExpired *out, Error *err) {
        return catalog->functions->expired(catalog, body_hash, arena, out, err);
}

Status catalog_live_bodies(Catalog *catalog, Str kind, Arena *arena, Str **out, size_t *out_count, Error *err) {
        return catalog->functions->live_bodies(catalog, kind, arena, out, out_count, err);
}

Status catalog_branches(Catalog *catalog, Arena *arena, CatalogBranch **out, size_t *out_count, Error *err) {
        return catalog->functions->branches(catalog, arena, out, out_count, err);
}

Status catalog_branch_create(Catalog *catalog, Str name, CatalogAt base, Error *err) {
        return catalog->functions->branch_create(catalog, name, base, err);
}

Status catalog_branch_remove(Catalog *catalog, Str name, Error *err) {
        return catalog->functions->branch_remove(catalog, name, err);
}

Status catalog_secret(Catalog *catalog, Str name, Arena *arena, Str *out, Error *err) {
        return catalog->functions->secret(catalog, name, arena, out, err);
}

Status catalog_put_secret(Catalog *catalog, Str name, Str bytes, Error *err) {
        return catalog->functions->put_secret(catalog, name, bytes, err);
}

Status catalog_meta(Catalog *catalog, Str key, Arena *arena, Str *out, Error *err) {
        return catalog->functions->meta(catalog, key, arena, out, err);
}

Status catalog_put_meta(Catalog *catalog, Str key, Str value, Error *err) {
        return catalog->functions->put_meta(catalog, key, value, err);
}

Status catalog_files(Catalog *catalog, const CatalogFileQuery *query, Arena *arena, CatalogFile **out,
                     size_t *out_count, Error *err) {
        return catalog->functions->files(catalog, query, arena, out, out_count, err);
}

Status catalog_files_gone(Catalog *catalog, const Str *paths, size_t count, Error *err) {
        return count ? catalog->functions->files_gone(catalog, paths, count, err) : STATUS_OK;
}

Status catalog_files_published(Catalog *catalog, const Str *paths, size_t count, Arena *arena, Str **out, size_t *out_count,
                               Error *err) {
        *out_count = 0;
        return count ? catalog->functions->files_published(catalog, paths, count, arena, out, out_count, err) : STATUS_OK;
}

Status catalog_files_moved(Catalog *catalog, const CatalogFile *files, size_t count, Error *err) {
        return count ? catalog->functions->files_moved(catalog, files, count, err) : STATUS_OK;
}

Status catalog_move(Catalog *catalog, Str root, Str codec, Error *err) {
        return catalog->functions->move(catalog, root, codec, err);
}

Status catalog_moves(Catalog *catalog, Arena *arena, CatalogMove **out, size_t *out_count, Error *err) {
        return catalog->functions->moves(catalog, arena, out, out_count, err);
}

Status catalog_versions(Catalog *catalog, const CatalogVersion *after, size_t limit, Arena *arena, CatalogVersion **out,
                        size_t *out_count, Error *err) {
        return catalog->functions->versions(catalog, after, limit, arena, out, out_count, err);
}

Status catalog_next(Catalog *catalog, Str key, int64_t *out, Error *err) {
        return catalog->functions->next(catalog, key, out, err);
}

Status catalog_audit_heads(Catalog *catalog, Arena *arena, Str **out, size_t *out_count, Error *err) {
        return catalog->functions->audit_heads(catalog, arena, out, out_count, err);
}

Status catalog_verify_chain(Catalog *catalog, int64_t *out_count, Error *err) {
        return catalog->functions->verify(catalog, out_count, err);
}

Status catalog_generation(Catalog *catalog, int64_t *out, Error *err) {
        return catalog->functions->generation(catalog, out, err);
}
