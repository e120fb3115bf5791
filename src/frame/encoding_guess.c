/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/encoding_guess.h"

#include <math.h>

#include "base/buf.h"
#include "frame/languages.h"

#define JUDGED_BYTES (1u << 20)
#define WRONG_SHARE 500   /* of so many letters one may be wrong, for text may be damaged */
#define SENSE_LEAST 0.6   /* a share of letters in their places that makes sense */
#define NEARLY 0.1        /* scores that differ by less tell nothing apart */
#define EXAMPLE_LETTERS 24
#define SENSE_EACH 0.003  /* how likely a letter is on the average at least, in a text that is in some language */
#define SURE 3.0          /* so much likelier (e to that power) is sure */

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
        { "shift_jis", 0x88, 0x98, 0x40, true },
        { "euc-jp", 0xb0, 0xcf, 0xa1, true },
        { "euc-kr", 0xb0, 0xc8, 0xa1, false },
        { "gbk", 0xb0, 0xd7, 0xa1, false },
        { "big5", 0xa4, 0xc6, 0x40, false },
};

static bool is_kana(uint32_t point) {
        return point >= 0x3041 && point <= 0x30fe;
}

#define KANJI_FROM 0x4e00u
#define KANJI_TO 0xa000u
#define KANJI_EXPECTED 0.4 /* a share of these in Japanese; of characters that are none by chance one in twenty */

/* Characters of Japanese headers, names, places, dates and amounts: read as any other language the same bytes make no such run of them. */
static const char japanese[] =
        "\u65e5\u6708\u706b\u6c34\u6728\u91d1\u571f\u5e74\u6642\u5206\u79d2\u66dc\u4eca\u524d\u5f8c\u6bce\u9031\u672c\u4eba\u540d"
        "\u6c0f\u69d8\u59d3\u6027\u7537\u5973\u751f\u9f62\u6b73\u4f4f\u6240\u5730\u756a\u53f7\u90f5\u4fbf\u96fb\u8a71\u4f1a\u793e"
        "\u54e1\u682a\u5f0f\u6709\u9650\u90e8\u8ab2\u4fc2\u9577\u8077\u696d\u5e97\u8217\u652f\u55b6\u5de5\u5834\u5009\u5eab\u5546"
        "\u54c1\u88fd\u76ee\u7a2e\u985e\u578b\u8272\u6570\u91cf\u500b\u5358\u4fa1\u683c\u984d\u5186\u5408\u8a08\u7a0e\u8fbc\u629c"
        "\u6d88\u8cbb\u58f2\u4e0a\u8cb7\u5165\u51fa\u8377\u7d0d\u8acb\u6c42\u6255\u6b8b\u9ad8\u53d6\u5f15\u5148\u53e3\u5ea7\u9280"
        "\u884c\u632f\u624b\u6599\u7387\u5272\u660e\u7d30\u5099\u8003\u6458\u8981\u72b6\u614b\u533a\u767b\u9332\u66f4\u65b0\u4f5c"
        "\u6210\u958b\u59cb\u7d42\u4e86\u671f\u9593\u4e88\u5b9a\u767a\u6ce8\u53d7\u6587\u9001\u914d\u9054\u5728\u9867\u5ba2\u62c5"
        "\u5f53\u8005\u8cac\u4efb\u7ba1\u7406\u5b66\u6821\u5f92\u6559\u5ba4\u75c5\u9662\u60a3\u6771\u4eac\u90fd\u5927\u962a\u5e9c"
        "\u5317\u6d77\u9053\u770c\u5e02\u753a\u6751\u4e01\u795e\u5948\u5ddd\u611b\u77e5\u57fc\u7389\u5343\u8449\u5175\u798f\u5ca1"
        "\u9759\u8328\u57ce\u5e83\u5cf6\u6f5f\u5bae\u91ce\u7530\u4e2d\u5c71\u5c0f\u6797\u4f50\u85e4\u9234\u6a4b\u4f0a\u6e21\u8fba"
        "\u4e95\u677e\u52a0\u5409\u539f\u6e05\u77f3\u8c37\u5d0e\u68ee\u6c60\u8fd1\u592a\u90ce\u4e00\u4e8c\u4e09\u56db\u4e94\u516d"
        "\u4e03\u516b\u4e5d\u5341\u767e\u4e07\u4ee4\u548c\u5e73\u662d\u66a6\u5b50\u7f8e\u6075\u771f\u7531\u9999\u667a\u5065\u535a"
        "\u6b63\u96c4\u5e78\u592b\u6b21\u6d0b\u4ecb\u6d69\u53f2\u76f4\u6a39\u7fd4\u512a\u82b1\u7d50\u8863\u967d\u83dc\u5185\u5916"
        "\u5357\u897f\u592e\u56fd\u969b\u901a\u4fe1\u60c5\u5831\u51e6\u8a2d\u78ba\u8a8d\u5909\u5b8c\u6e08\u672a\u4e0d\u53ef\u5426"
        "\u7121\u4f7f\u7528\u5229\u5bb9\u4f53\u7a4d\u91cd\u5e45\u6e29\u5ea6\u6c17\u8c61\u5929\u6674\u96e8\u96ea\u98a8\u8a18\u4e8b"
        "\u9805\u5b9f\u7e3e\u753b\u56de\u70b9\u5024\u6bd4\u8f03\u975e\u5bfe";

