"""A mailbox on a real server (Dovecot): what comes in, where it goes on, whom it believes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from tests.support.dovecot import Dovecot
from tests.support.mail import MEDIA, MIA, OWNER, PROVEN, Mailbox, attach, mail
from tests.support.mailbox import Open, content, pages, polled, store
from tests.support.systems import Host

from syncd.errors import HostileInput, NotFoundError, RejectedError, TransientError
from syncd.sdk.source import Stored
from syncd.systems.mailbox.imap import Imap


def forbid_fetching(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> bytes:
        raise AssertionError("something was fetched")

    monkeypatch.setattr(Imap, "chunk", refused)


# --- what comes in ----------------------------------------------------------------------------------------------------


async def test_attachments_arrive_byte_for_byte(opened: Open, mailbox: Mailbox):
    made = mail(
        text="Brief: summer-glow\nterms: creator-2026\nSKU: GL-0412, GL-0413\npeople: yes\n\nLove it #glow #Sun"
    )
    photo = attach(made, "hiking.jpg", called="IMG_0042.HEIC", kind="image/heic")
    video = attach(made, "bigbuckbunny.mp4", called="Größe.MOV", kind="video/quicktime")
    mailbox.deliver(made)
    system = opened()
    (delivery,), _ = await polled(system)
    assert (delivery.title, delivery.brief, delivery.terms) == ("Glow at the beach", "summer-glow", "creator-2026")
    assert (delivery.skus, delivery.hashtags, delivery.people_shown) == (("GL-0412", "GL-0413"), ("glow", "Sun"), True)
    assert delivery.creator is not None
    assert (delivery.creator.mail, delivery.creator.name) == (MIA, "Mia K.")
    assert [(file.key, file.name, file.media_type) for file in delivery.files] == [
        ("IMG_0042", "IMG_0042.HEIC", "image/heic"), ("Größe.video", "Größe.MOV", "video/quicktime"),
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
    with pytest.raises(HostileInput, match=r"bigbuckbunny.mp4 has 1.1 MB; by mail 0.1 MB.*Send a link") as refused:
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


@pytest.mark.parametrize("what", ["process", "connection"])
async def test_polling_goes_on_from_its_checkpoint_without_gap_or_repeat(opened: Open, mailbox: Mailbox, what: str):
    names = [f"mail {number}" for number in range(25)]
    for number, name in enumerate(names):
        made = mail(name, f"title: {name}", message_id=f"<{number}@creators.example>")
        mailbox.deliver(made, minute=number)
    system, since, found = opened(), "", []
    with suppress(TransientError):
        async for page in system.poll(""):
            since = page.checkpoint
            found += [delivery.title for item in page.items for delivery in system.receive(item)]
            if what == "process":
                break
            await system.close()
    assert 0 < len(found) < 25
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


async def test_where_the_server_takes_no_keywords_a_message_is_moved_all_the_same(
    opened: Open, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
):
    choose = Imap.choose

    def keywordless(self: Imap, folder: str, *, write: bool = False) -> None:
        choose(self, folder, write=write)
        self.takes_keywords = False

    monkeypatch.setattr(Imap, "choose", keywordless)
    mailbox.create("Stored")
    made = mail()
    attach(made, "wine.jpg")
    mailbox.deliver(made)
    system = opened(move_to="Stored")
    (delivery,), _ = await polled(system)
    await store(system, delivery)
    assert mailbox.flags("Stored") == [set()]


@pytest.fixture(scope="module")
def modest(dovecot: Dovecot) -> Iterator[Dovecot]:
    """A server for the same mail that knows no MOVE."""
    server = dovecot.beside("IMAP4rev1 SASL-IR LITERAL+ UIDPLUS UNSELECT")
    yield server
    server.stop()


@pytest.mark.parametrize("server", ["dovecot", "modest"])
async def test_a_stored_message_is_moved_alone_and_still_opens(
    opened: Open, mailbox: Mailbox, request: pytest.FixtureRequest, server: str
):
    photos = []
    for number, name in enumerate(["wine.jpg", "rocket.jpg"]):
        made = mail(message_id=f"<{number}@creators.example>")
        photos.append(attach(made, name))
        mailbox.deliver(made, minute=number)
    mailbox.create("Stored")
    system = opened(move_to="Stored", imap={"port": request.getfixturevalue(server).port})
    (first, second), since = await polled(system)
    for _ in range(2):
        await store(system, first)
    assert mailbox.flags() == [set()]
    assert mailbox.flags("Stored") == [{"$SyncdStored"}]
    assert [await content(system, each) for each in (first, second)] == photos
    assert await polled(system, since) == ([], since)


async def test_a_move_that_was_interrupted_after_the_copy_is_completed(opened: Open, mailbox: Mailbox, modest: Dovecot):
    made = mail()
    attach(made, "wine.jpg")
    mailbox.deliver(made)
    mailbox.create("Stored")
    mailbox.deliver(made, folder="Stored")
    system = opened(move_to="Stored", imap={"port": modest.port})
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
