"""Builds the documents of a feed, and the index of what one holds."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
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
    """A document in short: items by id, in order; its TSV columns; what it says of itself."""

    entries: dict[str, Entry] = field(default_factory=dict)
    columns: dict[str, None] = field(default_factory=dict)
    about: list[Node] = field(default_factory=list)

    def add(self, number: int, item: Item) -> None:
        place = f"item {number} ({item.value('title') or 'without title'})"
        known = self.entries.get(item.id)
        if known is None:
            shown = Shown(tuple(item.images), tuple(item.videos))
            self.entries[item.id] = Entry(shown, item.names(), [place])
        else:
            known.places.append(place)


def index(file: IO[bytes], name: str) -> Index:
    """What a document holds; items without an id cannot be spoken of and have no entry."""
    found = Index()
    channel = reading.Channel(found.about)
    for number, item in enumerate(reading.read(file, name, channel), 1):
        found.columns.update(dict.fromkeys(item.columns()))
        if item.id:
            found.add(number, item)
    return found


def build(items: Iterable[Item], columns: Sequence[str], about: Sequence[Node]) -> dict[str, tuple[str, bytes]]:
    """Both documents.

    Args:
        items: to write, in order.
        columns: of the TSV: all that any item has.
        about: what the feed says of itself.

    Returns:
        extension → (media type, content).
    """
    xml, tsv = io.StringIO(), io.StringIO()
    xml.write(_HEAD + "".join(f"    {node.xml()}\n" for node in about))
    writer = csv.DictWriter(tsv, columns, restval="", dialect=csv.excel_tab, lineterminator="\n")
    writer.writeheader()
    for item in items:
        xml.write(item.xml())
        writer.writerow(item.cells())
    xml.write(_TAIL)
    return {
        "xml": ("application/xml; charset=utf-8", xml.getvalue().encode()),
        "tsv": ("text/tab-separated-values; charset=utf-8", tsv.getvalue().encode()),
    }