static bool is_kanji(uint32_t point) {
        return point >= KANJI_FROM && point < KANJI_TO;
}

static void fill_japanese(bool *frequent) {
        Str all = str_of(japanese);
        for (size_t at = 0; at < all.size;) {
                uint32_t point;
                at += utf8_decode(all, at, &point);
                frequent[point - KANJI_FROM] = true;
        }
}

static bool is_eastern_sign(uint32_t point) {
        return (point >= 0x3000 && point <= 0x3011) || (point >= 0xff01 && point <= 0xff5e) || (point >= 0x2010 && point <= 0x2026) || point == 0xb7;
}

static Tally tally_eastern(const Eastern *kind, const Encoding *encoding, Str raw) {
        Tally tally = { 0 };
        size_t kana = 0, kanji = 0, expected = 0;
        bool frequent[KANJI_TO - KANJI_FROM] = { 0 };
        if (kind->kana) /* else nobody asks */
                fill_japanese(frequent);
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
                kanji += is_kanji(point);
                expected += is_kanji(point) && frequent[point - KANJI_FROM];
                tally.good += common || is_eastern_sign(point) || (kind->kana && is_kana(point));
        }
        if (kind->kana && kana * 20 < tally.letters && (double)expected < (double)kanji * KANJI_EXPECTED + 1)
                tally.good /= 2; /* neither kana nor what names and headers consist of: other languages have the same bytes */
        return tally;
}

/* --- the candidates --- */

/* The more usual ones first: where two read a text as the same, the first is taken. log_prior: how much rarer it is. */
static const struct {
        const char *name;
        double log_prior;
} western[] = {
        { "cp1252", 0 },      { "cp1251", -3 },       { "cp1250", -3 },     { "cp1254", -3 },   { "cp1253", -3 }, { "iso-8859-2", -4 },
        { "iso-8859-9", -4 }, { "iso-8859-7", -4 },   { "cp850", -4 },      { "macroman", -5 }, { "koi8-r", -4 },
};

