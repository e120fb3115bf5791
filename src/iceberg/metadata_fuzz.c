/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: any bytes as metadata.json; what is read can be printed and read again, and prints the same. */
#include <assert.h>

#include "iceberg/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error err = { 0 };
        TableMetadata *metadata, *again;
        if (metadata_parse((Str){ (const char *)data, size }, "fuzz", &arena, &metadata, &err) != STATUS_OK)
                return 0;
        CLEANUP(buf_deinit) Buf first = { 0 };
        CLEANUP(buf_deinit) Buf second = { 0 };
        metadata_print(metadata, &first);
        assert(metadata_parse(buf_view(&first), "again", &arena, &again, &err) == STATUS_OK);
        metadata_print(again, &second);
        assert(str_equal(buf_view(&first), buf_view(&second)));
        return 0;
}
