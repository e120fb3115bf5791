/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backoff.h"

#include "base/test.h"

#define SECOND ((int64_t)1000000)

static const Str place = { "10.0.0.1", 8 }, user = { "ann", 3 }, other = { "bo", 2 };

static void fail_times(Backoff *backoff, Str address, Str name, int times, int64_t now) {
        int count;
        for (int i = 0; i < times; i++)
                backoff_failed(backoff, address, name, now, &count);
}

TEST(the_wait_doubles_with_each_failure_and_ends) {
        Backoff *backoff = backoff_new();
        static const int64_t waits[] = { 0, 0, 100000, 200000, 400000, 800000, 1600000, 3200000, BACKOFF_MOST_US, BACKOFF_MOST_US };
        int64_t now = 1000 * SECOND;
        for (size_t i = 0; i < COUNT_OF(waits); i++) {
                int count;
                backoff_failed(backoff, place, user, now, &count);
                CHECK_INT(count, (int)i + 1);
                CHECK_INT(backoff_until(backoff, place, user, now), now + waits[i]);
        }
        CHECK_INT(backoff_until(backoff, place, other, now), now);
        CHECK_INT(backoff_until(backoff, STR("10.0.0.2"), user, now), now);
        CHECK_INT(backoff_until(backoff, place, user, now + BACKOFF_MOST_US), now + BACKOFF_MOST_US);
        backoff_free(backoff);
}

TEST(failures_are_forgotten_by_time_and_by_the_right_password) {
        Backoff *backoff = backoff_new();
        int64_t now = 1000 * SECOND;
        fail_times(backoff, place, user, 10, now);
        CHECK_INT(backoff_until(backoff, place, user, now + BACKOFF_FORGET_US), now + BACKOFF_FORGET_US);
        fail_times(backoff, place, user, 10, now + BACKOFF_FORGET_US);
        backoff_succeeded(backoff, place, user);
        CHECK_INT(backoff_until(backoff, place, user, now + BACKOFF_FORGET_US), now + BACKOFF_FORGET_US);
        backoff_free(backoff);
}

TEST(who_tries_many_names_waits_by_his_address) {
        Backoff *backoff = backoff_new();
        int64_t now = 1000 * SECOND;
        for (int i = 0; i < 40; i++)
                fail_times(backoff, place, arena_strf(&t->arena, "user%d", i), 1, now);
        CHECK(backoff_until(backoff, place, STR("another"), now) > now);
        CHECK(backoff_until(backoff, place, STR("another"), now) <= now + BACKOFF_MOST_US);
        CHECK_INT(backoff_until(backoff, STR("10.0.0.2"), STR("another"), now), now);
        backoff_free(backoff);
}

TEST(a_table_that_is_full_forgets_the_oldest_and_no_more) {
        Backoff *backoff = backoff_new();
        for (int i = 0; i < 20000; i++)
                fail_times(backoff, arena_strf(&t->arena, "10.1.%d.%d", i / 250, i % 250), user, 5, (1000 + i) * SECOND);
        int64_t now = 20999 * SECOND;
        CHECK(backoff_until(backoff, STR("10.1.79.249"), user, now) > now);
        CHECK_INT(backoff_until(backoff, STR("10.1.0.0"), user, now), now);
        backoff_free(backoff);
}
