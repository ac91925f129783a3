from __future__ import annotations

from syncd.mapping.rulebook import Rulebook
from tests.support.house import HOUSE, faults, house

SHOP = HOUSE["connectors/shop-us.yaml"]
CATALOG = HOUSE["connectors/catalog.yaml"]
BRANDS = HOUSE["mappings/brands.yaml"]
REVIEWS = HOUSE["mappings/reviews.yaml"]
SECOND_BRAND = BRANDS + "  - {name: bold, zone: UTC, owner: d@b.example}\n"


def test_the_house_stands() -> None:
    assert set(Rulebook.from_files(house()).bundle.connections) == {"catalog", "shop-us"}


def test_an_unknown_brand_or_market() -> None:
    assert faults(connectors__shop_us_yaml=SHOP.replace("acme\n", "acne\n", 1)) == [
        "connectors/shop-us.yaml:2:8: the brand `acne` is not known, known are acme, add it to mappings/brands.yaml"
    ]
    (told,) = faults(connectors__shop_us_yaml=SHOP.replace("[US]", "[US, DE]"))
    assert told.startswith("connectors/shop-us.yaml:5:15: the market `DE` is not known, acme sells in US")


def test_one_authoritative_catalog_per_brand() -> None:
    (none,) = faults(connectors__catalog_yaml=None)
    assert none.startswith("connectors/shop-us.yaml:2:8: acme has no catalog")
    (two,) = faults(connectors__pim_yaml=CATALOG)
    assert two.startswith("connectors/pim.yaml:3:8: acme has 2 catalogs that could be the authoritative one")
    chosen = CATALOG + "authoritative: true\n"
    bundle = Rulebook.from_files(house(connectors__pim_yaml=chosen)).bundle
    assert bundle.catalog_of("acme") == "pim"
    (both,) = faults(connectors__pim_yaml=chosen, connectors__catalog_yaml=chosen)
    assert both.startswith("connectors/pim.yaml:5:16: acme has 2 catalogs")


def test_a_brand_without_connections_needs_no_catalog() -> None:
    assert "bold" in Rulebook.from_files(house(mappings__brands_yaml=SECOND_BRAND)).bundle.brands


def test_standing_briefs_exist_and_are_of_the_brand() -> None:
    with_brief = BRANDS.replace("    markets", "    standing_brief: open\n    markets")
    (told,) = faults(mappings__brands_yaml=with_brief)
    assert told.startswith("mappings/brands.yaml:5:21: the brief `open` is not known, known are none")
    briefs = "briefs:\n  - {name: open, title: Open, owner: d@a.b, brand: bold}\n"
    foreign = faults(mappings__brands_yaml=with_brief + SECOND_BRAND.removeprefix(BRANDS), mappings__briefs_yaml=briefs)
    assert [each.split(": ")[1] for each in foreign] == ["the brief `open` belongs to bold, brands share nothing, name "
                                                         "a brief of acme"]  # fmt: skip


def test_a_brief_names_its_brand_where_there_are_several() -> None:
    briefs = "briefs:\n  - {name: open, title: Open, owner: d@a.b, channels: [walmart-*]}\n"
    told = faults(mappings__brands_yaml=SECOND_BRAND, mappings__briefs_yaml=briefs)
    assert "`open` names no brand" in told[0]
    assert "`walmart-*` matches no connection" in told[1]


def test_specs_and_globs_of_the_matrix_exist() -> None:
    matrix = (
        "matrix:\n  - name: a\n    from: image\n    make:\n      - {for: amazon-*, spec: sqare, as: main}\n"
        "      - {for: shop-us, spec: clip, as: video}\n"
    )
    assert faults(mappings__matrix_yaml=matrix) == [
        "mappings/matrix.yaml:5:15: `amazon-*` matches no connection, there are catalog, shop-us, correct or remove it",
        "mappings/matrix.yaml:5:31: the spec `sqare` is not known, known are clip, square, add it to "
        "mappings/specs.yaml",
        "mappings/matrix.yaml:6:30: `clip` is a video, this entry is from images, name the spec of a picture, or "
        "write `from: video`",
    ]


def test_stop_before_reaches_every_key() -> None:
    rights = "rights: []\nstop_before: {'*': 1h, shop-us: 2h, gone-*: 3h}\n"
    told = faults(mappings__rights_yaml=rights)
    assert [each.split(", ")[0] for each in told] == [
        "mappings/rights.yaml:2:24: `shop-us` is never reached",
        "mappings/rights.yaml:2:37: `gone-*` is never reached",
        "mappings/rights.yaml:2:37: `gone-*` matches no connection",
    ]


def test_rules_after_one_that_always_holds_are_refused() -> None:
    rights = "rights:\n  - {name: all, when: 'true', grant: owned}\n  - {name: late, grant: owned}\n"
    (told,) = faults(mappings__rights_yaml=rights)
    assert told.startswith("mappings/rights.yaml:3:5: the rule `late` is never reached, `all` above it always holds")
    (told,) = faults(mappings__reviews_yaml=REVIEWS + "  - {name: more, approver: tom@acme.example}\n")
    assert "the rule `more` is never reached" in told


def test_reviews_name_known_people_and_roles() -> None:
    reviews = "reviews:\n  - {name: all, ask: [brand, channel], approver: eve@acme.example}\n"
    assert faults(mappings__reviews_yaml=reviews) == [
        "mappings/reviews.yaml:2:30: nobody has the role `channel`, acme would wait for ever, give it to a person in "
        "people.yaml",
        "mappings/reviews.yaml:2:50: the approver eve@acme.example is not known, only people of mappings/people.yaml "
        "decide, add the person, or name another",
    ]


def test_a_role_needs_a_person_in_every_brand() -> None:
    people = HOUSE["mappings/people.yaml"].replace("[brand]}", "[brand], brand: acme}")
    (told,) = faults(mappings__people_yaml=people, mappings__brands_yaml=SECOND_BRAND)
    assert "bold would wait for ever" in told


def test_the_last_review_rule_has_no_condition() -> None:
    reviews = "reviews:\n  - {name: a, when: submission.people_shown, approver: tom@acme.example}\n"
    (told,) = faults(mappings__reviews_yaml=reviews)
    assert "the last rule has a condition" in told


def test_tables_exist_and_have_their_columns() -> None:
    match = "match:\n  - {name: a, table: gone.csv}\n"
    (told,) = faults(mappings__match_yaml=match)
    assert told.startswith("mappings/match.yaml:2:22: the table `gone.csv` is not there, tables in mappings/ are none")
    shop = SHOP + "products: {table: skus.csv}\n"
    (told,) = faults(connectors__shop_us_yaml=shop, mappings__skus_csv="sku,theirs\n")
    assert told.startswith("connectors/shop-us.yaml:9:19: `skus.csv` lacks a column, it has sku, theirs")


def test_a_broken_file_is_not_blamed_a_second_time() -> None:
    told = faults(mappings__specs_yaml="specs: {", mappings__people_yaml="people: x\n", mappings__brands_yaml="a: b: c")
    assert [each.split(":")[0] for each in told] == ["mappings/brands.yaml", "mappings/people.yaml",
                                                     "mappings/specs.yaml"]  # fmt: skip
