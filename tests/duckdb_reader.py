# SPDX-License-Identifier: Apache-2.0
"""DuckDB's own Iceberg extension as a foreign reader. It exists for other versions of DuckDB than our engine's, so it
lives in an environment of its own: this file is both what the tests call and, run by that environment's Python, the
program that reads.

    python duckdb_reader.py FOLDER METADATA_JSON...     copies each table's rows into FOLDER/0.parquet, 1.parquet, ...
"""

import functools
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

VERSION = "1.5.5"
EXTENSIONS = ("avro", "httpfs", "iceberg")
PACKAGES = [f"duckdb=={VERSION}", *(f"duckdb-extension-{name}=={VERSION}" for name in EXTENSIONS)]
FOLDER = Path.home() / ".cache" / "lode" / f"duckdb-iceberg-{VERSION}"


@functools.cache
def environment() -> tuple[Path | None, str]:
    """Its Python, made on the first call; or None and why."""
    python = FOLDER / "bin" / "python"
    probe = [str(python), "-c", "import duckdb; print(duckdb.__version__)"]
    if python.exists() and subprocess.run(probe, capture_output=True, text=True).stdout.strip() == VERSION:
        return python, ""
    for step in ([sys.executable, "-m", "venv", "--clear", str(FOLDER)],
                 [str(python), "-m", "pip", "install", "--quiet", "--no-deps", *PACKAGES]):
        try:
            done = subprocess.run(step, capture_output=True, text=True, timeout=300)
        except (OSError, subprocess.TimeoutExpired) as failure:
            return None, f"DuckDB {VERSION} with its Iceberg extension cannot be installed: {failure}"
        if done.returncode != 0:
            said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            return None, f"DuckDB {VERSION} with its Iceberg extension cannot be installed: {said}"
    return python, ""


def duckdb_rows(metadata_locations: list[str]) -> list[list[dict[str, Any]]]:
    """The rows of each table, as that reader sees them; environment() must have said yes."""
    import pyarrow.parquet
    python, why = environment()
    assert python, why
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([python, __file__, folder, *metadata_locations], capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
        return [pyarrow.parquet.read_table(Path(folder) / f"{number}.parquet").to_pylist()
                for number in range(len(metadata_locations))]


def extension_file(name: str) -> str:
    """Signed by DuckDB's makers, in a wheel by others; DuckDB checks the signature when it loads it."""
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    for root in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(Path(root).rglob(f"{name}.duckdb_extension")):
            return str(path)
    raise SystemExit(f"no extension {name} in its wheel")


def main(folder: str, *metadata_locations: str) -> None:
    import duckdb
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    for name in EXTENSIONS:
        connection.execute(f"load '{extension_file(name)}'")
    for number, location in enumerate(metadata_locations):
        connection.execute(f"copy (select * from iceberg_scan('{location}')) to '{folder}/{number}.parquet' (format parquet)")


if __name__ == "__main__":
    main(*sys.argv[1:])
