# SPDX-License-Identifier: Apache-2.0
"""Writes the pages of docs/ that are drawn from the source: python3 docs/generate.py. A test compares them."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXITS = {"0": "done", "1": "held or failed", "2": "wrong input", "3": "environment", "130": "interrupted"}


def errors_page() -> str:
    """docs/errors.md, from the tables of the kinds of failure and of their remedies."""
    header = (ROOT / "src" / "base" / "error.h").read_text()
    rows = re.findall(r'X\((\w+), +"(E\d+)", +"(\w{5})", +(\d+), +(\d+), +"([^"]+)"\)', header)
    table = (ROOT / "src" / "base" / "remedy.h").read_text().replace("\\\n", "")
    remedies = {name: (example.replace('\\"', '"'), remedy) for name, example, remedy in
                re.findall(r'X\((\w+), +"((?:[^"\\]|\\.)+)", +"([^"]+)"\)', table)}
    lines = [
        "# Errors",
        "",
        "Every error says what, where (file, line and column of your text, if it is about text), why, and what to do.",
        "",
        "```",
        "error[E104] zones/shop/sources/orders.yml:3:1  unknown key 'delimeter'",
        "```",
        "",
        "With `-o json` the same is one line on stderr:",
        "`{\"error\":{\"code\",\"sqlstate\",\"message\",\"file\",\"line\",\"column\",\"hint\"}}`.",
        "",
        "The exit status tells a script what to do: 0 done; 1 a delivery was held, or a check or a model failed: what",
        "that holds back is named, all else is published; 2 the command, the project's text or the SQL is wrong, and",
        "nothing was touched; 3 the environment (store, disk, another writer): safe to retry; 130 interrupted: safe to",
        "run again.",
        "",
        "| code | meaning | exit | SQLSTATE | HTTP |",
        "|---|---|---|---|---|",
    ]
    for _, code, sqlstate, http, exit_status, words in rows:
        if code != "E000":
            lines.append(f"| {code} | {words} | {exit_status} {EXITS[exit_status]} | {sqlstate} | {http} |")
    lines += ["", "## What to do", ""]
    for name, code, _, _, _, words in rows:
        if code != "E000":
            example, remedy = remedies[name]
            lines += [f"**{code}** {words}.", "", f"    {example}", "", f"{remedy[0].upper()}{remedy[1:]}.", ""]
    lines += reasons(dict((name, code) for name, code, *_ in rows))
    return ("\n".join(lines) +
            "\nThis page is drawn from `src/base/error.h`, `remedy.h` and `reason.h` by `docs/generate.py`.\n")


def reasons(codes: dict[str, str]) -> list[str]:
    """What a worker can say of a failure of its own, with N and TEXT for its arguments."""
    header = (ROOT / "src" / "base" / "reason.h").read_text().replace("\\\n", "")
    header = header.replace("REASON_NO_BOX)", re.search(r'#define REASON_NO_BOX (".*")', header)[1] + ")")
    lines = [
        "## What a worker says", "",
        "Workers read files and run SQL, and send numbers and arguments only; the words are these. A worker that sends",
        "anything else is ended, and what it did is lost (E404).", "",
        "| code | words | what to do |", "|---|---|---|",
    ]
    table = re.findall(r'X\((\w+), +(\w+), +"([net]*)", +"([^"]+)", +"([^"]*)"\)', header)
    for _, status, types, words, remedy in table:
        for number, kind in enumerate(types, 1):
            words = words.replace(f"%{number}", {"n": "N", "e": "(the system's words)", "t": "TEXT"}[kind])
        lines.append(f"| {codes[status]} | {words} | {remedy} |")
    return lines + [""]


SQL_LISTS = [
    ("operators", "Operators"), ("numbers", "Numbers"), ("texts", "Text"), ("times", "Dates and times"),
    ("nested", "Lists, structs and maps"), ("jsons", "JSON"), ("others", "Others"), ("aggregates", "Aggregates"),
    ("windows", "Window functions"), ("table_functions", "Table functions"), ("types", "Types"),
    ("collations", "Collations"),
]

SQL_TEXT = """# SQL

`lode query` and models take one SELECT (also WITH, FROM first, VALUES, PIVOT with IN, UNPIVOT) in the dialect of DuckDB
2.0.0. SQL only reads: tables are written by sources and models.

**Names.** Tables are `zone.stage.table`; inside a zone's models `stage.table` is enough. Names are found in any case. A
table without alias is known by its last name, and `zone.stage.table.column` may be written too.

