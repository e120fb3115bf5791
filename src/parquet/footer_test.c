/* SPDX-License-Identifier: Apache-2.0 */
#include "parquet/footer.h"

#include <fcntl.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/test.h"
#include "parquet/thrift.h"

/* What DuckDB 2.0.0 wrote for 5,000 rows in three row groups: n (BIGINT, a fifth null), d (DECIMAL(38,4)), t (VARCHAR),
 * li (BIGINT[]), st (STRUCT(x BIGINT, y VARCHAR)), mp (MAP(VARCHAR, BIGINT)), r (DOUBLE with one NaN). */
static const char engine_base64[] =
        "FQIZ/A81ABgNZHVja2RiX3NjaGVtYRUOABUEJQIYAW4lJDUCABUOFSAVAhgBZCUKFQgVTBUEHFwVCBVMAAAAFQwlAhgBdCUANQYA"
        "NQAYAmxpFQIVBjUIADUEGARsaXN0FQIAFQQlAhgHZWxlbWVudCUkNQoANQAYAnN0FQRFDAAVBCUCGAF4JSQ1DgAVDCUCGAF5JQA1"
        "EAA1AhgCbXAVAhUCNRIANQQYCWtleV92YWx1ZRUEABUMJQAYA2tleSUANRQAFQQlAhgFdmFsdWUlJDUWABUKJQIYAXJVGAAWkE4Z"
        "PBmcJgAcFQQZFQAZGAFuFQwWgCAWvtEBFqYtJgg8GAj/BwAAAAAAABgIAQAAAAAAAAAWtAYoCP8HAAAAAAAAGAgBAAAAAAAAABER"
        "ABkcFQAVABUCAAAAJgAcFQ4ZFQAZGAFkFQwWgCAWuoAEFo7EAiauLTwYEAAAAAAB/pr1try9SN6+SQAYEAAAAAABLZBBWVbKhJX7"
        "9CAWACgQAAAAAAH+mvW2vL1I3r5JABgQAAAAAAEtkEFZVsqElfv0IBERABkcFQAVABUCAAAAJgAcFQwZFQAZGAF0FQwWgCAWuMAI"
        "Fq4UJrzxAjwYHsOpIHRleHQgb2Ygc29tZSBsZW5ndGggMTAwMjA0Nxgew6kgdGV4dCBvZiBzb21lIGxlbmd0aCAxMDAwMDAwFgAo"
        "HsOpIHRleHQgb2Ygc29tZSBsZW5ndGggMTAwMjA0Nxgew6kgdGV4dCBvZiBzb21lIGxlbmd0aCAxMDAwMDAwEREAGRwVABUAFQIA"
        "AAAmABwVBBkVABk4AmxpBGxpc3QHZWxlbWVudBUMFoBAFvqYAhaAOCbqhQM8GAj/BwAAAAAAABgIAAAAAAAAAAAWgCAoCP8HAAAA"
        "AAAAGAgAAAAAAAAAABERABkcFQAVABUCAAAAJgAcFQQZFQAZKAJzdAF4FQwWgCAWuIACFrA3Juq9AzwYCP8HAAAAAAAAGAgAAAAA"
        "AAAAABYAKAj/BwAAAAAAABgIAAAAAAAAAAAREQAZHBUAFQAVAgAAACYAHBUMGRUAGSgCc3QBeRUMFoAgFoyvAha+HCaa9QM8GAXD"
        "qTk5ORgDw6kwFgAoBcOpOTk5GAPDqTAREQAZHBUAFQAVAgAAACYAHBUMGRUEGTgCbXAJa2V5X3ZhbHVlA2tleRUMFoAgFmwWkAEm"
        "jpIEJtiRBBwYAWsYAWsWABYCGAFrGAFrEREAGSwVBBUAFQIAFQAVBBUCABbOjAsVXgAAJgAcFQQZFQAZOAJtcAlrZXlfdmFsdWUF"
        "dmFsdWUVDBaAIBbGgAIWyjcm6JIEPBgI/wcAAAAAAAAYCAAAAAAAAAAAFgAoCP8HAAAAAAAAGAgAAAAAAAAAABERABkcFQAVABUC"
        "AAAAJgAcFQoZFQAZGAFyFQwWgCAWuIACFsggJrLKBDw2AGYCABkcFQAVABUCAAAAFtjcGBaAICYIFvLqBAAZnCYAHBUEGRUAGRgB"
        "bhUMFoAgFrbRARbsGyb66gQ8GAj+DwAAAAAAABgIAAgAAAAAAAAWtAYoCP4PAAAAAAAAGAgACAAAAAAAABERABkcFQAVABUCAAAA"
        "JgAcFQ4ZFQAZGAFkFQwWgCAWuoAEFvznAibmhgU8GBAAAAAAAS12HL43ueQpZUkAGBAAAAAAAFxraGDRxx/govQgFgAoEAAAAAAB"
        "LXYcvje55CllSQAYEAAAAAAAXGtoYNHHH+Ci9CAREQAZHBUAFQAVAgAAACYAHBUMGRUAGRgBdBUMFoAgFrjACBamFSbi7gc8GB7D"
        "qSB0ZXh0IG9mIHNvbWUgbGVuZ3RoIDEwMDQwOTUYHsOpIHRleHQgb2Ygc29tZSBsZW5ndGggMTAwMjA0OBYAKB7DqSB0ZXh0IG9m"
        "IHNvbWUgbGVuZ3RoIDEwMDQwOTUYHsOpIHRleHQgb2Ygc29tZSBsZW5ndGggMTAwMjA0OBERABkcFQAVABUCAAAAJgAcFQQZFQAZ"
        "OAJsaQRsaXN0B2VsZW1lbnQVDBaAQBb6mAIWiiImiIQIPBgI/w8AAAAAAAAYCAAIAAAAAAAAFoAgKAj/DwAAAAAAABgIAAgAAAAA"
        "AAAREQAZHBUAFQAVAgAAACYAHBUEGRUAGSgCc3QBeBUMFoAgFriAAhbKISaSpgg8GAj/DwAAAAAAABgIAAgAAAAAAAAWACgI/w8A"
        "AAAAAAAYCAAIAAAAAAAAEREAGRwVABUAFQIAAAAmABwVDBkVABkoAnN0AXkVDBaAIBa4wAIW1BQm3McIPBgGw6k0MDk1GAbDqTIw"
        "NDgWACgGw6k0MDk1GAbDqTIwNDgREQAZHBUAFQAVAgAAACYAHBUMGRUEGTgCbXAJa2V5X3ZhbHVlA2tleRUMFoAgFmwWkAEm5twI"
        "JrDcCBwYAWsYAWsWABYCGAFrGAFrEREAGSwVBBUAFQIAFQAVBBUCABasjQsVXgAAJgAcFQQZFQAZOAJtcAlrZXlfdmFsdWUFdmFs"
        "dWUVDBaAIBbGgAIW2iEmwN0IPBgI/w8AAAAAAAAYCAAIAAAAAAAAFgAoCP8PAAAAAAAAGAgACAAAAAAAABERABkcFQAVABUCAAAA"
        "JgAcFQoZFQAZGAFyFQwWgCAWuIACFvohJpr/CDwYCAAAAAAA/q9AGAgAAAAAAACgQBYAKAgAAAAAAP6vQBgIAAAAAAAAoEARERYA"
        "ABkcFQAVABUCAAAAFvztGBaAICb66gQWmrYEABmcJgAcFQQZFQAZGAFuFQwWkA4WiF0WgA0mlKEJPBgIhxMAAAAAAAAYCAAQAAAA"
        "AAAAFugCKAiHEwAAAAAAABgIABAAAAAAAAAREQAZHBUAFQAVAgAAACYAHBUOGRUAGRgBZBUMFpAOFrriARbUjgEmlK4JPBgQAAAA"
        "AABcUUPFsrZ/dAxJABgQAAAAAAAAGiSbHxCgbJarIBYAKBAAAAAAAFxRQ8Wytn90DEkAGBAAAAAAAAAaJJsfEKBslqsgEREAGRwV"
        "ABUAFQIAAAAmABwVDBkVABkYAXQVDBaQDhbY4AMWrggm6LwKPBgew6kgdGV4dCBvZiBzb21lIGxlbmd0aCAxMDA0OTk5GB7DqSB0"
        "ZXh0IG9mIHNvbWUgbGVuZ3RoIDEwMDQwOTYWACgew6kgdGV4dCBvZiBzb21lIGxlbmd0aCAxMDA0OTk5GB7DqSB0ZXh0IG9mIHNv"
        "bWUgbGVuZ3RoIDEwMDQwOTYREQAZHBUAFQAVAgAAACYAHBUEGRUAGTgCbGkEbGlzdAdlbGVtZW50FQwWoBwW2H0WhhAmlsUKPBgI"
        "hxMAAAAAAAAYCAAQAAAAAAAAFpAOKAiHEwAAAAAAABgIABAAAAAAAAAREQAZHBUAFQAVAgAAACYAHBUEGRUAGSgCc3QBeBUMFpAO"
        "FrZxFroPJpzVCjwYCIcTAAAAAAAAGAgAEAAAAAAAABYAKAiHEwAAAAAAABgIABAAAAAAAAAREQAZHBUAFQAVAgAAACYAHBUMGRUA"
        "GSgCc3QBeRUMFpAOFtiNARbgBybW5Ao8GAbDqTQ5OTkYBsOpNDA5NhYAKAbDqTQ5OTkYBsOpNDA5NhERABkcFQAVABUCAAAAJgAc"
        "FQwZFQQZOAJtcAlrZXlfdmFsdWUDa2V5FQwWkA4WbBaQASbs7AomtuwKHBgBaxgBaxYAFgIYAWsYAWsREQAZLBUEFQAVAgAVABUE"
        "FQIAFoqOCxVeAAAmABwVBBkVABk4Am1wCWtleV92YWx1ZQV2YWx1ZRUMFpAOFsRxFsoPJsbtCjwYCIcTAAAAAAAAGAgAEAAAAAAA"
        "ABYAKAiHEwAAAAAAABgIABAAAAAAAAAREQAZHBUAFQAVAgAAACYAHBUKGRUAGRgBchUMFpAOFrZxFr4PJpD9CjwYCAAAAAAAh7NA"
        "GAgAAAAAAACwQBYAKAgAAAAAAIezQBgIAAAAAAAAsEARERYAABkcFQAVABUCAAAAFuaACxaQDiaUoQkWuusBACgoRHVja0RCIHZl"
        "cnNpb24gdjIuMC4wIChidWlsZCBkNTRjYmJlM2RmKRmcHAAAHAAAHAAAHAAAHAAAHAAAHAAAHAAAHAAAAA==";
