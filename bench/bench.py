# SPDX-License-Identifier: Apache-2.0
"""./dev bench [NAME]: our figures beside the bare engine's, from one run, in pairs (ours, theirs, ours, theirs, ...).

Quote the ratios: seconds drift with the machine, and pairs drift together. Every figure is the median of the pairs, and
the ratio is the median of the pairs' ratios. Files are warm in the page cache. Process start is counted on both sides.
Ours does more: it lands the file (copies, hashes, syncs), checks every field, keeps what does not fit, commits."""

import dataclasses
import itertools
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import fairness
import intake
import policy
import pyarrow
import reading
import sheets
import trino
import wire
from process import Cost, csv_file, engine_program, forget_store, run
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import StaticTable

ROOT = Path(__file__).resolve().parent.parent
LODE = ROOT / "build" / "lode"
WORK = ROOT / "build" / "bench"
PAIRS = int(os.environ.get("LODE_BENCH_PAIRS", "5"))
ROWS = int(os.environ.get("LODE_BENCH_ROWS", "1500000"))

# Like TPC-H's lineitem: keys, small integers, money, dates, words, free text. Deterministic.
LINEITEM = """
select i // 4 + 1 as l_orderkey, hash(i) % 200000 + 1 as l_partkey, hash(i + 1) % 10000 + 1 as l_suppkey,
       i % 7 + 1 as l_linenumber, hash(i + 2) % 50 + 1 as l_quantity,
       (hash(i + 3) % 9000000 / 100.0 + 900)::decimal(12,2) as l_extendedprice,
       (hash(i + 4) % 11 / 100.0)::decimal(4,2) as l_discount, (hash(i + 5) % 9 / 100.0)::decimal(4,2) as l_tax,
       ['A','N','R'][(hash(i + 6) % 3 + 1)::int] as l_returnflag, ['F','O'][(hash(i + 7) % 2 + 1)::int] as l_linestatus,
       date '1992-01-02' + (hash(i + 8) % 2500)::int as l_shipdate,
       date '1992-01-31' + (hash(i + 9) % 2500)::int as l_commitdate,
       date '1992-01-04' + (hash(i + 10) % 2500)::int as l_receiptdate,
       ['DELIVER IN PERSON','COLLECT COD','NONE','TAKE BACK RETURN'][(hash(i + 11) % 4 + 1)::int] as l_shipinstruct,
       ['AIR','FOB','MAIL','RAIL','REG AIR','SHIP','TRUCK'][(hash(i + 12) % 7 + 1)::int] as l_shipmode,
       md5(i::text)[:(hash(i + 13) % 24 + 8)::int] || ' ' || ['carefully','final','slyly'][(hash(i) % 3 + 1)::int]
           as l_comment
from range({rows}) r(i)
"""


