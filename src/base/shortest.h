/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The fewest decimal digits that read back as the same float or double, and among these the nearest to it: what PostgreSQL
 * prints since version 12. Pure; any thread. Method: R. Giulietti, "The Schubfach way to render doubles" (2021).
 */
#include <stdint.h>

typedef struct Shortest {
        uint64_t digits; /* at most 17 digits, the last of them not 0 */
        int exponent;    /* the value is digits x 10^exponent */
} Shortest;

/* Of a finite value above 0. */
Shortest shortest_double(double value);
Shortest shortest_float(float value);
