# SPDX-License-Identifier: Apache-2.0
"""Text that is not UTF-8, through `lode add` and `lode run`: letter by letter what Python's codecs read, and every byte
that means nothing in quarantine with its place. Python's codecs and csv module are the judges."""

import bz2
import csv
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard
from conftest import Project, make_project
from judge import parsed

# What a source calls an encoding, and the codec that judges it.
CODECS = {"cp1252": "cp1252", "shift_jis": "cp932", "gbk": "gb18030", "euc-kr": "cp949", "big5": "cp950", "euc-jp": "euc_jp",
          "utf-16le": "utf-16-le", "utf-16be": "utf-16-be", "cp1250": "cp1250", "cp1251": "cp1251", "iso-8859-2": "iso8859-2",
          "iso-8859-15": "iso8859-15", "cp1253": "cp1253", "cp1254": "cp1254", "iso-8859-7": "iso8859-7", "iso-8859-9": "iso8859-9", "koi8-r": "koi8-r", "cp437": "cp437", "cp850": "cp850", "macroman": "mac-roman"}
# Windows gives these bytes controls and private letters, where Shift-JIS and the like have nothing.
NO_TEXT = {"shift_jis": {0x80, 0xA0, 0xFD, 0xFE, 0xFF}, "gbk": {0x80, 0xFF}, "euc-kr": {0x80, 0xFF}, "big5": {0x80, 0xFF}, "euc-jp": set()}

TEXTS = {
    "latin1": ["navn,by", "Søren,København", "José,Málaga", "Zoë,Besançon"],
    "cp1252": ["name,quote", "Zoë,“hello” – she said", "José,costs € 5"],
    "cp1251": ["имя,город", "Алексей,Москва", "Мария,Санкт-Петербург"],
    "shift_jis": ["名前,都市", "山田さくら,とうきょう", "ソニー,表ポイント"],
    "euc-jp": ["名前,都市", "山田さくら,とうきょう", "テスト,ポイント"],
    "gbk": ["姓名,城市", "王小明,上海市", "李雷,广州市中心"],
    "euc-kr": ["이름,도시", "김철수,서울특별시", "박영희,부산"],
    "big5": ["姓名,城市", "王小明,臺北市", "陳美麗,高雄市中心"],
    "utf-16le": ["a,b", "é,1", "😀,2"],
    "utf-16be": ["a,b", "é,1", "😀,2"],
}


def stage_of(project: Project, name: str, encoding: str, columns: str = "text") -> None:
    project.write("zones/enc/zone.yml", "owner: root\n")
    project.write(f"zones/enc/sources/{name}.yml", f"from: ingress/{name}_*.csv\nformat: csv\nencoding: {encoding}\ncolumns:\n"
                  f"  id: int\n  letter: {columns}\n")


def letters(encoding: str) -> list[str]:
    """Every letter of the plane of usual letters that the codec has and that is text."""
    codec, found = CODECS[encoding], []
    for point in [*range(0xA0, 0xD800), *range(0xE000, 0xFFFE), 0x1F600, 0x20000, 0x2A6D6]:
        try:
            raw = chr(point).encode(codec)
            decoded = raw.decode(codec)
        except UnicodeError:
            continue
        if decoded == chr(point) and not (len(raw) == 1 and raw[0] in NO_TEXT.get(encoding, set())):
            found.append(chr(point))
    return found


def test_every_letter_of_every_encoding_is_what_python_reads(project: Project) -> None:
    wanted = {}
    for encoding, codec in CODECS.items():
        name = encoding.replace("-", "_")
        stage_of(project, name, encoding)
        wanted[name] = letters(encoding)
        assert len(wanted[name]) >= 90, encoding
        text = "id,letter\n" + "".join(f'{number},"x{letter}y"\n' for number, letter in enumerate(wanted[name]))
        project.drop("enc", f"{name}_1.csv", text.encode(codec))
    report = project.json("run", "enc")
    assert report["files"]["staged"] == len(CODECS), report
    for delivery in report["deliveries"]:
        assert delivery["quarantined"] == 0, delivery
    for name, all_letters in wanted.items():
        rows = project.query(f"select letter from enc.staging.{name} order by id")
        assert [row["letter"] for row in rows] == [f"x{letter}y" for letter in all_letters], name


