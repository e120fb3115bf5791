# SPDX-License-Identifier: Apache-2.0
"""The audit log: what is in it, who may read it, and that nothing can be done to it unseen."""

import getpass
import hashlib
import json
import re
import resource
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from conftest import LODE, Project, make_project
from server import PASSWORD, Server, add_user, serving
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


# ---- every door writes it ----

@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    project = shop(tmp_path_factory.mktemp("audit-doors"))
    add_user(project, "au", "--role", "auditor")
    add_user(project, "ad", "--role", "admin")
    with serving(project) as running:
        yield running


def recorded(server: Server, *options: str) -> list[dict[str, Any]]:
    """The server's records and others', oldest first."""
    return entries(server.project, *options)[::-1]


def since(server: Server, mark: str) -> list[dict[str, Any]]:
    """What came after the record with this hash, without what the test itself asks."""
    found = recorded(server)
    hashes = [entry["hash"] for entry in found]
    return [entry for entry in found[hashes.index(mark) + 1:] if entry["action"] != "audit"]


def mark(server: Server) -> str:
    return recorded(server)[-1]["hash"]


def test_statements_of_the_wire_are_recorded_in_every_form(server: Server) -> None:
    before = mark(server)
    with psycopg.connect(server.dsn("oz", "shop"), autocommit=True) as connection:
        connection.execute("select id, region from canonical.order where coalesce(email, 'secret') <> 'secret too'").fetchall()
        connection.execute("select region from canonical.order where id = %s", (1,), prepare=True).fetchall()
        connection.execute("prepare p as select count(*) from canonical.order")
        connection.execute("execute p").fetchall()
        connection.execute("explain select id from canonical.order").fetchall()
        with connection.cursor().copy("copy (select id from canonical.order) to stdout") as copy:
            assert len(list(copy)) > 0
        with connection.transaction():
            connection.execute("declare c cursor for select id from canonical.order")
            connection.execute("fetch 2 from c").fetchall()
            connection.execute("close c")
    found = since(server, before)
    assert all(entry["principal"] == "oz" and entry["via"] == "pg" and entry["decision"] == "allow" for entry in found)
    assert [entry["action"] for entry in found] == ["login", "query", "query", "query", "explain", "copy", "query begun", "query"]
    first, second, third, _, copied, _, fetched = found[1:]
    assert first["statement"] == "select id, region from canonical.order where coalesce(email, ?) <> ?"
    assert first["objects"] == ["shop.canonical.order"] and first["rows"] == 4 and first["bytes"] > 0
    assert sorted(first["columns"]) == ["shop.canonical.order.email", "shop.canonical.order.id", "shop.canonical.order.region"]
    assert (second["rows"], third["rows"], copied["rows"], fetched["rows"]) == (1, 1, 4, 2)
    assert first["policy"]  # policies.yml masks email for the owner too


def test_privileges_tell_nothing_of_withheld_columns_and_of_others(server: Server) -> None:
    with psycopg.connect(server.dsn("bo", "shop"), autocommit=True) as connection:
        def ask(call: str) -> object:
            row = connection.execute(f"select {call}").fetchone()
            assert row is not None
            return row[0]

        assert ask("has_column_privilege('canonical.order', 'region', 'select')") is True
        for column in ("amount", "not_there"):
            assert ask(f"has_column_privilege('canonical.order', '{column}', 'select')") is False
        for user, may in (("bo", True), ("oz", None), ("not_there", None)):
            assert ask(f"has_table_privilege('{user}', 'canonical.order', 'select')") is may
            assert ask(f"has_column_privilege('{user}', 'canonical.order', 'region', 'select')") is may
            assert ask(f"has_schema_privilege('{user}', 'canonical', 'usage')") is may


REFUSED = {
    "select * from staging.orders": ["shop.staging.orders"],
    "select amount from canonical.order": ["shop.canonical.order"],
    "select 1 from canonical.nothing join shop.landing.orders on true": ["shop.canonical.nothing", "shop.landing.orders"],
    "select read_text('secret')": [],
    "insert into canonical.order values (1)": [],
    "selec 'secret'": [],
    "alter role bo password 'secret'": [],
}


