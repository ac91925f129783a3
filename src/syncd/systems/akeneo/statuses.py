"""Statuses written into Akeneo: of assets in their family's attribute, of products in one that is declared for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncd.errors import ConfigError, NotFoundError, RejectedError
from syncd.sdk.changes import StatusWrite, Subject
from syncd.sdk.context import Context
from syncd.systems.akeneo.api import Api, Line, path
from syncd.systems.akeneo.assets import FAMILIES, Assets
from syncd.systems.akeneo.entities import Entities
from syncd.systems.akeneo.limits import PAGE
from syncd.systems.akeneo.options import AkeneoOptions
from syncd.systems.akeneo.record import MODELS, PRODUCTS

_MOST = 20  # words and refusals that an error names


class Statuses:
    """Batches, and what became of each item."""

    def __init__(
        self, context: Context, options: AkeneoOptions, api: Api, entities: Entities, assets: Assets | None
    ) -> None:
        self._context, self._options, self._api = context, options, api
        self._entities, self._assets = entities, assets

    async def write(self, items: Sequence[StatusWrite]) -> None:
        """Set these; those that are refused keep no other back.

        Raises:
            RejectedError: some were refused: which, in Akeneo's words, with the options it knows.
            NotFoundError: what is named does not exist; writing would make it.
            ConfigError: nothing says where such a status stands.
        """
        refused: dict[str, str] = {}
        missing: list[str] = []
        for subject, write in ((Subject.ASSET, self._of_assets), (Subject.PRODUCT, self._of_products)):
            wanted = {item.name: item.status for item in items if item.subject is subject}
            if wanted:
                lines = await write(wanted)
                refused |= {line.name: line.said for line in lines if line.said}
                missing += sorted(wanted.keys() - {line.name for line in lines})
        connection = self._context.connection
        if refused:
            said = "; ".join(f"{name}: {words}" for name, words in list(refused.items())[:_MOST])
            raise RejectedError(f"{connection}: Akeneo refuses a status. {said}", items=refused)
        if missing:
            raise NotFoundError(f"{connection} has no {', '.join(missing[:_MOST])}.", items=missing)

    async def _of_assets(self, wanted: Mapping[str, str]) -> list[Line]:
        if self._assets is None or self._options.assets is None or self._options.assets.status is None:
            raise self._undeclared("assets", "assets.status")
        codes = {self._assets.codes.of(asset): asset for asset in wanted}
        held = await self._assets.held(codes)  # to write to one that is not there would make it
        lines = await self._assets.write_statuses({code: wanted[codes[code]] for code in held})
        family, slot = self._options.assets.family, self._options.assets.status
        options = FAMILIES + path(family, "attributes", slot.attribute, "options")
        named = [Line(codes.get(line.name, line.name), line.status, line.said) for line in lines]
        return await self._with_words(named, wanted, options)

    async def _of_products(self, wanted: Mapping[str, str]) -> list[Line]:
        slot = self._options.products.content_status
        if slot is None:
            raise self._undeclared("products", "products.content_status")
        found = await self._entities.find(wanted)
        names = {entity.key: sku for sku, entity in found.items()}
        lines: list[Line] = []
        for kind, key in ((PRODUCTS, "uuid"), (MODELS, "code")):
            objects = [
                {key: entity.key, "values": slot.value(wanted[sku])}
                for sku, entity in found.items()
                if entity.kind == kind
            ]
            if objects:
                lines += await self._api.patch_lines(kind, key, objects)
        named = [Line(names.get(line.name, line.name), line.status, line.said) for line in lines]
        return await self._with_words(named, wanted, "/attributes" + path(slot.attribute, "options"))

    async def _with_words(self, lines: list[Line], wanted: Mapping[str, str], options: str) -> list[Line]:
        """The refusals with the words that Akeneo knows, where the one it got is none of them."""
        if not any(line.said for line in lines):
            return lines
        known = await self._known(options)
        if not known:
            return lines
        told = f" It knows {', '.join(known[:_MOST])}."
        return [
            Line(line.name, line.status, line.said + told) if line.said and wanted.get(line.name) not in known else line
            for line in lines
        ]

    async def _known(self, options: str) -> list[str]:
        """The codes of an attribute's options; none where it is a text."""
        try:
            if options.startswith(FAMILIES):  # the only list that has no pages
                found = await self._api.get(options)
                return [str(each.get("code")) for each in found if isinstance(each, dict)]
            pages = self._api.pages(options, {}, limit=PAGE)
            return [str(item.get("code")) async for page in pages for item in page.items]
        except (NotFoundError, RejectedError):
            return []

    def _undeclared(self, what: str, option: str) -> ConfigError:
        connection = self._context.connection
        return ConfigError(f"{connection} names no attribute for the status of {what}.", remedy=f"Set `{option}`.")
