# SPDX-License-Identifier: Apache-2.0
"""Rows come in the order that a statement asks for, and a LIMIT counts in it: also where several threads sort more than fits
one piece of the engine's (122,880 rows)."""

import subprocess
from pathlib import Path

import pytest
from conftest import LODE, Project, counts, make_project

ROWS = 400_000
STEP = 7919  # coprime to ROWS: every number once, in no order


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("order"))
    project.write("zones/shop/zone.yml", "owner: ann\n")
    project.write("zones/shop/sources/numbers.yml", "from: ingress/numbers*.csv\ncolumns:\n  n: int\n")
    project.drop("shop", "numbers.csv", "n\n" + "".join(f"{row * STEP % ROWS}\n" for row in range(ROWS)))
    project.lode("run")
    return project


def ask_at_once(project: Project, sql: str, times: int) -> list[str]:
    """So that threads are kept waiting."""
    asked = [subprocess.Popen([LODE, "query", sql, "-o", "csv"], cwd=project.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
             for _ in range(times)]
    return [process.communicate(timeout=120)[0] for process in asked]


@pytest.mark.parametrize(("sql", "wanted"), [
    ("select n from shop.staging.numbers order by n", range(ROWS)),
    ("select n from shop.staging.numbers order by n desc", range(ROWS - 1, -1, -1)),
    ("select n + 1 as n from (select n from shop.staging.numbers order by n limit 300000) order by n", range(1, 300_001)),
    ("select n from shop.staging.numbers order by n limit 250000 offset 100000", range(100_000, 350_000)),
    ("select max(n) as n from (select n from shop.staging.numbers order by n limit 300000)", [299_999]),
], ids=["up", "down", "over a piece", "a piece", "below"])
@counts("LODE_ORDERS", 3, 60, seconds=900)
def test_rows_come_in_the_order_that_was_asked_for(numbers: Project, sql: str, wanted: range | list[int], count: int) -> None:
    answer = "n\n" + "".join(f"{n}\n" for n in wanted)
    for _ in range(count):
        for got in ask_at_once(numbers, sql, 4):
            assert got == answer, f"it begins with {got[:30]!r} and ends with {got[-30:]!r}"
