# SPDX-License-Identifier: Apache-2.0
"""What becomes of files: staged, duplicate, held, failed or unclaimed, and what of it is in the tables."""

import gzip
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import LODE, Project

ORDERS = """\
from: ingress/orders*.csv
columns:
  order_no: int required
  customer: text
  amount: decimal(10,2)
  day: date
"""
HEADER = "order_no,customer,amount,day\n"


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("zones/shop/zone.yml", "owner: ann\n")
    project.write("zones/shop/sources/orders.yml", ORDERS)
    (project.root / "ingress/shop").mkdir(parents=True)
    return project


def files(report: dict[str, Any]) -> dict[str, int]:
    """The counts that are not zero; their sum is what was seen."""
    counts = dict(report["files"])
    seen = counts.pop("seen")
    assert seen == sum(counts.values())
    return {state: count for state, count in counts.items() if count}


def orders(project: Project) -> list[int]:
    return [row["order_no"] for row in project.query("select order_no from shop.staging.orders order by 1")]


def test_a_source_under_another_name_begins_without_the_files_of_the_old_one_and_that_is_said(project: Project) -> None:
    project.write("zones/shop/sources/returns.yml", "from: ingress/returns*.csv\ncolumns:\n  id: int\n")
    project.drop("shop", "returns_1.csv", "id\n1\n2\n")
    project.write("zones/shop/sources/other.yml", "from: in/other*.csv\ncolumns:\n  id: int\n")
    project.write("in/other.csv", "id\n1\n")
    project.lode("run")
    project.write("zones/shop/sources/return_items.yml", "from: ingress/returns*.csv\ncolumns:\n  id: int\n")
    (project.root / "zones/shop/sources/returns.yml").unlink()
    (project.root / "zones/shop/sources/other.yml").rename(project.root / "zones/shop/sources/others.yml")
    words = "source returns is gone from the text, and return_items begins: files belong to the name that took them, so that the 1 of returns (2 rows)"
    for verb in ("plan", "run"):
        said = project.lode(verb).stderr
        assert words in said and "returns.yml again" in said and said.count("warning") == 2, said
    assert project.query("select count(*) as n from shop.staging.return_items") == [{"n": 0}]
    assert "is gone from the text" not in project.lode("plan").stderr
    project.drop("shop", "returns_1.csv", "id\n1\n2\n")
    project.lode("run")
    assert project.query("select count(*) as n from shop.staging.return_items") == [{"n": 2}]


def test_files_are_staged_once_and_taken_out_of_ingress(shop: Project) -> None:
    shop.drop("shop", "orders1.csv", HEADER + "1,ann,2.50,2026-01-02\n2,,3.00,\n")
    report = shop.json("run")
    assert report["state"] == "published"
    assert files(report) == {"staged": 1}
    delivery = report["deliveries"][0]
    assert (delivery["records"], delivery["accepted"], delivery["quarantined"], delivery["skipped"]) == (3, 2, 0, 1)
    assert not (shop.root / "ingress/shop/orders1.csv").exists()
    assert shop.query("select * from shop.staging.orders order by 1") == [
        {"order_no": 1, "customer": "ann", "amount": 2.50, "day": "2026-01-02"},
        {"order_no": 2, "customer": None, "amount": 3.00, "day": None}]
    assert shop.json("run")["state"] == "nothing"


def test_the_same_bytes_are_a_duplicate_under_any_name(shop: Project) -> None:
    text = HEADER + "1,ann,2.50,2026-01-02\n"
    shop.drop("shop", "orders1.csv", text)
    shop.drop("shop", "orders2.csv", text)
    assert files(shop.json("run")) == {"staged": 1, "duplicate": 1}
    shop.drop("shop", "orders3.csv", text)
    assert files(shop.json("run")) == {"duplicate": 1}
    assert orders(shop) == [1]
    assert list((shop.root / "ingress/shop").iterdir()) == []


def test_a_file_that_stays_where_it_is_is_no_duplicate_of_itself(shop: Project) -> None:
    """Written right before the run, so that its times alone do not tell that it is unchanged."""
    shop.write("zones/shop/sources/young.yml", "from: in/young*.csv\ncolumns:\n  a: int\n  b: text\n")
    young = shop.write("in/young.csv", "a,b\n1,x\n")
    assert files(shop.json("run")) == {"staged": 1}
    again = shop.lode("run")
    assert "duplicate  " not in again.stderr and " 0 files seen" in again.stdout
    shop.write("in/young_too.csv", young.read_text())
    assert files(shop.json("run")) == {"duplicate": 1}
    shop.write("in/young.csv", "a,b\n2,y\n")
    assert files(shop.json("run", check=False)) == {"held": 1}


