"""Everything that is asked of the Admin API, version 2026-10."""

from __future__ import annotations

from syncd.sdk.graphql import Document

_PIECE = """
fragment Piece on Media {
  __typename
  id
  alt
  status
  mediaErrors { code message details }
  ... on MediaImage { image { url } }
  ... on Video { filename sources { url } }
  ... on Model3d { filename }
  ... on ExternalVideo { originUrl }
}
"""
_KEPT = """
fragment Kept on File {
  __typename
  id
  alt
  createdAt
  fileStatus
  fileErrors { code message details }
  ... on MediaImage { image { url } }
  ... on Video { filename }
  ... on Model3d { filename }
  ... on GenericFile { url }
}
"""
_PAGE = "pageInfo { hasNextPage endCursor }"

# --- galleries and variants -----------------------------------------------------------------------------------------

GALLERIES = Document(
    f"""query Galleries($ids: [ID!]!, $media: Int!, $variants: Int!) {{
  nodes(ids: $ids) {{
    __typename
    ... on Product {{
      id handle status onlineStoreUrl
      media(first: $media) {{ nodes {{ ...Piece }} {_PAGE} }}
      variants(first: $variants) {{ nodes {{ id sku barcode }} {_PAGE} }}
    }}
  }}
}}
{_PIECE}"""
)
MORE_MEDIA = Document(
    f"""query MoreMedia($id: ID!, $first: Int!, $after: String!) {{
  product(id: $id) {{ media(first: $first, after: $after) {{ nodes {{ ...Piece }} {_PAGE} }} }}
}}
{_PIECE}"""
)
MORE_VARIANTS = Document(
    f"""query MoreVariants($id: ID!, $first: Int!, $after: String!) {{
  product(id: $id) {{ variants(first: $first, after: $after) {{ nodes {{ id sku barcode }} {_PAGE} }} }}
}}"""
)
VARIANT_MEDIA = Document(
    """query VariantMedia($id: ID!) {
  productVariant(id: $id) { id media(first: 10) { nodes { id } } }
}"""
)
VARIANTS_BY_SKU = Document(
    f"""query VariantsBySku($query: String!, $after: String) {{
  productVariants(first: 100, after: $after, query: $query) {{ nodes {{ id sku product {{ id }} }} {_PAGE} }}
}}"""
)

# --- files ----------------------------------------------------------------------------------------------------------

FILES = Document(f"query Files($ids: [ID!]!) {{ nodes(ids: $ids) {{ ...Kept }} }}\n{_KEPT}")
FIND_FILES = Document(
    f"query FindFiles($query: String!) {{ files(first: 50, query: $query) {{ nodes {{ ...Kept }} }} }}\n{_KEPT}"
)
STAGE = Document(
    """mutation Stage($input: [StagedUploadInput!]!) {
  stagedUploadsCreate(input: $input) {
    stagedTargets { url resourceUrl parameters { name value } }
    userErrors { field message }
  }
}"""
)
CREATE_FILE = Document(
    f"""mutation CreateFile($files: [FileCreateInput!]!) {{
  fileCreate(files: $files) {{ files {{ ...Kept }} userErrors {{ field message code }} }}
}}
{_KEPT}"""
)
UPDATE_FILES = Document(
    """mutation UpdateFiles($files: [FileUpdateInput!]!) {
  fileUpdate(files: $files) { files { id } userErrors { field message code } }
}"""
)
DELETE_FILES = Document(
    """mutation DeleteFiles($ids: [ID!]!) {
  fileDelete(fileIds: $ids) { deletedFileIds userErrors { field message code } }
}"""
)

# --- order and variants' pictures -----------------------------------------------------------------------------------

REORDER = Document(
    """mutation Reorder($id: ID!, $moves: [MoveInput!]!) {
  productReorderMedia(id: $id, moves: $moves) { job { id done } mediaUserErrors { field message code } }
}"""
)
JOB = Document("query Job($id: ID!) { job(id: $id) { id done } }")
APPEND_TO_VARIANTS = Document(
    """mutation AppendToVariants($product: ID!, $pairs: [ProductVariantAppendMediaInput!]!) {
  productVariantAppendMedia(productId: $product, variantMedia: $pairs) { userErrors { field message code } }
}"""
)
DETACH_FROM_VARIANTS = Document(
    """mutation DetachFromVariants($product: ID!, $pairs: [ProductVariantDetachMediaInput!]!) {
  productVariantDetachMedia(productId: $product, variantMedia: $pairs) { userErrors { field message code } }
}"""
)

