"""A mailbox on a real server (Dovecot), answers to a real one (aiosmtpd), real photographs."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from tests.support.dovecot import PASSWORD, Dovecot, free_port
from tests.support.mail import MEDIA, MIA, OWNER, PROVEN, Mailbox, Post, attach, mail, post_office
from tests.support.systems import Host, context, token_server

from syncd.domain.delivery import Delivery
from syncd.errors import (
    AuthError,
    ConfigError,
    HookRefused,
    HostileInput,
    NotFoundError,
    RejectedError,
    TransientError,
)
from syncd.sdk.roles import HookRequest, RawItem, Reason, Role, Stored, SubmissionStatus
from syncd.systems.mailbox import MailboxSystem
from syncd.systems.mailbox.imap import Imap
from syncd.systems.mailbox.options import MailboxOptions
from syncd.testing.clock import ManualClock

KEY = "a key to sign replies with"

Open = Callable[..., MailboxSystem]


@pytest.fixture
def opened(tmp_path, clock: ManualClock, dovecot: Dovecot, mailbox: Mailbox) -> Open:
    """Opens the mailbox with these options."""

    def system(*, post: Post | None = None, served: Host | None = None, imap: Any = None, **options: Any):
        server = {"host": "127.0.0.1", "port": dovecot.port, "tls": "none", "user": mailbox.user, "password": PASSWORD}
        given = {
            "address": OWNER, "imap": server | (imap or {}), "begin": "all", "authserv_id": "mx.acme.example",
            "reply_keys": [KEY], **options,
        }  # fmt: skip
        if post:
            given.setdefault("smtp", {"host": "127.0.0.1", "port": post.port, "tls": "none"})
        return MailboxSystem(context(tmp_path, clock, served=served), MailboxOptions.model_validate(given), Role.SOURCE)

    return system


async def pages(system: MailboxSystem, since: str = "") -> tuple[list[RawItem], str]:
    found: list[RawItem] = []
    async for page in system.poll(since):
        since = page.checkpoint
        found += page.items
    return found, since


async def polled(system: MailboxSystem, since: str = "") -> tuple[list[Delivery], str]:
    items, since = await pages(system, since)
    return [delivery for item in items for delivery in system.receive(item)], since


async def content(system: MailboxSystem, delivery: Delivery, place: int = 0) -> bytes:
    return b"".join([chunk async for chunk in system.open(delivery.files[place])])


async def store(system: MailboxSystem, *deliveries: Delivery) -> None:
    await system.stored([Stored(each.external_id, file, "") for each in deliveries for file in each.files])


def status(delivery: Delivery, state: str = "received", *reasons: Reason) -> SubmissionStatus:
    return SubmissionStatus(delivery.external_id, state, {file.key: state for file in delivery.files}, reasons)


def forbid_fetching(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> bytes:
        raise AssertionError("something was fetched")

    monkeypatch.setattr(Imap, "chunk", refused)


# --- what comes in ----------------------------------------------------------------------------------------------------


async def test_attachments_arrive_byte_for_byte(opened: Open, mailbox: Mailbox):
    made = mail(
        text="Brief: summer-glow\nterms: creator-2026\nSKU: GL-0412, GL-0413\npeople: yes\n\nLove it #glow #Sun"
    )
    photo, video = attach(made, "hiking.jpg"), attach(made, "bigbuckbunny.mp4", called="Größe.mp4")
    mailbox.deliver(made)
    system = opened()
    (delivery,), _ = await polled(system)
    assert (delivery.title, delivery.brief, delivery.terms) == ("Glow at the beach", "summer-glow", "creator-2026")
    assert (delivery.skus, delivery.hashtags, delivery.people_shown) == (("GL-0412", "GL-0413"), ("glow", "Sun"), True)
    assert delivery.creator is not None
    assert (delivery.creator.mail, delivery.creator.name) == (MIA, "Mia K.")
    assert [(file.key, file.name) for file in delivery.files] == [
        ("hiking", "hiking.jpg"), ("Größe.video", "Größe.mp4"),
    ]  # fmt: skip
    assert await content(system, delivery) == photo
    assert await content(system, delivery, 1) == video
    assert mailbox.flags() == [set()]


async def test_an_item_is_small_whatever_is_attached(opened: Open, mailbox: Mailbox):
    made = mail(text="long " * 100_000)
    attach(made, "bigbuckbunny.mp4")
    mailbox.deliver(made)
    (item,), _ = await pages(opened())
    assert len(item.body) < 100_000


async def test_a_link_is_a_file_that_is_fetched_guarded(opened: Open, mailbox: Mailbox):
    url = "https://media.creators.example/shoot/wine.jpg?k=1"
    mailbox.deliver(mail(text=f"See {url}, and my page https://mia.example/about.\n"))
    served = Host()
    served.pages[url] = (MEDIA / "wine.jpg").read_bytes()
    system = opened(served=served)
    (delivery,), _ = await polled(system)
    assert [file.name for file in delivery.files] == ["wine.jpg"]
    assert await content(system, delivery) == (MEDIA / "wine.jpg").read_bytes()
    with pytest.raises(RejectedError, match="neither a file"):
        await polled(opened(links=False))
    with pytest.raises(RejectedError, match="neither a file"):
        await polled(opened(link_hosts=["*.agency.example"]))


async def test_quoted_printable_and_8bit_attachments_arrive_whole(opened: Open, mailbox: Mailbox):
    made = mail()
    said = "Größe — “schön”\r\n" * 9_000
    made.add_attachment(said.encode(), maintype="text", subtype="markdown", filename="a.md", cte="quoted-printable")
    made.add_attachment(said.encode(), maintype="text", subtype="markdown", filename="b.md", cte="8bit")
    mailbox.deliver(made)
    system = opened()
    (delivery,), _ = await polled(system)
    assert [(await content(system, delivery, place)).decode() for place in (0, 1)] == [said, said]


async def test_a_mail_inside_a_mail_gives_its_attachments(opened: Open, mailbox: Mailbox):
    inner = mail("Original", message_id="<inner@elsewhere.example>")
    photo = attach(inner, "rocket.jpg")
    outer = mail("Fwd: Original")
    outer.add_attachment(inner)
    deeper = mail("Fwd: Fwd", message_id="<deeper@creators.example>")
    deeper.add_attachment(outer)
    mailbox.deliver(outer)
    mailbox.deliver(deeper, minute=1)
    system = opened()
    found, _ = await polled(system)
    assert [[file.name for file in delivery.files] for delivery in found] == [["rocket.jpg"], ["rocket.jpg"]]
    assert [await content(system, delivery) for delivery in found] == [photo, photo]


async def test_a_signature_s_picture_is_no_content_but_a_photograph_in_the_text_is(opened: Open, mailbox: Mailbox):
    made = mail(html='<p>Hi</p><img src="cid:photo@x"><p>--</p><img src="cid:logo@x">')
    page = made.get_payload()[1]
    page.add_related((MEDIA / "wine.jpg").read_bytes(), "image", "jpeg", cid="<photo@x>", filename="image0.jpeg")
    page.add_related(b"\x89PNG" + b"x" * 2_000, "image", "png", cid="<logo@x>", filename="logo.png")
    mailbox.deliver(made)
    (delivery,), _ = await polled(opened())
    assert [file.name for file in delivery.files] == ["image0.jpeg"]


async def test_namesakes_in_one_mail_are_told_apart(opened: Open, mailbox: Mailbox):
    made = mail()
    attach(made, "wine.jpg", called="image.jpg")
    attach(made, "rocket.jpg", called="image.jpg")
    mailbox.deliver(made)
    (delivery,), _ = await polled(opened())
    assert [file.key for file in delivery.files] == ["image", "image (2)"]


async def test_what_is_too_large_is_told_and_never_fetched(opened: Open, mailbox: Mailbox, monkeypatch):
    made = mail()
    attach(made, "bigbuckbunny.mp4")
    mailbox.deliver(made)
    system = opened(max_size="100KB")
    (delivery,), _ = await polled(system)
    forbid_fetching(monkeypatch)
    with pytest.raises(HostileInput, match=r"bigbuckbunny.mp4 has about \d+ MB.*Send a link") as refused:
        await content(system, delivery)
    assert refused.value.reason == "too-large"


@pytest.mark.parametrize(
    ("kind", "name", "reason"),
    [("ms-tnef", "winmail.dat", "winmail"), ("octet-stream", "winmail.dat", "winmail"),
     ("pkcs7-mime", "smime.p7m", "encrypted")],
)  # fmt: skip
async def test_what_nobody_can_open_is_told(opened: Open, mailbox: Mailbox, monkeypatch, kind, name, reason):
    made = mail()
    made.add_attachment(b"x" * 500, maintype="application", subtype=kind, filename=name)
    mailbox.deliver(made)
    system = opened()
    (delivery,), _ = await polled(system)
    forbid_fetching(monkeypatch)
    with pytest.raises(HostileInput, match=r"Send (it|the mail) again") as refused:
        await content(system, delivery)
    assert refused.value.reason == reason


async def test_a_mail_without_message_id_is_taken_and_found_again_after_it_was_moved(opened: Open, mailbox: Mailbox):
    made = mail(message_id="")
    photo = attach(made, "wine.jpg")
    mailbox.deliver(made)
    mailbox.deliver(made, minute=1)
    mailbox.create("Stored")
    system = opened(move_to="Stored")
    items, _ = await pages(system)
    assert [item.vendor_id for item in items] == [None, None]
    first, second = (system.receive(item)[0] for item in items)
    assert first.external_id != second.external_id
    await store(system, first)
    assert len(mailbox.flags("Stored")) == 1
    assert await content(system, first) == photo


async def test_a_mail_that_no_server_should_hold_is_shown_to_a_person_and_the_next_is_taken(
    opened: Open, mailbox: Mailbox
):
    deep = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
    nested = b"".join(deep % (level, level) for level in range(60)) + b"Content-Type: image/jpeg\r\n\r\nx\r\n"
    head = f"From: {MIA}\r\nMessage-ID: <deep@x>\r\nSubject: deep\r\nAuthentication-Results: {PROVEN}\r\n".encode()
    mailbox.deliver(head + nested)
    made = mail()
    attach(made, "wine.jpg")
    mailbox.deliver(made, minute=1)
    system = opened()
    (broken, whole), _ = await pages(system)
    with pytest.raises(RejectedError, match="cannot be read"):
        system.receive(broken)
    assert len(system.receive(whole)) == 1


# --- where it goes on -------------------------------------------------------------------------------------------------


async def test_polling_goes_on_from_its_checkpoint_without_gap_or_repeat(opened: Open, mailbox: Mailbox):
    names = [f"mail {number}" for number in range(45)]
    for number, name in enumerate(names):
        made = mail(name, f"title: {name}", message_id=f"<{number}@creators.example>")
        mailbox.deliver(made, minute=number)
    system, since, found = opened(), "", []
    async for page in system.poll(""):  # the process dies after the first page
        since = page.checkpoint
        found += [delivery.title for item in page.items for delivery in system.receive(item)]
        break
    assert 0 < len(found) < 45
    rest, since = await polled(opened(), since)
    assert found + [delivery.title for delivery in rest] == names
    assert (await polled(opened(), since)) == ([], since)


async def test_a_new_connection_takes_only_what_arrives_from_then_on(opened: Open, mailbox: Mailbox):
    mailbox.deliver(mail("old", "title: old"))
    found, since = await polled(opened(begin="now"))
    assert found == []
    mailbox.deliver(mail("new", "title: new", message_id="<two@creators.example>"), minute=600)
    assert [delivery.title for delivery in (await polled(opened(begin="now"), since))[0]] == ["new"]


async def test_a_folder_numbered_anew_is_read_again_and_its_mail_is_known_by_its_vendor_id(
    opened: Open, mailbox: Mailbox
):
    mails = [mail(f"mail {n}", f"title: {n}", message_id=f"<{n}@creators.example>") for n in range(3)]
    mailbox.create("Intake")
    for number, made in enumerate(mails[:2]):
        mailbox.deliver(made, minute=number, folder="Intake")
    system = opened(folders=["Intake"])
    before, since = await pages(system)
    mailbox.delete("Intake")
    mailbox.create("Intake")
    for number, made in enumerate(mails):
        mailbox.deliver(made, minute=number, folder="Intake")
    after, then = await pages(system, since)
    assert [item.vendor_id for item in after[:2]] == [item.vendor_id for item in before]
    assert len({item.vendor_id for item in after}) == 3
    assert None not in {item.vendor_id for item in after}
    deliveries = [[system.receive(item)[0].external_id for item in items] for items in (before, after)]
    assert deliveries[0] == deliveries[1][:2]
    assert json.loads(then)["Intake"].split(":")[0] != json.loads(since)["Intake"].split(":")[0]
    assert await pages(system, then) == ([], then)


async def test_an_attachment_is_found_although_its_folder_was_numbered_anew(opened: Open, mailbox: Mailbox):
    made = mail()
    photo = attach(made, "wine.jpg")
    mailbox.create("Intake")
    mailbox.deliver(made, folder="Intake")
    system = opened(folders=["Intake"])
    (delivery,), _ = await polled(system)
    mailbox.delete("Intake")
    mailbox.create("Intake")
    mailbox.deliver(mail("another", message_id="<another@creators.example>"), folder="Intake")
    mailbox.deliver(made, folder="Intake")
    assert await content(system, delivery) == photo


async def test_what_was_there_before_the_connection_stays_out_when_its_folder_is_numbered_anew(
    opened: Open, mailbox: Mailbox
):
    mailbox.create("Intake")
    old, new = (mail(name, f"title: {name}", message_id=f"<{name}@x>") for name in ("old", "new"))
    mailbox.deliver(old, folder="Intake", minute=-3_000)
    system = opened(folders=["Intake"], begin="now")
    _, since = await pages(system)
    mailbox.delete("Intake")
    mailbox.create("Intake")
    mailbox.deliver(old, folder="Intake", minute=-3_000)
    mailbox.deliver(new, folder="Intake", minute=600)
    assert [delivery.title for delivery in (await polled(system, since))[0]] == ["new"]


async def test_several_folders_are_watched(opened: Open, mailbox: Mailbox):
    mailbox.create("Agentur Größe")
    mailbox.deliver(mail("a", "title: a"))
    mailbox.deliver(mail("b", "title: b", message_id="<b@x>"), folder="Agentur Größe")
    found, since = await polled(opened(folders=["INBOX", "Agentur Größe"]))
    assert {delivery.title for delivery in found} == {"a", "b"}
    assert set(json.loads(since)) == {"INBOX", "Agentur Größe"}


# --- what becomes of it -----------------------------------------------------------------------------------------------


async def test_nothing_is_marked_before_it_is_stored_and_a_message_only_when_all_of_it_is(
    opened: Open, mailbox: Mailbox
):
    made = mail()
    attach(made, "wine.jpg")
    attach(made, "rocket.jpg")
    mailbox.deliver(made)
    mailbox.deliver(mail("other", message_id="<other@x>"), minute=1)
    system = opened()
    items, _ = await pages(system)
    (delivery,) = system.receive(items[0])
    await content(system, delivery)
    await system.stored([Stored(delivery.external_id, delivery.files[0], "")])
    assert mailbox.flags() == [set(), set()]
    for _ in range(2):
        await store(system, delivery)
    assert mailbox.flags() == [{"$SyncdStored"}, set()]


@pytest.mark.parametrize("capabilities", ["", "IMAP4rev1 SASL-IR LITERAL+ UIDPLUS UNSELECT"])
async def test_a_stored_message_is_moved_alone_and_still_opens(
    opened: Open, mailbox: Mailbox, dovecot: Dovecot, capabilities: str
):
    photos = []
    for number, name in enumerate(["wine.jpg", "rocket.jpg"]):
        made = mail(message_id=f"<{number}@creators.example>")
        photos.append(attach(made, name))
        mailbox.deliver(made, minute=number)
    mailbox.create("Stored")
    server = dovecot.beside(capabilities) if capabilities else dovecot
    try:
        system = opened(move_to="Stored", imap={"port": server.port})
        (first, second), since = await polled(system)
        for _ in range(2):
            await store(system, first)
        assert mailbox.flags() == [set()]
        assert mailbox.flags("Stored") == [{"$SyncdStored"}]
        assert [await content(system, each) for each in (first, second)] == photos
        assert await polled(system, since) == ([], since)
    finally:
        if capabilities:
            server.stop()


async def test_a_move_that_was_interrupted_after_the_copy_is_completed(opened: Open, mailbox: Mailbox):
    made = mail()
    attach(made, "wine.jpg")
    mailbox.deliver(made)
    mailbox.create("Stored")
    mailbox.deliver(made, folder="Stored")
    system = opened(move_to="Stored")
    (delivery,), _ = await polled(system)
    await store(system, delivery)
    assert mailbox.flags() == []
    assert len(mailbox.flags("Stored")) == 1


async def test_a_mail_that_was_removed_before_it_was_read_is_told(opened: Open, mailbox: Mailbox):
    made = mail()
    attach(made, "wine.jpg")
    mailbox.deliver(made)
    system = opened()
    (delivery,), _ = await polled(system)
    mailbox.remove()
    with pytest.raises(NotFoundError, match=r"wine.jpg.*removed"):
        await content(system, delivery)
    await store(system, delivery)


# --- whom to believe --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        ({}, {"proof": ""}),
        ({}, {"proof": "mx.evil.example; dmarc=pass header.from=creators.example"}),
        ({}, {"proof": "mx.acme.example; dmarc=fail header.from=creators.example; dkim=pass header.d=evil.example"}),
        ({}, {"proof": "mx.acme.example; dmarc=pass header.from=evil.example"}),
        ({"sender_proof": "spf"}, {}),
        ({}, {"sender": f"{MIA}, other@creators.example"}),
        ({"senders": ["*@studio.example"]}, {}),
    ],
)
async def test_a_mail_that_does_not_prove_its_sender_is_shown_to_a_person(
    opened: Open, mailbox: Mailbox, options: dict[str, Any], headers: dict[str, str]
):
    made = mail(**headers)
    attach(made, "wine.jpg")
    mailbox.deliver(made)
    system = opened(**options)
    (item,), _ = await pages(system)
    with pytest.raises(RejectedError) as refused:
        system.receive(item)
    assert "Glow at the beach" in refused.value.what
    assert refused.value.remedy


async def test_a_forged_result_below_the_server_s_own_is_not_believed(opened: Open, mailbox: Mailbox):
    made = mail(proof="mx.acme.example; dmarc=fail header.from=creators.example; dkim=none")
    attach(made, "wine.jpg")
    raw = made.as_bytes().replace(b"\nFrom:", f"\nAuthentication-Results: {PROVEN}\nFrom:".encode(), 1)
    assert raw.count(b"Authentication-Results") == 2
    mailbox.deliver(raw.replace(b"\n", b"\r\n"))
    system = opened()
    (item,), _ = await pages(system)
    with pytest.raises(RejectedError, match="dmarc=fail"):
        system.receive(item)


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated; x=y"},
        {"Precedence": "bulk"},
        {"List_Id": "<news.creators.example>"},
        {"Return_Path": "<>"},
        {"sender": OWNER},
    ],
)
async def test_mail_of_machines_lists_and_our_own_is_no_submission(opened: Open, mailbox: Mailbox, headers):
    made = mail(**headers)
    attach(made, "wine.jpg")
    mailbox.deliver(made)
    assert (await polled(opened()))[0] == []


# --- answers ----------------------------------------------------------------------------------------------------------


async def submitted(system: MailboxSystem, mailbox: Mailbox, **headers: str) -> tuple[Delivery, str]:
    made = mail(**headers)
    attach(made, "wine.jpg")
    mailbox.deliver(made)
    (delivery,), since = await polled(system)
    return delivery, since


CUT = Reason("cut-off", "Product is cut off.")


async def test_an_answer_says_in_plain_words_what_is_wrong_and_what_can_be_mended(
    opened: Open, mailbox: Mailbox, post: Post
):
    system = opened(post=post)
    delivery, _ = await submitted(system, mailbox, References="<earlier@creators.example>", subject="Größe\u2009x")
    gone = Reason("grant", "The right has ended.", fixable=False)
    await system.respond(status(delivery, "changes", CUT, gone))
    (answer,) = post.taken
    assert (answer["From"], answer["To"], answer["Reply-To"]) == (OWNER, MIA, OWNER)
    assert answer["Auto-Submitted"] == "auto-replied"
    assert answer["In-Reply-To"] == "<one@creators.example>"
    assert answer["References"] == "<earlier@creators.example> <one@creators.example>"
    assert answer["Subject"].startswith("Re: Größe x [syncd ")
    assert answer.get_content_type() == "text/plain"
    assert answer.get_content_charset() == "utf-8"
    text = answer.get_content()
    for said in ("has to be changed", "* wine: has to be changed", "* Product is cut off.", "* The right has ended."):
        assert said in text
    assert text.index("cut off") < text.index("same name") < text.index("right has ended")


async def test_the_same_answer_has_the_same_id_also_after_a_restart_and_another_has_another(
    opened: Open, mailbox: Mailbox, post: Post
):
    delivery, _ = await submitted(opened(post=post), mailbox)
    system = opened(post=post)
    await system.respond(status(delivery))
    await system.respond(status(delivery))
    await opened(post=post).respond(status(delivery))
    await system.respond(status(delivery, "approved"))
    first, again, other = [answer["Message-ID"] for answer in post.taken]
    assert first == again != other


async def test_with_a_folder_for_copies_an_answer_is_sent_once(opened: Open, mailbox: Mailbox, post: Post):
    mailbox.create("Sent")
    delivery, _ = await submitted(opened(post=post), mailbox)
    for _ in range(2):
        await opened(post=post, sent="Sent").respond(status(delivery))
    assert len(post.taken) == 1
    assert mailbox.flags("Sent") == [{"\\Seen"}]


@pytest.mark.parametrize("sender", ["No Reply <no-reply@creators.example>", "donotreply+7@creators.example"])
async def test_nobody_answers_an_address_that_nobody_reads(opened: Open, mailbox: Mailbox, post: Post, sender: str):
    system = opened(post=post)
    delivery, _ = await submitted(system, mailbox, sender=sender)
    await system.respond(status(delivery))
    assert post.taken == []


async def test_nobody_answers_a_sender_who_is_not_proven(opened: Open, mailbox: Mailbox, post: Post):
    delivery, _ = await submitted(opened(sender_proof="none"), mailbox, proof="")
    await opened(post=post).respond(status(delivery))
    assert post.taken == []


async def test_what_follows_by_itself_is_not_told(opened: Open, mailbox: Mailbox, post: Post):
    system = opened(post=post)
    delivery, _ = await submitted(system, mailbox)
    await system.respond(status(delivery, "in_review"))
    assert post.taken == []


async def test_a_moved_mail_is_answered_and_a_removed_one_is_told(opened: Open, mailbox: Mailbox, post: Post):
    mailbox.create("Stored")
    system = opened(post=post, move_to="Stored")
    delivery, _ = await submitted(system, mailbox)
    await store(system, delivery)
    await system.respond(status(delivery))
    assert len(post.taken) == 1
    mailbox.remove("Stored")
    with pytest.raises(NotFoundError, match="nobody was told"):
        await system.respond(status(delivery, "approved"))


def reply(answer: EmailMessage, how: str, sender: str = MIA) -> EmailMessage:
    """A reply with another picture under the same name, as different programs write it."""
    subject = f"Re: {answer['Subject']}" if how != "thread" else "Re: something else"
    headers = {} if how == "subject" else {"In_Reply_To": answer["Message-ID"]}
    text = "Better?\n\nOn 22 Nov 2026 content@acme.example wrote:\n> brief: stolen\n> https://x.example/quoted.jpg"
    made = mail(subject, text, sender=sender, message_id="<reply@creators.example>", **headers)
    attach(made, "rocket.jpg", called="wine.jpg")
    return made


@pytest.mark.parametrize("how", ["program", "subject", "thread"])
async def test_a_reply_is_a_later_revision_of_its_submission(opened: Open, mailbox: Mailbox, post: Post, how: str):
    system = opened(post=post)
    first, since = await submitted(system, mailbox, text="terms: creator-2026\nbrief: summer\n")
    await system.respond(status(first, "changes", CUT))
    mailbox.deliver(reply(post.taken[0], how), minute=30)
    (second,), _ = await polled(system, since)
    assert second.external_id == first.external_id
    assert second.sequence is not None
    assert first.sequence is not None
    assert second.sequence > first.sequence
    assert [file.key for file in second.files] == ["wine"]
    assert (second.terms, second.brief, second.title) == ("creator-2026", "summer", "Glow at the beach")
    assert await content(system, second) == (MEDIA / "rocket.jpg").read_bytes()


@pytest.mark.parametrize("fault", ["other sender", "forged", "other key"])
async def test_a_token_that_was_not_given_to_this_sender_begins_a_new_submission(
    opened: Open, mailbox: Mailbox, post: Post, fault: str
):
    system = opened(post=post)
    first, since = await submitted(system, mailbox)
    await system.respond(status(first, "changes", CUT))
    (answer,) = post.taken
    made = reply(answer, "program", "Zoe <zoe@creators.example>" if fault == "other sender" else MIA)
    raw = made.as_bytes()
    if fault == "forged":
        token = answer["Subject"].partition("[syncd ")[2][:29]
        raw = raw.replace(token.encode(), f"{token[:-4]}{'AAAA' if token[-4:] != 'AAAA' else 'BBBB'}".encode())
    mailbox.deliver(raw.replace(b"\n", b"\r\n"), minute=30)
    keys = {"reply_keys": ["quite another key, as long"]} if fault == "other key" else {}
    (second,), _ = await polled(opened(post=post, **keys), since)
    assert second.external_id != first.external_id


async def test_a_reply_signed_with_the_key_before_still_counts(opened: Open, mailbox: Mailbox, post: Post):
    system = opened(post=post)
    first, since = await submitted(system, mailbox)
    await system.respond(status(first))
    mailbox.deliver(reply(post.taken[0], "subject"), minute=30)
    (second,), _ = await polled(opened(reply_keys=["the key that replaces it", KEY]), since)
    assert second.external_id == first.external_id


def bounce(answer: EmailMessage, action: str = "failed") -> bytes:
    """A delivery report as Postfix writes it."""
    returned = answer.as_bytes()
    parts = [
        b"Content-Type: text/plain\n\nI'm sorry to have to inform you...\n",
        f"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.acme.example\n\n"
        f"Final-Recipient: rfc822; {MIA}\nAction: {action}\nStatus: 5.1.1\n".encode(),
        b"Content-Type: message/rfc822\n\n" + returned,
    ]
    head = (
        b"From: MAILER-DAEMON@acme.example\nTo: content@acme.example\nSubject: Undelivered\n"
        b"Auto-Submitted: auto-replied\nMessage-ID: <bounce@acme.example>\nReturn-Path: <>\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=zz\n\n"
    )
    body = b"".join(b"--zz\n" + part + b"\n" for part in parts) + b"--zz--\n"
    return (head + body).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


async def test_an_answer_that_did_not_arrive_is_told_to_the_owner(opened: Open, mailbox: Mailbox, post: Post):
    system = opened(post=post)
    first, since = await submitted(system, mailbox)
    await system.respond(status(first))
    mailbox.deliver(bounce(post.taken[0]), minute=30)
    (item,), since = await pages(system, since)
    with pytest.raises(RejectedError, match=f"An answer to {MIA} did not arrive") as told:
        system.receive(item)
    assert "another way" in told.value.remedy
    foreign = message_from_bytes(post.taken[0].as_bytes())
    foreign.replace_header("Message-ID", "<syncd.0000-0000-0000-0000-0000-0000.0123456789abcdef@acme.example>")
    for raw in (bounce(post.taken[0], "delayed"), bounce(foreign)):  # type: ignore[arg-type]
        mailbox.deliver(raw, minute=31)
    assert (await polled(system, since))[0] == []


# --- when it does not work --------------------------------------------------------------------------------------------


async def test_check_says_what_waits_and_that_answers_are_taken(opened: Open, mailbox: Mailbox, post: Post):
    made = mail()
    attach(made, "wine.jpg")
    mailbox.deliver(made)
    mailbox.deliver(mail("other", message_id="<2@x>"))
    system = opened(post=post)
    items, _ = await pages(system)
    await store(system, *system.receive(items[0]))
    said = await system.check()
    assert "1 messages wait" in said
    assert f"127.0.0.1:{post.port} takes answers" in said
    await system.close()


async def test_a_wrong_password_is_told_without_the_password(opened: Open):
    system = opened(imap={"password": "wrong horse"})
    for call in (system.check(), pages(system)):
        with pytest.raises(AuthError, match="refuses the login of") as refused:
            await call
        assert "wrong horse" not in f"{refused.value}{refused.value!r}{refused.value.data}"
        assert refused.value.__cause__ is None


async def test_a_server_that_is_away_is_waited_for(opened: Open, mailbox: Mailbox, post: Post):
    delivery, _ = await submitted(opened(), mailbox)
    away = opened(imap={"port": free_port()})
    for call in (away.check(), pages(away), content(away, delivery), store(away, delivery)):
        with pytest.raises(TransientError, match="cannot be reached"):
            await call
    unsent = opened(smtp={"host": "127.0.0.1", "port": free_port(), "tls": "none"})
    with pytest.raises(TransientError, match="cannot be reached"):
        await unsent.respond(status(delivery))


async def test_a_connection_that_breaks_during_the_login_is_no_wrong_password(opened: Open):
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n")
        while b"AUTHENTICATE" not in (line := await reader.readline()):
            writer.write(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n" + line.split()[0] + b" OK done\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(break_off, "127.0.0.1", 0) as server:
        system = opened(imap={"port": server.sockets[0].getsockname()[1]})
        with pytest.raises(TransientError) as broken:
            await system.check()
    assert PASSWORD not in str(broken.value)


@pytest.mark.parametrize("option", ["folders", "move_to", "sent"])
async def test_a_folder_that_does_not_exist_is_named(opened: Open, option: str):
    system = opened(**{option: ["Nowhere"] if option == "folders" else "Nowhere"})
    with pytest.raises(ConfigError, match="Nowhere"):
        await system.check()


async def test_over_tls_the_certificate_is_checked(opened: Open, dovecot: Dovecot, tmp_path):
    for tls, port in (("tls", dovecot.tls_port), ("starttls", dovecot.port)):
        (tmp_path / "ca.pem").write_bytes(dovecot.certificate.path.read_bytes())
        assert "0 messages wait" in await opened(imap={"tls": tls, "port": port, "ca_file": "ca.pem"}).check()
        with pytest.raises(ConfigError, match="not trusted"):
            await opened(imap={"tls": tls, "port": port}).check()
    with pytest.raises(ConfigError, match="does not speak"):
        await opened(imap={"tls": "tls", "port": dovecot.port}).check()


async def test_a_token_logs_in_where_a_password_would(opened: Open, dovecot: Dovecot, mailbox: Mailbox):
    async with token_server(dovecot.tokens, {"good-token": mailbox.user}):
        assert "0 messages wait" in await opened(imap={"password": "", "token": "good-token"}).check()
        with pytest.raises(AuthError) as refused:
            await opened(imap={"password": "", "token": "bad-token-7"}).check()
        assert "bad-token-7" not in repr(refused.value)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [("451 try later", TransientError), ("421 busy", TransientError), ("550 no such user", RejectedError)],
)
async def test_what_the_post_office_refuses_is_tried_again_or_told(
    opened: Open, mailbox: Mailbox, post: Post, answer: str, fault: type[Exception]
):
    system = opened(post=post)
    delivery, _ = await submitted(system, mailbox)
    post.refuse = answer
    with pytest.raises(fault, match=answer[4:]):
        await system.respond(status(delivery))
    post.refuse = ""
    await system.respond(status(delivery))
    assert len(post.taken) == 1


async def test_the_login_at_the_post_office_is_protected_checked_and_never_told(
    opened: Open, mailbox: Mailbox, dovecot: Dovecot
):
    secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    secure.load_cert_chain(dovecot.certificate.path, dovecot.certificate.key)

    def make(office: Post) -> SMTP:
        return SMTP(office, authenticator=office.authenticate, auth_required=True, tls_context=secure,
                    require_starttls=True, loop=asyncio.get_running_loop())  # fmt: skip

    async with post_office(asyncio.get_running_loop(), make) as office:
        server = {"host": "127.0.0.1", "port": office.port, "user": "me", "ca_file": str(dovecot.certificate.path)}
        delivery, _ = await submitted(opened(), mailbox)
        await opened(smtp=server | {"password": PASSWORD}).respond(status(delivery))
        assert len(office.taken) == 1
        system = opened(smtp=server | {"password": "wrong horse"})
        for call in (system.check(), system.respond(status(delivery))):
            with pytest.raises(AuthError, match="refuses the login of me") as refused:
                await call
            assert "wrong horse" not in f"{refused.value}{refused.value!r}"
        with pytest.raises(ConfigError, match="not trusted"):
            await opened(smtp=server | {"password": PASSWORD, "ca_file": ""}).check()
        with pytest.raises(ConfigError, match="does not speak"):
            await opened(smtp=server | {"password": PASSWORD, "tls": "tls"}).check()


async def test_a_post_office_without_starttls_gets_no_login(opened: Open, post: Post):
    server = {"host": "127.0.0.1", "port": post.port, "user": "me", "password": PASSWORD}
    with pytest.raises(ConfigError, match="STARTTLS"):
        await opened(smtp=server).check()


async def test_secrets_are_in_no_text_of_the_options(opened: Open):
    system = opened(smtp={"host": "127.0.0.1", "tls": "none", "user": "me", "password": "secret of the post"})
    said = f"{system._options!r}{system._options}{vars(system)}"
    for secret in (PASSWORD, KEY, "secret of the post"):
        assert secret not in said


async def test_a_mailbox_takes_no_webhooks(opened: Open, clock: ManualClock):
    with pytest.raises(HookRefused):
        opened().verify(HookRequest("POST", "/", {}, b"", clock.now()))


async def test_whoever_stops_listening_leaves_nothing_open(opened: Open, mailbox: Mailbox):
    made = mail()
    attach(made, "bigbuckbunny.mp4")
    mailbox.deliver(made)
    system = opened()
    (delivery,), _ = await polled(system)
    chunks = system.open(delivery.files[0])
    await anext(chunks)
    await chunks.aclose()  # type: ignore[attr-defined]
