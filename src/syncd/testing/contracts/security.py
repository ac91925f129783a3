"""Whether a request proves who calls, in one of the ways the contract takes."""

from __future__ import annotations

from collections.abc import Iterator
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl

from syncd.testing.contracts.exchange import Request
from syncd.testing.contracts.operation import Operation, Place, Scheme
from syncd.testing.contracts.violation import Breach


def breaches(operation: Operation, request: Request) -> Iterator[Breach]:
    """Yields a breach if none of the operation's alternatives is carried whole; nothing is verified."""
    alternatives = operation.security
    if alternatives and not any(all(_carried(scheme, request) for scheme in together) for together in alternatives):
        wanted = " or ".join(" and ".join(map(_described, together)) for together in alternatives)
        yield Breach("credentials", f"are missing: {wanted}")


def _carried(scheme: Scheme, request: Request) -> bool:
    if scheme.place is Place.QUERY:
        return scheme.carrier in dict(parse_qsl(request.query))
    if scheme.place is Place.COOKIE:
        return scheme.carrier in SimpleCookie(request.headers.get("cookie", ""))
    given = request.headers.get(scheme.carrier.lower(), "")
    return len(given) > len(scheme.begins) and given.lower().startswith(scheme.begins.lower())


def _described(scheme: Scheme) -> str:
    return f"{scheme.place} {scheme.carrier}{f' ({scheme.begins.strip()})' if scheme.begins else ''}"
