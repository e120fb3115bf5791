# SPDX-License-Identifier: Apache-2.0
"""Faults of the world: each is one clear error, leaves nothing half-done, and is over when the fault is gone."""

import contextlib
import errno
import gzip
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from catalog_pages import sign_pages
from conftest import LODE, Answer, Project, assert_conserved, counts, make_project
from preload import CHANGES, LIBRARY, NEVER, Action, Kind, Trouble, still_alive, troubled
from small import Small, assert_counts, make_small, orders, state_of

needs_library = pytest.mark.skipif(not LIBRARY.exists(), reason=f"{LIBRARY} is not built")


def rarely(*values: Any) -> list[Any]:
    """More of the same, for the full suite."""
    return [pytest.param(value, marks=pytest.mark.full) for value in values]


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return make_small(tmp_path)


def limited(project: Project, which: int, most: int, *arguments: str) -> Answer:
    """lode under one of the kernel's limits."""
    done = subprocess.run([LODE, *arguments], cwd=project.root, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, preexec_fn=lambda: resource.setrlimit(which, (most, most)))
    assert_conserved(done.stdout)
    return Answer(done.returncode, done.stdout, done.stderr)


def assert_refused(answer: Answer, code: str, *words: str) -> None:
    assert answer.exit == 3, f"exit {answer.exit}: {answer.stderr}{answer.stdout}"
    assert answer.stderr.count(f"error[{code}]") == 1, answer.stderr
    assert "panic" not in answer.stderr
    for word in words:
        assert word in answer.stderr, answer.stderr


def expected_state(small: Small) -> dict:
    small.project.lode("run")
    state = state_of(small.project)
    small.restore()
    return state


def assert_good_again(small: Small, state: dict) -> None:
    small.project.lode("run")
    assert state_of(small.project) == state


# ---- no room ----


@pytest.mark.parametrize("most", [3000, 20_000, *rarely(1000, 200_000)])
def test_files_that_may_not_grow(small: Small, most: int) -> None:
    state = expected_state(small)
    answer = limited(small.project, resource.RLIMIT_FSIZE, most, "run")
    assert answer.exit in (0, 3), f"exit {answer.exit}: {answer.stderr}"
    if answer.exit:
        assert_refused(answer, "E502" if "catalog" in answer.stderr else "E503")
    assert_good_again(small, state)


def test_what_landed_and_could_not_be_staged_is_counted(project: Project, tmp_path: Path) -> None:
    """There is room for the file, and none for the table."""
    project.write("zones/shop/sources/notes.yml", "from: ingress/notes_*\ncolumns:\n  id: int\n  note: text\n")
    project.lode("run")
    project.drop("shop", "notes_1.csv", "id,note\n" + "".join(f"{i},{random.Random(i).randbytes(24).hex()}\n" for i in range(2000)))
    worker = tmp_path / "worker"
    worker.write_text(f"#!/bin/bash\nulimit -f 8\nexec {LODE.parent}/lode-worker \"$@\"\n")
    worker.chmod(0o755)
    answer = project.lode("run", "-q", check=False, env={"LODE_WORKER": str(worker)})
    assert_refused(answer, "E503", "make room and run it again")
    said = project.lode("status").stdout
    assert "landed      1, taken and not staged yet" in said and "0 deliveries staged" in said and "next        lode run" in said, said
    project.lode("run")
    assert "taken and not staged" not in project.lode("status").stdout
    assert project.query("select count(*) as n from shop.staging.notes") == [{"n": 2000}]


def in_small_disk(tmp_path: Path, megabytes: int, script: str) -> subprocess.CompletedProcess[str]:
    """A shell in a project whose store lies on a file system of its own, which goes with the shell."""
    project = tmp_path / "project"
    disk = tmp_path / "disk"
    disk.mkdir()
    begin = f"mount -t tmpfs -o size={megabytes}m tmpfs {disk} || exit 99; cd {project}; lode() {{ {LODE} \"$@\"; }}\n"
    return subprocess.run(["unshare", *([] if os.geteuid() == 0 else ["-r"]), "-m", "bash", "-c", begin + script],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100)


