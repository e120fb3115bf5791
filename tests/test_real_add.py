# SPDX-License-Identifier: Apache-2.0
"""`lode add` and `lode run` with no edit, over every CSV-like file of other people that is at hand.

The judge is Python's csv module with a dialect of its own choosing: of all delimiters and quotes the one that cuts most
records to one width. What a person sees otherwise than it does is written down in DIALECTS and HEADERLESS. A row of a table
is right when its fields are those of a record of the file; a record that is in no table must be quarantined, or be a header,
a blank line or a preamble of which `add` said so."""

import bz2
import csv
import gzip
import io
import json
import lzma
import re
import time
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as clock
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest
from conftest import Project, make_project

FOLDERS = {"duckdb-csv": ("*.csv", "*.tsv", "*.gz"), "csv-spectrum/csvs": ("*.csv",), "openflights": ("*.dat",), "encodings": ("*.csv", "*.tsv")}
# Files that Python's csv cannot cut as their writers meant: delimiter, quote, escape.
DIALECTS: dict[str, tuple[str, str | None, str | None]] = {
    "duckdb-csv/auto/backslash_escape.csv": ("|", '"', "\\"),
    "duckdb-csv/auto/single_quote_backslash.csv": ("|", "'", "\\"),
    "duckdb-csv/rejects_sniffer.csv": (";", '"', None),
    "duckdb-csv/unquoted_escape/basic.tsv": ("\t", None, "\\"),
    "duckdb-csv/unquoted_escape/human_eval.tsv": ("\t", None, "\\"),
}
# What is right all the same though the judge cannot say so: an accepted row per file that is read otherwise, with its reason.
KNOWN_WRONG: dict[str, str] = {
    "duckdb-csv/test/blob.csv": "one record that holds every character once: what parts it, nothing tells",
    "duckdb-csv/headers/undetected_type.csv": "68,527.00 alone below a title: two fields, or one number with a comma, nothing tells",
}


def text_of(path: Path) -> str | None:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1") if b"\xff" not in data else None


