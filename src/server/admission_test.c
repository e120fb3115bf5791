/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admission.h"

#include <unistd.h>

#include "base/test.h"

static Party *join(Test *t, Admission *admission, const char *name, bool admin, const Limits *limits) {
        Party *party = NULL;
        Account account = { .name = str_of(name), .is_admin = admin };
        return admission_join(admission, &account, limits, &party, &t->err) == STATUS_OK ? party : NULL;
}

static Limits limits_with(LimitKind kind, int64_t value) {
        Limits limits;
        limits_default(&limits);
        limits.value[kind] = value;
        limits.line[kind] = 7;
        return limits;
}

static Status line_up(Test *t, Admission *admission, Ticket *ticket, Party *party, Lane lane, const Limits *limits) {
        TRY(admission_reserve(admission, ticket, party, lane, limits, &t->err));
        admission_queue(admission, ticket);
        return STATUS_OK;
}

TEST(a_hundred_waiting_of_one_do_not_stand_before_anothers_first) {
        Admission *admission = admission_new(&(AdmissionOptions){ .slots = 2, .connections = 10 });
        Limits limits = limits_with(LIMIT_STATEMENTS, 16);
        Party *ann = join(t, admission, "ann", false, &limits), *bo = join(t, admission, "bo", false, &limits);
        Ticket many[100] = { 0 }, one = { 0 };
        for (size_t i = 0; i < 100; i++)
                CHECK_OK(line_up(t, admission, &many[i], ann, LANE_QUESTIONS, &limits));
        CHECK_OK(line_up(t, admission, &one, bo, LANE_QUESTIONS, &limits));
        CHECK(admission_next(admission, true) == &many[0]);
        CHECK(admission_next(admission, true) == &one);
        CHECK(admission_next(admission, true) == NULL);
        CHECK(admission_done(admission, &many[0]));
        CHECK(admission_next(admission, true) == &many[1]);
        AdmissionCounts counts;
        admission_count(admission, &counts);
        CHECK_INT(counts.running, 2);
        CHECK_INT(counts.waiting, 98);
        for (size_t i = 0; i < 100; i++)
                CHECK(admission_done(admission, &many[i]) == (i == 1));
        CHECK(admission_done(admission, &one));
        admission_leave(admission, ann);
        admission_leave(admission, bo);
        admission_free(admission);
}

TEST(who_runs_nothing_has_a_slot_beyond_those_that_others_keep) {
        Admission *admission = admission_new(&(AdmissionOptions){ .slots = 2, .firsts = 1, .system = 4, .connections = 10 });
        Limits limits = limits_with(LIMIT_STATEMENTS, 3);
        Party *ann = join(t, admission, "ann", false, &limits), *bo = join(t, admission, "bo", false, &limits);
        Ticket endless[4] = { 0 }, point[2] = { 0 }, system[3] = { 0 };
        for (size_t i = 0; i < 4; i++)
                CHECK_OK(line_up(t, admission, &endless[i], ann, LANE_QUESTIONS, &limits));
        CHECK(admission_next(admission, true) == &endless[0]);
        CHECK(admission_next(admission, true) == &endless[1]);
        CHECK(admission_next(admission, true) == NULL);
        for (size_t i = 0; i < 2; i++)
                CHECK_OK(line_up(t, admission, &point[i], bo, LANE_QUESTIONS, &limits));
        CHECK(admission_next(admission, true) == &point[0]);
        CHECK(admission_next(admission, true) == NULL);
        /* what asks the catalogue does not wait behind the same principal's own */
        for (size_t i = 0; i < 3; i++)
                CHECK_OK(line_up(t, admission, &system[i], ann, LANE_SYSTEM, &limits));
        CHECK(admission_next(admission, true) == &system[0]);
        CHECK(admission_next(admission, true) == &system[1]);
        CHECK(admission_next(admission, true) == NULL);
        CHECK(admission_done(admission, &point[0]));
        CHECK(admission_next(admission, true) == &point[1]);
        Ticket *all[] = { &endless[0], &endless[1], &endless[2], &endless[3], &point[0], &point[1], &system[0], &system[1], &system[2] };
        for (size_t i = 0; i < COUNT_OF(all); i++)
                admission_done(admission, all[i]);
        admission_leave(admission, ann);
        admission_leave(admission, bo);
        admission_free(admission);
}

TEST(while_others_ask_nobody_runs_more_than_its_part) {
        Admission *admission = admission_new(&(AdmissionOptions){ .slots = 4, .firsts = 1, .connections = 10 });
        Limits limits = limits_with(LIMIT_STATEMENTS, 16);
        Party *ann = join(t, admission, "ann", false, &limits), *bo = join(t, admission, "bo", false, &limits);
        Ticket flood[6] = { 0 }, point = { 0 };
        for (size_t i = 0; i < 6; i++)
                CHECK_OK(line_up(t, admission, &flood[i], ann, LANE_QUESTIONS, &limits));
        for (size_t i = 0; i < 4; i++)
                CHECK(admission_next(admission, true) == &flood[i]);
        CHECK(admission_next(admission, true) == NULL);
        CHECK_OK(line_up(t, admission, &point, bo, LANE_QUESTIONS, &limits));
        CHECK(admission_next(admission, true) == &point);
        CHECK(admission_done(admission, &point));
        for (size_t i = 0; i < 2; i++) { /* bo asked a moment ago */
                CHECK(admission_done(admission, &flood[i]));
                CHECK(admission_next(admission, true) == NULL);
        }
        CHECK(admission_done(admission, &flood[2]));
        CHECK(admission_next(admission, true) == &flood[4]);
        CHECK(admission_next(admission, true) == NULL);
        usleep(1100000);
        CHECK(admission_next(admission, true) == &flood[5]);
        for (size_t i = 3; i < 6; i++)
                admission_done(admission, &flood[i]);
        admission_leave(admission, ann);
        admission_leave(admission, bo);
        admission_free(admission);
}

