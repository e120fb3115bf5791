/* SPDX-License-Identifier: Apache-2.0 */
#include "base/expression.h"

#include <stdio.h>

#include "base/arena.h"

#define DEPTH_MAX 100     /* of parentheses */
#define COPIES_MAX 2000   /* characters and groups that repetition adds */
#define BRANCHES_MAX 4000 /* of `?`, `*`, `{0,` and `|`, each as often as it is copied */

/* A part of it: how many characters, groups and operators it is when all that is repeated is written out. */
typedef struct Extent {
        uint64_t size, branches;
} Extent;

/* What is within one parenthesis so far, and its last atom, which an operator behind it repeats. */
typedef struct Level {
        Extent sum, last;
} Level;

typedef struct Measure {
        Str text;
        size_t at, depth;
        bool refers; /* back to a group */
        Level levels[DEPTH_MAX + 1];
} Measure;

static Extent total_of(const Level *level) {
        return (Extent){ level->sum.size + level->last.size, level->sum.branches + level->last.branches };
}

static void put_atom(Measure *m, Extent atom) {
        Level *level = &m->levels[m->depth];
        level->sum = total_of(level);
        level->last = atom;
}

static void repeat(Measure *m, uint64_t times) {
        Extent *last = &m->levels[m->depth].last;
        last->size = last->size * (times ? times : 1) + 1;
        last->branches = last->branches * (times ? times : 1) + 1;
}

/* Behind "[": to the "]" that ends it, which may stand first, and in a class such as [:alpha:]. */
static void skip_bracket(Measure *m) {
        Str text = m->text;
        m->at += m->at < text.size && text.data[m->at] == '^';
        for (size_t first = m->at; m->at < text.size && (text.data[m->at] != ']' || m->at == first); m->at++) {
                char mark = m->at + 1 < text.size ? text.data[m->at + 1] : 0;
                if (text.data[m->at] != '[' || !char_is_one_of(mark, ":.="))
                        continue;
                const char end[] = { mark, ']' };
                size_t length = str_find(str_slice(text, m->at + 2, text.size), (Str){ end, 2 });
                m->at = m->at + 2 + length < text.size ? m->at + 2 + length + 1 : m->at;
        }
        m->at += m->at < text.size;
}

static bool read_bound(Measure *m, uint64_t *out) {
        size_t from = m->at;
        for (*out = 0; m->at < m->text.size && m->text.data[m->at] >= '0' && m->text.data[m->at] <= '9'; m->at++)
                *out = *out < RE_DUP_MAX ? *out * 10 + (uint64_t)(m->text.data[m->at] - '0') : *out;
        return m->at > from;
}

/* Behind "{": 3}  3,}  3,5}  ,5}. What is none of them stands for itself. */
static void read_interval(Measure *m) {
        size_t from = m->at;
        uint64_t least, most;
        bool has_least = read_bound(m, &least), open = m->at < m->text.size && m->text.data[m->at] == ',', has_most = false;
        most = least;
        if (open) {
                m->at++;
                has_most = read_bound(m, &most);
        }
        if ((!has_least && !has_most) || m->at >= m->text.size || m->text.data[m->at] != '}') {
                m->at = from;
                put_atom(m, (Extent){ 1, 0 });
                return;
        }
        m->at++;
        repeat(m, open && !has_most ? least + 1 : least > most ? least : most);
        /* each one that may be absent is a choice of its own */
        m->levels[m->depth].last.branches += open && has_most && most > least ? most - least : 0;
}

static void close_group(Measure *m) {
        if (m->depth == 0) {
                put_atom(m, (Extent){ 1, 0 });
                return;
        }
        Extent inner = total_of(&m->levels[m->depth--]);
        put_atom(m, (Extent){ inner.size + 1, inner.branches });
}

static void take_one(Measure *m) {
        char c = m->text.data[m->at++];
        switch (c) {
        case '\\':
                m->refers |= m->at < m->text.size && m->text.data[m->at] >= '1' && m->text.data[m->at] <= '9';
                m->at += m->at < m->text.size;
                put_atom(m, (Extent){ 1, 0 });
                break;
        case '[':
                skip_bracket(m);
                put_atom(m, (Extent){ 1, 0 });
                break;
        case '(':
                m->levels[++m->depth] = (Level){ { 0, 0 }, { 0, 0 } };
                break;
        case ')':
                close_group(m);
                break;
        case '{':
                read_interval(m);
                break;
        case '+':
                repeat(m, 2);
                break;
        case '*':
        case '?':
                repeat(m, 1);
                break;
        case '|':
                put_atom(m, (Extent){ 1, 1 });
                break;
        default:
                put_atom(m, (Extent){ 1, 0 });
        }
}

/* NULL if it is not too much. */
static const char *too_much(Str text) {
        Measure m = { .text = text };
        while (m.at < text.size) {
                if (text.data[m.at] == '(' && m.depth == DEPTH_MAX)
                        return "more than 100 parentheses in one another";
                take_one(&m);
                if (m.refers)
                        return "it refers back to a group, which extended expressions cannot";
                Extent total = total_of(&m.levels[m.depth]);
                if (total.size > 2 * text.size + COPIES_MAX)
                        return "it repeats too much: 2,000 characters and groups more than are written";
                if (total.branches > BRANCHES_MAX)
                        return "more than 4,000 choices";
        }
        return NULL;
}

bool expression_compile(Str text, int flags, regex_t *out, char out_why[EXPRESSION_WHY]) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        const char *why = text.size && memchr(text.data, 0, text.size) ? "a NUL is in it" : too_much(text);
        if (why) {
                snprintf(out_why, EXPRESSION_WHY, "%s", why);
                return false;
        }
        int code = regcomp(out, arena_cstr(&arena, text), REG_EXTENDED | flags);
        if (code != 0)
                regerror(code, out, out_why, EXPRESSION_WHY);
        return code == 0;
}
