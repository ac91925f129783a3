from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from aiohttp import web
from tests.support import systems

from syncd.domain.product import ProductStatus
from syncd.errors import ConfigError, NotFoundError, RejectedError, TransientError
from syncd.sdk.catalog import CatalogPage
from syncd.sdk.http import open_client
from syncd.sdk.roles import Role
from syncd.systems.table import TableOptions, TableSystem
from syncd.systems.table.rows import Columns, open_rows
from syncd.testing.clock import ManualClock

CSV = "sku,ean,state,pack,name,shopify,colour\nGL-1,0401,Active,v3,Glow Serum,8812,red\nGL-2,0402,ENDED,,Old,,\n"
COLUMNS = {"gtin": "ean", "status": "state", "version": "pack", "title": "name", "names": {"shopify-us": "shopify"}}


def table(root: Path, clock: ManualClock, source: str = "p.csv", **options: object) -> TableSystem:
    given = TableOptions.model_validate({"source": source, "discontinued": ["ended"], **options})
    return TableSystem(systems.context(root, clock), given, Role.CATALOG)


async def pages(system: TableSystem, since: str = "") -> list[CatalogPage]:
    return [page async for page in system.products(since)]


async def test_a_row_says_what_its_columns_mean(tmp_path, clock):
    (tmp_path / "p.csv").write_text("\ufeff" + CSV)
    (page,) = await pages(table(tmp_path, clock, columns=COLUMNS))
    first, second = page.products
    assert (first.sku, first.gtin, first.version, first.title) == ("GL-1", "0401", "v3", "Glow Serum")
    assert first.names == {"shopify-us": "8812"}
    assert first.fields == {"colour": "red"}
    assert (first.status, second.status) == (ProductStatus.ACTIVE, ProductStatus.DISCONTINUED)
    assert second.names == {}
    assert (page.complete, page.total) == (True, 2)


@pytest.mark.parametrize("name", ["p.jsonl", "p.json", "p.ndjson"])
async def test_objects_are_read_like_rows(tmp_path, clock, name: str):
    rows = [{"sku": "GL-1", "gtin": "0401", "weight": 3.5, "note": None}, {"sku": "GL-2", "title": "Zwölf\u2028"}]
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (tmp_path / name).write_text(json.dumps(rows) if name.endswith(".json") else lines)
    (page,) = await pages(table(tmp_path, clock, name))
    assert [product.sku for product in page.products] == ["GL-1", "GL-2"]
    assert page.products[0].fields == {"weight": "3.5", "note": ""}
    assert page.complete


async def test_an_unchanged_table_is_not_listed_again_and_a_changed_meaning_is(tmp_path, clock):
    (tmp_path / "p.csv").write_text(CSV)
    (page,) = await pages(table(tmp_path, clock, columns=COLUMNS))
    assert await pages(table(tmp_path, clock, columns=COLUMNS), page.checkpoint) == []
    assert await pages(table(tmp_path, clock, columns={**COLUMNS, "title": "colour"}), page.checkpoint)
    (tmp_path / "p.csv").write_text(CSV.replace("Glow", "Blow"))
    assert await pages(table(tmp_path, clock, columns=COLUMNS), page.checkpoint)


