"""ffmpeg and ffprobe as limited subprocesses: rlimits, a deadline, and their whole group killed when it passes."""

from __future__ import annotations

import asyncio
import importlib
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from syncd import errors
from syncd.clock import Clock, bounded
from syncd.domain.media import kind_of
from syncd.media import limited
from syncd.media.workers import death, kill_group

_DEMUXERS = {"mp4": "mov", "mov": "mov", "webm": "matroska", "matroska": "matroska"}
_DEMUXER_NAMES = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm"
_SAID = 2000  # last characters of a tool's complaint that are kept


class FFmpegLimits(BaseModel):
    """What one call may use. Processor time is what a costly video meets; the wall is met by a slow machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    memory: int = 4_000_000_000
    file_bytes: int = 4_000_000_000
    cpu_seconds: int = 1800
    wall_seconds: float = 3600.0
    probe_cpu_seconds: int = 20
    threads: int = 2
    at_once: int = 2


@dataclass(frozen=True)
class FFmpeg:
    """The tools of this machine. `ffprobe` is None where only the wheel's ffmpeg exists: probing is then PyAV's."""

    clock: Clock
    ffmpeg: Path
    ffprobe: Path | None
    limits: FFmpegLimits = FFmpegLimits()
    _free: asyncio.Semaphore = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_free", asyncio.Semaphore(self.limits.at_once))

    @classmethod
    def find(cls, clock: Clock, limits: FFmpegLimits | None = None) -> FFmpeg | None:
        """The tools on PATH, else the ffmpeg of the wheel `imageio-ffmpeg`; None if there is neither."""
        limits = limits or FFmpegLimits()
        if found := shutil.which("ffmpeg"):
            probe = shutil.which("ffprobe")
            return cls(clock, Path(found), Path(probe) if probe else None, limits)
        try:
            wheel = importlib.import_module("imageio_ffmpeg")
            return cls(clock, Path(wheel.get_ffmpeg_exe()), None, limits)
        except (ImportError, RuntimeError):
            return None

    async def probe(self, path: Path, format: str) -> dict[str, Any]:
        """What ffprobe says of a video's container and streams, as its JSON.

        Raises:
            HostileInput: reasons `corrupt`, `time-limit`, `memory-limit`, `worker-died`.
        """
        if self.ffprobe is None:
            raise errors.Bug("There is no ffprobe: the caller asks the media worker instead.")
        wanted = ("-show_format", "-show_streams", "-print_format", "json")
        out = await self._call(self.ffprobe, [*wanted, *source_options(path, format)], self.limits.probe_cpu_seconds)
        answer: dict[str, Any] = json.loads(out)
        return answer

    async def run(self, source: Path, format: str, outputs: Sequence[str], *, before: Sequence[str] = ()) -> None:
        """Run ffmpeg over one source.

        Args:
            format: the source's, as sniffed: no other demuxer is tried.
            outputs: arguments after the input.
            before: arguments in front of it, such as a start position.

        Raises:
            HostileInput: reasons `corrupt`, `time-limit`, `memory-limit`, `worker-died`.
            TransientError: the deadline passed.
        """
        head = ["-nostdin", "-y", "-threads", str(self.limits.threads), "-filter_threads", "1", *before]
        await self._call(self.ffmpeg, [*head, *source_options(source, format), *outputs], self.limits.cpu_seconds)

    async def _call(self, program: Path, arguments: Sequence[str], cpu_seconds: int) -> bytes:
        async with self._free:
            return await self._run_alone(program, arguments, cpu_seconds)

    async def _run_alone(self, program: Path, arguments: Sequence[str], cpu_seconds: int) -> bytes:
        limits = limited.Limits(memory=self.limits.memory, file_bytes=self.limits.file_bytes, cpu_seconds=cpu_seconds)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", limited.LAUNCHER, json.dumps(limits), str(program)),
            *("-v", "error", "-hide_banner", *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            env=limited.environment(),
        )
        try:
            out, complaint = await bounded(self.clock, process.communicate(), self.limits.wall_seconds)
        except TimeoutError as error:
            what = f"{program.name} did not end within {self.limits.wall_seconds:.0f} s."
            raise errors.TransientError(what) from error
        finally:
            await kill_group(process)
        _require_success(process.returncode or 0, program.name, complaint, cpu_seconds)
        return out


def source_options(path: Path, format: str) -> list[str]:
    """Input arguments under which a file can name no other file or address: one demuxer, the file protocol only."""
    if kind_of(format) != "video":
        raise errors.HostileInput("type-mismatch", f"The file is a picture ({format}), not a video.")
    safe = ["-protocol_whitelist", "file", "-format_whitelist", _DEMUXER_NAMES]
    return [*safe, "-f", _DEMUXERS[format], "-i", f"file:{path}"]


def _require_success(status: int, program: str, complaint: bytes, cpu_seconds: int) -> None:
    if status < 0:
        raise death(status, program, cpu_seconds)
    if status == 0:
        return
    said = complaint.decode(errors="replace").strip()[-_SAID:]
    if "Cannot allocate memory" in said or "malloc" in said.lower():
        raise errors.HostileInput("memory-limit", f"{program} needs too much memory for this file.")
    raise errors.HostileInput("corrupt", f"{program} cannot read the video: {said or status}", status=status)