def may_mount() -> bool:
    """Whether a process may have a mount of its own here; in a container or a changed root it may not."""
    words = ["unshare", *([] if os.geteuid() == 0 else ["-r"]), "-m", "true"]
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not may_mount(), reason="no mount of one's own may be made here, so there is no small disk")
def test_a_full_disk_takes_nothing_and_serves_on(tmp_path: Path, project: Project) -> None:
    project.lode("add", "shop")
    project.write("lode.yml", f"project: full\nstore: {tmp_path}/disk/store\n")
    project.write("zones/shop/sources/orders.yml",
                  "from: ingress/orders_*\ncolumns:\n  id: int\n  amount: decimal(9,2)\n  note: text\n")
    project.drop("shop", "orders_1.csv", orders(1, 20))
    project.write("big", orders(1000, 400_000))
    done = in_small_disk(tmp_path, 9, """
        ask() { lode query 'select count(*) as n from shop.staging.orders' -o csv | tail -1; }
        lode run -q && ask
        mv big ingress/shop/orders_2.csv
        lode run -q 2>&1; echo "big: $?"; ask; ls ingress/shop
        mv ingress/shop/orders_2.csv big
        head -c 100m /dev/zero > ../disk/filler 2>/dev/null
        printf 'id,amount,note\\n900,1,x\\n' > ingress/shop/orders_3.csv
        lode run -q 2>&1; echo "filled: $?"
        rm ../disk/filler; lode run -q; echo "freed: $?"; ask
    """)
    if done.returncode == 99:
        pytest.skip("no file system can be mounted here: neither root nor user namespaces")
    said = done.stdout
    assert said.startswith("20\n") or "\n20\n" in said, said + done.stderr
    assert "error[E503]" in said and "reserve" in said and "big: 3" in said and "make room" in said, said + done.stderr
    assert "orders_2.csv" in said
    assert "filled: 3" in said and "freed: 0\n21" in said, said + done.stderr


def test_few_descriptors_take_many_files(small: Small) -> None:
    """More than may be open at once: they land in smaller batches. What reads them all together says what it lacks."""
    for number in range(150):
        small.project.drop("shop", f"orders_many_{number}.csv", orders(1000 + number * 10, 3))
    answer = limited(small.project, resource.RLIMIT_NOFILE, 64, "run", "-q")
    if answer.exit:
        assert_refused(answer, "E502", "Too many open files")
    assert not [path for path in (small.project.root / "ingress").rglob("*") if path.is_file()]
    small.project.lode("run")
    state = state_of(small.project)
    assert_counts(state)
    assert len(state["shop.canonical.order"]) == 50 + 450


@needs_library
@pytest.mark.parametrize("error", [errno.EROFS, errno.EDQUOT, *rarely(errno.EIO, errno.EACCES)])
def test_a_store_that_cannot_be_written(small: Small, error: int) -> None:
    state = expected_state(small)
    before = state_of(small.project)
    for verb in (("run",), ("apply",), ("query", "select count(*) from shop.staging.orders")):
        outcome = troubled(small.project, Trouble(Action.FAIL, at=1, until=NEVER, error=error, kinds=CHANGES), *verb)
        assert_refused(outcome.answer, "E503" if error == errno.EDQUOT else "E502")
    assert state_of(small.project) == before
    assert_good_again(small, state)


# ---- memory ----


