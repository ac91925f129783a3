"""The next gallery by example, and by law on a simulated listing that others share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.domain.gallery import Draft, reconcile
from syncd.domain.placement import Desired, Placed, PlacementState, RemovalCause, Seen
from syncd.domain.rest import at_rest
from syncd.domain.rights import Cause
from syncd.domain.step import UNBOUNDED, Entry, Held, Hold, Slots, Step

ANY = Slots()
LIVE, ACCEPTED, SENT = PlacementState.LIVE, PlacementState.ACCEPTED, PlacementState.SENT


def want(key: str, version: int = 1, role: str = "lifestyle", rank: int = 0, name: str = "") -> Desired:
    return Desired(key, key, version, name or f"{key}{version}.jpg", role, (rank,))


def row(
    key: str,
    version: int = 1,
    state: PlacementState = LIVE,
    *,
    external_id: str = "",
    cause: RemovalCause | None = None,
    name: str = "",
) -> Placed:
    return Placed(f"{key}#{version}", key, version, name or f"{key}{version}.jpg", state, external_id, cause)


def see(*names: str) -> list[Seen]:
    """`F…` are others'; anything else is a public name of ours without its extension."""
    return [
        Seen(name, "" if name.startswith("F") else f"{name}.jpg", position)
        for position, name in enumerate(names, start=1)
    ]


def step(
    desired: Sequence[Desired],
    placed: Sequence[Placed],
    seen: Sequence[Seen],
    slots: Slots = ANY,
    causes: Mapping[str, RemovalCause] | None = None,
    brake: int = 99,
    fresh: bool = True,
) -> Step:
    return reconcile(desired, placed, seen, slots, causes or {}, brake, fresh)


def name_of(entry: Entry) -> str:
    ours = entry.desired or entry.placed
    if ours is not None:
        return ours.fingerprint.removesuffix(".jpg")
    assert entry.seen is not None
    return entry.seen.external_id


def names(found: Step) -> list[str]:
    return [name_of(entry) for entry in found.gallery]


def removed(found: Step) -> list[tuple[str, RemovalCause]]:
    return [(removal.placed.id, removal.cause) for removal in found.removes]


def waits(found: Step) -> list[tuple[str, Hold]]:
    return [(held.key, held.why) for held in found.held]


# --- additions ------------------------------------------------------------------------------------------------------


def test_a_new_picture_stands_behind_what_others_placed():
    found = step([want("a")], [], see("F1", "F2"))
    assert names(found) == ["F1", "F2", "a1"]
    assert [add.desired.key for add in found.adds] == ["a"]
    assert found.write_needed


def test_ours_stand_in_the_order_of_role_and_rank_and_main_leads():
    desired = [want("b", rank=2), want("a", rank=1), want("m", role="main", rank=9), want("x", role="alternate")]
    assert names(step(desired, [], see("F1"))) == ["m1", "F1", "x1", "a1", "b1"]


def test_slots_leave_the_first_positions_to_others():
    slots = Slots(3, 8)
    assert names(step([want("m", role="main")], [], see("F1", "F2", "F3"), slots)) == ["F1", "F2", "m1", "F3"]
    too_few = step([want("a")], [], see("F1"), slots)
    assert (names(too_few), waits(too_few)) == (["F1"], [("a", Hold.NO_SLOT)])
    assert not too_few.write_needed


def test_nothing_of_others_is_pushed_out_of_a_full_gallery():
    found = step([want("a"), want("b", rank=1)], [], see("F1", "F2", "F3"), Slots(1, 4))
    assert names(found) == ["F1", "F2", "F3", "a1"]
    assert waits(found) == [("b", Hold.NO_SLOT)]


def test_what_was_sent_is_not_sent_again_while_it_has_not_appeared():
    found = step([want("a")], [row("a", state=ACCEPTED)], see("F1"))
    assert (names(found), waits(found)) == (["F1", "a1"], [("a", Hold.UNCONFIRMED)])
    assert not found.write_needed


