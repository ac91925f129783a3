"""Where the vendors' contracts are on this machine. They are the vendors' own, so they are no part of the product."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "SYNCD_CONTRACTS"
BESIDE = Path("shared", "specs")


def find(start: Path, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The folder that SYNCD_CONTRACTS names, else the nearest `shared/specs` beside or above `start`.

    Args:
        start: root of the checkout.
        environ: the environment.

    Raises:
        FileNotFoundError: SYNCD_CONTRACTS names no folder.
    """
    named = environ.get(VARIABLE)
    if named:
        folder = start / named
        if not folder.is_dir():
            raise FileNotFoundError(f"{VARIABLE} names {folder}, which is no folder. Correct it or leave it unset.")
        return folder.resolve()
    above = (parent / BESIDE for parent in (start, *start.resolve().parents))
    return next((folder for folder in above if folder.is_dir()), None)


def missing(names: str) -> str:
    """What to tell where there are no contracts.

    Args:
        names: of the contracts that are needed.
    """
    return (
        f"No contracts found: requests of {names} were not validated. "
        f"Set {VARIABLE} to the folder that holds them, or put it beside the checkout as {BESIDE}."
    )
