# SPDX-License-Identifier: Apache-2.0
"""The Parquet writer, judged by PyArrow: every type, null and bound of a file that the unit test wrote."""

import math
import os
import struct
import subprocess
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from conftest import ROOT

WRITER_TEST = ROOT / "build" / "src" / "parquet_writer_test"
ROWS = 20003
GROUP = 8192
EPOCH = datetime(1970, 1, 1)


def exact(unscaled: int, scale: int) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        return Decimal(unscaled).scaleb(-scale)


def as_int32(value: int) -> int:
    return struct.unpack("<i", struct.pack("<I", value & 0xFFFFFFFF))[0]


def long_decimal(row: int) -> int:
    value = (row * 1000003 - 7) * 10**25 - row
    return value if row % 2 else -value


def moment(row: int) -> datetime:
    return EPOCH + timedelta(microseconds=row // 10 * 1000001 - 10**15)


def many(row: int) -> str:
    return f"{row * 7919 % 10007} é漢🙂 {row}"


def time_of_day(row: int) -> time:
    return (datetime.min + timedelta(microseconds=row * 1234567 % 86400000000)).time()


# In the order of the columns; src/parquet/writer_test.c has the same formulas.
FORMULAS: dict[str, tuple[pa.DataType, Any]] = {
    "boolean": (pa.bool_(), lambda row: row % 3 == 0),
    "int": (pa.int32(), lambda row: as_int32(row * 2654435761)),
    "bigint": (pa.int64(), lambda row: row * 97000291 - 500000000000),
    "float": (pa.float32(), lambda row: row / 4 - 100),
    "double": (pa.float64(), lambda row: math.nan if row % 1000 == 17 else row / 8),
    "decimal9": (pa.decimal128(9, 2), lambda row: exact(row % 100 - 50, 2)),
    "decimal18": (pa.decimal128(18, 3), lambda row: exact(row * 12345678901 - 1, 3)),
    "decimal38": (pa.decimal128(38, 5), lambda row: exact(long_decimal(row), 5)),
    "date": (pa.date32(), lambda row: date(1970, 1, 1) + timedelta(days=row % 40000 - 10000)),
    "time": (pa.time64("us"), time_of_day),
    "timestamp": (pa.timestamp("us"), moment),
    "timestamptz": (pa.timestamp("us", tz="UTC"), lambda row: moment(row).replace(tzinfo=UTC)),
    "uuid": (pa.uuid(), lambda row: uuid.UUID(bytes=bytes(row >> i % 3 * 8 & 255 for i in range(16)))),
    "few": (pa.string(), lambda row: f"value {row % 50}" if row % 50 else ""),
    "many": (pa.string(), lambda row: "z" * 40000 if row % 500 == 3 else many(row)),
    "binary": (pa.binary(), lambda row: many(row).encode()),
    "constant": (pa.int64(), lambda row: 42),
    "nothing": (pa.string(), lambda row: None),
}


def wanted(name: str) -> Iterator[Any]:
    index = list(FORMULAS).index(name)
    formula = FORMULAS[name][1]
    for row in range(ROWS):
        yield None if name != "constant" and row % 11 == index % 11 else formula(row)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("parquet") / "sample.parquet"
    subprocess.run([WRITER_TEST, "all_types_are_written_for_outsiders"], check=True, capture_output=True,
                   env={**os.environ, "LODE_PARQUET_SAMPLE": str(path)})
    return path


@pytest.fixture(scope="module")
def table(sample: Path) -> pa.Table:
    return pyarrow.parquet.read_table(sample)


@pytest.mark.parametrize("name", FORMULAS)
def test_every_value_is_what_was_written(table: pa.Table, name: str) -> None:
    assert table.num_rows == ROWS
    column = table.column(name)
    assert column.type == FORMULAS[name][0]
    got, should = column.to_pylist(), list(wanted(name))
    assert column.null_count == should.count(None)
    for row, pair in enumerate(zip(got, should, strict=True)):
        both_nan = all(isinstance(value, float) and math.isnan(value) for value in pair)
        assert both_nan or pair[0] == pair[1], f"row {row}"


def test_field_ids_and_metadata_are_there(sample: Path) -> None:
    file = pyarrow.parquet.ParquetFile(sample)
    ids = [int(field.metadata[b"PARQUET:field_id"]) for field in file.schema_arrow]
    assert ids == list(range(10, 10 + len(FORMULAS)))
    assert file.metadata.metadata[b"note"] == b"written by a test"
    assert [file.metadata.row_group(i).num_rows for i in range(3)] == [GROUP, GROUP, ROWS - 2 * GROUP]


@pytest.mark.parametrize("name", [name for name in FORMULAS if name not in ("uuid", "nothing")])
def test_statistics_of_row_groups_hold(sample: Path, name: str) -> None:
    metadata = pyarrow.parquet.ParquetFile(sample).metadata
    values, index, at = list(wanted(name)), list(FORMULAS).index(name), 0
    for group in range(metadata.num_row_groups):
        chunk = metadata.row_group(group).column(index)
        part = values[at:at + chunk.num_values]
        at += chunk.num_values
        known = [value for value in part if value is not None and value == value]
        assert chunk.statistics.null_count == part.count(None)
        low, high = chunk.statistics.min, chunk.statistics.max
        if any(value is not None and value != value for value in part):  # engines take the largest for the largest of all, NaN too
            assert not chunk.statistics.has_min_max
        elif name == "many":  # the longest is cut: then the bound only has to hold
            assert low <= min(known, key=str.encode) and high.encode() >= max(value.encode() for value in known)
        elif name == "timestamptz":
            assert (low.replace(tzinfo=UTC), high.replace(tzinfo=UTC)) == (min(known), max(known))
        else:
            assert (low, high) == (min(known), max(known))
