# SPDX-License-Identifier: Apache-2.0
"""Two stores that are equal but for what a policy hides answer byte for byte the same.

The twins have the same text, the same accounts, the same visible rows. The rows that the policies hide are a few more in one
store, and hold harmless values in one store and in the other such that a function computed on them fails, or as minimum and maximum would show. The masked
column differs in visible rows too, where its mask does not; a withheld column differs everywhere; one store has a zone more.
Whatever bo and the others ask, the messages of the server are compared whole: columns, rows and their order, errors.

A control asks the same through the plain filter that the policy is; it has to find differences, or the corpus could find none.
"""

import itertools
import json
import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from conftest import Project, counts, make_project
from server import Server, Wire, add_user, parse, describe, query, serving, SYNC

ROWS = 3000
MORE = 90  # hidden rows that only one store has: plans depend on how many there are, but roughly
OWNERS = {"one": "c1", "two": "c1", "entitled": "c1", "related": "c1", "grown": "c1"}

SOURCE = """from: ingress/raw_*.csv
format: csv
columns:
  id: bigint
  owner: text
  region: text
  n: text
  day: date
  ts: timestamp
  k: int
  big: bigint
  d: decimal(12,2)
  f: double
  b: boolean
  email: text
  age: int
  salary: int
"""
MODEL = """select id, owner, region, n, day, ts, k, big, d, f, b, email, age, salary,
  case when k = 0 then [null, 2.0] else [f, 2.0] end as l,
  {'a': n, 'b': k} as s, map([region], [k]) as m, json_object('v', n)::text as j
from staging.raw order by id
"""
RULE = """- who: [role {role}]
  on: [{tables}]
  rows: {rows}
  columns: all except [salary]
  mask:
    email: partial 2
    age: bucket 100
"""
FILTERS = {
    "one": "owner = principal.owner",
    "two": "owner = principal.owner and region <> 'ZZ'",
    "entitled": "owner in (select whose from staging.ent where login = principal.name)",
    "related": "exists (select 1 from staging.ent e where e.whose = owner and e.login = principal.name)",
    "grown": "owner = principal.owner and region is distinct from 'ZZ' and k < 9000000000 and s.c is distinct from '77' and extra is distinct from 'no'",
}
TABLES = {"two": "shop.staging.raw", "grown": "shop.staging.g"}
# A table of many ages: a column renamed, one that left the text and was brought again, later files with wider numbers, a new column and a
# new field. What the first text says, and the second.
GROWN = ("from: ingress/g_*.jsonl\nformat: jsonl\nevolve: widen\ncolumns:\n  id: bigint\n  {owner}n: text\n  day: date\n  ts: timestamp\n  k: int\n  big: bigint\n"
         "  d: decimal(10,2)\n  f: double\n  b: boolean\n  email: text\n  age: int\n  salary: int\n  l: list<double>\n  s: struct<a text, b int>\n  j: text\n"
         "  ls: list<struct<x int>>\n")
OWNER_WAS = ("holder: text\n  region: text\n  ", "owner: text was holder\n  ")
PLAIN = "(select id, owner, region, n, day, ts, k, big, d, f, b, l, s, m, j from shop.canonical.t where owner = 'c1')"


def raw(poisoned: bool) -> list[str]:
    """Half the rows are visible. Few values, so that files hold dictionaries; some nulls."""
    rows = []
    for i in range(ROWS):
        visible = i % 2 == 0
        if visible:
            n, day, ts, k, big, d, f = str(i % 7), f"2026-01-{i % 9 + 1:02}", f"2026-02-01 00:00:0{i % 7}", i % 5 + 1, 10 + i % 4, "1.50", "0.5"
        elif poisoned:
            n, day, ts, k, big, d, f = "HID*(", "9999-12-31", "9999-12-31 23:59:59", 0, -9000000000000000000, "-9999999999.99", "-1e300"
        else:
            n, day, ts, k, big, d, f = "3", "2026-01-03", "2026-02-01 00:00:03", 2, 12, "1.50", "0.5"
        email = f"us{'x' if poisoned else 'y'}{i % 3}@x.org" if visible else f"{poisoned}@h.org"
        age = (20 if poisoned else 40) + i % 9
        null = visible and i % 11 == 0
        rows.append(f"{i},{'c1' if visible else 'c2'},{'EU' if i % 3 else 'US'},{'' if null else n},{day},{ts},{'' if null else k},{big},{d},{f},"
                    f"{'true' if i % 4 else 'false'},{email},{age},{i % 13 + 1000 * poisoned}\n")
    return rows + [f"{ROWS + i},c2,EU,3,2026-01-03,2026-02-01 00:00:03,2,12,1.50,0.5,true,x@h.org,30,1\n" for i in range(MORE * poisoned)]


