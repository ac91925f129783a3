"""What one listing's change means for files and references. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from syncd.domain.placement import RemovalCause
from syncd.sdk.channel import GalleryChange
from syncd.sdk.media import Media
from syncd.systems.shopify.files import FAILED, READY, alt_of
from syncd.systems.shopify.galleries import Gallery
from syncd.systems.shopify.jobs import Waiting
from syncd.systems.shopify.observed import name_of
from syncd.systems.shopify.ordering import Place
from syncd.systems.shopify.refusals import Refused
from syncd.systems.shopify.shapes import Kept

_GONE = frozenset(cause.value for cause in RemovalCause if cause.urgent)


@dataclass(slots=True)
class Plan:
    """What is to be done for a listing.

    `ids` are ours that stand in the product or are about to, by public name; `erase` are files to delete, `detach` to
    take out of the product, `attach` to put in; `alts` are alt texts by file. `make` is uploaded, `waiting` is
    processed. `refused` says why Shopify does not take a media item, by placement. `busy`: something cannot be
    changed just now.
    """

    change: GalleryChange
    gallery: Gallery
    ids: dict[str, str] = field(default_factory=dict)
    erase: list[str] = field(default_factory=list)
    detach: list[str] = field(default_factory=list)
    attach: list[str] = field(default_factory=list)
    alts: dict[str, str] = field(default_factory=dict)
    make: list[Media] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    refused: dict[str, Refused] = field(default_factory=dict)
    busy: bool = False

    def take(self, item: Media, file: Kept | Refused | None) -> None:
        """Note what became of a media item that does not stand in the product; None: Shopify cannot find it yet."""
        if file is None:
            self.waiting.append(Waiting(name=item.name))
        elif isinstance(file, Refused):
            self.refused[item.placement] = file
        elif file.status == FAILED:
            self.refused[item.placement] = failure(file)
            self.erase.append(file.id)
        elif file.status == READY:
            self.ids[item.name] = file.id
            self.attach.append(file.id)
            self.describe(item, file.id, file.alt)
        else:
            self.waiting.append(Waiting(name=item.name, file=file.id))

    @property
    def places(self) -> list[Place]:
        """The gallery that should be, for `ordering.wanted`; what is not there yet has no place."""
        found: list[Place] = []
        for item in self.change.gallery:
            if item.ours is None:
                found.append(None)
            elif (identifier := self.id_of(item.ours)) is not None:
                found.append(identifier)
        return found

    @property
    def left(self) -> list[str]:
        """The ids that stand in the product once it is carried out, but for those that are attached."""
        gone = {*self.erase, *self.detach}
        return [identifier for identifier in self.gallery.order if identifier not in gone]

    @property
    def placed(self) -> dict[str, str]:
        """Ids of what was to be added and stands, by placement."""
        return {item.placement: self.ids[item.name] for item in self.change.add if item.name in self.ids}

    def id_of(self, item: Media) -> str | None:
        """The id of a media item of ours in the product, None if it is not there."""
        return item.external_id if item.external_id in self.gallery.order else self.ids.get(item.name)

    def describe(self, item: Media, identifier: str, alt: str | None) -> None:
        """Note that a file's alt text is another one than the media item's."""
        if item.alt and alt_of(item) != (alt or ""):
            self.alts[identifier] = alt_of(item)


def plan(change: GalleryChange, gallery: Gallery, files: Mapping[str, Kept]) -> Plan:
    """Compare a change with what stands.

    Args:
        change: of the listing.
        gallery: the listing as it was just read.
        files: those of ours that are known, by public name.
    """
    made = Plan(change, gallery)
    for piece in gallery.media:
        if name := name_of(piece):
            made.ids.setdefault(name, piece.id)
    _remove(made, files)
    standing = {piece.id: piece for piece in gallery.media}
    for item in [each.ours for each in change.gallery if each.ours is not None]:
        stands = standing.get(made.id_of(item) or "")
        if stands is not None and stands.status == READY:
            made.describe(item, stands.id, stands.alt)
    for item in change.add:
        if made.id_of(item) is None:
            file = files.get(item.name)
            made.make.append(item) if file is None else made.take(item, file)
    return made


def _remove(made: Plan, files: Mapping[str, Kept]) -> None:
    """What leaves: what the change says, and what is ours by name and has no place in it (copies, what failed)."""
    standing = {piece.id: piece for piece in made.gallery.media}
    for item in made.change.remove:
        found = {piece.id for piece in made.gallery.media if name_of(piece) == item.name and item.name}
        found |= {item.external_id} & standing.keys()
        if item.facts.get("cause") in _GONE:
            # A legal reason holds wherever the file is used, so it goes for good, and at once.
            held = files.get(item.name)
            made.erase += sorted(found | ({held.id} if held else set()))
        else:
            made.detach += sorted(found)
    kept = {item.theirs.external_id for item in made.change.gallery if item.theirs is not None}
    kept |= {identifier for item in made.change.gallery if item.ours and (identifier := made.id_of(item.ours))}
    leaving = {*made.erase, *made.detach}
    made.detach += [
        piece.id for piece in made.gallery.media if name_of(piece) and piece.id not in kept and piece.id not in leaving
    ]
    _spare_what_is_processed(made)
    made.ids = {name: known for name, known in made.ids.items() if known not in {*made.erase, *made.detach}}


def _spare_what_is_processed(made: Plan) -> None:
    """A file that failed can only be deleted; one that is processed can only be waited for."""
    status = {piece.id: piece.status for piece in made.gallery.media}
    made.erase += [identifier for identifier in made.detach if status[identifier] == FAILED]
    made.busy = any(status[identifier] not in (READY, FAILED) for identifier in made.detach)
    made.detach = [identifier for identifier in made.detach if status[identifier] == READY]


def failure(file: Kept) -> Refused:
    """Why a file failed, in Shopify's words."""
    words = "; ".join(dict.fromkeys(fault.words for fault in file.faults)) or "Shopify could not process the file."
    return Refused(words, file.faults[0].code if file.faults else "")
