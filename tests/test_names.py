# SPDX-License-Identifier: Apache-2.0
"""Names and settings as a client of PostgreSQL has them: databases, schemas, search path, case, the past, time zones."""

import datetime
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import postgres
import psycopg
import pytest
from conftest import Project, make_project
from postgres import Postgres
from server import PASSWORD, Server, add_user, serving

ORDERS = "id,region,amount\n1,EU,1.50\n2,US,2.25\n"


def shop(folder: Path) -> Project:
    """Two zones; finance publishes to shop. bo is an analyst of shop, ann an administrator."""
    project = make_project(folder)
    project.write("zones/shop/zone.yml", "owner: oz\nmembers: [role analyst]\npurpose: orders\n")
    project.write("zones/shop/sources/orders.yml", "from: ingress/orders*.csv\nformat: csv\ncolumns:\n"
                  "  id: int\n  region: text\n  amount: decimal(9,2)\n")
    project.write("zones/shop/canonical/order.sql", "-- about: One row an order.\n-- key: id\nselect id, region, amount from staging.orders\n")
    project.write("zones/shop/canonical/twin.sql", "select 'canonical' as place\n")
    project.write("zones/shop/analytical/twin.sql", "select 'analytical' as place\n")
    project.write("zones/shop/analytical/sales.sql", "select region, sum(amount) as amount from canonical.order group by region\n")
    project.write("zones/shop/analytical/v.sql", "-- kind: view\nselect count(*) as n from canonical.order\n")
    project.write("zones/shop/access.yml", "rules:\n- who: [role analyst]\n  on: [analytical.*]\n")
    project.write("zones/finance/zone.yml", "owner: fin\nmembers: [fred]\npurpose: money\n")
    project.write("zones/finance/analytical/rate.sql", "select 'EUR' as code, 1.25 as rate\n")
    project.write("zones/finance/egress/rates.sql", "-- version: 1\nselect code, rate from analytical.rate\n")
    project.write("zones/finance/access.yml", "rules:\n- who: [zone shop]\n  on: [egress.*]\n")
    project.drop("shop", "orders_1.csv", ORDERS)
    project.lode("run")
    project.lode("role", "add", "analyst")
    add_user(project, "ann", "--role", "admin")
    add_user(project, "bo", "--role", "analyst")
    add_user(project, "oz")
    return project


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(shop(tmp_path_factory.mktemp("names"))) as running:
        yield running


@pytest.fixture(scope="module")
def judge() -> Iterator[Postgres]:
    with postgres.running() as running:
        yield running


def connect(server: Server, database: str = "shop", user: str = "ann", **options: Any) -> psycopg.Connection:
    return psycopg.connect(server.dsn(user, database), autocommit=True, **options)


def ask(server: Server, sql: str, database: str = "shop", user: str = "ann", **options: Any) -> list[tuple[Any, ...]]:
    with connect(server, database, user, **options) as connection:
        for before in sql.split(";")[:-1]:
            connection.execute(before)
        return connection.execute(sql.split(";")[-1]).fetchall()


def refusal(server: Server, sql: str, database: str = "shop", user: str = "ann") -> tuple[str, str]:
    with pytest.raises(psycopg.Error) as caught:
        ask(server, sql, database, user)
    return caught.value.sqlstate, caught.value.diag.message_primary


# ---- databases and schemas ----

@pytest.mark.parametrize(("database", "name"), [
    ("shop", "canonical.order"), ("shop", "shop.canonical.order"), ("lode", "shop.canonical.order"), ("lode", '"shop.canonical".order'),
    ("postgres", "shop.canonical.order"), ("finance", "shop.canonical.order"), ("lode", 'lode."shop.canonical".order'),
    ("ann", "shop.canonical.order"), ("ann", 'lode."shop.canonical".order'),
])
def test_a_table_has_the_same_name_everywhere(server: Server, database: str, name: str) -> None:
    assert ask(server, f"select count(*) from {name}", database) == [(2,)]


