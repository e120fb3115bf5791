# SPDX-License-Identifier: Apache-2.0
"""Parquet files as sources: whatever wrote them, the staged table holds what DuckDB reads in the file; what cannot be is kept aside or held."""

import datetime
import decimal
import random
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import Project

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1960, 1, 1)


def column(chance: random.Random, rows: int, kind: pa.DataType, value: Any) -> pa.Array:
    return pa.array([None if chance.random() < 0.1 else value() for _ in range(rows)], kind)


def flat(rows: int, seed: int = 1) -> pa.Table:
    """A column of every type that a file can have and a table of ours can hold."""
    r = random.Random(seed)
    digits = decimal.Context(prec=60)

    def number(power: int, scale: int) -> decimal.Decimal:
        return decimal.Decimal(r.randint(-(10**power), 10**power)).scaleb(-scale, digits)

    def micros() -> datetime.timedelta:
        return datetime.timedelta(microseconds=r.randint(0, 3 * 10**15))

    kinds = {
        "i8": (pa.int8(), lambda: r.randint(-128, 127)), "u8": (pa.uint8(), lambda: r.randint(0, 255)),
        "u16": (pa.uint16(), lambda: r.randint(0, 65535)), "u32": (pa.uint32(), lambda: r.randint(0, 2**32 - 1)),
        "u64": (pa.uint64(), lambda: r.randint(0, 2**64 - 1)), "i32": (pa.int32(), lambda: r.randint(-(2**31), 2**31 - 1)),
        "f32": (pa.float32(), lambda: r.random() * 10 ** r.randint(-5, 5)),
        "f64": (pa.float64(), lambda: r.choice([r.random() * 10 ** r.randint(-50, 50), float("nan"), float("inf"), -0.0])),
        "yes": (pa.bool_(), lambda: r.random() < 0.5),
        "words": (pa.string(), lambda: r.choice(["", "x", "é☃", 'q"u,o\nte', "long" * r.randint(0, 30)])),
        "kind": (pa.string(), lambda: r.choice("abcdef")), "bytes": (pa.binary(), lambda: r.randbytes(r.randint(0, 9))),
        "five": (pa.binary(5), lambda: r.randbytes(5)), "d9": (pa.decimal128(9, 2), lambda: number(8, 2)),
        "d18": (pa.decimal128(18, 4), lambda: number(17, 4)), "d38": (pa.decimal128(38, 6), lambda: number(36, 6)),
        "day": (pa.date32(), lambda: datetime.date(1900, 1, 1) + datetime.timedelta(r.randint(0, 80000))),
        "t_ms": (pa.time32("ms"), lambda: datetime.time(r.randint(0, 23), r.randint(0, 59), 7, r.randint(0, 999) * 1000)),
        "t_us": (pa.time64("us"), lambda: datetime.time(r.randint(0, 23), 1, 2, r.randint(0, 999999))),
        "ts_ms": (pa.timestamp("ms"), lambda: EPOCH + datetime.timedelta(milliseconds=r.randint(0, 3 * 10**12))),
        "ts_us": (pa.timestamp("us"), lambda: EPOCH + micros()), "ts_ns": (pa.timestamp("ns"), lambda: r.randint(-(10**15), 10**15) * 1000),
        "tz": (pa.timestamp("us", tz="UTC"), lambda: datetime.datetime(2020, 1, 1, tzinfo=UTC) + micros() / 30),
    }
    return pa.table({"id": pa.array(range(rows), pa.int64())} | {name: column(r, rows, kind, value) for name, (kind, value) in kinds.items()})


def nested(rows: int) -> pa.Table:
    r = random.Random(2)

    def maybe(value: Any) -> Any:
        return None if r.random() < 0.2 else value

    def item() -> Any:
        return maybe({"sku": maybe(f"s{r.randint(0, 9)}"), "qty": maybe(r.randint(0, 9)), "tags": maybe([maybe(r.choice("xyz")) for _ in range(r.randint(0, 3))])})

    place = pa.struct([("city", pa.string()), ("geo", pa.struct([("lat", pa.float64()), ("lon", pa.float64())]))])
    items = pa.list_(pa.struct([("sku", pa.string()), ("qty", pa.int32()), ("tags", pa.list_(pa.string()))]))
    return pa.table({
        "id": pa.array(range(rows), pa.int64()),
        "place": pa.array([maybe({"city": maybe(f"c{i}"), "geo": maybe({"lat": maybe(1.5 * i), "lon": i * 1.0})}) for i in range(rows)], place),
        "nums": pa.array([maybe([maybe(r.randint(0, 99)) for _ in range(r.randint(0, 4))]) for _ in range(rows)], pa.list_(pa.int64())),
        "deep": pa.array([maybe([maybe([r.randint(0, 9) for _ in range(r.randint(0, 3))]) for _ in range(r.randint(0, 3))]) for _ in range(rows)],
                         pa.list_(pa.list_(pa.int32()))),
        "items": pa.array([maybe([item() for _ in range(r.randint(0, 3))]) for _ in range(rows)], items),
        "pairs": pa.array([maybe([(f"k{k}", maybe(k * 2)) for k in range(r.randint(0, 3))]) for _ in range(rows)], pa.map_(pa.string(), pa.int64())),
    })


