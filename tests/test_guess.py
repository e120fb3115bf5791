# SPDX-License-Identifier: Apache-2.0
"""What `lode add` makes of columns that look like something else than they are, from the file to the table."""

import io
import zipfile

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


# What a file is called, its bytes, the columns that it has then, and its first record.
SENDERS: dict[str, tuple[bytes, list[str], list[str]]] = {
    "apache.log": (b"".join(b'10.0.0.%d - ann [10/Oct/2026:13:55:3%d -0700] "GET /a%d?x=1;y,z HTTP/1.1" 200 %d "-" "curl (X; \\"y\\")"\n' % (n, n, n, n * 7) for n in range(1, 6)),
                   ["host", "identity", "user", "time", "zone", "request", "status", "bytes", "referer", "agent"],
                   ["10.0.0.1", "-", "ann", "[10/Oct/2026:13:55:31", "-0700]", "GET /a1?x=1;y,z HTTP/1.1", "200", "7", "-", 'curl (X; "y")']),
    "iis.log": (b"#Software: IIS\r\n#Fields: date c-ip cs-uri sc-status\r\n2026-03-01 10.0.0.1 /a;b 200\r\n2026-03-01 10.0.0.2 /c,d 404\r\n",
                ["date", "c-ip", "cs-uri", "sc-status"], ["2026-03-01", "10.0.0.1", "/a;b", "200"]),
    "cdn.tsv": (b"#Version: 1.0\n#Fields: date x-edge sc-bytes\n2026-03-01\tFRA 2\t12\n2026-03-02\tARN 1\t13\n", ["date", "x-edge", "sc-bytes"], ["2026-03-01", "FRA 2", "12"]),
    "hive": (b"1\x01ann\x01\\N\n2\x01bo\x01x\n3\x01cy\x01y\n", ["column_1", "column_2", "column_3"], ["1", "ann", "None"]),
    "caret.txt": (b"id^name\n1^ann, bo\n2^cy; di\n", ["id", "name"], ["1", "ann, bo"]),
    "psql.txt": (b" id |  name\n----+-------\n  1 | ann\n  2 | bo\n(2 rows)\n\n", ["id", "name"], ["1", " ann"]),
    "sjis.csv": ("日付,顧客名,金額\n2026/03/01,田中太郎,1230\n".encode("cp932"), ["日付", "顧客名", "金額"], ["2026-03-01", "田中太郎", "1230"]),
    "notes.csv": ("a;b;c\n1;2;x\n2;3;y\n3;4;z\n\nétat : mars\n* donnée estimée\n".encode(), ["a", "b", "c"], ["1", "2", "x"]),
    "decimals.csv": (b"id,price\n1,2,5\n2,3,5\n3,4,5\n", ["column_1", "column_2", "column_3"], ["1", "2", "5"]),
}


def test_what_other_programs_write_comes_as_they_meant_it(project: Project) -> None:
    """Of a header that is too short no name goes to a column that it may not be of: the header is in quarantine instead."""
    for name, (data, _, _) in SENDERS.items():
        project.write(f"in/{name}", data)
    added = project.json("add", "shop", "--each", *[f"in/{name}" for name in SENDERS])
    assert added["left_over"] == []
    sources = {source["files"][0].rsplit("/", 1)[-1]: source for source in added["sources"]}
    deliveries = {delivery["source"]: delivery for delivery in project.json("run")["deliveries"]}
    for name, (_, columns, first) in SENDERS.items():
        source = sources[name]
        delivery = deliveries[source["source"]]
        assert [column["name"] for column in source["columns"]] == columns, name
        assert delivery["state"] == "staged" and delivery["quarantined"] == (name == "decimals.csv"), (name, delivery)
        assert list(map(str, project.query(f"select * from shop.staging.{source['source']} order by _row")[0].values())) == first, name
    assert any("nothing tells which name is whose" in doubt["what"] for doubt in sources["decimals.csv"]["doubts"])


def open_document() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "<x/>")
    return held.getvalue()


NO_TABLES = {
    "ebcdic.dat": ("".join(f"{n:05}ANN SMITH    00012{n}" for n in range(9)).encode("cp037"), "EBCDIC"),
    "rates.7z": (b"7z\xbc\xaf\x27\x1c\0\4" + bytes(90), "7-Zip"),
    "rates.ods": (open_document(), "OpenDocument"),
    "rates.lz4": (b"\x04\x22\x4d\x18" + bytes(60), "lz4"),
    "rates.rtf": (b"{\\rtf1\\ansi id,name\\par 1,a}", "RTF"),
    "rates.jsonc": (b"// today\n/* and\nmore */\n[{\"id\":1}]\n", "comments"),
    "rates.js": (b"take([{\"id\":1},{\"id\":2}]);\n", "function"),
}


def test_what_is_no_table_is_called_what_it_is(project: Project) -> None:
    for name, (data, _) in NO_TABLES.items():
        project.write(f"in/{name}", data)
    left = {row["file"].rsplit("/", 1)[-1]: row["why"] for row in project.lode("add", "shop", "-o", "json", *[f"in/{name}" for name in NO_TABLES], check=False).json["left_over"]}
    assert set(left) == set(NO_TABLES)
    for name, (_, word) in NO_TABLES.items():
        assert word in left[name], (name, left[name])
