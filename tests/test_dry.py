# SPDX-License-Identifier: Apache-2.0
"""`lode check` binds every model and check without data: what is wrong is said with its place, where no table exists yet."""

import time

import pytest
from conftest import Project

SOURCE = "from: ingress/orders_*.csv\ncolumns:\n  order_no: text required\n  day: date\n  amount: decimal(12,2)\n"
ORDER = "-- key: order_no\nselect order_no, day, amount\nfrom staging.orders\n"
SALES = "select day, sum(amount) as total\nfrom canonical.order\ngroup by day\n"


def write_shop(project: Project) -> None:
    project.write("zones/shop/zone.yml", "owner: ann\n")
    project.write("zones/shop/sources/orders.yml", SOURCE)
    project.write("zones/shop/canonical/order.sql", ORDER)
    project.write("zones/shop/canonical/seen.sql", "-- kind: view\nselect *, _file from canonical.order\n")
    project.write("zones/shop/analytical/sales.sql", SALES)


def problems(project: Project) -> list[tuple[str, str, int, int]]:
    answer = project.lode("check", "-o", "json", check=False)
    found = answer.json
    assert answer.exit == (2 if found["errors"] else 0)
    return [(error["code"], error["file"], error["line"], error["column"]) for error in found["errors"]]


@pytest.mark.parametrize(("file", "text", "code", "line", "column"), [
    ("canonical/order.sql", ORDER.replace("day, amount", "day, amont"), "E204", 2, 23),
    ("canonical/order.sql", "-- key: nr\n" + ORDER.split("\n", 1)[1], "E204", 1, 9),
    ("canonical/order.sql", "-- column amount: int\n" + ORDER, "E205", 1, 11),
    ("canonical/order.sql", ORDER.replace("day, amount", "day, amount, amount"), "E109", 2, 1),
    ("canonical/seen.sql", "-- kind: view\nselect nothing from canonical.order\n", "E204", 2, 8),
    ("analytical/sales.sql", SALES.replace("sum(amount)", "sum(day)"), "E207", 1, 13),
    ("analytical/sales.sql", SALES.replace("group by day", "where day > 3 group by day"), "E205", 3, 7),
    ("analytical/sales.sql", "-- check positive: totl >= 0, else warn\n" + SALES, "E204", 1, 20),
])
def test_what_does_not_bind_is_said_with_its_place(project: Project, file: str, text: str, code: str, line: int, column: int) -> None:
    write_shop(project)
    assert problems(project) == []
    project.write(f"zones/shop/{file}", text)
    assert problems(project) == [(code, f"zones/shop/{file}", line, column)], project.lode("check", check=False).stderr
    assert not project.store.exists(), "no data, no store"


def test_what_follows_from_a_fault_is_not_told_too_and_other_faults_are(project: Project) -> None:
    write_shop(project)
    project.write("zones/shop/canonical/order.sql", ORDER.replace("amount", "amont"))
    project.write("zones/shop/analytical/other.sql", "select dey from staging.orders\n")
    project.write("zones/shop/analytical/third.sql", "select lower(amount) from staging.orders\n")
    assert [(code, file) for code, file, *_ in problems(project)] == [
        ("E204", "zones/shop/analytical/other.sql"), ("E207", "zones/shop/analytical/third.sql"),
        ("E204", "zones/shop/canonical/order.sql")]
    text = project.lode("check", check=False).stderr
    assert "did you mean" in text and "^" in text


def test_columns_that_files_brought_are_known_once_they_came(project: Project) -> None:
    write_shop(project)
    project.write("zones/shop/analytical/extra.sql", "select colour from staging.orders\n")
    assert [problem[0] for problem in problems(project)] == ["E204"]
    project.write("zones/shop/analytical/extra.sql", "select 1 as x\n")
    project.drop("shop", "orders_1.csv", "order_no,day,amount,colour\nA-1,2026-01-02,1.50,red\n")
    project.lode("run")
    project.write("zones/shop/analytical/extra.sql", "select colour from staging.orders\n")
    assert problems(project) == []
    project.lode("run")


def test_two_hundred_models_are_checked_in_a_moment(project: Project) -> None:
    write_shop(project)
    for number in range(200):
        below = f"analytical.m{number - 1}" if number else "canonical.order"
        project.write(f"zones/shop/analytical/m{number}.sql", f"-- check ok: amount > 0, else warn\nselect order_no, amount + {number} as amount from {below}\n")
    start = time.monotonic()
    assert "203 models" in project.lode("check").stdout
    assert time.monotonic() - start < 20  # measured: 0.8 s on two idle cores; the rest is for busy ones
