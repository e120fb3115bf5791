# SPDX-License-Identifier: Apache-2.0
"""The setting that `lode show quarantine` names for a rule: what it says is done, and nothing of it is left open."""

import pytest
from conftest import Project

# what it is, the source's text beside the columns, the column's type, texts that fit, texts that do not, what is named
CASES = [
    ("dates in another order", "", "date", ["2026-01-05", "2026-02-06"], ["24.12.2025", "1.2.2026"], "dates: [yyyy-MM-dd, d.M.yyyy]"),
    ("decimal commas alone", "delimiter: \";\"\n", "decimal(9,2)", ["1", "2"], ["3,5", "4,25"], 'decimal: ","'),
    ("thousands", "delimiter: \";\"\n", "int", ["1", "2"], ["1,200", "13,400,000"], 'thousands: ","'),
    ("a word for nothing", "", "int", ["1", "2", "-5"], ["n/a", "n/a"], "nulls: n/a"),
    ("two words for nothing", "", "date", ["2026-01-05"] * 4, ["-", "unknown", "-"], 'nulls: ["-", unknown]'),
    ("a word of a column with its own words", "", "int nulls(NA)", ["1", "2", "-5"], ["-", "-"], "value: int nulls(NA | -)"),
    ("groups as in India", "delimiter: \";\"\n", "int", ["1", "2"], ["1,200", "12,34,567"], "thousands: indian"),
    ("a day that is none", "", "date", ["2026-01-05", "2026-01-06"], ["0000-00-00"], "nulls: 0000-00-00"),
    ("more decimals", "", "decimal(9,2)", ["1.00", "2"], ["1.234"], "value: decimal(18,3)"),
    ("longer numbers", "", "int", ["1", "2"], ["3000000000"], "value: bigint"),
    ("very long numbers", "", "bigint", ["1", "2"], ["12345678901234567890"], "value: decimal(20,0)"),
    ("fractions", "", "int", ["1", "2"], ["2.5"], "value: decimal(22,2)"),
    ("words", "", "int", ["1", "2", "3"], ["twelve"], "value: text"),
    ("quoted empties", "", "int", ["1", "2"], ['""'], 'nulls: ""'),
    ("nothing where something must be", "", "int required", ["1", "2"], [""], "value: int"),
    ("a time of day too", "", "date", ["2026-01-05", "2026-01-06"], ["2026-01-07 10:00:00"], "value: timestamp"),
]


def make(project: Project, head: str, kind: str, good: list[str], bad: list[str]) -> list[str]:
    delimiter = ";" if "delimiter" in head else ","
    lines = [f"id{delimiter}value"] + [f"{i}{delimiter}{text}" for i, text in enumerate([*good, *bad], 1)]
    project.write("in/things.csv", "\n".join(lines) + "\n")
    project.write("zones/shop/sources/things.yml",
                  f"from: in/things.csv\n{head}tolerate: 90%\ncolumns:\n  id: int\n  value: {kind}\n")
    project.lode("run")
    return project.lode("show", "quarantine").stdout.splitlines()


def named(lines: list[str]) -> list[str]:
    return [line.split("would fit all: ")[1].split("   (")[0] for line in lines if "would fit all: " in line]


