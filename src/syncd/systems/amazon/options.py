"""What a connection to Amazon is told."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from syncd.sdk.system import Options
from syncd.systems.amazon import marketplaces

_ARN = re.compile(r"arn:aws[a-z-]*:sqs:([a-z0-9-]+):(\d{12}):([\w.-]+)")

Event = Literal["LISTINGS_ITEM_STATUS_CHANGE", "LISTINGS_ITEM_ISSUES_CHANGE", "BRANDED_ITEM_CONTENT_CHANGE"]


class QueueOptions(Options):
    """A queue of Amazon SQS that Amazon sends this seller's notifications to. It is for this connection alone."""

    arn: str = Field(description="The queue's name at AWS, such as `arn:aws:sqs:us-east-1:111122223333:syncd`.")
    url: str = Field("", description="Its URL, where that does not follow from the name.")
    access_key: str = Field(description="AWS access key id of a user who may receive and delete its messages.")
    secret_key: SecretStr = Field(description="The user's secret access key.")
    events: tuple[Event, ...] = Field(
        ("LISTINGS_ITEM_STATUS_CHANGE", "LISTINGS_ITEM_ISSUES_CHANGE"),
        description="What to be told of. `BRANDED_ITEM_CONTENT_CHANGE` is sent to brand owners only.",
    )

    @field_validator("arn")
    @classmethod
    def _is_a_queue(cls, arn: str) -> str:
        if not _ARN.fullmatch(arn):
            raise ValueError("is no queue: arn:aws:sqs:REGION:ACCOUNT:NAME")
        return arn

    @property
    def region(self) -> str:
        """The AWS region it is in."""
        return self._parts()[0]

    @property
    def address(self) -> str:
        """The URL that names it."""
        region, account, name = self._parts()
        return self.url or f"https://sqs.{region}.amazonaws.com/{account}/{name}"

    def _parts(self) -> tuple[str, str, str]:
        found = _ARN.fullmatch(self.arn)
        assert found is not None
        return found[1], found[2], found[3]


class AmazonOptions(Options):
    """One seller's account in one selling region."""

    seller: str = Field(min_length=1, description="The seller's id (merchant token).")
    marketplaces: dict[str, str] = Field(
        min_length=1,
        description="Ids of marketplaces, each with the market of the brand it serves: `{ATVPDKIKX0DER: US}`. All are "
        f"in one selling region. {marketplaces.SOURCE}, {marketplaces.DATED}.",
    )
    client_id: str = Field(min_length=1, description="The application's client id at Login with Amazon.")
    client_secret: SecretStr = Field(description="Its client secret.")
    refresh_token: SecretStr = Field(description="What the seller's authorization of the application gave.")
    feed_from: int = Field(
        300, ge=1, description="From so many listings that only gain images on, a batch is one feed instead of calls."
    )
    shoppers: bool = Field(
        True, description="Ask the catalogue which images shoppers see; a call per 20 listings, two a second."
    )
    locale: str = Field("", description="The language of Amazon's reasons, such as `en_US`; else the marketplace's.")
    allow_hosts: tuple[str, ...] = Field(
        (), description="Hosts media are served from whose address is private here, and public to Amazon."
    )
    endpoint: str = Field("", description="Another endpoint than the region's, such as that of the sandbox.")
    queue: QueueOptions | None = Field(None, description="Where Amazon sends notifications; without it none are read.")

    @model_validator(mode="after")
    def _in_one_region(self) -> AmazonOptions:
        if not self.endpoint and marketplaces.region_of(tuple(self.marketplaces)) is None:
            raise ValueError("marketplaces are ids that are known, of one selling region; else name the endpoint")
        return self

    @property
    def api(self) -> str:
        """The endpoint that serves the marketplaces."""
        region = marketplaces.region_of(tuple(self.marketplaces))
        return self.endpoint.rstrip("/") or (region.endpoint if region else "")
