# SPDX-License-Identifier: Apache-2.0
"""A workbook as real ones are: shared texts, dates by style, numbers, formulas' values. And the peers that read one,
each as a program of its own: python sheets.py READER FILE prints how many rows it saw, and its peak memory in
KiB."""

import importlib.util
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

# DuckDB's reader of workbooks is an extension that exists for other versions than our engine's.
DUCKDB = "1.5.5"
FOLDER = Path.home() / ".cache" / "lode" / f"duckdb-excel-{DUCKDB}"
HEADER = ("id", "customer", "day", "placed", "amount", "quantity", "paid", "note", "share", "code")


def write(path: Path, rows: int) -> Path:
    """Deterministic; about 1,300 bytes of XML a row."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
    import workbook

    if path.exists():
        return path
    customers = [f"Customer {i:05}" for i in range(20_000)]
    texts = [*HEADER, *customers]
    shared = "".join(f"<si><t>{text}</t></si>" for text in texts)
    parts = workbook.parts({"Orders": ""}, shared=shared)
    cells = "".join(f'<c r="{workbook.column(i)}1" t="s"><v>{i}</v></c>' for i in range(len(HEADER)))
    with zipfile.ZipFile(path.with_suffix(".part"), "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in parts.items():
            if "worksheets" not in name:
                archive.writestr(name, content)
        with archive.open("xl/worksheets/sheet1.xml", "w") as out:
            head = workbook.sheet("", dimension=f"A1:J{rows + 1}").split("<sheetData>")
            out.write(f'{head[0]}<sheetData><row r="1">{cells}</row>'.encode())
            for i in range(rows):
                n = i + 2
                mixed = i * 2654435761 % 4294967296
                out.write((f'<row r="{n}"><c r="A{n}"><v>{i + 1}</v></c><c r="B{n}" t="s"><v>{len(HEADER) + mixed % 20_000}</v></c>'
                           f'<c r="C{n}" s="1"><v>{40000 + mixed % 5000}</v></c><c r="D{n}" s="2"><v>{40000 + mixed % 5000}.{mixed % 1000:03}5</v></c>'
                           f'<c r="E{n}"><f>F{n}*1.5</f><v>{mixed % 100000 / 100}</v></c><c r="F{n}"><v>{mixed % 50}</v></c>'
                           f'<c r="G{n}" t="b"><v>{mixed % 2}</v></c><c r="H{n}" t="inlineStr"><is><t>note {mixed:x} of {i}</t></is></c>'
                           f'<c r="I{n}" s="5"><v>0.{mixed % 10000:04}</v></c><c r="J{n}" t="s"><v>{len(HEADER) + i % 20_000}</v></c></row>').encode())
            out.write(b"</sheetData></worksheet>")
    path.with_suffix(".part").rename(path)
    return path


def python_with_duckdb() -> Path | None:
    """The Python of an environment of its own, made on the first call; None where it cannot be had."""
    python = FOLDER / "bin" / "python"
    if python.exists():
        return python
    packages = [f"duckdb=={DUCKDB}", f"duckdb-extension-excel=={DUCKDB}"]
    for step in ([sys.executable, "-m", "venv", "--clear", str(FOLDER)],
                 [str(python), "-m", "pip", "install", "--quiet", "--no-deps", *packages]):
        if subprocess.run(step, capture_output=True, timeout=300).returncode != 0:
            return None
    return python


def by_openpyxl(path: str) -> int:
    import openpyxl
    worksheet = openpyxl.load_workbook(path, read_only=True, data_only=True).worksheets[0]
    return sum(1 for _ in worksheet.iter_rows(values_only=True))


def by_calamine(path: str) -> int:
    import python_calamine
    return len(python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python())


def by_duckdb(path: str) -> int:
    import duckdb
    connection = duckdb.connect(config={"threads": "1"})
    roots = importlib.util.find_spec("duckdb_extension_excel").submodule_search_locations
    extension = next(file for root in roots for file in Path(root).rglob("excel.duckdb_extension"))
    connection.execute(f"load '{extension}'")
    connection.execute(f"copy (select * from read_xlsx('{path}')) to '{path}.parquet' (format parquet)")
    return connection.execute(f"select count(*) from '{path}.parquet'").fetchall()[0][0] + 1


READERS = {"openpyxl": by_openpyxl, "calamine": by_calamine, "duckdb": by_duckdb}

if __name__ == "__main__":
    print(READERS[sys.argv[1]](sys.argv[2]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
