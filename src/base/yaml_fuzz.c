/* SPDX-License-Identifier: Apache-2.0 */
/* Any text is a tree whose places lie in the text, or is refused with words and a place. */
#include <assert.h>

#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const YamlNode *node) {
        assert(node->line >= 1 && node->column >= 1);
        for (size_t i = 0; i < node->count; i++) {
                check(node->items[i]);
                assert(node->kind != YAML_MAP || node->keys[i]->kind == YAML_SCALAR);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error err = { 0 };
        YamlFile *file;
        if (yaml_parse((Str){ (const char *)data, size }, "fuzz", &arena, &file, &err) == STATUS_OK)
                check(file->root);
        else
                assert(err.message[0] != 0);
        return 0;
}
