"""Libraries that only contracts need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needed(package: str) -> Iterator[None]:
    """Around an import: tell what to install where the library is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"Contracts need {package}, which is not installed: pip install 'syncd[testing]'.", name=error.name
        ) from error
