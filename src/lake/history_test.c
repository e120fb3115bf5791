/* SPDX-License-Identifier: Apache-2.0 */
/* The judge is judged: histories with one anomaly each, which it must name, and sound ones that look odd. */
#include "base/test.h"
#include "lake/history.h"

/*
 * A history in words, one transaction per line:
 *      OUTCOME BEGAN ENDED, then  a1+7 (append 7 to list 1)  and  r1:7,8 (read list 1 as 7, 8; r1: is an empty one)
 * OUTCOME: ok, no (refused), ?? (unknown).
 */
typedef struct Written {
        HistoryTransaction transactions[16];
        size_t count;
} Written;

static uint32_t number(Str *s) {
        uint32_t value = 0;
        while (s->size && s->data[0] >= '0' && s->data[0] <= '9') {
                value = value * 10 + (uint32_t)(s->data[0] - '0');
                *s = str_slice(*s, 1, s->size);
        }
        return value;
}

static void parse_word(Arena *arena, Str word, HistoryTransaction *out) {
        Str rest = str_slice(word, 1, word.size);
        uint32_t key = number(&rest);
        rest = str_slice(rest, 1, rest.size);
        if (word.data[0] == 'a') {
                HistoryAppend *appends = ARENA_ARRAY(arena, HistoryAppend, out->append_count + 1);
                if (out->append_count)
                        memcpy(appends, out->appends, out->append_count * sizeof(*appends));
                appends[out->append_count++] = (HistoryAppend){ key, number(&rest) };
                out->appends = appends;
                return;
        }
        HistoryRead *reads = ARENA_ARRAY(arena, HistoryRead, out->read_count + 1);
        if (out->read_count)
                memcpy(reads, out->reads, out->read_count * sizeof(*reads));
        uint32_t *elements = ARENA_ARRAY(arena, uint32_t, 16);
        HistoryRead *read = &reads[out->read_count++];
        *read = (HistoryRead){ key, elements, 0 };
        out->reads = reads;
        while (rest.size) {
                elements[read->count++] = number(&rest);
                rest = str_slice(rest, 1, rest.size);
        }
}

static void parse_line(Arena *arena, Str line, HistoryTransaction *out) {
        Str word;
        str_cut(line, ' ', &word, &line);
        out->outcome = str_is(word, "ok") ? HISTORY_OK : str_is(word, "no") ? HISTORY_REFUSED : HISTORY_UNKNOWN;
        str_cut(line, ' ', &word, &line);
        out->began = number(&word);
        str_cut(line, ' ', &word, &line);
        out->ended = number(&word);
        while (line.size) {
                str_cut(line, ' ', &word, &line);
                parse_word(arena, word, out);
        }
}

static Written parse(Arena *arena, const char *text) {
        Written written = { 0 };
        Str rest = str_of(text), line;
        while (str_cut(rest, '\n', &line, &rest))
                parse_line(arena, line, &written.transactions[written.count++]);
        return written;
}

