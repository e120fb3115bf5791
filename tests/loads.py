# SPDX-License-Identifier: Apache-2.0
"""What merge and history make of deliveries, worked out a second time: no SQL, one key at a time.

A row is a dict of texts, "" where nothing stands. A delivery is its file's name, its bytes and its rows; its time is the
date in its name. Nothing here knows in which order deliveries came."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

Row = dict[str, str]
Version = tuple[Row, str, str]  # the row, from when it held, and until when ("" while it does)


@dataclass(frozen=True)
class Delivered:
    name: str
    time: str  # as text that sorts by time
    content: bytes = field(repr=False)
    rows: list[Row] = field(repr=False)

    @property
    def place(self) -> tuple[str, str, str]:
        return self.time, self.name, hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Load:
    key: tuple[str, ...]
    order: tuple[str, ...] = ()  # columns whose texts sort by time
    gone: tuple[str, str] | None = None  # a column and its value
    keep_absent: bool = False

    def is_gone(self, row: Row) -> bool:
        return self.gone is not None and row[self.gone[0]] == self.gone[1]

    def same(self, one: Row, other: Row) -> bool:
        apart = {*self.key, *self.order, *([self.gone[0]] if self.gone else [])}
        return all(one[name] == other[name] for name in one if name not in apart)


def once(deliveries: Iterable[Delivered]) -> list[Delivered]:
    """The same bytes as of the same time are a duplicate, and the oldest come first."""
    return sorted({(each.content, each.time): each for each in deliveries}.values(), key=lambda each: each.place)


def rows_by_key(load: Load, deliveries: Iterable[Delivered]) -> dict[tuple[str, ...], list[tuple[Row, str]]]:
    """Each key's rows, the oldest first, with the times of their deliveries."""
    found: dict[tuple[str, ...], list[tuple[Row, str]]] = {}
    for delivered in once(deliveries):
        for row in delivered.rows:
            found.setdefault(tuple(row[name] for name in load.key), []).append((row, delivered.time))
    for rows in found.values():
        rows.sort(key=lambda pair: tuple(pair[0][name] for name in load.order))  # stable: ties stay as they came
    return found


def merged(load: Load, deliveries: Iterable[Delivered]) -> list[Row]:
    last = [rows[-1][0] for rows in rows_by_key(load, deliveries).values()]
    return [row for row in last if not load.is_gone(row)]


def history(load: Load, deliveries: Iterable[Delivered]) -> list[Version]:
    deliveries = list(deliveries)
    snapshots = sorted({delivered.time for delivered in deliveries})
    ends = {} if load.order or load.keep_absent else dict(zip(snapshots, [*snapshots[1:], ""], strict=True))
    versions: list[Version] = []
    for rows in rows_by_key(load, deliveries).values():
        at: dict[str, Row] = {}
        for row, time in rows:
            at[row[load.order[0]] if load.order else time] = row  # the last of one time holds
        times = sorted(at)
        current: Version | None = None
        for time, following in zip(times, [*times[1:], ""], strict=True):
            until = ends.get(time, following) if ends else following
            row = at[time]
            if current and (current[2] != time or load.is_gone(row) or not load.same(current[0], row)):
                versions.append(current)
                current = None
            if not load.is_gone(row):
                current = (current[0], current[1], until) if current else (row, time, until)
        if current:
            versions.append(current)
    return versions
