/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/identifier.h"

#include "base/map.h"

#define NAME_WORD_MAX 24
#define SAMPLE_MAX 256
#define MISFITS_SHARE 8 /* as many as a guess allows: one in so many */

/* ---- names ---- */

static bool is_letter(char c) {
        return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

/* The next word of customerId, KUNDEN_NR, "Account no.", in small letters; false: there is none. */
static bool next_word(Str name, size_t *at, char word[NAME_WORD_MAX], size_t *out_size) {
        size_t size = 0;
        while (*at < name.size && !is_letter(name.data[*at]) && !(name.data[*at] & 0x80))
                ++*at;
        while (*at < name.size && (is_letter(name.data[*at]) || (name.data[*at] & 0x80))) {
                char c = name.data[*at];
                bool hump = size > 0 && c >= 'A' && c <= 'Z' && name.data[*at - 1] >= 'a' && name.data[*at - 1] <= 'z';
                if (hump)
                        break;
                if (size < NAME_WORD_MAX)
                        word[size++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
                ++*at;
        }
        *out_size = size;
        return size > 0;
}

bool name_has_word(Str name, const char *const *words) {
        char word[NAME_WORD_MAX];
        size_t at = 0, size;
        while (next_word(name, &at, word, &size)) {
                Str text = { word, size };
                for (size_t i = 0; words[i]; i++)
                        if (words[i][0] == '*' ? str_ends_with(text, str_of(words[i] + 1)) : str_is(text, words[i]))
                                return true;
        }
        return false;
}

static bool is_named_so(Str name) {
        static const char *const things[] = {
                "id",      "ids",     "nr",      "code",   "codes",   "key",     "ref",       "reference", "sku",     "art",     "artikel",
                "article", "konto",   "kto",     "account", "acct",   "iban",    "blz",       "tel",       "telefon", "phone",   "telephone",
                "mobile",  "mobil",   "handy",   "fax",    "zip",    "plz",     "postal",  "postcode",  "zipcode",   "ean",     "gtin",    "upc",
                "barcode", "isbn",    "issn",    "ssn",    "ustid",   "version", "ver",       "release",   "revision", "section", "chapter",
                "clause",  "kapitel", "abschnitt", "paragraph", "serial", "imei", "vin",    "matnr",     "kunnr",     "lifnr",   "belnr",   "kst",
                "kostl",   "kostenstelle", "steuernummer", "*nr", "*nummer", "*leitzahl", "*kennung", "*konto", NULL
        };
        static const char *const quantities[] = { "amount", "amt",   "balance", "saldo", "sum",     "summe", "total",  "price",   "preis", "value",  "wert",  "count",
                                                  "anzahl", "qty",   "quantity", "menge", "rate",   "cost",  "costs",  "kosten",  "percent", "prozent", "fee", "betrag",
                                                  "*betrag", "*preis", "*wert", "*saldo", "*summe", "*menge", "*kosten", "score", "avg", "mean", NULL };
        static const char *const number[] = { "no", NULL };
        bool no = name_has_word(name, number) && name.size > 4; /* NO and NO2 are gases */
        return (no || name_has_word(name, things)) && !name_has_word(name, quantities);
}

/* ---- texts ---- */

/* What a text of digits and marks is made of. */
typedef struct Look {
        uint32_t groups;      /* runs of digits */
        uint32_t first, last; /* digits of the first and the last of them */
        uint32_t digits;
        bool thousands; /* each group but the first has three digits */
        char mark;      /* that stands between them; 0: none, or several */
        bool sign, exponent;
} Look;

/* False where there is anything else in it: then nothing is said of it. */
static bool look_at(Str text, Look *out) {
        *out = (Look){ .thousands = true };
        uint32_t run = 0;
        size_t at = 0;
        bool mixed = false;
        if (text.size > 0 && (text.data[0] == '-' || text.data[0] == '+'))
                out->sign = at++ == 0;
        for (; at < text.size; at++) {
                char c = text.data[at];
                if (is_digit(c)) {
                        run++;
                        out->digits++;
                        continue;
                }
                if ((c == 'e' || c == 'E') && run > 0 && at + 2 < text.size && text.data[at + 1] == '+' && out->groups <= 1) {
                        out->exponent = true;
                        break;
                }
                if (!char_is_one_of(c, ".,' ") || run == 0)
                        return false;
                mixed |= out->mark && out->mark != c;
                out->mark = c;
                out->thousands &= out->groups == 0 || run == 3;
                out->first = out->groups++ == 0 ? run : out->first;
                run = 0;
        }
        if (run == 0)
                return false;
        out->thousands &= out->groups == 0 || run == 3;
        out->first = out->groups++ == 0 ? run : out->first;
        out->last = run;
        out->mark = mixed ? 0 : out->mark;
        return true;
}

/* All alike, of three groups or more: 100.200.300, 212 555 123. The first of an amount has as many digits as it has. */
static bool are_groups(const Str *texts, const Look *looks, size_t count) {
        const Look *a = &looks[0];
        bool differ = false;
        if (count < 2 || a->groups < 3 || !a->mark || !a->thousands || (a->mark != ' ' && a->first != 3))
                return false;
        for (size_t i = 0; i < count; i++) {
                const Look *b = &looks[i];
                if (b->groups != a->groups || b->first != a->first || !b->thousands || b->mark != a->mark || b->sign || b->exponent)
                        return false;
                differ |= !str_equal(texts[i], texts[0]);
        }
        return differ;
}

/* The text without its marks, or without the zeros behind its point. */
static Str bare(Arena *arena, Str text, char mark, bool version) {
        char *out = arena_alloc_raw(arena, text.size + 1);
        size_t size = 0;
        if (version)
                while (text.size > 0 && text.data[text.size - 1] == '0')
                        text.size--;
        for (size_t i = 0; i < text.size; i++)
                if (version || text.data[i] != mark)
                        out[size++] = text.data[i];
        return (Str){ out, size };
}

/* Two texts that would be one number. */
static bool have_twins(const Str *texts, const Look *looks, size_t count, bool version, Arena *arena, Str *one, Str *other) {
        Map seen;
        map_init(&seen, arena);
        for (size_t i = 0; i < count; i++) {
                Str key = bare(arena, texts[i], looks[i].mark, version);
                size_t before = (size_t)(uintptr_t)map_get(&seen, key); /* from 1 */
                if (before && !str_equal(texts[before - 1], texts[i])) {
                        *one = texts[before - 1];
                        *other = texts[i];
                        return true;
                }
                map_put(&seen, key, (void *)(uintptr_t)(i + 1));
        }
        return false;
}

/* 1.1 and 1.10; never 1.05 or 2.00, which have cents. */
static bool are_versions(const Str *texts, const Look *looks, size_t count) {
        for (size_t i = 0; i < count; i++) {
                const Look *look = &looks[i];
                if (look->groups != 2 || look->mark != '.' || look->sign || look->exponent || look->first > 2 || look->last > 2 ||
                    texts[i].data[look->first + 1] == '0')
                        return false;
        }
        return count > 1;
}

/* 10.100 and 10100. */
static bool are_whole(const Look *looks, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (looks[i].sign || looks[i].exponent || !looks[i].thousands || (looks[i].groups > 1 && looks[i].mark != '.' && looks[i].mark != ' '))
                        return false;
        return count > 1;
}

/* As a spreadsheet shows what is longer than its cell: 4.00638E+12. */
static bool are_rounded(const Str *texts, const Look *looks, size_t count, Str *example) {
        size_t found = 0;
        for (size_t i = 0; i < count; i++) {
                if (!looks[i].exponent) {
                        if (looks[i].groups != 1)
                                return false;
                        continue;
                }
                Str exponent = str_slice(texts[i], str_find_byte(texts[i], '+') + 1, texts[i].size);
                bool tens = exponent.size == 2 && exponent.data[0] == '1' && exponent.data[1] >= '1' && is_digit(exponent.data[1]);
                if (!tens || looks[i].first != 1 || looks[i].sign || texts[i].data[0] == '0' || str_find_byte(texts[i], 'E') == texts[i].size)
                        return false;
                *example = found++ == 0 ? texts[i] : *example;
        }
        return found > 0;
}

/* What some style would read as a number: a day or an address is none anyway. */
static bool may_be_number(const Look *look) {
        return look->exponent || (look->groups > 1 && look->thousands) || (look->groups == 2 && look->mark && look->mark != ' ');
}

static bool find_by_name(const Str *texts, const Look *looks, size_t count, Str *example) {
        for (size_t i = 0; i < count; i++) {
                if (!may_be_number(&looks[i]))
                        continue;
                *example = texts[i];
                return true;
        }
        return false;
}

bool identifier_find(Str name, const Str *texts, size_t count, Arena *arena, Str *out) {
        size_t some = count < SAMPLE_MAX ? count : SAMPLE_MAX, fit = 0, most = some < MISFITS_SHARE ? 0 : some / MISFITS_SHARE;
        Str kept[SAMPLE_MAX + 1];
        Look looks[SAMPLE_MAX + 1];
        Str one = STR(""), other = STR("");
        for (size_t i = 0; i < some && i - fit <= most; i++) {
                kept[fit] = texts[i * count / some];
                fit += look_at(kept[fit], &looks[fit]);
        }
        if (fit == 0 || fit + most < some)
                return false;
        if (is_named_so(name) && find_by_name(kept, looks, fit, &one))
                *out = arena_strf(arena, "values such as %.*s in a column of this name are rather marks of things than amounts", STR_ARG(one));
        else if (are_rounded(kept, looks, fit, &one))
                *out = arena_strf(arena, "values such as %.*s look like long numbers that a spreadsheet has rounded: their last digits are lost", STR_ARG(one));
        else if (are_groups(kept, looks, fit))
                *out = arena_strf(arena, "values such as %.*s are all of the same groups of digits, as marks of things are", STR_ARG(kept[0]));
        else if ((are_versions(kept, looks, fit) && have_twins(kept, looks, fit, true, arena, &one, &other)) ||
                 (are_whole(looks, fit) && have_twins(kept, looks, fit, false, arena, &one, &other)))
                *out = arena_strf(arena, "%.*s and %.*s are two texts, and would be one number", STR_ARG(one), STR_ARG(other));
        else
                return false;
        return true;
}