TEST(a_principals_own_limits_hold_and_are_named) {
        Admission *admission = admission_new(&(AdmissionOptions){ .slots = 8, .connections = 10, .cursors = 1, .firsts = 1 });
        Limits limits = limits_with(LIMIT_STATEMENTS, 1);
        limits.value[LIMIT_WAITING] = 2;
        limits.value[LIMIT_CONNECTIONS] = 1;
        Party *ann = join(t, admission, "ann", false, &limits);
        CHECK(!join(t, admission, "ann", false, &limits));
        CHECK_INT(t->err.status, STATUS_BUSY);
        CHECK(strstr(t->err.message, "too many connections for role \"ann\": 1 are open"));
        Ticket tickets[4] = { 0 };
        CHECK_OK(line_up(t, admission, &tickets[0], ann, LANE_QUESTIONS, &limits));
        CHECK(admission_next(admission, true) == &tickets[0]);
        CHECK_OK(line_up(t, admission, &tickets[1], ann, LANE_QUESTIONS, &limits));
        CHECK_OK(admission_reserve(admission, &tickets[2], ann, LANE_QUESTIONS, &limits, &t->err));
        CHECK(admission_next(admission, true) == NULL);
        CHECK(line_up(t, admission, &tickets[3], ann, LANE_QUESTIONS, &limits) == STATUS_BUSY);
        CHECK(strstr(t->err.message, "2 statements of ann wait in line already"));
        CHECK(strstr(t->err.message, "the default of `waiting`"));
        CHECK(admission_wanted(admission, &tickets[0]));
        admission_queue(admission, &tickets[0]); /* another turn: behind the one that waits */
        CHECK(admission_next(admission, true) == &tickets[1]);
        CHECK_OK(admission_hold(admission, ann, &limits, &t->err));
        CHECK(admission_hold(admission, ann, &limits, &t->err) == STATUS_BUSY);
        admission_release(admission, ann);
        for (size_t i = 0; i < 3; i++)
                admission_done(admission, &tickets[i]);
        admission_leave(admission, ann);
        admission_free(admission);
}

TEST(whoever_may_run_at_once_does_not_count_as_waiting) {
        Admission *admission = admission_new(&(AdmissionOptions){ .slots = 8, .connections = 10, .cursors = 1, .firsts = 1 });
        Limits limits = limits_with(LIMIT_STATEMENTS, 1);
        limits.value[LIMIT_WAITING] = 2;
        Party *ann = join(t, admission, "ann", false, &limits);
        Ticket tickets[4] = { 0 };
        for (size_t i = 0; i < 3; i++) /* before any thread took one */
                CHECK_OK(line_up(t, admission, &tickets[i], ann, LANE_QUESTIONS, &limits));
        CHECK(line_up(t, admission, &tickets[3], ann, LANE_QUESTIONS, &limits) == STATUS_BUSY);
        CHECK(admission_next(admission, true) == &tickets[0]);
        CHECK(line_up(t, admission, &tickets[3], ann, LANE_QUESTIONS, &limits) == STATUS_BUSY);
        admission_done(admission, &tickets[0]);
        CHECK_OK(line_up(t, admission, &tickets[3], ann, LANE_QUESTIONS, &limits));
        for (size_t i = 1; i < 4; i++)
                admission_done(admission, &tickets[i]);
        admission_leave(admission, ann);
        admission_free(admission);
}

TEST(the_last_connections_are_for_administrators_and_logins_do_not_take_all_threads) {
        Admission *admission = admission_new(&(AdmissionOptions){ .connections = 3, .reserved = 1, .logins = 1, .turns = 4, .bytes = 1000 });
        Limits limits;
        limits_default(&limits);
        Party *parties[] = { join(t, admission, "ann", false, &limits), join(t, admission, "bo", false, &limits) };
        CHECK(parties[0] && parties[1] && !join(t, admission, "cy", false, &limits));
        Party *root = join(t, admission, "root", true, &limits);
        CHECK(root != NULL);
        Party *door = admission_arrive(admission, STR("10.0.0.1"));
        Ticket turns[] = { { .party = door }, { .party = door }, { .party = root } };
        for (size_t i = 0; i < 3; i++)
                admission_queue(admission, &turns[i]);
        CHECK(admission_next(admission, false) == &turns[2]);
        CHECK(admission_next(admission, false) == &turns[0]);
        CHECK(admission_next(admission, false) == NULL);
        CHECK(admission_done(admission, &turns[0]));
        CHECK(admission_next(admission, false) == &turns[1]);
        admission_done(admission, &turns[1]);
        admission_done(admission, &turns[2]);
        size_t held = 0;
        CHECK_OK(admission_weigh(admission, root, &held, 900, &t->err));
        CHECK_STATUS(admission_weigh(admission, root, &held, 1001, &t->err), STATUS_MEMORY);
        CHECK_INT(held, 900);
        CHECK_OK(admission_weigh(admission, root, &held, 0, &t->err));
        admission_leave(admission, door);
        admission_leave(admission, root);
        admission_leave(admission, parties[0]);
        admission_leave(admission, parties[1]);
        admission_free(admission);
}
