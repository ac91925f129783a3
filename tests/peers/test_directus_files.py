"""How Directus takes, replaces, shows and deletes files: what a connector must know of it."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from tests.peers.handles import Directus
from tests.peers.pictures import jpeg

pytestmark = pytest.mark.peers

RED, BLUE = jpeg("red"), jpeg("blue")


async def test_metadata_counts_only_before_the_file(directus: Directus):
    folder = await directus.api.add_folder("ours")
    before = await directus.api.upload("a.jpg", RED, title="told", folder=folder)
    parts = [("file", ("b.jpg", RED, "image/jpeg")), ("title", (None, "told")), ("folder", (None, folder))]
    after = (await directus.api.data("POST", "/files", files=parts))["id"]
    assert [(file["title"], file["folder"]) for file in await directus.api.files(id=before)] == [("told", folder)]
    assert [(file["title"], file["folder"]) for file in await directus.api.files(id=after)] == [("B", None)]


async def test_the_size_is_told_as_a_string(directus: Directus):
    file = await directus.api.file(await directus.api.upload("a.jpg", RED))
    assert file["filesize"] == str(len(RED))


async def test_the_same_upload_again_is_another_file(directus: Directus):
    first, second = [await directus.api.upload("a.jpg", RED) for _ in range(2)]
    assert first != second
    assert await directus.api.content(first) == await directus.api.content(second) == RED


async def test_an_id_of_our_own_makes_an_upload_repeatable(directus: Directus):
    own = str(uuid.uuid4())
    assert await directus.api.upload("a.jpg", RED, id=own) == own
    again = await directus.api.send("POST", "/files", data={"id": own}, files={"file": ("a.jpg", BLUE, "image/jpeg")})
    assert again.status_code == 400
    error = again.json()["errors"][0]["extensions"]
    assert (error["code"], error["field"], error["value"]) == ("RECORD_NOT_UNIQUE", "id", own)
    assert await directus.api.content(own) == RED
    assert len(await directus.api.files()) == 1


async def test_of_uploads_with_one_id_at_once_one_wins(directus: Directus):
    own = str(uuid.uuid4())
    contents = [jpeg(colour) for colour in ("red", "green", "blue")]
    answers = await asyncio.gather(
        *(
            directus.api.send("POST", "/files", data={"id": own}, files={"file": ("a.jpg", content, "image/jpeg")})
            for content in contents
        )
    )
    winners = [number for number, answer in enumerate(answers) if answer.status_code == 200]
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400]
    assert await directus.api.content(own) == contents[winners[0]]


async def test_an_upload_that_broke_off_leaves_a_file_without_content(directus: Directus):
    own = str(uuid.uuid4())
    await break_off_upload(directus, own)
    left = await directus.api.file(own)
    assert (left["filesize"], left["filename_disk"], left["uploaded_on"]) == (None, None, None)
    shown = await directus.api.send("GET", f"/assets/{own}")
    assert (shown.status_code, shown.json()["errors"][0]["extensions"]["service"]) == (503, "assets")
    file = {"file": ("a.jpg", RED, "image/jpeg")}
    again = await directus.api.send("POST", "/files", data={"id": own}, files=file)
    assert again.json()["errors"][0]["extensions"]["code"] == "RECORD_NOT_UNIQUE"
    await directus.api.data("PATCH", f"/files/{own}", files=file)
    assert await directus.api.content(own) == RED


async def break_off_upload(directus: Directus, own: str) -> None:
    """Send half of an upload and close the connection once the file is there."""
    part = '--b\r\ncontent-disposition: form-data; name="{}"{}\r\n\r\n{}'
    head = part.format("id", "", own) + "\r\n"
    head += part.format("file", '; filename="a.jpg"\r\ncontent-type: image/jpeg', "")
    request = (
        f"POST /files HTTP/1.1\r\nhost: directus\r\nauthorization: Bearer {directus.token}\r\n"
        f"content-type: multipart/form-data; boundary=b\r\ncontent-length: 1000000\r\n\r\n{head}"
    )
    _, writer = await asyncio.open_connection("127.0.0.1", directus.server.port)
    writer.write(request.encode() + b"\xff" * 300_000)
    await writer.drain()
    async with asyncio.timeout(30):
        while await directus.api.file(own) is None:
            await asyncio.sleep(0.05)
    writer.transport.abort()


async def test_content_is_not_looked_at(directus: Directus):
    file = await directus.api.file(await directus.api.upload("lie.jpg", b"not a jpeg"))
    assert (file["type"], file["width"], file["filesize"]) == ("image/jpeg", None, "10")


async def test_an_unknown_field_is_dropped_in_silence(directus: Directus):
    own = await directus.api.upload("a.jpg", RED, nonsense="x")
    was = await directus.api.file(own)
    answer = await directus.api.send("PATCH", f"/files/{own}", json={"nonsense": "x"})
    assert answer.status_code == 200
    assert "nonsense" not in answer.json()["data"]
    now = await directus.api.file(own)
    assert now["modified_on"] > was["modified_on"]
    assert now | {"modified_on": "", "modified_by": ""} == was | {"modified_on": "", "modified_by": ""}


async def test_an_unknown_field_is_forbidden_to_who_is_no_administrator(directus: Directus):
    own = await directus.editor.upload("a.jpg", RED)
    answer = await directus.editor.send("PATCH", f"/files/{own}", json={"nonsense": "x"})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")


async def test_a_change_of_what_is_not_there_answers_204(directus: Directus):
    missing = f"/files/{uuid.uuid4()}"
    assert (await directus.api.send("PATCH", missing, json={"title": "x"})).status_code == 204
    assert (await directus.api.send("DELETE", missing)).status_code == 204


async def test_a_change_that_asks_for_an_unknown_field_is_made_and_answers_204(directus: Directus):
    own = await directus.api.upload("a.jpg", RED)
    answer = await directus.api.send("PATCH", f"/files/{own}?fields=id,nonsense", json={"title": "changed"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await directus.api.file(own))["title"] == "changed"


@pytest.mark.parametrize("path", ["/files/{}", "/assets/{}", "/items/products/{}", "/items/nothing"])
async def test_what_is_missing_is_forbidden(directus: Directus, path: str):
    answer = await directus.api.send("GET", path.format(uuid.uuid4()))
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
    assert await directus.api.file(str(uuid.uuid4())) is None  # a list tells


async def test_a_wrong_token_and_none_are_told_apart(directus: Directus):
    wrong = await directus.public.send("GET", "/files", headers={"authorization": "Bearer wrong"})
    assert (wrong.status_code, wrong.json()["errors"][0]["extensions"]["code"]) == (401, "INVALID_CREDENTIALS")
    assert (await directus.public.send("GET", "/files")).status_code == 403
    assert (await directus.public.send("GET", "/users/me")).status_code == 401
    assert (await directus.editor.send("GET", "/users/me?fields=id")).status_code == 200


async def test_a_wrong_type_is_a_server_error_that_will_not_pass(directus: Directus):
    own = await directus.api.upload("a.jpg", RED)
    answer = await directus.api.send("PATCH", f"/files/{own}", json={"folder": "not a uuid"})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (500, "INTERNAL_SERVER_ERROR")


async def test_new_content_keeps_the_id_and_changes_the_name(directus: Directus):
    own = await directus.api.upload("a.jpg", RED, title="told", asset_id="A-1")
    was = await directus.api.file(own)
    await directus.api.data("PATCH", f"/files/{own}", files={"file": ("b.jpg", BLUE, "image/jpeg")})
    now = await directus.api.file(own)
    assert await directus.api.content(own) == BLUE
    assert (now["title"], now["asset_id"], now["created_on"]) == ("told", "A-1", was["created_on"])
    assert (now["filename_download"], now["filesize"]) == ("b.jpg", str(len(BLUE)))
    assert now["uploaded_on"] > was["uploaded_on"]


async def test_a_public_link_may_be_kept_for_a_month_whatever_its_etag_says(directus: Directus):
    own = await directus.api.upload("a.jpg", RED)
    await directus.api.share_files()
    first = await directus.public.send("GET", f"/assets/{own}")
    assert first.headers["cache-control"] == "public, max-age=2592000"
    again = await directus.public.send("GET", f"/assets/{own}", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (200, RED)
    tags = set()
    for content in [BLUE, RED] * 3:  # far more often than once a second
        await directus.api.data("PATCH", f"/files/{own}", files={"file": ("a.jpg", content, "image/jpeg")})
        tags.add((await directus.public.send("HEAD", f"/assets/{own}")).headers["etag"])
    assert len(tags) < 6


async def test_a_public_link_ends_with_the_file_alone(directus: Directus):
    await directus.api.add_product("GL-0001")
    own = await directus.api.upload("a.jpg", RED, status="published")
    await directus.api.link("GL-0001", own)

    async def public(query: str = "") -> int:
        return (await directus.public.send("GET", f"/assets/{own}{query}")).status_code

    assert await public() == 403
    await directus.api.share_files()
    assert (await public(), await public("?width=20")) == (200, 200)
    folder = await directus.api.add_folder("archive")
    await directus.api.data("PATCH", f"/files/{own}", json={"status": "archived", "folder": folder})
    product = await directus.api.product("GL-0001")
    await directus.api.data("PATCH", f"/items/products/{product['id']}", json={"images": []})
    assert (await public(), await public("?width=20")) == (200, 200)
    await directus.api.unshare_files()
    assert await public() == 403
    await directus.api.share_files()
    await directus.api.data("DELETE", f"/files/{own}")
    assert (await public(), await public("?width=20")) == (403, 403)


async def test_without_a_licence_permissions_have_no_rules(directus: Directus):
    rule = {"collection": "directus_files", "action": "read", "fields": ["*"]}
    policy = (await directus.api.data("GET", "/policies?filter[name][_eq]=editor"))[0]["id"]
    published = rule | {"policy": policy, "permissions": {"status": {"_eq": "published"}}}
    answer = await directus.api.send("POST", "/permissions", json=published)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (403, "RESOURCE_RESTRICTED")
