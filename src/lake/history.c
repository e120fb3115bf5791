/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/history.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/vec.h"

#define NOBODY SIZE_MAX

static const char *const fault_names[] = {
        [HISTORY_SOUND] = "sound",      [HISTORY_DUPLICATE] = "duplicate", [HISTORY_PHANTOM] = "phantom",
        [HISTORY_ABORTED_READ] = "G1a", [HISTORY_PARTIAL_READ] = "G1b",    [HISTORY_ORDER] = "order",
        [HISTORY_LOST] = "lost",        [HISTORY_BACKWARDS] = "backwards", [HISTORY_G0] = "G0",
        [HISTORY_G1C] = "G1c",          [HISTORY_G_SINGLE] = "G-single",   [HISTORY_G2] = "G2",
};

typedef enum EdgeKind { EDGE_WW = 1, EDGE_WR = 2, EDGE_RW = 4 } EdgeKind;

typedef struct Edge {
        size_t to;
        EdgeKind kind;
} Edge;

typedef VEC(Edge) EdgeVec;

/* One list: its longest read, and for each element there who appended it. */
typedef struct List {
        const HistoryRead *longest;
        size_t *writers;
} List;

typedef struct Checker {
        Arena *arena;
        const HistoryTransaction *transactions;
        size_t count;
        Map writers; /* (key, element): size_t, the transaction */
        List lists[HISTORY_KEYS_MAX];
        EdgeVec *edges; /* by transaction */
        HistoryFault fault;
        Str words;
} Checker;

const char *history_fault_name(HistoryFault fault) {
        return fault_names[fault];
}

PRINTF_LIKE(3, 4) static void found(Checker *c, HistoryFault fault, const char *format, ...) {
        if (c->fault != HISTORY_SOUND)
                return;
        va_list args;
        va_start(args, format);
        char words[256];
        vsnprintf(words, sizeof(words), format, args);
        va_end(args);
        c->fault = fault;
        c->words = arena_strf(c->arena, "%s: %s", fault_names[fault], words);
}

static Str element_key(const HistoryAppend *append) {
        return (Str){ (const char *)append, sizeof(*append) };
}

static size_t writer_of(const Checker *c, uint32_t key, uint32_t element) {
        HistoryAppend append = { key, element };
        const size_t *writer = map_get(&c->writers, element_key(&append));
        return writer ? *writer : NOBODY;
}

static void note_writers(Checker *c) {
        map_init(&c->writers, c->arena);
        for (size_t i = 0; i < c->count; i++) {
                for (size_t k = 0; k < c->transactions[i].append_count; k++) {
                        size_t *writer = ARENA_NEW(c->arena, size_t);
                        *writer = i;
                        map_put(&c->writers, element_key(&c->transactions[i].appends[k]), writer);
                }
        }
}

/* ---- each read by itself ---- */

static void check_elements(Checker *c, const HistoryRead *read) {
        Map seen;
        map_init(&seen, c->arena);
        for (size_t i = 0; i < read->count; i++) {
                Str element = { (const char *)&read->elements[i], sizeof(read->elements[i]) };
                size_t writer = writer_of(c, read->key, read->elements[i]);
                if (map_has(&seen, element))
                        found(c, HISTORY_DUPLICATE, "list %u has %u twice", read->key, read->elements[i]);
                map_put(&seen, element, c);
                if (writer == NOBODY)
                        found(c, HISTORY_PHANTOM, "list %u has %u, which nobody appended", read->key,
                              read->elements[i]);
                else if (c->transactions[writer].outcome == HISTORY_REFUSED)
                        found(c, HISTORY_ABORTED_READ, "list %u has %u, which was refused", read->key,
                              read->elements[i]);
        }
}

static void take_longest(Checker *c) {
        for (size_t i = 0; i < c->count; i++) {
                for (size_t k = 0; k < c->transactions[i].read_count; k++) {
                        const HistoryRead *read = &c->transactions[i].reads[k];
                        List *list = &c->lists[read->key];
                        if (!list->longest || read->count > list->longest->count)
                                list->longest = read;
                }
        }
        for (size_t key = 0; key < HISTORY_KEYS_MAX; key++) {
                List *list = &c->lists[key];
                if (!list->longest)
                        continue;
                check_elements(c, list->longest);
                list->writers = ARENA_ARRAY(c->arena, size_t, list->longest->count);
                for (size_t i = 0; i < list->longest->count; i++)
                        list->writers[i] = writer_of(c, (uint32_t)key, list->longest->elements[i]);
        }
}

static void check_beginnings(Checker *c) {
        for (size_t i = 0; i < c->count; i++) {
                for (size_t k = 0; k < c->transactions[i].read_count; k++) {
                        const HistoryRead *read = &c->transactions[i].reads[k];
                        const HistoryRead *longest = c->lists[read->key].longest;
                        if (read->count &&
                            memcmp(read->elements, longest->elements, read->count * sizeof(uint32_t)) != 0)
                                found(c, HISTORY_ORDER, "two reads of list %u do not follow from each other",
                                      read->key);
                }
        }
}

