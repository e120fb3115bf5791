# SPDX-License-Identifier: Apache-2.0
"""`lode serve` as its users meet it: unmodified drivers, logins, who sees what, what ends and what goes on."""

import asyncio
import datetime
import decimal
import os
import shutil
import signal
import subprocess
import threading
import time
import uuid
from pathlib import Path
from typing import Any, Iterator

import asyncpg
import pg8000.dbapi
import psycopg
import psycopg2
import pytest
import sqlalchemy
from conftest import LODE, Project, make_project
from server import PASSWORD, Server, add_user, serving

needs_psql = pytest.mark.skipif(not shutil.which("psql"), reason="psql is not installed (postgresql-client)")
ORDERS = "id,region,amount\n1,EU,1.50\n2,US,2.25\n3,EU,3.00\n"


def shop(folder: Path) -> Project:
    """Two zones, a source, models, products; bo is an analyst, ann an administrator."""
    project = make_project(folder)
    project.write("zones/shop/zone.yml", "owner: oz\nengineers: [role shop_dev]\nmembers: [role analyst]\npurpose: orders\n")
    project.write("zones/shop/sources/orders.yml", "from: ingress/orders*.csv\nformat: csv\ncolumns:\n  id: int\n  region: text\n  amount: decimal(9,2)\n")
    project.write("zones/shop/canonical/order.sql", "-- about: one row an order\nselect id, region, amount from staging.orders\n")
    project.write("zones/shop/analytical/sales.sql", "select region, sum(amount) as amount from canonical.order group by region\n")
    project.write("zones/shop/egress/sales.sql", "-- version: 1\nselect region, amount from analytical.sales\n")
    project.write("zones/shop/access.yml", "rules:\n- who: [role analyst]\n  on: [analytical.*]\n- who: [zone finance]\n  on: [egress.*]\n")
    project.write("zones/finance/zone.yml", "owner: fin\nmembers: [fred]\npurpose: money\n")
    project.drop("shop", "orders_1.csv", ORDERS)
    project.lode("run")
    project.lode("role", "add", "analyst")
    add_user(project, "ann", "--role", "admin")
    add_user(project, "bo", "--role", "analyst", "--attr", "region=EU")
    for name in ("oz", "fred", "nobody"):
        add_user(project, name)
    return project


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(shop(tmp_path_factory.mktemp("serve"))) as running:
        yield running


def ask(server: Server, sql: str, user: str = "ann", database: str = "lode", **options: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.dsn(user, database), autocommit=True, **options) as connection:
        return connection.execute(sql).fetchall()


# ---- drivers ----

