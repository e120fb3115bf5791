# SPDX-License-Identifier: Apache-2.0
"""Readers that are not ours read every table after every kind of fault: PyIceberg, and DuckDB's own Iceberg extension.
They must agree, row by row, before the next run has made anything good and after it; and then have what no fault would
have left. Every table: staged by each kind of load, of each branch, quarantine, models, and the logs of merges and histories."""

import errno
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from conftest import LODE, Project
from duckdb_reader import duckdb_rows, environment
from judge import iceberg_rows
from powercut import NOTHING, by_luck
from preload import LIBRARY, NEVER, SYNCS, Action, Trouble, troubled
from small import Small, make_small, orders, sorted_rows
from test_backup import on_store
from test_concurrency import stop
from test_disk import TROUBLES
from test_faults import DAY, kill_workers
from test_kill import run_and_kill
from test_powercut import LOG_BYTES, log_run
from test_verify import files_of

pytestmark = [pytest.mark.full, pytest.mark.timeout(900),
              pytest.mark.skipif(not LIBRARY.exists(), reason=f"{LIBRARY} is not built (a sanitizer's build has none)")]

PRICES = """from: ingress/prices*
load: merge
key: item
order_by: day
deleted_when: gone is not null
columns:
  item: text
  day: date
  price: decimal(9,2)
  gone: text
"""
CUSTOMERS = """from: ingress/customers*
load: history
key: customer_no
as_of: name "customers_([0-9-]+)"
columns:
  customer_no: int
  city: text
"""
CUPS = """from: ingress/cups*
format: parquet
columns:
  id: bigint
  name: text
  price: double
"""
KINDS = {"orders": "append", "rates": "replace", "prices": "merge", "customers": "history", "cups": "parquet"}
TABLES = {*(f"{kind} staging.{name}" for kind in ("table", "quarantine") for name in KINDS),
          *(f"table {name}" for name in ("canonical.order", "canonical.cup", "analytical.total", "analytical.rate"))}


@pytest.fixture(scope="session", autouse=True)
def reader() -> None:
    python, why = environment()
    if not python:
        pytest.skip(why)


def drop_cups(project: Project, name: str, first: int) -> None:
    """A Parquet file of the kind whose pages may become the table's as they are."""
    table = pyarrow.table({"id": pyarrow.array(range(first, first + 1000), pyarrow.int64()),
                           "name": [f"cup {number % 70}" for number in range(1000)],
                           "price": [None if number % 9 == 0 else number / 8 for number in range(1000)]})
    path = project.root / name
    pyarrow.parquet.write_table(table, path, compression="snappy", row_group_size=600)
    project.drop("shop", name, path)
    path.unlink()


@pytest.fixture
def small(tmp_path: Path) -> Small:
    """The small project, and in it a source of each kind that stages otherwise, with a second delivery for each."""
    small = make_small(tmp_path)
    project = small.project
    for name, text in (("prices", PRICES), ("customers", CUSTOMERS), ("cups", CUPS)):
        project.write(f"zones/shop/sources/{name}.yml", text)
    project.write("zones/shop/canonical/cup.sql", "select id, name, price from staging.cups where price > 3\n")
    project.drop("shop", "prices_1.csv", "item,day,price,gone\ntea,2026-01-01,1.50,\npot,2026-01-01,9,\ncup,2026-01-01,x,\n")
    project.drop("shop", "customers_2026-01-01.csv", "customer_no,city\n1,Bo\n2,Ann\n3,Rom\n")
    drop_cups(project, "cups_1.parquet", 0)
    project.lode("run", "shop.prices", "shop.customers", "shop.cups", "shop.canonical.cup")
    project.drop("shop", "prices_2.csv", "item,day,price,gone\ntea,2026-02-01,1.75,\npot,2026-02-01,,yes\nmug,2026-02-01,4,\n")
    project.drop("shop", "customers_2026-02-01.csv", "customer_no,city\n1,Bo\n2,Oslo\n4,Ulm\n")
    drop_cups(project, "cups_2.parquet", 5000)
    small.save()
    return small


