/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/number_style.h"

#include "frame/typing.h"

#define MISFITS_SHARE 8 /* as many as a guess allows: one in so many */

static const char marks[2] = { '.', ',' };

static bool is_number(Str text, char decimal, char thousands, NumberShape *out) {
        TypingRules rules = { .decimal = decimal, .thousands = thousands };
        return number_shape(&rules, text, out);
}

/* Some one style reads nearly all. */
static bool are_numbers(const Str *texts, size_t count) {
        static const char styles[][2] = { { '.', 0 },    { ',', 0 },   { '.', ',' },  { ',', '.' },
                                          { '.', '\'' }, { '.', ' ' }, { ',', '\'' }, { ',', ' ' }, { '.', THOUSANDS_INDIAN } };
        size_t most = count < MISFITS_SHARE ? 0 : count / MISFITS_SHARE;
        for (size_t i = 0; i < COUNT_OF(styles); i++) {
                size_t misfits = 0;
                NumberShape shape;
                for (size_t k = 0; k < count && misfits <= most; k++)
                        misfits += !is_number(texts[k], styles[i][0], styles[i][1], &shape);
                if (misfits <= most)
                        return true;
        }
        return false;
}

/* One to three digits of which the first is no 0, the mark, three digits; a sign may stand before. */
static bool may_be_both(Str text, char mark) {
        size_t at = str_find_byte(text, mark), sign = text.data[0] == '-' || text.data[0] == '+';
        size_t before = at - sign;
        if (before < 1 || before > 3 || text.size - at != 4 || text.data[sign] == '0')
                return false;
        for (size_t i = sign; i < text.size; i++) {
                if (i != at && (text.data[i] < '0' || text.data[i] > '9'))
                        return false;
        }
        return true;
}

/* Two commas or more say of how many digits the groups between them are. */
static void weigh_groups(Str text, NumberEvidence *out) {
        NumberShape shape;
        bool indian = is_number(text, '.', THOUSANDS_INDIAN, &shape), western = is_number(text, '.', ',', &shape);
        out->indian += indian && !western;
        out->western += western && !indian;
        out->thousands[1] += indian && !western;
}

static void weigh_mark(Str text, int mark, const size_t counts[2], NumberEvidence *out) {
        char own = marks[mark], other = marks[!mark];
        NumberShape shape;
        if (counts[mark] == 0)
                return;
        if (counts[mark] > 1 || (counts[!mark] > 0 && str_find_byte(text, own) < str_find_byte(text, other))) {
                out->thousands[mark] += is_number(text, other, own, &shape);
        } else if (counts[!mark] > 0) {
                out->decimal[mark] += is_number(text, own, other, &shape);
        } else if (may_be_both(text, own)) {
                out->either[mark]++;
                if (out->example[mark].data == NULL)
                        out->example[mark] = text;
        } else {
                out->decimal[mark] += is_number(text, own, 0, &shape) || is_number(text, own, ' ', &shape) ||
                                      is_number(text, own, '\'', &shape);
        }
}

/* A number with the character in it; any other text with it, as "n.a. 5", tells nothing. */
static bool is_grouped(Str text, char mark) {
        NumberShape shape;
        return str_find_byte(text, mark) < text.size && (is_number(text, '.', mark, &shape) || is_number(text, ',', mark, &shape));
}

void number_evidence(const Str *texts, size_t count, NumberEvidence *out) {
        *out = (NumberEvidence){ .blanks = 0 };
        if (count == 0 || !are_numbers(texts, count))
                return;
        for (size_t i = 0; i < count; i++) {
                size_t counts[2] = { 0 };
                for (size_t k = 0; k < texts[i].size; k++) {
                        counts[0] += texts[i].data[k] == '.';
                        counts[1] += texts[i].data[k] == ',';
                }
                weigh_mark(texts[i], 0, counts, out);
                weigh_mark(texts[i], 1, counts, out);
                if (counts[1] > 1)
                        weigh_groups(texts[i], out);
                out->blanks += is_grouped(texts[i], ' ');
                out->apostrophes += is_grouped(texts[i], '\'');
        }
}

char number_evidence_vote(const NumberEvidence *column) {
        size_t points = column->decimal[0] + column->thousands[1], commas = column->decimal[1] + column->thousands[0];
        if (points == commas)
                return points > 0 ? '.' : 0;
        return points > commas ? '.' : ',';
}

NumberStyle number_style_choose(const NumberEvidence *of, size_t count, char delimiter) {
        size_t points = 0, commas = 0, either[2] = { 0 };
        for (size_t i = 0; i < count; i++) {
                char vote = number_evidence_vote(&of[i]);
                points += vote == '.';
                commas += vote == ',';
                either[0] += of[i].either[0] > 0;
                either[1] += of[i].either[1] > 0;
        }
        bool comma = commas > points;
        if (commas == 0 && points == 0)
                comma = either[1] > 0 && either[0] == 0 && delimiter == ';';
        NumberStyle style = { .decimal = marks[comma], .proven = (comma ? commas : points) > 0 && (comma ? points : commas) == 0 };
        size_t grouped[3] = { 0 };
        for (size_t i = 0; i < count; i++) {
                grouped[0] += of[i].thousands[!comma] + of[i].either[!comma] > 0;
                grouped[1] += of[i].blanks > 0;
                grouped[2] += of[i].apostrophes > 0;
        }
        size_t indian = 0, western = 0;
        for (size_t i = 0; i < count; i++) {
                indian += of[i].indian > 0 && of[i].western == 0;
                western += of[i].western > 0;
        }
        char characters[3] = { marks[!comma], ' ', '\'' };
        size_t best = 0;
        for (size_t i = 1; i < COUNT_OF(grouped); i++)
                best = grouped[i] > grouped[best] ? i : best;
        style.thousands = grouped[best] > 0 ? characters[best] : 0;
        if (style.thousands == ',' && indian > western)
                style.thousands = THOUSANDS_INDIAN;
        return style;
}
