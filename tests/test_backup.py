# SPDX-License-Identifier: Apache-2.0
"""`lode backup` and `lode restore`: the store again, at any place, whatever dies in between."""

import fcntl
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import LODE, Project, counts, make_project
from judge import iceberg_rows
from test_verify import files_of, flipped, named, places_in, small_store

SEED = 4711
OFD_SETLK = 37  # linux/fcntl.h; of an open file, as Lode locks


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return small_store(tmp_path_factory.mktemp("backed"))


@pytest.fixture(scope="module")
def backup(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backups") / "b"
    project.lode("backup", folder)
    return folder


def verify_backup(project: Project, folder: Path) -> dict[str, Any]:
    answer = project.lode("verify", "--backup", folder, "-o", "json", check=False)
    assert answer.exit in (0, 1), answer.stderr
    return answer.json


def on_store(project: Project, folder: Path, store: Path) -> Project:
    """The same text over another store."""
    root = folder / "elsewhere"
    shutil.copytree(project.root, root)
    (root / "lode.yml").write_text(f"project: elsewhere\nstore: {json.dumps(str(store))}\n")
    return Project(root)


def history(project: Project) -> list[dict[str, Any]]:
    return project.json("log", "--limit", "1000")


def answers(project: Project, *options: str) -> dict[str, str]:
    return {table: project.csv(f"select * from {table} order by all", *options) for table in project.tables()}


def test_a_backup_is_whole_private_and_says_what_it_holds(project: Project, backup: Path) -> None:
    about = json.loads((backup / "backup.json").read_text())
    assert about["commit"] == history(project)[0]["commit"] and about["root"] == str(project.store)
    assert verify_backup(project, backup)["damage"] == []
    assert backup.stat().st_mode & 0o777 == 0o700
    for path in (backup / "key", next(backup.glob("catalog-*.sqlite")), *(backup / "audit").iterdir(),
                 *(path for path in (backup / "landing").rglob("*") if path.is_file())):
        assert path.stat().st_mode & 0o077 == 0, path
    assert "key and secrets" in project.lode("backup", backup).stderr


def alter(path: Path) -> None:
    """One record says another thing; all that is behind it is as it was."""
    path.write_text(path.read_text().replace('"action":"run"', '"action":"rum"', 1))


@pytest.mark.parametrize("harm", [alter, Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:200])], ids=["altered", "gone", "cut"])
def test_a_damaged_audit_log_takes_the_place_of_no_good_one(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    project = small_store(tmp_path)
    backup = tmp_path / "b"
    project.lode("backup", backup)
    (log,) = (project.store / "audit").glob("*.jsonl")
    good = (backup / "audit" / log.name).read_bytes()
    harm(log)
    answer = project.lode("backup", backup, "-o", "json", check=False)
    assert answer.exit == 1 and [damage["file"] for damage in answer.json["damage"]] == [f"audit/{log.name}"]
    assert (backup / "audit" / log.name).read_bytes() == good


def test_a_backup_with_another_audit_log_is_refused(tmp_path: Path) -> None:
    project = small_store(tmp_path)
    backup = tmp_path / "b"
    project.lode("backup", backup)
    (log,) = (backup / "audit").glob("*.jsonl")
    alter(log)
    error = project.error("restore", backup, tmp_path / "r")
    assert error["code"] == "E601" and log.name in error["message"] and "--damaged-too" in error["hint"]
    assert not (tmp_path / "r").exists()
    restored = project.lode("restore", backup, tmp_path / "r", "--damaged-too", "-o", "json", check=False)
    assert restored.exit == 1 and [damage["file"] for damage in restored.json["damage"]] == [f"audit/{log.name}"]
    assert (tmp_path / "r" / "audit" / log.name).read_bytes().startswith(log.read_bytes()), "what is altered in one place is evidence all the same"


def test_a_second_backup_copies_what_is_new_and_drops_what_went(tmp_path: Path) -> None:
    project = small_store(tmp_path)
    folder = tmp_path / "b"
    first = project.json("backup", folder)
    again = project.json("backup", folder)
    assert first["copied_files"] >= first["files"] and again["copied_files"] == 1  # the audit log's new line
    kept = {path: path.stat().st_ino for path in files_of(folder) if path.parent.name == "data"}
    project.drop("shop", "orders3.csv", "id,item,n\n9,tea,1\n")
    project.lode("run", "-q")
    third = project.json("backup", folder)
    assert 0 < third["copied_files"] < third["files"] / 2
    assert all(path.stat().st_ino == inode for path, inode in kept.items())
    assert len(list(folder.glob("catalog-*.sqlite"))) == 1
    stray = folder / "tables" / "stray.parquet"
    stray.write_bytes(b"1")
    assert project.json("backup", folder)["removed_files"] == 1 and not stray.exists()


@pytest.mark.parametrize("place", ["s.lode", "a/much/deeper/and longer/place with 'quotes\"/s.lode"], ids=["short", "long"])
def test_a_restored_store_is_the_same_elsewhere(project: Project, backup: Path, tmp_path: Path, place: str) -> None:
    store = tmp_path / place
    result = json.loads(project.lode("restore", backup, store, "-o", "json").stdout)
    assert result["store"] == str(store) and result["damage"] == [] and result["rewritten_files"] > 0
    other = on_store(project, tmp_path, store)
    assert other.json("verify")["damage"] == []
    assert history(other) == history(project)
    assert answers(other) == answers(project)
    for table in project.tables():
        if project.json("show", table)["kind"] == "view":
            continue
        mine, theirs = (p.json("show", table)["metadata_location"] for p in (project, other))
        assert theirs == mine.replace(str(project.store), str(store))
        assert iceberg_rows(theirs).equals(iceberg_rows(mine)), table
    assert not (tmp_path / f"{place}.restoring").exists()
    assert store.stat().st_mode & 0o777 == 0o700 and (store / "key").stat().st_mode & 0o777 == 0o600
    assert (store / "key").read_bytes() == (project.store / "key").read_bytes()


def test_time_travel_answers_the_same_elsewhere(project: Project, backup: Path, tmp_path: Path) -> None:
    project.lode("restore", backup, tmp_path / "s.lode")
    other = on_store(project, tmp_path, tmp_path / "s.lode")
    for commit in history(project):
        question = ("query", "select * from shop.staging.orders order by all", "-o", "csv", "--at", commit["commit"])
        mine, theirs = (p.lode(*question, check=False) for p in (project, other))
        assert (mine.exit, mine.stdout) == (theirs.exit, theirs.stdout)


def test_a_store_goes_on_where_it_was_restored_and_back_home(tmp_path: Path) -> None:
    """New commits there, a backup of that, and home again: files that were made at home have their first bytes."""
    project = small_store(tmp_path)
    home = {path.relative_to(project.store): path.read_bytes() for path in files_of(project.store / "tables")}
    project.lode("backup", tmp_path / "b1")
    project.lode("restore", tmp_path / "b1", tmp_path / "away" / "s.lode")
    other = on_store(project, tmp_path, tmp_path / "away" / "s.lode")
    other.drop("shop", "orders1.csv", "id,item,n\n1,tea,2\n2,cup,x\n3,pot,1\n")
    other.drop("shop", "orders8.csv", "id,item,n\n8,tea,1\n")
    assert other.json("run")["files"] == {"seen": 2, "staged": 1, "duplicate": 1, "held": 0, "failed": 0, "unclaimed": 0}
    assert other.json("verify")["damage"] == []
    before = answers(other)

    other.lode("backup", tmp_path / "b2")
    project.store.rename(tmp_path / "old.lode")
    project.lode("restore", tmp_path / "b2")
    assert answers(project) == before
    assert project.json("verify")["damage"] == []
    assert all((project.store / path).read_bytes() == data for path, data in home.items())
    assert str(tmp_path / "away") not in "".join(
        path.read_text() for path in (project.store / "tables").rglob("*.metadata.json"))


def test_nothing_is_restored_over_anything(project: Project, backup: Path, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "x").write_text("mine")
    for place in (full, full / "x", project.store):
        before = sorted(path for path in place.rglob("*")) if place.is_dir() else place.read_bytes()
        error = project.error("restore", backup, place)
        assert error["code"] == "E107" and error["exit"] == 2, error
        assert before == (sorted(path for path in place.rglob("*")) if place.is_dir() else place.read_bytes())
    for place in (project.store / "tables" / "b", backup / "b" / "c"):
        error = project.error("restore", backup, place)
        assert error["exit"] == 2 and "lies in" in error["message"] and not place.parent.joinpath("c").exists(), error
    assert project.error("restore", backup)["code"] == "E107"
    (tmp_path / "empty").mkdir()
    project.lode("restore", backup, tmp_path / "empty")
    assert project.error("restore", tmp_path / "nothing", tmp_path / "new")["exit"] in (2, 3)
    assert project.error("verify", "--backup", tmp_path / "nothing")["exit"] in (2, 3)
    assert not (tmp_path / "new").exists()


def test_a_backup_goes_to_no_place_that_is_somebody_elses(project: Project, backup: Path, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "letter").write_text("dear")
    for name in ("lock", "unfinished", "backup.json"):  # what a backup has is no backup yet
        (tmp_path / name / "tables").mkdir(parents=True)
        (tmp_path / name / "landing").mkdir()
        for file in (name, "key", "tables/mine", "landing/mine"):
            (tmp_path / name / file).write_text("{}")
    other = small_store(tmp_path)
    taken = [tmp_path / name for name in ("docs", "lock", "unfinished", "backup.json")]
    before = [sorted((path, path.read_bytes()) for path in folder.rglob("*") if path.is_file()) for folder in taken]
    (tmp_path / "link").symlink_to(project.store)
    inside = [project.store / "b", project.store / "tables" / "b" / "c", tmp_path / "link" / "b", backup / "b"]
    for folder, by in [(folder, project) for folder in taken + inside] + [(backup, other), (project.store, project)]:
        error = by.error("backup", folder)
        assert error["exit"] == 2 and "cannot take a backup" in error["message"], error
    assert before == [sorted((path, path.read_bytes()) for path in folder.rglob("*") if path.is_file()) for folder in taken]
    assert not any(folder.exists() for folder in inside), "what is refused leaves nothing"
    assert verify_backup(project, backup)["damage"] == []


@counts("LODE_BITS_A_FILE", 1, 3)
def test_one_flipped_bit_in_every_file_of_a_backup_is_named(project: Project, backup: Path, tmp_path: Path,
                                                            count: int) -> None:
    """And nothing is restored from it without being told to."""
    for number, path in enumerate(files_of(backup)):
        places = places_in(path.stat().st_size)
        for place, bit in (places[number % 3:] + places)[:count]:
            with flipped(path, place, bit):
                assert named(verify_backup(project, backup)) == {str(path.relative_to(backup))}, (path, place)
                if path.parent.name != "audit" and number % 5 == 0:
                    error = project.error("restore", backup, tmp_path / "s.lode")
                    assert error["code"] == "E601" and path.name in error["message"]
                    assert list(tmp_path.iterdir()) == []
    assert verify_backup(project, backup)["damage"] == []


def test_what_is_left_of_a_damaged_backup_can_be_restored(project: Project, backup: Path, tmp_path: Path) -> None:
    data = sorted((backup / "tables").rglob("*.parquet"))[0]
    with flipped(data, 20, 2):
        answer = project.lode("restore", backup, tmp_path / "s.lode", "--damaged-too", "-o", "json", check=False)
    assert answer.exit == 1 and [damage["file"] for damage in answer.json["damage"]] == [str(data.relative_to(backup))]
    other = on_store(project, tmp_path, tmp_path / "s.lode")
    damage, = other.lode("verify", "-o", "json", check=False).json["damage"]
    assert damage["file"] == str(data.relative_to(backup)) and damage["what"] == "missing"
    assert json.loads(other.lode("restore", backup, "--damaged", "-o", "json").stdout)["put_back"] == [damage["file"]]
    assert answers(other) == answers(project)


def test_damaged_files_of_a_store_are_put_back(tmp_path: Path) -> None:
    project = small_store(tmp_path)
    project.lode("backup", tmp_path / "b")
    before = answers(project)
    chance = random.Random(SEED)
    broken = [path for path in files_of(project.store) if path.parts[-2] not in ("audit",) and path.name != "catalog.sqlite"]
    for path in broken[::3]:
        path.unlink() if chance.random() < 0.5 else path.write_bytes(path.read_bytes()[1:])
    assert len(project.lode("verify", "-o", "json", check=False).json["damage"]) == len(broken[::3])
    answer = project.lode("restore", tmp_path / "b", "--damaged", "-o", "json")
    assert sorted(answer.json["put_back"]) == sorted(str(path.relative_to(project.store)) for path in broken[::3])
    assert answer.json["left"] == 0
    assert project.json("verify")["damage"] == []
    assert answers(project) == before
    assert (project.store / "key").stat().st_mode & 0o777 == 0o600


def test_a_damaged_store_is_backed_up_as_far_as_it_is_whole(tmp_path: Path) -> None:
    """And a good copy that the backup has is not given up for a bad one."""
    project = small_store(tmp_path)
    project.lode("backup", tmp_path / "b")
    old = sorted((project.store / "tables").rglob("*.parquet"))[0]
    old.write_bytes(b"rubbish")
    assert project.json("backup", tmp_path / "b")["damage"] == []
    assert verify_backup(project, tmp_path / "b")["damage"] == []
    answer = project.lode("backup", tmp_path / "fresh", "-o", "json", check=False)
    assert answer.exit == 1
    assert [damage["file"] for damage in answer.json["damage"]] == [str(old.relative_to(project.store))]
    assert named(verify_backup(project, tmp_path / "fresh")) == {str(old.relative_to(project.store))}


def test_backups_are_taken_while_runs_go_on(tmp_path: Path) -> None:
    """Each is one commit, whole: what its commit answers in the store, it answers restored."""
    project = small_store(tmp_path)
    end = threading.Event()
    failures = []

    def deliver() -> None:
        number = 10
        while not end.is_set():
            project.drop("shop", f"orders{number}.csv", f"id,item,n\n{number},tea,1\n")
            answer = project.lode("run", "-q", check=False)
            if answer.exit:
                failures.append(answer.stderr)
            number += 1

    sender = threading.Thread(target=deliver)
    sender.start()
    try:
        backups = []
        for number in range(3):
            backups.append((tmp_path / f"b{number}", project.json("backup", tmp_path / f"b{number}")["commit"]))
            project.lode("backup", tmp_path / "again")
            assert verify_backup(project, tmp_path / "again")["damage"] == []
            time.sleep(0.3)
    finally:
        end.set()
        sender.join()
    assert failures == []
    for folder, commit in backups:
        assert verify_backup(project, folder)["damage"] == []
        store = tmp_path / f"{folder.name}.lode"
        project.lode("restore", folder, store)
        other = on_store(project, tmp_path / folder.name, store)
        question = "select * from shop.staging.orders order by id"
        assert other.csv(question) == project.csv(question, "--at", commit)
        assert history(other)[0]["commit"] == commit


@counts("LODE_KILLS", 4, 60)
def test_killed_at_any_moment_a_backup_is_the_old_or_the_new_one(tmp_path: Path, count: int) -> None:
    project = small_store(tmp_path)
    folder = tmp_path / "b"
    project.lode("backup", folder)
    known = {history(project)[0]["commit"]}
    chance = random.Random(SEED)
    for step in range(count):
        project.drop("shop", f"orders{100 + step}.csv", f"id,item,n\n{100 + step},tea,1\n")
        project.lode("run", "-q")
        known.add(history(project)[0]["commit"])
        child = subprocess.Popen([LODE, "backup", folder], cwd=project.root, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, env=os.environ)
        time.sleep(chance.random() * 0.06)
        child.send_signal(signal.SIGKILL)
        child.wait()
        about = json.loads((folder / "backup.json").read_text())
        assert about["commit"] in known
        assert verify_backup(project, folder)["damage"] == []
    project.lode("backup", folder)
    report = verify_backup(project, folder)
    assert report["damage"] == [] and report["unknown"] == []


def test_a_first_backup_that_was_cut_short_is_none_until_another_call_ends_it(project: Project, tmp_path: Path) -> None:
    backup = tmp_path / "b"
    project.lode("backup", backup)
    (backup / "backup.json").unlink()
    (backup / "unfinished").write_text("lode writes into this folder\n")
    for words in (("verify", "--backup", backup), ("restore", backup, tmp_path / "new.lode")):
        error = project.error(*words)
        assert error["exit"] == 2 and "was never finished" in error["message"] and f"lode backup {backup}" in error["hint"], error
    assert not (tmp_path / "new.lode").exists()
    again = project.json("backup", backup)
    assert again["copied_files"] == 1, "the audit log alone; what else lies there is compared and kept"
    assert verify_backup(project, backup)["damage"] == []


def test_two_backups_at_once_into_one_folder_do_not_mix(project: Project, tmp_path: Path) -> None:
    children = [subprocess.Popen([LODE, "backup", tmp_path / "b"], cwd=project.root, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE) for _ in range(4)]
    outcomes = []
    for child in children:
        child.communicate()
        outcomes.append(child.returncode)
    assert 0 in outcomes and set(outcomes) <= {0, 3}
    assert verify_backup(project, tmp_path / "b")["damage"] == []


@contextmanager
def reading(backup: Path, alone: bool = False) -> Iterator[None]:
    """Holds the backup as its readers do, or as a backup that removes what is old."""
    with open(backup / "readers", "r+b") as file:
        kind = fcntl.F_WRLCK if alone else fcntl.F_RDLCK
        fcntl.fcntl(file, OFD_SETLK, struct.pack("hhqqi", kind, os.SEEK_SET, 0, 0, 0))
        yield


def test_who_reads_a_backup_waits_until_what_is_old_has_gone(project: Project, backup: Path, tmp_path: Path) -> None:
    for words in (("verify", "--backup", backup), ("restore", backup, tmp_path / "new.lode")):
        with reading(backup, alone=True):
            child = subprocess.Popen([LODE, *words], cwd=project.root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(1)
        assert child.wait(60) == 0, child.stderr.read()
    assert (tmp_path / "new.lode").is_dir()


def test_what_retention_removed_leaves_the_backup_as_well(tmp_path: Path) -> None:
    """And neither the store nor the backup, nor a store restored from it, misses it."""
    project = small_store(tmp_path)
    first = project.json("backup", tmp_path / "b")
    project.write("zones/shop/zone.yml", "owner: ann\nretain:\n  staging: 0s\n  canonical: 0s\n  analytical: 0s\n")
    project.lode("apply")
    time.sleep(6)  # readers of what was replaced a moment ago are left in peace
    project.lode("tidy")
    assert project.json("verify")["damage"] == []
    with reading(tmp_path / "b"):  # who reads the older one is left in peace
        assert project.json("backup", tmp_path / "b")["removed_files"] == 0
    second = project.json("backup", tmp_path / "b")
    assert second["files"] < first["files"] and second["removed_files"] > 0
    report = verify_backup(project, tmp_path / "b")
    assert report["damage"] == [] and report["unknown"] == []
    project.lode("restore", tmp_path / "b", tmp_path / "s.lode")
    other = on_store(project, tmp_path, tmp_path / "s.lode")
    assert other.json("verify")["damage"] == []
    assert answers(other) == answers(project) and history(other) == history(project)


def test_slips_with_the_folder_are_told_as_such(project: Project) -> None:
    project.lode("run")
    for verb, code in ((["backup", ""], "E101"), (["restore", "NOPE", "X"], "E108")):
        error = project.error(*verb)
        assert (error["code"], error["exit"]) == (code, 2)
    assert "lies in the project's folder" in project.lode("backup", "bk").stderr