def test_add_tells_the_encoding_and_says_that_it_judged(project: Project) -> None:
    sources = {}
    for encoding, lines in TEXTS.items():
        path = project.root / f"{'abcdefghij'[len(sources)]}.csv"
        path.write_bytes(("\n".join(lines) + "\n").encode(CODECS.get(encoding, "latin-1")))
        sources[encoding], = project.json("add", "enc", path)["sources"]
        assert any(doubt["assumed"] == f"encoding: {encoding}" for doubt in sources[encoding]["doubts"]), sources[encoding]
        assert f"encoding: {encoding}\n" in (project.root / sources[encoding]["path"]).read_text()
    report = project.json("run")
    assert report["files"]["staged"] == len(TEXTS), report
    for encoding, lines in TEXTS.items():
        names = lines[0].split(",")
        rows = project.query(f"select * from enc.staging.{sources[encoding]['source']} order by _row")
        assert [[str(row[name]) for name in names] for row in rows] == [line.split(",") for line in lines[1:]], encoding


def test_bytes_that_mean_nothing_cost_their_record_and_are_told_by_place(project: Project) -> None:
    damaged = {"cp1252": b"\x81", "shift_jis": b"\x83\xff", "gbk": b"\xff", "euc-kr": b"\xff", "big5": b"\xff\xa4", "utf-16le": b"\x00\xdc"}
    records = {}
    for encoding, wrong in damaged.items():
        name, codec = encoding.replace("-", "_"), CODECS[encoding]
        stage_of(project, name, encoding)
        before, after = "id,letter\n1,中é\n2,", "z\n3,ok\n4,".replace("中é", "")
        before = "".join(c for c in before if c.encode(codec, "ignore"))
        head = before.encode(codec)
        raw = head + wrong + after.encode(codec) + "end\n".encode(codec)
        records[name] = (head, wrong, raw, codec)
        project.drop("enc", f"{name}_1.csv", raw)
    report = project.json("run", "enc")
    assert report["files"]["staged"] == len(damaged), report
    for name, (head, wrong, raw, codec) in records.items():
        assert [row["id"] for row in project.query(f"select id from enc.staging.{name} order by id")] == [1, 3, 4], name
        row, = rows_of_quarantine(project, f"enc.{name}")
        start = len(head) - len("2,".encode(codec))
        assert (row["column"], row["rule"], row["line"]) == ("letter", "invalid_bytes", 3), row
        assert (row["offset"], row["length"]) == (start, len("2,z".encode(codec)) + len(wrong)), row
        assert raw[row["offset"]:row["offset"] + row["length"]].startswith("2,".encode(codec) + wrong)
        assert f"byte {len(head)} of the delivery" in row["message"], row
        trace = project.json("trace", f"enc.staging.{name}", "--where", "id = 4")
        assert raw[trace[0]["offset"]:trace[0]["offset"] + trace[0]["length"]].decode(codec) == trace[0]["raw"] == "4,end"


def rows_of_quarantine(project: Project, thing: str) -> list[dict[str, Any]]:
    return json.loads(project.lode("show", "quarantine", thing, "--rows", "-o", "json").stdout)


def test_a_mark_says_more_than_the_source(project: Project) -> None:
    stage_of(project, "marked", "cp1252")
    for number, codec in enumerate(["utf-8-sig", "utf-16", "cp1252"]):
        project.drop("enc", f"marked_{number}.csv", f"id,letter\n{number},é€\n".encode(codec))
    assert project.json("run", "enc")["files"]["staged"] == 3
    assert project.query("select id, letter from enc.staging.marked order by id") == [{"id": n, "letter": "é€"} for n in range(3)]


def test_a_sender_who_goes_over_to_utf8_is_understood(project: Project) -> None:
    """The source says an encoding of one byte a letter; a text that is UTF-8 from front to back is not read as that.
    One letter that is none tells that it is not: then nothing is."""
    stage_of(project, "over", "latin1")
    long = "".join(f"{number},{'x' * (number % 7)}Zürich – €\n" for number in range(100, 2000))
    files = {"over_1.csv": "id,letter\n1,München\n".encode("cp1252"), "over_2.csv": "id,letter\n2,München\n".encode(),
             "over_3.csv.gz": gzip.compress(("id,letter\n" + long).encode()), "over_4.csv": "id,letter\n3,Ã¼\n4,ü\n".encode("cp1252"),
             "over_5.csv": b"id,letter\n5,ascii\n"}
    for name, content in files.items():
        project.drop("enc", name, content)
    project.write("zones/enc/sources/over.yml", (project.root / "zones/enc/sources/over.yml").read_text().replace("_*.csv", "_*"))
    assert project.json("run", "enc")["files"]["staged"] == 5
    rows = {row["id"]: row["letter"] for row in project.query("select id, letter from enc.staging.over")}
    assert {number: rows[number] for number in (1, 2, 3, 4, 5)} == {1: "München", 2: "München", 3: "Ã¼", 4: "ü", 5: "ascii"}
    assert all(rows[number] == f"{'x' * (number % 7)}Zürich – €" for number in range(100, 2000))


