from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from graphql import build_schema, introspection_from_schema
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.testing.contracts.graphql import GraphqlContract
from syncd.testing.contracts.violation import ContractViolation
from tests.unit.testing.contracts.calls import GIVEN, answer, answer_places, places, request

SHOP = GraphqlContract.load(GIVEN / "shop.graphql", documents=("Mutation.runBulk(query:)",))
ATTACH = """
mutation add($id: ID!, $media: [MediaInput!]!) { attach(product: $id, media: $media) { errors { message } } }
"""
SEE = """
query see($ids: [ID!]!, $deep: Boolean = true) {
  nodes(ids: $ids) {
    id
    ...media
    ... on Product { title live shown: media(first: 2) { __typename ...media ... on Clip { seconds } } }
  }
}
fragment media on Media { alt status @include(if: $deep) ... on Still { url width taken } }
"""
STILL = {"id": "1", "alt": None, "status": "READY", "url": "https://x.example/1", "width": 5, "taken": None}
CLIP = {"__typename": "Clip", "alt": "sea", "status": "FAILED", "seconds": 2}
PRODUCT = {"id": "2", "title": "Sun", "live": False, "shown": [CLIP]}


def broken(document: str, variables: dict[str, object] | None = None, operation: str | None = None) -> list[str]:
    """What is wrong with a document and its variables, as people read it; [] if nothing is."""
    try:
        SHOP.check(document, variables, operation)
    except ContractViolation as violation:
        return [str(breach) for breach in violation.breaches]
    return []


def lies(data: object, document: str = SEE, variables: dict[str, object] | None = None) -> list[str]:
    """What is wrong with an answer."""
    try:
        SHOP.answer(document, variables or {"ids": ["1"]}, data)
    except ContractViolation as violation:
        return [str(breach) for breach in violation.breaches]
    return []


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("{ product(id: 1) { title media { id } } }", None),
        (SEE, {"ids": ["1", "2"]}),
        (ATTACH, {"id": "1", "media": []}),
        (ATTACH, {"id": "1", "media": [{"source": "https://x.example/1", "size": "12", "status": "READY"}]}),
        (ATTACH, {"id": "1", "media": [{"source": "https://x.example/1", "at": "2026-11-22T12:00:00+01:00"}]}),
        ('mutation { runBulk(query: "{ product(id: 1) { title } }") }', None),
    ],
)
def test_documents_that_the_schema_takes(document: str, variables: dict[str, object] | None) -> None:
    assert broken(document, variables) == []


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("{ product(id: 1) { title ", "document 1:26: Syntax Error: Expected Name, found <EOF>."),
        ("{ product(id: 1) { name } }", "document 1:20: Cannot query field 'name' on type 'Product'."),
        ("{ product { title } }", "document 1:3: Argument 'Query.product(id:)' of type 'ID!' is required"),
        ("{ product(id: 1, sku: 2) { title } }", "document 1:18: Unknown argument 'sku' on field 'Query.product'."),
        ("{ product(id: 1) }", "document 1:3: Field 'product' of type 'Product' must have a selection"),
        ("query($id: ID) { product(id: $id) { title } }", "document 1:7: Variable '$id' of type 'ID' used in position"),
        ("{ old }", "Query.old: is deprecated: Use product."),
        ("{ product(id: 1) { images } }", "Product.images: is deprecated: Use media."),
        ("mutation { attach(product: 1, media: [], legacy: true) { errors { message } } }",
         "Mutation.attach(legacy:): is deprecated: It does nothing."),
        ('mutation { attach(product: 1, media: [{source: "https://x", kind: "a"}]) { errors { message } } }',
         "MediaInput.kind: is deprecated: It is sniffed."),
        ('mutation { attach(product: 1, media: [{source: "https://x", status: WAITING}]) { errors { message } } }',
         "MediaStatus.WAITING: is deprecated: Never was."),
        ('mutation { attach(product: 1, media: [{source: "x.jpg"}]) { errors { message } } }',
         "document 1:48: Expected value of type 'URL', but"),
        ('mutation { runBulk(query: "{ product(id: 1) { name } }") }',
         "Mutation.runBulk(query:) 1:20: Cannot query field 'name'"),
        ('mutation { runBulk(query: "{") }', "Mutation.runBulk(query:) 1:2: Syntax Error"),
        ('mutation { runBulk(query: "{ old }") }', "Query.old: is deprecated"),
    ],
)  # fmt: skip
def test_documents_that_it_does_not(document: str, told: str) -> None:
    (first, *_) = broken(document)
    assert first.startswith(told)


def test_a_document_in_a_variable_is_a_document_too() -> None:
    document = "mutation bulk($query: String!) { runBulk(query: $query) }"
    assert broken(document, {"query": "{ product(id: 1) { title } }"}) == []
    assert broken(document, {"query": "{ product(id: 1) { titel } }"})[0].startswith("Mutation.runBulk(query:) 1:20")


