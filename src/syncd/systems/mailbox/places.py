"""Where a message is: named so that it is found again after it was moved or its folder was numbered anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from syncd.domain.delivery import DeliveredFile
from syncd.errors import RejectedError
from syncd.systems.mailbox import tokens
from syncd.systems.mailbox.fetched import body, received
from syncd.systems.mailbox.imap import Imap
from syncd.systems.mailbox.message import Message, headers
from syncd.systems.mailbox.options import MailboxOptions

HEAD = "BODY.PEEK[HEADER]<0.65536>"
_WHEN = ("INTERNALDATE", "RFC822.SIZE")


@dataclass(frozen=True, slots=True)
class Place:
    """A message: where it lay, and what stays with it wherever it goes."""

    folder: str
    validity: int
    uid: int
    at: int
    size: int
    message_id: str

    @classmethod
    def of(cls, message: Message) -> Place:
        """The place of a message that was read."""
        return cls(message.folder, message.validity, message.uid, message.at, message.size, message.message_id)

    def reference(self, **facts: str | int) -> str:
        """What a delivered file refers to: this message, and what is to be taken from it."""
        place = {"folder": self.folder, "validity": self.validity, "uid": self.uid, "at": self.at, "size": self.size}
        return "mail:?" + urlencode({**place, "message_id": self.message_id, **facts})


def read(file: DeliveredFile) -> tuple[Place, dict[str, str]]:
    """The message a file comes from, and the other facts of its reference.

    Raises:
        RejectedError: the reference is none of a mailbox.
    """
    scheme, _, query = file.reference.partition("?")
    facts = dict(parse_qsl(query, keep_blank_values=True))
    try:
        validity, uid, at, size = (int(facts.pop(name)) for name in ("validity", "uid", "at", "size"))
        place = Place(facts.pop("folder"), validity, uid, at, size, facts.pop("message_id"))
    except (KeyError, ValueError):
        place = None
    if scheme != "mail:" or place is None:
        raise RejectedError(f"{file.name} names no part of a mail.")
    return place, facts


class Finder:
    """Finds messages in the folders watched and in the one they are moved to."""

    def __init__(self, imap: Imap, options: MailboxOptions) -> None:
        self._imap = imap
        self._folders = (*options.folders, *((options.move_to,) if options.move_to else ()))

    def message(self, place: Place) -> int | None:
        """The UID a message has now; the connection is left in its folder. None if it is gone."""
        if place.folder in self._folders:
            self._imap.choose(place.folder)
            if self._imap.validity == place.validity and place.uid in self._same(place, [place.uid]):
                return place.uid
        found = (self.message_in(folder, place) for folder in self._folders)
        return next((uid for uid in found if uid is not None), None)

    def message_in(self, folder: str, place: Place) -> int | None:
        """The UID a message has in this folder, which the connection is left in; None if it is not there."""
        self._imap.choose(folder)
        return next(iter(self._same(place, self._imap.search(_criteria(place)))), None)

    def submission(self, name: str) -> int | None:
        """The UID of the mail a submission began with; the connection is left in its folder. None if it is gone."""
        at = tokens.arrived(name)
        if at is None:
            return None
        for folder in self._folders:
            self._imap.choose(folder)
            known = self._imap.fetch(self._imap.search(_around(at)), _WHEN)
            # A name keeps 35 bits of the second: enough for the next thousand years.
            candidates = [uid for uid, found in known.items() if received(found) % 2**35 == at]
            for uid, message in self._heads(candidates):
                if message.own_id == name:
                    return uid
        return None

    def _heads(self, uids: list[int]) -> Iterator[tuple[int, Message]]:
        for uid, found in self._imap.fetch(uids, [*_WHEN, HEAD]).items():
            yield uid, described(self._imap, uid, found)

    def _same(self, place: Place, uids: list[int]) -> list[int]:
        """Those that are this message. With a Message-ID the time or the size tells it from others that claim it, as
        one of both may change when a mail is copied to another server; without it both must be the same.
        """
        known = self._imap.fetch(uids, _WHEN)
        enough = any if place.message_id else all
        return [
            uid
            for uid, found in known.items()
            if enough((received(found) == place.at, found.get(b"RFC822.SIZE") == place.size))
        ]


def described(imap: Imap, uid: int, found: Any) -> Message:
    """A message with its head, as it was fetched."""
    return Message(
        folder=imap.folder, validity=imap.validity, uid=uid, at=received(found),
        size=int(found.get(b"RFC822.SIZE") or 0), headers=headers(body(found, "HEADER")),
    )  # fmt: skip


def _criteria(place: Place) -> list[Any]:
    if place.message_id:
        return ["HEADER", "Message-ID", place.message_id]
    return [*_around(place.at), "LARGER", max(0, place.size - 1), "SMALLER", place.size + 1]


def _around(at: int) -> list[Any]:
    """The days about an instant: servers judge by a day of their own zone."""
    day = datetime.fromtimestamp(at, UTC).date()
    return ["SINCE", day - timedelta(days=1), "BEFORE", day + timedelta(days=2)]
