"""A mailbox on a real server answers by a real one (aiosmtpd), and knows the replies."""

from __future__ import annotations

import re
from email import message_from_bytes

import pytest
from tests.support.mail import MEDIA, MIA, OWNER, Mailbox, bounce, corrected
from tests.support.mailbox import KEY, Open, answered, content, pages, polled, status, submitted
from tests.support.post import PostOffice

from syncd.errors import RejectedError
from syncd.sdk.source import Reason

CUT = Reason("cut-off", "Product is cut off.")


async def test_an_answer_says_in_plain_words_what_is_wrong_and_what_can_be_mended(
    opened: Open, mailbox: Mailbox, post: PostOffice
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


async def test_an_answer_made_again_has_the_same_id_and_another_has_another(
    opened: Open, mailbox: Mailbox, post: PostOffice
):
    delivery, _ = await submitted(opened(post=post), mailbox)
    system = opened(post=post)
    note = ""
    for state in ("received", "changes", "received", "changes"):
        asked = status(delivery, state, note=note)
        note = await answered(system, asked)
        assert await answered(system, asked) == note  # the ledger did not take it at once
    await opened(post=post).respond(asked)  # and another process took it up
    ids = [answer["Message-ID"] for answer in post.taken]
    assert len(set(ids)) == 4
    assert ids[3] == ids[4]


async def test_with_a_folder_for_copies_an_answer_is_sent_once(opened: Open, mailbox: Mailbox, post: PostOffice):
    mailbox.create("Sent")
    delivery, _ = await submitted(opened(post=post), mailbox)
    for _ in range(2):
        await opened(post=post, sent="Sent").respond(status(delivery))
    assert len(post.taken) == 1
    assert mailbox.flags("Sent") == [{"\\Seen"}]


async def test_a_copy_that_the_server_keeps_itself_is_not_doubled(opened: Open, mailbox: Mailbox, post: PostOffice):
    mailbox.create("Sent")
    post.on_taken = lambda mail: mailbox.deliver(bytes(mail), folder="Sent")
    delivery, _ = await submitted(opened(post=post), mailbox)
    for _ in range(2):
        await opened(post=post, sent="Sent").respond(status(delivery))
    assert (len(post.taken), len(mailbox.flags("Sent"))) == (1, 1)


@pytest.mark.parametrize("sender", ["No Reply <no-reply@creators.example>", "donotreply+7@creators.example"])
async def test_nobody_answers_an_address_that_nobody_reads(
    opened: Open, mailbox: Mailbox, post: PostOffice, sender: str
):
    system = opened(post=post)
    delivery, _ = await submitted(system, mailbox, sender=sender)
    await system.respond(status(delivery))
    assert post.taken == []


async def test_an_answer_is_due_once_for_each_mail_and_each_change_that_its_sender_needs_to_know(
    opened: Open, mailbox: Mailbox, post: PostOffice
):
    system = opened(post=post)
    delivery, since = await submitted(system, mailbox)
    note = ""
    for state in ("received", "in_review", "held", "in_review", "approved", "superseded"):
        note = await answered(system, status(delivery, state, note=note))
    assert [re.split(r"[.,] ", answer.get_content().splitlines()[2])[0] for answer in post.taken] == [
        "Thank you", "Your submission has arrived", "Thank you", "Your submission has been approved",
    ]  # fmt: skip
    mailbox.deliver(corrected(post.taken[-1]), minute=30)
    (again,), _ = await polled(system, since)
    await answered(system, status(again, "approved", note=note))
    assert len(post.taken) == 5
    assert post.taken[-1]["In-Reply-To"] == "<reply@creators.example>"


async def test_a_mail_that_was_moved_or_removed_is_answered_all_the_same(
    opened: Open, mailbox: Mailbox, post: PostOffice
):
    delivery, _ = await submitted(opened(), mailbox)
    mailbox.remove()
    await opened(post=post).respond(status(delivery))
    assert len(post.taken) == 1


@pytest.mark.parametrize("how", ["program", "subject", "thread"])
async def test_a_reply_is_a_later_revision_of_its_submission(
    opened: Open, mailbox: Mailbox, post: PostOffice, how: str
):
    system = opened(post=post)
    first, since = await submitted(system, mailbox, text="terms: creator-2026\nbrief: summer\n")
    await system.respond(status(first, "changes", CUT))
    mailbox.deliver(corrected(post.taken[0], how), minute=30)
    (second,), _ = await polled(system, since)
    assert second.external_id == first.external_id
    assert second.sequence is not None
    assert first.sequence is not None
    assert second.sequence > first.sequence
    assert [file.key for file in second.files] == ["wine"]
    after = second.after(first)
    assert (after.terms, after.brief, after.title) == ("creator-2026", "summer", "Glow at the beach")
    assert await content(system, second) == (MEDIA / "rocket.jpg").read_bytes()


@pytest.mark.parametrize("fault", ["other sender", "forged", "other key"])
async def test_a_token_that_was_not_given_to_this_sender_begins_a_new_submission(
    opened: Open, mailbox: Mailbox, post: PostOffice, fault: str
):
    system = opened(post=post)
    first, since = await submitted(system, mailbox)
    await system.respond(status(first, "changes", CUT))
    (answer,) = post.taken
    made = corrected(answer, "program", "Zoe <zoe@creators.example>" if fault == "other sender" else MIA)
    raw = made.as_bytes()
    if fault == "forged":
        token = answer["Subject"].partition("[syncd ")[2][:29]
        raw = raw.replace(token.encode(), f"{token[:-4]}{'AAAA' if token[-4:] != 'AAAA' else 'BBBB'}".encode())
    mailbox.deliver(raw.replace(b"\n", b"\r\n"), minute=30)
    keys = {"reply_keys": ["quite another key, as long"]} if fault == "other key" else {}
    (second,), _ = await polled(opened(post=post, **keys), since)
    assert second.external_id != first.external_id


async def test_a_reply_signed_with_the_key_before_still_counts(opened: Open, mailbox: Mailbox, post: PostOffice):
    system = opened(post=post)
    first, since = await submitted(system, mailbox)
    await system.respond(status(first))
    mailbox.deliver(corrected(post.taken[0], "subject"), minute=30)
    (second,), _ = await polled(opened(reply_keys=["the key that replaces it", KEY]), since)
    assert second.external_id == first.external_id


async def test_an_answer_that_did_not_arrive_is_told_to_the_owner(opened: Open, mailbox: Mailbox, post: PostOffice):
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
