# SPDX-License-Identifier: Apache-2.0
"""What is taken back under load: sixteen connections that ask, copy, fetch and compute. From then on no statement begins that the new
rules do not give, and those that run end within seconds, with an error and not as if their answer were whole."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from conftest import Project, make_project
from server import SYNC, Server, Wire, add_user, bind, execute, parse, serving

SECONDS = 8.0  # for what runs, on a machine that is busy
BIG = "select i as id, case when i % 2 = 0 then 'EU' else 'US' end as region, repeat(md5(i::text), 4) as pad from range(200000) t(i)\n"
RULES = "rules:\n- who: [role analyst]\n  on: [canonical.big]\n  rows: region = principal.region\n"
TABLE = "shop.canonical.big"
GONE = {"42P01", "28000", "42501"}


@dataclass
class Seen:
    """When a thread began what was answered, and how it ended."""

    kind: str
    begun: list[float] = field(default_factory=list)
    ended: float = 0.0
    code: str = ""


def shop(folder: Path) -> Project:
    project = make_project(folder)
    project.write("zones/shop/zone.yml", "owner: oz\n")
    project.write("zones/shop/canonical/big.sql", BIG)
    project.write("zones/shop/access.yml", RULES)
    project.lode("run")
    project.lode("role", "add", "analyst")
    add_user(project, "bo", "--role", "analyst", "--attr", "region=EU")
    add_user(project, "bi", "--may-act-as", "bo")
    return project


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(shop(tmp_path), "--statements", "40") as running:
        yield running


def connect(server: Server, user: str = "bo") -> psycopg.Connection:
    return psycopg.connect(server.dsn(user), autocommit=True)


def repeated(connection: psycopg.Connection, sql: str, seen: Seen, prepare: bool = False) -> None:
    while True:
        begun = time.monotonic()
        connection.execute(sql, prepare=prepare).fetchall()
        seen.begun.append(begun)


def short_ones(server: Server, seen: Seen) -> None:
    with connect(server) as connection:
        repeated(connection, f"select count(*), min(id) from {TABLE}", seen)


def prepared_ones(server: Server, seen: Seen) -> None:
    with connect(server) as connection:
        repeated(connection, f"select id from {TABLE} where id < 100", seen, True)


def in_the_place_of(server: Server, seen: Seen) -> None:
    with connect(server, "bi") as connection:
        connection.execute("set role bo")
        repeated(connection, f"select max(pad) from {TABLE}", seen)


def copied(server: Server, seen: Seen) -> None:
    begun = time.monotonic()
    with connect(server) as connection, connection.cursor().copy(f"copy (select * from {TABLE} a, range(200)) to stdout") as copy:
        for number, _ in enumerate(copy):
            seen.begun[:] = [begun]
            if number % 1000 == 0:
                time.sleep(0.02)


def computing(server: Server, seen: Seen) -> None:
    """Not a row comes for minutes."""
    with connect(server) as connection:
        connection.execute(f"select count(*) from {TABLE} a, {TABLE} b where a.id % 7 + b.id % 11 = length(a.pad) + length(b.pad)")


def with_hold(server: Server, seen: Seen) -> None:
    with connect(server) as connection:
        connection.execute(f"begin; declare c cursor with hold for select * from {TABLE}; commit")
        while True:
            begun = time.monotonic()
            assert len(connection.execute("fetch 50 from c").fetchall()) == 50
            seen.begun.append(begun)
            time.sleep(0.02)


def suspended(server: Server, seen: Seen) -> None:
    client = Wire(server.port, "bo")
    for message in (("Q", b"begin\0"),):
        client.send(*message)
    client.until("Z")
    for message in (parse(f"select * from {TABLE}"), bind()):
        client.send(*message)
    while True:
        begun = time.monotonic()
        client.send(*execute(rows=20))
        client.send("H", b"")
        while True:
            kind, body = client.message()
            if kind == "E":
                client.send(*SYNC)
                raise LookupError(Wire.words(body)["C"])
            if kind == "s":
                break
        seen.begun.append(begun)
        time.sleep(0.02)


def streamed(server: Server, seen: Seen, token: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=60)
    connection.request("POST", "/v1/query", json.dumps({"sql": f"select * from {TABLE} a, range(200)"}),
                       {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    answer = connection.getresponse()
    last = b""
    begun = time.monotonic()
    try:
        while block := answer.read(1 << 16):
            last = (last + block)[-2000:]
            seen.begun[:] = [begun]
            time.sleep(0.002)
        raise AssertionError("an answer that ends as if it were whole")
    except http.client.IncompleteRead as broken:
        last += broken.partial
    raise LookupError(json.loads(last[last.rindex(b'{"error"'):])["error"]["sqlstate"])


KINDS: list[Callable[[Server, Seen], None]] = [short_ones, prepared_ones, in_the_place_of, copied, computing, with_hold, suspended]
REVOCATIONS: dict[str, Callable[[Project], None]] = {
    "rule": lambda project: (project.write("zones/shop/access.yml", "rules: []\n"), project.lode("apply"))[0],
    "lock": lambda project: project.lode("user", "set", "bo", "--lock"),
    "role": lambda project: project.lode("user", "set", "bo", "--no-role", "analyst"),
    "removed": lambda project: project.lode("user", "remove", "bo"),
    "narrower": lambda project: (project.write("zones/shop/access.yml", RULES.replace("principal.region", "'US' and principal.region = 'US'")), project.lode("apply"))[0],
}


def run(kind: Callable[[Server, Seen], None], server: Server, seen: Seen) -> None:
    try:
        kind(server, seen)
    except psycopg.Error as failure:
        seen.code = failure.sqlstate or repr(failure)
    except LookupError as failure:
        seen.code = str(failure.args[0])
    except Exception as failure:  # noqa: BLE001: told below
        seen.code = repr(failure)
    seen.ended = time.monotonic()


@pytest.mark.parametrize("how", ["rule", *[pytest.param(name, marks=pytest.mark.full) for name in REVOCATIONS if name != "rule"]])
def test_what_is_revoked_ends_under_load(server: Server, how: str) -> None:
    token = server.project.json("token", "add", "stream", "--for", "bo")["token"]
    kinds = [*KINDS, lambda server, seen: streamed(server, seen, token)] * 2
    kinds[-1].__name__ = kinds[7].__name__ = "streamed"
    all_seen = [Seen(kind.__name__) for kind in kinds]
    threads = [threading.Thread(target=run, args=(kind, server, seen), daemon=True) for kind, seen in zip(kinds, all_seen, strict=True)]
    assert len(threads) == 16
    for thread in threads:
        thread.start()
    until = time.monotonic() + 120
    while time.monotonic() < until and not all(seen.begun for seen in all_seen if seen.kind != "computing"):
        time.sleep(0.1)
    time.sleep(0.5)
    assert not [seen for seen in all_seen if seen.ended or not (seen.begun or seen.kind == "computing")]
    REVOCATIONS[how](server.project)
    since = time.monotonic()
    for thread in threads:
        thread.join(timeout=max(0.1, since + SECONDS - time.monotonic()))
    alive = [seen.kind for seen, thread in zip(all_seen, threads, strict=True) if thread.is_alive()]
    late = {seen.kind: round(max(seen.begun) - since, 2) for seen in all_seen if seen.begun and max(seen.begun) > since}
    took = {seen.kind: round(seen.ended - since, 2) for seen in all_seen}
    print(how, took)
    codes = {seen.kind: seen.code for seen in all_seen if seen.code not in GONE}
    if how == "narrower":  # what begins later is answered by the new rules
        assert not [kind for kind in alive if kind not in ("short_ones", "prepared_ones", "in_the_place_of")], alive
        return
    assert not alive, f"run on {SECONDS} s later: {alive}"
    assert not late, f"answered although they began later: {late}"
    assert not codes, codes

