# SPDX-License-Identifier: Apache-2.0
"""Real files of other people (OurAirports, OpenFlights) by `lode add` and `lode run`, with models on top. Python's csv
module is the judge of every value, count and sum."""

import csv
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import REAL_INPUT, REAL_MODELS, Project, RealInput
from judge import csv_records, parsed

# Positions in OpenFlights' files, which have no header.
AIRPORT, NAME, CITY, COUNTRY, IATA, ICAO = range(6)
FROM, FROM_ID, TO, TO_ID = 2, 3, 4, 5


def source_file(test_data: Path, zone: str, source: str) -> Path:
    return next(p for p in (test_data / zone).glob(REAL_INPUT[zone]) if p.stem.replace("-", "_") == source)


def data_records(test_data: Path, zone: str, source: str) -> list[list[str]]:
    records = list(csv_records(source_file(test_data, zone, source)))
    return records if zone == "openflights" else records[1:]


def told(text: str, kind: str, zone: str) -> Any:
    """What the field says. OpenFlights writes NULL as \\N; Python's csv cannot tell "" from nothing, so text that is
    empty stays empty here, and test_quoted_empty_text_is_not_null counts which is which."""
    if zone == "openflights" and text == "\\N":
        return "" if kind == "text" else None
    return parsed(text, kind)


def exact(project: Project, sql: str) -> list[dict[str, Any]]:
    return json.loads(project.lode("query", sql, "-o", "json").stdout, parse_float=Decimal)


def test_every_file_is_a_source_and_every_record_is_counted(real: RealInput, test_data: Path) -> None:
    project, sources, report = real.project, real.sources, real.report
    assert len(sources) == 10
    assert report["state"] == "published"
    assert report["files"] == {"seen": 10, "staged": 10, "duplicate": 0, "held": 0, "failed": 0, "unclaimed": 0}
    assert {model["state"] for model in report["models"]} == {"built"} and len(report["models"]) == len(list(REAL_MODELS.rglob("*.sql")))
    for delivery in report["deliveries"]:
        zone, source = delivery["zone"], delivery["source"]
        assert delivery["records"] == delivery["accepted"] + delivery["quarantined"] + delivery["skipped"], delivery
        path = source_file(test_data, zone, source)
        assert delivery["records"] == sum(1 for _ in csv_records(path))
        assert (delivery["quarantined"], delivery["skipped"]) == (0, 0 if zone == "openflights" else 1)
        assert delivery["bytes"] == path.stat().st_size
    assert [delivery | {"landed_at": None} for delivery in report["deliveries"]] == sorted(
        (d | {"landed_at": None} for d in project.json("show", "delivery")), key=lambda d: (d["zone"], d["source"]))
    assert project.json("show", "quarantine") == []


@pytest.mark.parametrize("zone, source", [
    ("ourairports", "airport_frequencies"), ("ourairports", "countries"), ("ourairports", "navaids"),
    ("ourairports", "regions"), ("ourairports", "runways"), ("openflights", "airlines"), ("openflights", "airports"),
    ("openflights", "countries"), ("openflights", "planes"), ("openflights", "routes")])
def test_every_staged_value_is_what_python_reads(real: RealInput, test_data: Path, zone: str, source: str) -> None:
    project, sources = real.project, real.sources
    records = data_records(test_data, zone, source)
    rows = exact(project, f"select * from {zone}.staging.{source} order by _row")
    assert len(rows) == len(records)
    columns = sources[zone, source]["columns"]
    if zone == "ourairports":
        assert [c["name"] for c in columns] == next(csv_records(source_file(test_data, zone, source)))
    for at, column in enumerate(columns):
        kind = column["type"]
        plain: Callable[[Any], Any] = {"text": lambda v: v or "", "double": lambda v: None if v is None else float(v)}.get(
            kind, lambda v: v)
        wanted = [told(record[at], kind, zone) for record in records]
        assert [plain(row[column["name"]]) for row in rows] == wanted, column


@pytest.mark.parametrize("zone, source, null", [("openflights", "airlines", r"\\N"), ("ourairports", "navaids", ""),
                                                ("openflights", "routes", r"\\N")])
