/* SPDX-License-Identifier: Apache-2.0 */
#include "server/tar.h"

#include "base/buf.h"
#include "base/test.h"

typedef struct Entry {
        const char *name;
        char kind;
        const char *bytes;
} Entry;

static void put_entry(Buf *out, const Entry *entry, const char *size_text) {
        char block[512] = { 0 }, text[32];
        size_t size = strlen(entry->bytes);
        unsigned sum = 0;
        memcpy(block, entry->name, strlen(entry->name) < 100 ? strlen(entry->name) : 100);
        snprintf(text, sizeof(text), "%011zo", size);
        memcpy(block + 124, size_text ? size_text : text, strlen(size_text ? size_text : text));
        memset(block + 148, ' ', 8);
        block[156] = entry->kind;
        memcpy(block + 257, "ustar\0" "00", 8);
        for (size_t i = 0; i < sizeof(block); i++)
                sum += (unsigned char)block[i];
        snprintf(text, sizeof(text), "%06o", sum);
        memcpy(block + 148, text, 7);
        buf_append(out, (Str){ block, sizeof(block) });
        buf_append(out, str_of(entry->bytes));
        while (out->size % 512)
                buf_append_byte(out, '\0');
}

static void put_end(Buf *out) {
        static const char zeros[1024];
        buf_append(out, (Str){ zeros, sizeof(zeros) });
}

static Status read_all(Test *t, const Buf *archive, TarFile **out, size_t *out_count, Str *out_comment) {
        TarLimits limits = { .files = 3, .file_bytes = 2000 };
        return tar_read(buf_view(archive), &limits, &t->arena, out, out_count, out_comment, &t->err);
}

TEST(files_come_out_with_clean_names) {
        CLEANUP(buf_deinit) Buf archive = { 0 };
        static const Entry entries[] = {
                { "pax_global_header", 'g', "20 comment=0123abcd\n" }, { "./", '5', "" }, { "./zones/shop/", '5', "" }, { "./zones/shop/zone.yml", '0', "owner: ann\n" },
                { "PaxHeaders/x", 'x', "34 path=zones/shop/sources/\xc3\xb6.yml\n" }, { "shortened", '0', "from: x" },
                { "././@LongLink", 'L', "zones/shop/canonical/a.sql" }, { "zones/shop", '\0', "" },
        };
        TarFile *files;
        size_t count;
        Str comment;
        for (size_t i = 0; i < COUNT_OF(entries); i++)
                put_entry(&archive, &entries[i], NULL);
        put_end(&archive);
        CHECK_OK(read_all(t, &archive, &files, &count, &comment));
        CHECK_INT(count, 3);
        CHECK_STR(comment, STR("0123abcd"));
        CHECK_STR(files[0].path, STR("zones/shop/zone.yml"));
        CHECK_STR(files[0].bytes, STR("owner: ann\n"));
        CHECK_STR(files[1].path, STR("zones/shop/sources/\xc3\xb6.yml"));
        CHECK_STR(files[2].path, STR("zones/shop/canonical/a.sql"));
}

TEST(an_archive_with_anything_else_is_refused_whole) {
        static const struct {
                Entry entry;
                const char *size, *words; /* of the error */
        } cases[] = {
                { { "link", '2', "" }, NULL, "'link' in the archive is a symbolic link" },
                { { "link", '1', "" }, NULL, "is a link" },
                { { "dev", '3', "" }, NULL, "a device" },
                { { "fifo", '6', "" }, NULL, "a pipe" },
                { { "odd", 'V', "" }, NULL, "not taken" },
                { { "/etc/passwd", '0', "x" }, NULL, "absolute" },
                { { "zones/shop/canonical/x.sql/", '0', "x" }, NULL, "a file with a folder's name" },
                { { "zones/shop/canonical/x.sql/", '\0', "x" }, NULL, "a file with a folder's name" },
                { { "../up", '0', "x" }, NULL, "'..'" },
                { { "zones/../../up", '0', "x" }, NULL, "'..'" },
                { { "zones/..", '0', "x" }, NULL, "'..'" },
                { { ".././up", '0', "x" }, NULL, "'..'" },
                { { "a//b", '0', "x" }, NULL, "nothing" },
                { { "a/./b", '0', "x" }, NULL, "'.'" },
                { { "a\nb", '0', "x" }, NULL, "control character" },
                { { "a\xff", '0', "x" }, NULL, "UTF-8" },
                { { ".", '0', "x" }, NULL, "no name" },
                { { "first", '0', "x" }, NULL, "twice" },
                { { "./first", '0', "x" }, NULL, "twice" },
                { { "big", '0', "" }, "00000004000", "larger than 2000" },
                { { "big", '0', "" }, "77777777777", "larger than 2000" },
                { { "big", '0', "" }, "\x80xxxxxxxxxx", "no tar file" },
                { { "big", '0', "" }, "-1", "no tar file" },
                { { "big", '0', "" }, "00000003000", "middle of an entry" },
                { { "p", 'x', "12 path=../y\n" }, NULL, "cannot be read" },
                { { "p", 'x', "99 path=y\n" }, NULL, "cannot be read" },
                { { "p", 'x', "3 \n" }, NULL, "cannot be read" },
                { { "p", 'x', "22 GNU.sparse.major=1\n" }, NULL, "sparse" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CLEANUP(buf_deinit) Buf archive = { 0 };
                TarFile *files;
                size_t count;
                Str comment;
                put_entry(&archive, &(Entry){ "first", '0', "x" }, NULL);
                put_entry(&archive, &cases[i].entry, cases[i].size);
                put_end(&archive);
                bool refused = read_all(t, &archive, &files, &count, &comment) != STATUS_OK;
                if (!refused || !strstr(t->err.message, cases[i].words))
                        test_fail(t, __FILE__, __LINE__, "case %zu: %s", i, refused ? t->err.message : "taken");
        }
}

TEST(a_damaged_archive_is_refused_wherever_it_is_cut_or_changed) {
        CLEANUP(buf_deinit) Buf archive = { 0 };
        TarFile *files;
        size_t count;
        Str comment;
        put_entry(&archive, &(Entry){ "a", '0', "text" }, NULL);
        put_end(&archive);
        CHECK_OK(read_all(t, &archive, &files, &count, &comment));
        size_t whole = archive.size;
        for (size_t size = 0; size <= 1024; size += 64) {
                archive.size = size;
                CHECK(read_all(t, &archive, &files, &count, &comment) != STATUS_OK);
        }
        archive.size = whole;
        for (size_t at = 0; at < 512; at += 13) {
                archive.data[at] ^= 1;
                CHECK(read_all(t, &archive, &files, &count, &comment) != STATUS_OK);
                archive.data[at] ^= 1;
        }
        buf_append_cstr(&archive, "more");
        CHECK(read_all(t, &archive, &files, &count, &comment) != STATUS_OK);
        buf_clear(&archive);
        for (int i = 0; i < 4; i++)
                put_entry(&archive, &(Entry){ arena_printf(&t->arena, "f%d", i), '0', "" }, NULL);
        put_end(&archive);
        CHECK_INT(read_all(t, &archive, &files, &count, &comment), STATUS_LIMIT);
}
