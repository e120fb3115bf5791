/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: any bytes as a table's body in the catalog; one that is read is printed and read the same. */
#include <assert.h>

#include "lake/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error err = { 0 };
        Store store = { .root = "/store" };
        TableBody body, again;
        if (table_body_parse(&store, (Str){ (const char *)data, size }, &arena, &body, &err) != STATUS_OK)
                return 0;
        Str text = table_body_print(&store, &arena, &body);
        Status status = table_body_parse(&store, text, &arena, &again, &err);
        assert(status == STATUS_OK);
        assert(str_equal(text, table_body_print(&store, &arena, &again)));
        return 0;
}