typedef struct Candidate {
        const Encoding *encoding;
        double score;   /* by the places of letters, from 0 to 1 */
        double log_sum; /* by languages, of one byte a letter alone: how likely it is all what it then is */
        size_t letters;
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

/* The language in which it is likeliest. */
static double languages_of(const Encoding *encoding, Str raw) {
        double sums[LANGUAGE_COUNT] = { 0 };
        LetterPlace place = { ' ', ' ', ' ' };
        for (size_t at = 0; at <= raw.size; at++) {
                place.after = ' ';
                if (at < raw.size)
                        encoding_letter(encoding, raw, at, &place.after);
                if (place.point >= 0x80)
                        languages_weigh(&place, sums);
                place.before = place.point;
                place.point = place.after;
        }
        double best = -INFINITY;
        for (size_t i = 0; i < LANGUAGE_COUNT; i++)
                best = sums[i] > best ? sums[i] : best;
        return best;
}

static void judge(Str raw, Candidate out[CANDIDATES]) {
        size_t count = 0;
        for (size_t i = 0; i < COUNT_OF(western); i++) {
                const Encoding *encoding = encoding_find(str_of(western[i].name));
                Tally tally = tally_western(encoding, raw);
                double sum = tally.wrong > tally.letters / WRONG_SHARE ? -INFINITY : western[i].log_prior + languages_of(encoding, raw);
                out[count++] = (Candidate){ encoding, score_of(tally), sum, tally.letters };
        }
        for (size_t i = 0; i < COUNT_OF(eastern); i++) {
                const Encoding *encoding = encoding_find(str_of(eastern[i].name));
                out[count++] = (Candidate){ .encoding = encoding, .score = score_of(tally_eastern(&eastern[i], encoding, raw)) };
        }
}

/* --- a piece of the text, for eyes --- */

static bool is_edge(char byte) {
        return memchr("\n\r\t,;|\"", byte, 8) != NULL;
}

static bool tells_apart(const Encoding *a, const Encoding *b, Str raw, size_t at) {
        uint32_t x, y;
        if (!b)
                return true;
        encoding_letter(a, raw, at, &x);
        encoding_letter(b, raw, at, &y);
        return x != y;
}

/* The field or line around the first byte beyond ASCII that two encodings read as different letters, decoded. */
static Str example(const Encoding *encoding, Str raw, const Encoding *a, const Encoding *b, Arena *arena) {
        size_t first = 0, start, end;
        while (first < raw.size && ((raw.data[first] & 0x80) == 0 || !tells_apart(a, b, raw, first)))
                first++;
        if (first == raw.size)
                return b ? example(encoding, raw, a, NULL, arena) : STR("");
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

/* ---- encodings of one byte a letter, told apart by languages ---- */

static bool read_alike(const Encoding *a, const Encoding *b, Str raw) {
        for (size_t at = 0; at < raw.size; at++) {
                uint32_t x, y;
                if ((raw.data[at] & 0x80) == 0)
                        continue;
                encoding_letter(a, raw, at, &x);
                encoding_letter(b, raw, at, &y);
                if (x != y)
                        return false;
        }
        return true;
}

/* The likeliest that reads the text otherwise than `but`. */
static const Candidate *likeliest(const Candidate *all, const Candidate *but, Str raw) {
        const Candidate *best = NULL;
        for (size_t i = 0; i < COUNT_OF(western); i++)
                if ((!but || !read_alike(all[i].encoding, but->encoding, raw)) && (!best || all[i].log_sum > best->log_sum))
                        best = &all[i];
        return best;
}

/* Of those that read all of it alike the most usual. */
static const Candidate *most_usual(const Candidate *all, const Candidate *best, Str raw) {
        for (size_t i = 0; i < COUNT_OF(western); i++)
                if (read_alike(all[i].encoding, best->encoding, raw) && all[i].log_sum > -INFINITY)
                        return &all[i];
        return best;
}

static void settle_western(const Candidate *all, Str raw, Arena *arena, EncodingGuess *out) {
        const Candidate *best = most_usual(all, likeliest(all, NULL, raw), raw), *second = likeliest(all, best, raw);
        if (best->log_sum < (double)best->letters * log(SENSE_EACH))
                return; /* in no language */
        Str name = encoding_name(best->encoding);
        if (str_is(name, "cp1252") && !has_windows_bytes(raw))
                name = STR("latin1");
        Str as_best = example(best->encoding, raw, best->encoding, second ? second->encoding : NULL, arena);
        bool unsure = second && second->log_sum > best->log_sum - SURE && second->log_sum > (double)second->letters * log(SENSE_EACH);
        if (!unsure) {
                out->encoding = encoding_find(name);
                out->what = arena_strf(arena, "the text is not UTF-8; read as %.*s it has '%.*s'", STR_ARG(name), STR_ARG(as_best));
                out->assumed = arena_strf(arena, "encoding: %.*s", STR_ARG(name));
                return;
        }
        Str as_second = example(second->encoding, raw, best->encoding, second->encoding, arena);
        out->unsure[0] = name;
        out->unsure[1] = as_best;
        out->unsure[2] = encoding_name(second->encoding);
        out->unsure[3] = as_second;
        out->what = arena_strf(arena, "the text is not UTF-8; read as %.*s it has '%.*s', and as %.*s it would have '%.*s': nothing tells which", STR_ARG(name),
                               STR_ARG(as_best), STR_ARG(encoding_name(second->encoding)), STR_ARG(as_second));
        out->assumed = arena_strf(arena, "utf-8, so that such records go to quarantine; write encoding: %.*s or encoding: %.*s", STR_ARG(name),
                                  STR_ARG(encoding_name(second->encoding)));
}

static bool is_western(const Encoding *encoding) {
        for (size_t i = 0; i < COUNT_OF(western); i++)
                if (encoding == encoding_find(str_of(western[i].name)))
                        return true;
        return false;
}

static void settle(const Candidate *all, Str raw, Arena *arena, EncodingGuess *out) {
        Candidate best = best_of(all, NULL), second = best_of(all, best.encoding);
        if (!best.encoding || best.score < SENSE_LEAST || is_western(best.encoding)) {
                settle_western(all, raw, arena, out);
                return;
        }
        Str name = encoding_name(best.encoding);
        out->encoding = best.encoding;
        Str as_best = example(best.encoding, raw, best.encoding, NULL, arena);
        out->what = arena_strf(arena, "the text is not UTF-8; read as %.*s it has '%.*s'", STR_ARG(name), STR_ARG(as_best));
        out->assumed = arena_strf(arena, "encoding: %.*s", STR_ARG(name));
        if (!second.encoding || second.score < SENSE_LEAST || second.score + NEARLY < best.score)
                return;
        Str as_second = example(second.encoding, raw, best.encoding, NULL, arena);
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

/* Line ends of two bytes in one order, hardly any in the other, no zeros but halves of letters and not just a stray one,
 * for there are digits, marks and blanks in every table; and no text of one byte a letter in which zeros stand as well:
 * neither plain letters nor blank lines. */
static const Encoding *utf16_by_zeros(Str raw) {
        size_t little = count_line_ends(raw, false), big = count_line_ends(raw, true), zeros = 0, plain = 0, narrow = 0, halves = 0;
        for (size_t at = 0; at + 1 < raw.size; at += 2) {
                halves += raw.data[at + (little > big)] == 0;
                zeros += raw.data[at] == 0 && raw.data[at + 1] == 0;
                plain += is_plain(raw.data[at]) && is_plain(raw.data[at + 1]);
                narrow += is_line_end(raw.data[at]) && is_line_end(raw.data[at + 1]);
        }
        if (zeros > 0 || little == big || halves < 2 + raw.size / 64 || plain > raw.size / 4 || narrow > (little > big ? little : big))
                return NULL;
        return encoding_find(little > big ? STR("utf-16le") : STR("utf-16be"));
}

/* Letters of several bytes, and bytes that are none. A letter that the end of the sample cuts does not count. */
static void count_utf8(Str raw, bool whole, size_t *out_good, size_t *out_wrong) {
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
        *out_good = good;
        *out_wrong = wrong;
}

/* By chance letters of UTF-8 hardly occur in texts of one byte a letter, and in those of pairs once in six: a text that has
 * many is UTF-8 into which something else was mixed. */
static bool is_mixed_utf8(const Candidate *all, size_t good, size_t wrong) {
        Candidate best = best_of(all, NULL);
        bool pairs = best.encoding && best.score >= SENSE_LEAST && !is_western(best.encoding);
        return good > wrong || (!pairs && good * 4 >= wrong && good > 1);
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

#define EBCDIC_LEAST 16 /* bytes, fewer tell nothing */

static bool is_ebcdic_sign(uint8_t byte) {
        uint8_t low = byte & 0x0f, high = byte >> 4;
        bool small = high >= 0x8 && high <= 0xa && low >= (high == 0xa ? 2 : 1) && low <= 9;
        bool capital = high >= 0xc && high <= 0xe && low >= (high == 0xe ? 2 : 1) && low <= 9;
        return small || capital || (high == 0xf && low <= 9);
}

/* No blank, line end or digit of ASCII among many of its own: text in any other encoding of one byte a letter has those. */
bool encoding_is_ebcdic(Str raw) {
        size_t own = 0, blanks = 0, ascii = 0, judged = raw.size < JUDGED_BYTES ? raw.size : JUDGED_BYTES;
        for (size_t i = 0; i < judged; i++) {
                uint8_t byte = (uint8_t)raw.data[i];
                own += is_ebcdic_sign(byte);
                blanks += byte == 0x40;
                ascii += byte == ' ' || byte == '\n' || byte == '\t' || (byte >= '0' && byte <= '9');
        }
        return judged >= EBCDIC_LEAST && own * 2 > judged && (own + blanks) * 5 > judged * 4 && blanks * 50 > judged && ascii * 50 < judged;
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
        size_t good, wrong;
        count_utf8(raw, whole, &good, &wrong);
        if (wrong == 0 || good / 4 > wrong)
                return;
        Candidate candidates[CANDIDATES];
        Str judged = str_slice(raw, 0, JUDGED_BYTES);
        judge(judged, candidates);
        out->what = STR("the text is not UTF-8, and no other encoding makes sense of it");
        out->assumed = STR("encoding: utf-8; what is not goes to quarantine");
        if (is_mixed_utf8(candidates, good, wrong))
                out->what = arena_strf(arena, "of the letters beyond ASCII %zu are UTF-8 and %zu are not", good, wrong);
        else if (!has_junk(judged))
                settle(candidates, judged, arena, out);
}