@pytest.mark.parametrize("name", ['"finance.egress".rates', "finance.egress.rates", 'shop."finance.egress".rates'])
def test_products_of_other_zones_are_a_schema_of_ones_own(server: Server, name: str) -> None:
    assert ask(server, f"select code from {name}", user="oz") == [("EUR",)]


def test_databases_are_zones(server: Server) -> None:
    schemas = "select nspname from pg_namespace where oid > 16383 order by 1"
    assert ask(server, "select current_database()", "shop") == [("shop",)]
    assert ask(server, schemas, "shop", "oz") == [("analytical",), ("canonical",), ("finance.egress",), ("lode",), ("quarantine",), ("staging",)]
    assert [row for row in ask(server, schemas, "lode", "oz") if row[0].startswith("finance")] == [("finance.egress",)]
    assert ask(server, "select current_database()", "ann") == [("lode",)], "a client that names none asks for its user's"
    assert ask(server, schemas, "ann") == ask(server, schemas, "lode")
    with pytest.raises(psycopg.OperationalError, match='database "nowhere" does not exist'):
        connect(server, "nowhere")


# ---- the search path ----

def test_names_are_found_along_the_search_path(server: Server) -> None:
    with connect(server) as connection:
        def one(sql: str) -> Any:
            return connection.execute(sql).fetchone()[0]

        assert one("show search_path") == '"$user", public'
        assert one("select current_schema()") == "public" and one("select current_schema") == "public"
        with pytest.raises(psycopg.errors.UndefinedTable):
            one("select place from twin")
        connection.execute("set search_path to Analytical, canonical")
        assert one("show search_path") == "analytical, canonical"
        assert one("select place from twin") == "analytical"
        assert one('select count(*) from "order"') == 2
        assert one("select count(*) from pg_class") > 0, "pg_catalog comes before all"
        assert one("select current_schema()") == "analytical"
        assert one("select array_to_string(current_schemas(true), ',')") == "pg_catalog,analytical,canonical"
        assert one("select array_to_string(current_schemas(false), ',')") == "analytical,canonical"
        assert one("select 'twin'::regclass::text") == "twin"
        assert one("select 'canonical.twin'::regclass::text") == "canonical.twin"
        assert one("select to_regclass('sales') is not null") is True
        assert one("select string_agg(relname, ',' order by relname) from pg_class where pg_table_is_visible(oid) and relkind in ('r', 'v') "
                   "and relnamespace > 16383") == "order,sales,twin,v"
        assert one("select current_setting('search_path')") == "analytical, canonical"
        connection.execute("set search_path to canonical, analytical, \"finance.egress\", nowhere")
        assert one("show search_path") == 'canonical, analytical, "finance.egress", nowhere'
        assert one("select place from twin") == "canonical"
        assert one("select code from rates") == "EUR"
        assert one("select array_to_string(current_schemas(false), ',')") == "canonical,analytical,finance.egress"
        connection.execute("set search_path to nowhere")
        assert one("select current_schema()") is None
        connection.execute("set search_path = ''")
        with pytest.raises(psycopg.errors.UndefinedTable):
            one("select place from twin")
        assert one("select set_config('search_path', 'analytical', false)") == "analytical"
        assert one("select place from twin") == "analytical"
        connection.execute("reset search_path")
        with pytest.raises(psycopg.errors.UndefinedTable):
            one("select place from twin")


def test_a_search_path_comes_with_the_connection_and_follows_transactions(server: Server) -> None:
    with connect(server, "lode", options="-c search_path=\"shop.analytical\"") as connection:
        assert connection.execute("select place from twin").fetchone() == ("analytical",)
        with pytest.raises(ZeroDivisionError), connection.transaction():
            connection.execute('set local search_path to "shop.canonical"')
            assert connection.execute("select place from twin").fetchone() == ("canonical",)
            raise ZeroDivisionError
        assert connection.execute("select place from twin").fetchone() == ("analytical",)


