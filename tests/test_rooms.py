# SPDX-License-Identifier: Apache-2.0
"""The house: a room includes only from the rooms before it, and each foreign library enters by its own door."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"

# The order is written down once, in src/meson.build.
ROOMS = re.findall(r"'(\w+)'", re.search(r"^rooms = \[(.*?)\]", (SOURCE / "meson.build").read_text(), re.S | re.M)[1])

# The other program is not the last storey of the first: it may use these and nothing else.
WORKER_MAY_USE = {"base", "frame", "parquet", "engine", "worker"}

# Foreign headers (by a pattern over the path in angle brackets) and the rooms where they may be named.
DOORS = [
    (r"jansson\.h|yaml\.h|xxhash\.h", {"base"}),
    (r"openssl/(err|ssl|x509v3)\.h", {"server"}),
    (r"openssl/.*", {"base"}),
    (r"curl/.*|libpq-fe\.h", {"base"}),
    (r"zlib\.h|zstd\.h", {"iceberg", "parquet", "frame"}),
    (r"libdeflate\.h|bzlib\.h|lzma\.h|expat\.h|zip\.h|archive.*\.h", {"frame"}),
    (r"sqlite3\.h", {"catalog"}),
    (r"cjose/.*", {"govern"}),
    (r"microhttpd\.h", {"server"}),
    (r"duckdb\.h|seccomp\.h|linux/(landlock|seccomp|filter|audit)\.h", {"worker"}),
]

# What the C library and the kernel bring.
SYSTEM = re.compile(
    r"(sys|linux|asm|arpa|netinet|net|sanitizer)/.+"
    r"|(\w*intrin|assert|byteswap|ctype|dirent|dlfcn|elf|endian|errno|execinfo|fcntl|fenv|float|fnmatch|getopt|glob|"
    r"grp|ifaddrs|iconv|inttypes|langinfo|libgen|limits|link|locale|malloc|math|netdb|poll|pthread|pwd|regex|sched|"
    r"search|semaphore|setjmp|signal|spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdio_ext|stdlib|"
    r"stdnoreturn|string|strings|syscall|syslog|termios|threads|time|uchar|ucontext|unistd|utime|wchar|wctype)\.h"
)

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.M)


def files_of(room: str) -> list[Path]:
    return sorted([*(SOURCE / room).rglob("*.h"), *(SOURCE / room).rglob("*.c")])


def includes_of(path: Path) -> list[tuple[int, str, str]]:
    """(line, kind of bracket, what is included)"""
    text = path.read_text()
    return [(text.count("\n", 0, match.start()) + 1, match[1], match[2]) for match in INCLUDE.finditer(text)]


def rooms_before(room: str) -> set[str]:
    return WORKER_MAY_USE if room == "worker" else set(ROOMS[: ROOMS.index(room) + 1])


def test_every_folder_of_the_source_is_a_room() -> None:
    assert {path.name for path in SOURCE.iterdir() if path.is_dir()} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_uses_only_the_rooms_before_it(room: str) -> None:
    wrong = []
    for path in files_of(room):
        for line, bracket, name in includes_of(path):
            if bracket == '"' and name.split("/")[0] not in rooms_before(room):
                wrong.append(f"{path.relative_to(ROOT)}:{line} includes {name}")
            if bracket == '"' and not (SOURCE / name).exists() and not name.endswith((".inc", "version.h")):
                wrong.append(f"{path.relative_to(ROOT)}:{line} includes {name}, which is not written from src/")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("room", ROOMS)
def test_foreign_headers_enter_only_at_their_door(room: str) -> None:
    wrong = []
    for path in files_of(room):
        for line, bracket, name in includes_of(path):
            if bracket == '"':
                continue
            rooms = next((rooms for pattern, rooms in DOORS if re.fullmatch(pattern, name)), None)
            if rooms is None and SYSTEM.fullmatch(name):
                continue
            if rooms is None:
                wrong.append(f"{path.relative_to(ROOT)}:{line} <{name}> has no door: add it to DOORS")
            elif room not in rooms:
                wrong.append(f"{path.relative_to(ROOT)}:{line} <{name}> belongs to {', '.join(sorted(rooms))}")
    assert not wrong, "\n".join(wrong)
