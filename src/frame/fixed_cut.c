/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/fixed_cut.h"

bool fixed_cut_parse(Str text, FixedCut *out) {
        Str from, to;
        int64_t a, b;
        if (!str_cut(text, '-', &from, &to))
                to = from;
        if (!str_to_int64(str_trim(from), &a) || !str_to_int64(str_trim(to), &b) || a < 1 || b < a || b > FIXED_PLACE_MAX)
                return false;
        *out = (FixedCut){ (uint32_t)a, (uint32_t)b };
        return true;
}