TEST(seeded_anomalies_are_named) {
        static const struct {
                HistoryFault fault;
                const char *history;
        } cases[] = {
                { HISTORY_SOUND, "" },
                { HISTORY_SOUND, "ok 1 2 a1+1 a2+2\nok 3 4 a1+3\nok 5 6 r1:1,3 r2:2\n" },
                { HISTORY_SOUND, "ok 1 4 a1+1\nok 2 3 r1:\nok 5 6 r1:1\n" },             /* beside each other */
                { HISTORY_SOUND, "?? 1 9 a1+1\nok 2 3 r1:\nok 4 5 r1:1\n" },             /* done all the same */
                { HISTORY_SOUND, "?? 1 9 a1+1\nno 1 2 a1+2\nok 2 3 r1:\n" },             /* never done */
                { HISTORY_SOUND, "ok 1 2 r1: a1+1\nok 3 4 r1:1 a1+2\nok 5 6 r1:1,2\n" }, /* read, modified, written */
                { HISTORY_DUPLICATE, "ok 1 2 a1+1\nok 3 4 r1:1,1\n" },
                { HISTORY_PHANTOM, "ok 1 2 a1+1\nok 3 4 r1:1,9\n" },
                { HISTORY_PHANTOM, "ok 1 2 a1+1 a2+2\nok 3 4 r1:2\n" }, /* in the wrong list */
                { HISTORY_ABORTED_READ, "no 1 2 a1+1\nok 3 4 r1:1\n" },
                { HISTORY_PARTIAL_READ, "ok 1 9 a1+1 a1+2\nok 3 4 r1:1\nok 10 11 r1:1,2\n" },
                { HISTORY_PARTIAL_READ, "ok 1 9 a1+1 a2+2\nok 3 4 r1:1 r2:\nok 10 11 r1:1 r2:2\n" },
                { HISTORY_PARTIAL_READ, "?? 1 9 a1+1 a2+2\nok 10 11 r1: r2:2\nok 12 13 r1:1\n" },
                { HISTORY_ORDER, "ok 1 9 a1+1\nok 1 9 a1+2\nok 2 3 r1:1\nok 10 11 r1:2,1\n" },
                { HISTORY_LOST, "ok 1 2 a1+1\nok 3 4 r1:\n" },
                { HISTORY_LOST, "ok 1 2 a1+1\nok 1 2 a1+2\nok 3 4 r1:2\n" }, /* the second wrote over the first */
                { HISTORY_LOST, "ok 1 2 a1+1\nok 3 4 r1:\nok 5 6 r1:1\n" },  /* answered before it could be read */
                { HISTORY_BACKWARDS, "?? 1 9 a1+1\nok 2 3 r1:1\nok 4 5 r1:\n" },
                { HISTORY_G0, "ok 1 9 a1+1 a2+2\nok 1 9 a1+3 a2+4\nok 10 11 r1:1,3 r2:4,2\n" },
                { HISTORY_G1C, "ok 1 9 a1+1 r2:2\nok 1 9 a2+2 r1:1\nok 10 11 r1:1 r2:2\n" },
                { HISTORY_G_SINGLE, "ok 1 9 r1: a1+1\nok 1 9 r1: a1+2\nok 10 11 r1:1,2\n" },      /* a lost update */
                { HISTORY_G_SINGLE, "ok 1 9 a1+1\nok 1 9 r1:1 a2+2\nok 1 9 r1: r2:2\n" },         /* read skew */
                { HISTORY_G2, "ok 1 9 r1: r2: a1+1\nok 1 9 r1: r2: a2+2\nok 10 11 r1:1 r2:2\n" }, /* write skew */
                { HISTORY_G2, "ok 1 9 a1+1\nok 1 9 a2+2\nok 1 9 r1:1 r2:\nok 1 9 r1: r2:2\nok 10 11 r1:1 r2:2\n" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Written written = parse(&t->arena, cases[i].history);
                Str words;
                HistoryFault fault = history_check(written.transactions, written.count, &t->arena, &words);
                if (fault != cases[i].fault)
                        test_fail(t, __FILE__, __LINE__, "case %zu is %s, wanted %s (%.*s)", i,
                                  history_fault_name(fault), history_fault_name(cases[i].fault), STR_ARG(words));
        }
}

/* Any one element taken out of any read but the last of a sound history is found, whatever it is called. */
TEST(a_hole_in_any_read_is_found) {
        enum { COUNT = 40 };
        HistoryTransaction transactions[COUNT];
        uint32_t all[COUNT];
        HistoryAppend appends[COUNT];
        HistoryRead reads[COUNT];
        for (size_t hole = 0; hole < COUNT - 1; hole++) {
                for (size_t i = 0; i < COUNT; i++) {
                        all[i] = (uint32_t)i + 1;
                        appends[i] = (HistoryAppend){ 0, all[i] };
                        reads[i] = (HistoryRead){ 0, all, i + 1 };
                        transactions[i] = (HistoryTransaction){ .began = (int64_t)i * 2,
                                                                .ended = (int64_t)i * 2 + 1,
                                                                .appends = &appends[i],
                                                                .append_count = 1,
                                                                .reads = &reads[i],
                                                                .read_count = 1 };
                }
                for (size_t i = 0; i < COUNT; i++)
                        reads[i].count = i; /* read, then appended */
                Str words;
                CHECK_INT(history_check(transactions, COUNT, &t->arena, &words), HISTORY_SOUND);
                reads[hole + 1].count--;
                CHECK(history_check(transactions, COUNT, &t->arena, &words) != HISTORY_SOUND);
        }
}
