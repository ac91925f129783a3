"""What a disk holds after the power failed: the log of `fsyncdrop.c`, replayed without what was not synced.

A file's writes are durable from its next sync on. At a crash those that wait are lost: all of them, or a drawn part of
their 512-byte sectors, as a disk with a cache of its own would have it. Names (creation, rename, removal) keep their
order, as on a journalling file system. Files whose name ends in `.acks` are not on that disk: they say what the world
was told, and lose nothing.
"""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
_HEAD = struct.Struct("<cIQQ")
_SOURCE = Path(__file__).with_suffix(".c")


def compile_library(folder: Path) -> Path | None:
    """Build the library with the system's C compiler; None if there is none."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    library = folder / "fsyncdrop.so"
    command = [compiler, "-O1", "-Wall", "-shared", "-fPIC", "-o", str(library), str(_SOURCE), "-ldl", "-lpthread"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return library


@dataclass(frozen=True, slots=True)
class Call:
    """One recorded call: W write, T truncate to `offset`, S sync, R rename to `data`, U unlink."""

    kind: str
    path: str
    offset: int
    data: bytes


def read_log(path: Path) -> list[Call]:
    """The recorded calls, in order."""
    return list(_calls(path.read_bytes()))


def _calls(log: bytes) -> Iterator[Call]:
    at = 0
    while at < len(log):
        kind, length, offset, size = _HEAD.unpack_from(log, at)
        at += _HEAD.size
        path, data = log[at : at + length], log[at + length : at + length + size]
        at += length + size
        yield Call(kind.decode(), path.decode(), offset, data)


@dataclass
class Disk:
    """A disk that forgets what was not synced. `acknowledged` is what stood in the `.acks` file."""

    durable: dict[str, bytearray] = field(default_factory=dict)
    waiting: dict[str, list[Call]] = field(default_factory=dict)
    acknowledged: bytearray = field(default_factory=bytearray)

    def carry_out(self, call: Call) -> None:
        """Let one call happen."""
        if call.path.endswith(".acks"):
            self.acknowledged += call.data if call.kind == "W" else b""
        elif call.kind == "S":
            for waiting in self.waiting.pop(call.path, []):
                _apply(self.durable.setdefault(call.path, bytearray()), waiting)
        elif call.kind == "U":
            self.durable.pop(call.path, None)
            self.waiting.pop(call.path, None)
        elif call.kind == "R":
            self._rename(call.path, call.data.decode())
        else:
            self.waiting.setdefault(call.path, []).append(call)

    def _rename(self, old: str, new: str) -> None:
        for store in (self.durable, self.waiting):
            if old in store:
                store[new] = store.pop(old)  # type: ignore[index, assignment]

    def crash(self, folder: Path, rng: random.Random | None = None) -> None:
        """Write what is left into `folder`: nothing that waited, or a part of it that `rng` draws."""
        files = {path: bytearray(content) for path, content in self.durable.items()}
        for path, calls in self.waiting.items():
            for call in calls if rng else ():
                for part in _sectors(call):
                    if rng and rng.random() < 0.5:
                        _apply(files.setdefault(path, bytearray()), part)
        for path, content in files.items():
            (folder / Path(path).name).write_bytes(content)


def _apply(content: bytearray, call: Call) -> None:
    if call.kind == "T":
        content[call.offset :] = b"\0" * max(0, call.offset - len(content))
        return
    end = call.offset + len(call.data)
    content.extend(b"\0" * (end - len(content)))
    content[call.offset : end] = call.data


def _sectors(call: Call) -> Iterator[Call]:
    if call.kind == "T":
        yield call
    at = 0
    while at < len(call.data):
        size = SECTOR - (call.offset + at) % SECTOR
        yield Call("W", call.path, call.offset + at, call.data[at : at + size])
        at += size
