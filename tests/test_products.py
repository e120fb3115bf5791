# SPDX-License-Identifier: Apache-2.0
"""Products: models in egress/ with a contract that is kept, for the zones that are given them and for no other."""

import time
from typing import Any

import pytest
from conftest import Project

HEAD = "-- about: what was sold\n-- version: 1\n-- fresh: 24h\n-- listed: yes\n"
SALES = HEAD + "-- column order_no: int required unique\n-- column amount: decimal(10,2), about in DKK\nselect order_no, amount, day from staging.orders\n"


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("zones/shop/sources/orders.yml", "from: ingress/orders*.csv\ncolumns:\n  order_no: int\n  amount: decimal(10,2)\n  day: date\n")
    project.write("zones/finance/zone.yml", "owner: fin\n")
    project.write("zones/shop/access.yml", "rules:\n- who: [zone finance, role analyst]\n  on: [egress.sales]\n  can: read\n")
    project.write("zones/shop/egress/sales.sql", SALES)
    project.drop("shop", "orders1.csv", "order_no,amount,day\n1,2.50,2026-01-02\n2,3.00,2026-01-03\n")
    return project


def run(shop: Project, exit: int = 0) -> dict[str, Any]:
    answer = shop.lode("run", "-o", "json", check=False)
    assert answer.exit == exit, answer.stderr + answer.stdout
    return answer.json


def columns(shop: Project) -> list[str]:
    return [column["name"] for column in shop.json("show", "shop.egress.sales")["columns"]]


def test_a_product_is_shown_with_its_contract(shop: Project) -> None:
    run(shop)
    shop.write("zones/shop/egress/later.sql", "select day from staging.orders\n")
    listed = shop.json("show", "product", "shop")
    assert [(p["product"], p["state"], p["rows"]) for p in listed] == [("shop.egress.later", "unpublished", None), ("shop.egress.sales", "current", 2)]
    (shop.root / "zones/shop/egress/later.sql").unlink()
    product = shop.json("show", "product", "shop.egress.sales")
    assert 0 <= product.pop("age_seconds") < 60 and product.pop("changed_at").startswith("20")
    assert product == {
        "product": "shop.egress.sales", "kind": "table", "about": "what was sold", "version": 1, "listed": True, "state": "current",
        "fresh_seconds": 86400, "rows": 2, "readers": ["zone finance", "role analyst"],
        "columns": [{"name": "order_no", "type": "int", "required": True, "unique": True, "about": None},
                    {"name": "amount", "type": "decimal(10,2)", "required": False, "unique": False, "about": "in DKK"},
                    {"name": "day", "type": "date", "required": False, "unique": False, "about": None}]}
    text = shop.lode("show", "product").stdout
    assert "shop.egress.sales" in text and "zone finance, role analyst" in text
    assert "required unique" in shop.lode("show", "product", "shop.egress.sales").stdout
    error = shop.error("show", "product", "shop.egress.sale")
    assert (error["code"], error["hint"]) == ("E108", "did you mean shop.egress.sales?")


@pytest.mark.parametrize("text, says", [
    (SALES.replace("order_no, amount, day", "order_no, amount"), "column day is gone"),
    (SALES.replace("day from", "day::text as day from"), "column day was date and is text"),
    (SALES.replace(", amount, day", ", amount::decimal(12,2) as amount, day").replace("amount: decimal(10,2)", "amount: decimal(12,2)"),
     "column amount was decimal(10,2) and is decimal(12,2)"),
    (SALES.replace("required unique", "unique"), "column order_no is no longer promised to be required"),
    (SALES.replace("required unique", "required"), "column order_no is no longer promised to be unique"),
    (SALES.replace("order_no, amount, day", "order_no, amount as day, day as amount").replace("-- column amount: decimal(10,2), about in DKK\n", ""),
     "column amount was decimal(10,2) and is date; column day was date and is decimal(10,2)"),
    (SALES.replace("version: 1\n", "version: 0\n"), None),
])
def test_what_a_version_promised_is_not_taken_back(shop: Project, text: str, says: str | None) -> None:
    run(shop)
    shop.write("zones/shop/egress/sales.sql", text)
    if says is None:  # version 0 is none, and none is 1
        assert run(shop)["state"] == "published"
        return
    checked = shop.lode("check", "-o", "json", check=False)
    assert checked.exit == 1
    report = run(shop, 1)
    assert report["models"][0]["state"] == "failed"
    for error in (checked.json["errors"][0], report["errors"][0]):
        assert (error["code"], error["file"], error["line"]) == ("E304", "zones/shop/egress/sales.sql", 2)
        assert error["message"] == "version 1 of the product promises more to those who read it: " + says
        assert error["hint"].endswith("-- version: 2")
    assert columns(shop) == ["order_no", "amount", "day"]
    assert shop.query("select count(*) as n from shop.egress.sales where day is not null") == [{"n": 2}]
    shop.write("zones/shop/egress/sales.sql", text.replace("version: 1", "version: 2"))
    shop.lode("check")
    run(shop)
    assert shop.json("show", "product", "shop")[0]["version"] == 2