@needs_library
def test_a_file_that_cannot_be_removed_is_said_and_taken_once(small: Small) -> None:
    """A sender's folder that Lode may only read: the operator hears of it with every run until it is mended."""
    state = expected_state(small)
    refused = Trouble(Action.FAIL, error=errno.EROFS, kinds=frozenset({Kind.UNLINK}), at=1, until=NEVER)
    for said in ("3 files seen = 2 staged + 1 duplicate", "3 files seen = 0 staged + 3 duplicate"):
        answer = troubled(small.project, refused, "run").answer
        assert (answer.exit, answer.stderr.count("removing it failed")) == (1, 3), answer.stderr
        assert said in answer.stdout, answer.stdout
    assert_good_again(small, state)



@pytest.mark.parametrize("megabytes", [12, 600, *rarely(20, 40, 80, 200, 450, 500, 550, 650, 700)])
def test_little_memory(small: Small, megabytes: int) -> None:
    """Of address space, for lode and its workers, of which none starts with less than some 400 MB."""
    state = expected_state(small)
    answer = limited(small.project, resource.RLIMIT_AS, megabytes << 20, "run")
    enough = megabytes >= 400 and answer.exit == 0  # as the machine has it
    assert enough or answer.exit in (1, 2, 3, 127), f"exit {answer.exit}: {answer.stderr}"
    assert "panic" not in answer.stderr and answer.stderr.strip(), answer.stderr
    assert_good_again(small, state)


# ---- files that are not what they seem ----


def held(project: Project) -> list[dict]:
    return [row for row in project.json("show", "delivery") if row["state"] == "held"]


def rules(project: Project) -> list[str]:
    return [row["rule"] for row in project.json("show", "quarantine", "--rows")]


