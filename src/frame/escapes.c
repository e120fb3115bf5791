/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/escapes.h"

#include "frame/encoding.h"

/* A letter, and the byte that it stands for. */
typedef struct Letter {
        char letter, byte;
} Letter;

static const Letter postgres_letters[] = { { 'b', '\b' }, { 'f', '\f' }, { 'n', '\n' }, { 'r', '\r' }, { 't', '\t' }, { 'v', '\v' } };
static const Letter mysql_letters[] = { { '0', 0 }, { 'b', '\b' }, { 'n', '\n' }, { 'r', '\r' }, { 't', '\t' }, { 'Z', 0x1a } };

static const Letter *find_letter(const Letter *letters, size_t count, char letter) {
        for (size_t i = 0; i < count; i++) {
                if (letters[i].letter == letter)
                        return &letters[i];
        }
        return NULL;
}

static int digit_of(char c) {
        char lower = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
                return c - '0';
        return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* As many digits of the base as may follow; how many there are. */
static size_t read_digits(Str text, size_t at, unsigned base, size_t most, unsigned *out) {
        size_t count = 0;
        *out = 0;
        for (; count < most && at + count < text.size; count++) {
                int digit = digit_of(text.data[at + count]);
                if (digit < 0 || (unsigned)digit >= base)
                        break;
                *out = *out * base + (unsigned)digit;
        }
        return count;
}

/* The byte for what stands after the backslash; *at goes behind it. */
static char read_escape(FormatEscapes escapes, Str text, size_t *at) {
        char c = text.data[*at];
        unsigned value;
        const Letter *letter = escapes == ESCAPES_MYSQL ? find_letter(mysql_letters, COUNT_OF(mysql_letters), c)
                                                        : find_letter(postgres_letters, COUNT_OF(postgres_letters), c);
        size_t skip = escapes == ESCAPES_POSTGRES && c == 'x', digits = 0;
        if (letter) {
                ++*at;
                return letter->byte;
        }
        if (escapes == ESCAPES_POSTGRES)
                digits = read_digits(text, *at + skip, skip ? 16 : 8, skip ? 2 : 3, &value);
        *at += digits > 0 ? skip + digits : 1;
        return digits > 0 ? (char)(value & 0xff) : c;
}

Rule escapes_read(const Format *format, Str text, Arena *arena, Str *out) {
        bool cut = false, high = false, nul = false;
        *out = text;
        if (!memchr(text.data ? text.data : "", ESCAPES_BYTE, text.size))
                return RULE_NONE;
        char *put = arena_alloc_raw(arena, text.size + 1);
        size_t size = 0, at = 0;
        while (at < text.size) {
                char c = text.data[at++];
                cut = c == ESCAPES_BYTE && at == text.size;
                if (c == ESCAPES_BYTE && !cut) {
                        bool own = (signed char)text.data[at] < 0; /* a letter of the text, not one that the escape makes */
                        c = read_escape(format->escapes, text, &at);
                        high |= (signed char)c < 0 && !own;
                        nul |= c == 0;
                }
                put[size++] = c;
        }
        put[size] = 0;
        if (nul)
                return RULE_NUL_BYTE;
        if (cut || (high && !(encoding_is_utf8(encoding_find(format->encoding)) && utf8_valid((Str){ put, size }))))
                return RULE_BAD_ESCAPE;
        *out = (Str){ put, size };
        return RULE_NONE;
}

bool escapes_are_written(FormatEscapes escapes, char byte) {
        if (byte == ESCAPES_BYTE || byte == 'N')
                return true;
        if (escapes == ESCAPES_MYSQL)
                return byte == '0';
        return find_letter(postgres_letters, COUNT_OF(postgres_letters), byte) != NULL;
}
