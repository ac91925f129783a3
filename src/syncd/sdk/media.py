"""Media as they stand in a system, ours and those of others, and what a system says of them."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Media:
    """One media item of ours, ready to be placed.

    `placement` is our id for it, `name` its public file name (unique per connection and content, with extension),
    `url` where it can be fetched, `sha256`/`size` (bytes) of its bytes, `width`/`height` in pixels (0 if unknown),
    `external_id` what the system called it when it last answered ("" if it never did), `seen_url` where it was last
    seen in the system. Bytes are read with `Context.media(item)`.
    """

    placement: str
    name: str
    url: str
    sha256: str
    size: int
    media_type: str
    role: str
    asset: str
    version: int
    alt: str = ""
    external_id: str = ""
    seen_url: str = ""
    width: int = 0
    height: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)


class MediaState(enum.StrEnum):
    """How far a system is with a media item that stands in its listing."""

    READY = "ready"
    PROCESSING = "processing"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ObservedMedia:
    """One media item as it stands in a listing, in its order.

    `name` is our public file name if the connector recognises it as ours, else "" (then others placed it, unless the
    engine knows its `external_id`). `fetched` is the hash of the bytes where the connector downloaded them. `slot` is
    the system's own name of the position. `state` is PROCESSING while the system works on it, which is not live yet,
    and FAILED with its words in `message` where it will not show it. `shown` says whether shoppers see it, None where
    the system cannot tell. `placed_as` is what `apply` called whatever it puts there, where the system names media only
    once it has taken them in: by it the ledger knows its own until it has seen `external_id`.
    """

    external_id: str
    url: str = ""
    name: str = ""
    role: str = ""
    fetched: str = ""
    slot: str = ""
    alt: str = ""
    state: MediaState = MediaState.READY
    message: str = ""
    shown: bool | None = None
    placed_as: str = ""


@dataclass(frozen=True, slots=True)
class Issue:
    """What a system complains of, in its own words: about one media item (its placement, public name or external id,
    whichever the system gives back), or with `media` "" about the whole listing."""

    message: str
    code: str = ""
    media: str = ""


class Answer(enum.StrEnum):
    """How a system answered for one place."""

    ACCEPTED = "accepted"  # taken; whether it is so is read back
    PENDING = "pending"  # it works on it: ask `settle` about `job`
    REJECTED = "rejected"  # not taken, and not when it is sent again either
    RETRY = "retry"  # not taken now


@dataclass(frozen=True, slots=True)
class ItemResult:
    """The answer for one place. `external_ids` maps placement ids to the system's ids, of those that were only moved
    too, `message` is the system's, `job` its name for what it works on, `issues` say which media it refuses and why."""

    listing: str
    answer: Answer
    message: str = ""
    external_ids: Mapping[str, str] = field(default_factory=dict)
    job: str = ""
    issues: Sequence[Issue] = ()
