/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/encoding.h"

#include "base/error.h"

#define PAIR_LEAD 0x81
#define PAIR_TRAIL 0x40
#define PAIR_TRAILS 191
#define TRIPLE_LEAD 0x8f
#define TRIPLE_FIRST 0xa1
#define TRIPLE_TRAILS 94

/* Four bytes of GB 18030 are one number; from each start on, numbers and code points rise together. */
typedef struct EncodingRun {
        uint16_t number, point;
} EncodingRun;
#define RUN_NUMBERS 39420           /* of code points below U+10000 */
#define SUPPLEMENTARY_NUMBER 189000 /* of U+10000 */

#include "frame/encoding.inc"

typedef enum Kind { KIND_UTF8, KIND_UTF16, KIND_UTF16LE, KIND_UTF16BE, KIND_TABLES } Kind;

struct Encoding {
        const char *name;
        const char *others; /* other names, folded, blanks between */
        Kind kind;
        const uint16_t *singles; /* bytes from 0x80 on; 0 = none */
        const uint16_t *pairs, *triples;
        bool runs;
};

/*
 * latin1 is what browsers take it for: files that are called so hold Windows-1252's dashes and quotes, and no file the
 * control characters that ISO gives those bytes. In the same way gbk and gb2312 are GB 18030, shift_jis is Windows-31J,
 * euc-kr is cp949, big5 is cp950: each is the larger one, equal where both have a letter.
 */
static const Encoding encodings[] = {
        { "utf-8", "utf8 unicode utf8bom utf8sig", KIND_UTF8, NULL, NULL, NULL, false },
        { "utf-16", "utf16 ucs2", KIND_UTF16, NULL, NULL, NULL, false },
        { "utf-16le", "utf16le ucs2le", KIND_UTF16LE, NULL, NULL, NULL, false },
        { "utf-16be", "utf16be ucs2be", KIND_UTF16BE, NULL, NULL, NULL, false },
        { "cp1252", "cp1252 windows1252 win1252 1252 ansi", KIND_TABLES, cp1252_singles, NULL, NULL, false },
        { "latin1", "latin1 l1 iso88591 88591 ascii usascii", KIND_TABLES, cp1252_singles, NULL, NULL, false },
        { "shift_jis", "shiftjis sjis cp932 ms932 mskanji windows31j 932", KIND_TABLES, cp932_singles, cp932_pairs, NULL, false },
        { "gbk", "gbk gb2312 gb18030 cp936 936 euccn", KIND_TABLES, gb18030_singles, gb18030_pairs, NULL, true },
        { "euc-kr", "euckr cp949 949 uhc ksc5601 ksc56011987 windows949", KIND_TABLES, cp949_singles, cp949_pairs, NULL, false },
        { "big5", "big5 cp950 950 bigfive", KIND_TABLES, cp950_singles, cp950_pairs, NULL, false },
        { "euc-jp", "eucjp ujis", KIND_TABLES, euc_jp_singles, euc_jp_pairs, euc_jp_triples, false },
        { "cp1250", "cp1250 windows1250 win1250 1250", KIND_TABLES, cp1250_singles, NULL, NULL, false },
        { "cp1251", "cp1251 windows1251 win1251 1251", KIND_TABLES, cp1251_singles, NULL, NULL, false },
        { "cp1253", "cp1253 windows1253 win1253 1253", KIND_TABLES, cp1253_singles, NULL, NULL, false },
        { "cp1254", "cp1254 windows1254 win1254 1254", KIND_TABLES, cp1254_singles, NULL, NULL, false },
        { "iso-8859-7", "iso88597 greek", KIND_TABLES, iso8859_7_singles, NULL, NULL, false },
        { "iso-8859-9", "iso88599 latin5 l5", KIND_TABLES, iso8859_9_singles, NULL, NULL, false },
        { "iso-8859-2", "iso88592 latin2 l2", KIND_TABLES, iso8859_2_singles, NULL, NULL, false },
        { "iso-8859-15", "iso885915 latin9 l9", KIND_TABLES, iso8859_15_singles, NULL, NULL, false },
        { "koi8-r", "koi8r koi8", KIND_TABLES, koi8_r_singles, NULL, NULL, false },
        { "cp437", "cp437 437 ibm437 dos", KIND_TABLES, cp437_singles, NULL, NULL, false },
        { "cp850", "cp850 850 ibm850", KIND_TABLES, cp850_singles, NULL, NULL, false },
        { "macroman", "macroman mac macintosh", KIND_TABLES, mac_roman_singles, NULL, NULL, false },
};

