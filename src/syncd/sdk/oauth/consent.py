"""The browser's part of an authorization (RFC 6749, 4.1; PKCE: RFC 7636): where it goes, and what it comes back with.
Pure.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qs, urlsplit

import httpx

from syncd.sdk.oauth.declaration import AuthorizationCode

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_SAID = 200  # characters of a vendor's own words


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser came back with: a code, or the vendor's reason for giving none; `state` says to what."""

    code: str = field(default="", repr=False)
    state: str = field(default="", repr=False)
    error: str = ""


def address(declared: AuthorizationCode, redirect_uri: str, state: str, verifier: str) -> str:
    """Where the browser is sent.

    Args:
        redirect_uri: where it is sent back to.
        state: what the answer has to carry.
        verifier: 43 to 128 unreserved characters; used where the declaration wants PKCE.
    """
    asked = {"response_type": "code", "client_id": declared.client_id, "redirect_uri": redirect_uri, "state": state}
    if declared.scopes:
        asked["scope"] = declared.scope_separator.join(declared.scopes)
    if declared.pkce:
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        asked |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    named = {declared.request_names.get(name, name): value for name, value in asked.items() if value}
    return str(httpx.URL(declared.authorize_url).copy_merge_params({**named, **declared.authorize}))


def answered(declared: AuthorizationCode, text: str, state: str) -> Answer:
    """What a person or a listener hands in.

    Args:
        text: the address the browser was sent back to, its query alone, or the bare code.
        state: of the authorization that was begun; counts for a bare code, which carries none.
    """
    text = text.strip()
    names = f"{re.escape(declared.code)}|error"
    if "://" not in text and not re.search(rf"(?:^|[?&])(?:{names})=", text):
        return Answer(text, state)
    query = _parts(text).query if "://" in text else text.lstrip("?")
    said = {name: values[0] for name, values in parse_qs(query).items()}
    error = " ".join(filter(None, (said.get("error"), said.get("error_description"))))
    return Answer(said.get(declared.code, ""), said.get("state", ""), error[:_SAID])


def is_loopback(redirect_uri: str) -> bool:
    """Whether an address is the person's own machine, whatever the port (RFC 8252, 7.3)."""
    parts = _parts(redirect_uri)
    return parts.scheme == "http" and parts.hostname in _LOOPBACK


def _parts(text: str) -> SplitResult:
    """An address taken apart; what is none has no parts."""
    try:
        return urlsplit(text)
    except ValueError:
        return urlsplit("")