/* What one transaction did to several lists, or twice to one, is seen whole or not at all. */
static void check_whole(Checker *c, const HistoryTransaction *reader, const HistoryTransaction *writer) {
        size_t seen = 0, looked = 0;
        for (size_t i = 0; i < writer->append_count; i++) {
                for (size_t k = 0; k < reader->read_count; k++) {
                        const HistoryRead *read = &reader->reads[k];
                        if (read->key != writer->appends[i].key)
                                continue;
                        looked++;
                        for (size_t at = 0; at < read->count; at++)
                                seen += read->elements[at] == writer->appends[i].element;
                }
        }
        if (seen != 0 && seen != looked)
                found(c, HISTORY_PARTIAL_READ,
                      "a read has %zu of %zu that one transaction appended to what it read, the first %u", seen, looked,
                      writer->appends[0].element);
}

/* Only the last element of each list can belong to a transaction that is half seen; so these writers are looked at, and
 * those of the elements that come next. */
static void check_partial(Checker *c) {
        for (size_t i = 0; i < c->count; i++) {
                const HistoryTransaction *reader = &c->transactions[i];
                for (size_t k = 0; k < reader->read_count; k++) {
                        const List *list = &c->lists[reader->reads[k].key];
                        size_t count = reader->reads[k].count;
                        if (count)
                                check_whole(c, reader, &c->transactions[list->writers[count - 1]]);
                        if (count < list->longest->count)
                                check_whole(c, reader, &c->transactions[list->writers[count]]);
                }
        }
}

/* ---- real time ---- */

static int by_end(const void *a, const void *b) {
        int64_t x = (*(const HistoryTransaction *const *)a)->ended, y = (*(const HistoryTransaction *const *)b)->ended;
        return (x > y) - (x < y);
}

static int by_beginning(const void *a, const void *b) {
        int64_t x = (*(const HistoryTransaction *const *)a)->began, y = (*(const HistoryTransaction *const *)b)->began;
        return (x > y) - (x < y);
}

static const HistoryTransaction **sorted(Checker *c, int (*order)(const void *, const void *), size_t *out_count) {
        const HistoryTransaction **list = ARENA_ARRAY(c->arena, const HistoryTransaction *, c->count);
        *out_count = 0;
        for (size_t i = 0; i < c->count; i++)
                if (c->transactions[i].outcome == HISTORY_OK)
                        list[(*out_count)++] = &c->transactions[i];
        qsort(list, *out_count, sizeof(*list), order);
        return list;
}

/* How much of a list must be seen by whoever begins after this transaction ended. */
static void raise_floor(Checker *c, const HistoryTransaction *done, size_t *appended, size_t *read) {
        for (size_t k = 0; k < done->read_count; k++)
                if (done->reads[k].count > read[done->reads[k].key])
                        read[done->reads[k].key] = done->reads[k].count;
        for (size_t k = 0; k < done->append_count; k++) {
                const HistoryAppend *append = &done->appends[k];
                const HistoryRead *longest = c->lists[append->key].longest;
                size_t at = 0;
                while (longest && at < longest->count && longest->elements[at] != append->element)
                        at++;
                if (at + 1 > appended[append->key])
                        appended[append->key] = at + 1;
        }
}

static void check_time(Checker *c) {
        size_t count = 0, done = 0, appended[HISTORY_KEYS_MAX] = { 0 }, read[HISTORY_KEYS_MAX] = { 0 };
        const HistoryTransaction **ends = sorted(c, by_end, &count), **begins = sorted(c, by_beginning, &count);
        for (size_t i = 0; i < count; i++) {
                for (; done < count && ends[done]->ended < begins[i]->began; done++)
                        raise_floor(c, ends[done], appended, read);
                for (size_t k = 0; k < begins[i]->read_count; k++) {
                        const HistoryRead *now = &begins[i]->reads[k];
                        if (now->count < read[now->key])
                                found(c, HISTORY_BACKWARDS,
                                      "list %u had %zu elements, and %zu in a read that began later", now->key,
                                      read[now->key], now->count);
                        if (now->count < appended[now->key])
                                found(c, HISTORY_LOST, "list %u has %zu elements where %zu were answered or more",
                                      now->key, now->count, appended[now->key]);
                }
        }
}

/* ---- dependencies ---- */

static void depend(Checker *c, size_t from, size_t to, EdgeKind kind) {
        if (from != to && from != NOBODY && to != NOBODY)
                vec_push(c->arena, &c->edges[from], (Edge){ to, kind });
}

