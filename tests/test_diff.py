# SPDX-License-Identifier: Apache-2.0
"""Raw against staged: what became of each record of a landed file, and by which rule."""

from collections import Counter

import pytest
from conftest import Project

SOURCE = """from: in/o.csv
delimiter: ";"
decimal: ","
thousands: "."
dates: dd.MM.yyyy
nulls: [NA]
comment: "#"
tolerate: 90%
columns:
  id: int
  amount: decimal(9,2)
  day: date
  paid: boolean
  note: text
"""
ROWS = """id;amount;day;paid;note
1;2,50;2026-01-05;true;plain
2;2,50;24.12.2025;true;as the source writes dates
3; 4,00;NA;yes;a word
# a comment
4;1.234,50;24.12.2025;false;"quoted; the same"
5;abc;24.12.2025;false;no number
6;1,00;24.12.2025;false;too;many

7;0,10;;false;NA
"""


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("in/o.csv", ROWS)
    project.write("zones/shop/sources/o.yml", SOURCE)
    project.lode("run")
    return project


def test_each_record_is_told_once(shop: Project) -> None:
    (delivery,) = shop.json("diff", "--raw", "shop.staging.o")
    assert [row["record"] for row in delivery["rows"]] == list(range(1, delivery["records"] + 1)) == list(range(1, 11))
    states = {row["record"]: row["state"] for row in delivery["rows"]}
    assert states == {1: "skipped", 2: "quarantined", 3: "changed", 4: "changed", 5: "skipped", 6: "changed", 7: "quarantined",
                      8: "quarantined", 9: "skipped", 10: "changed"}
    (ledger,) = shop.json("show", "delivery")
    count = Counter(states.values())
    assert (ledger["accepted"], ledger["quarantined"], ledger["skipped"]) == (count["same"] + count["changed"], count["quarantined"], count["skipped"])


def test_changes_say_by_which_rule(shop: Project) -> None:
    (delivery,) = shop.json("diff", "--raw", "shop.staging.o", "--file", "o.csv")
    rules = {row["record"]: {field["column"]: (field["rule"], field["raw"], field["value"]) for field in row["fields"]}
             for row in delivery["rows"] if row["state"] == "changed"}
    assert rules == {
        3: {"amount": ("decimal", "2,50", "2.50"), "day": ("date_pattern", "24.12.2025", "2025-12-24")},
        4: {"amount": ("decimal", " 4,00", "4.00"), "day": ("null_word", "NA", None), "paid": ("boolean_word", "yes", "true")},
        6: {"amount": ("thousands", "1.234,50", "1234.50"), "day": ("date_pattern", "24.12.2025", "2025-12-24")},
        10: {"amount": ("decimal", "0,10", "0.10"), "note": ("null_word", "NA", None)},
    }
    values = {row["_row"]: row for row in shop.query("select amount::text as amount, day::text as day, _row from shop.staging.o")}
    for record, fields in rules.items():
        for column, (_, _, value) in fields.items():
            if column in ("amount", "day"):
                assert values[record][column] == value, "what diff says is what the table holds"
    (wide,) = [row for row in delivery["rows"] if row["record"] == 8]
    assert (wide["rule"], wide["message"], wide["line"]) == ("wrong_width", "the record has 6 fields where 5 belong", 8)


def test_text_names_what_is_not_the_same_and_the_sums(shop: Project) -> None:
    told = shop.lode("diff", "--raw", "shop.staging.o").stdout
    assert "amount: '1.234,50' is '1234.50' (thousands)" in told and "day: 'NA' is NULL (null_word)" in told
    assert "10 records: 0 same, 4 changed, 3 in quarantine, 0 fixed, 0 dropped; 3 skipped (1 header, 1 blank, 1 comment" in told


def test_fixes_are_told_with_who_made_them(shop: Project) -> None:
    shop.lode("fix", "shop.o", "--file", "o.csv", "--line", "7", "--set", "amount=1,00")
    shop.lode("fix", "shop.o", "--file", "o.csv", "--line", "8", "--drop")
    (delivery,) = shop.json("diff", "--raw", "shop.staging.o")
    states = {row["record"]: (row["state"], row.get("by", "").partition(":")[0]) for row in delivery["rows"] if row["record"] in (7, 8)}
    assert states == {7: ("fixed", "local"), 8: ("dropped", "local")}
    assert "1 in quarantine, 1 fixed, 1 dropped" in shop.lode("diff", "--raw", "shop.staging.o").stdout


def test_what_it_is_not_for(shop: Project) -> None:
    assert "only --raw" in shop.error("diff", "a", "b")["message"]
    assert "no staged table" in shop.error("diff", "--raw", "shop.canonical.o")["message"]
    assert "no delivery 'p.csv'" in shop.error("diff", "--raw", "shop.staging.o", "--file", "p.csv")["message"]


def test_landing_is_what_landed_as_text(shop: Project) -> None:
    rows = shop.query("select * from shop.landing.o order by _row")
    assert list(rows[0]) == ["id", "amount", "day", "paid", "note", "_file", "_row", "_raw"]
    assert [row["_row"] for row in rows] == [2, 3, 4, 6, 7, 8, 10]
    lines = ROWS.splitlines()
    assert [row["_raw"] for row in rows] == [lines[row["_row"] - 1] for row in rows]
    assert (rows[2]["amount"], rows[2]["day"], rows[3]["note"]) == (" 4,00", "NA", "quoted; the same")
    assert [rows[5][column] for column in ("id", "amount", "day", "paid", "note")] == [None] * 5, "a malformed record has its raw text alone"
    joined = shop.query("select l._raw from shop.staging.o s join shop.landing.o l using (_file, _row) order by _row")
    assert [row["_raw"] for row in joined] == [lines[row - 1] for row in (3, 4, 6, 10)]
    assert shop.query("select count(*) as n from landing.o", "--zone", "shop")[0]["n"] == 7 if "--zone" in shop.lode("query", "--help").stdout else True