VALUES = [
    ("int", 7), ("bigint", -9223372036854775808), ("smallint", 3), ("text", "é'\"\\"), ("boolean", True), ("double precision", 0.1),
    ("numeric(12,4)", decimal.Decimal("-12345.6789")), ("date", datetime.date(2026, 11, 26)), ("time", datetime.time(1, 2, 3, 4)),
    ("timestamp", datetime.datetime(2026, 11, 26, 1, 2, 3, 456789)), ("uuid", uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")),
    ("bytea", b"\x00\xff\\"), ("int[]", [1, 2, 3]),
]


@pytest.mark.parametrize("kind, value", VALUES, ids=[kind for kind, _ in VALUES])
@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_psycopg_gets_back_what_it_sent(server: Server, kind: str, value: Any, binary: bool) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        cursor = connection.cursor(binary=binary)
        got = cursor.execute(f"select cast(%{'b' if binary else 's'} as {kind})", (value,)).fetchone()
        assert got == (value,)


def test_asyncpg_describes_and_sends_binary(server: Server) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(server.dsn())
        try:
            assert await connection.fetchval("select $1::int + 1", 41) == 42
            row = await connection.fetchrow("select id, region, amount from shop.canonical.order where id = $1", 2)
            assert tuple(row) == (2, "US", decimal.Decimal("2.25"))
            async with connection.transaction():
                seen = [record[0] async for record in connection.cursor("select i from range(1000) t(i)", prefetch=7)]
            assert seen == list(range(1000))
            with pytest.raises(asyncpg.UndefinedTableError):
                await connection.fetch("select * from shop.canonical.nothing")
            assert await connection.fetchval("select 1") == 1
        finally:
            await connection.close()

    asyncio.run(run())


def test_psycopg2_with_server_cursors_and_copy(server: Server, tmp_path: Path) -> None:
    connection = psycopg2.connect(server.dsn())
    with connection.cursor("named") as cursor:
        cursor.itersize = 100
        cursor.execute("select i from range(1000) t(i)")
        assert [row[0] for row in cursor] == list(range(1000))
    connection.commit()
    with connection.cursor() as cursor, open(tmp_path / "out.csv", "w+", encoding="utf-8") as out:
        cursor.copy_expert("copy (select * from shop.canonical.order order by id) to stdout with csv header", out)
        out.seek(0)
        assert out.read() == ORDERS
    connection.close()


def test_pg8000(server: Server) -> None:
    connection = pg8000.dbapi.connect(user="ann", password=PASSWORD, host="127.0.0.1", port=server.port, database="lode")
    cursor = connection.cursor()
    cursor.execute("select region, sum(amount) from shop.canonical.order where id <> %s group by region order by region", (3,))
    assert [tuple(row) for row in cursor.fetchall()] == [("EU", decimal.Decimal("1.50")), ("US", decimal.Decimal("2.25"))]
    connection.close()


def test_sqlalchemy_reflects_a_zone(server: Server) -> None:
    engine = sqlalchemy.create_engine(server.dsn(database="shop").replace("postgresql://", "postgresql+psycopg://"))
    inspector = sqlalchemy.inspect(engine)
    assert "order" in inspector.get_table_names(schema="canonical")
    assert [column["name"] for column in inspector.get_columns("order", schema="canonical")] == ["id", "region", "amount"]
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("select count(*) from canonical.order")).scalar() == 3
    engine.dispose()