def test_the_same_name_with_other_bytes_is_held_until_the_text_decides(shop: Project) -> None:
    shop.drop("shop", "orders1.csv", HEADER + "1,ann,2.50,2026-01-02\n")
    shop.json("run")
    shop.drop("shop", "orders1.csv", HEADER + "2,bo,1.00,2026-01-03\n")
    answer = shop.lode("run", "-o", "json", check=False)
    assert answer.exit == 1
    assert files(answer.json) == {"held": 1}
    message = answer.json["deliveries"][0]["message"]
    assert "redelivery: replace" in message and "redelivery: append" in message
    assert orders(shop) == [1]

    shop.write("zones/shop/sources/orders.yml", "redelivery: replace\n" + ORDERS)
    shop.json("run")
    assert orders(shop) == [2]


@pytest.mark.parametrize("more", ["", "load: merge\nkey: order_no\n", 'load: merge\nkey: order_no\nas_of: name "(\\d{8})"\n'])
def test_where_names_replace_each_other_the_last_word_of_the_sender_counts(shop: Project, more: str) -> None:
    shop.write("zones/shop/sources/orders.yml", "redelivery: replace\n" + more + ORDERS)
    a, b = HEADER + "1,ann,2.50,2026-01-02\n", HEADER + "2,bo,1.00,2026-01-03\n"
    name, other = "orders20260101.csv", "orders20260102.csv"
    for text, became, expected in [(a, "staged", [1]), (b, "staged", [2]), (a, "staged", [1]), (a, "duplicate", [1]), (b, "staged", [2]), (a, "staged", [1])]:
        shop.drop("shop", name, text)
        assert files(shop.json("run")) == {became: 1}, expected
        assert orders(shop) == expected
    shop.drop("shop", other, b)  # bytes that are in no table any more, under another name
    assert files(shop.json("run")) == {"staged": 1} and orders(shop) == [1, 2]
    assert shop.json("run")["state"] == "nothing" and shop.lode("verify").exit == 0
    shop.json("run", "--again")
    assert orders(shop) == [1, 2]


def test_redelivery_append_keeps_both(shop: Project) -> None:
    shop.write("zones/shop/sources/orders.yml", "redelivery: append\n" + ORDERS)
    shop.drop("shop", "orders1.csv", HEADER + "1,ann,2.50,2026-01-02\n")
    shop.json("run")
    shop.drop("shop", "orders1.csv", HEADER + "2,bo,1.00,2026-01-03\n")
    assert files(shop.json("run")) == {"staged": 1}
    assert orders(shop) == [1, 2]


def test_a_replace_source_holds_the_newest_delivery(shop: Project) -> None:
    shop.write("zones/shop/sources/orders.yml", "load: replace\n" + ORDERS)
    a, b = HEADER + "1,ann,2.50,2026-01-02\n", HEADER + "2,bo,1.00,2026-01-03\n"
    for text, expected in [(a, [1]), (b, [2]), (a, [1])]:
        shop.drop("shop", "orders.csv", text)
        assert files(shop.json("run")) == {"staged": 1}
        assert orders(shop) == expected
    shop.drop("shop", "orders.csv", a)
    assert files(shop.json("run")) == {"duplicate": 1}
    assert orders(shop) == [1]


EMPTY = [  # the source, what empty files of it may hold, one with a record, one that says there is none
    ("from: ingress/e*.csv\ncolumns:\n  id: int\n", ["", "\n \n"], "id\n1\n", "id\n"),
    ("from: ingress/e*.csv\nload: replace\ncolumns:\n  id: int\n", ["", "\n"], "id\n1\n", "id\n"),
    ("from: ingress/e*.csv\nload: history\nkey: id\ncolumns:\n  id: int\n", ["", "\n"], "id\n1\n", None),
    ("from: ingress/e*\nformat: jsonl\nload: replace\ncolumns:\n  id: int\n", ["", " \n\n"], '{"id":1}\n', None),
    ("from: ingress/e*\nformat: json\nload: replace\ncolumns:\n  id: int\n", ["", " \n"], '[{"id":1}]', "[]"),
    ("from: ingress/e*\nformat: fixed\nload: replace\ncolumns:\n  id: int at 1-4\n", ["", "\n"], "   1\n", None),
    ("from: ingress/e*.csv\nload: replace\nheader: no\ncolumns:\n  id: int\n", ["", "\n"], "1\n", None),
]


