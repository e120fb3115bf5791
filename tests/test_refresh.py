# SPDX-License-Identifier: Apache-2.0
"""`lode serve` takes what arrives: when, only once, and what becomes of it when something fails."""

import os
import re
import subprocess
import time
from pathlib import Path
from typing import Callable

import pytest
from conftest import Project, make_project
from server import Server, add_user, serving
from test_http import apply, archive, make_tokens, parse_metrics, request, text_of


def two_zones(folder: Path, shop: str = "", till: str = "refresh: manual\n") -> Project:
    """Zones shop and till, each with a source and a model, applied and run once; nothing is in their ingress."""
    project = make_project(folder)
    for zone, more in (("shop", shop), ("till", till)):
        project.write(f"zones/{zone}/zone.yml", f"owner: ann\n{more}")
        project.write(f"zones/{zone}/sources/orders.yml", "from: ingress/orders*.csv\nformat: csv\ncolumns:\n  id: int\n  amount: int\n")
        project.write(f"zones/{zone}/canonical/total.sql", "select count(*) as n, sum(amount) as amount from staging.orders\n")
        (project.root / "ingress" / zone).mkdir(parents=True, exist_ok=True)
    project.lode("run")
    return project


def count(project: Project, zone: str = "shop") -> int:
    return project.query(f"select coalesce(max(n), 0) as n from {zone}.canonical.total")[0]["n"]


def wait_for(condition: Callable[[], bool], seconds: float = 40) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it does not come true"
        time.sleep(0.2)


def counters(server: Server) -> dict[str, float]:
    return parse_metrics(request(server, "GET", "/metrics")[2].decode())


def test_what_arrives_is_taken_and_what_depends_on_it_built(tmp_path: Path) -> None:
    project = two_zones(tmp_path)
    project.drop("shop", "orders_0.csv", "id,amount\n0,10\n")  # while no server runs
    with serving(project, refresh=True) as server:
        wait_for(lambda: count(project) == 1)
        project.drop("till", "orders_1.csv", "id,amount\n1,10\n")
        for i in range(1, 4):
            project.drop("shop", f"orders_{i}.csv", f"id,amount\n{i},10\n")
        with open(project.root / "ingress/shop/orders_slow.csv", "w", encoding="utf-8") as slow:  # a sender that takes its time
            slow.write("id,amount\n9,1\n")
            slow.flush()
            wait_for(lambda: count(project) == 4)
        wait_for(lambda: count(project) == 5)
        assert count(project, "till") == 0, "a zone that is refreshed by hand"
        (project.root / "ingress/shop/deep").mkdir()
        project.drop("shop", "deep/orders_5.csv", "id,amount\n5,1\n")
        project.write("zones/shop/canonical/total.sql", "this text is not applied\n")
        project.drop("shop", "orders_6.csv", "id,amount\n6,1\n")
        wait_for(lambda: count(project) in (6, 7))
        seen = counters(server)
        assert seen['lode_arrivals_total{state="staged"}'] >= 6
        assert seen['lode_refreshes_total{outcome="failed"}'] == 0
        assert time.time() - seen["lode_refresh_last_success_seconds"] < 60
        assert server.stop() == 0


def test_a_zone_is_refreshed_every_so_often(tmp_path: Path) -> None:
    project = two_zones(tmp_path, shop="refresh: every 3s\n", till="refresh: every 1d\n")
    with serving(project, refresh=True):
        project.drop("shop", "orders_1.csv", "id,amount\n1,10\n")
        project.drop("till", "orders_1.csv", "id,amount\n1,10\n")
        wait_for(lambda: count(project) == 1)
        assert count(project, "till") == 0
    project.write("zones/shop/zone.yml", "refresh: sometimes\n")
    error = project.json("check", check=False)["errors"][0]
    assert error["code"] == "E105" and "on arrival" in error["hint"]


def test_two_servers_on_one_store_do_it_once(tmp_path: Path) -> None:
    project = two_zones(tmp_path)
    with serving(project, refresh=True) as one, serving(project, refresh=True) as two:
        for i in range(3):
            project.drop("shop", f"orders_{i}.csv", f"id,amount\n{i},10\n")
            wait_for(lambda expected=i + 1: count(project) == expected)
        time.sleep(2)
        staged = [counters(server)['lode_arrivals_total{state="staged"}'] for server in (one, two)]
        assert sum(staged) == 3, staged
        built = [change for commit in project.json("log") for change in commit["changes"] if change["name"] == "shop.canonical.total"]
        assert len(built) <= 5, "a model was built more often than anything arrived"


@pytest.mark.full
def test_what_is_held_is_told_and_not_tried_for_ever(tmp_path: Path) -> None:
    project = two_zones(tmp_path)
    with serving(project, refresh=True) as server:
        project.drop("shop", "orders_1.csv", "id,amount\n1,10\n")
        wait_for(lambda: count(project) == 1)
        project.drop("shop", "orders_1.csv", "id,amount\n1,99\n")  # the same name with other bytes
        wait_for(lambda: counters(server)['lode_arrivals_total{state="held"}'] >= 1)
        time.sleep(12)  # long enough for whoever would try again
        assert counters(server)['lode_refreshes_total{outcome="partly"}'] <= 3
        assert project.json("status")["held"]


