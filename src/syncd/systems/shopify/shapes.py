"""The parts of Shopify's answers that are read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field, model_validator

from syncd.sdk.understood import Shape

# What each kind of media must tell: these may be null, but a kind that lacks one is answered by another version.
_TOLD: Mapping[str, tuple[str, ...]] = {
    "MediaImage": ("image",),
    "Video": ("filename",),
    "Model3d": ("filename",),
    "ExternalVideo": (),
    "GenericFile": (),
}


class Fault(Shape):
    """Why Shopify could not process a file."""

    code: str
    message: str
    details: str | None = None

    @property
    def words(self) -> str:
        return f"{self.message} {self.details}".strip() if self.details else self.message


class UserError(Shape):
    """Why a mutation was refused, and for which part of its input."""

    message: str
    field: tuple[str, ...] | None = None
    code: str | None = None

    @property
    def index(self) -> int | None:
        """The place of the input it is about, in the list that was sent."""
        return next((int(part) for part in self.field or () if part.isdecimal()), None)


class Address(Shape):
    """Something that has a URL."""

    url: str


class _Named(Shape):
    typename: str = Field(alias="__typename")
    id: str
    alt: str | None
    image: Address | None = None
    filename: str = ""

    @model_validator(mode="before")
    @classmethod
    def _tells_what_its_kind_tells(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            missing = [name for name in _TOLD.get(str(value.get("__typename")), ()) if name not in value]
            if missing:
                raise ValueError(f"{value['__typename']} lacks {', '.join(missing)}")
        return value


class Piece(_Named):
    """One media item of a product."""

    status: str
    faults: tuple[Fault, ...] = Field(alias="mediaErrors")
    sources: tuple[Address, ...] = ()
    origin: str = Field("", alias="originUrl")

    @property
    def address(self) -> str:
        """Where it can be fetched; "" while it is processed."""
        if self.image is not None:
            return self.image.url
        return self.sources[0].url if self.sources else self.origin


class Kept(_Named):
    """A file of the shop, in use or not."""

    status: str = Field(alias="fileStatus")
    faults: tuple[Fault, ...] = Field(alias="fileErrors")
    created_at: datetime = Field(alias="createdAt")
    url: str | None = None


class PageInfo(Shape):
    """Whether there is more, and after what."""

    more: bool = Field(alias="hasNextPage")
    end: str | None = Field(alias="endCursor")


class Variant(Shape):
    """A variant and its names."""

    id: str
    sku: str | None
    barcode: str | None


class Pieces(Shape):
    """A page of media."""

    nodes: tuple[Piece, ...]
    page: PageInfo = Field(alias="pageInfo")


class Variants(Shape):
    """A page of variants."""

    nodes: tuple[Variant, ...]
    page: PageInfo = Field(alias="pageInfo")


class ListingHead(Shape):
    """A product as a listing, without what belongs to it."""

    id: str
    handle: str
    status: str
    store_url: str | None = Field(alias="onlineStoreUrl")


class Listed(ListingHead):
    """A product as a listing, with the first page of all it has."""

    media: Pieces
    variants: Variants


class Choice(Shape):
    """What tells a variant from its siblings."""

    name: str
    value: str


class SoldVariant(Variant):
    """A variant as the catalogue tells it."""

    title: str
    choices: tuple[Choice, ...] = Field(alias="selectedOptions")


class SoldVariants(Shape):
    """A page of those."""

    nodes: tuple[SoldVariant, ...]
    page: PageInfo = Field(alias="pageInfo")


class SoldHead(Shape):
    """A product as the catalogue tells it, without its variants."""

    id: str
    handle: str
    title: str
    status: str
    kind: str = Field(alias="productType")
    vendor: str
    tags: tuple[str, ...]
    updated_at: datetime = Field(alias="updatedAt")


class Sold(SoldHead):
    """A product as the catalogue tells it, with the first page of its variants."""

    variants: SoldVariants


class Bulk(Shape):
    """A reading of the whole shop."""

    id: str
    status: str
    error: str | None = Field(alias="errorCode")
    url: str | None
    objects: int = Field(alias="objectCount")
    roots: int = Field(alias="rootObjectCount")
    created_at: datetime = Field(alias="createdAt")
    query: str
