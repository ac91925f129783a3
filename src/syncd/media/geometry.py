"""Where a picture lands on its canvas: pure arithmetic shared by pictures and videos."""

from __future__ import annotations

import math
from dataclasses import dataclass

from syncd import errors
from syncd.domain.spec import ImageSpec, VideoSpec


@dataclass(frozen=True)
class Layout:
    """Take `box` (left, top, right, bottom in displayed source pixels), draw it at `size`, at `offset` on `canvas`."""

    box: tuple[float, float, float, float]
    size: tuple[int, int]
    canvas: tuple[int, int]
    offset: tuple[int, int]

    @property
    def scale(self) -> float:
        """Pixels drawn per source pixel, at most 1."""
        return min(1.0, max(self.size[0] / (self.box[2] - self.box[0]), self.size[1] / (self.box[3] - self.box[1])))


def layout(width: int, height: int, spec: ImageSpec | VideoSpec, *, even: bool = False) -> Layout:
    """Fit a picture of `width` x `height` pixels as displayed into `spec`; never larger than the source.

    Args:
        even: round drawn and canvas sizes to even numbers, as 4:2:0 video needs.
    """
    step = 2 if even else 1
    if spec.fit == "crop":
        return _crop(width, height, _canvas(spec), step)
    size = _inside(width, height, spec, step)
    if spec.fit == "contain":
        return Layout((0, 0, width, height), size, size, (0, 0))
    canvas = _down(_canvas(spec)[0], step), _down(_canvas(spec)[1], step)
    size = min(size[0], canvas[0]), min(size[1], canvas[1])
    offset = _down((canvas[0] - size[0]) // 2, step, least=0), _down((canvas[1] - size[1]) // 2, step, least=0)
    return Layout((0, 0, width, height), size, canvas, offset)


def _canvas(spec: ImageSpec | VideoSpec) -> tuple[int, int]:
    if spec.width is None or spec.height is None:
        raise errors.Bug(f"The spec {spec.name} has fit {spec.fit} without width and height.")
    return spec.width, spec.height


def _down(value: float, step: int, least: int | None = None) -> int:
    """The greatest multiple of `step` not above `value`, at least `least` (by default one step)."""
    return max(int(value // step) * step, step if least is None else least)


def _inside(width: int, height: int, spec: ImageSpec | VideoSpec, step: int) -> tuple[int, int]:
    scale = min(1.0, (spec.width or math.inf) / width, (spec.height or math.inf) / height)
    if isinstance(spec, ImageSpec):
        scale = min(scale, (spec.max_long_side or math.inf) / max(width, height))
        scale = min(scale, math.sqrt((spec.max_megapixels or math.inf) * 1e6 / (width * height)))
    if scale == 1.0:
        return _down(width, step), _down(height, step)
    # Rounding to the nearest pixel keeps the aspect best, but must not pass a limit: floor where it would.
    exact = width * scale, height * scale
    nearest = max(step, round(exact[0] / step) * step), max(step, round(exact[1] / step) * step)
    if _allowed(nearest, spec):
        return nearest
    return _down(exact[0] + 1e-6, step), _down(exact[1] + 1e-6, step)


def _allowed(size: tuple[int, int], spec: ImageSpec | VideoSpec) -> bool:
    if size[0] > (spec.width or math.inf) or size[1] > (spec.height or math.inf):
        return False
    if not isinstance(spec, ImageSpec):
        return True
    megapixels = size[0] * size[1] / 1e6
    return max(size) <= (spec.max_long_side or math.inf) and megapixels <= (spec.max_megapixels or math.inf)


def _crop(width: int, height: int, canvas: tuple[int, int], step: int) -> Layout:
    """The largest middle part with the canvas's aspect; a smaller source gives a smaller picture of that aspect."""
    scale = max(canvas[0] / width, canvas[1] / height)
    if scale > 1.0:
        shrink = min(width / canvas[0], height / canvas[1])
        canvas = max(1, math.floor(canvas[0] * shrink)), max(1, math.floor(canvas[1] * shrink))
    canvas = _down(canvas[0], step), _down(canvas[1], step)
    scale = min(1.0, max(canvas[0] / width, canvas[1] / height))
    taken = min(width, canvas[0] / scale), min(height, canvas[1] / scale)
    left, top = max(0.0, (width - taken[0]) / 2), max(0.0, (height - taken[1]) / 2)
    box = left, top, min(float(width), left + taken[0]), min(float(height), top + taken[1])
    return Layout(box, canvas, canvas, (0, 0))
