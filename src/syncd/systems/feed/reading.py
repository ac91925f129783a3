"""Reads a feed, RSS 2.0 or TSV, item by item, in constant memory."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import IO
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler, feature_namespaces
from xml.sax.xmlreader import AttributesNSImpl

from defusedxml import sax
from defusedxml.common import DefusedXmlException

from syncd.errors import HostileInput, RejectedError
from syncd.systems.feed.items import IMAGE, MEDIA, MORE_IMAGES, Item, Node
from syncd.systems.feed.spec import NAMESPACE

_CHUNK = 2**18
_ITEM_DEPTH = 3  # rss, channel, item
_DEEPEST = 8
_CELL = 2**20
_CUT = "Have it exported again; the copy read is incomplete."


class Channel:
    """Collects what the feed says of itself."""

    def __init__(self, nodes: list[Node] | None = None) -> None:
        self.nodes: list[Node] = [] if nodes is None else nodes


def read(file: IO[bytes], name: str, channel: Channel) -> Iterator[Item]:
    """
    Args:
        file: at its beginning.
        name: of the feed in messages.
        channel: receives the fields beside the items.

    Yields:
        the items in order.

    Raises:
        RejectedError: (while iterating) no feed, or cut off. HostileInput: XML with a DTD or entities.
    """
    start = file.read(_CHUNK)
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text:
        raise RejectedError(f"{name} is empty.", remedy=_CUT)
    file.seek(0)
    yield from _xml(file, name, channel) if text.startswith(b"<") or b"\0" in text[:4] else _tsv(file, name)


def _xml(file: IO[bytes], name: str, channel: Channel) -> Iterator[Item]:
    handler = _Handler(channel, name)
    parser = sax.make_parser()
    parser.forbid_dtd = True
    parser.setFeature(feature_namespaces, True)
    parser.setContentHandler(handler)
    try:
        while chunk := file.read(_CHUNK):
            parser.feed(chunk)
            yield from handler.taken()
        parser.close()
    except SAXParseException as error:
        place = f"{name}:{error.getLineNumber()}:{(error.getColumnNumber() or 0) + 1}"
        raise RejectedError(f"{place}: {error.getMessage()}.", remedy=_CUT) from error
    except DefusedXmlException as error:
        raise HostileInput("xml-dtd", f"{name} holds a DTD or entities, which no feed needs.") from error
    if not handler.feed:
        raise RejectedError(f"{name} is no RSS 2.0 feed.", remedy="Name an RSS 2.0 feed or a TSV as `base`.")
    yield from handler.taken()


class _Handler(ContentHandler):
    """Builds items from parser events; forgets each once it was taken."""

    def __init__(self, channel: Channel, name: str) -> None:
        super().__init__()
        self._channel, self._name = channel, name
        self._path: list[str] = []
        self._open: list[Node] = []
        self._text: list[str] = []
        self._item: Item | None = None
        self._done: list[Item] = []
        self.feed = False

    def taken(self) -> list[Item]:
        """The items that were completed since the last call."""
        done, self._done = self._done, []
        return done

    def startElementNS(self, name: tuple[str | None, str], qname: str | None, attrs: AttributesNSImpl) -> None:  # noqa: N802  # the parser's name
        uri, local = name
        self._flush()
        self._path.append(local)
        depth = len(self._path)
        if depth > _DEEPEST:
            raise HostileInput("xml-depth", f"{self._name} nests elements deeper than a feed does.")
        if depth == 2:
            self.feed = self._path == ["rss", "channel"] or self.feed
        if self._path[:_ITEM_DEPTH] == ["rss", "channel", "item"] and depth == _ITEM_DEPTH:
            self._item = Item([])
        elif self._path[:2] == ["rss", "channel"] and depth >= _ITEM_DEPTH:
            plain = tuple((key[1], value) for key, value in attrs.items() if not key[0])
            self._open.append(Node(uri or "", local, attributes=plain))

    def characters(self, content: str) -> None:
        self._text.append(content)

    def endElementNS(self, name: tuple[str | None, str], qname: str | None) -> None:  # noqa: N802  # the parser's name
        depth = len(self._path)
        self._flush()
        self._path.pop()
        if self._open:
            self._keep(self._open.pop())
        elif depth == _ITEM_DEPTH and self._item is not None:
            self._done.append(self._item)
            self._item = None

    def _flush(self) -> None:
        """Give the text read since the last tag to whom it belongs."""
        text = "".join(self._text)
        self._text.clear()
        if text and self._open:
            node = self._open[-1]
            if node.children:
                node.children[-1].tail += text
            else:
                node.text += text

    def _keep(self, node: Node) -> None:
        if self._open:
            self._open[-1].children.append(node)
        elif self._item is None:
            self._channel.nodes.append(node)
        elif node.name in MEDIA and node.uri in ("", NAMESPACE):
            _add_media(self._item, node.name, [node.plain().strip()])
        else:
            self._item.nodes.append(node)


def _add_media(item: Item, name: str, urls: list[str]) -> None:
    found = [url for url in urls if url]
    if name == IMAGE:
        item.images[:0] = found
    elif name == MORE_IMAGES:
        item.images += found
    else:
        item.videos += found


def _tsv(file: IO[bytes], name: str) -> Iterator[Item]:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    csv.field_size_limit(_CELL)
    reader = csv.reader(text, delimiter="\t")
    try:
        header = [cell.strip() for cell in next(reader, [])]
        if "id" not in header:
            raise RejectedError(f"{name} is neither XML nor a TSV with a column id.", remedy="Correct `base`.")
        for cells in reader:
            if len(cells) > len(header) or (cells and len(cells) < min(len(header), 2)):
                raise RejectedError(f"{name}:{reader.line_num}: cells do not fit the columns.", remedy=_CUT)
            if cells:
                yield _row(dict(zip(header, cells, strict=False)))
    except (UnicodeDecodeError, csv.Error) as error:
        raise RejectedError(f"{name}:{reader.line_num}: {error}.", remedy="Export it as UTF-8 TSV.") from error
    finally:
        text.detach()


def _row(cells: dict[str, str]) -> Item:
    item = Item([])
    for column, cell in cells.items():
        name, _, parts = column.replace(" ", "_").removesuffix(")").partition("(")
        if not cell:
            continue
        if name in MEDIA:
            _add_media(item, name, [url.strip() for url in cell.split(",")])
        elif parts:
            for group in cell.split(","):
                values = [re.sub(r"\\(.)", r"\1", value) for value in re.split(r"(?<!\\):", group.strip())]
                children = [Node(NAMESPACE, part, value) for part, value in zip(parts.split(":"), values, strict=False)]
                item.nodes.append(Node(NAMESPACE, name, children=children))
        else:
            item.nodes.append(Node(NAMESPACE, name, cell))
    return item
