# SPDX-License-Identifier: Apache-2.0
"""Real files through the whole program, each value compared with what Python's csv module reads."""

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import Project, make_project
from judge import csv_records, csv_rows, iceberg_table, same_value

OURAIRPORTS = ["airport-frequencies", "countries", "navaids", "regions", "runways"]
AIRPORTS = """\
from: {folder}/airports.dat
header: no
nulls: ["\\\\N"]
columns:
  airport_id: int required unique
  name: text
  city: text
  country: text
  iata: text
  icao: text
  latitude: double
  longitude: double
  altitude_ft: int
  utc_offset: double
  daylight: text
  tz: text
  kind: text
  origin: text
"""
ROUTES = """\
from: {folder}/routes.dat
header: no
nulls: ["\\\\N"]
columns:
  airline: text
  airline_id: int
  source: text
  source_id: int
  target: text
  target_id: int
  codeshare: text
  stops: int
  equipment: text
"""
MODELS = {
    "canonical/airport": "select airport_id, name, country, iata, latitude, longitude from staging.airports",
    "canonical/route": "select airline, source_id as from_id, target_id as to_id, stops from staging.routes "
                       "where source_id is not null and target_id is not null",
    "analytical/departures": "-- about: routes that leave a country\n"
                             "select a.country, count(*) as routes, count(distinct r.airline) as airlines\n"
                             "from canonical.route r join canonical.airport a on a.airport_id = r.from_id\n"
                             "group by a.country",
}


@pytest.fixture(scope="module")
def air_run(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Any]:
    """All of it, added and run once, and what the run said."""
    project = make_project(tmp_path_factory.mktemp("air"))
    for name in OURAIRPORTS:
        project.lode("add", "air", test_data / "ourairports" / f"{name}.csv", "--name", name.replace("-", "_"))
    folder = test_data.resolve() / "openflights"
    project.write("zones/air/sources/airports.yml", AIRPORTS.format(folder=folder))
    project.write("zones/air/sources/routes.yml", ROUTES.format(folder=folder))
    for name, sql in MODELS.items():
        project.write(f"zones/air/{name}.sql", sql + "\n")
    return project, project.json("run")


@pytest.fixture
def air(air_run: tuple[Project, Any]) -> Project:
    return air_run[0]


@pytest.fixture
def report(air_run: tuple[Project, Any]) -> Any:
    return air_run[1]


def test_every_file_is_staged_and_every_record_counted(report: Any) -> None:
    assert report["state"] == "published"
    assert report["files"] == {"seen": 7, "staged": 7, "duplicate": 0, "held": 0, "failed": 0, "unclaimed": 0}
    for delivery in report["deliveries"]:
        assert delivery["records"] == delivery["accepted"] + delivery["quarantined"] + delivery["skipped"]


@pytest.mark.parametrize("name", OURAIRPORTS)
def test_every_value_is_what_the_file_says(air: Project, test_data: Path, name: str) -> None:
    table = f"air.staging.{name.replace('-', '_')}"
    kinds = {column["name"]: column["type"] for column in air.json("show", table)["columns"]}
    rows = csv_rows(test_data / "ourairports" / f"{name}.csv")
    ours = air.table(table).sort_by("_row").to_pylist()
    assert len(ours) == len(rows)
    for theirs, mine in zip(rows, ours, strict=True):
        for column, text in theirs.items():
            assert same_value(text, mine[column], kinds[column]), (mine["_row"], column, text, mine[column])


def test_a_file_without_header_and_with_its_own_word_for_null(air: Project, report: Any, test_data: Path) -> None:
    """Its names hold backslashes before quotes, which is not RFC 4180: such a line is quarantined, never misread."""
    path = test_data / "openflights" / "airports.dat"
    delivery = next(d for d in report["deliveries"] if d["source"] == "airports")
    assert delivery["records"] == len(path.read_text(encoding="utf-8").splitlines())
    assert delivery["quarantined"] < delivery["records"] / 100

    ours = {row["airport_id"]: row for row in air.table("air.staging.airports").to_pylist()}
    assert len(ours) == delivery["accepted"]
    for record in csv_records(path):
        mine = ours.pop(int(record[0]), None)
        if mine is not None:
            assert [mine["name"], mine["city"] or "", mine["country"]] == record[1:4]
            assert mine["iata"] == (None if record[4] == "\\N" else record[4])
            assert mine["latitude"] == float(record[6])
    assert not ours


def test_counts_and_sums_by_sql(air: Project, test_data: Path) -> None:
    rows = csv_rows(test_data / "ourairports" / "runways.csv")
    lengths = [int(row["length_ft"]) for row in rows if row["length_ft"]]
    answer = air.query("select count(*) as n, count(length_ft) as lengths, sum(length_ft) as feet from air.staging.runways")
    assert answer == [{"n": len(rows), "lengths": len(lengths), "feet": sum(lengths)}]


def test_a_model_over_models_agrees_with_python(air: Project, test_data: Path) -> None:
    country = {row["airport_id"]: row["country"] for row in air.table("air.staging.airports").to_pylist()}
    with open(test_data / "openflights" / "routes.dat", encoding="utf-8", newline="") as file:
        routes = [r for r in csv.reader(file) if r[3] != "\\N" and r[5] != "\\N"]
    wanted = Counter(country[int(r[3])] for r in routes if int(r[3]) in country)
    got = {row["country"]: row["routes"] for row in air.query("select country, routes from air.analytical.departures")}
    assert got == dict(wanted)


def test_pyiceberg_reads_every_table_as_sql_does(air: Project) -> None:
    tables = air.json("show", "table")
    assert {"air.analytical.departures", "air.canonical.airport", "air.staging.runways"} <= \
        {f"{t['zone']}.{t['stage']}.{t['table']}" for t in tables}
    for entry in tables:
        name = f"{entry['zone']}.{entry['stage']}.{entry['table']}"
        shown = air.json("show", name)
        assert iceberg_table(shown["metadata_location"]).scan().to_arrow().num_rows == shown["rows"]
        assert air.query(f"select count(*) as n from {name}") == [{"n": shown["rows"]}]


def test_a_second_run_does_nothing(air: Project) -> None:
    again = air.json("run")
    assert again["state"] == "nothing"
    assert again["files"]["staged"] == 0
