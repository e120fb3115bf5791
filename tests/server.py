# SPDX-License-Identifier: Apache-2.0
"""A running `lode serve` for tests, and a client that speaks the protocol byte by byte."""

import json
import os
import re
import signal
import socket
import struct
import subprocess
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

from conftest import LODE, Project, make_project

PASSWORD = "a secret, über alles"


@dataclass(frozen=True)
class Said:
    """What a question over HTTP was answered with, refusals included."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Server:
    """Where clients connect, and the process behind it."""

    project: Project
    process: subprocess.Popen[str]
    port: int
    http: int
    tokens: dict[str, str] = field(default_factory=dict)  # by user, made when first needed

    def dsn(self, user: str = "ann", database: str = "lode", password: str = PASSWORD) -> str:
        return f"postgresql://{user}:{password.replace(' ', '%20').replace(',', '%2C')}@127.0.0.1:{self.port}/{database}"

    def token(self, user: str) -> str:
        if user not in self.tokens:
            self.tokens[user] = self.project.json("token", "add", f"test-{user}", "--for", user)["token"]
        return self.tokens[user]

    def ask(self, user: str, sql: str, accept: str = "application/json", role: str = "") -> Said:
        """A statement over HTTP, in a role if one is named."""
        question = {"sql": sql, **({"as": role} if role else {})}
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}/v1/query", json.dumps(question).encode(), {
            "Authorization": f"Bearer {self.token(user)}", "Content-Type": "application/json", "Accept": accept})
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return Said(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            return Said(error.code, error.read())

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


def add_user(project: Project, name: str, *options: str, password: str = PASSWORD) -> None:
    done = subprocess.run([LODE, "user", "add", name, *options, "--password-stdin"], cwd=project.root, input=password,
                          capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr


@contextmanager
def serving(project: Project, *options: str, env: dict[str, str] | None = None, refresh: bool = False) -> Iterator[Server]:
    """A server; without refresh, so that what a test drops and runs by itself is not taken before."""
    options += () if refresh else ("--no-refresh",)
    process = subprocess.Popen([LODE, "serve", "--pg", "127.0.0.1:0", "--http", "127.0.0.1:0", *options], cwd=project.root, stdin=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
    try:
        line = process.stderr.readline()
        ready = re.match(r"ready pg=127\.0\.0\.1:(\d+) http=127\.0\.0\.1:(\d+)$", line)
        assert ready, f"not ready: {line}{process.stderr.read()}"
        yield Server(project, process, int(ready[1]), int(ready[2]))
    finally:
        process.kill()
        process.wait()


def administered(folder: Path) -> Project:
    """An empty project that has run once, and its only user: ann, who administers it."""
    project = make_project(folder)
    project.lode("run")
    add_user(project, "ann", "--role", "admin")
    return project


@contextmanager
def serving_empty(folder: Path, env: dict[str, str] | None = None) -> Iterator[Server]:
    with serving(administered(folder), env=env) as server:
        yield server


class Wire:
    """A client that sends what it is told and takes messages as they come."""

    def __init__(self, at: int | Path | socket.socket, user: str = "ann", database: str = "postgres", password: str = PASSWORD,
                 version: int = 0x30000, words: tuple[str, ...] = ()) -> None:
        """At a port of this machine, at the socket of a PostgreSQL in a folder, or through what is connected already."""
        self.negotiated: tuple[str, bytes] | None = None
        if isinstance(at, socket.socket):
            self.socket = at
        elif isinstance(at, int):
            self.socket = socket.create_connection(("127.0.0.1", at), timeout=90)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(90)
            self.socket.connect(str(at / ".s.PGSQL.5432"))
        self.buffer = b""
        body = struct.pack("!I", version) + "".join(f"{word}\0" for word in ("user", user, "database", database, *words, "")).encode()
        self.socket.sendall(struct.pack("!I", len(body) + 4) + body)
        self.log_in(user, password)
        self.greeting = self.until("Z")

    def log_in(self, user: str, password: str) -> None:
        kind, body = self.message()
        if kind == "v":
            self.negotiated = kind, body
            kind, body = self.message()
        if kind == "E":
            raise ConnectionError(self.words(body))
        if struct.unpack("!I", body[:4])[0] == 0:
            return
        from scramp import ScramClient  # pg8000 brings it along

        client = ScramClient(["SCRAM-SHA-256"], user, password)
        first = client.get_client_first().encode()
        self.send("p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(first)) + first)
        client.set_server_first(self.message()[1][4:].decode())
        self.send("p", client.get_client_final().encode())
        kind, body = self.message()
        if kind == "E":
            raise ConnectionError(self.words(body))
        client.set_server_final(body[4:].decode())
        assert self.message() == ("R", b"\0\0\0\0")

    def send(self, kind: str, body: bytes = b"") -> None:
        self.socket.sendall(kind.encode() + struct.pack("!I", len(body) + 4) + body)

    def take(self, size: int) -> bytes:
        while len(self.buffer) < size:
            got = self.socket.recv(65536)
            if not got:
                raise ConnectionError("the server hung up")
            self.buffer += got
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def message(self) -> tuple[str, bytes]:
        kind, size = struct.unpack("!cI", self.take(5))
        return kind.decode(), self.take(size - 4)

    def until(self, last: str) -> list[tuple[str, bytes]]:
        messages = [self.message()]
        while messages[-1][0] != last:
            messages.append(self.message())
        return messages

    @staticmethod
    def words(body: bytes) -> dict[str, str]:
        return {part[:1].decode(): part[1:].decode() for part in body.split(b"\0") if part}

    def close(self) -> None:
        self.socket.close()


def query(sql: str) -> tuple[str, bytes]:
    return "Q", sql.encode() + b"\0"


def parse(sql: str, name: str = "", types: tuple[int, ...] = ()) -> tuple[str, bytes]:
    return "P", f"{name}\0{sql}\0".encode() + struct.pack(f"!H{len(types)}I", len(types), *types)


def bind(portal: str = "", statement: str = "", values: tuple[bytes | None, ...] = (), formats: tuple[int, ...] = (),
         results: tuple[int, ...] = ()) -> tuple[str, bytes]:
    body = f"{portal}\0{statement}\0".encode() + struct.pack(f"!H{len(formats)}H", len(formats), *formats) + struct.pack("!H", len(values))
    for value in values:
        body += struct.pack("!i", -1) if value is None else struct.pack("!I", len(value)) + value
    return "B", body + struct.pack(f"!H{len(results)}H", len(results), *results)


def describe(kind: str, name: str = "") -> tuple[str, bytes]:
    return "D", kind.encode() + name.encode() + b"\0"


def execute(portal: str = "", rows: int = 0) -> tuple[str, bytes]:
    return "E", portal.encode() + b"\0" + struct.pack("!I", rows)


def close(kind: str, name: str = "") -> tuple[str, bytes]:
    return "C", kind.encode() + name.encode() + b"\0"


SYNC = ("S", b"")
FLUSH = ("H", b"")
