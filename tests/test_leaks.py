# SPDX-License-Identifier: Apache-2.0
"""What is killed harms nobody else, and nothing is left of what ended: memory, descriptors, threads, processes, files."""

import os
import random
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from conftest import counts
from hostile import children, descriptors, granted_files, resident_kb, threads, watch
from server import SYNC, Server, Wire, bind, execute, parse, query, serving
from test_serve import shop

ORDERS = "select amount::text from shop.canonical.order order by 1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(shop(tmp_path_factory.mktemp("leaks"))) as running:
        yield running


def connect(server: Server, user: str = "bo") -> psycopg.Connection[Any]:
    return psycopg.connect(server.dsn(user), autocommit=True)


# ---- kinds of statements, each on a connection of its own or on one that stays ----

def plain(server: Server, connection: psycopg.Connection[Any], at: int) -> None:
    assert connection.execute("select %s::int + 1", (at,)).fetchone() == (at + 1,)


def table(server: Server, connection: psycopg.Connection[Any], at: int) -> None:
    assert len(connection.execute("select * from shop.analytical.sales").fetchall()) == 2


def catalogue(server: Server, connection: psycopg.Connection[Any], at: int) -> None:
    connection.execute("select relname from pg_class limit 3").fetchall()


def own(server: Server, connection: psycopg.Connection[Any], at: int) -> None:
    connection.execute(f"set application_name = 'a{at}'")


def wrong(server: Server, connection: psycopg.Connection[Any], at: int) -> None:
    for sql in ("select * from nothing", "selec", "select cast('x' as int)", "select * from shop.staging.orders", "select 1/'a'"):
        with pytest.raises(psycopg.Error):
            connection.execute(sql)


def cancelled(server: Server, connection: psycopg.Connection[Any], at: int) -> None:
    timer = threading.Timer(0.02, connection.cancel_safe)
    timer.start()
    try:
        connection.execute("select pg_sleep(0.05)")
    except psycopg.errors.QueryCanceled:
        pass
    timer.join()


def cursor(server: Server, connection: psycopg.Connection[Any], at: int) -> None:
    with connection.transaction():
        connection.execute("declare c cursor for select * from range(100000)")
        assert len(connection.execute("fetch 5 from c").fetchall()) == 5


def copied(server: Server, connection: psycopg.Connection[Any], at: int) -> None:
    with connection.cursor() as reader, reader.copy("copy (select * from range(1000)) to stdout") as copy:
        assert sum(bytes(block).count(b"\n") for block in copy) == 1000


def come_and_gone(server: Server, connection: psycopg.Connection[Any], at: int) -> None:
    with connect(server) as other:
        other.execute("values (1)")


def hung_up(server: Server, connection: psycopg.Connection[Any], at: int) -> None:
    client = Wire(server.port, "bo")
    client.send(*query("select * from range(100000000)"))
    client.close()


KINDS = [plain, plain, plain, table, catalogue, own, own, wrong, cancelled, cursor, copied, come_and_gone, hung_up]


def state_of(server: Server) -> dict[str, int]:
    process = server.process.pid
    return {"descriptors": descriptors(process), "threads": threads(process), "workers": len(children(process)),
            "files": len(granted_files(server)), "memory": resident_kb(process)}


def settled(server: Server) -> dict[str, int]:
    """When nothing runs any more."""
    for _ in range(100):
        with connect(server, "ann") as connection:
            if connection.execute("select count(*) from lode.sessions where principal <> 'ann'").fetchone() == (0,):
                break
        time.sleep(0.1)
    time.sleep(0.5)
    return state_of(server)


@counts("LODE_LEAK_STATEMENTS", 150, 10000)
def test_nothing_is_left_of_statements_of_all_kinds(server: Server, count: int) -> None:
    random.seed(6)

    def some(number: int) -> None:
        with connect(server) as connection:
            for at in range(number):
                random.choice(KINDS)(server, connection, at)

    some(60)
    before = settled(server)
    some(count)
    after = settled(server)
    print(before, after)
    assert after["descriptors"] <= before["descriptors"] + 4 * 3  # as many as a worker more has
    assert after["threads"] <= before["threads"] + 2
    assert after["workers"] <= before["workers"] + 2
    assert after["files"] <= before["files"]
    assert after["memory"] < before["memory"] + 30_000  # what threads keep of it; more statements do not add


