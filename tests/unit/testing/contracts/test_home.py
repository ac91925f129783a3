from __future__ import annotations

import re
from pathlib import Path

import pytest

from syncd.testing.contracts import home

ROOT = Path(__file__).parents[4]
VENDORS = ("amazon", "shopify")
"""Systems whose every request in this suite is held against the vendor's contract."""
SPEAKS_TO = re.compile(rf"syncd\.systems(?:\.| import )({'|'.join(VENDORS)})\b|connector: ({'|'.join(VENDORS)})\b")


def test_the_folder_is_the_one_that_is_named_else_the_nearest_above(tmp_path: Path) -> None:
    checkout = tmp_path / "runs" / "1" / "checkout"
    beside, named = tmp_path / "runs" / "shared" / "specs", checkout / "named"
    for folder in (checkout, beside, named, tmp_path / "shared" / "specs"):
        folder.mkdir(parents=True, exist_ok=True)
    assert home.find(checkout, {}) == beside
    assert home.find(tmp_path, {}) == tmp_path / "shared" / "specs"
    assert home.find(checkout, {"SYNCD_CONTRACTS": "named"}) == named
    assert home.find(checkout, {"SYNCD_CONTRACTS": str(named)}) == named
    with pytest.raises(FileNotFoundError, match="SYNCD_CONTRACTS names"):
        home.find(checkout, {"SYNCD_CONTRACTS": "elsewhere"})


def test_requests_are_validated() -> None:
    folder = home.find(ROOT)
    if folder is None:
        pytest.skip(home.missing(" and ".join(VENDORS)))
    assert [vendor for vendor in VENDORS if not (folder / vendor).is_dir()] == []


def test_whatever_speaks_to_a_vendor_is_under_its_contract() -> None:
    files = [path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]
    free = [
        str(path.relative_to(ROOT))
        for path in files
        if SPEAKS_TO.search(text := path.read_text()) and not re.search(r"^\s*contract\b[^=\n]*= ", text, re.MULTILINE)
    ]
    assert free == [], "declare `contract = …` there, as docs/systems.md says"
