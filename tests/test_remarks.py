# SPDX-License-Identifier: Apache-2.0
"""What fits and yet wants a look is told with how often: the hour that comes twice, and what no eye sees at a text's edges."""

import pyarrow
import pyarrow.parquet
from collections.abc import Callable

from conftest import Project


def source(project: Project, columns: str, more: str = "") -> None:
    project.write("zones/shop/sources/calls.yml", f"from: ingress/calls_*.csv\n{more}columns:\n  id: text required\n{columns}")


def messages(project: Project) -> dict[str, str]:
    return {delivery["name"]: delivery["message"] or "" for delivery in project.json("run")["deliveries"]}


def test_values_in_the_hour_that_comes_twice_are_counted_of_each_delivery_and_column(project: Project) -> None:
    source(project, "  began: timestamp Europe/Berlin\n  ended: timestamp Europe/Berlin\n")
    project.write("ingress/shop/calls_1.csv", "id,began,ended\n1,2026-10-25 01:59:59,2026-10-25 02:00:00\n"
                  "2,2026-10-25 02:30,2026-10-25 03:00\n3,2026-10-25 02:59:59.5,2026-10-25T02:30:00+01:00\n4,2026-03-29 02:30,2026-03-29 03:00\n")
    project.write("ingress/shop/calls_2.csv", "id,began,ended\n5,2026-07-01 02:30,\n")
    said = messages(project)
    assert said["calls_1.csv"] == ("began: 2 values are in the hour that comes twice when clocks go back, the first of both is taken (as '2026-10-25 02:30'); "
                                   "ended: 1 value is in the hour that comes twice when clocks go back, the first of both is taken (as '2026-10-25 02:00:00')")
    assert said["calls_2.csv"] == ""
    assert [row["began"] for row in project.query("select began::text as began from shop.staging.calls where id = '2'")] == ["2026-10-25 00:30:00+00"]
    assert "no_such_time in began" in project.lode("show", "quarantine").stdout
    assert "comes twice" in project.lode("show", "delivery", "shop.calls").stdout


def test_what_no_eye_sees_at_the_edges_of_texts_is_told(project: Project) -> None:
    source(project, "  name: text\n  note: text\n", "load: merge\nkey: id\n")
    project.write("ingress/shop/calls_1.csv", "\ufeffid,name,note\nA1,Ærø,\u65e5\u672c\n\u200bA1,x\u00a0,inner\u200bmark\n\"A3\u200b\",y,\" z \"\n".encode())
    said = messages(project)["calls_1.csv"]
    assert said == ("id: 2 values begin or end with what no eye sees, as '<U+200B>A1', and so are other texts than those without it: as a key it names another row; "
                    "name: 1 value begins or ends with what no eye sees, as 'x<U+00A0>', and so is another text than the one without it")
    assert {row["id"] for row in project.query("select id from shop.staging.calls")} == {"A1", "\u200bA1", "A3\u200b"}, "kept as it is"


def test_what_no_eye_sees_is_told_of_files_with_types_too(project: Project) -> None:
    table = pyarrow.table({"id": ["A1", "\u200bA1", "A3"], "name": ["x\u00a0", None, "y"]})
    path = project.write("ingress/shop/art_1.parquet", "")
    pyarrow.parquet.write_table(table, path)
    doubts = str(project.json("add", "shop", "ingress/shop/art_1.parquet"))
    assert "1 value begins or ends with what no eye sees, such as '<U+200B>A1'" in doubts and "'x<U+00A0>'" in doubts
    said = messages(project)["art_1.parquet"]
    assert said == ("id: 1 value begins or ends with what no eye sees, as '<U+200B>A1', and so is another text than the one without it; "
                    "name: 1 value begins or ends with what no eye sees, as 'x<U+00A0>', and so is another text than the one without it")


def test_add_doubts_what_no_eye_sees_with_a_count(project: Project) -> None:
    project.write("ingress/shop/art_1.csv", "\ufeffart,name\nA1,x\nA2,y\n\u200bA3,z\n\u200bA4,w\n".encode())
    doubts = project.json("add", "shop", "ingress/shop/art_1.csv")
    assert "2 values begin or end with what no eye sees, such as '<U+200B>A3'" in str(doubts)


def test_a_doubt_names_its_file_and_a_header_above_numbers_is_none(project: Project) -> None:
    """Codes of one shape beside it look like more of the same; the words above numbers and dates cannot be data."""
    for i in range(3):
        rows = "".join(f"{i + 1}{n:02d};2026-01-{n % 28 + 1:02d};{'abc' if (i, n) == (1, 9) else n}.50;AB-{n:04d};K{n % 2};NORD\n" for n in range(60))
        project.write(f"ingress/shop/sold_{i}.csv", "Nr;Day;Amount;AB-CODE;KI;OST\n" + rows)
    doubts = [(doubt["column"], doubt["what"]) for doubt in project.json("add", "shop", "ingress/shop/sold_*.csv")["sources"][0]["doubts"]]
    assert not [what for _, what in doubts if "header" in what], doubts
    assert ("Amount", "1 of 60 values do not fit, such as 'abc.50', in sold_1.csv") in doubts, doubts


