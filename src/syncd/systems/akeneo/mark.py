"""How ours are recognised in an asset family: the codes of assets, and the note of which version a file is. Pure."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from syncd.sdk.media import Media

_SHORT = 12  # hex digits of a hash in a code; together with the asset's name they mistake nothing
_VERSION, _RENDITION = r"v\d+", rf"r[0-9a-f]{{{_SHORT}}}"


class Use(enum.StrEnum):
    """What an asset's file is for."""

    CURRENT = "current"
    WITHDRAWN = "withdrawn"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class Mark:
    """The note: version number and hash of the file that Akeneo calls `file`. Where the asset has another file now,
    somebody else put it there."""

    use: Use
    version: int
    sha256: str
    file: str

    def __str__(self) -> str:
        return f"{self.use} v{self.version} {self.sha256} {self.file}"

    @classmethod
    def read(cls, text: object) -> Mark | None:
        """A note as it stands in Akeneo; None where it is none of ours."""
        found = re.fullmatch(r"(\w+) v(\d+) ([0-9a-f]{64}) (\S+)", text) if isinstance(text, str) else None
        if found is None or found[1] not in set(Use):
            return None
        return cls(Use(found[1]), int(found[2]), found[3], found[4])


class Codes:
    """The codes of our assets: PREFIX and our id of the asset, in which whatever no code may hold is written as
    `_HEX_`; then `_vN` for an archived version, `_rHASH` for a rendition."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._ours = re.compile(
            rf"{re.escape(prefix)}((?:[A-Za-z0-9]|_[0-9a-f]{{1,6}}_)+)(?:_({_VERSION}|{_RENDITION}))?"
        )

    def of(self, asset: str) -> str:
        """The code of the asset that holds its current version."""
        return self._prefix + re.sub(r"[^A-Za-z0-9]", lambda found: f"_{ord(found[0]):x}_", asset)

    def archived(self, asset: str, version: int) -> str:
        """The code of an earlier version."""
        return f"{self.of(asset)}_v{version}"

    def rendition(self, media: Media) -> str:
        """The code of other bytes made of an asset, named by their hash: it never comes to hold anything else."""
        return f"{self.of(media.asset)}_r{media.sha256[:_SHORT]}"

    def asset(self, code: str) -> str:
        """Our id of the asset that a code is of, "" where the code is not ours."""
        found = self._ours.fullmatch(code)
        try:
            return re.sub(r"_([0-9a-f]+)_", lambda escaped: chr(int(escaped[1], 16)), found[1]) if found else ""
        except ValueError:  # a number that is no character's
            return ""

    def is_current(self, code: str) -> bool:
        """Whether a code is that of an asset's current version."""
        found = self._ours.fullmatch(code)
        return found is not None and found[2] is None and bool(self.asset(code))

    def is_rendition(self, code: str) -> bool:
        """Whether a code is that of a rendition."""
        found = self._ours.fullmatch(code)
        return found is not None and (found[2] or "").startswith("r")
