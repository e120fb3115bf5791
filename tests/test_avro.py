# SPDX-License-Identifier: Apache-2.0
"""Avro containers as sources, written by fastavro: types of the file's schema, evolution by name, what cannot be is kept aside or held."""

import datetime
import decimal
import gzip
import io
import json
import uuid
from typing import Any

import fastavro
import pytest
import zstandard

from conftest import Project

UTC = datetime.timezone.utc


def logical(kind: str, meaning: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "logicalType": meaning, **more}


FIELDS: list[tuple[str, Any]] = [
    ("id", "long"), ("name", ["null", "string"]), ("small", "int"), ("day", logical("int", "date")),
    ("at_us", logical("long", "timestamp-micros")), ("at_ms", logical("long", "timestamp-millis")),
    ("local", logical("long", "local-timestamp-millis")), ("t_ms", logical("int", "time-millis")), ("t_us", ["null", logical("long", "time-micros")]),
    ("amount", logical("bytes", "decimal", precision=12, scale=2)), ("wide", logical("fixed", "decimal", name="W", size=16, precision=38, scale=4)),
    ("key", logical("string", "uuid")), ("kind", {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}), ("raw", "bytes"),
    ("four", {"type": "fixed", "name": "Four", "size": 4}), ("f", "float"), ("d", "double"), ("yes", "boolean"),
    ("place", ["null", {"type": "record", "name": "Place", "fields": [{"name": "city", "type": "string"}, {"name": "zip", "type": ["null", "int"]}]}]),
    ("home", ["null", "Place"]), ("tags", {"type": "array", "items": ["null", "string"]}), ("pairs", {"type": "map", "values": "double"}),
    ("mixed", ["null", "int", "string", "Place"]), ("number", ["null", "int", "long"]), ("nothing", "null"),
]


def schema_of(fields: list[tuple[str, Any]]) -> Any:
    return fastavro.parse_schema({"type": "record", "name": "Order", "namespace": "shop.v1", "fields": [{"name": name, "type": kind} for name, kind in fields]})


def record(i: int) -> dict[str, Any]:
    place = {"city": f"c{i}", "zip": None if i % 2 else i}
    return {
        "id": i, "name": None if i % 3 == 0 else f'n"{i}, é\n', "small": -i, "day": datetime.date(2024, 1, 1) + datetime.timedelta(i % 400),
        "at_us": datetime.datetime(2024, 1, 1, tzinfo=UTC) + datetime.timedelta(microseconds=i * 1001),
        "at_ms": datetime.datetime(1950, 1, 1, tzinfo=UTC) + datetime.timedelta(milliseconds=i), "local": datetime.datetime(2020, 5, 5) + datetime.timedelta(seconds=i),
        "t_ms": datetime.time(1, 2, 3, 4000), "t_us": None if i % 5 else datetime.time(23, 59, 59, 999999), "amount": decimal.Decimal(i - 50) / 100,
        "wide": decimal.Decimal("-123456789012345678.1234") + i, "key": str(uuid.UUID(int=i)), "kind": "AB"[i % 2], "raw": bytes([i % 256, 0, 255]), "four": b"abcd",
        "f": i / 4, "d": i / 10, "yes": i % 2 == 0, "place": None if i % 7 == 0 else place, "home": place if i % 7 == 0 else None,
        "tags": ["x", None, f'y"{i}'], "pairs": {"a": i * 1.5}, "mixed": [None, i, f"s{i}", place][i % 4], "number": [None, i, i * 2**40][i % 3], "nothing": None,
    }


def container(fields: list[tuple[str, Any]], records: list[dict[str, Any]], **options: Any) -> bytes:
    out = io.BytesIO()
    fastavro.writer(out, schema_of(fields), [{name: row[name] for name, _ in fields} for row in records], **options)
    return out.getvalue()


def varint(value: int) -> bytes:
    value <<= 1
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def header(schema: bytes, sync: bytes, codec: bytes = b"null") -> bytes:
    entries = [(b"avro.schema", schema), (b"avro.codec", codec)]
    return b"Obj\x01" + varint(2) + b"".join(varint(len(part)) + part for entry in entries for part in entry) + b"\x00" + sync


