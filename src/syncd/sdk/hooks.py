"""Proof that a webhook comes from its sender: Standard Webhooks (standardwebhooks.com, specification of 2023-09) and a
configurable plain HMAC. Always over the raw body, in constant time, within a replay window; no key means refused.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from syncd.errors import HookRefused
from syncd.sdk.source import HookRequest, RawItem
from syncd.sdk.system import Options
from syncd.sdk.values import Duration

_KEYS = "Secrets the sender signs with; two while one replaces the other. Without any, every request is refused."
_TOLERANCE = "How far the sender's time may be from ours, both ways."
_MOST_SIGNATURES = 16


class StandardAuth(Options):
    """Standard Webhooks: headers `webhook-id`, `webhook-timestamp` and `webhook-signature`."""

    scheme: Literal["standard"] = Field("standard", description="Standard Webhooks.")
    keys: tuple[SecretStr, ...] = Field((), description=_KEYS + " Base64, with or without `whsec_`.")
    tolerance: Duration = Field(timedelta(minutes=5), description=_TOLERANCE)

    @cached_property
    def _signers(self) -> tuple[hmac.HMAC, ...]:
        return _signers((_standard_key(key) for key in self.keys), "sha256")

    @field_validator("keys")
    @classmethod
    def _decodable(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for key in keys:  # here, so that the fault is told where the keys stand
            _standard_key(key)
        return keys

    def verify(self, request: HookRequest) -> str:
        """The message's id if the request is signed with one of the keys; else raises HookRefused."""
        _require_keys(self._signers)
        svix = "svix-signature" in request.headers and "webhook-signature" not in request.headers
        prefix = "svix" if svix else "webhook"
        identifier = request.headers.get(f"{prefix}-id", "")
        if not identifier or "." in identifier:
            raise HookRefused("bad-id", f"The request has no usable {prefix}-id.")
        stamp = request.headers.get(f"{prefix}-timestamp", "")
        signed = f"{identifier}.{stamp}.".encode() + request.body
        given = _listed(request.headers.get(f"{prefix}-signature", ""), f"{prefix}-signature")
        versioned = [_base64(text[3:]) for text in given if text.startswith("v1,")]
        _require_match(self._signers, signed, versioned)
        require_recent(stamp, request.received_at, self.tolerance)
        return identifier

    def sign(self, identifier: str, at: datetime, body: bytes) -> dict[str, str]:
        """The headers that prove `body` comes from us, signed with the first key."""
        stamp = str(int(at.timestamp()))
        signature = _signature(self._signers[0], f"{identifier}.{stamp}.".encode() + body)
        text = f"v1,{base64.b64encode(signature).decode()}"
        return {"webhook-id": identifier, "webhook-timestamp": stamp, "webhook-signature": text}


class HmacAuth(Options):
    """A plain HMAC of the body, or of a text made with it, in one header."""

    scheme: Literal["hmac"] = Field(description="A plain HMAC in one header.")
    keys: tuple[SecretStr, ...] = Field((), description=_KEYS)
    header: str = Field(description="The header that holds the signature, such as `X-Hub-Signature-256`.")
    algorithm: Literal["sha256", "sha512"] = Field("sha256", description="The hash of the HMAC.")
    encoding: Literal["hex", "base64"] = Field("hex", description="How the signature is written.")
    prefix: str = Field("", description="What stands before the signature, such as `sha256=`.")
    template: str = Field("{body}", description="What is signed, of {body}, {timestamp} and {id}.")
    timestamp_header: str = Field("", description="The header with the time of sending; Unix seconds or ISO 8601.")
    id_header: str = Field("", description="The header with the message's id; duplicates are dropped by it.")
    tolerance: Duration = Field(timedelta(minutes=5), description=_TOLERANCE)

    @cached_property
    def _signers(self) -> tuple[hmac.HMAC, ...]:
        return _signers((key.get_secret_value().encode() for key in self.keys), self.algorithm)

    @model_validator(mode="after")
    def _consistent(self) -> HmacAuth:
        names = re.findall(r"\{(\w*)\}", self.template)
        if names.count("body") != 1 or set(names) - {"body", "timestamp", "id"}:
            raise ValueError("template holds {body} once, and besides only {timestamp} and {id}")
        # A time or id that is not signed can be replaced by whoever replays the request.
        if bool(self.timestamp_header) != ("timestamp" in names):
            raise ValueError("timestamp_header and {timestamp} in template go together")
        if "id" in names and not self.id_header:
            raise ValueError("{id} in template needs id_header")
        return self

    def verify(self, request: HookRequest) -> str | None:
        """The message's id (None if the sender gives none) if the request is signed; else raises HookRefused."""
        _require_keys(self._signers)
        identifier = request.headers.get(self.id_header.lower(), "") if self.id_header else None
        if identifier == "":
            raise HookRefused("bad-id", f"The request has no {self.id_header}.")
        stamp = request.headers.get(self.timestamp_header.lower(), "") if self.timestamp_header else ""
        given = _listed(request.headers.get(self.header.lower(), ""), self.header)
        decode = _base64 if self.encoding == "base64" else _hex
        found = [decode(text[len(self.prefix) :]) for text in given if text.startswith(self.prefix)]
        signed = self._signed(identifier or "", stamp, request.body)
        _require_match(self._signers, signed, found)
        if self.timestamp_header:
            require_recent(stamp, request.received_at, self.tolerance)
        return identifier

    def sign(self, identifier: str, at: datetime, body: bytes) -> dict[str, str]:
        """The headers that prove `body` comes from us, signed with the first key."""
        stamp = str(int(at.timestamp()))
        signature = _signature(self._signers[0], self._signed(identifier, stamp, body))
        text = base64.b64encode(signature).decode() if self.encoding == "base64" else signature.hex()
        headers = {self.header: self.prefix + text, self.timestamp_header: stamp, self.id_header: identifier}
        return {name: value for name, value in headers.items() if name}

    def _signed(self, identifier: str, stamp: str, body: bytes) -> bytes:
        values = {"body": body, "timestamp": stamp.encode(), "id": identifier.encode()}
        parts = re.split(r"\{(\w+)\}", self.template)
        return b"".join(values[part] if place % 2 else part.encode() for place, part in enumerate(parts))


