"""What the fake shop does on mutations, checked in Shopify's order; a call is done whole or not at all."""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from tests.support.vendors.shopify.reading import Reading
from tests.support.vendors.shopify.state import Bulk, File, Job, Product, State, Subscription, Variant

STAGING = "https://shopify-staged-uploads.storage.googleapis.com"
IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/heic", "image/tiff", "image/bmp"})
KINDS = {"IMAGE": "MediaImage", "VIDEO": "Video", "MODEL_3D": "Model3d", "FILE": "GenericFile"}


def error(field: list[str] | None, message: str, code: str | None = None) -> dict[str, Any]:
    return {"field": field, "message": message, "code": code}


class Writing:
    """Mutations, by the names of their fields."""

    def __init__(self, state: State, reading: Reading, run_bulk: Callable[[str], list[dict[str, Any]]]) -> None:
        self.state, self.reading, self.run_bulk = state, reading, run_bulk

    # --- files -----------------------------------------------------------------------------------------------------

    def stagedUploadsCreate(self, _: Any, input: list[dict[str, Any]]) -> dict[str, Any]:
        targets, errors = [], []
        for place, asked in enumerate(input):
            fault = self._unstageable(asked)
            if fault:
                errors.append(error(["input", str(place), fault[0]], fault[1]))
                targets.append({"url": None, "resourceUrl": None, "parameters": []})
            else:
                targets.append(self._target(asked))
        return {"stagedTargets": targets, "userErrors": errors}

    def _unstageable(self, asked: dict[str, Any]) -> tuple[str, str] | None:
        if asked["resource"] == "VIDEO" and not asked.get("fileSize"):
            return "fileSize", "file size is required for video resources"
        if asked["resource"] == "IMAGE" and asked["mimeType"] not in IMAGES:
            return "mimeType", f"{asked['filename']}: ({asked['mimeType']}) is not a recognized format"
        return None

    def _target(self, asked: dict[str, Any]) -> dict[str, Any]:
        key = f"tmp/{secrets.token_hex(4)}/{asked['filename']}"
        policy = {"key": key, "size": asked.get("fileSize")}
        parameters = {
            "Content-Type": asked["mimeType"], "success_action_status": "201", "acl": "private", "key": key,
            "policy": base64.b64encode(json.dumps(policy).encode()).decode(), "x-goog-signature": "s1gned",
        }  # fmt: skip
        self.state.staged[key] = {"asked": asked, "parameters": parameters, "sha256": None}
        listed = [{"name": name, "value": value} for name, value in parameters.items()]
        return {"url": f"{STAGING}/", "resourceUrl": f"{STAGING}/{key}", "parameters": listed}

    def fileCreate(self, _: Any, files: list[dict[str, Any]]) -> dict[str, Any]:
        errors = [fault for place, asked in enumerate(files) if (fault := self._uncreatable(place, asked))]
        if errors:
            return {"files": [], "userErrors": errors}
        return {"files": [self.reading.file(self._created(asked)) for asked in files], "userErrors": []}

    def _uncreatable(self, place: int, asked: dict[str, Any]) -> dict[str, Any] | None:
        kind, mode = asked.get("contentType"), asked.get("duplicateResolutionMode", "APPEND_UUID")
        name = asked.get("filename") or PurePosixPath(asked["originalSource"]).name
        if PurePosixPath(name).suffix != PurePosixPath(asked["originalSource"]).suffix:
            return error(["files", str(place), "filename"], "Provided filename extension must match original source.",
                         "MISMATCHED_FILENAME_AND_ORIGINAL_SOURCE")  # fmt: skip
        if mode == "RAISE_ERROR" and kind not in ("IMAGE", "FILE"):
            return error(["files", str(place), "duplicateResolutionMode"],
                         f"Duplicate resolution mode 'RAISE_ERROR' is not supported for '{kind}' media type.",
                         "INVALID_DUPLICATE_MODE_FOR_TYPE")  # fmt: skip
        if len(asked.get("alt") or "") > 512:
            return error(["files", str(place), "alt"], "The alt value exceeds the maximum limit of 512 characters.",
                         "ALT_VALUE_LIMIT_EXCEEDED")  # fmt: skip
        if mode == "RAISE_ERROR" and any(file.name == name for file in self.state.files.values()):
            return error(["files", str(place), "filename"], f"A file with the name {name} exists.",
                         "FILENAME_ALREADY_EXISTS")  # fmt: skip
        return None

    def _created(self, asked: dict[str, Any]) -> File:
        name = asked.get("filename") or PurePosixPath(asked["originalSource"]).name
        if any(file.name == name for file in self.state.files.values()):
            path, number = PurePosixPath(name), secrets.token_hex(16)
            uuid = "-".join(number[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
            name = f"{path.stem}_{uuid}{path.suffix}"
        staged = self.state.staged.get(asked["originalSource"].removeprefix(f"{STAGING}/"))
        made = self.state.add_file(KINDS[asked.get("contentType", "IMAGE")], name,
                                   (staged or {}).get("sha256") or "", alt=asked.get("alt") or "")  # fmt: skip
        if staged is None or staged["sha256"] is None:
            made.faults = [("IMAGE_DOWNLOAD_FAILURE", "The image could not be downloaded.")]
        elif staged["broken"]:
            made.faults = [("IMAGE_PROCESSING_FAILURE", "The image could not be processed.")]
        return made

    def fileUpdate(self, _: Any, files: list[dict[str, Any]]) -> dict[str, Any]:
        state = self.state
        missing = [asked["id"] for asked in files if asked["id"] not in state.files]
        if missing:
            words = f"File id {json.dumps(missing)} does not exist."
            return {"files": [], "userErrors": [error(["files"], words, "FILE_DOES_NOT_EXIST")]}
        if any(state.files[asked["id"]].status(state.now()) != "READY" for asked in files):
            words = "Non-ready files cannot be updated."
            return {"files": [], "userErrors": [error(["files"], words, "NON_READY_STATE")]}
        wanted = {one for asked in files for name in ("referencesToAdd", "referencesToRemove")
                  for one in asked.get(name) or ()}  # fmt: skip
        if wanted - state.products.keys():
            words = "The reference target does not exist"
            return {"files": [], "userErrors": [error(["files"], words, "REFERENCE_TARGET_DOES_NOT_EXIST")]}
        for asked in files:
            self._updated(state.files[asked["id"]], asked)
        return {"files": [self.reading.file(state.files[asked["id"]]) for asked in files], "userErrors": []}

    def _updated(self, file: File, asked: dict[str, Any]) -> None:
        if file.foreign:
            self.state.violations.append(f"{file.name} of others was changed: {asked}")
        if asked.get("alt") is not None:
            file.alt = asked["alt"]
        for product in asked.get("referencesToAdd") or ():
            self.state.reference(file.id, product)
        for product in asked.get("referencesToRemove") or ():
            self.state.release(file.id, product)

    def fileDelete(self, _: Any, fileIds: list[str]) -> dict[str, Any]:
        missing = [one for one in fileIds if one not in self.state.files]
        if missing:
            words = f"File id {','.join(missing)} does not exist."
            return {"deletedFileIds": None, "userErrors": [error(["fileIds"], words, "FILE_DOES_NOT_EXIST")]}
        for one in fileIds:
            if self.state.files[one].foreign:
                self.state.violations.append(f"{self.state.files[one].name} of others was deleted")
            self.state.delete(one)
        return {"deletedFileIds": fileIds, "userErrors": []}

    # --- galleries -------------------------------------------------------------------------------------------------

    def productReorderMedia(self, _: Any, id: str, moves: list[dict[str, Any]]) -> dict[str, Any]:
        product = self.state.products.get(id)
        if product is None:
            return {"job": None, "mediaUserErrors": [error(["id"], "Product does not exist", "PRODUCT_DOES_NOT_EXIST")]}
        for place, move in enumerate(moves):
            if move["id"] not in product.media:
                words = "Media does not exist on the given product"
                fault = error(["moves", str(place), "id"], words, "MEDIA_DOES_NOT_EXIST_ON_PRODUCT")
                return {"job": None, "mediaUserErrors": [fault]}
            if self.state.files[move["id"]].foreign:
                self.state.violations.append(f"{self.state.files[move['id']].name} of others was moved")
        identifier = self.state.gid("Job")
        self.state.jobs[identifier] = Job(self.state.now() + self.state.job_time, lambda: self._moved(product, moves))
        return {"job": {"id": identifier, "done": False}, "mediaUserErrors": []}

    def _moved(self, product: Product, moves: list[dict[str, Any]]) -> None:
        for move in moves:
            if move["id"] in product.media:
                product.media.remove(move["id"])
                product.media.insert(int(move["newPosition"]), move["id"])
        self.state.touched(product)

    def productVariantAppendMedia(self, _: Any, productId: str, variantMedia: list[dict[str, Any]]) -> dict[str, Any]:
        product = self.state.products[productId]
        for pair in variantMedia:
            variant, media = self._variant(product, pair["variantId"]), pair["mediaIds"]
            if variant.media:
                words = "Product variant already has attached media"
                return {"userErrors": [error(None, words, "PRODUCT_VARIANT_ALREADY_HAS_MEDIA")]}
            if not set(media) <= set(product.media):
                words = "Media does not exist on the given product"
                return {"userErrors": [error(None, words, "MEDIA_DOES_NOT_EXIST_ON_PRODUCT")]}
            variant.media = list(media)
        return {"userErrors": []}

    def productVariantDetachMedia(self, _: Any, productId: str, variantMedia: list[dict[str, Any]]) -> dict[str, Any]:
        product = self.state.products[productId]
        for pair in variantMedia:
            variant = self._variant(product, pair["variantId"])
            if any(self.state.files[one].foreign for one in pair["mediaIds"]):
                self.state.violations.append("a variant's picture of others was taken away")
            variant.media = [one for one in variant.media if one not in pair["mediaIds"]]
        return {"userErrors": []}

    def _variant(self, product: Product, identifier: str) -> Variant:
        return next(variant for variant in product.variants if variant.id == identifier)

    # --- readings of the whole -------------------------------------------------------------------------------------

    def bulkOperationRunQuery(self, _: Any, query: str, groupObjects: bool) -> dict[str, Any]:
        state = self.state
        running = [bulk for bulk in state.bulks.values() if self.reading.bulk(bulk)["status"] == "RUNNING"]
        if len(running) >= 5:
            words = "The maximum number of bulk operations run at a time."
            return {"bulkOperation": None, "userErrors": [error(None, words, "LIMIT_REACHED")]}
        bulk = Bulk(state.gid("BulkOperation"), query, state.now(), state.now() + state.bulk_time)
        state.bulks[bulk.id] = bulk
        roots = self.run_bulk(query)
        lines = [line for root in roots for line in _lines(root)]
        if not groupObjects:
            lines.sort(key=lambda line: "__parentId" in line)
        bulk.lines, bulk.roots = [json.dumps(line) for line in lines], len(roots)
        return {"bulkOperation": {**self.reading.bulk(bulk), "status": "CREATED"}, "userErrors": []}

    # --- the app ---------------------------------------------------------------------------------------------------

    def webhookSubscriptionCreate(self, _: Any, topic: str, webhookSubscription: dict[str, Any]) -> dict[str, Any]:
        uri = webhookSubscription["uri"]
        if not re.fullmatch(r"https://[^/]+\.[^/]+/.*", uri):
            return {
                "webhookSubscription": None,
                "userErrors": [error(["webhookSubscription", "uri"], "Address is invalid")],
            }
        if any(one.uri == uri and one.topic == topic for one in self.state.subscriptions.values()):
            words = "Address for this topic has already been taken"
            return {"webhookSubscription": None, "userErrors": [error(["webhookSubscription", "uri"], words)]}
        made = Subscription(self.state.gid("WebhookSubscription"), topic, uri,
                            webhookSubscription.get("format", "JSON"),
                            list(webhookSubscription.get("includeFields") or ()))  # fmt: skip
        self.state.subscriptions[made.id] = made
        return {"webhookSubscription": subscription(made), "userErrors": []}

    def webhookSubscriptionUpdate(self, _: Any, id: str, webhookSubscription: dict[str, Any]) -> dict[str, Any]:
        known = self.state.subscriptions[id]
        known.uri = webhookSubscription.get("uri", known.uri)
        known.format = webhookSubscription.get("format", known.format)
        known.fields = list(webhookSubscription.get("includeFields", known.fields))
        return {"webhookSubscription": subscription(known), "userErrors": []}

    def metafieldsSet(self, _: Any, metafields: list[dict[str, Any]]) -> dict[str, Any]:
        asked = metafields[0]
        digest = self.state.mark[1] if self.state.mark else None
        if "compareDigest" in asked and asked["compareDigest"] != digest:
            words = "The resource has been updated since it was loaded."
            return {"metafields": [], "userErrors": [error(["metafields", "0"], words, "STALE_OBJECT")]}
        self.state.mark = (asked["value"], secrets.token_hex(8))
        return {"metafields": [mark(self.state)], "userErrors": []}


def subscription(one: Subscription) -> dict[str, Any]:
    return {"__typename": "WebhookSubscription", "id": one.id, "topic": one.topic, "uri": one.uri,
            "format": one.format, "includeFields": one.fields}  # fmt: skip


def mark(state: State) -> dict[str, Any] | None:
    if state.mark is None:
        return None
    value, digest = state.mark
    return {"id": "gid://shopify/Metafield/1", "namespace": "syncd", "key": "ledger", "value": value,
            "compareDigest": digest}  # fmt: skip


def _lines(node: dict[str, Any]) -> list[dict[str, Any]]:
    """A node as JSON Lines: what its connections hold follows it, each with its parent's id."""
    own = {name: value for name, value in node.items() if not (isinstance(value, dict) and "edges" in value)}
    found = [own]
    for value in node.values():
        if isinstance(value, dict) and "edges" in value:
            found += [{**edge["node"], "__parentId": node["id"]} for edge in value["edges"]]
    return found
