from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.review import Decision, Outcome, ReviewStatus, Route, Verdict, Waiting, may_decide, outcome

PEOPLE = {"brand": ("tom@a.b", "nora@a.b"), "legal": ("liv@a.b", "nora@a.b")}
ROUTE = Route(("brand", "legal"), PEOPLE, "head@a.b", "people shown", "reviews.yaml:3")


def said(person: str, verdict: Verdict = Verdict.APPROVE, version: str = "v2") -> Decision:
    return Decision(f"{person}@a.b", verdict, version)


def judged(*decisions: Decision, submitter: str = "") -> Outcome:
    return outcome(ROUTE, decisions, "v2", submitter=submitter)


def test_all_roles_and_the_final_approver_approve() -> None:
    done = judged(said("tom"), said("liv"), said("head"))
    assert (done.status, done.by) == (ReviewStatus.APPROVED, ("head@a.b", "liv@a.b", "tom@a.b"))


def test_one_person_speaks_for_all_roles_they_have() -> None:
    assert judged(said("nora"), said("head")).status is ReviewStatus.APPROVED


def test_what_is_missing_is_named() -> None:
    assert judged(said("tom")).waiting_for == (Waiting("legal", PEOPLE["legal"]), Waiting("", ("head@a.b",)))
    assert judged(said("tom"), said("liv")).waiting_for == (Waiting("", ("head@a.b",)),)


def test_the_final_approver_alone_is_not_enough() -> None:
    assert judged(said("head")).status is ReviewStatus.PENDING


def test_a_person_who_was_not_asked_has_no_word() -> None:
    assert judged(said("eve", Verdict.REJECT)).status is ReviewStatus.PENDING
    assert not may_decide(ROUTE, "eve@a.b")
    assert may_decide(ROUTE, "head@a.b")


def test_one_rejection_ends_it_and_outweighs_a_wish_for_changes() -> None:
    ended = judged(said("liv", Verdict.CHANGES), said("head"), said("tom", Verdict.REJECT))
    assert (ended.status, ended.by) == (ReviewStatus.REJECTED, ("tom@a.b",))
    assert judged(said("tom"), said("head", Verdict.CHANGES)).status is ReviewStatus.CHANGES


def test_the_last_word_of_a_person_counts() -> None:
    assert judged(said("nora", Verdict.REJECT), said("nora"), said("head")).status is ReviewStatus.APPROVED
    assert judged(said("nora"), said("head"), said("nora", Verdict.CHANGES)).status is ReviewStatus.CHANGES


def test_decisions_on_another_version_do_not_count() -> None:
    assert judged(said("nora", version="v1"), said("head")).status is ReviewStatus.PENDING
    assert judged(said("tom", Verdict.REJECT, "v1"), said("nora"), said("head")).status is ReviewStatus.APPROVED


def test_the_submitter_never_decides_on_their_own() -> None:
    assert judged(said("nora"), said("head"), submitter="Nora@a.b").status is ReviewStatus.PENDING
    assert judged(said("nora", Verdict.REJECT), submitter="nora@a.b").status is ReviewStatus.PENDING
    blocked = judged(said("nora"), said("head"), submitter="head@a.b")
    assert blocked.waiting_for == (Waiting("", ()),)
    assert not may_decide(ROUTE, "nora@a.b", submitter="nora@a.b")


decisions = st.lists(st.builds(said, st.sampled_from(["tom", "nora", "liv", "head", "eve"]), st.sampled_from(Verdict),
                               st.sampled_from(["v1", "v2"])), max_size=8)  # fmt: skip


@given(decisions, st.sampled_from(["", "nora@a.b", "head@a.b"]))
def test_nothing_is_approved_without_every_word_on_that_very_version(made: list[Decision], submitter: str) -> None:
    last = {each.person: each.verdict for each in made if each.version == "v2" and each.person != submitter}
    approving = {person for person, verdict in last.items() if verdict is Verdict.APPROVE}
    complete = all(approving & set(PEOPLE[role]) for role in ROUTE.ask) and ROUTE.approver in approving
    against = any(verdict is not Verdict.APPROVE for person, verdict in last.items() if person != "eve@a.b")
    assert (judged(*made, submitter=submitter).status is ReviewStatus.APPROVED) == (complete and not against)
