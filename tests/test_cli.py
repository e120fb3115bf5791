# SPDX-License-Identifier: Apache-2.0
"""The command line as scripts and newcomers meet it."""

import functools
import json
import re
import subprocess
import zipfile
from pathlib import Path

import pytest
from conftest import LODE, ROOT, Project

ORDERS = "order_id,day,amount\n1,2026-01-05,10.50\n2,2026-01-06,7.25\n3,soon,1.00\n"


@pytest.fixture
def shop(project: Project) -> Project:
    """A zone with one source and a model, run once; one record does not fit."""
    project.lode("add", "shop", project.write("in/orders.csv", ORDERS), "--name", "orders")
    text = project.root / "zones/shop/sources/orders.yml"
    text.write_text("from: in/orders*.csv\ncolumns:\n  order_id: int required unique\n  day: date\n  amount: decimal(9,2)\n")
    project.write("zones/shop/canonical/order.sql", "select order_id, day, amount from staging.orders\n")
    project.lode("run")
    return project


def run_anywhere(*arguments: str, cwd: Path = Path("/")) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LODE, *arguments], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)


def verbs() -> dict[str, str]:
    """What `lode --help` lists: each verb, and its line."""
    lines = run_anywhere("--help").stdout.splitlines()
    return {line.split()[1]: line.strip() for line in lines if line.startswith("  lode ")}


def test_lode_alone_prints_the_screen_of_verbs() -> None:
    alone = run_anywhere()
    assert alone.returncode in (0, 2)
    assert alone.stdout + alone.stderr == run_anywhere("--help").stdout
    assert "zone" in alone.stdout.splitlines()[0]
    assert len(verbs()) >= 24 and {"init", "add", "run", "query", "token", "audit"} <= verbs().keys()


def test_every_verb_of_the_source_is_on_the_screen() -> None:
    """A verb is a file `cmd_VERB.c` or a part of one, with a `.name` of its own."""
    source = "".join(path.read_text() for path in sorted((ROOT / "src/cli").glob("cmd_*.c")))
    assert set(re.findall(r'^const Verb verb_\w+ = \{\s*\.name = "(\w+)"', source, re.M)) == verbs().keys()


@functools.cache
def page(verb: str) -> str:
    done = run_anywhere(verb, "--help")
    assert (done.returncode, done.stderr) == (0, ""), verb
    assert done.stdout == run_anywhere("help", verb).stdout == run_anywhere(verb, "-h").stdout
    return done.stdout


def options_of(verb: str) -> set[str]:
    """As its page lists them: --dry-run, -n and all the others."""
    listed = page(verb).split("\n\nOptions\n")[1].splitlines()
    assert all(re.match(r"  (-\w,|   ) --[a-z-]+( \S+)? +\S", line) for line in listed), listed
    return {word for line in listed for word in re.findall(r"-{1,2}[\w-]+", line[:line.index("--")] + line[line.index("--"):].split()[0])}


def examples_of(verb: str) -> list[str]:
    return [line.strip() for line in page(verb).split("\n\nOptions\n")[0].splitlines() if line.startswith("  lode ")]


def test_every_verb_has_a_page_with_a_synopsis_its_options_and_two_examples() -> None:
    for verb, line in verbs().items():
        synopsis, about = page(verb).splitlines()[0], page(verb).split("\n\n")[1]
        assert line.startswith(synopsis + " ") and synopsis.split()[:2] == ["lode", verb], verb
        assert about[0].isupper() and about.rstrip()[-1] == ".", f"{verb}: {about}"
        assert {"--help", "--folder", "--output"} <= options_of(verb), verb
        own = [example for example in examples_of(verb) if example.split()[1] == verb]
        assert len(own) >= 2, f"lode {verb} --help has {len(own)} examples"
        assert max(map(len, page(verb).splitlines())) <= 125, verb