@pytest.mark.parametrize(
    ("media", "told"),
    [
        ({}, "include required field 'source'"),
        ({"source": None}, "null"),
        ({"source": "x.jpg"}, "'x.jpg' is no URL"),
        ({"source": "https://x", "sauce": 1}, "not to include unknown field 'sauce'"),
        ({"source": "https://x", "status": "DONE"}, "'DONE' does not exist in 'MediaStatus'"),
        ({"source": "https://x", "alt": 7}, "String cannot represent"),
        ({"source": "https://x", "size": 12}, "12 is no UnsignedInt64"),
        ({"source": "https://x", "at": "2026-11-22"}, "is no DateTime"),
        ({"source": "https://x", "kind": "image"}, "MediaInput.kind: is deprecated"),
        ({"source": "https://x", "status": "WAITING"}, "MediaStatus.WAITING: is deprecated"),
    ],
)
def test_variables_that_it_does_not_take(media: dict[str, object], told: str) -> None:
    (first, *_) = broken(ATTACH, {"id": "1", "media": [media]})
    assert told in first


def test_variables_are_those_the_operation_declares() -> None:
    assert "Variable '$id' has invalid value" in broken(ATTACH, {"media": []})[0]
    assert broken(ATTACH, {"id": "1", "media": [], "first": 5}) == ["variables.first: is not declared by the operation"]


def test_one_operation_of_several_is_named() -> None:
    both = "query a { product(id: 1) { title } } query b($id: ID!) { product(id: $id) { live } }"
    assert SHOP.check(both, {}, "a") == "product"
    assert "Variable '$id'" in broken(both, {}, "b")[0]
    assert broken(both) == ["operationName: None is none of a, b"]
    assert broken(both, {}, "c") == ["operationName: 'c' is none of a, b"]
    assert SHOP.check("{ product(id: 1) { title } nodes(ids: []) { id } }") == "product, nodes"


def test_what_is_deprecated_may_be_allowed() -> None:
    lenient = GraphqlContract.load(GIVEN / "shop.graphql", deprecated=("Query.old",))
    lenient.check("{ old }")
    with pytest.raises(ContractViolation, match=r"Product\.images"):
        lenient.check("{ old product(id: 1) { images } }")


def test_a_schema_may_be_an_introspection(tmp_path: Path) -> None:
    introspected = introspection_from_schema(build_schema((GIVEN / "shop.graphql").read_text()))
    path = tmp_path / "shop_2026-10.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"data": introspected}).encode()))
    contract = GraphqlContract.load(path)
    assert contract.check(SEE, {"ids": []}) == "nodes"
    with pytest.raises(ContractViolation, match="is deprecated"):
        contract.check("mutation { attach(product: 1, media: [], legacy: true) { errors { message } } }")


def test_a_file_without_a_schema(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("{}")
    with pytest.raises(ValueError, match="holds no introspection"):
        GraphqlContract.load(path)


@pytest.mark.parametrize(
    "nodes",
    [[], [None, STILL], [PRODUCT, STILL], [PRODUCT | {"shown": []}], [STILL | {"taken": "2026-11-22T12:00:00Z"}]],
)
def test_answers_that_fit(nodes: list[object]) -> None:
    assert lies({"nodes": nodes}) == []


def test_fields_left_out_by_a_condition_are_not_missed() -> None:
    without = {key: value for key, value in STILL.items() if key != "status"}
    assert lies({"nodes": [without]}, variables={"ids": [], "deep": False}) == []
    assert lies({"nodes": [STILL]}, variables={"ids": [], "deep": False}) == [
        "answer.data.nodes[0].status: is not selected by the document"
    ]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({}, "answer.data.nodes: is selected and missing"),
        ({"nodes": None}, "answer.data.nodes: Cannot return null for non-nullable field Query.nodes."),
        ({"nodes": {}}, "answer.data.nodes: Expected Iterable"),
        ({"nodes": [], "more": 1}, "answer.data.more: is not selected by the document"),
        ({"nodes": ["1"]}, "answer.data.nodes[0]: is no object of the type Node"),
        ({"nodes": [STILL | {"hight": 1}]}, "answer.data.nodes[0].hight: is not selected by the document"),
        ({"nodes": [STILL | {"status": "DONE"}]}, "answer.data.nodes[0].status: Enum 'MediaStatus' cannot represent"),
        ({"nodes": [STILL | {"status": None}]}, "answer.data.nodes[0].status: Cannot return null"),
        ({"nodes": [STILL | {"width": "5"}]}, "answer.data.nodes[0].width: is '5'; it would be 5"),
        ({"nodes": [STILL | {"width": 5.5}]}, "answer.data.nodes[0].width: Int cannot represent"),
        ({"nodes": [STILL | {"width": True}]}, "answer.data.nodes[0].width: is True; it would be 1"),
        ({"nodes": [STILL | {"id": 1}]}, "answer.data.nodes[0].id: is 1; it would be '1'"),
        ({"nodes": [STILL | {"url": "x"}]}, "answer.data.nodes[0].url: 'x' is no URL"),
        ({"nodes": [STILL | {"url": {}}]}, "answer.data.nodes[0].url: {} is no URL"),
        ({"nodes": [PRODUCT | {"live": 1}]}, "answer.data.nodes[0].live: is 1; it would be True"),
        ({"nodes": [PRODUCT | {"shown": CLIP}]}, "answer.data.nodes[0].shown: Expected Iterable"),
        ({"nodes": [PRODUCT | {"shown": [CLIP | {"__typename": "Film"}]}]}, "answer.data.nodes[0].shown[0]: Abstract"),
        ({"nodes": [PRODUCT | {"shown": [CLIP | {"__typename": "Still"}]}]},
         "answer.data.nodes[0].shown[0].url: is selected and missing"),
    ],
)  # fmt: skip
def test_answers_that_do_not_fit(data: object, told: str) -> None:
    (first, *_) = lies(data)
    assert first.startswith(told)