#define ENGINE_FILE_SIZE 94129

static Str engine_footer(Test *t) {
        Str bytes;
        if (!base64_decode(&t->arena, str_of(engine_base64), &bytes))
                panic("not base64");
        return bytes;
}

static Status parse(Test *t, Str bytes, int64_t file_size, ParquetFooter *out) {
        return parquet_footer_parse(bytes, file_size, "engine.parquet", &t->arena, out, &t->err);
}

TEST(the_engines_columns_are_read_with_types_and_ids) {
        static const struct {
                const char *name, *type;
                int id;
        } cases[] = {
                { "n", "bigint", 1 },
                { "d", "decimal(38,4)", 2 },
                { "t", "text", 3 },
                { "li", "list<bigint>", 4 },
                { "st", "struct<x bigint, y text>", 6 },
                { "mp", "map<text, bigint>", 9 },
                { "r", "double", 12 },
        };
        ParquetFooter footer;
        CHECK_OK(parse(t, engine_footer(t), ENGINE_FILE_SIZE, &footer));
        TypeField *fields;
        size_t count;
        CHECK_OK(parquet_footer_fields(&footer, &t->arena, &fields, &count, &t->err));
        CHECK_INT(count, COUNT_OF(cases));
        for (size_t i = 0; i < count; i++) {
                CHECK_STR(fields[i].name, str_of(cases[i].name));
                CHECK_STR(type_print(&t->arena, fields[i].type), str_of(cases[i].type));
                CHECK_INT(fields[i].id, cases[i].id);
        }
        CHECK_INT(fields[3].type.fields[0].id, 5);
        CHECK_INT(fields[5].type.fields[1].id, 11);
}

