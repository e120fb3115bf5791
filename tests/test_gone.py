# SPDX-License-Identifier: Apache-2.0
"""Sources, models and zones whose text is gone: their tables go with the next run and nothing is lost; what is no file in
ingress/ is told of; a run that fails says what next; show run has all of a run."""

import os
import socket
from pathlib import Path

import pytest
from conftest import Project

ORDERS = "order_no,amount\nA-1,1.50\nA-2,2.50\nA-3,bad\n"
SOURCE = "from: ingress/orders_*.csv\ncolumns:\n  order_no: text required\n  amount: decimal(12,2)\n"


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("zones/shop/zone.yml", "purpose: orders\n")
    project.write("zones/shop/sources/orders.yml", SOURCE)
    project.write("zones/shop/canonical/order.sql", "select order_no, amount from staging.orders\n")
    project.write("zones/other/zone.yml", "purpose: another\n")
    project.write("zones/other/canonical/one.sql", "select 1 as n\n")
    project.drop("shop", "orders_1.csv", ORDERS)
    project.lode("run")
    return project


def tables(project: Project) -> list[str]:
    return [f"{each['zone']}.{each['stage']}.{each['table']}" for each in project.json("show", "table")]


def count(project: Project, table: str, *options: str) -> int:
    return int(project.json("query", f"select count(*) as n from {table}", *options)[0]["n"])


def head(project: Project) -> str:
    return str(project.json("log")[0]["commit"])


def test_the_tables_of_a_removed_source_go_and_come_back(shop: Project) -> None:
    before, source, model = head(shop), shop.root / "zones/shop/sources/orders.yml", shop.root / "zones/shop/canonical/order.sql"
    shop.lode("branch", "old")
    texts = {path: path.read_text() for path in (source, model)}
    for path in texts:
        path.unlink()
    steps = shop.json("plan")["steps"]
    assert [(each["table"], each["why"], each["rows_to_read"]) for each in steps] == [
        ("shop.canonical.order", "removed", 2), ("shop.staging.orders", "removed", 2)]
    assert all(each["bytes_to_read"] > 0 for each in steps)
    assert "older commits, landed files, quarantine" in shop.lode("plan").stdout
    assert "shop.staging.orders" in tables(shop), "a plan touches nothing"
    told = shop.lode("run").stderr
    assert "dropped    shop.staging.orders" in told and "dropped    shop.canonical.order" in told
    assert tables(shop) == ["other.canonical.one"]
    assert shop.lode("query", "select 1 from shop.staging.orders", check=False).exit == 2
    assert "drop shop.canonical.order and others" in shop.json("log")[0]["message"]
    assert shop.json("run")["state"] == "nothing", "once"

    # nothing is lost: the way it was, on branches too, and after tidy
    shop.lode("tidy")
    assert count(shop, "shop.staging.orders", "--at", before) == 2
    assert count(shop, "shop.canonical.order", "--branch", "old") == 2
    assert shop.lode("verify").exit == 0
    assert [each["state"] for each in shop.json("show", "delivery")] == ["staged"]

    # and back it comes, from what landed
    for path, text in texts.items():
        path.write_text(text)
    shop.lode("run")
    assert count(shop, "shop.staging.orders") == count(shop, "shop.canonical.order") == 2
    assert len(shop.json("show", "delivery")) == 1
    rows = shop.json("show", "quarantine", "shop.orders")
    assert [(row["state"], row["line"]) for row in rows] == [("open", 4)]
    assert shop.lode("verify").exit == 0


def test_a_zone_that_is_gone_leaves_no_tables_and_only_a_whole_run_drops_them(shop: Project) -> None:
    zone, aside = shop.root / "zones/shop", shop.root / "aside"
    zone.rename(aside)
    shop.lode("run", "other")
    assert "shop.staging.orders" in tables(shop), "a run of another zone touches none of this one's"
    assert [each["table"] for each in shop.json("plan")["steps"]] == ["shop.canonical.order", "shop.staging.orders"]
    shop.lode("run")
    assert tables(shop) == ["other.canonical.one"]
    aside.rename(zone)
    shop.lode("run")
    assert count(shop, "shop.canonical.order") == 2


