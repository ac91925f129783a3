"""What rendering gives, and the name under which it is found again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from syncd.domain.media import RightsMetadata
from syncd.domain.spec import ImageSpec, VideoSpec
from syncd.media.blobs import BlobInfo

_EDITION = 1  # raised when this version of syncd makes other bytes from the same source, spec and metadata


class RenditionResult(BaseModel):
    """One finished file: the spec's name, where it is, pixels, bytes and lower-case hexadecimal SHA-256."""

    model_config = ConfigDict(frozen=True)

    spec: str
    path: Path
    width: int
    height: int
    bytes: int
    sha256: str
    media_type: str


@dataclass(frozen=True)
class Rendition:
    """One finished file in the object store: the spec's name, pixels and bytes."""

    spec_name: str
    blob: BlobInfo
    media_type: str
    width: int
    height: int
    bytes: int


def rendition_key(source_hash: str, spec: ImageSpec | VideoSpec, rights: RightsMetadata) -> str:
    """Lower-case hexadecimal SHA-256 of everything a rendition's bytes depend on: source, recipe and metadata.

    Two specs that differ only in name, origin or what they ask of a source have the same key.
    """
    parts = {
        "edition": _EDITION,
        "source": source_hash,
        "recipe": spec.recipe(),
        "rights": rights.model_dump(mode="json"),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