def test_what_was_sent_and_is_seen_is_confirmed_and_nothing_is_written():
    found = step([want("a")], [row("a", state=ACCEPTED)], see("F1", "a1"))
    assert [(confirm.placed.id, confirm.seen.position) for confirm in found.confirms if confirm.placed] == [("a#1", 2)]
    assert not found.write_needed


def test_a_live_one_is_kept():
    found = step([want("a")], [row("a", external_id="a1")], see("a1", "F1"))
    assert [kept.id for kept in found.keeps] == ["a#1"]
    assert (found.confirms, found.moves, found.write_needed) == ((), (), False)


def test_a_live_one_that_others_removed_is_put_up_again():
    found = step([want("a")], [row("a")], see("F1"))
    assert [lost.id for lost in found.losses] == ["a#1"]
    assert [add.placed and add.placed.id for add in found.adds] == ["a#1"]


def test_what_the_system_refused_is_not_sent_again_until_it_changes():
    refused = row("a", 1, PlacementState.REJECTED)
    assert waits(step([want("a")], [refused], see("F1"))) == [("a", Hold.REFUSED)]
    assert [add.desired.version for add in step([want("a", 2)], [refused], see("F1")).adds] == [2]


def test_a_refused_version_leaves_the_old_one_standing():
    found = step([want("a", 2)], [row("a", 1), row("a", 2, PlacementState.REJECTED)], see("a1"))
    assert names(found) == ["a1"]
    assert waits(found) == [("a", Hold.REFUSED), ("a", Hold.REPLACEMENT)]


def test_the_same_picture_under_two_keys_stands_once():
    found = step([want("a", name="p.jpg"), want("b", name="p.jpg", rank=1)], [], see())
    assert names(found) == ["p"]
    assert waits(found) == [("b", Hold.SAME_PICTURE)]


def test_one_without_a_row_is_recognised_by_its_name_and_not_added_again():
    found = step([want("a")], [], see("a1"))
    assert [(confirm.desired, confirm.placed) for confirm in found.confirms] == [(want("a"), None)]
    assert not found.write_needed


def test_one_is_recognised_by_its_external_id_where_names_are_lost():
    anonymous = [Seen("gid-7", "", 1), Seen("gid-8", "", 2)]
    found = step([want("a")], [row("a", external_id="gid-8")], anonymous)
    assert [kept.id for kept in found.keeps] == ["a#1"]
    assert [entry.ours for entry in found.gallery] == [False, True]


def test_a_new_external_id_is_reported():
    found = step([want("a")], [row("a", external_id="gid-1")], [Seen("gid-2", "a1.jpg", 1)])
    assert [confirm.seen.external_id for confirm in found.confirms] == ["gid-2"]
    assert not found.write_needed


def test_a_picture_whose_key_changed_is_taken_over_not_removed():
    found = step([want("new", name="p.jpg")], [row("old", name="p.jpg")], see("p"))
    assert (found.removes, found.write_needed) == ((), False)
    assert [confirm.desired and confirm.desired.key for confirm in found.confirms] == ["new"]
    assert [closed.key for closed in found.gone] == ["old"]


# --- replacing ------------------------------------------------------------------------------------------------------


def test_the_old_version_stays_until_the_new_one_is_seen():
    old = row("a", 1)
    first = step([want("a", 2)], [old], see("F1", "a1", "F2"))
    assert names(first) == ["F1", "a2", "a1", "F2"]
    assert (first.removes, waits(first)) == ((), [("a", Hold.REPLACEMENT)])
    waiting = step([want("a", 2)], [old, row("a", 2, ACCEPTED)], see("F1", "a1", "F2"))
    assert (waiting.removes, waiting.write_needed) == ((), False)
    last = step([want("a", 2)], [old, row("a", 2, ACCEPTED)], see("F1", "a2", "a1", "F2"))
    assert removed(last) == [("a#1", RemovalCause.SUPERSEDED)]
    assert names(last) == ["F1", "a2", "F2"]


def test_the_new_version_takes_the_place_of_the_old_where_no_position_is_free():
    found = step([want("a", 2)], [row("a", 1)], see("F1", "a1", "F2"), Slots(1, 3, at_least=3))
    assert names(found) == ["F1", "a2", "F2"]
    assert removed(found) == [("a#1", RemovalCause.SUPERSEDED)]


