# SPDX-License-Identifier: Apache-2.0
"""What other programs build on: the keys of each JSON document and their order, the exit statuses, errors as one line,
and how a value is written in JSON and in CSV."""

import csv
import io
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from conftest import LODE, Project, make_project

ADD = {"sources": [{"zone": 0, "source": 0, "path": 0, "format": 0,
                    "dialect": {"delimiter": 0, "quote": 0, "escape": 0, "escapes": 0, "header": 0, "skip": 0, "decimal": 0, "thousands": 0},
                    "columns": [{"name": 0, "type": 0, "nulls": 0, "example": 0}],
                    "doubts": [{"column": 0, "what": 0, "assumed": 0}], "preview": 0, "records": 0, "files": 0}],
       "left_over": [{"file": 0, "why": 0}]}
APPLY = {"commit": 0, "branch": 0, "changes": [{"kind": 0, "name": 0, "change": 0}],
         "access": [{"principal": 0, "object": 0, "gains": 0, "loses": 0}], "errors": 0}
DELIVERY = dict.fromkeys(["zone", "source", "delivery", "name", "sha256", "bytes", "state", "records", "accepted",
                          "quarantined", "skipped", "commit", "message"], 0)
ERROR = dict.fromkeys(["code", "message", "file", "line", "column", "hint"], 0)
RUN = {"run": 0, "branch": 0, "commit": 0, "state": 0, "seconds": 0,
       "files": dict.fromkeys(["seen", "staged", "duplicate", "held", "failed", "unclaimed"], 0), "unclaimed": 0,
       "deliveries": [DELIVERY],
       "models": [{"table": 0, "kind": 0, "state": 0, "rows": 0, "added": 0, "changed": 0, "removed": 0, "seconds": 0,
                   "checks": [{"name": 0, "severity": 0, "state": 0, "rows": 0}]}],
       "errors": [ERROR]}
QUARANTINE = [dict.fromkeys(["zone", "source", "delivery", "name", "record", "line", "offset", "length", "column", "rule",
                             "message", "raw", "state"], 0)]
TABLES = [dict.fromkeys(["zone", "stage", "table", "kind", "rows", "files", "bytes", "commit", "changed_at"], 0)]
TABLE = {"table": 0, "kind": 0, "about": 0, "columns": [{"name": 0, "type": 0, "about": 0, "tags": 0, "from": 0}],
         "snapshot": 0, "metadata_location": 0, "rows": 0, "files": 0, "bytes": 0, "needs": 0, "needed_by": 0}
TRACE = [dict.fromkeys(["table", "key", "delivery", "name", "line", "offset", "length", "raw"], 0)]
LOG = [dict.fromkeys(["commit", "parent", "branch", "author", "time", "message", "git"], 0)
       | {"changes": [{"kind": 0, "name": 0, "change": 0}]}]
STATUS = {"store": 0, "branch": 0, "principal": 0, "files": RUN["files"], "quarantine": [{"source": 0, "rule": 0, "rows": 0}],
          "held": 0, "failed": 0, "edited": 0, "next": 0}
CHECK = {"state": 0, "errors": [ERROR], "warnings": 0}

ORDERS = "from: ingress/orders*.csv\ncolumns:\n  order_no: int required\n  day: date\n  amount: decimal(9,2)\n"


def assert_shape(document: Any, shape: Any, where: str = "document") -> int:
    """Objects have exactly the shape's keys in its order; every item of a list is like the shape's one. Gives how many
    objects were looked at, so that a test can tell that a list was not just empty."""
    if isinstance(shape, list):
        assert isinstance(document, list), where
        return sum(assert_shape(item, shape[0], f"{where}[{at}]") for at, item in enumerate(document))
    if isinstance(shape, dict):
        assert isinstance(document, dict) and list(document) == list(shape), (where, document)
        return 1 + sum(assert_shape(document[key], inner, f"{where}.{key}") for key, inner in shape.items())
    return 0


