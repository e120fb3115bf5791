# SPDX-License-Identifier: Apache-2.0
"""Dumps of databases: PostgreSQL's own COPY, value by value; MySQL's by a writer and a reader of its rules."""

import random
from typing import Any

import postgres
import psycopg
import pytest
from conftest import Project

AWKWARD = ["", "plain", " blanks ", "\\", "\\\\", "\\N", "N", "\\n", "\n", "a\nb", "\r", "\r\n", "a\r", "\t", "a\tb\t", "\b\f\v", "\\.", ".", "\\\t", "\\\n", "x\\",
           '"', '"quoted"', '""', "'", "a,b;c|d", "#", "NULL", "null", "-", "?", "Æø", "\U0001f6b2\\", "\x7f", "\x01\x1f", "1\\t2", "007", "\\x41", "\\101", "\\b", "C:\\new\\table",
           "Total", "{}", "[1]", "a" * 3000 + "\\\n\t"]
TYPES = "id int, note text, other text, n bigint, price numeric(12,3), day date, at timestamp, fine boolean, raw bytea, d double precision"
LODE_TYPES = ["int", "text", "text", "bigint", "decimal(12,3)", "date", "timestamp", "boolean", "binary", "double"]
NAMES = [part.split()[0] for part in TYPES.split(", ")]


def source(escapes: str, types: list[str], **more: str) -> str:
    keys = {"from": "in/*.tsv", "delimiter": "tab", "quote": "none", "escapes": escapes, "header": "no", **more}
    return "".join(f"{key}: {value}\n" for key, value in keys.items()) + "columns:\n" + \
        "".join(f"  {name}: {type}\n" for name, type in zip(NAMES, types, strict=False))


def staged(project: Project, width: int) -> list[list[Any]]:
    return [list(row.values()) for row in project.table("shop.staging.t").sort_by("_row").select(NAMES[:width]).to_pylist()]


def values(judge: psycopg.Connection) -> list[tuple[Any, ...]]:
    return judge.execute("select id, note, other, n, price, day, at, fine, raw, d from t order by id").fetchall()


def fill(judge: psycopg.Connection) -> None:
    judge.execute(f"create table t ({TYPES})")
    dice = random.Random(7)
    letters = "\\\\\\\t\n\r\"'N.nt0x17 \b\f\vab,æ🚲"
    texts: list[str | None] = [*AWKWARD, *("".join(dice.choices(letters, k=dice.randrange(1, 12))) for _ in range(400)), None]
    with judge.cursor() as cursor:
        cursor.executemany("insert into t values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", [
            (i, text, texts[-i], *((None,) * 7 if i % 5 == 0 else (i * 10 ** 15, f"{i}.125", f"2026-01-{i % 28 + 1:02}", f"2026-03-04 05:06:07.{i:06}", i % 2 == 0,
                                                                    (text or "").encode(), i / 7)))
            for i, text in enumerate(texts)])


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[tuple[Any, ...]]]:
    """What COPY writes of a table, and the table."""
    with postgres.running() as server, psycopg.connect(f"host={server.folder} user=lode dbname=postgres", autocommit=True) as judge:
        fill(judge)
        with judge.cursor() as cursor, cursor.copy("copy (select * from t order by id) to stdout") as copy:
            data = b"".join(copy)
        return data, values(judge)


def test_what_postgres_copies_is_read_as_it_was(project: Project, dump: tuple[bytes, list[tuple[Any, ...]]]) -> None:
    data, rows = dump
    project.write("in/t.tsv", data)
    project.write("zones/shop/sources/t.yml", source("postgres", LODE_TYPES))
    (delivery,) = project.json("run")["deliveries"]
    assert (delivery["accepted"], delivery["quarantined"], delivery["skipped"]) == (len(rows), 0, 0)
    got = staged(project, len(NAMES))
    assert len(got) == len(rows)
    for mine, theirs in zip(got, rows, strict=True):
        assert mine == list(theirs)


