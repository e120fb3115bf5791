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


def test_an_end_without_a_word_is_a_failure(tmp_path: Path) -> None:
    status, told = report(tmp_path, unit_exit="139")
    assert status == 1 and "ended with exit status 139" in told
