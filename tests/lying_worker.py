# SPDX-License-Identifier: Apache-2.0
"""A worker that lies: the real one, with somebody between it and lode who changes what it says of a statement that holds
the text 'lie:NAME'. lying_worker(folder) writes it as a program that LODE_WORKER can name."""

import os
import select
import socket
import struct
import sys
from pathlib import Path

HEADER = struct.Struct("<IHHQ")  # length, type, flags, statement
EXECUTE, ROWS, DONE = 6, 7, 8
LIES = ("length", "short", "protocol", "columns", "field", "count", "frames", "type", "huge", "early", "descriptor", "silence", "hang up", "late")


def lying_worker(folder: Path, real: Path) -> Path:
    program = folder / "lying-worker"
    program.write_text(f"#!{sys.executable} -ES\nimport sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n"
                       f"import lying_worker\nlying_worker.main({str(real)!r}, sys.argv)\n")
    program.chmod(0o755)
    return program


def frame(kind: int, statement: int, payload: bytes, flags: int = 0) -> bytes:
    return HEADER.pack(len(payload), kind, flags, statement) + payload


def row(*values: bytes, columns: int | None = None) -> bytes:
    body = struct.pack("!H", len(values) if columns is None else columns) + b"".join(struct.pack("!i", len(value)) + value for value in values)
    return b"D" + struct.pack("!I", len(body) + 4) + body


class Stream:
    """Whole frames out of what comes."""

    def __init__(self, source: socket.socket) -> None:
        self.source, self.buffer = source, b""

    def frames(self) -> list[tuple[int, int, bytes, bytes]]:
        got = self.source.recv(1 << 20)
        if not got:
            os._exit(0)
        self.buffer += got
        out = []
        while len(self.buffer) >= HEADER.size:
            size, kind, _, statement = HEADER.unpack_from(self.buffer)
            if len(self.buffer) < HEADER.size + size:
                break
            whole, self.buffer = self.buffer[:HEADER.size + size], self.buffer[HEADER.size + size:]
            out.append((kind, statement, whole[HEADER.size:], whole))
        return out


class Liar:
    def __init__(self, control: socket.socket, rows: socket.socket) -> None:
        self.control, self.rows, self.lie, self.late = control, rows, "", b""

    def heard(self, kind: int, payload: bytes) -> None:
        """What lode asks: the lie is chosen by the statement's own text."""
        if kind != EXECUTE:
            return
        begin = payload.find(b"lie:")
        self.lie = payload[begin + 4:payload.index(b"'", begin)].decode() if begin >= 0 else ""

    def say_rows(self, statement: int, whole: bytes) -> None:
        said = {
            "length": frame(ROWS, statement, b"D\x7f\xff\xff\xff\0\1"),
            "short": frame(ROWS, statement, b"D\0\0\0\6\0\1\0\0\0\1x"),
            "protocol": frame(ROWS, statement, b"E\0\0\0\x0cSFATAL\0\0" + b"Z\0\0\0\5I"),
            "columns": frame(ROWS, statement, row(b"a", b"b", b"c")),
            "field": frame(ROWS, statement, b"D\0\0\0\x0d\0\1\0\0\1\0abc"),
            "type": frame(DONE, statement, whole[HEADER.size:]),
            "huge": HEADER.pack(0x7FFFFFFF, ROWS, 0, statement) + b"x" * 1000,
        }.get(self.lie, whole)
        if self.lie == "descriptor":
            socket.send_fds(self.rows, [frame(ROWS, statement, whole[HEADER.size:], flags=1)], [1])
        elif self.lie != "silence":
            self.rows.sendall(said)

    def say(self, kind: int, statement: int, payload: bytes, whole: bytes) -> None:
        if kind != DONE or not self.lie:
            self.control.sendall(whole)
            return
        rows, frames = struct.unpack("<QQ", payload)
        if self.lie == "hang up":
            os._exit(0)
        if self.lie in ("count", "early"):
            whole = frame(DONE, statement, struct.pack("<QQ", rows + 1, frames if self.lie == "count" else 0))
        elif self.lie == "frames":
            whole = frame(DONE, statement, struct.pack("<QQ", rows, frames + 1)) + frame(DONE, statement, payload)
        if self.lie != "silence":
            self.control.sendall(whole)
        if self.lie == "late":
            self.rows.sendall(frame(ROWS, statement, row(b"too late")))
            self.control.sendall(frame(DONE, statement, payload))


def main(real: str, arguments: list[str]) -> None:
    control, rows = socket.socket(fileno=3), socket.socket(fileno=4)
    (ours, theirs), (our_rows, their_rows) = socket.socketpair(), socket.socketpair()
    moves = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), 13), (os.POSIX_SPAWN_DUP2, their_rows.fileno(), 14),
             (os.POSIX_SPAWN_DUP2, 13, 3), (os.POSIX_SPAWN_DUP2, 14, 4), (os.POSIX_SPAWN_CLOSE, 13), (os.POSIX_SPAWN_CLOSE, 14)]
    os.posix_spawn(real, [arguments[0], *arguments[1:5], "0", *arguments[6:]], {"TZ": "UTC"}, file_actions=moves)
    theirs.close()
    their_rows.close()
    liar = Liar(control, rows)
    asked, said, answered = Stream(control), Stream(ours), Stream(our_rows)
    while True:
        ready, _, _ = select.select([control, ours, our_rows], [], [])
        if our_rows in ready:  # before what follows them
            for _, statement, _, whole in answered.frames():
                liar.say_rows(statement, whole)
        if control in ready:
            for kind, _, payload, whole in asked.frames():
                liar.heard(kind, payload)
                ours.sendall(whole)
        if ours in ready:
            for kind, statement, payload, whole in said.frames():
                liar.say(kind, statement, payload, whole)
