"""A plan in the terminal: understood without colour, nothing held is hidden, removals are always listed."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.cli import planview


def connection(name: str = "shop", **changes: Any) -> dict[str, Any]:
    zero = dict.fromkeys(("add", "replace", "move", "remove", "held", "calls", "others", "inferred"), 0)
    return {
        "name": name, "brand": "acme", "roles": ["channel"], "writes": "ask", "first": False, "restored": False,
        "paused": "", "unread": False, "brake_allows": 3, "held_because": [], **zero, **changes,
    }  # fmt: skip


def plan(*connections: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": "7c1e", "revision": "a" * 64, "created_at": "2026-11-22T13:05:00+00:00", "created_by": "first",
        "applied_at": None, "applied_by": "", "because": [], "dropped": {}, "connections": list(connections),
        "renders": {"images": 0, "videos": 0, "copies": 0}, "removals": [], "applied": [], **changes,
    }  # fmt: skip


def held(cause: str, count: int = 1, **changes: str) -> dict[str, Any]:
    return {"cause": cause, "count": count, "why": "", "sku": "", "asset": "", **changes}


def shown(*connections: dict[str, Any], **changes: Any) -> str:
    return "\n".join(planview.lines(plan(*connections, **changes)))


def test_the_head_says_why_there_is_a_plan_and_that_nothing_was_written():
    assert "because mappings/matrix.yaml changed · nothing written yet" in shown(
        connection(), because=["mappings/matrix.yaml"]
    )
    assert "the first of shop · nothing written yet" in shown(connection(first=True))
    assert "nothing changed in the files" in shown(connection())


@pytest.mark.parametrize(
    ("because", "words"),
    [
        (held("in_review", 9, asset="7Q2M"), "9 held: in review  syncd explain 7Q2M"),
        (held("not_granted", 96, why="no grant covers DE", sku="GL-1"),
         "96 held: not granted, such as no grant covers DE  syncd explain GL-1"),
        (held("identity", why="shop has no listing for GL-1"),
         "1 held: shop has no listing for GL-1  syncd exceptions --kind identity"),
        (held("writes_off", why="`writes: off` in connectors/shop.yaml"),
         "set `writes: ask` in connectors/shop.yaml; syncd plan"),
        (held("something_new"), "1 held: something new  syncd exceptions --connection shop"),
    ],
)  # fmt: skip
def test_every_held_line_ends_in_what_to_type(because: dict[str, Any], words: str):
    [line] = [line for line in shown(connection(held=1, held_because=[because])).splitlines() if "held:" in line]
    assert line.endswith(words)


def test_several_causes_are_all_shown_below_each_other():
    causes = [held("in_review", 2, asset="A"), held("identity", 1)]
    text = shown(connection(held=3, held_because=causes))
    assert [line.split()[0] for line in text.splitlines() if "held:" in line] == ["shop", "1"]


def test_a_connection_that_was_not_read_or_is_paused_says_so():
    assert "not read yet" in shown(connection(unread=True))
    assert "syncd resume shop" in shown(connection(paused="writes"))


def test_removals_are_listed_with_cause_and_instant():
    removal = {
        "connection": "shop", "listing": "listing:GL-0388", "title": "shelf", "asset": "A", "before": "v1 abc",
        "why": "grant G-097 ended", "cause": "grant_ended", "at": "2026-11-23T23:00:00+00:00", "inferred": False,
        "image": "http://x/m/a.jpg",
    }  # fmt: skip
    text = shown(connection(remove=1), removals=[removal])
    assert "Removals (always listed):" in text
    [line] = [line for line in text.splitlines() if "GL-0388" in line]
    assert "grant G-097 ended, 23 Nov 2026" in line or "grant G-097 ended, 24 Nov 2026" in line
    assert line.endswith("http://x/m/a.jpg")


def test_what_is_beyond_the_brake_is_told_before_it_passes():
    text = shown(connection(remove=5, inferred=5, brake_allows=3))
    assert "2 removals beyond the brake: applying lets them pass" in text
    assert "inferred removals 5 of 3 allowed today" in text


def test_the_foot_says_what_to_type():
    writing = shown(connection("dam", roles=["library"], add=1), connection(add=2))
    assert writing.endswith("Apply all: syncd apply 7c1e    try one: syncd apply 7c1e --only shop    "
                            "every line: syncd plan 7c1e --lines")  # fmt: skip
    assert shown(connection()).endswith("Nothing to write.")
    assert shown(connection(first=True)).endswith("Let content flow from now on: syncd apply 7c1e")


def test_applied_in_part_says_what_is_left():
    part = {"connection": "shop", "sku": "GL-1", "listing": ""}
    text = "\n".join(planview.applied(plan(connection(), applied=[part])))
    assert "applied so far: shop GL-1. The rest: syncd apply 7c1e" in text
