"""How a submission stands, in words for the person who delivered it, as a file beside what they delivered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml
from pydantic import BaseModel

from syncd.errors import RejectedError
from syncd.sdk import manifest
from syncd.sdk.source import Reason, SubmissionStatus

ENDING = ".status.yaml"
_REFUSED = ("refused", "rejected")
_MEANINGS = {
    "received": "It has arrived and is stored. Nothing to do.",
    "held": "It waits for something. See the reasons.",
    "in_review": "People are looking at it. Nothing to do.",
    "changes": "Something has to be changed. See the reasons.",
    "approved": "It will be used. Nothing to do.",
    "live": "It is shown. Nothing to do.",
    "refused": "It cannot be used as it is. See the reasons.",
    "rejected": "It will not be used. See the reasons.",
    "withdrawn": "It was taken back and is not shown any more.",
    "superseded": "A newer version has taken its place.",
    "expired": "The right to show it has ended.",
}


class _Known(BaseModel):
    """The part of a status file that is read back."""

    stored: tuple[str, ...] = ()


def is_refused(status: str) -> bool:
    """Whether the files belong in `refused/`."""
    return status in _REFUSED


def text(status: SubmissionStatus, stored: Sequence[str]) -> str:
    """The file's content.

    Args:
        status: of the submission.
        stored: paths, below the dated folder, of the files that lie beside.
    """
    content = {
        "submission": status.external_id,
        "status": status.status,
        "means": _MEANINGS.get(status.status, "See the reasons." if status.reasons else "Nothing to do."),
        "files": dict(status.files),
        "reasons": [_reason(reason) for reason in status.reasons],
        "stored": list(stored),
    }
    shown = {name: value for name, value in content.items() if value}
    said = yaml.safe_dump(shown, allow_unicode=True, sort_keys=False)
    return f"# Written by syncd; changes here have no effect.\n{said}"


def stored(file: Path) -> list[str]:
    """The paths a status file lists as stored; none if somebody made it unreadable."""
    try:
        found = manifest.read(file.read_text("utf-8"), file.name, _Known)
    except (OSError, UnicodeDecodeError, RejectedError):
        return []
    return list(found.stored)


def _reason(reason: Reason) -> dict[str, str]:
    about = {"file": reason.file} if reason.file else {}
    return {**about, "what": reason.say, "code": reason.code, "you_can": _advice(reason)}


def _advice(reason: Reason) -> str:
    if reason.fixable:
        return "Correct it and put a file of the same name into the folder again."
    return "Nothing; the people in charge have been told."