def by_zstandard(fields: list[tuple[str, Any]], records: list[dict[str, Any]]) -> bytes:
    """fastavro wants a library for it that is not here, so its one block is packed again."""
    plain = container(fields, records, codec="null", sync_interval=1 << 30)
    sync, schema = plain[-16:], json.dumps(schema_of(fields)).encode()
    block = plain[plain.index(sync) + 16:-16]
    for size in range(1, 6):  # two counts stand before the records
        head = varint(len(records)) + varint(len(block) - size - len(varint(len(records))))
        if block.startswith(head) and len(head) == size + len(varint(len(records))):
            packed = zstandard.compress(block[len(head):])
            return header(schema, sync, b"zstandard") + varint(len(records)) + varint(len(packed)) + packed + sync
    raise AssertionError("the block begins otherwise")


def staged(i: int) -> dict[str, Any]:
    """The row as it is asked for below: of each record, what it must have become."""
    row = record(i)
    text = row["mixed"]
    if isinstance(text, dict):
        text = f'{{"city":"c{i}","zip":{"null" if i % 2 else i}}}'
    return {
        "id": i, "name": row["name"], "small": -i, "day": str(row["day"]), "at_us": row["at_us"], "at_ms": row["at_ms"],
        "local": row["local"], "t_ms": "01:02:03.004", "t_us": None if i % 5 else "23:59:59.999999",
        "amount": str(row["amount"].quantize(decimal.Decimal("0.01"))), "wide": str(row["wide"]), "key": row["key"], "kind": row["kind"],
        "raw": row["raw"].hex(), "four": "61626364", "f": row["f"], "d": row["d"], "yes": row["yes"],
        "place_city": row["place"]["city"] if row["place"] else None, "place_zip": row["place"]["zip"] if row["place"] else None,
        "home_city": row["home"]["city"] if row["home"] else None, "home_zip": row["home"]["zip"] if row["home"] else None,
        "tags": f'["x",null,"y\\"{i}"]', "mixed": None if text is None else str(text), "number": row["number"], "nothing": None,
    }


ASKED = """select id, name, small, day::text as day, at_us, at_ms, local, t_ms::text as t_ms, t_us::text as t_us,
  amount::text as amount, wide::text as wide, key::text as key, kind, lower(hex(raw)) as raw, lower(hex(four)) as four, f, d, yes, place_city, place_zip,
  home_city, home_zip, tags, mixed, number, nothing from shop.staging.%s order by id"""


def test_every_type_by_every_codec_is_what_was_written(project: Project) -> None:
    rows = [record(i) for i in range(700)]
    contents = {codec: container(FIELDS, rows, codec=codec, sync_interval=4000) for codec in ["null", "deflate", "bzip2", "xz"]}
    for codec, content in (contents | {"zstandard": by_zstandard(FIELDS, rows)}).items():
        file = project.write(f"in/{codec}.avro", content)
        told = project.json("add", "shop", file, "--name", f"by_{codec}")["sources"][0]
        assert (told["format"], told["records"]) == ("avro", 700)
    project.write("in/packed.bin", gzip.compress(container(FIELDS, rows, codec="null")))
    project.json("add", "shop", project.root / "in/packed.bin", "--name", "by_gzip")
    deliveries = project.json("run")["deliveries"]
    assert len(deliveries) == 6 and all((one["records"], one["accepted"]) == (700, 700) for one in deliveries)
    wanted = [staged(i) for i in range(700)]
    for codec in ["null", "deflate", "bzip2", "xz", "zstandard", "gzip"]:
        rows = project.query(ASKED % f"by_{codec}")
        moments = [{name: datetime.datetime.fromisoformat(row[name]) for name in ["at_us", "at_ms", "local"]} for row in rows]
        assert [row | moment for row, moment in zip(rows, moments)] == wanted


def test_columns_are_found_by_name_when_the_writers_schema_changes(project: Project) -> None:
    project.write("zones/shop/sources/orders.yml", "from: in/*.avro\nformat: avro\nevolve: columns\ncolumns:\n  id: bigint required\n  name: text\n"
                  "  city: text from place.city\n")
    place: Any = {"type": "record", "name": "P", "fields": [{"name": "city", "type": "string"}]}
    project.write("in/1.avro", container([("id", "int"), ("name", "string")], [{"id": 1, "name": "a"}]))
    project.write("in/2.avro", container([("name", ["null", "string"]), ("id", "long"), ("price", logical("bytes", "decimal", precision=9, scale=2)), ("place", place)],
                                         [{"id": 2, "name": None, "price": decimal.Decimal("1.25"), "place": {"city": "Oslo"}}]))
    assert [one["state"] for one in project.json("run")["deliveries"]] == ["staged", "staged"]
    assert project.query("select id, name, city, price::text as price from shop.staging.orders order by id") == [
        {"id": 1, "name": "a", "city": None, "price": None}, {"id": 2, "name": None, "city": "Oslo", "price": "1.25"}]
    project.write("in/3.avro", container([("id", logical("int", "date")), ("name", "string")], [{"id": datetime.date(2026, 1, 1), "name": "x"}]))
    held = project.lode("run", "-o", "json", check=False).json["deliveries"][0]
    assert held["state"] == "held" and "column 'id' is declared 'bigint', and the file has it as 'date'" in str(held)


