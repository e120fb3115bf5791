/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses the type, the rest is the text: alone, and as an array. */
#include "sql/literal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void abort_without(const char *why) {
        if (!why)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const char *const types[] = { "boolean", "numeric", "date", "timestamp", "timestamptz", "interval", "bytea", "integer" };
        if (size == 0)
                return 0;
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Str type = str_of(types[data[0] % COUNT_OF(types)]), text = { (const char *)data + 1, size - 1 };
        SqlValue value = { 0 }, list = { 0 };
        const char *why = NULL;
        if (!literal_read(type, text, &arena, &value, &why))
                abort_without(why);
        if (!literal_read_array(type, text, &arena, &list, &why))
                abort_without(why);
        return 0;
}
