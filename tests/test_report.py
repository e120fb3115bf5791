# SPDX-License-Identifier: Apache-2.0
"""What ./dev test says at its end: nothing that failed is left out, and of what was skipped it says why."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

MESON = """<testsuites><testsuite name="lode.unit"><testcase name="1 - a" classname="unit" />
<testcase name="2 - b" classname="unit"><skipped /><system-out>no box here</system-out></testcase>
<testcase name="3 - c" classname="unit"><skipped /><system-out>no box here</system-out></testcase></testsuite></testsuites>"""
PYTEST = """<testsuites><testsuite name="pytest"><testcase classname="test_x" name="test_a" />
<testcase classname="test_x" name="test_b"><skipped type="pytest.skip" message="data are
absent">x.py:3: data are absent</skipped></testcase>{}</testsuite></testsuites>"""
FAILED = '<testcase classname="test_x" name="test_c"><failure message="m">it said this</failure></testcase>'
PROGRAM = """<testsuites><testsuite name="lode.lake"><testcase name="1 - a" classname="lake" />
<testcase name="2 - b" classname="lake"><failure message="m" /></testcase><testcase name="3 - c" classname="lake" />
<system-out># of a
ok 1 - a
# b is wrong
not ok 2 - b
{}ok 3 - c
1..3</system-out><system-err># a child's word</system-err></testsuite></testsuites>"""
TAP = "ok - one\nok - two # SKIP time was out\nok - three # SKIP\n"


def report(folder: Path, **files: str) -> tuple[int, str]:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    done = subprocess.run([sys.executable, ROOT / "tests" / "report.py", folder], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout


@pytest.mark.parametrize(("files", "said", "total"), [
    ({"unit_xml": MESON}, ["1 passed, 0 failed, 2 skipped", "2 skipped: no box here"], "1 passed, 0 failed, 2 skipped"),
    ({"unit_xml": PYTEST.format("")}, ["1 skipped: data are absent"], "1 passed, 0 failed, 1 skipped"),
    ({"unit_tap": TAP}, ["1 skipped: time was out", "1 skipped: no reason given"], "1 passed, 0 failed, 2 skipped"),
    ({"unit_skipped": "this machine is one"}, ["1 skipped: this machine is one"], "0 passed, 0 failed, 1 skipped"),
])
def test_it_says_why_something_was_skipped(tmp_path: Path, files: dict[str, str], said: list[str], total: str) -> None:
    status, told = report(tmp_path, unit_exit="0", **files)
    assert status == 0
    assert told.splitlines()[-1] == total
    for words in said:
        assert told.count(words) == 1 or words == total, told


def test_a_failure_is_told_with_its_words(tmp_path: Path) -> None:
    status, told = report(tmp_path, unit_exit="1", unit_xml=PYTEST.format(FAILED))
    assert status == 1
    assert "FAILED unit: test_x test_c\nit said this" in told and told.endswith("1 passed, 1 failed, 1 skipped\n")


def test_of_a_program_with_many_cases_the_words_of_the_one_that_failed_are_told(tmp_path: Path) -> None:
    status, told = report(tmp_path, unit_exit="1", unit_xml=PROGRAM.format("# of c\n" * 2000))
    assert status == 1
    assert "FAILED unit: lake 2 - b\n# b is wrong\nnot ok 2 - b\n# a child's word\n" in told
    assert "# of a" not in told and "# of c" not in told


def test_an_end_without_a_word_is_a_failure(tmp_path: Path) -> None:
    status, told = report(tmp_path, unit_exit="139")
    assert status == 1 and "ended with exit status 139" in told
