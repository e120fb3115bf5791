# SPDX-License-Identifier: Apache-2.0
"""Single records of the quarantine, corrected or given up: once, for good, without a byte of what landed being touched."""

import csv
import hashlib
import io
import os
import re
import signal
import sqlite3
import subprocess
import time

import pytest
from catalog_pages import sign_pages
from conftest import LODE, Project, counts

ROWS = ["id,amount,note", "1,1.50,a", "2,abc,b", "3,3,c,d", '4,x"y,e', '5,"5.00","q"', "6,7.00,ok", "7,z,last"]
SOURCE = "from: in/o*.csv\ntolerate: 90%\ncolumns:\n  id: int\n  amount: decimal(9,2)\n  note: text\n"


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("in/o.csv", "\n".join(ROWS) + "\n")
    project.write("zones/shop/sources/o.yml", SOURCE)
    project.lode("run")
    return project


def rows(project: Project) -> list[tuple[object, ...]]:
    return [(row["id"], row["amount"], row["note"], row["_row"])
            for row in project.query("select id, amount::text as amount, note, _row from shop.staging.o order by id")]


def sums(project: Project) -> tuple[int, int, int, int]:
    (delivery,) = [item for item in project.json("show", "delivery") if item["state"] == "staged"]
    assert delivery["records"] == delivery["accepted"] + delivery["quarantined"] + delivery["skipped"]
    return delivery["records"], delivery["accepted"], delivery["quarantined"], delivery["skipped"]


def fix(project: Project, line: int, *what: str, check: bool = True) -> dict:
    return project.json("fix", "shop.o", "--file", "o.csv", "--line", str(line), *what, check=check)


def test_by_column_by_text_and_given_up(shop: Project) -> None:
    assert sums(shop) == (8, 3, 4, 1)
    assert fix(shop, 3, "--set", "amount=2.25", "--set", "note=b 2")["records"][0]["state"] == "replayed"
    assert sums(shop) == (8, 4, 3, 1)
    fix(shop, 4, "--text", '3,3,"c,d"')
    assert fix(shop, 5, "--drop")["records"][0]["state"] == "dropped"
    assert sums(shop) == (8, 5, 1, 2)
    assert rows(shop) == [(1, "1.50", "a", 2), (2, "2.25", "b 2", 3), (3, "3.00", "c,d", 4), (5, "5.00", "q", 6), (6, "7.00", "ok", 7)]
    assert [row["line"] for row in shop.json("show", "quarantine", "--rows")] == [8]
    history = {row["line"]: row["state"] for row in shop.json("show", "quarantine", "--history")}
    assert history == {3: "replayed", 4: "replayed", 5: "dropped", 8: "open"}
    states = shop.query("select state, count(*) as n from shop.quarantine.o group by 1 order by 1")
    assert states == [{"state": "dropped", "n": 1}, {"state": "open", "n": 1}, {"state": "replayed", "n": 2}]


def test_the_way_back_says_who_and_shows_what_landed(shop: Project) -> None:
    before = shop.json("show", "delivery")[0]["sha256"]
    fix(shop, 3, "--set", "amount=2.25")
    (traced,) = shop.json("trace", "shop.staging.o", "--where", "id = 2")
    assert (traced["raw"], traced["line"]) == ("2,abc,b", 3)
    assert traced["fix"]["author"].startswith("local:") and traced["fix"]["set"] == {"amount": "2.25"}
    assert "fixed by local:" in shop.lode("trace", "shop.staging.o", "--where", "id = 2").stdout
    assert shop.json("trace", "shop.staging.o", "--where", "id = 1")[0].get("fix") is None
    assert shop.json("show", "delivery")[0]["sha256"] == before
    assert "ok" in shop.lode("verify").stdout, "the landed bytes are what they were"


def test_it_holds_when_the_source_is_read_again_and_when_nothing_changed(shop: Project) -> None:
    fix(shop, 3, "--set", "amount=2.25")
    wanted = rows(shop)
    for again in ((), ("--again",), ("--replay",)):
        shop.lode("run", *again)
        assert rows(shop) == wanted
    shop.write("zones/shop/sources/o.yml", SOURCE.replace("note: text", "note: text required"))
    shop.lode("run")
    assert rows(shop) == wanted
    shop.write("zones/shop/sources/o.yml", SOURCE.replace("amount: decimal(9,2)", "amount: text"))
    shop.lode("run")
    assert [row["amount"] for row in shop.query("select amount from shop.staging.o where id = 2")] == ["2.25"], "also where it would fit as it is"


