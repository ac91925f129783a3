"""A listing as syncd sees it: its images by slot, what shoppers see, what Amazon complains of. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from syncd.sdk.channel import ObservedGallery
from syncd.sdk.media import Issue, MediaState, ObservedMedia
from syncd.systems.amazon import issues
from syncd.systems.amazon.hosting import Hosting, image_id, is_copy, is_staged
from syncd.systems.amazon.locators import MAIN, SLOTS
from syncd.systems.amazon.reading import Item

Shown = Mapping[str, frozenset[str]]
"""Slot → Amazon's names of the image shoppers see there, one per size."""


def gallery_of(item: Item, market: str, hosting: Hosting, shown: Shown | None) -> ObservedGallery:
    """What stands in a listing.

    Args:
        item: as read.
        market: the brand's name of the marketplace.
        hosting: tells ours by their address.
        shown: of its page in the catalogue; None where that was not asked, or is not known.
    """
    media = [_media(item, slot, hosting, shown) for slot in SLOTS if slot in item.locations]
    named = {one.slot: one.name or one.external_id for one in media}
    complaints: list[Issue] = []
    for problem in item.problems:
        if problem.of_images:
            complaints += problem.naming(named)
    return ObservedGallery(str(item.name), media, item.names, market, issues=complaints)


def _media(item: Item, slot: str, hosting: Hosting, shown: Shown | None) -> ObservedMedia:
    location = item.locations[slot]
    refusing = [problem for problem in item.problems if problem.refuses and slot in problem.slots]
    return ObservedMedia(
        external_id=hosting.id_of(slot, location),
        url=location,
        name=hosting.name_of(location),
        role="main" if slot == MAIN else "alternate",
        slot=slot,
        state=_state(location, refused=bool(refusing)),
        message=issues.words(refusing),
        shown=_is_shown(item, slot, shown),
        placed_as=slot if is_copy(location) else "",
    )


def _state(location: str, *, refused: bool) -> MediaState:
    if refused:
        return MediaState.FAILED
    return MediaState.PROCESSING if is_staged(location) else MediaState.READY


def _is_shown(item: Item, slot: str, shown: Shown | None) -> bool | None:
    """Whether the page shows this very image. Unknown until Amazon has given it a name of its own."""
    name = image_id(item.locations[slot])
    seen = set() if shown is None else set(shown.get(slot, ()))
    if slot == MAIN and item.main_image:
        seen.add(image_id(item.main_image))
    elif shown is None:
        return None
    return name in seen if name else None
