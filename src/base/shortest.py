# SPDX-License-Identifier: Apache-2.0
"""Writes the powers of ten of shortest.c: for each from 10^-292 to 10^324 its top 128 binary digits, rounded up."""

import sys


def top_bits(power: int) -> int:
    above, below = 10 ** max(power, 0), 10 ** max(-power, 0)
    shift = 128 - (above.bit_length() - below.bit_length())
    while True:
        scaled = -(-(above << max(shift, 0)) // (below << max(-shift, 0)))
        if scaled.bit_length() == 128:
            return scaled
        shift += 128 - scaled.bit_length()


with open(sys.argv[1], "w", encoding="ascii") as out:
    for power in range(-292, 325):
        bits = top_bits(power)
        print(f"{{ {bits >> 64:#018x}, {bits & (1 << 64) - 1:#018x} }},", file=out)
