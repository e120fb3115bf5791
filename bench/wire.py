# SPDX-License-Identifier: Apache-2.0
"""The measures of `lode serve`: the same table and the same client before ours and before a PostgreSQL 15, in pairs; and the 22
questions of TPC-H through the wire beside the bare engine over the same Parquet files."""

import math
import os
import re
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import postgres
import psycopg
from conftest import Project
from process import csv_file, descendants, engine_program, memory_kib
from server import PASSWORD, Server, Wire, add_user, bind, execute, parse, query, serving

ROWS = int(os.environ.get("LODE_BENCH_WIRE_ROWS", "10000000"))
SCALE = os.environ.get("LODE_BENCH_SCALE", "1")
SECONDS = os.environ.get("LODE_BENCH_SECONDS", "3")  # of each run of pgbench
THREADS, MEMORY = min(8, os.cpu_count() or 1), "2000000000B"  # a worker's, unless lode.yml says otherwise
PGBENCH = Path("/usr/lib/postgresql/15/bin/pgbench")

WIDE = """
select i as id, (hash(i) % 100000)::int as customer, (hash(i + 1) % 10000000 / 100.0)::decimal(12,2) as amount,
       date '2020-01-01' + (hash(i + 2) % 2000)::int as day, (hash(i + 3) % 1000000) / 7.0 as weight,
       ['north','south','east','west'][(hash(i + 4) % 4 + 1)::int] || '-' || (hash(i + 5) % 5000) as place
from range({rows}) r(i)
"""
COLUMNS = "id bigint, customer int, amount decimal(12,2), day date, weight double precision, place text"
TABLES = ("customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier")


