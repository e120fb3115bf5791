# SPDX-License-Identifier: Apache-2.0
"""The two processes: killing a worker harms one statement, and lode itself never holds the engine."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import LODE, Project, make_project

SLOW = "select count(*) as n from b.staging.t x, b.staging.t y, b.staging.t z where (x.i + y.i * 3 + z.i * 7) % 1000003 = 500001"


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("big"))
    project.lode("add", "b", project.write("in/t.csv", "i\n" + "\n".join(map(str, range(20000))) + "\n"), "--name", "t")
    project.lode("run")
    return project


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def workers_below(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        found += children(parent)
    return [child for child in found[1:] if "lode-worker" in Path(f"/proc/{child}/cmdline").read_text()]


def wait_for_worker(pid: int) -> int:
    """A worker that has begun to compute."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for worker in workers_below(pid):
            ticks = sum(map(int, Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))
            if ticks > 30:
                return worker
        time.sleep(0.01)
    raise AssertionError("no worker computes")


def start_query(project: Project, sql: str) -> subprocess.Popen[str]:
    return subprocess.Popen([LODE, "query", sql, "-o", "json"], cwd=project.root, text=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_killed_worker_is_one_failed_statement(big: Project) -> None:
    process = start_query(big, SLOW)
    os.kill(wait_for_worker(process.pid), signal.SIGKILL)
    stdout, stderr = process.communicate(timeout=240)
    assert process.returncode in (1, 2, 3) and stdout == ""
    assert '"E404"' in stderr, stderr
    assert big.query("select count(*) as n from b.staging.t") == [{"n": 20000}]


def test_a_worker_dies_with_its_lode(big: Project) -> None:
    process = start_query(big, SLOW)
    worker = wait_for_worker(process.pid)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{worker}").exists()
    process.stdout.close()
    process.stderr.close()


def test_a_running_worker_is_boxed(big: Project) -> None:
    """As the kernel tells it: no new privileges, a system call filter, no more processes, no network of its own."""
    process = start_query(big, SLOW)
    worker = wait_for_worker(process.pid)
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{worker}/status").read_text().splitlines() if ":\t" in line)
    held = [os.readlink(path) for path in Path(f"/proc/{worker}/fd").iterdir()] if os.geteuid() == 0 else []
    process.kill()
    process.communicate()
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert not [name for name in held if "catalog" in name]  # only root may look: the worker cannot be dumped


def test_lode_never_loads_the_engine() -> None:
    needed = subprocess.run(["readelf", "-d", LODE], capture_output=True, text=True, check=True).stdout
    assert "duckdb" not in needed
    worker = subprocess.run(["readelf", "-d", LODE.parent / "lode-worker"], capture_output=True, text=True, check=True).stdout
    assert "duckdb" in worker and "sqlite" not in worker and "libssl" not in worker


def test_several_at_the_same_time(big: Project) -> None:
    """Processes side by side on one store: every answer is right."""
    running = [start_query(big, f"select count(*) as n from b.staging.t where i < {limit}") for limit in range(100, 900, 100)]
    for limit, process in zip(range(100, 900, 100), running, strict=True):
        stdout, stderr = process.communicate(timeout=240)
        assert process.returncode == 0, stderr
        assert stdout.strip() == f'[{{"n":{limit}}}]' or f'"n": {limit}' in stdout
