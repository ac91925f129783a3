"""Carries changes of listings out, as far as Shopify is: what it processes is answered as pending and asked about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from syncd.errors import RejectedError
from syncd.sdk.channel import GalleryChange
from syncd.sdk.media import Answer, Issue, ItemResult
from syncd.systems.shopify import documents, jobs
from syncd.systems.shopify.api import Api
from syncd.systems.shopify.files import FAILED, READY, Files
from syncd.systems.shopify.galleries import Galleries, Gallery
from syncd.systems.shopify.jobs import Job, Part, Waiting
from syncd.systems.shopify.ordering import moves, wanted
from syncd.systems.shopify.planning import Plan, failure, plan
from syncd.systems.shopify.refusals import Refused, passing, refusal
from syncd.systems.shopify.shapes import Kept
from syncd.systems.shopify.variants import VariantPictures

PATIENCE = timedelta(seconds=25)
"""How long a call is kept open for what Shopify works on. Then the engine decides anew, lest something urgent wait."""
_NEVER = timedelta(hours=1)
"""A file that is processed for so long will not be shown without a person."""


class Placing:
    """Writes galleries."""

    def __init__(self, api: Api, files: Files, galleries: Galleries, pictures: VariantPictures | None) -> None:
        self._api, self._files, self._galleries, self._pictures = api, files, galleries, pictures
        self._clock = api.context.clock
        self._loose: dict[str, None] = {}  # were taken out of a product; deleted once nothing uses them

    # --- a change ------------------------------------------------------------------------------------------------

    async def apply(self, batch: Sequence[GalleryChange]) -> list[ItemResult]:
        """See `Channel.apply`."""
        await self._sweep()
        if not batch:
            return []
        galleries = {listing: found async for listing, found in self._galleries.read([c.listing for c in batch])}
        plans = await self._plans(batch, galleries)
        await self._files.delete([identifier for one in plans for identifier in one.erase])
        await self._make(plans)
        await self._files.update(_updates(plans))
        for identifier in [identifier for one in plans for identifier in one.attach]:
            self._loose.pop(identifier, None)  # searches may not know yet that it is used again
        await self._read_again(plans)
        parts = {one.change.listing: await self._arranged(one) for one in plans}
        missing = [ItemResult(c.listing, Answer.REJECTED, "The shop has no such product.") for c in batch
                   if galleries[c.listing] is None]  # fmt: skip
        job = Job(at=self._clock.now(), parts={listing: part for listing, part in parts.items() if not part.over})
        return missing + [_result(one, parts[one.change.listing], job.text()) for one in plans]

    async def _plans(self, batch: Sequence[GalleryChange], galleries: Mapping[str, Gallery | None]) -> list[Plan]:
        known = [(change, gallery) for change in batch if (gallery := galleries[change.listing]) is not None]
        names = [item.name for change, _ in known for item in (*change.add, *change.remove) if item.name]
        files = await self._files.by_name(names)
        return [plan(change, gallery, files) for change, gallery in known]

    async def _make(self, plans: Sequence[Plan]) -> None:
        """Upload what the shop does not have, once where several listings get it."""
        wanted = {item.name: item for one in plans for item in one.make}
        made = await self._files.make(list(wanted.values())) if wanted else {}
        for one in plans:
            for item in one.make:
                one.take(item, made[item.name])
        failed = [file.id for file in made.values() if isinstance(file, Kept) and file.status == FAILED]
        await self._files.delete(failed)

    async def _read_again(self, plans: Sequence[Plan]) -> None:
        """Where something was attached: Shopify says nowhere at which place."""
        attached = {one.change.listing: one for one in plans if one.attach}
        async for listing, gallery in self._galleries.read(list(attached)):
            if gallery is None:
                raise RejectedError(f"{self._api.context.connection}: {listing} was deleted while it was written.")
            attached[listing].gallery = gallery

    async def _arranged(self, one: Plan) -> Part:
        """Order the listing's media, and give the variant its picture."""
        order = await self._ordered(one)
        if self._pictures is not None and not one.refused:
            await self._pictures.give(one)
        loose = tuple(one.detach)
        self._loose.update(dict.fromkeys(loose))
        return Part(files=tuple(one.waiting), order=order, loose=loose, placed=one.placed)

    async def _ordered(self, one: Plan) -> str:
        """Have the media moved; Shopify's job that does it, "" if none had to be."""
        current = one.left
        order = wanted(one.places, current)
        ours = {identifier for identifier in one.places if identifier is not None}
        made = moves(current, order, ours)
        if not made:
            return ""
        asked = {
            "id": one.change.listing,
            "moves": [{"id": identifier, "newPosition": str(place)} for identifier, place in made],
        }
        payload = await self._api.mutate(documents.REORDER, "productReorderMedia", asked)
        errors = self._api.errors(payload, documents.REORDER, "mediaUserErrors")
        if errors and all(map(passing, errors)):
            one.busy = True
            return ""
        if errors:
            raise RejectedError(f"{self._api.name(documents.REORDER)} was refused: {refusal(errors)}")
        job = payload.get("job") or {}
        return "" if job.get("done") else str(job.get("id") or "")

    # --- what is under way ---------------------------------------------------------------------------------------

    async def settle(self, text: str, listings: Sequence[str]) -> list[ItemResult]:
        """See `Settles.settle`. RETRY: the files are there, or took too long for one call; decide anew and apply."""
        job = jobs.read(text)
        if job is None:
            return [ItemResult(listing, Answer.RETRY, "The job is of another version.") for listing in listings]
        parts = {listing: job.parts.get(listing, Part()) for listing in listings}
        await self._sweep()
        files = await self._waited_for([waiting for part in parts.values() for waiting in part.files])
        late = self._clock.now() >= job.at + PATIENCE
        results = [await self._settled(listing, part, files, late) for listing, part in parts.items()]
        await self._files.delete([file.id for file in files.values() if file is not None and file.status == FAILED])
        return results

    async def _waited_for(self, waiting: Sequence[Waiting]) -> dict[str, Kept | None]:
        """The files by public name, None where Shopify cannot find one yet."""
        known = await self._files.by_id([one.file for one in waiting if one.file])
        found = {one.name: known.get(one.file) for one in waiting if one.file}
        nameless = {one.name for one in waiting if not one.file} - found.keys()
        return found | {name: await self._files.unnamed(name) for name in sorted(nameless)}

    async def _settled(self, listing: str, part: Part, files: Mapping[str, Kept | None], late: bool) -> ItemResult:
        refused = {
            waiting.name: why for waiting in part.files if (why := self._given_up(files[waiting.name])) is not None
        }
        if refused:
            return ItemResult(listing, Answer.REJECTED, _words(refused), part.placed, issues=_issues(refused))
        if part.files:
            done = all(file is not None and file.status == READY for file in map(files.get, _names(part)))
            answer = Answer.RETRY if done or late else Answer.PENDING
            return ItemResult(listing, answer, "" if done else "Shopify is processing the files.")
        if late or not (await self._moving(part) or any(loose in self._loose for loose in part.loose)):
            return ItemResult(listing, Answer.ACCEPTED, external_ids=part.placed)
        return ItemResult(listing, Answer.PENDING, "Shopify is moving media.")

    def _given_up(self, file: Kept | None) -> Refused | None:
        if file is None or file.status == READY:
            return None
        if file.status == FAILED:
            return failure(file)
        since = file.created_at
        if self._clock.now() - since < _NEVER:
            return None
        return Refused(f"Shopify has been processing the file since {since.isoformat()}.", "PROCESSING")

    async def _moving(self, part: Part) -> bool:
        if not part.order:
            return False
        job = (await self._api.run(documents.JOB, {"id": part.order}, points=1.0)).get("job")
        return isinstance(job, Mapping) and job.get("done") is False

    async def _sweep(self) -> None:
        """Delete files of ours that left a product and that nothing uses any more."""
        if self._loose:
            unused = await self._files.unused(list(self._loose))
            await self._files.delete(unused)
            for identifier in unused:
                self._loose.pop(identifier, None)


