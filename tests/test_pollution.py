# SPDX-License-Identifier: Apache-2.0
"""One record of a clean file spoiled in every way: a delimiter, quote, escape, line end or wrong byte more or less, at every
place. Nothing is lost without a word, no neighbour is lost, no row comes twice, and a row that is not in the clean file is only
taken where the spoiled text is a whole record in its own right, all of whose cells parse: nobody could tell. Those are listed in
docs/pollution.md, which the full suite compares (LODE_UPDATE=1 writes it). A regular expression of this file's own is the judge."""

import json
import os
import random
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, NamedTuple

from conftest import ROOT, Project, counts

PAGE = ROOT / "docs" / "pollution.md"
COLUMNS = ["id", "name", "amount", "born", "note"]
TYPES = [r"[ \t]*[+-]?\d{1,10}[ \t]*", r".*", r"[ \t]*[+-]?(?:\d{1,8}(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?[ \t]*", r"[ \t]*\d{4}-\d\d-\d\d[ \t]*", r".*"]
MORE = [b",", b'"', b"\\", b"\n", b"\r", b"\xff", b"\xc3", b"\0", b";", b"'"]

Row = tuple[str | None, ...]


@dataclass(frozen=True)
class Clean:
    """A clean file, how its source says that it is written, and what its rows are."""

    name: str
    words: str  # for the page
    dialect: str
    delimiter: bytes
    end: bytes
    field: bytes
    escape: bytes  # before a quote inside of quotes
    records: list[bytes]
    rows: list[Row]

    @property
    def record(self) -> re.Pattern[bytes]:
        return re.compile(self.delimiter.join([self.field] * len(COLUMNS)) + rb"(?=\r\n|\n|\r|\Z)", re.S)

    @property
    def less(self) -> bytes:
        """What is taken away where it stands."""
        return self.delimiter + b'"\\\r\n' + bytes(range(0x80, 0x100))

    def plain(self, field: bytes) -> str | None:
        text = field.decode()
        if text.startswith('"') and len(text) > 1:
            return re.sub(re.escape(self.escape.decode()) + "(.)", r"\1", text[1:-1], flags=re.S)
        return text or None


CLEAN = [
    Clean("doubled", "commas, doubled quotes, LF", "", b",", b"\n", rb'("(?:[^"]|"")*"|[^",\r\n]*)', b'"',
          [b'1,Anna,10.50,2024-01-01,"hello, world"', b'2,"Bo ""B""",20.25,2024-02-02,plain', b'3,Carl,30.00,2024-03-03,"two\nlines"',
           "4,Dorä,40.75,2024-04-04,x".encode(), b"5,\"Ella\",50.10,2024-05-05,", b"6,Finn,60.00,2024-06-06,\"\""],
          [("1", "Anna", "10.50", "2024-01-01", "hello, world"), ("2", 'Bo "B"', "20.25", "2024-02-02", "plain"),
           ("3", "Carl", "30.00", "2024-03-03", "two\nlines"), ("4", "Dorä", "40.75", "2024-04-04", "x"),
           ("5", "Ella", "50.10", "2024-05-05", None), ("6", "Finn", "60.00", "2024-06-06", "")]),
    Clean("escaped", "semicolons, `\\` before quotes, CRLF", "delimiter: ';'\nescape: '\\'\n", b";", b"\r\n", rb'("(?:[^"\\]|\\.)*"|[^";\r\n]*)', b"\\",
          [b'1;Anna;10.50;2024-01-01;"hello; world"', b'2;"Bo \\"B\\"";20.25;2024-02-02;plain', b'3;Carl;30.00;2024-03-03;"two\nlines"',
           "4;\"D\\\\orä\";40.75;2024-04-04;x\\y".encode(), b'5;"Ella";50.10;2024-05-05;', b'6;Finn;60.00;2024-06-06;""',
           b'7;"a\\\\";70.00;2024-07-07;"\\"b\\\\c\\" d\\\\"'],
          [("1", "Anna", "10.50", "2024-01-01", "hello; world"), ("2", 'Bo "B"', "20.25", "2024-02-02", "plain"),
           ("3", "Carl", "30.00", "2024-03-03", "two\nlines"), ("4", "D\\orä", "40.75", "2024-04-04", "x\\y"),
           ("5", "Ella", "50.10", "2024-05-05", None), ("6", "Finn", "60.00", "2024-06-06", ""),
           ("7", "a\\", "70.00", "2024-07-07", '"b\\c" d\\')]),
]


