"""Parts of plans, and which differences between then and now matter."""

from __future__ import annotations

from dataclasses import replace

import pytest

from syncd.domain.plan import Difference, PlanAction, PlanLine
from syncd.flow.plan.apply import Only, is_drift
from syncd.flow.plan.lines import PlannedLine

ADD = PlanLine("shop", "listing:8812", PlanAction.ADD, "a", after="v1 abc")
REMOVE = PlanLine("shop", "listing:8812", PlanAction.REMOVE, "a", "mapping_changed", before="v1 abc")
HELD = PlanLine("shop", "listing:8812", PlanAction.HELD, "a", "in_review")
SENT = replace(HELD, cause="unconfirmed")
STANDING = {"shop": {("listing:8812", "a")}}


@pytest.mark.parametrize(
    ("only", "covered"),
    [
        (Only("shop"), True),
        (Only("dam"), False),
        (Only(sku="GL-1"), True),
        (Only("shop", sku="GL-2"), False),
        (Only(listing="8812"), True),
        (Only(listing="listing:8812"), True),
        (Only("shop", "GL-1", "8813"), False),
    ],
)
def test_a_part_covers_what_satisfies_all_that_is_given(only: Only, covered: bool):
    assert only.covers(PlannedLine(ADD, "acme", sku="GL-1")) is covered


def test_only_a_connection_alone_is_taken_as_a_whole():
    assert Only("shop").whole
    assert not Only("shop", sku="GL-1").whole
    assert not Only(sku="GL-1").whole


def difference(planned: tuple[PlanLine, ...], now: tuple[PlanLine, ...]) -> Difference:
    return Difference("shop", "listing:8812", "a", planned, now)


@pytest.mark.parametrize(
    ("planned", "now", "standing", "drifted"),
    [
        ((HELD,), (), {}, False),
        ((HELD,), (ADD,), {}, True),
        ((), (ADD,), {}, True),
        ((ADD,), (HELD,), {}, True),
        ((ADD,), (), {}, True),
        ((ADD,), (), STANDING, False),
        ((ADD,), (SENT,), {}, False),
        ((ADD,), (replace(ADD, after="v2 def"),), {}, True),
        ((REMOVE,), (), {}, False),
        ((REMOVE,), (), STANDING, True),
        ((REMOVE,), (HELD,), {}, True),
    ],
)
def test_what_was_carried_out_since_is_no_drift_and_everything_else_that_writes_is(
    planned: tuple[PlanLine, ...], now: tuple[PlanLine, ...], standing: dict[str, set[tuple[str, str]]], drifted: bool
):
    assert is_drift(difference(planned, now), standing) is drifted
