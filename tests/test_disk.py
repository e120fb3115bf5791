# SPDX-License-Identifier: Apache-2.0
"""A disk that fails, fills or stops at any call of a whole run, lode's and its workers': the run says so, and the next
one makes what an undisturbed one would have made."""

import errno
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import counts, spread
from preload import CHANGES, LIBRARY, NEVER, READS, SYNCS, Action, Kind, Outcome, Trouble, troubled
from small import Small, assert_counts, files_of, make_small, state_of

pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason=f"{LIBRARY} is not built (a sanitizer's build has none)")

NAMING = frozenset({Kind.RENAME, Kind.LINK, Kind.UNLINK, Kind.RMDIR, Kind.MKDIR, Kind.CREATE})
TROUBLES = {
    "eio": Trouble(Action.FAIL, error=errno.EIO),
    "enospc": Trouble(Action.FAIL, error=errno.ENOSPC, kinds=CHANGES),
    "full": Trouble(Action.FAIL, error=errno.ENOSPC, kinds=CHANGES - {Kind.UNLINK, Kind.RMDIR}, until=NEVER),
    "eacces": Trouble(Action.FAIL, error=errno.EACCES, kinds=NAMING | {Kind.OPEN}),
    "emfile": Trouble(Action.FAIL, error=errno.EMFILE, kinds=frozenset({Kind.CREATE, Kind.OPEN})),
    "eio_read": Trouble(Action.FAIL, error=errno.EIO, kinds=READS),
    "short": Trouble(Action.SHORT, kinds=frozenset({Kind.WRITE, Kind.PWRITE})),
    "kill": Trouble(Action.KILL),
}


@pytest.fixture(params=["second run", pytest.param("first run", marks=pytest.mark.full)])
def small(request: pytest.FixtureRequest, tmp_path: Path) -> Small:
    return make_small(tmp_path, fresh=request.param == "first run")


def undisturbed(small: Small, trouble: Trouble) -> tuple[dict[str, Any], dict[str, int], int]:
    """The state and the files that the next run must come to, and how many calls there are to trouble."""
    small.restore()
    outcome = troubled(small.project, replace(trouble, action=Action.NONE))
    assert outcome.answer.exit == 0, outcome.answer.stderr
    state, files = state_of(small.project), files_of(small.project)
    assert_counts(state)
    return state, files, outcome.calls


def assert_clear(outcome: Outcome, action: Action) -> None:
    """It ended in an orderly way and said why; nobody stayed."""
    answer = outcome.answer
    assert not outcome.left, f"workers are left: {outcome.left}"
    if action == Action.KILL and answer.exit == -9:
        return
    assert answer.exit in (0, 1, 3), f"exit {answer.exit}: {answer.stderr}"
    assert "panic" not in answer.stderr and "Assertion" not in answer.stderr, answer.stderr
    if answer.exit == 3:
        assert answer.stderr.count("error[E") == 1, answer.stderr
    if answer.exit == 1:
        assert "failed" in answer.stdout + answer.stderr or "held" in answer.stdout, answer.stderr


def assert_made_good(small: Small, state: dict[str, Any], files: dict[str, int], kept: bool) -> None:
    """By the next run. No file is one too many, unless some are `kept`: what was built of a zone that failed stays on a
    branch, and what could not be removed stays where it is."""
    small.project.lode("run")
    small.project.lode("verify")
    found = state_of(small.project)
    assert found == state, [name for name in state.keys() | found.keys() if state.get(name) != found.get(name)]
    left = files_of(small.project)
    assert left == files or kept, f"{left}, not {files}"
    assert small.project.json("run")["state"] == "nothing", "the third run had something to do"


def disturb(small: Small, trouble: Trouble, state: dict[str, Any], files: dict[str, int]) -> bool:
    """One run with that trouble, and all that must hold after it. False: it ended before the trouble came."""
    small.restore()
    outcome = troubled(small.project, trouble)
    where = f"{trouble.action.name} at call {trouble.at} ({outcome.hit})"
    try:
        assert_clear(outcome, trouble.action)
        left_out = trouble.action == Action.FAIL and outcome.hit.startswith(("unlink", "rmdir"))
        assert_made_good(small, state, files, kept=outcome.answer.exit == 1 or left_out)
    except (Exception, pytest.fail.Exception) as failure:
        raise AssertionError(f"{where}: {failure}\nthe run said: {outcome.answer.stderr}") from failure
    return outcome.hits > 0


def sample(calls: int, count: int, seed: int) -> Iterator[int]:
    """So many of the calls, all if they are no more than that."""
    if count >= calls:
        return iter(range(1, calls + 1))
    return iter(sorted(random.Random(seed).sample(range(1, calls + 1), count)))


MOST = 1500  # calls of a run; a first one made 1,417


