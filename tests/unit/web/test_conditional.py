from __future__ import annotations

from datetime import UTC, datetime

import pytest
from aiohttp.test_utils import make_mocked_request

from syncd.web.conditional import unchanged, wanted_range
from syncd.web.refusals import RangeRefused

TAG = '"abc"'
CHANGED = datetime(2026, 11, 22, 12, 0, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("bytes=0-3", (0, 4)),
        ("bytes=6-", (6, 10)),
        ("bytes=-4", (6, 10)),
        ("bytes=-99", (0, 10)),
        ("bytes=9-99", (9, 10)),
        ("bytes=0-0,2-3", None),
        ("bytes=4-2", None),
        ("bytes=-", None),
        ("items=0-3", None),
        ("bytes=a-b", None),
        ("bytes=0x0-3", None),
        ("bytes=٠-٣", None),
        ("bytes=0-" + "9" * 40, None),
    ],
)
def test_a_single_range_is_cut_to_the_content(asked: str, given: tuple[int, int] | None) -> None:
    assert wanted_range(make_mocked_request("GET", "/", {"Range": asked}), 10, TAG) == given


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_a_range_outside_the_content_is_refused_with_its_size(asked: str) -> None:
    with pytest.raises(RangeRefused) as refused:
        wanted_range(make_mocked_request("GET", "/", {"Range": asked}), 10, TAG)
    assert refused.value.headers == {"Content-Range": "bytes */10"}


def test_a_range_of_other_content_gets_the_whole() -> None:
    headers = {"Range": "bytes=0-3", "If-Range": '"old"'}
    assert wanted_range(make_mocked_request("GET", "/", headers), 10, TAG) is None


@pytest.mark.parametrize(
    ("headers", "same"),
    [
        ({"If-None-Match": '"abc"'}, True),
        ({"If-None-Match": 'W/"abc"'}, True),
        ({"If-None-Match": '"x", "abc"'}, True),
        ({"If-None-Match": "*"}, True),
        ({"If-None-Match": "abc"}, False),
        ({"If-None-Match": '"x"', "If-Modified-Since": "Sun, 22 Nov 2026 12:00:00 GMT"}, False),
        ({"If-Modified-Since": "Sun, 22 Nov 2026 12:00:00 GMT"}, True),
        ({"If-Modified-Since": "Sun, 22 Nov 2026 11:59:59 GMT"}, False),
        ({"If-Modified-Since": "soon"}, False),
        ({}, False),
    ],
)
def test_the_client_has_it_already_or_not(headers: dict[str, str], same: bool) -> None:
    assert unchanged(make_mocked_request("GET", "/", headers), TAG, CHANGED) is same
