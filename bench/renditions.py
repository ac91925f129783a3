"""Six renditions of a 24 MP JPEG: the media worker's own function against libvips, each run in a process of its own.

The source is a mosaic of the example photographs at their native size, with a profile that has to be converted. libvips
does the same work the way that suits it best: one shrinking decode, one conversion, every rendition from there. Its
qualities are chosen beforehand so that its files are as large as ours.
"""

from __future__ import annotations

import io
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from bench import machine
from bench.report import Line
from syncd.domain.media import EXTENSIONS, RightsMetadata
from syncd.domain.spec import ImageSpec

PHOTOS = Path(__file__).parents[1] / "examples" / "media"
SIZE = (6000, 4000)
ROUNDS = 7
BYTES_WITHIN, DB_WITHIN = 0.05, 0.5
SPECS = (
    {"name": "pad", "format": "jpeg", "width": 2000, "height": 2000, "fit": "pad"},
    {"name": "portrait", "format": "jpeg", "width": 1600, "height": 2000, "fit": "crop"},
    {"name": "web", "format": "webp", "width": 1200, "height": 1500, "fit": "crop"},
    {"name": "story", "format": "jpeg", "width": 1080, "height": 1920, "fit": "crop"},
    {"name": "square", "format": "jpeg", "width": 1080, "height": 1080, "fit": "crop"},
    {"name": "thumb", "format": "avif", "width": 400, "height": 400, "fit": "crop"},
)


def specs() -> list[ImageSpec]:
    """The six recipes."""
    return [
        ImageSpec.model_validate({"kind": "image", "source": "the bench", "dated": "2026-11-22", **s}) for s in SPECS
    ]


def measure() -> list[Line]:
    """Both in turn, ROUNDS times."""
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
        folder = Path(name)
        source = folder / "source.jpg"
        mosaic(source)
        qualities = _calibrated(folder, source)
        runs: dict[str, list[dict[str, Any]]] = {"ours": [], "vips": []}
        for _ in range(ROUNDS):
            for kind, found in runs.items():
                found.append(_run(kind, folder, source, qualities))
        compared = _compare(folder, source)
    return _lines(runs, compared)


def mosaic(path: Path) -> None:
    """A photograph of 24 MP: the examples side by side at native size, over and over."""
    canvas = Image.new("RGB", SIZE)
    photos = [Image.open(file).convert("RGB") for file in sorted(PHOTOS.iterdir()) if file.suffix in (".jpg", ".png")]
    top, at = 0, 0
    while top < SIZE[1]:
        left, tallest = 0, 0
        while left < SIZE[0]:
            photo = photos[at % len(photos)]
            canvas.paste(photo, (left, top))
            left, tallest, at = left + photo.width, max(tallest, photo.height), at + 1
        top += min(tallest, *(photo.height for photo in photos))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    canvas.save(path, "JPEG", quality=92, icc_profile=_wider(profile))


def _wider(profile: bytes) -> bytes:
    """The same profile with the red primary moved a little and another name: nobody may skip the conversion."""
    profile = profile.replace("sRGB".encode("utf-16-be"), "Wide".encode("utf-16-be"))
    at = profile.index(b"rXYZ")
    offset = int.from_bytes(profile[at + 4 : at + 8], "big") + 8
    moved = (int.from_bytes(profile[offset : offset + 4], "big") + 0x600).to_bytes(4, "big")
    return profile[:offset] + moved + profile[offset + 4 :]


# --- one run, in a process of its own ----------------------------------------------------------------------------------


def _run(kind: str, folder: Path, source: Path, qualities: dict[str, int]) -> dict[str, Any]:
    out = folder / kind
    out.mkdir(exist_ok=True)
    run = subprocess.run(
        [sys.executable, "-m", "bench.renditions", kind, source, out, json.dumps(qualities)],
        capture_output=True, text=True, check=True, timeout=300, env={**os.environ, "VIPS_CONCURRENCY": "1"},
    )  # fmt: skip
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def main() -> None:
    kind, source, out, qualities = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), json.loads(sys.argv[4])
    render = _ours(source, out) if kind == "ours" else _vips(source, out, qualities)
    before = resource.getrusage(resource.RUSAGE_SELF)
    render()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"cpu": cpu, "mib": machine.most_memory()}))


def _ours(source: Path, out: Path) -> Any:
    from syncd.media import image, metadata

    xmp = metadata.xmp_packet(RightsMetadata())
    return lambda: image.render_many(source, specs(), out, xmp)


def _vips(source: Path, out: Path, qualities: dict[str, int]) -> Any:
    import pyvips

    def render() -> None:
        scale = max(_scale(spec) for spec in specs())
        size = math.ceil(SIZE[0] * scale)
        master = pyvips.Image.thumbnail(str(source), size, height=100_000, size="down", output_profile="srgb")
        master = master.copy_memory()
        for spec in specs():
            _vips_save(_vips_derived(master, spec), spec, out, qualities[spec.name])

    return render


def _scale(spec: ImageSpec) -> float:
    across, down = (spec.width or 0) / SIZE[0], (spec.height or 0) / SIZE[1]
    return min(across, down) if spec.fit == "pad" else max(across, down)


def _vips_derived(master: Any, spec: ImageSpec) -> Any:
    if spec.fit == "crop":
        return master.thumbnail_image(spec.width, height=spec.height, crop="centre")
    inner = master.thumbnail_image(spec.width, height=spec.height, size="down")
    left, top = (spec.width - inner.width) // 2, (spec.height - inner.height) // 2
    return inner.embed(left, top, spec.width, spec.height, background=[255, 255, 255], extend="background")


