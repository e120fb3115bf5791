# SPDX-License-Identifier: Apache-2.0
"""Text that is not UTF-8, through `lode add` and `lode run`: letter by letter what Python's codecs read, and every byte
that means nothing in quarantine with its place. Python's codecs and csv module are the judges."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Project, make_project

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


def test_real_files_are_what_python_reads(project: Project, test_data: Path) -> None:
    codecs = {"big5.txt": "cp950", "euc-jp.txt": "euc_jp", "shift_jis.txt": "cp932", "example-latin1.tsv": "latin-1",
              "example-utf16be-bom.tsv": "utf-16", "example-utf16le-bom.tsv": "utf-16", "example-utf8.tsv": "utf-8"}
    sources = {name: project.json("add", "enc", test_data / "encodings" / name)["sources"][0] for name in codecs}
    deliveries = {Path(delivery["name"]).name: delivery for delivery in project.json("run")["deliveries"]}
    for name, codec in codecs.items():
        source, delivery = sources[name], deliveries[name]
        assert (delivery["state"], delivery["quarantined"]) == ("staged", 0), delivery
        assert delivery["records"] == delivery["accepted"] + delivery["skipped"]
        text = (test_data / "encodings" / name).read_bytes().decode(codec)
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=source["dialect"]["delimiter"], quoting=csv.QUOTE_NONE))
        records = [record for record in records if any(record)]
        rows = project.query(f"select * from enc.staging.{source['source']} order by _row")
        names = [column["name"] for column in source["columns"]]
        got = [[str(row[column] if row[column] is not None else "") for column in names] for row in rows]
        assert got == records[-len(rows):], name


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
