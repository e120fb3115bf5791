# SPDX-License-Identifier: Apache-2.0
"""What it costs to find out how a file is written, and to read JSON: beside DuckDB, Polars and Python's json, on one processor.

`lode add` reads the first 8 MB of text, and whole what is smaller; DuckDB looks at 20,480 records and Polars at 100 unless they
are told to look at all. So each is measured by its default and over the whole file, and our seconds are those of the process,
theirs those within it: without Python's start."""

import dataclasses
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import readers
import sheets
from process import Cost, csv_file, forget_store, run

ROOT = Path(__file__).resolve().parent.parent
LODE = ROOT / "build" / "lode"
SMALL_ROWS = 45_000  # about 7 MB of CSV: below the sample
LARGE_ROWS = 400_000


def json_file(path: Path, csv: Path) -> Path:
    """The records of a CSV file as JSON lines or, called .json, as a document: an array of objects."""
    import duckdb
    if not path.exists():
        part = path.with_suffix(".part")
        duckdb.execute(f"copy (from read_csv('{csv}')) to '{part}' (format json, array {str(path.suffix == '.json').lower()})")
        part.rename(path)
    return path


def project(folder: Path) -> Path:
    made = folder / "project"
    shutil.rmtree(made, ignore_errors=True)
    shutil.rmtree(folder / "project.lode", ignore_errors=True)
    subprocess.run([LODE, "init", made], check=True, capture_output=True)
    return made


def peer(reader: str, *arguments: str | Path) -> Cost:
    python = readers.python_with_polars() if reader == "polars" else Path(sys.executable)
    cost = run([python, Path(__file__).with_name("readers.py"), arguments[0], reader, *arguments[1:]], 1)
    _, seconds, peak = cost.stdout.split()
    return dataclasses.replace(cost, seconds=float(seconds), peak_mib=int(peak) / 1024)


def infer(report: Any, work: Path, pairs: int, lineitem: Callable[[int], str]) -> None:
    files = {}
    for name, rows in (("small", SMALL_ROWS), ("large", LARGE_ROWS)):
        csv = csv_file(work / f"lineitem-{rows}.csv", lineitem(rows))
        files[name] = [csv, json_file(csv.with_suffix(".jsonl"), csv), json_file(csv.with_suffix(".json"), csv)]
    files["small"].append(sheets.write(work / f"orders-{SMALL_ROWS}.xlsx", SMALL_ROWS))
    with tempfile.TemporaryDirectory(dir=work) as temporary:
        for name, paths in files.items():
            for path in paths:
                megabytes = path.stat().st_size / 1e6
                kind = f"{path.suffix[1:]} of {megabytes:.0f} MB"
                costs: dict[str, list[float]] = {}
                for _ in range(pairs):
                    ours = run([LODE, "add", "z", path, "--name", "x"], 1, cwd=project(Path(temporary)))
                    costs.setdefault("ours", []).append(1000 * ours.seconds / megabytes)
                    for reader in () if path.suffix == ".xlsx" else readers.TYPES:
                        for sample in ("whole", "default"):
                            costs.setdefault(f"{reader}, {sample}", []).append(1000 * peer(reader, "types", path, sample).seconds / megabytes)
                mine = costs.pop("ours")
                if not costs:
                    report.alone(f"infer {kind}", sorted(mine)[len(mine) // 2], "ms/MB")
                for label, theirs in costs.items():
                    report.pair(f"infer {kind}, {label}", mine, theirs, "ms/MB")


def json_records(report: Any, work: Path, pairs: int, lineitem: Callable[[int], str]) -> None:
    csv = csv_file(work / f"lineitem-{LARGE_ROWS}.csv", lineitem(LARGE_ROWS))
    with tempfile.TemporaryDirectory(dir=work) as temporary:
        for path in (json_file(csv.with_suffix(".jsonl"), csv), json_file(csv.with_suffix(".json"), csv)):
            megabytes = path.stat().st_size / 1e6
            made = project(Path(temporary))
            subprocess.run([LODE, "add", "z", path, "--name", "x"], check=True, capture_output=True, cwd=made)
            for reader in readers.JSON:
                ours, theirs = [], []
                for _ in range(pairs):
                    forget_store(made)
                    cost = run([LODE, "run", "-o", "json"], 1, cwd=made)
                    assert json.loads(cost.stdout)["deliveries"][0]["accepted"] == LARGE_ROWS, cost.stdout
                    ours.append(cost)
                    theirs.append(peer(reader, "json", path))
                name = f"{path.suffix[1:]} of {megabytes:.0f} MB beside {reader}"
                report.pair(name, [megabytes / c.seconds for c in ours], [megabytes / c.seconds for c in theirs], "MB/s")
                report.pair(f"{name}, CPU", [c.cpu for c in ours], [c.cpu for c in theirs], "s")
                report.pair(f"{name}, peak", [c.peak_mib for c in ours], [c.peak_mib for c in theirs], "MiB")
