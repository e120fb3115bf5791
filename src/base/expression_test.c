/* SPDX-License-Identifier: Apache-2.0 */
#include "base/expression.h"

#include "base/buf.h"
#include "base/test.h"

static const char *verdict(Test *t, Str text) {
        regex_t compiled;
        char why[EXPRESSION_WHY];
        if (!expression_compile(text, REG_NOSUB, &compiled, why))
                return arena_printf(&t->arena, "%s", why);
        regfree(&compiled);
        return "";
}

TEST(what_people_write_compiles) {
        static const char *const cases[] = { "^Total", "", "^(Sum|Total|[[:alpha:]]+ of [^]x]+)[ :]*$", "_([0-9]{4}-[0-9]{2}-[0-9]{2})\\.csv",
                                             "a{3}b{2,}c{,5}d{0,9}", "^[-+= ]*(---|===)[-+= ]*$|^\\([0-9]+ rows\\)$", "x{1000}", "[[.].]]+", "[]+]++",
                                             "((((((((((a+)+)?)*)+)?)*)+)?)*)+" };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                CHECK_STR(str_of(verdict(t, str_of(cases[i]))), STR(""));
}

/* Each would take the memory or the stack of the C library's compiler. */
TEST(what_would_not_fit_into_memory_is_refused) {
        static const struct {
                const char *before, *repeated, *after;
                size_t times;
                const char *why;
        } cases[] = { { "x", "+", "", 12, "repeats too much" },
                      { "larx", "+", "y", 109, "repeats too much" },
                      { "", "(", "a", 20000, "parentheses" },
                      { "(((a{200}){200}){200})", "", "", 0, "repeats too much" },
                      { "a{32767}", "", "", 0, "repeats too much" },
                      { "(a?){1999}(a?){1999}", "", "", 0, "repeats too much" },
                      { "((a|b|c|d)?){", "1", "}", 4, "repeats too much" },
                      { "", "a?", "", 5000, "choices" },
                      { "", "a|", "b", 5000, "choices" },
                      { "(x", "+", "){2000}", 5, "repeats too much" } };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CLEANUP(buf_deinit) Buf text = { 0 };
                buf_append_cstr(&text, cases[i].before);
                for (size_t k = 0; k < cases[i].times; k++)
                        buf_append_cstr(&text, cases[i].repeated);
                buf_append_cstr(&text, cases[i].after);
                const char *why = verdict(t, buf_view(&text));
                if (!strstr(why, cases[i].why))
                        test_fail(t, __FILE__, __LINE__, "case %zu: '%s'", i, why);
        }
        CHECK_STR(str_of(verdict(t, STR("a\0b"))), STR("a NUL is in it"));
        CHECK(strstr(verdict(t, STR("(a*)\\1x")), "refers back") && !*verdict(t, STR("(a*)\\\\1[\\1]x")));
}

TEST(what_is_none_is_told_as_the_c_library_tells_it) {
        static const char *const cases[] = { "(", "a)", "[", "[[:x:]]", "a{2,1}", "*", "a{1", "\\" };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                regex_t compiled;
                bool is = regcomp(&compiled, cases[i], REG_EXTENDED | REG_NOSUB) == 0;
                if (is)
                        regfree(&compiled);
                CHECK(is == (*verdict(t, str_of(cases[i])) == 0));
        }
}
