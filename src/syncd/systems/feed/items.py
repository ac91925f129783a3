"""One item of a feed, as read and as written: its media apart, everything else as it came."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from syncd.domain.product import ProductRecord
from syncd.systems.feed.spec import NAMESPACE

IMAGE, MORE_IMAGES, VIDEO = "image_link", "additional_image_link", "video_link"
MEDIA = (IMAGE, MORE_IMAGES, VIDEO)
# XML 1.0 takes no other control characters, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True)
class Node:
    """An element inside an item: its name, the text before its first child, its children, and the text after itself."""

    uri: str
    name: str
    text: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    children: list[Node] = field(default_factory=list)
    tail: str = ""

    @property
    def group(self) -> bool:
        """Whether it is made of named parts and no text of its own."""
        return bool(self.children) and not (self.text + "".join(child.tail for child in self.children)).strip()

    def plain(self) -> str:
        """All text inside."""
        return self.text + "".join(child.plain() + child.tail for child in self.children)

    def xml(self) -> str:
        """As XML inside an element that declares `g`."""
        tag, declared = f"g:{self.name}", ""
        if self.uri != NAMESPACE:
            tag, declared = self.name, f" xmlns={quoteattr(self.uri)}" if self.uri else ""
        attributes = "".join(f" {name}={quoteattr(value)}" for name, value in self.attributes)
        inside = "".join(child.xml() + escape(clean(child.tail)) for child in self.children)
        return f"<{tag}{declared}{attributes}>{escape(clean(self.text))}{inside}</{tag}>"

    def column(self) -> str:
        """The TSV column of this element; parts of a group are named in it, as in `shipping(country:price)`."""
        return f"{self.name}({':'.join(child.name for child in self.children)})" if self.group else self.name

    def cell(self) -> str:
        """The TSV value."""
        if self.group:
            return ":".join(_flat(child.plain()).replace("\\", "\\\\").replace(":", "\\:") for child in self.children)
        return _flat(self.plain())


@dataclass(slots=True)
class Item:
    """An item: `images` in order (the first is the main one), `videos`, and all other fields in theirs."""

    nodes: list[Node]
    images: list[str] = field(default_factory=list)
    videos: list[str] = field(default_factory=list)

    def value(self, name: str) -> str:
        """The text of the first field of this name, "" if there is none."""
        return next((node.text.strip() for node in self.nodes if node.name == name), "")

    @property
    def id(self) -> str:
        return self.value("id")

    def names(self) -> dict[str, str]:
        """What the item can be found by."""
        found = {"sku": self.id, "gtin": self.value("gtin"), "mpn": self.value("mpn")}
        return {name: value for name, value in found.items() if value}

    def xml(self) -> str:
        """The whole `<item>`."""
        lines = [node.xml() for node in self.nodes]
        lines += [f"<g:{name}>{escape(clean(url))}</g:{name}>" for name, url in self._media()]
        return "    <item>\n" + "".join(f"      {line}\n" for line in lines) + "    </item>\n"

    def columns(self) -> list[str]:
        """The TSV columns it has values in."""
        return [*(node.column() for node in self.nodes), *(name for name, _ in self._media())]

    def cells(self) -> dict[str, str]:
        """The TSV row by column; repeated fields are joined by commas, as the format has it."""
        found: dict[str, list[str]] = {}
        for node in self.nodes:
            found.setdefault(node.column(), []).append(node.cell())
        for name, url in self._media():
            found.setdefault(name, []).append(_flat(url).replace(",", "%2C"))
        return {name: ",".join(values) for name, values in found.items()}

    def _media(self) -> Iterable[tuple[str, str]]:
        for place, url in enumerate(self.images):
            yield (MORE_IMAGES if place else IMAGE), url
        for url in self.videos:
            yield VIDEO, url


def of_product(product: ProductRecord) -> Item:
    """The item of a product no present feed describes: its own facts and the catalogue's fields of feed names."""
    facts = {"id": product.sku, "title": product.title, "gtin": product.gtin, "item_group_id": product.parent}
    further = {name: value for name, value in product.fields.items() if re.fullmatch(r"[a-z][a-z0-9_]*", name)}
    stated = {**{name: value for name, value in further.items() if name not in MEDIA}, **facts}
    ordered = ["id", *(name for name in stated if name != "id")]
    return Item([Node(NAMESPACE, name, stated[name]) for name in ordered if stated[name]])


def clean(text: str) -> str:
    """`text` without characters XML cannot hold."""
    return _FORBIDDEN.sub("", text)


def _flat(text: str) -> str:
    """`text` on one line without tabs: the TSV format has no escape for them."""
    return re.sub(r"[\t\r\n]+", " ", clean(text)).strip()
