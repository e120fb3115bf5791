/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error err = { 0 };
        Str text = { (const char *)data, size }, out;
        if (sql_client_text(text, &arena, &out, &err) == STATUS_OK && out.size != size)
                __builtin_trap();
        return 0;
}
