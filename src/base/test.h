/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The unit test harness: TAP on stdout, tests register themselves, a failed CHECK returns so that cleanups run.
 *
 *   TEST(read_names_what_went_wrong) { CHECK_INT(1 + 1, 2); }
 *
 * Each test gets `Test *t` with an arena, an Error and (made on first use) a temporary folder, removed afterwards.
 * The file that includes this defines TESTS_MAIN once, or links base/test_main.c. Arguments: names to run.
 */
#include "base/arena.h"
#include "base/error.h"

typedef struct Test {
        const char *name;
        Arena arena;
        Error err;
        char *folder;
        bool failed;
} Test;

typedef void (*TestFunction)(Test *t);
void test_register(const char *name, TestFunction function);
const char *test_folder(Test *t); /* absolute */
void test_fail(Test *t, const char *file, int line, const char *format, ...) PRINTF_LIKE(4, 5);
void test_skip(Test *t, const char *why); /* then return */
int test_main(int argc, char **argv);

#define TEST(name)                                                            \
        static void test_##name(Test *t);                                     \
        __attribute__((constructor)) static void test_register_##name(void) { \
                test_register(#name, test_##name);                            \
        }                                                                     \
        static void test_##name(Test *t UNUSED)

#define CHECK(condition)                                                          \
        do {                                                                      \
                if (!(condition)) {                                               \
                        test_fail(t, __FILE__, __LINE__, "%s", #condition);       \
                        return;                                                   \
                }                                                                 \
        } while (0)
#define CHECK_INT(got, wanted)                                                                               \
        do {                                                                                                 \
                long long got_ = (long long)(got), wanted_ = (long long)(wanted);                            \
                if (got_ != wanted_) {                                                                       \
                        test_fail(t, __FILE__, __LINE__, "%s is %lld, wanted %lld", #got, got_, wanted_);    \
                        return;                                                                              \
                }                                                                                            \
        } while (0)
#define CHECK_STR(got, wanted)                                                                                 \
        do {                                                                                                   \
                Str got_ = (got), wanted_ = (wanted);                                                          \
                if (!str_equal(got_, wanted_)) {                                                               \
                        test_fail(t, __FILE__, __LINE__, "%s is '%.*s', wanted '%.*s'", #got, STR_ARG(got_),   \
                                  STR_ARG(wanted_));                                                           \
                        return;                                                                                \
                }                                                                                              \
        } while (0)
#define CHECK_OK(call)                                                                                          \
        do {                                                                                                    \
                Status got_ = (call);                                                                           \
                if (got_ != STATUS_OK) {                                                                        \
                        test_fail(t, __FILE__, __LINE__, "%s: %s: %s", #call, status_name(got_), t->err.message); \
                        return;                                                                                 \
                }                                                                                               \
        } while (0)
#define CHECK_STATUS(call, wanted)                                                                              \
        do {                                                                                                    \
                Status got_ = (call);                                                                           \
                if (got_ != (wanted)) {                                                                         \
                        test_fail(t, __FILE__, __LINE__, "%s gives %s, wanted %s", #call, status_name(got_),    \
                                  status_name(wanted));                                                         \
                        return;                                                                                 \
                }                                                                                               \
        } while (0)
