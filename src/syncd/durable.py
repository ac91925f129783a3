"""Files that a power cut leaves whole, and that are removed only while nobody puts them there anew."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def rename_durably(source: Path, target: Path) -> None:
    """Move a file into place so that a power cut leaves it whole: file, name and new folders are on disk."""
    made = [parent for parent in target.parents if not parent.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    sync(source)
    os.replace(source, target)
    for folder in {target.parent, *(parent.parent for parent in made)}:
        sync(folder)


def sync(path: Path) -> None:
    """Have a file's bytes, or the names in a folder, on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def unlink_unless_new(target: Path, partial: Path, before: float) -> bool:
    """Remove a file that was last written before an instant, while others may be putting it there anew.

    It is moved aside first, so that what is put under its name from now on is another file.

    Args:
        partial: a folder on the same file system to move it into.
        before: seconds since the epoch.

    Returns:
        whether it was removed.
    """
    aside = partial / f"collect-{target.name}"
    try:
        if target.stat().st_mtime >= before:
            return False
        os.replace(target, aside)
    except FileNotFoundError:
        return False
    if aside.stat().st_mtime >= before:
        with suppress(FileExistsError):  # put once more meanwhile: equal bytes
            os.link(aside, target)
        aside.unlink()
        return False
    aside.unlink()
    return True


def unlink_older(folder: Path, before: float) -> int:
    """Remove the files of a folder last written before an instant (seconds since the epoch); returns how many."""
    removed = 0
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < before:
                path.unlink()
                removed += 1
    return removed
