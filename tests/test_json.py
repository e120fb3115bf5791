# SPDX-License-Identifier: Apache-2.0
"""JSON by whole programs: documents and lines, looked at, loaded, kept aside and traced back. Python's json is the judge."""

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import Project

LINES = r"""{"id": 1, "name": "Ann \"A\"", "address": {"city": "Oslo", "zip": "0150"}, "tags": ["x", "y"], "at": "2024-05-01"}
{"id": 2, "name": "Bø", "address": {"city": "Køln", "zip": null}, "big": 123456789012345678901}

{"id": 3, "name": "", "address": null, "tags": [], "at": null}
{"id": 4, "name": "Cy",
{"id": 5, "name": "Di", "id": 6}
{"id": 7, "name": "\ud83d\ude00"}{"id": 8}
"""


def run(project: Project, check: bool = True) -> dict[str, Any]:
    return project.json("run", check=check)


def exact(project: Project, sql: str) -> list[dict[str, Any]]:
    return json.loads(project.lode("query", sql, "-o", "json").stdout, parse_float=Decimal)


def test_lines_with_no_edit(project: Project) -> None:
    project.drop("shop", "people.data", LINES)  # told by its content, not by its name
    added = project.json("add", "shop", project.root / "ingress/shop/people.data", "--name", "people")["sources"][0]
    assert added["format"] == "jsonl"
    assert {c["name"]: c["type"] for c in added["columns"]} == {
        "id": "int", "name": "text", "address_city": "text", "address_zip": "text", "tags": "list<text>", "at": "date",
        "big": "decimal(38,0)"}
    delivery = run(project)["deliveries"][0]
    assert (delivery["records"], delivery["accepted"], delivery["quarantined"], delivery["skipped"]) == (8, 5, 2, 1)
    rows = project.query("select * from shop.staging.people order by id")
    none = dict.fromkeys(["address_city", "address_zip", "tags", "at", "big"])
    assert rows == [
        none | {"id": 1, "name": 'Ann "A"', "address_city": "Oslo", "address_zip": "0150", "tags": '["x", "y"]', "at": "2024-05-01"},
        none | {"id": 2, "name": "Bø", "address_city": "Køln", "big": 123456789012345678901},
        none | {"id": 3, "name": "", "tags": "[]"},
        none | {"id": 7, "name": "😀"},
        none | {"id": 8, "name": None}]
    kept = project.json("show", "quarantine", "shop.people", "--rows")
    assert [(row["line"], row["rule"], row["raw"]) for row in kept] == [
        (5, "bad_json", '{"id": 4, "name": "Cy",'), (6, "bad_json", '{"id": 5, "name": "Di", "id": 6}')]
    assert "a key that its object has twice, at its byte 25" in kept[1]["message"]
    entry = project.json("trace", "shop.staging.people", "--where", "id = 8")[0]
    assert (entry["line"], entry["raw"]) == (7, '{"id": 8}')
    assert LINES.encode()[entry["offset"]:][:entry["length"]] == b'{"id": 8}'


def test_a_document_with_its_records_inside(project: Project) -> None:
    records = [{"id": i, "of": {"x.y": i / 4, "deep": {"": str(i)}}, "l": [{"a": [1, {"b": " "}]}]} for i in range(3000)]
    project.drop("shop", "api.json", json.dumps({"count": 3000, "page": {"items": records}, "more": [{"z": 1}]}, indent=1))
    added = project.json("add", "shop", project.root / "ingress/shop/api.json")["sources"][0]
    text = (project.root / "zones/shop/sources/api.yml").read_text()
    assert "format: json\nrecords: page.items\n" in text and "from of.x\\\\.y" in text
    assert [c["name"] for c in added["columns"]] == ["id", "of_x.y", "of_deep_", "l"]
    run(project)
    rows = exact(project, 'select id, "of_x.y" as xy, of_deep_ as deep, l from shop.staging.api order by _row')
    assert added["columns"][3]["type"] == "list<struct<a text>>"  # whose own lists are of several kinds, and so text
    wanted = json.dumps([{"a": '[1,{"b":" "}]'}])
    assert rows == [{"id": r["id"], "xy": Decimal(r["of"]["x.y"]), "deep": str(r["id"]), "l": wanted} for r in records]


