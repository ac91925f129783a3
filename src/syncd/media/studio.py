"""Everything the flow asks of media, by blob hash: facts, renditions, library copies."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncd import errors
from syncd.clock import Clock
from syncd.domain.media import EXTENSIONS, MediaFacts, MediaLimits, RightsMetadata, kind_of
from syncd.domain.spec import ImageSpec, VideoSpec
from syncd.media import fingerprint, rendition, sniff, video, videoprobe
from syncd.media.blobs import BlobInfo, BlobStore
from syncd.media.ffmpeg import FFmpeg
from syncd.media.rendition import Rendition, RenditionResult
from syncd.media.workers import MediaWorkers


@dataclass(frozen=True)
class LibraryCopy(BlobInfo):
    """A library copy, and whether it could be made to carry the rights and no position; if not, it is the source."""

    embedded: bool = False


class Studio:
    """Opens, renders and copies media. Strangers' bytes are decoded in workers and subprocesses only."""

    def __init__(
        self,
        blobs: BlobStore,
        workers: MediaWorkers,
        ffmpeg: FFmpeg | None,
        clock: Clock,
        limits: MediaLimits | None = None,
    ) -> None:
        """
        Args:
            ffmpeg: None on a machine without it: pictures work, videos are refused with what to install.
        """
        self._blobs = blobs
        self._workers = workers
        self._ffmpeg = ffmpeg
        self._clock = clock
        self._limits = limits or MediaLimits()

    async def probe(self, blob_hash: str, filename: str) -> MediaFacts:
        """The facts of one stored file.

        Args:
            filename: what the sender called it; compared with what it is.

        Raises:
            HostileInput: the file is refused; its `reason` names why.
            NotFoundError: no such blob.
        """
        async with self._blobs.local_path(blob_hash) as path:
            return await self._probe(path, filename, blob_hash, await _format_of(path))

    async def render(
        self, source_hash: str, specs: Sequence[ImageSpec | VideoSpec], rights: RightsMetadata
    ) -> list[Rendition]:
        """One rendition per spec, in the order of `specs`, stored; all pictures come from one decode.

        A picture of a video is its poster frame.

        Raises:
            HostileInput, RejectedError: the source is refused, or does not fit a spec's `max_bytes`.
            NotFoundError: no such blob.
        """
        async with self._blobs.local_path(source_hash) as path, _scratch() as folder:
            format = await _format_of(path)
            pictures = [spec for spec in specs if isinstance(spec, ImageSpec)]
            videos = [spec for spec in specs if isinstance(spec, VideoSpec)]
            made: dict[int, RenditionResult] = {}
            facts = await self._probe(path, path.name, source_hash, format) if kind_of(format) == "video" else None
            for video_spec in videos:
                made[id(video_spec)] = await self._render_video(path, facts, video_spec, rights, folder)
            if pictures:
                still = path if facts is None else await self._poster(path, facts, folder)
                results = await self._render_pictures(still, pictures, rights, folder)
                made.update({id(spec): result for spec, result in zip(pictures, results, strict=True)})
            return [await self._store(made[id(spec)]) for spec in specs]

    def rendition_key(self, source_hash: str, spec: ImageSpec | VideoSpec, rights: RightsMetadata) -> str:
        """The name under which a rendition is cached: see `rendition.rendition_key`."""
        return rendition.rendition_key(source_hash, spec, rights)

    async def library_copy(self, source_hash: str, rights: RightsMetadata) -> LibraryCopy:
        """A copy for the library: picture data unchanged, `rights` embedded, no position and no serial number.

        JPEG, PNG and WebP are rewritten around their picture data, videos around their streams (which carry creator
        and copyright only). Any other format, and any video without ffmpeg, stays the source's own blob.

        Raises:
            HostileInput, RejectedError, NotFoundError: as `render`.
        """
        async with self._blobs.local_path(source_hash) as path, _scratch() as folder:
            target = folder / "copy"
            if not await self._copy(path, await _format_of(path), rights, target):
                size = (await asyncio.to_thread(path.stat)).st_size
                return LibraryCopy(source_hash, size, embedded=False)
            blob = await self._blobs.put_file(target)
            return LibraryCopy(blob.hash, blob.size, embedded=True)

    async def _copy(self, path: Path, format: str, rights: RightsMetadata, target: Path) -> bool:
        if kind_of(format) == "image":
            args = {"path": str(path), "out_path": str(target), "rights": rights.model_dump(mode="json")}
            return bool((await self._run("library_copy", args))["embedded"])
        if self._ffmpeg is None:
            return False
        await asyncio.to_thread(videoprobe.require_sound, path, self._limits)
        await video.copy_streams(self._ffmpeg, path, format, rights, target)
        return True

    async def _probe(self, path: Path, filename: str, sha256: str, format: str) -> MediaFacts:
        if kind_of(format) == "image":
            args = {"path": str(path), "filename": filename}
            return MediaFacts.model_validate(await self._run("probe_image", args))
        ffmpeg = self._require_ffmpeg()
        if ffmpeg.ffprobe is None:
            args = {"path": str(path), "filename": filename, "sha256": sha256}
            return MediaFacts.model_validate(await self._run("probe_video", args))
        await asyncio.to_thread(videoprobe.require_sound, path, self._limits)
        found = videoprobe.from_ffprobe(await ffmpeg.probe(path, format))
        return videoprobe.facts_of(found, path, filename, format, sha256, self._limits)

    async def _run(self, task: str, args: dict[str, Any]) -> dict[str, Any]:
        return await self._workers.run(task, {**args, "limits": self._limits.model_dump(mode="json")})

    def _require_ffmpeg(self) -> FFmpeg:
        if self._ffmpeg is None:
            remedy = "Install ffmpeg, or syncd with its extra `video`, and replay."
            raise errors.RejectedError("This machine has no ffmpeg, which videos need.", remedy=remedy)
        return self._ffmpeg

    async def _render_pictures(
        self, path: Path, specs: Sequence[ImageSpec], rights: RightsMetadata, folder: Path
    ) -> list[RenditionResult]:
        args = {
            "path": str(path),
            "specs": [spec.model_dump(mode="json") for spec in specs],
            "out_dir": str(folder),
            "rights": rights.model_dump(mode="json"),
        }
        answer = await self._run("render_images", args)
        return [RenditionResult.model_validate(each) for each in answer["renditions"]]

    async def _render_video(
        self, path: Path, facts: MediaFacts | None, spec: VideoSpec, rights: RightsMetadata, folder: Path
    ) -> RenditionResult:
        if facts is None:
            raise errors.RejectedError(f"{spec.name} is a video; the source is a picture.", rule="kind")
        target = folder / f"{spec.name.replace('/', '_')}.{EXTENSIONS['mp4'][0]}"

        async def prober(result: Path) -> MediaFacts:
            digest = await asyncio.to_thread(fingerprint.sha256_of, result)
            return await self._probe(result, result.name, digest, "mp4")

        return await video.render_video(self._require_ffmpeg(), path, facts, spec, target, prober, rights)

    async def _poster(self, path: Path, facts: MediaFacts, folder: Path) -> Path:
        target = folder / "poster.png"
        await video.poster(self._require_ffmpeg(), path, facts, target)
        return target

    async def _store(self, result: RenditionResult) -> Rendition:
        blob = await self._blobs.put_file(result.path)
        return Rendition(result.spec, blob, result.media_type, result.width, result.height, result.bytes)


async def _format_of(path: Path) -> str:
    """The format by the first bytes.

    Raises:
        HostileInput: reasons of `sniff.require_media`.
    """
    return sniff.require_media(await asyncio.to_thread(_head, path), "The file")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(sniff.HEAD)


@asynccontextmanager
async def _scratch() -> AsyncIterator[Path]:
    """A folder that is gone afterwards."""
    folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="syncd-")
    try:
        yield Path(folder.name)
    finally:
        await asyncio.to_thread(folder.cleanup)
