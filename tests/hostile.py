# SPDX-License-Identifier: Apache-2.0
"""A principal that means harm, and one beside it that only wants its answers: for test_hostile.py and its bench."""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from pathlib import Path

import psycopg
from server import Server

POINT = "select amount from shop.canonical.order where id = 2"
OWN = "show statement_timeout"


@dataclass
class Figures:
    """What the one beside met: how long each answer took (seconds), and what failed."""

    point: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def point_p50(self) -> float:
        return statistics.median(self.point)

    @property
    def own_p99(self) -> float:
        return sorted(self.own)[int(len(self.own) * 0.99)]

    def line(self, name: str) -> str:
        return f"{name}: {len(self.point)} point queries p50 {self.point_p50 * 1e3:.1f} ms, {len(self.own)} own answers p99 {self.own_p99 * 1e3:.2f} ms"


def watch(server: Server, seconds: float, user: str = "oz") -> Figures:
    """A principal's day: a new connection now and then, point queries, statements that the server answers itself."""
    figures = Figures()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with psycopg.connect(server.dsn(user), autocommit=True, connect_timeout=60) as connection:
                for _ in range(10):
                    began = time.monotonic()
                    assert [str(row[0]) for row in connection.execute(POINT)] == ["2.25"]
                    figures.point.append(time.monotonic() - began)
                    for _ in range(10):
                        began = time.monotonic()
                        connection.execute(OWN).fetchone()
                        figures.own.append(time.monotonic() - began)
        except (psycopg.Error, AssertionError) as failure:
            figures.failures.append(repr(failure))
    return figures


Attack = Callable[[Event], None]


def attacker(worker: Attack, stop: Event) -> None:
    while not stop.is_set():
        try:
            worker(stop)
        except (psycopg.Error, OSError):
            time.sleep(0.01)


@contextmanager
def attack(*workers: Attack) -> Iterator[None]:
    """Runs each in a process of its own until the block is done; what they meet is theirs."""
    fork = multiprocessing.get_context("fork")
    stop = fork.Event()
    processes = [fork.Process(target=attacker, args=(worker, stop), daemon=True) for worker in workers]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        stop.set()
        for process in processes:
            process.join(timeout=30)
        assert not any(process.is_alive() for process in processes)


def descriptors(process: int) -> int:
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


def threads(process: int) -> int:
    return len(list(Path(f"/proc/{process}/task").iterdir()))


def resident_kb(process: int) -> int:
    return int(next(line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith("VmRSS")).split()[1])


def children(process: int) -> list[int]:
    return [int(child) for task in Path(f"/proc/{process}/task").iterdir() for child in (task / "children").read_text().split()]


def granted_files(server: Server) -> list[Path]:
    """What statements left in the folders of workers: links, built files, spill."""
    return [path for path in (server.project.store / "run").rglob("*") if path.is_file() and path.name != "lock"]