def locations(store: Path) -> dict[str, str]:
    """Where the metadata lie of every table of every branch, out of a copy of the catalog: an SQLite that is not ours would make it
    good where it lies, and knows nothing of the checksums of its pages."""
    with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(f"{folder}/catalog.sqlite")) as catalog:
        for path in store.glob("catalog.sqlite*"):
            if not path.name.endswith("-shm"):
                shutil.copy(path, folder)
        heads = catalog.execute("select branch.name, object.kind, object.name, body.bytes from head join object using (oid)"
                                " join branch on branch.id = head.branch join body on body.hash = head.body_hash").fetchall()
    return {f"{kind} {name}" if branch == "main" else f"{branch}: {kind} {name}": f"{store}/{body['metadata_location']}"
            for branch, kind, name, text in heads if "metadata_location" in (body := json.loads(text))}


Rows = dict[str, list[str]]


def assert_readers_agree(store: Path) -> Rows:
    """Gives what they read on main, without the numbers of deliveries, which tell of the order in which these came."""
    tables = locations(store)
    assert tables.keys() >= TABLES, TABLES - tables.keys()
    read: Rows = {}
    for (table, location), rows in zip(tables.items(), duckdb_rows(list(tables.values())), strict=True):
        assert sorted_rows(rows) == sorted_rows(iceberg_rows(location).to_pylist()), table
        if ":" not in table:
            read[table] = sorted_rows([{name: value for name, value in row.items() if name != "_file"} for row in rows])
    return read


def undisturbed(small: Small) -> Rows:
    small.project.lode("run")
    read = assert_readers_agree(small.project.store)
    small.restore()
    return read


def assert_made_good(small: Small, wanted: Rows) -> None:
    """Read as the fault left it, and again after the next run."""
    assert_readers_agree(small.project.store)
    small.project.lode("run")
    found = assert_readers_agree(small.project.store)
    assert found == wanted, [table for table in wanted if found.get(table) != wanted[table]]


def test_the_readers_read_what_the_files_say(small: Small) -> None:
    """What the tests below compare with: one fault of a table that both readers share would else go unseen."""
    read = undisturbed(small)
    assert {table: len(read[f"table staging.{table}"]) for table in KINDS} == \
        {"orders": 50, "rates": 3, "prices": 2, "customers": 5, "cups": 2000}
    assert len(read["quarantine staging.orders"]) == 2 and len(read["quarantine staging.prices"]) == 1
    assert sum("'cup 7'" in row for row in read["table canonical.cup"]) == 26
    assert [table for table in read if table.startswith("log")], read.keys()


@pytest.mark.parametrize("name", TROUBLES)
def test_after_trouble_at_a_call(small: Small, name: str) -> None:
    wanted = undisturbed(small)
    calls = troubled(small.project, replace(TROUBLES[name], action=Action.NONE)).calls
    for at in random.Random(name).sample(range(1, calls + 1), 4):
        small.restore()
        troubled(small.project, replace(TROUBLES[name], at=at, until=TROUBLES[name].until or at))
        assert_made_good(small, wanted)


def test_after_a_failed_sync(small: Small) -> None:
    wanted = undisturbed(small)
    failing = Trouble(Action.FAIL, error=errno.EIO, kinds=SYNCS, until=NEVER)
    calls = troubled(small.project, replace(failing, action=Action.NONE)).calls
    for at in random.Random(1).sample(range(1, calls + 1), 5):
        small.restore()
        assert troubled(small.project, replace(failing, at=at)).answer.exit == 3
        assert_made_good(small, wanted)


def test_after_power_cuts(small: Small) -> None:
    wanted = undisturbed(small)
    logged = log_run(small, Trouble(log_bytes=LOG_BYTES))
    for seed in range(8):
        disk = logged.disk()
        for record in logged.records[:random.Random(seed).randint(1, len(logged.records))]:
            disk.follow(record)
        disk.build(logged.small.folder, by_luck(random.Random(seed)) if seed % 2 else NOTHING)
        assert_made_good(small, wanted)


def test_after_kills(small: Small) -> None:
    wanted = undisturbed(small)
    chance = random.Random(5)
    for number in range(10):
        small.restore()
        run_and_kill(small.project, chance.uniform(0.0, 0.4))
        assert_readers_agree(small.project.store)
        if number % 3 == 0:
            assert_made_good(small, wanted)


