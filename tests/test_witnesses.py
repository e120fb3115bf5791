# SPDX-License-Identifier: Apache-2.0
"""A quarantined record of a snapshot ends no key: it is seen, though nobody knows how it is. Against a reference that walks
each key from snapshot to snapshot, in any order of deliveries; and what a record becomes once it is corrected."""

import random
import shutil
from pathlib import Path

import pytest
from conftest import Project, copy_project, counts, make_project

SOURCE = ("from: ingress/k_*.csv\nload: history\nkey: id\nas_of: {as_of}\ntolerate: 100%\n"
          "columns:\n  id: int\n  name: text\n  price: int\n{more}")
NAMED = SOURCE.format(as_of='name "k_(\\\\d{4}-\\\\d{2}-\\\\d{2})"', more="")
DATED = SOURCE.format(as_of="column day", more="  day: date\n")
Record = tuple[str, str, str]  # id, name, price
Version = tuple[int, str, str, str | None]


def text_of(records: list[Record], day: str = "") -> str:
    return f"id,name,price{',day' if day else ''}\n" + "".join(f"{','.join(record)}{',' + day if day else ''}\n" for record in records)


def fits(record: Record) -> bool:
    return record[0].isdigit() and record[2].isdigit()


def reference(snapshots: dict[str, list[Record]]) -> list[Version]:
    """snapshots: by day. A key that is neither there nor quarantined ends, unless a record might be of any key."""
    found: list[Version] = []
    for key in sorted({record[0] for records in snapshots.values() for record in records if fits(record)}):
        held: tuple[str, str] | None = None
        since = ""
        for day in sorted(snapshots):
            here = [record for record in snapshots[day] if record[0] == key]
            whole = [record[1:] for record in here if fits(record)]
            unknown = bool(here) or any(not record[0].isdigit() for record in snapshots[day])
            now = whole[-1] if whole else held if unknown else None
            if now != held:
                if held:
                    found.append((int(key), held[0], since, day))
                held, since = now, day
        if held:
            found.append((int(key), held[0], since, None))
    return sorted(found, key=str)


def versions(project: Project, zone: str) -> list[Version]:
    rows = project.query(f"select id, name, _valid_from::date::text as a, _valid_to::date::text as b from {zone}.staging.k")
    return sorted(((row["id"], row["name"], row["a"], row["b"]) for row in rows), key=str)


def snapshots_of(chance: random.Random) -> dict[str, list[Record]]:
    found = {}
    for number in range(1, 7):
        records = [(str(key), chance.choice("ab"), chance.choice(["1", "1", "1", "x"])) for key in range(1, 7) if chance.random() < 0.7]
        if chance.random() < 0.25:
            records.append(("?", "c", "1"))
        found[f"2026-01-{number:02}"] = [*records, ("9", "always", "1")]  # a day needs a record that says it
    return found


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("empty"))


@counts("LODE_WITNESS_HISTORIES", 2, 200)
def test_snapshots_with_quarantine_give_the_reference_in_any_order(tmp_path: Path, empty: Project, count: int) -> None:
    for seed in range(count):
        chance = random.Random(seed)
        snapshots = snapshots_of(chance)
        project = copy_project(empty, tmp_path / str(seed))
        project.write("zones/named/sources/k.yml", NAMED)
        project.write("zones/dated/sources/k.yml", DATED)
        days = sorted(snapshots) if seed % 2 else chance.sample(sorted(snapshots), len(snapshots))
        for day in [*days, *chance.sample(days, 2)]:  # and some again
            project.drop("named", f"k_{day}.csv", text_of(snapshots[day]))
            project.drop("dated", f"k_{day}.csv", text_of(snapshots[day], day))
            if chance.random() < 0.4:
                project.lode("run")
        project.lode("run")
        wanted = reference(snapshots)
        assert versions(project, "named") == wanted, f"history {seed}"
        assert versions(project, "dated") == wanted, f"history {seed}, by a column"
        if seed == 0:
            assert project.lode("verify").exit == 0
            project.lode("tidy")
            project.lode("run", "--again", "--yes")
            assert versions(project, "named") == wanted, "made anew"
        shutil.rmtree(project.root.parent)


def message(project: Project, name: str) -> str:
    return next(str(each["message"] or "") for each in project.json("show", "delivery") if each["name"].endswith(name))


def test_a_version_goes_on_over_quarantine_and_begins_where_it_should_once_the_record_is_corrected(project: Project) -> None:
    project.write("zones/shop/sources/k.yml", NAMED)
    snapshots = {"2026-01-01": [("1", "a", "1"), ("2", "b", "1")], "2026-01-02": [("1", "a", "1"), ("2", "c", "x"), ("3", "d", "x")],
                 "2026-01-03": [("1", "a", "1"), ("2", "b", "1")], "2026-01-04": [("1", "a", "1")]}
    for day, records in snapshots.items():
        project.drop("shop", f"k_{day}.csv", text_of(records))
        project.lode("run")
    assert versions(project, "shop") == [(1, "a", "2026-01-01", None), (2, "b", "2026-01-01", "2026-01-04")], "3 never had a version"
    assert message(project, "k_2026-01-02.csv") == ("2 quarantined records let what held of their keys before go on as it was; correct them (lode fix)")
    for line in (3, 4):
        project.lode("fix", "shop.k", "--file", "k_2026-01-02.csv", "--line", str(line), "--set", "price=2")
    project.lode("run")
    assert versions(project, "shop") == [(1, "a", "2026-01-01", None), (2, "b", "2026-01-01", "2026-01-02"),
                                         (2, "b", "2026-01-03", "2026-01-04"), (2, "c", "2026-01-02", "2026-01-03"),
                                         (3, "d", "2026-01-02", "2026-01-03")]
    assert message(project, "k_2026-01-02.csv") == "2 corrected, 0 dropped by hand"


def test_a_record_whose_key_nobody_can_read_ends_no_key_until_it_is_dropped(project: Project) -> None:
    project.write("zones/shop/sources/k.yml", NAMED)
    for day, text in (("2026-01-01", "1,a,1\n2,b,1\n"), ("2026-01-02", "1,a,1\n2;b;1\n"), ("2026-01-03", "1,a,1\n2,b,1\n")):
        project.drop("shop", f"k_{day}.csv", "id,name,price\n" + text)
    project.lode("run")
    assert versions(project, "shop") == [(1, "a", "2026-01-01", None), (2, "b", "2026-01-01", None)]
    assert message(project, "k_2026-01-02.csv") == ("1 quarantined record has no key that can be read, so no key counts as missing in this snapshot and none "
                                                    "ended; correct or drop it (lode fix)")
    project.lode("fix", "shop.k", "--file", "k_2026-01-02.csv", "--line", "3", "--drop")
    project.lode("run")
    assert versions(project, "shop") == [(1, "a", "2026-01-01", None), (2, "b", "2026-01-01", "2026-01-02"), (2, "b", "2026-01-03", None)]
