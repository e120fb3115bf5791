# SPDX-License-Identifier: Apache-2.0
"""`lode plan` touches nothing, and a run right after does what it said."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from test_shapes import assert_shape

PLAN = {"text": [{"kind": 0, "name": 0, "change": 0}], "steps": [{"table": 0, "why": 0, "rows_to_read": 0, "bytes_to_read": 0}],
        "breaks": [{"table": 0, "what": 0, "used_by": 0}], "access": [{"principal": 0, "object": 0, "gains": 0, "loses": 0}]}

SOURCE = "from: ingress/orders_*.csv\ncolumns:\n  order_no: text required\n  amount: decimal(12,2)\n"
ORDERS = "order_no,amount\nA-1,1.50\nA-2,2.25\n"
STOCK = "from: ingress/stock_*.csv\nload: replace\ncolumns:\n  item: text\n  pieces: int\n"
STOCKED = "item,pieces\nbolt,7\n"
ORDER = "select order_no, amount from staging.orders\n"
SALES = "select count(*) as orders, sum(amount) as total from canonical.order\n"
SEEN = "-- kind: view\nselect * from canonical.order\n"
PRODUCT = "-- version: 1\nselect orders, total from analytical.sales\n"
ACCESS = "rules:\n- who: [role analyst]\n  on: [canonical.*]\n  can: read\n- who: [zone finance]\n  on: [egress.*]\n  can: read\n"


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("zones/shop/zone.yml", "owner: ann\n")
    project.write("zones/shop/access.yml", ACCESS)
    project.write("zones/shop/sources/orders.yml", SOURCE)
    project.write("zones/shop/sources/stock.yml", STOCK)
    project.write("zones/shop/canonical/order.sql", ORDER)
    project.write("zones/shop/canonical/stock.sql", "select item, pieces from staging.stock\n")
    project.write("zones/shop/canonical/seen.sql", SEEN)
    project.write("zones/shop/analytical/sales.sql", SALES)
    project.write("zones/shop/egress/sales.sql", PRODUCT)
    project.write("zones/finance/analytical/revenue.sql", "select total from shop.egress.sales\n")
    project.drop("shop", "orders_1.csv", ORDERS)
    project.drop("shop", "stock_1.csv", STOCKED)
    return project


def files_of(folder: Path) -> dict[str, tuple[int, int]]:
    """All files below with size and time of change; what a process keeps for itself while it runs is left out."""
    return {str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
            for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0] not in ("run", "audit")}


def planned(project: Project, *words: str) -> Any:
    before = files_of(project.root), files_of(project.store) if project.store.exists() else None
    plan = project.json("plan", *words)
    assert_shape(plan, PLAN)
    assert (files_of(project.root), files_of(project.store) if project.store.exists() else None) == before, "a plan touches nothing"
    return plan


def steps(plan: Any) -> dict[str, str]:
    return {step["table"]: step["why"] for step in plan["steps"]}


def done(report: Any) -> set[str]:
    """What a run read and built."""
    read = {f"{delivery['zone']}.staging.{delivery['source']}" for delivery in report["deliveries"] if delivery["state"] == "staged"}
    return read | {model["table"] for model in report["models"] if model["state"] == "built"}


def new_file(shop: Project) -> None:
    shop.drop("shop", "orders_2.csv", "order_no,amount\nB-1,5.00\n")


def same_bytes_again(shop: Project) -> None:
    shop.drop("shop", "orders_again.csv", ORDERS)
    shop.drop("shop", "stock_2.csv", STOCKED)


def same_name_again(shop: Project) -> None:
    shop.drop("shop", "orders_1.csv", "order_no,amount\nC-1,5.00\n")


def new_snapshot(shop: Project) -> None:
    shop.drop("shop", "stock_3.csv", "item,pieces\nbolt,9\nnut,1\n")


def edit(name: str, text: str) -> Callable[[Project], None]:
    def apply(shop: Project) -> None:
        shop.write(name, text)
    return apply


def remove(name: str) -> Callable[[Project], None]:
    def apply(shop: Project) -> None:
        (shop.root / name).unlink()
    return apply


ABOVE = {"shop.analytical.sales": "upstream", "shop.egress.sales": "upstream", "finance.analytical.revenue": "upstream"}
FED = {"shop.canonical.order": "new data", "shop.analytical.sales": "new data", "shop.egress.sales": "new data",
       "finance.analytical.revenue": "new data"}
EDITS: list[tuple[str, Callable[[Project], None], dict[str, str]]] = [
    ("nothing", lambda _: None, {}),
    ("a new file", new_file, {"shop.staging.orders": "new data"} | FED),
    ("bytes that came before", same_bytes_again, {}),
    ("a name that came before", same_name_again, {}),
    ("a new snapshot", new_snapshot, {"shop.staging.stock": "new data", "shop.canonical.stock": "new data"}),
    ("white space in a model", edit("zones/shop/canonical/order.sql", ORDER + "\n\n-- a comment\n"), {}),
    ("a model", edit("zones/shop/canonical/order.sql", ORDER.replace("amount", "amount + 1 as amount")),
     {"shop.canonical.order": "edited", "shop.canonical.seen": "upstream"} | ABOVE),
    ("how a source is read", edit("zones/shop/sources/orders.yml", SOURCE + "nulls: \"2.25\"\n"),
     {"shop.staging.orders": "edited", "shop.canonical.order": "upstream", "shop.canonical.seen": "upstream"} | ABOVE),
    ("what a source is about", edit("zones/shop/sources/orders.yml", "about: orders\n" + SOURCE + "nulls: \"2.25\"\n"), {}),
    ("a view", edit("zones/shop/canonical/seen.sql", SEEN.replace("*", "order_no")), {"shop.canonical.seen": "edited"}),
    ("a new model", edit("zones/shop/analytical/low.sql", "select item from canonical.stock where pieces < 5\n"), {"shop.analytical.low": "edited"}),
    ("a removed model", remove("zones/shop/analytical/low.sql"), {"shop.analytical.low": "removed"}),
    ("a new zone", edit("zones/crm/canonical/one.sql", "select 1 as x\n"), {"crm.canonical.one": "edited"}),
    ("a new source", edit("zones/crm/sources/people.yml", "from: ingress/people_*.csv\ncolumns:\n  name: text\n"), {"crm.staging.people": "edited"}),
]


def test_a_run_does_what_the_plan_said_edit_after_edit(shop: Project) -> None:
    first = planned(shop)
    assert not shop.store.exists()
    assert set(steps(first)) == {"shop.staging.orders", "shop.staging.stock", "shop.canonical.order", "shop.canonical.stock", "shop.canonical.seen",
                                 "shop.analytical.sales", "shop.egress.sales", "finance.analytical.revenue"}
    report = shop.json("run")
    assert done(report) == set(steps(first))
    for what, change, expected in EDITS:
        change(shop)
        plan = planned(shop)
        assert steps(plan) == expected, what
        report = shop.lode("run", "-o", "json", check=False).json
        empty = {"crm.staging.people"} if what == "a new source" else set()  # made, and no delivery tells of it
        assert done(report) | empty == {table for table, why in expected.items() if why != "removed"}, what
        after = planned(shop)
        assert after["text"] == [] and after["steps"] == [], what
    assert "shop.analytical.low" not in shop.tables() and "crm.staging.people" in shop.tables()


def test_what_is_read_is_counted(shop: Project) -> None:
    plan = planned(shop)
    by_table = {step["table"]: step for step in plan["steps"]}
    assert by_table["shop.staging.orders"]["bytes_to_read"] == len(ORDERS)
    assert by_table["shop.staging.orders"]["rows_to_read"] is None, "nobody has read it yet"
    shop.lode("run")
    shop.write("zones/shop/sources/orders.yml", SOURCE.replace("12,2", "14,2"))
    shop.write("zones/shop/canonical/stock.sql", "select item, pieces + 1 as pieces from staging.stock\n")
    by_table = {step["table"]: step for step in planned(shop)["steps"]}
    records = sum(delivery["records"] for delivery in shop.json("show", "delivery", "shop.orders"))
    assert by_table["shop.staging.orders"] == {"table": "shop.staging.orders", "why": "edited", "rows_to_read": records, "bytes_to_read": len(ORDERS)}
    stock = shop.json("show", "shop.staging.stock")
    assert (by_table["shop.canonical.stock"]["rows_to_read"], by_table["shop.canonical.stock"]["bytes_to_read"]) == (stock["rows"], stock["bytes"])


def test_a_plan_of_a_part(shop: Project) -> None:
    assert set(steps(planned(shop, "shop.orders"))) == {"shop.staging.orders"}
    assert set(steps(planned(shop, "finance"))) == {"finance.analytical.revenue"}
    assert set(steps(planned(shop, "+shop.canonical.stock"))) == {"shop.staging.stock", "shop.canonical.stock"}
    assert shop.error("plan", "nonsense")["exit"] == 2


def test_a_plan_of_a_branch(shop: Project) -> None:
    assert shop.error("plan", "--branch", "try")["exit"] == 2
    shop.lode("run")
    shop.lode("branch", "try")
    shop.write("zones/shop/canonical/order.sql", ORDER.replace("amount", "amount * 2 as amount"))
    new_file(shop)
    answer = shop.lode("plan", "--branch", "try")
    assert answer.stderr.splitlines()[0] == "branch try" and answer.stdout.splitlines()[-1] == "next: lode run --branch try"
    plan = planned(shop, "--branch", "try")
    assert "shop.staging.orders" not in steps(plan), "a branch takes no files"
    assert done(shop.json("run", "--branch", "try")) == set(steps(plan))
    assert steps(planned(shop, "--branch", "try")) == {} != steps(planned(shop))


def test_a_reader_that_would_fail_hides_nothing_of_the_plan(shop: Project) -> None:
    """Its error is told beside what breaks, and the exit is that of the text."""
    shop.write("zones/finance/analytical/revenue.sql", "select total from shop.egress.sales\n")
    shop.lode("run")
    shop.write("zones/shop/egress/sales.sql", "-- version: 1\nselect orders from analytical.sales\n")
    answer = shop.lode("plan", "-o", "json", check=False)
    assert answer.exit == 2 and answer.error["code"] == "E204" and answer.error["file"].endswith("revenue.sql")
    assert [(item["table"], item["used_by"][0]) for item in answer.json["breaks"]] == [("shop.egress.sales", "finance.analytical.revenue")]
    text = shop.lode("plan", check=False)
    assert "breaks" in text.stdout and "revenue.sql" in text.stderr and text.exit == 2


def test_what_breaks_is_told(shop: Project) -> None:
    shop.lode("run")
    shop.write("zones/shop/egress/sales.sql", PRODUCT.replace("orders, total", "orders, total::double as total"))
    broken = planned(shop)["breaks"]
    assert [item["table"] for item in broken] == ["shop.egress.sales"] and "total" in broken[0]["what"]
    assert broken[0]["used_by"] == ["finance.analytical.revenue", "zone finance"]
    assert "a run refuses it" in shop.lode("plan").stdout
    assert shop.lode("run", check=False).exit != 0
    shop.write("zones/shop/egress/sales.sql", PRODUCT.replace("orders, total", "orders, total::double as total").replace("1", "2"))
    assert [item["table"] for item in planned(shop)["breaks"]] == ["shop.egress.sales"]
    assert "a run refuses it" not in shop.lode("plan").stdout
    assert "its new version allows that" in shop.lode("plan").stdout
    shop.lode("run")
    (shop.root / "zones/shop/egress/sales.sql").unlink()
    (shop.root / "zones/finance/analytical/revenue.sql").unlink()
    gone = planned(shop)
    assert [(item["table"], item["used_by"]) for item in gone["breaks"]] == [("shop.egress.sales", ["zone finance"])]
    assert "goes" in shop.lode("plan").stdout.splitlines()


def test_who_gains_and_loses_tables(shop: Project) -> None:
    def access() -> set[tuple[str, str, str | None, str | None]]:
        return {(item["principal"], item["object"], item["gains"], item["loses"]) for item in planned(shop)["access"]}

    assert ("role analyst", "shop.canonical.order", "read", None) in access() and ("ann", "shop", "owner", None) in access()
    shop.lode("run")
    assert access() == set()
    shop.write("zones/shop/access.yml", ACCESS.replace("[canonical.*]", "[canonical.order, analytical.sales]"))
    shop.write("zones/shop/zone.yml", "owner: bo\nengineers: [role dev]\n")
    expected = {("role analyst", "shop.canonical.seen", None, "read"), ("role analyst", "shop.canonical.stock", None, "read"),
                ("role analyst", "shop.analytical.sales", "read", None), ("ann", "shop", None, "owner"), ("bo", "shop", "owner", None),
                ("role dev", "shop", "engineer", None)}
    assert access() == expected
    applied = shop.json("apply")["access"]
    assert {(item["principal"], item["object"], item["gains"], item["loses"]) for item in applied} == expected
    assert access() == set()


def test_gains_and_losses_tell_of_rows_columns_and_masks(shop: Project) -> None:
    def access() -> list[tuple[str, str, str | None, str | None]]:
        return [(item["principal"], item["object"], item["gains"], item["loses"]) for item in planned(shop)["access"]]

    shop.lode("run")
    rule = ("- who: [bo]\n  on: [canonical.order]\n  rows: amount > 0\n  columns: all except [order_no]\n"
            "  mask:\n    amount: bucket 10\n")
    shop.write("zones/shop/access.yml", ACCESS + rule)
    text = "read; rows: amount > 0; columns: all except order_no; amount: bucket 10"
    assert access() == [("bo", "shop.canonical.order", text, None)]
    shop.lode("apply")
    shop.write("zones/shop/access.yml", ACCESS + rule.replace("> 0", "> 1"))
    assert access() == [("bo", "shop.canonical.order", text.replace("> 0", "> 1"), None), ("bo", "shop.canonical.order", None, text)]
    shop.write("zones/shop/access.yml", ACCESS)
    shop.lode("apply")
    shop.write("zones/shop/canonical/order.sql", "-- column amount: tag money\n" + ORDER)
    shop.write("policies.yml", "- tag: money\n  who: everyone except [role dpo]\n  mask: null\n")
    owner = ("owner and engineers of shop except role dpo", "shop.quarantine.rows")
    assert access() == [("everyone except role dpo", "shop.canonical.order", None, "money: null"), (*owner, None, "all of it (tag money)")]
    shop.lode("apply")
    assert access() == []
    (shop.root / "policies.yml").unlink()
    assert access() == [("everyone except role dpo", "shop.canonical.order", "money: null", None), (*owner, "all of it (tag money)", None)]


def test_a_wrong_text_has_no_plan(shop: Project) -> None:
    shop.write("zones/shop/canonical/order.sql", ORDER.replace("amount", "amont"))
    error = shop.error("plan")
    assert (error["exit"], error["code"], error["file"], error["line"]) == (2, "E204", "zones/shop/canonical/order.sql", 1)


def test_what_a_person_reads(shop: Project) -> None:
    shop.drop("shop", "what.csv", "x\n1\n")
    lines = shop.lode("plan").stdout.splitlines()
    assert lines[-1] == "next: lode run"
    assert f"  2 waiting, {len(ORDERS) + len(STOCKED)} bytes; 1 unclaimed: no source takes it" in lines, lines
    assert max(map(len, lines)) < 100 and [line for line in lines if line[0] != " "] == ["text", "files", "steps", "access", "next: lode run"]
    shop.lode("run")
    os.unlink(shop.root / "ingress/shop/what.csv")
    assert shop.lode("plan").stdout.startswith("nothing to do")
