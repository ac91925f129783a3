"""Where Amazon sends its notifications: destinations of the application, subscriptions of the seller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


class Notices:
    """Destinations and subscriptions."""

    def __init__(self) -> None:
        self.destinations: dict[str, dict[str, Any]] = {}
        self.subscriptions: dict[tuple[str, str], dict[str, Any]] = {}

    def list_destinations(self) -> httpx.Response:
        return httpx.Response(200, json={"payload": list(self.destinations.values())})

    def make_destination(self, asked: Mapping[str, Any]) -> httpx.Response:
        arn = asked["resourceSpecification"]["sqs"]["arn"]
        if any(each["resource"]["sqs"]["arn"] == arn for each in self.destinations.values()):
            return _errors(409, "A destination with this resource exists.")
        identifier = f"destination-{len(self.destinations) + 1}"
        made = {"name": asked["name"], "destinationId": identifier, "resource": {"sqs": {"arn": arn}}}
        self.destinations[identifier] = made
        return httpx.Response(200, json={"payload": made})

    def subscription(self, kind: str, version: str) -> httpx.Response:
        found = self.subscriptions.get((kind, version))
        return httpx.Response(200, json={"payload": found}) if found else _errors(404, "No subscription was found.")

    def subscribe(self, kind: str, asked: Mapping[str, Any]) -> httpx.Response:
        key = kind, asked["payloadVersion"]
        if key in self.subscriptions:
            return _errors(409, "A subscription exists.")
        made = {"subscriptionId": f"subscription-{len(self.subscriptions) + 1}", **asked}
        self.subscriptions[key] = made
        return httpx.Response(200, json={"payload": made})


def _errors(status: int, message: str) -> httpx.Response:
    return httpx.Response(status, json={"errors": [{"code": "InvalidInput", "message": message}]})
