"""What a Directus of the tests holds: products with a gallery, files with fields of its own, and an editor.

Without a licence Directus allows 3 users, 25 collections and 5 active flows, and no rules within permissions.
"""

from __future__ import annotations

from typing import Any

import httpx

PRODUCTS = {
    "collection": "products",
    "meta": {"archive_field": "status", "archive_value": "archived", "unarchive_value": "draft"},
    "schema": {},
    "fields": [
        {"field": "id", "type": "uuid", "schema": {"is_primary_key": True}, "meta": {"special": ["uuid"]}},
        {"field": "sku", "type": "string", "schema": {"is_unique": True, "is_nullable": False}, "meta": {}},
        {"field": "gtin", "type": "string", "schema": {}, "meta": {}},
        {"field": "title", "type": "string", "schema": {}, "meta": {}},
        {"field": "status", "type": "string", "schema": {"default_value": "draft"}, "meta": {}},
        {"field": "version", "type": "string", "schema": {}, "meta": {}},
        {"field": "date_created", "type": "timestamp", "schema": {}, "meta": {"special": ["date-created"]}},
        {"field": "date_updated", "type": "timestamp", "schema": {}, "meta": {"special": ["date-updated"]}},
        {"field": "main_image", "type": "uuid", "schema": {}, "meta": {"special": ["file"]}},
        {"field": "images", "type": "alias", "meta": {"special": ["files"]}},
    ],
}
LINKS = {
    "collection": "products_files",
    "meta": {"hidden": True},
    "schema": {},
    "fields": [
        {"field": "id", "type": "integer", "schema": {"is_primary_key": True, "has_auto_increment": True}, "meta": {}},
        {"field": "products_id", "type": "uuid", "schema": {}, "meta": {}},
        {"field": "directus_files_id", "type": "uuid", "schema": {}, "meta": {}},
        {"field": "sort", "type": "integer", "schema": {}, "meta": {}},
    ],
}
RELATIONS = [
    {
        "collection": "products",
        "field": "main_image",
        "related_collection": "directus_files",
        "schema": {"on_delete": "SET NULL"},
    },
    {
        "collection": "products_files",
        "field": "products_id",
        "related_collection": "products",
        "meta": {
            "one_field": "images",
            "sort_field": "sort",
            "junction_field": "directus_files_id",
            "one_deselect_action": "delete",
        },
        "schema": {"on_delete": "CASCADE"},
    },
    {
        "collection": "products_files",
        "field": "directus_files_id",
        "related_collection": "directus_files",
        "meta": {"junction_field": "products_id"},
        "schema": {"on_delete": "CASCADE"},
    },
]
FILE_FIELDS = {"status": "string", "asset_id": "string", "sha256": "string", "rights_until": "date"}
EDITED = ("directus_files", "directus_folders", "products", "products_files")


def create(url: str, token: str, editor_token: str) -> None:
    """Make the collections and the editor, in a Directus that has just been bootstrapped."""
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=60) as client:

        def post(path: str, body: dict[str, Any]) -> str:
            answer = client.post(path, json=body)
            assert answer.is_success, answer.text
            return str((answer.json()["data"] or {}).get("id"))

        for collection in (PRODUCTS, LINKS):
            post("/collections", collection)
        for relation in RELATIONS:
            post("/relations", relation)
        for field, kind in FILE_FIELDS.items():
            post("/fields/directus_files", {"field": field, "type": kind, "schema": {}, "meta": {}})
        role = post("/roles", {"name": "editor"})
        policy = post("/policies", {"name": "editor", "admin_access": False, "app_access": False})
        post("/access", {"role": role, "policy": policy})
        for collection in EDITED:
            for action in ("create", "read", "update", "delete"):
                allowed = {"policy": policy, "collection": collection, "action": action, "fields": ["*"]}
                post("/permissions", allowed | {"permissions": {}})
        post("/users", {"email": "editor@example.com", "role": role, "token": editor_token})