def test_what_was_refused_is_recorded_with_what_it_named(server: Server) -> None:
    before = mark(server)
    with psycopg.connect(server.dsn("bo", "shop"), autocommit=True) as connection:
        for sql in REFUSED:
            with pytest.raises(psycopg.Error):
                connection.execute(sql)
    found = since(server, before)[1:]
    assert [(entry["objects"], entry["decision"], entry["rows"]) for entry in found] == [(objects, "deny", None) for objects in REFUSED.values()]
    assert "secret" not in json.dumps(found)
    assert [entry["principal"] for entry in entries(server.project, "--on", "shop.staging.orders", "--decision", "deny", "-n", "1")] == ["bo"]


def test_logins_are_recorded(server: Server) -> None:
    before = mark(server)
    for user, password in (("bo", "wrong"), ("ghost", "wrong"), ("bo", PASSWORD)):
        try:
            psycopg.connect(server.dsn(user, "shop", password)).close()
        except psycopg.Error:
            assert password == "wrong"
    assert [(entry["principal"], entry["action"], entry["decision"]) for entry in since(server, before)] == [
        ("bo", "login", "deny"), ("ghost", "login", "deny"), ("bo", "login", "allow")]


def test_an_answer_that_is_cut_off_is_recorded(server: Server) -> None:
    """By the client that hangs up, by a cancel: how far it came, and that it was begun is there before its first byte."""
    many = "select a.id from canonical.order a, range(2000000) r(n)"
    before = mark(server)
    connection = psycopg.connect(server.dsn("oz", "shop"), autocommit=True)
    with pytest.raises(psycopg.errors.QueryCanceled), connection.cursor() as cursor:
        rows = cursor.stream(many)
        next(rows)
        threading.Thread(target=connection.cancel).start()
        for _ in rows:
            pass
    connection.close()
    found = [entry for entry in since(server, before) if entry["action"] != "login"]
    assert [entry["action"] for entry in found] == ["query begun", "query"]
    assert found[0]["objects"] == found[1]["objects"] == ["shop.canonical.order"]
    assert 0 < found[1]["rows"] < 8000000 and found[1]["decision"] == "stopped"


def test_what_its_time_ended_is_no_refusal(server: Server) -> None:
    before = mark(server)
    with psycopg.connect(server.dsn("oz", "shop"), autocommit=True) as connection:
        connection.execute("set statement_timeout = 200")
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("select sum(sqrt(r.n)) from range(3000000000) r(n)")
    found, = [entry for entry in since(server, before) if entry["action"] == "query"]
    assert found["decision"] == "stopped"
    assert found in entries(server.project, "--decision", "stopped") and found not in entries(server.project, "--decision", "allow")


def test_values_in_the_wrong_quotes_are_in_no_record(server: Server) -> None:
    before = mark(server)
    with psycopg.connect(server.dsn("bo", "shop"), autocommit=True) as connection:
        for sql in ('select "region" from canonical.order where "region" = "secret@x.org"', "select id from canonical.order where region = \u201csecret word\u201d",
                    "select id from canonical.order where region = \u2018secret\u2019", "select `secret` from canonical.order"):
            with pytest.raises(psycopg.Error):
                connection.execute(sql)
    found = since(server, before)[1:]
    assert len(found) == 4 and "secret" not in json.dumps(found, ensure_ascii=False)
    assert found[0]["statement"] == 'select "region" from canonical.order where "region" = ?'


def test_a_long_answer_of_the_command_line_is_recorded_before_it_is_shown(server: Server) -> None:
    before = mark(server)
    many = "select r.n, a.id from shop.canonical.order a, range(30000) r(n)"
    assert len(server.project.csv(many).splitlines()) == 120001
    assert len(server.project.csv(many, "--as", "oz").splitlines()) == 120001
    found = since(server, before)
    assert [(entry["action"], entry["rows"]) for entry in found] == [
        ("query begun", None), ("query", 120000), ("query begun as oz", None), ("query as oz", 120000)]


