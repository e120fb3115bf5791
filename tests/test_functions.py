# SPDX-License-Identifier: Apache-2.0
"""Every function that the engine has, with arguments for each of its signatures, asked by one whose rows are limited.

Which names pass is the list tests/sql/functions.txt, reviewed by hand: a name more or less is a failure, and so the list is the
judge of what src/sql/allow.c lets through. What passes is asked in two stores that differ in hidden values alone, and answers the
same byte for byte (see test_noninterference.py)."""

import itertools
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pytest
from conftest import counts
from server import Server, Wire, serving
from test_noninterference import differ, differ_always, reply, shown, twin

REVIEWED = Path(__file__).parent / "sql" / "functions.txt"
COLUMNS = {"VARCHAR": "t.n", "BIGINT": "t.big", "INTEGER": "t.k", "DATE": "t.day", "TIMESTAMP": "t.ts", "DOUBLE": "t.f", "FLOAT": "t.f::float",
           "DECIMAL": "t.d", "BOOLEAN": "t.b", "STRUCT": "t.s", "MAP": "t.m", "JSON": "t.j::json", "ANY": "t.k", "T": "t.k", "BLOB": "t.n::blob",
           "INTERVAL": "to_days(t.k)", "TIME": "t.ts::time", "TIMESTAMP WITH TIME ZONE": "t.ts::timestamptz", "HUGEINT": "t.big::hugeint",
           "SMALLINT": "t.k::smallint", "TINYINT": "t.k::tinyint", "UBIGINT": "t.k::ubigint", "UINTEGER": "t.k::uinteger", "USMALLINT": "t.k::usmallint",
           "UTINYINT": "t.k::utinyint", "UHUGEINT": "t.k::uhugeint", "BIT": "t.n::bit", "UUID": "md5(t.n)::uuid", "LAMBDA": "lambda x: x",
           "DOUBLE[]": "t.l", "VARCHAR[]": "[t.n]", "BIGINT[]": "[t.big]", "INTEGER[]": "[t.k]", "TIME WITH TIME ZONE": "t.ts::time::timetz"}
# Of the clock or of chance, whatever the table holds; and one that sleeps.
NEVER_THE_SAME = {"current_localtime", "current_localtimestamp", "gen_random_uuid", "get_current_time", "get_current_timestamp", "now", "random",
                  "transaction_timestamp", "uuid", "uuidv4", "uuidv7", "pg_sleep"}
OPERATOR = re.compile(r"^[^a-z_]+$")


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    folder = tmp_path_factory.mktemp("twins")
    with ExitStack() as stack:
        yield tuple(stack.enter_context(serving(twin(folder / str(poisoned), poisoned))) for poisoned in (False, True))


def argument(kind: str) -> str:
    kind = kind.upper()
    if kind.startswith("DECIMAL"):
        return "t.d"
    for head in ("STRUCT", "MAP", "LAMBDA"):
        if kind.startswith(head):
            return COLUMNS[head]
    return COLUMNS.get(kind) or ("t.l" if kind.endswith("]") or kind == "LIST" else "t.n")


def calls() -> dict[str, list[str]]:
    """Of each name the statements that call it, one a signature; of operators and table functions too."""
    found: dict[str, dict[str, None]] = {}
    rows = duckdb.sql("select function_name, function_type, parameter_types, varargs from duckdb_functions() order by all").fetchall()
    for name, kind, types, varargs in rows:
        given = [argument(each or "ANY") for each in types] + ([argument(varargs)] if varargs else [])
        call = f'"{name}"' if OPERATOR.match(name) or name != name.lower() else name
        if kind in ("table", "table_macro", "pragma"):
            sql = f"select * from {call}({', '.join('1' if each == 't.k' else repr('x') for each in given)})"
        else:
            sql = f"select {call}({', '.join(given)}) as x from shop.canonical.t t"
        found.setdefault(name, {})[sql] = None
    return {name: list(statements) for name, statements in found.items()}


def is_refused(answer: list[tuple[str, bytes]]) -> bool:
    """By Lode, before anything was asked of the engine, or as no SQL at all; else it passed, whatever is wrong with the call."""
    words = (b"is not allowed", b"needs its bounds", b"takes the name of an allowed")
    return any(kind == "E" and (b"C42601\0" in body or any(each in body for each in words)) for kind, body in answer)


def test_only_reviewed_functions_pass(twins: tuple[Server, Server]) -> None:
    reviewed = set(REVIEWED.read_text().split())
    wire = Wire(twins[0].port, "one", "lode")
    reply(wire, "set statement_timeout = '5s'")
    passed = {name for name, statements in calls().items() if not all(is_refused(reply(wire, sql)) for sql in statements)}
    print(f"{len(calls())} names, {len(passed)} reached the engine")
    assert sorted(passed - reviewed) == [] and sorted(reviewed - passed) == []


@counts("LODE_CALLS", few=250, many=100000, seconds=3600)
def test_what_passes_tells_nothing_of_hidden_rows(twins: tuple[Server, Server], count: int) -> None:
    reviewed = set(REVIEWED.read_text().split())
    statements = list(itertools.chain.from_iterable(each for name, each in calls().items() if name in reviewed - NEVER_THE_SAME))
    wires = [Wire(server.port, "one", "lode") for server in twins]
    asked = answered = 0
    for sql in statements[:: max(1, len(statements) // count)]:
        first, second = (reply(wire, sql) for wire in wires)
        asked += 1
        answered += first[-2][0] == "C"
        assert not differ(first, second) or not differ_always(wires, sql, first, second), shown("one", sql, first, second)
    print(f"{asked} calls, {answered} answered")
    assert answered > asked / 4
