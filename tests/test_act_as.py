# SPDX-License-Identifier: Apache-2.0
"""A service that stands between people and Lode: it reads nothing itself and asks in the place of those it serves."""

import json
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from server import Server, add_user, serving
from test_access import ANSWERS, shop

ORDERS = "select * from shop.canonical.order order by id"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    project = shop(tmp_path_factory.mktemp("act"))
    add_user(project, "metabase", "--may-act-as", "role analyst,cy")
    add_user(project, "chief", "--role", "analyst,admin")
    add_user(project, "deputy", "--role", "analyst")
    with serving(project) as running:
        yield running


@pytest.fixture
def service(server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.dsn("metabase", "shop"), autocommit=True) as connection:
        yield connection


def who(connection: psycopg.Connection) -> tuple[str, ...] | None:
    return connection.execute("select session_user, current_user, user, current_role").fetchone()


def csv(connection: psycopg.Connection) -> str:
    with connection.cursor().copy(f"copy ({ORDERS}) to stdout with csv header") as copy:
        return b"".join(bytes(block) for block in copy).decode()


def refused(connection: psycopg.Connection, sql: str) -> str:
    with pytest.raises(psycopg.Error) as failure:
        connection.execute(sql)
    return failure.value.sqlstate


def test_by_itself_it_sees_nothing(service: psycopg.Connection) -> None:
    assert refused(service, ORDERS) == "42P01"
    assert service.execute("select count(*) from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema', 'lode')").fetchone() == (0,)


@pytest.mark.parametrize("words", ["set role {}", "set session authorization {}", "select set_config('role', '{}', false)"])
def test_in_the_place_of_another_it_sees_what_that_one_sees(service: psycopg.Connection, words: str) -> None:
    for user in ("bo", "cy", "bo"):
        service.execute(words.format(user))
        assert csv(service) == ANSWERS[user]
        assert service.execute("select current_user").fetchone() == (user,)
    service.execute("reset role" if "role" in words else "reset session authorization")
    assert refused(service, ORDERS) == "42P01"


def test_session_user_is_the_login_and_grants_nothing(service: psycopg.Connection) -> None:
    service.execute("set role bo")
    assert who(service) == ("metabase", "bo", "bo", "bo")
    assert service.execute("select session_user() = session_user, upper(session_user)").fetchone() == (True, "METABASE")
    service.execute("set session authorization cy")
    assert who(service) == ("cy", "cy", "cy", "cy")
    service.execute("set role bo")
    assert who(service) == ("cy", "bo", "bo", "bo")
    assert csv(service) == ANSWERS["bo"]
    service.execute("reset role; reset session authorization")
    assert who(service) == ("metabase",) * 4


@pytest.mark.parametrize("who", ["fi", "ann", "chief", "nobody", "there_is_none", "analyst", ""])
def test_it_takes_no_other_place_and_hears_the_same_of_each(service: psycopg.Connection, who: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match=f'permission denied to set role "{who}"'):
        service.execute(f"set role '{who}'")
    assert service.execute("show role").fetchone() == ("none",)


def test_nobody_else_takes_a_place_but_an_administrator(server: Server) -> None:
    with psycopg.connect(server.dsn("bo"), autocommit=True) as connection:
        assert refused(connection, "set role cy") == "42501"
        assert refused(connection, "set session authorization metabase") == "42501"
    with psycopg.connect(server.dsn("chief"), autocommit=True) as connection:
        connection.execute("set role bo")
        assert csv(connection) == ANSWERS["bo"]
        assert refused(connection, "select * from shop.quarantine.orders") == "42P01"


def test_roles_follow_transactions(service: psycopg.Connection) -> None:
    service.execute("set role cy")
    service.execute("begin; set role bo")
    assert csv(service) == ANSWERS["bo"]
    service.execute("rollback")
    assert csv(service) == ANSWERS["cy"]
    service.execute("begin; set local role bo")
    assert csv(service) == ANSWERS["bo"]
    service.execute("commit")
    assert csv(service) == ANSWERS["cy"]
    service.execute("reset all")  # leaves who asks, as PostgreSQL does
    assert csv(service) == ANSWERS["cy"]
    service.execute("set session authorization bo")
    assert service.execute("show role").fetchone() == ("none",)
    assert csv(service) == ANSWERS["bo"]
    service.execute("discard all")
    assert refused(service, ORDERS) == "42P01"


def test_a_cursor_of_one_is_nobody_elses(service: psycopg.Connection) -> None:
    service.execute("set role cy")
    service.execute(f"begin; declare c cursor with hold for {ORDERS}; fetch 1 from c; commit")
    service.execute("set role bo")
    assert refused(service, "fetch 1 from c") == "42501"


def test_a_prepared_statement_answers_whoever_asks_now(service: psycopg.Connection) -> None:
    amounts = {}
    for user in ("bo", "cy", "bo"):
        service.execute(f"set role {user}")
        amounts[user] = service.execute("select id, email from shop.canonical.order order by id", prepare=True).fetchall()
    assert amounts["bo"] == [(1, "a***"), (3, "e***")] and len(amounts["cy"]) == 4


def test_a_place_that_is_taken_back_is_gone_with_the_next_statement(server: Server) -> None:
    add_user(server.project, "gateway", "--may-act-as", "deputy")
    with psycopg.connect(server.dsn("gateway"), autocommit=True) as connection:
        connection.execute("set role deputy")
        assert connection.execute("select current_user").fetchone() == ("deputy",)
        server.project.lode("user", "set", "gateway", "--may-act-as", "")
        assert refused(connection, "select 1") == "42501"
        connection.execute("reset role")
        assert connection.execute("select current_user").fetchone() == ("gateway",)


