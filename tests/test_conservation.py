# SPDX-License-Identifier: Apache-2.0
"""Real files cut, spoiled and written in other dialects, through `lode add` and `lode run` with no edit. Whatever comes of a file,
nothing of it goes without a word: counts add up, every line with a word in it is in a row, in quarantine, or one of those that were
skipped; a file that is not read is said to be so."""

import csv
import io
import json
import random
import re
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import test_real_add as real
from conftest import Project, counts, make_project

MOST_BYTES = 20_000
BATCH = 40
WORD = re.compile(r"[A-Za-z]{4,}")
# Words that a value is made of and does not have any more.
TYPED = re.compile(r"null|none|true|false|(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|june|july|august|sept(?:ember)?|"
                   r"october|november|december", re.IGNORECASE)


def clean_texts(test_data: Path) -> list[str]:
    """Of each real file as many whole lines as are quickly read."""
    texts = []
    for path in [*real.files_of(test_data).values(), *sorted((test_data / "ourairports").glob("*.csv"))]:
        text = real.text_of(path)
        if text and len(text) > 20:
            texts.append(text[:MOST_BYTES].rpartition("\n")[0] + "\n" if len(text) > MOST_BYTES else text)
    return texts


def cut(chance: random.Random, text: str) -> bytes:
    data = text.encode()
    begin, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    return chance.choice([data[:end], data[begin:], data[:begin] + data[end:], data[begin:end] + data])


def spoil(chance: random.Random, text: str) -> bytes:
    data = bytearray(text.encode())
    for _ in range(chance.choice([1, 1, 3, 20])):
        at = chance.randrange(len(data) + 1)
        what = chance.choice([b'"', b"'", b",", b";", b"\t", b"\\", b"\n", b"\r", b"\xff", b"\0", b"#", b"{", bytes([chance.randrange(256)])])
        data[at:at + chance.choice([0, 0, 1, 5])] = what * chance.choice([1, 1, 1, 2, 40])
    return bytes(data)


def rewrite(chance: random.Random, text: str) -> bytes:
    records = real.best_cut(text)
    out = io.StringIO()
    quote = chance.choice(['"', '"', "'"])
    writer = csv.writer(out, delimiter=chance.choice(",;\t|"), quotechar=quote, lineterminator=chance.choice(["\n", "\r\n"]),
                        quoting=chance.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]))
    for record in records:
        writer.writerow([field.strip() if chance.random() < 0.1 else field for field in record])
    encoding = chance.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252", "gb18030", "shift_jis"])
    return out.getvalue().encode(encoding, "ignore")


def make(seed: int, texts: list[str]) -> bytes:
    """A file; the seed names it."""
    chance = random.Random(seed)
    content = chance.choice([cut, spoil, rewrite])(chance, chance.choice(texts))
    if chance.random() < 0.2:
        content = spoil(chance, content.decode("utf-8", "replace"))
    return content


def rows_of(project: Project, sources: list[str]) -> dict[str, list[str]]:
    """Each source's rows as texts."""
    found: dict[str, list[str]] = defaultdict(list)
    asked = " union all ".join(f"select '{name}' as source, to_json(whole_row)::text as row from z.staging.{name} as whole_row" for name in sources)
    for row in project.query(asked) if sources else []:
        found[row["source"]].append(" ".join(words_of_json(json.loads(row["row"]))))
    return found


def words_of_json(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [word for inner in value.values() for word in words_of_json(inner)]
    return [word for inner in value for word in words_of_json(inner)] if isinstance(value, list) else [str(value)]


def judge(content: bytes, source: dict[str, Any], delivery: dict[str, Any], rows: list[str], raws: list[str]) -> str:
    """What is wrong with it; empty: nothing."""
    records, accepted, quarantined, skipped = (delivery[key] for key in ("records", "accepted", "quarantined", "skipped"))
    if records != accepted + quarantined + skipped:
        return "the counts do not add up"
    if delivery["state"] == "held":
        return "" if delivery["message"] else "held without a reason"
    if delivery["state"] != "staged":
        return f"state {delivery['state']}: {delivery['message']}"
    if (len(rows), len(raws)) != (accepted, quarantined):
        return f"{accepted} accepted and {quarantined} quarantined, but {len(rows)} and {len(raws)} are to be seen"
    if source["format"] not in ("csv", "fixed"):
        return ""
    encoding = (source["dialect"] or {}).get("encoding") or ("utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8")
    try:
        text = content.decode({"latin1": "cp1252", "gbk": "gb18030", "utf8": "utf-8"}.get(encoding, encoding), "replace")
    except LookupError:
        return ""
    known = set(WORD.findall("\n".join([*rows, *raws, *(column["name"] for column in source["columns"])])))
    runs, lost = 0, []  # a record may have several lines: those that are missing side by side may be one
    for line in re.split(r"\r\n|\n|\r", text):
        words = [word for word in WORD.findall(line) if not TYPED.fullmatch(word)]
        if words and not known.intersection(words):
            runs += not lost or lost[-1] is None
            lost.append(line)
        elif words:
            lost.append(None)
    return f"{runs} records are nowhere and {skipped} were skipped: {[line for line in lost if line][:3]}" if runs > skipped else ""


@counts("LODE_CONSERVED", 40, 4000, seconds=3600)
def test_nothing_of_any_file_goes_without_a_word(tmp_path: Path, test_data: Path, count: int) -> None:
    texts, wrong = clean_texts(test_data), {}
    for begin in range(0, count, BATCH):
        folder = tmp_path / str(begin)
        folder.mkdir()
        project = make_project(folder)
        contents = {seed: make(seed, texts) for seed in range(begin, min(begin + BATCH, count))}
        files = [project.write(f"in/f{seed}.csv", content) for seed, content in contents.items()]
        answer = project.lode("add", "z", "--each", *files, "-o", "json", check=False)
        assert answer.exit in (0, 1) and answer.stdout, (begin, answer)
        added = answer.json
        report = project.lode("run", "-o", "json", check=False).json
        deliveries = {delivery["source"]: delivery for delivery in report["deliveries"]}
        raws: dict[str, list[str]] = defaultdict(list)
        for row in project.json("show", "quarantine", "--rows"):
            raws[str(row["delivery"])].append(row["raw"] or "")
        staged = [source["source"] for source in added["sources"] if deliveries[source["source"]]["accepted"] and deliveries[source["source"]]["state"] == "staged"]
        rows = rows_of(project, staged)
        seen = {Path(left["file"]).stem for left in added["left_over"] if left["why"]}
        for source in added["sources"]:
            seed = Path(source["files"][0]).stem
            seen.add(seed)
            delivery = deliveries[source["source"]]
            if fault := judge(contents[int(seed[1:])], source, delivery, rows.get(source["source"], []), raws[str(delivery["delivery"])]):
                wrong[int(seed[1:])] = fault
        assert seen == {f"f{seed}" for seed in contents}, "each file is spoken of"
        shutil.rmtree(folder)
    assert not wrong, wrong
