# SPDX-License-Identifier: Apache-2.0
"""Files that are said to be one feed (`lode add --one`), or that look like it: no file's reading is taken for another's silently."""

from datetime import date

import pytest
from conftest import Project


def add(project: Project, *files: str, one: bool = True) -> dict:
    sources = project.json("add", "shop", *files, *(["--one"] if one else []))["sources"]
    assert len(sources) == 1
    return sources[0]


def doubts(source: dict, column: str) -> str:
    return " ".join(f"{d['what']}; {d['assumed']}" for d in source["doubts"] if d["column"] == column)


def test_dates_of_two_orders_stay_text_and_both_files_are_named(project: Project) -> None:
    project.write("in/eu_1.csv", "id,day\n1,13/02/2026\n2,05/03/2026\n")
    project.write("in/us_1.csv", "id,day\n3,02/14/2026\n4,05/03/2026\n")
    source = add(project, "in/eu_1.csv", "in/us_1.csv")
    assert [c["type"] for c in source["columns"]] == ["int", "text"]
    assert "dd/MM/yyyy in eu_1.csv and MM/dd/yyyy in us_1.csv" in doubts(source, "day")
    project.lode("run")
    assert [row["day"] for row in project.query("select day from shop.staging.eu order by id")] == [
        "13/02/2026", "05/03/2026", "02/14/2026", "05/03/2026"]


def test_a_file_that_proves_nothing_follows_one_that_does_and_that_is_said(project: Project) -> None:
    project.write("in/a_1.csv", "id,day\n1,05/03/2026\n")
    project.write("in/a_2.csv", "id,day\n2,02/14/2026\n")
    source = add(project, "in/a_1.csv", "in/a_2.csv")
    assert "nothing in a_1.csv tells" in doubts(source, "day") and "MM/dd/yyyy, as in a_2.csv" in doubts(source, "day")
    assert "no value tells which" not in doubts(source, "day")
    project.lode("run")
    assert [str(row["day"]) for row in project.query("select day from shop.staging.a order by id")] == [str(date(2026, 5, 3)), str(date(2026, 2, 14))]


def test_formats_that_no_text_confuses_stand_side_by_side(project: Project) -> None:
    project.write("in/a_1.csv", "id;day\n1;31.01.2026\n")
    project.write("in/a_2.csv", "id;day\n2;2026-02-05\n")
    source = add(project, "in/a_1.csv", "in/a_2.csv")
    assert "dd.MM.yyyy in a_1.csv and yyyy-MM-dd in a_2.csv" in doubts(source, "day")
    project.lode("run")
    assert [str(row["day"]) for row in project.query("select day from shop.staging.a order by id")] == ["2026-01-31", "2026-02-05"]


def test_decimal_points_of_two_kinds_stay_text(project: Project) -> None:
    project.write("in/s_1.csv", "id;amount\n1;1234.50\n2;7.25\n")
    project.write("in/s_2.csv", "id;amount\n3;1.080\n4;1.234,50\n")
    source = add(project, "in/s_1.csv", "in/s_2.csv")
    assert [c["type"] for c in source["columns"]] == ["int", "text"]
    assert "s_1.csv" in doubts(source, "amount") and "s_2.csv" in doubts(source, "amount")
    project.lode("run")
    assert [row["amount"] for row in project.query("select amount from shop.staging.s order by id")] == ["1234.50", "7.25", "1.080", "1.234,50"]