def test_what_a_page_shows_is_what_the_verbs_take() -> None:
    """Each command of each example is a verb's, and its options are on that verb's page."""
    seen = set()
    for verb in verbs():
        for example in examples_of(verb) + [page(verb).splitlines()[0]]:
            for command in re.findall(r"\blode (\w+)([^&|>(]*)", re.sub(r"'[^']*'|\"[^\"]*\"", "''", example)):
                used = set(re.findall(r"(?<=[\s\[])-{1,2}[a-z][\w-]*", command[1]))
                assert command[0] in verbs() and used <= options_of(command[0]), (verb, example, used - options_of(command[0]))
                seen |= used
    assert {"--demo", "--where", "--dry-run", "--withdraw", "-n"} <= seen


@pytest.mark.parametrize("arguments", [["nonsense"], ["run", "--nonsense"], ["query"], ["query", "select 1", "-o", "xml"]])
def test_a_wrong_command_line_is_exit_2(project: Project, arguments: list[str]) -> None:
    answer = project.lode(*arguments, check=False)
    assert answer.exit == 2
    assert answer.stdout == "" and answer.stderr.startswith("error[E")


def test_outside_a_project_it_says_so(tmp_path: Path) -> None:
    done = run_anywhere("status", cwd=tmp_path)
    assert done.returncode == 2
    assert "E102" in done.stderr and "lode init" in done.stderr


def test_anywhere_inside_a_project_and_with_C(shop: Project) -> None:
    inside = run_anywhere("query", "select 1 as one", "-o", "json", cwd=shop.root / "zones/shop")
    assert json.loads(inside.stdout) == [{"one": 1}]
    outside = run_anywhere("-C", str(shop.root), "query", "select 1 as one", "-o", "json")
    assert json.loads(outside.stdout) == [{"one": 1}]


def test_init_never_writes_over_a_project(project: Project) -> None:
    before = (project.root / "lode.yml").read_text()
    again = run_anywhere("init", str(project.root))
    assert again.returncode == 2 and "E107" in again.stderr
    assert (project.root / "lode.yml").read_text() == before


def test_values_in_json_are_exact(shop: Project) -> None:
    answer = shop.lode("query", "select 9007199254740993::bigint as i, 12.50::decimal(9,2) as d, date '2026-01-05' as day, "
                          "timestamp '2026-01-05 01:02:03' as t, null as nothing, 'a\"b' as s, true as b, "
                          "'NaN'::double as n, 1 as x, 2 as x", "-o", "json").stdout
    assert '9007199254740993' in answer and '12.50' in answer
    row = json.loads(answer)[0]
    assert row["day"] == "2026-01-05" and row["nothing"] is None and row["s"] == 'a"b' and row["b"] is True
    assert row["t"].startswith("2026-01-05T01:02:03") and row["n"] == "NaN"
    assert (row["x"], row["x_1"]) == (1, 2)


def test_query_writes_csv(shop: Project) -> None:
    out = shop.lode("query", "select order_id, amount from shop.canonical.order order by 1", "-o", "csv").stdout
    assert out.splitlines() == ["order_id,amount", "1,10.50", "2,7.25"]


def test_no_colour_where_nobody_looks(shop: Project) -> None:
    for arguments in (["status"], ["query", "select 1"], ["log"], ["show", "table"]):
        answer = shop.lode(*arguments)
        assert "\x1b" not in answer.stdout + answer.stderr


def test_what_did_not_fit_is_shown_with_its_raw_text(shop: Project) -> None:
    rows = shop.json("show", "quarantine")
    assert len(rows) == 1
    row = rows[0]
    assert (row["zone"], row["source"], row["column"], row["line"], row["state"]) == ("shop", "orders", "day", 4, "open")
    assert row["raw"].strip() == "3,soon,1.00"
    assert ORDERS.encode()[row["offset"]:][:row["length"]].decode().strip() == "3,soon,1.00"