class Report:
    """Lines of the table, and the same as JSON beside the build."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []
        print(f"{'measure':34} {'ours':>10} {'peer':>10} {'peer/ours':>10}  unit")

    def pair(self, name: str, ours: list[float], peer: list[float], unit: str) -> None:
        ratio = statistics.median(theirs / mine for mine, theirs in zip(ours, peer, strict=True))
        mine, theirs = statistics.median(ours), statistics.median(peer)
        print(f"{name:34} {mine:10.3f} {theirs:10.3f} {ratio:9.2f}x  {unit}", flush=True)
        self.rows.append({"measure": name, "ours": mine, "peer": theirs, "ratio": ratio, "unit": unit})

    def alone(self, name: str, value: float, unit: str) -> None:
        print(f"{name:34} {value:10.3f} {'':10} {'':10}  {unit}", flush=True)
        self.rows.append({"measure": name, "ours": value, "unit": unit})

    def costs(self, name: str, ours: list[Cost], peer: list[Cost]) -> None:
        self.pair(f"{name}, wall", [c.seconds for c in ours], [c.seconds for c in peer], "s")
        self.pair(f"{name}, CPU", [c.cpu for c in ours], [c.cpu for c in peer], "s")
        self.pair(f"{name}, peak memory", [c.peak_mib for c in ours], [c.peak_mib for c in peer], "MiB")


def lineitem(rows: int) -> str:
    return LINEITEM.format(rows=rows)


def make_csv(path: Path, rows: int) -> Path:
    return csv_file(path, lineitem(rows))


def bare_program() -> Path:
    """The peer of one statement in a process of its own."""
    return engine_program("bare", WORK)


def new_project(folder: Path, file: Path) -> tuple[Path, dict[str, str]]:
    """A project with one source over the file; gives also its columns and types, which the peer is told too."""
    project = folder / "project"
    subprocess.run([LODE, "init", project], check=True, capture_output=True)
    added = subprocess.run([LODE, "add", "bench", file, "--name", "lineitem", "-o", "json"], cwd=project, check=True,
                           capture_output=True, text=True)
    columns = json.loads(added.stdout)["sources"][0]["columns"]
    return project, {column["name"]: column["type"].removesuffix(" required") for column in columns}


def copy_statement(source: Path, columns: dict[str, str], target: Path) -> str:
    types = ", ".join(f"'{name}': '{'varchar' if kind == 'text' else kind}'" for name, kind in columns.items())
    return (f"copy (select * from read_csv('{source}', header=true, delim=',', quote='\"', auto_detect=false, "
            f"columns={{{types}}})) to '{target}' (format parquet, compression zstd, compression_level 1, "
            f"row_group_size 122880)")


def stage(report: Report) -> None:
    """CSV to a staged, committed table, beside the engine's COPY of the same file with the same schema."""
    source, bare = make_csv(WORK / f"lineitem-{ROWS}.csv", ROWS), bare_program()
    report.alone("the file", source.stat().st_size / 1e6, "MB")
    with tempfile.TemporaryDirectory(dir=WORK) as temporary:
        folder = Path(temporary)
        project, columns = new_project(folder, source)
        copy = copy_statement(source, columns, folder / "peer.parquet")
        source.read_bytes()  # warm
        for threads in (1, 2):
            ours, peer = [], []
            for _ in range(PAIRS):
                forget_store(project)
                ours.append(run([LODE, "run"], threads, cwd=project))
                settings = f"set preserve_insertion_order={'true' if threads == 1 else 'false'};"
                peer.append(run([bare, str(threads), settings + copy], threads))
            report.costs(f"stage, {threads} thread{'s' if threads > 1 else ''}", ours, peer)
        kept = sum(path.stat().st_size for path in (folder / "project.lode").rglob("*.parquet"))
        report.pair("stage, size of the Parquet", [kept / 1e6], [(folder / "peer.parquet").stat().st_size / 1e6], "MB")


def parquet_file(rows: int, signed: bool) -> Path:
    """As the engine has them, three columns are unsigned integers of 64 bits, which no table can have; signed, all can stay as they are."""
    source = WORK / f"lineitem-{rows}{'-signed' if signed else ''}.parquet"
    if not source.exists():
        partial = source.with_suffix(".partial")
        casts = ", ".join(f"{name}::bigint as {name}" for name in ("l_partkey", "l_suppkey", "l_quantity"))
        select = f"select * replace ({casts}) from ({lineitem(rows)})" if signed else lineitem(rows)
        subprocess.run([bare_program(), "2", f"copy ({select}) to '{partial}' (format parquet, compression snappy)"], check=True, capture_output=True)
        partial.rename(source)
    return source


def parquet(report: Report) -> None:
    """A Parquet file to a staged, committed table, its pages written anew and as they are, beside the engine's COPY of the same file."""
    for name, source in (("parquet", parquet_file(4 * ROWS, False)), ("parquet, pages stay", parquet_file(4 * ROWS, True))):
        parquet_of(report, name, source, bare_program())


