# SPDX-License-Identifier: Apache-2.0
"""Branches: made, listed, read, run on, forgotten; every verb that takes one says so first."""

import pytest
from conftest import Project, make_project

ORDER = "select order_no, amount from staging.orders\n"


def make_shop(project: Project) -> Project:
    project.write("zones/shop/zone.yml", "owner: ann\n")
    project.write("zones/shop/sources/orders.yml", "from: ingress/orders_*.csv\ncolumns:\n  order_no: text\n  amount: int\n")
    project.write("zones/shop/canonical/order.sql", ORDER)
    project.drop("shop", "orders_1.csv", "order_no,amount\nA,1\n")
    project.lode("run")
    return project


@pytest.fixture
def shop(project: Project) -> Project:
    return make_shop(project)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """For tests that change nothing; it has a branch `try`."""
    project = make_shop(make_project(tmp_path_factory.mktemp("branches")))
    project.lode("branch", "try")
    return project


@pytest.mark.parametrize("arguments", [
    ["plan"], ["apply"], ["run"], ["query", "select 1 as x"], ["show", "table"], ["show", "shop.canonical.order"], ["show", "quarantine"], ["log"],
    ["trace", "shop.canonical.order", "--where", "amount = 1"]])
def test_the_first_line_names_the_branch_unless_it_is_main(kept: Project, arguments: list[str]) -> None:
    shop = kept
    assert shop.lode(*arguments, "--branch", "try").stderr.splitlines()[0] == "branch try"
    assert "branch" not in (shop.lode(*arguments, "--branch", "main").stderr.splitlines() or [""])[0]
    error = shop.error(*arguments, "--branch", "nonsense")
    assert error["exit"] == 2 and "nonsense" in error["message"]


def test_a_branch_begins_at_a_commit(shop: Project) -> None:
    first = shop.json("log")[0]["commit"]
    shop.drop("shop", "orders_2.csv", "order_no,amount\nB,2\n")
    shop.lode("run")
    shop.lode("branch", "then", "--at", first[:12])
    shop.lode("branch", "now")
    shop.lode("branch", "of_then", "--from", "then")
    for branch, rows in [("then", 1), ("now", 2), ("of_then", 1)]:
        assert shop.query("select count(*) as n from shop.canonical.order", "--branch", branch) == [{"n": rows}], branch
    heads = {branch["branch"]: branch["commit"] for branch in shop.json("branch")}
    assert set(heads) == {"main", "then", "now", "of_then"}
    assert heads["then"] == first == heads["of_then"] and heads["now"] == heads["main"]


def test_what_is_done_on_a_branch_stays_there(shop: Project) -> None:
    shop.lode("branch", "try")
    shop.write("zones/shop/canonical/order.sql", ORDER.replace("amount", "amount * 2 as amount"))
    shop.lode("run", "--branch", "try")
    assert shop.query("select amount from shop.canonical.order", "--branch", "try") == [{"amount": 2}]
    assert shop.query("select amount from shop.canonical.order") == [{"amount": 1}]
    assert [commit["branch"] for commit in shop.json("log", "--branch", "try")][0] == "try"
    assert all(commit["branch"] == "main" for commit in shop.json("log"))
    assert "forgotten" in shop.lode("branch", "try", "--remove").stderr
    assert [branch["branch"] for branch in shop.json("branch")] == ["main"]
    assert shop.error("query", "select 1", "--branch", "try")["exit"] == 2


def test_a_quarantine_is_that_of_the_branch_or_commit(shop: Project) -> None:
    def groups(*options: str) -> list[str]:
        return [line for line in shop.lode("show", "quarantine", *options).stdout.splitlines() if "must hold" not in line and "would fit" not in line]

    def rows(*options: str) -> list[tuple[str, str, str]]:
        return sorted((row["source"], row["rule"], row["state"]) for row in shop.json("show", "quarantine", *options))

    shop.drop("shop", "orders_2.csv", "order_no,amount\nB,2\nC,x\n")
    shop.lode("run")
    shop.lode("branch", "try")
    shop.write("zones/shop/canonical/order.sql", "-- check few: amount > 1, else quarantine\n" + ORDER)
    shop.lode("run", "--branch", "try")
    of_source, of_check = ("orders", "not_a_number", "open"), ("canonical.order", "few", "open")
    assert rows() == [of_source] and rows("--branch", "try") == [of_check, of_source]
    here = groups("--branch", "try")
    assert len(here) == 4 and "1 not_a_number in amount" in here[1] and here[2:] == ["shop.canonical.order", '  1 few (quarantine), as in orders_1.csv record 2: {"order_no":"A","amount":1}']
    assert groups() == here[:2]
    shop.drop("shop", "orders_3.csv", "order_no,amount\nD,y\nE,3\n")
    shop.write("zones/shop/canonical/order.sql", ORDER)
    shop.lode("run")
    assert rows() == [of_source, of_source] and rows("--branch", "try") == [of_check, of_source]
    assert groups("--branch", "try") == ["shop.orders", "  1 record, another quarantine than main's: --rows lists them", *here[2:]]
    assert rows("--branch", "try", "--history") == [of_check, of_source]
    first = shop.json("log")[-1]["commit"]
    assert rows("--at", first) == [] and groups("--at", first) == ["quarantine is empty"]


def test_a_source_that_a_branch_does_not_read_is_told(shop: Project) -> None:
    """It would be built on what is not what its text says; plan and run say so, each time."""
    shop.lode("branch", "try")
    assert "on main only" not in shop.lode("run", "--branch", "try").stderr
    shop.write("zones/shop/sources/orders.yml", "from: ingress/orders_*.csv\ncolumns:\n  order_no: text\n  amount: decimal(9,2)\n")
    shop.write("zones/shop/sources/more.yml", "from: ingress/more_*.csv\ncolumns:\n  a: int\n")
    for verb in ("plan", "run", "run"):
        said = shop.lode(verb, "--branch", "try").stderr
        assert said.count("on main only") == 2 and "zones/shop/sources/orders.yml:1" in said and "this branch has no table" in said, said
    assert shop.query("select typeof(amount) as t from shop.staging.orders limit 1", "--branch", "try") == [{"t": "INTEGER"}]
    assert "on main only" not in shop.lode("run").stderr


@pytest.mark.parametrize(("arguments", "code"), [
    (["main"], "E107"), (["main", "--remove"], "E208"), (["nonsense", "--remove"], "E108"), (["run/1"], "E105"), (["a b"], "E105"),
    (["-"], "E105"), ([""], "E105"), (["x/"], "E105"), (["../x"], "E105"), (["ä"], "E105"), (["a" * 101], "E105"),
    (["x", "--at", "ffffffff"], "E108"), (["x", "--from", "nonsense"], "E108")])
def test_what_cannot_be_a_branch(kept: Project, arguments: list[str], code: str) -> None:
    assert kept.error("branch", *arguments)["code"] == code
    assert [branch["branch"] for branch in kept.json("branch")] == ["main", "try"]
