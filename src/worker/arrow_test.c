/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/arrow.h"

#include "base/test.h"

static struct ArrowSchema schema_of(const char *format, const char *name, struct ArrowSchema **children, int64_t count) {
        return (struct ArrowSchema){ .format = format, .name = name, .flags = 2, .n_children = count, .children = children };
}

static struct ArrowArray array_of(int64_t length, int64_t nulls, const void **buffers, int64_t buffer_count, struct ArrowArray **children, int64_t count) {
        return (struct ArrowArray){ .length = length, .null_count = nulls, .n_buffers = buffer_count, .buffers = buffers, .n_children = count, .children = children };
}

static Str hex_of(const Buf *bytes, Arena *arena) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        for (size_t i = 0; i < bytes->size; i++)
                buf_printf(&out, "%02x", (unsigned char)bytes->data[i]);
        return buf_dup(&out, arena);
}

/* As pyarrow 26 reads them: one column a of int32, one row of 1. */
static const char golden[] =
        "ffffffff98000000140000000c00130010001200"
        "0c000400000000001000000000000000000000001400000004000100"
        "08000a0008000400000000000c00000008000000000000000100000018000000"
        "100012000400100011000800" "00000c00000000001400000010000000200000002800000001020000010000006100"
        "0a000900040008000000000000000e000000200000000100000000000000" "00000000"
        "ffffffff88000000140000000c001300100012000c000400000000001000000008000000000000001400000004000300"
        "0a00140004000c00100000000c00000001000000000000000c00000020000000000000000100000001000000000000000000000000000000"
        "00000000020000000000000000000000000000000000000000000000000000000400000000000000"
        "0100000000000000" "ffffffff00000000";

TEST(a_column_of_one_number_is_these_bytes) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        const char *format;
        int32_t one = 1;
        struct ArrowSchema column = schema_of("i", "a", NULL, 0), *columns[] = { &column }, schema = schema_of("+s", "", columns, 1);
        struct ArrowArray numbers = array_of(1, 0, (const void *[]){ NULL, &one }, 2, NULL, 0), *arrays[] = { &numbers };
        struct ArrowArray batch = array_of(1, 0, (const void *[]){ NULL }, 1, arrays, 1);
        CHECK(arrow_write_schema(&out, &schema, &format));
        CHECK(arrow_write_batch(&out, &schema, &batch));
        arrow_write_end(&out);
        CHECK_STR(hex_of(&out, &t->arena), str_of(golden));
}

/* Nine rows of a number, a truth and a struct with a number; what stands in the places of NULLs is `under`. */
static void write_nine(Buf *out, int32_t under) {
        const char *format;
        uint8_t valid[] = { 0xfd, 1 }, around[] = { 0xfb, 1 }, truths[] = { (uint8_t)(under ? 0xff : 0xfd), (uint8_t)(under ? 0xff : 1) };
        int32_t numbers[9] = { 0, under }, inner[9] = { 0, under, under };
        struct ArrowSchema number = schema_of("i", "a", NULL, 0), truth = schema_of("b", "b", NULL, 0), field = schema_of("i", "c", NULL, 0);
        struct ArrowSchema *fields[] = { &field }, whole = schema_of("+s", "s", fields, 1), *columns[] = { &number, &truth, &whole };
        struct ArrowSchema schema = schema_of("+s", "", columns, 3);
        struct ArrowArray a = array_of(9, 1, (const void *[]){ valid, numbers }, 2, NULL, 0), b = array_of(9, 1, (const void *[]){ valid, truths }, 2, NULL, 0);
        struct ArrowArray c = array_of(9, 1, (const void *[]){ valid, inner }, 2, NULL, 0), *inside[] = { &c };
        struct ArrowArray s = array_of(9, 1, (const void *[]){ around }, 1, inside, 1), *arrays[] = { &a, &b, &s };
        struct ArrowArray batch = array_of(9, 0, (const void *[]){ NULL }, 1, arrays, 3);
        if (arrow_write_schema(out, &schema, &format))
                arrow_write_batch(out, &schema, &batch);
}

TEST(what_is_in_the_place_of_a_null_is_not_written) {
        CLEANUP(buf_deinit) Buf nothing = { 0 };
        CLEANUP(buf_deinit) Buf hidden = { 0 };
        write_nine(&nothing, 0);
        write_nine(&hidden, 0x7a7a7a7a);
        CHECK(nothing.size > 300);
        CHECK_STR(hex_of(&hidden, &t->arena), hex_of(&nothing, &t->arena));
}

TEST(what_is_no_type_of_ours_is_refused_by_its_format) {
        static const char *const formats[] = { "tin", "w:16", "+m", "d:9,2,256", "n", "", "tss:", "U", "+w:3", "d:9" };
        for (size_t i = 0; i < COUNT_OF(formats); i++) {
                CLEANUP(buf_deinit) Buf out = { 0 };
                const char *format = NULL;
                struct ArrowSchema column = schema_of(formats[i], "a", NULL, 0), *columns[] = { &column }, schema = schema_of("+s", "", columns, 1);
                CHECK(!arrow_write_schema(&out, &schema, &format));
                CHECK_STR(str_of(format), str_of(formats[i]));
                CHECK_INT(out.size, 0);
        }
}

TEST(an_array_that_is_not_as_its_schema_is_refused) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        int32_t one = 1;
        struct ArrowSchema column = schema_of("u", "a", NULL, 0), *columns[] = { &column }, schema = schema_of("+s", "", columns, 1);
        struct ArrowArray numbers = array_of(1, 0, (const void *[]){ NULL, &one }, 2, NULL, 0), *arrays[] = { &numbers };
        struct ArrowArray batch = array_of(1, 0, (const void *[]){ NULL }, 1, arrays, 1), none = array_of(1, 0, (const void *[]){ NULL }, 1, NULL, 0);
        CHECK(!arrow_write_batch(&out, &schema, &batch));
        CHECK(!arrow_write_batch(&out, &schema, &none));
}
