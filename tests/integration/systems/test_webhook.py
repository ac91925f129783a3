from __future__ import annotations

import json
from base64 import b64encode

import pytest
import respx
from pydantic import ValidationError
from tests.support import systems

from syncd.errors import HookRefused, RejectedError
from syncd.sdk.hooks import StandardAuth
from syncd.sdk.http import open_client
from syncd.sdk.roles import Role
from syncd.sdk.source import HookRequest, RawItem, Reason, SubmissionStatus
from syncd.systems.webhook import WebhookOptions, WebhookSystem

KEY = "whsec_" + b64encode(b"k" * 24).decode()
PLAIN = {
    "external_id": "S-1", "sequence": 4, "creator": {"reference": "mia", "name": "Mia"}, "terms": "creator-2026",
    "people_shown": True, "consents": [{"person": "Ana", "until": "2027-01-31"}], "skus": ["GL-0412"], "tags": ["sun"],
    "files": [{"url": "https://cdn.example/beach%20day.heic?sig=1"}, {"key": "clip", "name": "b.mp4", "url": "https://cdn.example/b"}],
}  # fmt: skip


def webhook(tmp_path, clock, **options: object) -> WebhookSystem:
    given = WebhookOptions.model_validate({"auth": {"scheme": "standard", "keys": [KEY]}, **options})
    return WebhookSystem(systems.context(tmp_path, clock), given, Role.SOURCE)


def item(data: object) -> RawItem:
    return RawItem(data if isinstance(data, bytes) else json.dumps(data).encode())


def test_a_submission_of_the_plain_shape_needs_no_options(tmp_path, clock):
    (delivery,) = webhook(tmp_path, clock).receive(item(PLAIN))
    assert (delivery.external_id, delivery.sequence, delivery.terms, delivery.people_shown) == (
        "S-1",
        4,
        "creator-2026",
        True,
    )
    assert delivery.creator is not None
    assert delivery.creator.name == "Mia"
    assert str(delivery.consents[0].until) == "2027-01-31"
    assert [(file.key, file.name, file.reference) for file in delivery.files] == [
        ("beach day", "beach day.heic", "https://cdn.example/beach%20day.heic?sig=1"),
        ("clip", "b.mp4", "https://cdn.example/b"),
    ]


def test_facts_are_found_where_the_options_say(tmp_path, clock):
    fields = {
        "external_id": "$.data.id", "skus": "data.products[].sku", "tags": "", "creator": {"reference": "data.user.id"},
        "files": {"each": "data.media[].versions[]", "url": "links.download", "name": "title"},
        "fields": {"mood": "data.mood"},
    }  # fmt: skip
    data = {"tags": ["ignored"], "data": {
        "id": 77, "products": [{"sku": "A"}, {"sku": "B"}, {}], "user": {"id": "u-1"}, "mood": "sunny",
        "media": [{"versions": [{"links": {"download": "https://x.example/1"}, "title": "a.jpg"}]}, {"versions": []}],
    }}  # fmt: skip
    (delivery,) = webhook(tmp_path, clock, fields=fields).receive(item(data))
    assert (delivery.external_id, delivery.skus, delivery.fields, delivery.tags) == (
        "77",
        ("A", "B"),
        {"mood": "sunny"},
        (),
    )
    assert delivery.creator is not None
    assert delivery.creator.reference == "u-1"
    assert [(file.key, file.reference) for file in delivery.files] == [("a", "https://x.example/1")]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xff\xfe", "UTF-8"),
        (b'{"a": ', "1:7"),
        (b"[]", "no JSON object"),
        (b"[" * 100_000, "nested"),
        ({"files": []}, "external_id: field required"),
        (PLAIN | {"sequence": "soon"}, "sequence"),
        (PLAIN | {"skus": "GL-1"}, "skus is no list"),
        (PLAIN | {"title": {"de": "x"}}, "title holds an object"),
        (PLAIN | {"title": ["x"]}, "title is a list"),
        (PLAIN | {"title": "a\0b"}, "character that is none"),
        (PLAIN | {"files": [{"name": "a.jpg"}]}, "a file has no url"),
        (PLAIN | {"files": [{"url": "https://x/a.jpg"}, {"url": "https://y/a.png"}]}, "share a key: a"),
        (PLAIN | {"creator": {"name": "Mia"}}, "creator.reference"),
        (PLAIN | {"approval": {"by": "Tom", "at": "soon"}}, "approval.at"),
        (b'{"external_id": "\\ud800"}', "external_id"),
    ],
)
def test_a_submission_that_is_not_understood_is_refused_with_the_path(tmp_path, clock, data: object, says: str):
    with pytest.raises(RejectedError, match=says):
        webhook(tmp_path, clock).receive(item(data))