def test_changes_by_the_command_line_are_recorded(server: Server) -> None:
    project, before = server.project, mark(server)
    token = project.json("token", "add", "ci", "--for", "bo")["token"]
    project.lode("user", "set", "cy", "--attr", "region=US")
    project.lode("token", "remove", "ci")
    project.write("zones/shop/canonical/more.sql", "select id from canonical.order")
    project.write("zones/shop/access.yml", (project.root / "zones/shop/access.yml").read_text() + "- who: [cy]\n  on: [canonical.more]\n")
    project.lode("apply")
    project.lode("why", "bo", "shop.canonical.order", "id = 4711")
    project.lode("show", "access", "shop.canonical.order")
    project.lode("trace", "shop.staging.orders", "--where", "id = 1")
    project.lode("show", "quarantine")
    project.lode("backup", project.root.parent / "backup")
    found = since(server, before)
    assert [entry["action"] for entry in found] == ["token add", "user set", "token remove", "apply", "why", "show access", "trace", "show quarantine", "backup"]
    assert all(entry["principal"] == ME and entry["via"] == "cli" for entry in found)
    assert sorted(found[3]["objects"]) == ["shop.access", "shop.canonical.more"]
    text = "".join(path.read_text() for path in (project.store / "audit").iterdir())
    text = re.sub(r'"hash":"[0-9a-f]{64}"', "", text)  # which may have these digits by chance
    assert token not in text and PASSWORD not in text and "4711" not in text


# ---- read as a table ----

def test_auditors_read_it_as_a_table(server: Server) -> None:
    with psycopg.connect(server.dsn("bo", "shop"), autocommit=True) as connection:
        connection.execute("select region from canonical.order").fetchall()
    asked = "select principal, via, rows, decision from lode.audit where 'shop.canonical.order' = any(objects) and principal = 'bo' order by time desc limit 1"
    for user, database in (("au", "postgres"), ("au", "lode"), ("au", "shop"), ("ad", "shop")):
        with psycopg.connect(server.dsn(user, database)) as connection:
            assert connection.execute(asked).fetchone() == ("bo", "pg", 2, "allow")
            columns = [column.name for column in connection.execute("select * from lode.audit limit 1").description]
            assert [name for name in columns if name != "service"] == KEYS
    server.project.query("select count(*) from lode.audit")
    table = {row["hash"]: row for row in server.project.query("select * from lode.audit")}
    for entry in entries(server.project)[2:]:  # written since
        row = table[entry["hash"]]
        row |= {name: json.loads(row[name]) for name in ("objects", "columns")}  # lode query shows lists as text
        assert {**row, "time": None, "service": None} == {**entry, "time": None, "service": None}


def test_for_others_it_does_not_exist(server: Server) -> None:
    for user in ("bo", "oz"):
        with psycopg.connect(server.dsn(user, "shop"), autocommit=True) as connection:
            said = set()
            for name in ("lode.audit", "lode.audix"):
                with pytest.raises(psycopg.errors.UndefinedTable) as refused:
                    connection.execute(f"select * from {name}")
                said.add(str(refused.value).replace(name, "X"))
            assert len(said) == 1
    assert server.project.error("query", "--as", "bo", "select * from lode.audit")["code"] == "E203"
    tried = server.project.json("audit", "--on", "lode.audit", "--decision", "deny")
    assert {"bo", "oz"} <= {entry["principal"] for entry in tried}
    assert server.project.query("select count(*) > 0 as some from lode.audit", "--as", "au") == [{"some": True}]


def test_an_auditor_sees_the_log_in_every_database_and_nothing_else(server: Server) -> None:
    with psycopg.connect(server.dsn("au", "shop"), autocommit=True) as connection:
        assert connection.execute("select count(*) > 0 from lode.audit").fetchone() == (True,)
        assert connection.execute("select count(*) from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema', 'lode')").fetchone() == (0,)
        for table in ("canonical.order", "staging.orders", "quarantine.orders"):
            with pytest.raises(psycopg.errors.UndefinedTable):
                connection.execute(f"select * from {table}")
    for user, database in (("au", "no_such_zone"), ("nobody", "shop")):
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(server.dsn(user, database))


def forge(folder: Path, moments: list[datetime]) -> list[datetime]:
    """Files of some days as they are written, one a day; the chain is nobody's concern here."""
    for day in {moment.date() for moment in moments}:
        lines = []
        for number, moment in enumerate(sorted(moment for moment in moments if moment.date() == day)):
            lines.append(json.dumps({"sequence": number + 1, "time": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "principal": ["bo", "cy", 'q"t', "b"][number % 4], "via": "pg",
                                     "action": "query", "objects": [], "columns": [], "policy": "", "rows": number, "bytes": -1, "decision": "allow",
                                     "statement": "select " + "x" * 900, "hash": "0" * 64}, separators=(",", ":")))
        (folder / f"{day}-forged.jsonl").write_text("\n".join(lines) + "\n")
    return moments


