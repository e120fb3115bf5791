# SPDX-License-Identifier: Apache-2.0
"""Parquet deliveries whose pages become the table's as they are: when that is so, that every reader sees the rows of the file,
and that nothing which the file claims of itself is believed."""

import datetime
import decimal
import gzip
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import parquet_by_hand as hand
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Project
from duckdb_reader import duckdb_rows, environment
from judge import iceberg_table
from test_parquet import differing

COLUMNS = """columns:
  id: bigint required
  n: int
  name: text
  price: decimal(12,2)
  wide: decimal(38,6)
  x: double
  f: float
  day: date
  seen: timestamp
  tz: timestamptz
  yes: boolean
  raw: binary
  clock: time
"""


def rows(count: int, seed: int = 3) -> pa.Table:
    """Columns of every type that can stay as it is, with NULLs in all but the first."""
    r = random.Random(seed)
    start = datetime.datetime(2020, 1, 1)
    utc = datetime.timezone.utc

    def some(kind: pa.DataType, value: Callable[[int], object]) -> pa.Array:
        return pa.array([None if r.random() < 0.1 else value(i) for i in range(count)], kind)

    return pa.table({
        "id": pa.array(range(1, count + 1), pa.int64()), "n": some(pa.int32(), lambda i: i % 1000 - 500),
        "name": some(pa.string(), lambda i: f"name é☃ {i % 700}"), "price": some(pa.decimal128(12, 2), lambda i: decimal.Decimal(i - 99).scaleb(-2)),
        "wide": some(pa.decimal128(38, 6), lambda i: decimal.Decimal(i * 10**20 - 5).scaleb(-6)),
        "x": some(pa.float64(), lambda i: r.choice([i / 8, float("nan"), float("inf"), -0.0])), "f": some(pa.float32(), lambda i: i / 4),
        "day": some(pa.date32(), lambda i: datetime.date(1960, 1, 1) + datetime.timedelta(i % 40000)),
        "seen": some(pa.timestamp("us"), lambda i: start + datetime.timedelta(microseconds=i * 7919)),
        "tz": some(pa.timestamp("us", tz="UTC"), lambda i: start.replace(tzinfo=utc) + datetime.timedelta(seconds=i)),
        "yes": some(pa.bool_(), lambda i: i % 3 == 0), "raw": some(pa.binary(), lambda i: r.randbytes(i % 9)),
        "clock": some(pa.time64("us"), lambda i: (start + datetime.timedelta(microseconds=i * 86401)).time()),
    })


def source(project: Project, name: str = "t", columns: str = COLUMNS, more: str = "") -> None:
    project.write(f"zones/shop/sources/{name}.yml", f"from: in/{name}*.parquet\nformat: parquet\n{more}{columns}")


def data_files(project: Project) -> list[Path]:
    return sorted((project.store / "tables").rglob("*.parquet"))


def is_adopted(file: Path) -> bool:
    """Ours are packed by zstd, or by nothing."""
    return pq.read_metadata(file).row_group(0).column(0).compression == "SNAPPY"


def begins_like(file: Path, landed: Path, size: int = 2000) -> bool:
    return file.read_bytes()[:size] == landed.read_bytes()[:size]


