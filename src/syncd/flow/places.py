"""Places where content can stand, as the ledger names them: a listing of a channel, an asset in a library, a product in
a catalogue. One string each, so that all three converge by the same code.
"""

from __future__ import annotations

from syncd.engine.work import Due, Urgency
from syncd.sdk.roles import Role

PUBLISH, ARCHIVE, LINK = "publish", "archive", "link"
_PREFIXES = {PUBLISH: "listing:", ARCHIVE: "asset:", LINK: "product:"}
_KINDS = {prefix.rstrip(":"): kind for kind, prefix in _PREFIXES.items()}
ROLES = {PUBLISH: Role.CHANNEL, ARCHIVE: Role.LIBRARY, LINK: Role.CATALOG}


def place(kind: str, name: str) -> str:
    """The ledger's name of a place, such as `listing:GL-0412`."""
    return _PREFIXES[kind] + name


def name_of(place: str) -> str:
    """The system's own name of a place."""
    return place.partition(":")[2]


def kind_of(place: str) -> str:
    """Which kind of work converges a place."""
    return _KINDS[place.partition(":")[0]]


def due(brand: str, connection: str, place: str, urgency: Urgency = Urgency.PUBLISH) -> Due:
    """The work key of a place."""
    return Due(brand, connection, kind_of(place), place, urgency)
