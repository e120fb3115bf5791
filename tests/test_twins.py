# SPDX-License-Identifier: Apache-2.0
"""Two stores that differ only in what is hidden, over a table whose structs grew, lost fields and got them back: they answer the same
by every way out of Lode, to whatever an analyst with a row filter, masks and a column that is kept from him may think of."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from conftest import LODE, Project, make_project
from server import SYNC, Server, Wire, add_user, bind, describe, execute, parse, query, serving

SECRETS = [b"hidden", b"4000-", b"paid-", b"other-town", b"Z-Z"]
HEAD = "from: ingress/g_*.jsonl\nformat: jsonl\ncolumns:\n  id: int\n  owner: text\n  n: text\n  k: int\n  salary: text\n  email: text\n  card: struct<number text, till date>\n"
# the text of each age, and in it a struct and a list of structs of which fields go and come again
AGES = ["  place: struct<zip text, town text, note text>\n  items: list<struct<sku text, cost int>>\n",
        "  place: struct<zip text, street text>\n  items: list<struct<sku text, qty int>>\n",
        "  place: struct<street text, zip text, town text, note text>\n  items: list<struct<cost bigint, sku text, qty int>>\n"]
RULES = """rules:
- who: [bo]
  on: [staging.g, canonical.m]
  rows: place.zip = principal.zip and owner <> 'x'
  columns: all except [salary]
  mask:
    email: partial 1
    card: "struct_pack(number := right(card.number, 2), till := null::date)"
- who: [bo]
  on: [canonical.other]
