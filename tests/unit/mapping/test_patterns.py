from __future__ import annotations

import pytest

from syncd.mapping import patterns

GROUPS = ("sku", "gtin", "name")


@pytest.mark.parametrize("source", [
    r"(?P<sku>[A-Z]{2}-\d{4})", r"^(?P<sku>[^_]+)_.*\.jpg$", r"(?i)(?P<gtin>\d{8,14})", r"(?P<name>\w+)",
    r"(?<![A-Z])(?P<sku>(?:GL|SE)-\d{4})(?!\d)", r"(?P<sku>(?:[A-Z]\d){3})", r"(?P<sku>GL-?\d{3,5})",
])  # fmt: skip
def test_useful_patterns_are_taken(source: str) -> None:
    assert patterns.compile_pattern(source, GROUPS)


@pytest.mark.parametrize(("source", "why"), [
    (r"(?P<sku>(a+)+)", "inside a repeat"), (r"(?P<sku>(?:a|a)*)b|c", "inside a repeat|repeats"),
    (r"(?P<sku>(?:a|ab)+)$", "inside a repeat"), (r"(?P<sku>(?:a?){30})", "inside a repeat"),
    (r"(?P<sku>.*.*.*)x", "more than 2"), (r"(?P<sku>a)(?P=sku)", "refers back"),
    (r"\d+", "one group named"), (r"(?P<sku>a)(?P<gtin>b)", "one group named"), (r"(?P<sku>", "no regular expression"),
    (r"(?P<sku>(?:a{1,30}){2,30})", "inside a repeat"), (r"(?P<sku>\d+\s*\w{0,900})", "more than 2"),
])  # fmt: skip
def test_others_are_refused_with_the_reason(source: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        patterns.compile_pattern(source, GROUPS)


@pytest.mark.timeout(60)  # it ends
@pytest.mark.parametrize("source", [r"(?P<sku>.*.*)x$", r"(?P<sku>a+)a*b", r"(?P<sku>\w+)\w+-"])
def test_the_costliest_that_is_taken_ends(source: str) -> None:
    pattern = patterns.compile_pattern(source, GROUPS)
    assert list(pattern.finditer("a" * patterns.MAX_TEXT)) == []
