# SPDX-License-Identifier: Apache-2.0
"""`lode verify`: whatever happens to a file of a store is named, and whom it affects; what is whole is not."""

import os
import random
import resource
import shutil
import signal
import stat
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import LODE, Project, counts, make_project
from judge import iceberg_table

PAGE = 4096
SEED = 20261126


def small_store(folder: Path) -> Project:
    """Two sources, quarantine, a table, a view, replaced versions, a branch: one of everything, and few of each."""
    project = make_project(folder)
    project.write("zones/shop/zone.yml", "owner: ann\n")
    project.write("zones/shop/sources/orders.yml", "from: ingress/orders*.csv\ncolumns:\n  id: int\n  item: text\n  n: int\n")
    project.write("zones/shop/canonical/order.sql", "select id, item, n from shop.staging.orders\n")
    project.write("zones/shop/analytical/items.sql", "select item, sum(n) as n from shop.canonical.order group by item\n")
    project.drop("shop", "orders1.csv", "id,item,n\n1,tea,2\n2,cup,x\n3,pot,1\n")
    project.lode("run", "-q")
    project.drop("shop", "orders2.csv", "id,item,n\n4,tea,5\n")
    project.lode("run", "-q")
    for landed in (project.store / "landing").rglob("*"):
        landed.chmod(landed.stat().st_mode | stat.S_IWUSR)  # what landed is read-only, and root alone would not notice
    return project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return small_store(tmp_path_factory.mktemp("verified"))


def verify(project: Project, *options: str | Path) -> dict[str, Any]:
    answer = project.lode("verify", *options, "-o", "json", check=False)
    assert answer.exit in (0, 1), answer.stderr
    assert answer.exit == (answer.json["state"] == "damaged")
    return answer.json


def files_of(store: Path) -> list[Path]:
    return sorted(path for path in store.rglob("*") if path.is_file() and path.stat().st_size > 0)


def flip(path: Path, place: int, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1 << bit]))


@contextmanager
def flipped(path: Path, place: int, bit: int) -> Iterator[None]:
    flip(path, place, bit)
    try:
        yield
    finally:
        flip(path, place, bit)


@contextmanager
def changed(path: Path, change: Callable[[Path], None]) -> Iterator[None]:
    kept = path.with_name(path.name + ".kept")
    kept.write_bytes(path.read_bytes())
    try:
        change(path)
        yield
    finally:
        path.unlink(missing_ok=True)
        kept.rename(path)


def named(report: dict[str, Any]) -> set[str]:
    return {damage["file"] for damage in report["damage"] if damage["file"]}


