/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * History: what clients saw of a store, judged without knowing how the store works. For tests.
 *
 * A transaction appends elements, each used once ever, to lists (tables, objects), or reads lists, all as of one commit.
 * Because every element is appended once, a read tells which transactions it saw and in what order they came: the order
 * of a list is that of its longest read, and every other read must be a beginning of it. From that follow the
 * dependencies between transactions: ww (the next element of a list is mine), wr (I read yours as the last), rw (I read
 * up to an element, you appended the next). A cycle of these is an anomaly: with ww alone G0, with wr G1c, with one rw
 * G-single, with more G2 (names as Adya gave them; the idea of lists is that of Kingsbury and Alvaro's "Elle").
 * Real time is looked at too: what was answered before a read began is in it, and reads never go back.
 *
 * Everything is borrowed. Keys are small numbers. Pure: no clock, no disk.
 */
#include "base/arena.h"

#define HISTORY_KEYS_MAX 64

typedef enum HistoryOutcome {
        HISTORY_OK,      /* it was answered that this is done */
        HISTORY_REFUSED, /* it was answered that nothing of this is done */
        HISTORY_UNKNOWN, /* nobody was answered: killed, or told that it is not known */
} HistoryOutcome;

typedef struct HistoryAppend {
        uint32_t key, element;
} HistoryAppend;

typedef struct HistoryRead {
        uint32_t key;
        const uint32_t *elements; /* in the order of the list */
        size_t count;
} HistoryRead;

typedef struct HistoryTransaction {
        HistoryOutcome outcome;
        int64_t began, ended; /* by one clock for all, which counts up with each event */
        const HistoryAppend *appends;
        size_t append_count;
        const HistoryRead *reads;
        size_t read_count;
} HistoryTransaction;

typedef enum HistoryFault {
        HISTORY_SOUND,
        HISTORY_DUPLICATE,    /* an element stands twice in a list */
        HISTORY_PHANTOM,      /* an element that nobody appended there */
        HISTORY_ABORTED_READ, /* G1a: an element of a transaction that was refused */
        HISTORY_PARTIAL_READ, /* G1b: some but not all that one transaction appended */
        HISTORY_ORDER,        /* two reads of a list of which neither is a beginning of the other */
        HISTORY_LOST,         /* answered, and not in a read that began later */
        HISTORY_BACKWARDS,    /* a read sees less than one that ended before it began */
        HISTORY_G0,
        HISTORY_G1C,
        HISTORY_G_SINGLE,
        HISTORY_G2,
} HistoryFault;

const char *history_fault_name(HistoryFault fault);
/* The worst fault found, with what it was in words; HISTORY_SOUND and an empty text if there is none. */
HistoryFault history_check(const HistoryTransaction *transactions, size_t count, Arena *arena, Str *out_words);
