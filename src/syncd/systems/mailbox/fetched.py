"""What a server said of a message, item by item."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def body(found: Mapping[bytes, Any], section: str) -> bytes:
    """The bytes of a section in what was fetched; servers differ in how they repeat its offset."""
    wanted = f"BODY[{section}]".upper().encode()
    return next((value or b"" for name, value in found.items() if name.upper().partition(b"<")[0] == wanted), b"")


def received(found: Mapping[bytes, Any]) -> int:
    """The second a message was received (INTERNALDATE)."""
    moment = found.get(b"INTERNALDATE")
    if not isinstance(moment, datetime):
        return 0
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
