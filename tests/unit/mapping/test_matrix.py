from __future__ import annotations

from syncd.mapping import records
from syncd.mapping.expressions import Facts
from syncd.mapping.rulebook import Rulebook
from tests.support.house import HOUSE, faults, house

MATRIX = """matrix:
  - name: photo
    from: image
    make: [{for: 'shop-*', spec: square, as: main}, {for: shop-us, spec: square, as: main}]
  - name: wide
    from: image
    when: image.width > 1000
    make: [{for: shop-us, spec: square, as: alternate}]
  - {name: film, from: video, make: [{for: '*', spec: clip, as: video}]}
"""
OTHER = HOUSE["connectors/shop-us.yaml"].replace("brand: acme", "brand: bold").replace("markets: [US]\n", "")
BOOK = Rulebook.from_files(
    house(
        mappings__matrix_yaml=MATRIX,
        connectors__shop_de_yaml=HOUSE["connectors/shop-us.yaml"],
        connectors__shop_bold_yaml=OTHER,
        connectors__pim_yaml=HOUSE["connectors/catalog.yaml"].replace("acme\n", "bold\n", 1),
        mappings__brands_yaml=HOUSE["mappings/brands.yaml"] + "  - {name: bold, zone: UTC, owner: d@b.example}\n",
    )
)


def made(asset: records.Asset, **facts: records.Record) -> list[tuple[str, str, str, str]]:
    subject = records.Subject.model_validate({"asset": asset, **facts})
    return [(each.connection, each.spec, each.role, each.location) for each in BOOK.wanted(Facts(subject))]


def test_every_entry_that_holds_adds_once() -> None:
    wide = made(records.Asset(kind="image", brand="acme"), image=records.Image(width=2000))
    assert wide == [
        ("shop-de", "square", "main", "matrix.yaml:2"),
        ("shop-us", "square", "main", "matrix.yaml:2"),
        ("shop-us", "square", "alternate", "matrix.yaml:5"),
    ]
    assert len(made(records.Asset(kind="image", brand="acme"))) == 2


def test_nothing_is_made_for_another_brand() -> None:
    assert [each[0] for each in made(records.Asset(kind="image", brand="bold"))] == ["shop-bold"]
    assert made(records.Asset(kind="image")) == []


def test_an_entry_is_for_its_kind() -> None:
    assert {each[1] for each in made(records.Asset(kind="video", brand="acme"))} == {"clip"}
    assert made(records.Asset(kind="text", brand="acme")) == []


def test_a_wrong_condition_is_refused() -> None:
    (told,) = faults(mappings__matrix_yaml=MATRIX.replace("image.width", "image.widht"))
    assert told.startswith("mappings/matrix.yaml:7:11: there is no fact `image.widht`")