def test_replacing_does_not_use_the_brake():
    causes = {"a": RemovalCause.SPEC_CHANGED}
    found = step([want("a", 2)], [row("a", 1), row("a", 2)], see("a1", "a2"), causes=causes, brake=0)
    assert removed(found) == [("a#1", RemovalCause.SUPERSEDED)]
    assert found.brake_used == 0


def test_a_legal_reason_breaks_first_even_for_a_version_that_is_replaced():
    causes = {"a": RemovalCause.CONSENT_WITHDRAWN}
    found = step([want("a", 2)], [row("a", 1)], see("a1"), Slots(at_least=1), causes, brake=0)
    assert removed(found) == [("a#1", RemovalCause.CONSENT_WITHDRAWN)]
    assert names(found) == ["a2"]


def test_a_better_ranked_one_takes_the_slot_of_the_lowest_in_the_same_write():
    desired = [want("new", rank=0), want("a", rank=1), want("b", rank=2)]
    found = step(desired, [row("a"), row("b")], see("a1", "b1"), Slots(1, 2), brake=0)
    assert names(found) == ["new1", "a1"]
    assert removed(found) == [("b#1", RemovalCause.DISPLACED)]


# --- removals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cause", [cause for cause in RemovalCause if cause.urgent])
def test_a_legal_end_passes_brake_and_at_least(cause: RemovalCause):
    found = step([], [row("a")], see("a1"), Slots(at_least=1), {"a": cause}, brake=0)
    assert removed(found) == [("a#1", cause)]
    assert found.gallery == ()


def test_an_inferred_removal_uses_the_brake_and_is_held_by_it():
    rows, causes = [row("a"), row("b")], {"a": RemovalCause.UNMATCHED, "b": RemovalCause.UNMATCHED}
    found = step([], rows, see("a1", "F1", "b1"), causes=causes, brake=1)
    assert removed(found) == [("a#1", RemovalCause.UNMATCHED)]
    assert found.brake_used == 1
    assert found.held == (Held("b", Hold.BRAKE, rows[1]),)
    assert names(found) == ["F1", "b1"]


def test_a_removal_nobody_explains_is_inferred():
    assert waits(step([], [row("a")], see("a1"), brake=0)) == [("a", Hold.BRAKE)]


def test_a_stated_removal_needs_no_brake():
    assert removed(step([], [row("a")], see("a1"), causes={"a": RemovalCause.REJECTED}, brake=0)) != []


def test_a_removal_under_way_uses_the_brake_only_once():
    leaving = row("a", state=PlacementState.WITHDRAWING, cause=RemovalCause.UNMATCHED)
    found = step([], [leaving], see("a1"), brake=0)
    assert removed(found) == [("a#1", RemovalCause.UNMATCHED)]
    assert found.brake_used == 0


def test_too_few_media_hold_a_removal_until_something_else_stands_there():
    causes = {"a": RemovalCause.REJECTED}
    first = step([want("b")], [row("a")], see("a1"), Slots(at_least=1), causes)
    assert (names(first), waits(first)) == (["a1", "b1"], [("a", Hold.AT_LEAST)])
    last = step([want("b")], [row("a"), row("b", state=ACCEPTED)], see("a1", "b1"), Slots(at_least=1), causes)
    assert removed(last) == [("a#1", RemovalCause.REJECTED)]


def test_the_last_medium_is_exchanged_in_one_write_where_there_is_one_position_only():
    causes = {"a": RemovalCause.REJECTED}
    found = step([want("b")], [row("a")], see("a1"), Slots(1, 1, at_least=1), causes)
    assert names(found) == ["b1"]
    assert removed(found) == [("a#1", RemovalCause.REJECTED)]


def test_removals_wait_for_a_fresh_observation():
    found = step([want("b")], [row("a")], see("a1", "F1"), causes={"a": RemovalCause.GRANT_ENDED}, fresh=False)
    assert found.needs_fresh
    assert not found.write_needed
    assert (names(found), found.adds, found.removes, found.gone) == (["a1", "F1"], (), (), ())


