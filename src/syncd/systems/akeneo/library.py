"""The role library: assets held as Akeneo's asset family has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC

from syncd.sdk.library import LibraryItem, LibraryState
from syncd.systems.akeneo.assets import Assets, Held
from syncd.systems.akeneo.linking import Linking
from syncd.systems.akeneo.mark import Use
from syncd.systems.akeneo.options import AssetOptions
from syncd.systems.akeneo.values import Slot


class Library:
    """The methods of the role."""

    def __init__(self, assets: Assets, linking: Linking, options: AssetOptions) -> None:
        self.assets, self.options, self._linking = assets, options, linking

    async def put(self, item: LibraryItem) -> LibraryState:
        """Hold this version; the one before becomes an asset of its own, where options say so."""
        media = item.media
        code = self.assets.codes.of(media.asset)
        held = await self.assets.one(code)
        if held is not None and not (held.intact and held.mark and held.mark.sha256 == media.sha256):
            await self.assets.archive(held)
        after = await self.assets.fill(code, held, media, dict(self._facts(item)), item.status)
        return self._state(media.asset, after)

    async def withdraw(self, asset: str, status: str) -> LibraryState:
        """Take the asset out of use, and off every product that shows it; the asset itself stays."""
        code = self.assets.codes.of(asset)
        held = await self.assets.one(code)
        if held is None:
            return self._state(asset, None)
        await self.assets.retire(held, status)
        await self._linking.take_off_everywhere(code)
        return self._state(asset, await self.assets.one(code))

    async def read(self, assets: Sequence[str]) -> Sequence[LibraryState]:
        """What the asset family holds of them."""
        codes = {asset: self.assets.codes.of(asset) for asset in assets}
        held = await self.assets.held(codes.values())
        return [self._state(asset, held.get(code)) for asset, code in codes.items()]

    def _facts(self, item: LibraryItem) -> Iterable[tuple[Slot, str]]:
        options = self.options
        yield from self.assets.described(item.title, item.media.alt).items()
        yield from ((slot, item.metadata.get(name, "")) for name, slot in options.metadata.items())
        if options.rights_until is not None:
            until = item.rights_until
            yield options.rights_until, until.astimezone(UTC).isoformat(timespec="seconds") if until else ""

    def _state(self, asset: str, held: Held | None) -> LibraryState:
        """A file that somebody else put there is none of ours: it has no hash."""
        if held is None:
            return LibraryState(asset, exists=False)
        in_use = held.mark is not None and held.mark.use is Use.CURRENT and bool(held.file)
        sha256 = held.mark.sha256 if in_use and held.intact and held.mark else ""
        return LibraryState(asset, held.code, sha256, self.assets.our_status(held), held.link, exists=in_use)
