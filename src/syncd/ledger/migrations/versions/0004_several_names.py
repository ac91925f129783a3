"""A listing may have several names of a kind

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("listing_name") as names:
        names.drop_constraint("pk_listing_name", type_="primary")
        names.create_primary_key("pk_listing_name", ["brand", "connection", "listing", "field", "value"])
