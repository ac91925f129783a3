"""A submission by mail, through the whole daemon: real IMAP (Dovecot) and SMTP servers, killed in between."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import Image

from syncd.testing.daemon import Daemon, DaemonDied, Nursery
from tests.support import projection, scenario
from tests.support.dovecot import PASSWORD, Dovecot
from tests.support.mail import MEDIA, MIA, OWNER, Mailbox, attach, bounce, mail, reply
from tests.support.mailbox import KEY
from tests.support.post import PostOffice

JPEG = b"\xff\xd8\xff"
G = "{http://base.google.com/ns/1.0}"
CONNECTION = """\
connector: mailbox
brand: acme
roles: [source]
owner: dana@acme.example
poll: 30s
options:
  address: {address}
  begin: all
  imap: {{host: 127.0.0.1, port: {imap}, tls: none, user: {user}, password: "${{MAIL_PASSWORD}}"}}
  smtp: {{host: 127.0.0.1, port: {smtp}, tls: none}}
  reply_keys: ["${{MAIL_KEY}}"]
  authserv_id: mx.acme.example
  move_to: Stored
  sent: Sent
"""
KILLS = ("intake:before commit", "collect:after open", "respond:after respond")


class MailHouse:
    """The house of the scenario with a mailbox, and those who write to it and read from it."""

    def __init__(self, root: Path, nursery: Nursery, dovecot: Dovecot, mailbox: Mailbox, post: PostOffice) -> None:
        self.mailbox, self.post, self.root = mailbox, post, root
        scenario.build(root)
        text = CONNECTION.format(address=OWNER, imap=dovecot.port, smtp=post.port, user=mailbox.user)
        (root / "connectors" / "mail.yaml").write_text(text)
        for folder in ("Stored", "Sent"):
            mailbox.create(folder)
        self.ledger = f"sqlite:///{root}/var/ledger.db"
        secrets = {"HOOK_KEY": scenario.KEY, "MAIL_PASSWORD": PASSWORD, "MAIL_KEY": KEY}
        self.daemon = Daemon(root, nursery, {**secrets, "SYNCD_LEDGER": self.ledger})

    def die_at(self, point: str) -> None:
        """Run until the process kills itself at a point."""
        self.daemon.start("--crash", point)
        with pytest.raises(DaemonDied):  # noqa: PT012  (whichever of them it dies in)
            self.daemon.advance(31)
            self.daemon.settle()
        self.daemon.wait()

    def pass_time(self) -> None:
        self.daemon.advance(31)
        self.daemon.settle()

    def approve(self) -> None:
        assert self.daemon.ask("approve", by="tom@acme.example")["approved"]
        self.daemon.settle()

    def answers(self) -> list[str]:
        """The sentence of each answer that says how it stands."""
        return [answer.get_content().splitlines()[2] for answer in self.post.taken]

    async def rows(self, noun: str) -> list[dict[str, Any]]:
        return list((await projection.read(self.ledger))[noun])

    def shown(self) -> list[str]:
        """The pictures of the first product in the published feed, without the shop's own."""
        answer = self.daemon.request("GET", "/feeds/shop.xml")
        first = next(iter(ET.fromstring(answer.body).iter("item")))
        return [str(element.text) for element in first.iter(f"{G}additional_image_link")]

    def fetch(self, url: str) -> tuple[int, bytes]:
        answer = self.daemon.request("GET", url.removeprefix(self.daemon.url))
        return answer.status, answer.body


@pytest.fixture
def house(tmp_path: Path, dovecot: Dovecot, mailbox: Mailbox, nursery: Nursery) -> Iterator[MailHouse]:
    with PostOffice() as post:
        house = MailHouse(tmp_path / "house", nursery, dovecot, mailbox, post)
        yield house
        house.daemon.close()


def photograph() -> EmailMessage:
    made = mail(text="sku: GL-0001\nbrief: summer\n\nHave fun!")
    attach(made, "wine.jpg")
    return made


def better(answer: EmailMessage) -> EmailMessage:
    """A reply from a telephone: another picture for the one they sent, in the telephone's own format."""
    made, picture = reply(answer), io.BytesIO()
    with Image.open(MEDIA / "rocket.jpg") as photo:
        pillow_heif.from_pillow(photo).save(picture, quality=60)
    made.add_attachment(picture.getvalue(), maintype="image", subtype="heic", filename="wine.HEIC")
    return made


async def test_a_mailed_photograph_goes_live_is_answered_and_is_replaced_by_a_reply(house: MailHouse) -> None:
    daemon, mailbox, post = house.daemon, house.mailbox, house.post
    mailbox.deliver(photograph())
    for point in KILLS:
        house.die_at(point)
    daemon.start()
    house.pass_time()

    assert [row["status"] for row in await house.rows("Version")] == ["in_review"]
    assert house.answers() == ["Thank you, your submission has arrived. There is nothing you need to do."]
    assert (mailbox.flags(), mailbox.flags("Stored"), len(mailbox.flags("Sent"))) == ([], [{"$SyncdStored"}], 1)

    house.approve()
    [first] = house.shown()
    assert house.fetch(first)[1].startswith(JPEG)
    assert house.answers()[1:] == ["Your submission has been approved. There is nothing you need to do."]

    mailbox.deliver(better(post.taken[-1]), minute=60)
    mailbox.deliver(mail(message_id="<away@x.example>", Auto_Submitted="auto-replied"), minute=61)
    sent = daemon.now
    while len(post.taken) < 3:
        daemon.advance(1)
        assert (daemon.now - sent).total_seconds() <= 60, daemon.tail()
    daemon.settle()
    assert house.shown() == [first]
    house.approve()
    [second] = house.shown()
    assert second != first
    assert house.fetch(first)[0] == 410
    assert house.fetch(second)[1].startswith(JPEG)
    assert [row["number"] for row in await house.rows("Version")] == [1, 2]
    assert [(row["brief"], row["creator_id"] is None) for row in await house.rows("Submission")] == [("summer", False)]

    mailbox.deliver(bounce(post.taken[-1]), minute=90)
    daemon.kill()
    daemon.start()
    house.pass_time()
    [told] = [row for row in await house.rows("ExceptionRecord") if row["closed_at"] is None]
    assert told["reason"].startswith(f"An answer to {MIA} did not arrive")
    assert told["owner"] == "dana@acme.example"
    assert len(post.taken) == len({answer["Message-ID"] for answer in post.taken}) == len(mailbox.flags("Sent")) == 4
    assert len(await house.rows("Submission")) == 1
    text = daemon.log.read_text()
    assert PASSWORD not in text
    assert KEY not in text
