from __future__ import annotations

import pytest

from tests.support.house import faults

BRAND = "brands:\n  - {name: acme, zone: Europe/Berlin, owner: dana@acme.example, markets: [{name: US, territory: US, language: en}]}\n"  # noqa: E501  (one line on purpose: columns are asserted)
LICENCE = "{document: a.pdf, territory: [US], medium: [web], use: [organic], %s}"


def connection(**changes: str) -> str:
    keys = {"connector": "feed", "brand": "acme", "roles": "[channel]", "owner": "d@a.example", **changes}
    return "".join(f"{key}: {value}\n" for key, value in keys.items() if value)


@pytest.mark.parametrize(("text", "told"), [
    (connection(owner=""), "1:1: `owner` is missing, it has no default, add `owner:`"),
    (connection(write="on"), "5:1: `write` is not a key here, known are "),
    (connection(writes="of"), "5:9: `writes` cannot be `of`, write 'off', 'ask' or 'on'"),
    (connection(roles="channel"), "3:8: `roles` should be a list, write [channel]"),
    (connection(roles="[channel, channel]"), "3:8: `channel` stands twice, remove one"),
    (connection(roles="[channl]"), "3:9: `roles` cannot be `channl`"),
    (connection(poll="15"), "5:7: this is not a length of time, write a number and s, m, h or d, such as 15m"),
    (connection(poll="0s"), "5:1: `poll` must be longer than nothing"),
    (connection(authoritative="true"), "5:1: only a catalog can be authoritative"),
    (connection(media="{slots: 8..3}"), "5:16: this is not a range of slots, write first and last from 1"),
    (connection(media="web"), "5:8: `media` should be a map"),
    (connection(products="{by: []}"), "5:16: `by` is empty, name at least one"),
    (connection(owner="dana"), "4:8: `owner` is not right"),
    (connection(options="{a: '${A-B}'}"), "5:14: ${A-B} is not a reference, a name has letters, digits and _"),
])  # fmt: skip
def test_faults_of_a_connection_have_their_place_and_a_remedy(text: str, told: str) -> None:
    (found,) = faults(connectors__shop_us_yaml=text, mappings__matrix_yaml=None)
    assert found.startswith(f"connectors/shop-us.yaml:{told}")


def test_a_near_key_is_named() -> None:
    (found,) = faults(connectors__shop_us_yaml=connection(polls="15m"), mappings__matrix_yaml=None)
    assert found.endswith("did you mean `poll`")


@pytest.mark.parametrize(("path", "text", "told"), [
    ("brands", "brands:\n  - {name: acme, zone: Europe/Berlino, owner: d@a.b}\n", "2:24: `zone` is not right"),
    ("brands", "brands: []\n", "1:9: `brands` is empty"),
    ("brands", BRAND + BRAND.removeprefix("brands:\n"), "2:3: the name `acme` stands twice"),
    ("specs", "specs:\n  - {name: a, source: b, dated: 2026-11-03}\n", "2:5: the kind is missing or unknown"),
    ("specs", "specs:\n  - {name: a, kind: image, source: b, dated: 2026-11-03, widht: 3}\n",
     "2:58: `widht` is not a key here"),
    ("match", "match:\n  - {name: a}\n", "2:5: this rule finds products in 0 ways"),
    ("match", "match:\n  - {name: a, sku: brief.skus, gtin: brief.skus}\n", "2:5: this rule finds products in 2 ways"),
    ("match", "match:\n  - {name: a, in: file.name}\n", "2:15: `in` and `find` belong together"),
    ("rights", f"rights:\n  - {{name: a, grant: {LICENCE % 'lasts: 6m'}}}\n", "2:95: this is not a period"),
    ("rights", f"rights:\n  - {{name: a, grant: {LICENCE % ''}}}\n", "2:22: a grant has exactly one end"),
    ("rights", f"rights:\n  - {{name: a, grant: {LICENCE % 'lasts: 1y, until: 2027-01-01'}}}\n",
     "2:22: a grant has exactly one end"),
    ("rights", "rights:\n  - {name: a, grant: free}\n", "2:22: `free` is not a grant"),
    ("reviews", "reviews:\n  - {name: a, approver: [t@a.b, n@a.b]}\n", "2:25: 2 approvers are named"),
    ("reviews", "reviews: []\n", "1:10: `reviews` is empty"),
    ("people", "people:\n  - {mail: t@a.b, name: T}\n  - {mail: T@a.b, name: U}\n", "2:3: one mail address"),
])  # fmt: skip
def test_faults_of_mapping_files(path: str, text: str, told: str) -> None:
    found = faults(**{f"mappings__{path}_yaml": text})
    assert any(each.startswith(f"mappings/{path}.yaml:{told}") for each in found), found


def test_a_known_key_of_a_kind_of_spec_is_named() -> None:
    text = "specs:\n  - {name: square, kind: video, source: b, dated: 2026-11-03, max_second: 3}\n"
    told = next(each for each in faults(mappings__specs_yaml=text) if "max_second" in each)
    assert told.endswith("did you mean `max_seconds`")
    assert "quality" not in told
