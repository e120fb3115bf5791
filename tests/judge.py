# SPDX-License-Identifier: Apache-2.0
"""Outside judges: PyIceberg opens a table without Lode, Python's csv module reads a file without Lode."""

import base64
import csv
import gzip
import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pyarrow
from pyiceberg.avro.file import AvroFile
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.table import StaticTable


def iceberg_table(metadata_location: str) -> StaticTable:
    return StaticTable.from_metadata(metadata_location)


def iceberg_rows(metadata_location: str) -> pyarrow.Table:
    return iceberg_table(metadata_location).scan().to_arrow()


def avro_header(path: str) -> tuple[dict[str, str], Any]:
    """The keys of the header but the schema, and the schema."""
    with AvroFile(PyArrowFileIO().new_input(path)) as file:
        meta = dict(file.header.meta)
    return meta, json.loads(meta.pop("avro.schema"))


def csv_records(path: Path, **dialect: Any) -> Iterator[list[str]]:
    """The records of a CSV file, gzip or not, as Python's csv module cuts them, the header's included."""
    opened = gzip.open(path, "rt", encoding="utf-8-sig", newline="") if path.suffix == ".gz" else \
        open(path, encoding="utf-8-sig", newline="")
    with opened as file:
        yield from csv.reader(file, **dialect)


def checksum(rows: Iterable[Iterable[Any]]) -> str:
    """Of rows in any order, NULL apart from empty text, 1 apart from 1.0."""
    lines = sorted("\x1f".join("\\N" if value is None else f"{type(value).__name__}:{value}" for value in row)
                   for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def arrow_checksum(table: pyarrow.Table) -> tuple[Any, ...]:
    """Of an Arrow table's rows in any order, by DuckDB's hash: for more rows than Python should touch."""
    with duckdb.connect() as connection:
        connection.register("judged", table)
        return connection.execute("select count(*), sum(hash(row)), bit_xor(hash(row)) from judged as row").fetchone()


def parsed(text: str, kind: str) -> Any:
    """What a field's text means in a column of that type, by Python's own means; '' is NULL but in text, where Python's
    csv module cannot tell "" from nothing."""
    word = kind.split("(")[0].split()[0]
    if text == "" and word != "text":
        return None
    if word in ("int", "bigint"):
        return int(text)
    if word == "double":
        return float(text)
    if word == "decimal":
        return Decimal(text)
    if word == "boolean":
        return text.lower() in ("true", "t", "yes", "y", "1", "on")
    if word == "date":
        return date.fromisoformat(text)
    if word in ("timestamp", "timestamptz"):
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    return text


def moment_text(value: datetime | time) -> str:
    """ISO 8601 with as many digits of the second as it has, and its offset."""
    whole = value.isoformat(timespec="microseconds")
    clock, plus, offset = whole.partition("+")
    return clock.rstrip("0").rstrip(".") + plus + offset


def json_form(value: Any) -> Any:
    """A value as `-o json` gives it, numbers with a fraction read as Decimal and doubles as float."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime | time):
        return moment_text(value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
