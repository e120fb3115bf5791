/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: any bytes as a manifest and as a manifest list. */
#include "iceberg/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error err = { 0 };
        Str bytes = { (const char *)data, size };
        ManifestList list;
        manifest_list_read(bytes, "fuzz", &arena, &list, &err);
        ManifestFile from = { .path = STR("fuzz") };
        Manifest manifest;
        manifest_read(bytes, &from, &arena, &manifest, &err);
        return 0;
}
