# SPDX-License-Identifier: Apache-2.0
"""`ignore`: a column that a file has and nobody keeps is named wherever the file's delivery is told of."""

import io

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Project
from workbook import book, sheet

RECORDS = [{"id": 1, "secret": "a", "note": "x"}, {"id": 2, "secret": "b", "note": "y"}]


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(RECORDS), out)
    return out.getvalue()


def avro() -> bytes:
    out = io.BytesIO()
    kinds = {"id": "int", "secret": "string", "note": "string"}
    fastavro.writer(out, fastavro.parse_schema({"type": "record", "name": "R", "fields": [{"name": n, "type": t} for n, t in kinds.items()]}), RECORDS)
    return out.getvalue()


FILES: dict[str, bytes] = {
    "csv": b"id,Secret,note\n1,a,x\n2,b,y\n",
    "json": b'[{"id": 1, "secret": "a", "note": "x"}, {"id": 2, "note": "y"}]',
    "jsonl": b'{"id": 1, "note": "x"}\n{"id": 2, "secret": {"a": 1}, "note": "y"}\n',
    "parquet": parquet(),
    "avro": avro(),
    "xlsx": book({"Sheet1": sheet([["id", "secret", "note"], [1, "a", "x"], [2, "b", "y"]])}),
}


@pytest.mark.parametrize("kind", FILES)
def test_what_is_not_kept_is_named(project: Project, kind: str) -> None:
    """By the name that the text has for it, and only if the file has it."""
    project.write(f"in/f.{kind}", FILES[kind])
    project.write("zones/shop/sources/f.yml", f"from: in/f.*\nformat: {kind}\ncolumns:\n  id: int\n  note: text\nignore: [secret, absent]\n")
    (delivery,) = project.json("run")["deliveries"]
    assert (delivery["accepted"], delivery["message"]) == (2, "columns ignored: secret")
    assert [d["message"] for d in project.json("show", "delivery")] == ["columns ignored: secret"]
    assert "columns ignored: secret" in project.lode("show", "delivery").stdout
    assert list(project.query("select * from shop.staging.f limit 1")[0]) == ["id", "note"]


def test_it_is_said_beside_what_else_is_said(project: Project) -> None:
    project.write("in/f.csv", "id,secret,new,pin\n1,a,b,c\n")
    project.write("zones/shop/sources/f.yml", "from: in/f.csv\ncolumns:\n  id: int\n  note: text\nignore: [pin, secret]\n")
    said = project.lode("run").stderr
    assert "new columns, kept as text: new; columns not in this file, NULL: note; columns ignored: pin, secret\n" in said, said


def test_a_key_inside_others_is_named_by_its_path(project: Project) -> None:
    project.write("in/f.jsonl", '{"id": 1, "person": {"name": "Ann", "pin": 7}}\n')
    project.write("zones/shop/sources/f.yml", "from: in/f.jsonl\nformat: jsonl\ncolumns:\n  id: int\n  name: text from person.name\nignore: [person.pin]\n")
    (delivery,) = project.json("run")["deliveries"]
    assert (delivery["state"], delivery["message"]) == ("staged", "columns ignored: person.pin")


def test_a_file_without_it_says_nothing(project: Project) -> None:
    project.write("in/f.csv", "id\n1\n")
    project.write("zones/shop/sources/f.yml", "from: in/f.csv\ncolumns:\n  id: int\nignore: [secret]\n")
    assert not project.json("run")["deliveries"][0]["message"]
