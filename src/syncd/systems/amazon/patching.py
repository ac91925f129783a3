"""What one listing's change means for its locators: which are replaced, which are deleted. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from syncd.sdk.channel import GalleryChange, GalleryItem
from syncd.sdk.media import Issue, Media
from syncd.systems.amazon.arranging import Entry, arrange
from syncd.systems.amazon.hosting import Hosting, is_copy
from syncd.systems.amazon.locators import ATTRIBUTES
from syncd.systems.amazon.reading import Item

MAIN_ROLE = "main"


@dataclass(frozen=True, slots=True)
class Patch:
    """One PATCH of a listing.

    `replace` maps slots to the addresses they shall hold, `delete` are slots to clear; no other is touched. `fetched`
    are media Amazon has to fetch from us for it. `placed` maps slots to placements, `external_ids` placements to what
    we call them from now on, `issues` say what finds no place.
    """

    item: Item
    replace: Mapping[str, str] = field(default_factory=dict)
    delete: Sequence[str] = ()
    fetched: Sequence[Media] = ()
    placed: Mapping[str, str] = field(default_factory=dict)
    external_ids: Mapping[str, str] = field(default_factory=dict)
    issues: Sequence[Issue] = ()

    @property
    def empty(self) -> bool:
        """Whether everything stands as it should."""
        return not (self.replace or self.delete)

    @property
    def body(self) -> dict[str, Any]:
        """The request's body."""
        marketplace = {"marketplace_id": self.item.name.marketplace}
        replaced = [
            {"op": "replace", "path": _path(slot), "value": [{"media_location": location, **marketplace}]}
            for slot, location in self.replace.items()
        ]
        # An attribute cannot be deleted by its name alone: the value holds its selector.
        deleted = [{"op": "delete", "path": _path(slot), "value": [marketplace]} for slot in self.delete]
        return {"productType": self.item.product_type, "patches": replaced + deleted}


def _path(slot: str) -> str:
    return f"/attributes/{ATTRIBUTES[slot]}"


def patch_of(change: GalleryChange, item: Item, hosting: Hosting) -> Patch:
    """Work out one listing's patch.

    Args:
        change: what its gallery should become.
        item: the listing as it is at this moment. What stands there and is neither ours nor in the change came after
            it was decided on, and stays.
        hosting: tells ours by their address.
    """
    standing = _Standing(change, item, hosting)
    gallery = [entry for entry in change.gallery if entry.ours is None or not _unfit(entry.ours)]
    ours = [entry.ours for entry in gallery if entry.ours is not None]
    avoid = {slot for problem in item.problems if problem.refuses for slot in problem.slots}
    found = arrange([_entry(entry, standing) for entry in gallery], standing.taken, avoid)
    chosen = [(media, slot) for media, slot in zip(ours, found.slots, strict=True) if slot]
    wanted = {slot: standing.address_of(media) for media, slot in chosen}
    replace = {slot: location for slot, location in wanted.items() if item.locations.get(slot) != location}
    refused = [
        *((entry.ours, _unfit(entry.ours)) for entry in change.gallery if entry.ours is not None),
        *zip(ours, found.refusals, strict=True),
    ]
    return Patch(
        item,
        replace,
        delete=tuple(slot for slot in item.locations if slot not in standing.taken and slot not in wanted),
        fetched=tuple(media for media, slot in chosen if replace.get(slot) == media.url),
        placed={slot: media.placement for media, slot in chosen},
        external_ids={media.placement: hosting.id_of(slot, wanted[slot]) for media, slot in chosen},
        issues=[Issue(reason, media=media.placement) for media, reason in refused if reason],
    )


def _unfit(media: Media) -> str:
    """Why a locator cannot hold it at all; "" if one can."""
    if media.media_type.startswith("video/"):
        return "Amazon's locators hold pictures; a video is uploaded in Seller Central."
    return ""


def _entry(item: GalleryItem, standing: _Standing) -> Entry:
    if item.ours is not None:
        return Entry(ours=True, slot=standing.slot_of(item.ours), main=item.ours.role == MAIN_ROLE)
    return Entry(ours=False, slot=item.theirs.slot if item.theirs is not None else "")


class _Standing:
    """Whose image stands in which slot."""

    def __init__(self, change: GalleryChange, item: Item, hosting: Hosting) -> None:
        self._item, self._hosting = item, hosting
        others = {entry.theirs.slot for entry in change.gallery if entry.theirs is not None}
        known = [*(entry.ours for entry in change.gallery if entry.ours is not None), *change.remove]
        self._addresses = {media.external_id for media in known}
        ours = {slot for media in known for slot in self._slots(media)}
        ours |= {slot for slot, location in item.locations.items() if hosting.name_of(location)}
        self.taken = {slot for slot in item.locations if slot in others or slot not in ours}

    def slot_of(self, media: Media) -> str:
        """Where one of ours stands; "" if nowhere."""
        return next((slot for slot in self._slots(media) if slot not in self.taken), "")

    def address_of(self, media: Media) -> str:
        """What to submit for one of ours: where Amazon has it, else where we serve it."""
        slot = self.slot_of(media)
        return self._item.locations[slot] if slot else media.url

    def _slots(self, media: Media) -> Iterator[str]:
        """Slots that hold it: under our address, under Amazon's, or put there and copied by Amazon since."""
        for slot, location in self._item.locations.items():
            name = self._hosting.name_of(location)
            if name:
                if name == media.name:
                    yield slot
            elif media.external_id == location or (media.external_id == slot and self._is_unseen_copy(location)):
                yield slot

    def _is_unseen_copy(self, location: str) -> bool:
        return is_copy(location) and location not in self._addresses
