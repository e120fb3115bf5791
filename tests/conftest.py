# SPDX-License-Identifier: Apache-2.0
"""The whole program, as its users meet it: `lode` in a project of its own, judged by its output and by outsiders."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from judge import iceberg_rows

ROOT = Path(__file__).resolve().parent.parent
LODE = Path(os.environ.get("LODE", ROOT / "build" / "lode"))
REAL_MODELS = ROOT / "tests" / "real_models"
REAL_INPUT = {"ourairports": "*.csv", "openflights": "*.dat"}
TEST_DATA = Path(os.environ.get("LODE_TEST_DATA", ROOT.parent / "shared" / "data"))


def counts(variable: str, few: int, many: int, seconds: float = 1800) -> pytest.MarkDecorator:
    """Gives a test its argument `count`: few times in the default suite and, as a case of its own that may take
    so many seconds, many times in the full one. A number in the environment variable stands for both."""
    given = os.environ.get(variable)
    marks = [pytest.mark.full, pytest.mark.timeout(seconds)]
    return pytest.mark.parametrize("count", [int(given or few), pytest.param(int(given or many), marks=marks)],
                                   ids=["few", "many"])


def cut(count: int, parts: int) -> list[range]:
    step = -(-count // parts)
    return [range(at, min(at + step, count)) for at in range(0, count, step)]


def spread(variable: str, few: int, many: int, parts: int, seconds: float = 1800, few_parts: int = 1) -> pytest.MarkDecorator:
    """As counts(), for a test that takes its `numbers`: the many are cut into parts, cases of their own, which run side by side and
    of which some fit what time is left; the few too, where they take long. The environment says how many, or from which on: 360-400."""
    given = os.environ.get(variable)
    marks = [pytest.mark.full, pytest.mark.timeout(seconds)]
    first, _, last = given.rpartition("-") if given else ("", "", "")
    asked = [range(int(first or 0), int(last))] if given else None
    named = [pytest.param(numbers, marks=marks, id=f"{numbers.start} to {numbers.stop - 1}") for numbers in asked or cut(many, parts)]
    default = asked or cut(few, few_parts)
    return pytest.mark.parametrize("numbers", [*(pytest.param(numbers, id=f"few {at}" if at else "few") for at, numbers in enumerate(default)), *named])


UNTIL = float(os.environ.get("LODE_UNTIL", "inf"))  # the second at which time for tests is out (./dev sets it)


ROUND = 10


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Figures for which time may be out: ten cases of each, then ten more of each that has more, and so on. What falls off the
    end is more of what was seen."""
    if UNTIL == float("inf") or not all("full" in item.keywords for item in items):
        return
    seen: Counter[tuple[Path, str]] = Counter()
    rounds = {}
    for item in items:
        test = (item.path, getattr(item, "originalname", item.name))
        rounds[item.nodeid] = seen[test] // ROUND
        seen[test] += 1
    items.sort(key=lambda item: rounds[item.nodeid])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    if time.time() > UNTIL - 10:
        pytest.skip("time was out")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """No test has longer than what is left."""
    left = max(UNTIL - time.time(), 10)
    mine = item.get_closest_marker("timeout")
    usual = float(mine.args[0]) if mine else float(item.config.getoption("timeout") or 300)
    if left < usual:
        item.add_marker(pytest.mark.timeout(left), append=False)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[pytest.TestReport]:
    """A test that the end of time stopped has not failed."""
    report = yield
    if report.failed and time.time() >= UNTIL and call.excinfo and "Timeout" in str(call.excinfo.value):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), 0, "Skipped: time was out")
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """What failed is named at once: a suite may take an hour, and what it said comes at the end."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        print(f" failed: {report.nodeid} ", end="", flush=True)


@dataclass(frozen=True)
class Answer:
    """What a call of lode gave back."""

    exit: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    @property
    def error(self) -> dict[str, Any]:
        """The error object that `-o json` leaves as one line on stderr."""
        lines = [line for line in self.stderr.splitlines() if line.startswith('{"error"')]
        assert len(lines) == 1, f"not one error on stderr: {self.stderr}"
        return json.loads(lines[0])["error"]


BECAME = ("staged", "duplicate", "held", "failed", "unclaimed")  # what a file that was seen is after a run
ANSWERED = re.compile(r"(\d+) files? seen = (\d+) staged \+ (\d+) duplicate \+ (\d+) held \+ (\d+) failed \+ (\d+) unclaimed")


def assert_conserved(said: str) -> None:
    """Of what a run reported, as JSON or in words: each record and each file is somewhere, and the report's parts say the same."""
    for seen, *became in ANSWERED.findall(said):
        assert int(seen) == sum(map(int, became)), said
    for line in said.splitlines():
        if line.startswith('{"run":'):
            assert_report(json.loads(line))


def assert_report(report: dict[str, Any]) -> None:
    files, states = report["files"], Counter(delivery["state"] for delivery in report["deliveries"])
    assert files["seen"] == sum(files[state] for state in BECAME), report
    assert files["unclaimed"] == len(report["unclaimed"]), report
    for state in BECAME[:-1]:  # what was read again is a delivery and no file
        assert files[state] <= states[state], (state, report)
    for delivery in report["deliveries"]:
        assert delivery["records"] == delivery["accepted"] + delivery["quarantined"] + delivery["skipped"], delivery


@dataclass(frozen=True)
class Memory:
    """Megabytes of memory that a call of lode had at its highest, and the largest of its workers."""

    lode: int
    worker: int