def test_landing_is_for_those_who_may_see_the_whole(shop: Project) -> None:
    shop.write("zones/shop/zone.yml", "owner: ann\nengineers: [eve]\n")
    shop.write("zones/shop/access.yml", "rules:\n- who: [bo]\n  on: [staging.*, landing.*]\n  can: read\n")
    for name in ("ann", "eve", "bo"):
        shop.lode("user", "add", name)
    shop.lode("apply", check=False)
    for name in ("ann", "eve"):
        assert len(shop.query("select _raw from shop.landing.o", "--as", name)) == 7
    assert "shop.landing.o" in shop.error("query", "select _raw from shop.landing.o", "--as", "bo")["message"]
    assert "shop.landing.p" in shop.error("query", "select * from shop.landing.p")["message"]


def reviewed(project: Project, table: str, *more: str) -> list[tuple[int, str, str]]:
    return [(row["line"], row["state"], row.get("message", "")) for delivery in project.json("diff", "--raw", table, *more)
            for row in delivery["rows"] if row["state"] != "skipped"]


def quarantine(project: Project, source: str) -> list[tuple[int, str, str]]:
    return [(row["line"], "quarantined", row["message"]) for row in project.json("show", "quarantine", source, "--rows")]


@pytest.mark.parametrize("load", ["load: merge\nkey: k\norder_by: t\n", "load: history\nkey: k\norder_by: t\n", "load: history\nkey: k\nas_of: column t\n"])
def test_what_a_load_needs_is_required_here_too(project: Project, load: str) -> None:
    project.write("in/m.csv", "k,t,op,v\na,2024-01-01,I,1\n,2024-01-01,I,9\nc,,I,1\n")
    project.write("zones/shop/sources/m.yml", f"from: in/m.csv\ntolerate: 90%\n{load}columns:\n  k: text\n  t: date\n  op: text\n  v: int\n")
    project.lode("run")
    kept = quarantine(project, "shop.m")
    assert len(kept) == 2 and reviewed(project, "shop.staging.m") == [(2, "same", ""), *kept]
    told = project.lode("diff", "--raw", "shop.staging.m").stdout
    assert "1 same, 0 changed, 2 in quarantine" in told and "superseded" in told.splitlines()[0]


def test_types_and_columns_are_the_tables(project: Project) -> None:
    project.write("in/w.csv", "id,n\n1,5\n2,3000000000\n3,x\n")
    project.write("in/w2.csv", "id,n,extra\n4,5,more\n")
    project.write("zones/shop/sources/w.yml", "from: in/w*.csv\ntolerate: 90%\nevolve: widen\ncolumns:\n  id: int\n  n: int\n")
    project.lode("run")
    kept = quarantine(project, "shop.w")
    assert kept == [(4, "quarantined", "n: 'x' is not a number")]
    assert sorted(reviewed(project, "shop.staging.w")) == sorted([(2, "same", ""), (3, "same", ""), *kept, (2, "same", "")])


def test_a_wrong_byte_has_the_place_that_the_quarantine_says(project: Project) -> None:
    project.write("in/b.csv", b"id,note\n1,ok\n2,a\xffb\n3,ok\n")
    project.write("zones/shop/sources/b.yml", "from: in/b.csv\ncolumns:\n  id: int\n  note: text\n")
    project.lode("run")
    kept = quarantine(project, "shop.b")
    assert "the first at byte" in kept[0][2] and "at byte 0 " not in kept[0][2]
    assert reviewed(project, "shop.staging.b") == [(2, "same", ""), *kept, (4, "same", "")]


def test_a_fix_that_does_not_fit_leaves_its_record_open(shop: Project) -> None:
    shop.lode("fix", "shop.o", "--file", "o.csv", "--line", "8", "--text", "6;1,00;24.12.2025;false;too;many;even;more", check=False)
    (kept,) = [row for row in quarantine(shop, "shop.o") if row[0] == 8]
    assert "8 fields where 5 belong" in kept[2] and kept in reviewed(shop, "shop.staging.o")
    told = shop.lode("diff", "--raw", "shop.staging.o").stdout
    assert "3 in quarantine, 0 fixed" in told and "is still open: the record has 8 fields" in told


def test_what_is_no_longer_in_the_table_says_so(project: Project) -> None:
    project.write("zones/shop/sources/r.yml", "from: in/r*.csv\nload: replace\ncolumns:\n  id: int\n")
    for name in ("r1", "r2"):
        project.write(f"in/{name}.csv", f"id\n{name[1]}\n")
        project.lode("run")
    assert {item["name"]: item["in_table"] for item in project.json("diff", "--raw", "shop.staging.r")} == {"in/r1.csv": "none", "in/r2.csv": "all"}
    told = project.lode("diff", "--raw", "shop.staging.r").stdout
    assert told.count("replaced: a newer delivery is the table") == 1
