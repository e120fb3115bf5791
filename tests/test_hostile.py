# SPDX-License-Identifier: Apache-2.0
"""One principal does what it can; another beside it gets all its answers, and soon."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Event

import psycopg
import pytest
from conftest import counts
from hostile import Attack, Figures, attack, watch
from server import SYNC, Server, Wire, bind, execute, parse, query, serving
from test_serve import shop


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(shop(tmp_path_factory.mktemp("hostile"))) as running:
        yield running


def asking(server: Server, sql: str, timeout: str = "0") -> Attack:
    """One statement again and again, ended by the test's own cancel."""

    def run(stop: Event) -> None:
        with psycopg.connect(server.dsn("bo"), autocommit=True, options=f"-c statement_timeout={timeout}") as connection:
            canceller = threading.Thread(target=lambda: (stop.wait(), connection.cancel()))
            canceller.start()
            try:
                while not stop.is_set():
                    try:
                        connection.execute(sql).fetchall()
                    except psycopg.Error:
                        if connection.closed:
                            raise
            finally:
                stop.wait()
                canceller.join()

    return run


ENDLESS = "select count(*) from range(1000000000000) a where range % 3 = 1"
LIST_12_GB = "select len(list_sort(range(500000000)))"
DEEP = "select " + "(" * 5000 + "1" + ")" * 5000
CRASH = "select repeat('x', 3000000000)"


def slow_reader(server: Server) -> Attack:
    def run(stop: Event) -> None:
        client = Wire(server.port, "bo")
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.send(*query("select repeat('x', 1000) from range(10000000)"))
        stop.wait()
        client.close()

    return run


def own_answers_unread(server: Server) -> Attack:
    """Floods with what the server answers itself, and reads none of it."""

    def run(stop: Event) -> None:
        client = Wire(server.port, "bo")
        client.socket.settimeout(1)
        message = b"Q" + struct.pack("!I", 13) + b"show all\0"
        try:
            while not stop.is_set():
                client.socket.sendall(message * 100)
        except OSError:
            stop.wait()
        client.close()

    return run


def pipelined(server: Server) -> Attack:
    """Thousands of statements behind each other, before anything is read."""

    def run(stop: Event) -> None:
        client = Wire(server.port, "bo")
        client.socket.settimeout(2)
        pieces = [parse("select 1"), bind(), execute(), SYNC] * 500
        flood = b"".join(kind.encode() + struct.pack("!I", len(body) + 4) + body for kind, body in pieces)
        while not stop.is_set():
            client.socket.sendall(flood)
            for _ in range(500):
                client.until("Z")
        client.close()

    return run


def half_open(server: Server, first: bytes) -> Attack:
    """Connections that begin and say no more."""

    def run(stop: Event) -> None:
        sockets = []
        for _ in range(60):
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=5)
            connection.sendall(first)
            sockets.append(connection)
        stop.wait(0.5)
        for connection in sockets:
            connection.close()

    return run


STARTUP = struct.pack("!II", 22, 196608) + b"user\0bo\0\0" + b"\0" * 5
TLS_HELLO = bytes.fromhex("1603010200010001fc0303") + b"x" * 20

ATTACKS: dict[str, Callable[[Server], list[Attack]]] = {
    "endless": lambda server: [asking(server, ENDLESS)] * 8,
    "12 GB list": lambda server: [asking(server, LIST_12_GB)] * 3,
    "deep nesting": lambda server: [asking(server, DEEP)] * 3,
    "crash": lambda server: [asking(server, CRASH)] * 3,
    "slow readers": lambda server: [slow_reader(server)] * 8,
    "own answers unread": lambda server: [own_answers_unread(server)] * 8,
    "pipelined": lambda server: [pipelined(server)] * 4,
    "half-open login": lambda server: [half_open(server, STARTUP)] * 4,
    "half-open TLS": lambda server: [half_open(server, TLS_HELLO)] * 4,
}


@pytest.fixture(scope="module")
def alone(server: Server) -> Figures:
    return watch(server, 2)


@pytest.mark.parametrize("name", ATTACKS)
@counts("LODE_HOSTILE_SECONDS", 1, 15)
def test_another_principal_gets_all_its_answers(server: Server, alone: Figures, name: str, count: int) -> None:
    """Ratios are of one run and generous here; the lines that are printed are what to look at."""
    with attack(*ATTACKS[name](server)):
        time.sleep(0.5)
        beside = watch(server, count)
    print(alone.line("alone"))
    print(beside.line(name))
    print(f"{name}: point p50 x{beside.point_p50 / alone.point_p50:.1f}, own p99 x{beside.own_p99 / alone.own_p99:.1f}")
    assert beside.failures == []
    assert len(beside.point) >= 10
    assert beside.point_p50 < max(20 * alone.point_p50, 0.5)
    assert beside.own_p99 < max(20 * alone.own_p99, 0.2)
