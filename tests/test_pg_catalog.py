# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL's catalog, as Lode answers for it: what clients were recorded asking is asked of `lode query` and of a real
PostgreSQL with the same tables, and the rows are compared."""

import csv
import io
import json
import os
import pwd
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import postgres
import pytest
from conftest import Project, make_project
from postgres import NULL, Postgres

ORDERS = """about: What was ordered.
from: ingress/orders*.csv
columns:
  id: int required
  cust_id: int
  day: date
  placed: timestamp
  amount: decimal(9,2)
  rate: double
  paid: boolean
  note: text
"""
CUST = "from: ingress/cust*.csv\ncolumns:\n  id: int required\n  name: text\n"
MODELS = {
    "canonical/orders.sql": "-- about: One row per order.\nselect id, cust_id, day, placed, amount, rate, paid, note from staging.raw_orders\n",
    "canonical/cust.sql": "-- key: id\n-- column id: int required\nselect id, name from staging.raw_cust\n",
    "canonical/v.sql": "-- kind: view\nselect id, amount from canonical.orders\n",
    "analytical/pub.sql": "select count(*) as n from canonical.orders\n",
}
# The schema of the recordings is `sales`; its tables stand in these.
SCHEMA = "sales.canonical"
TYPES = {"int": "integer", "bigint": "bigint", "text": "character varying", "double": "double precision"}


# What a new PostgreSQL has and Lode has not, and where a client finds tables without their schema.
PLAIN = """
alter schema public owner to lode; comment on schema public is null; comment on database postgres is null;
update pg_namespace set nspacl = null where nspname = 'public';
drop extension plpgsql;
alter database postgres set search_path = public, "sales.staging", "sales.canonical", "sales.analytical";
"""


def make_sales(folder: Path) -> Project:
    project = make_project(folder)
    project.write("zones/sales/zone.yml", "owner: ann\n")
    project.write("zones/sales/sources/raw_orders.yml", ORDERS)
    project.write("zones/sales/sources/raw_cust.yml", CUST)
    for name, text in MODELS.items():
        project.write(f"zones/sales/{name}", text)
    project.drop("sales", "orders.csv", "id,cust_id,day,placed,amount,rate,paid,note\n"
                 "1,1,2026-01-02,2026-01-02 03:04:05,10.50,0.5,true,first\n2,2,2026-01-03,,99.99,,false,\nx,2,,,,,,not a number\n")
    project.drop("sales", "cust.csv", "id,name\n1,Ann\n2,Bo\n")
    project.json("run")
    return project


# The schema lode, as docs/catalog.md has it and in its order of columns.
OWN = {
    "audit": "sequence bigint, time timestamptz, principal text, service text, via text, action text, objects text[], columns text[], policy text,"
             " rows bigint, bytes bigint, decision text, statement text, hash text",
    "columns": 'zone text, stage text, "table" text, position integer, name text, type text, about text',
    "commits": "commit text, parent text, branch text, author text, time timestamptz, message text, git text, changes json",
    "deliveries": "zone text, source text, delivery bigint, name text, sha256 text, bytes bigint, state text, records bigint, accepted bigint,"
                  " quarantined bigint, skipped bigint, commit text, message text, landed_at timestamptz",
    "quarantine": 'zone text, source text, delivery bigint, name text, record bigint, line bigint, "offset" bigint, length bigint, sheet text,'
                  ' cell text, "column" text, rule text, message text, raw text, state text',
    "runs": "run bigint, branch text, commit text, state text, files json, models json, errors json",
    "tables": 'zone text, stage text, "table" text, kind text, rows bigint, files bigint, bytes bigint, commit text, changed_at timestamptz, about text',
}


def same_tables(project: Project) -> str:
    """What PostgreSQL is told, so that it has what Lode has; from what `show` says, not from the catalog under test."""
    sql = [PLAIN, 'create role "local:' + os_user() + '" superuser login;']
    sql.append("create schema lode;")
    sql += [f"create table lode.{name} ({columns});" for name, columns in OWN.items()]
    seen = set()
    for table in project.json("show", "table"):
        schema, full = f"{table['zone']}.{table['stage']}", f"{table['zone']}.{table['stage']}.{table['table']}"
        if schema not in seen:
            sql.append(f'create schema "{schema}";')
            seen.add(schema)
        shown = project.json("show", full)
        columns = [(c["name"], TYPES.get(c["type"], c["type"]), c["about"]) for c in shown["columns"]
                   if c["name"] not in ("_file", "_row")]
        name = f'"{schema}".{table["table"]}'
        if table["kind"] == "view":
            sql.append(f"create view {name} as select " + ", ".join(f"null::{t} as {c}" for c, t, _ in columns) + ";")
        else:
            required = {"id"} if table["table"] in ("raw_orders", "raw_cust") else set()
            sql.append(f"create table {name} (" + ", ".join(f"{c} {t}{' not null' if c in required else ''}" for c, t, _ in columns) + ");")
            if table["table"] == "cust":
                sql.append(f"alter table {name} add primary key (id);")
        if shown["about"]:
            kind = "view" if table["kind"] == "view" else "table"
            sql.append(f"comment on {kind} {name} is '{shown['about']}';")
    for source in ("raw_orders", "raw_cust"):
        sql.append('create schema if not exists "sales.quarantine";')
        columns = project.query("select column_name, data_type from information_schema.columns where table_schema ="
                                f" 'sales.quarantine' and table_name = '{source}' order by ordinal_position")
        sql.append(f'create table "sales.quarantine".{source} (' +
                   ", ".join(f'"{c["column_name"]}" {c["data_type"]}' for c in columns) + ");")
    return "\n".join(sql)


def os_user() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture(scope="module")
def sales(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_sales(tmp_path_factory.mktemp("catalog"))


@pytest.fixture(scope="module")
def judge(sales: Project) -> Iterator[Postgres]:
    with postgres.running() as server:
        server.psql(same_tables(sales))
        server.psql("create database lode; create database sales; update pg_database set datistemplate = false;")
        server.psql("drop database template0; drop database template1;")
        yield server


# ---- the recordings ----

def recorded(folder: Path) -> list[tuple[str, str]]:
    """(client, statement): each SELECT that asks the catalog, once."""
    found: dict[str, str] = {}
    for log in sorted(folder.glob("*.log")):
        for record in re.split(r"^(?=\[\d+\] (?:F|B|end)|== )", log.read_text(), flags=re.M):
            asked = re.match(r"\[\d+\] F (?:Query|Parse name='[^']*' oids=\[[^]]*\]) (.*)", record, re.S)
            sql = asked[1].rstrip("\n") if asked else ""
            if re.match(r"\s*(select|with)\b", sql, re.I) and re.search(
                    r"\bpg_(?!sleep|advisory)|information_schema|current_|version\(\)", sql, re.I):
                found.setdefault(sql, log.stem)
    return [(client, sql) for sql, client in found.items()]


# Values for the parameters of recorded statements, which the recordings do not hold.
PARAMETERS = {"asyncpg": "'{1043,1700,16}'", "psycopg3": "'numeric'", "jdbc": "1043"}

# Statements that cannot be equal, by a part of each, and why.
DIFFERENT = {
    "'sales.f'": "there are no functions of users'",
    "get_viewdef": "a view is what its author wrote",
    "relkind IN ('r','p','t','s','')": "there are no TOAST tables",
    "as PROCEDURE_SCHEM": "only those procedures are listed that other rows name",
    "version()": "says that it is Lode",
    "mood": "there are no types of users'",
}


def reason(sql: str) -> str | None:
    return next((why for part, why in DIFFERENT.items() if part in sql), None)


class Numbers:
    """OIDs of either side by what they are of, so that one side's can be read as the other's."""

    QUERY = ("select 'c', n.nspname || '.' || c.relname, c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n"
             " on n.oid = c.relnamespace where c.oid >= 16384 union all select 't', n.nspname || '.' || t.typname, t.oid"
             " from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace where t.oid >= 16384"
             " union all select 'n', nspname, oid from pg_catalog.pg_namespace where oid >= 16384"
             " union all select 'd', datname, oid from pg_catalog.pg_database where oid >= 5 or datname = 'postgres'")

    def __init__(self, project: Project, server: Postgres) -> None:
        ours = {(k, n): o for k, n, o in (row.values() for row in project.query(self.QUERY))}
        theirs = {(k, n): int(o) for k, n, o in csv.reader(io.StringIO(server.psql(self.QUERY).stdout))}
        self.ours, self.theirs = ours, theirs
        self.as_theirs = {str(oid): str(theirs[key]) for key, oid in ours.items() if key in theirs and oid >= 16384}

    def fit(self, sql: str, numbers: dict[tuple[str, str], int]) -> str:
        """The recordings' numbers are those of their server: orders, cust, v and pub there."""
        recorded_as = {"16392": "orders", "16385": "cust", "16405": "v", "16410": "pub"}
        def number(match: re.Match[str]) -> str:
            name = recorded_as[match[0]]
            return str(numbers["c", f"sales.analytical.{name}" if name == "pub" else f"{SCHEMA}.{name}"])
        return re.sub(r"\b(16392|16385|16405|16410)\b", number, sql)


