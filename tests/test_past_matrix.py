# SPDX-License-Identifier: Apache-2.0
"""Columns that were renamed, dropped, made anew or made otherwise, tables that were moved or taken away: nothing of what the rules of
now withhold comes back by an older commit, a branch that was left behind, or both. Table by table, way by way."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from conftest import Project, make_project
from server import Server, Wire, add_user, query, serving

SECRETS = [b"hidden-", b"raw-mail", b"paid-", b"old-note", b"gone-"]
STAGED = "id,region,kind,name,email,salary,note\n" + "".join(
    f"{i},{'EU' if i % 2 else 'US'},{'a' if i % 2 else 'b'},{'seen' if i % 2 else 'hidden'}-{i},raw-mail-{i},paid-{i},old-note-{i}\n" for i in range(1, 7))
RULE = "- who: [bo]\n  on: [canonical.{table}]\n  rows: {rows}\n  columns: {columns}\n"
MASK = "  mask:\n    {column}: 'null'\n"

# table: what it selects at first; later; the rules' columns and mask, at first and later. None: it is not there.
TABLES: dict[str, tuple[str | None, str | None, str | None]] = {
    "kept": ("id, region, name, email, salary", "id, region, name, email, salary", None),
    "renamed": ("id, region, name, email, salary", "id, region, name, email as mail, salary as pay", None),
    "swapped": ("id, region, name, email, salary", "id, region, name, salary as email, email as salary", None),
    "dropped": ("id, region, name, email, salary", "id, region, name", None),
    "remade": ("id, region, name, email, note", "id, region, name", "id, region, name, 'new' as email, 'new' as note"),
    "retyped": ("id, region, name, note", "id, region, name, length(note) as note", None),
    "refiltered": ("id, region, kind, name, email", "id, kind, name, email", None),
    "inner_dropped": ("id, region, name, {'n': name, 'note': note} as s, [{'in': {'note': note}}] as ls", "id, region, name, {'n': name} as s, [{'in': {'n': 1}}] as ls", None),
    "inner_remade": ("id, region, name, {'n': name, 'note': note} as s", "id, region, name, {'n': name} as s", "id, region, name, {'n': name, 'note': 'new'} as s"),
    "inner_more": ("id, region, name, {'n': name} as s", "id, region, name, {'note': id, 'n': name} as s", None),
    "taken_away": ("id, region, 'gone-' || name as name", None, None),
    "moved_from": ("id, region, 'gone-' || name as name", None, None),
    "moved_to": (None, "id, region, 'gone-' || name as name", None),
    "late": (None, "id, region, name", None),
}
# what bo may be shown of each, by the rules of the end; and the columns that he sees now and in the past
RULES = {
    "kept": ("region = 'EU'", "all except [salary]", "email"), "renamed": ("region = 'EU'", "all except [pay]", "mail"),
    "swapped": ("region = 'EU'", "all except [salary, email]", None), "dropped": ("region = 'EU'", "all", None),
    "remade": ("region = 'EU'", "all", None), "retyped": ("region = 'EU'", "all", None), "refiltered": ("kind = 'a'", "all", "email"),
    "late": ("region = 'EU'", "all", None), "inner_dropped": ("region = 'EU'", "all", None), "inner_remade": ("region = 'EU'", "all", None),
    "inner_more": ("region = 'EU'", "all", None),
}
NOW = {"kept": "id region name email", "renamed": "id region name mail", "swapped": "id region name", "dropped": "id region name",
       "remade": "id region name email note", "retyped": "id region name note", "refiltered": "id kind name email", "late": "id region name",
       "inner_dropped": "id region name s ls", "inner_remade": "id region name s", "inner_more": "id region name s"}
PAST = {"kept": "id region name email", "renamed": "id region name", "swapped": "id region name", "dropped": "id region name",
        "remade": "id region name", "retyped": "id region name", "refiltered": "id kind name email",
        "inner_dropped": "id region name", "inner_remade": "id region name", "inner_more": "id region name s"}


def write(project: Project, stage: int) -> None:
    rules = ""
    for table, texts in TABLES.items():
        text = texts[stage] if stage == 0 or texts[stage] or stage == 1 else texts[1]
        path = project.root / f"zones/shop/canonical/{table}.sql"
        if text:
            project.write(f"zones/shop/canonical/{table}.sql", f"select {text} from staging.people\n")
        else:
            path.unlink(missing_ok=True)
        if stage == 2 and table in RULES:
            rows, columns, mask = RULES[table]
            rules += RULE.format(table=table, rows=rows, columns=columns) + (MASK.format(column=mask) if mask else "")
    project.write("zones/shop/access.yml", f"rules:\n{rules}" if rules else "rules: []\n")
    project.lode("run")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    project = make_project(tmp_path_factory.mktemp("past"))
    project.write("zones/shop/zone.yml", "owner: oz\n")
    project.write("zones/shop/sources/people.yml", "from: ingress/people*.csv\nformat: csv\ncolumns:\n  id: int\n  region: text\n  kind: text\n  name: text\n"
                                                   "  email: text\n  salary: text\n  note: text\n")
    project.drop("shop", "people.csv", STAGED)
    write(project, 0)
    project.lode("branch", "old")
    commit = project.json("log")[0]["commit"]
    write(project, 1)
    write(project, 2)
    add_user(project, "bo")
    with serving(project) as running:
        object.__setattr__(running, "commit", commit)
        yield running


Way = Callable[[str, str], tuple[list[str], str]]
WAYS: dict[str, Way] = {
    "as of": lambda commit, sql: ([f"set lode.as_of = '{commit}'"], sql),
    "at version": lambda commit, sql: ([], sql.replace("{at}", f" at (version => '{commit}')")),
    "a branch": lambda commit, sql: (["set lode.branch = 'old'"], sql),
    "a commit of a branch": lambda commit, sql: (["set lode.branch = 'old'", f"set lode.as_of = '{commit}'"], sql),
    "at version, on a branch": lambda commit, sql: (["set lode.branch = 'old'"], sql.replace("{at}", f" at (version => '{commit}')")),
}


def ask(server: Server, before: list[str], sql: str) -> tuple[str, list[str], int]:
    """The columns that a star has, and how many rows; or the error's code. Whatever is said has nothing of what is withheld."""
    client = Wire(server.port, "bo", "lode")
    said = b""
    for words in [*before, sql.replace("{at}", "")]:
        client.send(*query(words))
        replies = client.until("Z")
        said += b"".join(body for _, body in replies)
    client.close()
    assert not [secret for secret in SECRETS if secret in said and secret not in sql.encode()], said
    columns: list[str] = []
    for kind, body in replies:
        if kind == "E":
            return Wire.words(body)["C"], [], 0
        if kind == "T":
            columns = [part.split(b"\0")[0].decode() for part in _fields(body)]
    return "", columns, sum(kind == "D" for kind, _ in replies)


