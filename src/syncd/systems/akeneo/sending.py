"""A file on its way: multipart, streamed from our store, never whole in memory."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Any

from syncd.errors import TransientError
from syncd.sdk.context import MediaBytes
from syncd.sdk.media import Media


def form(read: MediaBytes, media: Media, name: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """Body and headers of a request that sends a file.

    Args:
        read: streams the bytes of a media item.
        name: of the file, as Akeneo is told.
        fields: what goes before it.
    """
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in fields.items()
    ]
    disposition = f'Content-Disposition: form-data; name="file"; filename="{name}"'
    parts.append(f"--{boundary}\r\n{disposition}\r\nContent-Type: {media.media_type}\r\n\r\n")
    head, tail = "".join(parts).encode(), f"\r\n--{boundary}--\r\n".encode()
    length = len(head) + media.size + len(tail)
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": str(length)}
    return {"content": _stream(read, media, head, tail), "headers": headers}


async def _stream(read: MediaBytes, media: Media, head: bytes, tail: bytes) -> AsyncIterator[bytes]:
    """The body; its end only where the bytes are those they should be, for without it Akeneo takes nothing."""
    yield head
    digest = hashlib.sha256()
    async for chunk in read(media):
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != media.sha256:
        raise TransientError(f"The bytes of {media.name} are not those of {media.sha256[:8]}.")
    yield tail
