"""What a mail states: the submission it begins or goes on with, or why a person has to look at it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from syncd.domain.delivery import Creator, Delivery
from syncd.errors import RejectedError
from syncd.systems.mailbox import answer, automatic, files, proof, tokens, writing
from syncd.systems.mailbox.message import Message
from syncd.systems.mailbox.options import MailboxOptions
from syncd.systems.mailbox.writing import Writing

KEYS = ("title", "brief", "terms", "people", "caption", "tags", "sku", "skus", "withdrawn")
_YES = ("yes", "true", "1", "ja", "oui")
_NO = ("no", "false", "0", "none", "nein", "non", "")  # of people, anything else counts as yes: it names who is shown
_SEQUENCE_OF_SECOND = 1_000_000
_MOST_FILES = 200


def deliveries(message: Message, options: MailboxOptions) -> Sequence[Delivery]:
    """The one submission a mail states; none for mail that no person wrote to us.

    Raises:
        RejectedError: it could not be read, an answer of ours did not arrive, its sender is not proven or not
            allowed, or it holds nothing to take.
    """
    if message.fault:
        raise RejectedError(f"{_which(message)} cannot be read: {message.fault}.", remedy="Look at it in the mailbox.")
    _require_arrival(message, options)
    if automatic.is_own(message, options) or automatic.is_automatic(message):
        return []
    require_sender(message, options)
    return [_delivery(message, options)]


def require_sender(message: Message, options: MailboxOptions) -> None:
    """Raises RejectedError if a mail's sender is unknown, not proven, or not among those whose mail is taken."""
    address = message.sender[1]
    if not address:
        raise RejectedError(f"{_which(message)} names no one sender.", remedy="Ask who sent it, and for a new mail.")
    results = message.all("authentication-results")
    why = proof.missing(results, options.authserv_id, options.sender_proof, address.rpartition("@")[2])
    if why:
        remedy = (
            "Ask the sender whether the mail is theirs. If it is, have them send it through their own provider; "
            "`sender_proof` and `authserv_id` say what is believed."
        )
        raise RejectedError(f"{_which(message)} does not prove that it comes from there: {why}.", remedy=remedy)
    if not any(fnmatchcase(address, pattern.lower()) for pattern in options.senders):
        what = f"{_which(message)} comes from an address that is not among `senders`."
        raise RejectedError(what, remedy="Add the address to `senders` and replay, or discard the mail.")


def _require_arrival(message: Message, options: MailboxOptions) -> None:
    address = automatic.bounced(message, options)
    if address:
        what = f"An answer to {address} did not arrive; its server said so in {_which(message)}."
        raise RejectedError(what, remedy=f"Reach {address} another way, and ask for an address that works.")


def _delivery(message: Message, options: MailboxOptions) -> Delivery:
    name, address = message.sender
    thread = tokens.continued_by(message, options)
    wrote = writing.read(message.plain, message.html, (*KEYS, *options.keys))
    found = files.of(message, wrote, options)
    if not found and not wrote.said:
        what = f"{_which(message)} holds neither a file, nor a link to one, nor anything said in keys."
        raise RejectedError(what, remedy="Read it in the mailbox and answer it by hand.")
    if len(found) > _MOST_FILES:
        what = f"{_which(message)} holds more than {_MOST_FILES} files and links."
        raise RejectedError(what, remedy="Ask the sender for several mails.")
    title = {} if thread else {"title": _title(message.subject)}
    facts: dict[str, Any] = {**title, **_facts(wrote, options.keys), "files": found, "amends": bool(thread)}
    return Delivery(
        external_id=thread or tokens.begun_by(message),
        sequence=message.at * _SEQUENCE_OF_SECOND + message.uid % _SEQUENCE_OF_SECOND,
        reference=answer.reference(message),
        creator=Creator(reference=address, name=name, mail=address),
        **facts,
    )


def _facts(wrote: Writing, keys: Sequence[str]) -> dict[str, Any]:
    """What is said, and nothing of what is not: a reply leaves that as it was."""
    said = wrote.said
    facts: dict[str, Any] = {name: said[name] for name in ("title", "brief", "terms", "caption") if name in said}
    if "people" in said:
        facts["people_shown"] = said["people"].strip().lower().rstrip(".") not in _NO
    if "withdrawn" in said:
        facts["withdrawn"] = _is_yes("withdrawn", said["withdrawn"])
    for name, key in (("tags", "tags"), ("skus", "skus"), ("skus", "sku")):
        if key in said:
            facts[name] = _listed(said[key])
    if wrote.hashtags:
        facts["hashtags"] = wrote.hashtags
    return {**facts, "fields": {key: said[key] for key in keys if key in said}}


def _is_yes(key: str, value: str) -> bool:
    plain = value.strip().lower().rstrip(".")
    if plain not in (*_YES, *_NO):
        raise RejectedError(f"`{key}: {value[:40]}` is neither yes nor no.", remedy="Ask the sender what is meant.")
    return plain in _YES


def _listed(said: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"\s*[;,]\s*", said.strip()) if part)


def _title(subject: str) -> str:
    """A subject without token and without what mail programs put before it."""
    return re.sub(r"^((re|aw|fwd?|wg|sv|tr)(\[\d+\])?:\s*)+", "", tokens.without(subject), flags=re.IGNORECASE)[:200]


def _which(message: Message) -> str:
    """How a mail is called in errors."""
    subject = tokens.without(message.subject)[:80]
    return f"The mail “{subject}” from {message.sender[1] or 'nobody known'}"
