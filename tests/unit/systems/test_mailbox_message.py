"""What a message is made of, how it is stored and found again, and what it states; checkpoints, options."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.support.message import GIVEN, OPTIONS, message

from syncd.domain.delivery import DeliveredFile
from syncd.errors import RejectedError
from syncd.systems.mailbox import statement, structure, tokens, whereabouts
from syncd.systems.mailbox.message import Message, addresses, headers
from syncd.systems.mailbox.options import MailboxOptions
from syncd.systems.mailbox.polling import Checkpoint
from syncd.systems.mailbox.structure import Part
from syncd.systems.mailbox.whereabouts import Whereabouts

# --- structure and items ----------------------------------------------------------------------------------------------

LEAF = (b"image", b"jpeg", (b"NAME", b"a.jpg"), b"<c@x>", None, b"BASE64", 100, None, (b"inline", None), None, None)


def test_sections_are_numbered_as_servers_do():
    inner = ((LEAF, LEAF, b"mixed"), b"x")[0]
    envelope = (None, b"s", None, None, None, ((None, None, b"to", b"x.example"),), None, None, None, b"<in@x>")
    mail = (b"message", b"rfc822", None, None, None, b"7bit", 500, envelope, inner, 9)
    single = (b"message", b"rfc822", None, None, None, b"7bit", 500, envelope, LEAF, 9)
    found = structure.parts(([LEAF, ([LEAF, LEAF], b"related"), mail, single], b"mixed"))
    assert [(part.section, part.media_type) for part in found] == [
        ("1", "image/jpeg"), ("2.1", "image/jpeg"), ("2.2", "image/jpeg"), ("3", "message/rfc822"),
        ("3.1", "image/jpeg"), ("3.2", "image/jpeg"), ("4", "message/rfc822"), ("4.1", "image/jpeg"),
    ]  # fmt: skip
    assert [part.related for part in found[:3]] == [False, True, True]
    assert [part.nested for part in found[3:6]] == [False, True, True]
    assert (found[3].message_id, found[3].to) == ("<in@x>", ("to@x.example",))
    assert structure.parts(LEAF)[0].section == "1"
    assert found[0].cid == "c@x"


def test_an_encrypted_mail_is_one_part():
    body = ([LEAF, LEAF], b"encrypted")
    assert [(part.section, part.media_type) for part in structure.parts(body)] == [("1", "multipart/encrypted")]


@pytest.mark.parametrize("body", [None, (), (b"image",), ([LEAF] * 300, b"mixed"), ([()], b"mixed")])
def test_a_structure_no_mail_has_is_refused(body: Any):
    with pytest.raises(ValueError, match=r"."):
        structure.parts(body)


def test_headers_are_unfolded_and_only_those_that_count_are_kept():
    raw = b"From: a@x.example\r\nX-Other: y\r\nSubject: one\r\n two\r\nReferences: <1@x>\r\n\t<2@x>\r\nTo: \xff\r\n\r\n"
    assert headers(raw) == (
        ("from", "a@x.example"), ("subject", "one two"), ("references", "<1@x>\t<2@x>"), ("to", "ÿ"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("Mia K. <Mia@Creators.example>", [("Mia K.", "mia@creators.example")]),
        ('"boss@acme.example" <evil@x.example>', [("boss@acme.example", "evil@x.example")]),
        ("=?utf-8?q?Zo=C3=AB?= <zoe@x.example>", [("Zoë", "zoe@x.example")]),
        ("undisclosed:;", []),
        ("nobody", []),
        ("<>", []),
        ("a@x.example\x00", []),
    ],
)
def test_addresses_are_read_or_none(value: str, found: list[tuple[str, str]]):
    assert addresses(value) == found


@given(st.text(max_size=200))
def test_no_header_breaks_the_reading_of_addresses(noise: str):
    addresses(noise)


@given(st.integers(1, 2**31), st.integers(1, 2**31), st.integers(0, 2**31))
def test_the_vendor_s_id_does_not_depend_on_where_a_mail_lies(validity: int, uid: int, at: int):
    place = {"folder": "Other", "validity": validity, "uid": uid, "at": at}
    assert message().to_item().vendor_id == message().model_copy(update=place).to_item().vendor_id


def test_another_mail_under_the_same_message_id_is_no_duplicate():
    others = [
        message(plain="x"), message(parts=(Part(section="1", media_type="image/jpeg", size=1),)),
        message(said={"from": "evil@creators.example"}),
    ]  # fmt: skip
    assert len({each.to_item().vendor_id for each in (message(), *others)}) == 4
    assert message(said={"message-id": ""}).to_item().vendor_id is None


@given(st.text(max_size=50), st.text(max_size=50))
def test_an_item_is_read_as_it_was_stored(plain: str, subject: str):
    stored = message(plain="".join(c for c in plain if c.isprintable()), said={"subject": ascii(subject)})
    assert Message.of_item(stored.to_item()) == stored


FIELD = b"BODY[HEADER.FIELDS (MESSAGE-ID)]"
AT_1000 = datetime(1970, 1, 1, 0, 16, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "found", "same"),
    [
        ("<1@x>", {FIELD: b"Message-ID: <1@x>\r\n\r\n", b"INTERNALDATE": AT_1000}, True),
        ("<1@x>", {FIELD: b"Message-Id:\r\n <1@x>\r\n\r\n", b"RFC822.SIZE": 9}, True),
        ("<1@x>", {FIELD: b"Message-ID: <1@x>\r\nMessage-ID: <2@x>\r\n", b"RFC822.SIZE": 9}, True),
        ("<1@x>", {FIELD.replace(b"MESSAGE-ID", b'"Message-ID"'): b"Message-ID: <1@x>", b"RFC822.SIZE": 9}, True),
        ("<1@x>", {FIELD: b"Message-ID: <11@x>\r\n\r\n", b"INTERNALDATE": AT_1000, b"RFC822.SIZE": 9}, False),
        (
            "<1@x>",
            {FIELD: b"Message-ID: <1@x>\r\n\r\n", b"INTERNALDATE": AT_1000 + timedelta(1), b"RFC822.SIZE": 8},
            False,
        ),
        ("", {b"INTERNALDATE": AT_1000, b"RFC822.SIZE": 9}, True),
        ("", {b"INTERNALDATE": AT_1000, b"RFC822.SIZE": 8}, False),
    ],
)
def test_a_message_is_known_again_wherever_it_went(said: str, found: dict[bytes, Any], same: bool):
    where = Whereabouts.of(message(said={"message-id": said}, size=9))
    assert where.fits(found) is same


@given(st.text(), st.text())
def test_a_reference_is_read_as_written(folder: str, name: str):
    where = Whereabouts(folder.encode("utf-8", "replace").decode(), 1, 2, 3, 4, "a&b=c@x")
    file = DeliveredFile(key="k", name=name, reference=where.reference(section="1.2", of=3))
    assert whereabouts.read(file) == (where, {"section": "1.2", "of": "3"})


@pytest.mark.parametrize("reference", ["", "https://x.example/a.jpg", "mail:?folder=INBOX", "mail:?validity=x"])
def test_what_refers_to_no_mail_is_refused(reference: str):
    with pytest.raises(RejectedError, match="no part of a mail"):
        whereabouts.read(DeliveredFile(key="k", name="a.jpg", reference=reference))


# --- statements -------------------------------------------------------------------------------------------------------


def test_what_is_neither_yes_nor_no_is_asked_about():
    assert statement.deliveries(message(plain="withdrawn: yes"), OPTIONS)[0].withdrawn
    with pytest.raises(RejectedError, match="neither yes nor no"):
        statement.deliveries(message(plain="withdrawn: perhaps"), OPTIONS)


@pytest.mark.parametrize(("said", "shown"), [("no", False), ("", False), ("yes", True), ("Ana and Mia", True)])
def test_named_people_are_shown_people(said: str, shown: bool):
    assert statement.deliveries(message(plain=f"people: {said}"), OPTIONS)[0].people_shown is shown


def test_more_files_than_a_person_sends_are_shown_to_a_person():
    links = "\n".join(f"https://x.example/{number}.jpg" for number in range(4_000))
    with pytest.raises(RejectedError, match=r"“Glow” from mia@creators\.example holds more than 200 files"):
        statement.deliveries(message(plain=links), OPTIONS)


def test_a_reply_says_nothing_of_what_it_does_not_mention():
    (first,) = statement.deliveries(message(plain="brief: x\npeople: yes\nsku: A"), OPTIONS)
    subject = f"Re: Glow [syncd {tokens.token(first.external_id, 'mia@creators.example', OPTIONS.reply_keys)}]"
    (second,) = statement.deliveries(message(plain="terms: t", said={"subject": subject}), OPTIONS)
    both = second.after(first)
    assert (both.title, both.brief, both.terms, both.people_shown, both.skus) == ("Glow", "x", "t", True, ("A",))


@pytest.mark.parametrize(("address", "told"), [("mia@creators.example", True), ("zoe@creators.example", False)])
def test_a_bounce_in_plain_words_is_told_if_it_returns_what_we_sent_there(address: str, told: bool):
    token = tokens.token(tokens.begun_by(message()), "mia@creators.example", OPTIONS.reply_keys)
    plain = f"<{address}>:\nNo mailbox here.\n\nMessage-ID: {tokens.message_id(token, '1:x', 'acme.example')}\n"
    report = message(said={"from": "MAILER-DAEMON@mx.creators.example"}, plain=plain)
    if not told:
        assert statement.deliveries(report, OPTIONS) == []
        return
    with pytest.raises(RejectedError, match=r"An answer to mia@creators\.example did not arrive"):
        statement.deliveries(report, OPTIONS)


def test_declared_keys_become_fields_and_others_do_not():
    options = MailboxOptions.model_validate(GIVEN | {"keys": ["rights until"]})
    (found,) = statement.deliveries(message(plain="Rights until: 2027-03-31\nmood: sunny"), options)
    assert found.fields == {"rights until": "2027-03-31"}


def test_a_mail_that_could_not_be_read_is_told():
    with pytest.raises(RejectedError, match="cannot be read: why"):
        statement.deliveries(message(fault="why"), OPTIONS)


# --- checkpoint -------------------------------------------------------------------------------------------------------


@given(st.dictionaries(st.text(max_size=9), st.tuples(*[st.integers(0, 2**32)] * 2), max_size=4))
def test_a_checkpoint_is_read_as_written(folders: dict[str, tuple[int, int]]):
    written = Checkpoint.read("")
    for folder, (validity, uid) in folders.items():
        written.of(folder, validity, uid + 1, None)
        written.advance(folder, uid)
    assert Checkpoint.read(written.text()).text() == written.text()


# --- options ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"authserv_id": ""}, "authserv_id is missing"),
        ({"reply_keys": ["short"]}, "16 characters"),
        ({"reply_keys": [], "smtp": {"host": "localhost", "tls": "none"}}, "reply_keys is missing"),
        ({"address": "nobody"}, "no mail address"),
        ({"mark": "two words"}, "no IMAP keyword"),
        ({"move_to": "INBOX"}, "is watched"),
        ({"folders": []}, "at least 1"),
        ({"imap": GIVEN["imap"] | {"host": "imap.acme.example"}}, "plaintext: true"),
        ({"imap": GIVEN["imap"] | {"token": "both"}}, "not both"),
        ({"imap": GIVEN["imap"] | {"password": ""}}, "a login is"),
        ({"imap": {"host": "localhost"}}, "a mailbox is read with"),
    ],
)
def test_options_that_cannot_work_are_refused_without_telling_secrets(changed: dict[str, Any], why: str):
    with pytest.raises(ValidationError) as refused:
        MailboxOptions.model_validate(GIVEN | changed)
    assert why in str(refused.value)
    assert "secret" not in str(refused.value)


def test_the_usual_ports_follow_from_tls():
    given_ = GIVEN | {"imap": GIVEN["imap"] | {"host": "h", "tls": "tls"}, "smtp": {"host": "s"}}
    options = MailboxOptions.model_validate(given_)
    assert options.smtp is not None
    assert (options.imap.name, options.smtp.name) == ("h:993", "s:587")
