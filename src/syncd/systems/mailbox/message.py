"""A message as it is stored before it is understood: where it lies, the headers that count, its texts, its parts."""

from __future__ import annotations

import hashlib
import re
from email.policy import default as policy
from functools import cached_property

from syncd.domain.delivery import Frozen
from syncd.sdk.source import RawItem
from syncd.systems.mailbox import decoding
from syncd.systems.mailbox.options import is_address
from syncd.systems.mailbox.structure import Part

HEADERS = frozenset(
    ("from", "to", "subject", "date", "message-id", "in-reply-to", "references", "return-path", "content-type",
     "authentication-results", "auto-submitted", "precedence", "list-id", "x-autoreply", "x-autorespond")
)  # fmt: skip
_LONGEST_HEADER = 8_000
_LONGEST_SENDER = 1_000  # the library's parser takes time that grows with the square
_MOST_OF_A_KIND = 10
_MESSAGE_ID = re.compile(r"\s*<?([\x21-\x7e]{1,400}?@[\x21-\x7e]{1,200}?)>?\s*")
_WHERE = {"folder", "validity", "uid", "at", "size"}


class Message(Frozen):
    """One mail. `at` is the second its server received it, `size` its octets.

    `cut`: the HTML went on. `report` is what a delivery report says. `fault`: why nothing more could be read.
    """

    folder: str
    validity: int
    uid: int
    at: int = 0
    size: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    parts: tuple[Part, ...] = ()
    plain: str = ""
    html: str = ""
    cut: bool = False
    report: str = ""
    fault: str = ""

    def all(self, name: str) -> list[str]:
        """Every header of this name, the topmost first."""
        return [value for key, value in self.headers if key == name]

    def header(self, name: str) -> str:
        """The first header of this name."""
        return next(iter(self.all(name)), "")

    @property
    def message_id(self) -> str:
        """The Message-ID without brackets, "" if there is none that can be looked up."""
        return message_id(self.header("message-id"))

    @property
    def subject(self) -> str:
        return decoding.words(self.header("subject"))

    @cached_property
    def sender(self) -> tuple[str, str]:
        """Name and address of the one sender; two empty texts where From names none, several, or nobody knows whom."""
        said = self.all("from")
        found = addresses(said[0]) if len(said) == 1 and len(said[0]) <= _LONGEST_SENDER else []
        return found[0] if len(found) == 1 else ("", "")

    @property
    def thread(self) -> list[str]:
        """The Message-IDs this mail answers, the nearest first."""
        found = re.findall(r"<[^<>\s]+>", f"{self.header('references')} {self.header('in-reply-to')}")
        return list(reversed(found))

    def to_item(self) -> RawItem:
        """The message for the inbox.

        The vendor's id is a hash of the Message-ID with everything else that travels with the mail, and of nothing that
        its folder gives it: so it stays when UIDVALIDITY changes and all is read again, and a different mail under a
        Message-ID that was used before is no duplicate. A mail without Message-ID has none.
        """
        lasting = self.model_dump_json(exclude=_WHERE)
        identifier = hashlib.sha256(lasting.encode()).hexdigest() if self.message_id and not self.fault else None
        return RawItem(self.model_dump_json(exclude_defaults=True).encode(), identifier)

    @classmethod
    def of_item(cls, item: RawItem) -> Message:
        """The message that was stored."""
        return cls.model_validate_json(item.body)


def headers(raw: bytes) -> tuple[tuple[str, str], ...]:
    """The headers that count, unfolded, names in lower case.

    Args:
        raw: the head of a message, or its beginning.
    """
    unfolded = re.sub(r"\r?\n(?=[ \t])", "", decoding.text(raw))
    found: list[tuple[str, str]] = []
    count: dict[str, int] = {}
    for line in unfolded.split("\n"):
        name, colon, value = line.partition(":")
        key = name.strip().lower()
        if colon and key in HEADERS:
            count[key] = count.get(key, 0) + 1
            if count[key] <= _MOST_OF_A_KIND:
                found.append((key, value.strip()[:_LONGEST_HEADER]))
    return tuple(found)


def message_id(value: str) -> str:
    """A Message-ID without brackets, "" if it is none, or none that can be looked up."""
    found = _MESSAGE_ID.fullmatch(value)
    return found[1] if found and '"' not in found[1] and "\\" not in found[1] else ""


def addresses(value: str) -> list[tuple[str, str]]:
    """Names and addresses in a header, addresses in lower case; nothing where one of them is none."""
    try:
        parsed = policy.header_factory("from", value).addresses
        found = [(decoding.clean(each.display_name), each.addr_spec.lower()) for each in parsed]
    except Exception:  # the library's parser fails in many ways on headers made for it
        return []
    return found if all(is_address(address) for _, address in found) else []
