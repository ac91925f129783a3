"""`syncd explain` and `syncd status`: every asset is accounted for, and what is held says why and what to type."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from syncd.flow.standing import set_standing
from tests.support.terminal import type_in
from tests.support.world import World


async def page(world: World, what: str) -> dict[str, Any]:
    printed = await type_in(world, "explain", what, "--json")
    assert printed.code == 0, printed.text
    return dict(printed.json())


async def places(world: World, what: str) -> dict[str, dict[str, Any]]:
    """The one asset's lines by connection."""
    [asset] = (await page(world, what))["assets"]
    return {place["connection"]: place for place in asset["places"]}


async def test_what_is_live_says_since_when_by_whose_word_and_under_which_right(world: World) -> None:
    asset = await world.publish("GL-0001_beach.jpg")
    found = await page(world, "GL-0001")
    assert found["counts"] == {"live": 3}
    [shown] = found["assets"]
    assert (shown["id"], shown["creator"], shown["owner"]) == (asset, "Mia K.", "Dana")
    assert [(m["sku"], m["rule"], m["location"]) for m in shown["matches"]] == [
        ("GL-0001", "file name", "match.yaml:3")
    ]
    assert [(said["by"], said["verdict"]) for said in shown["said"]] == [("tom@acme.example", "approve")]
    assert [(right["document"], right["territory"], right["use"]) for right in shown["rights"]] == [
        ("terms.pdf", ["US"], ["organic"])
    ]
    assert all(place["at"] for place in shown["places"])
    ends = shown["rights"][0]["ends"]
    assert {(c["connection"], c["at"]) for c in found["next_changes"]} == {
        (n, ends) for n in ("catalog", "dam", "shop")
    }
    text = (await type_in(world, "explain", asset[:6])).text
    assert "GL-0001 Serum GL-0001 · active, version v1 (catalog, " in text
    assert (
        f"ASSET {asset} v1 GL-0001_beach.jpg · by Mia K. · owner Dana · approved · shows version v1 (current)" in text
    )
    assert "until 23 Nov 2028 00:00 CET" in text
    assert f"{asset} leaves catalog, dam, shop (its right ends)" in text


async def test_in_review_it_says_who_is_waited_for_and_the_command(world: World) -> None:
    world.submit("GL-0001_beach.jpg")
    row = await world.until(lambda: world.version("GL-0001_beach.jpg", 1, "in_review"))
    for place in (await places(world, row.asset_id)).values():
        assert place["state"] == "held"
        assert place["why"] == "in review: waiting for brand (Tom), approver Tom"
        assert place["type"] == f"syncd approve {row.asset_id} --as tom@acme.example"
    done = await type_in(world, *place["type"].split()[1:])
    assert done.code == 0
    await world.until(lambda: world.version("GL-0001_beach.jpg", 1, "approved"))


async def test_a_file_no_spec_takes_says_what_was_measured_the_limit_and_its_date(world: World) -> None:
    world.submit("GL-0001_small.jpg", size=(60, 50))
    row = await world.until(lambda: world.version("GL-0001_small.jpg", 1, "held"))
    shop = (await places(world, row.asset_id))["shop"]
    assert shop["state"] == "not planned"
    assert shop["why"].startswith("is 60 px wide, needs 100 px")
    assert shop["why"].endswith("(square, dated 2026-11-03)")
    assert shop["type"] == f"syncd case {row.asset_id} --file matrix"
    [asset] = (await page(world, row.asset_id))["assets"]
    [wide, *_] = asset["findings"]
    assert (wide["measured"], wide["limit"], wide["dated"]) == ("60 px", "100 px", "2026-11-03")