def _updates(plans: Sequence[Plan]) -> list[dict[str, Any]]:
    """One input for each file, whatever becomes of it in how many listings."""
    inputs: dict[str, dict[str, Any]] = {}
    for one in plans:
        product = one.change.listing
        for identifier, alt in one.alts.items():
            inputs.setdefault(identifier, {"id": identifier})["alt"] = alt
        for key, ids in (("referencesToAdd", one.attach), ("referencesToRemove", one.detach)):
            for identifier in ids:
                inputs.setdefault(identifier, {"id": identifier}).setdefault(key, []).append(product)
    return list(inputs.values())


def _result(one: Plan, part: Part, job: str) -> ItemResult:
    listing = one.change.listing
    if one.refused:
        issues = [Issue(why.message, why.code, placement) for placement, why in one.refused.items()]
        return ItemResult(listing, Answer.REJECTED, _words(one.refused), part.placed, issues=issues)
    if one.busy:
        return ItemResult(listing, Answer.RETRY, "Shopify is changing media of this product.")
    if part.over:
        return ItemResult(listing, Answer.ACCEPTED, external_ids=part.placed)
    return ItemResult(listing, Answer.PENDING, "Shopify is processing the files.", job=job)


def _issues(refused: Mapping[str, Refused]) -> list[Issue]:
    return [Issue(why.message, why.code, name) for name, why in refused.items()]


def _words(refused: Mapping[str, Refused]) -> str:
    return "; ".join(dict.fromkeys(why.message for why in refused.values()))


def _names(part: Part) -> list[str]:
    return [waiting.name for waiting in part.files]
