# SPDX-License-Identifier: Apache-2.0
"""The protocol's rules, byte by byte, against ours and against a PostgreSQL 15 that the test starts."""

import struct
from pathlib import Path
from typing import Iterator

import postgres
import pytest
from server import FLUSH, SYNC, Wire, bind, close, describe, execute, parse, query, serving_empty

ONE = "select 1"
# Rows that both make the same way.
ROWS = "select i::int as i from generate_series(1, 5) t(i)"
# None of them is a number.
FAILS = "select ('x' || i)::int as i from generate_series(1, 5) t(i)"
CURSOR = [query("begin"), query(f"declare c no scroll cursor for {ROWS}")]


def broken(message: tuple[str, bytes]) -> list:
    """After it all is skipped until Sync."""
    return [message, "wait for E", ("unheard", query("select 2")), SYNC]


# name: what is sent; FLUSH and SYNC wait for what they bring
PROBES = {
    "a query": [query(ONE)],
    "literals": [query("select 1 as a, 'it''s' as \"B\", ''"), query("select 1, 2; select '\\'"), query("select 2147483647, 2147483648")],
    "literals, extended": [parse("select 7 as a, 'x'"), describe("S"), bind(results=(1,)), describe("P"), execute(), execute(), SYNC],
    "literals in parts": [parse("select 7"), bind(), execute(rows=1), execute(rows=1), SYNC, bind(), execute(rows=2), execute(), SYNC],
    "literals by name": [query("prepare one as select 1 as a"), query("execute one"), parse("execute one"), bind(results=(1,)), describe("P"), execute(), SYNC,
                         query("deallocate one")],
    "several in one query": [query("select 1; select 2")],
    "an error ends a query": [query("select 1; select nope; select 3"), query(ONE)],
    "an empty query": [query(""), query(" ; "), query("-- nothing")],
    "a syntax error anywhere runs nothing": [query("select 1; selec 2")],
    "prepared, bound, run": [parse(ONE), bind(), describe("P"), execute(), SYNC],
    "a statement described": [parse("select $1::int + 1", types=(23,)), describe("S"), SYNC],
    "a bad parse is told at once": [parse("select nope"), "wait for E", SYNC],
    "after an error all is skipped until Sync": [parse("select nope"), ("unheard", query(ONE)), execute(), SYNC, query(ONE)],
    "the first of a pipeline stands": [parse(ONE), bind(), execute(), parse("select nope"), bind(), execute(), SYNC],
    "no such portal": [execute("nowhere"), SYNC],
    "no such statement": [bind("", "nowhere"), SYNC],
    "a portal ends with Sync": [parse(ROWS), bind(), execute(rows=2), SYNC, execute(rows=2), SYNC],
    "a portal lives through Flush": [parse(ROWS), bind(), execute(rows=2), FLUSH, execute(rows=2), FLUSH, execute(rows=2), SYNC],
    "a portal lives through Sync in a transaction": [query("begin"), parse(ROWS), bind("c"), execute("c", 2), SYNC, execute("c", 2), SYNC,
                                                     execute("c", 2), SYNC, query("commit"), execute("c", 2), SYNC],
    "as many rows as are left": [parse(ROWS), bind(), execute(rows=5), execute(rows=5), SYNC],
    "a finished portal has no more": [parse(ROWS), bind(), execute(), execute(), SYNC],
    "a name twice": [parse(ONE, "s"), parse(ONE, "s"), SYNC],
    "the unnamed is replaced": [parse(ONE), parse("select 'x'"), bind(), execute(), SYNC],
    "a query takes the unnamed away": [parse(ONE), SYNC, query(ONE), bind(), SYNC],
    "a named one stays": [parse(ONE, "s"), SYNC, query("select nope"), bind("", "s"), execute(), SYNC],
    "closing what is not there": [close("S", "nowhere"), close("P", "nowhere"), SYNC],
    "nothing prepared": [parse(""), describe("S"), bind(), describe("P"), execute(), SYNC],
    "two in one parse": [parse("select 1; select 2"), SYNC],
    "too few values": [parse("select $1::int"), bind(), SYNC],
    "a portal's name twice": [query("begin"), parse(ONE), bind("p"), bind("p"), SYNC, query("rollback")],
    "a failed transaction hears only its end": [query("begin"), query("select nope"), query(ONE), query("commit"), query(ONE)],
    "a failed transaction, extended": [query("begin"), query("select nope"), parse(ONE), SYNC, query("rollback")],
    "begin twice, commit without": [query("begin"), query("begin"), query("commit"), query("commit")],
    "savepoints": [query("begin"), query("savepoint a"), query("select nope"), query("rollback to a"), query(ONE), query("release a"),
                   query("rollback to a"), query("rollback"), query("savepoint b")],
    "values in text": [parse("select $1::int, $2::text", types=(23, 25)), bind(values=(b"7", None)), execute(), SYNC],
    "values in binary": [parse("select $1::int, $2::text", types=(23, 25)),
                         bind(values=(b"\0\0\0\x07", b"x"), formats=(1, 0), results=(1,)), describe("P"), execute(), SYNC],
    "more types than parameters": [parse("select 1", types=(23, 25)), describe("S"), SYNC],
    "fewer types than parameters": [parse("select $1::int, $2::text, $3::bool", types=(20,)), describe("S"), SYNC],
    "a type of nothing": [parse("select $1::int", types=(0,)), describe("S"), parse("select $1::text", types=(705,)), describe("S"), SYNC],
    "formats of each": [parse("select $1::int, $2::text"), bind(values=(b"7", b"x"), formats=(0, 0), results=(1, 0)), describe("P"), execute(), SYNC],
    "too many formats": [parse("select $1::int"), bind(values=(b"7",), formats=(0, 0)), SYNC],
    "an empty value is not null": [parse("select $1::text, $2::text is null"), bind(values=(b"", None)), execute(), SYNC],
    "a query in between": [parse(ONE, "s"), query("begin"), bind("p", "s"), execute("p"), SYNC, query("commit"), bind("p", "s"), execute("p"), SYNC],
    "nothing but Sync": [SYNC, SYNC],
    "Flush without anything": [FLUSH, SYNC],
    "a count over the rows": [parse(ROWS), bind(), execute(rows=99), SYNC],
    "a value that is none": [parse("select $1::int", types=(23,)), bind(values=(b"x\xff",)), SYNC],
    "formats that do not fit": [parse(ONE), bind(results=(0, 0)), SYNC],
    "copy": [query("copy (select 1, null, 'a\tb') to stdout"), query("copy (select 1, null, 'a,b') to stdout csv")],
    "copy in binary": [query("copy (select 1::int, null::int, 'x'::text) to stdout (format binary)")],
    "copy of nothing in binary": [query("copy (select 1 where false) to stdout (format binary)")],
    "copy, extended": [parse("copy (select 1) to stdout"), bind(), describe("P"), execute(), SYNC],
    "a copy that fails": [query("copy (select nope) to stdout"), query(ONE)],
    "isolation": [query("begin isolation level serializable"), query("show transaction_isolation"), query("commit"), query("begin"),
                  query("set transaction isolation level read committed"), query("show transaction_isolation"), query("rollback"),
                  query("set session characteristics as transaction isolation level read uncommitted"), query("show transaction_isolation"),
                  query("begin"), query("show transaction_isolation"), query("commit")],
    "a cursor in binary": [query("begin"), query("declare c binary cursor for select 1::int"), query("fetch c"), query("close c"),
                           query("declare c cursor for select 1::int union all select 2 order by 1"), parse("fetch c"), bind(results=(1,)), describe("P"), execute(),
                           execute(), SYNC, query("rollback")],
    "cursors": [query("begin"), query(f"declare c cursor for {ROWS}"), query("fetch 2 from c"), query("move 1 in c"), query("fetch all c"),
                query("fetch c"), query("close c"), query("fetch c"), query("rollback")],
    "a cursor outside a transaction": [query(f"declare c cursor for {ROWS}")],
    "a cursor that is held": [query("begin"), query(f"declare c cursor with hold for {ROWS}"), query("fetch 1 c"), query("commit"),
                              query("fetch 2 c"), query("close all"), query("fetch c")],
    "a cursor that is described": [query("begin"), query(f"declare c cursor for {ROWS}"), describe("P", "c"), SYNC, query("rollback")],
    "prepared by SQL": [query("prepare p (int) as select $1 + 1"), query("execute p(2)"), query("deallocate p"), query("execute p(2)")],
    "settings": [query("set application_name = 'x'"), query("show application_name"), query("begin"), query("set application_name = 'y'"),
                 query("rollback"), query("show application_name"), query("reset all"), query("show nonsense"),
                 query("set nonsense = 1"), query("set my.own = 'z'"), query("show my.own")],
    "settings and savepoints": [query("begin"), query("set application_name = 'a'"), query("savepoint s"), query("set application_name = 'b'"),
                                query("set local timezone = 'Europe/Berlin'"), query("savepoint t"), query("set application_name = 'c'"),
                                query("release t"), query("show application_name"), query("rollback to s"), query("show application_name"),
                                query("show timezone"), query("reset application_name"), query("release s"), query("show application_name"),
                                query("rollback"), query("show application_name")],
    "a savepoint within its own name": [query("begin"), query("savepoint s"), query("set application_name = 'b'"), query("savepoint s"),
                                        query("set application_name = 'c'"), query("rollback to s"), query("release s"), query("show application_name"),
                                        query("rollback to s"), query("show application_name"), query("commit")],
    "what failed is undone at once": [query("begin"), query("set application_name = 'x'"), query("savepoint a"), query("set application_name = 'y'"),
                                      query("select nope"), query("rollback to a"), query("show application_name"), query("select nope"),
                                      query("commit"), query("show application_name")],
    "cursors and savepoints": [query("begin"), query(f"declare a cursor for {ROWS}"), query("savepoint s"), query(f"declare b cursor for {ROWS}"),
                               query("savepoint t"), query(f"declare c cursor with hold for {ROWS}"), query("fetch 1 a"), query("release t"),
                               query("fetch 1 c"), query("rollback to s"), query("fetch 1 a"), query("fetch 1 b"), query("rollback")],
    "a portal and a savepoint": [query("begin"), query("savepoint s"), parse(ROWS), bind("p"), execute("p", 2), SYNC, query("rollback to s"),
                                 execute("p", 2), SYNC, query("rollback")],
    "a portal that rolls itself back": [query("begin"), query("savepoint s"), parse("rollback to s"), bind("p"), execute("p"), execute("p"), SYNC,
                                        query("rollback")],
    "local outside of a transaction": [query("set local application_name = 'x'"), query("select 1; set local application_name = 'x'; show application_name")],
    "chained": [query("begin isolation level serializable"), query("set local application_name = 'x'"), query("commit and chain"),
                query("show transaction_isolation"), query("show application_name"), query("rollback and chain"), query("select nope"),
                query("commit and chain"), query("commit and no chain"), query("commit and chain"), query("rollback and chain"),
                query("begin; select 1; commit and chain; select 2"), query("rollback")],
    "formats that there are not": [parse("select $1::int"), bind(values=(b"1",), formats=(2,)), SYNC, parse(ONE), bind(results=(65535,)),
                                   describe("P"), execute(), SYNC, parse("begin"), bind(results=(7, 7)), SYNC, query(ONE)],
    "a cursor run by name": [query("begin"), query(f"declare c cursor for {ROWS}"), describe("P", "c"), execute("c", 2), execute("c", 2), SYNC,
                             query("fetch c"), close("P", "c"), SYNC, query("fetch c"), query("rollback")],
    "what has run does not run again": [parse("show timezone"), bind(), execute(), execute(), SYNC, parse("copy (select 1) to stdout"), bind(), execute(),
                                        execute(), SYNC, parse("begin"), bind(), execute(), execute(), SYNC, query("rollback"),
                                        parse(""), bind(), execute(), execute(), SYNC],
    "tags": [query("start transaction read only"), query("end"), query("begin work"), query("abort"), query("prepare q(int) as select $1"),
             query("execute q(1, 2)"), query("execute q")],
    "discard among others": [query("select 1; discard all"), query("discard all; select 1"), query("discard plans; select 1"),
                             parse(ONE), bind(), execute(), parse("discard all", "d"), bind("", "d"), execute(), SYNC],
    "a cursor among others": [query(f"declare c cursor for {ROWS}; fetch 2 c"), query("savepoint x; select 1"), query("fetch c")],
    "described when it failed": [parse(ONE, "s"), parse("rollback", "r"), SYNC, query("begin"), bind("p", "s"), SYNC, query("select nope"),
                                 describe("S", "s"), SYNC, describe("P", "p"), SYNC, parse(""), bind(), SYNC, describe("S", "r"), bind("", "r"),
                                 describe("P"), execute(), SYNC],
    "discard": [parse(ONE, "s"), SYNC, query("discard all"), bind("", "s"), SYNC, query("begin"), query("discard all"), query("rollback")],
    "a fetch in parts": [*CURSOR, parse("fetch 4 from c"), bind(), execute(rows=2), execute(rows=1), execute(rows=1), execute(rows=1), SYNC, query("fetch c"),
                         query("rollback")],
    "a fetch of all in parts": [*CURSOR, parse("fetch all from c"), bind(), execute(rows=3), execute(rows=99), execute(rows=1), SYNC, query("fetch c"),
                                query("rollback")],
    "a fetch that is left": [*CURSOR, parse("fetch 4 from c"), bind(), execute(rows=2), SYNC, query("fetch c"), parse(ONE), bind(), execute(), SYNC,
                             query("fetch c"), query("rollback")],
    "a fetch whose rows were all sent": [*CURSOR, parse("fetch 2 from c"), bind("p"), execute("p", 2), SYNC, query("fetch c"), query("close c"), execute("p", 2), SYNC,
                                         query("rollback")],
    "a move of nothing behind a fetch that is left": [*CURSOR, parse("fetch all from c"), bind("p"), execute("p", 2), SYNC, query("move 0 c"), query("rollback")],
    "a fetch of portals": [query("begin"), parse(ONE), bind("one"), bind("passed"), bind("begun"), execute("begun", 1), parse(ROWS), bind("rows"), SYNC,
                           query("fetch 1 from one"), query("fetch 1 from one"), query("move 0 one"), query("move all passed"), query("fetch all passed"),
                           query("fetch all begun"), query("fetch 2 rows"), execute("rows", 1), SYNC, query("rollback")],
    "a fetch of itself": [query("begin"), parse(ONE), bind("p"), parse("fetch 1 from p"), close("P", "p"), bind("p"), execute("p"), SYNC, query("rollback"), query(ONE)],
    "a cursor that failed": [query("begin"), query(f"declare c cursor for {FAILS}"), query("savepoint s"), query("move all c"),
                             *[step for each in ("fetch all c", "move 1 c", "fetch 0 c", "close c", "fetch c") for step in (query("rollback to s"), query(each))],
                             query("rollback")],
    "a cursor that failed, by its name": [query("begin"), query(f"declare c cursor for {FAILS}"), query("savepoint s"), query("move all c"), query("rollback to s"),
                                        execute("c"), SYNC, query("rollback")],
    "a portal that failed": [query("begin"), parse(FAILS), bind("p"), query("savepoint s"), execute("p", 2), SYNC, query("rollback to s"), execute("p"),
                             SYNC, query("rollback")],
    "an execute that failed": [query("prepare q(int) as select $1"), query("begin"), parse("execute q('x')"), bind("p"), query("savepoint s"), execute("p"), SYNC,
                               query("rollback to s"), execute("p"), SYNC, query("rollback")],
    "a fetch of a cursor that is another by now": [*CURSOR, parse("fetch 1 c", "f"), bind("old", "f"), query("close c"), query("declare c cursor for select 'x', 7 as n"),
                                                   bind("", "f"), describe("P"), execute(), describe("P", "old"), SYNC,
                                                   query("rollback")],
    "an execute of what is another by now": [query("prepare q as select 1"), parse("execute q", "e"), query("deallocate q"), query("prepare q as select 'x', 7 as n"),
                                             bind("", "e"), describe("P"), execute(), SYNC, query("deallocate q")],
    "a move has no parts": [*CURSOR, parse("move 4 from c"), bind(), execute(rows=2), SYNC, query("fetch c"), parse("move 1 from c"), bind(), execute(),
                            execute(), SYNC, query("rollback")],
    "others in parts": [query(f"prepare q as {ROWS}"), parse("execute q"), bind(), execute(rows=2), execute(rows=2), execute(rows=2), execute(), SYNC,
                        parse("show timezone"), bind(), execute(rows=1), execute(rows=1), execute(), SYNC],
    "literals of another type": [query("prepare p(int) as select $1 + 1"), query("execute p('2.5')"), query("execute p('x')"), query("execute p('99999999999')"),
                                 query("execute p(2.5)"), query("execute p(' 7 ')"), query("execute p(null)")],
    **{f"fetch {where}, no scroll": [*CURSOR, query(f"fetch {where} c"), query("rollback"), *CURSOR, query("fetch 2 c"), query(f"fetch {where} c"),
                                     query("rollback"), *CURSOR, query("move all c"), query(f"fetch {where} c"), query("rollback"),
                                     *CURSOR, query(f"move {where} c"), query("rollback")]
       for where in ("prior", "first", "last", "absolute 3", "absolute 0", "absolute -1", "relative 2", "relative 0", "relative -1", "backward all", "backward 0",
                     "-1", "0", "forward -1", "backward -2")},
    **{f"{kind} with {body!r}": [parse(ONE), bind(), *broken((kind, body)), query(ONE)]
       for kind, body in (("P", b"\0select 1\0\0\0x"), ("B", b"\0\0\0\0"), ("E", b"\0\0"), ("D", b"X\0"), ("D", b"S\0x"), ("C", b"X\0"), ("H", b"x"),
                          ("B", b"\0\0\0\0\0\1\xff\xff\xff\xfe\0\0"))},
    "a query with something behind it": [("Q", b"select 1\0x"), query("begin"), ("Q", b"select 1"), query(ONE)],
    "a sync with something behind it": [("S", b"x"), parse("select nope"), "wait for E", ("S", b"x"), query(ONE)],
    "what is broken is skipped too": [parse("select nope"), ("unheard", ("Q", b"select 1\0x")), ("B", b"x"), SYNC, query(ONE)],
    "the end of a copy where there is none": [("f", b"x"), ("c", b"x"), SYNC],
    "a message of no type": [("y", b""), "wait for E"],  # who hangs up may do so before more is sent
}


