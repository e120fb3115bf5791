# SPDX-License-Identifier: Apache-2.0
"""The way back from a row to the file, the line and the bytes that stood there."""

import csv
import gzip
import io

import pytest
from conftest import Project

ORDERS = "order_id,day,amount\n1,2026-01-05,10.50\n2,2026-01-06,7.25\n3,soon,1.00\n"
# A byte order mark, a preamble, quoted line breaks of both kinds, doubled quotes, letters of two and four bytes.
AWKWARD = ('\ufeffexport of today\nid,note\n1,plain\n2,"two\nlines"\n3,"crlf\r\ninside, and a comma"\n4,"a ""quoted"" word"\n'
           '5,Ærøskøbing 🚲\n6,\n')


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("in/orders.csv", ORDERS)
    project.write("in/notes.csv.gz", gzip.compress(AWKWARD.encode()))
    project.write("zones/shop/sources/orders.yml",
                  "from: in/orders*.csv\ncolumns:\n  order_id: int required unique\n  day: date\n  amount: decimal(9,2)\n")
    project.write("zones/shop/sources/notes.yml", "from: in/notes.csv.gz\nskip: 1\ncolumns:\n  id: int\n  note: text\n")
    project.write("zones/shop/canonical/order.sql", "select order_id, day, amount from staging.orders\n")
    project.write("zones/shop/analytical/per_day.sql", "select day, count(*) as n from canonical.order group by day\n")
    project.lode("run")
    return project


def test_from_a_model_to_the_file(shop: Project) -> None:
    entries = shop.json("trace", "shop.canonical.order", "--where", "order_id = 2")
    assert len(entries) == 1
    assert entries[0]["name"].endswith("orders.csv") and entries[0]["line"] == 3
    assert entries[0]["raw"].strip() == "2,2026-01-06,7.25"


def test_every_row_was_cut_from_the_bytes_it_names(shop: Project) -> None:
    """Offsets and lengths are of the bytes after decompression, so Python can cut them out and read them alone."""
    data = AWKWARD.encode()
    entries = {entry["key"]: entry for entry in shop.json("trace", "shop.staging.notes", "--where", "true")}
    rows = shop.table("shop.staging.notes").to_pylist()
    assert len(entries) == len(rows) == 6
    for row in rows:
        entry = entries[f"id={row['id']}"]
        raw = data[entry["offset"]:entry["offset"] + entry["length"]].decode()
        assert raw.rstrip("\r\n") == entry["raw"].rstrip("\r\n")
        assert next(csv.reader(io.StringIO(raw, newline=""))) == [str(row["id"]), row["note"] or ""]
        assert entry["line"] == data[:entry["offset"]].count(b"\n") + 1


def test_what_keeps_no_rows_is_refused_with_its_reason(shop: Project) -> None:
    error = shop.error("trace", "shop.analytical.per_day", "--where", "n = 1")
    assert error["exit"] == 2 and error["message"]


def test_landed_text_of_one_row_cannot_be_had_through_the_condition(shop: Project) -> None:
    error = shop.error("trace", "shop.staging.notes", "--where", "exists (select 1 from read_text('/etc/passwd'))")
    assert error["code"] == "E202"
