"""What a connection to Akeneo asks: address, login, and which of the PIM's attributes mean what."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, StringConstraints, model_validator

from syncd.sdk.system import Options
from syncd.sdk.values import Duration
from syncd.systems.akeneo.values import SlotName

Code = Annotated[str, StringConstraints(pattern=r"^\w+$")]
Address = Annotated[str, StringConstraints(pattern=r"^https?://[^/?#\s]+(/[^?#\s]*)?$")]
ANY_ROLE = "*"


class LoginOptions(Options):
    """A connection's client and user, or the token of an App."""

    client_id: str = Field("", description="Client id of the connection (Connect, Connection settings).")
    client_secret: SecretStr = Field(SecretStr(""), description="Its secret.")
    username: str = Field("", description="Its user.")
    password: SecretStr = Field(SecretStr(""), description="The user's password.")
    token: SecretStr = Field(SecretStr(""), description="Instead of all these: the token of an App; it does not end.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [self.client_id, self.client_secret.get_secret_value(), self.username, self.password.get_secret_value()]
        if any(given) if self.token.get_secret_value() else not all(given):
            raise ValueError("give client_id, client_secret, username and password, or token alone")
        return self


class ProductOptions(Options):
    """Attributes of products. `name-en_US-ecommerce` is the value of `name` in that locale and channel."""

    sku: SlotName = Field(
        "sku", validate_default=True, description="The SKU: the main identifier. Products without one are left out."
    )
    title: SlotName | None = Field(None, description="The product's name.")
    gtin: SlotName | None = Field(None, description="The GTIN.")
    version: SlotName | None = Field(None, description="The packaging or design now sold.")
    status: SlotName | None = Field(
        None, description="Whether it is sold; a product that is not enabled counts as discontinued in any case."
    )
    active: tuple[str, ...] = Field((), description="Values of `status` that mean sold.")
    discontinued: tuple[str, ...] = Field((), description="Values of `status` that mean no longer sold.")
    names: dict[str, SlotName] = Field({}, description="Connection or system name: where its name of the SKU stands.")
    fields: dict[str, SlotName] = Field({}, description="Further facts, by the name rules know them under.")
    models: bool = Field(False, description="Product models count as products too, their code as the SKU.")
    content_status: SlotName | None = Field(None, description="Where syncd says how a product's content stands.")

    @model_validator(mode="after")
    def _status_has_values(self) -> Self:
        if self.status is not None and not (self.active and self.discontinued):
            raise ValueError("status needs the values that mean sold (active) and no longer sold (discontinued)")
        return self

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that are read of a product, each once."""
        single = (self.sku, self.title, self.gtin, self.version, self.status)
        slots = [each for each in (*single, *self.names.values(), *self.fields.values()) if each]
        return tuple(dict.fromkeys(each.attribute for each in slots))


class LinkOptions(Options):
    """Where media of one role are linked from."""

    attribute: SlotName = Field(description="Attribute of products: an asset collection, or an image or file.")
    holds: Literal["assets", "file"] = Field(
        "assets", description="assets: the attribute is an asset collection; file: it holds one image or file."
    )
    on: Literal["product", "parent", "root"] = Field(
        "product",
        description="At which level of a family variant the attribute is: the variant, its product model, or the "
        "topmost model. A product without models is its own.",
    )


class AssetOptions(Options):
    """The asset family that holds our media, and its attributes."""

    family: Code = Field(description="Code of the asset family; all assets syncd makes are in it.")
    media: SlotName = Field(description="The media file attribute that holds the file.")
    mark: SlotName = Field(
        description="A text attribute, without locale and channel, in which syncd notes which version the file is."
    )
    title: tuple[SlotName, ...] = Field((), description="Text attributes that get the title, one for each locale.")
    alt: tuple[SlotName, ...] = Field((), description="Text attributes that get the alternative text.")
    rights_until: SlotName | None = Field(None, description="A date or text attribute: the end of the right to use it.")
    status: SlotName | None = Field(None, description="A single option or text attribute that gets the status.")
    statuses: dict[str, str] = Field({}, description="Our status: its option; a status not named is written as it is.")
    metadata: dict[str, SlotName] = Field({}, description="Further facts of an asset, by name: where they go.")
    prefix: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]+_$")] = Field(
        "syncd_", description="How the codes of our assets begin; nothing else in the family may begin so."
    )
    archive: bool = Field(True, description="Keep each replaced version as an asset of its own, PREFIX…_vN.")
    clear: bool = Field(
        False, description="Take the file off an asset that is withdrawn, so that its share link ends as well."
    )


class EventOptions(Options):
    """The Event Platform's HTTPS subscription."""

    keys: tuple[SecretStr, ...] = Field(
        (),
        description="Secrets of the subscription and of its notifications; two while one replaces the other. Without "
        "any, every request is refused, and only polling tells of changes.",
    )
    tolerance: Duration = Field(
        timedelta(hours=2),
        description="How old an event may be. Akeneo repeats what was not taken after 5, 15 and 35 minutes, and may "
        "hold events back for an hour.",
    )


class AkeneoOptions(Options):
    """Which PIM, and what in it means what."""

    url: Address = Field(description="The PIM's address, such as https://acme.cloud.akeneo.com.")
    login: LoginOptions = Field(description="How syncd logs in.")
    products: ProductOptions = Field(ProductOptions(), description="Catalogue: which attributes mean what.")
    links: dict[str, LinkOptions] = Field(
        {}, description="Catalogue: the role of media: where they are linked from; `*` for roles not named."
    )
    assets: AssetOptions | None = Field(None, description="Library, and links to assets: where our media are kept.")
    events: EventOptions = Field(EventOptions(), description="Events of the Event Platform; SaaS only.")
    zone: ZoneInfo = Field(
        ZoneInfo("UTC"), description="Time zone of the PIM's server (PHP's date.timezone), by which it reads filters."
    )
    overlap: Duration = Field(
        timedelta(minutes=2), description="How far each reading of changes goes back behind the last: clocks differ."
    )
    whole: Duration = Field(
        timedelta(hours=24), description="How often everything is listed, which alone shows what is gone."
    )
    upload: Duration = Field(timedelta(minutes=5), description="How long an upload may take.")

    @model_validator(mode="after")
    def _assets_for_links(self) -> Self:
        if self.assets is None and any(link.holds == "assets" for link in self.links.values()):
            raise ValueError("links to assets need `assets`: the family that holds them")
        return self

    def link(self, role: str) -> LinkOptions | None:
        """Where media of a role are linked from, None where that is not declared."""
        return self.links.get(role) or self.links.get(ANY_ROLE)
