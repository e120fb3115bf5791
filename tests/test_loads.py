# SPDX-License-Identifier: Apache-2.0
"""`load: merge` and `load: history` against tests/loads.py: real snapshots and made changes, in any order, in parts, twice
and with runs killed; as PyIceberg and as SQL read them."""

import csv
import gzip
import io
import random
import shutil
import subprocess
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import loads
import pytest
from conftest import LODE, Project, copy_project, counts, make_project, spread
from judge import iceberg_table
from loads import Delivered, Load, Row
from test_kill import run_and_kill

NAME = 'name "_(\\\\d{4}-\\\\d{2}-\\\\d{2})"'
RUNWAYS = "from: ingress/runways_*.csv*\nload: {load}\nkey: id\nas_of: {as_of}\n{more}columns:\n{columns}"


def source(load: str, header: Iterable[str], **keys: str) -> str:
    """Every column as text, but for the id; so rows compare as the file has them."""
    columns = "".join(f"  {name}: {'bigint' if name == 'id' else 'text'}\n" for name in header)
    return RUNWAYS.format(load=load, as_of=NAME, columns=columns, more="".join(f"{key}: {value}\n" for key, value in keys.items()))


def text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).date().isoformat() if value.tzinfo else value.isoformat()
    return "" if value is None else value.isoformat() if isinstance(value, date) else str(value)


def rows_of(project: Project, name: str) -> list[tuple[str, ...]]:
    """As PyIceberg reads them, without what only Lode knows."""
    table = project.table(name).drop_columns(["_file", "_row"])
    return sorted(tuple(map(text, row.values())) for row in table.to_pylist())


def expect(load: Load, deliveries: list[Delivered], kind: str) -> list[tuple[str, ...]]:
    if kind == "merge":
        return sorted(tuple(row.values()) for row in loads.merged(load, deliveries))
    return sorted((*row.values(), since, until) for row, since, until in loads.history(load, deliveries))