def places_in(size: int) -> list[tuple[int, int]]:
    """The first bit, one in the middle, and the last one."""
    return [(0, 0), (size // 2, 3), (size - 1, 7)]


def test_a_store_as_it_was_written_is_whole(project: Project) -> None:
    report = verify(project)
    assert report["damage"] == [] and report["unknown"] == [] and report["complete"]
    assert report["checked"]["landed"] == 2
    assert report["checked"]["data"] == len(list((project.store / "tables").rglob("*.parquet")))
    assert report["checked"]["commits"] == len(project.json("log", "--limit", "1000"))
    assert verify(project, "--quick")["damage"] == []


@counts("LODE_BITS_A_FILE", 1, 3)
def test_one_flipped_bit_in_every_file_is_named(project: Project, count: int) -> None:
    """The place moves on from file to file."""
    store = project.store
    for number, path in enumerate(files_of(store)):
        if path.name == "catalog.sqlite":
            continue  # page by page, below
        relative = str(path.relative_to(store))
        places = places_in(path.stat().st_size)
        for place, bit in (places[number % 3:] + places)[:count]:
            with flipped(path, place, bit):
                assert named(verify(project)) == {relative}, (relative, place, bit)
    assert verify(project)["damage"] == []


def test_one_flipped_bit_in_every_page_of_the_catalog_is_named(project: Project) -> None:
    """Pages that hold nothing included; whether the rest can still be looked at depends on the page, and is told."""
    catalog = project.store / "catalog.sqlite"
    chance = random.Random(SEED)
    for page in range(catalog.stat().st_size // PAGE):
        place = page * PAGE + chance.randrange(PAGE)
        with flipped(catalog, place, chance.randrange(8)):
            report = verify(project)
        assert "catalog.sqlite" in named(report), page
        assert f"page {page + 1}," in report["damage"][0]["message"]
    assert verify(project)["damage"] == []


@counts("LODE_BITS", 10, 3000)
def test_random_bits_are_named(project: Project, count: int) -> None:
    chance = random.Random(SEED)
    for step in range(count):
        path = chance.choice(files_of(project.store))
        place, bit = chance.randrange(path.stat().st_size), chance.randrange(8)
        with flipped(path, place, bit):
            assert named(verify(project)) == {str(path.relative_to(project.store))}, (step, path, place, bit)


ONE_OF_EACH = ["landing/**/*", "tables/*/data/*.parquet", "tables/*/metadata/*-m0.avro", "tables/*/metadata/snap-*.avro",
               "tables/*/metadata/*.json", "key"]


@pytest.mark.parametrize("pattern", ONE_OF_EACH)
@pytest.mark.parametrize(("what", "change"), [
    ("altered", lambda path: path.write_bytes(path.read_bytes()[:-1])),
    ("altered", lambda path: path.write_bytes(b"")),
    ("altered", lambda path: path.write_bytes(path.read_bytes() + b"\n")),
    ("missing", Path.unlink),
], ids=["cut", "emptied", "longer", "removed"])
def test_files_cut_emptied_grown_or_removed_are_named(project: Project, pattern: str, what: str,
                                                      change: Callable[[Path], None]) -> None:
    path = next(path for path in sorted(project.store.glob(pattern)) if path.is_file())
    with changed(path, change):
        for options in ([], ["--quick"]):
            report = verify(project, *options)
            assert [(damage["file"], damage["what"]) for damage in report["damage"]] == \
                [(str(path.relative_to(project.store)), what)]


@pytest.mark.parametrize("pattern", ONE_OF_EACH[:5])
def test_two_files_that_changed_places_are_named(project: Project, pattern: str) -> None:
    """Each is well-formed; sizes alone do not tell."""
    one, two = [path for path in sorted(project.store.glob(pattern)) if path.is_file()][:2]
    with changed(one, lambda _: None):
        with changed(two, lambda _: None):
            first = one.read_bytes()
            one.write_bytes(two.read_bytes())
            two.write_bytes(first)
            assert named(verify(project)) == {str(path.relative_to(project.store)) for path in (one, two)}


def test_a_data_file_of_the_right_size_and_rows_but_other_values_is_named(tmp_path: Path) -> None:
    """What somebody who knows the format would do."""
    project = small_store(tmp_path)
    file = next(path for path in sorted((project.store / "tables").rglob("*.parquet")) if b"tea" in path.read_bytes())
    file.write_bytes(file.read_bytes().replace(b"tea", b"ale"))
    damage, = verify(project)["damage"]
    assert damage["file"] == str(file.relative_to(project.store)) and damage["what"] == "altered"


def test_damage_tells_whom_it_affects_and_what_helps(project: Project) -> None:
    landed = next(path for path in (project.store / "landing").rglob("*") if path.is_file())
    with changed(landed, lambda path: path.write_bytes(b"x")):
        damage, = verify(project)["damage"]
        assert damage["kind"] == "landing" and damage["deliveries"][0].startswith("orders")
        assert damage["tables"] == ["shop.staging.orders"] and "backup" in damage["fix"]
        text = project.lode("verify", check=False).stdout
        assert damage["file"] in text and damage["deliveries"][0] in text and "shop.staging.orders" in text
    data = Path(project.json("show", "shop.staging.orders")["metadata_location"]).parent.parent / "data"
    for file in sorted(data.iterdir()):
        with changed(file, Path.unlink):
            damage, = verify(project)["damage"]
            assert damage["kind"] == "data" and damage["tables"] == ["shop.staging.orders"]
            assert damage["current"] and damage["versions"] >= 1 and len(damage["commits"]) == damage["versions"]
            assert "lode run shop.staging.orders --again" in damage["fix"]


def test_older_versions_alone_are_time_travel(project: Project) -> None:
    commits = [commit["commit"] for commit in project.json("log", "--limit", "1000")]
    now = {project.json("show", "shop.analytical.items")["metadata_location"]}
    old = [path for path in Path(now.pop()).parent.glob("*.metadata.json")
           if str(path) != project.json("show", "shop.analytical.items")["metadata_location"]]
    with changed(old[0], Path.unlink):
        damage, = verify(project)["damage"]
    assert not damage["current"] and damage["versions"] == 1 and damage["commits"][0] in commits
    assert "time travel" in damage["fix"]


def test_nothing_is_said_of_what_cannot_be_told(tmp_path: Path) -> None:
    """Which versions need a data file is not known while the list above it is damaged: then it is not called old."""
    project = small_store(tmp_path)
    table = Path(project.json("show", "shop.analytical.items")["metadata_location"]).parent.parent
    for path in [*table.glob("data/*"), *table.glob("metadata/snap-*")]:
        path.write_bytes(b"x")
    for damage in verify(project)["damage"]:
        assert damage["current"] or damage["kind"] == "data" or damage["versions"]
        if damage["kind"] == "data":
            assert "time travel" not in damage["fix"] and "backup" in damage["fix"]


def every_load(folder: Path) -> Project:
    """A table of each way to load, what is kept aside of two of them, and models of models."""
    project = make_project(folder)
    columns = "columns:\n  id: int required\n  item: text\n"
    project.write("zones/shop/zone.yml", "owner: ann\n")
    project.write("zones/shop/sources/a.yml", f"from: ingress/a*.csv\n{columns}")
    project.write("zones/shop/sources/r.yml", f"from: ingress/r*.csv\nload: replace\n{columns}")
    project.write("zones/shop/sources/m.yml", f"from: ingress/m*.csv\nload: merge\nkey: id\n{columns}")
    project.write("zones/shop/sources/h.yml", f"from: ingress/h*.csv\nload: history\nkey: id\nas_of: name \"(20\\d+)\"\n{columns}")
    project.write("zones/shop/canonical/x.sql", "-- check few: id < 3, else quarantine\n\nselect id, item from staging.a\n")
    project.write("zones/shop/analytical/y.sql", "select item, count(*) as n from canonical.x group by item\n")
    project.write("zones/shop/egress/z.sql", "select * from analytical.y\n")
    for source in "armh":
        project.drop("shop", f"{source}20260101.csv", "id,item\n1,tea\n2,cup\n3,pot\nfour,x\n")
    project.lode("run", "-q")
    for source in "amh":
        project.drop("shop", f"{source}20260102.csv", "id,item\n1,tea\n2,mug\n")
    project.lode("run", "-q")
    return project


def current_files(project: Project, table: str) -> list[Path]:
    """Data files that the table consists of now, as PyIceberg names them."""
    tasks = iceberg_table(project.json("show", table)["metadata_location"]).scan().plan_files()
    return [Path(task.file.file_path.removeprefix("file://")) for task in tasks]


LOADED = ["staging.a", "staging.r", "staging.m", "staging.h", "canonical.x", "egress.z", "quarantine.a", "quarantine.m"]


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: flip(path, path.stat().st_size // 2, 3), lambda path: path.write_bytes(b"x")],
                         ids=["removed", "altered", "cut"])
@pytest.mark.parametrize("table", LOADED)
def test_what_helps_does_help(tmp_path: Path, table: str, damage: Callable[[Path], None]) -> None:
    """A data file that is gone or altered is made again of what it was made of, the table as it was."""
    project = every_load(tmp_path)
    ask = f"select * from shop.{table} order by all"
    before = project.csv(ask)
    for file in current_files(project, f"shop.{table}"):
        file.chmod(0o600)
        damage(file)
    if damage is Path.unlink:
        answer = project.lode("query", ask, "-o", "json", check=False)
        assert answer.error["code"] == "E601" and "is gone" in answer.error["message"]
    fix, = {found["fix"] for found in verify(project)["damage"]}
    maker = f"shop.{table.replace('quarantine', 'staging')}"
    assert f"lode run {maker} --again" in fix
    project.lode("run", maker, "--again", "-q")
    assert project.csv(ask) == before
    assert not any(found["current"] for found in verify(project)["damage"])
    if not maker.startswith("shop.staging"):
        assert project.json("run", f"shop.{table}", "--again")["state"] == "nothing", "a whole table is made again, and stays"


def test_what_checks_found_is_only_in_a_backup(tmp_path: Path) -> None:
    project = every_load(tmp_path)
    before = project.query("select * from shop.quarantine.rows")
    assert len(before) == 1
    for file in project.store.glob("tables/*/data/*.parquet"):
        with changed(file, Path.unlink):
            for found in verify(project)["damage"]:
                if found["tables"] == ["shop.quarantine.rows"]:
                    assert "backup" in found["fix"] and "--again" not in found["fix"]
                    return
    assert False, "no file of it"


def test_a_damaged_table_stops_what_reads_it_alone(tmp_path: Path) -> None:
    project = every_load(tmp_path)
    project.write("zones/other/zone.yml", "owner: ann\n")
    project.write("zones/other/canonical/one.sql", "select 1 as n\n")
    project.write("zones/shop/egress/z.sql", "select item, n + 0 as n from analytical.y\n")
    project.write("zones/shop/analytical/y.sql", "select item, count(*) + 1 as n from canonical.x group by item\n")
    for file in current_files(project, "shop.canonical.x"):
        file.unlink()
    answer = project.lode("run", "-o", "json", check=False)
    assert answer.exit == 3 and [error["code"] for error in answer.json["errors"]] == ["E601"]
    assert "lode verify" in answer.json["errors"][0]["hint"]
    assert {model["table"]: model["state"] for model in answer.json["models"]} == \
        {"shop.canonical.x": "unchanged", "shop.analytical.y": "failed", "shop.egress.z": "blocked", "other.canonical.one": "built"}
    assert project.query("select n from other.canonical.one") == [{"n": 1}]
    project.lode("run", "shop.canonical.x", "--again", "-q")
    project.lode("run", "-q")
    assert project.query("select n from shop.egress.z order by n") == [{"n": n} for n in (2, 2, 3)]


def test_a_choice_looks_at_that_alone(project: Project) -> None:
    owner, path = next((name, file) for name in project.tables()
                       for file in Path(project.json("show", name)["metadata_location"]).parent.parent.rglob("*.parquet"))
    other = next(name for name in project.tables() if name != owner)
    with flipped(path, 9, 1):
        assert verify(project, owner)["state"] == "damaged"
        assert verify(project, "shop")["state"] == "damaged"
        assert verify(project, other)["state"] == "ok"
    error = project.error("verify", "shop.staging.nothing")
    assert error["code"] == "E108" and error["exit"] == 2


def test_unknown_files_are_told_and_are_no_damage(project: Project) -> None:
    strays = [next((project.store / "tables").glob("*/data")) / "stray.parquet", project.store / "landing" / "stray"]
    for stray in strays:
        stray.write_bytes(b"123")
    try:
        report = verify(project)
    finally:
        for stray in strays:
            stray.unlink()
    assert report["damage"] == []
    assert sorted((unknown["file"], unknown["bytes"]) for unknown in report["unknown"]) == \
        sorted((str(stray.relative_to(project.store)), 3) for stray in strays)


def test_history_that_was_edited_is_named(tmp_path: Path) -> None:
    """Edited with SQLite, by its rules: the page's checksum tells, and the chain would. And a lost audit file."""
    project = small_store(tmp_path)
    with sqlite3.connect(project.store / "catalog.sqlite") as catalog:
        catalog.execute("update commit_ set message = 'another' where seq = 2")
    catalog.close()
    assert "catalog.sqlite" in named(verify(project))


def test_an_audit_log_that_lost_lines_of_a_commit_is_named(project: Project) -> None:
    log = next((project.store / "audit").iterdir())
    relative = str(log.relative_to(project.store))
    for change in (Path.unlink, lambda path: path.write_bytes(b""),
                   lambda path: path.write_bytes(path.read_bytes().split(b"\n", 1)[1])):
        kept = log.read_bytes()
        change(log)
        report = verify(project)
        log.write_bytes(kept)
        assert named(report) == {relative}
    assert verify(project)["damage"] == []


def test_a_catalog_that_is_gone_or_no_catalog_is_told(tmp_path: Path) -> None:
    project = small_store(tmp_path)
    catalog = project.store / "catalog.sqlite"
    kept = catalog.read_bytes()
    for rubbish in (b"", b"x" * 10000, kept[: len(kept) // 2], kept[:100]):
        catalog.write_bytes(rubbish)
        answer = project.lode("verify", check=False)
        assert answer.exit in (1, 3) and "catalog" in answer.stdout + answer.stderr, rubbish[:10]
    catalog.unlink()
    assert project.error("verify")["exit"] == 3
    catalog.write_bytes(kept)
    assert verify(project)["damage"] == []


def test_verify_changes_nothing_but_the_audit_log(project: Project) -> None:
    before = {path: path.read_bytes() for path in files_of(project.store) if path.parent.name != "audit"}
    verify(project)
    assert before == {path: path.read_bytes() for path in files_of(project.store) if path.parent.name != "audit"}


def test_it_can_be_stopped_in_the_middle_of_a_large_file(tmp_path: Path) -> None:
    project = small_store(tmp_path)
    landed = next(path for path in (project.store / "landing").rglob("*") if path.is_file())
    os.truncate(landed, 100 << 30)
    child = subprocess.Popen([LODE, "verify"], cwd=project.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=10)
    assert child.returncode == 130


def test_a_moved_store_is_not_verified_as_if_it_were_there(project: Project, tmp_path: Path) -> None:
    shutil.copytree(project.store, tmp_path / "moved.lode")
    other = make_project(tmp_path / "other")
    other.write("lode.yml", f"project: other\nstore: {tmp_path / 'moved.lode'}\n")
    error = other.error("verify")
    assert error["code"] == "E506" and "lode restore" in error["hint"]


def test_a_disk_that_takes_no_more_is_no_damage(tmp_path: Path) -> None:
    """A transaction that could not end is to be rolled back, and cannot be: that says nothing against the catalog."""
    project = small_store(tmp_path)
    project.write("zones/shop/canonical/order.sql", "select id, item, n + 1 as n from shop.staging.orders\n")

    def limited(*words: str) -> subprocess.CompletedProcess[str]:
        limit = 20 << 10
        return subprocess.run([LODE, *words, "-o", "json"], cwd=project.root, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))

    run = limited("run")
    assert run.returncode == 3, run.stderr
    for words in (["verify"], ["verify", "--quick"], ["backup", str(tmp_path / "b")]):
        answer = limited(*words)
        assert answer.returncode == 3 or (answer.returncode == 0 and '"state":"ok"' in answer.stdout), (words, answer.stdout, answer.stderr)
        assert "E502" in answer.stderr or answer.returncode == 0
        assert "altered" not in answer.stdout
    assert verify(project)["damage"] == []
    project.lode("run")


def test_a_landed_file_that_was_altered_is_used_for_nothing(tmp_path: Path) -> None:
    """Its name is its SHA-256: whoever reads it again compares, and other sources go on."""
    project = small_store(tmp_path)
    project.write("zones/shop/sources/goods.yml", "from: ingress/goods*.csv\ncolumns:\n  id: int\n")
    landed = next(path for path in (project.store / "landing").rglob("*") if path.is_file() and b"tea,2" in path.read_bytes())
    before, sound = project.csv("select * from shop.staging.orders order by id"), landed.read_bytes()
    landed.write_bytes(sound.replace(b"tea,2", b"tea,3"))
    questions = [("trace", "shop.canonical.order", "--where", "id = 1"), ("diff", "--raw", "shop.staging.orders"),
                 ("query", "select * from shop.landing.orders")]
    for words in questions:
        error = project.error(*words)
        assert error["code"] == "E601" and landed.name in error["message"] and "lode verify" in error["hint"], words
    project.write("zones/shop/sources/orders.yml",
                  "from: ingress/orders*.csv\ncolumns:\n  id: int\n  item: text required\n  n: int\n")
    project.drop("shop", "orders3.csv", "id,item,n\n5,tea,9\n")
    project.drop("shop", "goods1.csv", "id\n1\n")
    answer = project.lode("run", check=False)
    assert answer.exit == 3 and "E601" in answer.stderr and landed.name in answer.stderr and "--damaged" in answer.stderr
    assert project.csv("select * from shop.staging.orders order by id") == before
    assert project.csv("select id from shop.staging.goods") == "id\n1\n"
    report = project.lode("run", "-o", "json", check=False)
    assert report.exit == 3 and [error["code"] for error in report.json["errors"]] == ["E601"]
    landed.write_bytes(sound)
    project.lode("run", "-q")
    rows = project.query("select id, n from shop.staging.orders order by id")
    assert [(row["id"], row["n"]) for row in rows] == [(1, 2), (3, 1), (4, 5), (5, 9)]
    for words in questions:
        project.lode(*words)


@pytest.mark.parametrize("held", [b"\"", b"\x00"])
def test_an_altered_landed_file_is_not_held_as_if_it_had_come_so(tmp_path: Path, held: bytes) -> None:
    project = small_store(tmp_path)
    for landed in (project.store / "landing").rglob("*"):
        if landed.is_file():
            landed.write_bytes(held * landed.stat().st_size)
    answer = project.lode("run", "shop.staging.orders", "--again", "-o", "json", check=False)
    assert answer.exit == 3 and [error["code"] for error in answer.json["errors"]] == ["E601"]
    assert all(row["state"] == "staged" for row in project.json("show", "delivery"))


def test_a_landed_file_that_is_gone_is_told_as_damage(tmp_path: Path) -> None:
    project = small_store(tmp_path)
    for landed in (project.store / "landing").rglob("*"):
        if landed.is_file():
            landed.unlink()
    answer = project.lode("run", "shop.staging.orders", "--again", "-o", "json", check=False)
    assert answer.exit == 3 and [error["code"] for error in answer.json["errors"]] == ["E601"]


@counts("LODE_FLIPS", 12, 600)
def test_a_question_over_a_damaged_file_names_it_and_blames_nobody(tmp_path: Path, count: int) -> None:
    """Whatever byte of it is another: the answer, or E601 with the file's name; never a bug of Lode's or a mistake of the asker."""
    project = small_store(tmp_path)
    data = Path(project.json("show", "shop.staging.orders")["metadata_location"]).parent.parent / "data"
    file = next(path for path in sorted(data.iterdir()) if b"tea" in path.read_bytes())
    size = file.stat().st_size
    named = 0
    for i in range(count):
        with changed(file, lambda path, place=size * i // count: flip(path, place, i % 8)):
            answer = project.lode("query", "select * from shop.staging.orders where item <> 'x'", "-o", "json", check=False)
        if answer.exit:
            assert answer.error["code"] == "E601" and file.name in answer.error["message"], (i, answer.stderr)
            assert "lode verify" in answer.error["hint"]
            named += 1
    assert named > 0
    file.write_bytes(file.read_bytes()[:size // 2])
    answer = project.lode("run", "--again", "-o", "json", check=False)
    assert "E602" not in answer.stderr + answer.stdout
