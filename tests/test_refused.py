# SPDX-License-Identifier: Apache-2.0
"""SQL that would reach past the tables it may see: refused, with a clear error, and nothing of the file in it."""

import pytest
from conftest import Project, make_project

REFUSED = [
    "select * from read_csv('/etc/passwd')",
    "select * from read_csv_auto('/etc/passwd')",
    "select * from read_text('/etc/passwd')",
    "select * from read_blob('/etc/passwd')",
    "select * from read_parquet('/etc/passwd')",
    "select * from read_json('/etc/passwd')",
    "select * from parquet_metadata('/etc/passwd')",
    "select * from sniff_csv('/etc/passwd')",
    "select * from glob('/etc/*')",
    "from '/etc/passwd'",
    "from '/x.parquet'",
    "select * from '/etc/passwd.csv'",
    'select * from "/etc/passwd"',
    "select (select count(*) from read_text('/etc/passwd'))",
    "with x as (select * from read_text('/etc/passwd')) select * from x",
    "select * from (values (1)) v(a) where exists (select 1 from read_text('/etc/passwd'))",
    "select * from lateral (select * from read_text('/etc/passwd'))",
    "copy (select 1) to '/tmp/lode-refused.csv'",
    "copy lines from '/etc/passwd'",
    "with x as (copy (select 1) to '/tmp/lode-refused.csv') select 1",
    "attach '/tmp/lode-refused.db'",
    "attach ':memory:' as other",
    "detach main",
    "use other",
    "install httpfs",
    "load httpfs",
    "pragma database_list",
    "pragma enable_profiling",
    "set threads = 64",
    "set global allowed_paths = ['/etc']",
    "reset lock_configuration",
    "call duckdb_settings()",
    "checkpoint",
    "export database '/tmp/lode-refused'",
    "import database '/tmp/lode-refused'",
    "vacuum",
    "create table t (a int)",
    "create macro f(x) as x",
    "create secret (type s3)",
    "insert into crm.staging.customers values (1)",
    "update crm.staging.customers set name = 'x'",
    "delete from crm.staging.customers",
    "drop table crm.staging.customers",
    "alter table crm.staging.customers add column x int",
    "select * from query_table('x')",
    "select * from query('select 1')",
    "select * from duckdb_settings()",
    "select * from duckdb_secrets()",
    "select * from duckdb_tables()",
    "select * from duckdb_functions()",
    "select * from pragma_version()",
    "select * from sqlite_master",
    "select getenv('HOME')",
    "select nextval('s')",
    "select write_log('x')",
    "select txid_current()",
    "select getvariable('x')",
    "select which_secret('/x', 's3')",
    "select file_exists('/etc/passwd')",
    "select 1; select 2",
    "explain analyze select 1",
    "prepare p as select 1",
    "execute p",
    "begin",
    "select $1",
]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("refused"))
    project.lode("add", "crm", project.write("in/customers.csv", "id,name\n1,Ann\n2,Bo\n"), "--name", "customers")
    project.lode("add", "crm", project.write("in/visits.csv", "Visit No,day\n1,2026-01-05\n2,2026-01-06\n"), "--name", "visits")
    project.lode("run")
    return project


@pytest.mark.parametrize("sql", REFUSED)
def test_refused(ground: Project, sql: str) -> None:
    answer = ground.lode("query", sql, "-o", "json", check=False)
    assert answer.exit == 2, f"exit {answer.exit}: {answer.stdout}{answer.stderr}"
    assert answer.stdout == ""
    error = answer.error
    assert error["code"] in ("E103", "E201", "E202", "E203", "E204", "E207", "E208"), error
    assert error["message"] and "root:" not in answer.stderr and "INTERNAL" not in answer.stderr


def test_what_is_allowed_is_answered(ground: Project) -> None:
    assert ground.query("select id, upper(name) as name from crm.staging.customers order by id") == \
        [{"id": 1, "name": "ANN"}, {"id": 2, "name": "BO"}]


@pytest.mark.parametrize(("sql", "hint"), [
    ("select * from customers", "crm.staging.customers"),
    ("select * from staging.customers", "crm.staging.customers"),
    ("select * from crm.customers", "crm.staging.customers"),
    ("select visit_no from crm.staging.visits", '"Visit No"'),
    ("select * from crm.staging.customers where name = \"Ann\"", "'Ann'"),
    ("select c.nme from crm.staging.customers c", "name"),
    ("select lenght(name) from crm.staging.customers", "length"),
    ("select nvl(name, '') from crm.staging.customers", "coalesce"),
    ("select getdate()", "now()"),
    ("select sum(name) from crm.staging.customers", "cast"),
    ("select name::int from crm.staging.customers", "try_cast"),
    ("select 5 % 0", "nullif"),
    ("select id from crm.staging.customers a, crm.staging.customers b", "alias"),
])
def test_a_beginners_mistake_comes_with_what_to_write(ground: Project, sql: str, hint: str) -> None:
    error = ground.error("query", sql)
    assert error["exit"] == 2 and hint in error["hint"], error
    assert "SET " not in error["message"] and "Candidate" not in error["message"], error


def test_a_name_near_a_right_one_is_guessed(ground: Project) -> None:
    error = ground.error("query", "select naame from crm.staging.customers")
    assert error["code"] == "E204" and error["exit"] == 2
    assert "name" in error["hint"]
    assert "customers" in ground.error("query", "select * from crm.staging.custmers")["hint"]
