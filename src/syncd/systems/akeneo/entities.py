"""Products and product models as things whose values are read and written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from syncd.errors import NotFoundError, RejectedError
from syncd.systems.akeneo import words
from syncd.systems.akeneo.api import Api, Search, path
from syncd.systems.akeneo.limits import NAMED, PAGE
from syncd.systems.akeneo.options import ProductOptions
from syncd.systems.akeneo.record import MODELS, PRODUCTS, sku_of
from syncd.systems.akeneo.values import Slot, Values

Level = Literal["product", "parent", "root"]
DRAFTS = ("draft_in_progress", "proposal_waiting_for_approval")
"""Workflow states in which what was written is only proposed (swagger: metadata.workflow_status, 2026-08-18)."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A product or a model (`kind`: PRODUCTS or MODELS). `key` is the product's uuid or the model's code; `values` hold
    those of its models as well."""

    kind: str
    key: str
    sku: str
    parent: str
    values: Values
    variant: str = ""
    workflow: str = ""

    @property
    def where(self) -> str:
        """Its path."""
        return self.kind + path(self.key)

    def __str__(self) -> str:
        return f"product model {self.key}" if self.kind == MODELS else f"product {self.sku or self.key}"


class Entities:
    """The products of one PIM."""

    def __init__(self, api: Api, options: ProductOptions) -> None:
        self._api, self._options = api, options

    async def find(self, skus: Iterable[str], attributes: Sequence[str] = ()) -> dict[str, Entity]:
        """The products of these SKUs; where models count as products, those of these codes too.

        Args:
            attributes: whose values are read, beside the SKU.

        Raises:
            RejectedError: two products have one SKU.
        """
        wanted = list(dict.fromkeys(skus))
        found: dict[str, Entity] = {}
        for start in range(0, len(wanted), NAMED):
            part = wanted[start : start + NAMED]
            for entity in await self._search(self._options.sku.attribute, part, attributes):
                if entity.sku in found and found[entity.sku].key != entity.key:
                    what = f"Two products have the SKU {entity.sku}: {found[entity.sku].key} and {entity.key}."
                    raise RejectedError(what, remedy="Give one of them another SKU.")
                if entity.sku in part:
                    found[entity.sku] = entity
        if self._options.models:
            for code in [sku for sku in wanted if sku not in found]:
                if (model := await self._model(code)) is not None:
                    found[code] = model
        return found

    async def showing(self, slot: Slot, code: str) -> list[Entity]:
        """The products whose asset collection holds an asset, be it by their models."""
        return await self._search(slot.attribute, [code], [slot.attribute], locale=slot.locale, scope=slot.channel)

    async def owner(self, entity: Entity, level: Level) -> Entity:
        """Whose values those of an attribute at this level are: the entity itself, its parent, or the topmost model.

        Raises:
            NotFoundError: its model cannot be read.
        """
        while level != "product" and entity.parent:
            model = await self._model(entity.parent)
            if model is None:
                raise NotFoundError(f"Akeneo does not show {entity.parent}, the product model of {entity}.")
            entity = model
            if level == "parent":
                break
        return entity

    async def holder(self, entity: Entity, slot: Slot) -> Entity:
        """Whose values those of an attribute truly are, where the entity shows some: a variant shows its models'."""
        while entity.parent and slot.data(entity.values):
            model = await self._model(entity.parent)
            if model is None or not slot.data(model.values):
                break
            entity = model
        return entity

    async def again(self, entity: Entity) -> Entity:
        """As it is now.

        Raises:
            NotFoundError: it is not there any more.
        """
        return self._entity(await self._api.get(entity.where), entity.kind)

    async def write(self, entity: Entity, values: Mapping[str, Any]) -> None:
        """Change values of an entity that was read just now.

        Raises:
            RejectedError: it was deleted meanwhile; then Akeneo makes an empty product of it.
        """
        # A model's key and variant are asked for although nothing of them changes.
        named = {"code": entity.key, "family_variant": entity.variant} if entity.kind == MODELS else {}
        if await self._api.patch(entity.where, {**named, "values": values}):
            what = f"The {entity} was deleted while it was written to; Akeneo made a new one of it, {entity.key}."
            raise RejectedError(what, remedy=f"Delete {entity.key} in Akeneo.")

    async def _search(
        self, attribute: str, among: Sequence[str], attributes: Sequence[str], **where: str | None
    ) -> list[Entity]:
        given = {name: value for name, value in where.items() if value}
        search: Search = {attribute: [{"operator": "IN", "value": list(among), **given}]}
        asked = ",".join(dict.fromkeys((self._options.sku.attribute, *attributes)))
        pages = self._api.pages(PRODUCTS, search, pagination_type="search_after", limit=PAGE, attributes=asked)
        return [self._entity(item, PRODUCTS) async for page in pages for item in page.items]

    async def _model(self, code: str) -> Entity | None:
        found = await self._api.find(MODELS + path(code))
        return self._entity(found, MODELS) if found is not None else None

    def _entity(self, found: Any, kind: str) -> Entity:
        sku = sku_of(found, kind, self._options)
        metadata = found.get("metadata")
        workflow = metadata.get("workflow_status") if isinstance(metadata, dict) else None
        return Entity(
            kind=kind,
            key=sku if kind == MODELS else found["uuid"],
            sku=sku,
            parent=str(found.get("parent") or ""),
            values=words.values(found, f"the product {sku}"),
            variant=str(found.get("family_variant") or ""),
            workflow=str(workflow or ""),
        )
