# SPDX-License-Identifier: Apache-2.0
"""Every type in text and binary, both ways, byte by byte as a PostgreSQL 15 that the test starts has it."""

import struct
from typing import Iterator

import postgres
import pytest
from server import SYNC, Wire, bind, describe, execute, parse, query, serving_empty

# name in SQL: its OID, its array's, and values that PostgreSQL reads
TYPES = {
    "boolean": (16, 1000, ["true", "f", "1", "off"]),
    "smallint": (21, 1005, ["0", "-32768", "32767", " 7 "]),
    "integer": (23, 1007, ["0", "-1", "-2147483648", "2147483647"]),
    "bigint": (20, 1016, ["0", "-9223372036854775808", "9223372036854775807", "4294967296"]),
    "real": (700, 1021, ["0", "-0", "1.5", "0.1", "1e6", "999999", "1e15", "1e-5", "0.0001", "3.4028235e38", "1e-45", "NaN", "Infinity", "-Infinity", "16777216", "123456.7"]),
    "double precision": (701, 1022, ["0", "-0", "1.5", "0.1", "1e14", "1e15", "123456789012345", "1e16", "1e-4", "1e-5", "1.7976931348623157e308", "5e-324", "NaN",
                                     "Infinity", "-Infinity", "0.30000000000000004", "-1234.5678", "9007199254740993", "1e22"]),
    "numeric": (1700, 1231, ["0", "1", "-1.5", "10000", "0.00001234", "0.00", "100.00", "12345678901234567890.123456789", "-0.1", "9999.9999", "99999999", "1e3", "1e-3",
                             "123456789012345678901234567890", "+5", ".5", "5.", "00012.300", "10000000000000000", "0.0001", "-12345.6789e2"]),
    "date": (1082, 1182, ["2000-01-01", "1999-12-31", "1970-01-01", "0001-01-01", "0044-03-15 BC", "9999-12-31", "12345-06-07", "infinity", "-infinity", "4713-01-01 BC", "5874897-12-31",
                          "20260131", "2026-2-3", "2024-02-29"]),
    "time": (1083, 1183, ["00:00:00", "23:59:59.999999", "24:00:00", "12:34", "01:02:03.4"]),
    "time with time zone": (1266, 1270, ["00:00:00+00", "12:34:56.789+05:30", "23:59:59-15:59", "01:02:03-08", "01:02:03+01:02:03"]),
    "timestamp": (1114, 1115, ["2000-01-01 00:00:00", "1999-12-31 23:59:59.999999", "0044-03-15 12:00:00 BC", "infinity", "-infinity", "294246-01-01 00:00:00", "4713-01-01 00:00:00 BC",
                               "2026-11-26T08:00:00", "2026-11-26", "2026-11-26 08:00", "2026-11-26 08:00:00.5", "2026-11-26 08:00:00+02"]),
    "timestamp with time zone": (1184, 1185, ["2000-01-01 00:00:00+00", "1999-12-31 23:59:59.999999+00", "0044-03-15 12:00:00+00 BC", "infinity", "-infinity", "2026-11-26 08:00:00+02",
                                              "2026-11-26 08:00:00+05:30", "2026-11-26T08:00:00Z", "2026-11-26", "294246-01-01 00:00:00+00"]),
    "interval": (1186, 1187, ["0", "1 month 2 days 03:04:05.678", "-1 year -2 mons +3 days -04:05:06", "1 day", "100:00:00", "-00:00:00.000001", "1 year", "1 mon", "P1Y2M3DT4H5M6S",
                              "1 hour 30 min", "-1 day 2 hours", "178000000 years", "1 week", "1.5 days", "1-2", "1 2:03:04"]),
    "uuid": (2950, 2951, ["00112233-4455-6677-8899-aabbccddeeff", "ffffffff-ffff-ffff-ffff-ffffffffffff", "00000000-0000-0000-0000-000000000000", "A0EEBC999C0B4EF8BB6D6BB9BD380A11",
                          "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"]),
    "bytea": (17, 1001, ["", "\\x00ff10", "abc", "\\\\x", "\\000\\377", "\\x5C27"]),
    "text": (25, 1009, ["", "a", "é'\"\\", "日本語 🦆", "null", "NULL", "{a,b}", "a b", " x ", "tab\tnew\nline", "a,b", "\\N", "\\."]),
    "varchar": (1043, 1015, ["", "é", "x y"]),
    "json": (114, 199, ["{}", '{"a": [1, 2.50, null, "é"], "b" : {"c":true}}', '"x"', "null", "[ 1 ]", "1.0"]),
    "oid": (26, 1028, ["0", "16384", "4294967295"]),
    "name": (19, 1003, ["pg_class", "Ünder"]),
    "bit varying": (1562, 1563, ["10110", "1", "0000000011111111", "111111110"]),
    "bit(5)": (1560, 1561, ["10110", "00000"]),
    "character(4)": (1042, 1014, ["abcd"]),
}


