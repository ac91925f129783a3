"""What the fake shop holds: products, files, jobs, readings of the whole, subscriptions. Time is the vendor's clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

CDN = "https://cdn.shopify.com/s/files/1/0001/0002/files"


@dataclass
class File:
    """A file. `source` is the hash of its bytes; `ready_at` when it is processed; `faults` why it never will be."""

    id: str
    kind: str
    name: str
    source: str
    alt: str
    created: datetime
    ready_at: datetime
    foreign: bool = False
    faults: list[tuple[str, str]] = field(default_factory=list)
    uses: list[tuple[datetime, int]] = field(default_factory=list)
    told: bool = True

    def status(self, now: datetime) -> str:
        if now < self.ready_at:
            return "PROCESSING" if now > self.created else "UPLOADED"
        return "FAILED" if self.faults else "READY"

    @property
    def url(self) -> str:
        return f"{CDN}/{self.name}?v={int(self.created.timestamp())}"


@dataclass
class Variant:
    id: str
    sku: str | None
    barcode: str | None = None
    title: str = "Default Title"
    options: list[tuple[str, str]] = field(default_factory=lambda: [("Title", "Default Title")])
    media: list[str] = field(default_factory=list)


@dataclass
class Product:
    id: str
    handle: str
    title: str
    variants: list[Variant]
    updated: datetime
    status: str = "ACTIVE"
    store_url: str | None = None
    media: list[str] = field(default_factory=list)


@dataclass
class Job:
    due: datetime
    act: Callable[[], None]
    done: bool = False


@dataclass
class Bulk:
    id: str
    query: str
    created: datetime
    due: datetime
    status: str = "CREATED"
    error: str | None = None
    lines: list[str] = field(default_factory=list)
    roots: int = 0


@dataclass
class Subscription:
    id: str
    topic: str
    uri: str
    format: str
    fields: list[str]


class State:
    """Everything there is; `now` is the vendor's time, `violations` are what it forbids and was done."""

    def __init__(self, now: Callable[[], datetime], violations: list[str]) -> None:
        self.now, self.violations = now, violations
        self.processing = timedelta(seconds=4)
        self.index_lag = timedelta(seconds=3)
        self.job_time = timedelta(seconds=2)
        self.bulk_time = timedelta(seconds=10)
        self.products: dict[str, Product] = {}
        self.files: dict[str, File] = {}
        self.deleted: list[File] = []
        self.staged: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, Job] = {}
        self.bulks: dict[str, Bulk] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.mark: tuple[str, str] | None = None
        self._number = 1000

    def gid(self, kind: str) -> str:
        self._number += 1
        return f"gid://shopify/{kind}/{self._number}"

    def advance(self) -> None:
        """Let happen what was due by now."""
        for job in self.jobs.values():
            if not job.done and job.due <= self.now():
                job.done = True
                job.act()

    # --- files and products ----------------------------------------------------------------------------------------

    def add_file(self, kind: str, name: str, source: str, *, alt: str = "", foreign: bool = False) -> File:
        """A file that is processed from now on; others' are long since."""
        now = self.now()
        ready = now if foreign else now + self.processing
        made = File(self.gid(kind), kind, name, source, alt, now, ready, foreign, uses=[(now, 0)])
        self.files[made.id] = made
        return made

    def users(self, file: str) -> list[Product]:
        return [product for product in self.products.values() if file in product.media]

    def reference(self, file: str, product: str) -> None:
        known = self.products[product]
        if file not in known.media:
            known.media.append(file)
            self.touched(known)
            self._used(file)

    def release(self, file: str, product: str) -> None:
        known = self.products[product]
        if file in known.media:
            known.media.remove(file)
            for variant in known.variants:
                variant.media = [one for one in variant.media if one != file]
            self.touched(known)
            self._used(file)

    def delete(self, file: str) -> None:
        for product in self.users(file):
            self.release(file, product.id)
        self.deleted.append(self.files.pop(file))

    def touched(self, product: Product) -> None:
        product.updated = self.now()

    def _used(self, file: str) -> None:
        self.files[file].uses.append((self.now(), len(self.users(file))))

    def indexed_uses(self, file: File) -> int:
        """How many products use a file, as far as searches know."""
        known = [count for at, count in file.uses if at <= self.now() - self.index_lag]
        return known[-1] if known else 0

    def unread(self, file: File) -> bool:
        """Whether searches do not know the file yet."""
        return not file.foreign and self.now() - self.index_lag < file.created

    def settle(self) -> None:
        """Finish at once whatever is under way; searches know everything."""
        now = self.now()
        for file in self.files.values():
            file.ready_at = min(file.ready_at, now)
            file.created = min(file.created, now - self.index_lag)
            file.uses = [(min(at, now - self.index_lag), count) for at, count in file.uses]
        for job in self.jobs.values():
            job.due = min(job.due, now)
        for bulk in self.bulks.values():
            bulk.due = min(bulk.due, now)
        self.advance()
