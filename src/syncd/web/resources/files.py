"""The files of a configuration as a request carries them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

FILES_LIMIT = 8 * 1024 * 1024
"""Bytes of a request that carries a whole configuration."""

_Path = Annotated[str, StringConstraints(pattern=r"^(connectors|mappings)/[^/\x00]{1,200}$")]
Files = Annotated[dict[_Path, str], Field(max_length=2000)]
"""Text by path, such as `mappings/match.yaml`."""
