"""What a connection to a Shopify shop is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from syncd.sdk.system import Options
from syncd.sdk.values import Duration


def _one_or_many(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


class ShopifyOptions(Options):
    """A shop, and one of three ways to log in: an admin token, client credentials, or a person's consent."""

    shop: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]*\.myshopify\.com$",
        description="The shop's own domain, `NAME.myshopify.com`, whatever domain shoppers see.",
    )
    access_token: SecretStr | None = Field(
        None, description="The Admin API token of a custom app made in the shop's admin; it does not end."
    )
    client_id: str = Field("", description="The app's client id, to log in without `access_token`.")
    client_secret: Annotated[tuple[SecretStr, ...], BeforeValidator(_one_or_many)] = Field(
        (),
        description="The app's client secret, which also signs its webhooks; both while one replaces the other. "
        "Without any, every webhook is refused.",
    )
    login: Literal["client-credentials", "authorization-code"] = Field(
        "client-credentials",
        description="With `client_id`: client-credentials for an app of the shop's own organisation (tokens of 24 h); "
        "authorization-code for any other, which a person connects with `syncd connect` (tokens of 1 h, renewed).",
    )
    redirect_uri: str = Field(
        "", description="For authorization-code: an address the app allows; by default a free port of the loopback."
    )
    version: str = Field(
        "2026-10", pattern=r"^\d{4}-(01|04|07|10)$", description="The version of the Admin API that is called."
    )
    variant_media: bool = Field(
        True,
        description="Whether the first picture of ours becomes the variant's picture where a listing has several "
        "variants and the content shows one of them. A picture that others chose stays.",
    )
    whole: Duration = Field(
        timedelta(hours=24), description="Catalog: how often all products are read, which alone tells what is gone."
    )
    bulk_patience: Duration = Field(
        timedelta(hours=1), description="How long Shopify may work on a reading of the whole shop."
    )

    @model_validator(mode="after")
    def _one_login(self) -> ShopifyOptions:
        if (self.access_token is None) == (not self.client_id):
            raise ValueError("name either access_token, or client_id with client_secret")
        if self.client_id and not self.client_secret:
            raise ValueError("client_id needs client_secret")
        return self


EXAMPLE = """\
# A Shopify shop as a sales channel (Admin GraphQL API): a listing is a product, its gallery the product's media.
# The app needs the scopes read_products, write_products, read_files and write_files.
connector: shopify
brand: acme
roles: [channel]                       # or [catalog]: the shop tells which products there are
markets: [US]
owner: dana@acme.example
writes: ask                            # nothing is written until a person applied the first plan
products: {by: [sku, gtin]}            # or handle, of the field `handle` the catalogue tells
media: {medium: web, slots: 3..8, at_least: 1}
poll: 15m
options:
  shop: acme-us.myshopify.com
  client_id: ${SHOPIFY_US_CLIENT_ID}
  client_secret: ${SHOPIFY_US_CLIENT_SECRET}
  # login: authorization-code          # an app of another organisation: then `syncd connect NAME`
  # access_token: ${SHOPIFY_US_TOKEN}  # instead of the three: an app made in the shop's admin
"""
