"""Pictures from blob to facts, renditions and library copies, through the real worker."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import ExifTags, Image, ImageChops, ImageCms, ImageStat, PngImagePlugin

from syncd.domain.checks import check
from syncd.domain.media import RightsMetadata
from syncd.domain.spec import ImageSpec
from syncd.errors import RejectedError
from syncd.media.blobs import BlobInfo, BlobStore
from syncd.media.metadata import rights_of_xmp, xmp_packet
from syncd.media.studio import Studio
from tests.integration.media.conftest import ORIGIN, SAMPLES

RIGHTS = RightsMetadata(
    creator=("Mia K.", "Jörg <Ö>"),
    credit="Mia / Studio",
    copyright="© 2026 Mia & Co",
    usage_terms="Web only, until 2028",
    web_statement="https://rights.example/1",
    digital_source_type="http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
)
SQUARE = ImageSpec(name="square", fit="crop", width=200, height=200, format="png", **ORIGIN)
WHOLE = ImageSpec(name="whole", width=300, height=300, format="png", **ORIGIN)


def sample(name: str, size: int = 600) -> Image.Image:
    with Image.open(SAMPLES / name) as image:
        image.thumbnail((size, size))
        return image.convert("RGB")


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


async def opened(blobs: BlobStore, blob: BlobInfo) -> Image.Image:
    image = Image.open(io.BytesIO(await blobs.read(blob.hash)))
    image.load()
    return image


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of two pictures, 0 to 255 a channel."""
    assert one.size == other.size
    return max(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean)


@pytest.mark.parametrize(
    ("name", "format", "size"),
    [("wine.jpg", "jpeg", (2560, 3837)), ("coffee.png", "png", (600, 400)), ("rocket.jpg", "jpeg", (640, 427))],
)
async def test_photographs_are_described(
    studio: Studio, blobs: BlobStore, name: str, format: str, size: tuple[int, int]
) -> None:
    blob = await blobs.put_file(SAMPLES / name)
    facts = await studio.probe(blob.hash, name)
    assert (facts.kind, facts.format, (facts.width, facts.height)) == ("image", format, size)
    assert (facts.sha256, facts.bytes, facts.extension_matches) == (blob.hash, (SAMPLES / name).stat().st_size, True)
    assert (facts.icc_name == "Adobe RGB (1998)") == (name == "rocket.jpg")


async def test_every_orientation_is_turned_upright(studio: Studio, blobs: BlobStore) -> None:
    upright = sample("friends.jpg")
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transpose that makes a stored picture of each orientation
    reference = upright.copy()
    reference.thumbnail((300, 300), Image.Resampling.LANCZOS)
    for orientation in range(1, 9):
        stored = upright.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else upright
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        for format in ("JPEG", "PNG", "WEBP", "TIFF"):
            options = {"quality": 95} if format in ("JPEG", "WEBP") else {}
            blob = await blobs.put_bytes(encoded(stored, format, exif=exif, **options))
            facts = await studio.probe(blob.hash, "x")
            assert (facts.width, facts.height) == upright.size, (format, orientation)
            [made] = await studio.render(blob.hash, [WHOLE], RIGHTS)
            assert difference(await opened(blobs, made.blob), reference) < 4, (format, orientation)


async def test_a_wide_gamut_profile_becomes_srgb(studio: Studio, blobs: BlobStore) -> None:
    with Image.open(SAMPLES / "rocket.jpg") as image:
        adobe = image.info["icc_profile"]
    srgb = ImageCms.createProfile("sRGB")
    colours = sample("coffee.png")
    stored = ImageCms.profileToProfile(colours, srgb, ImageCms.ImageCmsProfile(io.BytesIO(adobe)))
    assert stored is not None
    assert difference(colours, stored) > 8
    blob = await blobs.put_bytes(encoded(stored, "JPEG", quality=95, icc_profile=adobe))
    [made] = await studio.render(blob.hash, [ImageSpec(name="same", format="png", **ORIGIN)], RIGHTS)
    assert difference(await opened(blobs, made.blob), colours) < 4