def test_more_is_no_break_and_versions_only_go_up(shop: Project) -> None:
    shop.write("zones/shop/egress/sales.sql", SALES.replace("-- version: 1\n", ""))
    run(shop)
    more = SALES.replace("order_no, amount, day", "day, order_no, amount, amount > 2 as large").replace("amount: decimal(10,2)", "amount: decimal(10,2) required")
    shop.write("zones/shop/egress/sales.sql", more)
    run(shop)
    assert columns(shop) == ["day", "order_no", "amount", "large"]
    shop.write("zones/shop/egress/sales.sql", SALES)
    assert "column amount is no longer promised to be required; column large is gone" in run(shop, 1)["errors"][0]["message"]
    shop.write("zones/shop/egress/sales.sql", SALES.replace("version: 1", "version: 3"))
    run(shop)
    shop.write("zones/shop/egress/sales.sql", SALES.replace("version: 1", "version: 2"))
    error = run(shop, 1)["errors"][0]
    assert (error["code"], error["hint"]) == ("E304", "write   -- version: 3")


def test_a_view_is_a_product_too(shop: Project) -> None:
    run(shop)
    shop.write("zones/shop/egress/sales.sql", SALES.replace("-- version", "-- kind: view\n-- version"))
    run(shop)
    product = shop.json("show", "product", "shop.egress.sales")
    assert (product["kind"], product["version"], product["state"], product["rows"], len(product["columns"])) == ("view", 1, "current", None, 3)
    shop.write("zones/shop/egress/sales.sql", SALES.replace("-- version", "-- kind: view\n-- version").replace(", day from", " from"))
    assert run(shop, 1)["errors"][0]["code"] == "E304"
    assert shop.query("select count(day) as n from shop.egress.sales") == [{"n": 2}]


def test_rows_that_break_a_promise_publish_nothing_of_the_zone(shop: Project) -> None:
    shop.write("zones/shop/canonical/order.sql", "select order_no from staging.orders\n")
    shop.write("zones/crm/sources/people.yml", "from: ingress/p.csv\ncolumns:\n  id: int\n")
    shop.write("zones/crm/canonical/person.sql", "select id from staging.people\n")
    run(shop)
    shop.drop("shop", "orders2.csv", "order_no,amount,day\n2,9,\n,1,\n")
    shop.drop("crm", "p.csv", "id\n1\n")
    report = run(shop, 1)
    assert report["state"] == "partly"
    product = next(m for m in report["models"] if m["table"] == "shop.egress.sales")
    assert [(c["name"], c["severity"], c["state"], c["rows"]) for c in product["checks"]] == [
        ("required(order_no)", "stop", "failed", 1), ("unique(order_no)", "stop", "failed", 2)]
    assert shop.json("show", "shop.canonical.order")["rows"] == 2  # the zone as it was
    assert shop.json("show", "shop.egress.sales")["rows"] == 2
    assert shop.json("show", "shop.staging.orders")["rows"] == 4   # bronze waits for no model
    assert shop.json("show", "crm.canonical.person")["rows"] == 1  # nor another zone
    found = shop.json("show", "quarantine", "shop.egress.sales")
    assert sorted((row["rule"], row["name"], row["record"]) for row in found) == [
        ("required(order_no)", "orders2.csv", 3), ("unique(order_no)", "orders1.csv", 3), ("unique(order_no)", "orders2.csv", 2)]
    assert shop.json("show", "product", "shop")[0]["state"] == "current"


