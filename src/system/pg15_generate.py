#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Writes pg15_data.c: what PostgreSQL 15's catalog says of itself, read from a running server. Facts only: names, numbers
and types of its system relations, and the rows of those tables that clients join with (types, casts, languages ...).

  src/system/pg15_generate.py HOST PORT > src/system/pg15_data.c

Needs psql and a server whose databases nobody has added anything to.
"""
import subprocess
import sys

HOST, PORT = sys.argv[1:3]

RELATIONS = """
select c.oid, c.reltype, c.relkind, n.nspname, c.relname,
       (select string_agg(a.attname || ' ' || t.typname || case when a.attnotnull then '!' else '' end, ',' order by attnum)
        from pg_attribute a join pg_type t on t.oid = a.atttypid where a.attrelid = c.oid and attnum > 0)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'v') and n.nspname in ('pg_catalog', 'information_schema')
order by n.nspname desc, c.relname
"""

# The procedures that other rows name: of types, ranges, casts and languages.
PROCEDURES = """oid in (
    select unnest(array[typinput, typoutput, typreceive, typsend, typmodin, typmodout, typanalyze, typsubscript]::oid[])
    from pg_type
    union select unnest(array[rngcanonical, rngsubdiff]::oid[]) from pg_range
    union select castfunc::oid from pg_cast
    union select unnest(array[lanplcallfoid, laninline, lanvalidator]) from pg_language where lanname <> 'plpgsql'
    union select amhandler::oid from pg_am)"""

# table, condition on its rows, columns that differ between servers and what stands there instead
ROWS = [
    ("pg_type", "true", {}),
    ("pg_proc", PROCEDURES, {}),
    ("pg_cast", "true", {}),
    ("pg_range", "true", {}),
    ("pg_language", "lanname <> 'plpgsql'", {}),
    ("pg_am", "true", {}),
    ("pg_collation", "collname in ('default', 'C', 'POSIX', 'ucs_basic') and collencoding <= 6", {}),
    ("pg_tablespace", "true", {}),
]

KEYWORDS = "select word, catcode, barelabel, catdesc, baredesc from pg_get_keywords() order by 1"

SCHEMA = "select oid from pg_namespace where nspname = 'information_schema'"
TYPE_NAMES = "select oid, format_type(oid, null) from pg_type order by oid"

NUMBERS = {"oid", "xid", "regproc", "regclass", "regtype"}


def rows(sql):
    out = subprocess.run(["psql", "-XAt", "-h", HOST, "-p", PORT, "-U", "postgres", "-d", "postgres",
                          "-c", f"copy ({' '.join(sql.split())}) to stdout"], check=True, capture_output=True, text=True).stdout
    return [line.split("\t") for line in out.splitlines()]


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'


def array(name, lines):
    print(f"static const char *const {name}[] = {{")
    for line in lines:
        print(f"        {quoted(line)},")
    print("        NULL,\n};\n")


def vector(value, separator):
    """An array as the engine reads one: [1, 2]; texts are quoted where needed."""
    if value == "\\N":
        return value
    items = value.strip("{}").split(separator) if value.strip("{}") else []
    return "[" + ", ".join(items) + "]"


def table_rows(name, condition, columns, instead):
    chosen = [instead.get(c, f"{c}::oid" if t in NUMBERS else c) for c, t in columns]
    result = []
    for row in rows(f"select {', '.join(chosen)} from {name} where {condition} order by oid"
                    if columns[0][0] == "oid" else f"select {', '.join(chosen)} from {name} where {condition} order by 1"):
        for i, (_, kind) in enumerate(columns):
            if kind.startswith("_") or kind == "anyarray":
                row[i] = vector(row[i], ",")
            elif kind in ("int2vector", "oidvector"):
                row[i] = vector(row[i], " ")
        result.append("\t".join(row))
    return result


def main():
    relations = rows(RELATIONS)
    columns = {r[4]: [tuple(c.rstrip("!").split(" ")) for c in r[5].split(",")] for r in relations if r[3] == "pg_catalog"}
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Written by pg15_generate.py from a PostgreSQL 15: not to be edited. */")
    print("/* clang-format off */")
    print('#include "system/pg15.h"\n')
    for name, condition, instead in ROWS:
        array(f"rows_of_{name}", table_rows(name, condition, columns[name], instead))
    array("rows_of_keywords", ("\t".join(r) for r in rows(KEYWORDS)))
    array("rows_of_typenames", ("\t".join(r) for r in rows(TYPE_NAMES)))
    with_rows = {name for name, _, _ in ROWS}
    print("const Pg15Relation PG15_RELATIONS[] = {")
    for oid, rowtype, kind, schema, name, text in relations:
        content = f"rows_of_{name}" if schema == "pg_catalog" and name in with_rows else "NULL"
        print(f"        {{ {oid}, {rowtype}, '{kind}', {quoted(schema)}, {quoted(name)},")
        print(f"          {quoted(text)}, {content} }},")
    print("        { 0, 0, 'f', \"-\", \"keywords\",")
    print("          \"word text,catcode char,barelabel bool,catdesc text,baredesc text\", rows_of_keywords },")
    print("        { 0, 0, 'f', \"-\", \"typenames\",")
    print("          \"oid oid,name text\", rows_of_typenames },")
    print("};")
    print(f"const uint32_t PG15_INFORMATION_SCHEMA = {rows(SCHEMA)[0][0]};")
    print("const size_t PG15_RELATION_COUNT = COUNT_OF(PG15_RELATIONS);")


main()