@pytest.mark.parametrize("path", ["a..b", "a[0].b", "a b", "$", "a.[]"])
def test_a_path_that_is_none_is_refused_at_load(path: str):
    with pytest.raises(ValidationError, match="is no path"):
        WebhookOptions.model_validate({"fields": {"external_id": path}})


def test_only_signed_posts_are_taken_and_the_senders_id_is_kept(tmp_path, clock):
    system = webhook(tmp_path, clock)
    body = json.dumps(PLAIN).encode()
    headers = StandardAuth.model_validate({"keys": [KEY]}).sign("msg_1", clock.now(), body)
    taken = system.verify(HookRequest("POST", "/hooks/test", headers, body, clock.now()))
    assert (taken.vendor_id, taken.body) == ("msg_1", body)
    with pytest.raises(HookRefused, match="send POST"):
        system.verify(HookRequest("GET", "/hooks/test", headers, body, clock.now()))
    with pytest.raises(HookRefused) as refused:
        webhook(tmp_path, clock, auth={"scheme": "standard"}).verify(
            HookRequest("POST", "/", headers, body, clock.now())
        )
    assert refused.value.reason == "no-key"


async def test_polling_yields_nothing_and_media_are_fetched_guarded(tmp_path, clock):
    served = systems.Host()
    served.pages["https://cdn.example/b"] = b"mp4"
    context = systems.context(tmp_path, clock, served=served)
    system = WebhookSystem(context, WebhookOptions.model_validate({"allow_hosts": ["media.internal"]}), Role.SOURCE)
    assert [page async for page in system.poll("")] == []
    (delivery,) = system.receive(item(PLAIN))
    assert [chunk async for chunk in system.open(delivery.files[1])] == [b"mp4"]
    assert system.allow_hosts == ("media.internal",)


async def test_the_status_is_posted_signed_and_the_same_status_has_the_same_id(tmp_path, clock):
    status = SubmissionStatus("S-1", "refused", {"a": "refused"}, (Reason("small", "too small", file="a"),))
    given = WebhookOptions.model_validate(
        {"auth": {"scheme": "standard", "keys": [KEY]}, "respond_to": "https://form.example/status"}
    )
    async with open_client("test", clock) as http:
        system = WebhookSystem(systems.context(tmp_path, clock, http=http), given, Role.SOURCE)
        with respx.mock(using="httpx") as mock:
            route = mock.post("https://form.example/status").respond(204)
            for _ in range(2):
                await system.respond(status)
    first, second = (call.request for call in route.calls)
    request = HookRequest("POST", "/", dict(first.headers), first.content, clock.now())
    assert given.auth.verify(request) == second.headers["webhook-id"]
    assert json.loads(first.content)["reasons"] == [{"code": "small", "say": "too small", "fixable": True, "file": "a"}]


async def test_a_connection_without_a_key_is_named_by_check(tmp_path, clock):
    assert "1 keys" in await webhook(tmp_path, clock).check()
    with pytest.raises(HookRefused):
        await webhook(tmp_path, clock, auth={"scheme": "standard"}).check()
