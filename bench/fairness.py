# SPDX-License-Identifier: Apache-2.0
"""One principal floods, another asks for one row at a time: how long that one waits, beside how long it waits alone; the same floods
before PostgreSQL 15, which knows of no principals and gives each connection its part."""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.synchronize import Event
from pathlib import Path

from hostile import Attack, attack
from server import add_user
from wire import ROWS, SECONDS, Side, both

FLOODERS = int(os.environ.get("LODE_BENCH_FLOODERS", "16"))

# name: what each of the flooders asks again and again
FLOODS: dict[str, Callable[[str], str]] = {
    "their point queries": lambda table: f"select amount from {table} where id = 17",
    "their scans": lambda table: f"select place, sum(amount) from {table} group by place order by 2 desc limit 5",
    "their joins": lambda table: f"select count(*) from {table} a join {table} b using (customer) where a.id % 50 = 0",
}


@dataclass(frozen=True)
class Waits:
    """Milliseconds of each answer."""

    each: list[float]

    @property
    def p50(self) -> float:
        return statistics.median(self.each)

    @property
    def p99(self) -> float:
        return sorted(self.each)[int(len(self.each) * 0.99)]


def flooder(side: Side, sql: str) -> Attack:
    def run(stop: Event) -> None:
        with side.psycopg() as connection:
            connection.execute("set statement_timeout = '60s'")
            while not stop.is_set():
                connection.execute(sql).fetchall()

    return run


def ask(side: Side, seconds: float) -> Waits:
    """Point queries, one after the other; every answer has to come."""
    each = []
    with side.psycopg() as connection:
        until = time.monotonic() + seconds
        while time.monotonic() < until or len(each) < 20:
            began = time.perf_counter()
            assert connection.execute(f"select amount from {side.table} where id = %s", (len(each),)).fetchone()
            each.append(1e3 * (time.perf_counter() - began))
    return Waits(each)


def under(side: Side, flooding: Side, sql: str) -> Waits:
    with attack(*[flooder(flooding, sql)] * FLOODERS):
        time.sleep(1)
        return ask(side, float(SECONDS))


def fairness(report, work: Path, pairs: int) -> None:
    """In pairs: alone, then beside the flood, before each of both servers."""
    with both(work, min(ROWS, 1000000)) as (ours, theirs, server):
        add_user(server.project, "bo")
        server.project.write("zones/bench/access.yml", "rules:\n- who: [bo]\n  on: [staging.wide]\n")
        server.project.lode("apply")
        other = replace(ours, user="bo")
        for name, flood in FLOODS.items():
            mine, peer, slower, peer_slower = [], [], [], []
            for _ in range(pairs):
                alone, beside = ask(other, 1), under(other, ours, flood(ours.table))
                mine.append(beside), slower.append(beside.p50 / alone.p50)
                alone, beside = ask(theirs, 1), under(theirs, theirs, flood(theirs.table))
                peer.append(beside), peer_slower.append(beside.p50 / alone.p50)
            report.pair(f"beside {name}, p50", [w.p50 for w in mine], [w.p50 for w in peer], "ms")
            report.pair(f"beside {name}, p99", [w.p99 for w in mine], [w.p99 for w in peer], "ms")
            report.pair(f"beside {name}, of alone", slower, peer_slower, "times")
