"""Streams an attachment as it was sent, part by part, and decodes it on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from syncd.domain.delivery import DeliveredFile
from syncd.errors import HostileInput, NotFoundError, TransientError
from syncd.systems.mailbox.decoding import decoder
from syncd.systems.mailbox.imap import Imap
from syncd.systems.mailbox.options import MailboxOptions
from syncd.systems.mailbox.places import Finder, Place

_CHUNK = 2**19


def require_readable(file: DeliveredFile, refused: str, octets: int, most: int) -> None:
    """Raises HostileInput for what is never fetched; its sentence is what the creator is told."""
    if refused == "too-large":
        what = (
            f"{file.name} has about {octets * 3 // 4 / 1e6:.0f} MB; by mail {most / 1e6:.0f} MB are taken. "
            "Send a link to it instead."
        )
        raise HostileInput("too-large", what, remedy="Ask for a link, or raise `max_size`.")
    if refused == "encrypted":
        what = "The mail is encrypted and cannot be opened here. Send it again without encryption."
        raise HostileInput("encrypted", what, remedy="Ask the sender to send it without encryption.")
    if refused == "winmail":
        what = (
            f"{file.name} is Outlook's own envelope (TNEF), in which other programs find no files. "
            "Send the mail again as HTML or plain text."
        )
        raise HostileInput("winmail", what, remedy="Ask the sender to turn off Rich Text in Outlook.")


async def part(
    imap: Imap, options: MailboxOptions, file: DeliveredFile, place: Place, facts: dict[str, str]
) -> AsyncIterator[bytes]:
    """The decoded bytes of one part.

    Args:
        imap: not connected yet; it is closed at the end.
        options: of the mailbox.
        file: for errors.
        place: the message.
        facts: `section` and `encoding` of the part.

    Raises:
        NotFoundError: the message is gone. HostileInput: the part is larger than its server said.
    """
    undo, start, count = decoder(facts["encoding"]), 0, 0
    try:
        uid = await asyncio.to_thread(_found, imap, options, place)
        if uid is None:
            what = f"The mail that {file.name} came with was removed before the file was read."
            raise NotFoundError(what, remedy="Restore the mail, or ask for it again.")
        while True:
            data = await asyncio.to_thread(imap.chunk, uid, facts["section"], start, _CHUNK)
            if data is None:
                raise TransientError(f"The mail that {file.name} came with was removed while it was read.")
            start += len(data)
            piece = undo.feed(data) if len(data) == _CHUNK else undo.feed(data) + undo.end()
            count += len(piece)
            if count > options.max_size:
                require_readable(file, "too-large", count * 4 // 3, options.max_size)
            if piece:
                yield piece
            if len(data) < _CHUNK:
                break
        await asyncio.to_thread(imap.close)
    finally:
        imap.drop()


def _found(imap: Imap, options: MailboxOptions, place: Place) -> int | None:
    return Finder(imap.connect(), options).message(place)
