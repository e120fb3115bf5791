# SPDX-License-Identifier: Apache-2.0
"""Rules, masks and central policies as people meet them: on the wire, by `query --as`, over time, and told by `why`."""

import hashlib
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from conftest import Project, make_project
from server import Server, add_user, serving

SOURCE = "from: ingress/orders*.csv\nformat: csv\ncolumns:\n  id: int\n  region: text\n  amount: decimal(9,2)\n  email: text\n"
ORDERS = "id,region,amount,email\n1,EU,1.50,ann@x.org\n2,US,12.25,bob@x.org\n3,EU,3.00,eve@x.org\n4,,4.00,\n"
ACCESS = """rules:
- who: [role analyst]
  on: [canonical.order]
  rows: region = principal.region
  columns: all except [amount]
  mask:
    email: partial 1
- who: [cy]
  on: [canonical.order]
  mask:
    amount: bucket 10
- who: [role field]
  on: [canonical.order]
  rows: region in (select region from staging.field where login = principal.name)
"""
TESTS = """tests:
- who: bo
  on: canonical.order
  key: id
  sees: [1, 3]
  hides: [2, 4]
- who: role analyst
  on: canonical.order
  key: id
  hides: [1, 2, 3, 4]
- who: oz
  on: canonical.order
  key: id
  sees: [1, 2, 3, 4]
"""


def shop(folder: Path) -> Project:
    project = make_project(folder)
    project.write("zones/shop/zone.yml", "owner: oz\n")
    project.write("zones/shop/sources/orders.yml", SOURCE)
    project.write("zones/shop/sources/field.yml", "from: ingress/field*.csv\nformat: csv\nload: replace\ncolumns:\n  login: text\n  region: text\n")
    project.write("zones/shop/canonical/order.sql", "-- column email: tag pii\nselect id, region, amount, email from staging.orders\n")
    project.write("zones/shop/canonical/seen.sql", "-- kind: view\nselect id, email from canonical.order\n")
    project.write("zones/shop/analytical/copy.sql", "select id, email from canonical.seen\n")
    project.write("zones/shop/access.yml", ACCESS)
    project.write("policies.yml", "- tag: pii\n  who: [oz, nobody]\n  mask: hash\n")
    project.drop("shop", "orders_1.csv", ORDERS)
    project.drop("shop", "field_1.csv", "login,region\nfi,US\n")
    project.lode("run")
    for role in ("analyst", "field"):
        project.lode("role", "add", role)
    add_user(project, "bo", "--role", "analyst", "--attr", "region=EU")
    add_user(project, "fi", "--role", "field")
    for name in ("oz", "cy", "nobody"):
        add_user(project, name)
    return project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return shop(tmp_path_factory.mktemp("access"))


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Server]:
    with serving(project) as running:
        yield running


ANSWERS = {
    "bo": "id,region,email\n1,EU,a***\n3,EU,e***\n",
    "cy": "id,region,amount,email\n1,EU,0.00,ann@x.org\n2,US,10.00,bob@x.org\n3,EU,0.00,eve@x.org\n4,,0.00,\n",
    "fi": "id,region,amount,email\n2,US,12.25,bob@x.org\n",
}


@pytest.mark.parametrize("user", ANSWERS)
def test_a_rule_gives_rows_columns_and_masks(project: Project, server: Server, user: str) -> None:
    sql = "select * from shop.canonical.order order by id"
    assert project.csv(sql, "--as", user) == ANSWERS[user]
    with psycopg.connect(server.dsn(user), autocommit=True) as connection, connection.cursor() as cursor:
        with cursor.copy(f"copy ({sql}) to stdout with csv header") as copy:
            assert b"".join(bytes(block) for block in copy).decode() == ANSWERS[user]
        assert server.ask(user, sql, "text/csv").body.decode().replace("\r\n", "\n") == ANSWERS[user]
        columns = cursor.execute("select column_name from information_schema.columns where table_name = 'order' order by ordinal_position").fetchall()
        assert ",".join(name for name, in columns) == ANSWERS[user].split("\n")[0]


