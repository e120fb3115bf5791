# SPDX-License-Identifier: Apache-2.0
"""The commit protocol as a model (src/lake/commit.pml): Spin walks through every order of its steps, deaths and power
cuts included. It finds nothing; with one of twelve mistakes made on purpose it finds each."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

MODEL = Path(__file__).resolve().parent.parent / "src" / "lake" / "commit.pml"

pytestmark = pytest.mark.skipif(not shutil.which("spin") or not shutil.which("cc"), reason="spin and cc are not installed")

MISTAKES = {
    1: "the data file is made before ID.files names it",
    2: "each pointer moves in a transaction of its own",
    3: "the sweep goes by age, not by the writer's lock",
    4: "a writer takes its files back although it does not know",
    5: "a reader takes each pointer by itself",
    6: "the outcome's row is written after the transaction",
    7: "outcomes of the living are forgotten",
    8: "data is not synced before its intent is in the queue",
    9: "metadata is written without being listed first",
    10: "the queue is drained without the lock",
    11: "who removes strays asks the catalog before the notes",
    12: "an outcome that a dead one recorded is told as it is seen",
}
NEEDS = {1: {"DEATHS": "1"}, 6: {"DEATHS": "1"}, 8: {"POWER": "1"}, 9: {"DEATHS": "1"}, 11: {"STRAYS": "1"},
         12: {"DEATHS": "1", "POWER": "1"}}


def verifier(folder: Path, writers: int, *options: str) -> Path:
    """The model made into a program that walks through all its states."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["spin", "-a", f"-DWRITERS={writers}", str(MODEL)], cwd=folder, check=True, capture_output=True)
    subprocess.run(["cc", "-O1", "-w", "-DSAFETY", "-DMEMLIM=12000", *options, "-o", "pan", "pan.c"], cwd=folder, check=True)
    return folder / "pan"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return verifier(tmp_path_factory.mktemp("spin"), 2)


def walk(program: Path, *options: str, **given: str) -> tuple[bool, int]:
    """Whether an error was found, and how many states were walked through; the walk must come to its end."""
    done = subprocess.run([program, "-E", "-m400000", *options], cwd=program.parent, capture_output=True, text=True,
                          env={**os.environ, "DEATHS": "0", **given})
    lines = done.stdout.splitlines()
    errors = next(line for line in lines if "errors:" in line)
    assert not any("out of memory" in line or "reached max depth" in line or "truncated" in line for line in lines), done.stdout
    states = next(int(line.split()[0]) for line in lines if line.endswith("states, stored"))
    return not errors.endswith("errors: 0"), states


def test_no_order_of_steps_and_deaths_breaks_the_protocol(small: Path) -> None:
    wrong, states = walk(small, DEATHS="1")
    assert not wrong
    assert states > 1_000_000, "the model is not walked through"


def test_no_power_cut_after_a_death_breaks_the_protocol(small: Path) -> None:
    assert walk(small, DEATHS="1", POWER="1")[0] is False


@pytest.mark.parametrize("mistake", MISTAKES, ids=list(MISTAKES.values()))
def test_a_mistake_made_on_purpose_is_found(small: Path, mistake: int) -> None:
    assert walk(small, MISTAKE=str(mistake), **NEEDS.get(mistake, {}))[0], MISTAKES[mistake]


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_nor_does_the_removal_of_strays(small: Path) -> None:
    assert walk(small, STRAYS="1")[0] is False


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_nor_do_two_deaths_and_a_power_cut(tmp_path: Path) -> None:
    assert walk(verifier(tmp_path, 2, "-DCOLLAPSE"), DEATHS="2", POWER="1")[0] is False


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_nor_do_three_writers(tmp_path: Path) -> None:
    assert walk(verifier(tmp_path, 3, "-DCOLLAPSE"))[0] is False