def test_a_broken_document_is_held_where_it_breaks(project: Project) -> None:
    project.write("zones/shop/sources/d.yml", "from: d*.json\nformat: json\ncolumns:\n  a: int\n")
    project.write("d1.json", '[{"a": 1},\n {"a": 2},\n {"a": 3,}]')
    project.write("d2.json", '[{"a": 4},\n {"a": "x"},\n {"a": 1, "a": 2}, {"a": null}]')
    held, staged = sorted(run(project, check=False)["deliveries"], key=lambda d: d["name"])
    assert held["state"] == "held" and "line 3, column 10 on: a comma before a closing bracket" in held["message"]
    assert (staged["state"], staged["accepted"], staged["quarantined"]) == ("staged", 2, 2)
    assert project.query("select a from shop.staging.d order by a") == [{"a": 4}, {"a": None}]
    assert [(r["rule"], r["line"], r["column"]) for r in project.json("show", "quarantine", "shop.d", "--rows")] == [
        ("not_a_number", 2, "a"), ("bad_json", 3, None)]


def test_new_keys_evolve_or_hold(project: Project) -> None:
    project.write("zones/shop/sources/e.yml", "from: e*.jsonl\nformat: jsonl\ncolumns:\n  a: int\n")
    project.write("zones/shop/sources/f.yml", "from: f*.jsonl\nformat: jsonl\nevolve: freeze\ncolumns:\n  a: int\n  o: text\nignore: [b]\n")
    project.write("zones/shop/sources/g.yml", "from: g*.jsonl\nformat: jsonl\nevolve: rescue\ncolumns:\n  a: int\n")
    project.write("g1.jsonl", '{"a": 1, "b": {"c": "x"}, "d": null}\n{"a": 2}\n')
    project.write("e1.jsonl", '{"a": 1}\n' * 30000 + '{"a": 2, "new": {"key": "late"}}\n')
    project.write("f1.jsonl", '{"a": 1, "o": {"x": [1]}, "b": {"c": 1}}\n')
    project.write("f2.jsonl", '{"a": 1, "c": 1}\n')
    deliveries = {d["name"]: d for d in run(project, check=False)["deliveries"]}
    assert deliveries["e1.jsonl"]["accepted"] == 30001 and "new_key" in deliveries["e1.jsonl"]["message"]
    assert project.query("select a, new_key from shop.staging.e where new_key is not null") == [{"a": 2, "new_key": "late"}]
    assert project.query("select a, o from shop.staging.f") == [{"a": 1, "o": '{"x":[1]}'}]
    assert project.query("select a, _extra from shop.staging.g order by a") == [{"a": 1, "_extra": '{"b_c":"x"}'}, {"a": 2, "_extra": None}]
    assert deliveries["f2.jsonl"]["state"] == "held" and "does not know: c" in deliveries["f2.jsonl"]["message"]


def test_a_list_of_anything_is_json_and_so_are_lines_of_lists(project: Project) -> None:
    texts = {"numbers": "[1,2,3]", "sorts": '[1,2,"a",null,[1, 2]]', "one": "[1]", "text": '"s"', "nothing": "null",
             "lists": '[1,"a"]\n[2,"b"]\n'}
    for name, text in texts.items():
        project.write(f"in/{name}.json", text)
        added = project.json("add", "shop", f"in/{name}.json")["sources"][0]
        assert (added["format"], [c["name"] for c in added["columns"]]) == ("jsonl" if name == "lists" else "json", ["value"]), name
    run(project)
    got = {name: [row["value"] for row in project.query(f"select value from shop.staging.{name} order by _row")] for name in texts}
    assert got == {"numbers": [1, 2, 3], "sorts": ["1", "2", "a", None, "[1,2]"], "one": [1], "text": ["s"], "nothing": [None],
                   "lists": ['[1,"a"]', '[2,"b"]']}


def test_files_of_other_keys_are_joined_by_key(project: Project) -> None:
    project.write("in/p1.json", '[{"a": 1, "b": "x"}]')
    project.write("in/p2.json", '[{"b": "y", "a": 2, "c": 3}, {"a_b": 3}]')
    project.write("in/p3.json", '[{"c": 3.5, "a": {"b": "q"}}]')
    added = project.json("add", "shop", "in/p1.json", "in/p2.json", "in/p3.json", "--one")["sources"][0]
    assert [(c["name"], c["type"]) for c in added["columns"]] == [
        ("a", "int"), ("b", "text"), ("c", "decimal(18,2)"), ("a_b", "int"), ("a_b_2", "text")]
    assert added["preview"] == [{"a": "1", "b": "x", "c": None, "a_b": None, "a_b_2": None}]
    run(project)
    rows = exact(project, "select a, b, c, a_b, a_b_2 as d from shop.staging.p order by a nulls last, a_b nulls last")
    assert [tuple(row.values()) for row in rows] == [
        (1, "x", None, None, None), (2, "y", Decimal(3), None, None), (None, None, None, 3, None), (None, None, Decimal("3.5"), None, "q")]