"""
ROWS = 40


def row(at: int, age: int, poisoned: bool) -> dict[str, Any]:
    """Every other row may be seen. What may not be seen of those that may is other in each store too."""
    seen, bad = at % 2 == 0, poisoned
    word = f"hidden{at}(*" if bad else "3"
    return {"id": at, "owner": "c1" if seen else "c2", "n": str(at % 7) if seen else word, "k": at % 5 + 1 if seen else 0 if bad else 2,
            "salary": f"paid-{at}" if bad else "1", "email": f"a{'hidden' if bad else 'x'}{at}", "card": {"number": f"4000-{at + 5000 * bad}-7{at % 3}", "till": "2030-01-01" if bad else None},
            "place": {"zip": "EU" if seen else "Z-Z" if bad else "US", "street": f"s{at % 3}" if seen else word} |
                     ({"town": "here" if seen else "other-town" if bad else "there", "note": None if at % 4 else "n" if seen else word} if age != 1 else {}),
            "items": [{"sku": f"a{at % 3}" if seen else word} | ({"cost": at % 4 + 1 if seen else 0} if age != 1 else {}) | ({"qty": 1 if seen else 0} if age else {})] * (at % 3 if seen or not bad else 9)}


def store(folder: Path, poisoned: bool) -> Project:
    project = make_project(folder)
    project.write("zones/shop/zone.yml", "owner: oz\n")
    project.write("zones/shop/canonical/m.sql", "select id, owner, n, k, salary, email, card, place, items, {'id': id, 'in': {'n': n, 'place': place}} as deep, map([n], [k]) as by_n from staging.g order by id\n")
    project.write("zones/shop/canonical/other.sql", "select 0 as id, 'x' as salary, 'y' as note\n")
    project.write("zones/shop/access.yml", "rules: []\n")
    for age, text in enumerate(AGES):
        project.write("zones/shop/sources/g.yml", HEAD + text)
        project.drop("shop", f"g_{age}.jsonl", "".join(json.dumps(row(at, age, poisoned)) + "\n" for at in range(age * ROWS, (age + 1) * ROWS)))
        if age == 2:
            project.write("zones/shop/access.yml", RULES)
        project.lode("run")
    project.lode("branch", "side")
    add_user(project, "bo", "--attr", "zip=EU")
    add_user(project, "oz")
    return project


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    folder = tmp_path_factory.mktemp("twins")
    with ExitStack() as stack:
        yield tuple(stack.enter_context(serving(store(folder / str(poisoned), poisoned))) for poisoned in (False, True))


def talk(server: Server, *messages: tuple[str, bytes]) -> bytes:
    """All that is said, a kind before each; what is asked are questions or a Sync at the end."""
    client = Wire(server.port, "bo", "lode")
    said = b""
    for message in messages:
        client.send(*message)
        if message[0] in "QS":
            said += b"".join(kind.encode() + body for kind, body in client.until("Z"))
    client.close()
    return said


def http(server: Server, accept: str, sql: str) -> bytes:
    said = server.ask("bo", sql, accept)
    return str(said.status).encode() + said.body


def command(server: Server, kind: str, sql: str) -> bytes:
    done = subprocess.run([LODE, "query", sql, "--as", "bo", "-o", kind], cwd=server.project.root, capture_output=True, timeout=120)
    return str(done.returncode).encode() + done.stdout + done.stderr


WIRE: dict[str, Callable[[Server, str], bytes]] = {
    "simple": lambda server, sql: talk(server, query(sql)),
    "binary": lambda server, sql: talk(server, parse(sql, "s"), describe("S", "s"), bind("", "s", results=(1,)), describe("P"), execute(), SYNC),
    "portal in pieces": lambda server, sql: talk(server, parse(sql), bind("p"), execute("p", 2), execute("p", 3), execute("p"), SYNC),
    "copy text": lambda server, sql: talk(server, query(f"copy ({sql}) to stdout")),
    "copy csv": lambda server, sql: talk(server, query(f"copy ({sql}) to stdout with (format csv, header)")),
    "copy binary": lambda server, sql: talk(server, query(f"copy ({sql}) to stdout with (format binary)")),
    "cursor": lambda server, sql: talk(server, query(f"begin; declare c cursor with hold for {sql}; fetch 3 from c; commit"), query("fetch all from c; close c")),
    "binary cursor": lambda server, sql: talk(server, query(f"begin; declare c binary cursor for {sql}; fetch 3 from c; fetch all from c; commit")),
    "http json": lambda server, sql: http(server, "application/json", sql),
    "http csv": lambda server, sql: http(server, "text/csv", sql),
}
COMMAND = {kind: (lambda server, sql, kind=kind: command(server, kind, sql)) for kind in ("json", "csv", "arrow", "parquet")}

STRUCTS = [
    "select * from {T} order by id", "select t from {T} t order by t.id", "select place, items, card from {T} order by id",
    "select place.note, place.town, items[1].cost, items[1].qty, card.number from {T} order by id", "select id, unnest(place), unnest(items, recursive := true) from {T} order by all",
]


@pytest.mark.parametrize("way", [*WIRE, *COMMAND])
def test_structs_of_all_ages_are_the_same_by_every_way(twins: tuple[Server, Server], way: str) -> None:
    for sql in STRUCTS if way in WIRE else STRUCTS[:1]:
        for table in ("shop.staging.g", "shop.canonical.m") if way in WIRE and sql is STRUCTS[0] else ("shop.canonical.m",):
            first, second = ((WIRE | COMMAND)[way](server, sql.format(T=table)) for server in twins)
            assert first == second, (sql, table, first[:400], second[:400])
            assert b"here" in first or b"s1" in first or "unnest" in sql or b"71" in first, (sql, first)
            assert not [secret for secret in SECRETS if secret in first], (sql, table, first)


QUESTIONS = [
    # whole rows
    "select t::text from {T} t order by id", "select to_json(t) from {T} t order by id", "select count(t), max(t), min(t) from {T} t", "select row(t.*) from {T} t order by id", "select hash(t) from {T} t order by id",
    "select t.* exclude (card) from {T} t order by id", "select t is null, t = t from {T} t", "select (t).place.zip from {T} t", "select struct_keys(t), struct_values(t) from {T} t order by id limit 1",
    "select md5(t::text), typeof(t) from {T} t order by 1", "select json_structure(to_json(t)) from {T} t order by id", "select list(t order by t.id) from {T} t", "select t from {T} t where t.n = '3' order by t.id", "select distinct t from {T} t order by t",
    "select u.salary from (select t as u from {T} t) x", "select struct_extract(t, 'salary') from {T} t", "select t['salary'] from {T} t", "select t.salary from (select t from {T} t) x", "select unnest(t) from {T} t order by 1",
    # columns by words and patterns
    "select columns(*) from {T} order by id", "select columns('sal.*|em.*') from {T} order by all", "select columns(c -> c like '%a%') from {T} order by all", "select * exclude (salary) from {T}", "select * replace ('z' as salary) from {T}",
    "select * rename (salary as s) from {T} order by id", "select * rename (email as salary) from {T} order by id limit 3", "select * like 's%' from {T}", "select max(columns(*)) from {T}", "select * exclude (place, items, card, deep, by_n) from {T} order by id",
    "select coalesce(columns(['salary', 'email'])) from {T}", "select columns([x for x in (*) if x > 'r']) from {T}", "from {T} select id order by 1", "from {T} select salary", "describe {T}", "summarize {T}", "show tables", "show all tables", "select * from (describe {T})", "select * from (summarize {T})",
    "select * from (show tables)", "table shop.canonical.other", "describe select * from {T}", "show columns from {T}", "pragma table_info('{T}')", "select * from pragma_table_info('{T}')", "select * from duckdb_columns()", "select * from duckdb_tables()",
    # joins that find columns by name
    "select count(*) from {T} natural join shop.canonical.other", "select count(*) from {T} join shop.canonical.other using (salary)", "select * from shop.canonical.other o natural left join (select id from {T}) t order by id",
    "select count(*) from {T} a natural join {T} b", "select count(*) from {T} positional join shop.canonical.other", "select count(*) from shop.canonical.other positional join (select id from {T} order by id) t", "select a.id, b.id from {T} a asof join {T} b on a.owner = b.owner and a.id > b.id order by 1",
    "select a.id, b.k from {T} a asof left join {T} b on a.n = b.n and a.k >= b.k order by all", "select id from {T} a semi join {T} b on a.k = b.id order by 1", "select id from {T} a anti join {T} b on a.k = b.id order by 1", "select count(*) from {T} a full join {T} b on a.n = b.place.zip",
    "select a.id from {T} a, lateral (select max(b.k) m from {T} b where b.place.street = a.place.street and 1 // b.k >= 0) l where l.m = a.k order by 1", "select id from {T} a where k = (select max(1 // k) from {T} b where b.owner = a.owner and b.id <= a.id) order by 1", "select count(*) from {T} a where exists (from {T} b where b.n::int = a.k)",
    # what fails on hidden rows alone
    "select n::int from {T} order by id", "select sum(1 // k) from {T}", "select avg(place.street::int) from {T}", "select place.note::int from {T}", "select items[1].sku::int from {T}", "select 10 // items[1].cost from {T} order by id", "select list_transform(items, i -> 10 // i.cost) from {T} order by id",
    "select list_filter(items, i -> 1 // i.qty > 0) from {T} order by id", "select list_reduce([k], (a, b) -> a // b) from {T}", "select card.number::int from {T} order by id", "select 1 // length(card.number) from {T}", "select email::int from {T}", "select error(n) from {T}", "select case when n like 'hid%' then 1 // (k - k) end from {T} order by id",
    "select by_n from {T} order by id", "select map_extract(by_n, '3') from {T} order by id", "select map_keys(by_n)[1]::int from {T} order by id", "select deep.in.place.note::int from {T}", "select strptime(n, '%d') from {T} order by id", "select chr(k * 60) from {T} order by id", "select regexp_matches('a', n) from {T} order by id",
    "select k from {T} where k > 0 or 1 // k = 1 order by id", "select count(*) from {T} where 1 // (k * 0) = 1", "select count(*) from {T} where salary = 'paid-1'", "select id from {T} where place.zip = 'Z-Z' or 1 // 0 = 1", "select (select n::int from {T})", "select id, (select n from {T} b where b.k = a.k) from {T} a",
    # statistics, samples, plans
    "explain select * from {T} where k < 1", "explain (format json) select place.zip, count(*) from {T} group by 1", "explain analyze select count(*) from {T}", "explain (analyze, format json) select count(*) from {T} where n::int > 2", "select count(*) from {T} tablesample reservoir(5)",
    "select id from {T} tablesample bernoulli(40%) repeatable (7) order by id", "select id from {T} using sample 5 rows (reservoir, 3)", "select count(*) from {T} tablesample 100%", "select approx_count_distinct(n), round(entropy(k), 6), mode(k + id), histogram(k), round(skewness(k), 6), quantile_cont(k, 0.3) from (select id, n, k from {T} order by id)", "select stats(k) from {T}",
    "select count(*) from pg_stats", "select * from pg_stats", "select * from pg_statistic", "select * from pg_stat_activity where usename <> 'bo'", "select reltuples, relpages from pg_class where relname in ('g', 'm')", "select pg_column_size(n) from {T}", "select pg_table_size('shop.staging.g')", "select * from pg_stat_user_tables", "select * from pg_statio_user_tables",
    "select vector_type(n) from {T}", "select bitstring_agg(k) from {T}", "select min(k), max(k), arg_max(k, id), first(n order by k desc, id), min_by(n, id), max(k, 3) from {T}", "select bit_xor(id), sum(hash(n)), list(k order by k desc)[1:3], string_agg(n, '' order by id) from {T}",
    # windows, sets, recursion, pivots
    "select id, sum(k) over (order by id rows between 100000 preceding and 100000 following), lead(n, 1) over (order by id), ntile(3) over (order by k, id), nth_value(n, 2) over (order by id) from {T} order by id", "select id, count(*) over (order by k range between 9 preceding and current row exclude ties) from {T} order by id",
    "select id, first_value(n) over w, percent_rank() over w, list(k) over w from {T} window w as (partition by place.street order by id groups between 1 preceding and unbounded following) order by id", "select id from {T} qualify row_number() over (partition by n order by id desc) = 1 order by id", "select distinct on (n) n, id from {T} order by n, id desc",
    "with recursive r as (select min(id) id from {T} union all select (select min(t.id) from {T} t where t.id > r.id) from r where r.id is not null) select * from r order by id", "with recursive r(x) as (select n from {T} union select n || '1' from {T}, r where length(x) < 3) select count(*) from r",
    "pivot {T} on n using count(*) group by owner", "pivot {T} on place.zip using sum(k)", "pivot {T} on k in (0, 1, 2) using count(*) group by n order by n", "unpivot (select id, n, owner from {T}) on n, owner into name a value b order by all", "unpivot {T} on columns(* exclude (id)) into name a value b", "select n, k, count(*) from {T} group by rollup (n, k) order by all", "select grouping(n), count(*) from {T} group by cube (n, owner) order by all",
    "select n, count(*) from {T} group by all order by all", "select k from {T} union all by name select id as k, salary from shop.canonical.other order by all", "select * from {T} union by name select -1 as id, 'x' as salary order by id limit 3", "select n from {T} except all select n from {T} where k > 1 order by 1", "select n from {T} intersect select place.street from {T}",
    "select id from {T} order by all limit 50%", "select id from {T} order by salary", "select id from {T} order by (select salary) limit 1", "select id from {T} group by id, salary", "select t.id from {T} t order by t.card, t.id", "select id from {T} order by id limit (select count(*) // 4 from {T}) offset (select min(k) from {T})",
    # functions that look around
    "select current_setting('lode.branch'), current_setting('zip', true), current_setting('principal.zip', true)", "select getvariable('x')", "select query_to_xml('select 1', true, true, '')", "select * from query('select * from {T}')", "select * from query_table('g')", "select json_serialize_sql('select * from {T}')", "select * from json_execute_serialized_sql('x')",
    "select table_to_xml('{T}'::regclass, true, true, '')", "select database_to_xml(true, true, '')", "select * from ts_stat('select n from g')", "select pg_read_file('/etc/passwd')", "select pg_ls_dir('.')", "select lo_import('/etc/passwd')", "select * from dblink('x', 'select 1') as t(a int)", "select col_description('shop.canonical.m'::regclass, 5), obj_description('shop.canonical.m'::regclass)",
    "select * from duckdb_logs()", "select * from duckdb_settings()", "select * from sniff_csv('x')", "select * from glob('*')", "select * from parquet_metadata('g/*')", "select * from pg_get_keywords() limit 1", "select pg_get_viewdef('shop.canonical.m'::regclass)", "select has_table_privilege('shop.canonical.m', 'select'), has_column_privilege('shop.canonical.m', 'salary', 'select')", "select txid_current(), pg_current_wal_lsn()",
    "select * from information_schema.columns where table_schema like 'shop%' order by table_name, ordinal_position", "select * from information_schema.role_column_grants", "select * from information_schema.column_privileges", "select * from information_schema.attributes", "select * from information_schema.element_types", "select attname, atttypid, attnum from pg_attribute where attrelid in (select oid from pg_class where relname in ('g', 'm')) order by 1, 2",
    "select typname from pg_type where typtype = 'c' order by 1", "select * exclude (commit, changed_at) from lode.tables order by all", "select * from lode.columns order by all", "select * from lode.deliveries", "select * from lode.quarantine", "select * from lode.lineage", "select * from lode.checks", "select * from lode.runs", "select * from lode.access", "select * from lode.policies", "select * from lode.entitlements",
    # the past, branches, other tables
    "select place from {T} at (version => 'side') order by id", "select * from {T} at (version => '00000000')", "select count(*) from {T} at (timestamp => '2001-01-01')", "select salary from {T} at (timestamp => '2099-01-01')", "select * from shop.staging.side", "select * from shop.quarantine.g", "select * from shop.quarantine.rows", "select * from shop.landing.g", "select _file, _row from {T}", "select _extra from {T}",
    # changing
    "insert into {T} values (1)", "update {T} set n = n", "delete from {T} where n::int > 0 returning *", "merge into {T} using shop.canonical.other o on false when not matched then insert values (1)", "truncate {T}", "copy {T} to '/tmp/x.csv'", "copy (select n::int from {T}) to '/tmp/x.csv'", "copy {T} from stdin", "create table x as from {T}", "create temp view v as from {T}", "comment on table {T} is 'x'",
    "lock table {T}", "analyze {T}", "vacuum {T}", "prepare p as select n::int from {T} order by id", "execute p", "create macro f() as table from {T}", "select f()", "attach 'x' as y", "set variable x = (select max(salary) from {T})", "do $$ begin end $$", "call f()", "checkpoint", "export database 'x'", "load x", "pragma database_size", "begin; declare c scroll cursor for select n::int from {T}; fetch last from c",
]


def same(twins: tuple[Server, Server], wires: list[Wire], sql: str) -> bytes:
    said = []
    for wire in wires:
        wire.send(*query(sql))
        said.append(b"".join(kind.encode() + body for kind, body in wire.until("Z")))
        for message in (parse(sql), describe("S"), SYNC):
            wire.send(*message)
        said[-1] += b"".join(kind.encode() + body for kind, body in wire.until("Z"))
        wire.send(*query("rollback"))
        wire.until("Z")
    assert said[0] == said[1], (sql, said[0][:500], said[1][:500])
    assert not [secret for secret in SECRETS if secret in said[0] and secret not in sql.encode()], (sql, said[0])
    return said[0]


@pytest.mark.parametrize("table", ["shop.canonical.m", pytest.param("shop.staging.g", marks=pytest.mark.full)])
def test_whatever_an_analyst_asks_is_answered_alike(twins: tuple[Server, Server], table: str) -> None:
    wires = [Wire(server.port, "bo", "lode") for server in twins]
    answered = sum(b"SELECT" in same(twins, wires, sql.format(T=table)) for sql in QUESTIONS)
    for wire in wires:
        wire.close()
    print(f"{len(QUESTIONS)} asked, {answered} answered")
    assert answered > len(QUESTIONS) / 3
