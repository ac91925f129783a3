"""The Asset Manager (concepts/asset-manager.md): one family, its attributes, its assets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import httpx

from tests.support.vendors.akeneo import lists, values
from tests.support.vendors.akeneo.files import Files
from tests.support.vendors.akeneo.refusal import Refusal
from tests.support.vendors.akeneo.values import Attribute, Values

CODE = "creator_content"
FOREIGN = "studio_front"
"""An asset of others."""
_RULES = "The asset has data that does not comply with the business rules."


class Family:
    """`assets` hold what is stored of each, by code. `permits` is asked before anything is written."""

    def __init__(self, now: Callable[[], datetime], files: Files) -> None:
        self._now, self._files = now, files
        self.attributes = {
            each.code: each
            for each in (
                Attribute("media", "media_file"), Attribute("syncd_version", "text"), Attribute("rights_until", "date"),
                Attribute("label", "text", localizable=True), Attribute("alt", "text", localizable=True),
                Attribute("status", "single_option", options=["active", "inactive", "archived"]),
                Attribute("photographer", "text"),
            )
        }  # fmt: skip
        self.assets: dict[str, dict[str, Any]] = {}
        self.shares_links = True
        self.frozen = False
        """Takes changes and does not make them."""
        self.put(FOREIGN, {**values.of("media", files.add("front.jpg", b"studio"), key="channel")})

    def put(self, code: str, own: Values) -> None:
        """Have an asset that somebody else made or changed."""
        present = self.assets.get(code, {"values": {}, "created": self._stamp()})
        self.assets[code] = {**present, "values": {**present["values"], **own}, "updated": self._stamp()}

    def hold(self, code: str, content: bytes) -> None:
        """Have an asset that the connector made."""
        file, digest = self._files.add(f"{code}.jpg", content), hashlib.sha256(content).hexdigest()
        note, held = f"current v1 {digest} {file}", {"media": file, "status": "active"}
        for name, data in {**held, "syncd_version": note}.items():
            self.put(code, values.of(name, data, key="channel"))

    def data(self, code: str, attribute: str, locale: str | None = None) -> Any:
        """What an asset truly holds."""
        entries = self.assets[code]["values"].get(attribute, [])
        return next((one["data"] for one in entries if one["locale"] == locale), None)

    def bytes_of(self, code: str) -> bytes:
        """The bytes of an asset's file."""
        return self._files.kept[self.data(code, "media")][1]

    # --- reading ----------------------------------------------------------------------------------------------------

    def list_attributes(self, asked: Any, family: str) -> httpx.Response:
        self._require(family)
        told = [
            {"code": one.code, "labels": {}, "type": one.type, "value_per_locale": one.localizable,
             "value_per_channel": one.scopable, "is_required_for_completeness": False, "is_read_only": False}
            for one in self.attributes.values()
        ]  # fmt: skip
        return httpx.Response(200, json=told)

    def list_options(self, asked: Any, family: str, attribute: str) -> httpx.Response:
        self._require(family)
        if attribute not in self.attributes or not self.attributes[attribute].options:
            raise Refusal(404, f'Attribute "{attribute}" does not support options.')
        return httpx.Response(200, json=[{"code": one, "labels": {}} for one in self.attributes[attribute].options])

    def list_assets(self, asked: Any, family: str) -> httpx.Response:
        self._require(family)
        search = json.loads(asked.query["search"]) if "search" in asked.query else {}
        found = [code for code, asset in self.assets.items() if self._matches(code, asset, search)]
        resource = f"https://acme.cloud.akeneo.com/api/rest/v1/asset-families/{family}/assets"
        return lists.by_cursor(resource, asked.query, found, self._shown, 100)

    def _matches(self, code: str, asset: Mapping[str, Any], search: Mapping[str, Any]) -> bool:
        for field, criteria in search.items():
            for one in criteria:
                if field == "code" and one["operator"] == "IN":
                    if code not in one["value"]:
                        return False
                elif field == "updated" and one["operator"] == ">":
                    if not one["value"].endswith(("Z", "+00:00")):
                        raise Refusal(422, "Filter on property updated expects a date in ISO 8601.")
                    if datetime.fromisoformat(asset["updated"]) <= datetime.fromisoformat(one["value"]):
                        return False
                else:
                    raise Refusal(422, f'Filter on property "{field}" is not supported.')
        return True

    def get_asset(self, asked: Any, family: str, code: str) -> httpx.Response:
        self._require(family)
        if code not in self.assets:
            raise Refusal(404, f'Asset "{code}" does not exist for the asset family "{family}".')
        return httpx.Response(200, json=self._shown(code))

    def _shown(self, code: str) -> dict[str, Any]:
        asset = self.assets[code]
        told = {name: [self._entry(name, one) for one in entries] for name, entries in asset["values"].items()}
        where = f"https://acme.cloud.akeneo.com/api/rest/v1/asset-families/{CODE}/assets/{code}"
        dates = {"created": asset["created"], "updated": asset["updated"]}
        return {"_links": {"self": {"href": where}}, "code": code, "asset_family_code": CODE, "values": told, **dates}

    def _entry(self, name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
        kind = self.attributes[name].type
        if kind != "media_file":
            return {**entry, "attribute_type": kind}
        original = self._files.kept[entry["data"]][0]
        links = {"download": {"href": f"https://acme.cloud.akeneo.com/api/rest/v1/asset-media-files/{entry['data']}"}}
        if self.shares_links:
            links["share_link"] = {"href": f"https://acme.asset.akeneo.com/{CODE}/{name}/{original}"}
        return {**entry, "attribute_type": kind, "_links": links, "linked_data": {"original_filename": original}}

    # --- writing ----------------------------------------------------------------------------------------------------

    def patch_asset(self, asked: Any, family: str, code: str) -> httpx.Response:
        self._require(family)
        made = self._change(code, asked.body)
        where = f"https://acme.cloud.akeneo.com/api/rest/v1/asset-families/{family}/assets/{code}"
        return httpx.Response(201 if made else 204, headers={"Location": where})

    def patch_assets(self, asked: Any, family: str) -> httpx.Response:
        self._require(family)
        if len(asked.body) > 100:
            raise Refusal(413, "Too many resources to process, 100 is the maximum allowed.")
        lines = []
        for each in asked.body:
            try:
                lines.append({"code": each["code"], "status_code": 201 if self._change(each["code"], each) else 204})
            except Refusal as refusal:
                lines.append(refusal.line(code=each["code"]))
        return httpx.Response(200, json=lines)

    def _change(self, code: str, body: Mapping[str, Any]) -> bool:
        if body.get("code", code) != code:
            raise Refusal(422, f'The code "{body["code"]}" provided in the body must match "{code}".')
        if not code.replace("_", "").isalnum():
            raise Refusal(
                422, _RULES, [{"property": "code", "message": "This field can only contain letters, numbers"}]
            )
        made = code not in self.assets
        present = {} if made else self.assets[code]["values"]
        after = values.merged(present, body.get("values", {}), "channel", self._accept)
        if self.frozen:
            return False
        created = self._stamp() if made else self.assets[code]["created"]
        changed = made or after != present
        updated = self._stamp() if changed else self.assets[code]["updated"]
        self.assets[code] = {"values": after, "created": created, "updated": updated}
        return made

    def _accept(self, name: str, entry: Mapping[str, Any]) -> None:
        if name not in self.attributes:
            raise Refusal(422, f'Attribute "{name}" does not exist for asset family "{CODE}".')
        attribute, data = self.attributes[name], entry.get("data")
        values.require_place(attribute, entry, "channel")
        said = ""
        if data is not None and attribute.type == "media_file" and data not in self._files.kept:
            said = f'The file "{data}" was not found.'
        if data is not None and attribute.type == "single_option" and data not in attribute.options:
            said = f'The option "{data}" does not exist.'
        if said:
            raise Refusal(422, _RULES, [{"property": f"values.{name}", "message": said}])

    def _require(self, family: str) -> None:
        if family != CODE:
            raise Refusal(404, f'Asset family "{family}" does not exist.')

    def _stamp(self) -> str:
        return self._now().isoformat(timespec="seconds")
