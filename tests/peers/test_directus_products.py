"""How Directus links files to products, and how changes are found."""

from __future__ import annotations

import uuid

import pytest

from tests.peers.handles import Directus
from tests.peers.pictures import jpeg

pytestmark = pytest.mark.peers

RED = jpeg("red")


@pytest.fixture
async def product(directus: Directus) -> str:
    return await directus.api.add_product("GL-0001")


async def change(directus: Directus, product: str, images: object) -> None:
    await directus.api.data("PATCH", f"/items/products/{product}", json={"images": images})


async def test_a_sku_is_there_once(directus: Directus, product: str):
    answer = await directus.api.send("POST", "/items/products", json={"sku": "GL-0001"})
    error = answer.json()["errors"][0]["extensions"]
    assert (answer.status_code, error["code"], error["field"]) == (400, "RECORD_NOT_UNIQUE", "sku")


async def test_the_same_link_again_is_a_second_link(directus: Directus, product: str):
    file = await directus.api.upload("a.jpg", RED)
    for _ in range(2):
        await change(directus, product, {"create": [{"directus_files_id": file}]})
    await directus.api.data("POST", "/items/products_files", json={"products_id": product, "directus_files_id": file})
    assert await directus.api.gallery("GL-0001") == [file] * 3


async def test_a_list_of_pictures_replaces_all_of_them(directus: Directus, product: str):
    foreign, ours = [await directus.api.upload(name, RED) for name in ("foreign.jpg", "ours.jpg")]
    await directus.api.link("GL-0001", foreign)
    await change(directus, product, [{"directus_files_id": ours}])
    assert await directus.api.gallery("GL-0001") == [ours]


async def test_a_named_change_leaves_the_others_alone(directus: Directus, product: str):
    foreign, ours = [await directus.api.upload(name, RED) for name in ("foreign.jpg", "ours.jpg")]
    await directus.api.link("GL-0001", foreign)
    await change(directus, product, {"create": [{"directus_files_id": ours, "sort": 2}]})
    assert await directus.api.gallery("GL-0001") == [foreign, ours]
    links = await directus.api.data("GET", f"/items/products_files?filter[directus_files_id][_eq]={ours}")
    await change(directus, product, {"update": [{"id": links[0]["id"], "sort": 0}]})
    assert await directus.api.gallery("GL-0001") == [ours, foreign]
    await change(directus, product, {"delete": [links[0]["id"]]})
    assert await directus.api.gallery("GL-0001") == [foreign]
    assert await directus.api.file(ours)  # unlinked is not deleted


async def test_a_deleted_file_leaves_its_products_without_a_trace(directus: Directus, product: str):
    file = await directus.api.upload("a.jpg", RED)
    await directus.api.link("GL-0001", file)
    await directus.api.data("PATCH", f"/items/products/{product}", json={"main_image": file})
    was = await directus.api.product("GL-0001")
    (link,) = await directus.api.data("GET", "/items/products_files")
    await directus.api.data("DELETE", f"/files/{file}")
    now = await directus.api.product("GL-0001")
    assert (now["main_image"], await directus.api.gallery("GL-0001")) == (None, [])
    assert now["date_updated"] == was["date_updated"]
    assert [row["item"] for row in await directus.api.activity("directus_files", "delete")][-1] == file
    assert str(link["id"]) not in [row["item"] for row in await directus.api.activity("products_files", "delete")]


async def test_an_unknown_field_of_a_product_is_dropped_in_silence(directus: Directus, product: str):
    answer = await directus.api.send("PATCH", f"/items/products/{product}", json={"nonsense": "x", "title": "new"})
    assert (answer.status_code, answer.json()["data"]["title"]) == (200, "new")
    assert "nonsense" not in answer.json()["data"]


async def test_a_product_that_is_not_there_is_changed_with_204(directus: Directus):
    answer = await directus.api.send("PATCH", f"/items/products/{uuid.uuid4()}", json={"title": "x"})
    assert (answer.status_code, answer.content) == (204, b"")


async def test_a_new_product_was_never_updated(directus: Directus, product: str):
    was = await directus.api.product("GL-0001")
    assert was["date_updated"] is None
    since = {"filter[date_updated][_gte]": was["date_created"]}
    assert await directus.api.data("GET", "/items/products", params=since) == []
    either = {
        f"filter[_or][{n}][{field}][_gte]": was["date_created"]
        for n, field in enumerate(["date_created", "date_updated"])
    }
    assert [row["sku"] for row in await directus.api.data("GET", "/items/products", params=either)] == ["GL-0001"]


async def test_a_link_made_by_itself_does_not_change_the_product(directus: Directus, product: str):
    files = [await directus.api.upload(name, RED) for name in ("a.jpg", "b.jpg")]
    await directus.api.link("GL-0001", files[0])
    was = await directus.api.product("GL-0001")
    assert was["date_updated"]
    link = {"products_id": product, "directus_files_id": files[1]}
    made = await directus.api.data("POST", "/items/products_files", json=link)
    await directus.api.data("DELETE", f"/items/products_files/{made['id']}")
    assert (await directus.api.product("GL-0001"))["date_updated"] == was["date_updated"]


async def test_files_are_found_since_an_instant_in_order(directus: Directus):
    files = [await directus.api.upload(f"{n}.jpg", RED) for n in range(4)]
    second = (await directus.api.file(files[1]))["modified_on"]
    await directus.api.data("PATCH", f"/files/{files[0]}", json={"title": "changed"})
    query = {"filter[modified_on][_gte]": second, "sort": "modified_on,id", "limit": "2", "fields": "id"}
    pages = [await directus.api.data("GET", "/files", params=query | {"page": str(page)}) for page in (1, 2, 3)]
    assert [[row["id"] for row in page] for page in pages] == [files[1:3], [files[3], files[0]], []]


async def test_an_id_cannot_be_asked_for_by_order(directus: Directus):
    answer = await directus.api.send("GET", f"/files?filter[id][_gt]={uuid.uuid4()}")
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "INVALID_QUERY")


async def test_a_long_question_goes_into_the_body(directus: Directus):
    own = await directus.api.upload("a.jpg", RED)
    keys = [own, *(str(uuid.uuid4()) for _ in range(800))]
    asked = await directus.api.send("GET", "/files", params={"filter[id][_in]": ",".join(keys)})
    assert asked.status_code == 431
    found = await directus.api.data("SEARCH", "/files", json={"query": {"filter": {"id": {"_in": keys}}, "limit": -1}})
    assert [file["id"] for file in found] == [own]