async def test_many_products_come_in_pages_of_which_only_the_last_is_complete(tmp_path, clock):
    (tmp_path / "p.csv").write_text("sku\n" + "".join(f"S-{number}\n" for number in range(2500)))
    found = await pages(table(tmp_path, clock))
    assert [len(page.products) for page in found] == [1000, 1000, 500]
    assert [page.complete for page in found] == [False, False, True]
    assert [bool(page.checkpoint) for page in found] == [False, False, True]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("p.csv", "", "no column sku"),
        ("p.csv", "sku,title\n", "lists no product"),
        ("p.csv", "name,title\na,b\n", "no column sku"),
        ("p.csv", "sku,title\nGL-1,x\nGL-2\n", "p.csv:3: 1 cells where 2 belong"),
        ("p.csv", 'sku,title\nGL-1,"x\n', "p.csv:2"),
        ("p.csv", "<html>Service unavailable</html>", "no column sku"),
        ("p.csv", b"sku\nGL-\xff\n", "UTF-8"),
        ("p.jsonl", '{"sku": "GL-1"}\n{"sku": "GL', "p.jsonl:2"),
        ("p.jsonl", "", "lists no product"),
        ("p.jsonl", '{"name": "x"}\n', "no column sku"),
        ("p.json", '[{"sku": "GL-1"}', "no JSON"),
        ("p.json", "[]", "lists no product"),
        ("p.json", '{"sku": "GL-1"}', "no JSON array"),
    ],
)
async def test_a_table_that_is_empty_or_cut_off_raises_and_never_looks_complete(tmp_path, clock, name, text, says):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    seen: list[CatalogPage] = []

    async def listed() -> None:
        async for page in table(tmp_path, clock, name).products(""):
            seen.append(page)  # noqa: PERF401  # what came before the failure counts

    with pytest.raises(RejectedError, match=says):
        await listed()
    assert not any(page.complete for page in seen)


async def test_a_row_that_is_not_understood_is_named_and_the_listing_is_not_complete(tmp_path, clock):
    (tmp_path / "p.csv").write_text(
        'sku,status,title\nGL-1,active,"two\nlines"\nGL-2,soon,x\nGL-1,active,y\n,active,z\n'
    )
    (page,) = await pages(table(tmp_path, clock))
    assert [product.sku for product in page.products] == ["GL-1"]
    assert [problem.split(":", 2)[1] for problem in page.problems] == ["4", "5", "6"]
    assert "`soon`" in page.problems[0]
    assert "line 2" in page.problems[1]
    assert not page.complete
    assert page.total is None


async def test_a_missing_table_and_a_format_nobody_knows_are_said(tmp_path, clock):
    with pytest.raises(NotFoundError, match=r"p\.csv"):
        await pages(table(tmp_path, clock))
    (tmp_path / "p.xls").write_text("x")
    with pytest.raises(ConfigError, match="format"):
        await pages(table(tmp_path, clock, "p.xls"))


async def test_a_column_that_somebody_named_must_exist(tmp_path, clock):
    (tmp_path / "p.csv").write_text("sku\nGL-1\n")
    assert (await pages(table(tmp_path, clock)))[0].complete
    with pytest.raises(RejectedError, match="no column ean"):
        await pages(table(tmp_path, clock, columns={"gtin": "ean"}))


async def test_a_table_at_a_url_is_fetched_once_while_it_stays_the_same(tmp_path, clock):
    async with systems.host() as served, open_client("test", clock) as http:
        served.pages["/p.csv"] = CSV.encode()
        given = TableOptions.model_validate(
            {"source": f"{served.url}/p.csv?v=1", "columns": COLUMNS, "discontinued": ["ended"]}
        )
        system = TableSystem(systems.context(tmp_path, clock, http=http), given, Role.CATALOG)
        (page,) = await pages(system)
        assert page.complete
        assert await pages(system, page.checkpoint) == []
        served.pages["/p.csv"] = CSV.replace("GL-2", "GL-3").encode()
        assert [product.sku for product in (await pages(system, page.checkpoint))[0].products] == ["GL-1", "GL-3"]
        assert "first SKU is GL-1" in await system.check()
        del served.pages["/p.csv"]
        with pytest.raises(NotFoundError):
            await pages(system)


def test_rows_nobody_reads_on_are_dropped_without_a_word_after_their_file_was_closed():
    with io.BytesIO(CSV.encode()) as file:
        rows = open_rows(file, "csv", ",", Columns(), "p.csv")
        assert next(rows).cells["sku"] == "GL-1"
    rows.close()


