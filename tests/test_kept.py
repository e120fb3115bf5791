# SPDX-License-Identifier: Apache-2.0
"""Models that a run finished and did not come to publish are used by the next one. Their rows are random here, so that a
table which was built again would show it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet
import pytest
from conftest import LODE, Project

FIRST = "select uuid()::text as id, order_no from staging.orders\n"
SECOND = "select id, uuid()::text as mark from canonical.first\n"
SLOW = "select count(*) as n from range(1000000000000) as a, canonical.second where hash(a.range) = 7\n"
QUICK = "select count(*) as n from canonical.second\n"


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("zones/shop/zone.yml", "owner: ann\n")
    project.write("zones/shop/sources/orders.yml", "from: ingress/orders_*.csv\ncolumns:\n  order_no: int\n")
    project.write("zones/shop/canonical/first.sql", FIRST)
    project.write("zones/shop/canonical/second.sql", SECOND)
    project.drop("shop", "orders_1.csv", "order_no\n1\n2\n3\n")
    return project


def kept(project: Project, table: str) -> list[str]:
    """What is kept of a table, as its file says."""
    folder = project.store / "built" / table
    if not (folder / "kept").exists():
        return []
    return sorted(str(row) for file in folder.glob("*.parquet") for row in pyarrow.parquet.read_table(file)["id"].to_pylist())


def published(project: Project, table: str) -> list[str]:
    return sorted(row["id"] for row in project.query(f"select id from {table}"))


def run_until_kept(project: Project, end: Callable[[int], None]) -> None:
    """A run that is ended while its last model runs, when the two before are finished."""
    with subprocess.Popen([LODE, "run", "-q"], cwd=project.root, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 30
        while not kept(project, "shop.canonical.second") and time.monotonic() < until:
            time.sleep(0.02)
        assert process.poll() is None
        end(process.pid)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_what_a_killed_run_finished_is_not_built_again(shop: Project, number: int) -> None:
    shop.write("zones/shop/analytical/slow.sql", SLOW)
    run_until_kept(shop, lambda pid: os.kill(pid, number))
    assert shop.tables() == ["shop.staging.orders"], "nothing of the zone may be published"
    first, second = kept(shop, "shop.canonical.first"), kept(shop, "shop.canonical.second")
    assert len(first) == 3 and first == second
    shop.write("zones/shop/analytical/slow.sql", QUICK)
    answer = shop.lode("run")
    assert answer.stderr.count("finished by an earlier run") == 2
    assert published(shop, "shop.canonical.first") == first == published(shop, "shop.canonical.second")
    assert sorted(shop.table("shop.canonical.first")["id"].to_pylist()) == first, "as others read it"
    assert not any((shop.store / "built").iterdir()), "published, so kept no longer"
    assert shop.json("run")["state"] == "nothing"


def test_what_a_failed_run_finished_is_not_built_again(shop: Project) -> None:
    shop.write("zones/shop/analytical/slow.sql", "select ('x' || id)::int as n from canonical.second\n")
    assert shop.lode("run", check=False).exit == 1
    first = kept(shop, "shop.canonical.first")
    report = shop.lode("run", "-o", "json", check=False).json
    assert {model["table"]: model["state"] for model in report["models"]} == {
        "shop.canonical.first": "built", "shop.canonical.second": "built", "shop.analytical.slow": "failed"}
    assert kept(shop, "shop.canonical.first") == first != []
    shop.write("zones/shop/analytical/slow.sql", QUICK)
    shop.lode("run")
    assert published(shop, "shop.canonical.first") == first


@pytest.mark.parametrize(("change", "again"), [
    ("data", []), ("text", []), ("above", []), ("none", ["--again"])])
def test_what_no_longer_fits_is_built_again(shop: Project, change: str, again: list[str]) -> None:
    shop.write("zones/shop/analytical/slow.sql", "select ('x' || id)::int as n from canonical.second\n")
    shop.lode("run", check=False)
    first, second = kept(shop, "shop.canonical.first"), kept(shop, "shop.canonical.second")
    shop.write("zones/shop/analytical/slow.sql", QUICK)
    if change == "data":
        shop.drop("shop", "orders_2.csv", "order_no\n4\n")
    if change == "text":
        shop.write("zones/shop/canonical/second.sql", SECOND + "where true")
    if change == "above":
        shop.write("zones/shop/canonical/first.sql", FIRST.replace("order_no from", "order_no + 1 as order_no from"))
    shop.lode("run", *again)
    assert (published(shop, "shop.canonical.first") == first) == (change == "text")
    marks = [row["mark"] for row in shop.query("select mark from shop.canonical.second")]
    assert len(marks) == (4 if change == "data" else 3) and len(second) == 3
    assert published(shop, "shop.canonical.first") == published(shop, "shop.canonical.second"), "of one piece"


def test_nothing_of_it_is_trusted(shop: Project) -> None:
    shop.write("zones/shop/analytical/slow.sql", "select ('x' || id)::int as n from canonical.second\n")
    shop.lode("run", check=False)
    first = kept(shop, "shop.canonical.first")
    for path in Path(shop.store / "built").glob("*/kept"):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    shop.write("zones/shop/analytical/slow.sql", QUICK)
    shop.lode("run")
    assert len(published(shop, "shop.canonical.first")) == 3 and published(shop, "shop.canonical.first") != first
