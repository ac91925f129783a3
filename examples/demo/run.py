"""What every act of the story works with, and who plays in it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from demo import pictures
from demo.books import Books
from demo.daemon import Daemon, DemoFailed
from demo.shopper import Shopper
from demo.stage import Stage
from demo.tale import Tale
from demo.voice import Voice

LOUNGE, CLIP, RIDGE = "GL-0412_lounge.jpg", "GL-0413_meadow.mp4", "ridge-in-october.jpg"
COFFEE, VOUCHER = "GL-0412_espresso.png", "GL-0412_free-voucher.jpg"
EVENING, CUT, DOGS = "evening.jpg", "GL-0412_two-friends.jpg", "dogs-at-the-window.jpg"

MIA = {"reference": "mia", "name": "Mia Kern", "mail": "mia@example.com"}
JON = {"reference": "jon", "name": "Jon Aas", "mail": "jon@example.com"}
ADA = {"reference": "ada", "name": "Ada Ruiz", "mail": "ada@example.com"}
NOBODY = {"reference": "unknown-4711", "name": "a stranger"}
PEOPLE = {"tom@acme.example": "Tom Berg", "nora@acme.example": "Nora Lind", "liv@acme.example": "Liv Okafor"}

CONNECTIONS = {"shop-feed": "The shop’s feed", "catalog": "The catalogue (PIM)", "dam": "The library (DAM)"}


@dataclass(frozen=True)
class Arrival:
    """How a file came: from whom, by which way, what it looks like; `at` in seconds of the monotonic clock."""

    by: str
    way: str
    picture: str
    at: float


@dataclass
class Run:
    """One run of the story. `…_in` are the seconds that this machine needed for the first files."""

    stage: Stage
    daemon: Daemon
    books: Books
    shopper: Shopper
    voice: Voice
    media_url: str
    tale: Tale
    arrivals: dict[str, Arrival] = field(default_factory=dict)
    reviewed_in: float = 0.0
    decided_in: float = 0.0
    live_in: float = 0.0
    live_since: float = 0.0

    def drop(self, source: str, name: str, creator: dict[str, str], terms: str, **more: object) -> None:
        """Deliver a file into the watched folder, with its sidecar."""
        self.stage.deliver(source, as_name=name, creator=creator, terms=terms, **more)
        brief = f", brief {more['brief']}" if "brief" in more else ""
        picture = pictures.of_file(self.stage.deliveries / source)
        self.note(name, creator["name"], f"folder, terms {terms}{brief}", picture)

    def note(self, name: str, by: str, way: str, picture: str) -> None:
        """Say and remember that a file arrived."""
        self.arrivals[name] = Arrival(by, way, picture, time.monotonic())
        self.voice.item("arrives", name, f"from {by}, by {way}")

    def until_live(self, name: str, number: int = 1) -> None:
        """Wait until a version is live at every connection."""
        wanted = dict.fromkeys(CONNECTIONS, "live")
        self.books.until(f"{name} v{number} is live everywhere", lambda: self.books.states(name, number) == wanted)

    def url_of(self, name: str, number: int) -> str:
        """The public address under which the shop shows, or showed, a version."""
        for placement in self.books.placements(name):
            if placement["connection"] == "shop-feed" and placement["version_number"] == number:
                return f"{self.daemon.url}/m/{placement['name']}"
        raise DemoFailed(f"{name} v{number} has no place in the shop.")

    def links_of(self, name: str) -> list[str]:
        """The catalogue's links to a file, as its media file on disk has them."""
        asset = self.books.the(name)["asset_id"]
        return [line for line in self.stage.links.read_text().splitlines() if f",{asset}," in line]


def instant(text: str) -> datetime:
    """An instant as the API writes it, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def clock(moment: datetime | str) -> str:
    """Its time of day, such as `14:05:09`, in UTC."""
    return f"{instant(moment) if isinstance(moment, str) else moment:%H:%M:%S}"