def share(calls: int, numbers: range, seed: int) -> list[int]:
    """The calls of these numbers in an order drawn by the seed, so that few of them are any. All numbers together are all calls,
    though they were more than MOST."""
    drawn = random.Random(seed).sample(range(1, calls + 1), calls)
    return sorted(at for number, at in enumerate(drawn) if number % MOST in numbers)


def test_the_parts_of_a_run_are_the_whole_of_it() -> None:
    for calls in (1, 7, 345, MOST, MOST + 1, 3 * MOST):
        parts = [share(calls, range(at, at + 75), seed=3) for at in range(0, MOST, 75)]
        assert sorted(sum(parts, [])) == list(range(1, calls + 1))
        assert len(share(calls, range(1), seed=3)) >= 1


@pytest.mark.parametrize("name", TROUBLES)
@spread("LODE_TROUBLES", 1, MOST, parts=20)
def test_trouble_at_any_call_loses_nothing(small: Small, name: str, numbers: range) -> None:
    """At every one of them in the full suite, of a first run as of a second."""
    trouble = TROUBLES[name]
    state, files, calls = undisturbed(small, trouble)
    for at in share(calls, numbers, seed=len(name)):
        disturb(small, replace(trouble, at=at, until=trouble.until or at), state, files)


@counts("LODE_SYNCS", 4, 1_000_000, seconds=1800)
def test_a_sync_that_fails_ends_the_process(small: Small, count: int) -> None:
    """It is not made again, whatever it was for, SQLite's too; nothing is answered after it; the next run goes on."""
    trouble = Trouble(Action.FAIL, error=errno.EIO, kinds=SYNCS, until=NEVER)
    state, files, calls = undisturbed(small, trouble)
    for at in sample(calls, count, seed=11):
        small.restore()
        outcome = troubled(small.project, replace(trouble, at=at))
        answer = outcome.answer
        assert outcome.hits == 1, f"sync {at} of {calls} failed, and {outcome.hits - 1} were tried after it"
        assert (answer.exit, answer.stdout) == (3, ""), f"sync {at}: {answer}"
        assert answer.stderr.count("error[E502]") == 1
        assert "cannot be synced" in answer.stderr
        assert not outcome.left
        assert_made_good(small, state, files, kept=False)


@counts("LODE_READS", 6, 1_000_000, seconds=1800)
def test_a_read_that_fails_is_no_damage(small: Small, count: int) -> None:
    """Of whatever file: lode.yml and models, what landed, data, the catalog. Nobody is sent to a backup, and no delivery is held for it."""
    trouble = Trouble(Action.FAIL, error=errno.EIO, kinds=READS)
    state, files, calls = undisturbed(small, trouble)
    for at in sample(calls, count, seed=3):
        small.restore()
        answer = troubled(small.project, replace(trouble, at=at, until=at)).answer
        where = f"read {at} of {calls}: {answer}"
        assert answer.exit in (0, 1, 3) and "E601" not in answer.stderr and "damaged" not in answer.stderr, where
        assert answer.exit != 3 or answer.stderr.count("error[E502]") == 1, where
        assert " held + " not in answer.stderr or " 0 held + " in answer.stderr, where
        assert_made_good(small, state, files, kept=answer.exit == 1)


@pytest.mark.parametrize("words", [("apply",), ("tidy",), ("branch", "try"), ("branch", "old", "--remove"), ("backup", "copy"),
                                   ("user", "add", "bo"), ("role", "add", "staff"), ("token", "add", "bot", "--for", "oz"),
                                   ("fix", "shop.orders", "--withdraw", "orders_1.csv", "--reason", "a test")], ids=" ".join)
@counts("LODE_SYNCS", 3, 1_000_000, seconds=600)
def test_a_verb_answers_when_nothing_is_left_to_be_written(tmp_path: Path, words: tuple[str, ...], count: int) -> None:
    """Whichever of its syncs fails: not a word of success before the error."""
    small = make_small(tmp_path)
    small.project.lode("run")
    small.project.lode("branch", "old")
    small.project.lode("user", "add", "oz")
    small.project.write("zones/shop/analytical/more.sql", "select currency from staging.rates\n")
    small.save()
    trouble = Trouble(Action.FAIL, error=errno.EIO, kinds=SYNCS, until=NEVER)
    undone = troubled(small.project, replace(trouble, action=Action.NONE), *words)
    assert undone.answer.exit == 0, undone.answer
    for at in {*sample(undone.calls, count, seed=5), undone.calls}:
        small.restore()
        answer = troubled(small.project, replace(trouble, at=at), *words).answer
        assert (answer.exit, answer.stdout) == (3, ""), f"sync {at} of {undone.calls}: {answer}"
        assert answer.stderr.count("error[E502]") == 1
        assert not any(word in answer.stderr for word in ("branch old is", "branch try:", "withdrawn", "no password yet", "shown once")), answer.stderr
        small.project.lode("verify")
