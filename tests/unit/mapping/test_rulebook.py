from __future__ import annotations

import time
from pathlib import Path

from syncd.mapping.rulebook import Rulebook
from tests.support.house import house

ROOT = Path(__file__).parents[3]


def test_the_shipped_configuration_loads() -> None:
    book = Rulebook.load_folder(ROOT)
    assert set(book.bundle.connections) == {"catalog", "creators-folder", "creators-hook", "dam", "shop-feed"}
    assert book.bundle.catalog_of("acme") == "catalog"
    assert (len(book.match), len(book.rights), len(book.reviews), len(book.matrix)) == (
        len(book.bundle.match.match), 3, 3, 3)  # fmt: skip


def test_a_thousand_rules_load_in_a_moment() -> None:
    rights = "".join(
        f"  - {{name: r{index}, when: asset.origin == 'studio{index}' && size(brief.skus) > 0, grant: owned}}\n"
        for index in range(1_000)
    )
    files = house(mappings__rights_yaml=f"rights:\n{rights}")
    started = time.perf_counter()
    assert len(Rulebook.from_files(files).rights) == 1_000
    assert time.perf_counter() - started < 3
