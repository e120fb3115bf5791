# SPDX-License-Identifier: Apache-2.0
"""Columns called like words of the engine that are names to PostgreSQL: found without quotes wherever a name may stand."""

import duckdb
import postgres
import psycopg
import pytest
from conftest import Project, make_project

# Those of src/sql/plain_name.c.
WORDS = ["anti", "asof", "at", "by", "describe", "glob", "lambda", "pivot", "pivot_longer", "pivot_wider", "positional", "qualify", "semi", "show",
         "summarize", "unpack", "unpivot"]
PLACES = {
    "select": "select {w} from shop.staging.events order by {w} limit 1",
    "first of several": "select {w}, {w} + 1 as n from shop.staging.events order by 1 limit 1",
    "where": "select id as {w} from shop.staging.events where {w} > 9 and {w} < 11",
    "alias": "select 10 as {w}",
    "qualified": "select e.{w} from shop.staging.events e where e.{w} = 10",
    "group by": "select {w}, count(*) as n from shop.staging.events where {w} = 10 group by {w} order by {w} desc",
    "argument": "select max({w}) as {w} from shop.staging.events where id = 1",
    "in upper case": "select {W} from shop.staging.events where {W} in (10)",
    "partition": "select first_value({w}) over (partition by {w} order by {w}) as {w} from shop.staging.events where id = 1",
    "a query's": "with e as (select {w} from shop.staging.events) select {w} from e where {w} = 10",
    "using": "select {w} from shop.staging.events a join shop.staging.events b using ({w}) where a.id = 1",
}


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("words"))
    columns = "".join(f"  {word}: int\n" for word in WORDS)
    project.write("zones/shop/sources/events.yml", f"from: ingress/events*.csv\ncolumns:\n  id: int\n{columns}  taken: timestamp\n")
    rows = "".join(f"{i}," + ",".join([f"{i}0"] * len(WORDS)) + ",2026-01-01 12:00:00\n" for i in (1, 2))
    project.drop("shop", "events_1.csv", "id," + ",".join(WORDS) + ",taken\n" + rows)
    tests = "".join(f"-- check {word}_is_there: {word} is not null and {word} > 0, else stop\n" for word in WORDS)
    project.write("zones/shop/canonical/event.sql", f"-- key: id\n{tests}select id, {', '.join(WORDS)} from staging.events\n")
    project.lode("run")
    return project


def test_the_list_is_that_of_the_engine_and_of_postgresql() -> None:
    """A word more in another version of the engine is one that a company's column may have: it goes into src/sql/plain_name.c too."""
    categories: dict[str, set[str]] = {}
    for word, category in duckdb.sql("select keyword_name, keyword_category from duckdb_keywords()").fetchall():
        categories.setdefault(word, set()).add(category)
    no_names = {word for word, of in categories.items() if of <= {"reserved", "type_function"}}
    with postgres.running() as judge, psycopg.connect(f"host={judge.folder} user=lode dbname=postgres") as connection:
        no_names_there = {word for word, in connection.execute("select word from pg_get_keywords() where catcode in ('R', 'T')").fetchall()}
    assert sorted(no_names - no_names_there) == WORDS


@pytest.mark.parametrize("place", PLACES)
def test_a_word_of_the_engine_is_a_name_where_postgresql_has_one(events: Project, place: str) -> None:
    statements = [PLACES[place].format(w=word, W=word.upper()) for word in WORDS]
    together = " union all ".join(f"select '{word}' as word, x.{word}::int as v from ({statement}) x" for word, statement in zip(WORDS, statements, strict=True))
    if place == "where":
        together = together.replace("::int as v", "::int * 10 as v")
    assert events.query(f"select * from ({together}) t order by word") == [{"word": word, "v": 10} for word in WORDS]


def test_what_they_mean_to_the_engine_they_still_mean(events: Project) -> None:
    assert events.query("select at, taken at time zone 'UTC' = taken at time zone 'UTC' as same from shop.staging.events where by > 10 order by by") == [{"at": 20, "same": True}]
    assert events.query("select at from shop.staging.events semi join (select 1 as id) s using (id)") == [{"at": 10}]
    assert events.query("select show from shop.staging.events where 'abc' glob 'a*' and at = 20") == [{"show": 20}]
    assert events.query("select count(*) as n from shop.canonical.event where at = 10") == [{"n": 1}]
    wrong = events.lode("query", "select at, from shop.staging.events where", check=False)
    assert wrong.exit == 2 and "E201" in wrong.stderr