def test_a_central_policy_binds_the_owner(project: Project) -> None:
    rows = project.query("select id, email from shop.canonical.order order by id", "--as", "oz")
    assert [len(row["email"] or "") for row in rows] == [64, 64, 64, 0]
    assert rows[0]["email"] != hashlib.sha256(b"ann@x.org").hexdigest()
    for table in ("canonical.seen", "analytical.copy"):  # which hand the column on under its name, and with it its tag
        assert project.query(f"select id, email from shop.{table} order by id", "--as", "oz") == rows
    assert project.query("select email from shop.canonical.order where id = 1 union select email from shop.canonical.order where id = 1", "--as", "oz") == [
        {"email": rows[0]["email"]}]


@pytest.mark.parametrize("user, sql", [("nobody", "select * from shop.canonical.order"), ("bo", "select * from shop.staging.orders"),
                                       ("bo", "select * from shop.canonical.seen"), ("fi", "select * from shop.staging.field"),
                                       ("bo", "select * from shop.quarantine.orders")])
def test_what_is_not_granted_is_not_there(project: Project, user: str, sql: str) -> None:
    error, other = project.error("query", sql, "--as", user), project.error("query", sql + "_not", "--as", user)
    assert error["code"] == "E203" and error["message"].replace("_not", "") == other["message"].replace("_not", "")


def test_why_and_show_access_name_the_lines(project: Project) -> None:
    why = project.json("why", "bo", "shop.canonical.order")
    assert why == {"principal": "bo", "object": "shop.canonical.order", "granted": True,
                   "rules": [{"file": "zones/shop/access.yml", "line": 2, "grants": "read all columns except amount", "rows": "region = principal.region",
                              "mask": "email: partial 1"}]}
    assert project.json("why", "nobody", "shop.canonical.order")["granted"] is False
    owner = project.json("why", "oz", "shop.canonical.order")["rules"]
    assert [(rule["file"], rule["line"]) for rule in owner] == [("zones/shop/zone.yml", 1), ("policies.yml", 1)]
    row = project.json("why", "bo", "shop.canonical.order", "id < 3")
    assert (row["matching"], row["seen"]) == (2, 1)
    assert [each["principal"] for each in project.json("show", "access", "shop.canonical.order")] == ["bo", "cy", "fi", "oz"]
    bo = project.json("show", "principal", "bo")
    assert bo["user"] == "bo" and {"object": "shop.canonical.order", "granted": True, "whole": False} in bo["access"]
    assert [each["user"] for each in project.json("show", "principal")] == [each["user"] for each in project.json("user")]
    assert "lode show principal" in project.lode("show", "principal", "whoever", check=False).stderr
    assert "zones/shop/access.yml:2  read all columns except amount; rows: region = principal.region" in project.lode("why", "bo", "shop.canonical.order").stdout
    assert project.error("why", "bo", "shop.canonical.none")["code"] == "E203"


@pytest.mark.parametrize(("who", "table", "told"), [
    ("cy", "canonical.order", "cy sees part of shop.canonical.order\n  zones/shop/access.yml:8  read; mask: amount: bucket 10\n"),
    ("oz", "canonical.order", "oz sees part of shop.canonical.order\n  zones/shop/zone.yml:1  all, as owner\n  policies.yml:1  less, for the tag pii of email; mask: hash\n"),
    ("oz", "staging.orders", "oz sees shop.staging.orders\n  zones/shop/zone.yml:1  all, as owner\n"),
    ("cy", "staging.orders", "cy does not see shop.staging.orders\n  no rule names this user and this table\n"),
    ("nobody", "canonical.order", "nobody does not see shop.canonical.order\n  policies.yml:1  less, for the tag pii of email; mask: hash\n"
                                  "  no rule names this user and this table\n"),
])
def test_why_says_whether_all_part_or_nothing_is_seen(project: Project, who: str, table: str, told: str) -> None:
    assert project.lode("why", who, f"shop.{table}").stdout == told


