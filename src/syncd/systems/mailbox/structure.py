"""What a message is made of, as its server describes it (BODYSTRUCTURE): parts with section, type, name and size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from syncd.domain.delivery import Frozen
from syncd.systems.mailbox import decoding

_DEEPEST = 20
_MOST_PARTS = 200
_BASIC, _TEXT, _MESSAGE = 8, 9, 11  # where the disposition stands, by kind of part


class Part(Frozen):
    """One part that holds something: `size` is that of what is transferred, `cid` its Content-ID.

    `related`: it belongs to a text beside it; `nested`: it lies in a message inside the message. An encrypted or
    signed-and-opaque part is one part. For a message inside, `message_id` and `to` are its own.
    """

    section: str
    media_type: str
    name: str = ""
    encoding: str = ""
    size: int = 0
    charset: str = ""
    disposition: str = ""
    cid: str = ""
    related: bool = False
    nested: bool = False
    message_id: str = ""
    to: tuple[str, ...] = ()

    @property
    def is_body(self) -> bool:
        """Whether it is written text rather than a file."""
        return self.media_type in ("text/plain", "text/html") and not self.name and self.disposition != "attachment"


def parts(body: Any) -> list[Part]:
    """The parts in order.

    Args:
        body: the parsed BODYSTRUCTURE.

    Raises:
        ValueError: it is malformed, too deep or too long; says which.
    """
    found: list[Part] = []
    for part in _walk(body, "", 0, False, False):
        found.append(part)
        if len(found) > _MOST_PARTS:
            raise ValueError(f"more than {_MOST_PARTS} parts")
    return found


def _walk(body: Any, above: str, depth: int, related: bool, nested: bool) -> Iterator[Part]:
    if depth > _DEEPEST:
        raise ValueError(f"parts inside parts, more than {_DEEPEST} deep")
    if not isinstance(body, tuple) or not body:
        raise ValueError("a part without description")
    inner = _inner(body)
    if inner is None:
        part = _part(body, f"{above}1" if not above or above.endswith(".") else above, related, nested)
        yield part
        if part.media_type == "message/rfc822" and len(body) > _BASIC and isinstance(body[8], tuple):
            yield from _walk(body[8], f"{part.section}.", depth + 1, False, True)
        return
    subtype = decoding.text(_raw(body[len(inner) if isinstance(body[0], tuple) else 1])).lower()
    prefix = above if not above or above.endswith(".") else f"{above}."
    if subtype == "encrypted":
        yield Part(section=f"{prefix}1", media_type="multipart/encrypted", nested=nested)
        return
    for place, each in enumerate(inner, 1):
        yield from _walk(each, f"{prefix}{place}", depth + 1, related or subtype == "related", nested)


def _inner(body: Any) -> Sequence[Any] | None:
    """The parts of a multipart, as the parser leaves them: a list at the top, tuples in a row inside a message."""
    if isinstance(body[0], list):
        return body[0]
    if isinstance(body[0], tuple):
        return [each for each in body if isinstance(each, tuple)][: _leading(body)]
    return None


def _leading(body: Any) -> int:
    return next((place for place, each in enumerate(body) if not isinstance(each, tuple)), len(body))


def _part(body: Any, section: str, related: bool, nested: bool) -> Part:
    if len(body) < 7:
        raise ValueError(f"part {section} is described by {len(body)} fields, not 7")
    main, sub = (decoding.text(_raw(each)).lower() for each in body[:2])
    kind = f"{main}/{sub}"
    place = _TEXT if main == "text" else _MESSAGE if kind == "message/rfc822" else _BASIC
    parameters = _parameters(body[2])
    disposition, its = _disposition(body[place] if len(body) > place else None)
    size = body[6] if isinstance(body[6], int) else 0
    said = decoding.parameter(its, "filename") or decoding.parameter(parameters, "name")
    message_id, to = _envelope(body[7] if kind == "message/rfc822" and len(body) > _BASIC else None)
    return Part(
        section=section, media_type=kind, name=said[:1000], encoding=decoding.text(_raw(body[5])).lower(), size=size,
        charset=parameters.get("charset", ""), disposition=disposition, cid=decoding.text(_raw(body[3])).strip("<> "),
        related=related, nested=nested, message_id=message_id, to=to,
    )  # fmt: skip


def _parameters(found: Any) -> dict[str, str]:
    if not isinstance(found, tuple):
        return {}
    texts = [decoding.text(_raw(each)) for each in found]
    return {name.lower(): value for name, value in zip(texts[::2], texts[1::2], strict=False)}


def _disposition(found: Any) -> tuple[str, dict[str, str]]:
    if isinstance(found, tuple) and found:
        return decoding.text(_raw(found[0])).lower(), _parameters(found[1] if len(found) > 1 else None)
    return decoding.text(_raw(found)).lower(), {}


def _envelope(found: Any) -> tuple[str, tuple[str, ...]]:
    """Message-ID and addressees of a message inside, as its envelope has them."""
    if not isinstance(found, tuple) or len(found) < 10:
        return "", ()
    addressees = found[5] if isinstance(found[5], tuple) else ()
    to = (
        f"{decoding.text(_raw(each[2]))}@{decoding.text(_raw(each[3]))}".lower()
        for each in addressees
        if isinstance(each, tuple) and len(each) == 4
    )
    return decoding.text(_raw(found[9])), tuple(to)


def _raw(value: Any) -> bytes:
    """An atom as bytes; the parser makes numbers of digits."""
    return value if isinstance(value, bytes) else str(value).encode() if isinstance(value, int) else b""