def test_a_search_path_grants_nothing(server: Server) -> None:
    assert refusal(server, "set search_path to canonical, analytical; select * from \"order\"", user="bo")[0] == "42P01"
    assert ask(server, "set search_path to canonical, analytical; select place from twin", user="bo") == [("analytical",)]
    assert ask(server, "set search_path to canonical, analytical; select current_schema()", user="bo") == [("analytical",)]


# ---- case ----

def test_words_without_quotes_are_lower_case(server: Server) -> None:
    with connect(server) as connection:
        cursor = connection.execute('SELECT ID, Region AS Place, Region AS "Place", SUM(Amount), COUNT(*), 1, CASE WHEN TRUE THEN 1 END '
                                    'FROM Canonical."order" GROUP BY ALL')
        assert [column.name for column in cursor.description] == ["id", "place", "Place", "sum", "count", "?column?", "case"]
        assert connection.execute("select count(*) from SHOP.CANONICAL.\"order\"").fetchone() == (2,)
    for name in ('canonical."Order"', '"Canonical"."order"', '"SHOP".canonical."order"'):
        assert refusal(server, f"select * from {name}")[0] == "42P01"


# ---- the past ----

@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str, str]]:
    """A server, the commit with two orders, and a moment when it was the newest."""
    project = shop(tmp_path_factory.mktemp("past"))
    first = project.json("log")[0]["commit"]
    moment = datetime.datetime.now(datetime.timezone.utc).isoformat()
    project.drop("shop", "orders_2.csv", "id,region,amount\n3,EU,3.00\n")
    project.write("zones/shop/canonical/new.sql", "select 1 as one\n")
    project.lode("run")
    with serving(project) as running:
        yield running, first, moment


def test_one_table_is_read_as_it_was(past: tuple[Server, str, str]) -> None:
    server, first, moment = past
    then, now = f"canonical.order AT (VERSION => '{first}')", "canonical.order"
    assert ask(server, f"select (select count(*) from {then}), (select count(*) from {now})") == [(2, 3)]
    assert ask(server, f"select count(*) from canonical.order AT (TIMESTAMP => '{moment}')") == [(2,)]
    assert ask(server, f"select count(*) from canonical.order o AT (TIMESTAMP => TIMESTAMP '{moment[:26]}')") == [(2,)]
    assert ask(server, f"select n from analytical.v AT (VERSION => '{first}')") == [(2,)], "all in a view is as it was"
    assert ask(server, "select n from analytical.v") == [(3,)]
    assert ask(server, f"set search_path to canonical; select count(*) from \"order\" AT (VERSION => '{first}')") == [(2,)]
    with connect(server) as connection:
        assert connection.execute("select count(*) from canonical.order at (version => %s)", (first,)).fetchone() == (2,)
    assert refusal(server, f"select * from canonical.new AT (VERSION => '{first}')")[0] == "42P01"
    assert refusal(server, "select * from canonical.order AT (VERSION => 'ffffffff')")[0] == "42704"
    assert refusal(server, "select * from canonical.order AT (TIMESTAMP => now())")[0] == "0A000"
    assert server.project.query(f"select count(*) as n from shop.canonical.order AT (VERSION => '{first}')") == [{"n": 2}]


def test_the_past_obeys_the_grants_of_today(past: tuple[Server, str, str]) -> None:
    server, first, _ = past
    assert refusal(server, f"select * from canonical.order AT (VERSION => '{first}')", user="bo")[0] == "42P01"
    assert refusal(server, f"set lode.as_of = '{first}'; select * from canonical.order", user="bo")[0] == "42P01"
    assert ask(server, f"select n from analytical.v AT (VERSION => '{first}')", user="bo") == [(2,)]


