"""Attributes of products that hold one image or file: Akeneo without the Asset Manager. The name of a file tells
whether it is ours, for such an attribute has room for nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from syncd.errors import RejectedError
from syncd.sdk.context import Context
from syncd.sdk.media import Media, ObservedMedia
from syncd.systems.akeneo import sending
from syncd.systems.akeneo.api import Api
from syncd.systems.akeneo.entities import Entities, Entity
from syncd.systems.akeneo.record import MODELS
from syncd.systems.akeneo.values import Slot, text

MEDIA_FILES = "/media-files"
_HASH = 32  # hex digits in a name, which Akeneo cuts to 100 characters
_OURS = re.compile(rf"_syncd_([A-Za-z0-9]+)_([0-9a-f]{{{_HASH}}})\.\w+$")


def name_of(media: Media) -> str:
    """A file name that survives Akeneo, which writes `_` for whatever is no letter, digit or dot."""
    return f"syncd_{_plain(media.asset)}_{media.sha256[:_HASH]}{PurePosixPath(media.name).suffix}"


def is_of(code: str, media: Media) -> bool:
    """Whether a media file of Akeneo is this version of ours."""
    found = _OURS.search(code)
    return found is not None and f"_{name_of(media).rpartition('.')[0]}." in code


def _plain(asset: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", asset)


class Files:
    """The media files of products."""

    def __init__(self, context: Context, api: Api, entities: Entities, upload: float) -> None:
        """
        Args:
            upload: seconds an upload may take.
        """
        self._context, self._api, self._entities, self._upload = context, api, entities, upload

    def observed(self, entity: Entity, slot: Slot) -> Iterable[ObservedMedia]:
        """What the attribute holds."""
        if code := text(slot.data(entity.values)):
            yield ObservedMedia(f"{slot}/{code}", slot=str(slot))

    async def put(self, owner: Entity, slot: Slot, media: Media) -> ObservedMedia:
        """Have the attribute hold this file, in place of another version of the same asset.

        Raises:
            RejectedError: it holds somebody else's file or another asset's, or Akeneo did not take ours.
        """
        present = text(slot.data(owner.values))
        if is_of(present, media):
            return ObservedMedia(f"{slot}/{present}", slot=str(slot))
        found = _OURS.search(present)
        if present and (found is None or found[1] != _plain(media.asset)):
            whose = "another asset's file" if found else "a file that is not ours"
            remedy = "Remove it in Akeneo, or link this role to an attribute of its own: there is room for one file."
            raise RejectedError(f"{slot} of {owner} holds {whose}: {present}.", remedy=remedy)
        fields = {_kind(owner): json.dumps(_target(owner, slot))}
        sent = sending.form(self._context.media, media, name_of(media), fields)
        await self._api.upload(MEDIA_FILES, sent, self._upload)
        after = await self._entities.again(owner)
        code = text(slot.data(after.values))
        if not is_of(code, media):
            remedy = "Look at which level of the family variant the attribute is, and who may edit it."
            raise RejectedError(f"Akeneo took the file for {slot} of {owner} and did not keep it.", remedy=remedy)
        return ObservedMedia(f"{slot}/{code}", slot=str(slot))

    async def remove(self, owner: Entity, slot: Slot, media: Media) -> None:
        """Empty the attribute if it holds this file."""
        code = text(slot.data(owner.values))
        if not is_of(code, media) and f"{slot}/{code}" != media.external_id:
            return
        await self._entities.write(owner, slot.value(None))
        if text(slot.data((await self._entities.again(owner)).values)) == code:
            raise RejectedError(f"Akeneo took the removal of {slot} of {owner} and did not do it.")


def _kind(owner: Entity) -> str:
    return "product_model" if owner.kind == MODELS else "product"


def _target(owner: Entity, slot: Slot) -> dict[str, str | None]:
    named = {"code": owner.key} if owner.kind == MODELS else {"identifier": owner.sku}
    return {**named, "attribute": slot.attribute, "scope": slot.channel, "locale": slot.locale}
