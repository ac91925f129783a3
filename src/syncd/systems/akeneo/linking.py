"""Links from products to our media: added and removed one by one in collections that Akeneo only replaces as a whole.

A collection is read, changed and written, and then read again: Akeneo knows no versions by which a change in between
could be refused. What others put there keeps its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from syncd.errors import NotFoundError, RejectedError, TransientError
from syncd.sdk.catalog import ProductMedia
from syncd.sdk.context import Context
from syncd.sdk.media import Media, ObservedMedia
from syncd.systems.akeneo.assets import Assets, Held
from syncd.systems.akeneo.entities import DRAFTS, Entities, Entity
from syncd.systems.akeneo.files import Files
from syncd.systems.akeneo.options import AkeneoOptions, LinkOptions
from syncd.systems.akeneo.values import codes


class Linking:
    """The links of one PIM."""

    def __init__(
        self, context: Context, options: AkeneoOptions, entities: Entities, assets: Assets | None, files: Files
    ) -> None:
        self._context, self._options = context, options
        self._entities, self._assets, self._files = entities, assets, files
        self._attributes = tuple(dict.fromkeys(link.attribute.attribute for link in options.links.values()))

    # --- the role's methods -----------------------------------------------------------------------------------------

    async def attach(self, sku: str, media: Sequence[Media]) -> Sequence[ObservedMedia]:
        """Link these media; what is linked already stays where it is.

        Raises:
            NotFoundError: Akeneo has no such product.
            RejectedError: no link is declared for a role; Akeneo does not take it, or takes it and does not do it.
            TransientError: somebody else changed the same collection just then.
        """
        links = [self._link(item.role) for item in media]
        entity = (await self._entities.find([sku], self._attributes)).get(sku)
        if entity is None:
            raise NotFoundError(f"{self._context.connection} has no product {sku}.")
        done: dict[str, ObservedMedia] = {}
        for link in dict.fromkeys(links):
            those = [item for item, own in zip(media, links, strict=True) if own == link]
            owner = await self._entities.owner(entity, link.on)
            if link.holds == "file":
                done |= {each.placement: await self._files.put(owner, link.attribute, each) for each in those}
            else:
                done |= await self._add(owner, link, those)
        return [done[item.placement] for item in media]

    async def detach(self, sku: str, media: Sequence[Media]) -> None:
        """Remove exactly these links; an asset that was made for them alone is taken out of use."""
        entity = (await self._entities.find([sku], self._attributes)).get(sku)
        if entity is None:
            return
        links = [self._link(item.role) for item in media]
        for link in dict.fromkeys(links):
            those = [item for item, own in zip(media, links, strict=True) if own == link]
            holder = await self._entities.holder(entity, link.attribute)
            if link.holds == "file":
                for item in those:
                    await self._files.remove(holder, link.attribute, item)
            else:
                await self._remove(holder, link, those)

    async def read(self, skus: Sequence[str]) -> Sequence[ProductMedia]:
        """The media these products show, their models' included, attribute by attribute."""
        found = await self._entities.find(skus, self._attributes)
        ours = await self._ours(found.values())
        return [
            ProductMedia(
                sku, observed=tuple(self._observed(found[sku], ours)) if sku in found else (), exists=sku in found
            )
            for sku in skus
        ]

    async def take_off_everywhere(self, code: str) -> None:
        """Remove an asset from every product that shows it in one of the declared attributes."""
        for link in self._collections():
            showing = await self._showing(link, code)
            holders = [await self._entities.holder(entity, link.attribute) for entity in showing]
            for holder in {each.where: each for each in holders}.values():
                await self._write(holder, link, remove={code})

    # --- collections of assets --------------------------------------------------------------------------------------

    async def _add(self, owner: Entity, link: LinkOptions, media: Sequence[Media]) -> dict[str, ObservedMedia]:
        linked = {item.placement: await self._asset_of(item) for item in media}
        await self._write(owner, link, add=[held.code for held in linked.values()])
        return {placement: _seen(link, held) for placement, held in linked.items()}

    async def _asset_of(self, media: Media) -> Held:
        """The asset that shows a media item: the library's where it holds these bytes, else one made for them."""
        assets = self._require_assets()
        own, apart = assets.codes.of(media.asset), assets.codes.rendition(media)
        held = await assets.held([own, apart])
        if own in held and held[own].holds(media.sha256):
            return held[own]
        if apart in held and held[apart].holds(media.sha256):
            return held[apart]
        return await assets.fill(apart, held.get(apart), media, assets.described(media.alt, media.alt), "approved")

    async def _remove(self, holder: Entity, link: LinkOptions, media: Sequence[Media]) -> None:
        assets = self._require_assets()
        present = codes(link.attribute.data(holder.values))
        held = await assets.held(code for code in present if assets.codes.asset(code))
        gone = {code for item in media for code in present if self._is(item, code, held)}
        await self._write(holder, link, remove=gone)
        for code in gone:
            if assets.codes.is_rendition(code) and code in held and not await self._is_shown(code):
                await assets.retire(held[code], "withdrawn")

    def _is(self, media: Media, code: str, held: Mapping[str, Held]) -> bool:
        """Whether a link is that of a media item: an asset that holds another version by now is not its link."""
        assets = self._require_assets()
        if assets.codes.asset(code) != media.asset:
            return False
        mark = held[code].mark if code in held else None
        return not media.sha256 or mark is None or mark.sha256 == media.sha256

    async def _write(
        self, owner: Entity, link: LinkOptions, *, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> None:
        """Write a collection and look whether it is so."""
        before = codes(link.attribute.data(owner.values))
        leaving = set(remove)
        wanted = [code for code in before if code not in leaving]
        wanted += [code for code in dict.fromkeys(add) if code not in wanted]
        if wanted == before:
            return
        await self._entities.write(owner, link.attribute.value(wanted))
        after = await self._entities.again(owner)
        now = codes(link.attribute.data(after.values))
        if leaving.isdisjoint(now) and set(wanted) - set(before) <= set(now):
            return
        if now == before:
            raise _ignored(after, link)
        connection = self._context.connection
        raise TransientError(f"{connection}: {link.attribute} of {owner} was changed by somebody else just now.")

    async def _is_shown(self, code: str) -> bool:
        return any([await self._showing(link, code) for link in self._collections()])

    async def _showing(self, link: LinkOptions, code: str) -> list[Entity]:
        """The products that show an asset; the search alone is not believed, its index may lag behind."""
        found = await self._entities.showing(link.attribute, code)
        return [each for each in found if code in codes(link.attribute.data(each.values))]

    # --- observing --------------------------------------------------------------------------------------------------

    async def _ours(self, entities: Iterable[Entity]) -> Mapping[str, Held]:
        """Our assets among those that these products show."""
        if self._assets is None:
            return {}
        every = [
            code for entity in entities for link in self._collections()
            for code in codes(link.attribute.data(entity.values))
        ]  # fmt: skip
        known = self._assets.codes
        return await self._assets.held(code for code in dict.fromkeys(every) if known.asset(code))

    def _observed(self, entity: Entity, ours: Mapping[str, Held]) -> Iterable[ObservedMedia]:
        for link in self._links():
            if link.holds == "file":
                yield from self._files.observed(entity, link.attribute)
                continue
            for code in codes(link.attribute.data(entity.values)):
                yield _seen(link, ours.get(code) or Held(code, {}))

    # --- what is declared -------------------------------------------------------------------------------------------

    def _links(self) -> list[LinkOptions]:
        """One link for each attribute."""
        return list({link.attribute: link for link in self._options.links.values()}.values())

    def _collections(self) -> list[LinkOptions]:
        return [link for link in self._links() if link.holds == "assets"]

    def _link(self, role: str) -> LinkOptions:
        link = self._options.link(role)
        if link is None:
            remedy = f"Name `{role}` (or `*`) in `links` of the connection, or take it out of mappings/matrix.yaml."
            what = f"{self._context.connection}: no link is declared for media as `{role}`."
            raise RejectedError(what, remedy=remedy)
        return link

    def _require_assets(self) -> Assets:
        assert self._assets is not None  # options refuse links to assets without them
        return self._assets


def _seen(link: LinkOptions, held: Held) -> ObservedMedia:
    """An asset in a collection. One collection names an asset once, several may name the same."""
    seen = ObservedMedia(f"{link.attribute}/{held.code}", held.link, slot=str(link.attribute))
    return replace(seen, fetched=held.mark.sha256) if held.intact and held.mark else seen


def _ignored(entity: Entity, link: LinkOptions) -> RejectedError:
    """Why Akeneo took a change and did not make it."""
    what = f"Akeneo took the change of {link.attribute} of {entity} and did not make it"
    if entity.workflow in DRAFTS:
        remedy = "Let the connection's user group own the product's category; it may only propose changes now."
        return RejectedError(f"{what}: it is a draft ({entity.workflow}).", remedy=remedy)
    if entity.parent and link.on != "root":
        remedy = "If the attribute belongs to the product model in this family variant, write `on: parent` (or root)."
        return RejectedError(f"{what}.", remedy=remedy)
    remedy = "Look whether the attribute is in the product's family and may be edited by the connection's user group."
    return RejectedError(f"{what}.", remedy=remedy)
