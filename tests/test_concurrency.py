# SPDX-License-Identifier: Apache-2.0
"""Several processes on one store: what they make together is what one after the other would have made, readers see a zone
whole, nobody fails because another was there, and no older text or data takes the place of a newer."""

import json
import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import LODE, Project, assert_conserved, copy_project, counts, make_project

ORDER = "select order_no, amount from staging.orders\n"
SALES = "select count(*) as orders, coalesce(sum(amount), 0) as total, {} as version from canonical.order\n"
CONSISTENT = ("select (select count(*) from shop.canonical.order) = (select orders from shop.analytical.sales) and"
              " (select coalesce(sum(amount), 0) from shop.canonical.order) = (select total from shop.analytical.sales) as whole")


def write_shop(project: Project) -> None:
    project.write("zones/shop/zone.yml", "owner: ann\n")
    project.write("zones/shop/access.yml", "rules:\n- who: [zone finance]\n  on: [egress.*]\n  can: read\n")
    project.write("zones/shop/sources/orders.yml", "from: ingress/orders_*.csv\ncolumns:\n  order_no: text\n  amount: int\n")
    project.write("zones/shop/sources/stock.yml", "from: ingress/stock_*.csv\nload: replace\ncolumns:\n  item: text\n  pieces: int\n")
    project.write("zones/shop/canonical/order.sql", ORDER)
    project.write("zones/shop/canonical/stock.sql", "select item, pieces from staging.stock\n")
    project.write("zones/shop/analytical/sales.sql", SALES.format(0))
    project.write("zones/shop/egress/sales.sql", "select * from analytical.sales\n")
    project.write("zones/finance/analytical/revenue.sql", "select total from shop.egress.sales\n")


