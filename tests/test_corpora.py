# SPDX-License-Identifier: Apache-2.0
"""Other people's awkward CSV files through `lode add` and `lode run`: the right answer or quarantine, never a silent
wrong row, and every file and record counted. The judges are the corpus' own answers and Python's csv module."""

import csv
import gzip
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pytest
from conftest import Project

csv.field_size_limit(16 << 20)  # as Lode's limit of a record
NULL_WORDS = {"", "\\N", "NULL", "null", "Null", "NA", "N/A", "n/a", "#N/A", "None", "none", "-", "--", "?"}


def number(text: str, decimal: str, thousands: str | None) -> Decimal | None:
    if thousands:
        text = text.replace(thousands, "")
    try:
        return Decimal(text.strip().replace(decimal, "."))
    except InvalidOperation:
        return None


def digits(text: str) -> list[int]:
    """The numbers in a date or time, in no order; a year of two digits stands for its last two."""
    found = [int(n) for n in re.findall(r"\d+", text)]
    return sorted(n % 100 for n in found if n % 100)


def instant(text: str) -> datetime | None:
    """The point in time that a text with an offset says."""
    try:
        moment = datetime.fromisoformat(re.sub(r" *([+-]\d\d)(:?00)?$", r"\1:00", text.strip()))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def means(value: Any, text: str, dialect: dict[str, Any]) -> bool:
    """Whether a staged value says what the field's text says."""
    if value is None:
        return text.strip() in NULL_WORDS
    if isinstance(value, bool):
        return (text.strip().lower() in ("true", "t", "yes", "y", "1")) == value
    if isinstance(value, int | Decimal):
        return number(text, dialect["decimal"], dialect["thousands"]) == value
    if value == text or instant(value) == instant(text) is not None:
        return True
    return bool(re.fullmatch(r"[\d:. T+Z-]+", value)) and any(c in text for c in "-/.:") and digits(value) == digits(text)


def text_of(path: Path) -> str:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        return file.read().decode("utf-8-sig", errors="replace")


def python_rows(text: str, dialect: dict[str, Any]) -> Iterator[list[str]]:
    """The records as Python's csv module cuts them, and then each physical line by itself: Python carries a stray quote
    on into the next lines, Lode stops at the line."""
    quote = dialect["quote"]
    options: dict[str, Any] = {"delimiter": dialect["delimiter"]}
    if quote:
        options |= {"quotechar": quote, "doublequote": not dialect["escape"], "escapechar": dialect["escape"]}
    else:
        options |= {"quoting": csv.QUOTE_NONE, "escapechar": "\\" if dialect["escapes"] != "none" else None}
    lines = re.split(r"\r\n|\n|\r", text)
    for source in [io.StringIO(text, newline=""), *([line] for line in lines)]:
        try:
            yield from csv.reader(source, **options)
        except csv.Error:  # what Python refuses cannot be a witness
            continue


def wrong_rows(rows: list[dict[str, Any]], path: Path, dialect: dict[str, Any]) -> list[dict[str, Any]]:
    """Staged rows that no record of the file explains."""
    by_width: dict[int, list[list[str]]] = {}
    for record in python_rows(text_of(path), dialect):
        by_width.setdefault(len(record), []).append(record)
    wrong, start = [], 0
    for row in rows:
        values = list(row.values())
        records = by_width.get(len(values), [])
        # rows come in the file's order, so the search goes on where it left off, and round once
        for at in [*range(start, len(records)), *range(start)]:
            if all(means(v, t, dialect) for v, t in zip(values, records[at], strict=True)):
                start = at + 1
                break
        else:
            wrong.append(row)
    return wrong


def stage(project: Project, files: list[Path]) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Adds each file as a source of its own and runs: sources by file, and the run's report. A file that cannot be
    described is left over, and `add` says why."""
    answer = project.lode("add", "corpus", *files, "--each", "-o", "json", check=False)
    assert answer.exit in (0, 1), answer.stderr
    added = answer.json
    assert all(left["why"] for left in added["left_over"]), added["left_over"]
    sources = {source["files"][0]: source for source in added["sources"]}
    assert len(sources) + len(added["left_over"]) == len(files)
    answer = project.lode("run", "-o", "json", check=False)
    assert answer.exit in (0, 1), answer.stderr
    return sources, answer.json


def rows_of(project: Project, source: dict[str, Any]) -> list[dict[str, Any]]:
    answer = project.lode("query", f'select * from corpus.staging."{source["source"]}" order by _row', "-o", "json")
    return json.loads(answer.stdout, parse_float=Decimal)


def check_counts(report: dict[str, Any]) -> None:
    files = report["files"]
    states = ("staged", "duplicate", "held", "failed", "unclaimed")
    assert files["seen"] == sum(files[state] for state in states), files
    for delivery in report["deliveries"]:
        if delivery["state"] == "staged":
            parts = delivery["accepted"] + delivery["quarantined"] + delivery["skipped"]
            assert delivery["records"] == parts, delivery


def test_csv_spectrum_gives_the_answers_it_comes_with(project: Project, test_data: Path) -> None:
    folder = test_data / "csv-spectrum"
    files = sorted((folder / "csvs").glob("*.csv"))
    sources, report = stage(project, files)
    check_counts(report)
    assert len(sources) == len(files)
    assert report["files"]["staged"] == len(files), report
    for path in files:
        answers = json.loads((folder / "json" / f"{path.stem}.json").read_text())
        if isinstance(answers, dict):
            answers = [answers]
        source = sources[str(path)]
        rows = rows_of(project, source)
        assert len(rows) == len(answers), path
        for row, answer in zip(rows, answers, strict=True):
            assert list(row) == list(answer), path
            for name, text in answer.items():
                if (path.stem, name) == ("location_coordinates", "Contact Phone Number"):
                    continue  # its answer is not what its file says
                assert means(row[name], str(text), source["dialect"]), (path, name, row[name], text)


@pytest.mark.timeout(300)
def test_awkward_files_give_no_wrong_row(project: Project, test_data: Path) -> None:
    folder = test_data / "duckdb-csv"
    files = sorted(p for p in folder.rglob("*") if p.suffix in (".csv", ".tsv", ".gz"))
    sources, report = stage(project, files)
    check_counts(report)
    assert report["files"]["failed"] == 0, [d for d in report["deliveries"] if d["state"] == "failed"]
    staged = {d["source"]: d for d in report["deliveries"] if d["state"] == "staged"}
    assert len(staged) > 150
    wrong = {}
    for path, source in sources.items():
        if source["source"] not in staged or source["format"] != "csv":  # one of them holds lines of JSON
            continue
        rows = rows_of(project, source)
        assert len(rows) == staged[source["source"]]["accepted"], path
        if found := wrong_rows(rows, Path(path), source["dialect"]):
            wrong[path] = found[:3]
    assert not wrong, json.dumps({p: str(rows)[:300] for p, rows in wrong.items()}, indent=1)