@pytest.mark.parametrize("codec", ["snappy", "gzip", "zstd", "none"])
@pytest.mark.parametrize("group", [700, 100_000])
def test_pages_stay_and_every_reader_sees_the_rows(project: Project, codec: str, group: int) -> None:
    source(project)
    file = project.root / "in/t_1.parquet"
    file.parent.mkdir()
    table = rows(5000)
    pq.write_table(table, file, compression=codec, row_group_size=group, data_page_size=4000, write_page_checksum=True, write_page_index=True)
    landed = file.read_bytes()
    delivery = project.json("run")["deliveries"][0]
    assert (delivery["state"], delivery["accepted"], delivery["quarantined"]) == ("staged", 5000, 0)
    [data] = data_files(project)
    meta = pq.read_metadata(project.root / file)
    last = max(meta.row_group(g).column(c).data_page_offset + 1 for g in range(meta.num_row_groups) for c in range(meta.num_columns))
    assert data.read_bytes()[:last] == landed[:last]
    assert differing(project.table("shop.staging.t"), file) == 0
    ours = project.query("select min(_row) as a, max(_row) as b, count(distinct _row) as c, count(distinct _file) as d from shop.staging.t")
    assert ours == [{"a": 1, "b": 5000, "c": 5000, "d": 1}]
    assert project.query("select id from shop.staging.t where _row = 4321") == [{"id": 4321}]
    outside = iceberg_table(project.json("show", "shop.staging.t")["metadata_location"]).scan(row_filter="id >= 4990").to_arrow()
    assert sorted(outside["_row"].to_pylist()) == list(range(4990, 5001)) and len(set(outside["_file"].to_pylist())) == 1
    assert project.lode("verify").exit == 0
    traced = project.json("trace", "shop.staging.t", "--where", "id = 77")[0]
    assert (traced["line"], traced["raw"].split(",")[0]) == (77, "77")
    project.json("diff", "--raw", "shop.staging.t")


def test_duckdbs_own_reader_sees_the_rows(project: Project) -> None:
    python, why = environment()
    if not python:
        pytest.skip(why)
    source(project, columns="columns:\n  id: bigint\n  name: text\n  price: decimal(12,2)\n")
    file = project.root / "in/t_1.parquet"
    file.parent.mkdir()
    duckdb.sql(f"copy (select i::bigint as id, 'n' || i % 99 as name, (i / 7)::decimal(12,2) as price from range(3000) t(i)) to '{file}' (format parquet)")
    project.lode("run")
    assert begins_like(data_files(project)[0], file)
    [read] = duckdb_rows([project.json("show", "shop.staging.t")["metadata_location"]])
    wanted = duckdb.sql(f"select id, name, price, row_number() over () as r from '{file}'").fetchall()
    assert sorted((row["id"], row["name"], row["price"], row["_row"]) for row in read) == sorted(wanted)


def test_what_a_file_claims_of_its_values_is_not_believed(project: Project) -> None:
    """A footer that says that no value is above 10: engines that read the file leave its rows out."""
    source(project, columns="columns:\n  id: bigint\n  name: text\n")
    file = project.root / "in/t_1.parquet"
    file.parent.mkdir()
    pq.write_table(pa.table({"id": pa.array(range(1, 5001), pa.int64()), "name": [f"z{i:06}" for i in range(5000)]}), file, use_dictionary=False)
    whole = file.read_bytes()
    start = len(whole) - 8 - struct.unpack("<I", whole[-8:-4])[0]
    lies = whole[start:].replace(struct.pack("<q", 5000), struct.pack("<q", 10)).replace(b"z004999", b"a000000")
    assert lies != whole[start:]
    file.write_bytes(whole[:start] + lies)
    assert duckdb.sql(f"select count(*) from '{file}' where id = 500").fetchall() == [(0,)]
    project.lode("run")
    assert is_adopted(data_files(project)[0])
    assert project.query("select id, name from shop.staging.t where id = 500") == [{"id": 500, "name": "z000499"}]
    assert project.query("select max(id) as m, max(name) as n from shop.staging.t") == [{"m": 5000, "n": "z004999"}]
    outside = iceberg_table(project.json("show", "shop.staging.t")["metadata_location"])
    assert outside.scan(row_filter="id = 500").to_arrow().num_rows == outside.scan(row_filter="name = 'z004999'").to_arrow().num_rows == 1


