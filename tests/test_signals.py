# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and SIGTERM: every verb that may take long ends with 130, no worker and no folder of it is left, and the next call
is as if nothing had been."""

import fcntl
import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from conftest import LODE, Project, assert_report

ENDLESS = "select count(*) as n from range(1000000000000) as a where hash(a.range) = 7"


def send_to_lode(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)


def send_to_group(pid: int) -> None:
    """As a terminal does with Ctrl-C."""
    os.killpg(pid, signal.SIGINT)


def send_twice(pid: int) -> None:
    os.killpg(pid, signal.SIGINT)
    time.sleep(0.02)
    os.killpg(pid, signal.SIGINT)


SIGNALS = [send_to_lode, send_to_group, send_twice]


def workers_of(project: Project) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"lode-worker" in line and str(project.root.parent).encode() in line:
                found.append(entry.name)
    return found


def stopped_workers(project: Project) -> list[str]:
    """Whoever waits for them waits for ever from now on, so that the signal comes in the middle of their work."""
    workers = workers_of(project)
    for worker in workers:
        os.kill(int(worker), signal.SIGSTOP)
    return workers


def queue_of(project: Project) -> list[Path]:
    """Change sets that have not ended: what they wrote, and what they want published."""
    queue = project.store / "commit" / "queue"
    return list(queue.iterdir()) if queue.exists() else []


def waits_for(path: Path) -> bool:
    """Whether somebody waits for the lock of that file, as the kernel tells."""
    inode = f":{path.stat().st_ino} "
    return any(" -> " in line and inode in line for line in Path("/proc/locks").read_text().splitlines())


def wait_for(what: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not what() and time.monotonic() < until:
        time.sleep(0.01)
    assert what()


def interrupt(project: Project, arguments: list[str], begun: Callable[[], object], send: Callable[[int], None], read: bool = True,
              waiting: bool = False) -> str:
    """Starts, waits until it works, signals, and gives what it said."""
    with subprocess.Popen([LODE, *arguments], cwd=project.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, start_new_session=True, env={**os.environ, "TMPDIR": str(project.root.parent)}) as process:
        try:
            wait_for(begun)
            time.sleep(0.2)
            assert process.poll() is None, process.communicate()
            send(process.pid)
            if read:
                _, said = process.communicate(timeout=30)
            else:
                process.wait(timeout=30)
                said = process.stderr.read() if process.stderr else ""
        finally:
            process.kill()
    assert process.returncode == 130, (process.returncode, said)
    assert "E130" in said
    assert workers_of(project) == []
    run = project.store / "run"
    assert not run.exists() or list(run.iterdir()) == []
    assert waiting or queue_of(project) == [], "a change set was left to whoever comes next"
    return said


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("zones/shop/zone.yml", "owner: ann\n")
    project.write("zones/shop/sources/orders.yml", "from: ingress/orders_*.csv\ncolumns:\n  n: int\n")
    project.write("zones/shop/canonical/order.sql", "select n from staging.orders\n")
    project.drop("shop", "orders_1.csv", "n\n1\n2\n")
    project.lode("run")
    return project


@pytest.mark.parametrize("send", SIGNALS)
def test_a_run_in_a_model(shop: Project, send: Callable[[int], None]) -> None:
    shop.write("zones/shop/canonical/endless.sql", ENDLESS + "\n")
    said = interrupt(shop, ["run", "-o", "json"], lambda: workers_of(shop), send)
    assert json.loads(said.splitlines()[-1])["error"]["code"] == "E130"
    (shop.root / "zones/shop/canonical/endless.sql").unlink()
    shop.lode("run")
    assert shop.query("select n from shop.canonical.order order by n") == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize("verb", ["run", "apply", "tidy"])
def test_a_wait_for_whoever_publishes(shop: Project, verb: str) -> None:
    """Who holds the lock may be stopped for ever. What was handed in by then is published by whoever comes next, once."""
    shop.write("zones/shop/canonical/order.sql", "select n, 1 as one from staging.orders\n")
    shop.drop("shop", "orders_2.csv", "n\n3\n")
    with (shop.store / "commit/lock").open("r+") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        interrupt(shop, [verb], lambda: waits_for(shop.store / "commit/lock"), send_to_group, waiting=True)
    shop.lode("run")
    assert shop.query("select n, one from shop.canonical.order order by n") == [{"n": n, "one": 1} for n in (1, 2, 3)]
    assert queue_of(shop) == []
    shop.lode("verify")


@pytest.mark.parametrize("verb", [["query", "select 1"], ["run"], ["check", "--data"]])
def test_a_wait_for_whoever_writes_the_audit_log(shop: Project, verb: list[str]) -> None:
    (today,) = (shop.store / "audit").glob("*.jsonl")
    with today.open("r+") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        interrupt(shop, verb, lambda: waits_for(today), send_to_group)
    shop.lode(*verb)


@pytest.mark.parametrize("verb", [["log"], ["query", "select 1"], ["run"], ["apply"], ["plan"], ["status"], ["verify"], ["tidy"],
                                  ["backup", "../backup"], ["show", "table"], ["user"], ["branch"]], ids=lambda verb: verb[0])
def test_a_wait_for_whoever_holds_the_catalog(shop: Project, verb: list[str]) -> None:
    shop.write("zones/shop/canonical/order.sql", "select n, 1 as one from staging.orders\n")
    connection = sqlite3.connect(shop.store / "catalog.sqlite", isolation_level=None)
    connection.execute("begin exclusive")
    try:
        interrupt(shop, verb, lambda: time.sleep(0.5) or True, send_to_group)
    finally:
        connection.close()
    shop.lode(*verb)


def test_a_query(shop: Project) -> None:
    interrupt(shop, ["query", ENDLESS], lambda: workers_of(shop), send_to_group)


@pytest.mark.parametrize("format_", ["text", "csv"])
def test_an_answer_that_nobody_reads(shop: Project, format_: str) -> None:
    interrupt(shop, ["query", "-o", format_, "select * from range(100000000)"], lambda: workers_of(shop), send_to_group, read=False)


def test_landing_and_staging(shop: Project) -> None:
    """A file is copied, hashed and read: each of them ends at once, and the next run takes the whole of it."""
    assert shop.json("show", "run")["run"] == 1
    lines = "".join(f"{number}\n" for number in range(100_000))
    shop.drop("shop", "orders_2.csv", "n\n" + lines * 60)
    arriving = shop.store / "landing"
    before = set(arriving.rglob("*"))
    interrupt(shop, ["run", "-q"], lambda: set(arriving.rglob("*")) - before or workers_of(shop), send_to_group)
    shop.lode("run")
    assert shop.query("select count(*) as n from shop.canonical.order") == [{"n": 2 + 60 * 100_000}]
    deliveries = shop.json("show", "delivery")
    assert len(deliveries) == 2 and {delivery["state"] for delivery in deliveries} == {"staged"}


@pytest.mark.parametrize("verb", ["check", "plan"])
def test_looking_at_much_text(shop: Project, verb: str) -> None:
    wide = ", ".join(f"n + {number} as n{number}" for number in range(60))  # a quick machine checks a thousand short ones in no time
    for number in range(4000):
        shop.write(f"zones/shop/canonical/m{number}.sql", f"select {wide} from staging.orders\n")
    interrupt(shop, [verb], lambda: stopped_workers(shop), send_to_lode)


def test_what_an_interrupted_run_took_is_in_its_report(shop: Project) -> None:
    for number in range(2, 5):
        shop.drop("shop", f"orders_{number}.csv", f"n\n{number}\n" + "".join(f"{row}\n" for row in range(400_000)))
    said = interrupt(shop, ["run"], lambda: len(list(shop.store.glob("landing/shop/orders/*/*"))) == 4 and stopped_workers(shop), send_to_group)
    assert "orders_2.csv" in said or "orders_4.csv" in said
    report = shop.json("show", "run", "2")
    assert_report(report)
    assert report["files"]["seen"] == 3 and report["files"]["held"] >= 1
    assert [error["code"] for error in report["errors"]] == ["E130"]
    assert shop.json("show", "run")["run"] == 1, "what the last run that came to its end found still holds"
    report = shop.json("run")
    assert report["files"]["seen"] == 0 and {delivery["state"] for delivery in report["deliveries"]} == {"staged"}
    assert shop.query("select count(*) as n from shop.canonical.order") == [{"n": 2 + 3 * 400_001}]


def test_an_apply(shop: Project) -> None:
    shop.write("zones/shop/canonical/order.sql", "select n + 1 as n from staging.orders\n")
    before = shop.json("log")
    interrupt(shop, ["apply"], lambda: stopped_workers(shop), send_to_lode)
    assert shop.json("log") == before
    shop.lode("apply")


def test_a_trace(shop: Project) -> None:
    shop.drop("shop", "orders_2.csv", "n\n" + "".join(f"{number}\n" for number in range(300_000)))
    shop.lode("run")
    slow = "list_sum(list_transform(range(n % 2000), x -> hash(x + n) % 7)) = 1"
    interrupt(shop, ["trace", "shop.canonical.order", "--where", slow], lambda: workers_of(shop), send_to_group)


def test_a_diff(shop: Project) -> None:
    question = ["diff", "--raw", "shop.staging.orders"]
    said = shop.lode(*question).stdout
    interrupt(shop, question, lambda: stopped_workers(shop), send_to_group)
    assert shop.lode(*question).stdout == said


def test_a_fix(shop: Project) -> None:
    """The record is fixed by then, and what is built on it is not."""
    shop.drop("shop", "orders_2.csv", "n\n3\nfour\n")
    shop.lode("run")
    shop.write("zones/shop/canonical/endless.sql", f"{ENDLESS} and a.range > (select max(n) from staging.orders)\n")
    shop.lode("apply")
    before = len(shop.json("log"))
    interrupt(shop, ["fix", "shop.orders", "--file", "orders_2.csv", "--line", "3", "--set", "n=4"],
              lambda: len(shop.json("log")) >= before + 2, send_to_group)
    (shop.root / "zones/shop/canonical/endless.sql").unlink()
    shop.lode("run")
    assert shop.query("select n from shop.canonical.order order by n") == [{"n": n} for n in (1, 2, 3, 4)]


def test_a_tidy(shop: Project) -> None:
    for number in range(2, 12):
        shop.drop("shop", f"orders_{number}.csv", "n\n" + "".join(f"{number}{row:05}\n" for row in range(20_000)))
    shop.lode("run")
    before = shop.csv("select * from shop.staging.orders order by n")
    files = set(shop.store.glob("tables/*/*/*"))
    interrupt(shop, ["tidy"], lambda: queue_of(shop) and stopped_workers(shop), send_to_group)
    assert set(shop.store.glob("tables/*/*/*")) == files
    assert shop.json("tidy")["compacted"][0]["files_after"] == 1
    assert shop.csv("select * from shop.staging.orders order by n") == before
    shop.lode("verify")


@contextmanager
def endless(folder: Path) -> Iterator[None]:
    """What landed there has a long hole at its end meanwhile: who copies it has enough to do."""
    (path,) = (path for path in folder.rglob("landing/shop/orders/*/*"))
    was = path.stat()
    path.chmod(0o600)  # nobody may write to what has landed
    os.truncate(path, 1 << 32)
    try:
        yield
    finally:
        os.truncate(path, was.st_size)
        path.chmod(was.st_mode)


def is_written(folder: Path) -> bool:
    """More than the small files that there are."""
    sizes = []
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            sizes.append(path.stat().st_size)
    return max(sizes, default=0) > 4 << 20


def test_a_backup(shop: Project, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    with endless(shop.store):
        interrupt(shop, ["backup", str(backup)], lambda: is_written(backup), send_to_group)
    shop.lode("verify")
    shop.lode("backup", backup)
    assert not is_written(backup)
    shop.lode("verify", "--backup", backup)


def test_a_restore(shop: Project, tmp_path: Path) -> None:
    backup, restored = tmp_path / "backup", tmp_path / "restored"
    shop.lode("backup", backup)
    with endless(backup):
        interrupt(shop, ["restore", str(backup), str(restored)], lambda: is_written(tmp_path / "restored.restoring"), send_to_group)
    assert not restored.exists()
    shop.lode("restore", backup, restored)
    assert not is_written(restored)


def test_add(project: Project) -> None:
    """Files are looked at one after the other; nothing is written by halves."""
    for number in range(400):
        project.write(f"files/f{number}.csv", f"a{number},b{number}\n" + "1,2\n" * 2000)
    interrupt(project, ["add", "shop", "files/*.csv"], lambda: workers_of(project), send_to_group)
    assert not (project.root / "zones/shop").exists() or project.lode("check")


def test_a_sender_who_breaks_a_lease_ends_nothing(project: Project) -> None:
    """The kernel's word for it is SIGIO, and its default is death."""
    project.lode("run")
    with subprocess.Popen([LODE, "query", ENDLESS], cwd=project.root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, start_new_session=True) as process:
        wait_for(lambda: workers_of(project))
        process.send_signal(signal.SIGIO)
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 130
