# SPDX-License-Identifier: Apache-2.0
"""Workbooks written by hand, part by part, for what no library writes: gaps, disorder, bombs."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
# The formats that cells name by number: 0 a number, 1 date, 2 date and time, 3 time, 4 duration, 5 percent, 6 a date by
# a code of its own, 7 a number whose code has letters.
FORMATS = (0, 14, 22, 21, 46, 9, 164, 165)
CODES = {164: '[$-409]d\\-mmm\\-yy;@', 165: '[Red]"days: "0.00\\d'}


def text(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;")


def cell(place: str, value: object, style: int = 0) -> str:
    """A cell as Excel writes it: numbers as they are, texts inline, booleans, None = a style alone."""
    at = f'<c r="{place}" s="{style}"' if place else f'<c s="{style}"'
    if value is None:
        return at + "/>"
    if isinstance(value, bool):
        return f'{at} t="b"><v>{int(value)}</v></c>'
    if isinstance(value, str):
        return f'{at} t="inlineStr"><is><t>{text(value)}</t></is></c>'
    return f"{at}><v>{value}</v></c>"


def column(index: int) -> str:
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def sheet(rows: Sequence[Sequence[object]] | str, tail: str = "", dimension: str = "A1") -> str:
    """A worksheet of rows from A1 on, in which a tuple is (value, style) and None no cell; or of XML."""
    if not isinstance(rows, str):
        lines = []
        for number, row in enumerate(rows, 1):
            cells = [cell(f"{column(i)}{number}", *(value if isinstance(value, tuple) else (value,)))
                     for i, value in enumerate(row) if value is not None]
            lines.append(f'<row r="{number}">{"".join(cells)}</row>')
        rows = "".join(lines)
    return f'{HEAD}<worksheet xmlns="{MAIN}"><dimension ref="{dimension}"/><sheetData>{rows}</sheetData>{tail}</worksheet>'


def parts(sheets: dict[str, str], *, hidden: Sequence[str] = (), from_1904: bool = False,
          shared: str | None = None) -> dict[str, str]:
    listed = "".join(f'<sheet name="{text(name)}" sheetId="{i}" r:id="rId{i}"{" state=" + chr(34) + "hidden" + chr(34) if name in hidden else ""}/>'
                     for i, name in enumerate(sheets, 1))
    relations = "".join(f'<Relationship Id="rId{i}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{i}.xml"/>'
                        for i in range(1, len(sheets) + 1))
    codes = "".join(f'<numFmt numFmtId="{i}" formatCode="{text(code).replace(chr(34), "&quot;")}"/>' for i, code in CODES.items())
    styles = "".join(f'<xf numFmtId="{i}" xfId="0"/>' for i in FORMATS)
    made = {
        "_rels/.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Type="{RELATIONS}/officeDocument" '
                       f'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><workbookPr date1904="{int(from_1904)}"/>'
                           f"<sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}">{relations}<Relationship Id="s" '
                                      f'Type="{RELATIONS}/styles" Target="styles.xml"/><Relationship Id="t" '
                                      f'Type="{RELATIONS}/sharedStrings" Target="/xl/sharedStrings.xml"/></Relationships>',
        "xl/styles.xml": f'{HEAD}<styleSheet xmlns="{MAIN}"><numFmts>{codes}</numFmts><cellXfs>{styles}</cellXfs></styleSheet>',
    }
    for i, xml in enumerate(sheets.values(), 1):
        made[f"xl/worksheets/sheet{i}.xml"] = xml
    kinds = {"workbook": "sheet.main", "styles": "styles", "sharedStrings": "sharedStrings",
             **{f"worksheets/sheet{i}": "worksheet" for i in range(1, len(sheets) + 1)}}
    office = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    made["[Content_Types].xml"] = (
        f'{HEAD}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        + "".join(f'<Override PartName="/xl/{part}.xml" ContentType="{office}.{kind}+xml"/>' for part, kind in kinds.items())
        + "</Types>")
    if shared is not None:
        made["xl/sharedStrings.xml"] = f'{HEAD}<sst xmlns="{MAIN}">{shared}</sst>'
    return made


def pack(files: dict[str, str], *, stored: bool = False) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def book(sheets: dict[str, str], **options: object) -> bytes:
    return pack(parts(sheets, **options))  # type: ignore[arg-type]


def write(path: Path, rows: Sequence[Sequence[object]], **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(book({"Sheet1": sheet(rows)}, **options))
    return path