def test_models_read_what_there_is_when_they_are_built(past: tuple[Server, str, str], tmp_path: Path) -> None:
    project = make_project(tmp_path)
    project.write("zones/shop/zone.yml", "owner: oz\n")
    project.write("zones/shop/canonical/a.sql", "select 1 as one\n")
    project.write("zones/shop/canonical/b.sql", "select * from canonical.a AT (TIMESTAMP => '2026-01-01')\n")
    done = project.lode("check", check=False)
    assert done.exit != 0 and "AT (VERSION or TIMESTAMP) is for questions" in done.stderr


def test_a_session_reads_a_branch_or_a_moment(past: tuple[Server, str, str]) -> None:
    server, first, moment = past
    with connect(server) as connection:
        def count() -> int:
            return connection.execute("select count(*) from canonical.order").fetchone()[0]

        assert connection.execute("show lode.branch").fetchone() == ("main",) and connection.execute("show lode.as_of").fetchone() == ("",)
        connection.execute(f"set lode.as_of = '{first}'")
        assert count() == 2 and connection.execute("select current_setting('lode.as_of')").fetchone() == (first,)
        for name, value in (("lode.as_of", "ffffffff"), ("lode.as_of", "yesterday"), ("lode.branch", "nowhere")):
            with pytest.raises(psycopg.errors.InvalidParameterValue):
                connection.execute(f"set {name} = '{value}'")
        assert count() == 2, "what is refused changes nothing"
        connection.execute("reset lode.as_of")
        assert count() == 3
        with pytest.raises(ZeroDivisionError), connection.transaction():
            connection.execute(f"set lode.as_of = '{moment}'")
            assert count() == 2
            raise ZeroDivisionError
        assert count() == 3
    with connect(server, options=f"-c lode.as_of={first}") as connection:
        assert connection.execute("select count(*) from canonical.order").fetchone() == (2,)
    with pytest.raises(psycopg.OperationalError, match="invalid value"):
        connect(server, options="-c lode.branch=nowhere")


# ---- time zones ----

ZONES = ["UTC", "Europe/Berlin", "america/new_york", "Asia/Kolkata", "Asia/Kathmandu", "+02", "-5.5", "+02:00", "UTC+3", "<+03>-3", "Europe/Lisbon",
         "Africa/Monrovia", "Pacific/Apia"]
MOMENTS = "(values (timestamptz '2026-07-01 23:30:00.25+00'), ('1900-01-01 00:00+00'), ('2026-03-29 00:59:59+00'), ('infinity'))"
WITH_ZONES = [
    f"select m from {MOMENTS} v(m)",
    f"select m::text from {MOMENTS} v(m) where m > '2000-01-01'",
    f"select m::date, m::timestamp from {MOMENTS} v(m) where m < 'infinity'",
    f"select date_trunc('day', m), date_trunc('hour', m) from {MOMENTS} v(m) where m < 'infinity'",
    f"select extract(hour from m), extract(day from m), extract(dow from m) from {MOMENTS} v(m) where m < 'infinity'",
    "select '2026-07-01 12:00'::timestamptz, '2026-01-01'::timestamptz, timestamp '2026-01-01 10:00'::timestamptz",
    "select '2026-07-01 12:00-03'::timestamptz, date '2026-07-01'::timestamptz",
    "select timestamptz '2026-07-01 12:00+00' at time zone 'Asia/Tokyo', timestamp '2026-07-01 12:00' at time zone 'Asia/Tokyo'",
    "select timestamptz '2026-03-28 12:00+00' + interval '1 day', timestamptz '2026-07-01 12:00+00' - timestamptz '2026-06-01 12:00+00'",
    "select now()::timestamp - (now() at time zone current_setting('timezone')) between interval '-1 s' and interval '1 s'",
]


