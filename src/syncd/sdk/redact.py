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
        spellings = {text for secret in secrets if len(secret) >= _SHORTEST for text in _spellings(secret)}
        # The longest first: a secret that contains another must not leave its rest behind.
        ordered = sorted(spellings, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """`text` without secrets."""
        masked = self._known.sub(MASK, text) if self._known else text
        return _CREDENTIAL.sub(rf"\g<1>{MASK}", _USERINFO.sub(f"{MASK}@", masked))


def _spellings(secret: str) -> tuple[str, ...]:
    encoded = base64.b64encode(secret.encode()).decode()
    return secret, quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps(secret)[1:-1], encoded
