"""Where files of the inbox are once they were taken: `accepted/DAY/` and `refused/DAY/`, newest day first."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from syncd.systems.folder.entries import ACCEPTED, MANIFESTS, REFUSED, Entry, is_content


class Taken:
    """Finds taken files by the path they had in the inbox."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def places(self, path: str) -> Iterator[Path]:
        """Every place the file may have been moved to, under its name or one made unique."""
        plain = PurePosixPath(path)
        for place in (ACCEPTED, REFUSED):
            for day in self._days(place):
                beside = day / plain.parent
                names = sorted(os.listdir(beside)) if beside.is_dir() else []
                yield from (beside / name for name in names if name == plain.name or _made_unique(name, plain))

    def get(self, path: str) -> Entry | None:
        """The newest accepted file of this path, under that path."""
        known = [found.stat() for found in self.places(path)]
        newest = max(known, key=lambda stat: stat.st_mtime_ns, default=None)
        return Entry(path, newest.st_mtime_ns, newest.st_size) if newest else None

    def named(self, stem: str) -> list[str]:
        """Paths of accepted content files of the inbox itself with this stem."""
        names = [name for day in self._days(ACCEPTED) for name in sorted(os.listdir(day))]
        return list(dict.fromkeys(n for n in names if str(PurePosixPath(n).with_suffix("")) == stem and is_content(n)))

    def under(self, base: str) -> list[str]:
        """Paths of accepted content files of a sub-folder."""
        found = ((day, path) for day in self._days(ACCEPTED) for path in sorted((day / base).rglob("*")))
        content = (path.relative_to(day).as_posix() for day, path in found if path.is_file() and is_content(path.name))
        return list(dict.fromkeys(content))

    def manifest(self, key: str, base: str) -> Path | None:
        """The newest accepted manifest of a submission."""
        names = [f"{base}/submission{ending}" if base else f"{key}{ending}" for ending in MANIFESTS]
        found = [path for name in names for path in self.places(name) if path.is_file()]
        return max(found, key=lambda path: path.stat().st_mtime_ns, default=None)

    def _days(self, place: str) -> list[Path]:
        root = self._folder / place
        return sorted((day for day in root.iterdir() if day.is_dir()), reverse=True) if root.is_dir() else []


def _made_unique(name: str, plain: PurePosixPath) -> bool:
    middle = name.removeprefix(f"{plain.stem}.").removesuffix(plain.suffix)
    return len(middle) == 8 and name == f"{plain.stem}.{middle}{plain.suffix}"
