"""What webhooks go into: verified by their connection's system, committed by the inbox."""

from __future__ import annotations

import shutil

from syncd.engine.inbox import BUSY_SECONDS, CAPACITY, Arrival, Inbox
from syncd.errors import ConfigError, NotFoundError
from syncd.flow.services import Services
from syncd.sdk.changes import Hears
from syncd.sdk.roles import Role
from syncd.sdk.source import HookRequest, RawItem, Source

DISK_LOOKED_AT_EVERY = 5.0
DISK_LOW_SECONDS = 60.0


class Reception:
    """The way in for webhooks."""

    def __init__(self, services: Services, inbox: Inbox) -> None:
        self.services, self.inbox = services, inbox
        self._disk_low = False
        self._looked_at = float("-inf")

    def verify(self, connection: str, request: HookRequest) -> RawItem:
        """Let the connection's system accept the request, in the first of its roles that takes webhooks.

        Raises:
            HookRefused: it is not proven to come from the sender. NotFoundError: no connection takes webhooks here.
        """
        for role in self.services.connections.config(connection).roles:
            try:
                system = self.services.connections.get(connection, Role(role))
            except ConfigError as error:
                raise NotFoundError(f"{connection} takes no webhooks.") from error
            if isinstance(system, Source | Hears):
                return system.verify(request)
        raise NotFoundError(f"{connection} takes no webhooks.")

    def admit(self) -> float | None:
        """Seconds after which to try again while the queue is full or closing, or the disk is low; None: go ahead."""
        if self.inbox.closing or self.inbox.depth >= CAPACITY:
            return float(BUSY_SECONDS)
        return DISK_LOW_SECONDS if self.disk_low() else None

    def disk_low(self) -> bool:
        """Whether less disk is free than the settings ask; looked at every few seconds."""
        now = self.services.clock.monotonic()
        if now - self._looked_at > DISK_LOOKED_AT_EVERY:
            self._looked_at = now
            free = shutil.disk_usage(self.services.settings.var).free
            self._disk_low = free < self.services.settings.min_free_mb * 2**20
        return self._disk_low

    async def store(self, connection: str, item: RawItem) -> None:
        """Return when the item is committed."""
        brand = self.services.connections.config(connection).brand
        await self.inbox.put(Arrival(brand, connection, item))
