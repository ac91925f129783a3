"""The system `mailbox` as tests drive it: polled, read, told what is stored, asked to answer."""

from __future__ import annotations

from collections.abc import Callable

from syncd.domain.delivery import Delivery
from syncd.sdk.source import RawItem, Reason, Stored, SubmissionStatus
from syncd.systems.mailbox import MailboxSystem
from tests.support.mail import Mailbox, attach, mail

KEY = "a key to sign replies with"

Open = Callable[..., MailboxSystem]


async def pages(system: MailboxSystem, since: str = "") -> tuple[list[RawItem], str]:
    """All that a poll yields, and its last checkpoint."""
    found: list[RawItem] = []
    async for page in system.poll(since):
        since = page.checkpoint
        found += page.items
    return found, since


async def polled(system: MailboxSystem, since: str = "") -> tuple[list[Delivery], str]:
    """What a poll states, and its last checkpoint."""
    items, since = await pages(system, since)
    return [delivery for item in items for delivery in system.receive(item)], since


async def content(system: MailboxSystem, delivery: Delivery, place: int = 0) -> bytes:
    return b"".join([chunk async for chunk in system.open(delivery.files[place])])


async def store(system: MailboxSystem, *deliveries: Delivery) -> None:
    await system.stored([Stored(each.external_id, file, "") for each in deliveries for file in each.files])


def status(delivery: Delivery, state: str = "received", *reasons: Reason, note: str = "") -> SubmissionStatus:
    """How a submission stands, all its files alike."""
    files = {file.key: state for file in delivery.files}
    return SubmissionStatus(delivery.external_id, state, files, reasons, delivery, note)


async def answered(system: MailboxSystem, asked: SubmissionStatus) -> str:
    """Have a status answered as the flow does; returns the note it keeps."""
    note = await system.respond(asked)
    return asked.note if note is None else note


async def submitted(system: MailboxSystem, mailbox: Mailbox, **headers: str) -> tuple[Delivery, str]:
    """A mail with a picture, delivered and polled; and the checkpoint."""
    made = mail(**headers)
    attach(made, "wine.jpg")
    mailbox.deliver(made)
    (delivery,), since = await polled(system)
    return delivery, since
