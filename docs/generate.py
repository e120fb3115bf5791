# SPDX-License-Identifier: Apache-2.0
"""Writes the pages of docs/ that are drawn from the source: python3 docs/generate.py. A test compares them."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXITS = {"0": "done", "1": "held or failed", "2": "wrong input", "3": "environment", "130": "interrupted"}


def errors_page() -> str:
    """docs/errors.md, from the one table of the kinds of failure."""
    header = (ROOT / "src" / "base" / "error.h").read_text()
    rows = re.findall(r'X\((\w+), +"(E\d+)", +"(\w{5})", +(\d+), +(\d+), +"([^"]+)"\)', header)
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
    return "\n".join(lines) + "\n\nThis page is drawn from `src/base/error.h` by `docs/generate.py`.\n"


PAGES = {"errors.md": errors_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (ROOT / "docs" / name).write_text(page())