def test_the_role_may_come_with_the_connection(server: Server) -> None:
    with psycopg.connect(server.dsn("metabase"), options="-c role=bo", autocommit=True) as connection:
        assert csv(connection) == ANSWERS["bo"]
    with psycopg.connect(server.dsn("metabase"), options="-c session_authorization=bo", autocommit=True) as connection:
        assert csv(connection) == ANSWERS["bo"]
    for setting in ("role", "session_authorization"):
        with psycopg.connect(server.dsn("metabase"), options=f"-c {setting}=fi", autocommit=True) as connection:
            assert refused(connection, ORDERS) == "42501"
    lines = [json.loads(line) for path in server.project.store.glob("audit/*") for line in path.read_text().splitlines()]
    taken = [(line["statement"], line["decision"]) for line in lines if line["action"] == "set role"]
    for statement in ('role "bo"', 'session_authorization "bo"'):
        assert (statement, "allow") in taken and (statement.replace("bo", "fi"), "deny") in taken


@pytest.mark.parametrize(("taken", "given_up", "told"), [
    ("set role bo", "reset role", ['role "none"']), ("set role bo", "set role none", ['role "none"']), ("set role bo", "set role metabase", ['role "none"']),
    ("set session authorization bo", "set session authorization default", ['session_authorization "metabase"']),
    ("set session authorization bo", "reset session authorization", ['session_authorization "metabase"']),
    ("set role bo", "reset session authorization", ['session_authorization "metabase"']),
    ("set role bo", "discard all", ['session_authorization "metabase"']), ("set role bo", "select set_config('role', 'none', false)", ['role "none"']),
    ("set session authorization bo; set role cy", "reset role", ['role "bo"']),
    ("begin; set role bo", "rollback", ['role "none"']), ("begin; set local role bo", "commit", ['role "none"']), ("begin; set role bo", "commit", []),
    ("begin; set session authorization bo", "rollback", ['session_authorization "metabase"']), ("set role bo; begin; reset role", "rollback", ['role "bo"']),
    ("set role cy; begin; set role bo", "abort", ['role "cy"']), ("begin; set role bo; reset role", "rollback", []),
    ("begin; set session authorization bo; set role cy", "rollback", ['role "none"']), ("select 1", "set role bo; select 1/'a'", ['role "bo"', 'role "none"']),
    ("begin; savepoint a; set role bo", "rollback to a", ['role "none"']), ("set role bo; begin; savepoint a; reset role", "rollback to a", ['role "bo"']),
    ("begin; savepoint a; set role bo; release a", "rollback", ['role "none"']), ("begin; set role bo", "select 1/'a'", ['role "none"']),
    ("set role bo; begin; savepoint a; set role cy", "select 1/'a'", ['role "bo"']),
    ("set role bo", "reset all", []), ("set statement_timeout = 9000", "reset role; discard all; set role none", []), ("set role bo", "set role bo; reset statement_timeout", ['role "bo"']),
])
def test_that_a_place_is_given_up_has_a_record(server: Server, service: psycopg.Connection, taken: str, given_up: str, told: list[str]) -> None:
    def records() -> list[tuple[str, str, str]]:
        lines = [json.loads(line) for path in sorted(server.project.store.glob("audit/*")) for line in path.read_text().splitlines()]
        return [(line["principal"], line["statement"], line["decision"]) for line in lines if line["action"] == "set role"]

    for sql in taken.split("; "):
        service.execute(sql)
    before = records()
    with suppress(psycopg.Error):
        service.execute(given_up)
    assert records()[len(before):] == [("metabase", statement, "allow") for statement in told]


def test_the_password_of_another_is_not_its_to_change(service: psycopg.Connection) -> None:
    service.execute("set role bo")
    verifier = "SCRAM-SHA-256$4096:AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    for who in ("bo", "metabase", "current_user"):
        assert refused(service, f"alter user {who} password '{verifier}'") in ("42501", "42601")


def test_the_audit_log_names_both(server: Server, service: psycopg.Connection) -> None:
    service.execute("set role cy")
    service.execute("select count(*) as of_both from shop.canonical.order")
    lines = [json.loads(line) for path in server.project.store.glob("audit/*") for line in path.read_text().splitlines()]
    line = next(line for line in lines if "of_both" in (line.get("statement") or ""))
    assert (line["principal"], line["service"]) == ("cy", "metabase")


def test_attributes_are_a_table_of_ones_own(server: Server, service: psycopg.Connection) -> None:
    asked = "select * from lode.entitlements order by all"
    assert service.execute(asked).fetchall() == []
    service.execute("set role bo")
    assert service.execute(asked).fetchall() == [("bo", "region", "EU")]
    with psycopg.connect(server.dsn("chief"), autocommit=True) as connection:
        assert connection.execute(asked).fetchall() == [("bo", "region", "EU")]


def test_a_cursor_that_gave_rows_and_is_then_refused_has_both_records(server: Server, service: psycopg.Connection) -> None:
    service.execute("set role bo")
    service.execute("begin; declare kept cursor for select id as kept_id from shop.canonical.order order by 1")
    assert len(service.execute("fetch 1 from kept").fetchall()) == 1
    service.execute("reset role")
    assert refused(service, "fetch 1 from kept") == "42501"
    service.execute("rollback")
    lines = [json.loads(line) for path in server.project.store.glob("audit/*") for line in path.read_text().splitlines() if "kept_id" in line]
    assert [(line["action"], line["decision"], line["rows"]) for line in lines] == [
        ("query begun", "allow", -1), ("query", "allow", 1), ("query", "deny", -1)]
    assert {(line["principal"], line["service"]) for line in lines} == {("bo", "metabase")}