def test_a_file_that_takes_the_place_of_another_takes_over_its_fixes(shop: Project) -> None:
    shop.write("zones/shop/sources/o.yml", "redelivery: replace\n" + SOURCE)
    shop.lode("run")
    fix(shop, 3, "--set", "amount=2.25")
    fix(shop, 8, "--drop")
    shop.write("in/o.csv", "\n".join([*ROWS, "8,8.00,new"]) + "\n")  # the same bad records at the same places
    delivery = shop.json("run")["deliveries"][0]
    assert "1 corrected, 1 dropped by hand" in delivery["message"]
    assert [row[:2] for row in rows(shop)] == [(1, "1.50"), (2, "2.25"), (5, "5.00"), (6, "7.00"), (8, "8.00")]
    (row,) = shop.json("trace", "shop.staging.o", "--where", "id = 2")
    assert row["raw"] == "2,abc,b"
    assert shop.json("run")["state"] == "nothing"
    assert fix(shop, 3, "--undo")["records"][0]["state"] == "open" and 2 not in [row[0] for row in rows(shop)]
    shop.write("in/o.csv", "\n".join(ROWS[:3]) + "\n")
    assert "no longer meet" in shop.json("run")["deliveries"][0]["message"]  # that of line 8, which is not there


@pytest.mark.parametrize("more", ["", "load: replace\n", "load: merge\nkey: id\n", "redelivery: replace\n"])
def test_a_delivery_is_withdrawn_and_taken_back(project: Project, more: str) -> None:
    project.write("zones/shop/sources/p.yml", f"from: ingress/p*.csv\n{more}columns:\n  id: int\n  n: int\n")
    project.write("zones/shop/canonical/m.sql", "select id, n from staging.p\n")
    project.drop("shop", "p1.csv", "id,n\n1,1\n2,2\n")
    project.json("run")
    wrong = "p1.csv" if "redelivery" in more else "p2.csv"
    project.drop("shop", wrong, "id,n\n2,9\n3,9\nx,1\n")
    commit = project.json("run")["commit"]
    first = [{"id": 1, "n": 1}, {"id": 2, "n": 2}]

    def table(*options: str) -> list[dict]:
        return project.query("select id, n from shop.canonical.m order by all", *options)

    full = table()
    assert full != first and project.json("show", "quarantine")
    error = project.error("fix", "shop.p", "--withdraw", wrong)
    assert error["exit"] == 2 and "--reason" in error["message"]
    assert project.error("fix", "shop.p", "--withdraw", "none.csv", "--reason", "x")["exit"] == 2
    options = ("fix", "shop.p", "--withdraw", wrong)
    number = project.json("show", "delivery", "shop.p")[0]["delivery"]
    said = project.lode(*options, "--reason", "a test file").stderr
    assert "withdrawn" in said and "a test file" in said
    assert table() == first and table("--at", commit) == full
    assert project.json("show", "quarantine") == [] and project.json("status")["quarantine"] == []
    row = next(d for d in project.json("show", "delivery", "shop.p") if d["delivery"] == number)
    assert row["state"] == "withdrawn" and row["message"].endswith(": a test file")
    assert any("withdraw" in entry["message"] and "a test file" in entry["message"] for entry in project.json("log"))
    assert [line["action"] for line in project.json("audit") if line["action"] == "withdraw"]
    assert project.json("run")["state"] == "nothing" and project.lode("run", "--again").exit == 0 and table() == first
    project.drop("shop", wrong, "id,n\n2,9\n3,9\nx,1\n")
    report = project.json("run")
    assert (report["files"]["duplicate"], "withdrawn" in report["deliveries"][0]["message"]) == (1, True) or "replace" in more
    assert project.lode("verify").exit == 0
    if "replace" in more:
        return
    project.lode(*options, "--undo")
    assert table() == full and project.json("status")["quarantine"]
    assert project.error(*options, "--undo")["exit"] == 2


