"""Everything of a GraphQL schema that a document and its variables use, by its coordinate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from syncd.testing.contracts.needed import needed

with needed("graphql-core"):
    import graphql as gql


@dataclass(frozen=True)
class Use:
    """One use of a part of the schema.

    `coordinate` names the part: `Product.images`, `Mutation.productUpdate(input:)`, `MediaType.OLD`, `MoveInput.id`.
    `node` is where an argument stands in the document, with the type of its value; None for anything else.
    """

    coordinate: str
    deprecated: str | None
    node: gql.ArgumentNode | None = None
    type: gql.GraphQLInputType | None = None


class _Collector(gql.Visitor):
    """Notes uses while `types` follows the document."""

    def __init__(self, types: gql.TypeInfo) -> None:
        super().__init__()
        self._types = types
        self._fields: list[str] = []
        self.found: list[Use] = []

    def enter_field(self, node: gql.FieldNode, *_: Any) -> None:
        coordinate = f"{self._types.get_parent_type()}.{node.name.value}"
        self._fields.append(coordinate)
        self._note(coordinate, self._types.get_field_def())

    def leave_field(self, *_: Any) -> None:
        self._fields.pop()

    def enter_argument(self, node: gql.ArgumentNode, *_: Any) -> None:
        directive = self._types.get_directive()
        owner = f"@{directive.name}" if directive else self._fields[-1]
        definition = self._types.get_argument()
        if definition is not None:
            coordinate = f"{owner}({node.name.value}:)"
            self.found.append(Use(coordinate, definition.deprecation_reason, node, definition.type))

    def enter_object_field(self, node: gql.ObjectFieldNode, *_: Any) -> None:
        parent = gql.get_named_type(self._types.get_parent_input_type())
        if isinstance(parent, gql.GraphQLInputObjectType):
            self._note(f"{parent.name}.{node.name.value}", parent.fields.get(node.name.value))

    def enter_enum_value(self, node: gql.EnumValueNode, *_: Any) -> None:
        self._note(f"{gql.get_named_type(self._types.get_input_type())}.{node.value}", self._types.get_enum_value())

    def _note(self, coordinate: str, definition: Any) -> None:
        if definition is not None:
            self.found.append(Use(coordinate, definition.deprecation_reason))


def of_document(schema: gql.GraphQLSchema, document: gql.DocumentNode) -> list[Use]:
    """What a valid document uses, in its order."""
    types = gql.TypeInfo(schema)
    collector = _Collector(types)
    gql.visit(document, gql.TypeInfoVisitor(types, collector))
    return collector.found


def of_value(kind: gql.GraphQLInputType, value: Any) -> Iterator[Use]:
    """What a variable's valid value uses."""
    if isinstance(kind, gql.GraphQLNonNull):
        yield from of_value(kind.of_type, value)
    elif isinstance(kind, gql.GraphQLList):
        for item in value if isinstance(value, list) else [value]:
            yield from of_value(kind.of_type, item)
    elif isinstance(kind, gql.GraphQLEnumType) and value in kind.values:
        yield Use(f"{kind.name}.{value}", kind.values[value].deprecation_reason)
    elif isinstance(kind, gql.GraphQLInputObjectType) and isinstance(value, Mapping):
        for name, inner in value.items():
            yield Use(f"{kind.name}.{name}", kind.fields[name].deprecation_reason)
            yield from of_value(kind.fields[name].type, inner)
