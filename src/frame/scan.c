/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/scan.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* A CR at the end of text that goes on may be half of a CRLF: it ends nothing yet. */
static bool is_line_end(const char *text, size_t at, size_t to) {
        return text[at] == '\n' || (text[at] == '\r' && at + 1 < to && text[at + 1] != '\n');
}

/* Between a closing quote and the LF of its line, or the end of the text. */
static bool is_half_line_end(const char *text, size_t at, size_t to) {
        return text[at] == '\r' && (at + 1 == to || text[at + 1] == '\n');
}

#define LINE_STEP 512 /* near ends are found without a look at what lies far behind them */

size_t scan_line_end(const char *text, size_t from, size_t to) {
        for (size_t at = from; at < to; at += LINE_STEP) {
                size_t size = to - at < LINE_STEP ? to - at : LINE_STEP;
                const char *lf = memchr(text + at, '\n', size);
                size_t end = lf ? (size_t)(lf - text) : at + size;
                const char *cr = memchr(text + at, '\r', end - at);
                for (; cr; cr = memchr(cr + 1, '\r', end - (size_t)(cr + 1 - text))) {
                        if (is_line_end(text, (size_t)(cr - text), to))
                                return (size_t)(cr - text);
                }
                if (lf)
                        return end;
        }
        return to;
}

size_t scan_count_lines(const char *text, size_t from, size_t to) {
        size_t count = 0;
        for (size_t at = from; at < to; at++)
                count += (text[at] == '\n') | ((text[at] == '\r') & (text[at + 1] != '\n'));
        return count;
}

typedef enum Place { AT_START, IN_FIELD, IN_QUOTES, AFTER_QUOTE } Place;

typedef struct Step {
        Place place;
        bool ends, wrong;
} Step;

static Step step_outside(const ScanDialect *dialect, Place place, const char *text, size_t at, size_t to) {
        char byte = text[at];
        if (byte == dialect->delimiter || is_line_end(text, at, to))
                return (Step){ AT_START, true, false };
        if (dialect->quote && byte == dialect->quote)
                return (Step){ IN_QUOTES, false, place != AT_START };
        return (Step){ IN_FIELD, false, place == AFTER_QUOTE };
}

void scan_bytes(const ScanDialect *dialect, const char *text, size_t from, size_t to, uint32_t *ends, Scan *out) {
        *out = (Scan){ .stop = to };
        Place place = AT_START;
        for (size_t at = from; at < to; at++) {
                char byte = text[at];
                out->high |= (signed char)byte < 0;
                out->nul |= byte == 0;
                out->quoted |= dialect->quote && byte == dialect->quote;
                if (place == IN_QUOTES) {
                        if (dialect->escape && byte == dialect->escape && at + 1 < to) {
                                at++;
                                out->high |= (signed char)text[at] < 0;
                                out->nul |= text[at] == 0;
                        } else if (byte == dialect->quote) {
                                place = AFTER_QUOTE;
                        }
                        continue;
                }
                if (dialect->outside && byte == dialect->escape && at + 1 < to && place != AFTER_QUOTE) {
                        at += text[at + 1] == '\r' && at + 2 < to && text[at + 2] == '\n' ? 2 : 1;
                        out->high |= (signed char)text[at] < 0;
                        out->nul |= text[at] == 0;
                        place = IN_FIELD;
                        continue;
                }
                if (place == AFTER_QUOTE && byte == dialect->quote && !dialect->escape) {
                        place = IN_QUOTES;
                        continue;
                }
                if (place == AFTER_QUOTE && is_half_line_end(text, at, to))
                        continue;
                Step step = step_outside(dialect, place, text, at, to);
                if (step.wrong) {
                        out->wrong = true;
                        out->stop = place == AFTER_QUOTE ? at - 1 : at;
                        return;
                }
                place = step.place;
                if (!step.ends)
                        continue;
                ends[out->count++] = (uint32_t)at;
                out->newlines += byte != dialect->delimiter;
        }
        out->open = place == IN_QUOTES;
}

#if defined(__x86_64__)

#define WIDE __attribute__((target("avx2,pclmul,bmi,bmi2,popcnt,lzcnt")))

WIDE static inline uint64_t equal_mask(__m256i low, __m256i high, __m256i byte) {
        uint32_t a = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, byte));
        uint32_t b = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, byte));
        return a | (uint64_t)b << 32;
}

/* Bit i = parity of the bits 0 to i: set from an opening quote up to before the closing one. */
WIDE static inline uint64_t prefix_parity(uint64_t bits) {
        __m128i all = _mm_set1_epi8((char)0xff);
        return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)bits), all, 0));
}

WIDE static inline uint32_t *put_ends(uint32_t *ends, uint64_t bits, size_t base) {
        uint32_t *next = ends + _mm_popcnt_u64(bits);
        do {
                for (int i = 0; i < 8; i++) {
                        ends[i] = (uint32_t)(base + (size_t)__builtin_ctzll(bits | 1ull << 63));
                        bits &= bits - 1;
                }
                ends += 8;
        } while (bits);
        return next;
}

/* What one block of 64 hands to the next. */
typedef struct Carry {
        uint64_t inside; /* all bits: the block begins inside quotes */
        uint64_t start;  /* bit 0: the byte before ended a field or closed a quote */
        uint64_t closed; /* bit 0: the byte before closed a quote */
} Carry;

