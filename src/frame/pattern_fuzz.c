/* SPDX-License-Identifier: Apache-2.0 */
/* A pattern up to the first NUL, then a text: what a pattern prints it reads back; every ISO text is read or is not. */
#include "frame/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_moment(const Moment *moment) {
        if (moment->micros < 0 || moment->micros >= 86400 * INT64_C(1000000))
                panic("a time outside its day");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error err = { 0 };
        Str all = { (const char *)data, size };
        size_t cut = str_find_byte(all, '\0');
        Str words = str_slice(all, 0, cut), text = str_slice(all, cut + 1, all.size);
        Pattern pattern;
        Moment moment;
        int32_t days;
        int64_t micros;
        iso_read_date(text, &days);
        iso_read_time(text, &micros);
        if (iso_read_timestamp(text, &moment))
                check_moment(&moment);
        if (pattern_compile(words, &pattern, &err) != STATUS_OK)
                return 0;
        if (pattern_read(&pattern, text, &moment))
                check_moment(&moment);
        if (pattern_read_long(&pattern, text, &moment))
                check_moment(&moment);
        int point[6] = { 1987, 11, 23, 9, 58, 37 };
        if (!pattern_read(&pattern, pattern_print(&pattern, point, &arena), &moment))
                panic("a pattern does not read what it prints");
        return 0;
}
