"""A file on its way to Akeneo: a form, streamed from our store."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from syncd.errors import TransientError
from syncd.sdk.context import MediaBytes
from syncd.sdk.media import Media
from syncd.sdk.multipart import File, Form


def form(read: MediaBytes, media: Media, name: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """Body and headers of a request that sends a file.

    Args:
        read: streams the bytes of a media item.
        name: of the file, as Akeneo is told.
        fields: what goes before it.
    """
    content = _verified(read(media), media)
    made = Form(fields, File("file", name, media.media_type, media.size, content))
    return {"content": made.body(), "headers": made.headers}


async def _verified(chunks: AsyncIterator[bytes], media: Media) -> AsyncIterator[bytes]:
    """The bytes; without an end where they are not those they should be, so that Akeneo does not take them.

    Raises:
        TransientError: they are not those of the media's hash.
    """
    digest = hashlib.sha256()
    async for chunk in chunks:
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != media.sha256:
        raise TransientError(f"The bytes of {media.name} are not those of {media.sha256[:8]}.")