TEST(the_engines_statistics_become_icebergs) {
        static const struct {
                int id;
                TypeKind kind;
                int64_t values, nulls, nans;
                const char *lower, *upper; /* NULL = none */
        } cases[] = {
                { 1, TYPE_BIGINT, 5000, 1000, 0, "1", "4999" },
                { 2, TYPE_DECIMAL, 5000, 0, 0, "12345678901234567890.0000", "61728394506172839450000.0000" },
                { 3, TYPE_TEXT, 5000, 0, 0, "é text of some l", "é text of some m" },
                { 5, TYPE_BIGINT, 10000, 5000, 0, NULL, NULL },
                { 7, TYPE_BIGINT, 5000, 0, 0, "0", "4999" },
                { 8, TYPE_TEXT, 5000, 0, 0, "é0", "é999" },
                { 10, TYPE_TEXT, 5000, 0, 0, NULL, NULL },
                { 11, TYPE_BIGINT, 5000, 0, 0, NULL, NULL },
                { 12, TYPE_DOUBLE, 5000, 0, -1, NULL, NULL }, /* the row group with the NaN has no bounds */
        };
        ParquetFooter footer;
        FileStatistics statistics;
        CHECK_OK(parse(t, engine_footer(t), ENGINE_FILE_SIZE, &footer));
        CHECK_OK(parquet_footer_statistics(&footer, &t->arena, &statistics, &t->err));
        CHECK_INT(statistics.rows, 5000);
        CHECK_INT(statistics.bytes, ENGINE_FILE_SIZE);
        CHECK_INT(statistics.split_count, 3);
        CHECK_INT(statistics.split_offsets[0], 4);
        CHECK_INT(statistics.column_count, COUNT_OF(cases));
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                ColumnStatistics *got = &statistics.columns[i];
                Type type = { .kind = cases[i].kind, .precision = 38, .scale = 4 };
                CHECK_INT(got->field_id, cases[i].id);
                CHECK_INT(got->values, cases[i].values);
                CHECK_INT(got->nulls, cases[i].nulls);
                CHECK_INT(got->nans, cases[i].nans);
                CHECK(got->bytes > 0 && got->bytes < ENGINE_FILE_SIZE);
                CHECK_INT(got->has_lower, cases[i].lower != NULL);
                CHECK_INT(got->has_upper, cases[i].upper != NULL);
                if (got->has_lower)
                        CHECK_STR(value_print(&t->arena, type, got->lower), str_of(cases[i].lower));
                if (got->has_upper)
                        CHECK_STR(value_print(&t->arena, type, got->upper), str_of(cases[i].upper));
        }
}