async def test_a_download_that_ends_early_raises(tmp_path, clock):
    async def short(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-length": str(len(CSV) + 500)})
        await response.prepare(request)
        await response.write(CSV.encode())
        assert request.transport is not None
        request.transport.close()
        return response

    async with systems.host() as served, open_client("test", clock) as http:
        served.handlers["/p.csv"] = short
        given = TableOptions.model_validate({"source": f"{served.url}/p.csv"})
        with pytest.raises(TransientError):
            await pages(TableSystem(systems.context(tmp_path, clock, http=http), given, Role.CATALOG))


FOREIGN = {
    "m.jsonl": '{"sku": "GL-1", "url": "https://x.example/a.jpg" , "shot": 3}\n\n{"sku":"GL-2","url":"b"}',
    "m.csv": 'sku,url,placement,managed_by,note\r\nGL-1,https://x.example/a.jpg,,,"kept, ""as is"""\nGL-2,b,,,',
}


@pytest.mark.parametrize("name", ["m.jsonl", "m.csv"])
async def test_links_are_attached_read_and_detached_and_rows_of_others_stay_to_the_byte(tmp_path, clock, name: str):
    (tmp_path / name).write_bytes(FOREIGN[name].encode())
    (tmp_path / "p.csv").write_text(CSV)
    system = table(tmp_path, clock, media_file=name)
    one, two = systems.media(b"1", placement="P1"), systems.media(b"2", placement="P2")
    for _ in range(2):
        linked = await system.attach("GL-1", [one, two])
    assert [item.external_id for item in linked] == ["P1", "P2"]
    (state, other, none) = await system.linked(["GL-1", "GL-2", "GL-9"])
    urls = [item.url for item in state.observed]
    assert urls == ["https://x.example/a.jpg", one.url, two.url]
    assert [bool(item.name) for item in state.observed] == [False] + [name == "m.jsonl"] * 2
    assert len(other.observed) == 1
    assert none.observed == ()
    changed = systems.media(b"3", placement="P1")
    await system.attach("GL-1", [changed])
    assert [item.url for item in (await system.linked(["GL-1"]))[0].observed] == [urls[0], changed.url, two.url]
    for _ in range(2):
        await system.detach("GL-1", [changed, two])
    assert (tmp_path / name).read_bytes().decode().rstrip() == FOREIGN[name].rstrip()


async def test_a_link_of_another_product_or_of_others_is_not_detached(tmp_path, clock):
    item = systems.media(b"1", placement="P1")
    system = table(tmp_path, clock, media_file="m.jsonl")
    (tmp_path / "m.jsonl").write_text('{"sku": "GL-1", "url": "u", "placement": "P1"}\n')
    await system.attach("GL-2", [item])
    await system.detach("GL-1", [item])
    assert len((await system.linked(["GL-1"]))[0].observed) == 1
    assert len((await system.linked(["GL-2"]))[0].observed) == 1


async def test_a_media_file_that_is_broken_is_not_written(tmp_path, clock):
    (tmp_path / "m.jsonl").write_text('{"sku": "GL-1"}\n{"sku": \n')
    with pytest.raises(RejectedError, match="line 2"):
        await table(tmp_path, clock, media_file="m.jsonl").attach("GL-1", [systems.media(b"1")])
    assert (tmp_path / "m.jsonl").read_text() == '{"sku": "GL-1"}\n{"sku": \n'


async def test_the_media_file_is_replaced_whole(tmp_path, clock):
    system = table(tmp_path, clock, media_file="m.jsonl")
    await system.attach("GL-1", [systems.media(b"1")])
    before = os.stat(tmp_path / "m.jsonl").st_ino
    with (tmp_path / "m.jsonl").open() as reader:
        await system.attach("GL-1", [systems.media(b"2", placement="P2")])
        assert len(reader.readlines()) == 1
    assert os.stat(tmp_path / "m.jsonl").st_ino != before
    with pytest.raises(ConfigError, match="media_file"):
        await table(tmp_path, clock).attach("GL-1", [])
