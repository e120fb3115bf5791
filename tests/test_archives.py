# SPDX-License-Identifier: Apache-2.0
"""Archives in ingress: each member is a delivery of its own, what no source wants is told of, and an archive that is not
wholly what it says stays where it is, with words. Python's zipfile and tarfile pack; every file is counted once."""

import csv
import io
import re
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from conftest import Project

ORDERS = {f"orders_{day}.csv": f"id,amount\n{day},{day}.50\n" for day in range(1, 4)}


def zipped(members: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(members: dict[str, str | bytes], mode: str = "w", form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=form) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def sources(project: Project) -> None:
    project.write("zones/shop/zone.yml", "owner: root\n")
    project.write("zones/shop/sources/orders.yml", "from: ingress/orders_*.csv\nformat: csv\ncolumns:\n  id: int\n  amount: decimal(10,2)\n")
    project.write("zones/shop/sources/clients.yml", "from: ingress/clients*.csv\nformat: csv\ncolumns:\n  id: int\n  name: text\n")


def run(project: Project) -> dict[str, Any]:
    report = project.json("run", check=False)
    counts = report["files"]
    assert counts["seen"] == sum(counts[key] for key in ("staged", "duplicate", "held", "failed", "unclaimed")), counts
    return report


def planned(project: Project) -> dict[str, int]:
    counts = dict.fromkeys(("waiting", "duplicate", "held", "unclaimed"), 0)
    said = project.lode("plan").stdout
    return counts | {word: int(count) for count, word in re.findall(r"(\d+) (waiting|duplicate|held|unclaimed)", said)}


def ids(project: Project) -> list[int]:
    return [row["id"] for row in project.query("select id from shop.staging.orders order by id")]


PACKERS: dict[str, Callable[[dict[str, str | bytes]], bytes]] = {
    "a.zip": zipped, "stored.zip": lambda members: zipped(members, zipfile.ZIP_STORED), "a.tar": tarred,
    "gnu.tar": lambda members: tarred(members, form=tarfile.GNU_FORMAT), "old.tar": lambda members: tarred(members, form=tarfile.USTAR_FORMAT),
    "a.tar.gz": lambda members: tarred(members, "w:gz"), "a.tar.bz2": lambda members: tarred(members, "w:bz2"),
    "a.tar.xz": lambda members: tarred(members, "w:xz"),
    "a.tar.zst": lambda members: pyarrow.compress(tarred(members), codec="zstd", asbytes=True), "nameless": zipped}


def test_members_are_deliveries_of_their_own(project: Project) -> None:
    sources(project)
    for number, (name, pack) in enumerate(PACKERS.items()):
        long = "a folder of a long name/" * 5
        project.drop("shop", name, pack({f"orders_{number}.csv": f"id,amount\n{number},1\n", f"{long}orders_{100 + number}.csv": f"id,amount\n{100 + number},2\n",
                                         "export/clients.csv": f"id,name\n{number},Zoë\n"}))
    report = run(project)
    count = len(PACKERS)
    assert report["state"] == "published" and report["files"] == {
        "seen": 3 * count, "staged": 3 * count, "duplicate": 0, "held": 0, "failed": 0, "unclaimed": 0}, report
    assert ids(project) == [*range(count), *range(100, 100 + count)]
    names = {delivery["name"] for delivery in report["deliveries"]}
    assert {f"{name}/export/clients.csv" for name in PACKERS} <= names
    assert not list((project.root / "ingress/shop").iterdir())
    assert not [path for path in (project.store / "commit/unpacked").rglob("*") if path.name != "shop"]
    assert run(project)["files"]["seen"] == 0


def test_the_same_member_is_a_duplicate_and_what_nobody_wants_is_told(project: Project) -> None:
    sources(project)
    project.drop("shop", "first.zip", zipped({**ORDERS, "readme.txt": "hello", "__MACOSX/._orders_1.csv": "x", ".hidden": "y"}))
    report = run(project)
    assert report["files"] | {"seen": 0} == {"seen": 0, "staged": 3, "duplicate": 0, "held": 0, "failed": 0, "unclaimed": 2}
    project.drop("shop", "second.tar", tarred({"orders_1.csv": ORDERS["orders_1.csv"], "orders_9.csv": "id,amount\n9,9\n"}))
    report = run(project)
    assert report["files"] | {"seen": 0} == {"seen": 0, "staged": 1, "duplicate": 1, "held": 0, "failed": 0, "unclaimed": 2}
    assert ids(project) == [1, 2, 3, 9]
    told = project.lode("run", check=False)
    assert "ingress/shop/first.zip/readme.txt" in told.stdout + told.stderr and "ingress/shop/first.zip/_.hidden" in told.stdout + told.stderr


def bad_archives() -> dict[str, tuple[bytes, str]]:
    good = zipped({"orders_1.csv": "id,amount\n" + "1,2\n" * 500})
    links = io.BytesIO()
    with tarfile.open(fileobj=links, mode="w") as archive:
        info = tarfile.TarInfo("orders_1.csv")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    link = zipfile.ZipInfo("orders_1.csv")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    zip_link = io.BytesIO()
    with zipfile.ZipFile(zip_link, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    directory = good.index(b"PK\x01\x02")
    encrypted = bytearray(good)
    encrypted[directory + 8] |= 1
    bomb = bytearray(good)
    bomb[directory + 24:directory + 28] = (4_000_000_000).to_bytes(4, "little")
    wrong_sum = bytearray(good)
    wrong_sum[directory + 16] ^= 1
    method = bytearray(good)
    method[directory + 10] = 9
    tar = tarred(ORDERS)  # type: ignore[arg-type]
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive:
        archive.writestr("orders_1.csv", "a")
        archive.writestr("./orders_1.csv", "b")
    return {
        "encrypted.zip": (bytes(encrypted), "'orders_1.csv' is encrypted"),
        "bomb.zip": (bytes(bomb), "more than 1000 times its size"),
        "sum.zip": (bytes(wrong_sum), "damaged"),
        "method.zip": (bytes(method), "zip's method 9"),
        "cut.zip": (good[:-30], "damaged"),
        "up.zip": (zipped({"../orders_1.csv": "x"}), "'../orders_1.csv' would lie outside"),
        "deep.zip": (zipped({"a/../../orders_1.csv": "x"}), "would lie outside"),
        "root.tar": (tarred({"/etc/orders_1.csv": "x"}), "would lie outside"),
        "drive.zip": (zipped({"C:orders_1.csv": "x"}), "would lie outside"),
        "back.zip": (zipped({"a/..\\..\\orders_1.csv": "x"}), "would lie outside"),
        "control.tar": (tarred({"orders\x01.csv": "x"}), "a name that no file"),
        "link.tar": (links.getvalue(), "is a link"),
        "link.zip": (zip_link.getvalue(), "is a link"),
        "twice.zip": (twice.getvalue(), "two members of the archive are called 'orders_1.csv'"),
        "many.zip": (zipped({f"orders_{number}.csv": "" for number in range(10001)}), "more than 10000 members"),
        "cut.tar": (tar[:700], "ends too early"),
        "open.tar": (tar[:1024], "ends too early"),
        "header.tar": (tar[:1024] + b"x" * 512 + tar[1536:], "damaged"),
        "empty.zip": (zipped({}), "no members"),
    }


def test_what_is_not_wholly_understood_is_held_where_it_is(project: Project) -> None:
    sources(project)
    bad = bad_archives()
    for name, (content, _) in bad.items():
        project.drop("shop", name, content)
    for _ in range(2):
        report = run(project)
        assert report["files"]["held"] == report["files"]["seen"] == len(bad), report["files"]
        said = {delivery["name"]: delivery["message"] for delivery in report["deliveries"]}
        for name, (content, words) in bad.items():
            assert words in said[name], (name, said[name])
            assert (project.root / "ingress/shop" / name).read_bytes() == content
    assert not list((project.store / "commit/unpacked").rglob("*.csv"))


def test_archives_in_archives_are_not_unpacked_and_workbooks_are_none(project: Project, test_data: Path) -> None:
    sources(project)
    workbook = next(path for path in sorted((test_data / "xlsx").glob("*.xlsx")) if path.read_bytes()[:2] == b"PK")
    project.drop("shop", "outer.zip", zipped({"orders_1.csv": ORDERS["orders_1.csv"], "inner.zip": zipped({"orders_2.csv": ORDERS["orders_2.csv"]})}))
    project.drop("shop", "book.xlsx", workbook)
    report = run(project)
    assert report["files"] == {"seen": 3, "staged": 1, "duplicate": 0, "held": 0, "failed": 0, "unclaimed": 2}, report
    assert ids(project) == [1] and (project.root / "ingress/shop/book.xlsx").exists()


@pytest.mark.parametrize("name", ["movies.zip", "movies.tar.gz"])
def test_real_archives(project: Project, test_data: Path, name: str) -> None:
    """Cell for cell what Python reads of the members; a text that is called an archive is none."""
    with zipfile.ZipFile(test_data / "encodings/movies.zip") as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()}
    assert sorted(members) == ["movies-condensed.tsv", "movies.tsv"]
    project.write("zones/shop/zone.yml", "owner: root\n")
    records = {}
    for member, codec in (("movies-condensed.tsv", "utf-8"), ("movies.tsv", "latin-1")):
        header, *rows = csv.reader(io.StringIO(members[member].decode(codec), newline=""), delimiter="\t")
        records[member.removesuffix(".tsv").replace("-", "_")] = (header, rows)
        project.write(f"zones/shop/sources/{member.removesuffix('.tsv').replace('-', '_')}.yml",
                      f"from: ingress/{member}\nformat: csv\ndelimiter: tab\nencoding: {codec.replace('-1', '1')}\ncolumns:\n"
                      + "".join(f"  {column}: text\n" for column in header))
    project.drop("shop", name, test_data / "encodings" / name)
    project.drop("shop", "notazip.zip", test_data / "encodings/notazip.zip")
    files = run(project)["files"]
    assert (files["seen"], files["staged"], files["unclaimed"]) == (3, 2, 1), files
    for source, (header, rows) in records.items():
        staged = project.table(f"shop.staging.{source}").sort_by("_row").to_pylist()
        assert [row["_row"] for row in staged] == list(range(2, len(rows) + 2))
        assert [[row[column] or "" for column in header] for row in staged] == rows
    assert len(records["movies"][1]) == 232 and len(records["movies_condensed"][1]) == 20


def test_add_looks_into_an_archive(project: Project, test_data: Path) -> None:
    project.drop("shop", "delivery.zip", zipped({**ORDERS, "export/clients.csv": "id,name\n1,Zoë\n", "readme.txt": ""}))
    said = project.json("add", "shop", project.root / "ingress/shop/delivery.zip", check=False)
    assert {source["source"]: len(source["files"]) for source in said["sources"]} == {"orders": 3, "clients": 1}, said
    assert "from: ingress/orders_*.csv" in (project.root / "zones/shop/sources/orders.yml").read_text()
    report = run(project)
    assert (report["files"]["staged"], report["files"]["unclaimed"]) == (4, 1), report
    said = project.json("add", "films", test_data / "encodings/movies.zip")
    assert all(file.startswith(str(test_data / "encodings/movies.zip") + "/") for source in said["sources"] for file in source["files"])


def test_what_add_writes_of_an_archive_elsewhere_is_found_by_the_next_run(project: Project) -> None:
    """In folders inside of it, too."""
    (project.root / "in").mkdir()
    (project.root / "in/may.zip").write_bytes(zipped({"2026/05/orders.csv": "id,amount\n1,2.50\n", "clients.csv": "id,name\n1,Zoë\n"}))
    project.json("add", "shop", "in/may.zip")
    assert "from: in/may.zip/2026/05/orders.csv" in (project.root / "zones/shop/sources/orders.yml").read_text()
    assert run(project)["files"]["staged"] == 2
    assert [row["name"] for row in project.query("select name from shop.staging.clients")] == ["Zoë"]


@pytest.mark.full
@pytest.mark.timeout(600)
def test_ten_thousand_members(project: Project) -> None:
    sources(project)
    project.drop("shop", "all.zip", zipped({f"orders_{number}.csv": f"id,amount\n{number},1\n" for number in range(9999)}))
    report = run(project)
    assert report["files"]["staged"] == 9999 and ids(project) == list(range(9999))


def test_status_says_what_is_held_and_what_a_run_unpacks(project: Project) -> None:
    sources(project)
    project.drop("shop", "up.zip", zipped({"../orders_1.csv": "x"}))
    before = project.json("status")
    assert (before["files"]["seen"], before["files"]["unclaimed"], before["next"]) == (1, 0, "lode run")
    project.lode("run", check=False)
    after = project.json("status")
    assert (after["files"]["seen"], after["files"]["unclaimed"], after["files"]["held"], after["next"]) == (0, 0, 1, "lode show run")
    ((name, message),) = [(row["name"], row["message"]) for row in after["held"]]
    assert name == "up.zip" and "would lie outside" in message
    assert "ingress/shop/up.zip: the archive's member" in project.lode("status").stdout
    project.drop("shop", "good.zip", zipped({"orders_3.csv": "id,amount\n3,1\n"}))
    mixed = project.json("status")
    assert (mixed["files"]["seen"], mixed["files"]["held"], mixed["next"]) == (1, 1, "lode run")


@pytest.mark.parametrize("pattern", ["in/o.zip/*.csv", "in/*.zip/orders_1.csv", "in/o.zip", "in/*.zip", "../out/o.zip", "{abs}/*.zip/orders_*.csv"])
def test_an_archive_elsewhere_is_unpacked_and_stays(project: Project, pattern: str) -> None:
    outside = project.root.parent / "out"
    outside.mkdir()
    pattern = pattern.replace("{abs}", str(outside))
    place = outside if "out" in pattern else project.root / "in"
    place.mkdir(exist_ok=True)
    archive = place / "o.zip"
    archive.write_bytes(zipped({"orders_1.csv": "id\n1\n", "sub/items.txt": "no source wants this\n"}
                               if pattern.endswith(".csv") else {"orders_1.csv": "id\n1\n"}))
    project.write("zones/shop/sources/o.yml", f"from: {pattern}\ncolumns:\n  id: int\n")
    assert project.json("status")["files"]["seen"] == 1
    report = run(project)
    assert (report["files"]["seen"], report["files"]["staged"], report["files"]["unclaimed"]) == (1, 1, 0), report
    assert report["deliveries"][0]["name"].endswith("o.zip/orders_1.csv")
    assert archive.exists() and not list((project.store / "commit/unpacked").rglob("*.*"))
    for _ in range(2):
        report = run(project)
        assert report["state"] == "nothing" and report["files"]["seen"] == 0, report
    assert project.json("status")["files"]["seen"] == 0
    archive.write_bytes(zipped({"orders_1.csv": "id\n1\n", "orders_2.csv": "id\n2\n"}))
    report = run(project)
    assert report["files"]["staged"] == (0 if "orders_1" in pattern else 1), report
    assert len(project.query("select id from shop.staging.o")) == (1 if "orders_1" in pattern else 2)
    archive.write_bytes(zipped({"../up.csv": "id\n3\n"}))
    report = run(project)
    assert report["files"]["held"] == 1 and "would lie outside" in report["deliveries"][0]["message"], report
    status = project.json("status")
    assert status["files"]["held"] == 1 and status["files"]["seen"] == 0, status


def test_two_sources_take_what_is_theirs_of_an_archive_elsewhere(project: Project) -> None:
    project.write("in/o.zip", zipped({"orders.csv": "id\n1\n", "items.csv": "id\n1\n2\n", "inner.zip": zipped({"x.csv": "id\n9\n"})}))
    for name in ("orders", "items"):
        project.write(f"zones/shop/sources/{name}.yml", f"from: in/*.zip/{name}.csv\ncolumns:\n  id: int\n")
    report = run(project)
    assert report["files"]["staged"] == 2 and report["state"] == "published", report
    assert [len(project.query(f"select id from shop.staging.{name}")) for name in ("orders", "items")] == [1, 2]
    assert run(project)["state"] == "nothing"


def test_a_member_that_nobody_claims_stays_in_its_archive(project: Project) -> None:
    """The archive lies in ingress until its last member is taken: `status`, `plan` and `add` know of it, and nothing else has it."""
    place = project.root / "ingress/shop/march.zip"
    content = zipped({"orders_1.csv": ORDERS["orders_1.csv"], "stock.csv": "sku,qty\na,1\n"})
    project.drop("shop", "march.zip", content)
    assert project.json("run", check=False)["files"] | {"seen": 0} == {"seen": 0, "staged": 0, "duplicate": 0, "held": 0, "failed": 0, "unclaimed": 1}
    assert place.read_bytes() == content, "where no zone is nothing is unpacked"
    sources(project)
    plan = planned(project)
    assert (plan["waiting"], plan["unclaimed"]) == (1, 1), plan
    assert place.read_bytes() == content and not list((project.store / "commit/unpacked").rglob("*.csv"))
    report = run(project)
    assert (report["files"]["staged"], report["files"]["unclaimed"]) == (1, 1), report
    for _ in range(2):
        assert place.read_bytes() == content
        status, plan = project.json("status")["files"], planned(project)
        assert (status["seen"], status["unclaimed"]) == (1, 1), status
        assert (plan["waiting"], plan["duplicate"], plan["unclaimed"]) == (0, 0, 1), plan
        report = run(project)
        assert (report["files"]["seen"], report["files"]["unclaimed"]) == (1, 1), report
    for again in (lambda: project.drop("shop", "march.zip", content), lambda: place.chmod(0o640)):
        again()  # the same bytes bring nothing
        report = run(project)
        assert (report["files"]["seen"], report["files"]["unclaimed"], len(list((project.store / "commit/unpacked").rglob("*.csv")))) == (1, 1, 1), report
    said = project.json("add", "shop", place)
    assert [(source["source"], source["files"]) for source in said["sources"]] == [("stock", [f"{place}/stock.csv"])], said
    assert "source 'orders' reads it already" in said["left_over"][0]["why"]
    report = run(project)
    assert (report["files"]["seen"], report["files"]["staged"]) == (1, 1), report
    assert not place.exists() and not list((project.store / "commit/unpacked").rglob("*.*"))
    assert ids(project) == [1] and project.query("select sku from shop.staging.stock") == [{"sku": "a"}]


def test_add_takes_a_member_by_the_name_that_it_is_told_by(project: Project) -> None:
    sources(project)
    project.drop("shop", "may.zip", zipped({"a/stock_1.csv": "sku,qty\na,1\n", "prices.csv": "sku,price\na,1.50\n"}))
    ran = project.lode("run", check=False)
    told = [word.rstrip(":") for word in (ran.stdout + ran.stderr).split() if word.startswith("ingress/")]
    assert sorted(told) == ["ingress/shop/may.zip/a/stock_1.csv", "ingress/shop/may.zip/prices.csv"]
    said = project.json("add", "shop", project.root / told[0])
    assert [source["source"] for source in said["sources"]] == ["stock"] and said["left_over"] == []
    said = project.json("add", "shop", f"{project.root}/ingress/shop/*.zip/pri*.csv")
    assert [source["source"] for source in said["sources"]] == ["prices"]
    assert "no member 'none.csv'" in project.lode("add", "shop", project.root / "ingress/shop/may.zip/none.csv", check=False).stdout
    assert project.error("add", "shop", project.root / "ingress/shop/none.zip/none.csv")["code"] == "E108"
    assert run(project)["files"]["staged"] == 2


def test_an_archive_that_is_taken_back_or_sent_anew_takes_its_members_along(project: Project) -> None:
    sources(project)
    place = project.root / "ingress/shop/march.zip"
    project.drop("shop", "march.zip", zipped({"orders_1.csv": ORDERS["orders_1.csv"], "x.txt": "one\n", "old.tmp": "two\n"}))
    assert run(project)["files"]["unclaimed"] == 2  # a member is whole, whatever its name ends in
    project.drop("shop", "march.zip", zipped({"orders_2.csv": ORDERS["orders_2.csv"], "y.txt": "two\n", "z.txt": "three\n"}))
    assert planned(project)["unclaimed"] == 2
    report = run(project)
    assert (report["files"]["staged"], report["files"]["unclaimed"]) == (1, 2), report
    assert sorted(path.name for path in (project.store / "commit/unpacked").rglob("*.txt")) == ["y.txt", "z.txt"]
    place.unlink()
    assert project.json("status")["files"]["seen"] == 0
    assert run(project)["files"]["seen"] == 0 and not list((project.store / "commit/unpacked").rglob("*.txt"))
    assert ids(project) == [1, 2]


def test_plan_says_of_archives_what_the_run_will_do(project: Project) -> None:
    sources(project)
    project.drop("shop", "bad.zip", zipped({"../orders_1.csv": "x"}))
    project.drop("shop", "good.tar", tarred({**ORDERS, "readme.txt": "hello"}))  # type: ignore[dict-item]
    project.write("in/o.zip", zipped({"orders_9.csv": "id\n9\n", "else.txt": "x"}))
    project.write("zones/shop/sources/o.yml", "from: in/o.zip/orders_*.csv\ncolumns:\n  id: int\n")
    for store in (False, True):
        plan = planned(project)
        assert (plan["waiting"], plan["held"], plan["unclaimed"]) == (4, 1, 1), (store, plan)
        if not store:
            assert not project.store.exists()
            project.json("apply")
    report = run(project)["files"]
    assert (report["staged"], report["held"], report["unclaimed"]) == (4, 1, 1)
    assert not [path for path in (project.store / "commit/unpacked").iterdir() if path.name.startswith(".")]


def test_a_held_archive_is_called_by_its_zone_alone(project: Project) -> None:
    sources(project)
    project.drop("shop", "cut.zip", zipped(ORDERS)[:-30])  # type: ignore[arg-type]
    ran = project.lode("run", check=False)
    assert "shop. " not in ran.stdout + ran.stderr and re.search(r"^held +shop +cut\.zip: ", ran.stdout + ran.stderr, re.M), ran
    assert "shop. " not in project.lode("show", "run").stdout
