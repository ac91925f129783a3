"""What the pure parts make of a mail: proof, text, structure, items, options, answers."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.support.message import GIVEN, OPTIONS, message

from syncd.errors import RejectedError
from syncd.systems.mailbox import files, proof, statement, structure, writing
from syncd.systems.mailbox.message import Message, addresses, headers
from syncd.systems.mailbox.options import MailboxOptions
from syncd.systems.mailbox.polling import Checkpoint
from syncd.systems.mailbox.structure import Part

# --- proof ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "wanted", "domain", "proven"),
    [
        ("mx.a.example; dmarc=pass header.from=c.example", "dkim-or-dmarc", "c.example", True),
        ("MX.a.example 1; DMARC=Pass (p=none; x) header.from=C.example", "dmarc", "c.example", True),
        ("mx.a.example; dkim=pass header.i=@c.example", "dkim", "c.example", True),
        ("mx.a.example; dkim=pass header.d=c.example", "dkim", "shop.c.example", True),
        ("mx.a.example; dkim=pass header.d=shop.c.example", "dkim", "c.example", False),
        ("mx.a.example; dkim=pass header.d=xc.example", "dkim", "c.example", False),
        ("mx.a.example; dkim=pass header.d=example", "dkim", "c.example", False),
        ("mx.a.example; dkim=fail header.d=c.example; dkim=pass header.d=list.example", "dkim", "c.example", False),
        ("mx.a.example; dkim=fail header.d=l.example; dkim=pass header.d=c.example", "dkim", "c.example", True),
        ("mx.a.example; spf=pass smtp.mailfrom=mia@c.example", "spf", "c.example", True),
        ("mx.a.example; spf=pass smtp.mailfrom=mia@c.example", "dkim-or-dmarc", "c.example", False),
        ("mx.a.example; dmarc=pass", "dmarc", "c.example", False),
        ("mx.a.example; dkim=fail (dkim=pass header.d=c.example)", "dkim", "c.example", False),
        ('mx.a.example; dkim=fail reason="; dkim=pass header.d=c.example"', "dkim", "c.example", False),
        ("mx.a.example; dkim=fail (a (b) \\) ; dkim=pass header.d=c.example", "dkim", "c.example", False),
        ("mx.a.example; none", "dkim", "c.example", False),
        ("other.example; dkim=pass header.d=c.example", "dkim", "c.example", False),
        ("", "dkim", "c.example", False),
        ("", "none", "c.example", True),
    ],
)
def test_who_is_proven(header: str, wanted: str, domain: str, proven: bool):
    assert (proof.missing([header], "mx.a.example", wanted, domain) == "") is proven


def test_only_the_topmost_header_of_our_server_counts():
    forged = "mx.a.example; dkim=pass header.d=c.example"
    assert proof.missing(["mx.a.example; dkim=none", forged], "mx.a.example", "dkim", "c.example")
    assert not proof.missing(["other.example; dkim=fail", forged], "mx.a.example", "dkim", "c.example")


@given(st.text('mx.a.example;()"\\= dkimpasheader', max_size=200))
def test_no_header_breaks_the_judgement(noise: str):
    proof.missing([noise, f"mx.a.example;{noise}"], "mx.a.example", "dkim", "c.example")


# --- text -------------------------------------------------------------------------------------------------------------


def test_keys_stand_at_the_top_and_only_known_ones_count():
    said = writing.read(
        "\n Brief: a\nsku : X; Y\nmood: sunny\nHi team: hello\nterms: late", "", ("brief", "sku", "mood")
    )
    assert said.said == {"brief": "a", "sku": "X; Y", "mood": "sunny"}


@pytest.mark.parametrize(
    "quoting",
    [
        "> #old https://x.example/o.jpg",
        "On Sun, 22 Nov 2026 at 10:00, Acme <content@acme.example> wrote:\n#old https://x.example/o.jpg",
        "Am 22.11.2026 um 10:00 schrieb Acme:\n#old https://x.example/o.jpg",
        "-----Original Message-----\n#old https://x.example/o.jpg",
        "-- \nMia #old https://x.example/o.jpg",
        "________________________________\nFrom: Acme <a@b.example>\n#old https://x.example/o.jpg",
    ],
)
def test_what_is_quoted_or_a_signature_is_not_what_they_wrote(quoting: str):
    said = writing.read(f"Look #new https://x.example/n.jpg\n\n{quoting}", "", ())
    assert (said.hashtags, said.links) == (("new",), ("https://x.example/n.jpg",))


def test_html_alone_is_read_too():
    html = (
        "<html><head><style>#no{}</style></head><body><p>terms: a&amp;b</p><div>brief: x</div><br>#Sun "
        "<a href='https://x.example/a.jpg'>here</a><img src='cid:p1'>"
        "<div class='gmail_quote'>#old<div>deep</div><a href='https://x.example/o.jpg'>o</a></div><p>#end</p></body>"
    )
    said = writing.read("", html, ("terms", "brief"))
    assert said.said == {"terms": "a&b", "brief": "x"}
    assert said.hashtags == ("Sun", "end")
    assert said.links == ("https://x.example/a.jpg",)
    assert said.cids == {"p1"}


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("see https://x.example/a.jpg.", "https://x.example/a.jpg"),
        ("(https://x.example/a_(1).jpg)", "https://x.example/a_(1).jpg"),
        ("<https://x.example/a.jpg>", "https://x.example/a.jpg"),
    ],
)
def test_a_link_ends_where_its_sentence_goes_on(text: str, link: str):
    assert writing.read(text, "", ()).links == (link,)


@given(st.text(max_size=300), st.text("<>/divblockquote a='cid:&#! -", max_size=300))
def test_no_text_breaks_the_reading(plain: str, html: str):
    writing.read(plain, html, statement.KEYS)


@pytest.mark.parametrize(
    "unit",
    [
        "<",
        "<!",
        "<!--",
        "<a ",
        "<div>",
        "&#",
        "a@",
        "x",
        " ",
        "\n ",
        "#",
        "https://",
        "(",
        "On x",
        "-",
        "a: ",
        "b ",
        "b='",
        "</",
    ],
)
def test_no_text_keeps_the_reading_busy(unit: str):
    text = (unit * 70_000)[:65_536]
    started = perf_counter()
    writing.read(text, text, statement.KEYS)
    writing.read("", f"<a {text}>", statement.KEYS)
    statement.deliveries(message(plain="brief: x", report=text, said={"auto-submitted": "auto-replied"}), OPTIONS)
    assert perf_counter() - started < 5


@pytest.mark.parametrize(
    ("link", "hosts", "taken"),
    [
        ("https://x.example/a.JPG?k=1", ["*"], True),
        ("https://x.example/about", ["*"], False),
        ("https://dl.agency.example/about", ["*.agency.example"], True),
        ("https://dl.agency.example/about", ["*", "dl.agency.example"], True),
        ("https://x.example/a.jpg", ["dl.agency.example"], False),
        ("https://x.example/a.jpg", [], False),
        ("https://[x/a.jpg", ["*"], False),
        ("https:///a.jpg", ["*"], False),
    ],
)
def test_which_links_are_files(link: str, hosts: list[str], taken: bool):
    assert files.is_file_link(link, hosts) is taken


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


# --- statements -------------------------------------------------------------------------------------------------------


def test_what_is_neither_yes_nor_no_is_asked_about():
    assert statement.deliveries(message(plain="withdrawn: yes"), OPTIONS)[0].withdrawn
    with pytest.raises(RejectedError, match="neither yes nor no"):
        statement.deliveries(message(plain="withdrawn: perhaps"), OPTIONS)


@pytest.mark.parametrize(("said", "shown"), [("no", False), ("", False), ("yes", True), ("Ana and Mia", True)])
def test_named_people_are_shown_people(said: str, shown: bool):
    assert statement.deliveries(message(plain=f"people: {said}"), OPTIONS)[0].people_shown is shown


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
