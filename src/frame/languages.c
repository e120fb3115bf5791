/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/languages.h"

#include <math.h>
#include <pthread.h>

#include "base/arena.h"


#define UNKNOWN 2e-4   /* of a letter that the language does not have */
#define MISPLACED 1e-4 /* a capital behind a small letter, a letter of one script in a word of another, a sign in a word */
#define SIGN 0.02      /* of a sign where signs stand */
#define ODD_PLACE 0.15 /* a consonant among consonants, a vowel among vowels: it happens */

/* Letters beyond ASCII in order of how often they stand in texts of the language; small ones. */
static const struct {
        const char *name, *letters;
} languages[LANGUAGE_COUNT] = {
        { "Western", "\u00e9\u00fc\u00f6\u00e4\u00e1\u00f3\u00ed\u00e8\u00e0\u00f1\u00e7\u00f8\u00e3\u00e5\u00e6\u00ea\u00f4\u00df\u00e2\u00eb\u00fa\u00f5\u00ee\u00fb\u00ef\u00f9\u00fd\u0153\u00f2\u00f0\u00fe\u00ec\u00ff\u0161\u017e" },
        { "German", "\u00fc\u00e4\u00f6\u00df\u00e9" },
        { "French", "\u00e9\u00e0\u00e8\u00ea\u00e7\u00f4\u00ee\u00e2\u00fb\u00f9\u00eb\u0153\u00ef" },
        { "Spanish", "\u00f3\u00ed\u00e1\u00e9\u00f1\u00fa\u00fc" },
        { "Portuguese", "\u00e3\u00e7\u00e1\u00e9\u00ed\u00f3\u00f5\u00ea\u00fa\u00e2\u00f4\u00e0" },
        { "Italian", "\u00e0\u00e8\u00f2\u00f9\u00e9\u00ec" },
        { "Danish", "\u00f8\u00e5\u00e6\u00e9" },
        { "Swedish", "\u00e4\u00f6\u00e5\u00e9" },
        { "Icelandic", "\u00f0\u00e1\u00ed\u00fe\u00f3\u00e6\u00f6\u00fa\u00e9\u00fd" },
        { "Polish", "\u0142\u0105\u00f3\u0119\u017c\u015b\u0107\u0144\u017a" },
        { "Czech", "\u00e1\u00ed\u00e9\u011b\u0159\u010d\u017e\u00fd\u0161\u016f\u00fa\u0165\u0148\u00f3\u010f" },
        { "Slovak", "\u00e1\u00ed\u010d\u00e9\u017e\u0161\u00fd\u013e\u00fa\u00f3\u00f4\u0148\u0165\u010f\u00e4\u013a\u0155" },
        { "Hungarian", "\u00e1\u00e9\u00f6\u00f3\u0151\u00fc\u00ed\u00fa\u0171" },
        { "Croatian", "\u010d\u0161\u017e\u0107\u0111" },
        { "Romanian", "\u0103\u00ee\u015f\u0163\u00e2" },
        { "Turkish", "\u0131\u015f\u00fc\u00e7\u011f\u00f6\u0130\u00e2" },
        { "Russian", "\u043e\u0435\u0430\u0438\u043d\u0442\u0441\u0440\u0432\u043b\u043a\u043c\u0434\u043f\u0443\u044f\u044b\u044c\u0433\u0437\u0431\u0447\u0439\u0445\u0436\u0448\u044e\u0446\u0449\u044d\u0444\u044a\u0451" },
        { "Ukrainian", "\u043e\u0430\u043d\u0438\u0456\u0432\u0442\u0440\u0435\u0441\u043b\u043a\u0434\u0443\u043c\u043f\u044f\u044c\u0437\u0431\u0433\u0447\u0439\u0445\u0446\u0436\u0457\u0448\u044e\u0454\u0449\u0444\u0491" },
        { "Serbian", "\u0430\u043e\u0438\u0435\u043d\u0440\u0442\u0441\u0458\u0443\u0432\u043a\u0434\u043c\u043b\u043f\u0433\u0431\u0437\u0448\u0447\u0446\u045a\u0436\u0445\u045b\u0452\u0459\u0444\u045f" },
        { "Greek", "\u03b1\u03bf\u03b9\u03b5\u03c4\u03bd\u03c3\u03b7\u03c1\u03ba\u03c0\u03c5\u03c2\u03bc\u03bb\u03af\u03cc\u03ac\u03ad\u03b3\u03c9\u03ae\u03b4\u03b8\u03c7\u03cd\u03c6\u03b2\u03ce\u03be\u03c8\u03b6\u03ca\u03cb" },
};

static const char vowels[] = "aeiouy\u00e1\u00e0\u00e2\u00e4\u00e3\u00e5\u00e6\u00e9\u00e8\u00ea\u00eb\u011b\u0119\u00ed\u00ec\u00ee\u00ef\u0131\u00f3\u00f2\u00f4\u00f6\u00f5\u00f8\u0151\u0153"
                             "\u00fa\u00f9\u00fb\u00fc\u016f\u0171\u00fd\u0103\u0105\u00ff\u0430\u0435\u0451\u0438\u043e\u0443\u044b\u044d\u044e\u044f\u0456\u0457\u0454\u044c\u0439"
                             "\u03b1\u03b5\u03b7\u03b9\u03bf\u03c5\u03c9\u03ac\u03ad\u03ae\u03af\u03cc\u03cd\u03ce\u03ca\u03cb";

