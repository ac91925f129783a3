"""A vendor's contract, held against every request that a test's connector makes and every answer that a fake gives.

A test says which contract its system is under; `syncd.testing.contracts.plugin` does the rest:

    contract = UnderContract("amazon", outside=("POST */auth/o2/token",))

`openapi`, `graphql` and `jsonschemas` hold the three kinds of contract, for use by path and without pytest. They need
`pip install 'syncd[testing]'`.
"""

from syncd.testing.contracts.declaration import UnderContract
from syncd.testing.contracts.violation import Breach, ContractViolation

__all__ = ["Breach", "ContractViolation", "UnderContract"]
