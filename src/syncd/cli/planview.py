"""A plan as a terminal shows it: sums per connection, everything held with what to type, every removal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from syncd.cli import output

_EXCEPTIONS = {"identity": "identity", "unmatched": "unmatched", "listing_missing": "identity", "refused": "rejected"}
_PLAIN = frozenset({"received", "held", "in_review", "changes", "unmatched", "suggested", "no_slot", "unconfirmed"})
"""Causes that need no example."""
_COUNTS = ("add", "replace", "move", "remove", "held", "calls")


def lines(plan: Mapping[str, Any]) -> Iterator[str]:
    """What `syncd plan` prints."""
    yield _head(plan)
    yield from _connections(plan)
    yield from _removals(plan["removals"])
    yield from _sums(plan)
    yield from (f"  {line}" for line in _dropped(plan))
    if "lines" in plan:
        yield from _every_line(plan["lines"])
    yield _foot(plan)


def _head(plan: Mapping[str, Any]) -> str:
    state = f"applied {output.instant(plan['applied_at'])} by {plan['applied_by']}" if plan["applied_at"] else ""
    first = [each["name"] for each in plan["connections"] if each["first"]]
    because = "nothing changed in the files"
    if plan["because"]:
        because = f"because {', '.join(plan['because'])} changed"
    elif first:
        because = f"the first of {', '.join(first)}"
    parts = (f"Plan {plan['id']}", output.instant(plan["created_at"]), because, state or "nothing written yet")
    return " · ".join(parts)


# --- connections ------------------------------------------------------------------------------------------------------


def _connections(plan: Mapping[str, Any]) -> Iterator[str]:
    rows: list[tuple[Any, ...]] = []
    for each in plan["connections"]:
        notes = list(_notes(each)) or [("", "")]
        counts = [*(each[name] for name in _COUNTS), output.duration(each.get("seconds", 0)) if each["calls"] else ""]
        rows.append((each["name"], *counts, *notes[0]))
        rows += [("", *("" for _ in counts), *note) for note in notes[1:]]
    header = ("SYSTEM", *_COUNTS, "about", "NOTE", "")
    yield from output.table(header, rows, right=(*_COUNTS, "about"), indent=2)


def _notes(connection: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What must be known about a connection, each with what to type."""
    name = connection["name"]
    if connection["unread"]:
        yield "not read yet: nothing can be said, and applying writes nothing here", f"syncd poll {name}; syncd plan"
    if connection["paused"]:
        yield f"{connection['paused']} paused: waits until it is resumed", f"syncd resume {name}"
    if connection["inferred"] > connection["brake_allows"]:
        beyond = connection["inferred"] - connection["brake_allows"]
        them = "it" if beyond == 1 else "them"
        yield f"{output.plural(beyond, 'removal')} beyond the brake: applying lets {them} pass", ""
    for held in connection["held_because"]:
        yield f"{held['count']:,} held: {_reason(held)}", _command(name, held)


def _reason(held: Mapping[str, Any]) -> str:
    words = held["cause"].replace("_", " ")
    if held["count"] == 1:
        return str(held["why"] or words)
    return words if held["cause"] in _PLAIN or not held["why"] else f"{words}, such as {held['why']}"


def _command(name: str, held: Mapping[str, Any]) -> str:
    """What shows, or mends, what is held for this cause."""
    if held["cause"] == "writes_off":
        return f"set `writes: ask` in connectors/{name}.yaml; syncd plan"
    if held["cause"] in _EXCEPTIONS:
        return f"syncd exceptions --kind {_EXCEPTIONS[held['cause']]}"
    subject = held["asset"] or held["sku"]
    return f"syncd explain {subject}" if subject else f"syncd exceptions --connection {name}"


# --- removals, sums ---------------------------------------------------------------------------------------------------


def _removals(removals: list[dict[str, Any]]) -> Iterator[str]:
    if not removals:
        return
    yield "  Removals (always listed):"
    rows = [
        (
            f"{line['connection']} {_place(line)}", line["title"] or line["asset"], line["before"],
            f"{line['why'] or line['cause']}{_at(line)}{' (inferred)' if line['inferred'] else ''}", line["image"],
        )
        for line in removals
    ]  # fmt: skip
    yield from output.table(("",) * 5, rows, indent=4)[1:]


def _at(line: Mapping[str, Any]) -> str:
    return f", {output.instant(line['at'], year=True)}" if line["at"] else ""


def _place(line: Mapping[str, Any]) -> str:
    return str(line["listing"]).partition(":")[2]


def _sums(plan: Mapping[str, Any]) -> Iterator[str]:
    renders, connections = plan["renders"], plan["connections"]
    made = [
        output.plural(renders[name], one)
        for name, one in (("images", "image"), ("videos", "video"), ("copies", "library copy"))
        if renders[name]
    ]
    inferred, others = sum(each["inferred"] for each in connections), sum(each["others"] for each in connections)
    losing = [each for each in connections if each["inferred"]] or connections
    allowed = sum(each["brake_allows"] for each in losing)
    copies = ", ".join(made).replace("library copys", "library copies") or "nothing"
    yield (
        f"  Renders {copies} · inferred removals {inferred:,} of {allowed:,} allowed today"
        f" · {others:,} media of others untouched"
    )


def _dropped(plan: Mapping[str, Any]) -> Iterator[str]:
    for name, count in plan["dropped"].items():
        yield (
            f"{name} is not configured any more: {output.plural(count, 'medium', 'media')} of ours stay there, "
            "and nobody looks after them"
        )


def _every_line(found: list[dict[str, Any]]) -> Iterator[str]:
    rows = [
        (line["action"], line["connection"], _place(line), line["title"] or line["asset"],
         " → ".join(side for side in (line["before"], line["after"]) if side), line["why"] or line["cause"])
        for line in found
    ]  # fmt: skip
    yield from output.table(("DO", "SYSTEM", "PLACE", "CONTENT", "WHAT", "WHY"), rows, indent=2)


def _foot(plan: Mapping[str, Any]) -> str:
    writing = [each for each in plan["connections"] if any(each[name] for name in ("add", "replace", "move", "remove"))]
    if plan["applied_at"]:
        return "Applied. See how it goes: syncd status"
    apply = f"syncd apply {plan['id']}"
    if not writing:
        first = any(each["first"] and not each["unread"] for each in plan["connections"])
        return f"Nothing to write. Let content flow from now on: {apply}" if first else "Nothing to write."
    channel = next((each for each in writing if "channel" in each["roles"]), writing[0])
    one, every = f"{apply} --only {channel['name']}", f"syncd plan {plan['id']} --lines"
    return f"Apply all: {apply}    try one: {one}    every line: {every}"


def applied(plan: Mapping[str, Any]) -> Iterator[str]:
    """What `syncd apply` prints."""
    if plan["applied_at"]:
        yield f"Plan {plan['id']} was applied {output.instant(plan['applied_at'])} by {plan['applied_by']}."
        for each in plan["connections"]:
            if each["unread"]:
                yield f"  {each['name']} was not read yet and is not part of it: syncd poll {each['name']}; syncd plan"
    else:
        parts = [" ".join(value for value in part.values() if value) for part in plan["applied"]]
        yield f"Of plan {plan['id']} applied so far: {'; '.join(parts)}. The rest: syncd apply {plan['id']}"
    yield "It is being carried out: syncd status"
