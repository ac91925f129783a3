"""What an item's gallery becomes: others' media always as the shop's present feed has them, ours where they belong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from syncd.sdk.channel import GalleryChange


@dataclass(frozen=True, slots=True)
class Shown:
    """The media of one item, in order."""

    images: tuple[str, ...]
    videos: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What an item may hold."""

    images: int
    url_characters: int


def wanted(change: GalleryChange) -> Shown:
    """The media a change asks for, ours and others'."""
    images: list[str] = []
    videos: list[str] = []
    for item in change.gallery:
        if item.ours is not None:
            (videos if item.ours.media_type.startswith("video/") else images).append(item.ours.url)
        elif item.theirs is not None:
            (videos if item.theirs.role == "video" else images).append(item.theirs.url)
    return Shown(tuple(images), tuple(videos))


def rebased(shown: Shown, base: Shown, prefix: str) -> Shown:
    """`shown` with exactly the others' media that `base` has: what left it is dropped, what is new comes last.

    Args:
        shown: wanted or published before.
        base: the item's media as the shop has them now.
        prefix: of URLs that are ours.
    """
    return Shown(_rebased(shown.images, base.images, prefix), _rebased(shown.videos, base.videos, prefix))


def _rebased(shown: Sequence[str], base: Sequence[str], prefix: str) -> tuple[str, ...]:
    kept = [url for url in shown if url.startswith(prefix) or url in base]
    return tuple(dict.fromkeys([*kept, *base]))


def fault(shown: Shown, limits: Limits) -> str:
    """Why this cannot be written, in words; "" if it can."""
    if len(shown.images) > limits.images:
        return f"{len(shown.images)} images, {limits.images} are taken (one main, {limits.images - 1} additional)"
    long = next((url for url in (*shown.images, *shown.videos) if len(url) > limits.url_characters), "")
    return f"the address {long[:80]}… is longer than {limits.url_characters} characters" if long else ""


def fitted(shown: Shown, limits: Limits, prefix: str) -> Shown:
    """`shown` within the limits: where others added media since, the last of ours make room."""
    images = list(shown.images)
    for url in reversed([url for url in images if url.startswith(prefix)]):
        if len(images) <= limits.images:
            break
        images.remove(url)
    return Shown(tuple(images), shown.videos)
