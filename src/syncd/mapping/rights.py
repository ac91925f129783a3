"""The rules of rights.yaml: on what basis a submission may be used, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from syncd import errors
from syncd.config import nodes, problems, scalars
from syncd.config.models.rules import Licence, RightsFile
from syncd.domain import period
from syncd.mapping import names
from syncd.mapping.expressions import Condition, Facts, compile_when

When = date | datetime | None


@dataclass(frozen=True, slots=True)
class GrantTerms:
    """What a rule grants. `owned` needs no paper and has no limit, its other fields are empty; else either `lasts` or
    `until` is set. `channels` are globs of connections.
    """

    rule: str
    location: str
    owned: bool = False
    document: str = ""
    territory: tuple[str, ...] = ()
    medium: tuple[str, ...] = ()
    use: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    lasts: period.Period | None = None
    starts: When = None
    until: When = None

    def holds_between(self, received_at: datetime, zone: ZoneInfo) -> tuple[datetime, datetime | None]:
        """When the grant holds.

        Args:
            received_at: the aware instant at which the submission was received.
            zone: the brand's zone, in which days begin and end.

        Returns:
            first instant, and the first at which it holds no more (None: `owned` has no end), both in UTC. A declared
            start moves the beginning only; `lasts` always counts from receipt.
        """
        starts, ends = received_at.astimezone(UTC), None
        if self.lasts is not None:
            starts, ends = period.grant_period(received_at, self.lasts, zone)
        elif self.until is not None:
            ends = self.until if isinstance(self.until, datetime) else period.end_of_day(self.until, zone)
        if self.starts is not None:
            starts = self.starts if isinstance(self.starts, datetime) else period.start_of_day(self.starts, zone)
        return starts, ends


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled rule; `licence` is None for what is owned."""

    name: str
    location: str
    when: Condition | None
    licence: Licence | None


def terms_for(rules: Sequence[Rule], facts: Facts) -> GrantTerms | None:
    """What the first rule that holds grants; None where none does: the version is held.

    Raises:
        errors.RuleFailed: a condition has no answer, or the fact that holds a day or an instant does not name one.
    """
    for rule in rules:
        if rule.when is None or rule.when.holds(facts):
            return _terms(rule, facts)
    return None


def _terms(rule: Rule, facts: Facts) -> GrantTerms:
    licence = rule.licence
    if licence is None:
        return GrantTerms(rule.name, rule.location, owned=True)
    return GrantTerms(
        rule.name,
        rule.location,
        document=licence.document,
        territory=licence.territory,
        medium=licence.medium,
        use=licence.use,
        channels=licence.channels,
        lasts=licence.lasts,
        starts=_moment(licence.starts, rule, facts),
        until=_moment(licence.until, rule, facts),
    )


def _moment(declared: date | datetime | str | None, rule: Rule, facts: Facts) -> When:
    """A day or an instant, read from the fact it is declared by where it is a path."""
    if not isinstance(declared, str):
        return declared
    found = facts.texts(declared)
    try:
        return scalars.day_or_instant(found[0])
    except (IndexError, ValueError):
        shown = f"is `{found[0][:40]}`" if found else "is empty"
        raise errors.RuleFailed(
            f"The grant at {rule.location} ends or begins by {declared}, which {shown}.",
            remedy="Ask the source for a day such as 2027-03-31 or an instant with its zone, then replay.",
        ) from None


def compile_rules(file: RightsFile, document: nodes.Document) -> tuple[tuple[Rule, ...], list[problems.Problem]]:
    """Compile rights.yaml.

    Returns:
        the rules that are right, and what is wrong with the others.
    """
    rules: list[Rule] = []
    faults: list[problems.Problem] = []
    for index, rule in enumerate(file.rights):
        location: nodes.Location = ("rights", index)
        when, found = compile_when(rule.when, document, location)
        licence = rule.grant if isinstance(rule.grant, Licence) else None
        found += _paths(licence, document, (*location, "grant")) if licence else []
        faults += found
        if not found:
            rules.append(Rule(rule.name, document.place(location), when, licence))
    return tuple(rules), faults


def _paths(licence: Licence, document: nodes.Document, location: nodes.Location) -> list[problems.Problem]:
    declared = {"starts": licence.starts, "until": licence.until}
    wrong = {key: names.check_path(path) for key, path in declared.items() if isinstance(path, str)}
    return [document.problem((*location, key), *words) for key, words in wrong.items() if words]
