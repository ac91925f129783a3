"""Technical checks of a file against a channel's spec: which rule, what was measured, what the limit is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict

from syncd.domain.media import MediaFacts
from syncd.domain.spec import ImageSpec, VideoSpec

Severity = Literal["refuse", "warn"]


class Finding(BaseModel):
    """One rule a file does not meet. `refuse` keeps it from the channel, `warn` only tells."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str
    measured: str
    limit: str
    message: str
    severity: Severity = "refuse"


def check(facts: MediaFacts, spec: ImageSpec | VideoSpec) -> list[Finding]:
    """Every rule of `spec` that a file with these facts does not meet, in the order a person would fix them.

    What a rendition mends by itself (too large, too many bytes, too long, another format) is no finding. A picture
    may be taken from a video (its poster frame); a video is never made from a picture.
    """
    if spec.kind == "video" and facts.kind != "video":
        return [_finding("kind", facts.kind, "video", "is a picture, and the channel takes a video")]
    return [
        *_of_both(facts, spec),
        *(_of_image(facts, spec) if isinstance(spec, ImageSpec) else _of_video(facts, spec)),
    ]


def _finding(rule: str, measured: str, limit: str, message: str, severity: Severity = "refuse") -> Finding:
    return Finding(rule=rule, measured=measured, limit=limit, message=message, severity=severity)


def _of_both(facts: MediaFacts, spec: ImageSpec | VideoSpec) -> Iterator[Finding]:
    if spec.formats and facts.format not in spec.formats:
        yield _finding("formats", facts.format, ", ".join(spec.formats), f"has the format {facts.format}")
    yield from _at_least("min_width", "wide", facts.width, spec.needed_width)
    yield from _at_least("min_height", "high", facts.height, spec.needed_height)
    if spec.min_aspect and facts.aspect < spec.min_aspect:
        yield _aspect("min_aspect", "narrow", facts, spec.min_aspect)
    if spec.max_aspect and facts.aspect > spec.max_aspect:
        yield _aspect("max_aspect", "wide", facts, spec.max_aspect)
    if not facts.extension_matches:
        yield _finding("extension", facts.format, "as named", f"is {facts.format}, which its name does not say", "warn")


def _at_least(rule: str, word: str, measured: int, limit: int | None) -> Iterator[Finding]:
    if limit and measured < limit:
        yield _finding(rule, f"{measured} px", f"{limit} px", f"is {measured} px {word}, needs {limit} px")


def _aspect(rule: str, word: str, facts: MediaFacts, limit: float) -> Finding:
    shape = f"{facts.width}x{facts.height} ({facts.aspect:.3f})"
    return _finding(rule, f"{facts.aspect:.3f}", f"{limit:.3f}", f"is too {word}: {shape}, limit {limit:.3f}")


def _of_image(facts: MediaFacts, spec: ImageSpec) -> Iterator[Finding]:
    yield from _at_least("min_long_side", "on its longest side", facts.long_side, spec.min_long_side)


def _of_video(facts: MediaFacts, spec: VideoSpec) -> Iterator[Finding]:
    seconds = facts.seconds or 0.0
    if spec.min_seconds and seconds < spec.min_seconds:
        measured, limit = f"{seconds:.1f} s", f"{spec.min_seconds:.1f} s"
        yield _finding("min_seconds", measured, limit, f"lasts {measured}, needs {limit}")
