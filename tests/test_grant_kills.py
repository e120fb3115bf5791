# SPDX-License-Identifier: Apache-2.0
"""Whatever changes who may do what is killed at each of its calls: the old or the new holds then, whole; the audit log knew of it
before; and the same command again ends what was begun."""

import io
import json
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import tarfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import LODE, Project, counts, make_project
from preload import LIBRARY, NEVER, Action, Faults, Trouble, still_alive
from server import PASSWORD, add_user, serving

pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason=f"{LIBRARY} is not built")

ORDERS = "select * from shop.canonical.order order by id"
BEFORE = "rules:\n- who: [role analyst]\n  on: [canonical.order]\n  rows: region = principal.region\n- who: [cy]\n  on: [canonical.order]\n"
AFTER = "rules:\n- who: [role analyst]\n  on: [canonical.order]\n  columns: [id]\n"


@dataclass(frozen=True)
class Deed:
    """What is done: a command and what comes on its standard input, or text that is sent to a server."""

    action: str  # as the audit log calls it
    arguments: tuple[str, ...] = ()
    words: str = ""
    again: int = 0  # exit of the same command where all was done already
    edits: bool = False

    @property
    def is_http(self) -> bool:
        return not self.arguments


DEEDS = {
    "apply": Deed("apply", ("apply", "-q"), edits=True),
    "user add": Deed("user add", ("user", "add", "di", "--role", "analyst", "--attr", "region=US", "--password-stdin"), PASSWORD, again=2),
    "user set": Deed("user set", ("user", "set", "bo", "--no-role", "analyst", "--attr", "region=US", "--password-stdin"), "another, longer", again=2),
    "user lock": Deed("user set", ("user", "set", "bo", "--lock")),
    "user remove": Deed("user remove", ("user", "remove", "bo"), again=2),
    "role add": Deed("role add", ("role", "add", "field"), again=2),
    "role remove": Deed("role remove", ("role", "remove", "spare"), again=2),
    "token add": Deed("token add", ("token", "add", "fresh", "--for", "bo")),
    "token remove": Deed("token remove", ("token", "remove", "one"), again=2),
    "http apply": Deed("apply", edits=True),
}


@dataclass
class World:
    project: Project
    kept: Path
    token: str
    verifier: bytes

    def restore(self) -> None:
        for place in (self.project.store, self.project.root):
            shutil.rmtree(place)
            shutil.copytree(self.kept / place.name, place, symlinks=True)

    def secrets(self) -> dict[str, bytes]:
        with sqlite3.connect(f"file:{self.project.store}/catalog.sqlite?mode=ro", uri=True) as catalog:
            return dict(catalog.execute("select name, bytes from secret where name like 'token:%' or name like 'verifier:%'"))

    def objects(self) -> list[tuple[str, str, str]]:
        """What says for whom, as the catalog has it: kind, name (of a token its name, not its number) and what is in it."""
        sql = ("select kind, zone, name, bytes from head join object using (oid) join body on hash = body_hash where branch = 1 "
               "and kind in ('principal', 'role', 'token', 'access', 'zone', 'policies')")
        with sqlite3.connect(f"file:{self.project.store}/catalog.sqlite?mode=ro", uri=True) as catalog:
            rows = [(kind, f"{zone}.{name}", json.loads(body)) for kind, zone, name, body in catalog.execute(sql)]
        tokens = {(name[1:], body["principal"]) for kind, name, body in rows if kind == "token"}
        assert {f"token:{token}" for token, _ in tokens} == {name for name in self.secrets() if name.startswith("token:")}
        users = {name[1:] for kind, name, _ in rows if kind == "principal"}
        assert {user for _, user in tokens} <= users and {name for name in self.secrets() if name.startswith("verifier:")} <= {f"verifier:{user}" for user in users}
        return sorted((kind, body["name"], body["principal"]) if kind == "token" else (kind, name, json.dumps(body)) for kind, name, body in rows)

    def state(self) -> dict[str, Any]:
        """All of that, who has a password, and what holds for bo: it fits together."""
        secrets = self.secrets()
        seen = self.project.lode("query", ORDERS, "--as", "bo", "-o", "csv", check=False)
        return {"objects": self.objects(), "passwords": sorted(name for name in secrets if name.startswith("verifier:")),
                "new_password": secrets.get("verifier:bo") not in (None, self.verifier), "bo": (seen.exit, seen.stdout)}

    def audited(self, action: str) -> int:
        lines = [line for path in self.project.store.glob("audit/*.jsonl") for line in path.read_text().split("\n")[:-1]]
        return sum(json.loads(line)["action"] == action for line in lines)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("kills")
    project = make_project(folder)
    project.write("zones/shop/zone.yml", "owner: oz\n")
    project.write("zones/shop/sources/orders.yml", "from: ingress/orders*.csv\nformat: csv\ncolumns:\n  id: int\n  region: text\n  email: text\n")
    project.write("zones/shop/canonical/order.sql", "select id, region, email from staging.orders\n")
    project.write("zones/shop/access.yml", BEFORE)
    project.drop("shop", "orders_1.csv", "id,region,email\n1,EU,ann@x.org\n2,US,bob@x.org\n")
    project.lode("run")
    for role in ("analyst", "spare"):
        project.lode("role", "add", role)
    for name, options in {"oz": (), "cy": (), "bo": ("--role", "analyst", "--attr", "region=EU")}.items():
        add_user(project, name, *options)
    for name in ("one", "two"):
        project.lode("token", "add", name, "--for", "bo")
    token = project.json("token", "add", "sender", "--for", "oz")["token"]
    kept = folder / "kept"
    for place in (project.root, project.store):
        shutil.copytree(place, kept / place.name, symlinks=True)
    made = World(project, kept, token, b"")
    made.verifier = made.secrets()["verifier:bo"]
    return made


