# SPDX-License-Identifier: Apache-2.0
"""Tables as outsiders meet them: PyIceberg opens each from its `metadata_location` and reads what `lode query` answers;
its manifests, counts and bounds are true of the Parquet files, which PyArrow reads; filters prune."""

import io
import json
import math
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from conftest import LODE, Project, RealInput, make_project
from judge import arrow_checksum, avro_header, checksum, iceberg_table, json_form
from pyiceberg.conversions import from_bytes
from pyiceberg.expressions import And, BooleanExpression, EqualTo, GreaterThanOrEqual, In, IsNaN, IsNull, LessThan
from pyiceberg.manifest import DataFile, ManifestContent, ManifestEntryStatus
from pyiceberg.table import StaticTable
from pyiceberg.types import NestedField, PrimitiveType, StringType

SOURCE = """\
from: ingress/things*.csv
columns:
  id: int required
  big: bigint
  weight: double
  price: decimal(9,2)
  amount: decimal(18,3)
  huge: decimal(38,5)
  day: date
  at: timestamp
  instant: timestamptz
  clock: time
  key: uuid
  good: boolean
  word: text
  same: text
"""
DELIVERIES = 12
ROWS = 50
WORDS = ["", "a", "é漢🙂" * 9, "\U0010ffff" * 17, "ÿ" * 40, "comma, \"quote\" and\nline", " blanks ", "NULL", "z" * 3000]


def thing(n: int) -> list[str]:
    """One record; values grow with its number, so each delivery has ranges of its own."""
    word = WORDS[n % len(WORDS)]
    fields = [
        str(n), str(n * 10**15 - 3 * 10**17), "NaN" if n % ROWS == 7 else str(n / 8 - 20), f"{n - 300}.{n % 100:02}",
        f"{n * 1000003 - 10**8}.125", f"{(n - 300) * 10**29 + n}.00001", f"20{n % 90 + 10}-0{n % 9 + 1}-1{n % 9}",
        f"2026-01-{n // 50 + 1:02}T03:04:{n % 60:02}.{n:06}", f"2026-01-{n // 50 + 1:02}T03:04:05+02:00",
        f"{n % 24:02}:59:{n % 60:02}", f"{n:08x}-0000-4000-8000-00000000000{n % 10}", ("true", "false")[n % 2],
        '"' + word.replace('"', '""') + '"', "always"]
    return [field if k == 0 or (n + k) % 11 else "" for k, field in enumerate(fields)]