@dataclass(frozen=True)
class Side:
    """One of the two servers: where it listens and what its table is called."""

    port: int
    user: str
    password: str
    database: str
    table: str

    def connect(self) -> Wire:
        return Wire(self.port, self.user, self.database, self.password)

    def psycopg(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(host="127.0.0.1", port=self.port, user=self.user, password=self.password,
                               dbname=self.database, autocommit=True)


def project_of(folder: Path, zone: str, *files: Path) -> Project:
    """A project whose zone ann owns, with these files staged."""
    root = folder / "project"
    project = Project(root)
    subprocess.run([os.environ.get("LODE", "build/lode"), "init", root], check=True, capture_output=True)
    for file in files:
        project.lode("add", zone, file, timeout=1800)
    zone_file = root / "zones" / zone / "zone.yml"
    zone_file.write_text(re.sub(r"(?m)^owner:.*\n", "", zone_file.read_text()) + "owner: ann\n")
    project.lode("run", timeout=3600)
    add_user(project, "ann")
    return project


def ours_of(server: Server, table: str) -> Side:
    return Side(server.port, "ann", PASSWORD, "lode", table)


def theirs_of(database: postgres.Postgres) -> Side:
    return Side(database.port, "lode", "", "postgres", "wide")


# ---- many rows ----

def read_to_its_end(client: Wire, question: bytes) -> tuple[float, bytes]:
    """Seconds from the question to ReadyForQuery. The client keeps nothing but the stream's end, which it gives."""
    buffer, tail = bytearray(1 << 20), b""
    start = time.perf_counter()
    client.socket.sendall(question)
    while not tail.endswith(b"Z\0\0\0\5I"):
        size = client.socket.recv_into(buffer)
        if not size:
            raise ConnectionError("the server hung up")
        tail = (tail + buffer[max(0, size - 64):size])[-64:]
    return time.perf_counter() - start, tail


def packed(messages: list[tuple[str, bytes]]) -> bytes:
    return b"".join(kind.encode() + struct.pack("!I", len(body) + 4) + body for kind, body in messages)


def drain(client: Wire, messages: list[tuple[str, bytes]]) -> float:
    """All rows, thrown away; that they were all is told by the tag."""
    seconds, tail = read_to_its_end(client, packed(messages))
    if not re.search(rb"(SELECT|COPY) %d\0Z" % ROWS, tail):
        raise RuntimeError(f"not all rows came: {tail!r}")
    return seconds


def extended(sql: str) -> list[tuple[str, bytes]]:
    return [parse(sql), bind(results=(1,)), execute(), ("S", b"")]


WAYS: dict[str, Callable[[str], list[tuple[str, bytes]]]] = {
    "text": lambda table: [query(f"select * from {table}")],
    "binary": lambda table: extended(f"select * from {table}"),
    "COPY, text": lambda table: [query(f"copy (select * from {table}) to stdout")],
    "COPY, binary": lambda table: [query(f"copy (select * from {table}) to stdout (format binary)")],
}


@contextmanager
def both(work: Path, rows: int) -> Iterator[tuple[Side, Side, Server]]:
    """Ours and a PostgreSQL with the same rows."""
    source = csv_file(work / f"wide-{rows}.csv", WIDE.format(rows=rows))
    with tempfile.TemporaryDirectory(dir=work) as folder, postgres.running(tcp=True) as database:
        project = project_of(Path(folder), "bench", source)
        database.psql(f"create table wide ({COLUMNS});\n\\copy wide from '{source}' csv header\n"
                      "create index on wide (id); vacuum analyze wide;\n"
                      "alter system set jit = off; alter system set max_parallel_workers_per_gather = 0; select pg_reload_conf();")
        with serving(project) as server:
            yield ours_of(server, "bench.staging.wide"), theirs_of(database), server


def transfer(report, work: Path, pairs: int) -> None:
    """A big result to a client that only drains it, in each format."""
    with both(work, ROWS) as (ours, theirs, server):
        mine, peer = ours.connect(), theirs.connect()
        for name, messages in WAYS.items():
            drain(mine, messages(ours.table)), drain(peer, messages(theirs.table))  # warm
            times = [(drain(mine, messages(ours.table)), drain(peer, messages(theirs.table))) for _ in range(pairs)]
            report.pair(f"{ROWS / 1e6:g} M rows x 6, {name}", [t[0] for t in times], [t[1] for t in times], "s")
        report.alone("server's own memory after that", memory_mib(server.process.pid), "MiB")


# ---- many questions ----

def pgbench(side: Side, script: Path, clients: int) -> float:
    """Statements a second."""
    done = subprocess.run([PGBENCH, "-n", "-h", "127.0.0.1", "-p", str(side.port), "-U", side.user, "-M", "prepared", "-T", SECONDS,
                           "-c", str(clients), "-j", "1", "-f", script, side.database],
                          env={**os.environ, "PGPASSWORD": side.password}, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"pgbench: {done.stderr}")
    return float(re.search(r"tps = ([\d.]+)", done.stdout)[1])


def rates(report, work: Path, pairs: int) -> None:
    """`select 1`, the least question to an engine and point queries a second, prepared, by pgbench; the ratio is ours over PostgreSQL's."""
    rows = min(ROWS, 1000000)
    with both(work, rows) as (ours, theirs, _), tempfile.TemporaryDirectory() as folder:
        for name, sql in (("select 1", "select 1;"), ("values (1)", "values (1);"), ("point query", "\\set id random(0, {last})\nselect amount from {table} where id = :id;")):
            for clients in (1, 16, 64):
                measured = []
                for side in (ours, theirs) * pairs:
                    script = Path(folder) / "script.sql"
                    script.write_text(sql.format(table=side.table, last=rows - 1))
                    measured.append(1000 / pgbench(side, script, clients))
                report.pair(f"{name}, {clients} client{'s' if clients > 1 else ''}", measured[::2], measured[1::2], "ms a statement")


# ---- starts and memory ----

def memory_mib(pid: int, own: bool = True) -> float:
    """What the processes hold of their own, libraries counted once."""
    parts = [memory_kib(process) for process in (descendants(pid) if not own else [pid])]
    return (sum(part[0] for part in parts) + max(part[1] for part in parts)) / 1024


def first_row(side: Side) -> float:
    start = time.perf_counter()
    with side.psycopg() as connection:
        connection.execute(f"select amount from {side.table} where id = 17").fetchone()
    return 1e3 * (time.perf_counter() - start)


def start(report, work: Path, pairs: int) -> None:
    """A server's start to its first answer, connect to first row, and memory with few and with many connections."""
    with both(work, min(ROWS, 1000000)) as (ours, theirs, server):
        project = server.project
        firsts = []
        for _ in range(2 * pairs):
            begin = time.perf_counter()
            with serving(project) as fresh:
                first_row(Side(fresh.port, "ann", PASSWORD, "lode", ours.table))
                firsts.append(1e3 * (time.perf_counter() - begin))
        report.alone("start to first answer", statistics.median(firsts), "ms")
        times = [(first_row(ours), first_row(theirs)) for _ in range(20 * pairs)]
        report.pair("connect to first row, p50", [t[0] for t in times], [t[1] for t in times], "ms")
        time.sleep(1)
        report.alone("idle, one warm worker: all processes", memory_mib(server.process.pid, own=False), "MiB")
        crowd = [ours.psycopg() for _ in range(64)]
        for connection in crowd:
            connection.execute(f"select amount from {ours.table} where id = 17").fetchone()
        report.alone("64 connections: the server", memory_mib(server.process.pid), "MiB")
        for connection in crowd:
            connection.close()


# ---- TPC-H ----

def tpch_files(work: Path) -> list[Path]:
    folder = work / f"tpch-{SCALE}"
    if not (folder / "whole").exists():
        program = Path(sys.executable).parent / "tpchgen-cli"
        subprocess.run([program, "csv", "-s", SCALE, f"--output-dir={folder}"], check=True, capture_output=True)
        (folder / "whole").touch()
    return [folder / f"{table}.csv" for table in TABLES]


def table_files(project: Project, table: str) -> list[str]:
    from pyiceberg.table import StaticTable

    location = project.json("show", table)["metadata_location"]
    return [task.file.file_path for task in StaticTable.from_metadata(location).scan().plan_files()]


def seconds_of(run: Callable[[], list[tuple[object, ...]]]) -> tuple[float, list[tuple[object, ...]]]:
    begin = time.perf_counter()
    rows = run()
    return time.perf_counter() - begin, rows


def same(mine: list[tuple[object, ...]], theirs: list[tuple[object, ...]]) -> bool:
    def near(a: object, b: object) -> bool:
        return a == b or math.isclose(float(a), float(b), rel_tol=1e-6)  # type: ignore[arg-type]

    return len(mine) == len(theirs) and all(near(a, b) for x, y in zip(mine, theirs, strict=True) for a, b in zip(x, y, strict=True))


def questions() -> list[str]:
    lines = (Path(__file__).parent / "tpch.sql").read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith("--")).split(";")[:-1]


