# SPDX-License-Identifier: Apache-2.0
"""The owner of a zone looks at it with the eyes of others: of that zone what they see, of all else nothing, and both are in the audit log."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from conftest import Project
from server import Server, add_user, serving
from test_access import ANSWERS, shop

ORDERS = "select * from shop.canonical.order order by id"
TILLS = "columns:\n  till: int\n  region: text\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Zone shop is oz's, till is tom's; bo sees something of both, and a product of till's that shop may have."""
    project = shop(tmp_path_factory.mktemp("looking"))
    project.write("zones/till/zone.yml", "owner: tom\n")
    project.write("zones/till/sources/tills.yml", f"from: ingress/tills*.csv\nformat: csv\n{TILLS}")
    project.write("zones/till/canonical/till.sql", "select till, region from staging.tills\n")
    project.write("zones/till/egress/tills.sql", "select till from canonical.till\n")
    project.write("zones/till/access.yml", "rules:\n- who: [bo]\n  on: [canonical.*, egress.*]\n- who: [zone shop]\n  on: [egress.tills]\n")
    project.write("zones/shop/canonical/shared.sql", "select id, email from staging.orders\n")
    access = project.write("zones/shop/access.yml", "").parent / "access.yml"
    access.write_text("""rules:
- who: [role analyst]
  on: [canonical.order]
  rows: region = principal.region
  columns: all except [amount]
  mask:
    email: partial 1
- who: [bo, dpo]
  on: [canonical.shared]
- who: [cy]
  on: [canonical.order]
  mask:
    amount: bucket 10
""")
    project.write("policies.yml", "- tag: secret\n  who: everyone except [dpo]\n  mask: null\n")
    project.write("zones/shop/canonical/shared.sql", "-- column email: tag secret\nselect id, email from staging.orders\n")
    project.drop("till", "tills_1.csv", "till,region\n7,EU\n8,US\n")
    project.lode("run")
    add_user(project, "tom")
    add_user(project, "dpo")
    add_user(project, "chief", "--role", "admin")
    add_user(project, "au", "--role", "auditor,analyst", "--attr", "region=US")
    add_user(project, "gone")
    project.lode("user", "set", "gone", "--lock")
    return project


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Server]:
    with serving(project) as running:
        yield running


@pytest.fixture
def oz(server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.dsn("oz"), autocommit=True) as connection:
        yield connection


def csv(connection: psycopg.Connection, sql: str = ORDERS) -> str:
    with connection.cursor().copy(f"copy ({sql}) to stdout with csv header") as copy:
        return b"".join(bytes(block) for block in copy).decode()


def refused(connection: psycopg.Connection, sql: str) -> tuple[str, str]:
    with pytest.raises(psycopg.Error) as failure:
        connection.execute(sql)
    return failure.value.sqlstate, str(failure.value).split("\n")[0]


def audited(project: Project, words: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for path in project.store.glob("audit/*") for line in path.read_text().splitlines()]
    return [line for line in lines if words in (line.get("statement") or "")]


@pytest.mark.parametrize("user", ["bo", "cy"])
def test_an_owner_sees_what_the_other_sees(server: Server, oz: psycopg.Connection, user: str) -> None:
    oz.execute(f"set role {user}")
    assert csv(oz) == ANSWERS[user]
    assert oz.execute("select current_user").fetchone() == (user,)
    assert server.project.csv(ORDERS, "--as", user) == ANSWERS[user]
    said = server.ask("oz", ORDERS, role=user)
    assert said.status == 200 and [row["id"] for row in said.json] == [int(line.split(",")[0]) for line in ANSWERS[user].splitlines()[1:]]
    oz.execute("reset role")
    assert len(csv(oz).splitlines()) == 5


FOREIGN = ["select * from till.canonical.till", "select * from till.egress.tills", "select * from till.staging.tills",
           "select * from shop.staging.orders", "select * from shop.quarantine.orders", "select * from shop.landing.orders",
           "select amount from shop.canonical.order", "select * from till.canonical.till at (timestamp => '2099-01-01')"]


