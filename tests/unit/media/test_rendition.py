"""Under which name a rendition is found again."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from syncd.domain.media import RightsMetadata
from syncd.domain.spec import ImageSpec
from syncd.media.rendition import rendition_key

BASE: dict[str, Any] = {"name": "a", "source": "https://channel.example", "dated": date(2026, 1, 1), "width": 100}
NOBODY = RightsMetadata()


@pytest.mark.parametrize(
    "change",
    [{"name": "b"}, {"source": "elsewhere"}, {"dated": date(2027, 1, 1)}, {"min_width": 5}, {"formats": ("png",)}],
)
def test_what_does_not_shape_the_bytes_does_not_change_the_key(change: dict[str, Any]) -> None:
    assert rendition_key("0", ImageSpec(**BASE), NOBODY) == rendition_key("0", ImageSpec(**{**BASE, **change}), NOBODY)


def test_source_recipe_and_metadata_each_change_the_key() -> None:
    keys = {
        rendition_key("0", ImageSpec(**BASE), NOBODY),
        rendition_key("1", ImageSpec(**BASE), NOBODY),
        rendition_key("0", ImageSpec(**{**BASE, "width": 101}), NOBODY),
        rendition_key("0", ImageSpec(**{**BASE, "quality": 80}), NOBODY),
        rendition_key("0", ImageSpec(**BASE), RightsMetadata(credit="Mia")),
    }
    assert len(keys) == 5
