"""Where a message is: told so that it is found again after it was moved or its folder was numbered anew; and how it
is put away once its files are stored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from syncd.domain.delivery import DeliveredFile
from syncd.errors import ConfigError, RejectedError
from syncd.sdk.source import Stored
from syncd.systems.mailbox.imap import Fetched, Imap, body, received
from syncd.systems.mailbox.message import Message, headers, message_id
from syncd.systems.mailbox.options import MailboxOptions

_FACTS = ("INTERNALDATE", "RFC822.SIZE", "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]")
_FIELD = "HEADER.FIELDS (MESSAGE-ID)"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a message lay, and what stays with it wherever it goes."""

    folder: str
    validity: int
    uid: int
    at: int
    size: int
    message_id: str

    @classmethod
    def of(cls, message: Message) -> Whereabouts:
        """Those of a message that was read."""
        return cls(message.folder, message.validity, message.uid, message.at, message.size, message.message_id)

    def reference(self, **facts: str | int) -> str:
        """What a delivered file refers to: this message, and what is to be taken from it."""
        return "mail:?" + urlencode({**asdict(self), **facts})

    def fits(self, found: Fetched) -> bool:
        """Whether this is the message. With a Message-ID the time or the size tells it from others that claim it, as
        one of both may change when a mail is copied to another server; without it both must be the same.
        """
        same = (received(found) == self.at, found.get(b"RFC822.SIZE") == self.size)
        if not self.message_id:
            return all(same)
        said = dict(reversed(headers(body(found, _FIELD))))  # the first, where there are several
        return any(same) and message_id(said.get("message-id", "")) == self.message_id

    def criteria(self) -> list[Any]:
        """What to search it by; servers judge the day by a zone of their own."""
        if self.message_id:
            return ["HEADER", "Message-ID", self.message_id]
        day = datetime.fromtimestamp(self.at, UTC).date()
        days = ["SINCE", day - timedelta(days=1), "BEFORE", day + timedelta(days=2)]
        return [*days, "LARGER", max(0, self.size - 1), "SMALLER", self.size + 1]


def read(file: DeliveredFile) -> tuple[Whereabouts, dict[str, str]]:
    """Where the message of a file lies, and the other facts of its reference.

    Raises:
        RejectedError: the reference is none of a mailbox.
    """
    scheme, _, query = file.reference.partition("?")
    facts = dict(parse_qsl(query, keep_blank_values=True))
    try:
        validity, uid, at, size = (int(facts.pop(name)) for name in ("validity", "uid", "at", "size"))
        where = Whereabouts(facts.pop("folder"), validity, uid, at, size, facts.pop("message_id"))
    except (KeyError, ValueError):
        where = None
    if scheme != "mail:" or where is None:
        raise RejectedError(f"{file.name} names no part of a mail.")
    return where, facts


def find(imap: Imap, options: MailboxOptions, where: Whereabouts) -> int | None:
    """The UID a message has now; the connection is left in its folder. None if it is gone."""
    folders = (*options.folders, *filter(None, [options.move_to]))
    if where.folder in folders:
        imap.choose(where.folder)
        if imap.validity == where.validity and _fitting(imap, [where.uid], where):
            return where.uid
    found = (_find_in(imap, folder, where) for folder in folders)
    return next((uid for uid in found if uid is not None), None)


def _find_in(imap: Imap, folder: str, where: Whereabouts) -> int | None:
    imap.choose(folder)
    return _fitting(imap, imap.search(where.criteria()), where)


def _fitting(imap: Imap, uids: Sequence[int], where: Whereabouts) -> int | None:
    known = imap.fetch(uids, _FACTS)
    return next((uid for uid, found in known.items() if where.fits(found)), None)


# --- putting away ----------------------------------------------------------------------------------------------------


def complete(files: Iterable[Stored]) -> list[Whereabouts]:
    """The messages of which every file is among these."""
    stored: dict[Whereabouts, set[str]] = defaultdict(set)
    wanted: dict[Whereabouts, int] = {}
    for each in files:
        where, facts = read(each.file)
        stored[where].add(facts.get("section") or facts["url"])
        wanted[where] = int(facts["of"])
    return [where for where, found in stored.items() if len(found) >= wanted[where]]


def put_away(imap: Imap, options: MailboxOptions, done: Sequence[Whereabouts]) -> None:
    """Mark these messages, and move those that still lie in a watched folder; what is gone is left alone.

    Raises:
        ConfigError: they are to be moved, and the server cannot move a single message.
    """
    require_moving(imap, options)
    for where in done:
        uid = find(imap, options, where)
        if uid is None or imap.folder == options.move_to:
            continue
        imap.choose(imap.folder, write=True)
        if imap.takes_keywords:
            imap.mark(uid, options.mark)
        if options.move_to:
            _move(imap, uid, options.move_to, where)


def require_moving(imap: Imap, options: MailboxOptions) -> None:
    """Raises ConfigError if messages are to be moved, and the server cannot do it."""
    if options.move_to and not (imap.has("MOVE") or imap.has("UIDPLUS")):
        what = f"{options.imap.name} cannot move a single message (neither MOVE nor UIDPLUS)."
        raise ConfigError(what, remedy="Remove `move_to` from the connection's options.")


def _move(imap: Imap, uid: int, folder: str, where: Whereabouts) -> None:
    if imap.has("MOVE"):
        imap.move(uid, folder)
        return
    source = imap.folder
    if _find_in(imap, folder, where) is None:  # else a move was interrupted after its copy
        imap.choose(source, write=True)
        imap.copy(uid, folder)
    imap.choose(source, write=True)
    imap.remove(uid)
