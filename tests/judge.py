# SPDX-License-Identifier: Apache-2.0
"""Outside judges: PyIceberg opens a table without Lode, Python's csv module reads a file without Lode."""

import csv
import gzip
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow
from pyiceberg.table import StaticTable


def iceberg_table(metadata_location: str) -> StaticTable:
    return StaticTable.from_metadata(metadata_location)


def iceberg_rows(metadata_location: str) -> pyarrow.Table:
    return iceberg_table(metadata_location).scan().to_arrow()


def csv_records(path: Path, **dialect: Any) -> Iterator[list[str]]:
    """The records of a CSV file, gzip or not, as Python's csv module cuts them, the header's included."""
    opened = gzip.open(path, "rt", encoding="utf-8-sig", newline="") if path.suffix == ".gz" else \
        open(path, encoding="utf-8-sig", newline="")
    with opened as file:
        yield from csv.reader(file, **dialect)


def csv_rows(path: Path, **dialect: Any) -> list[dict[str, str]]:
    """The same as one dictionary per data record; empty fields stay empty text."""
    records = csv_records(path, **dialect)
    header = next(records)
    return [dict(zip(header, record, strict=True)) for record in records]


def checksum(rows: Iterable[Iterable[Any]]) -> str:
    """Of rows in any order, NULL apart from empty text, 1 apart from 1.0."""
    lines = sorted("\x1f".join("\\N" if value is None else f"{type(value).__name__}:{value}" for value in row)
                   for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def arrow_checksum(table: pyarrow.Table, columns: list[str] | None = None) -> str:
    wanted = table.select(columns) if columns else table
    return checksum(zip(*(column.to_pylist() for column in wanted.columns), strict=True))