@pytest.mark.parametrize(("first", "second", "words"), [
    (b"id,town\n1,Bonn\n", b"id;town\n2;Ulm\n", "delimiter is ',' in the one and ';'"),
    ("id,town\n1,Köln\n".encode(), "id,town\n2,Møn Töwn Größe Äpfel\n".encode("cp1252"), "encoding is utf-8"),
    (b"id,town\n1,Bonn\n2,Ulm\n", b"Towns of May\nof all\n\nid,town\n2,Ulm\n3,Bonn\n4,Trier\n", "number of lines before the table is 0"),
    (b"id,town\n1,Bonn\n2,Ulm\n", b'[{"id": 3, "town": "Trier"}]', "format is csv in the one and json"),
])
def test_files_that_one_source_cannot_read_are_refused(project: Project, first: bytes, second: bytes, words: str) -> None:
    project.write("in/t_1.csv", first)
    project.write("in/t_2.csv", second)
    error = project.error("add", "shop", "in/t_1.csv", "in/t_2.csv", "--one")
    assert error["code"] == "E101" and words in error["message"] and "t_1.csv and t_2.csv" in error["message"]
    assert not (project.root / "zones/shop/sources").exists()


def test_the_advice_is_given_only_where_it_is_safe(project: Project) -> None:
    project.write("in/eu_1.csv", "id,day\n1,13/02/2026\n2,05/03/2026\n")
    project.write("in/us_1.csv", "id,day\n3,02/14/2026\n4,05/03/2026\n")
    said = project.lode("add", "shop", "in/eu_1.csv", "in/us_1.csv").stderr
    assert "--one" not in said and "eu and us have the same columns" in said and "union all" in said
    project.write("in/k_1.csv", "k,n\n1,5\n2,7\n")
    project.write("in/k_2.csv", "k,n\n3,x\n4,y\n")
    assert "--one" in project.lode("add", "shop", "in/k_1.csv", "in/k_2.csv").stderr
    project.write("in/amb.csv", "date,amount\n2026-01-01,5\n")
    project.write("in/l.jsonl", '{"id": 1, "n": 2}\n')
    project.write("in/m.jsonl", '{"date": "2026-01-02", "amount": 2}\n')
    assert "same columns" not in project.lode("add", "shop", "in/amb.csv", "in/l.jsonl").stderr
    assert "amb and m have the same columns, but stay two sources" in project.lode("add", "crm", "in/amb.csv", "in/m.jsonl").stderr


def test_files_that_were_not_named_are_told_with_the_pattern_that_has_them(project: Project) -> None:
    for i in range(3):
        project.write(f"in/big_{i}.csv", f"id,n\n{i},5\n")
    project.write("in/odd_1.csv", "id,n\n1,5\n")
    project.write("in/odd_2.csv", "other\nx\n")
    said = project.lode("add", "shop", "in/big_0.csv", "in/odd_1.csv", "--each").stdout
    assert "big_*.csv would also take big_" in said and "begins with the same line" in said and "write big_*.csv in `from`" in said, said
    assert "odd_2.csv, which is not of these files" in said and said.count("begins with the same line") == 1, said


def test_letters_of_another_kind_are_no_feed_and_plain_ones_are_of_any(project: Project) -> None:
    texts = {"l_1": "id,town\n1,Bonn\n".encode(), "l_2": "id,town\n2,Größe Köln Äpfel Öl\n".encode("cp1252"), "l_3": "id,town\n3,Köln\n".encode()}
    for name, text in texts.items():
        project.write(f"in/{name}.csv", text)
    sources = project.json("add", "shop", "in/l_1.csv", "in/l_2.csv", "in/l_3.csv")["sources"]
    assert [len(source["files"]) for source in sources] == [2, 1]
    project.lode("run")
    assert [row["town"] for row in project.query("select town from shop.staging.l order by id")] == ["Bonn", "Größe Köln Äpfel Öl"]


def test_columns_in_another_order_are_one_source(project: Project) -> None:
    project.write("in/sales_2023.csv", "id,day,amount\n1,2023-01-05,2.50\n")
    project.write("in/sales_2024.csv", "day,amount,id\n2024-01-05,3.50,2\n")
    source = add(project, "in/sales_2023.csv", "in/sales_2024.csv", one=False)
    assert len(source["files"]) == 2
    project.lode("run")
    assert [(row["id"], str(row["day"]), float(row["amount"])) for row in project.query("select id, day, amount from shop.staging.sales order by id")] == [
        (1, "2023-01-05", 2.5), (2, "2024-01-05", 3.5)]