def test_status_names_the_next_command(shop: Project) -> None:
    status = shop.json("status")
    assert {"store", "branch", "principal", "files", "quarantine", "held", "failed", "edited", "next"} <= set(status)
    assert status["branch"] == "main" and status["quarantine"][0]["rows"] == 1


def test_a_file_that_is_mostly_wrong_is_held_whole(project: Project) -> None:
    project.write("zones/shop/sources/orders.yml", "from: in/orders.csv\ncolumns:\n  a: int\n  b: date\n")
    project.write("in/orders.csv", "a,b\n1,x\n2,y\n3,2026-01-01\n")
    answer = project.lode("run", "-o", "json", check=False)
    assert answer.exit == 1
    delivery = answer.json["deliveries"][0]
    assert delivery["state"] == "held" and (delivery["accepted"], delivery["quarantined"]) == (1, 2)


@pytest.mark.parametrize(("arguments", "hint"), [
    (["--nonsense"], "lode lists the verbs"),
    (["help", "nonsense"], "lode lists"),
    (["tables"], "lode show"),
    (["quarantine"], "lode show quarantine"),
    (["sql", "select 1"], "lode query"),
    (["import", "x.csv"], "lode add"),
    (["query", "select", "1"], "quotes"),
    (["query", "select 1", "-o", "xml"], "parquet"),
    (["query", "select 1", "--at"], "as it was then"),
    (["show", "sources"], "show source"),
    (["show", "shop"], "show zone shop"),
    (["show", "orders"], "shop.staging.orders"),
    (["show", "order"], "shop.canonical.order"),
    (["show", "zone", "shp"], "shop"),
    (["show", "source", "shop.oders"], "shop.orders"),
    (["show", "run", "99"], "lode log"),
    (["show", "quarantine", "orders"], "shop.orders"),
    (["show", "delivery", "nonsense"], "lode show source"),
    (["show", "table", "nonsense"], "lode show zone"),
    (["trace", "orders", "--where", "order_id = 1"], "shop.staging.orders"),
    (["trace", "shop.canonical.ordr", "--where", "order_id = 1"], "shop.canonical.order"),
    (["trace", "shop.staging.orders", "--where", "order_id = 1", "--column", "dey"], "day"),
    (["query", "-f", "nonsense.sql"], "where you stand"),
    (["query", "--at", "2020-01-01", "select 1"], "lode log"),
    (["query", "--at", "deadbeef", "select 1"], "lode log"),
    (["add", "in/orders.csv"], "lode add ZONE in/orders.csv"),
])
def test_a_slip_of_the_hand_is_an_error_with_the_way_on(shop: Project, arguments: list[str], hint: str) -> None:
    answer = shop.lode(*arguments, check=False)
    assert answer.exit == 2 and answer.stdout == "", answer
    assert hint in answer.stderr.splitlines()[-1], answer.stderr


def test_help_of_a_verb_either_way_round() -> None:
    assert run_anywhere("help", "run").stdout == run_anywhere("run", "--help").stdout
    assert run_anywhere("version").stdout == run_anywhere("--version").stdout


def test_a_file_is_added_once(shop: Project) -> None:
    answer = shop.json("add", "shop", "in/orders.csv", check=False)
    assert answer["sources"] == []
    assert "zones/shop/sources/orders.yml" in answer["left_over"][0]["why"]
    assert [file.name for file in (shop.root / "zones/shop/sources").iterdir()] == ["orders.yml"]
    shop.lode("check")


def test_what_cannot_be_added_says_what_to_do(project: Project) -> None:
    files = {"empty.csv": b"", "book.xlsx": b"PK\x03\x04" + bytes(40), "page.pdf": b"%PDF-1.7\n", "zeros.csv": b"a\0b\n" * 9}
    for name, content in files.items():
        left = project.json("add", "shop", project.write(f"in/{name}", content), check=False)["left_over"]
        assert left[0]["why"], name