def _vips_save(picture: Any, spec: ImageSpec, out: Path, quality: int) -> None:
    path = out / f"{spec.name}.{EXTENSIONS[spec.format][0]}"
    if spec.format == "jpeg":
        picture.jpegsave(path, Q=quality, interlace=spec.progressive, profile="srgb")
    elif spec.format == "webp":
        picture.webpsave(path, Q=quality, effort=4, profile="srgb")
    else:
        picture.heifsave(path, Q=quality, effort=1, compression="av1", profile="srgb")


# --- the same size, the same fidelity ------------------------------------------------------------------------------------


def _calibrated(folder: Path, source: Path) -> dict[str, int]:
    """The quality of libvips at which each of its files comes closest to ours in bytes."""
    qualities = {spec.name: spec.quality for spec in specs()}
    _run("ours", folder, source, qualities)
    wanted = {spec.name: size for spec, size in zip(specs(), _sizes(folder / "ours", named=False), strict=True)}
    best: dict[str, tuple[float, int]] = {}
    for shift in (0, -3, 3, -6, 6, -9, 9, -12, 12, -1, 1, -2, 2, -4, 4, -5, 5, -7, 7, -8, 8):
        tried = {name: min(100, max(1, spec_quality + shift)) for name, spec_quality in qualities.items()}
        if len(best) == len(tried) and all(off <= BYTES_WITHIN / 2 for off, _ in best.values()):
            break
        _run("vips", folder, source, tried)
        for spec, size in zip(specs(), _sizes(folder / "vips", named=True), strict=True):
            off = abs(size / wanted[spec.name] - 1)
            if spec.name not in best or off < best[spec.name][0]:
                best[spec.name] = off, tried[spec.name]
    return {name: quality for name, (_, quality) in best.items()}


def _sizes(out: Path, *, named: bool) -> list[int]:
    return [path.stat().st_size for path in _files(out, named=named)]


def _files(out: Path, *, named: bool) -> list[Path]:
    return [
        out / f"{spec.name if named else at}.{EXTENSIONS[spec.format][0]}" for at, spec in enumerate(specs())
    ]  # fmt: skip


def _compare(folder: Path, source: Path) -> list[tuple[float, float]]:
    """Of each file: how many times the bytes of the other's, and how many dB nearer to the reference."""
    pairs = zip(_files(folder / "ours", named=False), _files(folder / "vips", named=True), strict=True)
    return [
        (mine.stat().st_size / other.stat().st_size - 1, _psnr(reference, mine) - _psnr(reference, other))
        for reference, (mine, other) in zip(_references(source), pairs, strict=True)
    ]


def _references(source: Path) -> list[Image.Image]:
    """Each picture from a full decode and one LANCZOS, never encoded."""
    from syncd.media import colour, geometry

    with Image.open(source) as opened:
        full = colour.to_srgb(opened.convert("RGB"), opened.info["icc_profile"])
    found = []
    for spec in specs():
        layout = geometry.layout(*SIZE, spec)
        picture = full.resize(layout.size, Image.Resampling.LANCZOS, box=layout.box)
        canvas = Image.new("RGB", layout.canvas, "white")
        canvas.paste(picture, layout.offset)
        found.append(canvas)
    return found


def _psnr(reference: Image.Image, path: Path) -> float:
    with Image.open(io.BytesIO(path.read_bytes())) as opened:
        difference = np.asarray(reference, dtype=np.float64) - np.asarray(opened.convert("RGB"), dtype=np.float64)
    return float(10 * np.log10(255**2 / np.mean(difference**2)))


# --- the report -----------------------------------------------------------------------------------------------------------


def _lines(runs: dict[str, list[dict[str, Any]]], compared: list[tuple[float, float]]) -> list[Line]:
    cpu = {kind: [run["cpu"] for run in found] for kind, found in runs.items()}
    mib = {kind: statistics.median(run["mib"] for run in found) for kind, found in runs.items()}
    ratio = statistics.median(a / b for a, b in zip(cpu["ours"], cpu["vips"], strict=True))
    what = f"six renditions of a {SIZE[0] * SIZE[1] // 1_000_000} MP JPEG, CPU"
    size, fidelity = [off for off, _ in compared], [nearer for _, nearer in compared]
    files = (
        f"{min(size):+.1%} to {max(size):+.1%} bytes, {min(fidelity):+.2f} to {max(fidelity):+.2f} dB of PSNR against a "
        "full decode and one LANCZOS"
    )
    worse = sum(off > BYTES_WITHIN or nearer < -DB_WITHIN for off, nearer in compared)
    return [
        Line(what, _span(cpu["ours"]), f"libvips {_span(cpu['vips'])}", ratio, 1.3, "x libvips", least=False),
        Line("their memory at most", f"{mib['ours']:.0f} MiB", f"libvips {mib['vips']:.0f} MiB",
             mib["ours"] / mib["vips"], 1.0, "x libvips", least=False),
        Line("their files", files, "libvips, at qualities that give the same bytes", float(worse), 0,
             f"files over {BYTES_WITHIN:.0%} larger or {DB_WITHIN:g} dB worse", least=False),
    ]  # fmt: skip


def _span(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:,.0f} ms ({min(seconds) * 1000:,.0f} to {max(seconds) * 1000:,.0f})"


if __name__ == "__main__":
    main()
