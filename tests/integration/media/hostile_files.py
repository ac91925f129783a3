"""The corpus of hostile files: eleven named classes, each file built from the shipped photographs by seeded code.

Every entry maps a file name to its bytes and the reasons with which it may be refused.
"""

from __future__ import annotations

import gzip
import io
import random
import shutil
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pillow_heif
from PIL import Image

SAMPLES = Path(__file__).parents[3] / "examples" / "media"
Corpus = dict[str, tuple[bytes, frozenset[str]]]
BOMB = 50_000_000  # bytes that packed texts unpack to


def _refused(*reasons: str) -> frozenset[str]:
    return frozenset(reasons)


@cache
def _photo() -> Image.Image:
    with Image.open(SAMPLES / "coffee.png") as image:
        return image.convert("RGB").resize((300, 200))


def _as(format: str, image: Image.Image | None = None, **options: Any) -> bytes:
    out = io.BytesIO()
    (image or _photo()).save(out, format, **options)
    return out.getvalue()


def _heic() -> bytes:
    out = io.BytesIO()
    pillow_heif.from_pillow(_photo()).save(out, quality=50)
    return out.getvalue()


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Main-Class: Evil")
    return out.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _png_with(*chunks: bytes) -> bytes:
    """A sound PNG with chunks behind its header."""
    whole = _as("PNG")
    return whole[:33] + b"".join(chunks) + whole[33:]


def _jpeg_with(marker: int, content: bytes) -> bytes:
    whole = _as("JPEG")
    return whole[:2] + bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content + whole[2:]


def pixel_bombs(_: Path) -> Corpus:
    """Small files that decode to gigabytes."""
    huge = _refused("pixel-limit")
    line = b"\x00" + bytes(13000 // 8)
    one_bit = zlib.compress(line * 13000, 9)
    bit_png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 13000, 13000, 1, 0, 0, 0, 0))
    jpeg = bytearray(_as("JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", 65000, 65000)
    gif = bytearray(_as("GIF"))
    gif[6:10] = struct.pack("<HH", 65535, 65535)
    ribbon = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2_000_000, 2, 8, 2, 0, 0, 0))
    tiff = _as("TIFF", Image.new("1", (16000, 16000)), compression="group4")
    return {
        "one-bit.png": (bit_png + chunk(b"IDAT", one_bit) + chunk(b"IEND", b""), huge),
        "header.jpg": (bytes(jpeg), huge),
        "screen.gif": (bytes(gif), huge),
        "ribbon.png": (ribbon + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b""), huge),
        "fax.tiff": (tiff, huge),
    }


def frame_bombs(_: Path) -> Corpus:
    """Few bytes, many pictures."""
    rest = [_photo().rotate(turn) for turn in (90, 180, 270)] * 10
    many = _refused("frame-limit")
    formats = {"many.gif": "GIF", "many.png": "PNG", "many.webp": "WEBP", "pages.tiff": "TIFF"}
    return {name: (_as(format, save_all=True, append_images=rest), many) for name, format in formats.items()}


def truncated(folder: Path) -> Corpus:
    """Files that end too early, at a third and near their end."""
    whole = {"a.jpg": _as("JPEG"), "a.png": _as("PNG"), "a.webp": _as("WEBP"), "a.gif": _as("GIF")}
    whole |= {"a.avif": _as("AVIF", speed=9), "a.heic": _heic(), "a.mp4": (SAMPLES / "bigbuckbunny.mp4").read_bytes()}
    if shutil.which("ffmpeg"):
        picture = ("-f", "lavfi", "-i", "testsrc=s=160x90:r=10", "-t", "2")
        whole["a.webm"] = _made(folder, "a.webm", *picture, "-c:v", "libvpx", "-deadline", "realtime")
        whole["a.mkv"] = _made(folder, "a.mkv", *picture, "-c:v", "libx264")
    short = _refused("truncated", "corrupt")
    return {
        f"{part}-{name}": (data[: int(len(data) * share)], short)
        for name, data in whole.items()
        for part, share in (("third", 0.33), ("most", 0.97))
    }