# Types that come as another, which holds every value of theirs: what a column of them is in ours.
COMES_AS = {"varchar": 25, "character(4)": 25, "bit(5)": 1562}

# What ours says where PostgreSQL says something else, and why.
DIFFERENT = {
    ("numeric", "NaN"): (b"NaN", b"NaN", 701),  # the engine's decimals have no NaN: it is a double, of another binary form
    ("numeric", "Infinity"): (b"Infinity", b"Infinity", 701),
    ("double precision", "1e23"): (b"1e+23", b"9.999999999999999e+22", 701),  # both read back as the same value
    ("character(4)", "ab"): (b"ab", b"ab  ", 25),  # text is not padded
    ("jsonb", '{"b":1,"a":2}'): (b'{"b":1,"a":2}', b'{"a": 2, "b": 1}', 114),  # jsonb is json: kept as it was written
}

# What only the engine has, and what a client of PostgreSQL takes it for.
OF_THE_ENGINE = {
    "(-128)::tinyint": "(-128)::smallint",
    "255::utinyint": "255::smallint",
    "65535::usmallint": "65535::integer",
    "4294967295::uinteger": "4294967295::bigint",
    "18446744073709551615::ubigint": "18446744073709551615::numeric",
    "(-170141183460469231731687303715884105727)::hugeint": "(-170141183460469231731687303715884105727)::numeric",
    "340282366920938463463374607431768211455::uhugeint": "340282366920938463463374607431768211455::numeric",
    "123.450::decimal(9,3)": "123.450::numeric(9,3)",
    "0.5::decimal(38,38)": "0.5::numeric(38,38)",
    "'2026-11-26 01:02:03'::timestamp_s": "'2026-11-26 01:02:03'::timestamp",
    "'1969-12-31 23:59:59.999'::timestamp_ms": "'1969-12-31 23:59:59.999'::timestamp",
    "'1969-12-31 23:59:59.999999999'::timestamp_ns": "'1969-12-31 23:59:59.999999'::timestamp",
    "'b'::enum('a', 'b')": "'b'::text",
    "{'a': 1, 'b': 'x', 'c': null}": """'{"a": 1, "b": "x", "c": null}'::json""",
    "map(['k'], [1.5])": """'{"k": 1.5}'::json""",
    "[[1, 2], [3]]": "'[[1, 2], [3]]'::json",
    "[1, null, 3]": "array[1, null, 3]",
    "['a', 'NULL', '']": "array['a', 'NULL', '']",
    "array_value(1.5::double, 2)": "array[1.5::float8, 2]",
    "[date '2026-11-26']": "array[date '2026-11-26']",
    "null": "null",
}


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with serving_empty(tmp_path_factory.mktemp("types")) as server:
        yield Wire(server.port)


@pytest.fixture(scope="module")
def theirs() -> Iterator[Wire]:
    with postgres.running() as judge:
        yield Wire(judge.folder, user="lode")


def values_of(body: bytes) -> list[bytes | None]:
    """Of a DataRow."""
    at, values = 2, []
    for _ in range(struct.unpack("!H", body[:2])[0]):
        size = struct.unpack_from("!i", body, at)[0]
        at += 4
        values.append(None if size < 0 else body[at:at + size])
        at += max(size, 0)
    return values


def types_of(body: bytes) -> list[int]:
    """Of a RowDescription: what a column's name, its table and its size are is not of its type."""
    at, types = 2, []
    for _ in range(struct.unpack("!H", body[:2])[0]):
        at = body.index(b"\0", at) + 1
        types.append(struct.unpack_from("!I", body, at + 6)[0])
        at += 18
    return types


