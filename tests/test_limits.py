# SPDX-License-Identifier: Apache-2.0
"""What one principal may ask of a server at a time, and what sessions are told of each other."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from conftest import Project
from hostile import children
from server import Server, add_user, serving
from test_serve import shop

LIMITS = """limits:
- who: small
  rows: 1000
  bytes: 1 MB
  scan: 10 B
  memory: 100 MB
- who: filtered
  scan: 10 B
- who: few
  statements: 1
  waiting: 2
  connections: 6
- who: [quick]
  statement_timeout: 1s
  idle_session_timeout: 1s
  idle_in_transaction_session_timeout: 1s
"""
USERS = ("small", "filtered", "few", "quick", "guessed")
SLEEP = "select pg_sleep(60)"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    project = shop(tmp_path_factory.mktemp("limits"))
    project.write("lode.yml", (project.root / "lode.yml").read_text() + LIMITS)
    project.write("zones/shop/access.yml", "rules:\n- who: [role analyst, small]\n  on: [analytical.*, canonical.*]\n"
                  "- who: [filtered]\n  on: [canonical.*]\n  rows: id > 1\n")
    project.lode("apply")
    for user in USERS:
        add_user(project, user)
    with serving(project) as running:
        yield running


def connect(server: Server, user: str, **options: Any) -> psycopg.Connection[Any]:
    return psycopg.connect(server.dsn(user), autocommit=True, **options)


def refused(server: Server, user: str, sql: str) -> psycopg.errors.Error:
    with connect(server, user) as connection, pytest.raises(psycopg.Error) as caught:
        connection.execute(sql).fetchall()
    return caught.value


def audit(server: Server) -> list[dict[str, Any]]:
    lines = [line for path in (server.project.store / "audit").glob("*server-*.jsonl") for line in path.read_text().splitlines()]
    return [json.loads(line) for line in lines]


def wait_until(what: Any, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.05)


# ---- one statement ----

def test_what_a_filtered_reader_may_scan_does_not_tell_which_files_hold_hidden_rows(server: Server) -> None:
    with connect(server, "small") as connection:  # sees all: no file has such a row, so none is read
        assert connection.execute("select count(*) from shop.canonical.order where id > 100000").fetchone() == (0,)
    failures = {str(refused(server, "filtered", f"select count(*) from shop.canonical.order where id > {at}")) for at in (0, 100000)}
    assert len(failures) == 1 and "more than the 10 bytes" in failures.pop()


@pytest.mark.parametrize("sql, state, words", [
    ("select * from range(1001)", "53400", "the answer has more than 1000 rows (`rows` of `limits:` in lode.yml, line "),
    ("select repeat('x', 3000) from range(900)", "53400", "the answer has more than 1000000 bytes"),
    ("select * from shop.canonical.order", "53400", "the statement would read more than the 10 bytes of data files that it may (`scan` of `limits:` in lode.yml, line "),
    ("select len(list(i)) from range(60000000) t(i)", "53200", ""),
], ids=["rows", "bytes", "scan", "memory"])
def test_a_statement_beyond_a_limit_fails_and_names_it(server: Server, sql: str, state: str, words: str) -> None:
    failure = refused(server, "small", sql)
    assert failure.sqlstate == state, failure
    assert words in str(failure)
    with connect(server, "small") as connection:
        assert len(connection.execute("select * from range(1000)").fetchall()) == 1000


def test_time_is_limited_and_a_session_can_only_shorten_it(server: Server) -> None:
    with connect(server, "quick") as connection:
        for own in ("0", "1h", "300ms"):
            connection.execute(f"set statement_timeout = '{own}'")
            began = time.monotonic()
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.execute(SLEEP)
            assert time.monotonic() - began < 10


@pytest.mark.parametrize("begin, state, words", [("select 1", "57P05", "idle-session timeout: 1.0 s (`idle_session_timeout` of `limits:`"),
                                                 ("begin", "25P03", "idle-in-transaction timeout: 1.0 s")], ids=["idle", "in transaction"])
def test_an_idle_connection_is_ended_and_told_why(server: Server, begin: str, state: str, words: str) -> None:
    with connect(server, "quick") as connection:
        connection.execute(begin)
        time.sleep(2)
        with pytest.raises(psycopg.Error) as caught:
            connection.execute("select 1")
        assert caught.value.sqlstate == state and words in str(caught.value)


def test_limits_follow_the_text_from_the_next_statement(tmp_path: Path) -> None:
    project = shop(tmp_path)
    text = (project.root / "lode.yml").read_text()
    with serving(project) as server, connect(server, "bo") as connection:
        assert len(connection.execute("select * from range(50)").fetchall()) == 50
        project.write("lode.yml", text + "limits:\n- who: [role analyst]\n  rows: 10\n")
        project.lode("apply")
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            connection.execute("select * from range(50)")
        project.write("lode.yml", text)
        project.lode("apply")
        assert len(connection.execute("select * from range(50)").fetchall()) == 50


# ---- many statements ----

def test_statements_wait_in_line_until_it_is_full(server: Server) -> None:
    wait_until(lambda: sessions_of(server, "few") == 0)
    connections = [connect(server, "few") for _ in range(5)]
    outcomes: list[str] = []

    def run(connection: psycopg.Connection[Any]) -> None:
        try:
            connection.execute("select pg_sleep(30)")
            outcomes.append("ran")
        except psycopg.Error as failure:
            outcomes.append(f"{failure.sqlstate} {failure}")

    threads = []
    for number, connection in enumerate(connections[:3]):
        threads.append(threading.Thread(target=run, args=(connection,)))
        threads[-1].start()
        wait_until(lambda: len([row for row in connections[4].execute("show all").fetchall()]) > 0 and busy(server, "few") == number + 1)
    run(connections[3])
    assert outcomes[0].startswith("53300 2 statements of few wait in line already, and more are refused (`waiting` of `limits:` in lode.yml, line ")
    began = time.monotonic()
    connections[4].execute("begin; show timezone; commit")  # the server's own answers do not wait
    assert connections[4].execute("select 1, 'x' as y").fetchone() == (1, "x")
    assert connections[4].execute("select count(*) from pg_catalog.pg_type").fetchone()[0] > 100  # nor what only asks the catalogue
    assert time.monotonic() - began < 10
    for connection in connections[:3]:
        connection.cancel_safe()
    for thread in threads:
        thread.join(timeout=20)
    assert [outcome[:5] for outcome in outcomes[1:]] == ["57014"] * 3
    for connection in connections:
        connection.close()


def test_a_statement_that_was_seen_to_wait_or_run_is_cancelled_by_one_request(server: Server) -> None:
    """Wherever it is on its way from the line to a worker. One that was not seen yet may not have come."""
    wait_until(lambda: sessions_of(server, "few") == 0)
    states: list[str | None] = []

    def ask(connection: psycopg.Connection[Any]) -> None:
        try:
            connection.execute("select pg_sleep(20)")
            states.append("ran")
        except psycopg.Error as failure:
            states.append(failure.sqlstate)

    connections = [connect(server, "few") for _ in range(3)]
    for turn in range(8):
        threads = [threading.Thread(target=ask, args=(connection,)) for connection in connections]
        for thread in threads:
            thread.start()
        wait_until(lambda: busy(server, "few") == 3)
        time.sleep(turn * 0.002)
        for connection in connections:  # the first makes room, and the next is on its way when its own turn comes
            connection.cancel_safe()
        for thread in threads:
            thread.join(timeout=15)
    assert states == ["57014"] * 24
    for connection in connections:
        connection.close()


def busy(server: Server, user: str) -> int:
    with connect(server, "ann") as connection:
        return connection.execute("select count(*) from lode.sessions where principal = %s and state in ('active', 'waiting')", (user,)).fetchone()[0]


def test_connections_of_one_principal_are_limited(server: Server) -> None:
    wait_until(lambda: sessions_of(server, "few") == 0)  # those of the test before
    connections = [connect(server, "few") for _ in range(6)]
    with pytest.raises(psycopg.OperationalError, match='too many connections for role "few": 6 are open .`connections` of `limits:` in lode.yml, line'):
        connect(server, "few")
    for connection in connections:
        connection.close()
    wait_until(lambda: sessions_of(server, "few") == 0)
    connect(server, "few").close()


def sessions_of(server: Server, user: str) -> int:
    with connect(server, "ann") as connection:
        return connection.execute("select count(*) from lode.sessions where principal = %s", (user,)).fetchone()[0]


# ---- sessions ----

def test_everybody_sees_his_own_sessions_and_administrators_all(server: Server) -> None:
    with connect(server, "bo", application_name="a report") as bo, connect(server, "oz") as oz, connect(server, "ann") as ann:
        oz.execute("begin")
        columns = [column.name for column in ann.execute("select * from pg_stat_activity").description]
        assert columns == [column.name for column in bo.execute("select * from pg_stat_activity").description]
        assert len(columns) == 22 and columns[:3] == ["datid", "datname", "pid"]
        own = bo.execute("select pid, usename, application_name, state, client_addr::text, query from pg_stat_activity").fetchall()
        assert [row[1] for row in own] == ["bo"]
        assert own[0][:4] == (bo.info.backend_pid, "bo", "a report", "active") and own[0][4].startswith("127.0.0.1")
        assert own[0][5].startswith("select pid, usename")
        assert bo.execute("select pg_backend_pid()").fetchone() == (bo.info.backend_pid,)
        expected, deadline = {"ann": "active", "bo": "idle", "oz": "idle in transaction"}, time.monotonic() + 20
        while not expected.items() <= (all_of := dict(ann.execute("select principal, state from lode.sessions").fetchall())).items():
            assert time.monotonic() < deadline, all_of  # a session is idle soon after its answer
        assert [row[0] for row in bo.execute("select distinct principal from lode.access").fetchall()] == ["bo"]
        assert ("bo", "shop.analytical.sales", True, True) in ann.execute("select principal, object, granted, whole from lode.access").fetchall()
        assert ann.execute("select count(*) from lode.access where principal = 'nobody'").fetchone() == (0,)


def test_sessions_can_be_cancelled_and_ended_by_their_own_and_by_administrators(server: Server) -> None:
    for who, sql, state in (("bo", "select pg_cancel_backend({})", "57014"), ("ann", "select pg_cancel_backend(%s)", "57014"),
                            ("ann", "select pg_terminate_backend({})", "57P01")):
        with connect(server, "bo") as victim, connect(server, who) as other, connect(server, "oz") as stranger:
            caught: list[str | None] = []

            def run() -> None:
                try:
                    victim.execute(SLEEP)
                except psycopg.Error as failure:
                    caught.append(failure.sqlstate)

            thread = threading.Thread(target=run)
            thread.start()
            wait_until(lambda: busy(server, "bo") >= 1)
            pid = victim.info.backend_pid
            assert stranger.execute(f"select pg_cancel_backend({pid})").fetchone() == (False,)
            arguments = (pid,) if "%s" in sql else None
            assert other.execute(sql.format(pid), arguments).fetchone() == (True,)
            thread.join(timeout=20)
            assert caught == [state]
            assert other.execute("select pg_cancel_backend(999999)").fetchone() == (False,)
    assert {"cancel", "terminate"} <= {line["action"] for line in audit(server)}


# ---- logins ----

def test_failed_logins_are_slowed_down_and_the_right_password_gets_in(server: Server) -> None:
    took = []
    for _ in range(7):
        began = time.monotonic()
        with pytest.raises(psycopg.OperationalError, match="password is wrong"):
            psycopg.connect(server.dsn("guessed", password="wrong"))
        took.append(time.monotonic() - began)
    assert sum(took[4:]) > 0.6  # 0.1, 0.2 and 0.4 seconds at least
    began = time.monotonic()
    connect(server, "oz").close()  # another from the same address
    assert time.monotonic() - began < 5
    connect(server, "guessed").close()
    began = time.monotonic()
    connect(server, "guessed").close()  # forgotten
    assert time.monotonic() - began < 5
    wait_until(lambda: any("failure 7 in a row" in (line["statement"] or "") and line["decision"] == "deny" for line in audit(server)))


# ---- workers ----

def wait_until_dead(process: int) -> None:
    """A signal is sent in no time; a process with threads takes some to die of it."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            status = Path(f"/proc/{process}/status").read_text()
            if "State:\tZ" in status and "Threads:\t1\n" in status:
                return
        except FileNotFoundError:
            return
        time.sleep(0.001)
    raise AssertionError(f"{process} does not die")


def test_a_worker_that_was_killed_while_idle_is_replaced_silently(server: Server) -> None:
    with connect(server, "oz") as connection:
        for _ in range(10):
            for worker in children(server.process.pid):
                os.kill(worker, signal.SIGKILL)
                wait_until_dead(worker)
            assert connection.execute("values (1)").fetchone() == (1,)


def test_limits_that_cannot_be_are_errors_of_the_text(project: Project) -> None:
    project.write("lode.yml", (project.root / "lode.yml").read_text() + "limits:\n- who: bo\n  rows: many\n")
    error = project.lode("check", "-o", "json", check=False).json["errors"][0]
    assert error["message"] == '`rows` cannot be "many"' and error["file"] == "lode.yml" and error["line"] > 1