def parquet_of(report: Report, name: str, source: Path, bare: Path) -> None:
    report.alone(f"{name}, the file", source.stat().st_size / 1e6, "MB")
    with tempfile.TemporaryDirectory(dir=WORK) as temporary:
        folder = Path(temporary)
        project, _ = new_project(folder, source)
        copy = f"copy (from read_parquet('{source}')) to '{folder}/peer.parquet' (format parquet, compression zstd, compression_level 1, row_group_size 122880)"
        source.read_bytes()  # warm
        for threads in (1, 2):
            ours, peer = [], []
            for _ in range(PAIRS):
                forget_store(project)
                ours.append(run([LODE, "run"], threads, cwd=project))
                peer.append(run([bare, str(threads), copy], threads))
            report.costs(f"{name}, {threads} thread{'s' if threads > 1 else ''}", ours, peer)
        kept = sum(path.stat().st_size for path in (folder / "project.lode" / "tables").rglob("*.parquet"))
        landed = sum(path.stat().st_size for path in (folder / "project.lode" / "landing").rglob("*") if path.is_file())
        report.pair(f"{name}, bytes of the table", [kept / 1e6], [(folder / "peer.parquet").stat().st_size / 1e6], "MB")
        report.alone(f"{name}, bytes landed besides", landed / 1e6, "MB")


def xlsx(report: Report) -> None:
    """A workbook to a staged, committed table, beside programs that read its cells (DuckDB: to Parquet), on one processor."""
    rows = ROWS // 10
    source = sheets.write(WORK / f"orders-{rows}.xlsx", rows)
    with zipfile.ZipFile(source) as archive:
        megabytes = sum(entry.file_size for entry in archive.infolist()) / 1e6
    report.alone("the workbook", source.stat().st_size / 1e6, "MB")
    report.alone("the workbook, unpacked", megabytes, "MB")
    peers = {"openpyxl": Path(sys.executable), "calamine": Path(sys.executable), "duckdb": sheets.python_with_duckdb()}
    with tempfile.TemporaryDirectory(dir=WORK) as temporary:
        project, _ = new_project(Path(temporary), source)
        for name, python in peers.items():
            ours, peer = [], []
            for _ in range(PAIRS if python else 0):
                forget_store(project)
                ours.append(run([LODE, "run"], 1, cwd=project))
                cost = run([python, ROOT / "bench" / "sheets.py", name, source], 1)
                seen, peak = map(int, cost.stdout.split())
                assert seen == rows + 1, cost
                peer.append(dataclasses.replace(cost, peak_mib=peak / 1024))
            if not python:
                print(f"{name}: cannot be had")
                continue
            report.costs(f"xlsx beside {name}", ours, peer)
            report.pair(f"xlsx beside {name}, unpacked", [megabytes / c.seconds for c in ours], [megabytes / c.seconds for c in peer], "MB/s")


def small(report: Report) -> None:
    """A thousand files of 10 KB in one run, beside one COPY over the same list."""
    bare, count = bare_program(), 1000
    with tempfile.TemporaryDirectory(dir=WORK) as temporary:
        folder = Path(temporary)
        (folder / "in").mkdir()
        lines = make_csv(WORK / "lineitem-100000.csv", 100000).read_text().splitlines(keepends=True)
        for number in range(count):
            (folder / "in" / f"part_{number:04}.csv").write_text(lines[0] + "".join(lines[1 + number * 75:][:75]))
        project, columns = new_project(folder, folder / "in" / "part_0000.csv")
        text = project / "zones" / "bench" / "sources" / "lineitem.yml"
        text.write_text(text.read_text().replace("part_0000.csv", "part_*.csv"))
        copy = copy_statement(folder / "in" / "part_*.csv", columns, folder / "peer.parquet")
        ours, peer = [], []
        for _ in range(PAIRS):
            forget_store(project)
            ours.append(run([LODE, "run"], 2, cwd=project))
            peer.append(run([bare, "2", "set preserve_insertion_order=false;" + copy], 2))
        report.costs("1,000 files of 10 KB", ours, peer)


def query(report: Report) -> None:
    """One question per process: `lode query` beside the engine's library alone."""
    source, bare = make_csv(WORK / "lineitem-100000.csv", 100000), bare_program()
    with tempfile.TemporaryDirectory(dir=WORK) as temporary:
        project, _ = new_project(Path(temporary), source)
        run([LODE, "run"], 2, cwd=project)
        files = [str(path) for path in (project.parent / "project.lode").rglob("*.parquet") if path.stat().st_size > 100000]
        point = "select l_comment from {} where l_orderkey = 12345 and l_linenumber = 3"
        questions = {
            "select 1": ("select 1", "select 1"),
            "point query": (point.format("bench.staging.lineitem"), point.format(f"read_parquet({files})")),
        }
        for name, (mine, theirs) in questions.items():
            ours, peer = [], []
            for _ in range(4 * PAIRS):
                ours.append(run([LODE, "query", mine], 2, cwd=project))
                peer.append(run([bare, "2", theirs], 2))
            report.costs(name, ours, peer)


