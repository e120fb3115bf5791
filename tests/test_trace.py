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


def lines_of(project: Project, table: str, where: str) -> list[int]:
    return sorted(entry["line"] for entry in project.json("trace", f"shop.{table}", "--where", where))


def test_a_group_is_traced_to_all_of_its_records(shop: Project) -> None:
    shop.write("in/orders2.csv", "order_id,day,amount\n7,2026-01-05,2.00\n8,2026-02-05,3.00\n")
    shop.write("zones/shop/analytical/months.sql",
               "select date_trunc('month', day)::date as month, sum(amount) as amount from canonical.order group by all order by 2 desc\n")
    shop.write("zones/shop/analytical/all.sql", "select sum(amount) + 1 as total from canonical.order where amount > 2.5\n")
    shop.write("zones/shop/analytical/days.sql", "-- kind: view\nselect distinct day from staging.orders\n")
    shop.write("zones/shop/analytical/some.sql", "select day from canonical.order group by day having count(*) > 1\n")
    shop.write("zones/shop/analytical/each.sql", "select day from staging.orders union all select day from canonical.order\n")
    shop.lode("run")
    assert lines_of(shop, "analytical.per_day", "day = '2026-01-05'") == [2, 2]
    assert lines_of(shop, "analytical.months", "month = '2026-01-01'") == [2, 2, 3]
    assert lines_of(shop, "analytical.all", "true") == [2, 3, 3]
    assert lines_of(shop, "analytical.days", "day > '2026-01-05'") == [3, 3]
    assert "all records of its group" in shop.lode("trace", "shop.analytical.days", "--where", "true").stderr
    for where, hint in {"amount > 1": "may ask for month", "nothing": "may ask for month"}.items():
        error = shop.error("trace", "shop.analytical.months", "--where", where)
        assert error["code"] == "E204" and hint in error["hint"], error
    assert "--where true" in shop.error("trace", "shop.analytical.all", "--where", "total > 1")["hint"]
    for name, why, reads in (("some", "groups", "shop.canonical.order"), ("each", "set operation", "shop.staging.orders")):
        error = shop.error("trace", f"shop.analytical.{name}", "--where", "true")
        assert error["code"] == "E202" and why in error["message"] and f"lode trace {reads} --where" in error["hint"], error


def test_views_are_followed_down_to_their_table(shop: Project) -> None:
    shop.write("zones/shop/canonical/v1.sql", "-- kind: view\nselect order_id as id, day from staging.orders where order_id < 9\n")
    shop.write("zones/shop/canonical/v2.sql",
               "-- kind: view\nwith v1 as (select * from canonical.v1) select v1.*, v1.id * 2 as double from v1\n")
    shop.write("zones/shop/canonical/t.sql", "select x.id, double, n from canonical.v2 x left join analytical.per_day p using (day)\n")
    shop.write("zones/shop/analytical/g.sql", "select double, count(*) as n from canonical.v2 where id > 1 group by double\n")
    shop.lode("run")
    assert lines_of(shop, "canonical.v2", "double = 4") == [3]
    assert lines_of(shop, "canonical.t", "double = 2 and n = 1") == [2]
    assert lines_of(shop, "analytical.g", "true") == [3]


def test_landed_text_of_one_row_cannot_be_had_through_the_condition(shop: Project) -> None:
    error = shop.error("trace", "shop.staging.notes", "--where", "exists (select 1 from read_text('/etc/passwd'))")
    assert error["code"] == "E202"
