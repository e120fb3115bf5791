/* SPDX-License-Identifier: Apache-2.0 */
#include "iceberg/relocate.h"

#include "iceberg/plan.h"
#include "iceberg/test_store.h"

#define START_MS INT64_C(1700000000000)
#define APPENDS 20 /* enough for manifests to be merged */

typedef struct Made {
        TestStore store;
        IcebergSource source;
        Str metadata_location;
} Made;

static Status make(Test *t, Str location, Made *out) {
        *out = (Made){ 0 };
        map_init(&out->store.files, &t->arena);
        out->source = test_store_source(&out->store);
        TypeField fields[] = { { .name = STR("id"), .type = { .kind = TYPE_BIGINT } } };
        Property about = { STR("about"), arena_strf(&t->arena, "not \"%.*s/a path\"", STR_ARG(location)) };
        TableMetadata *fresh;
        TableVersion version;
        TRY(metadata_new(location, fields, 1, &about, 1, START_MS, &t->arena, &fresh, &t->err));
        TRY(table_create(fresh, &t->arena, &version, &t->err));
        for (int i = 0; i <= APPENDS; i++) {
                if (!test_store_write(&out->store, &version))
                        return error_set(&t->err, STATUS_EXISTS, "a name was used twice");
                out->metadata_location = version.metadata_location;
                DataFile file = test_file(&t->arena, arena_printf(&t->arena, "%.*s/data/%d", STR_ARG(location), i), 10, i, i);
                TableChange change = { .added = &file, .added_count = 1, .now_ms = START_MS + i };
                TRY(table_commit(version.metadata, version.metadata_location, &change, &out->source, NULL, &t->arena,
                                 &version, &t->err));
        }
        return STATUS_OK;
}

static Str moved_path(Test *t, const Relocation *relocation, Str path) {
        return arena_strf(&t->arena, "%.*s%.*s", STR_ARG(relocation->to),
                          STR_ARG(str_slice(path, relocation->from.size, path.size)));
}

static int64_t length_in(void *context, Str path) {
        const TestStore *store = context;
        const Str *bytes = map_get(&store->files, path);
        return bytes ? (int64_t)bytes->size : -1;
}

/* Manifests first: lists say how long they are. */
static Status move_all(Test *t, const TestStore *from, const Relocation *how, TestStore *to) {
        map_init(&to->files, &t->arena);
        for (int lists = 0; lists < 2; lists++)
                for (size_t i = 0; i < from->files.count; i++) {
                        Str path = from->files.entries[i].key;
                        bool is_list = str_find(path, STR("/snap-")) < path.size;
                        if (is_list != (lists == 1))
                                continue;
                        Relocation relocation = *how;
                        relocation.manifest_length = length_in;
                        relocation.context = to;
                        Str *moved = ARENA_NEW(&t->arena, Str);
                        TRY(relocate_file(path, *(const Str *)from->files.entries[i].value, &relocation, &t->arena, moved,
                                          &t->err));
                        map_put(&to->files, moved_path(t, how, path), moved);
                }
        return STATUS_OK;
}

TEST(a_moved_table_has_the_same_files_elsewhere_and_moves_back_to_the_same_bytes) {
        static const struct {
                const char *from, *to;
        } cases[] = { { "/w", "/a/much/longer/place than \"before\"" }, { "/some/where/deep", "/s" }, { "/a", "/a/b" } };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Relocation there = { .from = str_of(cases[i].from), .to = str_of(cases[i].to) };
                Relocation back = { .from = there.to, .to = there.from };
                Made made;
                TestStore moved = { 0 }, again = { 0 };
                CHECK_OK(make(t, arena_strf(&t->arena, "%s/t", cases[i].from), &made));
                CHECK_OK(move_all(t, &made.store, &there, &moved));

                TableMetadata *metadata;
                Plan plan;
                IcebergSource source = test_store_source(&moved);
                const Str *json = map_get(&moved.files, moved_path(t, &there, made.metadata_location));
                CHECK(json);
                CHECK_OK(metadata_parse(*json, "moved", &t->arena, &metadata, &t->err));
                CHECK_STR(metadata->location, arena_strf(&t->arena, "%s/t", cases[i].to));
                CHECK_STR(metadata_property(metadata, "about"), arena_strf(&t->arena, "not \"%s/t/a path\"", cases[i].from));
                CHECK_OK(plan_files(metadata, NULL, NULL, 0, &source, NULL, &t->arena, &plan, &t->err));
                CHECK_INT(plan.rows, 10 * APPENDS);
                for (size_t k = 0; k < plan.file_count; k++)
                        CHECK(str_starts_with(plan.files[k].file->path, metadata->location));

                CHECK_OK(move_all(t, &moved, &back, &again));
                CHECK_INT(again.files.count, made.store.files.count);
                for (size_t k = 0; k < made.store.files.count; k++) {
                        const Str *same = map_get(&again.files, made.store.files.entries[k].key);
                        CHECK(same);
                        CHECK(str_equal(*same, *(const Str *)made.store.files.entries[k].value));
                }
        }
}

TEST(lists_say_how_long_moved_manifests_are) {
        Made made;
        TestStore moved = { 0 };
        Relocation there = { .from = STR("/w"), .to = STR("/somewhere/else") };
        CHECK_OK(make(t, STR("/w/t"), &made));
        CHECK_OK(move_all(t, &made.store, &there, &moved));
        size_t lists = 0;
        for (size_t i = 0; i < moved.files.count; i++) {
                if (str_find(moved.files.entries[i].key, STR("/snap-")) >= moved.files.entries[i].key.size)
                        continue;
                ManifestList list;
                CHECK_OK(manifest_list_read(*(const Str *)moved.files.entries[i].value, "list", &t->arena, &list, &t->err));
                for (size_t k = 0; k < list.count; k++)
                        CHECK_INT(list.manifests[k].length, length_in(&moved, list.manifests[k].path));
                lists++;
        }
        CHECK_INT(lists, APPENDS);
}

TEST(what_is_no_avro_is_refused) {
        Relocation there = { .from = STR("/w"), .to = STR("/x") };
        Made made;
        Str out;
        CHECK_OK(make(t, STR("/w/t"), &made));
        for (size_t i = 0; i < made.store.files.count; i++) {
                if (!str_ends_with(made.store.files.entries[i].key, STR(".avro")))
                        continue;
                Str bytes = *(const Str *)made.store.files.entries[i].value;
                for (size_t cut = 0; cut < bytes.size; cut += 97)
                        CHECK_STATUS(relocate_manifest(str_slice(bytes, 0, cut), "cut", &there, &t->arena, &out, &t->err),
                                     STATUS_CORRUPT);
                break;
        }
}