def test_add_knows_a_dump_and_nothing_is_edited(project: Project, dump: tuple[bytes, list[tuple[Any, ...]]]) -> None:
    data, rows = dump
    project.write("in/t.tsv", data + b"\\.\n")
    added = project.json("add", "shop", "in/t.tsv")["sources"][0]
    wanted = {"delimiter": "\t", "quote": None, "escape": None, "escapes": "postgres", "header": False}
    assert {key: added["dialect"][key] for key in wanted} == wanted
    assert any("escapes: postgres" in doubt["assumed"] for doubt in added["doubts"])
    (delivery,) = project.json("run")["deliveries"]
    assert (delivery["accepted"], delivery["skipped"]) == (len(rows), 1)
    got = project.table("shop.staging.t").sort_by("_row").select(["column_1", "column_2", "column_3"]).to_pylist()
    assert [tuple(row.values()) for row in got] == [row[:3] for row in rows]


MYSQL = {"\\": "\\\\", "\t": "\\\t", "\n": "\\\n", "\0": "\\0"}
MYSQL_READS = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}


def mysql_writes(rows: list[list[str | None]]) -> str:
    """SELECT INTO OUTFILE with its defaults."""
    return "".join("\t".join("\\N" if field is None else "".join(MYSQL.get(c, c) for c in field) for field in row) + "\n" for row in rows)


def mysql_reads(text: str) -> list[list[str | None]]:
    """LOAD DATA INFILE with its defaults, one character after the other."""
    rows: list[list[str | None]] = [[]]
    field, raw, at = "", "", 0
    while at < len(text):
        c = text[at]
        if c == "\\" and at + 1 < len(text):
            at += 1
            field += MYSQL_READS.get(text[at], text[at])
            raw += "\\" + text[at]
        elif c in "\t\n":
            rows[-1].append(None if raw == "\\N" else field)
            field = raw = ""
            if c == "\n":
                rows.append([])
        else:
            field += c
            raw += c
        at += 1
    return rows[:-1]


def test_what_mysql_writes_is_read_as_it_was(project: Project) -> None:
    dice = random.Random(11)
    texts = [text for text in AWKWARD if "\r" not in text] + ["".join(dice.choices("\\\\\t\nN0nZb ab'\"", k=dice.randrange(9))) for _ in range(300)]
    rows: list[list[str | None]] = [[str(i), text, None if i % 4 == 0 else texts[-i]] for i, text in enumerate(texts)]
    text = mysql_writes(rows)
    assert mysql_reads(text) == rows  # the second reader agrees
    project.write("in/t.tsv", text)
    added = project.json("add", "shop", "in/t.tsv")["sources"][0]
    assert added["dialect"]["escapes"] == "mysql" and [column["type"] for column in added["columns"]] == ["int", "text", "text"]
    (delivery,) = project.json("run")["deliveries"]
    assert (delivery["accepted"], delivery["quarantined"], delivery["skipped"]) == (len(rows), 0, 0)
    got = project.table("shop.staging.t").sort_by("_row").select(["column_1", "column_2", "column_3"]).to_pylist()
    assert [list(row.values()) for row in got] == [[int(row[0] or 0), *row[1:]] for row in rows]


@pytest.mark.parametrize("escapes", ["mysql", "postgres"])
def test_any_bytes_mean_what_the_second_reader_says(project: Project, escapes: str) -> None:
    """Also what no database writes: all letters behind a backslash."""
    letters = [chr(c) for c in range(32, 127)]
    lines = [f"{i}\ta\\{c}z\t\\{c}" for i, c in enumerate(letters)]
    project.write("in/t.tsv", "\n".join(lines) + "\n")
    project.write("zones/shop/sources/t.yml", source(escapes, ["int", "text", "text"], tolerate="90%"))
    project.lode("run")
    expected = [[i, *(field and (field if "\0" not in field else "bad") for field in row[1:])] for i, row in enumerate(mysql_reads("\n".join(lines) + "\n"))]
    if escapes == "postgres":
        special = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", **{str(d): chr(d) for d in range(8)}}
        expected = [[i, f"a{special.get(c, c)}z", None if c == "N" else special.get(c, c)] for i, c in enumerate(letters)]
        expected[letters.index("0")] = [letters.index("0"), "bad", "bad"]
    assert staged(project, 3) == [row for row in expected if "bad" not in row]
    bad = project.json("show", "quarantine", "--rows")
    assert [(row["rule"], row["raw"]) for row in bad] == [("nul_byte", lines[letters.index("0")])]


