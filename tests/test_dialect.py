# SPDX-License-Identifier: Apache-2.0
"""What SQL means here and in PostgreSQL 15: each line of sql/dialect.sql is asked of both. What differs on purpose is in
sql/differences.tsv, which docs/sql.md shows; anything else that differs is a fault."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import postgres
import psycopg
import pytest
from psycopg.pq import DiagnosticField, ExecStatus

FOLDER = Path(__file__).parent / "sql"
STATEMENTS = [line for line in (FOLDER / "dialect.sql").read_text().splitlines() if line and not line.startswith("--")]
DIFFERENCES = {row[0]: row[1:] for row in (line.split("\t") for line in (FOLDER / "differences.tsv").read_text().splitlines()[1:])}

# (here, PostgreSQL): the same values under another type.
TYPES = {
    (20, 23): "lengths, places, counts of days are bigint", (1700, 20): "sums of integers are numeric",
    (1700, 23): "some counts are numeric", (701, 1700): "averages, deviations and quotients are double", (20, 1700): "extract() gives bigint",
    (20, 701): "date_part() gives bigint", (21, 701): "sign() gives smallint", (25, 1043): "varchar is text", (25, 1042): "char is text",
    (25, 2205): "names of objects are text", (25, 2206): "names of types are text", (26, 2205): "numbers of objects are oid",
    (25, 19): "names are text", (114, 3802): "jsonb is json", (25, 2278): "nothing is text", (114, 2249): "rows are json",
    (700, 701): "real stays real", (25, 17): "digests are text",
}


class Answer:
    """Columns, types and rows in text, or the SQLSTATE of what went wrong."""

    def __init__(self, connection: psycopg.Connection, sql: str) -> None:
        result = connection.pgconn.exec_(sql.encode())
        self.state = ""
        self.names: list[str] = []
        self.types: list[int] = []
        self.rows: list[list[str | None]] = []
        if result.status != ExecStatus.TUPLES_OK:
            self.state = (result.error_field(DiagnosticField.SQLSTATE) or b"").decode()
            return
        columns = range(result.nfields)
        self.names = [(result.fname(k) or b"").decode() for k in columns]
        self.types = [result.ftype(k) for k in columns]
        self.rows = [[None if (v := result.get_value(i, k)) is None else v.decode() for k in columns] for i in range(result.ntuples)]

    def __str__(self) -> str:
        return self.state or "; ".join(", ".join("NULL" if value is None else value.replace("\n", "\\n").replace("\t", "\\t") for value in row) for row in self.rows)


def same_value(ours: str | None, theirs: str | None, types: tuple[int, int]) -> bool:
    if ours == theirs or ours is None or theirs is None:
        return ours == theirs
    if types[0] == types[1] != 1700 or not {*types} <= {20, 21, 23, 700, 701, 1700}:
        return False
    return abs(float(ours) - float(theirs)) <= (1e-6 if 700 in types else 1e-12) * abs(float(theirs))


def same(ours: Answer, theirs: Answer) -> bool:
    if ours.state or theirs.state:
        return ours.state == theirs.state
    pairs = list(zip(ours.types, theirs.types))
    return (ours.names == theirs.names and len(ours.rows) == len(theirs.rows) and all(a == b or (a, b) in TYPES for a, b in pairs)
            and all(same_value(a, b, pair) for mine, others in zip(ours.rows, theirs.rows) for a, b, pair in zip(mine, others, pairs)))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[psycopg.Connection, psycopg.Connection]]:
    with postgres.beside(tmp_path_factory.mktemp("dialect")) as connections:
        yield connections


@pytest.mark.parametrize("sql", STATEMENTS)
def test_sql_means_the_same_or_differs_as_written(both: tuple[Any, Any], sql: str) -> None:
    ours, theirs = Answer(both[0], sql), Answer(both[1], sql)
    if sql in DIFFERENCES:
        assert [str(theirs), str(ours)] == DIFFERENCES[sql][:2]
        assert not same(ours, theirs), "it is on the list of what differs"
    else:
        assert same(ours, theirs), f"{ours.names} {ours.types} {ours}\n{theirs.names} {theirs.types} {theirs}"


def test_each_difference_is_asked_and_has_a_reason() -> None:
    assert set(DIFFERENCES) <= set(STATEMENTS)
    assert all(len(row) == 3 and row[2] for row in DIFFERENCES.values())


MISTAKES = {
    "select * from nosuch": "42P01", "select nosuch from (values (1)) t(a)": "42703", "select nosuchfunction(1)": "42883",
    "select upper(1)": "42883", "select a from (values (1)) t(a), (values (1)) u(a)": "42702", "select 'é', 'abc'::int": "22P02",
    "selec 1": "42601", "select 1 +": "42601", "select 'é', 1 / from": "42601", "select 1::nosuchtype": "42704",
    "select sum(a), a from (values (1)) t(a)": "42803", "select 300000::smallint": "22003", "select date '2026-02-30'": "22008",
    "select 5 % 0": "22012", "select (select a from (values (1), (2)) t(a))": "21000",
}


@pytest.mark.parametrize("sql", MISTAKES)
def test_mistakes_have_postgresqls_number_and_a_place(both: tuple[Any, Any], sql: str) -> None:
    """Places are characters of the client's own text; of a constant PostgreSQL names its beginning, the engine its cast."""
    states, places = [], []
    for connection in both:
        with pytest.raises(psycopg.Error) as caught:
            connection.execute(sql)
        states.append(caught.value.sqlstate)
        places.append(caught.value.diag.statement_position)
    assert states == [MISTAKES[sql], MISTAKES[sql]]
    assert places[0] == places[1] or (places[1] is None) or (states[0] in ("22P02", "22008", "42601") and places[0]), places
