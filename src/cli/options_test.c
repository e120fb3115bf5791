/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include "base/test.h"

static const Option table[] = { { "branch", 'b', "NAME", "" }, { "again", 0, NULL, "" } };

static Status parse(Test *t, int count, const char *const *words, Arguments *out) {
        char **copies = ARENA_ARRAY(&t->arena, char *, (size_t)count + 1);
        for (int i = 0; i < count; i++)
                copies[i] = arena_cstr(&t->arena, str_of(words[i]));
        return options_parse(count, copies, table, COUNT_OF(table), &t->arena, out, &t->err);
}

TEST(options_may_stand_anywhere_in_any_form) {
        static const char *const words[] = { "shop", "--branch=x", "-ojson", "-C", "dir", "--again", "--", "--odd" };
        Arguments arguments;
        CHECK_OK(parse(t, COUNT_OF(words), words, &arguments));
        CHECK_INT(arguments.word_count, 2);
        CHECK_STR(str_of(arguments.words[1]), STR("--odd"));
        CHECK_STR(str_of(arguments.values[0]), STR("x"));
        CHECK(arguments.values[1] != NULL);
        CHECK_INT(arguments.output, OUTPUT_JSON);
        CHECK_STR(str_of(arguments.folder), STR("dir"));
}

TEST(wrong_options_are_told_with_a_guess) {
        static const struct {
                const char *word, *hint;
        } cases[] = { { "--brnach", "--branch" }, { "--agian", "--again" }, { "--outptu", "--output" }, { "-z", "" } };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Arguments arguments;
                CHECK_STATUS(parse(t, 1, &cases[i].word, &arguments), STATUS_USAGE);
                CHECK(strstr(t->err.hint, cases[i].hint) != NULL);
        }
        static const char *const bad[][2] = { { "-o", "jsno" }, { "--color", "maybe" }, { "--again=yes", "x" } };
        for (size_t i = 0; i < COUNT_OF(bad); i++) {
                Arguments arguments;
                CHECK_STATUS(parse(t, 2, bad[i], &arguments), STATUS_USAGE);
        }
        static const char *const lacking[] = { "--branch" };
        Arguments arguments;
        CHECK_STATUS(parse(t, 1, lacking, &arguments), STATUS_USAGE);
}
