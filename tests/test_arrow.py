# SPDX-License-Identifier: Apache-2.0
"""`lode query -o arrow`: an Arrow IPC stream, read by pyarrow, equal to the same answer as Parquet."""

import io
import subprocess

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import LODE, Project, make_project

STATEMENTS = [
    "select 1 as a",
    "select 1 as a where false",
    "select 1 as a, 2 as a, null as b",
    "select true as t, false as f, null::boolean as n union all select null, true, false order by t",
    "select 127::tinyint as a, 32000::smallint as b, 2147483647 as c, 9223372036854775807 as d, 1.5::float as e, 'nan'::double as f",
    "select 12.50::decimal(9,2) as a, -0.001::decimal(38,3) as b, 123456789012345678901234567890::decimal(38,0) as c, 1.5::decimal(4,1) as d",
    "select 'ä🚲' as a, '' as b, null::varchar as c, '\\x00ff'::blob as d, '6f1f2c6e-54c6-4b8e-93d4-4c1c4d6d4b0e'::uuid as e",
    "select date '2026-11-26' as a, date '1900-01-01' as b, time '23:59:59.999999' as c, timestamp '2026-11-26 18:00:00.123456' as d, "
    "timestamptz '2026-11-26 18:00:00+02' as e",
    "select [1, null, 3] as a, []::int[] as b, null::int[] as c, [['x'], null, []] as d",
    "select {'a': 1, 'b': {'c': 'x', 'd': [1.5::decimal(5,2)]}} as s, [{'k': 1}, null] as l, null::struct(a int) as n",
    "select map {'a': 1, 'b': null} as m, map {1: ['x', null]} as n, null::map(int, int) as o, [map {'k': {'z': 1}}, null] as l, {'i': map {'q': map {2: 'w'}}} as s, map([], [])::map(text, int) as e",
    "select case when i % 5 = 0 then null else map([i, i + 1], [repeat('v', (i % 9)::int), null]) end as m from range(5000) r(i) order by i",
    "select i, case when i % 3 = 0 then null else i * 2 end as j, repeat('x', (i % 50)::int) as t, i % 2 = 0 as even, "
    "[i, i + 1] as l, {'a': i, 'b': i::varchar} as s from range(30000) r(i) order by i",
    "select case when i < 4000 then null else i end as late from range(6000) r(i) order by i",
]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("arrow"))
    project.lode("run")
    return project


def answer(project: Project, sql: str, form: str) -> io.BytesIO:
    return io.BytesIO(subprocess.run([LODE, "query", sql, "-o", form], cwd=project.root, capture_output=True, check=True).stdout)


def arrow(project: Project, sql: str) -> pa.Table:
    return pa.ipc.open_stream(answer(project, sql, "arrow")).read_all()


@pytest.mark.parametrize("sql", STATEMENTS)
def test_the_answer_is_that_of_parquet(empty: Project, sql: str) -> None:
    ours = arrow(empty, sql)
    ours.validate(full=True)
    judge = pq.read_table(answer(empty, sql, "parquet"))
    assert ours.column_names == judge.column_names
    assert repr(ours.to_pylist()) == repr(judge.to_pylist()).replace("UUID('6f1f2c6e-54c6-4b8e-93d4-4c1c4d6d4b0e')", "'6f1f2c6e-54c6-4b8e-93d4-4c1c4d6d4b0e'")


def test_types_are_arrows_own(empty: Project) -> None:
    schema = arrow(empty, "select 1 as i, 1::bigint as l, 1.5::decimal(9,2) as d, date '2026-01-01' as day, timestamptz '2026-01-01' as at, "
                          "timestamp '2026-01-01' as t, 'x' as s, [1] as xs, {'a': true} as o, map {'k': 1} as m").schema
    assert [str(field.type) for field in schema] == [
        "int32", "int64", "decimal128(9, 2)", "date32[day]", "timestamp[us, tz=UTC]", "timestamp[us]", "string", "list<l: int32>", "struct<a: bool>", "map<string, int32>"]


def test_what_is_asked_wrongly_is_an_error_and_no_stream(empty: Project) -> None:
    for sql, code in (("select nothing", "E204"), ("select 1/0 as x, 'x'::int as y", "E206")):
        done = subprocess.run([LODE, "query", sql, "-o", "arrow"], cwd=empty.root, capture_output=True, check=False)
        assert (done.returncode, done.stdout) == (2, b"") and code in done.stderr.decode()
