# SPDX-License-Identifier: Apache-2.0
"""Tricks by which row filters, masks and grants were got around, in other systems or in the engine below, each under its name. Whoever
tries them sees what he would see without: the answer is written beside, and no byte of what is hidden is in any message."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from conftest import Project, make_project
from server import SYNC, Server, Wire, add_user, describe, parse, query, serving

SECRETS = [b"hidden-", b"raw-mail", b"paid-", b"phone-", b"owner-two"]  # of rows that are not there, masked and withheld columns
PEOPLE = "id,owner,name,email,salary,phone\n" + "".join(
    f"{i},{'c1' if i % 2 else 'owner-two'},{'seen' if i % 2 else 'hidden'}-{i},raw-mail-{i},paid-{i},phone-{i}\n" for i in range(1, 9)) + "x,owner-two,hidden-bad,raw-mail-9,paid-9,phone-9\n"  # no number: in quarantine, with its text
P = "shop.canonical.people"
SEEN = [1, 3, 5, 7]
NONE = "42P01"      # no such table, whatever the reason
NO_COLUMN = "42703"


def shop(folder: Path) -> Project:
    project = make_project(folder)
    project.write("zones/shop/zone.yml", "owner: oz\n")
    project.write("zones/shop/sources/people.yml", "from: ingress/people*.csv\nformat: csv\ncolumns:\n  id: int\n  owner: text\n  name: text\n  email: text\n  salary: text\n"
                                                   "  phone: text tag pii\n")
    project.write("zones/shop/sources/ent.yml", "from: ingress/ent*.csv\nformat: csv\ncolumns:\n  login: text\n  whose: text\n")
    project.write("zones/shop/canonical/people.sql", "-- check known: name not like 'hidden%', else warn\nselect id, owner, name, email, salary, phone, {'mail': email, 'phone': phone} as contact, [phone] as phones from staging.people\n")
    project.write("zones/shop/canonical/all_names.sql", "-- kind: view\nselect id, name, owner from canonical.people\n")
    project.write("zones/shop/analytical/mine.sql", "-- kind: view\nselect id, name, phone from canonical.people where owner = 'c1'\n")
    project.write("zones/shop/canonical/secret.sql", "select 'hidden-table' as x\n")
    project.write("zones/shop/analytical/failing.sql", "select cast(name as int) as n, email from staging.people where owner = 'owner-two'\n")
    project.write("zones/shop/canonical/secretive.sql", "select 1 as x\n")
    project.write("zones/shop/canonical/ids.sql", "select id from staging.people\n")
    project.write("zones/shop/canonical/odd.sql", "select id, {'a$1': id, 'b\"$1': name} as s from staging.people\n")
    project.write("zones/till/zone.yml", "owner: tom\n")
    project.write("zones/till/canonical/tills.sql", "select 'hidden-till' as till\n")
    project.write("zones/shop/access.yml", """rules:
- who: [bo]
  on: [canonical.people]
  rows: owner in (select whose from staging.ent where login = principal.name)
  columns: all except [salary]
  mask:
    email: partial 1
    contact: 'null'
- who: [bo]
  on: [analytical.mine, canonical.secretive]
- who: [bo]
  on: [canonical.ids]
  rows: id in (select p.id from staging.people p where p.phone like 'phone-3%')
- who: [bo]
  on: [canonical.odd]
  mask:
    s: "{'a$1': 0, 'b\\"$1': 'none'}"