@pytest.fixture(scope="module")
def shop_that_ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, dict[str, Any]]:
    """A zone with everything that a document can hold: a duplicate, a held file, one that nothing claims, quarantine, a
    model that fails and two that are built; and what its first run said."""
    project = make_project(tmp_path_factory.mktemp("shop"))
    project.write("zones/shop/zone.yml", "owner: ann\n")
    project.write("zones/shop/sources/orders.yml", ORDERS)
    project.write("zones/shop/canonical/order.sql", "-- about: orders\n-- key: order_no\nselect *, _file, _row from staging.orders\n")
    project.write("zones/shop/canonical/seen.sql", "-- kind: view\nselect order_no, day, _file, _row from staging.orders\n")
    project.write("zones/bad/canonical/broken.sql", "select 1 / 0 // 0 as x, 'a'::int as y\n")
    good = "order_no,day,amount\n1,2026-01-05,10.50\n2,2026-01-06,7.25\n3,soon,1.00\n4,2026-01-07,\n"
    for name, text in {"orders1.csv": good, "orders2.csv": good, "orders3.csv": "order_no,day,amount\nx,y,z\n", "other.csv": "a\n"}.items():
        project.drop("shop", name, text)
    answer = project.lode("run", "-o", "json", check=False)
    assert answer.exit == 1
    return project, answer.json


@pytest.fixture
def shop(shop_that_ran: tuple[Project, dict[str, Any]]) -> Project:
    return shop_that_ran[0]


@pytest.fixture
def ran(shop_that_ran: tuple[Project, dict[str, Any]]) -> dict[str, Any]:
    return shop_that_ran[1]


def test_add(project: Project) -> None:
    files = [project.write("in/a.csv", "id,code\n1,007\n2,0815\n"), project.write("in/empty.csv", "")]
    document = project.json("add", "shop", *files, check=False)
    assert assert_shape(document, ADD) >= 6
    assert document["sources"][0]["columns"][1] == {"name": "code", "type": "text", "nulls": 0, "example": "007"}
    assert document["sources"][0]["preview"][0] == {"id": "1", "code": "007"}
    assert len(document["left_over"]) == 1 and document["sources"][0]["doubts"]


def test_an_example_is_never_a_null(project: Project) -> None:
    words = ["\\N"] * 5 + [f"word {n}" for n in range(5, 20)]
    lines = "".join(f"{n},{word},\n" for n, word in enumerate(words))
    added = project.json("add", "shop", project.write("in/a.csv", "id,word,nothing\n" + lines))
    columns = {column["name"]: column for column in added["sources"][0]["columns"]}
    assert columns["word"] == {"name": "word", "type": "text", "nulls": 5, "example": "word 5"}
    assert (columns["nothing"]["nulls"], columns["nothing"]["example"]) == (20, None)


def test_apply(project: Project) -> None:
    project.write("zones/shop/sources/orders.yml", ORDERS)
    document = project.json("apply")
    assert assert_shape(document, APPLY) >= 2
    assert document["branch"] == "main" and document["errors"] == [] and len(document["commit"]) == 64
    assert {"kind": "source", "name": "shop.orders", "change": "put"} in [
        change | {"change": "put"} for change in document["changes"]]
    assert project.json("apply")["changes"] == []


def test_run(shop: Project, ran: dict[str, Any]) -> None:
    assert assert_shape(ran, RUN) >= 2 + 3 + 2 + 1
    assert ran["state"] == "partly" and ran["branch"] == "main"
    assert ran["files"] == {"seen": 4, "staged": 1, "duplicate": 1, "held": 1, "failed": 0, "unclaimed": 1}
    assert ran["unclaimed"] == ["ingress/shop/other.csv"]
    assert {d["state"] for d in ran["deliveries"]} == {"staged", "duplicate", "held"}
    for delivery in ran["deliveries"]:
        assert delivery["records"] == delivery["accepted"] + delivery["quarantined"] + delivery["skipped"], delivery
        assert Path(delivery["name"]).name.startswith("orders") and len(delivery["sha256"]) == 64
    assert {m["table"]: m["state"] for m in ran["models"]} == {
        "shop.canonical.order": "built", "shop.canonical.seen": "built", "bad.canonical.broken": "failed"}
    assert [error["code"] for error in ran["errors"]] == ["E301", "E206"]
    assert ran["errors"][1]["file"] == "zones/bad/canonical/broken.sql"


def test_show_quarantine(shop: Project, ran: dict[str, Any]) -> None:
    for arguments in ([], ["shop"], ["shop.orders"], ["--rows"]):
        document = shop.json("show", "quarantine", *arguments)
        assert assert_shape(document, QUARANTINE) == 1
    assert (document[0]["line"], document[0]["column"], document[0]["rule"], document[0]["state"]) == (4, "day", "not_a_date", "open")
    rows = list(csv.DictReader(io.StringIO(shop.lode("show", "quarantine", "--rows", "-o", "csv").stdout)))
    assert [[key for key in row if key not in ("sheet", "cell")] for row in rows] == [list(QUARANTINE[0])]
    assert (rows[0]["sheet"], rows[0]["cell"]) == ("", "")  # which a workbook has in the place of offset and length
    assert rows[0]["raw"] == document[0]["raw"] == "3,soon,1.00"