def test_what_is_held_can_be_given_up(project: Project) -> None:
    project.write("zones/shop/sources/p.yml", "from: ingress/*\ncolumns:\n  id: int\n")
    project.drop("shop", "README", "Hello\nyou\n")
    assert project.lode("run", check=False).exit == 1 and project.json("status")["held"]
    project.lode("fix", "shop.p", "--withdraw", "README", "--reason", "no data")
    assert project.json("status")["held"] == [] and project.lode("run", "--replay").exit == 0
    project.lode("fix", "shop.p", "--withdraw", "README", "--undo", check=False)
    assert project.json("status")["held"]


def test_what_still_does_not_fit_stays_and_says_why(shop: Project) -> None:
    told = fix(shop, 3, "--set", "amount=two", check=False)
    assert told["records"][0]["state"] == "open" and "'two' is not a number" in told["records"][0]["message"]
    assert shop.lode("fix", "shop.o", "--file", "o.csv", "--line", "3", "--set", "amount=two", check=False).exit == 1
    assert sums(shop) == (8, 3, 4, 1)
    fix(shop, 3, "--set", "amount=2")
    assert sums(shop) == (8, 4, 3, 1)
    fix(shop, 3, "--undo")
    assert sums(shop) == (8, 3, 4, 1)
    assert [row["state"] for row in shop.json("show", "quarantine", "--rows") if row["line"] == 3] == ["open"]


WRONG = [
    (("--file", "o.csv", "--line", "2", "--set", "amount=1"), "nothing in the quarantine"),
    (("--file", "p.csv", "--line", "3", "--set", "amount=1"), "nothing in the quarantine"),
    (("--file", "o.csv", "--line", "3", "--set", "amonut=1"), "no column 'amonut'"),
    (("--file", "o.csv", "--line", "4", "--set", "amount=1"), "malformed as a whole"),
    (("--file", "o.csv", "--line", "3"), "one of --set, --text, --drop and --undo"),
    (("--file", "o.csv", "--line", "3", "--drop", "--undo"), "one of --set"),
    (("--file", "o.csv", "--line", "3", "--undo"), "nothing to take back"),
    (("--line", "3", "--drop"), "--file and --line"),
    (("--file", "o.csv", "--line", "zero", "--drop"), "a number from 1"),
]


def test_what_is_wrong_is_said_and_nothing_done(shop: Project) -> None:
    before = len(shop.json("log"))
    for options, words in WRONG:
        assert words in shop.error("fix", "shop.o", *options)["message"]
    assert len(shop.json("log")) == before


def edit(project: Project, change: dict[int, dict[str, str]], **dialect: str) -> str:
    listed = list(csv.DictReader(io.StringIO(project.lode("show", "quarantine", "shop.o", "-o", "csv").stdout)))
    for row in listed:
        row.update(change.get(int(row["line"]), {}))
        row["delivery"] = "8.9137E+18"  # as a spreadsheet leaves it
    out = io.StringIO()
    writer = csv.DictWriter(out, listed[0].keys(), **dialect)
    writer.writeheader()
    writer.writerows(reversed(listed))
    return out.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_round_trip_through_a_spreadsheet(shop: Project, delimiter: str) -> None:
    change = {3: {"raw": "2,2.25,b"}, 4: {"raw": '3,3,"c,d"'}, 5: {"state": "Dropped"}}
    text = edit(shop, change, delimiter=delimiter)
    shop.write("q.csv", "\ufeff" + text)
    told = shop.json("fix", "shop.o", "--from", "q.csv")
    assert sorted((record["line"], record["state"]) for record in told["records"]) == [(3, "replayed"), (4, "replayed"), (5, "dropped")]
    assert sums(shop) == (8, 5, 1, 2)
    wanted, commits = rows(shop), len(shop.json("log"))
    assert shop.json("fix", "shop.o", "--from", "q.csv", check=False)["commit"] in (None, ""), "the same list again changes nothing"
    done = shop.lode("fix", "shop.o", "--from", "q.csv", check=False)
    said = done.stdout + done.stderr
    assert "nothing changed: all of these records are fixed so already" in said and "replayed" not in said and "dropped " not in said
    assert rows(shop) == wanted and sums(shop) == (8, 5, 1, 2)
    assert len(shop.json("log")) == commits