def test_why_says_the_same_with_and_without_the_attribute(project: Project) -> None:
    project.write("zones/shop/canonical/bare.sql", "select id from staging.orders\n")
    project.write("zones/shop/access.yml", ACCESS.replace("[canonical.order]\n  rows: region = p", "[canonical.order, canonical.bare]\n  rows: region = p").replace(
        "  columns: all except [amount]\n  mask:\n    email: partial 1\n", ""))
    project.lode("run")
    add_user(project, "bare", "--role", "analyst")
    told = [project.lode("why", who, "shop.canonical.bare").stdout.partition("\n")[2] for who in ("bo", "bare")]
    assert told[0] == told[1] and "withheld: a rule of access.yml names 'region', which is not there" in told[0]
    assert "bo sees part of shop.canonical.order\n" in project.lode("why", "bo", "shop.canonical.order").stdout
    (project.root / "zones/shop/canonical/bare.sql").unlink()
    project.write("zones/shop/access.yml", ACCESS)
    project.lode("run")


def test_the_audit_log_has_the_version_of_the_policy(project: Project) -> None:
    def last() -> dict[str, object]:
        lines = [json.loads(line) for path in (project.store / "audit").iterdir() for line in path.read_text().splitlines()]
        return max((line for line in lines if str(line.get("action", "")).startswith("query")), key=lambda line: str(line["time"]))

    project.csv("select id from shop.canonical.order", "--as", "bo")
    first = last()
    assert first["action"] == "query as bo" and first["policy"]
    project.csv("select id from shop.canonical.order", "--as", "cy")
    assert last()["policy"] not in ("", first["policy"])
    project.csv("select id from shop.canonical.order")
    assert (last()["action"], last().get("policy") or "") == ("query", "")


def test_what_is_revoked_ends_open_cursors_too(tmp_path: Path) -> None:
    project = shop(tmp_path)
    with serving(project) as server, psycopg.connect(server.dsn("bo"), autocommit=True) as connection:
        connection.execute("begin")
        connection.execute("declare c cursor for select id from shop.canonical.order")
        assert len(connection.execute("fetch 1 from c").fetchall()) == 1
        project.write("zones/shop/access.yml", ACCESS.replace("rows: region = principal.region", "rows: region = 'US'"))
        project.lode("apply")
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("fetch 1 from c")
        connection.execute("rollback")
        assert connection.execute("select id from shop.canonical.order").fetchall() == [(2,)]
        project.write("zones/shop/access.yml", ACCESS.replace("region = principal.region", "nothing = 1"))
        assert project.lode("apply", check=False).exit == 1, "a rule that fits no table"
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("select id from shop.canonical.order")


def test_a_column_that_was_dropped_is_not_uncovered_by_the_past(tmp_path: Path) -> None:
    project = shop(tmp_path)
    past = project.json("log")[0]["commit"]
    for model in ("canonical/seen.sql", "analytical/copy.sql"):
        (project.root / "zones/shop" / model).unlink()
    project.write("zones/shop/canonical/order.sql", "select id, region, amount from staging.orders\n")
    project.write("zones/shop/access.yml", "rules:\n- who: [cy]\n  on: [canonical.order]\n")
    project.lode("run")
    sql = "select * from shop.canonical.order where id = 1"
    assert project.csv(sql, "--as", "cy") == project.csv(sql, "--as", "cy", "--at", past) == "id,region,amount\n1,EU,1.50\n"
    assert project.csv(sql, "--at", past) == "id,region,amount,email\n1,EU,1.50,ann@x.org\n"
    assert project.csv(f"select * from shop.canonical.order at (version => '{past}') where id = 1", "--as", "cy") == "id,region,amount\n1,EU,1.50\n"
    project.write("zones/shop/canonical/order.sql", "select id, region, amount, 'new' as email from staging.orders\n")
    project.lode("run")
    assert project.csv(sql, "--as", "cy") == "id,region,amount,email\n1,EU,1.50,new\n"
    assert project.csv(sql, "--as", "cy", "--at", past) == "id,region,amount\n1,EU,1.50\n"


