"""Keeps a connection's secrets out of errors and logs."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, SecretStr

MASK = "***"
# Parameters that carry a credential by their very name, whoever put it there.
_WORDS = "token|secret|key|sign|password|passwd|auth|code|credential"
_CREDENTIAL = re.compile(rf"(?i)([?&;][^=&;]*(?:{_WORDS})[^=&;]*=)[^&;#\s]*")
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")
# Shorter texts occur by chance; masking them would only make every message unreadable.
_SHORTEST = 4
_LEARNED = 32


def secrets_of(value: Any) -> Iterator[str]:
    """Every SecretStr inside options, however deep, as its plain text."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_of(getattr(value, name))
    elif isinstance(value, dict):
        for inner in value.values():
            yield from secrets_of(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from secrets_of(inner)


class Redactor:
    """Replaces known secrets, in the spellings they take on the wire, and credentials inside URLs."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._given = [secret for secret in secrets if len(secret) >= _SHORTEST]
        self._learned: dict[str, None] = {}
        self._known = _pattern(self._given)

    def learn(self, *secrets: str) -> None:
        """Mask these as well from now on, such as tokens that replace one another; the 32 learned last count."""
        new = [secret for secret in secrets if len(secret) >= _SHORTEST and secret not in self._given]
        kept = [secret for secret in self._learned if secret not in new]
        self._learned = dict.fromkeys([*kept, *new][-_LEARNED:])
        self._known = _pattern([*self._given, *self._learned])

    def text(self, text: str) -> str:
        """`text` without secrets."""
        masked = self._known.sub(MASK, text) if self._known else text
        return _CREDENTIAL.sub(rf"\g<1>{MASK}", _USERINFO.sub(f"{MASK}@", masked))


def _pattern(secrets: Iterable[str]) -> re.Pattern[str] | None:
    """Any of the secrets' spellings, the longest first: one that contains another must not leave its rest behind."""
    spellings = sorted({text for secret in secrets for text in _spellings(secret)}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, spellings))) if spellings else None


def _spellings(secret: str) -> tuple[str, ...]:
    encoded = base64.b64encode(secret.encode()).decode()
    return secret, quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps(secret)[1:-1], encoded
