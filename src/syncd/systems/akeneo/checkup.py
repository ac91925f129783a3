"""Whether the PIM is as the options say: its products, its asset family, the attributes that are named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from syncd.errors import ConfigError, NotFoundError
from syncd.sdk.context import Context
from syncd.systems.akeneo.api import Api, path
from syncd.systems.akeneo.assets import FAMILIES
from syncd.systems.akeneo.options import AkeneoOptions, AssetOptions, LinkOptions
from syncd.systems.akeneo.record import PRODUCTS
from syncd.systems.akeneo.values import Slot

_FILES = frozenset({"pim_catalog_image", "pim_catalog_file"})
_COLLECTION = "pim_catalog_asset_collection"


class Checkup:
    """A few reads for `check --online`."""

    def __init__(self, context: Context, options: AkeneoOptions, api: Api) -> None:
        self._context, self._options, self._api = context, options, api

    async def catalog(self) -> str:
        """How many products there are, and that each link's attribute can hold what is linked."""
        count = await self._api.count(PRODUCTS, {})
        links = {link.attribute: link for link in self._options.links.values()}
        for link in links.values():
            await self._link(link)
        attributes = ", ".join(str(slot) for slot in links) or "no attribute"
        return f"{count:,} products; media are linked from {attributes}"

    async def library(self, assets: AssetOptions) -> str:
        """That the family has the attributes named, of a kind that fits, with locale and channel as it says."""
        resource = FAMILIES + path(assets.family, "attributes")
        try:
            found = await self._api.get(resource)
        except NotFoundError as error:
            what = f"{self._context.connection} has no asset family {assets.family}."
            raise ConfigError(
                what, remedy="Correct `assets.family`, or let the connection list asset families."
            ) from error
        known = {str(each.get("code")): each for each in found if isinstance(each, dict)}
        wanted = list(_wanted(assets))
        for option, slot, kinds in wanted:
            if fault := _unfit(known.get(slot.attribute), slot, kinds):
                what = (
                    f"{self._context.connection}: the attribute `{slot}` of the asset family {assets.family} {fault}."
                )
                raise ConfigError(what, remedy=f"Correct `assets.{option}`, or the family in Akeneo.")
        return f"the asset family {assets.family} has the {len(wanted)} attributes named"

    async def _link(self, link: LinkOptions) -> None:
        code, connection = link.attribute.attribute, self._context.connection
        found = await self._api.find("/attributes" + path(code))
        remedy = "Correct `links`, or let the connection list attributes."
        if found is None:
            raise ConfigError(f"{connection} has no attribute {code}.", remedy=remedy)
        kinds = _FILES if link.holds == "file" else {_COLLECTION}
        if found.get("type") not in kinds:
            fits = " or ".join(sorted(kinds))
            what = f"{connection}: the attribute {code} is of the type {found.get('type')}; {fits} fits."
            raise ConfigError(what, remedy=remedy)
        family = self._options.assets.family if self._options.assets else ""
        if link.holds == "assets" and found.get("reference_data_name") != family:
            what = (
                f"{connection}: the attribute {code} links assets of {found.get('reference_data_name')}, not {family}."
            )
            raise ConfigError(what, remedy=remedy)
        if fault := _misplaced(link.attribute, bool(found.get("localizable")), bool(found.get("scopable"))):
            raise ConfigError(f"{connection}: the attribute {link.attribute} {fault}.", remedy=remedy)


def _wanted(assets: AssetOptions) -> Iterable[tuple[str, Slot, frozenset[str]]]:
    """Option, attribute and the kinds of it that can hold what goes there."""
    word = frozenset({"text"})
    yield "media", assets.media, frozenset({"media_file"})
    yield "mark", assets.mark, word
    yield from (("title", slot, word) for slot in assets.title)
    yield from (("alt", slot, word) for slot in assets.alt)
    yield from ((f"metadata.{name}", slot, word | {"single_option"}) for name, slot in assets.metadata.items())
    if assets.rights_until is not None:
        yield "rights_until", assets.rights_until, word | {"date"}
    if assets.status is not None:
        yield "status", assets.status, word | {"single_option"}


def _unfit(found: Mapping[str, Any] | None, slot: Slot, kinds: frozenset[str]) -> str:
    if found is None:
        return "does not exist"
    if found.get("type") not in kinds:
        return f"is of the type {found.get('type')}; {' or '.join(sorted(kinds))} fits"
    return _misplaced(slot, bool(found.get("value_per_locale")), bool(found.get("value_per_channel")))


def _misplaced(slot: Slot, per_locale: bool, per_channel: bool) -> str:
    """What is wrong about a slot's locale and channel, "" if nothing is."""
    for name, given, wanted in (("locale", slot.locale, per_locale), ("channel", slot.channel, per_channel)):
        if bool(given) != wanted:
            return f"has a value for each {name}: name one" if wanted else f"has no {name}"
    return ""