def test_after_killed_workers(small: Small) -> None:
    """What fell with them is held or not published; both are made good when asked for again."""
    wanted = undisturbed(small)
    for pause in (0.0, 0.1, 0.2):
        small.restore()
        run = subprocess.Popen([LODE, "run", "-q"], cwd=small.project.root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(pause)
        killed = kill_workers(run)
        assert run.wait() in (0, 1, 3) and (killed or pause)
        assert_readers_agree(small.project.store)
        small.project.lode("run", "--replay", check=False)
        assert_made_good(small, wanted)


@pytest.mark.parametrize("shift", [-400 * DAY, -DAY, DAY, 400 * DAY])
def test_after_a_clock_that_jumps(small: Small, shift: int) -> None:
    wanted = undisturbed(small)
    for after in (0, 150, 400):
        small.restore()
        assert troubled(small.project, Trouble(clock_at=after, clock_shift=shift)).answer.exit == 0
        assert_made_good(small, wanted)


@pytest.fixture
def untidy(small: Small) -> Small:
    """With much to merge and old versions to remove, which no reader has looked at for the seconds that they are spared."""
    project = small.project
    for number in range(10):
        project.drop("shop", f"orders_small_{number}.csv", orders(1000 + number * 10, 3))
    project.lode("run")
    project.write("zones/shop/zone.yml", "retain:\n  staging: 0s\n  canonical: 0s\n  analytical: 0s\n")
    project.drop("shop", "rates_3.csv", "currency,rate\nSEK,2\n")
    project.lode("run")
    time.sleep(6.2)
    small.save()
    return small


def test_after_a_killed_tidy(untidy: Small) -> None:
    """The rows are the same all the while."""
    wanted = assert_readers_agree(untidy.project.store)
    killing = Trouble(Action.KILL)
    done = troubled(untidy.project, replace(killing, action=Action.NONE), "tidy")
    assert done.answer.exit == 0 and "2 tables compacted" in done.answer.stdout and "freed" in done.answer.stdout, done.answer
    for at in random.Random(3).sample(range(1, done.calls + 1), 10):
        untidy.restore()
        assert troubled(untidy.project, replace(killing, at=at), "tidy").answer.exit == -9
        assert assert_readers_agree(untidy.project.store) == wanted, f"call {at} of {done.calls}"
        untidy.project.lode("tidy")
        assert assert_readers_agree(untidy.project.store) == wanted, f"after call {at} of {done.calls}"


def test_after_a_writer_that_was_stopped_past_the_sweep(untidy: Small) -> None:
    """A tidy goes over everything meanwhile; it waits where the writer holds the lock of commits."""
    project = untidy.project
    for number in range(4):
        project.drop("shop", f"orders_late_{number}.csv", orders(5000 + number * 10, 3))
    untidy.save()
    wanted = undisturbed(untidy)
    for pause in (0.05, 0.1, 0.2, 0.3, 0.4):
        untidy.restore()
        writer = subprocess.Popen([LODE, "run", "-q"], cwd=project.root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(pause)
        stop(writer, project.store / "catalog.sqlite")
        tidy = subprocess.Popen([LODE, "tidy", "-q"], cwd=project.root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            tidy.wait(timeout=4)
        except subprocess.TimeoutExpired:
            pass
        assert_readers_agree(project.store)
        os.kill(writer.pid, signal.SIGCONT)
        assert (writer.wait(timeout=240), tidy.wait(timeout=240)) == (0, 0)
        assert_made_good(untidy, wanted)


def test_after_a_backup_was_restored(small: Small, tmp_path: Path) -> None:
    """Of a run that died, elsewhere and at home; and after single files were put back."""
    project = small.project
    wanted = undisturbed(small)
    calls = troubled(project, Trouble()).calls
    small.restore()
    troubled(project, Trouble(Action.KILL, at=calls * 2 // 3))
    assert_readers_agree(project.store)
    project.lode("backup", tmp_path / "b")
    before = assert_readers_agree(project.store)  # whoever comes first ends what the dead one had begun
    project.lode("restore", tmp_path / "b", tmp_path / "away" / "s.lode")
    other = on_store(project, tmp_path, tmp_path / "away" / "s.lode")
    assert assert_readers_agree(tmp_path / "away" / "s.lode") == before
    project.store.rename(tmp_path / "old.lode")
    project.lode("restore", tmp_path / "b")
    assert assert_readers_agree(project.store) == before
    for one, store in ((other, tmp_path / "away" / "s.lode"), (project, project.store)):
        one.lode("run")
        assert assert_readers_agree(store) == wanted, store
    project.lode("backup", tmp_path / "b")
    for path in [path for path in files_of(project.store / "tables") if path.suffix in (".parquet", ".avro")][::2]:
        path.write_bytes(path.read_bytes()[1:])
    project.lode("restore", tmp_path / "b", "--damaged")
    assert assert_readers_agree(project.store) == wanted