def test_a_misspelled_encoding_is_told_with_a_guess(project: Project) -> None:
    stage_of(project, "x", "shiftjs")
    error, = project.json("check", check=False)["errors"]
    assert "shiftjs" in error["message"] and "shift_jis" in error["hint"], error


@dataclass(frozen=True)
class Real:
    """How a person reads a file of the corpus: its codec, what parts its fields, and how many of its records come before the first row."""

    codec: str = "utf-8-sig"
    delimiter: str = ","
    head: int = 1
    dates: str = ""


MOVIES = {"movies.tsv": Real("latin-1", "\t", dates="%m/%d/%Y"), "movies-condensed.tsv": Real(delimiter="\t", dates="%m/%d/%Y")}
PROSE = "\x1f"  # parts nothing: a line is a field
REAL = {"big5.txt": Real("cp950", PROSE), "birds.csv": Real(), "csv-with-bom.csv": Real(), "euc-jp.txt": Real("euc_jp", PROSE, 0),
        "euc-kr.txt": Real("cp949", head=6), "example-latin1.tsv": Real("latin-1", "\t"), "example-linebreaks-in-cells.csv": Real(),
        "example-utf16be-bom.tsv": Real("utf-16", "\t"), "example-utf16le-bom.tsv": Real("utf-16", "\t"), "example-utf8.tsv": Real(delimiter="\t"),
        "food.csv": Real(), "government_contracts.csv": Real(), "nobel-prize-winners.csv": Real(), "notazip.zip": Real(delimiter=PROSE),
        "presidents.tsv": Real(delimiter="\t"), "shift_jis.txt": Real("cp932", PROSE, 0),
        **{f"persons.csv{end}": Real() for end in ("", ".bz2", ".gz", ".xz", ".zst")},
        **{f"{archive}/{member}": real for archive in ("movies.zip", "movies.tar.gz") for member, real in MOVIES.items()}}
UNPACK: dict[str, Callable[[bytes], bytes]] = {
    ".bz2": bz2.decompress, ".gz": gzip.decompress, ".xz": lzma.decompress, ".zst": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)}


def real_bytes(folder: Path, name: str) -> bytes:
    archive, _, member = name.partition("/")
    path = folder / archive
    if not member:
        return UNPACK.get(path.suffix, bytes)(path.read_bytes())
    if archive.endswith(".zip"):
        return zipfile.ZipFile(path).read(member)
    with tarfile.open(path) as tar:
        found = tar.extractfile(member)
        assert found
        return found.read()


def cell_of(field: str, kind: str, dates: str) -> Any:
    """What a field says in a column of that type; ValueError where it says nothing."""
    return datetime.strptime(field, dates).date() if kind == "date" and field else parsed(field, kind)


def row_of(record: list[str], columns: list[dict[str, Any]], real: Real) -> list[Any] | None:
    """None for a record that belongs into quarantine."""
    try:
        return [cell_of(field, column["type"], real.dates) for field, column in zip(record, columns, strict=True)]
    except ValueError:
        return None


def check_real(project: Project, source: dict[str, Any], delivery: dict[str, Any], records: list[list[str]], real: Real) -> None:
    """Each record of the file is a row, cell for cell, or in quarantine, or one of those that were to be skipped."""
    columns, name = source["columns"], source["source"]
    rows = {at: row_of(record, columns, real) for at, record in enumerate(records, 1) if at > real.head and record}
    wrong = {at for at, row in rows.items() if row is None}
    assert {key: delivery[key] for key in ("state", "records", "accepted", "quarantined", "skipped")} == {
        "state": "staged", "records": len(records), "accepted": len(rows) - len(wrong), "quarantined": len(wrong), "skipped": len(records) - len(rows)}, delivery
    assert {row["record"] for row in rows_of_quarantine(project, f"enc.{name}")} == wrong, name
    table = project.table(f"enc.staging.{name}").to_pylist()
    staged = {row["_row"]: [row[c["name"]] if c["type"] != "text" else row[c["name"]] or "" for c in columns] for row in table}
    assert len(staged) == len(table)
    assert staged == {at: row for at, row in rows.items() if row is not None}, name