def test_additions_do_not_wait_for_a_fresh_observation():
    found = step([want("a")], [], see("F1"), fresh=False)
    assert (found.write_needed, found.needs_fresh) == (True, False)


def test_what_is_not_wanted_and_not_there_is_closed():
    rows = [
        row("a", state=PlacementState.WITHDRAWING),
        row("b", state=PlacementState.PLANNED),
        row("c"),
        row("d", state=PlacementState.GONE),
    ]
    found = step([], rows, see("F1"))
    assert [closed.key for closed in found.gone] == ["a", "b", "c"]
    assert not found.write_needed


def test_what_was_sent_and_is_not_wanted_any_more_is_recalled_before_it_appears():
    found = step([], [row("a", state=SENT)], see("F1"), causes={"a": RemovalCause.WITHDRAWN})
    assert [(removal.placed.id, removal.seen) for removal in found.removes] == [("a#1", None)]
    assert found.write_needed


def test_what_comes_back_after_it_was_gone_is_removed_again():
    gone = row("a", state=PlacementState.GONE, cause=RemovalCause.GRANT_ENDED)
    assert removed(step([], [gone], see("F1", "a1"))) == [("a#1", RemovalCause.GRANT_ENDED)]


def test_what_was_leaving_and_is_wanted_again_stays():
    found = step([want("a")], [row("a", state=PlacementState.WITHDRAWING)], see("a1"))
    assert [confirm.desired for confirm in found.confirms] == [want("a")]
    assert not found.write_needed


def test_copies_of_ours_are_cleaned_down_to_the_one_the_ledger_knows():
    seen = [Seen("1", "a1.jpg", 1), Seen("F1", "", 2), Seen("2", "a1.jpg", 3)]
    found = step([want("a")], [row("a", external_id="2")], seen)
    assert [copy.external_id for copy in found.duplicates] == ["1"]
    assert [entry.seen for entry in found.gallery] == [seen[1], seen[2]]


def test_fewer_slots_than_before_are_an_inference_under_the_brake():
    desired, rows = [want("a"), want("b", rank=1), want("c", rank=2)], [row("a"), row("b"), row("c")]
    found = step(desired, rows, see("a1", "b1", "c1"), Slots(1, 1), brake=1)
    assert removed(found) == [("c#1", RemovalCause.NO_SLOT)]
    assert names(found) == ["a1", "b1"]
    assert ("b", Hold.BRAKE) in waits(found)


# --- order ----------------------------------------------------------------------------------------------------------


def test_ours_change_places_among_themselves_and_others_keep_theirs():
    found = step([want("a"), want("b", rank=1)], [row("a"), row("b")], see("F1", "b1", "F2", "a1"))
    assert names(found) == ["F1", "a1", "F2", "b1"]
    assert [name_of(entry) for entry in found.moves] == ["a1", "b1"]


def test_ours_are_not_reordered_while_one_of_them_is_still_to_appear():
    desired, rows = [want("a"), want("b", rank=1), want("c", rank=2)], [row("a", state=ACCEPTED), row("b"), row("c")]
    assert not step(desired, rows, see("c1", "b1")).write_needed
    assert step(desired, rows, see("c1", "b1", "a1")).write_needed


def test_one_of_ours_that_slipped_out_of_its_slots_moves_back():
    found = step([want("a")], [row("a")], see("a1", "F1", "F2"), Slots(3, 8))
    assert names(found) == ["F1", "F2", "a1"]


def test_others_adding_media_behind_ours_cause_no_write():
    found = step([want("a")], [row("a")], see("F1", "a1", "F2", "F3"), Slots(2, 3))
    assert not found.write_needed


def test_ours_stay_where_others_removed_what_stood_before_them():
    found = step([want("a")], [row("a")], see("F1", "a1"), Slots(3, 8))
    assert (found.write_needed, names(found)) == (False, ["F1", "a1"])


