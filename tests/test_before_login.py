# SPDX-License-Identifier: Apache-2.0
"""What anybody can send before a login: against ours and against a PostgreSQL 15; TLS in both ways, and cancelling through it."""

import os
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import postgres
import pytest
from conftest import LODE
from server import SYNC, Wire, administered, bind, execute, parse, query, serving, serving_empty

REQUEST_TLS, REQUEST_GSS = struct.pack("!II", 8, 80877103), struct.pack("!II", 8, 80877104)


def startup(version: int, *words: str, end: bytes = b"\0") -> bytes:
    body = struct.pack("!I", version) + b"".join(word.encode() + b"\0" for word in words) + end
    return struct.pack("!I", len(body) + 4) + body


def cancel(process: int, key: bytes) -> bytes:
    return struct.pack("!III", 12 + len(key), 80877102, process) + key


HELLO = startup(196608, "user", "ann", "database", "postgres")

# name: what is sent, and what an answer is waited for
PROBES = {
    "protocol 3.0": [HELLO],
    "no encryption by TLS, then a login": [REQUEST_TLS, HELLO],
    "protocol 2.0": [startup(0x20000, "user", "ann")],
    "protocol 4.0": [startup(0x40000, "user", "ann")],
    "an option that nobody knows": [startup(196608, "user", "ann", "database", "postgres", "_pq_.x", "1")],
    "nobody": [startup(196608, "database", "postgres")],
    "a packet of nothing": [struct.pack("!I", 0)],
    "a packet without a version": [struct.pack("!I", 4)],
    "a packet without an end": [startup(196608, "user", "ann", end=b"")],
    "more behind the end": [startup(196608, "user", "ann", end=b"\0x\0y\0")],
    "a packet too large": [struct.pack("!II", 20000, 196608)],
    "HTTP": [b"GET / HTTP/1.1\r\n\r\n"],
    "a cancel request of nobody": [cancel(1, b"abcd")],
}
# What PostgreSQL does with some, and why ours differs.
ALL_BUT_THE_LOGIN = "an error and its number, where PostgreSQL only hangs up: who looks for the mistake sees what it is"
DIFFERENT = {
    "a packet of nothing": ALL_BUT_THE_LOGIN,
    "a packet without a version": ALL_BUT_THE_LOGIN,
    "a packet too large": ALL_BUT_THE_LOGIN,
    "HTTP": ALL_BUT_THE_LOGIN,
    "protocol 2.0": "PostgreSQL answers in the form that errors had then",
    "protocol 4.0": "one number for every packet that breaks the rules; PostgreSQL has 0A000 for this one",
    "nobody": "one number for every packet that breaks the rules; PostgreSQL has 28000 for this one",
}


def heard(port: int, steps: list[bytes]) -> list[str]:
    """The replies' kinds, of errors the number too, up to where a login would begin."""
    out = []
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        for step in steps:
            client.sendall(step)
            got = client.recv(8192)
            if not got:
                return [*out, "closed"]
            if step in (REQUEST_GSS, REQUEST_TLS):
                out.append(got.decode())
                continue
            while got:
                kind, size = got[:1].decode(), struct.unpack("!I", got[1:5])[0]
                out.append(kind + (" " + Wire.words(got[5:]).get("C", "without a number") if kind == "E" else " " + got[5:size + 1].hex() if kind == "v" else ""))
                if kind == "R":
                    return out
                got = got[size + 1:]
        return [*out, "closed" if not client.recv(1) else "open"]


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with serving_empty(tmp_path_factory.mktemp("before")) as server:
        yield server.port


@pytest.fixture(scope="module")
def theirs() -> Iterator[int]:
    with postgres.running(tcp=True) as judge:
        yield judge.port


def test_before_a_login_the_answers_are_postgresqls(ours: int, theirs: int) -> None:
    different = {name for name, steps in PROBES.items() if heard(ours, steps) != heard(theirs, steps)}
    assert different == set(DIFFERENT)
    for name in different:
        kinds = heard(ours, PROBES[name])
        assert kinds[0] in ("E 08P01", "E 54000") and kinds[1:] == ["closed"], name


