"""The Notifications API v1: has Amazon send its notifications to the queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from syncd.errors import ConfigError
from syncd.systems.amazon import shape
from syncd.systems.amazon.notifications import PAYLOADS
from syncd.systems.amazon.options import QueueOptions
from syncd.systems.amazon.partner import Partner

_DESTINATIONS = "/notifications/v1/destinations"
_SUBSCRIPTIONS = "/notifications/v1/subscriptions"


class Subscriptions:
    """What Amazon sends to one queue."""

    def __init__(self, partner: Partner, queue: QueueOptions, name: str) -> None:
        """
        Args:
            name: the destination's, for people.
        """
        self._partner, self._queue, self._name = partner, queue, name

    async def mend(self) -> str:
        """Make the destination and the subscriptions that are missing; what was made, "" if nothing.

        Raises:
            ConfigError: the application has its notifications sent elsewhere.
        """
        made: list[str] = []
        destination = await self._destination()
        if not destination:
            destination = await self._make_destination()
            made.append(f"the destination {self._queue.arn}")
        made += [f"the subscription to {e}" for e in self._queue.events if await self._subscribe(e, destination)]
        return f"made {', '.join(made)}" if made else ""

    async def _destination(self) -> str:
        found = await self._partner.object("getDestinations", "GET", _DESTINATIONS, grantless=True)
        for raw in shape.member(found, "payload", list, "The list of destinations"):
            if ((raw.get("resource") or {}).get("sqs") or {}).get("arn") == self._queue.arn:
                return shape.member(raw, "destinationId", str, "A destination")
        return ""

    async def _make_destination(self) -> str:
        asked = {"name": self._name, "resourceSpecification": {"sqs": {"arn": self._queue.arn}}}
        found = await self._partner.object("createDestination", "POST", _DESTINATIONS, json=asked, grantless=True)
        payload = shape.member(found, "payload", dict, "The new destination")
        return shape.member(payload, "destinationId", str, "The new destination")

    async def _subscribe(self, event: str, destination: str) -> bool:
        """Whether the subscription had to be made."""
        path, version = f"{_SUBSCRIPTIONS}/{event}", PAYLOADS[event]
        present = await self._subscription(path, version)
        if not present:
            asked = {"payloadVersion": version, "destinationId": destination}
            await self._partner.object("createSubscription", "POST", path, json=asked)
            return True
        if present.get("destinationId") != destination:
            raise ConfigError(
                f"The application has {event} sent to the destination {present.get('destinationId')}, "
                f"not to {self._queue.arn}.",
                remedy="Name that queue in `queue`, or delete the subscription at Amazon.",
            )
        return False

    async def _subscription(self, path: str, version: str) -> Mapping[str, Any]:
        """The seller's present subscription; empty if there is none."""
        response = await self._partner.call(
            "getSubscription", "GET", path, params={"payloadVersion": version}, expect=(httpx.codes.NOT_FOUND,)
        )
        if response.status_code == httpx.codes.NOT_FOUND:
            return {}
        return shape.member(shape.answer(response, path), "payload", dict, "A subscription")