async def test_grey_of_16_bits_cmyk_palette_and_transparency_keep_their_look(studio: Studio, blobs: BlobStore) -> None:
    colours = sample("coffee.png", 300)
    grey = colours.convert("L")
    deep = grey.convert("I").point(lambda value: value * 257).convert("I;16")
    clear = colours.copy()
    clear.putalpha(Image.new("L", colours.size, 0))
    palette = colours.quantize(64)
    spec = ImageSpec(name="same", format="png", **ORIGIN)
    white = Image.new("RGB", colours.size, "#ffffff")
    cases = {
        "deep": (encoded(deep, "PNG"), grey, 2),
        "cmyk": (encoded(colours.convert("CMYK"), "JPEG", quality=95), colours, 6),
        "palette": (encoded(palette, "PNG"), palette, 1),
        "clear": (encoded(clear, "PNG"), white, 1),
    }
    for name, (data, look, tolerance) in cases.items():
        blob = await blobs.put_bytes(data)
        assert (await studio.probe(blob.hash, "x.png")).has_alpha is (name == "clear")
        [made] = await studio.render(blob.hash, [spec], RIGHTS)
        assert difference(await opened(blobs, made.blob), look) < tolerance, name


async def test_transparency_stays_where_the_spec_wants_it(studio: Studio, blobs: BlobStore) -> None:
    clear = Image.new("RGBA", (100, 50), (255, 0, 0, 128))
    blob = await blobs.put_bytes(encoded(clear, "PNG"))
    spec = ImageSpec(
        name="t", format="webp", fit="pad", width=100, height=100, background="transparent", quality=100, **ORIGIN
    )
    [made] = await studio.render(blob.hash, [spec], RIGHTS)
    image = await opened(blobs, made.blob)
    assert image.getpixel((50, 5)) == (0, 0, 0, 0) or image.getchannel("A").getpixel((50, 5)) == 0
    assert abs(int(image.getchannel("A").getpixel((50, 50))) - 128) <= 2  # type: ignore[arg-type]  # one channel


async def test_heic_and_avif_are_opened(studio: Studio, blobs: BlobStore, tmp_path: Path) -> None:
    colours = sample("hiking.jpg")
    heic = tmp_path / "phone.heic"
    pillow_heif.from_pillow(colours).save(heic, quality=90)
    for name, data in {
        "phone.heic": heic.read_bytes(),
        "a.avif": encoded(colours, "AVIF", quality=90, speed=9),
    }.items():
        blob = await blobs.put_bytes(data)
        facts = await studio.probe(blob.hash, name)
        assert (facts.width, facts.height, facts.extension_matches) == (*colours.size, True)
        [made] = await studio.render(blob.hash, [ImageSpec(name="same", format="png", **ORIGIN)], RIGHTS)
        assert difference(await opened(blobs, made.blob), colours) < 6


@pytest.mark.parametrize("fit", ["pad", "crop", "contain"])
@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "avif"])
async def test_a_rendition_is_as_the_spec_says(studio: Studio, blobs: BlobStore, fit: Any, format: Any) -> None:
    spec = ImageSpec(name="s", fit=fit, format=format, width=320, height=400, background="#102030", **ORIGIN)
    blob = await blobs.put_file(SAMPLES / "hiking.jpg")
    [made] = await studio.render(blob.hash, [spec], RIGHTS)
    image = await opened(blobs, made.blob)
    assert image.format == format.upper()
    assert image.size == (made.width, made.height) == ((320, 213) if fit == "contain" else (320, 400))
    assert made.bytes == len(await blobs.read(made.blob.hash))
    assert made.media_type == f"image/{format}"
    if fit == "pad":
        assert difference(image.convert("RGB").crop((0, 0, 320, 50)), Image.new("RGB", (320, 50), "#102030")) < 4


