/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/usual.h"

#include "base/arena.h"

const char *const usual_null_words[USUAL_NULL_WORD_COUNT] = { "\\N",  "NULL", "null", "Null", "NA", "N/A", "n/a",
                                          "#N/A", "None", "none", "-",    "--", "?" };

const UsualPattern usual_patterns[USUAL_PATTERN_COUNT] = {
        { "yyyy-MM-dd", -1 },
        { "yyyy/MM/dd", -1 },
        { "yyyy.MM.dd", -1 },
        { "dd.MM.yyyy", -1 },
        { "d.M.yyyy", -1 },
        { "dd/MM/yyyy", 6 },
        { "MM/dd/yyyy", 5 },
        { "d/M/yyyy", 8 },
        { "M/d/yyyy", 7 },
        { "dd-MM-yyyy", 10 },
        { "MM-dd-yyyy", 9 },
        { "dd-MMM-yyyy", -1 },
        { "d-MMM-yyyy", -1 },
        { "dd MMM yyyy", -1 },
        { "d MMM yyyy", -1 },
        { "MMM d, yyyy", -1 },
        { "dd.MM.yy", -1 },
        { "dd/MM/yy", 18 },
        { "MM/dd/yy", 17 },
        { "d/M/yy", 20 },
        { "M/d/yy", 19 },
        { "dd-MM-yy", 22 },
        { "MM-dd-yy", 21 },
        { "dd-MMM-yy", -1 },
        { "dd/MM/yyyy h:mm a", 25 },
        { "MM/dd/yyyy h:mm a", 24 },
        { "dd/MM/yyyy h:mm:ss a", 27 },
        { "MM/dd/yyyy h:mm:ss a", 26 },
        { "d/M/yyyy h:mm a", 29 },
        { "M/d/yyyy h:mm a", 28 },
        { "d/M/yyyy h:mm:ss a", 31 },
        { "M/d/yyyy h:mm:ss a", 30 },
        { "d-MMM-yy", -1 },
        { "d/MMM/yy h:mm a", -1 },
        { "d/MMM/yyyy", -1 },
};

bool usual_is_null_word(Str text) {
        static const char *const rarer[] = { "nan",     "nil", "n.a.",   "n. a.",   "k.a.", "missing",
                                             "unknown", "tbd", "(null)", "(blank)", "---",  "." };
        for (size_t i = 0; i < USUAL_NULL_WORD_COUNT; i++)
                if (str_equal_nocase(text, str_of(usual_null_words[i])))
                        return true;
        for (size_t i = 0; i < COUNT_OF(rarer); i++)
                if (str_equal_nocase(text, str_of(rarer[i])))
                        return true;
        return text.size == 0;
}
