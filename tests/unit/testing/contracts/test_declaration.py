from __future__ import annotations

import pytest

from syncd.testing.contracts import UnderContract

DECLARED = UnderContract(
    "amazon",
    outside=("POST */auth/o2/token", "* https://media.example/*"),
    documents={"PUT https://feeds.example/*": "feed.json"},
)


@pytest.mark.parametrize(
    ("method", "url", "outside"),
    [
        ("POST", "https://api.example/auth/o2/token", True),
        ("GET", "https://api.example/auth/o2/token", False),
        ("HEAD", "https://media.example/a.jpg", True),
        ("HEAD", "https://media.example.org/a.jpg", False),
        ("PUT", "https://feeds.example/1", True),
    ],
)
def test_patterns(method: str, url: str, outside: bool) -> None:
    assert DECLARED.is_outside(method, url) is outside


def test_documents() -> None:
    assert DECLARED.schema_of("PUT", "https://feeds.example/1") == "feed.json"
    assert DECLARED.schema_of("POST", "https://feeds.example/1") is None


@pytest.mark.parametrize("pattern", ["*", "* *", "POST *", "POST", "https://a.example/*", "post https://a.example"])
def test_a_pattern_that_opens_everything_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="no method and URL"):
        UnderContract("amazon", outside=(pattern,))
