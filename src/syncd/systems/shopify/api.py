"""The Admin API of one shop: what it charges is learned, what it refuses becomes an error."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar

from syncd.errors import AuthError, Bug, ConfigError, RejectedError, TransientError
from syncd.sdk.context import Context
from syncd.sdk.graphql import Document, GraphqlClient
from syncd.sdk.understood import Shape, understood
from syncd.systems.shopify.figures import MUTATION
from syncd.systems.shopify.login import TOKEN_HEADER
from syncd.systems.shopify.options import ShopifyOptions
from syncd.systems.shopify.shapes import PageInfo, UserError

POINTS = "points"
M = TypeVar("M", bound=Shape)


class ShopClosed(ConfigError):
    """Open the shop again in Shopify (it is frozen, locked or unpaid), then replay."""

    code = "shopify.closed"


class ScopeMissing(AuthError):
    """Grant the app the scopes that docs/systems.md lists, install it anew, then run `syncd check --online`."""

    code = "shopify.scope-missing"


class TooDear(Bug):
    """This query costs more than the shop's plan allows at once: report it with the exception's payload."""

    code = "shopify.too-dear"


_CODES = {
    "ACCESS_DENIED": ScopeMissing,
    "SHOP_INACTIVE": ShopClosed,
    "MAX_COST_EXCEEDED": TooDear,
}
FAULTS = {402: ShopClosed, 423: ShopClosed}


class Api:
    """Calls to the shop."""

    def __init__(self, context: Context, options: ShopifyOptions) -> None:
        self.context = context
        token = options.access_token
        self._graphql = GraphqlClient(
            context.http,
            f"https://{options.shop}/admin/api/{options.version}/graphql.json",
            headers={TOKEN_HEADER: token.get_secret_value()} if token else None,
            codes=_CODES,
            heed=self._heed,
        )
        self._cost: Mapping[str, Any] = {}
        self._dearness: dict[str, float] = {}

    async def run(
        self, document: Document, variables: Mapping[str, Any] | None = None, *, points: float = MUTATION
    ) -> dict[str, Any]:
        """Carry an operation out; its data.

        Args:
            points: what it is expected to cost at most; what Shopify said of the same operation before corrects it.
        """
        expected = points * self._dearness.get(document.name, 1.0)
        try:
            return await self._graphql.run(document, variables, spend={POINTS: expected})
        finally:
            requested = self._cost.get("requestedQueryCost")
            if isinstance(requested, int | float) and requested > 0:
                self._dearness[document.name] = requested / points
            self._cost = {}

    async def mutate(self, document: Document, field: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Carry a mutation out; the payload of its one field, of which user errors are the caller's to judge."""
        return self.payload(await self.run(document, variables), field, document)

    def payload(self, data: Mapping[str, Any], field: str, document: Document) -> dict[str, Any]:
        """A field of the data that must be an object."""
        found = data.get(field)
        if not isinstance(found, dict):
            raise RejectedError(f"{self.name(document)} was answered without {field}.")
        return found

    def nodes(self, connection: Mapping[str, Any], document: Document) -> list[Any]:
        """The nodes of a connection; one without them is not understood, and never an empty one."""
        found = connection.get("nodes")
        if not isinstance(found, list):
            raise RejectedError(f"{self.name(document)} was answered without nodes.")
        return found

    def read(self, model: type[M], value: Any, document: Document) -> M:
        """A part of an answer as its model. Raises RejectedError naming what is missing."""
        return understood(model, value, self.name(document), self.context.http.redactor)

    def errors(self, payload: Mapping[str, Any], document: Document, field: str = "userErrors") -> list[UserError]:
        """The user errors of a mutation's payload; a payload without the list is not understood."""
        found = payload.get(field)
        if not isinstance(found, list):
            raise RejectedError(f"{self.name(document)} was answered without {field}.")
        return [self.read(UserError, one, document) for one in found]

    def name(self, document: Document) -> str:
        """The call as errors name it."""
        return f"{self.context.connection}: {document.name}"

    async def pages(
        self, document: Document, variables: Mapping[str, Any], path: tuple[str, ...], *, points: float
    ) -> AsyncIterator[dict[str, Any]]:
        """The pages of a connection, each as it came.

        Args:
            path: where the connection stands in the data.
        """
        after: str | None = variables.get("after")
        while True:
            data: Any = await self.run(document, {**variables, "after": after}, points=points)
            for name in path:
                data = data.get(name) if isinstance(data, dict) else None
            if not isinstance(data, dict):
                raise RejectedError(f"{self.name(document)} was answered without {'.'.join(path)}.")
            page = self.read(PageInfo, data.get("pageInfo"), document)
            self.nodes(data, document)
            yield data
            if not page.more:
                return
            if not page.end or page.end == after:
                raise TransientError(f"{self.name(document)}: there is more, but no cursor to go on from.")
            after = page.end

    def _heed(self, extensions: Mapping[str, Any]) -> float | None:
        """Learn what is left of the bucket; how long a call as dear as this one must wait."""
        cost = extensions.get("cost")
        if not isinstance(cost, Mapping):
            return None
        self._cost = cost
        status = cost.get("throttleStatus")
        if not isinstance(status, Mapping):
            return None
        available, most, restore = (
            _number(status.get(name)) for name in ("currentlyAvailable", "maximumAvailable", "restoreRate")
        )
        if available is None:
            return None
        self.context.limits.learn(POINTS, available=available, most=most, restore=restore)
        requested = _number(cost.get("requestedQueryCost"))
        if requested is None or not restore:
            return None
        return max(0.0, (requested - available) / restore)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