TEST(a_footer_cut_anywhere_is_corrupt) {
        Str whole = engine_footer(t);
        for (size_t size = 0; size < whole.size; size++) {
                ParquetFooter footer;
                char *exact = memcpy(malloc(size + 1), whole.data, size); /* so that reading past it shows */
                Status status = parse(t, (Str){ exact, size }, ENGINE_FILE_SIZE, &footer);
                free(exact);
                CHECK_INT(status, STATUS_CORRUPT);
                CHECK(t->err.message[0] != '\0');
        }
}

TEST(a_changed_bit_is_read_or_refused) {
        Str whole = engine_footer(t);
        char *bytes = memcpy(arena_alloc(&t->arena, whole.size), whole.data, whole.size);
        for (size_t bit = 0; bit < whole.size * 8; bit++) {
                CLEANUP(arena_deinit) Arena arena = { 0 };
                bytes[bit / 8] ^= (char)(1 << bit % 8);
                ParquetFooter footer;
                FileStatistics statistics;
                TypeField *fields;
                size_t count;
                Error err = { 0 };
                Str changed = { bytes, whole.size };
                if (parquet_footer_parse(changed, ENGINE_FILE_SIZE, "bits", &arena, &footer, &err) == STATUS_OK) {
                        parquet_footer_statistics(&footer, &arena, &statistics, &err);
                        parquet_footer_fields(&footer, &arena, &fields, &count, &err);
                }
                bytes[bit / 8] ^= (char)(1 << bit % 8);
        }
}

TEST(chunks_outside_the_file_are_refused) {
        ParquetFooter footer;
        CHECK_STATUS(parse(t, engine_footer(t), 50000, &footer), STATUS_CORRUPT);
}

/* A footer of one column, with a hole for what a case wants to spoil. */
typedef struct Forged {
        int physical, values, nulls, rows, group_rows, children, chunks;
        int depth; /* of groups around the column */
} Forged;

