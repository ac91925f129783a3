"""Plans: their sums, their identity, and how two differ."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.plan import Counts, PlanAction, PlanLine, drift, fingerprint, summarise

ADD = PlanLine("shopify-us", "8812", PlanAction.ADD, "a", why="approved 4 min ago", after="a1.jpg")
REMOVE = PlanLine("amazon-eu", "B01", PlanAction.REMOVE, "b", "grant_ended", "G-097 ended", before="b1.jpg")
HELD = PlanLine("shopify-us", "8812", PlanAction.HELD, "c", "no_grant", "no grant for DE")


def test_the_summary_counts_each_connection_held_included():
    summary = summarise([ADD, replace(ADD, key="d"), REMOVE, HELD])
    assert summary == {"amazon-eu": Counts(remove=1), "shopify-us": Counts(add=2, held=1)}
    assert [counts.writes for counts in summary.values()] == [1, 2]
    assert list(summary) == ["amazon-eu", "shopify-us"]


def test_wording_does_not_make_another_plan():
    later = replace(ADD, why="approved 5 min ago")
    assert fingerprint([ADD, HELD]) == fingerprint([later, HELD])
    assert drift([ADD, HELD], [later, HELD]) == []


def test_drift_names_what_differs_and_nothing_else():
    held_now = replace(ADD, action=PlanAction.HELD, cause="grant_ended", after="")
    found = drift([ADD, REMOVE], [held_now, REMOVE, HELD])
    assert [(one.connection, one.key, one.words) for one in found] == [
        ("shopify-us", "a", "add a1.jpg → held (grant_ended)"),
        ("shopify-us", "c", "nothing → held (no_grant)"),
    ]


def test_drift_sees_that_something_else_stands_there_now():
    found = drift([REMOVE], [replace(REMOVE, before="b2.jpg")])
    assert [one.words for one in found] == ["remove b1.jpg (grant_ended) → remove b2.jpg (grant_ended)"]


short = st.text("ab", max_size=2)
lines_ = st.lists(
    st.builds(
        PlanLine,
        connection=short,
        listing=short,
        action=st.sampled_from(PlanAction),
        key=short,
        cause=short,
        why=short,
        before=short,
        after=short,
    ),
    max_size=6,
)


@given(lines_, st.data())
def test_the_fingerprint_does_not_depend_on_order(lines: list[PlanLine], data: st.DataObject):
    shuffled = data.draw(st.permutations(lines))
    assert fingerprint(lines) == fingerprint(shuffled)
    assert drift(lines, shuffled) == []


@given(lines_, lines_)
def test_two_plans_differ_exactly_where_their_fingerprints_do(one: list[PlanLine], other: list[PlanLine]):
    assert (fingerprint(one) == fingerprint(other)) == (drift(one, other) == [])
