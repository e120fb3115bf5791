# SPDX-License-Identifier: Apache-2.0
"""The checksums in a catalog's pages, for tests that write to one by SQLite alone."""

import ctypes
from pathlib import Path

PAGE = 4096


def xxh3(data: bytes) -> int:
    """By the library that lode itself loads."""
    library = ctypes.CDLL("libxxhash.so.0")
    library.XXH3_64bits.restype = ctypes.c_uint64
    library.XXH3_64bits.argtypes = (ctypes.c_char_p, ctypes.c_size_t)
    return int(library.XXH3_64bits(data, len(data)))


def sign_pages(path: Path) -> None:
    """As if lode had written all that is in them."""
    pages = bytearray(path.read_bytes())
    for number in range(len(pages) // PAGE):
        at = number * PAGE
        mark = xxh3(bytes(pages[at:at + PAGE - 8])) ^ ((number + 1) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF)
        pages[at + PAGE - 8:at + PAGE] = mark.to_bytes(8, "little")
    path.write_bytes(pages)
