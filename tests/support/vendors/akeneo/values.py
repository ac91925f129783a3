"""Values of products and assets: where they may stand, and how a change is merged (rest-api/update.md)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.vendors.akeneo.refusal import Refusal

Values = dict[str, list[dict[str, Any]]]


@dataclass(slots=True)
class Attribute:
    """An attribute of products or of an asset family."""

    code: str
    type: str = "pim_catalog_text"
    localizable: bool = False
    scopable: bool = False
    reference: str | None = None
    options: list[str] = field(default_factory=list)


def fault(attribute: str, entry: Mapping[str, Any], channel: str, message: str) -> dict[str, Any]:
    """One of `errors`, as of a product."""
    return {
        "property": "values", "message": message, "attribute": attribute, "locale": entry.get("locale"),
        channel: entry.get(channel),
    }  # fmt: skip


def require_place(attribute: Attribute, entry: Mapping[str, Any], channel: str) -> None:
    """A value names a locale and a channel exactly where its attribute has values for each."""
    for name, wanted in (("locale", attribute.localizable), (channel, attribute.scopable)):
        if (entry.get(name) is not None) != wanted:
            kind = "locale" if name == "locale" else "channel"
            needs = f"requires a value per {kind}" if wanted else f"does not require a value per {kind}"
            raise Refusal(422, f"The {attribute.code} attribute {needs}.")


def merged(present: Values, change: Values, channel: str, accept: Callable[[str, Mapping[str, Any]], None]) -> Values:
    """The values after a change: each entry replaces the one of its locale and channel, null and empty erase it."""
    found = copy.deepcopy(present)
    for code, entries in change.items():
        for entry in entries:
            accept(code, entry)
            place = (entry.get("locale"), entry.get(channel))
            others = [one for one in found.get(code, []) if (one["locale"], one[channel]) != place]
            kept = {"locale": entry.get("locale"), channel: entry.get(channel), "data": entry.get("data")}
            found[code] = others + ([kept] if entry.get("data") not in (None, "", []) else [])
            if not found[code]:
                del found[code]
    return found


def of(attribute: str, data: Any, locale: str | None = None, channel: str | None = None, key: str = "scope") -> Values:
    """One value."""
    return {attribute: [{"locale": locale, key: channel, "data": data}]}
