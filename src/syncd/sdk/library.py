"""A DAM: holds each asset's versions, metadata and status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from syncd.sdk.media import Media


@dataclass(frozen=True, slots=True)
class LibraryItem:
    """An asset's current version as the DAM should hold it; `status` is the asset's, `metadata` flat text."""

    media: Media
    title: str
    status: str
    rights_until: datetime | None
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LibraryState:
    """What the DAM holds of one asset: the hash of the current version's bytes and where it can be linked from."""

    asset: str
    external_id: str = ""
    sha256: str = ""
    status: str = ""
    url: str = ""
    exists: bool = True


@runtime_checkable
class Library(Protocol):
    """A DAM: holds each asset's versions, metadata and status."""

    async def put(self, item: LibraryItem) -> LibraryState:
        """Hold this version as the asset's current one, older ones archived; idempotent by asset and hash."""
        ...

    async def withdraw(self, asset: str, status: str) -> LibraryState:
        """Take the asset out of use (archived, never deleted) with this status; idempotent."""
        ...

    async def read(self, assets: Sequence[str]) -> Sequence[LibraryState]:
        """What is held of these assets now, one state each, `exists=False` where none is in use."""
        ...