def edit(world: World, deed: Deed) -> None:
    if deed.edits:
        world.project.write("zones/shop/access.yml", AFTER)


def run(world: World, deed: Deed, env: dict[str, str] | None = None) -> int:
    done = subprocess.run([LODE, *deed.arguments], cwd=world.project.root, env={**os.environ, **(env or {})}, input=deed.words, capture_output=True, text=True, timeout=120)
    return done.returncode


def send(world: World, port: int) -> int:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(world.project.root / "zones", "zones")
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/apply", archive.getvalue(), {"Authorization": f"Bearer {world.token}"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except (urllib.error.URLError, ConnectionError):
        return -9


def do(world: World, deed: Deed, at: int) -> tuple[int, int]:
    """The exit (of HTTP 0 for 200), and how many calls it made. Of a server those count that come after its start."""
    trouble = Trouble(Action.KILL, at=NEVER if deed.is_http else at)
    with Faults(world.project.root.parent / "faults", trouble) as faults:
        if not deed.is_http:
            return run(world, deed, faults.environment), faults.calls
        with serving(world.project, env=faults.environment) as server:
            before = faults.calls
            struct.pack_into("<QQ", faults.memory, 16, before + at, before + at)
            status = send(world, server.http)
            calls = faults.calls - before
            if status == 200:
                return 0, calls
        still_alive(faults.processes)
        return -9, calls


def check(world: World, deed: Deed, states: list[dict[str, Any]], before: int, done: int, words: str) -> int:
    """1 where the new holds."""
    verified = world.project.json("audit", "verify")
    assert verified["state"] == "whole", words
    state = world.state()
    assert state in states, f"{words}: neither the old nor the new: {state}"
    is_new = state == states[1]
    assert is_new or done != 0, f"{words}: it was answered and does not hold"
    assert not is_new or world.audited(deed.action) > before, f"{words}: it holds, and the audit log does not know"
    return is_new


def again(world: World, deed: Deed, is_new: bool, words: str) -> None:
    if deed.is_http:
        with serving(world.project) as server:
            assert send(world, server.http) == 200, words
    else:
        assert run(world, deed) == (deed.again if is_new else 0), words


def points(calls: int, count: int, deed: str) -> Iterator[int]:
    """All, or some of them: the last ones are where it is decided."""
    if count >= calls:
        yield from range(1, calls + 1)
        return
    chance = random.Random(deed)
    for part in range(count):
        begin, end = calls * part // count, calls * (part + 1) // count
        yield chance.randint(begin + 1, max(end, begin + 1))


@pytest.mark.parametrize("name", DEEDS)
@counts("LODE_GRANT_KILLS", 1, 1000, seconds=3600)
def test_a_change_of_rights_killed_at_any_call_is_old_or_new(world: World, name: str, count: int) -> None:
    deed = DEEDS[name]
    world.restore()
    states = [world.state()]
    edit(world, deed)
    before = world.audited(deed.action)
    done, calls = do(world, deed, NEVER // 2)
    states.append(world.state())
    assert done == 0 and states[0] != states[1] and calls > 5
    came = [0, 0]
    for at in points(calls, count, name):
        words = f"{name}, killed at call {at} of {calls}"
        world.restore()
        edit(world, deed)
        done, _ = do(world, deed, at)
        is_new = check(world, deed, states, before, done, words)
        came[is_new] += 1
        again(world, deed, bool(is_new), words)
        objects = world.objects()
        if name == "token add" and is_new:  # which makes another
            objects.remove(("token", "fresh", "bo"))
        assert objects == states[1]["objects"], words
        if at % 10 == 0:
            assert world.project.json("audit", "verify")["state"] == "whole", words
            assert world.state()["bo"] == states[1]["bo"], words
            world.project.lode("verify", "-q")
    print(f"{name}: {calls} calls, old after {came[0]}, new after {came[1]}")
    assert count < calls or min(came) > 0


@pytest.mark.parametrize("words", [("user", "add", "el", "--role", "analyst", "--password-stdin"), ("user", "set", "bo", "--role", "spare", "--password-stdin")])
def test_without_a_password_nothing_is_changed(world: World, words: tuple[str, ...]) -> None:
    world.restore()
    before = world.state()
    error = world.project.error(*words)  # standard input is empty
    assert error["exit"] == 2
    assert world.state() == before