def polyglots(_: Path) -> Corpus:
    """Files that are a picture and something else at once."""
    two, more = _refused("polyglot"), _refused("polyglot", "trailing-data")
    tail = b"<html><script>alert(1)</script></html>"
    return {
        "zip-behind.jpg": (_as("JPEG") + _zip(), two),
        "gifar.gif": (_as("GIF") + _zip(), two),
        "page-behind.png": (_as("PNG") + tail, two),
        "php-in-comment.jpg": (_jpeg_with(0xFE, b"<?php system($_GET['c']); ?>"), two),
        "pdf-in-text.png": (_png_with(chunk(b"tEXt", b"Comment\x00%PDF-1.7\n1 0 obj")), two),
        "script-in-packed-text.png": (_png_with(chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(tail))), two),
        "archive-behind.webp": (_as("WEBP") + _zip(), more),
        "program-behind.jpg": (_as("JPEG") + b"\x7fELF" + bytes(500), two),
        "anything-behind.png": (_as("PNG") + random.Random(7).randbytes(9000), _refused("trailing-data")),
        "page-behind.avif": (_as("AVIF", speed=9) + tail, more),
        "zip-in-exif.jpg": (_jpeg_with(0xE1, b"Exif\x00\x00" + _zip()), two),
        "page-in-comment.gif": (_as("GIF", comment=tail), two),
    }


def svg(_: Path) -> Corpus:
    """Drawings with scripts and references, however they are named and coded."""
    body = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
    entity = '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>'
    drawing = _refused("svg-refused")
    return {
        "plain.svg": (body.encode(), drawing),
        "named.jpg": (b"\n\n  " + body.encode(), drawing),
        "bom.png": (b"\xef\xbb\xbf<!-- x -->" + body.encode(), drawing),
        "wide.webp": (("\ufeff" + body).encode("utf-16-le"), drawing),
        "entity.svg": (entity.encode(), drawing),
        "packed.svgz": (gzip.compress(body.encode()), _refused("archive-refused")),
    }


def page_descriptions(_: Path) -> Corpus:
    """Programs for printers: PostScript, EPS and PDF."""
    return {
        "a.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run", _refused("eps-refused")),
        "named.jpg": (b"%!PS-Adobe-3.0\n/x { (id) (r) file } def", _refused("postscript-refused")),
        "binary.eps": (b"\xc5\xd0\xd3\xc6" + bytes(28) + b"%!PS-Adobe-3.0 EPSF-3.0", _refused("eps-refused")),
        "a.pdf": (b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript>>>>", _refused("pdf-refused")),
        "late.png": (b" " * 500 + b"%PDF-1.7\n", _refused("pdf-refused")),
        "spooled.ps": (b"\x04%!PS-Adobe-3.0\n", _refused("postscript-refused")),
    }


def not_media(_: Path) -> Corpus:
    """Pages, programs and archives named like pictures."""
    return {
        "page.png": (b"<!DOCTYPE html><html><body>404</body></html>", _refused("html-refused")),
        "program.jpg": (b"MZ\x90\x00" + bytes(200), _refused("executable-refused")),
        "elf.mp4": (b"\x7fELF\x02\x01\x01" + bytes(200), _refused("executable-refused")),
        "shell.jpg": (b"#!/bin/sh\nrm -rf /\n", _refused("script-refused")),
        "php.gif": (b"<?php phpinfo();", _refused("script-refused")),
        "archive.png": (_zip(), _refused("archive-refused")),
        "noise.jpg": (b"\x00\x01" + random.Random(3).randbytes(500), _refused("unknown-format")),
        "empty.jpg": (b"", _refused("empty")),
    }