def grown_rows(lines: list[str], names: list[str], part: int) -> str:
    """The same rows as JSON, those of the last part with more in them."""
    rows = []
    for at, line in enumerate(lines):
        row: dict[str, Any] = {name: value or None for name, value in zip(names, line.strip().split(","), strict=True)}
        row |= {"l": [None, 2.0] if row["k"] == "0" else [float(row["f"]), 2.0], "s": {"a": row["n"], "b": int(row["k"] or 0)}, "j": json.dumps({"v": row["n"]}),
                "ls": [{"x": int(row["k"] or 0)}]}
        row["k"] = row["k"] and int(row["k"]) + (5_000_000_000 if part == 2 and at % 6 == 0 else 0)
        if part == 2:
            row |= {"extra": row["n"], "s": row["s"] | {"c": row["n"]}, "ls": [row["ls"][0] | {"y": row["n"]}], "d": "12345678901.50"}
        if part == 0:
            row["holder"] = row.pop("owner")
        rows.append(json.dumps(row) + "\n")
    return "".join(rows)


def grow(project: Project, lines: list[str], names: list[str]) -> None:
    project.write("zones/shop/sources/g.yml", GROWN.format(owner=OWNER_WAS[0]))
    parts = [lines[:ROWS // 3], lines[ROWS // 3:ROWS // 2], lines[ROWS // 2:]]
    project.drop("shop", "g_0.jsonl", grown_rows(parts[0], names, 0))
    project.lode("run")
    project.write("zones/shop/sources/g.yml", GROWN.format(owner=OWNER_WAS[1]))
    for part in (1, 2):
        project.drop("shop", f"g_{part}.jsonl", grown_rows(parts[part], names, part))
        project.lode("run")
    files = [path for path in project.store.glob("tables/*/data/*.parquet") if "holder" not in (schema := pyarrow.parquet.read_schema(path)).names and "ls" in schema.names]
    assert {str(pyarrow.parquet.read_schema(path).field("s").type.num_fields) for path in files} == {"2", "3"}
    types = {column["name"]: column["type"] for column in project.json("show", "shop.staging.g")["columns"]}
    assert (types["k"], types["d"], types["s"]) == ("bigint", "decimal(18,2)", "struct<a text, b int, c text>"), types
    assert types["ls"] == "list<struct<x int, y text>>" and {"owner", "region", "extra"} <= set(types) and "holder" not in types, types


def twin(folder: Path, poisoned: bool) -> Project:
    project = make_project(folder)
    project.write("zones/shop/zone.yml", "owner: oz\n")
    project.write("zones/shop/sources/raw.yml", SOURCE)
    project.write("zones/shop/sources/ent.yml", "from: ingress/ent*.csv\nformat: csv\ncolumns:\n  login: text\n  whose: text\n")
    project.write("zones/shop/canonical/t.sql", MODEL)
    project.write("zones/shop/access.yml", "rules: []\n")
    header = SOURCE.split("columns:\n")[1].replace(" ", "").splitlines()
    names = [line.split(":")[0] for line in header]
    lines = raw(poisoned)
    tables = {role: TABLES[role].removeprefix("shop.") if role == "grown" else "canonical.t, staging.raw" for role in FILTERS}
    project.write("zones/shop/access.yml", "rules:\n" + "".join(RULE.format(role=role, rows=rows, tables=tables[role]) for role, rows in FILTERS.items()))
    for part, some in enumerate((lines[:ROWS // 2], lines[ROWS // 2:])):
        project.drop("shop", f"raw_{part}.csv", ",".join(names) + "\n" + "".join(some))
        project.lode("run")  # each delivery a file, in an order that its hash does not choose
    grow(project, lines, names)
    project.drop("shop", "ent_1.csv", "login,whose\nentitled,c1\nrelated,c1\nsomebody,c2\n" + ("somebody,c1\n" if poisoned else "another,c1\n"))
    project.lode("run")
    for role in FILTERS:
        project.lode("role", "add", role)
        add_user(project, role, "--role", role, "--attr", f"owner={OWNERS[role]}")
    add_user(project, "ann", "--role", "admin")
    if poisoned:  # last, so that the numbers of what both have are the same
        project.write("zones/secret/zone.yml", "owner: eve\n")
        project.write("zones/secret/canonical/heist.sql", "select 1 as gold\n")
        project.write("zones/shop/canonical/hidden.sql", "select 2 as silver\n")
        project.lode("run")
    return project


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    folder = tmp_path_factory.mktemp("twins")
    with ExitStack() as stack:
        yield tuple(stack.enter_context(serving(twin(folder / str(poisoned), poisoned))) for poisoned in (False, True))


EXPRESSIONS = [
    "cast({t}.n as int)", "cast({t}.n as bigint) + 1", "{t}.n::double", "try_cast({t}.n as int)", "1 // {t}.k", "10 % {t}.k", "1.0 / {t}.k", "ln({t}.k)",
    "sqrt({t}.k - 1)", "{t}.big * 2", "{t}.big + {t}.k", "abs({t}.big)", "cast({t}.big as int)", "{t}.big::smallint", "cast({t}.d as decimal(4,2))",
    "{t}.d * {t}.d", "cast({t}.f as int)", "{t}.f * {t}.f", "epoch_ns({t}.day)", "epoch_us({t}.day)", "epoch_ns({t}.ts)", "epoch_ms({t}.ts)",
    "{t}.day + 1", "{t}.day - date '2020-01-01'", "date_trunc('month', {t}.day)", "cast({t}.day as timestamp_ns)", "year({t}.day)",
    "date_diff('day', {t}.day, date '2026-01-01')", "date_sub('month', {t}.day, date '2026-01-01')", "strftime({t}.day, '%Y')", "age({t}.ts)", "to_timestamp({t}.k)",
    "make_date({t}.k, {t}.k, {t}.k)", "make_date(2026, {t}.k, 1)", "regexp_matches({t}.n, '^[0-9]')", "regexp_matches('x', {t}.n)",
    "regexp_extract('abc', {t}.n)", "regexp_replace('x', {t}.n, 'y')", "{t}.n ~ '[0-9]'", "'x' ~ {t}.n", "{t}.n similar to '[0-9]'",
    "string_split_regex('a b', {t}.n)", "{t}.n like '%1%'", "like_escape('a', {t}.n, '$')", "upper({t}.n)", "length({t}.n)", "left({t}.n, {t}.k)",
    "substring({t}.n, {t}.k)", "repeat({t}.n, {t}.k)", "lpad({t}.n, {t}.k, 'x')", "hamming({t}.n, '1')", "jaccard({t}.n, '123')", "levenshtein({t}.n, '1')",
    "strptime({t}.n, '%d')", "unhex({t}.n)", "from_base64({t}.n)", "to_base({t}.k, 2)", "to_base({t}.big, 16)", "chr({t}.k)", "ascii({t}.n)",
    "bar({t}.k, 0, 10)", "format('{{}}', {t}.n)", "printf('%d', {t}.k)", "json_extract({t}.j, '$.v')", "json_extract('{{}}', '$.' || {t}.n)",
    "({t}.j::json ->> 'v')::int", "json({t}.n)", "{t}.l[1]", "list_sum({t}.l)", "list_inner_product({t}.l, {t}.l)", "list_cosine_similarity({t}.l, {t}.l)",
    "{t}.s.c::int", "10 // {t}.s.b", "1 // {t}.ls[1].x", "{t}.ls[1].y::int", "{t}.extra::int", "list_distance({t}.l, {t}.l)", "list_extract({t}.l, {t}.k)", "list_transform({t}.l, x -> 1 // x::int)", "list_reduce({t}.l, (x, y) -> x + y)",
    "list_sort({t}.l)", "array_to_string({t}.l, ',')", "{t}.s.a::int", "{t}.s.b // {t}.s.b", "struct_extract({t}.s, 'a')::int", "{t}.m['EU'] // {t}.m['EU']",
    "map_keys({t}.m)", "element_at({t}.m, 'EU')", "range({t}.k)", "factorial({t}.k)", "gamma({t}.k)", "{t}.k << 3", "bit_count({t}.big)",
    "case when {t}.k > 0 then 1 // {t}.k end", "coalesce({t}.k, 1)", "nullif({t}.k, 0)", "greatest({t}.k, {t}.big)", "hash({t}.n)", "md5({t}.n)",
    "{t}.b and 1 // {t}.k = 1", "{t}.region || {t}.n", "concat_ws('-', {t}.n, {t}.k)", "typeof({t}.n)", "{t}.k between 1 and 3", "{t}.k in (1, 2)",
    "{t}.k is null", "{t}.k is distinct from 2", "{t}.day < date '2026-01-05'", "{t}.big < 0",
]
MASKED = ["{t}.email", "{t}.email::int", "length({t}.email)", "{t}.age // {t}.age", "{t}.age + 1", "1 // ({t}.age - 20)", "left({t}.email, 3)",
          "{t}.email like '%x0%'", "{t}.age < 30", "{t}.email > 'us'", "{t}.salary", "{t}.salary + 1", "to_json({t}.email)"]
SHAPES = [
    "select {e} as x from {T} t", "select {e} as x from {T} t order by t.id limit 5", "select t.id from {T} t where ({e}) is not null order by t.id limit 9",
    "select count(*) from {T} t where ({e})::text = '1'", "select count({e}), min(({e})::text), max(({e})::text) from {T} t",
    "select ({e})::text as x, count(*) from {T} t group by 1 order by 1", "select distinct ({e})::text as x from {T} t order by 1",
    "select t.region, count(*) from {T} t group by t.region having max(({e})::text) > '1' order by 1",
    "select t.id from {T} t order by ({e})::text nulls last, t.id limit 3", "select t.id from {T} t where t.k >= 1 or ({e})::text = '1' order by 1 limit 7",
    "select t.id from {T} t where not (t.k < 0) and ({e})::text <> '1' order by 1 limit 7",
    "select count(*) from {T} t join {T} u on t.id = u.id + 2 and ({e})::text = u.n",
    "select count(*) from {T} u left join {T} t on t.id = u.id and ({e}) is not null", "select count(*) from {T} t where exists (select 1 from {T} u where u.id = t.id + 2 and ({e}) is not null)",
    "select count(*) from {T} t where t.id in (select t.id from {T} t where ({e})::text > '0')", "select (select max(({e})::text) from {T} t) as x",
    "select u.id, (select count(({e})) from {T} t where t.id = u.id) from {T} u order by u.id limit 3",
    "with t as (select * from {T}) select sum(length(({e})::text)) from t", "with t as materialized (select * from {T}) select count(*) from t where ({e})::text <> 'a'",
    "select x from (select ({e})::text as x from {T} t union all select 'a') order by x limit 4",
    "select count(*) from (select ({e})::text from {T} t intersect select ({e})::text from {T} t)",
    "select t.id, row_number() over (order by ({e})::text, t.id) from {T} t order by t.id limit 4",
    "select t.id, lag(({e})::text) over (partition by t.region order by t.id) from {T} t order by t.id limit 4",
    "select sum(1) filter (where ({e})::text = '1') from {T} t", "select case when t.k > 100 then ({e})::text else 'x' end, count(*) from {T} t group by 1 order by 1",
    "select count(*) from {T} u, lateral (select ({e}) as x from (select u.*) t) v where v.x is not null", "select count(*) from {T} t where ({e}) is null or 1 // 0 = 1",
    "select count(*) from {T} t, (select 1 as one) o where ({e})::text = o.one::text", "select list(({e})::text order by t.id)[1:3] from {T} t",
    "select t.id from {T} t where t.owner = 'c2' and ({e}) is not null",
]
BARE = [
    "select * from {T} t order by t.id limit 20", "select count(*), min(t.k), max(t.k), min(t.big), max(t.big), min(t.day), max(t.ts), min(t.f) from {T} t",
    "select approx_count_distinct(t.n), approx_quantile(t.k, 0.5), mode(t.n), histogram(t.k) from {T} t", "select t.n, count(*) from {T} t group by all order by all",
    "select bit_and(t.k), product(t.k), string_agg(t.n, ',' order by t.id) from {T} t", "select count(*) from {T} t where t.k >= 1 or 1 // 0 = 1",
    "select count(*) from {T} t where t.owner = 'c2'", "select count(*) from {T} tablesample 10 percent (bernoulli, 7)", "select owner, count(*) from {T} group by owner",
    # two conditions of which one fails on what may be seen and the other, by what hidden rows hold, may be known to hold for none
    "select count(*) from {T} t join {T} u on t.id = u.id where t.big < 0 and 1 // (u.id - u.id) = 1",
    "select count(*) from {T} u join {T} t on t.id = u.id where t.day > date '9000-01-01' and 10 // (u.k - u.k) > 1",
    "select count(*) from {T} t join {T} u on t.k = u.k where t.k = 0 and 1 // (u.id - u.id) = 1",
    "select count(*) from {T} t left join {T} u on t.id = u.id and u.f < 0 where 1 // (t.id - t.id) = coalesce(u.k, 1)",
    "select count(*) from (select id, big from {T} where big < -1 order by big limit 3) t join {T} u on t.id = u.id where cast(u.region as int) = 1",
    "select t.k, u.k from {T} t join {T} u on t.n = u.n group by all order by all limit 5", "select t.n from {T} t, {T} u where t.id = u.id and u.id = 4",
]
CATALOG = [
    "select * from information_schema.columns where table_schema not in ('pg_catalog', 'information_schema') order by table_schema, table_name, ordinal_position",
    "select * from information_schema.tables order by table_schema, table_name", "select * from lode.tables", "select * from lode.columns", "select * from lode.deliveries",
    "select * from lode.commits", "select * from lode.runs", "select * from lode.quarantine", "select oid, relname, relpages, reltuples from pg_class order by oid",
    "select * from pg_attribute order by attrelid, attnum", "select * from pg_stats", "select * from pg_database", "select * from pg_namespace",
    "select pg_relation_size('\"shop.canonical\".t'::regclass)", "select * from pg_views where schemaname like 'shop%'",
    "explain select * from shop.canonical.t where big < 0", "explain select * from shop.staging.raw where day > date '9000-01-01'",
    "explain analyze select count(*) from shop.canonical.t", "explain select * from shop.staging.g where k < 0", "select _file from shop.canonical.t limit 1", "select _row from shop.staging.raw limit 1",
    "select salary from shop.canonical.t", "select t.salary from shop.canonical.t t", "select shop.canonical.t.salary from shop.canonical.t", "select salry from shop.canonical.t",
    "select * from secret.canonical.heist", "select * from secret.canonical.hest", "select * from shop.canonical.hidden", "select * from shop.canonical.hiden",
    "select * from shop.quarantine.raw", "select * from shop.staging.ent", "select * from shop.landing.raw", "select 'shop.canonical.hidden'::regclass",
    "select to_regclass('\"secret.canonical\".heist')", "select stats(k) from shop.canonical.t", "select bitstring_agg(k) from shop.canonical.t",
    "select lode_hash('x')", "select rowid from shop.canonical.t", "select file_row_number from shop.canonical.t", "select filename from shop.canonical.t",
    "select _lode_rows.salary from shop.canonical.t", "select count(*) from shop.canonical.t where salary = 1", "select * from shop.canonical.t order by salary limit 1",
    "select * exclude (id) from shop.canonical.t order by id limit 2", "select columns('s.*') from shop.canonical.t limit 1", "select t from shop.canonical.t t order by t.id limit 2",
    "with ent as (select 'one' as login, 'c2' as owner) select count(*) from shop.canonical.t, ent", "with _lode_entitled_0 as (select 'c2' as owner) select count(*) from shop.canonical.t",
    "select count(*) from (select 'c2' as owner) o, lateral (select * from shop.canonical.t) t", "select (select count(*) from shop.canonical.t where owner = o.owner) from (select 'c2' as owner) o",
]


def corpus(count: int, table: str) -> list[str]:
    """Every shape and every expression some of the time, all of them when the count allows."""
    pairs = list(itertools.product(SHAPES, EXPRESSIONS + MASKED))
    random.Random(17).shuffle(pairs)
    chosen = pairs[:count]
    return ([shape.format(e=expression.format(t="t"), T=table) for shape, expression in chosen] + [bare.format(T=table) for bare in BARE])


Reply = list[tuple[str, bytes]]


def reply(wire: Wire, sql: str) -> Reply:
    wire.send(*query(sql))
    return wire.until("Z")


def description(wire: Wire, sql: str) -> Reply:
    for message in (parse(sql), describe("S"), SYNC):
        wire.send(*message)
    return wire.until("Z")


def differ(first: Reply, second: Reply) -> bool:
    """More than in the order of rows, which nobody promised: that is counted apart."""
    return first != second and sorted(first) != sorted(second)


def differ_always(wires: list[Wire], sql: str, first: Reply, second: Reply) -> bool:
    """Not where one store answers now so, now so, and the other the same ways: mode() of equally many, by two threads."""
    seen = [{repr(sorted(first))}, {repr(sorted(second))}]
    for _ in range(12):
        if seen[0] & seen[1]:
            return False
        for answers, wire in zip(seen, wires, strict=True):
            answers.add(repr(sorted(reply(wire, sql))))
    return not seen[0] & seen[1]


def shown(user: str, sql: str, first: Reply, second: Reply) -> str:
    return f"{user}: {sql}\n{first[:9]!r:.600}\n{second[:9]!r:.600}"


@counts("LODE_PAIRS", few=60, many=3000, seconds=3600)
def test_what_is_hidden_changes_no_byte(twins: tuple[Server, Server], count: int) -> None:
    asked = answered = other_order = 0
    for user in FILTERS:
        wires = [Wire(server.port, user, "lode") for server in twins]
        table = TABLES.get(user, "shop.canonical.t")
        for sql in corpus(count, table):
            first, second = (reply(wire, sql) for wire in wires)
            asked += 1
            answered += first[-2][0] == "C"
            other_order += first != second
            assert not differ(first, second) or not differ_always(wires, sql, first, second), shown(user, sql, first, second)
        for wire in wires:
            wire.close()
    print(f"{asked} asked, {answered} answered, {other_order} in another order of rows")
    assert answered > asked / 3, f"{answered} of {asked} were answered: the rest proves little"


def test_a_table_of_many_ages_is_answered(twins: tuple[Server, Server]) -> None:
    """By whom rows are hidden from, and by the administrator: what older files lack is NULL."""
    visible = [at for at in range(0, ROWS, 2) if at % 11]
    new = sum(at >= ROWS // 2 for at in visible)
    expected = [(str(len(visible)), str(new), str(len(visible) - new), "BIGINT")]
    for server in twins:
        for user, where in (("grown", ""), ("ann", " where owner = 'c1' and k is not null")):
            asked = (f"select count(*), count(s.c), count(*) filter (where extra is null and s.c is null and ls[1].y is null and d < 2), typeof(any_value(k)) "
                     f"from (select * from shop.staging.g{where} order by id)")
            wire = Wire(server.port, user, "lode")
            assert [rows_of(body) for kind, body in reply(wire, asked) if kind == "D"] == expected, reply(wire, asked)
            wire.close()


def rows_of(body: bytes) -> tuple[str, ...]:
    values, at = [], 2
    while at < len(body):
        size = int.from_bytes(body[at:at + 4], "big")
        values.append(body[at + 4:at + 4 + size].decode())
        at += 4 + size
    return tuple(values)


def test_catalogs_plans_and_refusals_are_the_same(twins: tuple[Server, Server]) -> None:
    for user in ("one", "entitled"):
        wires = [Wire(server.port, user, "lode") for server in twins]
        for sql in CATALOG:
            first, second = (reply(wire, sql) for wire in wires)
            assert first == second, shown(user, sql, first, second)
            if not sql.startswith("explain"):
                first, second = (description(wire, sql) for wire in wires)
                assert first == second, shown(f"describe, {user}", sql, first, second)
        for wire in wires:
            wire.close()


def test_the_corpus_finds_what_a_plain_filter_leaks(twins: tuple[Server, Server]) -> None:
    wires = [Wire(server.port, "ann", "lode") for server in twins]
    suspects = ["epoch_ns({t}.day)", "epoch_us({t}.day)", "list_inner_product({t}.l, {t}.l)", "list_cosine_similarity({t}.l, {t}.l)"]
    assert set(suspects) <= set(EXPRESSIONS)
    leaks = 0
    for shape, expression in itertools.product(SHAPES[:6], suspects):
        sql = shape.format(e=expression.format(t="t"), T=PLAIN)
        leaks += differ(reply(wires[0], sql), reply(wires[1], sql))
    assert leaks > 0