def cell(value: Any, numbers: Numbers) -> str:
    """A value of Lode's JSON as PostgreSQL prints it."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, list):
        return "{" + ",".join("NULL" if v is None else cell(v, numbers) for v in value) + "}"
    if isinstance(value, str) and re.fullmatch(r"\[.*\]", value):
        return cell(json.loads(value), numbers)
    if isinstance(value, float):
        value = f"{value:g}"
    return numbers.as_theirs.get(str(value), str(value))


def alike(value: str) -> str:
    """Sizes are those of Parquet files, so that there is one is all that can be alike. 1 2, as int2vector prints, takes the
    form of other arrays."""
    value = re.sub(r"^\d+ (bytes|[kMGT]B)$", "a size", value)
    return "{" + value.replace(" ", ",") + "}" if re.fullmatch(r"\d+( \d+)*", value) else value


def rows_of(project: Project, sql: str, numbers: Numbers) -> Counter[tuple[str, ...]] | str:
    answer = project.lode("query", "-o", "json", sql, check=False)
    if answer.exit != 0:
        return answer.error["message"]
    return Counter(tuple(alike(cell(v, numbers)) for v in row.values()) for row in answer.json)


def rows_of_server(server: Postgres, sql: str) -> Counter[tuple[str, ...]] | str:
    done = server.psql(sql.rstrip().rstrip(";") + ";", check=False)
    if done.returncode != 0:
        return done.stderr
    return Counter(tuple(alike(v) for v in row) for row in csv.reader(io.StringIO(done.stdout)))


@pytest.fixture(scope="module")
def numbers(sales: Project, judge: Postgres) -> Numbers:
    return Numbers(sales, judge)


def test_recorded_statements_answer_as_postgres_does(sales: Project, judge: Postgres, numbers: Numbers, test_data: Path) -> None:
    def ask(item: tuple[str, str]) -> tuple[str, str, Any, Any]:
        client, sql = item
        sql = re.sub(r"\$1\b", PARAMETERS.get(client, "NULL"), sql)
        sql = re.sub(r"\bsales\b(?=[')])", SCHEMA, sql)
        return (client, sql, rows_of(sales, numbers.fit(sql, numbers.ours), numbers),
                rows_of_server(judge, numbers.fit(sql, numbers.theirs)))
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(ask, recorded(test_data / "pg-clients")))
    compared = [(c, s, ours, theirs) for c, s, ours, theirs in answers if not isinstance(theirs, str)]
    different = [(c, s, ours, theirs) for c, s, ours, theirs in compared if ours != theirs]
    for client, sql, ours, theirs in different:
        print(f"\n== {client}: {reason(sql) or 'NOT KNOWN WHY'}\n{' '.join(sql.split())[:300]}")
        if isinstance(ours, str):
            print("   fails:", ours)
        else:
            print("   only here: ", list((ours - theirs).items())[:3], "\n   only there:", list((theirs - ours).items())[:3])
    equal = len(compared) - len(different)
    print(f"\n{equal} of {len(compared)} recorded statements are answered as by PostgreSQL"
          f" ({len(answers) - len(compared)} more it does not answer itself)")
    assert not [sql for _, sql, _, _ in different if not reason(sql)]
    assert equal >= 0.95 * len(compared)

# ---- what tools ask that were not recorded ----

# In our own words, after what they were seen to ask (Npgsql, Power BI, Metabase, Grafana, DBeaver, tokio-postgres).
ASKED = {
    "types for a driver": """
        select ns.nspname, a.typname, a.oid, a.typbasetype, case when p.proname = 'array_recv' then 'a' else a.typtype end,
               case when p.proname = 'array_recv' then a.typelem when a.typtype = 'r' then rngsubtype else 0 end, b.typname
        from pg_type as a join pg_namespace as ns on ns.oid = a.typnamespace join pg_proc as p on p.oid = a.typreceive
        left join pg_type as b on b.oid = a.typelem left join pg_range as r on r.rngtypid = a.oid
        where a.typtype in ('b', 'r', 'e', 'd') and (b.typtype is null or b.typtype in ('b', 'r', 'e', 'd'))""",
    "types for Npgsql 8": """
        select ns.nspname, t.oid, t.typname, t.typtype, t.typnotnull, t.elemtypoid from (
            select typ.oid, typ.typnamespace, typ.typname, typ.typtype, typ.typrelid, typ.typnotnull, typ.relkind, elemtypoid, elem.typname as elemname,
                   elemcls.relkind as elemkind, case when elemproc.proname = 'array_recv' then 'a' else elem.typtype end as elemtype
            from (select typ.oid, typnamespace, typname, typrelid, typnotnull, relkind, typelem as elemoid,
                         case when proc.proname = 'array_recv' then 'a' else typ.typtype end as typtype,
                         case when proc.proname = 'array_recv' then typ.typelem when typ.typtype = 'r' then rngsubtype
                              when typ.typtype = 'm' then (select rngtypid from pg_range where rngmultitypid = typ.oid)
                              when typ.typtype = 'd' then typ.typbasetype end as elemtypoid
                  from pg_type as typ left join pg_class as cls on (cls.oid = typ.typrelid) left join pg_proc as proc on proc.oid = typ.typreceive
                  left join pg_range on (pg_range.rngtypid = typ.oid)) as typ
            left join pg_type as elem on elem.oid = elemtypoid left join pg_class as elemcls on (elemcls.oid = elem.typrelid)
            left join pg_proc as elemproc on elemproc.oid = elem.typreceive) as t
        join pg_namespace as ns on (ns.oid = typnamespace)
        where typtype in ('b', 'r', 'm', 'e', 'd') or (typtype = 'c' and relkind = 'c') or (typtype = 'p' and typname in ('record', 'void', 'unknown'))
              or (typtype = 'a' and (elemtype in ('b', 'r', 'm', 'e', 'd') or (elemtype = 'p' and elemname in ('record', 'void')) or (elemtype = 'c' and elemkind = 'c')))
        order by case when typtype in ('b', 'e', 'p') then 0 when typtype = 'r' then 1 when typtype = 'm' then 2 when typtype = 'c' then 3
                      when typtype = 'd' and elemtype <> 'a' then 4 when typtype = 'a' then 5 when typtype = 'd' and elemtype = 'a' then 6 end""",
    "composite types for Npgsql": """
        select typ.oid, att.attname, att.atttypid from pg_type as typ join pg_namespace as ns on (ns.oid = typ.typnamespace)
        join pg_class as cls on (cls.oid = typ.typrelid) join pg_attribute as att on (att.attrelid = typ.typrelid)
        where (typ.typtype = 'c' and cls.relkind = 'c') and attnum > 0 and not attisdropped order by typ.oid, att.attnum""",
    "enums for Npgsql": "select pg_type.oid, enumlabel from pg_enum join pg_type on pg_type.oid = enumtypid order by oid, enumsortorder",
    "parents for Power BI": """
        select pk.TABLE_SCHEMA as PK_SCHEMA, pk.TABLE_NAME as PK_TABLE, pk.COLUMN_NAME as PK_COLUMN, fk.COLUMN_NAME as FK_COLUMN, fk.ORDINAL_POSITION as ORDINAL,
               con.CONSTRAINT_SCHEMA || '_' || fk.TABLE_NAME || '_' || con.CONSTRAINT_NAME as FK_NAME
        from (select distinct CONSTRAINT_CATALOG, CONSTRAINT_SCHEMA, UNIQUE_CONSTRAINT_SCHEMA, CONSTRAINT_NAME, UNIQUE_CONSTRAINT_NAME
              from INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS) con
        inner join (select distinct TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION, CONSTRAINT_NAME, CONSTRAINT_SCHEMA
                    from INFORMATION_SCHEMA.KEY_COLUMN_USAGE) fk
        on con.CONSTRAINT_SCHEMA = fk.CONSTRAINT_SCHEMA and con.CONSTRAINT_NAME = fk.CONSTRAINT_NAME
        inner join (select distinct TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION, CONSTRAINT_NAME, CONSTRAINT_SCHEMA
                    from INFORMATION_SCHEMA.KEY_COLUMN_USAGE) pk
        on con.UNIQUE_CONSTRAINT_SCHEMA = pk.CONSTRAINT_SCHEMA and con.UNIQUE_CONSTRAINT_NAME = pk.CONSTRAINT_NAME
        where fk.TABLE_SCHEMA = 'sales.canonical' and fk.TABLE_NAME = 'orders' and pk.ORDINAL_POSITION = fk.ORDINAL_POSITION
        order by FK_NAME, fk.ORDINAL_POSITION""",
    "columns for Power BI": """
        select COLUMN_NAME, ORDINAL_POSITION, IS_NULLABLE, case when (data_type like '%unsigned%') then DATA_TYPE || ' unsigned' else DATA_TYPE end as DATA_TYPE,
               CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE from INFORMATION_SCHEMA.columns
        where TABLE_SCHEMA = 'sales.canonical' and TABLE_NAME = 'orders' order by TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION""",
    "one type": """
        SELECT t.typname, t.typtype, t.typelem, r.rngsubtype, t.typbasetype, n.nspname, t.typrelid FROM pg_catalog.pg_type t
        LEFT OUTER JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
        INNER JOIN pg_catalog.pg_namespace n ON t.typnamespace = n.oid WHERE t.oid = 1009""",
    "every type": "select oid, typname, typlen, typbyval, typtype, typcategory, typdelim, typelem, typarray, typcollation,"
                  " typinput::text, typalign, typstorage, typnotnull, typtypmod from pg_type",
    "every column of the catalog": """
        select n.nspname, c.relname, a.attname, a.attnum, a.atttypid::regtype::text, a.attlen, a.attnotnull, a.attndims
        from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('pg_catalog', 'information_schema') and c.relkind in ('r', 'v') and a.attnum > 0""",
    "tables": """
        select TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE from INFORMATION_SCHEMA.tables
        where TABLE_SCHEMA not in ('information_schema', 'pg_catalog') order by TABLE_SCHEMA, TABLE_NAME""",
    "columns": """
        select table_name, column_name, ordinal_position, is_nullable, udt_name,
               case when (data_type like '%unsigned%') then data_type || ' unsigned' else data_type end as data_type,
               numeric_precision, numeric_scale, datetime_precision, character_maximum_length, column_default
        from information_schema.columns where table_schema like 'sales.%' and table_schema <> 'sales.quarantine'
        and table_name <> 'v'""",
    "keys": """
        select i.CONSTRAINT_SCHEMA || '_' || i.CONSTRAINT_NAME as INDEX_NAME, ii.COLUMN_NAME, ii.ORDINAL_POSITION,
               case when i.CONSTRAINT_TYPE = 'PRIMARY KEY' then 'Y' else 'N' end as PRIMARY_KEY
        from INFORMATION_SCHEMA.table_constraints i inner join INFORMATION_SCHEMA.key_column_usage ii
        on i.CONSTRAINT_SCHEMA = ii.CONSTRAINT_SCHEMA and i.CONSTRAINT_NAME = ii.CONSTRAINT_NAME
        where i.TABLE_SCHEMA = 'sales.canonical' and i.CONSTRAINT_TYPE in ('PRIMARY KEY', 'UNIQUE')""",
    "references": """
        select fk.table_name, fk.column_name from information_schema.referential_constraints rc
        join information_schema.key_column_usage fk on rc.constraint_name = fk.constraint_name""",
    "character sets": "select character_set_name from INFORMATION_SCHEMA.character_sets",
    "schemata": "select schema_name from information_schema.schemata where schema_name !~ '^pg_toast'",
    "readable tables": """
        with t as (select n.nspname as schema, c.relname as name from pg_catalog.pg_class c
                   join pg_catalog.pg_namespace n on c.relnamespace = n.oid where c.relkind in ('r', 'p', 'v', 'f', 'm'))
        select t.schema, t.name from t where t.schema <> 'information_schema' and t.schema !~ '^pg_'
        and has_any_column_privilege(current_user, '"' || replace(t.schema, '"', '""') || '".' || quote_ident(t.name), 'select')""",
    "columns of the schema lode": """
        select c.relname, c.relkind, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod), a.attndims, a.attnotnull, i.data_type, i.udt_name
        from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
        join information_schema.columns i on i.table_schema = n.nspname and i.table_name = c.relname and i.column_name = a.attname
        where n.nspname = 'lode' and a.attnum > 0""",
    "tables by view": "select schemaname, tablename, tableowner, hasindexes from pg_tables where schemaname like 'sales.%'",
    "views by view": "select schemaname, viewname, viewowner from pg_catalog.pg_views where schemaname like 'sales.%'",
    "materialized views": "select * from pg_matviews",
    "databases": "SELECT db.datname, db.encoding, db.datallowconn, db.datcollate FROM pg_catalog.pg_database db"
                 " WHERE datallowconn AND NOT datistemplate ORDER BY db.datname",
    "schemas with comments": """
        SELECT n.nspname, d.description FROM pg_catalog.pg_namespace n LEFT OUTER JOIN pg_catalog.pg_description d
        ON d.objoid = n.oid AND d.objsubid = 0 AND d.classoid = 'pg_namespace'::regclass where n.oid > 16000""",
    "relations with comments": """
        SELECT c.relname, c.relkind, c.relnatts, c.relhasindex, c.relispartition, d.description,
               pg_catalog.pg_get_expr(c.relpartbound, c.oid) as partition_expr, pg_catalog.pg_get_partkeydef(c.oid) as partition_key
        FROM pg_catalog.pg_class c LEFT OUTER JOIN pg_catalog.pg_description d
        ON d.objoid = c.oid AND d.objsubid = 0 AND d.classoid = 'pg_class'::regclass
        WHERE c.relnamespace = '"sales.canonical"'::regnamespace AND c.relkind not in ('i', 'I', 'c')""",
    "settings": "select name, setting from pg_settings where name in ('max_index_keys', 'server_encoding', 'standard_conforming_strings')",
    "version": "select current_setting('server_version_num')::int >= 150000, split_part(version(), '.', 1)",
    "search path": "SELECT n.nspname = ANY (current_schemas(true)), n.nspname FROM pg_catalog.pg_namespace n WHERE n.nspname = 'pg_catalog'",
    "names as numbers": "select 'pg_class'::regclass::oid, 'pg_catalog.int4'::regtype::oid, 'integer'::regtype::oid,"
                        " to_regclass('no_such_table'), 'pg_catalog'::regnamespace::oid, 1259::regclass::text, 23::regtype::text",
    "texts and arrays": "select array_to_string(array['a', 'b'], ','), quote_ident('Select'), quote_ident('plain'),"
                        " array_upper('{1,2,3}'::int[], 1), 2 = any('{1,2}'::int[]), 'x' ~ '^X$', 'x' ~* '^X$', 'ab' !~ 'b',"
                        " pg_size_pretty(20000::bigint), format_type(1700, 655366), format_type(1043, 24), format_type(1184, 3)",
    "casts": "select castsource::regtype::text, casttarget::regtype::text, castcontext from pg_cast where castsource = 23",
    "types and relations by names put together": """
        select ('"' || nspname || '"."' || typname || '"')::"regtype"::text, (quote_ident(nspname) || '.' || quote_ident(typname))::regtype::text,
               (typname || '')::regtype::text, ('"char' || '"')::regtype::text,
               (quote_ident(current_database()) || '.' || quote_ident(nspname) || '.' || quote_ident('pg_class'))::regclass::text,
               ('"' || current_database() || '"."' || nspname || '"."' || 'pg_class' || '"')::regclass::text, ('"' || nspname || '"."' || 'pg_class' || '"')::regclass::text
        from pg_type t join pg_namespace n on n.oid = t.typnamespace where typname in ('int4', 'varchar', 'timestamptz', 'oid', 'name')""",
    "visible": "select relname from pg_class where pg_table_is_visible(oid) and relname in ('orders', 'pg_class', 'tables', 'cust')",
    "privileges": "select has_table_privilege('pg_class', 'select'), has_schema_privilege('public', 'usage'), pg_has_role('lode', 'usage')",
}


@pytest.mark.parametrize("what", ASKED)
def test_what_tools_ask_is_answered_as_by_postgres(sales: Project, judge: Postgres, numbers: Numbers, what: str) -> None:
    ours, theirs = rows_of(sales, ASKED[what], numbers), rows_of_server(judge, ASKED[what])
    assert not isinstance(theirs, str), theirs
    assert ours == theirs


@pytest.mark.parametrize("name", ['"sales.canonical".orders', "sales.canonical.orders", 'lode."sales.canonical".orders'])
def test_a_table_is_found_under_its_schemas_name_and_so_are_its_columns(sales: Project, name: str) -> None:
    assert sales.query(f"select {name}.id, {name}.note from {name} order by {name}.id limit 1") == [{"id": 1, "note": "first"}]


def test_system_relations_are_for_questions_and_not_for_models(sales: Project, tmp_path: Path) -> None:
    assert sales.query("select pg_catalog.pg_class.relname from pg_catalog.pg_class where oid = 1259") == [{"relname": "pg_class"}]
    assert sales.error("query", "select * from pg_catalog.pg_nothing")["code"] == "E203"
    other = make_project(tmp_path)
    other.write("zones/sales/zone.yml", "owner: ann\n")
    other.write("zones/sales/canonical/spy.sql", "select relname from pg_catalog.pg_class\n")
    assert other.error("run")["code"] != ""


def test_the_schema_lode_says_what_show_says(sales: Project) -> None:
    shown = [(t["zone"], t["stage"], t["table"], t["rows"], t["files"], t["bytes"], t["commit"]) for t in sales.json("show", "table")]
    asked = sales.query("select zone, stage, \"table\", rows, files, bytes, commit from lode.tables where kind <> 'quarantine'")
    assert sorted(map(tuple, (row.values() for row in asked)), key=str) == sorted(shown, key=str)
    shown = [(d["zone"], d["source"], d["delivery"], d["sha256"], d["accepted"]) for d in sales.json("show", "delivery")]
    asked = sales.query("select zone, source, delivery, sha256, accepted from lode.deliveries")
    assert sorted(map(tuple, (row.values() for row in asked))) == sorted(shown)
    logged = [(c["commit"], c["message"], c["changes"]) for c in sales.json("log")]
    asked = sales.query("select commit, message, changes from lode.commits order by time desc")
    assert [(c["commit"], c["message"], json.loads(c["changes"])) for c in asked] == logged
    shown = sales.json("show", "run")
    assert [(r["run"], r["state"]) for r in sales.query("select run, state from lode.runs")] == [(shown["run"], shown["state"])]
    shown = [list(q.values()) for q in sales.json("show", "quarantine")]
    assert len(shown) == 1
    asked = sales.query("select * from lode.quarantine")
    assert [(q.pop("sheet"), q.pop("cell")) for q in asked] == [(None, None)]  # of workbooks alone
    assert [list(q.values()) for q in asked] == shown