def shell(line: str) -> Cost:
    return run(["sh", "-c", line], 2)


def keep(report: Report) -> None:
    """Verify beside sha256sum over the same files, backup and restore beside cp and a sync; seconds a GB of what is kept."""
    source = make_csv(WORK / f"lineitem-{ROWS}.csv", ROWS)
    with tempfile.TemporaryDirectory(dir=WORK) as temporary:
        folder = Path(temporary)
        project, _ = new_project(folder, source)
        store = folder / "project.lode"
        run([LODE, "run"], 2, cwd=project)
        files = [path for path in store.rglob("*") if path.is_file()]
        gigabytes = sum(path.stat().st_size for path in files) / 1e9
        report.alone("the store", gigabytes, "GB")
        report.alone("the store, files", len(files), "")
        costs: dict[str, tuple[list[float], list[float]]] = {}

        def pair(name: str, ours: Cost, peer: Cost) -> None:
            for what, measure in (("wall", "seconds"), ("CPU", "cpu")):
                mine, theirs = costs.setdefault(f"{name}, {what} a GB", ([], []))
                mine.append(getattr(ours, measure) / gigabytes)
                theirs.append(getattr(peer, measure) / gigabytes)

        for number in range(PAIRS):
            hashes = shell(f"find {store} -type f -print0 | xargs -0 sha256sum > {folder}/sums")
            pair("verify", run([LODE, "verify"], 2, cwd=project), hashes)
            pair("verify --quick", run([LODE, "verify", "--quick"], 2, cwd=project), hashes)
            backup, copy = folder / f"b{number}", folder / f"c{number}"
            copied = shell(f"cp -r {store} {copy} && sync -f {copy}")
            pair("backup, first", run([LODE, "backup", backup], 2, cwd=project), copied)
            pair("backup, nothing new", run([LODE, "backup", backup], 2, cwd=project), copied)
            pair("restore", run([LODE, "restore", backup, folder / f"r{number}"], 2, cwd=project), copied)
            for path in (backup, copy, folder / f"r{number}"):
                shutil.rmtree(path)
        for name, (mine, theirs) in costs.items():
            report.pair(name, mine, theirs, "s")


PEER_COMMITS_MOST = 1000  # beyond, each of the peer's commits writes megabytes
PEER_MEASURED = 20


def peer_commits(points: list[int]) -> Iterator[tuple[int, tuple[float, float, float]]]:
    """For each point: milliseconds and KB of metadata a commit, milliseconds of planning a scan."""
    rows = pyarrow.table({"id": pyarrow.array(range(10), pyarrow.int64()), "amount": [float(i) for i in range(10)],
                          "word": [f"word {i}" for i in range(10)]})
    with tempfile.TemporaryDirectory(dir=WORK) as temporary:
        folder, done = Path(temporary), 0
        catalog = SqlCatalog("peer", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")
        catalog.create_namespace("shop")
        table = catalog.create_table("shop.orders", schema=rows.schema)

        def metadata() -> int:
            return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.suffix != ".parquet")

        for point in points:
            for _ in range(point - done):
                table.append(rows)
            before, start = metadata(), time.perf_counter()
            for _ in range(PEER_MEASURED):
                table.append(rows)
            seconds, done = time.perf_counter() - start, point + PEER_MEASURED
            kept, start = (metadata() - before) / PEER_MEASURED, time.perf_counter()
            assert len(list(catalog.load_table("shop.orders").scan().plan_files())) == done
            yield point, (seconds * 1000 / PEER_MEASURED, kept / 1000, (time.perf_counter() - start) * 1000)


