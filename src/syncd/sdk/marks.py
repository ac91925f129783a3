"""A ledger's mark in a file, for systems whose account is a folder or a file."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from syncd.sdk import files


async def claim(path: Path, ledger: str, *, take_over: bool) -> str:
    """Write the mark if there is none, or when taking over; returns the mark that stands."""
    return await asyncio.to_thread(_claim, path, ledger, take_over)


def _claim(path: Path, ledger: str, take_over: bool) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not take_over:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            found = _read(path)
            if found:
                return found
        else:
            os.close(descriptor)
    files.write_atomically(path, json.dumps({"kept_by_syncd_ledger": ledger}).encode() + b"\n")
    return ledger


def _read(path: Path) -> str:
    try:
        return str(json.loads(path.read_text()).get("kept_by_syncd_ledger", ""))
    except ValueError:
        return ""  # written half, when a process died: nobody's yet
