# SPDX-License-Identifier: Apache-2.0
"""Deliveries that are small and become gigabytes, that nest without end, or of which one field has no end. Each is held, or its
record kept aside, with the limit in words; the records beside it are in the table; and neither lode nor a worker takes the
memory for it, in `run` as in `add`. What takes gigabytes of disk or minutes is in the full suite, each with a small one here."""

import bz2
import gzip
import lzma
import os
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow
import pytest
import workbook
from conftest import Memory, Project

MEGABYTE = 1 << 20
MOST_LODE, MOST_WORKER = 40, 200  # megabytes of memory, whatever comes; as much again and more are a workbook's shared texts
MOST_TEXTS = 256

Pieces = Sequence[tuple[bytes, int]]  # bytes, and how many times they stand one after the other


# ---- what unpacks to much ----


def deflated(pieces: Pieces) -> tuple[bytes, int, int]:
    """Raw deflate, with the check sum and the size of what comes out. A piece is packed once, and stands as often as it comes."""
    packed, crc, size = [], 0, 0
    for piece, times in pieces:
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        packed.append((packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)) * times)
        for _ in range(times):
            crc = zlib.crc32(piece, crc)
        size += len(piece) * times
    return b"".join(packed) + b"\x03\x00", crc, size


def zipped(members: dict[str, Pieces], says: int | None = None, times_listed: int = 1) -> bytes:
    """`says`: the size that the archive claims of each member. times_listed: so many members share the bytes of each."""
    body = directory = b""
    for name, pieces in members.items():
        packed, crc, size = deflated(pieces)
        facts = struct.pack("<HHHHHIII", 20, 0, 8, 0, 0x21, crc, len(packed), size if says is None else says)
        for listed in [name, *(f"{number}_{name}" for number in range(1, times_listed))]:
            directory += b"PK\x01\x02\x14\0" + facts + struct.pack("<HHHHHII", len(listed), 0, 0, 0, 0, 0, len(body)) + listed.encode()
        body += b"PK\x03\x04" + facts + struct.pack("<HH", len(name), 0) + name.encode() + packed
    count = len(members) * times_listed
    return body + directory + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(directory), len(body), 0)


def gzipped(pieces: Pieces) -> bytes:
    packed, crc, size = deflated(pieces)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + packed + struct.pack("<II", crc, size & 0xFFFFFFFF)


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress,
    "zstd": lambda data: pyarrow.compress(data, codec="zstd", asbytes=True)}


def packed(pack: Callable[[bytes], bytes], pieces: Pieces) -> bytes:
    """A member of the codec for each piece."""
    return b"".join(pack(piece) * times for piece, times in pieces)