CONDITIONS = [
    "time >= '2026-03-10T12:00:00Z'", "time > '2026-03-10 12:00:00+05'", "time < '2026-03-09'", "'2026-03-11' <= time", "time between '2026-03-09' and '2026-03-10'",
    "time >= timestamptz '2026-03-10 00:30:00'", "time > date '2026-03-11'", "time = '2026-03-10T12:00:00Z'", "time >= '2026-03-09' and time < '2026-03-11' and rows > 5",
    "time >= '2026-03-11' or rows = 1", "not (time < '2026-03-11')", "time::date = date '2026-03-10'", "date_trunc('day', time) = '2026-03-10'::timestamptz",
    "time > now() - interval '36 hours'", "time > now() - interval '3 days'", "time >= now() - interval 2 day", "time > current_timestamp - interval '1 month'",
    "time < now() - interval '1 day'", "time > now()::date", "time >= current_date - 1", "time between now() - interval '1 week' and now()", "time > localtimestamp - interval '1 day'",
    "principal = 'bo'", "principal = 'q\"t'", "principal = 'b' and time > '2026-03-10'", "principal in ('bo', 'cy') and time < '2026-03-10'", "principal <> 'bo'",
]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", *[pytest.param(zone, marks=pytest.mark.full) for zone in ("UTC", "America/New_York")]])
def test_bounds_of_time_and_principal_change_how_much_is_read_and_nothing_else(tmp_path: Path, zone: str) -> None:
    project = make_project(tmp_path)
    project.write("zones/shop/zone.yml", "owner: oz\n")
    project.lode("apply")
    add_user(project, "au", "--role", "auditor")
    now = datetime.now(UTC).replace(tzinfo=None)
    moments = [datetime(2026, 3, 8) + timedelta(minutes=13 * step) for step in range(440)]
    moments += [now - timedelta(minutes=17 * step) for step in range(1, 400)]
    forge(project.store / "audit", [moment for moment in moments if moment < now])
    with serving(project) as server, psycopg.connect(server.dsn("au", "shop"), autocommit=True) as connection:
        connection.execute(f"set time zone '{zone}'")
        for condition in CONDITIONS:
            both = f"select (select count(*) from lode.audit a where {condition}), (select count(*) from (select * from lode.audit offset 0) a where {condition})"
            bounded, whole = connection.execute(both).fetchone()
            assert bounded == whole, condition
        joined = "select count(*) from (values (1)) v(x) left join lode.audit a on a.sequence = v.x and a.time > '2026-03-12' where a.time > '2026-03-10'"
        assert connection.execute(joined).fetchone() == connection.execute(joined.replace("lode.audit a", "(select * from lode.audit offset 0) a")).fetchone()
        (project.store / "audit" / "2020-01-01-forged.jsonl").write_bytes(bytes(3 << 20))  # no line is so long: what is not asked for is not even read
        for condition in ("time > '2026-03-10'", "time > now() - interval '3 days'"):
            assert connection.execute(f"select count(*) > 0 from lode.audit where {condition}").fetchone() == (True,)
        with pytest.raises(psycopg.Error):
            connection.execute("select count(*) from lode.audit")


# ---- dying ----

def test_a_killed_server_leaves_a_whole_log(tmp_path: Path) -> None:
    """In the middle of what several clients ask: each answer that one got is there, and at most one more each."""
    project = shop(tmp_path)
    users = ("oz", "oz", "bo", "bo")
    answered = [0] * len(users)

    def ask(number: int) -> None:
        with pytest.raises(psycopg.OperationalError), psycopg.connect(server.dsn(users[number], "shop"), autocommit=True) as connection:
            while True:
                connection.execute("select id from canonical.order").fetchall()
                answered[number] += 1

    with serving(project) as server:
        clients = [threading.Thread(target=ask, args=(number,)) for number in range(len(users))]
        for client in clients:
            client.start()
        while min(answered) < 3:
            time.sleep(0.01)
        server.process.kill()
        for client in clients:
            client.join()
    assert verify(project)["state"] == "whole"
    written = [entry["principal"] for entry in entries(project) if entry["action"] == "query" and entry["via"] == "pg"]
    for user in ("oz", "bo"):
        got = sum(count for name, count in zip(users, answered, strict=True) if name == user)
        assert got <= written.count(user) <= got + 2