def test_what_is_left_over_for_one_reason_is_one_line(project: Project) -> None:
    for name in ("a.xlsx", "b.xlsx", "c.xlsx"):
        project.write(f"in/books/{name}", b"PK\x03\x04" + bytes(40))
    project.write("in/books/orders.csv", ORDERS)
    answer = project.lode("add", "shop", "in/books", check=False)
    left = [line for line in answer.stdout.splitlines() if line.startswith("left over")]
    assert len(left) == 1 and "a.xlsx and 2 more: the archive is damaged" in left[0], answer.stdout


def test_what_a_verb_lists_is_named_by_show(project: Project) -> None:
    for thing in ("user", "role", "token", "branch"):
        assert f"lode {thing} lists them" in project.lode("show", thing, check=False).stderr


def test_the_preview_of_a_wide_file_is_short(project: Project) -> None:
    text = ",".join(f"c{i}" for i in range(500)) + "\n" + ",".join("1" for _ in range(500)) + "\n"
    answer = project.lode("add", "shop", project.write("in/wide.csv", text))
    assert max(map(len, answer.stdout.splitlines())) < 200
    assert "480 columns more" in answer.stdout


def test_a_name_with_the_signs_of_a_pattern_is_a_name(project: Project) -> None:
    folder = project.root.parent / "from [old]"
    folder.mkdir()
    (folder / "report[1].csv").write_text("id,name\n1,ann\n2,bo\n")
    with zipfile.ZipFile(folder / "all[2].zip", "w") as archive:
        archive.writestr("kept.csv", "k,v,w\n1,2,x\n3,4,y\n")
    project.lode("add", "shop", str(folder / "report[1].csv"), "--name", "reports")
    project.lode("add", "shop", str(folder / "all[2].zip/kept.csv"), "--name", "kept")
    assert "'reports' reads it already" in project.lode("add", "shop", str(folder), check=False).stdout
    assert project.json("run")["files"]["staged"] == 2
    assert project.query("select count(*) as n from shop.staging.reports") == [{"n": 2}]


def test_endings_in_capitals_are_endings(project: Project) -> None:
    project.lode("add", "shop", project.write("in/Orders-2026.CSV", ORDERS))
    assert (project.root / "zones/shop/sources/orders.yml").exists()


def test_a_corrected_file_answers_for_the_held_one(project: Project) -> None:
    project.lode("add", "shop", project.write("in/towns.csv", "id,town\n1,Bo\n2,Ann\n"), "--name", "towns")
    project.write("in/towns.csv", "id,town\n1,Köln\n2,Møn\n".encode("latin1"))
    assert project.lode("run", check=False).exit == 1
    status = project.json("status")
    assert status["files"]["held"] == 1 and "encoding: cp1252" in status["held"][0]["message"]
    project.write("in/towns.csv", "id,town\n1,Köln\n2,Møn\n")
    project.lode("run")
    status = project.json("status")
    assert status["held"] == [] and status["next"] == "lode show table"


def test_status_counts_files_that_lie_outside_of_ingress(project: Project) -> None:
    project.write("zones/shop/sources/orders.yml", "from: in/*.csv\ncolumns:\n  a: int\n")
    project.write("in/1.csv", "a\n1\n")
    project.write("in/2.csv", "a\n2\n")
    assert project.json("status")["files"]["seen"] == 2
    project.lode("run")
    status = project.json("status")
    assert status["files"]["seen"] == 0 and status["next"] != "lode run"
    project.write("in/3.csv", "a\n3\n")
    status = project.json("status")
    assert status["files"]["seen"] == 1 and status["next"] == "lode run"


