/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/encoding_guess.h"

#include "base/buf.h"

#define JUDGED_BYTES (1u << 20)
#define WRONG_SHARE 500   /* of so many letters one may be wrong, for text may be damaged */
#define SENSE_LEAST 0.6   /* a share of letters in their places that makes sense */
#define NEARLY 0.1        /* scores that differ by less tell nothing apart */
#define EXAMPLE_LETTERS 24

/* --- how well letters stand in their places --- */

typedef struct Tally {
        size_t letters, good, wrong; /* beyond ASCII */
} Tally;

static bool is_ascii_letter(uint32_t point) {
        return (point | 0x20) >= 'a' && (point | 0x20) <= 'z';
}

static bool is_latin(uint32_t point) {
        return point >= 0xc0 && point <= 0x24f && point != 0xd7 && point != 0xf7;
}

static bool is_cyrillic(uint32_t point) {
        return point >= 0x400 && point <= 0x4ff;
}

static bool is_upper_cyrillic(uint32_t point) {
        return point >= 0x400 && point <= 0x42f;
}

static bool is_letter(uint32_t point) {
        return is_ascii_letter(point) || is_latin(point) || is_cyrillic(point);
}

static bool is_apostrophe_or_dash(uint32_t point) {
        return point == 0xb7 || point == 0xad || (point >= 0x2010 && point <= 0x201a);
}

/* A letter stands among letters of its kind, a sign not in the middle of a word. */
static bool stands_well(uint32_t before, uint32_t point, uint32_t after) {
        if (is_latin(point))
                return is_ascii_letter(before) || is_ascii_letter(after) || (!is_letter(before) && !is_letter(after) && before < 0x80 && after < 0x80);
        if (is_cyrillic(point))
                return (is_cyrillic(before) || is_cyrillic(after)) && !(is_upper_cyrillic(point) && is_cyrillic(before) && !is_upper_cyrillic(before));
        if (point < 0xa0)
                return false; /* control characters */
        if (point > 0x24f && !(point >= 0x2010 && point <= 0x2122))
                return false; /* Greek, box drawing and the like */
        return is_apostrophe_or_dash(point) || (!(is_letter(before) && is_letter(after)) && before < 0x80 && after < 0x80);
}

static Tally tally_western(const Encoding *encoding, Str raw) {
        Tally tally = { 0 };
        uint32_t before = ' ', point = ' ';
        for (size_t at = 0; at <= raw.size; at++) {
                uint32_t after = ' ';
                if (at < raw.size)
                        encoding_letter(encoding, raw, at, &after);
                if (point >= 0x80) {
                        tally.letters++;
                        tally.wrong += point == ENCODING_NO_POINT;
                        tally.good += point != ENCODING_NO_POINT && stands_well(before, point, after);
                }
                before = point;
                point = after;
        }
        return tally;
}

/* An encoding of pairs, and in which of them lie the characters that texts mostly have. */
typedef struct Eastern {
        const char *name;
        uint8_t lead_from, lead_to, trail_from;
        bool kana;
} Eastern;

/* The narrower ones first: of those that fit alike the first is taken. */
static const Eastern eastern[] = {
        { "shift_jis", 0x88, 0x97, 0x40, true },
        { "euc-jp", 0xb0, 0xcf, 0xa1, true },
        { "euc-kr", 0xb0, 0xc8, 0xa1, false },
        { "gbk", 0xb0, 0xd7, 0xa1, false },
        { "big5", 0xa4, 0xc6, 0x40, false },
};

static bool is_kana(uint32_t point) {
        return point >= 0x3041 && point <= 0x30fe;
}

static bool is_eastern_sign(uint32_t point) {
        return (point >= 0x3000 && point <= 0x3011) || (point >= 0xff01 && point <= 0xff5e) || (point >= 0x2010 && point <= 0x2026) || point == 0xb7;
}