def test_a_zone_whose_model_fails_keeps_the_tables_it_had(shop: Project) -> None:
    (shop.root / "zones/shop/sources/orders.yml").unlink()
    shop.write("zones/shop/canonical/order.sql", "-- check never: n = 2, else stop\nselect 1 as n\n")
    assert shop.lode("run", check=False).exit == 1
    assert "shop.staging.orders" in tables(shop)


def test_what_is_no_file_is_told_of(shop: Project) -> None:
    folder = shop.root / "ingress/shop"
    os.mkfifo(folder / "orders_pipe.csv")
    (folder / "orders_link.csv").symlink_to("/nowhere/at/all")
    (shop.root / "ingress/elsewhere").symlink_to("/etc")
    here = Path.cwd()
    os.chdir(folder)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("orders_socket.csv")
    os.chdir(here)
    for verb in ("status", "run"):
        answer = shop.lode(verb)
        lines = [line for line in (answer.stdout + answer.stderr).splitlines() if line.startswith("unclaimed")]
        found = sorted((line.split()[1].rstrip(":"), "link" if "a link" in line else "special" if "a pipe, a socket" in line else "?") for line in lines)
        assert found == [("ingress/elsewhere", "link"), ("ingress/shop/orders_link.csv", "link"), ("ingress/shop/orders_pipe.csv", "special"),
                         ("ingress/shop/orders_socket.csv", "special")], verb
    assert shop.json("run")["files"]["unclaimed"] == shop.json("status")["files"]["unclaimed"] == 4


def test_status_and_plan_tell_of_the_text_in_the_same_words(shop: Project) -> None:
    shop.write("zones/shop/canonical/new.sql", "select 2 as n\n")
    shop.write("zones/other/canonical/one.sql", "select 3 as n\n")
    (shop.root / "zones/shop/sources/orders.yml").unlink()
    (shop.root / "zones/shop/canonical/order.sql").unlink()
    assert shop.json("status")["edited"] == shop.json("plan")["text"]

    def text(verb: str) -> list[str]:
        return [line.strip() for line in shop.lode(verb).stdout.splitlines() if line.strip()[:2] in ("+ ", "- ", "~ ")]

    assert text("status") == text("plan") == ["~ model    other.canonical.one", "+ model    shop.canonical.new", "- model    shop.canonical.order",
                                              "- source   shop.orders"]


def test_a_run_that_fails_says_what_next_and_show_run_has_all_of_it(shop: Project) -> None:
    assert "next:" not in shop.lode("run").stderr
    shop.drop("shop", "orders_2.csv", "order_no;x\n1;2\n")
    shop.write("zones/other/canonical/one.sql", "-- check never: n = 2, else stop\n-- check seldom: n < 1, else warn\nselect 1 as n\n")
    answer = shop.lode("run", check=False)
    assert answer.exit == 1
    assert answer.stderr.splitlines()[-1].startswith("next: lode show delivery")
    shown = shop.lode("show", "run").stdout
    for words in ("failed in", "on branch main", "1 file seen", "orders_2.csv", "held", "other.canonical.one", "never", "seldom", "warn",
                  "error[E302] zones/other/canonical/one.sql:1:", "the zone keeps the tables it had", "error[E301]", "lode show quarantine other"):
        assert words in shown, shown
    (shop.root / "zones/other/canonical/one.sql").write_text("select 1 as n\n")
    assert "next: lode show delivery" not in shop.lode("run").stderr


@pytest.mark.parametrize("place", ["ingress", "ingress/shop/backup", "zones/backup", "link/backup"])
def test_a_backup_does_not_go_where_files_are_delivered(shop: Project, place: str) -> None:
    (shop.root / "link").symlink_to(shop.root / "ingress")
    answer = shop.lode("backup", place, check=False)
    assert answer.exit == 2
    assert "it lies in the project's" in answer.stderr
    assert not (shop.root / "ingress/backup").exists() and not (shop.root / "zones/backup").exists()


def test_a_pipe_in_place_of_the_audit_log_is_told_and_stops_everything(shop: Project) -> None:
    log = next((shop.store / "audit").glob("*.jsonl"))
    log.rename(shop.root / "log")
    os.mkfifo(log)
    shop.drop("shop", "orders_2.csv", "order_no,amount\nA-9,1\n")
    error = shop.error("run")
    assert error["code"] == "E502" and "is no file" in error["message"]
    log.unlink()
    (shop.root / "log").rename(log)
    shop.lode("run")
    assert count(shop, "shop.staging.orders") == 3
