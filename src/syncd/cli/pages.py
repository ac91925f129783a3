"""The pages people read: `syncd status` and `syncd explain`, as lines that are understood without colour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from syncd.cli import output

Page = Mapping[str, Any]
_STATES = ("shown", "live", "accepted", "sent", "withdrawing", "rejected", "planned", "held", "not planned", "gone")
_UP = ("planned", "sent", "accepted", "live", "shown", "withdrawing", "rejected")


# --- status -----------------------------------------------------------------------------------------------------------


def status_lines(page: Page) -> Iterator[str]:
    """What the daemon is doing: brands, connections with what is in their way, and the oldest waiting work."""
    yield f"syncd · {output.instant(page['now'])} · revision {page['revision'][:8]}"
    for brand in page["brands"]:
        yield from _brand(brand)
    rows = [_connection(each) for each in page["connections"]]
    yield from output.table(
        ("CONNECTION", "writes", *_UP, "due", "read", ""), rows, right=(*_UP, "due"), indent=2
    )  # fmt: skip
    for each in page["connections"]:
        for trouble in each["troubles"]:
            since = f" since {output.instant(trouble['since'])}" if trouble["since"] else ""
            yield f"  ! {each['name']}: {trouble['why']}{since}; waits: {trouble['blocks']}      {trouble['type']}"
    oldest = page["oldest"]
    work = f"Work {page['due']:,} due, {page['parked']:,} parked until a person acts · inbox {page['inbox']:,}"
    if oldest:
        work += f" · oldest {oldest['kind']} {oldest['key']} ({oldest['lane']}) {_age(oldest['due_at'], page['now'])}"
        work += f": {oldest['error']}" if oldest["error"] else ""
    yield work


def _brand(brand: Page) -> Iterator[str]:
    counted = " · ".join(f"{number:,} {status.replace('_', ' ')}" for status, number in brand["versions"].items())
    yield f"{brand['name']}: {counted or 'no content yet'}"
    if brand["exceptions"]:
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in brand["exceptions"].items())
        yield f"  exceptions       {kinds}      syncd exceptions --brand {brand['name']}"
    if brand["overdue"]:
        yield f"  LEGALLY OVERDUE  {output.plural(brand['overdue'], 'place')}      syncd exceptions --kind overdue"
    for ending in brand["ending"]:
        if ending["grants"]:
            what = f"{output.plural(ending['grants'], 'grant')}, {output.plural(ending['placements'], 'placement')}"
            yield f"  rights end       within {ending['days']} d: {what}, first {output.instant(ending['first'])}"


def _connection(each: Page) -> list[Any]:
    counts = [each["placements"].get(state, 0) for state in _UP]
    note = ", ".join(trouble["what"] for trouble in each["troubles"])
    return [each["name"], each["writes"], *counts, each["due"], output.instant(each["observed_at"]), note]


# --- explain ----------------------------------------------------------------------------------------------------------


def explain_lines(page: Page) -> Iterator[str]:
    """Why content stands where it does: the product, each asset with its places, and what time changes next."""
    counts = ", ".join(f"{page['counts'][state]} {state}" for state in _STATES if page["counts"].get(state))
    for product in page["products"]:
        packaging = f", version {product['version']}" if product["version"] else ""
        absent = ", no longer in the catalogue" if product["absent_since"] else ""
        read = f"({product['connection']}, {_age(product['observed_at'], page['now'])})"
        title = f" {product['title']}" if product["title"] else ""
        yield f"{product['sku']}{title} · {product['status']}{packaging}{absent} {read} · {counts or 'nothing planned'}"
    if not page["products"]:
        yield f"{page['asked']} · {counts or 'nothing planned'}"
    versions = {product["sku"]: product["version"] for product in page["products"]}
    for asset in page["assets"]:
        yield from _asset(asset, versions)
    if page["more"]:
        yield f"  and {page['more']:,} more assets      syncd explain ASSET"
    yield f"Next change  {_next(page['next_changes'])}"


def _next(changes: Sequence[Page]) -> str:
    """What time alone changes first: `11 Nov 2028 00:00 UTC: 7Q2M leaves dam, shop (its right ends)`."""
    if not changes:
        return "none by time alone"
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for change in changes:
        grouped.setdefault((change["asset"], change["what"], change["why"]), []).append(change["connection"])
    told = [f"{asset} {what} {', '.join(names)} ({why})" for (asset, what, why), names in grouped.items()]
    return f"{_day(changes[0]['at'], 'UTC')}: {'; '.join(told)}"


def _asset(asset: Page, versions: Mapping[str, str]) -> Iterator[str]:
    head = [f"ASSET {asset['id']} v{asset['number']} {asset['file_name']}"]
    head += [f"by {asset['creator']}"] if asset["creator"] else []
    head += [f"owner {asset['owner']}", asset["status"].replace("_", " ")]
    if asset["shown_number"] != asset["number"]:
        head.append(f"v{asset['shown_number']} counts until it is approved")
    shows = [match for match in asset["matches"] if match["status"] == "confirmed" and match["product_version"]]
    for match in shows:
        current = versions.get(match["sku"])
        note = " (current)" if current == match["product_version"] else f" (now {current})" if current else ""
        head.append(f"shows version {match['product_version']}{note}")
    yield "  " + " · ".join(head)
    yield from _reasons(asset)
    yield from _places(asset)


def _reasons(asset: Page) -> Iterator[str]:
    matched = "; ".join(map(_match, asset["matches"]))
    yield f"  match     {matched or 'none'}     approved  {_approved(asset) or 'nobody yet'}"
    for right in asset["rights"]:
        yield f"  rights    {_right(right, asset['zone'])}"
    if not asset["rights"]:
        yield f"  rights    none      syncd case {asset['id']} --file rights"
    for consent in asset["consents"]:
        ends = f"until {_day(consent['ends'], asset['zone'])}" if consent["ends"] else "without end"
        gone = f", withdrawn {_day(consent['withdrawn_at'], asset['zone'])}" if consent["withdrawn_at"] else ""
        yield f"  consent   {consent['id']}: {ends}{gone}"
    for said in asset["said"]:
        if said["verdict"] != "approve":
            words = " ".join(filter(None, (said["reason"], said["comment"])))
            yield f"  said      {said['name']} {_short(said['at'], asset['zone'])}: {said['verdict']}: {words}"
    if asset["waiting_for"]:
        yield f"  waits for {', '.join(asset['waiting_for'])}"
    for told in asset["exceptions"]:
        yield f"  exception {told['kind']}: {told['reason']}      syncd exceptions {told['id']}"


def _match(match: Page) -> str:
    suggested = "" if match["status"] == "confirmed" else " suggested"
    return f"{match['sku']}{suggested} by {match['rule']} ({match['location']})"


def _approved(asset: Page) -> str:
    said = [each for each in asset["said"] if each["verdict"] == "approve"]
    return "; ".join(
        f"{each['name']} {_short(each['at'], asset['zone'])}"
        + (f" in {each['imported_from']}" if each["imported_from"] else "")
        for each in said
    )


def _right(right: Page, zone: str) -> str:
    if right["basis"] == "owned":
        scope = "owned, no paper needed"
    else:
        parts = (right[name] for name in ("territory", "medium", "use"))
        scope = " · ".join(" ".join(part) or "any" for part in parts)
        channels = right["channels"]
        scope += f" · {' '.join(channels)}" if channels and channels != ["*"] else ""
    document = f" {right['document'].rpartition('/')[2]}" if right["document"] else ""
    ends = f" · until {_day(right['ends'], zone)}" if right["ends"] else " · without end"
    revoked = f" · REVOKED {_day(right['revoked_at'], zone)}" if right["revoked_at"] else ""
    return f"{right['id']}{document}: {scope}{ends}{revoked}"


def _places(asset: Page) -> Iterator[str]:
    rows = []
    for place in asset["places"]:
        where = f"{place['connection']}/{place['market']}" if place["market"] else place["connection"]
        slot = f"slot {place['slot']}" if place["slot"] else "-"
        rows.append((where, slot, place["state"], _why(place, asset["zone"])))
    yield from _aligned(rows, indent=2)


def _why(place: Page, zone: str) -> str:
    since = f" {_short(place['at'], zone, time=True)}" if place["at"] else ""
    head, _, rest = place["why"].partition(";")
    words = f"{head}{since}{';' + rest if rest else ''}"
    if place["state"] in ("sent", "accepted", "withdrawing", "planned") and place["next_at"]:
        words += f"; next look {_short(place['next_at'], zone, time=True)}"
    if place["type"] == "no action needed":
        return f"{words}, {place['type']}"
    return f"{words}      {place['type']}" if place["type"] else words


def _aligned(rows: Sequence[Sequence[str]], indent: int) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(3)] if rows else []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield " " * indent + "  ".join([*cells, row[3]])


# --- instants ---------------------------------------------------------------------------------------------------------


def _short(value: str, zone: str, *, time: bool = False) -> str:
    """An instant in the brand's zone: `12 Nov`, or `12 Nov 15:20 CET`."""
    moment = datetime.fromisoformat(value).astimezone(ZoneInfo(zone))
    return f"{moment.day} {moment:%b %H:%M %Z}" if time else f"{moment.day} {moment:%b}"


def _day(value: str, zone: str) -> str:
    """An instant where the year and the zone matter: `13 Nov 2028 00:00 CET`."""
    moment = datetime.fromisoformat(value).astimezone(ZoneInfo(zone))
    return f"{moment.day} {moment:%b %Y %H:%M %Z}"


def _age(value: str, now: str) -> str:
    """How long ago: `4 min ago`."""
    passed = datetime.fromisoformat(now).astimezone(UTC) - datetime.fromisoformat(value).astimezone(UTC)
    seconds = max(0, int(passed.total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
