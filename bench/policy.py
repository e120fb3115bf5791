# SPDX-License-Identifier: Apache-2.0
"""What policies cost: the 22 questions of TPC-H by one who sees all rows less a mask, and by one who sees nine rows of ten, beside the
engine alone over the same files with the same conditions written plainly (which leaks); and a statement under 1,000 rules."""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from conftest import Project
from server import Server, Wire, add_user, serving
from wire import SCALE, TABLES, Library, bare_engine, compare_questions, project_of, table_files, tpch_files

RULES, ENTITLEMENTS = 1000, 10000
MASKS = {"customer": ("c_phone", "left(c_phone, 2) || '***'"), "supplier": ("s_comment", "left(s_comment, 40) || '***'")}
FILTERS = {"orders": "o_orderkey % 10 <> 0", "lineitem": "l_orderkey % 10 <> 0", "customer": "c_custkey % 10 <> 0"}
OWN_TESTS = Path(__file__).resolve().parent.parent / "tests"


def access() -> str:
    rules = []
    for table in TABLES:
        mask = f"  mask:\n    {MASKS[table][0]}: \"{MASKS[table][1]}\"\n" if table in MASKS else ""
        rows = f"  rows: {FILTERS[table]}\n" if table in FILTERS else ""
        rules.append(f"- who: [masked]\n  on: [staging.{table}]\n{mask}")
        rules.append(f"- who: [filtered]\n  on: [staging.{table}]\n{rows}{mask}")
    return "rules:\n" + "".join(rules)


def views(peers, project: Project, filtered: bool) -> None:
    for table in TABLES:
        star = f"* replace ({MASKS[table][1]} as {MASKS[table][0]})" if table in MASKS else "*"
        where = f" where {FILTERS[table]}" if filtered and table in FILTERS else ""
        for peer in peers:
            peer.execute(f"create or replace view {table} as select {star} from read_parquet({table_files(project, f'tpc.staging.{table}')}){where}")


def tpch(report, folder: Path, work: Path, pairs: int) -> None:
    project = project_of(folder, "tpc", *tpch_files(work))
    project.write("zones/tpc/access.yml", access())
    project.lode("apply")
    bare = bare_engine()
    for user in ("masked", "filtered"):
        add_user(project, user)
        with Library(work) as library, serving(project) as server, connect(server, user) as client:
            views((bare, library), project, user == "filtered")
            compare_questions(report, f"TPC-H {SCALE}, {user}", client, Wire(server.port, user, "lode"), bare, library, pairs)


def connect(server: Server, user: str):
    import psycopg

    return psycopg.connect(server.dsn(user), autocommit=True)


def many(folder: Path, rules: int) -> Project:
    """A table, a table of who may see which region, and so many rules of roles."""
    (folder / "regions.csv").write_text("login,region\n" + "".join(f"{'bo' if i % 10 == 0 else f'u{i}'},R{i % 1000}\n" for i in range(ENTITLEMENTS)))
    (folder / "orders.csv").write_text("id,region,email\n" + "".join(f"{i},R{i % 1000},a{i}@x.org\n" for i in range(10000)))
    project = project_of(folder, "shop", folder / "regions.csv", folder / "orders.csv")
    text = "".join(f"- who: [role r{i}]\n  on: [staging.orders]\n  rows: region = 'R{i}'\n  mask:\n    email: partial 1\n" for i in range(rules - 1))
    project.write("zones/shop/access.yml", f"rules:\n{text}- who: [bo]\n  on: [staging.orders]\n"
                  "  rows: region in (select region from staging.regions where login = principal.name)\n")
    project.lode("apply")
    add_user(project, "bo")
    return project


def binding(report, folder: Path, pairs: int) -> None:
    """The first statement after a change of the text reads all of it; the next ones do not."""
    times: dict[int, tuple[list[float], list[float]]] = {}
    for rules in (1, RULES):
        (folder / str(rules)).mkdir()
        project = many(folder / str(rules), rules)
        first, next_ones = [], []
        with serving(project) as server, connect(server, "bo") as client:
            for turn in range(pairs + 1):
                project.lode("role", "add", f"turn{turn}")
                for count in range(6):
                    began = time.perf_counter()
                    client.execute("select count(*) from shop.staging.orders where id < 100").fetchall()
                    if turn:
                        (next_ones if count else first).append(1e3 * (time.perf_counter() - began))
        times[rules] = (first, [statistics.median(next_ones[i:i + 5]) for i in range(0, len(next_ones), 5)])
    report.pair(f"first statement, {RULES} rules, of one", times[RULES][0], times[1][0], "ms")
    report.pair(f"next statements, {RULES} rules, of one", times[RULES][1], times[1][1], "ms")


def noninterference(report) -> None:
    """What the figures above are worth: the same rules leak nothing. The judge is a test of its own."""
    done = subprocess.run([sys.executable, "-m", "pytest", "-c", OWN_TESTS / "pytest.ini", "-q", "-rP", OWN_TESTS / "test_noninterference.py"], capture_output=True,
                          text=True, env={**os.environ, "PYTHONPATH": str(OWN_TESTS)}, check=False)
    told = re.findall(r"(?m)^\d+ asked, .*", done.stdout)
    print(f"noninterference: {'no leak' if done.returncode == 0 else 'FAILED'}; {'; '.join(told)}; {done.stdout.strip().splitlines()[-1]}")


def policy(report, work: Path, pairs: int) -> None:
    with tempfile.TemporaryDirectory(dir=work) as folder:
        binding(report, Path(folder), pairs)
    with tempfile.TemporaryDirectory(dir=work) as folder:
        tpch(report, Path(folder), work, pairs)
    noninterference(report)
