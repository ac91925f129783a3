"""The asset family that holds our media: found, filled, archived, taken out of use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from syncd.errors import RejectedError
from syncd.sdk.context import Context
from syncd.sdk.media import Media
from syncd.systems.akeneo import sending, words
from syncd.systems.akeneo.api import Api, Line, path
from syncd.systems.akeneo.limits import NAMED
from syncd.systems.akeneo.mark import Codes, Mark, Use
from syncd.systems.akeneo.options import AssetOptions
from syncd.systems.akeneo.values import CHANNEL, Slot, Values, merged, text

FAMILIES = "/asset-families"
MEDIA_FILES = "/asset-media-files"
MEDIA_FILE_CODE = "asset-media-file-code"


@dataclass(frozen=True, slots=True)
class Held:
    """An asset of ours as it is. `file` is Akeneo's name of its file, `link` where the public finds it, if anywhere."""

    code: str
    values: Values
    mark: Mark | None = None
    file: str = ""
    link: str = ""
    status: str = ""

    @property
    def intact(self) -> bool:
        """Whether its file is the one that was put there."""
        return self.mark is not None and bool(self.file) and self.mark.file == self.file

    def holds(self, sha256: str) -> bool:
        """Whether these bytes are in use here."""
        return self.intact and self.mark is not None and (self.mark.use, self.mark.sha256) == (Use.CURRENT, sha256)


class Assets:
    """One asset family."""

    def __init__(self, context: Context, api: Api, options: AssetOptions, upload: float) -> None:
        """
        Args:
            upload: seconds an upload may take.
        """
        self._context, self._api, self._options, self._upload = context, api, options, upload
        self.codes = Codes(options.prefix)
        self.where = FAMILIES + path(options.family) + "/assets"

    # --- reading ----------------------------------------------------------------------------------------------------

    async def held(self, codes: Iterable[str]) -> dict[str, Held]:
        """Those of these assets that exist, by code."""
        wanted = list(dict.fromkeys(codes))
        found: dict[str, Held] = {}
        for start in range(0, len(wanted), NAMED):
            search = {"code": [{"operator": "IN", "value": wanted[start : start + NAMED]}]}
            async for page in self._api.pages(self.where, search):
                found |= {each.code: each for each in map(self.understood, page.items)}
        return {code: found[code] for code in wanted if code in found}

    async def one(self, code: str) -> Held | None:
        """An asset asked for by its own address, which shows what was written just now; None where there is none."""
        found = await self._api.find(self.where + path(code))
        return self.understood(found) if found is not None else None

    def understood(self, found: Mapping[str, Any]) -> Held:
        """An asset as it was received."""
        code = str(words.field(found, "code", str, "an asset"))
        values: Values = words.values(found, f"the asset {code}")
        media = self._options.media.entry(values, CHANNEL)
        links = media.get("_links")
        shared = links.get("share_link") if isinstance(links, dict) else None
        return Held(
            code=code,
            values=values,
            mark=Mark.read(self._options.mark.data(values, CHANNEL)),
            file=text(media.get("data")),
            link=str(shared.get("href") or "") if isinstance(shared, dict) else "",
            status=text(self._options.status.data(values, CHANNEL)) if self._options.status else "",
        )

    def our_status(self, held: Held) -> str:
        """An asset's status in our own word, where `statuses` names one for it."""
        return next((ours for ours, theirs in self._options.statuses.items() if theirs == held.status), held.status)

    def described(self, title: str, alt: str) -> dict[Slot, str]:
        """The texts of an asset, by where they go."""
        return dict.fromkeys(self._options.title, title) | dict.fromkeys(self._options.alt, alt)

    # --- writing ----------------------------------------------------------------------------------------------------

    async def fill(self, code: str, held: Held | None, media: Media, facts: Mapping[Slot, str], status: str) -> Held:
        """Have an asset hold these bytes and facts, in use; what is so already is not written again.

        Raises:
            RejectedError: in Akeneo's words; or it took the change and did not make it.
        """
        file = held.file if held and held.intact and held.mark and held.mark.sha256 == media.sha256 else ""
        if not file:
            file = await self._send(media)
        note = str(Mark(Use.CURRENT, media.version, media.sha256, file))
        wanted = {self._options.media: file, self._options.mark: note, **facts, **self._stated(status)}
        if not await self._change(code, held, wanted):
            assert held is not None
            return held
        after = await self.one(code)
        if after is None or not after.holds(media.sha256):
            what = f"Akeneo took the change of the asset {code} and did not make it."
            raise RejectedError(what, remedy=f"Look whether its user may edit the asset family {self._options.family}.")
        return after

    async def archive(self, held: Held) -> None:
        """Keep what an asset holds, which is about to be replaced, as an asset of its own."""
        if not self._options.archive or not held.file:
            return
        mark = _known(held)
        note = str(Mark(Use.ARCHIVED, mark.version, mark.sha256, held.file))
        wanted = {self._options.media: held.file, self._options.mark: note, **self._stated("superseded")}
        code = self.codes.archived(self.codes.asset(held.code), mark.version)
        await self._change(code, await self.one(code), wanted)

    async def retire(self, held: Held, status: str) -> None:
        """Take an asset out of use: its status, its note, and its file where options say so."""
        mark = held.mark or _known(held)
        note = str(Mark(Use.WITHDRAWN, mark.version, mark.sha256, mark.file))
        wanted = {self._options.mark: note, **self._stated(status)}
        if self._options.clear:
            wanted[self._options.media] = ""
        await self._change(held.code, held, wanted)

    async def write_statuses(self, statuses: Mapping[str, str]) -> list[Line]:
        """Set Akeneo's own status of assets that exist, by code; one line for each."""
        slot = self._options.status
        assert slot is not None
        objects = [{"code": code, "values": slot.value(word, CHANNEL)} for code, word in statuses.items()]
        return await self._api.patch_objects(self.where, objects)

    def _stated(self, status: str) -> dict[Slot, str]:
        return {self._options.status: self._options.statuses.get(status, status)} if self._options.status else {}

    async def _change(self, code: str, held: Held | None, wanted: Mapping[Slot, str]) -> bool:
        """Write those values that are not so; whether there were any."""
        present = held.values if held else {}
        changed = {slot: said for slot, said in wanted.items() if text(slot.data(present, CHANNEL)) != said}
        if held is not None and not changed:
            return False
        values = merged(slot.value(said or None, CHANNEL) for slot, said in changed.items())
        await self._api.patch(self.where + path(code), {"code": code, "values": values}, idempotent=True)
        return True

    async def _send(self, media: Media) -> str:
        """Upload a file; Akeneo's name of it."""
        sent = sending.form(self._context.media, media, media.name, {})
        headers = await self._api.upload(MEDIA_FILES, sent, self._upload)
        code = headers.get(MEDIA_FILE_CODE, "")
        if not code:
            raise RejectedError(f"Akeneo's answer to an upload has no {MEDIA_FILE_CODE}; it has {sorted(headers)}.")
        return str(code)


def _known(held: Held) -> Mark:
    """What can be said of an asset's file: of one that somebody else put there no hash is known."""
    version = held.mark.version if held.mark else 0
    sha256 = held.mark.sha256 if held.mark and held.intact else "0" * 64
    return Mark(Use.ARCHIVED, version, sha256, held.file or "-")
