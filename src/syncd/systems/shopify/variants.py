"""The picture of a variant: the first of ours in a gallery that shows it, unless others chose one."""

from __future__ import annotations

from syncd.errors import RejectedError, TransientError
from syncd.sdk.graphql import Document
from syncd.systems.shopify import documents
from syncd.systems.shopify.api import Api
from syncd.systems.shopify.observed import name_of
from syncd.systems.shopify.planning import Plan
from syncd.systems.shopify.refusals import passing, refusal
from syncd.systems.shopify.shapes import Variant


class VariantPictures:
    """Gives variants their picture. Shopify takes it away itself when it leaves the product."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def give(self, one: Plan) -> None:
        """Make the first picture of ours the variant's, where the content shows one variant of several."""
        variant, picture = shown(one), first_picture(one)
        if variant is None or picture is None:
            return
        has = await self._pictures_of(variant)
        ours = {piece.id for piece in one.gallery.media if name_of(piece)} | set(one.ids.values())
        if picture in has or not set(has) <= ours:
            return
        if has:
            await self._change(documents.DETACH_FROM_VARIANTS, "productVariantDetachMedia", one, variant, has)
        await self._change(documents.APPEND_TO_VARIANTS, "productVariantAppendMedia", one, variant, [picture])

    async def _pictures_of(self, variant: Variant) -> list[str]:
        document = documents.VARIANT_MEDIA
        data = await self._api.run(document, {"id": variant.id}, points=13.0)
        media = self._api.payload(data, "productVariant", document).get("media")
        nodes = media.get("nodes") if isinstance(media, dict) else None
        if not isinstance(nodes, list):
            raise RejectedError(f"{self._api.name(document)} was answered without productVariant.media.nodes.")
        return [str(node["id"]) for node in nodes]

    async def _change(self, document: Document, field: str, one: Plan, variant: Variant, media: list[str]) -> None:
        pairs = [{"variantId": variant.id, "mediaIds": media}]
        payload = await self._api.mutate(document, field, {"product": one.change.listing, "pairs": pairs})
        errors = self._api.errors(payload, document)
        if errors and all(map(passing, errors)):
            raise TransientError(f"{self._api.name(document)} was put off: {refusal(errors)}")
        if errors:
            raise RejectedError(f"{self._api.name(document)} was refused: {refusal(errors)}")


def shown(one: Plan) -> Variant | None:
    """The variant that the content of a listing shows; None where it has only one, or shows them all."""
    product = one.change.product
    if product is None or len(one.gallery.variants) < 2:
        return None
    return next((variant for variant in one.gallery.variants if variant.sku == product.sku), None)


def first_picture(one: Plan) -> str | None:
    """The first picture of ours that stands in the product."""
    pictures = {piece.id for piece in one.gallery.media if piece.typename == "MediaImage" and piece.status == "READY"}
    return next((identifier for identifier in one.places if identifier in pictures), None)
