"""An answer's data held against what a GraphQL document selects.

The document is executed on the data itself: each field's value is what the data has under its name, so that the
library's own rules decide on nullability, lists, enums, fragments and conditions. What execution leaves out was not
selected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from syncd.testing.contracts.needed import needed
from syncd.testing.contracts.violation import Breach, place

with needed("graphql-core"):
    import graphql as gql

Info = gql.GraphQLResolveInfo[Any]


def breaches(
    schema: gql.GraphQLSchema,
    document: gql.DocumentNode,
    variables: dict[str, Any],
    operation: str | None,
    data: Any,
) -> Iterator[Breach]:
    """Yields where the data is not what the document's operation would be answered with.

    Args:
        schema: the vendor's.
        document: valid by the schema.
        variables: valid by the document.
        operation: its name, where the document has several.
        data: JSON.
    """
    result = gql.execute_sync(
        schema,
        document,
        root_value=data,
        variable_values=variables,
        operation_name=operation,
        field_resolver=_given,
        type_resolver=_runtime_type,
    )
    for error in result.errors or ():
        yield Breach(place("answer.data", error.path or ()), error.message)
    yield from _differences(data, result.data, "answer.data")


def _given(source: Any, info: Info, **_: Any) -> Any:
    if not isinstance(source, Mapping):
        raise gql.GraphQLError(f"is no object of the type {info.parent_type}, since its parent is {source!r}")
    if info.path.key not in source:
        raise gql.GraphQLError("is selected and missing")
    return source[str(info.path.key)]


def _differences(given: Any, computed: Any, where: str) -> Iterator[Breach]:
    """What of the given data the document does not select, and what it would be answered with instead."""
    if computed is None:
        return  # null, or execution has told why
    if isinstance(given, Mapping) and isinstance(computed, Mapping):
        for name in given:
            if name not in computed:
                yield Breach(f"{where}.{name}", "is not selected by the document")
        for name, value in computed.items():
            if name in given:
                yield from _differences(given[name], value, f"{where}.{name}")
            elif value is not None:
                yield Breach(f"{where}.{name}", f"is selected and missing; it would be {value!r}")
    elif isinstance(given, list) and isinstance(computed, list):
        for index, (one, other) in enumerate(zip(given, computed, strict=True)):
            yield from _differences(one, other, f"{where}[{index}]")
    elif given != computed or isinstance(given, bool) is not isinstance(computed, bool):
        yield Breach(where, f"is {given!r}; it would be {computed!r}")


def _runtime_type(value: Any, info: Info, abstract: gql.GraphQLAbstractType) -> str:
    """The type of an object: what it says itself, else the one for which most of its names are selected."""
    if not isinstance(value, Mapping):
        raise gql.GraphQLError(f"is no object of the type {abstract}")
    if isinstance(value.get("__typename"), str):
        return str(value["__typename"])
    sets = [node.selection_set for node in info.field_nodes if node.selection_set]

    def unlike(kind: gql.GraphQLObjectType) -> tuple[int, int, str]:
        names = {name for selected in sets for name in _names(selected, kind, info)}
        return len(set(value) - names), len(names - set(value)), kind.name

    return min(info.schema.get_possible_types(abstract), key=unlike).name


def _names(selected: gql.SelectionSetNode, kind: gql.GraphQLObjectType, info: Info) -> Iterator[str]:
    """Names under which a selection answers for an object of this type."""
    for node in selected.selections:
        if isinstance(node, gql.FieldNode):
            yield (node.alias or node.name).value
            continue
        fragment = info.fragments[node.name.value] if isinstance(node, gql.FragmentSpreadNode) else node
        if isinstance(fragment, gql.InlineFragmentNode | gql.FragmentDefinitionNode) and _applies(fragment, kind, info):
            yield from _names(fragment.selection_set, kind, info)


def _applies(
    fragment: gql.InlineFragmentNode | gql.FragmentDefinitionNode,
    kind: gql.GraphQLObjectType,
    info: Info,
) -> bool:
    condition = info.schema.get_type(fragment.type_condition.name.value) if fragment.type_condition else kind
    return condition is kind or (gql.is_abstract_type(condition) and info.schema.is_sub_type(condition, kind))
