# SPDX-License-Identifier: Apache-2.0
"""Running a program and knowing what it cost: wall, CPU, and the peak memory of it and all it started."""

import os
import shutil
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

SAMPLE_SECONDS = 0.004
FIRST_SAMPLES, FIRST_SECONDS = 200, 0.0004  # denser at the start, for what ends soon


@dataclass(frozen=True)
class Cost:
    seconds: float
    cpu: float
    peak_mib: float
    stdout: str


def descendants(pid: int) -> list[int]:
    """The process and all below it, as far as they can still be read."""
    found = [pid]
    for parent in found:
        try:
            found += map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split())
        except OSError:
            continue
    return found


def memory_kib(pid: int) -> tuple[int, int]:
    """What it holds of its own, and of files (libraries). Nothing for a process that is gone, and for a child of ours that
    is not the program yet."""
    try:
        if os.path.samefile(f"/proc/{pid}/exe", "/proc/self/exe"):
            return 0, 0
        with open(f"/proc/{pid}/status") as status:
            sizes = {line.split()[0]: int(line.split()[1]) for line in status if line.startswith("Rss")}
    except OSError:
        return 0, 0
    return sizes.get("RssAnon:", 0) + sizes.get("RssShmem:", 0), sizes.get("RssFile:", 0)


class MemoryWatch(threading.Thread):
    """Samples the memory of a tree of processes: what each holds of its own, and once the most that one holds of files,
    for the processes share their libraries. `peak` in KiB is a lower bound of the true peak."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak, self.over = pid, 0, threading.Event()

    def run(self) -> None:
        samples = 0
        while not self.over.wait(FIRST_SECONDS if samples < FIRST_SAMPLES else SAMPLE_SECONDS):
            own, files = zip(*map(memory_kib, descendants(self.pid)), strict=True)
            self.peak = max(self.peak, sum(own) + max(files))
            samples += 1


def run(command: list[str | Path], cpus: int, cwd: Path | None = None, ok: tuple[int, ...] = (0,)) -> Cost:
    """Runs it on so many processors."""
    allowed = set(sorted(os.sched_getaffinity(0))[:cpus])
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        start = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], cwd=cwd, stdin=subprocess.DEVNULL, stdout=stdout,
                                   stderr=stderr, preexec_fn=lambda: os.sched_setaffinity(0, allowed))
        watch = MemoryWatch(process.pid)
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.over.set()
        watch.join()
        said = [file.seek(0) or file.read().decode() for file in (stdout, stderr)]
    if process.returncode not in ok:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}\n{said[1]}{said[0]}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, watch.peak / 1024, said[0])


def engine_program(name: str, work: Path) -> Path:
    """A small program of this folder over the engine's library, the file that the worker links."""
    folder = Path(os.environ.get("LODE_DUCKDB") or
                  Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lode" / "duckdb-2.0.0")
    library = next(path for path in sorted(folder.iterdir()) if path.name.startswith("libduckdb"))
    subprocess.run(["gcc", "-O2", "-o", work / name, Path(__file__).parent / f"{name}.c", f"-isystem{folder}", f"-L{folder}",
                    f"-l:{library.name}", f"-Wl,-rpath,{folder}"], check=True)
    return work / name


def csv_file(path: Path, sql: str) -> Path:
    """The answer of a question to the engine as a file, made once."""
    if not path.exists():
        part = path.with_suffix(".part")
        duckdb.execute(f"copy ({sql}) to '{part}' (format csv, header)")
        part.rename(path)
    return path


def forget_store(project: Path) -> None:
    """As it was before the first run; also what the project remembers of having had one."""
    shutil.rmtree(project.parent / f"{project.name}.lode", ignore_errors=True)
    (project / ".lode" / "store").unlink(missing_ok=True)