def test_the_raw_bytes_stay_and_can_be_corrected(project: Project) -> None:
    lines = ["1\ta\\tb\t1", "2\ttorn\\\nline\tx\\ty", "3\t\\N\t\\N", "4\tcut\\", "5\t\t", "6\t\\303\\246\t6", "7\t\\377\t7", "8\t\\x41\\102\\8\t8"]
    project.write("in/t.tsv", "\n".join(lines) + "\n")
    project.write("zones/shop/sources/t.yml", source("postgres", ["int", "text", "bigint"], tolerate="90%").replace("other:", "n:"))
    project.lode("run")
    bad = {row["line"]: (row["rule"], row["column"], row["raw"]) for row in project.json("show", "quarantine", "--rows")}
    assert bad == {2: ("not_a_number", "n", lines[1]), 5: ("wrong_width", None, lines[3] + "\n" + lines[4]), 8: ("bad_escape", "note", lines[6])}
    rows = project.query("select id, note, n from shop.staging.t order by id")
    assert rows == [{"id": 1, "note": "a\tb", "n": 1}, {"id": 3, "note": None, "n": None}, {"id": 6, "note": "æ", "n": 6}, {"id": 8, "note": "AB8", "n": 8}]
    trace = project.json("trace", "shop.staging.t", "--where", "id = 1")[0]
    assert trace["raw"] == lines[0] and trace["line"] == 1
    (diff,) = project.json("diff", "--raw", "shop.staging.t")
    assert [row["state"] for row in diff["rows"]].count("quarantined") == 3
    project.lode("fix", "shop.t", "--file", "t.tsv", "--line", "2", "--set", "n=22")
    project.lode("fix", "shop.t", "--file", "t.tsv", "--line", "8", "--set", "note=C:\\new", "--set", "n=")
    project.lode("fix", "shop.t", "--file", "t.tsv", "--line", "5", "--text", "4\tcu\\nt\t\\N")
    rows = project.query("select id, note, n from shop.staging.t where id in (2, 4, 7) order by id")
    assert rows == [{"id": 2, "note": "torn\nline", "n": 22}, {"id": 4, "note": "cu\nt", "n": None}, {"id": 7, "note": "C:\\new", "n": None}]


@pytest.mark.parametrize("text", [
    "id\tname\tnote\n1\t\\N\tx\n2\tb\t\\N\n",                            # IMDb's: a header, and no other escape
    "1\tD:\\\tx\n2\tE:\\\ty\n3\tD:\\\tz\n",                              # a path in each record
    "1\tC:\\new\tx\n2\tC:\\temp\ty\n3\tC:\\bin\tz\n",                    # paths that look like escapes
    '1,"a, b",\\N\n2,"c\\"d",\\N\n3,"x",4\n',                            # quotes
    "1\t{\"a\": \"\\u00e9\"}\t\\N\n2\t{\"a\": \"b\\\\c\"}\t\\N\n",       # JSON, whose escapes are not the file's
])
def test_backslashes_that_are_no_escapes(project: Project, text: str) -> None:
    project.write("in/t.tsv", text)
    assert project.json("add", "shop", "in/t.tsv")["sources"][0]["dialect"]["escapes"] == "none"


@pytest.mark.parametrize(("keys", "words"), [
    ({"quote": "'\"'"}, "quote: none"), ({"quote": "'\"'", "escape": "\"~\"", "escapes": "mysql"}, "keep one of them"), ({"delimiter": "\"\\\\\""}, "neither the delimiter"),
    ({"format": "fixed"}, "escapes"), ({"escapes": "oracle"}, "postgres")])
def test_what_cannot_go_together_is_refused(project: Project, keys: dict[str, str], words: str) -> None:
    project.write("zones/shop/sources/t.yml", source(keys.pop("escapes", "postgres"), ["int", "text"], **keys))
    answer = project.json("check", check=False)
    assert any(words in error["message"] + (error["hint"] or "") for error in answer["errors"]), answer
