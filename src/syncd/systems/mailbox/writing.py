"""What a person wrote themselves in a mail: without quotes and signature; keys at the top, hashtags, links."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import ClassVar

from syncd.systems.mailbox.decoding import clean

_QUOTED = re.compile(
    r"^(?:-{2,} ?(?:original|forwarded|weitergeleitet|ursprüngliche).*|_{10,}|-- |--|"
    r"on .{5,200} wrote:|am .{5,200} schrieb.{0,100}:|le .{5,200} a écrit ?:|from: .+@.+)\s*$",
    re.IGNORECASE,
)
_KEY = re.compile(r"\s*([A-Za-z][A-Za-z0-9_ -]{0,39}?)\s*:\s*(.*\S)?\s*")
_LINK = re.compile(r"https?://[^\s<>\"'\x00-\x1f]+", re.IGNORECASE)
_HASHTAG = re.compile(r"(?<![\w&/#])#(\w{1,100})")
_UNCLOSED = re.compile(r"<(?=[^<>]*(?:<|\Z))")
_LONGEST_LINK = 2_000
_MOST_LINKS = 500  # far more than are taken
_BLOCKS = frozenset(("p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "table", "ul", "ol", "hr"))
_UNSEEN = frozenset(("script", "style", "head", "title", "blockquote"))
_QUOTES = ("gmail_quote", "yahoo_quoted", "moz-cite-prefix", "divRplyFwdMsg", "gmail_signature")


@dataclass(slots=True)
class Writing:
    """What was found: `said` are keys with their values, `cids` the Content-IDs of pictures shown inside the text."""

    said: dict[str, str] = field(default_factory=dict)
    hashtags: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    cids: frozenset[str] = frozenset()


def read(plain: str, html: str, keys: Iterable[str]) -> Writing:
    """Read a mail's text.

    Args:
        plain: its text/plain, if it has one.
        html: its text/html, if it has one.
        keys: what may stand before a colon at the top.
    """
    page = Page()
    page.feed(_well_marked(html))
    page.close()
    text = own(plain if plain.strip() else page.text)
    said, rest = _keyed(text, {_spelled(key): key for key in keys})
    shown = _LINK.sub(" ", rest)
    links = dict.fromkeys([*map(_trimmed, _LINK.findall(rest)), *(page.links if html else [])])
    return Writing(
        said,
        tuple(dict.fromkeys(_HASHTAG.findall(shown))),
        tuple(link for link in links if len(link) <= _LONGEST_LINK)[:_MOST_LINKS],
        frozenset(page.cids),
    )


def own(text: str) -> str:
    """The text without what it quotes and without a signature."""
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if _QUOTED.match(line[:400]):
            break
        if not line.lstrip().startswith(">"):
            lines.append(line)
    return "\n".join(lines)


def _keyed(text: str, known: dict[str, str]) -> tuple[dict[str, str], str]:
    """The `Key: value` lines at the top, and what follows them."""
    said: dict[str, str] = {}
    lines = text.strip().split("\n")
    for place, line in enumerate(lines):
        found = _KEY.fullmatch(line[:2_000])
        key = known.get(_spelled(found[1])) if found else None
        if found is None or key is None:
            return said, "\n".join(lines[place:])
        said.setdefault(key, found[2] or "")
    return said, ""


def _spelled(key: str) -> str:
    return re.sub(r"[ _-]+", "_", key.strip().lower())


def _trimmed(link: str) -> str:
    """A link in running text without the punctuation that follows it."""
    plain = link.rstrip(".,;:!?*_")
    while plain.endswith((")", "]", "}")) and plain.count(plain[-1]) > plain.count("([{"[")]}".index(plain[-1])]):
        plain = plain[:-1].rstrip(".,;:!?*_")
    return plain


def _well_marked(html: str) -> str:
    """HTML without comments and without marks that are never closed: the library's parser takes minutes over many."""
    first, *others = html.split("<!--")
    shown = first + "".join(other.partition("-->")[2] for other in others)
    return _UNCLOSED.sub("&lt;", shown)


class Page(HTMLParser):
    """The text of an HTML mail, the links of what is not quoted, and the pictures it shows."""

    _VOID: ClassVar[frozenset[str]] = frozenset(("br", "img", "hr", "input", "meta", "link", "area", "col", "wbr"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._hidden: list[str] = []
        self.links: list[str] = []
        self.cids: set[str] = set()

    @property
    def text(self) -> str:
        return re.sub(r"[ \t]*\n[ \t]*", "\n", clean("".join(self._pieces)))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "img" and given.get("src", "").lower().startswith("cid:"):
            self.cids.add(given["src"][4:].strip("<> "))
        marks = f"{given.get('class', '')} {given.get('id', '')}"
        if self._hidden or tag in _UNSEEN or any(mark in marks for mark in _QUOTES):
            if tag not in self._VOID and (not self._hidden or tag == self._hidden[0]):
                self._hidden.append(tag)
            return
        if tag in _BLOCKS:
            self._pieces.append("\n")
        if tag == "a" and _LINK.fullmatch(given.get("href", "").strip()):
            self.links.append(given["href"].strip())

    def handle_endtag(self, tag: str) -> None:
        if self._hidden and tag == self._hidden[-1]:
            self._hidden.pop()

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            # Line ends of the source are spaces; only elements begin lines.
            self._pieces.append(re.sub(r"\s+", " ", data))