@pytest.mark.parametrize("source, empty, full, none", EMPTY)
def test_a_file_without_anything_is_held_and_empties_no_table(shop: Project, source: str, empty: list[str], full: str, none: str | None) -> None:
    """Zero bytes, or blanks alone, are what an export that failed leaves behind."""
    shop.write("zones/shop/sources/e.yml", source)
    shop.drop("shop", "e1.csv", full)
    assert files(shop.json("run")) == {"staged": 1}
    now = "select id from shop.staging.e" + (" where _valid_to is null" if "history" in source else "")
    for number, text in enumerate(empty):
        shop.drop("shop", f"e2{number}.csv", text)
        report = shop.json("run", check=False)
        assert files(report) == {"held": 1} and report["deliveries"][0]["message"].startswith("the file is empty"), text
    shop.drop("shop", "e3.csv", gzip.compress(b""))
    assert files(shop.json("run", check=False)) == {"held": 1}
    assert shop.query(now) == [{"id": 1}]
    if none is not None:
        shop.drop("shop", "e4.csv", none)
        assert files(shop.json("run")) == {"staged": 1}
        assert len(shop.query(now)) == ("replace" not in source)


@pytest.mark.parametrize("source", ["format: jsonl\n", "header: no\n", "format: jsonl\nload: merge\nkey: id\n"])
def test_nothing_appended_is_nothing(shop: Project, source: str) -> None:
    shop.write("zones/shop/sources/e.yml", f"from: ingress/e*\n{source}columns:\n  id: int\n")
    shop.drop("shop", "e1", "")
    assert files(shop.json("run")) == {"staged": 1} and shop.query("select * from shop.staging.e") == []


def test_a_duplicate_of_a_held_file_is_as_little_in_the_table(shop: Project) -> None:
    for name in ["orders1.csv", "orders2.csv"]:
        shop.drop("shop", name, HEADER + "x,ann,2.50,2026-01-02\n")
        answer = shop.lode("run", check=False)
        assert answer.exit == 1
    assert "duplicate  " in answer.stderr and "the same bytes as 'orders1.csv', which is held: more records do not fit" in answer.stderr
    assert shop.lode("run").exit == 0  # and it is not told again


@pytest.mark.parametrize("more", ["", "load: replace\n", "load: merge\nkey: order_no\n", "load: history\nkey: order_no\n"])
def test_a_wrong_word_in_the_text_empties_no_table(shop: Project, more: str) -> None:
    """What is in a table does not leave it because by an edited text it would be held."""
    good = more + ORDERS
    shop.write("zones/shop/sources/orders.yml", good)
    shop.write("zones/shop/canonical/o.sql", "select order_no, customer from staging.orders\n")
    for number, day in enumerate(["2026-01-02", "2026-01-03"]):
        shop.drop("shop", f"orders{number}.csv", HEADER + f"1,ann,2.50,{day}\n2,bo,1,{day}\n")
        shop.json("run")
    before, built = shop.query("select * from shop.staging.orders order by all"), shop.query("select * from shop.canonical.o order by all")
    shop.write("zones/shop/sources/orders.yml", good.replace("customer: text", "customer: int"))
    shop.drop("shop", "orders2.csv", HEADER + "3,cy,1,2026-01-04\n")
    answer = shop.lode("run", "-o", "json", check=False)
    report = answer.json
    assert answer.exit == 1 and files(report) == {"held": 1}
    assert [d["name"] for d in report["deliveries"] if "it is in the table" in d["message"]] == ([f"orders{n}.csv" for n in range(2)] if "replace" not in more else ["orders1.csv"])
    (error,) = report["errors"]
    assert error["file"].endswith("sources/orders.yml") and "stays as it was" in error["message"] and "in customer" in error["message"]
    assert shop.query("select * from shop.staging.orders order by all") == before and shop.query("select * from shop.canonical.o order by all") == built
    assert shop.lode("run", check=False).exit == 1, "and so it is told again"
    status = shop.json("status")
    assert "would be held" in status["held"][0]["message"] and "stays as it was" in shop.lode("status").stdout
    assert any("stays as it was" in w["message"] for w in shop.json("check")["warnings"])
    shop.write("zones/shop/sources/orders.yml", good)
    assert [d["state"] for d in shop.json("run")["deliveries"]] == ["staged"]
    assert shop.json("status")["held"] == [] and not any("stays" in w["message"] for w in shop.json("check")["warnings"])
    assert 3 in [row["order_no"] for row in shop.query("select order_no from shop.canonical.o")]