class Spoiled(NamedTuple):
    record: int
    how: str
    at: int
    column: str
    content: bytes
    joined: bool  # the line end behind the record is gone: two records became one


def column_at(clean: Clean, record: bytes, at: int) -> str:
    """The column in which a place of the record lies."""
    match = clean.record.match(record)
    assert match, record
    return next((name for number, name in enumerate(COLUMNS, 1) if at <= match.end(number)), "behind")


def every_pollution(clean: Clean) -> list[Spoiled]:
    found = []
    header = clean.delimiter.join(name.encode() for name in COLUMNS) + clean.end
    for index, record in enumerate(clean.records):
        before = header + b"".join(other + clean.end for other in clean.records[:index])
        after = b"".join(other + clean.end for other in clean.records[index + 1:])
        line = record + clean.end
        for at in range(len(line)):
            column = column_at(clean, record, at)
            for more in MORE:
                found.append(Spoiled(index, f"{ascii(more)[1:]} more", at, column, before + line[:at] + more + line[at:] + after, False))
            if line[at] in clean.less:
                how = "byte of a letter less" if line[at] >= 0x80 else f"{ascii(line[at:at + 1])[1:]} less"
                joined = line[at:] == clean.end == b"\n"
                found.append(Spoiled(index, how, at, column, before + line[:at] + line[at + 1:] + after, joined))
    return list({spoiled.content: spoiled for spoiled in reversed(found)}.values())


def number(text: str | None) -> str | None:
    return None if text is None or not text.strip() else text.strip()


def could_be_records(clean: Clean, content: bytes) -> list[Row]:
    """Every record that can be cut out of the text from the beginning of a line on, and whose cells parse; once for each place."""
    found = []
    pattern = clean.record
    for start in [0, *(match.end() for match in re.finditer(rb"\r\n|\n|\r", content))]:
        match = pattern.match(content, start)
        try:
            cells = [clean.plain(field) for field in match.groups()] if match else None
        except UnicodeDecodeError:
            continue
        fits = cells and all(cell is None or (re.fullmatch(kind, cell, re.S) and "\0" not in cell) for kind, cell in zip(TYPES, cells, strict=True))
        if fits:
            found.append((number(cells[0]), cells[1], number(cells[2]), number(cells[3]), cells[4]))
    return found


def same(row: Row, other: Row) -> bool:
    """Numbers by value: 010.50 and 10.5 are one."""
    for place, (a, b) in enumerate(zip(row, other, strict=True)):
        if a is None or b is None or place in (1, 3, 4):
            if a != b:
                return False
        elif float(a) != float(b):
            return False
    return True


def take(rows: list[Row], wanted: Row) -> bool:
    """Takes one such row out of the rows, if there is one."""
    for index, row in enumerate(rows):
        if same(row, wanted):
            del rows[index]
            return True
    return False


def judge(clean: Clean, spoiled: Spoiled, got: list[Row], quarantined: list[str]) -> list[Row]:
    """The rows that nobody could tell; each row that came and each that the text has is counted once."""
    what = (clean.name, spoiled[:4], got, quarantined)
    last = len(clean.rows) - 1
    touched = {spoiled.record, min(spoiled.record + 1, last)} if spoiled.joined else {spoiled.record}
    strange, possible, lost = list(got), could_be_records(clean, spoiled.content), []
    for index, row in enumerate(clean.rows):
        if take(strange, row):
            take(possible, row)
        else:
            lost.append(index)
    assert not set(lost) - touched, ("a neighbour is lost", lost, what)
    for row in strange:
        assert take(possible, row), ("a wrong row that could be told, or a row twice", row, what)
    assert not lost or quarantined or strange, ("lost without a word", what)
    return strange


class Found(NamedTuple):
    """What became of a spoiled file."""

    clean: Clean
    spoiled: Spoiled
    told: bool
    untold: list[Row]


def shown(row: Row) -> str:
    return " ".join("NULL" if cell is None else ascii(cell) if place in (1, 4) else cell for place, cell in enumerate(row))


