# SPDX-License-Identifier: Apache-2.0
"""One record of a clean file spoiled in every way: a delimiter, quote, escape, line end or wrong byte more or less, at every
place. Nothing is lost without a word, no neighbour is lost, and a row that is not in the clean file is only taken where the
spoiled text is a whole record in its own right, all of whose cells parse: nobody could tell. A regular expression of this
file's own is the judge."""

import json
import random
import re
from collections import defaultdict
from typing import Any, NamedTuple

from conftest import Project, counts

HEADER = b"id,name,amount,born,note\n"
RECORDS = [b'1,Anna,10.50,2024-01-01,"hello, world"', b'2,"Bo ""B""",20.25,2024-02-02,plain', b'3,Carl,30.00,2024-03-03,"two\nlines"',
           b"4,Dora,40.75,2024-04-04,x", b"5,\"Ella\",50.10,2024-05-05,", b"6,Finn,60.00,2024-06-06,\"\""]
ROWS = [("1", "Anna", "10.50", "2024-01-01", "hello, world"), ("2", 'Bo "B"', "20.25", "2024-02-02", "plain"),
        ("3", "Carl", "30.00", "2024-03-03", "two\nlines"), ("4", "Dora", "40.75", "2024-04-04", "x"),
        ("5", "Ella", "50.10", "2024-05-05", None), ("6", "Finn", "60.00", "2024-06-06", "")]
MORE = [b",", b'"', b"\\", b"\n", b"\r", b"\xff", b"\xc3", b"\0", b";", b"'"]
LESS = b',"\n\\'

FIELD = rb'("(?:[^"]|"")*"|[^",\r\n]*)'
RECORD = re.compile(rb",".join([FIELD] * 5) + rb"(?=\r\n|\n|\r|\Z)")
TYPES = [r"[ \t]*[+-]?\d{1,10}[ \t]*", r".*", r"[ \t]*[+-]?(?:\d{1,8}(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?[ \t]*", r"[ \t]*\d{4}-\d\d-\d\d[ \t]*", r".*"]


class Spoiled(NamedTuple):
    record: int
    how: str
    at: int
    content: bytes
    joined: bool  # the line end behind the record is gone: two records became one


def every_pollution() -> list[Spoiled]:
    found = []
    for index, record in enumerate(RECORDS):
        before = HEADER + b"".join(clean + b"\n" for clean in RECORDS[:index])
        after = b"".join(clean + b"\n" for clean in RECORDS[index + 1:])
        line = record + b"\n"
        for at in range(len(line)):
            for more in MORE:
                found.append(Spoiled(index, f"{more!r} more", at, before + line[:at] + more + line[at:] + after, False))
            if line[at] in LESS:
                found.append(Spoiled(index, f"{line[at:at + 1]!r} less", at, before + line[:at] + line[at + 1:] + after, at == len(record)))
    return found


def plain(field: bytes) -> str | None:
    text = field.decode()
    if text.startswith('"') and len(text) > 1:
        return text[1:-1].replace('""', '"')
    return text or None


def number(text: str | None) -> str | None:
    return None if text is None or not text.strip() else text.strip()


def could_be_records(content: bytes) -> set[tuple[str | None, ...]]:
    """Every record that can be cut out of the text from the beginning of a line on, and whose cells parse."""
    found = set()
    for start in [0, *(match.end() for match in re.finditer(rb"\r\n|\n|\r", content))]:
        match = RECORD.match(content, start)
        try:
            cells = [plain(field) for field in match.groups()] if match else None
        except UnicodeDecodeError:
            continue
        if cells and "\0" not in "".join(filter(None, cells)) and all(cell is None or re.fullmatch(kind, cell, re.S) for kind, cell in zip(TYPES, cells, strict=True)):
            found.add((number(cells[0]), cells[1], number(cells[2]), number(cells[3]), cells[4]))
    return found


def same(row: tuple[Any, ...], other: tuple[str | None, ...]) -> bool:
    """Numbers by value: 010.50 and 10.5 are one."""
    for place, (a, b) in enumerate(zip(row, other, strict=True)):
        if a is None or b is None or place in (1, 3, 4):
            if a != b:
                return False
        elif float(a) != float(b):
            return False
    return True


@counts("LODE_POLLUTIONS", 160, 100000, 900)
def test_every_single_pollution_is_told_or_cannot_be(project: Project, count: int) -> None:
    pollutions = every_pollution()
    assert len(pollutions) > 1500
    if count < len(pollutions):
        pollutions = random.Random(7).sample(pollutions, count)
    unique = list({spoiled.content: spoiled for spoiled in pollutions}.values())
    project.write("zones/p/zone.yml", "owner: root\n")
    project.write("zones/p/sources/c.yml", "from: ingress/c_*.csv\nformat: csv\ncolumns:\n  id: int\n  name: text\n"
                  "  amount: decimal(10,2)\n  born: date\n  note: text\n")
    for place, spoiled in enumerate(unique):
        project.drop("p", f"c_{place}.csv", spoiled.content)
    report = project.json("run", check=False)
    assert report["files"]["staged"] == len(unique), report["files"]
    rows, raws = defaultdict(list), defaultdict(list)
    for row in json.loads(project.lode("query", "select _file, id, name, amount::text as amount, born::text as born, note from p.staging.c", "-o", "json").stdout):
        rows[str(row["_file"])].append(tuple(None if row[key] is None else str(row[key]) for key in ("id", "name", "amount", "born", "note")))
    for row in project.json("show", "quarantine", "p.c", "--rows"):
        raws[str(row["delivery"])].append(row["raw"])
    untold = 0
    for delivery in report["deliveries"]:
        spoiled = unique[int(delivery["name"].removeprefix("c_").removesuffix(".csv"))]
        got, bad = rows[str(delivery["delivery"])], raws[str(delivery["delivery"])]
        what = (spoiled[:3], got, bad)
        assert delivery["records"] == delivery["accepted"] + delivery["quarantined"] + delivery["skipped"], what
        assert (len(got), len(bad)) == (delivery["accepted"], delivery["quarantined"]), what
        touched = {spoiled.record, min(spoiled.record + 1, len(ROWS) - 1)} if spoiled.joined else {spoiled.record}
        for index, clean in enumerate(ROWS):
            assert index in touched or any(same(row, clean) for row in got), ("a neighbour is lost", index, what)
        possible = could_be_records(spoiled.content)
        strange = [row for row in got if not any(same(row, clean) for clean in ROWS)]
        for row in strange:
            assert any(same(row, other) for other in possible), ("a wrong row that could be told", row, what)
        untold += len(strange)
        lost = [index for index in touched if not any(same(row, ROWS[index]) for row in got)]
        assert not lost or bad or strange, ("lost without a word", what)
    print(f"{len(unique)} spoiled files, {untold} rows that nobody could tell")