@pytest.mark.parametrize("zone", ZONES)
def test_times_are_those_of_the_sessions_zone(server: Server, judge: Postgres, zone: str) -> None:
    def rows(dsn: str) -> list[Any]:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"set timezone to '{zone}'")
            cursor = psycopg.RawCursor(connection) if hasattr(psycopg, "RawCursor") else connection.cursor()
            found = [raw(cursor, "show timezone")]
            return found + [raw(cursor, sql) for sql in WITH_ZONES]

    ours, theirs = rows(server.dsn("ann", "shop")), rows(f"host={judge.folder} user=lode dbname=postgres")
    assert ours == theirs


def raw(cursor: Any, sql: str) -> list[list[str | None]]:
    """The rows as they came, in text."""
    cursor.execute(sql)
    result = cursor.pgresult
    return [[None if (value := result.get_value(i, k)) is None else value.decode() for k in range(result.nfields)] for i in range(result.ntuples)]


def test_a_zone_is_set_as_postgresql_sets_it(server: Server, judge: Postgres) -> None:
    for sql in ("set time zone 'Europe/Berlin'", "set time zone interval '+05:30' hour to minute", "set time zone -7", "set time zone 5.5",
                "set time zone local", "set time zone default", "set timezone = 'Foo/Bar'", "set time zone 'CET'",
                "set timezone = 'asia/tokyo'"):
        answers = []
        for dsn in (server.dsn("ann", "shop"), f"host={judge.folder} user=lode dbname=postgres"):
            with psycopg.connect(dsn, autocommit=True) as connection:
                try:
                    connection.execute(sql)
                    answers.append((connection.execute("show timezone").fetchone(), connection.info.parameter_status("TimeZone")))
                except psycopg.Error as error:
                    answers.append(error.sqlstate)
        assert answers[0] == answers[1], sql
    assert refusal(server, "set timezone = 'CET-1CEST'; select 1")[0] == "22023", "a POSIX rule with summer time"


def test_parameters_without_an_offset_are_in_the_sessions_zone(server: Server) -> None:
    with connect(server) as connection:
        connection.execute("set timezone to 'America/New_York'")
        row = connection.execute("select %s::timestamptz = timestamptz '2026-07-01 16:00+00'", ("2026-07-01 12:00",)).fetchone()
        assert row == (True,)
        cursor = connection.cursor(binary=True)
        moment = datetime.datetime(2026, 7, 1, 16, 0, tzinfo=datetime.timezone.utc)
        assert cursor.execute("select timestamptz '2026-07-01 12:00', %s", (moment,)).fetchone() == (moment, moment)


def test_zones_of_two_sessions_do_not_mix(server: Server) -> None:
    with connect(server) as one, connect(server) as two:
        one.execute("set timezone to 'Asia/Tokyo'")
        two.execute("set timezone to 'America/New_York'")
        for _ in range(3):
            assert one.execute("select timestamptz '2026-07-01 12:00+00'::text").fetchone() == ("2026-07-01 21:00:00+09",)
            assert two.execute("select timestamptz '2026-07-01 12:00+00'::text").fetchone() == ("2026-07-01 08:00:00-04",)
            assert two.execute("select [timestamptz '2026-07-01 12:00+00']::text").fetchone() == ("['2026-07-01 08:00:00-04']",)


# ---- settings ----

@pytest.mark.parametrize("sql", [
    "set datestyle to 'iso, dmy'", "set datestyle to german", "set intervalstyle to iso_8601", "set bytea_output to escape",
    "set extra_float_digits to 3", "set extra_float_digits to 4", "set client_encoding to 'UTF8'", "set client_encoding to nonsense",
    "set standard_conforming_strings to on", "set transaction_isolation to nonsense", "set nonsense to 1", "set my.own to 1",
    "set default_transaction_isolation to 'serializable'",
])
def test_a_setting_is_kept_or_refused(server: Server, judge: Postgres, sql: str) -> None:
    """As PostgreSQL does, but for values that change how answers are written: here there is one way."""
    stricter = {"set datestyle to german", "set intervalstyle to iso_8601", "set bytea_output to escape"}
    name = sql.split()[1]
    answers = []
    for dsn in (server.dsn("ann", "shop"), f"host={judge.folder} user=lode dbname=postgres"):
        with psycopg.connect(dsn, autocommit=True) as connection:
            try:
                connection.execute(sql)
                answers.append(connection.execute(f"show {name}").fetchone()[0])
            except psycopg.Error as error:
                answers.append(error.sqlstate)
    assert answers[0] == ("22023" if sql in stricter else answers[1])


