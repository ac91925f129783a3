"""Products and product models (concepts/products.md), and what writing to them does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx

from tests.support.vendors.akeneo import family, lists, values
from tests.support.vendors.akeneo.files import Files
from tests.support.vendors.akeneo.refusal import Refusal
from tests.support.vendors.akeneo.values import Attribute, Values

SIMPLE, RED, BLUE = "GL-0412", "TS-RED-S", "TS-BLUE-S"
ROOT_MODEL, RED_MODEL = "tshirt", "tshirt_red"
COLLECTION, ON_MODEL, ON_ROOT, FILE = "creator_pictures", "model_pictures", "root_pictures", "packshot"
_EDIT = "create or update products"


class _Pim(Protocol):
    zone: ZoneInfo

    def require(self, permission: str) -> None: ...


class Catalogue:
    """`products` by uuid and `models` by code hold their own values; a variant shows its models' as well. `levels` says
    at which level of the variants' family an attribute is. Products in `drafts` the connection may only propose changes
    to, those in `readable` it may not change."""

    def __init__(self, now: Callable[[], datetime], files: Files, assets: family.Family, pim: _Pim) -> None:
        self._now, self._files, self._assets, self._pim = now, files, assets, pim
        picture, linked = "pim_catalog_image", "pim_catalog_asset_collection"
        self.attributes = {
            each.code: each
            for each in (
                Attribute("sku", "pim_catalog_identifier"), Attribute("name", localizable=True, scopable=True),
                Attribute("ean"), Attribute("packaging_version"), Attribute("shopify_id"),
                Attribute("claim", localizable=True), Attribute("weight", "pim_catalog_metric"),
                Attribute("lifecycle", "pim_catalog_simpleselect", options=["new", "active", "phased_out"]),
                Attribute("content", "pim_catalog_simpleselect", options=["live", "none"]),
                Attribute(FILE, picture),
                *(Attribute(code, linked, reference=family.CODE) for code in (COLLECTION, ON_MODEL, ON_ROOT)),
                Attribute("local_pictures", linked, localizable=True, reference=family.CODE),
            )
        }  # fmt: skip
        self.levels = {ON_MODEL: 1, ON_ROOT: 0, "name": 0}
        """0: the root model's, 1: the model's below it; all others are the variant's."""
        self.products: dict[str, dict[str, Any]] = {}
        self.models: dict[str, dict[str, Any]] = {}
        self.drafts: set[str] = set()
        self.readable: set[str] = set()
        self.before_writing: Callable[[str], None] | None = None
        """What somebody else does just before a write, with the entity's key."""
        self.after_writing: Callable[[str], None] | None = None
        self._fill()

    def _fill(self) -> None:
        self.model(ROOT_MODEL, None, values.of("name", "T-shirt", "en_US", "ecommerce"))
        self.model(RED_MODEL, ROOT_MODEL, {})
        self.product(RED, RED_MODEL, values.of("ean", "4006381333931"))
        self.product(BLUE, RED_MODEL, {})
        facts = {
            **values.of("name", "Glow Serum", "en_US", "ecommerce"), **values.of("ean", "0401234567890"),
            **values.of("packaging_version", "v3"), **values.of("lifecycle", "active"),
            **values.of("shopify_id", "8812"),
            **values.of("weight", {"amount": "30.0000", "unit": "GRAM", "symbol": "g"}),
            **values.of("claim", "Glänzt", "de_DE"), **values.of(COLLECTION, [family.FOREIGN]),
        }  # fmt: skip
        self.product(SIMPLE, None, facts)

    # --- what tests do ----------------------------------------------------------------------------------------------

    def product(self, sku: str, parent: str | None, own: Values, *, enabled: bool = True) -> str:
        """Have a product that somebody made; its uuid."""
        uuid = str(UUID(int=len(self.products) + 1))
        stored = {**(values.of("sku", sku) if sku else {}), **own}
        self.products[uuid] = self._new(stored, parent=parent, enabled=enabled)
        return uuid

    def model(self, code: str, parent: str | None, own: Values) -> None:
        """Have a product model that somebody made."""
        self.models[code] = {**self._new(own, parent=parent), "family_variant": "clothing_color_size"}

    def edit(self, key: str, own: Values) -> None:
        """Somebody changes values of a product (by its SKU) or a model."""
        entity = self.models.get(key) or self.products[self.uuid(key)]
        entity["values"] = {**entity["values"], **own}
        entity["updated"] = self._stamp()

    def uuid(self, sku: str) -> str:
        """Of the product with this SKU."""
        return next(uuid for uuid, one in self.products.items() if _data(one["values"], "sku") == sku)

    def data(self, key: str, attribute: str, locale: str | None = None) -> Any:
        """What a product or model truly holds itself."""
        entity = self.models.get(key) or self.products[self.uuid(key)]
        return _data(entity["values"], attribute, locale)

    def skus(self) -> list[str]:
        """Of all products that have one."""
        return [str(_data(one["values"], "sku")) for one in self.products.values() if "sku" in one["values"]]

    def linked(self, sku: str) -> list[str]:
        """The assets that a product shows, its own and its models'."""
        found = self._all(self.products[self.uuid(sku)])
        collections = [code for code in found if self.attributes[code].reference]
        return [asset for code in collections for entry in found[code] for asset in entry["data"]]

    def others(self, prefix: str) -> Any:
        """All there is but links to assets whose codes begin so, and when it was changed."""
        return [
            {code: [{**one, "data": _but(one["data"], prefix)} for one in entries] for code, entries in each.items()}
            for each in [entity["values"] for entity in (*self.products.values(), *self.models.values())]
        ]

    def _new(self, own: Values, **more: Any) -> dict[str, Any]:
        return {"values": own, "created": self._stamp(), "updated": self._stamp(), "workflow": "working_copy", **more}

    # --- reading ----------------------------------------------------------------------------------------------------

    def list_products(self, asked: Any) -> httpx.Response:
        self._pim.require("list products")
        return self._list("/products-uuid", asked.query, self.products, self._product)

    def list_models(self, asked: Any) -> httpx.Response:
        self._pim.require("list product models")
        return self._list("/product-models", asked.query, self.models, self._model)

    def _list(self, resource: str, query: Mapping[str, str], among: Mapping[str, Any], show: Any) -> httpx.Response:
        limit, search = lists.limit_of(query), json.loads(query.get("search", "{}"))
        wanted = query["attributes"].split(",") if "attributes" in query else None
        if unknown := [code for code in wanted or () if code not in self.attributes]:
            raise Refusal(422, f'Attribute "{", ".join(unknown)}" does not exist.')
        found = [key for key in among if self._matches(among[key], search)]
        page = lists.by_cursor if query.get("pagination_type") == "search_after" else lists.by_number
        address = f"https://acme.cloud.akeneo.com/api/rest/v1{resource}"
        return page(address, query, found, lambda key: show(key, wanted), limit)

    def _matches(self, entity: Mapping[str, Any], search: Mapping[str, Any]) -> bool:
        return all(self._meets(entity, field, one) for field, criteria in search.items() for one in criteria)

    def _meets(self, entity: Mapping[str, Any], field: str, criterion: Mapping[str, Any]) -> bool:
        operator, wanted = criterion["operator"], criterion.get("value")
        if field == "updated" and operator == ">":
            since = datetime.strptime(wanted, "%Y-%m-%d %H:%M:%S").replace(tzinfo=self._pim.zone)
            # A variant counts as changed where one of its models was.
            return any(datetime.fromisoformat(one["updated"]) > since for one in (entity, *self._above(entity)))
        if operator == "IN" and field in self.attributes and len(wanted) <= 100:
            data = _data(self._all(entity), field, criterion.get("locale"), criterion.get("scope"))
            return any(one in wanted for one in (data if isinstance(data, list) else [data]))
        raise Refusal(422, f'Filter on property "{field}" is not supported or does not support operator "{operator}"')

    def get_product(self, asked: Any, uuid: str) -> httpx.Response:
        self._pim.require("list products")
        if uuid not in self.products:
            raise Refusal(404, f"Product {uuid} does not exist or you do not have permission to access it.")
        return httpx.Response(200, json=self._product(uuid))

    def get_model(self, asked: Any, code: str) -> httpx.Response:
        if code not in self.models:
            raise Refusal(404, f'Product model "{code}" does not exist or you do not have permission to access it.')
        return httpx.Response(200, json=self._model(code))

    def _product(self, uuid: str, attributes: list[str] | None = None) -> dict[str, Any]:
        entity = self.products[uuid]
        links = {"self": {"href": f"https://acme.cloud.akeneo.com/api/rest/v1/products-uuid/{uuid}"}}
        return {
            "_links": links, "uuid": uuid, "enabled": entity["enabled"], "family": "clothing", "categories": [],
            "groups": [], "parent": entity["parent"], **self._common(entity, attributes), "root_parent": None,
        }  # fmt: skip

    def _model(self, code: str, attributes: list[str] | None = None) -> dict[str, Any]:
        entity = self.models[code]
        links = {"self": {"href": f"https://acme.cloud.akeneo.com/api/rest/v1/product-models/{code}"}}
        named = {"code": code, "family": "clothing", "family_variant": entity["family_variant"]}
        return {
            "_links": links,
            **named,
            "parent": entity["parent"],
            "categories": [],
            **self._common(entity, attributes),
        }

    def _common(self, entity: Mapping[str, Any], attributes: list[str] | None) -> dict[str, Any]:
        told = {
            code: [{**one, "attribute_type": self.attributes[code].type} for one in entries]
            for code, entries in self._all(entity).items()
            if attributes is None or code in attributes
        }
        dates = {"created": entity["created"], "updated": entity["updated"]}
        workflow = {"workflow_status": entity["workflow"]}
        return {"values": told, **dates, "associations": {}, "quantified_associations": {}, "metadata": workflow}

    def _above(self, entity: Mapping[str, Any]) -> list[dict[str, Any]]:
        parent = self.models.get(entity["parent"] or "")
        return [parent, *self._above(parent)] if parent else []

    def _all(self, entity: Mapping[str, Any]) -> Values:
        found: Values = {}
        for one in (*reversed(self._above(entity)), entity):
            found |= one["values"]
        return found

    # --- writing ----------------------------------------------------------------------------------------------------

    def patch_product(self, asked: Any, uuid: str) -> httpx.Response:
        self._pim.require(_EDIT)
        return self._answered("products-uuid", uuid, self._change_product(uuid, asked.body))

    def patch_model(self, asked: Any, code: str) -> httpx.Response:
        self._pim.require("create or update product models")
        return self._answered("product-models", code, self._change_model(code, asked.body))

    def patch_products(self, asked: Any) -> httpx.Response:
        return self._lines(asked.body, "uuid", self._change_product)

    def patch_models(self, asked: Any) -> httpx.Response:
        return self._lines(asked.body, "code", self._change_model)

    def _lines(self, body: list[Any], key: str, change: Callable[[str, Any], bool]) -> httpx.Response:
        if len(body) > 100:
            raise Refusal(413, "Too many resources to process, 100 is the maximum allowed.")
        lines = []
        for number, each in enumerate(body, 1):
            named = {"line": number, key: each[key]}
            try:
                lines.append({**named, "status_code": 201 if change(each[key], each) else 204})
            except Refusal as refusal:
                lines.append(refusal.line(**named))
        return httpx.Response(200, text="\n".join(json.dumps(line) for line in lines))

    def _answered(self, resource: str, key: str, made: bool) -> httpx.Response:
        where = f"https://acme.cloud.akeneo.com/api/rest/v1/{resource}/{key}"
        return httpx.Response(201 if made else 204, headers={"Location": where})

    def _change_product(self, uuid: str, body: Mapping[str, Any]) -> bool:
        if self.before_writing:
            self.before_writing(uuid)
        if uuid in self.readable:
            raise Refusal(403, f"Product {uuid} cannot be updated. You only have a view right on this product.")
        made = uuid not in self.products
        if made:
            self.products[uuid] = self._new({}, parent=None, enabled=True)
        self._change(self.products[uuid], uuid, body, 2 if self.products[uuid]["parent"] else None)
        return made

    def _change_model(self, code: str, body: Mapping[str, Any]) -> bool:
        if self.before_writing:
            self.before_writing(code)
        if body.get("code") != code or not body.get("family_variant"):
            raise Refusal(422, "Validation failed.", [{"property": "family_variant", "message": "must not be empty."}])
        made = code not in self.models
        if made:
            self.model(code, None, {})
        self._change(self.models[code], code, body, 1 if self.models[code]["parent"] else 0)
        return made

    def _change(self, entity: dict[str, Any], key: str, body: Mapping[str, Any], level: int | None) -> None:
        """`level` None: a product without variants has all attributes itself. What a model above has is passed over."""
        own = {
            code: entries
            for code, entries in body["values"].items()
            if level is None or self.levels.get(code, 2) >= level
        }
        after = values.merged(entity["values"], own, "scope", self._accept)
        if key in self.drafts:
            entity["workflow"] = "draft_in_progress"
        elif after != entity["values"]:
            entity["values"], entity["updated"] = after, self._stamp()
        if self.after_writing:
            self.after_writing(key)

    def _accept(self, code: str, entry: Mapping[str, Any]) -> None:
        if code not in self.attributes:
            what = f"The {code} attribute does not exist in your PIM."
            raise Refusal(422, f"{what} Check the expected format on the API documentation.")
        attribute, data = self.attributes[code], entry.get("data")
        values.require_place(attribute, entry, "scope")
        said = ""
        if data and attribute.options and data not in attribute.options:
            said = f"The {data} value is not in the {code} attribute option list."
        if attribute.reference and (missing := [one for one in data or () if one not in self._assets.assets]):
            said = f"Please make sure {', '.join(missing)} exist in the {attribute.reference} asset family."
        if said:
            raise Refusal(422, "Validation failed.", [values.fault(code, entry, "scope", said)])

    # --- files and attributes ---------------------------------------------------------------------------------------

    def post_media_file(self, asked: Any) -> httpx.Response:
        self._pim.require(_EDIT)
        if ("product" in asked.body) == ("product_model" in asked.body):
            raise Refusal(422, 'You should give either a "product" or a "product_model" key.')
        code = self._files.keep(asked.body)
        target = json.loads(asked.body.get("product") or asked.body["product_model"])
        own = {"values": values.of(target["attribute"], code, target["locale"], target["scope"])}
        if "product" in asked.body:
            self._change_product(self.uuid(target["identifier"]), own)
        else:
            variant = self.models[target["code"]]["family_variant"]
            self._change_model(target["code"], {**own, "code": target["code"], "family_variant": variant})
        return httpx.Response(
            201, headers={"Location": f"https://acme.cloud.akeneo.com/api/rest/v1/media-files/{code}"}
        )

    def get_attribute(self, asked: Any, code: str) -> httpx.Response:
        self._pim.require("list attributes")
        if code not in self.attributes:
            raise Refusal(404, f'Attribute "{code}" does not exist.')
        one = self.attributes[code]
        told = {"code": code, "type": one.type, "localizable": one.localizable, "scopable": one.scopable}
        return httpx.Response(200, json={**told, "reference_data_name": one.reference})

    def list_options(self, asked: Any, code: str) -> httpx.Response:
        options = self.attributes[code].options
        address = f"https://acme.cloud.akeneo.com/api/rest/v1/attributes/{code}/options"
        return lists.by_number(address, asked.query, options, lambda one: {"code": one}, lists.limit_of(asked.query))

    def _stamp(self) -> str:
        return self._now().astimezone(self._pim.zone).isoformat(timespec="seconds")


def _data(own: Mapping[str, Any], attribute: str, locale: str | None = None, scope: str | None = None) -> Any:
    entries = own.get(attribute, [])
    return next((one["data"] for one in entries if (one["locale"], one["scope"]) == (locale, scope)), None)


def _but(data: Any, prefix: str) -> Any:
    return [one for one in data if not str(one).startswith(prefix)] if isinstance(data, list) else data
