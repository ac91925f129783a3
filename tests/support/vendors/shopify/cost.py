"""What an operation costs and what is left of the bucket, by the rules Shopify publishes: an object is a point, a
connection two and its nodes, a mutation ten, a value nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import graphql as gql


class Bucket:
    """Points that come back with time."""

    def __init__(self, seconds: Callable[[], float], most: float, restore: float) -> None:
        self._seconds = seconds
        self.most, self.restore = most, restore
        self._level, self._at = most, seconds()

    @property
    def available(self) -> float:
        now = self._seconds()
        self._level, self._at = min(self.most, self._level + (now - self._at) * self.restore), now
        return self._level

    @available.setter
    def available(self, level: float) -> None:
        self._level, self._at = level, self._seconds()

    def status(self) -> dict[str, float]:
        return {"maximumAvailable": self.most, "currentlyAvailable": int(self.available), "restoreRate": self.restore}


def cost_of(schema: gql.GraphQLSchema, document: gql.DocumentNode, variables: Mapping[str, Any]) -> int:
    """What the one operation of a document is priced before it is carried out."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, gql.FragmentDefinitionNode)}
    operation = next(node for node in document.definitions if isinstance(node, gql.OperationDefinitionNode))
    mutates = operation.operation is gql.OperationType.MUTATION
    root = schema.mutation_type if mutates else schema.query_type
    price = _Pricing(schema, fragments, variables)
    inner = price.selections(operation.selection_set, root)
    return 10 * len(operation.selection_set.selections) if mutates else inner


class _Pricing:
    def __init__(self, schema: gql.GraphQLSchema, fragments: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
        self._schema, self._fragments, self._variables = schema, fragments, variables

    def selections(self, found: Any, parent: Any) -> int:
        if found is None:
            return 0
        total, inline = 0, 0
        for node in found.selections:
            if isinstance(node, gql.FieldNode):
                total += self._field(node, parent)
            elif isinstance(node, gql.InlineFragmentNode):
                inline = max(inline, self.selections(node.selection_set, self._type(node.type_condition, parent)))
            else:
                fragment = self._fragments[node.name.value]
                total += self.selections(fragment.selection_set, self._type(fragment.type_condition, parent))
        return total + inline  # an object is of one of the kinds

    def _type(self, condition: Any, parent: Any) -> Any:
        return self._schema.type_map[condition.name.value] if condition else parent

    def _field(self, node: gql.FieldNode, parent: Any) -> int:
        if node.name.value == "__typename":
            return 0
        definition = parent.fields[node.name.value]
        kind = gql.get_named_type(definition.type)
        if gql.is_leaf_type(kind):
            return 0
        arguments = {
            one.name.value: gql.value_from_ast_untyped(one.value, self._variables) for one in node.arguments or ()
        }
        if kind.name.endswith("Connection"):
            nodes = next((one for one in node.selection_set.selections if getattr(one, "name", None)
                          and one.name.value == "nodes"), None)  # fmt: skip
            inner = self.selections(nodes.selection_set, gql.get_named_type(kind.fields["nodes"].type)) if nodes else 0
            return 2 + int(arguments.get("first") or 1) * (1 + inner)
        times = len(arguments["ids"]) if "ids" in arguments else 1
        if kind.name == "PageInfo":
            return 0
        return times * (1 + self.selections(node.selection_set, kind))