def test_set_config_sets(server: Server) -> None:
    with connect(server) as connection:
        assert connection.execute("select set_config('timezone', 'europe/berlin', false), 7").fetchone() == ("Europe/Berlin", 7)
        assert connection.execute("show timezone").fetchone() == ("Europe/Berlin",)
        assert connection.info.parameter_status("TimeZone") == "Europe/Berlin"
        assert connection.execute("select set_config(%s, %s, %s)", ("my.own", "x", False)).fetchone() == ("x",)
        assert connection.execute("select current_setting('my.own'), current_setting('my.other', true)").fetchone() == ("x", None)
        assert connection.execute("select setting from pg_settings where name = 'TimeZone'").fetchone() == ("Europe/Berlin",)
        with connection.transaction():
            connection.execute("select set_config('timezone', 'UTC', true)")
            assert connection.execute("show timezone").fetchone() == ("UTC",)
        assert connection.execute("show timezone").fetchone() == ("Europe/Berlin",)
        for sql, state in (("select current_setting('no_such')", "42704"), ("select set_config('no_such', '1', false)", "42704"),
                           ("select set_config('timezone', 'Foo/Bar', false)", "22023"), ("select set_config('datestyle', 'sql', false)", "22023")):
            with pytest.raises(psycopg.Error) as caught:
                connection.execute(sql)
            assert caught.value.sqlstate == state, sql


# ---- keys ----

def keys(folder: Path) -> Project:
    project = make_project(folder)
    project.write("zones/shop/zone.yml", "owner: oz\nmembers: [role analyst]\n")
    project.write("zones/shop/canonical/client.sql", "-- about: One row a client.\n-- key: no\n-- column no: int required, about its number\n"
                  "select 1 as no, 'Ann' as name\n")
    project.write("zones/shop/canonical/secret.sql", "-- column no: int required unique\nselect 1 as no\n")
    project.write("zones/shop/canonical/order.sql", "-- key: day, place\n-- column client: int -> canonical.client.no\n-- column other: int -> canonical.secret.no\n"
                  "-- column code: text unique\nselect 1 as day, 2 as place, 1 as client, 1 as other, 'x' as code\n")
    project.write("zones/shop/access.yml", "rules:\n- who: [role analyst]\n  on: [canonical.client, canonical.order]\n")
    project.lode("run")
    project.lode("role", "add", "analyst")
    add_user(project, "ann", "--role", "admin")
    add_user(project, "bo", "--role", "analyst")
    return project