# ---- kills ----

def test_a_worker_killed_in_a_statement_costs_that_statement(server: Server) -> None:
    caught: list[str | None] = []

    def victim() -> None:
        with connect(server) as connection:
            try:
                connection.execute("select count(*) from range(100000000000) t(i) where i % 3 = 1")
            except psycopg.Error as failure:
                caught.append(failure.sqlstate)
            assert connection.execute("values (1)").fetchone() == (1,)
            caught.append("alive")

    with connect(server, "oz") as other:
        other.execute(ORDERS)
        thread = threading.Thread(target=victim)
        thread.start()
        busy = None
        for _ in range(200):
            times = {child: sum(map(int, open(f"/proc/{child}/stat").read().rsplit(")", 1)[1].split()[11:13])) for child in children(server.process.pid)}
            busy = max(times, key=times.__getitem__)
            if times[busy] > 100:
                break
            time.sleep(0.05)
        assert busy
        os.kill(busy, signal.SIGKILL)
        assert [row[0] for row in other.execute(ORDERS)] == ["1.50", "2.25", "3.00"]
        thread.join(timeout=30)
    assert caught == ["57P02", "alive"]


def test_a_client_killed_in_a_copy_harms_nobody(server: Server) -> None:
    program = ("import psycopg, sys\n"
               "with psycopg.connect(sys.argv[1]) as c, c.cursor().copy('copy (select i, repeat($$x$$, 200) from range(100000000) t(i)) to stdout') as copy:\n"
               "    for block in copy:\n"
               "        print(len(block), flush=True)\n")
    client = subprocess.Popen([sys.executable, "-c", program, server.dsn("bo")], stdout=subprocess.PIPE, text=True)
    client.stdout.readline()
    client.kill()
    client.wait()
    beside = watch(server, 1)
    assert beside.failures == [] and beside.point
    assert settled(server)["files"] == 0


def test_a_server_that_is_killed_leaves_nothing_that_a_second_one_minds(server: Server) -> None:
    with serving(server.project) as victim:
        with connect(victim) as connection:
            connection.execute("values (1)")
            workers = children(victim.process.pid)
            victim.process.kill()
            victim.process.wait()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("values (1)")
        beside = watch(server, 0.5)
        assert beside.failures == []
        for _ in range(100):
            alive = [worker for worker in workers if os.path.exists(f"/proc/{worker}")]
            if not alive:
                break
            time.sleep(0.1)
        assert alive == []
    with serving(server.project) as again, connect(again) as connection:
        assert connection.execute("values (1)").fetchone() == (1,)
        folders = [path for path in (server.project.store / "run").iterdir() if path.is_dir()]
        assert len(folders) == 2  # the dead one's is swept


# ---- many connections ----

@counts("LODE_CONNECTIONS", 400, 10_000)
def test_many_half_open_connections_do_not_keep_others_out(server: Server, count: int) -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    sockets = []
    for _ in range(count):
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex(("127.0.0.1", server.port))
        sockets.append(connection)
        if len(sockets) % 500 == 0:
            beside = watch(server, 0.1)
            assert beside.failures == []
    beside = watch(server, 1)
    assert beside.failures == [] and len(beside.point) >= 10
    assert descriptors(server.process.pid) < 600
    for connection in sockets:
        connection.close()


def test_prepared_statements_of_a_session_are_limited(server: Server) -> None:
    client = Wire(server.port, "bo")
    pieces = [parse("select 1", f"s{number}") for number in range(1001)]
    client.socket.sendall(b"".join(kind.encode() + struct.pack("!I", len(body) + 4) + body for kind, body in [*pieces, SYNC]))
    messages = client.until("Z")
    assert len([kind for kind, _ in messages if kind == "1"]) == 1000
    assert [Wire.words(body)["C"] for kind, body in messages if kind == "E"] == ["54000"]
    client.send(*bind("", "s7"))
    client.send(*execute())
    client.send(*SYNC)
    assert [kind for kind, _ in client.until("Z")] == ["2", "D", "C", "Z"]
    client.close()
