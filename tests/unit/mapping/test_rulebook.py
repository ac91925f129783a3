from __future__ import annotations

from pathlib import Path

import pytest

from syncd.mapping.rulebook import Rulebook
from tests.support.house import house

ROOT = Path(__file__).parents[3]


def test_the_shipped_configuration_loads() -> None:
    book = Rulebook.load_folder(ROOT)
    assert set(book.bundle.connections) == {"catalog", "creators-folder", "creators-hook", "dam", "shop-feed"}
    assert book.bundle.catalog_of("acme") == "catalog"
    assert (len(book.match), len(book.rights), len(book.reviews), len(book.matrix)) == (
        len(book.bundle.match.match), 3, 3, 3)  # fmt: skip


@pytest.mark.timeout(60)  # it ends
def test_a_thousand_rules_load() -> None:
    rights = "".join(
        f"  - {{name: r{index}, when: asset.origin == 'studio{index}' && size(brief.skus) > 0, grant: owned}}\n"
        for index in range(1_000)
    )
    files = house(mappings__rights_yaml=f"rights:\n{rights}")
    assert len(Rulebook.from_files(files).rights) == 1_000
