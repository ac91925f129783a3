from __future__ import annotations

import pytest

from syncd.testing.contracts.jsonschemas import JsonSchemaContract
from syncd.testing.contracts.violation import LONGEST, ContractViolation
from tests.unit.testing.contracts.calls import GIVEN

NOTE = JsonSchemaContract.load(GIVEN / "note.schema.json")


def test_documents_that_fit() -> None:
    NOTE.check({"messageId": 1, "at": "2026-11-22T12:00:00Z", "more": True})


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ([], r"document: \[\] is not of type 'object'"),
        ({}, "document: 'messageId' is a required property"),
        ({"messageId": 0}, r"document\.messageId: 0 is less than the minimum of 1"),
        ({"messageId": 1, "at": "soon"}, r"document\.at: 'soon' is not a 'date-time'"),
    ],
)
def test_documents_that_do_not(document: object, told: str) -> None:
    with pytest.raises(ContractViolation, match=f"note.schema.json breaks its contract:\n  {told}"):
        NOTE.check(document)


def test_a_reason_that_repeats_a_long_value_is_cut() -> None:
    with pytest.raises(ContractViolation) as raised:
        NOTE.check({"messageId": "x" * 10_000})
    assert len(str(raised.value)) < LONGEST + 100
