# SPDX-License-Identifier: Apache-2.0
"""Workbooks, judged by what a person sees in them: openpyxl reads every cell of other people's files, and where it shows
something else than a spreadsheet does, the right answer is written here by hand."""

import datetime
import random
import re
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import python_calamine
from conftest import Project, make_project
from workbook import HEAD, MAIN, book, cell, pack, parts, sheet

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")

# What a spreadsheet shows where openpyxl says otherwise: by file, sheet and cell.
SEEN: dict[tuple[str, str, str], str | None] = {
    ("dates-leap-year-1900-xlsx.xlsx", "for_testing", "A5"): "1900-02-29 08:00:00",  # a day that never was, and is shown
    ("dates-leap-year-1900-xlsx.xlsx", "for_human_eyes", "A8"): "1900-02-29 08:00:00",
    ("missing-v-node-xlsx.xlsx", "Sheet1", "C2"): "#NOT-CALCULATED",
    ("new_line_errors.xlsx", "Blad1", "A2"): "first line of text \r\nsecond line of text \r\n"
                                             "i don't know what type of line feed I've used \r\nlast line",
}
# openpyxl refuses this one, and calamine drops the blanks at the edges of its texts; some of its cells, read off by hand.
ARRESTS = {"A4": "4894831", "F4": "  SATICOY                 ST", "G4": " ", "R4": datetime.date(1985, 2, 25)}


