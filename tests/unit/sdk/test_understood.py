from __future__ import annotations

import pytest
from pydantic import Field

from syncd.errors import RejectedError
from syncd.sdk.redact import Redactor
from syncd.sdk.understood import SAMPLE, Shape, understood


class Inner(Shape):
    name: str


class Outer(Shape):
    inner: Inner
    count: int = Field(alias="total")
    note: str | None = None


def test_unknown_fields_are_passed_over():
    read = understood(Outer, {"inner": {"name": "a", "x": 1}, "total": "3", "new": []}, "call", Redactor())
    assert (read.inner.name, read.count, read.note) == ("a", 3, None)


def test_what_is_missing_or_of_another_kind_is_named_with_a_sample_without_secrets():
    with pytest.raises(RejectedError) as caught:
        understood(Outer, {"inner": {}, "total": "s3cr3t"}, "shop: Galleries", Redactor(["s3cr3t"]))
    told = str(caught.value)
    assert told.startswith("shop: Galleries was answered otherwise than expected (inner.name: Field required; total: ")
    assert "***" in told
    assert "s3cr3t" not in told


@pytest.mark.parametrize("value", [None, [], "text", 3])
def test_what_is_no_object_is_told(value: object):
    with pytest.raises(RejectedError, match="the whole"):
        understood(Outer, value, "call", Redactor())


def test_the_sample_is_short():
    with pytest.raises(RejectedError) as caught:
        understood(Outer, {"inner": "x" * 10_000}, "call", Redactor())
    assert len(caught.value.what) < SAMPLE + 200
