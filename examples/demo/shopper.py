"""The world outside: reads the published feed and its media over HTTP, with nothing of syncd's own code."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import httpx
from defusedxml import ElementTree

_G = "{http://base.google.com/ns/1.0}"


@dataclass(frozen=True)
class Item:
    """One product in the feed: its pictures in order, its videos."""

    images: tuple[str, ...] = ()
    videos: tuple[str, ...] = ()

    @property
    def media(self) -> tuple[str, ...]:
        return (*self.images, *self.videos)


@dataclass(frozen=True)
class Look:
    """The feed at one moment; `at` in seconds of the monotonic clock."""

    at: float
    items: dict[str, Item] = field(default_factory=dict)


class Shopper:
    """Looks at the feed, once or all the time.

    `broken` collects what the feed listed and nobody could fetch, but for the addresses in `may_break`: where a right
    has ended the picture itself goes first, an instant before the feed is published without it.
    """

    def __init__(self, daemon_url: str) -> None:
        self.feed_url = f"{daemon_url}/feeds/shop-feed.xml"
        self._ours = f"{daemon_url}/m/"
        self._http = httpx.Client(timeout=10, trust_env=False)
        self.looks: list[Look] = []
        self.broken: list[str] = []
        self.may_break: set[str] = set()
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def look(self) -> Look:
        """The feed as published now; without items if none is."""
        answer = self._http.get(self.feed_url, headers={"cache-control": "no-cache"})
        items = parse(answer.content) if answer.status_code == 200 else {}
        return Look(time.monotonic(), items)

    def ours(self, sku: str, look: Look | None = None) -> list[str]:
        """Addresses of media that syncd placed at a product."""
        shown = (look or self.look()).items.get(sku, Item())
        return [url for url in shown.media if url.startswith(self._ours)]

    def status(self, url: str) -> int:
        """What a HEAD of an address answers."""
        return self._http.head(url).status_code

    def fetch(self, url: str) -> bytes:
        """The bytes under an address.

        Raises:
            httpx.HTTPStatusError: it does not answer with success.
        """
        answer = self._http.get(url)
        answer.raise_for_status()
        return answer.content

    def fingerprint(self, url: str) -> str:
        """The SHA-256 of what lies under an address."""
        return hashlib.sha256(self.fetch(url)).hexdigest()

    def watch(self, every: float = 0.25) -> None:
        """Look again and again from now on, as shoppers do, and note every listed medium that does not answer."""

        def run() -> None:
            while not self._end.wait(every):
                self._notice()

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def _notice(self) -> None:
        try:
            look = self.look()
            self.looks.append(look)
            for sku in look.items:
                for url in set(self.ours(sku, look)) - self.may_break:
                    status = self.status(url)
                    if status != 200 and url in self.ours(sku):
                        self.broken.append(f"{url} answered {status} while the feed listed it for {sku}")
        except httpx.TransportError as error:
            if not self._end.is_set():
                self.broken.append(f"the feed could not be read: {error}")

    def stop(self) -> None:
        """Look no more."""
        self._end.set()
        if self._thread:
            self._thread.join()

    def close(self) -> None:
        """Give the connections back."""
        self.stop()
        self._http.close()

    def always(self, holds: Callable[[Look], bool], since: float) -> bool:
        """Whether something held at every look since an instant, and there were at least two."""
        looks = [look for look in self.looks if look.at >= since]
        return len(looks) >= 2 and all(holds(look) for look in looks)


def parse(document: bytes) -> dict[str, Item]:
    """A feed in Google Merchant's format: product id → its media."""
    root = ElementTree.fromstring(document)
    return {_texts(item, "id")[0]: _item(item) for item in root.iter("item")}


def _item(item: Element) -> Item:
    images = (*_texts(item, "image_link"), *_texts(item, "additional_image_link"))
    return Item(images, _texts(item, "video_link"))


def _texts(item: Element, name: str) -> tuple[str, ...]:
    return tuple((found.text or "").strip() for found in item.findall(f"{_G}{name}"))
