/* SPDX-License-Identifier: Apache-2.0 */
#include "base/shortest.h"

#include <stdbool.h>
#include <string.h>

/*
 * POWERS[k - POWER_MIN] is 10^k as the top 128 bits of its binary digits, rounded up: powers.inc is made by shortest.py, which
 * counts exactly.
 */
typedef struct Power {
        uint64_t high, low;
} Power;

#define POWER_MIN (-292)
static const Power POWERS[] = {
#include "base/powers.inc"
};

/* A value is mantissa x 2^exponent. */
typedef struct Binary {
        uint64_t mantissa;
        int exponent;
        bool is_power; /* the next smaller value is only half as far as the next larger one */
} Binary;

/* floor(log2(10^power)), for |power| <= 1233. */
static int log2_of_power(int power) {
        return (power * 1741647) >> 19;
}

/* floor(log10(2^exponent)); of three quarters of it, where the smaller neighbour is nearer. */
static int log10_of(int exponent, bool is_power) {
        return (exponent * 1262611 - (is_power ? 524031 : 0)) >> 22;
}

/* The product's top 64 bits of 192; the lowest of them is set too when anything below is: enough to compare by. */
static uint64_t multiply_sticky(Power power, uint64_t factor) {
        unsigned __int128 low = (unsigned __int128)power.low * factor;
        unsigned __int128 high = (unsigned __int128)power.high * factor + (uint64_t)(low >> 64);
        return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/*
 * The interval of what reads back as the value, in quarters of 10^power: a multiple of ten of it is tried first (there is at
 * most one), then the two whole numbers beside the value.
 */
static Shortest shortest_of(Binary value) {
        bool outside = value.mantissa & 1; /* round to even: the ends of an even value's interval belong to it */
        int power = log10_of(value.exponent, value.is_power);
        int shift = value.exponent + log2_of_power(-power) + 1;
        Power scale = POWERS[-power - POWER_MIN];
        uint64_t quarter = value.mantissa << 2;
        uint64_t low = multiply_sticky(scale, (quarter - 2 + value.is_power) << shift) + outside;
        uint64_t middle = multiply_sticky(scale, quarter << shift);
        uint64_t high = multiply_sticky(scale, (quarter + 2) << shift) - outside;

        uint64_t whole = middle >> 2, tens = whole / 10;
        bool tens_below = low <= 40 * tens, tens_above = 40 * tens + 40 <= high;
        if (whole >= 10 && tens_below != tens_above)
                return (Shortest){ tens + tens_above, power + 1 };
        bool below = low <= 4 * whole, above = 4 * whole + 4 <= high;
        if (below != above)
                return (Shortest){ whole + above, power };
        uint64_t half = 4 * whole + 2;
        bool up = middle > half || (middle == half && (whole & 1));
        return (Shortest){ whole + up, power };
}

static Shortest without_zeros(Shortest shortest) {
        for (; shortest.digits % 10 == 0; shortest.digits /= 10)
                shortest.exponent++;
        return shortest;
}

/* Exact, where the value is a whole number that is small enough. */
static bool is_whole(Binary value, int mantissa_bits, Shortest *out) {
        if (value.exponent > 0 || value.exponent <= -mantissa_bits || value.mantissa & (((uint64_t)1 << -value.exponent) - 1))
                return false;
        *out = (Shortest){ value.mantissa >> -value.exponent, 0 };
        return true;
}

static Shortest shortest_of_bits(uint64_t bits, int mantissa_bits, int bias) {
        uint64_t fraction = bits & (((uint64_t)1 << (mantissa_bits - 1)) - 1);
        int exponent = (int)(bits >> (mantissa_bits - 1));
        Binary value = { .mantissa = fraction, .exponent = 1 - bias };
        if (exponent > 0)
                value = (Binary){ fraction | (uint64_t)1 << (mantissa_bits - 1), exponent - bias, fraction == 0 && exponent > 1 };
        Shortest out;
        return without_zeros(is_whole(value, mantissa_bits, &out) ? out : shortest_of(value));
}

Shortest shortest_double(double value) {
        uint64_t bits;
        memcpy(&bits, &value, sizeof(bits));
        return shortest_of_bits(bits, 53, 1075);
}

Shortest shortest_float(float value) {
        uint32_t bits;
        memcpy(&bits, &value, sizeof(bits));
        return shortest_of_bits(bits, 24, 150);
}