async def test_several_specs_of_one_call_equal_single_calls_in_size_and_look(studio: Studio, blobs: BlobStore) -> None:
    blob = await blobs.put_file(SAMPLES / "wine.jpg")
    specs = [ImageSpec(name=f"s{side}", width=side, height=side, format="png", **ORIGIN) for side in (1500, 400, 90)]
    together = await studio.render(blob.hash, specs, RIGHTS)
    assert [max(each.width, each.height) for each in together] == [1500, 400, 90]
    [alone] = await studio.render(blob.hash, specs[2:], RIGHTS)
    assert difference(await opened(blobs, together[2].blob), await opened(blobs, alone.blob)) < 4


async def test_equal_input_gives_equal_bytes(studio: Studio, blobs: BlobStore) -> None:
    blob = await blobs.put_file(SAMPLES / "coffee.png")
    specs = [ImageSpec(name=each, format=each, width=200, **ORIGIN) for each in ("jpeg", "png", "webp", "avif")]
    first, second = [await studio.render(blob.hash, specs, RIGHTS) for _ in range(2)]
    assert [each.blob.hash for each in first] == [each.blob.hash for each in second]


async def test_quality_falls_until_the_bytes_fit_and_no_further(studio: Studio, blobs: BlobStore) -> None:
    blob = await blobs.put_file(SAMPLES / "hiking.jpg")
    free, tight = ImageSpec(name="f", width=800, **ORIGIN), ImageSpec(name="t", width=800, max_bytes=60_000, **ORIGIN)
    whole, fitted = await studio.render(blob.hash, [free, tight], RIGHTS)
    assert whole.bytes > 60_000
    assert 50_000 < fitted.bytes <= 60_000
    with pytest.raises(RejectedError) as caught:
        await studio.render(blob.hash, [ImageSpec(name="n", width=800, max_bytes=9_000, **ORIGIN)], RIGHTS)
    assert caught.value.data["rule"] == "max_bytes"


async def test_a_small_source_is_found_by_the_check_and_never_enlarged(studio: Studio, blobs: BlobStore) -> None:
    blob = await blobs.put_file(SAMPLES / "chelsea.png")
    spec = ImageSpec(name="main", fit="crop", width=1000, height=1000, **ORIGIN)
    facts = await studio.probe(blob.hash, "chelsea.png")
    assert {each.rule for each in check(facts, spec)} == {"min_width", "min_height"}
    [made] = await studio.render(blob.hash, [spec], RIGHTS)
    assert (made.width, made.height) == (300, 300)


def located_exif() -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "Exif Artist"
    exif[ExifTags.Base.Make] = "Camera Works"
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.BodySerialNumber] = "SERIAL-4711"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2026:03:01 12:30:00"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.OffsetTimeOriginal] = "+02:00"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[2] = (52.0, 30.0, 0.0)
    return exif


async def test_position_date_and_rights_are_read(studio: Studio, blobs: BlobStore) -> None:
    given = RIGHTS.model_copy(update={"creator": ()})
    data = encoded(sample("coffee.png"), "JPEG", exif=located_exif(), xmp=xmp_packet(given))
    facts = await studio.probe((await blobs.put_bytes(data)).hash, "x.jpg")
    assert facts.has_gps
    assert facts.captured_at is not None
    assert facts.captured_at.isoformat() == "2026-03-01T12:30:00+02:00"
    assert facts.rights == RIGHTS.model_copy(update={"creator": ("Exif Artist",)})


@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "avif"])
async def test_renditions_carry_rights_and_srgb_and_nothing_else(studio: Studio, blobs: BlobStore, format: Any) -> None:
    blob = await blobs.put_bytes(encoded(sample("coffee.png"), "JPEG", exif=located_exif(), comment=b"secret-note"))
    [made] = await studio.render(blob.hash, [ImageSpec(name="s", format=format, width=200, **ORIGIN)], RIGHTS)
    data = await blobs.read(made.blob.hash)
    assert not [word for word in (b"SERIAL-4711", b"Camera Works", b"secret-note", b"Exif\x00") if word in data]
    facts = await studio.probe(made.blob.hash, f"x.{format}")
    assert facts.rights == RIGHTS
    assert (facts.has_gps, facts.icc_name) == (False, "sRGB built-in")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
