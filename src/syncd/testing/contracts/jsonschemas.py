"""Documents that go to or come from a vendor outside its API's requests: a feed that is uploaded, a notification."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from syncd.testing.contracts import files
from syncd.testing.contracts.needed import needed
from syncd.testing.contracts.schemas import FORMATS, why
from syncd.testing.contracts.violation import Breach, place, refuse_any

with needed("jsonschema"):
    from jsonschema.validators import validator_for


class JsonSchemaContract:
    """A JSON Schema of any draft, as the vendor publishes it."""

    def __init__(self, name: str, schema: Any) -> None:
        self.name = name
        self._validator = validator_for(schema)(schema, format_checker=FORMATS)

    @classmethod
    @lru_cache(maxsize=64)
    def load(cls, path: Path) -> JsonSchemaContract:
        """The schema in a JSON or YAML file, gzipped or not; once per process."""
        return cls(path.name, files.parsed(path))

    def check(self, value: Any) -> None:
        """Raises ContractViolation with everything the schema does not allow of a parsed document."""
        errors = self._validator.iter_errors(value)
        refuse_any(self.name, [Breach(place("document", error.absolute_path), why(error)) for error in errors])
