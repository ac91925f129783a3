"""The harness on Shopify's own schema: the documents that a connector sends, right and wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from syncd.testing.contracts import UnderContract, home
from syncd.testing.contracts.contract import open_contracts
from syncd.testing.contracts.graphql import GraphqlContract
from tests.unit.testing.contracts.calls import answer, answer_places, places, request

HOME = home.find(Path(__file__).parents[4])
if HOME is None:
    pytest.skip(home.missing("shopify"), allow_module_level=True)

ENDPOINT = "/admin/api/2026-10/graphql.json"
DECLARED = UnderContract(
    "shopify",
    endpoint=ENDPOINT,
    nested=("Mutation.bulkOperationRunQuery(query:)", "Mutation.bulkOperationRunMutation(mutation:)"),
)
PRODUCT, FILE, VARIANT = "gid://shopify/Product/1", "gid://shopify/MediaImage/2", "gid://shopify/ProductVariant/3"
STAGE = """
mutation stage($input: [StagedUploadInput!]!) {
  stagedUploadsCreate(input: $input) {
    stagedTargets { url resourceUrl parameters { name value } }
    userErrors { field message }
  }
}
"""
CREATE = """
mutation create($files: [FileCreateInput!]!) {
  fileCreate(files: $files) {
    files { id alt fileStatus fileErrors { code message } }
    userErrors { field message code }
  }
}
"""
UPDATE = """
mutation update($files: [FileUpdateInput!]!) {
  fileUpdate(files: $files) { files { id fileStatus } userErrors { field message code } }
}
"""
ATTACH = """
mutation attach($product: ProductUpdateInput!, $media: [CreateMediaInput!]) {
  productUpdate(product: $product, media: $media) {
    product { id media(first: 250) { nodes { id status mediaErrors { code message } } } }
    userErrors { field message }
  }
}
"""
VARIANTS = """
mutation variants($productId: ID!, $variants: [ProductVariantsBulkInput!]!) {
  productVariantsBulkUpdate(productId: $productId, variants: $variants, allowPartialUpdates: true) {
    productVariants { id media(first: 1) { nodes { id } } }
    userErrors { field message code }
  }
}
"""
REORDER = """
mutation reorder($id: ID!, $moves: [MoveInput!]!) {
  productReorderMedia(id: $id, moves: $moves) { job { id done } mediaUserErrors { field message code } }
}
"""
BULK = """
mutation bulk($query: String!) {
  bulkOperationRunQuery(query: $query, groupObjects: false) {
    bulkOperation { id status }
    userErrors { field message code }
  }
}
"""
READ_ALL = "{ products { edges { node { id media { edges { node { id alt status } } } } } } }"
HOOK = """
mutation hook($topic: WebhookSubscriptionTopic!, $hook: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $hook) {
    webhookSubscription { id uri topic }
    userErrors { field message }
  }
}
"""
STATUS = """
query status($ids: [ID!]!) {
  nodes(ids: $ids) {
    id
    ... on File { fileStatus fileErrors { code details message } }
    ... on MediaImage { mediaErrors { code message } image { url width height } }
    ... on Video { sources { url mimeType } }
  }
}
"""
UPLOAD = {"filename": "a.jpg", "mimeType": "image/jpeg", "resource": "IMAGE", "httpMethod": "POST", "fileSize": "1024"}
NEW = {"originalSource": "https://m.example/a.jpg", "contentType": "IMAGE", "alt": "sun", "filename": "a.jpg"}
MEDIUM = {"originalSource": "https://m.example/a.jpg", "mediaContentType": "IMAGE", "alt": "sun"}
READY = {
    "id": FILE, "fileStatus": "READY", "fileErrors": [], "mediaErrors": [],
    "image": {"url": "https://cdn.example/a.jpg", "width": 2000, "height": 2000},
}  # fmt: skip


@pytest.fixture(scope="module")
def shopify() -> GraphqlContract:
    (contract,) = open_contracts(HOME / "shopify", DECLARED)  # type: ignore[operator]
    assert isinstance(contract, GraphqlContract)
    return contract


def sent(document: str, variables: dict[str, Any], endpoint: str = ENDPOINT) -> Any:
    return request("POST", endpoint, json={"query": document, "variables": variables})


@pytest.mark.parametrize(
    ("document", "variables", "operation"),
    [
        (STAGE, {"input": [UPLOAD]}, "stagedUploadsCreate"),
        (CREATE, {"files": [NEW | {"duplicateResolutionMode": "RAISE_ERROR"}]}, "fileCreate"),
        (UPDATE, {"files": [{"id": FILE, "referencesToAdd": [PRODUCT]}]}, "fileUpdate"),
        (UPDATE, {"files": [{"id": FILE, "referencesToRemove": [PRODUCT], "alt": None}]}, "fileUpdate"),
        (ATTACH, {"product": {"id": PRODUCT}, "media": [MEDIUM]}, "productUpdate"),
        (VARIANTS, {"productId": PRODUCT, "variants": [{"id": VARIANT, "mediaId": FILE}]}, "productVariantsBulkUpdate"),
        (REORDER, {"id": PRODUCT, "moves": [{"id": FILE, "newPosition": "0"}]}, "productReorderMedia"),
        (BULK, {"query": READ_ALL}, "bulkOperationRunQuery"),
        (HOOK, {"topic": "PRODUCTS_UPDATE", "hook": {"uri": "https://syncd.example/h", "format": "JSON"}},
         "webhookSubscriptionCreate"),
        (STATUS, {"ids": [FILE]}, "nodes"),
    ],
)  # fmt: skip
def test_documents_that_shopify_takes(
    shopify: GraphqlContract, document: str, variables: dict[str, Any], operation: str
) -> None:
    assert shopify.check_request(sent(document, variables)) == operation


OLD = "mutation($m: [CreateMediaInput!]!) { productCreateMedia(media: $m, productId: 1) { mediaUserErrors { code } } }"


@pytest.mark.parametrize(
    ("document", "variables", "place"),
    [
        (STAGE, {"input": [UPLOAD | {"fileSize": 1024}]}, "variables"),
        (STAGE, {"input": [UPLOAD | {"resource": "PRODUCT_IMAGE"}]},
         "StagedUploadTargetGenerateUploadResource.PRODUCT_IMAGE"),
        (STAGE, {"input": [{"filename": "a.jpg", "resource": "IMAGE"}]}, "variables"),
        (STAGE.replace("resourceUrl", "resource"), {"input": []}, "document"),
        (CREATE, {"files": [NEW | {"url": "https://m.example/a.jpg"}]}, "variables"),
        (CREATE, {"files": [NEW | {"contentType": "PICTURE"}]}, "variables"),
        (UPDATE, {"files": [{"referencesToAdd": [PRODUCT]}]}, "variables"),
        (UPDATE, {"files": [{"id": FILE, "references": [PRODUCT]}]}, "variables"),
        (ATTACH.replace("product: $product,", "input: $product,"), {"product": {"id": PRODUCT}}, "document"),
        (ATTACH.replace("media(first: 250)", "images(first: 250)"), {"product": {"id": PRODUCT}}, "document"),
        (ATTACH, {"product": {"id": PRODUCT, "media": [MEDIUM]}}, "variables"),
        (ATTACH, {"product": {"id": PRODUCT}, "media": [MEDIUM | {"mediaContentType": "GIF"}]}, "variables"),
        (VARIANTS, {"productId": PRODUCT, "variants": [{"id": VARIANT, "imageId": FILE}]}, "variables"),
        (VARIANTS.replace("media(first: 1) { nodes { id } }", "image { id }"), {"productId": PRODUCT, "variants": []},
         "ProductVariant.image"),
        (REORDER, {"id": PRODUCT, "moves": [{"id": FILE, "newPosition": 0}]}, "variables"),
        (REORDER.replace("mediaUserErrors { field message code }", "userErrors { message }"),
         {"id": PRODUCT, "moves": []}, "ProductReorderMediaPayload.userErrors"),
        (BULK, {"query": READ_ALL.replace("alt", "altText")}, "Mutation.bulkOperationRunQuery(query:)"),
        (BULK.replace("groupObjects: false", "groupObjects: null"), {"query": READ_ALL}, "document"),
        (HOOK, {"topic": "PRODUCT_UPDATED", "hook": {"uri": "https://syncd.example/h"}}, "variables"),
        (HOOK, {"topic": "PRODUCTS_UPDATE", "hook": {"callbackUrl": "https://syncd.example/h"}},
         "WebhookSubscriptionInput.callbackUrl"),
        (STATUS, {"ids": [FILE], "first": 5}, "variables.first"),
        (STATUS, {"id": FILE}, "variables.id"),
        (OLD, {"m": []}, "Mutation.productCreateMedia"),
        ("{ currentBulkOperation { id } }", {}, "QueryRoot.currentBulkOperation"),
    ],
)  # fmt: skip
def test_documents_that_shopify_does_not_take(
    shopify: GraphqlContract, document: str, variables: dict[str, Any], place: str
) -> None:
    assert places(shopify, sent(document, variables))[0].partition(" ")[0] == place


def test_another_version_is_another_contract(shopify: GraphqlContract) -> None:
    assert not shopify.covers(sent(STATUS, {}, "/admin/api/2026-07/graphql.json"))


@pytest.mark.parametrize(
    ("node", "place"),
    [
        (READY, ""),
        (None, ""),
        (READY | {"image": None}, ""),
        ({"id": "gid://shopify/Video/4", "fileStatus": "UPLOADED", "fileErrors": [], "sources": []}, ""),
        ({"id": PRODUCT}, ""),
        (READY | {"status": "READY"}, "answer.data.nodes[0].status"),
        (READY | {"fileStatus": "DONE"}, "answer.data.nodes[0].fileStatus"),
        (READY | {"fileErrors": None}, "answer.data.nodes[0].fileErrors"),
        (READY | {"fileErrors": [{"code": "BROKEN", "message": "a", "details": None}]},
         "answer.data.nodes[0].fileErrors[0].code"),
        (READY | {"image": {"url": "https://cdn.example/a.jpg", "width": "2000", "height": 2000}},
         "answer.data.nodes[0].image.width"),
        ({"id": FILE, "fileStatus": "READY"}, "answer.data.nodes[0].fileErrors"),
    ],
)  # fmt: skip
def test_answers_of_a_fake(shopify: GraphqlContract, node: object, place: str) -> None:
    given = answer(200, {"data": {"nodes": [node]}, "extensions": {"cost": {"requestedQueryCost": 3}}})
    assert answer_places(shopify, sent(STATUS, {"ids": [FILE]}), given) == [place] * bool(place)


def test_the_schema_is_read_once(shopify: GraphqlContract) -> None:
    lenient = UnderContract("shopify", deprecated=("Mutation.productCreateMedia",))
    (other,) = open_contracts(HOME / "shopify", lenient)  # type: ignore[operator]
    assert isinstance(other, GraphqlContract)
    assert other is not shopify
    assert other.schema is shopify.schema
    assert other.check(OLD, {"m": []}) == "productCreateMedia"
