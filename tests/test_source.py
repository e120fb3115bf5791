# SPDX-License-Identifier: Apache-2.0
"""Habits that a machine can check: the licence line, header guards, calls that are never safe, a page for each room."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
FILES = sorted([*SOURCE.rglob("*.c"), *SOURCE.rglob("*.h")])
BANNED = re.compile(
    r"(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|atoi|atol|atoll|atof|system|popen|tmpnam|mktemp|"
    r"strncpy|strncat)\s*\("
)
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)


def blank(match: re.Match[str]) -> str:
    """Blanks what is no code, and keeps the lines."""
    return re.sub(r"[^\n]", " ", match[0])


def test_every_file_names_its_licence() -> None:
    wrong = [str(path.relative_to(ROOT)) for path in FILES
             if not path.read_text().startswith("/* SPDX-License-Identifier: Apache-2.0 */\n")]
    assert not wrong


def test_every_header_is_guarded() -> None:
    wrong = [str(path.relative_to(ROOT)) for path in FILES
             if path.suffix == ".h" and "#pragma once" not in path.read_text()]
    assert not wrong


def test_no_call_that_is_never_safe() -> None:
    wrong = []
    for path in FILES:
        code = COMMENT_OR_STRING.sub(blank, path.read_text())
        for match in BANNED.finditer(code):
            wrong.append(f"{path.relative_to(ROOT)}:{code.count(chr(10), 0, match.start()) + 1} calls {match[1]}")
    assert not wrong, "\n".join(wrong)


def test_no_tabs_and_no_blanks_at_the_end_of_a_line() -> None:
    wrong = [f"{path.relative_to(ROOT)}:{number}" for path in FILES
             for number, line in enumerate(path.read_text().split("\n"), 1) if "\t" in line or line != line.rstrip()]
    assert not wrong


def test_no_goto() -> None:
    wrong = [str(path.relative_to(ROOT)) for path in FILES
             if re.search(r"\bgoto\s+\w+;", COMMENT_OR_STRING.sub(blank, path.read_text()))]
    assert not wrong


def test_every_room_with_code_has_a_page() -> None:
    rooms = {path.parent for path in FILES if path.suffix == ".c"}
    missing = sorted(str(room.relative_to(ROOT)) for room in rooms if not (room / "README.md").exists())
    assert not missing