MODELS = {
    "canonical/thing.sql": "-- key: id\nselect *, _file, _row from staging.things\n",
    "analytical/other.sql": r"""
select id, encode(word) as bytes, weight::float as single, id::bigint as long, price::double / 3 as third,
       '\x00\xff'::blob as same_bytes, sum(price) over (order by id) as so_far, null::int as nothing,
       'infinity'::double as endless, count(*) over () as n, day + 1 as tomorrow
from staging.things
""",
    "analytical/nothing.sql": "select * from staging.things where id < 0\n",
}


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Every type, in as many data files as deliveries, and models of what the engine writes."""
    project = make_project(tmp_path_factory.mktemp("typed"))
    project.write("zones/lab/zone.yml", "owner: ann\n")
    project.write("zones/lab/sources/things.yml", SOURCE)
    header = ",".join(line.split(":")[0].strip() for line in SOURCE.splitlines()[2:]) + "\n"
    for d in range(DELIVERIES):
        text = header + "".join(",".join(thing(n)) + "\n" for n in range(d * ROWS, (d + 1) * ROWS))
        project.drop("lab", f"things{d:02}.csv", text)
        if d % 3 == 2:
            project.lode("run")
    for name, sql in MODELS.items():
        project.write(f"zones/lab/{name}", sql)
    report = project.json("run")
    assert {model["state"] for model in report["models"]} == {"built"}
    replace_and_read_again(project)
    return project


def replace_and_read_again(project: Project) -> None:
    """Tables that lose files: the newest delivery instead of the older, one file of several delivered anew, all read again
    after an edit, and models built again on top."""
    text = "from: ingress/SOURCE*.csv\ncolumns:\n  n: int\n  word: text\n"
    project.write("zones/lab/sources/whole.yml", "load: replace\n" + text.replace("SOURCE", "whole"))
    project.write("zones/lab/sources/parts.yml", "redelivery: replace\n" + text.replace("SOURCE", "parts"))
    project.write("zones/lab/analytical/sums.sql", "select count(*) as n, sum(n) as total from staging.parts\n")
    for turn in range(4):
        project.drop("lab", "whole.csv", "n,word\n" + f"{turn},whole\n" * (turn + 1))
        for part in range(3 if turn == 0 else 1):
            project.drop("lab", f"parts{part}.csv", "n,word\n" + "".join(f"{turn * 100 + part},w{k}\n" for k in range(9)))
        project.lode("run")
    edited = project.root / "zones/lab/sources/parts.yml"
    edited.write_text(edited.read_text().replace("n: int", "n: bigint").replace("word: text", "word: text required"))
    project.lode("run")
    assert project.query("select count(*) as n, sum(n) as total from lab.staging.parts") == [{"n": 27, "total": 9 * 303}]
    assert project.query("select n from lab.staging.whole") == [{"n": 3}] * 4


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("ran"), "--demo")
    project.lode("run")
    return project


@pytest.fixture(scope="module", params=["typed", "ran", "real"])
def anyone(request: pytest.FixtureRequest) -> Project:
    """The three projects, one after the other."""
    found = request.getfixturevalue(request.param)
    return found.project if isinstance(found, RealInput) else found


def opened(project: Project, name: str) -> StaticTable:
    return iceberg_table(project.json("show", name)["metadata_location"])


def select_all(columns: list[str], table: str) -> str:
    return "select " + ", ".join('"' + column.replace('"', '""') + '"' for column in columns) + " from " + table


# ---- rows ----

def csv_answer(text: str, schema: pa.Schema) -> pa.Table:
    """A CSV answer as a table of the given types; what is quoted and empty is text, what is bare and empty is NULL."""
    convert = pyarrow.csv.ConvertOptions(column_types=schema, strings_can_be_null=True, quoted_strings_can_be_null=False,
                                         null_values=[""], true_values=["true"], false_values=["false"])
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    return pyarrow.csv.read_csv(io.BytesIO(text.encode()), parse_options=parse, convert_options=convert)


@pytest.mark.parametrize("which", ["typed", "ran"])
def test_pyiceberg_reads_the_rows_of_a_json_answer(which: str, request: pytest.FixtureRequest) -> None:
    project = request.getfixturevalue(which)
    assert project.tables()
    for name in project.tables():
        rows = opened(project, name).scan().to_arrow()
        if ".staging." in name:
            assert rows.column_names[-2:] == ["_file", "_row"], name
        answer = json.loads(project.lode("query", select_all(rows.column_names, name), "-o", "json").stdout,
                            parse_float=Decimal)
        shown = project.json("show", name)
        assert len(rows) == len(answer) == shown["rows"], name
        kinds = {field.name: float if pa.types.is_floating(field.type) else Decimal for field in rows.schema
                 if pa.types.is_floating(field.type) or pa.types.is_decimal(field.type)}
        got = ([kinds[key](value) if key in kinds and isinstance(value, int | Decimal) else value
                for key, value in row.items()] for row in answer)
        wanted = ([json_form(value) for value in row.values()] for row in rows.to_pylist())
        assert checksum(got) == checksum(wanted), name


def test_pyiceberg_reads_the_rows_of_a_csv_answer(anyone: Project) -> None:
    """CSV has no word for the bytes of binary and knows no uuid, so these columns are left to JSON."""
    for name in anyone.tables():
        rows = opened(anyone, name).scan().to_arrow()
        kept = [field.name for field in rows.schema if not pa.types.is_binary(field.type) and field.name != "key"
                and not pa.types.is_large_binary(field.type)]
        rows = rows.select(kept)
        answer = csv_answer(anyone.csv(select_all(kept, name)), rows.schema)
        assert arrow_checksum(answer) == arrow_checksum(rows), name


def test_an_answer_as_parquet_is_the_same_table(anyone: Project, tmp_path: Path) -> None:
    for name in anyone.tables():
        rows = opened(anyone, name).scan().to_arrow()
        path = tmp_path / "answer.parquet"
        with path.open("wb") as file:
            sql = select_all(rows.column_names, name)
            subprocess.run([LODE, "query", sql, "-o", "parquet"], cwd=anyone.root, stdout=file, check=True, timeout=240)
        assert arrow_checksum(pyarrow.parquet.read_table(path)) == arrow_checksum(rows), name


def test_earlier_commits_have_metadata_of_their_own(typed: Project) -> None:
    newest = opened(typed, "lab.staging.things")
    commits = [c["commit"] for c in typed.json("log")
               if {"kind": "table", "name": "lab.staging.things", "change": "put"} in c["changes"]]
    counts = [typed.query("select count(*) as n from lab.staging.things", "--at", commit)[0]["n"] for commit in commits]
    assert counts == sorted(counts, reverse=True) and counts[0] == DELIVERIES * ROWS
    snapshots = newest.metadata.snapshots[::-1]
    assert [newest.scan(snapshot_id=s.snapshot_id).to_arrow().num_rows for s in snapshots] == counts


# ---- pruning ----

@pytest.mark.parametrize("condition, files", [
    (EqualTo("id", 3 * ROWS + 1), 1),
    (LessThan("id", 2 * ROWS), 2),
    (And(GreaterThanOrEqual("big", 30 * 10**15 - 3 * 10**17), LessThan("big", 40 * 10**15 - 3 * 10**17)), 1),
    (LessThan("price", Decimal("-200.00")), 2),
    (GreaterThanOrEqual("amount", Decimal("499000000.000")), 1),
    (LessThan("huge", Decimal("-28000000000000000000000000000000.00000")), 1),
    (LessThan("at", "2026-01-03T00:00:00"), 2),
    (LessThan("instant", "2026-01-03T00:00:00+00:00"), 2),
    (EqualTo("key", "00000001-0000-4000-8000-000000000001"), 1),
    (LessThan("weight", -19.0), 1),
    (IsNaN("weight"), DELIVERIES - 1),
    (IsNull("id"), 0),
    (EqualTo("same", "never"), 0),
    (In("id", [1, 2, 11 * ROWS]), 2),
])
def test_a_filter_prunes_files(typed: Project, condition: BooleanExpression, files: int) -> None:
    table = opened(typed, "lab.staging.things")
    assert len(list(table.scan().plan_files())) == DELIVERIES
    scan = table.scan(row_filter=condition)
    assert len(list(scan.plan_files())) == files


def test_a_pruned_scan_finds_the_rows(typed: Project) -> None:
    table = opened(typed, "lab.staging.things")
    found = table.scan(row_filter=LessThan("at", "2026-01-03T00:00:00")).to_arrow()
    answer = typed.query("""select id from lab.staging.things where "at" < timestamp '2026-01-03 00:00:00' order by 1""")
    assert sorted(found["id"].to_pylist()) == [row["id"] for row in answer]


# ---- metadata ----

class Live(NamedTuple):
    """A data file that the current snapshot holds."""

    file: DataFile
    sequence: int


def live_files(table: StaticTable) -> list[Live]:
    """Checks each manifest against the manifest list on the way."""
    snapshot = table.current_snapshot()
    found = []
    for manifest in snapshot.manifests(table.io) if snapshot else []:
        path = Path(manifest.manifest_path.removeprefix("file://"))
        assert path.stat().st_size == manifest.manifest_length
        assert manifest.content == ManifestContent.DATA
        assert manifest.sequence_number <= snapshot.sequence_number
        entries = manifest.fetch_manifest_entry(table.io, discard_deleted=False)
        for status, files, rows in [
                (ManifestEntryStatus.ADDED, manifest.added_files_count, manifest.added_rows_count),
                (ManifestEntryStatus.EXISTING, manifest.existing_files_count, manifest.existing_rows_count),
                (ManifestEntryStatus.DELETED, manifest.deleted_files_count, manifest.deleted_rows_count)]:
            of_status = [entry for entry in entries if entry.status == status]
            assert (files, rows) == (len(of_status), sum(entry.data_file.record_count for entry in of_status))
        alive = [entry for entry in entries if entry.status != ManifestEntryStatus.DELETED]
        sequences = [entry.sequence_number for entry in alive]
        if alive:
            assert manifest.min_sequence_number == min(sequences)
        for entry in alive:
            assert 0 < entry.sequence_number <= manifest.sequence_number
            known = [s.snapshot_id for s in table.metadata.snapshots]
            assert entry.snapshot_id in known or len(known) == 100
        meta, _ = avro_header(manifest.manifest_path)
        assert (meta["content"], meta["format-version"], meta["partition-spec-id"]) == ("data", "2", "0")
        fields = {field["id"]: field["name"] for field in json.loads(meta["schema"])["fields"]}
        assert fields.items() <= {field.field_id: field.name for field in table.schema().fields}.items()
        found += [Live(entry.data_file, entry.sequence_number) for entry in alive]
    return found


def test_metadata_holds_together(anyone: Project) -> None:
    for name in anyone.tables():
        shown = anyone.json("show", name)
        location = shown["metadata_location"]
        raw = json.loads(Path(location).read_text())
        table = iceberg_table(location)
        data = table.metadata
        snapshot = table.current_snapshot()
        assert raw["format-version"] == 2 and raw["properties"]["gc.enabled"] == "false"
        assert Path(location).is_relative_to(raw["location"])
        if snapshot is None:  # nothing was ever in it
            assert (shown["snapshot"], shown["rows"], data.snapshots) == (None, 0, [])
            continue
        assert snapshot.snapshot_id == shown["snapshot"] == raw["refs"]["main"]["snapshot-id"]
        assert data.last_sequence_number == max(s.sequence_number for s in data.snapshots) == snapshot.sequence_number
        assert raw["snapshot-log"][-1]["snapshot-id"] == snapshot.snapshot_id
        times = [entry["timestamp-ms"] for entry in raw["snapshot-log"]]
        assert times == sorted(times) and data.last_updated_ms >= times[-1]
        assert all(Path(entry["metadata-file"]).exists() for entry in raw["metadata-log"])
        for before, after in zip(data.snapshots, data.snapshots[1:], strict=False):
            assert after.parent_snapshot_id == before.snapshot_id
            assert after.sequence_number == before.sequence_number + 1
        for schema in data.schemas:
            ids = [field.field_id for field in schema.fields]
            assert len(set(ids)) == len(ids) and max(schema.field_ids) <= data.last_column_id
            assert not any(field.required for field in schema.fields)
        meta, _ = avro_header(snapshot.manifest_list)
        assert meta["snapshot-id"] == str(snapshot.snapshot_id)
        assert (meta["format-version"], meta["sequence-number"]) == ("2", str(snapshot.sequence_number))


TOTALS = ["total-records", "total-data-files", "total-files-size"]


def test_totals_of_the_summary_are_those_of_the_files(anyone: Project) -> None:
    for name in anyone.tables():
        shown = anyone.json("show", name)
        table = iceberg_table(shown["metadata_location"])
        files = [live.file for live in live_files(table)]
        for file in files:
            path = Path(file.file_path.removeprefix("file://"))
            assert path.stat().st_size == file.file_size_in_bytes, name
            assert str(file.file_format).upper().endswith("PARQUET")
        snapshot = table.current_snapshot()
        assert snapshot is not None or files == []
        summary = snapshot.summary if snapshot else {"total-delete-files": "0"} | dict.fromkeys(TOTALS, "0")
        rows, size = sum(file.record_count for file in files), sum(file.file_size_in_bytes for file in files)
        assert [summary[key] for key in TOTALS] == [str(rows), str(len(files)), str(size)], name
        assert summary["total-delete-files"] == "0"
        assert (shown["rows"], shown["files"], shown["bytes"]) == (rows, len(files), size), name


# ---- statistics ----

def bound(field: NestedField, raw: bytes) -> Any:
    assert isinstance(field.field_type, PrimitiveType)
    value = from_bytes(field.field_type, raw)
    return UUID(bytes=value) if isinstance(value, bytes) else value


def known_values(column: pa.ChunkedArray) -> Iterator[Any]:
    """What bounds speak of: neither NULL nor NaN, in the form in which PyIceberg gives a bound."""
    kind = column.type
    if pa.types.is_date(kind):
        column = column.cast(pa.int32())
    elif pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        column = column.cast(pa.int64())
    for value in column.to_pylist():
        if value is not None and not (isinstance(value, float) and math.isnan(value)):
            yield value


def check_bounds(field: NestedField, file: DataFile, column: pa.ChunkedArray, where: str) -> None:
    values = list(known_values(column))
    low, high = (file.lower_bounds or {}).get(field.field_id), (file.upper_bounds or {}).get(field.field_id)
    if not values:
        assert low is None and high is None, where
        return
    if isinstance(field.field_type, StringType):
        least, most = (pick(values, key=str.encode) for pick in (min, max))
        assert low is not None and least.encode().startswith(low), where
        assert high is None or most.encode() <= high, where
        assert high is not None or most[:1] == "\U0010ffff", where
        assert all(len(b.decode()) <= max(16, len(value)) for b, value in ((low, least), (high or b"", most))), where
        return
    least, most = min(values), max(values)
    if isinstance(least, bytes):
        assert low is not None and least.startswith(low) and (high is None or most <= high), where
        return
    assert low is not None and high is not None, where
    assert (bound(field, low), bound(field, high)) == (least, most), where


def test_statistics_are_true_of_every_column(anyone: Project) -> None:
    """The engine's files say nothing of NaN, and give no bounds where there is one."""
    for name in anyone.tables():
        table = opened(anyone, name)
        fields = {field.field_id: field for field in table.schema().fields}
        for live in live_files(table):
            file = live.file
            rows = pyarrow.parquet.read_table(file.file_path.removeprefix("file://"))
            metadata = pyarrow.parquet.read_metadata(file.file_path.removeprefix("file://"))
            assert rows.num_rows == file.record_count, name
            assert file.split_offsets == [offset_of(metadata.row_group(i)) for i in range(metadata.num_row_groups)], name
            for position, column in enumerate(rows.schema):
                number = int(column.metadata[b"PARQUET:field_id"])
                where = f"{name}.{column.name} in {file.file_path}"
                assert fields[number].name == column.name, where
                values = rows.column(position)
                assert file.value_counts[number] == rows.num_rows, where
                assert file.null_value_counts[number] == values.null_count, where
                if pa.types.is_floating(column.type) and ".staging." in name:
                    nans = sum(value is not None and math.isnan(value) for value in values.to_pylist())
                    assert file.nan_value_counts[number] == nans, where
                sizes = [metadata.row_group(i).column(position).total_compressed_size for i in range(metadata.num_row_groups)]
                assert file.column_sizes[number] == sum(sizes), where
                if ".staging." in name or not pa.types.is_floating(column.type) or number in (file.lower_bounds or {}):
                    check_bounds(fields[number], file, values, where)


def offset_of(group: Any) -> int:
    """Where a row group begins: at its first page, a dictionary's if there is one."""
    first = group.column(0)
    return first.dictionary_page_offset if first.has_dictionary_page else first.data_page_offset
