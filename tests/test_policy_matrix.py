# SPDX-License-Identifier: Apache-2.0
"""Rules made at random, judged by a second reading of docs/access.md in Python, on every way to the table; and what must hold of
any rules: one more never hides a row or a value, one less never shows one."""

import csv
import io
import random
from collections.abc import Callable, Iterator

import psycopg
import pytest
from conftest import counts, make_project
from server import Server, add_user, serving

Row = dict[str, str]
SOURCE = "from: ingress/*.csv\nformat: csv\ncolumns:\n  id: int\n  region: text\n  kind: text\n  name: text\n  note: text\n"
COLUMNS = ["id", "region", "kind", "name", "note"]
ROWS: list[Row] = [{"id": str(i), "region": ["EU", "US", "ASIA", ""][i % 4], "kind": "abc"[i % 3], "name": f"name{i}", "note": f"note{i % 5}"} for i in range(24)]
USERS: dict[str, tuple[list[str], dict[str, list[str]]]] = {
    "bo": (["analyst"], {"region": ["EU"]}), "cy": (["analyst", "field"], {"region": ["US", "ASIA"]}), "di": (["field"], {}), "el": ([], {"region": ["EU"]})}
CONDITIONS: dict[str, Callable[[Row, dict[str, list[str]]], bool]] = {
    "": lambda row, who: True,
    "region = principal.region": lambda row, who: row["region"] != "" and row["region"] in who.get("region", []),
    "kind = 'a'": lambda row, who: row["kind"] == "a",
    "id < 12 and kind <> 'b'": lambda row, who: int(row["id"]) < 12 and row["kind"] != "b",
    "region is null": lambda row, who: row["region"] == "",
    "kind in (select kind from staging.kinds where login = principal.name)": lambda row, who: row["kind"] in ENTITLED.get(who["name"][0], ""),
}
ENTITLED = {"bo": "b", "di": "ac"}
MASKS: dict[str, Callable[[str], str]] = {"'null'": lambda value: "", "partial 2": lambda value: value[:2] + "***", "upper(name)": lambda value: value.upper()}


class Rule:
    def __init__(self, dice: random.Random) -> None:
        self.who = dice.choice(["role analyst", "role field", "bo", "cy", "everyone"])
        self.rows = dice.choice(list(CONDITIONS))
        self.hidden = dice.sample(["note", "kind", "name"], dice.choice([0, 0, 1, 2]))
        masked = [column for column in ("name", "note") if column not in self.hidden and dice.random() < 0.4]
        self.masks = {column: dice.choice([mask for mask in MASKS if column == "name" or "name" not in mask]) for column in masked}

    def text(self) -> str:
        lines = [f"- who: [{self.who}]", "  on: [staging.t]"]
        if self.rows:
            lines.append(f"  rows: {self.rows}")
        if self.hidden:
            lines.append(f"  columns: all except [{', '.join(self.hidden)}]")
        if self.masks:
            lines += ["  mask:"] + [f"    {column}: {mask}" for column, mask in self.masks.items()]
        return "\n".join(lines) + "\n"

    def means(self, user: str) -> bool:
        return self.who in (user, "everyone") or self.who.removeprefix("role ") in USERS[user][0]

    def keeps(self, user: str, row: Row) -> bool:
        return CONDITIONS[self.rows](row, {**USERS[user][1], "name": [user]})


def expected(rules: list[Rule], user: str) -> list[Row] | None:
    """None: the table is not there."""
    mine = [rule for rule in rules if rule.means(user)]
    if not mine:
        return None
    shown = [column for column in COLUMNS if any(column not in rule.hidden for rule in mine)]
    answer = []
    for row in ROWS:
        kept = [rule for rule in mine if rule.keeps(user, row)]
        if kept:
            answer.append({column: cell(kept, column, row) for column in shown})
    return answer


def cell(kept: list[Rule], column: str, row: Row) -> str:
    """Shown by one rule: as it is. Else by the first that masks it, else not at all."""
    if any(column not in rule.hidden and column not in rule.masks for rule in kept):
        return row[column]
    for rule in kept:
        if column in rule.masks:
            return MASKS[rule.masks[column]](row[column]) if row[column] else ""
    return ""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    project = make_project(tmp_path_factory.mktemp("matrix"))
    project.write("zones/shop/zone.yml", "owner: oz\n")
    project.write("zones/shop/sources/t.yml", SOURCE.replace("*.csv", "t*.csv"))
    project.write("zones/shop/sources/kinds.yml", "from: ingress/kinds*.csv\nformat: csv\ncolumns:\n  login: text\n  kind: text\n")
    project.drop("shop", "t.csv", ",".join(COLUMNS) + "\n" + "".join(",".join(row.values()) + "\n" for row in ROWS))
    project.drop("shop", "kinds.csv", "login,kind\n" + "".join(f"{login},{kind}\n" for login, kinds in ENTITLED.items() for kind in kinds))
    project.lode("run")
    for role in ("analyst", "field"):
        project.lode("role", "add", role)
    for user, (roles, attributes) in USERS.items():
        options = [word for role in roles for word in ("--role", role)]
        add_user(project, user, *(["--role", ",".join(roles)] if options else []),
                 *(["--attr", ";".join(f"{name}={','.join(values)}" for name, values in attributes.items())] if attributes else []))
    with serving(project) as running:
        yield running


