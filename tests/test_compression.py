# SPDX-License-Identifier: Apache-2.0
"""Compressed deliveries: told by their bytes, read to the last member, and held with words where they are damaged, cut, or
ask for more than there is."""

import bz2
import csv
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pytest
from conftest import Project

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress,
    "zstd": lambda data: pyarrow.compress(data, codec="zstd", asbytes=True)}
ROWS = b"id,letter\n" + b"".join(b"%d,%s\n" % (number, b"abcdefgh"[: number % 8]) for number in range(3000))
HALF = ROWS.index(b"\n1500,")
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"  # a frame of zstd that holds no data; pzstd begins files with one


def source(project: Project) -> None:
    project.write("zones/shop/zone.yml", "owner: root\n")
    project.write("zones/shop/sources/packed.yml", "from: ingress/*.bin\nformat: csv\ncolumns:\n  id: int\n  letter: text\n")


def run(project: Project, files: dict[str, bytes]) -> dict[str, dict]:
    source(project)
    for name, content in files.items():
        project.drop("shop", f"{name}.bin", content)
    report = project.json("run", check=False)
    counts = report["files"]
    assert counts["seen"] == len(files) == sum(counts[key] for key in ("staged", "duplicate", "held", "failed", "unclaimed")), counts
    return {Path(delivery["name"]).stem: delivery for delivery in report["deliveries"]}


def test_every_codec_is_read_by_its_bytes_whole_and_in_members(project: Project) -> None:
    files = {"plain": ROWS}
    for name, pack in PACK.items():
        files[name] = pack(ROWS)
        files[f"{name}_members"] = pack(ROWS[:HALF]) + pack(b"") + pack(ROWS[HALF:])
    for name in ("gzip", "xz"):
        files[f"{name}_padded"] = PACK[name](ROWS) + b"\0" * 1024
    files["zstd_skippable"] = SKIPPABLE + PACK["zstd"](ROWS[:HALF]) + SKIPPABLE + PACK["zstd"](ROWS[HALF:])
    deliveries = run(project, files)
    for name, delivery in deliveries.items():
        assert (delivery["state"], delivery["accepted"], delivery["bytes"]) == ("staged", 3000, len(files[name])), (name, delivery)
    rows = project.query("select count(*) as rows, count(distinct (id, letter)) as pairs, sum(length(letter)) as letters from shop.staging.packed")
    assert [int(value) for value in rows[0].values()] == [3000 * len(files), 3000, 10500 * len(files)]


def test_damage_is_held_with_words(project: Project) -> None:
    files, words = {}, {}
    for name, pack in PACK.items():
        packed = pack(ROWS)
        for cut in (len(packed) // 3, len(packed) - 1):
            files[f"{name}_cut_{cut}"], words[f"{name}_cut_{cut}"] = packed[:cut], "cut short"
        files[f"{name}_tail"], words[f"{name}_tail"] = packed + b"more", f"bytes that are no '{name}' follow"
        middle = len(packed) // 2 if name != "zstd" else 9  # Arrow's zstd has no checksum; here its first block's header
        files[f"{name}_flipped"] = packed[:middle] + bytes([packed[middle] ^ 0xFF]) + packed[middle + 1:]
        words[f"{name}_flipped"] = f"compressed by '{name}', is damaged"
    files["twice"], words["twice"] = gzip.compress(PACK["zstd"](ROWS)), "compressed twice: inside is 'zstd'"
    files["xz_wide"] = lzma.compress(ROWS, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 29}])
    words["xz_wide"] = "takes more than 128 MB of memory"
    frame = PACK["zstd"](ROWS)
    files["zstd_wide"] = frame[:4] + b"\x00" + bytes([(31 - 10) << 3]) + frame[5:]  # a window of 2 GB, as zstd --long=31 says
    words["zstd_wide"] = "takes more than 128 MB of memory"
    deliveries = run(project, files)
    for name, delivery in deliveries.items():
        assert delivery["state"] == "held" and words[name] in delivery["message"], (name, delivery)
    assert project.tables() == [] or project.query("select count(*) as n from shop.staging.packed") == [{"n": 0}]


def test_text_that_begins_like_a_codec_is_text(project: Project) -> None:
    deliveries = run(project, {"letters": b"BZhid,letter\n", "names": b"id,letter\n1,BZh91AY\n"})
    assert deliveries["names"]["state"] == "staged"
    assert "names none of the source's columns" in deliveries["letters"]["message"] or deliveries["letters"]["accepted"] == 0


@pytest.mark.full
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", PACK)
def test_a_bomb_is_held_with_its_limit(project: Project, name: str) -> None:
    part = PACK[name](b"id,letter\n" + b"\n" * (1 << 26))
    delivery = run(project, {"bomb": part * 20})["bomb"]
    assert delivery["state"] == "held" and "more than 1000 times its size" in delivery["message"], delivery


def test_add_looks_into_compressed_files(project: Project, test_data: Path) -> None:
    folder = test_data / "encodings"
    sources = [project.json("add", "shop", folder / f"persons.csv{end}")["sources"][0] for end in (".gz", ".bz2", ".xz", ".zst")]
    assert len({tuple(column["name"] for column in source["columns"]) for source in sources}) == 1
    report = project.json("run")
    assert report["files"]["staged"] == 4
    with open(folder / "persons.csv", encoding="utf-8", newline="") as plain:
        wanted = [{**row, "Age": int(row["Age"])} for row in csv.DictReader(plain)]
    assert len(wanted) == 3
    for source in sources:
        assert project.query(f"select \"Name\", \"Age\", \"Gender\" from shop.staging.{source['source']} order by _row") == wanted