def test_files_of_one_header_that_become_two_sources_are_told_of(project: Project) -> None:
    project.write("in/orders_1.csv", "no,day\n1,31.01.2026\n2,28.02.2026\n")
    project.write("in/orders_2.csv", "no,day\n3,31.02.2026\n4,30.02.2026\n")
    answer = project.lode("add", "shop", "in/orders_1.csv", "in/orders_2.csv")
    assert answer.stdout.count("zones/shop/sources/") == 2 and "--one" in answer.stderr


def test_status_tells_of_wrong_text(shop: Project) -> None:
    shop.write("zones/shop/zone.yml", "ownr: ann\n")
    status = shop.lode("status").stdout
    assert "1 error" in status and "lode check" in status.splitlines()[-1]
    assert shop.json("status")["next"] == "lode check"


def test_status_tells_what_is_applied_and_not_built(shop: Project) -> None:
    shop.write("zones/shop/canonical/late.sql", "select order_id from staging.orders\n")
    shop.lode("apply")
    status = shop.lode("status").stdout
    assert "not built   shop.canonical.late  new\n" in status
    assert shop.json("status")["next"] == "lode run"
    shop.lode("run")
    assert "not built" not in shop.lode("status").stdout and shop.json("status")["next"] == "lode show quarantine"


def test_status_names_what_makes_a_run_refuse_the_text(shop: Project) -> None:
    shop.write("zones/finance/canonical/sales.sql", "select * from shop.canonical.order\n")
    assert shop.error("run")["code"] == "E208"
    status = shop.lode("status").stdout
    assert "1 error: E208 zones/finance/canonical/sales.sql:1: " in status
    assert shop.json("status")["next"] == "lode check"


def test_a_held_file_says_both_ways_out(project: Project) -> None:
    project.write("zones/shop/sources/n.yml", "from: in/*.csv\ncolumns:\n  a: int\n")
    project.write("in/1.csv", "a\n1\nx\ny\n")
    message = project.lode("run", "-o", "json", check=False).json["deliveries"][0]["message"]
    assert "correct the source's text" in message and "'tolerate: 50%'" in message and "lode run --replay" in message
    project.write("zones/shop/sources/n.yml", "from: in/*.csv\ntolerate: 50%\ncolumns:\n  a: int\n")
    project.lode("run", "--replay")
    assert project.query("select a from shop.staging.n") == [{"a": 1}]


def test_a_day_of_zeros_is_no_pattern_that_is_missing(project: Project) -> None:
    project.write("zones/shop/sources/n.yml", "from: in/*.csv\ncolumns:\n  a: int\n  t: timestamp\n")
    project.write("in/1.csv", "a,t\n1,2026-01-01 10:00:00\n2,0000-00-00 00:00:00\n")
    project.lode("run")
    assert "nulls: 0000-00-00 00:00:00" in project.lode("show", "quarantine").stdout
    project.write("zones/shop/sources/n.yml", 'from: in/*.csv\nnulls: ["0000-00-00 00:00:00"]\ncolumns:\n  a: int\n  t: timestamp\n')
    project.lode("run")
    assert project.query("select a from shop.staging.n where t is null") == [{"a": 2}]


def test_a_property_without_its_comma(shop: Project) -> None:
    shop.write("zones/shop/canonical/order.sql", "-- column order_id: int tag secret\nselect order_id from staging.orders\n")
    assert "`int, tag secret`" in str(shop.error("run")["hint"])


def test_status_asks_nothing_about_sources_that_are_gone(project: Project) -> None:
    project.write("zones/shop/zone.yml", "owner: ann\n")
    source = project.write("zones/shop/sources/orders.yml", "from: ingress/orders*.csv\ncolumns:\n  id: int\n")
    project.drop("shop", "orders1.csv", "id\n1\nx\n2\n")
    project.lode("run")
    assert [rule["rows"] for rule in project.json("status")["quarantine"]] == [1]
    source.unlink()
    project.lode("run")
    assert project.json("status")["quarantine"] == []
    assert project.query("select count(*) as n from shop.quarantine.orders") == [{"n": 1}], "what did not fit stays"
