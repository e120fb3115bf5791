# SPDX-License-Identifier: Apache-2.0
"""What `lode add` makes of columns that look like something else than they are, from the file to the table."""

import openpyxl
from conftest import Project


def types(project: Project, name: str, text: str) -> tuple[list[str], str]:
    project.write(f"in/{name}.csv", text)
    source = project.json("add", "shop", f"in/{name}.csv")["sources"][0]
    return [c["type"] for c in source["columns"]], " ".join(f"{d['column']}: {d['what']}" for d in source["doubts"])


def test_marks_of_things_come_as_they_were_written(project: Project) -> None:
    written, doubts = types(project, "art", "art;acct;tel;ean;preis\n10.100;100.200.300;212 555 123;4.00638E+12;1,50\n10100;100.200.301;212 555 124;4.00639E+12;9,00\n")
    assert written == ["text", "text", "text", "text", "decimal(18,2)"]
    assert all(f"{column}: values such as" in doubts for column in ("art", "acct", "tel", "ean"))
    project.lode("run")
    rows = project.query("select art, acct, tel, ean, preis from shop.staging.art order by preis")
    assert [list(row.values())[:4] for row in rows] == [["10.100", "100.200.300", "212 555 123", "4.00638E+12"], ["10100", "100.200.301", "212 555 124", "4.00639E+12"]]
    assert [float(row["preis"]) for row in rows] == [1.5, 9.0]


def test_a_letter_is_no_boolean_and_a_later_one_is_no_quarantine(project: Project) -> None:
    assert types(project, "e_1", "emp,sex\n1,F\n2,F\n3,F\n")[0] == ["int", "text"]
    project.write("in/e_2.csv", "emp,sex\n4,M\n")
    project.lode("run")
    assert [row["sex"] for row in project.query("select sex from shop.staging.e order by emp")] == ["F", "F", "F", "M"]


def test_a_date_of_eight_digits_is_read_where_its_name_says_so(project: Project) -> None:
    assert types(project, "b", "buchungsdatum;betrag\n20260105;1,50\n20260131;2,50\n")[0] == ["date", "decimal(18,2)"]
    project.lode("run")
    assert [str(row["d"]) for row in project.query("select buchungsdatum as d from shop.staging.b order by d")] == ["2026-01-05", "2026-01-31"]


def test_zeros_that_a_workbook_shows_are_kept(project: Project) -> None:
    book = openpyxl.Workbook()
    book.active.append(["plz", "n"])
    for code, number in ((1067, 1), (80331, 2)):
        book.active.append([code, number])
        book.active.cell(book.active.max_row, 1).number_format = "00000"
    (project.root / "in").mkdir()
    book.save(project.root / "in/fmt.xlsx")
    source = project.json("add", "shop", "in/fmt.xlsx")["sources"][0]
    assert [c["type"] for c in source["columns"]] == ["text", "int"] and "zeros" in source["doubts"][0]["what"]
    project.lode("run")
    assert [row["plz"] for row in project.query("select plz from shop.staging.fmt order by n")] == ["01067", "80331"]


def test_words_for_yes_and_no_are_typed_by_the_hint_as_it_stands(project: Project) -> None:
    """One edit, with the hint's own words: the type, its words, and what means NULL beside them."""
    assert types(project, "b", "id,aktiv,ok\n1,Ja,Y\n2,Nein,N\n3,n/a,Y\n4,,N\n5,JA,\n")[0] == ["int", "text", "text"]
    path = project.root / "zones/shop/sources/b.yml"
    text = path.read_text()
    assert "text; the type boolean reads them with true: [Ja], false: [Nein], and behind the type nulls(n/a)" in text
    assert "ok: text    # Y and N may be words for true and false; assumed: text; the type boolean reads them\n" in text
    path.write_text(text.replace("aktiv: text", "aktiv: boolean nulls(n/a)").replace("columns:\n", "true: [Ja]\nfalse: [Nein]\ncolumns:\n"))
    project.lode("run")
    assert [row["aktiv"] for row in project.query("select aktiv from shop.staging.b order by id")] == [True, False, None, None, True]


def test_lines_drawn_in_a_report_are_no_records(project: Project) -> None:
    project.write("in/fbl3n.txt", "Dynamic List Display\n---------\nG/L Account  113100\n\n|   |No        |Day       |  Amount|\n|---|----------|----------|--------|\n"
                  "|   |0100000123|01.05.2026|   12,50|\n|   |0100000124|13.05.2026|   99,00|\n|---|----------|----------|--------|\n")
    source = project.json("add", "shop", "in/fbl3n.txt")["sources"][0]
    assert [c["type"] for c in source["columns"]] == ["text", "text", "text", "date", "decimal(18,2)", "text"]
    project.lode("run")
    rows = project.query('select "No", "Day"::text as d, "Amount"::text as a from shop.staging.fbl3n order by all')
    assert [tuple(row.values()) for row in rows] == [("0100000123", "2026-05-01", "12.50"), ("0100000124", "2026-05-13", "99.00")]


def test_days_with_short_names_of_months_and_years_are_dates(project: Project) -> None:
    assert types(project, "m", "a,b\n1-May-26,01/May/26 9:30 AM\n15-Jun-26,02/Jun/26 12:05 AM\n")[0] == ["date", "timestamp"]
    project.lode("run")
    assert [list(row.values()) for row in project.query("select a::text as a, b::text as b from shop.staging.m order by all")] == [
        ["2026-05-01", "2026-05-01 09:30:00"], ["2026-06-15", "2026-06-02 00:05:00"]]


def test_the_hint_names_every_currency_that_occurs(project: Project) -> None:
    project.write("in/p.csv", "item,price\nA,$5.00\nB,€4.00\nC,£3.00\n")
    said = str(project.json("add", "shop", "in/p.csv")["sources"][0]["doubts"])
    assert 'currency: ["€", "$", "£"] (amounts of several currencies then stand in one column)' in said
