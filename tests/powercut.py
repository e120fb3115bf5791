# SPDX-License-Identifier: Apache-2.0
"""What a power cut may leave of a folder, worked out from the log of all calls that changed it (tests/preload.py).

The disk promises no more than POSIX does: a file's bytes last once the file was synced, a folder's names once the folder
was. Whatever else was done may have reached the disk or not, each write and each name by itself, in any order, and the
last write in part: any of its sectors of 512 bytes, or none. Names of one folder reach the disk in any selection, but
what is done to one and the same name stays in order, and a rename within a folder is all or nothing. Nothing is taken as
lasting by luck: not a name because its file was synced, not a write because a later one was."""

import os
import random
import shutil
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from preload import Kind, Record

SECTOR = 512
Change = dict[str, "Node | None"]  # names of one folder, each with what it becomes; all or nothing


@dataclass(eq=False)
class Node:
    """A file or a folder, by identity: an inode number is given again when its file is gone."""

    is_folder: bool
    mode: int
    names: dict[str, "Node"] = field(default_factory=dict)
    lasting_names: dict[str, "Node"] = field(default_factory=dict)
    waiting_names: list[Change] = field(default_factory=list)
    data: bytearray = field(default_factory=bytearray)
    lasting_data: bytes = b""
    waiting_data: list[tuple[int, bytes | None]] = field(default_factory=list)  # offset, bytes; None: cut at offset
    modified: int | None = None  # when, as long as nothing is written to it (ns)

    @property
    def is_lasting(self) -> bool:
        return not self.waiting_names if self.is_folder else not self.waiting_data


def apply_write(data: bytearray, offset: int, bytes_: bytes | None) -> None:
    if bytes_ is None and len(data) > offset:
        del data[offset:]
    elif bytes_ is None:
        data.extend(bytes(offset - len(data)))
    else:
        if len(data) < offset:
            data.extend(bytes(offset - len(data)))
        data[offset:offset + len(bytes_)] = bytes_