static Str forge(Test *t, Forged forged) {
        Buf buf = { 0 };
        ThriftWriter writer = { .buf = &buf };
        thrift_i32(&writer, 1, 1);
        thrift_list(&writer, 2, THRIFT_STRUCT, (size_t)forged.depth + 2);
        for (int i = 0; i <= forged.depth; i++) {
                thrift_begin_item(&writer);
                thrift_bytes(&writer, 4, STR("group"));
                thrift_i32(&writer, 5, forged.children);
                thrift_end(&writer);
        }
        thrift_begin_item(&writer);
        thrift_i32(&writer, 1, forged.physical);
        thrift_i32(&writer, 3, PARQUET_OPTIONAL);
        thrift_bytes(&writer, 4, STR("column"));
        thrift_end(&writer);
        thrift_i64(&writer, 3, forged.rows);
        thrift_list(&writer, 4, THRIFT_STRUCT, 1);
        thrift_begin_item(&writer);
        thrift_list(&writer, 1, THRIFT_STRUCT, (size_t)forged.chunks);
        for (int i = 0; i < forged.chunks; i++) {
                thrift_begin_item(&writer);
                thrift_begin(&writer, 3);
                thrift_i32(&writer, 1, PARQUET_INT64);
                thrift_i64(&writer, 5, forged.values);
                thrift_i64(&writer, 7, 100);
                thrift_i64(&writer, 9, 4);
                thrift_begin(&writer, 12);
                thrift_i64(&writer, 3, forged.nulls);
                thrift_end(&writer);
                thrift_end(&writer);
                thrift_end(&writer);
        }
        thrift_i64(&writer, 3, forged.group_rows);
        thrift_end(&writer);
        thrift_end(&writer);
        Str bytes = buf_dup(&buf, &t->arena);
        buf_deinit(&buf);
        return bytes;
}

TEST(contradictions_are_corrupt) {
        const Forged fine = { .physical = PARQUET_INT64,
                              .values = 7,
                              .nulls = 2,
                              .rows = 7,
                              .group_rows = 7,
                              .children = 1,
                              .chunks = 1 };
        Forged cases[10];
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                cases[i] = fine;
        cases[1].physical = PARQUET_INT32;
        cases[2].physical = 8;
        cases[3].values = 8;
        cases[4].nulls = 8;
        cases[5].rows = 6;
        cases[6].children = 2;
        cases[7].children = 0;
        cases[8].chunks = 2;
        cases[9].nulls = -1;
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                ParquetFooter footer;
                CHECK_STATUS(parse(t, forge(t, cases[i]), 1000, &footer), i == 0 ? STATUS_OK : STATUS_CORRUPT);
        }
}

TEST(nesting_without_end_is_over_the_limit) {
        Forged forged = {
                .physical = PARQUET_INT64, .values = 1, .rows = 1, .group_rows = 1, .children = 1, .chunks = 1
        };
        ParquetFooter footer;
        forged.depth = PARQUET_FOOTER_DEPTH_MAX - 1;
        CHECK_STATUS(parse(t, forge(t, forged), 1000, &footer), STATUS_OK);
        forged.depth = PARQUET_FOOTER_DEPTH_MAX + 1;
        CHECK_STATUS(parse(t, forge(t, forged), 1000, &footer), STATUS_LIMIT);
        forged.depth = 60000;
        CHECK_STATUS(parse(t, forge(t, forged), 1000, &footer), STATUS_LIMIT);
}

TEST(a_count_that_cannot_follow_allocates_nothing) {
        Buf buf = { 0 };
        ThriftWriter writer = { .buf = &buf };
        thrift_i32(&writer, 1, 1);
        thrift_list(&writer, 2, THRIFT_STRUCT, 60000);
        ParquetFooter footer;
        size_t before = t->arena.total;
        Status status = parse(t, buf_view(&buf), 1000, &footer);
        buf_deinit(&buf);
        CHECK_INT(status, STATUS_CORRUPT);
        CHECK(t->arena.total - before < 1000);
}

TEST(what_is_no_parquet_file_is_refused_in_words) {
        static const struct {
                Str bytes;
                const char *words;
        } cases[] = {
                { { "", 0 }, "too short" },
                { { "PAR1", 4 }, "too short" },
                { { "id,name\n1,hello\n", 16 }, "not a Parquet file" },
                { { "PAR1....\xff\xff\xff\x7fPAR1", 16 }, "longer than the file" },
                { { "PAR1....\4\0\0\0PARE", 16 }, "encrypted" },
                { { "xxxx....\4\0\0\0PAR1", 16 }, "not a Parquet file" },
                { { "PAR1....\4\0\0\0PAR1", 16 }, "cannot be read" },
        };
        const char *path = arena_printf(&t->arena, "%s/x.parquet", test_folder(t));
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CHECK_OK(file_replace(path, cases[i].bytes, &t->err));
                CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
                ParquetFooter footer;
                CHECK_STATUS(parquet_footer_read(fd, "x.parquet", &t->arena, &footer, &t->err), STATUS_CORRUPT);
                CHECK(strstr(t->err.message, cases[i].words));
        }
}