def test_a_column_is_found_by_the_key_that_it_was(project: Project) -> None:
    project.write("zones/shop/sources/w.yml",
                  "from: w*.json\nformat: json\ncolumns:\n  title: text was name\n  client: text was customer\n  n: int was k_n\n")
    project.write("w.json", '[{"name": "x", "customer": {"q": 1}, "k": {"n": 5}},\n {"title": "y", "client": {"q": 2}, "n": 6}]')
    run(project)
    assert project.query("select * from shop.staging.w order by n") == [
        {"title": "x", "client": '{"q":1}', "n": 5}, {"title": "y", "client": '{"q":2}', "n": 6}]


def random_text(chance: random.Random) -> str:
    return "".join(chance.choice(['"', "\\", "\n", "\t", "/", "a", "é", "€", "😀", " ", ",", "{", "]", "\x7f", "\u2028"])
                   for _ in range(chance.randrange(12)))


def random_value(chance: random.Random, depth: int = 0) -> Any:
    kinds = [lambda: random_text(chance), lambda: chance.randrange(-10**20, 10**20), lambda: chance.random() * 10**chance.randrange(-9, 9),
             lambda: None, lambda: chance.random() < 0.5]
    if depth < 3:
        kinds += [lambda: [random_value(chance, depth + 1) for _ in range(chance.randrange(4))],
                  lambda: {random_text(chance): random_value(chance, depth + 1) for _ in range(chance.randrange(4))}]
    return chance.choice(kinds)()


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_every_value_is_what_python_wrote(project: Project, form: str) -> None:
    chance = random.Random(7)
    records = [{"t": random_text(chance), "v": [random_value(chance)]} for _ in range(4000)]
    texts = [json.dumps(r, ensure_ascii=chance.random() < 0.5, indent=None if form == "jsonl" else chance.choice([None, 1])) for r in records]
    project.write("r." + form, "\n".join(texts) if form == "jsonl" else "[" + ",".join(texts) + "]")
    project.write("zones/shop/sources/r.yml", f"from: r.{form}\nformat: {form}\ncolumns:\n  t: text required\n  v: text required\n")
    assert run(project)["deliveries"][0]["accepted"] == len(records)
    rows = project.query("select t, v from shop.staging.r order by _row")
    assert [(row["t"], json.loads(row["v"])) for row in rows] == [(r["t"], r["v"]) for r in records]


# Valid, but with what no table can hold as it is: a NUL in a text or a name, a key of which only one can be the column.
KEPT_ASIDE = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json", "y_object_escaped_null_in_key.json",
              "y_string_null_escape.json"}


def test_the_json_test_suite(project: Project, test_data: Path) -> None:
    files = sorted((test_data / "json-test-suite").glob("*.json"))
    if not files:
        pytest.skip("json-test-suite is absent")
    keys = ["value", "a", "asd", "''", "min", "x", "title"]
    columns = "".join(f"  c{i}: text from {key}\n" for i, key in enumerate(keys)).replace("''", "\\e")
    project.write("zones/shop/sources/s.yml", f"from: {files[0].parent}/*.json\nformat: json\ntolerate: 100%\ncolumns:\n{columns}")
    seen = 0
    for delivery in run(project, check=False)["deliveries"]:
        name = Path(delivery["name"]).name
        clean = delivery["state"] == "staged" and delivery["quarantined"] == 0
        if delivery["state"] == "duplicate":
            continue
        seen += 1
        if name in KEPT_ASIDE:
            assert (delivery["state"], delivery["quarantined"]) == ("staged", 1), name
        elif name.startswith("y_"):
            assert clean, delivery
        elif name.startswith("n_"):
            assert not clean, delivery
            assert delivery["state"] == "staged" or any(word in delivery["message"] for word in ["column ", "UTF-16", "the file is empty"]), delivery
    assert seen > 300