# --- readings of the whole shop -------------------------------------------------------------------------------------

BULK_LISTINGS = """{
  products { edges { node {
    __typename id handle status onlineStoreUrl
    variants { edges { node { __typename id sku barcode } } }
    media { edges { node { ...Piece } } }
  } } }
}
""" + _PIECE.strip()
_SOLD = "__typename id handle title status productType vendor tags updatedAt"
_VARIANT = "__typename id sku barcode title selectedOptions { name value }"
BULK_PRODUCTS = f"""{{
  products {{ edges {{ node {{
    {_SOLD}
    variants {{ edges {{ node {{ {_VARIANT} }} }} }}
  }} }} }}
}}"""
_OPERATION = "id status errorCode url objectCount rootObjectCount createdAt query"
RUN_BULK = Document(
    f"""mutation RunBulk($query: String!) {{
  bulkOperationRunQuery(query: $query, groupObjects: true) {{
    bulkOperation {{ {_OPERATION} }}
    userErrors {{ field message code }}
  }}
}}"""
)
BULK = Document(f"query Bulk($id: ID!) {{ bulkOperation(id: $id) {{ {_OPERATION} }} }}")
BULKS = Document(
    f'query Bulks {{ bulkOperations(first: 10, query: "operation_type:query") {{ nodes {{ {_OPERATION} }} }} }}'
)

# --- what changed ---------------------------------------------------------------------------------------------------

CHANGED_LISTINGS = Document(
    f"""query ChangedListings($query: String!, $after: String) {{
  products(first: 250, after: $after, query: $query, sortKey: UPDATED_AT) {{ nodes {{ id updatedAt }} {_PAGE} }}
}}"""
)
CHANGED_PRODUCTS = Document(
    f"""query ChangedProducts($query: String!, $after: String, $variants: Int!) {{
  products(first: 10, after: $after, query: $query, sortKey: UPDATED_AT) {{
    nodes {{ {_SOLD} variants(first: $variants) {{ nodes {{ {_VARIANT} }} {_PAGE} }} }}
    {_PAGE}
  }}
}}"""
)
MORE_SOLD = Document(
    f"""query MoreSold($id: ID!, $first: Int!, $after: String!) {{
  product(id: $id) {{ variants(first: $first, after: $after) {{ nodes {{ {_VARIANT} }} {_PAGE} }} }}
}}"""
)

# --- the app and its webhooks ---------------------------------------------------------------------------------------

APP = Document(
    """query App {
  shop { name myshopifyDomain }
  currentAppInstallation {
    id accessScopes { handle }
    metafield(namespace: "syncd", key: "ledger") { value compareDigest }
  }
}"""
)
COUNT = Document("query Count { productsCount(limit: null) { count precision } }")
SET_MARK = Document(
    """mutation SetMark($metafields: [MetafieldsSetInput!]!) {
  metafieldsSet(metafields: $metafields) { metafields { value } userErrors { field message code } }
}"""
)
SUBSCRIPTIONS = Document(
    f"""query Subscriptions($topics: [WebhookSubscriptionTopic!], $after: String) {{
  webhookSubscriptions(first: 100, after: $after, topics: $topics) {{
    nodes {{ id topic uri format includeFields }}
    {_PAGE}
  }}
}}"""
)
SUBSCRIBE = Document(
    """mutation Subscribe($topic: WebhookSubscriptionTopic!, $to: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $to) {
    webhookSubscription { id } userErrors { field message }
  }
}"""
)
AMEND_SUBSCRIPTION = Document(
    """mutation AmendSubscription($id: ID!, $to: WebhookSubscriptionInput!) {
  webhookSubscriptionUpdate(id: $id, webhookSubscription: $to) {
    webhookSubscription { id } userErrors { field message }
  }
}"""
)
