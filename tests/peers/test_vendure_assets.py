"""How Vendure takes, shows and deletes pictures: what a connector must know of it."""

from __future__ import annotations

import httpx
import pytest

from tests.peers.handles import Vendure
from tests.peers.pictures import jpeg

pytestmark = pytest.mark.peers

RED, BLUE = jpeg("red"), jpeg("blue")
PRODUCTS = "{ products { totalItems } }"


def path(address: str) -> str:
    return httpx.URL(address).path


async def test_an_upload_wants_a_header_of_its_own(vendure: Vendure):
    refused = await vendure.api.try_upload({"a.jpg": (RED, "image/jpeg")}, headers={})
    assert refused.status_code == 400
    error = refused.json()["errors"][0]
    assert "Cross-Site Request Forgery" in error["message"]
    assert error["extensions"]["code"] == "BAD_REQUEST"
    assert await vendure.api.assets() == []
    taken = await vendure.api.try_upload({"a.jpg": (RED, "image/jpeg")}, headers={"apollo-require-preflight": "true"})
    assert taken.json()["data"]["createAssets"][0]["__typename"] == "Asset"


async def test_the_source_has_the_bytes_that_were_sent(vendure: Vendure):
    asset = await vendure.api.upload("a.jpg", RED)
    assert (asset["fileSize"], asset["width"], asset["mimeType"]) == (len(RED), 320, "image/jpeg")
    assert await vendure.api.content(asset["source"]) == RED
    assert await vendure.api.content(asset["preview"]) not in (RED, None)


async def test_the_same_upload_again_is_another_asset(vendure: Vendure):
    first, second = [await vendure.api.upload("a.jpg", RED) for _ in range(2)]
    assert first["id"] != second["id"]
    assert first["name"] == second["name"] == "a.jpg"
    assert path(second["source"]) != path(first["source"])


async def test_a_tag_finds_what_was_uploaded_and_new_tags_replace_it(vendure: Vendure):
    asset = await vendure.api.upload("a.jpg", RED, tags=["syncd", "sha256:abc"])
    await vendure.api.upload("b.jpg", BLUE, tags=["syncd"])
    assert [found["id"] for found in await vendure.api.assets("sha256:abc")] == [asset["id"]]
    update = "mutation ($input: UpdateAssetInput!) { updateAsset(input: $input) { tags { value } } }"
    await vendure.api.admin(update, input={"id": asset["id"], "tags": ["other"]})
    assert await vendure.api.assets("sha256:abc") == []


async def test_of_several_files_each_has_its_own_result(vendure: Vendure):
    files = {"a.jpg": (RED, "image/jpeg"), "page.html": (b"<html>", "text/html")}
    answer = await vendure.api.try_upload(files)
    taken, refused = answer.json()["data"]["createAssets"]
    assert (answer.status_code, taken["name"]) == (200, "a.jpg")
    assert (refused["__typename"], refused["errorCode"]) == ("MimeTypeError", "MIME_TYPE_ERROR")


async def test_content_is_not_looked_at(vendure: Vendure):
    asset = await vendure.api.upload("lie.jpg", b"not a jpeg")
    assert (asset["width"], asset["fileSize"]) == (0, 10)


async def test_a_file_too_large_is_an_error_without_a_code(vendure: Vendure):
    answer = await vendure.api.try_upload({"a.jpg": (b"\xff" * 20_971_521, "image/jpeg")})
    (error,) = answer.json()["errors"]
    assert answer.status_code == 200
    assert error["message"].startswith("File truncated as it exceeds the 20971520 byte size limit")
    assert "code" not in error.get("extensions", {})
    assert await vendure.api.assets() == []


async def test_a_featured_asset_is_not_deleted_though_the_answer_is_200(vendure: Vendure):
    product = await vendure.api.add_product("GL-0001")
    asset = (await vendure.api.upload("a.jpg", RED))["id"]
    await vendure.api.show(product, [asset], featured=asset)
    query = "mutation ($input: DeleteAssetInput!) { deleteAsset(input: $input) { result message } }"
    content = {"query": query, "variables": {"input": {"assetId": asset}}}
    answer = await vendure.api.send("POST", "/admin-api", json=content, headers={"vendure-api-key": vendure.key})
    assert (answer.status_code, "errors" in answer.json()) == (200, False)
    said = answer.json()["data"]["deleteAsset"]
    assert said["result"] == "NOT_DELETED"
    assert "featured by 1 Product" in said["message"]
    assert await vendure.api.gallery(product) == [asset]
    assert await vendure.api.delete_asset(asset, force=True) == {"result": "DELETED", "message": None}
    shown = await vendure.api.shown(product)
    assert (shown["featuredAsset"], shown["assets"]) == (None, [])


