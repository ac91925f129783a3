"""The files of a mail: attachments, pictures inside the text that are more than a signature's, and links."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from syncd.domain.delivery import DeliveredFile
from syncd.systems.mailbox import names
from syncd.systems.mailbox.decoding import decoded_size
from syncd.systems.mailbox.message import Message
from syncd.systems.mailbox.options import MailboxOptions
from syncd.systems.mailbox.places import Place
from syncd.systems.mailbox.reading import is_body
from syncd.systems.mailbox.structure import Part
from syncd.systems.mailbox.writing import Writing

ENCRYPTED = ("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime")
WINMAIL = ("application/ms-tnef", "application/vnd.ms-tnef")
_NO_CONTENT = frozenset(
    ("message/rfc822", "message/delivery-status", "message/disposition-notification", "text/rfc822-headers",
     "application/pgp-signature", "application/pgp-keys", "application/pkcs7-signature",
     "application/x-pkcs7-signature", "text/calendar", "application/ics", "text/vcard", "text/x-vcard")
)  # fmt: skip
_MEDIA = ("image", "video", "audio")
_VIDEOS = (".mp4", ".mov", ".m4v", ".webm")
_ENDINGS = (".jpg", ".jpeg", ".png", ".heic", ".heif", ".webp", ".tif", ".tiff", ".gif", ".avif", *_VIDEOS)
_TEXTS = (".txt", ".md")


def files(message: Message, writing: Writing, options: MailboxOptions) -> tuple[DeliveredFile, ...]:
    """The files of a mail, each with a key of its own."""
    parts = [part for part in message.parts if _is_file(part, message, writing, options.small_inline)]
    links = [link for link in writing.links if options.links and is_file_link(link, options.link_hosts)]
    place, count = Place.of(message), len(parts) + len(links)
    found = [_attached(part, place, count, options.max_size) for part in parts]
    found += [_linked(link, place, count) for link in links]
    return tuple(_with_keys(found))


def is_file_link(link: str, hosts: Sequence[str]) -> bool:
    """Whether a link is a file: its host is named, or any host will do and it ends like a picture or a video."""
    try:
        split = urlsplit(link)
        host = (split.hostname or "").lower()
    except ValueError:
        return False
    if not host:
        return False
    if any(pattern != "*" and fnmatchcase(host, pattern.lower()) for pattern in hosts):
        return True
    return "*" in hosts and split.path.lower().endswith(_ENDINGS)


def _is_file(part: Part, message: Message, writing: Writing, small: int) -> bool:
    if part.media_type in _NO_CONTENT or is_body(part):
        return False
    if part.media_type in ENCRYPTED:
        return True
    main = part.media_type.partition("/")[0]
    if main == "image" and _is_shown(part, message, writing) and decoded_size(part.size, part.encoding) < small:
        return False
    return bool(part.name) or part.disposition == "attachment" or main in _MEDIA


def _is_shown(part: Part, message: Message, writing: Writing) -> bool:
    """Whether the text shows the picture; of a text that was not read whole, whatever lies beside it counts."""
    if part.nested or message.cut:
        return part.related and bool(part.cid)
    return part.cid in writing.cids


def _attached(part: Part, place: Place, count: int, most: int) -> DeliveredFile:
    main = part.media_type.partition("/")[0]
    ending = mimetypes.guess_extension(part.media_type) or ""
    name = names.file_name(part.name, f"{main}-{part.section}{ending}")
    octet = part.media_type == "application/octet-stream"
    facts: dict[str, str | int] = {"of": count, "section": part.section, "encoding": part.encoding}
    facts |= {"octets": part.size, "refused": _refusal(part, name, most)}
    reference = place.reference(**facts)
    return DeliveredFile(key=name, name=name, reference=reference, media_type="" if octet else part.media_type)


def _refusal(part: Part, name: str, most: int) -> str:
    if part.media_type in ENCRYPTED:
        return "encrypted"
    if part.media_type in WINMAIL or name.lower() == "winmail.dat":
        return "winmail"
    return "too-large" if decoded_size(part.size, part.encoding) > most else ""


def _linked(link: str, place: Place, count: int) -> DeliveredFile:
    split = urlsplit(link)
    name = names.file_name(unquote(split.path), split.hostname or "link")
    return DeliveredFile(key=name, name=name, reference=place.reference(of=count, url=link))


def _with_keys(found: Sequence[DeliveredFile]) -> Iterator[DeliveredFile]:
    """Files called by their names without extension, with the kind for what is no picture; namesakes are counted."""
    taken: set[str] = set()
    for file in found:
        plain = PurePosixPath(file.name)
        ending = plain.suffix.lower()
        kind = ".video" if ending in _VIDEOS else ".text" if ending in _TEXTS else ""
        stem = plain.stem if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", plain.suffix) else plain.name
        keys = (f"{stem}{f' ({number})' if number > 1 else ''}{kind}" for number in range(1, len(found) + 2))
        key = next(key for key in keys if key not in taken)
        taken.add(key)
        yield file.model_copy(update={"key": key})
