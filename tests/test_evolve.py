# SPDX-License-Identifier: Apache-2.0
"""`evolve`: what a file may change of its table's columns, what is told of it, and `was`, by which a column changes its name."""

from typing import Any

import pytest
from conftest import Project
from judge import iceberg_table

SOURCE = "from: ingress/items*.csv\nevolve: {}\ncolumns:\n  id: int\n  price: decimal(5,2)\n  name: text\n"


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("zones/shop/zone.yml", "owner: ann\n")
    (project.root / "ingress/shop").mkdir(parents=True)
    return project


def stage(shop: Project, number: int, text: str, check: bool = True) -> dict[str, Any]:
    shop.drop("shop", f"items{number}.csv", text)
    return shop.json("run", check=check)["deliveries"][0]


def types(shop: Project) -> dict[str, str]:
    return {column["name"]: column["type"] for column in shop.json("show", "shop.staging.items")["columns"]}


def ids(shop: Project) -> dict[str, int]:
    """As Iceberg has them."""
    location = shop.json("show", "shop.staging.items")["metadata_location"]
    return {field.name: field.field_id for field in iceberg_table(location).schema().fields}


def rows(shop: Project, columns: str = "*") -> list[list[Any]]:
    return [list(row.values()) for row in shop.query(f"select {columns} from shop.staging.items order by 1, 2")]


@pytest.mark.parametrize("load", ["append", "merge"])
def test_widen_makes_a_column_as_wide_as_its_numbers_and_no_wider(shop: Project, load: str) -> None:
    more = "load: merge\nkey: [id, name]\n" if load == "merge" else ""
    shop.write("zones/shop/sources/items.yml", SOURCE.format("widen") + more)
    stage(shop, 1, "id,price,name\n1,1.50,a\n")
    before = ids(shop)
    first = stage(shop, 2, "id,price,name\n2,99999999999999999999,b\n3,1234567.25,c\n4,0.125,d\n")
    assert (first["accepted"], first["quarantined"]) == (2, 1)  # what is too exact fits in no type that it may become
    second = stage(shop, 3, "id,price,name\n99999999999999999999,1,e\n5000000000,2,f\n7,3,g\n")
    assert (second["accepted"], second["quarantined"]) == (2, 1)
    third = stage(shop, 4, "id,price,name\n1,x,h\n2,3,i\n99999999999999999999,3,j\n4,4,k\n5,5,l\n")
    assert (third["accepted"], third["quarantined"]) == (3, 2)
    assert types(shop) == {"id": "bigint", "price": "decimal(38,2)", "name": "text"}
    assert ids(shop) == before
    assert "price was decimal(5,2) and is decimal(38,2)" in first["message"] and "id was int and is bigint" in second["message"]
    assert [commit["message"].count(" was ") for commit in shop.json("log")[:3]] == [0, 1, 1]
    assert rows(shop, "id, price")[-1] == [5000000000, 2]
    arrow = shop.table("shop.staging.items")
    assert {str(field.type) for field in arrow.schema if field.name == "id"} == {"int64"} and arrow.num_rows == 8
    shop.write("zones/shop/canonical/item.sql", "select id + 1 as next, price from staging.items")
    shop.lode("run")
    assert shop.query("select max(next) as n from shop.canonical.item") == [{"n": 5000000001}]


def test_widen_makes_a_float_a_double_for_numbers_that_it_cannot_hold(shop: Project) -> None:
    text = "from: ingress/items*.csv\nevolve: {}\ncolumns:\n  id: int\n  size: float\n"
    shop.write("zones/shop/sources/items.yml", text.format("columns"))
    assert stage(shop, 1, "id,size\n1,0.5\n2,1e300\n")["quarantined"] == 1
    assert types(shop) == {"id": "int", "size": "float"}
    before = ids(shop)
    shop.write("zones/shop/sources/items.yml", text.format("widen"))
    assert stage(shop, 2, "id,size\n3,-0.25\n4,3.4e38\n")["quarantined"] == 0  # a float holds these
    shop.lode("run", "--replay")
    wide = stage(shop, 3, "id,size\n5,-1e300\n6,2.5\n7,x\n")
    assert (wide["accepted"], wide["quarantined"]) == (2, 1)
    assert types(shop) == {"id": "int", "size": "double"} and ids(shop) == before
    arrow = shop.table("shop.staging.items").sort_by("id")
    assert {str(field.type) for field in arrow.schema if field.name == "size"} == {"double"}
    assert [value for value in arrow.column("size").to_pylist() if abs(value) < 1e30] == [0.5, -0.25, 2.5]
    assert -1e300 in arrow.column("size").to_pylist()


def test_rubbish_makes_no_column_wider(shop: Project) -> None:
    shop.write("zones/shop/sources/items.yml", SOURCE.format("widen"))
    stage(shop, 1, "id,price,name\n1,1.50,a\n99999999999999999999,1e60,b\nx,1,c\n2,2,d\n3,3,e\n")
    assert types(shop) == {"id": "int", "price": "decimal(5,2)", "name": "text"}
    shop.write("zones/shop/sources/items.yml", SOURCE.format("columns"))
    shop.lode("run")
    assert stage(shop, 2, "id,price,name\n5000000000,1,a\n1,1,b\n2,2,c\n")["quarantined"] == 1
    assert types(shop)["id"] == "int"


