# SPDX-License-Identifier: Apache-2.0
"""`lode tidy`: rows are the same afterwards, whoever reads them, whatever goes on beside it and whenever it is killed."""

import random
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import duckdb
import pytest
from conftest import LODE, Project, counts
from judge import arrow_checksum, iceberg_table

SOURCE = "from: ingress/orders_*.csv\nevolve: columns\ncolumns:\n  order_no: int required\n  amount: decimal(12,2)\n"
MODEL = "select order_no, amount * 2 as twice from staging.orders\n"
ALL = "select *, _file, _row from shop.staging.orders order by order_no"


def deliver(project: Project, first: int, count: int, rows: int = 5) -> None:
    """Files of `rows` orders each, the last of which does not fit."""
    for file in range(first, first + count):
        lines = [f"{file * rows + row},{row}.50" for row in range(rows)]
        project.drop("shop", f"orders_{file}.csv", "\n".join(["order_no,amount", *lines, f"x{file},1"]) + "\n")


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("zones/shop/zone.yml", "purpose: tidying\n")
    project.write("zones/shop/sources/orders.yml", SOURCE)
    project.write("zones/shop/canonical/twice.sql", MODEL)
    return project


def retain(project: Project, words: str) -> None:
    project.write("zones/shop/zone.yml", f"retain:\n  staging: {words}\n  canonical: {words}\n")
    project.lode("apply")


def head(project: Project) -> str:
    return project.json("log", "-n", "1")[0]["commit"]


def state(project: Project) -> tuple[str, ...]:
    return (project.csv(ALL), project.csv("select * from shop.canonical.twice order by all"),
            project.csv("select * exclude (_file) from shop.quarantine.orders order by all"))


def files(project: Project) -> set[Path]:
    return {path for path in project.store.rglob("*") if path.is_file() and "audit" not in path.parts
            and not path.name.startswith("catalog.sqlite")}


def check_outsiders(project: Project) -> None:
    """PyIceberg and DuckDB's iceberg-less reading of the same files give what Lode gives, at every snapshot that is named."""
    for name in ("shop.staging.orders", "shop.canonical.twice"):
        location = project.json("show", name)["metadata_location"]
        table = iceberg_table(location)
        rows = table.scan().to_arrow()
        assert rows.num_rows == project.query(f"select count(*) as n from {name}")[0]["n"]
        paths = [task.file.file_path for task in table.scan().plan_files()]
        read = duckdb.read_parquet(paths, union_by_name=True).arrow().read_all() if paths else rows
        assert arrow_checksum(read.select(rows.column_names).cast(rows.schema)) == arrow_checksum(rows)
        for snapshot in table.metadata.snapshots:
            assert table.scan(snapshot_id=snapshot.snapshot_id).to_arrow().num_rows >= 0
    project.lode("verify")


def check_at_rest(project: Project) -> None:
    """Nothing is left to do and nothing lies about."""
    report = project.json("tidy", "--dry-run")
    assert report["removed"] == [] and report["compacted"] == [], report
    assert not list((project.store / "run").iterdir())
    assert not list((project.store / "commit" / "queue").iterdir())


def test_small_files_become_one_and_nothing_else_changes(shop: Project) -> None:
    for batch in range(3):
        deliver(shop, batch * 5, 5)
        shop.lode("run")
    shop.drop("shop", "orders_new.csv", "order_no,amount,note\n900,1,late\n")
    shop.lode("run")
    before, old, lain = state(shop), head(shop), files(shop)
    planned = shop.json("tidy", "--dry-run")
    assert files(shop) == lain and head(shop) == old
    done = shop.json("tidy")
    assert [(table["table"], table["files_before"], table["files_after"]) for table in done["compacted"]] == \
        [(table["table"], table["files_before"], table["files_after"]) for table in planned["compacted"]] == \
        [("shop.staging.orders", 16, 1), ("shop.staging.orders (quarantine)", 15, 1)]
    assert state(shop) == before and shop.json("show", "shop.staging.orders")["files"] == 1
    assert shop.csv(ALL, "--at", old) == before[0]
    assert lain <= files(shop)  # the older commits keep what they had
    check_outsiders(shop)
    messages = [commit["message"] for commit in shop.json("log")]
    assert messages[:2] == ["tidy shop.staging.orders: 15 files into 1", "tidy shop.staging.orders: 16 files into 1"]
    traced = shop.json("trace", "shop.canonical.twice", "--where", "order_no = 7")
    assert "orders_1.csv" in str(traced)
    assert shop.json("run")["state"] == "nothing"  # equal rows: no model is built again
    check_at_rest(shop)