**Hidden columns.** A staged table has `_file` (the delivery) and `_row` (the record's number in it). They are there when
a statement names them, and never part of `*`, `COLUMNS(*)` or a whole row. `NATURAL JOIN` beside them is refused.

**Whoever asks** is `current_user`. Settings, variables, sequences and transactions do not exist: a statement sees one
commit, whole. `lode query --at COMMIT|TIME` asks as it was then, and so does one table with `FROM t AT (VERSION =>
'COMMIT')` or `FROM t AT (TIMESTAMP => '2026-11-01 12:00')` (UTC), an alias before it; not in models. What one may see is
decided by today's grants.

**Refused**, each with a message that says what to do: every statement that is not a question (INSERT, COPY, CREATE, SET,
PRAGMA, ATTACH, EXPLAIN, SHOW, DESCRIBE, SUMMARIZE ...), also inside WITH; several statements in one text; files as tables
(`FROM 'x.csv'`, `read_csv(...)`); SQL given as text (`query(...)`); PIVOT without IN; and
every function, type and collation that is not on these lists.
"""


CLIENTS_TEXT = """## Clients of PostgreSQL

Through `lode serve` SQL means what it means in PostgreSQL 15 where that is cheap and sure: words without quotes are lower case,
escapes in `E''` and `U&''` are read, a backslash escapes in LIKE, NULLs come first from the greatest down, `x::varchar(3)` cuts,
seconds have a fraction. A numeric that is written out or bound keeps its own digits, 38 at most; another value cast to `numeric`
without a size keeps ten behind the point. Texts of values are read as there: `'1 mon -2 days'::interval`, `'44-03-15 BC'::date`,
`'\\x00ff'::bytea`, `'{1,2}'::int[]`. `generate_series()` among the columns gives rows.
Columns called `at`, `by` or `show`, and like words that only the engine knows (`pivot`, `qualify`, `semi`), need no quotes, here
and in models. `ROWS FROM`, `unnest(a, b)` and `WITH ORDINALITY` are as there, but a second column `unnest` is called `unnest_1`. `ONLY` says
nothing: no table has others below it. `to_char()`, `to_date()` and `to_timestamp()` take patterns that mean the same here (YYYY MM DD HH24 MI SS MS US Mon Dy DDD IYYY IW ID AM FM); others are refused.

Values are the same under wider types: lengths, places and counts of days are bigint, sums of integers numeric, averages,
quotients and deviations double, names of objects text, jsonb is json. NaN as a numeric is a double, `char(n)` is not padded,
structs, maps and lists of lists are json. `tests/test_wire_types.py` compares every type in text and binary.

A parameter that has no type gets PostgreSQL's: of `x + $1` and `SELECT x UNION SELECT $1` that of x, of `round($1, 2)` numeric,
of `left(x, $1)` int4; `tests/test_parameters.py` compares some 170 statements. Where PostgreSQL cannot tell (42725, 42P18, 42P08)
it is text, or what the engine takes. An integer in text is digits and a sign, as there.

The rest differs on purpose. `tests/test_dialect.py` asks some 450 statements of both; these are all that answer otherwise
(errors by their SQLSTATE):

| SQL | PostgreSQL 15 | here | |
|---|---|---|---|
"""


def cell(text: str) -> str:
    return text.replace("|", "\\|").strip()


def clients_part() -> str:
    """What differs from PostgreSQL, from the list that the tests hold us to."""
    rows = [line.split("\t") for line in (ROOT / "tests" / "sql" / "differences.tsv").read_text().splitlines()[1:]]
    return CLIENTS_TEXT + "".join(f"| `{cell(sql)}` | {cell(theirs)} | {cell(ours)} | {cell(why)} |\n" for sql, theirs, ours, why in rows)


def sql_page() -> str:
    """docs/sql.md, from the reviewed lists."""
    source = (ROOT / "src" / "sql" / "allow.c").read_text()
    lines = [SQL_TEXT]
    for name, title in SQL_LISTS:
        text = re.search(rf"static const char {name}\[\] =(.*?);\n", source, re.S)
        assert text, name
        words = " ".join(re.findall(r'"([^"]*)"', text[1])).split()
        lines += [f"## {title}", "", " ".join(f"`{word}`" for word in words).replace("|", "\\|"), ""]
    return "\n".join(lines) + "\n" + clients_part() + "\nThis page is drawn from `src/sql/allow.c` and `tests/sql/differences.tsv` by `docs/generate.py`.\n"


PAGES = {"errors.md": errors_page, "sql.md": sql_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (ROOT / "docs" / name).write_text(page())
