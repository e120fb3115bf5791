# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL 15 of the test's own: the judge of whatever says that it answers like one."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from server import serving_empty

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
NULL = "\x01"


@dataclass(frozen=True)
class Postgres:
    """Listens on a socket in its folder, and on a port of this machine if that was asked for; everybody there is its
    superuser, called lode."""

    folder: Path
    port: int

    def psql(self, sql: str, *, database: str = "postgres", check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([PROGRAMS / "psql", "-X", "-q", "--csv", "-t", "-P", f"null={NULL}", "-v", "ON_ERROR_STOP=1",
                               "-h", self.folder, "-p", str(self.port), "-U", "lode", "-d", database, "-f", "-"],
                              input=sql, capture_output=True, text=True, timeout=240)
        assert not check or done.returncode == 0, done.stderr
        return done


def as_server() -> dict[str, int]:
    """PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid}


@contextmanager
def running(tcp: bool = False) -> Iterator[Postgres]:
    if not (PROGRAMS / "postgres").exists() or not (PROGRAMS / "initdb").exists():
        pytest.skip(f"PostgreSQL 15 is not installed ({PROGRAMS})")
    folder = Path(tempfile.mkdtemp(prefix="lode-postgres-"))
    server = as_server()
    if server:
        os.chown(folder, server["user"], server["group"])
    try:
        subprocess.run([PROGRAMS / "initdb", "-D", folder / "data", "-U", "lode", "-A", "trust", "-E", "UTF8",
                        "--locale=C.UTF-8", "-N"], check=True, capture_output=True, cwd=folder, **server)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1] if tcp else 5432
        options = f"-k {folder} -p {port} -c listen_addresses={'127.0.0.1' if tcp else ''} -c fsync=off -c TimeZone=UTC"
        control = [PROGRAMS / "pg_ctl", "-D", folder / "data", "-w"]
        subprocess.run([*control, "-l", folder / "log", "-o", options, "start"], check=True, capture_output=True, cwd=folder,
                       **server)
        try:
            yield Postgres(folder, port)
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True, cwd=folder, **server)
    finally:
        shutil.rmtree(folder)


@contextmanager
def beside(folder: Path) -> Iterator[tuple[psycopg.Connection, psycopg.Connection]]:
    """An administrator's connection to an empty project's server, and one to a PostgreSQL to compare it with."""
    with serving_empty(folder) as server, running() as judge, \
            psycopg.connect(server.dsn("ann", "lode"), autocommit=True) as ours, \
            psycopg.connect(f"host={judge.folder} user=lode dbname=postgres", autocommit=True) as theirs:
        yield ours, theirs
