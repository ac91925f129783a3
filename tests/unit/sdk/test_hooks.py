from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from standardwebhooks.webhooks import Webhook

from syncd.errors import HookRefused
from syncd.sdk.hooks import HmacAuth, StandardAuth, accept
from syncd.sdk.source import HookRequest

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEY = "whsec_" + base64.b64encode(b"k" * 24).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 24).decode()
BODY = b'{"external_id": "S-1"}'


def request(headers: dict[str, str], body: bytes = BODY, at: datetime = NOW) -> HookRequest:
    return HookRequest("POST", "/hooks/form", {name.lower(): value for name, value in headers.items()}, body, at)


def standard(*keys: str) -> StandardAuth:
    return StandardAuth.model_validate({"scheme": "standard", "keys": list(keys)})


def plain(**options: object) -> HmacAuth:
    return HmacAuth.model_validate({"scheme": "hmac", "keys": ["secret"], "header": "X-Signature", **options})


def signed_by_library(key: str, body: bytes, at: datetime, identifier: str = "msg_1") -> dict[str, str]:
    signature = Webhook(key).sign(identifier, at.replace(tzinfo=UTC), body.decode())
    return {"webhook-id": identifier, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


@given(st.text(st.characters(exclude_categories=["Cs"])), st.binary(min_size=1, max_size=64))
def test_what_the_standard_library_signs_is_accepted(text: str, key: bytes):
    secret = "whsec_" + base64.b64encode(key).decode()
    item = accept(standard(secret), request(signed_by_library(secret, text.encode(), NOW), text.encode()))
    assert item.vendor_id == "msg_1"
    assert item.body == text.encode()


@given(st.binary(min_size=1, max_size=64))
def test_what_we_sign_the_standard_library_accepts(key: bytes):
    secret = "whsec_" + base64.b64encode(key).decode()
    now = datetime.now(UTC)
    Webhook(secret).verify(BODY, standard(secret).sign("msg_1", now, BODY))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"webhook-signature": ""}, "no-signature"),
        ({"webhook-signature": "v1," + base64.b64encode(b"x" * 32).decode()}, "bad-signature"),
        ({"webhook-signature": "v1,%%%"}, "bad-signature"),
        ({"webhook-signature": "v2," + base64.b64encode(b"x" * 32).decode()}, "bad-signature"),
        ({"webhook-signature": "v1"}, "bad-signature"),
        ({"webhook-id": ""}, "bad-id"),
        ({"webhook-id": "msg_2"}, "bad-signature"),
        ({"webhook-timestamp": "0"}, "bad-signature"),
    ],
)
def test_a_forged_standard_request_is_refused_with_its_reason(change: dict[str, str], reason: str):
    with pytest.raises(HookRefused) as refused:
        accept(standard(KEY), request(signed_by_library(KEY, BODY, NOW) | change))
    assert refused.value.reason == reason
    assert refused.value.data["reason"] == reason


def test_a_truncated_or_changed_body_is_refused():
    for body in (BODY[:-1], BODY + b" ", b""):
        with pytest.raises(HookRefused, match="not signed"):
            accept(standard(KEY), request(signed_by_library(KEY, BODY, NOW), body))


@pytest.mark.parametrize(("age", "reason"), [(301, "stale"), (-301, "future"), (300, ""), (-300, ""), (0, "")])
def test_the_replay_window_is_judged_by_the_time_of_arrival(age: int, reason: str):
    arrival = NOW + timedelta(seconds=age)
    sent = request(signed_by_library(KEY, BODY, NOW), at=arrival)
    if not reason:
        accept(standard(KEY), sent)
        return
    with pytest.raises(HookRefused) as refused:
        accept(standard(KEY), sent)
    assert refused.value.reason == reason