def from_csv(text: str) -> list[Row]:
    return list(csv.DictReader(io.StringIO(text)))


def by_copy(server: Server, user: str) -> list[Row]:
    with psycopg.connect(server.dsn(user)) as connection, connection.cursor().copy("copy (select * from shop.staging.t order by id) to stdout with csv header") as copy:
        return from_csv(b"".join(bytes(block) for block in copy).decode())


def as_rows(cursor: psycopg.Cursor) -> list[Row]:
    names = [column.name for column in cursor.description]
    return [{name: "" if value is None else str(value) for name, value in zip(names, row, strict=True)} for row in cursor.fetchall()]


def by_select(server: Server, user: str) -> list[Row]:
    with psycopg.connect(server.dsn(user), autocommit=True) as connection:
        return as_rows(connection.execute("with x as (select * from shop.staging.t) select * from x order by id", prepare=True))


def by_cursor(server: Server, user: str) -> list[Row]:
    with psycopg.connect(server.dsn(user)) as connection, connection.cursor("c", binary=False) as cursor:
        cursor.execute("select * from shop.staging.t order by id")
        cursor.itersize = 5
        return as_rows(cursor)


def by_past(server: Server, user: str) -> list[Row]:
    commit = server.project.json("log")[0]["commit"]
    with psycopg.connect(server.dsn(user), autocommit=True) as connection:
        return as_rows(connection.execute(f"select * from shop.staging.t at (version => '{commit}') order by id"))


def by_http(server: Server, user: str) -> list[Row]:
    said = server.ask(user, "select * from shop.staging.t order by id", "text/csv")
    if said.status != 200:
        raise LookupError(said.json["error"]["message"])
    return from_csv(said.body.decode())


def by_query(server: Server, user: str) -> list[Row]:
    done = server.project.lode("query", "select * from shop.staging.t order by id", "--as", user, "-o", "csv", check=False)
    if done.exit:
        raise LookupError(done.stderr)
    return from_csv(done.stdout)


WAYS = [by_copy, by_select, by_cursor, by_past, by_query, by_http]


def answer(way: Callable[[Server, str], list[Row]], server: Server, user: str) -> list[Row] | None:
    try:
        return way(server, user)
    except (psycopg.errors.UndefinedTable, LookupError) as refusal:
        assert "no table" in str(refusal)
        return None


def put(server: Server, rules: list[Rule]) -> None:
    server.project.write("zones/shop/access.yml", "rules:\n" + "".join(rule.text() for rule in rules) if rules else "rules: []\n")
    server.project.lode("apply")


def is_less(less: list[Row] | None, more: list[Row] | None) -> bool:
    """Each row and each value that the one shows as it is, the other shows."""
    rows = {row["id"]: row for row in more or []}
    raw = {row["id"]: row for row in ROWS}
    return all(row["id"] in rows and all(rows[row["id"]].get(column) == value for column, value in row.items() if value == raw[row["id"]][column] != "")
               for row in less or [])


@counts("LODE_POLICIES", few=6, many=400, seconds=3600)
def test_rules_give_what_their_page_says_on_every_way(server: Server, count: int) -> None:
    dice = random.Random(count)
    shown = 0
    for turn in range(count):
        rules = [Rule(dice) for _ in range(dice.choice([1, 2, 3, 5]))]
        put(server, rules)
        ways = WAYS if turn % 5 == 0 else [dice.choice(WAYS)]
        for user in USERS:
            wanted = expected(rules, user)
            shown += bool(wanted)
            for way in ways:
                got = answer(way, server, user)
                assert got == wanted, f"{user} {way.__name__}\n{''.join(rule.text() for rule in rules)}\n{got}\n{wanted}"
        if turn % 2:
            continue
        before = {user: answer(by_copy, server, user) for user in USERS}
        put(server, rules + [Rule(dice)])
        after = {user: answer(by_copy, server, user) for user in USERS}
        assert all(is_less(before[user], after[user]) for user in USERS), "".join(rule.text() for rule in rules)
        put(server, rules[1:])
        assert all(is_less(answer(by_copy, server, user), before[user]) for user in USERS), "".join(rule.text() for rule in rules)
    assert shown > count, "most saw nothing, which proves little"
