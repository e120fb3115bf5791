/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: any bytes with a right checksum as a queued change set; one that is read is written and read the same. */
#include <assert.h>

#include "lake/intent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(buf_deinit) Buf buf = { 0 };
        CLEANUP(buf_deinit) Buf again = { 0 };
        CLEANUP(buf_deinit) Buf third = { 0 };
        Error err = { 0 };
        Store store = { .root = "/store" };
        Intent intent, same;
        buf_append_cstr(&buf, "LODEINT1");
        buf_append(&buf, (Str){ (const char *)data, size });
        Sha256 sum = sha256_of(buf_view(&buf));
        buf_append(&buf, (Str){ (const char *)sum.bytes, sizeof(sum.bytes) });
        if (intent_read(&store, buf_view(&buf), &arena, &intent, &err) != STATUS_OK)
                return 0;
        intent_write(&store, &intent, &again);
        Status status = intent_read(&store, buf_view(&again), &arena, &same, &err);
        assert(status == STATUS_OK);
        intent_write(&store, &same, &third);
        assert(str_equal(buf_view(&again), buf_view(&third)));
        return 0;
}