def test_encryption_by_gss_is_declined_and_the_client_goes_on(ours: int) -> None:
    assert heard(ours, [REQUEST_GSS, REQUEST_TLS, HELLO]) == ["N", "N", "R"]


@pytest.mark.parametrize("asked, told, key", [(0x30000, None, 4), (0x30001, None, 4), (0x30002, None, 32), (0x3270F, 0x30002, 32)],
                         ids=["3.0", "3.1", "3.2", "3.9999"])
def test_the_protocols_version_is_negotiated(ours: int, asked: int, told: int | None, key: int) -> None:
    """libpq 19 asks for 3.9999 and an option of its own, and leaves those that take them without a word."""
    words = ("_pq_.test_protocol_negotiation", "1") if asked == 0x3270F else ()
    client = Wire(ours, version=asked, words=words)
    assert len(dict(client.greeting)["K"]) == 4 + key
    expected = told and ("v", struct.pack("!II", told, len(words) // 2) + b"".join(word.encode() + b"\0" for word in words[::2]))
    assert client.negotiated == expected
    client.close()


@pytest.mark.parametrize("value", ["false", "OFF", "0"])
def test_who_asks_for_no_replication_is_let_in(ours: int, value: str) -> None:
    """As drivers do that send each of their settings."""
    Wire(ours, words=("replication", value)).close()
    with pytest.raises(ConnectionError, match="replication is not supported"):
        Wire(ours, words=("replication", "database"))


@pytest.mark.parametrize("asked, told", [("WIN1252", "UTF8"), ("SQL_ASCII", "SQL_ASCII"), ("utf-8", "UTF8")])
def test_who_asks_for_another_encoding_is_let_in_and_told(ours: int, asked: str, told: str) -> None:
    """As psql does in a console of Windows."""
    client = Wire(ours, words=("client_encoding", asked))
    assert ("S", f"client_encoding\0{told}\0".encode()) in client.greeting
    assert any(kind == "N" and b"texts come in UTF8" in body for kind, body in client.greeting) == (asked == "WIN1252")
    client.close()


def settings(port: int, user: str) -> set[str]:
    client = Wire(port, user)
    client.close()
    return {body.decode().split("\0")[0] for kind, body in client.greeting if kind == "S"}


def test_a_login_is_told_the_settings_that_postgresql_tells(ours: int, theirs: int) -> None:
    assert settings(ours, "ann") == settings(theirs, "lode")


def test_connections_are_taken_before_any_engine_is_open(tmp_path: Path) -> None:
    project = administered(tmp_path)
    slow = project.write("slow-worker", f'#!/bin/sh\nsleep 3\nexec {LODE.parent / "lode-worker"} "$@"\n')
    slow.chmod(0o755)
    began = time.monotonic()
    with serving(project, env={"LODE_WORKER": str(slow)}) as server:
        client = Wire(server.port)
        client.send(*query("show server_version"))
        assert [kind for kind, _ in client.until("Z")] == ["T", "D", "C", "Z"]
        assert time.monotonic() - began < 3  # so no worker can have said a word
        client.send(*query("select 1"))
        assert [kind for kind, _ in client.until("Z")] == ["T", "D", "C", "Z"]


# ---- TLS ----

@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    project = administered(tmp_path_factory.mktemp("encrypted"))
    process = subprocess.Popen([LODE, "serve", "--pg", "0.0.0.0:0", "--http", "off", "--no-refresh"], cwd=project.root, stderr=subprocess.PIPE,
                               stdin=subprocess.DEVNULL, text=True)
    try:
        assert process.stderr
        yield int(process.stderr.readline().rsplit(":", 1)[1])
    finally:
        process.kill()
        process.wait()


@contextmanager
def inside(port: int, *, direct: bool = False, protocols: tuple[str, ...] = ("postgresql",)) -> Iterator[ssl.SSLSocket]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(list(protocols))
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        if not direct:
            plain.sendall(REQUEST_TLS)
            assert plain.recv(10) == b"S"
        with context.wrap_socket(plain) as client:
            yield client


@pytest.mark.parametrize("direct", [False, True], ids=["asked for", "direct"])
def test_inside_tls_the_bound_login_is_offered_first(encrypted: int, direct: bool) -> None:
    with inside(encrypted, direct=direct) as client:
        client.sendall(HELLO)
        assert client.recv(100)[9:] == b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"


@pytest.mark.parametrize("protocols", [(), ("http/1.1",)], ids=["none", "another"])
def test_direct_tls_is_for_who_names_the_protocol(encrypted: int, protocols: tuple[str, ...]) -> None:
    """Else a browser could be made to speak to it (ALPACA)."""
    with pytest.raises(OSError):
        with inside(encrypted, direct=True, protocols=protocols) as client:
            client.sendall(HELLO)
            if not client.recv(100):
                raise OSError("hung up")


def test_what_was_sent_before_the_handshake_is_not_taken_for_what_is_inside(encrypted: int) -> None:
    """CVE-2021-23214: somebody in between puts a statement before the client's own."""
    with socket.create_connection(("127.0.0.1", encrypted), timeout=10) as client:
        client.sendall(REQUEST_TLS + HELLO)
        got = b""
        try:
            while more := client.recv(1000):
                got += more
        except ConnectionResetError:
            pass
        assert got[:1] in (b"", b"E") and b"SCRAM" not in got


def test_a_connection_that_breaks_off_costs_nobody_else(encrypted: int) -> None:
    """OpenSSL keeps errors in a list of the thread, where the next connection of that thread could take them for its own."""
    with inside(encrypted) as socket_of_one:
        client = Wire(socket_of_one)
        for _ in range(5):
            for protocols in ((), ("http/1.1",)):
                with suppress(OSError), inside(encrypted, direct=True, protocols=protocols) as other:
                    other.recv(100)
            with inside(encrypted) as other:  # rubbish where something encrypted is awaited
                os.write(other.fileno(), b"\x17\x03\x03\0\x20" + b"x" * 32)
                with suppress(OSError):
                    other.recv(100)
            with inside(encrypted) as other:  # gone without a word
                other.sendall(HELLO)
                other.recv(100)
            with inside(encrypted) as socket_of_another:
                for each in (client, Wire(socket_of_another)):
                    each.send(*query("select 1"))
                    assert [kind for kind, _ in each.until("Z")] == ["T", "D", "C", "Z"]


@pytest.mark.parametrize("version", [0x30000, 0x30002], ids=["3.0", "3.2"])
def test_a_statement_is_cancelled_through_tls(encrypted: int, version: int) -> None:
    with inside(encrypted) as socket_of_one:
        client = Wire(socket_of_one, version=version)
        process, key = struct.unpack("!I", dict(client.greeting)["K"][:4])[0], dict(client.greeting)["K"][4:]

        def send(key: bytes) -> None:
            with inside(encrypted) as other:
                other.sendall(cancel(process, key))
                assert other.recv(1) == b""

        def cancel_both() -> None:
            time.sleep(0.3)
            send(bytes(len(key)))  # who does not know the key ends nothing
            time.sleep(0.3)
            send(key)

        canceller = threading.Thread(target=cancel_both)
        canceller.start()
        began = time.monotonic()
        client.send(*query("select pg_sleep(20)"))
        kinds = client.until("Z")
        canceller.join()
        assert 0.5 < time.monotonic() - began < 15
        assert [Wire.words(body)["C"] for kind, body in kinds if kind == "E"] == ["57014"]
        for message in (parse("select 1"), bind(), execute(), SYNC):
            client.send(*message)
        assert [kind for kind, _ in client.until("Z")] == ["1", "2", "D", "C", "Z"]
