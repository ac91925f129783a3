"""The ledger's tables, one module per noun. Importing this package registers all of them."""

from syncd.ledger.tables.asset import Asset, Version
from syncd.ledger.tables.blob import Blob, Pin
from syncd.ledger.tables.connection import Checkpoint, ConnectionState
from syncd.ledger.tables.credential import Credential, PendingAuthorization
from syncd.ledger.tables.document import Document
from syncd.ledger.tables.event import Anchor, Event
from syncd.ledger.tables.exception import ExceptionRecord
from syncd.ledger.tables.inbox import Inbox
from syncd.ledger.tables.job import Job
from syncd.ledger.tables.lane import Lane
from syncd.ledger.tables.listing import Listing, ListingName
from syncd.ledger.tables.meta import Meta
from syncd.ledger.tables.operation import Operation, OperationItem
from syncd.ledger.tables.person import Person
from syncd.ledger.tables.placement import Placement, Receipt
from syncd.ledger.tables.plan import Plan
from syncd.ledger.tables.product import Match, Product
from syncd.ledger.tables.rendition import Intent, PublicName, Rendition
from syncd.ledger.tables.review import Decision, Finding, Round
from syncd.ledger.tables.revision import Revision
from syncd.ledger.tables.rights import AssetConsent, AssetGrant, Consent, Grant
from syncd.ledger.tables.submission import Submission, SubmissionFile
from syncd.ledger.tables.token import Token
from syncd.ledger.tables.work import Counter, Work

__all__ = [
    "Anchor", "Asset", "AssetConsent", "AssetGrant", "Blob", "Checkpoint", "ConnectionState", "Consent", "Counter",
    "Credential", "Decision", "Document", "Event", "ExceptionRecord", "Finding", "Grant", "Inbox", "Intent", "Job",
    "Lane", "Listing", "ListingName", "Match", "Meta", "Operation", "OperationItem", "PendingAuthorization", "Person",
    "Pin", "Placement", "Plan", "Product", "PublicName", "Receipt", "Rendition", "Revision", "Round", "Submission",
    "SubmissionFile", "Token", "Version", "Work",
]  # fmt: skip