class Disk:
    """A folder as its programs see it, and what of it would last. It starts as it lies there now, all of it lasting."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.nodes: dict[int, Node] = {}
        self.tree = self.read(root)

    def read(self, path: Path) -> Node:
        status = path.lstat()
        node = Node(stat.S_ISDIR(status.st_mode), stat.S_IMODE(status.st_mode), modified=status.st_mtime_ns)
        self.nodes[status.st_ino] = node
        if node.is_folder:
            node.names = {name: self.read(path / name) for name in os.listdir(path)
                          if not (path / name).is_symlink()}
            node.lasting_names = dict(node.names)
        else:
            node.lasting_data = path.read_bytes()
            node.data = bytearray(node.lasting_data)
        return node

    # ---- what the log tells ----

    def place(self, path: str, folder: int = 0) -> tuple[Node, str] | None:
        """The folder that a path lies in, and its last name; None outside of the root."""
        at = self.nodes.get(folder) if folder else self.tree
        if folder:
            parts = path.split("/")
        else:
            try:
                parts = str(Path(os.path.normpath(path)).relative_to(self.root)).split("/")
            except ValueError:
                return None
        for part in parts[:-1]:
            at = at.names.get(part) if at else None
        return (at, parts[-1]) if at else None

    def find(self, path: str) -> Node | None:
        place = self.place(path)
        return place[0].names.get(place[1]) if place else None

    @staticmethod
    def change(folder: Node, names: Change) -> None:
        for name, node in names.items():
            if node:
                folder.names[name] = node
            else:
                folder.names.pop(name, None)
        folder.waiting_names.append(names)

    def sync(self, node: Node) -> None:
        if node.is_folder:
            node.lasting_names, node.waiting_names = dict(node.names), []
        else:
            node.lasting_data, node.waiting_data = bytes(node.data), []

    def write(self, node: Node, offset: int, data: bytes | None) -> None:
        apply_write(node.data, offset, data)
        node.waiting_data.append((offset, data))
        node.modified = None

    def make(self, record: Record, is_folder: bool) -> None:
        place = self.place(record.path, record.folder)
        if not place:
            return
        node = Node(is_folder, 0o755 if is_folder else 0o644)
        self.nodes[record.inode] = node
        self.change(place[0], {place[1]: node})

    def rename(self, record: Record) -> None:
        old, new = self.place(record.path, record.folder), self.place(record.other)
        if not old or not new:
            return
        node = old[0].names[old[1]]
        if old[0] is new[0]:
            self.change(old[0], {new[1]: node, old[1]: None})
        else:
            self.change(new[0], {new[1]: node})
            self.change(old[0], {old[1]: None})

    def follow(self, record: Record) -> None:
        """One call."""
        node = self.nodes.get(record.inode)
        match record.kind:
            case Kind.WRITE if node:
                self.write(node, record.offset, record.data)
            case Kind.TRUNCATE if node:
                self.write(node, record.offset, None)
            case Kind.FSYNC | Kind.FDATASYNC if node:
                self.sync(node)
            case Kind.MKDIR:
                self.make(record, is_folder=True)
            case Kind.CREATE if record.made:
                self.make(record, is_folder=False)
            case Kind.CREATE if node and record.emptied and node.data:
                self.write(node, 0, None)
            case Kind.RENAME:
                self.rename(record)
            case Kind.LINK:
                old, new = self.place(record.path, record.folder), self.place(record.other)
                if old and new:
                    self.change(new[0], {new[1]: old[0].names[old[1]]})
            case Kind.UNLINK | Kind.RMDIR:
                place = self.place(record.path, record.folder)
                if place:
                    self.change(place[0], {place[1]: None})
            case _:
                pass

    # ---- what a power cut leaves ----

    def build(self, to: Path, choice: "Choice") -> None:
        """Makes the folder as it is after a cut now."""
        made: dict[Node, Path] = {}

        def put(node: Node, path: Path) -> None:
            if node in made and not node.is_folder:
                os.link(made[node], path)
            elif node.is_folder:
                path.mkdir()
                for name, child in choice.names(node).items():
                    put(child, path / name)
            else:
                path.write_bytes(choice.data(node))
                made[node] = path
            path.chmod(node.mode)
            if node.modified is not None and not node.is_folder:
                os.utime(path, ns=(node.modified, node.modified))

        if to.exists():
            shutil.rmtree(to)
        put(self.tree, to)


@dataclass(frozen=True)
class Choice:
    """What survives of the changes that wait."""

    names: Callable[[Node], dict[str, Node]]
    data: Callable[[Node], bytes]


def with_changes(node: Node, kept: Iterable[Change]) -> dict[str, Node]:
    names: dict[str, Node | None] = dict(node.lasting_names)
    for change in kept:
        names.update(change)
    return {name: child for name, child in names.items() if child}


NOTHING = Choice(lambda node: dict(node.lasting_names), lambda node: node.lasting_data)
EVERYTHING = Choice(lambda node: dict(node.names), lambda node: bytes(node.data))


def tear(chance: random.Random, offset: int, data: bytes) -> list[tuple[int, bytes]]:
    """Some of the sectors of a write."""
    parts = []
    at = 0
    while at < len(data):
        size = min(SECTOR - (offset + at) % SECTOR, len(data) - at)
        if chance.random() < 0.5:
            parts.append((offset + at, data[at:at + size]))
        at += size
    return parts


def by_luck(chance: random.Random) -> Choice:
    """For each file and folder: nothing of what waits, all of it, the first so many changes, or any of them; and of a
    file the last one in part."""

    def kept(changes: list) -> list:
        way = chance.randrange(4)
        if way == 2:
            return changes[:chance.randint(0, len(changes))]
        if way == 3:
            return [change for change in changes if chance.random() < 0.5]
        return changes if way == 1 else []

    def data(node: Node) -> bytes:
        result = bytearray(node.lasting_data)
        writes = kept(node.waiting_data)
        torn = len(writes) - 1 if writes and chance.random() < 0.5 else -1
        for number, (offset, bytes_) in enumerate(writes):
            parts = tear(chance, offset, bytes_) if number == torn and bytes_ is not None else [(offset, bytes_)]
            for part_offset, part in parts:
                apply_write(result, part_offset, part)
        return bytes(result)

    return Choice(lambda node: with_changes(node, kept(node.waiting_names)), data)