def test_columns_that_the_table_lacks_are_not_in_its_file(project: Project) -> None:
    source(project, columns="ignore: secret\ncolumns:\n  id: bigint\n  name: text\n")
    file = project.root / "in/t_1.parquet"
    file.parent.mkdir()
    table = pa.table({"secret": [f"SECRET-{i}" for i in range(900)], "name": [f"n{i}" for i in range(900)], "id": pa.array(range(900), pa.int64())})
    pq.write_table(table, file, compression="none", row_group_size=400)
    project.lode("run")
    [data] = data_files(project)
    assert b"SECRET-7" in file.read_bytes() or not file.exists()
    assert b"SECRET" not in data.read_bytes() and pq.read_metadata(data).num_row_groups == 3
    got = project.query("select id, name, _row from shop.staging.t order by id")
    assert got == [{"id": i, "name": f"n{i}", "_row": i + 1} for i in range(900)]


def test_a_file_that_lacks_a_column_is_written_anew(project: Project) -> None:
    source(project, columns="evolve: columns\ncolumns:\n  id: bigint\n  name: text\n  later: int\n")
    (project.root / "in").mkdir()
    wanted = []
    for number, more in enumerate([{}, {"later": 1}, {"later": 2, "new": 3}, {}]):
        file = pa.table({"id": pa.array(range(900), pa.int64()), "name": [f"n{i} of {number}" for i in range(900)]})
        for name, value in more.items():
            file = file.append_column(name, pa.array([value] * 900, pa.int32()))
        pq.write_table(file, project.root / f"in/t_{number}.parquet")
        project.lode("run")
        wanted.append((more.get("later"), more.get("new")))
        names = project.query("select distinct later" + (", new" if number > 1 else "") + ", count(*) as n from shop.staging.t group by all")
        right = [{"later": a, **({"new": b} if number > 1 else {}), "n": 900 * wanted.count((a, b))} for a, b in set(wanted)]
        assert sorted(map(str, names)) == sorted(map(str, right))
    assert project.table("shop.staging.t").num_rows == 3600


WRITTEN_ANEW: dict[str, dict[str, object]] = {
    "version 2": {"data_page_version": "2.0"},
    "delta": {"use_dictionary": False, "column_encoding": {"id": "DELTA_BINARY_PACKED"}},
    "streams": {"use_dictionary": False, "column_encoding": {"x": "BYTE_STREAM_SPLIT"}},
    "lz4": {"compression": "lz4"},
    "tiny groups": {"row_group_size": 100},
}


@pytest.mark.parametrize("how", WRITTEN_ANEW)
def test_what_not_every_reader_takes_is_written_anew(project: Project, how: str) -> None:
    source(project)
    file = project.root / "in/t_1.parquet"
    file.parent.mkdir()
    pq.write_table(rows(3000), file, **WRITTEN_ANEW[how])
    project.lode("run")
    [data] = data_files(project)
    meta = pq.read_metadata(data)
    assert meta.num_row_groups == 1 and meta.row_group(0).column(2).compression == "ZSTD"
    assert differing(project.table("shop.staging.t"), file) == 0


def test_a_large_file_that_is_not_packed_is_packed(project: Project) -> None:
    source(project, columns="columns:\n  id: bigint\n  name: text\n")
    file = project.root / "in/t_1.parquet"
    file.parent.mkdir()
    pq.write_table(pa.table({"id": pa.array(range(300_000), pa.int64()), "name": ["the same"] * 300_000}), file, compression="none", use_dictionary=False)
    project.lode("run")
    assert sum(path.stat().st_size for path in data_files(project)) < file.stat().st_size / 3
    assert differing(project.table("shop.staging.t"), file) == 0