def test_show_delivery(shop: Project, ran: dict[str, Any]) -> None:
    document = shop.json("show", "delivery")
    assert assert_shape(document, [DELIVERY | {"landed_at": 0}]) >= 2
    assert shop.json("show", "delivery", "shop.orders") == document
    times = [delivery["landed_at"] for delivery in document]
    assert times == sorted(times, reverse=True)


def test_show_table(shop: Project, ran: dict[str, Any]) -> None:
    document = shop.json("show", "table")
    assert assert_shape(document, TABLES) == 3
    assert [f"{row['zone']}.{row['stage']}.{row['table']}" for row in document] == [
        "shop.staging.orders", "shop.canonical.order", "shop.canonical.seen"]
    assert [row["kind"] for row in shop.json("show", "table", "shop.staging")] == ["staging"]


def test_show_one_table(shop: Project, ran: dict[str, Any]) -> None:
    staged, model = shop.json("show", "shop.staging.orders"), shop.json("show", "shop.canonical.order")
    assert assert_shape(staged, TABLE) >= 4 and assert_shape(model, TABLE) >= 4
    assert [column["name"] for column in staged["columns"]] == ["order_no", "day", "amount"]
    assert (model["about"], model["needs"]) == ("orders", ["shop.staging.orders"])
    assert staged["needed_by"] == ["shop.canonical.order", "shop.canonical.seen"]
    assert Path(model["metadata_location"]).is_file()
    view = shop.json("show", "shop.canonical.seen")
    assert assert_shape(view, TABLE) >= 3
    assert (view["kind"], view["about"], view["snapshot"], view["metadata_location"], view["rows"]) == ("view", *[None] * 4)


def test_trace(shop: Project, ran: dict[str, Any]) -> None:
    for table in ("shop.staging.orders", "shop.canonical.order", "shop.canonical.seen"):
        document = shop.json("trace", table, "--where", "order_no = 2")
        assert assert_shape(document, TRACE) == 1
        assert (document[0]["table"], document[0]["key"]) == (table, "order_no=2")
        assert (document[0]["line"], document[0]["raw"]) == (3, "2,2026-01-06,7.25")


def test_what_cannot_be_traced_says_why(project: Project) -> None:
    project.write("zones/shop/sources/orders.yml", ORDERS)
    project.write("zones/shop/canonical/one.sql", "-- kind: view\nselect order_no, amount from staging.orders\n")
    project.write("zones/shop/canonical/two.sql", "-- kind: view\nselect order_no from canonical.one limit 5\n")
    project.write("zones/shop/canonical/three.sql", "select order_no from canonical.two\n")
    project.write("zones/shop/analytical/total.sql", "select sum(amount) as total from staging.orders limit 1\n")
    project.drop("shop", "orders1.csv", "order_no,day,amount\n1,2026-01-05,10.50\n")
    project.lode("run")
    assert len(project.json("trace", "shop.canonical.one", "--where", "true")) == 1
    for table, why in {"canonical.two": "it has a LIMIT", "analytical.total": "it has a LIMIT",
                       "canonical.three": "shop.canonical.two, a view below it: it has a LIMIT"}.items():
        error = project.error("trace", f"shop.{table}", "--where", "true")
        assert (error["exit"], error["code"]) == (2, "E202") and why in error["message"], error


def test_a_view_is_answered(shop: Project, ran: dict[str, Any]) -> None:
    assert shop.query("select order_no from shop.canonical.seen order by 1") == [{"order_no": n} for n in (1, 2, 4)]


def test_log(shop: Project, ran: dict[str, Any]) -> None:
    document = shop.json("log")
    assert assert_shape(document, LOG) >= 4
    for newer, older in zip(document, document[1:], strict=False):
        assert newer["parent"] == older["commit"] and newer["time"] > older["time"]
    assert {change["change"] for commit in document for change in commit["changes"]} <= {"put", "remove"}


def test_status(shop: Project, ran: dict[str, Any]) -> None:
    document = shop.json("status")
    assert assert_shape(document, STATUS) >= 3
    assert document["quarantine"] == [{"source": "shop.orders", "rule": "not_a_date", "rows": 1}]
    assert document["held"] and document["files"]["unclaimed"] == 1 and document["next"].startswith("lode ")


