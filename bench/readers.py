# SPDX-License-Identifier: Apache-2.0
"""The peers that read files nobody described, each as a program of its own:

    python readers.py rows READER   takes a list of paths (JSON) from stdin and gives for each a pickled Read, in order
    python readers.py types READER FILE default|whole   guesses the types of one file
    python readers.py json READER FILE                  reads a JSON file whole, DuckDB and Polars to Parquet

and prints what it counted (columns, records), the seconds without the start of Python and what is imported, and its peak memory
in KiB. Polars lives in an environment of its own, so nothing is imported before it is needed."""

import csv
import gzip
import io
import json
import pickle
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

POLARS = "2.1.0"
FOLDER = Path.home() / ".cache" / "lode" / f"polars-{POLARS}"
# What the peers are told where they are told the columns at all: name, DuckDB's type, Polars' type.
COLUMNS = [("id", "INTEGER", "Int32"), ("name", "VARCHAR", "String"), ("amount", "DECIMAL(10,2)", "Decimal"), ("born", "DATE", "Date"), ("note", "VARCHAR", "String")]
SAMPLE_RECORDS = {"duckdb": 20480, "polars": 100}  # what each looks at by default


def python_with_polars() -> Path | None:
    """The Python of an environment of its own, made on the first call; None where it cannot be had."""
    python = FOLDER / "bin" / "python"
    if python.exists():
        return python
    for step in ([sys.executable, "-m", "venv", "--clear", str(FOLDER)],
                 [str(python), "-m", "pip", "install", "--quiet", f"polars=={POLARS}"]):
        if subprocess.run(step, capture_output=True, timeout=300).returncode != 0:
            return None
    return python


# ---- rows: a dict with `rows` (tuples), `names` (of the columns), `told` (lines said to be left out), or `refused` (why) ----


def duckdb_rows(path: str, options: str = "", rejects: bool = False) -> dict[str, Any]:
    import duckdb
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = true")
        relation = connection.execute("select * from read_csv($path" + options + ")", {"path": path})
        names = [column[0] for column in relation.description]
        rows, told = relation.fetchall(), 0
        if rejects:
            lines = connection.execute("select distinct line, csv_line from reject_errors").fetchall()
            told = sum(1 + (text or "").rstrip("\r\n").count("\n") for _, text in lines)
    return {"rows": rows, "names": names, "told": told}


def duckdb_told(path: str) -> dict[str, Any]:
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind, _ in COLUMNS)
    return duckdb_rows(path, f", header = true, delim = ',', quote = '\"', escape = '\"', columns = {{{columns}}}, auto_detect = false")


def duckdb_told_rejects(path: str) -> dict[str, Any]:
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind, _ in COLUMNS)
    return duckdb_rows(path, f", header = true, delim = ',', quote = '\"', escape = '\"', columns = {{{columns}}}, auto_detect = false, store_rejects = true", True)


def polars_rows(path: str, schema: bool = False) -> dict[str, Any]:
    import polars
    options = {}
    if schema:
        options["schema"] = {name: polars.Decimal(10, 2) if kind == "Decimal" else getattr(polars, kind) for name, _, kind in COLUMNS}
    frame = polars.read_csv(path, **options)
    return {"rows": frame.rows(), "names": frame.columns, "told": 0}


def text_of(path: str) -> str:
    data = Path(path).read_bytes()
    return (gzip.decompress(data) if path.endswith(".gz") else data).decode("utf-8-sig")


def csv_rows(path: str, sniffed: bool = False) -> dict[str, Any]:
    csv.field_size_limit(1 << 30)
    text = text_of(path)
    dialect: Any = csv.Sniffer().sniff(text[:65536]) if sniffed else csv.excel
    has_header = csv.Sniffer().has_header(text[:65536]) if sniffed else True
    rows = [tuple(record) for record in csv.reader(io.StringIO(text, newline=""), dialect) if record]
    return {"rows": rows[has_header:], "names": list(rows[0]) if has_header and rows else [], "told": 0}


ROWS = {
    "duckdb": duckdb_rows, "duckdb store_rejects": lambda path: duckdb_rows(path, ", store_rejects = true", True),
    "duckdb told": duckdb_told, "duckdb store_rejects told": duckdb_told_rejects,
    "polars": polars_rows, "polars told": lambda path: polars_rows(path, True),
    "csv": csv_rows, "csv Sniffer": lambda path: csv_rows(path, True),
}


def plain(value: Any) -> Any:
    """Of the standard library's types alone, so that it can be handed over."""
    return value if value is None or type(value).__module__ in ("builtins", "datetime", "decimal") else str(value)


def serve(reader: str) -> None:
    for path in json.load(sys.stdin):
        try:
            read = ROWS[reader](path)
            read["rows"] = [tuple(map(plain, row)) for row in read["rows"]]
        except BaseException as error:  # Polars panics outside of Exception
            read = {"refused": f"{type(error).__name__}: {error}"[:300]}
        pickle.dump(read, sys.stdout.buffer)
        sys.stdout.buffer.flush()


# ---- types ----


def duckdb_types(path: str, whole: bool) -> int:
    import duckdb
    connection = duckdb.connect(config={"threads": "1"})
    sample = "-1" if whole else str(SAMPLE_RECORDS["duckdb"])
    if path.endswith("csv"):
        return len(connection.execute(f"select columns from sniff_csv('{path}', sample_size = {sample})").fetchall()[0][0])
    return len(connection.execute(f"describe select * from read_json('{path}', sample_size = {sample})").fetchall())


def polars_types(path: str, whole: bool) -> int:
    import polars
    sample = None if whole else SAMPLE_RECORDS["polars"]
    if path.endswith("csv"):
        return len(polars.scan_csv(path, infer_schema_length=sample, try_parse_dates=True).collect_schema())
    if path.endswith("jsonl"):
        return len(polars.scan_ndjson(path, infer_schema_length=sample).collect_schema())
    return len(polars.read_json(path, infer_schema_length=sample).schema)  # knows no way but reading all


TYPES = {"duckdb": duckdb_types, "polars": polars_types}

# ---- JSON ----


def duckdb_json(path: str) -> int:
    import duckdb
    connection = duckdb.connect(config={"threads": "1"})
    connection.execute(f"copy (select * from read_json('{path}')) to '{path}.parquet' (format parquet, compression zstd, compression_level 1)")
    return connection.execute(f"select count(*) from '{path}.parquet'").fetchall()[0][0]


def polars_json(path: str) -> int:
    import polars
    frame = polars.read_ndjson(path) if path.endswith("jsonl") else polars.read_json(path)
    frame.write_parquet(f"{path}.parquet", compression="zstd", compression_level=1)
    return len(frame)


def python_json(path: str) -> int:
    with open(path, encoding="utf-8") as file:
        return sum(1 for line in file if json.loads(line)) if path.endswith("jsonl") else len(json.load(file))


JSON = {"duckdb": duckdb_json, "polars": polars_json, "python": python_json}


def main(what: str, reader: str, *arguments: str) -> None:
    if what == "rows":
        serve(reader)
        return
    if reader != "python":
        __import__(reader)
    start = time.perf_counter()
    counted = TYPES[reader](arguments[0], arguments[1] == "whole") if what == "types" else JSON[reader](arguments[0])
    print(counted, time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    main(*sys.argv[1:])
