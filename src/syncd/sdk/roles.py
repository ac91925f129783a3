"""What a system can be to syncd. A connector implements the few methods of its roles and nothing else: retry, rate,
breaker, idempotency, acknowledgement and logging belong to the framework.

Every method may raise the errors of `syncd.errors`; anything else is treated as a bug of the connector. Methods are
called again after a crash, so each must tolerate having been carried out already.
"""

from __future__ import annotations

import enum

from syncd.sdk.catalog import Catalog
from syncd.sdk.channel import Channel
from syncd.sdk.library import Library
from syncd.sdk.source import Source


class Role(enum.StrEnum):
    """The parts a connection can take."""

    SOURCE = "source"
    LIBRARY = "library"
    CATALOG = "catalog"
    CHANNEL = "channel"


PROTOCOLS: dict[Role, type] = {
    Role.SOURCE: Source,
    Role.LIBRARY: Library,
    Role.CATALOG: Catalog,
    Role.CHANNEL: Channel,
}
"""What a system must be able to do in each."""
