# SPDX-License-Identifier: Apache-2.0
"""The demo's project as a stranger meets it: every file accounted for, the figures as Python computes them."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, Project, make_project
from judge import csv_records

FILES = ROOT / "src" / "cli" / "demo_files"


def european(text: str) -> Decimal:
    return Decimal(text.replace(".", "").replace(",", "."))


def invoices(path: Path) -> list[list[str]]:
    """What must be accepted of an invoice file: not the footer, not the two amounts that do not fit."""
    records = list(csv_records(path, delimiter=";"))[1:-1]
    return [r for r in records if re.fullmatch(r"[\d.]{1,10},\d\d", r[6])]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, dict[str, Any]]:
    """The demo after its first run, and what that said; for tests that change nothing."""
    project = make_project(tmp_path_factory.mktemp("ran"), "--demo")
    return project, project.json("run")


def add_later(demo: Project) -> None:
    for path in (demo.root / "later").rglob("*.csv"):
        shutil.copy(path, demo.root / "ingress" / path.parent.name / path.name)


def test_every_file_is_accounted_for(ran: tuple[Project, dict[str, Any]]) -> None:
    demo, report = ran
    assert report["files"] == {"seen": 12, "staged": 10, "duplicate": 1, "held": 0, "failed": 0, "unclaimed": 1}
    for delivery in report["deliveries"]:
        if delivery["state"] == "staged":
            assert delivery["records"] == delivery["accepted"] + delivery["quarantined"] + delivery["skipped"], delivery
    assert (demo.root / "ingress/finance/budget_2026_FINAL_v2.csv").exists()
    assert not (demo.root / "ingress/finance/payments.csv").exists()


def test_each_broken_record_is_in_quarantine_with_its_rule(ran: tuple[Project, dict[str, Any]]) -> None:
    demo, _ = ran
    rows = demo.json("show", "quarantine")
    assert Counter(row["rule"] for row in rows) == {"bad_quote": 3, "wrong_width": 2, "not_a_number": 2, "out_of_range": 2,
                                                    "not_a_date": 1, "required_missing": 1, "too_many_digits": 1}
    for row in rows:
        path = next((FILES / "ingress" / row["zone"]).glob(Path(row["name"]).name))
        line = path.read_bytes().split(b"\n")[row["line"] - 1].decode("utf-8-sig").rstrip("\r")
        assert row["raw"].rstrip("\r\n") == line
        assert path.read_bytes()[row["offset"]:row["offset"] + row["length"]].decode().strip("\r\n") == line


def test_amounts_are_what_python_reads(ran: tuple[Project, dict[str, Any]]) -> None:
    demo, _ = ran
    wanted = invoices(FILES / "ingress/finance/invoices_2026-H1.csv")
    got = demo.query("select count(*) as n, sum(amount) as amount, sum(vat) as vat from finance.canonical.invoice")[0]
    assert got["n"] == len(wanted)
    assert Decimal(str(got["amount"])) == sum(european(r[6]) for r in wanted)
    assert Decimal(str(got["vat"])) == sum(european(r[7]) for r in wanted)
    assert sum(row["invoices"] for row in demo.query(
        "select invoices from finance.analytical.revenue_by_client_month")) == len(wanted)


def test_a_later_delivery_adds_and_the_past_stays(demo: Project) -> None:
    demo.lode("run")
    before = demo.json("log")[0]["commit"]
    question = "select count(*) as n, sum(amount) as amount from finance.canonical.invoice"
    was = demo.query(question)
    add_later(demo)
    answer = demo.lode("run", "-o", "json", check=False)
    assert answer.exit == 1
    assert answer.json["files"] == {"seen": 4, "staged": 2, "duplicate": 0, "held": 1, "failed": 0, "unclaimed": 1}
    held = [d for d in answer.json["deliveries"] if d["state"] == "held"]
    assert [Path(d["name"]).name for d in held] == ["invoices_2026-H1.csv"] and "redelivery" in held[0]["message"]
    added = invoices(FILES / "later/finance/invoices_2026-07.csv")
    assert demo.query(question)[0]["n"] == was[0]["n"] + len(added)
    assert demo.query(question, "--at", before) == was


def test_a_row_leads_back_to_its_file_and_line(ran: tuple[Project, dict[str, Any]]) -> None:
    demo, _ = ran
    for table, where, name in (("finance.canonical.invoice", "invoice_no = 'F26010'", "invoices_2026-H1.csv"),
                               ("crm.canonical.client", "client_no = 'K1010'", "clients_2026-06-30.csv"),
                               ("delivery.canonical.consultant", "consultant_no = 'M007'", "medarbejdere.csv")):
        back = demo.json("trace", table, "--where", where)
        assert len(back) == 1 and Path(back[0]["name"]).name == name
        key = re.search(r"'(.+)'", where)
        lines = next((FILES / "ingress").rglob(name)).read_text("utf-8-sig").splitlines()
        assert key and back[0]["raw"].rstrip("\r\n") == lines[back[0]["line"] - 1] and key[1] in back[0]["raw"]


def test_a_second_run_has_nothing_to_do(ran: tuple[Project, dict[str, Any]]) -> None:
    demo, _ = ran
    commit = demo.json("log")[0]["commit"]
    report = demo.json("run")
    assert report["state"] == "nothing"
    assert demo.json("log")[0]["commit"] == commit


def test_an_edited_source_is_read_again_quarantine_too(demo: Project) -> None:
    demo.lode("run")
    count = "select count(*) as n from delivery.canonical.timesheet_entry"
    before = demo.query(count)[0]["n"]
    source = demo.root / "zones/delivery/sources/timesheets.yml"
    source.write_text(source.read_text().replace("hours: decimal(4,2)", "hours: decimal(8,2)"))
    report = demo.json("run")
    assert {d["source"] for d in report["deliveries"]} == {"timesheets"} and len(report["deliveries"]) == 3
    assert demo.query(count)[0]["n"] == before + 1
    rules = Counter(row["rule"] for row in demo.json("show", "quarantine", "delivery.timesheets"))
    assert rules == {"wrong_width": 1, "not_a_number": 1, "not_a_date": 1, "bad_quote": 1, "required_missing": 1}
    assert {m["table"] for m in report["models"] if m["state"] == "built"} >= {"delivery.canonical.timesheet_entry", "delivery.egress.hours"}


def test_a_select_runs_what_it_names(demo: Project) -> None:
    report = demo.json("run", "crm")
    assert {d["zone"] for d in report["deliveries"]} == {"crm"}
    assert {m["table"].split(".")[0] for m in report["models"]} == {"crm"}
    report = demo.json("run", "+finance.analytical.revenue_by_client_month")
    assert demo.query("select count(*) as n from finance.analytical.revenue_by_client_month")[0]["n"] > 0
    error = demo.error("run", "finanse")
    assert (error["exit"], error["code"]) == (2, "E108") and "finance" in error["hint"]


def test_the_story_is_told_in_at_most_45_lines_and_is_true(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, ROOT / "demo" / "story.py"], capture_output=True, text=True, timeout=110,
                          env={**os.environ, "PYTHONPATH": f"{ROOT / 'bench'}:{ROOT / 'tests'}", "LODE_DEMO_KILLS": "3",
                               "LODE_DEMO_FOLDER": str(tmp_path / "demo")})
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) <= 45
    assert "NOT" not in done.stdout and "something else" not in done.stdout, done.stdout
