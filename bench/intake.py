# SPDX-License-Identifier: Apache-2.0
"""What readers make of files nobody described and of files that one byte spoils: ours, DuckDB, Polars, Python's csv. One
judge for all: the records that a regular expression (tests/test_pollution.py) or Python's csv with the dialect that a person
would choose (tests/test_real_add.py) finds in the text. It is lenient to all alike: numbers are compared by value, dates by
year, an empty text is a missing one, words for nothing are nothing, whatever stands above the table may be passed over.

    exact      every record that is whole is in the table as it stands, and what is not, is told of by itself
    wrong      the table has a row that is no record of the file: shifted, cut, padded, run together, or the header
    silent     a record is in no row, and nothing was said of it
    refused    the reader raised an error, or said that it cannot read the file: nobody is misled
    conserved  neither wrong nor silent"""

import contextlib
import io
import json
import os
import pickle
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import readers
import test_pollution as pollution
import test_real_add as real
from conftest import TEST_DATA, Project, make_project

Read = dict[str, Any]  # what readers.py gives for a file
DETAILS = os.environ.get("LODE_BENCH_DETAILS", "")  # a file: what each reader made of each file
# Real files whose first record is data, as a person sees, and those of which a person cannot tell; all others have names above
# their records.
HEADERLESS = re.compile(r"""openflights/.* | encodings/example-(?:latin1|utf).* | duckdb-csv/(?:multiple_line_too_long.* | nullpadding(?:_header)?\.csv | unquoted_escape/(?:plain|human_eval|basic).*
    | auto/(?:backslash_escape|empty_header|leading_space|multi_column_string|no_header|pipe_|quote_escape|rfc_conform|semicolon_|single_quote|tab|unnamed|varchar_multi).*
    | headers/undetected_type.* | multiple_files/more_columns/file_no_header.*
    | test/(?:force_|issue2518|mixed_line|multi_column_|new_line_string|no_newline|quoted_newline|struct_padding|test_default|test_long_line|test_null_option|test_pipe|vsize).*)""",
                        re.VERBOSE)
EITHER = re.compile(r"duckdb-csv/(?:header(?:_2|_bug)?\.csv|multidelimiter/.*|test/(?:nfc|5438).*)")


class Verdict(NamedTuple):
    refused: bool
    wrong: int
    silent: int
    exact: bool


# ---- the readers ----


def peer_reads(python: Path, reader: str, files: list[Path]) -> list[Read]:
    """A program that dies of a file has refused it, and goes on with the next."""
    reads: list[Read] = []
    while len(reads) < len(files):
        left = json.dumps([str(path) for path in files[len(reads):]])
        done = subprocess.run([python, Path(__file__).with_name("readers.py"), "rows", reader], input=left.encode(), capture_output=True)
        with io.BytesIO(done.stdout) as stream, contextlib.suppress(EOFError, pickle.UnpicklingError):
            while True:
                reads.append(pickle.load(stream))
        if len(reads) < len(files):
            assert done.returncode != 0, done.stderr.decode()[-1000:]
            reads.append({"refused": f"died with {done.returncode}"})
    return reads


def staged(project: Project, source: str, delivery: dict[str, Any]) -> Read:
    if delivery["state"] != "staged":
        return {"refused": delivery["message"]}
    rows = []
    if delivery["accepted"]:
        table = project.table(f"z.staging.{source}").sort_by("_row").drop_columns(["_file", "_row"])
        rows = [tuple(row.values()) for row in table.to_pylist()]
    return {"rows": rows, "told": delivery["quarantined"], "skipped": delivery["skipped"]}


def our_guesses(folder: Path, files: list[Path]) -> list[Read]:
    """`lode add` and `lode run` with no edit."""
    project = make_project(folder)
    reads: dict[str, Read] = {}
    added = project.lode("add", "z", "--each", *files, "-o", "json", check=False, timeout=3600).json
    report = project.lode("run", "-o", "json", check=False, timeout=3600).json
    deliveries = {delivery["source"]: delivery for delivery in report["deliveries"]}
    for left in added["left_over"]:
        reads[left["file"]] = {"refused": left["why"]}
    for source in added["sources"]:
        (file,) = source["files"]
        reads[file] = staged(project, source["source"], deliveries[source["source"]])
        reads[file]["source"] = source
    return [reads[str(file)] for file in files]


