# SPDX-License-Identifier: Apache-2.0
"""Readers that are not ours read every table after every kind of fault: PyIceberg, and DuckDB's own Iceberg extension.
They must agree, row by row, before the next run has made anything good and after it."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Project
from duckdb_reader import duckdb_rows, environment
from judge import iceberg_rows
from powercut import NOTHING, by_luck
from preload import LIBRARY, Action, Trouble, troubled
from small import make_small, sorted_rows
from test_disk import TROUBLES
from test_kill import run_and_kill
from test_powercut import LOG_BYTES, log_run

pytestmark = [pytest.mark.full, pytest.mark.timeout(900),
              pytest.mark.skipif(not LIBRARY.exists(), reason=f"{LIBRARY} is not built (a sanitizer's build has none)")]


@pytest.fixture(scope="session", autouse=True)
def reader() -> None:
    python, why = environment()
    if not python:
        pytest.skip(why)


def assert_readers_agree(project: Project) -> None:
    locations = [project.json("show", name)["metadata_location"] for name in project.tables()]
    assert len(locations) == 5
    for location, rows in zip(locations, duckdb_rows(locations), strict=True):
        assert sorted_rows(rows) == sorted_rows(iceberg_rows(location).to_pylist()), location


@pytest.mark.parametrize("name", TROUBLES)
def test_after_trouble_at_a_call(tmp_path: Path, name: str) -> None:
    small = make_small(tmp_path)
    calls = troubled(small.project, replace(TROUBLES[name], action=Action.NONE)).calls
    for at in random.Random(name).sample(range(1, calls + 1), 4):
        small.restore()
        troubled(small.project, replace(TROUBLES[name], at=at, until=TROUBLES[name].until or at))
        assert_readers_agree(small.project)
        small.project.lode("run")
        assert_readers_agree(small.project)


def test_after_power_cuts(tmp_path: Path) -> None:
    logged = log_run(make_small(tmp_path), Trouble(log_bytes=LOG_BYTES))
    for seed in range(8):
        disk = logged.disk()
        for record in logged.records[:random.Random(seed).randint(1, len(logged.records))]:
            disk.follow(record)
        disk.build(logged.small.folder, by_luck(random.Random(seed)) if seed % 2 else NOTHING)
        assert_readers_agree(logged.small.project)
        logged.small.project.lode("run")
        assert_readers_agree(logged.small.project)


def test_after_kills(tmp_path: Path) -> None:
    small = make_small(tmp_path)
    chance = random.Random(5)
    for _ in range(10):
        small.restore()
        run_and_kill(small.project, chance.uniform(0.0, 0.4))
        assert_readers_agree(small.project)