async def test_a_library_copy_keeps_the_picture_and_loses_the_place(
    studio: Studio, blobs: BlobStore, format: str
) -> None:
    source = encoded(sample("coffee.png"), format, exif=located_exif(), xmp=xmp_packet(RightsMetadata(credit="old")))
    blob = await blobs.put_bytes(source)
    copy = await studio.library_copy(blob.hash, RIGHTS)
    assert copy.embedded
    data = await blobs.read(copy.hash)
    assert b"SERIAL-4711" not in data
    before, after = await studio.probe(blob.hash, "x"), await studio.probe(copy.hash, "x")
    assert (before.has_gps, after.has_gps) == (True, False)
    assert (after.width, after.height, after.orientation) == (before.width, before.height, 6)
    assert after.rights.filled_from(RightsMetadata()) == RIGHTS
    assert picture_data(source, format) == picture_data(data, format)
    assert (await studio.library_copy(blob.hash, RIGHTS)).hash == copy.hash


def picture_data(data: bytes, format: str) -> bytes:
    """The compressed pixels alone."""
    if format == "JPEG":
        return data[data.rindex(b"\xff\xda") :]
    if format == "WEBP":
        at = data.index(b"VP8 ")
        return data[at : at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")]
    first = data.index(b"IDAT")
    return data[first : data.rindex(b"IEND")]


async def test_a_library_copy_of_another_format_is_the_source_and_says_so(studio: Studio, blobs: BlobStore) -> None:
    blob = await blobs.put_bytes(encoded(sample("coffee.png"), "TIFF"))
    copy = await studio.library_copy(blob.hash, RIGHTS)
    assert (copy.hash, copy.embedded) == (blob.hash, False)


async def test_a_library_copy_leaves_out_what_a_phone_appended(studio: Studio, blobs: BlobStore) -> None:
    photo = encoded(sample("coffee.png"), "JPEG")
    preview = encoded(sample("coffee.png", 100), "JPEG")
    blob = await blobs.put_bytes(photo + preview)
    assert (await studio.probe(blob.hash, "x.jpg")).width == 600
    copy = await studio.library_copy(blob.hash, RIGHTS)
    assert (await blobs.read(copy.hash)).count(b"\xff\xd9") == photo.count(b"\xff\xd9")


async def test_rights_are_read_back_by_an_independent_tool(studio: Studio, blobs: BlobStore, tmp_path: Path) -> None:
    exiftool = shutil.which("exiftool")
    if exiftool is None:
        pytest.skip("exiftool is not installed here: nothing read the metadata independently")
    blob = await blobs.put_bytes(encoded(sample("coffee.png"), "JPEG", exif=located_exif()))
    specs = [ImageSpec(name=each, format=each, width=200, **ORIGIN) for each in ("jpeg", "png", "webp", "avif")]
    hashes = [each.blob.hash for each in await studio.render(blob.hash, specs, RIGHTS)]
    for hash in [*hashes, (await studio.library_copy(blob.hash, RIGHTS)).hash]:
        path = tmp_path / hash
        path.write_bytes(await blobs.read(hash))
        out = subprocess.run([exiftool, "-j", "-n", str(path)], capture_output=True, check=True).stdout
        [said] = json.loads(out)
        assert said["Creator"] == list(RIGHTS.creator)
        assert (said["Rights"], said["Credit"], said["UsageTerms"]) == (
            RIGHTS.copyright,
            RIGHTS.credit,
            RIGHTS.usage_terms,
        )
        assert (said["WebStatement"], said["DigitalSourceType"]) == (RIGHTS.web_statement, RIGHTS.digital_source_type)
        assert not [key for key in said if "GPS" in key or "Serial" in key]


async def test_packed_png_text_of_an_honest_size_is_read(studio: Studio, blobs: BlobStore) -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_itxt("XML:com.adobe.xmp", xmp_packet(RIGHTS).decode(), zip=True)
    blob = await blobs.put_bytes(encoded(sample("coffee.png"), "PNG", pnginfo=texts))
    assert (await studio.probe(blob.hash, "x.png")).rights == RIGHTS
    assert rights_of_xmp(xmp_packet(RIGHTS), xmp_bytes=100_000) == RIGHTS
