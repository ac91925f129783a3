"""What the pure parts read in a mail: proof of its sender, what its sender wrote, links; nothing keeps them busy."""

from __future__ import annotations

from contextlib import suppress
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.message import OPTIONS, message

from syncd.errors import RejectedError
from syncd.systems.mailbox import files, proof, statement, writing

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


@pytest.mark.parametrize("unit", ['"', ",", "a@b,", "(", "<", "@", "=?a?q?", "<syncd.", "; ", "\\", ":;", "[syncd "])
def test_no_header_keeps_the_reading_busy(unit: str):
    names = ("from", "subject", "message-id", "references", "authentication-results", "content-type")
    long = (unit * 8_000)[:8_000]
    started = perf_counter()
    for name in names:
        mail = message(said={name: long}, plain="brief: x")
        with suppress(RejectedError):
            statement.deliveries(mail, OPTIONS)
    proof.missing([f"mx.acme.example;{long}"], "mx.acme.example", "dkim", "x.example")
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