def page(found: list[Found]) -> str:
    text = PAGE.read_text()
    lines = ["| file | one byte | places | harmless | quarantined | taken | taken in | as in |", "|---|---|---|---|---|---|---|---|"]
    groups = defaultdict(list)
    for one in found:
        groups[(one.clean.words, one.spoiled.how)].append(one)
    for (words, how), ones in sorted(groups.items()):
        untold = [one for one in ones if one.untold]
        told = sum(one.told and not one.untold for one in ones)
        columns = ", ".join(name for name in [*COLUMNS, "behind"] if any(one.spoiled.column == name for one in untold))
        example = f"`{shown(min(untold, key=lambda one: (one.spoiled.record, one.spoiled.at)).untold[0])}`" if untold else ""
        what, _, change = how.rpartition(" ")
        harmless = len(ones) - told - len(untold)
        lines.append(f"| {words} | `{what}` {change} | {len(ones)} | {harmless} | {told} | {len(untold)} | {columns} | {example} |")
    return text[:text.index("| file |")] + "\n".join(lines) + "\n"


def listed() -> set[tuple[str, str]]:
    """Of which changes to which files the page says that some cannot be told."""
    cells = [line.split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return {(row[0].removeprefix("| "), row[1].replace("`", "")) for row in cells if len(row) > 5 and row[5].strip().isdigit() and int(row[5]) > 0}


def staged(project: Project, cleans: list[list[Spoiled]]) -> list[Found]:
    """All of them dropped and run once, and each judged."""
    project.write("zones/p/zone.yml", "owner: root\n")
    for clean, spoiled in zip(CLEAN, cleans, strict=True):
        project.write(f"zones/p/sources/{clean.name}.yml", f"from: ingress/{clean.name}_*.csv\nformat: csv\n{clean.dialect}columns:\n  id: int\n"
                      "  name: text\n  amount: decimal(10,2)\n  born: date\n  note: text\n")
        for place, one in enumerate(spoiled):
            project.drop("p", f"{clean.name}_{place}.csv", one.content)
    report = project.lode("run", "-o", "json", check=False, timeout=1000).json
    assert report["files"]["staged"] == sum(map(len, cleans)), report["files"]
    rows, raws, found = defaultdict(list), defaultdict(list), []
    for clean in CLEAN:
        sql = f"select _file, id, name, amount::text as amount, born::text as born, note from p.staging.{clean.name}"
        for row in json.loads(project.lode("query", sql, "-o", "json").stdout):
            rows[str(row["_file"])].append(tuple(None if row[key] is None else str(row[key]) for key in COLUMNS))
        for bad in project.json("show", "quarantine", f"p.{clean.name}", "--rows"):
            raws[str(bad["delivery"])].append(bad["raw"])
    for delivery in report["deliveries"]:
        number = [clean.name for clean in CLEAN].index(delivery["source"])
        clean, spoiled = CLEAN[number], cleans[number][int(re.sub(r"\D", "", delivery["name"]))]
        got, bad = rows[str(delivery["delivery"])], raws[str(delivery["delivery"])]
        assert (len(got), len(bad)) == (delivery["accepted"], delivery["quarantined"]), (clean.name, spoiled[:4], got, bad)
        found.append(Found(clean, spoiled, bool(bad), judge(clean, spoiled, got, bad)))
    return found


@counts("LODE_POLLUTIONS", 240, 100000, 1200)
def test_every_single_pollution_is_told_or_cannot_be(project: Project, count: int) -> None:
    cleans = [every_pollution(clean) for clean in CLEAN]
    every = count >= sum(map(len, cleans))
    assert all(len(spoiled) > 1500 for spoiled in cleans)
    found = staged(project, cleans if every else [random.Random(7).sample(spoiled, count // len(CLEAN)) for spoiled in cleans])
    print(f"{len(found)} spoiled files, {sum(len(one.untold) for one in found)} rows that nobody could tell")
    if every and os.environ.get("LODE_UPDATE"):
        PAGE.write_text(page(found))
    if every:
        assert PAGE.read_text() == page(found), "docs/pollution.md is stale: run this case with LODE_UPDATE=1"
    untold = {(one.clean.words, one.spoiled.how) for one in found if one.untold}
    assert untold <= listed(), "what nobody can tell is on the page"


def test_the_judge_finds_what_is_wrong() -> None:
    """A row twice, one that is lost, one that is made up."""
    clean = CLEAN[0]
    spoiled = next(one for one in every_pollution(clean) if one.how == "'\\xff' more" and one.record == 2)
    good = [row for index, row in enumerate(clean.rows) if index != 2]
    assert judge(clean, spoiled, good, ["3,..."]) == []
    for rows, bad in [([*good, good[0]], ["3,..."]), (good[1:], ["3,..."]), (good, []), ([*good, ("3", "C", "30.00", "2024-03-03", "x")], ["3,..."])]:
        try:
            judge(clean, spoiled, rows, bad)
        except AssertionError:
            continue
        raise ValueError((rows, bad))