def test_a_redelivered_file_that_is_held_takes_no_place(shop: Project) -> None:
    shop.write("zones/shop/sources/orders.yml", "redelivery: replace\n" + ORDERS)
    shop.drop("shop", "orders1.csv", HEADER + "1,ann,2.50,2026-01-02\n")
    shop.drop("shop", "orders2.csv", HEADER + "2,bo,2.50,2026-01-02\n")
    shop.json("run")
    for text in [HEADER + "x,ann,2.50,2026-01-02\n", ""]:
        shop.drop("shop", "orders1.csv", text)
        assert files(shop.json("run", check=False)) == {"held": 1} and orders(shop) == [1, 2]
    shop.drop("shop", "orders1.csv", HEADER + "4,ann,2.50,2026-01-02\n")
    assert files(shop.json("run")) == {"staged": 1} and orders(shop) == [2, 4]


def test_what_does_not_fit_is_in_quarantine_with_its_place(shop: Project) -> None:
    text = HEADER + '1,ann,2.50,2026-01-02\n2,bo,2.505,2026-01-03\n3,cy\n4,"dan"x,1,2026-01-04\n,eve,1.00,2026-01-05\n5,flo,1.00,2026-02-30\n6,gus,1.00,2026-01-06\n'
    shop.drop("shop", "orders1.csv", text)
    delivery = shop.json("run", check=False)["deliveries"][0]
    assert (delivery["records"], delivery["accepted"], delivery["quarantined"], delivery["skipped"]) == (8, 2, 5, 1)
    assert delivery["state"] == "held", "more quarantined than accepted: the dialect is wrong, not the rows"
    more = "".join(f"{n},x,1.00,2026-01-01\n" for n in range(10, 20))
    shop.drop("shop", "orders2.csv", text + more)
    report = shop.json("run")
    assert files(report) == {"staged": 1}
    assert report["deliveries"][0]["quarantined"] == 5
    rows = shop.json("show", "quarantine", "shop.orders", "--rows")
    assert [(row["line"], row["column"] or "", row["rule"]) for row in rows] == [
        (3, "amount", "too_many_digits"), (4, "", "wrong_width"), (5, "", "bad_quote"), (6, "order_no", "required_missing"),
        (7, "day", "not_a_date")]
    for row in rows:
        assert (text + more).encode()[row["offset"]:row["offset"] + row["length"]].decode() == row["raw"]
        assert row["raw"] == (text + more).splitlines()[row["line"] - 1]


def test_a_changed_text_reads_the_landed_files_again(shop: Project) -> None:
    shop.drop("shop", "orders1.csv", HEADER + "1,ann,2.50,2026-01-02\n2,bo,2.505,2026-01-03\n")
    shop.json("run")
    assert orders(shop) == [1]
    before = shop.json("log")[0]["commit"]
    shop.write("zones/shop/sources/orders.yml", ORDERS.replace("decimal(10,2)", "decimal(10,3)"))
    report = shop.json("run")
    assert report["files"]["seen"] == 0 and report["deliveries"][0]["accepted"] == 2
    assert orders(shop) == [1, 2]
    assert shop.json("show", "quarantine", "--rows") == []
    assert len(shop.query("select * from shop.staging.orders", "--at", before)) == 1


def test_a_new_column_is_kept_as_text_whatever_the_order(shop: Project) -> None:
    wide = "order_no,customer,amount,day,note\n3,cy,1.00,2026-01-03,7\n"
    shop.drop("shop", "orders1.csv", HEADER + "1,ann,2.50,2026-01-02\n")
    shop.json("run")
    shop.drop("shop", "orders2.csv", wide)
    assert "note" in shop.json("run")["deliveries"][0]["message"]
    shop.drop("shop", "orders3.csv", HEADER + "4,dan,2.50,2026-01-02\n")
    shop.json("run")
    assert shop.query("select order_no, note from shop.staging.orders order by 1") == [
        {"order_no": 1, "note": None}, {"order_no": 3, "note": "7"}, {"order_no": 4, "note": None}]
    shop.write("zones/shop/sources/orders.yml", "evolve: freeze\n" + ORDERS)
    shop.drop("shop", "orders4.csv", wide.replace("3,cy", "5,cy"))
    answer = shop.lode("run", "-o", "json", check=False)
    assert answer.exit == 1


