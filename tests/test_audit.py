# SPDX-License-Identifier: Apache-2.0
"""The audit log: what is in it, who may read it, and that nothing can be done to it unseen."""

import getpass
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import LODE, Project
from test_access import shop

ME = f"local:{getpass.getuser()}"
KEYS = ["sequence", "time", "principal", "via", "action", "objects", "columns", "policy", "rows", "bytes", "decision", "statement", "hash"]


@pytest.fixture(scope="module")
def shop_of_all(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return shop(tmp_path_factory.mktemp("audit"))


def log_of(project: Project) -> Path:
    """The file that the command line writes."""
    return max((project.store / "audit").glob("*-cli.jsonl"))


def entries(project: Project, *options: str) -> list[dict[str, Any]]:
    return project.json("audit", *options)


# ---- searching ----

def test_entries_have_the_shape_that_programs_read(shop_of_all: Project) -> None:
    shop_of_all.query("select count(*) from shop.canonical.order")
    found = entries(shop_of_all)
    assert all(list(entry) == KEYS for entry in found)
    times = [entry["time"] for entry in found]
    assert times == sorted(times, reverse=True)
    asked = next(entry for entry in found if entry["action"] == "query")
    assert (asked["principal"], asked["via"], asked["decision"], asked["rows"]) == (ME, "cli", "allow", 1)
    assert asked["objects"] == ["shop.canonical.order"]
    assert {"apply", "run", "query"} <= {entry["action"] for entry in found}


def test_a_search_is_by_name_principal_time_and_decision(shop_of_all: Project) -> None:
    shop_of_all.query("select email from shop.canonical.order")
    shop_of_all.lode("query", "--as", "bo", "select count(*) from shop.canonical.order")
    shop_of_all.error("query", "--as", "bo", "select count(*) from shop.staging.orders")
    whole = entries(shop_of_all)
    on = {name: entries(shop_of_all, "--on", name) for name in ("shop", "shop.canonical", "shop.canonical.order", "shop.canonical.order.email", "shop.canon")}
    assert on["shop"] and on["shop.canonical"] and not on["shop.canon"]
    assert all("shop.canonical.order.email" in entry["columns"] for entry in on["shop.canonical.order.email"])
    assert len(on["shop.canonical.order.email"]) < len(on["shop.canonical.order"]) <= len(on["shop.canonical"]) < len(whole)
    denied = entries(shop_of_all, "--decision", "deny")
    assert denied and all(entry["decision"] == "deny" for entry in denied)
    assert not entries(shop_of_all, "--principal", "nobody")
    assert all(entry["principal"] == ME for entry in entries(shop_of_all, "--principal", ME))
    middle = whole[len(whole) // 2]["time"]
    late, early = entries(shop_of_all, "--from", middle, "--to", whole[0]["time"]), entries(shop_of_all, "--to", middle)
    assert [entry["hash"] for entry in late + early] == [entry["hash"] for entry in whole[1:]]
    assert not entries(shop_of_all, "--from", "2100-01-01") and not entries(shop_of_all, "--to", "2000-01-01T00:00Z")
    assert [entry["hash"] for entry in entries(shop_of_all, "-n", "3", "--to", whole[0]["time"])] == [entry["hash"] for entry in whole[1:4]]


def test_text_is_for_people_and_says_what_it_leaves_out(shop_of_all: Project) -> None:
    answer = shop_of_all.lode("audit", "-n", "2")
    assert len(answer.stdout.splitlines()) == 3 and "-n COUNT shows more" in answer.stderr
    assert answer.stdout.splitlines()[0].split() == ["time", "principal", "via", "action", "decision", "rows", "objects", "statement"]


@pytest.mark.parametrize("arguments", [["--decision", "no"], ["--from", "yesterday"], ["-n", "0"], ["shop"], ["verify", "--on", "shop"]])
def test_what_is_no_search_is_said(shop_of_all: Project, arguments: list[str]) -> None:
    assert shop_of_all.error("audit", *arguments)["exit"] == 2


def test_reading_the_log_is_in_the_log(shop_of_all: Project) -> None:
    entries(shop_of_all, "--on", "shop")
    assert (entries(shop_of_all)[0]["action"], entries(shop_of_all)[1]["objects"]) == ("audit", ["shop"])


# ---- the chain ----

@pytest.fixture
def whole(shop_of_all: Project) -> Iterator[Project]:
    """The shop with a whole log of some lines; log and catalog are put back afterwards."""
    kept = {path: path.read_bytes() for path in (log_of(shop_of_all), shop_of_all.store / "catalog.sqlite")}
    yield shop_of_all
    for path, content in kept.items():
        path.write_bytes(content)


def verify(project: Project) -> dict[str, Any]:
    answer = project.lode("audit", "verify", "-o", "json", check=False)
    assert answer.exit == (0 if answer.json["state"] == "whole" else 1)
    return answer.json


def edit(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[2].replace(b'"rows":', b'"rows": '), *lines[3:]]


def flip(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[2].replace(b"local", b"lokal", 1), *lines[3:]]


def swap(lines: list[bytes]) -> list[bytes]:
    return [*lines[:1], lines[2], lines[1], *lines[3:]]


ATTACKS = {
    "edited": (edit, 3),
    "one byte": (flip, 3),
    "first gone": (lambda lines: lines[1:], 1),
    "one gone": (lambda lines: lines[:2] + lines[3:], 3),
    "two swapped": (swap, 2),
    "one twice": (lambda lines: lines[:2] + lines[1:], 3),
    "one put in": (lambda lines: lines[:2] + [b"{}"] + lines[2:], 3),
    "tail cut": (lambda lines: lines[:-1], -1),
    "long tail cut": (lambda lines: lines[:2], 3),
    "all cut": (lambda lines: [], 1),
    "end altered": (lambda lines: lines[:-1] + [lines[-1] + b"!"], -1),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_on_the_chain_is_named(whole: Project, attack: str) -> None:
    log = log_of(whole)
    lines = log.read_bytes().split(b"\n")[:-1]
    change, sequence = ATTACKS[attack]
    ended = b"" if attack == "end altered" else b"\n"
    log.write_bytes(b"\n".join([*change(lines), b""]) if ended else b"\n".join(change(lines)))
    found = verify(whole)["breaks"]
    assert [(broken["file"], broken["sequence"]) for broken in found] == [(log.name, sequence if sequence > 0 else len(lines))]


def test_a_break_is_told_in_words_and_by_verify(whole: Project) -> None:
    log = log_of(whole)
    log.write_bytes(log.read_bytes().split(b"\n", 1)[1])
    text = whole.lode("audit", "verify", check=False)
    assert text.exit == 1 and f"audit/{log.name}:1" in text.stdout and text.stdout.splitlines()[-1].startswith("broken")
    assert any(damage["file"] == f"audit/{log.name}" for damage in whole.json("verify", "--quick", check=False)["damage"])


def test_a_file_that_is_gone_is_named(whole: Project) -> None:
    log = log_of(whole)
    log.unlink()
    assert [(broken["file"], "gone" in broken["message"]) for broken in verify(whole)["breaks"]] == [(log.name, True)]


def test_a_cut_shows_although_others_wrote_on(whole: Project) -> None:
    """Whoever writes next goes on from what is left, a chain like any; the catalog knows the records that were there."""
    log = log_of(whole)
    lines = log.read_bytes().split(b"\n")[:-1]
    log.write_bytes(b"\n".join([*lines[:-2], b""]))
    for _ in range(4):
        whole.query("select 1")
    assert [broken["file"] for broken in verify(whole)["breaks"]] == [log.name]


def test_what_a_writer_left_when_it_died_is_told_and_is_no_break(whole: Project) -> None:
    log = log_of(whole)
    kept = log.read_bytes()
    log.write_bytes(kept + kept[:50])
    answer = verify(whole)
    assert (answer["state"], answer["torn"]) == ("whole", [log.name])
    assert "torn" not in whole.lode("audit", "verify").stdout  # the one before wrote its own line, and cut that off


def test_several_processes_write_one_chain(shop_of_all: Project) -> None:
    before = verify(shop_of_all)["records"]
    many = [subprocess.Popen([LODE, "audit", "-n", "1"], cwd=shop_of_all.root, stdout=subprocess.DEVNULL) for _ in range(12)]
    assert [process.wait(timeout=60) for process in many] == [0] * 12
    assert verify(shop_of_all)["records"] == before + 13
    assert [json.loads(line)["sequence"] for line in log_of(shop_of_all).read_text().splitlines()] == list(range(1, before + 15))
