"""The files that lie in a watched folder, as they are found."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ACCEPTED, REFUSED = "accepted", "refused"
MANIFESTS = (".yaml", ".yml", ".json")
_UNFINISHED = (".part", ".tmp", ".crdownload", ".download", ".partial", "~", ".status.yaml")
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """A file: path below the folder with `/`, and what tells whether it changed. `fault`: why it is not taken."""

    path: str
    mtime_ns: int
    size: int
    fault: str = ""

    @property
    def token(self) -> str:
        return f"{self.path}|{self.mtime_ns}|{self.size}"

    def is_(self, found: os.stat_result) -> bool:
        """Whether what was found is this very state of the file."""
        return (found.st_mtime_ns, found.st_size) == (self.mtime_ns, self.size)


def is_content(path: str) -> bool:
    """Whether a file is something to show, not something that describes it."""
    return not path.lower().endswith((*MANIFESTS, ".csv", ".status.yaml"))


def scan(folder: Path) -> list[Entry]:
    """Every file that is not ours, hidden or unfinished; links and special files with their fault."""
    found: list[Entry] = []
    for item in sorted(os.scandir(folder), key=lambda item: item.name):
        if item.name not in (ACCEPTED, REFUSED):
            found += _walk(item, "", 1)
    return found


def _walk(item: os.DirEntry[str], above: str, depth: int) -> Iterator[Entry]:
    if item.name.startswith(".") or item.name.lower().endswith(_UNFINISHED):
        return
    path = f"{above}{item.name}"
    try:
        if item.is_dir(follow_symlinks=False) and depth <= _DEEPEST:
            for inner in sorted(os.scandir(item.path), key=lambda inner: inner.name):
                yield from _walk(inner, f"{path}/", depth + 1)
        else:
            found = item.stat(follow_symlinks=False)
            yield Entry(path, found.st_mtime_ns, found.st_size, _fault(path, found.st_mode))
    except FileNotFoundError:
        return  # moved away while we looked
    except PermissionError:
        yield Entry(path, 0, 0, f"{path} may not be read by syncd")


def _fault(path: str, mode: int) -> str:
    try:
        path.encode()
    except UnicodeEncodeError:
        return f"{path.encode('utf-8', 'replace').decode()} has a name that is no UTF-8 text"
    if stat.S_ISLNK(mode):
        return f"{path} is a link; only files themselves are taken"
    if stat.S_ISDIR(mode):
        return f"{path} lies too deep; {_DEEPEST} levels are taken"
    return "" if stat.S_ISREG(mode) else f"{path} is no ordinary file"