@pytest.mark.parametrize("at", [0, 2999])
def test_one_value_that_does_not_fit_and_the_rest_is_written_anew(project: Project, at: int) -> None:
    source(project, columns="columns:\n  id: bigint\n  name: text\n", more="tolerate: 1\n")
    file = project.root / "in/t_1.parquet"
    file.parent.mkdir()
    names = [f"n{i}".encode() for i in range(3000)]
    names[at] = b"\xff\xfe"
    pq.write_table(pa.table({"id": pa.array(range(3000), pa.int64()), "name": pa.array(names, pa.binary())}), file, row_group_size=1000)
    delivery = project.json("run")["deliveries"][0]
    assert (delivery["records"], delivery["accepted"], delivery["quarantined"]) == (3000, 2999, 1)
    assert project.query("select count(*) as n, count(distinct _row) as r, max(_row) as m from shop.staging.t where _row <> " + str(at + 1)) == [
        {"n": 2999, "r": 2999, "m": 3000 if at == 0 else 2999}]
    [kept] = project.json("show", "quarantine", "shop.t", "--rows")
    assert (kept["rule"], kept["line"]) == ("invalid_utf8", at + 1)
    project.lode("fix", "shop.t", "--file", "t_1.parquet", "--line", str(at + 1), "--text", f'{at},"mended"')
    assert project.query(f"select id, name from shop.staging.t where _row = {at + 1}") == [{"id": at, "name": "mended"}]
    assert project.query("select count(*) as n from shop.staging.t") == [{"n": 3000}]


def test_required_columns_and_changed_texts(project: Project) -> None:
    """A NULL where there must be a value is quarantined; after an edit that makes a column of another type all is written anew."""
    source(project, columns="columns:\n  id: bigint\n  n: int\n", more="tolerate: 9\n")
    file = project.root / "in/t_1.parquet"
    file.parent.mkdir()
    pq.write_table(pa.table({"id": pa.array(range(10), pa.int64()), "n": pa.array([None, *range(9)], pa.int32())}), file)
    project.lode("run")
    assert is_adopted(data_files(project)[0])
    source(project, columns="columns:\n  id: bigint\n  n: bigint required\n", more="tolerate: 9\n")
    project.lode("run")
    assert project.query("select count(*) as n, sum(n) as s from shop.staging.t") == [{"n": 9, "s": 36}]
    assert [row["rule"] for row in project.json("show", "quarantine", "shop.t", "--rows")] == ["required_missing"]


def test_small_files_become_large_ones_with_equal_rows(project: Project) -> None:
    source(project, more="load: append\n")
    (project.root / "in").mkdir()
    tables = [rows(400, seed) for seed in range(12)]
    for number, table in enumerate(tables):
        pq.write_table(table, project.root / f"in/t_{number}.parquet")
        project.lode("run")
    before = project.csv("select * from shop.staging.t order by _file, _row")
    project.lode("tidy")
    assert len(project.query("select 1 from shop.staging.t limit 1")) == 1
    assert project.csv("select * from shop.staging.t order by _file, _row") == before
    assert project.lode("verify").exit == 0


def test_flipped_bits_never_pass_for_other_rows(project: Project) -> None:
    """A page that is not what its checksum says holds the file; a footer's bit holds it, or changes nothing that is read."""
    whole = rows(2000).select(["id", "n", "name", "price"])
    columns = "columns:\n  id: bigint\n  n: int\n  name: text\n  price: decimal(12,2)\n"
    r = random.Random(11)
    (project.root / "in").mkdir()
    pq.write_table(whole, project.root / "clean.parquet", write_page_checksum=True, row_group_size=900)
    clean = (project.root / "clean.parquet").read_bytes()
    wanted = project.root / "clean.parquet"
    for number in range(40):
        source(project, f"t{number}", columns, more="tolerate: 100%\n")
        at = r.randrange(4, len(clean))
        (project.root / f"in/t{number}_1.parquet").write_bytes(clean[:at] + bytes([clean[at] ^ (1 << r.randrange(8))]) + clean[at + 1:])
    for delivery in project.json("run", check=False)["deliveries"]:
        if delivery["state"] != "staged":
            continue
        name = Path(delivery["name"]).stem.split("_")[0]
        read = project.table(f"shop.staging.{name}")
        as_many = set(read.column_names) >= set(whole.column_names) and all(read[name].null_count == whole[name].null_count for name in whole.column_names)
        if delivery["accepted"] == 2000 and as_many:
            assert differing(read, wanted) == 0, delivery
    assert project.lode("verify").exit == 0