def commits(report: Report) -> None:
    """Durable commits of one small file on a table that has so many already, beside PyIceberg with its SQLite catalog: that
    syncs nothing but the catalog, and its metadata.json names every snapshot there ever was."""
    points = os.environ.get("LODE_BENCH_COMMITS", "10,1000,10000").split(",")
    with tempfile.TemporaryDirectory(dir=WORK) as temporary:
        ours = run([ROOT / "build" / "src" / "lake_commits_bench", Path(temporary) / "store", *points], 2)
    peers = dict(peer_commits([int(point) for point in points if int(point) <= PEER_COMMITS_MOST]))
    for line in map(json.loads, ours.stdout.splitlines()):
        figures = {"": (1000 / line["per_second"], "ms"), ", metadata": (line["bytes_per_commit"] / 1000, "KB"),
                   ", planning a scan": (line["plan_ms"], "ms")}
        theirs = peers.get(line["commits"])
        for number, (what, (mine, unit)) in enumerate(figures.items()):
            name = f"a commit after {line['commits']:,}{what}"
            if theirs:
                report.pair(name, [mine], [theirs[number]], unit)
            else:
                report.alone(name, mine, unit)


def small_files(project: Path) -> list[str]:
    """Those of the table as it is now that a tidy will merge: a run's end has merged some already."""
    shown = subprocess.run([LODE, "show", "bench.staging.lineitem", "-o", "json"], cwd=project, check=True, capture_output=True)
    plan = StaticTable.from_metadata(json.loads(shown.stdout)["metadata_location"]).scan().plan_files()
    return [task.file.file_path for task in plan if task.file.file_size_in_bytes < 32 << 20]


def tidy(report: Report) -> None:
    """A table of 1,000 small files: what `lode tidy` costs for each GB, beside the engine's COPY of the same files into one;
    and a question of the table as it was before and as it is after. Ours also proves by a hash that rows are equal."""
    bare, count, rows = bare_program(), 1000, 3 * ROWS
    with tempfile.TemporaryDirectory(dir=WORK) as temporary:
        folder = Path(temporary)
        (folder / "in").mkdir()
        with make_csv(WORK / f"lineitem-{rows}.csv", rows).open() as lines:
            header, part = next(lines), rows // count
            for number in range(count):
                (folder / "in" / f"part_{number:04}.csv").write_text(header + "".join(itertools.islice(lines, part)))
        project, _ = new_project(folder, folder / "in" / "part_0000.csv")
        text = project / "zones" / "bench" / "sources" / "lineitem.yml"
        text.write_text(text.read_text().replace("part_0000.csv", "part_*.csv"))
        run([LODE, "run"], 2, cwd=project)
        store, pristine, files = folder / "project.lode", folder / "pristine", small_files(project)
        shutil.copytree(store, pristine)
        gigabytes = sum(Path(file).stat().st_size for file in files) / 1e9
        (folder / "small").mkdir()
        for number, file in enumerate(files):
            os.link(file, folder / "small" / f"{number}.parquet")
        copy = (f"set preserve_insertion_order=false; copy (select * from read_parquet('{folder}/small/*.parquet')) to "
                f"'{folder}/peer.parquet' (format parquet, compression zstd, compression_level 1, row_group_size 122880)")
        log = subprocess.run([LODE, "log", "-o", "json"], cwd=project, check=True, capture_output=True)
        staged = next(commit["commit"] for commit in json.loads(log.stdout) if commit["message"].startswith("stage "))
        question = [LODE, "query", "select l_shipmode, sum(l_quantity) from bench.staging.lineitem group by all"]
        ours, peer, before, after = [], [], [], []
        for _ in range(PAIRS):
            shutil.rmtree(store)
            shutil.copytree(pristine, store)
            ours.append(run([LODE, "tidy"], 2, cwd=project))
            peer.append(run([bare, "2", copy], 2))
            after.append(run(question, 2, cwd=project))
            before.append(run([*question, "--at", staged], 2, cwd=project))
        report.alone(f"tidy, {len(files)} files", gigabytes * 1000, "MB")
        report.costs("tidy", ours, peer)
        report.pair("tidy, for each GB", [cost.seconds / gigabytes for cost in ours],
                    [cost.seconds / gigabytes for cost in peer], "s")
        report.pair("a question of few, of 1,000 files", [cost.seconds for cost in after], [cost.seconds for cost in before], "s")


