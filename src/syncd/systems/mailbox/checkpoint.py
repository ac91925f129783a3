"""How far each folder was read."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class State:
    """A folder was read up to `uid`, as long as its UIDVALIDITY is `validity`.

    Mail received before the second `begin` belongs to the time before the connection; it is left out while UIDs up to
    `again` are read a second time. Later arrivals are taken whatever they say: a person may move old mail here.
    """

    validity: int
    uid: int
    begin: int = 0
    again: int = 0


class Checkpoint:
    """The states of all folders, as text between polls: `{"INBOX": "uidvalidity:uid:begin:again"}`."""

    def __init__(self, states: dict[str, State]) -> None:
        self._states = states

    @classmethod
    def read(cls, text: str) -> Checkpoint:
        """The checkpoint that was written, an empty one for ""."""
        found = json.loads(text) if text else {}
        return cls({folder: State(*map(int, each.split(":"))) for folder, each in found.items()})

    def text(self) -> str:
        """The checkpoint to be written."""
        states = ((folder, (s.validity, s.uid, s.begin, s.again)) for folder, s in self._states.items())
        return json.dumps({folder: ":".join(map(str, numbers)) for folder, numbers in states}, sort_keys=True)

    def of(self, folder: str, validity: int, following: int, begin: datetime | None) -> State:
        """From where a folder is read.

        Args:
            folder: its name.
            validity: its UIDVALIDITY now.
            following: its UIDNEXT.
            begin: the present instant if a folder seen for the first time is read from now on, None if from its start.
        """
        known = self._states.get(folder)
        if known is None:
            last, second = (0, 0) if begin is None else (following - 1, int(begin.timestamp()))
            known = State(validity, last, second)
        elif known.validity != validity:
            known = State(validity, 0, known.begin, following - 1)
        self._states[folder] = known
        return known

    def advance(self, folder: str, uid: int) -> None:
        """A folder was read up to here."""
        self._states[folder] = replace(self._states[folder], uid=uid)