#define FIRST 0xc0u
#define LAST 0x500u

static float likelihood[LANGUAGE_COUNT][LAST - FIRST]; /* logarithms; 0: not of the language */
static bool is_vowel_[LAST];
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The first letter is twice as frequent as the third, thrice as the fifth, and so on. */
static void fill(void) {
        for (size_t i = 0; i < LANGUAGE_COUNT; i++) {
                Str letters = str_of(languages[i].letters);
                double sum = 0;
                size_t rank = 0;
                for (size_t at = 0; at < letters.size; rank++) {
                        uint32_t point;
                        at += utf8_decode(letters, at, &point);
                        sum += 1.0 / (double)(rank + 2);
                }
                rank = 0;
                for (size_t at = 0; at < letters.size; rank++) {
                        uint32_t point;
                        at += utf8_decode(letters, at, &point);
                        likelihood[i][point - FIRST] = (float)log(1.0 / (double)(rank + 2) / sum);
                }
        }
        Str all = str_of(vowels);
        for (size_t at = 0; at < all.size;) {
                uint32_t point;
                at += utf8_decode(all, at, &point);
                is_vowel_[point] = true;
        }
}

static bool is_ascii(uint32_t point) {
        return (point | 0x20) >= 'a' && (point | 0x20) <= 'z';
}

static bool is_upper(uint32_t point) {
        return (point >= 'A' && point <= 'Z') || (point >= 0xc0 && point <= 0xde && point != 0xd7) ||
               (point >= 0x100 && point <= 0x17f && ((point >= 0x139 && point <= 0x148) || (point >= 0x179 && point <= 0x17e) ? point % 2 == 1 : point % 2 == 0) &&
                point != 0x138) ||
               (point >= 0x386 && point <= 0x3ab && point != 0x390) || (point >= 0x400 && point <= 0x42f);
}

static uint32_t lower(uint32_t point) {
        static const uint16_t accents[][2] = { { 0x386, 0x3ac }, { 0x388, 0x3ad }, { 0x389, 0x3ae }, { 0x38a, 0x3af }, { 0x38c, 0x3cc }, { 0x38e, 0x3cd }, { 0x38f, 0x3ce },
                                               { 0x178, 0xff }, { 0x130, 0x130 }, { 0x490, 0x491 } };
        for (size_t i = 0; i < COUNT_OF(accents); i++)
                if (point == accents[i][0])
                        return accents[i][1];
        if (!is_upper(point))
                return point;
        if (point < 0x100 || (point >= 0x391 && point <= 0x3ab) || (point >= 0x410 && point <= 0x42f))
                return point + 0x20;
        return point >= 0x400 ? point + 0x50 : point + 1;
}

bool language_letter(uint32_t point) {
        return is_ascii(point) || (point >= 0xc0 && point <= 0x24f && point != 0xd7 && point != 0xf7) || (point >= 0x386 && point <= 0x3ce) || (point >= 0x400 && point <= 0x4ff);
}

/* 0 for what is no letter. */
static int script(uint32_t point) {
        return !language_letter(point) ? 0 : point < 0x250 ? 1 : point < 0x400 ? 2 : 3;
}

static bool is_vowel(uint32_t point) {
        pthread_once(&once, fill);
        uint32_t small = lower(point);
        return small < LAST && is_vowel_[small];
}

/* A letter between two of its own kind, both consonants or both vowels; dots that part vowels mean to be there. */
static bool stands_oddly(const LetterPlace *place) {
        if (place->point == 0xeb || place->point == 0xef)
                return false;
        bool before = language_letter(place->before), after = language_letter(place->after), vowel = is_vowel(place->point);
        return before && after && is_vowel(place->before) == vowel && is_vowel(place->after) == vowel;
}

static bool is_misplaced(const LetterPlace *place) {
        int own = script(place->point), before = script(place->before), after = script(place->after);
        if (own == 0)
                return before && after && !(place->point == 0xb7 || place->point == 0xad || (place->point >= 0x2010 && place->point <= 0x201a));
        bool other = (before && before != own) || (after && after != own);
        bool capital = is_upper(place->point) && before && !is_upper(place->before) && after && !is_upper(place->after);
        bool ends_capital = is_upper(place->point) && before && !is_upper(place->before) && !after;
        return other || capital || ends_capital;
}

void languages_weigh(const LetterPlace *place, double sums[LANGUAGE_COUNT]) {
        pthread_once(&once, fill);
        uint32_t small = lower(place->point);
        bool letter = language_letter(place->point), misplaced = is_misplaced(place);
        double shape = letter && stands_oddly(place) ? log(ODD_PLACE) : 0;
        for (size_t i = 0; i < LANGUAGE_COUNT; i++) {
                double own = small >= FIRST && small < LAST ? (double)likelihood[i][small - FIRST] : 0;
                if (misplaced || (!letter && place->point < 0xa0))
                        sums[i] += log(MISPLACED);
                else if (!letter)
                        sums[i] += log(SIGN);
                else
                        sums[i] += (own < 0 ? own : log(UNKNOWN)) + shape;
        }
}