def encodings(table: pa.Table) -> dict[str, str]:
    """The encodings that writers choose where they have no dictionary."""
    chosen = {"int64": "DELTA_BINARY_PACKED", "int32": "DELTA_BINARY_PACKED", "int8": "DELTA_BINARY_PACKED", "uint64": "DELTA_BINARY_PACKED",
              "double": "BYTE_STREAM_SPLIT", "float": "BYTE_STREAM_SPLIT", "string": "DELTA_BYTE_ARRAY", "binary": "DELTA_LENGTH_BYTE_ARRAY", "bool": "RLE"}
    return {field.name: chosen[str(field.type)] for field in table.schema if str(field.type) in chosen} | {"kind": "DELTA_LENGTH_BYTE_ARRAY", "d38": "DELTA_BYTE_ARRAY"}


# What the staged column is, of columns that DuckDB reads as another type than ours.
AS_STAGED = {"u64": "u64::decimal(20,0)", "ts_ns": "ts_ns::timestamp", "place_city": "place.city", "place_geo_lat": "place.geo.lat",
             "place_geo_lon": "place.geo.lon"} | {name: f"to_json({name})::varchar" for name in ["nums", "deep", "items", "pairs"]}


def differing(staged: pa.Table, file: Path) -> int:
    """Rows of either that the other has not."""
    names = [name for name in staged.column_names if not name.startswith("_")]
    ours = "select " + ", ".join(names) + " from staged"
    theirs = "select " + ", ".join(f"{AS_STAGED.get(name, name)} as {name}" for name in names) + f" from read_parquet('{file}')"
    connection = duckdb.connect()
    connection.register("staged", staged)
    return sum(connection.sql(f"select count(*) from ({a} except all {b})").fetchall()[0][0] for a, b in [(ours, theirs), (theirs, ours)])


def add(project: Project, name: str, file: Path) -> dict[str, Any]:
    return project.json("add", "shop", file, "--name", name)["sources"][0]


def test_whatever_wrote_it_the_table_holds_what_is_in_the_file(project: Project) -> None:
    table, files = flat(3000), project.root / "in"
    files.mkdir()
    old = table.select(["id", "d9", "d18"])
    writers: dict[str, Any] = {
        "plain": lambda file: pq.write_table(table, file, use_dictionary=False, data_page_size=2000),
        "encoded": lambda file: pq.write_table(table, file, use_dictionary=False, column_encoding=encodings(table), data_page_version="2.0", data_page_size=3000),
        "old": lambda file: pq.write_table(old.append_column("ts", table["ts_us"]), file, use_deprecated_int96_timestamps=True, store_decimal_as_integer=True),
        "none_at_all": lambda file: pq.write_table(table.slice(0, 0), file),
        "nested": lambda file: pq.write_table(nested(1000), file, row_group_size=400, data_page_size=500),
        "duck": lambda file: duckdb.sql(f"copy (from '{files}/plain.parquet') to '{file}' (format parquet, row_group_size 2048, parquet_version v2)"),
    }
    for codec in ["none", "snappy", "gzip", "zstd", "lz4"]:
        writers[codec] = lambda file, codec=codec: pq.write_table(
            table, file, compression=codec, row_group_size=1001, data_page_version="2.0" if codec == "zstd" else "1.0", write_page_checksum=True)
    for name, write in writers.items():
        write(files / f"{name}.parquet")
        told = add(project, name, files / f"{name}.parquet")
        assert told["format"] == "parquet" and told["records"] == pq.read_metadata(files / f"{name}.parquet").num_rows
    deliveries = project.json("run")["deliveries"]
    assert len(deliveries) == len(writers)
    for delivery in deliveries:
        file = project.root / delivery["name"]
        rows = pq.read_metadata(file).num_rows
        assert (delivery["state"], delivery["records"], delivery["accepted"], delivery["quarantined"]) == ("staged", rows, rows, 0), delivery
        if rows:
            assert differing(project.table(f"shop.staging.{file.stem}"), file) == 0, file