def shown(value: Any) -> Any:
    """A cell of openpyxl's as the text that it is when nobody types it."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return format(Decimal(repr(value)).normalize(), "f")
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ", "milliseconds" if value.microsecond else "seconds")
    if isinstance(value, datetime.timedelta):
        seconds = int(value.total_seconds())
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def same(got: Any, wanted: str | None) -> bool:
    """Whether a staged value, of whatever type, is what stands in the cell."""
    if got is None or wanted is None:
        return got is None and wanted is None
    if isinstance(got, bool):
        return wanted == ("true" if got else "false")
    if isinstance(got, datetime.datetime):
        return datetime.datetime.fromisoformat(wanted) == got
    if isinstance(got, datetime.date):
        return wanted.removesuffix(" 00:00:00") == got.isoformat()
    if isinstance(got, int | float | Decimal):
        return Decimal(wanted) == Decimal(repr(got) if isinstance(got, float) else got)
    return got.removesuffix(" 00:00:00") == wanted.removesuffix(" 00:00:00")


def grids(path: Path) -> dict[str, dict[int, dict[int, str | None]]]:
    """Of each sheet its rows, of each row its cells that hold something, from 1."""
    found = {}
    for worksheet in openpyxl.load_workbook(path, data_only=True).worksheets:
        rows: dict[int, dict[int, str | None]] = {}
        for row in worksheet.iter_rows():
            for c in row:
                value = SEEN.get((path.name, worksheet.title, c.coordinate), shown(c.value))
                if value is not None:
                    rows.setdefault(c.row, {})[c.column] = value
        found[worksheet.title] = rows
    return found


def place(source: str) -> tuple[int, int]:
    """Where the table of a source begins: row and column, from 1, as its text says."""
    found = re.search(r"^range: ([A-Z]+)(\d*):", source, re.M)
    skip = re.search(r"^skip: (\d+)", source, re.M)
    if not found:
        return int(skip[1]) + 1 if skip else 1, 1
    return int(found[2] or 1), openpyxl.utils.column_index_from_string(found[1])


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> tuple[Project, dict[str, Any], dict[str, Any]]:
    """All of test_data/xlsx after `add --each` and `run`, with nothing edited."""
    project = make_project(tmp_path_factory.mktemp("xlsx"))
    project.lode("add", "z")
    (project.root / "ingress/z").mkdir(parents=True, exist_ok=True)
    files = sorted((test_data / "xlsx").glob("*.xlsx"))
    assert len(files) > 30
    for file in files:
        shutil.copy(file, project.root / "ingress/z")
    added = project.json("add", "z", "ingress/z", "--each")
    return project, added, project.json("run", check=False)


def test_every_cell_of_other_peoples_workbooks_is_what_a_person_sees(
        others: tuple[Project, dict[str, Any], dict[str, Any]], test_data: Path) -> None:
    project, added, ran = others
    deliveries = {d["source"]: d for d in ran["deliveries"]}
    quarantine = {(q["source"], q["line"]) for q in project.json("show", "quarantine")}
    compared = 0
    for source in added["sources"]:
        name, path = source["source"], test_data / "xlsx" / Path(source["files"][0].split(", sheet ")[0]).name
        delivery = deliveries[name]
        assert delivery["records"] == delivery["accepted"] + delivery["quarantined"] + delivery["skipped"], delivery
        if path.name == "los-angeles-arrests-xlsx.xlsx":
            continue
        sheets = grids(path)
        rows = sheets[source["dialect"]["sheet"][0] if source["dialect"]["sheet"] else next(iter(sheets))]
        assert delivery["records"] == max(rows), name
        if delivery["state"] == "held":
            assert "#NOT-CALCULATED" in delivery["message"], delivery
            continue
        text = (project.root / source["path"]).read_text()
        first, left = place(text)
        nulls = re.findall(r'[^\s",\[\]]+', "".join(re.findall(r"^nulls: (.*)", text, re.M)))
        header = source["dialect"]["header"]
        top = min(number for number in rows if number >= first)
        staged = {row["_row"]: row for row in project.table(f"z.staging.{name}").to_pylist()}
        wanted = {number for number in rows if number >= top + header}
        assert staged.keys() <= wanted
        for number in wanted - staged.keys():  # told of, or skipped for what the source says
            assert (name, number) in quarantine or len(rows[number]) == 1, (name, number, rows[number])
        for number, row in staged.items():
            for i, column in enumerate(source["columns"]):
                seen = rows[number].get(left + i)
                assert same(row[column["name"]], None if seen in nulls else seen), (name, number, column, row)
                compared += 1
        if header:
            named = {i: rows[top].get(left + i) for i in range(len(source["columns"]))}
            for i, column in enumerate(source["columns"]):
                assert column["name"].startswith(str(named[i]).strip() if named[i] else f"column_{i + 1}"), (name, column)
    assert compared > 20000


def test_a_workbook_that_openpyxl_refuses_is_cell_for_cell_what_calamine_reads(
        others: tuple[Project, dict[str, Any], dict[str, Any]], test_data: Path) -> None:
    project, added, ran = others
    source = next(s for s in added["sources"] if "los-angeles" in s["files"][0])
    title, _, header, *wanted = python_calamine.CalamineWorkbook.from_path(
        test_data / "xlsx" / "los-angeles-arrests-xlsx.xlsx").get_sheet_by_index(0).to_python()
    assert (title[0], len(header), len(wanted)) == ("ARREST BOOKINGS for 01/30/17", 36, 193)
    for column, name in zip(source["columns"], header, strict=True):
        assert re.fullmatch(f"{name}(_[23])?", column["name"]), (column, name)
    rows = project.table(f"z.staging.{source['source']}").sort_by("_row").to_pylist()
    assert [row["_row"] for row in rows] == list(range(4, 4 + len(wanted)))
    names = [column["name"] for column in source["columns"]]
    assert [[trimmed(row[name]) for name in names] for row in rows] == [[trimmed(value) for value in values] for values in wanted]
    assert {at: rows[0][names[openpyxl.utils.column_index_from_string(at[0]) - 1]] for at in ARRESTS} == ARRESTS


def trimmed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def test_nothing_of_a_workbook_is_dropped_without_a_word(others: tuple[Project, dict[str, Any], dict[str, Any]]) -> None:
    """Every sheet with a cell is a source; the empty ones are named."""
    project, added, ran = others
    seen = {f for s in added["sources"] for f in s["files"]} | {left["file"] for left in added["left_over"]}
    for path in sorted((project.root.parent / "project/ingress/z").glob("*.xlsx")):
        assert any(path.name in f for f in seen), path
    assert all(left["why"] == "the sheet is empty" for left in added["left_over"]), added["left_over"]
    assert ran["files"]["seen"] == len(added["sources"]) and ran["files"]["failed"] == ran["files"]["unclaimed"] == 0
    assert {d["state"] for d in ran["deliveries"]} == {"staged", "held"}
    assert [d["name"] for d in ran["deliveries"] if d["state"] == "held"] == ["missing-v-node-xlsx.xlsx"]
    assert [p.name for p in (project.root / "ingress/z").iterdir()] == []


# ---- what cells mean ----

TYPED = [
    # header, cell, declared type, what is staged; an Exception: the rule by which it is quarantined
    ("whole", 5, "int", 5),
    ("whole_with_point", "5.0", "int", 5),
    ("part", "1.5", "int", ValueError("not_an_integer")),
    ("big", "12345678901234567890", "decimal(38,0)", Decimal("12345678901234567890")),
    ("exponent", "1.5E3", "int", 1500),
    ("tiny", "1E-7", "double", 1e-7),
    ("sum", "0.30000000000000004", "double", 0.1 + 0.2),
    ("short", "0.10000000000000001", "text", "0.1"),
    ("noise", "19.990000000000002", "decimal(18,2)", Decimal("19.99")),
    ("no_noise", "19.989999999999998", "decimal(18,2)", Decimal("19.99")),  # the double that is nearest to 19.99
    ("text_as_number", "'5", "int", 5),
    ("text_as_text", "'007", "text", "007"),
    ("number_as_text", 7, "text", "7"),
    ("text_no_number", "'five", "int", ValueError("not_a_number")),
    ("date", (45000, 1), "date", datetime.date(2023, 3, 15)),
    ("own_code", (45000, 6), "date", datetime.date(2023, 3, 15)),
    ("midnight", (45000, 2), "date", datetime.date(2023, 3, 15)),
    ("noon", ("45000.5", 1), "date", ValueError("not_a_date")),
    ("moment", ("45000.52083333333", 2), "timestamp", datetime.datetime(2023, 3, 15, 12, 30)),
    ("date_as_text", (45000, 1), "text", "2023-03-15"),
    ("date_as_int", (45000, 1), "int", ValueError("not_a_number")),
    ("number_as_date", 45000, "date", ValueError("not_a_date")),
    ("letters_in_code", ("1.25", 7), "double", 1.25),
    ("leap", (60, 1), "date", ValueError("not_a_date")),
    ("leap_as_text", (60, 1), "text", "1900-02-29"),
    ("before_leap", (59, 1), "date", datetime.date(1900, 2, 28)),
    ("after_leap", (61, 1), "date", datetime.date(1900, 3, 1)),
    ("negative_date", (-5, 1), "date", ValueError("not_a_date")),
    ("time", ("0.5", 3), "time", datetime.time(12, 0)),
    ("duration", ("1.5", 4), "text", "36:00:00"),
    ("short_duration", ("0.25", 4), "time", datetime.time(6, 0)),
    ("percent", ("0.25", 5), "decimal(18,2)", Decimal("0.25")),
    ("yes", True, "boolean", True),
    ("yes_as_text", True, "text", "true"),
    ("yes_as_int", True, "int", ValueError("not_a_number")),
    ("one_as_boolean", 1, "boolean", True),
    ("word_as_boolean", "'ja", "boolean", True),
    ("comma", "'1.234,5", "double", 1234.5),
    ("date_in_words", "'15/03/2023", "date", datetime.date(2023, 3, 15)),
    ("null_word", "'-", "text", None),
    ("number_null_word", -1, "int", None),
    ("error", "#REF!", "text", ValueError("cell_error")),
    ("missing", "#N/A", "double", None),
]


def typed_cell(at: str, value: Any) -> str:
    value, style = value if isinstance(value, tuple) else (value, 0)
    if isinstance(value, str) and value.startswith("'"):
        return cell(at, value[1:], style)
    if isinstance(value, str) and value.startswith("#"):
        return f'<c r="{at}" t="e"><v>{value}</v></c>'
    return f'<c r="{at}" s="{style}"><v>{value}</v></c>' if not isinstance(value, bool) else cell(at, value)


def test_what_cells_mean(project: Project) -> None:
    """Each in a sheet of its own beside a second column, so that what does not fit is told of one by one."""
    project.lode("add", "z")
    header = "format: xlsx\ndecimal: \",\"\nthousands: \".\"\ndates: dd/MM/yyyy\nnulls: [\"-\", \"-1\", \"#N/A\"]\ntrue: [ja]\nfalse: [nein]\n"
    for name, value, kind, _ in TYPED:
        rows = f'<row r="1">{cell("A1", "v")}{cell("B1", "n")}</row><row r="2">{typed_cell("A2", value)}{cell("B2", 1)}</row>' \
               f'<row r="3">{cell("B3", 2)}</row>'
        project.drop("z", f"{name}.xlsx", book({"s": sheet(rows)}))
        project.write(f"zones/z/sources/{name}.yml", f"from: ingress/{name}.xlsx\n{header}columns:\n  v: {kind}\n  n: int\n")
    project.json("run")
    quarantine = {q["source"]: q for q in project.json("show", "quarantine")}
    for name, _, _, wanted in TYPED:
        rows = {row["n"]: row["v"] for row in project.table(f"z.staging.{name}").to_pylist()}
        assert rows[2] is None
        if not isinstance(wanted, Exception):
            assert rows[1] == wanted and type(rows[1]) is type(wanted), (name, rows)
            continue
        assert 1 not in rows, (name, rows)
        told = quarantine[name]
        assert (told["rule"], told["sheet"], told["cell"], told["line"]) == (str(wanted), "s", "A2", 2)
        assert "offset" not in told and "length" not in told


def test_days_are_counted_from_1904_where_the_workbook_says_so(project: Project) -> None:
    project.write("in/mac.xlsx", book({"s": sheet([["day"], [(0, 1)], [(1, 1)], [(43538, 1)]])}, from_1904=True))
    project.lode("add", "z", "in/mac.xlsx")
    project.json("run")
    days = [row["day"] for row in project.table("z.staging.mac").to_pylist()]
    assert days == [datetime.date(1904, 1, 1), datetime.date(1904, 1, 2), datetime.date(2023, 3, 15)]


def test_texts_are_shared_inline_rich_and_escaped(project: Project) -> None:
    shared = "<si><t>plain</t></si><si><r><t>rich</t></r><r><t xml:space='preserve'> text</t></r><rPh><t>hint</t></rPh></si>" \
             "<si><t>line_x000D_break</t></si><si><t>_x005F_x000D_</t></si><si/>"
    rows = f'<row r="1">{cell("A1", "n")}{cell("B1", "t")}</row>' + "".join(
        f'<row r="{i + 2}">{cell(f"A{i + 2}", i)}<c r="B{i + 2}" t="s"><v>{i}</v></c></row>' for i in range(5))
    rows += f'<row>{cell("", 5)}<c t="str"><f>A1&amp;B1</f><v>made</v></c></row>'
    rows += f'<row>{cell("", 6)}<c t="inlineStr"><is><r><t>in</t></r><r><t>line</t></r></is></c></row>'
    project.write("in/texts.xlsx", book({"s": sheet(rows)}, shared=shared))
    project.lode("add", "z", "in/texts.xlsx")
    project.json("run")
    texts = {row["n"]: row["t"] for row in project.table("z.staging.texts").to_pylist()}
    assert texts == {0: "plain", 1: "rich text", 2: "line\rbreak", 3: "_x000D_", 4: None, 5: "made", 6: "inline"}


def test_a_sheet_is_read_by_what_its_cells_say(project: Project) -> None:
    """Cells out of order, rows and cells without a place, gaps, styles alone, a wrong size."""
    rows = f'<row r="2">{cell("C2", "c")}{cell("A2", "a")}</row><row>{cell("", 1)}{cell("", None)}{cell("", 3)}</row>' \
           f'<row r="9" hidden="1">{cell("C9", 33)}{cell("A9", 11)}{cell("XFD9", None)}</row><row r="12">{cell("B12", None)}</row>'
    project.write("in/odd.xlsx", book({"s": sheet(rows, dimension="A1:B1")}))
    added = project.json("add", "z", "in/odd.xlsx")["sources"][0]
    assert (added["records"], [c["name"] for c in added["columns"]]) == (2, ["a", "column_2", "c"])
    assert any("hidden" in d["what"] for d in added["doubts"])
    project.json("run")
    got = {row["_row"]: (row["a"], row["column_2"], row["c"]) for row in project.table("z.staging.odd").to_pylist()}
    assert got == {3: (1, None, 3), 9: (11, None, 33)}


def test_a_formula_that_nobody_calculated_is_no_empty_cell(project: Project) -> None:
    """Programs leave the value out, or write an empty one; of a text an empty one is what was calculated."""
    made = ["<f>B2+C2</f>", "<f>B3+C3</f><v/>", "<f>B4+C4</f><v></v>", "<f>B5+C5</f><v> </v>", *["<f>B6+C6</f><v>7</v>"] * 4, ""]
    head = "".join(cell(f"{column}1", name) for column, name in zip("ABC", ("id", "sum", "word"), strict=True))
    rows = f'<row r="1">{head}</row>' + "".join(
        f'<row r="{i}">{cell(f"A{i}", i)}<c r="B{i}">{inside}</c><c r="C{i}" t="str"><f>""</f><v></v></c></row>'
        for i, inside in enumerate(made, 2))
    project.write("in/sums.xlsx", book({"s": sheet(rows)}))
    added = project.json("add", "z", "in/sums.xlsx")["sources"][0]
    assert "4 formulas were never calculated" in [d["what"] for d in added["doubts"] if d["column"] == "sum"]
    delivery = project.json("run")["deliveries"][0]
    assert (delivery["accepted"], delivery["quarantined"]) == (5, 4)
    kept = project.json("show", "quarantine", "z.sums", "--rows")
    assert [(row["rule"], row["cell"]) for row in kept] == [("cell_error", f"B{i}") for i in range(2, 6)]
    assert [(row["id"], row["sum"], row["word"]) for row in project.table("z.staging.sums").to_pylist()] == [*((i, 7, None) for i in range(6, 10)), (10, None, None)]


# ---- what add says ----

LEDGER: list[list[Any]] = [
    ["Sales of March"],
    ["as of", "31 March"],
    [],
    ["day", "region", "amount", None, "look at row 6"],
    [(45000, 1), "north", 10.5],
    [(45001, 1), "south", 7.25],
    ["day", "region", "amount"],
    [(45002, 1), "north", 3],
    [],
    ["Total", None, 20.75],
    ["Prepared by the sales team"],
]


def test_titles_notes_and_totals_are_told_apart(project: Project) -> None:
    project.write("in/ledger.xlsx", book({"s": sheet(LEDGER)}))
    added = project.json("add", "z", "in/ledger.xlsx")["sources"][0]
    assert [(c["name"], c["type"]) for c in added["columns"]] == [("day", "date"), ("region", "text"), ("amount", "decimal(18,2)")]
    doubts = "\n".join(d["what"] + "; " + d["assumed"] for d in added["doubts"])
    for words in ("above the table", "beside the table, such as E4: 'look at row 6'", "1 row says something of the table, such as 'Total,,20.75'",
                  "the last 1 row is no part of the table, such as 'Prepared by the sales team'"):
        assert words in doubts, doubts
    assert len(added["preview"]) == 3 and added["preview"][0] == {"day": "2023-03-15", "region": "north", "amount": "10.50"}
    delivery = project.json("run")["deliveries"][0]
    assert (delivery["records"], delivery["accepted"], delivery["quarantined"], delivery["skipped"]) == (11, 3, 0, 8)
    project.write("in/ledger.xlsx", book({"s": sheet([*LEDGER[:8], [(45003, 1), "west", 2], [], ["Total", None, 22.75]])}))
    project.lode("run", check=False)


@pytest.mark.parametrize("titles", [1, 2])
def test_a_merged_title_above_the_table_is_no_header(project: Project, titles: int) -> None:
    """The cells below the merged one are there, and empty: Excel writes them with a style alone."""
    blank = (None, 1)
    rows: list[list[Any]] = [["Sales of March", blank, blank], ["by region", blank, blank]][:titles]
    table: list[list[Any]] = [["day", "region", "amount"], [(45000, 1), "north", 10.5], [(45001, 1), "south", 7.25]]
    merged = "".join(f'<mergeCell ref="A{i}:C{i}"/>' for i in range(1, titles + 1))
    cells = sheet([*rows, *table], f'<mergeCells count="{titles}">{merged}</mergeCells>')
    project.write("in/merged.xlsx", book({"s": cells}))
    added = project.json("add", "z", "in/merged.xlsx")["sources"][0]
    assert [(c["name"], c["type"]) for c in added["columns"]] == [("day", "date"), ("region", "text"), ("amount", "decimal(18,2)")]
    assert any("above the table" in d["what"] and "Sales of March" in d["what"] for d in added["doubts"]), added["doubts"]
    delivery = project.json("run")["deliveries"][0]
    assert (delivery["records"], delivery["accepted"], delivery["skipped"]) == (titles + 3, 2, titles + 1)
    assert [row["region"] for row in project.table("z.staging.merged").to_pylist()] == ["north", "south"]


def test_a_merged_cell_stands_in_its_first_row_alone(project: Project) -> None:
    """Groups of a report, merged downwards, and names of headers, merged sideways: what a cell is merged from holds nothing, and no value is made up."""
    rows: list[list[Any]] = [["region", "town", "amount", "of"], ["north", "Kiel", 1, "a"], [(None, 0), "Husum", 2, "b"], ["south", "Ulm", 3, "c"]]
    cells = sheet(rows, '<mergeCells count="1"><mergeCell ref="A2:A3"/></mergeCells>')
    project.write("in/groups.xlsx", book({"s": cells}))
    added = project.json("add", "z", "in/groups.xlsx")["sources"][0]
    assert [c["name"] for c in added["columns"]] == ["region", "town", "amount", "of"]
    assert "1 cell is merged over several rows" in [d["what"] for d in added["doubts"]]
    assert project.json("run")["deliveries"][0]["accepted"] == 3
    assert [(row["town"], row["region"]) for row in project.table("z.staging.groups").to_pylist()] == [("Kiel", "north"), ("Husum", None), ("Ulm", "south")]


def test_totals_in_between_are_skipped_and_take_no_record_of_a_later_file(project: Project) -> None:
    def of(*rows: list[Any]) -> bytes:
        return book({"s": sheet([["place", "kind", "amount"], *rows])})

    project.write("in/t_1.xlsx", of(["Alps", "a", 1], ["Alps total", None, 1], ["Rhine", "b", 2], ["Elbe", "b", 3], ["Rivers total", None, 5], ["Grand total", None, 6]))
    added = project.json("add", "z", "in/t_1.xlsx", "--name", "t")["sources"][0]
    assert any(d["what"].startswith("3 rows say something of the table") for d in added["doubts"]), added["doubts"]
    project.write("in/t_2.xlsx", of(["Grand Canyon", "a", 7], ["Total Energies", "c", 8], ["Grand total", None, 15]))
    deliveries = project.json("run")["deliveries"]
    assert [(d["accepted"], d["quarantined"]) for d in deliveries] == [(3, 0), (2, 0)]
    assert sorted(row["amount"] for row in project.query("select amount from z.staging.t")) == [1, 2, 3, 7, 8]


def test_years_above_numbers_are_a_header(project: Project) -> None:
    project.write("in/y.xlsx", book({"s": sheet([["account", 2024, 2025], ["Rent", 100.5, 120], ["Food", 50, 60]])}))
    added = project.json("add", "z", "in/y.xlsx")["sources"][0]
    assert [(c["name"], c["type"]) for c in added["columns"]] == [("account", "text"), ("2024", "decimal(18,2)"), ("2025", "int")]
    assert project.json("run")["deliveries"][0]["accepted"] == 2


@pytest.mark.parametrize(("rows", "names", "words"), [
    ([["id", "amt", None, "code", "txt"], [1, 2, None, "a", "x"], [2, 3, None, "b", "y"], [3, 4]], ["id", "amt"], "right of C1 and an empty column is another table"),
    ([["id", "amt", None, "id", "amt"], [1, 2, None, 5, 6], [2, 3, None, 7, 8]], ["id", "amt"], "right of C1 and an empty column is another table"),
    ([["id", "amt", None, "code", "txt"], [1, 2, None, "a", "x"], [2, 3, None, "b", "y"]], ["id", "amt", "column_3", "code", "txt"], "is an empty column"),
])
def test_tables_side_by_side_are_told_apart(project: Project, rows: list[list[Any]], names: list[str], words: str) -> None:
    project.write("in/side.xlsx", book({"s": sheet(rows)}))
    added = project.json("add", "z", "in/side.xlsx")["sources"][0]
    assert [c["name"] for c in added["columns"]] == names
    assert words in "\n".join(d["what"] for d in added["doubts"])
    assert project.json("run")["deliveries"][0]["accepted"] == len(rows) - 1


def test_a_second_table_below_is_said(project: Project) -> None:
    """The header once more, after an empty row, is none."""
    rows = [["id", "price"], *([i, i + 0.5] for i in range(1, 30)), [], ["id", "price"], [30, 30.5], [], ["name", "town"], ["Bo", "Bonn"], ["Ann", "Ulm"]]
    project.write("in/two.xlsx", book({"s": sheet(rows)}))
    added = project.json("add", "z", "in/two.xlsx")["sources"][0]
    assert [d["what"] for d in added["doubts"] if "another table" in d["what"]] == ["another table seems to begin in row 35"]
    delivery = project.json("run")["deliveries"][0]
    assert (delivery["accepted"], delivery["quarantined"]) == (30, 3)


def test_a_second_table_is_said_however_few_rows_the_first_has(project: Project) -> None:
    rows: list[list[Any]] = [["g1", "g2"], [1, 2], [], [3, 4], [], ["other", "thing"], ["aa", "bb"], ["cc", "dd"]]
    project.write("in/few.xlsx", book({"s": sheet(rows)}))
    added = project.json("add", "z", "in/few.xlsx")["sources"][0]
    assert [c["type"] for c in added["columns"]] == ["int", "int"]
    assert [d["what"] for d in added["doubts"] if "another table" in d["what"]] == ["another table seems to begin in row 6"]
    delivery = project.json("run", check=False)["deliveries"][0]
    assert (delivery["state"], delivery["accepted"], delivery["quarantined"]) == ("held", 2, 3)


def test_sheets_that_look_alike_are_one_source(project: Project) -> None:
    month = [["id", "price"], [1, 1.5], [2, 2.5]]
    sheets = {"Jan": sheet(month), "Feb": sheet([*month, [3, 9.75]]), "Towns": sheet([["town"], ["Bonn"], ["Ulm"]]),
              "Lookup": sheet([["a"], [1]]), "Empty": sheet([])}
    project.drop("z", "year.xlsx", book(sheets, hidden=["Lookup"]))
    project.lode("add", "z")
    added = project.json("add", "z", "ingress/z/year.xlsx")
    by_name = {s["source"]: s for s in added["sources"]}
    assert by_name.keys() == {"year", "towns"} and by_name["year"]["dialect"]["sheet"] == ["Jan", "Feb"]
    assert {left["file"].split(", sheet ")[1]: left["why"].split(";")[0] for left in added["left_over"]} == {
        "Lookup": "the sheet is hidden", "Empty": "the sheet is empty"}
    ran = project.json("run", "z.towns")  # the other source has not had the file: it stays
    assert [d["source"] for d in ran["deliveries"]] == ["towns"]
    assert (project.root / "ingress/z/year.xlsx").exists()
    ran = project.json("run")
    assert {(d["source"], d["state"]) for d in ran["deliveries"]} == {("year", "staged"), ("towns", "duplicate")}
    assert not (project.root / "ingress/z/year.xlsx").exists()
    rows = [(row["_row"], row["id"], row["price"]) for row in project.table("z.staging.year").to_pylist()]
    assert sorted(rows) == [(2, 1, Decimal("1.50")), (3, 2, Decimal("2.50")), (5, 1, Decimal("1.50")), (6, 2, Decimal("2.50")),
                            (7, 3, Decimal("9.75"))]
    traced = project.json("trace", "z.staging.year", "--where", "price > 9")
    assert [(t["sheet"], t["cell"], t["line"], t["raw"]) for t in traced] == [("Feb", "A4:B4", 4, "3,9.75")]


def test_sheet_and_range_choose(project: Project) -> None:
    rows = [[1, 2, 3, 4], ["x", "a", "b", "y"], [5, 6, 7, 8], [9, 10, 11, 12], ["end", "of", "it", "all"]]
    project.drop("z", "some.xlsx", book({"One": sheet([["no"]]), "2026-01": sheet(rows), "2026-02": sheet(rows)}))
    project.lode("add", "z")
    text = "from: ingress/some.xlsx\nformat: xlsx\nsheet: {}\nrange: B2:C4\ncolumns:\n  a: int\n  b: int\n"
    project.write("zones/z/sources/by_name.yml", text.format("2026-01"))
    project.write("zones/z/sources/by_pattern.yml", text.format("2026-*"))
    project.write("zones/z/sources/by_number.yml", text.format("3"))
    ran = {d["source"]: d for d in project.json("run")["deliveries"]}
    assert {name: (d["accepted"], d["quarantined"], d["skipped"]) for name, d in ran.items()} == {
        "by_name": (2, 0, 3), "by_pattern": (4, 0, 6), "by_number": (2, 0, 3)}
    assert project.query("select a, b from z.staging.by_name order by a") == [{"a": 6, "b": 7}, {"a": 10, "b": 11}]
    project.write("zones/z/sources/by_name.yml", text.format("2027-01"))
    message = project.lode("run", check=False).stderr
    assert "the workbook has no sheet '2027-01'; its sheets are 'One', '2026-01', '2026-02'" in message


@pytest.mark.parametrize(("text", "words"), [
    ("format: csv\nsheet: a\n", "sheet: has a meaning only for format: xlsx"),
    ("format: xlsx\nrange: 3:4\n", "range: '3:4' is no part of a sheet"),
    ("format: xlsx\nrange: C3:B9\n", "ends before it begins"),
    ("format: xlsx\ndelimiter: \";\"\n", "have no meaning for format: xlsx"),
])
def test_keys_that_make_no_sense_are_refused(project: Project, text: str, words: str) -> None:
    project.lode("add", "z")
    project.write("zones/z/sources/s.yml", f"from: ingress/s.xlsx\n{text}columns:\n  a: int\n")
    assert words in project.lode("check", check=False).stderr


# ---- what is refused ----

BROKEN_ROWS = {
    "back": (f'<row r="3">{cell("A3", 1)}</row><row r="2">{cell("A2", 1)}</row>', "row 2 of the sheet stands behind row 3"),
    "twice": (f'<row r="1">{cell("B1", 1)}{cell("A1", 1)}{cell("B1", 1)}</row>', "'B1' is no place for a cell, or is taken"),
    "elsewhere": (f'<row r="1">{cell("A2", 1)}</row>', "in row 1 of the sheet, 'A2' is no place for a cell"),
    "nowhere": (f'<row r="1">{cell("AAAA1", 1)}</row>', "'AAAA1' is no place for a cell"),
    "wide": (f'<row r="1">{cell("XFD1", 1)}</row>', "cell 'XFD1' stands beyond column 4096, the last that is read"),
    "million": ('<row r="1">' + cell("", 1) * 20000 + "</row>", "beyond column 4096"),
    "text": ('<row r="1"><c r="A1" t="s"><v>7</v></c></row>', "names a shared text that the workbook does not have"),
    "deep": ("<a>" * 1000 + "</a>" * 1000, "nested deeper than 256 elements, its limit"),
    "tag": (f'<row r="1" x="{"y" * 3_000_000}"/>', "has a tag of more than 1048576 bytes, its limit"),
    "cut": ("<row", "no well-formed XML"),
}


def refused() -> dict[str, tuple[bytes, str]]:
    good = parts({"s": sheet([["a"], [1]])})
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    whole = pack(good)
    damaged = bytearray(pack(good, stored=True))
    damaged[damaged.index(b"<v>1</v>") + 3] = ord("2")
    old = bytearray(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\0"))
    old[30:32], old[48:52] = b"\x09\x00", b"\x00\x00\x00\x00"
    files = {name: (book({"s": sheet(rows)}), words) for name, (rows, words) in BROKEN_ROWS.items()}
    files |= {
        "entities": (pack(good | {"xl/worksheets/sheet1.xml": HEAD + bomb + f'<worksheet xmlns="{MAIN}">&b;</worksheet>'}),
                     "declares a document type"),
        "shared_entities": (pack(good | {"xl/sharedStrings.xml": HEAD + bomb + "<sst>&b;</sst>"}), "declares a document type"),
        "short": (whole[:-30], "damaged, or was cut short"),
        "crc": (bytes(damaged), "is damaged"),
        "no_sheet_part": (pack({k: v for k, v in good.items() if "sheet1" not in k}), "lacks its part 'xl/worksheets/sheet1.xml'"),
        "encrypted": (bytes(old) + "EncryptedPackage".encode("utf-16le").ljust(4096, b"\0"), "a password protects"),
        "old": (bytes(old) + "Workbook".encode("utf-16le").ljust(4096, b"\0"), "old Excel or Office file"),
        "many_parts": (pack(good | {f"x/{'y' * 200}{i}": "" for i in range(18000)}), "lists more parts than a list of 4194304 bytes"),
    }
    return files


def test_what_is_no_workbook_or_a_bomb_is_held_with_the_limits_name(project: Project) -> None:
    project.lode("add", "z")
    files = refused()
    for name, (content, _) in files.items():
        project.drop("z", f"{name}.xlsx", content)
        project.write(f"zones/z/sources/{name}.yml", f"from: ingress/{name}.xlsx\nformat: xlsx\nheader: no\ncolumns:\n  a: int\n")
    ran = project.json("run", check=False)
    told = {d["source"]: d for d in ran["deliveries"]}
    for name, (_, words) in files.items():
        assert told[name]["state"] == "held" and words in told[name]["message"], (name, told[name]["message"])
        assert told[name]["accepted"] == 0


def test_a_row_over_the_limit_is_one_record(project: Project) -> None:
    rows = [["a", "b"], [1, "x" * 5000], [2, "y"]]
    project.drop("z", "long.xlsx", book({"s": sheet(rows)}))
    project.lode("add", "z")
    project.write("zones/z/sources/long.yml", "from: ingress/long.xlsx\nformat: xlsx\nlimits:\n  record: 1 KB\ncolumns:\n  a: int\n  b: text\n")
    project.json("run")
    assert [(q["rule"], q["line"]) for q in project.json("show", "quarantine")] == [("record_too_long", 2)]
    assert project.query("select a, b from z.staging.long") == [{"a": 2, "b": "y"}]


def test_a_row_wider_than_the_header_is_one_record(project: Project) -> None:
    project.drop("z", "wide.xlsx", book({"s": sheet([["a", "b"], [1, 2], [3, 4, 5], [6, 7]])}))
    project.lode("add", "z")
    project.write("zones/z/sources/wide.yml", "from: ingress/wide.xlsx\nformat: xlsx\ncolumns:\n  a: int\n  b: int\n")
    project.json("run")
    told = project.json("show", "quarantine")
    assert [(q["rule"], q["cell"], q["raw"]) for q in told] == [("wrong_width", "A3:C3", "3,4,5")]
    assert project.query("select a from z.staging.wide order by a") == [{"a": 1}, {"a": 6}]


def test_an_edit_reads_the_landed_workbook_again(project: Project) -> None:
    project.drop("z", "book.xlsx", book({"s": sheet([["a", "b"], [1, "2026-05-01"], [2, (45000, 1)]])}))
    project.lode("add", "z")
    project.write("zones/z/sources/book.yml", "from: ingress/book.xlsx\nformat: xlsx\ncolumns:\n  a: int\n  b: text\n")
    project.json("run")
    project.write("zones/z/sources/book.yml", "from: ingress/book.xlsx\nformat: xlsx\ncolumns:\n  a: int\n  b: date\n")
    project.json("run")
    rows = project.query("select a, b from z.staging.book order by a")
    assert rows == [{"a": 1, "b": "2026-05-01"}, {"a": 2, "b": "2023-03-15"}]


def test_numbers_that_were_calculated_are_what_is_shown(project: Project) -> None:
    """A spreadsheet shows 15 digits: openpyxl writes the doubles, and the decimal module says what they show."""
    dice = random.Random(5)
    numbers = [0.1 + 0.2, 1.1 * 3, 1234.5600000000001, 0.1 * 3 - 0.3 + 5, 4.35 * 100, 2.9999999999999996, 1.005, -0.1 - 0.2, 1e-7 + 2e-7, 99999999.01 * 3, 0.5, 12, 1 / 3,
               *(sum(dice.randrange(1, 99999) / 100 for _ in range(9)) for _ in range(150)), *(dice.randrange(10 ** 9) * 0.01 for _ in range(150))]
    numbers = [float(format(number, ".16g")) for number in numbers]  # as openpyxl writes them
    workbook = openpyxl.Workbook()
    workbook.active.append(["n", "money", "whole", "d", "t"])
    for i, number in enumerate(numbers):
        workbook.active.append([i, number, round(number) + (4.5e-16 if 1 <= abs(round(number)) < 4 else 0), number, number])
    workbook.active.append([len(numbers), "1234.5600000000001", 1, 1, "x"])  # a text is nobody's calculation
    (project.root / "in").mkdir()
    workbook.save(project.root / "in/c.xlsx")
    project.write("zones/shop/sources/c.yml", "from: in/c.xlsx\nformat: xlsx\ntolerate: 90%\ncolumns:\n  n: int\n  money: decimal(18,4)\n  whole: bigint\n  d: double\n  t: text\n")
    project.lode("run")
    assert sum(format(number, ".16g") != format(number, ".15g") for number in numbers) > 20
    as_shown = {i: Decimal(format(number, ".15g")) for i, number in enumerate(numbers)}
    fits = {i: value for i, value in as_shown.items() if value == value.quantize(Decimal("0.0001"))}
    assert 0 < len(numbers) - len(fits) < 6
    rows = {row["n"]: row for row in project.table("shop.staging.c").to_pylist()}
    assert {i: row["money"] for i, row in rows.items()} == fits
    assert all(row["d"] == numbers[i] and float(row["t"]) == numbers[i] and row["whole"] == round(numbers[i]) for i, row in rows.items())
    bad = project.json("show", "quarantine", "--rows")
    assert len(bad) == len(numbers) + 1 - len(fits) and {row["rule"] for row in bad} == {"too_many_digits"}


def test_add_takes_calculated_money_for_money(project: Project) -> None:
    workbook = openpyxl.Workbook()
    for row in (["id", "price", "count"], *([i, i * 0.1 + 0.2, i * 1.1 / 1.1] for i in range(1, 30))):
        workbook.active.append(row)
    (project.root / "in").mkdir()
    workbook.save(project.root / "in/m.xlsx")
    columns = project.json("add", "shop", "in/m.xlsx")["sources"][0]["columns"]
    assert [column["type"] for column in columns] == ["int", "decimal(18,2)", "int"]
    project.lode("run")
    rows = project.table("shop.staging.m").to_pylist()
    assert [(row["price"], row["count"]) for row in rows] == [(Decimal(f"{i + 2}") / 10, i) for i in range(1, 30)]
