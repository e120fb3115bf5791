/* SPDX-License-Identifier: Apache-2.0 */
/* The footer reader on any bytes: no crash, no read outside, no memory beyond its limits. */
#include "parquet/footer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error err = { 0 };
        ParquetFooter footer;
        Str bytes = { (const char *)data, size };
        if (parquet_footer_parse(bytes, INT64_MAX, "fuzz", &arena, &footer, &err) != STATUS_OK)
                return 0;

        FileStatistics statistics;
        parquet_footer_statistics(&footer, &arena, &statistics, &err);
        TypeField *fields;
        size_t count;
        parquet_footer_fields(&footer, &arena, &fields, &count, &err);
        return 0;
}
