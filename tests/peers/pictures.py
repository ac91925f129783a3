"""Small pictures for tests that look at what a peer does with their bytes."""

from __future__ import annotations

import io

from PIL import Image


def jpeg(colour: str, size: tuple[int, int] = (320, 240)) -> bytes:
    """A picture of one colour; another colour or size makes other bytes."""
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, "JPEG")
    return data.getvalue()