def corrupt(_: Path) -> Corpus:
    """Structures that contradict themselves."""
    broken = _refused("corrupt", "truncated", "trailing-data", "pixel-limit")
    png, jpeg, webp = _as("PNG"), _as("JPEG"), _as("WEBP")
    loop = b"II*\x00" + struct.pack("<IH", 8, 0) + struct.pack("<I", 8)
    table = jpeg.index(b"\xff\xdb")
    return {
        "wrong-checksum.png": (png[:29] + b"\x00\x00\x00\x00" + png[33:], broken),
        "endless-chunk.png": (png[:33] + b"\xff\xff\xff\xffIDAT" + png[41:], broken),
        "no-picture.png": (png[:33] + chunk(b"IEND", b""), broken),
        "empty-segment.jpg": (jpeg[: table + 2] + b"\x00\x00" + jpeg[table + 4 :], broken),
        "no-tables.jpg": (jpeg[:2] + jpeg[jpeg.index(b"\xff\xc0") :].replace(b"\xff\xc4", b"\xff\xfe"), broken),
        "wrong-length.webp": (webp[:16] + b"\xff\xff\xff\x7f" + webp[20:], broken),
        "loop.tiff": (loop, broken),
        "one-box.heic": (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1", broken),
        "no-movie.mp4": (b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42", broken),
    }


def metadata_bombs(_: Path) -> Corpus:
    """Texts, profiles and XML that unpack without end."""
    packed = zlib.compress(bytes(BOMB), 9)
    limit = _refused("metadata-limit")
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    laughs = f'<!DOCTYPE x [<!ENTITY l0 "lol">{entities}]><x>&l9;</x>'.encode()
    outside = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
    xml = _refused("xml-entities")
    xmp = b"XML:com.adobe.xmp\x00\x00\x00\x00\x00"
    return {
        "text.png": (_png_with(chunk(b"zTXt", b"Comment\x00\x00" + packed)), limit),
        "profile.png": (_png_with(chunk(b"iCCP", b"profile\x00\x00" + packed)), limit),
        "words.png": (_png_with(chunk(b"iTXt", b"Comment\x00\x01\x00\x00\x00" + packed)), limit),
        "plain.png": (_png_with(chunk(b"iTXt", xmp + b" " * 20_000_000)), limit),
        "laughs.jpg": (_jpeg_with(0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + laughs), xml),
        "outside.png": (_png_with(chunk(b"iTXt", xmp + outside)), xml),
        "long.png": (_png_with(chunk(b"iTXt", xmp + b"<x>" + b" " * 900_000 + b"</x>")), limit),
        "crumbs.png": (_png_with(chunk(b"tEXt", b"a\x00b") * 30_000), _refused("too-many-parts")),
    }


def _made(folder: Path, name: str, *arguments: str) -> bytes:
    path = folder / name
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments, str(path)], check=True, capture_output=True)
    return path.read_bytes()


def video_bombs(folder: Path) -> Corpus:
    """Videos too large in one direction, and one in a codec that is not opened."""

    def colour(size: str, rate: str) -> tuple[str, ...]:
        return "-f", "lavfi", "-i", f"color=s={size}:r={rate}"

    streams = ["-map", "0:v"] * 20
    large = ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-frames:v", "1")
    return {
        "huge.mp4": (_made(folder, "huge.mp4", *colour("9000x5000", "1"), *large), _refused("pixel-limit")),
        "long.mp4": (_made(folder, "long.mp4", *colour("16x16", "1/100"), "-t", "4000"), _refused("duration-limit")),
        "fast.mp4": (_made(folder, "fast.mp4", *colour("16x16", "600"), "-t", "0.1"), _refused("frame-rate-limit")),
        "many.mp4": (
            _made(folder, "many.mp4", *colour("16x16", "5"), "-t", "0.4", *streams),
            _refused("stream-limit"),
        ),
        "odd.mkv": (
            _made(folder, "odd.mkv", *colour("16x16", "5"), "-t", "0.4", "-c:v", "ffv1"),
            _refused("codec-refused"),
        ),
        "sound.mp4": (_made(folder, "sound.mp4", "-f", "lavfi", "-i", "sine", "-t", "1"), _refused("no-video")),
    }


def playlists(_: Path) -> Corpus:
    """Lists that make a player read other files, named like videos."""
    hls = b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
    box = b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42"
    listed = _refused("playlist-refused")
    return {
        "hls.mp4": (hls, listed),
        "bom.mp4": (b"\xef\xbb\xbf\n" + hls, listed),
        "concat.mp4": (b"ffconcat version 1.0\nfile /etc/passwd\n", listed),
        "dash.mp4": (b'<?xml version="1.0"?><MPD><BaseURL>file:///etc/</BaseURL></MPD>', listed),
        "smil.mov": (b"<smil><body><video src='http://10.0.0.1/'/></body></smil>", listed),
        "list.mp4": (b"[playlist]\nFile1=http://169.254.169.254/", listed),
        "hidden.mp4": (box + hls, _refused("trailing-data", "truncated", "corrupt")),
    }


CLASSES: dict[str, Callable[[Path], Corpus]] = {
    each.__name__: each
    for each in (
        *(pixel_bombs, frame_bombs, truncated, polyglots, svg, page_descriptions, not_media, corrupt),
        *(metadata_bombs, video_bombs, playlists),
    )
}
