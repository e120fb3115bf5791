# SPDX-License-Identifier: Apache-2.0
"""A small project for tests that run it hundreds of times, and what is asked of its store after each trouble."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import Project, make_project
from judge import iceberg_rows

ORDERS = """from: ingress/orders_*
columns:
  id: int
  amount: decimal(9,2)
  note: text
"""
RATES = """from: ingress/rates*
load: replace
columns:
  currency: text
  rate: double
"""
MODELS = {
    "canonical/order": "select id, amount, note from staging.orders",
    "analytical/total": "select count(*) as orders, sum(amount) as amount from canonical.\"order\"",
    "analytical/rate": "select currency, rate from staging.rates",
}


def orders(first: int, count: int) -> str:
    """So many orders and, among them, one record that does not fit."""
    lines = [f"{number},{number}.50,note {number}" for number in range(first, first + count)]
    return "\n".join(["id,amount,note", *lines, f"{first + count},none,bad", ""])


@dataclass(frozen=True)
class Small:
    """The project as it is before the run under test: restored from a copy, at one path, for a store knows its own."""

    project: Project
    saved: Path
    fresh: bool  # it has no store yet

    @property
    def folder(self) -> Path:
        return self.project.root.parent

    def save(self) -> None:
        """As it is now."""
        shutil.rmtree(self.saved, ignore_errors=True)
        shutil.copytree(self.folder, self.saved, symlinks=True)

    def restore(self) -> None:
        shutil.rmtree(self.folder)
        shutil.copytree(self.saved, self.folder, symlinks=True)


def make_small(folder: Path, *, fresh: bool = False) -> Small:
    """With one run behind it, unless fresh, and a second one's files in its ingress: a delivery, the same bytes under
    another name, and a table that is replaced."""
    project = make_project(folder / "place")
    project.lode("add", "shop")
    project.write("zones/shop/sources/orders.yml", ORDERS)
    project.write("zones/shop/sources/rates.yml", RATES)
    for name, sql in MODELS.items():
        project.write(f"zones/shop/{name}.sql", sql + "\n")
    project.drop("shop", "orders_1.csv", orders(1, 20))
    project.drop("shop", "rates.csv", "currency,rate\nSEK,1\nEUR,11.2\n")
    if not fresh:
        project.lode("run")
    project.drop("shop", "orders_2.csv", orders(100, 30))
    project.drop("shop", "orders_again.csv", orders(1, 20))
    project.drop("shop", "rates_2.csv", "currency,rate\nSEK,1\nEUR,11.4\nUSD,9.8\n")
    small = Small(project, folder / "saved", fresh)
    small.save()
    return small


def sorted_rows(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(map(repr, rows))


def state_of(project: Project) -> dict[str, Any]:
    """What an outsider finds: every table's rows by PyIceberg, hidden columns too, and the ledger; without what differs
    between two stores that are equal (times, ids)."""
    deliveries = project.json("show", "delivery")
    content = {delivery["delivery"]: delivery["sha256"] for delivery in deliveries}
    state: dict[str, Any] = {}
    for name in project.tables():
        rows = iceberg_rows(project.json("show", name)["metadata_location"]).to_pylist()
        for row in rows:
            if "_file" in row:
                row["_file"] = content[row["_file"]]
        state[name] = sorted_rows(rows)
    state["deliveries"] = sorted((delivery["source"], delivery["sha256"], delivery["state"], delivery["records"],
                                  delivery["accepted"], delivery["quarantined"], delivery["skipped"])
                                 for delivery in deliveries)
    return state


def assert_counts(state: dict[str, Any]) -> None:
    """Every record is in a table, in quarantine or skipped, and every accepted one is in its table once."""
    accepted = 0
    for source, _, delivery_state, records, taken, quarantined, skipped in state["deliveries"]:
        assert records == taken + quarantined + skipped
        if source == "orders" and delivery_state == "staged":
            accepted += taken
    assert len(state.get("shop.staging.orders", [])) == accepted


def files_of(project: Project) -> dict[str, int]:
    """How many files of each kind the store holds; what a death leaves behind would be one too many. SQLite's log and
    its index do not count: two that close the catalog at once leave them, each for the other, and the next one uses them."""
    store = project.store
    logs = ("-wal", "-shm")
    return {"data": len(list(store.glob("tables/*/data/*"))), "metadata": len(list(store.glob("tables/*/metadata/*"))),
            "landing": len([path for path in store.glob("landing/**/*") if path.is_file()]),
            "queue": len(list(store.glob("commit/queue/*"))), "run": len(list(store.glob("run/*"))),
            "root": len([path for path in store.iterdir() if path.is_file() and not path.name.endswith(logs)])}
