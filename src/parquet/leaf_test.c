/* SPDX-License-Identifier: Apache-2.0 */
#include "parquet/leaf.h"

#include "base/snappy.h"
#include "base/test.h"

static Str bytes_of(const uint8_t *bytes, size_t size) {
        return (Str){ (const char *)bytes, size };
}

TEST(runs_and_packed_groups_are_read_in_parts_of_any_size) {
        /* a run of nine times 5, then eight packed values of three bits: 0 to 7 */
        const uint8_t bytes[] = { 9 << 1, 5, 1 << 1 | 1, 0x88, 0xc6, 0xfa };
        for (size_t part = 1; part <= 17; part++) {
                ParquetRuns runs;
                uint32_t out[17];
                parquet_runs_start(&runs, bytes_of(bytes, sizeof(bytes)), 3);
                for (size_t at = 0; at < 17; at += part)
                        CHECK(parquet_runs_read(&runs, out + at, 17 - at < part ? 17 - at : part));
                for (size_t i = 0; i < 17; i++)
                        CHECK_INT(out[i], i < 9 ? 5 : i - 9);
                CHECK(!parquet_runs_read(&runs, out, 1));
        }
        ParquetRuns old;
        uint32_t values[8];
        const uint8_t highest_first[] = { 0x05, 0x39, 0x77 };
        parquet_runs_start_old(&old, bytes_of(highest_first, sizeof(highest_first)), 3);
        CHECK(parquet_runs_read(&old, values, 8));
        for (size_t i = 0; i < 8; i++)
                CHECK_INT(values[i], i);
        CHECK(!parquet_runs_read(&old, values, 1));
}

TEST(deltas_are_added_up_and_end_where_they_say) {
        /* the specification's example: 7 5 3 1 2 3 4 5; then a byte of something else */
        const uint8_t bytes[] = { 0x80, 0x01, 4, 8, 14, 3, 2, 0, 0, 0, 0xc0, 0x3f, 0, 0, 0, 0, 0, 0, 0x99 };
        const int64_t wanted[] = { 7, 5, 3, 1, 2, 3, 4, 5 };
        ParquetDelta delta;
        int64_t out[8];
        CHECK(parquet_delta_start(&delta, bytes_of(bytes, sizeof(bytes))));
        CHECK(parquet_delta_read(&delta, out, 3) && parquet_delta_read(&delta, out + 3, 5));
        for (size_t i = 0; i < 8; i++)
                CHECK_INT(out[i], wanted[i]);
        CHECK(!parquet_delta_read(&delta, out, 1));
        CHECK_STR(parquet_delta_rest(&delta), STR("\x99"));
        for (size_t size = 0; size < 12; size++) {
                bool whole = parquet_delta_start(&delta, bytes_of(bytes, size)) && parquet_delta_read(&delta, out, 8);
                CHECK(!whole);
        }
}

TEST(snappy_is_unpacked_and_never_beyond_its_room) {
        const uint8_t bytes[] = { 12, 3 << 2, 'a', 'b', 'c', 'd', 2 | 7 << 2, 4, 0 }; /* "abcd", then eight bytes from four back */
        char room[12];
        uint64_t size = 0;
        CHECK(snappy_size(bytes_of(bytes, sizeof(bytes)), &size));
        CHECK_INT(size, 12);
        CHECK(snappy_unpack(bytes_of(bytes, sizeof(bytes)), room, 12));
        CHECK_STR(((Str){ room, 12 }), STR("abcdabcdabcd"));
        CHECK(!snappy_unpack(bytes_of(bytes, sizeof(bytes)), room, 11));
        for (size_t cut = 1; cut < sizeof(bytes); cut++)
                CHECK(!snappy_unpack(bytes_of(bytes, sizeof(bytes) - cut), room, 12));
        const uint8_t far[] = { 8, 0, 'a', 2 | 6 << 2, 9, 0 };
        CHECK(!snappy_unpack(bytes_of(far, sizeof(far)), room, 8));
}
