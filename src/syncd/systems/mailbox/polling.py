"""Reads new mail: what describes it and its text, never an attachment. Nothing is marked as read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from syncd.errors import RejectedError
from syncd.systems.mailbox import decoding, structure
from syncd.systems.mailbox.imap import Fetched, Imap, UnreadableAnswer, body, received
from syncd.systems.mailbox.message import Message, headers
from syncd.systems.mailbox.structure import Part

_TEXT = 65_536  # bytes of a text that are read
_HEAD = "BODY.PEEK[HEADER]<0.65536>"
_ITEMS = ("INTERNALDATE", "RFC822.SIZE", "BODYSTRUCTURE", _HEAD)
_REPORTS = ("message/delivery-status", "text/rfc822-headers")
_MOST_REPORTS = 3


@dataclass(frozen=True, slots=True)
class State:
    """A folder was read up to `uid`, as long as its UIDVALIDITY is `validity`.

    Mail received before the second `begin` belongs to the time before the connection; it is left out while UIDs up to
    `again` are read a second time. Later arrivals are taken whatever they say: a person may move old mail here.
    """

    validity: int
    uid: int
    begin: int = 0
    again: int = 0


class Checkpoint:
    """The states of all folders, as text between polls: `{"INBOX": "uidvalidity:uid:begin:again"}`."""

    def __init__(self, states: dict[str, State]) -> None:
        self._states = states

    @classmethod
    def read(cls, text: str) -> Checkpoint:
        """The checkpoint that was written, an empty one for ""."""
        found = json.loads(text) if text else {}
        return cls({folder: State(*map(int, each.split(":"))) for folder, each in found.items()})

    def text(self) -> str:
        """The checkpoint to be written."""
        states = ((folder, (s.validity, s.uid, s.begin, s.again)) for folder, s in self._states.items())
        return json.dumps({folder: ":".join(map(str, numbers)) for folder, numbers in states}, sort_keys=True)

    def of(self, folder: str, validity: int, following: int, begin: datetime | None) -> State:
        """From where a folder is read.

        Args:
            folder: its name.
            validity: its UIDVALIDITY now.
            following: its UIDNEXT.
            begin: the present instant if a folder seen for the first time is read from now on, None if from its start.
        """
        known = self._states.get(folder)
        if known is None:
            last, second = (0, 0) if begin is None else (following - 1, int(begin.timestamp()))
            known = State(validity, last, second)
        elif known.validity != validity:
            known = State(validity, 0, known.begin, following - 1)
        self._states[folder] = known
        return known

    def advance(self, folder: str, uid: int) -> None:
        """A folder was read up to here."""
        self._states[folder] = replace(self._states[folder], uid=uid)


def read(imap: Imap, uids: Sequence[int], state: State) -> list[Message]:
    """These messages of the open folder in order, without those that are gone or from before the connection."""
    found = [message for message in _described(imap, uids) if not _is_before(message, state)]
    return [complete for message in found if (complete := _with_text(imap, message))]


def _described(imap: Imap, uids: Sequence[int]) -> list[Message]:
    try:
        found = imap.fetch(uids, _ITEMS)
    except UnreadableAnswer as error:
        if len(uids) > 1:  # the others are not to wait for the one that cannot be read
            return [message for uid in uids for message in _described(imap, [uid])]
        fault = f"the server's description of it is not understood ({error.what})"
        return [Message(folder=imap.folder, validity=imap.validity, uid=uids[0], fault=fault)]
    return [_one(imap, uid, found[uid]) for uid in uids if uid in found]


def _one(imap: Imap, uid: int, found: Fetched) -> Message:
    parts: Sequence[Part] = ()
    fault = ""
    try:
        parts = structure.parts(found.get(b"BODYSTRUCTURE"))
    except (ValueError, IndexError, TypeError) as error:
        fault = f"it is built in a way no mail should be: {error}"
    return Message(
        folder=imap.folder, validity=imap.validity, uid=uid, at=received(found),
        size=int(found.get(b"RFC822.SIZE") or 0), headers=headers(body(found, "HEADER")), parts=tuple(parts),
        fault=fault,
    )  # fmt: skip


def _with_text(imap: Imap, message: Message) -> Message | None:
    """The message with its own text and, if it is a delivery report, with what that says; None if it is gone."""
    plain, html = _body(message.parts, "text/plain"), _body(message.parts, "text/html")
    is_report = "report" in message.header("content-type").lower()
    reports = [part for part in message.parts if is_report and part.media_type in _REPORTS][:_MOST_REPORTS]
    wanted = [part for part in (plain, html, *reports) if part is not None]
    if not wanted:
        return message
    found = imap.fetch([message.uid], [f"BODY.PEEK[{part.section}]<0.{_TEXT}>" for part in wanted])
    if message.uid not in found:
        return None
    texts = {part.section: _text(part, body(found[message.uid], part.section)) for part in wanted}
    return message.model_copy(
        update={
            "plain": texts[plain.section] if plain else "",
            "html": texts[html.section] if html else "",
            "cut": html is not None and html.size > _TEXT,
            "report": "\n".join(texts[part.section] for part in reports),
        }
    )


def _is_before(message: Message, state: State) -> bool:
    return message.uid <= state.again and message.at < state.begin and not message.fault


def _body(parts: Sequence[Part], media_type: str) -> Part | None:
    """The part that is the mail's own text of this kind."""
    return next((part for part in parts if part.media_type == media_type and part.is_body and not part.nested), None)


def _text(part: Part, raw: bytes) -> str:
    try:
        return decoding.text(decoding.decoded(raw, part.encoding), part.charset)
    except RejectedError:
        return ""