def test_every_type_of_a_staged_column_survives(project: Project) -> None:
    kinds = {"i": "int", "b": "bigint", "f": "double", "d": "decimal(38,9)", "t": "text", "o": "boolean", "y": "date",
             "s": "timestamp", "z": "timestamptz"}
    project.write("zones/shop/sources/all.yml", "from: ingress/all_*.csv\ncolumns:\n"
                  + "".join(f"  {name}: {kind}\n" for name, kind in kinds.items()))
    for file in range(9):
        project.drop("shop", f"all_{file}.csv", ",".join(kinds) + "\n"
                     f"{file},{2**62 + file},{file}.1e{file * 30},{10**28 + file}.123456789,é\U0001f600 '{file}',true,0001-01-0{file + 1},"
                     f"1969-12-31T23:59:59.{file}99999,2024-02-29T0{file}:00:00+05:30\n,,,,\"\",,,,\n")
    project.lode("run")
    question = "select * from shop.staging.all order by all"
    before = project.csv(question)
    rows = arrow_checksum(project.table("shop.staging.all"))
    assert project.json("tidy")["compacted"][0]["files_after"] == 1
    assert project.csv(question) == before and len(before.splitlines()) == 19
    assert arrow_checksum(project.table("shop.staging.all")) == rows
    project.lode("verify")


def test_a_run_merges_very_many_small_files_by_itself(shop: Project) -> None:
    deliver(shop, 0, 70, rows=1)
    shop.lode("run")
    assert shop.json("show", "shop.staging.orders")["files"] == 1
    assert shop.query("select count(*) as n, count(distinct _file) as files from shop.staging.orders") == \
        [{"n": 70, "files": 70}]
    check_outsiders(shop)


def test_old_versions_go_by_the_applied_rule_and_say_so(shop: Project) -> None:
    deliver(shop, 0, 2)
    shop.lode("run")
    early = head(shop)
    shop.lode("branch", "kept", "--at", early)
    deliver(shop, 2, 2)
    shop.lode("run")
    middle = head(shop)
    deliver(shop, 4, 2)
    shop.lode("run")
    retain(shop, "1s")
    shop.write("zones/shop/zone.yml", "retain:\n  staging: forever\n  canonical: forever\n")  # not applied: does not hold
    before, log = state(shop), shop.json("log")
    time.sleep(6.2)  # versions that were replaced a moment ago stay for those who read them
    planned = shop.json("tidy", "--dry-run")
    done = shop.json("tidy")
    assert planned["removed"] == done["removed"] and planned["removed_bytes"] == done["removed_bytes"] > 0
    assert {row["what"] for row in done["removed"]} == \
        {"shop.staging.orders", "shop.staging.orders (quarantine)", "shop.canonical.twice"}
    assert state(shop) == before
    check_outsiders(shop)
    error = shop.error("query", ALL, "--at", middle)
    assert error["code"] == "E111" and "`retain: staging: 1s` of zone shop" in error["message"], error
    assert re.search(r"shop\.staging\.orders as of commit [0-9a-f]{12} \(20\d\d-", error["message"])
    assert shop.csv("select count(*) from shop.staging.orders", "--branch", "kept").split() == ["count_star()", "10"]
    assert shop.csv("select count(*) from shop.staging.orders", "--at", early).split() == ["count_star()", "10"]
    assert shop.json("log")[-len(log):] == log


def test_a_model_that_is_behind_is_built_after_a_tidy(shop: Project) -> None:
    """Old versions of it and of its source go in one commit."""
    retain(shop, "1s")
    for file in range(2):
        deliver(shop, file, 1)
        shop.lode("run")
    deliver(shop, 2, 1)
    shop.lode("run", "shop.orders")
    time.sleep(6.2)
    assert {"shop.staging.orders", "shop.canonical.twice"} <= {row["what"] for row in shop.json("tidy")["removed"]}
    assert shop.query("select count(*) as n from shop.canonical.twice") == [{"n": 10}]
    shop.lode("run")
    assert shop.query("select count(*) as n from shop.canonical.twice") == [{"n": 15}]


