# SPDX-License-Identifier: Apache-2.0
"""./dev demo: a small consultancy's files, from dropped to answered, told in at most 45 lines.

Every figure is computed here and now, by `lode` as anyone would call it; PyIceberg judges from outside. The project is
left in build/demo/consultancy, to be played with."""

import json
import os
import random
import shutil
import signal
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

from judge import arrow_checksum, iceberg_rows
from process import run

ROOT = Path(__file__).resolve().parent.parent
LODE = ROOT / "build" / "lode"
FOLDER = Path(os.environ.get("LODE_DEMO_FOLDER", ROOT / "build" / "demo"))
PROJECT = FOLDER / "consultancy"
LATER = ROOT / "src" / "cli" / "demo_files" / "later"
KILLS = int(os.environ.get("LODE_DEMO_KILLS", "20"))
QUESTION = "select sum(invoices) as invoices, sum(revenue_dkk) as revenue_dkk from finance.analytical.revenue_by_client_month"


def ask(*arguments: str | Path, project: Path = PROJECT, ok: tuple[int, ...] = (0,)) -> Any:
    done = subprocess.run([LODE, *arguments, "-o", "json"], cwd=project, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True)
    if done.returncode not in ok:
        raise SystemExit(f"lode {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout, parse_float=Decimal)


def store_of(project: Path) -> Path:
    return project.parent / f"{project.name}.lode"


def title(words: str) -> None:
    print(f"\n{words}")


def short(text: str, width: int) -> str:
    """One line of at most so many letters."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[:width - 1] + "…"


def plural(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word.removesuffix('y') + 'ies' if word.endswith('ry') else word + 's'}"


# What is odd about each file, in a few words; the figures beside them are Lode's.
ODDITIES = {
    "clients_2026-06-30.csv": "semicolons, 1.234,50, two date formats, a footer",
    "contacts.csv": "quotes in wrong places",
    "medarbejdere.csv": "Danish headers, English columns",
    "projects.tsv": "tabs; a line that was cut off",
    "timesheets_2026-04.csv.gz": "gzip, a comment, a footer",
    "timesheets_2026-05.csv": "a field too many, 7.5 for 7,5, a month in one day",
    "timesheets_2026-06.csv": "31 June, nobody's hours, a stray quote",
    "timesheets_2026-06_kopi.csv": "the same bytes under another name",
    "budget_2026_FINAL_v2.csv": "no source claims it: it stays where it is",
    "fx_rates.csv": "nothing odd",
    "invoices_2026-H1.csv": "an amount too big, one with a digit too many",
    "payments.csv": "the bank's own three lines first, (12.00)",
}


def tell_files(report: dict[str, Any], seconds: float, peak_mib: float) -> None:
    files = report["files"]
    print(f"{plural(files['seen'], 'file')} were dropped. `lode run` took {seconds:.2f} s and {peak_mib:.0f} MiB at its peak "
          "(rows + quarantined + skipped):")
    ends = [(d["zone"], Path(d["name"]).name, d["state"], d) for d in report["deliveries"]]
    ends += [(Path(u["name"] if isinstance(u, dict) else u).parent.name, Path(u["name"] if isinstance(u, dict) else u).name, "unclaimed", None)
             for u in report["unclaimed"]]
    for zone, name, state, delivery in sorted(ends, key=lambda end: end[:2]):
        staged = delivery is not None and state == "staged"
        counts = f"{delivery['accepted']:>3} + {delivery['quarantined']} + {delivery['skipped']}" if staged else ""
        print(f"  {zone:8} {name:27} {state:9} {counts:11}  {ODDITIES.get(name, '')}")
    staged = [d for d in report["deliveries"] if d["state"] == "staged"]
    sums = {key: sum(d[key] for d in staged) for key in ("records", "accepted", "quarantined", "skipped")}
    print(f"  {files['seen']} files = " + " + ".join(f"{files[state]} {state}" for state in ("staged", "duplicate", "held", "failed", "unclaimed")) +
          f"; {sums['records']:,} records = {sums['accepted']:,} + {sums['quarantined']} + {sums['skipped']}")


def tell_quarantine() -> None:
    rows = ask("show", "quarantine")
    title(f"{plural(len(rows), 'record')} did not fit: none is dropped, shifted, padded or rounded. Some of them, as they came:")
    told: set[str] = set()
    for row in sorted(rows, key=lambda r: r["column"] in (None, "")):
        if row["rule"] not in told and len(told) < 3:
            told.add(row["rule"])
            where = f"{Path(row['name']).name}:{row['line']}"
            print(f"  {where:27} {row['rule']:17} {short(row['raw'], 64)}")


def tell_models(report: dict[str, Any]) -> None:
    models = report["models"]
    title(f"{plural(len(models), 'model')} were built from them, {sum(m['kind'] == 'view' for m in models)} of them views, each a file of SQL. "
          "The largest clients:")
    for row in ask("query", "select client, sum(invoices) as invoices, sum(revenue_dkk) as dkk from "
                            "finance.analytical.revenue_by_client_month group by client order by dkk desc limit 2"):
        print(f"  {row['client']:27} {row['invoices']:>3} invoices {row['dkk']:>16,.2f} DKK")


def tell_trace() -> None:
    invoice = ask("query", "select * from finance.canonical.invoice order by amount_dkk desc limit 1")[0]
    back = ask("trace", "finance.canonical.invoice", "--where", f"invoice_no = '{invoice['invoice_no']}'")[0]
    title(f"A row leads back to its file, line and bytes: lode trace finance.canonical.invoice --where \"invoice_no = '{invoice['invoice_no']}'\"")
    print(f"  {invoice['invoice_no']}  {invoice['invoice_date']}  {invoice['amount']} {invoice['currency']} = {invoice['amount_dkk']} DKK")
    print(f"  {Path(back['name']).name}:{back['line']}, byte {back['offset']}:  {short(back['raw'], 76)}")


def tell_past() -> None:
    before = ask("log")[0]
    was = ask("query", QUESTION)[0]
    for path in sorted(LATER.rglob("*.csv")):
        shutil.copy(path, PROJECT / "ingress" / path.parent.name / path.name)
    report = ask("run", ok=(0, 1))
    now, then = ask("query", QUESTION)[0], ask("query", "--at", before["commit"], QUESTION)[0]
    title("July arrives, and an old name with other bytes:")
    for delivery in report["deliveries"]:
        words = f"{delivery['accepted']} rows more" if delivery["state"] == "staged" else delivery["message"] or ""
        print(f"  {Path(delivery['name']).name:27} {delivery['state']:8} {short(words, 80)}")
    print(f"  revenue now                      {now['revenue_dkk']:>16,.2f} DKK of {now['invoices']} invoices")
    print(f"  lode query --at {before['commit'][:12]}     {then['revenue_dkk']:>16,.2f} DKK of {then['invoices']} invoices, "
          + ("as it was before July" if then == was else "which is NOT what it was"))


def tables(project: Path) -> dict[str, Any]:
    sums = {}
    for entry in ask("show", "table", project=project):
        name = f"{entry['zone']}.{entry['stage']}.{entry['table']}"
        shown = ask("show", name, project=project)
        if shown.get("metadata_location"):
            rows = iceberg_rows(shown["metadata_location"])
            # the number of a delivery of a snapshot source tells when it landed: the one thing that may differ
            sums[name] = arrow_checksum(rows.select([column for column in rows.column_names if column != "_file"]))
    return sums


def begin_anew(fresh: Path, project: Path) -> None:
    for folder in (project, store_of(project)):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(fresh, project)


def run_killed(project: Path, moment: float) -> bool:
    """A run that gets kill -9 at that moment; False when it was done before."""
    process = subprocess.Popen([LODE, "run"], cwd=project, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(timeout=moment)
        return False
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        return True


def tell_kills(fresh: Path, wanted: dict[str, Any], seconds: float) -> None:
    """Runs are killed one after another on the same store; when one gets through, all begins from the dropped files."""
    project, moments = FOLDER / "killed" / PROJECT.name, random.Random(1)
    killed = histories = wrong = 0
    begin_anew(fresh, project)
    while killed < KILLS:
        if run_killed(project, moments.uniform(0.02, 0.6 * seconds)):
            killed += 1
            continue
        histories, wrong = histories + 1, wrong + (tables(project) != wanted)
        begin_anew(fresh, project)
    ask("run", project=project, ok=(0, 1))
    histories, wrong = histories + 1, wrong + (tables(project) != wanted)
    title(f"The first run again from its beginning, killed with kill -9 {killed} times in the middle, then left to finish ({plural(histories, 'history')}):")
    print(f"  {len(wanted)} tables, " + ("all equal to the undisturbed run's, row by row" if wrong == 0 else f"NOT equal in {wrong} histories"))


def tell_open() -> None:
    shown = ask("show", "finance.canonical.invoice")
    rows = iceberg_rows(shown["metadata_location"])
    total = sum(rows.column("amount_dkk").to_pylist())
    mine = ask("query", "select count(*) as n, sum(amount_dkk) as dkk from finance.canonical.invoice")[0]
    same = rows.num_rows == mine["n"] and total == mine["dkk"]
    print(f"  PyIceberg opens finance.canonical.invoice without Lode: {rows.num_rows} rows, {total:,.2f} DKK; Lode says "
          f"{'the same' if same else 'something else: ' + str(mine)}.")


def tell_size() -> None:
    kept = sum(path.stat().st_size for path in store_of(PROJECT).rglob("*") if path.is_file())
    sent = sum(path.stat().st_size for folder in ("ingress", "later") for path in (LATER.parent / folder).rglob("*") if path.is_file())
    tables_shown = ask("show", "table")
    print(f"  The store keeps {kept / 1e6:.2f} MB: every file as it came ({sent / 1e6:.2f} MB were sent), {plural(len(tables_shown), 'table')} and views, "
          f"and all {plural(len(ask('log')), 'commit')}.")


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    subprocess.run([LODE, "init", "--demo", PROJECT], check=True, capture_output=True)
    fresh = FOLDER / "fresh"
    shutil.copytree(PROJECT, fresh)

    print("A small consultancy: zones crm, delivery and finance, each with its team, its sources and its models as text.")
    cost = run([LODE, "run", "-o", "json"], len(os.sched_getaffinity(0)), cwd=PROJECT, ok=(0, 1))
    report = json.loads(cost.stdout)
    tell_files(report, cost.seconds, cost.peak_mib)
    wanted = tables(PROJECT)
    tell_quarantine()
    tell_models(report)
    tell_trace()
    tell_past()
    tell_kills(fresh, wanted, cost.seconds)
    tell_open()
    tell_size()
    title("Yours:  export PATH=$PWD/build:$PATH; lode init ~/mine && cd ~/mine && lode add shop ~/some/*.csv && lode run")
    print("Here:   cd build/demo/consultancy && lode status && lode show quarantine && lode query \"select * from crm.canonical.contact\"")


if __name__ == "__main__":
    main()