@pytest.mark.parametrize("sql", FOREIGN)
def test_of_other_zones_and_what_the_other_does_not_see_there_is_nothing(server: Server, oz: psycopg.Connection, sql: str) -> None:
    oz.execute("set role bo")
    assert refused(oz, sql)[0] in ("42P01", "42703")
    said = server.ask("oz", sql, role="bo")
    assert said.status in (400, 404) and said.json["error"]["sqlstate"] in ("42P01", "42703")
    if "till" in sql:  # the same words as of what is not there
        told = refused(oz, sql.replace("till.canonical.till", "till.canonical.not_there").replace("till.egress.tills", "till.egress.not_there"))
        assert told[1].replace("not_there", "tills" if "egress" in sql else "till") == refused(oz, sql)[1]


CATALOGUE = ["select table_schema || '.' || table_name from information_schema.tables", "select nspname from pg_namespace", "select datname from pg_database",
             "select zone || '.' || stage || '.' || \"table\" from lode.tables", "select column_name from information_schema.columns",
             "select object from lode.access"]


def test_catalogues_show_no_other_zone(oz: psycopg.Connection, server: Server) -> None:
    for sql in CATALOGUE:
        oz.execute("set role bo")
        names = [name for name, in oz.execute(sql).fetchall() if name]
        assert not [name for name in names if "till" in name or "staging" in name], sql
        with psycopg.connect(server.dsn("bo"), autocommit=True) as bo:
            shown = [name for name, in bo.execute(sql).fetchall() if name]
            assert set(names) <= set(shown), sql
            assert sql.startswith("select column") or sql.startswith("select nsp") or [name for name in shown if "till" in name], sql
    assert oz.execute("select count(*) from lode.access").fetchone() == (2,)


def test_what_somebody_is_elsewhere_is_not_told(server: Server, oz: psycopg.Connection) -> None:
    with psycopg.connect(server.dsn("bo"), autocommit=True) as bo:
        bo.execute("select 'of bo alone'")
        oz.execute("set role bo")
        assert oz.execute("select * from lode.entitlements").fetchall() == []
        assert oz.execute("select count(*) from lode.sessions where principal = 'bo'").fetchone() == (0,)
        assert {name for name, in oz.execute("select usename from pg_stat_activity").fetchall()} == {"oz"}
        assert {name for name, in oz.execute("select principal from lode.sessions").fetchall()} == {"oz"}
        process = bo.info.backend_pid
        assert oz.execute(f"select pg_terminate_backend({process})").fetchone() == (False,)
        assert bo.execute("select 1").fetchone() == (1,)
        assert "oz" not in {name for name, in bo.execute("select principal from lode.sessions").fetchall()}
        assert bo.execute("select count(*) from lode.sessions").fetchone() == (1,)


def test_what_is_kept_from_the_owner_is_kept_from_these_eyes_too(server: Server, oz: psycopg.Connection) -> None:
    sql = "select * from shop.canonical.shared order by id"
    with psycopg.connect(server.dsn("dpo"), autocommit=True) as dpo:
        assert csv(dpo, sql) == "id,email\n1,ann@x.org\n2,bob@x.org\n3,eve@x.org\n4,\n"
    for role in ("none", "bo", "dpo"):
        oz.execute(f"set role {role}")
        assert csv(oz, sql) == "id,email\n1,\n2,\n3,\n4,\n"
    said = server.ask("oz", sql, role="dpo")
    assert said.status == 200 and {row["email"] for row in said.json} == {None}


def test_an_auditors_eyes_do_not_read_the_log(oz: psycopg.Connection) -> None:
    oz.execute("set role au")
    assert csv(oz) == "id,region,email\n2,US,b***\n"
    assert refused(oz, "select * from lode.audit")[0] == "42P01"


