# SPDX-License-Identifier: Apache-2.0
"""Tables as outsiders see them: PyIceberg and DuckDB open what Lode wrote, without Lode."""

import datetime
import decimal

import duckdb
import pytest
from conftest import Project
from judge import arrow_checksum, iceberg_table

TEXT = """\
from: ingress/t_*.csv
columns:
  id: bigint
  flag: boolean
  small: int
  ratio: double
  price: decimal(18,4)
  day: date
  at: time
  seen: timestamp
  stamp: timestamptz
  token: uuid
  note: text
"""
HEADER = "id,flag,small,ratio,price,day,at,seen,stamp,token,note\n"


def line(number: int) -> str:
    return (f"{number},{'true' if number % 2 else 'false'},{number % 7},{number / 8},{number}.2500,2026-01-{number % 28 + 1:02},"
            f"12:30:{number % 60:02},2026-01-01 00:00:{number % 60:02},2026-01-01T00:00:00+02:00,"
            f"00000000-0000-4000-8000-{number:012},note {number % 5}\n")


@pytest.fixture
def types(project: Project) -> Project:
    """Three deliveries of 1,000 rows with every type, in three runs."""
    project.write("zones/z/sources/t.yml", TEXT)
    for part in range(3):
        project.drop("z", f"t_{part}.csv", HEADER + "".join(line(n) for n in range(part * 1000, part * 1000 + 1000)))
        project.lode("run")
    return project


def test_every_type_arrives_as_it_was_written(types: Project) -> None:
    rows = types.table("z.staging.t").sort_by("id").to_pylist()
    assert len(rows) == 3000
    row = rows[1234]
    assert row["flag"] is False and row["small"] == 1234 % 7 and row["ratio"] == 1234 / 8
    assert row["price"] == decimal.Decimal("1234.2500")
    assert row["day"] == datetime.date(2026, 1, 1234 % 28 + 1) and row["at"] == datetime.time(12, 30, 1234 % 60)
    assert row["seen"] == datetime.datetime(2026, 1, 1, 0, 0, 1234 % 60)
    assert row["stamp"] == datetime.datetime(2025, 12, 31, 22, 0, tzinfo=datetime.UTC)
    assert str(row["token"]) == "00000000-0000-4000-8000-000000001234" and row["note"] == "note 4"


def test_a_filter_prunes_files(types: Project) -> None:
    table = iceberg_table(types.json("show", "z.staging.t")["metadata_location"])
    every = len(list(table.scan().plan_files()))
    assert every == 3
    assert len(list(table.scan(row_filter="id >= 2500").plan_files())) == 1
    assert len(list(table.scan(row_filter="id > 99999").plan_files())) == 0
    assert table.scan(row_filter="id >= 2500").to_arrow().num_rows == 500


def test_each_snapshot_can_be_read(types: Project) -> None:
    table = iceberg_table(types.json("show", "z.staging.t")["metadata_location"])
    sizes = [table.scan(snapshot_id=snapshot.snapshot_id).to_arrow().num_rows for snapshot in table.snapshots()]
    assert sizes == [1000, 2000, 3000]
    assert table.metadata.format_version == 2
    summary = table.snapshots()[-1].summary
    assert summary and summary["total-records"] == "3000" and summary["added-records"] == "1000"


def test_duckdb_reads_the_data_files_to_the_same_rows(types: Project) -> None:
    location = types.json("show", "z.staging.t")["metadata_location"]
    files = [task.file.file_path.removeprefix("file://") for task in iceberg_table(location).scan().plan_files()]
    columns = ["id", "small", "ratio", "price", "day", "note"]
    theirs = duckdb.sql(f"select {', '.join(columns)} from read_parquet({files})").to_arrow_table()
    assert arrow_checksum(types.table("z.staging.t").select(columns)) == arrow_checksum(theirs)


def test_models_are_tables_for_outsiders_too(types: Project) -> None:
    types.write("zones/z/analytical/by_note.sql", "select note, count(*) as n, sum(price) as total from staging.t group by note\n")
    types.lode("run")
    rows = types.table("z.analytical.by_note").sort_by("note").to_pylist()
    assert [row["n"] for row in rows] == [600] * 5
    assert sum(row["total"] for row in rows) == sum(decimal.Decimal(n) + decimal.Decimal("0.25") for n in range(3000))