def test_unclaimed_and_twice_claimed_files_stay_and_are_told(shop: Project) -> None:
    shop.drop("shop", "other.csv", "a\n1\n")
    report = shop.json("run")
    assert files(report) == {"unclaimed": 1} and report["unclaimed"] == ["ingress/shop/other.csv"]
    shop.write("zones/shop/sources/all.yml", "from: ingress/*.csv\ncolumns:\n  a: int\n")
    shop.drop("shop", "orders1.csv", HEADER + "1,ann,2.50,2026-01-02\n")
    answer = shop.lode("run", "-o", "json", check=False)
    assert answer.exit == 1 and files(answer.json)["failed"] == 1
    assert "two sources" in answer.json["errors"][0]["message"]
    assert (shop.root / "ingress/shop/orders1.csv").exists()


def test_a_file_that_is_being_written_waits(shop: Project) -> None:
    path = shop.root / "ingress/shop/orders1.csv"
    with path.open("w") as file:
        file.write(HEADER + "1,ann,2.50,")
        file.flush()
        assert files(shop.json("run")) == {}
        file.write("2026-01-02\n")
    assert files(shop.json("run")) == {"staged": 1}


def test_files_elsewhere_are_left_and_remembered(shop: Project) -> None:
    outside = shop.write("drop/orders1.csv", HEADER + "1,ann,2.50,2026-01-02\n")
    shop.write("zones/shop/sources/orders.yml", ORDERS.replace("ingress/orders*.csv", "drop/orders*.csv"))
    assert files(shop.json("run")) == {"staged": 1}
    assert outside.exists()
    time.sleep(2.5)
    shop.json("run")
    assert shop.json("run")["state"] == "nothing"
    outside.write_text(HEADER + "2,bo,1.00,2026-01-02\n")
    answer = shop.lode("run", "-o", "json", check=False)
    assert files(answer.json) == {"held": 1}


@pytest.mark.parametrize("spelling", ["./in/x.csv", "../project/in/x.csv", "in/./x.csv", "in//x.csv", "in/../in/x*.csv", "{root}/in/x.csv"])
def test_one_file_is_one_file_however_its_path_is_spelled(shop: Project, spelling: str) -> None:
    source = "from: {}\ncolumns:\n  id: int\n"
    shop.write("in/x.csv", "id\n1\n")
    shop.write("zones/shop/sources/x.yml", source.format("in/x.csv"))
    assert files(shop.json("run")) == {"staged": 1}
    shop.write("zones/shop/sources/x.yml", source.format(spelling.format(root=shop.root)))
    assert files(shop.json("run")) == {}
    shop.write("in/x.csv", "id\n1\n2\n")
    report = shop.json("run", check=False)
    assert files(report) == {"held": 1} and report["deliveries"][0]["name"] == "in/x.csv"