def test_lists_and_objects_become_typed_values_where_columns_say_so(project: Project) -> None:
    file = project.root / "nested.parquet"
    pq.write_table(nested(1000), file, row_group_size=300)
    project.write("zones/shop/sources/deep.yml", "from: nested.parquet\nformat: parquet\nignore: pairs\ncolumns:\n  id: bigint\n"
                  "  place: struct<city text, geo struct<lat double, lon double>>\n  nums: list<bigint>\n  deep: list<list<int>>\n"
                  "  items: list<struct<sku text, qty int, tags list<text>>>\n")
    delivery = project.json("run")["deliveries"][0]
    assert (delivery["records"], delivery["accepted"]) == (1000, 1000)
    data = [path for path in project.store.rglob("*.parquet") if "landing" not in path.parts]
    columns = "id, place, nums, deep, items"
    ours, theirs = f"select {columns} from read_parquet({list(map(str, data))})", f"select {columns} from read_parquet('{file}')"
    for a, b in [(ours, theirs), (theirs, ours)]:
        assert duckdb.sql(f"select count(*) from ({a} except all {b})").fetchall() == [(0,)]


def test_add_reads_types_and_counts_and_guesses_nothing(project: Project) -> None:
    file = project.root / "orders.parquet"
    pq.write_table(flat(20000), file)
    told = add(project, "orders", file)
    types = {column["name"]: column["type"] for column in told["columns"]}
    assert told["records"] == 20000 and len(told["preview"]) == 5
    assert types == {"id": "bigint", "i8": "int", "u8": "int", "u16": "int", "u32": "bigint", "u64": "decimal(20,0)", "i32": "int", "f32": "float",
                     "f64": "double", "yes": "boolean", "words": "text", "kind": "text", "bytes": "binary", "five": "binary", "d9": "decimal(9,2)",
                     "d18": "decimal(18,4)", "d38": "decimal(38,6)", "day": "date", "t_ms": "time", "t_us": "time", "ts_ms": "timestamp",
                     "ts_us": "timestamp", "ts_ns": "timestamp", "tz": "timestamptz"}
    assert {doubt["column"] for doubt in told["doubts"]} == {"u64", "ts_ns"}


def test_a_value_that_the_column_cannot_hold_is_kept_aside_exactly(project: Project) -> None:
    moments = pa.array([1_000, 1_700_000_000_123_456_789, None], pa.timestamp("ns"))
    table = pa.table({"id": pa.array([1, 2, 3], pa.int64()), "seen": moments, "n": pa.array([5, 6, 2**64 - 1], pa.uint64()),
                      "day": ["31/12/2025", "01/01/2026", "32/01/2026"], "note": ["a", "b", "c\x00d"]})
    pq.write_table(table, project.root / "odd.parquet")
    project.write("zones/shop/sources/odd.yml", "from: odd.parquet\nformat: parquet\ntolerate: 9\ndates: dd/MM/yyyy\ncolumns:\n"
                  "  id: bigint required\n  seen: timestamp\n  n: bigint\n  day: date\n  note: text\n")
    delivery = project.json("run")["deliveries"][0]
    assert (delivery["records"], delivery["accepted"], delivery["quarantined"]) == (3, 1, 2)
    assert project.query("select id, seen, n, day, note from shop.staging.odd") == [
        {"id": 1, "seen": "1970-01-01T00:00:00.000001", "n": 5, "day": "2025-12-31", "note": "a"}]
    kept = project.json("show", "quarantine", "shop.odd", "--rows")
    assert [(row["line"], row["rule"], row["column"]) for row in kept] == [(2, "too_many_digits", "seen"), (3, "nul_byte", "note")]
    assert "2023-11-14 22:13:20.123456789" in kept[0]["message"] and kept[0]["raw"].startswith("2,2023-11-14 22:13:20.123456789,6,")
    traced = project.json("trace", "shop.staging.odd", "--where", "id = 1")[0]
    assert (traced["line"], traced["raw"]) == (1, '1,1970-01-01 00:00:00.000001,5,"31/12/2025","a"')
    project.lode("fix", "shop.odd", "--file", "odd.parquet", "--line", "2", "--text", '2,2023-11-14 22:13:20.123457,6,"01/01/2026","b"')
    assert project.query("select seen from shop.staging.odd where id = 2") == [{"seen": "2023-11-14T22:13:20.123457"}]