def test_a_gzip_file_that_is_cut(small: Small) -> None:
    whole = gzip.compress(orders(5000, 20_000).encode())
    state = expected_state(small)
    for name, content in (("cut", whole[:len(whole) // 2]), ("no_end", whole[:-4]), ("head", whole[:5]), ("not", b"\x1f\x8bno")):
        small.project.drop("shop", f"orders_{name}.csv.gz", content)
    answer = small.project.lode("run", check=False)
    assert answer.exit == 1, answer.stderr
    assert sorted(row["name"] for row in held(small.project)) == [
        "orders_cut.csv.gz", "orders_head.csv.gz", "orders_no_end.csv.gz", "orders_not.csv.gz"]
    assert all("gzip" in row["message"] for row in held(small.project)), held(small.project)
    found = state_of(small.project)
    assert found["shop.staging.orders"] == state["shop.staging.orders"], "nothing of a held delivery is in the table"


@pytest.mark.parametrize(("content", "good", "bad"), [
    (b"id,amount,note\n1001,1,\xff\xfe\xe9\n1002,2,fine\n", 1, 1),
    (b"id,amount,note\n1001,1,a\x00b\n1002,2,fine\n", 1, 1),
    (b"id,amount,note\n1001,1,\xed\xa0\x80\n1002,2,fine\n", 1, 1),
    (b"id,amount,note\n\x00\x00\x00\n1002,2,fine\n", 1, 1),
])
def test_bytes_that_are_no_text(project: Project, content: bytes, good: int, bad: int) -> None:
    project.lode("add", "shop")
    project.write("zones/shop/sources/orders.yml", "from: ingress/orders_*\ncolumns:\n  id: int\n  amount: int\n  note: text\n")
    project.drop("shop", "orders_1.csv", content)
    project.lode("run")
    (delivery,) = project.json("show", "delivery")
    assert (delivery["accepted"], delivery["quarantined"]) == (good, bad)
    assert len(rules(project)) == bad


@counts("LODE_LINE_MEGABYTES", 40, 2048, seconds=900)
def test_a_line_without_end(tmp_path: Path, project: Project, count: int) -> None:
    """One field of so many megabytes costs a line in quarantine and no memory to speak of."""
    project.lode("add", "shop")
    project.write("zones/shop/sources/orders.yml", "from: ingress/orders_*\ncolumns:\n  id: int\n  note: text\n")
    path = project.root / "ingress" / "shop" / "orders_1.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(b"id,note\n1,before\n2,")
        for _ in range(count):
            file.write(b"x" * (1 << 20))
        file.write(b"\n3,after\n")
    answer, memory = project.measured("run")
    assert answer.exit == 0, answer.stderr
    (delivery,) = project.json("show", "delivery")
    assert (delivery["accepted"], delivery["quarantined"]) == (2, 1)
    (kept,) = project.json("show", "quarantine", "--rows")
    assert (kept["rule"], kept["line"], kept["column"]) == ("record_too_long", 3, None)
    assert 0 < memory.worker < 600, memory


def test_a_file_that_is_gone_or_grows_while_it_is_landed(small: Small) -> None:
    """A sender who appends, takes away and puts back while runs go on; every record arrives in the end, or is said to be
    held, and none arrives twice."""
    stop = threading.Event()
    folder = small.project.root / "ingress" / "shop"
    chance = random.Random(3)

    def disturb() -> None:
        while not stop.is_set():
            for path in sorted(folder.glob("orders_grow_*")):
                with contextlib.suppress(FileNotFoundError):
                    if chance.random() < 0.5:
                        with path.open("a") as file:
                            file.write("1,1,more\n")
                    else:
                        away = folder / f".{path.name}"
                        path.rename(away)
                        away.rename(path)
            time.sleep(0.0005)

    for number in range(6):
        small.project.drop("shop", f"orders_grow_{number}.csv", orders(10_000 + number * 3000, 500))
    thread = threading.Thread(target=disturb)
    thread.start()
    for _ in range(3):
        assert small.project.lode("run", check=False).exit in (0, 1)
    stop.set()
    thread.join()
    assert small.project.lode("run", check=False).exit in (0, 1)
    assert not list(folder.glob("orders_grow_*"))
    state = state_of(small.project)
    assert_counts(state)
    kept = b"".join(path.read_bytes() for path in small.project.store.glob("landing/shop/orders/*/*"))
    for number in range(6):
        for line in orders(10_000 + number * 3000, 500).splitlines()[1:]:
            assert line.encode() in kept


# ---- text ----


def test_a_bomb_in_the_projects_text(small: Small) -> None:
    state = expected_state(small)
    bomb = "a: &a [x, x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(24))
    deep = "from: " + "[" * 100_000
    for text in (bomb, deep, "from: " + "{a: " * 50_000, "- " * 50_000):
        source = small.project.write("zones/shop/sources/bomb.yml", text)
        start = time.monotonic()
        error = small.project.error("run")
        assert error["exit"] == 2
        assert error["file"].endswith("bomb.yml")
        assert time.monotonic() - start < 5
        source.unlink()
    assert_good_again(small, state)


# ---- time ----

DAY = 86400


def log_times(project: Project) -> list[str]:
    return [commit["time"] for commit in project.json("log")]


@needs_library
@pytest.mark.parametrize("shift", [-DAY, *rarely(DAY, -400 * DAY)])
@pytest.mark.parametrize("after", [0, 150, *rarely(400)])
def test_a_clock_that_jumps(small: Small, shift: int, after: int) -> None:
    """At the start of a run or in its middle, and back for the next one: the order of things is the catalog's."""
    state = expected_state(small)
    outcome = troubled(small.project, Trouble(clock_at=after, clock_shift=shift))
    assert outcome.answer.exit == 0, outcome.answer.stderr
    assert state_of(small.project) == state
    small.project.drop("shop", "rates_3.csv", "currency,rate\nSEK,2\n")
    small.project.lode("run")
    assert small.project.query("select currency, rate from shop.analytical.rate") == [{"currency": "SEK", "rate": 2.0}]
    times = log_times(small.project)
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == len(times)


# ---- the store ----


def test_a_store_that_was_moved(small: Small) -> None:
    state = expected_state(small)
    store = small.project.store
    away = store.rename(store.with_name("elsewhere"))
    text = (small.project.root / "lode.yml").read_text()
    small.project.write("lode.yml", f"{text}store: ../elsewhere\n")
    for verb in (["run"], ["query", "select 1"], ["show", "table"]):
        error = small.project.error(*verb)
        assert (error["exit"], error["code"]) == (3, "E506")
        assert "moved" in error["message"]
    away.rename(store)
    small.project.write("lode.yml", text)
    assert_good_again(small, state)


def tell_of_format(project: Project, statement: str) -> None:
    """As a lode of another version would have left it."""
    path = project.store / "catalog.sqlite"
    catalog = sqlite3.connect(path, isolation_level=None)
    catalog.execute(statement)
    catalog.close()
    sign_pages(path)


@pytest.mark.parametrize(("other", "ours", "words"), [
    ("update meta set value = '2' where key = 'format'", "update meta set value = '1' where key = 'format'", ["has format 2", "reads format 1", "newer"]),
    ("update meta set value = '0' where key = 'format'", "update meta set value = '1' where key = 'format'", ["has format 0", "reads format 1"]),
    ("pragma user_version = 2", "pragma user_version = 1", ["tables of version 2", "knows 1"]),
], ids=["newer", "older", "other tables"])
def test_a_store_of_another_format(small: Small, other: str, ours: str, words: list[str]) -> None:
    """Whatever a verb would do with it, nothing is opened and nothing changes."""
    state = expected_state(small)
    tell_of_format(small.project, other)
    before = {path: path.read_bytes() for path in small.folder.rglob("*") if path.is_file()}
    for verb in (["run"], ["query", "select 1"], ["tidy"], ["apply"], ["log"], ["status"], ["verify"], ["show", "table"], ["branch", "b"],
                 ["backup", str(small.folder.parent / "backup")], ["serve", "--pg", "127.0.0.1:0", "--http", "127.0.0.1:0"]):
        assert_refused(small.project.lode(*verb, check=False, timeout=60), "E505", *words)
        after = {path: path.read_bytes() for path in small.folder.rglob("*") if path.is_file()}
        assert after.keys() == before.keys() and after == before, verb
    assert not (small.folder.parent / "backup").exists()
    tell_of_format(small.project, ours)
    assert_good_again(small, state)
    small.project.lode("verify")


def test_a_store_whose_disk_is_away(tmp_path: Path) -> None:
    """It looks like one that was never made. No other is begun, and nothing is left where it was."""
    disk = tmp_path / "mnt"
    disk.mkdir()
    project = make_project(tmp_path)
    project.write("lode.yml", "project: shop\nstore: ../mnt/shop.lode\n")
    project.write("zones/shop/sources/orders.yml", "from: ingress/orders_*.csv\ncolumns:\n  id: int\n")
    project.drop("shop", "orders_1.csv", "id\n1\n")
    project.lode("run")
    away = disk.rename(tmp_path / "away")
    disk.mkdir()
    project.drop("shop", "orders_2.csv", "id\n2\n")
    for verb in (["run"], ["apply"], ["plan"], ["status"], ["query", "select 1"], ["verify"], ["log"], ["tidy"], ["show", "table"],
                 ["backup", str(tmp_path / "backup")], ["branch", "b"], ["serve", "--pg", "127.0.0.1:0"]):
        error = project.error(*verb)
        assert (error["exit"], error["code"]) == (3, "E504"), verb
        assert list(disk.iterdir()) == [] and not (tmp_path / "backup").exists(), verb
    assert ".lode/store" in project.error("run")["hint"]
    project.lode("check")
    assert (project.root / "ingress" / "shop" / "orders_2.csv").exists()
    disk.rmdir()
    away.rename(disk)
    project.lode("run")
    assert project.csv("select id from shop.staging.orders order by id") == "id\n1\n2\n"
    shutil.rmtree(disk / "shop.lode")  # gone on purpose
    assert project.error("run")["code"] == "E504"
    (project.root / ".lode" / "store").unlink()
    project.lode("run")
    project.write("lode.yml", "project: shop\nstore: ../mnt/other.lode\n")  # another place, on purpose
    project.lode("run")


def test_a_store_that_lost_its_catalog_is_told_as_such(small: Small) -> None:
    """By every verb: none says that there is no store, and none begins another."""
    state = expected_state(small)
    away = (small.project.store / "catalog.sqlite").rename(small.project.root / "aside.sqlite")
    for remembered in (True, False):
        if not remembered:
            (small.project.root / ".lode" / "store").unlink()
        for verb in (["run"], ["apply"], ["query", "select 1"], ["status"], ["show", "table"], ["tidy"], ["log"], ["verify"]):
            error = small.project.error(*verb)
            assert (error["exit"], error["code"]) == (3, "E601") and "data and no catalog" in error["message"], (verb, error)
            assert not (small.project.store / "catalog.sqlite").exists()
    away.rename(small.project.store / "catalog.sqlite")
    assert_good_again(small, state)


@pytest.mark.skipif(not may_mount(), reason="no mount of one's own may be made here, so none for reading only")
def test_a_store_that_is_mounted_for_reading_only(small: Small) -> None:
    state = expected_state(small)
    script = f"""
        mount --bind {small.project.store} {small.project.store} && mount -o remount,ro,bind {small.project.store} || exit 99
        cd {small.project.root}
        for verb in log status verify "show table" run apply tidy "query -f question.sql" "backup {small.folder}/backup"; do
            {LODE} $verb >said 2>&1; echo "$verb: $? $(grep -c 'error.E502' said) $(grep -c 'mount it for writing' said)"
        done"""
    small.project.write("question.sql", "select count(*) from shop.staging.orders\n")
    done = subprocess.run(["unshare", *([] if os.geteuid() == 0 else ["-r"]), "-m", "bash", "-c", script],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100)
    if done.returncode == 99:
        pytest.skip("nothing can be mounted for reading only here")
    said = dict(line.rsplit(": ", 1) for line in done.stdout.splitlines())
    answered = {verb for verb, how in said.items() if how == "0 0 0"}
    refused = {verb for verb, how in said.items() if how == "3 1 1"}
    assert answered == {"log", "status", "verify", "show table"} and len(refused) == 5, done.stdout + done.stderr
    assert_good_again(small, state)


def test_what_a_project_remembers_is_not_for_git(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    subprocess.run(["git", "init", "-q", project.root], check=True)
    (project.root / ".gitignore").unlink(missing_ok=True)
    project.lode("run")
    assert (project.root / ".lode" / "store").exists()
    done = subprocess.run(["git", "-C", project.root, "status", "--porcelain"], check=True, capture_output=True, text=True)
    assert ".lode" not in done.stdout


@contextlib.contextmanager
def catalog_held(project: Project, how: str) -> Iterator[None]:
    holder = sqlite3.connect(project.store / "catalog.sqlite", isolation_level=None)
    holder.execute(f"begin {how}")
    try:
        yield
    finally:
        holder.execute("rollback")
        holder.close()


def test_whoever_only_reads_waits_for_nobody_who_writes(small: Small) -> None:
    small.project.lode("run")
    with catalog_held(small.project, "immediate"):
        for verb in (["query", "select count(*) from shop.staging.orders"], ["log"], ["status"], ["show", "table"], ["verify"]):
            small.project.lode(*verb, timeout=20)


@pytest.mark.full
@pytest.mark.parametrize(("how", "verb"), [("exclusive", ["verify"]), ("exclusive", ["query", "select 1"]), ("immediate", ["tidy"]),
                                           ("immediate", ["branch", "b"]), ("immediate", ["run"])])
def test_a_catalog_that_is_held_is_busy_after_a_minute(small: Small, how: str, verb: list[str]) -> None:
    """Not damaged; and a command waits a minute, however many calls it makes."""
    small.project.lode("run")
    with catalog_held(small.project, how):
        started = time.monotonic()
        answer = small.project.lode(*verb, check=False, timeout=200)
        took = time.monotonic() - started
    assert_refused(answer, "E502", "busy")
    assert 55 < took < 90


@needs_library
def test_a_clock_that_runs_ahead_makes_nothing_old(small: Small) -> None:
    small.project.lode("run")
    before = small.project.json("log", "-n", "1")[0]["commit"]
    small.project.drop("shop", "rates_3.csv", "currency,rate\nSEK,2\n")
    small.project.lode("run")
    ahead = Trouble(clock_at=0, clock_shift=400 * DAY)
    question = ("query", "select currency from shop.staging.rates", "--at", before)
    first, second = troubled(small.project, ahead, "tidy"), troubled(small.project, ahead, "tidy")
    for outcome in (first, second):
        assert outcome.answer.exit == 0 and "ahead" in outcome.answer.stderr
    small.project.lode(*question)
    # as of a day later it is what the clock says
    later = Trouble(clock_at=0, clock_shift=402 * DAY)
    outcome = troubled(small.project, later, "tidy")
    assert outcome.answer.exit == 0 and "ahead" not in outcome.answer.stderr
    assert small.project.error(*question)["code"] == "E111"


@needs_library
def test_a_store_that_was_left_alone_for_a_year_can_be_told_so(small: Small) -> None:
    small.project.lode("run")
    before = small.project.json("log", "-n", "1")[0]["commit"]
    small.project.drop("shop", "rates_3.csv", "currency,rate\nSEK,2\n")
    small.project.lode("run")
    outcome = troubled(small.project, Trouble(clock_at=0, clock_shift=400 * DAY), "tidy", "--yes")
    assert outcome.answer.exit == 0 and "ahead" not in outcome.answer.stderr
    assert small.project.error("query", "select currency from shop.staging.rates", "--at", before)["code"] == "E111"


def test_files_that_arrive_on_another_file_system(tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    folder = other / f"lode-{os.getpid()}"
    try:
        small = make_small(folder, fresh=True)
        text = (small.project.root / "lode.yml").read_text()
        small.project.write("lode.yml", f"{text}store: {tmp_path}/store\n")
        small.project.lode("run")
        state = state_of(small.project)
        assert_counts(state)
        assert len(state["shop.staging.orders"]) == 50
        assert not [path for path in (small.project.root / "ingress").rglob("*") if path.is_file()]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# ---- surroundings ----


def test_nothing_in_the_environment(small: Small) -> None:
    done = subprocess.run([LODE, "run"], cwd=small.project.root, env={}, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert_counts(state_of(small.project))


def children_of(process: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            if f"\nPPid:\t{process}\n" in status.read_text():
                found.append(int(status.parent.name))
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, *rarely(signal.SIGINT)])
def test_a_reader_that_does_not_read(small: Small, number: int) -> None:
    """The answer waits in the pipe; a signal ends the wait, and the worker."""
    with subprocess.Popen([LODE, "query", "select * from range(5000000)"], cwd=small.project.root,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as query:
        time.sleep(1)
        assert query.poll() is None
        workers = children_of(query.pid)
        assert workers
        query.send_signal(number)
        assert query.wait(10) == 130
        assert not still_alive(workers)


def kill_workers(process: subprocess.Popen[str]) -> int:
    killed = 0
    while process.poll() is None:
        for worker in children_of(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
                killed += 1
        time.sleep(0.01)
    return killed


def test_workers_that_die_again_and_again(small: Small) -> None:
    state = expected_state(small)
    for _ in range(2):
        run = subprocess.Popen([LODE, "run"], cwd=small.project.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
        assert kill_workers(run) > 0
        _, said = run.communicate(timeout=60)
        assert run.returncode in (0, 1, 3), said
        assert "panic" not in said
        if run.returncode:
            assert "worker" in said
    small.project.lode("run", "--replay", check=False)
    assert_good_again(small, state)