@pytest.mark.parametrize("user, role", [("oz", "chief"), ("oz", "gone"), ("oz", "there_is_none"), ("oz", "analyst"), ("bo", "cy"), ("bo", "oz"), ("cy", "bo"),
                                        ("nobody", "bo"), ("dpo", "oz")])
def test_everybody_else_is_refused_in_the_same_words(server: Server, user: str, role: str) -> None:
    words = f'permission denied to set role "{role}"'
    with psycopg.connect(server.dsn(user), autocommit=True) as connection:
        assert refused(connection, f"set role {role}") == ("42501", words)
        assert refused(connection, f"set session authorization {role}") == ("42501", words)
        assert refused(connection, f"select set_config('role', '{role}', false)")[0] == "42501"
    said = server.ask(user, "select 1", role=role)
    assert (said.status, said.json["error"]["sqlstate"], said.json["error"]["message"]) == (403, "42501", words)
    with psycopg.connect(server.dsn(user), options=f"-c role={role}", autocommit=True) as connection:
        assert refused(connection, "select 1")[0] == "42501"
    with psycopg.connect(server.dsn(user), options=f"-c session_authorization={role}", autocommit=True) as connection:
        assert refused(connection, "select 1")[0] == "42501"
    denied = [line for line in audited(server.project, f'"{role}"') if line["principal"] == user and line["action"] == "set role"]
    assert len(denied) == 6 and {line["decision"] for line in denied} == {"deny"}
    assert {line["via"] for line in denied} == {"pg", "http"}


def test_an_owner_of_another_zone_sees_its_own_alone(server: Server) -> None:
    with psycopg.connect(server.dsn("tom"), autocommit=True) as tom:
        tom.execute("set role bo")
        assert tom.execute("select till from till.canonical.till order by 1").fetchall() == [(7,), (8,)]
        assert refused(tom, ORDERS)[0] == "42P01"
        tom.execute("set role oz")
        assert refused(tom, ORDERS)[0] == "42P01" and refused(tom, "select * from till.canonical.till")[0] == "42P01"


def test_it_ends_with_the_next_statement_when_the_zone_is_anothers(server: Server, oz: psycopg.Connection) -> None:
    project = server.project
    oz.execute("set role bo")
    oz.execute(f"begin; declare c cursor with hold for {ORDERS}; fetch 1 from c; commit")
    project.write("zones/shop/zone.yml", "owner: cy\n")
    project.lode("apply")
    try:
        assert refused(oz, ORDERS)[0] == "42501"
        assert refused(oz, "fetch 1 from c")[0] == "42501"
        assert server.ask("oz", ORDERS, role="bo").status == 403
    finally:
        project.write("zones/shop/zone.yml", "owner: oz\n")
        project.lode("apply")
    assert csv(oz) == ANSWERS["bo"]


def test_the_audit_log_names_both(server: Server, oz: psycopg.Connection) -> None:
    oz.execute("set role bo")
    oz.execute("select count(*) as looked_at from shop.canonical.order")
    assert refused(oz, "select count(*) as looked_at from till.canonical.till")
    server.ask("oz", "select count(*) as looked_at from shop.canonical.order", role="bo")
    lines = audited(server.project, "looked_at")
    assert {(line["principal"], line["service"]) for line in lines} == {("bo", "oz")}
    assert sorted((line["via"], line["decision"]) for line in lines) == [("http", "allow"), ("pg", "allow"), ("pg", "deny")]
    assert {line["policy"] for line in lines if line["decision"] == "allow"} != {""}
    server.project.query("select count(*) as looked_locally from shop.canonical.order", "--as", "bo")
    line, = audited(server.project, "looked_locally")
    assert line["principal"].startswith("local:") and line["action"] == "query as bo"
    assert [each["service"] for each in server.project.json("audit", "--principal", "bo", "--on", "shop.canonical.order") if "looked_at" in each["statement"]] == ["oz"] * 2
