/* SPDX-License-Identifier: Apache-2.0 */
#include "base/shortest.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/test.h"

TEST(known_values_have_known_digits) {
        static const struct {
                double value;
                uint64_t digits;
                int exponent;
        } cases[] = {
                { 1, 1, 0 },
                { 10, 1, 1 },
                { 0.1, 1, -1 },
                { 0.3, 3, -1 },
                { 0.1 + 0.2, 30000000000000004, -17 },
                { 1.0 / 3, 3333333333333333, -16 },
                { 2.0 / 3, 6666666666666666, -16 },
                { 123456.789, 123456789, -3 },
                { 9007199254740992, 9007199254740992, 0 }, /* 2^53 */
                { 9007199254740994, 9007199254740994, 0 },
                { 1e22, 1, 22 },
                { 1e23, 1, 23 }, /* no double is exactly that */
                { 9.5367431640625e-07, 95367431640625, -20 },
                { 2.2250738585072014e-308, 22250738585072014, -324 }, /* the least normal */
                { 2.225073858507201e-308, 2225073858507201, -323 },
                { 4.9406564584124654e-324, 5, -324 }, /* the least of all */
                { 1.7976931348623157e308, 17976931348623157, 292 },
                { 8.98846567431158e307, 898846567431158, 293 }, /* a power of two: its lower neighbour is nearer */
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Shortest shortest = shortest_double(cases[i].value);
                CHECK_INT(shortest.digits, cases[i].digits);
                CHECK_INT(shortest.exponent, cases[i].exponent);
        }
        static const struct {
                float value;
                uint64_t digits;
                int exponent;
        } floats[] = {
                { 0.1f, 1, -1 },         { 16777216, 16777216, 0 }, { 3.4028235e38f, 34028235, 31 },
                { 1.4e-45f, 1, -45 },    { 1e10f, 1, 10 },          { 0.333333333f, 33333334, -8 },
        };
        for (size_t i = 0; i < COUNT_OF(floats); i++) {
                Shortest shortest = shortest_float(floats[i].value);
                CHECK_INT(shortest.digits, floats[i].digits);
                CHECK_INT(shortest.exponent, floats[i].exponent);
        }
}

static uint64_t next_bits(uint64_t *state) {
        *state += 0x9e3779b97f4a7c15;
        uint64_t bits = (*state ^ *state >> 30) * 0xbf58476d1ce4e5b9;
        return (bits ^ bits >> 27) * 0x94d049bb133111eb;
}

static double read_back(uint64_t digits, int exponent) {
        char text[48];
        snprintf(text, sizeof(text), "%llue%d", (unsigned long long)digits, exponent);
        return strtod(text, NULL);
}

/* Nearest: as many digits as the C library prints correctly rounded, when these read back. */
static bool is_nearest(double value, Shortest shortest) {
        char ours[24], text[48], digits[24];
        int count = snprintf(ours, sizeof(ours), "%llu", (unsigned long long)shortest.digits);
        snprintf(text, sizeof(text), "%.*e", count - 1, value);
        snprintf(digits, sizeof(digits), "%c%.*s", text[0], count - 1, count > 1 ? text + 2 : "");
        return strcmp(ours, digits) == 0 || strtod(text, NULL) != value;
}

TEST(any_double_reads_back_and_not_with_fewer_digits) {
        uint64_t state = 1;
        for (int i = 0; i < 20000; i++) {
                uint64_t bits = next_bits(&state) >> 1;
                double value;
                memcpy(&value, &bits, sizeof(value));
                if (!isfinite(value) || value == 0)
                        continue;
                Shortest shortest = shortest_double(value);
                CHECK(read_back(shortest.digits, shortest.exponent) == value);
                CHECK(read_back(shortest.digits / 10, shortest.exponent + 1) != value);
                CHECK(read_back(shortest.digits / 10 + 1, shortest.exponent + 1) != value);
                CHECK(is_nearest(value, shortest));
        }
}

TEST(every_power_of_two_and_its_neighbours_read_back) {
        for (int power = DBL_MIN_EXP - DBL_MANT_DIG; power < DBL_MAX_EXP; power++) {
                double value = ldexp(1, power);
                for (double near = nextafter(value, 0); near <= nextafter(value, INFINITY); near = nextafter(near, INFINITY)) {
                        if (near == 0)
                                continue;
                        Shortest shortest = shortest_double(near);
                        CHECK(read_back(shortest.digits, shortest.exponent) == near);
                }
        }
}
