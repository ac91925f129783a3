"""A small, right configuration that tests change in one place."""

from __future__ import annotations

import pytest

from syncd.config import problems
from syncd.mapping.rulebook import Rulebook

HOUSE = {
    "connectors/catalog.yaml": "connector: table\nbrand: acme\nroles: [catalog]\nowner: dana@acme.example\n",
    "connectors/shop-us.yaml": (
        "connector: feed\nbrand: acme\nroles: [channel]\nowner: dana@acme.example\nmarkets: [US]\n"
        "options:\n  key: ${SHOP_KEY}\n  pages: 3\n"
    ),
    "mappings/brands.yaml": (
        "brands:\n  - name: acme\n    zone: Europe/Berlin\n    owner: dana@acme.example\n"
        "    markets:\n      - {name: US, territory: US, language: en-US}\n"
    ),
    "mappings/people.yaml": (
        "people:\n  - {mail: tom@acme.example, name: Tom, roles: [brand]}\n"
        "  - {mail: nora@acme.example, name: Nora, roles: [legal]}\n"
    ),
    "mappings/specs.yaml": (
        "specs:\n"
        "  - {name: square, kind: image, width: 800, height: 800, fit: pad, source: a page, dated: 2026-11-03}\n"
        "  - {name: clip, kind: video, source: a page, dated: 2026-11-03}\n"
    ),
    "mappings/match.yaml": "match:\n  - {name: brief, sku: brief.skus}\n",
    "mappings/matrix.yaml": (
        "matrix:\n  - name: photo\n    from: image\n    make:\n      - {for: 'shop-*', spec: square, as: main}\n"
    ),
    "mappings/rights.yaml": "rights:\n  - {name: studio, when: asset.origin == 'studio', grant: owned}\n",
    "mappings/reviews.yaml": "reviews:\n  - {name: all, ask: [brand], approver: nora@acme.example}\n",
}


def house(**changes: str | None) -> dict[str, str]:
    """The files with some replaced, added or (None) removed: `mappings__rights_yaml=…` is `mappings/rights.yaml`,
    `mappings__match_cases_yaml=…` is `mappings/match.cases.yaml`.
    """
    files = dict(HOUSE)
    for key, text in changes.items():
        path = key.replace("__", "/").replace("_cases_yaml", ".cases.yaml").replace("_yaml", ".yaml")
        path = path.replace("_csv", ".csv").replace("_", "-")
        files.pop(path, None)
        if text is not None:
            files[path] = text
    return files


def faults(**changes: str | None) -> list[str]:
    """What is wrong with the changed house, as a person reads it."""
    with pytest.raises(problems.InvalidFiles) as refused:
        Rulebook.from_files(house(**changes))
    return [str(problem) for problem in refused.value.problems]