def highest(pid: int) -> tuple[int, int]:
    """Kilobytes that a process and the largest of its children have had at most; what has ended counts as 0."""
    own = children = 0
    for process in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{process}/status").read_text()
            if "VmHWM:" in text:
                kilobytes = int(text.split("VmHWM:")[1].split()[0])
                own = max(own, kilobytes if process == str(pid) else 0)
                children = max(children, kilobytes if f"\nPPid:\t{pid}\n" in text else 0)
    return own, children


@dataclass(frozen=True)
class Project:
    """A project of the test's own; its store lies beside it, so both go with the temporary folder."""

    root: Path

    @property
    def store(self) -> Path:
        return self.root.parent / f"{self.root.name}.lode"

    def lode(self, *arguments: str | Path, check: bool = True, env: dict[str, str] | None = None,
             timeout: float = 240) -> Answer:
        """Runs lode in the project; with check, an exit other than 0 fails the test and shows why."""
        done = subprocess.run([LODE, *map(str, arguments)], cwd=self.root, env={**os.environ, **(env or {})},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
        if check and done.returncode != 0:
            pytest.fail(f"lode {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stderr}{done.stdout}")
        if arguments[0] == "run":
            assert_conserved(done.stdout)
        return Answer(done.returncode, done.stdout, done.stderr)

    def measured(self, *arguments: str | Path) -> tuple[Answer, Memory]:
        """As lode() without check, and the memory that it took. It looks 50 times a second: a worker that lives for less may
        be missed, and so is what it takes in its last moment."""
        own = worker = 0
        with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
            with subprocess.Popen([LODE, *map(str, arguments)], cwd=self.root, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr) as process:
                try:
                    while process.poll() is None:
                        now = highest(process.pid)
                        own, worker = max(own, now[0]), max(worker, now[1])
                        time.sleep(0.02)
                finally:
                    process.kill()
            stdout.seek(0)
            stderr.seek(0)
            answer = Answer(process.returncode, stdout.read(), stderr.read())
        if arguments[0] == "run":
            assert_conserved(answer.stdout)
        return answer, Memory(own >> 10, worker >> 10)

    def json(self, *arguments: str | Path, check: bool = True) -> Any:
        return self.lode(*arguments, "-o", "json", check=check).json

    def query(self, sql: str, *options: str) -> list[dict[str, Any]]:
        return self.json("query", sql, *options)

    def csv(self, sql: str, *options: str) -> str:
        return self.lode("query", sql, "-o", "csv", *options).stdout

    def tables(self) -> list[str]:
        return [f"{table['zone']}.{table['stage']}.{table['table']}" for table in self.json("show", "table")
                if table["kind"] != "view"]

    def error(self, *arguments: str | Path) -> dict[str, Any]:
        """The error of a call that must fail, with its exit status added."""
        answer = self.lode(*arguments, "-o", "json", check=False)
        assert answer.exit != 0, f"lode {' '.join(map(str, arguments))} should fail, and said: {answer.stdout}"
        return {**answer.error, "exit": answer.exit}

    def assert_held(self, files: dict[str, tuple[bytes, str]]) -> None:
        """A run with these files in in/ holds each of them, and says of it what stands beside its content."""
        for name, (content, _) in files.items():
            self.write(f"in/{name}", content)
        deliveries = self.json("run", check=False)["deliveries"]
        assert {Path(delivery["name"]).name: delivery["state"] for delivery in deliveries} == dict.fromkeys(files, "held")
        for delivery in deliveries:
            assert files[Path(delivery["name"]).name][1] in str(delivery), delivery

    def write(self, name: str, text: str | bytes) -> Path:
        """A file of the project, folders included."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def drop(self, zone: str, name: str, content: str | bytes | Path) -> None:
        """A file in the zone's ingress, as a sender puts it there: whole, by rename."""
        if isinstance(content, Path):
            content = content.read_bytes()
        self.write(f"ingress/{zone}/.{name}", content).rename(self.root / "ingress" / zone / name)

    def table(self, name: str) -> pyarrow.Table:
        """The table's rows as PyIceberg reads them, without Lode."""
        return iceberg_rows(self.json("show", name)["metadata_location"])


def make_project(folder: Path, *options: str) -> Project:
    project = Project(folder / "project")
    done = subprocess.run([LODE, "init", str(project.root), *options], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A new, empty project."""
    return make_project(tmp_path)


@pytest.fixture
def demo(tmp_path: Path) -> Project:
    """The demo's project: files dropped, nothing run."""
    return make_project(tmp_path, "--demo")


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Other people's files, read in place; a test that needs them is skipped where they are absent."""
    if not TEST_DATA.is_dir():
        pytest.skip(f"{TEST_DATA} is absent (LODE_TEST_DATA)")
    return TEST_DATA


def copy_project(project: Project, folder: Path) -> Project:
    """The project's text and what waits in its ingress, without its store."""
    shutil.copytree(project.root, folder / "project", symlinks=True)
    return Project(folder / "project")


@dataclass(frozen=True)
class RealInput:
    """OurAirports and OpenFlights after `add` and one `run`, with the models of real_models on top."""

    project: Project
    sources: dict[tuple[str, str], dict[str, Any]]  # what add said, by zone and source
    report: dict[str, Any]


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> RealInput:
    """For tests that change nothing."""
    project = make_project(tmp_path_factory.mktemp("real"))
    sources = {}
    for zone, pattern in REAL_INPUT.items():
        added = project.json("add", zone, *sorted((test_data / zone).glob(pattern)))
        assert added["left_over"] == []
        sources |= {(zone, source["source"]): source for source in added["sources"]}
    shutil.copytree(REAL_MODELS, project.root / "zones", dirs_exist_ok=True)
    return RealInput(project, sources, project.json("run"))
