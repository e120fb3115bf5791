/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash chain: what a commit's id is made of (catalog.h spells it).
 */
#include "catalog/chain.h"
#include "base/buf.h"

static void hash_field(Buf *buf, Str field) {
        buf_u64(buf, field.size);
        buf_append(buf, field);
}

static void hash_number(Buf *buf, int64_t number) {
        char digits[32];
        int size = snprintf(digits, sizeof(digits), "%lld", (long long)number);
        hash_field(buf, (Str){ digits, (size_t)size });
}

Str commit_id(Arena *arena, const CatalogCommit *commit) {
        CLEANUP(buf_deinit) Buf buf = { 0 };
        hash_field(&buf, STR("lode commit 2"));
        hash_field(&buf, commit->parent);
        hash_field(&buf, commit->merge_parent);
        hash_field(&buf, commit->branch);
        hash_field(&buf, commit->author);
        hash_field(&buf, commit->via);
        hash_number(&buf, commit->at_us);
        hash_field(&buf, commit->message);
        hash_field(&buf, commit->git);
        hash_field(&buf, commit->audit);
        hash_number(&buf, (int64_t)commit->change_count);
        for (size_t i = 0; i < commit->change_count; i++) {
                const CatalogChangeRow *change = &commit->changes[i];
                hash_field(&buf, change->kind);
                hash_field(&buf, change->zone);
                hash_field(&buf, change->name);
                hash_field(&buf, change->body_hash);
        }
        hash_field(&buf, commit->files_root);
        return sha256_hex(arena, sha256_of(buf_view(&buf)));
}

Str files_root(Arena *arena, const CatalogFile *files, size_t count) {
        if (count == 0)
                return STR("");
        CLEANUP(buf_deinit) Buf buf = { 0 };
        hash_field(&buf, STR("lode files 1"));
        hash_number(&buf, (int64_t)count);
        for (size_t i = 0; i < count; i++) {
                hash_field(&buf, files[i].path);
                hash_field(&buf, files[i].sha256);
                hash_number(&buf, files[i].bytes);
        }
        return sha256_hex(arena, sha256_of(buf_view(&buf)));
}

static int file_compare(const void *left, const void *right) {
        const CatalogFile *a = left, *b = right;
        return str_compare(a->path, b->path);
}

void files_sort(CatalogFile *files, size_t count) {
        if (count > 1)
                qsort(files, count, sizeof(*files), file_compare);
}

static int change_compare(const void *left, const void *right) {
        const CatalogChangeRow *a = left, *b = right;
        int order = str_compare(a->kind, b->kind);
        if (order == 0)
                order = str_compare(a->zone, b->zone);
        return order ? order : str_compare(a->name, b->name);
}

void changes_sort(CatalogChangeRow *changes, size_t count) {
        if (count > 1)
                qsort(changes, count, sizeof(*changes), change_compare);
}

bool changes_distinct(const CatalogChangeRow *changes, size_t count) {
        for (size_t i = 1; i < count; i++)
                if (change_compare(&changes[i - 1], &changes[i]) == 0)
                        return false;
        return true;
}