""")
    project.write("policies.yml", "- tag: pii\n  who: everyone except [role dpo]\n  mask: 'null'\n")
    project.drop("shop", "people.csv", PEOPLE)
    project.drop("shop", "ent.csv", "login,whose\nbo,c1\nother,owner-two\n")
    ran = project.lode("run", "-o", "json", check=False)  # a model fails on a hidden value, and its zone is not published
    assert ran.exit == 1 and "hidden-" in ran.stdout
    (project.root / "zones/shop/analytical/failing.sql").write_text("select 1 as n\n")
    project.lode("run")
    project.write("zones/till/canonical/late.sql", "select cast(till as int) as n from canonical.tills\n")
    project.lode("run", check=False)
    project.lode("role", "add", "dpo")
    add_user(project, "bo")
    add_user(project, "other")
    add_user(project, "bi", "--may-act-as", "bo,other")
    return project


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(shop(tmp_path_factory.mktemp("bypasses"))) as running:
        yield running


IDS = [(i,) for i in SEEN]
CASES: list[tuple[str, str, object]] = [
    # capture of names: what a statement calls like a table is not that table, and a policy's own names are nobody's to take
    ("cte named like the table it reads", f"with people as (select * from {P}) select id from people order by 1", IDS),
    ("cte that reads itself", "with v as (select * from v) select * from v", NONE),
    ("cte in one arm of a union, the name in the other", f"(with v as (select id from {P}) select * from v) union all select * from v", NONE),
    ("cte behind its use in from", "select * from v, (with v as (select 1) select * from v) w", NONE),
    ("cte of an inner query used outside", f"select * from (with inside as (select id from {P}) select * from inside) x, inside", NONE),
    ("cte that takes the policy's entitlement table", f"with ent as (select 'bo' as login, 'owner-two' as whose) select id from {P} order by 1", IDS),
    ("cte that takes it by its quoted path", f'with "shop.staging.ent" as (select \'bo\' as login, \'owner-two\' as whose), staging as (select 1) select id from {P} order by 1', IDS),
    ("alias that takes the policy's table", f"select p.id from {P} p, (select 'bo' as login, 'owner-two' as whose) ent order by 1", IDS),
    ("alias that takes the policy's column, lateral", f"select p.id from (select 'c1' as owner, 'c1' as whose) o, lateral (select id from {P}) p order by 1", IDS),
    ("outer column for the policy's, correlated", f"select (select count(*) from {P} where owner = o.owner) from (select 'owner-two' as owner) o", [(0,)]),
    ("outer column for one that is withheld", f"select (select salary from {P} limit 1) from (select 'x' as salary) o", [("x",)]),
    ("table named like its schema", f"with shop as (select 1 as canonical) select id from {P} order by 1", IDS),
    ("values under the table's name", f"select id from (values (99)) people(id), (select 1) y", [(99,)]),
    ("the binder's own aliases", f"with _lode_rows as (select 1 as salary) select id from {P}, _lode_rows order by 1", IDS),
    ("a temporary table for the policy's", "create temp table ent as select 'bo' as login, 'owner-two' as whose", "42501"),
    ("a view for the table", f"create view people as select * from {P}", "42501"),
    ("a macro for a function of the policy", "create temp macro lower(x) as 'bo'", "42501"),
    ("a variable for the identity", "set variable u = 'other'", "42601"),
    ("reading a variable", "select getvariable('u')", "42883"),
    ("a variable by its dollar", "select $u", "42704"),
    ("identity by SET", "set session authorization other", "42501"),
    ("identity by set_config", "select set_config('role', 'other', false)", "42501"),
    ("current_user as a column", f"select current_user, user, (select count(*) from {P})", [("bo", "bo", 4)]),
    # files and plans
    ("replacement scan", "select * from '/etc/passwd.parquet'", "0A000"),
    ("replacement scan of what the worker was granted", "select * from 'g/1.parquet'", "0A000"),
    ("read_parquet", "select * from read_parquet('g/*.parquet')", "42883"),
    ("a table function that reads by name", "select * from query_table('people')", "42883"),
    ("a macro that reads by name", "select * from histogram('people', 'email')", "42883"),
    ("sql in a text", "select * from query('select 1')", "42883"),
    ("a serialized plan", "select * from json_execute_serialized_sql('{}')", "42883"),
    ("serializing a plan", "select json_serialize_plan('select 1')", "42883"),
    ("an aggregate by its name", f"select list_aggregate(list(name), 'bitstring_agg') from {P}", "0A000"),
    ("rowid", f"select rowid from {P}", NO_COLUMN),
    ("filename", f"select filename from {P}", NO_COLUMN),
    ("file_row_number", f"select file_row_number from {P}", NO_COLUMN),
    ("hidden columns of a staged table", f"select _file, _row from {P}", NO_COLUMN),
    ("tables of an Iceberg catalog", f'select * from shop.canonical."people$snapshots"', NONE),
    ("files of an Iceberg table", f"select * from {P}.files", "42601"),
    ("metadata functions of an Iceberg table", f"select * from iceberg_snapshots('{P}')", "42883"),
    # what changes data inside a question
    ("insert in a cte", f"with x as (insert into {P} values (1)) select 1", "0A000"),
    ("delete in a cte", f"with x as (delete from {P} returning *) select * from x", "0A000"),
    ("update in a cte", f"with x as (update {P} set email = email returning *) select * from x", "0A000"),
    ("copy in a cte", f"with x as (copy (select * from {P}) to '/tmp/x.csv') select 1", "0A000"),
    ("two statements in one", f"explain select 1; select id from {P} order by 1", None),
    # withheld and masked columns by every way that names columns
    ("withheld by its name", f"select salary from {P}", NO_COLUMN),
    ("withheld in a condition", f"select id from {P} where salary = 'paid-1'", NO_COLUMN),
    ("withheld in an order", f"select id from {P} order by salary", NO_COLUMN),
    ("withheld in using", f"select a.id from {P} a join {P} b using (salary)", "42703"),
    ("withheld by a star that is replaced", f"select * replace (upper(salary) as name) from {P}", NO_COLUMN),
    ("withheld by columns()", f"select columns('^s.*') from {P}", "42000"),
    ("withheld by natural join", f"select count(*) from {P} natural join (select 'paid-1' as salary) s", "42000"),
    ("withheld by the whole row", f"select to_json(p)::text like '%sal' || 'ary%' from {P} p limit 1", [(False,)]),
    ("withheld by an old column list", f"select p.* from {P} p(a, b, c, d, e, f, g, h, i)", None),
    ("masked, derived table", f"select distinct email from (select email from {P}) d", [("r***",)]),
    ("masked, cte", f"with c as (select email e from {P}) select distinct e from c", [("r***",)]),
    ("masked, recursive cte", f"with recursive c as (select email e, 1 n from {P} union all select e, n + 1 from c where n < 3) select distinct e from c", [("r***",)]),
    ("masked, scalar subquery", f"select (select max(email) from {P})", [("r***",)]),
    ("masked, union", f"select email from {P} union select email from {P}", [("r***",)]),
    ("masked, star", f"select distinct email from (select * from {P}) s", [("r***",)]),
    ("masked, view", "select distinct phone from shop.analytical.mine", [(None,)]),
    ("masked, unnest", f"select distinct u from {P}, unnest([email]) t(u)", [("r***",)]),
    ("masked, unnest of a tagged list", f"select count(u) from {P}, unnest(phones) t(u)", [(0,)]),
    ("masked, lateral", f"select distinct l.e from {P} p, lateral (select p.email as e) l", [("r***",)]),
    ("masked, window", f"select distinct first_value(email) over (order by id) from {P}", [("r***",)]),
    ("masked, qualify", f"select email from {P} qualify row_number() over (partition by email order by id) = 1", [("r***",)]),
    ("masked, lambda", f"select distinct list_transform([email], x -> x || '!') from {P}", [(["r***!"],)]),
    ("masked, pivot", f"select * from (pivot {P} on owner in ('c1') using max(email) group by id) order by id limit 1", [(1, "r***")]),
    ("masked, unpivot", f"select distinct value from (unpivot (select email from {P}) on email into name k value value)", [("r***",)]),
    ("masked, filter", f"select count(*) filter (where email like '%mail%') from {P}", [(0,)]),
    ("masked, group by and having", f"select email from {P} group by email having max(email) > 'a'", [("r***",)]),
    ("masked, as a join key with what is known", f"select count(*) from {P} p join (values ('raw-mail' || '-1')) v(e) on p.email = v.e", [(0,)]),
    ("masked, in the order of rows", f"select array_agg(id order by email, id) from {P}", [(SEEN,)]),
    ("masked, aggregated", f"select max(email), min(email), string_agg(distinct email, ',') from {P}", [("r***", "r***", "r***")]),
    ("masked, cast that fails", f"select email::int from {P}", None),
    ("masked, by a struct that holds it", f"select count(contact) from {P}", [(0,)]),
    ("masked, by a field of a struct", f"select count(contact.phone), count(contact['mail']) from {P}", [(0, 0)]),
    ("masked, sample", f"select distinct email from {P} tablesample 100 percent", [("r***",)]),
    ("masked, summarize", f"select count(*) from (summarize {P})", None),
    ("masked, describe", f"describe {P}", None),
    ("masked, asked by the query inside a rule of the zone", "select id from shop.canonical.ids", NONE),
    ("masked, a struct whose fields are called like a place of the mask's", "select distinct (s)['a$1'], (s)['b\"$1'] from shop.canonical.odd", [(0, "none")]),
    # conditions that fail on rows which are not there, or tell of them by what the planner knows
    ("Snowflake: division by a comparison", f"select count(*) from {P} where 1 // (case when owner = 'owner-' || 'two' then 0 else 1 end) = 1", [(4,)]),
    ("Snowflake: iff", f"select count(*) from {P} where 1 / if(name like 'hid%', 0, 1) = 1", [(4,)]),
    ("Trino 29465: a function that may fail, before the filter", f"select count(*) from {P} where cast(substr(name, 6) as int) > 0", [(4,)]),
    ("PostgreSQL: a cast that quotes the value", f"select count(*) from {P} where cast(replace(name, 'seen-', '') as int) > 0", [(4,)]),
    ("PostgreSQL: a leaky operator, CVE-2017-7484", f"select count(*) from {P} where name similar to 'seen-[0-9]'", [(4,)]),
    ("PostgreSQL: a pattern made of the row", f"select count(*) from {P} where 'x' ~ ('(' || case when owner = 'c1' then ')' else '' end) is not null", [(4,)]),
    ("PostgreSQL: pg_stats, CVE-2025-8713", "select count(*) from pg_stats where tablename = 'people'", [(0,)]),
    ("PostgreSQL: pg_stats_ext, CVE-2024-4317", "select count(*) from pg_stats_ext", [(0,)]),
    ("PostgreSQL: rows that the planner expects", "select max(reltuples), max(relpages) from pg_class where relname = 'people'", None),
    ("PostgreSQL: sizes of a relation", "select pg_relation_size('\"shop.canonical\".people'::regclass), pg_total_relation_size('\"shop.canonical\".people'::regclass)", None),
    ("PostgreSQL: counters of a table", "select count(*) from pg_stat_user_tables where relname = 'people' and n_live_tup > 0", [(0,)]),
    ("Trino: counts by explain analyze", f"explain analyze select count(*) from {P}", None),
    ("explain of a hidden condition", f"explain select * from {P} where name = 'x'", None),
    ("lode.tables counts nothing of it", "select rows, files, bytes from lode.tables where \"table\" = 'people'", [(None, None, None)]),
    ("lode.columns has no withheld column", "select count(*) from lode.columns where \"table\" = 'people' and name = 'salary'", [(0,)]),
    ("deliveries of what it is made of", "select count(*) from lode.deliveries", [(0,)]),
    ("errors of runs, which quote values", "select count(*) from lode.runs", [(0,)]),
    ("what was refused of all that is seen", "select count(*) from lode.quarantine", [(0,)]),
    ("branches of runs that failed", "select count(*) from lode.commits where branch <> 'main'", None),
    ("where its files are", "select pg_relation_filepath('\"shop.canonical\".people'::regclass)", None),
    ("messages of runs and commits", "select count(*) from lode.commits where changes::text like '%people%'", [(0,)]),
    ("limit 0 of what fails", f"select cast(name as int) from {P} where owner = 'owner-' || 'two'", []),
    # names
    ("Ranger 2017-7676, Polaris: a star in a name", 'select * from shop.canonical."sec*"', NONE),
    ("Polaris: a percent in a name", 'select * from shop.canonical."secret%"', NONE),
    ("Polaris: a quote in a name", 'select * from shop.canonical."secret""; select 1"', NONE),
    ("a path in a name", 'select * from "shop.canonical/../canonical.secret"', "0A000"),
    ("what begins like something that is granted", "select * from shop.canonical.secret", NONE),
    ("what is granted and begins like something that is not", "select x from shop.canonical.secretive", [(1,)]),
    ("capitals", 'select * from shop.canonical."SECRET"', NONE),
    ("another zone", "select * from till.canonical.tills", NONE),
    ("its name as a constant", "select 'till.canonical.tills'::regclass", NONE),
    ("its name, asked for kindly", "select to_regclass('till.canonical.tills')", [(None,)]),
    ("a view that reads all, not granted (BYPASSRLS by definer)", "select * from shop.canonical.all_names", NONE),
    ("a view that is granted shows what it selects", "select id, name from shop.analytical.mine order by 1", [(i, f"seen-{i}") for i in SEEN]),
    ("its text names what only its zone reads", "select definition from pg_views where viewname = 'mine'", None),
    ("raw text that was refused", "select * from shop.quarantine.people", NONE),
    ("landed text", "select * from shop.landing.people", NONE),
    ("rows that checks put aside", "select * from shop.quarantine.rows", NONE),
    ("the staged table behind", "select * from shop.staging.people", NONE),
    ("the policy's own table", "select * from shop.staging.ent", NONE),
    ("the audit log", "select * from lode.audit", NONE),
    ("what others ask", "select count(*) from lode.sessions where principal <> 'bo'", [(0,)]),
    # past and branch
    ("Unity: a filtered table as it was", f"select id from {P} at (timestamp => '2099-01-01') order by 1", IDS),
    ("a masked column as it was", f"select distinct email from {P} at (timestamp => '2099-01-01')", [("r***",)]),
    ("a withheld column as it was", f"select salary from {P} at (timestamp => '2099-01-01')", NO_COLUMN),
    ("an ungranted table as it was", "select * from shop.canonical.secret at (timestamp => '2099-01-01')", NONE),
]


@pytest.fixture(scope="module")
def bo(server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.dsn("bo"), autocommit=True) as connection:
        yield connection


def by_rows(connection: psycopg.Connection, sql: str) -> object:
    try:
        return connection.execute(sql).fetchall()
    except psycopg.Error as failure:
        return failure.sqlstate


def messages(wire: Wire, sql: str) -> bytes:
    """All that the server says, in both protocols: the question asked, and only described."""
    wire.send(*query(sql))
    said = b"".join(body for _, body in wire.until("Z"))
    for message in (parse(sql), describe("S"), SYNC):
        wire.send(*message)
    return said + b"".join(body for _, body in wire.until("Z"))


@pytest.fixture(scope="module")
def wire(server: Server) -> Iterator[Wire]:
    client = Wire(server.port, "bo", "lode")
    yield client
    client.close()


@pytest.mark.parametrize("sql, answer", [pytest.param(sql, answer, id=name) for name, sql, answer in CASES])
def test_a_trick_shows_nothing(server: Server, bo: psycopg.Connection, wire: Wire, sql: str, answer: object) -> None:
    found = by_rows(bo, sql)
    assert answer is None or found == answer, found
    for said in (repr(found).encode(), messages(wire, sql), server.ask("bo", sql).body):
        for secret in SECRETS:
            assert secret not in said or secret in sql.encode(), (secret, said)


def test_the_secrets_are_there_for_whoever_sees_them(server: Server) -> None:
    def said(sql: str) -> bytes:
        return json.dumps(server.project.query(sql)).encode()

    assert all(secret in said(f"select * from {P}") for secret in SECRETS)
    assert b"hidden-bad" in said("select * from lode.quarantine") and b"hidden-" in said("select raw from shop.quarantine.rows")
    assert b"hidden-till" in said("select errors from lode.runs")


def test_no_catalogue_knows_of_what_is_hidden(bo: psycopg.Connection) -> None:
    """All of pg_catalog, information_schema and lode, column by column and row by row."""
    relations = bo.execute("select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace "
                           "where n.nspname in ('pg_catalog', 'information_schema', 'lode') order by 1, 2").fetchall()
    assert {("lode", "deliveries"), ("lode", "quarantine"), ("lode", "sessions")} <= set(relations) and ("lode", "audit") not in relations
    assert len(relations) > 200
    for schema, name in relations:
        said = repr(bo.execute(f'select * from {schema}."{name}"').fetchall()).encode()
        for secret in (*SECRETS, b"salary", b"all_names", b"tills", b"canonical.secret'", b"failing"):
            assert secret not in said, (schema, name, secret)


def test_names_are_told_apart(server: Server) -> None:
    names = [name for name, _, _ in CASES]
    assert len(set(names)) == len(names) > 100


@pytest.mark.parametrize("prepare", [True, False])
def test_a_plan_made_for_one_answers_nobody_else(server: Server, prepare: bool) -> None:
    """PostgreSQL CVE-2016-2193, CVE-2023-2455, CVE-2024-10976: plans that were kept while the role changed."""
    forms = [f"select id from {P} order by 1", f"with c as (select * from {P}) select id from c order by 1", f"select (select min(id) from {P})",
             f"select id from (select * from {P}) s where exists (select 1 from {P} x where x.id = s.id) order by 1"]
    with psycopg.connect(server.dsn("bi"), autocommit=True) as connection:
        connection.prepare_threshold = 0 if prepare else None
        for _ in range(2):
            for sql in forms:
                connection.execute("set role bo")
                assert set(connection.execute(sql, prepare=prepare).fetchall()) <= set(IDS) | {(1,)}
                connection.execute("set role other")
                with pytest.raises(psycopg.errors.UndefinedTable):
                    connection.execute(sql, prepare=prepare)
                connection.execute("set role none")
                with pytest.raises(psycopg.errors.UndefinedTable):
                    connection.execute(sql, prepare=prepare)
