"""A daemon with Akeneo as catalogue and library: content enters the PIM, is replaced there, and leaves it again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import respx
from tests.support.vendors.akeneo import APP_TOKEN, AkeneoVendor
from tests.support.vendors.akeneo import values as akeneo_values
from tests.support.vendors.akeneo.catalogue import COLLECTION
from tests.support.vendors.akeneo.family import FOREIGN
from tests.support.world import World

from syncd.flow.review.decide import withdraw

PIM = """\
connector: akeneo
brand: acme
roles: [catalog, library]
authoritative: true
owner: dana@acme.example
writes: ask
poll: 1m
options:
  url: https://acme.cloud.akeneo.com
  login: {token: '${AKENEO_TOKEN}'}
  products: {gtin: ean, title: name-en_US-ecommerce, version: packaging_version}
  links: {'*': {attribute: creator_pictures}}
  assets:
    family: creator_content
    media: media
    mark: syncd_version
    alt: [alt-en_US]
    status: status
    statuses: {approved: active, withdrawn: inactive, superseded: archived}
"""


class PimWorld(World):
    """The small brand, with its products and its DAM in Akeneo."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        for name in ("catalog", "dam"):
            (root / "connectors" / f"{name}.yaml").unlink()
        self.write("connectors/pim.yaml", PIM)
        self.vendor = AkeneoVendor(self.clock)
        for number in (1, 2, 3):
            own = akeneo_values.of(COLLECTION, [FOREIGN])
            self.vendor.catalogue.product(f"GL-{number:04}", None, own)

    async def states(self, asset: str) -> dict[str, list[str]]:
        return {name: sorted(states) for name, states in (await self.placed(asset)).items()}

    async def is_live(self, asset: str) -> bool:
        placed = await self.states(asset)
        return placed == {"pim": ["live", "live"], "shop": ["live"]}

    def links(self, sku: str) -> Any:
        return self.vendor.catalogue.data(sku, COLLECTION)


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PimWorld]:
    monkeypatch.setenv("AKENEO_TOKEN", APP_TOKEN)
    world = PimWorld(tmp_path)
    with respx.mock(using="httpx", assert_all_called=False) as router:
        router.route(host="acme.cloud.akeneo.com").mock(side_effect=world.vendor)
        router.route().pass_through()
        await world.start()
        await world.allow("pim", "shop")
        yield world
        await world.stop()


async def test_content_enters_the_pim_is_replaced_there_and_leaves_it(world: PimWorld) -> None:
    family = world.vendor.family
    world.submit("GL-0001.jpg", colour="red")
    asset = await world.approve("GL-0001.jpg")
    await world.until(lambda: world.is_live(asset))
    code = f"syncd_{asset}"
    assert world.links("GL-0001") == [FOREIGN, code]
    assert world.links("GL-0002") == [FOREIGN]
    red = family.bytes_of(code)
    assert (red[:2], family.data(code, "status")) == (b"\xff\xd8", "active")

    world.submit("GL-0001.jpg", colour="blue")
    await world.approve("GL-0001.jpg", 2)

    async def replaced() -> bool:
        assert world.links("GL-0001") == [FOREIGN, code]
        placed = await world.states(asset)
        return placed == {"pim": ["gone", "gone", "live", "live"], "shop": ["gone", "live"]}

    await world.until(replaced)
    assert family.bytes_of(code) != red
    assert family.bytes_of(f"{code}_v1") == red

    await withdraw(world.services, asset, by="dana@acme.example", because="not ours to show")
    await world.until(lambda: world.all_gone(asset))
    assert world.links("GL-0001") == [FOREIGN]
    assert family.data(code, "status") == "inactive"
    assert {name for name in family.assets if not name.startswith("syncd_")} == {FOREIGN}
    assert world.vendor.violations == []
