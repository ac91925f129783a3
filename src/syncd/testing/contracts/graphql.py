"""A contract in GraphQL: whether a document, its variables and an answer are as the vendor's schema says."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

from syncd.testing.contracts import coordinates, introspection, posted, selections
from syncd.testing.contracts.exchange import Answer, Request
from syncd.testing.contracts.needed import needed
from syncd.testing.contracts.violation import Breach, ContractViolation, refuse_any

with needed("graphql-core"):
    import graphql as gql

ANYWHERE = "*/graphql*"
Variables = Mapping[str, Any]


class GraphqlContract:
    """A GraphQL schema, spoken to by POST with JSON."""

    def __init__(
        self,
        name: str,
        schema: gql.GraphQLSchema,
        *,
        endpoint: str = ANYWHERE,
        deprecated: Collection[str] = (),
        documents: Collection[str] = (),
    ) -> None:
        """
        Args:
            name: of the file.
            schema: the vendor's.
            endpoint: pattern (`*` is any text) of the paths that are its own: `/admin/api/2026-10/graphql.json`.
            deprecated: coordinates (`Product.images`, `Mutation.productUpdate(input:)`) that may be used nevertheless.
            documents: coordinates of arguments whose texts are documents of this schema themselves.
        """
        self.name, self.schema = name, schema
        self._endpoint, self._allowed, self._documents = endpoint, frozenset(deprecated), frozenset(documents)
        self._known: dict[str, tuple[gql.DocumentNode | None, list[gql.GraphQLError]]] = {}

    @classmethod
    @lru_cache(maxsize=16)
    def load(
        cls,
        path: Path,
        *,
        endpoint: str = ANYWHERE,
        deprecated: tuple[str, ...] = (),
        documents: tuple[str, ...] = (),
    ) -> GraphqlContract:
        """The schema in an SDL file or an introspection's JSON, gzipped or not.

        Raises:
            ValueError: it is neither.
        """
        return cls(path.name, _schema(path), endpoint=endpoint, deprecated=deprecated, documents=documents)

    def check(self, document: str, variables: Variables | None = None, operation: str | None = None) -> str:
        """The fields at the operation's root, if the schema allows document and variables.

        Args:
            document: its text.
            variables: JSON values by name.
            operation: the name of the one that is meant, where the document has several.

        Raises:
            ContractViolation: with everything that is wrong.
        """
        given = variables or {}
        parsed = self._valid(document)
        meant = _meant(parsed, operation)
        name = _described(meant)
        values = self._coerced(name, meant, given)
        uses = [*coordinates.of_document(self.schema, parsed), *self._uses_of_variables(meant, given)]
        refuse_any(name, [*self._deprecated(uses), *self._broken_documents(uses, values)])
        return name

    def answer(self, document: str, variables: Variables | None, data: Any, operation: str | None = None) -> None:
        """Hold `data` against what the document selects: names, nullability, lists, leaves, and nothing more.

        Args:
            document: its text.
            variables: JSON values by name.
            data: what a fake answers, or what was recorded.
            operation: the name of the one that was meant, where the document has several.

        Raises:
            ContractViolation: with what is wrong; a null where none may be hides what stands beside it.
        """
        parsed = self._valid(document)
        found = selections.breaches(self.schema, parsed, dict(variables or {}), operation, data)
        refuse_any(_described(_meant(parsed, operation)), found)

    def covers(self, request: Request) -> bool:
        """Whether the request goes to the schema's endpoint."""
        return fnmatchcase(request.path, self._endpoint)

    def check_request(self, request: Request) -> str:
        """The fields at the operation's root, if the schema allows the request. Raises ContractViolation."""
        sent = posted.sent(request)
        return self.check(sent.document, sent.variables, sent.operation)

    def states(self, request: Request, status: int) -> bool:
        """A schema speaks only of what is answered with 200."""
        return self.covers(request) and status == posted.OK

    def check_response(self, request: Request, answer: Answer) -> None:
        """Hold an answer against what its request selects. Raises ContractViolation."""
        sent = posted.sent(request)
        data = posted.received(_described(_meant(self._valid(sent.document), sent.operation)), answer)
        if data is not None:
            self.answer(sent.document, sent.variables, data, sent.operation)

    def _valid(self, document: str) -> gql.DocumentNode:
        parsed, found = self._read(document, "document")
        names = [_described(node) for node in _operations(parsed)] if parsed else []
        refuse_any(" and ".join(names) or self.name, found)
        assert parsed is not None
        return parsed

    def _read(self, document: str, where: str) -> tuple[gql.DocumentNode | None, list[Breach]]:
        """A document and what is wrong with it; a connector sends the same few again and again."""
        if document not in self._known:
            self._known[document] = self._validated(document)
        parsed, errors = self._known[document]
        return parsed, [_breach(error, where) for error in errors]

    def _validated(self, document: str) -> tuple[gql.DocumentNode | None, list[gql.GraphQLError]]:
        try:
            parsed = gql.parse(document)
        except gql.GraphQLSyntaxError as error:
            return None, [error]
        return parsed, gql.validate(self.schema, parsed)

    def _coerced(self, name: str, meant: gql.OperationDefinitionNode, given: Variables) -> gql.VariableValues:
        declared = {definition.variable.name.value for definition in meant.variable_definitions or ()}
        unknown = [
            Breach(f"variables.{key}", "is not declared by the operation") for key in given if key not in declared
        ]
        values = gql.get_variable_values(self.schema, meant.variable_definitions or (), dict(given))
        errors = values if isinstance(values, list) else []
        refuse_any(name, [*unknown, *(Breach("variables", error.message) for error in errors)])
        assert not isinstance(values, list)
        return values

    def _uses_of_variables(self, meant: gql.OperationDefinitionNode, given: Variables) -> Iterator[coordinates.Use]:
        for definition in meant.variable_definitions or ():
            name = definition.variable.name.value
            kind = gql.type_from_ast(self.schema, definition.type)
            if name in given and gql.is_input_type(kind):
                yield from coordinates.of_value(kind, given[name])

    def _deprecated(self, uses: Collection[coordinates.Use]) -> Iterator[Breach]:
        for coordinate, reason in {use.coordinate: use.deprecated for use in uses}.items():
            if reason is not None and coordinate not in self._allowed:
                yield Breach(coordinate, f"is deprecated: {reason}")

    def _broken_documents(self, uses: Collection[coordinates.Use], values: gql.VariableValues) -> Iterator[Breach]:
        for use in uses:
            if use.coordinate in self._documents and use.node is not None and use.type is not None:
                text = gql.coerce_input_literal(use.node.value, use.type, values)
                parsed, found = self._read(str(text), use.coordinate)
                yield from found
                if parsed is not None and not found:
                    yield from self._deprecated(coordinates.of_document(self.schema, parsed))


@lru_cache(maxsize=4)
def _schema(path: Path) -> gql.GraphQLSchema:
    """One schema, however many contracts differ in what they allow of it: a large one takes half a second."""
    return introspection.schema(path)


def _operations(document: gql.DocumentNode) -> list[gql.OperationDefinitionNode]:
    return [node for node in document.definitions if isinstance(node, gql.OperationDefinitionNode)]


def _meant(document: gql.DocumentNode, operation: str | None) -> gql.OperationDefinitionNode:
    found = _operations(document)
    names = [node.name.value if node.name else "" for node in found]
    if operation is None and len(found) == 1:
        return found[0]
    if operation in names:
        return found[names.index(operation)]
    raise ContractViolation("document", [Breach("operationName", f"{operation!r} is none of {', '.join(names)}")])


def _described(node: gql.OperationDefinitionNode) -> str:
    """The vendor's name of what is asked: the fields at its root."""
    return ", ".join(field.name.value for field in node.selection_set.selections if isinstance(field, gql.FieldNode))


def _breach(error: gql.GraphQLError, where: str) -> Breach:
    spots = [f"{spot.line}:{spot.column}" for spot in error.locations or ()]
    return Breach(" ".join([where, *spots[:1]]), error.message)