def replies(at: int | Path, steps: list) -> list[str]:
    """What comes back, with what may differ taken out: texts of errors, and places in them."""
    wire = Wire(at) if isinstance(at, int) else Wire(at, user="lode")
    seen: list[str] = []

    def take(message: tuple[str, bytes]) -> str:
        kind, body = message
        if kind in "EN":
            words = Wire.words(body)
            seen.append(f"{kind} {words['S']} {words['C']}")
        elif kind == "S":  # a setting: which, not in what order
            seen.append("S " + body.decode().replace("\0", " "))
        else:
            seen.append(f"{kind} {body!r}")
        return kind

    try:
        for step in steps:
            if step == "wait for E":
                while take(wire.message()) != "E":
                    pass
                continue
            heard = step[0] != "unheard"
            wire.send(*(step if heard else step[1]))
            if heard and step[0] in "SQ":
                while take(wire.message()) != "Z":
                    pass
        wire.send("X")
        while True:
            take(wire.message())
    except ConnectionError:
        pass
    wire.close()
    return seen


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with serving_empty(tmp_path_factory.mktemp("wire")) as server:
        yield server.port


@pytest.fixture(scope="module")
def theirs() -> Iterator[Path]:
    with postgres.running() as judge:
        yield judge.folder


def test_a_call_of_a_function_by_message_is_answered(ours: int) -> None:
    """PostgreSQL looks for the function; here there are none that could be called so."""
    call = "F", struct.pack("!IHHH", 1299, 0, 0, 0)
    wire = Wire(ours)
    for before, state in (("select 1", b"I"), ("begin", b"E")):
        wire.send(*query(before))
        wire.until("Z")
        wire.send(*call)
        said = wire.until("Z")
        assert [kind for kind, _ in said] == ["E", "Z"] and said[-1][1] == state
        assert Wire.words(said[0][1])["C"] == "0A000"
    wire.send(*call)
    assert Wire.words(wire.until("Z")[0][1])["C"] == "25P02"
    wire.close()


@pytest.mark.parametrize("sql", ["show timezone", "begin", "copy (select 1) to stdout", "explain select 1", "fetch 2 from c"])
def test_a_cursor_is_no_statement_of_the_session(ours: int, sql: str) -> None:
    """PostgreSQL sends rows of some and takes others for a fault of its own; here all are told apart from cursors."""
    seen = replies(ours, [*CURSOR, parse(sql), bind("p"), SYNC, query("savepoint s"), query("fetch 1 from p"), query("rollback to s"), query("move 0 p"),
                          query("rollback to s"), query("fetch 1 from c"), query("rollback")])
    assert [each for each in seen if each[0] in "ED"] == ["E ERROR 55000"] * 2 + ["D b'\\x00\\x01\\x00\\x00\\x00\\x011'"], seen


@pytest.mark.parametrize("name", PROBES)
def test_the_same_answers_as_postgresql(ours: int, theirs: Path, name: str) -> None:
    assert replies(ours, PROBES[name]) == replies(theirs, PROBES[name])
