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
    assert kept[2]["message"] == ("the line has text where no column is: at character 34, and the column before ends at 32; "
                                  "where columns are cut too short, correct `at`")
    entry = project.json("trace", "shop.staging.stock", "--where", "qty = 1")[0]
    raw = STOCK.encode()[entry["offset"]:][:entry["length"]].decode()
    assert raw == entry["raw"] == STOCK.splitlines()[5] and entry["line"] == 6
    project.lode("fix", "shop.stock", "--file", "stock1.txt", "--line", "7", "--text", "C-300       9    2.00 2026-01-08")
    assert project.query("select qty from shop.staging.stock where item = 'C-300'") == [{"qty": 9}]


def test_what_nobody_reads_is_named(project: Project) -> None:
    project.write("stock1.txt", STOCK)
    project.write("zones/shop/sources/stock.yml", SOURCE + "ignore: [34-40]\n")
    delivery = project.json("run")["deliveries"][0]
    assert (delivery["accepted"], delivery["message"]) == (5, "columns ignored: 34-40")
    assert [d["message"] for d in project.json("show", "delivery")] == ["columns ignored: 34-40"]


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


CLIENTS = [("Mueller", "Bonn", 10.5), ("Gross", "Bonn", 21), ("Smith", "Bonn", 31.5), ("Ford", "Bonn", 42), ("Koch", "Bonn", 52.5), ("Lang", "Bonn", 63),
           ("Weiss", "Bonn", 73.5), ("Braun", "Bonn", 84)]


def stock(rows: list[tuple[str, str, float]], first: int = 1) -> str:
    return "".join(f"{number:07d} {name:<12}{city:<10}{amount:10.2f}\n" for number, (name, city, amount) in enumerate(rows, first))


def test_blanks_before_a_number_are_the_numbers(project: Project) -> None:
    """Numbers that get longer stand further to the left: nothing of them is taken for the column before, nor they for it."""
    project.drop("shop", "stock_1.txt", stock(CLIENTS))
    project.json("add", "shop", project.root / "ingress/shop/stock_1.txt")
    project.drop("shop", "stock_2.txt", stock([("Huge", "Bonn", 1234567.89), ("Mid", "Bonn", 4321.99), ("Long", "Bonn 77777", 1.5), ("Far", "Frankfurt", 2)], 9))
    later = project.json("run")["deliveries"][1]
    assert (later["accepted"], later["quarantined"]) == (2, 2)
    rows = project.query("select column_3, column_4 from shop.staging.stock order by column_1")
    assert [tuple(row.values()) for row in rows] == [(city, amount) for _, city, amount in CLIENTS] + [("Bonn", 1234567.89), ("Bonn", 4321.99)]


def test_a_value_that_reaches_into_the_number_is_kept_aside(project: Project) -> None:
    """Where a blank stood between a text and a number, a digit there is of one or of the other: nobody guesses of which."""
    wide = [(name, "Hall 1" if number % 2 else "Hall 22", 100000.5 + number) for number, (name, _, _) in enumerate(CLIENTS)]
    project.drop("shop", "stock_1.txt", "".join(f"{name:<12}{city:<8}{amount:9.2f}\n" for name, city, amount in wide))
    project.json("add", "shop", project.root / "ingress/shop/stock_1.txt")
    good = "".join(f"{name:<12}{'Hall 3':<8}{amount:9.2f}\n" for name, _, amount in CLIENTS)
    project.drop("shop", "stock_2.txt", good + f"{'Huge':<12}{'Hall 22':<7}{1234567.89:10.2f}\n{'Gap':<12}{'Hall 333':<8}{1.25:9.2f}\n")
    later = project.json("run")["deliveries"][1]
    assert (later["accepted"], later["quarantined"]) == (8, 2), later
    kept = project.json("show", "quarantine", "shop.stock", "--rows")
    assert [(row["line"], row["rule"]) for row in kept] == [(9, "text_outside"), (10, "text_outside")]