def test_values_that_the_types_cannot_hold_are_kept_aside(project: Project) -> None:
    fields = [("id", "long"), ("at", "long"), ("note", "string"), ("key", "string")]
    good = {"at": 1_700_000_000_000_000_000, "note": "x", "key": "00000000-0000-0000-0000-000000000001"}
    rows = [good | {"id": 1}, good | {"id": 2, "at": 1_700_000_000_000_000_001}, good | {"id": 3, "note": "a\x00b"}, good | {"id": 4, "key": "none"}, good | {"id": 5}]
    plain = container(fields, rows, codec="null")
    # fastavro refuses to write what does not hold, so the header with the logical types is put before its blocks
    head = {"type": "record", "name": "r", "fields": [{"name": "id", "type": "long"}, {"name": "at", "type": logical("long", "timestamp-nanos")},
                                                      {"name": "note", "type": "string"}, {"name": "key", "type": logical("string", "uuid")}]}
    body = plain[plain.index(b"\x00" + plain[-16:]) + 1:]
    project.write("in/a.avro", header(json.dumps(head).encode(), plain[-16:]) + body[16:])
    project.write("zones/shop/sources/a.yml", "from: in/a.avro\nformat: avro\ntolerate: 9\ncolumns:\n  id: int\n  at: timestamptz\n  note: text\n  key: uuid\n")
    delivery = project.json("run")["deliveries"][0]
    assert (delivery["records"], delivery["accepted"], delivery["quarantined"]) == (5, 2, 3)
    kept = project.json("show", "quarantine", "shop.a", "--rows")
    assert [(row["line"], row["rule"], row["column"]) for row in kept] == [(2, "too_many_digits", "at"), (3, "nul_byte", "note"), (4, "not_a_uuid", "key")]
    assert kept[0]["raw"].startswith("2,2023-11-14 22:13:20.000000001+00,")


def test_damaged_and_unread_files_are_held_with_the_place(project: Project) -> None:
    rows = [record(i) for i in range(300)]
    whole = container(FIELDS, rows, codec="deflate", sync_interval=2000)
    sync = whole[-16:]
    second = whole.index(sync, whole.index(sync) + 16) + 16
    bad = {"cut": (whole[:-40], "is damaged or cut"), "flipped": (whole[: second + 60] + b"\xff\x00\xff\x00" + whole[second + 64:], f"block 2 of the Avro file, at byte {second}"),
           "header": (whole[:30], "its header cannot be read"), "codec": (whole.replace(b"\x0edeflate", b"\x0eunheard"), "packed by 'unheard'"),
           "text": (b"id,name\n1,a\n", "the file is none")}
    for codec in ("bzip2", "xz"):
        packed = container(FIELDS, rows, codec=codec, sync_interval=2000)
        first = packed.index(packed[-16:]) + 16
        bad[codec] = (packed[: first + 60] + b"\xff\x00\xff\x00" + packed[first + 64:], f"block 1 of the Avro file, at byte {first}")
    project.write("zones/shop/sources/t.yml", "from: in/*\nformat: avro\ncolumns:\n  id: bigint\n  name: text\n")
    project.assert_held(bad)


@pytest.mark.full
def test_a_small_file_of_many_bytes_is_held(project: Project) -> None:
    record_bytes = varint(12 << 20) + bytes(12 << 20)
    packed = zstandard.compress(record_bytes)
    schema, sync = json.dumps({"type": "record", "name": "r", "fields": [{"name": "a", "type": "bytes"}]}).encode(), bytes(16)
    project.write("in/bomb.avro", header(schema, sync, b"zstandard") + 100 * (varint(1) + varint(len(packed)) + packed + sync))
    project.write("zones/shop/sources/bomb.yml", "from: in/*\nformat: avro\ncolumns:\n  a: binary\n")
    held = project.lode("run", "-o", "json", check=False).json["deliveries"][0]
    assert held["state"] == "held" and "more than 1000 times its size" in str(held)