def test_promises_are_keys(tmp_path: Path) -> None:
    import sqlalchemy

    with serving(keys(tmp_path)) as server:
        constraints = "select conname, contype, pg_get_constraintdef(oid) from pg_constraint order by conname"
        assert ask(server, constraints) == [
            ("client_pkey", "p", "PRIMARY KEY (no)"), ("order_client_fkey", "f", "FOREIGN KEY (client) REFERENCES canonical.client(no) NOT VALID"),
            ("order_code_key", "u", "UNIQUE (code)"), ("order_key", "u", "UNIQUE NULLS NOT DISTINCT (day, place)"),
            ("order_other_fkey", "f", "FOREIGN KEY (other) REFERENCES canonical.secret(no) NOT VALID"), ("secret_no_key", "u", "UNIQUE (no)")]
        assert [row[0] for row in ask(server, constraints, user="bo")] == ["client_pkey", "order_client_fkey", "order_code_key", "order_key"], \
            "what may not be seen is no target"
        assert ask(server, "select indexname from pg_indexes order by 1", user="bo") == [("client_pkey",), ("order_code_key",), ("order_key",)]
        assert ask(server, "select constraint_name, constraint_type from information_schema.table_constraints where table_name = 'client'") == [
            ("client_pkey", "PRIMARY KEY")]
        assert ask(server, "select column_name, ordinal_position from information_schema.key_column_usage where constraint_name = 'order_key' order by 2") == [
            ("day", 1), ("place", 2)]
        assert ask(server, "select column_name, is_nullable from information_schema.columns where table_name = 'client' order by 1") == [
            ("name", "YES"), ("no", "NO")]
        assert ask(server, "select obj_description('canonical.client'::regclass), col_description('canonical.client'::regclass, 1)") == [
            ("One row a client.", "its number")]
        inspector = sqlalchemy.inspect(sqlalchemy.create_engine(server.dsn("ann", "shop").replace("postgresql:", "postgresql+psycopg:")))
        assert inspector.get_pk_constraint("client", schema="canonical")["constrained_columns"] == ["no"]
        assert inspector.get_unique_constraints("order", schema="canonical")[0]["column_names"] in (["code"], ["day", "place"])
        foreign = inspector.get_foreign_keys("order", schema="canonical")
        assert {(tuple(key["constrained_columns"]), key["referred_schema"], key["referred_table"], tuple(key["referred_columns"])) for key in foreign} == {
            (("client",), "canonical", "client", ("no",)), (("other",), "canonical", "secret", ("no",))}
        if shutil.which("psql"):
            import subprocess
            shown = subprocess.run(["psql", "-X", server.dsn("ann", "shop"), "-c", "\\d canonical.order", "-c", "\\d canonical.client"],
                                   capture_output=True, text=True, timeout=60)
            assert shown.returncode == 0, shown.stderr
            for part in ('"client_pkey" PRIMARY KEY, btree (no)', '"order_client_fkey" FOREIGN KEY (client) REFERENCES canonical.client(no)',
                         '"order_code_key" UNIQUE CONSTRAINT, btree (code)', 'Referenced by:'):
                assert part in shown.stdout, shown.stdout


def test_rules_of_rows_hold_in_the_past_too(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.write("zones/shop/access.yml", "rules:\n- who: [role analyst]\n  on: [canonical.order]\n  rows: region = 'EU'\n")
    project.lode("run")
    first = project.json("log")[0]["commit"]
    project.drop("shop", "orders_2.csv", "id,region,amount\n3,EU,3.00\n4,US,4.00\n")
    project.lode("run")
    with serving(project) as server:
        count = "select count(*), min(region), max(region) from canonical.order"
        assert ask(server, count) == [(4, "EU", "US")]
        assert ask(server, count, user="bo") == [(2, "EU", "EU")]
        assert ask(server, f"{count} AT (VERSION => '{first}')", user="bo") == [(1, "EU", "EU")]
        assert ask(server, f"set lode.as_of = '{first}'; {count}", user="bo") == [(1, "EU", "EU")]
        assert ask(server, f"set search_path to canonical; select count(*) from \"order\" AT (VERSION => '{first}')", user="bo") == [(1,)]
        assert ask(server, "select count(*) from pg_constraint", user="bo") == [(0,)], "nothing is promised of what is not seen whole"


@pytest.mark.parametrize("name", ["canonical.order", '"canonical"."order"', 'canonical."order"', 'shop.canonical.order'])
def test_a_relation_is_found_by_each_way_to_write_it(server: Server, name: str) -> None:
    with connect(server) as connection:
        wanted = connection.execute("select oid from pg_class where relname = 'order'").fetchone()
        assert connection.execute("select %s::regclass::oid", (name,)).fetchone() == wanted
        assert connection.execute(f"select '{name}'::regclass::oid").fetchone() == wanted
        if not name.startswith("shop."):
            assert connection.execute(f"select to_regclass('{name}')").fetchone() == wanted
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("select %s::regclass::oid", (name + "x",))
