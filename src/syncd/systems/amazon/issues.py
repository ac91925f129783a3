"""What Amazon complains of in a listing, and which of its images it means. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from syncd.sdk.media import Issue
from syncd.systems.amazon import shape
from syncd.systems.amazon.locators import SLOT_OF

_EXEMPT = frozenset({"EXEMPT", "EXEMPT_UNTIL_EXPIRY_DATE"})
_OF_IMAGES = frozenset({"INVALID_IMAGE", "MISSING_IMAGE"})


class Problem(NamedTuple):
    """One issue. `slots` are the images it names; `refuses`: Amazon does not take what it is about."""

    code: str
    message: str
    refuses: bool
    slots: tuple[str, ...] = ()
    of_images: bool = False

    def naming(self, names: Mapping[str, str]) -> Iterator[Issue]:
        """As issues about media, one for each slot that `names` has a name for, else one about the whole listing."""
        known = [names[slot] for slot in self.slots if slot in names]
        for media in known or [""]:
            yield Issue(self.message, self.code, media)


def problems(raw: Sequence[Any], marketplace: str, where: str) -> list[Problem]:
    """The issues of one marketplace among those of an answer; hints (INFO) are left out."""
    found = [each for each in raw if isinstance(each, Mapping) and marketplace in _marketplaces(each, marketplace)]
    return [_problem(each, where) for each in found if each.get("severity") != "INFO"]


def words(found: Iterable[Problem]) -> str:
    """Their messages, each once."""
    return "; ".join(dict.fromkeys(problem.message for problem in found))


def _marketplaces(raw: Mapping[str, Any], default: str) -> Sequence[str]:
    return raw.get("marketplaceIds") or (default,)


def _problem(raw: Mapping[str, Any], where: str) -> Problem:
    attributes = raw.get("attributeNames") or ()
    slots = tuple(SLOT_OF[name] for name in attributes if name in SLOT_OF)
    return Problem(
        code=str(raw.get("code", "")),
        message=shape.member(raw, "message", str, f"An issue of {where}"),
        refuses=shape.member(raw, "severity", str, f"An issue of {where}") == "ERROR" and not _exempt(raw),
        slots=slots,
        of_images=bool(slots) or not _OF_IMAGES.isdisjoint(raw.get("categories") or ()),
    )


def _exempt(raw: Mapping[str, Any]) -> bool:
    exemption = (raw.get("enforcements") or {}).get("exemption") or {}
    return exemption.get("status") in _EXEMPT