def test_check(project: Project) -> None:
    project.write("zones/shop/sources/orders.yml", ORDERS)
    document = project.json("check")
    assert assert_shape(document, CHECK) == 1 and document["errors"] == []


# ---- exit statuses and errors ----

def test_0_is_done_and_nothing_else_is_on_stdout(shop: Project, ran: dict[str, Any]) -> None:
    answer = shop.lode("query", "select 1 as one", "-o", "json")
    assert (answer.exit, answer.stdout.count("\n"), answer.json) == (0, 1, [{"one": 1}])


def test_1_is_something_held_back(shop: Project, ran: dict[str, Any]) -> None:
    """And all else is published: the document is on stdout, whole."""
    shop.drop("shop", "orders9.csv", "order_no,day,amount\nno,no,no\n")
    answer = shop.lode("run", "-o", "json", check=False)
    assert answer.exit == 1 and [d["state"] for d in answer.json["deliveries"]] == ["held"]


@pytest.mark.parametrize("arguments, code, place", [
    (["query", "select nothing from shop.staging.orders"], "E204", (None, 1, 8)),
    (["query", "select 1 from shop.staging.nothing"], "E203", (None, 1, 15)),
    (["query", "select from"], "E201", (None, 1, None)),
    (["query", "copy (select 1) to 'x'"], "E202", (None, 1, 1)),
    (["query", "select * from read_csv('/etc/passwd')"], "E202", (None, 1, 15)),
    (["query", "select 'x'::int"], "E206", (None, None, None)),
    (["query", "select 1", "--at", "nonsense"], None, (None, None, None)),
    (["query", "select 1", "--branch", "nonsense"], None, (None, None, None)),
    (["show", "shop.staging.nothing"], "E203", (None, None, None)),
    (["trace", "shop.staging.nothing", "--where", "true"], "E203", (None, None, None)),
    (["run", "nothing"], "E108", (None, None, None)),
    (["nonsense"], "E101", (None, None, None)),
])
def test_2_is_a_wrong_question(shop: Project, ran: dict[str, Any], arguments: list[str], code: str | None,
                               place: tuple[Any, Any, Any]) -> None:
    answer = shop.lode(*arguments, "-o", "json", check=False)
    assert (answer.exit, answer.stdout) == (2, "")
    lines = answer.stderr.splitlines()
    assert len(lines) == 1, answer.stderr
    document = json.loads(lines[0])
    assert list(document) == ["error"]
    error = document["error"]
    assert list(error) == ["code", "sqlstate", "message", "file", "line", "column", "hint"]
    assert code is None or error["code"] == code, error
    for got, wanted in zip((error["file"], error["line"], error["column"]), place, strict=True):
        assert wanted is None or got == wanted, error
    assert len(error["sqlstate"]) == 5 and error["message"]
    plain = shop.lode(*arguments, check=False).stderr
    assert plain.startswith(f"error[{error['code']}]") and error["message"] in plain