BITS = [True, False, True, True, False, False, False, True]
UTF8 = [(6, 0)]


def ids(body: bytes, values: int) -> hand.Page:
    return hand.plain(body, values, encoding=hand.IDS)


def packed(body: bytes, *numbers: int) -> hand.Page:
    return hand.Page(body, 8 * len(numbers), len(numbers))


def by_hand() -> dict[str, tuple[hand.Column, list[Any], bool]]:
    """Columns of one group: their pages, what they hold, and whether their pages stay."""
    thousand = list(range(1000, 1400))
    raw = struct.pack("<400q", *thousand)
    named = gzip.compress(raw)
    named = named[:3] + b"\x08" + named[4:10] + b"a name\0" + named[10:]
    seven_eight = hand.longs(7, 8, is_dictionary=True)
    twofold = b"\x01\x02" + bytes(6)  # as plain 513, as ids one run of one 0
    nothing = struct.pack("<IBB", 2, 8 << 1, 0)  # eight levels of 0
    def column(*pages: hand.Page, physical: int = hand.INT64, repetition: int = hand.REQUIRED, **more: Any) -> hand.Column:
        return hand.Column("id", physical, repetition, [list(pages)], **more)
    return {
        "gzip": (column(packed(gzip.compress(raw), *thousand), codec=hand.GZIP), thousand, True),
        "gzip as zlib writes it": (column(packed(zlib.compress(raw), *thousand), codec=hand.GZIP), thousand, False),
        "gzip with a name": (column(packed(named, *thousand), codec=hand.GZIP), thousand, False),
        "a page of nothing": (column(hand.longs(1, 2), hand.longs(), hand.longs(3)), [1, 2, 3], False),
        "bytes behind the values": (column(hand.plain(struct.pack("<3q", 1, 2, 3), 2)), [1, 2], False),
        "two headers": (column(seven_eight, hand.plain(twofold, 1, parts=[(5, [(1, 1), (2, 0), (3, 3), (4, 3)]), (7, [(1, 1), (2, 8)])])), None, False),
        "an encoding twice": (column(seven_eight, hand.plain(twofold, 1, parts=[(5, [(1, 1), (2, 0), (3, 3), (4, 3), (2, hand.Long(8))])])), None, False),
        "ids": (column(seven_eight, ids(b"\x01\x03\x5a", 8)), [7, 8, 7, 8, 8, 7, 8, 7], True),
        "ids of no bits": (column(hand.longs(7, is_dictionary=True), ids(b"\x00\x0a", 5)), [7] * 5, True),
        "ids of no bits and no run": (column(hand.longs(7, is_dictionary=True), ids(b"\x00", 5)), [7] * 5, False),
        "a run of nothing": (column(seven_eight, ids(b"\x01\x00\x00\x03\x5a", 8)), [7, 8, 7, 8, 8, 7, 8, 7], False),
        "what no row has": (column(hand.longs(7, 8, 9, is_dictionary=True), ids(b"\x02\x03\x44\x44", 8)), [7, 8, 7, 8, 7, 8, 7, 8], False),
        "bad text that no row has": (column(hand.texts(b"a", b"\xff\xfe", is_dictionary=True), ids(b"\x01\x10\x00", 8), physical=hand.TEXT, annotation=UTF8),
                                     ["a"] * 8, False),
        "claims in a header": (column(hand.longs(*thousand, parts=[(5, [(1, 400), (2, 0), (3, 3), (4, 3), (5, [(5, struct.pack("<q", 1)), (6, bytes(8))])])])),
                               thousand, False),  # but for the header it stays
        "no levels, in the old encoding": (column(hand.longs(*thousand, parts=[(5, [(1, 400), (2, 0), (3, 4), (4, 4)])])), thousand, True),
        "a header without all": (column(hand.longs(*thousand, parts=[(5, [(1, 400), (2, 0), (3, 3)])])), thousand, False),
        "levels of no encoding": (column(hand.longs(*thousand, parts=[(5, [(1, 400), (2, 0), (3, 3), (4, 77)])])), thousand, False),
        "an id of too many bits": (column(hand.longs(7, 8, 9, is_dictionary=True), ids(b"\x01\x02\x02\x03\x5a", 9)), [9, 7, 8, 7, 8, 8, 7, 8, 7], False),
        "a long head of a run": (column(hand.longs(7, is_dictionary=True), ids(b"\x01\x90\x80\x80\x80\x80\x00\x00", 8)), [7] * 8, False),
        "a head beyond all": (column(hand.longs(7, is_dictionary=True), ids(b"\x00" + hand.varint((2**61 + 1) << 1 | 1), 8)), [7] * 8, False),
        "NULLs without a width": (column(hand.longs(is_dictionary=True), ids(nothing, 8), repetition=hand.OPTIONAL), [None] * 8, False),
        "NULLs": (column(hand.longs(is_dictionary=True), ids(nothing + b"\x01", 8), repetition=hand.OPTIONAL), [None] * 8, True),
        "nothing packed into nothing": (column(hand.Page(b"", 0, 0, is_dictionary=True), hand.Page(gzip.compress(nothing + b"\x01"), 7, 8, encoding=hand.IDS),
                                               repetition=hand.OPTIONAL, codec=hand.GZIP), [None] * 8, False),
        "booleans": (column(hand.plain(b"\x8d", 8), physical=hand.BOOLEAN), BITS, True),
        "booleans by a dictionary": (column(hand.plain(b"\x01", 2, is_dictionary=True), ids(b"\x01\x03\x72", 8), physical=hand.BOOLEAN), BITS, False),
    }


