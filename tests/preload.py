# SPDX-License-Identifier: Apache-2.0
"""Runs of lode under the library of tests/faults: what shall happen at which call, what happened, and the log of all
calls that changed the disk. The layout is that of tests/faults/control.h."""

import mmap
import os
import struct
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Self

from conftest import LODE, Answer, Project, assert_conserved

LIBRARY = Path(os.environ.get("LODE_FAULTS_LIBRARY", LODE.parent / "tests" / "faults" / "libfaults.so"))
MAGIC = 0x3273746C75616621
HEADER = struct.Struct("<QQQQIiQQIi256sQqQQII")
CONTROL_SIZE = 8192
PROCESSES = 1024
RECORD = struct.Struct("<IHHiiiIQQQQ")
NEVER = 2**64 - 1


class Kind(IntEnum):
    WRITE = 0
    PWRITE = 1
    TRUNCATE = 2
    FSYNC = 3
    FDATASYNC = 4
    RENAME = 5
    LINK = 6
    UNLINK = 7
    RMDIR = 8
    MKDIR = 9
    CREATE = 10
    OPEN = 11
    READ = 12
    PREAD = 13


READS = frozenset({Kind.READ, Kind.PREAD})  # of regular files
ALL = frozenset(Kind) - READS
SYNCS = frozenset({Kind.FSYNC, Kind.FDATASYNC})
CHANGES = ALL - SYNCS - {Kind.OPEN}  # what a full disk refuses, and more


class Action(IntEnum):
    NONE = 0
    FAIL = 1
    SHORT = 2
    KILL = 3
    SWALLOW = 4


@dataclass(frozen=True)
class Trouble:
    """What happens at the calls of some kinds, from the one numbered `at` to `until` (the same, unless told)."""

    action: Action = Action.NONE
    at: int = 0
    until: int | None = None
    error: int = 0
    kinds: frozenset[Kind] = ALL
    clock_at: int = NEVER
    clock_shift: int = 0  # seconds
    log_bytes: int = 0


@dataclass(frozen=True)
class Record:
    """One call that changed the disk, or made a change last."""

    kind: Kind
    process: int
    inode: int
    path: str = ""
    other: str = ""  # the new name of a rename or a link
    folder: int = 0  # inode of the folder that path is relative to, or 0
    offset: int = 0
    data: bytes = field(default=b"", repr=False)
    made: bool = False
    emptied: bool = False


class Faults:
    """The memory shared with the programs of one run."""

    def __init__(self, path: Path, trouble: Trouble) -> None:
        self.path = path
        kinds = sum(1 << kind for kind in trouble.kinds)
        until = trouble.at if trouble.until is None else trouble.until
        with path.open("wb+") as file:
            file.truncate(CONTROL_SIZE + trouble.log_bytes)
            self.memory = mmap.mmap(file.fileno(), 0)
        HEADER.pack_into(self.memory, 0, MAGIC, kinds, trouble.at, until, trouble.action, trouble.error, 0, 0, 0, 0, b"",
                         trouble.clock_at, trouble.clock_shift, trouble.log_bytes, 0, 0, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.memory.close()
        self.path.unlink()

    def header(self) -> tuple:
        return HEADER.unpack_from(self.memory, 0)

    @property
    def calls(self) -> int:
        return self.header()[6]

    @property
    def hits(self) -> int:
        return self.header()[7]

    @property
    def hit(self) -> str:
        """The first call that was troubled, in words."""
        header = self.header()
        return f"{Kind(header[8]).name.lower()} {header[10].split(bytes(1))[0].decode()}" if header[7] else "nothing"

    @property
    def processes(self) -> list[int]:
        count = min(self.header()[16], PROCESSES)
        return list(struct.unpack_from(f"<{count}i", self.memory, HEADER.size))

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(LIBRARY), "LODE_FAULTS": str(self.path)}

    def log(self, device: int) -> Iterator[Record]:
        """What was done on that device, in the order in which it was done."""
        at, end = CONTROL_SIZE, CONTROL_SIZE + self.header()[14]
        while at < end:
            (size, kind, flags, process, path_size, other_size, data_size, on, inode, folder,
             offset) = RECORD.unpack_from(self.memory, at)
            path_at = at + RECORD.size
            other_at = path_at + path_size
            data_at = other_at + other_size
            if on == device:
                yield Record(Kind(kind), process, inode, os.fsdecode(self.memory[path_at:other_at]),
                             os.fsdecode(self.memory[other_at:data_at]), folder, offset,
                             self.memory[data_at:data_at + data_size], bool(flags & 1), bool(flags & 2))
            at += size


@dataclass(frozen=True)
class Outcome:
    """How a troubled run ended."""

    answer: Answer
    calls: int
    hits: int
    hit: str
    left: list[int]  # processes that outlived it


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def still_alive(processes: list[int], seconds: float = 5) -> list[int]:
    """Those that do not end within that time: a killed one needs a moment."""
    until = time.monotonic() + seconds
    while (left := [process for process in processes if is_alive(process)]) and time.monotonic() < until:
        time.sleep(0.01)
    return left


def call(project: Project, faults: Faults, *arguments: str, timeout: float = 240) -> Outcome:
    """lode with that trouble; whoever outlives it by 5 s is told."""
    done = subprocess.run([LODE, *arguments], cwd=project.root, env={**os.environ, **faults.environment},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    left = still_alive(faults.processes)
    if arguments[0] == "run":
        assert_conserved(done.stdout)
    return Outcome(Answer(done.returncode, done.stdout, done.stderr), faults.calls, faults.hits, faults.hit, left)


def troubled(project: Project, trouble: Trouble, *arguments: str) -> Outcome:
    with Faults(project.root.parent / "faults", trouble) as faults:
        return call(project, faults, *(arguments or ("run", "-q")))