/* --- names --- */

#define NAME_MAX_SIZE 32

/* Lower case, letters and digits alone. Empty for what is too long to be a name. */
static Str fold(Str name, char into[NAME_MAX_SIZE]) {
        size_t size = 0;
        for (size_t i = 0; i < name.size; i++) {
                char c = name.data[i];
                if (c >= 'A' && c <= 'Z')
                        c = (char)(c | 0x20);
                bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
                if (!kept && !char_is_one_of(c, "-_ .:"))
                        return STR_NONE;
                if (!kept)
                        continue;
                if (size == NAME_MAX_SIZE)
                        return STR_NONE;
                into[size++] = c;
        }
        return (Str){ into, size };
}

const Encoding *encoding_find(Str name) {
        char folded[NAME_MAX_SIZE];
        Str wanted = fold(name, folded), word, rest;
        if (name.size == 0)
                return &encodings[0];
        for (size_t i = 0; i < COUNT_OF(encodings) && wanted.size > 0; i++) {
                for (Str others = str_of(encodings[i].others); others.size > 0; others = rest) {
                        str_cut(others, ' ', &word, &rest);
                        if (str_equal(word, wanted))
                                return &encodings[i];
                }
        }
        return NULL;
}

Str encoding_nearest(Str name) {
        Str names[COUNT_OF(encodings)];
        for (size_t i = 0; i < COUNT_OF(encodings); i++)
                names[i] = str_of(encodings[i].name);
        return str_nearest(name, names, COUNT_OF(encodings));
}

Str encoding_name(const Encoding *encoding) {
        return str_of(encoding->name);
}

Str encoding_names(Arena *arena) {
        Str all = str_of(encodings[0].name);
        for (size_t i = 1; i < COUNT_OF(encodings); i++)
                all = arena_strf(arena, "%.*s, %s", STR_ARG(all), encodings[i].name);
        return all;
}

bool encoding_is_utf8(const Encoding *encoding) {
        return encoding->kind == KIND_UTF8;
}

bool encoding_is_single(const Encoding *encoding) {
        return encoding->kind == KIND_TABLES && !encoding->pairs;
}

/* --- what a text says of itself --- */

static const Encoding *of_kind(Kind kind) {
        for (size_t i = 0; i < COUNT_OF(encodings); i++) {
                if (encodings[i].kind == kind)
                        return &encodings[i];
        }
        return NULL;
}

/* The zero half of an ASCII letter is its first byte if the order is big-endian. */
static const Encoding *order_by_zeros(Str head) {
        size_t zeros[2] = { 0 };
        for (size_t i = 0; i < head.size; i++)
                zeros[i & 1] += head.data[i] == 0;
        return of_kind(zeros[0] > zeros[1] ? KIND_UTF16BE : KIND_UTF16LE);
}

const Encoding *encoding_of_text(const Encoding *said, Str head) {
        if (str_starts_with(head, STR("\xef\xbb\xbf")))
                return of_kind(KIND_UTF8);
        if (str_starts_with(head, STR("\xff\xfe")))
                return of_kind(KIND_UTF16LE);
        if (str_starts_with(head, STR("\xfe\xff")))
                return of_kind(KIND_UTF16BE);
        return said->kind == KIND_UTF16 ? order_by_zeros(head) : said;
}

/* --- decoding --- */

typedef struct Letter {
        uint32_t point; /* ENCODING_NO_POINT: `size` bytes are wrong */
        size_t size;    /* 0: not whole */
} Letter;

static const Letter not_whole = { ENCODING_NO_POINT, 0 };

static Letter wrong(size_t size) {
        return (Letter){ ENCODING_NO_POINT, size };
}

static uint32_t unit_at(Str raw, size_t at, bool big) {
        const uint8_t *bytes = (const uint8_t *)raw.data + at;
        return big ? (uint32_t)bytes[0] << 8 | bytes[1] : (uint32_t)bytes[1] << 8 | bytes[0];
}