def test_a_list_of_another_source_and_one_that_is_none(shop: Project) -> None:
    shop.write("q.csv", edit(shop, {3: {"source": "other"}}))
    assert "is of shop.other" in shop.error("fix", "shop.o", "--from", "q.csv")["message"]
    shop.write("q.csv", "a,b\n1,2\n")
    assert "no column 'zone'" in shop.error("fix", "shop.o", "--from", "q.csv")["message"]


def test_quarantine_closes_by_an_edit_of_the_text_and_its_history_stays(project: Project) -> None:
    project.write("in/o.csv", "id,day\n1,2026-01-01\n2,24.12.2025\n3,soon\n")
    text = "from: in/o.csv\n{}tolerate: 90%\ncolumns:\n  id: int\n  day: date\n"
    project.write("zones/shop/sources/o.yml", text.format(""))
    project.lode("run")
    assert [row["state"] for row in project.json("show", "quarantine")] == ["open", "open"]
    project.write("zones/shop/sources/o.yml", text.format("dates: [yyyy-MM-dd, dd.MM.yyyy]\n"))
    project.lode("run")
    assert [(row["line"], row["state"]) for row in project.json("show", "quarantine")] == [(4, "open")]
    assert sorted((row["line"], row["state"]) for row in project.json("show", "quarantine", "--history")) == [(3, "replayed"), (4, "open")]


@counts("LODE_FIX_KILLS", 4, 60)
def test_killed_at_any_time_it_is_done_once_or_not_at_all(shop: Project, count: int) -> None:
    before = rows(shop)
    after = sorted([*before, (2, "2.25", "b", 3)])
    for i in range(count):
        shop.lode("fix", "shop.o", "--file", "o.csv", "--line", "3", "--undo", check=False)
        started = subprocess.Popen([LODE, "fix", "shop.o", "--file", "o.csv", "--line", "3", "--set", "amount=2.25"], cwd=shop.root,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ})
        time.sleep(0.05 + 0.5 * i / count)
        started.send_signal(signal.SIGKILL)
        started.wait()
        shop.lode("run")
        assert rows(shop) in (before, after)
        assert sums(shop)[0] == 8


def written_by_another_version(project: Project) -> None:
    """The applied sources as if a program that read their very text otherwise had applied them."""
    path = project.store / "catalog.sqlite"
    with sqlite3.connect(path) as catalog:
        ((old, body),) = catalog.execute("select b.hash, b.bytes from head h join object o using (oid) join body b on b.hash = h.body_hash where o.kind = 'source'").fetchall()
        other = re.sub(rb'"reading":"....', b'"reading":"0000', bytes(body))
        new = hashlib.sha256(other).hexdigest()
        assert new != old
        catalog.execute("insert into body values (?, ?)", (new, other))
        for table in ("head", "version"):
            catalog.execute(f"update {table} set body_hash = ? where body_hash = ?", (new, old))
    catalog.close()
    sign_pages(path)


def test_a_program_that_reads_the_text_otherwise_fixes_too(shop: Project) -> None:
    written_by_another_version(shop)
    assert fix(shop, 3, "--set", "amount=2.25")["records"][0]["state"] == "replayed"
    assert (2, "2.25", "b", 3) in rows(shop)


def test_one_record_is_told_in_one_line_and_the_other_files_in_another(project: Project) -> None:
    project.write("zones/shop/sources/o.yml", "from: ingress/o_*.csv\ncolumns:\n  id: int\n  n: int\n")
    for i in range(5):
        project.drop("shop", f"o_{i}.csv", f"id,n\n{i}1,1\n{i}2,{'x' if i == 3 else 2}\n{i}3,3\n")
    project.lode("run")
    said = project.lode("fix", "shop.o", "--file", "o_3.csv", "--line", "3", "--set", "n=2")
    assert said.stdout == ("shop.o o_3.csv: 4 records = 3 accepted + 0 quarantined + 1 skipped\n"
                           "shop.o 4 other files: 16 records = 12 accepted + 0 quarantined + 4 skipped\n")
    assert said.stderr.count("o_3.csv line 3") == 1