@pytest.mark.parametrize("name", by_hand())
def test_pages_that_no_writer_writes(project: Project, name: str) -> None:
    """Whatever becomes of them, everybody reads the same, and what we took them for."""
    column, wanted, stays = by_hand()[name]
    kind = {hand.INT64: "bigint", hand.TEXT: "text", hand.BOOLEAN: "boolean"}[column.physical]
    source(project, columns=f"columns:\n  id: {kind}\n")
    file = project.root / "in/t_1.parquet"
    file.parent.mkdir()
    hand.write(file, [column], [sum(page.values for page in column.groups[0] if not page.is_dictionary)])
    delivery = project.json("run", check=False)["deliveries"][0]
    if wanted is None and delivery["state"] == "held":
        return
    assert delivery["state"] == "staged" and delivery["quarantined"] == 0, delivery
    ours = [row["id"] for row in project.query("select id from shop.staging.t order by _row")]
    assert wanted is None or ours == wanted
    [data] = data_files(project)
    assert begins_like(data, file, 4 + sum(len(page.bytes()) for page in column.groups[0])) == stays
    assert pq.read_table(data, columns=["id"]).column(0).to_pylist() == ours
    assert [row[0] for row in duckdb.sql(f"select id from '{data}' order by _row").fetchall()] == ours
    for value in sorted(set(ours) - {None})[:3]:
        text = f"'{value}'" if isinstance(value, str) else str(value).lower()
        assert project.query(f"select count(*) as n from shop.staging.t where id = {text}") == [{"n": ours.count(value)}]
    if kind == "bigint":
        assert project.query("select count(*) as n from shop.staging.t where id >= 1001") == [{"n": sum(value is not None and value >= 1001 for value in ours)}]