def test_quoted_empty_text_is_not_null(real: RealInput, test_data: Path, zone: str, source: str, null: str) -> None:
    project, sources = real.project, real.sources
    text = source_file(test_data, zone, source).read_text("utf-8-sig")
    names = [column["name"] for column in sources[zone, source]["columns"] if column["type"] == "text"]
    empty = " + ".join(f"count(*) filter (where \"{name}\" = '')" for name in names)
    nulls = " + ".join(f'count(*) - count("{c["name"]}")' for c in sources[zone, source]["columns"])
    got = project.query(f"select {empty} as empty, {nulls} as nulls from {zone}.staging.{source}")[0]
    quoted = len(re.findall(r'(?m)(?:^|(?<=,))""(?=,|$)', text))
    bare = len(re.findall(rf"(?m)(?:^|(?<=,))(?:{null})?(?=,|$)", text.rstrip("\n")))
    assert (got["empty"], got["nulls"]) == (quoted, bare)


def test_codes_keep_their_zeros_and_names_their_letters(real: RealInput) -> None:
    project = real.project
    assert project.query("select local_code from ourairports.staging.regions where code = 'AD-02'") == [{"local_code": "02"}]
    assert project.query("select keywords from ourairports.staging.countries where code = 'AE'") == [
        {"keywords": "UAE,مطارات في الإمارات العربية المتحدة"}]


def test_canonical_airports_and_routes_are_what_python_joins(real: RealInput, test_data: Path) -> None:
    project = real.project
    airports = {record[AIRPORT]: record for record in data_records(test_data, "openflights", "airports")}
    rows = project.query("select * from openflights.canonical.airport")
    assert len(rows) == len(airports)
    for row in rows:
        record = airports[str(row["airport_id"])]
        assert [row[key] or "" for key in ("name", "city", "country", "iata", "icao")] == [
            "" if record[at] == "\\N" else record[at] for at in (NAME, CITY, COUNTRY, IATA, ICAO)]
    wanted = Counter()
    for route in data_records(test_data, "openflights", "routes"):
        ends = [airports.get(route[at]) for at in (FROM_ID, TO_ID)]
        wanted[(route[0], route[FROM], route[TO], *(int(end[AIRPORT]) if end else None for end in ends))] += 1
    names = ("airline", "from_code", "to_code", "from_airport", "to_airport")
    got = Counter(tuple(row[name] for name in names) for row in project.query("select * from openflights.canonical.route"))
    assert got == wanted


def test_an_analytical_table_counts_as_python_counts(real: RealInput, test_data: Path) -> None:
    project = real.project
    country = {r[AIRPORT]: r[COUNTRY] for r in data_records(test_data, "openflights", "airports")}
    wanted: dict[Any, list[Any]] = defaultdict(list)
    for route in data_records(test_data, "openflights", "routes"):
        wanted[country.get(route[FROM_ID])].append(country.get(route[TO_ID]))
    got = {row["country"]: (row["routes"], row["countries"], row["domestic"])
           for row in project.query("select * from openflights.analytical.routes_by_country")}
    assert got == {name: (len(to), len(set(to) - {None}), to.count(name) if name else 0) for name, to in wanted.items()}


def test_sums_over_runways_are_exact(real: RealInput, test_data: Path) -> None:
    project = real.project
    path = source_file(test_data, "ourairports", "runways")
    groups: dict[Any, list[dict[str, str]]] = defaultdict(list)
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            groups[row["surface"].upper() or None].append(row)
    got = {row.pop("surface"): row for row in exact(project, "select * from ourairports.analytical.runways_by_surface")}
    assert got.keys() == groups.keys()
    for surface, rows in groups.items():
        feet = [int(row["length_ft"]) for row in rows if row["length_ft"]]
        headings = [Decimal(row["le_heading_degT"]) for row in rows if row["le_heading_degT"]]
        assert got[surface] == {
            "runways": len(rows), "feet": sum(feet) if feet else None, "longest": max(feet, default=None),
            "headings": sum(headings) if headings else None,
            "lit": sum(row["lighted"] == "1" and row["closed"] != "1" for row in rows)}, surface


def test_a_canonical_row_leads_back_to_its_line(real: RealInput, test_data: Path) -> None:
    project = real.project
    back = project.json("trace", "ourairports.canonical.runway", "--where", "runway_id = 255155")
    text = source_file(test_data, "ourairports", "runways").read_bytes()
    assert len(back) == 1
    assert back[0]["raw"].encode() == text.split(b"\n")[back[0]["line"] - 1].rstrip(b"\r")
    assert text[back[0]["offset"]:back[0]["offset"] + back[0]["length"]].decode() == back[0]["raw"]
    assert back[0]["raw"].startswith("255155,")


def test_a_second_run_has_nothing_to_do(real: RealInput) -> None:
    again = real.project.json("run")
    assert (again["state"], again["deliveries"]) == ("nothing", [])