@pytest.mark.parametrize("stamp", ["", "soon", "1e9", "-5", "99999999999999999999", "2026-11-22T12:00:00", "١٢٣"])
def test_a_time_that_is_none_is_refused_even_if_signed(stamp: str):
    key = base64.b64decode(KEY.removeprefix("whsec_"))
    mac = base64.b64encode(hmac.digest(key, f"m.{stamp}.".encode() + BODY, "sha256")).decode()
    with pytest.raises(HookRefused) as refused:
        accept(
            standard(KEY), request({"webhook-id": "m", "webhook-timestamp": stamp, "webhook-signature": f"v1,{mac}"})
        )
    assert refused.value.reason == "bad-timestamp"


def test_without_a_key_everything_is_refused():
    for auth in (standard(), standard("whsec_"), HmacAuth(scheme="hmac", header="X-Signature"), plain(keys=[""])):
        with pytest.raises(HookRefused) as refused:
            accept(auth, request(signed_by_library(KEY, BODY, NOW)))
        assert refused.value.reason == "no-key"


def test_where_both_names_of_the_headers_are_there_the_standard_ones_count():
    headers = signed_by_library(KEY, BODY, NOW)
    others = {name.replace("webhook", "svix"): value for name, value in headers.items()}
    accept(standard(KEY), request(others))
    accept(standard(KEY), request({**headers, **dict.fromkeys(others, "forged")}))


def test_two_keys_live_during_rotation_on_either_side():
    accept(standard(OTHER, KEY), request(signed_by_library(KEY, BODY, NOW)))
    both = signed_by_library(KEY, BODY, NOW)
    both["webhook-signature"] = (
        signed_by_library(OTHER, BODY, NOW)["webhook-signature"] + " " + both["webhook-signature"]
    )
    accept(standard(KEY), request(both))


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("prefix", ["", "sha256="])
def test_a_plain_hmac_is_accepted_in_each_form(algorithm: str, encoding: str, prefix: str):
    digest = hmac.new(b"secret", BODY, getattr(hashlib, algorithm)).digest()
    text = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    auth = plain(algorithm=algorithm, encoding=encoding, prefix=prefix)
    assert accept(auth, request({"X-Signature": prefix + text})).vendor_id is None
    with pytest.raises(HookRefused, match="not signed"):
        accept(auth, request({"X-Signature": prefix + text}, BODY + b"x"))


def test_a_signed_time_and_id_are_checked():
    auth = plain(template="{id}:{timestamp}.{body}", timestamp_header="X-Time", id_header="X-Id")
    headers = auth.sign("m-1", NOW, BODY)
    assert accept(auth, request(headers)).vendor_id == "m-1"
    for change, reason in (
        ({"X-Id": ""}, "bad-id"), ({"X-Id": "m-2"}, "bad-signature"), ({"X-Time": "1"}, "bad-signature"),
    ):  # fmt: skip
        with pytest.raises(HookRefused) as refused:
            accept(auth, request(headers | change))
        assert refused.value.reason == reason
    with pytest.raises(HookRefused) as refused:
        accept(auth, request(headers, at=NOW + timedelta(minutes=6)))
    assert refused.value.reason == "stale"


def test_times_in_milliseconds_and_in_iso_8601_are_understood():
    auth = plain(template="{timestamp}.{body}", timestamp_header="X-Time")
    for stamp in (str(int(NOW.timestamp() * 1000)), NOW.isoformat()):
        mac = hmac.new(b"secret", f"{stamp}.".encode() + BODY, hashlib.sha256).hexdigest()
        accept(auth, request({"X-Time": stamp, "X-Signature": mac}))


@pytest.mark.parametrize(
    "options",
    [
        {"algorithm": "sha1"},
        {"template": "{timestamp}.{body}"},
        {"timestamp_header": "X-Time"},
        {"template": "{id}.{body}"},
        {"template": "{path}{body}"},
        {"template": "nothing"},
    ],
)
def test_a_weak_or_contradictory_scheme_is_refused_at_load(options: dict[str, str]):
    with pytest.raises(ValidationError):
        plain(**options)


def test_a_key_that_is_no_base64_is_refused_at_load_without_being_shown():
    with pytest.raises(ValidationError) as refused:
        standard("whsec_not base64!")
    assert "not base64!" not in str(refused.value)
