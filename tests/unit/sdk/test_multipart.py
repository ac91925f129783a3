from __future__ import annotations

from collections.abc import AsyncIterator
from email.parser import BytesParser
from email.policy import HTTP

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from tests.support.systems import host

from syncd.errors import TransientError
from syncd.sdk.http import open_client
from syncd.sdk.multipart import File, Form

NAMES = st.text(st.characters(codec="ascii", exclude_characters="\r\n\0\x0b\x0c\x1c\x1d\x1e"), min_size=1, max_size=20)


async def bytes_of(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 7):
        yield content[start : start + 7]


def form(content: bytes, fields: dict[str, str], size: int | None = None, name: str = "beach.jpg") -> Form:
    length = len(content) if size is None else size
    return Form(fields, File("file", name, "image/jpeg", length, bytes_of(content)))


def parts_of(made: Form, body: bytes) -> list[tuple[str, bytes]]:
    head = f"Content-Type: {made.headers['Content-Type']}\r\n\r\n".encode()
    parsed = BytesParser(policy=HTTP).parsebytes(head + body)
    return [
        (str(part.get_param("name", header="content-disposition")), part.get_payload(decode=True))
        for part in parsed.iter_parts()
    ]


@given(st.dictionaries(NAMES.filter(lambda name: not set('"\\%') & set(name)), NAMES), st.binary(max_size=300))
async def test_the_form_is_as_long_as_it_says_and_its_file_stands_last(fields: dict[str, str], content: bytes):
    fields.pop("file", None)
    made = form(content, fields)
    body = b"".join([chunk async for chunk in made.body()])
    assert len(body) == int(made.headers["Content-Length"])
    found = parts_of(made, body)
    assert [name for name, _ in found][-1] == "file"
    assert found[-1][1] == content


async def test_a_name_cannot_end_its_header():
    made = form(b"x", {'a"\r\nX-Evil: 1': "v"}, name='b"\r\n.jpg')
    body = b"".join([chunk async for chunk in made.body()])
    assert b"X-Evil: 1\r\n" not in body
    assert b'filename="b%22%0D%0A.jpg"' in body


@pytest.mark.parametrize("size", [3, 5])
async def test_a_file_of_another_size_is_not_sent_whole(size: int):
    with pytest.raises(TransientError, match="has not the"):
        _ = [chunk async for chunk in form(b"1234", {}, size).body()]


async def test_a_server_gets_it_with_its_length(clock):
    """Storage that signs forms takes none in chunks of unknown number."""
    content = bytes(range(256)) * 4000
    got: dict[str, object] = {}

    async def take(request: web.Request) -> web.Response:
        got["length"], got["encoding"] = request.content_length, request.headers.get("transfer-encoding")
        data = await request.post()
        file = data["file"]
        assert isinstance(file, web.FileField)
        got.update(key=data["key"], name=file.filename, type=file.content_type, content=file.file.read())
        return web.Response(status=201)

    async with host() as served, open_client("storage", clock) as http:
        served.handlers["/up"] = take
        made = form(content, {"key": "tmp/ü"})
        answer = await http.post(f"{served.url}/up", content=made.body(), headers=made.headers)
    assert answer.status_code == 201
    assert got == {
        "length": int(made.headers["Content-Length"]), "encoding": None, "key": "tmp/ü", "name": "beach.jpg",
        "type": "image/jpeg", "content": content,
    }  # fmt: skip
