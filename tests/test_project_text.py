# SPDX-License-Identifier: Apache-2.0
"""A project's text, wrong in one place: exit 2, the place, a guess, and nothing touched."""

import pytest

from conftest import Project

SOURCE = "from: ingress/orders_*.csv\ncolumns:\n  order_no: text required\n  amount: decimal(12,2)\n"
MODEL = "-- about: one row per order\nselect order_no, amount\nfrom staging.orders\n"


def write_shop(project: Project) -> None:
    project.write("zones/shop/zone.yml", "owner: ann\n")
    project.write("zones/shop/sources/orders.yml", SOURCE)
    project.write("zones/shop/canonical/order.sql", MODEL)
    project.drop("shop", "orders_1.csv", "order_no,amount\nA-1,1.50\nA-2,2.25\n")


@pytest.mark.parametrize(("file", "text", "code", "line", "hint"), [
    ("zones/shop/sources/orders.yml", SOURCE + "delimeter: \";\"\n", "E104", 5, "delimiter"),
    ("zones/shop/sources/orders.yml", SOURCE + "load: apend\n", "E105", 5, "append"),
    ("zones/shop/sources/orders.yml", SOURCE + "load: merge\n", "E105", 5, "key: order_no"),
    ("zones/shop/sources/orders.yml", SOURCE + "from: x.csv\n", "E106", 5, "line 1"),
    ("zones/shop/sources/orders.yml", SOURCE.replace("decimal(12,2)", "decimal(12,2"), "E105", 4, ""),
    ("zones/shop/sources/orders.yml", SOURCE.replace("text", "txt"), "E105", 3, "text"),
    ("zones/shop/sources/orders.yml", SOURCE.replace("text", "varchar(20)"), "E105", 3, "text"),
    ("zones/shop/sources/orders.yml", SOURCE.replace("decimal(12,2)", "numeric"), "E105", 4, "decimal"),
    ("zones/shop/sources/orders.yml", SOURCE + "dates: dd.mm.yyyy\n", "E105", 5, "MM"),
    ("zones/shop/sources/orders.yml", SOURCE + " due: date\n", "E103", 5, "same column"),
    ("zones/shop/sources/orders.yml", SOURCE.replace("  amount", "   amount"), "E103", 4, "same column"),
    ("zones/shop/sources/orders.yml", SOURCE.replace("decimal(12,2)", "text tag: a"), "E103", 4, "quote"),
    ("zones/shop/sources/orders.yml", SOURCE.replace("required", "was tag pii"), "E105", 3, "was NAME tag pii"),
    ("zones/shop/sources/orders.yml", "from: x\nformat: fixed\ncolumns:\n  a: text at 9-22\n  b: text at 21-26\n", "E105", 5, "beside each other"),
    ("zones/shop/sources/orders.yml", SOURCE + "decimal: ,\n", "E103", 5, "quote"),
    ("zones/shop/sources/orders.yml", SOURCE + "nulls: it's\" # none\n", "E103", 5, "quotes"),
    ("zones/shop/zone.yml", "ownr: ann\n", "E104", 1, "owner"),
    ("zones/shop/zone.yml", "owner: ann\nretain:\n  staging: 6m\n", "E105", 3, ""),
    ("zones/shop/zone.yml", "owner: ann\nretain:\n  staging: 6M\n", "E105", 3, ""),
    ("zones/shop/canonical/order.sql", "select\n", "E201", 1, ""),
    ("zones/shop/access.yml", "rules:\n- who: [role a]\n  on: [gold.*]\n", "E105", 3, "stage"),
    ("zones/shop/canonical/order.sql", "-- knd: view\n" + MODEL, "E104", 1, "kind"),
    ("zones/shop/canonical/order.sql", "-- Kind: view\n" + MODEL, "E104", 1, "kind"),
    ("zones/shop/canonical/order.sql", MODEL.replace("staging.orders", "staging.order"), "E203", 3, "staging.orders"),
    ("zones/shop/canonical/order.sql", MODEL.replace("select order_no", "selct order_no"), "E201", 2, ""),
    ("zones/shop/canonical/order.sql", MODEL.replace("staging.orders", "staging.orders\0where false"), "E201", 3, ""),
    ("zones/shop/canonical/order.sql", "select * from read_csv('/etc/passwd')\n", "E202", 1, ""),
    ("zones/shop/canonical/order.sql", "select * from canonical.order\n", "E110", 1, ""),
    ("policies.yml", "- tag: pii\n", "E105", 1, "who"),
    ("lode.yml", "projekt: x\n", "E104", 1, "project"),
])
def test_what_is_wrong_is_said_with_its_place(project: Project, file: str, text: str, code: str, line: int, hint: str) -> None:
    write_shop(project)
    project.write(file, text)
    error = project.error("run")
    assert (error["exit"], error["code"], error["file"], error["line"]) == (2, code, file, line), error
    assert hint in (error["hint"] or ""), error
    assert error["column"] >= 1
    assert (project.root / "ingress/shop/orders_1.csv").exists(), "nothing may be touched"