static Letter letter_utf16(Str raw, size_t at, bool last, bool big) {
        size_t left = raw.size - at;
        if (left < 2)
                return last ? wrong(left) : not_whole;
        uint32_t unit = unit_at(raw, at, big);
        if ((unit & 0xf800) != 0xd800)
                return (Letter){ unit, 2 };
        if (unit >= 0xdc00)
                return wrong(2);
        if (left < 4)
                return last ? wrong(2) : not_whole;
        uint32_t second = unit_at(raw, at + 2, big);
        if ((second & 0xfc00) != 0xdc00)
                return wrong(2);
        return (Letter){ 0x10000 + ((unit & 0x3ff) << 10 | (second & 0x3ff)), 4 };
}

static uint32_t point_of_number(uint32_t number) {
        if (number >= SUPPLEMENTARY_NUMBER && number < SUPPLEMENTARY_NUMBER + 0x100000)
                return 0x10000 + (number - SUPPLEMENTARY_NUMBER);
        if (number >= RUN_NUMBERS)
                return 0;
        size_t low = 0, high = COUNT_OF(gb18030_runs);
        while (high - low > 1) {
                size_t middle = (low + high) / 2;
                if (gb18030_runs[middle].number <= number)
                        low = middle;
                else
                        high = middle;
        }
        uint32_t start = gb18030_runs[low].point;
        return start ? start + (number - gb18030_runs[low].number) : 0;
}

static Letter letter_of_four(const uint8_t *bytes, size_t left, bool last) {
        bool third = left > 2 && bytes[2] >= 0x81 && bytes[2] <= 0xfe;
        bool fourth = left > 3 && bytes[3] >= 0x30 && bytes[3] <= 0x39;
        if ((left > 2 && !third) || (left > 3 && !fourth) || (left < 4 && last))
                return wrong(1);
        if (left < 4)
                return not_whole;
        uint32_t number = (((bytes[0] - 0x81u) * 10 + (bytes[1] - 0x30u)) * 126 + (bytes[2] - 0x81u)) * 10 + (bytes[3] - 0x30u);
        uint32_t point = point_of_number(number);
        return point ? (Letter){ point, 4 } : wrong(1);
}

static Letter letter_of_three(const Encoding *encoding, const uint8_t *bytes, size_t left, bool last) {
        for (size_t i = 1; i < 3; i++) {
                if (i == left)
                        return last ? wrong(1) : not_whole;
                if (bytes[i] < TRIPLE_FIRST || bytes[i] == 0xff)
                        return wrong(1);
        }
        uint32_t point = encoding->triples[(bytes[1] - TRIPLE_FIRST) * TRIPLE_TRAILS + (bytes[2] - TRIPLE_FIRST)];
        return point ? (Letter){ point, 3 } : wrong(3);
}

/* A lead whose trail is a letter of ASCII is wrong alone, so that no delimiter goes down with it. */
static Letter letter_of_tables(const Encoding *encoding, Str raw, size_t at, bool last) {
        const uint8_t *bytes = (const uint8_t *)raw.data + at;
        size_t left = raw.size - at;
        uint32_t single = encoding->singles[bytes[0] - 0x80];
        if (single)
                return (Letter){ single, 1 };
        if (!encoding->pairs || bytes[0] < PAIR_LEAD || bytes[0] == 0xff)
                return wrong(1);
        if (encoding->triples && bytes[0] == TRIPLE_LEAD)
                return letter_of_three(encoding, bytes, left, last);
        if (left < 2)
                return last ? wrong(1) : not_whole;
        if (encoding->runs && bytes[1] >= 0x30 && bytes[1] <= 0x39)
                return letter_of_four(bytes, left, last);
        if (bytes[1] < PAIR_TRAIL || bytes[1] == 0xff)
                return wrong(1);
        uint32_t point = encoding->pairs[(bytes[0] - PAIR_LEAD) * PAIR_TRAILS + (bytes[1] - PAIR_TRAIL)];
        return point ? (Letter){ point, 2 } : wrong(bytes[1] < 0x80 ? 1 : 2);
}

static Letter letter_at(const Encoding *encoding, Str raw, size_t at, bool last) {
        if (encoding->kind == KIND_TABLES)
                return letter_of_tables(encoding, raw, at, last);
        return letter_utf16(raw, at, last, encoding->kind == KIND_UTF16BE);
}