HookAuth = Annotated[StandardAuth | HmacAuth, Field(discriminator="scheme")]


def accept(auth: StandardAuth | HmacAuth, request: HookRequest) -> RawItem:
    """The request as an item to store.

    Raises:
        HookRefused: it is not proven to come from the sender, with a named reason.
    """
    kept = {name: request.headers[name] for name in ("content-type",) if name in request.headers}
    return RawItem(body=request.body, vendor_id=auth.verify(request), headers=kept)


def _signers(secrets: Iterable[bytes], algorithm: str) -> tuple[hmac.HMAC, ...]:
    """What signs with each secret, made once; a secret of nothing is none."""
    return tuple(hmac.new(secret, digestmod=algorithm) for secret in secrets if secret)


def _signature(signer: hmac.HMAC, signed: bytes) -> bytes:
    """Unlike `hmac.digest` this keeps Python's lock for a short text: to get it back takes longer than to sign."""
    signing = signer.copy()
    signing.update(signed)
    return signing.digest()


def _require_keys(signers: tuple[hmac.HMAC, ...]) -> None:
    if not signers:
        raise HookRefused("no-key", "The connection has no key to check webhooks with.")


def _listed(header: str, name: str) -> list[str]:
    """The signatures in a header: separated by spaces, or by commas where none belongs to a version mark."""
    texts = header.split() if "v1," in header else re.split(r"[,\s]+", header.strip())
    given = [text for text in texts if text]
    if not given:
        raise HookRefused("no-signature", f"The request has no {name}.")
    return given[:_MOST_SIGNATURES]


def _require_match(signers: tuple[hmac.HMAC, ...], signed: bytes, given: list[bytes]) -> None:
    expected = [_signature(signer, signed) for signer in signers]
    # Every pair is compared, so that time tells nothing about which key or signature was close.
    matches = [hmac.compare_digest(ours, theirs) for ours in expected for theirs in given]
    if True not in matches:
        raise HookRefused("bad-signature", "The request is not signed with a key of this connection.")


def require_recent(stamp: str, now: datetime, tolerance: timedelta) -> None:
    """Refuse what was sent too long ago, or in the future, by a time that the signature covers.

    Args:
        stamp: Unix seconds or ISO 8601 with its zone.
        now: when the request arrived.
        tolerance: how far both may be apart.

    Raises:
        HookRefused: they are further apart, or `stamp` is no time.
    """
    sent = _seconds(stamp)
    if sent is None:
        raise HookRefused("bad-timestamp", "The request's time of sending is missing or no time.")
    age, allowed = now.timestamp() - sent, tolerance.total_seconds()
    if age > allowed:
        raise HookRefused("stale", f"The request was sent {age:.0f} s ago; {allowed:.0f} s are allowed.")
    if age < -allowed:
        raise HookRefused("future", f"The request is dated {-age:.0f} s ahead; {allowed:.0f} s are allowed.")


def _seconds(stamp: str) -> float | None:
    """Seconds since the epoch of a time of sending; None if it is none."""
    if stamp.isascii() and stamp.isdecimal():
        if len(stamp) > 14:
            return None
        # Eleven digits of seconds last until the year 5138: what is more counts milliseconds.
        return number / 1000 if (number := int(stamp)) >= 10**11 else number
    try:
        moment = datetime.fromisoformat(stamp)
        return moment.timestamp() if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _standard_key(key: SecretStr) -> bytes:
    text = key.get_secret_value().removeprefix("whsec_")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise ValueError("is no Standard Webhooks key: base64, with or without whsec_ before it") from None


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
