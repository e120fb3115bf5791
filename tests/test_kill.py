# SPDX-License-Identifier: Apache-2.0
"""Nothing lost, nothing doubled: `lode run` is killed at sampled moments, and the next run makes what an undisturbed one
would have made. Tables are compared by their rows, with `_file` and `_row`, so a delivery staged twice would show."""

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import LODE, Project, copy_project, counts, make_project, spread


def tables_of(project: Project) -> dict[str, list[str]]:
    """Every table's rows, hidden columns included, in an order that does not depend on storage."""
    found = {}
    # the id of a snapshot's delivery holds the time of its landing, so deliveries are told by their content here
    content = {delivery["delivery"]: delivery["sha256"] for delivery in project.json("show", "delivery")}
    for table in project.json("show", "table"):
        name = f"{table['zone']}.{table['stage']}.{table['table']}"
        hidden = "_file, _row, " if table["stage"] == "staging" else ""
        rows = project.query(f"select {hidden}* from {name}")
        for row in rows:
            if hidden:
                row["_file"] = content[row["_file"]]
        found[name] = sorted(map(repr, rows))
    quarantine = project.json("show", "quarantine", "--rows")
    for row in quarantine:
        row["delivery"] = content[row["delivery"]]
    found["quarantine"] = sorted(map(repr, quarantine))
    return found


def assert_whole(project: Project, expected: dict[str, list[str]]) -> None:
    found = tables_of(project)
    assert found.keys() == expected.keys()
    for name, rows in expected.items():
        assert found[name] == rows, f"{name} differs: {len(found[name])} rows, {len(rows)} wanted"
    for delivery in project.json("show", "delivery"):
        assert delivery["records"] == delivery["accepted"] + delivery["quarantined"] + delivery["skipped"]


Moved = list[tuple[Path, Path]]  # where a file lies aside, and where it is to arrive


def arrive(files: Moved, seconds: float = 0) -> None:
    """One after the other in so many seconds, in any case so slowly that no reading of a folder sees a later one and not
    an earlier."""
    for now, then in files:
        time.sleep(max(seconds / (len(files) + 1), 0.01))
        now.rename(then)


def run_and_kill(project: Project, after: float, arriving: Moved | None = None) -> bool:
    """Starts a run and kills its whole family after so many seconds; True if it was still alive. Meanwhile files arrive."""
    process = subprocess.Popen([LODE, "run", "-q"], cwd=project.root, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    kill_at = time.monotonic() + after
    arrive(arriving or [], after)
    time.sleep(max(kill_at - time.monotonic(), 0))
    alive = process.poll() is None
    if alive:
        os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return alive


def hold_back(project: Project, chance: random.Random) -> list[Moved]:
    """Takes the later ones of what waits for each source aside, to arrive between the runs or during one. Copies wait with what they
    are copies of: which of two names is the duplicate's depends on which came first."""
    aside = project.root / "aside"
    aside.mkdir()
    late = []
    for folder in sorted((project.root / "ingress").iterdir()):
        if chance.random() < 0.5:
            continue
        files = sorted(path for path in folder.iterdir() if path.is_file())
        late.append([(path.rename(aside / f"{folder.name}{number}"), path) for number, path in enumerate(files)])
    return late


@counts("LODE_KILLS", 12, 300)
def test_a_run_killed_at_any_moment_is_made_good_by_the_next(tmp_path: Path, count: int) -> None:
    model = make_project(tmp_path / "model", "--demo")
    reference = copy_project(model, tmp_path / "reference")
    start = time.monotonic()
    reference.lode("run")
    whole = time.monotonic() - start
    expected = tables_of(reference)

    chance = random.Random(20261126)
    killed = 0
    attempt = 0
    while killed < count:
        attempt += 1
        project = copy_project(model, tmp_path / f"kill{attempt}")
        kills = 0
        late = hold_back(project, chance)
        while kills < 10 and killed < count:  # several deaths on one store, as on a bad day
            arriving: Moved = []
            if late and chance.random() < 0.7:
                arriving = late.pop()
            if chance.random() < 0.4:
                arrive(arriving)
                arriving = []
            if run_and_kill(project, chance.uniform(0.0, whole), arriving):
                kills += 1
                killed += 1
            elif kills > 0 and not late:
                break  # it came through: nothing is left to disturb
        for files in late:
            arrive(files)
        project.lode("run")
        assert_whole(project, expected)
        again = project.json("run")
        assert again["state"] == "nothing", "a finished project has nothing to do"


@spread("LODE_HISTORIES", 3, 400, parts=8)
def test_the_order_of_deliveries_does_not_matter(tmp_path: Path, numbers: range) -> None:
    """Files come one by one in a random order, runs are started and some of them killed; a history that fails is named
    by its seed."""
    model = make_project(tmp_path / "model", "--demo")
    reference = copy_project(model, tmp_path / "reference")
    start = time.monotonic()
    reference.lode("run")
    whole = time.monotonic() - start
    expected = tables_of(reference)
    for seed in numbers:
        chance = random.Random(seed)
        project = copy_project(model, tmp_path / f"history{seed}")
        waiting = sorted(path for path in (project.root / "ingress").rglob("*") if path.is_file())
        aside = project.root / "aside"
        aside.mkdir()
        moved = [(path.rename(aside / str(number)), path) for number, path in enumerate(waiting)]
        chance.shuffle(moved)
        for file in moved:
            what = chance.random()
            if what < 0.15:
                run_and_kill(project, chance.uniform(0.0, whole), [file])
                continue
            arrive([file])
            if what < 0.35:
                project.lode("run")
            elif what < 0.6:
                run_and_kill(project, chance.uniform(0.0, whole))
        project.lode("run")
        found = tables_of(project)
        for name, rows in expected.items():
            if name != "quarantine":  # the sender's name of a duplicate depends on which came first; the rows do not
                assert found[name] == rows, f"history {seed}: {name}"
        assert project.json("run")["state"] == "nothing", f"history {seed}"
        shutil.rmtree(project.root.parent)