def start(project: Project, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([LODE, *arguments, "-o", "json"], cwd=project.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def finish(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        told, said = process.communicate(timeout=120)
        assert process.returncode == 0, (process.args, said)
        assert_conserved(told)


def rows_of(project: Project) -> dict[str, list[str]]:
    return {table: sorted(map(repr, project.query(f"select * from {table}"))) for table in project.tables()}


@contextmanager
def reader(project: Project) -> Iterator[list[Any]]:
    """Asks all the while whether the zone's tables belong together."""
    seen: list[Any] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            seen.append(project.lode("query", CONSISTENT, "-o", "json", check=False))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def drop_round(project: Project, number: int) -> None:
    project.drop("shop", f"orders_{number}.csv", "order_no,amount\n" + "".join(f"{number}-{i},{i}\n" for i in range(20)))
    project.drop("shop", f"stock_{number}.csv", f"item,pieces\nbolt,{number}\n")


@counts("LODE_ROUNDS", 1, 20)
def test_four_runs_at_once_make_what_one_after_the_other_makes(tmp_path: Path, count: int) -> None:
    model = make_project(tmp_path / "model")
    write_shop(model)
    serial = copy_project(model, tmp_path / "serial")
    project = copy_project(model, tmp_path / "side")
    project.lode("run")
    with reader(project) as seen:
        for number in range(1, count + 1):
            for one in (serial, project):
                drop_round(one, number)
                one.write("zones/shop/analytical/sales.sql", SALES.format(number))
            finish([start(project, "run"), start(project, "run", "shop"), start(project, "run", "+finance.analytical.revenue"),
                    start(project, "run"), start(project, "apply")])
            serial.lode("run")
    assert seen and all(answer.exit == 0 and answer.json == [{"whole": True}] for answer in seen), seen[-1]
    project.lode("run")
    assert rows_of(project) == rows_of(serial)
    assert project.json("run")["state"] == "nothing"
    deliveries = project.json("show", "delivery")
    assert len(deliveries) == 2 * count and {delivery["state"] for delivery in deliveries} == {"staged"}


def test_applies_of_a_text_that_is_being_edited_end_at_the_last_edit(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    write_shop(project)
    project.lode("run")
    processes = []
    for number in range(1, 5):
        project.write("sales.new", SALES.format(number)).rename(project.root / "zones/shop/analytical/sales.sql")
        processes += [start(project, "apply"), start(project, "run", "shop")]
    finish(processes)
    assert project.json("status")["edited"] == [], "what was read first may not be applied last"
    project.lode("run")
    assert project.query("select version from shop.analytical.sales") == [{"version": 4}]


def is_held(catalog: Path) -> bool:
    connection = sqlite3.connect(catalog, timeout=0, isolation_level=None)
    try:
        connection.execute("begin exclusive")  # a reader who stands still keeps writers out as well
        connection.execute("rollback")
        return False
    except sqlite3.OperationalError:
        return True
    finally:
        connection.close()


def stop(process: subprocess.Popen[str], catalog: Path) -> None:
    """Not while it holds the catalog: nobody else would get on."""
    for _ in range(1000):
        os.kill(process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        if not is_held(catalog):
            break
        os.kill(process.pid, signal.SIGCONT)
        time.sleep(0.005)


def wait_until(what: Callable[[], object], process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 60
    while not what() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    assert what() and process.poll() is None


@contextmanager
def run_held_up(project: Project) -> Iterator[subprocess.Popen[str]]:
    """A run that stands still (SIGSTOP) after its first model, in the second one, until the block ends."""
    held = project.store / "built" / "shop.canonical.order" / "kept"
    process = start(project, "run")
    wait_until(held.exists, process)
    stop(process, project.store / "catalog.sqlite")
    try:
        assert process.poll() is None and held.exists()
        yield process
    finally:
        os.kill(process.pid, signal.SIGCONT)


SLOW = "select (select count(*) from range(30000000) as a where hash(a.range) = 7) as n, count(*) as orders from canonical.order\n"


@pytest.fixture
def slow(tmp_path: Path) -> Project:
    """A shop whose next run takes a moment after its first model."""
    project = make_project(tmp_path / "one")
    write_shop(project)
    project.lode("run")
    project.write("zones/shop/analytical/slow.sql", SLOW)
    project.drop("shop", "orders_1.csv", "order_no,amount\nA,1\n")
    return project


def test_a_run_goes_on_with_a_text_that_was_applied_meanwhile(slow: Project) -> None:
    with run_held_up(slow) as process:
        slow.write("zones/shop/analytical/sales.sql", SALES.format(7))
        slow.write("zones/shop/analytical/more.sql", "select 1 as x\n")
        slow.lode("apply")
    report, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert slow.query("select version, orders from shop.analytical.sales") == [{"version": 7, "orders": 1}]
    assert "shop.analytical.more" in slow.tables() and '"state":"published"' in report
    assert slow.json("run")["state"] == "nothing"


def test_a_file_whose_source_goes_away_meanwhile_is_told_of(slow: Project) -> None:
    slow.write("zones/shop/sources/notes.yml", "from: ingress/notes_*.csv\ncolumns:\n  n: int\n")
    slow.drop("shop", "notes_1.csv", "n\n" + "".join(f"{number}\n" for number in range(8_000_000)))
    process = start(slow, "run")
    wait_until(lambda: list(slow.store.glob("landing/shop/notes/*/*")) and not list(slow.root.glob("ingress/**/notes_1.csv")), process)
    stop(process, slow.store / "catalog.sqlite")
    (slow.root / "zones/shop/sources/notes.yml").unlink()
    slow.lode("apply")
    os.kill(process.pid, signal.SIGCONT)
    said, _ = process.communicate(timeout=120)
    assert_conserved(said)
    (note,) = (delivery for delivery in json.loads(said)["deliveries"] if delivery["name"] == "notes_1.csv")
    assert note["state"] == "held" and "a text without its source" in note["message"]
    slow.write("zones/shop/sources/notes.yml", "from: ingress/notes_*.csv\ncolumns:\n  n: int\n")
    slow.lode("run")
    assert slow.query("select count(*) as n from shop.staging.notes") == [{"n": 8_000_000}]


def test_an_older_text_does_not_undo_a_newer_one(slow: Project, tmp_path: Path) -> None:
    slow.write("lode.yml", f"project: project\nstore: {slow.store}\n")
    other = copy_project(slow, tmp_path / "two")
    with run_held_up(slow) as process:
        (other.root / "zones/shop/analytical/slow.sql").unlink()
        other.write("zones/shop/analytical/sales.sql", SALES.format(9))
        other.write("zones/shop/analytical/more.sql", "select 1 as x\n")
        other.lode("run")
    _, said = process.communicate(timeout=120)
    assert process.returncode == 3 and '"E501"' in said and "another text" in said
    assert slow.query("select version, orders from shop.analytical.sales") == [{"version": 9, "orders": 1}]
    tables = slow.tables()
    assert "shop.analytical.more" in tables and "shop.analytical.slow" not in tables
    again = other.lode("run", "-o", "json", "-v")
    assert again.json["state"] == "nothing", "\n".join(str((c["message"], c["changes"])) for c in other.json("log")[:4])


def test_what_was_built_of_older_rows_does_not_undo_newer_ones(slow: Project) -> None:
    with run_held_up(slow) as process:
        slow.drop("shop", "orders_2.csv", "order_no,amount\nB,2\n")
        slow.lode("run", "shop.orders", "shop.canonical.order", "shop.analytical.sales")
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert slow.query("select orders, total from shop.analytical.sales") == [{"orders": 2, "total": 3}]
    assert slow.query("select orders from shop.analytical.slow") == [{"orders": 2}]
    assert slow.json("run")["state"] == "nothing"


def test_runs_have_numbers_of_their_own(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    write_shop(project)
    project.write("zones/shop/analytical/broken.sql", "select order_no::int as n from canonical.order\n")
    project.drop("shop", "orders_1.csv", "order_no,amount\nA,1\n")
    project.lode("run", check=False)
    processes = [start(project, "run") for _ in range(3)]
    numbers = set()
    for process in processes:
        said, problem = process.communicate(timeout=120)
        assert process.returncode == 1, problem
        numbers.add(Project(project.root).json("show", "run")["run"] if not said else said.split('"run":')[1].split(",")[0])
    assert len(numbers) == 3
    for number in numbers:
        assert project.query("select count(*) as n from shop.canonical.order", "--branch", f"run/{number}") == [{"n": 1}]