async def test_an_asset_that_a_variant_features_is_not_deleted_either(vendure: Vendure):
    product = await vendure.api.add_product("GL-0001")
    asset = (await vendure.api.upload("a.jpg", RED))["id"]
    update = "mutation ($input: [UpdateProductVariantInput!]!) { updateProductVariants(input: $input) { id } }"
    await vendure.api.admin(update, input=[{"id": product.variant, "assetIds": [asset], "featuredAssetId": asset}])
    assert (await vendure.api.delete_asset(asset))["result"] == "NOT_DELETED"


async def test_an_asset_that_is_only_listed_goes_without_asking(vendure: Vendure):
    product = await vendure.api.add_product("GL-0001")
    asset = (await vendure.api.upload("a.jpg", RED))["id"]
    await vendure.api.show(product, [asset])
    assert (await vendure.api.delete_asset(asset))["result"] == "DELETED"
    assert await vendure.api.gallery(product) == []


async def test_what_never_was_is_deleted(vendure: Vendure):
    assert (await vendure.api.delete_asset("99999999"))["result"] == "DELETED"


async def test_a_deleted_picture_is_gone_but_not_its_small_copies(vendure: Vendure):
    asset = await vendure.api.upload("a.jpg", RED)
    small, large = (f"{asset['preview']}?preset={preset}" for preset in ("small", "large"))
    assert await vendure.api.content(small)
    await vendure.api.delete_asset(asset["id"])
    assert await vendure.api.content(asset["source"]) is None
    assert await vendure.api.content(asset["preview"]) is None
    assert await vendure.api.content(large) is None  # nobody had asked for it before
    assert await vendure.api.content(small)


async def test_an_unlinked_picture_stays_public(vendure: Vendure):
    product = await vendure.api.add_product("GL-0001")
    asset = await vendure.api.upload("a.jpg", RED)
    await vendure.api.show(product, [asset["id"]])
    await vendure.api.show(product, [])
    assert await vendure.api.content(asset["source"]) == RED


async def test_an_asset_may_be_kept_for_half_a_year_and_the_shop_api_not_at_all(vendure: Vendure):
    product = await vendure.api.add_product("GL-0001")
    asset = await vendure.api.upload("a.jpg", RED)
    picture = await vendure.api.send("GET", path(asset["source"]))
    assert picture.headers["cache-control"] == "public, max-age=15552000"
    tag = {"if-none-match": picture.headers["etag"]}
    assert (await vendure.api.send("GET", path(asset["source"]), headers=tag)).status_code == 304
    query = {"query": "query ($id: ID!) { product(id: $id) { id } }", "variables": {"id": product.id}}
    assert (await vendure.api.send("POST", "/shop-api", json=query)).headers["cache-control"] == "no-store"


async def test_addresses_follow_who_asks(vendure: Vendure):
    asset = await vendure.api.upload("a.jpg", RED)
    query = {"query": "query ($id: ID!) { asset(id: $id) { source } }", "variables": {"id": asset["id"]}}
    headers = {"vendure-api-key": vendure.key, "host": "shop.example", "x-forwarded-proto": "https"}
    answer = await vendure.api.send("POST", "/admin-api", json=query, headers=headers)
    assert answer.json()["data"]["asset"]["source"] == f"https://shop.example{path(asset['source'])}"


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"vendure-api-key": "wrong"}])
async def test_who_may_not_is_told_so_with_200(vendure: Vendure, headers: dict[str, str]):
    answer = await vendure.api.send("POST", "/admin-api", json={"query": PRODUCTS}, headers=headers)
    assert answer.status_code == 200
    assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert answer.json()["data"] is None


async def test_an_answer_may_hold_data_and_errors(vendure: Vendure):
    answer = await vendure.api.answer("{ me { id } products { totalItems } }")
    assert answer["data"] == {"me": None, "products": {"totalItems": 0}}
    assert answer["errors"][0]["path"] == ["me"]


async def test_a_wrong_channel_is_the_default_channel(vendure: Vendure):
    await vendure.api.add_product("GL-0001")
    headers = {"vendure-api-key": vendure.key, "vendure-token": "no such channel"}
    answer = await vendure.api.send("POST", "/admin-api", json={"query": PRODUCTS}, headers=headers)
    assert answer.json() == {"data": {"products": {"totalItems": 1}}}


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("{ nothing }", 400, "GRAPHQL_VALIDATION_FAILED"),
        ("{ assets(options: { take: 1001 }) { totalItems } }", 200, "USER_INPUT_ERROR"),
        ('mutation { updateAsset(input: { id: "99999999", name: "x" }) { id } }', 200, "ENTITY_NOT_FOUND"),
    ],
)
async def test_what_is_wrong_is_told_in_the_body(vendure: Vendure, query: str, status: int, code: str):
    headers = {"vendure-api-key": vendure.key}
    answer = await vendure.api.send("POST", "/admin-api", json={"query": query}, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (status, code)