def size(report: Report) -> None:
    """What is installed, and what one answer holds in memory."""
    with tempfile.TemporaryDirectory() as temporary:
        for name in ("lode", "lode-worker"):
            stripped = Path(temporary) / name
            subprocess.run(["strip", "-o", stripped, ROOT / "build" / name], check=True)
            report.alone(f"{name}, stripped", stripped.stat().st_size / 1e6, "MB")
        project, _ = new_project(Path(temporary), make_csv(WORK / "lineitem-100000.csv", 100000))
        report.alone("lode status, peak memory", run([LODE, "status"], 2, cwd=project).peak_mib, "MiB")


def worker_start(folder: Path, boxed: bool) -> float:
    """Seconds from the start of a worker until it says HELLO: boxed if it is to be, its engine open."""
    (control, worker_control), (rows, worker_rows) = socket.socketpair(), socket.socketpair()
    dup = [(os.POSIX_SPAWN_DUP2, worker_control.fileno(), 20), (os.POSIX_SPAWN_DUP2, worker_rows.fileno(), 21),
           (os.POSIX_SPAWN_DUP2, 20, 3), (os.POSIX_SPAWN_DUP2, 21, 4)]
    program = str(ROOT / "build" / "lode-worker")
    words = [program, str(folder), str(2 << 30), "2", str(8 << 30), str(os.getpid()), "box" if boxed else "nobox"]
    start = time.perf_counter()
    process = os.posix_spawn(program, words, os.environ, file_actions=dup)
    hello = int.from_bytes(control.recv(16)[4:6], "little")
    seconds = time.perf_counter() - start
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    for end in (control, worker_control, rows, worker_rows):
        end.close()
    assert hello == 1, "the worker did not say HELLO"
    return seconds


def box(report: Report) -> None:
    """What the box costs at each start of a worker: the same worker with it and without."""
    with tempfile.TemporaryDirectory(dir=WORK) as temporary:
        folder = Path(temporary)
        for name in ("g", "out", "spill"):
            (folder / name).mkdir()
        worker_start(folder, boxed=True)  # warm
        boxed, bare = [], []
        for _ in range(8 * PAIRS):
            boxed.append(1e3 * worker_start(folder, boxed=True))
            bare.append(1e3 * worker_start(folder, boxed=False))
        report.pair("a worker's start, boxed or not", boxed, bare, "ms")


MEASURES: dict[str, Callable[[Report], None]] = {"stage": stage, "parquet": parquet, "xlsx": xlsx, "small": small, "query": query, "commits": commits,
                                                 "tidy": tidy, "keep": keep, "box": box, "size": size}
# Before `lode serve`, beside a PostgreSQL 15 or the bare engine.
MEASURES |= {name: lambda report, measure=measure: measure(report, WORK, PAIRS)
             for name, measure in {"transfer": wire.transfer, "rates": wire.rates, "start": wire.start, "tpch": wire.tpch, "policy": policy.policy,
                                   "fairness": fairness.fairness}.items()}
# What comes out of files, beside other readers.
MEASURES |= {"intake": lambda report: intake.intake(report, WORK), "infer": lambda report: reading.infer(report, WORK, PAIRS, lineitem),
             "json": lambda report: reading.json_records(report, WORK, PAIRS, lineitem)}

# Beside what is large to fetch: only when asked for by name.
ASKED = {"trino": lambda report: trino.trino(report, WORK, PAIRS)}


def main(wanted: list[str]) -> int:
    measures = MEASURES | ASKED
    unknown = [name for name in wanted if name not in measures]
    if unknown:
        print(f"no measure {unknown[0]!r}; there are {', '.join(measures)}", file=sys.stderr)
        return 2
    WORK.mkdir(parents=True, exist_ok=True)
    report = Report()
    for name in wanted or MEASURES:
        measures[name](report)
    (WORK / "results.json").write_text(json.dumps(report.rows, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
