"""JSON Schema of each kind of file, for editors: `# yaml-language-server: $schema=…`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from syncd.config.models.cases import CasesFile
from syncd.config.models.connection import Connection
from syncd.config.reading import MAPPINGS


def schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema (draft 2020-12) by kind: `connection`, `cases`, and each mapping file's name."""
    models: dict[str, type[BaseModel]] = {"connection": Connection, **MAPPINGS, "cases": CasesFile}
    return {
        kind: {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **model.model_json_schema(by_alias=True, mode="validation"),
        }
        for kind, model in models.items()
    }
