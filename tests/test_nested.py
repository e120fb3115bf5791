# SPDX-License-Identifier: Apache-2.0
"""Lists and structs: what a source declares so and JSON brings, as PyArrow, DuckDB, PyIceberg and SQL read it; what does not fit,
what is new inside, and who may see which rows."""

import json
import random
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet
import pytest
from conftest import Project, counts

ORDERS = """from: in/o*.jsonl
format: jsonl
{more}columns:
  id: int
  tags: list<text>
  address: struct<street text, zip text>
  lines: list<struct<sku text, qty int, price decimal(12,2)>>
"""


def write(project: Project, name: str, records: list[Any]) -> None:
    project.write(f"in/{name}.jsonl", "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))


def files_of(project: Project, name: str) -> list[Path]:
    """The newest data files of the table, as Iceberg lists them."""
    from pyiceberg.table import StaticTable
    table = StaticTable.from_metadata(project.json("show", name)["metadata_location"])
    return [Path(row["file_path"].removeprefix("file://")) for row in table.inspect.data_files().to_pylist()]


# ---- any type, any value ----

def make_type(chance: random.Random, depth: int) -> tuple[str, Any]:
    """A type as a source writes it, and what makes (JSON, wanted) of it."""
    kind = chance.choice(["int", "text", "decimal", "date", "boolean", "double"] + ["list", "struct"] * 2 * (depth > 0))
    if kind == "list":
        word, item = make_type(chance, depth - 1)

        def list_of() -> tuple[Any, Any]:
            items = [item() for _ in range(chance.choice([0, 1, 1, 2, 5]))]
            return [a for a, _ in items], [b for _, b in items]
        return f"list<{word}>", maybe(chance, list_of)
    if kind == "struct":
        fields = [(name, *make_type(chance, depth - 1)) for name in chance.sample(["a", "b", "c d", "é", "E.f"], chance.randint(1, 3))]

        def struct_of() -> tuple[Any, Any]:
            values = {name: (make(), chance.random() < 0.1) for name, _, make in fields}
            order = chance.sample(list(values), len(values))
            return ({name: values[name][0][0] for name in order if not values[name][1]},
                    {name: None if absent else value[1] for name, (value, absent) in values.items()})
        words = ", ".join(f'"{name}" {word}' if " " in name else f"{name} {word}" for name, word, _ in fields)
        return f"struct<{words}>", maybe(chance, struct_of)
    leaves = {
        "int": ("int", lambda: (n := chance.randint(-2**31, 2**31 - 1), n)),
        "text": ("text", lambda: (t := "".join(chance.choices('ab"\\\n é漢🙂,[]{}', k=chance.randint(0, 9))), t)),
        "decimal": ("decimal(30,3)", lambda: ((d := chance.randint(-10**25, 10**25)), Decimal(d))),
        "date": ("date", lambda: ((d := date.fromordinal(chance.randint(1, 800000))).isoformat(), d)),
        "boolean": ("boolean", lambda: ((b := chance.random() < 0.5), b)),
        "double": ("double", lambda: ((x := chance.randint(-10**6, 10**6) / 8), x)),
    }
    word, make = leaves[kind]
    return word, maybe(chance, make)


def maybe(chance: random.Random, make: Any) -> Any:
    return lambda: (None, None) if chance.random() < 0.15 else make()


@counts("LODE_NESTED", 4, 40)
def test_any_nested_value_is_read_back_by_others_as_it_was(tmp_path: Path, count: int) -> None:
    from conftest import make_project
    project = make_project(tmp_path)
    wanted: dict[str, list[Any]] = {}
    words: dict[str, str] = {}
    for number in range(count):
        chance = random.Random(number)
        columns = {}
        for at in range(4):
            columns[f"c{at}"] = make_type(chance, 3)
        records, rows = [], []
        for at in range(600):
            made = {name: make() for name, (_, make) in columns.items()}
            records.append({"id": at, **{name: value[0] for name, value in made.items()}})
            rows.append({"id": at, **{name: value[1] for name, value in made.items()}})
        write(project, f"n{number}_x", records)
        words[f"n{number}"] = "".join(f"  {name}: {word}\n" for name, (word, _) in columns.items())
        project.write(f"zones/shop/sources/n{number}.yml", f"from: in/n{number}_*.jsonl\nformat: jsonl\ncolumns:\n  id: int\n{words[f'n{number}']}")
        wanted[f"n{number}"] = rows
    report = project.json("run")
    assert all(d["accepted"] == 600 for d in report["deliveries"]), report
    for name, rows in wanted.items():
        (file,) = files_of(project, f"shop.staging.{name}")
        plain = [{key: row[key] for key in rows[0]} for row in pyarrow.parquet.read_table(file).to_pylist()]
        assert plain == rows, words[name]
        described = duckdb.sql(f"select * exclude (_file, _row) from '{file}'")
        assert [dict(zip(described.columns, row, strict=True)) for row in described.fetchall()] == rows, words[name]
        for row, ours in zip(rows, project.query(f"select * from shop.staging.{name} order by id"), strict=True):
            for key, value in ours.items():
                if isinstance(row[key], list | dict):
                    assert loose(json.loads(value)) == loose(row[key]), (words[name], key)


def loose(value: Any) -> Any:
    """Numbers and dates as JSON brings them."""
    if isinstance(value, list):
        return [loose(item) for item in value]
    if isinstance(value, dict):
        return {key: loose(item) for key, item in value.items()}
    if isinstance(value, Decimal | int | float) and not isinstance(value, bool):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


def test_many_rows_make_several_row_groups_and_pages(project: Project) -> None:
    """More entries than a row group has rows, and pages that end between two records."""
    records = [{"id": n, "xs": list(range(n % 7)), "ts": [f"{n} {k} " + "x" * 40 for k in range(n % 4)], "bs": [k % 3 == 0 for k in range(n % 5)] or None}
               for n in range(150000)]
    write(project, "m", records)
    project.write("zones/shop/sources/m.yml", "from: in/m.jsonl\nformat: jsonl\ncolumns:\n  id: int\n  xs: list<bigint>\n  ts: list<text>\n  bs: list<boolean>\n")
    project.lode("run")
    (file,) = files_of(project, "shop.staging.m")
    parquet = pyarrow.parquet.ParquetFile(file)
    assert parquet.metadata.num_row_groups > 1
    assert parquet.read().drop_columns(["_file", "_row"]).to_pylist() == records
    assert duckdb.sql(f"select count(*), sum(len(xs)), sum(len(ts)), sum(list_count(bs)) from '{file}'").fetchall() == [
        (150000, sum(len(r["xs"]) for r in records), sum(len(r["ts"]) for r in records), sum(len(r["bs"] or []) for r in records))]


# ---- what does not fit ----

@pytest.mark.parametrize(("column", "kind", "value", "rule", "message"), [
    ("c", "list<int>", '[1,"x"]', "not_a_number", "c[1]: 'x' is not a number"),
    ("c", "list<int>", "[1,2.5]", "not_an_integer", "c[1]: '2.5' is not a whole number"),
    ("c", "list<int>", "[3000000000]", "out_of_range", "c[0]: '3000000000' is beyond what the type can hold"),
    ("c", "list<int>", '"5"', "not_a_list", "c: '5' is not a list in JSON"),
    ("c", "list<int>", '{"a":1}', "not_a_list", "c: '{\"a\":1}' is not a list in JSON"),
    ("c", "list<int>", '[""]', "empty_quoted", "c[0]: '' is an empty text, not NULL"),
    ("c", "struct<a int, b text>", "[1]", "not_a_struct", "c: '[1]' is not an object in JSON"),
    ("c", "struct<a int, b text>", '{"a":{"x":1}}', "not_a_number", "c.a: '{\"x\":1}' is not a number"),
    ("c", "struct<a int, b text>", '{"a":1,"a":2}', "bad_json", "a key that its object has twice"),
    ("c", "list<struct<d date>>", '[{"d":"2024-01-01"},{"d":"2024-02-30"}]', "not_a_date", "c[1].d: '2024-02-30' is not a date"),
    ("c", "list<list<boolean>>", "[[true],[false,3]]", "not_a_boolean", "c[1][1]: '3' is none of the words"),
])
def test_what_does_not_fit_is_named_with_its_path(project: Project, column: str, kind: str, value: str, rule: str, message: str) -> None:
    good = "[]" if kind.startswith("list") else "{}"
    project.write("in/q.jsonl", f'{{"id":1,"{column}":{good}}}\n{{"id":2,"{column}":{value}}}\n{{"id":3,"{column}":null}}\n')
    project.write("zones/shop/sources/q.yml", f"from: in/q.jsonl\nformat: jsonl\ncolumns:\n  id: int\n  {column}: {kind}\n")
    project.lode("run")
    (row,) = project.json("show", "quarantine")
    assert row["rule"] == rule and message in row["message"] and row["column"] == column and row["line"] == 2
    assert row["raw"] == f'{{"id":2,"{column}":{value}}}'
    assert [r["id"] for r in project.query("select id from shop.staging.q order by id")] == [1, 3]
    if rule != "bad_json":
        shown = project.lode("show", "quarantine").stdout
        assert message in shown and ("would fit all: nulls" if rule == "empty_quoted" else f"would fit all: {column}: text") in shown
    assert f"{column}" in project.lode("diff", "--raw", "shop.staging.q", check=False).stdout


def test_a_record_is_corrected_and_found_again(project: Project) -> None:
    project.write("in/q.jsonl", '{"id":1,"c":[1]}\n{"id":2,"c":["x"]}\n')
    project.write("zones/shop/sources/q.yml", "from: in/q.jsonl\nformat: jsonl\ncolumns:\n  id: int\n  c: list<int>\n")
    project.lode("run")
    csv = project.lode("show", "quarantine", "shop.q", "-o", "csv").stdout
    project.write("fix.csv", csv.replace('[""x""]', "[5]"))
    project.lode("fix", "shop.q", "--from", "fix.csv")
    project.lode("run")
    assert project.query("select id, c[1] as c from shop.staging.q order by id") == [{"id": 1, "c": 1}, {"id": 2, "c": 5}]
    assert project.json("trace", "shop.staging.q", "--where", "list_contains(c, 1)")[0]["line"] == 1


def test_csv_holds_lists_as_json_text(project: Project) -> None:
    project.write("in/q.csv", 'id;xs;s\n1;"[1, ""2"", null]";"{""a"": ""01.02.2024"", ""b"": 1.5}"\n2;;\n3;NA;{}\n4;[1;x\n5;"[""1,5""]";{}\n')
    project.write("zones/shop/sources/q.yml", 'from: in/q.csv\ndelimiter: ";"\ndecimal: ","\ndates: dd.MM.yyyy\nnulls: NA\ncolumns:\n  id: int\n'
                                              "  xs: list<decimal(9,2)>\n  s: struct<a date, b double>\n")
    project.lode("run")
    assert [(r["id"], json.loads(r["xs"] or "null"), json.loads(r["s"] or "null")) for r in project.query("select * from shop.staging.q order by id")] == [
        (1, [1.0, 2.0, None], {"a": "2024-02-01", "b": 1.5}), (2, None, None), (3, None, {"a": None, "b": None}), (5, [1.5], {"a": None, "b": None})]
    assert [r["rule"] for r in project.json("show", "quarantine")] == ["bad_json"]


# ---- keys that the type lacks ----

FIRST = [{"id": 1, "tags": ["a"], "address": {"street": "S", "zip": "1"}, "lines": [{"sku": "x", "qty": 1, "price": 2}]}]
SECOND = [{"id": 2, "tags": [], "address": {"zip": "2", "Country": "DE"}, "lines": [{"sku": "y", "colour": "red"}, {"colour": {"r": 1}}]}]


def test_a_new_key_becomes_a_field_of_text_and_older_files_stay(project: Project) -> None:
    project.write("zones/shop/sources/o.yml", ORDERS.format(more=""))
    write(project, "o1", FIRST)
    project.lode("run")
    before = {c["name"]: c["type"] for c in project.json("show", "shop.staging.o")["columns"]}
    assert before["lines"] == "list<struct<sku text, qty int, price decimal(12,2)>>"
    write(project, "o2", SECOND)
    report = project.json("run")
    assert report["deliveries"][0]["message"] == "new fields, kept as text: address.Country, lines[].colour"
    after = {c["name"]: c["type"] for c in project.json("show", "shop.staging.o")["columns"]}
    assert after["address"] == "struct<street text, zip text, Country text>"
    assert after["lines"] == "list<struct<sku text, qty int, price decimal(12,2), colour text>>"
    assert project.query("select id, address.country as c, lines[1].colour as d, lines[2].colour as e, lines[1].price as p from shop.staging.o order by id") == [
        {"id": 1, "c": None, "d": None, "e": None, "p": 2}, {"id": 2, "c": "DE", "d": "red", "e": '{"r":1}', "p": None}]
    theirs = {row["id"]: row for row in project.table("shop.staging.o").to_pylist()}
    assert theirs[1]["address"] == {"street": "S", "zip": "1", "Country": None} and theirs[2]["lines"][0]["colour"] == "red"
    write(project, "o3", FIRST)
    project.lode("run")
    assert {c["name"]: c["type"] for c in project.json("show", "shop.staging.o")["columns"]} == after
    project.lode("run", "--again", "--yes")  # from the landed files: the same once more
    assert {c["name"]: c["type"] for c in project.json("show", "shop.staging.o")["columns"]} == after


def test_a_new_key_is_rescued_or_holds_the_file(project: Project) -> None:
    for name, more in (("rescued", "evolve: rescue\n"), ("frozen", "evolve: freeze\n")):
        project.write(f"zones/shop/sources/{name}.yml", ORDERS.format(more=more).replace("in/o*", f"in/{name}*"))
        write(project, f"{name}1", FIRST + SECOND)
    report = {d["source"]: d for d in project.json("run", check=False)["deliveries"]}
    assert report["frozen"]["state"] == "held" and "address.Country" in report["frozen"]["message"]
    assert report["rescued"]["message"] == "unknown columns, kept in _extra: address.Country, lines[].colour"
    rows = project.query("select id, _extra from shop.staging.rescued order by id")
    assert rows[0]["_extra"] is None
    assert json.loads(rows[1]["_extra"]) in ({"address.Country": "DE", "lines[].colour": '{"r":1}'}, {"address.Country": "DE", "lines[].colour": "red"})


def test_keys_that_are_data_do_not_become_a_thousand_fields(project: Project) -> None:
    project.write("zones/shop/sources/o.yml", ORDERS.format(more=""))
    write(project, "o1", [{"id": n, "address": {f"k{n}_{k}": k for k in range(50)}} for n in range(30)])
    (delivery,) = project.json("run", check=False)["deliveries"]
    assert delivery["state"] == "held" and "data rather than names" in delivery["message"]
    write(project, "o2", [{"id": 1, "address": {f"k{k}": k for k in range(1500)}}, {"id": 2}])
    delivery = next(d for d in project.json("run", check=False)["deliveries"] if d["name"].endswith("o2.jsonl"))
    assert delivery["quarantined"] == 1 and project.json("show", "quarantine")[0]["rule"] == "too_many_values"


# ---- the text ----

@pytest.mark.parametrize(("kind", "wanted"), [
    ("list<txt>", "'txt' is no type"), ("list<text", "a > is missing"), ("struct<>", "a field of a struct"), ("struct<a int, A int>", "one name"),
    ("struct<a>", "a field of a struct"), ("list<" * 9 + "int" + ">" * 9, "more than 8"), ("list<int> unique from", "`from` needs"),
    ("map<text, int>", "is no type"), ("list<int> requird", "a column cannot be"),
])
def test_a_type_that_is_none_is_said(project: Project, kind: str, wanted: str) -> None:
    project.write("zones/shop/sources/o.yml", f"from: in/o.jsonl\nformat: jsonl\ncolumns:\n  a: {kind}\n")
    error = project.json("check", check=False)["errors"][0]
    assert wanted in error["message"] + (error["hint"] or ""), error


def test_lists_are_neither_keys_nor_taken_apart_twice(project: Project) -> None:
    project.write("zones/shop/sources/o.yml", "from: in/o.jsonl\nformat: jsonl\nload: merge\nkey: a\ncolumns:\n  a: list<int>\n  b: struct<x int>\n  c: int from b.x\n")
    said = [error["message"] for error in project.json("check", check=False)["errors"]]
    assert any("`key`" in text for text in said) and any("one of the two" in text for text in said)


# ---- loads, models, rights ----

def test_merge_and_history_keep_nested_values(project: Project) -> None:
    for load, more in (("merge", ""), ("history", 'as_of: name "(\\\\d{4}-\\\\d{2}-\\\\d{2})"\n')):
        project.write(f"zones/shop/sources/{load}.yml", ORDERS.format(more=f"load: {load}\nkey: id\n{more}").replace("in/o*", f"in/{load}*"))
    for day, second in (("01", {"id": 2, "tags": []}), ("02", {"id": 2, "tags": ["b"], "address": {"zip": "1", "new": "n"}})):
        for load in ("merge", "history"):
            write(project, f"{load}_2026-01-{day}", [{"id": 1, "tags": ["a"], "lines": [{"sku": "x"}]}, second])
        project.lode("run")
    assert project.query("select id, tags[1] as t, address.new as n from shop.staging.merge order by id") == [
        {"id": 1, "t": "a", "n": None}, {"id": 2, "t": "b", "n": "n"}]
    assert project.query("select id, count(*) as n from shop.staging.history group by id order by id") == [{"id": 1, "n": 1}, {"id": 2, "n": 2}]


def test_a_model_declares_and_checks_nested_columns(project: Project) -> None:
    project.write("zones/shop/sources/o.yml", ORDERS.format(more=""))
    write(project, "o1", FIRST + [{"id": 2, "tags": ["b", "c"]}])
    project.write("zones/shop/canonical/line.sql",
                  "-- column id: int\n-- column tags: list<text>\n-- column address: struct<street text, zip text>, class internal\n"
                  "select id, tags, address from staging.o\n")
    project.lode("run")
    assert project.query("select id, len(tags) as n from shop.canonical.line order by id") == [{"id": 1, "n": 1}, {"id": 2, "n": 2}]
    project.write("zones/shop/canonical/line.sql", "-- column tags: list<int>\nselect id, tags from staging.o\n")
    answer = project.lode("run", check=False)
    assert answer.exit == 1 and "declared list<int>" in answer.stderr


def test_rows_that_are_hidden_stay_so_through_nested_columns(project: Project) -> None:
    project.write("zones/shop/zone.yml", "owner: ann\n")
    project.write("zones/shop/sources/o.yml", ORDERS.format(more="").replace("  id: int\n", "  id: int\n  region: text\n  more: list<text>\n"))
    write(project, "o1", [{"id": n, "region": "EU" if n % 2 else "US", "tags": [f"t{n}"], "more": [f"m{n}"], "address": {"zip": str(n)},
                           "lines": [{"sku": f"s{n}", "qty": n}]} for n in range(1, 9)])
    project.write("zones/shop/access.yml", "rules:\n- who: [bo]\n  on: [staging.o]\n  rows: region = 'EU'\n")
    project.lode("run")
    project.lode("user", "add", "bo")
    odd = [1, 3, 5, 7]
    for sql, wanted in [
        ("select id as x from shop.staging.o order by 1", odd),
        ("select tags[1] as x from shop.staging.o order by 1", [f"t{n}" for n in odd]),
        ("select unnest(more) as x from shop.staging.o order by 1", [f"m{n}" for n in odd]),
        ("select address.zip as x from shop.staging.o order by 1", [str(n) for n in odd]),
        ("select l.qty as x from (select unnest(lines) as l from shop.staging.o) order by 1", odd),
        ("select id as x from shop.staging.o where lines[1].qty > 4 order by 1", [5, 7]),
        ("select id as x from shop.staging.o where list_contains(tags, 't2')", []),
        ("select count(*) as x from shop.staging.o where case when tags[1] = 't2' then 1 / 0 > 0 else false end", [0]),
        ("select id as x from shop.staging.o where cast(address.zip as int) / (id - 2) > -100 order by 1", odd),
    ]:
        assert [row["x"] for row in project.query(sql, "--as", "bo")] == wanted, sql
    assert len(project.query("select * from shop.staging.o", "--as", "bo")) == 4


@pytest.mark.parametrize(("values", "kind"), [
    ([["a"], [], ["b", None]], "list<text>"), ([[1], [2, 3]], "list<int>"), ([[1.5], [2]], "list<decimal(18,2)>"), ([[[1], []], [[2]]], "list<list<int>>"),
    ([["2024-01-01"], ["2024-02-29"]], "list<date>"), ([[True], [False]], "list<boolean>"), ([["1"], ["2"]], "list<text>"),
    ([[{"sku": "x", "qty": 1}], [{"sku": "y"}]], "list<struct<sku text, qty int>>"), ([[{"a": [1]}, {"a": ["x"]}]], "list<struct<a text>>"),
    ([[1, "a"], [True]], "text"), ([[], []], "text"), ([[1], "x"], "text"), ([["01.02.2024"], ["02.02.2024"]], "list<text>"),
    ([[{f"k{n}{k}": 1 for k in range(2)}] for n in range(30)], "text"), ([[1], [2.25], ["x"]], "text"),
])
def test_add_gives_lists_the_type_of_their_elements(project: Project, values: list[Any], kind: str) -> None:
    write(project, "a", [{"id": n, "c": value} for n, value in enumerate(values * 3)])
    (source,) = project.json("add", "shop", "in/a.jsonl")["sources"]
    assert {c["name"]: c["type"] for c in source["columns"]}["c"] == kind
    (delivery,) = project.json("run")["deliveries"]
    assert delivery["accepted"] == len(values) * 3
    read = [json.loads(row["c"]) if row["c"] and row["c"][0] in '[{"' else row["c"] for row in project.query("select c from shop.staging.a order by id")]
    assert kind == "text" or [loose(item) for item in read[:1]] == [loose(fill(values[0], values))]


def fill(value: Any, values: list[Any]) -> Any:
    """Structs have all keys that any has."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        keys = list({key: 1 for items in values for item in items for key in item})
        return [{key: item.get(key) if not isinstance(item.get(key), list) else json.dumps(item[key], separators=(",", ":")) for key in keys} for item in value]
    return value