def test_a_cut_tail_of_a_server_that_was_stopped_shows(tmp_path: Path) -> None:
    project = shop(tmp_path)
    with serving(project) as server:
        with psycopg.connect(server.dsn("oz", "shop")) as connection:
            connection.execute("select 1")
        assert server.stop() == 0
    log = next((project.store / "audit").glob("*-server-*.jsonl"))
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    assert [broken["file"] for broken in verify(project)["breaks"]] == [log.name]
    log.unlink()
    assert [broken["file"] for broken in verify(project)["breaks"]] == [log.name]


# ---- no room ----

def test_what_cannot_be_recorded_is_not_answered(tmp_path: Path) -> None:
    """A log that cannot grow, and then can: rows and logins are refused meanwhile, and the half record that was left is no break."""
    project = shop(tmp_path)
    add_user(project, "ad", "--role", "admin")
    with serving(project) as server:
        connection = psycopg.connect(server.dsn("ad", "shop"), autocommit=True)
        log = next((project.store / "audit").glob("*-server-*.jsonl"))
        most = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (log.stat().st_size + 100, most[1]))
        with pytest.raises(psycopg.errors.DiskFull):
            connection.execute("select id from canonical.order")
        with pytest.raises(psycopg.OperationalError, match="cannot answer"):
            psycopg.connect(server.dsn("bo", "shop"))
        assert not log.read_bytes().endswith(b"\n")
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, most)
        assert len(connection.execute("select id from canonical.order").fetchall()) == 4
        psycopg.connect(server.dsn("bo", "shop")).close()
        connection.close()
        server.stop()
    assert [entry["action"] for entry in entries(project, "-n", "1")] == ["serve end"]
    assert verify(project) == {"state": "whole", "files": 2, "records": verify(project)["records"] - 1, "breaks": [], "torn": []}


# ---- what is kept ----

def test_what_is_kept_of_statements_is_the_texts_to_say(tmp_path: Path) -> None:
    project = shop(tmp_path)
    text = (project.root / "lode.yml").read_text()
    with serving(project) as server, psycopg.connect(server.dsn("oz", "shop"), autocommit=True) as connection:
        for statements, kept in (("whole", "select 'x' -- {}"), ("none", None), ("redacted", "select ?")):
            project.write("lode.yml", f"{text}audit:\n  statements: {statements}\n")
            project.lode("apply")
            time.sleep(1.5)  # a server looks once a second
            connection.execute(f"select 'x' -- {statements}")
            project.query(f"select 'x' -- {statements}")
            found = [entry["statement"] for entry in entries(project, "-n", "2")]
            assert found == [kept and kept.format(statements)] * 2


def test_old_records_go_when_their_time_is_over(tmp_path: Path) -> None:
    """Files of old days, which the catalog knows, are retired by tidy alone; whoever removes one otherwise is found out."""
    project = shop(tmp_path)
    log = log_of(project)
    old = [log.with_name(f"2020-01-0{day}-cli.jsonl") for day in (1, 2)]
    hashes = []
    for path in old:  # a chain begins with the hash of its file's name
        body = log.read_text().splitlines()[0].rsplit(',"hash":', 1)[0]
        hashes.append(hashlib.sha256(hashlib.sha256(path.name.encode()).digest() + body.encode()).hexdigest())
        path.write_text(f'{body},"hash":"{hashes[-1]}"}}\n')
    assert verify(project)["state"] == "whole"
    project.write("lode.yml", (project.root / "lode.yml").read_text() + "audit:\n  keep: 30d\n")
    project.lode("apply")
    assert "audit/" in project.lode("tidy", "--dry-run").stdout and all(path.exists() for path in old)
    project.lode("tidy")
    assert not any(path.exists() for path in old) and log.exists()
    assert verify(project)["state"] == "whole"
    assert [entry["statement"][:15] for entry in entries(project) if entry["action"] == "audit retire"] == ["records before "]
