# SPDX-License-Identifier: Apache-2.0
"""Surroundings that break: closed streams, full devices, few descriptors, lost catalogs."""

import os
import subprocess
from pathlib import Path

import pytest
from conftest import LODE, Project

SOURCE = "from: ingress/orders_*\ncolumns:\n  a: int\n  b: text\n"


def ready(project: Project) -> Project:
    """A project with one row staged."""
    project.lode("add", "shop")
    project.write("zones/shop/sources/orders.yml", SOURCE)
    project.drop("shop", "orders_1.csv", "a,b\n1,x\n")
    project.lode("run")
    return project


def shell(project: Project, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", command.replace("LODE", str(LODE))], cwd=project.root, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=240)


VERBS = ["query 'select 1'", "query 'select 1' -o csv", "query 'select 1' -o json", "show table", "show table -o json",
         "log", "run", "--help"]


@pytest.mark.parametrize("verb", VERBS)
def test_an_answer_that_does_not_arrive_is_no_success(project: Project, verb: str) -> None:
    ready(project)
    for where, said in ((">/dev/full", "No space left"), (">&-", "cannot write")):
        done = shell(project, f"LODE {verb} {where}")
        assert done.returncode == 3, f"{verb} {where}: {done.returncode} {done.stderr}"
        assert said in done.stderr
    assert project.query("select a, b from shop.staging.orders") == [{"a": 1, "b": "x"}]


def test_what_is_printed_never_goes_into_a_file_of_the_store(project: Project) -> None:
    ready(project)
    project.drop("shop", "orders_2.csv", "a,b\n2,y\n")
    done = shell(project, "LODE run <&- >&- 2>&-")
    assert done.returncode == 3
    for path in project.store.rglob("*"):
        if path.is_file():
            assert b"files seen" not in path.read_bytes(), path
    assert project.query("select sum(a) as s from shop.staging.orders") == [{"s": 3}]


def test_a_reader_that_has_seen_enough_hears_no_complaint(project: Project) -> None:
    done = shell(ready(project), "LODE query 'select * from range(1000000)' | head -1")
    assert (done.returncode, done.stderr) == (0, "")


def test_too_few_descriptors_stop_a_run_before_it_begins(project: Project) -> None:
    ready(project)
    project.drop("shop", "orders_2.csv", "a,b\n2,y\n")
    done = shell(project, "ulimit -n 20; LODE run")
    assert done.returncode == 3
    assert "ulimit -n" in done.stderr
    project.lode("run")
    assert project.query("select sum(a) as s from shop.staging.orders") == [{"s": 3}]


def test_a_store_that_lost_its_catalog_is_not_begun_anew(project: Project) -> None:
    catalog = ready(project).store / "catalog.sqlite"
    away = catalog.rename(project.root / "catalog.away")
    for verb in (["run"], ["apply"]):
        error = project.error(*verb)
        assert error["exit"] == 3
        assert "catalog.sqlite is gone" in error["message"]
        assert not catalog.exists()
    away.rename(catalog)
    assert project.query("select a from shop.staging.orders") == [{"a": 1}]


def test_an_emptied_catalog_is_damage_and_of_no_other_version(project: Project) -> None:
    (ready(project).store / "catalog.sqlite").write_bytes(b"")
    for verb in (["run"], ["query", "select 1 as a"], ["backup", project.root / "b"]):
        error = project.error(*verb)
        assert error["exit"] == 3 and error["code"] == "E601" and "there is nothing in it" in error["message"], error
    answer = project.lode("verify", check=False)
    assert answer.exit == 1 and "catalog.sqlite" in answer.stdout + answer.stderr


def test_a_damaged_data_file_is_the_stores_fault(project: Project) -> None:
    for path in ready(project).store.glob("tables/*/data/*.parquet"):
        path.write_bytes(os.urandom(path.stat().st_size))
    assert project.error("query", "select * from shop.staging.orders")["exit"] == 3


@pytest.mark.parametrize("sql", [
    "select count(*) from " + " cross join ".join(["(select 1)"] * 2000),
    "with a as (" * 2000 + "select 1" + ") select * from a" * 2000,
    "select * from " + "(select * from " * 3000 + "(values (1))" + ")" * 3000,
    "select " + "(" * 5000 + "1" + ")" * 5000,
    "select " + "+".join(["1"] * 5000),
])
def test_sql_nested_too_deeply_is_refused_in_its_own_words(project: Project, sql: str) -> None:
    ready(project)
    error = project.error("query", sql)
    assert error["exit"] == 2
    assert "nested too deeply" in error["message"]
    assert project.query("select 42 as a") == [{"a": 42}]


def test_a_file_with_too_many_columns_is_not_taken_for_one_column(project: Project, tmp_path: Path) -> None:
    wide = tmp_path / "wide.csv"
    names = [f"c{i}" for i in range(5000)]
    wide.write_text("\n".join([",".join(names)] + [",".join("1" for _ in names)] * 3) + "\n")
    answer = project.lode("add", "shop", wide, check=False)
    assert "5000 columns" in answer.stdout + answer.stderr
    assert not (project.root / "zones/shop/sources/wide.yml").exists()


def test_a_pipe_among_the_projects_text_is_an_error(project: Project) -> None:
    os.mkfifo(ready(project).root / "zones/shop/sources/pipe.yml")
    error = project.error("run")
    assert "not a file" in error["message"]
