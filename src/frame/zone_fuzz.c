/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a time zone's file: refused with words, or a zone that knows every local time or says it does not exist. */
#include "base/time.h"
#include "frame/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DAY_US (86400 * INT64_C(1000000))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error err = { 0 };
        const Zone *zone;
        if (zone_parse((Str){ (const char *)data, size }, &arena, &zone, &err) != STATUS_OK) {
                if (err.message[0] == '\0')
                        panic("refused without a word");
                return 0;
        }
        for (int year = 1; year < 10000; year += year > 1890 && year < 2050 ? 1 : 97) {
                int64_t out, local = days_from_civil(year, 1 + year % 12, 1 + year % 28) * DAY_US + year * INT64_C(1000003);
                if (zone_to_utc(zone, local, &out) && (out - local > 2 * DAY_US || local - out > 2 * DAY_US))
                        panic("a zone more than two days from UTC");
        }
        return 0;
}