def one_line(megabytes: int, before: bytes = b"", behind: bytes = b"") -> Pieces:
    """A table of three records, of which the second one's field has so many megabytes."""
    return [(b"id,note\n1,before\n2," + before, 1), (b"x" * (8 * MEGABYTE), megabytes // 8), (behind + b"\n3,after\n", 1)]


def tar_of(megabytes: int) -> Pieces:
    header = b"orders_1.csv".ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + b"%011o\0" % (megabytes * MEGABYTE) + b"0" * 11 + b"\0"
    header = (header + b" " * 8 + b"0").ljust(257, b"\0") + b"ustar\00000"
    header = header.ljust(512, b"\0")
    return [(header[:148] + b"%06o\0 " % sum(header) + header[156:], 1), (b"\0" * (8 * MEGABYTE), megabytes // 8), (b"\0" * 1024, 1)]


# ---- workbooks ----

BEFORE, AFTER = '<row r="2"><c r="A2"><v>1</v></c></row>', '<row r="4"><c r="A4"><v>3</v></c></row>'
HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c><c r="B1" t="inlineStr"><is><t>note</t></is></c></row>'


def book(parts: dict[str, Pieces] | None = None, row: str = "") -> dict[str, Pieces]:
    """A good workbook of two records with a third row between them, and with these parts in the place of its own."""
    good = workbook.parts({"s": workbook.sheet(HEADER + BEFORE + row + AFTER)}, shared="<si><t>shared</t></si>")
    return {name: [(text.encode(), 1)] for name, text in good.items()} | (parts or {})


def between(name: str, mark: str, pieces: Pieces, row: str = "") -> dict[str, Pieces]:
    """A workbook in one of whose parts these pieces stand before the mark."""
    good = book(row=row)
    text = good[name][0][0]
    at = text.index(mark.encode())
    return good | {name: [(text[:at], 1), *pieces, (text[at:], 1)]}


SHEET, SHARED, STYLES = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"
LONG_CELL = '<row r="3"><c r="A3"><v>2</v></c><c r="B3" t="inlineStr"><is><t>LONG</t></is></c></row>'
LAUGHS = "<!DOCTYPE lolz [<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 11)) + "]>"


def laughing(name: str) -> dict[str, Pieces]:
    """Ten to the tenth laughs in the part's first element."""
    text = book()[name][0][0].decode()
    begin = text.index("<", text.index("?>"))
    inside = text.index(">", begin) + 1
    return book({name: [((text[:begin] + LAUGHS + text[begin:inside] + "&a10;" + text[inside:]).encode(), 1)]})


# ---- the cases ----


class Bomb(NamedTuple):
    name: str  # of the file
    make: Callable[[], bytes | Pieces]
    held: str = ""  # in the message; empty: it is staged, its good records are 1 and 3, and these are kept aside:
    rules: tuple[str, ...] = ("record_too_long",)
    form: str = "csv"
    more: str = ""  # of the source's text
    add: str = ""  # words of `add`, where it refuses
    memory: int = MOST_WORKER


RATIO = "holds more than 1000 times its size, which is the limit for what has more than 1 GB"
DEEP = 10**6
LIMIT = 16 * MEGABYTE
KEYS = "brings more different keys than can be columns (4096)"
NESTED = "more than 512 values inside each other"

SMALL = [
    Bomb("zeros.zip", lambda: zipped({"orders_1.csv": [(b"\0" * (8 * MEGABYTE), 256)]}), held=RATIO, add=RATIO),
    Bomb("parts.zip", lambda: zipped({f"orders_{n}.csv": [(b"\0" * (8 * MEGABYTE), 40)] for n in range(8)}), held=RATIO, add=RATIO),
    Bomb("liar.zip", lambda: zipped({"orders_1.csv": [(b"\0" * (8 * MEGABYTE), 256)]}, says=100),
         held="the archive is damaged", add="the archive is damaged"),
    Bomb("shared.zip", lambda: zipped({"orders_1.csv": [(b"\0" * (8 * MEGABYTE), 1)]}, times_listed=1000),
         held="the archive is damaged", add="the archive is damaged"),
    Bomb("zeros.tar.gz", lambda: gzipped(tar_of(2048)), held=RATIO, add=RATIO),

    *(Bomb(f"line.{name}", lambda pack=pack: packed(pack, one_line(40))) for name, pack in PACK.items()),
    Bomb("one_member.gz", lambda: gzipped(one_line(40))),
    Bomb("quoted.csv", lambda: one_line(40, b'"', b'"')),
    Bomb("never_closed.csv", lambda: one_line(40, b'"')),
    Bomb("fixed.txt", lambda: [(b"1before\n", 1), (b"2" + b"x" * MEGABYTE, 40), (b"\n3after\n", 1)], form="fixed", more="header: no\n"),

    Bomb("blanks.xlsx", lambda: zipped(between(SHEET, AFTER, [(b" " * (8 * MEGABYTE), 5)])), rules=(), form="xlsx"),
    Bomb("many_blanks.xlsx", lambda: zipped(between(SHEET, AFTER, [(b" " * (8 * MEGABYTE), 160)])), held=RATIO, add=RATIO, form="xlsx"),
    Bomb("cell.xlsx", lambda: zipped(between(SHEET, "LONG", [(b"x" * (8 * MEGABYTE), 5)], LONG_CELL)), form="xlsx"),
    Bomb("texts.xlsx", lambda: zipped(between(SHARED, "</sst>", [(b"<si><t>" + b"many texts" * 1000 + b"</t></si>", 27000)])),
         held=f"shared texts take more than {256 * MEGABYTE} bytes, their limit", form="xlsx", memory=MOST_WORKER + MOST_TEXTS),
    Bomb("text.xlsx", lambda: zipped(between(SHARED, "shared<", [(b"one text" * MEGABYTE, 33)])),
         held=f"shared texts take more than {256 * MEGABYTE} bytes, their limit", form="xlsx", memory=MOST_WORKER + MOST_TEXTS),
    Bomb("styles.xlsx", lambda: zipped(between(STYLES, "</cellXfs>", [(b'<xf numFmtId="0"/>' * 10000, 400)])),
         held=f"'{STYLES}' has more than {64 * MEGABYTE} bytes when decompressed, its limit", form="xlsx"),
    *(Bomb(f"laughs_{number}.xlsx", lambda name=name: zipped(laughing(name)), held=f"'{name}' declares a document type", form="xlsx")
      for number, name in enumerate([SHEET, SHARED, STYLES, "xl/workbook.xml", "_rels/.rels", "xl/_rels/workbook.xml.rels"])),

    Bomb("deep.json", lambda: [(b'[{"id":1},{"id":2,"note":', 1), (b"[", DEEP), (b"]", DEEP), (b'},{"id":3}]', 1)], rules=("bad_json",), form="json"),
    Bomb("deep_keys.json", lambda: [(b'[{"id":1},{"id":2,"note":', 1), (b'{"a":', DEEP), (b"1", 1), (b"}", DEEP), (b'},{"id":3}]', 1)],
         rules=("bad_json",), form="json"),
    Bomb("deep_alone.json", lambda: [(b"[", DEEP), (b"]", DEEP)], held=NESTED, form="json", add=NESTED),
    Bomb("deep_open.json", lambda: [(b"[", DEEP)], held=f"from line 1, column {DEEP + 1} on: the text ends inside a value", form="json"),
    Bomb("deep.jsonl", lambda: [(b'{"id":1}\n{"id":2,"note":', 1), (b"[", DEEP), (b"]", DEEP), (b'}\n{"id":3}\n', 1)],
         rules=("bad_json",), form="jsonl"),
    Bomb("deep_lines.jsonl", lambda: [(b'{"id":1}\n', 1), (b"[" * DEEP + b"]" * DEEP + b"\n", 3), (b"[" * DEEP + b"\n", 3), (b'{"id":3}\n', 1)],
         rules=("bad_json",) * 6, form="jsonl", more="tolerate: 100%\n"),
    Bomb("string.jsonl", lambda: [(b'{"id":1}\n{"id":2,"note":"', 1), (b"x" * MEGABYTE, 40), (b'"}\n{"id":3}\n', 1)], form="jsonl"),
    Bomb("string.json", lambda: [(b'[{"id":1},{"id":2,"note":"', 1), (b"x" * MEGABYTE, 40), (b'"},{"id":3}]', 1)],
         held=f"over the limit of {LIMIT} bytes for a record", form="json"),
    Bomb("key.jsonl", lambda: [(b'{"id":1}\n{"id":2,"', 1), (b"k" * MEGABYTE, 40), (b'":1}\n{"id":3}\n', 1)], form="jsonl"),
    Bomb("keys.jsonl", lambda: b'{"id":1}\n{' + b",".join(b'"k%d":1' % n for n in range(10**5)) + b'}\n{"id":3}\n', held=KEYS, form="jsonl"),

    Bomb("header.csv", lambda: b",".join(b"c%d" % n for n in range(10**5)) + b"\n" + b"1," * (10**5 - 1) + b"1\n",
         held="the header has 100000 fields; at most 4096 are read", add="4096"),
    Bomb("wide.csv", lambda: b"id,note\n1,before\n" + b"2," * (10**5 - 1) + b"2\n3,after\n", rules=("wrong_width",)),
]

LARGE = [
    *(Bomb(f"line.{name}", lambda pack=pack: packed(pack, one_line(1280)), held=RATIO) for name, pack in PACK.items()),
    Bomb("one_member.gz", lambda: gzipped(one_line(1280)), held=RATIO),
    Bomb("quoted.csv", lambda: one_line(1024, b'"', b'"')),
    Bomb("never_closed.csv", lambda: one_line(1024, b'"')),
    Bomb("cell.xlsx", lambda: zipped(between(SHEET, "LONG", [(b"x" * (8 * MEGABYTE), 160)], LONG_CELL)), held=RATIO, form="xlsx"),
    Bomb("empty_texts.xlsx", lambda: zipped(between(SHARED, "</sst>", [(b"<si/>" * MEGABYTE, 100)])),
         held=f"shared texts take more than {256 * MEGABYTE} bytes, their limit", form="xlsx", memory=MOST_WORKER + MOST_TEXTS),
    Bomb("string.jsonl", lambda: [(b'{"id":1}\n{"id":2,"note":"', 1), (b"x" * MEGABYTE, 1024), (b'"}\n{"id":3}\n', 1)], form="jsonl"),
    Bomb("string.json", lambda: [(b'[{"id":1},{"id":2,"note":"', 1), (b"x" * MEGABYTE, 1024), (b'"},{"id":3}]', 1)],
         held=f"over the limit of {LIMIT} bytes for a record", form="json"),
]

CASES = [*(pytest.param(bomb, id=bomb.name) for bomb in SMALL),
         *(pytest.param(bomb, id=f"large {bomb.name}", marks=[pytest.mark.full, pytest.mark.timeout(900)]) for bomb in LARGE)]


def write(path: Path, content: bytes | Pieces) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for piece, times in [(content, 1)] if isinstance(content, bytes) else content:
            for _ in range(times) if len(piece) >= MEGABYTE else range(1):
                file.write(piece if len(piece) >= MEGABYTE else piece * times)
    return path


def assert_little(bomb: Bomb, memory: Memory, store: Path) -> None:
    """Of memory, and of disk: nothing that was unpacked is left."""
    assert memory.lode < MOST_LODE and memory.worker < bomb.memory, memory
    assert not list(store.glob("commit/unpacked/**/*.csv"))


@pytest.mark.parametrize("bomb", CASES)
def test_a_bomb_is_held_or_kept_aside_and_takes_no_memory(project: Project, bomb: Bomb) -> None:
    columns = "  id: int at 1-1\n  note: text at 2-20\n" if bomb.form == "fixed" else "  id: int\n  note: text\n"
    archive = bomb.name.endswith((".zip", ".tar.gz"))
    project.write("zones/z/zone.yml", "owner: root\n")
    source = f"from: ingress/{'orders_*' if archive else bomb.name}\nformat: {bomb.form}\n{bomb.more}columns:\n{columns}"
    project.write("zones/z/sources/s.yml", source)
    given = write(project.root / "in" / bomb.name, bomb.make())
    (project.root / "ingress/z").mkdir(parents=True)
    os.link(given, project.root / "ingress/z" / bomb.name)
    answer, memory = project.measured("run", "-o", "json")
    report = answer.json
    print(memory)
    assert_little(bomb, memory, project.store)
    (delivery,) = report["deliveries"]
    if bomb.held:
        assert (delivery["state"], delivery["accepted"]) == ("held", 0) and bomb.held in delivery["message"], delivery
    else:
        assert delivery["state"] == "staged", delivery
        assert project.query("select id from z.staging.s order by id") == [{"id": 1}, {"id": 3}]
        assert tuple(row["rule"] for row in project.json("show", "quarantine", "--rows")) == bomb.rules
    answer, memory = project.measured("add", "other", f"in/{bomb.name}", "-o", "json")
    print(memory)
    assert_little(bomb, memory, project.store)
    assert answer.exit in (0, 1), answer
    assert bomb.add in answer.stdout, answer.stdout
