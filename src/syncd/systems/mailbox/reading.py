"""Reads new mail: what describes it and its text, never an attachment. Nothing is marked as read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from syncd.errors import RejectedError
from syncd.systems.mailbox import names, structure, threads
from syncd.systems.mailbox.checkpoint import State
from syncd.systems.mailbox.decoding import decoded
from syncd.systems.mailbox.fetched import body
from syncd.systems.mailbox.imap import Imap
from syncd.systems.mailbox.message import Message
from syncd.systems.mailbox.options import MailboxOptions
from syncd.systems.mailbox.places import HEAD, Finder, described
from syncd.systems.mailbox.reaching import UnreadableAnswer
from syncd.systems.mailbox.structure import Part

_TEXT = 65_536  # bytes of a text that are read
_ITEMS = ("INTERNALDATE", "RFC822.SIZE", "BODYSTRUCTURE", HEAD)
_REPORTS = ("message/delivery-status", "text/rfc822-headers")


class Reader:
    """Reads messages of the folder a connection has open."""

    def __init__(self, imap: Imap, options: MailboxOptions) -> None:
        self._imap, self._options = imap, options
        self._finder = Finder(imap, options)

    def messages(self, uids: Sequence[int], state: State) -> list[Message]:
        """These messages in order, without those that are gone or from before the connection."""
        found = [message for message in self._described(uids) if not _is_before(message, state)]
        folder = self._imap.folder
        complete = [read for message in found if (read := self._with_text(message))]
        with_thread = [self._with_first(message) for message in complete]
        if self._imap.folder != folder:
            self._imap.choose(folder)
        return with_thread

    def _described(self, uids: Sequence[int]) -> list[Message]:
        try:
            found = self._imap.fetch(uids, _ITEMS)
        except UnreadableAnswer as error:
            if len(uids) > 1:  # the others are not to wait for the one that cannot be read
                return [message for uid in uids for message in self._described([uid])]
            fault = f"the server's description of it is not understood ({error.what})"
            return [Message(folder=self._imap.folder, validity=self._imap.validity, uid=uids[0], fault=fault)]
        return [self._one(uid, found[uid]) for uid in uids if uid in found]

    def _one(self, uid: int, found: Mapping[bytes, Any]) -> Message:
        message = described(self._imap, uid, found)
        try:
            return message.model_copy(update={"parts": tuple(structure.parts(found.get(b"BODYSTRUCTURE")))})
        except (ValueError, IndexError, TypeError) as error:
            return message.model_copy(update={"fault": f"it is built in a way no mail should be: {error}"})

    def _with_text(self, message: Message) -> Message | None:
        """The message with its own text and, if it is a delivery report, with what that says; None if it is gone."""
        plain, html = _body(message.parts, "text/plain"), _body(message.parts, "text/html")
        is_report = "report" in message.header("content-type").lower()
        reports = [part for part in message.parts if is_report and part.media_type in _REPORTS]
        wanted = [part for part in (plain, html, *reports[:3]) if part is not None]
        if not wanted:
            return message
        found = self._imap.fetch([message.uid], [f"BODY.PEEK[{part.section}]<0.{_TEXT}>" for part in wanted])
        if message.uid not in found:
            return None
        texts = {part.section: _text(part, body(found[message.uid], part.section)) for part in wanted}
        return message.model_copy(
            update={
                "plain": texts[plain.section] if plain else "",
                "html": texts[html.section] if html else "",
                "cut": html is not None and html.size > _TEXT,
                "report": "\n".join(texts[part.section] for part in reports[:3]),
            }
        )

    def _with_first(self, message: Message) -> Message:
        """A reply with the text of the mail its submission began with, whose facts go on holding."""
        name = threads.of(message, self._options)
        found = self._finder.submission(name) if name else None
        if found is None:
            return message
        for first in filter(None, map(self._with_text, self._described([found]))):
            said = {"first_plain": first.plain, "first_html": first.html, "first_subject": first.subject}
            return message.model_copy(update=said)
        return message


def _is_before(message: Message, state: State) -> bool:
    return message.uid <= state.again and message.at < state.begin and not message.fault


def _body(parts: Sequence[Part], media_type: str) -> Part | None:
    """The part that is the mail's own text of this kind."""
    return next((part for part in parts if part.media_type == media_type and is_body(part) and not part.nested), None)


def is_body(part: Part) -> bool:
    """Whether a part is written text rather than a file."""
    return part.media_type in ("text/plain", "text/html") and not part.name and part.disposition != "attachment"


def _text(part: Part, raw: bytes) -> str:
    try:
        return names.text(decoded(raw, part.encoding), part.charset)
    except RejectedError:
        return ""