def test_a_column_of_another_type_holds_the_file_and_a_new_one_comes_with_its_own(project: Project) -> None:
    source = "from: in/*.parquet\nformat: parquet\nevolve: columns\ncolumns:\n  id: bigint\n  day: date\n  note: text\n"
    project.write("zones/shop/sources/feed.yml", source)
    files = project.root / "in"
    files.mkdir()
    first = {"id": pa.array([1, 2], pa.int32()), "day": [datetime.date(2026, 1, 1), None]}
    pq.write_table(pa.table(first), files / "1.parquet")
    assert project.json("run")["deliveries"][0]["accepted"] == 2
    pq.write_table(pa.table(first | {"note": ["a", "b"], "price": pa.array([decimal.Decimal("1.50"), None], pa.decimal128(7, 2))}), files / "2.parquet")
    pq.write_table(pa.table(first | {"day": pa.array([1, 2], pa.int64())}), files / "3.parquet")
    answer = project.lode("run", "-o", "json", check=False).json
    states = {Path(delivery["name"]).name: delivery for delivery in answer["deliveries"]}
    assert states["2.parquet"]["state"] == "staged" and states["3.parquet"]["state"] == "held"
    assert "column 'day' is declared 'date', and the file has it as 'bigint'" in str(states["3.parquet"])
    assert sorted(map(str, project.query("select id, note, price::text as price from shop.staging.feed where price is not null or note is not null"))) == sorted(
        map(str, [{"id": 1, "note": "a", "price": "1.50"}, {"id": 2, "note": "b", "price": None}]))
    types = {column["name"]: column["type"] for column in project.json("show", "shop.staging.feed")["columns"]}
    assert types["price"] == "decimal(7,2)"


def test_bytes_that_are_words_are_text_and_what_is_none_is_kept_aside(project: Project) -> None:
    files = project.root / "in"
    files.mkdir()
    pq.write_table(pa.table({"id": [1, 2, 3], "name": pa.array([b"Ann", None, "Bø".encode()], pa.binary()), "raw": [b"\x00\x01", b"x", None]}), files / "1.parquet")
    told = add(project, "old", files / "1.parquet")
    assert [(column["name"], column["type"]) for column in told["columns"]] == [("id", "bigint"), ("name", "text"), ("raw", "binary")]
    assert [doubt["column"] for doubt in told["doubts"]] == ["name"] and "Bø" in str(told["preview"])
    source = project.root / "zones/shop/sources/old.yml"
    source.write_text(source.read_text().replace("1.parquet", "*.parquet") + "\ntolerate: 1\n")
    pq.write_table(pa.table({"id": [4, 5], "name": pa.array([b"\xff\xfe", b"Cy"], pa.binary())}), files / "2.parquet")
    project.lode("run")
    assert project.query("select id, name from shop.staging.old order by id") == [
        {"id": 1, "name": "Ann"}, {"id": 2, "name": None}, {"id": 3, "name": "Bø"}, {"id": 5, "name": "Cy"}]
    [kept] = project.json("show", "quarantine", "shop.old", "--rows")
    assert (kept["rule"], kept["column"], "at byte" in kept["message"]) == ("invalid_utf8", "name", False)


@pytest.mark.full
def test_a_small_file_of_a_billion_values_is_held(project: Project) -> None:
    """Run lengths make any number of them of a few bytes."""
    none = pa.nulls(1 << 24, pa.int8())
    pq.write_table(pa.table({f"c{i}": none for i in range(70)}), project.root / "bomb.parquet", row_group_size=1 << 24,
                   data_page_size=1 << 30, max_rows_per_page=1 << 26)
    project.write("zones/shop/sources/bomb.yml", "from: bomb.parquet\nformat: parquet\ncolumns:\n  c0: int\n")
    held = project.lode("run", "-o", "json", check=False).json["deliveries"][0]
    assert held["state"] == "held" and "more than 1000 times its size" in str(held)