def test_chinook_is_what_python_reads(project: Project, test_data: Path) -> None:
    file = test_data / "chinook" / "ChinookData.json"
    if not file.exists():
        pytest.skip("chinook is absent")
    tables = json.loads(file.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    assert len(tables) == 11 and all(tables.values())
    added = project.json("add", "shop", file)["sources"][0]
    told = " ".join(doubt["what"] for doubt in added["doubts"])
    assert all(f"{name} ({len(rows)})" in told for name, rows in tables.items() if name != "PlaylistTrack")
    text = (project.root / added["path"]).read_text().split("columns:")[0]
    (project.root / added["path"]).unlink()
    for name, rows in tables.items():
        columns = "".join(f"  {key}: {type_of([row.get(key) for row in rows])}\n" for key in keys_of(rows))
        project.write(f"zones/shop/sources/{name.lower()}.yml", text.replace("records: PlaylistTrack", f"records: {name}")
                      .replace(str(file), f"ingress/{name}.json") + "columns:\n" + columns)
        project.drop("shop", f"{name}.json", file)
    deliveries = {delivery["source"]: delivery for delivery in run(project)["deliveries"]}
    for name, rows in tables.items():
        delivery = deliveries[name.lower()]
        assert (delivery["state"], delivery["records"], delivery["accepted"]) == ("staged", len(rows), len(rows)), delivery
        absent = dict.fromkeys(keys_of(rows))
        staged = project.table(f"shop.staging.{name.lower()}").sort_by("_row").drop_columns(["_file", "_row"]).to_pylist()
        assert staged == [absent | row for row in rows], name


def keys_of(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for row in rows for key in row))


def type_of(values: list[Any]) -> str:
    """A type that holds all of them as they are."""
    kinds = {type(value) for value in values} - {type(None)}
    return "int" if kinds == {int} else "decimal(18,2)" if kinds <= {int, Decimal} and kinds else "text"


A = '{"id":1,"user":{"id":"U1"},"user_id":"K1"}'
B = '{"id":2,"user_id":"K2","user":{"id":"U2"}}'
C = '{"id":3,"user":{"id":"U3"}}'
D = '{"id":4,"user_id":"K4"}'
KEYS = {1: ("K1", "U1"), 2: ("K2", "U2"), 3: (None, "U3"), 4: ("K4", None)}


@pytest.mark.parametrize("declared", ["", "  user_id: text\n"])
@pytest.mark.parametrize("runs", [[[A], [B]], [[B], [A]], [[A + "\n" + B]], [[C + "\n" + A + "\n" + D + "\n" + B]], [[C, A]], [[A], [C], [D], [B]], [[D], [C], [A]]])
def test_a_column_holds_one_key_whatever_the_order_in_files(project: Project, declared: str, runs: list[list[str]]) -> None:
    project.write("zones/shop/sources/j.yml", "from: ingress/*.jsonl\nformat: jsonl\ncolumns:\n  id: int\n" + declared)
    for number, texts in enumerate(runs):
        for part, text in enumerate(texts):
            project.drop("shop", f"j{number}{part}.jsonl", text + "\n")
        project.lode("run")
    text = "\n".join(text for texts in runs for text in texts)
    expected = [{"id": id, "user_id": own, "user_id_2": inside} for id, (own, inside) in KEYS.items() if f'"id":{id},' in text]
    assert project.query("select id, user_id, user_id_2 from shop.staging.j order by id") == expected
    assert project.json("run")["state"] == "nothing"
    project.lode("run", "--again")
    assert project.query("select id, user_id, user_id_2 from shop.staging.j order by id") == expected


def test_a_key_stays_what_it_was_once_called(project: Project) -> None:
    project.write("zones/shop/sources/j.yml", "from: ingress/*.jsonl\nformat: jsonl\ncolumns:\n  id: int\n")
    expected = [{"id": 1, "user_id": "U1", "user_id_2": "K1"}, {"id": 2, "user_id": "U2", "user_id_2": "K2"}, {"id": 3, "user_id": "U3", "user_id_2": None}]
    for number, text in enumerate([C, A, B]):
        project.drop("shop", f"j{number}.jsonl", text + "\n")
        project.lode("run")
    assert project.query("select id, user_id, user_id_2 from shop.staging.j order by id") == expected
    project.lode("run", "--again")
    assert project.query("select id, user_id, user_id_2 from shop.staging.j order by id") == expected
    project.write("zones/shop/sources/j.yml", "from: ingress/*.jsonl\nformat: jsonl\ncolumns:\n  id: int\n  user_id: text from user_id\n  inside: text from user.id\n")
    project.lode("run")
    assert project.query("select user_id, inside from shop.staging.j where id = 2") == [{"user_id": "K2", "inside": "U2"}]


def test_add_gives_a_key_of_the_record_its_own_name(project: Project) -> None:
    project.write("in/j.jsonl", A + "\n" + B + "\n")
    project.lode("add", "shop", "in/j.jsonl")
    text = (project.root / "zones/shop/sources/j.yml").read_text()
    assert "user_id: text" in text and "user_id_2: text from user.id" in text
    project.lode("run")
    assert project.query("select id, user_id, user_id_2 from shop.staging.j order by id") == [
        {"id": id, "user_id": KEYS[id][0], "user_id_2": KEYS[id][1]} for id in [1, 2]]
