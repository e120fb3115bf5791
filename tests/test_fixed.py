# SPDX-License-Identifier: Apache-2.0
"""Fixed width by whole programs: cuts guessed, lines cut, what is no record kept aside."""

import random

from conftest import Project

STOCK = """item      qty   price day
--------- --- ------- ----------
A-100      12    1.50 2026-01-05
B-200       7 1203.25 2026-01-06

Ærø "x"     1    0.10 2026-01-07
C-300       x    2.00 2026-01-08
D-400       3
E-500       4    1.00 2026-01-09 late
F-600       5    4.00 2026-01-10
"""

SOURCE = """from: stock*.txt
format: fixed
header: yes
comment: "---"
tolerate: 5
columns:
  item: text required at 1-10
  qty: int at 11-13
  price: decimal(9,2) at 15-21
  day: date at 23-32
"""


def test_lines_are_cut_and_what_is_none_is_kept(project: Project) -> None:
    project.write("stock1.txt", STOCK)
    project.write("zones/shop/sources/stock.yml", SOURCE)
    delivery = project.json("run")["deliveries"][0]
    assert (delivery["records"], delivery["accepted"], delivery["quarantined"], delivery["skipped"]) == (10, 4, 3, 3)
    assert project.query("select * from shop.staging.stock order by _row") == [
        {"item": "A-100", "qty": 12, "price": 1.5, "day": "2026-01-05"}, {"item": "B-200", "qty": 7, "price": 1203.25, "day": "2026-01-06"},
        {"item": 'Ærø "x"', "qty": 1, "price": 0.1, "day": "2026-01-07"}, {"item": "F-600", "qty": 5, "price": 4, "day": "2026-01-10"}]
    kept = project.json("show", "quarantine", "shop.stock", "--rows")
    assert [(row["line"], row["rule"], row["column"]) for row in kept] == [
        (7, "not_an_integer", "qty"), (8, "wrong_length", None), (9, "text_outside", None)] or kept[0]["rule"] == "not_a_number"
    assert kept[1]["message"] == "the line ends before its last column begins: it has 13 characters, and the columns end at 32"
    entry = project.json("trace", "shop.staging.stock", "--where", "qty = 1")[0]
    raw = STOCK.encode()[entry["offset"]:][:entry["length"]].decode()
    assert raw == entry["raw"] == STOCK.splitlines()[5] and entry["line"] == 6
    project.lode("fix", "shop.stock", "--file", "stock1.txt", "--line", "7", "--text", "C-300       9    2.00 2026-01-08")
    assert project.query("select qty from shop.staging.stock where item = 'C-300'") == [{"qty": 9}]


def test_what_nobody_reads_is_named(project: Project) -> None:
    project.write("stock1.txt", STOCK)
    project.write("zones/shop/sources/stock.yml", SOURCE + "ignore: [34-40]\n")
    assert project.json("run")["deliveries"][0]["accepted"] == 5


def test_add_guesses_the_cuts_and_says_so(project: Project) -> None:
    chance = random.Random(3)
    rows = [(f"{i:05d}", chance.choice(["Ann", "Bo Lee", "Cy"]), chance.randrange(1, 99999) / 100, f"2026-01-{1 + i % 28:02d}") for i in range(500)]
    lines = [f"{'no':<6} {'name':<12}{'amount':>9} {'day':<10}".rstrip()] + [f"{n:<6} {name:<12}{amount:>9.2f} {day}" for n, name, amount, day in rows]
    project.write("in/paid.txt", "\r\n".join(lines) + "\r\n")
    added = project.json("add", "shop", project.root / "in/paid.txt")["sources"][0]
    assert added["format"] == "fixed" and any("look like fixed width" in doubt["what"] for doubt in added["doubts"])
    assert {c["name"]: c["type"] for c in added["columns"]} == {"no": "text", "name": "text", "amount": "decimal(18,2)", "day": "date"}
    delivery = project.json("run")["deliveries"][0]
    assert (delivery["accepted"], delivery["quarantined"], delivery["skipped"]) == (500, 0, 1)
    assert [tuple(row.values()) for row in project.query("select no, name, amount, day from shop.staging.paid order by _row")] == rows


def test_a_place_that_is_none_is_told_where_it_stands(project: Project) -> None:
    project.write("zones/shop/sources/a.yml", "from: a.txt\nformat: fixed\ncolumns:\n  a: int at 9-3\n  b: int\n")
    project.write("zones/shop/sources/b.yml", "from: b.txt\ncolumns:\n  a: int at 1-3\n")
    answer = project.lode("check", check=False)
    assert answer.exit == 2
    for words in ["a.yml:4", "`at 9-3` is no place on a line", "b.yml:3", "`at` has a meaning only for format: fixed"]:
        assert words in answer.stderr + answer.stdout, answer
