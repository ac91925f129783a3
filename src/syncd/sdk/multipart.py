"""A form with one file, streamed: its length is known before its bytes are read (RFC 7578)."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from syncd.errors import TransientError


@dataclass(frozen=True, slots=True)
class File:
    """A file of a form: its field, name, media type, size in bytes, and what streams the bytes."""

    field: str
    name: str
    media_type: str
    size: int
    content: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Form:
    """Fields, then the file: storage that checks a signed form reads nothing behind the file."""

    fields: Mapping[str, str]
    file: File
    boundary: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a request with this form."""
        length = len(self._head()) + self.file.size + len(self._tail())
        return {"Content-Type": f"multipart/form-data; boundary={self.boundary}", "Content-Length": str(length)}

    async def body(self) -> AsyncIterator[bytes]:
        """The form's bytes; once, since the file is read once.

        Raises:
            TransientError: the file has other bytes than its size says, so the length was wrong.
        """
        yield self._head()
        count = 0
        async for chunk in self.file.content:
            count += len(chunk)
            if count > self.file.size:
                break
            yield chunk
        if count != self.file.size:
            raise TransientError(f"{self.file.name} has not the {self.file.size} bytes it should have.")
        yield self._tail()

    def _head(self) -> bytes:
        parts = [
            f'--{self.boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{value}\r\n'
            for name, value in self.fields.items()
        ]
        parts.append(
            f'--{self.boundary}\r\nContent-Disposition: form-data; name="{_quoted(self.file.field)}"; '
            f'filename="{_quoted(self.file.name)}"\r\nContent-Type: {self.file.media_type}\r\n\r\n'
        )
        return "".join(parts).encode()

    def _tail(self) -> bytes:
        return f"\r\n--{self.boundary}--\r\n".encode()


def _quoted(text: str) -> str:
    """A name in a header of a part, as browsers write it (WHATWG, multipart/form-data encoding)."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