def cut(text: str, delimiter: str, quote: str | None, escape: str | None) -> list[list[str]]:
    csv.field_size_limit(1 << 30)
    options: dict[str, Any] = {"delimiter": delimiter, "escapechar": escape, "doublequote": escape is None}
    options |= {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    return [record for record in csv.reader(io.StringIO(text, newline=""), **options) if any(field.strip() for field in record)]


def best_cut(text: str) -> list[list[str]]:
    """Of all dialects the one with the most records of one width, and of these the widest."""
    best: tuple[float, int, list[list[str]]] = (-1, 0, [])
    for delimiter in ",;\t|":
        for quote in ('"', "'"):
            if quote == "'" and f"{delimiter}'" not in text:
                continue
            records = cut(text, delimiter, quote, None)
            if not records:
                continue
            width, count = Counter(map(len, records)).most_common(1)[0]
            share = count / len(records) * (1 if width > 1 else 0.5)
            if (share, width) > best[:2]:
                best = (share, width, records)
    return best[2]


def same(field: str, value: Any) -> bool:
    """Whether a value of a table is what a field says. Which of two days it means is not asked here."""
    text = field.strip()
    if value is None:
        return text in ("", "\\N", "NULL", "null", "Null", "NA", "N/A", "n/a", "#N/A", "None", "none", "-", "--", "?")
    if isinstance(value, str):
        return value == field or value.replace("\r\n", "\n") == field.replace("\r\n", "\n")
    if isinstance(value, bool):
        return text.lower() in (("true", "t", "yes", "y", "1") if value else ("false", "f", "no", "n", "0"))
    if isinstance(value, (int, float, Decimal)):
        for number in (text, text.replace(",", ""), text.replace(".", "").replace(",", "."), text.replace(" ", "").replace("'", "")):
            try:
                if Decimal(number) == Decimal(str(value)) or float(number) == value:
                    return True
            except (InvalidOperation, ValueError):
                continue
        return False
    if isinstance(value, (date, datetime)):
        return str(value.year) in text or f"{value.year % 100:02}" in text
    return isinstance(value, clock) and f"{value.minute:02}" in text


@dataclass
class Verdict:
    name: str
    outcome: str  # exact | quarantined | held | refused, or another format
    wrong: list[Any]
    lost: int


def judge(name: str, path: Path, source: dict[str, Any], delivery: dict[str, Any], rows: list[dict[str, Any]]) -> Verdict:
    text = text_of(path)
    if source["format"] != "csv":
        return Verdict(name, source["format"], [], 0)
    if delivery["state"] != "staged" or text is None:
        return Verdict(name, "held", [], 0)
    records = cut(text, *DIALECTS[name]) if name in DIALECTS else best_cut(text)
    wrong, at, used = [], 0, 0
    for row in rows:
        fields = list(row.values())
        found = next((i for i in range(at, len(records)) if len(records[i]) == len(fields) and all(map(same, records[i], fields))), None)
        if found is None and any(fields):
            wrong.append(fields)
        elif found is None:
            continue  # a quoted empty text alone on its line, which the judge takes for a blank one
        else:
            at, used = found + 1, used + 1
    told = " ".join(doubt["what"] for doubt in source["doubts"])
    passed_over = source["dialect"].get("skip", 0) if "no record" in told else 0
    passed_over += sum(int(count) for count in re.findall(r"(\d+) records? says? something of the table", told))
    headers = 1 if source["dialect"]["header"] else 0
    lost = len(records) - used - delivery["quarantined"] - headers - passed_over - len(wrong)
    return Verdict(name, "quarantined" if delivery["quarantined"] else "exact", wrong, max(lost, 0))


def files_of(test_data: Path) -> dict[str, Path]:
    return {str(path.relative_to(test_data)): path for folder, patterns in FOLDERS.items() for pattern in patterns
            for path in sorted((test_data / folder).rglob(pattern))}


def judge_all(project: Project, files: dict[str, Path]) -> list[Verdict]:
    added = project.json("add", "z", "--each", *files.values())
    names = {str(path): name for name, path in files.items()}
    report = project.lode("run", "-o", "json", check=False, timeout=1200).json
    deliveries = {delivery["source"]: delivery for delivery in report["deliveries"]}
    verdicts = [Verdict(names[left["file"]], "refused", [], 0) for left in added["left_over"]]
    for source in added["sources"]:
        delivery = deliveries[source["source"]]
        assert delivery["records"] == delivery["accepted"] + delivery["quarantined"] + delivery["skipped"], delivery
        path = Path(source["files"][0])
        rows = []
        if delivery["state"] == "staged" and delivery["accepted"]:
            table = project.table(f"z.staging.{source['source']}").sort_by("_row")
            assert table.num_rows == delivery["accepted"]
            rows = table.drop_columns(["_file", "_row"]).to_pylist()
        verdicts.append(judge(names[str(path)], path, source, delivery, rows))
    return verdicts


def assert_none_wrong(verdicts: list[Verdict], record_property: Any) -> None:
    shares = Counter(verdict.outcome for verdict in verdicts)
    shares |= {"wrong rows": sum(bool(v.wrong) for v in verdicts), "silent loss": sum(v.lost > 0 for v in verdicts)}
    record_property("shares", dict(shares))
    print(f"{len(verdicts)} files: {dict(shares)}")
    wrong = {v.name: v.wrong[:3] for v in verdicts if v.wrong and v.name not in KNOWN_WRONG}
    lost = {v.name: v.lost for v in verdicts if v.lost > 0}
    assert not lost, f"records that nobody speaks of: {lost}"
    assert not wrong, f"rows that are in no file: {wrong}"


def test_a_sample_of_real_files(project: Project, test_data: Path, record_property: Any) -> None:
    files = files_of(test_data)
    chosen = {name: path for i, (name, path) in enumerate(files.items()) if i % 6 == 0 or name.startswith("csv-spectrum")}
    assert_none_wrong(judge_all(project, chosen), record_property)


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_all_real_files(project: Project, test_data: Path, record_property: Any) -> None:
    assert_none_wrong(judge_all(project, files_of(test_data)), record_property)


def test_csv_spectrum_is_what_its_authors_say(project: Project, test_data: Path) -> None:
    folder = test_data / "csv-spectrum"
    files = sorted((folder / "csvs").glob("*.csv"))
    added = project.json("add", "z", "--each", *files)
    project.lode("run")
    for source in added["sources"]:
        wanted = json.loads((folder / "json" / f"{Path(source['files'][0]).stem}.json").read_text())
        wanted = wanted if isinstance(wanted, list) else [wanted]
        rows = project.query(f"select * from z.staging.{source['source']} order by _row")
        shown = [{key: "" if value is None else str(value) for key, value in row.items()} for row in rows]
        newlines = [{key: value.replace("\r\n", "\n") for key, value in row.items()} for row in shown]
        if source["source"] == "location_coordinates":  # whose number its authors changed in one of the two
            newlines[0]["Contact Phone Number"] = wanted[0]["Contact Phone Number"]
        assert newlines == [{key.replace("\r\n", "\n"): value.replace("\r\n", "\n") for key, value in row.items()} for row in wanted], source


def test_two_hundred_files_are_grouped_in_seconds(project: Project) -> None:
    for i in range(200):
        kind = i % 4
        text = [f"id,name\n1,a\n2,b{i}\n", f"id;amount\n1;2,5\n{i};3,5\n", f"day,id,value\n2026-01-01,1,{i}\n", f"code\tlabel\n00{i}\tx\n"][kind]
        project.write(f"in/{'orders items days codes'.split()[kind]}_{i:03}.csv", text)
    started = time.monotonic()
    added = project.json("add", "shop", *sorted(project.root.glob("in/*.csv")))
    assert time.monotonic() - started < 20
    assert sorted((source["source"], len(source["files"])) for source in added["sources"]) == [
        ("codes", 50), ("days", 50), ("items", 50), ("orders", 50)]
    assert project.json("run")["files"]["staged"] == 200


# The records of a spreadsheet saved as CSV, and what becomes of them: rows, quarantined, skipped.
SHEETS = {
    "a title, a note and an empty line above": ("Sales of May\nall in DKK\n\nid,name,amount\n1,a,2.50\n2,b,3.50\n3,c,4.50\n", 3, 0, 4),
    "a total below": ("id,name,amount\n1,a,2.50\n2,b,3.50\n3,c,4.50\nTotal,,10.50\n", 3, 0, 2),
    "a remark below a total": ("date6,amt6\n2024-01-01,1\n2024-01-02,2\nTotal,3\nGenerated by SAP,\n", 2, 0, 3),
    "a total among the rows": ("date6,amt6\n2024-01-01,1\nTotal,1\n2024-01-02,2\n", 2, 0, 2),
    "subtotals": ("region,rep,amount\nNorth,Ann,10\nNorth,Bo,20\nNorth Total,,30\nSouth,Cy,5\nSouth,Di,6\nSouth Total,,11\nGrand Total,,41\n", 4, 0, 4),
    "balances": ("Datum;Text;Betrag\n;Anfangssaldo;1.000,00\n01.10.2026;Miete;-500,00\n02.10.2026;Lohn;2.000,00\n;Endsaldo;2.500,00\n", 2, 0, 3),
    "a preamble as wide as the table": ("Konto;DE89;;\nZeitraum:;Oktober;;\n;;;\nTag;Text;Soll;Haben\n31.10.2026;a;1,50;\n30.10.2026;b;;2,50\n", 2, 0, 4),
    "years above amounts": ("account,2024,2025\nRent,100.50,120\nFood,50.00,60\n", 2, 0, 1),
    "files that were joined": ("\ufeffid,name\n1,Ann\n2,Bo\n\ufeffid,name\n3,Cy\n", 3, 0, 2),
    "rows of commas": ("id,name,amount\n1,a,2.50\n,,\n2,b,3.50\n,,\n", 2, 0, 3),
    "repeated names over two lines": ('"net\namount","net\namount",id\n1.5,2.5,7\n2.5,3.5,8\n', 2, 0, 1),
    "ragged rows": ("id,name,amount\n1,a,2.50\n2,b\n3,c,4.50,x\n4,d,5.50\n5,e,6.50\n", 3, 2, 1),
    "no header at all": ("1,a,2.50\n2,b,3.50\n3,c,4.50\n", 3, 0, 0),
    "titles above records without a header": ("1,a\n2,b\n1,2.5,x,2026-01-01\n2,3.5,y,2026-01-02\n3,4.5,z,2026-01-03\n", 3, 2, 0),
    "headers in the middle": ("id,name,amount\n1,a,2.5\n2,b,3.5\nid,name,amount\n3,c,4.5\n4,d,5.5\nid,name,amount\n5,e,6.5\n", 5, 0, 3),
    "headers in the middle of texts": ("rid,rval\nx,y\nz,w\nrid,rval\np,q\n", 3, 0, 2),
    "texts of which several lines are equal": ("red,big\nblue,small\nred,big\nblue,small\ngreen,big\n", 5, 0, 0),
    "one column of moments": ("at\n2020-12-30 01:25:58.745+01\n2020-12-30 02:25:58.745+01\n2020-12-30 03:25:58.745+01\n2020-12-30 04:25:58.745+01\n", 4, 0, 1),
    "texts like objects": ("\"{'val':x}\"\n\"{'val':x }\"\n\"{'val': x}\"\n", 3, 0, 0),
    "a stray quote below the header": ('id,qty\n1,"x\n2,20\n3,30\n4,40\n', 3, 1, 1),
    "stray quotes among quoted fields": ('qi,qv\n1,5" pipe\n2,"6"" pipe"\n3,"7" pipe"\n4,ok\n', 2, 2, 1),
    "a record too wide below the header": ("id,qty\n1,2,3\n2,20\n3,30\n", 2, 1, 1),
    "a title, and a record too short below the header": ("Sales\nid,qty,price\n1,2\n2,20,1.5\n3,30,2.5\n", 2, 1, 2),
    "a record too wide among texts": ("name,city\nAnn,Oslo,x\nBob,Bergen\nCarl,Rome\n", 2, 1, 1),
    "a line for a spreadsheet": ("sep=;\nid;name\n1;a\n2;b\n", 2, 0, 2),
    "comments": ("# made by a machine\nid,name\n1,a\n# half way\n2,b\n", 2, 0, 3),
}


@pytest.mark.parametrize("text, rows, quarantined, skipped", SHEETS.values(), ids=SHEETS)
def test_what_spreadsheets_leave_is_told_apart(tmp_path: Path, text: str, rows: int, quarantined: int, skipped: int) -> None:
    project = make_project(tmp_path)
    project.write("in/x.csv", text)
    project.lode("add", "z", project.root / "in/x.csv", "--name", "x")
    (delivery,) = project.lode("run", "-o", "json", check=False).json["deliveries"]
    assert (delivery["accepted"], delivery["quarantined"], delivery["skipped"]) == (rows, quarantined, skipped)


# What `add` guessed of the first file must not cost a record of the second: both files, and the names that are wanted of them.
LATER = {
    "a total": ("name,region,amount\nAcme,N,10.00\nBolt,S,20.00\nCara,N,30.00\nTotal,,60.00\n",
                "name,region,amount\nTotal Energies SE,N,500.00\nAcme,N,10.00\nTotal,,510.00\n", ["Acme", "Acme", "Bolt", "Cara", "Total Energies SE"]),
    "a line with a number sign": ("# exported 2026-01-01\nname,v\nAnn,2\nBo,4\n", "# exported 2026-02-01\nname,v\n#1 Motors,200\nBo,4\n", ["#1 Motors", "Ann", "Bo", "Bo"]),
    "a note": ("name,v\nAnn,2\nBo,4\nCy,5\nBest regards\n", "name,v\nBest Buy,200\nBo,4\nBest wishes\n", ["Ann", "Best Buy", "Bo", "Bo", "Cy"]),
}


@pytest.mark.parametrize("first, second, names", LATER.values(), ids=LATER)
def test_what_is_skipped_in_one_file_takes_no_record_of_another(tmp_path: Path, first: str, second: str, names: list[str]) -> None:
    project = make_project(tmp_path)
    project.write("in/m_1.csv", first)
    project.lode("add", "z", "in/m_1.csv", "--name", "m")
    project.write("in/m_2.csv", second)
    deliveries = project.json("run")["deliveries"]
    assert [(d["state"], d["quarantined"]) for d in deliveries] == [("staged", 0)] * 2
    assert [row["name"] for row in project.query("select name from z.staging.m order by name")] == names


def test_a_total_that_one_of_several_files_has_is_skipped(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    project.write("in/o_1.csv", "name,kind,v\na,x,2\nb,y,3\n")
    project.write("in/o_2.csv", "name,kind,v\na,x,2\nb,y,3\nTotal,,5\n")
    assert len(project.json("add", "z", "in/o_1.csv", "in/o_2.csv")["sources"]) == 1
    assert [(d["accepted"], d["skipped"]) for d in project.json("run")["deliveries"]] == [(2, 1), (2, 2)]


def test_a_record_that_a_loose_footer_skips_is_told(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    project.lode("add", "z")
    project.write("zones/z/sources/m.yml", "from: in/m.csv\nfooter: ^Total\ncolumns:\n  name: text\n  v: int\n")
    project.write("in/m.csv", "name,v\nAcme,1\nTotal Energies SE,500\nTotal,501\n")
    (delivery,) = project.json("run")["deliveries"]
    assert (delivery["accepted"], delivery["skipped"]) == (1, 3)
    assert "1 skipped by footer or comment, and as full as a record (the first on line 3)" in delivery["message"]


def test_a_record_that_a_loose_footer_skips_is_told_of_sheets_and_fixed_width_too(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    project.lode("add", "z")
    project.write("zones/z/sources/s.yml", "from: in/s.xlsx\nformat: xlsx\nfooter: ^Total\ncomment: '#'\ncolumns:\n  name: text\n  v: int\n")
    book = openpyxl.Workbook()
    for row in (["#1 a remark"], ["name", "v"], ["Acme", 1], ["Total Energies SE", 500], ["#9 Motors", 2], ["Total", 501], ["Total of all"]):
        book.active.append(row)
    book.save(project.write("in/s.xlsx", ""))
    project.write("zones/z/sources/f.yml", "from: in/f.txt\nformat: fixed\nheader: no\nfooter: ^Total\ncolumns:\n  name: text at 1-12\n  v: int at 13-16\n")
    project.write("in/f.txt", "Acme           1\nTotal Power  500\nTotal        501\nTotal of all\n")
    said = {delivery["name"]: (delivery["accepted"], delivery["message"]) for delivery in project.json("run")["deliveries"]}
    assert said["in/s.xlsx"][0] == 1 and "2 skipped by footer or comment, and as full as a record (the first on line 4)" in said["in/s.xlsx"][1]
    assert said["in/f.txt"][0] == 1 and "1 skipped by footer or comment, and as full as a record (the first on line 2)" in said["in/f.txt"][1]


@pytest.mark.parametrize("packing", ["", ".gz", ".zst", ".bz2", ".xz"])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_source_is_not_called_by_its_format(tmp_path: Path, kind: str, packing: str) -> None:
    if kind == "parquet" and packing:
        return
    project = make_project(tmp_path)
    text = b"id,n\n1,2\n2,3\n" if kind == "csv" else b'{"id":1,"n":2}\n{"id":2,"n":3}\n'
    packed = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": lambda b: pyarrow.compress(b, "zstd", asbytes=True)}
    path = project.write(f"in/orders_2026-01.{kind}{packing}", packed[packing](text))
    if kind == "parquet":
        pyarrow.parquet.write_table(pyarrow.table({"id": [1, 2], "n": [2, 3]}), path)
    assert [source["source"] for source in project.json("add", "z", f"in/{path.name}")["sources"]] == ["orders"]


# Two tables in one file, and what is said of their lines.
SEVERAL_TABLES = {
    "above": ("id,name\n1,a\n2,b\n3,c\n\ncode,label,price\nA1,x,2.5\nA2,y,3.5\nA3,z,4.5\nA4,z,4.5\n", "lines 1 to 4 are another one than those from line 6 on"),
    "of equal size": ("cust,amount\nAnn,10\nBob,20\n\nregion,city,zip\nN,Oslo,0150\nS,Bergen,5003\n", "lines 1 to 3 are another one than those from line 5 on"),
    "below, like a footer": ("id,name\n1,a\n2,b\n3,c\n4,d\n\nregion,city,zip\nNorth,Oslo,0150\nSouth,Bergen,5003\n", "lines 7 to 9 are another one than those from line 1 on"),
    "below a title, of the same width": ("caid,caname\n1,a\n2,b\n3,c\n\nTable 2\nxbid,zip\n7,X\n8,Y\n", "lines 7 to 9 are another one than those from line 1 on"),
    "of the same width": ("caid,caname\n1,a\n2,b\n3,c\n\nxbid,zip\n7,X\n8,Y\n", "lines 6 to 8 are another one than those from line 1 on"),
}


@pytest.mark.parametrize("text, said", SEVERAL_TABLES.values(), ids=SEVERAL_TABLES)
def test_several_tables_in_one_file_are_said(tmp_path: Path, text: str, said: str) -> None:
    project = make_project(tmp_path)
    project.write("in/x.csv", text)
    (left,) = project.lode("add", "z", project.root / "in/x.csv", "-o", "json", check=False).json["left_over"]
    assert said in left["why"]


def test_texts_below_texts_are_doubted(project: Project) -> None:
    """Of one width, and no type tells whether a blank line parts two tables."""
    project.write("in/x.csv", "name,city\nAnn,Oslo\nBob,Bergen\n\ncode,label\nA,x\nB,y\n")
    (source,) = project.json("add", "z", project.root / "in/x.csv")["sources"]
    assert any("line 5" in doubt["what"] and "another table" in doubt["what"] for doubt in source["doubts"])
    project.write("in/y.csv", "name,city\nAnn,Oslo\n\nBob,Bergen\n\nCarl,Rome\n")
    (source,) = project.json("add", "z", project.root / "in/y.csv")["sources"]
    assert not any("another table" in doubt["what"] for doubt in source["doubts"]), "blank lines are usual here"


# Numbers as a column has them, one of a column beside it, and their values: what add writes must load what add read.
NUMBERS = {
    "thousands": (["1,234", "12,345", "2,500"], "0.5", ["1234", "12345", "2500"]),
    "thousands_alone": (["1,234", "12,345", "2,500"], "7", ["1234", "12345", "2500"]),
    "thousands_and_points": (["1,234.5", "7", "12.25"], "0.5", ["1234.5", "7", "12.25"]),
    "decimal_commas": (["1.234,5", "7", "12,25"], "0,5", ["1234.5", "7", "12.25"]),
    "points_for_thousands": (["1.234", "12.345", "7"], "0,5", ["1234", "12345", "7"]),
    "two_groups": (["1.234.567", "-1.000", "12"], "7", ["1234567", "-1000", "12"]),
    "apostrophes": (["1'234.50", "7", "12"], "0.5", ["1234.5", "7", "12"]),
    "blanks": (["1 234,50", "7", "12"], "0,5", ["1234.5", "7", "12"]),
    "exponents": (["1.5e3", "2", "3.25"], "0.5", ["1500", "2", "3.25"]),
    "long": (["12345678901234567890", "1", "2"], "0.5", ["12345678901234567890", "1", "2"]),
    "codes": (["1E10", "2E05", "7"], "0.5", ["1E10", "2E05", "7"]),
}


def test_what_add_writes_reads_the_numbers_that_add_saw(project: Project) -> None:
    for name, (texts, rate, _) in NUMBERS.items():
        project.write(f"in/{name}.csv", "id,n,rate\n" + "".join(f'{i},"{text}","{rate}"\n' for i, text in enumerate(texts)))
    added = project.json("add", "z", "--each", *sorted(project.root.glob("in/*.csv")))
    assert {source["source"] for source in added["sources"]} == set(NUMBERS)
    for delivery in project.json("run")["deliveries"]:
        assert (delivery["accepted"], delivery["quarantined"]) == (3, 0), delivery
    for name, (_, _, wanted) in NUMBERS.items():
        read = [str(row["n"]) for row in project.query(f"select n from z.staging.{name} order by _row")]
        assert read == wanted if name == "codes" else [Decimal(n) for n in read] == [Decimal(n) for n in wanted], name


# What is no table, and what is said of it.
NO_TABLES = {
    "page.csv": (b"\n<!DOCTYPE html>\n<html><head><title>Login</title></head>\n<body><p>Hello</p></body></html>\n", "a web page (HTML)"),
    "feed.csv": (b'<?xml version="1.0"?>\n<a><b>1</b></a>\n', "the file is XML"),
    "picture.csv": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\6\0\0\0", "a picture (PNG)"),
    "book.pdf": (b"%PDF-1.7\n", "a PDF, which is not read; CSV, JSON, Excel"),
    "read_me.md": (b"# Things\n\nThings are what this project is all about, as you know.\nIt has them in every colour and size there is.\n\n"
                   b"## Use\n\nTake one of them, and do with it as you like.\n", "the file is prose"),
    "deep.json": (b"[" * 600 + b"]" * 600, "more than 512 values inside each other"),
    "nothing.json": (b"[ ]\n", "the file is an empty list"),
    "broken.json": (b'{"a": "\\ud800"}\n' * 3, "no record of the file is JSON that can be read"),
}


@pytest.mark.parametrize("name", NO_TABLES)
def test_what_is_no_table_is_left_over_with_the_reason(tmp_path: Path, name: str) -> None:
    project = make_project(tmp_path)
    content, said = NO_TABLES[name]
    (left,) = project.json("add", "z", project.write(f"in/{name}", content), check=False)["left_over"]
    assert said in left["why"]