@needs_psql
def test_psql_prints_tables(server: Server) -> None:
    done = subprocess.run(["psql", server.dsn(database="shop"), "-XAt", "-c", "\\dt *.*", "-c", "select count(*) from canonical.order"],
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.splitlines()[-1] == "3", done.stderr
    assert "canonical|order|" in done.stdout


# ---- who sees what ----

def denied(server: Server, sql: str, user: str, database: str = "lode") -> str:
    with pytest.raises(psycopg.errors.UndefinedTable) as raised:
        ask(server, sql, user, database)
    return str(raised.value).splitlines()[0]


def test_what_is_not_granted_reads_as_what_is_not_there(server: Server) -> None:
    assert ask(server, "select * from shop.analytical.sales order by 1", "bo") == [("EU", decimal.Decimal("4.50")), ("US", decimal.Decimal("2.25"))]
    for table in ("shop.canonical.order", "shop.staging.orders", "shop.quarantine.orders", "shop.egress.sales"):
        shown = denied(server, f"select * from {table}", "bo")
        never = denied(server, f"select * from {table}_x", "bo")
        assert shown.replace(table, "T") == never.replace(f"{table}_x", "T")


def test_catalogs_know_only_what_is_granted(server: Server) -> None:
    sql = "select table_schema || '.' || table_name from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema', 'lode')"
    assert {name for name, in ask(server, sql, "bo", "shop")} == {"analytical.sales"}
    assert "canonical.order" in {name for name, in ask(server, sql, "oz", "shop")}
    own = "select table_name from information_schema.tables where table_schema = 'lode'"
    assert {name for name, in ask(server, own)} - {name for name, in ask(server, own, "bo", "shop")} == {"audit"}
    for name, in ask(server, own):  # what is listed can be asked, and has the columns that it is listed with
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            described = connection.execute(f"select * from lode.{name} limit 0").description
        assert [(c.name, c.type_code) for c in described] == ask(
            server, f"select attname, atttypid::int from pg_attribute where attrelid = 'lode.{name}'::regclass and attnum > 0 order by attnum")
    assert ask(server, "select count(*) from pg_catalog.pg_class where relname = 'order'", "bo") == [(0,)]
    assert ask(server, "select count(*) from pg_catalog.pg_attribute where attname = 'id' and attnum > 0", "bo", "shop") == [(0,)]


def test_between_zones_there_are_products_only(server: Server) -> None:
    assert len(ask(server, "select * from shop.egress.sales", "fred")) == 2
    denied(server, "select * from shop.analytical.sales", "fred")


def test_a_zone_of_which_one_sees_nothing_is_no_database(server: Server) -> None:
    for database in ("shop", "no_such_zone"):
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            ask(server, "select 1", "nobody", database)


def test_grants_and_revocations_hold_from_the_next_statement(tmp_path: Path) -> None:
    project = shop(tmp_path)
    with serving(project) as server, psycopg.connect(server.dsn("bo"), autocommit=True) as connection:
        sql = "select count(*) from shop.analytical.sales"
        assert connection.execute(sql).fetchone() == (2,)
        project.write("zones/shop/access.yml", "rules: []\n")
        project.lode("apply")
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute(sql)
        project.write("zones/shop/access.yml", "rules:\n- who: bo\n  on: [canonical.order]\n")
        project.lode("apply")
        assert connection.execute("select count(*) from shop.canonical.order").fetchone() == (3,)
        project.write("zones/shop/access.yml", "rules:\n- who: bo\n  on: [canonical.order]\n  columns: all except [nix]\n")
        assert project.lode("apply", check=False).exit == 1
        with pytest.raises(psycopg.errors.UndefinedTable) as raised:  # the rule does not fit, so it gives nothing, a hint neither
            connection.execute("select count(*) from shop.canonical.order")
        assert "did you mean" not in str(raised.value)
        listed = "select object, whole from lode.access where principal = 'bo'"
        assert connection.execute(listed).fetchall() == ask(server, listed) == []
        project.write("zones/shop/access.yml", "rules:\n- who: bo\n  on: [canonical.order]\n")
        project.lode("apply")
        assert connection.execute(listed).fetchall() == ask(server, listed) == [("shop.canonical.order", True)]
        project.lode("user", "set", "bo", "--lock")
        with pytest.raises(psycopg.Error, match="withdrawn"):
            connection.execute("select count(*) from shop.canonical.order")
        with pytest.raises(psycopg.OperationalError, match="no such user"):
            psycopg.connect(server.dsn("bo"))


def test_a_damaged_store_tells_its_paths_to_administrators_only(tmp_path: Path) -> None:
    project = shop(tmp_path)
    with serving(project) as server:
        (project.store / "tables").rename(project.store / "elsewhere")
        for user, told in (("bo", False), ("ann", True)):
            with pytest.raises(psycopg.Error) as raised:
                ask(server, "select * from shop.analytical.sales", user)
            assert raised.value.sqlstate == "XX001"
            assert (str(project.store) in str(raised.value)) == told
        (project.store / "elsewhere").rename(project.store / "tables")
        assert len(ask(server, "select * from shop.analytical.sales", "bo")) == 2


# ---- logins ----

@pytest.mark.parametrize("user, password", [("ann", "wrong"), ("nobody_at_all", PASSWORD), ("ann", ""), ("", PASSWORD)])
def test_who_does_not_know_the_password_gets_one_answer(server: Server, user: str, password: str) -> None:
    with pytest.raises(psycopg.OperationalError) as raised:
        psycopg.connect(host="127.0.0.1", port=server.port, user=user or "x y", password=password or "x", dbname="lode")
    assert "the password is wrong, or there is no such user" in str(raised.value)


def test_a_token_is_a_login_until_it_is_withdrawn(server: Server) -> None:
    token = server.project.json("token", "add", "nightly", "--for", "bo", "--expires", "30d")["token"]
    assert ask(server, "select current_user", user="bo") == [("bo",)]
    with psycopg.connect(host="127.0.0.1", port=server.port, user="token", password=token, dbname="lode") as connection:
        assert connection.execute("select session_user").fetchone() == ("bo",)
        server.project.lode("token", "remove", "nightly")
        with pytest.raises(psycopg.OperationalError, match="withdrawn"):  # who is in by it is out with the next statement
            connection.execute("select 1")
    with pytest.raises(psycopg.OperationalError, match="token"):
        psycopg.connect(host="127.0.0.1", port=server.port, user="token", password=token, dbname="lode")


def test_off_loopback_everything_is_encrypted_and_the_login_is_bound_to_it(tmp_path: Path) -> None:
    project = shop(tmp_path)
    process = subprocess.Popen([LODE, "serve", "--pg", "0.0.0.0:0", "--http", "off"], cwd=project.root, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    try:
        port = int(process.stderr.readline().rsplit(":", 1)[1])
        common = {"host": "127.0.0.1", "port": port, "user": "ann", "password": PASSWORD, "dbname": "lode"}
        with pytest.raises(psycopg.OperationalError, match="encrypted"):
            psycopg.connect(**common, sslmode="disable")
        authority = project.store / "tls" / "ca.pem"
        with psycopg.connect(**common, sslmode="verify-full", sslrootcert=str(authority), channel_binding="require") as connection:
            assert connection.execute("select 1").fetchone() == (1,)
            assert connection.pgconn.ssl_in_use
        assert (project.store / "tls" / "server.key").stat().st_mode & 0o777 == 0o600
        with pytest.raises(psycopg.OperationalError, match="certificate"):
            psycopg.connect(**common, sslmode="verify-ca", sslrootcert="/etc/ssl/certs/ca-certificates.crt")
    finally:
        process.kill()
        process.wait()


def test_everybody_changes_only_their_own_password(tmp_path: Path) -> None:
    project = shop(tmp_path)
    with serving(project) as server:
        with psycopg.connect(server.dsn("bo"), autocommit=True) as connection:
            connection.pgconn.change_password(b"bo", "another one".encode())
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("alter user ann password 'SCRAM-SHA-256$4096:AAAA$AAAA:AAAA'")
            empty = connection.pgconn.encrypt_password(b"", b"bo", b"scram-sha-256").decode()
            for nothing in ("", empty):
                with pytest.raises(psycopg.Error, match="password"):
                    connection.execute(f"alter user bo password '{nothing}'")
        assert ask(server, "select 1", "ann") == [(1,)]
        with psycopg.connect(server.dsn("bo", password="another one")) as connection:
            assert connection.execute("select 1").fetchone() == (1,)


def test_a_statement_too_large_is_told_as_such(server: Server) -> None:
    values = ",".join(f"'text {i}'" for i in range(100000))
    with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="the statement is too large: its syntax tree is over 8388544 bytes"):
        ask(server, f"select 1 where 'x' in ({values})")


def test_a_pattern_of_similar_to_is_written_out(server: Server) -> None:
    assert ask(server, "select region from shop.analytical.sales where region similar to '(E|X)_'") == [("EU",)]
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        assert connection.execute("select 'abc' similar to %s", ("a%",)).fetchone() == (True,)
        for pattern in ("region", "'a' escape region", "'a' escape '##'", "'a\\'"):
            with pytest.raises(psycopg.Error, match="SIMILAR TO takes a pattern that is written out"):
                connection.execute(f"select region similar to {pattern} from shop.analytical.sales")


def test_quarantine_is_read_in_its_zones_own_database(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.drop("shop", "orders_2.csv", "id,region,amount\n4,EU,1\n5,EU,1\nx,EU,1\n")
    project.lode("run")
    with serving(project) as server:
        for database in ("lode", "shop"):
            assert ask(server, "select zone, source from lode.quarantine", "ann", database) == [("shop", "orders")]


# ---- what ends, and what goes on ----

LONG = "select count(*) from range(100000000000) t(i) where i % 7 = 3"


def test_cancel_ends_the_statement_and_not_the_session(server: Server) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        threading.Timer(0.3, connection.cancel_safe).start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute(LONG)
        assert connection.execute("values (1)").fetchone() == (1,)


def test_statement_timeout(server: Server) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("set statement_timeout = 300")
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute(LONG)
        connection.execute("reset statement_timeout")
        assert connection.execute("values (1)").fetchone() == (1,)


# The engine answers what is constant while it plans.
LONG_PLAN = "select list_sum(list_transform(range(40000000), lambda x: (x * x) % 7 + (x * 3) % 11))"


@pytest.mark.parametrize("prepare", [False, True], ids=["simple", "extended"])
def test_statement_timeout_counts_what_is_planned(server: Server, prepare: bool) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("set statement_timeout = 300")
        began = time.monotonic()
        with pytest.raises(psycopg.errors.QueryCanceled):
            if prepare:
                connection.execute(LONG_PLAN, prepare=True)
            else:
                connection.pgconn.exec_(b"select 1")
                result = connection.pgconn.exec_(LONG_PLAN.encode())
                raise psycopg.errors.lookup((result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) or b"").decode())
        assert time.monotonic() - began < 3
        assert connection.execute("select 1").fetchone() == (1,)


def test_statements_of_one_text_have_each_their_time(server: Server) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("set statement_timeout = '1500ms'")
        connection.pgconn.exec_(b"select pg_sleep(0.9); select pg_sleep(0.9); select pg_sleep(0.9)")
        assert connection.execute("values (1)").fetchone() == (1,)
        connection.pgconn.exec_(b"select pg_sleep(0.9); select pg_sleep(9)")
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("select pg_sleep(0.9), pg_sleep(0.9)")


def workers_of(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for file in children for child in file.read_text().split()]


def busiest(process: int) -> int:
    return max(workers_of(process), key=lambda child: int(Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[11]))


def test_a_killed_worker_costs_its_statement_and_nothing_else(server: Server) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as victim, psycopg.connect(server.dsn("bo"), autocommit=True) as other:
        failed: list[str] = []

        def run() -> None:
            try:
                victim.execute(LONG)
            except psycopg.Error as error:
                failed.append(str(error))

        thread = threading.Thread(target=run)
        thread.start()
        time.sleep(1)
        os.kill(busiest(server.process.pid), signal.SIGKILL)
        thread.join(timeout=30)
        assert failed and "worker" in failed[0]
        assert victim.execute("values (1)").fetchone() == (1,)
        assert other.execute("select count(*) from shop.analytical.sales").fetchone() == (2,)


def test_a_client_that_hangs_up_ends_what_it_asked_for(server: Server) -> None:
    before = len(workers_of(server.process.pid))
    connection = psycopg.connect(server.dsn(), autocommit=True)
    connection.pgconn.send_query(LONG.encode())
    connection.pgconn.flush()
    time.sleep(0.5)
    connection.close()
    for _ in range(100):
        time.sleep(0.1)
        stats = [Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split() for child in workers_of(server.process.pid)]
        if not any(stat[0] == "R" for stat in stats):
            break
    else:
        pytest.fail("a worker still runs for a client that is gone")
    assert len(workers_of(server.process.pid)) <= before + 1


def test_a_transaction_sees_one_commit(tmp_path: Path) -> None:
    project = shop(tmp_path)
    with serving(project) as server, psycopg.connect(server.dsn()) as connection:
        sql = "select count(*) from shop.staging.orders"
        assert connection.execute(sql).fetchone() == (3,)
        project.drop("shop", "orders_2.csv", "id,region,amount\n9,EU,9.00\n")
        project.lode("run")
        assert connection.execute(sql).fetchone() == (3,)
        connection.commit()
        assert connection.execute(sql).fetchone() == (4,)
        connection.commit()
        before = next(commit["commit"] for commit in project.json("log")[1:]
                      if any(change["kind"] == "table" for change in commit["changes"])
                      and connection.execute(f"set lode.as_of = '{commit['commit']}'") and connection.execute(sql).fetchone() == (3,))
        assert before


def test_idle_cursors_leave_workers_for_others(server: Server) -> None:
    sessions = [psycopg.connect(server.dsn()) for _ in range(14)]
    refused = 0
    for session in sessions:
        session.execute("declare c cursor for select * from range(10000000)")
        try:
            session.execute("fetch 1 from c")
        except psycopg.errors.TooManyConnections:
            refused += 1
    assert refused == 6
    assert ask(server, "select 1", "bo") == [(1,)]
    for session in sessions:
        session.close()
    for _ in range(50):
        try:
            with psycopg.connect(server.dsn()) as again:
                again.execute("declare c cursor for select 1")
                assert again.execute("fetch 1 from c").fetchall() == [(1,)]
            return
        except psycopg.errors.TooManyConnections:
            time.sleep(0.1)
    pytest.fail("closed sessions hold their workers still")


def test_results_stream_in_flat_memory(server: Server) -> None:
    def resident() -> int:
        return int(next(line for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines() if line.startswith("VmRSS")).split()[1])

    before = resident()
    with psycopg.connect(server.dsn()) as connection, connection.cursor() as cursor:
        rows = 0
        with cursor.copy("copy (select i, repeat('x', 100) from range(2000000) t(i)) to stdout") as copy:
            for block in copy:
                rows += bytes(block).count(b"\n")
        assert rows == 2000000
    assert resident() - before < 30_000


def test_sigterm_drains_and_tells_who_waits(tmp_path: Path) -> None:
    with serving(shop(tmp_path)) as server:
        idle = psycopg.connect(server.dsn(), autocommit=True)
        busy = psycopg.connect(server.dsn(), autocommit=True)
        answer: list[Any] = []
        thread = threading.Thread(target=lambda: answer.append(busy.execute("select pg_sleep(2)").fetchone()))
        thread.start()
        time.sleep(0.5)
        assert server.stop() == 0
        thread.join(timeout=30)
        assert answer == [("",)]
        with pytest.raises(psycopg.errors.AdminShutdown):
            idle.execute("select 1")


def test_a_second_server_works_beside_the_first(server: Server) -> None:
    with serving(server.project) as second:
        assert ask(second, "select count(*) from shop.canonical.order") == ask(server, "select count(*) from shop.canonical.order")


@needs_psql
def test_the_lines_that_show_connect_prints_connect(server: Server) -> None:
    with serving(server.project) as own:  # the newest server of a store is the one that is told of
        lines = own.project.json("show", "connect", "bo")
        assert set(lines) == {"psql", "python", "jdbc", "dbeaver", "power bi", "excel", "curl", "ca"}
        done = subprocess.run(["sh", "-c", f"{lines['psql']} -XAtc 'select current_database()'"], capture_output=True, text=True,
                              check=False, timeout=60, env={**os.environ, "PGPASSWORD": PASSWORD})
        assert done.stdout == "shop\n", done.stderr
    assert server.project.error("show", "connect", "nobody_at_all")["code"] == "E108"


def test_logins_and_reads_are_in_the_audit_log(server: Server) -> None:
    ask(server, "select count(*) from shop.analytical.sales where region = 'EU'", "bo")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.dsn("bo", password="wrong"))
    time.sleep(1.5)
    lines = "".join(path.read_text() for path in (server.project.store / "audit").glob("*server-*"))
    assert '"action":"login"' in lines and '"principal":"bo"' in lines
    assert '"shop.analytical.sales"' in lines
    assert '"decision":"deny"' in lines