static void add_edges(Checker *c) {
        c->edges = ARENA_ARRAY(c->arena, EdgeVec, c->count);
        for (size_t key = 0; key < HISTORY_KEYS_MAX; key++)
                for (size_t i = 1; c->lists[key].longest && i < c->lists[key].longest->count; i++)
                        depend(c, c->lists[key].writers[i - 1], c->lists[key].writers[i], EDGE_WW);
        for (size_t i = 0; i < c->count; i++) {
                for (size_t k = 0; k < c->transactions[i].read_count; k++) {
                        const HistoryRead *read = &c->transactions[i].reads[k];
                        const List *list = &c->lists[read->key];
                        if (read->count)
                                depend(c, list->writers[read->count - 1], i, EDGE_WR);
                        if (read->count < list->longest->count)
                                depend(c, i, list->writers[read->count], EDGE_RW);
                }
        }
}

/*
 * Whether a walk over edges of the allowed kinds leads from one transaction back to itself, using at most `rw` edges of
 * kind RW. States are (transaction, rw edges used); breadth first.
 */
typedef struct Walk {
        unsigned kinds;
        size_t rw_max;
} Walk;

static bool returns(Checker *c, size_t start, Walk walk, size_t *stamp, size_t *queue) {
        size_t layers = walk.rw_max + 1, head = 0, tail = 0;
        queue[tail++] = start * layers;
        while (head < tail) {
                size_t at = queue[head] / layers, used = queue[head] % layers;
                head++;
                for (size_t i = 0; i < c->edges[at].count; i++) {
                        const Edge *edge = &c->edges[at].items[i];
                        size_t now = used + (edge->kind == EDGE_RW);
                        if (!(edge->kind & walk.kinds) || now > walk.rw_max)
                                continue;
                        if (edge->to == start)
                                return true;
                        size_t state = edge->to * layers + now;
                        if (stamp[state] == start + 1)
                                continue;
                        stamp[state] = start + 1;
                        queue[tail++] = state;
                }
        }
        return false;
}

/* Takes away, again and again, what nothing leads to or what leads nowhere: only what lies on or between cycles is left. */
static bool *on_cycles(Checker *c) {
        bool *alive = ARENA_ARRAY(c->arena, bool, c->count);
        size_t *in = ARENA_ARRAY(c->arena, size_t, c->count), *queue = ARENA_ARRAY(c->arena, size_t, c->count);
        size_t head = 0, tail = 0;
        for (size_t i = 0; i < c->count; i++)
                for (size_t k = 0; k < c->edges[i].count; k++)
                        in[c->edges[i].items[k].to]++;
        for (size_t i = 0; i < c->count; i++) {
                alive[i] = in[i] != 0;
                if (!alive[i])
                        queue[tail++] = i;
        }
        while (head < tail) {
                size_t at = queue[head++];
                for (size_t k = 0; k < c->edges[at].count; k++) {
                        size_t to = c->edges[at].items[k].to;
                        if (--in[to] == 0) {
                                alive[to] = false;
                                queue[tail++] = to;
                        }
                }
        }
        return alive;
}

static void check_cycles(Checker *c) {
        static const struct {
                HistoryFault fault;
                Walk walk;
        } kinds[] = {
                { HISTORY_G0, { EDGE_WW, 0 } },
                { HISTORY_G1C, { EDGE_WW | EDGE_WR, 0 } },
                { HISTORY_G_SINGLE, { EDGE_WW | EDGE_WR | EDGE_RW, 1 } },
                { HISTORY_G2, { EDGE_WW | EDGE_WR | EDGE_RW, 7 } },
        };
        bool *alive = on_cycles(c);
        for (size_t kind = 0; kind < COUNT_OF(kinds); kind++) {
                size_t states = c->count * (kinds[kind].walk.rw_max + 1) + 1;
                size_t *stamp = ARENA_ARRAY(c->arena, size_t, states), *queue = ARENA_ARRAY(c->arena, size_t, states);
                for (size_t i = 0; i < c->count && c->fault == HISTORY_SOUND; i++)
                        if (alive[i] && returns(c, i, kinds[kind].walk, stamp, queue))
                                found(c, kinds[kind].fault, "a cycle of dependencies through transaction %zu", i);
        }
}

HistoryFault history_check(const HistoryTransaction *transactions, size_t count, Arena *arena, Str *out_words) {
        Checker c = { .arena = arena, .transactions = transactions, .count = count, .words = STR("") };
        note_writers(&c);
        take_longest(&c);
        if (c.fault == HISTORY_SOUND)
                check_beginnings(&c);
        void (*const further[])(Checker *) = { check_time, check_partial, add_edges, check_cycles };
        for (size_t i = 0; i < COUNT_OF(further) && c.fault == HISTORY_SOUND; i++)
                further[i](&c);
        *out_words = c.words;
        return c.fault;
}
