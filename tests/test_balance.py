# SPDX-License-Identifier: Apache-2.0
"""Any number of `lode run` and `lode query` on one store: three models hold balances between which arriving files move
amounts, so their sum never changes, whichever commit a reader sees, and whoever is killed."""

import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import LODE, Project, counts

MOVES = "from: ingress/moves*.csv\ncolumns:\n  move: int required\n  giver: text\n  taker: text\n  amount: int\n"
MODEL = """select 1000 + coalesce(sum(case when taker = '{0}' then amount when giver = '{0}' then -amount end), 0) as balance
from staging.moves
"""
ACCOUNTS = ("a", "b", "c")
SUM = "select " + " + ".join(f"(select balance from bank.canonical.{account})" for account in ACCOUNTS) + " as total"
COUNT = "select count(*) as n, count(distinct move) as moves from bank.staging.moves"


@pytest.fixture
def bank(project: Project) -> Project:
    project.write("zones/bank/zone.yml", "owner: ann\n")
    project.write("zones/bank/sources/moves.yml", MOVES)
    for account in ACCOUNTS:
        project.write(f"zones/bank/canonical/{account}.sql", MODEL.format(account))
    drop(project, 0, random.Random(0))
    project.lode("run")
    return project


def drop(project: Project, number: int, chance: random.Random) -> None:
    """One file of three moves."""
    rows = []
    for move in range(3):
        giver, taker = chance.sample(ACCOUNTS, 2)
        rows.append(f"{number * 3 + move},{giver},{taker},{chance.randint(1, 500)}\n")
    (project.root / "ingress" / "bank").mkdir(parents=True, exist_ok=True)
    project.drop("bank", f"moves{number}.csv", "move,giver,taker,amount\n" + "".join(rows))


class Crowd:
    """Runs and questions side by side; whatever is wrong is kept, for a thread's own failure would go unseen."""

    def __init__(self, project: Project, runs: int, killed: float) -> None:
        self.project, self.killed = project, killed
        self.numbers: Iterator[int] = iter(range(1, runs + 1))
        self.lock = threading.Lock()
        self.done = threading.Event()
        self.wrong: list[str] = []
        self.dropped = self.kills = self.asked = 0

    def run(self, seed: int) -> None:
        """Drops a file and runs, until enough was dropped; now and then the run is killed."""
        chance = random.Random(seed)
        while True:
            with self.lock:
                number = next(self.numbers, None)
                if number is None:
                    return
                drop(self.project, number, chance)
                self.dropped += 1
            process = subprocess.Popen([LODE, "run", "-q"], cwd=self.project.root, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            if chance.random() < self.killed:
                time.sleep(chance.uniform(0.0, 1.0))
                process.send_signal(signal.SIGKILL)
                self.kills += 1
            stderr = process.communicate(timeout=120)[1]
            # lost to another again and again, which says to run again, is an answer too
            if process.returncode not in (0, -signal.SIGKILL) and "E501" not in stderr:
                self.wrong.append(f"run {number} ended with {process.returncode}: {stderr}")

    def ask(self) -> None:
        while not self.done.is_set():
            answer = self.project.lode("query", SUM, "-o", "csv", check=False, timeout=120)
            self.asked += 1
            if answer.stdout.split() != ["total", "3000"]:
                self.wrong.append(f"the sum is {answer.stdout!r} {answer.stderr}")


@counts("LODE_BALANCE_RUNS", 6, 200, seconds=3600)
def test_the_sum_of_three_models_is_the_same_in_every_snapshot(bank: Project, count: int) -> None:
    full = count > 20
    crowd = Crowd(bank, count, killed=0.3)
    runners = [threading.Thread(target=crowd.run, args=(seed,)) for seed in range(8 if full else 3)]
    askers = [threading.Thread(target=crowd.ask) for _ in range(4 if full else 1)]
    for thread in runners + askers:
        thread.start()
    for thread in runners:
        thread.join()
    crowd.done.set()
    for thread in askers:
        thread.join()
    assert not crowd.wrong, "\n".join(crowd.wrong[:5])
    assert crowd.asked > 0

    bank.lode("run", timeout=120)
    assert bank.query(SUM) == [{"total": 3000}]
    assert bank.query(COUNT) == [{"n": 3 * count + 3, "moves": 3 * count + 3}], "every move is staged once"
    balances = {account: bank.query(f"select balance from bank.canonical.{account}")[0]["balance"] for account in ACCOUNTS}
    expected = dict.fromkeys(ACCOUNTS, 1000)
    for row in bank.query("select giver, taker, amount from bank.staging.moves"):
        expected[row["giver"]] -= row["amount"]
        expected[row["taker"]] += row["amount"]
    assert balances == expected
    assert {delivery["state"] for delivery in bank.json("show", "delivery")} == {"staged"}
    # and at every commit that changed one of them, or at some when the test is to be quick
    commits = [commit["commit"] for commit in bank.json("log")
               if any(change["kind"] == "table" and change["name"].startswith("bank.canonical") for change in commit["changes"])]
    for commit in commits if full else commits[::4]:
        assert bank.query(SUM, "--at", commit) == [{"total": 3000}]
