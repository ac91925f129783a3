"""What a creator delivered, as every source states it: files, who made them, and what was agreed."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """Base of small facts: immutable, nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Creator(Frozen):
    """Who made it, as the source names them; `reference` is the source's own stable name for the person."""

    reference: str
    name: str = ""
    mail: str = ""
    handle: str = ""


class ConsentGiven(Frozen):
    """A shown person's consent; `until` is the last day it holds (None: no end)."""

    person: str
    document: str = ""
    until: date | None = None
    withdrawn: bool = False


class ApprovalElsewhere(Frozen):
    """An approval made in another system, taken in only where the connection says `approvals: import`."""

    by: str
    at: datetime
    reference: str = ""


class DeliveredFile(Frozen):
    """One file of a submission.

    `key` is stable within the submission: new bytes under a known key are a new version of that asset.
    `reference` is what the source needs to open it again: a URL, or a path below its folder.
    `sha256` is the content's hash where the source states it.
    """

    key: str
    name: str
    reference: str
    media_type: str = ""
    sha256: str = ""


class Delivery(Frozen):
    """One statement of a source about one submission; a later one replaces what the earlier said, or, where it
    `amends`, only what it states itself.

    `sequence` orders statements about the same submission (a revision number or a time in milliseconds); where the
    source declares none, order of arrival counts. `withdrawn` takes the whole submission back. `reference` is what the
    source needs to answer it, such as the id of a message.
    """

    external_id: str
    sequence: int | None = None
    amends: bool = False
    reference: str = ""
    withdrawn: bool = False
    creator: Creator | None = None
    origin: str = "creator"
    title: str = ""
    brief: str = ""
    terms: str = ""
    people_shown: bool = False
    consents: tuple[ConsentGiven, ...] = ()
    caption: str = ""
    tags: tuple[str, ...] = ()
    hashtags: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()
    fields: dict[str, str] = Field(default_factory=dict)
    approval: ApprovalElsewhere | None = None
    files: tuple[DeliveredFile, ...] = ()

    def after(self, earlier: Delivery) -> Delivery:
        """What holds once this statement is added to what an earlier one said; `files` are always its own."""
        if not self.amends:
            return self
        stated = {name: getattr(self, name) for name in self.model_fields_set}
        fields = {**earlier.fields, **self.fields}
        return earlier.model_copy(update={"files": (), **stated, "fields": fields, "amends": False})
