from __future__ import annotations

from pathlib import Path

import pytest

from syncd.config import bundle, problems, reading
from syncd.config.scalars import SlotRange
from syncd.mapping.rulebook import Rulebook
from tests.support.house import HOUSE, faults, house

ROOT = Path(__file__).parents[3]


def test_a_revision_is_named_by_its_content() -> None:
    name = bundle.revision_id(HOUSE)
    assert len(name) == 64
    assert name == bundle.revision_id(dict(reversed(HOUSE.items())))
    assert name == bundle.revision_id({path: "\ufeff" + text.replace("\n", "\r\n") for path, text in HOUSE.items()})
    assert name != bundle.revision_id({**HOUSE, "mappings/match.yaml": HOUSE["mappings/match.yaml"] + " "})
    assert name != bundle.revision_id({path + "x": text for path, text in HOUSE.items()})
    assert bundle.Bundle.from_files(HOUSE).short_revision == name[:8]


def test_all_problems_of_all_files_come_at_once() -> None:
    told = faults(
        connectors__shop_us_yaml="connector: feed\n",
        mappings__rights_yaml="rights:\n  - {name: a, when: asset.orign == 'x', grant: owned}\n",
        mappings__match_yaml="match:\n  - {name: a, sku: brief.sku}\n",
        mappings__people_yaml="people: [",
    )
    assert {each.split(":")[0] for each in told} == {
        "connectors/shop-us.yaml", "mappings/rights.yaml", "mappings/match.yaml", "mappings/people.yaml"}  # fmt: skip


def test_defaults_are_safe() -> None:
    shop = bundle.Bundle.from_files(house()).connections["shop-us"]
    assert (shop.writes, shop.media.at_least, shop.products.by, shop.poll.total_seconds()) == ("ask", 0, ("sku",), 900)


def test_typed_access() -> None:
    text = HOUSE["connectors/shop-us.yaml"] + "media: {slots: 3..8}\nproducts: {by: [gtin], table: skus.csv}\n"
    table = "sku,name\nGL-1,88\nGL-2,89\nGL-2,90\n"
    found = bundle.Bundle.from_files(house(connectors__shop_us_yaml=text, mappings__skus_csv=table))
    assert found.connections["shop-us"].media.slots == SlotRange(3, 8)
    assert found.names_of_skus("shop-us") == {"GL-1": ("88",), "GL-2": ("89", "90")}
    assert found.names_of_skus("catalog") == {}
    assert found.connections_like("shop-*", brand="acme") == ("shop-us",)
    assert found.connections_like("*", brand="bold") == ()
    assert [market.territory for market in found.markets_of("shop-us")] == ["US"]
    assert (found.catalog_of("acme"), found.catalog_of("bold")) == ("catalog", None)
    assert found.people["tom@acme.example"].roles == ("brand",)
    assert found.specs["square"].width == 800


@pytest.mark.parametrize(("path", "text", "told"), [
    ("mappings/statuses.yaml", "statuses: {}\n", "mappings/statuses.yaml:1:1: this mapping file is not known"),
    ("mappings/specs.cases.yaml", "cases: []\n", "mappings/specs.cases.yaml:1:1: this mapping file is not known"),
    ("mappings/match.yaml", "", "mappings/match.yaml:1:1: the file is empty or not a map"),
    ("mappings/match.yaml", "rules: []\nmatch: []\n", "mappings/match.yaml:1:1: the first key is `rules`"),
    ("mappings/match.yaml", "match: []\nmode: all\n", "mappings/match.yaml:2:1: `mode` is not a key here"),
    ("connectors/Shop US.yaml", "", "connectors/Shop US.yaml:1:1: `Shop US` cannot name a connection"),
    ("elsewhere/a.yaml", "a: 1", "elsewhere/a.yaml: this file is no configuration"),
    ("connectors/shop.py", "", "connectors/shop.py: this file is no configuration"),
])  # fmt: skip
def test_files_that_do_not_belong_are_refused(path: str, text: str, told: str) -> None:
    with pytest.raises(problems.InvalidFiles) as refused:
        bundle.Bundle.from_files({**HOUSE, path: text})
    assert str(refused.value.problems[0]).startswith(told)


def test_a_folder_is_read(tmp_path: Path) -> None:
    for path, text in HOUSE.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "mappings" / ".swap").write_text("x")
    (tmp_path / "mappings" / "notes.txt").write_text("x")
    assert bundle.load_folder(tmp_path).revision == bundle.revision_id(HOUSE)


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "match.yml").write_text("match: []")
    (tmp_path / "mappings" / "brands.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(problems.InvalidFiles) as refused:
        reading.folder_files(tmp_path)
    assert [problem.what for problem in refused.value.problems] == [
        "the folder is missing", "the file cannot be read", "the file would not be read"]  # fmt: skip


def test_the_error_says_what_to_do_and_lists_everything() -> None:
    with pytest.raises(problems.InvalidFiles) as refused:
        Rulebook.from_files(house(mappings__match_yaml="match: [", mappings__rights_yaml="rights: ["))
    assert str(refused.value).count("this is not YAML") == 2
    assert "run `syncd check`" in str(refused.value)