size_t encoding_letter(const Encoding *encoding, Str raw, size_t at, uint32_t *out) {
        bool wide = encoding->kind == KIND_UTF16LE || encoding->kind == KIND_UTF16BE;
        if (!wide && (raw.data[at] & 0x80) == 0) {
                *out = (uint8_t)raw.data[at];
                return 1;
        }
        if (encoding->kind == KIND_UTF8)
                return utf8_decode(raw, at, out);
        Letter letter = letter_at(encoding, raw, at, false);
        *out = letter.point;
        return letter.size;
}

/* Letters of ASCII, as they are. Returns how many. */
static size_t copy_ascii(Str raw, size_t start, char *out) {
        size_t at = start;
        for (uint64_t eight; raw.size - at >= sizeof(eight); at += sizeof(eight)) {
                memcpy(&eight, raw.data + at, sizeof(eight));
                if (eight & 0x8080808080808080u)
                        break;
                memcpy(out + (at - start), &eight, sizeof(eight));
        }
        for (; at < raw.size && (raw.data[at] & 0x80) == 0; at++)
                out[at - start] = raw.data[at];
        return at - start;
}

size_t encoding_decode(const Encoding *encoding, Str raw, bool last, char *out, size_t *out_size) {
        size_t at = 0, size = 0;
        bool ascii = encoding->kind == KIND_TABLES;
        while (at < raw.size) {
                if (ascii && (raw.data[at] & 0x80) == 0) {
                        size_t count = copy_ascii(raw, at, out + size);
                        at += count;
                        size += count;
                        continue;
                }
                Letter letter = letter_at(encoding, raw, at, last);
                if (letter.size == 0)
                        break;
                at += letter.size;
                if (letter.point == ENCODING_NO_POINT) {
                        memset(out + size, ENCODING_WRONG, letter.size);
                        size += letter.size;
                } else {
                        size += utf8_encode(letter.point, out + size);
                }
        }
        *out_size = size;
        return at;
}

/* --- sizes in the delivery --- */

struct EncodingSizes {
        bool utf16, bytes;
        uint8_t of[1 << 16];
};

static void add_sizes(EncodingSizes *sizes, const uint16_t *points, size_t count, uint8_t size) {
        for (size_t i = 0; points && i < count; i++) {
                if (points[i])
                        sizes->of[points[i]] = size;
        }
}

EncodingSizes *encoding_sizes_new(const Encoding *encoding) {
        if (encoding->kind == KIND_UTF8)
                return NULL;
        EncodingSizes *sizes = calloc(1, sizeof(*sizes));
        if (!sizes)
                out_of_memory();
        sizes->utf16 = encoding->kind != KIND_TABLES;
        sizes->bytes = encoding->kind == KIND_TABLES && !encoding->pairs;
        if (encoding->kind != KIND_TABLES)
                return sizes;
        memset(sizes->of, 4, sizeof(sizes->of));
        memset(sizes->of, 1, 0x80);
        add_sizes(sizes, encoding->triples, TRIPLE_TRAILS * TRIPLE_TRAILS, 3);
        add_sizes(sizes, encoding->pairs, 126 * PAIR_TRAILS, 2);
        add_sizes(sizes, encoding->singles, 128, 1);
        return sizes;
}

void encoding_sizes_free(EncodingSizes *sizes) {
        free(sizes);
}

static uint64_t size_of_lead(const EncodingSizes *sizes, Str decoded, size_t at) {
        uint8_t lead = (uint8_t)decoded.data[at];
        if (lead == ENCODING_WRONG)
                return 1;
        if (sizes->bytes)
                return 1;
        if (sizes->utf16)
                return lead >= 0xf0 ? 4 : 2;
        if (lead >= 0xf0)
                return 4;
        uint32_t point;
        utf8_decode(decoded, at, &point);
        return sizes->of[point & 0xffff];
}

uint64_t encoding_raw_size(const EncodingSizes *sizes, Str decoded) {
        if (!sizes)
                return decoded.size;
        uint64_t size = 0;
        for (size_t at = 0; at < decoded.size; at++) {
                if ((decoded.data[at] & 0xc0) != 0x80)
                        size += size_of_lead(sizes, decoded, at);
        }
        return size;
}