def test_a_right_that_ended_is_a_legal_removal_and_a_missing_one_is_inferred():
    for cause in Cause:
        if cause is not Cause.ALLOWED:
            assert RemovalCause.of_rights(cause).urgent == cause.dated
    assert RemovalCause.of_rights(Cause.NO_GRANT).inferred
    assert not RemovalCause.of_rights(Cause.NARROWED).inferred


# --- by law: a listing that others share ------------------------------------------------------------------------------


@dataclass
class World:
    """A listing, our ledger of it, and a system that does what it is told, at once or one observation later."""

    desired: list[Desired]
    rows: dict[tuple[str, str], Placed]
    seen: list[Seen]
    slots: Slots
    causes: dict[str, RemovalCause]
    brake: int
    names_kept: bool = True
    late: bool = False
    coming: list[Seen] | None = None
    steps: list[Step] = field(default_factory=list)

    def turn(self) -> Step:
        facts = (self.desired, list(self.rows.values()), self.seen, self.slots, self.causes, self.brake)
        found = reconcile(*facts, fresh=True)
        assert found == Draft(*facts).step(fresh=True)  # where a listing is at rest, nothing else would have come out
        self.steps.append(found)
        self._record(found)
        if self.coming is not None:
            self.seen, self.coming = self.coming, None
        if found.write_needed:
            self._write(found)
        return found

    def _record(self, found: Step) -> None:
        for confirm in found.confirms:
            base = confirm.placed or self._new(confirm.desired)
            self._set(base._replace(state=LIVE, external_id=confirm.seen.external_id))
        for closed in found.gone:
            self._set(closed._replace(state=PlacementState.GONE))
        for add in found.adds:
            self._set((add.placed or self._new(add.desired))._replace(state=ACCEPTED))
        for removal in found.removes:
            self._set(removal.placed._replace(state=PlacementState.WITHDRAWING, cause=removal.cause))
        self.brake -= found.brake_used

    def _new(self, one: Desired | None) -> Placed:
        assert one is not None
        return row(one.key, one.version, name=one.fingerprint)

    def _set(self, one: Placed) -> None:
        self.rows[one.key, one.fingerprint] = one

    def _write(self, found: Step) -> None:
        result = []
        for position, entry in enumerate(found.gallery, start=1):
            if entry.seen is not None:
                result.append(entry.seen._replace(position=position))
                continue
            ours = entry.desired or entry.placed
            assert ours is not None
            external_id = f"id-{ours.fingerprint}"
            result.append(Seen(external_id, ours.fingerprint if self.names_kept else "", position))
            known = self.rows[ours.key, ours.fingerprint]
            self._set(known._replace(external_id=external_id))
        if self.late:
            self.coming = result
        else:
            self.seen = result

    def foreign(self) -> list[str]:
        return [one.external_id for one in self.seen if one.external_id.startswith("F")]

    def ours(self) -> list[str]:
        """Fingerprints of ours in the listing, told by the system's id: the model does not trust names."""
        return [one.external_id.removeprefix("id-") for one in self.seen if not one.external_id.startswith("F")]

    def rest(self) -> list[Step]:
        """Turn until nothing happens any more; what never appeared is tried again, as after a time-out."""
        for _ in range(24):
            before = list(self.seen)
            found = self.turn()
            if found.write_needed or self.seen != before or found.gone or found.confirms:
                continue
            missing = [held.key for held in found.held if held.why is Hold.UNCONFIRMED]
            if not missing:
                return self.steps
            for one in [one for one in self.rows.values() if one.key in missing and one.state in (SENT, ACCEPTED)]:
                self._set(one._replace(state=PlacementState.PLANNED))
        raise AssertionError("the listing did not come to rest")


KEYS = ("a", "b", "c", "d", "e")
causes_ = st.sampled_from(RemovalCause)