def test_a_run_and_what_it_did_not_take_are_in_the_log(tmp_path: Path) -> None:
    project = two_zones(tmp_path)
    with serving(project, refresh=True) as server:
        project.drop("shop", "orders_1.csv", "id,amount\n1,10\n")
        wait_for(lambda: count(project) == 1)
        project.drop("shop", "orders_1.csv", "id,amount\n1,99\n")  # the same name with other bytes
        wait_for(lambda: counters(server)['lode_refreshes_total{outcome="partly"}'] >= 1)
        project.drop("shop", "orders_2.csv", "id,amount\n1,10\n")
        wait_for(lambda: counters(server)['lode_arrivals_total{state="duplicate"}'] >= 1)
        server.stop()
        assert server.process.stderr
        log = server.process.stderr.read()
    assert re.search(r"run \d+ of shop, published: 1 staged, 0 duplicate, 0 held, 0 failed, 0 errors", log), log
    assert re.search(r"run \d+ of shop, partly: 0 staged, 0 duplicate, 1 held, 0 failed, 1 error$", log, re.M), log
    assert re.search(r"held: shop\.staging\.orders: orders_1\.csv: \S", log), log
    assert re.search(r"duplicate: shop\.staging\.orders: orders_2\.csv", log), log


def test_what_fails_outside_is_tried_again_and_told(tmp_path: Path) -> None:
    project = two_zones(tmp_path)
    with serving(project, refresh=True) as server:
        (project.root / "lode.yml").rename(project.root / "lode.yml.away")
        (project.root / "ingress/shop/.x").write_text("id,amount\n1,10\n")
        (project.root / "ingress/shop/.x").rename(project.root / "ingress/shop/orders_1.csv")
        wait_for(lambda: counters(server)['lode_refreshes_total{outcome="failed"}'] >= 1)
        (project.root / "lode.yml.away").rename(project.root / "lode.yml")
        assert "refresh by the server: 20" in project.lode("status").stdout
        wait_for(lambda: count(project) == 1)
        assert "refresh by the server" not in project.lode("status").stdout


def test_text_applied_over_http_is_built_by_the_next_refresh(tmp_path: Path) -> None:
    project = two_zones(tmp_path)
    add_user(project, "ann")
    tokens = make_tokens(project, "ann")
    with serving(project, refresh=True) as server:
        files = text_of(project, "zones/shop")
        files["zones/shop/analytical/one.sql"] = "select 1 as a\n"
        assert apply(server, tokens["ann"], archive(files))[0] == 200
        wait_for(lambda: "shop.analytical.one" in project.tables())


def test_sigterm_ends_a_run_that_is_on_its_way(tmp_path: Path) -> None:
    project = two_zones(tmp_path)
    project.write("zones/shop/canonical/slow.sql", "select count(*) as n from staging.orders, range(20000000000) t(i) where i % 7 = 3\n")
    project.lode("apply")
    with serving(project, refresh=True) as server:
        project.drop("shop", "orders_1.csv", "id,amount\n1,10\n")
        wait_for(lambda: counters(server)["lode_refresh_running"] == 1)
        time.sleep(1.5)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 15
    left = subprocess.run(["pgrep", "-f", str(project.root)], capture_output=True, text=True).stdout.split()
    assert [pid for pid in left if int(pid) != os.getpid()] == []


def test_a_zone_follows_the_product_that_it_reads_whoever_built_it(tmp_path: Path) -> None:
    """shop is built by hand, till every second, books on arrival: nothing ever arrives for books, and it reads both."""
    project = two_zones(tmp_path, shop="refresh: manual\n", till="refresh: every 1s\n")
    for zone in ("shop", "till"):
        project.write(f"zones/{zone}/egress/total.sql", "select n from canonical.total\n")
        project.write(f"zones/{zone}/access.yml", "rules:\n- who: [zone books]\n  on: [egress.total]\n")
    project.write("zones/books/zone.yml", "owner: ann\n")
    project.write("zones/books/canonical/total.sql", "select s.n + 100 * t.n as n from shop.egress.total s, till.egress.total t\n")
    project.lode("run")
    with serving(project, refresh=True):
        project.drop("till", "orders_1.csv", "id,amount\n1,10\n")
        wait_for(lambda: count(project, "books") == 100)
        project.drop("shop", "orders_1.csv", "id,amount\n1,10\n")
        project.lode("run", "shop")
        wait_for(lambda: count(project, "books") == 101)
        runs = len(project.query("select run from lode.runs"))
        time.sleep(3)
        assert len(project.query("select run from lode.runs")) == runs, "it is built once"


def test_refreshes_that_find_nothing_push_no_run_out_of_the_last(tmp_path: Path) -> None:
    project = two_zones(tmp_path, shop="refresh: every 1s\n")
    with serving(project, refresh=True) as server:
        project.drop("shop", "orders_1.csv", "id,amount\n1,10\n")
        wait_for(lambda: count(project) == 1)
        refreshed = counters(server)['lode_refreshes_total{outcome="ok"}']
        wait_for(lambda: counters(server)['lode_refreshes_total{outcome="ok"}'] >= refreshed + 3)
    runs = project.query("select run, state from lode.runs order by run")
    assert [run["state"] for run in runs] == ["published", "published"], runs
    assert project.json("show", "run")["run"] == runs[-1]["run"]
    assert [project.json("show", "run", str(run["run"]))["run"] for run in runs] == [run["run"] for run in runs]
    assert project.json("run")["run"] > runs[-1]["run"] + 2, "what is not kept has a number all the same"
    assert project.json("show", "run")["state"] == "nothing"
