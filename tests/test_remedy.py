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