def check_head(source: dict[str, Any], records: list[list[str]], real: Real) -> None:
    """The columns have the names that stand above them, and what is passed over is told."""
    above = records[real.head - 1] if real.head else []
    names = [column["name"] for column in source["columns"]]
    assert names == [above[i].strip() if i < len(above) else f"column_{i + 1}" for i in range(len(names))]
    told = " ".join(doubt["what"] for doubt in source["doubts"])
    assert real.head < 2 or f"the first {real.head - 1} lines are no records of the table" in told, told


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> tuple[Project, dict[str, Any], dict[str, Any]]:
    """All of test_data/encodings after `add --each` and `run`, with nothing edited: sources and deliveries by file. A copy of
    it, since an archive is taken by one run at a time, whichever project's."""
    folder = tmp_path_factory.mktemp("encodings")
    (folder / "at").mkdir()
    project = make_project(folder / "at")
    for path in (test_data / "encodings").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    added = project.json("add", "enc", "--each", *sorted(path for path in folder.iterdir() if path.is_file()))
    assert added["left_over"] == []
    sources = {str(Path(source["files"][0]).relative_to(folder)): source for source in added["sources"]}
    deliveries = {str(Path(delivery["name"]).relative_to(folder)): delivery for delivery in project.json("run")["deliveries"]}
    return project, sources, deliveries


def test_no_file_of_the_corpus_is_left_out(corpus: tuple[Project, dict[str, Any], dict[str, Any]], test_data: Path) -> None:
    _, sources, deliveries = corpus
    assert sources.keys() == deliveries.keys() == REAL.keys()
    assert {name.partition("/")[0] for name in REAL} == {path.name for path in (test_data / "encodings").iterdir()}


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_what_python_reads(corpus: tuple[Project, dict[str, Any], dict[str, Any]], test_data: Path, name: str) -> None:
    project, sources, deliveries = corpus
    source, real = sources[name], REAL[name]
    text = real_bytes(test_data / "encodings", name).decode(real.codec)
    records = list(csv.reader(io.StringIO(text, newline=""), delimiter=real.delimiter))
    assert "nulls:" not in (project.root / source["path"]).read_text()
    check_head(source, records, real)
    check_real(project, source, deliveries[name], records, real)
    assert deliveries[name]["accepted"] > 0 or name == "notazip.zip"


@pytest.mark.full
@pytest.mark.timeout(900)
def test_every_codec_over_long_text(tmp_path: Path) -> None:
    """Windows, blocks and pieces of the reader end inside letters: 8 MB of each encoding's letters in rows of many widths."""
    project, size = make_project(tmp_path), {}
    for encoding, codec in CODECS.items():
        name, found = encoding.replace("-", "_"), letters(encoding)
        stage_of(project, name, encoding)
        lines = [f'{number},{"".join(found[(number * 31 + at * 7) % len(found)] for at in range(number % 97))}x' for number in range(60000)]
        size[name] = lines
        project.drop("enc", f"{name}_1.csv", ("id,letter\n" + "\n".join(lines) + "\n").encode(codec))
    report = project.json("run", "enc")
    assert report["files"]["staged"] == len(CODECS) and not any(d["quarantined"] for d in report["deliveries"])
    for name, lines in size.items():
        got = list(csv.reader(io.StringIO(project.csv(f"select id, letter from enc.staging.{name} order by id"))))[1:]
        assert [",".join(row) for row in got] == lines, name


def test_what_nothing_tells_is_held_with_the_candidates_or_quarantined(project: Project) -> None:
    """Two languages would have written it, and a wrong one would change every row that it is in."""
    project.write("one.csv", b"id,c\n1,\xb3\n2,\xb9\n")
    (source,) = project.json("add", "enc", project.root / "one.csv", "--name", "one")["sources"]
    assert any("nothing tells which" in doubt["what"] and "cp1250" in doubt["assumed"] for doubt in source["doubts"]), source["doubts"]
    assert project.json("run", check=False)["files"]["held"] == 1
    project.write("some.csv", b"id,c\n" + b"".join(b"%d,plain\n" % n for n in range(9)) + b"9,\xb3\n10,\xb9\n")
    (source,) = project.json("add", "enc", project.root / "some.csv", "--name", "some")["sources"]
    assert any("nothing tells which" in doubt["what"] and "or encoding: " in doubt["assumed"] for doubt in source["doubts"]), source["doubts"]
    (delivery,) = [d for d in project.json("run", check=False)["deliveries"] if d["source"] == "some"]
    assert (delivery["accepted"], delivery["quarantined"]) == (9, 2)


def test_a_file_half_in_utf8_quarantines_the_other_half(project: Project) -> None:
    names = ["Zoë", "Müller", "Škoda", "François", "Łódź", "Ørsted"]
    lines = [f"{n},{name}\n".encode() for n, name in enumerate(names * 3)]
    lines[4], lines[9] = b"4,J\xfcrgen\n", b"9,K\xf6ln\n"
    project.drop("enc", "half.csv", b"id,name\n" + b"".join(lines))
    (source,) = project.json("add", "enc", project.root / "ingress/enc/half.csv")["sources"]
    (delivery,) = project.json("run")["deliveries"]
    assert (delivery["accepted"], delivery["quarantined"]) == (16, 2)
    assert {row["name"] for row in project.query("select name from enc.staging.half")} == set(names)