static Tally tally_eastern(const Eastern *kind, const Encoding *encoding, Str raw) {
        Tally tally = { 0 };
        size_t kana = 0;
        for (size_t at = 0; at < raw.size;) {
                uint32_t point;
                size_t size = encoding_letter(encoding, raw, at, &point);
                const uint8_t *bytes = (const uint8_t *)raw.data + at;
                bool beyond = size > 0 && point >= 0x80;
                at += size ? size : 1;
                if (!beyond)
                        continue;
                tally.letters++;
                if (point == ENCODING_NO_POINT) {
                        tally.wrong++;
                        continue;
                }
                bool common = size == 2 && bytes[0] >= kind->lead_from && bytes[0] <= kind->lead_to && bytes[1] >= kind->trail_from;
                kana += is_kana(point);
                tally.good += common || is_eastern_sign(point) || (kind->kana && is_kana(point));
        }
        if (kind->kana && kana * 20 < tally.letters)
                tally.good /= 2; /* Japanese without kana is rare, and other languages have the same bytes */
        return tally;
}

/* --- the candidates --- */

static const char *const western[] = { "cp1252", "cp1251", "cp1250", "cp850", "macroman", "koi8-r" };

typedef struct Candidate {
        const Encoding *encoding;
        double score;
} Candidate;

#define CANDIDATES (COUNT_OF(western) + COUNT_OF(eastern))

static double score_of(Tally tally) {
        if (tally.wrong > tally.letters / WRONG_SHARE)
                return 0;
        return tally.letters ? (double)tally.good / (double)tally.letters : 0;
}

/* The best; an earlier one stays unless another is clearly better. */
static Candidate best_of(const Candidate *all, const Encoding *but) {
        Candidate best = { NULL, 0 };
        for (size_t i = 0; i < CANDIDATES; i++) {
                if (all[i].encoding != but && all[i].score > best.score + (best.encoding ? NEARLY / 2 : 0))
                        best = all[i];
        }
        return best;
}

static void judge(Str raw, Candidate out[CANDIDATES]) {
        size_t count = 0;
        for (size_t i = 0; i < COUNT_OF(western); i++) {
                const Encoding *encoding = encoding_find(str_of(western[i]));
                out[count++] = (Candidate){ encoding, score_of(tally_western(encoding, raw)) };
        }
        for (size_t i = 0; i < COUNT_OF(eastern); i++) {
                const Encoding *encoding = encoding_find(str_of(eastern[i].name));
                out[count++] = (Candidate){ encoding, score_of(tally_eastern(&eastern[i], encoding, raw)) };
        }
}

/* --- a piece of the text, for eyes --- */

static bool is_edge(char byte) {
        return memchr("\n\r\t,;|\"", byte, 8) != NULL;
}

/* The field or line around the first byte beyond ASCII, decoded. */
static Str example(const Encoding *encoding, Str raw, Arena *arena) {
        size_t first = 0, start, end;
        while (first < raw.size && (raw.data[first] & 0x80) == 0)
                first++;
        for (start = first; start > 0 && first - start < EXAMPLE_LETTERS && !is_edge(raw.data[start - 1]); start--)
                ;
        for (end = first; end < raw.size && end - first < EXAMPLE_LETTERS && !is_edge(raw.data[end]); end++)
                ;
        Str piece = str_slice(raw, start, end);
        char *text = arena_alloc_raw(arena, piece.size * ENCODING_GROWTH + 1);
        size_t size;
        encoding_decode(encoding, piece, false, text, &size);
        return str_slice((Str){ text, size }, 0, utf8_prefix((Str){ text, size }, SIZE_MAX));
}

static bool has_windows_bytes(Str raw) {
        for (size_t i = 0; i < raw.size; i++) {
                if ((uint8_t)raw.data[i] >= 0x80 && (uint8_t)raw.data[i] < 0xa0)
                        return true;
        }
        return false;
}

static void settle(const Candidate *all, Str raw, Arena *arena, EncodingGuess *out) {
        Candidate best = best_of(all, NULL), second = best_of(all, best.encoding);
        if (best.score < SENSE_LEAST)
                return;
        Str name = encoding_name(best.encoding);
        if (str_equal(name, STR("cp1252")) && !has_windows_bytes(raw))
                name = STR("latin1");
        out->encoding = encoding_find(name);
        Str as_best = example(best.encoding, raw, arena);
        out->what = arena_strf(arena, "the text is not UTF-8; read as %.*s it has '%.*s'", STR_ARG(name), STR_ARG(as_best));
        out->assumed = arena_strf(arena, "encoding: %.*s", STR_ARG(name));
        if (!second.encoding || second.score < SENSE_LEAST || second.score + NEARLY < best.score)
                return;
        Str as_second = example(second.encoding, raw, arena);
        if (!str_equal(as_best, as_second))
                out->what = arena_strf(arena, "%.*s, and as %.*s it would have '%.*s'", STR_ARG(out->what), STR_ARG(encoding_name(second.encoding)),
                                       STR_ARG(as_second));
}

