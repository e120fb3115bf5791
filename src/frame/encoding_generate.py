# SPDX-License-Identifier: Apache-2.0
"""Writes encoding.inc: what the bytes of each encoding mean, as Python's codecs have it.

Of each encoding: what single bytes from 0x80 mean, and where it has them what pairs mean (lead 0x81 to 0xFE, trail 0x40
to 0xFE); of EUC-JP the triples after 0x8F, of GB 18030 the runs of four bytes. 0 stands for nothing."""

import sys
from pathlib import Path

SINGLE = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "iso8859_2", "iso8859_7", "iso8859_9", "iso8859_15", "koi8_r", "cp437", "cp850", "mac_roman"]
DOUBLE = ["cp932", "gb18030", "cp949", "cp950", "euc_jp"]
LEADS, TRAILS = range(0x81, 0xFF), range(0x40, 0xFF)


def meaning(codec: str, raw: bytes) -> int:
    try:
        text = raw.decode(codec)
    except UnicodeDecodeError:
        return 0
    return ord(text) if len(text) == 1 else 0


def single(codec: str, byte: int) -> int:
    """Windows gives bytes that Shift-JIS and its kin do not have a control or a private letter: damage, not text."""
    point = meaning(codec, bytes([byte]))
    return 0 if codec in DOUBLE and (point <= 0xA0 or 0xE000 <= point <= 0xF8FF) else point


def array(name: str, points: list[int]) -> str:
    assert all(point < 0x10000 for point in points), name
    rows = [", ".join(map(str, points[at:at + 24])) for at in range(0, len(points), 24)]
    return f"static const uint16_t {name}[] = {{\n" + ",\n".join(rows) + "\n};\n"


def four_byte_runs() -> list[tuple[int, int]]:
    """(pointer, point) where the points of GB 18030's four bytes below U+10000 stop rising by one."""
    runs, last = [], None
    for pointer in range(39420):
        raw = bytes([0x81 + pointer // 12600, 0x30 + pointer // 1260 % 10, 0x81 + pointer // 10 % 126, 0x30 + pointer % 10])
        point = meaning("gb18030", raw)
        if last is None or point != last + 1:
            runs.append((pointer, point))
        last = point
    return runs


def wide(codec: str, raw: bytes) -> int:
    """A tilde of three bytes is the wide one: the other has one byte."""
    point = meaning(codec, raw)
    return point + 0xFEE0 if 0 < point < 0x80 else point


def check_sizes(codec: str, by_size: dict[int, list[int]]) -> None:
    """A letter's size in the file is told from the letter alone, so none may have two."""
    sizes = dict.fromkeys(range(1, 0x80), 1)
    for size, points in by_size.items():
        for point in points:
            assert point == 0 or sizes.setdefault(point, size) == size, (codec, hex(point))


def main() -> None:
    out = []
    for codec in SINGLE + DOUBLE:
        singles = [single(codec, byte) for byte in range(0x80, 0x100)]
        out.append(array(f"{codec}_singles", singles))
        if codec not in DOUBLE:
            continue
        pairs = [wide(codec, bytes([lead, trail])) for lead in LEADS for trail in TRAILS]
        out.append(array(f"{codec}_pairs", pairs))
        by_size = {1: singles, 2: pairs}
        if codec == "euc_jp":
            by_size[3] = [wide(codec, bytes([0x8F, a, b])) for a in range(0xA1, 0xFF) for b in range(0xA1, 0xFF)]
            out.append(array("euc_jp_triples", by_size[3]))
        check_sizes(codec, by_size)
    runs = ",\n".join(f"{{ {pointer}, {point} }}" for pointer, point in four_byte_runs())
    out.append(f"static const EncodingRun gb18030_runs[] = {{\n{runs}\n}};\n")
    Path(sys.argv[1]).write_text("\n".join(out), encoding="ascii")


main()
