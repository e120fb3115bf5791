# SPDX-License-Identifier: Apache-2.0
"""Files with more columns than are read: add and run say so, how many there are, and what the most is."""

import io
import json

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Project
from workbook import book, sheet

MANY = 100_000
NAMES = [f"column{number}" for number in range(MANY)]


def text(delimiter: str, rows: int) -> bytes:
    return "".join(delimiter.join(line) + "\n" for line in [NAMES] + [["1"] * MANY] * rows).encode()


def parquet(count: int) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({name: [1] for name in NAMES[:count]}), out)
    return out.getvalue()


def avro(count: int) -> bytes:
    out = io.BytesIO()
    schema = {"type": "record", "name": "Wide", "fields": [{"name": name, "type": "int"} for name in NAMES[:count]]}
    fastavro.writer(out, fastavro.parse_schema(schema), [dict.fromkeys(NAMES[:count], 1)])
    return out.getvalue()


RECORD = json.dumps(dict.fromkeys(NAMES, 1))

# The file, what says how it is read, and what add and run say.
WIDE: dict[str, tuple[bytes, str, str, str]] = {
    "header.csv": (text(",", 0), "format: csv", "the file has 100000 columns; at most 4096 are read", "the header has 100000 fields; at most 4096 are read"),
    "commas.csv": (text(",", 3), "format: csv", "the file has 100000 columns; at most 4096 are read", "the header has 100000 fields; at most 4096 are read"),
    "semicolons.csv": (text(";", 1), 'format: csv\ndelimiter: ";"', "the file has 100000 columns; at most 4096 are read", "the header has 100000 fields; at most 4096 are read"),
    "tabs.csv": (text("\t", 20), "format: csv\ndelimiter: tab", "the file has 100000 columns; at most 4096 are read", "the header has 100000 fields; at most 4096 are read"),
    "lines.jsonl": (f"{RECORD}\n{RECORD}\n".encode(), "format: jsonl", *["the record on line 1 brings more different keys than can be columns (4096)"] * 2),
    "document.json": (f"[{RECORD}]".encode(), "format: json", *["the record on line 1 brings more different keys than can be columns (4096)"] * 2),
    "wide.parquet": (parquet(MANY), "format: parquet", *["the file names more columns than are read, or nests them too deeply; at most 4096 are read"] * 2),
    "wider.parquet": (parquet(5000), "format: parquet", *["the file names more columns than are read, or nests them too deeply; at most 4096 are read"] * 2),
    "wide.avro": (avro(MANY), "format: avro", *["the file names more columns than are read, or nests them too deeply; at most 4096 are read"] * 2),
    "wider.avro": (avro(5000), "format: avro", *["the file names more columns than are read, or nests them too deeply; at most 4096 are read"] * 2),
    "wide.xlsx": (book({"Sheet1": sheet([NAMES[:5000], [1] * 5000])}), "format: xlsx", *["beyond column 4096, the last that is read"] * 2),
}


@pytest.mark.parametrize("name", WIDE)
def test_a_file_with_more_columns_than_are_read_is_told_so(project: Project, name: str) -> None:
    content, how, added, ran = WIDE[name]
    path = project.write(f"in/{name}", content)
    answer = project.lode("add", "shop", path, "-o", "json", check=False)
    assert answer.exit == 1 and [added in left["why"] for left in answer.json["left_over"]] == [True], answer
    project.write("zones/shop/sources/wide.yml", f"from: in/{name}\n{how}\ncolumns:\n  column1: int\n")
    (delivery,) = project.json("run", check=False)["deliveries"]
    assert delivery["state"] == "held" and ran in delivery["message"], delivery["message"]


def test_a_delimiter_is_found_below_a_long_header(project: Project) -> None:
    """The names alone are longer than what a dialect is judged by."""
    names = [f"{number}_{'x' * 70}" for number in range(4096)]
    project.write("in/most.csv", "".join(";".join(line) + "\n" for line in (names, ["1"] * 4096, ["2"] * 4096)))
    (source,) = project.json("add", "shop", "in/most.csv")["sources"]
    assert (source["dialect"]["delimiter"], len(source["columns"])) == (";", 4096)


def test_as_many_columns_as_are_read_are_kept(project: Project) -> None:
    project.write("in/most.csv", "".join(",".join(line) + "\n" for line in (NAMES[:4096], ["1"] * 4096, ["2"] * 4096)))
    project.lode("add", "shop", "in/most.csv")
    (delivery,) = project.json("run", check=False)["deliveries"]
    assert (delivery["state"], delivery["accepted"]) == ("staged", 2), delivery["message"]
    assert project.query("select column0 + column4095 as two from shop.staging.most order by 1") == [{"two": 2}, {"two": 4}]
