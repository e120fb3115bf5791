# SPDX-License-Identifier: Apache-2.0
"""Mistakes that people make, asked of Lode and of a PostgreSQL 15: each has a number that programs know, a place under the
right character of the client's own text, and a sentence that helps. sql/mistakes.tsv has them, one a line: the statement, the
SQLSTATE, the place (characters from 1; - = none), a part of what is said, and why the number is not PostgreSQL's."""

from collections.abc import Iterator
from pathlib import Path

import postgres
import psycopg
import pytest

MISTAKES = [line.split("\t") for line in (Path(__file__).parent / "sql" / "mistakes.tsv").read_text().splitlines()]
# Where the place is another than PostgreSQL's, and as good.
PLACES = {"limit 10, 20": "the comma, not LIMIT", "oid in (": "the column, not IN", "<=>": "the left side", "unnest(array": "the argument"}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[psycopg.Connection, psycopg.Connection]]:
    with postgres.beside(tmp_path_factory.mktemp("mistakes")) as connections:
        yield connections


def refused(connection: psycopg.Connection, sql: str) -> psycopg.errors.Diagnostic:
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(sql)
    return caught.value.diag


@pytest.mark.parametrize("sql, state, place, words, reason", MISTAKES, ids=[row[0] for row in MISTAKES])
def test_a_mistake_is_told(both: tuple[psycopg.Connection, psycopg.Connection], sql: str, state: str, place: str, words: str, reason: str) -> None:
    ours = refused(both[0], sql)
    said = f"{ours.message_primary} | {ours.message_hint}"
    assert [ours.sqlstate, ours.statement_position or "-"] == [state, place], said
    assert words in said
    if reason:
        return
    theirs = refused(both[1], sql)
    assert ours.sqlstate == theirs.sqlstate
    same = ours.statement_position == theirs.statement_position or not theirs.statement_position or not ours.statement_position
    assert same or any(part in sql for part in PLACES), (ours.statement_position, theirs.statement_position)


def test_there_are_sixty() -> None:
    assert len(MISTAKES) >= 60
    assert all(len(row) == 5 for row in MISTAKES)