@pytest.mark.parametrize("load", ["append", "history"])
def test_rescue_keeps_what_no_column_takes(shop: Project, load: str) -> None:
    more = "load: history\nkey: id\nas_of: name '[0-9]{4}'\n" if load == "history" else ""
    shop.write("zones/shop/sources/items.yml", SOURCE.format("rescue") + more)
    stage(shop, 2001, "id,price,name\n1,1.50,a\n")
    delivery = stage(shop, 2002, 'id,size,name,price,"it ""is"""\n1,XL,a,1.50,"a ""b"", c"\n2,,b,,\n')
    assert delivery["message"] == 'unknown columns, kept in _extra: size, it "is"'
    assert types(shop)["_extra"] == "text" and "size" not in types(shop)
    found = rows(shop, "id, _extra, _extra ->> 'size' as size")
    extra = '{"size":"XL","it \\"is\\"":"a \\"b\\", c"}'
    assert found == [[1, extra, "XL"], [1, None, None], [2, None, None]]
    shop.write("zones/shop/canonical/size.sql", "select id, _extra ->> 'size' as size from staging.items")
    shop.lode("run")
    assert {"id": 1, "size": "XL"} in shop.query("select * from shop.canonical.size")


def test_new_columns_are_told_in_the_log_and_freeze_holds(shop: Project) -> None:
    shop.write("zones/shop/sources/items.yml", SOURCE.format("columns"))
    stage(shop, 1, "id,price,name\n1,1.50,a\n")
    assert "size" in stage(shop, 2, "id,price,name,size\n2,1.50,a,XL\n")["message"]
    assert shop.json("log")[0]["message"].endswith("; new column size")
    assert stage(shop, 3, "id,price,name,size\nx,1.50,a,XL\ny,1,b,\n3,1,b,\n4,1,c,\n")["quarantined"] == 2  # a clash is no column
    assert list(types(shop)) == ["id", "price", "name", "size"]
    shop.write("zones/shop/sources/items.yml", SOURCE.format("freeze"))
    report = shop.json("run", check=False)
    assert {delivery["name"][-5:] for delivery in report["deliveries"]} == {"2.csv", "3.csv"} and "columns that the source" in report["errors"][0]["message"]
    assert list(types(shop)) == ["id", "price", "name", "size"]  # what is in the table does not leave it by an edit
    shop.lode("fix", "shop.items", "--withdraw", report["deliveries"][0]["name"], "--reason", "x", check=False)
    shop.lode("fix", "shop.items", "--withdraw", report["deliveries"][1]["name"], "--reason", "x")
    assert list(types(shop)) == ["id", "price", "name"] and rows(shop, "id, name") == [[1, "a"]]


@pytest.mark.parametrize("load", ["append", "merge"])
def test_a_column_that_was_another_stays_the_same_column(shop: Project, load: str) -> None:
    more = "load: merge\nkey: id\n" if load == "merge" else ""
    shop.write("zones/shop/sources/items.yml", SOURCE.format("columns") + more)
    stage(shop, 1, "id,price,name\n1,1.50,a\n")
    before = ids(shop)
    text = SOURCE.format("columns").replace("name: text", "title: text was name").replace("decimal(5,2)", "decimal(9,2)")
    shop.write("zones/shop/sources/items.yml", text + more)
    shop.lode("run")
    assert "column name is called title" in shop.json("log")[0]["message"]
    stage(shop, 2, "id,price,title\n2,2.50,b\n")
    assert rows(shop, "id, title, price") == [[1, "a", 1.5], [2, "b", 2.5]]
    assert ids(shop) == {("title" if name == "name" else name): number for name, number in before.items()}
    assert shop.table("shop.staging.items").sort_by("id").column("title").to_pylist() == ["a", "b"]
    shop.write("zones/shop/sources/items.yml", text.replace("columns:\n", "columns:\n  name: text\n") + more)
    assert shop.error("run")["code"] == "E105"


@pytest.mark.parametrize(("before", "after", "stays"), [
    ("  name: text\n", "  title: text from name\n", False),
    ("  name: text\n", "  title: text was name\n", False),
    ("  name: text\n", "", True),                          # the field comes back as a column that deliveries brought
    ("  name: text from title\n", "  title: text\n", False),
    ("", "  title: text from name\n", False),              # deliveries had brought it
    ("", "  title: text\n", True),
])
def test_check_knows_which_columns_the_next_run_leaves(shop: Project, before: str, after: str, stays: bool) -> None:
    """As the run after it finds out."""
    text = "from: ingress/items*.csv\ncolumns:\n  id: int\n"
    shop.write("zones/shop/sources/items.yml", text + before)
    shop.write("zones/shop/canonical/named.sql", "select id, name from staging.items\n")
    shop.drop("shop", "items1.csv", "id,title\n1,a\n" if "from title" in before else "id,name\n1,a\n")
    shop.lode("run")
    shop.write("zones/shop/sources/items.yml", text + after)
    checked = shop.lode("check", check=False)
    ran = shop.lode("run", check=False)
    assert (checked.exit == 0, "name" in types(shop)) == (stays, stays), (checked, types(shop))
    assert stays or (ran.exit != 0 and "E204" in checked.stderr)