async def test_without_a_grant_and_without_a_product_it_says_so(world: World) -> None:
    world.submit("GL-0001_beach.jpg", terms="none")
    world.submit("both.jpg", brief="pair", colour="green")
    ungranted = await world.until(lambda: world.version("GL-0001_beach.jpg", 1, "held"))
    assert (await places(world, ungranted.asset_id))["shop"]["type"] == f"syncd case {ungranted.asset_id} --file rights"
    asset = await world.approve("both.jpg")
    [ambiguous] = await world.until(lambda: world.open_exceptions("ambiguous"))
    shop = (await places(world, asset))["shop"]
    assert (shop["state"], shop["type"]) == ("held", f"syncd exceptions {ambiguous.id}")
    assert "GL-0001, GL-0002" in shop["why"]
    assert [asset] == [each["id"] for each in (await page(world, "GL-0002"))["assets"]], "suggested for this one too"


async def test_a_paused_or_unapplied_connection_names_the_command_that_frees_it(world: World) -> None:
    async with world.services.ledger.write() as transaction:
        await set_standing(transaction, "acme", "shop", {"applied_at": None})
    world.submit("GL-0001_beach.jpg")
    asset = await world.approve("GL-0001_beach.jpg")
    await world.until(lambda: at(world, asset, "its first plan was not applied"))
    assert (await places(world, asset))["shop"]["type"] == "syncd plan"
    assert (await type_in(world, "pause", "shop", "--writes")).code == 0
    await world.allow("shop")
    assert (await at(world, asset, "writes paused"))["type"] == "syncd resume shop"
    status = (await type_in(world, "status", "--json")).json()
    [shop] = [each for each in status["connections"] if each["name"] == "shop"]
    [trouble] = shop["troubles"]
    assert (trouble["what"], trouble["type"]) == ("paused", "syncd resume shop")
    assert trouble["since"]


async def at(world: World, asset: str, why: str) -> dict[str, Any] | None:
    shop = (await places(world, asset)).get("shop", {})
    return shop if shop.get("why") == why else None


async def test_what_was_taken_down_is_shown_as_gone_with_its_reason(world: World) -> None:
    asset = await world.publish("GL-0001_beach.jpg")
    await type_in(world, "withdraw", asset, "--as", "dana@acme.example", "--because", "she asked")
    await world.until(lambda: world.all_gone(asset))
    for place in (await places(world, asset)).values():
        assert (place["state"], place["why"]) == ("gone", "seen gone; taken back: she asked")
        assert place["at"]


async def test_names_that_do_not_exist_or_are_not_enough_are_refused(world: World) -> None:
    unknown = await type_in(world, "explain", "NOPE-1")
    assert (unknown.code, "[not-found]" in unknown.text) == (1, True)
    assert (await type_in(world, "explain", "AB")).code == 1


async def test_status_counts_everything_and_names_what_ends_soon(world: World) -> None:
    soon = world.clock.now().date().isoformat()
    world.submit("GL-0001_beach.jpg", terms="", fields={"until": soon})
    asset = await world.approve("GL-0001_beach.jpg")
    await world.until(lambda: world.all_live(asset))
    world.submit("GL-0002_road.jpg", terms="none", colour="blue")
    await world.until(lambda: world.open_exceptions("no-grant"))
    found = (await type_in(world, "status", "--json")).json()
    [brand] = found["brands"]
    assert brand["versions"] == {"approved": 1, "held": 1}
    assert brand["exceptions"] == {"no-grant": 1}
    assert [(each["days"], each["grants"]) for each in brand["ending"]] == [(30, 1), (7, 1), (1, 1)]
    assert {c["name"]: c["placements"] for c in found["connections"]}["shop"] == {"live": 1}
    text = (await type_in(world, "status")).text
    assert "1 approved · 1 held" in text
    assert "rights end       within 1 d: 1 grant" in text


@pytest.mark.parametrize("query", ["", "?asset=AAAA&sku=B"])
async def test_the_api_wants_exactly_one_name(world: World, query: str) -> None:
    answer = await api(world, f"/explain{query}")
    assert answer == 422


async def api(world: World, path: str) -> int:
    token = (world.root / "var/token").read_text().strip()
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as client:
        return (await client.get(f"http://127.0.0.1:{world.port}/api/v1{path}")).status_code
