# SPDX-License-Identifier: Apache-2.0
"""The order of syncs. Killing never tests it, for the kernel keeps what a dead process wrote; so the calls of a run are
logged, their order is checked, and the folders are built that a power cut at any of them may leave."""

import copy
import functools
import hashlib
import random
import re
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import counts
from judge import iceberg_table
from powercut import EVERYTHING, NOTHING, Choice, Disk, Node, by_luck
from preload import LIBRARY, SYNCS, Action, Faults, Kind, Record, Trouble, call
from small import Small, assert_counts, make_small, state_of

pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason=f"{LIBRARY} is not built (a sanitizer's build has none)")

LOG_BYTES = 64 << 20
CATALOG = "catalog.sqlite"


@dataclass(frozen=True)
class Logged:
    """One run from its first call to its last, and what it came to."""

    small: Small
    before: Disk
    records: list[Record]
    state: dict

    def disk(self) -> Disk:
        """As the run found it, to be changed."""
        return copy.deepcopy(self.before)


def log_run(small: Small, trouble: Trouble) -> Logged:
    small.restore()
    before = Disk(small.folder)
    with Faults(small.saved.parent / "faults", trouble) as faults:
        outcome = call(small.project, faults, "run", "-q")
        assert outcome.answer.exit == 0, outcome.answer.stderr
        records = list(faults.log(small.folder.stat().st_dev))
    return Logged(small, before, records, state_of(small.project))


@pytest.fixture(scope="module", params=["second run", "first run"])
def logged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Logged:
    small = make_small(tmp_path_factory.mktemp("logged"), fresh=request.param == "first run")
    return log_run(small, Trouble(log_bytes=LOG_BYTES))


# ---- the order of calls ----


@functools.cache
def files_of_table(metadata_location: str) -> frozenset[str]:
    """All that a version of a table is made of. The files are never changed, so the ones that are there now tell."""
    table = iceberg_table(metadata_location)
    found = {metadata_location}
    snapshot = table.current_snapshot()
    if snapshot:
        found.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            found.add(manifest.manifest_path)
            found |= {entry.data_file.file_path for entry in manifest.fetch_manifest_entry(table.io)}
    return frozenset(found)