# ---- what breaks in ----

def test_an_execute_of_itself_costs_its_statement_and_nothing_else(server: Server) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("prepare one as select 1")
        connection.execute("prepare two as execute one")
        connection.execute("deallocate one")
        connection.execute("prepare one as execute two")
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="is an EXECUTE itself"):
            connection.execute("execute one")
        assert connection.execute("select 7").fetchall() == [(7,)]
    assert ask(server, "select 8") == [(8,)]


@pytest.mark.parametrize("sql", ["select * from shop.analytical.sales", "select 1", "select 1, 2, 3"])
def test_explain_tells_of_questions_with_any_number_of_columns(server: Server, sql: str) -> None:
    plan = [line for line, in ask(server, f"explain {sql}")]
    assert plan[-1].startswith("in all ")
    assert ("shop.analytical.sales" in plan[0]) == ("shop.analytical.sales" in sql)


def test_explain_of_a_view_does_not_name_what_only_its_zone_reads(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.write("zones/shop/analytical/seen.sql", "-- kind: view\nselect region, amount from staging.orders\n")
    project.lode("run")
    with serving(project) as server:
        plan = {user: [line for line, in ask(server, "explain select * from shop.analytical.seen", user)] for user in ("ann", "bo")}
    assert any("shop.staging.orders" in line for line in plan["ann"])
    assert [line.split(":")[0] for line in plan["bo"]] == ["read shop.analytical.seen"]


@pytest.mark.parametrize("word", ["insert into x values (1)", "create table x as select 1", "drop table x", "attach 'x'"])
def test_a_refused_statement_is_called_by_its_word(server: Server, word: str) -> None:
    with pytest.raises(psycopg.Error, match=rf"^{word.split()[0]} is not allowed"):
        ask(server, word)


def test_a_table_of_other_columns_is_not_read_by_an_old_description(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    model = "zones/shop/analytical/pair.sql"
    project.write(model, "select 7 as a, 'x' as b, 1 as c, 2 as d\n")
    project.lode("run")
    add_user(project, "ann", "--role", "admin")
    with serving(project) as server, psycopg.connect(server.dsn(), autocommit=True, prepare_threshold=0) as connection:
        types, names = "select a, b from shop.analytical.pair", "select * exclude (a, b) from shop.analytical.pair where c < %s"
        assert connection.execute(types, binary=True).fetchall() == [(7, "x")]
        assert connection.execute(names, [9]).fetchall() == [(1, 2)]
        project.write(model, "select 'seven hundred' as a, 8 as b, 2 as d, 1 as c\n")
        project.lode("run")
        for sql, values in ((types, []), (names, [9])):
            with pytest.raises(psycopg.errors.FeatureNotSupported, match="cached plan must not change result type"):
                connection.execute(sql, values, binary=True)
        connection.execute("deallocate all")
        connection.prepare_threshold = None
        assert connection.execute(types, binary=True).fetchall() == [("seven hundred", 8)]


def test_a_setting_that_is_put_back_does_not_end_what_a_transaction_sees(tmp_path: Path) -> None:
    project = shop(tmp_path)
    with serving(project) as server, psycopg.connect(server.dsn(), autocommit=True) as connection:
        count = "select count(*) from shop.staging.orders"
        connection.execute("begin")
        assert connection.execute(count).fetchall() == [(3,)]
        project.drop("shop", "orders_2.csv", "id,region,amount\n4,EU,1.00\n")
        project.lode("run")
        for setting in ("reset statement_timeout", "reset all", "set lode.as_of = ''", "set application_name = 'x'"):
            connection.execute(setting)
            assert connection.execute(count).fetchall() == [(3,)], setting
        connection.execute("commit")
        assert connection.execute(count).fetchall() == [(4,)]


def test_a_cursor_with_hold_outlives_what_fails_after_its_transaction(server: Server) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("declare held cursor with hold for select range from range(5)")
        with pytest.raises(psycopg.Error):
            connection.execute("select nonsense")
        assert connection.execute("fetch 2 from held").fetchall() == [(0,), (1,)]
        with pytest.raises(psycopg.Error):
            connection.execute("select nonsense")
        assert connection.execute("fetch 1 from held").fetchall() == [(2,)]
        connection.execute("begin")
        connection.execute("declare gone cursor with hold for select range from range(5)")
        connection.execute("fetch 1 from gone")
        connection.execute("rollback")
        with pytest.raises(psycopg.errors.InvalidCursorName):
            connection.execute("fetch 1 from gone")


def test_a_cursor_gives_no_rows_of_what_is_no_longer_granted(tmp_path: Path) -> None:
    project = shop(tmp_path)
    with serving(project) as server, psycopg.connect(server.dsn("bo"), autocommit=True) as connection:
        connection.execute("begin")
        connection.execute("declare sales cursor for select * from shop.analytical.sales, range(100000)")
        connection.execute("declare free cursor for select range from range(100000)")
        assert len(connection.execute("fetch 2 from sales").fetchall()) == len(connection.execute("fetch 2 from free").fetchall()) == 2
        project.write("zones/shop/access.yml", "rules: []\n")
        project.lode("apply")
        assert len(connection.execute("fetch 2 from free").fetchall()) == 2
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("fetch 2 from sales")
        connection.execute("rollback")
        connection.execute("declare free cursor with hold for select range from range(100000)")
        assert len(connection.execute("fetch 2 from free").fetchall()) == 2
        project.lode("user", "set", "bo", "--lock")
        with pytest.raises(psycopg.Error, match="withdrawn"):
            connection.execute("fetch 2 from free")
