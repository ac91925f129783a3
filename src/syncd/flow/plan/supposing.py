"""The daemon as it would be if another revision were the active one: what plans are worked out with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from syncd.flow.configuration import Configuration
from syncd.flow.connections import Connections
from syncd.flow.services import Services
from syncd.mapping.rulebook import Rulebook


class _Supposed(Configuration):
    """A configuration that answers by one revision, whichever is active."""

    def __init__(self, actual: Configuration, rulebook: Rulebook) -> None:
        super().__init__(actual.ledger, actual.registry, actual.clock, actual.root)
        self._active = rulebook


@asynccontextmanager
async def supposing(services: Services, rulebook: Rulebook) -> AsyncIterator[Services]:
    """The same services, their configuration and connections as a revision has them.

    Raises:
        ConfigError: on use, where a connection of the revision cannot be opened.
    """
    if rulebook.bundle.revision == services.configuration.active.bundle.revision:
        yield services
        return
    configuration, known = _Supposed(services.configuration, rulebook), services.connections
    connections = Connections(
        known.settings, configuration, known.clock, known.lanes, known.blobs, known.fetcher, known.documents,
        known.public_url, known.keeper,
    )  # fmt: skip
    try:
        yield replace(services, configuration=configuration, connections=connections)
    finally:
        await connections.close()