@pytest.mark.parametrize(("file", "hint"), [
    ("zones/shop/orders.sql", "canonical/"),
    ("zones/shop/orders2.yml", "sources/"),
    ("zones/shop/cannonical/x.sql", "canonical"),
    ("zones/shop/silver/x.sql", "canonical"),
    ("zones/shop/sources/x.yaml", "x.yml"),
    ("zones/shop/canonical/x.SQL", "small letters"),
    ("zones/shop/canonical/My-Model.sql", "my_model"),
])
def test_text_that_nobody_reads_is_said_with_where_it_belongs(project: Project, file: str, hint: str) -> None:
    write_shop(project)
    project.write(file, "select 1 as a\n")
    error = project.error("run")
    assert error["exit"] == 2 and error["code"] in ("E104", "E105") and error["file"], error
    assert hint in error["hint"], error


@pytest.mark.parametrize(("text", "place", "hint"), [
    ("-- about: orders\n-- key: amount, orderno\n", (2, 17), "did you mean `order_no`?"),
    ("-- column orderno: text\n", (1, 11), "did you mean `order_no`?"),
    ("-- column order_no: text -> staging.ordrs.order_no\n", (1, 29), "did you mean shop.staging.orders?"),
    ("-- column order_no: text -> staging.orders.orderno\n", (1, 29), "did you mean `order_no`?"),
])
def test_lines_above_the_sql_are_wrong_at_their_word(project: Project, text: str, place: tuple[int, int], hint: str) -> None:
    write_shop(project)
    project.write("zones/shop/canonical/order.sql", text + "select order_no, amount\nfrom staging.orders\n")
    error = project.json("check", check=False)["errors"][0]
    assert (error["line"], error["column"]) == place and hint in error["hint"], error


def test_a_column_inside_of_another_is_none_that_overlaps(project: Project) -> None:
    project.write("zones/shop/sources/days.yml", "from: x\nformat: fixed\ncolumns:\n  day: text at 1-8\n  year: int at 1-4\n  was: text at 9-10 was tag required\n")
    assert project.json("check")["errors"] == []


def test_the_text_error_shows_the_line_and_a_caret(project: Project) -> None:
    write_shop(project)
    project.write("zones/shop/sources/orders.yml", SOURCE + "delimeter: \";\"\n")
    answer = project.lode("run", check=False)
    assert answer.exit == 2
    assert "error[E104] zones/shop/sources/orders.yml:5:1" in answer.stderr
    lines = answer.stderr.splitlines()
    shown = next(i for i, line in enumerate(lines) if 'delimeter: ";"' in line)
    assert "^" in lines[shown + 1]


def test_what_is_right_runs(project: Project) -> None:
    write_shop(project)
    assert project.json("run")["state"] == "published"
    assert project.query("select order_no, amount from shop.canonical.order order by 1") == [
        {"order_no": "A-1", "amount": 1.50}, {"order_no": "A-2", "amount": 2.25}]


def test_words_about_a_thing_read_nothing_again(project: Project) -> None:
    write_shop(project)
    project.lode("run")
    project.write("zones/shop/sources/orders.yml", "about: orders as the shop sends them\n" + SOURCE)
    project.write("zones/shop/canonical/order.sql", MODEL.replace("one row", "exactly one row").replace("select", "SELECT\n "))
    report = project.json("run")
    assert [model["state"] for model in report["models"]] in ([], ["unchanged"])
    assert report["deliveries"] == []


def test_init_writes_over_nothing(project: Project) -> None:
    error = project.error("init", ".")
    assert (error["exit"], error["code"]) == (2, "E107")


def test_local_times_of_a_zone_become_instants(project: Project) -> None:
    project.write("zones/shop/sources/visits.yml", "from: ingress/v*.csv\ncolumns:\n  seen_at: timestamp Europe/Copenhagen\n")
    project.drop("shop", "v1.csv", "seen_at\n2026-07-01 12:00\n2026-01-01 12:00\n2026-03-29 02:30\n")
    project.lode("run")
    assert [row["seen_at"] for row in project.query("select seen_at from shop.staging.visits order by 1")] == [
        "2026-01-01T11:00:00+00:00", "2026-07-01T10:00:00+00:00"]
    assert [row["rule"] for row in project.json("show", "quarantine")] == ["no_such_time"]


@pytest.mark.parametrize(("head", "select", "code", "hint"), [
    ("-- key: ordr_no\n", MODEL, "E204", "order_no"),
    ("-- column amont: decimal(12,2)\n", MODEL, "E204", "amount"),
    ("-- column amount: int\n", MODEL, "E205", "cast"),
    ("", "select order_no, null as note from staging.orders", "E205", "CAST(note AS text)"),
    ("", "select order_no, amount as ORDER_NO from staging.orders", "E109", "as other_name"),
    ("", "select order_nr from staging.orders", "E204", "order_no"),
])
def test_a_model_that_cannot_be_built_says_what_to_change(project: Project, head: str, select: str, code: str, hint: str) -> None:
    write_shop(project)
    project.write("zones/shop/canonical/order.sql", head + select)
    report = project.json("run", check=False)
    error = report["errors"][0]
    assert (error["code"], error["file"]) == (code, "zones/shop/canonical/order.sql"), error
    assert hint in error["hint"] and error["message"].count("column '") <= 1, error
