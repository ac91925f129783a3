"""The resources of the admin API, one class per noun; each lists its own routes."""

from __future__ import annotations

from syncd.flow.services import Services
from syncd.web.resources.assets import Assets
from syncd.web.resources.audit import Audit
from syncd.web.resources.authorizations import Authorizations
from syncd.web.resources.backups import Backups
from syncd.web.resources.connections import Connections
from syncd.web.resources.exceptions import Exceptions
from syncd.web.resources.jobs import Jobs
from syncd.web.resources.placements import Placements
from syncd.web.resources.plans import Plans
from syncd.web.resources.resyncs import Resyncs
from syncd.web.resources.revisions import Revisions
from syncd.web.resources.status import Status
from syncd.web.resources.submissions import Submissions
from syncd.web.resources.tokens import Tokens
from syncd.web.resources.versions import Versions
from syncd.web.routing import AnyRoute


def all_routes(services: Services) -> tuple[AnyRoute, ...]:
    """Every operation below `/api/v1`."""
    resources = (
        Status(services), Submissions(services), Assets(services), Versions(services), Placements(services),
        Exceptions(services), Plans(services), Revisions(services), Connections(services), Authorizations(services),
        Resyncs(services), Jobs(services), Audit(services), Backups(services), Tokens(services),
    )  # fmt: skip
    return tuple(route for resource in resources for route in resource.routes())
