"""The files of a mail: attachments, pictures inside the text that are more than a signature's, and links; and the bytes
of those that lie in the mail.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from syncd.domain.delivery import DeliveredFile
from syncd.errors import HostileInput, NotFoundError, TransientError
from syncd.systems.mailbox import whereabouts
from syncd.systems.mailbox.decoding import clean, decoded_size, decoder
from syncd.systems.mailbox.message import Message
from syncd.systems.mailbox.options import MailboxOptions
from syncd.systems.mailbox.sessions import Sessions
from syncd.systems.mailbox.structure import Part
from syncd.systems.mailbox.whereabouts import Whereabouts
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
_LONGEST_NAME = 200
_CHUNK = 2**19


def of(message: Message, wrote: Writing, options: MailboxOptions) -> tuple[DeliveredFile, ...]:
    """The files of a mail, each with a key of its own."""
    parts = [part for part in message.parts if _is_file(part, message, wrote, options.small_inline)]
    links = [link for link in wrote.links if options.links and is_file_link(link, options.link_hosts)]
    where, count = Whereabouts.of(message), len(parts) + len(links)
    found = [_attached(part, where, count, options.max_size) for part in parts]
    found += [_linked(link, where, count) for link in links]
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


def _is_file(part: Part, message: Message, wrote: Writing, small: int) -> bool:
    if part.media_type in _NO_CONTENT or part.is_body:
        return False
    if part.media_type in ENCRYPTED:
        return True
    main = part.media_type.partition("/")[0]
    if main == "image" and _is_shown(part, message, wrote) and decoded_size(part.size, part.encoding) < small:
        return False
    return bool(part.name) or part.disposition == "attachment" or main in _MEDIA


def _is_shown(part: Part, message: Message, wrote: Writing) -> bool:
    """Whether the text shows the picture; of a text that was not read whole, whatever lies beside it counts."""
    if part.nested or message.cut:
        return part.related and bool(part.cid)
    return part.cid in wrote.cids


def _attached(part: Part, where: Whereabouts, count: int, most: int) -> DeliveredFile:
    main = part.media_type.partition("/")[0]
    ending = mimetypes.guess_extension(part.media_type) or ""
    name = file_name(part.name, f"{main}-{part.section}{ending}")
    octet = part.media_type == "application/octet-stream"
    facts: dict[str, str | int] = {"of": count, "section": part.section, "encoding": part.encoding}
    facts |= {"decoded": decoded_size(part.size, part.encoding), "refused": _refusal(part, name, most)}
    reference = where.reference(**facts)
    return DeliveredFile(key=name, name=name, reference=reference, media_type="" if octet else part.media_type)


def _refusal(part: Part, name: str, most: int) -> str:
    if part.media_type in ENCRYPTED:
        return "encrypted"
    if part.media_type in WINMAIL or name.lower() == "winmail.dat":
        return "winmail"
    return "too-large" if decoded_size(part.size, part.encoding) > most else ""


def _linked(link: str, where: Whereabouts, count: int) -> DeliveredFile:
    split = urlsplit(link)
    name = file_name(unquote(split.path), split.hostname or "link")
    return DeliveredFile(key=name, name=name, reference=where.reference(of=count, url=link))


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


def file_name(said: str, fallback: str) -> str:
    """A name without folders, control characters and excess length; its extension stays."""
    plain = re.sub(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", clean(said))
    last = re.split(r"[/\\]", plain.strip())[-1].strip(". ") or fallback
    stem, dot, extension = last.rpartition(".")
    if len(last) <= _LONGEST_NAME:
        return last
    return stem[: _LONGEST_NAME - 20] + dot + extension[:19] if dot else last[:_LONGEST_NAME]


# --- their bytes ------------------------------------------------------------------------------------------------------


def require_readable(file: DeliveredFile, refused: str, size: int, most: int) -> None:
    """Raises HostileInput for what is never fetched; its sentence is what the creator is told."""
    if refused == "too-large":
        what = f"{file.name} has {size / 1e6:.1f} MB; by mail {most / 1e6:.1f} MB are taken. Send a link to it instead."
        raise HostileInput("too-large", what, remedy="Ask for a link, or raise `max_size`.")
    if refused == "encrypted":
        what = "The mail is encrypted, or sealed as if it were, and cannot be opened here. Send it again without that."
        raise HostileInput("encrypted", what, remedy="Ask the sender to send it without encryption.")
    if refused == "winmail":
        what = (
            f"{file.name} is Outlook's own envelope (TNEF), in which other programs find no files. "
            "Send the mail again as HTML or plain text."
        )
        raise HostileInput("winmail", what, remedy="Ask the sender to turn off Rich Text in Outlook.")


async def stream(
    sessions: Sessions, options: MailboxOptions, file: DeliveredFile, where: Whereabouts, facts: dict[str, str]
) -> AsyncIterator[bytes]:
    """The decoded bytes of one part.

    Args:
        sessions: where to open a connection.
        options: of the mailbox.
        file: for errors.
        where: where the message lies.
        facts: `section` and `encoding` of the part.

    Raises:
        NotFoundError: the message is gone. HostileInput: the part is larger than its server said.
    """
    undo, start, size = decoder(facts["encoding"]), 0, 0
    async with sessions.open() as session:
        uid = await session.run(whereabouts.find, session.imap, options, where)
        if uid is None:
            what = f"The mail that {file.name} came with was removed before the file was read."
            raise NotFoundError(what, remedy="Restore the mail, or ask for it again.")
        more = True
        while more:
            data = await session.run(session.imap.chunk, uid, facts["section"], start, _CHUNK)
            if data is None:
                raise TransientError(f"The mail that {file.name} came with was removed while it was read.")
            start, more = start + len(data), len(data) == _CHUNK
            piece = undo.feed(data) if more else undo.feed(data) + undo.end()
            size += len(piece)
            if size > options.max_size:
                require_readable(file, "too-large", size, options.max_size)
            if piece:
                yield piece
