# SPDX-License-Identifier: Apache-2.0
"""Parquet files made by hand, of pages that no writer would write."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BOOLEAN, INT64, TEXT = 0, 2, 6
REQUIRED, OPTIONAL = 0, 1
NONE, GZIP = 0, 2
PLAIN, IDS = 0, 8


class Long(int):
    """An integer that Thrift writes as one of 64 bits; others are of 32."""


Fields = list[tuple[int, Any]]  # of a struct; a number may come twice


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def zigzag(number: int) -> bytes:
    return varint((number << 1 ^ number >> 63) & (1 << 64) - 1)


def value(what: Any) -> tuple[int, bytes]:
    """Thrift's compact protocol: the type's number, and the bytes."""
    if isinstance(what, bytes):
        return 8, varint(len(what)) + what
    if isinstance(what, int):
        return 6 if isinstance(what, Long) else 5, zigzag(what)
    if isinstance(what, list) and (not what or isinstance(what[0], tuple)):
        return 12, struct_of(what)
    items = [value(item) for item in what]
    head = bytes([len(items) << 4 | items[0][0]]) if len(items) < 15 else bytes([0xF0 | items[0][0]]) + varint(len(items))
    return 9, head + b"".join(item for _, item in items)


def struct_of(fields: Fields) -> bytes:
    out, last = b"", 0
    for number, what in fields:
        kind, body = value(what)
        out += (bytes([number - last << 4 | kind]) if 0 < number - last < 16 else bytes([kind]) + zigzag(number)) + body
        last = number
    return out + b"\0"


@dataclass(frozen=True)
class Page:
    body: bytes  # as it is stored
    size: int  # unpacked
    values: int
    encoding: int = PLAIN
    is_dictionary: bool = False
    parts: Fields | None = None  # of the header, after the sizes; None: as they should be

    def bytes(self) -> bytes:
        parts = self.parts
        if parts is None:
            parts = [(7, [(1, self.values), (2, self.encoding)])] if self.is_dictionary else [(5, [(1, self.values), (2, self.encoding), (3, 3), (4, 3)])]
        return struct_of([(1, 2 if self.is_dictionary else 0), (2, self.size), (3, len(self.body)), *parts]) + self.body


def plain(body: bytes, values: int, **more: Any) -> Page:
    return Page(body, len(body), values, **more)


def longs(*numbers: int, **more: Any) -> Page:
    return plain(struct.pack(f"<{len(numbers)}q", *numbers), len(numbers), **more)


def texts(*words: bytes, **more: Any) -> Page:
    return plain(b"".join(struct.pack("<I", len(word)) + word for word in words), len(words), **more)


@dataclass(frozen=True)
class Column:
    name: str
    physical: int
    repetition: int
    groups: list[list[Page]]
    codec: int = NONE
    annotation: Fields | None = None  # of the schema's element


def write(path: Path, columns: list[Column], rows: list[int], order: list[int] | None = None, gap: bytes = b"") -> None:
    """order: in which the chunks of a group lie; gap: bytes behind each."""
    out, groups = b"PAR1", []
    for group, count in enumerate(rows):
        chunks: dict[int, Fields] = {}
        for index in order or range(len(columns)):
            column, start = columns[index], len(out)
            places, unpacked = {}, 0
            for page in column.groups[group]:
                places.setdefault(page.is_dictionary, len(out))
                unpacked += len(page.bytes()) - len(page.body) + page.size
                out += page.bytes()
            meta: Fields = [(1, column.physical), (2, [PLAIN, 3, IDS]), (3, [column.name.encode()]), (4, column.codec), (5, Long(count)), (6, Long(unpacked)),
                            (7, Long(len(out) - start)), (9, Long(places[False]))]
            chunks[index] = [(2, Long(0)), (3, meta + ([(11, Long(places[True]))] if True in places else []))]
            out += gap
        groups.append([(1, [chunks[index] for index in range(len(columns))]), (2, Long(len(out))), (3, Long(count))])
    schema: list[Fields] = [[(4, b"schema"), (5, len(columns))]]
    schema += [[(1, column.physical), (3, column.repetition), (4, column.name.encode()), *(column.annotation or [])] for column in columns]
    footer = struct_of([(1, 1), (2, schema), (3, Long(sum(rows))), (4, groups), (6, b"by hand")])
    path.write_bytes(out + footer + struct.pack("<I", len(footer)) + b"PAR1")
