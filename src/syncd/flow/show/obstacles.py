"""What keeps a whole asset from going anywhere, in words that end in what to type."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from syncd.domain.asset import VersionStatus
from syncd.domain.review import Outcome, Waiting
from syncd.flow.show.derivatives import NO_ACTION, Obstacle
from syncd.flow.show.explanation import ExceptionShown, FindingShown, MatchShown
from syncd.ledger.types import Row

NEW_VERSION = "its creator sends a new version"


def unapproved(
    row: Row,
    told: Sequence[ExceptionShown],
    review: Outcome | None,
    found: Sequence[FindingShown],
    name_of: Callable[[str], str],
) -> Obstacle:
    """Why nothing of an asset is approved.

    Args:
        row: its current version, of `subject.ROW` with `withdrawn_because`.
        told: its open exceptions; found: what checks found on the version.
        review: where its round stands, while it is in review.
        name_of: mail address → the person's name.
    """
    asset, status = row.asset_id, VersionStatus(row.status)
    if status is VersionStatus.IN_REVIEW and review is not None and review.waiting_for:
        first = next((mail for each in review.waiting_for for mail in each.people), "MAIL")
        words = ", ".join(awaited(each, name_of) for each in review.waiting_for)
        return Obstacle(f"in review: waiting for {words}", f"syncd approve {asset} --as {first}")
    if missing := next((each for each in told if each.kind == "no-grant"), None):
        return Obstacle(missing.reason, f"syncd case {asset} --file rights")
    if status is VersionStatus.HELD and found:
        return Obstacle("no channel it is meant for can take it", f"syncd case {asset} --file matrix")
    if status is VersionStatus.WITHDRAWN:
        return Obstacle(f"taken back: {row.withdrawn_because}", NO_ACTION)
    if status in (VersionStatus.CHANGES, VersionStatus.REJECTED):
        verb = "was rejected" if status is VersionStatus.REJECTED else "needs changes"
        words = "; ".join(each.message for each in found if not each.spec)
        return Obstacle(f"version {row.number} {verb}" + (f": {words}" if words else ""), NEW_VERSION)
    return Obstacle(f"version {row.number} is {status.value.replace('_', ' ')}, being checked", NO_ACTION)


def unmatched(matched: Sequence[MatchShown], told: Sequence[ExceptionShown]) -> Obstacle | None:
    """Why no product is known for an asset; None if one is."""
    if any(match.status == "confirmed" for match in matched):
        return None
    asked = next((each for each in told if each.kind in ("unmatched", "ambiguous", "suggested")), None)
    if asked:
        return Obstacle(asked.reason, f"syncd exceptions {asked.id}")
    if matched:
        skus = ", ".join(match.sku for match in matched)
        return Obstacle(f"could show {skus}, and nobody chose", "name it in mappings/match-overrides.csv, syncd reload")
    return Obstacle("its product was not looked up yet", NO_ACTION)


def awaited(waiting: Waiting, name_of: Callable[[str], str]) -> str:
    """Whose word is missing: `brand (Tom Berg or Nora Lind)`, `approver Tom Berg`."""
    who = " or ".join(name_of(mail) for mail in waiting.people) or "nobody may"
    return f"{waiting.role} ({who})" if waiting.role else f"approver {who}"
