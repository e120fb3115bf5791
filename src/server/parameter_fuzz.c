/* SPDX-License-Identifier: Apache-2.0 */
/* A value that a client binds: first byte format, next four the OID, the rest is the value. */
#include "server/parameter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Cursor cursor = cursor_of((Str){ (const char *)data, size });
        uint16_t format = cursor_u8(&cursor) & 1;
        uint32_t oid = cursor_be16(&cursor);
        WireParameter parameter = { .bytes = cursor_bytes(&cursor, cursor_left(&cursor)) };
        SqlValue value;
        Error err;
        if (parameter_read(1, oid, format, &parameter, &arena, &value, &err) == STATUS_OK && !utf8_valid(value.text))
                abort();
        return 0;
}