def test_a_selected_typename_is_missed() -> None:
    document = "{ product(id: 1) { __typename title } }"
    assert lies({"product": {"title": "a"}}, document, {}) == [
        "answer.data.product.__typename: is selected and missing; it would be 'Product'"
    ]
    assert lies({"product": {"__typename": "Still", "title": "a"}}, document, {}) == [
        "answer.data.product.__typename: is 'Still'; it would be 'Product'"
    ]


MEDIA_DATA = st.one_of(
    st.fixed_dictionaries({
        "__typename": st.just("Still"), "alt": st.none() | st.text(), "status": st.sampled_from(["READY", "FAILED"]),
        "url": st.none() | st.just("https://x.example/1"), "width": st.none() | st.integers(-(2**31), 2**31 - 1),
        "taken": st.none(),
    }),
    st.fixed_dictionaries({
        "__typename": st.just("Clip"), "alt": st.none() | st.text(), "status": st.just("READY"),
        "seconds": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**50), 2**50),
    }),
)  # fmt: skip
PRODUCT_DATA = st.fixed_dictionaries(
    {"id": st.text(), "title": st.text(), "live": st.none() | st.booleans(), "shown": st.lists(MEDIA_DATA, max_size=3)}
)


@settings(max_examples=25, deadline=None)
@given(PRODUCT_DATA, st.data())
def test_a_fitting_answer_fits_no_more_once_a_name_is_dropped_or_added(
    product: dict[str, object], data: st.DataObject
) -> None:
    assert lies({"nodes": [product]}) == []
    objects = [product, *product["shown"]]  # type: ignore[misc]
    chosen = data.draw(st.integers(0, len(objects) - 1))
    name = data.draw(st.sampled_from(sorted(objects[chosen])))
    kept = objects[chosen].pop(name)
    assert lies({"nodes": [product]}) != []
    objects[chosen][name] = kept
    objects[chosen]["unasked"] = kept
    assert lies({"nodes": [product]}) != []


def test_requests_over_http() -> None:
    body = {"query": SEE, "variables": {"ids": ["1"]}, "operationName": "see"}
    asked = request("POST", "/admin/graphql.json", json=body)
    assert SHOP.covers(asked)
    assert not SHOP.covers(request("POST", "/admin/oauth/access_token"))
    assert SHOP.check_request(asked) == "nodes"
    assert places(SHOP, request("POST", "/graphql", json=body | {"variables": None})) == ["variables"]
    assert places(SHOP, request("GET", "/graphql", params={"query": SEE})) == ["request"]
    assert places(SHOP, request("POST", "/graphql", content=b"{ old }")) == ["request"]
    json_type = {"Content-Type": "application/json"}
    assert places(SHOP, request("POST", "/graphql", content=b"{", headers=json_type)) == ["body"]
    assert places(SHOP, request("POST", "/graphql", json=[body])) == ["body"]
    assert places(SHOP, request("POST", "/graphql", json={"variables": {}})) == ["body.query"]
    wrong = body | {"variables": [], "operation_name": "see"}
    assert places(SHOP, request("POST", "/graphql", json=wrong)) == ["body.variables", "body.operation_name"]


@pytest.mark.parametrize(
    ("status", "body", "place"),
    [
        (200, {"data": {"nodes": [STILL]}, "extensions": {"cost": 1}}, ""),
        (200, {"errors": [{"message": "Throttled"}]}, ""),
        (200, {"data": None, "errors": [{"message": "Throttled"}]}, ""),
        (200, {"data": {"nodes": [None]}, "errors": [{"message": "gone", "path": ["nodes", 0]}]}, ""),
        (200, {"data": {"nodes": [STILL | {"status": "DONE"}]}}, "answer.data.nodes[0].status"),
        (200, {"data": None}, "answer"),
        (200, {"errors": []}, "answer.errors"),
        (200, {"errors": ["Throttled"]}, "answer.errors"),
        (200, b"<html>", "answer"),
        (200, [], "answer"),
        (429, {}, "answer.status"),
    ],
)
def test_answers_over_http(status: int, body: object, place: str) -> None:
    asked = request("POST", "/graphql", json={"query": SEE, "variables": {"ids": ["1"]}})
    assert answer_places(SHOP, asked, answer(status, body)) == [place] * bool(place)
    assert SHOP.states(asked, status) is (status == 200)