@st.composite
def worlds(draw: st.DrawFn, *, tight: bool = True) -> World:
    desired = [
        want(
            key,
            draw(st.integers(1, 3)),
            draw(st.sampled_from(["main", "alternate", "lifestyle"])),
            draw(st.integers(0, 3)),
        )
        for key in draw(st.sets(st.sampled_from(KEYS)))
    ]
    rows: dict[tuple[str, str], Placed] = {}
    listed: list[Seen] = [Seen(f"F{number}", "", 0) for number in range(draw(st.integers(0, 4)))]
    names_kept = draw(st.booleans())
    for key, version in sorted(draw(st.sets(st.tuples(st.sampled_from(KEYS), st.integers(1, 3)), max_size=6))):
        name = f"{key}{version}.jpg"
        state = draw(st.sampled_from(PlacementState))
        visible = state in (LIVE, PlacementState.SHOWN) or draw(st.booleans())
        known = f"id-{name}" if visible or draw(st.booleans()) else ""
        rows[key, name] = row(key, version, state, external_id=known, cause=draw(st.none() | causes_))
        if visible:
            listed += [Seen(f"id-{name}", name if names_kept else "", 0)] * draw(st.sampled_from([1, 1, 1, 2]))
    listed = draw(st.permutations(listed))
    first = draw(st.integers(1, 4)) if tight else 1
    return World(
        desired,
        rows,
        [one._replace(position=index) for index, one in enumerate(listed, start=1)],
        Slots(
            first,
            first + draw(st.integers(0, 6)) if tight and draw(st.booleans()) else UNBOUNDED,
            draw(st.integers(0, 4)) if tight else 0,
        ),
        draw(st.dictionaries(st.sampled_from(KEYS), causes_)),
        draw(st.integers(0, 3)) if tight else 99,
        names_kept,
        late=draw(st.booleans()),
    )


def wanted_order(world: World) -> list[str]:
    return [one.fingerprint for one in sorted(world.desired, key=lambda one: one.order)]


@st.composite
def standing(draw: st.DrawFn) -> tuple[list[Desired], list[Placed], list[Seen], Slots]:
    """A listing in which all of ours stand, in any order, within any slots, some once placed under another key."""
    desired = [want(key, role=draw(st.sampled_from(["main", "lifestyle"])), rank=draw(st.integers(0, 2))) for key in
               KEYS[: draw(st.integers(0, 4))]]  # fmt: skip
    rows = [
        row(draw(st.sampled_from([one.key, one.key, "z"])), external_id=f"id-{one.key}", name=one.fingerprint)
        for one in desired
    ]
    ours = [(one.external_id, one.fingerprint) for one in rows]
    names_kept = draw(st.booleans())
    listed = draw(st.permutations([*ours, *(("F1", ""), ("F2", ""), ("F3", ""))[: draw(st.integers(0, 3))]]))
    seen = [Seen(known, name if names_kept else "", at) for at, (known, name) in enumerate(listed, start=1)]
    first = draw(st.integers(1, 3))
    last = draw(st.sampled_from([UNBOUNDED, first, first + 1, first + 4]))
    return desired, rows, seen, Slots(first, last, draw(st.integers(0, 4)))


@settings(max_examples=1_000)
@given(standing())
def test_only_a_listing_in_which_nothing_is_to_be_done_is_at_rest(listing: tuple[Any, ...]):
    found = at_rest(*listing)
    worked_out = Draft(*listing, {}, 0).step(fresh=True)
    at_ease = worked_out == Step(worked_out.gallery, keeps=worked_out.keeps)
    assert found == (worked_out if at_ease else None)


@given(worlds())
def test_it_comes_to_rest_and_then_writes_nothing(world: World):
    world.rest()
    again = world.turn()
    assert (again.write_needed, again.adds, again.removes, again.moves) == (False, (), (), ())


@given(worlds())
def test_nothing_of_others_is_lost_or_reordered(world: World):
    before = world.foreign()
    for found in world.rest():
        kept = [entry.seen.external_id for entry in found.gallery if entry.seen and not entry.ours]
        assert [one for one in kept if one.startswith("F")] == before
    assert world.foreign() == before