typedef struct QuoteBlock {
        uint64_t ends, newlines; /* those outside quotes */
        uint64_t opens_wrong;    /* quotes inside unquoted fields */
        uint64_t after_wrong;    /* bytes that may not follow a closing quote */
} QuoteBlock;

WIDE static inline QuoteBlock quote_block(uint64_t ends, uint64_t newlines, uint64_t quotes, uint64_t valid,
                                          Carry *carry) {
        uint64_t inside = prefix_parity(quotes) ^ carry->inside;
        ends &= ~inside;
        uint64_t closes = quotes & ~inside;
        uint64_t before = (ends | closes) << 1 | carry->start;
        uint64_t after = (closes << 1 | carry->closed) & valid;
        *carry = (Carry){ -(inside >> 63), (ends | closes) >> 63, closes >> 63 };
        return (QuoteBlock){ ends, newlines & ~inside, quotes & inside & ~before, after & ~ends & ~quotes };
}

/* Clears the bytes that are the CR of a CRLF, or of one that may go on. */
static uint64_t without_half_ends(uint64_t wrong, const char *text, size_t at, size_t to) {
        uint64_t left = wrong;
        for (uint64_t bits = wrong; bits; bits &= bits - 1) {
                size_t place = at + (size_t)__builtin_ctzll(bits);
                if (is_half_line_end(text, place, to))
                        left &= ~(bits & -bits);
        }
        return left;
}

/* Those that no LF follows. What follows the last byte of the text is not known: it is none. */
static uint64_t lone_crs(uint64_t crs, uint64_t lfs, const char *text, size_t at, size_t to) {
        uint64_t lone = crs & ~(lfs >> 1);
        size_t size = to - at < 64 ? to - at : 64;
        uint64_t last = 1ull << (size - 1);
        if ((lone & last) && (at + size == to || text[at + size] == '\n'))
                lone &= ~last;
        return lone;
}

/* The first wrong quote: the one that opens, or the one before the byte that may not follow. Gives the bits before it. */
static uint64_t stop_at(const QuoteBlock *block, size_t at, Scan *out) {
        size_t opens = block->opens_wrong ? at + (size_t)__builtin_ctzll(block->opens_wrong) : SIZE_MAX;
        size_t after = block->after_wrong ? at + (size_t)__builtin_ctzll(block->after_wrong) - 1 : SIZE_MAX;
        out->stop = opens < after ? opens : after;
        out->wrong = true;
        return out->stop <= at ? 0 : (1ull << (out->stop - at)) - 1;
}

WIDE static uint64_t high_mask(__m256i low, __m256i high) {
        return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

WIDE static void scan_wide(const ScanDialect *dialect, const char *text, size_t from, size_t to, uint32_t *ends,
                           Scan *out) {
        const __m256i delimiter = _mm256_set1_epi8(dialect->delimiter), quote = _mm256_set1_epi8(dialect->quote);
        const __m256i lf = _mm256_set1_epi8('\n'), cr = _mm256_set1_epi8('\r');
        const __m256i zero = _mm256_setzero_si256();
        const uint64_t quotes_count = dialect->quote ? ~0ull : 0;
        *out = (Scan){ .stop = to };
        Carry carry = { .start = 1 };
        uint32_t *put = ends;
        uint64_t high_seen = 0, quote_seen = 0, nul_seen = 0;
        for (size_t at = from; at < to; at += 64) {
                __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)(text + at));
                __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(text + at + 32));
                uint64_t valid = to - at >= 64 ? ~0ull : (1ull << (to - at)) - 1;
                uint64_t lfs = equal_mask(low, high, lf) & valid, crs = equal_mask(low, high, cr) & valid,
                         newlines = lfs;
                if (__builtin_expect(crs != 0, 0))
                        newlines |= lone_crs(crs, lfs, text, at, to);
                uint64_t found = (equal_mask(low, high, delimiter) & valid) | newlines;
                uint64_t quotes = equal_mask(low, high, quote) & valid & quotes_count;
                high_seen |= high_mask(low, high) & valid;
                nul_seen |= equal_mask(low, high, zero) & valid;
                if (!__builtin_expect((quotes | carry.inside | carry.closed) != 0, 0)) {
                        carry = (Carry){ 0, found >> 63, 0 };
                } else {
                        QuoteBlock block = quote_block(found, newlines, quotes, valid, &carry);
                        block.after_wrong &= ~(crs & lfs >> 1);
                        if (__builtin_expect(block.after_wrong != 0, 0))
                                block.after_wrong = without_half_ends(block.after_wrong, text, at, to);
                        quote_seen |= quotes;
                        found = block.ends;
                        newlines = block.newlines;
                        if (__builtin_expect((block.opens_wrong | block.after_wrong) != 0, 0)) {
                                uint64_t keep = stop_at(&block, at, out);
                                found &= keep;
                                newlines &= keep;
                        }
                }
                put = put_ends(put, found, at);
                out->newlines += (size_t)_mm_popcnt_u64(newlines);
                if (__builtin_expect(out->wrong, 0))
                        break;
        }
        out->count = (size_t)(put - ends);
        out->open = !out->wrong && carry.inside;
        out->high = high_seen != 0;
        out->nul = nul_seen != 0;
        out->quoted = quote_seen != 0;
}
#endif

ScanFunction scan_choose(const ScanDialect *dialect) {
#if defined(__x86_64__)
        if (!dialect->escape && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") &&
            __builtin_cpu_supports("bmi2"))
                return scan_wide;
#endif
        (void)dialect;
        return scan_bytes;
}