def test_what_pages_claim_of_their_values_is_dropped(project: Project) -> None:
    """Which some writers have there and some engines go by; all else of the page is as it was."""
    source(project, columns="columns:\n  id: bigint\n  name: text\n")
    file = project.root / "in/t_1.parquet"
    file.parent.mkdir()
    table = pa.table({"id": pa.array([*range(1, 2000), None], pa.int64()), "name": [f"z{i % 700:06}" for i in range(2000)]})
    pq.write_table(table, file, data_page_size=3000, row_group_size=900, write_page_checksum=True, compression="zstd")
    whole = file.read_bytes()
    start = len(whole) - 8 - struct.unpack("<I", whole[-8:-4])[0]
    pages = whole[:start].replace(struct.pack("<q", 900), struct.pack("<q", 10))
    assert pages != whole[:start], "pages have statistics"
    file.write_bytes(pages + whole[start:])
    project.lode("run")
    [data] = data_files(project)
    assert pq.read_metadata(data).num_row_groups == 3 and struct.pack("<q", 10) not in data.read_bytes()[:400]
    assert project.query("select count(*) as n from shop.staging.t where id > 500") == [{"n": 1499}]
    assert differing(project.table("shop.staging.t"), project.root / file) == 0
    assert pq.read_table(data, page_checksum_verification=True).num_rows == 2000


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
@pytest.mark.parametrize("gap", [b"", b"WHAT NOBODY SAYS" * 2000])
def test_chunks_lie_in_the_tables_order_and_nothing_between_them(project: Project, order: list[int], gap: bytes) -> None:
    """Readers tell which part of a file a row group belongs to by where its first column's chunk is."""
    groups = [range(0, 3000), range(3000, 5000)]
    columns = [hand.Column("id", hand.INT64, hand.REQUIRED, [[hand.longs(*group)] for group in groups]),
               hand.Column("body", hand.TEXT, hand.REQUIRED, [[hand.texts(*[b"body %d" % i for i in group])] for group in groups], annotation=UTF8)]
    source(project, columns="columns:\n  id: bigint\n  body: text\n")
    file = project.root / "in/t_1.parquet"
    file.parent.mkdir()
    hand.write(file, columns, [len(group) for group in groups], order, gap)
    project.lode("run")
    [data] = data_files(project)
    meta = pq.read_metadata(data)
    at = 4
    for index in range(meta.num_row_groups):
        group = meta.row_group(index)
        assert [group.column(i).path_in_schema for i in range(2)] == ["id", "body"]
        for i in range(2):
            assert group.column(i).data_page_offset == at
            at += group.column(i).total_compressed_size
        assert group.column(0).file_offset + group.total_byte_size / 2 < data.stat().st_size
    [task] = iceberg_table(project.json("show", "shop.staging.t")["metadata_location"]).scan().plan_files()
    assert task.file.split_offsets == sorted(task.file.split_offsets) == [meta.row_group(g).column(0).data_page_offset for g in range(2)]
    assert b"NOBODY" not in data.read_bytes()
    assert project.query("select id, body from shop.staging.t where _row in (1, 3001) order by id") == [
        {"id": 0, "body": "body 0"}, {"id": 3000, "body": "body 3000"}]


def test_a_dictionary_with_what_no_row_has_does_not_stay(project: Project) -> None:
    """As a filtered column of categories keeps it."""
    source(project, columns="columns:\n  id: bigint\n  who: text\n")
    file = project.root / "in/t_1.parquet"
    file.parent.mkdir()
    who = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0], pa.int32()), ["anna", "bob", "SECRET-PERSON"])
    pq.write_table(pa.table({"id": pa.array([1, 2, 3], pa.int64()), "who": who}), file, compression="none")
    assert b"SECRET-PERSON" in file.read_bytes()
    project.lode("run")
    assert b"SECRET-PERSON" not in data_files(project)[0].read_bytes()
    assert project.query("select who from shop.staging.t order by id") == [{"who": "anna"}, {"who": "bob"}, {"who": "anna"}]
