/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rows.h"

#include "base/test.h"

TEST(text_is_measured_as_a_terminal_shows_it) {
        CHECK_INT(text_width(STR("abc")), 3);
        CHECK_INT(text_width(STR("grüße")), 5);
        CHECK_INT(text_width(STR("日本")), 4);
        CHECK_INT(text_width(STR("e\xCC\x81")), 1);
}