@pytest.mark.parametrize(("head", "kind", "good", "bad", "wanted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_setting_is_named_and_does_what_it_says(project: Project, head: str, kind: str, good: list[str], bad: list[str],
                                                    wanted: str) -> None:
    assert named(make(project, head, kind, good, bad)) == [wanted]
    of_column = wanted.startswith("value: ")
    new_kind, more = (wanted.removeprefix("value: "), "") if of_column else (kind, wanted + "\n")
    sql = "select id, value from shop.staging.things order by id"
    before = project.query(sql)
    assert len(before) == len(good)
    project.write("zones/shop/sources/things.yml",
                  f"from: in/things.csv\n{head}{more}tolerate: 90%\ncolumns:\n  id: int\n  value: {new_kind}\n")
    project.lode("run")
    after = project.query(sql)
    assert len(after) == len(good) + len(bad)
    if not of_column:
        assert after[:len(before)] == before
    assert project.lode("show", "quarantine").stdout == "quarantine is empty\n"


def test_what_would_change_a_record_that_fits_is_not_named(project: Project) -> None:
    """A decimal comma would read 3,5 and turn 1.250 into another number."""
    lines = make(project, 'delimiter: ";"\n', "decimal(9,3)", ["1.250", "2.5"], ["3,5"])
    assert named(lines) == ["value: text"]


def test_what_two_patterns_read_as_other_days_is_left_to_a_person(project: Project) -> None:
    lines = make(project, "", "date", ["2026-01-05"], ["03/04/2026"])
    assert named(lines) == ["dates: [yyyy-MM-dd, dd/MM/yyyy], and so would dates: [yyyy-MM-dd, MM/dd/yyyy]: as other days, and no "
                            "record tells which"]


def test_what_no_setting_mends_has_none(project: Project) -> None:
    project.write("in/things.csv", 'id,value\n1,1\n2,2,2\n3,"3\n4,4\n')
    project.write("zones/shop/sources/things.yml", "from: in/things.csv\ncolumns:\n  id: int\n  value: int\n")
    project.lode("run")
    lines = project.lode("show", "quarantine").stdout.splitlines()
    assert sorted(line.split()[1].strip(",") for line in lines[1:]) == ["bad_quote", "wrong_width"]
    assert named(lines) == []


def test_it_is_tried_on_every_delivery(project: Project) -> None:
    """One delivery alone would take the pattern; the other has a record that it does not read."""
    project.write("zones/shop/sources/things.yml", "from: in/things_*.csv\ntolerate: 90%\ncolumns:\n  id: int\n  value: date\n")
    project.write("in/things_1.csv", "id,value\n1,2026-01-01\n2,24.12.2025\n")
    project.write("in/things_2.csv", "id,value\n1,2026-01-01\n2,Christmas\n")
    project.lode("run")
    assert named(project.lode("show", "quarantine").stdout.splitlines()) == ["value: text"]


def test_a_word_that_is_a_text_elsewhere_is_one_of_its_column(project: Project) -> None:
    project.write("in/things.csv", "id,country,value\n1,NA,5\n2,DK,NA\n3,DE,7\n")
    project.write("zones/shop/sources/things.yml", "from: in/things.csv\ncolumns:\n  id: int\n  country: text\n  value: int\n")
    project.lode("run")
    assert named(project.lode("show", "quarantine").stdout.splitlines()) == ["value: int nulls(NA)"]
    project.write("zones/shop/sources/things.yml", "from: in/things.csv\nnulls: DE\ncolumns:\n  id: int\n  country: text nulls()\n  value: int nulls(NA)\n")
    project.lode("run")
    assert project.query("select id, country, value from shop.staging.things order by id") == [
        {"id": 1, "country": "NA", "value": 5}, {"id": 2, "country": "DK", "value": None}, {"id": 3, "country": "DE", "value": 7}]
    shown = project.json("show", "source", "shop.things")
    assert [column["nulls"] for column in shown[0]["columns"]] == [["DE"], [], ["NA"]]
    assert "NA" in project.lode("show", "source", "shop.things").stdout


def write_fees(project: Project, head: str, net: str, gross: str) -> None:
    project.write("zones/shop/sources/fees.yml", f'from: in/fees.csv\ndelimiter: ";"\n{head}tolerate: 100%\ncolumns:\n  id: int\n  net: {net}\n  gross: {gross}\n')


def fees(project: Project) -> list[tuple]:
    return [(row["id"], row["net"], row["gross"]) for row in project.query("select id, net::text as net, gross::text as gross from shop.staging.fees order by id")]


def shown(project: Project) -> str:
    project.lode("run")
    return project.lode("show", "quarantine").stdout


@pytest.mark.parametrize(("point", "column", "mended"), [
    (",", "gross", 'gross: decimal(18,2) decimal(".")'),
    (".", "net", 'net: decimal(18,2) decimal(",")'),
])
def test_columns_that_are_written_otherwise_say_it_for_themselves(project: Project, point: str, column: str, mended: str) -> None:
    """Whatever the source says, one column does not fit; what mends it by breaking the other is not named but told."""
    project.write("in/fees.csv", "id;net;gross\n1;1,50;$2.50\n2;2,25;$3.75\n")
    head = f'decimal: "{point}"\ncurrency: "$"\n'
    write_fees(project, head, "decimal(18,2)", "decimal(18,2)")
    text = shown(project)
    assert f"2 not_a_number in {column}" in text
    assert named(text.splitlines()) == [mended]
    other = "," if point == "." else "."
    assert f'not for all columns: decimal: "{other}" would change values that fit' in text
    kinds = {"net": "decimal(18,2)", "gross": "decimal(18,2)", column: mended.split(": ", 1)[1]}
    write_fees(project, head, kinds["net"], kinds["gross"])
    assert shown(project) == "quarantine is empty\n"
    assert fees(project) == [(1, "1.50", "2.50"), (2, "2.25", "3.75")]


def test_a_record_that_another_field_keeps_out_is_said(project: Project) -> None:
    project.write("in/fees.csv", "id;net;gross\n1;1,50;2\n2;2,25;n/a\n3;7;n/a\n4;8;9\n")
    write_fees(project, "", "decimal(18,2)", "int")
    text = shown(project)
    assert 'would fit all: decimal: ","' in text
    assert "of these 1 still has another field that does not fit" in text


def test_what_two_settings_read_as_other_numbers_is_left_to_a_person(project: Project) -> None:
    project.write("in/fees.csv", "id;net;gross\n1;7;1\n2;1.125;1\n3;8;1\n")
    write_fees(project, "", "int", "int")
    line = next(line for line in shown(project).splitlines() if "would fit all" in line)
    assert 'decimal: ",", thousands: "."' in line and "decimal(23,4)" in line or "decimal(24,4)" in line
    assert line.endswith("as other numbers, and no record tells which   (tried: 2 other records read as before)")


def test_how_a_column_writes_its_numbers_is_text_of_the_source(project: Project) -> None:
    project.write("in/fees.csv", "id;net;gross\n1;1.234,50;EUR 12,345\n2;-7;8\n")
    write_fees(project, "", 'decimal(18,2) decimal(",") thousands(".") required', 'int thousands(",") currency(EUR | "$") tag money')
    assert shown(project) == "quarantine is empty\n"
    assert fees(project) == [(1, "1234.50", "12345"), (2, "-7.00", "8")]


@pytest.mark.parametrize(("kind", "wanted"), [
    ('decimal(9,2) decimal(",") thousands(",")', "decimal and thousands are both ','"),
    ('decimal(9,2) decimal(";")', "decimal: must be '.' or ','"),
    ('decimal(9,2) decimal(", ")', "`decimal` of a column is one character"),
    ('text decimal(",")', "have a meaning only for numbers"),
    ('int thousands(",") thousands(".")', "a column has `thousands` once"),
])
def test_what_is_wrong_with_it_is_said_with_its_place(project: Project, kind: str, wanted: str) -> None:
    write_fees(project, "", kind, "int")
    done = project.lode("check", check=False)
    assert wanted in done.stderr + done.stdout
    assert "zones/shop/sources/fees.yml:6:" in done.stderr + done.stdout


@pytest.mark.parametrize(("head", "kind", "good", "bad", "most", "wanted"), [
    ("encoding: latin1\ndates: dd.MM.yyyy\n", "date", ["05.01.2026"] * 4, ["31.02.2025", "2025-12-01", "2025-12-02"],
     "2 of 3: dates: [dd.MM.yyyy, yyyy-MM-dd]", "value: text"),
    ("", "int", ["1", "2", "3", "4"], ["n/a", "n/a", "twelve"], "2 of 3: nulls: n/a", "value: text"),
    ("", "date", ["2026-01-05"] * 4, ["03/04/2026", "never"], None, "value: text"),  # in March or in April
    ("", "int", ["1", "2", "3", "4"], ["x", "y", "n/a"], None, "value: text"),
], ids=["an impossible date", "a word that is none", "two readings", "the least"])
def test_what_reads_most_is_named_where_one_record_is_beyond_help(project: Project, head: str, kind: str, good: list[str], bad: list[str],
                                                                  most: str | None, wanted: str) -> None:
    lines = make(project, head, kind, good, bad)
    said = [line.split("would fit ")[1].split("   (")[0] for line in lines if "would fit " in line]
    assert said == ([most] if most else []) + [f"all: {wanted}"]


def test_a_header_that_stands_again_asks_for_no_other_type(project: Project) -> None:
    said = "\n".join(make(project, "", "int from Value", ["1", "2", "3"], ["VALUE"]))
    assert "it is the file's header, which stands there again: a footer that matches that line passes over it" in said and "would fit" not in said, said
    project.write("zones/shop/sources/things.yml", "from: in/things.csv\nfooter: ^4,VALUE$\ncolumns:\n  id: int\n  value: int from Value\n")
    project.lode("run")
    assert project.lode("show", "quarantine").stdout == "quarantine is empty\n"