def test_3_is_the_environment(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    project.write("zones/shop/sources/orders.yml", ORDERS)
    project.lode("run")
    project.store.rename(tmp_path / "elsewhere")
    (project.root / "lode.yml").write_text("project: project\nstore: ../elsewhere\n")
    error = project.error("query", "select 1")
    assert (error["exit"], error["code"]) == (3, "E506")
    assert str(project.store) in error["message"] and "elsewhere" in error["message"]


@pytest.mark.parametrize("arguments", [
    ["query", "select count(*) from range(1000000000000) as a where hash(a.range) = 7"], ["run"]])
def test_130_is_interrupted_and_safe_to_repeat(tmp_path: Path, arguments: list[str]) -> None:
    project = make_project(tmp_path)
    project.lode("apply")
    project.write("zones/shop/canonical/slow.sql", "select count(*) as n from range(1000000000000) as a where hash(a.range) = 7\n")
    with subprocess.Popen([LODE, *arguments, "-o", "json"], cwd=project.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        time.sleep(1.0)
        assert process.poll() is None, process.stderr
        os.kill(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=240)
    assert process.returncode == 130, said
    assert json.loads(said.splitlines()[-1])["error"]["code"] == "E130"
    (project.root / "zones/shop/canonical/slow.sql").write_text("select 1 as n\n")
    project.lode("run")
    assert project.query("select n from shop.canonical.slow") == [{"n": 1}]


# ---- values ----

VALUES = [  # SQL, JSON, CSV
    ("9223372036854775807::bigint", "9223372036854775807", "9223372036854775807"),
    ("'-170141183460469231731687303715884105728'::hugeint", *["-170141183460469231731687303715884105728"] * 2),
    ("18446744073709551615::ubigint", *["18446744073709551615"] * 2),
    ("1.10::decimal(9,2)", "1.10", "1.10"),
    ("-0.01::decimal(9,2)", "-0.01", "-0.01"),
    ("0.00000001::decimal(18,8)", "0.00000001", "0.00000001"),
    ("123456789012345678901234567890.12345678::decimal(38,8)", *["123456789012345678901234567890.12345678"] * 2),
    ("0.1::double", "0.1", "0.1"),
    ("1e300::double", "1e+300", "1e+300"),
    ("'nan'::double", '"NaN"', "NaN"),
    ("'infinity'::double", '"Infinity"', "Infinity"),
    ("'-infinity'::float", '"-Infinity"', "-Infinity"),
    ("true", "true", "true"),
    ("date '0001-01-01'", '"0001-01-01"', "0001-01-01"),
    ("time '23:59:59.000001'", '"23:59:59.000001"', "23:59:59.000001"),
    ("timestamp '2026-01-02 03:04:05.5'", '"2026-01-02T03:04:05.5"', "2026-01-02 03:04:05.5"),
    ("timestamptz '2026-01-02 03:04:05+02'", '"2026-01-02T01:04:05+00:00"', "2026-01-02 01:04:05+00"),
    ("'00000000-0000-4000-8000-00000000000a'::uuid", '"00000000-0000-4000-8000-00000000000a"', "00000000-0000-4000-8000-00000000000a"),
    (r"'\x00\xff'::blob", '"AP8="', r"\x00ff"),
    ("'é\"\\'", '"é\\"\\\\"', '"é""\\"'),
    ("'a,b'", '"a,b"', '"a,b"'),
    ("chr(10) || chr(13) || chr(9)", '"\\n\\r\\t"', '"\n\r\t"'),
    ("' a '", '" a "', " a "),
    ("''", '""', '""'),
    ("null", "null", ""),
]


@pytest.mark.parametrize("sql, in_json, in_csv", VALUES)
def test_a_value_in_json_and_csv(shop: Project, sql: str, in_json: str, in_csv: str) -> None:
    assert shop.lode("query", f"select {sql} as v", "-o", "json").stdout == f'[{{"v":{in_json}}}]\n'
    done = subprocess.run([LODE, "query", f"select 1 as a, {sql} as v, 2 as b", "-o", "csv"], cwd=shop.root,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=240, check=True)
    assert done.stdout.decode() == f"a,v,b\n1,{in_csv},2\n"


def test_names_that_come_twice_are_numbered(shop: Project) -> None:
    answer = shop.lode("query", "select 1 as a, 2 as a, 3 as b, 4 as a", "-o", "json")
    assert answer.stdout == '[{"a":1,"a_1":2,"b":3,"a_2":4}]\n'
    taken = json.loads(shop.lode("query", "select 1 as a, 2 as a_1, 3 as a", "-o", "json").stdout,
                       object_pairs_hook=list)[0]
    assert [value for _, value in taken] == [1, 2, 3] and len({name for name, _ in taken}) == 3


def test_names_that_come_twice_are_numbered_in_parquet(shop: Project) -> None:
    done = subprocess.run([LODE, "query", 'select 1 as a, 2 as a, \'x\' as "b""c" order by 1', "-o", "parquet"], cwd=shop.root,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=240, check=True)
    assert pyarrow.parquet.read_table(io.BytesIO(done.stdout)).to_pylist() == [{"a": 1, "a_1": 2, 'b"c': "x"}]


def test_answers_without_rows(shop: Project) -> None:
    assert shop.lode("query", "select 1 as a where false", "-o", "json").stdout == "[]\n"
    assert shop.lode("query", 'select 1 as a, 2 as "b,c" where false', "-o", "csv").stdout == 'a,"b,c"\n'
    done = subprocess.run([LODE, "query", "select 1 as a, 'x' as b where false", "-o", "parquet"], cwd=shop.root,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=240, check=True)
    table = pyarrow.parquet.read_table(io.BytesIO(done.stdout))
    assert (table.column_names, table.num_rows) == (["a", "b"], 0)
