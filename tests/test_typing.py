# SPDX-License-Identifier: Apache-2.0
"""Numbers and dates as people write them, through `lode add` and `lode run`; docs/types.md is the table that a unit test tries."""

from conftest import Project


def test_money_percent_and_negatives_as_the_source_says(project: Project) -> None:
    project.write("zones/shop/zone.yml", "owner: root\n")
    project.write("zones/shop/sources/bills.yml", "from: ingress/bills_*.csv\nformat: csv\ndelimiter: \";\"\ndecimal: \",\"\nthousands: space\n"
                  "currency: [€, EUR]\npercent: fraction\nnegatives: parentheses\ncolumns:\n  id: int\n  amount: decimal(12,2)\n  rate: decimal(6,4)\n")
    project.drop("shop", "bills_1.csv", "id;amount;rate\n1;1 234,50 €;12,5%\n2;(€ 7,00);0,5\n3;\u2212EUR 1\u202f000;100 %\n4;5 USD;1%\n5;1;\n")
    report = project.json("run")
    assert [report["deliveries"][0][key] for key in ("accepted", "quarantined")] == [4, 1], report
    rows = project.query("select id, amount::text as amount, rate::text as rate from shop.staging.bills order by id")
    assert [tuple(row.values()) for row in rows] == [
        (1, "1234.50", "0.1250"), (2, "-7.00", "0.5000"), (3, "-1000.00", "1.0000"), (5, "1.00", None)]


def test_columns_may_have_dates_of_their_own(project: Project) -> None:
    project.drop("shop", "trips.csv", "id,left,back\n1,31/01/2024,02/28/2024\n2,01/02/2024,03/31/2024\n3,15/03/2024,12/25/2024\n")
    source, = project.json("add", "shop", project.root / "ingress/shop/trips.csv")["sources"]
    assert {column["name"]: column["type"] for column in source["columns"]} == {"id": "int", "left": "date", "back": "date"}, source
    assert project.json("run")["deliveries"][0]["accepted"] == 3
    rows = project.query("select \"left\"::text as l, back::text as b from shop.staging.trips order by id")
    assert [tuple(row.values()) for row in rows] == [("2024-01-31", "2024-02-28"), ("2024-02-01", "2024-03-31"), ("2024-03-15", "2024-12-25")]
