# SPDX-License-Identifier: Apache-2.0
"""A table that gets a small delivery 120 times: what a run costs and what a snapshot holds does not grow with them."""

import resource
import statistics
from pathlib import Path

import pytest
from conftest import Project, make_project
from judge import iceberg_table

RUNS = 120
ROWS = 5
SNAPSHOTS_KEPT = 100
MANIFESTS = 7 + 7 + 1  # two tiers of at most seven, and what 64 and more were merged into


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, list[float]]:
    """The project after all runs, and the processor time of each run, workers included."""
    project = make_project(tmp_path_factory.mktemp("grown"))
    project.write("zones/shop/sources/sales.yml", "from: ingress/sales*.csv\ncolumns:\n  n: int\n  word: text\n")
    seconds = []
    for run in range(RUNS):
        lines = "".join(f"{run * ROWS + k},word {k}\n" for k in range(ROWS))
        project.drop("shop", f"sales{run}.csv", "n,word\n" + lines)
        before = cpu_of_children()
        project.lode("run", "-q")
        seconds.append(cpu_of_children() - before)
    return project, seconds


def test_the_last_runs_cost_what_the_first_did(grown: tuple[Project, list[float]]) -> None:
    _, seconds = grown
    early, late = statistics.median(seconds[5:25]), statistics.median(seconds[-20:])
    assert late < early * 1.5 + 0.02, (early, late)


def test_metadata_and_manifests_stay_few(grown: tuple[Project, list[float]]) -> None:
    table = iceberg_table(grown[0].json("show", "shop.staging.sales")["metadata_location"])
    assert len(table.metadata.snapshots) == SNAPSHOTS_KEPT
    assert len(table.metadata.snapshot_log) <= SNAPSHOTS_KEPT
    assert len(table.metadata.metadata_log) <= SNAPSHOTS_KEPT
    counts = [len(snapshot.manifests(table.io)) for snapshot in table.metadata.snapshots]
    assert max(counts) <= MANIFESTS, counts
    rows = table.scan().to_arrow()
    assert sorted(rows["n"].to_pylist()) == list(range(RUNS * ROWS))


def test_early_commits_are_still_answered(grown: tuple[Project, list[float]]) -> None:
    project, _ = grown
    commits = [commit["commit"] for commit in project.json("log", "--limit", "1000")
               if any(change["name"] == "shop.staging.sales" and change["kind"] == "table" for change in commit["changes"])
               and not commit["message"].startswith("tidy ")]
    assert len(commits) == RUNS
    for run in (0, 1, 10, RUNS - SNAPSHOTS_KEPT - 1, RUNS - 1):
        answer = project.query("select count(*) as n, max(n) as last from shop.staging.sales", "--at", commits[RUNS - 1 - run])
        assert answer == [{"n": (run + 1) * ROWS, "last": (run + 1) * ROWS - 1}]


def test_what_is_kept_grows_with_the_runs_only(grown: tuple[Project, list[float]]) -> None:
    """Nothing is left of a run but its files: no intent, no worker's folder, and the catalog stays small."""
    store = grown[0].store
    assert [path for path in (store / "commit" / "queue").glob("*")] == []
    assert [path for path in (store / "run").rglob("*") if path.is_file()] == []
    assert (store / "catalog.sqlite").stat().st_size < RUNS * 6000
    files = list((store / "tables").rglob("*.parquet"))
    assert len(files) == RUNS + 1  # and what 64 of them were merged into
    landed = [path for path in Path(store / "landing").rglob("*") if path.is_file()]
    assert len(landed) == RUNS