@given(worlds(tight=False))
def test_with_room_it_ends_in_exactly_what_is_desired_in_order(world: World):
    refused = {key for (key, name), one in world.rows.items() if one.state == PlacementState.REJECTED}
    world.rest()
    standing = world.ours()
    expected = wanted_order(world)
    assert [name for name in standing if name in expected] == [name for name in expected if name in standing]
    for one in world.desired:
        if one.key not in refused:
            assert one.fingerprint in standing
    keys_wanted = {one.key for one in world.desired}
    for name in standing:
        assert name in expected or (name[0] in keys_wanted & refused)


@given(worlds())
def test_two_of_one_key_never_remain(world: World):
    world.rest()
    waiting = {one.placed.fingerprint for one in world.steps[-1].held if one.placed is not None}
    settled = {name for name in world.ours() if name not in waiting}
    assert len({name[0] for name in settled}) == len(settled)
    if world.slots.at_least == 0:
        assert len(world.ours()) == len(set(world.ours()))


@given(worlds())
def test_legal_removals_are_all_in_the_first_step(world: World):
    names_wanted = {one.fingerprint for one in world.desired}
    in_listing = set(world.ours())
    must = {
        one.fingerprint
        for one in world.rows.values()
        if one.fingerprint in in_listing - names_wanted
        and any(cause is not None and cause.urgent for cause in (world.causes.get(one.key), one.cause))
    }
    found = world.turn()
    assert must <= {removal.placed.fingerprint for removal in found.removes}
    assert not must & {name_of(entry) + ".jpg" for entry in found.gallery if entry.seen is None or entry.ours}


@given(worlds())
def test_removals_that_are_not_legal_leave_at_least_so_many(world: World):
    for _ in range(6):
        before = len(world.seen)
        found = world.turn()
        urgent = sum(removal.cause.urgent and removal.seen is not None for removal in found.removes)
        assert len(found.gallery) >= min(before, world.slots.at_least) - urgent


@given(worlds())
def test_the_brake_is_never_overdrawn(world: World):
    for _ in range(6):
        allowed = world.brake
        assert world.turn().brake_used <= allowed


@given(worlds())
def test_what_is_written_stays_within_the_slots_and_pushes_nothing_of_others_out(world: World):
    for _ in range(6):
        foreign, seen = len(world.foreign()), len(world.seen)
        found = world.turn()
        if (
            not found.write_needed
            or Hold.UNCONFIRMED in {held.why for held in found.held}
            or any(held.placed and held.placed.state in (SENT, ACCEPTED) for held in found.held)
            or foreign < world.slots.first - 1
        ):
            continue
        assert len(found.gallery) <= max(world.slots.last, seen)
        if seen <= world.slots.last:
            for position, entry in enumerate(found.gallery, start=1):
                assert entry.desired is None or world.slots.first <= position <= world.slots.last


@given(worlds())
def test_nothing_new_is_added_while_the_positions_before_ours_are_empty(world: World):
    standing = {name[0] for name in world.ours()}
    underway = {one.key for one in world.rows.values() if one.state in (SENT, ACCEPTED)}
    if len(world.foreign()) < world.slots.first - 1:
        assert {add.desired.key for add in world.turn().adds} <= standing | underway


@given(st.integers(1, 4), st.integers(0, 3), st.integers(0, 4), st.booleans(), st.booleans())
def test_a_listing_never_shows_fewer_while_versions_are_replaced(
    ours: int, foreign: int, spare: int, late: bool, names_kept: bool
):
    keys = KEYS[:ours]
    listed = [f"F{number}" for number in range(foreign)] + [f"id-{key}1.jpg" for key in keys]
    world = World(
        [want(key, 2) for key in keys],
        {(key, f"{key}1.jpg"): row(key, external_id=f"id-{key}1.jpg") for key in keys},
        [
            Seen(name, name.removeprefix("id-") if names_kept and not name.startswith("F") else "", index)
            for index, name in enumerate(listed, start=1)
        ],
        Slots(1, ours + foreign + spare),
        {},
        0,
        names_kept,
        late,
    )
    for _ in range(12):
        assert len(world.seen) >= ours + foreign
        world.turn()
    assert world.ours() == [f"{key}2.jpg" for key in keys]