/* --- what tells itself --- */

static size_t count_line_ends(Str raw, bool big) {
        size_t count = 0;
        for (size_t at = 0; at + 1 < raw.size; at += 2)
                count += raw.data[at + !big] == 0 && (raw.data[at + big] == '\n' || raw.data[at + big] == '\r');
        return count;
}

static bool is_plain(char byte) {
        return byte >= ' ' && byte < 0x7f;
}

static bool is_line_end(char byte) {
        return byte == '\n' || byte == '\r';
}

/* Line ends of two bytes in one order, hardly any in the other, no zeros but halves of letters, and no text of one byte
 * a letter in which zeros stand as well: neither plain letters nor blank lines. */
static const Encoding *utf16_by_zeros(Str raw) {
        size_t little = count_line_ends(raw, false), big = count_line_ends(raw, true), zeros = 0, plain = 0, narrow = 0;
        for (size_t at = 0; at + 1 < raw.size; at += 2) {
                zeros += raw.data[at] == 0 && raw.data[at + 1] == 0;
                plain += is_plain(raw.data[at]) && is_plain(raw.data[at + 1]);
                narrow += is_line_end(raw.data[at]) && is_line_end(raw.data[at + 1]);
        }
        if (zeros > 0 || little == big || plain > raw.size / 4 || narrow > (little > big ? little : big))
                return NULL;
        return encoding_find(little > big ? STR("utf-16le") : STR("utf-16be"));
}

/* Mostly UTF-8, if it is damaged at all. A letter that the end of the sample cuts does not count. */
static bool is_utf8(Str raw, bool whole) {
        size_t good = 0, wrong = 0;
        for (size_t at = 0; at < raw.size;) {
                uint32_t point;
                size_t size = utf8_decode(raw, at, &point);
                if (size > 1)
                        good++;
                else if (raw.data[at] & 0x80)
                        wrong += whole || at + 4 < raw.size;
                at += size;
        }
        return wrong == 0 || good / 4 > wrong;
}

/* What stands in no text of a table: control characters but blanks and ends of lines, and what erased memory holds. */
static bool has_junk(Str raw) {
        size_t controls = 0, erased = 0, beyond = 0;
        for (size_t i = 0; i < raw.size; i++) {
                uint8_t byte = (uint8_t)raw.data[i];
                controls += byte < 0x20 && !memchr("\t\n\v\f\r\x1a", byte, 6);
                erased += byte == 0xff && i > 0 && (uint8_t)raw.data[i - 1] == 0xff;
                beyond += byte >= 0x80;
        }
        return controls > raw.size / WRONG_SHARE || erased > beyond / WRONG_SHARE;
}

void encoding_guess(Str raw, bool whole, Arena *arena, EncodingGuess *out) {
        const Encoding *utf8 = encoding_find(STR("utf-8")), *marked = encoding_of_text(utf8, raw);
        *out = (EncodingGuess){ .encoding = marked };
        if (marked != utf8) {
                out->encoding = encoding_find(STR("utf-16"));
                return;
        }
        if (memchr(raw.data ? raw.data : "", 0, raw.size)) {
                const Encoding *wide = utf16_by_zeros(raw);
                if (!wide)
                        return; /* the framer says where */
                out->encoding = wide;
                out->what = STR("the text is UTF-16 without a byte order mark, by the places of its zero bytes");
                out->assumed = arena_strf(arena, "encoding: %.*s", STR_ARG(encoding_name(wide)));
                return;
        }
        if (is_utf8(raw, whole))
                return;
        Candidate candidates[CANDIDATES];
        Str judged = str_slice(raw, 0, JUDGED_BYTES);
        judge(judged, candidates);
        out->what = STR("the text is not UTF-8, and no other encoding makes sense of it");
        out->assumed = STR("encoding: utf-8; what is not goes to quarantine");
        if (!has_junk(judged))
                settle(candidates, judged, arena, out);
}