def ours_told(folder: Path, files: list[Path]) -> list[Read]:
    """All files are one source with its columns declared."""
    project = make_project(folder)
    columns = "".join(f"  {name}: {kind}\n" for name, kind in zip(("id", "name", "amount", "born", "note"), ("int", "text", "decimal(10,2)", "date", "text"), strict=True))
    project.write("zones/z/zone.yml", "owner: root\n")
    project.write("zones/z/sources/c.yml", f"from: {files[0].parent}/*.csv\nformat: csv\ncolumns:\n{columns}")
    report = project.lode("run", "-o", "json", check=False, timeout=3600).json
    rows: dict[int, list[tuple[Any, ...]]] = {}
    for row in project.table("z.staging.c").to_pylist():
        rows.setdefault(row.pop("_file"), []).append(tuple(value for name, value in row.items() if name != "_row"))
    reads = {delivery["name"]: {"rows": rows.get(int(delivery["delivery"]), []), "told": delivery["quarantined"]} if delivery["state"] == "staged" else
             {"refused": delivery["message"]} for delivery in report["deliveries"]}
    return [reads[str(file)] for file in files]


# ---- one byte too many or too few ----


def could_be(content: bytes, typed: bool) -> list[tuple[str | None, ...]]:
    """Every record of five fields that begins at the beginning of a line; with types, those whose cells parse."""
    found = []
    for start in [0, *(match.end() for match in re.finditer(rb"\r\n|\n|\r", content))]:
        match = pollution.RECORD.match(content, start)
        for encoding in ("utf-8", "cp1252") if match and not typed else ("utf-8",) if match else ():
            try:
                cells = tuple(None if field is None else unquoted(field.decode(encoding)) for field in match.groups())
            except UnicodeDecodeError:
                continue
            if not typed or all(not cell or re.fullmatch(kind, cell, re.S) for kind, cell in zip(pollution.TYPES, cells, strict=True)):
                found.append(cells)
    return found


def unquoted(text: str) -> str:
    return text[1:-1].replace('""', '"') if len(text) > 1 and text.startswith('"') else text


def same_row(cells: tuple[str | None, ...], row: tuple[Any, ...]) -> bool:
    return len(cells) == len(row) and all(same_cell(cell or "", value) for cell, value in zip(cells, row, strict=True))


def same_cell(cell: str, value: Any) -> bool:
    return (value in (None, "") and cell.strip() in ("", '""')) or real.same(cell, value)


def judge_spoiled(spoiled: pollution.Spoiled, read: Read, typed: bool) -> Verdict:
    if "refused" in read:
        return Verdict(True, 0, 0, False)
    left = list(read["rows"])
    lost = []
    for index, clean in enumerate(pollution.ROWS):
        found = next((i for i, row in enumerate(left) if same_row(clean, row)), None)
        if found is None:
            lost.append(index)
        else:
            del left[found]
    header = tuple(pollution.HEADER.decode().strip().split(","))
    possible = [cells for cells in could_be(spoiled.content, typed) if cells != header]
    wrong = sum(not any(same_row(cells, row) for cells in possible) for row in left)
    touched = {spoiled.record, min(spoiled.record + 1, len(pollution.ROWS) - 1)} if spoiled.joined else {spoiled.record}
    neighbours = [index for index in lost if index not in touched]
    silent = max(len(neighbours) - read["told"], 0) + (len(lost) > len(neighbours) and not read["told"] and not left)
    return Verdict(False, wrong, silent, not wrong and not silent and not neighbours)


# ---- files of other people ----


def same_record(record: list[str], row: tuple[Any, ...]) -> bool:
    if len(record) == len(row) and all(map(same_cell, record, row)):
        return True
    with contextlib.suppress(ValueError, AttributeError):  # lines of JSON are read as that, or as texts
        return list(json.loads(",".join(record)).values()) == list(row)
    return False


def judge_rows(records: list[list[str]], above: int, begin: int, read: Read) -> Verdict:
    """The table begins after `above` records, its data after `begin`."""
    used, at, wrong = 0, 0, 0
    for row in read["rows"]:
        found = next((i for i in range(at, len(records)) if same_record(records[i], row)), None)
        if found is None:
            wrong += any(value not in (None, "") for value in row)
        elif above <= found < begin:
            wrong, at = wrong + 1, found + 1
        else:
            at, used = found + 1, used + (found >= begin)
    silent = max(len(records) - begin - used - read["told"] - wrong, 0)
    return Verdict(False, wrong, silent, not wrong and not silent and read["told"] == 0)


def judge_real(name: str, records: list[list[str]], read: Read) -> Verdict:
    if "refused" in read:
        return Verdict(True, 0, 0, False)
    width = Counter(map(len, records)).most_common(1)[0][0] if records else 0
    above = next((i for i, record in enumerate(records) if len(record) == width), 0)
    if EITHER.fullmatch(name) or len(records) == above + 1:
        return min((judge_rows(records, above, begin, read) for begin in (above, above + 1)), key=lambda v: v.wrong + v.silent)
    return judge_rows(records, above, above if HEADERLESS.fullmatch(name) else above + 1, read)


