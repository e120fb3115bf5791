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
import time
from pathlib import Path
from typing import Any

from judge import arrow_checksum, iceberg_rows
from process import run

ROOT = Path(__file__).resolve().parent.parent
LODE = ROOT / "build" / "lode"
FOLDER = ROOT / "build" / "demo"
PROJECT = FOLDER / "consultancy"
LATER = ROOT / "src" / "cli" / "demo_files" / "later"
KILLS = 20
QUESTION = ("select count(*) as invoices, sum(revenue_dkk) as revenue_dkk from (select invoices, revenue_dkk "
            "from finance.analytical.revenue_by_client_month) r")


def ask(*arguments: str | Path, project: Path = PROJECT, ok: tuple[int, ...] = (0,)) -> Any:
    done = subprocess.run([LODE, *arguments, "-o", "json"], cwd=project, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True)
    if done.returncode not in ok:
        raise SystemExit(f"lode {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


def store_of(project: Path) -> Path:
    return project.parent / f"{project.name}.lode"


def title(words: str) -> None:
    print(f"\n{words}")


def tell_files(report: dict[str, Any]) -> None:
    files = report["files"]
    title(f"{files['seen']} files lay in ingress/. After `lode run`: {files['staged']} staged, {files['duplicate']} duplicate, "
          f"{files['held']} held, {files['failed']} failed, {files['unclaimed']} unclaimed.")
    for delivery in report["deliveries"]:
        counts = (f"{delivery['records']:>4} records = {delivery['accepted']} typed + {delivery['quarantined']} quarantined"
                  f" + {delivery['skipped']} skipped")
        words = counts if delivery["state"] == "staged" else (delivery["message"] or "")[:70]
        print(f"  {Path(delivery['name']).name:29} {delivery['state']:9} {words}")
    for name in report["unclaimed"]:
        print(f"  {Path(name['name'] if isinstance(name, dict) else name).name:29} unclaimed no source's pattern matches; it stays where it is")


def tell_quarantine() -> None:
    rows = ask("show", "quarantine")
    title(f"{len(rows)} records did not fit. None is lost, each can be read as it came; for example:")
    told: set[str] = set()
    for row in rows:
        if row["rule"] in told or len(told) == 4:
            continue
        told.add(row["rule"])
        print(f"  {row['source']} line {row['line']}: {row['message'][:60]:60} {row['raw'].strip()[:40]}")


def tell_trace() -> None:
    invoice = ask("query", "select * from finance.canonical.invoice order by invoice_no limit 1")[0]
    back = ask("trace", "finance.canonical.invoice", "--where", f"invoice_no = '{invoice['invoice_no']}'")[0]
    title("A row of the domain's own model, and the way back:")
    print(f"  finance.canonical.invoice  {invoice['invoice_no']}  {invoice['invoice_date']}  {invoice['amount']} {invoice['currency']}"
          f" = {invoice['amount_dkk']} DKK")
    print(f"  {back['name']} line {back['line']}: {back['raw'].strip()}")


def tell_past() -> None:
    before = ask("log")[0]
    was = ask("query", QUESTION)[0]
    for path in sorted(LATER.rglob("*.csv")):
        shutil.copy(path, PROJECT / "ingress" / path.parent.name / path.name)
    report = ask("run", ok=(0, 1))
    now, then = ask("query", QUESTION)[0], ask("query", "--at", before["commit"], QUESTION)[0]
    states = ", ".join(f"{Path(d['name']).name} {d['state']}" for d in report["deliveries"])
    title(f"Then {len(report['deliveries'])} more files came: {states}.")
    for delivery in report["deliveries"]:
        if delivery["state"] == "held":
            print(f"  held: {delivery['message'][:110]}")
    print(f"  revenue now               {now['revenue_dkk']:>16} DKK")
    print(f"  as it was before, --at    {then['revenue_dkk']:>16} DKK" + ("  (the same answer as then)" if then == was else "  (NOT what it was)"))


def tables(project: Path) -> dict[str, str]:
    sums = {}
    for entry in ask("show", "table", project=project):
        name = f"{entry['zone']}.{entry['stage']}.{entry['table']}"
        shown = ask("show", name, project=project)
        if shown.get("metadata_location"):
            rows = iceberg_rows(shown["metadata_location"])
            sums[name] = arrow_checksum(rows, [column for column in rows.column_names if column != "_file"])
    return sums


def tell_kills(before: Path, wanted: dict[str, str], seconds: float) -> None:
    moments, killed = random.Random(1), 0
    for _ in range(KILLS):
        process = subprocess.Popen([LODE, "run"], cwd=before, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=moments.uniform(0, seconds))
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            killed += 1
        process.wait()
    ask("run", project=before, ok=(0, 1))
    got = tables(before)
    equal = sum(got.get(name) == value for name, value in wanted.items())
    title(f"The same run, killed with kill -9 at {killed} of {KILLS} random moments and run again: "
          f"{equal} of {len(wanted)} tables equal, row by row.")


def tell_open() -> None:
    shown = ask("show", "finance.canonical.invoice")
    rows = iceberg_rows(shown["metadata_location"])
    location = Path(shown["metadata_location"].removeprefix("file://"))
    title(f"Without Lode: PyIceberg opens .../{location.parent.parent.name[:8]}.../{location.name[:24]}... and reads {rows.num_rows} rows;"
          f" Lode says {shown['rows']}.")


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    subprocess.run([LODE, "init", "--demo", PROJECT], check=True, capture_output=True)
    untouched = FOLDER / "killed" / PROJECT.name
    shutil.copytree(PROJECT, untouched)

    print("A small consultancy: zones crm, delivery and finance, each with its team's sources and models as text files.")
    cost = run([LODE, "run", "-o", "json"], len(os.sched_getaffinity(0)), cwd=PROJECT, ok=(0, 1))
    report = json.loads(cost.stdout)
    tell_files(report)
    wanted = tables(PROJECT)
    models = report["models"]
    title(f"{len(models)} models were built from them: " + ", ".join(
        f"{model['table']} ({model['rows']})" for model in models if ".analytical." in model["table"]))
    tell_quarantine()
    tell_trace()
    tell_past()
    start = time.monotonic()
    tell_kills(untouched, wanted, cost.seconds)
    tell_open()
    kept = sum(path.stat().st_size for path in store_of(PROJECT).rglob("*") if path.is_file())
    title(f"The first run took {cost.seconds:.2f} s and {cost.peak_mib:.0f} MiB at its peak; the store keeps {kept / 1e6:.2f} MB, every file as "
          f"it came included. ({KILLS} kills: {time.monotonic() - start:.1f} s.)")
    title("Now yours:  export PATH=$PWD/build:$PATH; lode init ~/mine && cd ~/mine && lode add shop ~/some/*.csv && lode run")
    print("Play here:  cd build/demo/consultancy && lode status && lode show quarantine && lode log")


if __name__ == "__main__":
    main()