def test_a_file_that_comes_by_another_way_is_told_of(shop: Project, tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    (tmp_path / "export/x.csv").write_text("id\n1\n")
    shop.write("zones/shop/sources/x.yml", f"from: [{tmp_path}/export/x.csv, ingress/x*.csv]\ncolumns:\n  id: int\n")
    shop.json("run")
    shop.drop("shop", "x.csv", "id\n1\n2\n")
    report = shop.json("run")
    words = "counts as another file than one of the same base name: '"
    assert words in report["deliveries"][0]["message"] and words in shop.lode("status").stdout
    shop.lode("fix", "shop.x", "--withdraw", f"{tmp_path}/export/x.csv", "--reason", "the same")
    assert shop.query("select id from shop.staging.x order by 1") == [{"id": 1}, {"id": 2}] and words not in shop.lode("status").stdout


def test_gzip_by_its_bytes_and_truncated_gzip_is_held(shop: Project) -> None:
    packed = gzip.compress((HEADER + "1,ann,2.50,2026-01-02\n").encode() * 1)
    shop.drop("shop", "orders1.csv", packed)
    assert files(shop.json("run")) == {"staged": 1}
    shop.drop("shop", "orders2.csv", gzip.compress(os.urandom(5000))[:-20])
    answer = shop.lode("run", "-o", "json", check=False)
    assert answer.exit == 1 and files(answer.json) == {"held": 1}
    assert orders(shop) == [1]


def test_a_failed_model_holds_back_its_zone_only(shop: Project) -> None:
    shop.write("zones/shop/canonical/good.sql", "select order_no from staging.orders\n")
    shop.write("zones/shop/analytical/bad.sql", "select 1 / count(*) // 0 as x from canonical.good\n")
    shop.write("zones/other/canonical/one.sql", "select 1 as one\n")
    shop.drop("shop", "orders1.csv", HEADER + "1,ann,2.50,2026-01-02\n")
    answer = shop.lode("run", "-o", "json", check=False)
    assert answer.exit == 1 and answer.json["state"] == "partly"
    states = {model["table"]: model["state"] for model in answer.json["models"]}
    assert states == {"shop.canonical.good": "built", "shop.analytical.bad": "failed", "other.canonical.one": "built"}
    assert orders(shop) == [1]
    assert shop.query("select * from other.canonical.one") == [{"one": 1}]
    assert shop.error("query", "select * from shop.canonical.good")["code"] == "E203"
    assert shop.query("select * from shop.canonical.good", "--branch", f"run/{answer.json['run']}") == [{"order_no": 1}]
    error = answer.json["errors"][0]
    assert error["file"] == "zones/shop/analytical/bad.sql" and error["line"] == 1


def test_models_are_built_only_when_what_they_read_changed(shop: Project) -> None:
    shop.write("zones/shop/canonical/order.sql", "-- key: order_no\nselect order_no, amount from staging.orders\n")
    shop.write("zones/shop/analytical/total.sql", "select sum(amount) as total from canonical.order\n")
    shop.write("zones/shop/analytical/alone.sql", "select 1 as one\n")

    def states() -> dict[str, str]:
        return {model["table"].split(".")[2]: model["state"] for model in shop.json("run")["models"]}

    shop.drop("shop", "orders1.csv", HEADER + "1,ann,2.50,2026-01-02\n")
    assert states() == {"order": "built", "total": "built", "alone": "built"}
    assert states() == {"order": "unchanged", "total": "unchanged", "alone": "unchanged"}
    shop.drop("shop", "orders2.csv", HEADER + "2,ann,2.50,2026-01-02\n")
    assert states() == {"order": "built", "total": "built", "alone": "unchanged"}
    shop.write("zones/shop/canonical/order.sql", "-- key: order_no\nSELECT order_no,\n   amount -- said otherwise\nFROM staging.orders\n")
    assert states() == {"order": "unchanged", "total": "unchanged", "alone": "unchanged"}
    (shop.root / "zones/shop/analytical/alone.sql").unlink()
    shop.json("run")
    assert shop.error("query", "select * from shop.analytical.alone")["code"] == "E203"


def test_the_past_can_be_asked_by_commit_and_time(shop: Project) -> None:
    shop.drop("shop", "orders1.csv", HEADER + "1,ann,2.50,2026-01-02\n")
    shop.json("run")
    first = shop.json("log")[0]
    time.sleep(0.01)
    shop.drop("shop", "orders2.csv", HEADER + "2,ann,2.50,2026-01-02\n")
    shop.json("run")
    count = "select count(*) as n from shop.staging.orders"
    assert shop.query(count) == [{"n": 2}]
    assert shop.query(count, "--at", first["commit"][:8]) == [{"n": 1}]
    assert shop.query(count, "--at", first["time"]) == [{"n": 1}]
    assert shop.error("query", count, "--at", "2001-01-01")["exit"] == 2
    assert shop.error("query", count, "--at", "zzzz")["exit"] == 2


def test_several_runs_side_by_side_lose_and_double_nothing(shop: Project) -> None:
    for number in range(12):
        shop.drop("shop", f"orders{number}.csv", HEADER + f"{number},ann,2.50,2026-01-02\n")
    runs = [subprocess.Popen([LODE, "run", "-q"], cwd=shop.root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for process in runs:
        _, said = process.communicate(timeout=240)
        assert process.returncode == 0, said
    shop.lode("run")
    assert orders(shop) == list(range(12))


def test_errors_of_the_text_have_a_place_and_touch_nothing(shop: Project) -> None:
    shop.json("run")
    before = shop.json("log")
    shop.write("zones/shop/sources/orders.yml", ORDERS + "delimeter: ';'\n")
    error = shop.error("run")
    assert (error["code"], error["file"], error["line"], error["column"], error["exit"]) == \
        ("E104", "zones/shop/sources/orders.yml", 7, 1, 2)
    assert "delimiter" in error["hint"]
    assert shop.json("log") == before


def test_a_file_in_the_wrong_folder_of_ingress_is_counted_and_told(project: Project) -> None:
    project.lode("add", "shop")
    project.write("ingress/orders.csv", "a\n1\n")
    project.write("ingress/crm/clients.csv", "a\n1\n")
    project.write("ingress/shop/orders.csv", "a\n1\n")
    report = project.json("run")
    assert report["unclaimed"] == ["ingress/orders.csv", "ingress/crm/clients.csv", "ingress/shop/orders.csv"]
    assert report["files"]["seen"] == report["files"]["unclaimed"] == 3
    assert project.json("status")["files"]["unclaimed"] == 3
    told = project.lode("run").stderr
    assert "ingress/ZONE/" in told and "no zone 'crm'" in told and "lode add shop" in told


def test_a_held_delivery_says_what_to_do(project: Project) -> None:
    project.write("zones/shop/sources/orders.yml", "from: in/orders*.csv\ndelimiter: \";\"\ncolumns:\n  id: int\n  name: text\n")
    project.write("in/orders.csv", "id,name\n1,a\n")
    assert project.lode("run", check=False).exit == 1
    assert "another delimiter" in project.json("status")["held"][0]["message"]


def test_links_in_ingress_are_told_of_and_never_followed(project: Project, tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere" / "orders_1.csv"
    secret.parent.mkdir()
    secret.write_text("id\n4711\n")
    project.write("zones/shop/sources/orders.yml", "from: ingress/*orders_*.csv\ncolumns:\n  id: int\n")
    project.drop("shop", "orders_0.csv", "id\n1\n")
    (project.root / "ingress/shop/orders_1.csv").symlink_to(secret)
    (project.root / "ingress/shop/deep").symlink_to(secret.parent)
    report = project.json("run")
    assert report["unclaimed"] == ["ingress/shop/deep", "ingress/shop/orders_1.csv"]
    assert project.query("select id from shop.staging.orders") == [{"id": 1}]
    assert secret.exists()


def test_a_name_does_not_speak_to_the_terminal(project: Project) -> None:
    project.write("zones/shop/sources/orders.yml", "from: ingress/*.csv\ncolumns:\n  id: int\n")
    project.drop("shop", "a\x1b[2Jb.csv", "id\n1\n")
    answer = project.lode("run")
    assert "\x1b" not in answer.stdout + answer.stderr
    assert "a\\x1b[2Jb.csv" in answer.stderr
    project.write("zones/shop/canonical/odd.sql", "select \u202eid \x1b[31m \u009b2J from staging.orders\n")
    answer = project.lode("query", "select 1 as \"a\u009b\x1b\u2066\"")
    assert answer.stdout.split() == ["a\\u009b\\x1b\\u2066", "1"]
    answer = project.lode("run", check=False)
    assert answer.exit != 0 and "odd.sql" in answer.stderr
    assert not set("\x1b\u009b\u202e") & set(answer.stdout + answer.stderr)


def test_checks_warn_or_stop_what_their_zone_publishes(shop: Project) -> None:
    shop.drop("shop", "orders1.csv", HEADER + "1,ann,2.50,2026-01-02\n2,bo,-1.00,2026-01-03\n3,cy,,2026-01-03\n")
    model = "-- check positive: amount > 0, else {}\n-- check some: (select count(*) from this) > 2, else stop\nselect order_no, amount from staging.orders\n"
    shop.write("zones/shop/canonical/order.sql", model.format("warn"))
    report = shop.json("run")
    assert report["models"][0]["checks"] == [{"name": "positive", "severity": "warn", "state": "warn", "rows": 1},
                                             {"name": "some", "severity": "stop", "state": "ok", "rows": 0}]
    assert len(shop.query("select * from shop.canonical.order")) == 3

    shop.write("zones/shop/canonical/order.sql", model.format("stop"))
    shop.drop("shop", "orders2.csv", HEADER + "4,dan,9.00,2026-01-02\n")
    answer = shop.lode("run", "-o", "json", check=False)
    assert answer.exit == 1 and answer.json["models"][0]["state"] == "failed"
    assert (answer.json["errors"][0]["code"], answer.json["errors"][0]["line"]) == ("E302", 1)
    assert len(shop.query("select * from shop.canonical.order")) == 3
    assert len(shop.query("select * from shop.canonical.order", "--branch", f"run/{answer.json['run']}")) == 4

    shop.write("zones/shop/canonical/order.sql", model.replace("amount > 0", "amuont > 0").format("warn"))
    answer = shop.lode("run", "-o", "json", check=False)
    assert (answer.json["errors"][0]["code"], answer.json["errors"][0]["line"], answer.json["errors"][0]["column"]) == ("E204", 1, 20)


def test_a_branch_is_run_on_without_touching_main(shop: Project) -> None:
    shop.drop("shop", "orders1.csv", HEADER + "1,ann,2.50,2026-01-02\n")
    shop.write("zones/shop/canonical/order.sql", "select order_no from staging.orders\n")
    shop.json("run")
    shop.lode("branch", "try")
    assert [branch["branch"] for branch in shop.json("branch")] == ["main", "try"]
    shop.write("zones/shop/canonical/order.sql", "select order_no, amount from staging.orders\n")
    shop.drop("shop", "orders2.csv", HEADER + "2,bo,1.00,2026-01-03\n")
    report = shop.json("run", "--branch", "try")
    assert report["branch"] == "try" and report["files"]["seen"] == 0
    assert list(shop.query("select * from shop.canonical.order", "--branch", "try")[0]) == ["order_no", "amount"]
    assert list(shop.query("select * from shop.canonical.order")[0]) == ["order_no"]
    assert files(shop.json("run")) == {"staged": 1}
    assert orders(shop) == [1, 2]
    assert shop.error("branch", "try")["code"] == "E107"
    assert shop.error("branch", "run/9")["code"] == "E105"
    assert shop.error("query", "select 1", "--branch", "none")["exit"] == 2
    shop.lode("branch", "try", "--remove")
    assert [branch["branch"] for branch in shop.json("branch")] == ["main"]


def test_runs_are_kept_by_number(project: Project) -> None:
    project.write("zones/shop/zone.yml", "owner: oz\n")
    runs = [project.json("run")["run"] for _ in range(3)]
    assert [project.json("show", "run", str(run))["run"] for run in runs] == runs
    assert project.json("show", "run")["run"] == runs[-1]
    assert [row["run"] for row in project.query("select run, state from lode.runs order by run")] == runs
    assert "100 are kept" in project.error("show", "run", str(runs[-1] + 1))["message"]
    assert project.error("show", "run", "last")["exit"] == 2


def test_a_name_is_one_line_wherever_it_is_printed(shop: Project) -> None:
    """A sender chooses names; one with a line break would write lines that look like ours."""
    forged = "unclaimed  never.csv: all is well"
    shop.drop("shop", f"orders\n{forged}\t\x1b[31m.csv", HEADER + "1,a,1.00,2026-01-01\nx,b,1.00,2026-01-01\n")
    shop.drop("shop", f"other\n{forged}.csv", "a\n1\n")
    shop.drop("shop", f"orders_held\n{forged}.csv", "")
    said = [shop.lode("status"), shop.lode("run", check=False), shop.lode("run", check=False), shop.lode("status"), shop.lode("show", "run"),
            shop.lode("show", "delivery"), shop.lode("show", "quarantine"), shop.lode("trace", "shop.staging.orders", "--where", "order_no = 1"),
            shop.lode("diff", "--raw", "shop.staging.orders"), shop.lode("verify"), shop.lode("plan")]
    for answer in said:
        text = answer.stdout + answer.stderr
        assert not any(line.startswith(forged) for line in text.splitlines()), text
        assert "\t\x1b" not in text and "\x1b[31m" not in text
    assert "other\\n" in said[1].stderr and "orders\\n" in said[1].stderr


def test_a_zones_folder_that_is_none_is_told_of_and_not_followed(shop: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "orders_1.csv").write_text(HEADER)
    place = shop.root / "ingress/shop"
    place.rmdir()
    place.symlink_to(elsewhere)
    answer = shop.lode("run")
    assert "unclaimed  ingress/shop: it is a link" in answer.stderr
    assert (elsewhere / "orders_1.csv").exists()
    assert "unclaimed   ingress/shop: it is a link" in shop.lode("status").stdout
    place.unlink()
    place.write_text(HEADER)
    assert "unclaimed  ingress/shop: it lies in no zone's folder" in shop.lode("run").stderr
    place.unlink()
    place.parent.rmdir()
    assert "there is no folder ingress/" in shop.lode("run").stderr


def test_a_source_of_no_file_is_an_error_of_the_text(shop: Project) -> None:
    shop.write("zones/shop/sources/orders.yml", ORDERS.replace("ingress/orders*.csv", '""'))
    answer = shop.lode("check", check=False)
    assert answer.exit == 2 and "error[E105]" in answer.stderr and "names no file" in answer.stderr
