"""Builds the documents of a feed, and the index of what one holds."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

from syncd.systems.feed import reading
from syncd.systems.feed.items import Item, Node
from syncd.systems.feed.merging import Shown
from syncd.systems.feed.spec import NAMESPACE

_HEAD = f'<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:g="{NAMESPACE}">\n  <channel>\n'
_TAIL = "  </channel>\n</rss>\n"


@dataclass(slots=True)
class Entry:
    """An item in short: `places` holds where its id stands, counted from 1 and with its title."""

    shown: Shown
    names: dict[str, str]
    places: list[str] = field(default_factory=list)

    @property
    def twice(self) -> str:
        """The complaint about an id that several items have, "" if this is the only one."""
        return f"its id stands {len(self.places)} times: {' and '.join(self.places)}" if len(self.places) > 1 else ""


@dataclass(slots=True)
class Index:
    """A document in short: items by id, in order."""

    entries: dict[str, Entry] = field(default_factory=dict)

    def add(self, number: int, item: Item) -> None:
        place = f"item {number} ({item.value('title') or 'without title'})"
        known = self.entries.get(item.id)
        if known is None:
            shown = Shown(tuple(item.images), tuple(item.videos))
            self.entries[item.id] = Entry(shown, item.names(), [place])
        else:
            known.places.append(place)


def index(file: IO[bytes], name: str) -> Index:
    """What a document holds; items without an id cannot be spoken of and are left out."""
    found = Index()
    for number, item in enumerate(reading.read(file, name, reading.Channel()), 1):
        if item.id:
            found.add(number, item)
    return found


def build(source: Callable[[reading.Channel], Iterator[Item]], about: Sequence[Node]) -> dict[str, tuple[str, bytes]]:
    """Both documents.

    Args:
        source: gives all items, from the first, each time it is called: once for the columns, once for the rows; and
            fills what the feed says of itself.
        about: said of the feed where the source says nothing.

    Returns:
        extension → (media type, content).
    """
    columns: dict[str, None] = {}
    channel = reading.Channel()
    for item in source(channel):
        columns.update(dict.fromkeys(item.cells()))
    xml, tsv = io.StringIO(), io.StringIO()
    xml.write(_HEAD + "".join(f"    {node.xml()}\n" for node in channel.nodes or about))
    writer = csv.DictWriter(tsv, list(columns), restval="", dialect=csv.excel_tab, lineterminator="\n")
    writer.writeheader()
    for item in source(reading.Channel()):
        xml.write(item.xml())
        writer.writerow(item.cells())
    xml.write(_TAIL)
    return {
        "xml": ("application/xml; charset=utf-8", xml.getvalue().encode()),
        "tsv": ("text/tab-separated-values; charset=utf-8", tsv.getvalue().encode()),
    }
