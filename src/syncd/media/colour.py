"""Every picture to sRGB with eight bits a channel. Runs in a media worker only."""

from __future__ import annotations

import io

from PIL import Image, ImageCms

from syncd import errors


def _srgb_profile() -> bytes:
    """LittleCMS's sRGB profile of about 600 bytes, with the day it was made blanked: equal bytes on every day."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes((0x07, 0xD0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0))  # date and time of ICC.1:2010, 7.2.8
    profile[84:100] = bytes(16)  # profile ID: not calculated
    return bytes(profile)


SRGB = _srgb_profile()


def eight_bit(image: Image.Image) -> Image.Image:
    """The same picture in a mode that can be resized and converted: L, RGB, RGBA, CMYK or LAB.

    Raises:
        RejectedError: the picture holds floating-point values, whose white is not known.
    """
    if image.mode == "F":
        raise errors.RejectedError("The picture holds floating-point values; send 8 or 16 bits a channel.")
    if image.mode == "I" or image.mode.startswith("I;16"):  # convert("L") would clip instead of scaling
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image if image.mode in ("L", "RGB", "CMYK", "LAB") else image.convert("RGB")


def to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """The picture in sRGB, as RGB or RGBA: by its profile where that fits, else by the usual meaning of its mode."""
    target = "RGBA" if image.mode == "RGBA" else "RGB"
    profile = _profile(icc, image.mode)
    if profile is None:
        return image if image.mode == target else image.convert(target)
    try:
        converted = ImageCms.profileToProfile(
            image,
            profile,
            ImageCms.ImageCmsProfile(io.BytesIO(SRGB)),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode=target,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except ImageCms.PyCMSError:  # a profile of another colour space than the picture
        return image.convert(target)
    assert converted is not None  # only in place it returns None
    return converted


def _profile(icc: bytes | None, mode: str) -> ImageCms.ImageCmsProfile | None:
    """The profile to convert from; None where there is nothing to do or no sound profile."""
    if mode == "LAB":
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    if icc is None:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        is_srgb = mode in ("RGB", "RGBA") and ImageCms.getProfileDescription(profile).startswith("sRGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    return None if is_srgb else profile