def test_a_wrong_rule_is_said_where_it_stands(shop: Project) -> None:
    shop.write("zones/shop/zone.yml", "retain:\n  staging: soon\n")
    error = shop.error("apply")
    assert (error["code"], error["file"], error["line"]) == ("E105", "zones/shop/zone.yml", 2)
    assert "forever" in error["message"]
    shop.write("zones/shop/zone.yml", "retain:\n  stagging: 3d\n")
    assert "`staging`" in shop.error("apply")["hint"]


def test_only_what_was_chosen_is_touched(shop: Project) -> None:
    deliver(shop, 0, 10)
    shop.lode("run")
    assert shop.json("tidy", "shop.canonical.twice")["compacted"] == []
    assert [table["table"] for table in shop.json("tidy", "staging.orders")["compacted"]][0] == "shop.staging.orders"
    assert shop.error("tidy", "nowhere")["code"] == "E108"


def test_it_goes_on_beside_runs_queries_and_itself(shop: Project) -> None:
    """Every answer is a whole number of deliveries, never fewer than before."""
    deliver(shop, 0, 10)
    shop.lode("run")
    retain(shop, "0s")
    stop, faults = threading.Event(), []

    def loop(work) -> None:
        while not stop.is_set():
            try:
                work()
            except BaseException as fault:
                faults.append(fault)
                return

    seen = [0]

    def ask() -> None:
        row = shop.query("select count(*) as n, count(distinct _file) as files, sum(amount) as amount"
                         " from shop.staging.orders")[0]
        assert row["n"] == 5 * row["files"] and float(row["amount"]) == row["files"] * 12.5, row
        assert row["n"] >= seen[0]
        seen[0] = row["n"]

    threads = [threading.Thread(target=loop, args=(work,)) for work in (lambda: shop.lode("tidy"), lambda: shop.lode("tidy"), ask)]
    for thread in threads:
        thread.start()
    for batch in range(6):
        deliver(shop, 10 + batch * 10, 10)
        shop.lode("run")
    stop.set()
    for thread in threads:
        thread.join()
    assert not faults, faults[0]
    shop.lode("tidy")
    assert shop.query("select count(*) as n from shop.staging.orders")[0]["n"] == 350
    check_outsiders(shop)


def start(project: Project, *words: str) -> subprocess.Popen:
    return subprocess.Popen([LODE, *words], cwd=project.root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, start_new_session=True)


@counts("LODE_KILLS", 6, 60)
def test_killed_anywhere_it_loses_nothing(shop: Project, count: int) -> None:
    rolled = random.Random(7)
    retain(shop, "0s")
    for kill in range(count):
        deliver(shop, kill * 10, 10)
        running = start(shop, "run") if kill % 2 else None
        tidying = start(shop, "tidy")
        time.sleep(rolled.uniform(0.01, 0.5))
        tidying.send_signal(signal.SIGKILL)
        if running:
            running.send_signal(signal.SIGKILL)
        for process in (tidying, running):
            if process:
                process.wait()
    shop.lode("run")
    assert shop.query("select count(*) as n, count(distinct order_no) as m from shop.staging.orders") == \
        [{"n": count * 50, "m": count * 50}]
    shop.lode("tidy")
    check_outsiders(shop)


def test_a_writer_that_is_stopped_past_a_tidy_loses_nothing(shop: Project) -> None:
    deliver(shop, 0, 10)
    shop.lode("run")
    retain(shop, "0s")
    for pause in (0.1, 0.2, 0.3):
        deliver(shop, int(pause * 100), 9)
        running = start(shop, "run")
        time.sleep(pause)
        running.send_signal(signal.SIGSTOP)
        tidying = start(shop, "tidy")  # it waits where the stopped one holds the commit lock
        try:
            tidying.wait(timeout=2)
        except subprocess.TimeoutExpired:
            pass
        running.send_signal(signal.SIGCONT)
        assert running.wait(timeout=240) == 0
        assert tidying.wait(timeout=240) == 0
    shop.lode("run")
    assert shop.query("select count(*) as n, count(distinct order_no) as m from shop.staging.orders") == \
        [{"n": 37 * 5, "m": 37 * 5}]
    check_outsiders(shop)
