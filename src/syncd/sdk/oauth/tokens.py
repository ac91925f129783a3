"""The tokens a vendor gave out, and what its answer says about them. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

AHEAD = timedelta(seconds=60)
"""How long before its end a token is replaced; of one that lives shorter than ten minutes, a tenth of its life."""
_LONGEST = timedelta(days=3650).total_seconds()


@dataclass(frozen=True, slots=True)
class Tokens:
    """An access token with what belongs to it.

    `expires_at` None: it is not known to end. `renew_at`: when it is replaced. `origin` says what it was asked for with
    and `version` which state of the ledger holds it (0: none).
    """

    access: str = field(repr=False)
    refresh: str = field(default="", repr=False)
    expires_at: datetime | None = None
    renew_at: datetime | None = None
    origin: str = ""
    version: int = 0

    def valid(self, now: datetime) -> bool:
        """Whether the access token is not known to have ended."""
        return bool(self.access) and (self.expires_at is None or now < self.expires_at)

    def due(self, now: datetime) -> bool:
        """Whether the access token is to be replaced."""
        return not self.access or (self.renew_at is not None and now >= self.renew_at)

    def following(self, former: Tokens) -> Tokens:
        """These tokens in place of former ones: a refresh token that was not replaced holds on (RFC 6749, 6)."""
        return replace(self, refresh=self.refresh or former.refresh, origin=former.origin)

    def as_json(self) -> bytes:
        """All but the version, as it is sealed."""
        instants = {name: value and value.isoformat() for name, value in
                    (("expires_at", self.expires_at), ("renew_at", self.renew_at))}  # fmt: skip
        return json.dumps({"access": self.access, "refresh": self.refresh, "origin": self.origin, **instants}).encode()

    @classmethod
    def from_json(cls, content: bytes, version: int) -> Tokens:
        """What `as_json` made."""
        known = json.loads(content)
        ends, renew = (known[name] and datetime.fromisoformat(known[name]) for name in ("expires_at", "renew_at"))
        return cls(known["access"], known["refresh"], ends, renew, known["origin"], version)


def of_answer(answer: Mapping[str, Any], names: Mapping[str, str], asked_at: datetime) -> Tokens | None:
    """The tokens in an answer (RFC 6749, 5.1), None where it holds no access token.

    Args:
        answer: the parsed body.
        names: what the vendor calls OAuth's members, by OAuth's own names.
        asked_at: when the request was sent, from which `expires_in` (seconds) is counted.
    """
    access, refresh, life = (
        answer.get(names.get(name, name)) for name in ("access_token", "refresh_token", "expires_in")
    )
    if not isinstance(access, str) or not access:
        return None
    seconds = _seconds(life)
    ends = asked_at + timedelta(seconds=seconds) if seconds else None
    renew = ends - min(AHEAD, timedelta(seconds=seconds / 10)) if ends else None
    return Tokens(access, refresh if isinstance(refresh, str) else "", ends, renew)


def _seconds(life: Any) -> float:
    """A life in seconds, 0 where the vendor states none that means anything."""
    try:
        seconds = float(life)
    except (TypeError, ValueError):
        return 0.0
    return min(seconds, _LONGEST) if math.isfinite(seconds) and seconds > 0 else 0.0
