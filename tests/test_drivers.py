# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL's own programs and the drivers of Python, unmodified, at `lode serve`. Those of other languages are in
test_clients.py, some first questions in test_serve.py."""

import asyncio
import datetime
import io
import os
import re
import signal
import subprocess
import time
from decimal import Decimal
from pathlib import Path
from typing import Any, Iterator

import adbc_driver_postgresql.dbapi as adbc
import asyncpg
import psycopg
import psycopg2
import psycopg2.extras
import pyarrow
import pytest
import sqlalchemy
from postgres import PROGRAMS
from server import PASSWORD, Server, serving
from test_serve import ORDERS, shop

needs_programs = pytest.mark.skipif(not (PROGRAMS / "pgbench").exists(), reason=f"PostgreSQL 15 is not installed ({PROGRAMS})")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(shop(tmp_path_factory.mktemp("drivers"))) as running:
        yield running


# ---- psql ----

def psql(server: Server, script: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAMS / "psql", "-X", "-h", "127.0.0.1", "-p", str(server.port), "-U", "ann", "-d", "shop", "-f", "-", *options],
                          env={**os.environ, "PGPASSWORD": PASSWORD}, input=script, capture_output=True, text=True, timeout=120)


# Every command of psql's that looks something up, bare, with all that there is, and with what there is.
DESCRIBES = r"""\l \l+ \d \d+ \dn \dn+ \dt \dt+ \dv \dv+ \dm \di \di+ \ds \dE \df \da \do \dT \dT+ \dC \dC+ \dD \dc \dO \du \du+ \dg \dx \dx+ \db \db+ \dp \z \ddp
\drds \dL \dL+ \dF \dF+ \dFp \dFd \dFt \des \dew \det \deu \dP \dX \dy \dRp \dRp+ \dRs \dconfig \dA \dA+ \dAc \dAf \dAo \dAp \dl \dd \conninfo \encoding""".split()
OF_A_TABLE = r"""\d canonical.order
\d+ canonical.order
\dt+ canonical.*
\dp canonical.*
\df pg_catalog.lower
\dt+ lode.*
\d lode.deliveries
\dT+ pg_catalog.int4
\dconfig server_version
\sv+ pg_catalog.pg_tables""".splitlines()[:-1]


@needs_programs
def test_psql_describes(server: Server) -> None:
    done = psql(server, "\n".join([*DESCRIBES, *OF_A_TABLE]))
    wrong = [line for line in done.stderr.splitlines() if "Did not find any" not in line]
    assert wrong == []
    assert "one row an order" in done.stdout  # `about`, as \dt+ has it
    assert re.search(r"amount +\| numeric\(9,2\)", done.stdout)
    assert re.search(r"^ canonical +\| order +\| table", done.stdout, re.MULTILINE)
    assert re.search(r"^ lode +\| deliveries +\| table", done.stdout, re.MULTILINE)
    assert re.search(r"^ landed_at +\| timestamp with time zone", done.stdout, re.MULTILINE)
    listed = psql(server, r"\dt", "-At").stdout
    assert "order" in listed and "deliveries" not in listed  # without its schema: what is one's own


@needs_programs
def test_psql_prints_and_copies(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    done = psql(server, rf"""
\copy (select * from canonical.order order by id) to '{file}' csv header
\copy canonical.order (id, region) to stdout
copy (select id, null, E'a\tb' from canonical.order where id = 1) to stdout;
select 1 as a, 'x' as b, amount from canonical.order \gdesc
select region, id % 2 as odd, count(*) as n from canonical.order group by all order by all \crosstabview
select count(*) as orders from canonical.order \gset shop_
\echo :shop_orders
select 'select ''' || region || '''' from canonical.order where id = 2 \gexec
\x on
select id from canonical.order where id = 1 \g
\x off
\timing on
select 1 as timed;
\set FETCH_COUNT 2
select i from range(5) t(i);
\unset FETCH_COUNT
prepare p (int) as select $1 + 1 as next; execute p(41);
""", "-At", "-v", "ON_ERROR_STOP=1")
    assert done.returncode == 0, done.stderr
    assert file.read_text() == ORDERS
    lines = done.stdout.splitlines()
    assert lines[:3] == ["COPY 3", "1\tEU", "2\tUS"] or lines[:2] == ["1\tEU", "2\tUS"], lines
    for wanted in ("1\t\\N\ta\\tb", "a|integer", "b|text", "amount|numeric(9,2)", "EU|2|", "US||1", "3", "US", "id|1", "4", "42"):
        assert wanted in lines, wanted
    assert any(line.startswith("Time: ") for line in lines)


@needs_programs
def test_psql_tells_what_went_wrong_and_where(server: Server) -> None:
    done = psql(server, "select\n  nope from canonical.order;\n\\errverbose\nbegin;\nselect 1/x;\nselect 1;\nrollback;\n\\copy canonical.order from '/dev/null'\n"
                        "\\set ON_ERROR_ROLLBACK on\nbegin;\nselect nope;\nselect 42;\ncommit;\n", "-At")
    assert "LINE 2:   nope from canonical.order;\n          ^" in done.stderr
    assert "ERROR:  42703" in done.stderr
    assert "COPY FROM is not allowed" in done.stderr
    assert done.stdout.splitlines()[-2:] == ["42", "COMMIT"]


@needs_programs
def test_psql_watches_and_is_interrupted(server: Server) -> None:
    process = subprocess.Popen([PROGRAMS / "psql", "-XAt", "-h", "127.0.0.1", "-p", str(server.port), "-U", "ann", "-d", "shop"], text=True,
                               env={**os.environ, "PGPASSWORD": PASSWORD}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        process.stdin.write("select 'seen' \\watch 0.1\n")
        process.stdin.flush()
        assert [process.stdout.readline() for _ in range(6)].count("seen\n") >= 2
    finally:
        process.kill()
        process.communicate()
    process = subprocess.Popen([PROGRAMS / "psql", "-XAt", "-h", "127.0.0.1", "-p", str(server.port), "-U", "ann", "-d", "shop", "-c", "select pg_sleep(60)"],
                               env={**os.environ, "PGPASSWORD": PASSWORD}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    begun = time.monotonic()
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    assert "canceling statement due to user request" in process.communicate(timeout=30)[1]
    assert time.monotonic() - begun < 30


# ---- pgbench ----

@needs_programs
@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_pgbench(server: Server, tmp_path: Path, mode: str) -> None:
    script = tmp_path / "reads.sql"
    script.write_text("\\set id random(1, 3)\nselect region, amount from canonical.order where id = :id;\nbegin;\nselect count(*) from analytical.sales;\nend;\n")
    done = subprocess.run([PROGRAMS / "pgbench", "-n", "-M", mode, "-c", "3", "-j", "2", "-t", "20", "-f", script, "-h", "127.0.0.1", "-p", str(server.port),
                           "-U", "ann", "shop"], env={**os.environ, "PGPASSWORD": PASSWORD}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "number of transactions actually processed: 60/60" in done.stdout
    assert "number of failed transactions: 0 " in done.stdout


# ---- psycopg 3 ----

def test_psycopg_pipelines(server: Server) -> None:
    with psycopg.connect(server.dsn(database="shop"), autocommit=True) as connection:
        with connection.pipeline():
            cursors = [connection.execute("select %s::int * 2", (i,)) for i in range(50)]
        assert [cursor.fetchone() for cursor in cursors] == [(i * 2,) for i in range(50)]
        with pytest.raises(psycopg.errors.UndefinedColumn), connection.pipeline():
            connection.execute("select 1")
            connection.execute("select nope")
            connection.execute("select 2")
        assert connection.execute("select 3").fetchone() == (3,)


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_psycopg_reads_by_server_cursor_and_copy(server: Server, binary: bool) -> None:
    with psycopg.connect(server.dsn(database="shop")) as connection:
        with connection.cursor("named", binary=binary) as cursor:
            cursor.itersize = 100
            cursor.execute("select i, i::text from range(1000) t(i) where i >= %s", (10,))
            assert [row[0] for row in cursor] == list(range(10, 1000))
        with connection.cursor("held", withhold=True, binary=binary) as cursor:
            cursor.execute("select id, region, amount from canonical.order order by id")
            connection.commit()
            assert cursor.fetchmany(2) == [(1, "EU", Decimal("1.50")), (2, "US", Decimal("2.25"))]
        with connection.cursor() as cursor, cursor.copy(f"copy (select id, region, amount from canonical.order order by id) to stdout (format {'binary' if binary else 'text'})") as copy:
            copy.set_types(["int4", "text", "numeric"])
            assert list(copy.rows())[2] == (3, "EU", Decimal("3.00"))


def test_psycopg_prepares_nests_and_is_cancelled(server: Server) -> None:
    with psycopg.connect(server.dsn(database="shop")) as connection:
        for i in range(8):  # named from the sixth on
            assert connection.execute("select region from canonical.order where id = %s", (i % 3 + 1,)).fetchone() is not None
        with pytest.raises(psycopg.errors.UndefinedTable), connection.transaction():
            connection.execute("select * from canonical.nothing")
        assert connection.execute("select 1").fetchone() == (1,)
        connection.rollback()
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        assert connection.execute("show transaction_isolation").fetchone() == ("serializable",)
        connection.rollback()
        timer = asyncio.new_event_loop()
        timer.run_in_executor(None, lambda: (time.sleep(0.5), connection.cancel_safe()))
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("select pg_sleep(60)")
        timer.run_until_complete(timer.shutdown_default_executor())
        timer.close()
        connection.rollback()
        assert connection.execute("select 1").fetchone() == (1,)


# ---- psycopg 2 ----

def test_psycopg2_gets_back_what_it_quotes(server: Server) -> None:
    connection = psycopg2.connect(server.dsn(database="shop"), cursor_factory=psycopg2.extras.RealDictCursor)
    connection.set_session(isolation_level="SERIALIZABLE", readonly=True)
    values: dict[str, Any] = {"int": 7, "text": "é'\"\\", "none": None, "yes": True, "numeric": Decimal("-12345.6789"), "date": datetime.date(2026, 11, 26),
                              "span": datetime.timedelta(days=-3, seconds=4), "list": [1, 2, 3], "words": ["a", "b,c"],
                              "when": datetime.datetime(2026, 11, 26, 1, 2, 3, 4, tzinfo=datetime.timezone.utc)}
    with connection.cursor() as cursor:
        cursor.execute("select " + ", ".join(f"%({name})s as {name}" for name in values if name != "when") + ", %(when)s::timestamptz as when", values)
        assert dict(cursor.fetchone()) == values
        cursor.execute("select %s::bytea as b", (psycopg2.Binary(b"\0\xff\\"),))
        assert bytes(cursor.fetchone()["b"]) == b"\0\xff\\"
        out = io.StringIO()
        cursor.copy_expert("copy canonical.order to stdout with csv header", out)
        assert sorted(out.getvalue().splitlines()) == sorted(ORDERS.splitlines())
    with connection.cursor("scrolled", withhold=True) as cursor:
        cursor.execute("select id from canonical.order order by id")
        connection.commit()
        assert [row["id"] for row in cursor.fetchmany(2)] == [1, 2]
    connection.close()


# ---- asyncpg ----

def test_asyncpg_pools_copies_and_gives_up(server: Server) -> None:
    async def run() -> None:
        async with asyncpg.create_pool(server.dsn(database="shop"), min_size=2, max_size=4) as pool:
            assert await asyncio.gather(*(pool.fetchval("select $1::int * 2", i) for i in range(30))) == [i * 2 for i in range(30)]
            async with pool.acquire() as connection:
                out = io.BytesIO()
                assert await connection.copy_from_query("select id, region from canonical.order where id < $1 order by id", 3, output=out, format="csv") == "COPY 2"
                assert out.getvalue() == b"1,EU\n2,US\n"
                with pytest.raises(asyncio.TimeoutError):
                    await connection.fetchval("select pg_sleep(60)", timeout=0.5)
                assert await connection.fetchval("select 1") == 1
                async with connection.transaction(isolation="serializable", readonly=True):
                    with pytest.raises(asyncpg.UndefinedColumnError):
                        async with connection.transaction():
                            await connection.fetch("select nope")
                    assert await connection.fetchval("select count(*) from canonical.order") == 3
                statement = await connection.prepare("select id, amount from canonical.order where region = any($1::text[])")
                assert [attribute.type.name for attribute in statement.get_attributes()] == ["int4", "numeric"]
                assert len(await statement.fetch(["EU", "nowhere"])) == 2

    asyncio.run(run())


# ---- SQLAlchemy, pandas' way ----

@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg", "pg8000"])
def test_sqlalchemy_reflects(server: Server, driver: str) -> None:
    url = server.dsn(database="shop").replace("postgresql://", f"postgresql+{driver}://")

    def look(connection: sqlalchemy.Connection) -> None:
        inspector = sqlalchemy.inspect(connection)
        assert set(inspector.get_schema_names()) >= {"canonical", "analytical", "egress", "staging"}
        assert inspector.get_table_names(schema="canonical") == ["order"]
        columns = inspector.get_columns("order", schema="canonical")
        assert [(column["name"], str(column["type"])) for column in columns] == [("id", "INTEGER"), ("region", "VARCHAR"), ("amount", "NUMERIC(9, 2)")]
        assert inspector.get_pk_constraint("order", schema="canonical")["constrained_columns"] == []
        assert inspector.get_foreign_keys("order", schema="canonical") == [] == inspector.get_indexes("order", schema="canonical")
        assert inspector.get_table_comment("order", schema="canonical") == {"text": "one row an order"}
        assert inspector.get_view_names(schema="canonical") == []
        orders = sqlalchemy.Table("order", sqlalchemy.MetaData(), autoload_with=connection, schema="canonical")
        found = connection.execute(sqlalchemy.select(orders.c.id, orders.c.amount).where(orders.c.region == "EU").order_by(orders.c.id)).all()
        assert [tuple(row) for row in found] == [(1, Decimal("1.50")), (3, Decimal("3.00"))]

    async def look_async() -> None:
        from sqlalchemy.ext.asyncio import create_async_engine

        engine = create_async_engine(url)
        async with engine.connect() as connection:
            await connection.run_sync(look)
        await engine.dispose()

    if driver == "asyncpg":
        pytest.importorskip("greenlet")
        asyncio.run(look_async())
        return
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        look(connection)
    engine.dispose()


# ---- ADBC: COPY in binary ----

def test_adbc_fetches_arrow(server: Server) -> None:
    with adbc.connect(server.dsn(database="shop"), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("select id, region, amount, 1.5::float8 as f, date '2026-11-26' as d, timestamp '2026-11-26 01:02:03' as t, true as b, null::int as n"
                       " from canonical.order order by id")
        table = cursor.fetch_arrow_table()
        assert table.column("id").to_pylist() == [1, 2, 3]
        assert table.schema.field("id").type == pyarrow.int32()
        assert table.column("amount").to_pylist() == ["1.50", "2.25", "3.00"]  # ADBC reads numeric as text
        assert table.slice(0, 1).drop_columns(["id", "amount"]).to_pylist() == [
            {"region": "EU", "f": 1.5, "d": datetime.date(2026, 11, 26), "t": datetime.datetime(2026, 11, 26, 1, 2, 3), "b": True, "n": None}]
        cursor.execute("select id from canonical.order where region = $1 and id > $2 order by id", ("EU", 1))
        assert cursor.fetchall() == [(3,)]
        objects = connection.adbc_get_objects(depth="columns", catalog_filter="shop", db_schema_filter="canonical").read_all().to_pylist()
        tables = objects[0]["catalog_db_schemas"][0]["db_schema_tables"]
        assert [(table["table_name"], {column["column_name"] for column in table["table_columns"]}) for table in tables] == [("order", {"id", "region", "amount"})]
        assert connection.adbc_get_table_schema("order", db_schema_filter="canonical").names == ["id", "region", "amount"]