def answer(wire: Wire, *steps: tuple[str, bytes]) -> dict[str, object]:
    """What comes back: rows, types of columns and of parameters, a COPY as one piece, an error as its code."""
    seen: dict[str, object] = {"rows": [], "copied": b""}
    for step in steps:
        wire.send(*step)
    for kind, body in wire.until("Z"):
        if kind == "D":
            seen["rows"].append(values_of(body))
        elif kind == "T":
            seen["columns"] = types_of(body)
        elif kind == "t":
            seen["parameters"] = body
        elif kind == "d":
            seen["copied"] += body
        elif kind == "E":
            seen["error"] = Wire.words(body)["C"]
    return seen


def bound(wire: Wire, kind: str, oid: int, values: list[bytes | None], binary: bool) -> list[dict[str, object]]:
    """Values as parameters, answered in text and in binary."""
    sql = "select " + ", ".join(f"${i + 1}::{kind}" for i in range(len(values)))
    return [answer(wire, parse(sql, types=(oid,) * len(values)), describe("S"),
                   bind(values=tuple(values), formats=(int(binary),), results=(back,)), describe("P"), execute(), SYNC) for back in (0, 1)]


def written(wire: Wire, expressions: list[str]) -> list[dict[str, object]]:
    """Values that the statement makes, by each way out."""
    sql = "select " + ", ".join(expressions)
    return [answer(wire, query(sql)), answer(wire, parse(sql), bind(results=(1,)), describe("P"), execute(), SYNC),
            *(answer(wire, query(f"copy ({sql}) to stdout {how}")) for how in ("", "csv", "(format binary)"))]


def literal(text: str | None, kind: str) -> str:
    return f"null::{kind}" if text is None else "'" + text.replace("'", "''") + f"'::{kind}"


def array_text(values: list[str | None]) -> str:
    return "{" + ",".join("NULL" if v is None else '"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"' for v in values) + "}"


def same(kind: str, ours: list[dict[str, object]], theirs: list[dict[str, object]]) -> None:
    for judged in theirs:
        assert "error" not in judged, judged
        if kind in COMES_AS and "columns" in judged:
            judged["columns"] = [COMES_AS[kind]] * len(judged["columns"])
    assert ours == theirs


def check(ours: Wire, theirs: Wire, kind: str, oid: int, texts: list[str | None]) -> None:
    sent = [None if text is None else text.encode() for text in texts]
    judged = bound(theirs, kind, oid, sent, binary=False)
    binary = judged[1]["rows"][0]
    same(kind, bound(ours, kind, oid, sent, binary=False), judged)
    same(kind, bound(ours, kind, oid, binary, binary=True), bound(theirs, kind, oid, binary, binary=True))
    expressions = [literal(text, kind) for text in texts]
    same(kind, written(ours, expressions), written(theirs, expressions))


@pytest.mark.parametrize("kind", TYPES)
def test_a_type_goes_both_ways_as_in_postgresql(ours: Wire, theirs: Wire, kind: str) -> None:
    oid, _, texts = TYPES[kind]
    check(ours, theirs, kind, oid, [*texts, None])


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind not in COMES_AS])
def test_arrays_go_both_ways_as_in_postgresql(ours: Wire, theirs: Wire, kind: str) -> None:
    _, array, texts = TYPES[kind]
    scales = kind == "numeric"  # elements of one array have one scale in the engine
    check(ours, theirs, f"{kind}[]", array, ["{}", "{NULL}", array_text(["1.50", "-2.25", None] if scales else [*texts, None]), None])


@pytest.mark.parametrize("kind, text", DIFFERENT)
def test_what_differs_is_as_it_is_told(ours: Wire, theirs: Wire, kind: str, text: str) -> None:
    mine, judged, oid = DIFFERENT[kind, text]
    got, wanted = answer(ours, query(f"select {literal(text, kind)}")), answer(theirs, query(f"select {literal(text, kind)}"))
    assert (got["rows"], got["columns"], wanted["rows"]) == ([[mine]], [oid], [[judged]])


@pytest.mark.parametrize("mine", OF_THE_ENGINE)
def test_a_type_of_the_engine_comes_as_one_of_postgresql(ours: Wire, theirs: Wire, mine: str) -> None:
    assert written(ours, [mine]) == written(theirs, [OF_THE_ENGINE[mine]])
