"""What limits have been spent of, where media were seen, complaints with their code, what sources told

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import syncd.ledger.types

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("lane") as lane:
        lane.add_column(sa.Column("spent", syncd.ledger.types.Json, nullable=False, server_default="{}"))
    with op.batch_alter_table("lane") as lane:
        lane.alter_column("spent", server_default=None)
    with op.batch_alter_table("placement") as placement:
        placement.add_column(sa.Column("seen_url", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("placement") as placement:
        placement.alter_column("seen_url", server_default=None)
    with op.batch_alter_table("submission") as submission:
        submission.add_column(sa.Column("note", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("submission") as submission:
        submission.alter_column("note", server_default=None)
    op.execute("UPDATE listing SET issues = '[]'")  # read anew at the next look, now with code and media
