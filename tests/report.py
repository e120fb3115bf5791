# SPDX-License-Identifier: Apache-2.0
"""Adds up what the suites of ./dev test left in a folder: NAME.xml (JUnit), NAME.json (Meson), NAME.tap, NAME.exit,
NAME.seconds and NAME.skipped (why a suite, or the rest of it, was not run).

Prints every failure with what it said, a line per suite and under it why cases of it were skipped, each reason once with
its number, and the total as the last line. A program that ends badly without a failed case (a crash, a time-out, a
report that was never written) counts as one failure; a suite that was not run counts as one skipped."""

import json
import sys
import xml.etree.ElementTree as xml
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

LONGEST = 4000  # characters of a failure's output that are shown
NO_REASON = "no reason given"


@dataclass
class Suite:
    name: str
    passed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)  # reason: how many cases
    failures: list[tuple[str, str]] = field(default_factory=list)  # test, what it said
    why: str = ""  # it was skipped
    seconds: str = ""


def one_line(words: str) -> str:
    return " ".join(words.split()) or NO_REASON


def said_by(output: str, case: str) -> str:
    """Of what a program of many cases said, in TAP: what came since the case before."""
    lines = output.splitlines()
    if (last := f"not ok {case}") not in lines:
        return output
    end = lines.index(last)
    begin = max((i + 1 for i in range(end) if lines[i].startswith(("ok ", "not ok "))), default=0)
    return "\n".join(lines[begin:end + 1]) + "\n"


def read_junit(path: Path, suite: Suite) -> set[str]:
    """Returns the names of the groups in which a case failed."""
    failed = set()
    for group in xml.parse(path).getroot().iter("testsuite"):
        output, errors = group.findtext("system-out", ""), group.findtext("system-err", "")
        for case in group.iter("testcase"):
            problem = case.find("failure") if case.find("failure") is not None else case.find("error")
            if problem is not None and case.get("classname") == group.get("name") == "lode":
                continue  # a program without cases: Meson's own log says more of it
            if problem is not None:
                words = problem.text or case.findtext("system-out", "") or said_by(output, case.get("name", "")) + errors[-LONGEST // 2:]
                suite.failures.append((f"{case.get('classname')} {case.get('name')}", words))
                failed.add(group.get("name", ""))
            elif (skipped := case.find("skipped")) is not None:
                # pytest says why in the element, Meson beside it
                suite.skipped[one_line(skipped.get("message") or case.findtext("system-out", ""))] += 1
            else:
                suite.passed += 1
    return failed


def add_broken_programs(path: Path, suite: Suite, failed: set[str]) -> None:
    """Meson's own log knows the test programs that died although no case of theirs failed."""
    for line in path.read_text().splitlines():
        program = json.loads(line)
        name = program["name"].split(" / ")[-1]
        if suite.why and program["result"] == "INTERRUPT":
            continue  # time was out
        if program["result"] in ("OK", "SKIP", "EXPECTEDFAIL") or any(name in group for group in failed):
            continue
        said = program.get("stdout", "") + program.get("stderr", "")
        suite.failures.append((f"{name} ({program['result'].lower()})", said))


def read_tap(path: Path, suite: Suite) -> None:
    """Lines "ok - NAME", "ok - NAME # SKIP WHY", "not ok - NAME"; lines "# ..." after the last are what it said."""
    for line in path.read_text(errors="replace").splitlines():
        ok, _, name = line.partition(" - ")
        if ok == "not ok":
            suite.failures.append((name, ""))
        elif ok == "ok" and "# SKIP" in name:
            suite.skipped[one_line(name.partition("# SKIP")[2])] += 1
        elif ok == "ok":
            suite.passed += 1
        elif line.startswith("# ") and suite.failures:
            test, words = suite.failures[-1]
            suite.failures[-1] = (test, f"{words}{line[2:]}\n")


def text_of(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""


def read_suite(exit_path: Path) -> Suite:
    suite = Suite(exit_path.stem)
    suite.why = text_of(exit_path.with_suffix(".skipped"))
    suite.seconds = text_of(exit_path.with_suffix(".seconds"))
    failed: set[str] = set()
    if exit_path.with_suffix(".xml").exists():
        failed = read_junit(exit_path.with_suffix(".xml"), suite)
    if exit_path.with_suffix(".json").exists():
        add_broken_programs(exit_path.with_suffix(".json"), suite, failed)
    if exit_path.with_suffix(".tap").exists():
        read_tap(exit_path.with_suffix(".tap"), suite)
    if text_of(exit_path) != "0" and not suite.failures and not suite.why:
        status = text_of(exit_path)
        suite.failures.append((suite.name, f"ended with exit status {status} and no failed test"))
    return suite


def skipped_of(suite: Suite) -> int:
    """The suite itself, or the rest of it, counts as one."""
    return suite.skipped.total() + bool(suite.why)


def main(folder: Path) -> int:
    suites = [read_suite(path) for path in sorted(folder.glob("*.exit"), key=lambda path: path.stat().st_mtime)]
    for suite in suites:
        for test, words in suite.failures:
            print(f"\nFAILED {suite.name}: {test}\n{words.strip()[-LONGEST:]}")
    print()
    for suite in suites:
        counts = f"{suite.passed} passed, {len(suite.failures)} failed, {skipped_of(suite)} skipped"
        print(f"{suite.name:9} {suite.seconds + ' s' if suite.seconds else '':>7}  {counts}"
              f"{': ' + suite.why if suite.why else ''}")
        for reason, count in suite.skipped.most_common():
            print(f"{'':19}{count} skipped: {reason}")
    passed = sum(suite.passed for suite in suites)
    failed = sum(len(suite.failures) for suite in suites)
    skipped = sum(skipped_of(suite) for suite in suites)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    if passed + failed + skipped == 0:
        print("no test of that name", file=sys.stderr)
        return 2
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
