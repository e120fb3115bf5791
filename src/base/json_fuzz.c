/* SPDX-License-Identifier: Apache-2.0 */
/* Any text is refused with words, or parsed; what is printed from the tree parses and prints to the same. */
#include <assert.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Str printed(const Json *json, Buf *out) {
        JsonWriter writer = json_writer(out, false);
        json_put_tree(&writer, json);
        return buf_view(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(buf_deinit) Buf first = { 0 };
        CLEANUP(buf_deinit) Buf second = { 0 };
        Error err = { 0 };
        Json *json;
        if (json_parse((Str){ (const char *)data, size }, "fuzz", &arena, &json, &err) != STATUS_OK) {
                assert(err.message[0] != 0);
                return 0;
        }
        Str text = printed(json, &first);
        assert(json_parse(text, "printed", &arena, &json, &err) == STATUS_OK);
        assert(str_equal(printed(json, &second), text));
        return 0;
}