def test_add_doubts_files_that_repeat_the_keys_of_another(project: Project) -> None:
    def doubts(name: str, text: Callable[[int, int], str], head: str) -> list[tuple[str, str]]:
        for day in range(4):
            rows = "".join(text(day, n) + "\n" for n in range(20))
            project.write(f"ingress/shop/{name}_2025-01-0{day + 1}.csv", head + "\n" + rows)
        added = project.json("add", "shop", f"ingress/shop/{name}_*.csv")["sources"][0]
        return [(doubt["what"], doubt["assumed"]) for doubt in added["doubts"] if "snapshots" in doubt["what"]]

    (what, assumed), = doubts("whole", lambda day, n: f"{n + 1},name {n},{day * n}", "no,name,sum")
    assert what == "3 of 4 files begin with the keys of the one before, such as 1, as full snapshots do"
    assert "load: replace" in assumed and "load: history with key: no" in assumed
    assert doubts("new", lambda day, n: f"{day * 20 + n},name {n},{day * n}", "no,name,sum") == []
    assert doubts("lines", lambda day, n: f"{n + 1},{day * 20 + n},{day + n}.25", "line,article,sum") == []
    assert doubts("half", lambda day, n: f"{day // 2 * 100 + n},name {n},{day * n}", "no,name,sum"), "two of three follow with the same"


def test_a_list_without_records_lacks_no_column(project: Project) -> None:
    project.write("zones/shop/sources/calls.yml", "from: ingress/calls_*.json\nformat: json\nrecords: data\ncolumns:\n  id: int\n  tags: text\n")
    project.write("ingress/shop/calls_1.json", '{"data":[]}')
    project.write("ingress/shop/calls_2.json", '{"data":[{"id":1}]}')
    assert messages(project) == {"calls_1.json": "the file has no record", "calls_2.json": "columns not in this file, NULL: tags"}


def test_words_behind_a_header_are_no_part_of_it_unseen(project: Project) -> None:
    project.write("ingress/shop/calls_1.csv", "Call Nr,n\nA1,1\n")
    source(project, "  n: int from No required\n")
    refused = project.lode("check", check=False)
    assert refused.exit == 2 and "zones/shop/sources/calls.yml:4:6" in refused.stderr and 'from "No" required; of the header: from "No required"' in refused.stderr
    project.write("zones/shop/sources/calls.yml", "from: ingress/calls_*.csv\ncolumns:\n  id: text from 'Call Nr' required\n  n: int\n  m: int from Number\n")
    assert messages(project) == {"calls_1.csv": "columns not in this file, NULL: m (from 'Number')"}
    assert project.query("select id, n, m from shop.staging.calls") == [{"id": "A1", "n": 1, "m": None}]


def test_booleans_are_words_in_text_and_csv(project: Project) -> None:
    project.lode("run")
    sql = "select true as a, false as b, null::boolean as c, 't' as d"
    assert project.lode("query", "-o", "csv", sql).stdout == "a,b,c,d\ntrue,false,,t\n"
    assert "true" in project.lode("query", "-o", "text", sql).stdout
    assert project.query(sql) == [{"a": True, "b": False, "c": None, "d": "t"}]


def test_add_counts_rows_and_says_why_a_name_is_exact(project: Project) -> None:
    project.write("ingress/shop/orders_1.csv", "id,n\n1,2\n2,3\n3,4\n4,5\n")
    project.write("ingress/shop/items_1.csv", "other,shape,altogether\n1,b,2026-01-01\n")
    project.write("ingress/shop/sap_fbl3n.csv", "konto,n\n1,2\n2,3\n")
    shown = project.lode("add", "shop", "ingress/shop/orders_1.csv").stdout
    assert "4 records" in shown
    assert "would also take" not in shown, "another name is not caught"
    project.write("ingress/shop/stock_1.csv", "id,n\n1,2\n2,3\n")
    project.write("ingress/shop/stock_2.csv", "other,shape\n1,b\n")
    shown = project.lode("add", "shop", "ingress/shop/stock_1.csv").stdout
    assert "from: stock_*.csv would also take stock_2.csv, which is not of these files; assumed these names alone" in shown
    assert "from: ingress/stock_1.csv\n" in (project.root / "zones/shop/sources/stock.yml").read_text()
    project.lode("add", "shop", "ingress/shop/sap_fbl3n.csv")
    assert "from: ingress/sap_fbl3n.csv\n" in (project.root / "zones/shop/sources/sap_fbl3n.yml").read_text()