def packed(header: list[str], rows: Iterable[Row]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, header, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def runways(folder: Path, part: int) -> list[Delivered]:
    """The 13 snapshots: one of so many keys, or with 1 the files as they are."""
    found = []
    for path in sorted((folder / "ourairports/runways-history").glob("*.csv.gz")):
        raw = path.read_bytes()
        reader = csv.DictReader(io.StringIO(gzip.decompress(raw).decode()))
        rows = [row for row in reader if int(row["id"]) % part == 0]
        content = raw if part == 1 else packed(list(reader.fieldnames or []), rows)
        name = path.name if part == 1 else path.name.removesuffix(".gz")
        found.append(Delivered(name, path.name[8:18], content, rows))
    assert len(found) == 13
    return found


def make(folder: Path, sources: dict[str, str]) -> Project:
    project = make_project(folder)
    project.write("zones/air/zone.yml", "owner: ann\n")
    for name, lines in sources.items():
        project.write(f"zones/{name}/zone.yml", "owner: ann\n")
        project.write(f"zones/{name}/sources/runways.yml", lines)
    return project


def drop(project: Project, zones: Iterable[str], delivered: Delivered) -> None:
    for zone in zones:
        (project.root / "ingress" / zone).mkdir(parents=True, exist_ok=True)
        project.drop(zone, delivered.name, delivered.content)


@counts("LODE_RUNWAYS", 40, 1)
def test_thirteen_snapshots_give_the_reference_in_any_order_and_again(tmp_path: Path, test_data: Path, count: int) -> None:
    deliveries = runways(test_data, count)
    header = list(deliveries[0].rows[0])
    kinds = {"merged": ("merge", {}), "ended": ("history", {}), "kept": ("history", {"absent": "keep"})}
    wanted = {zone: expect(Load(("id",), keep_absent=zone == "kept"), deliveries, kind)
              for zone, (kind, _) in kinds.items()}
    assert len(wanted["ended"]) > len(wanted["merged"]) and wanted["ended"] != wanted["kept"]
    shuffled = random.Random(13).sample(deliveries, 13)
    for number, (order, step) in enumerate([(deliveries, 1), (shuffled, 4), (shuffled[::-1], 13)]):  # so many to a run
        project = make(tmp_path / str(number), {zone: source(kind, header, **more) for zone, (kind, more) in kinds.items()})
        for at in range(0, 13, step):
            for delivered in order[at:at + step]:
                drop(project, kinds, delivered)
            assert project.json("run")["files"]["staged"] == len(kinds) * len(order[at:at + step])
        commit = project.json("log")[0]["commit"]
        for delivered in order:
            drop(project, kinds, delivered)
        files = project.json("run")["files"]
        assert (files["seen"], files["duplicate"]) == (39, 39), files
        assert project.json("log")[0]["commit"] == commit
        for zone, rows in wanted.items():
            assert rows_of(project, f"{zone}.staging.runways") == rows, (number, zone)


# ---- changes ----

CHANGES = ["id", "at", "op", "name", "price"]
FEED = Load(("id",), ("at",), ("op", "D"))
FEED_KEYS = {"order_by": "at", "deleted_when": "op = 'D'"}


def changes(chance: random.Random, files: int = 8) -> list[Delivered]:
    """Changes of a few keys, out of order, some in two files, some at one time, some of nothing; and bytes twice."""
    found = []
    for number in range(files):
        rows = [{"id": str(chance.randrange(1, 9)), "at": f"2026-01-{chance.randrange(1, 10):02}",
                 "op": chance.choice("IUUD"), "name": chance.choice("abc"), "price": chance.choice(["", "1", "2"])}
                for _ in range(chance.randrange(0, 12))]
        time = f"2026-02-{chance.randrange(1, 5):02}"
        content = packed(CHANGES, rows) + b"\n" * number
        if found and chance.random() < 0.2:
            other = chance.choice(found)
            if (other.content, time) not in {(each.content, each.time) for each in found}:
                content, rows = other.content, other.rows
        found.append(Delivered(f"runways_{time}_{number}.csv", time, content, rows))
    return found


def feeds(chance: random.Random) -> dict[str, str]:
    snapshot = {"deleted_when": "op in (D, 'none')"} if chance.random() < 0.5 else {}
    return {"merged": source("merge", CHANGES, **FEED_KEYS), "feed": source("history", CHANGES, **FEED_KEYS).replace("at: text", "at: date"),
            "ended": source("history", CHANGES, **snapshot), "kept": source("history", CHANGES, absent="keep", **snapshot)}


def wanted_of(sources: dict[str, str], deliveries: list[Delivered]) -> dict[str, list[tuple[str, ...]]]:
    wanted = {}
    for zone, lines in sources.items():
        load = Load(("id",), ("at",) if "order_by" in lines else (), ("op", "D") if "deleted_when" in lines else None,
                    zone == "kept")
        wanted[zone] = expect(load, deliveries, "merge" if zone == "merged" else "history")
    return wanted


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Copied, not made, for each history."""
    return make_project(tmp_path_factory.mktemp("empty"))


@spread("LODE_LOAD_HISTORIES", 40, 500, parts=10, few_parts=8)
def test_any_order_of_any_subset_with_kills_gives_the_same_tables(tmp_path: Path, empty: Project, numbers: range) -> None:
    """A history that fails is named by its seed."""
    for seed in numbers:
        chance = random.Random(seed)
        project = copy_project(empty, tmp_path / str(seed))
        sources = feeds(chance)
        for zone, lines in sources.items():
            project.write(f"zones/{zone}/zone.yml", "owner: ann\n")
            project.write(f"zones/{zone}/sources/runways.yml", lines)
        deliveries = changes(chance)
        arriving = chance.sample(deliveries, chance.randrange(1, len(deliveries) + 1))
        arriving += chance.sample(arriving, chance.randrange(0, len(arriving)))
        for delivered in arriving:
            drop(project, sources, delivered)
            what = chance.random()
            if what < 0.15:
                project.lode("run")
            elif what < 0.4:
                run_and_kill(project, chance.uniform(0.0, 1.5))
        project.lode("run")
        for zone, rows in wanted_of(sources, arriving).items():
            assert rows_of(project, f"{zone}.staging.runways") == rows, f"history {seed}: {zone}"
        assert project.json("run")["state"] == "nothing", f"history {seed}"
        shutil.rmtree(project.root.parent)


def test_runs_side_by_side_lose_and_double_nothing(tmp_path: Path) -> None:
    """Each staging is over the log and the ledger as they were when it began: who published first makes the others begin again."""
    chance = random.Random(7)
    sources = feeds(chance)
    project = make(tmp_path, sources)
    deliveries = changes(chance, 9)
    for at in range(0, 9, 3):
        runs = []
        for delivered in deliveries[at:at + 3]:
            drop(project, sources, delivered)
            runs.append(subprocess.Popen([LODE, "run", "-q"], cwd=project.root, stdin=subprocess.DEVNULL))
        assert [run.wait() for run in runs] == [0, 0, 0]
    project.lode("run")
    for zone, rows in wanted_of(sources, deliveries).items():
        assert rows_of(project, f"{zone}.staging.runways") == rows, zone
    assert project.lode("verify").exit == 0


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("zones/shop/zone.yml", "owner: ann\n")
    (project.root / "ingress/shop").mkdir(parents=True)
    return project


ITEMS = """\
from: ingress/items*.csv
load: merge
key: id
order_by: at
deleted_when: op = D
columns:
  id: int
  name: text
  at: date
  op: text
"""


def items(project: Project, columns: str = "id, name") -> list[dict[str, Any]]:
    return project.query(f"select {columns} from shop.staging.items order by all")


def test_a_late_older_row_does_not_bring_a_deleted_key_back(shop: Project) -> None:
    shop.write("zones/shop/sources/items.yml", ITEMS)
    shop.drop("shop", "items1.csv", "id,name,at,op\n1,new,2026-02-01,I\n2,two,2026-02-01,I\n")
    shop.lode("run")
    shop.drop("shop", "items2.csv", "id,name,at,op\n1,,2026-03-01,D\n")
    shop.lode("run")
    assert items(shop) == [{"id": 2, "name": "two"}]
    shop.drop("shop", "items3.csv", "id,name,at,op\n1,late,2026-02-15,U\n,nobody,2026-02-15,U\n")
    report = shop.json("run")
    assert report["deliveries"][0]["accepted"] == 1 and report["deliveries"][0]["quarantined"] == 1
    assert items(shop) == [{"id": 2, "name": "two"}]
    assert [row["rule"] for row in shop.json("show", "quarantine", "--rows")] == ["required_missing"]
    assert not shop.json("show", "table", "shop") == [] and len(shop.json("show", "table", "shop")) == 1


def test_nobody_reads_the_log_by_name_and_verify_and_tidy_know_it(shop: Project) -> None:
    shop.write("zones/shop/sources/items.yml", ITEMS)
    for number in range(12):
        shop.drop("shop", f"items{number}.csv", f"id,name,at,op\n1,v{number},2026-01-{number + 1:02},U\n")
    shop.lode("run")
    for name in ("shop.log.items", "shop.staging.items_log"):
        assert shop.error("query", f"select * from {name}")["code"] == "E203", name
    assert items(shop) == [{"id": 1, "name": "v11"}]
    assert [table["table"] for table in shop.json("tidy")["compacted"]] == ["shop.staging.items (log)"]
    assert shop.lode("verify").exit == 0
    assert items(shop) == [{"id": 1, "name": "v11"}]
    shop.drop("shop", "items99.csv", "id,name,at,op\n1,old,2026-01-03,U\n2,b,2026-01-03,U\n")
    shop.lode("run")
    assert items(shop) == [{"id": 1, "name": "v11"}, {"id": 2, "name": "b"}]


def data_files(shop: Project) -> set[str]:
    return {task.file.file_path for task in iceberg_table(shop.json("show", "shop.staging.items")["metadata_location"]).scan().plan_files()}


def test_files_whose_rows_all_stay_are_kept(shop: Project) -> None:
    shop.write("zones/shop/sources/items.yml", ITEMS)
    steps = [  # what comes, and how many files of those before go
        ("1,a,2026-01-01,I\n2,a,2026-01-01,I\n", 0), ("3,a,2026-01-02,I\n4,a,2026-01-02,I\n", 0), ("3,b,2026-01-03,U\n", 1),
        ("1,,2026-01-04,D\n", 1), ("2,late,2025-01-01,U\n", 0), ("9,,2026-01-01,D\n", 0), ("2,c,2026-01-05,U\n4,c,2026-01-05,U\n", 2)]
    files: set[str] = set()
    for number, (lines, gone) in enumerate(steps):
        shop.drop("shop", f"items{number}.csv", "id,name,at,op\n" + lines)
        shop.lode("run")
        assert len(files - data_files(shop)) == gone, lines
        files = data_files(shop)
    assert items(shop) == [{"id": 2, "name": "c"}, {"id": 3, "name": "b"}, {"id": 4, "name": "c"}]
    for number in range(10, 30):
        shop.drop("shop", f"items{number}.csv", f"id,name,at,op\n{number},x,2026-01-01,I\n")
        shop.lode("run")
        assert len(data_files(shop)) <= 9, "small ones are merged"
    assert len(items(shop)) == 23
    content = shop.json("show", "shop.staging.items")
    shop.lode("run", "--again", check=False)
    assert shop.lode("verify").exit == 0 and shop.json("show", "shop.staging.items")["rows"] == content["rows"]


def test_a_large_table_is_cut_and_only_the_part_that_changes_is_written(shop: Project) -> None:
    count = 300_000
    shop.write("zones/shop/sources/items.yml", ITEMS)
    shop.drop("shop", "items1.csv", "id,name,at,op\n" + "".join(f"{i},n{i},2026-01-01,I\n" for i in range(count)))
    shop.lode("run")
    shop.drop("shop", "items2.csv", f"id,name,at,op\n7,x,2026-01-02,U\n{count},new,2026-01-02,I\n")
    shop.lode("run")
    files = data_files(shop)
    assert len(files) == 3
    shop.drop("shop", "items3.csv", f"id,name,at,op\n{count},,2026-01-03,D\n7,y,2026-01-03,U\n8,y,2026-01-03,U\n")
    shop.lode("run")
    assert len(files & data_files(shop)) >= 1
    asked = "select count(*) as n, count(distinct id) as ids, sum(id) as total, count(*) filter (name <> 'n' || id) as changed from shop.staging.items"
    assert shop.query(asked) == [{"n": count, "ids": count, "total": count * (count - 1) // 2, "changed": 2}]


def test_an_edited_load_is_made_again_of_the_landed_files_in_one_commit(shop: Project) -> None:
    shop.write("zones/shop/sources/items.yml", ITEMS)
    shop.drop("shop", "items1.csv", "id,name,at,op\n1,a,2026-01-01,I\n2,b,2026-01-01,I\n")
    shop.drop("shop", "items2.csv", "id,name,at,op\n1,c,2026-01-02,U\n2,,2026-01-03,D\n")
    shop.lode("run")
    assert items(shop) == [{"id": 1, "name": "c"}]
    for edit, columns, wanted in [
        (ITEMS.replace("load: merge", "load: history"), "id, name, _valid_from, _valid_to",
         [[1, "a", "2026-01-01", "2026-01-02"], [1, "c", "2026-01-02", None], [2, "b", "2026-01-01", "2026-01-03"]]),
        (ITEMS.replace("key: id", "key: [id, at]"), "id, name", [[1, "a"], [1, "c"], [2, "b"]]),
        (ITEMS.replace("load: merge\nkey: id\norder_by: at\ndeleted_when: op = D\n", ""), "id, name",
         [[1, "a"], [1, "c"], [2, "b"], [2, None]]),
        (ITEMS, "id, name", [[1, "c"]]),
    ]:
        shop.write("zones/shop/sources/items.yml", edit)
        step = shop.json("plan")["steps"][0]
        assert step["why"] == "edited" and step["bytes_to_read"] > 0
        before = len(shop.json("log"))
        shop.lode("run")
        assert len(shop.json("log")) == before + 2, "the text, and the table with its log"
        assert [list(row.values()) for row in items(shop, columns)] == wanted
        assert shop.json("run")["state"] == "nothing"
    shop.write("zones/shop/sources/items.yml", ITEMS.replace("key: id", "key: name") + "reread: 10 B\n")
    refused = shop.error("run")
    assert "--yes" in refused["hint"] and items(shop) == [{"id": 1, "name": "c"}]
    shop.lode("run", "--yes")
    assert shop.lode("verify").exit == 0


def test_snapshots_of_one_name_are_told_apart_by_when_they_landed(shop: Project) -> None:
    shop.write("zones/shop/sources/items.yml", "from: ingress/items.csv\nload: history\nkey: id\ncolumns:\n  id: int\n  name: text\n")
    a, b = "id,name\n1,a\n2,x\n", "id,name\n1,b\n"
    for content, wanted in [(a, "1a 2x"), (a, "1a 2x"), (b, "1a! 1b 2x!"), (a, "1a 1a! 1b! 2x 2x!")]:
        shop.drop("shop", "items.csv", content)
        shop.lode("run")
        rows = items(shop, "id || name || case when _valid_to is null then '' else '!' end as v")
        assert " ".join(sorted(row["v"] for row in rows)) == wanted
    joined = "select count(*) as n from shop.staging.items as a join shop.staging.items as b on a.id = b.id and a._valid_to = b._valid_from"
    assert shop.query(joined) == [{"n": 2}]  # 1: a, b, a; what 2 was has a gap


def test_a_snapshot_says_its_time_in_a_column_or_is_held(shop: Project) -> None:
    shop.write("zones/shop/sources/items.yml", "from: ingress/items*.csv\nload: history\nkey: id\nas_of: column day\n"
               "columns:\n  id: int\n  name: text\n  day: date\n")
    for name, lines in [("items3", "1,a,2026-03-01\n"), ("items1", "1,a,2026-01-01\n2,b,2026-01-01\n"), ("items2", "1,c,2026-02-01\n")]:
        shop.drop("shop", f"{name}.csv", "id,name,day\n" + lines)
        shop.lode("run")
    shop.drop("shop", "items4.csv", "id,name,day\n1,a,2026-03-01\n2,b,2026-03-02\n")
    shop.drop("shop", "items5.csv", "id,name,day\n")
    held = shop.json("run", check=False)["deliveries"]
    assert [delivery["state"] for delivery in held] == ["held", "held"]
    assert "several" in held[0]["message"] and "no time" in held[1]["message"]
    assert [list(row.values()) for row in items(shop, "id, name, _valid_from, _valid_to")] == [
        [1, "a", "2026-01-01", "2026-02-01"], [1, "a", "2026-03-01", None], [1, "c", "2026-02-01", "2026-03-01"],
        [2, "b", "2026-01-01", "2026-02-01"]]


def test_a_name_without_its_date_is_held_until_the_text_fits(shop: Project) -> None:
    lines = "from: ingress/items*.csv\nload: replace\nas_of: {}\ncolumns:\n  id: int\n  name: text\n"
    shop.write("zones/shop/sources/items.yml", lines.format('name "_(\\\\d{8})"'))
    for name, value in [("items_20260102.csv", "b"), ("items_20260101.csv", "a"), ("items-20260103.csv", "c")]:
        shop.drop("shop", name, f"id,name\n1,{value}\n")
        shop.lode("run", check=name[5] != "-")
        assert items(shop) == [{"id": 1, "name": "b"}]  # the newest by its name, whatever came last
    shop.write("zones/shop/sources/items.yml", lines.format("name '[0-9]{8}'"))
    shop.lode("run")
    assert items(shop) == [{"id": 1, "name": "c"}]


@pytest.mark.parametrize("redelivery", ["append", "replace", "reject"])
def test_the_same_name_with_other_bytes_is_what_redelivery_says(shop: Project, redelivery: str) -> None:
    """In every load; 1 is in both deliveries, 2 in the first alone but for the other file."""
    kinds = ("merge", "append", "replace")
    for load in kinds:
        merge = "key: [id, name]\n" if load == "merge" else ""
        shop.write(f"zones/shop/sources/{load}.yml", f"from: ingress/{load}*.csv\nload: {load}\n{merge}redelivery: {redelivery}\n"
                   "columns:\n  id: int\n  name: text\n")
    for name, lines in [("1", "2,x\n"), ("2", "1,a\n2,a\n"), ("2", "1,b\n")]:
        for load in kinds:
            shop.drop("shop", f"{load}{name}.csv", "id,name\n" + lines)
        shop.lode("run", check=False)
    for load in kinds:
        rows = " ".join(f"{row['id']}{row['name']}" for row in shop.query(f"select id, name from shop.staging.{load} order by all"))
        both = {"append": "1a 1b 2a 2x", "replace": "1b 2x", "reject": "1a 2a 2x"}[redelivery]
        alone = {"append": "1b", "replace": "1b", "reject": "1a 2a"}[redelivery]
        assert rows == (alone if load == "replace" else both)


# ---- keys that come twice in one file ----

def message_of(project: Project, name: str) -> str:
    found = [d for d in project.json("show", "delivery") if d["name"].endswith(name)]
    assert len(found) == 1 and found[0]["state"] == "staged", found
    return str(found[0]["message"] or "")


TWICE = "from: ingress/k_*.csv\nload: {load}\nkey: id\n{more}columns:\n  id: int\n  at: int\n  v: text\n"


@pytest.mark.parametrize(("load", "more", "rows", "said"), [
    ("merge", "", "1,1,a\n2,1,b\n1,2,c\n1,3,d\n",
     "2 records have a key that comes again in the same file, and of equals the last counts: record 2 before record 5 (1), record 4 before record 5 (1)"),
    ("merge", "order_by: at\n", "1,1,a\n2,1,b\n1,2,c\n1,3,d\n", ""),
    ("merge", "order_by: at\n", "1,3,a\n2,1,b\n1,3,c\n1,2,d\n",
     "1 record has a key that comes again in the same file, and of equals the last counts: record 2 before record 4 (1)"),
    ("history", "as_of: name \"k_(\\\\d{4}-\\\\d{2}-\\\\d{2})\"\n", "1,1,a\n1,1,a\n3,1,b\n",
     "1 record has a key that comes again in the same snapshot, and of equals the last counts: record 2 before record 3 (1)"),
    ("merge", "", "".join(f"{n},1,a\n{n},1,b\n" for n in range(1, 6)),
     "5 records have a key that comes again in the same file, and of equals the last counts: record 2 before record 3 (1), "
     "record 4 before record 5 (2), record 6 before record 7 (3), ..."),
], ids=["merge", "ordered", "equal order", "snapshot", "many"])
def test_a_key_that_comes_twice_in_a_file_is_said(tmp_path: Path, load: str, more: str, rows: str, said: str) -> None:
    project = make_project(tmp_path)
    project.write("zones/shop/sources/k.yml", TWICE.format(load=load, more=more))
    project.drop("shop", "k_2026-01-01.csv", "id,at,v\n" + rows)
    report = project.lode("run")
    assert message_of(project, "k_2026-01-01.csv") == said
    assert not said or said in report.stderr + report.stdout
    project.drop("shop", "k_2026-01-02.csv", "id,at,v\n1,9,z\n")  # a key of another file is no repetition
    project.lode("run")
    assert message_of(project, "k_2026-01-02.csv") == ""


def test_a_key_in_two_parts_of_one_snapshot_is_said(tmp_path: Path) -> None:
    """Also when the parts come in two runs, and the first part says nothing by itself."""
    project = make_project(tmp_path)
    project.write("zones/shop/sources/k.yml", TWICE.format(load="history", more="as_of: name \"(\\\\d{4}-\\\\d{2}-\\\\d{2})\"\n"))
    project.drop("shop", "k_2026-01-01_a.csv", "id,at,v\n1,1,a\n2,1,b\n")
    project.lode("run")
    project.drop("shop", "k_2026-01-01_b.csv", "id,at,v\n3,1,a\n2,1,c\n")
    project.lode("run")
    assert message_of(project, "_a.csv") == ""
    assert message_of(project, "_b.csv").endswith("record 3 of k_2026-01-01_a.csv before record 3 (2)")
    assert [row["v"] for row in project.query("select v from shop.staging.k where id = 2")] == ["c"]