def test_access_tests_are_asked_by_check_and_run(tmp_path: Path) -> None:
    project = shop(tmp_path)
    project.write("zones/shop/access.test.yml", TESTS)
    assert project.lode("check", "--data").exit == 0
    assert project.lode("run").exit == 0
    project.write("zones/shop/access.test.yml", TESTS.replace("hides: [2, 4]", "hides: [3, 4]"))
    checked = project.lode("check", "--data", "-o", "json", check=False)
    assert checked.exit == 1
    assert [(error["file"], error["line"], error["message"]) for error in checked.json["errors"]] == [
        ("zones/shop/access.test.yml", 2, "bo sees '3' of shop.canonical.order")]
    ran = project.lode("run", "-o", "json", check=False)
    assert ran.exit == 1 and ran.json["errors"][-1]["message"] == "bo sees '3' of shop.canonical.order"
    project.write("zones/shop/access.test.yml", TESTS)
    project.write("zones/shop/access.yml", ACCESS.replace("rows: region = principal.region\n  ", ""))
    messages = [error["message"] for error in project.lode("check", "--data", "-o", "json", check=False).json["errors"]]
    assert "bo sees '2' of shop.canonical.order" in messages and "role analyst sees '1' of shop.canonical.order" in messages


def test_conditions_are_not_computed_on_rows_that_a_view_leaves_out(tmp_path: Path) -> None:
    """The reader has the view and not what it reads; a division by zero would tell that a row is there."""
    project = shop(tmp_path)
    project.drop("shop", "orders_2.csv", "id,region,amount,email\n" + "".join(f"{n},R{n % 40},{n}.00,\n" for n in range(100, 150)))
    for name, rest in {"joined": "join staging.field f on f.region = o.region", "filtered": "where o.region is not null",
                       "semi": "where o.region in (select r.region from staging.orders r group by r.region having count(*) > 1)"}.items():
        project.write(f"zones/shop/analytical/{name}.sql", f"-- kind: view\nselect o.id, o.amount from staging.orders o {rest}\n")
    project.write("zones/shop/access.yml", "rules:\n- who: [nobody]\n  on: [analytical.joined, analytical.filtered, analytical.semi]\n")
    project.lode("run")
    for view, hidden in {"joined": (1, 130), "filtered": (4,), "semi": (2, 111, 139)}.items():
        seen = {int(row["id"]) for row in project.query(f"select id from shop.analytical.{view}", "--as", "nobody")}
        assert seen and not seen & set(hidden)
        for number in hidden:
            for trap in (f"1 % (case when id = {number} then 0 else 1 end) = 0", f"(case when id = {number} then 'x' else '1' end)::int = 1"):
                counted = project.query(f"select count(*) as n from shop.analytical.{view} where {trap}", "--as", "nobody")
                assert counted == [{"n": len(seen)}], (view, trap)


def test_what_is_left_unread_does_not_tell_of_hidden_rows(tmp_path: Path) -> None:
    """amount is 12.25 at most, in a row that bo does not see; whatever he compares it with, as much is read."""
    project = shop(tmp_path)
    project.write("zones/shop/access.yml", "rules:\n- who: [bo]\n  on: [canonical.order]\n  rows: region = principal.region\n")
    project.lode("apply")

    def read(url: str) -> int:
        with urllib.request.urlopen(url) as answer:
            lines = [line for line in answer.read().decode().splitlines() if line.startswith("lode_scanned_bytes_total")]
        return int(float(lines[0].split()[1]))

    with serving(project) as server:
        metrics, costs = f"http://127.0.0.1:{server.http}/metrics", []
        with psycopg.connect(server.dsn("bo"), autocommit=True) as connection:
            for bound in (1, 3.5, 12, 13, 10000):
                before = read(metrics)
                connection.execute(f"select count(*) from shop.canonical.order where amount > {bound}")
                costs.append(read(metrics) - before)
        assert costs[0] > 0 and len(set(costs)) == 1, costs