def test_a_type_that_is_not_the_declared_one_fails_the_product(shop: Project) -> None:
    shop.write("zones/shop/egress/sales.sql", SALES.replace("amount: decimal(10,2)", "amount: double"))
    errors = shop.lode("check", "-o", "json", check=False).json["errors"]
    assert [(e["code"], e["line"]) for e in errors] == [("E205", 6)]
    assert run(shop, 1)["models"][0]["state"] == "failed" and shop.json("show", "table", "shop.egress") == []


def test_a_product_that_nothing_renews_is_late(shop: Project) -> None:
    shop.write("zones/shop/egress/sales.sql", SALES.replace("fresh: 24h", "fresh: 2s"))
    shop.write("zones/shop/egress/seen.sql", SALES.replace("fresh: 24h", "fresh: 2s").replace("-- version", "-- kind: view\n-- version"))
    run(shop)
    time.sleep(2.1)
    assert {p["product"]: p["state"] for p in shop.json("show", "product")} == {"shop.egress.sales": "late", "shop.egress.seen": "late"}
    late = [line for line in shop.lode("status").stdout.splitlines() if line.startswith("late")]
    assert len(late) == 2 and "shop.egress.sales" in late[0] and "it may be 2.0 s" in late[0]
    run(shop)  # nothing came: a run alone makes it no newer
    assert shop.json("show", "product", "shop.egress.sales")["state"] == "late"
    shop.drop("shop", "orders2.csv", "order_no,amount,day\n3,1,\n")
    before = time.time()
    run(shop)
    for name in ("sales", "seen"):
        assert shop.json("show", "product", f"shop.egress.{name}")["age_seconds"] <= time.time() - before + 1


def test_another_zone_is_given_products_and_nothing_else(shop: Project) -> None:
    shop.write("zones/shop/canonical/order.sql", "select order_no from staging.orders\n")
    shop.write("zones/shop/egress/secret.sql", "select order_no from staging.orders\n")
    read = "zones/finance/canonical/revenue.sql"
    for sql, says in [("select order_no from shop.canonical.\"order\"\n", "only what stands in its egress/ is given to others"),
                      ("select order_no from shop.staging.orders\n", "only what stands in its egress/ is given to others"),
                      ("select order_no from shop.egress.secret\n", "is not granted to zone `finance`"),
                      ("-- check c: a in (select order_no from shop.egress.secret), else warn\nselect 1 as a\n", "is not granted to zone `finance`"),
                      ("-- check c: a in (select order_no from shop.staging.orders), else warn\nselect 1 as a\n", "only what stands in its egress/")]:
        shop.write(read, sql)
        error = shop.error("run")
        assert (error["code"], error["file"]) == ("E208", read) and says in error["message"]
        if "not granted" in says:
            assert str(error["hint"]).endswith("\n- who: [zone finance]\n  on: [egress.secret]")  # as it stands in access.yml
    access = (shop.root / "zones/shop/access.yml").read_text()
    shop.write(read, "select amount from shop.egress.sales\n")
    for limit in ("rows: amount > 0", "columns: [amount]", "mask:\n    amount: null"):
        shop.write("zones/shop/access.yml", f"{access}  {limit}\n")
        error = shop.error("run")
        assert (error["code"], error["file"]) == ("E208", read) and "whole, and a model reads all of a product" in error["message"]
    shop.write("zones/shop/access.yml", access)
    shop.write(read, "-- check c: amount in (select amount from shop.egress.sales), else stop\nselect amount from shop.egress.sales\n")
    run(shop)
    assert len(shop.query("select * from finance.canonical.revenue")) == 2


@pytest.mark.parametrize("line", ["version: 1", "fresh: 24h", "listed: yes"])
def test_only_products_have_a_version(shop: Project, line: str) -> None:
    shop.write("zones/shop/canonical/order.sql", f"-- {line}\nselect order_no from staging.orders\n")
    error = shop.lode("check", "-o", "json", check=False).json["errors"][0]
    assert (error["code"], error["line"]) == ("E105", 1) and "only a product in egress/" in error["message"]
