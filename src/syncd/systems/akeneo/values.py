"""Values as Akeneo keeps them: of one attribute, in one locale and one channel. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

SCOPE = "scope"
"""What products and product models call a value's channel."""
CHANNEL = "channel"
"""What assets call it."""
_LOCALE = re.compile(r"[a-z]{2,3}_(?:[A-Z][a-z]{3}_)?(?:[A-Z]{2}|\d{3})")
_SPELLED = r"\w+(-\w+){0,2}"

Values = Mapping[str, Any]
"""The `values` of a product, a product model or an asset, as they were received."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a value stands; `locale` and `channel` are None where the attribute has one value for all of them."""

    attribute: str
    locale: str | None = None
    channel: str | None = None

    def __str__(self) -> str:
        return "-".join(part for part in (self.attribute, self.locale, self.channel) if part)

    def value(self, data: Any, channel: str = SCOPE) -> dict[str, Any]:
        """The `values` that put `data` here; None erases what is here.

        Args:
            channel: what the entity calls a value's channel: SCOPE or CHANNEL.
        """
        return {self.attribute: [{"locale": self.locale, channel: self.channel, "data": data}]}

    def entry(self, values: Values, channel: str = SCOPE) -> Mapping[str, Any]:
        """What stands here with all that is told of it, {} where nothing does."""
        for found in values.get(self.attribute) or ():
            if (found.get("locale"), found.get(channel)) == (self.locale, self.channel):
                return dict(found)
        return {}

    def data(self, values: Values, channel: str = SCOPE) -> Any:
        """What stands here, None where nothing does."""
        return self.entry(values, channel).get("data")


def slot(text: Any) -> Slot:
    """Read a slot as the columns of Akeneo's own CSV name it: `name`, `name-en_US`, `name-ecommerce`,
    `name-en_US-ecommerce`."""
    if isinstance(text, Slot):
        return text
    if not isinstance(text, str) or not re.fullmatch(_SPELLED, text, re.ASCII):
        raise ValueError("is no attribute: write its code, with locale and channel where it has them, name-en_US-web")
    attribute, *rest = text.split("-")
    locale = rest.pop(0) if rest and _LOCALE.fullmatch(rest[0]) else None
    if len(rest) > 1:
        raise ValueError(f"names the locale `{rest[0]}`, which is none: write it as Akeneo does, such as en_US")
    return Slot(attribute, locale, rest[0] if rest else None)


SlotName = Annotated[
    Slot,
    PlainValidator(slot),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": f"^{_SPELLED}$"}),
]
"""A slot as people write it in options."""


def merged(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Several `values` as one; one attribute may be given in several locales."""
    found: dict[str, list[Any]] = {}
    for part in parts:
        for attribute, entries in part.items():
            found.setdefault(attribute, []).extend(entries)
    return dict(found)


def text(data: Any) -> str:
    """A value's data as people read it: options by their codes, measures and prices with their unit."""
    match data:
        case None:
            return ""
        case str():
            return data.strip()
        case bool():
            return str(data).lower()
        case list():
            return ", ".join(map(text, data))
        case {"amount": amount, "unit": unit} | {"amount": amount, "currency": unit}:
            return f"{text(amount)} {text(unit)}".strip()
        case dict():
            return json.dumps(data, ensure_ascii=False, sort_keys=True)
        case _:
            return str(data)


def codes(data: Any) -> list[str]:
    """The codes in a collection, in their order; a collection that was never filled holds none."""
    return [str(code) for code in data] if isinstance(data, list) else []
