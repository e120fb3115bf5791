# SPDX-License-Identifier: Apache-2.0
"""Parameters that nobody gave a type: each statement of sql/parameters.sql is described here and by PostgreSQL 15, and run with
values of what PostgreSQL takes them for. Where that cannot tell, there is nothing to compare: here more is answered."""

import struct
from collections.abc import Iterator
from pathlib import Path

import postgres
import pytest
from server import SYNC, Wire, bind, describe, execute, parse, serving_empty

STATEMENTS = [line for line in (Path(__file__).parent / "sql" / "parameters.sql").read_text().splitlines() if not line.startswith("--")]
UNKNOWN = {"42725", "42P18", "42P08", "42883"}  # several operators, or none: PostgreSQL does not know

# What differs, and why.
TYPES = {
    "select sum(x) + $1 from (values (1), (2)) t(x)": "sums of integers are numeric",
    "select substring('abc', $1)": "substring(x, pattern) is not there, so it is a place",
    "select time '10:00' - $1": "time - time is not there",
}
VALUES = {16: b"t", 17: b"\\x61", 20: b"2", 21: b"2", 23: b"2", 25: b"2020-01-01", 700: b"1.5", 701: b"1.5", 1043: b"abc", 1700: b"1.55",
          1082: b"2019-05-06", 1114: b"2019-05-06 01:02:03", 1184: b"2019-05-06 01:02:03+00", 1186: b"1 day", 1007: b"{1,2}", 1009: b"{a,b}",
          2950: b"00000000-0000-0000-0000-000000000001", 114: b"{}"}


class Asked:
    """One statement as one server has it: the types of its parameters, or an error; and its rows."""

    def __init__(self, wire: Wire, sql: str) -> None:
        self.wire, self.sql = wire, sql
        self.types: tuple[int, ...] = ()
        self.state = ""
        for message in (parse(sql), describe("S"), SYNC):
            wire.send(*message)
        for kind, body in wire.until("Z"):
            if kind == "E":
                self.state = Wire.words(body)["C"]
            if kind == "t":
                self.types = struct.unpack(f"!{(len(body) - 2) // 4}I", body[2:])

    def run(self, values: tuple[bytes, ...]) -> list[bytes | str]:
        for message in (parse(self.sql), bind(values=values), execute(), SYNC):
            self.wire.send(*message)
        return sorted(Wire.words(body)["C"] if kind == "E" else body.decode("latin1") for kind, body in self.wire.until("Z") if kind in "ED")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Wire, Wire]]:
    with serving_empty(tmp_path_factory.mktemp("parameters")) as server, postgres.running() as judge:
        yield Wire(server.port), Wire(judge.folder, user="lode")


@pytest.mark.parametrize("sql", STATEMENTS)
def test_a_parameter_is_what_postgresql_takes_it_for(both: tuple[Wire, Wire], sql: str) -> None:
    ours, theirs = (Asked(wire, sql) for wire in both)
    if theirs.state:
        assert theirs.state in UNKNOWN
        return
    if sql in TYPES:
        assert ours.types != theirs.types, "it is on the list of what differs"
        return
    assert ours.types == theirs.types
    values = tuple(VALUES[oid] for oid in theirs.types)
    if "now()" not in sql:
        assert ours.run(values) == theirs.run(values)


@pytest.mark.parametrize("value", (b"1.5", b"0x10", b"", b"x", b"1_0", b"99999999999"))
def test_an_integer_in_text_is_digits(both: tuple[Wire, Wire], value: bytes) -> None:
    ours, theirs = (Asked(wire, "select x from (values (1), (2)) t(x) where x = $1").run((value,)) for wire in both)
    assert ours == theirs and len(ours) == 1


def test_a_numeric_that_is_no_number_is_told_as_that(both: tuple[Wire, Wire]) -> None:
    wire = both[0]
    for message in (parse("select $1::numeric"), bind(values=(b"NaN",)), execute(), SYNC):
        wire.send(*message)
    said = [Wire.words(body) for kind, body in wire.until("Z") if kind == "E"]
    assert [words["C"] for words in said] == ["0A000"] and "NaN" in said[0]["M"]
