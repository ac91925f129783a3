"""What rules see of a version: its row, its asset, its submission and its brief, as records for conditions."""

from __future__ import annotations

from pathlib import PurePosixPath

import sqlalchemy as sa

from syncd.config.bundle import Bundle
from syncd.config.models.brands import Brief
from syncd.domain.delivery import Delivery
from syncd.domain.media import MediaFacts, RightsMetadata
from syncd.ledger.tables.core import assets, submissions, versions
from syncd.ledger.types import Row
from syncd.mapping import records
from syncd.mapping.expressions import Facts

ROW = (
    sa.select(
        versions.c.id.label("version_id"),
        versions.c.brand,
        versions.c.asset_id,
        versions.c.number,
        versions.c.sequence,
        versions.c.sha256,
        versions.c.file_name,
        versions.c.status,
        versions.c.current,
        versions.c.facts,
        versions.c.received_at,
        versions.c.approved_at,
        assets.c.kind,
        assets.c.origin,
        assets.c.title,
        assets.c.owner,
        assets.c.withdrawn_at,
        submissions.c.id.label("submission_id"),
        submissions.c.connection,
        submissions.c.external_id,
        submissions.c.brief,
        submissions.c.facts.label("delivery"),
        submissions.c.received_at.label("submitted_at"),
        submissions.c.creator_id,
    )
    .join(assets, assets.c.id == versions.c.asset_id)
    .join(submissions, submissions.c.id == assets.c.submission_id)
)
"""One row per version with all that rules ask; add conditions with `where`."""


def media_facts(row: Row) -> MediaFacts | None:
    """What the probe measured, None before it did."""
    return MediaFacts.model_validate(row.facts) if row.facts else None


def brief_of(bundle: Bundle, brand: str, name: str) -> Brief | None:
    """The brief a submission answers: the one it names, else the brand's standing brief."""
    found = bundle.briefs.get(name)
    if found is None and brand in bundle.brands:
        found = bundle.briefs.get(bundle.brands[brand].standing_brief or "")
    return found if found is None or found.brand in (None, brand) else None


def facts_for_rules(row: Row, bundle: Bundle) -> Facts:
    """Everything conditions may ask about one version.

    Args:
        row: of `ROW`.
    """
    delivery, media = Delivery.model_validate(row.delivery), media_facts(row)
    return Facts(
        records.Subject(
            asset=records.Asset(
                kind=media.kind if media else row.kind, origin=row.origin, title=row.title, brand=row.brand
            ),
            file=_file(row, media),
            image=_image(media) if media and media.kind == "image" else records.Image(),
            video=_video(media) if media and media.kind == "video" else records.Video(),
            submission=_submission(row, delivery),
            brief=_brief(brief_of(bundle, row.brand, row.brief)),
        )
    )


def _file(row: Row, media: MediaFacts | None) -> records.File:
    path = PurePosixPath(row.file_name)
    return records.File(
        name=path.name,
        stem=path.stem,
        extension=path.suffix.lstrip(".").lower(),
        folder="" if str(path.parent) == "." else str(path.parent),
        media_type=media.media_type if media else "",
        bytes=media.bytes if media else 0,
        sha256=row.sha256,
    )


def _image(media: MediaFacts) -> records.Image:
    return records.Image(
        width=media.width,
        height=media.height,
        format=media.format,
        megapixels=round(media.megapixels, 3),
        aspect=round(media.aspect, 4),
    )


def _video(media: MediaFacts) -> records.Video:
    return records.Video(
        seconds=media.seconds or 0.0,
        width=media.width,
        height=media.height,
        format=media.format,
        fps=media.fps or 0.0,
        aspect=round(media.aspect, 4),
        has_audio=media.audio_codec is not None,
    )


def _submission(row: Row, delivery: Delivery) -> records.Submission:
    return records.Submission(
        id=delivery.external_id,
        source=row.connection,
        creator=delivery.creator.reference if delivery.creator else "",
        handle=delivery.creator.handle if delivery.creator else "",
        title=delivery.title,
        terms=delivery.terms,
        people_shown=delivery.people_shown,
        caption=delivery.caption,
        tags=delivery.tags,
        hashtags=delivery.hashtags,
        skus=delivery.skus,
        fields=delivery.fields,
    )


def _brief(brief: Brief | None) -> records.Brief:
    if brief is None:
        return records.Brief()
    return records.Brief(
        name=brief.name,
        campaign=brief.campaign,
        terms=brief.terms,
        skus=brief.skus,
        use=brief.use,
        channels=brief.channels,
    )


def rights_metadata(row: Row, media: MediaFacts) -> RightsMetadata:
    """What a rendition says of its rights: what the file itself says, else the creator's name and terms."""
    delivery = Delivery.model_validate(row.delivery)
    name = (delivery.creator.name or delivery.creator.handle) if delivery.creator else ""
    declared = RightsMetadata(creator=(name,) if name else (), credit=name or None, usage_terms=delivery.terms or None)
    return media.rights.filled_from(declared)