def test_damaged_cut_and_encrypted_files_are_held(project: Project) -> None:
    file = project.root / "whole.parquet"
    pq.write_table(flat(500).select(["id", "words", "f64"]), file, write_page_checksum=True)
    whole = file.read_bytes()
    middle = whole[:300] + bytes([whole[300] ^ 0x55]) + whole[301:]
    bad = {"cut": (whole[:-9], "was cut short"), "no_footer": (whole[: len(whole) // 2], "was cut short"), "damaged": (middle, "is damaged"),
           "encrypted": (b"PARE" + whole[4:-4] + b"PARE", "encrypted"), "csv": (b"id,words\n1,x\n", "the file is none")}
    project.write("zones/shop/sources/t.yml", "from: in/*\nformat: parquet\ncolumns:\n  id: bigint\n  words: text\n  f64: double\n")
    project.assert_held(bad)


def test_loads_and_redelivery_work_as_with_any_file(project: Project) -> None:
    project.write("zones/shop/sources/stock.yml", "from: in/*.parquet\nformat: parquet\nload: merge\nkey: sku\norder_by: seen\n"
                  "columns:\n  sku: text required\n  qty: int\n  seen: timestamp\n")
    files = project.root / "in"
    files.mkdir()
    for day, rows in enumerate([[("a", 1), ("b", 2)], [("b", 3), ("c", 4)]], 1):
        pq.write_table(pa.table({"sku": [sku for sku, _ in rows], "qty": pa.array([qty for _, qty in rows], pa.int32()),
                                 "seen": pa.array([datetime.datetime(2026, 1, day)] * 2, pa.timestamp("us"))}), files / f"{day}.parquet")
    project.lode("run")
    (files / "again.parquet").write_bytes((files / "2.parquet").read_bytes())
    assert [delivery["state"] for delivery in project.json("run")["deliveries"]] == ["duplicate"]
    assert project.query("select sku, qty from shop.staging.stock order by sku") == [{"sku": "a", "qty": 1}, {"sku": "b", "qty": 3}, {"sku": "c", "qty": 4}]
    assert project.lode("verify").exit == 0


def test_durations_are_text_in_iso_8601_whatever_their_unit(project: Project) -> None:
    """Arrow's, of which Parquet knows no more than integers: the unit stands in the schema that its writers put beside."""
    counts = [108000, 0, None, -5400, 1, 86399]
    wanted = {"s": ["PT30H", "PT0S", None, "-PT1H30M", "PT1S", "PT23H59M59S"],
              "ms": ["PT1M48S", "PT0S", None, "-PT5.4S", "PT0.001S", "PT1M26.399S"],
              "us": ["PT0.108S", "PT0S", None, "-PT0.0054S", "PT0.000001S", "PT0.086399S"],
              "ns": ["PT0.000108S", "PT0S", None, "-PT0.0000054S", "PT0.000000001S", "PT0.000086399S"]}
    columns = {unit: pa.array(counts, pa.duration(unit)) for unit in wanted}
    inside = pa.array([None if count is None else {"took": count, "n": 1} for count in counts], pa.struct([("took", pa.duration("us")), ("n", pa.int32())]))
    table = pa.table({"id": pa.array(range(len(counts)), pa.int64()), **columns, "of": inside, "bare": pa.array(counts, pa.int64())})
    pq.write_table(table, project.root / "took_1.parquet")
    doubts = project.json("add", "shop", "took_1.parquet", "--name", "took")["sources"][0]["doubts"]
    assert [doubt["column"] for doubt in doubts if "duration" in doubt["what"]] == [*wanted, "of_took"]
    project.lode("run")
    rows = project.query('select s, ms, us, ns, of_took, bare from shop.staging.took order by id')
    for unit, texts in wanted.items():
        assert [row[unit] for row in rows] == texts, unit
    assert [row["of_took"] for row in rows] == wanted["us"]
    assert [row["bare"] for row in rows] == counts


def test_without_the_writers_schema_durations_are_integers(project: Project) -> None:
    pq.write_table(pa.table({"d": pa.array([1, 2], pa.duration("us"))}), project.root / "bare_1.parquet", store_schema=False)
    project.lode("add", "shop", "bare_1.parquet", "--name", "bare")
    project.lode("run")
    assert project.query("select d from shop.staging.bare order by d") == [{"d": 1}, {"d": 2}]


def test_names_with_blanks_at_their_edges_and_names_that_come_twice(project: Project) -> None:
    """As add writes the source, run finds the columns."""
    table = pa.Table.from_arrays([pa.array([1, 2], pa.int64()), pa.array(["a", "b"]), pa.array([" c", "d "]), pa.array([3, 4], pa.int64()),
                                  pa.array([{"city ": "x"}, None])], names=["id", "name ", "\tname", "id", "s"])
    pq.write_table(table, project.root / "names.parquet")
    added = [column["name"] for column in add(project, "names", project.root / "names.parquet")["columns"]]
    assert len(added) == len(set(added)) == 5
    delivery = project.json("run")["deliveries"][0]
    assert (delivery["state"], delivery["accepted"]) == ("staged", 2)
    rows = project.query("select * from shop.staging.names order by id")
    assert [list(row.values()) for row in rows] == [[1, "a", " c", 3, "x"], [2, "b", "d ", 4, None]], rows


NOT_A_NUMBER = ["isnan(d)", "d > 100", "d >= 5", "d <> 5", "d = 5", "d <= 5", "d between 5 and 6", "e = 5", "e <> 5", "e > 5", "d < 'nan'::double", "d in (5, 6)"]


@pytest.mark.parametrize("how", ["adopted", "written anew", "csv", "model"])
def test_what_is_no_number_is_above_all_numbers(project: Project, how: str) -> None:
    """As PostgreSQL has it. Bounds that leave it out would make the engine leave its rows out."""
    nan = float("nan")
    columns = {"i": list(range(8)), "d": [5.0, nan, 5.0, 5.0, 1.0, 2.0, 3.0, nan], "e": [5.0, 5.0, nan, *[5.0] * 5]}
    if how == "csv":
        project.write("n_1.csv", "i,d,e\n" + "".join(f"{i},{d},{e}\n" for i, d, e in zip(*columns.values(), strict=True)))
        project.write("zones/shop/sources/n.yml", "from: n_1.csv\ncolumns:\n  i: int\n  d: double\n  e: double\n")
    else:
        version = "2.0" if how == "written anew" else "1.0"
        pq.write_table(pa.table(columns), project.root / "n_1.parquet", row_group_size=4, data_page_version=version)
        project.write("zones/shop/sources/n.yml", "from: n_1.parquet\nformat: parquet\ncolumns:\n  i: bigint\n  d: double\n  e: double\n")
    project.write("zones/shop/canonical/m.sql", "select i, d, e from staging.n\n")
    project.lode("run")
    name = "shop.canonical.m" if how == "model" else "shop.staging.n"
    peer = duckdb.connect()
    peer.execute("create table n (i int, d double, e double)")
    peer.executemany("insert into n values (?, ?, ?)", list(zip(*columns.values(), strict=True)))
    for condition in NOT_A_NUMBER:
        wanted = [row[0] for row in peer.execute(f"select i from n where {condition} order by i").fetchall()]
        assert [row["i"] for row in project.query(f"select i from {name} where {condition} order by i")] == wanted, condition
    assert project.query(f"select isnan(max(d)) as a, min(d) as b, isnan(max(e)) as c from {name}") == [{"a": True, "b": 1, "c": True}]
    project.lode("verify")


def test_thousands_of_columns_of_one_name_are_told_apart_in_no_time(project: Project) -> None:
    """Each by a number that the one before knows, not by trying all."""
    name = "n" * 100
    pq.write_table(pa.Table.from_arrays([pa.array([i]) for i in range(2000)], names=[name] * 2000), project.root / "same.parquet")
    columns = add(project, "same", project.root / "same.parquet")["columns"]
    assert len({column["name"].lower() for column in columns}) == 2000
    assert project.json("run")["deliveries"][0]["accepted"] == 1
    assert project.query(f'select "{columns[1999]["name"]}" as last from shop.staging.same') == [{"last": 1999}]


def test_a_source_that_could_not_be_read_is_not_written(project: Project) -> None:
    """No YAML that people write has a NUL; what else is there is added all the same."""
    pq.write_table(pa.table({"id": [1], "a\0b": ["x"]}), project.root / "odd.parquet")
    pq.write_table(pa.table({"id": [1]}), project.root / "good.parquet")
    answer = project.lode("add", "shop", "odd.parquet", "good.parquet", "--each", "-o", "json", check=False)
    assert [source["source"] for source in answer.json["sources"]] == ["good"]
    (left,) = answer.json["left_over"]
    assert left["file"] == "odd.parquet" and "by hand" in left["why"], left
    assert [path.name for path in (project.root / "zones/shop/sources").iterdir()] == ["good.yml"]
    assert project.json("run")["deliveries"][0]["state"] == "staged"