class Library:
    """The peer over the very library that the worker links, with its threads and memory: it streams rows and throws them away."""

    def __init__(self, work: Path) -> None:
        self.process = subprocess.Popen([engine_program("drain", work), str(THREADS), MEMORY], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def execute(self, sql: str) -> tuple[float, int]:
        """Seconds, and how many rows there were."""
        assert self.process.stdin and self.process.stdout
        text = sql.encode()
        self.process.stdin.write(b"%d\n%b" % (len(text), text))
        self.process.stdin.flush()
        said = self.process.stdout.readline().split()
        if len(said) != 2:
            raise RuntimeError("the library alone failed")
        return float(said[0]), int(said[1])

    def __enter__(self) -> "Library":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()


def drained(client: Wire, sql: str) -> tuple[float, int]:
    """As Library.execute(), through the wire: from the question to ReadyForQuery, its rows thrown away."""
    seconds, tail = read_to_its_end(client, packed([query(sql)]))
    told = re.search(rb"SELECT (\d+)\0Z", tail)
    if not told:
        raise RuntimeError(f"it failed: {tail!r}")
    return seconds, int(told[1])


@dataclass
class Turns:
    """The times of one question in pairs, milliseconds; the first of each are not counted."""

    mine: list[float]
    theirs: list[float]

    def add(self, ours: float, peer: float) -> None:
        self.mine.append(1e3 * ours), self.theirs.append(1e3 * peer)

    def tell(self, report, name: str) -> float:
        report.pair(name, self.mine[1:], self.theirs[1:], "ms")
        return statistics.median(m / t for m, t in zip(self.mine[1:], self.theirs[1:], strict=True))


def compare_questions(report, name: str, client: psycopg.Connection[tuple[object, ...]], raw: Wire, bare: duckdb.DuckDBPyConnection,
                      library: Library, pairs: int) -> None:
    """The 22 questions before two peers. Python's package of the engine: both sides fetch all rows, which are compared. And the library
    that the worker links: both sides drain as many rows."""
    ratios: list[float] = []
    others: list[float] = []
    for number, text in enumerate(questions(), 1):
        fetched, drains = Turns([], []), Turns([], [])
        ours_text, peer_text = text.format(t="tpc.staging."), text.format(t="")
        for _ in range(pairs + 1):
            ours, answer = seconds_of(lambda: client.execute(ours_text).fetchall())
            peer, expected = seconds_of(lambda: bare.execute(peer_text).fetchall())
            if not same(answer, expected):
                raise RuntimeError(f"{name}, question {number}: not the same rows")
            fetched.add(ours, peer)
        for _ in range(pairs + 1):
            (ours, count), (peer, expected_count) = drained(raw, ours_text), library.execute(peer_text)
            if not count == expected_count == len(answer):
                raise RuntimeError(f"{name}, question {number}: {count}, {expected_count} and {len(answer)} rows")
            drains.add(ours, peer)
        ratios.append(drains.tell(report, f"{name}, question {number}"))
        others.append(fetched.tell(report, f"{name}, question {number}, Python"))
    report.alone(f"{name}, ours / the library alone", statistics.geometric_mean(ratios), f"geomean, worst {max(ratios):.2f}")
    report.alone(f"{name}, ours / Python's engine", statistics.geometric_mean(others), f"geomean, worst {max(others):.2f}")


def bare_engine() -> duckdb.DuckDBPyConnection:
    bare = duckdb.connect()
    bare.execute(f"set threads = {THREADS}; set memory_limit = '{MEMORY}'")
    return bare


def tpch(report, work: Path, pairs: int) -> None:
    """The 22 questions through the wire, beside the engine alone over the same files with as many threads."""
    with tempfile.TemporaryDirectory(dir=work) as folder, Library(work) as library:
        project = project_of(Path(folder), "tpc", *tpch_files(work))
        bare = bare_engine()
        for table in TABLES:
            view = f"create view {table} as from read_parquet({table_files(project, f'tpc.staging.{table}')})"
            bare.execute(view), library.execute(view)
        with serving(project) as server, ours_of(server, "").psycopg() as client:
            compare_questions(report, f"TPC-H {SCALE}", client, ours_of(server, "").connect(), bare, library, pairs)