def _fields(body: bytes) -> Iterator[bytes]:
    at = 2
    while at < len(body):
        end = body.index(b"\0", at)
        yield body[at:end]
        at = end + 1 + 18


@pytest.mark.parametrize("table", TABLES)
def test_now(server: Server, table: str) -> None:
    expected = ("", NOW[table].split(), 3) if table in NOW else ("42P01", [], 0)
    assert ask(server, [], f"select * from shop.canonical.{table}") == expected


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("table", TABLES)
def test_in_the_past(server: Server, table: str, way: str) -> None:
    before, sql = WAYS[way](server.commit, f"select * from shop.canonical.{table}{{at}}")
    expected = ("", PAST[table].split(), 3) if table in PAST else ("42P01", [], 0)
    assert ask(server, before, sql) == expected
    first = TABLES[table][0] or ""
    for column in ("email", "salary", "note", "name"):
        code, columns, rows = ask(server, before, sql.replace("*", column))
        seen = table in PAST and column in PAST[table].split()
        assert (code, rows) == (("", 3) if seen else ("42703" if table in PAST else "42P01", 0)), (column, first)


def test_columns_that_one_does_not_see_are_not_in_catalogues_of_the_past_either(server: Server) -> None:
    for before in ([f"set lode.as_of = '{server.commit}'"], ["set lode.branch = 'old'"], []):
        with psycopg.connect(server.dsn("bo"), autocommit=True) as connection:
            for words in before:
                connection.execute(words)
            found: dict[str, list[str]] = {}
            for table, column in connection.execute("select table_name, column_name from information_schema.columns where table_schema = 'shop.canonical' "
                                                    "order by table_name, ordinal_position").fetchall():
                found.setdefault(table, []).append(column)
            assert found == {table: columns.split() for table, columns in (PAST if before else NOW).items()}


def test_the_owner_sees_the_past_as_it_was(server: Server) -> None:
    said = str(server.project.query("select * from shop.canonical.renamed", "--at", server.commit)).encode()
    assert b"raw-mail" in said and b"paid-" in said and b"hidden-" in said