def records_of(name: str, path: Path) -> list[list[str]] | None:
    text = real.text_of(path)
    if text is None:
        return None
    return real.cut(text, *real.DIALECTS[name]) if name in real.DIALECTS else real.best_cut(text)


# ---- the table ----


def table(title: str, verdicts: dict[str, list[Verdict]], rows: list[dict[str, Any]]) -> None:
    count = len(next(iter(verdicts.values())))
    print(f"\n{title}: {count:,} files")
    print(f"{'reader':28} {'exact':>8} {'wrong':>8} {'silent':>8} {'refused':>8} {'conserved':>10}")
    for reader, found in verdicts.items():
        shares = {"exact": sum(v.exact for v in found), "wrong": sum(v.wrong > 0 for v in found), "silent": sum(v.silent > 0 for v in found),
                  "refused": sum(v.refused for v in found), "conserved": sum(not v.wrong and not v.silent for v in found)}
        print(f"{reader:28} " + " ".join(f"{100 * share / count:{10 if what == 'conserved' else 8}.2f}" for what, share in shares.items()) + "  %", flush=True)
        rows.append({"measure": f"intake, {title}, {reader}", "files": count, **shares})


def tell(title: str, names: list[str], reads: dict[str, list[Read]], verdicts: dict[str, list[Verdict]]) -> None:
    """For whoever works on ours: each file that a reader did not read exactly."""
    if not DETAILS:
        return
    with open(DETAILS, "a") as out:
        for number, name in enumerate(names):
            for reader, found in verdicts.items():
                if not found[number].exact:
                    read = reads[reader][number]
                    print(json.dumps({"of": title, "file": name, "reader": reader, **found[number]._asdict(), "why": read.get("refused"), "told": read.get("told"),
                                      "names": read.get("names"), "rows": read.get("rows", [])[:8]}, default=str), file=out)


def read_all(peers: dict[str, tuple[Path | None, str]], ours: Callable[[Path, list[Path]], list[Read]], folder: Path, files: list[Path]) -> dict[str, list[Read]]:
    reads = {"lode": ours(folder, files)}
    for label, (python, reader) in peers.items():
        if python:
            reads[label] = peer_reads(python, reader, files)
        else:
            print(f"{label}: cannot be had")
    return reads


def intake(report: Any, work: Path) -> None:
    python, with_polars = Path(sys.executable), readers.python_with_polars()
    told: dict[str, tuple[Path | None, str]] = {"duckdb": (python, "duckdb told"), "duckdb, store_rejects": (python, "duckdb store_rejects told"), "polars": (with_polars, "polars told")}
    guessed: dict[str, tuple[Path | None, str]] = {"duckdb": (python, "duckdb"), "duckdb, store_rejects": (python, "duckdb store_rejects"), "polars": (with_polars, "polars"),
                                                   "csv": (python, "csv"), "csv, Sniffer": (python, "csv Sniffer")}
    unique = list({spoiled.content: spoiled for spoiled in pollution.every_pollution()}.values())
    most = int(os.environ.get("LODE_BENCH_POLLUTIONS", len(unique)))
    unique = random.Random(7).sample(unique, most) if most < len(unique) else unique
    with tempfile.TemporaryDirectory(dir=work) as temporary:
        folder = Path(temporary)
        for part in ("in", "told", "guessed", "real"):
            (folder / part).mkdir()
        files = [folder / "in" / f"p{number:04}.csv" for number in range(len(unique))]
        for path, spoiled in zip(files, unique, strict=True):
            path.write_bytes(spoiled.content)
        names = [f"record {spoiled.record} {spoiled.how} at {spoiled.at}" for spoiled in unique]
        for title, peers, ours, typed in (("spoiled, columns told", told, ours_told, True), ("spoiled, columns guessed", guessed, our_guesses, False)):
            reads = read_all(peers, ours, folder / ("told" if typed else "guessed"), files)
            verdicts = {reader: [judge_spoiled(spoiled, read, typed) for spoiled, read in zip(unique, found, strict=True)] for reader, found in reads.items()}
            table(title, verdicts, report.rows)
            tell(title, names, reads, verdicts)
        if not TEST_DATA.is_dir():
            print(f"{TEST_DATA} is absent (LODE_TEST_DATA)")
            return
        cut = {name: (path, records) for name, path in real.files_of(TEST_DATA).items() if (records := records_of(name, path)) is not None}
        reads = read_all(guessed, our_guesses, folder / "real", [path for path, _ in cut.values()])
        verdicts = {reader: [judge_real(name, records, read) for (name, (_, records)), read in zip(cut.items(), found, strict=True)] for reader, found in reads.items()}
        table("real", verdicts, report.rows)
        tell("real", list(cut), reads, verdicts)