@functools.cache
def read_catalog(files: tuple[tuple[str, bytes], ...]) -> tuple[frozenset[str], frozenset[str]]:
    """Of a catalog with or without its journal, as SQLite opens it: the files it refers to, and the hashes of what was
    received."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files:
            (Path(folder) / name).write_bytes(data)
        connection = sqlite3.connect(Path(folder) / CATALOG)
        try:
            root = connection.execute("select value from meta where key = 'root'").fetchone()[0]
            deliveries = connection.execute("select sha256, landing from delivery").fetchall()
            bodies = connection.execute("select bytes from version join body on hash = body_hash").fetchall()
        finally:
            connection.close()
    paths = {f"{root}/{landing}" for _, landing in deliveries}
    for location in re.findall(rb'"metadata_location":"([^"]+)"', b"\n".join(body for (body,) in bodies)):
        paths |= files_of_table(f"{root}/{location.decode()}")
    return frozenset(paths), frozenset(sha256 for sha256, _ in deliveries)


def catalog_files(store: Node, *, lasting: bool) -> tuple[tuple[str, bytes], ...]:
    names = store.lasting_names if lasting else store.names
    return tuple((name, names[name].lasting_data if lasting else bytes(names[name].data))
                 for name in (CATALOG, f"{CATALOG}-journal") if name in names)


def why_not_lasting(disk: Disk, path: str) -> str | None:
    """What of a file a power cut could take."""
    node = disk.tree
    for part in Path(path).relative_to(disk.root).parts:
        if part not in node.names:
            return "is not there"
        if node.lasting_names.get(part) is not node.names[part]:
            return f"has a name that may be lost: '{part}'"
        node = node.names[part]
    return None if node.is_lasting else "has bytes that may be lost"


class Order:
    """The rules, asked before each call is followed."""

    def __init__(self, logged: Logged) -> None:
        self.disk = logged.disk()
        self.store = str(logged.small.project.store)
        self.ingress = str(logged.small.project.root / "ingress")
        self.broken: list[str] = []

    def node_of_store(self) -> Node | None:
        return self.disk.find(self.store)

    def check_naming(self, record: Record) -> None:
        """What gets the name by which it is looked for is whole by then. (A data file gets its own when it is made, and
        counts when it is committed.)"""
        inside = record.other.removeprefix(f"{self.store}/")
        node = self.disk.nodes.get(record.inode)
        if inside.split("/")[0] in ("landing", "key", CATALOG) and node and not node.is_lasting:
            self.broken.append(f"{inside} is named before its bytes are synced")

    def check_commit(self) -> None:
        store = self.node_of_store()
        current = tuple((name, data) for name, data in catalog_files(store, lasting=False) if name == CATALOG)
        for path in read_catalog(current)[0]:
            if why := why_not_lasting(self.disk, path):
                self.broken.append(f"{path.removeprefix(self.store)} {why} when the catalog refers to it")

    def check_taking(self, record: Record) -> None:
        file = self.disk.find(record.path)
        received = read_catalog(catalog_files(self.node_of_store(), lasting=True))[1]
        if file and hashlib.sha256(file.data).hexdigest() not in received:
            self.broken.append(f"{record.path} is taken from ingress before the ledger has it")

    def look(self, record: Record) -> None:
        if record.kind in (Kind.RENAME, Kind.LINK):
            self.check_naming(record)
        elif record.kind == Kind.TRUNCATE and record.offset == 0 and self.is_journal(record):
            self.check_commit()
        elif record.kind == Kind.UNLINK and record.path.startswith(self.ingress):
            self.check_taking(record)
        self.disk.follow(record)

    def is_journal(self, record: Record) -> bool:
        store = self.node_of_store()
        return store is not None and self.disk.nodes.get(record.inode) is store.names.get(f"{CATALOG}-journal")


def broken_rules(logged: Logged, without: int = -1) -> list[str]:
    order = Order(logged)
    for number, record in enumerate(logged.records):
        if number != without:
            order.look(record)
    return order.broken


def test_nothing_is_named_committed_or_taken_before_it_would_last(logged: Logged) -> None:
    assert broken_rules(logged) == []


def test_each_sync_that_is_left_out_is_noticed(logged: Logged) -> None:
    """The rules are worth what they find: of every file that the run made and the catalog came to refer to, they miss
    the sync of its bytes and that of its name."""
    after = logged.disk()
    for record in logged.records:
        after.follow(record)
    store = after.find(str(logged.small.project.store))
    referred = read_catalog(catalog_files(store, lasting=True))[0]
    fresh = {path for path in referred if not logged.before.find(path)}
    assert len(fresh) > 15
    noticed = "\n".join(line for number, record in enumerate(logged.records) if record.kind in SYNCS
                        for line in broken_rules(logged, without=number))
    for path in fresh:
        name = path.rsplit("/", 1)[1]
        assert re.search(f"{name} (has bytes that may be lost|is named before its bytes are synced)", noticed), path
        assert f"{name} has a name that may be lost" in noticed, path
    assert "is taken from ingress before the ledger has it" in noticed


def test_a_sync_that_a_run_leaves_out_is_noticed(tmp_path: Path) -> None:
    """The same without the log's help: the call is swallowed before it is made."""
    small = make_small(tmp_path)
    whole = log_run(small, Trouble(log_bytes=LOG_BYTES))
    syncs = [number for number, record in enumerate(whole.records) if record.kind in SYNCS]
    counting = [at for at, number in enumerate(syncs, 1) if broken_rules(whole, without=number)]
    for at in random.Random(1).sample(counting, 3):
        without = log_run(small, Trouble(Action.SWALLOW, at=at, kinds=SYNCS, log_bytes=LOG_BYTES))
        assert broken_rules(without) != [], f"sync {at} of {len(syncs)}"


# ---- what a cut leaves ----


def assert_consistent(small: Small) -> None:
    """The store opens, or is none yet; every table of it can be read by others; its counts add up."""
    answer = small.project.lode("show", "table", "-o", "json", check=False)
    if answer.exit == 0:
        assert_counts(state_of(small.project))
    else:
        assert answer.error["code"] == "E504", answer.stderr


def cut_and_go_on(logged: Logged, disk: Disk, choice: Choice, where: str) -> None:
    """The power goes, comes back, and the next run is as good as the one that was lost."""
    small = logged.small
    disk.build(small.folder, choice)
    try:
        assert_consistent(small)
        small.project.lode("run")
        small.project.lode("verify")
        found = state_of(small.project)
        assert found == logged.state, [name for name in found if found[name] != logged.state.get(name)]
    except (Exception, pytest.fail.Exception) as failure:
        raise AssertionError(f"power cut {where}: {failure}") from failure


@counts("LODE_POWER_CUTS", 6, 400, seconds=3000)
def test_a_power_cut_at_any_call_loses_nothing(logged: Logged, count: int) -> None:
    chance = random.Random(count)
    places = sorted(chance.randint(1, len(logged.records)) for _ in range(count))
    disk = logged.disk()
    done = 0
    for number, place in enumerate(places):
        for record in logged.records[done:place]:
            disk.follow(record)
        done = max(done, place)
        seed = number if number % 4 else None
        choice = by_luck(random.Random(seed)) if seed is not None else NOTHING
        cut_and_go_on(logged, disk, choice, f"after call {place} of {len(logged.records)} (luck {seed})")


def test_what_a_run_answered_is_there_after_a_power_cut(logged: Logged) -> None:
    """At once, with nothing but what was synced, before any other run."""
    disk = logged.disk()
    for record in logged.records:
        disk.follow(record)
    disk.build(logged.small.folder, EVERYTHING)
    assert state_of(logged.small.project) == logged.state, "the log is not what the disk saw"
    disk.build(logged.small.folder, NOTHING)
    assert state_of(logged.small.project) == logged.state