def test_places_are_letters_in_whatever_encoding(project: Project) -> None:
    rows = [("Müller", "Köln", 10.5), *CLIENTS[1:], ("Łukasz", "Gdańsk", 7)]
    for name, encoding in [("utf", "utf-8"), ("win", "utf-16")]:
        project.write(f"{name}.txt", stock(rows).encode(encoding))
        project.write(f"h_{name}.txt", (f"{'no':<8}{'Straße':<12}{'Ort':<10}{'Betrag':>10}\n" + stock(rows)).encode(encoding))
    said = [project.json("add", "shop", project.root / f"{name}.txt", "--name", name.lower())["sources"][0] for name in ("utf", "win", "h_utf", "h_win")]
    for source in said:
        assert source["format"] == "fixed" and len(source["columns"]) == 4, source
        assert [column["type"] for column in source["columns"]] == ["text", "text", "text", "decimal(18,2)"]
    assert [column["name"] for column in said[2]["columns"]] == ["no", "Straße", "Ort", "Betrag"]
    project.json("run")
    for name in ("utf", "win", "h_utf", "h_win"):
        assert project.query(f"select count(*) c from shop.staging.{name}") == [{"c": len(rows)}]
    assert project.query('select "Ort" o from shop.staging.h_win where "Straße" = \'Müller\'') == [{"o": "Köln"}]


def test_three_lines_are_enough_and_prose_is_not(project: Project) -> None:
    project.write("few.txt", stock(CLIENTS[:3]))
    few = project.json("add", "shop", project.root / "few.txt")["sources"][0]
    assert few["format"] == "fixed" and few["records"] == 3 and len(few["columns"]) == 4, few
    project.write("prose.txt", "We met on 12 May.\nIt was a rainy day.\nHe had 3 apples.\n")
    assert project.json("add", "shop", project.root / "prose.txt")["sources"][0]["format"] == "csv"


SQLCMD = """id          name                 amount       note
----------- -------------------- ------------ ----------
          1 Bolt                         1.50 NULL
         22 Nut of steel               -12.00 ok
        333                            123.45 NULL

(3 rows affected)
"""


def test_a_line_of_dashes_says_where_the_columns_are(project: Project) -> None:
    """As sqlcmd prints a result: blanks in values, values of many lengths and empty ones cut nothing else."""
    project.drop("shop", "parts_1.txt", SQLCMD)
    source = project.json("add", "shop", project.root / "ingress/shop/parts_1.txt")["sources"][0]
    assert [(column["name"], column["type"]) for column in source["columns"]] == [
        ("id", "int"), ("name", "text"), ("amount", "decimal(18,2)"), ("note", "text")], source
    text = (project.root / "zones/shop/sources/parts.yml").read_text()
    assert "at 1-11" in text and "at 13-32" in text and "at 34-45" in text and "at 47-56" in text
    project.drop("shop", "parts_2.txt", SQLCMD.replace("         22 Nut of steel               -12.00", " 1111111111 A name of 20 letters 123456789.12").replace("(3", "(12"))
    first, second = project.json("run")["deliveries"]
    assert (first["accepted"], first["skipped"], second["accepted"], second["skipped"], second["quarantined"]) == (3, 4, 3, 4, 0), (first, second)
    assert project.query("select name, amount from shop.staging.parts where id = 1111111111") == [{"name": "A name of 20 letters", "amount": 123456789.12}]


def test_a_column_that_is_cut_too_short_is_told_by_the_place(project: Project) -> None:
    """A value longer than those that `add` saw reaches into a place that is nobody's."""
    project.write("bins_1.txt", "A-1     Lager 1   12\nA-2     Lager 2   13\nA-3     L\u00e6ger 3   14\nA-4     L\u00e6ger 11  15\n")
    project.write("zones/shop/sources/bins.yml", "from: bins_*.txt\nformat: fixed\ntolerate: 5\ncolumns:\n"
                  "  id: text at 1-6\n  bin: text at 9-13\n  no: int at 15-15\n  n: int at 17-20\n")
    project.lode("run")
    kept = project.json("show", "quarantine", "shop.bins", "--rows")
    said = "the line has text where no column is: at character 16, and the column before ends at 15; where columns are cut too short, correct `at`"
    assert [(row["line"], row["message"]) for row in kept if row["rule"] == "text_outside"] == [(4, said)]
